"""gauge_bias against AIAG's example, R and scipy's t tests."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.msa.bias import gauge_bias

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "msa_bias.json").read_text(encoding="utf-8"))
AIAG = REFERENCE["aiag_bias"]
LINE = REFERENCE["cases"]["linearity-aiag"]
X = AIAG["x"]


def test_aiag_range_method():
    """AIAG MSA 4th ed.: the printed interval has the factor d2/d2* that the printed test has not."""
    s = gauge_bias(X, reference=6.0, method="range")
    want, p = AIAG["printed"], s.parts[0]
    assert p.mean == pytest.approx(want["mean"], abs=5e-5)
    assert p.sigma == pytest.approx(want["sigma"], abs=1e-5)
    assert p.statistic == pytest.approx(want["statistic"], abs=1e-3)
    assert p.df == pytest.approx(want["df"], abs=0.1)
    factor = 3.47193 / 3.55333
    low, high = (p.bias.estimate + factor * (v - p.bias.estimate) for v in (p.bias.interval.low, p.bias.interval.high))
    assert (low, high) == pytest.approx((want["low"], want["high"]), abs=2e-4)
    assert p.bias.interval.high > want["high"]


def test_scipy_t_test():
    s = gauge_bias(X, reference=6.0)
    test = stats.ttest_1samp(X, 6.0)
    assert s.pvalue == pytest.approx(test.pvalue, rel=1e-9)
    limits = test.confidence_interval(0.95)
    assert (s.bias.interval.low + 6, s.bias.interval.high + 6) == pytest.approx((limits.low, limits.high), rel=1e-12)


def test_r_by_reference():
    """R 4.2.2: t tests of the five parts of AIAG's linearity data."""
    y, ref = LINE["inputs"]["y"], LINE["inputs"]["ref"]
    s = gauge_bias(y, reference=ref)
    assert [p.bias.estimate for p in s.parts] == pytest.approx(LINE["expected"]["bias"], rel=1e-10)
    assert {p.part: p.statistic for p in s.parts} == pytest.approx(LINE["expected"]["t_bias"], rel=1e-8)
    named = gauge_bias(y, reference={f"p{v}": v for v in (2, 4, 6, 8, 10)}, part=[f"p{v}" for v in ref])
    assert [p.pvalue for p in named.parts] == [p.pvalue for p in s.parts]
    assert "each-by-itself" in {n.code for n in s.notes}


def test_pooled_and_average_by_hand():
    y = [[1.1, 1.2, 0.9], [2.3, 2.5], [3.0, 3.3, 3.1, 3.2]]
    ref = [1.0, 2.0, 3.0]
    flat = [v for row in y for v in row]
    rows = [r for r, row in zip(ref, y, strict=True) for _ in row]
    s = gauge_bias(flat, reference=rows, method="pooled")
    ss = sum(sum((v - sum(row) / len(row)) ** 2 for v in row) for row in y)
    sigma = math.sqrt(ss / 6)
    for p, row, r in zip(s.parts, y, ref, strict=True):
        t = (sum(row) / len(row) - r) / (sigma / math.sqrt(len(row)))
        assert (p.statistic, p.df) == pytest.approx((t, 6))
        assert p.pvalue == pytest.approx(2 * stats.t.sf(abs(t), 6))
    own = gauge_bias(flat, reference=rows)
    pieces = [np.var(row, ddof=1) / len(row) for row in y]
    error = math.sqrt(sum(pieces)) / 3
    df = sum(pieces) ** 2 / sum(v * v / (len(row) - 1) for v, row in zip(pieces, y, strict=True))
    mean = np.mean([np.mean(row) - r for row, r in zip(y, ref, strict=True)])
    assert own.average.estimate == pytest.approx(mean)
    assert own.average_pvalue == pytest.approx(2 * stats.t.sf(abs(mean / error), df))
    assert own.average.interval.high == pytest.approx(mean + error * stats.t.ppf(0.975, df))


def test_known_repeatability():
    s = gauge_bias([10.1, 10.2], reference=10, sigma_repeatability=0.1)
    z = 0.15 / (0.1 / math.sqrt(2))
    assert s.pvalue == pytest.approx(2 * stats.norm.sf(z))
    t = gauge_bias([10.15], reference=10, sigma_repeatability=0.1, df_repeatability=20)
    assert t.pvalue == pytest.approx(2 * stats.t.sf(1.5, 20))
    same = gauge_bias([10.1, 10.1, 10.1], reference=10, sigma_repeatability=0.1)
    assert same.parts[0].statistic == pytest.approx(math.sqrt(3))


def test_not_significant_is_not_small():
    """Few scattered readings: no bias found, yet a bias of twice what is allowed is not excluded."""
    x = [9.0, 11.5, 10.2, 10.9]
    s = gauge_bias(x, reference=10)
    assert s.parts[0].state == "no_bias_found" and "not excluded" in s.parts[0].message
    assert gauge_bias(x, reference=10, allowed=0.5).parts[0].state == "not_shown"
    assert gauge_bias(x, reference=10, allowed=5).shown_small is True
    assert gauge_bias(np.add(x, 9), reference=10, allowed=0.5).parts[0].state == "too_large"
    assert gauge_bias(np.add(x, 9), reference=10).parts[0].state == "biased"
    assert s.shown_small is None


