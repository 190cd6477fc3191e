"""Fold-over: a second half with signs turned, so that effects that were aliased come apart."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.doe.design import Design, make_design
from qstats.doe.fractions.door import defining_words, generator_texts
from qstats.doe.fractions.letters import Letters
from qstats.doe.fractions.structure import Regular, check_fraction, coded_of, regular, signs_of
from qstats.doe.fractions.words import full_pattern, generator_masks, pair_counts, words_of
from qstats.errors import DesignError

__all__ = ["fold_over"]

_MOST_PLANS = 4096
_REFERENCE = (
    "Box & Hunter 1961, Technometrics 3, 311-351; Li & Lin 2003, Technometrics 45, 142-149 (best fold-over); "
    "Mee & Peralta 2000, Technometrics 42, 122-134 (semifold)"
)


def fold_over(
    design: Design,
    *,
    on: str | Sequence[str] | None = None,
    semi: bool = False,
    keep: Mapping[str, Any] | None = None,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Add a second half in which some factors have their signs turned, as a new block.

    Use it after a resolution III screening (all factors: main effects come clear of two-factor interactions), or on one
    factor (its main effect and all its interactions come clear). At resolution IV a semifold frees nearly as many
    interactions with half the new runs.

    Parameters
    ----------
    design : Design
        Two levels in every factor.
    on : None, "best", a factor or a list of factors
        Which signs are turned. None: all. ``"best"``: those that leave the whole with least aberration, then with most
        clear two-factor interactions, then with fewest factors turned.
    semi : bool
        Only half of the new runs.
    keep : mapping of one factor to its setting, optional
        Which half: ``{"speed": 60}``. Without it the half that lets most two-factor interactions be estimated, with the
        smallest variance.
    rng : None, int or numpy Generator
        For the order of the new runs; the old ones keep theirs and come first.
    randomize : bool

    Returns
    -------
    Design
        Old runs first; the new ones in blocks of their own, with as many centre points as the old had.

    Raises
    ------
    DesignError
        More than two levels, nothing would come apart (the new half repeats the old), a name that is no factor.

    Notes
    -----
    A word stays in the defining relation when an even number of its factors is turned. The others are confounded with
    the difference between the halves, which is why they stand in separate blocks.

    References
    ----------
    Box & Hunter 1961; Li & Lin 2003, Technometrics 45, 142-149; Mee & Peralta 2000, Technometrics 42, 122-134.

    Examples
    --------
    >>> from qstats.doe import fractional_factorial
    >>> from qstats.doe import fold_over
    >>> d = fold_over(fractional_factorial(7, runs=8, rng=1), rng=1)
    >>> len(d), d.resolution, d.blocks
    (16, 4, 2)
    """
    if not isinstance(design, Design):
        raise DesignError(f"design: got a {type(design).__name__}; a Design is wanted")
    old = np.asarray(design.coded[~design.center])
    signs = signs_of(design.factors, old) if old.size else None
    if signs is None:
        raise DesignError("design: a fold-over wants two levels in every factor; augment the design instead")
    if not isinstance(semi, bool) or not isinstance(randomize, bool):
        raise DesignError("semi, randomize: True or False is wanted")
    if keep is not None and not semi:
        raise DesignError("keep: belongs to a semifold; pass semi=True with it")
    if design.split_plot:
        raise DesignError("design: the new half of a split-plot would need whole plots of its own; augment it instead")
    letters = Letters(design.names)
    real = regular(signs)
    turned = _turned(on, letters, real)
    flipped = np.where(turned, -signs, signs)
    if real is not None and not _comes_apart(real, turned):
        names = ", ".join(n for n, t in zip(design.names, turned, strict=True) if t)
        raise DesignError(f"on: turning {names} repeats the same runs and separates nothing; turn others")
    kept = _kept(keep, design, signs, flipped, turned) if semi else np.ones(signs.shape[0], dtype=np.bool_)
    return _joined(_Fold(design, letters, signs, flipped, turned, kept, semi), rng, randomize)


# ---- what is turned ----


