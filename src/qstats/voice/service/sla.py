"""Service level: the share of tickets closed in time, where due but still open is a miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.proportions import compare_proportions
from qstats.voice.service.clock import Stamps, as_duration
from qstats.voice.service.shares import ShareTable, share_table, simple
from qstats.voice.service.tickets import Reading, Tickets, read_tickets, two_groups

__all__ = ["Attainment", "compare_sla", "sla_attainment"]

_WHAT = "Service level attainment"


@dataclass(frozen=True, slots=True, eq=False)
class Attainment(Result):
    """Share of due tickets that were closed in time.

    Parameters
    ----------
    estimate : float
    interval : Interval
    n : float
        Tickets whose time was over at `now`; nothing else is judged.
    met, missed : float
        Closed in time, and not.
    overdue : float
        Of those missed, still open.
    not_due : float
        Tickets whose time is not over: not counted, closed or not.
    now : datetime64[us]
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.sla-attainment/1"
    title: ClassVar[str] = _WHAT

    estimate: float
    interval: Interval
    n: float
    met: float
    missed: float
    overdue: float
    not_due: float
    now: np.datetime64
    method: str
    reference: str
    notes: tuple[Note, ...] = field(default=())

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("closed in time", f"{self.estimate:.2%}"),
            (f"{self.interval.confidence:.0%} interval", f"({self.interval.low:.2%}, {self.interval.high:.2%})"),
            ("due", f"{self.n:g}: {self.met:g} met, {self.missed:g} missed, of which {self.overdue:g} still open"),
            ("not due yet, not counted", f"{self.not_due:g}"),
            ("as of", str(self.now.astype("datetime64[s]"))),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("estimate", "n", "met", "missed", "overdue", "not_due", "now", "method")
        columns = {name: [getattr(self, name)] for name in names}
        limits = {"low": [self.interval.low], "high": [self.interval.high], "confidence": [self.interval.confidence]}
        return {"estimate": columns.pop("estimate"), **limits, **columns}


def _deadlines(t: Tickets, within: Any, unit: str | None) -> Stamps:
    """Return when each ticket is due: its own date, or so long after opening, by group where a mapping came."""
    if t.due is not None:
        return t.due
    if not isinstance(within, Mapping):
        return t.opened + as_duration(within, "within", unit)
    if t.keys is None:
        raise DataError("within: a mapping of group to time came without by=, the column of the group")
    told = {str(k): as_duration(v, f"within of {k!r}", unit) for k, v in within.items()}
    absent = [label for label in t.keys.labels if label not in told]
    if absent:
        raise DataError(f"within: group {absent[0]!r} is not in it ({', '.join(map(repr, told))})")
    of_group = np.array([told[label] for label in t.keys.labels], dtype="timedelta64[us]")
    deadlines: Stamps = t.opened + of_group[t.keys.codes]
    return deadlines


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """Which tickets are due, met, due but open; deadlines are over only once `now` is past them."""

    due: BoolArray
    met: BoolArray
    overdue: BoolArray

    @classmethod
    def of(cls, t: Tickets, deadline: Stamps) -> _Judged:
        due = deadline < t.now
        return cls(due, due & (t.ended <= deadline), due & ~t.closed)

    def at(self, which: BoolArray) -> _Judged:
        return _Judged(self.due[which], self.met[which], self.overdue[which])

    def counts(self) -> tuple[int, int, int, int]:
        """Return due, met, overdue, not due."""
        n, met, over = (int(np.count_nonzero(v)) for v in (self.due, self.met, self.overdue))
        return n, met, over, self.due.size - n


def _check_times(due: Any, within: Any, unit: Any) -> None:
    if (due is None) == (within is None):
        came = "neither" if due is None else "both"
        raise DataError(f"due, within: {came} came; either the column of the agreed time or a time such as '72h'")
    if due is not None and unit is not None:
        raise DataError(f"unit: got {unit!r} with due=; it belongs to a number in within=")


def _attainment(t: Tickets, j: _Judged, method: str, confidence: float) -> Attainment:
    n, met, overdue, not_due = j.counts()
    if n == 0:
        raise TooFewData(f"data: none of {j.due.size} tickets was due before {t.now.astype('datetime64[s]')}; wait")
    r = estimate_proportion(met, n, method=method, confidence=confidence)
    notes = t.notes
    if not_due:
        text = f"{not_due} of {j.due.size} tickets are not due yet: not counted, nor those of them already closed"
        notes = (*notes, Note("not-due", "info", text))
    return Attainment(
        met / n, r.interval, float(n), float(met), float(n - met), float(overdue), float(not_due), t.now,
        r.method, r.reference, notes,
    )  # fmt: skip


