"""gauge_type1 against R, the definition written out, and the chances it claims."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import Spec
from qstats.errors import DataError, TooFewData
from qstats.msa.bias import gauge_type1

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "msa_bias.json").read_text(encoding="utf-8"))
CG = REFERENCE["cases"]["cg-2"]
X = CG["inputs"]["x"]


def test_r_quality_tools():
    """qualityTools 1.55 cg() and t.test of R 4.2.2.

    cg() says 6 s but takes the quantiles 0.0027 and 0.9973 of the normal, which lie 5.56 s apart: with that spread the
    numbers agree, with 6 they are 8 % smaller.
    """
    s = gauge_type1(X, reference=10, spec=Spec(9.9, 10.1), spread=2 * stats.norm.ppf(stats.chi2.cdf(9, 1)))
    want = CG["expected"]
    assert s.cg.estimate == pytest.approx(want["Cg"], rel=1e-12)
    assert s.cgk.estimate == pytest.approx(want["Cgk"], rel=1e-12)
    assert s.statistic == pytest.approx(want["t"], rel=1e-10)
    assert s.pvalue == pytest.approx(want["p"], rel=1e-10)
    assert [s.bias.interval.low, s.bias.interval.high] == pytest.approx(want["ci_bias"], rel=1e-9)
    assert s.state == "not_capable"


def test_conventions_change_the_spread_only():
    a = gauge_type1(X, reference=10, tolerance=0.2, convention="minitab")
    b = gauge_type1(X, reference=10, tolerance=0.2, convention="vda")
    c = gauge_type1(X, reference=10, tolerance=0.2, spread=3, k=15)
    s, off = np.std(X, ddof=1), abs(np.mean(X) - 10)
    assert b.cg.estimate == pytest.approx(1.5 * a.cg.estimate, rel=1e-12)
    assert b.cgk.estimate == pytest.approx((0.02 - off) / (2 * s), rel=1e-9)
    assert c.cg.estimate == pytest.approx(0.03 / (3 * s), rel=1e-9)
    assert "4 s" in b.method and "15 %" in c.method
    assert a.percent_repeatability.estimate == pytest.approx(100 * 6 * s / 0.2, rel=1e-9)
    assert a.percent_repeatability_bias.estimate == pytest.approx(20 / a.cgk.estimate, rel=1e-12)


def test_intervals_are_the_chi_square_and_the_noncentral_t():
    """scipy's chi2 and nct: at a lower limit of Cgk the worse side is as extreme as it was seen with chance 2.5 %."""
    s = gauge_type1(X, reference=10, tolerance=0.2)
    n, sd, off = 50, np.std(X, ddof=1), np.mean(X) - 10
    low, high = np.sqrt(stats.chi2.ppf([0.025, 0.975], n - 1) / (n - 1)) * s.cg.estimate
    assert (s.cg.interval.low, s.cg.interval.high) == pytest.approx((low, high), rel=1e-10)
    seen = math.sqrt(n) * (0.02 - abs(off)) / sd
    assert stats.nct.sf(seen, n - 1, math.sqrt(n) * 3 * s.cgk.interval.low) == pytest.approx(0.025, rel=1e-6)
    assert stats.nct.cdf(seen, n - 1, math.sqrt(n) * 3 * s.cgk.interval.high) == pytest.approx(0.0125, rel=1e-6)


@pytest.mark.parametrize(
    ("sd", "off", "state"),
    [(0.3, 0.0, "capable"), (3.0, 0.0, "not_capable"), (1.4, 0.0, "not_shown"), (0.3, 9.9, "not_capable")],
)
def test_states(sd, off, state):
    x = 100 + off + sd * stats.norm.ppf((np.arange(50) + 0.5) / 50)
    s = gauge_type1(np.random.default_rng(0).permutation(x), reference=100, tolerance=60 * 1.0)
    assert s.state == state
    assert s.capable == (state == "capable")
    assert state.split("_")[0] in s.message


def test_notes():
    x = 5 + 0.01 * np.arange(10.0)
    codes = {n.code for n in gauge_type1(x, reference=5, tolerance=0.15).notes}
    assert codes == {"few-readings", "coarse-resolution", "not-random", "bias-uses-all"}
    s = gauge_type1(X, reference=10, tolerance=0.2)
    assert not s.notes and s.order_pvalue > 0.01
    assert s.resolution == pytest.approx(np.diff(np.unique(X)).min())
    assert gauge_type1(X, reference=10, tolerance=0.2, resolution=0.02).percent_resolution == pytest.approx(10)
    poor = gauge_type1(np.add(X, 1), reference=10, tolerance=0.2)
    assert poor.percent_repeatability_bias.estimate == math.inf and "NaN" not in poor.to_json()


