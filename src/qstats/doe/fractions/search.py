"""Search for fractions: one column is exchanged at a time, many fractions at once, and the best are shaken."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fractions.words import (
    IntArray,
    full_pattern,
    krawtchouk,
    odd,
    pair_counts,
    resolution_of,
    run_weights,
    transform,
)

__all__ = ["Clear", "Goal", "Least", "best_fraction", "exchange", "fewest_runs", "in_base_form"]

# The search is part of the definition of a design, so it does not hang on the user's random numbers.
_SEED = 20190307
_STARTS, _SHAKES, _FOUND = 16, 20, 8

# Most factors in 2**m runs at resolution V and VII: the longest binary linear codes with m check bits and distance 5
# or 7 (Brouwer & Verhoeff 1993, IEEE Trans. Inf. Theory 39, 662-677). An even resolution takes one check and one
# factor more.
_LONGEST = {
    5: {4: 5, 5: 6, 6: 8, 7: 11, 8: 17, 9: 23, 10: 33},
    7: {6: 7, 7: 8, 8: 9, 9: 11, 10: 15, 11: 23, 12: 24},
}


class Goal(Protocol):
    """What a search makes small: rows of numbers that are compared from the first on."""

    def candidates(self, columns: IntArray, j: int, counts: FloatArray) -> list[FloatArray]:
        """Return, for (R, k) columns without column j and (R, L, N) counts of products, rows of shape (R, N)."""
        ...

    def value(self, columns: IntArray, pattern: FloatArray) -> list[FloatArray]:
        """Return rows of shape (R,) for whole fractions; `pattern` (R, L) holds the words of 3, 4, ... factors."""
        ...


@dataclass(frozen=True, slots=True)
class Least:
    """Fewest words of length 3, then of length 4, and so on: minimum aberration (Fries & Hunter 1980)."""

    def candidates(self, columns: IntArray, j: int, counts: FloatArray) -> list[FloatArray]:
        """Return the words that each candidate would make."""
        return [counts[:, i] for i in range(counts.shape[1])]

    def value(self, columns: IntArray, pattern: FloatArray) -> list[FloatArray]:
        """Return the word-length pattern."""
        return list(pattern.T)


@dataclass(frozen=True, slots=True)
class Clear:
    """Most clear two-factor interactions among fractions of resolution `floor`, then minimum aberration."""

    m: int
    floor: int

    def candidates(self, columns: IntArray, j: int, counts: FloatArray) -> list[FloatArray]:
        """Return words below the floor, clear interactions lost, then words."""
        n = 1 << self.m
        rows = np.arange(columns.shape[0])[:, None]
        taken = np.zeros((columns.shape[0], n))
        taken[rows, np.delete(columns, j, axis=1)] = 1.0
        pairs = counts[:, 0]
        once = (pairs == 1.0) & (taken == 0.0)
        never = (pairs == 0.0) & (taken == 0.0)
        never[:, 0] = False
        # a candidate d adds the products s*d: an XOR convolution, so a product of transforms
        change = never.astype(np.float64) - once
        gained = np.rint(transform(transform(change, self.m) * transform(taken, self.m), self.m) / n)
        words = [counts[:, i] for i in range(counts.shape[1])]
        return [*words[: self.floor - 3], once - gained, *words]

    def value(self, columns: IntArray, pattern: FloatArray) -> list[FloatArray]:
        """Return words below the floor, clear interactions (negative), then words."""
        clear = np.array([-float(pair_counts(c)[2].sum()) for c in columns])
        return [*pattern.T[: self.floor - 3], clear, *pattern.T]


def _levels(k: int, n: int) -> int:
    """Lengths of products worth comparing: all for few factors, and never more than a float64 counts exactly."""
    depth = k - 1 if k <= 14 else 7
    while depth > 2 and math.comb(k, min(depth, k // 2)) * n > 2**52:
        depth -= 1
    return max(depth, 2)


def _starts(k: int, m: int, size: int, banned: IntArray, rng: np.random.Generator) -> IntArray:
    """Base factors with random columns; every fourth start takes odd products only, which forces resolution IV."""
    base = 1 << np.arange(m)
    free = np.setdiff1d(np.arange(1, 1 << m), np.concatenate([base, banned]))
    parts = []
    for r in range(size):
        pool = free[odd(free) == 1] if r % 4 == 0 else free
        pool = pool if pool.size >= k - m else free
        parts.append(np.concatenate([base, rng.choice(pool, k - m, replace=False)]))
    return np.array(parts, dtype=np.int64)


def _smallest(rows: list[FloatArray], alive: np.ndarray, rng: np.random.Generator) -> IntArray:
    """The best living candidate of each fraction, rows compared from the first on, ties drawn."""
    for row in rows:
        left = np.where(alive, row, np.inf)
        alive = alive & (left == left.min(axis=1, keepdims=True))
    return np.asarray(np.argmax(alive * rng.random(alive.shape), axis=1), dtype=np.int64)


def _sweep(columns: IntArray, m: int, goal: Goal, banned: IntArray, times: int, rng: np.random.Generator) -> IntArray:
    """Exchange every column in turn for the best one there is."""
    size, k = columns.shape
    n = 1 << m
    x = np.arange(n)
    table = np.array(krawtchouk(k - 1, _levels(k, n)), dtype=np.float64)[2:]
    rows = np.arange(size)[:, None]
    weights = run_weights(columns, m)
    columns = columns.copy()
    for j in np.concatenate([rng.permutation(k) for _ in range(times)]).tolist():
        weights -= odd(columns[:, j, None] & x)
        counts = np.rint(transform(np.moveaxis(table[:, weights], 0, 1), m) / n)
        columns[:, j] = 0
        alive = np.ones((size, n), dtype=np.bool_)
        alive[rows, columns] = False
        alive[:, banned] = False
        columns[:, j] = _smallest(goal.candidates(columns, j, counts), alive, rng)
        weights += odd(columns[:, j, None] & x)
    return columns


def _values(columns: IntArray, m: int, goal: Goal) -> list[tuple[float, ...]]:
    k, n = columns.shape[1], 1 << m
    table = np.array(krawtchouk(k, min(k, _levels(k, n) + 1)), dtype=np.float64)[3:]
    pattern = np.rint(table[:, run_weights(columns, m)].sum(axis=-1).T / n)
    rows = goal.value(columns, pattern)
    return [tuple(float(row[r]) for row in rows) for r in range(columns.shape[0])]


def exchange(
    k: int,
    m: int,
    goal: Goal,
    *,
    banned: IntArray | None = None,
    enough: Callable[[tuple[float, ...]], bool] | None = None,
    seed: int = _SEED,
) -> list[IntArray]:
    """Return the best fractions found of k factors in ``2**m`` runs, as column numbers.

    Fractions with random columns are improved together by exchanging one column at a time; then each is shaken (a few
    columns drawn anew), improved again, and kept where it became no worse, until the best has been found several times.

    Parameters
    ----------
    k, m : int
    goal : Goal
    banned : ndarray of int, optional
        Column numbers no factor may have (those of blocks).
    enough : callable, optional
        Whether a value needs no further search.
    seed : int
    """
    rng = np.random.default_rng(seed)
    banned = np.zeros(0, dtype=np.int64) if banned is None else banned
    # the effort of a sweep grows as starts * N * k: the largest fractions get fewer starts
    size = int(np.clip((1 << 20) // ((1 << m) * k), 4, _STARTS))
    shakes = int(np.clip((1 << 27) // (size * k * k << m), 1, _SHAKES))
    columns = _sweep(_starts(k, m, size, banned, rng), m, goal, banned, 3, rng)
    values = _values(columns, m, goal)
    for shake in range(shakes + 1):
        best = min(values)
        done = values.count(best) >= min(_FOUND, size) and shake >= 6
        if shake == shakes or done or (enough is not None and enough(best)):
            break
        new = _sweep(_shaken(columns, m, banned, rng), m, goal, banned, 2, rng)
        for r, value in enumerate(_values(new, m, goal)):
            if value <= values[r]:
                columns[r], values[r] = new[r], value
    return [columns[r] for r in range(size) if values[r] == best]


def _shaken(columns: IntArray, m: int, banned: IntArray, rng: np.random.Generator) -> IntArray:
    out = columns.copy()
    everything = np.setdiff1d(np.arange(1, 1 << m), banned)
    for row in out:
        free = np.setdiff1d(everything, row)
        some = min(int(rng.integers(2, 7)), row.size, free.size)
        row[rng.choice(row.size, some, replace=False)] = rng.choice(free, some, replace=False)
    return out


def in_base_form(columns: IntArray, m: int) -> tuple[IntArray, list[int]] | None:
    """Return the columns over a base of m of them, and which those are; None where they do not span all runs.

    The base is the first m independent columns.
    """
    basis: list[tuple[int, int]] = []  # reduced column, and which base columns make it
    chosen: list[int] = []
    made = []
    for j, c in enumerate(columns.tolist()):
        value, parts = c, 0
        for reduced, how in basis:
            if value ^ reduced < value:
                value, parts = value ^ reduced, parts ^ how
        if value:
            own = 1 << len(chosen)
            basis.append((value, parts ^ own))
            basis.sort(reverse=True)
            chosen.append(j)
            made.append(own)
        else:
            made.append(parts)
    return (np.array(made, dtype=np.int64), chosen) if len(chosen) == m else None


def _presented(columns: IntArray, m: int) -> IntArray | None:
    """Base columns 1, 2, 4, ... first, then the generated ones in rising order."""
    found = in_base_form(columns, m)
    if found is None:
        return None
    made, chosen = found
    rest = np.sort(np.delete(made, chosen))
    return np.concatenate([1 << np.arange(m), rest]).astype(np.int64)


@lru_cache(maxsize=512)
def best_fraction(
    k: int, m: int, criterion: str = "aberration", floor: int = 3, blocks: int = 0, enough: int = 0
) -> tuple[int, ...] | None:
    """Return the columns of the best fraction found, or None where none has resolution `floor`.

    Parameters
    ----------
    k, m : int
        Factors; runs are ``2**m``.
    criterion : {"aberration", "clear"}
    floor : int
        Least resolution.
    blocks : int
        The fraction must leave room for ``2**blocks`` blocks.
    enough : int
        Stop at this resolution, where only that is asked.
    """
    if k == m:
        return tuple(1 << i for i in range(m))
    if k == (1 << m) - 1 and not blocks:  # saturated: every column there is
        full = _presented(np.arange(1, k + 1), m)
        return None if full is None or floor > 3 else tuple(full.tolist())
    # an even-weight space holds no base column
    span = [0]
    for i in range(blocks):
        span += [v ^ (3 << i) for v in span]
    banned = np.array(span[1:], dtype=np.int64)
    if k > (1 << m) - 1 - banned.size:
        return None
    goal: Goal = Clear(m, floor) if criterion == "clear" else Least()
    stop = None if not enough else (lambda value: not any(value[: enough - 3]))
    found = exchange(k, m, goal, banned=banned, enough=stop)
    shown = [p for p in (_presented(c, m) for c in found) if p is not None]
    fit = [p for p in shown if (resolution_of(full_pattern(p, m)) or k + 1) >= floor]
    if not fit:
        return None
    # equal patterns: the one with most clear interactions, then with the shortest generators
    best = min(fit, key=lambda p: (-int(pair_counts(p)[2].sum()), full_pattern(p, m), _length(p), p.tolist()))
    return tuple(best.tolist())


def _length(columns: IntArray) -> int:
    return int(np.bitwise_count(columns).sum())


def fewest_runs(k: int, resolution: int) -> int:
    """Return a bound: the least m for which theory lets ``2**m`` runs hold k factors at this resolution."""
    extra = 1 - resolution % 2
    r, factors = resolution - extra, k - extra
    t = (r - 1) // 2
    least = max(sum(math.comb(factors, i) for i in range(t + 1)) - 1, 0).bit_length() + extra
    known = _LONGEST.get(r, {})
    possible = [m + extra for m, most in known.items() if factors <= most]
    if possible:
        least = max(least, min(possible))
    elif known:
        least = max(least, max(known) + extra + 1)
    return min(least, k)
