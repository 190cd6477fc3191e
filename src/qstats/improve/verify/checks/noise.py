"""How the numbers scatter: a stable baseline, more than chance, a changed volume."""

from __future__ import annotations

import numpy as np

from qstats._core.quantiles import chi2_sf
from qstats.improve.verify.checks.case import Case, Mask, make_check
from qstats.improve.verify.checks.drift import settled_values
from qstats.improve.verify.coarse import coarse_periods, periods_together
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.verdict import Check
from qstats.spc.chart import ControlChart
from qstats.spc.charts.individuals import individuals

__all__ = ["baseline_check", "baseline_signals", "exposure_check", "overdispersion_check"]

EXPOSURE_MOVED = 0.10
_LEAST = 4  # periods a chart can judge
_SURVEYS = ("nps", "csat", "ces")  # a change of who answers, or how they are asked, moves the score


def _fired(case: Case, *, trend: bool, season: bool) -> tuple[PeriodTable, Mask, list[int]]:
    """The baseline (days summed to weeks), and which of its periods an individuals chart signals."""
    together = periods_together(case.data, case.before, case.after, case.plan.period) if case.after.any() else 1
    data, before, _ = coarse_periods(case.data, case.before, case.after, together)
    if int(before.sum()) < _LEAST:
        return data, before, []
    chart: ControlChart = individuals(settled_values(data, before, trend=trend, season=season))
    return data, before, sorted({s.index for s in chart.signals if s.panel == "individuals" and s.index is not None})


def baseline_signals(case: Case, *, trend: bool, season: bool) -> Mask:
    """Return the periods of the baseline inside which the chart signals."""
    data, before, points = _fired(case, trend=trend, season=season)
    out = np.zeros(case.data.role.size, dtype=np.bool_)
    for i in points:
        out |= (case.data.start >= data.start[before][i]) & (case.data.end <= data.end[before][i])
    return out & case.before


def baseline_check(case: Case, *, trend: bool, season: bool) -> Check:
    """7: was the baseline stable, apart from the trend and season of the model?

    Individuals chart of the rates: its limits rest on the scatter there really is.
    """
    data, before, points = _fired(case, trend=trend, season=season)
    n = int(before.sum())
    if n < _LEAST:
        return make_check(7, "baseline", "short", "not possible", n=n)
    if not points:
        return make_check(7, "baseline", "stable", "pass", n=n)
    first = str(data.start[before][points[0]])
    return make_check(7, "baseline", "signals", "warn", n=n, count=len(points), first=first)


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
    if case.read.by_case:
        few, moved = abs(change) <= EXPOSURE_MOVED, "W-CHANNEL" if case.data.metric.kind in _SURVEYS else None
        key = "cases_steady" if few else "cases_moved"
        return make_check(13, "exposure", key, "pass" if few else "warn", None if few else moved, change=change)
    if abs(change) > EXPOSURE_MOVED:
        return make_check(13, "exposure", "moved", "warn", "W-EXPOSURE", change=change)
    return make_check(13, "exposure", "steady", "pass", change=change)