def test_von_neumann_ratio_by_hand():
    """E and variance of the ratio: von Neumann (1941); the sum written out."""
    x = [1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 8.0, 7.0]
    m = sum(x) / 8
    ratio = sum((b - a) ** 2 for a, b in itertools.pairwise(x)) / sum((a - m) ** 2 for a in x)
    z = (1 - ratio / 2) / math.sqrt(6 / 63)
    assert gauge_type1(x, reference=4, tolerance=90).order_pvalue == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-50, 50), min_size=3, max_size=30).filter(lambda v: len(set(v)) > 1),
    st.floats(-40, 40),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    st.floats(0.1, 1000),
)
def test_properties(x, ref, confidence, scale):
    s = gauge_type1(x, reference=ref, tolerance=200, confidence=confidence)
    assert (s.pvalue < 1 - confidence) == (0 not in s.bias.interval) or s.pvalue == pytest.approx(1 - confidence)
    assert s.cgk.estimate <= s.cg.estimate * (1 + 1e-12)
    assert s.cgk.estimate in s.cgk.interval and s.cg.estimate in s.cg.interval
    wide = gauge_type1(x, reference=ref, tolerance=200, confidence=0.995)
    for name in ("cg", "cgk", "bias", "sigma"):
        a, b = getattr(s, name).interval, getattr(wide, name).interval
        assert b.low <= a.low and a.high <= b.high
    mirrored = gauge_type1([-v for v in x], reference=-ref, tolerance=200, confidence=confidence)
    assert mirrored.cgk.interval.low == pytest.approx(s.cgk.interval.low, rel=1e-9, abs=1e-9)
    scaled = gauge_type1(np.multiply(x, scale), reference=ref * scale, tolerance=200 * scale, confidence=confidence)
    assert scaled.cgk.interval.high == pytest.approx(s.cgk.interval.high, rel=1e-6, abs=1e-9)
    json.loads(s.to_json())


def test_offset():
    x = np.array([0.0, 0.25, -0.25, 0.5, 0.0, 0.125])
    a = gauge_type1(x, reference=0.125, tolerance=8)
    b = gauge_type1(1e12 + x, reference=1e12 + 0.125, tolerance=8)
    assert b.cgk.estimate == pytest.approx(a.cgk.estimate, rel=1e-12)


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        ([1, 2], {}, "tolerance: nothing came"),
        ([1, 2], {"tolerance": 0}, "tolerance"),
        ([1, 2], {"tolerance": 1, "spec": (0, 1)}, "together"),
        ([1, 2], {"spec": (0, None)}, "one specification limit"),
        ([3, 3, 3], {"tolerance": 1}, "all 3 readings"),
        ([1, "a"], {"tolerance": 1}, "text"),
        ([1, None], {"tolerance": 1}, "missing"),
        ([1, math.inf], {"tolerance": 1}, "finite"),
        ([1, 2e200], {"tolerance": 1}, "overflow"),
        ([1, 2], {"tolerance": 1, "convention": "bosch"}, "convention"),
        ([1, 2], {"tolerance": 1, "k": -1}, "k:"),
        ([1, 2], {"tolerance": 1, "confidence": 95}, "0.95"),
        ([1, 2], {"tolerance": 1, "values": "a"}, "no table"),
        ({"a": [1, 2]}, {"tolerance": 1}, "mapping"),
    ],
)
def test_refused(data, options, match):
    with pytest.raises(DataError, match=match):
        gauge_type1(data, reference=1.0, **options)


def test_refused_reference_and_few():
    for bad in (None, "1", True, math.nan, [1.0]):
        with pytest.raises(DataError, match="reference"):
            gauge_type1([1, 2, 3], reference=bad, tolerance=1)
    with pytest.raises(TooFewData):
        gauge_type1([1.0], reference=1, tolerance=1)


def test_frame_and_views():
    import pandas as pd

    frame = pd.DataFrame({"厚度": [*X, None]})
    s = gauge_type1(frame, values="厚度", reference=10, tolerance=0.2, missing="drop")
    assert s.n == 50 and s.notes[0].code == "missing-dropped"
    assert s.cg.estimate == pytest.approx(0.2 * 0.2 / (6 * np.std(X, ddof=1)))
    assert list(s.to_frame()["quantity"])[:2] == ["Cg", "Cgk"]
    assert "Cgk" in s.summary() and s.lower_line == pytest.approx(9.98)
    with pytest.raises(DataError, match="name the column"):
        gauge_type1(frame, reference=10, tolerance=0.2)
