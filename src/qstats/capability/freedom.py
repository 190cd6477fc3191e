"""Degrees of freedom that an estimate of sigma is worth, from its own sampling variance."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.bias import c4, d2, d3

__all__ = ["Pivot", "individuals_pivot", "subgroup_pivot"]

_MEDIAN_SHARE = 0.5


class Pivot(NamedTuple):
    """What intervals rest on.

    Parameters
    ----------
    factor : float
        Times the estimate of sigma it gives the s of `intervals`: c4(df + 1) for unbiased estimates, 1 for roots of
        mean squares.
    df : float
        Degrees of freedom; NaN where nobody has worked them out.
    """

    factor: float
    df: float


def _c4(df: float) -> float:
    """c4(df + 1) for any df: Gamma((df+1)/2) / Gamma(df/2) * sqrt(2/df)."""
    if df > 99.0:
        u = 1.0 / df
        return math.exp(-u / 4 + u**3 / 24 - u**5 / 20)
    return math.sqrt(2.0 / df) * math.exp(math.lgamma((df + 1.0) / 2.0) - math.lgamma(df / 2.0))


def _of_unbiased(variance: float) -> Pivot:
    """Return the chi distribution that has this relative variance: ``1 / c4(df + 1)**2 - 1`` equals it (Patnaik)."""
    if variance <= 0:
        return Pivot(1.0, math.inf)
    low, high = 1e-3, 1.0 / variance + 1.0
    for _ in range(200):
        df = 0.5 * (low + high)
        if 1.0 / _c4(df) ** 2 - 1.0 > variance:
            low = df
        else:
            high = df
        if high - low <= 1e-12 * high:
            break
    return Pivot(_c4(0.5 * (low + high)), 0.5 * (low + high))


@lru_cache(maxsize=1)
def _neighbours() -> float:
    """Covariance of neighbouring moving ranges of two, in sigma**2: E|UV| - d2**2 for normal differences, rho -1/2."""
    rho = -0.5
    return 4.0 / math.pi * (math.sqrt(1.0 - rho * rho) + rho * math.asin(rho)) - d2(2) ** 2


@lru_cache(maxsize=1)
def _median_variance() -> float:
    """Relative variance of the median of m moving ranges of two, times m, for large m."""
    q = math.sqrt(2.0) * float(scipy.special.ndtri(0.75))
    density = 2.0 * math.exp(-0.25 * q * q) / math.sqrt(4.0 * math.pi)
    x = np.linspace(-9.0, 9.0, 4001)  # the value in the middle; both neighbours within q of it
    near = scipy.special.ndtr(x + q) - scipy.special.ndtr(x - q)
    both = float((np.exp(-0.5 * x * x) * near * near).sum() * (x[1] - x[0]) / math.sqrt(2.0 * math.pi))
    covariance = both - _MEDIAN_SHARE**2
    return (_MEDIAN_SHARE * (1.0 - _MEDIAN_SHARE) + 2.0 * covariance) / (density * q) ** 2


def individuals_pivot(name: str, df: float | None) -> Pivot:
    """Return the pivot of an estimator of `INDIVIDUALS_SIGMA` that used `df` ranges (or has that df).

    Moving ranges overlap: m of them carry about 0.605 m degrees of freedom, not m. Screened ranges are taken as
    unscreened ones.
    """
    if df is None:
        return Pivot(1.0, math.nan)
    if name == "sd_c4":
        return Pivot(_c4(df), df)
    if name in ("moving_range", "nelson1982"):
        return _of_unbiased((d3(2) ** 2 + 2.0 * (1.0 - 1.0 / df) * _neighbours()) / (df * d2(2) ** 2))
    if name == "median_moving_range":
        return _of_unbiased(_median_variance() / df)
    effective = 2.0 * df * df / (3.0 * df - 1.0)  # mean square successive differences: von Neumann (1941)
    return Pivot(_c4(effective) if name == "mssd_unbiased" else 1.0, effective)


def _each(n: FloatArray, name: str) -> FloatArray:
    """Relative variance of a subgroup's own unbiased estimate."""
    sizes = n.astype(np.int64)
    table = np.zeros(int(sizes.max()) + 1)
    for m in np.flatnonzero(np.bincount(sizes)).tolist():
        table[m] = (d3(m) / d2(m)) ** 2 if name.endswith(("rbar", "_r")) else 1.0 / c4(m) ** 2 - 1.0
    return table[sizes]


def subgroup_pivot(name: str, df: float | None, n: FloatArray) -> Pivot:
    """Return the pivot of an estimator of `SUBGROUP_SIGMA` on subgroups of sizes `n`."""
    if df is None:
        return Pivot(1.0, math.nan)
    if name in ("pooled", "pooled_raw"):
        return Pivot(_c4(df) if name == "pooled" else 1.0, df)
    if n.strides == (0,) or bool((n == n[0]).all()):
        return _of_unbiased(float(_each(n[:1], name)[0]) / n.size)
    variance = _each(n[n >= 2.0], name)
    if name.startswith("mvlue"):
        return _of_unbiased(1.0 / float((1.0 / variance).sum()))
    return _of_unbiased(float(variance.sum()) / variance.size**2)
