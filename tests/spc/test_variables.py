"""Individuals and moving range charts."""

import itertools
import math

import numpy as np
import pytest

from qstats.errors import DataError, TooFewData
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.individuals import individuals

# NIST/SEMATECH e-Handbook 6.3.2.2, flow rates
NIST = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# Wheeler, Making Sense of Data (2003), p. 382
WHEELER = [5045, 4350, 4350, 3975, 4290, 4430, 4485, 4285, 3980, 3925, 3645, 3760, 3300, 3685, 3463, 5200]
ROOT_PI = math.sqrt(math.pi)


def main(chart):
    return chart.panels["individuals"]


def codes(chart):
    return [n.code for n in chart.notes]


def beyond(chart, panel="individuals"):
    return [s.index for s in chart.signals if s.panel == panel and s.rule == "beyond limits"]


def test_nist():
    chart = individuals(NIST, constants="table")
    ranges = chart.panels["moving_range"]
    assert chart.limits.center == pytest.approx(50.81, abs=1e-12)
    assert np.nanmean(ranges.statistic) == pytest.approx(1.8778, abs=5e-5)
    assert main(chart).upper[0] == pytest.approx(55.8041, abs=5e-5)
    assert main(chart).lower[0] == pytest.approx(45.8159, abs=5e-5)
    exact = individuals(NIST)
    assert main(exact).upper[0] == pytest.approx(55.8024, abs=5e-5)
    assert main(exact).lower[0] == pytest.approx(45.8176, abs=5e-5)
    assert chart.in_control
    assert codes(chart) == ["short-baseline"]


def test_wheeler():
    chart = individuals(WHEELER, constants="table")
    assert chart.limits.center == 4135.5
    assert np.nanmean(chart.panels["moving_range"].statistic) == pytest.approx(355.93, abs=5e-3)
    # printed with 2.660 and 3.268 (three decimals of 3/1.128 and 1 + 3*.853/1.128)
    assert main(chart).lower[0] == pytest.approx(3188.72, abs=0.15)
    assert main(chart).upper[0] == pytest.approx(5082.28, abs=0.15)
    assert chart.panels["moving_range"].upper[0] == pytest.approx(1163.19, abs=0.3)
    # exact constants: upper limit 5081.81 (d2 = 2/sqrt(pi))
    assert main(individuals(WHEELER)).upper[0] == pytest.approx(5081.81, abs=5e-3)
    assert [s.label for s in chart.signals if s.rule == "beyond limits"] == ["16", "16"]


@pytest.mark.parametrize("case", ["xbarone-viscosity-MR", "xbarone-rand1", "xbarone-rand2", "xbarone-rand3"])
def test_as_r_qcc(shewhart, case):
    c = shewhart[case]
    y, want = c["inputs"]["y"], c["expected"]
    chart = individuals(y, constants="table")
    assert chart.limits.center == pytest.approx(want["center"], rel=1e-13)
    assert chart.limits.sigma == pytest.approx(want["std.dev"], rel=1e-13)
    assert [main(chart).lower[0], main(chart).upper[0]] == pytest.approx(want["limits"][0], rel=1e-13)
    assert [i + 1 for i in beyond(chart)] == sorted(want["beyond"])
    # d2(2) is 2/sqrt(pi); qcc's printed 1.128 differs in the fourth decimal
    assert individuals(y).limits.sigma == pytest.approx(want["std.dev"] * 1.128 * ROOT_PI / 2, rel=1e-13)


def test_as_r_qicharts2(shewhart):
    c = shewhart["qic-i-1-screenFALSE"]
    chart = individuals(c["inputs"]["y"], constants="table")
    want = c["expected"]
    got = [main(chart).center[0], main(chart).lower[0], main(chart).upper[0]]
    assert got == pytest.approx([want["cl"], want["lcl"], want["ucl"]], rel=1e-12)
    assert [i + 1 for i in beyond(chart)] == want["sigma.signal"]
    c = shewhart["qic-mr-1-screenFALSE"]
    ranges = individuals(c["inputs"]["y"]).panels["moving_range"]
    assert ranges.center[0] == pytest.approx(c["expected"]["cl"], rel=1e-12)
    assert ranges.upper[0] == pytest.approx(c["expected"]["ucl"], rel=2e-4)  # 3.267 there, 3.26653 exactly
    assert ranges.lower[0] == 0.0
    assert [i + 1 for i in beyond(chart, "moving_range")] == c["expected"]["sigma.signal"]


def test_moving_range_limits_are_exact():
    # D4(2) = 1 + 3 d3/d2 = 3.26653 (d3 by quadrature; tables print D4 = 3.267)
    ranges = individuals(NIST).panels["moving_range"]
    assert ranges.upper[0] / ranges.center[0] == pytest.approx(3.26653, abs=5e-6)
    assert math.isnan(ranges.statistic[0])


def test_no_screening_of_moving_ranges():
    # a spike narrows the limits only where somebody asks for it
    y = [0.1, -0.2, 0.3, 0.0, 9.0, 0.2, -0.1, 0.1, 0.0, -0.3, 0.2, 0.1]
    by_hand = sum(abs(a - b) for a, b in itertools.pairwise(y)) / 11 * ROOT_PI / 2
    assert individuals(y).limits.sigma == pytest.approx(by_hand, rel=1e-13)


