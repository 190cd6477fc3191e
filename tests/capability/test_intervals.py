"""Limits of indices and of the fraction beyond, against R, direct integration and simulated definitions."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from qstats.capability.freedom import individuals_pivot, subgroup_pivot
from qstats.capability.intervals import (
    bissell,
    chi_factors,
    cpm_df,
    cpmk_limits,
    distance_limits,
    log_fraction,
    z_bench,
    z_bench_limits,
)

CASES = {c["id"]: c for c in json.loads((Path(__file__).parents[1] / "reference" / "capability.json").read_text())}


def test_cpk_limits_as_r_has_them():
    case = CASES["cpk-ci-methods-3"]["expected"]
    assert bissell(1.33, 100, 99, 0.025, 0.025) == pytest.approx(case["bissell"], rel=1e-13)
    assert np.multiply(1.33, chi_factors(99, 0.025, 0.025)) == pytest.approx(case["cp_chisq"], rel=1e-13)
    low, _ = distance_limits(3 * 1.33, 100, 99, 0.025, 0.025)
    # R's upper limit, 1.5230778, needs noncentrality 45.8, beyond the 37.6 its pt can do
    assert low / 3 == pytest.approx(case["cpu_exact_nct"][0], abs=1e-7)


def tail_by_integration(t, df, delta):
    """P(T <= t): average over chi of the normal probability, by scipy's adaptive quadrature."""
    chi = stats.chi(df, scale=1 / math.sqrt(df))
    return integrate.quad(
        lambda s: chi.pdf(s) * stats.norm.cdf(t * s - delta), chi.ppf(1e-15), chi.isf(1e-15), epsabs=1e-13
    )[0]


@pytest.mark.parametrize(("d", "n", "df"), [(3.99, 100, 99), (2.0, 8, 7), (5.0, 30, 17.3), (-0.5, 12, 11)])
def test_one_sided_limits_are_where_the_noncentral_t_says(d, n, df):
    low, high = distance_limits(d, n, df, 0.025, 0.05)
    t = d * math.sqrt(n)
    assert tail_by_integration(t, df, low * math.sqrt(n)) == pytest.approx(0.975, abs=1e-9)
    assert tail_by_integration(t, df, high * math.sqrt(n)) == pytest.approx(0.05, abs=1e-9)


def test_known_sigma_is_the_normal_interval():
    low, high = distance_limits(4.0, 25, math.inf, 0.025, 0.025)
    assert (low, high) == pytest.approx((4 - 1.959963984540054 / 5, 4 + 1.959963984540054 / 5))
    assert chi_factors(math.inf, 0.025, 0.025) == (1.0, 1.0)


def test_an_open_side_has_no_limit():
    assert distance_limits(4.0, 25, 24, 0.05, 0.0)[1] == math.inf
    assert bissell(1.2, 50, 49, 0.0, 0.05)[0] == -math.inf
    assert chi_factors(24, 0.0, 0.0) == (0.0, math.inf)
    assert z_bench_limits(3.0, 4.0, 20, 19, 0.0, 0.05)[0] == -math.inf


def test_the_fraction_beyond_keeps_its_digits():
    # mpmath, 30 digits: 2 Phi(-4.0), Phi(-11.46), -ndtri of both tails together
    assert math.exp(log_fraction(4.0, 4.0)) == pytest.approx(6.33424836662398e-05, rel=1e-13)
    assert math.exp(log_fraction(4.0, math.inf)) * 1e6 == pytest.approx(31.6712418331199, rel=1e-13)
    assert float(np.exp(log_fraction(11.5, math.inf))) == pytest.approx(stats.norm.sf(11.5), rel=1e-12)
    assert z_bench(3.0, 3.0) == pytest.approx(-stats.norm.ppf(2 * stats.norm.sf(3.0)), rel=1e-13)
    assert z_bench(40.0, 60.0) == pytest.approx(40.0, rel=1e-13)  # a fraction of 1e-350 is no float64


