"""Binomial tails by their uniform expansion: mpmath sums and integrals, scipy's incomplete beta function, symmetry."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from qstats._core.binomial_tail import LEAST, binomial_chance, binomial_tail, tail_logit

Z = np.array([-30, -12, -6, -3, -1.5, -1.26, -1.24, -0.7, -1e-3, 0, 1e-9, 0.3, 0.9, 1.24, 1.26, 2, 3, 5, 9, 16, 30.0])


def _summed(k: int, m: int, odds: float, weight: float) -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    """The tail, its complement and the count's own probability: the definition, added up outwards from k."""
    w = mpmath.mpf(odds)
    own = mpmath.binomial(k + m, k) * (w / (1 + w)) ** k * (1 / (1 + w)) ** m

    def beyond(k: int, m: int, w: mpmath.mpf) -> mpmath.mpf:
        chance, total = own, mpmath.mpf(0)
        for j in range(k, k + m):
            chance *= w * (k + m - j) / (j + 1)
            total += chance
            if chance < total * mpmath.mpf(10) ** -35 and w * (k + m - j) < j:
                break
        return total

    return beyond(k, m, w) + weight * own, beyond(m, k, 1 / w) + (1 - weight) * own, own


@pytest.mark.parametrize("k", [20, 24, 30, 120, 3000])
@pytest.mark.parametrize("m", [20, 27, 100, 700, 100_000])
def test_sums_of_mpmath(k: int, m: int) -> None:
    # errors found on this grid: 2.8e-11 at counts of 20, 1e-11 from 24, 4.4e-12 from 30, 3e-13 from 120
    bound = {20: 4e-11, 24: 2e-11, 30: 1e-11}.get(min(k, m), 2e-11 if min(k, m) < 30 else 2e-12)
    with mpmath.workdps(50):
        odds = k / m * np.exp(-Z * math.sqrt(1 / k + 1 / m))
        rows = np.full((2, Z.size), [[float(k)], [float(m)]])
        for weight in (0.5, 1.0):
            tail, own = binomial_tail(*rows, 1 / (1 + 1 / odds), 1 / (1 + odds), weight)
            for i in range(Z.size):
                wanted, complement, chance = _summed(k, m, float(odds[i]), weight)
                if min(wanted, complement) < 1e-300:
                    continue
                assert abs(mpmath.mpf(float(own[i])) / chance - 1) < 2e-12
                error = abs(mpmath.mpf(float(tail[i])) - wanted)
                # a tail near one is a float64 number: half a unit in its last place is lost
                assert error < (bound * wanted if Z[i] >= 0 else bound * complement + mpmath.mpf("3e-16"))


@pytest.mark.parametrize("k", [10**6, 10**9, 10**12])
@pytest.mark.parametrize("share", [0.5, 0.001])
def test_large_counts_by_an_integral(k: int, share: float) -> None:
    # P(X >= k) is the integral of the Beta(k, m + 1) density up to p; in units of its standard deviation
    m = round(k * (1 / share - 1))
    sd = math.sqrt(1 / k + 1 / m)
    z = np.array([-3.0, -0.5, 0.4, 1.0, 4.0, 8.0])
    with mpmath.workdps(40):
        a, b = mpmath.mpf(k), mpmath.mpf(m + 1)
        scale = mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b)
        for at in z:
            odds = float(k / m * math.exp(-at * sd))
            top = mpmath.log(mpmath.mpf(odds))

            def density(v: mpmath.mpf, top: mpmath.mpf = top) -> mpmath.mpf:
                u = top - v * sd
                return mpmath.exp(scale + a * u - (a + b) * mpmath.log1p(mpmath.exp(u))) * sd

            wanted = mpmath.quad(density, [0, 0.5, 1, 2, 4, 8, 16, 30])
            row = (
                np.array([float(k)]),
                np.array([float(m)]),
                np.array([odds / (1 + odds)]),
                np.array([1 / (1 + odds)]),
            )
            got = float(binomial_tail(*row, 1.0)[0][0])
            # the rounding of p alone moves z by an ulp times sigma
            assert got == pytest.approx(float(wanted), rel=1e-13 + 4e-16 * math.sqrt(k) * (1 + abs(at)))


