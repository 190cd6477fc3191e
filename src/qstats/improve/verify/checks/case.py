"""What the checks look at, and how they say what they found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats.improve.guards.delay import ReportingDelay
from qstats.improve.verify import words
from qstats.improve.verify.periods import PeriodTable, target_of
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.reading import DAY, Days
from qstats.improve.verify.sources import Read, Source
from qstats.improve.verify.verdict import Check

__all__ = [
    "DRIFT_SHARE",
    "ENOUGH_AFTER",
    "ENOUGH_BEFORE",
    "LEAST_AFTER",
    "LEAST_BEFORE",
    "Case",
    "Drift",
    "Mask",
    "make_check",
    "promised",
]

ENOUGH_BEFORE, ENOUGH_AFTER = 12, 6  # NHS convention for a baseline; see the reference in `amount_check`
LEAST_BEFORE, LEAST_AFTER = 6, 3
DRIFT_SHARE = 0.25  # of the promised effect

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What the checks look at: the plan, the periods, and the tables behind them.

    Parameters
    ----------
    plan : VerificationPlan
    data : PeriodTable
    read : Read
        Everything in the log, by category, unit and stratum.
    source : Source
    data_date : datetime64[D]
        Day the tables were drawn.
    delay : ReportingDelay or None
        How long complaints take to come in, where the log tells.
    drawn : bool
        Whether the user said on which day the tables were drawn; otherwise it is the last day in them.
    """

    plan: VerificationPlan
    data: PeriodTable
    read: Read
    source: Source
    data_date: np.datetime64
    delay: ReportingDelay | None = None
    drawn: bool = False

    @property
    def exposure_declared(self) -> bool:
        """Whether volume was only declared constant."""
        return not self.read.by_case and self.read.exposure is None

    @property
    def target(self) -> Read:
        """The rows the plan is about."""
        return target_of(self.plan, self.read)

    @property
    def edges(self) -> Days:
        """First day of each period, and the day after the last."""
        return np.append(self.data.start, self.data.end[-1:] + DAY)

    @property
    def before(self) -> Mask:
        """Periods of the baseline with exposure."""
        return self.data.where("baseline")

    @property
    def after(self) -> Mask:
        """Periods after the action with exposure."""
        return self.data.where("after")


def make_check(number: int, code: str, key: str, status: Any, warning: str | None = None, **numbers: Any) -> Check:
    """Return a check with its words filled in from the word table."""
    value, threshold, consequence = words.finding(code, key, "en", **numbers)
    return Check(number, code, status, value, threshold, consequence, warning, key, tuple(numbers.items()))


@dataclass(frozen=True, slots=True)
class Drift:
    """A drift before the action, carried from the middle of before to the middle of after; ratios as logarithms."""

    estimate: float
    low: float
    high: float
    n: int


def promised(plan: VerificationPlan) -> float:
    """Return the size of the promised effect on the scale of the regression: log ratio or difference."""
    return abs(math.log(plan.target)) if plan.measured.is_ratio else abs(plan.target)
