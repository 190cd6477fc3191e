"""Two NPS: fixtures, R, MOVER from its definition, agreement of p and interval, pairs, randomisation tests."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.equivalence import equivalence, noninferiority
from qstats.voice.nps.compare import TWO_SAMPLE, compare_nps, compare_nps_counts
from qstats.voice.nps.one import nps, nps_from_counts
from qstats.voice.nps.randomised import nps_paired_test, nps_permutation_test

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "voice_nps.json").read_text(encoding="utf-8"))[
        "cases"
    ]
}
counts = st.tuples(st.integers(0, 15), st.integers(0, 15), st.integers(0, 15)).filter(lambda c: sum(c) > 0)


def limits(r):
    return r.interval.low, r.interval.high


def scores(c):
    return np.repeat([3, 8, 10], c)


@pytest.mark.parametrize(
    ("method", "expected", "pvalue"),
    [
        # (15, 25, 60) against (25, 30, 45): Wald is R 4.2.2 NPS 1.1 (p 0.02290120); others by hand (Rocks 2016) and,
        # for MOVER, from score limits of an R function used as a black box.
        ("wald", (3.4627, 46.5373), 0.02290120),
        ("adjusted-wald", (3.0433, 45.5003), 0.02503),
        ("agresti-caffo", (3.2488, 46.0122), 0.02396),
        ("mover", (3.1232, 45.9685), None),
    ],
)
def test_fixtures(method, expected, pvalue):
    r = compare_nps(scores((15, 25, 60)), scores((25, 30, 45)), method=method)
    assert r.estimate == pytest.approx(25.0)
    assert limits(r) == pytest.approx(expected, abs=6e-5)
    if pvalue:
        assert r.pvalue == pytest.approx(pvalue, abs=6e-6)
    assert r.values == pytest.approx((45.0, 20.0))


def test_equals_r_nps_with_the_sign_it_loses():
    c = CASES["nps-two-2-3"]  # R 4.2.2, NPS 1.1: absolute difference and interval around it
    x, y = (np.repeat(np.arange(11), c["inputs"][k]) for k in "xy")
    e = c["expected"]
    r = compare_nps(x, y, method="wald")
    assert r.estimate == pytest.approx(-100 * e["delta_abs"], rel=1e-12)
    assert limits(r) == pytest.approx((-100 * e["int"][1], -100 * e["int"][0]), rel=1e-10)
    assert r.pvalue == pytest.approx(e["p"], rel=1e-8)
    assert r.values == pytest.approx((100 * e["nps.x"], 100 * e["nps.y"]))


@settings(max_examples=60, deadline=None)
@given(counts, counts, st.sampled_from([0.8, 0.95, 0.99]))
def test_mover_is_its_definition(c, c0, confidence):
    # Zou & Donner (2008): recover variances from the limits of each sample.
    one, two = nps_from_counts(*c, confidence=confidence), nps_from_counts(*c0, confidence=confidence)
    e1, (l1, u1), e2, (l2, u2) = one.estimate, limits(one), two.estimate, limits(two)
    low = e1 - e2 - math.sqrt((e1 - l1) ** 2 + (u2 - e2) ** 2)
    high = e1 - e2 + math.sqrt((u1 - e1) ** 2 + (e2 - l2) ** 2)
    r = compare_nps_counts(*c, *c0, confidence=confidence)
    assert limits(r) == pytest.approx((max(low, -200), min(high, 200)), abs=1e-8)


@settings(max_examples=150, deadline=None)
@given(counts, counts, st.floats(-190, 190), st.sampled_from([0.5, 0.8, 0.95, 0.99]),
       st.sampled_from(sorted(TWO_SAMPLE)), st.sampled_from(["two-sided", "less", "greater"]))  # fmt: skip
def test_p_and_interval_invert(c, c0, null, confidence, method, alternative):
    r = compare_nps_counts(*c, *c0, null=null, confidence=confidence, method=method, alternative=alternative)
    assert 0.0 <= r.pvalue <= 1.0
    if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-5:
        assert (r.pvalue < 1 - confidence) == (null not in r.interval)


@settings(max_examples=80, deadline=None)
@given(counts, counts, st.sampled_from(sorted(TWO_SAMPLE)), st.floats(-100, 100))
def test_swapping_groups_mirrors(c, c0, method, null):
    r = compare_nps_counts(*c, *c0, method=method, null=null)
    s = compare_nps_counts(*c0, *c, method=method, null=-null)
    assert limits(s) == pytest.approx((-r.interval.high, -r.interval.low), abs=1e-8)
    assert s.pvalue == pytest.approx(r.pvalue, rel=1e-6, abs=1e-9)
    wider = compare_nps_counts(*c, *c0, method=method, confidence=0.99)
    assert wider.interval.low <= r.interval.low + 1e-8
    assert wider.interval.high >= r.interval.high - 1e-8


@pytest.mark.parametrize("null", [-30.0, 0.0, 25.0, 60.0])
def test_survey_samples_invert_too(null):
    rng = np.random.default_rng(8)
    one = nps(rng.integers(5, 11, 30), weight=rng.uniform(1, 4, 30))
    two = nps(rng.integers(0, 11, 25), cluster=rng.integers(0, 6, 25))
    for method in TWO_SAMPLE:
        r = compare_nps(one, two, null=null, method=method)
        at = compare_nps(one, two, null=null, method=method, confidence=1 - r.pvalue)
        assert min(abs(at.interval.low - null), abs(at.interval.high - null)) < 1e-6
    assert "survey" in r.method
    # two equally large samples of a plain survey: Welch's t with n - 1 degrees of freedom each
    y, y0 = rng.integers(0, 11, 20), rng.integers(3, 11, 30)
    r = compare_nps(nps(y, weight=np.ones(20)), nps(y0, weight=np.ones(30)), method="wald")
    k, k0 = ((v >= 9).astype(float) - (v <= 6) for v in (y, y0))
    welch = stats.ttest_ind(k, k0, equal_var=False)
    assert (r.statistic, r.pvalue) == pytest.approx((welch.statistic, welch.pvalue), rel=1e-9)


def test_many_at_once():
    rng = np.random.default_rng(2)
    c = rng.integers(0, 30, (6, 9000))
    c[1] += 1
    c[4] += 1
    many = compare_nps_counts(*c, null=5.0)
    assert isinstance(many, Comparisons)
    for i in (0, 8191, 8192, 8999):
        one = compare_nps_counts(*c[:, i], null=5.0)
        assert isinstance(one, Comparison)
        assert (many.interval.low[i], many.interval.high[i]) == pytest.approx(limits(one), abs=1e-8)
        assert many.pvalue[i] == pytest.approx(one.pvalue, rel=1e-6)


def test_loved_products_keep_their_intervals():
    r = compare_nps([10] * 8, [10] * 9)
    assert r.estimate == 0.0
    assert r.pvalue == 1.0
    assert r.interval.low < -20 < 20 < r.interval.high
    w = compare_nps([10] * 8, [10] * 9, method="wald", null=1.0)
    assert w.notes[0].code == "no-width"
    assert w.pvalue == 0.0
    r = compare_nps([10] * 300, [0] * 300)
    assert r.pvalue < 1e-60
    assert r.interval.low > 190


def test_table_with_two_groups():
    frame = pd.DataFrame(
        {"s": [*scores((15, 25, 60)), *scores((25, 30, 45))], "when": ["after"] * 100 + ["before"] * 100}
    )
    direct = compare_nps(scores((15, 25, 60)), scores((25, 30, 45)))
    r = compare_nps(frame, values="s", by="when", reference="before")
    assert limits(r) == limits(direct)
    assert compare_nps(frame["s"].tolist(), by=frame["when"].tolist(), reference="after").estimate == -25.0
    two = compare_nps(frame[frame["when"] == "after"], frame[frame["when"] == "before"], values="s")
    assert limits(two) == limits(direct)
    assert nps_permutation_test(frame, values="s", by="when", reference="before", rng=1).estimate == 25.0
    with pytest.raises(DataError, match="say which of 'after', 'before'"):
        compare_nps(frame, values="s", by="when")
    with pytest.raises(DataError, match="3 groups came"):
        compare_nps([1, 2, 3], by=list("abc"), reference="a")
    with pytest.raises(DataError, match="by: missing for 1"):
        compare_nps([1, 2, 3], by=["a", "b", None], reference="a")


def test_guardrails_work_with_nps():
    after, before = scores((150, 250, 600)), scores((155, 255, 590))
    r = noninferiority(compare_nps, after, before, margin=-8.0, better="higher")
    one_sided = compare_nps(after, before, null=-8.0, alternative="greater")
    assert r.shown
    assert r.pvalue == one_sided.pvalue
    assert equivalence(compare_nps, after, before, low=-10, high=10).shown
    assert not equivalence(compare_nps, after[::20], before[::20], low=-10, high=10).shown
    assert equivalence(compare_nps, after, np.roll(before, 3), low=-10, high=10, paired=True).interval.confidence == 0.9


def test_paired_t_is_that_of_scipy():
    rng = np.random.default_rng(3)
    x, y = rng.integers(4, 11, 40), rng.integers(2, 11, 40)
    k, k0 = ((v >= 9).astype(float) - (v <= 6) for v in (x, y))
    expected = stats.ttest_rel(k, k0)
    r = compare_nps(x, y, paired=True)
    assert r.pvalue == pytest.approx(expected.pvalue, rel=1e-10)
    assert r.df == 39
    ci = expected.confidence_interval(0.95)
    assert limits(r) == pytest.approx((100 * ci.low, 100 * ci.high), rel=1e-10)
    frame = pd.DataFrame({"now": x, "then": y})
    assert limits(compare_nps(frame, values="now", values0="then", paired=True)) == pytest.approx(limits(r))
    less = stats.ttest_rel(k - 0.1, k0, alternative="less")
    assert compare_nps(x, y, paired=True, null=10, alternative="less").pvalue == pytest.approx(less.pvalue, rel=1e-9)


def test_pairs_with_one_answer_are_named():
    r = compare_nps([10, None, 9, 3, 8], [7, 8, None, 9, 0], paired=True, missing="drop")
    assert r.n == (3.0, 3.0)
    assert [n.code for n in r.notes] == ["partial-overlap"]
    with pytest.raises(DataError, match="missing"):
        compare_nps([10, None, 9], [7, 8, 3], paired=True)
    assert compare_nps([10, None, 3], [7, None, 8], paired=True, missing="drop").notes[0].code == "missing-dropped"
    with pytest.raises(TooFewData, match="both answers"):
        nps_paired_test([10, None], [None, 3], missing="drop")
    assert r.values == pytest.approx((100 * (1 - 1) / 3, 100 * (0 + 1 - 1) / 3))


def classes(x):
    return np.array([(v >= 9) * 1.0 - (v <= 6) for v in x])


def test_overlapping_samples():
    rng = np.random.default_rng(12)
    now = [int(v) for v in rng.integers(3, 11, 40)]
    then = [min(10, max(0, v + int(d))) for v, d in zip(now, rng.integers(-3, 3, 40), strict=True)]
    # all pairs complete: the paired t
    whole = compare_nps(now, then, paired=True, method="overlap")
    paired = stats.ttest_rel(classes(now), classes(then))
    assert (whole.statistic, whole.pvalue) == pytest.approx((paired.statistic, paired.pvalue), rel=1e-9)
    # none complete: Welch's t
    apart = compare_nps([*now, *[None] * 40], [*[None] * 40, *then], paired=True, method="overlap", missing="drop")
    welch = stats.ttest_ind(classes(now), classes(then), equal_var=False)
    assert (apart.statistic, apart.pvalue) == pytest.approx((welch.statistic, welch.pvalue), rel=1e-9)
    # between: the formulas of Derrick et al. (2017), T_new2, written out
    x, y = [*now, *[None] * 5], [*then[:25], *[None] * 15, 3, 9, 10, 8, 0]
    a, b = classes(now), classes([*then[:25], 3, 9, 10, 8, 0])
    n, m, c = 40, 30, 25
    r = np.corrcoef(classes(now[:25]), classes(then[:25]))[0, 1]
    v, w = a.var(ddof=1), b.var(ddof=1)
    t = (a.mean() - b.mean()) / math.sqrt(v / n + w / m - 2 * r * math.sqrt(v * w) * c / (n * m))
    gamma = (v / n + w / m) ** 2 / ((v / n) ** 2 / (n - 1) + (w / m) ** 2 / (m - 1))
    df = (c - 1) + (gamma - c + 1) / (15 + 5 + 2 * c) * (15 + 5)
    got = compare_nps(x, y, paired=True, method="overlap", missing="drop")
    assert (got.statistic, got.df) == pytest.approx((t, df), rel=1e-10)
    assert got.pvalue == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9)
    assert got.n == (40, 30)
    assert got.notes[0].severity == "info"
    at = compare_nps(x, y, paired=True, method="overlap", missing="drop", null=got.interval.high)
    assert at.pvalue == pytest.approx(0.05, abs=1e-9)
    with pytest.raises(TooFewData, match="no scatter"):
        compare_nps([9] * 5, [8] * 5, paired=True, method="overlap")


def test_paired_without_scatter_points_to_the_exact_test():
    with pytest.raises(TooFewData, match="nps_paired_test"):
        compare_nps([9] * 5, [8] * 5, paired=True)
    assert nps_paired_test([9] * 5, [8] * 5).pvalue == pytest.approx(2 / 2**5)
    assert nps_paired_test([9] * 5, [8] * 5, alternative="greater").pvalue == pytest.approx(1 / 2**5)
    assert nps_paired_test([9] * 5, [10] * 5).pvalue == 1.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=9))
def test_sign_flips_are_counted(pairs):
    # Every sign of every change in turn (Fisher 1935).
    changes = [
        ((a >= 9) - (a <= 6)) - ((b >= 9) - (b <= 6)) for a, b in pairs
    ]  # fmt: skip
    seen = sum(changes)
    sums = [
        sum(s * c for s, c in zip(signs, changes, strict=True))
        for signs in itertools.product((1, -1), repeat=len(pairs))
    ]
    x, y = zip(*pairs, strict=True)
    for alternative, hit in (
        ("two-sided", [abs(v) >= abs(seen) for v in sums]),
        ("less", [v <= seen for v in sums]),
        ("greater", [v >= seen for v in sums]),
    ):
        assert nps_paired_test(x, y, alternative=alternative).pvalue == pytest.approx(np.mean(hit), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=2, max_size=9), st.integers(1, 8))
def test_permutation_counts_every_relabelling(x, n):
    n = min(n, len(x) - 1)
    k = [(v >= 9) - (v <= 6) for v in x]
    total, size = sum(k), len(x)
    seen = size * sum(k[:n]) - n * total
    gaps = [size * sum(k[i] for i in group) - n * total for group in itertools.combinations(range(size), n)]
    for alternative, hit in (
        ("two-sided", [abs(g) >= abs(seen) for g in gaps]),
        ("less", [g <= seen for g in gaps]),
        ("greater", [g >= seen for g in gaps]),
    ):
        r = nps_permutation_test(x[:n], x[n:], alternative=alternative)
        assert r.pvalue == pytest.approx(np.mean(hit), abs=1e-12)
        assert r.resamples is None


def test_drawn_relabellings_agree_with_the_counted_ones(monkeypatch):
    x, y = scores((12, 25, 50)), scores((25, 30, 40))
    exact = nps_permutation_test(x, y).pvalue
    monkeypatch.setattr("qstats.voice.nps.resample.EXACT_TABLES", 0)
    r = nps_permutation_test(x, y, rng=4)
    assert r.resamples == 100_000
    assert r.pvalue == pytest.approx(exact, abs=4 * math.sqrt(exact / 100_000))
    assert r.pvalue == nps_permutation_test(x, y, rng=4).pvalue
    assert "100000 at random" in str(r)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: compare_nps([1, 2]), "data0: is missing"),
        (lambda: compare_nps([1, 2], [1, 11]), r"data0: 11 \(once\)"),
        (lambda: compare_nps([1, 2], [3], by=list("ab")), "together with by="),
        (lambda: compare_nps([1, 2], [3], reference="a"), "without by="),
        (lambda: compare_nps([1, 2], [3], values0="a"), "paired=True"),
        (lambda: compare_nps([1, 2], [3], method="t"), "method"),
        (lambda: compare_nps([1, 2], [3, 4], paired=True, method="mover"), "method"),
        (lambda: compare_nps([1, 2], [3], paired=True), "1 values came for 2"),
        (lambda: compare_nps([1, 2], paired=True), "data0: is missing"),
        (lambda: compare_nps([9], [3], paired=True), "at least two"),
        (lambda: compare_nps([1, 2], [3], null=300), "-200 to 200"),
        (lambda: compare_nps([1, 2], [3], alternative="lower"), "alternative"),
        (lambda: compare_nps(nps([1, 9]), [3], values="s"), "already"),
        (lambda: compare_nps(nps([1, 9], population=2), [3]), "census"),
        (lambda: compare_nps(pd.DataFrame({"a": [1]}), values="a", paired=True), "values0"),
        (lambda: nps_permutation_test(nps([1, 9], weight=[1, 2]), [3]), "survey design"),
        (lambda: compare_nps_counts([1, 2], 1, 1, [1, 2, 3], 1, 1), "3 samples came for 2"),
        (lambda: compare_nps_counts(1, 1, 1, 0, 0, 0), "detractors0.*no answer"),
        (lambda: nps_permutation_test([1], [2], alternative="up"), "alternative"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(DataError, match=words):
        call()
