"""Did the change help the customer? From a plan and a complaint log to a verdict."""

from __future__ import annotations

import datetime as dt
import platform
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.drift import trend_unmodelled
from qstats.improve.verify.checks.maturity import delay_of
from qstats.improve.verify.coarse import coarse_periods, periods_together
from qstats.improve.verify.decide import BLOCKING, decide, grade, side_of
from qstats.improve.verify.declare import LogColumns
from qstats.improve.verify.evidence import collect_evidence
from qstats.improve.verify.guardrails import judge_guardrails, judge_secondary, sources_of
from qstats.improve.verify.judge import Checked, Judged, judge, run_checks, stands_without_signals
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.phrases_evidence import NOT_CHECKED
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.plan_parts import as_date
from qstats.improve.verify.second_look import Second, second_look
from qstats.improve.verify.series import autocorrelation_check, series_evidence
from qstats.improve.verify.sources import Read, Source
from qstats.improve.verify.staged import control_level, phase_totals, staged_chart
from qstats.improve.verify.trapped import trap_evidence
from qstats.improve.verify.verdict import Check, Verdict
from qstats.inference.series.result import InterruptedSeries

__all__ = ["verify_improvement"]


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


def _day_of(given: object, source: Source, read: Read) -> np.datetime64:
    """The day the tables were drawn: as given, else the last day anything in them happened or came in."""
    if given is not None:
        return np.datetime64(as_date(given, "data_date"), "D")
    days = [tally.days for tally in (read.log, read.exposure) if tally is not None]
    last = [d[~np.isnat(d)].max() for d in days if (~np.isnat(d)).any()]
    return max(last) if last else np.datetime64(dt.date.today(), "D")


def verify_improvement(
    plan: VerificationPlan,
    complaints: Any,
    *,
    exposure: Any = None,
    control: Any = None,
    control_exposure: Any = None,
    survey: Any = None,
    guardrail_data: Any = None,
    columns: LogColumns | None = None,
    data_date: object = None,
    full: bool = True,
) -> Verdict:
    r"""Tell, with evidence that can be re-run, whether an action made complaints rarer (or another metric better).

    Use it after a corrective action, with a plan written before. It compares rates, never bare counts; it refuses to
    call a seasonal swing, a trend that ran before, a shrunken volume, late reports or an early look a success, and a
    guardrail that broke overrides any success.

    Parameters
    ----------
    plan : VerificationPlan
    complaints : frame
        One row per complaint (or counts, with ``columns.events``), per answer or per ticket, in pandas, Polars,
        PyArrow, DuckDB, Dask or Spark.
    exposure : frame or "constant", optional
        Orders, units or customers by day or period. ``"constant"`` declares that volume did not change. Left out where
        every row of `complaints` is a case with a value.
    control, control_exposure : frame, optional
        The same for a group that was not changed, when the plan says ``control="group"``.
    survey, guardrail_data : dict, optional
        Tables of the guardrails, secondary metrics and process metric of the plan, by their names: a frame with columns
        ``date`` and ``value``, or ``{"log": frame, "exposure": frame, "columns": LogColumns(...)}``.
    columns : LogColumns, optional
        Names of the columns.
    data_date : date, optional
        Day the tables were drawn; default: the last day in them.
    full : bool
        False leaves out what decides nothing about the state (sensitivity grid, placebo dates, traps, the date of the
        change): ten times as fast, for screening many logs; grade C at most without a control.

    Returns
    -------
    Verdict

    Raises
    ------
    DataError
        Tables that cannot be read as the plan needs; data for something that the plan does not name.

    Notes
    -----
    Primary, with 12 periods before and 6 after: the step of a regression of the periods with autocorrelation integrated
    out (`interrupted_series`, `interrupted_means`), with a trend unless the baseline shows that none can matter, two
    harmonics where the baseline holds two years, on the same calendar months where the season demands; with a control
    that ran in parallel, relative to it. With fewer periods, or a phase without events: the totals of the phases
    (conditional mid-p for rates, score for shares, Welch for means; Student's t where periods scatter more than
    chance). With interval :math:`[L, U]` and target :math:`\tau`, lower better: harmful if :math:`L > 1` or a guardrail
    is breached, effective if :math:`U < 1` and all guardrails pass, not shown if :math:`L > \tau`, inconclusive
    otherwise or when a check blocks.

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
    >>> plan = VerificationPlan("Fewer late parcels?", "2024-01-01", ("2023-01-01", "2023-12-31"), "2024-12-31",
    ...                         trend="none")
    >>> v = verify_improvement(plan.freeze(on="2023-12-15"), log, exposure=log,
    ...                        columns=LogColumns(events="n", exposure="orders"))
    >>> v.state, v.reason, v.grade
    ('effective', 'target_met', 'C')
    """
    if not isinstance(plan, VerificationPlan):
        raise DataError(f"plan: got a {type(plan).__name__}; a VerificationPlan is wanted")
    case, more = _read(
        plan, (complaints, exposure, control, control_exposure), survey, guardrail_data, columns, data_date
    )
    found, case = run_checks(case)
    judged = judge(case, found)
    checks = list(found.checks)
    if found.trend and (judged.series is None or "trend" not in judged.series.coefficients):
        checks = [
            trend_unmodelled(case, found.before, c) if c.code == "trend" and not found.controlled else c for c in checks
        ]
    second = Second()
    if judged.primary is not None and not found.stopped:
        second = second_look(case, found, judged, more, full=full)
        checks += [autocorrelation_check(judged.series, case), *second.checks]
    return _verdict(case, found, judged, second, sorted(checks, key=lambda c: c.number), more, full)


