"""A bad unit, or a bad month, gets better by itself (10): is there more to the improvement than that?"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.errors import TooFewData
from qstats.improve.guards.regression_to_mean import RegressionToMean, predicted_after
from qstats.improve.verify.checks.case import Case, Mask, make_check
from qstats.improve.verify.checks.drift import settled_values
from qstats.improve.verify.checks.keyed import MISSING, by_key, line_up, scatter
from qstats.improve.verify.decide import side_of
from qstats.improve.verify.measure import compare_totals, controlled_totals, within_variance
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.series import fit_series
from qstats.improve.verify.sources import Read
from qstats.improve.verify.verdict import Check
from qstats.inference.comparison import Comparison

__all__ = ["regression_check", "units_predict"]

_PEAK = 2.0  # standard deviations
_LAST = 3  # periods at the end of the baseline
_EARLIER = 6  # periods that say what is usual
_UNITS = 3  # units that say how units differ


@dataclass(frozen=True, slots=True)
class _Peak:
    last: int
    sd: float


def _floor(data: PeriodTable, mask: Mask, level: float) -> float:
    """Variance of one unit of exposure that chance alone gives."""
    if data.family == "rate":
        return level
    if data.family == "share":
        return level * (1.0 - level)
    inside = within_variance(data, data.squares, mask)
    return inside if inside == inside else 0.0


def _against_control(data: PeriodTable, before: Mask) -> PeriodTable | None:
    """The target per event of its control, as a table of rates: what both share is no peak."""
    if data.family not in ("rate", "share") or data.control_events is None or data.control_exposure is None:
        return None
    scale = data.exposure / np.maximum(data.control_exposure, 1e-300)
    exposure = np.where(before & (data.control_exposure > 0), data.control_events * scale, 0.0)
    rate = dataclasses.replace(data.metric, kind="rate", opportunities=None, within=None, top=None, scale=None)
    return dataclasses.replace(data, exposure=exposure, metric=rate, role=np.where(exposure > 0, data.role, "excluded"))


def _usual(data: PeriodTable, before: Mask, *, controlled: bool, season: bool) -> tuple[PeriodTable, Mask]:
    """The baseline without the control's course or the season; a trend stays, for a peak at the end would bend it."""
    if controlled:
        against = _against_control(data, before)
        if against is not None:
            return against, before & (against.exposure > 0)
        return data, before
    events = data.events.copy()
    events[before] = settled_values(data, before, trend=False, season=season) * data.exposure[before]
    return dataclasses.replace(data, events=events), before


def _peak(data: PeriodTable, before: Mask) -> _Peak | None:
    """The last one to three baseline periods, where they stand out on the bad side beyond two standard deviations."""
    places = np.flatnonzero(before)
    bad = 1.0 if (data.metric.better or "lower") == "lower" else -1.0
    worst = None
    for m in range(1, _LAST + 1):
        if places.size - m < _EARLIER:
            break
        early, late = places[:-m], places[-m:]
        e, y = data.exposure[early], data.events[early]
        level = float(y.sum() / e.sum())
        seen = float((e * (y / e - level) ** 2).sum()) / (early.size - 1)
        mask = np.zeros_like(before)
        mask[early] = True
        size = float(data.exposure[late].sum())
        sd = math.sqrt(max(seen, _floor(data, mask, level)) * (1.0 / size + 1.0 / float(e.sum())))
        z = bad * (float(data.events[late].sum()) / size - level) / sd if sd > 0 else 0.0
        if z > _PEAK and (worst is None or z > worst.sd):
            worst = _Peak(m, z)
    return worst


def _all_cells(data: PeriodTable, before: Mask, after: Mask) -> bool:
    """Whether target and control have events in both phases, as a ratio of ratios wants."""
    assert data.control_events is not None
    return all(v[m].any() for v in (data.events, data.control_events) for m in (before, after))


def _stands_without(case: Case, before: Mask, last: int, *, controlled: bool, trend: bool) -> bool:
    """Whether the improvement is there too, judged alike, without the last periods of the baseline."""
    shorter = before.copy()
    shorter[np.flatnonzero(before)[-last:]] = False
    data, plan, after = case.data, case.plan, case.after
    series = fit_series(data, plan, shorter, after, controlled=controlled, trend=trend)
    if series is not None:
        again = series.comparison()
    elif not controlled:
        again = compare_totals(data, after, shorter, 1.0 - plan.alpha)
    elif data.family in ("rate", "share") and not _all_cells(data, shorter, after):
        return False
    else:
        again = controlled_totals(data, after, shorter, 1.0 - plan.alpha)
    return side_of(again, data.metric) < 0


def _peers(case: Case) -> tuple[str, str, Read] | None:
    """The key the target was picked by, its name, and the rows of all it was picked from."""
    plan, read = case.plan, case.read
    if plan.unit is not None and "unit" in read.log.keys:
        return "unit", plan.unit, read if plan.category is None else read.rows("category", plan.category)
    if plan.category is not None and "category" in read.log.keys:
        return "category", plan.category, read
    return None


