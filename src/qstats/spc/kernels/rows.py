"""One series or many (a matrix, one a row) through the same kernel, piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["Carry", "as_rows", "blocks", "carry_back", "carry_rows", "lines"]

Carry = Any  # float for one series, FloatArray (rows,) for a matrix


def as_rows(x: FloatArray) -> FloatArray:
    """Return one series as a matrix of one row; a matrix as it is."""
    return x[None, :] if x.ndim == 1 else x


def carry_rows(carry: Carry, rows: int) -> FloatArray:
    """Return a fresh array with one carry a row."""
    return np.array(np.broadcast_to(np.asarray(carry, dtype=np.float64), (rows,)))


def carry_back(carry: FloatArray, x: FloatArray) -> Carry:
    """Return the carry as it came: a number for one series, an array for a matrix."""
    return float(carry[0]) if x.ndim == 1 else carry


def lines(value: float | FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return a number, an array per point or (for a matrix) an array per series as a view of the given shape."""
    a = np.asarray(value, dtype=np.float64)
    return np.broadcast_to(a[:, None] if a.ndim == 1 and shape[0] > 1 else a, shape)


def blocks(shape: tuple[int, ...], points: int) -> list[tuple[slice, slice]]:
    """Cut (rows, m) into pieces of at most `points` points; the pieces of one row come in order of time."""
    rows, m = shape
    if m == 0 or rows == 0:
        return []
    wide = max(points // m, 1)
    return [
        (slice(r, min(r + wide, rows)), slice(i, min(i + points, m)))
        for r in range(0, rows, wide)
        for i in range(0, m, points)
    ]