def _by_group(t: Tickets, j: _Judged, total: Attainment, method: str, confidence: float) -> ShareTable:
    keys = t.keys
    assert keys is not None  # by= was given
    k = len(keys.labels)

    def count(which: BoolArray) -> FloatArray:
        return np.bincount(keys.codes[which], minlength=k).astype(np.float64)

    due, met, overdue = (count(v) for v in (j.due, j.met, j.overdue))
    details = {"missed": due - met, "overdue": overdue, "not_due": count(~j.due)}
    there = due > 0
    notes = total.notes
    if not there.all():
        gone = ", ".join(repr(keys.labels[i]) for i in np.flatnonzero(~there)[:5])
        text = f"{int((~there).sum())} groups have nothing due yet and no row here: {gone}"
        notes = (*notes, Note("group-not-due", "warning", text))
    labels = tuple(label for label, seen in zip(keys.labels, there, strict=True) if seen)
    if len(labels) < 2:
        raise TooFewData(f"by: only group {labels[0]!r} has tickets due; leave by= out")
    due, met = due[there], met[there]
    r = estimate_proportion(met, due, method=method, confidence=confidence)
    limits = np.asarray(r.interval.low), np.asarray(r.interval.high)
    rest = simple(met.sum() - met, due.sum() - due)
    details = {name: column[there] for name, column in details.items()}
    return share_table(labels, simple(met, due), rest, limits, total, _WHAT, details=details, notes=notes)


def sla_attainment(
    data: object,
    *,
    opened: str,
    closed: str,
    due: str | None = None,
    within: Any = None,
    unit: str | None = None,
    now: Any = None,
    by: str | None = None,
    start: Any = None,
    stop: Any = None,
    method: str = "wilson",
    confidence: float = 0.95,
    missing: str = "raise",
    impossible: str = "raise",
) -> Attainment | ShareTable:
    """Share of tickets closed within the agreed time, where a ticket due but still open is a miss.

    Use it for "answered within 72 hours" and due dates. Dashboards that divide by *closed* tickets leave out the worst
    ones, and those that count tickets *not yet due* leave out the slow ones; here only tickets whose time is over are
    judged, whatever became of them. Time runs day and night: business hours and pauses ("waiting for customer") are
    not known here; give a `due` column worked out by the ticket system.

    Parameters
    ----------
    data : frame of any engine, or mapping of column name to sequence
    opened, closed : str
        Columns of dates or timestamps; missing in `closed` is open. With a time zone they are instants (24 hours are 24
        hours across a change to summer time), without one what the clock on the wall showed.
    due : str, optional
        Column of the agreed time.
    within : str, timedelta, number or mapping of group to any of those, optional
        Instead of `due`: ``"72h"``, ``"3 days"``, ``"2小时"``, or per group of `by`, such as
        ``{"P1": "4h", "P2": "24h"}``.
    unit : {"seconds", "minutes", "hours", "days", "weeks"}, optional
        Of a plain number in `within`.
    now : date, datetime or ISO text, optional
        When the data were extracted; what happened later is not known yet. The latest time seen unless given. With a
        time zone where the columns carry one, without where they do not.
    by : str, optional
        Column of the group: the answer is a `ShareTable`.
    start, stop : date, datetime or ISO text, optional
        Tickets opened from `start` on and before `stop`.
    method : {"wilson", "clopper-pearson", "jeffreys", "midp"}
    confidence : float
    missing : {"raise", "drop"}
        What to do with tickets without an opening or due time.
    impossible : {"raise", "drop"}
        What to do with tickets closed before they were opened.

    Returns
    -------
    Attainment or ShareTable

    Raises
    ------
    DataError
        No such column, text with a time of day, missing or impossible times, both or neither of `due` and `within`.
    TooFewData
        No ticket was due yet.

    Notes
    -----
    A ticket is due once `now` is past its deadline, and met if closed at or before the deadline. Tickets count as
    independent; those of one outage are not, and then the interval is too short.

    References
    ----------
    Wilson (1927), JASA 22, 209-212.

    Examples
    --------
    >>> from qstats.voice.service.sla import sla_attainment
    >>> log = {"opened": ["2024-05-01", "2024-05-01", "2024-05-02", "2024-05-08"],
    ...        "closed": ["2024-05-03", "2024-05-07", None, "2024-05-09"]}
    >>> r = sla_attainment(log, opened="opened", closed="closed", within="72h", now="2024-05-10")
    >>> r.met, r.missed, r.overdue, r.not_due
    (1.0, 2.0, 1.0, 1.0)
    """
    _check_times(due, within, unit)
    confidence = check_confidence(confidence)
    reading = Reading(
        opened, closed, due=due, by=by, now=now, start=start, stop=stop, missing=missing, impossible=impossible
    )
    t = read_tickets(data, reading)
    judged = _Judged.of(t, _deadlines(t, within, unit))
    total = _attainment(t, judged, method, confidence)
    if t.keys is None:
        return total
    if len(t.keys.labels) < 2:
        raise DataError(f"by: there is one group only ({t.keys.labels[0]!r}); leave by= out")
    return _by_group(t, judged, total, method, confidence)


