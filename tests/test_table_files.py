"""Files in and out. Expected values: the text that was written, read with the csv module."""

from __future__ import annotations

import csv
import datetime as dt
import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, EngineError
from qstats.table import read_table, safe_cell, to_dates, write_csv

finite = st.floats(-1e6, 1e6, allow_nan=False)
TEXT = "id, 类别 ,n,x,when,code\n1,划痕,3,1.5,2024/5/1,007\n2,NA,4,NA,2024/5/2,008\n3,,5,-2e3,,009\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".TSV.GZ"])
def test_read_text_tables(tmp_path, encoding, ending):
    text = TEXT.replace(",", "\t") if ".tsv" in ending.lower() else TEXT
    raw = text.replace("\n", "\r\n").encode(encoding)
    file = tmp_path / f"投诉{ending}"
    file.write_bytes(gzip.compress(raw, mtime=0) if ending.lower().endswith("gz") else raw)
    got = read_table(file)
    assert list(got.columns) == ["id", "类别", "n", "x", "when", "code"]
    assert got["类别"].tolist()[:2] == ["划痕", "NA"] and got["类别"].isna().tolist() == [False, False, True]
    assert got["n"].tolist() == [3, 4, 5] and got["n"].dtype == np.int64
    np.testing.assert_array_equal(got["x"], [1.5, np.nan, -2000.0])
    assert got["code"].tolist() == ["007", "008", "009"]
    assert got["when"].tolist()[:2] == ["2024/5/1", "2024/5/2"] and got["when"].isna()[2]


def test_explicit_encoding(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes("名,n\n甲,1\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"^a.csv: the text is UTF-16; pass encoding='utf-16'"):
        read_table(file)
    assert read_table(file, encoding="utf-16")["名"].tolist() == ["甲"]
    with pytest.raises(DataError, match="encoding: 'klingon' is not known"):
        read_table(file, encoding="klingon")
    with pytest.raises(DataError, match="the text is not ascii"):
        read_table(file, encoding="ascii")


@pytest.mark.parametrize("number", ["9007199254740993", "0x10", "1_000", "1,5", "inf", "5%", "1e400x", "00.5.1", "１"])
def test_what_is_no_plain_number_stays_text(tmp_path, number):
    file = tmp_path / "a.csv"
    file.write_text(f'a,b\n1,"{number}"\n', encoding="utf-8")
    assert read_table(file)["b"].tolist() == [number]


def test_quoted_cells_keep_commas_and_lines(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('a,b\n"x, y","one\ntwo"\n\nz,"say ""hi"""\n', encoding="utf-8")
    assert read_table(file).to_numpy().tolist() == [["x, y", "one\ntwo"], ["z", 'say "hi"']]


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"\n\n", "the file is empty"),
        ("a.csv", b"a,b\n", "a header but no rows"),
        ("a.csv", b"a,b\n1,2\n3\n", "line 3 has 1 cells, the header 2"),
        ("a.csv", b"a,b\n1,2,3\n", "line 2 has 3 cells, the header 2"),
        ("a.csv", b"a,b\n1,\"2\n", "line 2: unexpected end of data"),
        ("a.csv", b"a, a\n1,2\n", "two columns are called 'a'"),
        ("a.csv", b"a,\n1,2\n", "column 2 has no name"),
        ("a.csv", b"a;b\n1;2\n", "parted by ';'; commas are wanted"),
        ("a.tsv", b"a,b\n1,2\n", "parted by ','; tabs are wanted"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "holds binary data"),
        ("a.csv", b"PK\x03\x04\x14\x06\x08", "holds binary data"),
        ("a.csv", b"\xff\xff\xff\xff\n", "is not UTF-8 or GB18030"),
        ("a.csv.gz", b"a,b\n1,2\n", "is not a whole gzip file"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 50, mtime=0)[:-9], "is not a whole gzip file"),
        ("a.xlsx", b"PK", "a .csv, .tsv or .parquet file is wanted.*save the sheet as CSV"),
        ("a", b"a,b\n1,2\n", "a .csv, .tsv or .parquet file is wanted"),
    ],
)  # fmt: skip
def test_bad_files_are_told_in_one_line(tmp_path, name, raw, said):
    file = tmp_path / name
    file.write_bytes(raw)
    with pytest.raises(DataError, match=said) as caught:
        read_table(file)
    text = str(caught.value)
    assert text.startswith(f"{name}: ") and "\n" not in text and str(tmp_path) not in text


