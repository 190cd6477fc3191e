"""Did the change help the customer? From a plan and a complaint log to a verdict."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.improve.verify import checks as ck
from qstats.improve.verify.evidence import collect_evidence
from qstats.improve.verify.periods import PeriodTable, period_table
from qstats.improve.verify.phrases_evidence import NOT_CHECKED
from qstats.improve.verify.plan import LogColumns, VerificationPlan
from qstats.improve.verify.series import autocorrelation_check, fit_series, series_evidence
from qstats.improve.verify.verdict import Check, Phase, Verdict
from qstats.inference.comparison import Comparison
from qstats.inference.rates import compare_rates, ratio_of_rate_ratios
from qstats.inference.series.result import InterruptedSeries
from qstats.spc.chart import ControlChart
from qstats.spc.charts.attributes import u_chart

__all__ = ["verify_improvement"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """The comparisons and what they rest on."""

    primary: Comparison | None
    crude: Comparison | None
    absolute: Comparison | None
    before: Mask
    phi: float
    df: float
    series: InterruptedSeries | None = None


def _totals(data: PeriodTable, mask: Mask) -> tuple[float, float]:
    return float(data.events[mask].sum()), float(data.exposure[mask].sum())


def _rate_ratio(data: PeriodTable, after: Mask, before: Mask, confidence: float) -> Comparison:
    """After over before; the scatter between periods widens the interval whenever there is more than Poisson."""
    phi, df = ck.dispersion(data.events, data.exposure, (before, after))
    totals = (*_totals(data, after), *_totals(data, before))
    if df and phi > 1.0:
        return compare_rates(*totals, method="score", dispersion=phi, df=df, confidence=confidence)
    return compare_rates(*totals, confidence=confidence)


def _conditional_dispersion(data: PeriodTable, masks: tuple[Mask, ...]) -> tuple[float, float]:
    """Pearson chi-square over df of the target's share of both counts: what both share (weather, season) cancels."""
    chi2, df = 0.0, -len(masks)
    control, control_exposure = data.control_events, data.control_exposure
    assert control is not None and control_exposure is not None
    for mask in masks:
        mask = mask & (data.events + control > 0)
        total, e, e0 = (data.events + control)[mask], data.exposure[mask], control_exposure[mask]
        ratio = (data.events[mask].sum() / e.sum()) / (control[mask].sum() / e0.sum())
        p = ratio * e / (ratio * e + e0)
        chi2 += float((((data.events[mask] - total * p) ** 2) / (total * p * (1.0 - p))).sum())
        df += int(mask.sum())
    return (chi2 / df, float(df)) if df > 0 else (1.0, math.inf)


def _control_scatter(data: PeriodTable, before: Mask, after: Mask) -> tuple[float, float]:
    """Dispersion of the controlled comparison, and what the control's own counts add to its variance."""
    control = data.control_events
    assert control is not None
    phi, _ = _conditional_dispersion(data, (before, after))
    return phi, 1.0 / float(control[before].sum()) + 1.0 / float(control[after].sum())


def _controlled_ratio(data: PeriodTable, after: Mask, before: Mask, confidence: float) -> Comparison:
    control, amount = data.control_events, data.control_exposure
    assert control is not None and amount is not None
    phi, df = _conditional_dispersion(data, (before, after))
    cells = [
        _totals(data, after),
        _totals(data, before),
        (float(control[after].sum()), float(amount[after].sum())),
        (float(control[before].sum()), float(amount[before].sum())),
    ]
    return ratio_of_rate_ratios(*cells, dispersion=phi, df=df if phi > 1.0 else math.inf, confidence=confidence)


def _needs_control(case: ck.Case) -> bool:
    return case.data.control_events is not None


def _run_checks(case: ck.Case) -> tuple[list[Check], bool, Mask]:
    """All checks in their fixed order, whether the control decides, and the baseline periods to compare with."""
    first = [ck.plan_check(case), ck.sanity_check(case), ck.phases_check(case)]
    if first[-1].status == "fail":
        horizon = ck.horizon_check(case, math.nan)
        return [*first, *([horizon] if horizon.status == "fail" else [])], False, case.before
    control, controlled = ck.control_check(case) if _needs_control(case) else (None, False)
    season, before = ck.season_check(case, controlled)
    phi, df = ck.dispersion(case.data.events, case.data.exposure, (before, case.after))
    rest = [
        ck.horizon_check(case, *(_control_scatter(case.data, before, case.after) if controlled else (phi,))),
        ck.amount_check(case),
        ck.baseline_check(case),
        season,
        ck.overdispersion_check(phi, df),
        ck.exposure_check(case),
    ]
    return first + rest + ([control] if control is not None else []), controlled, before


