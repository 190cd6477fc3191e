"""What the tests of means compute: moments in, estimate, pivot and draws out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.blocks import block_edges
from qstats._core.moments import Moments
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import tails
from qstats.inference.pairs import count_note
from qstats.inference.pivot import Pivot, pivot_test, satterthwaite, tails_to_pvalue
from qstats.inference.resample import resampled_moments

__all__ = [
    "BLIND",
    "BOOTSTRAP",
    "ENDLESS",
    "LEAST_SQUARES",
    "MOST_SUM",
    "NO_ERROR",
    "by_t",
    "centred",
    "difference_of_means",
    "mean_draws",
    "moments_of",
    "positive_means",
    "scatter_notes",
    "without_error",
]

BOOTSTRAP = "Hall (1988), Annals of Statistics 16, 927-953; Davison & Hinkley (1997), Bootstrap Methods, section 5.2.1"
MOST_SUM = 1e300
LEAST_SQUARES = 1e-290  # below, squares lose digits to underflow
_ROUNDED = "as small as the rounding of the numbers themselves: subtract a common offset before storing them"
BLIND = (
    "nothing tells the error of the difference, so the interval is the whole range and p is 1; "
    "look whether the data were rounded, capped or copied"
)
NO_ERROR = Note("no-scatter", "serious", f"no scatter within the groups: {BLIND}")
ENDLESS = Note(
    "resamples-without-scatter",
    "warning",
    "so many resamples repeat one value that a limit has no end: more data are needed for the bootstrap",
)


def moments_of(x: object, name: str) -> Moments:
    """Return the moments of data or the moments given; at least two values, of a spread that float64 holds."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is told below
        m = x if isinstance(x, Moments) else Moments.of(as_vector(x, name, least=2, missing="never"))
    if m.n < 2:
        raise TooFewData(f"{name}: the moments of {m.n} values came; at least 2 wanted")
    if m.low == m.high:  # all equal: whatever is left in m2 is rounding
        m = Moments(m.n, m.low, 0.0, m.low, m.high)
    if not math.isfinite(m.m2) or not m.n * max(abs(m.low), abs(m.high)) < MOST_SUM:
        raise DataError(f"{name}: sums of values up to {m.high:g} do not fit a float64; scale the values")
    if m.m2 < LEAST_SQUARES and m.low < m.high:
        raise DataError(f"{name}: the scatter squared is too small for a float64 (mean {m.mean:g}); scale the values")
    return m


def difference_of_means(x: object, m: Moments, x0: object, m0: Moments) -> float:
    """Return ``mean(x) - mean(x0)``; from rows, about a common centre, so that a large offset costs no digits."""
    if isinstance(x, Moments) or isinstance(x0, Moments):
        return m.mean - m0.mean
    return _mean_about(as_vector(x, "x", missing="never"), m0.mean) - _mean_about(
        as_vector(x0, "x0", missing="never"), m0.mean
    )


def _mean_about(x: FloatArray, centre: float) -> float:
    return math.fsum(float((x[i:j] - centre).sum()) for i, j in block_edges(x.size)) / x.size


def positive_means(effect: str, mean: Any, mean0: Any) -> None:
    """Refuse a ratio of means that are not all above zero."""
    if effect == "mean_ratio" and not (np.all(np.asarray(mean) > 0) and np.all(np.asarray(mean0) > 0)):
        least = np.minimum(np.min(mean), np.min(mean0))
        raise DataError(f"effect: got a mean of {least:g}; a ratio wants both means above zero, use 'mean_difference'")


def scatter_notes(se: Any, *levels: Any, still: Note = NO_ERROR) -> tuple[Note, ...]:
    """Say where there is no scatter, or none beyond rounding (the limit R's t.test calls essentially constant)."""
    none = np.atleast_1d(se == 0.0)
    rounding = 10.0 * np.finfo(np.float64).eps * np.max(np.abs(np.broadcast_arrays(*levels)), axis=0)
    return (
        *count_note(still.code, still.severity, none, still.message, f"pairs have no scatter: {BLIND}"),
        *count_note(
            "scatter-at-rounding", "warning", ~none & (se < rounding), f"the scatter is {_ROUNDED}",
            f"pairs have a scatter {_ROUNDED}",
        ),
    )  # fmt: skip


def without_error(pivot: Pivot, blind: Any, least: float = -math.inf, most: float = math.inf) -> Pivot:
    """Return the pivot with no information where `blind`: statistic 0, p = 1, the whole range from `least` to `most`.

    Groups without any scatter leave the error of their difference unknown; a point as interval and p = 0 beside it
    would be the strongest claim there is, made from the least that data can say.
    """
    fill = zip(pivot, (0.0, 1.0, least, most), strict=True)
    return Pivot(*(np.where(blind, told, found)[()] for found, told in fill))


