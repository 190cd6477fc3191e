"""Between/within charts (I-MR-R/S)."""

import itertools
import json
import math
import statistics

import numpy as np
import pytest

from qstats._core.bias import c4, d2, d3
from qstats.errors import DataError, TooFewData
from qstats.spc.charts.between_within import between_within
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.xbar import xbar_r, xbar_s
from qstats.spc.limits import ControlLimits
from qstats.spc.monitor import monitor
from qstats.spc.rules import BEYOND_LIMITS

ROOT_PI = math.sqrt(math.pi)


def batches(seed=1, k=30, n=4, between=3.0):
    rng = np.random.default_rng(seed)
    return 50 + between * rng.normal(size=(k, 1)) + rng.normal(size=(k, n))


def codes(chart):
    return [n.code for n in chart.notes]


def test_by_hand():
    # Small enough for paper. Means 6, 8.5, 6, 9.5, 6, 9; moving ranges 2.5 2.5 3.5 3.5 3; ranges 2 1 0 1 2 2.
    # sigma of means = 3/d2(2); sigma within = (8/6)/d2(2); d2(2) = 2/sqrt(pi)
    chart = between_within([[5, 7], [9, 8], [6, 6], [9, 10], [7, 5], [8, 10]])
    means, within = 3.0 * ROOT_PI / 2, 8 / 6 * ROOT_PI / 2
    assert chart.limits.center == 7.5
    assert chart.limits.sigma == pytest.approx(means, rel=1e-14)
    assert chart.limits.number("sigma_within") == pytest.approx(within, rel=1e-14)
    between = math.sqrt(means**2 - within**2 / 2)
    assert chart.limits.number("sigma_between") == pytest.approx(between, rel=1e-14)
    assert chart.limits.number("sigma_total") == pytest.approx(math.sqrt(between**2 + within**2), rel=1e-14)
    assert chart.limits.df == 5
    moving = chart.panels["moving_range"]
    assert moving.statistic[1:].tolist() == [2.5, 2.5, 3.5, 3.5, 3.0]
    assert math.isnan(moving.statistic[0])
    assert (moving.center[0], moving.lower[0]) == (pytest.approx(3.0), 0.0)
    assert moving.upper[0] == pytest.approx(3.26653 * 3.0, rel=2e-6)  # D4(2)
    ranges = chart.panels["range"]
    assert ranges.statistic.tolist() == [2, 1, 0, 1, 2, 2]
    assert ranges.upper[0] == pytest.approx(3.26653 * 8 / 6, rel=2e-6)
    assert list(chart.panels) == ["xbar", "moving_range", "range"]
    assert [chart.panels["xbar"].lower[0], chart.panels["xbar"].upper[0]] == pytest.approx(
        [7.5 - 3 * means, 7.5 + 3 * means]
    )


def by_loop(rows):
    """The definition, subgroup by subgroup, with harmonic n (JMP: statistical details for three-way charts)."""
    means = [statistics.fmean(r) for r in rows]
    sigma_means = statistics.fmean(abs(a - b) for a, b in itertools.pairwise(means)) / d2(2)
    within = statistics.fmean((max(r) - min(r)) / d2(len(r)) for r in rows)
    n = statistics.harmonic_mean([len(r) for r in rows])
    return statistics.fmean(means), sigma_means, within, math.sqrt(max(0.0, sigma_means**2 - within**2 / n))


@pytest.mark.parametrize("cut", [4, 3, 2])
def test_unequal_subgroups(cut):
    rows = [r[: max(2, cut + i % (5 - cut))] for i, r in enumerate(batches().tolist())]
    center, means, within, between = by_loop(rows)
    chart = between_within(rows)
    got = [chart.limits.center, chart.limits.sigma, *map(chart.limits.number, ("sigma_within", "sigma_between"))]
    assert got == pytest.approx([center, means, within, between], rel=1e-12)
    ranges = chart.panels["range"]
    assert ranges.center == pytest.approx([d2(len(r)) * within for r in rows])
    assert ranges.upper == pytest.approx([(d2(len(r)) + 3 * d3(len(r))) * within for r in rows])
    # every mean is judged alike, whatever its size
    assert len(set(chart.panels["xbar"].upper.tolist())) == 1


