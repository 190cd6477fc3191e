"""Designs for a model, a region and a number of runs of one's own: `optimal`."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.doe.design import Design, draw_seed, make_design
from qstats.doe.exchange.basis import Basis
from qstats.doe.exchange.constraints import rules_of
from qstats.doe.exchange.criteria import a_value, covariance, d_efficiency, i_value
from qstats.doe.exchange.exchange import Plan, information
from qstats.doe.exchange.layout import Layout, block_columns, make_layout
from qstats.doe.exchange.moments import moments
from qstats.doe.exchange.region import Region
from qstats.doe.exchange.search import Found, search
from qstats.doe.factor import Factor, as_factors
from qstats.doe.grammar import as_model
from qstats.errors import DesignError

__all__ = ["optimal"]

_SECONDS = 1.0
_REFERENCE = (
    "Meyer and Nachtsheim 1995, Technometrics 37, 60-69 (coordinate exchange); Fedorov 1972, Theory of Optimal "
    "Experiments, section 3.1; Jones and Goos 2012, J. Quality Technology 44, 117 (I); Goos and Vandebroek 2003 "
    "(split-plot)"
)


def optimal(
    factors: object,
    *,
    runs: int,
    model: Any = "quadratic",
    criterion: str = "D",
    constraints: Any = (),
    disallowed: Any = (),
    blocks: Any = None,
    whole_plots: Any = None,
    variance_ratio: float = 1.0,
    augment: Design | None = None,
    starts: int | None = None,
    seconds: float | None = None,
    progress: bool = False,
    rng: Any = None,
) -> Design:
    r"""Find the best runs for a model in the region that is possible, by coordinate exchange from many starts.

    For when no catalogue design fits: an odd number of runs, limits between factors, categories beside ranges, settings
    that are hard to change, runs that exist already. Where a fraction, a Box-Behnken or a definitive screening design
    fits, it protects better against a model that was wrong: an optimal design is optimal for the model it is told.

    Parameters
    ----------
    factors : sequence of Factor, mapping, names or number
        As in every design.
    runs : int
        Runs in all, those of `augment` included.
    model : str, list or Model
        ``"linear"``, ``"interactions"``, ``"quadratic"`` or terms such as ``"speed * glue + speed^2"``.
    criterion : {"D", "I", "A"}
        D: smallest joint region of the coefficients (screening); I: smallest prediction variance on average over the
        region (surfaces, optimisation); A: smallest sum of the variances of the coefficients.
    constraints : text or sequence of texts
        In natural units: ``"2*T + P <= 400"``, ``"if glue == 'B' then T <= 180"``.
    disallowed : sequence of texts or mappings
        Combinations that must not occur: ``{"glue": "B", "T": (180, 200)}`` or ``"glue == 'B' and T >= 180"``.
    blocks : int or sequence of int, optional
        Number or sizes of blocks of the new runs (days, batches), whose differences are eliminated.
    whole_plots : int or sequence of int, optional
        How often factors that are hard to change are set anew, or how many runs each time.
    variance_ratio : float
        With whole plots: variance between them over variance within.
    augment : Design, optional
        Runs that exist and are kept; new ones are added to them.
    starts : int, optional
        So many starts, whatever time they take: the same design for the same `rng` on every machine.
    seconds : float, optional
        Time for the search, 1 where neither this nor `starts` is said; 10 is thorough. One batch is always finished.
    progress : bool
        Show a bar.
    rng : None, int or Generator
        For the search and the run order.

    Returns
    -------
    Design
        With a `certificate` of the search: starts, best and second best value, how often the best was found, seed.

    Raises
    ------
    DesignError
        Too few runs for the model (says how many are needed), no room between the constraints, terms that the region
        cannot tell apart.
    FormulaError
        A model or a constraint that the grammar does not hold.

    Notes
    -----
    D-efficiency is :math:`100\,|X'V^{-1}X|^{1/p}/n` in coded units. The best of many starts is not proven to be the
    optimum: found often, it probably is; found once, give the search more `seconds`. Three of four batches of starts
    begin at the best design with some runs redrawn. Ranges are tried on three levels, then on 21, then between them.

    References
    ----------
    Meyer and Nachtsheim (1995), Technometrics 37(1), 60-69. Jones and Goos (2012), Journal of Quality Technology 44(2),
    117-124. Goos and Vandebroek (2003), Journal of Quality Technology 35(1), 1-15.

    Examples
    --------
    >>> from qstats.doe import optimal
    >>> design = optimal(2, runs=9, starts=64, rng=1)
    >>> round(design.certificate["d_efficiency"], 3)
    46.224
    """
    found = as_factors(factors)
    check_choice(criterion, "criterion", ("D", "I", "A"))
    ratio = check_number(variance_ratio, "variance_ratio", above=0.0)
    starts, seconds = _budget(starts, seconds)
    terms = as_model(model, found)
    region = Region(found, rules_of(constraints, disallowed, found))
    layout = make_layout(found, runs, blocks, whole_plots, augment)
    hard = [j for j, f in enumerate(found) if f.hard_to_change]
    if any(found[j].kind == "mixture" for j in hard):
        raise DesignError("factors: a mixture component that is hard to change is not possible; vary it run by run")
    basis = Basis(terms, found)
    plan = _plan(basis, layout, ratio)
    _check_estimable(basis, region, plan, layout, hard)
    weights, how = moments(basis, region) if criterion == "I" else (np.eye(basis.p), "")
    plan = plan if criterion == "D" else _weighted(plan, weights, basis.p)
    seed = draw_seed(rng)
    bar = _Bar(progress, starts, seconds)
    try:
        result = search(
            basis, region, plan, kept=layout.kept, hard=hard, starts=starts, seconds=seconds, seed=seed,
            bound=_bound(basis, plan, criterion, found), tick=bar,
        )  # fmt: skip
    finally:
        bar.close()
    return _finished(basis, region, plan, layout, result, (criterion, weights, how, seed, ratio))


def _budget(starts: object, seconds: object) -> tuple[int | None, float | None]:
    if starts is not None and (isinstance(starts, bool) or not isinstance(starts, int | np.integer) or starts < 1):
        raise DesignError(f"starts: got {starts!r}; a whole number above 0 is wanted")
    if seconds is None:
        return (None, _SECONDS) if starts is None else (int(starts), None)
    return (None if starts is None else int(starts)), check_number(seconds, "seconds", above=0.0)


def _plan(basis: Basis, layout: Layout, ratio: float) -> Plan:
    split = bool((layout.plot > 0).any())
    columns = block_columns(layout.block)
    return Plan(layout.n, layout.kept.shape[0], columns, layout.plot - 1, ratio if split else 0.0, None)


def _weighted(plan: Plan, weights: FloatArray, p: int) -> Plan:
    """The plan with W of the model's columns; what blocks differ by is not predicted."""
    whole = np.zeros((p + plan.blocks.shape[1],) * 2)
    whole[:p, :p] = weights
    return Plan(plan.n, plan.kept, plan.blocks, plan.plot, plan.ratio, whole)


