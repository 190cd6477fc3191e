"""From a laid-out study to variance components, by whichever method fits the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf
from qstats._core.result import FrozenMapping
from qstats.errors import DataError
from qstats.inference.resample import as_generator, check_resamples
from qstats.msa.gauge.anova import AnovaTable, crossed_anova, nested_anova
from qstats.msa.gauge.average_range import average_range
from qstats.msa.gauge.components import ByDraws, ByMeanSquares, ByProfile, Engine
from qstats.msa.gauge.door import GaugeData, IntArray
from qstats.msa.gauge.layout import Layout
from qstats.msa.gauge.mls import MeanSquares, redrawn
from qstats.msa.gauge.reml import Reml, RemlFit, prepare

__all__ = ["Fit", "Plan", "fit_study"]

_FEW = 6  # operators from which the likelihood ratio is close to its chi-square
_NONE: FrozenMapping[str, AnovaTable] = FrozenMapping({})


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How the study is to be analysed; the options of `gauge_rr`, checked."""

    method: str
    pool: float | str
    interval: str
    confidence: float
    constants: str
    rng: object

    @property
    def tail(self) -> float:
        """Error on each side of an interval."""
        return 0.5 * (1.0 - self.confidence)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Untruncated components, the engine of their intervals, and how they were got."""

    raw: Mapping[str, float]
    engine: Engine
    anova: FrozenMapping[str, AnovaTable]
    interaction_pvalue: float | None
    pooled: bool
    pooling: str
    interval_method: str
    resamples: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()


def fit_study(data: GaugeData, layout: Layout, plan: Plan) -> Fit:
    """Return the components by analysis of variance, by ranges, or by REML where the data are not balanced."""
    expanded = [name for name in data.codes if name not in ("part", "operator")]
    if plan.method == "average_range":
        return _by_ranges(data, layout, plan, expanded)
    if plan.method == "reml" or expanded or not layout.repeats:
        fit = _by_reml(data, layout, plan, expanded)
        if plan.method == "anova":
            why = "further factors" if expanded else "cells of unequal size or empty"
            note = Note("reml-instead", "info", f"{why}: restricted maximum likelihood in place of the ANOVA table")
            fit = replace(fit, notes=(*fit.notes, note))
        return fit
    return _by_anova(data, layout, plan)


def _from_squares(squares: MeanSquares, plan: Plan) -> tuple[dict[str, float], Engine, str, int]:
    raw = {name: float(c @ squares.ms) for name, c in squares.coefficients.items()}
    if plan.interval == "bootstrap":
        resamples = check_resamples(None, plan.tail, plan.tail)
        draws = redrawn(squares, resamples, as_generator(plan.rng))
        return raw, ByDraws(draws, plan.tail), "generalized, by parametric bootstrap of the mean squares", resamples
    if plan.interval == "profile":
        raise DataError("interval: got 'profile', which goes with method='reml'; use 'mls' or 'bootstrap'")
    return raw, ByMeanSquares(squares, plan.tail), "modified large sample (MLS)", 0


def _by_anova(data: GaugeData, layout: Layout, plan: Plan) -> Fit:
    cube = layout.cube(data.y)
    found = nested_anova(cube) if layout.kind == "nested" else crossed_anova(cube, plan.pool)
    raw, engine, how, resamples = _from_squares(found.squares, plan)
    return Fit(
        raw,
        engine,
        found.tables,
        found.interaction_pvalue,
        found.pooled,
        _pooling_words(layout, plan.pool, found.interaction_pvalue, found.pooled, "F test"),
        how,
        resamples,
        f"analysis of variance, {layout.kind}, all effects random",
        "AIAG MSA 4th ed., appendix A; Burdick, Borror & Montgomery (2005), Design and Analysis of Gauge R&R Studies",
    )


def _pooling_words(layout: Layout, pool: float | str, p: float | None, pooled: bool, test: str) -> str:
    if layout.kind == "nested":
        return "none in a nested study: each part was measured by one operator"
    if layout.operators == 1:
        return "none with one operator"
    if int(layout.count.max()) == 1:
        return "not separable from repeatability: one measurement per part and operator"
    did = "pooled with repeatability" if pooled else "kept"
    if p is None:
        return f"{did}: neither it nor the repeatability shows any variation"
    if isinstance(pool, str):
        return f"{did}, as asked (p {p:.3g}, {test})"
    return f"{did}: p {p:.3g} ({test}) is {'above' if p > pool else 'not above'} {pool:g}"


def _by_ranges(data: GaugeData, layout: Layout, plan: Plan, expanded: Sequence[str]) -> Fit:
    if expanded:
        raise DataError("factors: the average-and-range method takes parts and operators only; use method='anova'")
    if layout.kind == "nested" or layout.repeats < 2:
        raise DataError(
            "method: average_range wants every operator to measure every part equally often, twice or more; "
            "use method='anova', which turns to REML where cells differ"
        )
    squares = average_range(layout.cube(data.y), plan.constants)
    raw, engine, how, resamples = _from_squares(squares, plan)
    constants = "exact constants" if plan.constants == "exact" else "constants of four decimals"
    return Fit(
        raw,
        engine,
        _NONE,
        None,
        False,
        "not estimated by the average-and-range method; use method='anova' to see it",
        f"{how}, ranges as scaled chi with Patnaik's degrees of freedom",
        resamples,
        f"average and range, {constants}",
        "AIAG MSA 4th ed. (2010), chapter III section B; d2* of Duncan",
    )


def _by_reml(data: GaugeData, layout: Layout, plan: Plan, expanded: Sequence[str]) -> Fit:
    if plan.interval not in ("auto", "profile"):
        raise DataError(
            f"interval: got {plan.interval!r}, which needs balanced mean squares; this study is analysed by REML: use "
            "'profile' or 'auto'"
        )
    mains, notes = _mains(data, layout, expanded)
    terms, inner = _terms(mains, data.y.size, bool(expanded))
    reml = prepare(data.y, list(terms.values()))
    names = ("repeatability", *terms)
    full = reml.fit()
    if not reml.shows_error(full):
        raise DataError(
            "data: repeated measurements never differ, so the likelihood has no maximum; the gauge reads too coarsely "
            "(or the values were rounded): record more digits"
        )
    use, fit, pvalues = _prune(reml, full, [names.index(t) for t in inner], plan.pool)
    raw = {names[i]: float(fit.variance[i]) * reml.scale for i in use}
    dropped = [names[i] for i in range(len(names)) if i not in use]
    shown = {names[i]: p for i, p in pvalues.items()}
    words = _reml_words(layout, plan.pool, shown, dropped, bool(expanded))
    order = [names[i] for i in use]
    return Fit(
        raw,
        ByProfile(reml.only(use), RemlFit(fit.variance[use], fit.deviance), tuple(order), plan.tail),
        _NONE,
        shown.get("interaction"),
        bool(dropped),
        words,
        "profile of the restricted likelihood",
        0,
        f"restricted maximum likelihood (REML), {'expanded' if expanded else layout.kind}, all effects random",
        "Searle, Casella & McCulloch (1992), Variance Components, Wiley, chapters 6 and 8",
        notes,
    )


def _mains(data: GaugeData, layout: Layout, expanded: Sequence[str]) -> tuple[dict[str, IntArray], tuple[Note, ...]]:
    """Return the main effects that vary, and what is to be said about those that do not or hardly do."""
    mains, notes = {"part": layout.part}, []
    if layout.operators > 1:
        mains["operator"] = layout.operator
    for name in expanded:
        if len(data.labels[name]) > 1:
            mains[name] = data.codes[name]
        else:
            notes.append(Note("one-level", "warning", f"{name} has one level only: its variation cannot be seen"))
    if 1 < layout.operators < _FEW:
        text = f"{layout.operators} operators: likelihood intervals hold a few per cent less than their confidence"
        notes.append(Note("profile-few-operators", "info", text))
    return mains, tuple(notes)


def _reml_words(
    layout: Layout, pool: float | str, pvalues: Mapping[str, float], dropped: Sequence[str], expanded: bool
) -> str:
    test = "restricted likelihood ratio"
    if not expanded:
        return _pooling_words(layout, pool, pvalues.get("interaction"), bool(dropped), test)
    words = ", ".join(f"{n} {'pooled' if n in dropped else 'kept'} (p {p:.3g})" for n, p in pvalues.items())
    return f"{test}: {words}" if words else "no combination of factors can be estimated"


def _terms(mains: Mapping[str, IntArray], n: int, expanded: bool) -> tuple[dict[str, IntArray], list[str]]:
    """Return main effects and those two-factor combinations that split the measurements in a way of their own."""
    terms = dict(mains)
    inner = []
    for a, b in combinations(mains, 2):
        codes = np.unique(mains[a] * (int(mains[b].max()) + 1) + mains[b], return_inverse=True)[1].reshape(-1)
        levels = int(codes.max()) + 1
        if levels == n or any(_same_split(codes, levels, other) for other in terms.values()):
            continue
        name = f"{a} x {b}" if expanded else "interaction"
        terms[name] = codes
        inner.append(name)
    return terms, inner


def _same_split(codes: IntArray, levels: int, other: IntArray) -> bool:
    size = int(other.max()) + 1
    return levels == size and np.unique(codes * size + other).size == size


def _prune(
    reml: Reml, full: RemlFit, inner: Sequence[int], pool: float | str
) -> tuple[list[int], RemlFit, dict[int, float]]:
    """Take out the combinations that the rule pools, the least needed first; return what is left and the p-values."""
    use, fit = list(range(reml.terms)), full
    pvalues: dict[int, float] = {}
    left = list(inner)
    while left:
        tried = {}
        for i in left:
            smaller = [j for j in use if j != i]
            tried[i] = reml.fit(np.where(np.arange(reml.terms) == i, 0.0, fit.variance), use=smaller)
        found = {i: _boundary_p(tried[i].deviance - fit.deviance) for i in left}
        pvalues |= found
        worst = max(left, key=lambda i: found[i])
        if pool == "never" or (not isinstance(pool, str) and not found[worst] > pool):
            break
        use, fit = [j for j in use if j != worst], tried[worst]
        left.remove(worst)
    return use, fit, pvalues


def _boundary_p(statistic: float) -> float:
    """Return the p-value of a variance tested against zero: an even mixture of zero and chi-square with one df."""
    return 1.0 if statistic <= 1e-8 else 0.5 * float(chi2_sf(statistic, 1.0))
