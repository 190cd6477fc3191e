"""Xbar-R and Xbar-S charts."""

import copy
import json
import math
import pickle
import statistics
from pathlib import Path

import numpy as np
import pytest

from qstats._core.bias import c4, d2, d3
from qstats.errors import DataError, TooFewData
from qstats.spc.charts.xbar import xbar_r, xbar_s
from qstats.spc.limits import ControlLimits
from qstats.spc.monitor import monitor

# qcc 2.7 in R 4.2.2; calls are kept with the cases. qcc's d2 has three decimals, also where the case says exact d2.
REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "spc_xbar.json").read_text(encoding="utf-8"))
CASES = {c["id"]: c for c in REFERENCE["cases"]}

# Montgomery, Introduction to Statistical Quality Control, Table 6.3: piston rings, thousandths of a mm above 74
RINGS = 74 + 0.001 * np.array(
    [
        *([30, 2, 19, -8, 8], [-5, -8, 1, 11, 4], [-12, 24, 21, 5, 2], [2, -4, -7, 15, 9], [-8, 7, 15, -11, 14]),
        *([9, -6, -3, -15, -7], [-5, 6, -6, 0, 5], [-15, 3, -7, 15, -12], [8, -5, 9, 5, 4], [-2, 0, -10, 7, -5]),
        *([-6, -2, -6, -5, -10], [4, 0, 7, 0, -4], [-17, 2, -2, -3, 12], [6, -33, -6, 0, -16], [12, 14, -2, -1, 7]),
        *([0, -16, 5, -2, -4], [-6, 12, -14, 5, 7], [6, 10, 18, 3, 0], [-16, 2, 3, 5, -3], [0, 10, 13, 20, 3]),
        *([-12, 1, 9, 5, -4], [4, -1, -10, 6, 9], [10, -11, -10, 9, 14], [15, 8, -7, 0, 10], [-18, -16, -5, 17, 13]),
    ]
)
RAGGED = [[5.0, 7.0, 6.0], [6.0, 8.0, 7.0, 9.0], [5.0, 6.0], [7.0, 6.0, 8.0, 5.0, 6.0]]


def codes(chart):
    return [n.code for n in chart.notes]


def beyond(chart, panel):
    return [s.index + 1 for s in chart.signals if s.panel == panel and s.rule == "beyond limits"]


def lines(chart, panel):
    p = chart.panels[panel]
    return np.column_stack((p.lower, p.upper))


@pytest.mark.parametrize("name", [i for i in CASES if i.startswith("xbar")])
def test_means_as_r_qcc(name):
    case = CASES[name]
    rows, want = REFERENCE["data"][case["data"]], case["expected"]
    constants = "table" if case["sigma"] in ("rbar", "mvlue_r") else "exact"
    chart = xbar_r(rows, sigma=case["sigma"], constants=constants)
    assert chart.limits.center == pytest.approx(want["center"], rel=1e-13)
    assert chart.limits.sigma == pytest.approx(want["sigma"], rel=1e-11)
    assert lines(chart, "xbar") == pytest.approx(np.broadcast_to(want["limits"], (len(rows), 2)), rel=1e-11)
    assert beyond(chart, "xbar") == sorted(want["beyond"])


@pytest.mark.parametrize("name", [i for i in CASES if i.startswith("S-rand")])
def test_standard_deviations_as_r_qcc(name):
    case = CASES[name]
    rows, want = REFERENCE["data"][case["data"]], case["expected"]
    chart = xbar_s(rows, sigma="sbar")
    panel = chart.panels["std"]
    assert chart.limits.sigma == pytest.approx(want["sigma"], rel=1e-11)
    assert panel.center[0] == pytest.approx(want["center"], rel=1e-11)
    assert lines(chart, "std") == pytest.approx(np.broadcast_to(want["limits"], (len(rows), 2)), rel=1e-11)
    assert beyond(chart, "std") == sorted(want["beyond"])
    # for equal sizes the minimum-variance mean is the plain one
    assert xbar_s(rows).limits.sigma == pytest.approx(want["sigma"], rel=1e-11)


