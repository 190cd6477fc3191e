"""The checks an auditor would make before believing the number; each is a small function from the case to a `Check`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import chi2_sf, t_quantile
from qstats.improve.verify import words
from qstats.improve.verify.hold import power_of_comparison
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.verdict import Check
from qstats.spc.chart import ControlChart
from qstats.spc.charts.individuals import individuals

__all__ = [
    "Case",
    "Drift",
    "amount_check",
    "baseline_check",
    "control_check",
    "control_drift",
    "dispersion",
    "exposure_check",
    "horizon_check",
    "make_check",
    "overdispersion_check",
    "phases_check",
    "plan_check",
    "sanity_check",
    "season_check",
]

ENOUGH_BEFORE, ENOUGH_AFTER = 12, 6  # NHS convention for a baseline; see the reference in `amount_check`
LEAST_BEFORE, LEAST_AFTER = 6, 3
POWER_WANTED = 0.8
EXPOSURE_MOVED = 0.10
DIRTY_SHARE = 0.01
DRIFT_SHARE = 0.25  # of the promised effect, on the log scale
MONTHS_ALIKE = 0.10  # total variation between the calendar months of the two phases

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What the checks look at: the plan, the counts, and whether volume was only declared constant."""

    plan: VerificationPlan
    data: PeriodTable
    exposure_declared: bool

    @property
    def before(self) -> Mask:
        """Periods of the baseline with exposure."""
        return self.data.where("baseline")

    @property
    def after(self) -> Mask:
        """Periods after the action with exposure."""
        return self.data.where("after")


def make_check(number: int, code: str, key: str, status: Any, warning: str | None = None, **numbers: Any) -> Check:
    """Return a check with its words filled in from the word table."""
    value, threshold, consequence = words.finding(code, key, "en", **numbers)
    return Check(number, code, status, value, threshold, consequence, warning, key, tuple(numbers.items()))


def dispersion(events: FloatArray, exposure: FloatArray, masks: tuple[Mask, ...]) -> tuple[float, float]:
    """Return Pearson chi-square over df, and df, for a constant rate inside each mask.

    A phase without events says nothing about scatter and is left out. NaN with 0 df when nothing is left.
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., eq. 4.22.
    """
    chi2, df = 0.0, 0
    for mask in masks:
        y, e = events[mask], exposure[mask]
        if y.size < 2 or y.sum() == 0:
            continue
        expected = y.sum() / e.sum() * e
        chi2 += float((((y - expected) ** 2) / expected).sum())
        df += y.size - 1
    return (chi2 / df, float(df)) if df else (math.nan, 0.0)


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


def _oddities(case: Case) -> list[tuple[str, str, float]]:
    found = case.data.findings
    used = (case.data.role == "baseline") | (case.data.role == "after")
    seen = np.flatnonzero(case.data.exposure > 0)
    in_reach = np.arange(used.size) <= (seen[-1] if seen.size else -1)
    bare = int((used & in_reach & (case.data.exposure <= 0)).sum())
    if case.data.control_exposure is not None:
        bare += int((used & in_reach & (case.data.exposure > 0) & (case.data.control_exposure <= 0)).sum())
    items = [
        ("{:g} without a date", "{:g}条无日期", found.no_date),
        ("{:g} with an identifier seen before", "{:g} 条编号重复", float(found.duplicates or 0)),
        ("{:g} dated after receipt", "{:g} 条日期晚于收到日", float(found.after_receipt or 0)),
        ("{:g} periods without exposure", "{:g} 个时段无暴露量", float(bare)),
    ]
    return [item for item in items if item[2] > 0]


