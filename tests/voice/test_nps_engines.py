"""The same answers from every table library, grouped where they are, and from plain sequences."""

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError
from qstats.table.scores import Scale, answers, class_counts, tally
from qstats.voice.nps.compare import compare_nps
from qstats.voice.nps.groups import compare_nps_groups
from qstats.voice.nps.one import nps

N = 300
RNG = np.random.default_rng(11)
COLUMNS = {
    "score": [None if i % 17 == 0 else int(s) for i, s in enumerate(RNG.integers(0, 11, N))],
    "before": [int(s) for s in RNG.integers(0, 11, N)],
    "segment": [str(s) for s in RNG.choice(["上海", "北京", "深圳"], N)],
    "weight": [float(w) for w in RNG.choice([0.5, 1.0, 2.25], N)],
    "w": [],
    "branch": [int(b) for b in RNG.integers(0, 12, N)],
    "group": [str(g) for g in RNG.choice(["new", "old"], N)],
}
COLUMNS["w"] = COLUMNS["weight"]


def frame(engine):
    if engine == "pandas":
        return pd.DataFrame(COLUMNS)
    if engine == "pandas-nullable":
        return pd.DataFrame(COLUMNS).convert_dtypes()
    if engine == "pyarrow":
        return pytest.importorskip("pyarrow").table(COLUMNS)
    if engine == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        table = pytest.importorskip("pyarrow").table(COLUMNS)
        return duckdb.from_arrow(table)
    made = pytest.importorskip("polars").DataFrame(COLUMNS)
    return made.lazy() if engine == "polars-lazy" else made


@pytest.fixture(params=["pandas", "pandas-nullable", "polars", "polars-lazy", "pyarrow", "duckdb"])
def data(request):
    return frame(request.param)


def same(a, b):
    assert a.estimate == pytest.approx(b.estimate, rel=1e-12)
    assert (a.interval.low, a.interval.high) == pytest.approx((b.interval.low, b.interval.high), rel=1e-10)
    assert [n.code for n in a.notes] == [n.code for n in b.notes]


def test_engines_agree_with_plain_sequences(data):
    plain = COLUMNS["score"]
    same(nps(data, values="score", missing="drop"), nps(plain, missing="drop"))
    options = {"weight": "weight", "strata": "segment", "cluster": "branch"}
    a = nps(data, values="score", missing="drop", **options)
    b = nps(plain, missing="drop", **{k: COLUMNS[v] for k, v in options.items()})
    same(a, b)
    assert (a.df, a.n_eff, a.distribution) == (b.df, pytest.approx(b.n_eff), b.distribution)
    # a column whose name the counting inside the engine has taken already
    a = nps(data, values="score", by="segment", weight="w", missing="drop")
    c = nps(data, values="score", by="segment", weight="weight", missing="drop")
    np.testing.assert_allclose(a.interval.low, c.interval.low)
    b = nps(plain, by=COLUMNS["segment"], weight=COLUMNS["weight"], missing="drop")
    assert a.segments == b.segments == ("上海", "北京", "深圳")
    np.testing.assert_allclose(a.interval.low, b.interval.low)
    np.testing.assert_allclose(a.adjusted, b.adjusted)
    with pytest.raises(DataError, match="18 of 300 answers are missing"):
        nps(data, values="score")


def test_comparisons_from_engines(data):
    a = compare_nps(data, values="score", by="group", reference="old", missing="drop")
    b = compare_nps(COLUMNS["score"], by=COLUMNS["group"], reference="old", missing="drop")
    same(a, b)
    a = compare_nps(data, values="score", values0="before", paired=True, missing="drop")
    b = compare_nps(COLUMNS["score"], COLUMNS["before"], paired=True, missing="drop")
    same(a, b)
    a = compare_nps_groups(data, values="score", by="segment", missing="drop")
    b = compare_nps_groups(COLUMNS["score"], by=COLUMNS["segment"], missing="drop")
    np.testing.assert_array_equal(a.counts, b.counts)


def test_text_scores_are_refused_by_every_engine(data):
    with pytest.raises(DataError, match="numbers are wanted"):
        nps(data, values="group")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.float64])
def test_tally_counts_each_score(dtype):
    x = np.random.default_rng(1).integers(0, 11, 300_001).astype(dtype)
    counted = tally(x, Scale(0, 10))
    assert counted.counts.tolist() == [int((x == k).sum()) for k in range(11)]
    if np.dtype(dtype).itemsize == 1:
        assert class_counts(x, 6, 9, Scale(0, 10)) == ((x <= 6).sum(), ((x == 7) | (x == 8)).sum(), (x >= 9).sum())
    else:
        assert class_counts(x, 6, 9, Scale(0, 10)) is None


def test_other_scales():
    counted = tally([1, 5, 5, 3], Scale(1, 5))
    assert counted.counts.tolist() == [1, 0, 1, 0, 2]
    with pytest.raises(DataError, match=r"0 \(once\), 6 \(2 times\) on a scale of whole numbers 1 to 5"):
        tally([6, 0, 6, 3], Scale(1, 5))
    assert tally([-3, 0, 3], Scale(-3, 3)).counts.tolist() == [1, 0, 0, 1, 0, 0, 1]
    a = answers(
        [1, 2, 5], Scale(1, 5), values=None, numbers={}, keys={"by": ["x", "y", "x"]}, missing="raise", blank=()
    )
    assert a.keys["by"].labels == ("x", "y")


def test_pandas_series_and_masks():
    s = pd.Series([10, 9, 3], dtype="Int64")
    assert nps(s).n == 3
    assert nps(pd.Series([10, None, 3], dtype="Int64"), missing="drop").n == 2
    masked = np.ma.array(np.array([10, 99, 3], dtype=np.int8), mask=[False, True, False])
    assert nps(masked, missing="drop").n == 2


def test_the_long_list_of_stray_values_is_cut():
    with pytest.raises(DataError, match="and 14 more values"):
        nps(np.arange(11, 31))
