"""Was it the action? Other changes and the date of the change (15), and whether the action was carried out (16)."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np

from qstats.improve.guards.change_date import ChangeDate, change_date
from qstats.improve.verify.checks.case import LEAST_AFTER, LEAST_BEFORE, Case, Mask, make_check
from qstats.improve.verify.coarse import coarse_periods, periods_together
from qstats.improve.verify.decide import side_of
from qstats.improve.verify.declare import Metric
from qstats.improve.verify.expected import against_expected
from qstats.improve.verify.guardrails import compared_phases, periods_of
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.sources import Source
from qstats.improve.verify.verdict import Check
from qstats.inference.means.means import compare_mean_summaries
from qstats.inference.series.result import InterruptedSeries

__all__ = ["implementation_check", "other_check", "plan_seed"]

_NEAR = {"month": 61, "week": 14, "day": 14}  # days: two periods, and of days two weeks
_MOST = 80  # periods to date a change in; the work grows with their square
_WEEK = 7
_RESAMPLES = 499


def plan_seed(plan: VerificationPlan) -> int:
    """Return the seed that belongs to a plan, so that a second run draws the same."""
    return int(plan.hash[:8], 16)


def _others(plan: VerificationPlan) -> tuple[list[tuple[dt.date, str]], list[tuple[dt.date, str]]]:
    """Other changes from the baseline to the horizon: those near the action (or its transition), and the rest."""
    first, last = plan.transition or (plan.action_date, plan.action_date)
    first, last = min(first, plan.action_date), max(last, plan.action_date)
    near: list[tuple[dt.date, str]] = []
    far: list[tuple[dt.date, str]] = []
    for change in plan.other_changes:
        day, what = change["date"], change["what"]
        if not plan.baseline[0] <= day <= plan.horizon:
            continue
        away = max((first - day).days, (day - last).days, 0)
        (near if away <= _NEAR[plan.period] else far).append((day, what))
    return near, far


def _listed(changes: list[tuple[dt.date, str]]) -> dict[str, str]:
    text = [f"{what} ({day.isoformat()})" for day, what in changes]
    return {"others": "; ".join(text) or "none declared", "others_zh": "；".join(text) or "未声明"}


def _shorter(case: Case, data: PeriodTable, before: Mask, after: Mask, summed: int) -> tuple[PeriodTable, Mask, Mask]:
    """Few enough periods to date a change in; days become weeks."""
    unit = _WEEK if case.plan.period == "day" and summed == 1 else 1
    n = int((before | after).sum())
    return coarse_periods(data, before, after, unit * max(1, math.ceil(n / (unit * _MOST))))


def _dated(case: Case, data: PeriodTable, used: Mask) -> ChangeDate | None:
    """Return the date of the change of level, or None where nothing varies."""
    alpha = case.plan.alpha
    options: dict[str, Any] = {
        "labels": [str(day) for day in data.start[used]],
        "confidence": 1.0 - alpha,
        "resamples": max(_RESAMPLES, math.ceil(5.0 / alpha)),
        "rng": plan_seed(case.plan),
    }
    if data.family in ("rate", "share"):
        counts = data.events[used]
        return change_date(counts, exposure=data.exposure[used], **options) if counts.any() else None
    value = data.value[used]
    return change_date(value, model="mean", **options) if float(np.ptp(value)) > 0.0 else None


def other_check(
    case: Case, before: Mask, series: InterruptedSeries | None = None, *, controlled: bool = False
) -> Check:
    """15: did anything else change, and does the date of the change agree with the action?

    The change of level is dated in the periods of the comparison, trend, season and control taken out as `series` saw
    them (its coefficients count as known). Several periods are summed where there are more than eighty, counted from
    the first after the action. The draws take the periods for independent: where they hang together, the dates left
    open are too few.
    """
    plan = case.plan
    near, far = _others(plan)
    action = {"action": plan.action_date.isoformat()}
    if near:
        return make_check(15, "other", "others", "warn", None, days=_NEAR[plan.period], **action, **_listed(near))
    told = _listed(far)
    if not before.any() or not case.after.any():
        return _too_short(0, 0, told)
    summed = 1 if series is None else periods_together(case.data, before, case.after, plan.period)
    data, first, second = against_expected(case, before, series, controlled=controlled)
    data, first, second = _shorter(case, data, first, second, summed)
    if int(first.sum()) < LEAST_BEFORE or int(second.sum()) < LEAST_AFTER:
        return _too_short(int(first.sum()), int(second.sum()), told)
    found = _dated(case, data, first | second)
    if found is None or found.pvalue > plan.alpha:
        return make_check(15, "other", "nothing", "not possible", None, **told)
    window = {"first": found.labels[found.earliest], "last": found.labels[found.latest], **told}
    if any(note.code == "date-open" for note in found.notes):
        return make_check(15, "other", "open", "not possible", None, **window)
    place = int(np.flatnonzero(second[first | second])[0])
    if found.includes(place):
        return make_check(15, "other", "dated", "pass", None, **action, **window)
    return make_check(15, "other", "elsewhere", "warn", None, **action, **window)


def _too_short(before: int, after: int, told: dict[str, str]) -> Check:
    wanted = {"wanted_before": LEAST_BEFORE, "wanted_after": LEAST_AFTER}
    return make_check(15, "other", "short", "not possible", None, before=before, after=after, **wanted, **told)


def _moved_by_period(case: Case, metric: Metric, source: Source, before: Mask) -> bool:
    """Whether the periods themselves, one value each, show that measured values moved the better way (Welch)."""
    data = periods_of(case, metric, source)
    if data.family not in ("log", "mean"):
        return False
    sides = [data.value[mask & (data.exposure > 0)] for mask in (case.after, before)]
    if min(side.size for side in sides) < LEAST_AFTER:
        return False
    sd1, sd0 = (float(side.std(ddof=1)) for side in sides)
    better = -1.0 if metric.better == "lower" else 1.0
    level, level0 = (float(side.mean()) for side in sides)
    if max(sd1, sd0) <= 1e-12 * max(abs(level), abs(level0)):
        return better * (level - level0) > 0.0  # every period alike before, every one alike and better after
    n, n0 = (float(side.size) for side in sides)
    found: Any = compare_mean_summaries(level, sd1, n, level0, sd0, n0, confidence=1.0 - case.plan.alpha)
    return bool(better * (found.interval.low if better > 0 else found.interval.high) > 0.0)


def implementation_check(case: Case, source: Source | None, before: Mask) -> Check:
    """16: was the action carried out? Did the process metric of the plan move the better way?

    Compared as a guardrail is: by a regression where there are enough periods, else by totals. Values that do not vary
    inside a period (one number a month) are compared by the means of the periods.
    """
    metric = case.plan.implementation
    if metric is None or source is None:
        return make_check(16, "implementation", "absent", "not possible")
    found, levels, cases = compared_phases(case, metric, source, before)
    if found is None or math.isnan(found.estimate):
        numbers = {"cases_after": f"{cases[0]:.3g}", "cases_before": f"{cases[1]:.3g}"}
        return make_check(16, "implementation", "one_sided", "not possible", None, name=metric.name, **numbers)
    shown = {"level_after": f"{levels[0]:.3g}", "level_before": f"{levels[1]:.3g}"}
    if side_of(found, metric) < 0 or (
        math.isinf(found.interval.high) and _moved_by_period(case, metric, source, before)
    ):
        return make_check(16, "implementation", "moved", "pass", None, name=metric.name, **shown)
    return make_check(16, "implementation", "not_moved", "warn", None, name=metric.name, **shown)
