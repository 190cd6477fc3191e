"""Interrupted series of means and of shares: the steps by hand, statsmodels, invariances, bad input."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from qstats import DataError, TooFewData, interrupted_means, interrupted_series

_FILE = Path(__file__).with_name("test_interrupted_series.py")
_SPEC = importlib.util.spec_from_file_location("steps_by_hand", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
_HAND: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_HAND)

LATE = (np.arange(30) >= 18) * 1.0
X = np.column_stack([np.ones(30), LATE])
CONTRAST = np.array([0.0, 1.0])


def _values(seed: int = 8) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    se = rng.uniform(1.0, 3.0, 30)
    return 2.0 + 0.6 * LATE + 0.1 * (rng.normal(0.0, 2.0, 30) + rng.normal(0.0, se)), 0.1 * se


def test_means_equal_the_steps_by_hand() -> None:
    mean, se = _values()
    fit = sm.WLS(mean, X, weights=se**-2.0).fit()
    steps = _HAND._steps(fit.params, fit.resid / se, X / se[:, None], CONTRAST, np.arange(30.0))
    r = interrupted_means(mean, se, step=18)
    estimate, limits, p = steps  # exponentiated there
    assert r.effect == "mean_difference"
    assert r.estimate == pytest.approx(np.log(estimate), rel=1e-7)
    assert (r.interval.low, r.interval.high) == pytest.approx(tuple(np.log(limits)), rel=1e-7)
    assert r.pvalue == pytest.approx(p, rel=1e-6)
    up = interrupted_means(mean, se, step=18, log=True)
    assert up.effect == "geometric_mean_ratio"
    assert (up.estimate, up.interval.low, up.pvalue) == pytest.approx((estimate, limits[0], p), rel=1e-6)


def test_shares_equal_the_steps_by_hand() -> None:
    rng = np.random.default_rng(9)
    n = rng.integers(150, 250, 30)
    y = rng.binomial(n, np.clip(0.3 * np.exp(rng.normal(0, 0.2, 30)) * np.where(LATE > 0, 0.6, 1.0), 0, 0.9))
    share = np.where(LATE > 0, y[LATE > 0].sum() / n[LATE > 0].sum(), y[LATE == 0].sum() / n[LATE == 0].sum())
    beta = np.array([np.log(share[0]), np.log(share[-1] / share[0])])  # a level of its own in each phase: no search
    sd = np.sqrt(n * share * (1 - share))
    design = (n * share / sd)[:, None] * X
    estimate, limits, p = _HAND._steps(beta, (y - n * share) / sd, design, CONTRAST, np.arange(30.0))
    r = interrupted_series(y, step=18, size=n)
    assert r.effect == "risk_ratio"
    assert r.estimate == pytest.approx(estimate, rel=1e-6)
    assert (r.interval.low, r.interval.high) == pytest.approx(limits, rel=1e-6)
    assert r.pvalue == pytest.approx(p, rel=1e-5)
    assert np.nanmax(r.fitted) < 1.0


def test_rare_shares_are_rates() -> None:
    y = [31, 22, 27, 35, 24, 19, 28, 30, 26, 33, 21, 25, 18, 15, 22, 14, 19, 16]
    share, rate = interrupted_series(y, step=12, size=10**7), interrupted_series(y, 10**7, step=12)
    assert share.estimate == pytest.approx(rate.estimate, rel=1e-5)
    assert share.interval.low == pytest.approx(rate.interval.low, rel=1e-4)


def test_shift_scale_and_sign() -> None:
    mean, se = _values()
    plain = interrupted_means(mean, se, step=18)
    assert interrupted_means(mean + 1e12, se, step=18).estimate == pytest.approx(plain.estimate, abs=1e-3)
    assert interrupted_means(mean + 1e6, se, step=18).estimate == pytest.approx(plain.estimate, rel=1e-8)
    big = interrupted_means(1e9 * mean, 1e9 * se, step=18)
    assert (big.estimate, big.pvalue) == pytest.approx((1e9 * plain.estimate, plain.pvalue), rel=1e-6)
    turned = interrupted_means(-mean, se, step=18)
    assert (turned.interval.low, turned.interval.high) == pytest.approx((-plain.interval.high, -plain.interval.low))
    assert turned.strength == plain.strength


def test_pvalue_and_interval_invert_each_other() -> None:
    mean, se = _values(3)
    r = interrupted_means(mean, se, step=18)
    for limit in (r.interval.low, r.interval.high):
        assert interrupted_means(mean, se, step=18, null=limit).pvalue == pytest.approx(0.05, abs=1e-6)
    assert r.interval.low < interrupted_means(mean, se, step=18, confidence=0.5).interval.low


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: interrupted_means([1.0] * 20, [0.0] * 20, step=10), DataError, "standard error of zero"),
        (lambda: interrupted_means([1.0] * 20, [1.0] * 19, step=10), DataError, "19 entries for 20 means"),
        (lambda: interrupted_means([1.0] * 9, [1.0] * 9, step=5), TooFewData, "mean: 9 periods"),
        (lambda: interrupted_means([1.0] * 20, [1.0] * 20, step=0), DataError, "step"),
        (lambda: interrupted_means([np.nan] * 20, [1.0] * 20, step=10), DataError, "mean"),
        (lambda: interrupted_means([1.0] * 20, [1.0] * 20, step=10, log=True, null=0.0), DataError, "null"),
        (lambda: interrupted_series([5] * 20, step=10, size=[4] * 20), DataError, "fewer cases than counted"),
        (lambda: interrupted_series([5] * 20, 100, step=10, size=[9] * 20), DataError, "no exposure and no control"),
    ],
)
def test_bad_input_is_named(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
