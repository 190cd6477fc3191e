"""From what the caller passed to vectors in charted order: one a point, or a subgroup of them a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats._core.blocks import everywhere
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.door import Layers, label_array, read
from qstats.spc.labels import PointLabels
from qstats.spc.phases import as_labels, is_mask
from qstats.spc.points import New

__all__ = ["Vectors", "later_vectors", "read_vectors", "subgroup_means"]

IntArray = npt.NDArray[np.int64]
_ROWS = 1 << 13


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Measured vectors in charted order.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape (rows, p), subgroup after subgroup. NaN only in gaps of single vectors; of a subgroup the incomplete rows
        are gone.
    size : numpy.ndarray of int or None
        Rows of each subgroup, 0 where none is left; None: each row is a point.
    names : tuple of str
        The variables.
    labels : PointLabels or None
        None: the points are counted from 1.
    layers : Layers
        Phases, baseline and exclusions, per point.
    notes : tuple of Note
    """

    rows: FloatArray
    size: IntArray | None
    names: tuple[str, ...]
    labels: PointLabels | None
    layers: Layers
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.rows) if self.size is None else self.size.size

    @property
    def p(self) -> int:
        """Number of variables."""
        return int(self.rows.shape[1])

    @property
    def n(self) -> FloatArray:
        """Rows behind each point, as the chart keeps them."""
        if self.size is None:
            return everywhere(1.0, self.rows.shape[0])
        return self.size.astype(np.float64)

    def gap(self) -> BoolArray:
        """Return which points have no value."""
        if self.size is not None:
            return np.asarray(self.size == 0)
        return np.asarray(np.isnan(self.rows).any(axis=1))

    def of(self, used: BoolArray, where: slice) -> tuple[FloatArray, IntArray | None]:
        """Return the rows of the used points of a phase, and their subgroup sizes."""
        taken = used[where]
        if self.size is None:
            rows = self.rows[where]
            return rows if taken.all() else rows[taken], None
        start = int(self.size[: where.start].sum())
        size = self.size[where]
        rows = self.rows[start : start + int(size.sum())]
        return (rows, size) if taken.all() else (rows[np.repeat(taken, size)], size[taken])


def subgroup_means(x: FloatArray, size: IntArray) -> FloatArray:
    """Return the mean vector of each subgroup, NaN for an empty one.

    Deviations are from its own first row: a large offset costs no digits, and no subgroup depends on another.
    """
    out = np.full((size.size, x.shape[1]), np.nan)
    there = np.flatnonzero(size)
    n = size[there]
    ends = np.concatenate(([0], np.cumsum(n)))
    g = 0
    while g < n.size:
        h = max(int(np.searchsorted(ends, ends[g] + _ROWS, side="right")) - 1, g + 1)
        base = x[ends[g:h]]
        sums = np.add.reduceat(x[ends[g] : ends[h]] - np.repeat(base, n[g:h], axis=0), ends[g:h] - ends[g], axis=0)
        out[there[g:h]] = base + sums / n[g:h, None]
        g = h
    return out


def _numbers(data: object, name: str) -> npt.NDArray[Any]:
    """Return a matrix or a stack of matrices as an array of whatever came."""
    if isinstance(data, str | bytes | dict | set):
        raise DataError(f"{name}: got a {type(data).__name__}; rows of numbers are wanted")
    if isinstance(data, np.ma.MaskedArray):
        data = np.ma.filled(data.astype(np.float64), np.nan)
    try:
        a = np.asarray(data)
    except ValueError:
        text = "rows of unequal length; a matrix (points, variables) is wanted, or (subgroups, rows, variables)"
        raise DataError(f"{name}: {text}; for subgroups of unequal size pass all rows and by=") from None
    if a.ndim not in (2, 3):
        text = "a matrix (points, variables) is wanted, or (subgroups, rows, variables)"
        raise DataError(f"{name}: got {a.ndim} dimensions (shape {a.shape}); {text}")
    return a


