"""The demonstration: two questions to 336,776 flights of 2013, one the data cannot answer and one they can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qstats import datasets
from qstats.improve.verify.declare import LogColumns
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.verdict import Verdict
from qstats.improve.verify.verify import verify_improvement

__all__ = ["COUNT", "questions"]

COUNT = 2

_CARRIER = "US"
_QUESTIONS = {
    "en": (
        "US Airways from New York, 2013: fewer late or cancelled flights since 1 September?",
        "US Airways from New York, 2013: fewer since 1 September than the other airlines had?",
    ),
    "zh": (
        "2013 年纽约出发的 US Airways：9 月 1 日以来晚点或取消的航班少了吗？",
        "2013 年纽约出发的 US Airways：9 月 1 日以来的变化比其他航空公司更好吗？",
    ),
}


def _plan(question: str, control: str) -> VerificationPlan:
    # Nothing is known to have been done on 1 September, and the plan was not written in 2013: the verdict says
    # "exploratory". The airline was chosen because its course before ran alongside the others', so a control exists.
    return VerificationPlan(
        question,
        action_date="2013-09-01",  # type: ignore[arg-type]
        baseline=("2013-01-01", "2013-08-31"),  # type: ignore[arg-type]
        horizon="2013-12-31",  # type: ignore[arg-type]
        period="week",
        target_rr=0.8,
        control=control,
    )


def _log_and_exposure(flights: Any) -> tuple[Any, Any]:
    late = flights.loc[flights["late"], ["date", "carrier"]]
    flown = flights.groupby("date", as_index=False).size().rename(columns={"size": "flights"})
    return late, flown


def questions(lang: str = "en") -> Iterator[Callable[[], Verdict]]:
    """Yield the two jobs; each returns a verdict when called."""
    flights = datasets.flights()
    ours = flights["carrier"] == _CARRIER
    late, flown = _log_and_exposure(flights[ours])
    columns = LogColumns(exposure="flights")
    first, second = _QUESTIONS[lang]
    yield lambda: verify_improvement(_plan(first, "none"), late, exposure=flown, columns=columns)
    others_late, others_flown = _log_and_exposure(flights[~ours])
    yield lambda: verify_improvement(
        _plan(second, "group"),
        late,
        exposure=flown,
        control=others_late,
        control_exposure=others_flown,
        columns=columns,
    )