def _errors(method: str, var: Any, n: Any, var0: Any, n0: Any) -> tuple[Any, Any]:
    """Return the variance of each mean, pooled or not."""
    if method == "pooled":
        var = var0 = ((n - 1.0) * var + (n0 - 1.0) * var0) / (n + n0 - 2.0)
    return var / n, var0 / n0


def _fieller(m: Any, v: Any, m0: Any, v0: Any, df: Any, null: float, confidence: float, alternative: str) -> Pivot:
    """Return test and limits of a ratio of two positive means.

    ``t(r) = (m - r m0) / sqrt(v + r^2 v0)`` falls in r over the positive numbers, so the ratios that the test keeps
    are one interval; it has no end where the mean below is not clear of zero. Limits are the roots of a quadratic.
    """
    below, above = tails(alternative, confidence)
    ratio, a, b = m / m0, (np.sqrt(v) / m0) ** 2, (np.sqrt(v0) / m0) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = ratio - null
        t = np.where(gap == 0.0, 0.0, gap / np.sqrt(a + null**2 * b))
    pvalue = tails_to_pvalue(t_sf(-t, df), t_sf(t, df), alternative)
    low, high = np.zeros_like(ratio), np.full_like(ratio, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        if below > 0:
            c2 = t_quantile(below, df) ** 2
            root = np.sqrt(np.maximum(c2 * (a + ratio**2 * b - c2 * a * b), 0.0))
            low = np.where(ratio**2 > c2 * a, (ratio**2 - c2 * a) / (ratio + root), 0.0)
        if above > 0:
            c2 = t_quantile(above, df) ** 2
            root = np.sqrt(np.maximum(c2 * (a + ratio**2 * b - c2 * a * b), 0.0))
            high = np.where(c2 * b < 1.0, (ratio + root) / (1.0 - c2 * b), np.inf)
    return Pivot(t[()], pvalue, low[()], high[()])


def by_t(
    effect: str, method: str, group: tuple[Any, Any, Any], reference: tuple[Any, Any, Any], null: float,
    confidence: float, alternative: str, difference: Any = None,
) -> tuple[Any, Pivot, Any, tuple[Note, ...]]:  # fmt: skip
    """Return estimate, pivot, degrees of freedom and notes from (mean, variance, n) of both groups, elementwise.

    `difference` is that of the means where it is known with more digits than they have. Without scatter in either group
    there is no information: see `without_error`.
    """
    (m, var, n), (m0, var0, n0) = group, reference
    v, v0 = _errors(method, var, n, var0, n0)
    slope = 1.0 if effect == "mean_difference" else m / m0
    pooled = np.where(v + v0 > 0, n + n0 - 2.0, np.inf)[()]
    df = pooled if method == "pooled" else satterthwaite(v, n - 1.0, slope**2 * v0, n0 - 1.0)
    if effect == "mean_ratio":
        pivot = without_error(_fieller(m, v, m0, v0, df, null, confidence, alternative), v + v0 == 0.0, 0.0)
        return m / m0, pivot, df, scatter_notes(np.sqrt(v + slope**2 * v0), m, slope * m0)
    se = np.sqrt(v + v0)
    gap = m - m0 if difference is None else difference
    pivot = without_error(pivot_test(gap, se, df, null, confidence, alternative), se == 0.0)
    return gap, pivot, df, scatter_notes(se, m, m0)


def centred(x: FloatArray, mean: float) -> FloatArray:
    """Return deviations from the mean, and from what rounding left of it at a large offset."""
    d = x - mean
    d -= d.mean()
    return d


def mean_draws(
    effect: str, x: FloatArray, m: Moments, x0: FloatArray, m0: Moments, resamples: int, rng: Any
) -> FloatArray:
    """Return the bootstrap distribution of (effect - estimate) / se; the ratio on the log scale."""
    shift, var = resampled_moments(centred(x, m.mean), resamples, rng)
    shift0, var0 = resampled_moments(centred(x0, m0.mean), resamples, rng)
    v, v0 = var / m.n, var0 / m0.n
    with np.errstate(divide="ignore", invalid="ignore"):
        if effect == "mean_difference":
            gap, se = shift - shift0, np.sqrt(v + v0)
        else:
            one, one0 = np.maximum(1.0 + shift / m.mean, 0.0), np.maximum(1.0 + shift0 / m0.mean, 0.0)
            gap = np.log(one) - np.log(one0)
            se = np.hypot(np.sqrt(v) / (one * m.mean), np.sqrt(v0) / (one0 * m0.mean))
        # Resamples that are all zeros have neither logarithm nor error: they say nothing, in either direction.
        t = np.where(gap == 0.0, 0.0, gap / se)
    return np.where(np.isnan(t), 0.0, t)