def _baselines(case: Case, before: Mask, key: str, read: Read) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Names, events and exposure by period of the baseline, of all with exposure."""
    rows = by_key(read.log, key, case.edges)
    if key == "unit" and read.exposure is not None:
        held = by_key(read.exposure, key, case.edges)
        names = held.names  # a unit with exposure and no complaint is a unit
        y, t = line_up(names, rows), held.amount * (read.metric.opportunities or 1.0)
    else:
        names, y = rows.names, rows.amount
        t = np.broadcast_to(read.sums(case.edges)[1], y.shape) if not read.by_case else rows.size
    y, t = np.where(t > 0, y, 0.0)[:, before], t[:, before]
    keep = (t.sum(axis=1) > 0) & np.array([name != MISSING for name in names], dtype=bool)
    return tuple(n for n, k in zip(names, keep.tolist(), strict=True) if k), y[keep], t[keep]


def units_predict(case: Case, before: Mask) -> RegressionToMean | None:
    """Compare the picked unit (or category) with what all of them predict for it; None where there are too few.

    Where counts scatter more than Poisson, events and exposure of all are divided by the common dispersion, so that the
    prediction is no surer than the counts are; the prediction wants whole events, and those after are rounded up.
    """
    peers = _peers(case)
    if peers is None or case.data.family not in ("rate", "share"):
        return None
    key, name, read = peers
    names, y, t = _baselines(case, before, key, read)
    if len(names) < _UNITS or name not in names:
        return None
    df = np.maximum((t > 0).sum(axis=1) - 1.0, 0.0) * (y.sum(axis=1) > 0)
    phi = float((scatter(y, t, 0.0) * df).sum() / df.sum()) if df.sum() > 0 else 1.0
    chosen = names.index(name)
    after = float(case.data.events[case.after].sum()), float(case.data.exposure[case.after].sum())
    total, size = y.sum(axis=1), t.sum(axis=1)
    if phi > 1.0:
        total, size = np.round(total / phi), size / phi
        after = float(np.ceil(after[0] / phi)), after[1] / phi
    try:
        return predicted_after(total, size, *after, chosen=chosen, confidence=1.0 - case.plan.alpha)
    except TooFewData:
        return None


def _picked(case: Case, before: Mask, primary: Comparison, controlled: bool) -> tuple[str, dict[str, Any], bool]:
    """Which finding, its numbers, and whether the choice of the worst could be all there is."""
    plan, k = case.plan, case.plan.selected_from
    assert k is not None
    found = None if controlled else units_predict(case, before)
    if found is None:
        # the smallest of k p-values, whichever unit it belongs to: union bound
        limit = plan.alpha / k
        doubt = not primary.pvalue < limit
        return "picked", {"k": k, "p": primary.pvalue, "alpha": limit}, doubt
    c = found.comparison
    shown = {"estimate": c.estimate, "low": c.interval.low, "high": c.interval.high, "naive": found.naive.estimate}
    numbers = {"k": k, "units": found.units} | {name: f"{value:.3g}" for name, value in shown.items()}
    return "predicted", numbers, side_of(c, plan.measured) >= 0


def regression_check(
    case: Case,
    before: Mask,
    primary: Comparison | None,
    controlled: bool,
    *,
    trend: bool = False,
    season: bool = False,
) -> tuple[Check, bool]:
    """10: could the target have got better by itself? Returns the check and whether the improvement is in doubt.

    A target picked as the worst of k is compared with what all units predict for it (gamma-Poisson, Christiansen &
    Morris 1997), or, without their data, held to a p-value of alpha / k (union bound over which one was worst). A
    baseline that ends in a peak is judged again without the peak. A control takes neither out.
    """
    plan = case.plan
    picked = plan.selected_from is not None and plan.selected_from > 1
    peak = None
    if plan.trigger_window is None:
        peak = _peak(*_usual(case.data, before, controlled=controlled, season=season))
    if not picked and peak is None:
        return make_check(10, "regression", "none", "pass"), False
    improved = primary is not None and case.after.any() and side_of(primary, plan.measured) < 0
    if primary is None or not improved:
        if picked:
            return make_check(10, "regression", "picked_unjudged", "warn", "W-RTM", k=plan.selected_from), False
        assert peak is not None
        return make_check(10, "regression", "peak_unjudged", "warn", "W-RTM", last=peak.last, sd=peak.sd), False
    findings: list[tuple[str, dict[str, Any], bool]] = []
    if picked:
        findings.append(_picked(case, before, primary, controlled))
    if peak is not None:
        stands = _stands_without(case, before, peak.last, controlled=controlled, trend=trend)
        findings.append(("peak", {"last": peak.last, "sd": peak.sd}, not stands))
    for key, numbers, doubt in findings:
        if doubt:
            return make_check(10, "regression", f"{key}_open", "warn", "W-RTM", **numbers), True
    key, numbers, _ = findings[0]
    if controlled:
        return make_check(10, "regression", key, "pass", **numbers), False
    return make_check(10, "regression", key, "warn", "W-RTM", **numbers), False
