"""Churn: statsmodels' Greenwood, formulas written out, no one or everyone lost, agreement of p and interval."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from qstats.errors import DataError
from qstats.inference.equivalence import noninferiority
from qstats.voice.service.churn import churn, compare_churn

NOW = np.datetime64("2024-01-01", "us")
DAY = np.timedelta64(1, "D")
NAMES = {"start": "s", "end": "e", "now": NOW}
RNG = np.random.default_rng(12)
STAY, SEEN = np.ceil(RNG.exponential(300, 150)), RNG.integers(30, 700, 150).astype(float)
TIME, LEFT = np.minimum(STAY, SEEN), STAY <= SEEN


def customers(time, left):
    start = NOW - np.asarray(time, dtype=int) * DAY
    return {"s": start, "e": np.where(np.asarray(left, dtype=bool), NOW, np.datetime64("NaT", "us"))}


def kept(time, left, horizon):
    """Share kept and its Greenwood standard error, by statsmodels."""
    sf = SurvfuncRight(time, np.asarray(left).astype(int))
    i = np.searchsorted(sf.surv_times, horizon, side="right") - 1
    return float(sf.surv_prob[i]), float(sf.surv_prob_se[i])


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_share_lost_and_limits(confidence):
    s, se = kept(TIME, LEFT, 365)
    z = stats.norm.ppf(0.5 + confidence / 2)
    r = churn(customers(TIME, LEFT), **NAMES, horizon=365, confidence=confidence)
    assert r.estimate == pytest.approx(1 - s)
    spread = z * se / (s * math.log(s))
    assert (r.interval.low, r.interval.high) == pytest.approx((1 - s ** math.exp(spread), 1 - s ** math.exp(-spread)))
    plain = churn(customers(TIME, LEFT), **NAMES, horizon=365, confidence=confidence, transform="plain")
    assert (plain.interval.low, plain.interval.high) == pytest.approx((1 - s - z * se, 1 - s + z * se))
    one = churn(customers(TIME, LEFT), **NAMES, horizon=365, confidence=0.5 + confidence / 2, alternative="less")
    assert (one.interval.low, one.interval.high) == (0.0, pytest.approx(r.interval.high))
    k = int(np.searchsorted(r.curve.time, 365, side="right")) - 1  # the same limits the curve shows
    assert (1 - r.curve.high[k], 1 - r.curve.low[k]) == pytest.approx((r.interval.low, r.interval.high))
    assert r.naive < r.estimate
    assert (r.n, r.ended, r.active) == (150, LEFT.sum(), 150 - LEFT.sum())


def test_without_censoring_it_is_a_proportion():
    r = churn(customers([10, 20, 30, 400, 500], [1, 1, 1, 1, 1]), **NAMES, horizon=365)
    assert r.estimate == pytest.approx(0.6)
    assert r.naive == pytest.approx(0.6)


def test_no_one_and_everyone():
    r = churn(customers([400] * 20 + [100] * 5, [0] * 25), **NAMES, horizon=365)
    # 0 of 20 followed: Clopper-Pearson upper limit 1 - 0.025 ** (1 / 20).
    assert (r.estimate, r.interval.low) == (0.0, 0.0)
    assert r.interval.high == pytest.approx(stats.beta.ppf(0.975, 1, 20))
    assert "no-variance" in {n.code for n in r.notes}
    r = churn(customers([50] * 20, [1] * 20), **NAMES, horizon=365)
    assert (r.estimate, r.interval.high) == (1.0, 1.0)
    assert r.interval.low == pytest.approx(stats.beta.ppf(0.025, 20, 1))


def test_horizon_beyond_what_was_seen():
    with pytest.raises(DataError, match="no one was followed for longer than 100"):
        churn(customers([100, 50], [0, 1]), **NAMES, horizon=365)
    with pytest.raises(DataError, match="group 'new': horizon"):
        churn(customers([400, 20, 10], [0, 0, 1]) | {"g": ["old", "new", "new"]}, **NAMES, horizon=365, by="g")


def test_groups():
    group = np.array(["直营", "代理"])[np.arange(150) % 2]
    t = churn(customers(TIME, LEFT) | {"渠道": group}, **NAMES, horizon=200, by="渠道")
    for name, r in zip(t.segments, t.results, strict=True):
        assert r.estimate == pytest.approx(1 - kept(TIME[group == name], LEFT[group == name], 200)[0])
    assert t.logrank.statistic == pytest.approx(survdiff(TIME, LEFT.astype(int), group)[0])
    assert list(t.to_frame()["segment"]) == list(t.segments)
    assert "代理" in t.summary()
    json.loads(t.to_json())


def test_curve_is_drawn():
    r = churn(customers(TIME, LEFT), **NAMES, horizon=200)
    assert r.plot().get_xlim()[0] == 0
    assert "lost by 200 days" in r.summary()
    assert r.to_frame().loc[0, "lost"] == r.estimate


HALF = np.arange(150) % 2 == 0


def test_comparison_plain_is_greenwood():
    a, b = customers(TIME[HALF], LEFT[HALF]), customers(TIME[~HALF], LEFT[~HALF])
    (s, se), (s0, se0) = kept(TIME[HALF], LEFT[HALF], 300), kept(TIME[~HALF], LEFT[~HALF], 300)
    r = compare_churn(a, b, **NAMES, horizon=300, transform="plain", null=0.02)
    d, v = s0 - s, math.hypot(se, se0)
    assert r.estimate == pytest.approx(d)
    assert r.pvalue == pytest.approx(2 * stats.norm.sf(abs(d - 0.02) / v), rel=1e-9)
    z = stats.norm.ppf(0.975)
    assert (r.interval.low, r.interval.high) == pytest.approx((d - z * v, d + z * v))
    assert r.logrank.pvalue == pytest.approx(survdiff(TIME, LEFT.astype(int), HALF)[1])
    assert r.curves[0].n == HALF.sum()
    both = customers(TIME, LEFT) | {"g": np.where(HALF, "new", "old").tolist()}
    by = compare_churn(both, **NAMES, by="g", reference="old", horizon=300, transform="plain", null=0.02)
    assert (by.estimate, by.pvalue, by.groups) == (r.estimate, r.pvalue, ("new", "old"))


def test_comparison_combines_the_limits_of_each():
    a, b = customers(TIME[HALF], LEFT[HALF]), customers(TIME[~HALF], LEFT[~HALF])
    one, two = (churn(x, **NAMES, horizon=300) for x in (a, b))
    r = compare_churn(a, b, **NAMES, horizon=300)
    p, i, p0, i0 = one.estimate, one.interval, two.estimate, two.interval
    assert r.interval.low == pytest.approx(p - p0 - math.hypot(p - i.low, i0.high - p0))
    assert r.interval.high == pytest.approx(p - p0 + math.hypot(i.high - p, p0 - i0.low))
    assert noninferiority(compare_churn, a, b, margin=0.5, better="lower", **NAMES, horizon=300).shown


people = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=20)


@given(
    people, people, st.sampled_from([0.8, 0.95, 0.99]), st.sampled_from(["two-sided", "less", "greater"]),
    st.sampled_from(["log-log", "plain"]), st.sampled_from([-0.3, 0.0, 0.2]),
)  # fmt: skip
@settings(max_examples=150)
def test_interval_and_pvalue_agree(a, b, confidence, alternative, transform, null):
    one, two = (customers([t for t, _ in x] + [40], [c for _, c in x] + [0]) for x in (a, b))
    options = {**NAMES, "horizon": 20, "transform": transform}
    tested = {"confidence": confidence, "alternative": alternative}
    r = compare_churn(one, two, **options, **tested, null=null)
    assert 0 <= r.pvalue <= 1
    assert -1 <= r.interval.low <= r.estimate <= r.interval.high <= 1
    near = min(abs(r.interval.low - null), abs(r.interval.high - null)) < 1e-9
    if not near:
        assert (r.pvalue < 1 - confidence) == (not r.interval.low <= null <= r.interval.high)
    wider = compare_churn(one, two, **options, null=null, confidence=(1 + confidence) / 2, alternative=alternative)
    assert wider.interval.low <= r.interval.low + 1e-12
    assert wider.interval.high >= r.interval.high - 1e-12
    mirror = {"less": "greater", "greater": "less"}.get(alternative, alternative)
    swap = compare_churn(two, one, **options, confidence=confidence, alternative=mirror, null=-null)
    assert (swap.estimate, swap.pvalue) == pytest.approx((-r.estimate, r.pvalue), abs=1e-12)
    assert swap.interval.low == pytest.approx(-r.interval.high)


def test_bad_options():
    log = customers([100, 50], [0, 1])
    for options, match in (
        ({"horizon": 0}, "horizon"),
        ({"horizon": "365"}, "horizon"),
        ({"horizon": 10, "transform": "log"}, "transform"),
        ({"horizon": 10, "unit": "years"}, "unit"),
        ({"horizon": 10, "alternative": "both"}, "alternative"),
        ({"horizon": 10, "confidence": 95}, "0.95"),
    ):
        with pytest.raises(DataError, match=match):
            churn(log, **NAMES, **options)
    with pytest.raises(DataError, match=r"end \(column 'e'\) before start"):
        churn({"s": ["2024-01-02"], "e": ["2024-01-01"]}, **NAMES, horizon=10)
    with pytest.raises(DataError, match="null"):
        compare_churn(log, log, **NAMES, horizon=10, null=1.5)
