"""Item batteries: every cell against csat and compare_csat alone, one family of p-values, any engine."""

import json

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from qstats.errors import DataError, TooFewData
from qstats.voice.satisfaction.battery import battery
from qstats.voice.satisfaction.compare import compare_csat
from qstats.voice.satisfaction.scores import csat

ITEMS = ["food", "signs", "wifi"]


def make(n=300, seed=2):
    rng = np.random.default_rng(seed)
    f = {name: [None if v == 7 else int(v) for v in rng.integers(0, 8, n)] for name in ITEMS}
    f["gate"] = [str(g) for g in rng.choice(["A", "B", "国际"], n)]
    f["w"] = [float(v) for v in rng.choice([0.5, 1.0, 2.0], n)]
    return f


COLUMNS = make()
OPTIONS = {"missing": "drop", "blank": (0, 6)}


def frame(engine):
    if engine == "pandas":
        return pd.DataFrame(COLUMNS)
    if engine == "pyarrow":
        return pytest.importorskip("pyarrow").table(COLUMNS)
    if engine == "duckdb":
        return pytest.importorskip("duckdb").from_arrow(pytest.importorskip("pyarrow").table(COLUMNS))
    made = pytest.importorskip("polars").DataFrame(COLUMNS)
    return made.lazy() if engine == "polars-lazy" else made


@pytest.mark.parametrize("weight", [None, "w"])
def test_each_cell_is_computed_alone(weight):
    data = pd.DataFrame(COLUMNS)
    r = battery(data, items=ITEMS, by="gate", weight=weight, **OPTIONS)
    assert r.item == tuple(i for i in ITEMS for _ in range(3))
    assert r.segment == ("A", "B", "国际") * 3
    for k, (item, gate) in enumerate(zip(r.item, r.segment, strict=True)):
        inside = data["gate"] == gate
        own = csat(data[inside], values=item, weight=weight, **OPTIONS)
        assert (r.n[k], r.missing[k]) == (own.n, inside.sum() - own.n)
        assert (r.estimate[k], r.mean[k]) == pytest.approx((own.estimate, own.mean))
        assert (r.interval.low[k], r.interval.high[k]) == pytest.approx((own.interval.low, own.interval.high))
        assert r.mean_interval.high[k] == pytest.approx(own.mean_interval.high)
        rest = compare_csat(data[inside], data[~inside], values=item, weight=weight, **OPTIONS)
        assert (r.difference[k], r.pvalue[k]) == pytest.approx((rest.estimate, rest.pvalue), rel=1e-6)
        assert r.difference_interval.low[k] == pytest.approx(rest.interval.low, abs=1e-8)
    np.testing.assert_allclose(r.adjusted, multipletests(r.pvalue, method="fdr_bh")[1], rtol=1e-12)
    for k, item in enumerate(ITEMS):
        whole = csat(data, values=item, weight=weight, **OPTIONS)
        assert (r.overall.estimate[k], r.overall.n[k]) == (pytest.approx(whole.estimate), whole.n)
        assert r.overall.missing[k] == 300 - whole.n
    alone = battery(data, items=ITEMS, weight=weight, **OPTIONS)
    np.testing.assert_allclose(alone.interval.low, r.overall.interval.low, rtol=1e-12)
    assert alone.pvalue is None


@pytest.mark.parametrize("engine", ["pandas", "polars", "polars-lazy", "pyarrow", "duckdb"])
def test_engines_agree_with_a_mapping(engine):
    plain = {name: COLUMNS[name] for name in ITEMS}
    a = battery(frame(engine), items=ITEMS, by="gate", weight="w", **OPTIONS)
    b = battery(plain, by=COLUMNS["gate"], weight=COLUMNS["w"], **OPTIONS)
    assert (a.item, a.segment, a.notes) == (b.item, b.segment, b.notes)
    for field in ("n", "missing", "estimate", "mean", "difference", "pvalue", "adjusted"):
        np.testing.assert_allclose(getattr(a, field), getattr(b, field), rtol=1e-9)
    assert {n.code for n in a.notes} == {"missing-dropped", "blank-dropped"}
    assert "also in 2 more items" in a.notes[0].message


