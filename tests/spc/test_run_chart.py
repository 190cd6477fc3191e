"""Run charts."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from qstats.errors import DataError, TooFewData
from qstats.spc.charts.run_chart import run_chart, runs_of
from qstats.spc.monitor import monitor

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_rare.json").read_text(encoding="utf-8"))
}
SHIFTED = [12, 15, 11, 14, 13, 15, 12, 16, 14, 9, 8, 9.5, 7, 9, 8, 9.5, 6, 9]


@pytest.mark.parametrize("case", ["qic-run-2", "qic-run-4"])
def test_as_r_qicharts2(case):
    want = CASES[case]["expected"]
    chart = run_chart(CASES[case]["inputs"]["y"])
    (runs,) = runs_of(chart)
    assert chart.limits.center == pytest.approx(want["cl"], rel=1e-15)
    assert runs["n_useful"] == want["n.useful"]
    assert runs["longest_run"] == want["longest.run"]
    assert runs["longest_limit"] == want["longest.run.max"]
    assert runs["crossings"] == want["n.crossings"]
    assert runs["crossings_limit"] == want["n.crossings.min"]
    assert chart.in_control is not want["runs.signal"]
    assert np.isnan(chart.panels["run"].upper).all()


def test_a_shift_is_a_signal_of_the_whole_chart():
    # 18 points: longest run 9 > round(log2 18) + 3 = 7; 1 crossing < qbinom(.05, 17, .5) = 5
    chart = run_chart(SHIFTED)
    assert {s.rule for s in chart.signals} == {"run too long", "too few crossings"}
    assert {(s.index, s.label) for s in chart.signals} == {(None, "")}
    long = next(s for s in chart.signals if s.rule == "run too long")
    assert long.window == tuple(range(9))
    assert not chart.in_control


def test_points_on_the_median_do_not_count():
    x = [1, 5, 3, 1, 5, 3, 1, 5, 3, 3, 3, 1, 5]
    (runs,) = runs_of(run_chart(x))
    assert (runs["n_useful"], runs["longest_run"], runs["crossings"]) == (8, 1, 7)


def test_phases_are_judged_apart():
    chart = run_chart(SHIFTED, phase=[1] * 9 + [2] * 9)
    assert len(runs_of(chart)) == 2
    assert [lim.center for lim in chart.limits_by_phase] == [14.0, 9.0]
    assert chart.in_control


def test_a_frozen_median():
    chart = run_chart(SHIFTED, baseline=9)
    assert chart.limits.center == 14.0
    assert run_chart(SHIFTED[:9]).extend(SHIFTED[9:]).to_dict() | {"notes": 0} == chart.to_dict() | {"notes": 0}
    (runs,) = runs_of(chart)
    # below 14: 12 | 11 | 13 | 12 | and the last nine
    assert runs["longest_run"] == 9
    again = run_chart(SHIFTED, limits=json.loads(json.dumps(chart.limits.to_dict())))
    assert [s.rule for s in again.signals] == [s.rule for s in chart.signals]


def test_gaps_and_exclusions_end_runs():
    # by hand: the run of nine falls in two of four
    gaps = run_chart([*SHIFTED[:4], None, *SHIFTED[5:]], missing="drop", limits=run_chart(SHIFTED).limits)
    out = run_chart(SHIFTED, exclude=[4], limits=run_chart(SHIFTED).limits)
    for chart in (gaps, out):
        assert runs_of(chart)[0]["n_useful"] == 17
        assert runs_of(chart)[0]["window"] == (9, 17)
        assert runs_of(chart)[0]["longest_run"] == 9


def test_round_trip():
    chart = run_chart(SHIFTED)
    assert pickle.loads(pickle.dumps(chart)).to_json() == chart.to_json()
    assert json.loads(chart.to_json())["signals"]


def test_constant_values():
    chart = run_chart([2.0] * 12)
    assert "zero-variance" in [n.code for n in chart.notes]
    assert chart.in_control


def test_it_cannot_be_watched_point_by_point():
    with pytest.raises(DataError, match="whole chart"):
        monitor(run_chart(SHIFTED))


@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        ([1.0, math.nan], {}, DataError, "data: missing"),
        ([1.0, -math.inf], {}, DataError, "data: -inf"),
        (["a"], {}, DataError, "data: got text"),
        ([], {}, TooFewData, "data"),
        ([[1.0]], {}, DataError, "dimensions"),
        ([1.0, 2.0], {"exclude": [0, 1]}, TooFewData, "no point is left"),
        ([1.0, 2.0], {"missing": "skip"}, DataError, "missing"),
    ],
)
def test_bad_input(data, options, error, text):
    with pytest.raises(error, match=text):
        run_chart(data, **options)


def test_later_points_are_plain_values():
    with pytest.raises(DataError, match="neither size"):
        run_chart(SHIFTED).extend([1.0], size=[1])
    with pytest.raises(DataError, match="control chart"):
        runs_of(SHIFTED)
