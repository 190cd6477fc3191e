"""gauge_linearity against R and AIAG's printed example, statsmodels and sums written out."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.msa.bias import gauge_linearity

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "msa_bias.json").read_text(encoding="utf-8"))
CASE = REFERENCE["cases"]["linearity-aiag"]
REF, Y = CASE["inputs"]["ref"], CASE["inputs"]["y"]


def test_r_and_aiag():
    """R 4.2.2 lm; AIAG MSA 4th ed. prints slope -0.1317, intercept 0.7367, t -12.043 and 10.158, R squared 71.4 %."""
    s, want = gauge_linearity(Y, reference=REF), CASE["expected"]
    assert [s.intercept.estimate, s.slope.estimate] == pytest.approx(want["coef"], rel=1e-10)
    assert [s.intercept_statistic, s.slope_statistic] == pytest.approx(want["t"], rel=1e-8)
    assert [s.intercept_pvalue, s.slope_pvalue] == pytest.approx(want["p"], rel=1e-7)
    assert s.sigma == pytest.approx(want["s"], rel=1e-10)
    assert s.r_squared == pytest.approx(want["r2"], rel=1e-10)
    band = np.column_stack([s.part_fit, s.part_low, s.part_high])
    assert band == pytest.approx(np.array(want["conf"]["values"]), rel=1e-9)
    assert s.part_bias == pytest.approx(want["bias"], rel=1e-9)
    assert s.part_n.tolist() == [12] * 5
    assert not s.zero_in_band and s.state == "biased"
    assert s.percent_linearity.estimate == pytest.approx(13.17, abs=0.005)
    assert (round(s.slope.estimate, 4), round(s.intercept.estimate, 4)) == (-0.1317, 0.7367)


def test_statsmodels_joint_and_intervals():
    b = np.subtract(Y, REF)
    m = sm.OLS(b, sm.add_constant(np.array(REF, dtype=float))).fit()
    s = gauge_linearity(Y, reference=REF, confidence=0.9)
    f = m.f_test(np.eye(2))
    assert s.joint_statistic == pytest.approx(float(f.fvalue), rel=1e-9)
    assert s.joint_pvalue == pytest.approx(float(f.pvalue), rel=1e-6)
    limits = m.conf_int(0.1)
    assert (s.intercept.interval.low, s.intercept.interval.high) == pytest.approx(tuple(limits[0]), rel=1e-9)
    assert (s.slope.interval.low, s.slope.interval.high) == pytest.approx(tuple(limits[1]), rel=1e-9)


def test_lack_of_fit_by_nested_models():
    """F of the model with a mean for each part against the line: statsmodels' comparison of the two."""
    b = np.subtract(Y, REF)
    line = sm.OLS(b, sm.add_constant(np.array(REF, dtype=float))).fit()
    full = sm.OLS(b, np.equal.outer(REF, np.unique(REF)).astype(float)).fit()
    f, p, _ = full.compare_f_test(line)
    s = gauge_linearity(Y, reference=REF)
    assert s.lack_of_fit_statistic == pytest.approx(f, rel=1e-8)
    assert s.lack_of_fit_pvalue == pytest.approx(p, rel=1e-6)
    bent = gauge_linearity(np.array(REF) + 0.1 * (np.array(REF) - 6.0) ** 2 + np.tile([0.1, -0.1], 30), reference=REF)
    assert "lack-of-fit" in {n.code for n in bent.notes}


def test_spread_by_regression_of_deviations():
    rng = np.random.default_rng(3)
    ref = np.repeat([1.0, 2, 4, 8, 16], 10)
    y = ref + rng.normal(size=50) * ref * 0.05
    s = gauge_linearity(y, reference=ref)
    b = y - ref
    away = np.concatenate([np.abs(b[ref == r] - np.median(b[ref == r])) for r in np.unique(ref)])
    assert s.spread_pvalue == pytest.approx(stats.linregress(ref, away).pvalue, rel=1e-7)
    assert "uneven-spread" in {n.code for n in s.notes}


