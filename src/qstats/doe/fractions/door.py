"""Two-level fractional factorials: by runs, by resolution, by generators, or by what has to be estimable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.doe.design import Design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.fractions.blocking import Blocking, best_blocks, block_numbers
from qstats.doe.fractions.choice import Ask, Fraction, choose
from qstats.doe.fractions.layout import Layout, lay_out, notes_on
from qstats.doe.fractions.letters import Letters
from qstats.doe.fractions.structure import Regular, check_blocks, check_fraction, coded_of, parity_signs
from qstats.doe.fractions.words import IntArray, full_pattern, generator_masks, resolution_of, short_words, words_of
from qstats.errors import DesignError

__all__ = ["TwoLevel", "defining_words", "fractional_factorial", "two_level"]

_LISTED = 12
_QUADRUPLES = 128  # above this many factors words of four are too many to list
_METHODS = {
    "aberration": "regular two-level fraction of least aberration found",
    "clear": "regular two-level fraction with most clear two-factor interactions found",
    "generators": "regular two-level fraction from its generators",
    "estimable": "regular two-level fraction that keeps the listed interactions",
    "full": "full two-level factorial",
}
_REFERENCE = (
    "Box & Hunter 1961, Technometrics 3, 311-351 and 449-458; Fries & Hunter 1980, Technometrics 22, 601-608; "
    "Wu & Hamada 2021, Experiments, 3rd ed., ch. 4-5"
)


def fractional_factorial(
    factors: object,
    *,
    runs: int | None = None,
    resolution: int | None = None,
    generators: str | Sequence[str] | None = None,
    criterion: str = "aberration",
    estimable: Sequence[Any] | None = None,
    clear_of: str = "all",
    blocks: int = 1,
    center_points: int = 0,
    replicates: int = 1,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Try many two-level factors in a fraction of all combinations: the runs are chosen so that least is lost.

    Use it to screen (resolution III, IV) or to study main effects and interactions together (V). A factor with three or
    more levels needs `full_factorial` or an orthogonal array; curvature shows in centre points only as a whole.

    Parameters
    ----------
    factors : list of Factor, dict, list of names, or int
        Each with two levels: a range, two numbers or two texts.
    runs : int, optional
        A power of two, of one replicate, without centre points.
    resolution : int, optional
        At least this length of the shortest word: III main effects clear of each other, IV also of two-factor
        interactions, V two-factor interactions clear of each other. Without `runs`, the fewest runs that reach it.
    generators : str or sequence of str, optional
        Such as ``"E=ABCD"`` or ``"-ABC"`` (the next factor that is no base factor; with a minus the other half), in
        letters by order (no I) or in names: ``"glue = -speed*heat"``.
    criterion : {"aberration", "clear"}
        Fewest short words, or most clear two-factor interactions (those aliased with no main effect and no other
        two-factor interaction) at resolution IV where that can be had, else at `resolution`.
    estimable : sequence of pairs, optional
        Two-factor interactions to be kept: ``("speed", "glue")`` or ``"AB"``.
    clear_of : {"all", "listed"}
        Kept clear of all main effects and all other two-factor interactions, or only of main effects and of each other
        (the interactions not listed are then taken to be nil; takes fewer runs).
    blocks : int
        Of the whole design: a power of two per replicate, or a divisor of `replicates`. Never confounded with a main
        effect; with as few two-factor interactions as possible.
    center_points : int
        In every block, at every combination of the factors that have no middle.
    replicates : int
    rng : None, int or numpy Generator
        For the run order only: the same question always gives the same fraction.
    randomize : bool
        False leaves standard order, centre points at the end.

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        A factor with more than two levels, runs that hold no such fraction, generators that confound main effects.

    Notes
    -----
    A_i, the number of words of i factors, is (1/N) sum_j B_j K_i(j; k), where B_j runs have j factors low and K_i is a
    Krawtchouk polynomial. The first A_i that differ decide. The search is heuristic: it reaches the best known patterns
    where those are listed, and proves none of them.

    References
    ----------
    Fries & Hunter 1980, Technometrics 22, 601-608; Chen, Sun & Wu 1993, Int. Stat. Rev. 61, 131-145; Wu & Hamada 2021,
    Experiments, 3rd ed., sections 5.2-5.4.

    Examples
    --------
    >>> from qstats.doe import fractional_factorial
    >>> d = fractional_factorial({"speed": (20, 60), "heat": (150, 190), "glue": ["A", "B"], "dwell": (1, 3)}, runs=8,
    ...                          rng=1)
    >>> len(d), d.resolution, d.generators
    (8, 4, ('D=ABC',))
    >>> len(fractional_factorial(11, resolution=5, rng=1))
    128
    """
    found = two_level_factors(factors)
    layout = Layout.of(replicates, blocks, center_points, randomize, rng)
    letters = Letters([f.name for f in found])
    check_choice(criterion, "criterion", ("aberration", "clear"))
    check_choice(clear_of, "clear_of", ("all", "listed"))
    ask = Ask(runs, resolution, criterion, generators, estimable, clear_of == "all", layout.within)
    fraction = choose(ask, letters)
    return two_level(TwoLevel(found, letters, fraction, layout))


