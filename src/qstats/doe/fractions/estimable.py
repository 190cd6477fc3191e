"""Fractions in which named two-factor interactions can be estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fractions.search import exchange, in_base_form
from qstats.doe.fractions.words import IntArray, full_pattern, resolution_of

__all__ = ["Keep", "estimable_fraction", "least_runs_for", "lost_pairs"]

Pairs = tuple[tuple[int, int], ...]


def lost_pairs(columns: IntArray, pairs: Pairs, *, clear_of_all: bool) -> list[tuple[int, int]]:
    """Return the pairs whose interaction shares its column with a main effect or with another interaction.

    `clear_of_all` counts every other two-factor interaction; else only the listed ones.
    """
    i, j = np.triu_indices(columns.size, 1) if clear_of_all else np.array(pairs).T
    others = np.concatenate([columns, columns[i] ^ columns[j]]).tolist()
    return [(a, b) for a, b in pairs if others.count(int(columns[a] ^ columns[b])) > 1]


@dataclass(frozen=True, slots=True)
class Keep:
    """No listed interaction lost, no word shorter than `floor`, then minimum aberration.

    Columns belong to factors here: the search may not permute them.
    """

    m: int
    pairs: Pairs
    clear_of_all: bool
    floor: int

    def candidates(self, columns: IntArray, j: int, counts: FloatArray) -> list[FloatArray]:
        """Return collisions and words each candidate for column j would make."""
        size, n = columns.shape[0], 1 << self.m
        rows = np.arange(size)[:, None]
        x = np.arange(n)
        mains = np.zeros((size, n))
        mains[rows, np.delete(columns, j, axis=1)] = 1.0
        fixed = [columns[:, a] ^ columns[:, b] for a, b in self.pairs if j not in (a, b)]
        partners = [columns[:, b if a == j else a] for a, b in self.pairs if j in (a, b)]
        listed = np.zeros((size, n))
        for at in fixed:
            listed[rows[:, 0], at] += 1.0
        others = counts[:, 0] if self.clear_of_all else listed
        lost = np.zeros((size, n))
        for at in fixed:
            lost[rows[:, 0], at] += 1.0  # the candidate itself is that interaction
            if self.clear_of_all:  # or one of the interactions it makes
                lost += mains[rows, at[:, None] ^ x]
        for partner in partners:
            made = partner[:, None] ^ x
            lost += mains[rows, made] + others[rows, made]
        words = [counts[:, i] for i in range(counts.shape[1])]
        return [lost, *words[: self.floor - 3], *words]

    def value(self, columns: IntArray, pattern: FloatArray) -> list[FloatArray]:
        """Return the number of lost interactions, then words."""
        lost = [float(len(lost_pairs(c, self.pairs, clear_of_all=self.clear_of_all))) for c in columns]
        return [np.array(lost), *pattern.T]


def least_runs_for(k: int, pairs: Pairs) -> int:
    """Return the least m whose ``2**m`` runs hold the mean, the main effects and the listed interactions."""
    return min(math.ceil(math.log2(1 + k + len(pairs))), k)


@lru_cache(maxsize=256)
def estimable_fraction(
    k: int, m: int, pairs: Pairs, clear_of_all: bool = True, floor: int = 3, blocks: int = 0
) -> tuple[int, ...] | None:
    """Return the columns, in the order of the factors, of a fraction that keeps all the pairs, or None."""
    if 1 + k + len(pairs) > 1 << m:
        return None
    if k == m:
        return tuple(1 << i for i in range(m))
    span = [0]
    for i in range(blocks):
        span += [v ^ (3 << i) for v in span]
    banned = np.array(span[1:], dtype=np.int64)
    if k > (1 << m) - 1 - banned.size:
        return None
    fit = []
    for columns in exchange(k, m, Keep(m, pairs, clear_of_all, floor), banned=banned):
        found = in_base_form(columns, m)
        if found is None or lost_pairs(columns, pairs, clear_of_all=clear_of_all):
            continue
        pattern = full_pattern(columns, m)
        if (resolution_of(pattern) or k + 1) >= floor:
            fit.append((pattern, tuple(found[0].tolist())))
    return min(fit)[1] if fit else None
