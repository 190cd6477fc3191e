"""A log of contacts: who came back about what within the window, and which windows are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.table.arrays import missing_mask
from qstats.table.scores import MISSING, Keys, read_keys
from qstats.voice.service.clock import Stamps, as_duration, as_moment
from qstats.voice.service.columns import fetch, stamps, where_from
from qstats.voice.service.tickets import check_policy, left_out

__all__ = ["Contacts", "read_contacts"]


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Contacts judged, one entry each."""

    resolved: BoolArray
    repeated: BoolArray
    customer: npt.NDArray[np.intp]
    customers: int
    keys: Keys | None
    pending_by: FloatArray
    pending: int
    now: np.datetime64
    window: np.timedelta64
    notes: tuple[Note, ...]
    opened: Stamps
    zoned: bool

    def at(self, which: BoolArray) -> Contacts:
        """Return some of them, without groups; what was pending belongs to the whole log."""
        return replace(
            self, resolved=self.resolved[which], repeated=self.repeated[which], customer=self.customer[which],
            keys=None, pending_by=np.zeros(0), opened=self.opened[which],
        )  # fmt: skip


def _codes(column: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], int]:
    """Number the distinct entries in the order they come (no sorting of a million names), and count them."""
    if column.dtype.kind == "O":
        seen: dict[Any, int] = {}
        codes = np.fromiter((seen.setdefault(cell, len(seen)) for cell in column), dtype=np.intp, count=column.size)
        return codes, len(seen)
    found, inverse = np.unique(column, return_inverse=True)
    return inverse.reshape(-1), found.size


def _comes_back(who: npt.NDArray[np.intp], at: Stamps, window: np.timedelta64) -> tuple[BoolArray, int]:
    """Return which contacts are followed by another of the same matter within the window; and how many at once."""
    order = np.lexsort((at, who))
    same = who[order[1:]] == who[order[:-1]]
    gap = at[order[1:]] - at[order[:-1]]
    back = np.zeros(who.size, dtype=np.bool_)
    back[order[:-1]] = same & (gap <= window)
    return back, int(np.count_nonzero(same & (gap == np.timedelta64(0, "us"))))


def _flags(column: npt.NDArray[Any], label: str) -> BoolArray:
    if column.dtype.kind != "f" or bool(((column != 0) & (column != 1)).any()):
        raise DataError(f"{label}: True or False (1 or 0) is wanted, whether the contact was recorded as resolved")
    flags: BoolArray = np.equal(column, 1.0)
    return flags


def _present(
    raw: Mapping[str, npt.NDArray[Any]], columns: Mapping[str, Any], missing: str
) -> tuple[BoolArray, tuple[Note, ...]]:
    """Return which rows have all that is needed to judge them."""
    keep: BoolArray = np.ones(raw["customer"].size, dtype=np.bool_)
    notes: tuple[Note, ...] = ()
    advice = "fill them in, or pass missing='drop' to leave them out, counted"
    for name, column in raw.items():
        bad = missing_mask(column)
        notes += left_out(bad, missing, "missing-dropped", f"{where_from(name, columns[name])} missing", advice)
        keep &= ~bad
    return keep, notes


def _as_of(now: Any, at: Stamps, zoned: bool) -> tuple[np.datetime64, tuple[Note, ...]]:
    if now is not None:
        return as_moment(now, "now", zoned=zoned), ()
    latest = at.max()
    text = f"now= was not given: the latest contact, {latest.astype('datetime64[s]')}, stands for it"
    return latest, (Note("now-assumed", "warning", text),)


def _usable(
    raw: Mapping[str, npt.NDArray[Any]], columns: Mapping[str, Any], now: Any, missing: str, zoned: bool
) -> tuple[BoolArray, np.datetime64, tuple[Note, ...]]:
    """Return which contacts are whole and happened by `now`."""
    keep, notes = _present(raw, columns, missing)
    if not keep.any():
        raise TooFewData(f"data: none of {keep.size} rows can be used; at least one contact is wanted")
    moment, assumed = _as_of(now, raw["opened"][keep], zoned)
    late: BoolArray = keep & np.greater(raw["opened"], moment)
    if late.any():
        notes += (Note("opened-after-now", "info", f"{int(late.sum())} contacts after now: not there yet, left out"),)
        keep = keep & ~late
        if not keep.any():
            raise TooFewData("now: every contact came after it; at least one before is wanted")
    return keep, moment, (*notes, *assumed)


def read_contacts(data: object, columns: Mapping[str, Any], window: Any, now: Any, missing: str) -> Contacts:
    """Read contacts and judge each by the next one of the same customer and topic.

    Parameters
    ----------
    data : frame or mapping of column name to sequence
    columns : mapping
        Parameter to column: customer, opened, and any of topic, resolved, by.
    window, now, missing
        As in `first_contact_resolution`.
    """
    check_policy(missing)
    width = as_duration(window, "window")
    raw, zoned, notes = fetch(data, columns)
    group = raw.pop("by", None)
    raw["opened"] = stamps(raw["opened"], where_from("opened", columns["opened"]), columns["opened"])
    if not raw["opened"].size:
        raise TooFewData("data: no row came; at least one contact is wanted")
    keep, moment, more = _usable(raw, columns, now, missing, zoned)
    at = raw["opened"][keep]
    customer, customers = _codes(raw["customer"][keep])
    matter = customer
    if "topic" in raw:
        topic, topics = _codes(raw["topic"][keep])
        matter = customer * topics + topic
    back, at_once = _comes_back(matter, at, width)
    if at_once:
        text = f"{at_once} contacts come with another of the same customer at the very same time: counted as repeats"
        more += (Note("same-time", "warning", text),)
    good = ~back
    if "resolved" in raw:
        good &= _flags(raw["resolved"][keep], where_from("resolved", columns["resolved"]))
    over: BoolArray = np.less(at + width, moment)
    if not over.any():
        raise TooFewData(f"window: it is over for none of {at.size} contacts by {moment.astype('datetime64[s]')}; wait")
    if pending := int(np.count_nonzero(~over)):
        text = f"{pending} of {at.size} contacts: the window is not over, so they are not counted, come back or not"
        more += (Note("window-not-over", "info", text),)
    keys, pending_by, keyed = _grouped(None if group is None else group[keep], over)
    return Contacts(
        good[over], back[over], customer[over], customers, keys, pending_by, pending, moment, width,
        (*notes, *more, *keyed), at[over], zoned,
    )  # fmt: skip


def _grouped(column: npt.NDArray[Any] | None, over: BoolArray) -> tuple[Keys | None, FloatArray, tuple[Note, ...]]:
    """Code the groups of the contacts judged, and count those not judged in each of these groups."""
    if column is None:
        return None, np.zeros(0), ()
    whole = read_keys(column, "by", column.size, tidy=True)
    k = len(whole.labels)
    there = np.bincount(whole.codes[over], minlength=k) > 0
    pending = np.bincount(whole.codes[~over], minlength=k)[there].astype(np.float64)
    labels = tuple(label for label, seen in zip(whole.labels, there, strict=True) if seen)
    notes: tuple[Note, ...] = ()
    if whole.missing:
        notes = (Note("missing-segment", "warning", f"{whole.missing} have no segment: kept as {MISSING!r}"),)
    return Keys((np.cumsum(there) - 1)[whole.codes[over]], labels, whole.missing), pending, notes
