"""Robust centre and spread within subgroups: Hodges-Lehmann and Shamos."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.errors import DataError
from qstats.spc.kernels.sigma_constants import shamos_factor
from qstats.spc.kernels.subgroups import IntArray, Subgroups

__all__ = ["hodges_lehmann", "shamos"]

_POINTS = 1 << 16  # pairs worked on at a time
_LARGEST = 2000  # pairs grow with the square of the subgroup size


def hodges_lehmann(groups: Subgroups) -> FloatArray:
    """Return each subgroup's Hodges-Lehmann centre: the median of the means of all pairs, each value with itself too.

    A centre that up to 29 % bad values cannot carry away, at 95 % of the mean's efficiency. Groups are independent; an
    empty one is NaN. Not for subgroups of one or two, where it is the mean.

    Parameters
    ----------
    groups : Subgroups
        Finite values, at most 2000 a group.

    References
    ----------
    Hodges & Lehmann (1963), Annals of Mathematical Statistics 34(2), 598-611.
    """
    return _of_pairs(groups, 0, 1, lambda a, b: a + (b - a) / 2.0, "center", "mean")


def shamos(groups: Subgroups) -> FloatArray:
    """Return each subgroup's Shamos estimate of sigma, unbiased under normality; NaN for fewer than two values.

    The median distance of all pairs over its expectation (`shamos_factor`). Bears up to 29 % bad values, at 86 % of the
    efficiency of the standard deviation.

    Parameters
    ----------
    groups : Subgroups
        Finite values, at most 2000 a group.

    References
    ----------
    Shamos (1976), in Algorithms and Complexity, 251-280; Park, Kim & Wang (2022), Communications in Statistics 51(5).
    """
    spread = _of_pairs(groups, 1, 2, lambda a, b: np.abs(a - b), "sigma", "pooled")
    sizes = groups.n.astype(np.int64)
    for size in np.unique(sizes[sizes > 1]).tolist():
        spread[sizes == size] /= shamos_factor(size)
    return spread


Pairs = Callable[[FloatArray, FloatArray], FloatArray]


def _of_pairs(groups: Subgroups, offset: int, least: int, combine: Pairs, option: str, instead: str) -> FloatArray:
    """Median over the pairs ``i <= j`` (offset 0) or ``i < j`` (offset 1) of every group."""
    out = np.full(groups.count, np.nan)
    for where, rows in _by_size(groups, least):
        n = rows.shape[1]
        if n > _LARGEST:
            text = f"a subgroup of {n} values; pairs are formed for up to {_LARGEST}, use {instead!r}"
            raise DataError(f"{option}: {text}")
        i, j = np.triu_indices(n, offset)
        step = max(_POINTS // i.size, 1)
        for start in range(0, where.size, step):
            block = rows[start : start + step]
            out[where[start : start + step]] = np.median(combine(block[:, i], block[:, j]), axis=1)
    return out


def _by_size(groups: Subgroups, least: int) -> Iterator[tuple[npt.NDArray[np.intp], FloatArray]]:
    """Yield the groups of one size after another: their positions and their values as a matrix."""
    size = groups.size
    if isinstance(size, int):
        if size >= least:
            yield np.arange(groups.count), groups.x[: groups.count * size].reshape(-1, size)
        return
    starts: IntArray = np.concatenate(([0], np.cumsum(size)[:-1]))
    for n in np.unique(size[size >= least]).tolist():
        where = np.flatnonzero(size == n)
        yield where, groups.x[starts[where][:, None] + np.arange(n)]
