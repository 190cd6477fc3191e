"""CUSUM charts and the shifts they tell of."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from qstats.errors import DataError, TooFewData
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.cusum import ShiftEstimate, cusum, cusum_shifts
from qstats.spc.charts.individuals import individuals
from qstats.spc.monitor import Monitor, monitor

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_memory.json").read_text(encoding="utf-8"))
}
# Montgomery (2013), 7th ed., table 9.1
MONTGOMERY = [9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08]
MONTGOMERY += [9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52]


def upper(chart):
    return chart.panels["cusum_upper"]


def lower(chart):
    return chart.panels["cusum_lower"]


def plain(x, k, up=0.0, low=0.0):
    """The definition, point by point."""
    ups, lows = [], []
    for v in x:
        up, low = max(0.0, up + v - k), max(0.0, low - v - k)
        ups.append(up)
        lows.append(-low)
    return ups, lows


def test_montgomery():
    # 7th ed., example 9.1: k = 1/2, h = 5; C+29 = 5.28, N+ = 7: last in control at period 22, new mean 11.25
    chart = cusum(MONTGOMERY, target=10, sigma=1)
    ups, lows = plain([v - 10 for v in MONTGOMERY], 0.5)
    assert upper(chart).statistic == pytest.approx(ups, abs=1e-12)
    assert lower(chart).statistic == pytest.approx(lows, abs=1e-12)
    assert upper(chart).statistic[28] == pytest.approx(5.28, abs=1e-9)
    assert [(s.panel, s.label) for s in chart.signals] == [("cusum_upper", "29"), ("cusum_upper", "30")]
    (shift,) = cusum_shifts(chart)
    assert (shift.side, shift.signal, shift.start, shift.points) == ("upper", 28, 22, 7)
    assert shift.mean == pytest.approx(11.25, abs=0.005)
    assert (shift.label, shift.start_label) == ("29", "23")
    assert (upper(chart).upper == 5.0).all()
    assert (lower(chart).lower == -5.0).all()
    assert np.isnan(upper(chart).lower).all()
    assert np.isnan(lower(chart).upper).all()


def test_as_r_qcc():
    case = CASES["cusum-viscosity"]
    want = case["expected"]
    chart = cusum(case["inputs"]["y"], constants="table")
    assert chart.limits.center == pytest.approx(want["center"], rel=1e-14)
    assert chart.limits.sigma == pytest.approx(want["std.dev"], rel=1e-12)
    assert upper(chart).statistic / chart.limits.sigma == pytest.approx(want["pos"], abs=1e-11)
    assert lower(chart).statistic / chart.limits.sigma == pytest.approx(want["neg"], abs=1e-11)


def test_baseline_as_r_qcc():
    case = CASES["cusum-rand2"]
    want, y = case["expected"], case["inputs"]["y"]
    chart = cusum(y, baseline=60, constants="table")
    assert chart.limits.sigma == pytest.approx(want["std.dev"], rel=1e-12)
    assert upper(chart).statistic / chart.limits.sigma == pytest.approx(want["pos"], abs=1e-10)
    assert lower(chart).statistic / chart.limits.sigma == pytest.approx(want["neg"], abs=1e-10)
    assert [s.index + 1 for s in chart.signals if s.panel == "cusum_upper"] == want["upper"]
    assert [s.index + 1 for s in chart.signals if s.panel == "cusum_lower"] == want["lower"]


def test_head_start_as_r_qcc():
    case = CASES["cusum-rand3-fir"]
    chart = cusum(case["inputs"]["y"], target=10, sigma=1, head_start=0.5)
    assert upper(chart).statistic == pytest.approx(case["expected"]["pos"], abs=1e-10)
    assert lower(chart).statistic == pytest.approx(case["expected"]["neg"], abs=1e-10)


def test_unequal_sizes_as_r_qcc():
    case = CASES["cusum-uneq1"]
    want = case["expected"]
    y, g = np.array(case["inputs"]["y"]), np.array(case["inputs"]["g"])
    n = np.bincount(g)[1:].astype(float)
    chart = cusum(np.bincount(g, y)[1:] / n, size=n, sigma=want["std.dev"], k=0.4, h=4)
    assert chart.limits.center == pytest.approx(want["center"], rel=1e-14)
    assert upper(chart).statistic / chart.limits.sigma == pytest.approx(want["pos"], abs=1e-11)
    assert lower(chart).statistic / chart.limits.sigma == pytest.approx(want["neg"], abs=1e-11)


def test_a_shift_down():
    x = [0.0] * 10 + [-2.0] * 10
    chart = cusum(x, target=0, sigma=1)
    # C- grows by 1.5 a point: 6 after four
    assert cusum_shifts(chart) == (ShiftEstimate("lower", 13, 10, "14", "11", 4, -2.0, -2.0),)


def test_each_rise_over_the_limit_is_one_shift():
    x = [3.0] * 3 + [-9.0] + [0.0] * 5 + [3.0] * 4 + [-0.5] * 5
    chart = cusum(x, target=0, sigma=1, h=5)
    up = [(s.start, s.signal, s.size) for s in cusum_shifts(chart) if s.side == "upper"]
    # the second one stays over the limit for a while, and is told of once
    assert up == [(0, 2, 3.0), (9, 11, 3.0)]
    assert len([s for s in chart.signals if s.panel == "cusum_upper"]) > 2
    assert [s.signal for s in cusum_shifts(chart)] == sorted(s.signal for s in cusum_shifts(chart))


def test_the_estimate_leaves_a_head_start_out():
    chart = cusum([2.0] * 5, target=0, sigma=1, head_start=0.5)
    (shift,) = cusum_shifts(chart)
    assert (shift.start, shift.signal, shift.mean) == (0, 1, 2.0)


def test_the_estimate_with_sizes():
    x, n = np.array([0.1, 1.0, 1.4, 0.9, 1.2]), np.array([4.0, 9.0, 4.0, 1.0, 16.0])
    chart = cusum(x, size=n, target=0, sigma=1)
    (shift,) = cusum_shifts(chart)
    w = slice(shift.start, shift.signal + 1)
    # by hand: 0, 2.5, 4.8, 5.2
    assert (shift.start, shift.signal) == (1, 3)
    assert shift.mean == pytest.approx((x[w] * np.sqrt(n[w])).sum() / np.sqrt(n[w]).sum(), rel=1e-14)


def test_gaps_and_exclusions_are_passed_over():
    holes = [3, 23, 24]
    values = [v for i, v in enumerate(MONTGOMERY) if i not in holes]
    want = cusum(values, target=10, sigma=1)
    kept = [i for i in range(30) if i not in holes]
    gaps = cusum([None if i in holes else v for i, v in enumerate(MONTGOMERY)], target=10, sigma=1, missing="drop")
    out = cusum(MONTGOMERY, target=10, sigma=1, exclude=holes)
    for chart in (gaps, out):
        for a, b in ((upper(chart), upper(want)), (lower(chart), lower(want))):
            np.testing.assert_array_equal(a.statistic[kept], b.statistic)
    assert np.isnan(upper(gaps).statistic[holes]).all()
    np.testing.assert_array_equal(upper(out).statistic[holes], upper(out).statistic[[2, 22, 22]])
    far = cusum([0.0, 2.0, 99.0, 2.0, 2.0, 2.0, 2.0], target=0, sigma=1, exclude=[2])
    (shift,) = cusum_shifts(far)
    assert (shift.start, shift.signal, shift.points, shift.mean) == (1, 5, 4, 2.0)


def test_phases_begin_anew():
    x = [0.0, 3.0, 3.25, 0.0, 3.0, 3.25]
    chart = cusum(x, target=0, sigma=1, phase=[0, 0, 0, 1, 1, 1], head_start=0.1)
    alone = upper(cusum(x[:3], target=0, sigma=1, head_start=0.1)).statistic
    np.testing.assert_array_equal(upper(chart).statistic, [*alone, *alone])
    assert [(s.start, s.signal) for s in cusum_shifts(chart)] == [(1, 2), (4, 5)]


def test_monitor_goes_on():
    limits = cusum(MONTGOMERY, target=10, sigma=1).limits
    watch = monitor(limits)
    fired = [watch.update(v) for v in MONTGOMERY]
    assert [i for i, f in enumerate(fired) if f] == [28, 29]
    again = Monitor.from_dict(json.loads(json.dumps(watch.state())))
    assert again.update(10.0) == watch.update(10.0)
    head = monitor(cusum(MONTGOMERY, target=10, sigma=1, head_start=0.5).limits)
    head.update(None)
    assert [bool(head.update(v)) for v in (12.0, 12.0)] == [False, True]


def test_extend_and_round_trips():
    chart = cusum(MONTGOMERY, baseline=20)
    assert cusum(MONTGOMERY[:20]).extend(MONTGOMERY[20:]).to_dict() | {"notes": 0} == chart.to_dict() | {"notes": 0}
    assert pickle.loads(pickle.dumps(chart)).to_json() == chart.to_json()
    again = cusum(MONTGOMERY, limits=json.loads(json.dumps(chart.limits.to_dict())))
    np.testing.assert_array_equal(upper(again).statistic, upper(chart).statistic)


def test_huge_offset():
    base = np.round(np.array(MONTGOMERY) * 16) / 16
    near, far = cusum(base, target=10, sigma=1), cusum(base + 1e12, target=1e12 + 10, sigma=1)
    np.testing.assert_allclose(upper(far).statistic, upper(near).statistic, atol=1e-9)


def test_constant_values():
    chart = cusum([0.1] * 20)
    assert [n.code for n in chart.notes] == ["zero-variance"]
    assert chart.in_control
    assert cusum_shifts(chart) == ()


@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        ([1.0, math.nan, 2.0], {}, DataError, "data: missing"),
        ([1.0, math.inf, 2.0], {}, DataError, "data: inf"),
        (["a", "b"], {}, DataError, "data: got text"),
        ([], {}, TooFewData, "data"),
        ([1.0], {}, TooFewData, "moving ranges"),
        ([[1.0, 2.0]], {}, DataError, "dimensions"),
        (MONTGOMERY, {"k": -0.1}, DataError, "k: got"),
        (MONTGOMERY, {"h": 0}, DataError, "h: got"),
        (MONTGOMERY, {"head_start": 1.0}, DataError, "head_start"),
        (MONTGOMERY, {"head_start": -0.5}, DataError, "head_start"),
        (MONTGOMERY, {"sigma": 0}, DataError, "sigma"),
        (MONTGOMERY, {"target": "ten"}, DataError, "target"),
        (MONTGOMERY, {"size": 2.5}, DataError, "whole number"),
    ],
)
def test_bad_input(data, options, error, text):
    with pytest.raises(error, match=text):
        cusum(data, **options)


def test_limits_that_lack_something():
    with pytest.raises(DataError, match="'k'"):
        cusum(MONTGOMERY, limits=ControlLimits("cusum", 10.0, 1.0, 5.0, "", 0, "given"))
    with pytest.raises(DataError, match="h: got"):
        cusum(MONTGOMERY, limits=cusum(MONTGOMERY).limits, h=4)
    with pytest.raises(DataError, match="made by cusum"):
        cusum_shifts(individuals(MONTGOMERY))
    with pytest.raises(DataError, match="made by cusum"):
        cusum_shifts(MONTGOMERY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("k", v) for v in (-0.5, "evil", True, 10**400)),
        *(("h", v) for v in (0, -4.0, "evil")),
        *(("head_start", v) for v in (-0.1, 1.5, "evil")),
    ],
)
def test_hostile_stored_limits(name, value):
    stored = cusum(MONTGOMERY).limits.to_dict()
    stored["parameters"][name] = value
    with pytest.raises(DataError, match=rf"limits\.parameters\['{name}'\]: got "):
        cusum(MONTGOMERY, limits=stored)


def test_an_allowance_of_zero_survives_storing():
    first = cusum(MONTGOMERY, k=0.0)
    again = cusum(MONTGOMERY, limits=json.loads(json.dumps(first.limits.to_dict())))
    np.testing.assert_array_equal(upper(again).statistic, upper(first).statistic)
