"""Power of means, times, ends and scores: R, statsmodels, scipy's noncentral t, mpmath, and a plain simulation."""

import copy
import itertools
import math
import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from qstats import (
    DataError,
    logrank_power,
    logrank_sample_size,
    means_power,
    means_sample_size,
    ordinal_power,
    ordinal_sample_size,
    times_power,
    times_sample_size,
)
from qstats.inference.means.means import compare_mean_summaries
from qstats.inference.ordinal.scores import compare_ordinal_counts
from qstats.inference.power.kernels import Side, student_power


def test_pooled_reproduces_r_power_t_test() -> None:
    """R 4.2.2 power.t.test, oracle cases ss-4 and ss-5; it counts one direction, as half the error one-sided does."""
    one = {"method": "pooled", "alternative": "greater", "confidence": 0.975}
    assert means_power(0.5, 1.0, 40, 40, **one).power == pytest.approx(0.5981316009238257, abs=1e-9)
    for delta, n in ((0.1, 142.24659584436756), (0.15, 63.76576372484571)):
        r = means_sample_size(delta, 0.3, **one)
        assert r.size == r.size0 == math.ceil(n)
        assert means_power(delta, 0.3, math.floor(n), math.floor(n), **one).power < 0.8 <= r.power
        assert means_sample_size(delta, 0.3, method="pooled").size == math.ceil(n)


@pytest.mark.parametrize(("n", "n0", "effect"), [(5, 9, 1.2), (40, 40, 0.5), (300, 20, 0.4), (2, 2, 3.0)])
def test_pooled_two_sided_equals_statsmodels(n: int, n0: int, effect: float) -> None:
    expected = TTestIndPower().power(effect, n, 0.05, ratio=n0 / n)
    # its noncentral t is good to 1e-8 only with the oldest scipy allowed
    assert means_power(3.0 * effect, 3.0, n, n0, method="pooled").power == pytest.approx(expected, abs=2e-8)


@pytest.mark.parametrize(("df", "gap", "error"), [(1, 0.5, 0.05), (3, 20.0, 0.1), (10, -1.0, 0.01), (500, 2.8, 0.025)])
def test_student_power_is_the_noncentral_t(df: float, gap: float, error: float) -> None:
    t = stats.t.isf(error, df)
    power = student_power((Side("greater", 0.0, error),), (gap,), 1.0, df, False)
    assert power == pytest.approx(stats.nct.sf(t, df, gap), abs=1e-12)


def test_student_power_beyond_where_noncentral_t_routines_break() -> None:
    """Noncentrality 60 (R's pt gives up above 37.6): the integral in mpmath to 30 digits."""
    df, gap, error = 8, 60.0, 1e-8
    t = stats.t.isf(error, df)
    mpmath.mp.dps = 30

    def density(s):
        return (
            2
            * (mpmath.mpf(df) / 2) ** (mpmath.mpf(df) / 2)
            / mpmath.gamma(mpmath.mpf(df) / 2)
            * s ** (df - 1)
            * mpmath.exp(-df * s * s / 2)
        )

    expected = mpmath.quad(lambda s: density(s) * mpmath.ncdf(gap - t * s), [0, 1, 2, 3, 6])
    power = student_power((Side("greater", 0.0, error),), (gap,), 1.0, df, False)
    assert power == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "n0", "sd", "sd0", "gap"), [(3, 3, 1.0, 1.0, 2.0), (5, 12, 1.0, 2.0, 2.0), (40, 10, 1.0, 3.0, 2.0)]
)
def test_welch_equals_simulation(n: int, n0: int, sd: float, sd0: float, gap: float) -> None:
    """Means and variances drawn from their distributions, through the comparison itself: 100 000 studies."""
    rng, many = np.random.default_rng(20261121), 100_000
    m, m0 = gap + rng.normal(size=many) * sd / math.sqrt(n), rng.normal(size=many) * sd0 / math.sqrt(n0)
    s, s0 = (d * np.sqrt(rng.chisquare(k - 1, many) / (k - 1)) for d, k in ((sd, n), (sd0, n0)))
    rate = float(np.mean(compare_mean_summaries(m, s, n, m0, s0, n0).pvalue < 0.05))
    power = means_power(gap, sd, n, n0, sd0=sd0).power
    assert power == pytest.approx(rate, abs=4.0 * math.sqrt(rate * (1 - rate) / many))


def test_welch_is_continuous_where_the_formula_changes() -> None:
    powers = [means_power(0.25, 1.0, n, n).power for n in (198, 199, 200, 201)]
    steps = np.diff(powers)
    assert (steps > 0).all() and steps.max() < 1.1 * steps.min()


