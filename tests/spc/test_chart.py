"""What a chart is: views of one object, stored limits, later points."""

import copy
import json
import pickle

import numpy as np
import pytest

from qstats.errors import DataError
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.attributes import p_chart, u_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.rules import Rule

Y = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 80.0]
CHARTS = {
    "individuals": individuals(Y, phase=["<b>甲</b>"] * 5 + ["乙"] * 5),
    "p": p_chart(
        [1, 2, 3, 30], size=[30, 31, 32, 33], order_by=["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]
    ),
    "u": u_chart([1, 2, 3, 30], exposure=2.5, exclude=[1]),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_views_agree(chart):
    n = len(chart.labels)
    frame = chart.to_frame()
    assert len(frame) == n
    panel = chart.panels[chart.kind]
    for column in ("statistic", "center", "lower", "upper"):
        np.testing.assert_array_equal(frame[column], getattr(panel, column))
    fired = {int(i): t.split("; ") for i, t in frame["signal"].items() if t}
    assert sum(map(len, fired.values())) == sum(s.panel == chart.kind for s in chart.signals)
    data = json.loads(chart.to_json())
    assert data["schema"] == "qstats.control_chart/1"
    assert data["labels"] == list(chart.labels)
    assert [s["index"] for s in data["signals"]] == [s.index for s in chart.signals]
    assert data["panels"][chart.kind]["upper"] == panel.upper.tolist()
    assert chart.kind in chart.summary()
    assert "in control" in str(chart)


def test_summary_names_every_phase_and_html_is_inert():
    chart = CHARTS["individuals"]
    assert "limits <b>甲</b>" in chart.summary()
    assert "limits 乙" in chart.summary()
    html = chart._repr_html_()
    assert "<b>" not in html
    assert "乙" in html


def test_columns_of_the_moving_ranges():
    frame = CHARTS["individuals"].to_frame()
    assert {"moving_range", "moving_range_upper", "moving_range_signal", "size", "used"} <= set(frame.columns)


def test_arrays_cannot_be_written():
    for chart in CHARTS.values():
        for panel in chart.panels.values():
            for name in ("statistic", "center", "lower", "upper", "sigma"):
                array = getattr(panel, name)
                assert array.shape == (len(chart.labels),)
                assert array.dtype == np.float64
                assert not array.flags.writeable
        assert not chart.size.flags.writeable
        assert not chart.used.flags.writeable


def test_constant_limits_take_no_memory():
    panel = individuals(np.random.default_rng(1).normal(size=1000)).panels["individuals"]
    assert {a.strides for a in (panel.center, panel.lower, panel.upper, panel.sigma)} == {(0,)}


@pytest.mark.parametrize("again", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies(again):
    for chart in CHARTS.values():
        assert again(chart).to_dict() == chart.to_dict()


def test_many_signals_are_made_when_read():
    y = np.tile([0.0, 100.0], 2000)
    chart = individuals(y, sigma=1.0)
    assert not chart.in_control
    assert len(chart.signals) > 4000
    assert chart.signals[0].rule == "beyond limits"
    assert chart.signals == tuple(chart.signals)
    assert [s.panel for s in (chart.signals[0], chart.signals[-1])] == ["individuals", "moving_range"]
    assert "more" in chart.summary()
    assert pickle.loads(pickle.dumps(chart)).signals == chart.signals


def test_limits_round_trip_exactly():
    for chart in CHARTS.values():
        for limits in chart.limits_by_phase:
            again = ControlLimits.from_dict(json.loads(limits.to_json()))
            assert again.to_dict() == limits.to_dict()
            assert again.center == limits.center
            assert again.sigma == limits.sigma
            assert "centre" in limits.summary()
            assert limits.to_frame()["center"][0] == limits.center
    assert CHARTS["individuals"].limits.phase == "乙"


GOOD = ControlLimits("p", 0.2, None, 3.0, "", 30, "given").to_dict()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"schema": "other/1"}, "schema 'other/1'"),
        ({"center": None}, "limits.center"),
        ({"center": float("nan")}, "limits.center"),
        ({"center": "0.2"}, "limits.center"),
        ({"sigma": -1.0}, "limits.sigma"),
        ({"nsigma": 0.0}, "limits.nsigma"),
        ({"n": 1.5}, "n is 1.5"),
        ({"n": True}, "n is True"),
        ({"n": -1}, "n is -1"),
        ({"kind": 3}, "kind is 3"),
        ({"more": 3}, r"\['more'\] unknown"),
    ],
)
def test_broken_limits_are_refused(change, word):
    with pytest.raises(DataError, match=word):
        ControlLimits.from_dict({**GOOD, **change})


