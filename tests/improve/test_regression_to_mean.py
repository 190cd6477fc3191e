"""Regression to the mean: scipy's negative binomial, an independent double integral, a known prior, what p promises."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.guards.regression_to_mean import predicted_after

Y = [12, 24, 15, 10, 17, 13, 9, 14]


def test_moments_prior_by_hand_and_scipy() -> None:
    # Marshall (1991): m = sum y / sum t, A = weighted variance - m / mean t; gamma shape m^2/A, rate m/A
    y, t = np.array([3, 30, 12, 9, 21.0]), np.array([2.0, 6.0, 4.0, 3.0, 5.0])
    m = y.sum() / t.sum()
    a2 = (t * (y / t - m) ** 2).sum() / t.sum() - m / t.mean()
    if a2 <= 0:
        raise AssertionError("the example must scatter more than Poisson")
    shape, rate = m * m / a2 + 30, m / a2 + 6.0
    r = predicted_after(y, t, 9, 4.0, chosen=1, prior="moments", method="exact")
    dist = stats.nbinom(shape, rate / (rate + 4.0))
    assert r.predicted == pytest.approx(dist.mean(), rel=1e-12)
    assert r.comparison.pvalue == pytest.approx(min(1, 2 * min(dist.cdf(9), dist.sf(8))), rel=1e-10)
    assert (r.prediction.low, r.prediction.high) == (dist.ppf(0.025), dist.ppf(0.975))
    assert r.shrinkage == pytest.approx((m / a2) / rate)
    for limit, tail in ((r.comparison.interval.low, "high"), (r.comparison.interval.high, "low")):
        at = stats.nbinom(shape, rate / (rate + 4.0 * limit))
        assert (at.sf(8) if tail == "high" else at.cdf(9)) == pytest.approx(0.025, rel=1e-8)


def test_integrated_prior_by_an_independent_double_integral() -> None:
    # the posterior of (shrinkage, log mean) written out and integrated by scipy's adaptive quadrature
    y, t1, seen = np.array(Y, dtype=float), 1.0, 12

    def weight(u: float, shrink: float) -> float:
        m, b = math.exp(u), shrink / (1 - shrink)
        ll = special.gammaln(m * b + y) - special.gammaln(m * b) + m * b * math.log(b / (b + 1)) - y * math.log(b + 1)
        return math.exp(float(ll.sum()) - 150.0)

    def cdf(u: float, shrink: float) -> float:
        m, b = math.exp(u), shrink / (1 - shrink)
        return float(stats.nbinom.cdf(seen, m * b + 24, (b + 1) / (b + 1 + t1)))

    options = {"epsrel": 1e-7, "epsabs": 0.0, "limit": 60}
    low, high = math.log(14.25) - 1.6, math.log(14.25) + 1.6

    def double(f) -> float:  # type: ignore[no-untyped-def]
        return integrate.quad(lambda s: integrate.quad(lambda u: f(u, s), low, high, **options)[0], 0, 1, **options)[0]

    expected = double(lambda u, s: weight(u, s) * cdf(u, s)) / double(weight)
    r = predicted_after(Y, 1000.0, seen, 1000.0, chosen=1, method="exact", alternative="less")
    assert r.comparison.pvalue == pytest.approx(expected, rel=2e-4)


def test_many_units_find_the_true_prior() -> None:
    # 3000 units from Gamma(4, rate 2): the prediction tends to the one with a = 4, b = 2
    rng = np.random.default_rng(11)
    t = rng.uniform(2.0, 6.0, 3000)
    y = rng.poisson(t * rng.gamma(4.0, 0.5, 3000))
    i = int(np.argmax(y / t))
    r = predicted_after(y, t, 12, 5.0, chosen=i)
    assert r.predicted == pytest.approx(5.0 * (4 + y[i]) / (2 + t[i]), rel=0.03)
    assert (r.mean_rate, r.spread) == (pytest.approx(2.0, rel=0.03), pytest.approx(0.5, rel=0.06))


def test_units_all_alike_are_pooled() -> None:
    r = predicted_after([10] * 12, 1.0, 10, 1.0, chosen=3, prior="moments")
    assert r.shrinkage == 1.0
    assert r.predicted == pytest.approx(10.0)
    # prior a point: the count after is Poisson
    p = stats.poisson(10.0)
    half = min(p.cdf(10) - p.pmf(10) / 2, p.sf(9) - p.pmf(10) / 2)
    assert r.comparison.pvalue == pytest.approx(min(1, 2 * half), rel=1e-12)


def test_says_what_nothing_would_have_done() -> None:
    r = predicted_after(Y, 1000, 12, 1000, chosen=1)
    assert r.expected_ratio < 0.8
    assert r.comparison.pvalue > r.naive.pvalue
    assert "regression-to-mean" in [n.code for n in r.notes]
    assert "after over predicted" in r.summary()
    assert r.to_dict()["schema"] == "qstats.regression-to-mean/1"
    # in other units of exposure, the same
    other = predicted_after(Y, 1e-3, 12, 1e-3, chosen=1)
    assert other.comparison.pvalue == pytest.approx(r.comparison.pvalue, rel=1e-10)
    assert other.mean_rate == pytest.approx(r.mean_rate * 1e6, rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=8).filter(any),
    st.integers(0, 30),
    st.sampled_from(["two-sided", "less", "greater"]),
    st.sampled_from(["integrated", "moments"]),
)
def test_p_and_interval_invert_each_other_and_nest(y: list[int], after: int, alternative: str, prior: str) -> None:
    wide, narrow = (
        predicted_after(y, 2.0, after, 1.5, chosen=0, prior=prior, alternative=alternative, confidence=c).comparison
        for c in (0.95, 0.8)
    )
    assert wide.interval.low <= narrow.interval.low + 1e-12
    assert narrow.interval.high <= wide.interval.high + 1e-12
    for c in (wide, narrow):
        alpha = 1 - c.interval.confidence
        if abs(c.pvalue - alpha) > 1e-7:
            assert (c.pvalue < alpha) == (1.0 not in c.interval)


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "says"),
    [
        (([5], 1.0, 1, 1.0), {"chosen": 0}, TooFewData, "one unit"),
        (([0, 0], 1.0, 1, 1.0), {"chosen": 0}, TooFewData, "no event"),
        (([5, 1], 1.0, 1, 1.0), {"chosen": 2}, DataError, "chosen"),
        (([5, 1], 1.0, 1, 1.0), {"chosen": True}, DataError, "chosen"),
        (([5, -1], 1.0, 1, 1.0), {"chosen": 0}, DataError, "events"),
        (([5, 1], [1.0, 0.0], 1, 1.0), {"chosen": 0}, DataError, "exposure"),
        (([5, 1], 1.0, 1.5, 1.0), {"chosen": 0}, DataError, "events_after"),
        (([5, 1], 1.0, 1, 0.0), {"chosen": 0}, DataError, "exposure_after"),
        (([5, 1], 1.0, 1, 1.0), {"chosen": 0, "prior": "ml"}, DataError, "prior"),
    ],
)
def test_bad_input(args, kwargs, error: type[Exception], says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=says):
        predicted_after(*args, **kwargs)