def test_equivalence_of_means_equals_simulation() -> None:
    rng, many = np.random.default_rng(7), 200_000
    m, m0 = 0.1 + rng.normal(size=many) / math.sqrt(30), rng.normal(size=many) / math.sqrt(40)
    se = np.sqrt(rng.chisquare(68, many) / 68) * math.sqrt(1 / 30 + 1 / 40)
    t = stats.t.isf(0.05, 68)
    rate = np.mean(((m - m0 + 0.6) / se > t) & ((m - m0 - 0.6) / se < -t))
    power = means_power(0.1, 1.0, 30, 40, null=(-0.6, 0.6), method="pooled").power
    assert power == pytest.approx(rate, abs=4.0 * math.sqrt(0.25 / many))
    # far too few values: the two regions do not meet, and no power is negative
    assert 0.0 <= means_power(0.0, 1.0, 3, 3, null=(-0.1, 0.1)).power < 1e-3


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 3.0), st.floats(0.2, 5.0), st.floats(0.3, 3.0), st.sampled_from(["two-sided", "greater"]))
def test_mean_size_is_the_smallest(gap: float, sd: float, ratio: float, alternative: str) -> None:
    r = means_sample_size(gap, sd, size_ratio=ratio, alternative=alternative)
    assert r.power >= 0.8 and r.size == max(2, math.ceil(ratio * r.size0 - 1e-9))
    if r.size0 > 2:
        n = max(2, math.ceil(ratio * (r.size0 - 1) - 1e-9))
        assert means_power(gap, sd, n, r.size0 - 1, alternative=alternative).power < 0.8
    scaled = means_sample_size(1000.0 * gap, 1000.0 * sd, size_ratio=ratio, alternative=alternative)
    assert (scaled.size, scaled.size0) == (r.size, r.size0)


def test_times_are_means_of_logarithms() -> None:
    """cv 1 is a standard deviation of sqrt(log 2) on the log scale; R power.t.test(delta = log 0.8) by statsmodels."""
    sd = math.sqrt(math.log(2.0))
    expected = TTestIndPower().power(math.log(0.8) / sd, 200, 0.05)
    assert times_power(0.8, 1.0, 200, 200).power == pytest.approx(expected, abs=1e-6)
    n = TTestIndPower().solve_power(math.log(0.8) / sd, power=0.8, alpha=0.05)
    assert times_sample_size(0.8, 1.0).size == math.ceil(n)
    # turning group and reference round changes nothing
    assert times_sample_size(1.25, 1.0).size == times_sample_size(0.8, 1.0).size
    assert times_sample_size(1.0, 0.5, null=(0.8, 1.25)).alternative == "equivalence"


def test_logrank_is_schoenfelds_formula() -> None:
    """4 (z + z)^2 / log(HR)^2 for equal groups, by hand; the wrong side of a two-sided test adds some 1e-6."""
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    r = logrank_sample_size(1.5)
    assert r.size + r.size0 == pytest.approx(4.0 * z**2 / math.log(1.5) ** 2, rel=1e-5)
    assert logrank_power(1.5, r.size + r.size0).power == pytest.approx(0.8, abs=1e-9)
    skew = logrank_sample_size(1.5, size_ratio=3.0, alternative="greater")
    z = stats.norm.isf(0.05) + stats.norm.isf(0.2)
    assert skew.size + skew.size0 == pytest.approx(z**2 / (0.1875 * math.log(1.5) ** 2), rel=1e-6)
    cases = logrank_sample_size(1.5, closed=0.7)
    assert cases.size == math.ceil(r.size / 0.7) and cases.unit == "cases" and cases.power >= 0.8
    ni = logrank_sample_size(1.0, null=0.8, alternative="greater")
    assert ni.size + ni.size0 == pytest.approx(4.0 * z**2 / math.log(0.8) ** 2, rel=1e-6)


def test_noether_is_his_formula() -> None:
    """n per group (z + z)^2 / (6 (p - 1/2)^2), Noether (1987), equation 2, where there are next to no ties."""
    k = 400
    grade = (np.arange(k) + 0.5) / k
    shares = 1.0 + 0.6 * (grade - 0.5)
    theta = float(shares / k @ grade)
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    r = ordinal_sample_size(shares, np.ones(k), method="noether")
    assert r.assumed["superiority"] == pytest.approx(theta, abs=1e-12)
    assert r.size == pytest.approx(z**2 / (6.0 * (theta - 0.5) ** 2), abs=1.0)


