"""Segments and groups: each against its own computation, Holm and shrinkage against statsmodels."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from qstats.errors import DataError, TooFewData
from qstats.voice.nps.compare import compare_nps
from qstats.voice.nps.groups import compare_nps_groups
from qstats.voice.nps.one import nps
from qstats.voice.nps.segments import shrink


def make(seed=1, n=400):
    rng = np.random.default_rng(seed)
    seg = rng.choice(["Süd", "北京", "north", "tiny"], n, p=[0.4, 0.3, 0.29, 0.01])
    score = np.clip(rng.integers(0, 11, n) + 3 * (seg == "北京"), 0, 10)
    return pd.DataFrame({"score": score, "seg": seg, "w": rng.uniform(1, 3, n)})


@pytest.mark.parametrize("weight", [None, "w"])
def test_each_segment_is_computed_alone(weight):
    data = make()
    r = nps(data, values="score", by="seg", weight=weight)
    assert r.segments == tuple(sorted(set(data["seg"])))
    for i, name in enumerate(r.segments):
        inside = data["seg"] == name
        own = nps(data[inside], values="score", weight=weight)
        rest = nps(data[~inside], values="score", weight=weight)
        assert r.estimate[i] == pytest.approx(own.estimate)
        assert (r.interval.low[i], r.interval.high[i]) == pytest.approx((own.interval.low, own.interval.high), abs=1e-8)
        both = compare_nps(own, rest)
        assert r.difference[i] == pytest.approx(both.estimate)
        assert r.pvalue[i] == pytest.approx(both.pvalue, rel=1e-6)
        assert (r.detractors[i], r.passives[i], r.promoters[i]) == (own.detractors, own.passives, own.promoters)
    np.testing.assert_allclose(r.adjusted, multipletests(r.pvalue, method="holm")[1], rtol=1e-12)
    assert r.total.estimate == pytest.approx(nps(data, values="score", weight=weight).estimate)
    assert r.adjusted[r.segments.index("北京")] < 0.01


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-0.9, 0.9), st.floats(0.001, 0.1)), min_size=2, max_size=8))
def test_shrinkage(pairs):
    e, v = (np.array(x) for x in zip(*pairs, strict=True))
    shrunk, spread = shrink(e, v)
    # DerSimonian & Laird (1986), as statsmodels computes it; then a normal posterior mean per segment.
    with np.errstate(all="ignore"):  # statsmodels takes roots of its negative spreads
        r = combine_effects(e, v, method_re="chi2")
    tau2 = max(0.0, r.tau2)
    assert spread**2 == pytest.approx(tau2, abs=1e-12)
    w = [1 / (tau2 + x) for x in v]
    mean = sum(a * b for a, b in zip(w, e, strict=True)) / sum(w)
    expected = [(tau2 * a + b * mean) / (tau2 + b) for a, b in zip(e, v, strict=True)]
    np.testing.assert_allclose(shrunk, expected, atol=1e-10)


def test_small_segments_are_drawn_in():
    data = pd.DataFrame(
        {"s": [10] * 2 + [10, 9, 3] * 40 + [3, 8, 2, 10] * 40, "g": ["x"] * 2 + ["y"] * 120 + ["z"] * 160}
    )
    r = nps(data, values="s", by="g")
    assert r.estimate[0] == 100.0
    assert r.shrunk[0] < 80.0
    assert abs(r.shrunk[1] - r.estimate[1]) < 10


def test_labels_and_gaps():
    r = nps([10, 3, 9, 8, 0], by=["b", None, "a", "a", "b"])
    assert r.segments == ("a", "b", "(missing)")
    assert r.notes[0].code == "missing-segment"
    assert nps([10, 3, 9], by=np.array([2020, 2021, 2020])).segments == ("2020", "2021")
    # a segment of missing answers only is not there, the notes say how many were left out
    r = nps([10, 3, None, 8], by=["a", "b", "c", "a"], missing="drop")
    assert r.segments == ("a", "b")
    assert r.notes[0].code == "missing-dropped"
    d = json.loads(r.to_json())
    assert d["total"]["n"] == 3
    assert list(r.to_frame()["segment"]) == ["a", "b"]
    assert "against the rest" in str(r)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": ["a", "a"]}, "one segment only"),
        ({"by": ["a", "b"], "null": 3}, "leave them out with by="),
        ({"by": ["a", "b"], "population": 3}, "one segment at a time"),
        ({"by": ["a", "b"], "method": "bootstrap-t"}, "one sample at a time"),
        ({"by": ["a"]}, "1 labels came for 2"),
        ({"by": ["a", 1]}, "mixed"),
        ({"by": ["a", "b"], "weight": [0, 1]}, "segment 'a'"),
    ],
)
def test_bad_segments(options, words):
    with pytest.raises(DataError, match=words):
        nps([10, 3], **options)


def test_homogeneity_is_that_of_scipy():
    table = np.array([[30, 30, 40], [28, 30, 42], [10, 20, 70], [25, 5, 20]])
    groups = {name: tuple(row) for name, row in zip("abcd", table.tolist(), strict=True)}
    r = compare_nps_groups(groups)
    expected = stats.chi2_contingency(table, correction=False)
    assert (r.statistic, r.pvalue, r.df) == pytest.approx((expected.statistic, expected.pvalue, expected.dof))
    assert r.resamples is None
    assert r.pairs == (("b", "a"), ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("d", "c"))
    for i, (a, b) in enumerate(r.pairs):
        one = compare_nps(np.repeat([3, 8, 10], groups[a]), np.repeat([3, 8, 10], groups[b]))
        assert r.differences.estimate[i] == pytest.approx(one.estimate)
        assert r.differences.pvalue[i] == pytest.approx(one.pvalue, rel=1e-9)
    np.testing.assert_allclose(r.adjusted, multipletests(r.differences.pvalue, method="holm")[1], rtol=1e-12)
    rows = [(s, g) for g, c in groups.items() for s in np.repeat([3, 8, 10], c)]
    frame = pd.DataFrame(rows, columns=["s", "g"])
    again = compare_nps_groups(frame, values="s", by="g")
    assert again.pvalue == pytest.approx(r.pvalue)
    np.testing.assert_array_equal(again.counts, table)
    drawn = compare_nps_groups({k: groups[k] for k in "ab"}, method="permutation", rng=2)
    chi2 = compare_nps_groups({k: groups[k] for k in "ab"})
    assert drawn.resamples == 100_000
    assert drawn.pvalue == pytest.approx(chi2.pvalue, abs=0.03)


def test_small_groups_are_relabelled():
    groups = {"a": (1, 2, 3), "b": (3, 0, 1), "c": (0, 0, 4)}
    r = compare_nps_groups(groups, rng=1)
    assert r.resamples == 100_000
    assert "relabelling" in r.method
    # the same by shuffling the answers themselves
    y = np.concatenate([np.repeat([0, 1, 2], c) for c in groups.values()])
    g = np.repeat([0, 1, 2], [6, 4, 4])
    rng = np.random.default_rng(6)

    def statistic(labels):
        t = np.zeros((3, 3))
        np.add.at(t, (labels, y), 1)
        e = t.sum(1, keepdims=True) * t.sum(0) / t.sum()
        return ((t - e) ** 2 / e).sum()

    seen = statistic(g)
    assert r.statistic == pytest.approx(seen)
    expected = np.mean([statistic(rng.permutation(g)) >= seen - 1e-9 for _ in range(10_000)])
    assert r.pvalue == pytest.approx(expected, abs=0.025)
    assert compare_nps_groups(groups, method="chi2").notes[0].code == "small-expected"


def test_all_in_one_class():
    r = compare_nps_groups({"a": (0, 0, 5), "b": (0, 0, 9)})
    assert (r.statistic, r.df, r.pvalue) == (0.0, 0.0, 1.0)
    json.loads(r.to_json())
    assert "all alike" in str(r)
    assert len(r.to_frame()) == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: compare_nps_groups({"a": (1, 2, 3)}), TooFewData, "at least two"),
        (lambda: compare_nps_groups({}), TooFewData, "no group"),
        (lambda: compare_nps_groups({"a": (1, 2), "b": (1, 2, 3)}), DataError, "three counts"),
        (lambda: compare_nps_groups({"a": (1, 2, 3), "b": (0, 0, 0)}), TooFewData, "no answer"),
        (lambda: compare_nps_groups({"a": (1, 2, 3)}, by="x"), DataError, "for a table"),
        (lambda: compare_nps_groups([1, 2, 3]), DataError, "by: is missing"),
        (lambda: compare_nps_groups([1, 2], by=["a", "b"], method="exact"), DataError, "method"),
    ],
)
def test_bad_groups(call, error, words):
    with pytest.raises(error, match=words):
        call()
