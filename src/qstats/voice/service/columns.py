"""Columns of a table of any engine, or of a mapping of plain sequences, for tickets and contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.table.arrays import object_column, series_to_array
from qstats.table.dates import to_dates
from qstats.table.fetch import plain_expr
from qstats.table.frames import check_columns, collect, is_frame, open_frame
from qstats.voice.service.clock import Stamps

__all__ = ["fetch", "stamps", "where_from"]

_STEADY = ("UTC", "Etc/UTC", "GMT", "Z")


def where_from(name: str, column: Any) -> str:
    """Name a parameter together with its column."""
    return f"{name} (column {column!r})"


def fetch(data: object, columns: Mapping[str, Any]) -> tuple[dict[str, npt.NDArray[Any]], tuple[Note, ...]]:
    """Fetch columns as numpy arrays, in any order of the rows but the same for all, and remarks on time zones.

    Parameters
    ----------
    data : frame of any engine, or mapping of column name to sequence
    columns : mapping of parameter name to column name
    """
    if isinstance(data, Mapping):
        return _from_mapping(data, columns)
    if not is_frame(data):
        raise DataError(
            f"data: got a {type(data).__name__}; a table with named columns (pandas, Polars, Arrow, DuckDB, Dask, "
            "Spark) or a dict of column name to sequence is wanted"
        )
    frame = open_frame(data)
    schema = check_columns(frame, columns.items())
    notes = _zones({name: schema[c].time_zone for name, c in columns.items() if hasattr(schema[c], "time_zone")})
    needed = list(dict.fromkeys(columns.values()))
    small = collect(frame.select(*[plain_expr(c, schema[c]) for c in needed]))
    label = {column: where_from(name, column) for name, column in reversed(list(columns.items()))}
    arrays = {c: series_to_array(small[c], label[c]) for c in needed}
    return {name: arrays[column] for name, column in columns.items()}, notes


def _zones(zones: Mapping[str, Any]) -> tuple[Note, ...]:
    """Refuse columns that run by different clocks; warn of a clock that is changed twice a year."""
    clocks = {name: None if zone is None else str(zone) for name, zone in zones.items() if name != "by"}
    if len(set(clocks.values())) > 1:
        seen = ", ".join(f"{name} {zone or 'none'}" for name, zone in clocks.items())
        raise DataError(
            f"{' and '.join(clocks)}: time zones differ ({seen}); convert the columns to one zone, best UTC"
        )
    zone = next(iter(clocks.values()), None)
    if zone is None or zone in _STEADY:
        return ()
    text = (
        f"times are read by the clock on the wall in {zone}: across a change to or from summer time an hour is lost or "
        "gained; convert the columns to UTC where that matters"
    )
    return (Note("wall-clock", "info", text),)


def _from_mapping(
    data: Mapping[Any, Any], columns: Mapping[str, Any]
) -> tuple[dict[str, npt.NDArray[Any]], tuple[Note, ...]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, column in columns.items():
        if not isinstance(column, str) or column not in data:
            there = ", ".join(map(repr, list(data)[:20])) or "none"
            raise DataError(f"{name}: column {column!r} is not in the data; the columns are {there}")
        arrays[name] = _sequence(data[column], where_from(name, column))
    sizes = {name: a.size for name, a in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise DataError(f"data: columns of unequal length ({', '.join(f'{k} {v}' for k, v in sizes.items())})")
    return arrays, ()


def _sequence(column: Any, label: str) -> npt.NDArray[Any]:
    kind = getattr(getattr(column, "dtype", None), "kind", "")
    if isinstance(column, np.ndarray) and column.ndim == 1 and kind in "fiubM":
        return column.astype("datetime64[us]" if kind == "M" else np.float64, copy=False)
    if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__len__") or getattr(column, "ndim", 1) != 1:
        raise DataError(f"{label}: got a {type(column).__name__}; a sequence with one entry per row is wanted")
    cells = np.empty(len(column), dtype=object)
    cells[:] = column.tolist() if hasattr(column, "tolist") and kind not in "M" else list(column)
    zones = {str(z) for z in (getattr(cell, "tzinfo", None) for cell in cells) if z is not None}
    if zones - set(_STEADY):
        raise DataError(
            f"{label}: times with a zone ({', '.join(sorted(zones))}) in a plain sequence; convert them to UTC first"
        )
    return object_column(cells, label)


def stamps(column: npt.NDArray[Any], label: str, name: str) -> Stamps:
    """Return times as datetime64[us]; days written as text are read, text with a time of day is not."""
    if column.dtype.kind == "M":
        return column
    if column.dtype.kind == "O":
        timed = next((t for t in column if t is not None and ":" in t), None)
        if timed is not None:
            raise DataError(
                f"{label}: text with a time of day ({timed[:40]!r}); convert the column to timestamps first, marks for "
                f"missing such as '?' to null: pandas.to_datetime(frame[{name!r}]), polars str.to_datetime(), "
                "SQL CAST(... AS TIMESTAMP)"
            )
        return to_dates(column, label).astype("datetime64[us]")
    if bool(np.isnan(column).all()):
        return np.full(column.size, np.datetime64("NaT", "us"))
    raise DataError(f"{label}: got numbers; dates or timestamps are wanted")
