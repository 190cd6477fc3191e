"""Defects of other programs, one test each: the case that shows the defect, and the right answer here.

Numbers in the names are those of the list these tests were written from; expected values are worked out by hand in
each test, or cited there. What belongs to capability is tested with capability.
"""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

import qstats
from qstats import ControlLimits, Rule

Z = ControlLimits("individuals", 0.0, 1.0, 3.0, "", 0, "given")
TWO_OF_THREE = Rule("2 of 3", "beyond", 2, 3, 2.0)


def at_end(z, rule, limits=Z):
    chart = qstats.individuals(z, limits=limits, rules=(rule,))
    return [s.index for s in chart.signals if s.panel == "individuals"]


def test_01_zones_are_each_points_own_where_n_varies():
    # qcc 3.0 holds the whole window against the last point's limits. z = .67, 0, 2.33 is quiet, 2.33, 0, 2.43 is not.
    p, size = 0.2, np.array([100, 100, 100])
    for z, fires in (((0.67, 0.0, 2.33), False), ((2.33, 0.0, 2.43), True)):
        # the same z from samples of very different size
        sizes = np.array([400, 10_000, 2_500])
        count = np.round(sizes * (p + np.array(z) * np.sqrt(p * (1 - p) / sizes)))
        limits = ControlLimits("p", p, None, 3.0, "", 0, "given")
        chart = qstats.p_chart(count, size=sizes, limits=limits, rules=(TWO_OF_THREE,))
        got = (chart.panels["p"].statistic - p) / chart.panels["p"].sigma
        assert got == pytest.approx(z, abs=0.05)
        assert bool(chart.signals) is fires
    assert size.size == 3


def test_02_dispersion_has_a_centre_for_each_size():
    # E[R] = d2(n) sigma, E[s] = c4(n) sigma: d2(2) 1.128, d2(5) 2.326; c4(2) .7979, c4(5) .9400
    groups = [[1, 3], [2, 4, 3, 1, 5], [2, 2], [3, 1, 2, 4, 4]]
    r = qstats.xbar_r(groups, sigma=1.0).panels["range"]
    s = qstats.xbar_s(groups, sigma=1.0).panels["std"]
    assert r.center == pytest.approx([1.128, 2.326, 1.128, 2.326], abs=5e-4)
    assert s.center == pytest.approx([0.7979, 0.9400, 0.7979, 0.9400], abs=5e-5)


def test_03_g_chart_has_limits_and_one_parameterisation():
    gaps = [4, 30, 11, 25, 60, 8, 17, 90, 2, 33, 41, 5]
    chart = qstats.g_chart(gaps)
    panel = chart.panels["g"]
    assert np.isfinite(panel.upper).all()
    p = chart.limits.number("p")
    upper = panel.upper[0]  # geometric from 0: P(X > u) = (1 - p)**(u + 1)
    assert (1 - p) ** (upper + 1) <= 0.00135 < (1 - p) ** upper


def test_05_later_points_have_as_many_verdicts_as_points():
    rng = np.random.default_rng(1)
    chart = qstats.t2(rng.normal(size=(30, 3)))
    longer = chart.extend(rng.normal(size=(7, 3)))
    assert len(longer.labels) == len(longer.panels["t2"].upper) == 37
    assert all(0 <= s.index < 37 for s in longer.signals)
    np.testing.assert_array_equal(longer.panels["t2"].upper[:30], chart.panels["t2"].upper)


def test_06_limits_do_not_depend_on_how_the_package_is_loaded():
    code = "print(individuals([5, 6, 5, 7, 30, 6, 5, 6, 7, 5]).panels['individuals'].upper[0])"
    heads = (
        "from qstats import individuals",
        "from qstats.spc.charts.individuals import individuals",
        "from qstats import *",
    )
    said = {subprocess.check_output([sys.executable, "-c", f"{head}\n{code}"], text=True) for head in heads}
    # mean 8.2, moving ranges 1 1 2 23 24 1 1 1 2: mean 56/9; never screened unasked
    assert len(said) == 1
    assert float(said.pop()) == pytest.approx(8.2 + 3 * 56 / 9 / (2 / math.sqrt(math.pi)))


@pytest.mark.parametrize("make", [lambda x: qstats.individuals(x, baseline=12), lambda x: qstats.ewma(x, baseline=12)])
def test_07_frozen_limits_do_not_see_the_future(make):
    rng = np.random.default_rng(2)
    x = rng.normal(size=40)
    noisy = np.concatenate((x[:12], 20 * x[12:]))
    assert make(x).limits.to_dict() == make(noisy).limits.to_dict()


def test_08_moving_ranges_stop_at_gaps_and_exclusions():
    chart = qstats.individuals([1, 2, None, 9, 10, 50, 11, 12], missing="drop", exclude=[5])
    moves = chart.panels["moving_range"].statistic
    assert np.isnan(moves[[0, 2, 3, 5, 6]]).all()
    assert moves[[1, 4, 7]].tolist() == [1, 1, 1]


def test_09_the_median_moving_range_has_its_own_constant():
    # median of |x - y| of two normals is .9539 sigma; dividing by 1.128 makes limits 15 % too narrow
    chart = qstats.individuals([0, 2, 0, 2, 0, 2, 0], sigma="median_moving_range")
    assert chart.limits.sigma == pytest.approx(2 / (math.sqrt(2) * stats.norm.ppf(0.75)), rel=1e-12)


def test_10_sides_are_not_netted_and_two_points_are_no_three():
    assert at_end([2.5, -2.5, 2.5], TWO_OF_THREE) == [2]
    assert at_end([2.5, 2.5], TWO_OF_THREE) == []
    assert (qstats.xbar_s(np.random.default_rng(1).normal(size=(20, 3))).panels["std"].lower == 0).all()


