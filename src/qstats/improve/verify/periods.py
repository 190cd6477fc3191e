"""From a complaint log and an exposure table to counts per period, each with its role in the plan."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray
from qstats._core.result import frozen_array, json_safe
from qstats.errors import DataError
from qstats.improve.verify.declare import Metric
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.reading import DAY, Days
from qstats.improve.verify.sources import Read, Source, read_source

__all__ = [
    "Findings",
    "PeriodTable",
    "control_of",
    "never_changed",
    "period_edges",
    "period_roles",
    "period_table",
    "target_of",
]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was odd about the log, counted while reading it.

    `rows` is the number of complaints read; the others count complaints without a date, outside the windows of the
    plan, with an identifier seen before, dated after their receipt, without a value (or not yet due), dated in the
    future. None: the data given cannot tell.
    """

    rows: float
    no_date: float
    outside: float
    duplicates: int | None
    after_receipt: int | None
    last_day: str
    lost: float = 0.0
    future: float = 0.0


_COMPLAINTS = Metric("complaints")


@dataclass(frozen=True, slots=True, eq=False)
class PeriodTable:
    """Counts and exposure per period.

    Parameters
    ----------
    start, end : ndarray of datetime64[D], shape (n,)
        First and last day.
    events, exposure : ndarray, shape (n,)
        Complaints and exposure; of other metrics the sum of what was measured, and the cases. Exposure is 0 where there
        is none: such a period is missing, not free of complaints.
    role : ndarray of str
        ``"baseline"``, ``"transition"``, ``"after"``, ``"excluded"``, ``"immature"``.
    control_events, control_exposure : ndarray or None
    findings : Findings
    squares : ndarray or None
        Sum of squared deviations inside each period, where values were measured.
    control_squares : ndarray or None
    metric : Metric
    """

    start: Days
    end: Days
    events: FloatArray
    exposure: FloatArray
    role: npt.NDArray[np.str_]
    control_events: FloatArray | None
    control_exposure: FloatArray | None
    findings: Findings
    squares: FloatArray | None = None
    control_squares: FloatArray | None = None
    metric: Metric = _COMPLAINTS

    @property
    def family(self) -> str:
        """How the metric is analysed: ``"rate"``, ``"share"``, ``"log"``, ``"mean"``."""
        return self.metric.family

    @property
    def value(self) -> FloatArray:
        """What was measured per period: rate, share, mean (of logarithms for times); NaN without exposure."""
        out: FloatArray = np.full(self.events.size, np.nan)
        np.divide(self.events, self.exposure, out=out, where=self.exposure > 0)
        return out

    def where(self, role: str) -> npt.NDArray[np.bool_]:
        """Return which periods have this role and some exposure."""
        return np.asarray((self.role == role) & (self.exposure > 0), dtype=bool)

    @property
    def digest(self) -> str:
        """SHA-256 of the counts and exposures used."""
        parts: list[Any] = [self.start, self.events, self.exposure, self.control_events, self.control_exposure]
        if self.squares is not None:
            parts += [self.squares, self.control_squares]
        text = json.dumps([json_safe(p) for p in parts], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _month_edges(first: dt.date, last: dt.date) -> Days:
    months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + np.timedelta64(2, "M"))
    return months.astype("datetime64[D]")


def period_edges(plan: VerificationPlan) -> Days:
    """Return the first day of every period from the baseline to the horizon, and one more as the end."""
    first, last = plan.baseline[0], plan.horizon
    if plan.period == "month":
        return _month_edges(first, last)
    if plan.period == "day":
        return np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 2 * DAY)
    anchor = np.datetime64(plan.action_date, "D")
    first_week = (np.datetime64(first, "D") - anchor).astype(int) // 7
    last_week = (np.datetime64(last, "D") - anchor).astype(int) // 7
    return anchor + 7 * DAY * np.arange(first_week, last_week + 2)


def period_roles(plan: VerificationPlan, start: Days, end: Days) -> npt.NDArray[np.str_]:
    """Return the role of each period; a period only partly inside a window belongs to none."""
    role = np.full(start.size, "excluded", dtype="<U10")

    def day(d: dt.date) -> np.datetime64:
        return np.datetime64(d, "D")

    role[(start >= day(plan.baseline[0])) & (end <= day(plan.baseline[1]))] = "baseline"
    role[(start >= day(plan.after_start)) & (end <= day(plan.horizon))] = "after"
    if plan.transition:
        role[(start <= day(plan.transition[1])) & (end >= day(plan.transition[0]))] = "transition"
    if plan.trigger_window:
        role[(start <= day(plan.trigger_window[1])) & (end >= day(plan.trigger_window[0])) & (role == "baseline")] = (
            "excluded"
        )
    return role