def _turned(on: object, letters: Letters, real: Regular | None) -> BoolArray:
    k = len(letters.names)
    if on is None:
        return np.ones(k, dtype=np.bool_)
    if isinstance(on, str):
        if on == "best" and "best" not in letters.names:
            return _best_plan(real, k)
        on = [on]
    if not isinstance(on, Sequence) or not on or not all(isinstance(n, str) for n in on):
        raise DesignError(f"on: got {on!r}; None, 'best', or names of factors are wanted")
    turned = np.zeros(k, dtype=np.bool_)
    turned[[letters.factor(n, "on") for n in on]] = True
    return turned


def _best_plan(real: Regular | None, k: int) -> BoolArray:
    """Every way to turn generators is tried; more than a few thousand: up to three factors, and all."""
    if real is None:
        raise DesignError("on: 'best' is known for regular fractions; pass on=None (all factors) or names")
    made = [j for j in range(k) if j not in real.base]
    if not made:
        raise DesignError("design: a full factorial has nothing to separate")
    most = len(made) if 1 << len(made) <= _MOST_PLANS else 3
    plans = [p for size in range(1, most + 1) for p in itertools.combinations(made, size)]
    plans += [(j,) for j in real.base] + [tuple(range(k))]
    best = min(plans, key=lambda plan: _after(real, plan))
    turned = np.zeros(k, dtype=np.bool_)
    turned[list(best)] = True
    return turned


def _after(real: Regular, plan: tuple[int, ...]) -> tuple[object, ...]:
    columns = real.columns.copy()
    columns[list(plan)] |= 1 << real.m
    # a plan without effect leaves half of the columns' space empty: its pattern counts the old words
    return (full_pattern(columns, real.m + 1), -int(pair_counts(columns)[2].sum()), len(plan), plan)


def _comes_apart(real: Regular, turned: BoolArray) -> bool:
    mask = sum(1 << j for j in np.flatnonzero(turned).tolist())
    return any((word & mask).bit_count() % 2 for word in generator_masks(real.columns))


# ---- which half of a semifold ----


def _kept(
    keep: Mapping[str, Any] | None, design: Design, signs: FloatArray, flipped: FloatArray, turned: BoolArray
) -> BoolArray:
    """Rows of the new half that are carried out."""
    if keep is not None:
        if not isinstance(keep, Mapping) or len(keep) != 1:
            raise DesignError(f"keep: got {keep!r}; one factor with its setting is wanted, such as {{'A': 1}}")
        ((name, level),) = keep.items()
        if name not in design.names:
            raise DesignError(f"keep: {name!r} is no factor; there are {', '.join(map(repr, design.names))}")
        j = design.names.index(name)
        coded = design.factors[j].code([level])[0]
        both = np.asarray(coded_of(design.factors, np.array([[-1.0], [1.0]]) * np.ones(len(design.factors))))[:, j]
        near = np.flatnonzero(np.abs(both - coded) < 1e-9)
        if not near.size:
            known = " or ".join(repr(v) for v in design.factors[j].decode(both).tolist())
            raise DesignError(f"keep: {name!r} is never {level!r}; {known} is wanted")
        side = -1.0 if int(near[0]) == 0 else 1.0
        return np.asarray(flipped[:, j] == side, dtype=np.bool_)
    halves = [flipped[:, f] == sign for f in range(signs.shape[1]) for sign in (1.0, -1.0)]
    fit = [h for h in halves if 2 * h.sum() == h.size]
    if not fit:
        raise DesignError("semi: no factor divides the new half evenly; fold over in full")
    return np.asarray(fit[int(np.argmin([_worth(signs, flipped[h]) for h in fit]))], dtype=np.bool_)


def _worth(signs: FloatArray, added: FloatArray) -> float:
    """Unestimable directions of main effects and two-factor interactions (whole part), then their spread."""
    both = np.concatenate([signs, added])
    block = np.repeat([-1.0, 1.0], [signs.shape[0], added.shape[0]])
    i, j = np.triu_indices(signs.shape[1], 1)
    x = np.column_stack([np.ones(block.size), block, both, both[:, i] * both[:, j]])
    s = np.linalg.svd(x, compute_uv=False)
    held = s[s > 1e-8 * s[0]]
    spread = float((1.0 / held**2).sum())
    return float(x.shape[1] - held.size) + spread / (1.0 + spread)


