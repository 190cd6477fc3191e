"""24,918 IT tickets with a made-up date of action: the verdict runs through, counts rightly, and invents no success.

Data: UCI Machine Learning Repository 498, "Incident management process enriched event log", CC BY 4.0, one row per
ticket. Not part of the project. Nothing is known to have been done on 18 April 2016. Expected counts come from the csv
module. Times to resolution fall week by week before that date, and those of the last weeks look short because the slow
ones are still open: the two traps of this log.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qstats import LogColumns, Metric, Verdict, VerificationPlan, verify_improvement
from qstats.errors import DataError

FILE = Path(__file__).parents[3] / "shared" / "data" / "uci_incident_log" / "incidents_one_row_per_ticket.csv.gz"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE.name} is not beside this checkout"),
]
ACTION, FIRST, LAST = dt.date(2016, 4, 18), dt.date(2016, 3, 7), dt.date(2016, 5, 22)
DRAWN = dt.date(2016, 5, 29)
WITHIN = dt.timedelta(hours=120)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    data = pd.read_csv(FILE)
    return data.assign(**{c: pd.to_datetime(data[c]) for c in ("opened_at", "resolved_at", "closed_at")})


def judge(data: Any, metric: Metric, columns: LogColumns, **changes: Any) -> Verdict:
    drawn = changes.pop("data_date", "2017-03-01")
    plan = VerificationPlan(
        "Faster since the new desk?", ACTION, (FIRST, ACTION - dt.timedelta(1)), LAST, period="week", season="none",
        metric=metric, **changes,
    )  # fmt: skip
    exposure = "constant" if metric.kind == "rate" else None
    return verify_improvement(plan, data, exposure=exposure, columns=columns, data_date=drawn)


def phase_of(day: dt.date) -> str | None:
    return None if not FIRST <= day <= LAST else "after" if day >= ACTION else "baseline"


def counted(rows: list[dict[str, str]], closed: str) -> dict[str, list[int]]:
    """Tickets and misses of the promise by phase of the day they were opened; one never closed is a miss."""
    out = {"baseline": [0, 0], "after": [0, 0]}
    for row in rows:
        opened = dt.datetime.fromisoformat(row["opened_at"])
        phase = phase_of(opened.date())
        if phase is not None:
            end = dt.datetime.fromisoformat(row[closed]) if row[closed] else None
            out[phase][0] += 1
            out[phase][1] += end is None or end - opened > WITHIN
    return out


@pytest.mark.parametrize("closed", ["closed_at", "resolved_at"])
def test_counts_are_those_of_the_csv_module(rows: list[dict[str, str]], log: pd.DataFrame, closed: str) -> None:
    columns = LogColumns(date="opened_at", closed=closed, id="number", category="category", channel="contact_type")
    v = judge(log, Metric("late", "sla", within="120h"), columns)
    assert {p.name: [p.exposure, p.events] for p in v.phases} == counted(rows, closed)
    assert v.state != "effective"
    sanity = next(c for c in v.checks if c.code == "sanity")
    assert (sanity.status, sanity.value) == ("pass", "24918 complaints read, no defect found")


def test_open_tickets_are_misses_and_not_lost(rows: list[dict[str, str]], log: pd.DataFrame) -> None:
    # As drawn on 29 May: what closed later was open. All tickets of the phases were due by then, so nothing changes.
    early = log[log["opened_at"] < pd.Timestamp(DRAWN) + pd.Timedelta(days=1)].copy()
    later = early["closed_at"] >= pd.Timestamp(DRAWN) + pd.Timedelta(days=1)
    early.loc[later, "closed_at"] = pd.NaT
    columns = LogColumns(date="opened_at", closed="closed_at", id="number")
    v = judge(early, Metric("late", "sla", within="120h"), columns, data_date=DRAWN)
    assert {p.name: [p.exposure, p.events] for p in v.phases} == counted(rows, "closed_at")
    due = [
        dt.datetime.fromisoformat(r["opened_at"]) + WITHIN >= dt.datetime.combine(DRAWN, dt.time()) + dt.timedelta(1)
        for r in rows
        if dt.date.fromisoformat(r["opened_at"][:10]) <= DRAWN
    ]
    assert f"{sum(due)} without a value, or not due yet" in next(c for c in v.checks if c.code == "sanity").value


def hours(log: pd.DataFrame) -> pd.DataFrame:
    took = (log["closed_at"] - log["opened_at"]).dt.total_seconds() / 3600
    return log.assign(hours=took)[took > 0]


@pytest.mark.parametrize("trend", ["auto", "none"])
def test_times_that_fell_before_are_no_success(log: pd.DataFrame, trend: str) -> None:
    columns = LogColumns(date="opened_at", values="hours", id="number")
    v = judge(hours(log), Metric("time to close", "time"), columns, trend=trend)
    assert v.state != "effective"
    assert v.crude is not None
    assert v.crude.estimate < 0.8  # as it looks
    assert {p.name for p in v.phases} >= {"baseline", "after"}


@pytest.mark.parametrize("trend", ["auto", "none"])
def test_closed_tickets_only_are_no_success(log: pd.DataFrame, trend: str) -> None:
    columns = LogColumns(date="opened_at", values="hours", id="number")
    seen = hours(log[log["opened_at"] < pd.Timestamp(DRAWN) + pd.Timedelta(days=1)]).copy()
    still = seen["closed_at"] >= pd.Timestamp(DRAWN) + pd.Timedelta(days=1)
    only = judge(seen[~still], Metric("time to close", "time"), columns, trend=trend, data_date=DRAWN)
    assert only.state != "effective"
    # With the open ones in the table, without a time, the library can say why.
    seen.loc[still, "hours"] = float("nan")
    told = judge(seen, Metric("time to close", "time"), columns, trend=trend, data_date=DRAWN)
    assert told.state != "effective"
    assert f"{int(still.sum())} without a value" in next(c for c in told.checks if c.code == "sanity").value
    assert "W-CENSOR" in told.warnings


def test_the_end_of_the_extract_is_no_fall_in_demand(log: pd.DataFrame) -> None:
    # 99 % of the tickets were opened by 29 May: later weeks hold a handful.
    plan = VerificationPlan(
        "Fewer tickets?", "2016-05-30", ("2016-03-07", "2016-05-29"), "2016-09-04", period="week", season="none",
        trend="none",
    )  # fmt: skip
    v = verify_improvement(
        plan, log, exposure="constant", columns=LogColumns(date="opened_at", id="number", channel="contact_type")
    )
    assert v.crude is not None
    assert v.crude.estimate < 0.05
    assert (v.state, v.reason) == ("inconclusive", "definition")


def test_text_times_are_refused_by_name(rows: list[dict[str, str]]) -> None:
    text = pd.DataFrame(rows[:500])
    with pytest.raises(DataError, match="opened_at"):
        judge(text, Metric("late", "sla", within="120h"), LogColumns(date="opened_at", closed="closed_at"))