def test_the_means_are_an_individuals_chart():
    rows = batches()
    chart, single = between_within(rows, rules="nelson"), individuals(rows.mean(axis=1), rules="nelson")
    for ours, theirs in (("xbar", "individuals"), ("moving_range", "moving_range")):
        for part in ("statistic", "center", "lower", "upper", "sigma"):
            got, want = getattr(chart.panels[ours], part), getattr(single.panels[theirs], part)
            np.testing.assert_allclose(got, want, rtol=1e-12)
    ours = [(s.index, s.rule) for s in chart.signals if s.panel == "xbar"]
    assert ours == [(s.index, s.rule) for s in single.signals if s.panel == "individuals"]
    # the batches differ by nature: an X-bar chart signals all over
    assert len([s for s in xbar_r(rows).signals if s.panel == "xbar"]) > 10


def test_the_inside_is_that_of_a_subgroup_chart():
    rows = batches()
    std = between_within(rows, dispersion="std")
    assert list(std.panels) == ["xbar", "moving_range", "std"]
    want = xbar_s(rows)
    assert std.limits.number("sigma_within") == want.limits.sigma
    for part in ("statistic", "center", "lower", "upper"):
        np.testing.assert_array_equal(getattr(std.panels["std"], part), getattr(want.panels["std"], part))
    pooled = between_within(rows, within="pooled", dispersion="std")
    assert pooled.limits.number("sigma_within") == xbar_s(rows, sigma="pooled").limits.sigma
    robust = between_within(rows, within="shamos", sigma="median_moving_range")
    assert robust.limits.number("sigma_within") == xbar_s(rows, sigma="shamos").limits.sigma
    assert robust.limits.sigma == pytest.approx(
        individuals(rows.mean(axis=1), sigma="median_moving_range").limits.sigma, rel=1e-12
    )
    known = between_within(rows, within=1.0, sigma=3.0)
    assert known.limits.number("sigma_between") == pytest.approx(math.sqrt(9 - 1 / 4))
    assert known.limits.df is None
    assert known.panels["range"].center[0] == pytest.approx(d2(4))
    table = between_within(rows, constants="table")
    assert table.limits.sigma == pytest.approx(between_within(rows).limits.sigma * d2(2) / 1.128)
    assert table.limits.number("sigma_within") == pytest.approx(
        between_within(rows).limits.number("sigma_within") * d2(4) / 2.059
    )


def test_no_variation_between():
    chart = between_within(batches(seed=3, between=0.0), sigma=0.1)
    assert chart.limits.number("sigma_between") == 0.0
    assert chart.limits.number("sigma_total") == chart.limits.number("sigma_within")
    assert "no-between-variation" in codes(chart)
    assert "no-between-variation" not in codes(between_within(batches()))


def test_what_it_estimates():
    # 4000 batches: sigma between 3, within 1; the estimates' standard errors are below 2 %
    chart = between_within(batches(seed=8, k=4000))
    got = [chart.limits.number(f"sigma_{name}") for name in ("within", "between", "total")]
    assert got == pytest.approx([1.0, 3.0, math.sqrt(10.0)], rel=0.06)


def test_moving_ranges_stop_at_exclusions_gaps_and_phases():
    rows = batches(k=12).tolist()
    rows[4] = [math.nan] * 4
    chart = between_within(rows, exclude=[8], phase=[6], missing="drop")
    gone = np.isnan(chart.panels["moving_range"].statistic)
    assert np.flatnonzero(gone).tolist() == [0, 4, 5, 6, 8, 9]
    means = [statistics.fmean(r) for r in rows]
    want = statistics.fmean(abs(means[i] - means[i - 1]) for i in (1, 2, 3)) / d2(2)
    assert chart.limits_by_phase[0].sigma == pytest.approx(want)
    with pytest.raises(TooFewData, match="1 moving ranges of means in phase '2'"):
        between_within(batches(k=12), phase=[10])
    assert math.isnan(between_within([*batches(k=12).tolist(), [50.0]]).panels["range"].statistic[12])