def test_excluded_points_break_moving_ranges():
    # with the 9.0 ghosted, no range from 2.0 to 8.0 is taken
    y = [1.0, 3.0, 2.0, 9.0, 8.0, 7.0, 9.0]
    chart = individuals(y, exclude=[3])
    ranges = chart.panels["moving_range"].statistic
    assert np.isnan(ranges).tolist() == [True, False, False, True, True, False, False]
    assert chart.limits.sigma == pytest.approx((2 + 1 + 1 + 2) / 4 * ROOT_PI / 2, rel=1e-14)
    assert chart.limits.center == pytest.approx(30 / 6)
    assert main(chart).statistic[3] == 9.0
    assert "excluded" in codes(chart)
    far = individuals([1.0, 3.0, 2.0, 999.0, 2.0, 1.0, 3.0], exclude=[3])
    assert far.in_control


def test_excluded_points_break_runs():
    y = [0.0, 0.0, *[1.0] * 5, 1.0, *[1.0] * 4]
    whole = individuals(y, sigma=1.0, baseline=2)
    assert [s.index for s in whole.signals if s.rule == "8 on one side"] == [9, 10, 11]
    assert individuals(y, sigma=1.0, baseline=2, exclude=[7]).in_control


def test_missing_values():
    # neither an exception without a way out nor a silent NaN
    y = [1.0, 3.0, math.nan, 8.0, 7.0, 9.0, 8.5]
    with pytest.raises(DataError, match=r"data: missing value.*position 2.*missing='drop'"):
        individuals(y)
    chart = individuals(y, missing="drop")
    assert codes(chart) == ["missing-dropped", "short-baseline"]
    assert "1 of 7" in chart.notes[0].message
    assert chart.limits.center == pytest.approx((1 + 3 + 8 + 7 + 9 + 8.5) / 6)
    assert chart.limits.sigma == pytest.approx((2 + 1 + 2 + 0.5) / 4 * ROOT_PI / 2)
    assert chart.limits.n == 6
    assert np.isnan(main(chart).statistic).tolist() == [i == 2 for i in range(7)]
    assert len(chart.labels) == 7
    assert chart.to_dict()["panels"]["individuals"]["statistic"][2] is None


def test_phases_and_freeze_together():
    y = [1.0, 2.0, 1.0, 2.0, 9.0, 5.0, 6.0, 5.0, 6.0, 9.0]
    mask = [True] * 4 + [False] + [True] * 4 + [False]
    chart = individuals(y, phase=list("aaaaabbbbb"), baseline=mask)
    assert [(lim.phase, lim.center, lim.n) for lim in chart.limits_by_phase] == [("a", 1.5, 4), ("b", 5.5, 4)]
    assert [lim.sigma for lim in chart.limits_by_phase] == pytest.approx([ROOT_PI / 2] * 2)
    assert main(chart).center.tolist() == [1.5] * 5 + [5.5] * 5
    assert beyond(chart) == [4, 9]
    assert math.isnan(chart.panels["moving_range"].statistic[5])
    frozen = individuals(y, phase=[5], baseline=5)
    assert [n.code for n in frozen.notes][:1] == ["phase-without-baseline"]


def test_only_single_points_are_judged_on_moving_ranges():
    y = np.cumsum(np.full(30, 0.1)) + np.array([0.0, 5.0] * 15)
    chart = individuals(y, rules="nelson")
    assert {s.rule for s in chart.signals if s.panel == "moving_range"} <= {"beyond limits"}
    assert individuals(y, rules="none").signals == ()


def test_all_rules_of_a_point_are_reported():
    # a point that breaks two rules is not reported once
    y = [0.0, 1.0] * 8 + [9.0, 9.0, 9.0]
    last = [s.rule for s in individuals(y, baseline=16).signals if s.index == 17 and s.panel == "individuals"]
    assert last == ["beyond limits", "2 of 3 beyond 2 sigma"]
    windows = {s.rule: s.window for s in individuals(y, baseline=16).signals if s.index == 17}
    assert windows["2 of 3 beyond 2 sigma"] == (15, 16, 17)


def test_a_constant_series_is_quiet_and_says_why():
    for value in (0.1, 1e12 + 0.1, 0.0, -7.3):
        chart = individuals([value] * 25, rules="nelson")
        assert chart.in_control
        assert (main(chart).upper == value).all()
        assert (main(chart).lower == value).all()
        note = chart.notes[0]
        assert (note.code, note.severity) == ("zero-variance", "serious")
    assert individuals([0.1] * 25, sigma=1.0).in_control


def test_known_sigma_and_median():
    chart = individuals([1.0], sigma=2)
    assert (main(chart).lower[0], main(chart).upper[0]) == (-5.0, 7.0)
    assert chart.panels["moving_range"].center[0] == pytest.approx(2 * 2 / ROOT_PI, rel=1e-14)
    # R: sqrt(2)*qnorm(.75) = 0.953873
    spike = individuals([0.0, 1.0, 0.0, 1.0, 50.0, 0.0, 1.0], sigma="median_moving_range")
    assert spike.limits.sigma == pytest.approx(1 / 0.953873, rel=1e-6)
    assert "median" in spike.method


