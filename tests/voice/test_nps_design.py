"""Weights, strata, clusters and finite populations: survey formulas in plain loops, and examples by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.voice.nps.compare import compare_nps
from qstats.voice.nps.one import nps, nps_from_counts


def klass(score):
    return 1 if score >= 9 else (-1 if score <= 6 else 0)


def survey_mean(scores, weights, strata, clusters, population):
    """Mean and variance of the class as R's survey package defines them (svymean of -1/0/1, svydesign with ids,
    strata, weights, fpc): Taylor linearisation, first-stage units, written out row by row."""
    y = [klass(s) for s in scores]
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, y, strict=True)) / total
    units = {}
    for w, v, h, c in zip(weights, y, strata, clusters, strict=True):
        units.setdefault(h, {}).setdefault(c, 0.0)
        units[h][c] += w * (v - mean) / total
    variance = 0.0
    df = 0
    for h, sums in units.items():
        m = len(sums)
        centre = sum(sums.values()) / m
        f = 0.0 if population is None else m / population[h]
        variance += (1 - f) * m / (m - 1) * sum((s - centre) ** 2 for s in sums.values())
        df += m - 1
    return mean, variance, df


def make(rng, n=60):
    return pd.DataFrame(
        {
            "score": rng.integers(0, 11, n),
            "w": rng.uniform(0.5, 3.0, n),
            "h": rng.choice(["north", "south", "west"], n),
            "c": rng.integers(0, 8, n),
        }
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("use", ["w", "wh", "wc", "whc", "h", "whN", "wcN", "N"])
def test_variance_is_that_of_the_survey_formulas(seed, use):
    data = make(np.random.default_rng(seed))
    n = len(data)
    weights = data["w"].tolist() if "w" in use else [1.0] * n
    strata = data["h"].tolist() if "h" in use else ["all"] * n
    clusters = data["c"].tolist() if "c" in use else list(range(n))
    population = None
    if "N" in use:
        population = dict.fromkeys(set(strata), 90.0)
    mean, variance, df = survey_mean(data["score"], weights, strata, clusters, population)
    told = None if population is None else (population if "h" in use else 90.0)
    r = nps(
        data, values="score", weight="w" if "w" in use else None, strata="h" if "h" in use else None,
        cluster="c" if "c" in use else None, population=told, method="wald",
    )  # fmt: skip
    assert r.estimate == pytest.approx(100 * mean, rel=1e-10)
    assert r.df == df
    half = 100 * stats.t.ppf(0.975, df) * math.sqrt(variance)
    assert (r.interval.high - r.interval.low) / 2 == pytest.approx(half, rel=1e-9)
    assert r.n == n
    # the same rows as plain sequences
    s = nps(
        data["score"].to_numpy(), weight=data["w"].to_numpy() if "w" in use else None,
        strata=data["h"].to_numpy() if "h" in use else None, cluster=data["c"].to_list() if "c" in use else None,
        population=told, method="wald",
    )  # fmt: skip
    assert s.interval.low == pytest.approx(r.interval.low, abs=1e-9)


def test_stratified_by_hand():
    # W = 0.7, 0.3; e = (0.5, -0.25); s**2 of (1, 1, 0, 0) is 1/3, of (-1, 0, 0, 0) is 1/4; f = 4/70, 4/30.
    scores = [9, 10, 7, 8, 2, 7, 7, 8]
    strata = ["a"] * 4 + ["b"] * 4
    r = nps(scores, strata=strata, population={"a": 70, "b": 30}, method="wald")
    assert r.estimate == pytest.approx(100 * (0.7 * 0.5 - 0.3 * 0.25))
    variance = 0.49 * (1 - 4 / 70) / 3 / 4 + 0.09 * (1 - 4 / 30) / 4 / 4
    half = 100 * stats.t.ppf(0.975, 6) * math.sqrt(variance)
    assert r.interval.high == pytest.approx(r.estimate + half, rel=1e-12)
    assert not r.notes


def test_score_interval_at_the_effective_size():
    # By definition: deff = variance / (s**2 / n), n_eff = n / deff, score interval at n_eff with Student's quantile.
    data = make(np.random.default_rng(4))
    mean, variance, df = survey_mean(data["score"], data["w"], ["all"] * 60, data["c"], None)
    r = nps(data, values="score", weight="w", cluster="c")
    y = np.array([klass(s) for s in data["score"]])
    s2 = np.average((y - mean) ** 2, weights=data["w"]) * 60 / 59
    assert r.deff == pytest.approx(variance / (s2 / 60), rel=1e-10)
    w = data["w"]
    kish = w.sum() ** 2 / (w**2).sum()  # Kish (1965), section 11.7: what weights leave of n, and the bound
    assert r.n_eff == pytest.approx(min(60 / r.deff, kish), rel=1e-10)
    assert r.shares == pytest.approx([np.average(y == k, weights=data["w"]) for k in (-1, 0, 1)])
    t = stats.t.ppf(0.975, df)
    for limit in (r.interval.low / 100, r.interval.high / 100):
        p, d = r.shares[2], r.shares[0]
        # q solves 2 q**2 + B q - d delta (1 - delta) = 0: shares times n_eff leave the equation as it is
        b = (2 - p + d) * limit - d - p
        q = (math.sqrt(b * b + 8 * d * limit * (1 - limit)) - b) / 4
        z = abs(p - d - limit) / math.sqrt((2 * q + limit * (1 - limit)) / r.n_eff)
        assert z == pytest.approx(t, rel=1e-9)


def test_equal_weights_change_nothing_but_the_quantile():
    scores = [10, 9, 3, 8, 7, 10, 0, 9]
    r = nps(scores, weight=[2.5] * 8)
    assert r.deff == pytest.approx(1.0)
    assert r.n_eff == pytest.approx(8.0)
    assert r.df == 7
    plain = nps(scores)
    assert r.estimate == pytest.approx(plain.estimate)
    assert r.interval.low < plain.interval.low


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 1000.0))
def test_only_ratios_of_weights_matter(seed, factor):
    data = make(np.random.default_rng(seed), 20)
    a = nps(data, values="score", weight="w")
    b = nps(data.assign(w=data["w"] * factor).sample(frac=1, random_state=1), values="score", weight="w")
    assert (b.interval.low, b.interval.high) == pytest.approx((a.interval.low, a.interval.high), abs=1e-8)


def test_whole_weights_are_not_copies():
    # A weight of 2 is not two customers: R survey and this library agree that copying narrows, weighting does not.
    scores, weights = [10, 9, 3, 8, 7, 10], [2, 2, 1, 1, 2, 1]
    copied = nps(np.repeat(scores, weights))
    weighted = nps(scores, weight=weights)
    assert weighted.estimate == pytest.approx(copied.estimate)
    assert weighted.interval.high - weighted.interval.low > copied.interval.high - copied.interval.low


def test_census_is_certain():
    r = nps([10, 3, 8, 9], population=4, null=10.0)
    assert r.interval.low == r.interval.high == r.estimate == 25.0
    assert r.pvalue == 0.0
    assert r.notes[0].code == "no-design-variance"
    half = nps([10, 3, 8, 9], population=8)
    assert half.deff == pytest.approx(0.5)


def test_clusters_all_alike_count_as_clusters():
    r = nps([10] * 40, cluster=np.repeat(np.arange(4), 10))
    assert r.n_eff == 4
    assert r.notes[0].code == "design-effect-unknown"
    assert r.interval.low < nps_from_counts(0, 0, 40).interval.low


def test_equal_weights_across_strata_are_noted():
    r = nps([10, 3, 8, 9], strata=list("aabb"))
    assert r.notes[0].code == "equal-weights"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nps([10, 3], weight=[1, -1]), "weight: -1"),
        (lambda: nps([10, 3], weight=[1, None]), "weight: missing"),
        (lambda: nps([10, 3], weight=[0, 0]), "all are zero"),
        (lambda: nps([10, 3], weight=[1, 2, 3]), "3 values came for 2"),
        (lambda: nps([10, 3], strata=["a", None]), "strata: missing for 1"),
        (lambda: nps([10, 3], cluster=["a"]), "1 labels came for 2"),
        (lambda: nps([10, 3], strata="h"), "one label per answer"),
        (lambda: nps([10, 3], population=1), "at least those"),
        (lambda: nps([10, 3, 5], strata=list("aab"), population=10), "mapping of stratum"),
        (lambda: nps([10, 3, 5, 5], strata=list("aabb"), population={"a": 5}), "'b' is not in it"),
        (lambda: nps([10, 3], weight=[1, 1], method="bayes"), "no survey design"),
        (lambda: nps([10, 3, 8], by=list("aab"), strata=list("abb")), "one segment at a time"),
        (lambda: nps(pd.DataFrame({"s": [1, 2], "w": ["a", "b"]}), values="s", weight="w"), "text"),
        (lambda: nps(pd.DataFrame({"s": [1, 2]}), values="s", weight=[1, 2]), "name of a column"),
    ],
)
def test_bad_designs(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_a_single_unit_has_no_variance():
    with pytest.raises(TooFewData, match="stratum 'b' has a single one"):
        nps([10, 3, 5], strata=list("aab"))
    with pytest.raises(TooFewData, match="cluster"):
        nps([10, 3, 5], cluster=list("aaa"))
    with pytest.raises(TooFewData, match="'c' has no answer"):
        nps([10, 3, 5, 5], strata=list("aabb"), population={"a": 5, "b": 5, "c": 5})


def test_weights_never_make_more_of_the_answers():
    # One feather-light dissenter: 21 answers (Kish: just over 20), not the 19,049 that the linearised variance claims.
    w = [1.0] * 20 + [0.001]
    r = nps([10] * 20 + [0], weight=w)
    kish = sum(w) ** 2 / sum(v * v for v in w)
    assert r.n_eff == pytest.approx(kish)
    assert r.notes[0].code == "effective-size-bounded"
    assert r.interval.low < nps_from_counts(0, 0, 21).interval.low
    t = nps([10] * 20 + [0] + [3, 8, 10], weight=[*w, 1, 1, 1], by=["a"] * 21 + ["b"] * 3)
    assert t.interval.low[0] == pytest.approx(r.interval.low)
    c = compare_nps(r, nps([10] * 20 + [8] * 20))
    assert c.interval.high > 30


def test_strata_that_happen_to_be_alike_are_no_census():
    r = nps([10, 9, 3, 4], strata=[1, 1, 2, 2], population={1: 50, 2: 90})
    # As if the strata explained nothing: 1 / sum W**2 (1 - f) / n answers.
    n_eff = 1 / sum((size / 140) ** 2 * (1 - 2 / size) / 2 for size in (50, 90))
    assert r.n_eff == pytest.approx(n_eff)
    assert r.interval.low < -80
    assert r.interval.high > 40
    assert r.pvalue > 0.3
    assert r.notes[0].code == "stratum-without-scatter"
    # everyone of one stratum asked, two of the other: certain of the first only
    half = nps([10, 9, 3, 4], strata=[1, 1, 2, 2], population={1: 2, 2: 90})
    assert half.n_eff == pytest.approx(1 / ((90 / 92) ** 2 * (1 - 2 / 90) / 2))
    census = nps([10, 9, 3, 4], strata=[1, 1, 2, 2], population={1: 2, 2: 2})
    assert census.interval.low == census.interval.high == 0.0
    # a dissenter that weighs next to nothing is none, strata or not
    light = nps([10] * 20 + [0] + [3] * 20 + [10], strata=["a"] * 21 + ["b"] * 21, weight=([1.0] * 20 + [0.001]) * 2)
    assert light.n_eff < 42


def test_clusters_that_happen_to_be_alike_are_no_census():
    r = nps([10, 0] * 3, cluster=[1, 1, 2, 2, 3, 3])
    assert r.n_eff == pytest.approx(6.0)
    assert r.interval.high > 50


def test_real_strata_may_be_worth_more_than_n():
    # 90 % and 10 % promoters: the strata explain most of the scatter. Expected: the formula itself, no bound.
    scores, strata = [10] * 18 + [8] * 2 + [8] * 18 + [10] * 2, ["a"] * 20 + ["b"] * 20
    r = nps(scores, strata=strata, population={"a": 1000, "b": 1000})
    variance = 2 * 0.25 * (1 - 0.02) * (0.9 * 0.1) / 19
    assert r.n_eff == pytest.approx(0.25 / variance * 40 / 39)
    assert r.n_eff > 100
    assert not r.notes


def test_answers_of_weight_zero_do_not_count():
    x, w = [10, 9, 3, 8, 10, 0], [1.0, 2.0, 1.5, 1.0, 0.0, 0.0]
    r, expected = nps(x, weight=w), nps(x[:4], weight=w[:4])
    assert (r.n, r.df, r.detractors, r.n_eff) == (4, 3, 1, expected.n_eff)
    assert r.interval == expected.interval
    assert r.notes[0].code == "weight-zero"
    assert r.notes[0].message.startswith("2 of 6")
    with pytest.raises(TooFewData, match="none"):
        nps(x, weight=w, strata=list("aaaabb"))
    t = nps(x, weight=w, by=list("aabbab"))
    assert list(t.n) == [2, 2]


def test_huge_weights_do_not_overflow():
    x = [10, 9, 3, 8, 10, 0]
    assert nps(x, weight=[1e308] * 6).interval == nps(x, weight=[1.0] * 6).interval
    with pytest.raises(DataError, match="so light an answer"):
        nps(x, weight=[1e-200, 1, 1, 1, 1, 1])
