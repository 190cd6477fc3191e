"""What of an optimal design is given before its settings: blocks, whole plots, runs that stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.doe.design import Design
from qstats.doe.factor import Factor
from qstats.errors import DesignError

__all__ = ["Layout", "block_columns", "make_layout"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """Runs, kept ones first.

    Parameters
    ----------
    n : int
    kept : ndarray, shape (m, k)
    block : ndarray of int, shape (n,)
        From 1.
    plot : ndarray of int, shape (n,)
        Whole plots from 1; 0 without.
    """

    n: int
    kept: FloatArray
    block: IntArray
    plot: IntArray


def block_columns(block: IntArray) -> FloatArray:
    """Return columns for the blocks that sum to zero over them: shape (n, b - 1)."""
    labels, where = np.unique(block, return_inverse=True)
    b = labels.size
    basis = np.vstack([-np.ones(b - 1), np.eye(b - 1)])
    columns: FloatArray = basis[where]
    return columns


def _sizes(given: Any, name: str, n: int) -> list[int]:
    """Sizes of parts of n runs from their number or from sizes."""
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        if not 1 <= given <= n:
            raise DesignError(f"{name}: got {given}; 1 to {n} is wanted for {n} runs")
        return [len(part) for part in np.array_split(np.arange(n), given)]
    if not isinstance(given, list | tuple) or not all(
        isinstance(v, int | np.integer) and not isinstance(v, bool) for v in given
    ):
        raise DesignError(f"{name}: got {given!r}; a number of them or a list of sizes is wanted")
    sizes = [int(v) for v in given]
    if min(sizes, default=0) < 1 or sum(sizes) != n:
        raise DesignError(f"{name}: the sizes {sizes} sum to {sum(sizes)}; {n} runs are to be placed")
    return sizes


def make_layout(factors: tuple[Factor, ...], runs: int, blocks: Any, whole_plots: Any, augment: Any) -> Layout:
    """Return the layout, or say what does not fit together."""
    if isinstance(runs, bool) or not isinstance(runs, int | np.integer) or runs < 1:
        raise DesignError(f"runs: got {runs!r}; a number of runs is wanted")
    n = int(runs)
    hard = [f.name for f in factors if f.hard_to_change]
    if hard and whole_plots is None:
        raise DesignError(f"whole_plots: {', '.join(hard)} is hard to change; say how often it may be: whole_plots=...")
    if whole_plots is not None and not hard:
        raise DesignError("whole_plots: no factor is hard to change; pass Factor(..., hard_to_change=True) for some")
    if blocks is not None and whole_plots is not None:
        raise DesignError("blocks: whole plots came too; pass one of them (whole plots are random blocks)")
    kept = np.empty((0, len(factors)))
    block, plot = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if augment is not None:
        kept, block, plot = _kept(augment, factors)
        if n <= kept.shape[0]:
            raise DesignError(f"runs: got {n}, of which {kept.shape[0]} exist; runs= counts the kept ones too")
        if np.unique(block).size > 1 and blocks is None:
            raise DesignError("blocks: the kept design has blocks; say how the new runs are placed, as in blocks=1")
    new = n - kept.shape[0]
    own = [1] * new
    if blocks is not None:
        own = np.repeat(np.arange(len(s := _sizes(blocks, "blocks", new))), s).tolist()
        own = [v + 1 + int(block.max(initial=0)) for v in own]
    plots = np.zeros(new, dtype=np.int64)
    if whole_plots is not None:
        sizes = _sizes(whole_plots, "whole_plots", new)
        plots = np.repeat(np.arange(len(sizes)), sizes) + 1 + int(plot.max(initial=0))
    return Layout(n, kept, np.concatenate([block, own]).astype(np.int64), np.concatenate([plot, plots]))


def _kept(augment: Any, factors: tuple[Factor, ...]) -> tuple[FloatArray, IntArray, IntArray]:
    """Settings of the kept design in the coded units of the new factors: ranges may have grown since."""
    if not isinstance(augment, Design):
        raise DesignError(f"augment: got a {type(augment).__name__}; a Design is wanted, whose runs are kept")
    lost = [f.name for f in factors if f.name not in augment.names]
    if lost or len(factors) != len(augment.names):
        raise DesignError(
            f"augment: its factors are {', '.join(augment.names)}; the same are wanted ({', '.join(lost)})"
        )
    if augment.split_plot != any(f.hard_to_change for f in factors):
        raise DesignError("augment: either both or none of the kept and the new design have factors hard to change")
    own = {f.name: f for f in augment.factors}
    kept = np.column_stack(
        [augment.column(f.name) if f == own[f.name] else f.code(augment.natural(f.name)) for f in factors]
    )
    return kept, augment.block.copy(), augment.whole_plot.copy()
