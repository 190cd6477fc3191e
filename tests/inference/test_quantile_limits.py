"""Quantiles: exact coverage of ranks by enumeration, fractional ranks by mpmath, agreement of p and interval."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError
from qstats.inference.times.quantiles import compare_quantiles, estimate_quantile

sample = st.lists(st.integers(0, 40).map(lambda v: v / 4), min_size=1, max_size=25)


def test_ninety_percent_of_a_hundred() -> None:
    # P(84 <= Bin(100, .9) <= 95) = .95569, exact binomial arithmetic.
    r = estimate_quantile(np.arange(1.0, 101.0), 0.9)
    assert r.ranks == (84, 96)
    assert (r.interval.low, r.interval.high) == (84.0, 96.0)
    assert r.attained == pytest.approx(0.95569, abs=5e-6)
    assert "0.95569" in r.method and "84 and 96" in r.summary()


@pytest.mark.parametrize(("n", "q"), [(11, 0.5), (20, 0.5), (59, 0.9), (200, 0.25)])
@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_ranks_are_the_inmost_that_cover(n: int, q: float, confidence: float) -> None:
    """By scipy's binomial: each tail at most half the error, and one rank further in is too much."""
    r = estimate_quantile(np.arange(n, dtype=float), q, confidence=confidence)
    low, high = r.ranks
    half, law = (1 - confidence) / 2, stats.binom(n, q)
    if low > 0:
        assert law.cdf(low - 1) <= half < law.cdf(low)
    if high <= n:
        assert law.sf(high - 1) <= half < law.sf(high - 2)
    upper = law.cdf(high - 1) if high <= n else 1.0
    assert r.attained == pytest.approx(upper - law.cdf(low - 1), abs=1e-12)
    assert r.attained >= confidence


def test_published_median_interval() -> None:
    # n = 10, median: ranks 2 and 9 with confidence 1 - 2 (1 + 10) / 2^10, the textbook sign-test interval.
    r = estimate_quantile(range(10))
    assert r.ranks == (2, 9)
    assert r.attained == pytest.approx(1 - 2 * (1 + 10) / 2**10, abs=1e-12)


def test_too_few_for_a_limit() -> None:
    r = estimate_quantile([3.0, 4.0, 5.0], 0.9)
    assert r.interval.high == math.inf
    assert r.notes[0].code == "no-limit"
    one_sided = estimate_quantile(np.arange(40.0), 0.9, alternative="less")
    assert one_sided.interval.low == -math.inf
    assert one_sided.ranks[1] == 40  # .9^40 = .015 is less than .05, .9^39 + ... is not
    assert not one_sided.notes


def test_fractional_limits_against_mpmath() -> None:
    """Definition: rank r with P(Beta(r, n + 1 - r) <= q) = 1 - tail, linear between neighbours; squares combined."""
    rng = np.random.default_rng(6)
    x, x0 = np.sort(rng.exponential(3, 30)), np.sort(rng.exponential(4, 23))

    def limit(values: np.ndarray, q: float, chance: float) -> float:
        n = len(values)
        rank = float(
            mpmath.findroot(
                lambda r: mpmath.betainc(r, n + 1 - r, 0, q, regularized=True) - chance, (n * q - 1, n * q + 1)
            )
        )
        k = math.floor(rank)
        return float(values[k - 1] + (rank - k) * (values[k] - values[k - 1]))

    for q in (0.5, 0.75):
        r = compare_quantiles(x, x0, q)
        at, at0 = (float(np.quantile(v, q, method="median_unbiased")) for v in (x, x0))
        low = at - at0 - math.hypot(at - limit(x, q, 0.975), limit(x0, q, 0.025) - at0)
        high = at - at0 + math.hypot(limit(x, q, 0.025) - at, at0 - limit(x0, q, 0.975))
        assert r.values == (at, at0)
        assert (r.interval.low, r.interval.high) == pytest.approx((low, high), rel=1e-9)


@given(sample, sample, st.floats(-8, 8), st.sampled_from([0.25, 0.5, 0.9]), st.sampled_from([0.8, 0.95]))
def test_p_and_interval_agree(x: list[float], x0: list[float], null: float, q: float, confidence: float) -> None:
    for alternative in ("two-sided", "less", "greater"):
        r = compare_quantiles(x, x0, q, null=null, confidence=confidence, alternative=alternative)
        assert 0.0 <= r.pvalue <= 1.0
        tie = abs(r.pvalue - (1.0 - confidence)) < 1e-12  # the confidence is attained exactly: rounding decides
        if not tie and min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-6:
            assert (r.pvalue < 1.0 - confidence) == (null not in r.interval)


@given(sample, sample)
def test_swap_and_nesting(x: list[float], x0: list[float]) -> None:
    a, b = compare_quantiles(x, x0), compare_quantiles(x0, x)
    assert a.pvalue == pytest.approx(b.pvalue, abs=1e-9)
    assert a.interval.low == pytest.approx(-b.interval.high, abs=1e-9)
    wide = compare_quantiles(x, x0, confidence=0.99).interval
    assert wide.low <= a.interval.low + 1e-12 and a.interval.high <= wide.high + 1e-12


def test_constant_groups_get_an_honest_p_value() -> None:
    """Five and five equal values: no distribution-free method can say more than the sign count allows."""
    r = compare_quantiles([1.0] * 5, [2.0] * 5)
    assert r.estimate == -1.0
    assert 0.01 < r.pvalue < 0.15
    same = compare_quantiles([2.0] * 5, [2.0] * 5)
    assert (same.estimate, same.pvalue) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([], [1]), {}, "x: 0 values"),
        (([1, None], [1]), {}, "x: missing"),
        (([1], [1], 1.0), {}, "q: got 1"),
        (([1], [1]), {"null": "a"}, "null"),
        (([1], [1]), {"alternative": "up"}, "alternative"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_quantiles(*args, **kwargs)


def test_a_hundred_thousand_values() -> None:
    """Normal theory: half width 1.96 sqrt(pi/2 / n) for a median of standard normal values."""
    x = np.random.default_rng(2).normal(size=100_000)
    r = estimate_quantile(x)
    assert (r.interval.high - r.interval.low) / 2 == pytest.approx(1.96 * math.sqrt(math.pi / 2 / 1e5), rel=0.1)
