"""Season: are the calendar months of both phases alike?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.improve.verify.checks.case import Case, Mask, make_check
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.verdict import Check

__all__ = ["season_check"]

MONTHS_ALIKE = 0.10  # total variation between the calendar months of the two phases


def _month_of(data: PeriodTable) -> npt.NDArray[np.int64]:
    middle = data.start + (data.end - data.start) // 2
    return middle.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _month_shares(data: PeriodTable, mask: Mask) -> FloatArray:
    days = (data.end - data.start).astype(np.float64) + 1.0
    shares = np.bincount(_month_of(data)[mask], weights=days[mask], minlength=13)[1:]
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _unlike(data: PeriodTable, a: Mask, b: Mask) -> float:
    return float(0.5 * np.abs(_month_shares(data, a) - _month_shares(data, b)).sum())


def season_check(case: Case, controlled: bool) -> tuple[Check, Mask]:
    """9: are the calendar months of both phases alike? Returns the check and the baseline periods to compare with."""
    data, before, after = case.data, case.before, case.after
    if case.plan.season == "none":
        return make_check(9, "season", "declared", "pass"), before
    months = sorted({int(m) for m in _month_of(data)[after]})
    years = [float((data.end[m][-1] - data.start[m][0]).astype(int) + 1) / 365.25 for m in (before, after)]
    if min(years) > 0.95 and _unlike(data, before, after) <= MONTHS_ALIKE / 2:
        return make_check(9, "season", "whole_years", "pass", before=years[0], after=years[1]), before
    text = ", ".join(map(str, months))
    same = before & np.isin(_month_of(data), months)
    if same.any() and _unlike(data, same, after) <= MONTHS_ALIKE:
        return make_check(9, "season", "same_months", "warn", "W-SEASON", months=text), same
    if controlled:
        return make_check(9, "season", "controlled", "warn", "W-SEASON", months=text), before
    return make_check(9, "season", "blocked", "fail", "W-SEASON", months=text), before
