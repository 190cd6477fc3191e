"""Compare two rates from counts period by period when they scatter more than Poisson."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_counts, as_exposure
from qstats._core.blocks import block_edges
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import ALTERNATIVES, Comparison, Comparisons, tails
from qstats.inference.means.rows import in_lines
from qstats.inference.nb_fits import free_fit, limit, signed_root, tied_fit
from qstats.inference.nb_kernels import Pairs
from qstats.inference.pairs import Found, count_note
from qstats.inference.quasi_poisson import LineCounts, checked_lines, no_event_notes, quasi_poisson_lines
from qstats.inference.rate_kernels import critical, score_pvalue
from qstats.inference.rates import compare_rates

__all__ = ["compare_overdispersed_rates"]

_Periods = np.ndarray[tuple[int], np.dtype[Any]] | Sequence[float]
_MODELS = ("quasi-poisson", "negative-binomial")
_NB_SOURCE = "Lawless (1987), Canadian Journal of Statistics 15, 209-225"
_NB_TEXT = "negative binomial (NB2), signed root of the likelihood ratio, t"
_FEW = 5  # periods per group under which the scatter is hardly known
_CELLS = 1 << 15  # entries of a block: a dozen temporaries of this length stay in a second-level cache
_TABLE = 32  # rows per pair that tables of counts take beside the periods, or so


class _Phase(NamedTuple):
    """Counts and exposures of one group's periods."""

    y: FloatArray
    t: FloatArray


class _Fitted(NamedTuple):
    """What is found for each pair: logs of ratios, alpha, and the shift of both log rates from the plain rates."""

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    z: FloatArray
    alpha: FloatArray
    shift: FloatArray