@pytest.mark.parametrize("name", [i for i in CASES if i.startswith("R-rand")])
def test_ranges_as_r_qcc(name):
    case = CASES[name]
    rows, want = REFERENCE["data"][case["data"]], case["expected"]
    chart = xbar_r(rows, constants="table")
    assert chart.limits.sigma == pytest.approx(want["sigma"], rel=1e-11)
    assert chart.panels["range"].center[0] == pytest.approx(want["center"], rel=1e-11)
    # qcc draws at 3 * d3 with d3 good to 1e-5
    exact = xbar_r(rows, sigma=want["sigma"])
    zone = (want["limits"][0][1] - want["center"]) / 3
    assert exact.panels["range"].sigma[0] == pytest.approx(zone, rel=2e-5)
    assert beyond(chart, "range") == sorted(want["beyond"])


@pytest.mark.parametrize(("name", "chart", "panel"), [("R-uneq3", xbar_r, "range"), ("S-uneq3", xbar_s, "std")])
def test_dispersion_of_unequal_subgroups(name, chart, panel):
    # qcc puts one centre line under all sizes; the expected range is d2(n) sigma, the expected s c4(n) sigma, point by
    # point (Minitab too). The distance of the upper limit from the centre is the same.
    case = CASES[name]
    rows, want = REFERENCE["data"][case["data"]], case["expected"]
    got = chart(rows, sigma=want["sigma"]).panels[panel]
    upper = np.array(want["limits"])[:, 1]
    assert got.upper - got.center == pytest.approx(upper - want["center"], rel=1e-5)
    expected = [(d2(len(r)) if panel == "range" else c4(len(r))) * want["sigma"] for r in rows]
    assert got.center == pytest.approx(expected, rel=1e-14)
    assert len(set(got.center.tolist())) == len({len(r) for r in rows}) > 1


def test_piston_rings():
    # Montgomery section 6.2 as recomputed in R qcc: centre 74.00118, sigma .009785039 (d2 = 2.326), limits
    # 73.98805 and 74.0143; mean range .02276; mean s .009240037, sigma .009829977, upper limit of s .01930242
    chart = xbar_r(RINGS, constants="table")
    assert chart.limits.center == pytest.approx(74.00118, abs=5e-6)
    assert chart.limits.sigma == pytest.approx(0.009785039, abs=5e-10)
    assert lines(chart, "xbar")[0] == pytest.approx([73.98805, 74.0143], abs=5e-6)
    ranges = chart.panels["range"]
    assert ranges.center[0] == pytest.approx(0.02276, rel=1e-9)
    assert ranges.upper[0] == pytest.approx(0.04812533, abs=1e-5)  # there with d3 to more decimals
    assert ranges.lower[0] == 0.0
    assert chart.in_control
    narrow = xbar_r(RINGS, constants="table", nsigma=2)
    assert lines(narrow, "xbar")[0] == pytest.approx([73.99242, 74.00993], abs=5e-6)
    s = xbar_s(RINGS)
    assert s.limits.sigma == pytest.approx(0.009829977, abs=5e-10)
    assert s.panels["std"].center[0] == pytest.approx(0.009240037, abs=5e-10)
    assert s.panels["std"].upper[0] == pytest.approx(0.01930242, abs=5e-9)


def test_probability_limits_of_the_dispersion():
    # oracle cases S-pistonrings-calib-conf and R-pistonrings-calib-conf: confidence .995, R's qchisq and qtukey
    z = statistics.NormalDist().inv_cdf(0.9975)
    s = xbar_s(RINGS, dispersion_limits="probability", nsigma=z)
    assert lines(s, "std")[0] == pytest.approx([0.0018707124022939075, 0.01991870582546173], rel=1e-10)
    r = xbar_r(RINGS, dispersion_limits="probability", nsigma=z, constants="table")
    assert lines(r, "range")[0] == pytest.approx([0.004541528087037328, 0.05041260920030618], rel=1e-6)
    # the zones end at the limits, the centre stays the mean
    panel = s.panels["std"]
    assert panel.center[0] == pytest.approx(c4(5) * s.limits.sigma, rel=1e-14)
    assert panel.center[0] + z * panel.sigma[0] == pytest.approx(panel.upper[0], rel=1e-12)
    assert panel.center[0] - z * panel.sigma_lower[0] == pytest.approx(panel.lower[0], rel=1e-12)
    assert "same tail probabilities" in s.method
    ragged = xbar_s(RAGGED, dispersion_limits="probability")
    lone = xbar_s([r for r in RAGGED if len(r) == 4], dispersion_limits="probability", sigma=ragged.limits.sigma)
    assert ragged.panels["std"].lower[1] == lone.panels["std"].lower[0] > 0


