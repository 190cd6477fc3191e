"""Means: R, scipy, Fieller in mpmath, hand-written bootstrap; agreement of p and interval; bad input."""

import json
import math
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats import Moments
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.means.means import compare_mean_summaries, compare_means, estimate_mean
from qstats.inference.resample import invert_draws, resampled_moments

REFERENCE = Path(__file__).parents[1] / "reference" / "means_times.json"
CASES = {c["id"]: c for c in json.loads(REFERENCE.read_text(encoding="utf-8"))["cases"]}

sample = st.lists(st.floats(-50, 50).map(lambda v: round(v, 2)), min_size=2, max_size=12)
positive = st.lists(st.floats(0.5, 50).map(lambda v: round(v, 2)), min_size=2, max_size=12)


@pytest.mark.parametrize("case", ["ttest-1", "ttest-5"])
def test_two_means_equal_r(case: str) -> None:
    i, e = CASES[case]["inputs"], CASES[case]["expected"]
    r = compare_means(i["x"], i["y"])
    assert (r.statistic, r.df, r.pvalue, r.interval.low, r.interval.high) == pytest.approx(e["welch"], rel=1e-9)
    r = compare_means(i["x"], i["y"], method="pooled")
    assert (r.statistic, r.pvalue, r.interval.low, r.interval.high) == pytest.approx(e["pooled"], rel=1e-9)
    assert r.df == len(i["x"]) + len(i["y"]) - 2


@pytest.mark.parametrize("case", ["bn-1", "bn-3", "bn-4", "bn-6"])
def test_before_and_after_equal_r(case: str) -> None:
    i, e = CASES[case]["inputs"], CASES[case]["expected"]
    before, after = i["y"][: i["n0"]], i["y"][i["n0"] :]
    r = compare_means(after, before)
    assert r.estimate == pytest.approx(e["diff"], rel=1e-9)
    assert (r.statistic, r.df, r.pvalue, r.interval.low, r.interval.high) == pytest.approx(e["welch"], rel=1e-8)
    ratio = compare_means(after, before, effect="mean_ratio")
    assert 100.0 * (ratio.estimate - 1.0) == pytest.approx(e["pct"], rel=1e-8)


def test_one_mean_equals_r() -> None:
    i, e = CASES["csat-3"]["inputs"], CASES["csat-3"]["expected"]
    r = estimate_mean(i["x"])
    assert r.estimate == pytest.approx(e["mean"], rel=1e-12)
    assert (r.interval.low, r.interval.high) == pytest.approx(e["ci"], rel=1e-10)
    one_sided = estimate_mean(i["x"], alternative="greater")
    assert one_sided.interval.low == pytest.approx(
        stats.t.ppf(0.05, 59, loc=e["mean"], scale=e["sd"] / math.sqrt(60)), rel=1e-10
    )
    assert one_sided.interval.high == math.inf


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_alternatives_equal_scipy(alternative: str) -> None:
    i = CASES["ttest-1"]["inputs"]
    r = compare_means(i["x"], i["y"], null=-1.0, alternative=alternative, confidence=0.9)
    theirs = stats.ttest_ind(np.array(i["x"]) + 1.0, i["y"], equal_var=False, alternative=alternative)
    assert r.pvalue == pytest.approx(theirs.pvalue, rel=1e-10)
    limits = theirs.confidence_interval(0.9)
    assert (r.interval.low, r.interval.high) == pytest.approx((limits.low - 1.0, limits.high - 1.0), rel=1e-10)


