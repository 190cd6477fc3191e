"""Which fraction answers a question: from runs, resolution, generators or interactions to columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.notes import Note
from qstats.doe.fractions.blocking import best_blocks
from qstats.doe.fractions.estimable import Pairs, estimable_fraction, least_runs_for, lost_pairs
from qstats.doe.fractions.layout import check_count
from qstats.doe.fractions.letters import Letters
from qstats.doe.fractions.search import best_fraction, fewest_runs
from qstats.doe.fractions.words import full_pattern, resolution_of
from qstats.errors import DesignError

__all__ = ["Ask", "Fraction", "choose"]

_MOST_BITS = 14
_MOST_FACTORS = 512


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a fraction.

    Parameters
    ----------
    runs, resolution : int or None
    criterion : str
    generators : str, sequence of str or None
    estimable : sequence or None
    clear_of_all : bool
    halvings : int
        Blocks within a replicate are ``2**halvings``.
    """

    runs: int | None
    resolution: int | None
    criterion: str
    generators: str | Sequence[str] | None
    estimable: Sequence[Any] | None
    clear_of_all: bool
    halvings: int


@dataclass(frozen=True, slots=True)
class Fraction:
    """A fraction found.

    Parameters
    ----------
    m : int
    columns : tuple of int
        In the order of the factors.
    signs : tuple of int
    how : str
    notes : tuple of Note
    """

    m: int
    columns: tuple[int, ...]
    signs: tuple[int, ...]
    how: str
    notes: tuple[Note, ...] = ()


def choose(ask: Ask, letters: Letters) -> Fraction:
    """Return the fraction that was asked for.

    Raises
    ------
    DesignError
        There is none, or the question contradicts itself.
    """
    k = len(letters.names)
    if k > _MOST_FACTORS:
        raise DesignError(f"factors: {k} came; at most {_MOST_FACTORS} are taken")
    floor = 3 if ask.resolution is None else check_count(ask.resolution, "resolution", least=3, most=_MOST_FACTORS)
    pairs = _pairs(ask.estimable, letters)
    if ask.generators is not None:
        found = _from_generators(ask, letters, pairs)
    elif ask.runs is None and ask.resolution is None and not pairs:
        raise DesignError(f"runs: neither runs, resolution, generators nor estimable came; {_table(k)}")
    else:
        found = _searched(ask, k, floor, pairs, letters)
    notes = [*found.notes]
    reached = resolution_of(full_pattern(np.array(found.columns), found.m))
    if reached == 3:
        text = "main effects are aliased with two-factor interactions (resolution III): follow up, or fold over"
        notes.append(Note("resolution-iii", "warning", text))
    return Fraction(found.m, found.columns, found.signs, found.how, tuple(notes))


def _table(k: int) -> str:
    offers = [f"resolution={r} takes {1 << fewest_runs(k, r)} runs" for r in (3, 4, 5) if r <= k]
    return f"pass one of them ({'; '.join(offers)})" if offers else "pass one of them, or use full_factorial"


def _bits(runs: object, k: int) -> int:
    n = check_count(runs, "runs", least=2, most=1 << _MOST_BITS)
    if n & (n - 1):
        low = 1 << (n.bit_length() - 1)
        raise DesignError(f"runs: got {n}; regular fractions have 2, 4, 8 ... runs: take {low} or {2 * low}")
    if n <= k:
        raise DesignError(f"runs: {n} runs hold at most {n - 1} factors; {k} came, so at least {1 << k.bit_length()}")
    if n > 1 << k:
        raise DesignError(f"runs: {k} factors have {1 << k} combinations; for {n} runs pass replicates={n >> k}")
    return n.bit_length() - 1


def _pairs(estimable: Sequence[Any] | None, letters: Letters) -> Pairs:
    if estimable is None:
        return ()
    if isinstance(estimable, str) or not isinstance(estimable, Sequence):
        raise DesignError(f"estimable: got {estimable!r}; a list of pairs such as [('A', 'B')] is wanted")
    found = []
    for number, given in enumerate(estimable, start=1):
        where = f"estimable, entry {number}"
        if isinstance(given, str):
            word = letters.word(given, where)
            both = [j for j in range(word.bit_length()) if word >> j & 1]
        elif isinstance(given, Sequence) and all(isinstance(g, str) for g in given):
            both = [letters.factor(g, where) for g in given]
        else:
            raise DesignError(f"{where}: got {given!r}; a pair of factor names is wanted")
        if len(both) != 2 or both[0] == both[1]:
            raise DesignError(f"{where}: got {given!r}; two different factors are wanted")
        found.append((min(both), max(both)))
    return tuple(sorted(set(found)))


def _searched(ask: Ask, k: int, floor: int, pairs: Pairs, letters: Letters) -> Fraction:
    """The fraction with these runs, or with the fewest that do."""
    least = max(fewest_runs(k, floor), least_runs_for(k, pairs) if pairs else 0)
    at = _bits(ask.runs, k) if ask.runs is not None else None
    first = least if at is None else at
    if first > _MOST_BITS:
        raise DesignError(f"runs: {1 << first} runs would be needed; at most {1 << _MOST_BITS} are made")
    for m in [at] if at is not None else range(least, min(k, _MOST_BITS) + 1):
        columns = _columns(ask, k, m, floor, pairs)
        if columns is not None:
            break
    else:
        raise DesignError(_refusal(ask, k, floor, pairs, letters, least))
    notes = []
    if at is None and m > least and not pairs:
        text = f"{1 << m} runs are the fewest found; theory does not exclude {1 << least}"
        notes.append(Note("fewest-found", "info", text))
    return Fraction(m, columns, (1,) * k, "estimable" if pairs else ask.criterion, tuple(notes))


