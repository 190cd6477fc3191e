"""Interrupted series: worked values, a plain transcription of the steps, statsmodels, invariances, bad input."""

import copy
import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, optimize, stats

from qstats import DataError, TooFewData, interrupted_series

EVEN = [31, 22, 27, 35, 24, 19, 28, 30, 26, 33, 21, 25, 18, 15, 22, 14, 19, 16]
RISING = [52, 61, 44, 70, 83, 66, 49, 41, 58, 77, 90, 72, 55, 47, 39, 31, 36, 44, 28, 25, 33, 41, 38, 30]


def test_worked_values() -> None:
    # Two series worked out when the method was derived, to six digits, by a program other than this one.
    r = interrupted_series(EVEN, 1000, step=12)
    assert r.phi == pytest.approx(0.773657, abs=1e-6)
    assert r.estimate == pytest.approx(0.648476, abs=1e-6)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.508952, 0.826368), abs=1e-6)
    assert r.pvalue == pytest.approx(0.00162273, abs=1e-8)
    r = interrupted_series(RISING, np.linspace(900, 1100, 24), step=12)
    assert r.phi == pytest.approx(2.887758, abs=1e-6)
    assert r.estimate == pytest.approx(0.558782, abs=1e-6)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.402366, 0.844796), abs=1e-6)
    assert r.pvalue == pytest.approx(0.0107986, abs=1e-7)
    assert list(r.stress.values()) == pytest.approx([1.1770e-6, 1.2469e-5, 0.000552456], rel=1e-4)
    assert r.second.estimate == pytest.approx(0.527745, abs=1e-6)
    assert (r.second.interval.low, r.second.interval.high) == pytest.approx((0.360076, 0.773488), abs=1e-6)
    assert r.second.pvalue == pytest.approx(0.0129702, abs=1e-6)


def _by_hand(y: Any, e: Any, x: Any, contrast: Any, time: Any) -> tuple[float, tuple[float, float], float]:
    fit = sm.GLM(y, x, family=sm.families.Poisson(), offset=np.log(e)).fit(tol=1e-14, maxiter=200)
    return _steps(fit.params, (y - fit.mu) / np.sqrt(fit.mu), np.sqrt(fit.mu)[:, None] * x, contrast, time)


def _steps(beta: Any, r: Any, b: Any, contrast: Any, time: Any) -> tuple[float, tuple[float, float], float]:
    """The steps one after another with dense matrices, a Cholesky factor and a general root finder."""
    y, nu = r, r.size - b.shape[1]
    phi = float(r @ r) / nu
    hat = b @ np.linalg.inv(b.T @ b) @ b.T
    parts, logs = [], []
    for rho in np.arange(20) * 0.05:
        corr = np.array([[rho ** abs(s - t) for s in time] for t in time])
        k = max(float(np.trace((np.eye(y.size) - hat) @ corr)) / nu, 0.05)
        kappa = max(phi - 1.0, 0.02) / k
        share = kappa / (1.0 + kappa)
        low = linalg.cholesky((1 - share) * np.eye(y.size) + share * corr, lower=True)
        bw, rw = linalg.solve_triangular(low, b, lower=True), linalg.solve_triangular(low, r, lower=True)
        delta = np.linalg.solve(bw.T @ bw, bw.T @ rw)
        s = float(((rw - bw @ delta) ** 2).sum())
        v = max(s / nu, 1.0) * np.linalg.inv(bw.T @ bw)
        parts.append((float(contrast @ (beta + delta)), math.sqrt(float(contrast @ v @ contrast))))
        prior = 0.5 if rho == 0 else 0.5 * rho / 9.5
        logs.append(
            -np.log(np.diag(low)).sum() - 0.5 * np.linalg.slogdet(bw.T @ bw)[1] - nu / 2 * math.log(s) + math.log(prior)
        )
    w = np.exp(np.array(logs) - max(logs))
    w /= w.sum()

    def cdf(v: float) -> float:
        return float(sum(a * stats.t.cdf((v - m) / s, nu) for a, (m, s) in zip(w, parts, strict=True)))

    low, mid, high = (optimize.brentq(lambda v, q=q: cdf(v) - q, -9, 9, xtol=1e-13) for q in (0.025, 0.5, 0.975))
    return math.exp(mid), (math.exp(low), math.exp(high)), 2 * min(cdf(0.0), 1 - cdf(0.0))