def test_incomplete_limits_are_refused():
    with pytest.raises(DataError, match=r"\['n'\] are missing"):
        ControlLimits.from_dict({k: v for k, v in GOOD.items() if k != "n"})
    with pytest.raises(DataError, match="got a list"):
        ControlLimits.from_dict([])


def test_extend_moves_no_old_limit():
    old = individuals(Y[:9])
    new = old.extend([80.0, 50.0])
    assert new.limits.to_dict() == old.limits.to_dict()
    np.testing.assert_array_equal(new.panels["individuals"].upper[:9], old.panels["individuals"].upper)
    assert new.used.tolist() == [True] * 9 + [False] * 2
    assert new.labels == tuple(str(i) for i in range(1, 12))
    assert [s.index for s in new.signals if s.rule == "beyond limits"] == [9, 9, 10]
    assert new.panels["moving_range"].statistic[9] == pytest.approx(80.0 - 53.6)
    assert len(old.labels) == 9


def test_extend_continues_the_last_phase_and_the_rules():
    seven = Rule("7 on one side", "beyond", 7, 7, 0.0)
    old = p_chart([1, 1, 1, 1, 5, 6, 4, 5], size=[20] * 8, phase=list("aaaabbbb"), rules=(seven,))
    new = old.extend([6] * 7, size=20)
    assert new.phases == tuple("aaaa" + "b" * 11)
    assert [s.index for s in new.signals] == [14]
    assert new.rule_set == (seven,)
    assert new.limits.center == 0.25


def test_extend_keeps_exclusions_and_gaps():
    old = individuals([1.0, 2.0, np.nan, 3.0, 9.0, 1.0, 2.0, 1.0], exclude=[4], missing="drop")
    new = old.extend([2.0, np.nan], missing="drop")
    assert new.excluded.tolist() == [i == 4 for i in range(10)]
    assert np.isnan(new.panels["moving_range"].statistic).tolist() == [True, False, True, True, True, True] + [
        False
    ] * 3 + [True]
    assert "2 of 10" in new.notes[0].message


def test_extend_with_dates():
    old = CHARTS["p"]
    new = old.extend([3], size=[30], labels=["2024-05-01"])
    assert new.labels == ("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01")
    assert new.extend([3], size=30, labels=["2024-06-01"]).labels[-1] == "2024-06-01"


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: CHARTS["p"].extend([3], size=[30]), "labels: the chart's points have names"),
        (lambda: CHARTS["p"].extend([3], size=[30], labels=["a", "b"]), "labels: shape"),
        (lambda: CHARTS["p"].extend([3], labels=["a"]), "size: nothing came"),
        (lambda: CHARTS["u"].extend([3], size=3, labels=["a"]), "labels: the chart counts"),
        (lambda: CHARTS["individuals"].extend([3.0], size=[30]), "size: an individuals chart has neither"),
        (lambda: CHARTS["individuals"].extend(["x"]), "new: got text"),
        (lambda: CHARTS["individuals"].extend([np.nan]), "missing value"),
        (lambda: CHARTS["u"].extend([1.5], size=1), "new: 1.5"),
    ],
)
def test_refused_extensions(call, word):
    with pytest.raises(DataError, match=word):
        call()


def test_panels_are_put_together_from_blocks(monkeypatch):
    # constant lines, lines that differ by phase, lines that vary: the same arrays whatever the size of the blocks
    from qstats._core.blocks import block_edges
    from qstats.spc import panel as room

    size = [30, 30, 30, 40, 50, 60]
    charts = [
        u_chart([1, 2, 3, 30, 2, 1], exposure=size),
        u_chart([1, 2, 3, 30, 2, 1], exposure=size, phase=[3]),
        u_chart([1, 2, 3, 30, 2, 1], exposure=size, phase=[2], limits="probability"),
        individuals(Y, phase=[4]),
    ]
    whole = [p.to_dict() for chart in charts for p in chart.panels.values()]
    monkeypatch.setattr(room, "block_edges", lambda n: block_edges(n, 2))
    again = [room.Panel(p.name, p.stretches).to_dict() for chart in charts for p in chart.panels.values()]
    assert again == whole
    plain = charts[1].panels["u"]
    assert plain.center.tolist() == pytest.approx([6 / 90] * 3 + [33 / 150] * 3)
    assert plain.sigma_lower.tolist() == plain.sigma.tolist()


def test_signals_about_a_whole_chart_are_in_the_table():
    chart = individuals([1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8], rules="anhoej")
    assert set(chart.to_frame()["chart_signal"]) == {"run too long; too few crossings"}
    assert "chart_signal" not in individuals(Y).to_frame()
