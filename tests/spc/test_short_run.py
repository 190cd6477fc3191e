"""Short-run charts: Z-MR with four ways of pooling, and deviations from nominal."""

import itertools
import json
import math
import statistics

import numpy as np
import pytest

from qstats.errors import DataError, TooFewData
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.short_run import short_run
from qstats.spc.limits import ControlLimits
from qstats.spc.monitor import monitor
from qstats.spc.rules import BEYOND_LIMITS

D2 = 2 / math.sqrt(math.pi)
# SAS/QC User's Guide, SHEWHART procedure, "Analyzing the Difference from Nominal": diameters of three models in short
# runs, with their nominal values.
PART = ["M3"] * 5 + ["M1"] * 4 + ["M2"] * 3 + ["M3"] * 4 + ["M2"] * 5 + ["M1"] * 4 + ["M3"] * 5
SIZE = [
    *(13.99, 14.69, 13.86, 14.32, 13.23, 17.55, 14.26, 14.62, 12.97, 16.18, 15.29, 16.20, 13.89, 12.71, 14.32),
    *(15.35, 15.08, 14.72, 14.79, 15.27, 15.95, 14.78, 15.19, 15.41, 16.26, 16.68, 15.60, 14.86, 16.67, 14.35),
]
NOMINAL = {"M1": 15.0, "M2": 15.5, "M3": 14.8, "M4": 15.2}


def codes(chart):
    return [n.code for n in chart.notes]


def moves(values):
    return [abs(a - b) for a, b in itertools.pairwise(values)]


def runs(part):
    return [list(g) for _, g in itertools.groupby(range(len(part)), key=lambda i: part[i])]


def by_loop(x, part, pooling, average=statistics.fmean, factor=D2):
    """z by the definition of each way of pooling (Minitab, methods and formulas of the Z-MR chart)."""
    y = [math.log(v) for v in x] if pooling == "relative" else list(x)
    mean = {p: statistics.fmean(v for v, q in zip(y, part, strict=True) if q == p) for p in part}
    gap = [v - mean[p] for v, p in zip(y, part, strict=True)]
    if pooling == "by_part":
        sigma = {p: average(moves([g for g, q in zip(gap, part, strict=True) if q == p])) / factor for p in mean}
        return [g / sigma[p] for g, p in zip(gap, part, strict=True)]
    if pooling == "by_run":
        z = []
        for run in runs(part):
            sigma = average(moves([gap[i] for i in run])) / factor
            z += [gap[i] / sigma for i in run]
        return z
    sigma = average(moves(gap)) / factor
    return [g / sigma for g in gap]


@pytest.mark.parametrize("pooling", ["by_part", "constant", "relative", "by_run"])
@pytest.mark.parametrize(
    ("sigma", "average", "factor"),
    [
        ("moving_range", statistics.fmean, D2),
        ("median_moving_range", statistics.median, math.sqrt(2) * statistics.NormalDist().inv_cdf(0.75)),
    ],
)
def test_z_is_what_a_loop_says(pooling, sigma, average, factor):
    chart = short_run(SIZE, part=PART, pooling=pooling, sigma=sigma)
    z = by_loop(SIZE, PART, pooling, average, factor)
    panel = chart.panels["z"]
    assert panel.statistic == pytest.approx(z, rel=1e-10)
    assert set(zip(panel.center.tolist(), panel.lower.tolist(), panel.upper.tolist(), strict=True)) == {(0, -3, 3)}
    moving = chart.panels["moving_range"]
    assert moving.statistic[1:] == pytest.approx(moves(z), rel=1e-9)
    assert moving.center[0] == pytest.approx(D2, rel=1e-14)
    assert moving.upper[0] == pytest.approx(D2 * 3.26653, rel=2e-6)  # D4(2)
    assert list(chart.panels) == ["z", "moving_range"]
    assert chart.limits.df == {"by_part": 30 - 3, "by_run": 30 - 7, "constant": 29, "relative": 29}[pooling]