def test_known_center_and_sigma():
    # oracle case xbar-pistonrings-known
    chart = xbar_r(RINGS, target=74, sigma=0.01)
    assert lines(chart, "xbar")[0] == pytest.approx([73.986583592135, 74.013416407865], rel=1e-14)
    assert (chart.limits.center, chart.limits.sigma, chart.limits.df) == (74.0, 0.01, None)


def by_loop(rows, sigma):
    """Statistics and lines of the ranges and standard deviations, subgroup by subgroup."""
    total = sum(map(sum, rows)) / sum(map(len, rows))
    out = []
    for row in rows:
        n = len(row)
        error = sigma / math.sqrt(n)
        line = [statistics.fmean(row), total, total - 3 * error, total + 3 * error]
        if n > 1:
            r, s = max(row) - min(row), statistics.stdev(row)
            line += [r, d2(n) * sigma, max(0.0, (d2(n) - 3 * d3(n)) * sigma), (d2(n) + 3 * d3(n)) * sigma]
            scatter = math.sqrt(1 - c4(n) ** 2)
            line += [s, c4(n) * sigma, max(0.0, (c4(n) - 3 * scatter) * sigma), (c4(n) + 3 * scatter) * sigma]
        else:
            line += [math.nan] * 8
        out.append(line)
    return np.array(out)


@pytest.mark.parametrize("rows", [RAGGED, [*RAGGED, [6.5], [8.0, 2.0]], RINGS.tolist()])
def test_every_line_is_what_a_loop_says(rows):
    want = by_loop(rows, 1.7)
    got = []
    for chart, panels in ((xbar_r, ("xbar", "range")), (xbar_s, ("std",))):
        drawn = chart(rows, sigma=1.7)
        for panel in panels:
            p = drawn.panels[panel]
            got += [p.statistic, p.center, p.lower, p.upper]
    np.testing.assert_allclose(np.column_stack(got), want, rtol=1e-12, atol=1e-12)


def test_sigma_of_unequal_subgroups_by_hand():
    # Burr 1969: mean of R/d2(n); default of xbar_s: weights c4^2/(1 - c4^2)
    want = sum((max(r) - min(r)) / d2(len(r)) for r in RAGGED) / 4
    assert xbar_r(RAGGED).limits.sigma == pytest.approx(want, rel=1e-14)
    weight = [c4(len(r)) ** 2 / (1 - c4(len(r)) ** 2) for r in RAGGED]
    each = [statistics.stdev(r) / c4(len(r)) for r in RAGGED]
    want = sum(w * s for w, s in zip(weight, each, strict=True)) / sum(weight)
    assert xbar_s(RAGGED).limits.sigma == pytest.approx(want, rel=1e-14)
    assert xbar_r(RAGGED).limits.df == pytest.approx(0.9 * (2 + 3 + 1 + 4))  # Minitab: 0.9 k(n - 1)


def test_estimators_by_name():
    for sigma in ("rbar", "mvlue_r", "sbar", "mvlue_s", "pooled", "pooled_raw", "median_range", "median_s", "shamos"):
        assert 0.7 < xbar_r(RAGGED, sigma=sigma).limits.sigma < 1.7
        # on part of the subgroups an estimator sees only those, also the one that looks at the values
        frozen = xbar_s([*RAGGED, [900.0, 0.0]], sigma=sigma, baseline=[0, 1, 2, 3])
        assert frozen.limits.sigma == xbar_s(RAGGED, sigma=sigma).limits.sigma
        scattered = xbar_s([[900.0, 0.0], *RAGGED[:2], [1.0, 800.0], *RAGGED[2:]], sigma=sigma, exclude=[0, 3])
        assert scattered.limits.sigma == xbar_s(RAGGED, sigma=sigma).limits.sigma
        equal = xbar_s([[900.0] * 5, *RINGS.tolist()], sigma=sigma, exclude=[0])
        assert equal.limits.sigma == xbar_s(RINGS, sigma=sigma).limits.sigma
    with pytest.raises(DataError, match="sigma: got 'UWAVE-R'; one of 'rbar'"):
        xbar_r(RINGS, sigma="UWAVE-R")


