"""Items of evidence shown beside the primary comparison."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.interval import Interval
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.hold import hold_period
from qstats.improve.verify.measure import compare_totals
from qstats.improve.verify.verdict import Evidence
from qstats.inference.comparison import Comparison

__all__ = ["collect_evidence"]


def _avoided(case: Case, primary: Comparison, absolute: Comparison) -> Evidence:
    """Complaints avoided in the time after: by the controlled ratio where that decides, else by the rate difference."""
    events, exposure = (float(v[case.after].sum()) for v in (case.data.events, case.data.exposure))
    confidence = primary.interval.confidence
    if primary.effect == "rate_ratio_ratio":
        low, high = primary.interval.low, primary.interval.high
        interval = Interval(events / high - events, events / low - events, confidence)
        return make_evidence("avoided", events / primary.estimate - events, interval)
    interval = Interval(-absolute.interval.high * exposure, -absolute.interval.low * exposure, confidence)
    return make_evidence("avoided", -absolute.estimate * exposure, interval)


def collect_evidence(
    case: Case,
    primary: Comparison | None,
    crude: Comparison | None,
    absolute: Comparison | None,
    before: Mask,
    phi: float,
    *,
    blocked: bool,
) -> tuple[Evidence, ...]:
    """Return crude ratio, absolute effect, avoided complaints (unless blocked), hold, exposure needed."""
    if primary is None or crude is None:
        return ()
    data, after, confidence = case.data, case.after, 1.0 - case.plan.alpha
    items = [make_evidence("crude", crude.estimate, crude.interval)]
    if absolute is not None:
        items.append(make_evidence("absolute", absolute.estimate, absolute.interval))
        if math.isfinite(primary.estimate) and not blocked:
            items.append(_avoided(case, primary, absolute))
    last = np.flatnonzero(after)[-max(1, int(after.sum()) // 3) :]
    if after.sum() >= 6:
        hold = np.zeros_like(after)
        hold[last] = True
        late = compare_totals(data, hold, before, confidence)
        items.append(make_evidence("hold", late.estimate, late.interval))
    target = case.plan.target_rr
    if data.family != "rate" or target is None or target >= 1.0:
        return tuple(items)
    y0, t0 = float(data.events[before].sum()), float(data.exposure[before].sum())
    if y0 > 0 and primary.effect != "rate_ratio_ratio":  # what the control takes out would be counted as scatter
        spread = max(1.0, phi) if phi == phi else 1.0
        needed = hold_period(y0, t0, target_rr=target, alpha=case.plan.alpha / 2, dispersion=spread)
        items.append(make_evidence("needed", needed))
    return tuple(items)
