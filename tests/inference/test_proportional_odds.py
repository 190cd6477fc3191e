"""Proportional odds: published fits (wine, cheese), statsmodels, saturated likelihood; separation; bad input."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from qstats.errors import DataError, NoConvergence, TooFewData
from qstats.inference.ordinal import proportional_odds as module
from qstats.inference.ordinal.proportional_odds import proportional_odds

# Randall (1989), The analysis of sensory data by generalised linear model, Biometrical Journal 31, 781-793; bitterness
# of wine by temperature and contact, as data(wine) of R ordinal.
WINE = {
    ("cold", "no"): [4, 9, 5, 0, 0],
    ("cold", "yes"): [1, 7, 8, 2, 0],
    ("warm", "no"): [0, 5, 8, 3, 2],
    ("warm", "yes"): [0, 1, 5, 7, 5],
}
# McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., section 5.6.1: cheese with four additives, 1 to 9.
CHEESE = {
    "A": [0, 0, 1, 7, 8, 8, 19, 8, 1],
    "B": [6, 9, 12, 11, 7, 6, 1, 0, 0],
    "C": [1, 1, 6, 8, 23, 7, 5, 1, 0],
    "0 (D)": [0, 0, 0, 1, 3, 7, 14, 16, 11],
}


def _rows(table: dict[Any, list[int]]) -> tuple[np.ndarray, list[Any]]:
    y, keys = [], []
    for key, counts in table.items():
        for score, count in enumerate(counts, 1):
            y += [score] * count
            keys += [key] * count
    return np.array(y, dtype=float), keys


def test_wine_equals_clm() -> None:
    """R ordinal clm(rating ~ temp + contact): coefficients, thresholds, logLik, confint (profile), nominal_test.

    Christensen, "Cumulative link models for ordinal regression with the R package ordinal" (its running example).
    """
    y, keys = _rows(WINE)
    r = proportional_odds(y, {"temp": [k[0] for k in keys], "contact": [k[1] for k in keys]})
    assert r.names == ("temp[warm]", "contact[yes]")
    assert r.coefficient == pytest.approx([2.5031, 1.5278], abs=5e-5)
    assert r.se == pytest.approx([0.5287, 0.4766], abs=5e-3)  # clm's from observed, ours from expected information
    assert r.thresholds == pytest.approx([-1.3444, 1.2508, 3.4669, 5.0064], abs=5e-5)
    assert r.loglik == pytest.approx(-86.49192, abs=5e-6)
    assert np.log(r.interval.low) == pytest.approx([1.5097627, 0.6157925], abs=2e-4)  # clm interpolates the profile
    assert np.log(r.interval.high) == pytest.approx([3.595225, 2.492404], abs=2e-4)
    assert [t.assumption_statistic for t in r.terms] == pytest.approx([3.1750, 0.5667], abs=5e-5)
    assert [t.assumption_pvalue for t in r.terms] == pytest.approx([0.3654, 0.9040], abs=5e-5)
    assert [t.assumption_df for t in r.terms] == [3, 3]
    assert not r.notes


def test_cheese_equals_published_fit() -> None:
    """McCullagh & Nelder: additives against D; also the SAS LOGISTIC example (-2 log L 711.348, LR 148.4539 on 3)."""
    y, keys = _rows(CHEESE)
    r = proportional_odds(y, {"additive": keys})
    assert -r.coefficient == pytest.approx([1.6128, 4.9646, 3.3227], abs=5e-5)
    assert r.se == pytest.approx([0.3778, 0.4741, 0.4251], abs=5e-4)
    assert r.thresholds[:2] == pytest.approx([-7.0802, -6.0250], abs=5e-5)
    assert -2 * r.loglik == pytest.approx(711.348, abs=5e-4)
    assert r.terms[0].statistic == pytest.approx(148.4539, abs=5e-5)
    # An odds ratio for every cut and additive is the saturated model: its likelihood is known.
    saturated = sum(c * math.log(c / sum(row)) for row in CHEESE.values() for c in row if c)
    assert r.terms[0].assumption_df == 21
    assert r.terms[0].assumption_statistic == pytest.approx(2 * (saturated - r.loglik), abs=1e-6)


def test_statsmodels_fit_and_likelihood_ratio() -> None:
    rng = np.random.default_rng(13)
    x, g = rng.normal(50, 10, 250), rng.integers(0, 2, 250).astype(float)
    y = np.clip(np.round((x - 50) / 10 + 0.7 * g + rng.logistic(size=250) + 3), 1, 5)
    r = proportional_odds(y, {"wait": x, "team": g})

    def loglik(columns: np.ndarray) -> float:
        return float(OrderedModel(y.astype(int), columns, distr="logit").fit(method="bfgs", disp=False).llf)

    design = np.column_stack([(x - 50) / 10, g])
    fit = OrderedModel(y.astype(int), design, distr="logit").fit(method="bfgs", disp=False)
    assert r.loglik == pytest.approx(fit.llf, abs=1e-5)
    assert r.coefficient == pytest.approx([fit.params[0] / 10, fit.params[1]], abs=1e-4)
    lr = 2 * (fit.llf - loglik(design[:, :1]))
    assert r.pvalue[1] == pytest.approx(stats.chi2.sf(lr, 1), rel=1e-3)
    assert r.terms[1].pvalue == pytest.approx(r.pvalue[1], rel=1e-6)


def test_two_categories_are_logistic_regression() -> None:
    """statsmodels Logit; there is one cut, so no assumption to test."""
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    x = rng.normal(size=120)
    y = (rng.random(120) < 1 / (1 + np.exp(-0.8 * x))).astype(float)
    r = proportional_odds(y, {"x": x})
    fit = sm.Logit(y, sm.add_constant(x)).fit(disp=False)
    assert r.coefficient[0] == pytest.approx(fit.params[1], abs=1e-6)
    assert r.se[0] == pytest.approx(fit.bse[1], rel=1e-5)
    assert r.loglik == pytest.approx(fit.llf, abs=1e-8)
    assert (r.terms[0].assumption_df, math.isnan(r.terms[0].assumption_pvalue)) == (0, True)


def test_profile_limits_lose_half_the_chi_square_quantile() -> None:
    """Held at the limit, statsmodels' likelihood of the rest (x as offset) is lower by exactly 3.841 / 2."""
    y, keys = _rows(CHEESE)
    dose = np.array([{"A": 1.0, "B": 2.0, "C": 3.0, "0 (D)": 0.0}[k] for k in keys])
    r = proportional_odds(y, {"dose": dose}, assumption=False)
    assert r.terms == ()
    for limit in (r.interval.low[0], r.interval.high[0]):
        shift = dose * math.log(limit)

        def loss(theta: np.ndarray, shift: np.ndarray = shift) -> float:
            cuts = np.concatenate([[-np.inf], np.cumsum(np.concatenate([theta[:1], np.exp(theta[1:])])), [np.inf]])
            k = (y - 1).astype(int)
            pi = stats.logistic.cdf(cuts[k + 1] - shift) - stats.logistic.cdf(cuts[k] - shift)
            return -float(np.log(np.maximum(pi, 1e-300)).sum())

        from scipy.optimize import minimize

        start = np.concatenate([[-3.0], np.log(np.full(7, 0.7))])
        held = minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
        assert 2 * (r.loglik + held.fun) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.8, 0.95]))