def sanity_check(case: Case) -> Check:
    """1: duplicates, missing dates, events after receipt, periods without exposure (a gap is not a zero)."""
    found = case.data.findings
    odd = _oddities(case)
    text = ", ".join(en.format(n) for en, _, n in odd) or "no defect found"
    text_zh = "，".join(zh.format(n) for _, zh, n in odd) or "未发现缺陷"
    numbers: dict[str, Any] = {"rows": found.rows, "text": text, "text_zh": text_zh}
    if not odd:
        return make_check(1, "sanity", "clean", "pass", **numbers)
    worst = max((n for en, _, n in odd if "exposure" not in en), default=0.0)
    bare = any("exposure" in en for en, _, _ in odd)
    if bare or worst > DIRTY_SHARE * max(found.rows, 1.0):
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
    wanted = data.role == "after"
    if not data.where("after")[wanted].all() or not wanted.any():
        seen = np.flatnonzero(data.exposure > 0)
        last = str(data.end[seen[-1]]) if seen.size else "-"
        return make_check(5, "horizon", "early", "fail", "W-PEEK", last=last, horizon=plan.horizon.isoformat())
    y0, t0 = float(data.events[case.before].sum()), float(data.exposure[case.before].sum())
    if y0 == 0:
        return make_check(5, "horizon", "unknown", "not possible")
    t1 = float(data.exposure[case.after].sum())
    spread = max(phi, 1.0) if phi == phi else 1.0
    power = power_of_comparison(y0, t0, t1, plan.target_rr, plan.alpha / 2, spread, control)
    key, status = ("reached", "pass") if power >= POWER_WANTED else ("weak", "warn")
    warning = None if status == "pass" else "W-HOLD"
    return make_check(5, "horizon", key, status, warning, power=power, target=plan.target_rr)


def amount_check(case: Case) -> Check:
    """6: twelve periods before and six after, as is usual for a run of data; fewer cap the grade."""
    before, after = int(case.before.sum()), int(case.after.sum())
    if before >= ENOUGH_BEFORE and after >= ENOUGH_AFTER:
        return make_check(6, "amount", "enough", "pass", before=before, after=after)
    cap = "C" if before >= LEAST_BEFORE and after >= LEAST_AFTER else "D"
    return make_check(6, "amount", "few", "warn", before=before, after=after, cap=cap)


def baseline_check(case: Case) -> Check:
    """7: was the baseline stable? Individuals chart of the rates: its limits rest on the scatter there really is."""
    data, before = case.data, case.before
    n = int(before.sum())
    if n < 4:
        return make_check(7, "baseline", "short", "not possible", n=n)
    chart: ControlChart = individuals(data.events[before] / data.exposure[before])
    fired = {s.index for s in chart.signals if s.panel == "individuals"}
    points = sorted(i for i in fired if i is not None)
    if not points:
        return make_check(7, "baseline", "stable", "pass", n=n)
    first = str(data.start[before][points[0]])
    return make_check(7, "baseline", "signals", "warn", n=n, count=len(points), first=first)


def _month_of(data: PeriodTable) -> npt.NDArray[np.int64]:
    middle = data.start + (data.end - data.start) // 2
    return middle.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _month_shares(data: PeriodTable, mask: Mask) -> FloatArray:
    days = (data.end - data.start).astype(np.float64) + 1.0
    shares = np.bincount(_month_of(data)[mask], weights=days[mask], minlength=13)[1:]
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _unlike(data: PeriodTable, a: Mask, b: Mask) -> float:
    return float(0.5 * np.abs(_month_shares(data, a) - _month_shares(data, b)).sum())


def season_check(case: Case, controlled: bool) -> tuple[Check, Mask]:
    """9: are the calendar months of both phases alike? Returns the check and the baseline periods to compare with."""
    data, before, after = case.data, case.before, case.after
    if case.plan.season == "none":
        return make_check(9, "season", "declared", "pass"), before
    months = sorted({int(m) for m in _month_of(data)[after]})
    years = [float((data.end[m][-1] - data.start[m][0]).astype(int) + 1) / 365.25 for m in (before, after)]
    if min(years) > 0.95 and _unlike(data, before, after) <= MONTHS_ALIKE / 2:
        return make_check(9, "season", "whole_years", "pass", before=years[0], after=years[1]), before
    text = ", ".join(map(str, months))
    same = before & np.isin(_month_of(data), months)
    if same.any() and _unlike(data, same, after) <= MONTHS_ALIKE:
        return make_check(9, "season", "same_months", "warn", "W-SEASON", months=text), same
    if controlled:
        return make_check(9, "season", "controlled", "warn", "W-SEASON", months=text), before
    return make_check(9, "season", "blocked", "fail", "W-SEASON", months=text), before


