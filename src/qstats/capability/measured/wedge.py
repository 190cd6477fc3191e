"""Normal true values, normal measured values: the probability that one lies here and the other there.

With ``X ~ N(0, 1)`` and ``Y = X + t e`` the probability of ``a < X < b`` and ``c < Y < d`` is one integral of a normal
density times a normal probability. Both factors, so the integrand too, are log-concave: it has one top, and falls off
on either side. The integral is taken from where it has fallen by exp(-45) to where it has again, by Gauss-Legendre
rules on panels that end where a probability turns; relative to that top, so that a probability of 1e-200 keeps its
digits.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy

from qstats._core.arrays import FloatArray

__all__ = ["log_between", "rectangle"]

_NODES = 16
_SMOOTH = 14  # panels of the density alone
_FALL = 45.0
_REACH = 9.5  # a normal density has fallen by exp(-45) there
_TURN = np.linspace(-9.0, 9.0, 10)
_SEARCH = 60
_HALVINGS = 40
_NOTHING = -800.0  # logarithm of what no float64 can hold
_PERFECT = 1e-12  # so small a noise is lost in the rounding of the limits
_BLOCK = 512  # scenarios at once
_ROOT = 0.5 * math.log(2.0 * math.pi)


@lru_cache(maxsize=1)
def _rule() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def log_between(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the logarithm of ``P(low < Z < high)`` of a standard normal, worked out in the lower tail."""
    swap = low + high > 0.0
    a, b = np.where(swap, -high, low), np.where(swap, -low, high)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        upper = scipy.special.log_ndtr(b)
        gap = scipy.special.log_ndtr(a) - upper
        out: FloatArray = upper + np.log(-np.expm1(np.minimum(gap, 0.0)))
    return np.where(np.isnan(out), -np.inf, out)


def _log_integrand(x: FloatArray, low: FloatArray, high: FloatArray, t: FloatArray) -> FloatArray:
    return -0.5 * x * x + log_between((low - x) / t, (high - x) / t)


def _top(box: tuple[FloatArray, ...], t: FloatArray) -> FloatArray:
    """Return about where the integrand is largest: between 0 and the measured limits, cut off at the true ones."""
    a, b, c, d = box
    near = np.where(np.isfinite(c), c, np.where(np.isfinite(d), d, 0.0))
    far = np.where(np.isfinite(d), d, near)
    low = np.clip(np.minimum(np.where(np.isfinite(c), c, far), 0.0), a, b)
    high = np.clip(np.maximum(np.where(np.isfinite(d), d, near), 0.0), a, b)
    for _ in range(_SEARCH):
        third = (high - low) / 3.0
        left, right = low + third, high - third
        rising = _log_integrand(left, c, d, t) < _log_integrand(right, c, d, t)
        low, high = np.where(rising, left, low), np.where(rising, high, right)
    middle: FloatArray = 0.5 * (low + high)
    return middle


def _end(
    top: FloatArray, edge: FloatArray, floor: FloatArray, box: tuple[FloatArray, ...], t: FloatArray
) -> FloatArray:
    """Return where, from `top` towards `edge`, the integrand has fallen to `floor`."""
    inner, outer = top, edge
    for _ in range(_HALVINGS):
        middle = 0.5 * (inner + outer)
        inside = _log_integrand(middle, box[2], box[3], t) > floor
        inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
    return outer


def _block(box: tuple[FloatArray, ...], t: FloatArray) -> FloatArray:
    a, b, c, d = box
    top = _top(box, t)
    peak = _log_integrand(top, c, d, t)
    none = ~(peak > _NOTHING)
    floor = np.where(none, 0.0, peak) - _FALL
    low = _end(top, np.maximum(a, top - _REACH), floor, box, t)
    high = _end(top, np.minimum(b, top + _REACH), floor, box, t)
    smooth = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, _SMOOTH + 1)
    turns = [np.where(np.isfinite(e), e, 0.0)[:, None] + t[:, None] * _TURN for e in (c, d)]
    ends = np.sort(np.clip(np.concatenate([smooth, *turns], axis=1), low[:, None], high[:, None]), axis=1)
    nodes, weights = _rule()
    width = np.diff(ends, axis=1)
    x = ends[:, :-1, None] + width[:, :, None] * nodes
    value = np.exp(_log_integrand(x, *(v[:, None, None] for v in (c, d, t))) - np.where(none, 0.0, peak)[:, None, None])
    whole = np.einsum("ijk,k,ij->i", value, weights, width)
    with np.errstate(divide="ignore"):
        log = np.where(none | (whole <= 0.0), -np.inf, peak - _ROOT + np.log(np.where(whole > 0.0, whole, 1.0)))
    return np.exp(np.where(b > a, log, -np.inf))


def rectangle(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, t: FloatArray) -> FloatArray:
    """Return ``P(a < X < b, c < X + t e < d)`` of standard normal X and e.

    Arrays of one shape (m,); limits may be infinite. Good to about 1e-12 relative. A `t` below the rounding of the
    limits is a perfect measurement.
    """
    out = np.empty(a.size)
    ends = np.stack([np.where(np.isfinite(v), np.abs(v), 0.0) for v in (a, b, c, d)])
    perfect = t <= _PERFECT * (1.0 + ends.max(axis=0))
    if perfect.any():
        low, high = np.maximum(a, c)[perfect], np.minimum(b, d)[perfect]
        out[perfect] = np.where(high > low, np.exp(log_between(low, np.maximum(high, low))), 0.0)
    rest = np.flatnonzero(~perfect)
    empty = (b <= a) | (d <= c)
    for i in range(0, rest.size, _BLOCK):
        at = rest[i : i + _BLOCK]
        box = tuple(np.where(empty[at], fill, v[at]) for v, fill in ((a, 0.0), (b, 1.0), (c, 0.0), (d, 1.0)))
        out[at] = _block(box, t[at])
    out[empty] = 0.0
    return np.minimum(out, 1.0)
