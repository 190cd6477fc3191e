"""Counts, proportions and gamma responses: against statsmodels, exact solutions and plain definitions."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.fitting.kernels.families import fit_glm
from qstats.doe.fitting.kernels.likelihoods import gamma_shape
from qstats.doe.fitting.kernels.separation import escape
from qstats.errors import DataError, DesignError, TooFewData

CUBE = np.array(list(itertools.product([-1.0, 1.0], repeat=5)))
X = np.column_stack([np.ones(32), CUBE, CUBE[:, 0] * CUBE[:, 1]])
ETA = X @ np.array([1.5, 0.3, -0.2, 0.0, 0.1, 0.0, 0.2])
RNG = np.random.default_rng(20261122)
EXPOSURE = RNG.uniform(0.5, 2.0, 32)
COUNTS = RNG.poisson(EXPOSURE * np.exp(ETA)).astype(float)
TRIALS = RNG.integers(5, 20, 32).astype(float)
PASSED = RNG.binomial(TRIALS.astype(int), 1.0 / (1.0 + np.exp(1.5 - ETA))).astype(float)
TIMES = RNG.gamma(5.0, np.exp(ETA) / 5.0)
CLUSTERED = RNG.negative_binomial(2, 2.0 / (2.0 + 3.0 * EXPOSURE * np.exp(ETA))).astype(float)


def errors(fit: Any) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def same_as_statsmodels(fit: Any, model: Any, rtol: float = 1e-8) -> None:
    np.testing.assert_allclose(fit.coefficients, model.params, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(errors(fit), model.bse, rtol=rtol)
    np.testing.assert_allclose(fit.residuals, model.resid_deviance, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(fit.leverage, model.get_hat_matrix_diag(observed=False), rtol=1e-6)
    assert fit.extra["deviance"] == pytest.approx(model.deviance, rel=1e-9)
    assert fit.extra["pearson"] == pytest.approx(model.pearson_chi2, rel=1e-7)


def test_poisson_with_exposure() -> None:
    fit = fit_glm(X, COUNTS, distribution="poisson", size=EXPOSURE)
    model = sm.GLM(COUNTS, X, family=sm.families.Poisson(), exposure=EXPOSURE).fit(tol=1e-14)
    same_as_statsmodels(fit, model)
    np.testing.assert_allclose(fit.mean, model.mu, rtol=1e-9)
    assert fit.log_likelihood == pytest.approx(model.llf, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(scipy.stats.poisson.logpmf(COUNTS, fit.mean).sum(), rel=1e-12)
    assert fit.parameters == 7 and fit.sigma == 1.0 and math.isinf(fit.df)
    assert fit.notes == ()


@pytest.mark.parametrize(
    ("link", "other"),
    [
        (None, sm.families.links.Logit()),
        ("probit", sm.families.links.Probit()),
        ("cloglog", sm.families.links.CLogLog()),
    ],
)
def test_binomial_in_every_link(link: str | None, other: Any) -> None:
    fit = fit_glm(X, PASSED, distribution="binomial", size=TRIALS, link=link)
    both = np.column_stack([PASSED, TRIALS - PASSED])
    model = sm.GLM(both, X, family=sm.families.Binomial(other)).fit(tol=1e-15, maxiter=300)
    same_as_statsmodels(fit, model, 1e-7)
    np.testing.assert_allclose(fit.mean, TRIALS * model.mu, rtol=1e-7)
    assert fit.log_likelihood == pytest.approx(scipy.stats.binom.logpmf(PASSED, TRIALS, fit.mean / TRIALS).sum())


def test_gamma_with_pearson_dispersion_and_its_shape() -> None:
    fit = fit_glm(X, TIMES, distribution="gamma")
    model = sm.GLM(TIMES, X, family=sm.families.Gamma(sm.families.links.Log())).fit(tol=1e-15, scale="X2")
    np.testing.assert_allclose(fit.coefficients, model.params, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(errors(fit), model.bse, rtol=1e-9)
    np.testing.assert_allclose(fit.standard_errors(np.eye(7)), model.bse, rtol=1e-9)
    assert fit.sigma**2 == pytest.approx(model.scale) and fit.df == 25.0 and fit.parameters == 8
    k = fit.extra["shape"]

    def minus(shape: float) -> float:
        return -float(scipy.stats.gamma.logpdf(TIMES, shape, scale=fit.mean / shape).sum())

    best = scipy.optimize.minimize_scalar(minus, bounds=(0.5 * k, 2.0 * k), method="bounded", options={"xatol": 1e-9})
    assert k == pytest.approx(best.x, rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-12)


@given(st.floats(1e-9, 1e4))
def test_gamma_shape_solves_its_equation(deviance: float) -> None:
    k = gamma_shape(deviance, 10)
    # log k - digamma(k) -> 1 / (2 k) + 1 / (12 k^2) for large k, where the difference itself has lost its digits
    left = 1 / (2 * k) + 1 / (12 * k**2) if k > 1e3 else math.log(k) - scipy.special.digamma(k)
    assert left == pytest.approx(deviance / 20.0, rel=1e-6)


def test_negative_binomial_is_the_joint_maximum() -> None:
    fit = fit_glm(X, CLUSTERED, distribution="negative binomial", size=EXPOSURE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = sm.NegativeBinomial(CLUSTERED, X, exposure=EXPOSURE).fit(disp=0, maxiter=500, gtol=1e-10)
    np.testing.assert_allclose(fit.coefficients, model.params[:-1], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(errors(fit), model.bse[:-1], rtol=1e-6)
    theta = fit.extra["theta"]
    assert theta == pytest.approx(1.0 / model.params[-1], rel=1e-6)
    assert fit.log_likelihood == pytest.approx(model.llf, rel=1e-10)
    exact = scipy.stats.nbinom.logpmf(CLUSTERED, theta, theta / (theta + fit.mean)).sum()
    assert fit.log_likelihood == pytest.approx(exact, rel=1e-10)
    assert fit.parameters == 8


def test_negative_binomial_of_one_mean_against_a_search() -> None:
    y = np.array([0, 3, 1, 14, 2, 0, 7, 22, 1, 4], dtype=float)
    fit = fit_glm(np.ones((10, 1)), y, distribution="negative binomial")
    assert np.exp(fit.coefficients[0]) == pytest.approx(y.mean())  # its score is that of the mean, whatever theta

    def minus(log_theta: float) -> float:
        theta = math.exp(log_theta)
        return -float(scipy.stats.nbinom.logpmf(y, theta, theta / (theta + y.mean())).sum())

    best = scipy.optimize.minimize_scalar(minus, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
    assert math.log(fit.extra["theta"]) == pytest.approx(best.x, abs=1e-6)


def test_counts_without_extra_scatter_come_back_as_poisson() -> None:
    x, y = np.ones((6, 1)), [4, 5, 5, 6, 4, 5]
    fit = fit_glm(x, y, distribution="negative binomial")
    plain = fit_glm(x, y, distribution="poisson")
    assert [n.code for n in fit.notes] == ["not-overdispersed"]
    assert "theta" not in fit.extra and fit.log_likelihood == plain.log_likelihood
    np.testing.assert_array_equal(fit.covariance, plain.covariance)


def test_overdispersed_counts_are_noted_and_the_negative_binomial_is_wider() -> None:
    poisson = fit_glm(X, CLUSTERED, distribution="poisson", size=EXPOSURE)
    assert [n.code for n in poisson.notes] == ["overdispersion"]
    assert "negative binomial" in poisson.notes[0].message
    wide = fit_glm(X, CLUSTERED, distribution="negative binomial", size=EXPOSURE)
    assert wide.notes == () and (errors(wide) > errors(poisson)).all()
    shares = RNG.beta(1.0, 1.0, 32)
    binomial = fit_glm(np.ones((32, 1)), RNG.binomial(20, shares), distribution="binomial", size=20)
    assert [n.code for n in binomial.notes] == ["overdispersion"]
    yes_no = fit_glm(np.ones((32, 1)), np.arange(32) % 2, distribution="binomial")  # says nothing of scatter
    assert yes_no.notes == ()


# ------------------------------------------------------------------ separation


def firth_by_search(x: np.ndarray, loglik: Any, weight: Any) -> np.ndarray:
    """Maximum of log likelihood + log |X'WX| / 2, with scipy."""

    def minus(b: np.ndarray) -> float:
        eta = np.clip(x @ b, -50.0, 50.0)
        return -float(loglik(eta) + 0.5 * np.linalg.slogdet((x * weight(eta)[:, None]).T @ x)[1])

    start = np.zeros(x.shape[1])
    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 20_000, "maxfev": 20_000}
    best = scipy.optimize.minimize(minus, start, method="Nelder-Mead", options=options)
    return np.asarray(scipy.optimize.minimize(minus, best.x, method="Nelder-Mead", options=options).x)


