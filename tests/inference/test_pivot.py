"""The Student pivot and the degrees of freedom behind many comparisons: scipy, and edges."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats.inference.pivot import pivot_test, satterthwaite, tails_to_pvalue


@given(st.floats(-3, 3), st.floats(0.1, 4), st.floats(1, 60))
def test_two_sided_is_scipy_t(estimate: float, se: float, df: float) -> None:
    r = pivot_test(estimate, se, df, 0.0, 0.9, "two-sided")
    assert r.pvalue == pytest.approx(2 * stats.t.sf(abs(estimate / se), df), rel=1e-9)
    low, high = stats.t.interval(0.9, df, loc=estimate, scale=se)
    assert (r.low, r.high) == pytest.approx((low, high), rel=1e-8, abs=1e-9)


def test_infinite_df_is_the_normal_and_tails_keep_their_digits() -> None:
    r = pivot_test(-30.0, 1.0, math.inf, 0.0, 0.95, "less")
    assert r.pvalue == pytest.approx(stats.norm.sf(30.0), rel=1e-12)
    assert r.low == -math.inf
    assert r.high == pytest.approx(-30.0 + stats.norm.ppf(0.95), rel=1e-12)


def test_ends_of_the_scale_hold() -> None:
    r = pivot_test(np.array([0.01, 0.99]), 0.2, 5.0, 0.5, 0.95, "two-sided", least=0.0, most=1.0)
    assert (r.low[0], r.high[1]) == (0.0, 1.0)
    assert pivot_test(0.5, 0.1, 9.0, 0.2, 0.95, "greater", least=0.0, most=1.0).high == 1.0


def test_satterthwaite_does_not_underflow() -> None:
    plain = satterthwaite(2.0, 9.0, 3.0, 4.0)
    assert plain == pytest.approx(25.0 / (4.0 / 9.0 + 9.0 / 4.0), rel=1e-12)
    assert satterthwaite(2e-250, 9.0, 3e-250, 4.0) == pytest.approx(plain, rel=1e-12)
    assert satterthwaite(0.0, 9.0, 0.0, 4.0) == math.inf
    assert satterthwaite(0.0, 9.0, 1.0, 4.0) == pytest.approx(4.0)


def test_tails_combine() -> None:
    assert tails_to_pvalue(0.2, 0.9, "two-sided") == 0.4
    assert tails_to_pvalue(0.7, 0.6, "two-sided") == 1.0
    assert (tails_to_pvalue(0.2, 0.9, "less"), tails_to_pvalue(0.2, 0.9, "greater")) == (0.2, 0.9)