@pytest.mark.parametrize("trend", [False, True])
@pytest.mark.parametrize("gap", [False, True])
def test_equals_the_steps_by_hand(trend: bool, gap: bool) -> None:
    rng = np.random.default_rng(3 + trend)
    e = rng.uniform(800, 1200, 30)
    y = rng.poisson(0.02 * e * np.exp(rng.normal(0, 0.3, 30)))
    use = np.ones(30, dtype=bool)
    use[[17, 18]] = not gap
    r = interrupted_series(y, e, step=18, trend=trend, harmonics=1, use=use)
    time = np.arange(30.0)[use]
    columns = [np.ones(time.size)] + ([time - time.mean()] if trend else [])
    columns += [np.sin(2 * np.pi * time / 12), np.cos(2 * np.pi * time / 12), (time >= 18) * 1.0]
    x = np.column_stack(columns)
    contrast = np.zeros(x.shape[1])
    contrast[-1] = 1.0
    estimate, limits, p = _by_hand(y[use], e[use], x, contrast, time)
    assert r.estimate == pytest.approx(estimate, rel=1e-7)
    assert (r.interval.low, r.interval.high) == pytest.approx(limits, rel=1e-7)
    assert r.pvalue == pytest.approx(p, rel=1e-7)
    assert np.isnan(r.expected[17]) == gap


def test_with_a_control_equals_the_steps_by_hand() -> None:
    rng = np.random.default_rng(12)
    shared = np.exp(np.cumsum(rng.normal(0, 0.2, 30)))  # what both live through, as wild as it likes
    e, e0 = rng.uniform(800, 1200, 30), rng.uniform(4000, 6000, 30)
    late = np.arange(30) >= 18
    y = rng.poisson(0.03 * e * shared * np.where(late, 0.6, 1.0) * np.exp(rng.normal(0, 0.15, 30)))
    y0 = rng.poisson(0.02 * e0 * shared)
    r = interrupted_series(y, e, step=18, control=y0, control_exposure=e0)
    x = np.column_stack([np.ones(30), late * 1.0])
    both = np.column_stack([y, y0])
    fit = sm.GLM(both, x, family=sm.families.Binomial(), offset=np.log(e / e0)).fit(tol=1e-14, maxiter=200)
    p, n = fit.mu, (y + y0).astype(float)
    sd = np.sqrt(n * p * (1 - p))
    estimate, limits, pvalue = _steps(
        fit.params, (y - n * p) / sd, sd[:, None] * x, np.array([0.0, 1.0]), np.arange(30.0)
    )
    assert r.effect == "rate_ratio_ratio"
    assert r.estimate == pytest.approx(estimate, rel=1e-6)
    assert (r.interval.low, r.interval.high) == pytest.approx(limits, rel=1e-6)
    assert r.pvalue == pytest.approx(pvalue, rel=1e-5)
    alone = interrupted_series(y, e, step=18)
    assert r.interval.high / r.interval.low < alone.interval.high / alone.interval.low
    assert 0.6 in r.interval
    np.testing.assert_allclose(r.expected / (y0 / e0), r.expected[0] / (y0 / e0)[0])


def test_change_of_slope_is_the_mean_effect() -> None:
    rng = np.random.default_rng(9)
    y = rng.poisson(60 * np.exp(-0.03 * np.maximum(np.arange(40) - 24, 0)))
    r = interrupted_series(y, 1000, step=24, slope=True)
    since = np.arange(16)
    fit = sm.GLM(
        y, np.column_stack([np.ones(40), np.maximum(np.arange(40) - 24, 0), np.arange(40) >= 24]),
        family=sm.families.Poisson(),
    ).fit()  # fmt: skip
    assert math.log(r.estimate) == pytest.approx(fit.params[2] + since.mean() * fit.params[1], abs=0.02)


