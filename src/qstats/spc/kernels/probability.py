"""Limits of counts at exact probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.quantiles import binomial_cdf, binomial_sf, poisson_cdf, poisson_sf

__all__ = ["attained", "count_alarm", "count_limits"]

Tail = Callable[[FloatArray], FloatArray]


def _up_to(n: FloatArray, center: float, binomial: bool) -> Tail:
    """Return k -> P(X <= k) for each sample, k whole and possibly negative."""

    def cdf(k: FloatArray) -> FloatArray:
        inside = np.maximum(k, 0.0)
        p = binomial_cdf(np.minimum(inside, n), n, center) if binomial else poisson_cdf(inside, n * center)
        return np.where(k < 0, 0.0, p)

    return cdf


def _above(n: FloatArray, center: float, binomial: bool) -> Tail:
    """Return k -> P(X > k) for each sample, without cancellation."""

    def sf(k: FloatArray) -> FloatArray:
        more = np.maximum(k + 1.0, 0.0)
        if not binomial:
            return np.asarray(poisson_sf(more, n * center))
        return np.where(more > n, 0.0, binomial_sf(np.minimum(more, n), n, center))

    return sf


def _first(holds: Callable[[FloatArray], BoolArray], low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the smallest whole number for which `holds` is true, by bisection in all samples at once."""
    low, high = low.copy(), high.copy()
    while (low < high).any():
        middle = np.floor(0.5 * (low + high))
        yes = holds(middle)
        high = np.where(yes, middle, high)
        low = np.where(yes, low, np.minimum(middle + 1.0, high))
    return low


def count_limits(center: float, size: FloatArray, alpha: float, *, binomial: bool) -> tuple[FloatArray, FloatArray]:
    """Return the counts beyond which a point is rarer than ``alpha / 2`` on its side.

    The upper limit is the smallest u with ``P(X > u) <= alpha/2``, the lower one the largest l with
    ``P(X < l) <= alpha/2``: a point *beyond* a limit signals, one on it does not.

    Parameters
    ----------
    center : float
        Probability of the property (binomial), or events per unit of exposure.
    size : numpy.ndarray
        Units or exposure, shape (n,); NaN gives NaN.
    alpha : float
        False alarms per point on both sides together.
    binomial : bool
    """
    n, back = np.unique(size, return_inverse=True)
    gap = np.isnan(n)
    n = np.where(gap, 1.0, n)
    zero = np.zeros_like(n)
    mean = n * center
    reach = 20.0 + 40.0 * np.sqrt(mean + 1.0)
    top = n if binomial else np.ceil(mean + reach)
    above, below = _above(n, center, binomial), _up_to(n, center, binomial)
    while not binomial and (above(top) > 0.5 * alpha).any():  # far smaller alphas than anybody asks for
        top = 2.0 * top
    upper = _first(lambda k: above(k) <= 0.5 * alpha, zero, top)
    # P(X < l) = P(X <= l - 1) grows with l: one below the first l for which it is too much.
    lower = _first(lambda k: (below(k - 1.0) > 0.5 * alpha) | (k > top), zero, top + 1.0) - 1.0
    upper, lower = np.where(gap, np.nan, upper), np.where(gap, np.nan, lower)
    return lower[back].reshape(size.shape), upper[back].reshape(size.shape)


def count_alarm(
    center: float, size: FloatArray, lower: FloatArray, upper: FloatArray, *, binomial: bool
) -> tuple[FloatArray, FloatArray]:
    """Return P(X < lower) and P(X > upper) of each point while nothing has changed: the attained false-alarm rates."""
    n = np.asarray(size, dtype=np.float64)
    low = _up_to(n, center, binomial)(np.ceil(lower) - 1.0)
    high = _above(n, center, binomial)(np.floor(upper))
    return np.where(np.isnan(lower), 0.0, low), np.where(np.isnan(upper), 0.0, high)


def attained(center: float, size: FloatArray, alpha: float, *, binomial: bool) -> tuple[float, float]:
    """Return the mean false-alarm rates below and above the limits of `count_limits` over points of these sizes."""
    if size.strides == (0,):  # the same everywhere
        size = size[:1]
    n, often = np.unique(size, return_counts=True)
    lines = count_limits(center, n, alpha, binomial=binomial)
    low, high = (float(np.dot(p, often)) / size.size for p in count_alarm(center, n, *lines, binomial=binomial))
    return low, high
