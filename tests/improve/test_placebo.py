"""Pretended dates inside the baseline: the rank in plain loops, and what is too short."""

import numpy as np
import pandas as pd
import pytest

from qstats import LogColumns, Metric, VerificationPlan
from qstats.improve.verify import words
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.phrases_evidence_cause import EVIDENCE_CAUSE
from qstats.improve.verify.placebo import placebo_dates, placebo_effects
from qstats.improve.verify.series import fit_series
from qstats.improve.verify.sources import Source

COLUMNS = LogColumns(events="n", exposure="units")
STEADY = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29] * 2
LOW = [14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13]


@pytest.fixture(autouse=True)
def with_words(monkeypatch):
    """The words of the new items, whether or not they are merged into the table of all words."""
    monkeypatch.setattr(words, "_EVIDENCE", words._EVIDENCE | EVIDENCE_CAUSE)


def monthly(counts, start="2022-01-01", units=1000.0):
    months = pd.date_range(start, periods=len(counts), freq="MS")
    return pd.DataFrame({"date": months, "n": np.asarray(counts), "units": units})


def case_of(log, columns=COLUMNS, **changes):
    """A plan of 24 months before and 12 after 2024-01-01, and what is read for it."""
    entries = {
        "question": "Fewer late parcels?",
        "action_date": "2024-01-01",
        "baseline": ("2022-01-01", "2023-12-31"),
        "horizon": "2024-12-31",
        **changes,
    }
    plan = VerificationPlan(**entries).freeze(on="2023-12-15")
    source, day = Source(log, log if columns.values is None else None, columns), np.datetime64("2025-01-15", "D")
    data, read = period_table(plan, source, None, day)
    return Case(plan, data, read, source, day)


def loop_effects(y, e):
    """The definition: every date with six periods on each side."""
    out = []
    for at in range(6, len(y) - 5):
        first = (sum(y[:at]) + 0.5) / sum(e[:at])
        second = (sum(y[at:]) + 0.5) / sum(e[at:])
        out.append(np.log(second / first))
    return out


def test_effects_equal_the_definition():
    rng = np.random.default_rng(1)
    y, e = rng.poisson(8, 24).astype(float), rng.uniform(1, 3, 24)
    np.testing.assert_allclose(placebo_effects(y, e, counts=True), loop_effects(y, e), rtol=1e-12)
    means = [y[at:].sum() / e[at:].sum() - y[:at].sum() / e[:at].sum() for at in range(6, 19)]
    np.testing.assert_allclose(placebo_effects(y, e, counts=False), means, rtol=1e-9, atol=1e-12)
    assert placebo_effects(y[:11], e[:11], counts=True).size == 0
    assert placebo_effects(y[:12], e[:12], counts=True).size == 1
    assert np.isfinite(placebo_effects(np.zeros(12), np.ones(12), counts=True)).all()


@pytest.mark.parametrize("after", [LOW, STEADY[:12], [36] * 12, [31] * 12])
def test_rank_counts_the_pretended_effects_as_large(after):
    units = np.random.default_rng(2).uniform(500, 1500, 36).round()
    rng = np.random.default_rng(3)
    counts = np.concatenate([rng.poisson(STEADY), after])
    case = case_of(monthly(counts, units=units), season="none")
    item = placebo_dates(case, case.before)
    effects = loop_effects(counts[:24].tolist(), units[:24].tolist())
    real = np.log((sum(after) + 0.5) / units[24:].sum() / ((counts[:24].sum() + 0.5) / units[:24].sum()))
    assert len(effects) == 13
    assert item is not None
    assert item.estimate == pytest.approx((1 + sum(abs(x) >= abs(real) for x in effects)) / 14)
    assert item.interval is None


def test_a_change_inside_the_baseline_is_no_worse_than_the_real_one():
    case = case_of(monthly(STEADY[:12] + LOW + [20] * 12), season="none")
    item = placebo_dates(case, case.before)
    assert item is not None
    assert item.estimate > 0.8


def test_trend_and_season_of_the_regression_are_taken_out():
    t = np.arange(36)
    wave = np.exp(0.5 * np.sin(2 * np.pi * t / 12) - 0.02 * t)
    counts = np.round(4000 * wave * np.where(t >= 24, 0.8, 1.0))
    case = case_of(monthly(counts))
    series = fit_series(case.data, case.plan, case.before, case.after, controlled=False, trend=True)
    raw, clean = placebo_dates(case, case.before), placebo_dates(case, case.before, series)
    assert raw is not None
    assert clean is not None
    assert clean.estimate == pytest.approx(1 / 14)  # nothing happened at any other date
    assert raw.estimate >= clean.estimate


@pytest.mark.parametrize(("months", "found"), [(15, False), (16, True)])
def test_fewer_than_five_dates_give_no_picture(months, found):
    first = np.datetime64("2024-01") - np.timedelta64(months, "M")
    case = case_of(monthly(STEADY + LOW), baseline=(f"{first}-01", "2023-12-31"))
    assert (placebo_dates(case, case.before) is not None) is found


def test_values_with_a_large_offset():
    rng = np.random.default_rng(2)
    noise = rng.normal(0.0, 4.0, (36, 20)).round(3) - 6.0 * (np.arange(36) >= 24)[:, None]

    def item(offset):
        rows = [
            (f"{2022 + m // 12}-{m % 12 + 1:02d}-{d + 1:02d}", offset + noise[m, d])
            for m in range(36)
            for d in range(20)
        ]
        metric = Metric("lead time", "mean", better="lower")
        table = pd.DataFrame(rows, columns=["date", "value"])
        case = case_of(table, LogColumns(values="value"), metric=metric, target_difference=3.0, season="none")
        return placebo_dates(case, case.before)

    assert item(0.0).estimate == item(1e9).estimate == pytest.approx(1 / 14)


def test_nothing_before_or_after():
    case = case_of(monthly(STEADY), season="none")
    assert placebo_dates(case, case.before) is None
