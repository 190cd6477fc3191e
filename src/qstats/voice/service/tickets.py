"""Tickets out of a table of any engine: when opened, when ended, due when, still open at the last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.table.scores import MISSING, Keys, read_keys
from qstats.voice.service.clock import UNITS, Stamps, as_moment
from qstats.voice.service.columns import fetch, stamps, where_from
from qstats.voice.service.pairs import after_and_before, one_of_three, two_codes

__all__ = ["Reading", "Tickets", "check_policy", "left_out", "read_tickets", "rows_text", "two_groups"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Which columns hold what, and which tickets are asked about.

    Parameters
    ----------
    opened, ended : str
        Columns of the beginning and of the end.
    names : tuple of str
        What the caller calls those two parameters, for messages.
    due, by, until : str or None
        Columns of the agreed time, of the group, and of another end at which looking stops.
    now, start, stop : date, datetime, ISO text or None
    cohort : {"opened", "closed"}
        The date that `start` and `stop` are about.
    missing, impossible : {"raise", "drop"}
    """

    opened: Any
    ended: Any
    names: tuple[str, str] = ("opened", "closed")
    due: Any = None
    by: Any = None
    until: Any = None
    now: Any = None
    start: Any = None
    stop: Any = None
    cohort: str = "opened"
    missing: str = "raise"
    impossible: str = "raise"

    def columns(self) -> dict[str, Any]:
        """Return parameter name to column, for those that were given."""
        given = {self.names[0]: self.opened, self.names[1]: self.ended, "due": self.due, "by": self.by}
        given["closed" if self.names[1] != "closed" else "until"] = self.until
        return {k: v for k, v in given.items() if v is not None or k in self.names}


@dataclass(frozen=True, slots=True, eq=False)
class Tickets:
    """Tickets, one entry each; all arrays have shape (n,).

    Parameters
    ----------
    opened : ndarray of datetime64[us]
    ended : ndarray of datetime64[us]
        NaT while open.
    until : ndarray of datetime64[us]
        Last look at an open one.
    now : datetime64[us]
        Time of the extraction.
    due : ndarray of datetime64[us] or None
    keys : Keys or None
        Group of each.
    notes : tuple of Note
    zoned : bool
        Whether the columns carried a time zone; all times are then in UTC.
    """

    opened: Stamps
    ended: Stamps
    until: Stamps
    now: np.datetime64
    due: Stamps | None = None
    keys: Keys | None = None
    notes: tuple[Note, ...] = field(default=())
    zoned: bool = False

    def __len__(self) -> int:
        return self.opened.size

    @property
    def closed(self) -> BoolArray:
        """Which ones have ended."""
        return ~np.isnat(self.ended)

    def time(self, unit: str) -> FloatArray:
        """Return the time from opening to the end, or to the last look."""
        last = np.where(self.closed, self.ended, self.until)
        return np.asarray((last - self.opened).astype(np.int64) / UNITS[unit], dtype=np.float64)

    def at(self, which: BoolArray) -> Tickets:
        """Return some of them, without groups."""
        due = None if self.due is None else self.due[which]
        return replace(
            self, opened=self.opened[which], ended=self.ended[which], until=self.until[which], due=due, keys=None
        )

    def group(self, code: int) -> Tickets:
        """Return those of one group."""
        assert self.keys is not None  # the caller read them with by=
        return self.at(self.keys.codes == code)


def check_policy(missing: str, impossible: str = "raise") -> None:
    """Refuse words other than "raise" and "drop"."""
    check_choice(missing, "missing", ("raise", "drop"))
    check_choice(impossible, "impossible", ("raise", "drop"))


def rows_text(bad: BoolArray) -> str:
    """Say in how many rows and in which first ones."""
    rows = np.flatnonzero(bad)
    shown = ", ".join(str(r) for r in rows[:3])
    return f"{rows.size} of {bad.size} (row{'s' * (rows.size > 1)} {shown}{', ...' if rows.size > 3 else ''})"