def _judge(case: ck.Case, controlled: bool, before: Mask) -> _Judged:
    data, after, confidence = case.data, case.after, 1.0 - case.plan.alpha
    if not case.before.any() or not after.any():
        return _Judged(None, None, None, before, math.nan, 0.0)
    phi, df = ck.dispersion(data.events, data.exposure, (before, after))
    crude = _rate_ratio(data, after, case.before, confidence)
    simple = crude if bool((before == case.before).all()) else _rate_ratio(data, after, before, confidence)
    series = fit_series(case, before, controlled)
    totals = _controlled_ratio(data, after, before, confidence) if controlled else simple
    primary = totals if series is None else series.comparison()
    wide: dict[str, Any] = {"dispersion": phi, "df": df} if df and phi > 1.0 else {}
    absolute = compare_rates(
        *_totals(data, after), *_totals(data, before), effect="rate_difference", confidence=confidence, **wide
    )
    return _Judged(primary, crude, absolute, before, phi, df, series)


_BLOCKING = ("sanity", "phases", "horizon", "season")


def _decide(plan: VerificationPlan, primary: Comparison | None, blocked: str | None, grade: str) -> tuple[str, str]:
    """State and reason by the interval of the primary comparison against 1 and the promised ratio."""
    if blocked is not None:
        return "inconclusive", blocked
    if primary is None or math.isnan(primary.estimate):
        return "inconclusive", "no_information"
    low, high = primary.interval.low, primary.interval.high
    if low > 1.0:
        return "harmful", "harmful"
    if high < 1.0:
        if grade == "D":
            return "inconclusive", "cause_not_established"
        if high <= plan.target_rr:
            return "effective", "target_met"
        return "effective", "target_not_shown" if low <= plan.target_rr else "target_excluded"
    return ("not_shown", "effect_excluded") if low > plan.target_rr else ("inconclusive", "compatible_with_both")


def _grade(checks: list[Check], controlled: bool) -> str:
    """C at most while a trend that ran before is not looked at; D where the simple comparison cannot carry a cause."""
    by_code = {c.code: c for c in checks}
    if any(c.status == "fail" for c in checks):
        return "D"
    if dict(by_code["amount"].numbers).get("cap") == "D":
        return "D"
    if not controlled and by_code["baseline"].status != "pass":
        return "D"
    return "C"


def _strength(judged: _Judged) -> Any:
    """How well a change stands against months that hang together; 'indicated' where that could not be looked at."""
    return "indicated" if judged.series is None else judged.series.strength


def _phases(data: PeriodTable) -> tuple[Phase, ...]:
    out = []
    for name in ("baseline", "transition", "after", "excluded"):
        mask = data.where(name)
        if mask.any():
            y, e = _totals(data, mask)
            first, last = data.start[mask][0], data.end[mask][-1]
            out.append(Phase(name, y, e, y / e, int(mask.sum()), str(first), str(last)))
    return tuple(out)


def _staged_chart(case: ck.Case) -> ControlChart | None:
    """A u chart of the periods with limits of their own before and after; other periods are shown, not used."""
    data, used = case.data, case.before | case.after
    if not case.before.any() or not case.after.any() or data.events[used].sum() == 0:
        return None
    seen = np.flatnonzero(data.exposure > 0)
    span = slice(seen[0], seen[-1] + 1)
    if (data.exposure[span] <= 0).any():
        return None
    first_after = np.flatnonzero(data.role == "after")[0]
    phase = np.where(np.arange(data.role.size) < first_after, "before", "after")
    return u_chart(
        data.events[span],
        exposure=data.exposure[span],
        order_by=data.start[span],
        phase=phase[span],
        exclude=~used[span],
    )


def _not_checked(controlled_plan: bool) -> tuple[str, ...]:
    return tuple(code for code in NOT_CHECKED if code != "control" or not controlled_plan)


def _versions() -> dict[str, str]:
    from qstats import __version__

    return {
        "qstats": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }


_AUTOCORRELATION = Note(
    "autocorrelation-not-adjusted",
    "warning",
    "too few periods to adjust for months that hang together: they count as independent; 'indicated' at most",
)


