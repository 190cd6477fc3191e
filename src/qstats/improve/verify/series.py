"""The regression of the periods behind a verdict: autocorrelation always adjusted, with a second opinion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.errors import NoConvergence, TooFewData
from qstats.improve.verify.checks.case import ENOUGH_AFTER, ENOUGH_BEFORE, Case, Mask, make_check
from qstats.improve.verify.coarse import coarse_periods, periods_together
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.measure import paired_gap, within_variance
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.verdict import Check, Evidence
from qstats.inference.series.interrupted import interrupted_series
from qstats.inference.series.means import interrupted_means
from qstats.inference.series.result import InterruptedSeries

__all__ = ["autocorrelation_check", "fit_series", "season_waves", "series_evidence"]

_HARMONICS = 2
_TINY = 1e-3
_CYCLE = {"month": 12.0, "week": 365.25 / 7.0, "day": 365.25}


def fit_series(
    data: PeriodTable, plan: VerificationPlan, before: Mask, after: Mask, *, controlled: bool, trend: bool
) -> InterruptedSeries | None:
    """Return the step at the action, or None where there are too few periods or a phase without events."""
    if int(before.sum()) < ENOUGH_BEFORE or int(after.sum()) < ENOUGH_AFTER:
        return None
    season = _HARMONICS if _seen_twice(data, plan, before) else 0
    together = periods_together(data, before, after, plan.period)
    data, before, after = coarse_periods(data, before, after, together)
    use = before | after
    if controlled:
        assert data.control_exposure is not None
        use = use & (data.control_exposure > 0)
    terms: dict[str, Any] = {
        "step": int(np.flatnonzero(after)[0]),
        "use": use,
        "trend": trend,
        "harmonics": season,
        "period": _CYCLE[plan.period] / together,
        "confidence": 1.0 - plan.alpha,
    }
    try:
        return _counts(data, controlled, terms) if data.family in ("rate", "share") else _means(data, controlled, terms)
    except (TooFewData, NoConvergence):
        return None  # the exact comparison of totals has an answer where a log-linear model has none


def _counts(data: PeriodTable, controlled: bool, terms: dict[str, Any]) -> InterruptedSeries:
    exposure = np.where(data.exposure > 0, data.exposure, 1.0)  # periods without exposure are not used
    if not controlled and data.family == "share":
        return interrupted_series(np.where(data.exposure > 0, data.events, 0.0), size=exposure, **terms)
    if controlled:
        assert data.control_events is not None
        assert data.control_exposure is not None
        terms["control"] = data.control_events
        terms["control_exposure"] = np.where(data.control_exposure > 0, data.control_exposure, 1.0)
    return interrupted_series(data.events, exposure, **terms)


def _means(data: PeriodTable, controlled: bool, terms: dict[str, Any]) -> InterruptedSeries | None:
    use = terms["use"]
    if controlled:
        value, variance = paired_gap(data)
    else:
        inside = within_variance(data, data.squares, use)
        if math.isnan(inside):  # one value a period: nothing tells chance inside from scatter between, all may persist
            inside = (_TINY * float(np.std(data.value[use]))) ** 2
        value, variance = data.value, inside / np.maximum(data.exposure, 1.0)
    if not (variance[use] > 0).all():
        return None  # single values do not vary: nothing to weigh the periods by
    error = np.where(use, np.sqrt(np.where(variance > 0, variance, 1.0)), 1.0)
    return interrupted_means(np.where(use, value, 0.0), error, log=data.family == "log", **terms)


def _seen_twice(data: PeriodTable, plan: VerificationPlan, before: Mask) -> bool:
    """Whether a yearly season may be there and the baseline holds it twice, so that it can be fitted."""
    if plan.season == "none":
        return False
    days = float((data.end - data.start)[before].astype(np.float64).sum()) + float(before.sum())
    return days > 1.9 * 365.25


def season_waves(case: Case, before: Mask) -> FloatArray | None:
    """Return the columns of the season for every period, shape (periods, 4), or None where it cannot be fitted."""
    if not _seen_twice(case.data, case.plan, before):
        return None
    turn = 2.0 * math.pi * np.arange(float(case.data.role.size)) / _CYCLE[case.plan.period]
    return np.column_stack([f(k * turn) for k in range(1, _HARMONICS + 1) for f in (np.sin, np.cos)])


def autocorrelation_check(series: InterruptedSeries | None, case: Case) -> Check:
    """12: what months share is always adjusted for; does a second method agree, how much persistence is too much?"""
    if series is None:
        counts = {"before": int(case.before.sum()), "after": int(case.after.sum())}
        return make_check(12, "autocorrelation", "short", "not possible", "W-AR", **counts)
    numbers: dict[str, Any] = {"rho": series.rho, "stress": series.stress[0.6], "second": series.second.pvalue}
    rejects = case.plan.measured.null not in series.interval
    if not rejects or series.strength == "verified":
        return make_check(12, "autocorrelation", "adjusted", "pass", **numbers)
    if series.strength == "indicated":
        return make_check(12, "autocorrelation", "one_method", "warn", "W-AR", **numbers)
    if series.stress[0.6] > 0.5 * case.plan.alpha:
        numbers["tipping"] = series.tipping if series.tipping is not None else 0.0
        return make_check(12, "autocorrelation", "persistence", "warn", "W-AR", **numbers)
    return make_check(12, "autocorrelation", "few", "pass", periods=sum(series.periods), **numbers)


def series_evidence(series: InterruptedSeries | None, better: str) -> tuple[Evidence, ...]:
    """Return the second opinion, the stress p-value, the correlation of the counts, the smallest effect to be seen."""
    if series is None:
        return ()
    detectable = series.detectable
    if better == "higher":
        detectable = -detectable if series.effect == "mean_difference" else 1.0 / detectable
    items = [
        make_evidence("second_opinion", series.second.estimate, series.second.interval),
        make_evidence("stress", series.stress[0.6]),
        make_evidence("correlation", series.rho),
        make_evidence("detectable", detectable),
    ]
    if series.tipping is not None:
        items.append(make_evidence("tipping", series.tipping))
    return tuple(items)