def test_single_values_have_a_mean_and_no_range():
    rows = [[5.0, 7.0], [6.0], [8.0, 5.0], [7.0], [6.0, 9.0]]
    chart = xbar_r(rows, rules="nelson")
    assert np.isnan(chart.panels["range"].statistic).tolist() == [False, True, False, True, False]
    assert np.isnan(chart.panels["range"].upper).tolist() == [False, True, False, True, False]
    assert chart.panels["xbar"].upper[1] - chart.limits.center == pytest.approx(3 * chart.limits.sigma)
    assert chart.limits.sigma == pytest.approx((2 + 3 + 3) / 3 * math.sqrt(math.pi) / 2)
    assert chart.limits.center == pytest.approx((5 + 7 + 6 + 8 + 5 + 7 + 6 + 9) / 8)
    assert "single-values" in codes(chart)
    with pytest.raises(TooFewData, match="sigma: no subgroup has two values"):
        xbar_r([[5.0], [6.0], [7.0]])
    known = xbar_r([[5.0], [6.0], [99.0]], sigma=1.0, target=6.0)
    assert beyond(known, "xbar") == [3]


def test_missing_values():
    rows = [[1.0, 2.0, 3.0], [2.0, math.nan, 4.0], [math.nan] * 3, [3.0, 4.0, math.nan]]
    with pytest.raises(DataError, match=r"data, row after row: missing value .*position 4.*missing='drop'"):
        xbar_s(rows)
    chart = xbar_s(rows, missing="drop")
    assert chart.size.tolist() == [3, 2, 0, 2]
    whole = xbar_s([[1.0, 2.0, 3.0], [2.0, 4.0], [3.0, 4.0]])
    assert (chart.limits.center, chart.limits.sigma) == (whole.limits.center, whole.limits.sigma)
    assert codes(chart)[:2] == ["missing-dropped", "missing-values"]
    assert "1 of 4 points" in chart.notes[0].message
    assert "2 values are missing in 2 subgroups" in chart.notes[1].message
    for panel in chart.panels.values():
        assert np.isnan(panel.statistic).tolist() == [False, False, True, False]
        assert math.isnan(panel.upper[2])
    assert xbar_s(np.array(rows), missing="drop").to_dict() == chart.to_dict()
    assert xbar_s([[1, 2, 3], [2, None, 4], None, [3, 4]], missing="drop").size.tolist() == [3, 2, 0, 2]
    with pytest.raises(DataError, match="position 1 is empty"):
        xbar_s([[1.0, 2.0], [], [3.0, 4.0]])


def test_excluded_subgroups_are_shown_and_not_used():
    rows = [*RINGS.tolist(), [80.0, 90.0, 80.0, 90.0, 85.0]]
    chart = xbar_r(rows, exclude=[25])
    assert (chart.limits.center, chart.limits.sigma) == (xbar_r(RINGS).limits.center, xbar_r(RINGS).limits.sigma)
    assert chart.panels["xbar"].statistic[25] == 85.0
    assert chart.in_control
    assert not xbar_r(rows, baseline=25).in_control


def test_per_subgroup_targets():
    targets = np.array([10.0, 20.0] * 6)
    rng = np.random.default_rng(5)
    rows = targets[:, None] + rng.normal(size=(12, 4))
    chart = xbar_r(rows, target=targets)
    plain = xbar_r(rows - targets[:, None], target=0.0)
    assert chart.limits.parameters["target"] == "per point"
    assert chart.limits.sigma == pytest.approx(plain.limits.sigma, rel=1e-12)
    assert chart.panels["xbar"].center.tolist() == targets.tolist()
    assert chart.panels["xbar"].upper - targets == pytest.approx(plain.panels["xbar"].upper, abs=1e-12)
    again = chart.extend([[10.0, 11.0, 9.0, 10.0], [29.0, 30.0, 31.0, 30.0]], target=[10.0, 20.0])
    assert beyond(again, "xbar") == [14]
    with pytest.raises(DataError, match="target: one target per new subgroup is wanted"):
        chart.extend([[10.0, 11.0]])
    with pytest.raises(DataError, match="target: the chart has one centre"):
        xbar_r(RINGS).extend([[74.0, 74.0]], target=[74.0])
    with pytest.raises(DataError, match="target: 3 values for 12 subgroups"):
        xbar_r(rows, target=[1.0, 2.0, 3.0])