def test_later_subgroups():
    rows = batches(k=20)
    chart = between_within(rows, dispersion="std", constants="table")
    more = [[80.0, 81.0, 79.0], [50.0, 50.0, 50.0, 90.0]]
    longer = chart.extend(more)
    want = between_within([*rows.tolist(), *more], baseline=20, dispersion="std", constants="table")
    assert longer.to_dict() | {"notes": 0} == want.to_dict() | {"notes": 0}
    watch = monitor(chart)
    for row, at in zip(more, (20, 21), strict=True):
        got = [(s.panel, s.index, s.rule) for s in watch.update(row)]
        assert got == [(s.panel, s.index, s.rule) for s in longer.signals if s.index == at]
    limits = ControlLimits.from_dict(json.loads(chart.limits.to_json()))
    again = between_within(rows, limits=limits)
    assert again.to_dict()["panels"] == chart.to_dict()["panels"]
    with pytest.raises(DataError, match="target: a between/within chart has one centre"):
        chart.extend(more, target=[1.0, 2.0])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"sigma": "rbar"}, "sigma: got 'rbar'; one of 'moving_range'"),
        ({"within": "moving_range"}, "within: got 'moving_range'; one of 'rbar'"),
        ({"within": 0.0}, "within: got 0"),
        ({"dispersion": "median"}, "dispersion: got 'median'"),
        ({"constants": "iso"}, "constants: got 'iso'"),
    ],
)
def test_bad_options(options, text):
    with pytest.raises(DataError, match=text):
        between_within(batches(), **options)


def test_options_beside_stored_limits():
    limits = between_within(batches()).limits
    for options, text in (
        ({"sigma": 2.0}, "sigma: given together with limits"),
        ({"within": 2.0}, "sigma: given together with limits"),
        ({"dispersion": "std"}, "dispersion: got 'std' together with limits made otherwise"),
        ({"constants": "table"}, "constants: got 'table' together with limits made otherwise"),
    ):
        with pytest.raises(DataError, match=text):
            between_within(batches(), limits=limits, **options)
    with pytest.raises(DataError, match="they hold no sigma"):
        between_within(batches(), limits=ControlLimits("between_within", 1.0, None, 3.0, "", 3, "given"))
    with pytest.raises(DataError, match="parameter 'sigma_within'"):
        between_within(batches(), limits=ControlLimits("between_within", 1.0, 1.0, 3.0, "", 3, "given"))


def test_nothing_varies():
    chart = between_within([[5.0, 5.0]] * 12)
    assert "zero-variance" in codes(chart)
    assert chart.in_control
    with pytest.raises(DataError, match="sums overflow"):
        between_within([[1e308, -1e308], [1e308, 1e308], [-1e308, 1e308], [1.0, 2.0]])


def test_standard_deviation_constants():
    rows = batches()
    chart = between_within(rows, dispersion="std")
    assert chart.panels["std"].center[0] == pytest.approx(c4(4) * chart.limits.number("sigma_within"))


def test_a_monitor_of_single_points_remembers_the_mean_before():
    chart = between_within(batches(k=20))
    watch = monitor(chart.limits, rules=(BEYOND_LIMITS,))
    level, reach = chart.limits.center, 2.9 * chart.limits.sigma
    assert watch.update([level - reach] * 4) == ()
    assert [s.panel for s in watch.update([level + reach] * 4)] == ["moving_range"]


@pytest.mark.parametrize("scale", [1e300, 2.0**-990])
def test_very_large_and_very_small_values(scale):
    plain, other = between_within(batches()), between_within(batches() * scale)
    for name in ("sigma_within", "sigma_between", "sigma_total"):
        assert other.limits.number(name) == pytest.approx(scale * plain.limits.number(name), rel=1e-12)


def test_sums_that_overflow_are_told():
    with pytest.raises(DataError, match="data: values so large that their sums overflow"):
        between_within(batches() * 1e300, dispersion="std")
    with pytest.raises(DataError, match="data: values so large that their sums overflow"):
        between_within(batches().reshape(-1) * 3e306, size=4)


def test_rows_of_unequal_length_with_size():
    with pytest.raises(DataError, match="data: rows of unequal length came with by or size"):
        between_within([[1, 2], [3]], size=2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("sigma_within", v) for v in (-1.0, "evil", True)),
        ("sigma_between", -1.0),
        ("sigma_total", "evil"),
        ("dispersion", "evil"),
        ("constants", "evil"),
    ],
)
def test_hostile_stored_limits(name, value):
    stored = between_within(batches()).limits.to_dict()
    stored["parameters"][name] = value
    with pytest.raises(DataError, match=rf"limits\.parameters\['{name}'\]: got "):
        between_within(batches(), limits=stored)
