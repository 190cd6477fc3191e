"""The sensitivity grid: every specification against the same analysis made directly."""

import dataclasses
import time

import numpy as np
import pandas as pd
import pytest

from qstats import LogColumns, Metric, VerificationPlan, compare_overdispersed_rates
from qstats.improve.verify import words
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.grid import sensitivity_grid
from qstats.improve.verify.measure import compare_totals
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.phrases_evidence_cause import EVIDENCE_CAUSE, GRID_NAMES
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


def grid_of(case, *, controlled=False, trend=False, before=None):
    before = case.before if before is None else before
    series = fit_series(case.data, case.plan, before, case.after, controlled=controlled, trend=trend)
    primary = compare_totals(case.data, case.after, before, 0.95) if series is None else series.comparison()
    item, grid = sensitivity_grid(case, before, primary, controlled, trend)
    assert item.code == "sensitivity"
    assert item.estimate == grid.share
    sizes = {len(grid.codes), len(grid.details), len(grid.names), grid.estimate.size, grid.low.size, grid.agrees.size}
    assert sizes == {len(grid.codes)}
    return grid


def row(grid, code, detail=""):
    i = next(k for k, pair in enumerate(zip(grid.codes, grid.details, strict=True)) if pair == (code, detail))
    return float(grid.estimate[i]), float(grid.low[i]), float(grid.high[i])


def cut(mask, first=0, last=0):
    where = np.flatnonzero(mask)
    out = np.zeros_like(mask)
    out[where[first : where.size - last]] = True
    return out


def told(c):
    return c.estimate, c.interval.low, c.interval.high


def test_windows_and_models_equal_the_regression_made_directly():
    rng = np.random.default_rng(4)
    case = case_of(monthly(rng.poisson([40.0] * 24 + [24.0] * 12)))
    grid = grid_of(case)
    b, a = case.before, case.after
    move_early, move_late = b & ~cut(b, 0, 1), a & ~cut(a, 1, 0)
    wanted = {
        "baseline_half": (cut(b, 12), a),
        "baseline_late": (cut(b, 6), a),
        "without_first_before": (cut(b, 1), a),
        "without_last_before": (cut(b, 0, 1), a),
        "without_first_after": (b, cut(a, 1)),
        "without_last_after": (b, cut(a, 0, 1)),
        "earlier": (b & ~move_early, a | move_early),
        "later": (b | move_late, a & ~move_late),
    }
    for code, (before, after) in wanted.items():
        direct = fit_series(case.data, case.plan, before, after, controlled=False, trend=False)
        assert row(grid, code) == pytest.approx(told(direct), rel=1e-9), code
    direct = fit_series(case.data, case.plan, b, a, controlled=False, trend=True)
    assert row(grid, "trend") == pytest.approx(told(direct), rel=1e-9)
    flat = dataclasses.replace(case.plan, season="none")
    direct = fit_series(case.data, flat, b, a, controlled=False, trend=False)
    assert row(grid, "no_season") == pytest.approx(told(direct), rel=1e-9)
    assert "no_control" not in grid.codes
    assert grid.share == 1.0


def test_totals_equal_the_comparisons_of_the_house():
    rng = np.random.default_rng(6)
    counts = rng.negative_binomial(8, 0.2, 36)
    case = case_of(monthly(counts), season="none")
    grid = grid_of(case)
    y, y0 = counts[24:], counts[:24]
    quasi = compare_overdispersed_rates(y, 1000.0, y0, 1000.0)
    nb = compare_overdispersed_rates(y, 1000.0, y0, 1000.0, model="negative-binomial")
    assert row(grid, "quasi") == pytest.approx(told(quasi), rel=1e-9)
    assert row(grid, "negative_binomial") == pytest.approx(told(nb), rel=1e-9)
    drops = []
    for i in range(36):
        keep = np.arange(36) != i
        drops.append(compare_totals(case.data, case.after & keep, case.before & keep, 0.95))
    worst = int(np.argmax([c.pvalue for c in drops]))
    assert row(grid, "leave_period", str(case.data.start[worst])) == pytest.approx(told(drops[worst]), rel=1e-12)
    assert "season" in grid.codes  # declared absent: what if it were there?


def test_share_counts_those_on_the_same_side():
    t = np.arange(36)
    falling = np.round(60 * np.exp(-0.03 * t)).astype(int)
    case = case_of(monthly(falling), season="none")
    grid = grid_of(case)
    by_code = dict(zip(grid.codes, grid.agrees.tolist(), strict=True))
    assert by_code["quasi"]
    assert not by_code["trend"]  # the trend alone explains it
    assert 0.0 < grid.share < 1.0
    with_trend = grid_of(case, trend=True)
    assert not dict(zip(with_trend.codes, with_trend.agrees.tolist(), strict=True))["no_trend"]
    assert with_trend.share < 0.9


def by_key(key, **more):
    rng = np.random.default_rng(8)
    rows = [
        (month, name, int(rng.poisson(level * (fall if i >= 24 else 1.0))))
        for i, month in enumerate(pd.date_range("2022-01-01", periods=36, freq="MS"))
        for name, level, fall in (("East", 20, 0.3), ("West", 15, 1.0), ("North", 10, 1.0))
    ]
    return pd.DataFrame(rows, columns=["date", key, "n"]).assign(units=1000.0, **more)