def test_by_part_is_the_default_and_holds_its_parts():
    chart = short_run(SIZE, part=PART)
    assert (
        chart.panels["z"].statistic.tolist()
        == short_run(SIZE, part=PART, pooling="by_part").panels["z"].statistic.tolist()
    )
    for name, mean, sigma in chart.limits.parameters["parts"]:
        own = individuals([x for x, p in zip(SIZE, PART, strict=True) if p == name])
        assert (mean, sigma) == pytest.approx((own.limits.center, own.limits.sigma), rel=1e-13)
    # one part alone is an individuals chart in other units
    alone, plain = short_run(SIZE, part=["A"] * 30, rules="nelson"), individuals(SIZE, rules="nelson")
    z = (plain.panels["individuals"].statistic - plain.limits.center) / plain.limits.sigma
    assert alone.panels["z"].statistic == pytest.approx(z, rel=1e-12)
    fired = [(s.index, s.rule) for s in alone.signals]
    assert fired == [(s.index, s.rule) for s in plain.signals]


def test_deviations_from_nominal():
    gaps = [x - NOMINAL[p] for x, p in zip(SIZE, PART, strict=True)]
    chart, plain = short_run(SIZE, part=PART, nominal=NOMINAL), individuals(gaps)
    for ours, theirs in (("deviation", "individuals"), ("moving_range", "moving_range")):
        for part in ("statistic", "center", "lower", "upper"):
            got, want = getattr(chart.panels[ours], part), getattr(plain.panels[theirs], part)
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    assert chart.limits.parameters["parts"] == (("M3", 14.8), ("M1", 15.0), ("M2", 15.5))
    each = short_run(SIZE, part=PART, nominal=[NOMINAL[p] for p in PART])
    assert each.to_dict() == chart.to_dict()
    longer = chart.extend([15.6, 30.0], by=["M2", "M1"])
    assert longer.panels["deviation"].statistic[30:] == pytest.approx([0.1, 15.0])
    assert [s.index for s in longer.signals if s.panel == "deviation" and s.rule == "beyond limits"] == [31]
    known = short_run(SIZE, part=PART, nominal=NOMINAL, sigma=1.5)
    assert known.panels["deviation"].upper[0] == pytest.approx(statistics.fmean(gaps) + 4.5)
    for nominal, text in (
        ({"M1": 1.0}, "nominal: nothing came for part 'M3' \\(2 in all\\)"),
        ({**NOMINAL, "M1": math.nan}, r"nominal\['M1'\]: got nan"),
        ([1.0] * 29 + [2.0], "nominal: part 'M3' has more than one"),
        ([1.0] * 3, "nominal: 3 values"),
        ("goal", "nominal: got 'goal'"),
    ):
        with pytest.raises(DataError, match=text):
            short_run(SIZE, part=PART, nominal=nominal)
    with pytest.raises(DataError, match="pooling: given together with nominal"):
        short_run(SIZE, part=PART, nominal=NOMINAL, pooling="constant")
    with pytest.raises(DataError, match="sigma: deviations from nominal have one sigma"):
        short_run(SIZE, part=PART, nominal=NOMINAL, sigma={"M1": 1.0})


def test_known_sigmas():
    sigma = {"M1": 1.0, "M2": 0.5, "M3": 2.0}
    chart = short_run(SIZE, part=PART, sigma=sigma)
    means = {p: statistics.fmean(x for x, q in zip(SIZE, PART, strict=True) if q == p) for p in sigma}
    want = [(x - means[p]) / sigma[p] for x, p in zip(SIZE, PART, strict=True)]
    assert chart.panels["z"].statistic == pytest.approx(want, rel=1e-12, abs=1e-12)
    assert chart.limits.df is None
    runs_ = short_run(SIZE, part=PART, sigma=sigma, pooling="by_run")
    assert runs_.panels["z"].statistic == pytest.approx(want, rel=1e-12, abs=1e-12)
    one = short_run(SIZE, part=PART, sigma=2.0)
    assert {s for _, _, s in one.limits.parameters["parts"]} == {2.0}
    with pytest.raises(DataError, match="sigma: nothing came for part 'M3'"):
        short_run(SIZE, part=PART, sigma={"M1": 1.0, "M2": 2.0})
    with pytest.raises(DataError, match=r"sigma\['M1'\]: got 0"):
        short_run(SIZE, part=PART, sigma={**sigma, "M1": 0.0})
    with pytest.raises(DataError, match="sigma: got 'rbar'"):
        short_run(SIZE, part=PART, sigma="rbar")


