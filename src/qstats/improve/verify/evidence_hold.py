"""Does the effect last? The course of the periods after the action."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.interval import Interval
from qstats._core.quantiles import t_quantile
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.declare import Metric
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.expected import against_expected, fit_periods
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.verdict import Evidence
from qstats.inference.series.result import InterruptedSeries

__all__ = ["post_slope"]

_FEWEST = 6


def _contrast(
    data: PeriodTable, after: Mask, column: np.ndarray[tuple[int], np.dtype[np.float64]], confidence: float
) -> tuple[float, float, float] | None:
    """Return a coefficient of a regression of the periods after, with limits; None where it does not exist.

    Scatter by Pearson's chi-square, never below 1; Student's t. McCullagh & Nelder (1989), Generalized Linear Models,
    2nd ed., sections 4.4 and 4.5.
    """
    x = np.column_stack([np.ones(column.size), column])
    df = column.size - 2
    if df < 1:
        return None
    try:
        f = fit_periods(data, after, x)
    except np.linalg.LinAlgError:
        return None  # so few events that the slope runs away
    if not f.settled[0] or not np.isfinite(f.phi[0]):
        return None
    cover = np.linalg.inv(f.design[0].T @ f.design[0])
    half = float(t_quantile(0.5 + confidence / 2.0, df)) * math.sqrt(max(1.0, float(f.phi[0])) * cover[1, 1])
    middle = float(f.beta[0, 1])
    return middle, middle - half, middle + half


def _scaled(value: float, metric: Metric) -> float:
    if not metric.is_ratio:
        return value
    return math.exp(value) if value < 700.0 else math.inf


def post_slope(
    case: Case, before: Mask, series: InterruptedSeries | None = None, *, controlled: bool = False
) -> tuple[Evidence | None, str | None]:
    """Return how the level moved from the first to the last period after the action, and a warning if it got worse.

    The estimate is the ratio (or difference) of the end of the regression line to its beginning; trend, season and
    control are taken out as `series` saw them. The warning ``"W-HOLD"`` comes where the last third is worse than the
    first third of the time after, at the error of the plan. None with fewer than six periods, or without events.
    """
    if not before.any() or int(case.after.sum()) < _FEWEST:
        return None, None
    data, _, after = against_expected(case, before, series, controlled=controlled)
    n, metric, confidence = int(after.sum()), case.plan.measured, 1.0 - case.plan.alpha
    counts = data.family in ("rate", "share")
    third = n // 3
    if n < _FEWEST or (counts and not data.events[after].any()):
        return None, None
    time = (data.start[after] - data.start[after][0]).astype(np.float64)
    line = _contrast(data, after, time / time[-1] - 0.5, confidence)
    if line is None:
        return None, None
    estimate, low, high = (_scaled(v, metric) for v in line)
    item = make_evidence("fading", estimate, Interval(low, high, confidence))
    ends = np.zeros(after.size, dtype=np.bool_)
    where = np.flatnonzero(after)
    ends[where[:third]] = ends[where[-third:]] = True
    late = (np.arange(after.size) >= where[-third])[ends].astype(np.float64)
    if counts and not all(data.events[ends][late == side].any() for side in (0.0, 1.0)):
        return item, None  # a third without events has no slope; the line over all periods is what can be said
    gap = _contrast(data, ends, late, confidence)
    if gap is None:
        return item, None
    worse = gap[1] > 0.0 if metric.better == "lower" else gap[2] < 0.0
    return item, "W-HOLD" if worse else None