def _check_estimable(basis: Basis, region: Region, plan: Plan, layout: Layout, hard: list[int]) -> None:
    """Whether enough runs and plots come for the model, and whether the region tells its terms apart."""
    extra = plan.blocks.shape[1]
    needed = basis.p + extra
    if plan.n < needed:
        blocks = f" and {extra + 1} blocks {extra} more" if extra else ""
        raise DesignError(
            f"runs: got {plan.n}; the model has {basis.p} coefficients{blocks}: at least {needed} runs are needed, "
            f"{needed + 3} or more leave something to judge the error by"
        )
    x = basis.rows(region.sample(8 * basis.p + 64, np.random.default_rng(0)))
    scale = np.linalg.norm(x, axis=0)
    lost = _lost(x / np.where(scale > 0.0, scale, 1.0))
    if lost.size:
        raise DesignError(
            f"model: the possible settings cannot tell {', '.join(basis.labels[c] for c in lost[:8])} apart from the "
            "terms before; leave terms out, add levels or widen the region"
        )
    if hard:
        place = basis.parts // basis.q
        one = basis.parts == basis.k * basis.q
        alone = int((np.isin(place, hard) | one).all(axis=0).sum())
        plots = int(np.unique(layout.plot).size)
        if plots < alone:
            raise DesignError(
                f"whole_plots: {plots} came; {alone} coefficients belong to factors hard to change alone: at least "
                f"{alone} whole plots are needed, {alone + 2} or more leave something to judge their error by"
            )