def overdispersion_check(phi: float, df: float) -> Check:
    """11: do the counts scatter more than Poisson? The interval uses it in any case; this only tells."""
    if df == 0:
        return make_check(11, "overdispersion", "unknown", "not possible")
    if float(chi2_sf(phi * df, df)) < 0.05:
        return make_check(11, "overdispersion", "over", "warn", "W-OD", phi=phi, df=df)
    return make_check(11, "overdispersion", "poisson", "pass", phi=phi, df=df)


def exposure_check(case: Case) -> Check:
    """13: did the volume change? Then falling counts prove nothing."""
    if case.exposure_declared:
        return make_check(13, "exposure", "declared", "not possible", "W-EXPOSURE")
    days = (case.data.end - case.data.start).astype(np.float64) + 1.0
    per_day = [float(case.data.exposure[m].sum() / days[m].sum()) for m in (case.before, case.after)]
    change = per_day[1] / per_day[0] - 1.0
    change = 0.0 if abs(change) < 0.005 else change  # so that it does not print as -0 %
    if abs(change) > EXPOSURE_MOVED:
        return make_check(13, "exposure", "moved", "warn", "W-EXPOSURE", change=change)
    return make_check(13, "exposure", "steady", "pass", change=change)


@dataclass(frozen=True, slots=True)
class Drift:
    """Drift of the target against its control, carried from the middle of the baseline to the middle of after (log)."""

    estimate: float
    low: float
    high: float
    n: int


def control_drift(case: Case, confidence: float) -> Drift | None:
    r"""Return how far the two were drifting apart before the action, or None when fewer than six periods can tell.

    Given the sum of both counts the target's is binomial: a logistic regression on time with offset
    :math:`\log(e_t/e_{0t})`, scatter estimated by Pearson chi-square (never below 1), Student's t on n - 2 df.
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 4.4 and 4.5.
    """
    data = case.data
    if data.control_events is None or data.control_exposure is None:
        return None
    usable = case.before & (data.control_exposure > 0) & (data.events + data.control_events > 0)
    n = int(usable.sum())
    if n < LEAST_BEFORE:
        return None
    time = (data.start - data.start[0]).astype(np.float64)
    x = time[usable] - time[usable].mean()
    total = (data.events + data.control_events)[usable]
    y = data.events[usable]
    offset = np.log(data.exposure[usable] / data.control_exposure[usable])
    design = np.column_stack([np.ones(n), x])
    beta = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta + offset, -30.0, 30.0)))
        weight = total * p * (1.0 - p)
        information = design.T @ (design * weight[:, None])
        step = np.linalg.solve(information, design.T @ (y - total * p))
        beta = beta + np.clip(step, -3.0, 3.0)
        if float(np.abs(step @ information @ step)) < 1e-18:
            break
    phi = max(1.0, float((((y - total * p) ** 2) / weight).sum()) / (n - 2))
    se = math.sqrt(phi * np.linalg.inv(information)[1, 1])
    reach = float(time[case.after].mean() - time[usable].mean())
    half = float(t_quantile(0.5 + confidence / 2.0, n - 2)) * se * reach
    return Drift(float(beta[1]) * reach, float(beta[1]) * reach - half, float(beta[1]) * reach + half, n)


def control_check(case: Case) -> tuple[Check, bool]:
    """14: did target and control run in parallel before? Returns the check and whether the control may decide."""
    data, margin = case.data, DRIFT_SHARE * abs(math.log(case.plan.target_rr))
    if data.control_events is None:
        raise ValueError("control_check is for plans with a control: this is a bug in qstats")
    cells = [data.events[m].sum() for m in (case.before, case.after)]
    cells += [data.control_events[m].sum() for m in (case.before, case.after)]
    if min(cells) == 0:
        return make_check(14, "control", "empty", "warn"), False
    drift = control_drift(case, 0.90)  # two one-sided 5 % tests: the usual equivalence
    if drift is None:
        return make_check(14, "control", "short", "warn", n=int(case.before.sum())), False
    shown: dict[str, Any] = {"low": math.expm1(drift.low), "high": math.expm1(drift.high), "margin": math.expm1(margin)}
    if -margin <= drift.low and drift.high <= margin:
        return make_check(14, "control", "parallel", "pass", **shown), True
    shown["drift"] = math.expm1(drift.estimate)
    if abs(drift.estimate) > margin:
        return make_check(14, "control", "drifting", "warn", "W-TREND", **shown), False
    return make_check(14, "control", "open", "warn", None, **shown), True