def left_out(bad: BoolArray, policy: str, code: str, what: str, advice: str) -> tuple[Note, ...]:
    """Raise, or count in a note what is left out; nothing where nothing is bad."""
    if not bad.any():
        return ()
    if policy == "raise":
        raise DataError(f"{what}: {rows_text(bad)}; {advice}")
    return (Note(code, "warning", f"{what}: {rows_text(bad)}, left out"),)


def _gaps(times: Mapping[str, Stamps], columns: Mapping[str, Any], missing: str) -> tuple[BoolArray, tuple[Note, ...]]:
    """Return which rows lack a time without which they cannot be used."""
    n = next(iter(times.values())).size
    gone = np.zeros(n, dtype=np.bool_)
    notes: list[Note] = []
    for name, column in times.items():
        bad = np.isnat(column)
        advice = "fill them in, or pass missing='drop' to leave them out, counted"
        notes += left_out(bad, missing, "missing-dropped", f"{where_from(name, columns[name])} missing", advice)
        gone |= bad
    return gone, tuple(notes)


def _reversed(
    opened: Stamps, ended: Stamps, names: tuple[str, str], columns: Mapping[str, Any], policy: str
) -> tuple[BoolArray, tuple[Note, ...]]:
    """Return which tickets ended before they began."""
    bad = ended < opened
    if not bad.any():
        return bad, ()
    first = int(np.argmax(bad))
    what = f"{where_from(names[1], columns[names[1]])} before {names[0]}"
    seen = f"the first ended {ended[first].astype('datetime64[s]')} and began {opened[first].astype('datetime64[s]')}"
    advice = f"{seen}; correct the dates, or pass impossible='drop' to leave them out, counted"
    return bad, left_out(bad, policy, "impossible-dropped", what, advice)


def _whole_days(*times: Stamps) -> tuple[Note, ...]:
    for column in times:
        present = column[~np.isnat(column)]
        if bool((present != present.astype("datetime64[D]")).any()):
            return ()
    text = "the columns hold days without a time of day: times are whole days, and the same day is a time of zero"
    return (Note("whole-days", "info", text),)


def _cohort(date: Stamps, reading: Reading, zoned: bool) -> BoolArray:
    """Return which tickets have their date from `start` (included) to `stop` (not included)."""
    if reading.cohort == "closed" and reading.start is None and reading.stop is None:
        raise DataError("cohort: 'closed' came without start= or stop=; say between which closing dates")
    keep = ~np.isnat(date)
    if reading.start is not None:
        keep &= date >= as_moment(reading.start, "start", zoned=zoned)
    if reading.stop is not None:
        keep &= date < as_moment(reading.stop, "stop", zoned=zoned)
    return keep


def _as_of(now: Any, opened: Stamps, ended: Stamps, zoned: bool) -> tuple[np.datetime64, tuple[Note, ...]]:
    """Return the time of the extraction: the one told, or the latest time seen."""
    if now is not None:
        return as_moment(now, "now", zoned=zoned), ()
    latest = opened.max()
    if not np.isnat(ended).all():
        latest = max(latest, ended[~np.isnat(ended)].max())
    text = (
        f"now= was not given: the latest time seen, {latest.astype('datetime64[s]')}, stands for the time of the "
        "extraction, up to which open ones are known to be open"
    )
    return latest, (Note("now-assumed", "warning", text),)


def _counted(bad: BoolArray, code: str, text: str) -> tuple[Note, ...]:
    return (Note(code, "info", f"{int(bad.sum())} {text}"),) if bad.any() else ()


def _keys(column: npt.NDArray[Any] | None, keep: BoolArray) -> tuple[Keys | None, tuple[Note, ...]]:
    """Code the groups of those kept, so that no group is empty."""
    if column is None:
        return None, ()
    keys = read_keys(column[keep], "by", int(keep.sum()), tidy=True)
    if not keys.missing:
        return keys, ()
    return keys, (Note("missing-segment", "warning", f"{keys.missing} have no segment: kept as {MISSING!r}"),)


