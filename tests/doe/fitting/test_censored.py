"""Stopped runs: against SAS, S, published EM estimates, closed forms, least squares and scipy's optimizer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.fitting.kernels.censored import fit_censored
from qstats.doe.fitting.kernels.linear import fit_linear
from qstats.errors import DataError, DesignError, QStatsError, TooFewData

MOTORS = json.loads((Path(__file__).parents[2] / "reference" / "doe_kernels.json").read_text())["motors"]
DEGREES = np.array(MOTORS["temperature"], dtype=float)
HOURS = np.array(MOTORS["hours"], dtype=float)
STOPPED = np.array(MOTORS["censored"], dtype=bool)
X = np.column_stack(
    [np.ones(16), *np.array(np.meshgrid([-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0])).reshape(3, 8).repeat(2, 1)]
)


def plain_errors(fit: Any) -> np.ndarray:
    """Standard errors by the observed information alone, as other programs print them."""
    return np.sqrt(np.diag(fit.covariance) / fit.extra["inflation"])


@pytest.mark.parametrize("distribution", ["weibull", "lognormal"])
def test_motorettes_as_sas_lifereg_has_them(distribution: str) -> None:
    want, hot = MOTORS["lifereg"][distribution], DEGREES > 150
    x = np.column_stack([np.ones(30), 1000.0 / (273.2 + DEGREES[hot])])
    fit = fit_censored(x, HOURS[hot], STOPPED[hot], distribution=distribution)
    np.testing.assert_allclose(fit.coefficients, want["coefficients"], atol=5e-5)
    np.testing.assert_allclose(plain_errors(fit), want["se"], atol=5e-5)
    assert fit.extra["scale"] == pytest.approx(want["scale"], abs=5e-5)
    of_logs = fit.log_likelihood + np.log(HOURS[hot][~STOPPED[hot]]).sum()  # SAS: of log hours
    assert of_logs == pytest.approx(want["log_likelihood"], abs=5e-9)
    if distribution == "weibull":
        assert fit.extra["shape"] == pytest.approx(want["shape"], abs=5e-5)
        assert fit.sigma == pytest.approx(
            fit.extra["scale"] * math.pi / math.sqrt(6) * math.sqrt(fit.extra["inflation"])
        )


def test_motorettes_as_survreg_has_them() -> None:
    want = MOTORS["weibull"]
    fit = fit_censored(np.column_stack([np.ones(40), DEGREES]), HOURS, STOPPED, distribution="weibull")
    np.testing.assert_allclose(fit.coefficients, want["coefficients"], atol=5e-5)
    np.testing.assert_allclose(plain_errors(fit), want["se"], atol=5e-6)
    assert fit.extra["scale"] == pytest.approx(want["scale"], abs=5e-4)
    assert fit.log_likelihood == pytest.approx(want["log_likelihood"], abs=0.05)
    at = np.array([[1.0, 130.0]])
    life = math.exp(float(at[0] @ fit.coefficients))
    assert life == pytest.approx(want["predicted_130"][0], abs=0.5)
    error = life * float(fit.standard_errors(at)[0]) / math.sqrt(fit.extra["inflation"])
    assert error == pytest.approx(want["predicted_130"][1], abs=0.5)


def test_motorettes_by_em_in_the_literature() -> None:
    want = MOTORS["tobit"]
    x = np.column_stack([np.ones(40), 1000.0 / (DEGREES + 273.2)])
    fit = fit_censored(x, np.log10(HOURS), STOPPED, distribution="normal")
    np.testing.assert_allclose(fit.coefficients, want["coefficients"], atol=5e-4)
    assert fit.extra["scale"] == pytest.approx(want["scale"], abs=5e-5)


def logpdf(distribution: str, y: np.ndarray, location: np.ndarray, s: float, stopped: np.ndarray) -> float:
    if distribution == "normal":
        law: Any = scipy.stats.norm(location, s)
    elif distribution == "lognormal":
        law = scipy.stats.lognorm(s, scale=np.exp(location))
    else:
        law = scipy.stats.weibull_min(1.0 / s, scale=np.exp(location))
    return float(np.where(stopped, law.logsf(y), law.logpdf(y)).sum())


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "weibull"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_maximum_and_its_curvature_against_scipy(distribution: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    life = np.exp(2.0 + 0.5 * X[:, 1] + 0.4 * rng.normal(size=16))
    cap = np.quantile(life, 0.7)
    y, stopped = np.minimum(life, cap), life > cap
    fit = fit_censored(X, y, stopped, distribution=distribution)

    def minus(v: np.ndarray) -> float:
        return -logpdf(distribution, y, X @ v[:-1], math.exp(v[-1]), stopped)

    top = np.append(fit.coefficients, math.log(fit.extra["scale"]))
    assert fit.log_likelihood == pytest.approx(-minus(top), rel=1e-10)
    start = top + rng.normal(0.0, 0.05, 5)
    best = scipy.optimize.minimize(minus, start, method="BFGS", options={"gtol": 1e-6})
    assert fit.log_likelihood >= -best.fun - 1e-9
    np.testing.assert_allclose(best.x, top, atol=2e-4 * max(1.0, np.abs(top).max()))
    h = 1e-4 * np.maximum(1.0, np.abs(top))
    hessian = np.empty((5, 5))
    for i in range(5):
        for j in range(5):
            a, b = np.eye(5)[i] * h, np.eye(5)[j] * h
            hessian[i, j] = (minus(top + a + b) - minus(top + a - b) - minus(top - a + b) + minus(top - a - b)) / (
                4 * h[i] * h[j]
            )
    np.testing.assert_allclose(plain_errors(fit), np.sqrt(np.diag(np.linalg.inv(hessian)))[:4], rtol=1e-4)


def test_exponential_like_weibull_of_two_groups_has_a_closed_form_given_its_shape() -> None:
    # given the shape k, each group's characteristic life is (sum y^k / failures)^(1/k)
    y = np.array([3.0, 7.0, 9.0, 12.0, 12.0, 8.0, 15.0, 20.0, 20.0, 20.0])
    stopped = np.array([0, 0, 0, 0, 1, 0, 0, 0, 1, 1], dtype=bool)
    x = np.column_stack([np.ones(10), np.repeat([-1.0, 1.0], 5)])
    fit = fit_censored(x, y, stopped, distribution="weibull")
    k = fit.extra["shape"]
    for sign, part in ((-1.0, slice(0, 5)), (1.0, slice(5, 10))):
        life = ((y[part] ** k).sum() / (~stopped[part]).sum()) ** (1.0 / k)
        assert math.exp(fit.coefficients[0] + sign * fit.coefficients[1]) == pytest.approx(life, rel=1e-9)
        mean = scipy.stats.weibull_min(k, scale=life).mean()
        np.testing.assert_allclose(fit.mean[part], mean, rtol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_nothing_stopped_is_least_squares(offset: float) -> None:
    y = np.random.default_rng(4).normal(size=16)
    fit = fit_censored(X, y + offset, np.zeros(16, dtype=bool), distribution="normal")
    want = fit_linear(X, y + offset)
    np.testing.assert_allclose(fit.coefficients, want.coefficients, atol=1e-6 if offset else 1e-12)
    np.testing.assert_allclose(fit.covariance, want.covariance, rtol=1e-6 if offset else 1e-9, atol=1e-15)
    np.testing.assert_allclose(fit.leverage, want.leverage, rtol=1e-9)
    assert fit.df == want.df == 12.0
    assert fit.sigma == pytest.approx(want.sigma, rel=1e-6)
    assert fit.log_likelihood == pytest.approx(want.log_likelihood, rel=1e-6)
    np.testing.assert_allclose(fit.residuals, want.residuals / fit.extra["scale"], atol=1e-6)


def test_lognormal_is_the_normal_of_logs_with_its_jacobian() -> None:
    rng = np.random.default_rng(6)
    y, stopped = np.exp(rng.normal(size=16)), np.arange(16) % 5 == 0
    fit = fit_censored(X, y, stopped, distribution="lognormal")
    logs = fit_censored(X, np.log(y), stopped, distribution="normal")
    np.testing.assert_allclose(fit.coefficients, logs.coefficients, atol=1e-12)
    np.testing.assert_allclose(fit.covariance, logs.covariance, rtol=1e-9, atol=1e-15)
    assert fit.log_likelihood == pytest.approx(logs.log_likelihood - np.log(y[~stopped]).sum())
    np.testing.assert_allclose(fit.mean, np.exp(logs.mean + 0.5 * fit.sigma**2))


def test_deviance_residuals_by_their_definition() -> None:
    for distribution, law in (("normal", scipy.stats.norm), ("weibull", scipy.stats.gumbel_l)):
        rng = np.random.default_rng(8)
        t = rng.normal(size=16)
        y, stopped = (t if distribution == "normal" else np.exp(t)), np.arange(16) % 4 == 1
        fit = fit_censored(X, y, stopped, distribution=distribution)
        r = (t - X @ fit.coefficients) / fit.extra["scale"]
        seen = np.sign(r) * np.sqrt(2.0 * (law.logpdf(0.0) - law.logpdf(r)))
        np.testing.assert_allclose(fit.residuals, np.where(stopped, np.sqrt(-2.0 * law.logsf(r)), seen), atol=1e-6)
        assert fit.leverage.sum() == pytest.approx(4.0)


# ------------------------------------------------------------------ infinite estimates


def test_a_level_that_was_always_stopped_is_told() -> None:
    y = np.where(X[:, 1] > 0, 10.0, 3.0 + np.arange(16) % 3)
    with pytest.raises(DataError, match="raise the cap"):
        fit_censored(X, y, X[:, 1] > 0, distribution="lognormal")


def test_a_stopped_level_pinned_by_the_model_is_no_fault() -> None:
    # one numeric factor at three levels: the stopped end is beyond two seen ones
    x = np.column_stack([np.ones(9), np.repeat([-1.0, 0.0, 1.0], 3)])
    y = np.array([2.0, 2.5, 3.0, 6.0, 5.0, 7.0, 9.0, 9.0, 9.0])
    fit = fit_censored(x, y, y == 9.0, distribution="normal")
    assert np.isfinite(fit.coefficients).all() and (x @ fit.coefficients)[-1] > 9.0


def test_nothing_seen_and_no_scatter_are_told() -> None:
    with pytest.raises(DataError, match="nothing was seen"):
        fit_censored(X, np.ones(16), np.ones(16, dtype=bool), distribution="weibull")
    with pytest.raises(TooFewData, match="no scatter"):
        fit_censored(X, np.full(16, 7e12), np.zeros(16, dtype=bool), distribution="normal")
    with pytest.raises(TooFewData, match="no scatter"):  # two seen runs on a line, the rest above it
        fit_censored(
            np.column_stack([np.ones(4), [0.0, 1, 2, 3]]), [1.0, 2, 1, 1], [False, False, True, True],
            distribution="normal",
        )  # fmt: skip


def test_two_seen_runs_below_the_stops_have_a_top() -> None:
    # the line through the seen runs would have failed before the stops: scatter cannot vanish, so a maximum exists
    x, y, stopped = (
        np.column_stack([np.ones(4), [0.0, 1, 2, 3]]),
        np.array([1.0, 2, 9, 9]),
        np.array([0, 0, 1, 1], bool),
    )
    fit = fit_censored(x, y, stopped, distribution="normal")

    def minus(v: np.ndarray) -> float:
        return -logpdf("normal", y, x @ v[:2], math.exp(v[2]), stopped)

    best = scipy.optimize.minimize(
        minus, [0.0, 2.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "maxiter": 9999}
    )
    np.testing.assert_allclose(fit.coefficients, best.x[:2], atol=1e-4)
    assert fit.df >= 0.0


def test_as_many_coefficients_as_runs_cannot_tell_the_scatter() -> None:
    x = np.column_stack([np.ones(3), [-1.0, 0.0, 1.0], [1.0, -2.0, 1.0]])
    with pytest.raises(DataError, match="raise the cap"):  # the third run alone tells its coefficient
        fit_censored(x, [1.0, 2.0, 2.5], [False, False, True], distribution="normal")
    with pytest.raises(TooFewData, match="no scatter"):
        fit_censored(x, [1.0, 2.0, 2.5], [False, False, False], distribution="normal")


@given(st.integers(0, 2**32 - 1), st.sampled_from(["normal", "lognormal", "weibull"]))
@settings(max_examples=60)
def test_an_answer_or_an_error_never_nan(seed: int, distribution: str) -> None:
    rng = np.random.default_rng(seed)
    x = X[:, : rng.integers(1, 5)][rng.permutation(16)[: rng.integers(5, 17)]]
    life = np.exp(rng.normal(size=x.shape[0]))
    cap = float(np.quantile(life, rng.uniform(0.1, 1.0)))
    y, stopped = np.minimum(life, cap), life > cap
    try:
        fit = fit_censored(x, y, stopped, distribution=distribution)
    except QStatsError:
        return
    for values in (fit.coefficients, fit.mean, fit.residuals, fit.leverage, [fit.log_likelihood]):
        assert np.isfinite(values).all()
    np.testing.assert_allclose(fit.standard_errors(np.eye(x.shape[1])), np.sqrt(np.diag(fit.covariance)), rtol=1e-9)
    assert not np.isnan(fit.covariance).any() and fit.df >= 0.0
    assert fit.df == x.shape[0] - x.shape[1]
    assert (fit.df > 0.0) == np.isfinite(fit.covariance).all()


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
@settings(max_examples=30)
def test_units_and_order_do_not_matter(seed: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    life = np.exp(0.5 * X[:, 1] + 0.5 * rng.normal(size=16))
    cap = float(np.sort(life)[11])
    y, stopped, turn = np.minimum(life, cap), life > cap, rng.permutation(16)
    try:
        fit = fit_censored(X, y, stopped, distribution="weibull")
    except QStatsError:
        return
    other = fit_censored(X[turn], y[turn] * unit, stopped[turn], distribution="weibull")
    np.testing.assert_allclose(other.coefficients[1:], fit.coefficients[1:], atol=1e-7)
    assert other.coefficients[0] == pytest.approx(fit.coefficients[0] + math.log(unit), abs=1e-7)
    np.testing.assert_allclose(other.mean, fit.mean[turn] * unit, rtol=1e-6)
    plain = fit_censored(X, y, stopped, distribution="normal")
    other = fit_censored(X, 1e9 + y, stopped, distribution="normal")
    np.testing.assert_allclose(other.coefficients[1:], plain.coefficients[1:], atol=1e-5)
    assert other.sigma == pytest.approx(plain.sigma, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"distribution": "gamma"}, "distribution"),
        ({"distribution": 3}, "distribution"),
        ({"censored": [0, 1]}, "censored"),
        ({"censored": [0, 1, 2]}, "censored"),
        ({"censored": ["a", "b", "c"]}, "censored"),
        ({"censored": [0.0, math.nan, 1.0]}, "censored"),
        ({"y": [1.0, -1.0, 2.0], "distribution": "weibull"}, "above zero"),
        ({"y": [1.0, math.inf, 2.0]}, "finite"),
        ({"y": [1.0]}, "1 values came for 3 runs"),
        ({"x": [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]}, "rank 1"),
    ],
)
def test_bad_input_is_told(change: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"x": np.ones((3, 1)), "y": [1.0, 3.0, 2.0], "censored": [0, 0, 1], "distribution": "normal"}
    asked = good | change
    with pytest.raises((DataError, DesignError), match=says):
        fit_censored(asked["x"], asked["y"], asked["censored"], distribution=asked["distribution"])