SHAPES = [
    ([5, 10, 20, 35, 30], [10, 15, 25, 30, 20], 150, 150, 0.008),
    ([1, 1, 8], [2, 2, 6], 100, 100, 0.008),
    ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], 50, 30, 0.015),
    ([5, 10, 20, 35, 30], [10, 15, 25, 30, 20], 600, 50, 0.02),
]


@pytest.mark.parametrize(("shares", "shares0", "n", "n0", "room"), SHAPES)
def test_scores_equal_simulation(shares: list[int], shares0: list[int], n: int, n0: int, room: float) -> None:
    """The comparison itself on 40 000 drawn pairs; `room` is the accuracy the documentation states."""
    rng, many = np.random.default_rng(5), 40_000
    c, c0 = (rng.multinomial(m, np.array(s) / sum(s), many) for s, m in ((shares, n), (shares0, n0)))
    rate = float(np.mean(compare_ordinal_counts(c, c0).pvalue < 0.05))
    assert ordinal_power(shares, shares0, n, n0).power == pytest.approx(rate, abs=room + 4.0 * math.sqrt(0.25 / many))


def test_scores_turn_round_and_scale() -> None:
    a = ordinal_power([5, 10, 20, 35, 30], [10, 15, 25, 30, 20], 80, 60)
    b = ordinal_power([0.2, 0.3, 0.25, 0.15, 0.1], [0.3, 0.35, 0.2, 0.1, 0.05], 60, 80)
    assert a.power == pytest.approx(b.power, abs=1e-9)
    assert a.assumed["superiority"] == pytest.approx(1.0 - 0.4075, abs=1e-12)  # summed by hand over the 25 cells


def test_separated_groups_are_decided_by_the_exact_test() -> None:
    """1 / C(8, 4) = 1/70 on either side is below 0.025; 1 / C(6, 3) = 1/20 is not."""
    assert ordinal_power([0, 1], [1, 0], 4, 4).power == 1.0
    assert ordinal_power([0, 1], [1, 0], 3, 3).power == 0.0
    assert ordinal_sample_size([0, 1], [1, 0]).size == 4


def _enumerated(shares: list[float], shares0: list[float], n: int, n0: int, **options: Any) -> float:
    """Power of the comparison itself: scipy's multinomials over all samples, one after the other."""

    def samples(size: int) -> list[tuple[int, ...]]:
        return [c for c in itertools.product(range(size + 1), repeat=len(shares)) if sum(c) == size]

    pairs = [(c, c0) for c in samples(n) for c0 in samples(n0)]
    p, p0 = np.array(shares) / sum(shares), np.array(shares0) / sum(shares0)
    chance = [stats.multinomial.pmf(c, n, p) * stats.multinomial.pmf(c0, n0, p0) for c, c0 in pairs]
    rows, rows0 = (np.array(side) for side in zip(*pairs, strict=True))
    null = options.pop("null", 0.5)
    if isinstance(null, tuple):
        both = [("greater", null[0]), ("less", null[1])]
        reject = np.all([compare_ordinal_counts(rows, rows0, null=v, alternative=a).pvalue < 0.05 for a, v in both], 0)
    else:
        reject = compare_ordinal_counts(rows, rows0, null=null, **options).pvalue < 0.05
    return float(np.array(chance) @ reject)


@pytest.mark.parametrize(
    ("shares", "shares0", "n", "n0", "options"),
    [
        ([0.2, 0.8], [0.8, 0.2], 9, 9, {}),
        ([0.2, 0.8], [0.8, 0.2], 25, 14, {}),
        ([0, 0.3, 0.7], [0.5, 0.5, 0], 3, 3, {}),
        ([0.1, 0.3, 0.6], [0.5, 0.3, 0.2], 7, 9, {"alternative": "greater"}),
        ([0.1, 0.3, 0.6], [0.5, 0.3, 0.2], 6, 6, {"alternative": "less", "null": 0.9}),
        ([0.1, 0.8, 0.1], [0.1, 0.8, 0.1], 8, 8, {"null": (0.2, 0.8)}),
        ([1, 0], [1, 0], 9, 9, {"null": (0.2, 0.8)}),
    ],
)
def test_small_score_studies_are_enumerated(
    shares: list[float], shares0: list[float], n: int, n0: int, options: dict[str, Any]
) -> None:
    r = ordinal_power(shares, shares0, n, n0, **options)
    assert r.power == pytest.approx(_enumerated(shares, shares0, n, n0, **options), abs=1e-10)
    assert "exact" in r.method
    assert not r.notes


