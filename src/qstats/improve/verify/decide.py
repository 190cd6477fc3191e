"""The rules that turn an interval and the checks into a state, a reason and a grade."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qstats.improve.verify.declare import Metric, worse_by
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.verdict import Check, GuardrailResult
from qstats.inference.comparison import Comparison

__all__ = ["BLOCKING", "decide", "grade", "side_of", "span"]

BLOCKING = ("sanity", "phases", "definition", "horizon", "season", "delay")
_PICKED = ("warn:picked", "warn:predicted")  # the worst of many got better by itself, at least in part
_ENOUGH_STRENGTH = ("confirmed", "verified")


def span(c: Comparison, metric: Metric) -> tuple[float, float]:
    """Return the interval as best and worst case: how far each lies on the worse side of no change."""
    ends = [
        worse_by(value, metric.null, metric.better or "lower", metric.is_ratio)
        for value in (c.interval.low, c.interval.high)
    ]
    return min(ends), max(ends)


def side_of(c: Comparison, metric: Metric) -> int:
    """Return -1 where the interval lies on the better side, 1 on the worse, 0 where it holds no change."""
    best, worst = span(c, metric)
    return int(best > 0) - int(worst < 0)


def decide(
    plan: VerificationPlan,
    primary: Comparison | None,
    blocked: str | None,
    mark: str,
    guardrails: Sequence[GuardrailResult],
    doubt: str | None,
) -> tuple[str, str]:
    """Return state and reason by the interval of the primary comparison, the guardrails and the grade.

    A breach of a guardrail overrides success; `doubt` is the code of a check whose second look at the data did not
    agree with an improvement ("trend": nor with any other answer).
    """
    if blocked is not None:
        return "inconclusive", blocked
    breach = any(g.state == "breach" for g in guardrails)
    if primary is None or math.isnan(primary.estimate):
        return ("harmful", "guardrail_breached") if breach else ("inconclusive", "no_information")
    metric = plan.measured
    best, worst = span(primary, metric)
    target = worse_by(plan.target, metric.null, metric.better or "lower", metric.is_ratio)
    if breach:
        return "harmful", "guardrail_breached"
    if doubt == "trend":
        return "inconclusive", "trend"
    if best > 0.0:
        return "harmful", "harmful"
    if worst < 0.0:
        if mark == "D":
            return "inconclusive", "cause_not_established"
        if doubt is not None:
            return "inconclusive", doubt
        if any(g.state != "pass" for g in guardrails):
            return "inconclusive", "safety_not_shown"
        if worst <= target:
            return "effective", "target_met"
        return "effective", "target_not_shown" if best <= target else "target_excluded"
    return ("not_shown", "effect_excluded") if best > target else ("inconclusive", "compatible_with_both")


def grade(
    checks: Sequence[Check], *, controlled: bool, strength: str, stands_without_signals: bool, specific: bool | None
) -> str:
    """Return the grade: was it the action?

    A: a concurrent control that ran in parallel, nothing else moved alike (`specific`). B: a regression of the periods
    with a stable baseline, trend and season settled, and the change dated to the action. C: an improvement whose cause
    is likely. D: the rest; a D cannot be called effective. A and B want strength "confirmed" at least, a plan declared
    before, and volume that was measured.
    """
    by_code = {c.code: c for c in checks}

    def at(code: str) -> str:
        return f"{by_code[code].status}:{by_code[code].key}" if code in by_code else "absent"

    if any(c.status == "fail" for c in checks) or dict(by_code["amount"].numbers).get("cap") == "D":
        return "D"
    if not controlled and at("baseline") != "pass:stable" and not stands_without_signals:
        return "D"
    if at("trend") == "warn:evident":
        return "D"
    sound = strength in _ENOUGH_STRENGTH and at("plan").startswith("pass") and at("exposure") != "not possible:declared"
    if not sound or at("regression") in _PICKED or at("implementation") == "warn:not_moved":
        return "C"
    if controlled:
        return "A" if at("control") == "pass:parallel" and specific is not False else "C"
    settled = at("baseline") == "pass:stable" and at("trend") not in ("warn:declared_none", "not possible:short")
    dated = at("other") == "pass:dated"
    return "B" if settled and dated and specific is not False and at("amount").startswith("pass") else "C"