def test_scatter_in_proportion_to_size():
    # parts of 10 and 1000 with 5 % scatter: pooling in the units of the data calls the small one too quiet
    rng = np.random.default_rng(4)
    part = np.repeat(np.arange(20) % 2, 20)
    x = np.where(part == 0, 10.0, 1000.0) * np.exp(0.05 * rng.normal(size=400))
    z = short_run(x, part=part, pooling="relative").panels["z"].statistic
    assert [np.std(z[part == p]) for p in (0, 1)] == pytest.approx([1, 1], abs=0.15)
    plain = short_run(x, part=part, pooling="constant").panels["z"].statistic
    assert np.std(plain[part == 0]) < 0.05 < 1.2 < np.std(plain[part == 1])
    with pytest.raises(DataError, match=r"0.0 at position 3; pooling='relative' takes logarithms"):
        short_run([1.0, 2.0, 3.0, 0.0], part=list("aabb"), pooling="relative")
    chart = short_run(x, part=part, pooling="relative")
    with pytest.raises(DataError, match=r"-1.0 at position 0; pooling='relative'"):
        chart.extend([-1.0], by=[0])
    with pytest.raises(DataError, match=r"-1.0 at position 0; pooling='relative'"):
        short_run([-1.0], part=[0], limits=chart.limits)


def test_later_pieces():
    chart = short_run(SIZE, part=PART, rules="nelson")
    new, by = [15.0, 14.0, 30.0], ["M1", "M3", "M2"]
    longer = chart.extend(new, by=by)
    want = short_run([*SIZE, *new], part=[*PART, *by], baseline=30, rules="nelson")
    assert longer.to_dict() | {"notes": 0} == want.to_dict() | {"notes": 0}
    watch = monitor(chart)
    for i, (x, p) in enumerate(zip(new, by, strict=True), start=30):
        got = [(s.panel, s.index, s.rule) for s in watch.update(x, by=p)]
        assert got == [(s.panel, s.index, s.rule) for s in longer.signals if s.index == i]
    assert any(s.index == 32 for s in longer.signals)
    limits = ControlLimits.from_dict(json.loads(chart.limits.to_json()))
    assert limits.parameters["parts"] == chart.limits.parameters["parts"]
    again = short_run([*SIZE, *new], part=[*PART, *by], limits=limits, rules="nelson")
    np.testing.assert_array_equal(again.panels["z"].statistic, longer.panels["z"].statistic)
    swapped = short_run(new[::-1], part=by[::-1], limits=limits)  # parts in another order than the limits hold them
    np.testing.assert_array_equal(swapped.panels["z"].statistic, longer.panels["z"].statistic[:29:-1])
    for bad, text in (
        ({"by": ["M9"]}, r"by: the limits know nothing of part 'M9'; they hold 'M3', 'M1', 'M2'"),
        ({}, "by: nothing came"),
        ({"by": ["M1"], "size": 2}, "neither size nor target"),
        ({"by": ["M1", "M2"]}, "by: shape"),
    ):
        with pytest.raises(DataError, match=text):
            chart.extend([15.0], **bad)
    with pytest.raises(DataError, match="part: the limits know nothing of part 'M9'"):
        short_run([15.0], part=["M9"], limits=limits)


