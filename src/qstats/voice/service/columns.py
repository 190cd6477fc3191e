"""Columns of a table of any engine, or of a mapping of plain sequences, for tickets and contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.table.arrays import missing_mask, object_column, short_repr
from qstats.table.dates import to_dates
from qstats.table.frames import is_frame
from qstats.table.instants import cell_zones, instant_columns
from qstats.voice.service.clock import Stamps

__all__ = ["Fetched", "fetch", "stamps", "where_from"]

_STEADY = ("UTC", "Etc/UTC", "GMT", "Z")
_NOT_TIMES = ("by", "customer", "topic", "resolved", "values")


def where_from(name: str, column: Any) -> str:
    """Name a parameter together with its column."""
    return f"{name} (column {column!r})"


class Fetched(NamedTuple):
    """Columns by parameter name, whether their times are instants in UTC, and a remark on it."""

    arrays: dict[str, npt.NDArray[Any]]
    zoned: bool
    notes: tuple[Note, ...]


def fetch(data: object, columns: Mapping[str, Any]) -> Fetched:
    """Fetch columns as numpy arrays, in any order of the rows but the same for all.

    Times with a zone are instants and come as UTC, so that what lies between two of them is right across a change to
    or from summer time; times without one stay what the clock on the wall showed.

    Parameters
    ----------
    data : frame of any engine, or mapping of column name to sequence
    columns : mapping of parameter name to column name
    """
    if isinstance(data, Mapping):
        arrays, zones = _from_mapping(data, columns)
    elif is_frame(data):
        arrays, zones = instant_columns(data, columns, _NOT_TIMES)
    else:
        raise DataError(
            f"data: got a {type(data).__name__}; a table with named columns (pandas, Polars, Arrow, DuckDB, Dask, "
            "Spark) or a dict of column name to sequence is wanted"
        )
    return Fetched(arrays, *_one_clock({n: a for n, a in arrays.items() if n not in _NOT_TIMES}, zones))


def _one_clock(times: Mapping[str, npt.NDArray[Any]], zones: Mapping[str, set[str]]) -> tuple[bool, tuple[Note, ...]]:
    """Tell whether the times are instants; refuse some with a zone beside some without."""
    seen = {name: zones[name] or {"none"} for name, a in times.items() if zones[name] or not missing_mask(a).all()}
    found = sorted(set().union(*seen.values()))
    if found in ([], ["none"]):
        return False, ()
    if "none" in found:
        each = ", ".join(f"{name} {' and '.join(sorted(z))}" for name, z in seen.items())
        raise DataError(
            f"{' and '.join(seen)}: some times carry a time zone and some do not ({each}); give every column its zone "
            "(pandas .dt.tz_localize, polars .dt.replace_time_zone), or none"
        )
    if set(found) <= set(_STEADY):
        return True, ()
    text = f"times carry a zone ({', '.join(found)}): they are taken as instants, and shown in UTC"
    return True, (Note("shown-in-utc", "info", text),)


def _from_mapping(
    data: Mapping[Any, Any], columns: Mapping[str, Any]
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, set[str]]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    zones: dict[str, set[str]] = {}
    for name, column in columns.items():
        if not isinstance(column, str) or column not in data:
            there = ", ".join(map(repr, list(data)[:20])) or "none"
            raise DataError(f"{name}: column {short_repr(column)} is not in the data; the columns are {there}")
        arrays[name], zones[name] = _sequence(data[column], where_from(name, column), name not in _NOT_TIMES)
    sizes = {name: a.size for name, a in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise DataError(f"data: columns of unequal length ({', '.join(f'{k} {v}' for k, v in sizes.items())})")
    return arrays, zones


def _sequence(column: Any, label: str, utc: bool) -> tuple[npt.NDArray[Any], set[str]]:
    kind = getattr(getattr(column, "dtype", None), "kind", "")
    if isinstance(column, np.ndarray) and column.ndim == 1 and kind in "fiubM":
        return column.astype("datetime64[us]" if kind == "M" else np.float64, copy=False), set()
    if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__len__") or getattr(column, "ndim", 1) != 1:
        raise DataError(f"{label}: got a {type(column).__name__}; a sequence with one entry per row is wanted")
    cells = np.empty(len(column), dtype=object)
    cells[:] = column.tolist() if hasattr(column, "tolist") and kind not in "M" else list(column)
    return object_column(cells, label, utc=utc), cell_zones(cells) if utc else set()


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
