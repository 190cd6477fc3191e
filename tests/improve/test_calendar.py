"""Day and month swapped: found where it happened, never where it did not."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats import LogColumns, VerificationPlan
from qstats.improve.verify.checks.calendar import Swapped, calendar_finding, swapped_days
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.sources import Source

BUSINESS = (1.4, 1.4, 1.4, 1.4, 1.4, 0.0, 0.0)
FLAT = (1.0,) * 7


def swap(days: Any) -> Any:
    """What a program makes of day/month text that it reads as month/day wherever it can."""
    read = []
    for day in days.astype(object).tolist():
        read.append(dt.date(day.year, day.day, day.month) if day.day <= 12 else day)
    return np.array(read, dtype="datetime64[D]")


def log(
    seed: int, rows: int = 2000, days: int = 366, week: Any = BUSINESS, season: float = 0.2, scatter: float = 1.0,
    bursts: int = 0, persistence: float = 0.0,
) -> tuple[Any, Any]:  # fmt: skip
    rng = np.random.default_rng(seed)
    day = np.datetime64("2024-01-01") + np.arange(days)
    weekday = np.array([d.weekday() for d in day.astype(object)])
    mean = rows / days * np.array(week)[weekday]
    mean = mean * (1 + season * np.sin(2 * np.pi * np.arange(days) / 365.25 + rng.uniform(0, 6.28)))
    z = rng.standard_normal(days)
    for t in range(1, days):
        z[t] = persistence * z[t - 1] + (1 - persistence**2) ** 0.5 * z[t]
    mean = mean * np.exp(0.4 * z) if persistence else mean
    for start in rng.integers(0, days - 8, bursts):
        mean[start : start + 6] *= 8
    if scatter > 1:
        mean = np.where(mean > 0, rng.gamma(np.maximum(mean, 1e-9) / (scatter - 1), scatter - 1), 0.0)
    return day, rng.poisson(mean).astype(float)


ORDINARY: list[dict[str, Any]] = [
    {},
    {"week": FLAT, "season": 0.4},
    {"scatter": 4.0, "days": 731},
    {"persistence": 0.9, "week": FLAT},
    {"bursts": 2},
    {"bursts": 1, "persistence": 0.8, "week": FLAT, "days": 200},
    {"rows": 100_000, "days": 1826, "persistence": 0.9, "bursts": 3},
    {"rows": 300, "days": 150},
]


def test_ordinary_logs_raise_no_alarm() -> None:
    alarms = sum(swapped_days(*log(seed, **ORDINARY[seed % len(ORDINARY)])) is not None for seed in range(200))
    assert alarms <= 1


@pytest.mark.parametrize("options", [{}, {"scatter": 3.0}, {"persistence": 0.8}, {"rows": 20_000, "days": 1826}])
def test_swapped_business_days_are_found(options: dict[str, Any]) -> None:
    hits = 0
    for seed in range(20):
        days, n = log(seed, **options)
        found = swapped_days(swap(days), n)
        hits += found is not None
        if found is not None:
            ambiguous = [(d.day <= 12 and d.day != d.month) for d in days.astype(object)]
            assert found.rows == n[np.array(ambiguous)].sum()
            assert found.chi2_back < found.chi2 / 3
    assert hits >= 19


def test_a_part_of_the_year_is_enough() -> None:
    days, n = log(1, days=120, rows=1500)
    assert swapped_days(days, n) is None
    assert isinstance(swapped_days(swap(days), n), Swapped)


def test_rows_may_repeat_and_come_in_any_order() -> None:
    days, n = log(3)
    single = np.repeat(swap(days), n.astype(int))
    np.random.default_rng(0).shuffle(single)
    one = swapped_days(single, np.ones(single.size))
    many = swapped_days(swap(days), n)
    assert one is not None
    assert many is not None
    assert (one.rows, one.pvalue, one.chi2) == pytest.approx((many.rows, many.pvalue, many.chi2))


def test_counts_by_month_or_week_are_left_alone() -> None:
    months = np.arange("2015-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]")
    assert swapped_days(months, np.full(months.size, 50.0)) is None
    weeks = np.datetime64("2015-01-05") + 7 * np.arange(500)
    assert swapped_days(weeks, np.full(weeks.size, 50.0)) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 50)), max_size=120))
def test_any_days_get_an_answer(rows: list[tuple[int, int]]) -> None:
    days = np.array([d for d, _ in rows], dtype="datetime64[D]")
    found = swapped_days(days, np.array([n for _, n in rows], dtype=float))
    assert found is None or 0 <= found.pvalue < 1e-4


def test_missing_and_absurd_dates_are_no_reason_to_fail() -> None:
    days, n = log(4)
    days = np.append(days, np.array(["NaT", "NaT"], dtype="datetime64[D]"))
    assert swapped_days(days, np.append(n, [5.0, 6.0])) is None
    assert swapped_days(np.append(days, np.datetime64("9999-12-31")), np.append(n, [5.0, 6.0, 1.0])) is None


# -- in a case --
def case(days: Any, n: Any, drawn: str = "2024-12-31") -> Case:
    plan = VerificationPlan(
        "Fewer?", action_date="2024-07-01", baseline=("2024-01-01", "2024-06-30"), horizon="2024-12-31"
    )
    source = Source(pd.DataFrame({"date": days, "n": n}), "constant", LogColumns(events="n"))
    data, read = period_table(plan, source, None, None)
    return Case(plan, data, read, source, np.datetime64(drawn))


def test_the_finding_names_the_rows_in_both_languages() -> None:
    days, n = log(5)
    assert calendar_finding(case(days, n)) is None
    found = calendar_finding(case(swap(days), n))
    assert found is not None
    english, chinese, rows = found
    assert rows > 500
    assert english.format(rows).endswith("by their pattern in the calendar")
    assert "颠倒" in chinese.format(rows)


def test_rows_astray_only_for_being_swapped_are_found() -> None:
    rng = np.random.default_rng(6)  # a log to the end of September, seven days a week, without any pattern
    days = np.datetime64("2024-01-01") + np.arange(274)
    n = rng.poisson(0.6, 274).astype(float)
    assert calendar_finding(case(days, n, "2024-09-30")) is None
    found = calendar_finding(case(swap(days), n, "2024-09-30"))
    assert found is not None
    ahead = np.array([d.day in (10, 11, 12) and d.month <= 9 for d in days.astype(object)])
    assert found[2] == n[ahead].sum()


def test_a_log_that_runs_on_is_no_defect() -> None:
    days = np.datetime64("2024-01-01") + np.arange(376)  # ten days beyond the horizon
    assert calendar_finding(case(days, np.full(376, 3.0), "2025-01-10")) is None