def _matrix(a: npt.NDArray[Any], name: str, names: Sequence[str], missing: str) -> FloatArray:
    """Return rows of finite numbers (NaN where allowed), in memory of their own."""
    if missing not in ("raise", "drop"):
        raise DataError(f"missing: got {missing!r}; 'raise' or 'drop' is wanted")
    if not a.shape[0]:
        raise TooFewData(f"{name}: no row came")
    if a.dtype.kind == "f":
        out = np.array(a, dtype=np.float64, order="C")
        flat = out.reshape(-1)
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.dot(flat, flat)):  # proves every cell finite in one pass
                return out
    columns = [as_vector(a[:, j], f"{name} ({called})", missing=missing, least=0) for j, called in enumerate(names)]
    return np.column_stack(columns)


def _called(p: int, name: str) -> tuple[str, ...]:
    if p < 2:
        raise DataError(f"{name}: {p} variable; two or more are wanted (for one: individuals, xbar_r)")
    return tuple(f"x{j + 1}" for j in range(p))


def _columns(values: object) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
        raise DataError(f"values: got {values!r}; data is a table: a list of its columns is wanted")
    if len(set(values)) != len(values):
        raise DataError(f"values: a column comes twice in {list(values)!r}; name each once")
    if len(values) < 2:
        raise DataError("values: one column; two or more are wanted (for one: individuals, xbar_r)")
    return tuple(values)


def _rows_of_size(size: object, rows: int, name: str = "size") -> int:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 2:
        raise DataError(f"{name}: got {size!r}; a whole number of 2 or more rows per subgroup is wanted")
    if rows % int(size):
        raise DataError(f"{name}: {rows} rows do not make subgroups of {size}; pass by= for subgroups of unequal size")
    return int(size)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """How rows fall into subgroups: order that brings them together (None: they are), sizes, names."""

    order: npt.NDArray[np.intp] | None
    size: IntArray
    labels: npt.NDArray[Any] | None


def _by_labels(by: object, rows: int) -> _Groups:
    """Group by equal labels, in order of first appearance."""
    a = label_array(by, "by", rows)
    keys, first, code = np.unique(a, return_index=True, return_inverse=True)
    rank = np.empty(keys.size, dtype=np.intp)
    seen = np.argsort(first, kind="stable")
    rank[seen] = np.arange(keys.size)
    place = rank[code.reshape(-1)]
    order = None if bool((place[1:] >= place[:-1]).all()) else np.argsort(place, kind="stable")
    return _Groups(order, np.bincount(place, minlength=keys.size).astype(np.int64), keys[seen])


