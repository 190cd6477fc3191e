"""Power of designs: exact against R and mpmath, simulated against exact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.design import Design, make_design
from qstats.doe.evaluation.door import evaluate
from qstats.doe.evaluation.fits import binomial_deviance, censored_loglik, poisson_deviance
from qstats.doe.evaluation.power import f_power
from qstats.doe.evaluation.simulate import simulate_power
from qstats.doe.factor import Factor, as_factors
from qstats.errors import DataError, DesignError

HELD = json.loads((Path(__file__).parents[1] / "reference" / "doe_optimal.json").read_text())
CUBE = np.array([(a, b, c) for a in (-1.0, 1.0) for b in (-1.0, 1.0) for c in (-1.0, 1.0)])


def cube(times: int = 2, **more: Any) -> Design:
    return make_design("cube", as_factors(3), np.vstack([CUBE] * times), rng=1, **more)


def by_mpmath(df: float, df_error: float, noncentrality: float, alpha: float) -> float:
    """Poisson mixture of beta tails with 40 digits, the critical point by bisection."""
    with mpmath.workdps(40):
        a, b, half = mpmath.mpf(df) / 2, mpmath.mpf(df_error) / 2, mpmath.mpf(noncentrality) / 2
        low, high = mpmath.mpf(0), mpmath.mpf(1)
        for _ in range(120):
            mid = (low + high) / 2
            if mpmath.betainc(a, b, mid, 1, regularized=True) > alpha:
                low = mid
            else:
                high = mid
        total = mpmath.mpf(0)
        for j in range(int(noncentrality + 120)):
            weight = mpmath.e ** (-half) * half**j / mpmath.factorial(j)
            total += weight * mpmath.betainc(a + j, b, low, 1, regularized=True)
        return float(total)


@pytest.mark.parametrize(
    ("df", "df_error", "noncentrality", "alpha"),
    [(1, 3, 2.25, 0.05), (2, 20, 4.0, 0.05), (5, 1, 30.0, 0.01), (1, 200, 0.0, 0.1), (3, 7, 80.0, 0.001)],
)
def test_noncentral_f_to_twelve_digits(df: float, df_error: float, noncentrality: float, alpha: float) -> None:
    expected = by_mpmath(df, df_error, noncentrality, alpha)
    assert f_power(df, df_error, noncentrality, alpha) == pytest.approx(expected, rel=1e-11)


@given(st.integers(1, 8), st.integers(1, 60), st.floats(0.1, 200), st.sampled_from([0.01, 0.05, 0.1]))
def test_noncentral_f_against_scipy_and_in_order(df: int, df_error: int, noncentrality: float, alpha: float) -> None:
    """From 0.1 on: at 0 scipy 1.17 returns a negative tail."""
    power = f_power(df, df_error, noncentrality, alpha)
    critical = scipy.stats.f.isf(alpha, df, df_error)
    assert power == pytest.approx(float(scipy.stats.ncf.sf(critical, df, df_error, noncentrality)), abs=1e-6)
    assert alpha - 1e-12 <= power <= f_power(df, df_error, noncentrality + 1.0, alpha) + 1e-12 <= 1 + 2e-12


def test_huge_noncentralities() -> None:
    assert f_power(1, 10, 1e7, 0.05) == pytest.approx(1.0)
    assert f_power(1, 10, float("inf"), 0.05) == 1.0


@pytest.mark.parametrize("case", HELD["power"], ids=lambda c: c["id"])
def test_as_skpr(case: dict[str, Any]) -> None:
    columns = case["D"]
    if "I(" in case["model"]:
        factors = as_factors(list(columns))
        design = make_design("given", factors, np.column_stack(list(columns.values())), rng=1)
        e = evaluate(design, model="quadratic", effect=case["effect"])
        names = {"(Intercept)": "1", "I(x1^2)": "x1^2", "I(x2^2)": "x2^2"}
    else:
        factors = tuple(Factor(name, levels=sorted(set(v))) for name, v in columns.items())
        coded = np.column_stack([f.code(columns[f.name]) for f in factors])
        e = evaluate(make_design("given", factors, coded, rng=1), model="linear", effect=case["effect"])
        names = {"(Intercept)": "1"}
    for parameter, kind, power in zip(case["parameter"], case["type"], case["power"], strict=True):
        if kind == "effect.power":
            assert e.power_of(names.get(parameter, parameter)) == pytest.approx(power, abs=1e-8)


@pytest.mark.parametrize("case", HELD["anova"], ids=lambda c: c["id"])
def test_as_power_anova_test(case: dict[str, Any]) -> None:
    """Two groups whose means have variance bv differ by sqrt(2 bv)."""
    factor = Factor("g", levels=[str(i) for i in range(case["k"])])
    design = make_design("groups", (factor,), np.repeat(np.arange(2.0), case["n"])[:, None], rng=1)
    e = evaluate(design, model="linear", effect=float(np.sqrt(2 * case["bv"] / case["wv"])))
    assert e.power_of("g") == pytest.approx(case["power"], abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.floats(0.2, 4.0))
def test_power_grows_with_runs_and_effect(times: int, effect: float) -> None:
    small, large = (evaluate(cube(t), model="linear", effect=effect).power[1] for t in (times, times + 1))
    assert small <= large + 1e-12
    assert small <= evaluate(cube(times), model="linear", effect=1.1 * effect).power[1] + 1e-12


def test_normal_simulation_agrees_with_the_formula() -> None:
    exact = evaluate(cube(), model="interactions", effect=1.5).power[1:]
    found = simulate_power(cube(), model="interactions", effect=1.5, runs=4000, rng=1)
    error = np.sqrt(exact * (1 - exact) / 4000)
    assert (np.abs(found.power - exact) < 4 * error).all()
    assert (np.abs(found.false_alarm - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 4000)).all()
    assert (found.low < found.power).all() and (found.power < found.high).all()


def test_uncapped_times_are_normal_on_the_log_scale() -> None:
    """A ratio r of medians with log spread s is an effect of log(r) / s sigma."""
    exact = evaluate(cube(), model="linear", effect=float(np.log(2.0) / 0.6)).power[1]
    found = simulate_power(
        cube(), model="linear", response="time", baseline=5, spread=0.6, effect=2.0, runs=4000, rng=2
    )
    assert abs(found.power[0] - exact) < 4 * np.sqrt(exact * (1 - exact) / 4000)


def test_many_counts_and_trials_follow_their_normal_limit() -> None:
    """Large means: the estimate of a log rate has variance 1/(n mean), so Wald's power is that of a known sigma."""
    found = simulate_power(cube(), model="linear", response="poisson", baseline=100, effect=1.1, runs=4000, rng=3)
    z = 0.5 * np.log(1.1) * np.sqrt(16 * 100)
    wald = scipy.stats.norm.sf(1.959964 - z) + scipy.stats.norm.cdf(-1.959964 - z)
    assert found.power[0] == pytest.approx(wald, abs=0.03)
    found = simulate_power(
        cube(), model="linear", response="binomial", size=400, baseline=0.5, effect=1.2, runs=4000, rng=3
    )
    z = 0.5 * np.log(1.2) * np.sqrt(16 * 400 * 0.25)
    wald = scipy.stats.norm.sf(1.959964 - z) + scipy.stats.norm.cdf(-1.959964 - z)
    assert found.power[0] == pytest.approx(wald, abs=0.03)


