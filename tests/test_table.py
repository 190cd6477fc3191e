"""The door for data frames and files.

Expected numbers: exact rational arithmetic, plain Python counting, or the file itself.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats import Moments
from qstats.errors import DataError
from qstats.table import (
    columns,
    counts_by,
    is_frame,
    labels,
    moments_by,
    to_dates,
)

finite = st.floats(-1e6, 1e6, allow_nan=False)
key = st.sampled_from(["a", "乙", "c", None])
rows = st.lists(st.tuples(key, st.one_of(st.none(), finite)), min_size=1, max_size=40)


def frame_of(pairs):
    return pd.DataFrame(
        {"g": pd.Series([p[0] for p in pairs], dtype=object), "v": pd.Series([p[1] for p in pairs], dtype="float64")}
    )


# --- what is a frame --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "plain",
    [[1.0], (1,), np.ones(3), np.ones((2, 2)), pd.Series([1]), pd.Index([1]), "abc", None, 3.0, {"a": [1]}, range(3)],
)
def test_plain_data_are_no_frame(plain):
    assert not is_frame(plain)
    with pytest.raises(DataError, match=r"data: got a .*; a data frame is wanted"):
        columns(plain, {"values": "x"})


def test_plain_data_load_neither_narwhals_nor_pandas():
    code = (
        "import sys, numpy as np; import qstats.table as t;"
        "t.is_frame([1]); t.is_frame(np.ones(3)); t.to_dates(['2024-1-1'], 'd');"
        "sys.exit(any(m in sys.modules for m in ('narwhals', 'pandas', 'matplotlib', 'scipy.stats')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_doubled_column_is_refused():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert is_frame(frame)
    with pytest.raises(DataError, match="own name"):
        columns(frame, {"values": "a"})


def test_many_columns_are_not_all_listed():
    frame = pd.DataFrame(np.zeros((1, 25)), columns=[f"c{i}" for i in range(25)])
    with pytest.raises(DataError, match=r"'c19' and 5 more"):
        columns(frame, {"values": "x"})
    with pytest.raises(DataError, match="the name of a column is wanted"):
        columns(frame, {"values": 3})


# --- columns ----------------------------------------------------------------------------------------------------------


def test_every_pandas_kind_becomes_the_same_array():
    day = dt.date(2024, 5, 1)
    frame = pd.DataFrame(
        {
            "int": [1, 2, 3],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "float32": np.array([0.5, np.nan, 2], dtype="float32"),
            "bool": pd.array([True, None, False], dtype="boolean"),
            "objects": pd.Series([1, None, Fraction(1, 2)], dtype=object),
            "category": pd.Categorical(["b", None, "a"]),
            "text": ["x", None, "z"],
            "dates": pd.Series([day, None, day], dtype=object),
            "nothing": pd.Series([None, None, None], dtype=object),
        }
    )
    got = columns(frame, {c: c for c in frame.columns})
    assert got["int"].tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(got["nullable"], [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(got["float32"], [0.5, np.nan, 2.0])
    np.testing.assert_array_equal(got["bool"], [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(got["objects"], [1.0, np.nan, 0.5])
    assert got["category"].tolist() == ["b", None, "a"] and got["text"].tolist() == ["x", None, "z"]
    assert got["dates"].astype("datetime64[D]").astype(str).tolist() == ["2024-05-01", "NaT", "2024-05-01"]
    assert got["nothing"].tolist() == [None, None, None]
    assert {got[c].dtype for c in ("int", "nullable", "float32", "bool", "objects")} == {np.dtype(float)}


def test_empty_frame_gives_empty_arrays():
    frame = pd.DataFrame({"i": np.zeros(0, dtype=np.int64), "g": pd.Series([], dtype="str")})
    assert columns(frame, {"values": "i"})["values"].size == 0
    assert counts_by(frame, ["g"], weight="i")["n"].size == 0
    assert moments_by(frame, "i", "g").key.size == 0


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([1, "a"], r"values \(column 'x'\): numbers \(1 at position 0\) and text \('a' at position 1\) are mixed"),
        ([2**60, 1], r"2\*\*53"),
        ([[1], [2]], "got list objects"),
        (pd.to_timedelta([1, 2], unit="s"), "got Duration"),
    ],
)
def test_unusable_columns_are_refused(cells, said):
    with pytest.raises(DataError, match=said):
        columns(pd.DataFrame({"x": cells}), {"values": "x"})


def test_equal_order_labels_keep_their_order():
    frame = pd.DataFrame({"t": [2, 1, 2, 1], "x": [1, 2, 3, 4]})
    assert columns(frame, {"values": "x"}, order_by="t")["values"].tolist() == [2.0, 4.0, 1.0, 3.0]


def test_column_of_lists_is_no_key():
    with pytest.raises(DataError, match=r"^by"):
        counts_by(pd.DataFrame({"x": [[1], [2]]}), ["x"])


# --- counts -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(rows, rows, st.randoms(use_true_random=False))
def test_counts_merge_and_do_not_mind_the_order(one, two, random):
    def count(pairs):
        got = counts_by(frame_of(pairs), ["g"])
        return dict(zip(got["g"], got["n"].tolist(), strict=True))

    both = one + two
    mixed = list(both)
    random.shuffle(mixed)
    assert Counter(count(one)) + Counter(count(two)) == count(both) == count(mixed) == Counter(p[0] for p in both)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"by": []}, "at least one key"),
        ({"by": "g"}, "list of column names"),
        ({"by": ["n"]}, "rename the column"),
        ({"by": ["g"], "dates": ["v"]}, "dates: 'v' is not one of by"),
        ({"by": ["g"], "weight": "w"}, "weight: column 'w' is not in the data"),
    ],
)
def test_counts_refuse(arguments, said):
    with pytest.raises(DataError, match=said):
        counts_by(pd.DataFrame({"g": ["a"], "v": [1.0], "n": [1]}), **arguments)


def test_counts_refuse_numbers_as_dates():
    with pytest.raises(DataError, match=r"by \(column 'd'\): got 20240501"):
        counts_by(pd.DataFrame({"d": [20240501]}), ["d"], dates=["d"])


# --- moments ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(rows, rows)
def test_moments_merge(one, two):
    def moments(pairs):
        t = moments_by(frame_of(pairs), "v", "g")
        parts = zip(t.n, t.mean, t.m2, t.low, t.high, strict=True)
        return dict(zip(t.key, (Moments(int(n), *map(float, rest)) for n, *rest in parts), strict=True))

    first, second, whole = moments(one), moments(two), moments(one + two)
    assert set(whole) == set(first) | set(second)
    for k, m in whole.items():
        merged = first.get(k, Moments.empty()) + second.get(k, Moments.empty())
        assert (m.n, m.low, m.high) == (merged.n, merged.low, merged.high)
        assert m.mean == pytest.approx(merged.mean, rel=1e-9, abs=1e-6)
        assert m.m2 == pytest.approx(merged.m2, rel=1e-9, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), finite), min_size=1, max_size=30))
def test_moments_are_those_of_rational_arithmetic(pairs):
    table = moments_by(frame_of(pairs), "v", "g")
    for k, n, mean, m2 in zip(table.key, table.n, table.mean, table.m2, strict=True):
        x = [Fraction(v) for g, v in pairs if g == k]
        centre = sum(x) / len(x)
        assert n == len(x)
        # one rounding of the largest value per entry of a sum
        slack = len(x) * 2.3e-16 * max(abs(float(v)) for v in x)
        assert mean == pytest.approx(float(centre), rel=1e-12, abs=slack)
        assert m2 == pytest.approx(float(sum((v - centre) ** 2 for v in x)), rel=1e-12, abs=slack**2)


def test_moments_of_far_offset_and_tiny_spread():
    x = [1e12 + v for v in (0.0, 0.25, 0.5, 0.75)]
    table = moments_by(pd.DataFrame({"g": [7] * 4, "v": x}), "v", "g")
    assert table.mean[0] == 1e12 + 0.375 and table.m2[0] == 0.3125  # by hand: squares of .375 .125 .125 .375


# --- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "2023-01-05", "2023/1/5", "2023.1.5", "20230105", "2023年1月5日", "2023 年 01 月 05 日", " 2023-01-05 ",
        "2023-01-05T23:59:59", "2023-01-05 23:59", "2023-01-05T23:59:59.123+08:00", "2023/1/5 7:05",
        dt.date(2023, 1, 5), dt.datetime(2023, 1, 5, 23, 59), pd.Timestamp("2023-01-05 23:59", tz="Asia/Shanghai"),
        np.datetime64("2023-01-05T12"),
    ],
)  # fmt: skip
def test_ways_to_write_a_day(written):
    got = to_dates([written], "date")
    assert got.dtype == np.dtype("datetime64[D]") and str(got[0]) == "2023-01-05"


@pytest.mark.parametrize("nothing", [None, float("nan"), "", "  ", pd.NA, pd.NaT, np.datetime64("NaT", "D")])
def test_missing_days(nothing):
    got = to_dates(["2023-01-05", nothing], "date")
    assert np.isnat(got[1]) and not np.isnat(got[0])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("05/01/2023", r"date: '05/01/2023' at position 1 is no date; .* year first"),
        ("2023-02-30", "'2023-02-30' at position 1: there is no such day"),
        ("2023-1/5", "is no date"),
        ("yesterday", "is no date"),
        ("٢٠٢٣-٠١-٠٥", "is no date"),
        ("2023-W01-1", "is no date"),
        (44931, r"got 44931 \(int\) at position 1"),
        (True, r"got True"),
    ],
)
def test_bad_days_say_which_and_where(bad, said):
    with pytest.raises(DataError, match=said):
        to_dates(np.array(["2023-01-05", bad, "worse"], dtype=object), "date")


@given(st.dates())
def test_days_round_trip(day):
    assert to_dates([day.isoformat()], "d")[0].item() == to_dates([day], "d")[0].item() == day


def test_numbers_and_tables_are_no_dates():
    with pytest.raises(DataError, match=r"got 1\.0"):
        to_dates(np.ones(2), "d")
    with pytest.raises(DataError, match="2 dimensions"):
        to_dates(np.ones((2, 2)), "d")
    with pytest.raises(DataError, match="a sequence of dates"):
        to_dates("2023-01-05", "d")
    assert np.isnat(to_dates(np.full(2, np.nan), "d")).all()
    assert to_dates([], "d").size == 0


def test_labels_are_for_people():
    assert labels(np.array([1.0, np.nan])) == ("1", "")
    assert labels(np.array([1.5, 2.0])) == ("1.5", "2.0")
    assert labels(np.array(["甲", None], dtype=object)) == ("甲", "")
    assert labels(np.array(["2024-05-01T07:30", "NaT"], dtype="datetime64[us]")) == ("2024-05-01 07:30:00", "")


def test_a_column_with_a_zone_as_utc_or_by_the_wall():
    from zoneinfo import ZoneInfo

    import narwhals.stable.v2 as nw

    from qstats.table.arrays import object_column, series_to_array, short_repr

    wall = dt.datetime(2026, 3, 29, 12, tzinfo=ZoneInfo("Europe/Berlin"))  # summer time: 10:00 in UTC
    cells = np.array([wall, None], dtype=object)
    at = [np.datetime64("2026-03-29T10:00"), np.datetime64("NaT")]
    np.testing.assert_array_equal(object_column(cells, "x", utc=True), at)
    assert object_column(cells, "x")[0] == np.datetime64("2026-03-29T12:00")
    series = nw.from_native(pd.Series([wall, None], dtype="datetime64[us, Europe/Berlin]"), series_only=True)
    np.testing.assert_array_equal(series_to_array(series, "x", utc=True), at)
    assert short_repr(np.ones((3, 2))) == "a ndarray of shape (3, 2)"
    assert (short_repr("a"), short_repr(list(range(999)))) == ("'a'", "a list")
