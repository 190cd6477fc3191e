"""Recognise a data frame of any library, open it through narwhals, and check that its columns are there."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qstats.errors import DataError, EngineError
from qstats.table.arrays import short_repr

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    AnyFrame = nw.DataFrame[Any] | nw.LazyFrame[Any]

__all__ = [
    "LazyKeys",
    "check_columns",
    "collect",
    "column_names",
    "is_frame",
    "lazy_keys",
    "open_frame",
    "row_order_is_known",
]

_SHOWN = 20


def is_frame(data: object) -> bool:
    """Tell whether `data` is a table of named columns (any library narwhals reads), not a plain sequence.

    Lists, tuples, numpy arrays and one-column series are answered without loading narwhals.

    Parameters
    ----------
    data : object
        Anything.

    Returns
    -------
    bool
        True for a pandas or Polars DataFrame, Polars LazyFrame, Arrow table, DuckDB relation, Dask or Spark DataFrame.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats.table import is_frame
    >>> is_frame([1, 2, 3]), is_frame(pd.Series([1, 2])), is_frame(pd.DataFrame({"x": [1]}))
    (False, False, True)
    """
    if data is None or isinstance(data, list | tuple | np.ndarray | np.generic | str | bytes | Mapping | int | float):
        return False
    if getattr(data, "ndim", 2) == 1 or type(data).__module__.partition(".")[0] in {"builtins", "numpy", "array"}:
        return False
    from narwhals.exceptions import NarwhalsError

    try:
        return _narwhalify(data) is not None
    except NarwhalsError:  # a frame, but with columns that cannot be told apart: open_frame says so
        return True


def _narwhalify(data: object) -> AnyFrame | None:
    import narwhals.stable.v2 as nw

    with warnings.catch_warnings():
        # narwhals announces that Dask will move to a package of its own: nothing the caller of qstats can act on.
        warnings.filterwarnings("ignore", message="Dask support is moving", category=FutureWarning)
        frame: Any = nw.from_native(data, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame | nw.LazyFrame) else None


def open_frame(data: object, name: str = "data") -> AnyFrame:
    """Return `data` as a narwhals frame, eager or lazy, or say why it is none."""
    from narwhals.exceptions import DuplicateError

    try:
        frame = _narwhalify(data)
    except DuplicateError as error:
        raise DataError(f"{name}: {_one_line(error)}; give each column its own name") from None
    if frame is None:
        raise DataError(
            f"{name}: got a {type(data).__name__}; a data frame is wanted "
            "(pandas, Polars, Arrow, DuckDB, Dask or Spark)"
        )
    return frame


def check_columns(frame: AnyFrame, wanted: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the frame's schema (column -> narwhals dtype) once every wanted ``(parameter, column)`` is found in it."""
    found = [str(c) for c in frame.columns] if not _is_lazy(frame) else frame.collect_schema().names()
    for parameter, column in wanted:
        if not isinstance(column, str):
            got = short_repr(column)
            raise DataError(f"{parameter}: got {got}; the name of a column is wanted, since the data are a frame")
        times = found.count(column)
        if times == 1:
            continue
        if times:
            raise DataError(f"{parameter}: column {column!r} is there {times} times; give each column its own name")
        there = ", ".join(map(repr, found[:_SHOWN])) or "none"
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise DataError(f"{parameter}: column {column!r} is not in the data; the columns are {there}{more}")
    return dict(frame.collect_schema())


def column_names(data: object) -> list[str]:
    """Return the names of a frame's columns, or of a mapping's."""
    frame = open_frame(data)
    names: list[str] = frame.collect_schema().names() if _is_lazy(frame) else [str(c) for c in frame.columns]
    return names


def _is_lazy(frame: AnyFrame) -> bool:
    import narwhals.stable.v2 as nw

    return isinstance(frame, nw.LazyFrame)


def row_order_is_known(frame: AnyFrame) -> bool:
    """Tell whether the rows come in the order the user put them in: frames in memory and Polars lazy frames only."""
    return not _is_lazy(frame) or frame.implementation.is_polars()


@dataclass(frozen=True, slots=True)
class LazyKeys:
    """What is known of the rows of a lazy frame before any is read.

    Parameters
    ----------
    rows_in_order : bool
        Whether the rows come in the order the user put them in.
    text : bool
        Whether the key is text, which sorts by its letters.
    """

    rows_in_order: bool
    text: bool


def lazy_keys(data: object, values: str, by: str) -> LazyKeys | None:
    """Return how a lazy frame's rows and keys are ordered; None for a frame in memory, which knows its order."""
    import narwhals.stable.v2 as nw

    frame = open_frame(data)
    if not _is_lazy(frame):
        return None
    schema = check_columns(frame, [("values", values), ("by", by)])
    return LazyKeys(row_order_is_known(frame), schema[by] in (nw.String, nw.Categorical, nw.Enum))


def collect(frame: AnyFrame) -> nw.DataFrame[Any]:
    """Run a lazy frame; what the engine cannot do becomes one line, not its traceback."""
    import narwhals.stable.v2 as nw

    if isinstance(frame, nw.DataFrame):
        return frame
    try:
        return frame.collect()
    except Exception as error:  # each engine has its own tree of errors
        raise EngineError(
            f"data: {frame.implementation.name.lower()} could not run the query: {_one_line(error)}"
        ) from error


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."
