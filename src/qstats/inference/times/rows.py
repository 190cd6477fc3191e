"""Mean times to a horizon of many samples in one call: one sample per line, open tickets among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.errors import DataError
from qstats.inference.means.rows import as_lines, in_lines, line_blocks, line_pair, shape_words

__all__ = ["closed_lines", "restricted_means", "time_lines"]


def time_lines(time: object, time0: object, *, least: int = 1) -> tuple[FloatArray, FloatArray]:
    """Return the times of both groups, zero or more, in equally many lines."""
    pair = line_pair(time, time0, ("time", "time0"), least=least)
    for name, t in zip(("time", "time0"), pair, strict=True):
        if t.min() < 0:
            line, column = np.unravel_index(int(np.argmax(t < 0)), t.shape)
            raise DataError(
                f"{name}: {t[line, column]!s} in line {line}, column {column}; negative time: closed before opened, "
                "correct the dates"
            )
    return pair


def closed_lines(data: Any, name: str, shape: tuple[int, ...]) -> BoolArray | None:
    """Return which times ended; None where all did."""
    if data is None:
        return None
    flag: Any = None
    if isinstance(data, np.ndarray) and data.dtype == np.bool_ and not isinstance(data, np.ma.MaskedArray):
        flag = data  # as it is: no copy eight times its size
    elif in_lines(data):
        flag = as_lines(data, name)
    if flag is None or flag.shape != shape:
        raise DataError(f"{name}: shape {shape_words(data)} came for times of shape {shape}; one each is wanted")
    if flag.dtype != np.bool_ and (bad := (flag != 0) & (flag != 1)).any():
        line, column = np.unravel_index(int(np.argmax(bad)), shape)
        raise DataError(
            f"{name}: {flag[line, column]!s} in line {line}, column {column}; True (closed) or False (still open) is "
            "wanted"
        )
    ended: BoolArray = np.equal(flag, True)
    return None if ended.all() else ended


def _rising(time: FloatArray, closed: BoolArray | None) -> tuple[FloatArray, BoolArray]:
    """Return each line's times in order, of equal ones the closed first, and which of them are still open.

    The bits of a float of zero or more rise with it, so time and flag go into one whole number that sorts at once.
    """
    if closed is None:
        return np.sort(time, axis=1), np.broadcast_to(np.False_, time.shape)
    key = time.view(np.uint64) << np.uint64(1)  # drops the sign bit, which only -0.0 can have here
    key |= ~closed
    key.sort(axis=1)
    return (key >> np.uint64(1)).view(np.float64), (key & np.uint64(1)).astype(np.bool_)


def _block(time: FloatArray, closed: BoolArray | None, horizon: float) -> tuple[FloatArray, FloatArray, BoolArray]:
    t, still_open = _rising(time, closed)
    n = t.shape[1]
    risk = np.arange(n, 0.0, -1.0)
    stay = risk - 1.0
    # Every end is a step of its own. d ends at one time among n at risk multiply to (n - d) / n all the same, and
    # their terms 1 / (n (n - 1)) + ... add up to Greenwood's d / (n (n - d)), since each is 1 / (n - 1) - 1 / n.
    survival = np.ones((t.shape[0], n + 1))
    np.cumprod(np.where(still_open, 1.0, stay / risk), axis=1, out=survival[:, 1:])
    jump = np.where(still_open, 0.0, np.divide(1.0, risk * stay, out=np.zeros(n), where=stay > 0))
    edges = np.zeros((t.shape[0], n + 2))
    edges[:, 1:-1] = np.minimum(t, horizon)
    edges[:, -1] = horizon
    areas = np.diff(edges, axis=1)
    areas *= survival
    left = areas[:, :0:-1].cumsum(axis=1)[:, ::-1] / horizon  # area from each step to the horizon, in its units
    se = horizon * np.sqrt(np.einsum("ij,ij,ij->i", left, left, jump))
    unknown = (t[:, -1] < horizon) & (survival[:, -1] > 0)
    return areas.sum(axis=1), se, unknown


def restricted_means(
    time: FloatArray, closed: BoolArray | None, horizon: float, name: str
) -> tuple[FloatArray, FloatArray]:
    """Return the area under each line's Kaplan-Meier curve up to `horizon` and its standard error."""
    mean, se = np.empty(time.shape[0]), np.empty(time.shape[0])
    unknown = np.zeros(time.shape[0], dtype=np.bool_)
    for i, j in line_blocks(time.shape):
        flag = None if closed is None else closed[i:j]
        mean[i:j], se[i:j], unknown[i:j] = _block(time[i:j], flag, horizon)
    if unknown.any():
        longest = time.max(axis=1)
        line = int(np.argmax(np.where(unknown, -longest, -np.inf)))
        raise DataError(
            f"horizon: got {horizon:g}, but in {np.count_nonzero(unknown)} of {mean.size} lines of {name} the longest "
            f"time seen is shorter and still open ({longest[line]:g} in line {line}): the curve is not known beyond; "
            f"take a horizon of at most {longest[line]:g}"
        )
    return mean, se
