"""The door with every distribution: the right kernel, tests of terms and predictions on the right scale."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import statsmodels.api as sm
from scipy.stats import chi2, norm, t

from qstats.doe import full_factorial
from qstats.doe.design import make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.fitting.choosing.selection import select_terms
from qstats.doe.fitting.door import fit
from qstats.errors import DataError

DESIGN = full_factorial({"A": (10, 20), "B": (1, 3), "C": (0, 8)}, replicates=2, rng=1)
X = np.asarray(DESIGN.coded)
ROWS = np.column_stack([np.ones(16), X, X[:, 0] * X[:, 1]])
MODEL = "A * B + C"


def count(seed: int = 3, spread: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    size = rng.uniform(5, 20, 16)
    mean = size * np.exp(0.7 + 0.5 * X[:, 0] - 0.3 * X[:, 2])
    if spread:
        mean = mean * rng.gamma(1 / spread, spread, 16)
    return rng.poisson(mean).astype(float), size


def test_poisson_with_exposure_as_in_statsmodels() -> None:
    y, size = count()
    found = fit(DESIGN, y, model=MODEL, distribution="poisson", exposure=size)
    glm = sm.GLM(y, ROWS, family=sm.families.Poisson(), offset=np.log(size)).fit(tol=1e-12)
    place = [found.labels.index(v) for v in ("1", "A", "B", "C", "A:B")]
    assert found.estimate[place] == pytest.approx(glm.params, rel=1e-7)
    assert found.standard_error[place] == pytest.approx(glm.bse, rel=1e-6)
    assert found.p[place] == pytest.approx(glm.pvalues, rel=1e-5)
    assert found.link == "log" and np.isinf(found.df).all()
    assert found.r2 is None and found.size is not None
    # likelihood ratios: C beside all; A beside what does not contain it (B and C)
    rows = {r.source: r for r in found.anova}

    def likelihood(*keep: int) -> float:
        return float(sm.GLM(y, ROWS[:, keep], family=sm.families.Poisson(), offset=np.log(size)).fit(tol=1e-12).llf)

    for source, full, less in [("C", (0, 1, 2, 3, 4), (0, 1, 2, 4)), ("A", (0, 1, 2, 3), (0, 2, 3))]:
        ratio = 2 * (likelihood(*full) - likelihood(*less))
        assert rows[source].test == "chi-square" and rows[source].ss is None
        assert rows[source].f == pytest.approx(ratio, rel=1e-6)
        assert rows[source].p == pytest.approx(float(chi2.sf(ratio, 1)), rel=1e-5)
    told = found.predict({"A": 15, "B": [1, 3], "C": 8}, confidence=0.9)
    at = np.array([[1.0, 0, -1, 1, 0], [1, 0, 1, 1, 0]])
    eta, se = at @ glm.params, np.sqrt(np.einsum("ij,jk,ik->i", at, glm.cov_params(), at))
    assert told.mean == pytest.approx(np.exp(eta), rel=1e-6)
    assert told.interval.high == pytest.approx(np.exp(eta + norm.ppf(0.95) * se), rel=1e-6)
    assert told.new_run is None and told.median is None and "median" not in told.to_frame()
    assert json.loads(found.to_json())["distribution"] == "poisson"


def test_binomial_as_in_statsmodels() -> None:
    rng = np.random.default_rng(8)
    trials = np.full(16, 40.0)
    y = rng.binomial(40, 1 / (1 + np.exp(0.4 - 0.8 * X[:, 1]))).astype(float)
    found = fit(DESIGN, y, model="linear", distribution="binomial", trials=trials)
    glm = sm.GLM(np.column_stack([y, trials - y]), ROWS[:, :4], family=sm.families.Binomial()).fit(tol=1e-12)
    assert found.estimate == pytest.approx(glm.params, rel=1e-6, abs=1e-8)
    told = found.predict({"A": 10, "B": 3, "C": 4})
    eta = float(np.array([1.0, -1, 1, 0]) @ glm.params)
    assert told.mean[0] == pytest.approx(1 / (1 + math.exp(-eta)), rel=1e-6)
    assert 0.0 < told.interval.low[0] < told.mean[0] < told.interval.high[0] < 1.0
    assert fit(DESIGN, y, model="linear", distribution="binomial", trials=40).estimate == pytest.approx(found.estimate)


@pytest.mark.parametrize("distribution", ["negative binomial", "gamma"])
def test_other_families(distribution: str) -> None:
    """The kernels are tested by themselves; here that the door leads to them and its numbers belong together."""
    from qstats.doe.fitting.kernels.families import fit_glm

    y, size = count(5, 0.4)
    exposure = size if distribution != "gamma" else None
    y = y + 0.5 * (distribution == "gamma")
    found = fit(DESIGN, y, model=MODEL, distribution=distribution, exposure=exposure)
    straight = fit_glm(found.rows(X), y, distribution=distribution, size=exposure)
    assert found.estimate.tolist() == straight.coefficients.tolist()
    rows = {r.source: r for r in found.anova}
    for source, drop in (("C", 3), ("A:B", 4)):
        if distribution == "gamma":  # judged by t, so its F is t squared and the p-values are one
            assert rows[source].f == pytest.approx(found.t[drop] ** 2, rel=1e-9)
            assert rows[source].p == pytest.approx(found.p[drop], rel=1e-9)
            continue
        keep = [j for j in range(5) if j != drop]
        less = fit_glm(found.rows(X)[:, keep], y, distribution=distribution, size=exposure)
        assert rows[source].f == pytest.approx(2 * (straight.log_likelihood - less.log_likelihood), abs=1e-6)
    k = straight.parameters
    assert found.aicc == pytest.approx(-2 * straight.log_likelihood + 2 * k + 2 * k * (k + 1) / (16 - k - 1))
    told = found.predict({name: DESIGN.natural(name) for name in DESIGN.names})
    mean = told.mean * (1.0 if exposure is None else exposure)
    assert mean == pytest.approx(straight.mean)


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "weibull"])
def test_runs_that_were_stopped(distribution: str) -> None:
    from qstats.doe.fitting.kernels.censored import fit_censored

    rng = np.random.default_rng(12)
    time = np.exp(3 + 0.6 * X[:, 0] + 0.4 * X[:, 1] + 0.3 * rng.normal(size=16))
    stopped = time > 40
    assert 2 <= stopped.sum() <= 6
    y = np.minimum(time, 40)
    found = fit(DESIGN, y, model="linear", distribution=distribution, censored=stopped)
    straight = fit_censored(found.rows(X), y, stopped, distribution=distribution)
    assert found.estimate.tolist() == straight.coefficients.tolist()
    assert found.censored is not None and found.censored.tolist() == stopped.tolist()
    row = next(r for r in found.anova if r.source == "B")  # judged by t: one coefficient, one p
    assert (row.f, row.p) == pytest.approx((found.t[2] ** 2, found.p[2]))
    told = found.predict({name: DESIGN.natural(name) for name in DESIGN.names})
    assert told.mean == pytest.approx(straight.mean)
    assert told.median is not None and told.interval_of == ("mean" if distribution == "normal" else "median")
    assert (told.interval.low < told.median).all() and (told.median < told.interval.high).all()
    assert (told.new_run is None) == (distribution == "weibull")
    if distribution == "weibull":  # median by the definition: exp(-(m/life)^shape) = 1/2
        life, shape = np.exp(found.rows(X) @ found.estimate), straight.extra["shape"]
        assert np.exp(-((told.median / life) ** shape)) == pytest.approx(np.full(16, 0.5))
    # without a stopped run, censored normal and lognormal fits are those of least squares
    if distribution != "weibull":
        plain = fit(DESIGN, time, model="linear", distribution=distribution)
        none = fit(DESIGN, time, model="linear", distribution=distribution, censored=np.zeros(16))
        assert none.estimate == pytest.approx(plain.estimate, rel=1e-6, abs=1e-8)
    else:
        assert fit(DESIGN, time, model="linear", distribution="weibull").censored is None
    with pytest.raises(DataError, match="least squares"):
        found.box_cox()
    with pytest.raises(DataError, match="least squares"):
        found.anova_type("I")


def test_interval_of_a_weibull_median_counts_the_scale_in() -> None:
    """Against the curvature of the likelihood written with the median itself as the parameter."""
    rng = np.random.default_rng(8)
    design = make_design("one group", DESIGN.factors, np.zeros((30, X.shape[1])), rng=1)
    time = 20.0 * rng.weibull(1.4, size=30)
    stopped = time > 30.0
    y = np.minimum(time, 30.0)
    found = fit(design, y, model="1", distribution="weibull", censored=stopped)

    def minus(theta: Any) -> float:
        median, scale = theta
        w = (np.log(y) - median) / scale + math.log(math.log(2.0))
        return float(-np.where(stopped, -np.exp(w), w - math.log(scale) - np.exp(w)).sum())

    best = scipy.optimize.minimize(minus, [3.0, 0.7], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12})
    h = 1e-4
    second = np.empty((2, 2))
    for i, j in itertools.product(range(2), repeat=2):
        a, b = np.eye(2)[i] * h, np.eye(2)[j] * h
        at = best.x
        second[i, j] = (minus(at + a + b) - minus(at + a - b) - minus(at - a + b) + minus(at - a - b)) / (4 * h * h)
    error = math.sqrt(np.linalg.inv(second)[0, 0] * 30 / 29)  # the fit's factor n / (n - p)
    told = found.predict({name: 0.5 * (f.low + f.high) for name, f in zip(DESIGN.names, DESIGN.factors, strict=True)})
    half = t.ppf(0.975, 29) * error
    assert np.log(told.median[0]) == pytest.approx(best.x[0], rel=1e-6)
    assert np.log([told.interval.low[0], told.interval.high[0]]) == pytest.approx(
        [best.x[0] - half, best.x[0] + half], rel=1e-4
    )


def test_a_new_run_of_a_split_plot_comes_with_a_new_whole_plot() -> None:
    from qstats.doe.whole_plots import split_plot

    design = split_plot([Factor("oven", 0, 1, hard_to_change=True), Factor("t", 0, 1)], replicates=4, rng=1)
    rng = np.random.default_rng(3)
    y = 10 + rng.normal(size=design.whole_plot.max())[design.whole_plot - 1] + 0.3 * rng.normal(size=len(design))
    found = fit(design, y, model="oven + t")
    told = found.predict({"oven": 1.0, "t": 0.0})
    rows = found.rows([[1.0, -1.0]])
    df, se = found.fitted.run_df(rows)[0], found.fitted.standard_errors(rows)[0]
    spread = math.hypot(se, found.sigma)
    assert told.new_run.high[0] - told.mean[0] == pytest.approx(t.ppf(0.975, df) * spread)
    assert found.sigma**2 == pytest.approx(found.fitted.extra["whole_plot"] + found.fitted.extra["residual"])


def test_missing_runs_lose_their_exposure_too() -> None:
    y, size = count()
    gap: list[Any] = y.tolist()
    gap[2] = None
    found = fit(DESIGN, gap, model="linear", distribution="poisson", exposure=size)
    keep = np.arange(16) != 2
    less = make_design("less", DESIGN.factors, X[keep], rng=1)
    assert found.estimate == pytest.approx(fit(less, y[keep], distribution="poisson", exposure=size[keep]).estimate)
    assert found.size is not None and np.isnan(found.size[2])


def test_selection_of_counts() -> None:
    """AICc of the models taken and left, by statsmodels."""
    y, size = count()
    found = select_terms(DESIGN, y, candidates="linear", method="best", distribution="poisson", exposure=size)
    best = {}
    for keep in [(), (1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3)]:
        k = 1 + len(keep)
        glm = sm.GLM(y, ROWS[:, [0, *keep]], family=sm.families.Poisson(), offset=np.log(size)).fit()
        best[keep] = -2 * glm.llf + 2 * k + 2 * k * (k + 1) / (16 - k - 1)
    keep = min(best, key=lambda v: best[v])
    assert found.terms == ("1", *("ABC"[i - 1] for i in keep))
    assert found.value == pytest.approx(best[keep], rel=1e-8)
    assert found.models == 8 and found.fit.distribution == "poisson"
    way = select_terms(DESIGN, y, candidates="linear", distribution="poisson", exposure=size, criterion="p")
    assert "A" in way.terms


def test_t_for_least_squares_only() -> None:
    rng = np.random.default_rng(0)
    y = 5 + rng.normal(size=16)
    found = fit(DESIGN, y)
    told = found.predict({"A": 15, "B": 2, "C": 4})
    assert told.interval.high[0] - told.mean[0] == pytest.approx(float(t.ppf(0.975, 12)) * found.sigma / 4)
    assert as_factors(1)[0].name == "A"


def test_weibull_intervals_are_the_same_wherever_they_are_shown_and_infinite_without_error_df() -> None:
    from qstats.doe import profiler

    time = np.exp(3 + 0.6 * X[:, 0] + 0.3 * np.random.default_rng(2).normal(size=16))
    found = fit(DESIGN, time, model="linear", distribution="weibull")
    here = {name: 0.5 * (f.low + f.high) for name, f in zip(DESIGN.names, DESIGN.factors, strict=True)}
    told, shown = found.predict(here).interval, profiler(found, at=here).interval
    assert (shown.low[0], shown.high[0]) == pytest.approx((told.low[0], told.high[0]), rel=1e-12)
    unknown = replace(found.fitted, joint=np.diag(np.full(5, np.inf)))
    assert np.isinf(unknown.quantile_errors(found.rows(X), -0.37)).all()
