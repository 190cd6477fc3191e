"""Moments: NIST StRD certified values, merging, hard offsets."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qstats import Moments
from qstats._core.blocks import moving_range_sum, safe_mean

# NIST StRD, univariate summary statistics, data set NumAcc4: 10000000.2, then 10000000.1 / 10000000.3 alternating, 1001
# values; certified mean 10000000.2 and standard deviation 0.1 (exact).
NUMACC4 = np.array([10000000.2] + [10000000.1, 10000000.3] * 500)

values = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6, allow_subnormal=False))


def test_numacc4_certified() -> None:
    m = Moments.of(NUMACC4)
    assert m.mean == pytest.approx(10000000.2, rel=1e-15)
    assert m.std == pytest.approx(0.1, rel=1e-8)  # the inputs themselves are rounded to 2e-9


def test_offset_of_1e12_keeps_its_digits() -> None:
    spread = np.tile([0.0, 1.0, 2.0, 3.0], 100_000)  # longer than one block; exact in float64 at this offset
    m = Moments.of(1e12 + spread)
    assert m.mean == 1e12 + 1.5
    assert m.variance == pytest.approx(1.25 * 400_000 / 399_999, rel=1e-12)
    assert safe_mean(1e12 + spread) == 1e12 + 1.5


@given(values, values)
def test_merging_is_the_whole(a: np.ndarray, b: np.ndarray) -> None:
    both, merged = Moments.of(np.concatenate([a, b])), Moments.of(a) + Moments.of(b)
    scale = max(1.0, float(np.abs(np.concatenate([a, b])).max()))
    assert merged.n == both.n
    assert merged.mean == pytest.approx(both.mean, abs=1e-12 * scale)
    assert merged.m2 == pytest.approx(both.m2, abs=1e-9 * scale**2)
    assert (merged.low, merged.high) == (both.low, both.high)


@given(values)
@settings(max_examples=50)
def test_mean_is_exact_to_rounding(a: np.ndarray) -> None:
    exact = float(sum(Fraction(v) for v in a.tolist()) / a.size)
    assert safe_mean(a) == pytest.approx(exact, abs=2e-15 * max(1.0, float(np.abs(a).max())))


def test_nothing_and_one_value() -> None:
    assert Moments.empty() + Moments.of(np.array([3.0])) == Moments.of(np.array([3.0]))
    assert math.isnan(Moments.of(np.array([3.0])).std)


def test_moving_range_leaves_gaps_out() -> None:
    total, n = moving_range_sum(np.array([1.0, 3.0, np.nan, 10.0, 9.0]))
    assert (total, n) == (3.0, 2)
    assert moving_range_sum(np.array([5.0])) == (0.0, 0)