def test_capped_times_lose_power_against_uncapped() -> None:
    given: dict[str, Any] = {"model": "linear", "response": "time", "baseline": 5, "spread": 0.8, "effect": 1.8}
    free = simulate_power(cube(4), runs=800, rng=4, **given)
    capped = simulate_power(cube(4), runs=800, rng=4, cap=5.0, **given)
    assert capped.power.mean() < free.power.mean()
    assert "likelihood ratio" in capped.method and "exact F" in free.method


def test_coefficients_act_together() -> None:
    found = simulate_power(cube(), model="interactions", coefficients={"A": 3.0, "A:B": 3.0}, runs=200, rng=5)
    by_name = dict(zip(found.terms, found.power, strict=True))
    assert by_name["A"] > 0.99 and by_name["A:B"] > 0.99 and by_name["C"] < 0.15


X = np.column_stack([np.ones(16), np.vstack([CUBE] * 2)])


def test_fits_against_statsmodels() -> None:
    rng = np.random.default_rng(0)
    size, less = np.full(16, 2.0), X[:, :2]
    y = rng.poisson(3, (12, 16)).astype(float)
    ours = poisson_deviance(y, less, size) - poisson_deviance(y, X, size)
    for row, value in zip(y, ours, strict=True):
        fits = [sm.GLM(row, x, family=sm.families.Poisson(), exposure=size).fit().llf for x in (X, less)]
        assert value == pytest.approx(2 * (fits[0] - fits[1]), abs=1e-7)
    trials = np.full(16, 8.0)
    y = rng.binomial(8, 0.3, (12, 16)).astype(float)
    ours = binomial_deviance(y, less, trials) - binomial_deviance(y, X, trials)
    for row, value in zip(y, ours, strict=True):
        pair = np.column_stack([row, 8 - row])
        fits = [sm.GLM(pair, x, family=sm.families.Binomial()).fit().llf for x in (X, less)]
        assert value == pytest.approx(2 * (fits[0] - fits[1]), abs=1e-7)