def test_small_score_study_has_the_power_asked_for() -> None:
    """Nine answers have 0.721 (the formula says 0.821); ten have it, and so have the next four sizes."""
    r = ordinal_sample_size([0.2, 0.8], [0.8, 0.2])
    assert r.size == r.size0 == 10.0
    powers = [_enumerated([0.2, 0.8], [0.8, 0.2], n, n) for n in range(9, 15)]
    assert powers[0] == pytest.approx(0.7208, abs=5e-5)
    assert min(powers[1:]) >= 0.8
    assert r.power == pytest.approx(powers[1], abs=1e-10)


def test_small_score_study_with_too_many_samples_is_warned_of() -> None:
    many, few = np.arange(1, 8), np.ones(7)
    assert [n.code for n in ordinal_power(many, few, 20, 20).notes] == ["approximate-power"]
    assert [n.code for n in ordinal_sample_size(many**3, few[::-1] / many).notes] == ["approximate-power"]
    assert [n.code for n in ordinal_power(many, few, 20, 20, method="noether").notes] == ["approximate-power"]
    assert ordinal_power(many, few, 60, 60).notes == ()


def test_assumptions_cannot_be_changed_and_survive_a_copy() -> None:
    r = ordinal_power([1, 2, 3], [3, 2, 1], 40, 40)
    with pytest.raises(TypeError, match="item assignment"):
        r.assumed["superiority"] = 0.9  # type: ignore[index]
    for again in (pickle.loads(pickle.dumps(r)), copy.deepcopy(r)):
        assert again.to_json() == r.to_json()
        assert again.assumed == r.assumed == dict(r.assumed)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: means_power(1.0, 0.0, 5, 5), "sd: got 0"),
        (lambda: means_power(1.0, 1.0, 1, 5), "n: got 1"),
        (lambda: means_power(1.0, 1.0, 5, 5.5), "n0: got 5.5"),
        (lambda: means_power(1.0, 1.0, 5, 5, sd0=2.0, method="pooled"), "unequal sd"),
        (lambda: means_power(math.nan, 1.0, 5, 5), "difference"),
        (lambda: means_sample_size(0.0, 1.0), "no size shows it"),
        (lambda: means_sample_size(1e-9, 1.0), "not reached below"),
        (lambda: times_power(0.0, 1.0, 5, 5), "ratio: got 0"),
        (lambda: times_power(0.5, -1.0, 5, 5), "cv: got -1"),
        (lambda: times_power(0.5, 1.0, 5, 5, null=0.0), "null: got 0"),
        (lambda: logrank_power(1.5, 1.0), "events: got 1"),
        (lambda: logrank_sample_size(1.5, closed=1.5), "closed: got 1.5"),
        (lambda: ordinal_power([1, 2], [1, 2, 3], 5, 5), "same scale"),
        (lambda: ordinal_power([1, -2], [1, 2], 5, 5), "zero or more"),
        (lambda: ordinal_power([0, 1], [0, 1], 5, 5, method="noether"), "everybody answers the same"),
        (lambda: ordinal_power([1, 2], [2, 1], 5, 5, method="noether", null=0.4, alternative="greater"), "0.5 only"),
        (lambda: ordinal_sample_size([1, 2], [1, 2]), "no size shows it"),
    ],
)
def test_bad_input_is_told(call, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()


def test_extreme_but_sound_input_raises_no_warning() -> None:
    assert means_power(1e50, 1e-50, 5, 5).power == 1.0
    assert means_power(1.0, 1.0, 5, 5, confidence=1 - 1e-15).power < 1e-6
    assert means_power(1.0, 1.0, 10**14, 10**14).power == 1.0
    assert times_power(1e-90, 1e-6, 2, 2).power > 0.99
    assert logrank_power(1e90, 2.0, size_ratio=1e-9).power > 0.04
    assert ordinal_power(np.ones(300), np.arange(300), 10**9, 10**9).power == 1.0
    assert 0.0 <= ordinal_power([1e-12, 1], [1, 1e-12], 5, 2).power <= 1.0


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 3.0), st.integers(2, 60), st.integers(2, 60), st.floats(0.5, 0.98), st.floats(0.2, 5.0))
def test_power_is_a_probability_and_falls_with_confidence(
    gap: float, n: int, n0: int, confidence: float, sd0: float
) -> None:
    low, high = (means_power(gap, 1.0, n, n0, sd0=sd0, confidence=c).power for c in (confidence, confidence + 0.01))
    assert 0.0 <= high <= low + 1e-12 and low <= 1.0
    turned = means_power(-gap, sd0, n0, n, sd0=1.0, confidence=confidence).power
    assert turned == pytest.approx(low, abs=1e-10)
    size = means_power(0.0, 1.0, n, n0, method="pooled", confidence=confidence).power
    assert size == pytest.approx(1.0 - confidence, abs=1e-9)  # at no difference the power is the error