def test_separated_proportions_get_firths_fit() -> None:
    x = np.column_stack([np.ones(8), np.repeat([-1.0, 1.0], 4), np.tile([-1.0, 1.0], 4)])
    y, m = np.array([0, 0, 0, 0, 3, 5, 2, 4.0]), np.full(8, 6.0)
    fit = fit_glm(x, y, distribution="binomial", size=m)
    assert [n.code for n in fit.notes][:1] == ["separation"]
    for remedy in ("collect more", "drop the term", "Firth"):
        assert remedy in fit.notes[0].message
    want = firth_by_search(
        x,
        lambda eta: (y * eta - m * np.logaddexp(0.0, eta)).sum(),
        lambda eta: m * np.exp(-np.logaddexp(0.0, eta) - np.logaddexp(0.0, -eta)),
    )
    np.testing.assert_allclose(fit.coefficients, want, atol=1e-5)
    p = 1.0 / (1.0 + np.exp(-x @ fit.coefficients))
    np.testing.assert_allclose(fit.covariance, np.linalg.inv((x * (m * p * (1 - p))[:, None]).T @ x), rtol=1e-8)
    assert fit.extra["reduced"] == 1.0
    assert fit.log_likelihood == pytest.approx(scipy.stats.binom.logpmf(y, m, p).sum())
    # the top of the likelihood: the low half is fitted perfectly, the high half is a logistic fit of its own
    high = fit_glm(x[4:, [0, 2]], y[4:], distribution="binomial", size=6)
    assert fit.extra["supremum"] == pytest.approx(high.log_likelihood, abs=1e-8)


