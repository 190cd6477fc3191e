"""Compare times: handling, response, resolution, lead time; open tickets included where the measure allows."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, overload

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons, tails
from qstats.inference.means.kernels import BLIND, without_error
from qstats.inference.means.means import compare_means
from qstats.inference.means.rows import Column, collected, compared_lines, in_lines
from qstats.inference.pairs import count_note
from qstats.inference.pivot import NO_SCATTER, Pivot, pivot_test, safe_exp
from qstats.inference.times.quantiles import compare_quantiles
from qstats.inference.times.rows import closed_lines, restricted_means, time_lines
from qstats.inference.times.survival import as_closed, as_times, restricted_mean, steps_of

__all__ = ["compare_times"]

_MEASURES = ("geometric_mean_ratio", "mean_ratio", "quantile_difference", "rmst_difference", "rmst_ratio")
_RMST = (
    "Royston & Parmar (2013), BMC Medical Research Methodology 13, 152; Uno et al. (2014), J. Clin. Oncology 32, 2380"
)
_GEOMETRIC = "Welch t on logarithms"
_WELCH = "Welch (1947), Biometrika 34, 28-35"
_NOT_REACHED = Note(
    "horizon-not-reached", "info", "every time ended before the horizon: the mean to the horizon is the plain mean"
)


def _checked_options(measure: str, options: dict[str, object]) -> None:
    """Refuse options that belong to another measure: none is accepted and ignored."""
    belongs = {
        "horizon": ("rmst_difference", "rmst_ratio"),
        "q": ("quantile_difference",),
        "resamples": ("mean_ratio",),
        "rng": ("mean_ratio",),
    }
    for name, measures in belongs.items():
        if options[name] is not None and measure not in measures:
            raise DataError(
                f"{name}: given with measure={measure!r}; it belongs to {' and '.join(map(repr, measures))}"
            )
    if measure.startswith("rmst") and options["horizon"] is None:
        raise DataError("horizon: not given; a mean time to a horizon needs one, such as the agreed service time")


def _none_open(still_open: int, name: str, n: int, measure: str) -> None:
    if still_open:
        raise DataError(
            f"{name}: {still_open} of {n} are still open; {measure!r} needs every end, and leaving the open ones out "
            "favours the fast: use measure='rmst_difference' or 'rmst_ratio' with a horizon"
        )


def _all_closed(closed: object, name: str, n: int, measure: str) -> None:
    _none_open(n - int(np.count_nonzero(as_closed(closed, name, n))), name, n, measure)


def _no_zeros(time: FloatArray, time0: FloatArray) -> None:
    for name, values in (("time", time), ("time0", time0)):
        if zeros := int(np.count_nonzero(values == 0)):
            raise DataError(
                f"{name}: {zeros} of {values.size} are zero, which have no logarithm; use measure='mean_ratio' or "
                "'quantile_difference', or record times more finely"
            )


def _geometric(time: FloatArray, time0: FloatArray, null: float, confidence: float, alternative: str) -> Comparison:
    _no_zeros(time, time0)
    r = compare_means(np.log(time), np.log(time0), null=math.log(null), confidence=confidence, alternative=alternative)
    low, high = safe_exp(r.interval.low), safe_exp(r.interval.high)
    return dataclasses.replace(
        r, effect="geometric_mean_ratio", estimate=safe_exp(r.estimate), interval=Interval(low, high, confidence),
        null=null, method=_GEOMETRIC, values=(math.exp(r.values[0]), math.exp(r.values[1])),
    )  # fmt: skip


def _horizon_pivot(
    measure: str, mean: tuple[Any, Any], se: tuple[Any, Any], horizon: float, null: float, confidence: float,
    alternative: str,
) -> tuple[Any, Pivot, Any]:  # fmt: skip
    """Return estimate, test with limits, and where there is no scatter to tell an error from; elementwise."""
    (m, m0), (error, error0) = mean, se
    blind = error + error0 == 0.0
    if measure == "rmst_difference":
        both = np.hypot(error, error0)
        pivot = pivot_test(m - m0, both, math.inf, null, confidence, alternative, least=-horizon, most=horizon)
        return m - m0, without_error(pivot, blind, -horizon, horizon), blind
    if (none := int(np.count_nonzero(np.minimum(m, m0) == 0.0))) > 0:
        where = "a group" if np.ndim(m) == 0 else f"in {none} of {np.size(m)} lines a group"
        raise DataError(f"time: {where} ended at time zero altogether; a ratio does not exist, use 'rmst_difference'")
    both = np.hypot(error / m, error0 / m0)
    pivot = pivot_test(np.log(m / m0), both, math.inf, math.log(null), confidence, alternative)
    found = without_error(pivot, blind)
    with np.errstate(over="ignore"):
        return m / m0, Pivot(found.statistic, found.pvalue, np.exp(found.low), np.exp(found.high)), blind


def _horizon_words(measure: str, horizon: float) -> str:
    return f"Kaplan-Meier to horizon {horizon:g}, normal" + (" on the log ratio" if measure == "rmst_ratio" else "")


def _to_horizon(
    measure: str, times: tuple[object, object], closed: tuple[object, object], horizon: float, null: float,
    confidence: float, alternative: str,
) -> Comparison:  # fmt: skip
    means, errors, counts, reached = [], [], [], []
    for time, flag, suffix in zip(times, closed, ("", "0"), strict=True):
        t = as_times(time, f"time{suffix}")
        ended = as_closed(flag, f"closed{suffix}", t.size)
        mean, error = restricted_mean(steps_of(t, ended), horizon)
        means.append(mean)
        errors.append(error)
        counts.append(float(t.size))
        reached.append(bool(t.max() >= horizon))
    (m, m0), (se, se0) = means, errors
    notes = () if any(reached) else (_NOT_REACHED,)
    estimate, pivot, blind = _horizon_pivot(measure, (m, m0), (se, se0), horizon, null, confidence, alternative)
    if blind:
        notes = (*notes, NO_SCATTER)
    return Comparison(
        measure, float(estimate), Interval(float(pivot.low), float(pivot.high), confidence), float(pivot.pvalue),
        alternative, null, float(pivot.statistic), (counts[0], counts[1]), _horizon_words(measure, horizon), _RMST,
        notes, (m, m0),
    )  # fmt: skip


def _horizon_lines(
    measure: str, pair: tuple[FloatArray, FloatArray], closed: tuple[object, object], horizon: float, null: float,
    confidence: float, alternative: str,
) -> Comparisons:  # fmt: skip
    (m, se), (m0, se0) = (
        restricted_means(t, closed_lines(flag, f"closed{suffix}", t.shape), horizon, f"time{suffix}")
        for t, flag, suffix in zip(pair, closed, ("", "0"), strict=True)
    )
    estimate, pivot, blind = _horizon_pivot(measure, (m, m0), (se, se0), horizon, null, confidence, alternative)
    before = np.maximum(pair[0].max(axis=1), pair[1].max(axis=1)) < horizon
    notes = (
        *count_note(
            _NOT_REACHED.code, _NOT_REACHED.severity, before, _NOT_REACHED.message, f"pairs: {_NOT_REACHED.message}"
        ),
        *count_note(NO_SCATTER.code, NO_SCATTER.severity, blind, NO_SCATTER.message, f"pairs have no scatter: {BLIND}"),
    )
    return collected(
        measure, estimate, pivot, (pair[0].shape[1], pair[1].shape[1]), notes, confidence=confidence,
        alternative=alternative, null=null, method=_horizon_words(measure, horizon), reference=_RMST,
    )  # fmt: skip


def _geometric_lines(
    pair: tuple[FloatArray, FloatArray], null: float, confidence: float, alternative: str
) -> Comparisons:
    _no_zeros(*pair)
    r = compared_lines(
        pair, "mean_difference", "welch", null=math.log(null), confidence=confidence, alternative=alternative,
        text=_GEOMETRIC, source=_WELCH, names=("time", "time0"), transform=np.log,
    )  # fmt: skip
    with np.errstate(over="ignore"):
        estimate, low, high = (frozen_array(np.exp(v)) for v in (r.estimate, r.interval.low, r.interval.high))
    return dataclasses.replace(
        r, effect="geometric_mean_ratio", estimate=estimate, interval=Intervals(low, high, confidence), null=null
    )


def _by_line(
    measure: str, times: tuple[object, object], closed: tuple[object, object], horizon: float, q: float, null: float,
    confidence: float, alternative: str,
) -> Comparison | Comparisons:  # fmt: skip
    if measure == "mean_ratio":
        raise DataError(
            "measure: 'mean_ratio' resamples one pair per call; for one pair per line use compare_means(..., "
            "effect='mean_ratio'), or call it for each line"
        )
    pair = time_lines(*times, least=2 if measure == "geometric_mean_ratio" else 1)
    if measure.startswith("rmst"):
        return _horizon_lines(measure, pair, closed, horizon, null, confidence, alternative)
    for flag, t, suffix in zip(closed, pair, ("", "0"), strict=True):
        ended = closed_lines(flag, f"closed{suffix}", t.shape)
        _none_open(0 if ended is None else int(np.count_nonzero(~ended)), f"closed{suffix}", t.size, measure)
    if measure == "quantile_difference":
        return compare_quantiles(*pair, q, null=null, confidence=confidence, alternative=alternative)
    return _geometric_lines(pair, null, confidence, alternative)


@overload
def compare_times(
    time: Column, time0: Column, *, measure: str = ..., closed: object = ..., closed0: object = ...,
    horizon: float | None = ..., q: float | None = ..., null: float | None = ..., confidence: float = ...,
    alternative: str = ..., resamples: int | None = ..., rng: object = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_times(
    time: object, time0: object, *, measure: str = ..., closed: object = ..., closed0: object = ...,
    horizon: float | None = ..., q: float | None = ..., null: float | None = ..., confidence: float = ...,
    alternative: str = ..., resamples: int | None = ..., rng: object = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_times(
    time: object,
    time0: object,
    *,
    measure: str = "geometric_mean_ratio",
    closed: object = None,
    closed0: object = None,
    horizon: float | None = None,
    q: float | None = None,
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    resamples: int | None = None,
    rng: object = None,
) -> Comparison | Comparisons:
    r"""Tell whether times (handling, response, resolution, lead time) changed between a reference group and a group.

    Take tickets by the date they were *opened*: those closed in a period follow the backlog. Choose the measure by the
    question, before looking: typical time (geometric mean), cost (mean), promise (quantile), or with tickets still
    open the mean time to a horizon.

    Parameters
    ----------
    time, time0 : array-like, shape (n,) and (n0,), or (pairs, n) and (pairs, n0)
        Times of the group asked about (such as "after") and of the reference group; one unit for both, zero or more.
        Two dimensions are many pairs, one per line, for all measures but ``"mean_ratio"``. Lines of unequal length are
        not padded: group them by length, or give `compare_mean_summaries` mean, sd and n of the logarithms.
    measure : {"geometric_mean_ratio", "mean_ratio", "quantile_difference", "rmst_difference", "rmst_ratio"}
        Welch's t on logarithms; bootstrap-t on the log ratio of means; order statistics; difference or ratio of the
        Kaplan-Meier mean time to the horizon.
    closed, closed0 : array-like of bool, optional
        False where still open (the time is then the time until the last look). Open ones only with the last two. Of
        the shape of the times.
    horizon : float, optional
        Of the last two, and needed there: such as the agreed service time.
    q : float, optional
        Share for ``"quantile_difference"``; 0.5 unless given.
    null : float, optional
        Difference (default 0) or ratio (default 1) the p-value is about: a non-inferiority margin goes here. For
        ``"rmst_difference"`` within the horizon, either way.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"less"``: the group is faster.
    resamples, rng
        Of the bootstrap, ``"mean_ratio"`` only.

    Returns
    -------
    Comparison or Comparisons
        `effect` is the measure, `values` the two geometric means, means, quantiles or mean times to the horizon. The
        latter for one pair per line. Two groups without any scatter tell nothing of the error of their difference: but
        for quantiles the interval is the whole range and p is 1, with the note ``"no-scatter"``.

    Raises
    ------
    DataError
        Negative times (closed before opened), zero times where logarithms are taken, open tickets where the measure
        needs every end, an option of another measure, a horizon beyond what the data reach, a difference in `null` that
        the horizon rules out, unequal numbers of lines.

    Notes
    -----
    Kaplan-Meier mean times have variance :math:`\sum A_i^2 d_i / (n_i (n_i - d_i))` (see `survival_curve`) and a normal
    interval; the ratio on the log scale.

    References
    ----------
    Royston & Parmar (2013), BMC Medical Research Methodology 13, 152. Uno et al. (2014), J. Clin. Oncology 32, 2380.

    Examples
    --------
    >>> from qstats import compare_times
    >>> r = compare_times([2.0, 3.5, 1.0, 4.0, 2.5], [6.0, 9.0, 4.5, 15.0, 7.0])
    >>> round(r.estimate, 3), round(r.pvalue, 4)
    (0.307, 0.0064)
    >>> r = compare_times([2, 3, 5, 5], [4, 5, 5, 5], closed=[1, 1, 0, 0], closed0=[1, 0, 0, 0],
    ...                   measure="rmst_difference", horizon=5)
    >>> r.estimate
    -1.0
    """
    check_choice(measure, "measure", _MEASURES)
    confidence = check_confidence(confidence)
    tails(alternative, confidence)
    _checked_options(measure, {"horizon": horizon, "q": q, "resamples": resamples, "rng": rng})
    if measure.endswith("ratio"):
        null = 1.0 if null is None else check_number(null, "null", above=0.0)
    else:
        null = 0.0 if null is None else check_number(null, "null")
    if measure.startswith("rmst"):
        end = check_number(horizon, "horizon", above=0.0)
        if measure == "rmst_difference" and abs(null) > end:
            raise DataError(
                f"null: got {null:g}; mean times to a horizon of {end:g} differ by no more: "
                f"-{end:g} to {end:g} is wanted"
            )
    else:
        end = math.inf
    if in_lines(time, time0):
        share = 0.5 if q is None else q
        return _by_line(measure, (time, time0), (closed, closed0), end, share, null, confidence, alternative)
    if measure.startswith("rmst"):
        return _to_horizon(measure, (time, time0), (closed, closed0), end, null, confidence, alternative)
    t, t0 = as_times(time, "time"), as_times(time0, "time0")
    _all_closed(closed, "closed", t.size, measure)
    _all_closed(closed0, "closed0", t0.size, measure)
    if measure == "quantile_difference":
        share = 0.5 if q is None else q
        return compare_quantiles(t, t0, share, null=null, confidence=confidence, alternative=alternative)
    for name, values in (("time", t), ("time0", t0)):
        if values.size < 2:
            raise TooFewData(f"{name}: {values.size} value came; at least 2 wanted")
    if measure == "geometric_mean_ratio":
        return _geometric(t, t0, null, confidence, alternative)
    return compare_means(
        t, t0, effect="mean_ratio", method="bootstrap-t", null=null, confidence=confidence, alternative=alternative,
        resamples=resamples, rng=rng,
    )  # fmt: skip
