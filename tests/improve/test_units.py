"""Ranking of units: dense double sums in plain numpy, published pump failures, exact pairwise ranks, bad input."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.units.kernels import BetaUnits, Cells, GammaUnits
from qstats.improve.units.ranking import _rank_limits, _raw_ranks, rank_units

Y, T = [12, 24, 15, 10, 17, 13, 9, 14], [800.0, 1100.0, 1000.0, 900.0, 1000.0, 1200.0, 1000.0, 950.0]
# Gaver & O'Muircheartaigh (1987), Technometrics 29, 1-15: failures and thousands of hours of ten pumps
PUMPS = [5, 1, 5, 14, 3, 19, 1, 1, 4, 22]
HOURS = [94.320, 15.720, 62.880, 125.760, 5.240, 31.440, 1.048, 1.048, 2.096, 10.480]


def dense_rates(y, t):  # type: ignore[no-untyped-def]
    """Nodes and weights of (m, b): flat log m, uniform B = b / (b + median t); a plain sum over a wide grid."""
    y, t = np.asarray(y, dtype=float), np.asarray(t, dtype=float)
    u, x = np.linspace(-16, 17, 331), np.linspace(-5, 5, 801) + math.log(y.sum() / t.sum())
    b = np.median(t) * np.exp(u)[:, None]
    a = np.exp(x) * b
    ll = np.log(special.expit(u) * special.expit(-u))[:, None] + np.zeros_like(a)
    for yi, ti in zip(y, t, strict=True):  # negative binomial counts
        ll += special.gammaln(a + yi) - special.gammaln(a) + a * np.log(b / (b + ti)) + yi * np.log(ti / (b + ti))
    w = np.exp(ll - ll.max())
    keep = w > 1e-9
    return w[keep] / w[keep].sum(), a[keep], np.broadcast_to(b, a.shape)[keep]


def dense_shares(y, n):  # type: ignore[no-untyped-def]
    y, n = np.asarray(y, dtype=float), np.asarray(n, dtype=float)
    u, x = np.linspace(-16, 17, 331), np.linspace(-5, 5, 801) + special.logit(y.sum() / n.sum())
    size = np.median(n) * np.exp(u)[:, None]
    a, c = size * special.expit(x), size * special.expit(-x)
    ll = np.log(special.expit(u) * special.expit(-u))[:, None] + np.zeros_like(a)
    for yi, ni in zip(y, n, strict=True):  # beta-binomial counts
        ll += special.betaln(a + yi, c + ni - yi) - special.betaln(a, c)
    w = np.exp(ll - ll.max())
    keep = w > 1e-9
    return w[keep] / w[keep].sum(), a[keep], c[keep]


def in_order(r, values):  # type: ignore[no-untyped-def]
    """Values of the result by unit 1, 2, 3, ..."""
    return np.asarray(values)[np.argsort([int(name) for name in r.units])]


def quantile(value, w, p):  # type: ignore[no-untyped-def]
    order = np.argsort(value)
    return value[order][np.searchsorted(np.cumsum(w[order]), p)]


def test_rates_by_a_dense_double_sum() -> None:
    w, a, b = dense_rates(Y, T)
    r = rank_units(Y, exposure=T, rng=1)
    level, low, high = (in_order(r, v) for v in (r.level, r.interval.low, r.interval.high))
    for i, (y, t) in enumerate(zip(Y, T, strict=True)):
        assert level[i] == pytest.approx(w @ ((a + y) / (b + t)), rel=1e-4)
        assert w @ special.gammainc(a + y, (b + t) * low[i]) == pytest.approx(0.025, abs=1e-4)
        assert w @ special.gammaincc(a + y, (b + t) * high[i]) == pytest.approx(0.025, abs=1e-4)
    assert r.overall == pytest.approx(w @ (a / b), rel=1e-4)
    assert r.spread == pytest.approx(quantile(a**-0.5, w, 0.5), rel=0.01)
    assert r.spread_interval.low == pytest.approx(quantile(a**-0.5, w, 0.025), rel=0.01)
    assert r.spread_interval.high == pytest.approx(quantile(a**-0.5, w, 0.975), rel=0.01)


def test_proportions_by_a_dense_double_sum() -> None:
    y, n = [3, 9, 14, 2, 40], [60, 75, 80, 12, 160]
    w, a, c = dense_shares(y, n)
    r = rank_units(y, size=n, confidence=0.9, rng=1)
    level, low, high = (in_order(r, v) for v in (r.level, r.interval.low, r.interval.high))
    for i, (yi, ni) in enumerate(zip(y, n, strict=True)):
        assert level[i] == pytest.approx(w @ ((a + yi) / (a + c + ni)), rel=1e-4)
        assert w @ special.betainc(a + yi, c + ni - yi, low[i]) == pytest.approx(0.05, abs=1e-4)
        assert w @ special.betainc(c + ni - yi, a + yi, 1 - high[i]) == pytest.approx(0.05, abs=1e-4)
    sd = np.sqrt(c / a / (a + c + 1))  # of a beta, over its mean
    assert r.overall == pytest.approx(w @ (a / (a + c)), rel=1e-3)
    assert r.spread == pytest.approx(quantile(sd, w, 0.5), rel=0.01)
    assert r.spread_interval.high == pytest.approx(quantile(sd, w, 0.95), rel=0.01)


def test_mean_ranks_by_pairs_without_a_draw() -> None:
    # given (a, b) a gamma exceeds another with the probability of a beta below rate / (rate + rate)
    w, a, b = dense_rates(PUMPS, HOURS)
    some = w > 1e-5 * w.max()
    w, a, b = w[some] / w[some].sum(), a[some], b[some]
    draws = 40_000
    r = rank_units(PUMPS, exposure=HOURS, draws=draws, rng=5)
    mean = in_order(r, r.mean_rank)
    for i in range(10):
        above = [
            w @ special.betainc(a + PUMPS[j], a + PUMPS[i], (b + HOURS[j]) / (2 * b + HOURS[i] + HOURS[j]))
            for j in range(10)
            if j != i
        ]  # P(rate j < rate i)
        assert mean[i] == pytest.approx(1 + sum(above), abs=4 * 2.9 / math.sqrt(draws))
    exact = 1 + sum(above)  # of the last pump, the worst
    assert exact > 9 and r.units[-1] == "10"
    two = rank_units([4, 9], exposure=[10.0, 11.0], draws=draws, rng=2)
    w, a, b = dense_rates([4, 9], [10.0, 11.0])
    worse = w @ special.betainc(a + 4, a + 9, (b + 10) / (2 * b + 21))
    assert two.prob_worst[-1] == pytest.approx(worse, abs=4 * 0.5 / math.sqrt(draws))
    assert two.prob_best[0] == two.prob_worst[-1] == two.prob_worst_fifth[-1]


def test_mean_ranks_of_proportions_by_plain_loops() -> None:
    y, n = [3, 9, 14, 2, 40], [60, 75, 80, 12, 160]
    w, a, c = dense_shares(y, n)
    rng = np.random.default_rng(8)
    draws = 4000
    seen = np.zeros((5, 5))
    for _ in range(draws):
        g = np.searchsorted(np.cumsum(w), rng.random())
        p = [rng.beta(a[g] + yi, c[g] + ni - yi) for yi, ni in zip(y, n, strict=True)]
        for i in range(5):
            seen[i, sum(q < p[i] for q in p)] += 1
    r = rank_units(y, size=n, draws=40_000, rng=3)
    error = 4 * 0.5 / math.sqrt(draws)
    np.testing.assert_allclose(in_order(r, r.prob_best), seen[:, 0] / draws, atol=error)
    np.testing.assert_allclose(in_order(r, r.prob_worst), seen[:, 4] / draws, atol=error)
    np.testing.assert_allclose(in_order(r, r.mean_rank), seen @ np.arange(1, 6) / draws, atol=4 * 1.42 / 63)


def test_published_pumps_under_their_own_prior() -> None:
    # George, Makov & Smith (1993), Scand. J. Statist. 20, 147-156, also BUGS examples I "Pump": alpha ~ Exp(1),
    # beta ~ Gamma(0.1, 1); posterior means by Gibbs sampling, so to about two digits. Our nodes, their prior.
    published = [0.0598, 0.102, 0.0894, 0.116, 0.602, 0.609, 0.891, 0.894, 1.59, 1.99]
    middle = float(np.median(HOURS))
    units = GammaUnits(np.array(PUMPS, dtype=float), np.array(HOURS) / middle)
    nodes, fine = units.cells()
    for cells in (nodes, fine):
        alpha, beta = np.exp(cells.level + cells.shrink), np.exp(cells.shrink) * middle
        ours = special.expit(cells.shrink) * special.expit(-cells.shrink)
        theirs = np.exp(-alpha - beta) * beta**-0.9 * alpha * beta
        weight = cells.weight * theirs / ours
        means = units.mean(Cells(weight / weight.sum(), cells.level, cells.shrink)) / middle
        np.testing.assert_allclose(means, published, rtol=0.02)


def test_few_in_very_many_cases_are_a_rate() -> None:
    y = [1, 0, 7, 3, 12, 0, 2]
    share, rate = rank_units(y, size=10**12, rng=1), rank_units(y, exposure=1e12, rng=1)
    np.testing.assert_allclose(share.level, rate.level, rtol=3e-3)
    np.testing.assert_allclose(share.interval.high, rate.interval.high, rtol=3e-3)
    assert share.spread == pytest.approx(rate.spread, rel=0.02)


def test_large_counts_hardly_shrink() -> None:
    r = rank_units([900_000_000, 1_000_000_000, 1_100_000_000], exposure=1e9, rng=1)
    np.testing.assert_allclose(r.level, r.raw, rtol=1e-6)
    assert r.reliability == pytest.approx(1.0) and r.established.tolist() == [True] * 3
    assert r.rank_low.tolist() == r.rank_high.tolist() == [1, 2, 3]
    share = rank_units([90_000_000, 500_000_000, 910_000_000], size=10**9, rng=1)
    np.testing.assert_allclose(share.level, share.raw, rtol=1e-6)


def test_equal_units_are_called_noise() -> None:
    r = rank_units([10] * 20, exposure=1.0, rng=1)
    assert r.reliability < 0.01 and not r.established.any()
    assert [n.severity for n in r.notes if n.code == "ranks-noise"] == ["serious"]
    assert r.rank_low.max() <= 2 and r.rank_high.min() >= 19
    np.testing.assert_allclose(r.prob_worst, 0.05, atol=4 * math.sqrt(0.05 / 10_000))
    assert "not established" in r.summary() and "share of the ranking" in r.summary()
    few = rank_units([1, 2], exposure=1.0, rng=1)
    assert {"few-units", "few-events"} <= {n.code for n in few.notes}


def test_sums_scale_order_and_direction() -> None:
    r = rank_units(Y, exposure=T, rng=1)
    assert r.mean_rank.sum() == pytest.approx(36.0)
    assert r.prob_best.sum() == pytest.approx(1.0) and r.prob_worst.sum() == pytest.approx(1.0)
    assert r.prob_worst_fifth.sum() == pytest.approx(2.0)  # a fifth of eight, rounded up
    assert (np.diff(r.level) >= 0).all()
    tiny = rank_units(Y, exposure=[t * 1e9 for t in T], rng=1)
    np.testing.assert_allclose(tiny.level * 1e9, r.level, rtol=1e-9)
    assert tiny.units == r.units and tiny.rank_high.tolist() == r.rank_high.tolist()
    good = rank_units(Y, exposure=T, better="higher", rng=1)
    assert good.units == r.units[::-1]
    np.testing.assert_allclose(good.mean_rank[::-1], 9 - r.mean_rank)
    np.testing.assert_array_equal(good.prob_best[::-1], r.prob_worst)
    np.testing.assert_array_equal(9 - good.rank_low[::-1], r.rank_high)
    np.testing.assert_allclose(good.raw_rank[::-1], 9 - r.raw_rank)


def test_intervals_are_nested_and_draws_repeat() -> None:
    wide, narrow = (rank_units(Y, exposure=T, confidence=c, rng=7) for c in (0.99, 0.8))
    assert (wide.interval.low < narrow.interval.low).all() and (wide.interval.high > narrow.interval.high).all()
    assert (wide.rank_low <= narrow.rank_low).all() and (wide.rank_high >= narrow.rank_high).all()
    assert wide.draws == 10_000
    again = rank_units(Y, exposure=T, confidence=0.8, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(again.mean_rank, narrow.mean_rank)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=5, max_size=5).filter(any), st.sampled_from([0.5, 0.8, 0.95]))
def test_rank_limits_by_a_plain_loop(counts: list[int], confidence: float) -> None:
    draws = sum(counts)
    low, high = _rank_limits(np.array([counts]), draws, confidence)
    tail = 0.5 * (1 - confidence) * draws
    first = next(r for r in range(1, 6) if sum(counts[:r]) > tail)
    last = next(r for r in range(5, 0, -1) if sum(counts[r - 1 :]) > tail)
    assert (int(low[0]), int(high[0])) == (first, last)


def test_raw_ranks_share_their_places() -> None:
    assert _raw_ranks(np.array([0.2, 0.1, 0.2, 0.4]), 1.0).tolist() == [2.5, 1.0, 2.5, 4.0]
    assert _raw_ranks(np.array([0.2, 0.1, 0.2, 0.4]), -1.0).tolist() == [2.5, 4.0, 2.5, 1.0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60)), min_size=2, max_size=7), st.booleans())
def test_any_units_get_finite_honest_numbers(pairs: list[tuple[int, int]], shares: bool) -> None:
    y = [min(a, b) if shares else a for a, b in pairs]
    n = [b for _, b in pairs]
    if sum(y) == 0 or (shares and sum(y) == sum(n)):
        return
    r = rank_units(y, **{"size" if shares else "exposure": n}, draws=400, rng=1)  # type: ignore[arg-type]
    k = len(y)
    assert np.isfinite(r.level).all() and np.isfinite(r.interval.high).all()
    assert (r.interval.low < r.level).all() and (r.level < r.interval.high + 1e-12).all()
    assert (r.rank_low >= 1).all() and (r.rank_high <= k).all() and (r.rank_low <= r.rank_high).all()
    assert 0.0 <= r.reliability <= 1.0
    assert r.spread_interval.low < r.spread < r.spread_interval.high
    json.loads(r.to_json())


FRAME = pd.DataFrame(
    {
        "site": ["甲", "乙", "甲", "丙", "丁", "乙"],
        "late": [3, 8, 4, 0, 5, 1],
        "orders": [100, 120, 90, 60, 200, 30],
    }
)
SUMS = ([7, 9, 0, 5], [190, 150, 60, 200], ["甲", "乙", "丙", "丁"])


def same(a, b) -> None:  # type: ignore[no-untyped-def]
    assert a.units == b.units
    for name in ("count", "size", "level", "mean_rank", "prob_worst"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9)


def test_rows_of_a_unit_are_added_up_on_any_engine() -> None:
    # draws go by the order of units met, so by the table's: compare with levels and without the draws
    want = rank_units(SUMS[0], size=SUMS[1], unit=SUMS[2], rng=1)
    got = rank_units(FRAME, count="late", size="orders", unit="site", rng=1)
    assert got.units == want.units and got.kind == "proportion"
    np.testing.assert_allclose(got.level, want.level, rtol=1e-9)
    np.testing.assert_array_equal(got.count, want.count)
    duckdb, polars = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    log = FRAME
    for other in (polars.DataFrame(log.to_dict("list")).lazy(), duckdb.sql("select * from log")):
        same(rank_units(other, count="late", size="orders", unit="site", rng=1), got)
    renamed = FRAME.rename(columns={"late": "n", "orders": "weight"})
    np.testing.assert_allclose(rank_units(renamed, count="n", size="weight", unit="site", rng=1).level, want.level)
    table = duckdb.sql("select * from renamed")
    np.testing.assert_allclose(rank_units(table, count="n", size="weight", unit="site", rng=1).level, want.level)
    per_row = rank_units(FRAME, count="late", exposure=2.5, unit="site", rng=1)
    assert dict(zip(per_row.units, per_row.size, strict=True)) == {"甲": 5.0, "乙": 5.0, "丙": 2.5, "丁": 2.5}
    frame = got.to_frame()
    assert frame["unit"].tolist() == list(got.units) and "size" in frame
    assert "exposure" in per_row.to_frame()


def test_a_row_can_be_a_case() -> None:
    site = np.repeat(["a", "b", "c"], [50, 80, 40])
    late = np.zeros(170, dtype=int)
    late[:9], late[50:57], late[130:131] = 1, 1, 1
    r = rank_units(pd.DataFrame({"site": site, "late": late}), count="late", size=1, unit="site", rng=1)
    want = rank_units([9, 7, 1], size=[50, 80, 40], unit=["a", "b", "c"], rng=1)
    same(r, want)


def test_missing_is_refused_or_dropped_and_said() -> None:
    holes = pd.DataFrame(
        {"s": ["a", "b", None, "c", " ", "a"], "x": [4, 5, 6, None, 1, 2], "t": [10.0, 20.0, 30.0, 40.0, 5.0, 10.0]}
    )
    with pytest.raises(DataError, match="missing"):
        rank_units(holes, count="x", exposure="t", unit="s")
    with pytest.raises(DataError, match="unit: 2 rows"):
        rank_units(holes.fillna({"x": 1}), count="x", exposure="t", unit="s")
    r = rank_units(holes, count="x", exposure="t", unit="s", missing="drop", rng=1)
    assert set(r.units) == {"a", "b"}
    assert any(n.code == "missing-dropped" and n.message.startswith("3 rows") for n in r.notes)
    listed = rank_units([4, 5, 2], exposure=[10.0, float("nan"), 8.0], unit=["a", "b", "c"], missing="drop", rng=1)
    assert set(listed.units) == {"a", "c"}


@pytest.mark.parametrize(
    ("data", "kwargs", "message"),
    [
        ([3, -1], {"exposure": 1.0}, "zero or more"),
        ([3, 1.5], {"exposure": 1.0}, "whole numbers"),
        ([3, 8], {"size": [5, 7]}, "cannot exceed"),
        ([3, 8], {"size": [5, 9.5]}, "whole numbers"),
        ([3, 8], {"exposure": [5, 0]}, "above zero"),
        ([3, 8], {"exposure": [5]}, "one each"),
        (["3", "8"], {"exposure": 1.0}, "text"),
        ([3, 8], {"exposure": "t"}, "no table"),
        ([3, 8], {"exposure": 1.0, "unit": "site"}, "no table"),
        ([3, 8], {"exposure": 1.0, "count": "x"}, "no table"),
        ([3, 8], {"exposure": 1.0, "unit": ["a"]}, "1 names came"),
        ([3, 8], {"exposure": 1.0, "unit": ["a", None]}, "name no unit"),
        ([3, 8], {}, "give one of them"),
        ([3, 8], {"size": 10, "exposure": 10}, "give one of them"),
        ([3, 8], {"exposure": 1.0, "better": "more"}, "better"),
        ([3, 8], {"exposure": 1.0, "missing": "skip"}, "missing"),
        ([3, 8], {"exposure": 1.0, "draws": 50}, "draws"),
        ([3, 8], {"exposure": 1.0, "draws": 1e4}, "draws"),
        ([3, 8], {"exposure": 1.0, "confidence": 95}, "0.95"),
        ([3, 8], {"exposure": 1.0, "rng": "x"}, "rng"),
        ([[3, 8], [1, 2]], {"exposure": 1.0}, "dimensions"),
        (7, {"exposure": 1.0}, "data"),
        ([], {"exposure": 1.0}, "no rows"),
        ([1] * 5001, {"exposure": 1.0}, "5,000"),
        (FRAME, {"exposure": "orders", "unit": "site"}, "count"),
        (FRAME, {"count": "late", "size": "orders"}, "unit"),
        (FRAME, {"count": "late", "size": "orders", "unit": "late"}, "also the column"),
        (FRAME, {"count": "late", "size": [1, 2], "unit": "site"}, "array"),
        (FRAME, {"count": "site", "size": "orders", "unit": "late"}, "text"),
        (FRAME, {"count": "gone", "size": "orders", "unit": "site"}, "gone"),
        (FRAME, {"count": "orders", "size": "late", "unit": "site"}, "above zero"),
    ],
)
def test_bad_input_is_named(data, kwargs, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=message):
        rank_units(data, **kwargs)


@pytest.mark.parametrize(
    ("data", "kwargs", "message"),
    [
        ([3], {"exposure": 1.0}, "two or more"),
        ([3, 4], {"exposure": 1.0, "unit": ["a", "a"]}, "two or more"),
        ([0, 0, 0], {"exposure": 1.0}, "no event"),
        ([5, 6], {"size": [5, 6]}, "every case"),
    ],
)
def test_too_little_is_named(data, kwargs, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TooFewData, match=message):
        rank_units(data, **kwargs)


def test_ties_of_tiny_shapes_are_broken_by_chance() -> None:
    # one unit has all events: the others' true rates are far below what a float64 draw can tell from zero
    r = rank_units([0, 0, 0, 0, 100_000], exposure=1.0, draws=20_000, rng=4)
    np.testing.assert_allclose(r.mean_rank, [2.5, 2.5, 2.5, 2.5, 5.0], atol=4 * 1.2 / math.sqrt(20_000))
    s = BetaUnits(np.array([0.0, 0.0, 1e5]), np.full(3, 2e5), 2e5)
    drawn = s.drawn(s.cells()[0], np.random.default_rng(1), 2000)
    assert np.isfinite(drawn).all() and len(np.unique(drawn)) == drawn.size
