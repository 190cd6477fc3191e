"""Time to resolution and to first response, tickets still open included."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.checks import check_confidence, check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.inference.times.logrank import logrank
from qstats.inference.times.survival import SurvivalCurve, survival_curve
from qstats.voice.service.clock import check_unit
from qstats.voice.service.result import ServiceTable, ServiceTime, check_shares, group_notes, quantile_name
from qstats.voice.service.tickets import Reading, Tickets, read_tickets

__all__ = ["curve_quantile", "first_response", "resolution_time"]

_BC = "Brookmeyer & Crowley (1982), Biometrics 38, 29-41"
_SAME = 1e-9  # two shares of a sample closer than this are one share, apart by rounding
_CLOSED_COHORT = Note(
    "closing-date-cohort",
    "serious",
    "tickets were taken by the date they were closed (W-CENSOR): what is still open is left out, and an old backlog "
    "that is cleared comes in, so the numbers move though no ticket is handled faster or slower; take tickets opened "
    "in a period, open ones included",
)


def curve_quantile(curve: SurvivalCurve, q: float) -> Estimate:
    """Return the time within which a share q has ended, under the name the tables use."""
    return dataclasses.replace(curve.quantile(q), name=quantile_name(q), method=f"Kaplan-Meier, {curve.transform}")


def _left_out_note(t: Tickets, curve: SurvivalCurve) -> tuple[Note, ...]:
    """Tell a table of closed tickets by what it lacks: by its own times some of the last opened should still be open.

    With S the curve and a ticket's age a, none is open with probability ``prod(1 - S(a))``.
    """
    if curve.closed < curve.n:
        return ()
    ages = (t.now - t.opened).astype(np.int64).astype(np.float64)
    times = (t.ended - t.opened).astype(np.int64).astype(np.float64)
    order = np.sort(times)
    still = 1.0 - np.searchsorted(order, ages, side="right") / order.size
    expected = float(still.sum())
    with np.errstate(divide="ignore"):
        log_none = float(np.log1p(-still).sum())
    if expected < 3.0 or log_none > math.log(1e-3):
        return ()
    text = (
        f"no ticket is open, but by these very times about {expected:.0f} should be: this looks like a table of closed "
        "tickets only (W-CENSOR), where of those opened last only the fast ones are; take all tickets opened in a "
        "period, open ones included"
    )
    return (Note("open-left-out", "warning", text),)


def _notes(
    t: Tickets, curve: SurvivalCurve, quantiles: tuple[Estimate, ...], naive: tuple[float | None, ...]
) -> tuple[Note, ...]:
    """Say what leaving out the open ones would do, and which quantiles lie beyond what was seen."""
    notes = list(curve.notes)
    waiting = curve.n - curve.closed
    if waiting and curve.closed:
        seen = ", ".join(
            f"{e.name} {v:.4g} in place of {'more than was seen' if math.isinf(e.estimate) else f'{e.estimate:.4g}'}"
            for e, v in zip(quantiles, naive, strict=True)
            if v is not None
        )
        text = f"{waiting} of {curve.n} are still open; the closed ones alone would give {seen}"
        notes.append(Note("closed-only-biased", "info", text))
    beyond = [e.name for e in quantiles if math.isinf(e.estimate) or math.isinf(e.interval.high)]
    if beyond:
        text = (
            f"{', '.join(beyond)}: the curve or its limit does not come down so far yet; wait, or ask for a lower share"
        )
        notes.append(Note("quantile-not-reached", "warning", text))
    return (*notes, *_left_out_note(t, curve))


def _measure(
    t: Tickets, what: str, unit: str, shares: tuple[float, ...], horizon: float | None, confidence: float,
    notes: tuple[Note, ...],
) -> ServiceTime:  # fmt: skip
    time, closed = t.time(unit), t.closed
    curve = survival_curve(time, closed, confidence=confidence)
    quantiles = tuple(curve_quantile(curve, q) for q in shares)
    ended = time[closed]
    naive = tuple(float(np.quantile(ended, q, method="median_unbiased")) if ended.size else None for q in shares)
    mean = None if horizon is None else curve.rmst(horizon)
    source = curve.reference if mean is None else f"{curve.reference}; {mean.reference}"
    return ServiceTime(
        what, unit, curve.n, curve.closed, curve.n - curve.closed, quantiles, mean, horizon, naive, t.now, curve,
        curve.method, f"{source}; {_BC}", (*notes, *_notes(t, curve, quantiles, naive)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Options:
    what: str
    unit: str
    shares: tuple[float, ...]
    horizon: float | None
    confidence: float

    @classmethod
    def of(cls, what: str, unit: str, quantiles: Any, horizon: Any, confidence: Any) -> _Options:
        end = None if horizon is None else check_number(horizon, "horizon", above=0.0)
        return cls(what, check_unit(unit), check_shares(quantiles), end, check_confidence(confidence))

    def measure(self, t: Tickets, notes: tuple[Note, ...]) -> ServiceTime:
        return _measure(t, self.what, self.unit, self.shares, self.horizon, self.confidence, notes)


def _answer(t: Tickets, options: _Options, notes: tuple[Note, ...]) -> ServiceTime | ServiceTable:
    notes = (*t.notes, *notes)
    total = options.measure(t, notes)
    keys = t.keys
    if keys is None:
        return total
    if len(keys.labels) < 2:
        raise DataError(f"by: there is one group only ({keys.labels[0]!r}); leave by= out")
    parts = []
    for code, label in enumerate(keys.labels):
        try:
            parts.append(options.measure(t.group(code), ()))
        except DataError as error:  # a horizon beyond what one group reaches
            raise type(error)(f"by: group {label!r}: {error}") from None
    names = np.array(keys.labels)[keys.codes]
    test = logrank(t.time(options.unit), t.closed, names)
    told = group_notes(keys.labels, parts)
    return ServiceTable(keys.labels, tuple(parts), total, test, options.what, (*notes, *test.notes, *told))


def resolution_time(
    data: object,
    *,
    opened: str,
    closed: str,
    now: Any = None,
    by: str | None = None,
    start: Any = None,
    stop: Any = None,
    cohort: str = "opened",
    horizon: float | None = None,
    quantiles: Sequence[float] = (0.5, 0.9),
    unit: str = "hours",
    confidence: float = 0.95,
    missing: str = "raise",
    impossible: str = "raise",
) -> ServiceTime | ServiceTable:
    r"""Time to resolution with tickets still open counted for what they are: not done yet.

    Use it for "half are solved within", "nine in ten within" and the mean time to a horizon. The usual average of
    *closed* tickets gets better when the hard ones are left lying; the answer shows it beside, as a warning. Time runs
    day and night: business hours and pauses are not known here.

    Parameters
    ----------
    data : frame of any engine, or mapping of column name to sequence
    opened, closed : str
        Columns of dates or timestamps; missing in `closed` is open.
    now : date, datetime or ISO text, optional
        When the data were extracted: open tickets were open until then, and what was closed later counts as open. The
        latest time seen unless given. With a time zone where the columns carry one (they are instants then), without
        where they do not.
    by : str, optional
        Column of the group: the answer is a `ServiceTable`, with a log-rank test.
    start, stop : date, datetime or ISO text, optional
        Tickets with their date from `start` on and before `stop`.
    cohort : {"opened", "closed"}
        Which date that is. ``"closed"`` is what dashboards do: it follows the backlog, up and down, and
        a note says so.
    horizon : float, optional
        For the mean time to it, in `unit`, fixed before looking, such as the agreed service time.
    quantiles : sequence of float
    unit : {"seconds", "minutes", "hours", "days", "weeks"}
    confidence : float
    missing : {"raise", "drop"}
        What to do with tickets without an opening time.
    impossible : {"raise", "drop"}
        What to do with tickets closed before they were opened.

    Returns
    -------
    ServiceTime or ServiceTable

    Raises
    ------
    DataError
        No such column, text with a time of day, missing or impossible times, a horizon beyond what was seen.
    TooFewData
        No ticket in the period.

    Notes
    -----
    Kaplan-Meier curve with log-log limits; the time for a share q is where the curve comes to 1 - q, its limits where
    the limits of the curve do. The mean to the horizon is the area under the curve, with the variance of that area
    (Greenwood's), not of the single times. Where nothing is open, :math:`\prod (1 - \hat S(a_i))` over the ages of all
    tickets is the chance of that; below 0.001 a note says that open tickets seem to have been left out.

    References
    ----------
    Kaplan & Meier (1958), JASA 53, 457-481. Brookmeyer & Crowley (1982), Biometrics 38, 29-41.

    Examples
    --------
    >>> from qstats.voice.service.resolution import resolution_time
    >>> log = {"opened": ["2024-05-01", "2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"],
    ...        "closed": ["2024-05-02", "2024-05-06", "2024-05-04", None, "2024-05-07"]}
    >>> r = resolution_time(log, opened="opened", closed="closed", now="2024-05-31", unit="days", horizon=7)
    >>> r.median.estimate, r.naive[0], r.waiting, round(r.mean.estimate, 1)
    (3.0, 2.5, 1, 3.6)
    """
    options = _Options.of("Time to resolution", unit, quantiles, horizon, confidence)
    reading = Reading(
        opened, closed, by=by, now=now, start=start, stop=stop, cohort=cohort, missing=missing, impossible=impossible
    )
    notes = (_CLOSED_COHORT,) if cohort == "closed" else ()
    return _answer(read_tickets(data, reading), options, notes)


def first_response(
    data: object,
    *,
    opened: str,
    responded: str,
    closed: str | None = None,
    now: Any = None,
    by: str | None = None,
    start: Any = None,
    stop: Any = None,
    horizon: float | None = None,
    quantiles: Sequence[float] = (0.5, 0.9),
    unit: str = "hours",
    confidence: float = 0.95,
    missing: str = "raise",
    impossible: str = "raise",
) -> ServiceTime | ServiceTable:
    """Time to first response (FRT), with those still waiting counted as waiting.

    Use it as `resolution_time`; the promise itself ("answered within 2 h") is `sla_attainment` with the same columns.

    Parameters
    ----------
    data, opened, now, by, start, stop, horizon, quantiles, unit, confidence, missing, impossible
        As in `resolution_time`.
    responded : str
        Column of the first response; missing is none yet.
    closed : str, optional
        Column of the closing time: a ticket closed without a response stops waiting there. A note counts them, for who
        gives up may be one who would have waited longest.

    Returns
    -------
    ServiceTime or ServiceTable

    Raises
    ------
    DataError, TooFewData
        As in `resolution_time`.

    References
    ----------
    Kaplan & Meier (1958), JASA 53, 457-481.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats.voice.service.resolution import first_response
    >>> log = {"opened": np.array(["2024-05-01T08:00", "2024-05-01T09:00", "2024-05-01T09:30"], "datetime64[us]"),
    ...        "answered": np.array(["2024-05-01T08:20", "2024-05-01T11:00", "NaT"], "datetime64[us]")}
    >>> r = first_response(log, opened="opened", responded="answered", now="2024-05-01 12:00", unit="minutes")
    >>> r.median.estimate, r.waiting
    (120.0, 1)
    """
    options = _Options.of("Time to first response", unit, quantiles, horizon, confidence)
    reading = Reading(
        opened, responded, names=("opened", "responded"), until=closed, by=by, now=now, start=start, stop=stop,
        missing=missing, impossible=impossible,
    )  # fmt: skip
    t = read_tickets(data, reading)
    unanswered = int(np.count_nonzero(~t.closed & (t.until < t.now)))
    text = f"{unanswered} of {len(t)} were closed without a response: taken as waiting until they were closed"
    return _answer(t, options, (Note("closed-unanswered", "warning", text),) if unanswered else ())