def test_limits_are_stored_and_used_again():
    chart = xbar_s(RAGGED, constants="table", dispersion_limits="probability")
    limits = ControlLimits.from_dict(json.loads(chart.limits.to_json()))
    again = xbar_s(RAGGED, limits=limits)
    for name, panel in chart.panels.items():
        for part in ("statistic", "center", "lower", "upper", "sigma", "sigma_lower"):
            np.testing.assert_array_equal(getattr(again.panels[name], part), getattr(panel, part))
    assert pickle.loads(pickle.dumps(chart)).to_dict() == chart.to_dict() == copy.deepcopy(chart).to_dict()
    for option, text in (
        ({"sigma": "pooled"}, "sigma: given together with limits"),
        ({"constants": "exact", "dispersion_limits": "sigma", "target": 3.0}, "they hold the centre"),
        ({"baseline": 2}, "baseline: given together with limits"),
        ({"nsigma": 2.0}, "nsigma: got 2"),
    ):
        with pytest.raises(DataError, match=text):
            xbar_s(RAGGED, limits=limits, **option)
    plain = xbar_s(RAGGED).limits
    with pytest.raises(DataError, match="constants: got 'table' together with limits made otherwise"):
        xbar_s(RAGGED, limits=plain, constants="table")
    with pytest.raises(DataError, match="dispersion_limits: got 'probability' together"):
        xbar_s(RAGGED, limits=plain, dispersion_limits="probability")
    with pytest.raises(DataError, match="limits: they belong to a chart of kind 'xbar_s'"):
        xbar_r(RAGGED, limits=plain)
    with pytest.raises(DataError, match="limits: they hold no sigma"):
        xbar_s(RAGGED, limits=ControlLimits("xbar_s", 1.0, None, 3.0, "", 3, "given"))
    with pytest.raises(DataError, match="they want a target for each subgroup"):
        xbar_s(RAGGED, limits=xbar_s(RAGGED, target=[1.0, 2.0, 3.0, 4.0]).limits)


def test_later_subgroups():
    chart = xbar_r(RINGS)
    more = [[74.03, 74.02, 74.03, 74.02, 74.03], [74.0, 74.0, 74.01]]
    want = xbar_r([*RINGS.tolist(), *more], baseline=25)
    rows = chart.extend(more)
    assert rows.to_dict() | {"notes": 0} == want.to_dict() | {"notes": 0}
    assert beyond(rows, "xbar") == [26]
    flat, by = [v for row in more for v in row], [1] * 5 + [2] * 3
    assert chart.extend(flat, by=by).to_dict() == rows.to_dict()
    assert len(chart.extend(flat, size=4).labels) == 27
    watch = monitor(chart)
    assert [(s.panel, s.index) for s in watch.update(more[0]) if s.rule == "beyond limits"] == [("xbar", 25)]
    assert watch.update(None) == ()
    for bad, text in (
        (5.0, "rows of values are wanted"),
        ("abc", "rows of values are wanted"),
        ([[1.0]], "rows of values are wanted"),
    ):
        with pytest.raises(DataError, match=text):
            watch.update(bad)
    with pytest.raises(DataError, match="size: a subgroup's size is the number of its values"):
        watch.update(more[0], size=5)
    with pytest.raises(DataError, match="by: each row is a subgroup already"):
        watch.update(more[0], by="x")
    assert watch.n == 27


def test_phases():
    chart = xbar_r(RINGS, phase=[10], baseline=[*range(8), *range(10, 25)])
    first, second = xbar_r(RINGS[:8]), xbar_r(RINGS[10:])
    assert [lim.center for lim in chart.limits_by_phase] == [first.limits.center, second.limits.center]
    assert [lim.sigma for lim in chart.limits_by_phase] == [first.limits.sigma, second.limits.sigma]
    with pytest.raises(TooFewData, match="no point is left to rest limits on in phase '2'"):
        xbar_r(RINGS, phase=[24], exclude=[24])


def test_numbers_far_from_zero():
    # differences of a mean from values of 1e12 are exact in sixteenths
    rows = np.random.default_rng(2).integers(-400, 400, size=(30, 4)) / 16
    near, far = xbar_s(rows), xbar_s(rows + 1e12)
    assert far.limits.sigma == pytest.approx(near.limits.sigma, rel=1e-12)
    assert far.limits.center - 1e12 == pytest.approx(near.limits.center, abs=2e-4)
    ragged = [r[: 2 + i % 3] for i, r in enumerate((rows + 1e12).tolist())]
    low = [[v - 1e12 for v in r] for r in ragged]
    assert xbar_r(ragged).limits.center - 1e12 == pytest.approx(xbar_r(low).limits.center, abs=2e-4)
    with pytest.raises(DataError, match="sums overflow"):
        xbar_r([[1e308, -1e308, 3.0], [1.0, 2.0, 3.0], [1e308, 1.0, 1e308]])