def test_tost_by_scipy():
    """Two one-sided t tests (scipy), the larger p-value."""
    p = gauge_bias(X, reference=6.0, allowed=0.1).parts[0]
    a = stats.ttest_1samp(X, 5.9, alternative="greater").pvalue
    b = stats.ttest_1samp(X, 6.1, alternative="less").pvalue
    assert p.equivalence_pvalue == pytest.approx(max(a, b), rel=1e-9)


def test_percentages():
    p = gauge_bias(X, reference=7.0, spec=(0, 10), sigma_process=0.5).parts[0]
    assert p.percent_tolerance.estimate == pytest.approx(10 * abs(np.mean(X) - 7))
    assert p.percent_process.estimate == pytest.approx(100 * abs(np.mean(X) - 7) / 3)
    assert p.percent_tolerance.interval.low == pytest.approx(-10 * p.bias.interval.high)
    assert gauge_bias(X, reference=6.0, tolerance=1).parts[0].percent_tolerance.interval.low == 0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-9, 9), min_size=2, max_size=12).filter(lambda v: len(set(v)) > 1),
    st.integers(-9, 9),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    st.sampled_from(["t", "pooled", "range"]),
    st.floats(0.1, 9),
)
def test_properties(x, ref, confidence, method, allowed):
    s = gauge_bias(x, reference=ref, confidence=confidence, method=method, allowed=allowed)
    p = s.parts[0]
    assert (p.pvalue < 1 - confidence) == (0 not in p.bias.interval) or p.pvalue == pytest.approx(1 - confidence)
    narrow = gauge_bias(x, reference=ref, confidence=2 * confidence - 1, method=method).bias.interval
    inside = -allowed < narrow.low and narrow.high < allowed
    assert (p.state == "negligible") == inside or p.equivalence_pvalue == pytest.approx(1 - confidence)
    turned = gauge_bias([-v for v in x], reference=-ref, confidence=confidence, method=method).bias
    assert turned.interval.low == pytest.approx(-p.bias.interval.high)
    wide = gauge_bias(x, reference=ref, confidence=0.995, method=method).bias.interval
    assert wide.low <= p.bias.interval.low and p.bias.interval.high <= wide.high
    far = gauge_bias(np.add(x, 1e12), reference=ref + 1e12, confidence=confidence, method=method).parts[0]
    assert far.pvalue == pytest.approx(p.pvalue, rel=1e-9)
    json.loads(s.to_json())


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        ([1, 1, 1], {"reference": 1}, "all equal"),
        ([1, 2], {"reference": None}, "reference: got None"),
        ([1, 2], {"reference": "x"}, "reference: got 'x'"),
        ([1, 2], {"reference": [1, 2, 3]}, "3 values for 2 readings"),
        ([1, 2, 3], {"reference": {"a": 1}, "part": ["a", "a", "b"]}, "no value for part 'b'"),
        ([1, 2], {"reference": {"a": 1}}, "part="),
        ([1, 2], {"reference": [1, 2], "part": ["a", "a"]}, "one is wanted"),
        ([1, 2], {"reference": 1, "part": ["a"]}, "one label each"),
        ([1, 2], {"reference": 1, "part": ["a", None]}, "no label at position 1"),
        ([1, 2], {"reference": 1, "method": "z"}, "method"),
        ([1, 2], {"reference": 1, "method": "range", "sigma_repeatability": 1}, "leave one out"),
        ([1, 2], {"reference": 1, "df_repeatability": 3}, "without sigma_repeatability"),
        ([1, 2], {"reference": 1, "allowed": 0}, "allowed"),
        ([[1, 2], [3, 4]], {"reference": 1}, "dimensions"),
    ],
)
def test_refused(data, options, match):
    with pytest.raises(DataError, match=match):
        gauge_bias(data, **options)


def test_one_reading_of_a_part():
    with pytest.raises(TooFewData, match="part '2' has one reading"):
        gauge_bias([1, 1.1, 2], reference=[1, 1, 2])
    s = gauge_bias([1, 1.1, 2.2], reference=[1, 1, 2], method="pooled")
    assert s.parts[1].df == 1
    with pytest.raises(DataError, match="there are 2"):
        _ = s.bias


def test_frame():
    import pandas as pd

    frame = pd.DataFrame(
        {"y": [1.1, 1.2, 2.1, 2.3, None], "零件": ["甲", "甲", "乙", "乙", "乙"], "ref": [1, 1, 2, 2, 2.0]}
    )
    s = gauge_bias(frame, values="y", reference="ref", part="零件", missing="drop", tolerance=2.0, allowed=1.0)
    assert [p.part for p in s.parts] == ["甲", "乙"] and s.n == 4
    out = s.to_frame()
    assert list(out["reference"]) == [1, 2] and "percent_tolerance" in out
    assert "甲" in s.summary()
    same = gauge_bias(frame, values="y", reference={"甲": 1, "乙": 2}, part="零件", missing="drop")
    assert same.parts[1].bias.estimate == pytest.approx(s.parts[1].bias.estimate)