def test_separated_and_empty_counts_settle() -> None:
    """All successes on one side, no events at all: the deviance has a limit, 0 where the fit is perfect."""
    y = np.array([(X[:, 1] > 0) * 8.0, np.zeros(16)])
    np.testing.assert_allclose(binomial_deviance(y, X, np.full(16, 8.0)), 0.0, atol=1e-4)
    np.testing.assert_allclose(poisson_deviance(np.zeros((1, 16)), X, np.ones(16)), 0.0, atol=1e-4)


def test_censored_fit_is_the_top_of_its_likelihood() -> None:
    """Against a general optimiser of the likelihood written out with scipy.stats."""
    rng = np.random.default_rng(6)
    y = rng.normal(1, 1, (4, 16))
    seen, y = y <= 1.3, np.minimum(y, 1.3)
    found = censored_loglik(y, seen, X)
    for i in range(4):

        def minus(p: np.ndarray, i: int = i) -> float:
            mean, sd = X @ p[:-1], float(np.exp(p[-1]))
            log = np.where(seen[i], scipy.stats.norm.logpdf(y[i], mean, sd), scipy.stats.norm.logsf(y[i], mean, sd))
            return -float(log.sum())

        best = scipy.optimize.minimize(minus, np.zeros(5), method="BFGS", options={"gtol": 1e-8})
        assert found[i] == pytest.approx(-best.fun, abs=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"effect": 2.0, "response": "poisson"}, "baseline"),
        ({"effect": 2.0, "baseline": 3.0}, "baseline"),
        ({"effect": 1.0, "response": "poisson", "baseline": 3}, "no effect"),
        ({"response": "poisson", "baseline": 3}, "one of them"),
        ({"effect": 2.0, "coefficients": {"A": 1}}, "one of them"),
        ({"coefficients": {"Z": 1}}, "no column"),
        ({"effect": 2.0, "response": "binomial", "baseline": 1.2}, "baseline"),
        ({"effect": 2.0, "response": "binomial", "baseline": 0.2, "size": 2.5}, "whole number"),
        ({"effect": 2.0, "response": "poisson", "baseline": 3, "cap": 2}, "cap"),
        ({"effect": 2.0, "response": "poisson", "baseline": 3, "spread": 2}, "spread"),
        ({"effect": 2.0, "size": 3.0}, "size"),
        ({"effect": 2.0, "response": "gamma"}, "response"),
        ({"effect": 2.0, "runs": 3}, "runs"),
        ({"effect": 1e300, "response": "poisson", "baseline": 3}, "smaller effect"),
    ],
)
def test_what_cannot_be_simulated_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        simulate_power(cube(), model="linear", **given)


def test_designs_that_cannot_be_simulated() -> None:
    with pytest.raises(DesignError, match="runs to spare"):
        simulate_power(cube(1), model="quadratic", effect=1.0)
    factors = (Factor("A", -1, 1, hard_to_change=True), Factor("B", -1, 1), Factor("C", -1, 1))
    split = make_design("split", factors, np.vstack([CUBE] * 2), rng=1, whole_plot=np.repeat([1, 2, 3, 4], 4))
    with pytest.raises(DesignError, match="split-plot"):
        simulate_power(split, model="linear", effect=1.0)
