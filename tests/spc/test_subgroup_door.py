"""Every way data may come in subgroups gives the same chart."""

import datetime as dt
import math

import numpy as np
import pytest

from qstats.errors import DataError, TooFewData
from qstats.spc.charts.subgroup_door import read_subgroups
from qstats.spc.charts.subgroup_forms import Form
from qstats.spc.charts.xbar import xbar_r, xbar_s
from qstats.spc.door import Layers
from qstats.spc.kernels.grouping import group_labels, group_runs

ROWS = [[5.0, 7.0, 6.0], [6.0, 8.0, 7.0, 9.0], [5.0, 6.0], [7.0, 6.0, 8.0]]
FLAT = [v for row in ROWS for v in row]
NAMES = ["north", "east", "south", "west"]
BY = [name for name, row in zip(NAMES, ROWS, strict=True) for _ in row]


def numbers(chart):
    return {name: panel.to_dict() for name, panel in chart.panels.items()}


def shuffled(*columns):
    """The same rows in another order that keeps the order of first appearance and the order within subgroups."""
    order = [0, 3, 7, 9, 1, 4, 5, 10, 2, 6, 8, 11]
    return [[c[i] for i in order] for c in columns]


# ---- grouping ----


def groups_by_loop(labels):
    out = {}
    for i, label in enumerate(labels):
        out.setdefault(label, []).append(i)
    return list(out.values())


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 3, 1, 1, 2, 2]),
        np.array([1, 1, 2, 2, 3, 3]),
        np.array([9, 9, 4, 1]),
        np.array([3, 1, 3, 2, 1, 3]),
        np.array([3.5, 1.0, 3.5, -2.0]),
        np.array([2**60, 5, 2**60 + 1, 2**60]),
        np.array([True, False, True]),
        np.array(["b", "a", "b", "c", "a"]),
        np.array(["b", "a", "b", "c", "a"], dtype=object),
        np.array(["2024-01-02", "2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
        np.array([1e19, 3e19, 1e19]),
        np.tile([1e19, 1e19 + 2048], 2000),
        np.array([-0.5, math.inf, -0.5, 0.5]),
        np.arange(20_000),
        np.array([7]),
        np.random.default_rng(1).integers(0, 70_000, 200_000),  # more labels than a two-byte code holds
    ],
    ids=str,
)
def test_rows_are_grouped_as_a_loop_does(labels):
    got = group_labels(labels)
    want = groups_by_loop(labels.tolist())
    assert got.count == len(want)
    assert got.first.tolist() == [rows[0] for rows in want]
    assert got.sorted(np.arange(labels.size)).tolist() == [i for rows in want for i in rows]
    sizes = got.size if not isinstance(got.size, int) else [got.size] * got.count
    assert list(sizes) == [len(rows) for rows in want]


def test_equal_runs_are_not_copied():
    x = np.arange(12.0)
    for labels in (np.repeat([4, 2, 9], 4), np.repeat([1, 2, 3], 4), np.repeat(np.array(["b", "a", "c"]), 4)):
        got = group_labels(labels)
        assert (got.size, got.order) == (4, None)
        assert got.sorted(x) is x
    assert group_runs(12, 4).size == 4
    assert list(group_runs(10, 4).size) == [4, 4, 2]
    assert group_runs(3, 4).size == 3


# ---- forms ----


@pytest.mark.parametrize("chart", [xbar_r, xbar_s])
def test_all_forms_of_lists_are_one(chart):
    want = numbers(chart(ROWS))
    x, by = shuffled(FLAT, BY)
    sets = [chart(FLAT, by=BY), chart(x, by=by), chart(np.array(x), by=np.array(by)), chart(tuple(x), by=tuple(by))]
    sets += [chart([np.array(r) for r in ROWS]), chart(tuple(map(tuple, ROWS)))]
    for got in sets:
        assert numbers(got) == want
    assert list(chart(x, by=by).labels) == NAMES
    assert list(chart(ROWS).labels) == ["1", "2", "3", "4"]
    square = np.arange(12.0).reshape(4, 3) ** 1.5
    want = numbers(chart(square))
    holes = np.ma.masked_invalid(np.where(square == square[1, 1], np.nan, square))
    for got in (chart(square.tolist()), chart(square.reshape(-1), size=3), chart(np.asfortranarray(square))):
        assert numbers(got) == want
    assert chart(holes, missing="drop").size.tolist() == [3, 2, 3, 3]


def test_a_short_last_subgroup():
    chart = xbar_r(np.arange(10.0), size=4)
    assert chart.size.tolist() == [4, 4, 2]
    assert "short-subgroup" in [n.code for n in chart.notes]


def frames(columns):
    pd = pytest.importorskip("pandas")
    yield "pandas", pd.DataFrame(columns)
    try:
        import polars as pl
    except ImportError:
        pass
    else:
        yield "polars", pl.DataFrame(columns)
        yield "polars-lazy", pl.LazyFrame(columns)
    try:
        import pyarrow as pa
    except ImportError:
        pass
    else:
        yield "pyarrow", pa.table(columns)