def test_separated_counts_get_firths_fit() -> None:
    x = np.column_stack([np.ones(8), np.repeat([-1.0, 1.0], 4), np.tile([-1.0, 1.0], 4)])
    y, t = np.array([0, 0, 0, 0, 3, 5, 2, 9.0]), np.array([1, 2, 1, 2, 3, 1, 1, 1.0])
    fit = fit_glm(x, y, distribution="poisson", size=t)
    want = firth_by_search(x, lambda eta: (y * eta - t * np.exp(eta)).sum(), lambda eta: t * np.exp(eta))
    np.testing.assert_allclose(fit.coefficients, want, atol=1e-5)
    assert fit.notes[0].code == "separation"


def test_firth_of_one_proportion_adds_half_a_success_and_half_a_failure() -> None:
    # Jeffreys' prior of one logit: mode at (y + 1/2) / (m + 1), Firth (1993), section 3.3; two separate groups here
    x = np.column_stack([np.ones(2), [-1.0, 1.0]])
    fit = fit_glm(x, [0, 3], distribution="binomial", size=[7, 9])
    np.testing.assert_allclose(fit.mean, [7 * 0.5 / 8.0, 9 * 3.5 / 10.0], rtol=1e-8)
    fit = fit_glm(x, [0, 3], distribution="poisson", size=[7, 9])
    np.testing.assert_allclose(fit.mean, [0.5, 3.5], rtol=1e-8)


@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_separation_in_other_links_is_finite_too(link: str) -> None:
    x = np.column_stack([np.ones(10), np.linspace(-1.0, 1.0, 10)])
    fit = fit_glm(x, (x[:, 1] > 0).astype(int), distribution="binomial", link=link)
    assert fit.notes[0].code == "separation"
    assert np.isfinite(fit.coefficients).all() and np.isfinite(fit.covariance).all() and fit.coefficients[1] > 0


def test_separated_clustered_counts() -> None:
    x = np.column_stack([np.ones(12), np.repeat([-1.0, 1.0], 6)])
    y = np.array([0, 0, 0, 0, 0, 0, 1, 30, 2, 15, 0, 44.0])
    fit = fit_glm(x, y, distribution="negative binomial")
    assert fit.notes[0].code == "separation" and fit.extra["theta"] > 0.0
    assert np.isfinite(fit.covariance).all()
    # Kosmidis & Firth (2009): counts enlarged by h (1 + mean / theta) / 2; the leverages of a group's 6 runs are 1/6
    theta = fit.extra["theta"]
    np.testing.assert_allclose(fit.mean[[0, -1]], [0.5 / (6 - 0.5 / theta), 92.5 / (6 - 0.5 / theta)], rtol=1e-7)