def _fitted(a: LineCounts, b: LineCounts, which: Any, null: float, critical_values: tuple[float, float]) -> _Fitted:
    """Fit the pairs `which`, block by block: temporaries stay in cache however many there are."""
    n = which.size
    estimate, low, high, z, alpha = np.empty((5, n))
    out = _Fitted(estimate, low, high, z, alpha, np.empty((2, n)))
    plain = np.log(a.y[which] / a.t[which]) - np.log(b.y[which] / b.t[which])
    for i, j in block_edges(n, max(1, _CELLS // (a.periods + b.periods + _TABLE))):
        lines = which[i:j]
        pairs = Pairs.of(a.counts[lines], a.exposures[lines], b.counts[lines], b.exposures[lines])
        top, asked = free_fit(pairs), math.log(null) - plain[i:j]
        out.z[i:j] = signed_root(top, tied_fit(pairs, asked), asked)
        out.low[i:j] = limit(pairs, top, critical_values[0], -1.0)
        out.high[i:j] = limit(pairs, top, critical_values[1], 1.0)
        out.estimate[i:j], out.alpha[i:j], out.shift[:, i:j] = top.shift[0] - top.shift[1], top.alpha, top.shift
    for v in (out.estimate, out.low, out.high):
        v += plain
    return out


def _negative_binomial(
    a: LineCounts, b: LineCounts, null: float, confidence: float, alternative: str
) -> tuple[Found, _Fitted]:
    """Return ratios, limits, p-values and notes; lines without any event say nothing."""
    some = a.y + b.y > 0
    if one := int(np.count_nonzero(some & ((a.y == 0.0) | (b.y == 0.0)))):
        where = "in one group" if some.size == 1 else f"in one group of {one} of {some.size} lines"
        raise DataError(
            f"counts: no event {where}; a likelihood ratio is far too sure of itself there: use model='quasi-poisson'"
            + ("" if some.size == 1 else " for these")
        )
    n, at = some.size, np.flatnonzero(some)
    estimate, low, high, p, z = np.full(n, math.nan), np.zeros(n), np.full(n, math.inf), np.ones(n), np.zeros(n)
    df = float(a.periods + b.periods - 2)
    below, above = tails(alternative, confidence)
    cut = (critical(below, df), critical(above, df)) if at.size else (math.inf, math.inf)
    fit = _fitted(a, b, at, null, cut)
    with np.errstate(over="ignore"):  # an upper limit beyond float64 is an open one
        estimate[at], low[at], high[at] = np.exp(fit.estimate), np.exp(fit.low), np.exp(fit.high)
    z[at] = fit.z
    if at.size:
        p[at] = score_pvalue(fit.z, df, alternative)
    plain = np.zeros(n, dtype=bool)
    plain[at] = fit.alpha == 0.0
    return Found(estimate, low, high, p, z, _remarks(~some, plain, min(a.periods, b.periods))), fit


def _remarks(empty: Any, plain: Any, few: int) -> tuple[Note, ...]:
    if empty.all():
        return no_event_notes(empty)
    notes = count_note(
        "underdispersed", "info", plain,
        "no more scatter than Poisson: fitted as Poisson, too little scatter does not narrow the interval",
        "pairs have no more scatter than Poisson: fitted as Poisson, too little scatter does not narrow the interval",
    )  # fmt: skip
    if few < _FEW:
        text = f"{few} periods in a group: the scatter between periods is hardly known; collect more"
        notes = (*notes, Note("few-periods", "warning", text))
    return (*no_event_notes(empty), *notes)


def _one(phases: tuple[_Phase, _Phase], null: float, confidence: float, alternative: str) -> Comparison:
    """Return the comparison of one pair."""
    a, b, _ = checked_lines(*(v[np.newaxis] for phase in phases for v in phase))
    found, fit = _negative_binomial(a, b, null, confidence, alternative)
    interval, empty = Interval(float(found.low[0]), float(found.high[0]), confidence), not fit.alpha.size
    seen = np.exp(fit.shift).T * np.column_stack((a.y / a.t, b.y / b.t))
    rates = (0.0, 0.0) if empty else (float(seen[0, 0]), float(seen[0, 1]))
    df = float(a.periods + b.periods - 2)
    return Comparison(
        "rate_ratio", float(found.estimate[0]), interval, float(found.pvalue[0]), alternative, null,
        None if empty else float(fit.z[0]), (float(a.y[0]), float(b.y[0])),
        _NB_TEXT if empty else f"{_NB_TEXT}; alpha {fit.alpha[0]:.3g}", _NB_SOURCE, found.notes, rates,
        None if empty else df,
    )  # fmt: skip


def _lines(a: LineCounts, b: LineCounts, null: float, confidence: float, alternative: str) -> Comparisons:
    """Return the comparison of each line."""
    found, _ = _negative_binomial(a, b, null, confidence, alternative)
    assert found.statistic is not None  # always given above
    return Comparisons(
        "rate_ratio", frozen_array(found.estimate),
        Intervals(frozen_array(found.low), frozen_array(found.high), confidence), frozen_array(found.pvalue),
        alternative, null, frozen_array(found.statistic), frozen_array(np.column_stack([a.y, b.y])), _NB_TEXT,
        _NB_SOURCE, found.notes,
    )  # fmt: skip


def _pearson(phases: tuple[_Phase, _Phase]) -> tuple[float, int]:
    """Return Pearson's chi-square around each phase's own rate, and its df; a phase without events tells nothing."""
    chi2, df = 0.0, 0
    for y, t in phases:
        if y.any():
            expected = y.sum() / t.sum() * t
            chi2 += float(((y - expected) ** 2 / expected).sum())
            df += y.size - 1
    return chi2, df


def _phase(counts: object, exposure: object, suffix: str) -> _Phase:
    y = as_counts(counts, f"counts{suffix}", missing="never")
    return _Phase(y, as_exposure(exposure, f"exposure{suffix}", y.size, missing="never"))


@overload
def compare_overdispersed_rates(
    counts: _Periods, exposure: npt.ArrayLike, counts0: _Periods, exposure0: npt.ArrayLike, *, model: str = ...,
    effect: str = ..., null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_overdispersed_rates(
    counts: npt.ArrayLike, exposure: npt.ArrayLike, counts0: npt.ArrayLike, exposure0: npt.ArrayLike, *,
    model: str = ..., effect: str = ..., null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_overdispersed_rates(
    counts: npt.ArrayLike,
    exposure: npt.ArrayLike,
    counts0: npt.ArrayLike,
    exposure0: npt.ArrayLike,
    *,
    model: str = "quasi-poisson",
    effect: str = "rate_ratio",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison | Comparisons:
    r"""Tell whether a rate changed when monthly (weekly, daily) counts scatter more than chance alone would make them.

    Use it with the counts of each period: complaints come in clusters, and a test that takes them for Poisson calls
    nothing "improved" far too often (14.5 % instead of 2.5 % at four times the Poisson variance). Not for totals
    without periods (`compare_rates`), and not where periods depend on each other or drift: both models take them for
    independent around one rate per group.

    Parameters
    ----------
    counts : array-like, shape (a,) or (pairs, a)
        Events in each period of the group asked about ("after"). Two dimensions are many pairs, one per line; lines of
        unequal length are not padded: a period without exposure is no period of zero events, so group the pairs by
        length.
    exposure : float or array-like, shape (a,) or (pairs, a)
        Exposure of each period, above zero; one number for all alike, one row for all pairs.
    counts0, exposure0 : array-like, shape (b,) or (pairs, b)
        The same for the reference group ("before").
    model : {"quasi-poisson", "negative-binomial"}
        Variance proportional to the mean, estimated by Pearson's chi-square and allowed for by Student's t (safe from
        few periods on); or :math:`\mu + \alpha \mu^2` by maximum likelihood (for exposures that differ much from
        period to period; each group needs an event).
    effect : {"rate_ratio", "rate_difference"}
        The difference is for the quasi-Poisson model only.
    null : float, optional
        Ratio (default 1) or difference (default 0) the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Comparison or Comparisons
        Scatter below Poisson counts as Poisson, with a note. p-value and interval are one procedure: score with t, or
        likelihood ratio. `Comparisons` for one pair per line.

    Raises
    ------
    DataError
        Bad counts or exposures, an unknown option; the negative binomial with no event in one group.
    TooFewData
        No group with two periods or more and an event: nothing to estimate the scatter from.

    Notes
    -----
    Quasi-Poisson: :math:`\hat\phi = \max(1, X^2 / \nu)` with :math:`X^2 = \sum (y_i - \hat\mu_i)^2 / \hat\mu_i`
    around each group's own rate and :math:`\nu` = periods - groups; the score statistic of the totals over
    :math:`\sqrt{\hat\phi}` is referred to :math:`t_\nu`. Negative binomial: the signed root of
    :math:`2 (\ell_{max} - \ell(R))`, :math:`\alpha` common to both groups and fitted anew at each ratio R, is
    referred to :math:`t_\nu` as well: the normal rejects too often with few periods.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 4.5 and 6.2. Lawless (1987), Canadian
    Journal of Statistics 15, 209-225.

    Examples
    --------
    >>> from qstats import compare_overdispersed_rates
    >>> before, after = [9, 2, 14, 6, 11, 3, 8, 15, 1, 7], [4, 1, 6, 2, 0, 7, 3, 1]
    >>> r = compare_overdispersed_rates(after, 100, before, 100)
    >>> round(r.estimate, 3), round(r.pvalue, 4)
    (0.395, 0.022)
    """
    check_choice(model, "model", _MODELS)
    check_choice(effect, "effect", ("rate_ratio", "rate_difference"))
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    if model == "negative-binomial":
        if effect != "rate_ratio":
            raise DataError("effect: 'rate_difference' is for model='quasi-poisson'; this model compares by the ratio")
        null = 1.0 if null is None else check_number(null, "null", above=0.0)
    if in_lines(counts, counts0):
        if null is not None and model == "negative-binomial":
            a, b, _ = checked_lines(counts, exposure, counts0, exposure0)
            return _lines(a, b, null, confidence, alternative)
        return quasi_poisson_lines(counts, exposure, counts0, exposure0, effect, null, confidence, alternative)
    after, before = _phase(counts, exposure, ""), _phase(counts0, exposure0, "0")
    chi2, df = _pearson((after, before))
    if not df and (after.y.any() or before.y.any()):
        raise TooFewData("counts: one period in each group with events; two are wanted to see how periods scatter")
    if null is not None and model == "negative-binomial":
        return _one((after, before), null, confidence, alternative)
    totals = (float(after.y.sum()), float(after.t.sum()), float(before.y.sum()), float(before.t.sum()))
    return compare_rates(
        *totals, effect=effect, method="score", null=null, confidence=confidence, alternative=alternative,
        dispersion=chi2 / df if df else 1.0, df=float(df) if df else math.inf,
    )  # fmt: skip
