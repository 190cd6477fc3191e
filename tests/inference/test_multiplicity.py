"""Adjusted p-values: R's p.adjust, statsmodels, and the definitions."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from qstats.errors import DataError, TooFewData
from qstats.inference.multiplicity import adjust_pvalues, holm

CASES = json.loads((Path(__file__).parents[1] / "reference" / "voice_nps.json").read_text(encoding="utf-8"))["cases"]
STATSMODELS = {
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "bonferroni": "bonferroni",
    "bh": "fdr_bh",
    "by": "fdr_by",
}
METHODS = (*STATSMODELS, "fixed_sequence")
pvalues = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


@pytest.mark.parametrize("column", range(6))
def test_equals_r(column):
    case = next(c for c in CASES if c["id"] == "padjust-2")  # R 4.2.2 p.adjust
    name = case["expected"]["colnames"][column]
    expected = np.array(case["expected"]["values"])[:, column]
    r = adjust_pvalues(case["inputs"]["p"], method=name.lower())
    np.testing.assert_allclose(r.adjusted, expected, rtol=1e-13)


@pytest.mark.parametrize("method", STATSMODELS)
@settings(max_examples=60)
@given(p=pvalues)
def test_equals_statsmodels(method, p):
    if len(p) == 1 and method == "hommel":
        p = [*p, 1.0]  # statsmodels 0.14 has no Hommel of one
    expected = multipletests(p, method=STATSMODELS[method])[1]
    np.testing.assert_allclose(adjust_pvalues(p, method=method).adjusted, expected, rtol=1e-12, atol=1e-300)


@settings(max_examples=30)
@given(p=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=7))
def test_hommel_is_closed_testing_with_simes(p):
    # Hommel (1988): a hypothesis falls when Simes' test rejects every intersection that holds it.
    expected = []
    for i in range(len(p)):
        worst = 0.0
        for size in range(1, len(p) + 1):
            for group in itertools.combinations(range(len(p)), size):
                if i in group:
                    ordered = sorted(p[j] for j in group)
                    worst = max(worst, min(size * v / (rank + 1) for rank, v in enumerate(ordered)))
        expected.append(min(worst, 1.0))
    np.testing.assert_allclose(adjust_pvalues(p, method="hommel").adjusted, expected, rtol=1e-12, atol=1e-300)


def test_fixed_sequence_stops_at_the_first_failure():
    r = adjust_pvalues([0.01, 0.2, 0.001], method="fixed_sequence")
    assert r.adjusted.tolist() == [0.01, 0.2, 0.2]
    assert r.rejected().tolist() == [True, False, False]


@given(pvalues)
def test_order_of_strength(p):
    a = {m: adjust_pvalues(p, method=m).adjusted for m in METHODS}
    slack = 1e-12
    assert (a["bonferroni"] >= a["holm"] - slack).all()
    assert (a["holm"] >= a["hochberg"] - slack).all()
    assert (a["hochberg"] >= a["hommel"] - slack).all()
    assert (a["hommel"] >= a["bh"] - slack).all()
    assert (a["by"] >= a["bh"] - slack).all()
    for adjusted in a.values():
        assert (adjusted >= np.array(p) - slack).all()
        assert ((adjusted >= 0) & (adjusted <= 1)).all()


@given(pvalues, st.randoms())
def test_relabelling(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for method in STATSMODELS:
        there = adjust_pvalues(p, method=method).adjusted[order]
        np.testing.assert_array_equal(there, adjust_pvalues([p[i] for i in order], method=method).adjusted)


def test_result():
    r = adjust_pvalues([0.01, 0.04])
    assert len(r) == 2
    assert r.to_dict()["adjusted"] == [0.02, 0.04]
    assert list(r.to_frame()["adjusted"]) == [0.02, 0.04]
    assert "family-wise" in str(r)
    assert not r.adjusted.flags.writeable
    assert r.rejected(0.03).tolist() == [True, False]
    np.testing.assert_array_equal(holm(np.array([0.01, 0.04])), r.adjusted)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([0.1, float("nan")], "missing"),
        ([0.1, 1.2], "1.2 at position 1"),
        ([-0.1], "from 0 to 1"),
        (["0.1"], "text"),
    ],
)
def test_bad_pvalues(bad, words):
    with pytest.raises(DataError, match=words):
        adjust_pvalues(bad)


def test_nothing_and_unknown():
    with pytest.raises(TooFewData):
        adjust_pvalues([])
    with pytest.raises(DataError, match="method"):
        adjust_pvalues([0.1], method="tukey")
    with pytest.raises(DataError, match="alpha"):
        adjust_pvalues([0.1]).rejected(5)