def test_separated_counts_in_one_cluster_fall_back_to_poisson() -> None:
    x = np.column_stack([np.ones(12), np.repeat([-1.0, 1.0], 6)])
    y = np.array([0] * 11 + [500.0])
    fit = fit_glm(x, y, distribution="negative binomial")
    assert [n.code for n in fit.notes][:2] == ["separation", "theta-unknown"]
    np.testing.assert_allclose(fit.mean[[0, -1]], [0.5 / 6, 500.5 / 6], rtol=1e-7)  # Firth's Poisson fit, as above


def test_a_far_but_finite_estimate_is_not_taken_for_separation() -> None:
    x = np.column_stack([np.ones(3), [0.0, 0.0, 1.0]])
    fit = fit_glm(x, [0, 1, 500], distribution="binomial", size=[10**6, 10**6, 10**3])
    assert fit.extra["reduced"] == 0.0
    np.testing.assert_allclose(fit.mean, [0.5, 0.5, 500.0], rtol=1e-8)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_separation_is_what_a_search_over_directions_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (rng.integers(3, 9), 2)).astype(float)
    kind = rng.integers(0, 3, x.shape[0])
    inner, low, high = x[kind == 0], x[kind == 1], x[kind == 2]
    angles = np.arange(0, 360) * math.pi / 180  # of rows in {-1, 0, 1}^2 every cone has an edge or middle among them
    found = False
    for a in angles:
        d = np.round(np.array([math.cos(a), math.sin(a)]), 12)
        hit = np.abs(inner @ d).max(initial=0.0) < 1e-9
        hit = hit and (low @ d).max(initial=0.0) <= 1e-9 and (high @ d).min(initial=0.0) >= -1e-9
        found |= bool(hit and (np.abs(low @ d).sum() + np.abs(high @ d).sum() > 1e-6))
    assert (escape(inner, low, high) is not None) == found


@given(st.integers(0, 2**32 - 1), st.sampled_from(["poisson", "binomial", "negative binomial"]))
@settings(max_examples=60)
def test_sparse_data_never_give_nan_or_a_warning(seed: int, distribution: str) -> None:
    rng = np.random.default_rng(seed)
    half = X[:: rng.integers(1, 3), : rng.integers(1, 7)]
    y = rng.integers(0, 2 + seed % 3, half.shape[0])
    y[0], y[1] = 1, 0
    size = 2 + seed % 3 if distribution == "binomial" else None
    try:
        fit = fit_glm(half, y, distribution=distribution, size=size)
    except DesignError:
        return
    for values in (fit.coefficients, fit.covariance, fit.mean, fit.residuals, fit.leverage, [fit.log_likelihood]):
        assert np.isfinite(values).all()
    assert np.linalg.eigvalsh(fit.covariance)[0] > 0.0
    assert fit.leverage.sum() == pytest.approx(half.shape[1], rel=1e-6)


# ------------------------------------------------------------------ invariances


CASES: list[tuple[str, np.ndarray, Any]] = [
    ("poisson", COUNTS, EXPOSURE), ("binomial", PASSED, TRIALS), ("gamma", TIMES, None),
    ("negative binomial", CLUSTERED, EXPOSURE),
]  # fmt: skip


@pytest.mark.parametrize(("distribution", "y", "size"), CASES)
def test_order_of_runs_and_coding_do_not_matter(distribution: str, y: np.ndarray, size: Any) -> None:
    fit = fit_glm(X, y, distribution=distribution, size=size)
    turn = np.random.default_rng(1).permutation(32)
    again = fit_glm(X[turn], y[turn], distribution=distribution, size=None if size is None else size[turn])
    np.testing.assert_allclose(again.coefficients, fit.coefficients, atol=1e-8)
    np.testing.assert_allclose(again.residuals, fit.residuals[turn], atol=1e-6)
    scale = np.array([1.0, 1e4, 1e-5, 1.0, 1.0, 1.0, 1e3])
    coded = fit_glm(X * scale, y, distribution=distribution, size=size)
    np.testing.assert_allclose(coded.coefficients * scale, fit.coefficients, atol=1e-8)
    np.testing.assert_allclose(errors(coded) * scale, errors(fit), rtol=1e-6)
    assert coded.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-10)


