"""Which contrasts a two-level experiment holds: each once, by its lowest-order name, with its aliases."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.factor import Factor
from qstats.doe.fractions.structure import Regular, regular
from qstats.doe.observed import Observed
from qstats.doe.terms import Part, Term
from qstats.errors import DesignError

__all__ = ["MOST", "Contrasts", "contrasts_of", "two_level_signs"]

MOST = 1023
_FIT = "fit a model with doe.fit"


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """Contrasts of a two-level experiment.

    Parameters
    ----------
    x : ndarray, shape (n, m)
        Signs of each contrast in the factorial runs.
    labels, aliases : tuple of str, length m
    order : tuple of int, length m
    regular : bool
    """

    x: FloatArray
    labels: tuple[str, ...]
    aliases: tuple[str, ...]
    order: tuple[int, ...]
    regular: bool


def two_level_signs(held: Observed) -> FloatArray:
    """Return -1 and +1 of every factorial run (also of those without a result).

    Raises
    ------
    DesignError
        A factor has no two levels, or a run was not made at them.
    """
    rows = ~held.center
    if not rows.any():
        raise DesignError(f"design: every run is a centre point; two-level runs are wanted, or {_FIT}")
    out = np.empty((int(rows.sum()), len(held.design.factors)))
    used = held.present[rows]
    for j, factor in enumerate(held.design.factors):
        out[:, j] = _signs(factor, held.design.coded[rows, j], used)
    return out


def _signs(factor: Factor, coded: FloatArray, used: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> FloatArray:
    if factor.kind == "mixture" or factor.count not in (None, 2):
        what = "a share of a mixture" if factor.kind == "mixture" else f"a factor of {factor.count} levels"
        raise DesignError(f"design: {factor.name!r} is {what}; effects are of two-level factors: {_FIT}")
    sign = coded if factor.numeric else 2.0 * coded - 1.0
    off = used & (np.abs(np.abs(sign) - 1.0) > 1e-9)
    if off.any():
        bad = factor.decode(coded[off][:1])[0]
        raise DesignError(
            f"design: {factor.name!r} was at {bad} in {int(off.sum())} run(s), not at its low or high setting; {_FIT}, "
            "which takes the settings as run"
        )
    return np.where(sign > 0.0, 1.0, -1.0)


def contrasts_of(held: Observed, signs: FloatArray, order: int | None, alias_order: int) -> Contrasts:
    """Return the contrasts up to an order: all of a regular fraction unless told, else main effects.

    What is aliased follows from the different settings planned, however often each was run.
    """
    names = held.design.names
    found = regular(np.unique(signs, axis=0))
    if found is None:
        return _plain(names, signs, 1 if order is None else order)
    words = _lowest_words(found, len(names) if order is None else order)
    if not words:
        raise DesignError("design: no factor changes in these runs")
    x = np.column_stack([signs[:, list(w)].prod(axis=1) for w in words.values()])
    chains = _chains(found, words, alias_order, names)
    return Contrasts(x, tuple(_text(names, w) for w in words.values()), chains, tuple(map(len, words.values())), True)


def _text(names: tuple[str, ...], word: tuple[int, ...]) -> str:
    return str(Term(tuple(Part(names[j]) for j in word)))


def _product(columns: list[int], word: tuple[int, ...]) -> int:
    value = 0
    for j in word:
        value ^= columns[j]
    return value


def _lowest_words(found: Regular, order: int) -> dict[int, tuple[int, ...]]:
    """Column number -> the first word, in order of length, that makes it."""
    columns, wanted = found.columns.tolist(), (1 << found.m) - 1
    words: dict[int, tuple[int, ...]] = {}
    for size in range(1, order + 1):
        for word in itertools.combinations(range(len(columns)), size):
            value = _product(columns, word)
            if value and value not in words:
                words[value] = word
                if len(words) > MOST:
                    raise DesignError(f"order: more than {MOST} contrasts up to order {size}; pass a lower order")
        if len(words) == wanted:
            break
    return words


def _chains(
    found: Regular, words: dict[int, tuple[int, ...]], alias_order: int, names: tuple[str, ...]
) -> tuple[str, ...]:
    columns = found.columns.tolist()
    members: dict[int, list[str]] = {value: [_text(names, word)] for value, word in words.items()}

    def sign(word: tuple[int, ...]) -> int:
        return found.sign(sum(1 << j for j in word))

    for size in range(1, alias_order + 1):
        for word in itertools.combinations(range(len(columns)), size):
            value = _product(columns, word)
            if value in words and words[value] != word:
                minus = "-" if sign(word) != sign(words[value]) else ""
                members[value].append(minus + _text(names, word))
    return tuple(" = ".join(held) for held in members.values())


def _plain(names: tuple[str, ...], signs: FloatArray, order: int) -> Contrasts:
    """Main effects and interactions up to an order, one column each."""
    k = len(names)
    if sum(math.comb(k, i) for i in range(1, min(order, k) + 1)) > MOST:
        raise DesignError(f"order: more than {MOST} contrasts up to order {order}; pass a lower order")
    words = [w for size in range(1, min(order, k) + 1) for w in itertools.combinations(range(k), size)]
    x = np.column_stack([signs[:, list(w)].prod(axis=1) for w in words])
    labels = tuple(_text(names, w) for w in words)
    return Contrasts(x, labels, labels, tuple(map(len, words)), False)
