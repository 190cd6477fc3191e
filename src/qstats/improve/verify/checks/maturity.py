"""Complaints still to come: are the last periods complete (4)?"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray
from qstats._core.result import frozen_array
from qstats.errors import TooFewData
from qstats.improve.guards.delay import ReportingDelay, reporting_delay
from qstats.improve.verify.checks.case import Case, make_check
from qstats.improve.verify.reading import DAY
from qstats.improve.verify.sources import Source
from qstats.improve.verify.verdict import Check

__all__ = ["delay_of", "matured"]

COMPLETE = 0.95
COMPLETE_TIMES = 0.99  # of the cases: those still open are the slow ones
_HALF = 0.5
_FEW = 30  # events: with fewer the delays are hardly known
_RESAMPLES = 199  # the band of completeness is not used here


def delay_of(source: Source, data_date: np.datetime64) -> ReportingDelay | None:
    """Return how long complaints take to come in; None where the log cannot tell."""
    c = source.columns
    if c.received is None or c.values is not None:
        return None
    out = table.counts_by(source.log, [c.date, c.received], weight=c.events, dates=[c.date, c.received])
    event, receipt = (table.to_dates(out[name], name) for name in (c.date, c.received))
    n = np.asarray(out["weight" if c.events else "n"], dtype=np.float64)
    good = ~np.isnat(event) & ~np.isnat(receipt) & (event <= receipt) & (receipt <= data_date) & (n > 0)
    if float(n[good].sum()) < _FEW:
        return None
    pairs = {"event": event[good], "received": receipt[good], "count": n[good]}
    try:
        return reporting_delay(
            pairs, event="event", received="received", count="count", data_date=str(data_date), period="day",
            resamples=_RESAMPLES, rng=0,
        )  # fmt: skip
    except TooFewData:
        return None


def _completeness(case: Case, delay: ReportingDelay) -> FloatArray:
    """Share of each period's complaints that has come in at the data date: the mean over its days."""
    within = np.concatenate([[0.0], np.cumsum(delay.delay_share)])  # sum of F(0), ..., F(k - 1)
    longest = delay.delay_share.size

    def summed(days: Any) -> FloatArray:
        short = np.clip(days, 0, longest)
        return np.asarray(within[short] + np.maximum(days - longest, 0))

    age_first = (case.data_date - case.data.start).astype(np.int64) + 1  # days from 0 up to the first day's age
    age_last = (case.data_date - case.data.end).astype(np.int64)
    length = (age_first - age_last).astype(np.float64)
    return np.asarray((summed(age_first) - summed(age_last)) / length)


def matured(case: Case) -> tuple[Check, Case]:
    """4: are the last periods complete? Returns the check and the case with those that are not left out or scaled."""
    plan, data = case.plan, case.data
    counted = np.isin(data.role, ("baseline", "after")) & (data.exposure > 0)
    if plan.measured.kind == "time" and data.findings.lost > 0:
        missing = data.findings.lost / max(data.findings.rows + data.findings.lost, 1.0)
        many = missing > 1.0 - COMPLETE_TIMES
        check = make_check(
            4, "delay", "open_many" if many else "open_few", "fail" if many else "warn", "W-CENSOR",
            count=int(data.findings.lost), share=missing,
        )  # fmt: skip
        return check, case
    if isinstance(plan.reporting_delay, int):
        young = counted & (data.end + plan.reporting_delay * DAY > case.data_date)
        return _left_out(case, young, "declared", days=plan.reporting_delay)
    if case.delay is None:
        return make_check(4, "delay", "unknown", "not possible"), case
    share = _completeness(case, case.delay)
    young = counted & (share < COMPLETE)
    worst = float(share[counted].min(initial=1.0))
    if plan.reporting_delay != "offset" or not young.any():
        return _left_out(case, young, "known", worst=worst)
    # what is mostly still to come cannot be made up for: the error of the completeness would rule
    usable = counted & (share >= _HALF)
    exposure = frozen_array(np.where(usable, data.exposure * share, data.exposure))
    role = np.where(counted & ~usable, "immature", data.role)
    scaled = dataclasses.replace(data, exposure=exposure, role=role)
    check = make_check(4, "delay", "offset", "warn", "W-DELAY", count=int(young.sum()), worst=worst)
    return check, dataclasses.replace(case, data=scaled)


def _left_out(case: Case, young: Any, how: str, **numbers: Any) -> tuple[Check, Case]:
    data, count = case.data, int(young.sum())
    if not count:
        return make_check(4, "delay", f"{how}_complete", "pass", **numbers), case
    role = np.where(young, "immature", data.role)
    left = dataclasses.replace(case, data=dataclasses.replace(data, role=role))
    if not (left.after.any() and left.before.any()):
        return make_check(4, "delay", f"{how}_nothing_left", "fail", "W-DELAY", count=count, **numbers), left
    return make_check(4, "delay", f"{how}_dropped", "warn", "W-DELAY", count=count, **numbers), left
