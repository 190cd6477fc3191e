"""The two groups of a comparison: two tables, two groups of a column, or before and after a change."""

from __future__ import annotations

from typing import Any

from qstats._core.arrays import BoolArray
from qstats.errors import DataError, TooFewData
from qstats.table.scores import Keys
from qstats.voice.service.clock import Stamps, as_moment

__all__ = ["after_and_before", "one_of_three", "two_codes"]


def one_of_three(data0: object, by: Any, change: Any, reference: Any) -> None:
    """Refuse more or fewer ways than one to say which two groups are compared."""
    ways = {"data0": data0, "by": by, "change": change}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        came = " and ".join(f"{name}=" for name in given) or "none of them"
        raise DataError(f"data0, by, change: {came} came; one of the three says which two groups are compared")
    if reference is not None and by is None:
        raise DataError(f"reference: got {reference!r} without by=; it names one of the two groups of a column")


def after_and_before(opened: Stamps, change: Any, zoned: bool) -> tuple[BoolArray, BoolArray]:
    """Return which rows were opened from the change on, and which before; both must have some."""
    at = as_moment(change, "change", zoned=zoned)
    after: BoolArray = opened >= at
    if after.all() or not after.any():
        side = "after" if after.all() else "before"
        raise TooFewData(f"change: all {opened.size} rows were opened {side} {at}; some on both sides are wanted")
    return after, ~after


def two_codes(keys: Keys, reference: Any) -> tuple[int, int]:
    """Return the code of the group and of the reference group."""
    names = ", ".join(map(repr, keys.labels))
    if keys.missing:
        raise DataError(f"by: missing for {keys.missing} rows; leave those rows out, or give them a group")
    if len(keys.labels) != 2:
        raise DataError(f"by: {len(keys.labels)} groups came ({names}); two are wanted")
    if str(reference) not in keys.labels:
        raise DataError(f"reference: got {reference!r}; say which of {names} the other is compared with")
    base = keys.labels.index(str(reference))
    return 1 - base, base