def _stopped(extra: Stamps | None, now: np.datetime64) -> Stamps | None:
    if extra is None:
        return None
    return np.where(np.isnat(extra) | (extra > now), now, extra)


def read_tickets(data: object, reading: Reading) -> Tickets:
    """Read tickets: what is missing, impossible, in the future or outside the cohort is refused or counted in a note.

    Parameters
    ----------
    data : frame or mapping of column name to sequence
    reading : Reading

    Raises
    ------
    DataError
        No such column, text with a time of day, numbers, missing or impossible times where they are not to be dropped.
    TooFewData
        No ticket is left.
    """
    check_policy(reading.missing, reading.impossible)
    check_choice(reading.cohort, "cohort", ("opened", "closed"))
    columns = reading.columns()
    raw, zoned, zone_notes = fetch(data, columns)
    by = raw.pop("by", None)
    times = {name: stamps(column, where_from(name, columns[name]), columns[name]) for name, column in raw.items()}
    begin, end = reading.names
    opened, ended, other = times[begin], times[end], times.get("closed" if end != "closed" else "until")
    if not opened.size:
        raise TooFewData("data: no row came; at least one ticket is wanted")
    gone, notes = _gaps({k: times[k] for k in (begin, "due") if k in times}, columns, reading.missing)
    bad, more = _reversed(opened, ended, reading.names, columns, reading.impossible)
    if other is not None:
        bad_too, still_more = _reversed(opened, other, (begin, "closed"), columns, reading.impossible)
        bad, more = bad | bad_too, more + still_more
    keep = ~gone & ~bad
    if not keep.any():
        raise TooFewData(f"data: none of {keep.size} rows can be used; at least one ticket is wanted")
    now, assumed = _as_of(reading.now, opened[keep], ended[keep], zoned)
    future, unseen = keep & (opened > now), ended > now
    keep &= ~future
    ended = np.where(unseen, np.datetime64("NaT", "us"), ended)
    if reading.start is not None or reading.stop is not None or reading.cohort == "closed":
        keep &= _cohort(opened if reading.cohort == "opened" else ended, reading, zoned)
    if not keep.any():
        raise TooFewData(f"data: no ticket of {keep.size} is in the period asked about; at least one is wanted")
    more += _counted(future, "opened-after-now", f"{begin} after now: not there yet, left out")
    more += _counted(unseen & keep, "closed-after-now", f"{end} after now: still open at now, and taken as such")
    stopped = _stopped(other, now)
    until = np.broadcast_to(now, opened.shape) if stopped is None else stopped
    keys, keyed = _keys(by, keep)
    due = times.get("due")
    days = _whole_days(opened[keep], ended[keep])
    return Tickets(
        opened[keep], ended[keep], until[keep], now, None if due is None else due[keep], keys,
        (*notes, *more, *zone_notes, *days, *(assumed if np.isnat(ended[keep]).any() else ()), *keyed), zoned,
    )  # fmt: skip


def two_groups(
    data: object, data0: object, reading: Reading, *, reference: Any = None, change: Any = None
) -> tuple[Tickets, Tickets, tuple[str, str]]:
    """Return the group, the reference group and their names.

    From two tables, from one split by a column of two groups (`reference` names one), or from one split by the date of
    a change: opened from then on against opened before.
    """
    one_of_three(data0, reading.by, change, reference)
    if data0 is not None:
        return read_tickets(data, reading), read_tickets(data0, reading), ("data", "data0")
    both = read_tickets(data, reading)
    if change is not None:
        after, before = after_and_before(both.opened, change, both.zoned)
        text = str(as_moment(change, "change", zoned=both.zoned).astype("datetime64[s]"))
        return both.at(after), both.at(before), (f"from {text}", f"before {text}")
    keys = both.keys
    assert keys is not None  # by= is what is left
    code, base = two_codes(keys, reference)
    return both.group(code), both.group(base), (keys.labels[code], keys.labels[base])