def test_stored_limits_judge_new_data():
    old = individuals(NIST)
    for limits in (old.limits, old.limits.to_dict()):
        chart = individuals([50.0, 60.0], limits=limits)
        assert main(chart).upper[0] == main(old).upper[0]
        assert beyond(chart) == [1]
        assert not chart.used.any()
        assert chart.limits.n == 10
        assert codes(chart) == []


GIVEN = ControlLimits("individuals", 50.0, 2.0, 3.0, "", 30, "given")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"limits": GIVEN, "baseline": 5}, "baseline: given together"),
        ({"limits": GIVEN, "sigma": 2.0}, "sigma: given together"),
        ({"limits": GIVEN, "nsigma": 2.0}, "nsigma: got 2"),
        ({"limits": ControlLimits("p", 0.5, None, 3.0, "", 9, "")}, "kind 'p'; 'individuals' is wanted"),
        ({"limits": ControlLimits("individuals", 0.5, None, 3.0, "", 9, "")}, "hold no sigma"),
        ({"limits": 3}, "limits: got a int"),
        ({"nsigma": 0}, "nsigma"),
        ({"nsigma": "3"}, "nsigma"),
        ({"sigma": "sd"}, "sigma"),
        ({"constants": "minitab"}, "constants"),
        ({"rules": "weco"}, "rules"),
        ({"missing": "ignore"}, "missing"),
    ],
)
def test_refused_options(options, word):
    with pytest.raises(DataError, match=word):
        individuals(NIST, **options)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ([], "data: 0 values"),
        ([math.nan, 1.0], "missing value"),
        ([math.inf, 1.0, 2.0], "inf at position 0"),
        (["1", "2", "3"], "text"),
        ("123", "a str"),
        ([[1.0, 2.0], [3.0, 4.0]], "2 dimensions"),
        ([1e308, -1e308, 1e308, -1e308], "overflow"),
        (None, "data: got object values"),
    ],
)
def test_hostile_data(data, word):
    with pytest.raises(DataError, match=word):
        individuals(data)


@pytest.mark.parametrize(
    "call",
    [
        lambda: individuals([1.0]),
        lambda: individuals([1.0, 2.0]),
        lambda: individuals([math.nan, math.nan], missing="drop"),
        lambda: individuals([1.0, 2.0, 3.0, 4.0], phase=[2]),
        lambda: individuals([1.0, 2.0, 3.0, 4.0], baseline=2),
        lambda: individuals([1.0, 2.0, 3.0], exclude=slice(None), sigma=1.0),
    ],
)
def test_too_few(call):
    with pytest.raises(TooFewData, match="data: "):
        call()


def test_a_huge_offset_loses_nothing():
    base = np.array([0.0, 1.0, -1.0, 0.5, 2.0, -0.5, 0.25, 1.5])
    shifted = individuals(base / 1024 + 1e12)
    plain = individuals(base / 1024)
    assert shifted.limits.sigma == plain.limits.sigma
    assert shifted.limits.center - 1e12 == pytest.approx(plain.limits.center, abs=2e-4)  # one step of float64 there


def test_two_sigma_limits():
    chart = individuals(NIST, nsigma=2.0)
    assert main(chart).upper[0] == chart.limits.center + 2.0 * chart.limits.sigma
    ranges = chart.panels["moving_range"]
    assert ranges.upper[0] == ranges.center[0] + 2.0 * ranges.sigma[0]
    assert beyond(chart) == [i for i, v in enumerate(NIST) if abs(v - chart.limits.center) > 2 * chart.limits.sigma]


def test_options_beside_stored_limits():
    stored = individuals(NIST).limits
    for wrong in ({"span": 3}, {"constants": "table"}):
        with pytest.raises(DataError, match=f"{next(iter(wrong))}: got .* together with limits"):
            individuals(NIST, limits=stored, **wrong)
    other = individuals(NIST, span=3, constants="table")
    again = individuals(NIST, limits=other.limits, span=3, constants="table")  # says what the limits say
    np.testing.assert_array_equal(again.panels["moving_range"].upper, other.panels["moving_range"].upper)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("span", v) for v in ("evil", 0, 1, 101, 2.5, True, 10**400)),
        ("constants", "evil"),
        ("constants", 1),
        ("target", 3.0),
    ],
)
def test_hostile_stored_limits(name, value):
    stored = {**individuals(NIST).limits.to_dict(), "parameters": {name: value}}
    with pytest.raises(DataError, match=rf"limits\.parameters\['{name}'\]: got "):
        individuals(NIST, limits=stored)


def test_overall_scatter_of_tiny_values():
    # multiplying by a power of two changes no digit of the estimate, down to where float64 thins out
    sigma = individuals(NIST, sigma="sd_c4").limits.sigma
    assert individuals(np.array(NIST) * 2.0**-1000, sigma="sd_c4").limits.sigma == pytest.approx(
        sigma * 2.0**-1000, rel=1e-13
    )