def test_equivalence_over_the_range():
    """Four one-sided t tests at the two ends, by statsmodels' predictions."""
    b = np.subtract(Y, REF)
    m = sm.OLS(b, sm.add_constant(np.array(REF, dtype=float))).fit()
    ends = np.array([[1, 2.0], [1, 10.0]])
    p = max(m.t_test((row, a)).tvalue.item() * sign for row in ends for a, sign in ((1.0, 1), (-1.0, -1)))
    s = gauge_linearity(Y, reference=REF, allowed=1.0)
    assert s.equivalence_pvalue == pytest.approx(stats.t.cdf(p, 58), rel=1e-6)
    assert s.state == "negligible"
    assert gauge_linearity(Y, reference=REF, allowed=0.5).state == "not_shown"


def test_process_and_tolerance():
    s = gauge_linearity(Y, reference=REF, sigma_process=2.5, tolerance=8)
    assert s.linearity.estimate == pytest.approx(15 * 0.1316666666666666)
    assert s.linearity_tolerance.estimate == pytest.approx(8 * 0.1316666666666666)
    assert s.linearity.interval.low == pytest.approx(-15 * s.slope.interval.high)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(-20, 20)), min_size=5, max_size=25).filter(
        lambda v: len({a for a, _ in v}) > 1
    ),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
)
def test_properties(pairs, confidence):
    ref, b = np.array(pairs, dtype=float).T
    try:
        s = gauge_linearity(ref + b, reference=ref, confidence=confidence)
    except DataError as e:
        assert "on one line" in str(e)
        return
    for e, p in ((s.slope, s.slope_pvalue), (s.intercept, s.intercept_pvalue)):
        assert (p < 1 - confidence) == (0 not in e.interval) or p == pytest.approx(1 - confidence)
    out = (s.part_low > 0) | (s.part_high < 0)
    assert ((s.part_pvalue < 1 - confidence) == out).all() or np.isclose(s.part_pvalue, 1 - confidence).any()
    turned = gauge_linearity(-ref - b, reference=-ref, confidence=confidence)
    assert turned.slope.estimate == pytest.approx(s.slope.estimate, abs=1e-12)
    assert turned.intercept.estimate == pytest.approx(-s.intercept.estimate, abs=1e-9)
    shifted = gauge_linearity(ref + b + 1e6, reference=ref + 1e6, confidence=confidence)
    assert shifted.slope.interval.low == pytest.approx(s.slope.interval.low, rel=1e-6, abs=1e-8)
    shuffled = np.random.default_rng(0).permutation(ref.size)
    again = gauge_linearity((ref + b)[shuffled], reference=ref[shuffled], confidence=confidence)
    assert again.joint_pvalue == pytest.approx(s.joint_pvalue, rel=1e-8, abs=1e-12)
    json.loads(s.to_json())


@pytest.mark.parametrize(
    ("y", "ref", "match"),
    [
        ([1, 2, 3], [2, 2, 2], "gauge_bias"),
        ([1.5, 2.5, 3.5, 4.5], [1, 2, 3, 4], "on one line"),
        ([1, 2, 3], [1, 2], "2 values for 3"),
        ([1, 2, "x"], [1, 2, 3], "text"),
        ([1, math.nan, 3], [1, 2, 3], "missing"),
        ([1, 2, 3], [1, 2, 1e200], "overflow"),
    ],
)
def test_refused(y, ref, match):
    with pytest.raises(DataError, match=match):
        gauge_linearity(y, reference=ref)


def test_few_and_views():
    with pytest.raises(TooFewData):
        gauge_linearity([1, 2], reference=[1, 2])
    s = gauge_linearity(Y, reference=REF)
    assert s.to_frame().shape == (5, 8)
    assert "slope" in s.summary()
    assert s.grid.size == 101 and s.grid[[0, -1]].tolist() == [2, 10]
    with pytest.raises(ValueError):
        s.grid[0] = 1
    two = gauge_linearity([1, 1.1, 1.3], reference=[1, 1, 2])
    assert two.lack_of_fit_pvalue is None and two.df == 1
