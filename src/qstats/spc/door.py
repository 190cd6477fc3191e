"""From what the caller passed to columns in charted order."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats.errors import DataError
from qstats.spc.labels import PointLabels
from qstats.spc.phases import as_labels, is_mask

__all__ = ["Columns", "Layers", "label_array", "read"]


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """What a caller may say about the points besides their values.

    Parameters
    ----------
    order_by, phase, baseline, exclude
        As in the chart functions.
    """

    order_by: object = None
    phase: object = None
    baseline: object = None
    exclude: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns by parameter name, labels and layers, all in charted order."""

    values: Mapping[str, Any]
    labels: PointLabels | None
    layers: Layers


def label_array(values: object, name: str, n: int) -> npt.NDArray[Any]:
    """Return one label per point: dates as datetime64, numbers as numbers, text as text."""
    if isinstance(values, str | bytes | dict | set) or values is None:
        raise DataError(f"{name}: got {values!r}; one label per point is wanted")
    a = as_labels(values) if isinstance(values, list | tuple) else np.asarray(values)
    if a.ndim != 1 or a.size != n:
        raise DataError(f"{name}: shape {a.shape} came for {n} points; one label each is wanted")
    if a.dtype.kind == "O":
        a = _from_objects(a, name)
    if a.dtype.kind not in "biufMUT":
        raise DataError(f"{name}: got {a.dtype} values; numbers, dates or text are wanted")
    missing = np.isnat(a) if a.dtype.kind == "M" else (np.isnan(a) if a.dtype.kind == "f" else np.zeros(n, bool))
    if missing.any():
        raise DataError(
            f"{name}: nothing at position {int(np.argmax(missing))}; every point needs its place in the order"
        )
    return a


def _from_objects(a: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    for i, v in enumerate(a):
        if v is None or v != v or type(v).__name__ in ("NAType", "NaTType"):
            raise DataError(f"{name}: nothing at position {i}; every point needs its place in the order")
    if all(isinstance(v, str) for v in a):
        return a.astype(str)
    if all(hasattr(v, "isoformat") for v in a):
        if any(getattr(v, "tzinfo", None) is not None for v in a):
            raise DataError(f"{name}: times with a time zone came; convert them to one zone and drop it")
        return a.astype("datetime64[us]")
    try:
        return a.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name}: numbers, dates and text are mixed; one kind is wanted") from None


