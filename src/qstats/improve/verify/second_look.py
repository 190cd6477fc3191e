"""A second look at an effect: what else could have made it, and does it stand when the data are cut another way?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qstats.improve.verify.anytime import judge_anytime
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.cause import implementation_check, other_check
from qstats.improve.verify.checks.mix import mix_check
from qstats.improve.verify.checks.regression import regression_check
from qstats.improve.verify.evidence_categories import placebo_categories
from qstats.improve.verify.evidence_hold import post_slope
from qstats.improve.verify.grid import Grid, sensitivity_grid
from qstats.improve.verify.judge import Checked, Judged, trend_or_season
from qstats.improve.verify.placebo import placebo_dates
from qstats.improve.verify.sites import staggered_sites
from qstats.improve.verify.sources import Source
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
    warnings: tuple[str, ...] = ()
    doubt: str | None = None
    specific: bool | None = None
    grid: Grid | None = None


def second_look(case: Case, found: Checked, judged: Judged, sources: Mapping[str, Source], *, full: bool) -> Second:
    """Return the checks and the evidence that need the comparison; what decides nothing only when `full`."""
    before, primary, controlled = found.before, judged.primary, found.controlled
    regression, peak = regression_check(case, before, primary, controlled, trend=found.trend, season=found.season)
    mix, strata, mixed = mix_check(case, before, primary)
    categories, specific = placebo_categories(case, before)
    at_looks = judge_anytime(case, before)
    torn = trend_or_season(case, found, judged)
    checks = [regression, *([mix] if mix is not None else [])]
    doubt = "trend" if torn else "regression" if peak else "mix" if mixed else None
    if at_looks is None:
        looks: tuple[Evidence, ...] = ()
        doubt = "looks" if case.plan.looks == "anytime" else doubt
    else:
        looks = (at_looks[2],)
        doubt = doubt if at_looks[1] else "looks"
    if case.plan.implementation is not None:
        checks.append(implementation_check(case, sources.get(case.plan.implementation.name), before))
    evidence = (*strata, *looks, *categories)
    picked = case.plan.selected_from is not None and case.plan.selected_from > 1 and case.plan.unit is None
    warned = ("W-MULTI",) if picked else ()  # the best of many categories or figures
    if not full or primary is None:
        return Second(tuple(checks), evidence, warned, doubt, specific)
    checks.append(other_check(case, before, judged.series, controlled=controlled))
    fading, warning = post_slope(case, before, judged.series, controlled=controlled)
    placebo = placebo_dates(case, before, judged.series, controlled=controlled)
    share, grid = sensitivity_grid(case, before, primary, controlled, found.trend)
    more = tuple(item for item in (fading, placebo, share) if item is not None)
    evidence = (*evidence, *more, *staggered_sites(case))
    warned = warned if warning is None else (*warned, warning)
    return Second(tuple(checks), evidence, warned, doubt, specific, grid)