def test_fieller_limits_solve_their_equation() -> None:
    """The definition in mpmath: t(r) = (m - r m0) / sqrt(v + r^2 v0) reaches the t quantile at the limits."""
    x, x0 = [4.1, 6.3, 5.2, 8.8, 3.9, 7.7], [9.0, 12.5, 7.1, 15.2, 10.4]
    r = compare_means(x, x0, effect="mean_ratio")
    m, m0 = mpmath.mpf(math.fsum(x)) / 6, mpmath.mpf(math.fsum(x0)) / 5
    v = mpmath.fsum((mpmath.mpf(a) - m) ** 2 for a in x) / 5 / 6
    v0 = mpmath.fsum((mpmath.mpf(a) - m0) ** 2 for a in x0) / 4 / 5
    w = (m / m0) ** 2 * v0
    df = (v + w) ** 2 / (v**2 / 5 + w**2 / 4)
    c = stats.t.ppf(0.975, float(df))
    low = mpmath.findroot(lambda q: (m - q * m0) / mpmath.sqrt(v + q**2 * v0) - c, 0.4)
    high = mpmath.findroot(lambda q: (m - q * m0) / mpmath.sqrt(v + q**2 * v0) + c, 0.9)
    assert (r.interval.low, r.interval.high) == pytest.approx((float(low), float(high)), rel=1e-10)
    t = (m - m0) / mpmath.sqrt(v + v0)
    assert r.pvalue == pytest.approx(2 * stats.t.sf(abs(float(t)), float(df)), rel=1e-10)


def test_fieller_without_end_when_the_reference_mean_is_not_clear_of_zero() -> None:
    r = compare_means([5.0, 6.0, 7.0], [-1.0, 4.0, 0.5], effect="mean_ratio")
    assert r.interval.high == math.inf
    assert r.interval.low > 0


def test_moments_and_summaries_say_the_same_as_rows() -> None:
    x, x0 = np.array([3.0, 4.5, 2.2, 5.1]), np.array([6.0, 5.5, 7.1, 4.9, 6.6])
    for effect in ("mean_difference", "mean_ratio"):
        for method in ("welch", "pooled"):
            rows = compare_means(x, x0, effect=effect, method=method)
            moments = compare_means(Moments.of(x), Moments.of(x0), effect=effect, method=method)
            summary = compare_mean_summaries(
                x.mean(), x.std(ddof=1), 4, x0.mean(), x0.std(ddof=1), 5, effect=effect, method=method
            )
            assert isinstance(summary, Comparison)
            for other in (moments, summary):
                assert other.pvalue == pytest.approx(rows.pvalue, rel=1e-12)
                assert (other.interval.low, other.interval.high) == pytest.approx(
                    (rows.interval.low, rows.interval.high), rel=1e-12
                )


def test_many_summaries_equal_one_by_one() -> None:
    rng = np.random.default_rng(4)
    mean, sd, n = rng.uniform(1, 9, 50), rng.uniform(0.1, 3, 50), rng.integers(2, 40, 50)
    many = compare_mean_summaries(mean, sd, n, 5.0, 1.0, 12, effect="mean_ratio", alternative="less")
    assert isinstance(many, Comparisons)
    for k in (0, 17, 49):
        one = compare_mean_summaries(mean[k], sd[k], int(n[k]), 5.0, 1.0, 12, effect="mean_ratio", alternative="less")
        assert isinstance(one, Comparison)
        assert many.pvalue[k] == pytest.approx(one.pvalue, rel=1e-13)
        assert many.interval.at(k) == one.interval


def test_huge_offset_keeps_its_digits() -> None:
    x, x0 = np.array([1.0, 3.0, 2.0, 5.0]), np.array([4.0, 6.0, 9.0])
    plain, far = compare_means(x, x0), compare_means(x + 1e12, x0 + 1e12)
    assert far.pvalue == pytest.approx(plain.pvalue, rel=1e-9)
    assert far.interval.low == pytest.approx(plain.interval.low, abs=1e-3)


