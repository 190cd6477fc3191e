"""341,299 complaints to the New York City Council offices: how long until closed, with up to 19 % still open.

Data: NYC Open Data, "NYC Council Constituent Services" (9hzi-kbqb), as packaged in github kjhealy/nycomplaints (MIT).
Not part of the project. Expected counts come from pandas, not from qstats.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.voice.service.churn import churn
from qstats.voice.service.resolution import resolution_time
from qstats.voice.service.sla import sla_attainment

FILE = Path(__file__).parents[3] / "shared" / "data" / "nyc_council_complaints" / "nycomplaints.csv.gz"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason="no ../shared/data beside the checkout"),
]
NAMES = {"opened": "opendate", "closed": "closedate", "unit": "days"}


@pytest.fixture(scope="module")
def log():
    return pd.read_csv(FILE, usecols=["opendate", "closedate", "borough"])


def test_days_as_text_and_missing_is_open(log):
    r = resolution_time(log, **NAMES)
    assert (r.n, r.waiting) == (len(log), log["closedate"].isna().sum())
    assert {"whole-days", "now-assumed", "closed-only-biased"} <= {n.code for n in r.notes}
    parsed = log.assign(**{c: pd.to_datetime(log[c]) for c in ("opendate", "closedate")})
    again = resolution_time(parsed, **NAMES)
    assert again.curve.survival == pytest.approx(r.curve.survival)
    days = (parsed["closedate"] - parsed["opendate"]).dt.days
    assert r.naive[0] == days.median()
    assert r.median.estimate > r.naive[0]


def test_curve_is_the_product_in_a_plain_loop(log):
    year = log[log["opendate"].between("2022-01-01", "2022-12-31")]
    r = resolution_time(year, **NAMES, now="2023-06-30", horizon=90)
    end = pd.to_datetime(year["closedate"])
    now = pd.Timestamp("2023-06-30")
    seen = end.where(end <= now)
    time = (seen.fillna(now) - pd.to_datetime(year["opendate"])).dt.days.to_numpy()
    closed = seen.notna().to_numpy()
    share, area = 1.0, 0.0
    for day in range(90):  # share still open after each day, and the area under it
        at_risk = np.count_nonzero(time >= day)
        share *= 1 - np.count_nonzero((time == day) & closed) / at_risk
        area += share
    assert r.mean.estimate == pytest.approx(area, rel=1e-10)


def test_closing_date_cohorts_follow_the_backlog(log):
    """In the summer of 2022 offices closed many old complaints: by closing date everything looks twice as slow."""
    period = {"start": "2022-07-01", "stop": "2022-10-01"}
    opened = resolution_time(log, **NAMES, **period, now="2022-10-01")
    closed = resolution_time(log, **NAMES, **period, now="2022-10-01", cohort="closed")
    assert closed.median.interval.low > opened.median.interval.high
    assert "closing-date-cohort" in {n.code for n in closed.notes}
    ended = log["closedate"].between("2022-07-01", "2022-09-30")
    assert closed.n == np.count_nonzero(ended)


def test_boroughs(log):
    t = resolution_time(log, **NAMES, by="borough", start="2022-01-01", stop="2023-01-01", now="2023-06-30", horizon=90)
    year = log[log["opendate"].between("2022-01-01", "2022-12-31")]
    assert t.segments[-1] == "(missing)"
    assert [r.n for r in t.results] == [
        *(int((year["borough"] == b).sum()) for b in t.segments[:-1]),
        int(year["borough"].isna().sum()),
    ]
    assert t.logrank.pvalue < 1e-10
    s = sla_attainment(
        log,
        opened="opendate",
        closed="closedate",
        within="30d",
        start="2022-01-01",
        stop="2023-01-01",
        now="2023-06-30",
    )
    due = year[pd.to_datetime(year["opendate"]) + pd.Timedelta(days=30) < pd.Timestamp("2023-06-30")]
    in_time = pd.to_datetime(due["closedate"]) - pd.to_datetime(due["opendate"]) <= pd.Timedelta(days=30)
    assert (s.n, s.met) == (len(due), in_time.sum())


def test_the_same_curve_as_share_lost(log):
    year = log[log["opendate"].between("2022-01-01", "2022-12-31")]
    r = churn(year, start="opendate", end="closedate", horizon=90, now="2023-06-30")
    curve = resolution_time(year, **NAMES, now="2023-06-30").curve
    k = int(np.searchsorted(curve.time, 90, side="right")) - 1
    assert r.estimate == pytest.approx(1 - curve.survival[k])
