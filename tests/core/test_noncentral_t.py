"""Noncentral t: both tails, quantiles and confidence limits for the noncentrality."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats._core.noncentral_t import nct_cdf, nct_delta, nct_quantile, nct_sf


def _tail(t: float, df: float, delta: float, upper: bool) -> float:
    """The definition by adaptive quadrature in many digits: the mean of a normal tail over the estimated sigma."""
    with mpmath.workdps(30):
        t, df, delta = mpmath.mpf(t), mpmath.mpf(df), mpmath.mpf(delta)
        constant = 2 * (df / 2) ** (df / 2) / mpmath.gamma(df / 2)
        sign = -1 if upper else 1

        def f(s: mpmath.mpf) -> mpmath.mpf:
            return mpmath.ncdf(sign * (t * s - delta)) * constant * s ** (df - 1) * mpmath.exp(-df * s * s / 2)

        spread = 1 / mpmath.sqrt(2 * df)
        cuts = {mpmath.mpf(1) + k * spread for k in (-8, -5, -3, 0, 3, 5, 8, 14)} | {1 + 40 * spread + 5}
        if t != 0:
            cuts |= {delta / t}
        return float(mpmath.quad(f, [0, *sorted(c for c in cuts if c > 0)]))


@pytest.mark.parametrize(
    ("t", "df", "delta"),
    [
        *((2, 10, 1), (0, 5, 0.3), (-3, 4, 1), (30, 1, 3), (5, 1, 0), (1, 3, 8), (-2, 30, 5), (12, 2, -1)),
        *(
            (300, 1, 5),
            (2, 0.5, 1),
            (3.2, 49, 9.0),
            (85, 999, 73.51),
            (75, 999, 73.51),
            (60, 1e4, 58),
            (60, 20, 50),
            (-300, 3, -90),
        ),
    ],
)
def test_tails_against_quadrature(t: float, df: float, delta: float) -> None:
    for upper, got in ((False, nct_cdf(t, df, delta)), (True, nct_sf(t, df, delta))):
        assert got == pytest.approx(_tail(t, df, delta, upper), rel=1e-10)


@pytest.mark.parametrize("df", [1.0, 4.0, 30.0, 1e3, 1e6])
def test_without_noncentrality_it_is_students_t(df: float) -> None:
    t = np.array([-8.0, -2.0, -0.1, 0.0, 0.5, 3.0, 6.0])
    np.testing.assert_allclose(nct_cdf(t, df, 0.0), scipy.special.stdtr(df, t), rtol=1e-12)
    np.testing.assert_allclose(nct_sf(t, df, 0.0), scipy.special.stdtr(df, -t), rtol=1e-12)


# R 4.2.2, exact one-sided tolerance factors by quadrature; n = 43: NIST/SEMATECH e-Handbook 7.2.6.3, as printed
@pytest.mark.parametrize(
    ("n", "content", "confidence", "k"),
    [
        (43, 0.90, 0.99, 1.8739536),
        (2, 0.90, 0.90, 10.252714027862254),
        (3, 0.95, 0.95, 7.655900133153354),
        (5, 0.99, 0.95, 5.741084517227323),
        (30, 0.9973, 0.95, 3.634642460441543),
        (300, 0.95, 0.95, 1.7996419304741278),
    ],
)
def test_tolerance_factor(n: int, content: float, confidence: float, k: float) -> None:
    z = float(scipy.special.ndtri(content))
    assert nct_quantile(confidence, n - 1, z * math.sqrt(n)) / math.sqrt(n) == pytest.approx(k, rel=3e-8)


def test_where_series_lose_their_digits() -> None:
    # n = 300, 99 % of the units, confidence 95 %: R's qt gives 2.52292, quadrature 2.52188 (noncentrality 40.3)
    z = float(scipy.special.ndtri(0.99))
    assert nct_quantile(0.95, 299, z * math.sqrt(300)) / math.sqrt(300) == pytest.approx(2.52188, abs=5e-6)


@settings(deadline=None)
@given(st.floats(1e-6, 1 - 1e-6), st.floats(1.0, 5000.0), st.floats(-40.0, 90.0))
def test_quantile_and_limit_undo_the_tail(p: float, df: float, delta: float) -> None:
    t = nct_quantile(p, df, delta)
    tail, goal = (nct_cdf(t, df, delta), p) if p <= 0.5 else (nct_sf(t, df, delta), 1 - p)
    assert tail == pytest.approx(goal, rel=1e-8)
    assert nct_delta(p, t, df) == pytest.approx(delta, abs=1e-6 * (1 + abs(delta)))


@pytest.mark.parametrize("t", [1e3, 1e5, 1e9, -1e6])
@pytest.mark.parametrize("df", [1.0, 24.0, 124.0])
def test_where_sigma_is_next_to_nothing_only_its_scatter_counts(t: float, df: float) -> None:
    # T = delta / s, nearly: the limit is t times a quantile of s, known by the chi-square distribution
    q = 0.975 if t > 0 else 0.025
    s = math.sqrt(scipy.special.gammainccinv(df / 2, q) / (df / 2))
    assert nct_delta(0.975, t, df) == pytest.approx(t * s, rel=3e-3 if abs(t) < 1e4 else 1e-6)


@given(st.floats(-30.0, 30.0), st.floats(1.0, 300.0), st.floats(-30.0, 30.0))
def test_mirror_and_sum(t: float, df: float, delta: float) -> None:
    assert nct_cdf(t, df, delta) + nct_sf(t, df, delta) == pytest.approx(1.0, abs=1e-12)
    assert nct_cdf(-t, df, -delta) == pytest.approx(nct_sf(t, df, delta), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("df", [3.0, 30.0, 500.0, 1e5])
@pytest.mark.parametrize("p", [0.025, 0.5, 0.975, 1e-6])
def test_many_limits_at_once(df: float, p: float) -> None:
    t = np.linspace(-5.0, 80.0, 2001)
    many = nct_delta(p, t, df)
    some = np.arange(0, t.size, 97)
    alone = [nct_delta(p, t[i], df) for i in some]
    np.testing.assert_allclose(many[some], alone, rtol=0, atol=1e-10)
    assert (np.diff(many) > 0).all()
