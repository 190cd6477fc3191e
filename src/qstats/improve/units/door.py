"""From a table or arrays to one count and one size for each unit; the rows of a unit are added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray, as_counts, as_exposure, first_bad, object_to_float
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.improve.pareto.tally import MISSING, label_of

__all__ = ["UnitCounts", "read_units"]

_TAKEN = ("n", "weight", "weight_missing")  # names `counts_by` answers with


@dataclass(frozen=True, slots=True, eq=False)
class UnitCounts:
    """Names, counts and sizes of the units, in the order met; `kind` is "proportion" or "rate"."""

    names: list[str]
    count: FloatArray
    size: FloatArray
    kind: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows (or kinds of rows, each `times` over) as they came."""

    keys: Sequence[object]
    count: Any
    size: Any
    times: FloatArray


def _number_or_column(size: object, name: str) -> str | None:
    """Return the name of the column, or None for one number."""
    if isinstance(size, str):
        return size
    if np.ndim(size) > 0:  # type: ignore[arg-type]
        raise DataError(f"{name}: got an array; data is a table: name its column")
    return None


def _frame_rows(data: Any, count: object, size: object, name: str, unit: object) -> _Rows:
    if not isinstance(count, str):
        raise DataError(f"count: got {count!r}; data is a table: name the column with the events of each row")
    if not isinstance(unit, str):
        raise DataError(f"unit: got {unit!r}; data is a table: name the column that says whose row it is")
    column = _number_or_column(size, name)
    wanted = {"unit": unit, "count": count} | ({name: column} if column is not None else {})
    if unit in (count, column):
        raise DataError(f"unit: {unit!r} is also the column of the {'count' if unit == count else name}")
    if any(c in _TAKEN for c in wanted.values()):  # rare: then the rows are fetched
        try:
            got = table.columns(data, wanted)
        except DataError:
            got = table.columns(data, wanted, order_by=unit)
        return _Rows(got["unit"].tolist(), got["count"], got.get(name, size), np.ones(len(got["unit"])))
    out = table.counts_by(data, list(wanted.values()))
    sized = size if column is None else object_to_float(out[column], name)
    return _Rows(out[unit].tolist(), object_to_float(out[count], "count"), sized, out["n"].astype(np.float64))


def _plain_rows(data: Any, count: object, size: object, name: str, unit: Any) -> _Rows:
    if count is not None:
        raise DataError(f"count: got {count!r}, but data is no table; pass the counts themselves as data")
    for parameter, value in ((name, size), ("unit", unit)):
        if isinstance(value, str):
            raise DataError(f"{parameter}: got {value!r}, but data is no table that has columns")
    try:
        k = len(data)
    except TypeError:
        raise DataError(f"data: got a {type(data).__name__}; a table, or the counts of the units, is wanted") from None
    keys = list(range(1, k + 1)) if unit is None else list(unit.tolist() if hasattr(unit, "tolist") else unit)
    if len(keys) != k:
        raise DataError(f"unit: {len(keys)} names came for {k} counts; one each is wanted")
    return _Rows(keys, data, size, np.ones(k))


def _nameless(keys: Sequence[object], missing: str) -> tuple[list[str], BoolArray]:
    names = [label_of(key) for key in keys]
    lost = np.array([name == MISSING or not name.strip() for name in names], dtype=np.bool_)
    if lost.any() and missing == "raise":
        raise DataError(
            f"unit: {int(lost.sum())} rows or kinds of rows name no unit; name them, or pass missing='drop'"
        )
    return names, lost


def _check_size(count: FloatArray, size: FloatArray, there: BoolArray) -> None:
    part = there & (size != np.floor(size))
    if part.any():
        raise DataError(f"size: {first_bad(part, size)}; cases are whole numbers (else exposure=)")
    over = there & (count > size)
    if over.any():
        at = int(np.argmax(over))
        raise DataError(f"count: {count[at]:g} of a size of {size[at]:g} at position {at}; a count cannot exceed it")


def read_units(data: Any, count: object, size: object, exposure: object, unit: object, missing: str) -> UnitCounts:
    """Return the units with their rows added up; bad rows are named, and dropped only if asked for."""
    check_choice(missing, "missing", ("raise", "drop"))
    if (size is None) == (exposure is None):
        raise DataError("size, exposure: give one of them: cases looked at (proportion), or exposure (rate)")
    name, given = ("size", size) if exposure is None else ("exposure", exposure)
    plain = isinstance(data, list | tuple | np.ndarray) or not table.is_frame(data)
    rows = (_plain_rows if plain else _frame_rows)(data, count, given, name, unit)
    if not len(rows.keys):
        raise DataError("data: no rows came; a count for each unit is wanted")
    y = as_counts(rows.count, "count" if not plain else "data", missing=missing)
    t = as_exposure(rows.size, name, y.size, missing=missing)
    names, lost = _nameless(rows.keys, missing)
    there = ~(np.isnan(y) | np.isnan(t) | lost)
    if name == "size":
        _check_size(y, t, there)
    notes = []
    if not there.all():
        text = f"{rows.times[~there].sum():,.0f} rows without a unit, a count or a {name} were left out"
        notes.append(Note("missing-dropped", "warning", text))
    place = {label: i for i, label in enumerate(dict.fromkeys(n for n, ok in zip(names, there, strict=True) if ok))}
    code = np.array([place[n] for n, ok in zip(names, there, strict=True) if ok], dtype=np.intp)

    def total(x: FloatArray) -> FloatArray:
        return np.bincount(code, weights=(x * rows.times)[there], minlength=len(place)).astype(np.float64)

    return UnitCounts(list(place), total(y), total(t), "proportion" if name == "size" else "rate", tuple(notes))