def _groups(by: object, size: object, rows: int) -> _Groups | None:
    if by is not None and size is not None:
        raise DataError("size: came together with by; pass one of them")
    if by is not None:
        return _by_labels(by, rows)
    if size is None:
        return None
    n = _rows_of_size(size, rows)
    return _Groups(None, np.full(rows // n, n, dtype=np.int64), None)


def _per_subgroup(value: Any, name: str, groups: _Groups, rows: int) -> Any:
    """Return one entry per subgroup of what has one per row; positions count subgroups as they stand."""
    if value is None or isinstance(value, str | int | slice) or np.ndim(value) != 1 or len(value) != rows:
        return value
    if rows == groups.size.size or (name != "phase" and not is_mask(value)):
        return value
    a = as_labels(value)
    a = a if groups.order is None else a[groups.order]
    first = a[np.concatenate(([0], np.cumsum(groups.size)[:-1]))]
    differs = a != np.repeat(first, groups.size)
    if differs.any():
        at = int(np.searchsorted(np.cumsum(groups.size), int(np.argmax(differs)), side="right"))
        raise DataError(f"{name}: the rows of subgroup {at + 1} do not agree; one value per subgroup is wanted")
    return first


def _grouped(got: Vectors, groups: _Groups, missing: str) -> Vectors:
    rows, lay = got.rows.shape[0], got.layers
    layers = Layers(
        lay.order_by, *(_per_subgroup(getattr(lay, k), k, groups, rows) for k in ("phase", "baseline", "exclude"))
    )
    x = got.rows if groups.order is None else got.rows[groups.order]
    size, notes = groups.size, got.notes
    if missing == "drop" and (nan := np.isnan(x).any(axis=1)).any():
        which = np.repeat(np.arange(size.size), size)
        size = np.bincount(which[~nan], minlength=size.size).astype(np.int64)
        x = x[~nan]
        text = f"{int(nan.sum())} of {rows} rows lack a value and were left out of their subgroups"
        notes = (*notes, Note("missing-cells", "warning", text))
    labels = got.labels
    if groups.labels is not None:
        labels = PointLabels(size.size, groups.labels)
    elif labels is not None and len(labels) == rows != size.size:
        labels = PointLabels(size.size, np.array([labels[i] for i in range(0, rows, rows // size.size)]))
    return replace(got, rows=x, size=size, labels=labels, layers=layers, notes=notes)


def read_vectors(
    data: object, values: object, by: object, size: object, layers: Layers, missing: str, *, name: str = "data"
) -> Vectors:
    """Fetch the vectors of a multivariate chart, in charted order.

    Parameters
    ----------
    data : frame or array-like
        A table, a matrix (rows, variables), or (subgroups, rows, variables).
    values : sequence of str or None
        Columns of a table; None for an array.
    by : str, array-like or None
        What makes rows one subgroup: a column, or one label per row.
    size : int or None
        Rows of each subgroup, where they follow on one another.
    layers : Layers
    missing : {"raise", "drop"}
        ``"drop"``: an incomplete row is a gap, or left out of its subgroup.
    name : str
        What `data` is called in messages.
    """
    sides = {} if by is None else {"by": by}
    if _is_table(data):
        names = _columns(values)
        asked: dict[str, object] = {f"values[{j}]": called for j, called in enumerate(names)}
        got = read(data, {**asked, **sides}, layers)
        cells = [
            as_vector(got.values[key], f"values (column {called!r})", missing=missing, least=0)
            for key, called in zip(asked, names, strict=True)
        ]
        x = np.column_stack(cells)
        if not x.shape[0]:
            raise TooFewData(f"{name}: the table has no row")
    else:
        if values is not None:
            raise DataError(f"values: got {values!r}, but data is no table; pass the matrix itself as data")
        a = _numbers(data, name)
        names = _called(a.shape[-1], name)
        got = read(a, {"values": None, **sides}, layers)
        a = got.values["values"]
        if a.ndim == 3:
            return _stacked(a, by, size, Vectors(np.empty((0, 2)), None, names, got.labels, got.layers), missing, name)
        x = _matrix(a, name, names, missing)
    out = Vectors(x, None, names, got.labels, got.layers)
    groups = _groups(got.values.get("by"), size, x.shape[0])
    return out if groups is None else _grouped(out, groups, missing)


def _is_table(data: object) -> bool:
    return not isinstance(data, list | tuple | np.ndarray) and table.is_frame(data)


def _stacked(a: npt.NDArray[Any], by: object, size: object, got: Vectors, missing: str, name: str) -> Vectors:
    """Read (subgroups, rows, variables)."""
    if by is not None or size is not None:
        raise DataError(f"by: {name} has its subgroups already (three dimensions); leave by and size out")
    k, n, p = a.shape
    if n < 1:
        raise TooFewData(f"{name}: the subgroups have no row")
    x = _matrix(a.reshape(k * n, p), name, got.names, missing)
    return _grouped(replace(got, rows=x), _Groups(None, np.full(k, n, dtype=np.int64), None), missing)


def later_vectors(new: New, names: tuple[str, ...], *, subgroups: bool) -> Vectors:
    """Return later raw data as vectors of the chart's variables.

    Parameters
    ----------
    new : New
        A matrix, a table with the chart's columns, or (subgroups, rows, variables); None for a point is a gap.
    names : tuple of str
        The chart's variables.
    subgroups : bool
        Whether a point of the chart is a subgroup.
    """
    if new.target is not None:
        raise DataError("target: a multivariate chart has none per point; leave it out")
    data: Any = new.values
    if isinstance(data, list | tuple):
        row = [np.nan] * len(names)
        data = [([row] if subgroups else row) if _is_gap(v) else v for v in data]
    columns = names if _is_table(data) else None
    got = read_vectors(data, columns, new.by, new.size, Layers(), new.missing, name="new")
    if got.p != len(names):
        raise DataError(f"new: {got.p} variables came; the chart has {len(names)} ({', '.join(names)})")
    if subgroups != (got.size is not None):
        wanted = "subgroups are wanted: (subgroups, rows, variables), or rows with by= or size="
        raise DataError(f"new: {wanted if subgroups else 'single vectors are wanted; leave by and size out'}")
    return replace(got, names=names)


def _is_gap(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)
