"""Fetch named columns as numpy arrays, for the methods that need every row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qstats.errors import DataError
from qstats.table.arrays import missing_mask, series_to_array
from qstats.table.frames import check_columns, collect, open_frame, row_order_is_known

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

__all__ = ["columns", "plain_expr"]


def plain_expr(column: str, dtype: Any) -> nw.Expr:
    """Return the column without its time zone: what the clock on the wall showed, worked out in the engine."""
    import narwhals.stable.v2 as nw

    expr = nw.col(column)
    zoned = dtype == nw.Datetime and dtype.time_zone is not None
    return expr.dt.replace_time_zone(None).alias(column) if zoned else expr


def columns(data: object, names: Mapping[str, str], *, order_by: str | None = None) -> dict[str, npt.NDArray[Any]]:
    """Fetch columns of any frame as numpy arrays, row by row in a known order.

    For methods that need the rows (order, ranks, medians). Where counts or moments are enough use `counts_by` or
    `moments_by`: they leave the rows where they are.

    Parameters
    ----------
    data : data frame
        pandas, Polars (eager or lazy), Arrow, DuckDB, Dask, Spark.
    names : mapping of str to str
        Parameter name (for messages, and the key of the answer) to column name.
    order_by : str, optional
        Column to sort the rows by, smallest first; rows with equal labels stay in the order they came in. Wanted for
        DuckDB, Dask and Spark, whose rows have no order of their own.

    Returns
    -------
    dict of str to ndarray
        Numbers and booleans as float64 with NaN; text and categories as str objects with None; dates and times as
        datetime64[us] with NaT, wall-clock time if they had a zone. An array may share memory with the frame.

    Raises
    ------
    DataError
        No frame; unknown or doubled column; a column of mixed or unusable kind; whole numbers beyond 2**53; no
        `order_by` for an engine without row order; missing in `order_by`.
    EngineError
        The engine could not run the query.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.table import columns
    >>> frame = pd.DataFrame({"day": [2, 1, 3], "late": [5, None, 7]})
    >>> columns(frame, {"values": "late"}, order_by="day")["values"]
    array([nan,  5.,  7.])
    """
    frame = open_frame(data)
    wanted = [*names.items()] + ([("order_by", order_by)] if order_by is not None else [])
    schema = check_columns(frame, wanted)
    if order_by is None and not row_order_is_known(frame):
        engine = frame.implementation.name.lower()
        raise DataError(f"order_by: rows of a {engine} frame have no order; pass order_by= the column to sort them by")
    needed = list(dict.fromkeys(column for _, column in wanted))
    small = collect(frame.select(*[plain_expr(c, schema[c]) for c in needed]))
    label = {column: f"{parameter} (column {column!r})" for parameter, column in reversed(wanted)}
    arrays = {c: series_to_array(small[c], label[c]) for c in needed}
    if order_by is not None:
        order = _order(arrays[order_by], label[order_by])
        if order is not None:
            arrays = {c: a[order] for c, a in arrays.items()}
    return {parameter: arrays[column] for parameter, column in names.items()}


def _order(keys: npt.NDArray[Any], label: str) -> npt.NDArray[np.intp] | None:
    gaps = missing_mask(keys)
    if gaps.any():
        where = int(np.argmax(gaps))
        raise DataError(
            f"{label}: {int(gaps.sum())} missing, the first at position {where}; a row without a place in the order "
            f"cannot be sorted: fill it in or leave the row out"
        )
    if keys.size < 2 or bool((keys[1:] >= keys[:-1]).all()):
        return None  # sorted already: no copy
    return np.argsort(keys, kind="stable")