@pytest.mark.parametrize(
    ("to_lower", "to_upper", "n", "df"),
    [
        (3.0, 3.0, 20, 19),
        (4.0, 3.0, 50, 40),
        (1.0, 1.0, 5, 4),
        (-1.0, 4.0, 8, 7),
        (0.1, 0.1, 5, 4),
        (5.2, 5.0, 125, 100),
    ],
)
def test_two_sided_fraction_has_the_quantiles_of_its_pivotal_quantity(to_lower, to_upper, n, df):
    rng = np.random.default_rng(20261122)
    count = 400_000
    u = np.sqrt(rng.chisquare(df, count) / df)
    z = rng.normal(size=count) / math.sqrt(n)
    p = stats.norm.sf(to_lower * u + z) + stats.norm.sf(to_upper * u - z)
    low, high = z_bench_limits(to_lower, to_upper, n, df, 0.025, 0.025)
    for limit, tail in ((low, 0.975), (high, 0.025)):
        share = np.mean(p < stats.norm.sf(limit))
        assert abs(share - tail) < 4 * math.sqrt(tail * (1 - tail) / count), (limit, share)


def test_two_sided_fraction_far_from_one_limit_is_the_one_sided_exact_one():
    assert z_bench_limits(3.0, 30.0, 25, 24, 0.025, 0.025) == pytest.approx(
        z_bench_limits(3.0, math.inf, 25, 24, 0.025, 0.025), rel=1e-8
    )


@given(st.floats(-1, 8), st.floats(0.5, 9), st.integers(3, 200), st.floats(0.6, 0.98), st.floats(0.001, 0.019))
def test_wider_confidence_holds_the_narrower_and_mirroring_changes_nothing(a, width, n, confidence, more):
    inner, outer = 0.5 * (1 - confidence), 0.5 * (1 - confidence - more)
    b = width - a
    one = z_bench_limits(a, b, n, n - 1, inner, inner)
    two = z_bench_limits(a, b, n, n - 1, outer, outer)
    assert two[0] <= one[0] + 1e-9 <= one[1] + 2e-9 <= two[1] + 3e-9
    assert z_bench_limits(b, a, n, n - 1, inner, inner) == pytest.approx(one, rel=1e-7, abs=1e-7)
    exact = distance_limits(a, n, n - 1, inner, inner), distance_limits(a, n, n - 1, outer, outer)
    assert exact[1][0] <= exact[0][0] <= exact[0][1] <= exact[1][1]
    mirrored = distance_limits(-a, n, n - 1, inner, inner)
    assert (-mirrored[1], -mirrored[0]) == pytest.approx(exact[0], rel=1e-9, abs=1e-9)


def test_boyles_degrees_of_freedom():
    # on target all n values count; far off target the mean square is a known offset
    assert cpm_df(0.0, 40) == 40
    assert cpm_df(1.0, 40) == pytest.approx(40 * 4 / 3)


@pytest.mark.parametrize("off", [-0.8, 0.0, 0.7])
def test_cpmk_error_is_the_numerical_derivative(off):
    # Cpmk = (U - mean) / (3 sqrt(s2 + (mean - T)^2)) at sigma 1, T = 0, mean = off, U = 4; n var = g_m^2 + 2 g_v^2
    def g(m, v):
        return (4.0 - m) / (3 * math.sqrt(v + m * m))

    h = 1e-5
    gm, gv = (g(off + h, 1) - g(off - h, 1)) / (2 * h), (g(off, 1 + h) - g(off, 1 - h)) / (2 * h)
    index = g(off, 1.0)
    low, high = cpmk_limits(index, off, 50, 0.025, 0.025)
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * math.sqrt((gm**2 + 2 * gv**2) / 50), rel=1e-6)


# ---- degrees of freedom ----