# ---- both halves together ----


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    design: Design
    letters: Letters
    signs: FloatArray
    flipped: FloatArray
    turned: BoolArray
    kept: BoolArray
    semi: bool


def _joined(fold: _Fold, rng: Any, randomize: bool) -> Design:
    design = fold.design
    low_high = np.stack([np.min(design.coded[~design.center], axis=0), np.max(design.coded[~design.center], axis=0)])
    new = np.where(fold.flipped[fold.kept] < 0, low_high[0], low_high[1])
    rows = np.flatnonzero(~design.center)[fold.kept]
    middle = np.flatnonzero(design.center)
    source = np.concatenate([rows, middle])
    second = make_design(
        "new half", design.factors, np.concatenate([new, design.coded[middle]]), rng=rng, randomize=randomize,
        block=design.block[source] + int(design.block.max()), replicate=design.replicate[source],
        center=np.repeat([False, True], [rows.size, middle.size]),
    )  # fmt: skip
    real, notes = _checked(fold)
    words, cut = ((), False) if real is None else defining_words(real, fold.letters)
    if cut:
        notes.append(Note("words-cut", "info", "only the shortest words are listed"))
    n = len(design)
    both = {name: np.concatenate([getattr(design, name), getattr(second, name)]) for name in ("coded", "center")}
    whole: dict[str, Any] = {
        name: frozen_array(np.concatenate([getattr(design, name), getattr(second, name)]), np.int64)
        for name in ("block", "replicate", "whole_plot")
    }
    # the old runs were carried out already: they keep their order and come first
    order = np.concatenate([design.run_order, second.run_order + n])
    return replace(
        design, kind="semifold" if fold.semi else "fold-over", coded=frozen_array(both["coded"]),
        center=frozen_array(both["center"], np.bool_), run_order=frozen_array(order, np.int64), **whole,
        seed=second.seed, generators=() if real is None else generator_texts(real, fold.letters),
        defining_relation=words, resolution=None if real is None else real.resolution, certificate=None,
        method="semifold" if fold.semi else "fold-over", reference=_REFERENCE, notes=tuple(notes),
    )  # fmt: skip


def _checked(fold: _Fold) -> tuple[Regular | None, list[Note]]:
    """The regular fraction both halves are, after checking that main effects are no worse off than before."""
    added = fold.flipped[fold.kept]
    both = np.concatenate([fold.signs, added])
    block = np.repeat([0.0, 1.0], [fold.signs.shape[0], added.shape[0]])
    x = np.column_stack([np.ones(block.size), block, both])
    before = np.linalg.matrix_rank(np.column_stack([np.ones(fold.signs.shape[0]), fold.signs]))
    if np.linalg.matrix_rank(x) < before + 1:
        raise DesignError("keep: this half confounds a main effect with the new block; keep another half")
    names = ", ".join(n for n, t in zip(fold.letters.names, fold.turned, strict=True) if t)
    notes = [*fold.letters.legend(), Note("folded", "info", f"signs turned in the new half: {names}")]
    old, real = regular(fold.signs), None if fold.semi else regular(both)
    if real is not None and old is not None:
        if np.array_equal(both.T @ both, both.shape[0] * np.eye(both.shape[1])):
            check_fraction(both, runs=both.shape[0], resolution=real.resolution)
        notes += _block_words(old, fold)
    return real, notes


def _block_words(old: Regular, fold: _Fold) -> list[Note]:
    """Words that are confounded with the difference between the halves."""
    mask = sum(1 << j for j in np.flatnonzero(fold.turned).tolist())
    generators = generator_masks(old.columns)
    if len(generators) > 10:
        return []
    lost = [w for w in words_of(generators) if (w & mask).bit_count() % 2]
    shown = ", ".join(fold.letters.text(w) for w in lost[:8]) + (f" and {len(lost) - 8} more" * (len(lost) > 8))
    return [Note("fold-block", "info", f"confounded with the difference between old and new runs: {shown}")]
