"""What comes in, from lists and tables, in charted order."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError
from qstats.spc.charts.attributes import p_chart, u_chart
from qstats.spc.charts.individuals import individuals

Y = [4.0, 1.0, 3.0, 2.0]
DAYS = ["2024-01-04", "2024-01-01", "2024-01-03", "2024-01-02"]


def plotted(chart):
    return next(iter(chart.panels.values())).statistic.tolist()


@pytest.mark.parametrize(
    "order",
    [
        DAYS,
        np.array(DAYS, dtype="datetime64[D]"),
        [dt.date.fromisoformat(d) for d in DAYS],
        [dt.datetime.fromisoformat(d) for d in DAYS],
        pd.to_datetime(DAYS),
        pd.Series(DAYS),
    ],
)
def test_order_by_dates(order):
    chart = individuals(Y, order_by=order, sigma=1.0)
    assert plotted(chart) == [1.0, 2.0, 3.0, 4.0]
    assert chart.labels == ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04")


def test_order_by_sheet_dates_and_other_text():
    assert plotted(individuals(Y, order_by=["2024/10/1", "2024/1/5", "2024/9/1", "2024/2/1"], sigma=1.0)) == sorted(Y)
    assert plotted(individuals(Y, order_by=["20240104", "20240101", "20240103", "20240102"], sigma=1.0)) == sorted(Y)
    assert plotted(individuals(Y, order_by=["批4", "批1", "批3", "批2"], sigma=1.0)) == sorted(Y)
    assert individuals(Y, order_by=[40, 1, 3, 2], sigma=1.0).labels == ("1", "2", "3", "40")


def test_equal_places_keep_their_rows():
    assert plotted(individuals(Y, order_by=[1, 1, 0, 1], sigma=1.0)) == [3.0, 4.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("order", "word"),
    [
        (["10", "9", "8", "7"], "numbers written as text"),
        (["2024/1/5 10:30", "2024/1/5 9:30", "2024/1/6 1:00", "2024/1/7 1:00"], "times of day"),
        (["2024-01-01T00:00Z", "2024-01-02T00:00Z", "2024-01-03T00:00Z", "2024-01-04T00:00Z"], "times of day"),
        (["2024/1/5", " ", "2024/1/6", "2024/1/7"], "blank text at position 1"),
        ([1, None, 2, 3], "nothing at position 1"),
        ([1.0, float("nan"), 2, 3], "nothing at position 1"),
        (np.array(["2024-01-01", "NaT", "2024-01-02", "2024-01-03"], "datetime64[D]"), "nothing at position 1"),
        ([1, "a", 2, 3], "mixed"),
        (np.array([1j, 2, 3, 4]), "complex128"),
        ([1, 2], "shape"),
        ("t", "no table"),
        ({"t": 1}, "got"),
        ([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * 4, "time zone"),
    ],
)
def test_refused_orders(order, word):
    with pytest.raises(DataError, match=word):
        individuals(Y, order_by=order, sigma=1.0)


def test_rows_carry_their_layers_along():
    chart = individuals(
        Y, order_by=DAYS, phase=["b", "a", "b", "a"], exclude=[True, False, False, False], baseline=[0, 2], sigma=1.0
    )
    assert chart.phases == ("a", "a", "b", "b")
    assert chart.excluded.tolist() == [False, False, False, True]  # goes with the row
    assert chart.used.tolist() == [True, False, True, False]  # counts in charted order
    counts = p_chart([4, 1, 3, 2], size=[40, 10, 30, 20], order_by=DAYS)
    assert counts.size.tolist() == [10, 20, 30, 40]


def test_a_table_gives_the_same_chart():
    frame = pd.DataFrame(
        {
            "n": [4, 1, 3, 2],
            "of": [40, 10, 30, 20],
            "day": pd.to_datetime(DAYS),
            "step": list("baba"),
            "bad": [0, 0, 1, 0],
        }
    ).astype({"bad": bool})
    chart = u_chart(frame, count="n", exposure="of", order_by="day", phase="step", exclude="bad")
    same = u_chart(
        [4, 1, 3, 2],
        exposure=[40, 10, 30, 20],
        order_by=frame["day"],
        phase=list("baba"),
        exclude=[False, False, True, False],
    )
    assert chart.to_dict() == same.to_dict()
    assert plotted(p_chart(frame, count="n", size=100)) == [0.04, 0.01, 0.03, 0.02]
    assert plotted(individuals(frame, values="n", sigma=1, phase=[2])) == [4.0, 1.0, 3.0, 2.0]
    assert individuals(frame, values="n", sigma=1, baseline="bad").used.tolist() == [False, False, True, False]


def test_text_dates_of_a_table_sort_as_dates():
    frame = pd.DataFrame({"y": Y, "day": ["2024/10/1", "2024/1/5", "2024/9/1", "2024/2/1"]})
    assert plotted(individuals(frame, values="y", order_by="day", sigma=1.0)) == [1.0, 2.0, 3.0, 4.0]


FRAME = pd.DataFrame({"y": Y, "n": [9, 9, 9, 9], "t": [4, 1, 3, 2]})


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: individuals(FRAME), "values: got nothing"),
        (lambda: individuals(FRAME, values="x"), "'x'"),
        (lambda: p_chart(FRAME, count="y", size=[9, 9, 9, 9]), "size: got an array"),
        (lambda: individuals(FRAME, values="y", order_by=[1, 2, 3, 4]), "order_by: got an array"),
        (
            lambda: individuals(FRAME, values="y", order_by="t", exclude=[True, False, False, False]),
            "exclude: one value",
        ),
        (lambda: individuals(FRAME, values="y", order_by="t", phase=[1, 1, 2, 2]), "phase: one value"),
        (lambda: individuals(FRAME, values="y", exclude="t"), "exclude: the column holds"),
        (lambda: individuals(Y, values="y"), "values: got 'y', but data is no table"),
        (lambda: individuals(Y, phase="step"), "phase: got 'step', but data is no table"),
        (lambda: p_chart([1, 2], size="n"), "size: got 'n'"),
        (lambda: p_chart([1, 2]), "size: got None"),
        (lambda: u_chart([1, 2]), "exposure: got None"),
        (lambda: p_chart([1, 2], size=[3], order_by=[2, 1]), "size: 1 values came for 2"),
        (lambda: individuals(Y, order_by=DAYS, exclude=[True]), "exclude: 1 true/false"),
        (lambda: individuals(5.0, order_by=[1]), "data: got 5.0"),
    ],
)
def test_refused_calls(call, word):
    with pytest.raises(DataError, match=word):
        call()


def test_a_chart_keeps_nothing_of_the_callers_memory():
    y, days = np.array(Y), np.array(DAYS, dtype="datetime64[D]")
    size = np.array([40.0, 10.0, 30.0, 20.0])
    out = np.array([True, False, False, False])
    chart = individuals(y, order_by=np.sort(days), exclude=out, sigma=1.0)
    counts = p_chart(np.array([1, 1, 1, 1]), size=size)
    before, before_counts = chart.to_dict(), counts.to_dict()
    y[:], days[:], size[:], out[:] = 9, np.datetime64("1999-01-01"), 5, True
    assert chart.to_dict() == before
    assert counts.to_dict() == before_counts


def test_points_that_share_their_time_are_told():
    quiet = individuals([3.0, 1.0, 2.0], order_by=["2024-01-03", "2024-01-01", "2024-01-02"])
    assert {n.code for n in quiet.notes} == {"short-baseline"}
    chart = individuals([3.0, 1.0, 2.0, 5.0], order_by=[1, 1, 1, 2])
    assert "2 points" in next(n.message for n in chart.notes if n.code == "repeated-times")
    frame = pd.DataFrame({"t": [2, 1, 1], "c": [1, 2, 3], "n": [9, 9, 9]})
    assert "repeated-times" in {n.code for n in p_chart(frame, count="c", size="n", order_by="t").notes}


def test_series_of_different_rows_are_not_paired():
    frame = pd.DataFrame({"c": [8, 7, 3], "n": [90, 80, 70]})
    turned = frame.sort_values("c")
    with pytest.raises(DataError, match="size: its pandas index is not that of the count column"):
        p_chart(turned["c"], size=frame["n"])
    with pytest.raises(DataError, match="exclude: its pandas index"):
        individuals(turned["c"], exclude=frame["c"] > 7)
    same = p_chart(turned["c"], size=turned["n"])
    assert same.panels["p"].statistic.tolist() == [3 / 70, 7 / 80, 8 / 90]
    assert p_chart(turned["c"], size=frame["n"].to_numpy()).size.tolist() == [90, 80, 70]
