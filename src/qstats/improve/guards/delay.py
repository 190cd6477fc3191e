"""Complaints arrive late: how complete the last periods are, so that a lag does not pass for a gain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray, as_counts
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.resample import as_generator, check_resamples

__all__ = ["ReportingDelay", "reporting_delay"]

_PERIODS = ("day", "week", "month")
_SOURCE = "Lawless (1994), Canadian Journal of Statistics 22, 15-31"
_LONGEST = 3660  # days of delay looked at
_CELLS = 1 << 21
_FEW = 30


@dataclass(frozen=True, slots=True, eq=False)
class ReportingDelay(Result):
    """How many of the events of each period have been reported by the data date.

    Parameters
    ----------
    periods : ndarray of datetime64[D], shape (p,)
        First day of each period.
    completeness, low, high : ndarray, shape (p,)
        Expected share of the period's events reported by the data date, with its interval.
    observed : ndarray, shape (p,)
        Events reported so far.
    delay_share, delay_low, delay_high : ndarray, shape (k,)
        Share of events reported within 0, 1, 2 ... days.
    data_date : datetime64[D]
    period : {"day", "week", "month"}
    confidence : float
    resamples : int
    n : float
        Events.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.reporting-delay/1"
    title: ClassVar[str] = "Reporting delay"

    periods: npt.NDArray[np.datetime64]
    completeness: FloatArray
    low: FloatArray
    high: FloatArray
    observed: FloatArray
    delay_share: FloatArray
    delay_low: FloatArray
    delay_high: FloatArray
    data_date: np.datetime64
    period: str
    confidence: float
    resamples: int
    n: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def mature(self, least: float = 0.95) -> BoolArray:
        """Return which periods are at least so complete; shape (p,). The others do not belong in a comparison."""
        return np.asarray(self.completeness >= check_number(least, "least", above=0.0, below=1.0))

    def expected_events(self) -> FloatArray:
        """Return the events of each period once all have been reported: observed over completeness; shape (p,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.completeness > 0.0, self.observed / self.completeness, np.nan)

    def _rows(self) -> list[tuple[str, str]]:
        late = np.flatnonzero(~self.mature())
        rows = [
            (f"{self.periods[i]}", f"{self.completeness[i]:.1%} ({self.low[i]:.1%}, {self.high[i]:.1%}) reported")
            for i in late[-12:]
        ]
        k = self.delay_share
        median = int(np.argmax(k >= 0.5))
        return [
            ("events, data date", f"{self.n:g}, {self.data_date}"),
            ("half are reported within", f"{median} days; 95 % within {int(np.argmax(k >= 0.95))} days"),
            (f"{self.period}s under 95 % complete", f"{late.size} of {self.periods.size}"),
            *rows,
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "period": self.periods,
            "observed": self.observed,
            "completeness": self.completeness,
            "low": self.low,
            "high": self.high,
            "expected_events": self.expected_events(),
        }


def _days(data: Any, event: str, received: str, count: str | None) -> tuple[Any, Any, FloatArray]:
    """Return event day, day received and number of events, for each pair of days: counted inside the engine."""
    if event == received:
        raise DataError(f"received: {received!r} is the column of the event too; the day it was reported is wanted")
    if table.is_frame(data):
        out = table.counts_by(data, [event, received], weight=count, dates=[event, received])
        n = as_counts(np.asarray(out["weight" if count else "n"], dtype=np.float64), count or "n")
        first, second = out[event], out[received]
    elif isinstance(data, Mapping):
        for name in (event, received, *([count] if count else [])):
            if name not in data:
                raise DataError(f"data: has no {name!r}; it has {', '.join(map(repr, data))}")
        first, second = (table.to_dates(data[name], name) for name in (event, received))
        n = as_counts(data[count], count) if count else np.ones(first.size)
    else:
        raise DataError(f"data: got a {type(data).__name__}; a table or a dict of two columns of dates is wanted")
    if not first.size == second.size == n.size:
        raise DataError(f"{event}, {received}: {first.size} and {second.size} dates came; one pair per event is wanted")
    return first, second, n


def _checked(
    first: Any, second: Any, n: FloatArray, data_date: Any
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], np.datetime64]:
    """Return delay and days under observation of each pair, and the data date."""
    if not n.sum() > 0.0:
        raise TooFewData("data: no event; nothing is known about delays")
    for name, days in (("event", first), ("received", second)):
        if (gap := np.isnat(days)).any():
            raise DataError(f"{name}: {int(n[gap].sum())} events have no date; find it, or leave these events out")
    end = second.max() if data_date is None else table.to_dates([data_date], "data_date")[0]
    if np.isnat(end):
        raise DataError("data_date: is missing; the day the data were drawn is wanted")
    if (late := second > end).any():
        raise DataError(
            f"received: {int(n[late].sum())} events were received after the data date {end}, the last on "
            f"{second.max()}; correct the dates, or the data date"
        )
    delay = (second - first).astype(np.int64)
    if (backward := delay < 0).any():
        where = int(np.argmax(backward))
        raise DataError(
            f"received: {int(n[backward].sum())} events were received before they happened (the first: {first[where]}, "
            f"received {second[where]}); are the columns or day and month swapped?"
        )
    return delay, (end - first).astype(np.int64), end


def _hazards(
    delay: npt.NDArray[np.int64], watched: npt.NDArray[np.int64], n: FloatArray, longest: int
) -> tuple[FloatArray, FloatArray]:
    """Return, for each delay, the events with it and those that could be compared: reported within it, watched for it.

    An event watched for c days shows only delays up to c, so delay k is judged among events with delay <= k <= c.
    """
    exact = np.bincount(delay, weights=n, minlength=longest + 1)[: longest + 1]
    enter = np.cumsum(exact)
    leave = np.bincount(np.minimum(watched, longest) + 1, weights=n, minlength=longest + 2)
    among: FloatArray = (enter - np.cumsum(leave)[: longest + 1]).astype(np.float64)
    return exact.astype(np.float64), among


def _share_within(hazard: FloatArray) -> FloatArray:
    """Return F(k), the product of ``1 - hazard`` over the longer delays; last axis is the delay."""
    kept = np.cumprod(1.0 - hazard[..., :0:-1], axis=-1)[..., ::-1]
    return np.concatenate((kept, np.ones((*hazard.shape[:-1], 1))), axis=-1)


def _averages(share: FloatArray, start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], end: int) -> FloatArray:
    """Return the mean of F(end - day) over the days from `start` to before `stop`, none after `end`."""
    longest = share.shape[-1] - 1
    sums = np.concatenate((np.zeros((*share.shape[:-1], 1)), np.cumsum(share, axis=-1)), axis=-1)

    def below(age: npt.NDArray[np.int64]) -> FloatArray:
        summed: FloatArray = sums[..., np.minimum(age, longest + 1)] + np.maximum(age - longest - 1, 0)
        return summed

    last = np.minimum(stop - 1, end)
    oldest, youngest = end - start, end - last
    found: FloatArray = (below(oldest + 1) - below(youngest)) / (oldest - youngest + 1)
    return found


def reporting_delay(
    data: Any,
    *,
    event: str,
    received: str,
    count: str | None = None,
    data_date: Any = None,
    period: str = "month",
    confidence: float = 0.95,
    resamples: int = 999,
    rng: object = None,
) -> ReportingDelay:
    r"""Tell how complete each period is at the data date, from event and received dates.

    Use it before any comparison whose last months are recent: with a mean delay of one month, ignoring it makes a
    significant "improvement" out of nothing in 30 of 100 cases. Not where delays themselves changed with the action
    (a new hotline): the past then says nothing about the last months.

    Parameters
    ----------
    data : frame, or dict of columns
        One row per event; any engine, counted where the rows are.
    event, received : str
        Columns of the day it happened and of the day it was reported.
    count : str, optional
        Column with the number of events in a row.
    data_date : date, optional
        Last day of reports in the data; default: the latest `received`.
    period : {"day", "week", "month"}
        What completeness is given for; weeks begin on Monday.
    confidence : float
    resamples : int
    rng : None, int, SeedSequence or Generator

    Returns
    -------
    ReportingDelay
        ``mature(0.95)`` tells which periods to keep. Exposure times `completeness` (log F as an offset) keeps the rest.

    Raises
    ------
    DataError, TooFewData
        Missing dates, dates after the data date, events received before they happened: each named, none dropped.

    Notes
    -----
    Recent events show short delays only, so the plain distribution of the delays seen is too short. In reversed time
    the hazard :math:`g(k) = P(D = k \mid D \le k)` is free of that: it is estimated by the events with delay k over
    those with delay at most k that have been watched for k days or more, and :math:`F(k) = \prod_{j > k} (1 - g(j))`.
    F is given delays no longer than the longest follow-up. The interval resamples each hazard as a binomial share
    (percentiles). The completeness of a period is the mean of F over its days up to the data date.

    References
    ----------
    Lawless (1994), Canadian Journal of Statistics 22, 15-31. Kalbfleisch & Lawless (1991), Statistica Sinica 1, 19-32.

    Examples
    --------
    >>> from qstats import reporting_delay
    >>> log = {"day": ["2024-01-05", "2024-01-20", "2024-02-03", "2024-02-20"] * 9,
    ...        "seen": ["2024-01-06", "2024-02-10", "2024-02-24", "2024-02-23"] * 9}
    >>> r = reporting_delay(log, event="day", received="seen", data_date="2024-02-29", rng=1)
    >>> r.completeness.round(2).tolist(), r.mature().tolist()
    ([1.0, 0.49], [True, False])
    """
    check_choice(period, "period", _PERIODS)
    confidence = check_confidence(confidence)
    tail = 0.5 * (1.0 - confidence)
    draws, generator = check_resamples(resamples, tail, tail), as_generator(rng)
    first, second, n = _days(data, event, received, count)
    delay, watched, end = _checked(first, second, n, data_date)
    longest = int(min(watched.max(), _LONGEST))
    if int(delay.max()) > _LONGEST:
        raise DataError(f"received: a delay of {int(delay.max())} days came; over ten years: check the dates")
    exact, among = _hazards(delay, watched, n, longest)
    safe = np.maximum(among, 1.0)
    share = _share_within(np.where(among > 0.0, exact / safe, 0.0))
    start, stop = _bounds(first.min(), end, period)
    day = int(end.astype("M8[D]").astype(np.int64))
    drawn = _resampled(exact, among, draws, generator)
    at = [tail, 1.0 - tail]
    band = np.quantile(drawn, at, axis=0)
    low, high = np.quantile(_averages(drawn, start, stop, day), at, axis=0)
    place = np.searchsorted(start, first.astype("M8[D]").astype(np.int64), side="right") - 1
    observed = np.bincount(place, weights=n, minlength=start.size).astype(np.float64)
    whole = _averages(share, start, stop, day)
    return ReportingDelay(
        frozen_array(start.astype("M8[D]"), "M8[D]"), frozen_array(whole), frozen_array(low), frozen_array(high),
        frozen_array(observed), frozen_array(share), frozen_array(band[0]), frozen_array(band[1]), end, period,
        confidence, draws, float(n.sum()), "right truncation removed by reverse-time hazards", _SOURCE,
        _remarks(n, int(stop[-1]) - 1 > day, data_date, period),
    )  # fmt: skip


def _bounds(first: Any, end: Any, period: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first day of each period, and of the one after it, as days since 1970."""
    if period == "month":
        months = np.arange(first.astype("M8[M]"), end.astype("M8[M]") + np.timedelta64(2, "M"))
        edges = months.astype("M8[D]").astype(np.int64)
    else:
        length = 7 if period == "week" else 1
        low, high = (int(d.astype("M8[D]").astype(np.int64)) for d in (first, end))
        low -= (low + 3) % length  # 1970 began on a Thursday
        edges = np.arange(low, high + length + 1, length)
    return edges[:-1], edges[1:]


def _resampled(exact: FloatArray, among: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Return resamples of F, shape (resamples, delays): each hazard a binomial share of its own."""
    size = among.astype(np.int64)
    hazard = np.where(size > 0, exact / np.maximum(among, 1.0), 0.0)
    found = rng.binomial(size, hazard, size=(resamples, size.size)) / np.maximum(among, 1.0)
    return _share_within(found)


def _remarks(n: FloatArray, cut: bool, data_date: Any, period: str) -> tuple[Note, ...]:
    notes = []
    if n.sum() < _FEW:
        notes.append(Note("few-events", "warning", f"{n.sum():g} events: the delays are hardly known; collect more"))
    if data_date is None:
        text = "data_date was not given: the latest report stands in for it, which is too early if none came since"
        notes.append(Note("data-date-assumed", "info", text))
    if cut:
        text = f"the last {period} is not over: its completeness is that of the days up to the data date"
        notes.append(Note("last-period-open", "info", text))
    return tuple(notes)
