"""Words of a regular two-level fraction: columns as whole numbers, patterns from the weights of runs.

A fraction in ``2**m`` runs is a list of column numbers: bit i stands for base factor i, so 7 = ABC. A word is a set of
factors whose columns multiply to a constant: whose column numbers have XOR zero.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray

__all__ = [
    "IntArray",
    "coset_counts",
    "full_pattern",
    "generator_masks",
    "krawtchouk",
    "odd",
    "pair_counts",
    "resolution_of",
    "run_weights",
    "short_words",
    "transform",
    "words_of",
]

IntArray = npt.NDArray[np.int64]


def odd(numbers: npt.ArrayLike) -> IntArray:
    """Return 1 where a number has an odd count of ones in base two, else 0."""
    ones: IntArray = np.bitwise_count(np.asarray(numbers, dtype=np.int64)).astype(np.int64)
    return ones & 1


def run_weights(columns: IntArray, m: int) -> IntArray:
    """Return how many factors are low in each of the ``2**m`` runs; `columns` has shape (..., k)."""
    return np.asarray(odd(columns[..., :, None] & np.arange(1 << m)).sum(axis=-2), dtype=np.int64)


@lru_cache(maxsize=256)
def krawtchouk(n: int, most: int) -> tuple[tuple[int, ...], ...]:
    """Return K_i(j; n), i = 0..most, j = 0..n: the sum of all products of i of n signs, j of them negative.

    By (i + 1) K_{i+1} = (n - 2j) K_i - (n - i + 1) K_{i-1}, in whole numbers.
    """
    rows = [[1] * (n + 1), [n - 2 * j for j in range(n + 1)]]
    for i in range(1, most):
        a, b = rows[-1], rows[-2]
        rows.append([((n - 2 * j) * a[j] - (n - i + 1) * b[j]) // (i + 1) for j in range(n + 1)])
    return tuple(map(tuple, rows[: most + 1]))


@lru_cache(maxsize=16)
def _hadamard(m: int) -> FloatArray:
    i = np.arange(1 << m)
    return np.asarray(1.0 - 2.0 * odd(i[:, None] & i), dtype=np.float64)


def transform(values: FloatArray, m: int) -> FloatArray:
    """Return the Walsh-Hadamard transform over the last axis, of length ``2**m``."""
    if m <= 7:
        return np.asarray(values @ _hadamard(m))
    a = m // 2
    shape = values.shape[:-1]
    square = values.reshape(*shape, 1 << a, 1 << (m - a)) @ _hadamard(m - a)
    return np.asarray(np.swapaxes(np.swapaxes(square, -1, -2) @ _hadamard(a), -1, -2).reshape(*shape, -1))


def coset_counts(columns: IntArray, m: int, most: int) -> IntArray:
    """Return how many products of i factors have each column number: shape (most + 1, 2**m)."""
    table = np.array(krawtchouk(columns.size, most), dtype=np.float64)
    return np.rint(transform(table[:, run_weights(columns, m)], m) / (1 << m)).astype(np.int64)


def full_pattern(columns: IntArray, m: int) -> tuple[int, ...]:
    """Return the numbers of words of length 1, 2, ..., k, exactly.

    A_i = (1/N) sum_j B_j K_i(j; k) with B_j the number of runs that have j factors low (MacWilliams).
    """
    k = int(columns.size)
    seen = np.bincount(run_weights(columns, m), minlength=k + 1).tolist()
    table = krawtchouk(k, k)
    return tuple(sum(b * table[i][j] for j, b in enumerate(seen) if b) >> m for i in range(1, k + 1))


def resolution_of(pattern: Sequence[int]) -> int | None:
    """Return the length of the shortest word; None where there is no word (a full factorial)."""
    return next((i for i, count in enumerate(pattern, start=1) if count), None)


def pair_counts(columns: IntArray) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_]]:
    """Return both factors of every pair, and whether their interaction is clear of mains and of other pairs."""
    i, j = np.triu_indices(columns.size, 1)
    product = columns[i] ^ columns[j]
    _, where, count = np.unique(product, return_inverse=True, return_counts=True)
    clear = (count[where] == 1) & ~np.isin(product, columns) & (product != 0)
    return i.astype(np.int64), j.astype(np.int64), clear


def generator_masks(columns: IntArray) -> list[int]:
    """Return the word of every generated factor as a set of factors (bit j = factor j), base factors being 1, 2, 4."""
    base = {int(c): j for j, c in reversed(list(enumerate(columns.tolist()))) if c.bit_count() == 1}
    used = set(base.values())
    return [
        (1 << j) | sum(1 << base[1 << i] for i in range(c.bit_length()) if c >> i & 1)
        for j, c in enumerate(columns.tolist())
        if j not in used
    ]


def words_of(generators: Sequence[int]) -> list[int]:
    """Return every product of the generators' words, shortest first."""
    words = [0]
    for g in generators:
        words += [w ^ g for w in words]
    return sorted(words[1:], key=lambda w: (w.bit_count(), [j for j in range(w.bit_length()) if w >> j & 1]))


def short_words(columns: IntArray, longest: int = 4) -> list[int]:
    """Return the words of at most `longest` (3 or 4) factors, for fractions with too many words to list."""
    c = columns.tolist()
    at: dict[int, list[int]] = {}
    for j, v in enumerate(c):
        at.setdefault(v, []).append(j)
    found = []
    for size in range(2, longest):
        for some in itertools.combinations(range(len(c)), size):
            value = 0
            for j in some:
                value ^= c[j]
            found += [sum(1 << i for i in (*some, j)) for j in at.get(value, ()) if j > some[-1]]
    return found