def test_p_and_interval_agree(seed: int, confidence: float) -> None:
    rng = np.random.default_rng(seed)
    y, x = rng.integers(1, 5, 30).astype(float), rng.normal(size=30)
    r = proportional_odds(y, {"x": x}, confidence=confidence, assumption=False)
    assert (r.pvalue[0] < 1 - confidence) == (not r.interval.contain(1.0)[0])
    assert r.interval.low[0] <= r.odds_ratio[0] <= r.interval.high[0]
    back = proportional_odds(-y, {"x": x}, confidence=confidence, assumption=False)  # the scale turned round
    assert back.interval.low[0] == pytest.approx(1 / r.interval.high[0], rel=1e-6)
    far = proportional_odds(y, {"x": 1e6 + 100 * x}, confidence=confidence, assumption=False)
    assert far.coefficient[0] * 100 == pytest.approx(r.coefficient[0], rel=1e-5, abs=1e-8)


def test_assumption_that_fails_is_said() -> None:
    """One group answers only at both ends, the other only in the middle: no one odds ratio describes that."""
    y = [1, 5] * 30 + [2, 3, 4] * 20
    r = proportional_odds(y, {"g": ["a"] * 60 + ["b"] * 60})
    assert r.notes[0].code == "odds-not-proportional"
    assert r.terms[0].assumption_pvalue < 1e-6
    assert r.terms[0].pvalue > 0.5
    assert "same at every cut" in r.summary()
    assert list(r.to_frame()["name"]) == ["g[b]"]
    assert r.to_dict()["schema"] == "qstats.proportional_odds/1"


def _small_study(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=40)
    return x, np.digitize(x * 1.1 + rng.logistic(size=40), [-1, 0, 1.5])


