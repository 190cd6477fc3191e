"""Maximum likelihood of two parameters in many rows at once, for rows with values known only to be small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray

__all__ = ["climb", "tobit"]

_STEP = 1e-4  # of a parameter on a logarithmic scale: differences good to 1e-8
_ROUNDS = 40


def climb(
    likelihood: Callable[[FloatArray, FloatArray, Any], FloatArray], a: FloatArray, b: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return where ``likelihood(a, b, rows)`` is largest, row by row: Newton by differences, steps halved if downhill.

    Parameters are on scales where one unit is a large change. `likelihood` is given the rows that still move; rows
    that do not settle come back as NaN.
    """
    a, b = np.array(a, dtype=np.float64), np.array(b, dtype=np.float64)
    live = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
    settled = np.zeros(a.size, dtype=np.bool_)
    for _ in range(_ROUNDS):
        if not live.size:
            break
        x, y = a[live], b[live]
        here = likelihood(x, y, live)
        dx, dy = _newton(likelihood, x, y, here, live)
        new_x, new_y = _uphill(likelihood, x, y, here, (dx, dy), live)
        a[live], b[live] = new_x, new_y
        done = np.hypot(new_x - x, new_y - y) < 1e-9
        settled[live[done]] = np.isfinite(here[done])
        live = live[~done]
    return np.where(settled, a, np.nan), np.where(settled, b, np.nan)


def _newton(
    f: Callable[..., FloatArray], x: FloatArray, y: FloatArray, here: FloatArray, rows: Any
) -> tuple[FloatArray, FloatArray]:
    h = _STEP
    right, left, up, down = f(x + h, y, rows), f(x - h, y, rows), f(x, y + h, rows), f(x, y - h, rows)
    gx, gy = (right - left) / (2 * h), (up - down) / (2 * h)
    xx, yy = (right - 2 * here + left) / h**2, (up - 2 * here + down) / h**2
    xy = (f(x + h, y + h, rows) - f(x + h, y - h, rows) - f(x - h, y + h, rows) + f(x - h, y - h, rows)) / (4 * h * h)
    det = xx * yy - xy * xy
    peak = (xx < 0.0) & (det > 0.0)
    safe = np.where(peak, det, 1.0)
    size = np.maximum(np.hypot(gx, gy), 1e-300)
    dx = np.where(peak, -(yy * gx - xy * gy) / safe, 0.1 * gx / size)
    dy = np.where(peak, -(xx * gy - xy * gx) / safe, 0.1 * gy / size)
    length = np.hypot(dx, dy)
    shrink = np.where(length > 1.0, 1.0 / np.where(length > 0.0, length, 1.0), 1.0)
    return np.nan_to_num(dx * shrink), np.nan_to_num(dy * shrink)


def _uphill(
    f: Callable[..., FloatArray], x: FloatArray, y: FloatArray, here: FloatArray,
    step: tuple[FloatArray, FloatArray], rows: Any,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    share = np.ones(x.size)
    for _ in range(30):
        worse = ~(f(x + share * step[0], y + share * step[1], rows) >= here - 1e-9 * np.abs(here))
        if not worse.any():
            break
        share[worse] *= 0.5
    return x + share * step[0], y + share * step[1]


def tobit(y: FloatArray, seen: npt.NDArray[np.bool_], edge: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of maximum likelihood of normal rows; entries not `seen` lie below `edge`."""
    n = seen.sum(axis=-1).astype(np.float64)
    mean = np.where(seen, y, 0.0).sum(axis=-1) / n
    square = (np.where(seen, y - mean[:, np.newaxis], 0.0) ** 2).sum(axis=-1)
    start = np.sqrt(square / n)
    start[~(start > 0.0)] = np.nan
    lost = y.shape[-1] - n

    def likelihood(at: FloatArray, log_s: FloatArray, rows: Any) -> FloatArray:
        # the mean is counted in standard deviations, to be on the same scale as the logarithm of one
        m, s = at * start[rows], np.exp(log_s)
        fit = -n[rows] * log_s - (square[rows] + n[rows] * (m - mean[rows]) ** 2) / (2.0 * s * s)
        return np.asarray(fit + lost[rows] * scipy.special.log_ndtr((edge[rows] - m) / s))

    at, log_s = climb(likelihood, mean / start, np.log(start))
    return at * start, np.exp(log_s)
