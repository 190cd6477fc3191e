"""Normal tolerance factors: how many standard deviations from the mean hold the share wanted."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.noncentral_t import nct_cdf, nct_quantile

__all__ = ["content_exceeds", "howe", "one_sided", "tail_control", "two_sided"]

_NODES = 96
_REACH = 8.5  # standard errors of the mean: what lies further out has probability 1e-17


@lru_cache(maxsize=512)
def one_sided(n: float, content: float, confidence: float, df: float) -> float:
    """Return k of ``mean + k s``: a noncentral t quantile over the root of n, exact."""
    z = float(scipy.special.ndtri(content))
    return float(nct_quantile(confidence, df, z * math.sqrt(n))) / math.sqrt(n)


def _half_width(x: FloatArray, content: float) -> FloatArray:
    """Return r with ``Phi(x + r) - Phi(x - r) = content``: Newton from above, where the function is concave in r."""
    r = np.abs(x) + float(scipy.special.ndtri(0.5 + 0.5 * content))
    for _ in range(60):
        inside = scipy.special.ndtr(x + r) - scipy.special.ndtr(x - r)
        slope = (np.exp(-0.5 * (x + r) ** 2) + np.exp(-0.5 * (x - r) ** 2)) / math.sqrt(2.0 * math.pi)
        step = (inside - content) / slope
        r = np.maximum(r - step, 0.5 * r)
        if float(np.abs(step).max()) < 1e-14 * float(r.max()):
            break
    return r


def _mean_nodes(n: float) -> tuple[FloatArray, FloatArray]:
    """Nodes of |mean| in standard deviations of the process and the probability at each: half a normal density."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    u = 0.5 * _REACH * (nodes + 1.0)
    return u / math.sqrt(n), weights * _REACH * np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)


def _chance(r: FloatArray, weight: FloatArray, k: float, df: float) -> float:
    """Chance that s is at least ``r / k``, averaged over the mean."""
    s = r / k
    return float((weight * scipy.special.gammaincc(0.5 * df, 0.5 * df * s * s)).sum())


def _root(rising: Callable[[float], float], start: float) -> float:
    low, high = 0.0, start
    while rising(high) < 0.0:
        low, high = high, 2.0 * high
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rising(middle) < 0.0 else (low, middle)
        if high - low <= 1e-15 * high:
            break
    return 0.5 * (low + high)


@lru_cache(maxsize=512)
def two_sided(n: float, content: float, confidence: float, df: float) -> float:
    """Return k of ``mean -+ k s`` that holds at least `content` between the limits, exact by quadrature."""
    x, weight = _mean_nodes(n)
    r = _half_width(x, content)
    return _root(lambda k: _chance(r, weight, k, df) - confidence, howe(n, content, confidence, df))


def howe(n: float, content: float, confidence: float, df: float) -> float:
    """Return Howe's approximation of the two-sided factor, as handbooks print it."""
    z = float(scipy.special.ndtri(0.5 + 0.5 * content))
    chi2 = 2.0 * float(scipy.special.gammaincinv(0.5 * df, 1.0 - confidence))
    return z * math.sqrt(1.0 + 1.0 / n) * math.sqrt(df / chi2)


@lru_cache(maxsize=512)
def tail_control(n: float, content: float, confidence: float, df: float) -> float:
    """Return k of ``mean -+ k s`` with at most ``(1 - content) / 2`` beyond each limit, exact by quadrature."""
    z = float(scipy.special.ndtri(0.5 + 0.5 * content))
    x, weight = _mean_nodes(n)
    # both tails hold when k s is at least z + |mean|
    return _root(lambda k: _chance(z + x, weight, k, df) - confidence, howe(n, content, confidence, df))


def content_exceeds(k: float, n: float, content: float, df: float, sides: str) -> float:
    """Chance that the interval with factor `k` holds more than `content`: how wasteful it is."""
    if sides == "two":
        x, weight = _mean_nodes(n)
        return _chance(_half_width(x, content), weight, k, df)
    return float(nct_cdf(k * math.sqrt(n), df, float(scipy.special.ndtri(content)) * math.sqrt(n)))