def test_runs_of_their_own_cannot_judge_others():
    chart = short_run(SIZE, part=PART, pooling="by_run")
    assert [p[0] for p in chart.limits.parameters["parts"]][:2] == ["M3 (run 1)", "M1 (run 2)"]
    for use in (
        lambda: chart.extend([15.0], by=["M1"]),
        lambda: short_run([15.0], part=["M1"], limits=chart.limits),
        lambda: monitor(chart).update(15.0, by="M1"),
    ):
        with pytest.raises(DataError, match="every run has a sigma of its own"):
            use()


def test_phases_exclusions_and_gaps():
    x = list(SIZE)
    x[2] = math.nan
    chart = short_run(x, part=PART, phase=[12], exclude=[6], missing="drop", pooling="constant")
    gone = np.isnan(chart.panels["moving_range"].statistic)
    assert np.flatnonzero(gone).tolist() == [0, 2, 3, 6, 7, 12]
    assert np.isnan(chart.panels["z"].statistic).tolist() == [i == 2 for i in range(30)]
    second = short_run(SIZE[12:], part=PART[12:], pooling="constant")
    assert set(chart.limits.parameters["parts"]) == set(second.limits.parameters["parts"])
    # a part that a phase never saw is known by name alone
    split = short_run(SIZE, part=["A"] * 15 + ["B"] * 15, phase=[15])
    assert split.limits_by_phase[0].parameters["parts"][1] == ("B",)
    with pytest.raises(DataError, match="know nothing of part 'A'"):
        split.extend([1.0], by=["A"])
    with pytest.raises(DataError, match="part: 'M2' has no point to rest its mean on; exclude fewer"):
        short_run(SIZE, part=PART, baseline=9)
    with pytest.raises(TooFewData, match="no point is left"):
        short_run(SIZE, part=PART, phase=[29], exclude=[29])


def test_ranges_by_part_stop_at_an_excluded_piece():
    part, y = list("AAABABABAB"), [1.0, 2.0, 99.0, 5.0, 7.0, 5.5, 7.5, 6.5, 9.0, 8.0]
    chart = short_run(y, part=part, exclude=[2])
    parts = {name: (mean, sigma) for name, mean, sigma in chart.limits.parameters["parts"]}
    assert parts["A"] == pytest.approx(((1 + 2 + 7 + 7.5 + 9) / 5, (1 + 0.5 + 1.5) / 3 / D2))
    assert parts["B"] == pytest.approx(((5 + 5.5 + 6.5 + 8) / 4, (0.5 + 1 + 1.5) / 3 / D2))
    assert chart.panels["z"].statistic[2] == pytest.approx((99 - 5.3) / (1 / D2))


def test_parts_with_few_pieces():
    with pytest.raises(TooFewData, match=r"1 moving ranges of part 'b'; at least 2 .*pooling='constant'"):
        short_run([1.0, 2.0, 4.0, 7.0, 8.0], part=list("aaabb"))
    with pytest.raises(TooFewData, match=r"0 moving ranges of run 2 \(part 'b'\)"):
        short_run([1.0, 2.0, 4.0, 7.0, 8.0, 9.0, 7.0], part=list("aaabaaa"), pooling="by_run")
    with pytest.raises(DataError, match="the values of part 'b' do not vary: sigma is zero"):
        short_run([1.0, 2.0, 4.0, 7.0, 7.0, 7.0], part=list("aaabbb"))
    chart = short_run([1.0, 2.0, 4.0, 7.0, 8.0], part=list("aaabb"), pooling="constant")
    assert "short-part" in codes(chart)
    assert "a: 3, b: 2" in chart.notes[-1].message
    with pytest.raises(TooFewData, match="1 moving ranges; at least 2 are wanted, or pass sigma="):
        short_run([1.0, 2.0], part=["a", "b"], pooling="constant")


def test_tables_and_order():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": SIZE, "part": PART, "at": range(30), "goal": [NOMINAL[p] for p in PART]})
    mixed = frame.sample(frac=1.0, random_state=3)
    want = short_run(SIZE, part=PART, order_by=list(range(30)))
    assert short_run(mixed, values="x", part="part", order_by="at").to_dict() == want.to_dict()
    dnom = short_run(mixed, values="x", part="part", order_by="at", nominal="goal")
    np.testing.assert_array_equal(
        dnom.panels["deviation"].statistic, short_run(SIZE, part=PART, nominal=NOMINAL).panels["deviation"].statistic
    )
    dates = short_run(SIZE, part=[{"M1": 1.0, "M2": 2.5, "M3": 3.0}[p] for p in PART])
    assert [p[0] for p in dates.limits.parameters["parts"]] == ["3", "1", "2.5"]