def _read(
    plan: VerificationPlan, tables: tuple[Any, ...], survey: Any, guardrail_data: Any, columns: LogColumns | None,
    data_date: object,
) -> tuple[Case, dict[str, Source]]:  # fmt: skip
    """Read every table that was given."""
    complaints, exposure, control, control_exposure = tables
    names = LogColumns() if columns is None else columns
    if not isinstance(names, LogColumns):
        raise DataError(f"columns: got a {type(names).__name__}; LogColumns(date='...', ...) is wanted")
    source = Source(complaints, exposure, names)
    other = None
    if control is not None or control_exposure is not None:
        if plan.control != "group":
            raise DataError(
                f"control: given, but the plan says control={plan.control!r}; the plan decides, not the call"
            )
        if control is None:
            raise DataError("control: missing beside control_exposure; pass the control's table too")
        other = Source(control, control_exposure, names, "control")
    given = None if data_date is None else np.datetime64(as_date(data_date, "data_date"), "D")
    process = () if plan.implementation is None else (plan.implementation,)
    declared = (*plan.guardrails, *plan.secondary, *process)
    more = sources_of(survey, declared, "survey") | sources_of(guardrail_data, declared, "guardrail_data")
    data, read = period_table(plan, source, other, given)
    day = _day_of(data_date, source, read)
    delay = delay_of(source, day) if plan.reporting_delay in (None, "drop", "offset") else None
    return Case(plan, data, read, source, day, delay, given is not None), more


def _verdict(
    case: Case,
    found: Checked,
    judged: Judged,
    second: Second,
    checks: list[Check],
    more: dict[str, Source],
    full: bool,
) -> Verdict:
    plan, data, primary = case.plan, case.data, judged.primary
    blocked = next((code for code in BLOCKING for c in checks if c.code == code and c.status == "fail"), None)
    seen = case.before.any() and case.after.any()
    guardrails = judge_guardrails(case, found.before, more if seen else {})
    significant = primary is not None and side_of(primary, plan.measured) != 0
    strength: Any = judged.series.strength if judged.series is not None else "indicated"
    mark = grade(
        checks,
        controlled=found.controlled,
        strength=strength,
        stands_without_signals=stands_without_signals(case, found, judged),
        specific=second.specific,
    )
    state, reason = decide(plan, primary, blocked, mark, guardrails, second.doubt)
    improved = state == "effective"
    comparisons = (primary, judged.crude, judged.absolute)
    evidence = collect_evidence(case, *comparisons, found.before, judged.phi, blocked=blocked is not None)
    series = judged.series
    lines = _expected(case, found, series)
    return Verdict(
        state=state,  # type: ignore[arg-type]
        reason=reason,
        strength=strength if significant and blocked is None else "none",
        grade=mark,
        question=plan.question,
        primary=primary if blocked is None else None,
        crude=judged.crude,
        absolute=judged.absolute,
        checks=tuple(checks),
        evidence=(
            *evidence,
            *second.evidence,
            *series_evidence(series, plan.measured.better or "lower"),
            *(trap_evidence(case, checks, found.before, judged.phi) if seen and full else ()),
        ),
        guardrails=guardrails,
        secondary=judge_secondary(case, found.before, more if seen else {}, improved=improved),
        warnings=tuple(dict.fromkeys([*(c.warning for c in checks if c.warning), *second.warnings])),
        phases=phase_totals(data),
        periods=tuple(map(str, data.start)),
        events=data.events,
        exposure=data.exposure,
        role=tuple(map(str, data.role)),
        chart=staged_chart(case),
        control_rate=control_level(data),
        expected=lines[0],
        expected_low=lines[1],
        expected_high=lines[2],
        not_checked=_not_checked(checks),
        plan=plan.to_dict(),
        plan_hash=plan.hash,
        data_digest=data.digest,
        versions=_versions(),
        notes=() if series is not None else (_AUTOCORRELATION,),
        grid=second.grid,
    )


def _not_checked(checks: list[Check]) -> tuple[str, ...]:
    """What nobody looked at: no such check was made, or the data given could not tell."""
    seen = {c.code for c in checks if c.status != "not possible"}
    return tuple(code for code in NOT_CHECKED if code not in seen)


def _expected(case: Case, found: Checked, series: InterruptedSeries | None) -> tuple[FloatArray | None, ...]:
    """What the regression expects of each period without the action; where it summed several, each gets their level."""
    if series is None:
        return None, None, None
    together = periods_together(case.data, found.before, case.after, case.plan.period)
    data, _, _ = coarse_periods(case.data, found.before, case.after, together)
    lines = [series.expected, series.low, series.high]
    level = control_level(data)
    if found.controlled and level is not None and data.family in ("log", "mean"):  # the fit is of the distance to it
        lines = [line * level if data.family == "log" else line + level for line in lines]
    where = np.searchsorted(data.start, case.data.start, side="right") - 1
    shown = np.isin(case.data.role, ("baseline", "after"))
    return tuple(frozen_array(np.where(shown, line[where], np.nan)) for line in lines)