def test_nothing_varies():
    chart = xbar_r([[5.0, 5.0]] * 12)
    assert "zero-variance" in [n.code for n in chart.notes if n.severity == "serious"]
    assert chart.in_control
    assert beyond(chart.extend([[5.0, 5.1]]), "xbar") == [13]
    # the mean of equal values is their value, whatever the sizes
    assert xbar_r([[0.1] * 3, [0.1] * 7, [0.1] * 2]).limits.center == 0.1


def test_large_subgroups_are_told():
    rows = np.random.default_rng(3).normal(size=(15, 12))
    assert "large-subgroups" in codes(xbar_r(rows))
    assert "large-subgroups" not in codes(xbar_s(rows))
    with pytest.raises(DataError, match=r"d2 is printed for n = 2\.\.25"):
        xbar_r(np.random.default_rng(3).normal(size=(15, 30)), constants="table")
    assert xbar_r(np.random.default_rng(3).normal(size=(15, 30))).limits.sigma == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("data", "options", "text"),
    [
        ([1.0, 2.0, 3.0], {}, "rows of values are wanted, one a subgroup: or say with by= or size="),
        (5, {}, "data: got 5; rows of values are wanted"),
        ("abc", {}, "data: got 'abc'"),
        (np.zeros((2, 2, 2)), {}, r"shape \(2, 2, 2\)"),
        ([], {}, "no subgroup came"),
        (np.zeros((0, 3)), {}, "no subgroup came"),
        (np.zeros((3, 0)), {}, "position 0 is empty"),
        ([["a", "b"], ["c", "d"]], {}, "got text"),
        ([[1.0, math.inf], [1.0, 2.0]], {}, "inf at position 1"),
        ([[1.0, [2.0]], [1.0, 2.0]], {}, "data: got a list; rows of values are wanted"),
        ([[1.0, 2.0], 5.0], {}, "got 5.0 at position 1"),
        ([[1.0, 2.0]] * 3, {"by": [1, 2, 3]}, "one column of values is wanted"),
        ([1.0, 2.0, 3.0], {"by": [1, 2]}, r"by: shape \(2,\) came for 3"),
        ([1.0, 2.0, 3.0], {"by": [1, None, 2]}, "by: no label at position 1"),
        ([1.0, 2.0, 3.0], {"by": [1, 1, 2], "size": 2}, "size: given together with by"),
        ([1.0, 2.0, 3.0], {"size": 0}, "size: got 0"),
        ([1.0, 2.0, 3.0], {"size": 2.5}, "size: got 2.5"),
        ([1.0, 2.0, 3.0], {"size": True}, "size: got True"),
        ([[1.0, 2.0]] * 3, {"values": "x"}, "values: got 'x', but data is no table"),
        ([[1.0, 2.0]] * 3, {"phase": "x"}, "phase: got 'x', but data is no table"),
        ([[1.0, 2.0]] * 3, {"missing": "skip"}, "missing: got 'skip'"),
        ([[1.0, 2.0]] * 3, {"constants": "iso"}, "constants: got 'iso'"),
        ([[1.0, 2.0]] * 3, {"dispersion_limits": "none"}, "dispersion_limits: got 'none'"),
        ([[1.0, 2.0]] * 3, {"sigma": -1.0}, "sigma: got -1"),
        ([[1.0, 2.0]] * 3, {"nsigma": 0}, "nsigma: got 0"),
        ([[1.0, 2.0]] * 3, {"target": math.inf}, "target: got inf"),
        ([[math.nan, math.nan]] * 3, {"missing": "drop"}, "no point is left to rest limits on"),
    ],
)
def test_bad_input(data, options, text):
    for chart in (xbar_r, xbar_s):
        with pytest.raises(DataError, match=text):
            chart(data, **options)


def test_the_callers_array_is_not_kept():
    data = RINGS.copy()
    chart = xbar_r(data)
    before = chart.to_dict()
    data[:] = 0.0
    assert chart.to_dict() == before
    targets = np.full(25, 74.0)
    chart = xbar_r(RINGS, target=targets)
    targets[:] = 0.0
    assert chart.panels["xbar"].center[0] == 74.0


