"""Rows with equal labels brought together, by the cheapest road the labels allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.blocks import block_edges
from qstats.table.arrays import factorize

__all__ = ["Grouping", "first_codes", "group_labels", "group_runs"]

IntArray = npt.NDArray[np.int64]
Codes = npt.NDArray[np.signedinteger[Any]]
_SHORT_CODES = 1 << 16  # up to here numpy sorts codes by counting
_EXACT = 2**53
_LOOK = 4096  # labels looked at to see whether equal ones lie together
_LONGEST = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Which rows are one subgroup; subgroups in order of first appearance, rows within one in the order they came.

    Parameters
    ----------
    rows : int
        Number of rows.
    size : int or numpy.ndarray
        Rows per subgroup; one number where all are equal.
    order : numpy.ndarray of int or None
        Rows, subgroup after subgroup; None: they lie that way already.
    """

    rows: int
    size: int | IntArray
    order: npt.NDArray[np.intp] | None = None

    @property
    def count(self) -> int:
        """Number of subgroups."""
        return self.rows // self.size if isinstance(self.size, int) else int(self.size.size)

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """Where each subgroup begins, rows lying subgroup after subgroup."""
        if isinstance(self.size, int):
            return np.arange(0, self.rows, self.size)
        return (np.cumsum(self.size) - self.size).astype(np.intp)

    @property
    def first(self) -> npt.NDArray[np.intp]:
        """First row of each subgroup, as the rows came."""
        return self.starts if self.order is None else self.order[self.starts]

    def sorted(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a column, subgroup after subgroup."""
        return column if self.order is None else column[self.order]


def group_runs(rows: int, size: int) -> Grouping:
    """Return subgroups of `size` consecutive rows; the last one is shorter where they do not come out even."""
    if rows % size == 0:
        return Grouping(rows, size)
    sizes = np.full(rows // size + 1, size, dtype=np.int64)
    sizes[-1] = rows % size
    return Grouping(rows, sizes if sizes.size > 1 else rows)


def group_labels(labels: npt.NDArray[Any]) -> Grouping:
    """Return subgroups of rows with equal labels, wherever they stand."""
    start = labels[: 2 * _LOOK]
    if np.count_nonzero(start[1:] != start[:-1]) > _LOOK:  # shuffled: going by runs would save nothing
        each, k = first_codes(labels)
    else:
        heads = _heads(labels)
        runs = np.diff(np.append(heads, labels.size))
        named = labels[heads]
        if _rising(named):
            return _lying(labels.size, runs)
        codes, k = first_codes(named)
        if k == heads.size:
            return _lying(labels.size, runs)
        each = np.repeat(codes, runs)
    size = np.bincount(each, minlength=k).astype(np.int64)
    same = bool((size == size[0]).all())
    return Grouping(labels.size, int(size[0]) if same else size, _counting_sort(each, k))


def _lying(rows: int, runs: npt.NDArray[np.intp]) -> Grouping:
    same = bool((runs == runs[0]).all())
    return Grouping(rows, int(runs[0]) if same else runs.astype(np.int64))


def _heads(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return where a label differs from the one before."""
    parts = [np.zeros(1, dtype=np.intp)]
    for i, j in block_edges(labels.size - 1):
        parts.append(np.flatnonzero(labels[i + 1 : j + 1] != labels[i:j]) + i + 1)
    return np.concatenate(parts)


def _rising(named: npt.NDArray[Any]) -> bool:
    """Whether labels only rise or only fall, so that none comes back."""
    if named.dtype.kind == "O" or named.size < 2:
        return named.size < 2
    return bool((named[1:] > named[:-1]).all() or (named[1:] < named[:-1]).all())


def first_codes(named: npt.NDArray[Any]) -> tuple[Codes, int]:
    """Return numbers of labels in order of first appearance, and how many there are."""
    if named.dtype.kind in "UT":
        named = named.astype(object)
    if named.dtype.kind in "biuf":
        raw, k = _narrow(named)
        if raw is None:
            raw = np.unique(named, return_inverse=True)[1].reshape(-1)
            k = int(raw.max()) + 1
    else:
        raw = factorize(named)[0]
        k = int(raw.max()) + 1
    small: type[np.signedinteger[Any]] = np.int32 if raw.size <= _LONGEST else np.int64
    first: Codes = np.full(k, -1, dtype=small)
    first[raw[::-1]] = np.arange(raw.size - 1, -1, -1, dtype=small)  # of repeated positions the last one stays
    new = np.zeros(raw.size, dtype=np.bool_)
    new[first[first >= 0]] = True
    known = raw[new]  # each label once, as it first appears
    rank: Codes = np.empty(k, dtype=small)
    rank[known] = np.arange(known.size, dtype=small)
    return np.take(rank, raw), known.size


def _narrow(named: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp] | None, int]:
    """Return whole numbers of a narrow range counted from the lowest, and the width of the range."""
    low, high = named.min(), named.max()
    if not (np.isfinite(low) and np.isfinite(high)) or max(abs(int(low)), abs(int(high))) > _EXACT:
        return None, 0
    if int(high) - int(low) > 2 * named.size + 1000:
        return None, 0
    if named.dtype.kind == "f" and not bool((named == np.floor(named)).all()):
        return None, 0
    raw: npt.NDArray[np.intp] = named.astype(np.intp)
    raw -= int(low)
    return raw, int(high) - int(low) + 1


def _counting_sort(codes: Codes, k: int) -> npt.NDArray[np.intp]:
    """Return the stable order of `codes` in linear time."""
    if k <= _SHORT_CODES:
        return np.argsort(codes.astype(np.uint16), kind="stable")
    n = codes.size
    entries = scipy.sparse.coo_array(
        (np.ones(n, dtype=np.bool_), (codes, np.arange(n, dtype=codes.dtype))), shape=(k, n)
    )
    order: npt.NDArray[np.intp] = entries.tocsr().indices.astype(np.intp, copy=False)
    return order
