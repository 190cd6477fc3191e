"""Statistics with a memory: EWMA, CUSUM and moving average, each with the small carry that continues it.

Every kernel works along the last axis (a matrix is many series, one a row), takes the carry that the points before
left behind and returns the one for the points after: a whole column, its blocks, the row groups of a file and a live
stream go through the same code. Values must be finite. A known centre is taken off first, so an offset of 1e12 costs
no digits.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.spc.kernels.rows import Carry, as_rows, blocks, carry_back, carry_rows, lines

__all__ = [
    "cusum",
    "ewma",
    "ewma_variance",
    "ewma_variance_unequal",
    "moving_average",
    "moving_average_size",
    "run_lengths",
    "shift_estimate",
]

IntArray = npt.NDArray[np.int64]
_TILE = 16  # points a row of the Toeplitz product
_POINTS = 1 << 15  # points a block
_RESTART = 1 << 14  # points after which sums start afresh: the rounding of a CUSUM stays at 1e-12 sigma


@lru_cache(maxsize=256)
def _toeplitz(ratio: float, gain: float, m: int) -> FloatArray:
    """Return ``T[r, c] = gain * ratio**(c - r)`` for ``c >= r``."""
    powers = ratio ** np.arange(float(m))
    lag = np.arange(m) - np.arange(m)[:, None]
    tile = np.where(lag >= 0, gain * powers[np.abs(lag)], 0.0)
    tile.flags.writeable = False
    return tile


def _scan(e: FloatArray, ratio: float, gain: float, carry: FloatArray, out: FloatArray) -> None:
    """Write ``s[t] = ratio * s[t-1] + gain * e[t]`` along the rows of `e` (rows, m) to `out`; `e` is spoilt.

    The rows are cut into tiles of 16. What each tile ends on, started from nothing, follows the same recurrence with
    ``ratio**16``; with the state before a tile put into its first point, one Toeplitz product gives all of it.
    """
    rows, m = e.shape
    whole = m - m % _TILE
    if whole:
        tiles = e[:, :whole].reshape(rows, -1, _TILE)
        tile = _toeplitz(ratio, gain, _TILE)
        before = np.empty(tiles.shape[:2])
        before[:, 0] = carry
        if whole > _TILE:
            ends = np.matmul(tiles[:, :-1], tile[:, -1])
            _scan(ends, ratio**_TILE, 1.0, carry, before[:, 1:])
        np.multiply(before, ratio / gain, out=before)
        np.add(tiles[:, :, 0], before, out=tiles[:, :, 0])
        if whole == m and out.flags.c_contiguous:
            np.matmul(tiles.reshape(-1, _TILE), tile, out=out.reshape(-1, _TILE))
        else:
            out[:, :whole] = (tiles.reshape(-1, _TILE) @ tile).reshape(rows, whole)
        carry = out[:, whole - 1]
    if m > whole:
        rest = e[:, whole:].copy()
        rest[:, 0] += carry * (ratio / gain)
        np.matmul(rest, _toeplitz(ratio, gain, m - whole), out=out[:, whole:])


def ewma(
    x: FloatArray, lam: float, *, center: float | FloatArray = 0.0, carry: Carry = 0.0, out: FloatArray | None = None
) -> tuple[FloatArray, Carry]:
    """Return exponentially weighted moving averages and the carry.

    Parameters
    ----------
    x : numpy.ndarray
        Points in time order, (n,) or (series, n), in the unit of the data.
    lam : float
        Weight of the newest point, above 0 and at most 1.
    center : float or numpy.ndarray
        What is taken off before and put back after (one a series for a matrix): the target, from where the first
        average starts when `carry` is 0.
    carry : float or numpy.ndarray
        Last average before these points, **as a deviation from `center`** (one a series for a matrix).
    out : numpy.ndarray, optional
        Where to write.

    Returns
    -------
    z : numpy.ndarray
        Averages in the unit of the data.
    carry : float or numpy.ndarray
        Deviation of the last average from `center`.

    Notes
    -----
    ``z[t] = lam * x[t] + (1 - lam) * z[t-1]``: Montgomery (2013), 7th ed., eq. 9.22. How the data are cut into blocks
    changes the result by rounding only (some 1e-16 of a deviation).

    Examples
    --------
    >>> import numpy as np
    >>> z, last = ewma(np.array([52.0, 47.0, 53.0]), 0.3, center=50.0)
    >>> z.round(4).tolist(), round(last, 4)
    ([50.6, 49.52, 50.564], 0.564)
    """
    rows = as_rows(x)
    z = np.empty(x.shape) if out is None else out
    target, last = as_rows(z), carry_rows(carry, rows.shape[0])
    scratch = np.empty(min(_POINTS, x.size))
    for r, c in blocks(rows.shape, _POINTS):
        middle = center if isinstance(center, float | int) else center[r, None]
        part = target[r, c]
        d = scratch[: part.size].reshape(part.shape)
        np.subtract(rows[r, c], middle, out=d)
        _scan(d, 1.0 - lam, lam, last[r], part)
        last[r] = part[:, -1]
        if middle is not center or center != 0.0:
            np.add(part, middle, out=part)
    return z, carry_back(last, x)


def ewma_variance(lam: float, t: Any) -> Any:
    """Return the variance of an EWMA after `t` points, in units of the variance of one point.

    ``lam / (2 - lam) * (1 - (1 - lam)**(2 * t))``; ``t = inf`` gives the asymptotic factor. Montgomery (2013), 7th ed.,
    eqs. 9.25-9.28; the factor in front stays right for tiny `lam`.

    Parameters
    ----------
    lam : float
        Weight of the newest point.
    t : array-like
        Number of points averaged so far, from 1.

    Examples
    --------
    >>> round(float(ewma_variance(0.2, 1)), 4), round(float(ewma_variance(0.2, float("inf"))), 4)
    (0.04, 0.1111)
    """
    fade = -math.inf if lam >= 1.0 else 2.0 * math.log1p(-lam)
    return lam / (2.0 - lam) * -np.expm1(np.asarray(t, dtype=np.float64) * fade)[()]


def ewma_variance_unequal(n: FloatArray, lam: float, carry: float = 0.0) -> tuple[FloatArray, float]:
    """Return the exact variance of an EWMA of means of `n` values each, in units of the variance of one value.

    Use it where subgroup sizes differ: the usual factor over the current size alone is wrong then, as the average
    remembers the sizes before. ``v[t] = (1 - lam)**2 * v[t-1] + lam**2 / n[t]``.

    Parameters
    ----------
    n : numpy.ndarray
        Subgroup sizes, 1 or more.
    lam : float
        Weight of the newest point.
    carry : float
        Variance before the first of these points; 0 at the start.

    Examples
    --------
    >>> import numpy as np
    >>> v, _ = ewma_variance_unequal(np.array([4.0, 1.0]), 0.5)
    >>> v.tolist()
    [0.0625, 0.265625]
    """
    out, last = np.empty(n.size), carry
    for i in range(0, n.size, _POINTS):
        j = min(i + _POINTS, n.size)
        _scan(1.0 / n[None, i:j], (1.0 - lam) ** 2, lam * lam, np.array([last]), out[None, i:j])
        last = float(out[j - 1])
    return out, last


def cusum(
    x: FloatArray, center: float | FloatArray, allowance: float | FloatArray, carry: tuple[Carry, Carry] = (0.0, 0.0)
) -> tuple[FloatArray, FloatArray, tuple[Carry, Carry]]:
    """Return the upper and the lower tabular CUSUM, both as positive numbers, and the carry.

    Parameters
    ----------
    x : numpy.ndarray
        Points in time order, (n,) or (series, n): values, or z-scores where sizes differ.
    center : float or numpy.ndarray
        Target; one a point, or one a series for a matrix.
    allowance : float or numpy.ndarray
        Slack K, in the unit of `x`: half the shift to be found; shaped as `center`.
    carry : (upper, lower)
        Sums before these points: 0, the head start of a fast initial response, or what the call before returned.

    Returns
    -------
    upper, lower : numpy.ndarray
        Sums above and below target, in the unit of `x`.
    carry : (upper, lower)
        Last sums.

    Notes
    -----
    ``upper[t] = max(0, upper[t-1] + x[t] - center - K)`` and ``lower[t] = max(0, lower[t-1] + center - x[t] - K)``:
    Montgomery (2013), 7th ed., eqs. 9.2 and 9.3; computed as a cumulative sum less its running minimum, started afresh
    every 16384 points. The sums go on after a signal; to begin anew, call again from there.

    Examples
    --------
    >>> import numpy as np
    >>> up, low, _ = cusum(np.array([9.0, 11.0, 12.0, 9.0]), 10.0, 0.5)
    >>> up.tolist(), low.tolist()
    ([0.0, 0.5, 2.0, 0.5], [0.5, 0.0, 0.0, 0.5])
    """
    rows = as_rows(x)
    upper, lower = np.empty(x.shape), np.empty(x.shape)
    up, low = as_rows(upper), as_rows(lower)
    a, b = carry_rows(carry[0], rows.shape[0]), carry_rows(carry[1], rows.shape[0])
    mid = lines(center, rows.shape)
    ramp = np.arange(1.0, min(rows.shape[1], _RESTART) + 1.0) * allowance if np.ndim(allowance) == 0 else None
    slack = None if ramp is not None else lines(allowance, rows.shape)
    for r, c in blocks(rows.shape, _RESTART):
        d = rows[r, c] - (center if np.ndim(center) == 0 else mid[r, c])
        if ramp is not None:
            total = np.cumsum(d, axis=1, out=d)
            k = ramp[: total.shape[1]]
            high, deep = np.subtract(total, k), np.add(total, k)
        else:
            assert slack is not None
            high, deep = np.cumsum(d - slack[r, c], axis=1), np.cumsum(d + slack[r, c], axis=1)
        _above_lowest(high, a[r], up[r, c])
        _below_highest(deep, b[r], low[r, c])
        a[r], b[r] = up[r, c][:, -1], low[r, c][:, -1]
    return upper, lower, (carry_back(a, x), carry_back(b, x))


def _above_lowest(path: FloatArray, carry: FloatArray, out: FloatArray) -> None:
    np.minimum.accumulate(path, axis=1, out=out)
    np.minimum(out, -carry[:, None], out=out)
    np.subtract(path, out, out=out)


def _below_highest(path: FloatArray, carry: FloatArray, out: FloatArray) -> None:
    np.maximum.accumulate(path, axis=1, out=out)
    np.maximum(out, carry[:, None], out=out)
    np.subtract(out, path, out=out)


def run_lengths(sums: FloatArray, carry: int = 0) -> tuple[IntArray, int]:
    """Return for each point how many points in a row, itself the last, the CUSUM has been above zero.

    The shift a signal tells of began where the count was 1. ``N+`` and ``N-`` of Montgomery (2013), 7th ed.,
    section 9.1.2.

    Parameters
    ----------
    sums : numpy.ndarray
        One side of `cusum`, (n,).
    carry : int
        Count at the point before these.

    Examples
    --------
    >>> import numpy as np
    >>> run_lengths(np.array([0.5, 0.0, 0.2, 1.0]), 3)[0].tolist()
    [4, 0, 1, 2]
    """
    count = np.empty(sums.size, dtype=np.int64)
    for i in range(0, sums.size, _POINTS):
        part = sums[i : i + _POINTS]
        here = np.arange(1, part.size + 1)
        last_zero = np.maximum.accumulate(np.where(part > 0.0, -carry, here))
        np.subtract(here, last_zero, out=count[i : i + _POINTS])
        carry = int(count[i + part.size - 1])
    return count, carry


def shift_estimate(center: float, allowance: float, sums: Any, run: Any, side: str) -> Any:
    """Return the estimate of the new process mean at a CUSUM signal.

    ``center + K + C+ / N+`` for a signal above, ``center - K - C- / N-`` below: Montgomery (2013), 7th ed., eq. 9.5.
    With a head start the sum holds what was put in, and the estimate is too far out until the first zero.

    Parameters
    ----------
    center, allowance : float
        Target and slack K, in the unit of the data.
    sums : array-like
        Sum at the signal, as `cusum` gives it.
    run : array-like
        Points since it was last zero (`run_lengths`), 1 or more.
    side : {"upper", "lower"}
        Which sum signalled.

    Examples
    --------
    Montgomery (2013), 7th ed., example 9.1: C+ = 5.28 after seven periods, target 10, K = 0.5.

    >>> round(float(shift_estimate(10.0, 0.5, 5.28, 7, "upper")), 2)
    11.25
    """
    beyond = allowance + np.asarray(sums, dtype=np.float64) / np.asarray(run, dtype=np.float64)
    return (center + beyond if side == "upper" else center - beyond)[()]


def moving_average(
    x: FloatArray, window: int, *, center: float = 0.0, carry: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the last `window` points at each point (of all so far where fewer exist) and the carry.

    Each mean depends on its own window alone, added up in a fixed order: blocks and streams give the very same bits.

    Parameters
    ----------
    x : numpy.ndarray
        Points in time order, (n,) or (series, n).
    window : int
        Points averaged, 1 or more.
    center : float
        Taken off before adding up and put back after, so that large offsets cost no digits.
    carry : numpy.ndarray, optional
        Points before these, what the call before returned; None at the start.

    Returns
    -------
    averages : numpy.ndarray
        In the unit of the data.
    carry : numpy.ndarray
        The last ``window - 1`` points, or fewer where there are not so many yet.

    Notes
    -----
    Montgomery (2013), 7th ed., section 9.3. The variance of an average of ``m`` points is one ``m``-th of a point's;
    `moving_average_size` gives ``m``.

    Examples
    --------
    >>> import numpy as np
    >>> moving_average(np.array([1.0, 3.0, 5.0, 10.0]), 2)[0].tolist()
    [1.0, 2.0, 4.0, 7.5]
    """
    old = x[..., :0] if carry is None else carry
    rows, before = as_rows(x), as_rows(old)
    result = np.empty(x.shape)
    target, seen = as_rows(result), before.shape[1]
    for r, c in blocks(rows.shape, _RESTART):
        back = max(c.start - window + 1, 0)
        head = before[r, max(seen + c.start - window + 1, 0) :] if c.start < window - 1 else before[r, seen:]
        d = np.concatenate((head, rows[r, back : c.stop]), axis=1)
        np.subtract(d, center, out=d)
        # points that do not exist yet count zero, and the divisor leaves them out
        missing = window - 1 - (d.shape[1] - (c.stop - c.start))
        d = np.concatenate((np.zeros((d.shape[0], missing)), d), axis=1) if missing else d
        part = target[r, c]
        size = moving_average_size(c.stop - c.start, window, seen + c.start)
        np.divide(_window_sums(d, window), size, out=part)
        np.add(part, center, out=part)
    joined = np.concatenate((before, rows[:, max(rows.shape[1] - window + 1, 0) :]), axis=1)
    kept = joined[:, max(joined.shape[1] - window + 1, 0) :]
    return result, kept[0] if x.ndim == 1 else kept


def moving_average_size(n: int, window: int, seen: int = 0) -> FloatArray:
    """Return how many points each of `n` moving averages rests on, after `seen` points before them."""
    size: FloatArray = np.minimum(np.arange(seen + 1.0, seen + n + 1.0), window)
    return size


def _window_sums(d: FloatArray, window: int) -> FloatArray:
    """Return the sum of each `window` neighbours: powers of two by doubling, put together from the bits of `window`."""
    width, at, n = 1, 0, d.shape[1] - window + 1
    power, total = d, None
    while True:
        if window & width:
            piece = power[:, at : at + n]
            total = piece.copy() if total is None else np.add(total, piece, out=total)
            at += width
        if 2 * width > window:
            break
        power = power[:, :-width] + power[:, width:]
        width *= 2
    assert total is not None  # a window of 1 or more has a bit set
    return total