def compare_sla(  # noqa: PLR0913 - the words of sla_attainment and those of every comparison
    data: object,
    data0: object = None,
    *,
    opened: str,
    closed: str,
    due: str | None = None,
    within: Any = None,
    unit: str | None = None,
    by: str | None = None,
    reference: Any = None,
    change: Any = None,
    now: Any = None,
    start: Any = None,
    stop: Any = None,
    effect: str = "difference",
    method: str = "miettinen-nurminen",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    impossible: str = "raise",
) -> Comparison:
    """Tell whether the share of tickets closed in time differs between two groups, or before and after a change.

    Use it for two teams, two channels, two extractions, or one log and the date of a change. For more than two groups
    take `sla_attainment` with ``by=``.

    Parameters
    ----------
    data, data0 : frame or mapping
        Group and reference group; or `data` alone with `by` or `change`.
    opened, closed, due, within, unit, now, start, stop, missing, impossible
        As in `sla_attainment`; `within` is one time for both groups, such as ``"72h"``, a timedelta, or 72 with
        ``unit="hours"``.
    by, reference : str, optional
        Column of two groups, and which one is the reference.
    change : date, datetime or ISO text, optional
        Tickets opened from then on are compared with those opened before.
    effect : {"difference", "risk_ratio", "odds_ratio"}
    method, null, confidence, alternative
        As in `compare_proportions`.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError, TooFewData
        As in `sla_attainment`; not exactly two groups; a group with nothing due.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226.

    Examples
    --------
    >>> from qstats.voice.service.sla import compare_sla
    >>> log = {"opened": ["2024-05-01"] * 6, "team": ["a", "b"] * 3,
    ...        "closed": ["2024-05-02", "2024-05-09", "2024-05-03", "2024-05-08", "2024-05-02", None]}
    >>> r = compare_sla(log, opened="opened", closed="closed", within="3 days", by="team", reference="b",
    ...                 now="2024-05-20")
    >>> r.values, round(r.pvalue, 3)
    ((1.0, 0.0), 0.025)
    """
    _check_times(due, within, unit)
    if isinstance(within, Mapping):
        raise DataError("within: a mapping came; two groups are compared by one time, or by a due= column")
    reading = Reading(
        opened, closed, due=due, by=by, now=now, start=start, stop=stop, missing=missing, impossible=impossible
    )
    t, t0, names = two_groups(data, data0, reading, reference=reference, change=change)
    counts = []
    notes: tuple[Note, ...] = ()
    for side, name in ((t, names[0]), (t0, names[1])):
        n, met, _, not_due = _Judged.of(side, _deadlines(side, within, unit)).counts()
        if n == 0:
            raise TooFewData(f"data: none of {not_due} tickets of {name!r} was due yet; wait")
        counts += [met, n]
        notes += side.notes
        if not_due:
            notes += (Note("not-due", "info", f"{name}: {not_due} of {n + not_due} tickets not due yet, not counted"),)
    r = compare_proportions(
        *counts, effect=effect, method=method, null=null, confidence=confidence, alternative=alternative
    )
    return replace(r, notes=tuple(dict.fromkeys((*notes, *r.notes))))