def test_cells_without_answers_stay():
    r = battery({"x": [5, 4, 0, 0, 3], "y": [1, 2, 3, 5, 5]}, by=["a", "a", "b", "b", "c"], blank=0)
    k = 1
    assert (r.item[k], r.segment[k], r.n[k], r.missing[k]) == ("x", "b", 0.0, 2.0)
    assert np.isnan(r.estimate[k])
    assert np.isnan(r.mean[k])
    assert (r.interval.low[k], r.interval.high[k]) == (0.0, 1.0)
    assert (r.mean_interval.low[k], r.mean_interval.high[k]) == (1.0, 5.0)
    assert (r.pvalue[k], r.adjusted[k]) == (1.0, 1.0)
    assert "no-answers" in {n.code for n in r.notes}
    there = r.n > 0
    np.testing.assert_allclose(r.adjusted[there], multipletests(r.pvalue[there], method="fdr_bh")[1])
    assert "5 cells" in r.method
    assert json.loads(r.to_json())["estimate"][k] is None
    # one segment only has answers: nothing to hold it against
    r = battery({"x": [5, 4, 0], "y": [1, 2, 0]}, by=["a", "a", "b"], blank=0)
    assert (r.pvalue == 1.0).all()


def test_directions_adjustments_and_views():
    data = {"x": [1, 2, 5, 5], "y": [1, 1, 1, 2]}
    by = ["a", "a", "b", "b"]
    r = battery(data, by=by, direction="lower", adjust="holm")
    assert r.estimate.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert r.boxes == (1, 2)
    np.testing.assert_allclose(r.adjusted, multipletests(r.pvalue, method="holm")[1])
    assert list(r.to_frame()["item"]) == ["x", "x", "y", "y"]
    assert "x / a" in str(r)
    assert json.loads(r.to_json())["overall"]["segment"] == ["(all)"] * 2
    one = battery(data)
    assert "pvalue" not in one.to_frame()
    assert len(one) == 2
    gap = battery(data, by=["a", None, "b", "b"])
    assert gap.segment[2] == "(missing)"
    assert gap.notes[-2].code == "missing-segment" or "missing-segment" in {n.code for n in gap.notes}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: battery([1, 2, 3], items=["x"]), DataError, "mapping of question"),
        (lambda: battery({"x": [1]}, items="x"), DataError, "items"),
        (lambda: battery({"x": [1]}, items=["x", "x"]), DataError, "2 times"),
        (lambda: battery({"x": [1]}, items=[]), DataError, "no column"),
        (lambda: battery({"x": [1]}, items=[1]), DataError, "names of columns"),
        (lambda: battery({"x": [1]}, items=["y"]), DataError, "'y' is not in the data"),
        (lambda: battery({"x": [1], "y": [1, 2]}), DataError, "2 values came"),
        (lambda: battery({"x": [9, 9]}), DataError, r"item 'x': 9 \(2 times\)"),
        (lambda: battery({"x": [1], "y": [None]}), DataError, "item 'y': 1 of 1"),
        (lambda: battery({"x": [1], "y": [0]}, blank=0), TooFewData, "item 'y': no answer"),
        (lambda: battery({"x": ["Blank"]}), DataError, "item 'x': got text"),
        (lambda: battery({"x": [1, 2]}, by=["a", "a"]), DataError, "one segment only"),
        (lambda: battery({"x": [1, 2]}, adjust="bh"), DataError, "without by="),
        (lambda: battery({"x": [1, 2]}, weight=[1]), DataError, "weight"),
        (lambda: battery(pd.DataFrame({"x": [1], "g": ["a"]}), items=["x"], by=["a"]), DataError, "name of a column"),
        (lambda: battery(pd.DataFrame({"x": [1]}), items=["x"], by="x"), DataError, "one of items"),
        (lambda: battery(pd.DataFrame({"x": [1]})), DataError, "items: got None"),
        (lambda: battery(pd.DataFrame({"x": [1]}), items=["z"]), DataError, "not in the data"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
