"""Dispersion effects: `dispersion_effects`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.doe.contrasts.columns import contrasts_of, two_level_signs
from qstats.doe.contrasts.door import effects
from qstats.doe.contrasts.repeats import cells
from qstats.doe.design import draw_seed
from qstats.doe.exchange.basis import Basis
from qstats.doe.exchange.layout import block_columns
from qstats.doe.fitting.kernels.linear import fit_linear
from qstats.doe.grammar import as_model, parse_model, planned_model
from qstats.doe.observed import Observed, observed
from qstats.doe.spread.joint import fit_joint, null_ratios
from qstats.doe.spread.reference import DRAWS, judge, simulate
from qstats.doe.spread.replicated import cell_ratios, repeats_of
from qstats.doe.spread.result import DispersionEffects
from qstats.doe.spread.unreplicated import half_ratios, residual_ratios
from qstats.doe.terms import Model
from qstats.errors import DataError, DesignError, TooFewData

__all__ = ["dispersion_effects"]

_METHODS = ("auto", "box-meyer", "bergman-hynen", "log-variance", "levene", "joint")
_FITS = 499  # simulated joint fits: about a second
_SOURCES = {
    "box-meyer": "Box and Meyer 1986, Technometrics 28, 19-27",
    "bergman-hynen": "Bergman and Hynen 1997, Technometrics 39, 191-198",
    "log-variance": "Bartlett and Kendall 1946, Supplement to J. R. Stat. Soc. 8, 128-138",
    "levene": "Brown and Forsythe 1974, J. American Statistical Association 69, 364-367",
    "joint": "Smyth and Verbyla 1999, Environmetrics 10, 695-709; Smyth 2002, J. Comp. Graph. Statistics 11, 836-847",
}


@dataclass(frozen=True, slots=True)
class _Ask:
    """What was asked for."""

    model: Any
    dispersion: Any
    order: int | None
    confidence: float
    seed: int


def dispersion_effects(
    design: Any,
    response: Any,
    *,
    model: Any = None,
    method: str = "auto",
    dispersion: Any = None,
    order: int | None = None,
    confidence: float = 0.95,
    rng: Any = 1986,
    name: str | None = None,
) -> DispersionEffects:
    r"""Tell which factors change the spread of the response, not its mean.

    Use it to make a process steady: a factor with a dispersion effect is set where the variance is small, and another
    brings the mean back. Repeats at every setting tell most; from single runs only strong effects show, and only as
    far as the model of the mean is right.

    Parameters
    ----------
    design : Design or RunRecord
    response : array-like of shape (n,), or str
        Results in standard order, NaN where there is none; of a record the name of the response.
    model : str, list or Model, optional
        Model of the mean. Unsaid: for ``"box-meyer"`` and ``"bergman-hynen"`` the contrasts `effects` finds
        significant; for ``"joint"`` what the design was made for. Repeated settings have a mean each: none is taken.
    method : {"auto", "box-meyer", "bergman-hynen", "log-variance", "levene", "joint"}
        ``"auto"``: ``"log-variance"`` if every setting was repeated, else ``"box-meyer"``.

        - ``"box-meyer"``: ln of the ratio of the variances of residuals at high and low; p against simulated
          experiments of one variance.
        - ``"bergman-hynen"``: the mean is fitted to each half by itself; the F test is then exact.
        - ``"log-variance"``: contrasts of ln s2 of each setting, weighted; p against simulated experiments.
        - ``"levene"``: the same of mean absolute deviations from the median: less moved by outliers.
        - ``"joint"``: models of mean and log variance together, for any design.
    dispersion : str, list or Model, optional
        Model of the log variance, for ``"joint"``: main effects unsaid.
    order : int, optional
        Contrasts up to this order are looked at, as in `effects`; not for ``"joint"``.
    confidence : float
        Of the intervals, each by itself.
    rng : None, int or Generator
        Seed of the simulated reference; fixed unless told.
    name : str, optional
        What a response is called that comes as an array; a record and a pandas Series bring a name.

    Returns
    -------
    DispersionEffects

    Raises
    ------
    DesignError, DataError, TooFewData
        Factors without two levels (except ``"joint"``), no residuals left, options that do not go together.
    NoConvergence
        A joint model that fits some setting exactly.

    Notes
    -----
    Effects are ln of the variance at +1 over that at -1. :math:`\ln s^2` is weighted by the reciprocal of its variance
    :math:`\psi'(\nu/2)` and cleared of its bias :math:`\psi(\nu/2) - \ln(\nu/2)`. Simulated intervals are the effect
    -/+ the size that effects of no dispersion pass with chance 1 - confidence. The joint fit is by restricted
    maximum likelihood; coefficients over standard errors are judged against the same of 499 simulated experiments,
    since the normal table takes one in five for significant, not one in twenty, in 16 runs. Two active
    contrasts left out of the model of the mean make a false dispersion effect at their product (Pan 1999): look at
    `effects` before believing one.

    References
    ----------
    Box and Meyer (1986), Technometrics 28, 19-27. Bergman and Hynen (1997), Technometrics 39, 191-198. Pan (1999),
    Technometrics 41. Smyth and Verbyla (1999), Environmetrics 10, 695-709.

    Examples
    --------
    >>> from qstats.doe import fractional_factorial
    >>> from qstats.doe.spread.door import dispersion_effects
    >>> defects = [5, 11, 3.5, 9, 0.5, 8, 1.5, 9.5, 6, 12.5, 8, 15.5, 1, 6, 5, 5]
    >>> held = dispersion_effects(fractional_factorial(4, runs=16, rng=1), defects, model="A + C")
    >>> round(held.effect("B"), 3), held.significant_labels
    (2.386, ('B',))
    """
    held = observed(design, response, name)
    check_choice(method, "method", _METHODS)
    ask = _Ask(model, dispersion, order, check_confidence(confidence), draw_seed(rng))
    if held.design.split_plot:
        raise DesignError("design: it is a split-plot, with two errors; dispersion effects are of independent runs")
    if method == "auto":
        method = "log-variance" if _repeated(held) else "box-meyer"
    _check_options(method, ask)
    if method == "joint":
        return _joint(held, ask)
    if method in ("log-variance", "levene"):
        return _by_repeats(held, ask, method)
    return _by_residuals(held, ask, method)


def _check_options(method: str, ask: _Ask) -> None:
    if method == "joint" and ask.order is not None:
        raise DataError("order: method 'joint' takes the terms of dispersion=, not an order")
    if method != "joint" and ask.dispersion is not None:
        raise DataError(f"dispersion: method {method!r} takes order=; a dispersion model is for method='joint'")
    if method in ("log-variance", "levene") and ask.model is not None:
        raise DataError(f"model: method {method!r} gives each repeated setting its own mean; leave model out")


def _repeated(held: Observed) -> bool:
    rows = held.present & ~held.center
    return bool(rows.any()) and int(np.bincount(cells(held.design.coded[rows])).min()) > 1


# ---- from residuals and from repeats ----


def _by_residuals(held: Observed, ask: _Ask, method: str) -> DispersionEffects:
    rows = held.present & ~held.center
    signs, labels, aliases = _contrasts(held, ask)
    x, names = _location(held, ask, rows)
    y = held.y[rows]
    shown = fit_linear(x, y)
    if shown.df < 1 or not shown.sigma > 0.0:
        raise TooFewData("model: it fits every run exactly, so nothing tells of spread; fewer terms are wanted")
    more: dict[str, Any] = {
        "location_labels": names, "location": shown.coefficients,
        "location_error": shown.standard_errors(np.eye(len(names))),
    }  # fmt: skip
    if method == "bergman-hynen":
        ratio = half_ratios(x, signs, y, labels, ask.confidence)
        limits = Intervals(frozen_array(ratio.low), frozen_array(ratio.high), ask.confidence)
        tested = (ratio.effects, limits, ratio.pvalue, None)
        return _result(held, ask, method, (labels, aliases), tested, (rows, 0), more)
    statistic = residual_ratios(x, signs)
    found = statistic((y - y.mean())[None, :])[0]
    _check_finite(found, labels)
    return _simulated(held, ask, method, (labels, aliases), (found, simulate(statistic, y.size, DRAWS, ask.seed)), more)


def _by_repeats(held: Observed, ask: _Ask, method: str) -> DispersionEffects:
    rows = held.present & ~held.center
    signs, labels, aliases = _contrasts(held, ask)
    cell = cells(held.design.coded[rows])
    repeats = repeats_of(cell, np.asarray(held.design.block[rows]))
    _, first = np.unique(cell, return_index=True)
    statistic = cell_ratios(repeats, signs[first], levene=method == "levene")
    y = held.y[rows]
    y = (y - y.mean()) / max(float(np.ptp(y)), 1e-300)
    left = y @ repeats.maker
    if any(float(np.ptp(left[cell == c])) <= 1e-12 for c in range(first.size)):
        raise DataError(
            "response: repeats of some setting are equal, so ln s2 does not exist; measure finer, or 'joint'"
        )
    found = statistic(y[None, :])[0]
    _check_finite(found, labels)
    none = {"location_labels": (), "location": np.empty(0), "location_error": np.empty(0)}
    return _simulated(held, ask, method, (labels, aliases), (found, simulate(statistic, y.size, DRAWS, ask.seed)), none)


def _check_finite(found: FloatArray, labels: tuple[str, ...]) -> None:
    if not np.isfinite(found).all():
        bad = labels[int(np.argmin(np.isfinite(found)))]
        raise DataError(f"response: at one setting of {bad} nothing varies; the ratio of variances does not exist")


def _contrasts(held: Observed, ask: _Ask) -> tuple[FloatArray, tuple[str, ...], tuple[str, ...]]:
    if ask.order is not None and (isinstance(ask.order, bool) or not isinstance(ask.order, int) or ask.order < 1):
        raise DataError(f"order: got {ask.order!r}; a whole number of 1 or more is wanted")
    k = len(held.design.factors)
    every = contrasts_of(held, two_level_signs(held), None if ask.order is None else min(ask.order, k), min(2, k))
    signs = every.x[held.present[~held.center]]
    sides = np.minimum((signs > 0).sum(axis=0), (signs < 0).sum(axis=0))
    if int(sides.min()) < 2:
        bad = every.labels[int(np.argmin(sides))]
        raise TooFewData(f"response: fewer than two results at one setting of {bad}; a variance wants two")
    return signs, every.labels, every.aliases


def _location(
    held: Observed, ask: _Ask, rows: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[FloatArray, tuple[str, ...]]:
    """Columns of the model of the mean with those of blocks, and their names."""
    factors = held.design.factors
    if ask.model is not None:
        terms = as_model(ask.model, factors)
    else:
        found = effects(held.design, held.y, order=ask.order).significant_labels
        terms = parse_model(" + ".join(("1", *found)), factors)
    return _columns(held, terms, rows)


def _columns(
    held: Observed, terms: Model, rows: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[FloatArray, tuple[str, ...]]:
    basis = Basis(terms, held.design.factors)
    blocks = block_columns(held.design.block[rows])
    x = np.concatenate([basis.rows(np.asarray(held.design.coded[rows])), blocks], axis=1)
    return x, (*basis.labels, *(f"block[{b}]" for b in np.unique(held.design.block[rows])[1:].tolist()))


# ---- mean and variance together ----


def _joint(held: Observed, ask: _Ask) -> DispersionEffects:
    design, rows = held.design, held.present
    factors = design.factors
    terms = planned_model(design.model, factors) if ask.model is None else as_model(ask.model, factors)
    spread = as_model("linear" if ask.dispersion is None else ask.dispersion, design.factors)
    if not spread.intercept:
        raise DataError("dispersion: its model has no constant; add one")
    x, names = _columns(held, terms, rows)
    basis = Basis(spread, design.factors)
    keep = [i for i, label in enumerate(basis.labels) if label != "1"]
    if not keep:
        raise DataError("dispersion: its model is a constant; a term is wanted")
    z = basis.rows(np.asarray(design.coded[rows]))
    fit = fit_joint(x, z, held.y[rows])
    estimate = 2.0 * fit.dispersion[keep]
    error = 2.0 * np.sqrt(np.diag(fit.dispersion_covariance)[keep])
    judged = judge(estimate / error, null_ratios(x, z, _FITS, ask.seed)[:, keep], ask.confidence)
    reach = judged.reach * error
    labels = tuple(basis.labels[i] for i in keep)
    limits = Intervals(frozen_array(estimate - reach), frozen_array(estimate + reach), ask.confidence)
    more = {
        "location_labels": names, "location": fit.mean, "location_error": np.sqrt(np.diag(fit.mean_covariance)),
    }  # fmt: skip
    return _result(
        held,
        ask,
        "joint",
        (labels, labels),
        (estimate, limits, judged.pvalue, judged.pvalue_simultaneous),
        (rows, _FITS),
        more,
    )


# ---- the answer ----


def _simulated(
    held: Observed, ask: _Ask, method: str, names: tuple[tuple[str, ...], tuple[str, ...]],
    numbers: tuple[FloatArray, FloatArray], more: dict[str, Any],
) -> DispersionEffects:  # fmt: skip
    found, null = numbers
    judged = judge(found, null, ask.confidence)
    limits = Intervals(frozen_array(found - judged.reach), frozen_array(found + judged.reach), ask.confidence)
    tested = (found, limits, judged.pvalue, judged.pvalue_simultaneous)
    return _result(held, ask, method, names, tested, (held.present & ~held.center, null.shape[0]), more)


def _result(
    held: Observed, ask: _Ask, method: str, names: tuple[tuple[str, ...], tuple[str, ...]],
    tested: tuple[FloatArray, Intervals, FloatArray, FloatArray | None], used: tuple[Any, int], more: dict[str, Any],
) -> DispersionEffects:  # fmt: skip
    found, limits, p, whole = tested
    rows, draws = used
    more = {k: v if k == "location_labels" else frozen_array(v) for k, v in more.items()}
    with np.errstate(over="ignore"):
        factor = np.exp(found)
    outside = (limits.low > 0.0) | (limits.high < 0.0)
    return DispersionEffects(
        response=held.name, labels=names[0], aliases=names[1], effects=frozen_array(found),
        factor=frozen_array(factor), interval=limits, pvalue=frozen_array(p),
        pvalue_simultaneous=None if whole is None else frozen_array(whole), significant=frozen_array(outside, np.bool_),
        confidence=ask.confidence, runs=int(rows.sum()), draws=draws, seed=ask.seed if draws else None,
        method=method, reference=_SOURCES[method], notes=_notes(held, method), **more,
    )  # fmt: skip


def _notes(held: Observed, method: str) -> tuple[Note, ...]:
    notes = []
    if lost := int((~held.present).sum()):
        notes.append(Note("missed-runs", "warning", f"{lost} run(s) without a result are left out"))
    if method in ("box-meyer", "bergman-hynen"):
        text = (
            "from single runs: two active contrasts left out of the model of the mean look like a dispersion effect at "
            "their product; confirm with repeats at the settings that matter"
        )
        notes.append(Note("location-first", "warning", text))
    if method == "box-meyer":
        text = "intervals and simultaneous p hold if at most this one factor changes the spread"
        notes.append(Note("one-at-a-time", "info", text))
    return tuple(notes)
