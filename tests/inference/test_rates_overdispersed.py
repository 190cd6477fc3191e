"""Counts by period that scatter: Pearson's dispersion by hand, a plain maximiser of NB2, p and interval agree."""

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from qstats import compare_rates
from qstats.errors import DataError, TooFewData
from qstats.inference.negative_binomial import compare_overdispersed_rates

BEFORE = np.array([9, 2, 14, 6, 11, 3, 8, 15, 1, 7])
AFTER = np.array([4, 1, 6, 2, 0, 7, 3, 1])
T0 = np.array([60.0, 70, 90, 80, 50, 110, 85, 100, 60, 65])
T = np.array([100.0, 50, 90, 60, 30, 120, 80, 40])
MODELS = ["quasi-poisson", "negative-binomial"]


def _fit(ratio: float | None) -> tuple[float, np.ndarray]:
    """Greatest NB2 log likelihood with two rates or with their ratio fixed: scipy's distribution and simplex search."""
    y, t = np.concatenate((AFTER, BEFORE)), np.concatenate((T, T0))
    group = np.repeat([1.0, 0.0], [AFTER.size, BEFORE.size])

    def minus(v: np.ndarray) -> float:
        alpha, log_ratio = math.exp(v[0]), v[2] if ratio is None else math.log(ratio)
        mean = t * np.exp(v[1] + log_ratio * group)
        return -float(stats.nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mean)).sum())

    start = [-1.0, -2.5] + [-0.5] * (ratio is None)
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 5000, "maxfev": 5000}
    best = optimize.minimize(minus, start, method="Nelder-Mead", options=options)
    return -best.fun, best.x


def test_quasi_poisson_by_hand() -> None:
    chi2 = 0.0
    for y, t in ((AFTER, T), (BEFORE, T0)):
        rate = sum(y) / sum(t)
        chi2 += sum((a - rate * b) ** 2 / (rate * b) for a, b in zip(y, t, strict=True))
    phi, df = chi2 / 16, 16
    assert phi > 1
    r = compare_overdispersed_rates(AFTER, T, BEFORE, T0)
    plain = compare_rates(int(AFTER.sum()), T.sum(), int(BEFORE.sum()), T0.sum(), method="score")
    assert plain.statistic is not None
    z = plain.statistic / math.sqrt(phi)
    assert r.statistic == pytest.approx(z, rel=1e-12)
    assert r.pvalue == pytest.approx(2 * stats.t.sf(abs(z), df), rel=1e-10)
    assert r.df == 16
    assert r.values == pytest.approx((24 / T.sum(), 76 / T0.sum()))


@pytest.mark.parametrize("ratio", [1.0, 0.5, 1.4])
def test_negative_binomial_root_is_that_of_a_plain_maximiser(ratio: float) -> None:
    top, fit = _fit(None)
    tied, _ = _fit(ratio)
    r = compare_overdispersed_rates(AFTER, T, BEFORE, T0, model="negative-binomial", null=ratio)
    assert r.estimate == pytest.approx(math.exp(fit[2]), rel=1e-6)
    z = math.copysign(math.sqrt(2 * (top - tied)), r.estimate - ratio)
    assert r.statistic == pytest.approx(z, abs=1e-5)
    assert r.pvalue == pytest.approx(2 * stats.t.sf(abs(z), 16), abs=1e-5)
    assert float(r.method.rsplit(" ", 1)[1]) == pytest.approx(math.exp(fit[0]), rel=5e-3)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_limits_are_where_p_is_alpha(model: str, alternative: str) -> None:
    r = compare_overdispersed_rates(AFTER, T, BEFORE, T0, model=model, alternative=alternative)
    assert r.interval.low <= r.estimate <= r.interval.high
    finite = [v for v in (r.interval.low, r.interval.high) if 0 < v < math.inf]
    assert len(finite) == (2 if alternative == "two-sided" else 1)
    for limit in finite:
        again = compare_overdispersed_rates(AFTER, T, BEFORE, T0, model=model, alternative=alternative, null=limit)
        assert again.pvalue == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_swapping_and_nesting(model: str) -> None:
    a = compare_overdispersed_rates(AFTER, T, BEFORE, T0, model=model)
    b = compare_overdispersed_rates(BEFORE, T0, AFTER, T, model=model)
    assert a.pvalue == pytest.approx(b.pvalue, rel=1e-6)
    assert a.interval.low == pytest.approx(1 / b.interval.high, rel=1e-6)
    wide = compare_overdispersed_rates(AFTER, T, BEFORE, T0, model=model, confidence=0.99).interval
    assert wide.low < a.interval.low < a.interval.high < wide.high


