"""Checks that come before any number: the plan, the sanity of the data, the phases, the amount."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats.improve.verify.checks.calendar import calendar_finding
from qstats.improve.verify.checks.case import ENOUGH_AFTER, ENOUGH_BEFORE, LEAST_AFTER, LEAST_BEFORE, Case, make_check
from qstats.improve.verify.checks.gaps import DIRTY_SHARE, Oddity, gap_oddities
from qstats.improve.verify.measure import power_at, totals
from qstats.improve.verify.verdict import Check

__all__ = ["amount_check", "horizon_check", "phases_check", "plan_check", "sanity_check"]

POWER_WANTED = 0.8


def plan_check(case: Case) -> Check:
    """0: was the plan frozen before the data after the action existed, and is it unchanged?"""
    plan = case.plan
    first = plan.after_start.isoformat()
    if plan.frozen is None:
        return make_check(0, "plan", "open", "warn", "W-POSTHOC", first=first)
    on = plan.frozen.get("on", "?")
    if not plan.is_intact:
        return make_check(0, "plan", "edited", "warn", "W-POSTHOC")
    if on > first:
        return make_check(0, "plan", "late", "warn", "W-POSTHOC", on=on, first=first)
    return make_check(0, "plan", "intact", "pass", on=on, first=first)


def _oddities(case: Case) -> list[Oddity]:
    found = case.data.findings
    used = (case.data.role == "baseline") | (case.data.role == "after")
    seen = np.flatnonzero(case.data.exposure > 0)
    in_reach = np.arange(used.size) <= (seen[-1] if seen.size else -1)
    bare = int((used & in_reach & (case.data.exposure <= 0)).sum())
    if case.data.control_exposure is not None:
        bare += int((used & in_reach & (case.data.exposure > 0) & (case.data.control_exposure <= 0)).sum())
    items: list[Oddity] = [
        ("{:g} without a date", "{:g}条无日期", found.no_date, "share"),
        ("{:g} with an identifier seen before", "{:g} 条编号重复", float(found.duplicates or 0), "share"),
        ("{:g} dated in the future", "{:g} 条日期在未来", found.future, "share"),
        ("{:g} dated after receipt", "{:g} 条日期晚于收到日", float(found.after_receipt or 0), "share"),
        ("{:g} without a value, or not due yet", "{:g} 条无数值或尚未到期", found.lost, "never"),
        ("{:g} periods without exposure", "{:g} 个时段无暴露量", float(bare), "always"),
        *gap_oddities(case),
    ]
    swapped = calendar_finding(case)
    if swapped is not None:
        items.append((*swapped, "share"))
    return [item for item in items if item[2] > 0]


def sanity_check(case: Case) -> Check:
    """1: duplicates, missing dates, events after receipt, periods without exposure (a gap is not a zero)."""
    found = case.data.findings
    odd = _oddities(case)
    text = ", ".join(en.format(n) for en, _, n, _ in odd) or "no defect found"
    text_zh = "，".join(zh.format(n) for _, zh, n, _ in odd) or "未发现缺陷"
    numbers: dict[str, Any] = {"rows": found.rows, "text": text, "text_zh": text_zh}
    if not odd:
        return make_check(1, "sanity", "clean", "pass", **numbers)
    worst = max((n for _, _, n, blocks in odd if blocks == "share"), default=0.0)
    if any(blocks == "always" for *_, blocks in odd) or worst > DIRTY_SHARE * max(found.rows, 1.0):
        return make_check(1, "sanity", "broken", "fail", **numbers)
    return make_check(1, "sanity", "odd", "warn", **numbers)


def phases_check(case: Case) -> Check:
    """3: both phases are there; the peak that triggered the action is not part of the baseline."""
    plan, data = case.plan, case.data
    counts: dict[str, Any] = {"before": int(case.before.sum()), "after": int(case.after.sum())}
    if 0 in counts.values():
        return make_check(3, "phases", "empty", "fail", **counts)
    trigger = plan.trigger_window
    if trigger and trigger[1] >= plan.baseline[0] and trigger[0] <= plan.baseline[1]:
        start, end = (np.datetime64(d, "D") for d in trigger)
        left = int(((data.start <= end) & (data.end >= start) & (data.role == "excluded")).sum())
        return make_check(3, "phases", "trigger", "warn", "W-RTM", left=left, **counts)
    return make_check(3, "phases", "separate", "pass", **counts)


def horizon_check(case: Case, phi: float, control: float = 0.0) -> Check:
    """5: did the data reach the declared horizon, and could the promised effect be seen at all?

    `control` is the sum of 1/events of the control before and after, where the control decides.
    """
    plan, data = case.plan, case.data
    wanted = np.isin(data.role, ("after", "immature"))
    # Volume declared constant has no end of its own: what has not begun, or was not over when drawn, was not seen.
    until = data.end if case.drawn else data.start
    seen = np.flatnonzero(data.exposure > 0)
    last = str(min(data.end[seen[-1]], case.data_date) if seen.size else "-")
    reached = wanted.any() and bool(((data.exposure > 0) & (until <= case.data_date))[wanted].all())
    if not reached and plan.looks == "fixed":
        return make_check(5, "horizon", "early", "fail", "W-PEEK", last=last, horizon=plan.horizon.isoformat())
    exposure = totals(data, case.after)[1]
    if plan.min_exposure is not None and exposure < plan.min_exposure:
        return make_check(5, "horizon", "thin", "fail", "W-PEEK", have=exposure, wanted=plan.min_exposure)
    if not reached:
        return make_check(5, "horizon", "anytime", "pass", last=last, horizon=plan.horizon.isoformat())
    power = power_at(data, case.after, case.before, plan.target, plan.alpha / 2, max(phi, 1.0), control)
    if math.isnan(power):
        return make_check(5, "horizon", "unknown", "not possible")
    if power >= POWER_WANTED:
        return make_check(5, "horizon", "reached", "pass", power=power, target=plan.target)
    return make_check(5, "horizon", "weak", "warn", "W-HOLD", power=power, target=plan.target)


def amount_check(case: Case) -> Check:
    """6: twelve periods before and six after, as is usual for a run of data; fewer cap the grade."""
    before, after = int(case.before.sum()), int(case.after.sum())
    if before >= ENOUGH_BEFORE and after >= ENOUGH_AFTER:
        return make_check(6, "amount", "enough", "pass", before=before, after=after)
    cap = "C" if before >= LEAST_BEFORE and after >= LEAST_AFTER else "D"
    return make_check(6, "amount", "few", "warn", before=before, after=after, cap=cap)