def _largest_by_slsqp(x: np.ndarray, y: np.ndarray, start: np.ndarray, free: bool) -> float:
    """Largest log-likelihood with the cuts in order at both ends of x: scipy's SLSQP on the plain definition."""
    m = int(y.max())

    def cuts(theta: np.ndarray, at: np.ndarray) -> np.ndarray:
        return theta[:m] - np.outer(at, theta[m:] if free else np.full(m, theta[m]))

    def loss(theta: np.ndarray) -> float:
        below = np.column_stack([np.zeros(y.size), special.expit(cuts(theta, x)), np.ones(y.size)])
        return -float(np.log(np.maximum(np.diff(below)[np.arange(y.size), y], 1e-300)).sum())

    ends = np.array([x.min(), x.max()])
    order = {"type": "ineq", "fun": lambda theta: np.diff(cuts(theta, ends)).ravel()}
    noise = np.random.default_rng(1)
    found = []
    for wobble in (0.0, 0.1, 0.1):
        o = optimize.minimize(
            loss, start + wobble * noise.normal(size=start.size), method="SLSQP", constraints=[order],
            options={"maxiter": 500, "ftol": 1e-12},
        )  # fmt: skip
        if order["fun"](o.x).min() > -1e-9:
            found.append(-float(o.fun))
    return max(found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of SLSQP, outside its bounds
@pytest.mark.parametrize("seed", [1002, 1053, 1003, 1022, 1025, 1004])
def test_assumption_test_reaches_the_maximum_where_cuts_meet(seed: int) -> None:
    """Small samples whose constrained maximum lies at the wall, where halved steps used to stop (1053: 7.015)."""
    x, y = _small_study(seed)
    r = proportional_odds(y, {"x": x})
    share = np.cumsum(np.bincount(y))[:3] / y.size
    start = special.logit(share)
    one = _largest_by_slsqp(x, y, np.append(start, r.coefficient), free=False)
    many = _largest_by_slsqp(x, y, np.append(start, np.repeat(r.coefficient, 3)), free=True)
    assert r.loglik == pytest.approx(one, abs=1e-6)
    assert r.terms[0].assumption_statistic == pytest.approx(2.0 * (many - one), abs=1e-4)
    if seed == 1053:
        assert r.terms[0].assumption_statistic == pytest.approx(7.414, abs=5e-4)


def test_no_small_study_loses_its_fit() -> None:
    """One in 150 of these used to end in NoConvergence; the test of the assumption must not cost the result."""
    for seed in range(1000, 1150):
        x, y = _small_study(seed)
        r = proportional_odds(y, {"x": x})
        plain = proportional_odds(y, {"x": x}, assumption=False)
        assert r.coefficient == pytest.approx(plain.coefficient, rel=1e-12)
        assert 0.0 < r.terms[0].assumption_pvalue <= 1.0


def test_a_lost_assumption_test_is_told_and_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any) -> float:
        raise NoConvergence("terms: no maximum")

    x, y = _small_study(7)
    whole = proportional_odds(y, {"x": x})
    monkeypatch.setattr(module, "fit_free", lost)
    r = proportional_odds(y, {"x": x})
    assert (r.terms[0].assumption_df, math.isnan(r.terms[0].assumption_statistic)) == (2, True)
    assert [n.code for n in r.notes] == ["assumption-not-tested"]
    assert "same at every cut" not in r.summary()
    assert r.terms[0].pvalue == whole.terms[0].pvalue
    assert r.to_dict()["terms"][0]["assumption_pvalue"] is None


def test_two_terms_freed_one_at_a_time_with_an_offset() -> None:
    """A wall in one term with another beside it; shifting and scaling the column changes no likelihood ratio."""
    x, y = _small_study(1022)
    g = np.where(np.arange(40) % 2, "a", "b")
    a, b = proportional_odds(y, {"x": x, "g": g}), proportional_odds(y, {"x": 1e12 + 1e6 * x, "g": g})
    for one, other in zip(a.terms, b.terms, strict=True):
        assert one.assumption_statistic == pytest.approx(other.assumption_statistic, abs=1e-3)


@pytest.mark.parametrize(
    ("args", "error", "says"),
    [
        (([1, 1, 1], {"x": [1, 2, 3]}), DataError, "scores: all answers are 1"),
        (([1, 2, 3], {"x": [1, 2]}), DataError, "terms: 'x' has 2 values for 3"),
        (([1, 2, 3], {"x": ["a", "b"]}), DataError, "terms: 'x' has shape"),
        (([1, 2, 3], {"x": ["a", None, "b"]}), DataError, "'x' has missing labels"),
        (([1, 2, 3], {"x": [2, 2, 2]}), DataError, "same for every answer"),
        (([1, 2, 3], {"x": ["a"] * 3}), DataError, "same for every answer"),
        (([1, 2, 3, 2], {"x": [1, 2, 3, 4], "y": [2, 4, 6, 8]}), DataError, "follow from the others"),
        (([1, 2], {"x": [1, 2], "y": [2, 1]}), TooFewData, "2 answers came for 2 coefficients"),
        (([1, 2, 3], {}), DataError, "terms: got dict"),
        (([1, 2, 3], [1, 2, 3]), DataError, "terms: got list"),
        (([1, None, 3], {"x": [1, 2, 3]}), DataError, "scores: missing"),
        (([1, 1, 2, 2], {"x": ["a", "a", "b", "b"]}), NoConvergence, "separates the scores"),
        (([1, 2, 1, 2, 3, 3, 3], {"x": [0, 0, 0, 0, 1, 1, 1]}), NoConvergence, "separates the scores"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        proportional_odds(*args)