@pytest.mark.parametrize("mean", [25.0, 60.0, 300.0, 5000.0])
def test_the_incomplete_beta_function(mean: float) -> None:
    rng = np.random.default_rng(31)
    k, m = rng.poisson(mean, (2, 20_000)).astype(float)
    k, m = (v[np.minimum(k, m) >= LEAST] for v in (k, m))
    odds = k / m * np.exp(rng.normal(0, 3, k.size) * np.sqrt(1 / k + 1 / m))
    p, q = odds / (1 + odds), 1 / (1 + odds)
    tail, own = binomial_tail(k, m, p, q, 1.0)
    whole, rest = special.betainc(k, m + 1, p), special.betainc(k + 1, m, p)
    # scipy 1.17 errs by some 1e-13 itself
    np.testing.assert_allclose(tail, whole, rtol=5e-11)
    np.testing.assert_allclose(binomial_tail(k, m, p, q, 0.5)[0], 0.5 * (whole + rest), rtol=5e-11)
    np.testing.assert_allclose(own, stats.binom.pmf(k, k + m, p), rtol=1e-11)
    np.testing.assert_allclose(own, binomial_chance(k, m, p, q), rtol=1e-13)


@pytest.mark.parametrize(("k", "m"), [(1, 1), (1, 40), (3, 2), (15, 16), (16, 1), (7, 900), (60, 60)])
@pytest.mark.parametrize("odds", [Fraction(1, 1000), Fraction(3, 4), Fraction(50)])
def test_single_probabilities_in_fractions(k: int, m: int, odds: Fraction) -> None:
    p = odds / (1 + odds)
    expected = math.comb(k + m, k) * p**k * (1 - p) ** m
    if expected > Fraction(1, 10**300):
        row = (np.array([float(v)]) for v in (k, m, p, 1 - p))
        assert binomial_chance(*row)[0] == pytest.approx(float(expected), rel=2e-13)


@given(
    st.integers(20, 10**7), st.integers(20, 10**7), st.floats(-25, 25), st.floats(0.0, 1.0), st.floats(1e-6, 2.0)
)  # fmt: skip
@settings(max_examples=200)
def test_swapping_successes_and_failures_and_rising_in_p(k: int, m: int, z: float, weight: float, move: float) -> None:
    sd = math.sqrt(1 / k + 1 / m)
    odds = k / m * np.exp(np.array([-z, -z + move]) * sd)
    p, q = 1 / (1 + 1 / odds), 1 / (1 + odds)
    kk, mm = np.full(2, float(k)), np.full(2, float(m))
    tail, own = binomial_tail(kk, mm, p, q, weight)
    other, own_too = binomial_tail(mm, kk, q, p, 1.0 - weight)
    np.testing.assert_allclose(tail + other, 1.0, atol=1e-10)
    np.testing.assert_allclose(own, own_too, rtol=1e-9)
    assert ((tail >= 0.0) & (tail <= 1.0 + 1e-15)).all()
    assert tail[1] >= tail[0] * (1.0 - 1e-10)


@pytest.mark.parametrize("weight", [0.5, 1.0])
@pytest.mark.parametrize("z", [-1.0, 0.5, 1.96, 3.0])
def test_the_start_is_one_step_from_the_limit(weight: float, z: float) -> None:
    k, m = (v.ravel() for v in np.meshgrid([20.0, 50.0, 400.0, 1e5], [20.0, 80.0, 3000.0, 1e7]))
    u = tail_logit(k, m, z, weight)
    found = special.ndtri(binomial_tail(k, m, special.expit(u), special.expit(-u), weight)[0])
    np.testing.assert_allclose(found, -z, atol=2e-3)
    # and the error falls with the fifth power of the standard deviation
    few, many = (np.abs(found + z)[(k == v) & (m == w)][0] for v, w in ((20.0, 20.0), (400.0, 3000.0)))
    assert many < few / 50 + 1e-9
