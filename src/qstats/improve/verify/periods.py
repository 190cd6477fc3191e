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
from qstats.improve.verify.plan import LogColumns, VerificationPlan

__all__ = ["Findings", "PeriodTable", "period_table"]

Days = npt.NDArray[np.datetime64]

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was odd about the log, counted while reading it.

    `rows` is the number of complaints read; the others count complaints without a date, outside the windows of the
    plan, with an identifier seen before, dated after their receipt. None: the data given cannot tell.
    """

    rows: float
    no_date: float
    outside: float
    duplicates: int | None
    after_receipt: int | None
    last_day: str


@dataclass(frozen=True, slots=True, eq=False)
class PeriodTable:
    """Counts and exposure per period.

    Parameters
    ----------
    start, end : ndarray of datetime64[D], shape (n,)
        First and last day.
    events, exposure : ndarray, shape (n,)
        Exposure is 0 where the exposure table has nothing: such a period is missing, not free of complaints.
    role : ndarray of str
        ``"baseline"``, ``"transition"``, ``"after"``, ``"excluded"``.
    control_events, control_exposure : ndarray or None
    findings : Findings
    """

    start: Days
    end: Days
    events: FloatArray
    exposure: FloatArray
    role: npt.NDArray[np.str_]
    control_events: FloatArray | None
    control_exposure: FloatArray | None
    findings: Findings

    def where(self, role: str) -> npt.NDArray[np.bool_]:
        """Return which periods have this role and some exposure."""
        return np.asarray((self.role == role) & (self.exposure > 0), dtype=bool)

    @property
    def digest(self) -> str:
        """SHA-256 of the counts and exposures used."""
        parts = [self.start, self.events, self.exposure, self.control_events, self.control_exposure]
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
        return np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 2 * _DAY)
    anchor = np.datetime64(plan.action_date, "D")
    first_week = (np.datetime64(first, "D") - anchor).astype(int) // 7
    last_week = (np.datetime64(last, "D") - anchor).astype(int) // 7
    return anchor + 7 * _DAY * np.arange(first_week, last_week + 2)


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


def _binned(days: Days, weight: FloatArray, edges: Days) -> FloatArray:
    """Sum `weight` by period; days outside the edges are left out (the caller counts them)."""
    where = np.searchsorted(edges, days, side="right") - 1
    inside = (where >= 0) & (where < edges.size - 1) & ~np.isnat(days)
    return np.bincount(where[inside], weights=weight[inside], minlength=edges.size - 1).astype(np.float64)


def _need(name: str | None, what: str) -> str:
    if name is None:
        raise DataError(f"columns: {what} is not named; pass columns=LogColumns({what}='...')")
    return name


@dataclass(frozen=True, slots=True, eq=False)
class _Log:
    days: Days
    weight: FloatArray
    category: npt.NDArray[Any] | None


def _read_log(data: Any, columns: LogColumns, with_category: bool, name: str) -> _Log:
    """Group the log by day (and category) inside its engine and bring back the counts."""
    if not table.is_frame(data):
        raise DataError(f"{name}: got a {type(data).__name__}; a table, one row per complaint (or counts), is wanted")
    by = [columns.date]
    if with_category:
        by.append(_need(columns.category, "category"))
    out = table.counts_by(data, by, weight=columns.events, dates=[columns.date])
    weight = np.asarray(out["weight" if columns.events else "n"], dtype=np.float64)
    bad = ~(weight >= 0)
    if bad.any():
        raise DataError(f"{name}: {columns.events} has a negative or missing count; clean it first")
    return _Log(
        table.to_dates(out[columns.date], f"{name}.{columns.date}"), weight, out.get(by[-1]) if with_category else None
    )


def _read_exposure(data: Any, columns: LogColumns, edges: Days, name: str) -> FloatArray:
    if isinstance(data, str):
        if data != "constant":
            raise DataError(f"{name}: got {data!r}; a table, or 'constant' to declare that volume did not change")
        return np.diff(edges).astype(np.float64)
    if not table.is_frame(data):
        raise DataError(f"{name}: got a {type(data).__name__}; a table of date and exposure, or 'constant', is wanted")
    out = table.counts_by(data, [columns.exposure_date], weight=columns.exposure, dates=[columns.exposure_date])
    amount = np.asarray(out["weight"], dtype=np.float64)
    if (~(amount >= 0)).any():
        raise DataError(f"{name}: {columns.exposure} has a negative or missing value; clean it first")
    return _binned(table.to_dates(out[columns.exposure_date], f"{name}.{columns.exposure_date}"), amount, edges)


def _findings(data: Any, columns: LogColumns, log: _Log, edges: Days) -> Findings:
    missing = np.isnat(log.days)
    outside = ~missing & ((log.days < edges[0]) | (log.days >= edges[-1]))
    duplicates = after_receipt = None
    if columns.id is not None:
        out = table.counts_by(data, [columns.id])
        present = np.array([key is not None for key in out[columns.id].tolist()], dtype=bool)
        duplicates = int(np.maximum(np.asarray(out["n"])[present] - 1, 0).sum())
    if columns.received is not None:
        pair = table.counts_by(data, [columns.date, columns.received], dates=[columns.date, columns.received])
        event = table.to_dates(pair[columns.date], columns.date)
        receipt = table.to_dates(pair[columns.received], columns.received)
        after_receipt = int(np.asarray(pair["n"])[event > receipt].sum())
    last = "" if missing.all() else str(log.days[~missing].max())
    return Findings(
        float(log.weight.sum()), float(log.weight[missing].sum()), float(log.weight[outside].sum()),
        duplicates, after_receipt, last,
    )  # fmt: skip


def period_table(
    plan: VerificationPlan,
    complaints: Any,
    exposure: Any,
    control: Any,
    control_exposure: Any,
    columns: LogColumns,
) -> PeriodTable:
    """Count complaints and exposure per period of the plan, for the target and its control."""
    edges = period_edges(plan)
    start, end = edges[:-1], edges[1:] - _DAY
    log = _read_log(complaints, columns, plan.category is not None, "complaints")
    amount = _read_exposure(exposure, columns, edges, "exposure")
    events = log.weight
    control_events = control_amount = None
    if plan.category is not None and log.category is not None:
        targeted = np.array([c == plan.category for c in log.category.tolist()], dtype=bool)
        if not targeted.any():
            raise DataError(f"category: no complaint has category {plan.category!r} in column {columns.category!r}")
        events = np.where(targeted, log.weight, 0.0)
        if plan.control == "untargeted_categories":
            control_events = _binned(log.days, log.weight - events, edges)
            control_amount = amount
    if plan.control == "group":
        if control is None or control_exposure is None:
            raise DataError("control: the plan compares with a group; pass control= and control_exposure=")
        other = _read_log(control, columns, False, "control")
        control_events = _binned(other.days, other.weight, edges)
        control_amount = _read_exposure(control_exposure, columns, edges, "control_exposure")
    elif control is not None or control_exposure is not None:
        raise DataError(f"control: given, but the plan says control={plan.control!r}; the plan decides, not the call")
    return PeriodTable(
        start, end, frozen_array(_binned(log.days, events, edges)), frozen_array(amount),
        period_roles(plan, start, end),
        None if control_events is None else frozen_array(control_events),
        None if control_amount is None else frozen_array(control_amount),
        _findings(complaints, columns, log, edges),
    )  # fmt: skip