@pytest.mark.parametrize("model", MODELS)
def test_too_little_scatter_does_not_narrow(model: str) -> None:
    even = np.array([5, 5, 6, 5, 5, 6])
    r = compare_overdispersed_rates(even, 1.0, even + 4, 1.0, model=model)
    assert "underdispersed" in [n.code for n in r.notes]
    plain = compare_rates(int(even.sum()), 6, int(even.sum()) + 24, 6, method="score")
    assert r.interval.high - r.interval.low > 0.99 * (plain.interval.high - plain.interval.low)


def test_poisson_likelihood_at_no_scatter() -> None:
    # signed root of the Poisson likelihood ratio, from its closed form
    even, even0 = np.array([5, 5, 6, 5, 5, 6]), np.array([9, 9, 10, 9, 9, 10])
    r = compare_overdispersed_rates(even, 1.0, even0, 1.0, model="negative-binomial")
    y, y0 = 32, 56
    root = math.sqrt(2 * (y * math.log(y / 44) + y0 * math.log(y0 / 44)))
    assert r.statistic == pytest.approx(-root, rel=1e-9)
    assert r.estimate == pytest.approx(32 / 56, rel=1e-12)


def test_few_periods_are_noted() -> None:
    r = compare_overdispersed_rates([4, 9, 1], 1, [12, 3, 20], 1, model="negative-binomial")
    assert "few-periods" in [n.code for n in r.notes]


def test_no_event() -> None:
    for model in MODELS:
        r = compare_overdispersed_rates([0, 0], 1, [0, 0], 1, model=model)
        assert math.isnan(r.estimate)
        assert (r.pvalue, r.interval.low, r.interval.high) == (1.0, 0.0, math.inf)
    r = compare_overdispersed_rates([0, 0, 0], 1, BEFORE, 1)
    assert 0.0 == r.interval.low < r.interval.high < math.inf
    assert r.df == 9  # a phase without events tells nothing of scatter
    with pytest.raises(DataError, match="no event in one group"):
        compare_overdispersed_rates([0, 0, 0], 1, BEFORE, 1, model="negative-binomial")


def test_large_counts_and_the_difference() -> None:
    rng = np.random.default_rng(3)
    y, y0 = rng.negative_binomial(5, 5 / (5 + 20_000), 12), rng.negative_binomial(5, 5 / (5 + 30_000), 12)
    r = compare_overdispersed_rates(y, 10.0, y0, 10.0, model="negative-binomial")
    assert r.interval.low < r.estimate < r.interval.high
    # equal exposures: the rates of greatest likelihood are the plain ones whatever alpha (Lawless 1987)
    assert r.estimate == pytest.approx(y.sum() / y0.sum(), rel=1e-9)
    d = compare_overdispersed_rates(y, 10.0, y0, 10.0, effect="rate_difference")
    assert d.estimate == pytest.approx((y.sum() - y0.sum()) / 120)
    assert (d.pvalue < 0.05) == (0.0 not in d.interval)


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "says"),
    [
        (([3], 1, [4], 1), {}, TooFewData, "one period in each"),
        (([3, 4], [1, 2, 3], [4, 4], 1), {}, DataError, "exposure: 3 values"),
        (([3, 4], 1, [4, -4], 1), {}, DataError, "counts0: -4"),
        (([3, 4], 1, [4, 4], [0, 1]), {}, DataError, "exposure0"),
        (([3, 4], 1, [4, 4], 1), {"model": "poisson"}, DataError, "model: got 'poisson'"),
        (
            ([3, 4], 1, [4, 4], 1),
            {"model": "negative-binomial", "effect": "rate_difference"},
            DataError,
            "compares by the ratio",
        ),
        (([3, 4], 1, [4, 4], 1), {"null": 0.0, "model": "negative-binomial"}, DataError, "null"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        compare_overdispersed_rates(*args, **kwargs)


def test_statsmodels_agrees() -> None:
    y = np.concatenate((AFTER, BEFORE))
    x = np.column_stack((np.ones(18), np.repeat([1.0, 0.0], [8, 10])))
    full = sm.NegativeBinomial(y, x, exposure=np.full(18, 100.0)).fit(disp=0)
    tied = sm.NegativeBinomial(y, x[:, :1], exposure=np.full(18, 100.0)).fit(disp=0)
    r = compare_overdispersed_rates(AFTER, 100, BEFORE, 100, model="negative-binomial")
    assert r.estimate == pytest.approx(float(np.exp(full.params[1])), rel=1e-5)
    assert r.statistic == pytest.approx(-math.sqrt(2 * (full.llf - tied.llf)), rel=1e-5)