def test_any_unit_gives_the_same_answer() -> None:
    x, x0 = np.array([1.0, 3.0, 2.0, 5.0]), np.array([4.0, 6.0, 9.0])
    for effect, method in (("mean_difference", "welch"), ("mean_ratio", "welch"), ("mean_ratio", "bootstrap-t")):
        options: dict[str, Any] = {"rng": 1} if method == "bootstrap-t" else {}
        plain = compare_means(x, x0, effect=effect, method=method, **options)
        for unit in (1e-140, 1e140):
            r = compare_means(unit * x, unit * x0, effect=effect, method=method, **options)
            assert r.pvalue == pytest.approx(plain.pvalue, rel=1e-9)
            scale = unit if effect == "mean_difference" else 1.0
            assert r.interval.high == pytest.approx(scale * plain.interval.high, rel=1e-9)
    # a mean beyond the root of the largest float
    assert compare_means([1e200, 1.0e200], [2e200, 2e200], effect="mean_ratio").estimate == 0.5


def test_no_scatter_is_no_information() -> None:
    """Groups of equal values leave the error of the difference unknown: the whole range, whatever is asked."""
    same = compare_means([0.1] * 3, [0.1] * 4)
    apart = compare_means([2.0, 2.0], [5.0, 5.0, 5.0])
    less = compare_means([2.0, 2.0], [5.0, 5.0, 5.0], alternative="less", null=100.0)
    pooled = compare_means([2.0, 2.0], [5.0, 5.0, 5.0], method="pooled")
    boot = compare_means([2.0, 2.0], [4.0, 4.0], method="bootstrap-t", rng=1)
    summary = compare_mean_summaries(2.0, 0.0, 9, 5.0, 0.0, 9)
    assert isinstance(summary, Comparison)
    for r, estimate in ((same, 0.0), (apart, -3.0), (less, -3.0), (pooled, -3.0), (boot, -2.0), (summary, -3.0)):
        assert (r.estimate, r.pvalue, r.statistic) == (estimate, 1.0, 0.0)
        assert (r.interval.low, r.interval.high) == (-math.inf, math.inf)
    ratio = compare_means([2.0, 2.0], [4.0, 4.0], effect="mean_ratio")
    boot_ratio = compare_means([2.0, 2.0], [4.0, 4.0], effect="mean_ratio", method="bootstrap-t", rng=1)
    for r in (ratio, boot_ratio):
        assert (r.estimate, r.pvalue, r.interval.low, r.interval.high) == (0.5, 1.0, 0.0, math.inf)
    for r in (same, apart, less, pooled, boot, summary, ratio, boot_ratio):
        assert [n.code for n in r.notes] == ["no-scatter"]
        assert r.notes[0].severity == "serious"
    one_still = compare_means([2.0, 2.0], [5.0, 5.0, 5.5])
    assert one_still.notes == () and one_still.pvalue < 0.05
    rounding = compare_means([1e15, 1e15 + 0.125], [1e15, 1e15 + 0.125, 1e15])
    assert [n.code for n in rounding.notes] == ["scatter-at-rounding"]


