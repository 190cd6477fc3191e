"""CSAT and CES: against R, statsmodels, scipy and plain-loop transcriptions of survey linearisation."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from qstats.errors import DataError, TooFewData
from qstats.inference.equivalence import equivalence, noninferiority
from qstats.inference.means.means import compare_means
from qstats.inference.ordinal.scores import compare_ordinal
from qstats.inference.proportions import compare_proportions
from qstats.voice.satisfaction.battery import battery
from qstats.voice.satisfaction.compare import compare_ces, compare_csat
from qstats.voice.satisfaction.kernels import LevelSums, share_difference
from qstats.voice.satisfaction.scores import ces, csat

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "voice_satisfaction.json").read_text("utf-8"))
ANSWERS = st.lists(st.integers(1, 5), min_size=2, max_size=40)


def limits(interval):
    return interval.low, interval.high


def weighted(score, w, top):
    """Share, mean and their linearised variances, answer by answer (Sarndal et al. 1992, section 5.5)."""
    total, n = sum(w), len(w)
    out = []
    for y in ([float(s in top) for s in score], [float(s) for s in score]):
        e = sum(a * b for a, b in zip(w, y, strict=True)) / total
        z = [a * (b - e) / total for a, b in zip(w, y, strict=True)]
        out.append((e, n / (n - 1) * sum(v * v for v in z)))
    return out


def test_against_r():
    case = REFERENCE["csat-3"]
    x, e = case["inputs"]["x"], case["expected"]
    r = csat(x)
    assert (r.estimate, r.mean) == pytest.approx((e["t2b"], e["mean"]), rel=1e-12)
    assert limits(r.interval) == pytest.approx(e["wilson"], rel=1e-7)
    assert limits(r.mean_interval) == pytest.approx(e["ci"], rel=1e-9)
    assert limits(csat(x, method="clopper-pearson").interval) == pytest.approx(e["cp"], rel=1e-7)
    assert (r.n, r.top, r.n_eff, r.deff, r.df) == (60.0, 54.0, 60.0, 1.0, None)
    assert r.distribution == tuple(float(x.count(k)) for k in range(1, 6))
    assert sum(r.shares) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("method", "theirs"), [("wilson", "wilson"), ("clopper-pearson", "beta"), ("jeffreys", "jeffreys")]
)
def test_shares_are_those_of_statsmodels(method, theirs):
    x = [5] * 3 + [4] * 9 + [2] * 11
    assert limits(csat(x, method=method, confidence=0.9).interval) == pytest.approx(
        proportion_confint(12, 23, 0.1, theirs), rel=1e-9
    )


@pytest.mark.parametrize("method", ["wilson", "clopper-pearson"])
def test_weights(method):
    rng = np.random.default_rng(3)
    score, w = rng.integers(1, 8, 80), rng.uniform(0.2, 4.0, 80)
    r = csat(score, weight=w, scale=(1, 7), top=3, method=method)
    (p, v), (m, vm) = weighted(score.tolist(), w.tolist(), (5, 6, 7))
    assert (r.estimate, r.mean, r.df) == (pytest.approx(p), pytest.approx(m), 79.0)
    assert r.mean == pytest.approx(DescrStatsW(score, w).mean)
    t = stats.t.ppf(0.975, 79)
    assert limits(r.mean_interval) == pytest.approx((m - t * vm**0.5, m + t * vm**0.5))
    # Korn & Graubard (1998): effective answers p q / v with n - 1 in v, cut by (z/t)^2
    n_eff = p * (1 - p) / (v * 79 / 80)
    assert r.n_eff == pytest.approx(n_eff)
    assert r.deff == pytest.approx(80 / n_eff)
    n = n_eff * (stats.norm.ppf(0.975) / t) ** 2
    expected = {"wilson": proportion_confint(p * n, n), "clopper-pearson": None}
    if method == "wilson":
        expected = proportion_confint(p * n, n, method="wilson")
    else:
        expected = (stats.beta.ppf(0.025, p * n, n - p * n + 1), stats.beta.ppf(0.975, p * n + 1, n - p * n))
    assert limits(r.interval) == pytest.approx(expected)


def test_equal_weights_change_the_t_only():
    x = [5] * 30 + [2] * 20
    a, b = csat(x), csat(x, weight=[3.0] * 50)
    assert (a.estimate, a.n_eff) == pytest.approx((b.estimate, b.n_eff))
    assert limits(a.mean_interval) == pytest.approx(limits(b.mean_interval))
    assert b.interval.low < a.interval.low < a.interval.high < b.interval.high
    assert csat(x, weight=[1e300] * 50).interval.low == pytest.approx(b.interval.low)
    # all on one side: Kish's number; light weights on one side are worth no more than that
    assert csat([5, 5, 1, 1], weight=[1e-6, 1e-6, 1, 1]).n_eff == pytest.approx(2.0, abs=1e-5)
    w = np.arange(1.0, 11.0)
    assert csat([5] * 10, weight=w).n_eff == pytest.approx(w.sum() ** 2 / (w**2).sum())


def test_one_level_still_has_an_interval():
    # P(all n on one level) = (1 - q)^n: at the lower limit exactly 2.5 % where everyone else is at 1
    for n in (1, 4, 100):
        r = csat([5] * n)
        assert r.estimate == 1.0
        q = (5.0 - r.mean_interval.low) / 4.0
        assert (1.0 - q) ** n == pytest.approx(0.025)
        assert r.mean_interval.high == 5.0
        assert r.notes[-1].code == "one-level"
        assert limits(r.interval) == pytest.approx(proportion_confint(n, n, method="wilson"))
    r = csat([3])
    assert (r.estimate, r.mean) == (0.0, 3.0)
    assert r.mean_interval.low == pytest.approx(3 - 0.975 * 2)
    assert r.mean_interval.high == pytest.approx(3 + 0.975 * 2)


def test_the_mean_stays_on_the_scale():
    r = csat([5] * 9 + [1])
    assert r.mean_interval.high == 5.0


def test_effort_runs_in_the_direction_declared():
    x = [1, 1, 2, 3, 7, 6]
    high, low = ces(x, direction="higher"), ces(x, direction="lower")
    assert (high.estimate, high.boxes, high.top) == (2 / 6, (5, 6, 7), 2.0)
    assert (low.estimate, low.boxes, low.top) == (4 / 6, (1, 2, 3), 4.0)
    assert high.mean == low.mean
    turned = ces([8 - v for v in x], direction="higher")
    assert (turned.estimate, limits(turned.interval)) == (low.estimate, limits(low.interval))
    with pytest.raises(TypeError, match="direction"):
        ces(x)
    assert "CES" in str(low.title)


@given(ANSWERS)
@settings(max_examples=60)
def test_nesting_and_order(x):
    r, wide = csat(x, confidence=0.9), csat(x, confidence=0.99)
    for inner, outer in ((r.interval, wide.interval), (r.mean_interval, wide.mean_interval)):
        assert outer.low <= inner.low <= inner.high <= outer.high
    assert r.estimate in r.interval
    assert r.mean in r.mean_interval
    again = csat(x[::-1], confidence=0.9)
    assert (again.estimate, limits(again.interval), again.mean) == (r.estimate, limits(r.interval), r.mean)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: csat([5, 6, 6]), DataError, r"6 \(2 times\) on a scale of whole numbers 1 to 5"),
        (lambda: csat([4.5, 3]), DataError, r"4\.5 \(once\)"),
        (lambda: csat(["5", "4"]), DataError, "got text"),
        (lambda: csat([5, None]), DataError, "1 of 2 answers are missing"),
        (lambda: csat([]), TooFewData, "no answer"),
        (lambda: csat([6], blank=6), TooFewData, "no answer among 1 rows"),
        (lambda: csat([5], blank=5), DataError, "is a score of the scale"),
        (lambda: csat([5], scale=5), DataError, "lowest and the highest"),
        (lambda: csat([5], scale=(5, 1)), DataError, "lowest first"),
        (lambda: csat([5], scale=(1, 5.5)), DataError, "whole number"),
        (lambda: csat([5], scale=(0, 10**6)), DataError, "2 to 101"),
        (lambda: csat([5], top=5), DataError, "at least one level must not"),
        (lambda: csat([5], top=0), DataError, "top"),
        (lambda: csat([5], top=1.5), DataError, "whole number"),
        (lambda: csat([5], method="wald"), DataError, "'wilson'"),
        (lambda: csat([5, 4], method="jeffreys", weight=[1, 2]), DataError, "knows no weights"),
        (lambda: csat([5, 4], weight=[1]), DataError, "1 values came for 2"),
        (lambda: csat([5, 4], weight=[1, None]), DataError, "weight: missing"),
        (lambda: csat([5, 4], weight=[1, -1]), DataError, "zero or more"),
        (lambda: csat([5, 4], weight=[0, 0]), DataError, "all are zero"),
        (lambda: csat([5, 4], weight=[1e-200, 1]), DataError, "so light an answer"),
        (lambda: csat([5, 4], by=np.array(5)), DataError, "one label per answer"),
        (lambda: csat([5], confidence=95), DataError, "0.95"),
        (lambda: csat([5], adjust="bh"), DataError, "without by="),
        (lambda: csat([5], values="x"), DataError, "not a table"),
        (lambda: csat(pd.DataFrame({"a": [1]})), DataError, "values: is missing"),
        (lambda: csat(pd.DataFrame({"a": [1]}), values="b"), DataError, "not in the data"),
        (lambda: ces([5], direction="up"), DataError, "direction"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_views():
    r = csat([5, 4, 1, None, 9], missing="drop", blank=9)
    assert {n.code for n in r.notes} == {"missing-dropped", "blank-dropped"}
    d = json.loads(r.to_json())
    assert d["schema"] == "qstats.satisfaction/1"
    assert d["scale"] == [1, 5]
    assert r.to_frame()["share"][0] == r.estimate
    assert "answers 4 to 5" in r.summary()
    assert "effective answers" in str(csat([5, 4, 1], weight=[1, 2, 3]))


# Two groups ----------------------------------------------------------------------------------------------------------


@given(ANSWERS, ANSWERS, st.sampled_from([0.8, 0.95]))
@settings(max_examples=60)
def test_comparison_is_the_three_of_inference(x, x0, confidence):
    r = compare_csat(x, x0, confidence=confidence)
    count, count0 = sum(v >= 4 for v in x), sum(v >= 4 for v in x0)
    top = compare_proportions(count, len(x), count0, len(x0), confidence=confidence)
    mean, order = compare_means(x, x0, confidence=confidence), compare_ordinal(x, x0, confidence=confidence)
    pairs = [(r.top, top), (r.superiority, order)]
    if len(set(x)) > 1 or len(set(x0)) > 1:  # without any scatter Welch has nothing to say
        pairs.append((r.mean, mean))
    for mine, theirs in pairs:
        assert mine.estimate == pytest.approx(theirs.estimate, abs=1e-12)
        assert limits(mine.interval) == pytest.approx(limits(theirs.interval), abs=1e-8)
        assert mine.pvalue == pytest.approx(theirs.pvalue, abs=1e-8)
        assert mine.effect == theirs.effect
    assert (r.estimate, r.pvalue, r.effect) == (r.top.estimate, r.top.pvalue, "difference")


@pytest.mark.parametrize("effect", ["top_box", "mean", "superiority"])
def test_margins(effect):
    rng = np.random.default_rng(5)
    x, x0 = rng.integers(1, 6, 200).tolist(), rng.integers(1, 6, 150).tolist()
    margin = {"top_box": -0.1, "mean": -0.3, "superiority": 0.4}[effect]
    a = noninferiority(compare_csat, x, x0, margin=margin, better="higher", effect=effect)
    alone = compare_csat(x, x0, effect=effect, null=margin, alternative="greater")
    assert (a.pvalue, a.interval.low) == (alone.pvalue, alone.interval.low)
    assert a.shown == (alone.interval.low > margin)
    high = {"top_box": 0.1, "mean": 0.3, "superiority": 0.6}[effect]
    assert equivalence(compare_csat, x, x0, low=margin, high=high, effect=effect).interval.confidence == 0.9


@given(ANSWERS, ANSWERS, st.floats(-0.9, 0.9), st.sampled_from([0.8, 0.9, 0.99]), st.data())
@settings(max_examples=40)
def test_weighted_share_test_inverts_its_interval(x, x0, null, confidence, data):
    weights = st.floats(0.1, 10.0)
    w = data.draw(st.lists(weights, min_size=len(x), max_size=len(x)))
    w0 = data.draw(st.lists(weights, min_size=len(x0), max_size=len(x0)))
    r = compare_csat(x, x0, weight=w, weight0=w0, null=null, confidence=confidence)
    if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-9:
        assert (r.pvalue < 1 - confidence) == (not r.interval.low < null < r.interval.high)
    back = compare_csat(x0, x, weight=w0, weight0=w, null=-null, confidence=confidence)
    assert back.pvalue == pytest.approx(r.pvalue, abs=1e-7)
    assert (-back.interval.high, -back.interval.low) == pytest.approx(limits(r.interval), abs=1e-7)
    (p, _), (m, v) = weighted(x, w, (4, 5))
    (p0, _), (m0, v0) = weighted(x0, w0, (4, 5))
    assert r.estimate == pytest.approx(p - p0, abs=1e-12)
    assert r.mean.estimate == pytest.approx(m - m0)
    assert r.superiority is None
    if v + v0 > 1e-9:
        df = (v + v0) ** 2 / (v**2 / (len(x) - 1) + v0**2 / (len(x0) - 1))
        reach = stats.t.ppf(0.5 + confidence / 2, df) * math.sqrt(v + v0)
        assert r.mean.interval.high - r.mean.estimate == pytest.approx(reach, rel=1e-6)


def test_equal_weights_give_students_t_on_the_score():
    x, x0 = [5] * 6 + [1] * 4, [5] * 2 + [1] * 7
    plain, heavy = compare_csat(x, x0), compare_csat(x, x0, weight=[2.0] * 10, weight0=[7.0] * 9)
    assert stats.norm.sf(abs(heavy.statistic)) == pytest.approx(stats.t.sf(abs(plain.statistic), 17), rel=1e-9)
    assert heavy.df == 17.0
    assert heavy.pvalue == pytest.approx(2 * stats.t.sf(abs(plain.statistic), 17))


def test_effort_compared():
    x, x0 = [1, 2, 1, 3, 2, 1, 2, 4], [3, 5, 2, 4, 6, 4, 7, 2]
    r = compare_ces(x, x0, direction="lower", alternative="greater")
    # P(easier) by counting pairs
    easier = sum((a < b) + 0.5 * (a == b) for a in x for b in x0) / 64
    assert r.superiority.estimate == pytest.approx(easier)
    assert (r.top.alternative, r.mean.alternative, r.superiority.alternative) == ("greater", "less", "greater")
    assert max(r.top.pvalue, r.mean.pvalue, r.superiority.pvalue) < 0.05
    turned = compare_ces([8 - v for v in x], [8 - v for v in x0], direction="higher", alternative="greater")
    assert turned.pvalue == pytest.approx(r.pvalue)
    assert turned.mean.pvalue == pytest.approx(r.mean.pvalue)
    assert turned.superiority.pvalue == pytest.approx(r.superiority.pvalue)
    by_mean = compare_ces(x, x0, direction="lower", effect="mean", alternative="less")
    assert by_mean.pvalue == pytest.approx(r.mean.pvalue)
    assert by_mean.top.alternative == "greater"


def test_groups_from_a_table():
    f = pd.DataFrame({"s": [5, 4, 1, 2, 5, 5], "wave": ["new", "old", "old", "old", "new", "new"], "w": [1.0] * 6})
    r = compare_csat(f, values="s", by="wave", reference="old")
    assert (r.values, r.n) == ((1.0, 1 / 3), (3.0, 3.0))
    same = compare_csat(f[f.wave == "new"], f[f.wave == "old"], values="s")
    assert same.pvalue == r.pvalue
    assert compare_csat(f[f.wave == "new"], f[f.wave == "old"], values="s", weight="w").superiority is None
    assert list(r.to_frame()["effect"]) == ["difference", "mean_difference", "superiority"]
    d = json.loads(r.to_json())
    assert d["schema"] == "qstats.satisfaction-comparison/1"
    assert d["top"]["effect"] == "difference"
    assert "difference of shares" in str(r)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: compare_csat([5, 4]), DataError, "data0: is missing"),
        (lambda: compare_csat([5, 4], [5]), TooFewData, "reference group has 1 answer"),
        (lambda: compare_csat([5, 4], [5, 9]), DataError, r"data0: 9 \(once\)"),
        (lambda: compare_csat([5, 4], [5, 4], reference="a"), DataError, "without by="),
        (lambda: compare_csat([5, 4], [5, 4], by=["a", "b"]), DataError, "came together with by="),
        (lambda: compare_csat([5, 4], by=["a", "b"], reference="c"), DataError, "say which"),
        (lambda: compare_csat([5, 4, 3], by=["a", "b", "c"], reference="c"), DataError, "two are wanted"),
        (lambda: compare_csat([5, 4, 3], by=["a", "b", None], reference="a"), DataError, "missing for 1"),
        (lambda: compare_csat([5, 4], [5, 4], weight=[1, 1]), DataError, "for both groups"),
        (
            lambda: compare_csat([5, 4], [5, 4], weight=[1, 1], weight0=[1, 1], effect="superiority"),
            DataError,
            "knows no",
        ),
        (lambda: compare_csat([5, 4], [5, 4], null=1.0), DataError, "null"),
        (lambda: compare_csat([5, 4], [5, 4], effect="median"), DataError, "effect"),
        (lambda: compare_csat([5, 4], [5, 4], alternative="up"), DataError, "alternative"),
        (lambda: compare_csat([5, 4, 4], weight=[1, 1, 1], by=["a", "b", "b"], reference="a"), TooFewData, "1 answer"),
        (
            lambda: compare_csat([5, 5, 4, 4], weight=[1, 1, 0, 0], by=list("aabb"), reference="a"),
            DataError,
            "all are zero",
        ),
    ],
)
def test_bad_groups(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_extreme_effective_counts():
    """Shares of 0 and 1 of either group, tiny and huge n: limits finite, inside the scale, around the estimate."""
    rows = np.array([[3.0, 0.0], [0.0, 3.0], [0.0, 1e9], [1.0, 0.0]])
    s = LevelSums(rows, rows, rows, np.array([1.0, 2.0]), np.array([0.0, 1.0]), True)
    for i in range(4):
        d, _, _ = share_difference(s, s.at(np.full(4, i)), 0.0, 0.95, "two-sided")
        assert np.isfinite(d.pvalue).all()
        assert ((d.low >= -1) & (d.high <= 1) & (d.low <= d.estimate + 1e-9) & (d.estimate <= d.high + 1e-9)).all()


def test_two_groups_without_scatter_are_not_certain():
    # By hand: of two equal answers at most q = 1 - 0.025**(1/2) of the customers answer otherwise (``(1 - q)**2`` is
    # the chance to miss them), 5 of [5, 5] can fall by 4 q; MOVER joins the two distances.
    q = 1 - 0.025**0.5
    same = compare_csat([5, 5], [5, 5], effect="mean")
    assert limits(same.interval) == pytest.approx((-4 * q, 4 * q))
    assert same.pvalue == 1.0
    r = compare_csat([5, 5], [4, 4], effect="mean")
    assert limits(r.interval) == pytest.approx((1 - math.hypot(4 * q, q), 1 + 3 * q))
    assert r.pvalue > 0.2
    assert [n.code for n in r.mean.notes] == ["one-level"]
    # weights: Kish's number in place of n
    w = compare_ces([7] * 3, [7] * 3, direction="higher", weight=[1, 1, 2], weight0=[3, 3, 3], effect="mean")
    assert w.interval.low == pytest.approx(-6 * (1 - 0.025 ** (6 / 16)))
    assert w.interval.high == pytest.approx(6 * (1 - 0.025 ** (1 / 3)))


@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(2, 60), st.integers(2, 60), st.floats(-3.99, 3.99),
    st.sampled_from([0.8, 0.95]), st.sampled_from(["two-sided", "less", "greater"]),
)  # fmt: skip
@settings(max_examples=100)
def test_the_test_without_scatter_inverts_its_interval(v, v0, n, n0, null, confidence, alternative):
    options = {"effect": "mean", "confidence": confidence}
    r = compare_csat([v] * n, [v0] * n0, null=null, alternative=alternative, **options)
    low, high = limits(r.interval)
    if min(abs(null - low), abs(null - high)) > 1e-9:
        assert (r.pvalue < 1 - confidence) == (not low <= null <= high)
    turned = {"less": "greater", "greater": "less"}.get(alternative, alternative)
    back = compare_csat([v0] * n0, [v] * n, null=-null, alternative=turned, **options)
    assert back.pvalue == pytest.approx(r.pvalue, abs=1e-12)
    assert limits(back.interval) == pytest.approx((-high, -low), abs=1e-12)


def test_answers_of_weight_zero_do_not_count():
    x, w = [5, 4, 1, 3, 5, 2], [1.0, 2.0, 1.5, 0.0, 1.0, 0.0]
    kept = [(a, b) for a, b in zip(x, w, strict=True) if b > 0]
    r, expected = csat(x, weight=w), csat([a for a, _ in kept], weight=[b for _, b in kept])
    assert (r.n, r.df, r.interval, r.mean_interval) == (4, 3, expected.interval, expected.mean_interval)
    assert r.notes[0].code == "weight-zero"
    assert r.notes[0].message.startswith("2 of 6")
    c = compare_csat(x, x, weight=w, weight0=w)
    assert c.n == (4, 4)
    assert "weight-zero" in [n.code for n in c.notes]


@pytest.mark.parametrize(
    "data",
    [[True, False], np.array([True, False]), [5, True], np.array([1, True], dtype=object), pd.Series([True, False])],
)
def test_yes_and_no_are_not_scores(data):
    with pytest.raises(DataError, match="True and False"):
        csat(data)
    with pytest.raises(DataError, match="True and False"):
        csat(data, weight=[1, 1])


def test_true_and_false_in_a_table_are_not_scores():
    with pytest.raises(DataError, match="True and False"):
        csat(pd.DataFrame({"s": [True, False]}), values="s")
    with pytest.raises(DataError, match=r"item 'b'.*True and False"):
        battery(pd.DataFrame({"a": [1, 2], "b": [True, False]}), items=["a", "b"])


def test_battery_counts_positive_weights_only():
    r = battery({"a": [5, 4, 1], "b": [2, 3, 4]}, weight=[1.0, 0.0, 2.0])
    assert list(r.n) == [2, 2]
    assert "weight-zero" in [n.code for n in r.notes]
    with pytest.raises(DataError, match="True and False"):
        battery({"a": [True, False]})
