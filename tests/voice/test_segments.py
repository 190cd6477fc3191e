"""Tables of segments: each against its own computation, shrinkage against brute-force quadrature, ranks by counting."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special
from statsmodels.stats.multitest import multipletests

from qstats.errors import DataError
from qstats.inference.proportions import compare_proportions
from qstats.voice.satisfaction.compare import compare_csat
from qstats.voice.satisfaction.scores import ces, csat
from qstats.voice.satisfaction.segments import rank_limits, shrink_shares


def make(seed=1, n=400):
    rng = np.random.default_rng(seed)
    seg = rng.choice(["Süd", "北京", "north", "tiny"], n, p=[0.4, 0.3, 0.29, 0.01])
    score = np.clip(rng.integers(1, 6, n) + (seg == "北京"), 1, 5)
    return pd.DataFrame({"score": score, "seg": seg, "w": rng.uniform(1, 3, n)})


@pytest.mark.parametrize("weight", [None, "w"])
def test_each_segment_is_computed_alone(weight):
    data = make()
    t = csat(data, values="score", by="seg", weight=weight, adjust="bh")
    assert t.segments == tuple(sorted(set(data["seg"])))
    for i, name in enumerate(t.segments):
        inside = data["seg"] == name
        own = csat(data[inside], values="score", weight=weight)
        assert (t.estimate[i], t.mean[i]) == pytest.approx((own.estimate, own.mean))
        assert (t.n[i], t.top[i]) == (own.n, own.top)
        assert (t.interval.low[i], t.interval.high[i]) == pytest.approx((own.interval.low, own.interval.high))
        assert t.mean_interval.low[i] == pytest.approx(own.mean_interval.low)
        both = compare_csat(data[inside], data[~inside], values="score", weight=weight)
        assert (t.difference[i], t.pvalue[i]) == pytest.approx((both.estimate, both.pvalue), rel=1e-6)
        assert t.difference_interval.low[i] == pytest.approx(both.interval.low, abs=1e-8)
    np.testing.assert_allclose(t.adjusted, multipletests(t.pvalue, method="fdr_bh")[1], rtol=1e-12)
    assert t.total.estimate == pytest.approx(csat(data, values="score", weight=weight).estimate)
    if weight is None:
        first = data["seg"] == t.segments[0]
        good = data["score"] >= 4
        alone = compare_proportions(
            *(int(v) for v in ((good & first).sum(), first.sum(), (good & ~first).sum(), (~first).sum()))
        )
        assert t.pvalue[0] == pytest.approx(alone.pvalue)


def posterior(x, n, limits):
    """Mean of each share, probability below its limits, mean correlation.

    Shares Beta(mu M, (1 - mu) M), mu and rho = 1/(M + 1) uniform: Gauss-Legendre quadrature in (mu, rho).
    """
    node, weight = np.polynomial.legendre.leggauss(400)
    u, w = 0.5 * (node + 1), 0.5 * weight
    means, below, total, rhos = np.zeros(len(x)), np.zeros((2, len(x))), 0.0, 0.0
    for mu, wm in zip(u, w, strict=True):
        m = (1 - u) / u  # over rho
        a, b = mu * m, (1 - mu) * m
        log = sum(special.betaln(a + i, b + j - i) - special.betaln(a, b) for i, j in zip(x, n, strict=True))
        p = wm * w * np.exp(log - posterior.scale)
        total += p.sum()
        rhos += (p * u).sum()
        for k, (i, j) in enumerate(zip(x, n, strict=True)):
            e = (a + i) / (m + j)
            means[k] += (p * e).sum()
            for side in (0, 1):
                below[side, k] += (p * special.betainc(a + i, b + j - i, limits[side][k])).sum()
    return means / total, below / total, rhos / total


@pytest.mark.parametrize(
    ("x", "n"),
    [
        ([8, 3, 15, 9], [10, 12, 20, 30]),
        ([1, 5], [1, 5]),
        ([0, 0, 0], [3, 4, 5]),
        ([40, 45, 41, 39, 44], [60, 60, 60, 60, 60]),
        ([2.5, 7.25, 1.5], [4.5, 9.0, 8.25]),
    ],
)
def test_shrinkage_is_the_posterior(x, n):
    posterior.scale = -0.7 * sum(n)  # keeps exp in range
    s = shrink_shares(np.array(x, float), np.array(n, float), 0.9)
    mean, below, rho = posterior(x, n, (s.low, s.high))
    np.testing.assert_allclose(s.share, mean, atol=1e-4)
    # a limit within 1e-8 of the end of the scale is that end: what lies beyond cannot be seen
    inside = np.array([s.low > 1e-8, s.high < 1 - 1e-8])
    assert inside.any(axis=0).all()
    np.testing.assert_allclose(below[inside], np.array([[0.05], [0.95]]).repeat(len(x), axis=1)[inside], atol=1e-3)
    assert s.correlation == pytest.approx(rho, rel=5e-3)


def test_shrinkage_limits_of_knowledge():
    # a million answers each: nothing to shrink, the binomial's own error is left
    n = np.array([1e6, 1e6, 1e6])
    x = np.array([7e5, 5e5, 9e5])
    s = shrink_shares(x, n, 0.95)
    np.testing.assert_allclose(s.share, x / n, atol=1e-5)
    np.testing.assert_allclose(s.high - s.low, 2 * 1.959964 * np.sqrt(x / n * (1 - x / n) / n), rtol=0.01)
    # alike segments are one: shrunk together
    s = shrink_shares(np.full(20, 70.0), np.full(20, 100.0), 0.95)
    assert s.correlation < 0.01
    assert (s.high - s.low < 0.14).all()  # a fifth less than the 0.18 of one segment alone
    many = shrink_shares(np.tile([5.0, 9.0, 8.0], 1000), np.full(3000, 10.0), 0.95)
    assert many.share.size == 3000
    # a correlation by moments (Kleinman 1973): sample variance less the binomial part
    p = np.array([0.5, 0.9, 0.8])
    within = (p.mean() * (1 - p.mean())) / 10
    rho = (p.var() / (p.mean() * (1 - p.mean())) - 0.1) / 0.9
    assert within < p.var()
    assert many.correlation == pytest.approx(rho, rel=0.15)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 500)), min_size=2, max_size=8),
    st.sampled_from([0.8, 0.95]),
)
@settings(max_examples=40, deadline=None)
def test_shrinkage_is_bounded_and_symmetric(cells, confidence):
    n = np.array([c[1] for c in cells], float)
    x = np.floor(np.array([c[0] for c in cells]) * n)
    s = shrink_shares(x, n, confidence)
    assert ((s.low >= 0) & (s.low < s.high) & (s.high <= 1) & (s.share > 0) & (s.share < 1)).all()
    other = shrink_shares(n - x, n, confidence)
    np.testing.assert_allclose(other.share, 1 - s.share, atol=2e-3)
    back = shrink_shares(x[::-1], n[::-1], confidence)
    np.testing.assert_allclose(back.share[::-1], s.share, atol=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3)), min_size=2, max_size=12))
def test_ranks_by_counting(pairs):
    low = np.array([a for a, _ in pairs])
    high = low + np.array([b for _, b in pairs])
    best, worst = rank_limits(low, high)
    for i in range(low.size):
        assert best[i] == 1 + sum(low[j] > high[i] for j in range(low.size))
        assert worst[i] == low.size - sum(high[j] < low[i] for j in range(low.size))


def test_rank_intervals_use_joint_limits():
    data = {"a": [5] * 95 + [1] * 5, "b": [5] * 60 + [1] * 40, "c": [5] * 55 + [1] * 45}
    x = [v for c in data.values() for v in c]
    by = [k for k, c in data.items() for _ in c]
    t = csat(x, by=by)
    assert t.rank_low.tolist() == [1, 2, 2]
    assert t.rank_high.tolist() == [1, 3, 3]
    # intervals that are apart at 95 % each, but not at the joint 95 % of Klein, Wright & Wieczorek (2020)
    a, b = [5] * 600 + [1] * 400, [5] * 664 + [1] * 336
    ends = [(csat(a, confidence=c).interval.high, csat(b, confidence=c).interval.low) for c in (0.95, 0.95**0.5)]
    assert [high < low for high, low in ends] == [True, False]
    assert csat(a + b, by=["a"] * 1000 + ["b"] * 1000).rank_low.tolist() == [1, 1]


def test_segments_of_one_answer_and_all_satisfied():
    t = csat([5, 5, 5, 4, 2, 1, 5, 5], by=["one", "all", "all", "x", "x", "x", "x", "x"])
    assert t.segments == ("all", "one", "x")
    assert t.estimate.tolist() == [1.0, 1.0, 0.6]
    for field in (t.interval, t.mean_interval, t.difference_interval, t.shrunk_interval):
        assert (field.low < field.high).all()
    assert (t.shrunk[:2] < 1.0).all()
    assert t.shrunk[1] < t.shrunk[0]  # one answer says less than two
    assert (t.adjusted > 0.05).all()
    assert t.notes[0].code == "one-level"
    one = csat([5] * 8, by=list("aabbccdd"))
    assert (one.pvalue == 1.0).all()
    assert json.loads(one.to_json())["estimate"] == [1.0] * 4
    lone = csat([1, 5], by=["a", "b"], weight=[2.0, 3.0])
    assert ((lone.pvalue > 0.05) & (lone.pvalue <= 1)).all()


def test_a_light_segment_beside_a_heavy_one_keeps_its_rest():
    # total less own would be rounding: 1e-14 less 1e8 is lost in 1e8
    x, by, w = [5, 1, 5, 5, 1, 1], list("aabbbb"), [1e8, 1e8, 1e-14, 1e-14, 1e-14, 3e-14]
    t = csat(x, by=by, weight=w)
    assert t.difference == pytest.approx([0.5 - 2 / 6, 2 / 6 - 0.5])
    assert t.pvalue[0] == pytest.approx(t.pvalue[1])


def test_effort_by_touchpoint_and_views():
    x, by = [1, 2, 7, 6, 1, 3, 7, 7], ["chat"] * 4 + ["phone"] * 4
    low, high = ces(x, by=by, direction="lower"), ces([8 - v for v in x], by=by, direction="higher")
    assert low.estimate.tolist() == high.estimate.tolist() == [0.5, 0.5]
    assert low.total.direction == "lower"
    assert low.notes[-1].code == "few-segments"
    assert "shrunk" in str(low)
    assert list(low.to_frame()["segment"]) == ["chat", "phone"]
    assert json.loads(low.to_json())["schema"] == "qstats.segment-table/1"
    assert len(low) == 2
    t = csat([5, 3, 4, 4, 1], by=["b", None, "a", "a", "b"])
    assert t.segments == ("a", "b", "(missing)")
    assert "missing-segment" in {n.code for n in t.notes}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": ["a", "a"]}, "one segment only"),
        ({"by": ["a"]}, "1 labels came for 2"),
        ({"by": ["a", "b"], "weight": [0, 1]}, "segment 'a'"),
        ({"by": ["a", "b"], "adjust": "none"}, "adjust"),
        ({"by": ["a", 1]}, "mixed"),
    ],
)
def test_bad_segments(options, words):
    with pytest.raises(DataError, match=words):
        csat([5, 3], **options)


def test_integral_of_the_prior():
    """The uniform prior of the correlation is a proper one: it integrates to 1 over the logit."""
    assert integrate.quad(lambda r: special.expit(r) * special.expit(-r), -math.inf, math.inf)[0] == pytest.approx(1.0)