def _loop_bootstrap_t(x: Any, x0: Any, resamples: int, seed: int) -> np.ndarray:
    """Plain transcription: studentised differences of resamples, one at a time."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(resamples):
        a, b = rng.choice(x, len(x)), rng.choice(x0, len(x0))
        se = math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        out.append((a.mean() - b.mean() - (np.mean(x) - np.mean(x0))) / se)
    return np.sort(out)


def test_bootstrap_t_equals_a_plain_loop() -> None:
    """Another stream of random numbers: agreement within the error of 20 000 resamples (about 0.03 of a quantile)."""
    rng = np.random.default_rng(8)
    x, x0 = rng.exponential(3.0, 25), rng.exponential(5.0, 30)
    t = _loop_bootstrap_t(x, x0, 20_000, 77)
    se = math.sqrt(x.var(ddof=1) / 25 + x0.var(ddof=1) / 30)
    gap = x.mean() - x0.mean()
    r = compare_means(x, x0, method="bootstrap-t", resamples=19_999, rng=5)
    assert r.interval.low == pytest.approx(gap - np.quantile(t, 0.975) * se, abs=0.06 * se)
    assert r.interval.high == pytest.approx(gap - np.quantile(t, 0.025) * se, abs=0.06 * se)
    tail = min(np.mean(t <= gap / se), np.mean(t >= gap / se))
    assert r.pvalue == pytest.approx(2 * tail, abs=0.01)


def test_bootstrap_t_of_one_mean_equals_a_plain_loop() -> None:
    x = np.random.default_rng(8).exponential(3.0, 25)
    rng = np.random.default_rng(21)
    resamples = [rng.choice(x, 25) for _ in range(20_000)]
    t = np.array([(a.mean() - x.mean()) / (a.std(ddof=1) / 5.0) for a in resamples])
    se = x.std(ddof=1) / 5.0
    r = estimate_mean(x, method="bootstrap-t", resamples=19_999, rng=5)
    assert r.interval.low == pytest.approx(x.mean() - np.quantile(t, 0.975) * se, abs=0.06 * se)
    assert r.interval.high == pytest.approx(x.mean() - np.quantile(t, 0.025) * se, abs=0.12 * se)


def test_resampled_moments_by_counts_and_by_gathering_have_the_same_law() -> None:
    """Exact moments: the mean of a resample has variance m2/n, its unbiased variance has mean m2 (m2 the plug-in)."""
    rng = np.random.default_rng(3)
    few, many = rng.integers(0, 5, 80).astype(float), rng.normal(size=80)
    for x in (few, many):
        centred = x - x.mean()
        mean, var = resampled_moments(centred, 40_000, np.random.default_rng(9))
        plug_in = float(np.mean(centred**2))
        assert mean.mean() == pytest.approx(0.0, abs=5 * math.sqrt(plug_in / 80 / 40_000))
        assert mean.var() == pytest.approx(plug_in / 80, rel=0.04)
        assert var.mean() == pytest.approx(plug_in, rel=0.01)
    _, var = resampled_moments(np.array([-1e-3, 1e-3]), 2_000, np.random.default_rng(1))
    assert set(np.unique(var == 0.0)) == {False, True}  # one value twice has variance exactly zero


def test_inversion_of_a_known_list() -> None:
    """Nineteen draws, tails of one twentieth: the extremes are the critical values, p counts the observed itself."""
    draws = np.arange(1.0, 20.0)
    found = invert_draws(draws, 18.5, 0.1, 0.1)
    assert (found.low_tail, found.high_tail) == (19 / 20, 2 / 20)
    assert (found.low_critical, found.high_critical) == (1.0, 19.0)
    weighted = invert_draws(draws, 19.0, 0.1, 0.1, np.full(19, 1 / 19))
    assert weighted.high_tail == pytest.approx(1 / 19)
    assert (weighted.low_critical, weighted.high_critical) == (2.0, 18.0)
    assert invert_draws(draws, 3.0, 0.0, 0.1).high_critical == math.inf


@given(
    sample,
    sample,
    st.floats(-40, 40),
    st.sampled_from(["welch", "pooled", "bootstrap-t"]),
    st.sampled_from([0.8, 0.95]),
)
def test_p_and_interval_agree_for_differences(
    x: list[float], x0: list[float], null: float, method: str, confidence: float
) -> None:
    options: dict[str, Any] = {"resamples": 199, "rng": 1} if method == "bootstrap-t" else {}
    for alternative in ("two-sided", "less", "greater"):
        r = compare_means(x, x0, method=method, null=null, confidence=confidence, alternative=alternative, **options)
        assert 0.0 <= r.pvalue <= 1.0
        edge = 1e-7 * (1.0 + abs(r.estimate))
        if min(abs(null - r.interval.low), abs(null - r.interval.high)) > edge:
            assert (r.pvalue < 1.0 - confidence) == (null not in r.interval)


@given(positive, positive, st.floats(0.05, 20), st.sampled_from(["welch", "pooled", "bootstrap-t"]))
def test_p_and_interval_agree_for_ratios(x: list[float], x0: list[float], null: float, method: str) -> None:
    options: dict[str, Any] = {"resamples": 199, "rng": 1} if method == "bootstrap-t" else {}
    for alternative in ("two-sided", "less", "greater"):
        r = compare_means(x, x0, effect="mean_ratio", method=method, null=null, alternative=alternative, **options)
        assert 0.0 <= r.interval.low <= r.estimate * (1 + 1e-9)
        if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-7 * null:
            assert (r.pvalue < 1.0 - 0.95) == (null not in r.interval)


@given(positive, positive)
def test_swapping_the_groups_mirrors(x: list[float], x0: list[float]) -> None:
    for effect in ("mean_difference", "mean_ratio"):
        a, b = compare_means(x, x0, effect=effect), compare_means(x0, x, effect=effect)
        assert a.pvalue == pytest.approx(b.pvalue, rel=1e-7, abs=1e-12)
        low, high = (-b.interval.high, -b.interval.low)
        if effect == "mean_ratio":
            low = 1.0 / b.interval.high
            high = 1.0 / b.interval.low if b.interval.low > 0 else math.inf
        assert a.interval.low == pytest.approx(low, rel=1e-6, abs=1e-9)
        if max(a.interval.high, high) < 1e6:
            assert a.interval.high == pytest.approx(high, rel=1e-6, abs=1e-9)


@given(sample, sample)
def test_intervals_nest(x: list[float], x0: list[float]) -> None:
    for options in ({}, {"method": "bootstrap-t", "resamples": 399, "rng": 2}):
        wide, narrow = (compare_means(x, x0, confidence=c, **options).interval for c in (0.99, 0.9))
        assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([1.0, np.nan], [1, 2]), {}, "x: missing value"),
        (([1, 2], ["a", "b"]), {}, "x0: got text"),
        (([1], [1, 2]), {}, "x: 1 values came"),
        ((Moments.of(np.array([1.0])), [1, 2]), {}, "x: the moments of 1"),
        (([1, 2], [1, 2]), {"method": "wald"}, "method: got 'wald'"),
        (([1, 2], [1, 2]), {"effect": "ratio"}, "effect: got 'ratio'"),
        (([1, 2], [1, 2]), {"alternative": "both"}, "alternative"),
        (([1, 2], [1, 2]), {"rng": 1}, "draws nothing"),
        (([1, 2], [1, 2]), {"confidence": 95}, "confidence"),
        (([-1, -2], [1, 2]), {"effect": "mean_ratio"}, "both means above zero"),
        (([1, 2], [1, 2]), {"effect": "mean_ratio", "null": 0}, "null"),
        (([-1, 4], [1, 2]), {"effect": "mean_ratio", "method": "bootstrap-t"}, "zero or more"),
        ((Moments.of(np.array([1.0, 2])), [1, 2]), {"method": "bootstrap-t"}, "needs the rows"),
        (([1, 2], [1, 2]), {"method": "bootstrap-t", "resamples": 20}, "resamples: got 20"),
        (([1, 2], [1, 2]), {"method": "bootstrap-t", "resamples": 99.5}, "whole number"),
        (([1, 2], [1, 2]), {"method": "bootstrap-t", "rng": "x"}, "rng: got 'x'"),
        (([1e200, -1e200], [1, 2]), {}, "do not fit a float64"),
        (([1e-200, 2e-200], [1, 2]), {}, "too small for a float64"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_means(*args, **kwargs)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ((1, -1, 5, 1, 1, 5), "sd: got -1"),
        ((1, 1, 1, 1, 1, 5), "n: got 1"),
        ((1, 1, 4.5, 1, 1, 5), "n: got 4.5"),
        (([1, 2], 1, 5, [1, 2, 3], 1, 5), "unequal length"),
        ((1, "a", 5, 1, 1, 5), "sd: got 'a'"),
        ((1, 1, 5, 1, 1e200, 5), "sd0: squares of 1e"),
    ],
)
def test_bad_summaries(columns: tuple[Any, ...], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_mean_summaries(*columns)


def test_too_few_is_its_own_error() -> None:
    with pytest.raises(TooFewData):
        estimate_mean([1.0])
    with pytest.raises(DataError, match="needs the rows"):
        estimate_mean(Moments.of(np.array([1.0, 2.0])), method="bootstrap-t")