def two_level_factors(factors: object) -> tuple[Factor, ...]:
    """Return factors that all have two settings."""
    found = as_factors(factors)
    for f in found:
        if f.kind == "mixture":
            raise DesignError(f"factors: {f.name!r} is a share of a mixture; shares need a mixture design")
        if f.count not in (None, 2):
            raise DesignError(
                f"factors: {f.name!r} has {f.count} levels, a two-level fraction takes two; use full_factorial, an "
                "orthogonal array or an optimal design, or name the two levels to try"
            )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class TwoLevel:
    """A two-level design about to be laid out.

    Parameters
    ----------
    factors : tuple of Factor
    letters : Letters
    fraction : Fraction
    layout : Layout
    """

    factors: tuple[Factor, ...]
    letters: Letters
    fraction: Fraction
    layout: Layout


def two_level(made: TwoLevel, kind: str = "fractional factorial") -> Design:
    """Return the design, after reading off its runs that it is what it claims."""
    f, layout = made.fraction, made.layout
    n, k = 1 << f.m, len(f.columns)
    # standard order: the first factor fastest, low first
    run = (n - 1) ^ np.arange(n)
    columns = np.array(f.columns, dtype=np.int64)
    signs = parity_signs(columns[None, :], run[:, None]) * np.array(f.signs, dtype=np.float64)
    real = check_fraction(signs, runs=n, resolution=resolution_of(full_pattern(columns, f.m)))
    notes = [*made.letters.legend(), *f.notes, *notes_on(made.factors, layout)]
    block = None
    if layout.within:
        blocking = best_blocks(f.columns, f.m, layout.within)
        if blocking is None:
            most = _most_blocks(f.columns, f.m) * layout.replicates
            raise DesignError(
                f"blocks: {layout.blocks} blocks take a main effect with them here; at most {most}, or more runs"
            )
        block = block_numbers(run, blocking.generators)
        check_blocks(signs, block)
        notes.append(_confounded(columns, blocking, made.letters))
    words, cut = defining_words(real, made.letters)
    if cut:
        notes.append(Note("words-cut", "info", f"{(1 << (k - f.m)) - 1} words; only the shortest are listed"))
    full = k == f.m
    return lay_out(
        "full factorial" if full else kind, made.factors, coded_of(made.factors, signs), layout, block,
        generators=generator_texts(real, made.letters), defining_relation=words, resolution=real.resolution,
        method=_METHODS["full" if full else f.how], reference=_REFERENCE, notes=tuple(notes),
    )  # fmt: skip


def _most_blocks(columns: tuple[int, ...], m: int) -> int:
    b = 0
    while best_blocks(columns, m, b + 1) is not None:
        b += 1
    return 1 << b


def _confounded(columns: IntArray, blocking: Blocking, letters: Letters) -> Note:
    """Which interactions go with the blocks: all pairs, and the generators of the blocks as words."""
    i, j = np.triu_indices(columns.size, 1)
    lost = np.isin(columns[i] ^ columns[j], blocking.space)
    base = {int(c): f for f, c in reversed(list(enumerate(columns.tolist()))) if c.bit_count() == 1}
    words = [
        letters.text(sum(1 << base[1 << b] for b in range(g.bit_length()) if g >> b & 1)) for g in blocking.generators
    ]
    pairs = [letters.text(1 << int(a) | 1 << int(b)) for a, b in zip(i[lost], j[lost], strict=True)]
    text = f"blocks are made by {', '.join(words)}"
    if pairs:
        text += f"; two-factor interactions confounded with blocks: {', '.join(pairs)}"
        return Note("blocks-confounded", "warning", text)
    return Note("blocks-confounded", "info", f"{text}; no two-factor interaction is confounded with them")


def generator_texts(real: Regular, letters: Letters) -> tuple[str, ...]:
    """Return one text for every factor that is a product of others."""
    out = []
    for word in generator_masks(real.columns):
        made = [j for j in range(word.bit_length()) if word >> j & 1 and j not in real.base]
        out.append(letters.generator(made[0], word, real.sign(word)))
    return tuple(out)


def defining_words(real: Regular, letters: Letters) -> tuple[tuple[str, ...], bool]:
    """Return the words with their signs, shortest first, and whether only those of 3 (and 4) factors are there."""
    cut = real.columns.size - real.m > _LISTED
    words = (
        short_words(real.columns, 4 if real.columns.size <= _QUADRUPLES else 3)
        if cut
        else words_of(generator_masks(real.columns))
    )
    return tuple(letters.text(w, real.sign(w)) for w in words), cut
