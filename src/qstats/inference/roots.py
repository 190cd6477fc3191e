"""Roots of many monotone functions at once: limits of tail probabilities by Halley's method, others in a bracket."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray

__all__ = ["Tail", "bisect", "bisect_all", "bracketed", "by_blocks", "once_each", "tail_root"]

_THIN = 20.0  # counts under this have few different values whatever the total
_BLOCK = 1 << 14  # entries: a dozen temporaries of this length stay in a second-level cache
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
_ROUNDS = 12
_CLOSE = 1e-4  # a step this small leaves an error of its cube


class Tail(NamedTuple):
    """A tail probability of a count at u (log odds, or log mean), and what its derivatives by u are made of.

    Parameters
    ----------
    whole, rest : ndarray
        Probability of the tail with the observed count, and without it: their difference is the count's own.
    slope, bend : ndarray
        d g/du over the count's own probability, where g is the weighted tail; and its derivative by u.
    pull : ndarray
        d log(own probability)/du.
    """

    whole: FloatArray
    rest: FloatArray
    slope: FloatArray
    bend: FloatArray
    pull: FloatArray


def by_blocks(kernel: Callable[..., tuple[FloatArray, ...]], *columns: FloatArray) -> tuple[FloatArray, ...]:
    """Run `kernel` on cache-sized pieces of equally long columns and put its results together."""
    size = columns[0].size
    if size <= _BLOCK:
        return kernel(*columns)
    out: tuple[FloatArray, ...] | None = None
    for start in range(0, size, _BLOCK):
        part = slice(start, start + _BLOCK)
        got = kernel(*(c[part] for c in columns))
        if out is None:
            out = tuple(np.empty(size) for _ in got)
        for whole, piece in zip(out, got, strict=True):
            whole[part] = piece
    assert out is not None  # size is above zero here
    return out


def once_each(
    kernel: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]], k: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Run `kernel` once for each pair of whole numbers ``0 <= k <= n`` that occurs: many rows share few pairs.

    Small n share pairs; so do large n where k or n - k is small, and only those are worth looking up.
    """
    most = float(n.max())
    if k.size >= _BLOCK and most * (most + 3.0) <= 4.0 * k.size:
        # row n of the triangle of pairs begins at n (n + 1) / 2
        return _looked_up(kernel, 0.5 * n * (n + 1.0) + k, k, n)
    fewer = np.minimum(k, n - k)
    thin = np.flatnonzero(fewer < _THIN)
    least = float(n[thin].min()) if thin.size else 0.0
    if thin.size < _BLOCK or 2.0 * _THIN * (most - least + 1.0) > 4.0 * thin.size:
        low, high = by_blocks(kernel, k, n)
        return low, high
    low, high = np.empty(k.size), np.empty(k.size)
    few, kk, nn = fewer[thin], k[thin], n[thin]
    low[thin], high[thin] = _looked_up(kernel, 2.0 * (_THIN * (nn - least) + few) + (kk > few), kk, nn)
    if thin.size < k.size:
        rest = np.flatnonzero(fewer >= _THIN)
        low[rest], high[rest] = by_blocks(kernel, k[rest], n[rest])
    return low, high


