"""Work on cache-sized pieces: a fresh temporary of a whole column costs more than the arithmetic on it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "block_edges", "everywhere", "everywhere_true", "level_and_moves", "moving_range_sum", "safe_mean"]

BLOCK = 1 << 17  # points: 1 MiB of float64, what a second-level cache holds
FloatArray = npt.NDArray[np.float64]


def block_edges(n: int, block: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Yield ``(start, stop)`` of consecutive blocks that cover ``range(n)``."""
    for i in range(0, n, block):
        yield i, min(i + block, n)


def everywhere(value: float, n: int) -> FloatArray:
    """Return `n` times the same number, read-only and without memory; a tenth of the time of ``np.broadcast_to``."""
    return np.ndarray((n,), np.float64, struct.pack("d", value), 0, (0,))


def everywhere_true(test: Callable[..., npt.NDArray[np.bool_]], *arrays: FloatArray) -> bool:
    """Whether `test`, given the same block of each array, is true at every point; no temporary of full length."""
    n, block = arrays[0].size, BLOCK // 4
    if n <= block:
        return bool(test(*arrays).all())
    return all(bool(test(*(a[i:j] for a in arrays)).all()) for i, j in block_edges(n, block))


def safe_mean(x: FloatArray) -> float:
    """Return the mean of a finite, non-empty vector, right at large offsets.

    Numpy's pairwise sum inside a block, `math.fsum` over blocks, then one correction by the mean of what is left over:
    1e12 + small spread keeps its digits.
    """
    n = x.size
    if n <= BLOCK:
        m = float(np.add.reduce(x)) / n
        return m + float(np.add.reduce(x - m)) / n
    m = math.fsum(float(x[i:j].sum()) for i, j in block_edges(n)) / n
    scratch = np.empty(min(n, BLOCK))
    rest = []
    for i, j in block_edges(n):
        d = scratch[: j - i]
        np.subtract(x[i:j], m, out=d)
        rest.append(float(d.sum()))
    return m + math.fsum(rest) / n


def level_and_moves(x: FloatArray) -> tuple[float, float]:
    """Return the mean of a finite, non-empty vector and the sum of ``abs(x[i] - x[i-1])``, in one pass.

    A mean far from zero for its scatter is put right in a second pass: 1e12 + small spread keeps its digits.
    """
    scratch = np.empty(min(x.size, BLOCK))
    level, moves = [], []
    for i, j in block_edges(x.size):
        level.append(float(x[i:j].sum()))
        k = max(i, 1)
        d = scratch[: j - k]
        np.subtract(x[k:j], x[k - 1 : j - 1], out=d)
        np.abs(d, out=d)
        moves.append(float(d.sum()))
    mean, total = math.fsum(level) / x.size, math.fsum(moves)
    # A pairwise sum is good to some 1e-14 of its terms, which is 1e-12 of a scatter a hundredth their size.
    if not abs(mean) * x.size <= 100.0 * total:
        mean = safe_mean(x)
    return mean, total


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
