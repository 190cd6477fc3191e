"""Settings that were run more than once, and the error that they show."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["block_indicators", "cells", "pure_error"]

IntArray = np.ndarray[Any, np.dtype[np.int64]]


def cells(coded: FloatArray) -> IntArray:
    """Return which exact setting each run has: 0, 1, ..."""
    _, where = np.unique(np.round(coded, 9) + 0.0, axis=0, return_inverse=True)
    return np.asarray(where.reshape(-1), dtype=np.int64)


def block_indicators(block: IntArray) -> FloatArray:
    """Return one column of 0 and 1 for each block."""
    _, where = np.unique(block, return_inverse=True)
    return np.asarray(where[:, None] == np.arange(where.max() + 1), dtype=np.float64)


def pure_error(coded: FloatArray, block: IntArray, y: FloatArray) -> tuple[float, int]:
    """Return sum of squares and degrees of freedom of repeated settings, blocks taken out.

    Runs of a setting made once are fitted exactly whatever the blocks do, so only repeated settings are looked at.
    """
    where = cells(coded)
    again = np.bincount(where)[where] > 1
    if not again.any():
        return 0.0, 0
    x = np.concatenate([block_indicators(where[again]), block_indicators(block[again])], axis=1)
    fitted, _, rank, _ = np.linalg.lstsq(x, y[again] - y[again].mean(), rcond=1e-10)
    left = y[again] - y[again].mean() - x @ fitted
    df = int(again.sum()) - int(rank)
    if df == 0 or float(np.abs(left).max()) <= 64.0 * np.finfo(float).eps * float(np.abs(y).max()):
        return 0.0, df
    return float(left @ left), df