def _simulated(estimate, shape, repeat=20_000, seed=3):
    """Mean and variance of an estimator of sigma on normal data."""
    x = np.random.default_rng(seed).normal(size=(repeat, *shape))
    found = estimate(x)
    return found.mean(), found.var(), repeat


def _agrees(pivot, mean, variance, repeat, factor_of_one):
    df, factor = pivot.df, pivot.factor
    c4 = math.sqrt(2 / df) * math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2))
    assert factor == pytest.approx(1.0 if factor_of_one else c4, rel=1e-9)
    # (estimate * factor)^2 df is chi-square in mean and variance of the root
    relative = variance / mean**2
    assert relative == pytest.approx(1 / c4**2 - 1, rel=6 / math.sqrt(repeat / 2))


@pytest.mark.parametrize("n", [10, 40])
def test_moving_ranges_are_worth_six_tenths_of_their_number(n):
    sim = _simulated(lambda x: np.abs(np.diff(x)).mean(axis=1), (n,))
    pivot = individuals_pivot("moving_range", n - 1.0)
    _agrees(pivot, *sim, False)
    assert 0.58 < pivot.df / (n - 1) < 0.70


def test_median_moving_range_is_worth_three_tenths():
    sim = _simulated(lambda x: np.median(np.abs(np.diff(x)), axis=1), (201,), 10_000)
    pivot = individuals_pivot("median_moving_range", 200.0)
    _agrees(pivot, *sim, False)
    assert 0.29 < pivot.df / 200 < 0.32


def test_mean_square_successive_difference_is_worth_two_thirds():
    sim = _simulated(lambda x: np.sqrt(0.5 * np.square(np.diff(x)).mean(axis=1)), (60,))
    _agrees(individuals_pivot("mssd", 59.0), *sim, True)
    _agrees(individuals_pivot("mssd_unbiased", 59.0), *sim, False)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_ranges_and_standard_deviations_of_subgroups(n):
    sizes = np.full(20, float(n))
    _agrees(
        subgroup_pivot("rbar", 1.0, sizes), *_simulated(lambda x: np.ptp(x, axis=2).mean(axis=1), (20, n), 8000), False
    )
    _agrees(
        subgroup_pivot("sbar", 1.0, sizes),
        *_simulated(lambda x: x.std(axis=2, ddof=1).mean(axis=1), (20, n), 8000),
        False,
    )
    pooled = subgroup_pivot("pooled", 20.0 * (n - 1), sizes)
    assert pooled.df == 20 * (n - 1)
    _agrees(pooled, *_simulated(lambda x: np.sqrt(x.var(axis=2, ddof=1).mean(axis=1)), (20, n), 8000), False)


def test_range_efficiency_of_patnaik():
    # Patnaik (1950), Biometrika 37, table: effective df of one range of 5 is 3.83, of the mean of 10 of them 36.5
    # (Duncan's table D3 prints 3.8 and 36.5)
    assert subgroup_pivot("rbar", 1.0, np.full(1, 5.0)).df == pytest.approx(3.83, abs=0.02)
    assert subgroup_pivot("rbar", 1.0, np.full(10, 5.0)).df == pytest.approx(36.5, abs=0.05)


def test_unequal_subgroups_weigh_in():
    mixed = np.array([2.0, 5.0, 5.0, 1.0, 8.0])
    # by the definition: variance of a mean of independent unbiased estimates; of the best weighting
    v = np.array(
        [(0.852502467 / 1.128379167) ** 2] + [(0.864081941 / 2.325928947) ** 2] * 2 + [(0.819831490 / 2.847200612) ** 2]
    )
    for name, variance in (("rbar", v.sum() / 16), ("mvlue_r", 1 / (1 / v).sum())):
        pivot = subgroup_pivot(name, 1.0, mixed)
        assert 1 / pivot.factor**2 - 1 == pytest.approx(variance, rel=1e-6)
    assert math.isnan(subgroup_pivot("median_range", None, mixed).df)