def _columns(ask: Ask, k: int, m: int, floor: int, pairs: Pairs) -> tuple[int, ...] | None:
    if not pairs and ask.criterion == "clear" and ask.resolution is None and k <= 1 << (m - 1):
        floor = 4
    if pairs and ask.clear_of_all and ask.resolution is None:
        floor = 4

    def search(halvings: int) -> tuple[int, ...] | None:
        if pairs:
            return estimable_fraction(k, m, pairs, ask.clear_of_all, floor, halvings)
        return best_fraction(k, m, ask.criterion, floor, halvings)

    columns = search(0)
    if columns is not None and ask.halvings and best_blocks(columns, m, ask.halvings) is None:
        # blocks leave no room in the best fraction: search among those that have room
        columns = search(ask.halvings) if ask.halvings < m else None
    return columns


def _refusal(ask: Ask, k: int, floor: int, pairs: Pairs, letters: Letters, least: int) -> str:
    blocks = f" in {1 << ask.halvings} blocks" if ask.halvings else ""
    if pairs:
        names = ", ".join(letters.text(1 << a | 1 << b) for a, b in pairs)
        runs = f"{ask.runs} runs" if ask.runs else f"up to {1 << min(k, _MOST_BITS)} runs"
        return (
            f"estimable: no fraction of {k} factors in {runs}{blocks} keeps {names}; pass more runs, fewer pairs, a "
            "lower resolution or clear_of='listed'"
        )
    if ask.runs and least <= ask.runs.bit_length() - 1:
        return f"runs: no fraction of {k} factors in {ask.runs} runs{blocks} was found at resolution {floor}; take more"
    if ask.runs:
        return f"runs: {k} factors at resolution {floor} need {1 << least} runs; {ask.runs} came"
    return f"resolution: no fraction of {k} factors{blocks} at resolution {floor} was found in {1 << _MOST_BITS} runs"


def _from_generators(ask: Ask, letters: Letters, pairs: Pairs) -> Fraction:
    k = len(letters.names)
    given = [ask.generators] if isinstance(ask.generators, str) else ask.generators
    if isinstance(given, bytes) or not isinstance(given, Sequence) or not given:
        raise DesignError(f"generators: got {ask.generators!r}; texts such as 'E=ABCD' are wanted")
    if ask.criterion != "aberration":
        raise DesignError("criterion: generators leave nothing to choose; pass one of the two")
    if len(given) >= k:
        raise DesignError(f"generators: {len(given)} for {k} factors; at least one factor is free")
    read = [letters.read(text, i) for i, text in enumerate(given, start=1)]
    named = [r[0] is not None for r in read]
    if any(named) and not all(named):
        raise DesignError("generators: some name the factor they make and some do not; write all as 'E=ABCD'")
    made = [r[0] if r[0] is not None else k - len(given) + i for i, r in enumerate(read)]
    if len(set(made)) < len(made):
        raise DesignError("generators: one factor is made twice")
    base = [j for j in range(k) if j not in made]
    columns, signs = [0] * k, [1] * k
    for i, j in enumerate(base):
        columns[j] = 1 << i
    for j, (_, word, sign) in zip(made, read, strict=True):
        if depends := [letters.symbols[f] for f in made if word >> f & 1]:
            text = f"{letters.generator(j, word, sign)} uses {', '.join(depends)}, made by another generator"
            raise DesignError(f"generators: {text}; write it in {', '.join(letters.symbols[b] for b in base)}")
        columns[j] = sum(1 << i for i, b in enumerate(base) if word >> b & 1)
        signs[j] = sign
    _check_generators(ask, letters, columns, len(base), pairs)
    return Fraction(len(base), tuple(columns), tuple(signs), "generators")


def _check_generators(ask: Ask, letters: Letters, columns: list[int], m: int, pairs: Pairs) -> None:
    if m > _MOST_BITS:
        raise DesignError(f"generators: {1 << m} runs; at most {1 << _MOST_BITS} are made")
    if ask.runs is not None and ask.runs != 1 << m:
        raise DesignError(f"runs: got {ask.runs}; {len(columns) - m} generators for {len(columns)} factors: {1 << m}")
    for j, c in enumerate(columns):
        if columns.index(c) < j:
            a, b = letters.symbols[columns.index(c)], letters.symbols[j]
            raise DesignError(f"generators: {a} and {b} would be the same column (fully confounded); change one")
    reached = resolution_of(full_pattern(np.array(columns), m))
    if ask.resolution is not None and reached is not None and reached < ask.resolution:
        raise DesignError(f"resolution: {ask.resolution} was asked, the generators give {reached}")
    if lost := lost_pairs(np.array(columns), pairs, clear_of_all=ask.clear_of_all) if pairs else []:
        names = ", ".join(letters.text(1 << a | 1 << b) for a, b in lost)
        raise DesignError(f"estimable: with these generators {names} cannot be kept clear")
