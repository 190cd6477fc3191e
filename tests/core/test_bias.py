"""Unbiasing constants against mpmath and printed values."""

import mpmath
import pytest

from qstats._core.bias import c4, d2, d3, median_range_constant
from qstats.errors import DataError

# Harter (1960), Annals of Math. Statistics 31, 1122-1131 prints the same to 1e-6:
# mean and variance of the range, n = 2, 3, 5, 10.
D2 = {2: 1.1283791671, 3: 1.6925687506, 5: 2.3259289473, 10: 3.0775054617}
D3 = {2: 0.852502, 3: 0.888368, 5: 0.864082, 10: 0.797051}


@pytest.mark.parametrize("n", [2, 3, 5, 10, 25, 99, 100, 101, 344, 345, 1000, 10**6, 10**9])
def test_c4_equals_mpmath(n: int) -> None:
    with mpmath.workdps(40):
        half = mpmath.mpf(n) / 2
        exact = mpmath.sqrt(mpmath.mpf(2) / (n - 1)) * mpmath.exp(
            mpmath.loggamma(half) - mpmath.loggamma(half - mpmath.mpf(1) / 2)
        )
    assert c4(n) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("n", [2, 5, 30, 500])
def test_d2_equals_mpmath_quadrature(n: int) -> None:
    with mpmath.workdps(25):
        exact = mpmath.quad(lambda x: 1 - mpmath.ncdf(x) ** n - (1 - mpmath.ncdf(x)) ** n, [-12, -6, -3, 0, 3, 6, 12])
    assert d2(n) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("n", sorted(D2))
def test_printed_moments_of_the_range(n: int) -> None:
    assert d2(n) == pytest.approx(D2[n], abs=1e-9)
    assert d3(n) == pytest.approx(D3[n], abs=1e-6)


def test_two_values_have_closed_forms() -> None:
    # |x1 - x2| is half-normal: mean 2/sqrt(pi), variance 2 - 4/pi.
    assert d2(2) == pytest.approx(float(2 / mpmath.sqrt(mpmath.pi)), rel=1e-13)
    assert d3(2) == pytest.approx(float(mpmath.sqrt(2 - 4 / mpmath.pi)), rel=1e-10)


@pytest.mark.parametrize("n", range(2, 26))
def test_table_is_the_exact_value_rounded(n: int) -> None:
    # Printed tables round to 3 (c4: 4) decimals; they may be off by one in the last place, never more.
    assert d2(n, "table") == pytest.approx(d2(n), abs=1.01e-3)
    assert d3(n, "table") == pytest.approx(d3(n), abs=1.01e-3)
    assert c4(n, "table") == pytest.approx(c4(n), abs=1.01e-4)


def test_median_range_constant() -> None:
    assert median_range_constant() == pytest.approx(0.953873, abs=5e-7)  # JMP documents 0.954


@pytest.mark.parametrize("bad", [1, 0, -3, 2.5, True])
def test_refuses_what_has_no_range(bad: float) -> None:
    with pytest.raises(DataError, match="n: got"):
        d2(bad)


def test_table_ends_where_it_was_printed() -> None:
    with pytest.raises(DataError, match="constants='exact'"):
        d2(26, "table")
    with pytest.raises(DataError, match="constants"):
        c4(5, "rounded")
