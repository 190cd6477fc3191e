"""The threshold below the smallest value: one equation in one unknown, in many rows at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.inference.roots import bracketed

__all__ = ["FAR", "NEAR", "least_gap"]

NEAR, FAR = 1e-4, 1e3  # gaps looked at, in standard deviations
_GRID = 8


def least_gap(excess: Callable[[FloatArray, FloatArray], FloatArray], rise: FloatArray) -> FloatArray:
    """Return the logarithm of the gap between threshold and smallest value where `excess` falls through zero.

    Parameters
    ----------
    excess : callable
        ``excess(log gap, rows of rise)``: expected smallest value, given the gap, less the gap; both as logarithms.
    rise : ndarray, shape (rows, n)
        Each value less the smallest of its row.

    Returns
    -------
    ndarray, shape (rows,)
        Where nothing falls through zero the farther end: such a row has no threshold to speak of.
    """
    sd = rise.std(axis=-1)
    grid = np.linspace(np.log(NEAR), np.log(FAR), _GRID)
    base = np.log(np.where(sd > 0.0, sd, np.nan))
    high = np.stack([excess(base + g, rise) for g in grid])
    falls = (high[:-1] > 0.0) & (high[1:] <= 0.0)
    found = falls.any(axis=0)
    at = falls.shape[0] - 1 - np.argmax(falls[::-1], axis=0)  # of several roots the farthest: the mildest threshold
    a, b = base + grid[at], base + grid[at + 1]
    out = np.where(found, a, base + grid[-1])
    rows = np.flatnonzero(found)

    def falling(x: FloatArray, which: Any) -> FloatArray:
        return excess(x, rise[rows[which]])

    if rows.size:
        out[rows] = bracketed(falling, a[rows], b[rows], tolerance=1e-10)
    return np.asarray(out, dtype=np.float64)
