"""Columns of times that keep what their zone says: instants in UTC, where `fetch` gives the clock on the wall."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qstats.table.arrays import is_missing, series_to_array
from qstats.table.fetch import plain_expr
from qstats.table.frames import check_columns, collect, open_frame

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

__all__ = ["cell_zones", "instant_columns"]

_MOMENTS = (dt.date, np.datetime64)


def instant_columns(
    data: Any, columns: Mapping[str, Any], others: Collection[str]
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, set[str]]]:
    """Fetch columns by parameter name, times with a zone as UTC, and the zones found in each.

    Parameters
    ----------
    data : frame of any engine
    columns : mapping of parameter name to column name
    others : collection of str
        Parameters that are no times.
    """
    import narwhals.stable.v2 as nw

    frame = open_frame(data)
    schema = check_columns(frame, columns.items())
    # a time keeps its zone until it is here: not every engine can turn it into UTC
    wanted = [(plain_expr(c, schema[c]) if name in others else nw.col(c)).alias(name) for name, c in columns.items()]
    small = collect(frame.select(*wanted))
    zones = {name: _zones_of(small[name]) for name in columns}
    label = {name: f"{name} (column {c!r})" for name, c in columns.items()}
    return {name: series_to_array(small[name], label[name], utc=True) for name in columns}, zones


def _zones_of(series: nw.Series[Any]) -> set[str]:
    import narwhals.stable.v2 as nw

    zone = getattr(series.dtype, "time_zone", None)
    if zone is not None:
        return {str(zone)}
    return cell_zones(series.to_list()) if series.dtype in (nw.Object, nw.Unknown) else set()


def cell_zones(cells: Iterable[Any]) -> set[str]:
    """Return the zones of Python times, and "none" for a date or a time without one."""
    zones = {getattr(cell, "tzinfo", None) for cell in cells if isinstance(cell, _MOMENTS) and not is_missing(cell)}
    return {"none" if zone is None else str(zone) for zone in zones}
