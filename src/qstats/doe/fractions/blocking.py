"""Blocks of a two-level design: which interactions to give up, so that main effects and pairs stay."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fractions.words import IntArray, coset_counts, odd

__all__ = ["Blocking", "best_blocks", "block_numbers"]

_SEED = 20190308
_STARTS, _SWEEPS = 24, 4


@dataclass(frozen=True, slots=True)
class Blocking:
    """Column numbers that are confounded with blocks.

    Parameters
    ----------
    generators : tuple of int
        b independent column numbers: the runs of a block have the same signs in them.
    space : tuple of int
        All their ``2**b - 1`` products.
    counts : tuple of int
        How many main effects (none), two-factor, three-factor ... interactions are confounded with blocks.
    """

    generators: tuple[int, ...]
    space: tuple[int, ...]
    counts: tuple[int, ...]


def _span(generators: list[int]) -> IntArray:
    found = np.zeros(1, dtype=np.int64)
    for g in generators:
        found = np.concatenate([found, found ^ g])
    return found


def _score(counts: FloatArray, generators: list[int]) -> tuple[float, ...]:
    return tuple(counts[:, _span(generators)[1:]].sum(axis=1).tolist())


def _best_last(counts: FloatArray, held: list[int], rng: np.random.Generator) -> int | None:
    """The column number that confounds least together with those held; None where all would take a main effect."""
    span = _span(held)
    n = counts.shape[1]
    new = counts[:, np.arange(n)[:, None] ^ span].sum(axis=2)
    alive = new[0] == 0.0
    alive[span] = False
    if not alive.any():
        return None
    for row in new[1:]:
        left = np.where(alive, row, np.inf)
        alive &= left == left.min()
    return int(rng.choice(np.flatnonzero(alive)))


@lru_cache(maxsize=256)
def best_blocks(columns: tuple[int, ...], m: int, b: int) -> Blocking | None:
    """Return the best way found to divide ``2**m`` runs into ``2**b`` blocks, or None where a main effect would go.

    Best: fewest two-factor interactions confounded with blocks, then fewest three-factor interactions, and so on.
    The number of i-factor products in every column is the Walsh transform of Krawtchouk polynomials of the run weights.

    Parameters
    ----------
    columns : tuple of int
    m, b : int
    """
    held = np.array(columns, dtype=np.int64)
    counts = coset_counts(held, m, min(held.size, 6))[1:].astype(np.float64)
    rng = np.random.default_rng(_SEED)
    best: tuple[tuple[float, ...], list[int]] | None = None
    for _ in range(1 if b == 1 else _STARTS):
        found = _one_start(counts, b, rng)
        if found is not None and (best is None or (_score(counts, found), sorted(found)) < best):
            best = (_score(counts, found), sorted(found))
    if best is None:
        return None
    generators = _shortest(best[1])
    space = _span(generators)[1:].tolist()
    return Blocking(tuple(generators), tuple(sorted(space)), tuple(int(v) for v in best[0]))


def _one_start(counts: FloatArray, b: int, rng: np.random.Generator) -> list[int] | None:
    allowed = np.flatnonzero(counts[0] == 0.0)
    allowed = allowed[allowed > 0]
    if not allowed.size:
        return None
    generators = [int(rng.choice(allowed))]
    while len(generators) < b:
        nearest = _best_last(counts, generators, rng)
        if nearest is None:
            return None
        generators.append(nearest)
    for _ in range(_SWEEPS):
        before = _score(counts, generators)
        for j in range(b):
            rest = generators[:j] + generators[j + 1 :]
            better = _best_last(counts, rest, rng)
            assert better is not None  # the one taken out fits
            generators[j] = better
        if _score(counts, generators) == before:
            break
    return generators


def _shortest(generators: list[int]) -> list[int]:
    """A basis of the same space in rising column numbers."""
    chosen: list[int] = []
    for v in sorted(_span(generators)[1:].tolist(), key=lambda v: (v.bit_count(), v)):
        if v not in _span(chosen):
            chosen.append(v)
    return chosen[: len(generators)]


def block_numbers(run: IntArray, generators: tuple[int, ...]) -> IntArray:
    """Return the block (from 1) of runs given as numbers (bit i set where base factor i is low)."""
    block = np.zeros(run.size, dtype=np.int64)
    for i, g in enumerate(generators):
        block |= odd(run & g) << i
    return block + 1
