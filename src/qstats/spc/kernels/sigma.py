"""Estimators of the process standard deviation within subgroups and between single values.

Each is a function that returns `SigmaEstimate` (sigma and the degrees of freedom an interval may use), listed by name
in `SUBGROUP_SIGMA` and `INDIVIDUALS_SIGMA`. They differ in efficiency, in what upsets them, and in how they weigh
subgroups of unequal size; with ``constants="table"`` they divide by the rounded constants of printed forms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.bias import c4, d2, d3, median_range_constant
from qstats._core.blocks import block_edges, safe_mean
from qstats._core.checks import check_choice, check_number
from qstats.errors import TooFewData
from qstats.spc.kernels.moving_ranges import moving_ranges
from qstats.spc.kernels.robust import shamos as shamos_spread
from qstats.spc.kernels.sigma_constants import median_range_factor, median_std_factor, mssd_factor
from qstats.spc.kernels.subgroups import TINY, Subgroups, SubgroupStats

__all__ = [
    "INDIVIDUALS_SIGMA",
    "MOVING_RANGE_SIGMA",
    "SUBGROUP_SIGMA",
    "IndividualsSigma",
    "SigmaEstimate",
    "SubgroupSigma",
    "describe_sigma",
    "known_sigma",
    "median_moving_range",
    "moving_range",
    "moving_ranges",
    "screen_nelson1982",
]

_TABLE_MEDIAN = 0.954  # Wheeler, Understanding Variation (2000): limits at 3.145 = 3/0.954 median moving ranges
# f(n) of the degrees of freedom of mean s / c4 for n = 2..64 (1 beyond): Minitab, Methods and formulas, Capability
# analysis (normal), "confidence interval for Cp"; f(R) = 0.9 there for every n.
_SBAR_DF = {2: 0.88, 3: 0.92, 4: 0.94, 5: 0.95, 6: 0.96, 7: 0.96, 8: 0.97, 9: 0.97}
_RBAR_DF = 0.9
_BLOCK = 1 << 15
_LEAD = 64  # where to look for the ranges that a span lacks at the start


class SigmaEstimate(NamedTuple):
    """Sigma in the unit of the data, and its degrees of freedom (None: no agreed number, give no interval)."""

    sigma: float
    df: float | None


def screen_nelson1982(ranges: FloatArray, span: int = 2, constants: str = "exact") -> FloatArray:
    """Return the moving ranges that lie within their own upper limit, D4 times their mean; once, not repeatedly.

    Takes single outliers out of sigma, as the NHS and Minitab's "Nelson estimate" do. It takes out a good range now
    and then too, which makes sigma 2.5 % low on a stable process: never done unasked.

    Parameters
    ----------
    ranges : numpy.ndarray
        Moving ranges; NaN ones are dropped.
    span : int
        Points a range.
    constants : {"exact", "table"}
        ``"table"``: D4(2) = 3.267.

    References
    ----------
    Nelson (1982), Control charts for individual measurements, Journal of Quality Technology 14(3), 172-173.
    """
    kept = _present(ranges)
    d4 = 1.0 + 3.0 * d3(span) / d2(span)
    if constants == "table":
        d4 = round(d4, 3)
    within: FloatArray = kept[kept <= d4 * kept.mean()]
    return within


def _present(ranges: FloatArray) -> FloatArray:
    kept = ranges[int(np.argmin(np.isnan(ranges[:_LEAD]))) :] if ranges.size else ranges
    with np.errstate(over="ignore", invalid="ignore"):
        whole = math.isfinite(float(np.dot(kept, kept)))  # a quick proof that none is NaN
    if not whole:
        kept = ranges[~np.isnan(ranges)]
    if kept.size < 1:
        raise TooFewData("sigma: no moving range is left to estimate it from; pass sigma= or limits=")
    return kept


def _root_mean_square(values: FloatArray, weight: FloatArray | float, total: float) -> float:
    """Return ``sqrt(sum(weight * values**2) / total)``, also where squares leave the float64 range."""

    def mean(v: FloatArray) -> float:
        return (weight * float(np.dot(v, v)) if isinstance(weight, float) else float(np.dot(weight, v * v))) / total

    with np.errstate(over="ignore", under="ignore"):
        square = mean(values)
    if 1e-280 < square < 1e300:
        return math.sqrt(square)
    scale = float(np.abs(values).max()) or 1.0
    return scale * math.sqrt(mean(values / scale))


def _median_factor(span: int, constants: str) -> float:
    if constants == "table":
        return _TABLE_MEDIAN if span == 2 else round(median_range_factor(span), 3)
    return median_range_constant() if span == 2 else median_range_factor(span)


def moving_range(ranges: FloatArray, constants: str = "exact", span: int = 2) -> float:
    """Return mean moving range / d2(span): the usual estimator, upset by large single outliers."""
    return float(ranges.mean()) / d2(span, constants)


def median_moving_range(ranges: FloatArray, constants: str = "exact", span: int = 2) -> float:
    """Return median moving range / d4(span): bears outliers, needs more points, breaks down where most values tie."""
    return float(np.median(ranges)) / _median_factor(span, constants)


MOVING_RANGE_SIGMA: dict[str, Callable[[FloatArray, str], float]] = {
    "moving_range": moving_range,
    "median_moving_range": median_moving_range,
}


def _from_mean(x: FloatArray, ranges: FloatArray, span: int, constants: str) -> SigmaEstimate:
    kept = _present(ranges)
    return SigmaEstimate(moving_range(kept, constants, span), float(kept.size))


def _from_median(x: FloatArray, ranges: FloatArray, span: int, constants: str) -> SigmaEstimate:
    kept = _present(ranges)
    return SigmaEstimate(median_moving_range(kept, constants, span), float(kept.size))


def _from_screened(x: FloatArray, ranges: FloatArray, span: int, constants: str) -> SigmaEstimate:
    return _from_mean(x, screen_nelson1982(ranges, span, constants), span, constants)


def _from_mssd(x: FloatArray, ranges: FloatArray, span: int, constants: str) -> SigmaEstimate:
    kept = _present(ranges)
    return SigmaEstimate(_root_mean_square(kept, 0.5, float(kept.size)), float(kept.size))


def _from_mssd_unbiased(x: FloatArray, ranges: FloatArray, span: int, constants: str) -> SigmaEstimate:
    raw = _from_mssd(x, ranges, span, constants)
    ends = np.flatnonzero(np.isnan(np.concatenate(([np.nan], ranges, [np.nan]))))
    lengths = np.diff(ends) - 1
    return SigmaEstimate(raw.sigma / mssd_factor(tuple(sorted(lengths[lengths > 0].tolist()))), raw.df)


def _from_sd(x: FloatArray, ranges: FloatArray, span: int, constants: str) -> SigmaEstimate:
    if x.size < 2:
        raise TooFewData(f"sigma: {x.size} values; 'sd_c4' wants two or more")
    mean, squares = safe_mean(x), 0.0
    scratch = np.empty(min(x.size, _BLOCK))
    for i, j in block_edges(x.size, _BLOCK):
        d = np.subtract(x[i:j], mean, out=scratch[: j - i])
        squares += float(np.dot(d, d))
    sd = math.sqrt(squares / (x.size - 1))
    if sd < TINY:
        sd = _root_mean_square(x - mean, 1.0, x.size - 1.0)
    return SigmaEstimate(sd / _c4_any(x.size, constants), x.size - 1.0)


def _c4_any(n: int, constants: str) -> float:
    """c4 as printed where forms print it (n up to 25), exact beyond."""
    return c4(n, constants if n <= 25 else "exact")


@dataclass(frozen=True, slots=True)
class IndividualsSigma:
    """A way to estimate sigma from single values in time order.

    Parameters
    ----------
    name : str
        What the caller passes as ``sigma=``.
    estimate : callable
        ``(values, ranges, span, constants) -> SigmaEstimate``; `values` finite, `ranges` from `moving_ranges`.
    ranges : {"span", "two", "none"}
        Which moving ranges it works on: of the chart's span, of two always, or none.
    text : str
        How sigma comes about, for the method line.
    """

    name: str
    estimate: Callable[[FloatArray, FloatArray, int, str], SigmaEstimate]
    ranges: Literal["span", "two", "none"]
    text: str


INDIVIDUALS_SIGMA: dict[str, IndividualsSigma] = {
    e.name: e
    for e in (
        IndividualsSigma("moving_range", _from_mean, "span", "mean moving range / d2({span})"),
        IndividualsSigma("median_moving_range", _from_median, "span", "median moving range / d4({span})"),
        IndividualsSigma(
            "nelson1982", _from_screened, "span", "mean of the moving ranges within their limit / d2({span})"
        ),
        IndividualsSigma("mssd", _from_mssd, "two", "root of half the mean squared successive difference"),
        IndividualsSigma(
            "mssd_unbiased", _from_mssd_unbiased, "two", "root of half the mean squared successive difference / c4'"
        ),
        IndividualsSigma("sd_c4", _from_sd, "none", "overall standard deviation / c4(n)"),
    )
}


def _one_size(n: FloatArray) -> int:
    """Return the size all subgroups have, or 0 if they differ."""
    same = n.size > 0 and n[0] == n[-1] and (n.strides == (0,) or bool((n == n[0]).all()))
    return int(n[0]) if same else 0


Sizes = FloatArray | int  # one number where all subgroups are of one size


def _each(n: Sizes, factor: Callable[[int], float]) -> FloatArray | float:
    """Return ``factor(n)`` for each subgroup; one number where all sizes are equal."""
    if isinstance(n, int):
        return factor(n)
    sizes = n.astype(np.int64)
    table = np.full(int(sizes.max()) + 1, np.nan)
    for some in np.flatnonzero(np.bincount(sizes)).tolist():
        table[some] = factor(some)
    return table[sizes]


def _two_or_more(stats: SubgroupStats, values: FloatArray | None) -> tuple[Sizes, FloatArray]:
    """Sizes and statistics of the subgroups that have a spread."""
    assert values is not None  # the estimator's `parts` name it
    size = _one_size(stats.n)
    if size > 1:
        return size, values
    some = stats.n >= 2.0
    if not some.any():
        raise TooFewData("sigma: no subgroup has two values; chart individuals, or pass sigma= or limits=")
    return stats.n[some], values[some]


def _total(n: Sizes, count: int, each: Callable[[int], float]) -> float:
    """Return the sum of ``each(n)`` over the subgroups."""
    parts = _each(n, each)
    return parts * count if isinstance(parts, float) else float(parts.sum())


def _rbar_df(m: int) -> float:
    return _RBAR_DF * (m - 1)


def _sbar_df(m: int) -> float:
    return _SBAR_DF.get(m, 0.98 if m <= 17 else 0.99 if m <= 64 else 1.0) * (m - 1)


def _mean(values: FloatArray, divisor: FloatArray | float) -> float:
    """Return the mean of ``values / divisor``."""
    if isinstance(divisor, float):
        return float(np.add.reduce(values)) / values.size / divisor
    return float((values / divisor).mean())


def _weighted(values: FloatArray, divisor: FloatArray | float, weight: FloatArray | float) -> float:
    """Return the weighted mean of ``values / divisor``."""
    if isinstance(weight, float):
        return _mean(values, divisor)
    return float((weight * (values / divisor)).sum() / weight.sum())


def _rbar(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    n, spread = _two_or_more(stats, stats.range)
    return SigmaEstimate(_mean(spread, _each(n, lambda m: d2(m, constants))), _total(n, spread.size, _rbar_df))


def _sbar(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    n, spread = _two_or_more(stats, stats.std)
    return SigmaEstimate(_mean(spread, _each(n, lambda m: c4(m, constants))), _total(n, spread.size, _sbar_df))


def _mvlue_r(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    n, spread = _two_or_more(stats, stats.range)
    weight = _each(n, lambda m: (d2(m, constants) / d3(m, constants)) ** 2)
    sigma = _weighted(spread, _each(n, lambda m: d2(m, constants)), weight)
    return SigmaEstimate(sigma, _total(n, spread.size, _rbar_df))


def _mvlue_s(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    n, spread = _two_or_more(stats, stats.std)
    weight = _each(n, lambda m: c4(m, constants) ** 2 / (1.0 - c4(m, constants) ** 2))
    sigma = _weighted(spread, _each(n, lambda m: c4(m, constants)), weight)
    return SigmaEstimate(sigma, _total(n, spread.size, _sbar_df))


def _pooled_raw(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    n, spread = _two_or_more(stats, stats.std)
    df = _total(n, spread.size, lambda m: m - 1.0)
    return SigmaEstimate(_root_mean_square(spread, _each(n, lambda m: m - 1.0), df), df)


def _pooled(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    sigma, df = _pooled_raw(stats, groups, constants)
    assert df is not None
    return SigmaEstimate(sigma / _c4_any(int(df) + 1, constants), df)


def _median_range(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    n, spread = _two_or_more(stats, stats.range)
    return SigmaEstimate(float(np.median(spread / _each(n, lambda m: _median_factor(m, constants)))), None)


def _median_s(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    n, spread = _two_or_more(stats, stats.std)
    return SigmaEstimate(float(np.median(spread / _each(n, median_std_factor))), None)


def _shamos(stats: SubgroupStats, groups: Subgroups, constants: str) -> SigmaEstimate:
    _, spread = _two_or_more(stats, shamos_spread(groups))
    return SigmaEstimate(float(spread.mean()), None)


@dataclass(frozen=True, slots=True)
class SubgroupSigma:
    """A way to estimate sigma from rational subgroups.

    Parameters
    ----------
    name : str
        What the caller passes as ``sigma=``.
    parts : tuple of str
        Statistics it needs of `summarise`.
    estimate : callable
        ``(stats, groups, constants) -> SigmaEstimate``. Subgroups of fewer than two values are left out.
    text : str
        How sigma comes about, for the method line.
    """

    name: str
    parts: Sequence[str]
    estimate: Callable[[SubgroupStats, Subgroups, str], SigmaEstimate]
    text: str


SUBGROUP_SIGMA: dict[str, SubgroupSigma] = {
    e.name: e
    for e in (
        SubgroupSigma("rbar", ("range",), _rbar, "mean of R / d2(n)"),
        SubgroupSigma("sbar", ("std",), _sbar, "mean of s / c4(n)"),
        SubgroupSigma("mvlue_r", ("range",), _mvlue_r, "mean of R / d2(n), weighted by (d2/d3)**2"),
        SubgroupSigma("mvlue_s", ("std",), _mvlue_s, "mean of s / c4(n), weighted by c4**2/(1 - c4**2)"),
        SubgroupSigma("pooled", ("std",), _pooled, "pooled s / c4(sum of (n - 1) + 1)"),
        SubgroupSigma("pooled_raw", ("std",), _pooled_raw, "pooled s, not unbiased"),
        SubgroupSigma("median_range", ("range",), _median_range, "median of R / d4(n)"),
        SubgroupSigma("median_s", ("std",), _median_s, "median of s / its median under normality"),
        SubgroupSigma("shamos", (), _shamos, "mean of the subgroups' Shamos estimates, unbiased under normality"),
    )
}


def known_sigma(sigma: object, choices: Iterable[str] = tuple(MOVING_RANGE_SIGMA)) -> float | None:
    """Return the standard deviation the caller knows, or None if `sigma` names an estimator."""
    if isinstance(sigma, str):
        check_choice(sigma, "sigma", choices)
        return None
    return check_number(sigma, "sigma", above=0.0)


def describe_sigma(sigma: object, constants: str, span: int = 2) -> str:
    """Say in a result how sigma came about."""
    if sigma == "moving_range":
        return f"sigma = mean moving range / d2({span}), d2 = {d2(span, constants):.6g} ({constants})"
    if sigma == "median_moving_range":
        return f"sigma = median moving range / {_median_factor(span, constants):.6g} ({constants})"
    for registry in (INDIVIDUALS_SIGMA, SUBGROUP_SIGMA):
        if isinstance(sigma, str) and sigma in registry:
            return f"sigma = {registry[sigma].text.format(span=span)} ({constants} constants)"
    return "sigma given"
