"""From the runs of one replicate to a design: replicates, blocks, centre points, and the order to run them in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor
from qstats.doe.fractions.words import IntArray
from qstats.errors import DesignError

__all__ = ["MOST_RUNS", "Layout", "centers", "check_count", "lay_out", "notes_on"]

MOST_RUNS = 1_000_000


def check_count(value: object, name: str, *, least: int, most: int = MOST_RUNS) -> int:
    """Return a whole number between `least` and `most`."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= int(value) <= most:
        return int(value)
    raise DesignError(f"{name}: got {value!r}; a whole number from {least} to {most} is wanted")


@dataclass(frozen=True, slots=True)
class Layout:
    """What is repeated how often.

    Parameters
    ----------
    replicates : int
        How often every run is carried out.
    blocks : int
        Blocks of the whole design: a divisor of `replicates`, or `replicates` times a power of two.
    center_points : int
        In every block, at every combination of the factors that have no middle.
    randomize : bool
    rng : None, int or Generator
    """

    replicates: int = 1
    blocks: int = 1
    center_points: int = 0
    randomize: bool = True
    rng: Any = None

    @classmethod
    def of(cls, replicates: object, blocks: object, center_points: object, randomize: object, rng: Any) -> Layout:
        """Return a checked layout."""
        r = check_count(replicates, "replicates", least=1, most=10_000)
        b = check_count(blocks, "blocks", least=1, most=10_000)
        c = check_count(center_points, "center_points", least=0, most=10_000)
        if not isinstance(randomize, bool):
            raise DesignError(f"randomize: got {randomize!r}; True or False is wanted")
        return cls(r, b, c, randomize, rng)

    @property
    def within(self) -> int:
        """How many times each replicate is halved: 0 where blocks hold whole replicates."""
        if self.blocks <= self.replicates:
            if self.replicates % self.blocks:
                wanted = [d for d in range(1, self.replicates + 1) if self.replicates % d == 0]
                raise DesignError(f"blocks: {self.replicates} replicates make {wanted} blocks of one size")
            return 0
        each, rest = divmod(self.blocks, self.replicates)
        if rest or each & (each - 1):
            raise DesignError(
                f"blocks: got {self.blocks}; each of the {self.replicates} replicates is divided into 2, 4, 8 ... "
                f"blocks: pass {self.replicates} times a power of two, or a divisor of replicates"
            )
        return each.bit_length() - 1


def _middle(f: Factor) -> bool:
    if f.kind == "continuous":
        return True
    return f.kind == "discrete" and bool((np.abs(f.code(f.levels)) < 1e-12).any())


def centers(factors: tuple[Factor, ...]) -> FloatArray:
    """Return the centre points in coded units: 0 where a factor has a middle, every level where it has none."""
    if not any(map(_middle, factors)):
        raise DesignError(
            "center_points: no factor has a middle (text, or two levels only); pass replicates= to measure the noise"
        )
    choices = [[0.0] if _middle(f) else f.code(f.levels).tolist() for f in factors]
    count = int(np.prod([float(len(c)) for c in choices]))
    if count > 4096:
        raise DesignError(f"center_points: {count} combinations of the factors without a middle; pass center_points=0")
    # the first factor changes fastest, as in the standard order of the runs
    return np.array([row[::-1] for row in itertools.product(*choices[::-1])], dtype=np.float64)


def _spread(order: IntArray, block: IntArray, center: np.ndarray) -> IntArray:
    """The same order with the centre points of each block moved: first, middle, last, and evenly between."""
    out = []
    runs = block[order]
    _, first = np.unique(runs, return_index=True)
    for label in runs[np.sort(first)].tolist():
        own = order[runs == label]
        middle, other = own[center[own]], own[~center[own]]
        places = np.rint(np.linspace(0, own.size - 1, middle.size) if middle.size > 1 else [(own.size - 1) // 2])
        row = np.empty_like(own)
        at = np.zeros(own.size, dtype=np.bool_)
        at[places.astype(np.intp)[: middle.size]] = True
        row[at], row[~at] = middle, other
        out.append(row)
    return np.concatenate(out)


def lay_out(
    kind: str, factors: tuple[Factor, ...], coded: FloatArray, layout: Layout, block: IntArray | None, **more: Any
) -> Design:
    """Return the design; `block` holds the block of each run within a replicate, where it is divided."""
    n, r = coded.shape[0], layout.replicates
    if n * r > MOST_RUNS:
        raise DesignError(f"runs: {n * r} runs; at most {MOST_RUNS} are made")
    number = np.repeat(np.arange(r), n)
    if block is None:
        blocks = number // (r // layout.blocks) + 1
    else:
        blocks = np.tile(block, r) + number * int(block.max())
    rows, replicate, center = np.tile(coded, (r, 1)), number + 1, np.zeros(n * r, dtype=np.bool_)
    if layout.center_points:
        middle = np.repeat(centers(factors), layout.center_points, axis=0)
        size = middle.shape[0]
        times = np.arange(size) % layout.center_points + 1
        rows = np.concatenate([rows, np.tile(middle, (layout.blocks, 1))])
        replicate = np.concatenate([replicate, np.tile(times, layout.blocks)])
        blocks = np.concatenate([blocks, np.repeat(np.arange(1, layout.blocks + 1), size)])
        center = np.concatenate([center, np.ones(size * layout.blocks, dtype=np.bool_)])
    made = make_design(
        kind, factors, rows, rng=layout.rng, randomize=layout.randomize, block=blocks, replicate=replicate,
        center=center, **more,
    )  # fmt: skip
    if layout.center_points and layout.randomize:
        order = _spread(np.asarray(made.run_order), np.asarray(made.block), np.asarray(made.center))
        made = replace(made, run_order=frozen_array(order, np.int64))
    return made


def notes_on(factors: tuple[Factor, ...], layout: Layout) -> tuple[Note, ...]:
    """Return what has to be said of the factors and the layout."""
    notes = []
    if hard := [f.name for f in factors if f.hard_to_change]:
        text = f"{', '.join(hard)}: hard to change, but every run order here changes all factors freely"
        notes.append(Note("hard-to-change", "warning", f"{text}; a split-plot layout changes them seldom"))
    stuck = [f.name for f in factors if not _middle(f)]
    if layout.center_points and stuck:
        text = f"{', '.join(stuck)}: no middle, so the centre points stand at every one of its levels"
        notes.append(Note("pseudo-centres", "info", text))
    return tuple(notes)
