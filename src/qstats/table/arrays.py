"""From one column of any engine to one numpy array, the same array whichever engine held it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import object_to_float
from qstats.errors import DataError

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

__all__ = [
    "factorize",
    "is_missing",
    "labels",
    "missing_mask",
    "object_column",
    "python_keys",
    "series_to_array",
    "series_to_keys",
    "short_repr",
]

_EXACT = 2**53


def is_missing(cell: object) -> bool:
    """Tell whether one Python cell is None, NaN, NA or NaT."""
    if cell is None or type(cell).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(cell, float | np.floating | np.datetime64 | Decimal) and cell != cell


def short_repr(value: object) -> str:
    """Return how to name what came in a message of one line: short things as they are, arrays by kind and shape."""
    shape = getattr(value, "shape", None)
    if shape:
        return f"a {type(value).__name__} of shape {tuple(shape)}"
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"


def missing_mask(array: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return where an array made here (float64, datetime64 or text objects) is missing."""
    gaps: npt.NDArray[np.bool_]
    if array.dtype.kind == "O":
        gaps = np.fromiter((c is None for c in array), dtype=np.bool_, count=array.size)
    else:
        gaps = np.isnat(array) if array.dtype.kind == "M" else np.isnan(array)
    return gaps


def series_to_array(series: nw.Series[Any], label: str, *, utc: bool = False) -> npt.NDArray[Any]:
    """Return a column as float64 (NaN), text objects (None) or datetime64[us] (NaT).

    A timestamp must have lost its time zone already (in the engine), unless `utc`: then one with a zone becomes the
    UTC time of that instant. The array may share memory with the frame.
    """
    import narwhals.stable.v2 as nw

    kind: Any = series.dtype
    if utc and kind == nw.Datetime and kind.time_zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        kind = series.dtype
    if kind in (nw.String, nw.Categorical, nw.Enum):
        text = np.array(series.cast(nw.String).to_numpy(), dtype=object)
        text[series.is_null().to_numpy()] = None
        return text
    if kind == nw.Boolean:
        return _floats(series.cast(nw.Float64).to_numpy(), label)
    if kind.is_integer():
        _check_exact((series.min(), series.max()) if len(series) else (), label)
    if kind.is_numeric():
        return _floats(series.to_numpy(), label)
    cells = series.to_numpy()
    if cells.dtype.kind == "M":
        return cells.astype("datetime64[us]", copy=False)
    if kind in (nw.Object, nw.Unknown, nw.Date, nw.Datetime) and cells.dtype.kind in "Of":
        return object_column(cells, label, utc=utc)
    raise DataError(f"{label}: got {kind} values; numbers, text, dates or timestamps are wanted")


def series_to_keys(series: nw.Series[Any], label: str) -> npt.NDArray[Any]:
    """Return a key column as datetime64[us] or Python objects; an integer of any length stays itself."""
    if series.dtype.is_integer():
        keys = np.empty(len(series), dtype=object)
        keys[:] = [None if is_missing(cell) else int(cell) for cell in series.to_list()]
        return keys
    array = series_to_array(series, label)
    return array if array.dtype.kind == "M" else python_keys(array)


def _floats(cells: npt.NDArray[Any], label: str) -> npt.NDArray[np.float64]:
    return object_to_float(cells, label) if cells.dtype.kind == "O" else cells.astype(np.float64, copy=False)


def _check_exact(values: Iterable[object], label: str) -> None:
    for value in values:
        if isinstance(value, Integral) and abs(int(value)) > _EXACT:
            raise DataError(
                f"{label}: {value} is beyond 2**53 and would lose digits as float64; subtract an offset, "
                f"or make an identifier text"
            )


def _kind_of(cell: object) -> str:
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, Real | Decimal | np.bool_):
        return "numbers"
    if isinstance(cell, dt.date | np.datetime64):
        return "dates"
    return f"{type(cell).__name__} objects"


