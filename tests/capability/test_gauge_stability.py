"""gauge_stability against scipy's regressions, F and t tests, and the charts themselves."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import individuals, xbar_r
from qstats.capability.measured import gauge_stability
from qstats.errors import DataError, TooFewData

X = 6 + 0.2 * np.random.default_rng(4).normal(size=(20, 5))


def test_scipy_regression_and_tests():
    s = gauge_stability(X, reference=6.0)
    means, order = X.mean(axis=1), np.arange(1, 21)
    line = stats.linregress(order, means)
    assert s.drift.estimate == pytest.approx(line.slope, rel=1e-9)
    assert s.drift_pvalue == pytest.approx(line.pvalue, rel=1e-8)
    reach = stats.t.ppf(0.975, 18) * line.stderr
    assert s.drift.interval.high == pytest.approx(line.slope + reach, rel=1e-8)
    assert s.drift_total.estimate == pytest.approx(19 * line.slope, rel=1e-9)
    assert s.line == pytest.approx(line.intercept + line.slope * order, rel=1e-10)
    f = stats.f_oneway(*X)
    assert (s.between_statistic, s.between_pvalue) == pytest.approx((f.statistic, f.pvalue), rel=1e-8)
    t = stats.ttest_1samp(means, 6.0)
    assert s.bias_pvalue == pytest.approx(t.pvalue, rel=1e-7)
    assert s.bias.interval.low == pytest.approx(t.confidence_interval(0.95).low - 6, rel=1e-6)
    spread = stats.linregress(order, X.std(axis=1, ddof=1))
    assert s.sigma_pvalue == pytest.approx(spread.pvalue, rel=1e-7)
    assert s.sigma_drift.estimate == pytest.approx(spread.slope, rel=1e-7)
    chart = xbar_r(X)
    assert s.chart.kind == "xbar_r" and s.sigma == chart.limits.sigma and s.in_control == chart.in_control
    assert s.state == "stable" and "not excluded" in s.message


def test_single_values():
    x = X[:, 0]
    s = gauge_stability(x)
    assert s.chart.kind == "individuals" and s.sigma == individuals(x).limits.sigma
    assert s.drift_pvalue == pytest.approx(stats.linregress(np.arange(20), x).pvalue, rel=1e-8)
    moves = np.abs(np.diff(x))[::2] * math.sqrt(math.pi) / 2
    assert s.sigma_pvalue == pytest.approx(stats.linregress(np.arange(10), moves).pvalue, rel=1e-7)
    assert s.bias is None and s.between_pvalue is None


def test_states():
    steady = X - X.mean(axis=1, keepdims=True) + 6 + 0.05 * np.tile([1, -1], 10)[:, None]
    assert gauge_stability(steady).state == "stable"
    drifting = gauge_stability(steady + 0.02 * np.arange(20)[:, None], reference=6)
    assert drifting.state == "drifting" and drifting.drift.interval.low > 0
    jump = steady.copy()
    jump[10] += 2
    shaken = gauge_stability(jump)
    assert shaken.state == "unstable" and not shaken.in_control
    assert "between-times" in {n.code for n in shaken.notes}
    growing = (X - 6) * np.linspace(0.1, 3, 20)[:, None]
    assert "sigma-changes" in {n.code for n in gauge_stability(growing).notes}
    assert "few-points" in {n.code for n in gauge_stability(X[:5]).notes}


def test_forms_agree():
    import pandas as pd

    frame = pd.DataFrame({"值": X.ravel(), "日": np.repeat(np.arange(20), 5)})
    a = gauge_stability(X, reference=6)
    for b in (
        gauge_stability(frame, values="值", by="日", reference=6),
        gauge_stability(X.ravel(), size=5, reference=6),
        gauge_stability(frame.sample(frac=1, random_state=1), values="值", by="日", order_by="日", reference=6),
    ):
        assert b.drift_pvalue == pytest.approx(a.drift_pvalue, rel=1e-9)
        assert b.between_pvalue == pytest.approx(a.between_pvalue, rel=1e-8)
    gaps = frame.copy()
    gaps.loc[3, "值"] = np.nan
    c = gauge_stability(gaps, values="值", by="日", missing="drop")
    assert c.n == 99 and c.points == 20
    single = gauge_stability([1.0, 1.2, None, 1.1, 1.3, 1.2, 1.0], missing="drop")
    assert single.points == 6
    want = stats.linregress([1, 2, 4, 5, 6, 7], [1.0, 1.2, 1.1, 1.3, 1.2, 1.0])
    assert single.drift_pvalue == pytest.approx(want.pvalue, rel=1e-8)
    assert gauge_stability(np.random.default_rng(1).normal(size=(9, 12))).chart.kind == "xbar_s"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-20, 20), min_size=5, max_size=30).filter(lambda v: len(set(v[:5])) > 2),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_properties(x, confidence):
    s = gauge_stability(x, reference=0.5, confidence=confidence)
    assert (s.drift_pvalue < 1 - confidence) == (0 not in s.drift.interval) or s.drift_pvalue == pytest.approx(
        1 - confidence
    )
    assert (s.bias_pvalue < 1 - confidence) == (0 not in s.bias.interval) or s.bias_pvalue == pytest.approx(
        1 - confidence
    )
    turned = gauge_stability([-v for v in x], reference=-0.5, confidence=confidence)
    assert turned.drift.interval.low == pytest.approx(-s.drift.interval.high, abs=1e-9)
    far = gauge_stability(np.add(x, 1e9), reference=1e9 + 0.5, confidence=confidence)
    assert far.bias_pvalue == pytest.approx(s.bias_pvalue, rel=1e-5, abs=1e-9)
    json.loads(s.to_json())


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        ([1, 1, 1, 1], {}, "all readings"),
        ([1, 2, "x"], {}, "text"),
        ([1, 2, math.nan, 3], {}, "missing"),
        ([1, 2, 3, 4], {"reference": "a"}, "reference"),
        ([1, 2, 3, 4], {"confidence": 2}, "confidence"),
        ([1, 2, 3, 4], {"rules": "x"}, "rules"),
    ],
)
def test_refused(data, options, match):
    with pytest.raises(DataError, match=match):
        gauge_stability(data, **options)


def test_few_points():
    with pytest.raises(TooFewData):
        gauge_stability([[1, 2], [2, 3]])
    assert gauge_stability(X).to_frame().shape == (20, 4)
    assert "drift" in gauge_stability(X).summary()
