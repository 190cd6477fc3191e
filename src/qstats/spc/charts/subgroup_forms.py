"""What the ways into a subgroup chart have in common: forms, labels, missing values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.spc.door import Layers, label_array
from qstats.spc.kernels.subgroups import Subgroups, SubgroupStats
from qstats.spc.labels import PointLabels
from qstats.spc.phases import as_labels
from qstats.table.arrays import is_missing, missing_mask

__all__ = ["ROW_AFTER_ROW", "Form", "Grouped", "checked_targets", "finished", "label_rows"]

ROW_AFTER_ROW = "data, row after row"


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """How the caller's data fall into subgroups.

    Parameters
    ----------
    values, by, size, target
        As in the chart functions.
    """

    values: object = None
    by: object = None
    size: object = None
    target: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Subgroups in charted order, with everything said about them brought to one entry a subgroup.

    Parameters
    ----------
    groups : Subgroups or None
        The values without the missing ones; None where an engine summarised them already.
    labels : PointLabels or None
        Names of the subgroups; None: counted from 1.
    layers : Layers
        Phases, baseline and exclusions of the subgroups.
    target : numpy.ndarray or None
        Target of each subgroup.
    stats : SubgroupStats or None
        Size, mean, range and standard deviation, where an engine worked them out.
    notes : tuple of Note
        What was missing or short.
    checked : bool
        False: nobody has looked yet whether the values are finite (`confirm` does, from their statistics).
    """

    groups: Subgroups | None
    labels: PointLabels | None
    layers: Layers
    target: FloatArray | None = None
    stats: SubgroupStats | None = None
    notes: tuple[Note, ...] = ()
    checked: bool = True

    def confirm(self, spread: FloatArray) -> None:
        """Refuse values that are not finite, told by the ranges or standard deviations of their subgroups."""
        if self.checked or self.groups is None:
            return
        if not math.isfinite(np.maximum.reduce(spread)):  # none is negative; a NaN passes through
            as_vector(self.groups.x, ROW_AFTER_ROW)


def label_rows(by: object, n: int, name: str = "by") -> npt.NDArray[Any]:
    """Return one label a row; a missing one is refused, since its row belongs to nothing."""
    a = by if isinstance(by, np.ndarray) else as_labels(by) if isinstance(by, list | tuple) else np.asarray(by)
    if a.ndim == 1 and a.dtype.kind in "OfM":
        none = missing_mask(a) if a.dtype.kind != "O" else np.array([is_missing(v) for v in a], dtype=np.bool_)
        if none.any():
            where = int(np.argmax(none))
            raise DataError(f"{name}: no label at position {where} ({int(none.sum())} in all); every value needs one")
    if a.dtype.kind == "O" and a.size == n and all(type(v) is str for v in a):
        return a  # text as tables hold it: grouped as it stands
    return label_array(a, name, n)


def checked_targets(target: object, k: int) -> FloatArray:
    """Return one target per subgroup."""
    out = as_vector(target, "target")
    if out.size != k:
        raise DataError(f"target: {out.size} values for {k} subgroups; one each is wanted")
    return out.copy()


def finished(rows: Subgroups, out: Grouped, missing: str) -> Grouped:
    """Take missing values out of `rows`, say so, and return `out` with them."""
    notes = out.notes
    if missing == "drop":
        gone = np.isnan(rows.x)
        if gone.any():
            size = rows.size if not isinstance(rows.size, int) else np.full(rows.count, rows.size, dtype=np.int64)
            kept = np.bincount(np.repeat(np.arange(size.size), size)[~gone], minlength=size.size)
            short = int(((kept < size) & (kept > 0)).sum())
            if short:
                lost = int((size - kept)[kept > 0].sum())
                text = f"{lost} values are missing in {short} subgroups: these are judged by the size they have left"
                notes = (*notes, Note("missing-values", "warning", text))
            rows = Subgroups(rows.x[~gone], kept.astype(np.int64))
    elif not isinstance(rows.size, int) and not rows.size.all():
        where = int(np.argmin(rows.size))
        raise DataError(f"data: the subgroup at position {where} is empty; leave it out or pass missing='drop'")
    single = rows.count if isinstance(rows.size, int) and rows.size == 1 else 0
    if not isinstance(rows.size, int):
        single = int((rows.size == 1).sum())
    if single:
        text = f"{single} of {rows.count} subgroups hold one value: they have a mean, but neither range nor scatter"
        notes = (*notes, Note("single-values", "warning", text))
    return Grouped(rows, out.labels, out.layers, out.target, out.stats, notes, out.checked)
