"""Orthogonal arrays of strength two, made by algebra: what there is of each size, and how columns are split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from qstats.doe.screening.difference import develop
from qstats.doe.screening.hadamard import hadamard

__all__ = ["MOST_SIZE", "Array", "arrays_of", "plan", "single", "split"]

IntArray = npt.NDArray[np.int64]
MOST_SIZE = 128

# Difference schemes (rows, group) whose arrays stay within MOST_SIZE runs.
_SCHEMES = (
    *((r, 2) for r in (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64)),
    *((r, 3) for r in (3, 6, 9, 12, 18, 27, 36)),
    *((r, 4) for r in (4, 8, 12, 16, 32)),
    *((r, 5) for r in (5, 10, 25)),
    *((r, 7) for r in (7, 14)),
    *((r, 8) for r in (8, 16)),
    (9, 9),
    (11, 11),
)
# Patterns of two-level columns within groups of four runs (0, 1, 2; 3, 4, 5 are their mirror images), found by search:
# with the groups as the levels of another column they make 3^1 2^4 in 12 runs and 5^1 2^8 in 20.
_PATTERNS = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]])
_GROUPED = {
    3: ("231", "140", "112", "034"),
    5: ("13022", "15333", "25204", "21111", "12154", "20542", "24035", "10410"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """An orthogonal array not yet made.

    Parameters
    ----------
    name : str
    levels : tuple of int
        Of each column.
    make : callable
        Returns the runs, numbers of levels from 0.
    """

    name: str
    levels: tuple[int, ...]
    make: Callable[[], IntArray]


def _developed(r: int, s: int) -> Array:
    return Array(f"difference scheme ({r}, {r}, {s})", (r, *(s,) * r), lambda: develop(r, s))


def _two(n: int) -> Array:
    return Array(f"Hadamard matrix of order {n}", (2,) * (n - 1), lambda: (1 - hadamard(n)[:, 1:]) // 2)


def _four(n: int) -> Array:
    """One four-level column of three columns of a doubled Hadamard matrix that multiply to one."""

    def make() -> IntArray:
        inner = (1 - hadamard(n // 2)) // 2
        first = np.repeat([0, 1], n // 2)
        upper = np.vstack([inner, inner])
        crossed = upper ^ first[:, None]
        return np.column_stack([2 * first + upper[:, 1], upper[:, 2:], crossed[:, 2:]])

    return Array(f"doubled Hadamard matrix of order {n // 2}", (4, *(2,) * (n - 4)), make)


def _grouped(s: int) -> Array:
    def make() -> IntArray:
        at = np.array([[int(c) for c in word] for word in _GROUPED[s]])
        return np.column_stack([np.repeat(np.arange(s), 4), _PATTERNS[at].reshape(len(at), -1).T])

    return Array("groups of four runs", (s, *(2,) * len(_GROUPED[s])), make)


def _halves(r: int) -> Array:
    """A column of r levels, r even, each twice, and two of two levels."""

    def make() -> IntArray:
        group, side = np.repeat(np.arange(r), 2), np.tile([0, 1], r)
        return np.column_stack([group, side, side ^ (group >= r // 2)])

    return Array("pairs of runs", (r, 2, 2), make)


def _product(a: Array, b: Array) -> Array:
    def make() -> IntArray:
        x, y = a.make(), b.make()
        return np.hstack([np.repeat(x, len(y), axis=0), np.tile(y, (len(x), 1))])

    return Array(f"{a.name} x {b.name}", a.levels + b.levels, make)


def single(s: int) -> Array:
    """Return one column of s levels, each once."""
    return Array(f"{s} levels", (s,), lambda: np.arange(s)[:, None])


@cache
def _base(n: int) -> tuple[Array, ...]:
    found = [_developed(r, s) for r, s in _SCHEMES if r * s == n]
    if n % 4 == 0 and 4 <= n <= 100:
        found.append(_two(n))
    if n % 8 == 0 and 8 < n <= 100:
        found.append(_four(n))
    if n in (12, 20):
        found.append(_grouped(n // 4))
    if n % 4 == 0 and n // 2 % 4 == 2 and n > 4:
        found.append(_halves(n // 2))
    return tuple(found)


@cache
def arrays_of(n: int) -> tuple[Array, ...]:
    """Return the arrays of n runs: those made directly, and all runs of one with all runs of another."""
    found = list(_base(n))
    for a in range(2, int(n**0.5) + 1):
        if n % a == 0:
            found += [_product(x, y) for x in (single(a), *_base(a)) for y in (single(n // a), *_base(n // a))]
    counts = [Counter(f.levels) for f in found]
    # an array whose columns all stand in another one adds nothing
    keep = [
        i
        for i, c in enumerate(counts)
        if not any(j != i and c <= d and (c != d or j < i) for j, d in enumerate(counts))
    ]
    return tuple(found[i] for i in keep)


Steps = tuple[tuple[int, int], ...]


def plan(levels: tuple[int, ...], need: Counter[int]) -> Steps | None:
    """Return which columns to replace by arrays of as many runs, (levels, number of the array) in turn, or None."""
    seen: set[frozenset[tuple[int, int]]] = set()

    def search(have: Counter[int], steps: Steps) -> Steps | None:
        missing = need - have
        if not missing:
            return steps
        key = frozenset(have.items())
        if key in seen:
            return None
        seen.add(key)
        for s in sorted(have - need):
            if not any(t < s and s % t == 0 for t in missing):
                continue
            for i, array in enumerate(arrays_of(s)):
                after = have.copy()
                after[s] -= 1
                after.update(array.levels)
                if (got := search(+after, (*steps, (s, i)))) is not None:
                    return got
        return None

    return search(Counter(levels), ())


def split(array: Array, steps: Steps) -> tuple[IntArray, tuple[int, ...]]:
    """Return an array with columns replaced as planned, and the levels of its columns."""
    columns = list(zip(array.levels, array.make().T, strict=True))
    for s, i in steps:
        at = next(j for j, (level, _) in enumerate(columns) if level == s)
        _, old = columns.pop(at)
        part = arrays_of(s)[i]
        columns += zip(part.levels, part.make()[old].T, strict=True)
    return np.column_stack([c for _, c in columns]), tuple(level for level, _ in columns)
