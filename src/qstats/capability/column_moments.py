"""Mean, overall and inner scatter of very many columns at once, some columns at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.bias import d2
from qstats._core.blocks import BLOCK, block_edges
from qstats.capability.freedom import Pivot, individuals_pivot, subgroup_pivot

__all__ = ["COLUMN_SIGMA", "ColumnMoments", "column_moments"]

COLUMN_SIGMA = {"subgroups": ("pooled", "pooled_raw"), "single": ("moving_range", "mssd")}


@dataclass(frozen=True, slots=True, eq=False)
class ColumnMoments:
    """What is known of each of m columns, arrays of shape (m,).

    Parameters
    ----------
    n, mean, overall : numpy.ndarray
        Values present, mean, standard deviation of all (NaN under two values).
    within, factor, df : numpy.ndarray
        Sigma within, and what `indices.Scale` says of it.
    below, above : numpy.ndarray
        Values beyond the limits.
    """

    n: FloatArray
    mean: FloatArray
    overall: FloatArray
    within: FloatArray
    factor: FloatArray
    df: FloatArray
    below: FloatArray
    above: FloatArray


def column_moments(x: FloatArray, lower: FloatArray, upper: FloatArray, size: int, sigma: str) -> ColumnMoments:
    """Return the moments of the columns of `x`, NaN being missing; rows in time order, `size` of them a subgroup.

    Parameters
    ----------
    x : numpy.ndarray, shape (n, m)
    lower, upper : numpy.ndarray, shape (m,)
        Specification; NaN: none.
    size : int
        1: single values.
    sigma : str
        One of `COLUMN_SIGMA`.
    """
    out = np.full((7, x.shape[1]), np.nan)
    for i, j in block_edges(x.shape[1], max(1, BLOCK // max(x.shape[0], 1))):
        part = np.ascontiguousarray(x[:, i:j])
        out[:, i:j] = _block(part, lower[i:j], upper[i:j], size, sigma)
    n, mean, m2, inner, df, below, above = out
    with np.errstate(divide="ignore", invalid="ignore"):
        overall = np.sqrt(np.where(n > 1, m2 / (n - 1.0), np.nan))
        raw = np.where(df > 0, inner / df, np.nan)
    raw = raw / d2(2) if sigma == "moving_range" else np.sqrt(raw)
    factor, freedom = _pivots(df, size, sigma)
    within = raw / factor if sigma == "pooled" else raw
    return ColumnMoments(n, mean, overall, within, factor, freedom, below, above)


def _block(x: FloatArray, lower: FloatArray, upper: FloatArray, size: int, sigma: str) -> FloatArray:
    there = ~np.isnan(x)
    n = there.sum(axis=0).astype(np.float64)
    first = x[np.argmax(there, axis=0), np.arange(x.shape[1])]
    d = x - first  # an offset of 1e12 costs no digits
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = _sum(d, there) / n
        d -= shift
        rest = _sum(d, there) / n
    m2 = _sum(np.square(d - rest), there)
    inner, df = _inside(d, there, size) if size > 1 else _steps(d, sigma)
    with np.errstate(invalid="ignore"):
        below, above = (x < lower).sum(axis=0), (x > upper).sum(axis=0)
    return np.stack((n, first + (shift + rest), m2, inner, df, below, above))


def _sum(d: FloatArray, there: Any, axis: int = 0) -> FloatArray:
    total: FloatArray = np.where(there, d, 0.0).sum(axis=axis)
    return total


def _inside(d: FloatArray, there: Any, size: int) -> tuple[FloatArray, FloatArray]:
    """Return sum of squares within subgroups and its degrees of freedom; the last subgroup may be short."""
    rows, m = d.shape
    lack = -rows % size
    if lack:
        d = np.concatenate((d, np.full((lack, m), np.nan)))
        there = np.concatenate((there, np.zeros((lack, m), dtype=np.bool_)))
    d, there = d.reshape(-1, size, m), there.reshape(-1, size, m)
    n = there.sum(axis=1)
    mean = _sum(d, there, 1) / np.maximum(n, 1)
    squares = _sum(np.square(d - mean[:, None, :]), there, 1).sum(axis=0)
    return squares, np.maximum(n - 1, 0).sum(axis=0).astype(np.float64)


def _steps(d: FloatArray, sigma: str) -> tuple[FloatArray, FloatArray]:
    """Return sum of moving ranges (of half their squares) and how many there are; none across a gap."""
    move = d[1:] - d[:-1]
    there = ~np.isnan(move)
    value = np.abs(move) if sigma == "moving_range" else 0.5 * np.square(move)
    return _sum(value, there), there.sum(axis=0).astype(np.float64)


def _pivots(df: FloatArray, size: int, sigma: str) -> tuple[FloatArray, FloatArray]:
    """Return factor and degrees of freedom of every column, worked out once for each number of ranges."""
    seen, which = np.unique(np.nan_to_num(df, nan=0.0), return_inverse=True)
    one = _of_subgroups if size > 1 else _of_singles
    table = np.array([one(sigma, v) if v > 0 else (np.nan, np.nan) for v in seen.tolist()]).reshape(-1, 2)
    return table[which, 0], table[which, 1]


def _of_subgroups(sigma: str, df: float) -> Pivot:
    return subgroup_pivot(sigma, df, np.ones(1))


def _of_singles(sigma: str, df: float) -> Pivot:
    return individuals_pivot(sigma, df)
