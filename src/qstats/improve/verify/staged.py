"""What a verdict shows of the periods: totals by phase, a staged chart, the course of the control."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.measure import level_of, totals
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.verdict import Phase
from qstats.spc.chart import ControlChart
from qstats.spc.charts.attributes import p_chart, u_chart
from qstats.spc.charts.individuals import individuals

__all__ = ["control_level", "phase_totals", "staged_chart"]

_ROLES = ("baseline", "transition", "after", "immature", "excluded")


def phase_totals(data: PeriodTable) -> tuple[Phase, ...]:
    """Return events, exposure and level of each phase that has periods with exposure."""
    out = []
    for name in _ROLES:
        mask = data.where(name)
        if mask.any():
            y, e = totals(data, mask)
            first, last = data.start[mask][0], data.end[mask][-1]
            out.append(Phase(name, y, e, level_of(data, mask), int(mask.sum()), str(first), str(last)))
    return tuple(out)


def staged_chart(case: Case) -> ControlChart | None:
    """A chart of the periods with limits of their own before and after; other periods are shown, not used."""
    data, used = case.data, case.before | case.after
    if not case.before.any() or not case.after.any() or not data.events[used].any():
        return None
    seen = np.flatnonzero(data.exposure > 0)
    span = slice(seen[0], seen[-1] + 1)
    if (data.exposure[span] <= 0).any():
        return None
    first_after = np.flatnonzero(data.role == "after")[0]
    phase = np.where(np.arange(data.role.size) < first_after, "before", "after")[span]
    order, left_out = data.start[span], ~used[span]
    if data.family == "rate":
        return u_chart(data.events[span], exposure=data.exposure[span], order_by=order, phase=phase, exclude=left_out)
    if data.family == "share":
        return p_chart(data.events[span], size=data.exposure[span], order_by=order, phase=phase, exclude=left_out)
    if min(int(case.before.sum()), int(case.after.sum())) < 2:
        return None
    value = data.value[span]
    value = np.exp(value) if data.family == "log" else value
    return individuals(value, order_by=order, phase=phase, exclude=left_out)


def control_level(data: PeriodTable) -> FloatArray | None:
    """Return the control's level per period; NaN where it has no exposure."""
    if data.control_events is None or data.control_exposure is None:
        return None
    present = data.control_exposure > 0
    rate: FloatArray = np.full(present.size, np.nan)
    np.divide(data.control_events, data.control_exposure, out=rate, where=present)
    return np.exp(rate) if data.family == "log" else rate
