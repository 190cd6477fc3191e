"""The road from periods to a comparison: the checks that come before it, and the comparison they allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.checks.definition import definition_check
from qstats.improve.verify.checks.drift import control_check, trend_check
from qstats.improve.verify.checks.early import amount_check, horizon_check, phases_check, plan_check, sanity_check
from qstats.improve.verify.checks.maturity import matured
from qstats.improve.verify.checks.noise import baseline_check, baseline_signals, exposure_check, overdispersion_check
from qstats.improve.verify.checks.season import season_check
from qstats.improve.verify.decide import side_of
from qstats.improve.verify.measure import compare_totals, control_scatter, controlled_totals, dispersion, totals
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.series import fit_series, season_waves
from qstats.improve.verify.verdict import Check
from qstats.inference.comparison import Comparison
from qstats.inference.rates import compare_rates
from qstats.inference.series.result import InterruptedSeries

__all__ = ["Checked", "Judged", "judge", "run_checks", "stands_without_signals", "trend_or_season"]


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What the checks found, and what they decided about the comparison."""

    checks: tuple[Check, ...]
    controlled: bool
    trend: bool
    before: Mask
    season: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The comparisons and what they rest on."""

    primary: Comparison | None
    crude: Comparison | None
    absolute: Comparison | None
    phi: float
    series: InterruptedSeries | None = None


def run_checks(case: Case) -> tuple[Checked, Case]:
    """All checks that come before the comparison, in their fixed order, and the case without periods not complete."""
    first = [plan_check(case), sanity_check(case), phases_check(case)]
    if first[-1].status == "fail":
        horizon = horizon_check(case, math.nan)
        early = [horizon] if horizon.status == "fail" else []
        return Checked((*first, *early), False, False, case.before, stopped=True), case
    delay, case = matured(case)
    first.append(delay)
    if delay.status == "fail":
        return Checked((*first, horizon_check(case, math.nan)), False, False, case.before, stopped=True), case
    control, controlled, apart = control_check(case) if case.data.control_events is not None else (None, False, False)
    season, before = season_check(case, controlled)
    phi, df = dispersion(case.data, (before, case.after))
    waves = season_waves(case, before)
    trend, with_trend = trend_check(case, before, controlled, waves)
    share = control_scatter(case.data, before, case.after) if controlled and _counts(case) else (phi, 0.0)
    rest = [
        horizon_check(case, *share),
        amount_check(case),
        baseline_check(case, trend=with_trend, season=waves is not None),
        trend,
        season,
        overdispersion_check(phi, df),
        exposure_check(case),
        definition_check(case),
        *([control] if control is not None else []),
    ]
    return Checked((*first, *rest), controlled, with_trend or apart, before, waves is not None), case


def _counts(case: Case) -> bool:
    return case.data.family in ("rate", "share")


def judge(case: Case, found: Checked) -> Judged:
    data, after, before, confidence = case.data, case.after, found.before, 1.0 - case.plan.alpha
    if not case.before.any() or not after.any():
        return Judged(None, None, None, math.nan)
    phi, df = dispersion(data, (before, after))
    crude = compare_totals(data, after, case.before, confidence)
    simple = crude if bool((before == case.before).all()) else compare_totals(data, after, before, confidence)
    series = fit_series(data, case.plan, before, after, controlled=found.controlled, trend=found.trend)
    primary = controlled_totals(data, after, before, confidence) if found.controlled else simple
    primary = primary if series is None else series.comparison()
    return Judged(primary, crude, _absolute(data, after, before, phi, df, confidence), phi, series)


def _absolute(
    data: PeriodTable, after: Mask, before: Mask, phi: float, df: float, confidence: float
) -> Comparison | None:
    """The change per unit of exposure; of means it is the effect itself."""
    if data.family not in ("rate", "share"):
        return None
    wide: dict[str, Any] = {"dispersion": phi, "df": df} if df and phi > 1.0 else {}
    cells = (*totals(data, after), *totals(data, before))
    return compare_rates(*cells, effect="rate_difference", confidence=confidence, **wide)  # type: ignore[no-any-return]


def trend_or_season(case: Case, found: Checked, judged: Judged) -> bool:
    """Whether the answer hangs on what less than two years cannot tell: was it a trend that ran before, or a season?

    Inside one year a season looks like a trend. The comparison of like months takes the season out, the regression with
    a trend takes the trend out; where nobody declared that one of them is absent, both must say the same.
    """
    plan, series = case.plan, judged.series
    unknown = plan.season != "none" and plan.trend == "auto" and not found.season
    if not unknown or found.controlled or not found.trend or series is None:
        return False
    plain = fit_series(case.data, plan, found.before, case.after, controlled=False, trend=False)
    if plain is None:
        return False
    return side_of(plain.comparison(), plan.measured) != side_of(series.comparison(), plan.measured)


def stands_without_signals(case: Case, found: Checked, judged: Judged) -> bool:
    """Whether the improvement is there too when the periods that made the baseline unstable are left out."""
    signals = baseline_signals(case, trend=found.trend, season=found.season)
    if not signals.any() or judged.series is None or judged.primary is None:
        return False
    before = found.before & ~signals
    again = fit_series(case.data, case.plan, before, case.after, controlled=found.controlled, trend=found.trend)
    metric = case.plan.measured
    return again is not None and side_of(again.comparison(), metric) == side_of(judged.primary, metric)