def test_one_unit_or_category_that_carries_everything_is_seen():
    for key in ("unit", "category"):
        log = by_key(key)
        columns = LogColumns(events="n", exposure="units", **{key: key})
        case = case_of(log, columns, season="none")
        grid = grid_of(case)
        found = dict(zip(zip(grid.codes, grid.details, strict=True), grid.agrees.tolist(), strict=True))
        code = f"leave_{key}"
        assert {d for c, d in found if c == code} == {"East", "West", "North"}
        assert not found[code, "East"]
        assert found[code, "West"]
        rest = log[log[key] != "East"].groupby("date")["n"].sum().to_numpy()
        # units take their exposure with them, categories do not: the ratio is the same here
        direct = case_of(monthly(rest, units=2000.0), season="none")
        series = fit_series(direct.data, direct.plan, direct.before, direct.after, controlled=False, trend=False)
        assert row(grid, code, "East") == pytest.approx(told(series), rel=1e-9)


def test_control_off_and_control_units_left_out():
    log = by_key("unit")
    columns = LogColumns(events="n", exposure="units", unit="unit")
    case = case_of(log, columns, season="none", unit="East", control="units")
    grid = grid_of(case, controlled=True)
    alone = fit_series(case.data, case.plan, case.before, case.after, controlled=False, trend=False)
    assert row(grid, "no_control") == pytest.approx(told(alone), rel=1e-9)
    case2 = case_of(log[log["unit"] != "West"], columns, season="none", unit="East", control="units")
    fewer = fit_series(case2.data, case2.plan, case2.before, case2.after, controlled=True, trend=False)
    assert row(grid, "leave_unit", "West") == pytest.approx(told(fewer), rel=1e-9)
    assert ("leave_unit", "East") not in set(zip(grid.codes, grid.details, strict=True))


def test_values_too():
    rng = np.random.default_rng(2)
    rows = [
        (f"{2022 + m // 12}-{m % 12 + 1:02d}-{d:02d}", rng.lognormal(3.0 if m < 24 else 2.6, 0.5))
        for m in range(36)
        for d in range(1, 21)
    ]
    metric = Metric("days to resolution", "time")
    table = pd.DataFrame(rows, columns=["date", "value"])
    case = case_of(table, LogColumns(values="value"), metric=metric, season="none")
    grid = grid_of(case)
    assert {"quasi", "sandwich", "trend"} <= set(grid.codes)
    assert "negative_binomial" not in grid.codes
    assert grid.share == 1.0
    assert row(grid, "sandwich")[0] == pytest.approx(np.exp(-0.4), rel=0.1)


def test_short_series_compare_totals():
    case = case_of(monthly([*STEADY[:8], *LOW[:4]], start="2023-05-01"), horizon="2024-04-30",
                   baseline=("2023-05-01", "2023-12-31"), season="none")  # fmt: skip
    grid = grid_of(case)
    assert not {"trend", "no_trend", "sandwich"} & set(grid.codes)
    assert {"baseline_half", "quasi", "leave_period"} <= set(grid.codes)
    half = compare_totals(case.data, case.after, cut(case.before, 4), 0.95)
    assert row(grid, "baseline_half") == pytest.approx(told(half), rel=1e-12)


def test_phases_without_events_are_no_error():
    for counts in ([0] * 36, [*STEADY, *[0] * 12], [*[0] * 24, *LOW]):
        grid = grid_of(case_of(monthly(counts), season="none"))
        assert np.isfinite(grid.estimate).all()


def test_days_are_summed_and_units_left_out_at_the_same_grain():
    rng = np.random.default_rng(1)
    days = pd.date_range("2022-01-01", "2024-12-31", freq="D")
    log = pd.concat(
        pd.DataFrame({"date": days, "unit": name, "units": 50.0, "n": rng.poisson(np.where(days < "2024", 3.0, late))})
        for name, late in (("East", 1.0), ("West", 3.0))
    )
    columns = LogColumns(events="n", exposure="units", unit="unit")
    case = case_of(log, columns, period="day", season="none")
    grid = grid_of(case)
    assert "leave_period" in grid.codes
    quasi, weeks = row(grid, "quasi"), row(grid, "leave_unit", "West")
    assert quasi[0] == pytest.approx(
        log[log["date"] >= "2024"]["n"].sum() / log[log["date"] < "2024"]["n"].sum() * 730 / 366
    )
    only = case_of(log[log["unit"] == "East"], columns, period="day", season="none")
    plain = compare_totals(only.data, only.after, only.before, 0.95)
    assert weeks == pytest.approx(told(plain), rel=0.05)


def test_what_the_delay_left_of_the_exposure_stays_left():
    columns = LogColumns(events="n", exposure="units", unit="unit")
    case = case_of(by_key("unit"), columns, season="none")
    share = np.where(np.arange(36) >= 34, 0.5, 1.0)
    cut_down = dataclasses.replace(case, data=dataclasses.replace(case.data, exposure=case.data.exposure * share))
    direct = case_of(by_key("unit").query("unit != 'West'"), columns, season="none")
    direct = dataclasses.replace(direct, data=dataclasses.replace(direct.data, exposure=direct.data.exposure * share))
    series = fit_series(direct.data, direct.plan, direct.before, direct.after, controlled=False, trend=False)
    assert row(grid_of(cut_down), "leave_unit", "West") == pytest.approx(told(series), rel=1e-9)


def test_labels_in_both_languages_take_any_name():
    log = by_key("category").replace({"East": "{x} 东"})
    grid = grid_of(case_of(log, LogColumns(events="n", exposure="units", category="category"), season="none"))
    assert "without category {x} 东" in grid.names
    assert "去掉类别 {x} 东" in grid.labels("zh")
    assert set(grid.codes) <= set(GRID_NAMES)


def test_it_is_fast():
    case = case_of(monthly(STEADY + LOW))
    grid_of(case)
    start = time.process_time()
    grid_of(case)
    assert time.process_time() - start < 1.5  # 0.3 s when nothing else runs