def _text_key(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return what text sorts by: dates as dates; other text as it stands, unless it holds numbers (10 before 9)."""
    try:
        a.astype(np.float64)
    except ValueError:
        pass
    else:
        if not all(len(t) == 8 for t in a):  # 20230105 sorts the same as text and as a date
            raise DataError(
                "order_by: got numbers written as text, which sort as text (10 before 9); convert the column"
            )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a time zone is only warned of, and dropped
        try:
            dates = a.astype("datetime64[us]")
        except (ValueError, Warning):
            dates = None
    if dates is not None and not np.isnat(dates).any():
        return dates
    try:
        days = table.to_dates(a, "order_by")
    except DataError:
        return a
    if np.isnat(days).any():
        raise DataError(
            f"order_by: blank text at position {int(np.argmax(np.isnat(days)))}; every point needs its place"
        )
    if any(":" in t for t in a):
        raise DataError("order_by: times of day written as text; convert the column to timestamps first")
    return days


def _order_of(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp] | None:
    """Return the stable order of the rows, or None where they are in order already."""
    key = _text_key(labels) if labels.dtype.kind in "UT" else labels
    if key.size < 2 or bool((key[1:] >= key[:-1]).all()):
        return None
    return np.argsort(key, kind="stable")


def _in_order(columns: Mapping[str, Any], layers: Layers, n: int) -> Columns:
    """Sort everything that has one entry per row; positions and slices already speak of the charted order."""
    labels = label_array(layers.order_by, "order_by", n)
    order = _order_of(labels)
    if order is None:
        return Columns(columns, PointLabels(n, _kept(labels)), layers)
    values = {name: v if np.ndim(v) == 0 else np.asarray(v)[order] for name, v in columns.items()}
    sides = [np.asarray(v)[order] if is_mask(v) else v for v in (layers.baseline, layers.exclude)]
    phase = layers.phase
    if _has_labels(phase, n):
        phase = as_labels(phase)[order]
    return Columns(values, PointLabels(n, _kept(labels[order])), Layers(labels, phase, *sides))


def _has_labels(phase: Any, n: int) -> bool:
    """Whether `phase` has one label per row (breaks are always fewer)."""
    return phase is not None and np.ndim(phase) == 1 and len(phase) == n


def _kept(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels that no later write of the caller can change."""
    return labels.copy() if labels.flags.writeable else labels


def _rows(value: Any) -> int | None:
    """Number of entries of a column; None for a single number."""
    return None if np.ndim(value) == 0 else len(value)


def _from_list(data: object, columns: Mapping[str, object], layers: Layers) -> Columns:
    main, *others = columns
    if columns[main] is not None:
        raise DataError(f"{main}: got {columns[main]!r}, but data is no table; pass the numbers themselves as data")
    for param in ("order_by", "phase", "baseline", "exclude"):
        if isinstance(getattr(layers, param), str):
            raise DataError(f"{param}: got {getattr(layers, param)!r}, but data is no table that has columns")
    for param in others:
        if columns[param] is None or isinstance(columns[param], str):
            raise DataError(f"{param}: got {columns[param]!r}; a number, or one per point, is wanted")
    values = {**columns, main: data}
    _check_indexes(values, layers)
    if layers.order_by is None:
        return Columns(values, None, layers)
    n = _rows(data)
    if n is None:
        raise DataError(f"data: got {data!r}; a sequence of numbers or a table is wanted")
    for param in others:
        if _rows(values[param]) not in (None, n):
            raise DataError(f"{param}: {_rows(values[param])} values came for {n} points; one each is wanted")
    for param in ("baseline", "exclude"):
        value = getattr(layers, param)
        if is_mask(value) and len(value) != n:
            raise DataError(f"{param}: {len(value)} true/false values for {n} points; one each is wanted")
    return _in_order(values, layers, n)


def _check_indexes(values: Mapping[str, object], layers: Layers) -> None:
    """Refuse pandas series whose indexes differ: by position they would be paired with somebody else's row."""
    named = {**values, **{p: getattr(layers, p) for p in ("order_by", "phase", "baseline", "exclude")}}
    series = [(name, v.index) for name, v in named.items() if type(v).__name__ == "Series" and hasattr(v, "index")]
    for name, index in series[1:]:
        if not callable(index) and not index.equals(series[0][1]):
            raise DataError(
                f"{name}: its pandas index is not that of the {series[0][0]} column; take both from one table, align "
                "them (reindex), or pass plain arrays (to_numpy())"
            )


def _flags(a: npt.NDArray[Any], name: str) -> npt.NDArray[np.bool_]:
    if a.dtype.kind != "f" or not ((a == 0) | (a == 1)).all():
        raise DataError(f"{name}: the column holds other things than true and false; one of them per row is wanted")
    return a.astype(np.bool_)


def _from_frame(data: object, columns: Mapping[str, object], layers: Layers) -> Columns:
    for param, value in columns.items():
        if value is None or (not isinstance(value, str) and np.ndim(value) > 0):  # type: ignore[arg-type]
            raise DataError(
                f"{param}: got {'nothing' if value is None else 'an array'}; data is a table: name its column"
            )
    if layers.order_by is not None and not isinstance(layers.order_by, str):
        raise DataError("order_by: got an array; data is a table: name its column")
    asked = {**columns, **{p: getattr(layers, p) for p in ("order_by", "phase", "baseline", "exclude")}}
    names = {param: value for param, value in asked.items() if isinstance(value, str)}
    got = table.columns(data, names, order_by=layers.order_by)
    n = len(next(iter(got.values())))
    for param in ("phase", "baseline", "exclude"):
        value = asked[param]
        per_row = is_mask(value) or (param == "phase" and _has_labels(value, n))
        if layers.order_by is not None and per_row:
            raise DataError(f"{param}: one value per row cannot follow the rows that order_by sorts; name a column")
    flags = {p: _flags(got[p], p) for p in ("baseline", "exclude") if p in got}
    values = {param: got.get(param, value) for param, value in columns.items()}
    sides = [flags.get(p, asked[p]) for p in ("baseline", "exclude")]
    plan = Layers(got.get("order_by"), got.get("phase", layers.phase), *sides)
    return Columns(values, None, plan) if layers.order_by is None else _in_order(values, plan, n)


def read(data: object, columns: Mapping[str, object], layers: Layers) -> Columns:
    """Fetch the columns a chart needs, in charted order.

    Parameters
    ----------
    data : frame or array-like
        A table, or the main column itself.
    columns : mapping of str to object
        Parameter name -> column name (table), array, or one number for all points; the main column first.
    layers : Layers
        Order, phases, baseline, exclusions. True/false per row and phase labels go with the rows; positions and slices
        count in charted order.
    """
    plain = isinstance(data, list | tuple | np.ndarray)
    if not plain and table.is_frame(data):
        return _from_frame(data, columns, layers)
    return _from_list(data, columns, layers)
