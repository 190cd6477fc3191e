"""Many rates in one call, one rate with its interval: R, mpmath, plain loops; p and limits invert to ten digits."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from qstats import compare_rates
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.estimate import Estimate, Estimates
from qstats.inference.rate_estimates import estimate_rate
from qstats.inference.rate_kernels import conditional_odds, poisson_limits
from qstats.inference.rates import rate_pvalues

CASES = {
    c["id"]: c
    for c in json.loads(
        (Path(__file__).parents[1] / "reference" / "rates_proportions.json").read_text(encoding="utf-8")
    )["cases"]
}
METHODS = ["midp", "exact", "score"]


def _rows(rng: np.random.Generator, m: int, mean: float) -> tuple[np.ndarray, ...]:
    level = rng.gamma(1.5, mean / 1.5, m)
    return rng.poisson(level), rng.uniform(0.3, 3, m), rng.poisson(level), rng.uniform(0.3, 3, m)


def _binomial_p(y: int, t: float, y0: int, t0: float, weight: float, null: float, alternative: str) -> float:
    """The definition, by sums of probabilities."""
    n, pi = y + y0, null * t / (null * t + t0)
    chance = [math.comb(n, k) * pi**k * (1 - pi) ** (n - k) for k in range(n + 1)]
    less = sum(chance[:y]) + weight * chance[y]
    more = sum(chance[y + 1 :]) + weight * chance[y]
    return {"less": less, "greater": more}.get(alternative, min(1.0, 2 * min(less, more)))


@pytest.mark.parametrize("method", ["midp", "exact"])
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_pvalues_are_the_sums_of_the_definition(method: str, alternative: str) -> None:
    y, t, y0, t0 = _rows(np.random.default_rng(1), 60, 6.0)
    p = rate_pvalues(y, t, y0, t0, method=method, null=1.3, alternative=alternative)
    weight = 0.5 if method == "midp" else 1.0
    for i in range(60):
        if y[i] + y0[i]:
            expected = _binomial_p(int(y[i]), t[i], int(y0[i]), t0[i], weight, 1.3, alternative)
            assert p[i] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("effect", ["rate_ratio", "rate_difference"])
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_a_column_is_its_rows(method: str, effect: str, alternative: str) -> None:
    y, t, y0, t0 = _rows(np.random.default_rng(2), 40, 3.0)
    many = compare_rates(y, t, y0, t0, method=method, effect=effect, alternative=alternative)
    assert isinstance(many, Comparisons)
    for i in range(40):
        one = compare_rates(int(y[i]), t[i], int(y0[i]), t0[i], method=method, effect=effect, alternative=alternative)
        assert isinstance(one, Comparison)
        assert many.pvalue[i] == pytest.approx(one.pvalue, rel=1e-13)
        assert many.estimate[i] == pytest.approx(one.estimate, rel=1e-15, nan_ok=True)
        # the difference is bracketed to the last bits of its scale
        tolerance = {"rel": 1e-12, "abs": 1e-13}
        assert many.interval.low[i] == pytest.approx(one.interval.low, **tolerance)
        assert many.interval.high[i] == pytest.approx(one.interval.high, **tolerance)


@pytest.mark.parametrize("method", ["midp", "exact"])
@pytest.mark.parametrize("mean", [2.0, 30.0, 1000.0])
def test_limits_invert_the_pvalue_to_ten_digits(method: str, mean: float) -> None:
    y, t, y0, t0 = _rows(np.random.default_rng(3), 4000, mean)
    r = compare_rates(y, t, y0, t0, method=method, confidence=0.9)
    for limit, alternative in ((r.interval.low, "greater"), (r.interval.high, "less")):
        some = np.flatnonzero((limit > 0) & np.isfinite(limit))
        assert some.size > 1000
        for i in some[:: max(1, some.size // 50)]:
            columns = int(y[i]), float(t[i]), int(y0[i]), float(t0[i])
            p = compare_rates(*columns, method=method, null=float(limit[i]), alternative=alternative).pvalue
            assert p == pytest.approx(0.05, rel=1e-10)


def test_repeated_pairs_get_what_single_ones_get() -> None:
    # few different small pairs, many rows: each pair is solved once and looked up
    rng = np.random.default_rng(4)
    y, y0 = rng.poisson(4.0, 50_000), rng.poisson(5.0, 50_000)
    many = compare_rates(y, 2.0, y0, 3.0)
    few = compare_rates(y[:500], 2.0, y0[:500], 3.0)
    np.testing.assert_allclose(many.interval.low[:500], few.interval.low, rtol=1e-12)
    np.testing.assert_allclose(many.interval.high[:500], few.interval.high, rtol=1e-12)


@pytest.mark.parametrize("weight", [1.0, 0.5])
@pytest.mark.parametrize(("k", "n"), [(1, 2), (3, 1_000_000_000), (999_999_997, 1_000_000_000), (40, 60), (1, 10**12)])
@pytest.mark.parametrize("error", [0.025, 1e-9])
def test_odds_limits_against_mpmath(weight: float, k: int, n: int, error: float) -> None:
    low, high = (
        float(v[0]) for v in conditional_odds(np.array([float(k)]), np.array([float(n)]), error, error, weight)
    )
    mpmath.mp.dps = 40

    def upper(k: int, odds: mpmath.mpf) -> mpmath.mpf:
        q = 1 / (1 + odds)  # the smaller complement: fewer terms to lose
        p = odds / (1 + odds)
        # the shorter of the two sums of binomial probabilities
        if k <= n - k:
            chance, total = (1 - p) ** n, mpmath.mpf(0)
            for j in range(k):
                total += chance
                chance *= p / q * (n - j) / (j + 1)
            return 1 - total
        chance, total = p**n, mpmath.mpf(0)
        for j in range(n, k - 1, -1):
            total += chance
            chance *= q / p * j / (n - j + 1)
        return total

    for limit, tail in (
        (low, lambda w: weight * upper(k, w) + (1 - weight) * upper(k + 1, w)),
        (high, lambda w: 1 - (1 - weight) * upper(k, w) - weight * upper(k + 1, w)),
    ):
        w = mpmath.mpf(limit)
        slope = (tail(w * (1 + mpmath.mpf(10) ** -12)) - tail(w)) / mpmath.mpf(10) ** -12
        assert abs((tail(w) - error) / slope) < 2e-9  # relative error of the odds: betainc itself at n = 1e9


@pytest.mark.parametrize(
    ("error", "weight"), [(0.6, 0.5), (0.6, 1.0), (0.5, 0.5)]
)  # confidence under one half, one-sided: a limit beyond the estimate
def test_bounds_at_low_confidence_nest(error: float, weight: float) -> None:
    k, n = np.array([0.0, 1.0, 4.0, 5.0]), np.full(4, 5.0)
    low, _ = conditional_odds(k, n, error, 0.0, weight)
    usual, _ = conditional_odds(k, n, 0.2, 0.0, weight)
    assert (low >= usual).all()
    # half the probability of 0 is left out of its own tail: 0.5 + 0.5 (1 - (1 - p)**5) = 0.6
    assert low[0] == pytest.approx(1 / 0.8**0.2 - 1 if error > weight else 0.0, rel=1e-12)


def test_rows_without_events_are_counted() -> None:
    r = compare_rates([0, 3, 0], 10.0, [0, 0, 2], 10.0)
    assert np.isnan(r.estimate[0])
    assert (r.interval.low[0], r.interval.high[0], r.pvalue[0]) == (0.0, math.inf, 1.0)
    assert [n.code for n in r.notes] == ["no-information", "zero-reference"]
    assert "1 of 3" in r.notes[0].message
    assert np.isfinite(r.pvalue).all()
    d = compare_rates([0, 3], 10.0, [0, 0], 10.0, effect="rate_difference")
    assert d.pvalue[0] == 1.0
    assert d.interval.low[0] < 0.0 < d.interval.high[0]
    for method in METHODS:
        assert rate_pvalues(0, 1.0, 0, 1.0, method=method, alternative="less")[0] == 1.0


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.floats(0.01, 100),
    st.integers(0, 40),
    st.sampled_from(METHODS),
    st.sampled_from(["two-sided", "less", "greater"]),
    st.floats(0.2, 5.0),
)
@settings(max_examples=60)
def test_p_below_alpha_iff_null_outside(
    y: list[int], t: float, y0: int, method: str, alternative: str, null: float
) -> None:
    r = compare_rates(y, t, y0, 1.0, method=method, alternative=alternative, null=null)
    clear = np.abs(r.pvalue - 0.05) > 1e-9
    assert ((r.pvalue < 0.05) == ~r.interval.contain(null))[clear].all()
    assert ((r.pvalue >= 0) & (r.pvalue <= 1)).all()


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.1, 10), st.sampled_from(METHODS), st.floats(0.05, 20))
@settings(max_examples=60)
def test_swapping_the_groups(y: int, y0: int, t: float, method: str, null: float) -> None:
    a = rate_pvalues(y, t, y0, 1.0, method=method, null=null, alternative="less")[0]
    b = rate_pvalues(y0, 1.0, y, t, method=method, null=1.0 / null, alternative="greater")[0]
    assert a == pytest.approx(b, rel=1e-9)


def test_tiny_pvalues_keep_their_digits() -> None:
    # 5 in 1e6 against 60 in 1: mpmath sum of 6 terms of the binomial
    mpmath.mp.dps = 30
    pi = mpmath.mpf(1) / (1 + mpmath.mpf("1e6"))
    expected = sum(mpmath.binomial(65, k) * (1 - pi) ** k * pi ** (65 - k) for k in range(6))
    p = rate_pvalues(5, 1e6, 60, 1.0, method="exact", alternative="less")[0]
    assert p == pytest.approx(float(expected), rel=1e-12)
    assert p < 1e-300


def test_rate_difference_where_exposures_are_far_apart() -> None:
    for scale in (1e-9, 1.0, 1e12):
        r = compare_rates(12, 100 * scale, 30, 120 * scale, effect="rate_difference")
        plain = compare_rates(12, 100, 30, 120, effect="rate_difference")
        assert r.interval.low * scale == pytest.approx(plain.interval.low, rel=1e-10)
        assert r.pvalue == pytest.approx(plain.pvalue, rel=1e-10)


@pytest.mark.parametrize("case", ["rates1-1", "rates1-2", "rates1-3", "rates1-6"])
def test_one_rate_equals_r(case: str) -> None:
    # R 4.2.2: exactci 1.4.5 poisson.exact(tsmethod="central"), DescTools 0.99.59 PoissonCI(method="score")
    c = CASES[case]
    x, t = c["inputs"]["x"], c["inputs"]["t"]
    r = estimate_rate(x, t, method="exact")
    assert isinstance(r, Estimate)
    assert (r.interval.low, r.interval.high) == pytest.approx(c["expected"]["central"][1:], rel=1e-10)
    table = c["expected"]["ci"]
    r = estimate_rate(x, t, method="score")
    score = table["values"][table["rownames"].index("score")]
    assert (r.interval.low, r.interval.high) == pytest.approx(score, rel=1e-10)


@given(st.integers(0, 3000), st.sampled_from([0.025, 0.1, 1e-6]))
def test_one_rate_midp_solves_its_definition(y: int, error: float) -> None:
    low, high = (float(v[0]) for v in poisson_limits(np.array([float(y)]), error, error, 0.5))
    own = stats.poisson.pmf(y, high)
    assert stats.poisson.cdf(y, high) - 0.5 * own == pytest.approx(error, rel=1e-9)
    if y:
        assert stats.poisson.sf(y - 1, low) - 0.5 * stats.poisson.pmf(y, low) == pytest.approx(error, rel=1e-9)
    else:
        assert low == 0.0


def test_one_rate_many_and_one_sided() -> None:
    y = np.array([0, 1, 25, 160])
    for method in METHODS:
        many = estimate_rate(y, 20.0, method=method, alternative="less", confidence=0.975)
        both = estimate_rate(y, 20.0, method=method)
        assert isinstance(many, Estimates) and isinstance(both, Estimates)
        np.testing.assert_allclose(many.interval.high, both.interval.high, rtol=1e-12)
        assert (many.interval.low == 0.0).all()
        lower = estimate_rate(y, 20.0, method=method, alternative="greater", confidence=0.975)
        np.testing.assert_allclose(lower.interval.low, both.interval.low, rtol=1e-12)
        assert np.isinf(lower.interval.high).all()
    # rule of three: 1 - 0.05**(1/n) for a Poisson mean is -log(0.05)
    assert estimate_rate(0, 1, method="exact", alternative="less").interval.high == pytest.approx(-math.log(0.05))


def test_one_rate_with_scatter() -> None:
    # (y - mu)**2 = t**2 phi mu with Student's t on 9 degrees of freedom
    r = estimate_rate(100, 1, method="score", dispersion=3.0, df=9)
    q = float(stats.t.ppf(0.975, 9))
    for limit in (r.interval.low, r.interval.high):
        assert (100 - limit) ** 2 == pytest.approx(q * q * 3.0 * limit, rel=1e-9)


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "says"),
    [
        (([1, 2], [1.0, 2.0, 3.0], 1, 1), {}, DataError, "2 values came, exposure has 3"),
        (([1, -2], 1, 1, 1), {}, DataError, "events: -2.0 at position 1"),
        (([1, 2.5], 1, 1, 1), {}, DataError, "events: 2.5 at position 1"),
        (([1, 2], [1, 0], 1, 1), {}, DataError, "exposure: 0.0 at position 1"),
        (([1, None], 1, 1, 1), {}, DataError, "events: missing"),
        (([], 1, 1, 1), {}, TooFewData, "events: 0 values"),
        ((["a"], 1, 1, 1), {}, DataError, "events"),
        (([[1]], 1, 1, 1), {}, DataError, "dimensions"),
        ((None, 1, 1, 1), {}, DataError, "events: got None"),
        (([1], 1, 1, float("inf")), {}, DataError, "exposure0"),
        ((1, 1, 1, 1), {"df": 0.5, "method": "score"}, DataError, "df"),
        ((1, 1, 1, 1), {"alternative": "both"}, DataError, "alternative"),
    ],
)
def test_bad_columns(args: tuple[Any, ...], kwargs: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        compare_rates(*args, **kwargs)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((-1, 1), {}, "events"),
        ((1, 0), {}, "exposure"),
        ((1, 1), {"method": "wald"}, "method"),
        ((1, 1), {"dispersion": 2.0}, "only method='score'"),
        ((1, 1), {"alternative": "up"}, "alternative"),
    ],
)
def test_bad_single_rate(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        estimate_rate(*args, **kwargs)


def test_ratio_of_rate_ratios_refuses_what_is_no_pair() -> None:
    from qstats import ratio_of_rate_ratios

    with pytest.raises(DataError, match="after: got 3; a pair"):
        ratio_of_rate_ratios(3, (1, 1), (1, 1), (1, 1))  # type: ignore[arg-type]


def _wide(rng: np.random.Generator, m: int) -> np.ndarray:
    """Counts from 0 to 1e9."""
    return np.floor(10 ** rng.uniform(-0.5, 9, m)) * (rng.random(m) > 0.15)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("confidence", [0.3, 0.95, 0.999999])
def test_wild_counts_and_exposures_never_contradict(method: str, alternative: str, confidence: float) -> None:
    rng = np.random.default_rng(7)
    m = 400
    y, y0 = _wide(rng, m), _wide(rng, m)
    t, t0 = 10 ** rng.uniform(-8, 8, (2, m))
    for null in (0.01, 1.0):
        r = compare_rates(y, t, y0, t0, method=method, alternative=alternative, confidence=confidence, null=null)
        assert not np.isnan(r.interval.low).any()
        assert not np.isnan(r.interval.high).any()
        clear = np.abs(r.pvalue - (1 - confidence)) > 1e-9
        some = y + y0 > 0
        outside = (r.interval.low > null) | (r.interval.high < null)
        assert (outside == (r.pvalue < 1 - confidence))[clear & some].all()


def test_exposures_too_far_out_are_refused() -> None:
    with pytest.raises(DataError, match="exposure0: 1e-60"):
        compare_rates(1, 1, 1, 1e-60)
    low, high = (compare_rates(3, 1e49, 2, 1e-49, method=m).interval for m in ("midp", "exact"))
    assert 0 < high.low < low.low < 3e-98 < low.high < high.high < math.inf


@pytest.mark.parametrize("method", METHODS)
def test_many_rates_with_repeated_counts(method: str) -> None:
    y = np.random.default_rng(8).poisson(5.0, 20_000)
    t = np.linspace(1.0, 2.0, y.size)
    many, few = estimate_rate(y, t, method=method), estimate_rate(y[:300], t[:300], method=method)
    assert isinstance(many, Estimates) and isinstance(few, Estimates)
    np.testing.assert_allclose(many.interval.low[:300], few.interval.low, rtol=1e-12)
    np.testing.assert_allclose(many.interval.high[:300], few.interval.high, rtol=1e-12)


@pytest.mark.parametrize(("method", "weight"), [("midp", 0.5), ("exact", 1.0)])
def test_near_the_centre_the_smaller_tail_counts(method: str, weight: float) -> None:
    # The smaller mid-p tail need not be on the side of the smaller rate: both tails by scipy's binomial.
    rng = np.random.default_rng(5)
    y, y0 = rng.poisson(4, 2000).astype(float), rng.poisson(4, 2000).astype(float)
    t, t0 = rng.uniform(0.5, 2.0, 2000), rng.uniform(0.5, 2.0, 2000)
    t[::2], t0[::2] = np.maximum(y, 1)[::2], np.maximum(y0, 1)[::2]  # equal rates
    n, p = y + y0, t / (t + t0)
    own = (1.0 - weight) * stats.binom.pmf(y, n, p)
    tails = np.minimum(stats.binom.sf(y - 1, n, p) - own, stats.binom.cdf(y, n, p) - own)
    wanted = np.where(n > 0, np.minimum(1.0, 2.0 * tails), 1.0)
    got = rate_pvalues(y, t, y0, t0, method=method)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got, rate_pvalues(y0, t0, y, t, method=method), rtol=1e-9)


def _slow_tail(k: np.ndarray, m: np.ndarray, odds: np.ndarray, weight: float) -> np.ndarray:
    """The tail of k or more by two incomplete beta functions, from the end where p is small."""
    p, q = 1 / (1 + 1 / odds), 1 / (1 + odds)
    whole = np.where(k > 0, special.betainc(np.maximum(k, 1), m + 1, p), 1.0)
    rest = np.where(m > 0, special.betainc(k + 1, np.maximum(m, 1), p), 0.0)
    near = p > 0.99
    whole = np.where(near & (k > 0), special.betaincc(m + 1, np.maximum(k, 1), q), whole)
    rest = np.where(near & (m > 0), special.betaincc(np.maximum(m, 1), k + 1, q), rest)
    return np.asarray(weight * whole + (1 - weight) * rest)


MEANS = [(5.0, 5.0), (20.0, 20.0), (50.0, 50.0), (200.0, 200.0), (2000.0, 2000.0), (5.0, 2000.0), (20_000.0, 30.0)]


@pytest.mark.parametrize(("method", "weight"), [("midp", 0.5), ("exact", 1.0)])
@pytest.mark.parametrize(("mean", "mean0"), MEANS)
def test_any_mean_gets_the_digits_of_the_incomplete_beta_function(
    method: str, weight: float, mean: float, mean0: float
) -> None:
    # 20,000 rows: tables of repeated pairs and the expansion for large counts are both in use
    rng = np.random.default_rng(41)
    y, y0 = rng.poisson(mean, 20_000).astype(float), rng.poisson(mean0, 20_000).astype(float)
    t, t0 = rng.uniform(0.5, 2.0, (2, y.size))
    t0 = t0 * mean0 / mean
    r = compare_rates(y, t, y0, t0, method=method)
    less = compare_rates(y, t, y0, t0, method=method, alternative="less")
    odds = t / t0
    up, down = _slow_tail(y, y0, odds, weight), _slow_tail(y0, y, 1 / odds, weight)
    some = y + y0 > 0
    # below 1e-307 float64 has fewer digits: two units of its last place
    np.testing.assert_allclose(r.pvalue[some], np.minimum(1, 2 * np.minimum(up, down))[some], rtol=6e-11, atol=1e-322)
    np.testing.assert_allclose(less.pvalue[some], down[some], rtol=6e-11, atol=1e-322)
    low, high = r.interval.low * odds, r.interval.high * odds
    some = low > 0
    np.testing.assert_allclose(_slow_tail(y[some], y0[some], low[some], weight), 0.025, rtol=2e-10)
    some = np.isfinite(high)
    np.testing.assert_allclose(_slow_tail(y0[some], y[some], 1 / high[some], weight), 0.025, rtol=2e-10)
    if method == "exact":
        some = y > 0
        pi = special.betaincinv(y[some], y0[some] + 1, 0.025)
        np.testing.assert_allclose(low[some], pi / (1 - pi), rtol=1e-9)


@pytest.mark.parametrize(("mean", "mean0"), MEANS[-3:])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9999999])
def test_a_long_column_is_its_rows_at_any_mean(mean: float, mean0: float, confidence: float) -> None:
    rng = np.random.default_rng(42)
    y, y0 = rng.poisson(mean, 20_000), rng.poisson(mean0, 20_000)
    many, few = (compare_rates(y[:m], 1.0, y0[:m], mean0 / mean, confidence=confidence) for m in (y.size, 40))
    assert isinstance(many, Comparisons) and isinstance(few, Comparisons)
    # a few rows go by the incomplete beta function, whatever their counts
    np.testing.assert_allclose(many.pvalue[:40], few.pvalue, rtol=6e-11)
    np.testing.assert_allclose(many.interval.low[:40], few.interval.low, rtol=6e-11)
    np.testing.assert_allclose(many.interval.high[:40], few.interval.high, rtol=6e-11)
    # and a row does not depend on its place in a long column
    turned = compare_rates(y[::-1], 1.0, y0[::-1], mean0 / mean, confidence=confidence)
    assert isinstance(turned, Comparisons)
    np.testing.assert_allclose(turned.pvalue[::-1], many.pvalue, rtol=1e-13)
    np.testing.assert_allclose(turned.interval.low[::-1], many.interval.low, rtol=1e-13)


@pytest.mark.parametrize("method", ["midp", "exact"])
@pytest.mark.parametrize("t", [0.3, 1.0, 4.0])
def test_limits_rise_with_the_count_and_nest_across_the_change_of_method(method: str, t: float) -> None:
    # all pairs of counts to 60: the expansion takes over where both reach 20
    y, y0 = (v.ravel() for v in np.meshgrid(np.arange(61), np.arange(61), indexing="ij"))
    found = [compare_rates(y, t, y0, 1.0, method=method, confidence=c).interval for c in (0.5, 0.9, 0.99, 0.9999)]
    for inner, outer in itertools.pairwise(found):
        assert (outer.low <= inner.low).all()
        assert (outer.high >= inner.high).all()
    for interval in found:
        low, high = (np.asarray(v).reshape(61, 61) for v in (interval.low, interval.high))
        assert (low[1:] >= low[:-1]).all() and (low[:, 1:] <= low[:, :-1]).all()
        assert (high[1:, 1:] >= high[:-1, 1:]).all() and (high[1:, 1:] <= high[1:, :-1]).all()
        assert low[20, 20] > low[19, 20] > 0.0
