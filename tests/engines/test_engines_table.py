"""Every table library gives the same numbers, at the door and inside the engine."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from qstats.errors import DataError
from qstats.table import columns, counts_by, is_frame, moments_by, repeated, to_dates

# Relative; the promise of moments_by. What is left is the rounding of n sums of squares (n = 60 here).
EXACT = 1e-12
LAZY_WITHOUT_ORDER = {"duckdb", "dask", "pyspark"}

pytestmark = [
    # Spark and Dask leave sockets and loops to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def exact_moments(values):
    """Mean and sum of squares in rational arithmetic: the outside reference of moments."""
    x = [Fraction(v) for v in values]
    mean = sum(x) / len(x)
    return float(mean), float(sum((v - mean) ** 2 for v in x))


def hard_case(rng):
    """1e9 + group * 1e4 +/- 1e-3, shuffled, with NaN, null, a null key and a group that has no value at all."""
    rows = [(f"组{g}", 1e9 + g * 1e4 + e) for g in range(5) for e in rng.normal(0, 1e-3, 60)]
    truth = {k: exact_moments([v for key, v in rows if key == k]) for k in {key for key, _ in rows}}
    extremes = {k: (min(v for q, v in rows if q == k), max(v for q, v in rows if q == k)) for k in truth}
    rows += [("组0", float("nan")), ("组1", None), (None, 5.0), (None, None), ("空", None), ("空", float("nan"))]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    return {"g": [r[0] for r in rows], "v": [r[1] for r in rows]}, truth, extremes


def test_is_frame(make):
    assert is_frame(make({"a": [1.0]}))


def test_moments_of_the_hard_case_are_exact(make, shuffled):
    data, truth, extremes = hard_case(shuffled)
    table = moments_by(make(data), "v", "g")
    assert table.key.tolist() == sorted(truth)
    assert table.n.tolist() == [60.0] * 5
    for i, k in enumerate(table.key):
        assert table.mean[i] == pytest.approx(truth[k][0], rel=EXACT)
        assert table.m2[i] == pytest.approx(truth[k][1], rel=EXACT)
        assert (table.low[i], table.high[i]) == extremes[k]
    assert (table.dropped_missing, table.dropped_keys) == (4, 2)
    assert not table.mean.flags.writeable


def test_moments_by_numbers_and_days(make):
    day = dt.datetime(2024, 5, 1, 23, 30)
    frame = make({"lot": [2, 1, 2, 1], "t": [day, day, None, day], "v": [1, 2, 3, 6]})
    by_lot = moments_by(frame, "v", "lot")
    assert by_lot.key.tolist() == [1, 2] and by_lot.mean.tolist() == [4.0, 2.0] and by_lot.m2.tolist() == [8.0, 2.0]
    by_time = moments_by(frame, "v", "t")
    assert by_time.key.tolist() == [day] and by_time.dropped_keys == 1


def test_moments_of_nothing(make):
    table = moments_by(make({"g": ["a", "b"], "v": [None, float("nan")]}), "v", "g")
    assert table.key.size == 0 and table.n.size == 0 and table.dropped_missing == 2


def test_moments_refuse_infinity_and_text(make):
    with pytest.raises(DataError, match="infinite"):
        moments_by(make({"g": ["a", "a"], "v": [1.0, float("inf")]}), "v", "g")
    with pytest.raises(DataError, match=r"values.*numbers are wanted"):
        moments_by(make({"g": ["a", "a"], "v": ["1", "2"]}), "v", "g")


def test_moments_refuse_whole_numbers_that_lose_digits(make):
    with pytest.raises(DataError, match=r"2\*\*53"):
        moments_by(make({"g": ["a", "a"], "v": [2**60 + 1, 2**60]}), "v", "g")


def test_counts_lose_no_row(make, shuffled):
    n = 200
    kind = [["划痕", "dent", None, "=x"][i] for i in shuffled.integers(0, 4, n)]
    when = [
        None if h == 0 else dt.datetime(2024, 3, 30, 0, 5) + dt.timedelta(hours=int(h))
        for h in shuffled.integers(0, 72, n)
    ]
    want = Counter((k, w.date() if w else None) for k, w in zip(kind, when, strict=True))
    got = counts_by(make({"kind": kind, "when": when}), ["kind", "when"], dates=["when"])
    assert got["when"].dtype == np.dtype("datetime64[D]")
    days = [None if np.isnat(d) else d.item() for d in got["when"]]
    assert dict(zip(zip(got["kind"], days, strict=True), got["n"].tolist(), strict=True)) == want
    assert got["n"].dtype == np.int64 and got["n"].sum() == n
    kinds = got["kind"].tolist()
    assert kinds == sorted(k for k in kinds if k is not None) + [None] * kinds.count(None)


def test_counts_with_weight(make):
    frame = make({"n_": [1, 2, 1, None], "w": [0.5, float("nan"), 2.0, 4.0], "b": [True, False, None, True]})
    got = counts_by(frame, ["n_"], weight="w")
    assert got["n_"].tolist() == [1, 2, None]
    assert got["n"].tolist() == [2, 1, 1]
    np.testing.assert_array_equal(got["weight"], [2.5, np.nan, 4.0])
    assert got["weight_missing"].tolist() == [0, 1, 0]


def test_counts_join_nan_and_null_keys(make):
    got = counts_by(make({"k": [1.5, float("nan"), None, 1.5]}), ["k"])
    assert got["k"].tolist() == [1.5, None] and got["n"].tolist() == [2, 2]


def test_counts_join_two_spellings_of_a_day(make):
    got = counts_by(
        make({"d": ["2024/5/1", "2024-05-01", None, "2024年5月2日"], "w": [1, 2, 3, 4]}), ["d"], weight="w", dates=["d"]
    )
    assert got["d"].astype(str).tolist() == ["2024-05-01", "2024-05-02", "NaT"]
    assert got["weight"].tolist() == [3.0, 4.0, 3.0]


def test_counts_of_python_dates(make):
    got = counts_by(make({"d": [dt.date(2024, 5, 1), None, dt.date(2024, 5, 1)]}), ["d"], dates=["d"])
    assert got["d"].astype(str).tolist() == ["2024-05-01", "NaT"] and got["n"].tolist() == [2, 1]


def test_counts_refuse_text_weights(make):
    with pytest.raises(DataError, match=r"weight.*numbers are wanted"):
        counts_by(make({"k": ["a"], "w": ["1"]}), ["k"], weight="w")


def test_long_identifiers_stay_themselves(make):
    ids = [2**60 + 1, 2**60, 2**60 + 1]
    got = counts_by(make({"id": ids}), ["id"])
    assert got["id"].tolist() == [2**60, 2**60 + 1] and got["n"].tolist() == [1, 2]


def test_columns_come_in_order_with_one_meaning_of_missing(make, engine):
    frame = make(
        {
            "t": [dt.datetime(2024, 5, 3), dt.datetime(2024, 5, 1, 7, 30), dt.datetime(2024, 5, 2)],
            "x": [3.0, float("nan"), None],
            "i": [3, 1, 2],
            "g": ["c", None, "b"],
        }
    )
    got = columns(frame, {"values": "x", "size": "i", "phase": "g", "again": "x"}, order_by="t")
    np.testing.assert_array_equal(got["values"], [np.nan, np.nan, 3.0])
    np.testing.assert_array_equal(got["again"], [np.nan, np.nan, 3.0])
    assert got["size"].tolist() == [1.0, 2.0, 3.0] and got["size"].dtype == np.float64
    assert got["phase"].tolist() == [None, "b", "c"]
    when = columns(frame, {"t": "t"}, order_by="i")["t"]
    assert when.dtype == np.dtype("datetime64[us]")
    assert when.astype("datetime64[m]").astype(str).tolist() == [
        "2024-05-01T07:30",
        "2024-05-02T00:00",
        "2024-05-03T00:00",
    ]
    if engine in LAZY_WITHOUT_ORDER:
        with pytest.raises(DataError, match="order_by"):
            columns(frame, {"values": "x"})
    else:
        assert columns(frame, {"size": "i"})["size"].tolist() == [3.0, 1.0, 2.0]


def test_columns_refuse_a_gap_in_the_order(make):
    with pytest.raises(DataError, match=r"order_by \(column 't'\): 1 missing"):
        columns(make({"t": [1.0, None], "x": [1.0, 2.0]}), {"values": "x"}, order_by="t")


def test_unknown_column_names_what_is_there(make):
    with pytest.raises(DataError, match=r"values: column 'z' is not in the data; the columns are 'a', 'b'"):
        moments_by(make({"a": [1.0], "b": ["x"]}), "z", "b")
    with pytest.raises(DataError, match=r"by: column 'z' is not"):
        counts_by(make({"a": [1.0], "b": ["x"]}), ["z"])
    with pytest.raises(DataError, match=r"order_by: column 'z' is not"):
        columns(make({"a": [1.0], "b": ["x"]}), {"values": "a"}, order_by="z")


def test_booleans_and_decimals_are_numbers(make, engine):
    frame = make({"b": [True, False, True], "t": [1, 2, 3]})
    assert columns(frame, {"values": "b"}, order_by="t")["values"].tolist() == [1.0, 0.0, 1.0]
    if engine != "dask":  # Dask turns Python objects into text before we see them
        frame = make({"d": [Decimal("1.10"), None, Decimal("3.25")], "t": [1, 2, 3], "g": ["a", "a", "a"]})
        np.testing.assert_array_equal(columns(frame, {"values": "d"}, order_by="t")["values"], [1.1, np.nan, 3.25])
        assert moments_by(frame, "d", "g").mean[0] == pytest.approx(2.175, rel=1e-15)
        assert np.isnan(counts_by(frame, ["g"], weight="d")["weight"][0])


def test_time_zones_keep_the_hour_on_the_wall(engine, request):
    """00:30 in Shanghai is still the day before in UTC: the day must be the one of the wall clock."""
    pa = pytest.importorskip("pyarrow")
    stamp = pa.array([dt.datetime(2024, 4, 30, 16, 30)], pa.timestamp("us", tz="UTC")).cast(
        pa.timestamp("us", tz="Asia/Shanghai")
    )
    table = pa.table({"t": stamp, "i": [1]})
    if engine == "pandas":
        frame = table.to_pandas()
    elif engine.startswith("polars"):
        frame = pytest.importorskip("polars").from_arrow(table)
        frame = frame.lazy() if engine.endswith("lazy") else frame
    elif engine == "dask":
        frame = pytest.importorskip("dask.dataframe").from_pandas(table.to_pandas(), npartitions=1)
    elif engine == "duckdb":
        frame = request.getfixturevalue("duckdb_session").from_arrow(table)
    elif engine == "pyspark":
        frame = request.getfixturevalue("spark_session").createDataFrame(table)
    else:
        frame = table
    assert str(columns(frame, {"t": "t"}, order_by="i")["t"][0]) == "2024-05-01T00:30:00.000000"
    assert str(counts_by(frame, ["t"], dates=["t"])["t"][0]) == "2024-05-01"
    assert moments_by(frame, "i", "t").key[0] == dt.datetime(2024, 5, 1, 0, 30)
    assert str(to_dates(columns(frame, {"t": "t"}, order_by="i")["t"], "t")[0]) == "2024-05-01"


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["a", "b", "a", None, "a", None, "客户"], 2),
        ([1.0, 2.0, 2.0, None, 2.0, 1.0, None], 3),
        ([1, 2, 3, 4], 0),
    ],
)
def test_repeated_identifiers_are_counted_where_they_are(make, cells, found):
    assert repeated(make({"id": cells}), "id") == found
    with pytest.raises(DataError, match=r"missing"):
        repeated(make({"id": cells}), "missing")