def test_11_points_beyond_3_sigma_count_towards_2_of_3():
    assert at_end([3.5, 3.5, 2.5], TWO_OF_THREE) == [1, 2][1:]
    nhs = qstats.individuals([3.5, 3.5, 2.5], limits=Z, rules="nhs")
    assert "2 of 3 near a limit" not in {s.rule for s in nhs.signals}  # as its tool has it, and only there


def test_13_run_rules_work_on_p_charts_and_count_points_rightly():
    count = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20] * 2
    limits = ControlLimits("p", 0.10, None, 3.0, "", 0, "given")
    rules = {s.rule for s in qstats.p_chart(count, size=100, limits=limits, rules="nelson").signals}
    assert {"9 on one side", "6 in a trend"} <= rules
    assert at_end([0.1] * 15, Rule("w", "within", 15, 15, 1.0)) == [14]


def test_14_what_is_drawn_is_what_is_judged():
    size, count = [80, 100, 100, 90, 100, 85], [8, 30, 9, 9, 10, 8]
    chart = qstats.p_chart(count, size=size)
    panel, frame = chart.panels["p"], chart.to_frame()
    np.testing.assert_array_equal(frame["upper"], panel.upper)
    assert panel.center[0] == sum(count) / sum(size)
    drawn = np.concatenate([p.get_data().values for p in chart.plot().patches if p.get_gid() != "zone"])
    assert set(panel.upper) <= set(drawn)


@pytest.mark.parametrize("n", [344, 345, 430, 500, 10_000])
def test_15_large_pooled_samples_have_a_sigma(n):
    from qstats._core.bias import c4

    assert 1 - 1 / (4 * n - 5) < c4(n) < 1
    x = np.random.default_rng(1).normal(size=(100, 5))
    pooled = math.sqrt(x.var(axis=1, ddof=1).mean())
    assert qstats.xbar_s(x, sigma="pooled").limits.sigma == pytest.approx(pooled, rel=1e-3)


def test_16_two_of_three_is_two_and_mixture_can_fire_and_constants_are_no_trend():
    assert at_end([2.5, 0.0, 2.5], TWO_OF_THREE) == [2]
    assert at_end([1.5, -1.5] * 4, Rule("mix", "outside", 8, 8, 1.0, "both")) == [7]
    assert qstats.individuals([5.0] * 20, rules="nelson").signals == ()


def test_17_individuals_use_moving_ranges_not_the_overall_scatter():
    x = np.arange(20.0)  # a trend: overall s is 5.9, moving ranges are 1
    assert qstats.individuals(x).limits.sigma == pytest.approx(1 / (2 / math.sqrt(math.pi)))


def test_18_the_centre_of_fractions_is_weighted_and_nothing_is_asserted():
    chart = qstats.p_chart([0, 30], size=[10, 1000])
    assert chart.limits.center == 30 / 1010
    chart = qstats.p_chart([0, 1, 0, 1], size=[10, 12, 9, 11])
    assert "few-expected" in {n.code for n in chart.notes}
    assert (chart.panels["p"].lower >= 0).all()


def test_19_constants_are_exact_and_gaps_allowed():
    chart = qstats.individuals([10, 12, None, 11, 13, 12], missing="drop")
    assert chart.limits.sigma == pytest.approx((2 + 2 + 1) / 3 * math.sqrt(math.pi) / 2, rel=1e-12)


def test_21_unequal_subgroups_are_charted():
    chart = qstats.xbar_s([[1, 2], [1, 2, 3], [2, 3, 4, 5]])
    assert len(chart.panels["xbar"].statistic) == 3


def test_22_a_proportion_has_no_limit_above_one():
    panel = qstats.p_chart([9, 4, 5, 4], size=[9, 5, 5, 5]).panels["p"]
    assert panel.upper.max() == 1.0
    assert (panel.center + 3 * panel.sigma).max() > 1.0


def test_23_one_missing_value_is_an_error_or_a_gap_with_a_note():
    x = [5.0, 6.0, math.nan, 5.0, 30.0, 6.0, 5.0, 5.0, 6.0, 5.0, 6.0, 5.0, 6.0, 5.0, 6.0]
    with pytest.raises(qstats.DataError, match="missing value"):
        qstats.individuals(x)
    chart = qstats.individuals(x, missing="drop")
    assert math.isfinite(chart.limits.center)
    assert "missing-dropped" in {n.code for n in chart.notes}


def test_24_every_rule_that_fires_is_reported():
    z = [2.5, 2.5, 3.5]
    fired = {s.rule for s in qstats.individuals(z, limits=Z).signals if (s.panel, s.index) == ("individuals", 2)}
    assert fired == {"beyond limits", "2 of 3 beyond 2 sigma"}


def test_25_constants_for_any_n():
    x = np.random.default_rng(3).normal(size=(30, 40))
    chart = qstats.xbar_r(x)
    # E[range of 40 normals] = 4.3216 sigma (Harter 1960, table of the expected range)
    assert chart.panels["range"].center[0] / chart.limits.sigma == pytest.approx(4.3216, abs=1e-4)


def test_27_long_and_many_series_take_array_time():
    # the slow ones walk over points in Python; here a block costs some ten calls of numpy, whatever it holds
    x = np.random.default_rng(4).normal(size=(2_000, 60))
    screen = qstats.screen_series(x)
    assert len(screen.names) == 2_000
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append(event) if event == "call" else None)
    try:
        qstats.individuals(x.reshape(-1), rules="nelson")
    finally:
        sys.setprofile(None)
    assert len(calls) < 5_000  # 120,000 points