@pytest.mark.parametrize("chart", [xbar_r, xbar_s])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_matrix_with_a_value_that_is_none(chart, bad):
    rows = RINGS.copy()
    rows[2, 1] = bad
    with pytest.raises(DataError, match=r"data, row after row: .*position 11"):
        chart(rows)
    with pytest.raises(DataError, match=r"data, row after row: .*position 11"):
        chart(rows, limits=chart(RINGS).limits)
    with pytest.raises(DataError, match=r"data, row after row: .*position 11"):
        chart(RINGS).extend(rows)


def pairwise_center(rows):
    """Mean, weighted by size, of the medians of the means of all pairs, each value with itself too."""
    total = 0.0
    for row in rows:
        means = [(row[i] + row[j]) / 2 for i in range(len(row)) for j in range(i, len(row))]
        total += len(row) * statistics.median(means)
    return total / sum(map(len, rows))


@pytest.mark.parametrize("chart", [xbar_r, xbar_s])
@pytest.mark.parametrize("rows", [RINGS.tolist(), RAGGED])
def test_hodges_lehmann_centre(chart, rows):
    made = chart(rows, center="hodges_lehmann")
    assert made.limits.center == pytest.approx(pairwise_center(rows), rel=1e-14)
    assert "Hodges-Lehmann" in made.method
    plain = chart(rows)
    assert made.limits.sigma == plain.limits.sigma and "Hodges-Lehmann" not in plain.method
    np.testing.assert_array_equal(made.panels["xbar"].statistic, plain.panels["xbar"].statistic)


def test_hodges_lehmann_centre_of_phases_used_points_and_tables():
    wild = RINGS.copy()
    wild[3, 0] = 1e6
    made = xbar_r(wild, center="hodges_lehmann", phase=[10], exclude=[12])
    first, second = made.limits_by_phase
    assert first.center == pytest.approx(pairwise_center(wild[:10].tolist()), rel=1e-14)
    assert second.center == pytest.approx(pairwise_center(np.delete(wild, 12, axis=0)[10:].tolist()), rel=1e-14)
    assert abs(first.center - 74) < 0.02 < abs(xbar_r(wild, phase=[10]).limits_by_phase[0].center - 74)
    labels = np.repeat(np.arange(25), 5)
    long = xbar_s(wild.reshape(-1), by=labels, center="hodges_lehmann")
    assert long.limits.center == xbar_s(wild, center="hodges_lehmann").limits.center


def test_hodges_lehmann_centre_refused():
    stored = xbar_r(RINGS).limits
    for more in ({"target": 74.0}, {"limits": stored}):
        with pytest.raises(DataError, match="center: got 'hodges_lehmann' together with limits or target"):
            xbar_r(RINGS, center="hodges_lehmann", **more)
    with pytest.raises(DataError, match="center: got 'median'"):
        xbar_r(RINGS, center="median")
    with pytest.raises(DataError, match=r"center: a subgroup of 2001 values.*'mean'"):
        xbar_s(np.zeros((2, 2001)), center="hodges_lehmann")


@pytest.mark.parametrize("chart", [xbar_r, xbar_s])
def test_rows_of_unequal_length_with_size_or_by(chart):
    for more in ({"size": 2}, {"by": [1, 2]}):
        with pytest.raises(DataError, match="data: rows of unequal length came with by or size"):
            chart([[1, 2], [3]], **more)


@pytest.mark.parametrize("sigma", ["mvlue_s", "sbar", "pooled", "pooled_raw", "median_s"])
def test_sigma_of_tiny_values(sigma):
    plain = xbar_s(RINGS, sigma=sigma).limits.sigma
    tiny = xbar_s(RINGS * 2.0**-960, sigma=sigma)  # about 1e-289: squares vanish
    assert tiny.limits.sigma == pytest.approx(plain * 2.0**-960, rel=1e-13)
    assert "zero-variance" not in codes(tiny)


@pytest.mark.parametrize("chart", [xbar_r, xbar_s])
@pytest.mark.parametrize(("name", "value"), [("constants", "evil"), ("dispersion_limits", 3), ("target", "evil")])
def test_hostile_stored_limits(chart, name, value):
    stored = {**chart(RINGS).limits.to_dict(), "parameters": {name: value}}
    with pytest.raises(DataError, match=rf"limits\.parameters\['{name}'\]: got "):
        chart(RINGS, limits=stored)
