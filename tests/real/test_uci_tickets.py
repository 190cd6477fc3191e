"""24,918 IT tickets: resolved later than the log tells, service levels by priority, before and after a date.

Data: UCI Machine Learning Repository 498, "Incident management process enriched event log", CC BY 4.0, one row per
ticket. Not part of the project. Expected counts come from pandas and the csv module, not from qstats.
"""

import csv
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.voice.service.handling import handling_time
from qstats.voice.service.resolution import resolution_time
from qstats.voice.service.resolution_compare import compare_resolution_time
from qstats.voice.service.sla import compare_sla, sla_attainment

FILE = Path(__file__).parents[3] / "shared" / "data" / "uci_incident_log" / "incidents_one_row_per_ticket.csv.gz"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason="no ../shared/data beside the checkout"),
]
NAMES = {"opened": "opened_at", "closed": "resolved_at"}


@pytest.fixture(scope="module")
def text():
    return pd.read_csv(FILE)


@pytest.fixture(scope="module")
def log(text):
    return text.assign(**{c: pd.to_datetime(text[c]) for c in ("opened_at", "resolved_at", "closed_at")})


def test_text_is_not_guessed(text):
    with pytest.raises(DataError, match=r"opened_at.*time of day \('2016-02-29 01:16:00'\).*to_datetime"):
        resolution_time(text, **NAMES)
    with pytest.raises(DataError, match=r"got numbers|no date|time of day"):
        resolution_time(text.assign(resolved_at="?", opened_at="2016-03-01"), **NAMES)


def test_open_tickets_count(log):
    with gzip.open(FILE, "rt", encoding="utf-8") as f:
        unresolved = sum(row["resolved_at"] == "" for row in csv.DictReader(f))
    r = resolution_time(log, **NAMES)
    assert (r.n, r.waiting) == (24_918, unresolved) == (24_918, 1_556)
    hours = (log["resolved_at"] - log["opened_at"]).dt.total_seconds() / 3600
    assert r.naive[0] == pytest.approx(hours.median())
    assert r.quantiles[1].estimate > 2 * r.naive[1]  # nine in ten take twice as long as the resolved ones say
    assert r.quantiles[1].interval.low > r.naive[1]


def test_as_of_an_earlier_day(log):
    now = pd.Timestamp("2016-04-10")
    r = resolution_time(log, **NAMES, now=now, start="2016-03-01", stop="2016-04-01", horizon=200)
    march = log[log["opened_at"].between("2016-03-01", "2016-03-31 23:59:59")]
    assert r.n == len(march)
    assert r.closed == (march["resolved_at"] <= now).sum()
    # A year later nearly all ends are known: what was said in April holds.
    later = (march["resolved_at"].fillna(pd.Timestamp("2030-01-01")) - march["opened_at"]).dt.total_seconds() / 3600
    assert r.median.interval.low <= later.median() <= r.median.interval.high
    assert r.mean.estimate == pytest.approx(later.clip(upper=200).mean(), abs=3)


def test_a_log_of_closed_tickets_is_found_out(log):
    r = resolution_time(log, opened="opened_at", closed="closed_at")
    assert r.waiting == 0
    assert "open-left-out" in {n.code for n in r.notes}


def test_service_level_by_priority(log):
    hours = {1: 4, 2: 24, 3: 72, 4: 168}
    now = pd.Timestamp("2016-05-15")
    t = sla_attainment(log, **NAMES, by="priority", within={k: f"{h}h" for k, h in hours.items()}, now=now)
    assert t.segments == ("1", "2", "3", "4")
    for i, (p, h) in enumerate(hours.items()):
        rows = log[(log["priority"] == p) & (log["opened_at"] + pd.Timedelta(hours=h) < now)]
        assert t.n[i] == len(rows)
        assert t.count[i] == (rows["resolved_at"] - rows["opened_at"] <= pd.Timedelta(hours=h)).sum()
    only_resolved = log[log["resolved_at"].notna()]
    kept = sla_attainment(only_resolved, **NAMES, within="72h", now=now).estimate
    assert sla_attainment(log, **NAMES, within="72h", now=now).estimate < kept
    made = estimate_proportion(int(log["made_sla"].sum()), len(log))
    assert made.estimate == pytest.approx(15_803 / 24_918)


def test_before_and_after_a_date(log):
    options = {"change": "2016-04-15", "now": "2016-05-25"}
    r = compare_sla(log, **NAMES, within="72h", **options)
    early = log[(log["opened_at"] < "2016-04-15")]
    assert r.values[1] == pytest.approx(((early["resolved_at"] - early["opened_at"]) <= pd.Timedelta("72h")).mean())
    c = compare_resolution_time(log, **NAMES, horizon=240, **options)
    assert c.n[1] == len(early)
    assert np.sign(c.estimate) == -np.sign(r.estimate)  # more in time, less time
    assert c.interval.low <= c.estimate <= c.interval.high


def test_handling_steps_by_group(log):
    t = handling_time(log.assign(steps=log["n_events"].astype(float)), values="steps", by="contact_type")
    assert t.segments == tuple(sorted(log["contact_type"].unique()))
    means = log.groupby("contact_type")["n_events"].mean()
    assert [r.mean.estimate for r in t.results] == pytest.approx(means.sort_index().tolist())