def _looked_up(
    kernel: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    key: FloatArray, k: FloatArray, n: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Run `kernel` on one row of each key, a whole number that tells pairs apart."""
    cells = key.astype(np.intp)
    one = np.full(int(cells.max()) + 1, -1, dtype=np.intp)
    one[cells] = np.arange(cells.size)
    seen = np.flatnonzero(one >= 0)
    table = np.empty((2, one.size))
    table[:, seen] = by_blocks(kernel, k[one[seen]], n[one[seen]])
    return table[0][cells], table[1][cells]


def tail_root(
    tail: Callable[[FloatArray, Any], Tail], start: FloatArray, error: float, weight: float, *, rising: bool
) -> FloatArray:
    """Return u at which ``weight * whole + (1 - weight) * rest`` equals `error`.

    The normal score of a tail is nearly linear in u, so Halley's method on it is there in two or three rounds; entries
    that are not are bisected. `tail(u, which)` is given the entries that are still moving.
    """
    u = np.array(start, dtype=np.float64)
    goal = float(scipy.special.ndtri(error))
    live: Any = slice(None)
    with np.errstate(all="ignore"):  # a wild start may overflow: it fails the test below and is bisected
        for _ in range(_ROUNDS):
            at = u[live]
            t = tail(at, live)
            score = scipy.special.ndtri(weight * t.whole + (1.0 - weight) * t.rest)
            slope = (t.whole - t.rest) * t.slope * (_ROOT_TWO_PI * np.exp(0.5 * score * score))
            newton = (goal - score) / slope
            step = newton / (1.0 + 0.5 * newton * (t.pull + t.bend / t.slope + score * slope))
            u[live] = at + np.clip(step, -2.0, 2.0)
            moving = ~(np.abs(step) <= _CLOSE)
            if not moving.any():
                return u
            live = np.flatnonzero(moving) if isinstance(live, slice) else live[moving]
    return _bisected(tail, u, live, error, weight, 1.0 if rising else -1.0)


def _bisected(
    tail: Callable[[FloatArray, Any], Tail], u: FloatArray, live: Any, error: float, weight: float, sign: float
) -> FloatArray:
    def falling(points: FloatArray, part: slice) -> FloatArray:
        t = tail(points, live[part])
        return sign * (error - weight * t.whole - (1.0 - weight) * t.rest)

    reach = np.full(live.size, 700.0)
    with np.errstate(all="ignore"):
        u[live] = bisect_all(falling, -reach, reach)
    return u


def bracketed(
    falling: Callable[[FloatArray, Any], FloatArray], low: FloatArray, high: FloatArray, tolerance: float = 1e-15
) -> FloatArray:
    """Return where non-increasing functions pass zero in ``low <= x <= high``, by Chandrupatla's method.

    `falling(x, which)` is given the trial points of the entries `which`. Without a change of sign the nearer end comes
    back. `tolerance` is absolute, beside four units in the last place.

    References
    ----------
    Chandrupatla (1997), Advances in Engineering Software 28, 145-149.
    """
    out = np.empty(low.size)
    for start in range(0, low.size, _BLOCK):
        part = np.arange(start, min(start + _BLOCK, low.size))
        out[part] = _bracketed_block(falling, low[part], high[part], part, tolerance)
    return out


def _bracketed_block(falling: Any, a: FloatArray, b: FloatArray, which: Any, tolerance: float) -> FloatArray:
    out = np.empty(a.size)
    live = np.arange(a.size)
    fa, fb = _clipped(falling(a, which)), _clipped(falling(b, which))
    ends = (fa <= 0.0) | (fb >= 0.0)
    out[ends] = np.where(fa <= 0.0, a, b)[ends]
    a, b, fa, fb = (v[~ends] for v in (a, b, fa, fb))
    live = live[~ends]
    t = np.full(a.size, 0.5)
    for _ in range(200):
        if not live.size:
            break
        x = a + t * (b - a)
        fx = _clipped(falling(x, which[live]))
        same = (fx > 0.0) == (fa > 0.0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        nearer = np.where(np.abs(fa) < np.abs(fb), a, b)
        least = (4.0 * np.finfo(float).eps * np.abs(nearer) + tolerance) / np.abs(b - a)
        done = (least > 0.5) | (fa == 0.0) | (fb == 0.0)
        out[live] = nearer
        t = np.clip(_next(a, b, c, fa, fb, fc), np.minimum(least, 0.5), 1.0 - np.minimum(least, 0.5))
        go = ~done
        a, b, fa, fb, t = a[go], b[go], fa[go], fb[go], t[go]
        live = live[go]
    return out


def _clipped(f: FloatArray) -> FloatArray:
    """Infinite scores at the ends of a scale would spoil the interpolation."""
    return np.clip(f, -1e6, 1e6)


def _next(a: FloatArray, b: FloatArray, c: FloatArray, fa: FloatArray, fb: FloatArray, fc: FloatArray) -> FloatArray:
    """Return the next fraction of the bracket: inverse quadratic interpolation where it can be trusted, else half."""
    with np.errstate(all="ignore"):
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        trusted = (phi * phi < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
        t = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    return np.where(trusted & np.isfinite(t), t, 0.5)


def bisect(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a non-increasing function passes zero, to the last bit or so.

    Plain bisection: the functions here are flat, steep or infinite at their ends, where faster methods fail.
    """
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high) or math.isclose(low, high, rel_tol=1e-15, abs_tol=1e-300):
            break
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def bisect_all(
    falling: Callable[[FloatArray, slice], FloatArray], low: FloatArray, high: FloatArray, block: int = 1 << 14
) -> FloatArray:
    """Return, entry by entry, where a non-increasing function passes zero, to the last bit or so.

    ``falling(points, part)`` is given the trial points of the entries ``part``; work goes block by block so that the
    trial points stay in cache however many entries there are.
    """
    low, high = (np.array(v, dtype=np.float64) for v in np.broadcast_arrays(low, high))
    out = np.empty_like(low)
    for start in range(0, low.size, block):
        part = slice(start, start + block)
        a, b = low[part], high[part]
        for _ in range(200):
            middle = 0.5 * (a + b)
            done = (middle == a) | (middle == b) | (np.abs(b - a) <= np.maximum(1e-15 * np.abs(b), 1e-300))
            if done.all():
                break
            right = falling(middle, part) > 0
            a, b = np.where(right & ~done, middle, a), np.where(~right & ~done, middle, b)
        out[part] = 0.5 * (a + b)
    return out