def object_column(cells: npt.NDArray[Any], label: str, *, utc: bool = False) -> npt.NDArray[Any]:
    """Return a column of Python objects as float64, text or datetime64[us]; a mixture is refused.

    Times with a zone become what the clock on the wall showed, or with `utc` the UTC time of the instant.
    """
    gaps = np.fromiter((is_missing(c) for c in cells), dtype=np.bool_, count=len(cells))
    first: dict[str, int] = {}
    for where in np.flatnonzero(~gaps):
        first.setdefault(_kind_of(cells[where]), int(where))
    if len(first) > 1:
        seen = " and ".join(f"{kind} ({cells[i]!r} at position {i})" for kind, i in list(first.items())[:2])
        raise DataError(f"{label}: {seen} are mixed in one column; one kind is wanted")
    kind = next(iter(first), "numbers")
    out = np.empty(len(cells), dtype=object)
    out[~gaps] = cells[~gaps]
    if kind == "text":
        return out
    if kind == "numbers":
        _check_exact(out[~gaps], label)
        return object_to_float(out, label)
    if kind == "dates":
        stamps = np.full(len(cells), np.datetime64("NaT", "us"))
        stamps[~gaps] = [_plain_time(c, utc) for c in out[~gaps]]
        return stamps
    raise DataError(f"{label}: got {kind}; numbers, text, dates or timestamps are wanted")


def _plain_time(cell: Any, utc: bool) -> np.datetime64:
    """Return a date or time without its zone: as the clock on the wall showed it, or with `utc` as the one in UTC."""
    if isinstance(cell, dt.datetime):
        if utc and cell.tzinfo is not None:
            cell = cell.astimezone(dt.UTC)
        cell = cell.replace(tzinfo=None)
    stamp: np.datetime64 = np.datetime64(cell).astype("datetime64[us]")
    return stamp


def factorize(array: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Return codes into the sorted distinct values, and those values; missing gets the code after the last."""
    gaps = missing_mask(array)
    present = array[~gaps] if gaps.any() else array
    codes = np.empty(array.size, dtype=np.intp)
    if array.dtype.kind == "O":
        distinct = sorted(set(present))
        uniques = np.empty(len(distinct), dtype=object)
        uniques[:] = distinct
        index: dict[Any, int] = {value: i for i, value in enumerate(distinct)}
        found: npt.NDArray[Any] = np.fromiter((index[v] for v in present), dtype=np.intp, count=present.size)
    else:
        uniques, found = _factorize_numbers(present)
    codes[~gaps] = found
    codes[gaps] = uniques.size
    return codes, uniques


def _factorize_numbers(present: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Sort-free where the values are whole numbers in a narrow range, as subgroup numbers are."""
    if present.dtype.kind == "f" and present.size:
        low, high = float(present.min()), float(present.max())
        if (
            high - low <= 4.0 * present.size + 1000
            and low == np.floor(low)
            and bool((present == np.floor(present)).all())
        ):
            offset = (present - low).astype(np.intp)
            there = np.bincount(offset) > 0
            return np.flatnonzero(there) + low, (np.cumsum(there) - 1)[offset]
    uniques, found = np.unique(present, return_inverse=True)
    return uniques, found.reshape(-1)


def python_keys(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return keys as Python objects: text, int (or float if any is not whole), date (or datetime if any has a time)."""
    keys = np.empty(array.size, dtype=object)
    gaps = missing_mask(array)
    present = array[~gaps]
    if array.dtype.kind == "M":
        whole = bool((present == present.astype("datetime64[D]")).all())
        keys[~gaps] = present.astype("datetime64[D]" if whole else "datetime64[us]").astype(object)
    elif array.dtype.kind == "f":
        whole = bool((np.isfinite(present) & (present == np.floor(present))).all())
        keys[~gaps] = [int(v) for v in present] if whole else present.tolist()
    else:
        keys[~gaps] = present
    return keys


def labels(array: npt.NDArray[Any]) -> tuple[str, ...]:
    """Return one text per entry of an array from `columns` or `counts_by`, for people to read; missing is ``""``.

    Parameters
    ----------
    array : ndarray
        float64, datetime64 or text objects.

    Returns
    -------
    tuple of str
        Whole numbers without ``.0``, days without a time, times to the second where they have no fraction.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats.table import labels
    >>> labels(np.array([1.0, 2.0])), labels(np.array(["2024-05-01"], dtype="datetime64[us]"))
    (('1', '2'), ('2024-05-01',))
    """
    array = array if array.dtype.kind in "OMf" else array.astype(np.float64)
    return tuple("" if key is None else str(key) for key in python_keys(array))