def test_tables():
    x, by, row = shuffled(FLAT, BY, list(range(12)))
    columns = {"x": x, "where": by, "row": row, "out": [b == "west" for b in by], "goal": [1.0] * 12}
    want = xbar_r(ROWS, exclude=[3])
    for engine, frame in frames(columns):
        long = xbar_r(frame, values="x", by="where", order_by="row", exclude="out")
        assert numbers(long) == numbers(want), engine
        assert list(long.labels) == NAMES
        assert numbers(xbar_r(frame, values="x", by="where")) == numbers(xbar_r(ROWS)), engine
        aim = xbar_r(frame, values="x", by="where", target="goal")
        assert aim.panels["xbar"].center.tolist() == [1.0] * 4
    square = np.arange(12.0).reshape(4, 3) ** 1.5
    columns = {f"c{j}": square[::-1, j].tolist() for j in range(3)} | {"day": [4, 3, 2, 1], "p": ["b", "b", "a", "a"]}
    for engine, frame in frames(columns):
        wide = xbar_s(frame, values=["c0", "c1", "c2"], order_by="day", phase="p", rules="none")
        assert numbers(wide) == numbers(xbar_s(square, phase=[2], rules="none")), engine
        assert list(wide.labels) == ["1", "2", "3", "4"]
        assert list(wide.phases) == ["a", "a", "b", "b"]
        cut = xbar_s(frame, values="c0", size=2, order_by="day")
        assert list(cut.labels) == ["1", "3"]
        assert cut.panels["xbar"].statistic == pytest.approx([(square[0, 0] + square[1, 0]) / 2, square[2:, 0].mean()])


def database(columns):
    """Frames of engines whose rows have no order of their own."""
    duckdb = pytest.importorskip("duckdb")
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(columns)  # noqa: F841 - found by name
    return duckdb.sql("SELECT * FROM frame")


def test_a_database_summarises_its_subgroups():
    x, by = shuffled(FLAT, [NAMES.index(b) + 1 for b in BY])
    for chart in (xbar_r, xbar_s):
        got = chart(database({"x": x, "lot": by}), values="x", by="lot")
        want = chart(ROWS)
        assert list(got.labels) == ["1", "2", "3", "4"]
        for name, panel in want.panels.items():
            for part in ("statistic", "center", "lower", "upper"):
                wanted = getattr(panel, part)
                np.testing.assert_allclose(getattr(got.panels[name], part), wanted, rtol=1e-13, atol=1e-13)
    # an estimator that looks at the values, text as labels, an order, a phase: the rows are fetched
    rows = database({"x": x, "lot": by, "name": [NAMES[b - 1] for b in by], "half": [int(b > 2) for b in by]})
    assert xbar_s(rows, values="x", by="lot", sigma="shamos").limits.sigma == xbar_s(ROWS, sigma="shamos").limits.sigma
    assert list(xbar_r(rows, values="x", by="name").labels) == sorted(NAMES)
    assert list(xbar_r(rows, values="x", by="lot", phase="half").phases) == ["0", "0", "1", "1"]
    with pytest.raises(DataError, match="order_by: rows of a duckdb frame have no order"):
        xbar_r(rows, values="x", size=3)
    aim = xbar_r(rows, values="x", by="lot", target=[1.0, 2.0, 3.0, 4.0])
    assert aim.panels["xbar"].center.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_nothing_is_lost_in_a_database():
    columns = {"x": [1.0, 2.0, None, 4.0, 7.0, None], "lot": [1, 1, 2, 3, 3, 3]}
    with pytest.raises(DataError, match="2 missing values; clean the data or pass missing='drop'"):
        xbar_r(database(columns), values="x", by="lot")
    chart = xbar_r(database(columns), values="x", by="lot", missing="drop")
    assert chart.size.tolist() == [2, 0, 2]
    assert [n.code for n in chart.notes][:2] == ["missing-dropped", "missing-values"]
    columns["lot"][0] = None
    columns["x"] = [1.0, 2.0, 3.0, 4.0, 7.0, 9.0]
    with pytest.raises(DataError, match="by: 1 rows have no label"):
        xbar_r(database(columns), values="x", by="lot")
    with pytest.raises(TooFewData, match="no value came"):
        xbar_r(database({"x": np.zeros(0), "lot": np.zeros(0)}), values="x", by="lot")