def _found(source: Source, read: Read, edges: Days, data_date: np.datetime64) -> Findings:
    log, c, data = read.log, source.columns, source.log
    missing = np.isnat(log.days)
    outside = ~missing & ((log.days < edges[0]) | (log.days >= edges[-1]))
    duplicates = after_receipt = None
    if c.id is not None:
        duplicates = table.repeated(data, c.id)
    if c.received is not None:
        pair = table.counts_by(data, [c.date, c.received], dates=[c.date, c.received])
        event, receipt = (table.to_dates(pair[name], name) for name in (c.date, c.received))
        after_receipt = int(np.asarray(pair["n"])[event > receipt].sum())
    last = "" if missing.all() else str(log.days[~missing].max())
    future = float(log.size[~missing & (log.days > data_date)].sum())
    return Findings(
        float(log.size.sum()), float(log.size[missing].sum()), float(log.size[outside].sum()),
        duplicates, after_receipt, last, log.lost, future,
    )  # fmt: skip


def target_of(plan: VerificationPlan, read: Read) -> Read:
    """Return the rows the plan is about: its category, its unit or the sites that were changed."""
    if plan.category is not None:
        if plan.category not in read.names("category"):
            raise DataError(f"category: no complaint has category {plan.category!r}")
        read = read.rows("category", plan.category)
    if plan.unit is not None:
        if plan.unit not in read.names("unit"):
            raise DataError(f"unit: no row of the log has unit {plan.unit!r}")
        read = read.rows("unit", plan.unit)
    for site in never_changed(plan):
        read = read.rows("unit", site, others=True)
    return read


def never_changed(plan: VerificationPlan) -> list[str]:
    """Return the sites that did not get the action."""
    return [site for site, day in (plan.sites or {}).items() if day is None]


def control_of(plan: VerificationPlan, read: Read, other: Read | None) -> Read | None:
    """Return the rows the target is compared with."""
    if plan.control == "group":
        if other is None:
            raise DataError("control: the plan compares with a group; pass control= and control_exposure=")
        return other
    if plan.control == "untargeted_categories":
        assert plan.category is not None
        read = read.rows("category", plan.category, others=True)
        return read if plan.unit is None else read.rows("unit", plan.unit)
    if plan.control == "none":
        return None
    if plan.category is not None:
        read = read.rows("category", plan.category)
    if plan.unit is not None:
        return read.rows("unit", plan.unit, others=True)
    for site, day in (plan.sites or {}).items():
        read = read if day is None else read.rows("unit", site, others=True)
    return read


def period_table(
    plan: VerificationPlan, source: Source, other: Source | None, data_date: np.datetime64 | None
) -> tuple[PeriodTable, Read]:
    """Count complaints and exposure per period of the plan, for the target and its control; and what was read."""
    edges = period_edges(plan)
    metric = plan.measured
    need = [key for key in ("category", "unit") if getattr(plan, key) is not None]
    read = read_source(source, metric, data_date, (*need, *(["unit"] if plan.sites else [])))
    target = target_of(plan, read)
    control = control_of(plan, read, None if other is None else read_source(other, metric, data_date))
    events, exposure = target.sums(edges)
    if metric.family == "share" and (events > exposure).any():
        first = str(edges[:-1][events > exposure][0])
        raise DataError(f"exposure: more bad cases than cases of {metric.name!r} in the period from {first}")
    other_events, other_exposure = (None, None) if control is None else control.sums(edges)
    inside = metric.family in ("log", "mean")
    made = PeriodTable(
        edges[:-1], edges[1:] - DAY, frozen_array(events), frozen_array(exposure),
        period_roles(plan, edges[:-1], edges[1:] - DAY),
        None if other_events is None else frozen_array(other_events),
        None if other_exposure is None else frozen_array(other_exposure),
        _found(source, read, edges, np.datetime64(dt.date.today(), "D") if data_date is None else data_date),
        frozen_array(target.squares(edges)) if inside else None,
        frozen_array(control.squares(edges)) if inside and control is not None else None,
        metric,
    )  # fmt: skip
    return made, read