@pytest.mark.parametrize(
    ("data", "options", "text"),
    [
        (SIZE, {}, "part: nothing came"),
        (SIZE, {"part": PART[:-1]}, r"part: shape \(29,\)"),
        (SIZE, {"part": [None, *PART[1:]]}, "part: no label at position 0"),
        (SIZE, {"part": "M1"}, "part: got 'M1'"),
        (SIZE, {"part": PART, "pooling": "pooled"}, "pooling: got 'pooled'"),
        (SIZE, {"part": PART, "constants": "iso"}, "constants: got 'iso'"),
        ([math.nan, *SIZE[1:]], {"part": PART}, "data: missing value"),
        ([math.inf, *SIZE[1:]], {"part": PART}, "inf at position 0"),
        ([], {"part": []}, "0 values came"),
        ([[1.0, 2.0]], {"part": ["a"]}, "dimensions"),
        ([1e308, -1e308, 1e308, -1e308], {"part": list("aaaa")}, "sums overflow"),
    ],
)
def test_bad_input(data, options, text):
    with pytest.raises(DataError, match=text):
        short_run(data, **options)


def test_options_beside_stored_limits():
    limits = short_run(SIZE, part=PART).limits
    for options, text in (
        ({"sigma": 2.0}, "leave pooling, nominal and sigma out"),
        ({"pooling": "constant"}, "leave pooling, nominal and sigma out"),
        ({"nominal": NOMINAL}, "leave pooling, nominal and sigma out"),
        ({"constants": "table"}, "constants: got 'table' together with limits"),
    ):
        with pytest.raises(DataError, match=text):
            short_run(SIZE, part=PART, limits=limits, **options)
    with pytest.raises(DataError, match="limits: they hold no parts"):
        short_run(SIZE, part=PART, limits=ControlLimits("short_run", 0.0, 1.0, 3.0, "", 3, "given"))
    with pytest.raises(DataError, match="limits: they hold no sigma"):
        short_run(SIZE, part=PART, limits=ControlLimits("short_run", 0.0, None, 3.0, "", 3, "given"))
    table = short_run(SIZE, part=PART, constants="table")
    assert table.panels["moving_range"].center[0] == 1.128
    assert table.panels["z"].statistic == pytest.approx(short_run(SIZE, part=PART).panels["z"].statistic * 1.128 / D2)


@pytest.mark.parametrize("options", [{}, {"nominal": NOMINAL}])
def test_a_monitor_of_single_points_remembers_the_piece_before(options):
    chart = short_run(SIZE, part=PART, **options)
    watch = monitor(chart.limits, rules=(BEYOND_LIMITS,))
    lim = {p[0]: p[1:] for p in chart.limits.parameters["parts"]}
    level = {name: (mean, (sigma or (chart.limits.sigma,))[0]) for name, (mean, *sigma) in lim.items()}
    low, high = level["M1"][0] - 2.6 * level["M1"][1], level["M2"][0] + 2.6 * level["M2"][1]
    assert watch.update(low, by="M1") == ()
    assert [s.panel for s in watch.update(high, by="M2")] == ["moving_range"]


def test_pieces_far_from_zero():
    # sixteenths stay exact beside 1e12; a mean summed up naively would be off by a tenth
    rng = np.random.default_rng(6)
    x, part = rng.integers(-40, 40, size=40_000) / 16, rng.integers(0, 2, size=40_000)
    near, far = short_run(x, part=part), short_run(x + 1e12, part=part)
    assert far.panels["z"].statistic == pytest.approx(near.panels["z"].statistic, abs=2e-4)