def test_what_is_wrong_with_a_table():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": FLAT, "where": BY, "odd": range(12), "t": BY, "g": [1.0] * 11 + [2.0]})
    frame.loc[2, "t"] = None
    for options, text in (
        ({}, "by: nothing came; name the column"),
        ({"values": "x"}, "by: nothing came"),
        ({"values": "x", "by": "nowhere"}, "by: column 'nowhere' is not in the data"),
        ({"values": "x", "by": BY}, "by: got an array; data is a table"),
        ({"values": "where", "by": "where"}, "values: got text"),
        ({"values": "x", "by": "t"}, "by: no label at position 2"),
        ({"values": ["x", "x"]}, "different names of columns"),
        ({"values": ["x", "where"]}, r"values \(column 'where'\): got text"),
        ({"values": ["x", "odd"], "by": "where"}, "each row is a subgroup; leave by and size out"),
        ({"values": [], "size": None}, "different names of columns"),
        ({"values": "x", "by": "where", "phase": "odd"}, "phase: the rows of the subgroup at position 0 disagree"),
        ({"values": "x", "by": "where", "target": "g"}, "target: the rows of the subgroup at position 3 disagree"),
        ({"values": "x", "by": "where", "exclude": "odd"}, "exclude: the column holds other things"),
    ):
        with pytest.raises(DataError, match=text):
            xbar_r(frame, **options)


# ---- layers ----


def test_order_by_sorts_rows():
    back = FLAT[::-1], BY[::-1], list(range(12))[::-1]
    chart = xbar_r(back[0], by=back[1], order_by=back[2])
    assert numbers(chart) == numbers(xbar_r(ROWS))
    assert list(chart.labels) == NAMES
    days = [dt.date(2024, 1, 4 - i) for i in range(4)]
    rows = xbar_r(ROWS[::-1], order_by=days, exclude=[False, False, False, True], target=[4.0, 3.0, 2.0, 1.0])
    assert list(rows.labels) == ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]
    assert numbers(rows) == numbers(xbar_r(ROWS, exclude=[0], target=[1.0, 2.0, 3.0, 4.0]))
    equal = xbar_r(np.arange(8.0).reshape(4, 2)[::-1], order_by=[4, 3, 2, 1])
    assert equal.panels["xbar"].statistic.tolist() == [0.5, 2.5, 4.5, 6.5]
    single = xbar_r(np.arange(8.0)[::-1], size=2, order_by=[dt.date(2024, 1, 8 - i) for i in range(8)])
    assert list(single.labels) == ["2024-01-01", "2024-01-03", "2024-01-05", "2024-01-07"]
    assert single.panels["xbar"].statistic.tolist() == [0.5, 2.5, 4.5, 6.5]


def test_layers_per_row_and_per_subgroup_are_one():
    x, by = shuffled(FLAT, BY)
    out = [b == "east" for b in by]
    stage = ["a" if b in ("north", "east") else "b" for b in by]
    goal = [float(NAMES.index(b)) for b in by]
    want = xbar_r(ROWS, exclude=[1], phase=[2], target=[0.0, 1.0, 2.0, 3.0], sigma=1.0)
    got = xbar_r(x, by=by, exclude=out, phase=stage, target=goal, sigma=1.0)
    assert numbers(got) == numbers(want)
    assert list(got.phases) == ["a", "a", "b", "b"]
    mixed = xbar_r(
        x, by=by, exclude=[False, True, False, False], phase=["a", "a", "b", "b"], target=[0, 1, 2, 3], sigma=1.0
    )
    assert numbers(mixed) == numbers(want)
    # with order_by, one entry a subgroup speaks of the charted order
    row = list(range(12))
    turned = xbar_r(
        FLAT[::-1],
        by=BY[::-1],
        order_by=row[::-1],
        exclude=[False, True, False, False],
        phase=["a", "a", "b", "b"],
        target=[0, 1, 2, 3],
        sigma=1.0,
    )
    assert numbers(turned) == numbers(want)
    base = xbar_r(x, by=by, baseline=[b != "west" for b in by])
    assert base.limits.sigma == xbar_r(ROWS, baseline=3).limits.sigma
    for option, value in (("exclude", [True] + [False] * 11), ("phase", list("ab" * 6)), ("target", list(range(12)))):
        with pytest.raises(DataError, match=f"{option}: the rows of the subgroup at position 0 disagree"):
            xbar_r(FLAT, by=BY, **{option: value})
    for option, value in (("exclude", [True] * 5), ("phase", list("abcde")), ("target", [1.0] * 5)):
        with pytest.raises(DataError, match=option):
            xbar_r(FLAT, by=BY, **{option: value})


@pytest.mark.parametrize(
    ("by", "text"),
    [
        ([1, 1, None], "by: no label at position 2"),
        ([1.0, math.nan, 2.0], "by: no label at position 1"),
        (np.array(["2024-01-01", "NaT", "NaT"], dtype="datetime64[D]"), r"by: no label at position 1 \(2 in all\)"),
        ([1, "a", 2], "by: numbers, dates and text are mixed"),
        (5, "by: shape"),
        ("abc", "by: "),
    ],
)
def test_labels_that_cannot_be(by, text):
    with pytest.raises(DataError, match=text):
        read_subgroups([1.0, 2.0, 3.0], Form(by=by), Layers(), "raise")