def _lost(x: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Columns that are combinations of those before them."""
    r = np.abs(np.diag(np.linalg.qr(x, mode="r")))
    return np.flatnonzero(r < 1e-8)


def _bound(basis: Basis, plan: Plan, criterion: str, factors: tuple[Factor, ...]) -> float:
    """The largest mean log of the criterion that columns within -1 to 1 allow (Hadamard); infinity where unknown."""
    functions = any(f not in ("", "[") for pieces in basis.pieces for piece in pieces for _, f in piece)
    if functions or plan.ratio > 0.0 or plan.blocks.shape[1] or criterion == "I":
        return math.inf
    return math.log(plan.n) if criterion == "D" else -math.log(basis.p / plan.n)


class _Bar:
    """A bar where one is wanted; tqdm is loaded then only."""

    def __init__(self, shown: bool, starts: int | None, seconds: float | None) -> None:
        self.bar: Any = None
        if shown:
            from tqdm import tqdm

            self.bar = tqdm(total=starts, desc="starts", file=sys.stderr, leave=False)

    def __call__(self, done: int, value: float) -> None:
        if self.bar is not None:
            self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _finished(
    basis: Basis,
    region: Region,
    plan: Plan,
    layout: Layout,
    found: Found,
    how: tuple[str, FloatArray, str, int, float],
) -> Design:
    """The design, verified, in a tidy order and with what the search left."""
    criterion, weights, taken, seed, ratio = how
    if not np.isfinite(found.value):
        raise DesignError(
            f"runs: none of {found.starts} starts gave a design of {plan.n} runs in which every term can be estimated; "
            "allow more runs, drop terms or loosen constraints"
        )
    order = _tidy(found.coded, layout)
    coded = found.coded[order]
    block, plot = layout.block[order], layout.plot[order]
    tidy = Plan(plan.n, plan.kept, block_columns(block), plot - 1, plan.ratio, plan.weights)
    cov = _verified(basis, region, tidy, coded, layout)
    certificate = _certificate(found, criterion, (cov, weights), plan.n, seed)
    notes = _notes(basis, plan, certificate)
    text = f"{criterion}-optimal by coordinate exchange of {found.starts + found.kicks} starts"
    text += f"; {taken}" if taken else ""
    text += f"; {len(region.rules)} constraints" if region.rules else ""
    text += f"; whole plots with variance ratio {ratio:g}" if plan.ratio else ""
    text += f"; {layout.kept.shape[0]} runs kept" if layout.kept.size else ""
    return make_design(
        f"{criterion}-optimal", region.factors, coded, rng=seed, block=block, whole_plot=plot,
        replicate=_replicates(coded, block), model=basis.model.labels, certificate=certificate, method=text,
        reference=_REFERENCE, notes=notes,
    )  # fmt: skip


def _tidy(coded: FloatArray, layout: Layout) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Kept runs as they were, new ones sorted within blocks and plots."""
    m = layout.kept.shape[0]
    keys = [*(coded[m:, j] for j in reversed(range(coded.shape[1]))), layout.plot[m:], layout.block[m:]]
    return np.concatenate([np.arange(m), m + np.lexsort(keys)])


def _replicates(coded: FloatArray, block: np.ndarray[Any, Any]) -> list[int]:
    seen: dict[tuple[float, ...], int] = {}
    out = []
    for row, b in zip(coded.tolist(), block.tolist(), strict=True):
        key = (b, *(round(v, 9) for v in row))
        seen[key] = seen.get(key, 0) + 1
        out.append(seen[key])
    return out


def _verified(basis: Basis, region: Region, plan: Plan, coded: FloatArray, layout: Layout) -> FloatArray:
    """Covariance of the coefficients of a design that is what it claims."""
    new = coded[plan.kept :]
    if not region.inside(new).all():
        raise DesignError("optimal: a run outside the constraints was found; this is a fault, please report it")
    if plan.kept and not np.array_equal(coded[: plan.kept], layout.kept):
        raise DesignError("optimal: a kept run was changed; this is a fault, please report it")
    for j, f in enumerate(region.factors):
        if f.hard_to_change and any(np.unique(coded[plan.plot == w, j]).size > 1 for w in set(plan.plot.tolist())):
            raise DesignError(f"optimal: {f.name!r} changes within a whole plot; this is a fault, please report it")
    rows = np.concatenate([basis.rows(coded), plan.blocks], axis=1)
    if np.linalg.matrix_rank(rows) < rows.shape[1]:
        raise DesignError("optimal: the design found is singular; allow more runs or more seconds")
    return covariance(information(rows, plan), basis.p)


def _certificate(
    found: Found, criterion: str, held: tuple[FloatArray, FloatArray], n: int, seed: int
) -> dict[str, Any]:
    cov, weights = held
    d = d_efficiency(cov, n)
    value = {"D": d, "A": a_value(cov), "I": i_value(cov, weights)}[criterion]
    second, often = found.trace()
    if second is not None:
        # the search compares mean logs of one criterion: their differences are ratios of its values
        second = value * math.exp(second - found.on_grid if criterion == "D" else found.on_grid - second)
    return {
        "criterion": criterion, "best": value, "second_best": second, "how_often_found": often,
        "starts": found.starts, "starts_from_best": found.kicks, "ended_by": found.ended,
        "seconds": found.seconds, "seed": seed, "d_efficiency": d,
    }  # fmt: skip


def _notes(basis: Basis, plan: Plan, certificate: dict[str, Any]) -> tuple[Note, ...]:
    notes = []
    if plan.n == basis.p + plan.blocks.shape[1]:
        message = "as many runs as coefficients: nothing is left to judge the error by; add runs"
        notes.append(Note("saturated", "warning", message))
    if certificate["how_often_found"] < 2 and certificate["ended_by"] != "bound":
        message = (
            "the best value came from few starts: a better design may exist; allow more seconds "
            f"({certificate['starts']} starts so far)"
        )
        notes.append(Note("search-unsettled", "info", message))
    return tuple(notes)