@given(st.integers(0, 10_000), st.sampled_from(["two-sided", "less", "greater"]), st.floats(0.5, 2.0),
       st.floats(0.5, 0.99))  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_p_below_alpha_iff_null_outside(seed: int, alternative: str, null: float, confidence: float) -> None:
    rng = np.random.default_rng(seed)
    y = rng.poisson(12 * np.exp(rng.normal(0, 0.3, 20)))
    r = interrupted_series(y, step=11, null=null, alternative=alternative, confidence=confidence)
    for c in (r, r.second):
        assert (c.pvalue < 1 - confidence) == (null not in c.interval) or abs(c.pvalue - 1 + confidence) < 1e-9


def test_units_of_exposure_and_mirrored_time_change_nothing() -> None:
    a = interrupted_series(RISING, 1000, step=12)
    b = interrupted_series(RISING, 0.001, step=12)
    assert (a.estimate, a.pvalue) == pytest.approx((b.estimate, b.pvalue), rel=1e-9)
    turned = interrupted_series(RISING[::-1], 1000, step=12)
    assert turned.estimate == pytest.approx(1 / a.estimate, rel=1e-8)
    assert turned.pvalue == pytest.approx(a.pvalue, rel=1e-8)


def test_strength() -> None:
    assert interrupted_series(RISING, 1000, step=12).strength == "verified"
    assert interrupted_series(EVEN, 1000, step=12).strength == "confirmed"  # 18 periods are too few for more
    assert interrupted_series([20, 22, 18, 21, 19, 20, 23, 17] * 3, 1000, step=12).strength == "none"
    short = interrupted_series([50, 51, 49, 52, 50, 48, 20, 21, 19, 20, 22, 21], 1000, step=6)
    assert short.strength == "indicated"
    assert "short-series" in {n.code for n in short.notes}
    up = interrupted_series(RISING[12:] + RISING[:12], 1000, step=12)
    assert up.estimate > 1
    assert up.strength != "none"


def test_result() -> None:
    r = interrupted_series(RISING, 1000, step=12)
    back = json.loads(r.to_json())
    assert back["schema"] == "qstats.interrupted_series/1"
    assert back["stress"]["0.6"] == r.stress[0.6]
    assert (r.low < r.expected).all()
    assert (r.expected < r.high).all()
    assert r.detectable < 1
    assert "second opinion" in r.summary()


@pytest.mark.parametrize(
    ("options", "error", "word"),
    [
        ({"step": 0}, DataError, "step"),
        ({"step": 23}, TooFewData, "1 periods after"),
        ({"step": 12.5}, DataError, "whole number"),
        ({"step": 12, "harmonics": 3}, DataError, "harmonics"),
        ({"step": 12, "use": [True] * 3}, DataError, "use"),
        ({"step": 20, "slope": True}, TooFewData, "slope"),
        ({"step": 12, "exposure": 0}, DataError, "exposure"),
        ({"step": 12, "null": 0.0}, DataError, "null"),
        ({"step": 12, "alternative": "lower"}, DataError, "alternative"),
        ({"step": 12, "period": 2}, DataError, "period"),
        ({"step": 12, "control": [1, 2]}, DataError, "control: 2 periods"),
        ({"step": 12, "control": [0] * 24}, TooFewData, "control: no event"),
        ({"step": 12, "control_exposure": 5}, DataError, "control_exposure"),
    ],
)
def test_refused(options: dict[str, Any], error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        interrupted_series(RISING, **{"exposure": 1000, **options})


def test_a_phase_without_events_belongs_to_the_exact_test() -> None:
    with pytest.raises(TooFewData, match="no event after"):
        interrupted_series([3] * 12 + [0] * 12, 100, step=12)
    with pytest.raises(TooFewData, match="9 periods for 2 coefficients"):
        interrupted_series([3, 4, 5, 6, 3, 4, 2, 1, 2], 100, step=5)
    with pytest.raises(DataError, match="counts"):
        interrupted_series([1.5] * 24, 100, step=12)


def test_mappings_cannot_be_changed_and_survive_a_copy() -> None:
    r = interrupted_series(EVEN, 1000, step=12)
    for held in (r.stress, r.coefficients):
        with pytest.raises(TypeError, match="item assignment"):
            held[next(iter(held))] = 0.0  # type: ignore[index]
    for again in (pickle.loads(pickle.dumps(r)), copy.deepcopy(r)):
        assert again.to_json() == r.to_json()
        assert (again.stress, again.coefficients) == (r.stress, r.coefficients)
