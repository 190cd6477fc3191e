"""Durations and moments as people write them."""

from __future__ import annotations

import datetime as dt
import math
import re
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError
from qstats.table.arrays import is_missing

__all__ = ["UNITS", "Stamps", "as_duration", "as_moment", "check_unit"]

Stamps = npt.NDArray[np.datetime64]

UNITS = {
    "seconds": 1_000_000,
    "minutes": 60_000_000,
    "hours": 3_600_000_000,
    "days": 86_400_000_000,
    "weeks": 604_800_000_000,
}  # microseconds
_WORDS = {
    "seconds": ("s", "sec", "second", "seconds", "秒"),
    "minutes": ("min", "minute", "minutes", "分", "分钟"),
    "hours": ("h", "hr", "hour", "hours", "时", "小时", "个小时"),
    "days": ("d", "day", "days", "天", "日"),
    "weeks": ("w", "week", "weeks", "周", "星期"),
}
_UNIT_OF = {word: unit for unit, words in _WORDS.items() for word in words}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)", re.ASCII)
_WANTED = "'72h', '3 days', '1d 12h', '2小时', a timedelta, or a number with unit= is wanted"
_MOST = 9.0e18  # microseconds that fit 64 bits


def check_unit(unit: str) -> str:
    """Return a unit of time by its full name."""
    return check_choice(unit, "unit", UNITS)


def _from_text(text: str, name: str) -> float:
    """Add up the parts of a text such as ``1d 12h``; "m" is refused, for it may be a minute or a month."""
    total, at, lowered = 0.0, 0, text.strip().lower()
    while at < len(lowered):
        part = _PART.match(lowered, at)
        if part is None or part[2] not in _UNIT_OF:
            raise DataError(f"{name}: got {text[:40]!r}; {_WANTED}")
        total += float(part[1]) * UNITS[_UNIT_OF[part[2]]]
        at = part.end()
    return total


def as_duration(value: Any, name: str, unit: str | None = None) -> np.timedelta64:
    """Return a positive duration as timedelta64[us].

    Parameters
    ----------
    value : str, timedelta, timedelta64 or number
        A number needs `unit`.
    name : str
    unit : {"seconds", "minutes", "hours", "days", "weeks"}, optional
    """
    if is_missing(value) or (isinstance(value, np.timedelta64) and np.isnat(value)):
        raise DataError(f"{name}: got {value!r}; {_WANTED}")
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_ | np.timedelta64):
        if unit is None:
            raise DataError(f"{name}: got {value} without a unit; {_WANTED}")
        micro = check_number(value, name) * UNITS[check_unit(unit)]
    elif isinstance(value, str):
        micro = _from_text(value, name)
    elif isinstance(value, dt.timedelta):
        micro = value / dt.timedelta(microseconds=1)
    elif isinstance(value, np.timedelta64) and np.datetime_data(value.dtype)[0] not in ("Y", "M", "generic"):
        micro = float(value / np.timedelta64(1, "us"))
    else:
        raise DataError(f"{name}: got {value!r} ({type(value).__name__}); {_WANTED}")
    if not (math.isfinite(micro) and 1.0 <= micro < _MOST):
        raise DataError(f"{name}: got {value!r}; a duration above zero that a calendar can hold is wanted")
    return np.timedelta64(round(micro), "us")


def as_moment(value: Any, name: str, *, zoned: bool = False) -> np.datetime64:
    """Return a date or time as datetime64[us]: by the clock of the columns, or in UTC where these carry a zone.

    A date is its midnight. With `zoned` a zone is wanted, without it none: nobody should guess which one is meant.
    """
    wanted = "a date, a datetime or ISO text such as '2024-05-31' or '2024-05-31 17:00' is wanted"
    if is_missing(value):
        raise DataError(f"{name}: got {value!r}; {wanted}")
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise DataError(f"{name}: got {value[:40]!r}; {wanted}") from None
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None and not zoned:
            raise DataError(
                f"{name}: got {value} with a time zone, the columns have none and are read by the clock on the wall: "
                "drop it, or give the columns their zone"
            )
        if value.tzinfo is not None:
            return np.datetime64(value.astimezone(dt.UTC).replace(tzinfo=None), "us")
    if isinstance(value, dt.date | np.datetime64):
        if zoned:
            raise DataError(
                f"{name}: got {value} without a time zone, but the columns carry one; add the offset from UTC, such as "
                "'2024-05-31 17:00+02:00', or pass a datetime with tzinfo"
            )
        return np.datetime64(value).astype("datetime64[us]")  # type: ignore[no-any-return]
    raise DataError(f"{name}: got {value!r} ({type(value).__name__}); {wanted}")
