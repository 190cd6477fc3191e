"""Days from whatever a log holds: timestamps, Python dates, or text as people and spreadsheets write it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats.errors import DataError
from qstats.table.arrays import is_missing

__all__ = ["to_dates"]

_WANTED = "dates such as 2023-01-05, 2023/1/5 or 2023年1月5日 are wanted"
_TEXT = re.compile(
    r"(?P<y>\d{4})(?:(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})|\s*年\s*(?P<cm>\d{1,2})\s*月\s*(?P<cd>\d{1,2})\s*日"
    r"|(?P<bm>\d{2})(?P<bd>\d{2}))"
    r"(?:[T\s]\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)


def to_dates(array: object, name: str) -> npt.NDArray[np.datetime64]:
    """Return days, one per entry; text is read year first, so that no day is guessed.

    Parameters
    ----------
    array : array-like
        datetime64, Python dates or datetimes, or text: ``2023-01-05``, ``2023/1/5``, ``2023.1.5``, ``20230105``,
        ``2023年1月5日``, with or without a time of day, which is dropped (a zone too: the day is the one written).
    name : str
        The parameter's name, for messages.

    Returns
    -------
    ndarray of datetime64[D]
        NaT where the entry is missing or blank.

    Raises
    ------
    DataError
        Text that is no date or not year first, a day that does not exist, numbers; names the first and its position.

    Examples
    --------
    >>> from qstats.table import to_dates
    >>> to_dates(["2023-01-05", "2023/1/6", "2023年1月7日", None], "date")
    array(['2023-01-05', '2023-01-06', '2023-01-07',        'NaT'], dtype='datetime64[D]')
    """
    cells = _cells(array, name)
    if cells.ndim != 1:
        raise DataError(f"{name}: got {cells.ndim} dimensions; one column of dates is wanted")
    if cells.dtype.kind == "M":
        return cells.astype("datetime64[D]")
    if cells.dtype.kind == "f" and bool(np.isnan(cells).all()):
        return np.full(cells.size, np.datetime64("NaT", "D"))
    known: dict[Any, np.datetime64] = {}  # a log has few days and many rows
    out = np.empty(cells.size, dtype="datetime64[D]")
    for where, cell in enumerate(cells.astype(object, copy=False)):
        try:
            out[where] = known[cell]
        except (KeyError, TypeError):
            day = _day(cell, name, where)
            out[where] = day
            if isinstance(cell, str):
                known[cell] = day
    return out


def _cells(array: object, name: str) -> npt.NDArray[Any]:
    """Return an array; a plain list stays objects, for numpy would turn a NaN among text into the word "nan"."""
    if hasattr(array, "__array__"):
        return np.asarray(array)
    if isinstance(array, str | bytes | Mapping) or not isinstance(array, Sequence):
        raise DataError(f"{name}: got a {type(array).__name__}; a sequence of dates is wanted")
    cells = np.empty(len(array), dtype=object)
    for where, cell in enumerate(array):
        cells[where] = cell
    return cells


def _day(cell: object, name: str, where: int) -> np.datetime64:
    if is_missing(cell):
        return np.datetime64("NaT", "D")
    if isinstance(cell, np.datetime64):
        day: np.datetime64 = cell.astype("datetime64[D]")
        return day
    if isinstance(cell, dt.datetime):
        return np.datetime64(cell.date(), "D")
    if isinstance(cell, dt.date):
        return np.datetime64(cell, "D")
    if not isinstance(cell, str):
        raise DataError(f"{name}: got {cell!r} ({type(cell).__name__}) at position {where}; {_WANTED}")
    text = cell.strip()
    if not text:
        return np.datetime64("NaT", "D")
    match = _TEXT.fullmatch(text)
    shown = text if len(text) <= 40 else text[:37] + "..."
    if match is None:
        raise DataError(f"{name}: {shown!r} at position {where} is no date; {_WANTED}, year first")
    month, monthday = (match[a] or match[b] or match[c] for a, b, c in (("m", "cm", "bm"), ("d", "cd", "bd")))
    try:
        return np.datetime64(dt.date(int(match["y"]), int(month), int(monthday)), "D")
    except ValueError:
        raise DataError(f"{name}: {shown!r} at position {where}: there is no such day; {_WANTED}") from None
