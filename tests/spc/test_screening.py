"""Screening of many series: the numbers of one individuals chart per series, and what chance makes of them."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, TooFewData
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.screening import screen_series
from qstats.spc.kernels import screening as screening_kernel
from qstats.spc.kernels.screening import alarm_rate, randomness_pvalue, range_alarm_rate
from qstats.spc.rules import rule_set
from qstats.spc.rules.engine import count_rows

few = settings(deadline=None, max_examples=40)
SETS = ["nelson", "western_electric", "aiag", "montgomery", "nhs", "westgard"]
# Sixteenths of small whole numbers: sums and differences are exact.
cells = st.one_of(st.integers(-60, 60).map(lambda i: i / 16), st.just(float("nan")))


def same_as_charts(series, found, rules="nelson", nsigma=3.0):
    for i, row in enumerate(series):
        chart = individuals(row, rules=rules, nsigma=nsigma, missing="drop")
        main = [s for s in chart.signals if s.panel == "individuals"]
        assert found.center[i] == pytest.approx(chart.limits.center, rel=1e-12, abs=1e-12)
        assert found.sigma[i] == pytest.approx(chart.limits.sigma, rel=1e-12, abs=1e-300)
        counts = [sum(s.rule == rule for s in main) for rule in found.rules]
        assert found.signals[i].tolist() == counts, (i, row)
        assert found.total[i] == len(main)
        assert found.first[i] == min((s.index for s in main), default=-1)
        assert found.range_signals[i] == sum(s.panel == "moving_range" for s in chart.signals)
        assert found.n[i] == np.count_nonzero(~np.isnan(row))


def charts_at_all(row):
    here = ~np.isnan(row)
    return np.count_nonzero(here[1:] & here[:-1]) >= 2


@pytest.mark.parametrize("rules", SETS)
def test_the_numbers_of_one_chart_per_series(rules):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 60)) * rng.uniform(0.1, 10, size=(120, 1)) + rng.normal(size=(120, 1)) * 100
    x[::4, 30:] += 5.0
    x[1::4] += np.linspace(0, 4, 60)
    same_as_charts(x, screen_series(x, rules=rules), rules)


@few
@given(
    st.integers(1, 12).flatmap(
        lambda w: st.lists(st.lists(cells, min_size=w + 4, max_size=w + 4), min_size=1, max_size=6)
    )
)
def test_any_small_matrix_with_gaps(rows):
    x = np.array(rows)
    if np.isnan(x).all():
        return
    found = screen_series(x, missing="drop")
    keep = [i for i in range(len(x)) if charts_at_all(x[i])]
    for i in range(len(x)):
        if i not in keep:
            assert np.isnan(found.sigma[i])
            assert found.total[i] == 0
    # a point within rounding of a line may fall on either side of it
    for i in keep:
        z = (x[i] - found.center[i]) / (found.sigma[i] or 1.0)
        if np.nanmin(np.abs(z[:, None] - np.arange(-3, 4))) > 1e-9 and found.sigma[i] > 0:
            one = screen_series(x[i : i + 1], missing="drop")
            assert one.signals[0].tolist() == found.signals[i].tolist()
            same_as_charts(x[i : i + 1], one)


def test_ragged_series_and_frames():
    rng = np.random.default_rng(2)
    series = [rng.normal(size=n) for n in rng.integers(3, 150, size=60)]
    series[7] = np.append(series[7], [np.nan, 2.0, 1.0])
    found = screen_series(series, missing="drop")
    same_as_charts(series, found)
    names = [f"产线{i:02d}" for i in range(60)]
    long = pd.DataFrame(
        {
            "minutes": np.concatenate(series),
            "line": np.repeat(names, [s.size for s in series]),
            "day": np.concatenate([np.arange(s.size) for s in series]),
        }
    )
    mixed = long.sample(frac=1.0, random_state=3)
    read = screen_series(mixed, values="minutes", by="line", order_by="day", missing="drop")
    assert list(read.names) == names
    for part in ("center", "sigma", "signals", "first", "pvalue"):
        np.testing.assert_array_equal(getattr(read, part), getattr(found, part))
    flat = screen_series(
        mixed["minutes"].to_numpy(), by=mixed["line"].to_list(), order_by=mixed["day"].to_numpy(), missing="drop"
    )
    assert flat.to_dict() == read.to_dict()


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(83, 37))
    ragged = [rng.normal(size=n) for n in rng.integers(3, 40, size=50)]
    whole, parts = screen_series(x).to_dict(), screen_series(ragged).to_dict()
    monkeypatch.setattr(screening_kernel, "_POINTS", 200)
    monkeypatch.setattr(screening_kernel, "_PIECE", 80)
    assert screen_series(x).to_dict() == whole
    again = screen_series(ragged)
    assert again.signals.tolist() == parts["signals"]
    np.testing.assert_allclose(again.center, parts["center"], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(again.ratio, parts["ratio"], rtol=1e-12)


def test_long_series_and_large_offsets():
    rng = np.random.default_rng(5)
    x = rng.integers(-40, 40, size=(3, 9000)) / 16
    same_as_charts(x, screen_series(x))
    near, far = screen_series(x[:, :80]), screen_series(x[:, :80] + 2.0**40)
    np.testing.assert_allclose(far.sigma, near.sigma, rtol=1e-12)
    np.testing.assert_allclose(far.overall, near.overall, rtol=1e-9)
    np.testing.assert_allclose(far.ratio, near.ratio, rtol=1e-9)
    np.testing.assert_array_equal(far.signals, near.signals)


@pytest.mark.parametrize("scale", [2.0**-600, 2.0**-300, 2.0**600])
def test_any_unit_gives_the_same(scale):
    x = np.random.default_rng(13).normal(size=(5, 30))
    plain, scaled = screen_series(x), screen_series(x * scale)
    np.testing.assert_array_equal(scaled.sigma, plain.sigma * scale)
    np.testing.assert_array_equal(scaled.signals, plain.signals)
    for part in ("ratio", "pvalue", "stability"):
        np.testing.assert_allclose(getattr(scaled, part), getattr(plain, part), rtol=1e-12)


def test_still_series():
    x = np.vstack([np.full(40, 0.1), np.linspace(0, 1, 40) % 0.3, np.full(40, 1e12)])
    found = screen_series(x)
    assert found.total[[0, 2]].tolist() == [0, 0]
    assert found.center[[0, 2]].tolist() == [0.1, 1e12]
    assert np.isnan(found.pvalue[[0, 2]]).all()
    assert "zero-variance" in [n.code for n in found.notes]
    # no moving range across the gap: sigma is 0 and every point is beyond the limits, as on the chart
    gap = np.array([[1.0, 1.0, 1.0, np.nan, 2.0, 2.0, 2.0]])
    same_as_charts(gap, screen_series(gap, missing="drop"))


def test_all_orders_of_a_series():
    """Young (1941): mean 0 and this variance over all orders of the same values, whatever they are."""
    values = np.array([0.3, 7.0, -2.0, 1.1, 4.0, 0.9])
    d = values - values.mean()
    ss = d @ d
    c = [1 - 0.5 * np.sum(np.diff(order) ** 2) / ss for order in itertools.permutations(values)]
    assert np.mean(c) == pytest.approx(0.0, abs=1e-12)
    n, kurtosis = 6.0, 6 * np.sum(d**4) / ss**2
    assert np.var(c) == pytest.approx((2 * n - 3 - kurtosis) / (2 * n * (n - 1)), rel=1e-12)


def test_ratio_and_pvalue_in_a_plain_loop():
    rng = np.random.default_rng(6)
    x = rng.exponential(size=(20, 30))
    x[3, 11] = np.nan
    found = screen_series(x, missing="drop")
    for i, row in enumerate(x):
        v = row[~np.isnan(row)]
        n, d = v.size, v - v.mean()
        ratio = np.sum(np.diff(v) ** 2) / (d @ d)
        kurtosis = n * np.sum(d**4) / (d @ d) ** 2
        z = abs(1 - ratio / 2) / math.sqrt((2 * n - 3 - kurtosis) / (2 * n * (n - 1)))
        assert found.ratio[i] == pytest.approx(ratio, rel=1e-12)
        assert found.pvalue[i] == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-10)
        assert found.overall[i] == pytest.approx(v.std(ddof=1), rel=1e-12)
        assert found.stability[i] == pytest.approx(v.std(ddof=1) / found.sigma[i], rel=1e-12)


def test_pvalues_are_uniform_on_stable_series_of_any_shape():
    rng = np.random.default_rng(7)
    for x in (rng.normal(size=(4000, 40)), rng.exponential(size=(4000, 40))):
        p = screen_series(x, rules=()).pvalue
        for level in (0.01, 0.05, 0.2):
            assert np.mean(p < level) == pytest.approx(level, abs=5 * math.sqrt(level / 4000) + 0.004)


def test_shifted_series_are_found_and_others_are_not():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(2000, 60))
    x[:50, 30:] += 2.5
    found = screen_series(x)
    hits = found.qvalue < 0.05
    assert hits[:50].sum() >= 45
    assert hits[50:].sum() <= 12
    worst = found.worst(40)
    assert len(worst.names) == 40
    assert all(int(name) <= 50 for name in worst.names)
    assert (np.diff(worst.pvalue) >= 0).all()
    assert worst.signals.shape == (40, 8)


RATES = [rule for name in SETS for rule in rule_set(name).rules]


@pytest.mark.parametrize("nsigma", [3.0, 2.2])
def test_alarm_rates_by_simulation(nsigma):
    """How often each rule is completed per point, on 40,000 stretches of normal values."""
    rules = list({rule.name: rule for rule in RATES}.values())
    z = np.random.default_rng(9).normal(size=(40_000, 30))
    for rule, (_, column) in zip(rules, count_rows(rules, z, nsigma), strict=True):
        last = np.count_nonzero(column == 29) + np.count_nonzero(column == 14)  # far enough apart to be independent
        rate = alarm_rate(rule, nsigma)
        assert last / 80_000 == pytest.approx(rate, abs=5 * math.sqrt(rate / 80_000) + 1e-5), rule.name


def test_expected_signals():
    x = np.random.default_rng(10).normal(size=(50, 20))
    found = screen_series(x, rules=rule_set("nelson").rules[:2])
    np.testing.assert_allclose(found.expected, 20 * 0.0026997960632601866 + 12 * 2 * 0.5**9, rtol=1e-12)
    # the range of two normal values is |N(0, 2)|: mean 2 / sqrt(pi), variance 2 - 4 / pi
    rate = math.erfc((2 / math.sqrt(math.pi) + 3 * math.sqrt(2 - 4 / math.pi)) / 2)
    np.testing.assert_allclose(found.expected_ranges, 19 * rate, rtol=1e-9)
    assert range_alarm_rate(3.0) == pytest.approx(rate, rel=1e-9)


def test_short_series_are_listed():
    found = screen_series([[1.0, 2.0], [1.0, 4.0, 2.0], [], [5.0]])
    assert np.isnan(found.sigma[[0, 2, 3]]).all()
    assert found.sigma[1] == pytest.approx(2.5 / (2 / math.sqrt(math.pi)))
    assert found.n.tolist() == [2, 3, 0, 1]
    assert np.isnan(found.pvalue).all()
    assert [n.code for n in found.notes] == ["too-short"]
    assert np.isnan(randomness_pvalue(np.array([2.0]), np.array([9.0]), np.array([3.0])))[0]


def test_views():
    x = np.random.default_rng(11).normal(size=(8, 30))
    found = screen_series(x, by=list("abcdefgh"))
    assert list(found.names) == list("abcdefgh")
    table = found.to_frame()
    assert table.shape == (8, 13 + 8)
    assert json.loads(found.to_json())["rules"][0] == "beyond limits"
    assert "expected if all were stable" in str(found)
    before = found.to_dict()
    x[:] = 0.0
    assert found.to_dict() == before
    with pytest.raises(ValueError, match="read-only"):
        found.sigma[0] = 1.0


BAD = [
    (lambda x: screen_series(x[0]), "by: nothing came"),
    (lambda x: screen_series(x[None]), "3 dimensions"),
    (lambda x: screen_series(x, values="a"), "leave values"),
    (lambda x: screen_series(x, by=["a"]), "by"),
    (lambda x: screen_series(np.where(x == x[1, 3], np.nan, x)), "missing value"),
    (lambda x: screen_series(np.where(x == x[1, 3], np.inf, x), missing="drop"), "inf at position"),
    (lambda x: screen_series(np.where(x > 0, 1.7e308, -1.7e308)), "overflow"),
    (lambda x: screen_series(x, rules="anhoej"), "judges a whole chart"),
    (lambda x: screen_series(x, nsigma=0), "nsigma"),
    (lambda x: screen_series(x, missing="no"), "missing"),
    (lambda x: screen_series([["a", "b"], ["c", "d"]]), "text"),
    (lambda x: screen_series(pd.DataFrame({"v": [1.0, 2.0], "s": ["a", "a"]}), values="v"), "by: nothing came"),
    (lambda x: screen_series(pd.DataFrame({"v": [1.0, 2.0], "s": ["a", None]}), values="v", by="s"), "by: nothing at"),
    (lambda x: screen_series(x).worst(0), "k: got 0"),
]


@pytest.mark.parametrize(("call", "text"), BAD)
def test_what_cannot_be_screened(call, text):
    with pytest.raises(DataError, match=text):
        call(np.random.default_rng(12).normal(size=(4, 20)))


def test_nothing_to_screen():
    for data in (np.empty((0, 5)), np.empty((3, 0)), [[], []]):
        with pytest.raises(TooFewData):
            screen_series(data)
