"""A second look at an effect: what else could have made it, and does it stand when the data are cut another way?"""

from __future__ import annotations

from dataclasses import dataclass

from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.mix import mix_check
from qstats.improve.verify.checks.regression import regression_check
from qstats.improve.verify.evidence_categories import placebo_categories
from qstats.improve.verify.judge import Checked, Judged
from qstats.improve.verify.verdict import Check, Evidence

__all__ = ["Second", "second_look"]


@dataclass(frozen=True, slots=True)
class Second:
    """What the second look found.

    `doubt` is the code of a check that does not agree with an improvement; `specific` whether the target moved beyond
    what was not targeted (None: it cannot be told).
    """

    checks: tuple[Check, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    doubt: str | None = None
    specific: bool | None = None


def second_look(case: Case, found: Checked, judged: Judged) -> Second:
    """Return the checks and the evidence that need the comparison."""
    before, primary = found.before, judged.primary
    regression, peak = regression_check(case, before, primary, found.controlled, trend=found.trend, season=found.season)
    mix, strata, mixed = mix_check(case, before, primary)
    categories, specific = placebo_categories(case, before)
    checks = [regression, *([mix] if mix is not None else [])]
    doubt = "regression" if peak else "mix" if mixed else None
    return Second(tuple(checks), (*strata, *categories), doubt, specific)