def verify_improvement(
    plan: VerificationPlan,
    complaints: Any,
    *,
    exposure: Any,
    control: Any = None,
    control_exposure: Any = None,
    columns: LogColumns | None = None,
) -> Verdict:
    r"""Tell, with evidence that can be re-run, whether an action made complaints rarer.

    Use it after a corrective action, with a plan written before. It compares rates, never bare counts; it refuses to
    call a seasonal swing, a shrunken volume or an early look a success. Months that hang together are adjusted for; a
    trend that ran before is not yet, and the grade says so.

    Parameters
    ----------
    plan : VerificationPlan
    complaints : frame
        One row per complaint (or counts, with ``columns.events``) in pandas, Polars, PyArrow, DuckDB, Dask or Spark.
    exposure : frame or "constant"
        Orders, units or customers by day or period. ``"constant"`` declares that volume did not change.
    control, control_exposure : frame, optional
        The same for a group that was not changed, when the plan says ``control="group"``.
    columns : LogColumns, optional
        Names of the columns.

    Returns
    -------
    Verdict

    Raises
    ------
    DataError
        Tables that cannot be read as the plan needs; a control that the plan does not name.

    Notes
    -----
    Primary, with 12 periods before and 6 after: the step of a regression of the periods with autocorrelation integrated
    out (`interrupted_series`; two harmonics where the baseline holds two years), on the same calendar months where the
    season demands; with a control that ran in
    parallel, of the share of both counts. With fewer periods, or a phase without events: the rate ratio of the totals
    (conditional mid-p; score with Student's t where periods scatter more than Poisson). With interval
    :math:`[L, U]`, target :math:`\tau`: harmful if :math:`L > 1`, effective if :math:`U < 1`, not shown if
    :math:`L > \tau`, inconclusive otherwise or when a check blocks.

    References
    ----------
    ISO 9001:2015 10.2.1 d); IATF 16949:2016 10.2.3. Fay (2010), Biostatistics 11(2), 373-374.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats import LogColumns, VerificationPlan, verify_improvement
    >>> months = pd.date_range("2023-01-01", "2024-12-01", freq="MS")
    >>> counts = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29] + [14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13]
    >>> log = pd.DataFrame({"date": months, "n": counts, "orders": 1000.0})
    >>> plan = VerificationPlan("Fewer late parcels?", "2024-01-01", ("2023-01-01", "2023-12-31"), "2024-12-31")
    >>> v = verify_improvement(plan.freeze(on="2023-12-15"), log, exposure=log,
    ...                        columns=LogColumns(events="n", exposure="orders"))
    >>> v.state, v.reason, v.grade
    ('effective', 'target_met', 'C')
    """
    if not isinstance(plan, VerificationPlan):
        raise DataError(f"plan: got a {type(plan).__name__}; a VerificationPlan is wanted")
    data = period_table(plan, complaints, exposure, control, control_exposure, columns or LogColumns())
    case = ck.Case(plan, data, exposure_declared=isinstance(exposure, str))
    checks, controlled, before = _run_checks(case)
    judged = _judge(case, controlled, before)
    if judged.primary is not None:
        checks = sorted([*checks, autocorrelation_check(judged.series, case)], key=lambda c: c.number)
    blocked = next((code for code in _BLOCKING for c in checks if c.code == code and c.status == "fail"), None)
    grade = _grade(checks, controlled)
    state, reason = _decide(plan, judged.primary, blocked, grade)
    significant = judged.primary is not None and 1.0 not in judged.primary.interval
    comparisons = (judged.primary, judged.crude, judged.absolute)
    evidence = collect_evidence(case, *comparisons, before, judged.phi, _rate_ratio, blocked=blocked is not None)
    return Verdict(
        state=state,  # type: ignore[arg-type]
        reason=reason,
        strength=_strength(judged) if significant and blocked is None else "none",
        grade=grade,
        question=plan.question,
        primary=judged.primary if blocked is None else None,
        crude=judged.crude,
        absolute=judged.absolute,
        checks=tuple(checks),
        evidence=(*evidence, *series_evidence(judged.series)),
        guardrails=(),
        warnings=tuple(dict.fromkeys(c.warning for c in checks if c.warning)),
        phases=_phases(data),
        periods=tuple(map(str, data.start)),
        events=data.events,
        exposure=data.exposure,
        role=tuple(map(str, data.role)),
        chart=_staged_chart(case),
        control_rate=_control_rate(data),
        not_checked=_not_checked(plan.control != "none"),
        plan=plan.to_dict(),
        plan_hash=plan.hash,
        data_digest=data.digest,
        versions=_versions(),
        notes=() if judged.series is not None else (_AUTOCORRELATION,),
    )


def _control_rate(data: PeriodTable) -> FloatArray | None:
    if data.control_events is None or data.control_exposure is None:
        return None
    present = data.control_exposure > 0
    rate: FloatArray = np.full(present.size, np.nan)
    np.divide(data.control_events, data.control_exposure, out=rate, where=present)
    return rate