def test_units_of_exposure_and_of_a_gamma_response_move_only_the_constant() -> None:
    fit = fit_glm(X, COUNTS, distribution="poisson", size=EXPOSURE)
    small = fit_glm(X, COUNTS, distribution="poisson", size=EXPOSURE * 1e9)
    np.testing.assert_allclose(small.coefficients - fit.coefficients, [-math.log(1e9), 0, 0, 0, 0, 0, 0], atol=1e-8)
    fit, large = (fit_glm(X, TIMES * c, distribution="gamma") for c in (1.0, 1e12))
    np.testing.assert_allclose(large.coefficients - fit.coefficients, [math.log(1e12), 0, 0, 0, 0, 0, 0], atol=1e-8)
    assert large.sigma == pytest.approx(fit.sigma)
    assert large.log_likelihood == pytest.approx(fit.log_likelihood - 32 * math.log(1e12))


def test_successes_and_failures_mirror() -> None:
    fit = fit_glm(X, PASSED, distribution="binomial", size=TRIALS)
    other = fit_glm(X, TRIALS - PASSED, distribution="binomial", size=TRIALS)
    np.testing.assert_allclose(other.coefficients, -fit.coefficients, atol=1e-9)


# ------------------------------------------------------------------ edges


def test_saturated_counts_and_gamma_say_what_is_unknown() -> None:
    x = np.column_stack([np.ones(4), np.repeat([-1.0, 1.0], 2), np.tile([-1.0, 1.0], 2), [1.0, -1.0, -1.0, 1.0]])
    fit = fit_glm(x, [3, 5, 8, 2], distribution="poisson")
    np.testing.assert_allclose(fit.mean, [3, 5, 8, 2])
    # variance of a contrast of log counts: sum of 1 / count over 16
    assert errors(fit)[1] == pytest.approx(math.sqrt((1 / 3 + 1 / 5 + 1 / 8 + 1 / 2) / 16))
    assert [n.code for n in fit.notes] == ["saturated"]
    gamma = fit_glm(x, [3, 5, 8, 2], distribution="gamma")
    assert gamma.df == 0.0 and np.isinf(gamma.standard_errors(np.eye(4))).all()
    assert [n.code for n in gamma.notes] == ["saturated"]
    assert gamma.wald(np.eye(4)[1:2]) == (0.0, 1.0, 0.0)


def test_wald_of_a_two_level_count_is_the_square_of_its_z() -> None:
    fit = fit_glm(X, COUNTS, distribution="poisson", size=EXPOSURE)
    f, q, df = fit.wald(np.eye(7)[[1]])
    assert f == pytest.approx((fit.coefficients[1] / errors(fit)[1]) ** 2) and q == 1.0 and math.isinf(df)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"distribution": "normal"}, "distribution"),
        ({"distribution": None}, "distribution"),
        ({"link": "logit"}, "link"),
        ({"y": [1, 2, -1]}, "counts are whole numbers"),
        ({"y": [1, 2, 1.5]}, "counts are whole numbers"),
        ({"y": [1, 2, math.nan]}, "missing"),
        ({"y": [1, 2]}, "2 values came for 3 runs"),
        ({"y": [0, 0, 0]}, "no event"),
        ({"size": 0}, "above zero"),
        ({"size": [1, 2]}, "size"),
        ({"distribution": "binomial"}, "give the trials"),
        ({"distribution": "binomial", "size": [1, 1, 5]}, "2 successes of 1 trials"),
        ({"distribution": "binomial", "size": 2.5}, "whole numbers"),
        ({"distribution": "binomial", "y": [5, 5, 5], "size": 5}, "every trial"),
        ({"distribution": "binomial", "y": [0, 0, 0], "size": 5}, "no trial"),
        ({"distribution": "gamma", "y": [1.0, 0.0, 2.0]}, "above zero"),
        ({"distribution": "gamma", "size": 3}, "size"),
        ({"x": [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]}, "rank 1"),
        ({"x": [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]}, "rank 1"),
        ({"x": [[1.0, math.inf], [1.0, 0.0], [1.0, 0.0]]}, "infinite"),
        ({"x": [1.0, 1.0, 1.0]}, "shape"),
        ({"x": "text"}, "numbers"),
    ],
)  # fmt: skip
def test_bad_input_is_told(change: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"x": [[1.0, -1.0], [1.0, 0.0], [1.0, 1.0]], "y": [1, 2, 4], "distribution": "poisson"}
    asked = good | change
    with pytest.raises((DataError, DesignError), match=says):
        fit_glm(asked.pop("x"), asked.pop("y"), **asked)


def test_fewer_runs_than_coefficients() -> None:
    with pytest.raises(TooFewData, match="2 runs for 3"):
        fit_glm([[1, 2, 3], [4, 5, 6]], [1, 2], distribution="poisson")
