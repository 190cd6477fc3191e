"""Full factorials: every combination of the levels of all factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.doe.design import Design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.fractions.blocking import best_blocks, block_numbers
from qstats.doe.fractions.choice import Fraction
from qstats.doe.fractions.door import TwoLevel, two_level
from qstats.doe.fractions.layout import MOST_RUNS, Layout, check_count, lay_out, notes_on
from qstats.doe.fractions.letters import Letters
from qstats.doe.fractions.structure import check_blocks
from qstats.doe.fractions.words import IntArray
from qstats.errors import DesignError

__all__ = ["full_factorial"]

_REFERENCE = "Yates 1937, The Design and Analysis of Factorial Experiments; Montgomery 2017, 9th ed., ch. 5-7"
# beyond this many two-level factors the blocks are looked for among the first ones only
_MOST_TWO = 14


def full_factorial(
    factors: object,
    *,
    levels: int | Mapping[str, int] | Sequence[int] | None = None,
    replicates: int = 1,
    center_points: int = 0,
    blocks: int = 1,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Try every combination of the levels of all factors.

    Use it for few factors, or where every interaction may matter. With six or more two-level factors a
    `fractional_factorial` tells nearly as much in a fraction of the runs.

    Parameters
    ----------
    factors : list of Factor, dict, list of names, or int
        Levels of discrete and categorical factors are their own.
    levels : int, mapping of name to int, or sequence of int, optional
        Number of equally spaced levels of the continuous factors; two unless said.
    replicates : int
    center_points : int
        In every block, at every combination of the factors that have no middle.
    blocks : int
        Of the whole design: a divisor of `replicates` (whole replicates together), or `replicates` times a power of
        two: then each replicate is divided by interactions of the two-level factors, chosen so that no main effect and
        as few low-order interactions as possible go with the blocks.
    rng : None, int or numpy Generator
        For the run order.
    randomize : bool
        False leaves standard order (first factor fastest), centre points at the end.

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        More than a million runs, levels that do not fit a factor, blocks that cannot be made.

    Notes
    -----
    Blocks of a 2^k design: the run with signs x stands in the block given by the signs of b products of factors, taken
    from the b-dimensional set of products that holds fewest two-factor, then three-factor ... interactions.

    References
    ----------
    Montgomery 2017, Design and Analysis of Experiments, 9th ed., ch. 5-7; Wu & Hamada 2021, Experiments, 3rd ed.,
    section 4.15 (blocking).

    Examples
    --------
    >>> from qstats.doe import full_factorial
    >>> d = full_factorial({"heat": (150, 190), "glue": ["A", "B", "C"]}, rng=1)
    >>> len(d), d.natural("heat").tolist()[:2], d.natural("glue").tolist()[:3]
    (6, [150.0, 190.0], ['A', 'A', 'B'])
    >>> full_factorial(3, blocks=2, rng=1).notes[0].message
    'blocks are made by ABC; no two-factor interaction is confounded with them'
    """
    found = as_factors(factors)
    layout = Layout.of(replicates, blocks, center_points, randomize, rng)
    for f in found:
        if f.kind == "mixture":
            raise DesignError(f"factors: {f.name!r} is a share of a mixture; shares need a mixture design")
    settings = _settings(found, levels)
    counts = [len(s) for s in settings]
    runs = 1
    for c in counts:
        runs *= c
    if runs * layout.replicates > MOST_RUNS:
        raise DesignError(f"runs: {runs * layout.replicates} combinations; at most {MOST_RUNS}: use a fraction")
    if set(counts) == {2} and len(found) <= _MOST_TWO:
        k = len(found)
        fraction = Fraction(k, tuple(1 << i for i in range(k)), (1,) * k, "full")
        return two_level(TwoLevel(found, Letters([f.name for f in found]), fraction, layout))
    return _mixed(found, settings, layout)


def _settings(factors: tuple[Factor, ...], levels: object) -> list[FloatArray]:
    """Coded settings of every factor."""
    free = [f for f in factors if f.kind == "continuous"]
    if levels is None:
        asked: dict[str, Any] = {}
    elif isinstance(levels, Mapping):
        asked = dict(levels)
    elif isinstance(levels, Sequence) and not isinstance(levels, str | bytes):
        if len(levels) != len(factors):
            raise DesignError(f"levels: {len(levels)} numbers for {len(factors)} factors; one for each is wanted")
        asked = {f.name: v for f, v in zip(factors, levels, strict=True)}
    else:
        asked = {f.name: levels for f in free}
        check_count(levels, "levels", least=2, most=1000)
    known = {f.name: f for f in factors}
    for name, count in asked.items():
        if name not in known:
            raise DesignError(f"levels: {name!r} is no factor; there are {', '.join(map(repr, known))}")
        n = check_count(count, f"levels of {name!r}", least=2, most=1000)
        if known[name].count not in (None, n):
            raise DesignError(f"levels: {name!r} has {known[name].count} levels of its own; {n} were asked")
    return [np.linspace(-1.0, 1.0, asked.get(f.name, 2)) if f.count is None else f.code(f.levels) for f in factors]


def _mixed(factors: tuple[Factor, ...], settings: list[FloatArray], layout: Layout) -> Design:
    """All combinations of any numbers of levels, first factor fastest."""
    counts = [s.size for s in settings]
    n = int(np.prod(counts))
    place = np.array(np.unravel_index(np.arange(n), counts, order="F")).T
    coded = np.column_stack([s[place[:, j]] for j, s in enumerate(settings)])
    if np.unique(place, axis=0).shape[0] != n:
        raise DesignError("design: a combination is missing: this is a bug in qstats")
    notes = [*notes_on(factors, layout)]
    block = None
    if layout.within:
        block, note = _divide(factors, place, counts, layout)
        notes = [note, *notes]
    return lay_out(
        "full factorial", factors, coded, layout, block, method="full factorial", reference=_REFERENCE,
        notes=tuple(notes),
    )  # fmt: skip


def _divide(factors: tuple[Factor, ...], place: IntArray, counts: list[int], layout: Layout) -> tuple[IntArray, Note]:
    """Blocks from interactions of the two-level factors among others: balanced over all levels of the others."""
    two = [j for j, c in enumerate(counts) if c == 2][:_MOST_TWO]
    b = layout.within
    found = best_blocks(tuple(1 << i for i in range(len(two))), len(two), b) if len(two) > b else None
    if found is None:
        raise DesignError(
            f"blocks: {1 << b} blocks in a replicate need interactions of {b + 1} or more two-level factors; there are "
            f"{len(two)}: let blocks hold whole replicates (blocks a divisor of replicates)"
        )
    run = ((1 - place[:, two]) << np.arange(len(two))).sum(axis=1)
    block = block_numbers(run, found.generators)
    check_blocks(_effects(place, counts), block)
    names = [":".join(factors[two[i]].name for i in range(len(two)) if g >> i & 1) for g in found.space]
    severity = "warning" if found.counts[1] else "info"
    return block, Note("blocks-confounded", severity, f"confounded with blocks: {', '.join(names)}")  # type: ignore[arg-type]


def _effects(place: IntArray, counts: list[int]) -> FloatArray:
    """Columns of all main effects, each of sum zero."""
    return np.column_stack([(place[:, j] == v) - 1.0 / c for j, c in enumerate(counts) for v in range(1, c)])