def test_places_that_are_no_file(tmp_path):
    with pytest.raises(DataError, match=r"^none.csv: there is no such file$"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(DataError, match=r"^dir.csv: is not a file$"):
        read_table(tmp_path / "dir.csv")
    with pytest.raises(DataError, match=r"^path: x.csv cannot be written"):
        write_csv({"a": [1]}, tmp_path / "no" / "x.csv")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    file = tmp_path / "a.parquet"
    pd.DataFrame({" 类别 ": ["划痕", None], "n": [1, 2]}).to_parquet(file)
    got = read_table(file)
    assert list(got.columns) == ["类别", "n"] and got["n"].tolist() == [1, 2]
    file.write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"^a.parquet: is not a readable Parquet file"):
        read_table(file)


def test_parquet_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    def absent(*_):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", absent)
    file = tmp_path / "a.parquet"
    file.write_bytes(b"")
    with pytest.raises(EngineError, match=r"pip install 'qstats-quality\[duckdb\]'"):
        read_table(file)


def test_written_table_runs_nothing_and_loses_nothing(tmp_path):
    file = tmp_path / "out.csv"
    attack = ["=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1+1", "plain, 划痕"]
    numbers = [-1.5, 0.1 + 0.2, float("nan"), 1e300, -0.0, 3.0, 1e-320, -7.0]
    days = [dt.date(2024, 5, 1), None, *[dt.datetime(2024, 5, 1, 7, 30)] * 6]
    write_csv({"=title": attack, "x": np.array(numbers), "day": days}, file)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with open(file, encoding="utf-8-sig", newline="") as source:
        header, *body = csv.reader(source)
    assert header == ["'=title", "x", "day"]
    assert [r[0] for r in body] == ["'" + a for a in attack[:-1]] + ["plain, 划痕"]
    for written, number in zip((r[1] for r in body), numbers, strict=True):
        assert written == "" if np.isnan(number) else float(written) == number
    assert [r[2] for r in body][:3] == ["2024-05-01", "", "2024-05-01T07:30:00"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(), finite), min_size=1, max_size=10))
def test_no_written_text_is_active(tmp_path_factory, pairs):
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    pairs = [(t.replace("\0", ""), v) for t, v in pairs if t.isprintable()] or [("x", 1.0)]
    write_csv({"t": [t for t, _ in pairs], "v": [v for _, v in pairs]}, file)
    with open(file, encoding="utf-8-sig", newline="") as source:
        _, *body = csv.reader(source)
    assert not any(row[0][:1] in tuple("=+-@\t\r") and row[0] for row in body)
    assert [float(row[1]) for row in body] == [v for _, v in pairs]


def test_frames_are_written_and_read_back(tmp_path):
    frame = pd.DataFrame(
        {"类别": ["划痕", None], "n": [1, 2], "on": [True, False], "t": pd.to_datetime(["2024-05-01", None])}
    )
    write_csv(frame, tmp_path / "a.csv")
    got = read_table(tmp_path / "a.csv")
    assert got["n"].tolist() == [1, 2] and got["on"].tolist() == ["True", "False"]
    assert to_dates(got["t"], "t").astype(str).tolist() == ["2024-05-01", "NaT"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": [1], "b": [1, 2]}, "unequal length"),
        ({}, "no columns"),
        ([1, 2], "a data frame or a mapping"),
        ({"a": "abc"}, "a sequence of cells"),
        ({"a": 3}, "a sequence of cells"),
    ],
)
def test_what_cannot_be_written(tmp_path, data, said):
    with pytest.raises(DataError, match=said):
        write_csv(data, tmp_path / "a.csv")


def test_safe_cell_leaves_plain_text():
    assert safe_cell("划痕") == "划痕" and safe_cell("") == "" and safe_cell("a=b") == "a=b"
