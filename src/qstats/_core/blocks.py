"""Work on cache-sized pieces: a fresh temporary of a whole column costs more than the arithmetic on it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["BLOCK", "block_edges", "moving_range_sum", "safe_mean"]

BLOCK = 1 << 17  # points: 1 MiB of float64, what a second-level cache holds


def block_edges(n: int, block: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Yield ``(start, stop)`` of consecutive blocks that cover ``range(n)``."""
    for i in range(0, n, block):
        yield i, min(i + block, n)


def safe_mean(x: FloatArray) -> float:
    """Return the mean of a finite, non-empty vector, right at large offsets.

    Numpy's pairwise sum inside a block, `math.fsum` over blocks, then one correction by the mean of what is left over:
    1e12 + small spread keeps its digits.
    """
    n = x.size
    m = math.fsum(float(x[i:j].sum()) for i, j in block_edges(n)) / n
    scratch = np.empty(min(n, BLOCK))
    rest = []
    for i, j in block_edges(n):
        d = scratch[: j - i]
        np.subtract(x[i:j], m, out=d)
        rest.append(float(d.sum()))
    return m + math.fsum(rest) / n


def moving_range_sum(x: FloatArray) -> tuple[float, int]:
    """Return the sum of ``abs(x[i] - x[i-1])`` over neighbours that are both present, and how many there are.

    A NaN is a gap: no moving range is taken across it.
    """
    scratch = np.empty(min(max(x.size - 1, 0), BLOCK))
    parts: list[float] = []
    n = 0
    for i, j in block_edges(max(x.size - 1, 0)):
        d = scratch[: j - i]
        np.subtract(x[i + 1 : j + 1], x[i:j], out=d)
        np.abs(d, out=d)
        s = float(d.sum())
        if math.isnan(s):
            present = d[~np.isnan(d)]
            s, n = float(present.sum()), n + present.size
        else:
            n += j - i
        parts.append(s)
    return math.fsum(parts), n
