"""From rows, labelled values or a table to rational subgroups in charted order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.blocks import everywhere
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.charts.subgroup_forms import ROW_AFTER_ROW, Form, Grouped, checked_targets, finished, label_rows
from qstats.spc.door import Layers, label_array, read
from qstats.spc.kernels.grouping import Grouping, group_labels, group_runs
from qstats.spc.kernels.subgroups import Subgroups, SubgroupStats
from qstats.spc.labels import PointLabels
from qstats.spc.phases import as_labels, is_mask
from qstats.spc.points import New
from qstats.table.arrays import is_missing

__all__ = ["new_subgroups", "read_subgroups"]

_LAYERS = ("phase", "baseline", "exclude")


def read_subgroups(data: object, form: Form, layers: Layers, missing: str, *, moments: bool = False) -> Grouped:
    """Return the subgroups of `data`.

    Parameters
    ----------
    data : array-like or frame
        Rows (one a subgroup, of any lengths), values with `by` or `size`, or a table: long (`values` one column) or
        wide (`values` a list of columns, a row is a subgroup).
    form : Form
        `by`: labels, equal ones are one subgroup wherever they stand, in order of first appearance. `size`: so many
        consecutive values are a subgroup.
    layers : Layers
        `order_by` sorts the rows first. The others speak of subgroups, or of rows and then say the same in all rows of
        a subgroup; positions and slices count subgroups.
    missing : {"raise", "drop"}
        ``"drop"`` lowers the size of a subgroup by its missing values; one without any value stays as a gap.
    moments : bool
        Whether size, mean, range and standard deviation are enough: a lazy frame is then summarised where it is, and
        the caller calls `Grouped.confirm` with ranges or standard deviations.
    """
    check_choice(missing, "missing", ("raise", "drop"))
    if form.by is not None and form.size is not None:
        raise DataError("size: given together with by, which says the subgroups already; pass one of them")
    plain = isinstance(data, list | tuple | np.ndarray)
    if not plain and table.is_frame(data):
        return _from_frame(data, form, layers, missing, moments)
    if form.by is None and form.size is None:
        if form.values is not None:
            raise DataError(f"values: got {form.values!r}, but data is no table; pass the numbers themselves as data")
        if moments and missing == "raise" and layers.order_by is None and _plain_matrix(data):
            # looking at the spread of the subgroups later is cheaper than at every value now
            return _from_rows(Subgroups.of(data), form, layers, missing, checked=False)  # type: ignore[arg-type]
        return _from_rows(_rows(data, missing), form, layers, missing)
    return _long(data, form, layers, missing)


def _plain_matrix(data: object) -> bool:
    """Whether `data` can be taken as it is: a float64 matrix with subgroups of two or more."""
    if type(data) is not np.ndarray or data.dtype != np.float64 or data.ndim != 2:
        return False
    k, n = data.shape
    return bool(k > 0 and n > 1)


def new_subgroups(new: New) -> tuple[Subgroups, FloatArray | None]:
    """Return later subgroups and their targets, checked."""
    form = Form(None, new.by, new.size, new.target)
    if _dims(new.size) != 0:
        raise DataError("size: a subgroup's size is the number of its values; leave it out")
    if new.by is not None and _dims(_first(new.values)) != 0:
        raise DataError("by: each row is a subgroup already; pass by= only with values in one column")
    got = read_subgroups(new.values, form, Layers(), new.missing)
    assert got.groups is not None  # only a table is summarised elsewhere
    return got.groups, got.target


def _dims(value: object) -> int:
    """Return the number of dimensions; lists of unequal length inside count as two."""
    if isinstance(value, str | bytes):
        return 0
    try:
        return int(np.ndim(value))  # type: ignore[arg-type]
    except ValueError:
        return 2


def _regular(data: Any) -> bool:
    """Whether all rows have one length."""
    try:
        np.shape(data)
    except ValueError:
        return False
    return True


def _first(values: object) -> Any:
    return values[0] if isinstance(values, list | tuple | np.ndarray) and len(values) else 0.0


# ---- rows ----


def _length(row: object, where: int, missing: str) -> int:
    if isinstance(row, list | tuple) or (_dims(row) == 1 and not isinstance(row, str | bytes)):
        return len(row)  # type: ignore[arg-type]
    if missing == "drop" and is_missing(row):
        return 0
    what = f"{row!r}" if isinstance(row, str | bytes) or _dims(row) == 0 else f"a {type(row).__name__}"
    raise DataError(
        f"data: got {what[:60]} at position {where}; rows of values are wanted, one a subgroup: or say with by= or "
        f"size= how single values fall into subgroups"
    )


def _rows(data: Any, missing: str) -> Subgroups:
    """Return rows as they came, missing values still among them."""
    if isinstance(data, np.ma.MaskedArray):
        data = np.ma.filled(data.astype(np.float64), np.nan)
    flat: Any
    size: int | npt.NDArray[np.int64]
    if isinstance(data, np.ndarray) and data.ndim == 2:
        flat, size = data.reshape(-1), int(data.shape[1])
        k = int(data.shape[0])
    elif isinstance(data, list | tuple | np.ndarray) and _dims(data[0] if len(data) else 0) < 2:
        lengths = [_length(row, i, missing) for i, row in enumerate(data)]
        k = len(lengths)
        size = lengths[0] if len(set(lengths)) == 1 else np.array(lengths, dtype=np.int64)
        flat = list(chain.from_iterable(row for row, n in zip(data, lengths, strict=True) if n))
    else:
        got = f"an array of shape {data.shape}" if isinstance(data, np.ndarray) else f"a {type(data).__name__}"
        got = repr(data)[:60] if _dims(data) == 0 else got
        raise DataError(f"data: got {got}; rows of values are wanted, one a subgroup")
    if k == 0:
        raise TooFewData("data: no subgroup came")
    if isinstance(size, int) and size == 0:
        size = np.zeros(k, dtype=np.int64)
    x = as_vector(flat, ROW_AFTER_ROW, missing=missing, least=0) if len(flat) else np.empty(0)
    return Subgroups(x, size)


def _from_rows(rows: Subgroups, form: Form, layers: Layers, missing: str, checked: bool = True) -> Grouped:
    k = rows.count
    known = {} if form.target is None else {"target": form.target}
    places = everywhere(0.0, k) if layers.order_by is None else np.arange(k)
    got = read(places, {"values": None, **known}, layers)
    if got.labels is not None:
        order = np.asarray(got.values["values"])
        rows = rows if order is places else _reordered(rows, order)
    target = None if form.target is None else checked_targets(got.values["target"], k)
    sorted_by = got.layers if layers.order_by is None else replace(got.layers, order_by=None)
    return finished(rows, Grouped(None, got.labels, sorted_by, target, checked=checked), missing)


def _reordered(rows: Subgroups, order: npt.NDArray[np.intp]) -> Subgroups:
    if isinstance(rows.size, int):
        return Subgroups(rows.x.reshape(-1, rows.size)[order].reshape(-1), rows.size)
    size = rows.size[order]
    start = (np.cumsum(rows.size) - rows.size)[order]
    within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    return Subgroups(rows.x[np.repeat(start, size) + within], size)


# ---- one column of values ----


def _whole_size(size: object) -> int:
    if isinstance(size, bool | np.bool_) or not isinstance(size, int | np.integer) or size < 1:
        raise DataError(f"size: got {size!r}; a whole number of values per subgroup is wanted")
    return int(size)


def _long(data: Any, form: Form, layers: Layers, missing: str, *, framed: bool = False) -> Grouped:
    size = None if form.size is None else _whole_size(form.size)
    columns = {"values": form.values}
    columns |= {p: v for p, v in (("by", form.by), ("target", form.target)) if v is not None}
    if size and layers.order_by is not None:
        columns["order_by"] = layers.order_by
    if framed and form.target is not None and not isinstance(form.target, str):
        columns.pop("target")
    held: dict[str, Any] = {}
    if not framed:
        n = len(data) if _dims(data) == 1 else -1
        if n < 0:
            shown = f"shape {np.shape(data)}" if _regular(data) else "rows of unequal length"
            raise DataError(f"data: {shown} came with by or size; one column of values is wanted")
        if _dims(form.target) == 1 and layers.order_by is not None and len(form.target) != n:  # type: ignore[arg-type]
            held["target"] = columns.pop("target")
        # with one entry a subgroup they cannot be sorted along with the rows: they speak of the charted order
        aside = {p: getattr(layers, p) for p in _LAYERS if _entries(getattr(layers, p), p) not in (None, n)}
        got = read(data, columns, replace(layers, **dict.fromkeys(aside)))
        got = replace(got, layers=replace(got.layers, **aside))
    else:
        got = read(data, columns, layers)
    x = as_vector(got.values["values"], "values" if framed else "data", missing=missing, least=0)
    if not x.size:
        raise TooFewData("data: no value came")
    grouping = group_runs(x.size, size) if size else group_labels(label_rows(got.values["by"], x.size))
    labels = _point_labels(grouping, got.values.get("by"), got.values.get("order_by"))
    level = {p: _per_group(getattr(got.layers, p), grouping, p) for p in _LAYERS}
    target = held.get("target", got.values.get("target", form.target))
    if target is not None:
        target = checked_targets(_per_group(target, grouping, "target"), grouping.count)
    out = Grouped(None, labels, Layers(None, **level), target)
    if size and x.size % size:
        text = f"the last subgroup has {x.size % size} values, the others {size}: it is charted with its own limits"
        out = replace(out, notes=(Note("short-subgroup", "info", text),))
    return finished(Subgroups(grouping.sorted(x), grouping.size), out, missing)


def _entries(value: object, name: str) -> int | None:
    """Return how many entries true/false values or phase labels have; None for positions, slices, single numbers."""
    if isinstance(value, str | slice) or value is None or _dims(value) != 1:
        return None
    return len(value) if name == "phase" or is_mask(value) else None  # type: ignore[arg-type]


def _point_labels(g: Grouping, by: Any, order_by: Any) -> PointLabels | None:
    if by is None and order_by is None:
        return None
    a = label_rows(by, g.rows) if by is not None else label_array(order_by, "order_by", g.rows)
    return PointLabels(g.count, a[g.first])


def _per_group(value: Any, g: Grouping, name: str) -> Any:
    """Return what is said of rows as said of subgroups; what is said of subgroups stays."""
    n = len(value) if name == "target" and _dims(value) == 1 else _entries(value, name)
    if n != g.rows or g.rows == g.count:
        return value
    a = as_labels(value) if name == "phase" else np.asarray(value)
    rows = g.sorted(a)
    first = rows[g.starts]
    with np.errstate(invalid="ignore"):
        again = np.repeat(first, np.diff(np.append(g.starts, g.rows)))
        differs = (rows != again) & ~((rows != rows) & (again != again))
    if differs.any():
        where = int(np.searchsorted(g.starts, int(np.argmax(differs)), side="right")) - 1
        raise DataError(f"{name}: the rows of the subgroup at position {where} disagree; one value each is wanted")
    return first


# ---- tables ----


def _from_frame(data: object, form: Form, layers: Layers, missing: str, moments: bool) -> Grouped:
    if isinstance(form.values, list | tuple):
        return _wide(data, form, layers, missing)
    if form.by is None and form.size is None:
        raise DataError("by: nothing came; name the column of the subgroups, or pass size=, or a list of columns")
    if form.by is not None and isinstance(form.values, str) and isinstance(form.by, str):
        order = _keys_as_order(data, form, layers)
        if order is not None:
            if moments and order[1]:
                got = _summarised(data, form, layers, missing)
                if got is not None:
                    return got
            layers = replace(layers, order_by=order[0])
    return _long(data, form, layers, missing, framed=True)


def _keys_as_order(data: object, form: Form, layers: Layers) -> tuple[str, bool] | None:
    """Return the key column and whether it is no text, where rows without an order of their own sort by it."""
    key = str(form.by)
    keys = table.lazy_keys(data, str(form.values), key)
    if keys is None or (layers.order_by != key and (layers.order_by is not None or keys.rows_in_order)):
        return None
    plain = not any(isinstance(getattr(layers, p), str) for p in _LAYERS) and not isinstance(form.target, str)
    return key, plain and not keys.text


def _summarised(data: object, form: Form, layers: Layers, missing: str) -> Grouped | None:
    """Return what the engine worked out; None where a subgroup without any value would be lost."""
    got = table.moments_by(data, str(form.values), str(form.by))
    if got.dropped_keys:
        raise DataError(f"by: {got.dropped_keys} rows have no label; every value belongs to a subgroup")
    if got.dropped_missing:
        if missing == "raise":
            text = f"{got.dropped_missing} missing values; clean the data or pass missing='drop'"
            raise DataError(f"values (column {form.values!r}): {text}")
        return None
    if not got.n.size:
        raise TooFewData("data: no value came")
    with np.errstate(divide="ignore", invalid="ignore"):
        two = got.n > 1
        spread = np.where(two, got.high - got.low, np.nan)
        std = np.where(two, np.sqrt(got.m2 / (got.n - 1.0)), np.nan)
    labels = PointLabels(got.n.size, label_array(got.key, "by", got.n.size))
    target = None if form.target is None else checked_targets(form.target, got.n.size)
    stats = SubgroupStats(got.n, got.mean, spread, std)
    return Grouped(None, labels, replace(layers, order_by=None), target, stats)


def _wide(data: object, form: Form, layers: Layers, missing: str) -> Grouped:
    names: Sequence[Any] = form.values  # type: ignore[assignment]
    if form.by is not None or form.size is not None:
        raise DataError("by: values names several columns, so each row is a subgroup; leave by and size out")
    if not names or not all(isinstance(c, str) for c in names) or len(set(names)) != len(names):
        raise DataError(f"values: got {names!r}; different names of columns are wanted")
    columns: dict[str, object] = {f"values[{i}]": c for i, c in enumerate(names)}
    if isinstance(form.target, str):
        columns["target"] = form.target
    got = read(data, columns, layers)
    parts = [
        as_vector(got.values[f"values[{i}]"], f"values (column {c!r})", missing=missing, least=0)
        for i, c in enumerate(names)
    ]
    if not parts[0].size:
        raise TooFewData("data: no row came")
    target = got.values.get("target", form.target)
    target = None if target is None else checked_targets(target, parts[0].size)
    rows = Subgroups.of(np.ascontiguousarray(np.column_stack(parts)))
    return finished(rows, Grouped(None, got.labels, replace(got.layers, order_by=None), target), missing)
