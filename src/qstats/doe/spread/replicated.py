"""Dispersion effects from repeated settings: contrasts of the logarithm of each setting's variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.doe.contrasts.repeats import block_indicators
from qstats.doe.spread.unreplicated import residual_maker
from qstats.errors import DesignError, TooFewData

__all__ = ["Repeats", "cell_ratios", "repeats_of"]

IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """Settings made more than once.

    Parameters
    ----------
    cell : ndarray of int, shape (n,)
        Which setting each run has, from 0.
    maker : ndarray, shape (n, n)
        Takes the means of settings (and blocks) out of responses.
    df : ndarray, shape (c,)
        Expected residual sum of squares of each setting for variance 1.
    """

    cell: IntArray
    maker: FloatArray
    df: FloatArray


def repeats_of(cell: IntArray, block: IntArray) -> Repeats:
    """Return how the runs repeat settings; every setting must be repeated."""
    if int(np.bincount(cell).min()) < 2:
        raise TooFewData(
            "response: some setting has fewer than two results; ln s2 wants repeats of every setting: use "
            "method='box-meyer' or 'joint'"
        )
    member = block_indicators(cell)
    maker = residual_maker(np.concatenate([member, block_indicators(block)], axis=1))
    df = np.diag(maker) @ member
    if not (df > 1e-9).all():
        raise DesignError("design: blocks leave no residual of some setting; repeat settings within blocks")
    return Repeats(cell, maker, np.asarray(df))


def cell_ratios(held: Repeats, contrasts: FloatArray, *, levene: bool) -> Callable[[FloatArray], FloatArray]:
    """Return the function of responses, shape (b, n), that gives each effect on the log variance, shape (b, m).

    Parameters
    ----------
    held : Repeats
    contrasts : ndarray, shape (c, m)
        Signs in each setting.
    levene : bool
        Take mean absolute deviations from each setting's median instead of standard deviations.
    """
    weights = 1.0 / scipy.special.polygamma(1, 0.5 * held.df)
    bias = scipy.special.digamma(0.5 * held.df) - np.log(0.5 * held.df)
    x = np.column_stack([np.ones(len(contrasts)), contrasts])
    root = np.sqrt(weights)
    if np.linalg.matrix_rank(x * root[:, None]) < x.shape[1]:
        raise DesignError("order: the settings with results do not tell these contrasts apart; pass a lower order")
    take = 2.0 * np.linalg.pinv(x * root[:, None])[1:] * root
    member = block_indicators(held.cell)

    def statistic(y: FloatArray) -> FloatArray:
        r = y @ held.maker
        with np.errstate(divide="ignore"):
            if levene:
                spread = 2.0 * np.log(_deviations(r, held.cell, member) / member.sum(axis=0))
            else:
                spread = np.log((r**2 @ member) / held.df) - bias
        return np.asarray(spread @ take.T)

    return statistic


def _deviations(r: FloatArray, cell: IntArray, member: FloatArray) -> FloatArray:
    """Sum of absolute deviations from the median of each setting, shape (b, c)."""
    median = np.stack([np.median(r[:, cell == c], axis=1) for c in range(member.shape[1])], axis=1)
    return np.asarray(np.abs(r - median[:, cell]) @ member)
