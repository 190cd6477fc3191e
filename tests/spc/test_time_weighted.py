"""EWMA and moving average charts."""

import copy
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qstats.errors import DataError, TooFewData
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.time_weighted import ewma, moving_average
from qstats.spc.monitor import Monitor, monitor

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = {
    c["id"]: c
    for name in ("spc_memory.json", "spc_time_weighted.json")
    for c in json.loads((REFERENCE / name).read_text(encoding="utf-8"))
}
# NIST/SEMATECH e-Handbook 6.3.2.4
NIST = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5]
NIST += [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# Montgomery (2013), 7th ed., table 9.1
MONTGOMERY = [9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08]
MONTGOMERY += [9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52]
BOTH = pytest.mark.parametrize("chart", [ewma, moving_average])


def main(chart):
    return next(iter(chart.panels.values()))


def codes(chart):
    return [n.code for n in chart.notes]


def means_of(case):
    y, g = np.array(case["inputs"]["y"]), np.array(case["inputs"]["g"])
    n = np.bincount(g)[1:].astype(float)
    return np.bincount(g, y)[1:] / n, n


def test_nist():
    chart = ewma(NIST, lam=0.3, target=50, sigma=2.0539, steady_state=True)
    z = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33]
    z += [50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99]
    assert main(chart).statistic == pytest.approx(z, abs=0.0051)  # the page rounds from rounded numbers
    # printed 52.5884 and 47.4115; from s = 2.0539 they are 52.58843 and 47.41157
    assert main(chart).upper == pytest.approx([52.58843] * 20, abs=5e-6)
    assert main(chart).lower == pytest.approx([47.41157] * 20, abs=5e-6)
    assert chart.in_control
    assert "asymptotic" in chart.method


def test_montgomery_ewma():
    # 7th ed., example 9.2 and table 9.10: lambda 0.1, L 2.7
    chart = ewma(MONTGOMERY, lam=0.1, nsigma=2.7, target=10, sigma=1)
    panel = main(chart)
    assert panel.statistic[:2] == pytest.approx([9.945, 9.7495], abs=1e-12)
    assert (panel.upper[0], panel.lower[0]) == pytest.approx((10.27, 9.73), abs=1e-12)
    assert (panel.upper[1], panel.lower[1]) == pytest.approx((10.36, 9.64), abs=0.005)
    assert (panel.upper[-1], panel.lower[-1]) == pytest.approx((10.62, 9.38), abs=0.005)
    assert [s.label for s in chart.signals] == ["29", "30"]


@pytest.mark.parametrize(
    ("case", "sigma", "constants"),
    [("ewma-viscosity", "moving_range", "table"), ("ewma-viscosity-SD", "sd_c4", "exact")],
)
def test_as_r_qcc(case, sigma, constants):
    # qcc: d2 of three decimals, c4 exact; nsigmas=2.7
    want = CASES[case]["expected"]
    chart = ewma(CASES[case]["inputs"]["y"], nsigma=2.7, sigma=sigma, constants=constants)
    assert chart.limits.center == pytest.approx(want["center"], rel=1e-14)
    assert chart.limits.sigma == pytest.approx(want["std.dev"], rel=1e-12)
    assert main(chart).statistic == pytest.approx(want["ewma"], rel=1e-12)
    limits = np.array(want["limits"]["values"])
    assert main(chart).lower == pytest.approx(limits[:, 0], rel=1e-12)
    assert main(chart).upper == pytest.approx(limits[:, 1], rel=1e-12)


def test_unequal_sizes_as_r():
    # exact variance in R; qcc takes only the current size (DISAGREEMENTS 12)
    case = CASES["ewma-uneq3-exactvar"]
    means, n = means_of(case)
    given = case["inputs"]
    chart = ewma(means, size=n, lam=given["lambda"], target=given["center"], sigma=given["sigma"])
    assert main(chart).statistic == pytest.approx(case["expected"]["ewma"], rel=1e-12)
    assert main(chart).upper == pytest.approx(case["expected"]["ucl"], rel=1e-12)
    assert main(chart).lower == pytest.approx(case["expected"]["lcl"], rel=1e-12)


def test_equal_sizes_are_unequal_sizes_that_happen_to_be_equal():
    one = ewma(NIST, size=4, target=50, sigma=2.0)
    per_point = ewma(NIST, size=[4] * 20, target=50, sigma=2.0)
    plain = ewma(NIST, target=50, sigma=1.0)
    for chart in (one, per_point):
        assert main(chart).upper == pytest.approx(main(plain).upper, rel=1e-14)
        assert main(chart).statistic == pytest.approx(main(plain).statistic, rel=1e-14)


def test_sigma_of_means_is_that_of_one_value():
    # x sqrt(n) scatters like one value: plain transcription of mean MR / d2 of the scaled deviations
    x, n = np.array(NIST), np.array([4, 2] * 10, dtype=float)
    center = (x * n).sum() / n.sum()
    u = (x - center) * np.sqrt(n)
    want = np.abs(np.diff(u)).mean() * math.sqrt(math.pi) / 2
    chart = ewma(NIST, size=n)
    assert chart.limits.center == pytest.approx(center, rel=1e-14)
    assert chart.limits.sigma == pytest.approx(want, rel=1e-12)


def test_montgomery_moving_average():
    # 7th ed., section 9.3: w = 5, limits 10 -+ 3/sqrt(5) = 11.34 and 8.66, wider before; means by plain loop
    chart = moving_average(MONTGOMERY, target=10, sigma=1)
    panel = main(chart)
    means = [np.mean(MONTGOMERY[max(0, i - 4) : i + 1]) for i in range(30)]
    assert panel.statistic == pytest.approx(means, rel=1e-13)
    assert panel.upper[4:] == pytest.approx([11.34] * 26, abs=0.005)
    assert panel.lower[4:] == pytest.approx([8.66] * 26, abs=0.005)
    assert panel.upper[:4] == pytest.approx([10 + 3 / math.sqrt(m) for m in (1, 2, 3, 4)], rel=1e-14)
    assert chart.in_control


def test_moving_average_of_means_weighs_by_size():
    x, n = np.array(NIST), np.arange(1.0, 21.0) % 4 + 1
    panel = main(moving_average(x, size=n, span=3, target=50, sigma=2.0))
    for i in range(20):
        w = slice(max(0, i - 2), i + 1)
        assert panel.statistic[i] == pytest.approx((x[w] * n[w]).sum() / n[w].sum(), rel=1e-13)
        assert panel.upper[i] == pytest.approx(50 + 6 / math.sqrt(n[w].sum()), rel=1e-13)


@BOTH
def test_the_memory_waits_at_gaps_and_exclusions(chart):
    holes = [2, 3, 9]
    kept = [i for i in range(20) if i not in holes]
    want = chart([NIST[i] for i in kept], target=50, sigma=2.0)
    gaps = chart([math.nan if i in holes else v for i, v in enumerate(NIST)], target=50, sigma=2.0, missing="drop")
    out = chart(NIST, target=50, sigma=2.0, exclude=holes)
    for part in ("statistic", "upper", "lower"):
        for other in (gaps, out):
            np.testing.assert_array_equal(getattr(main(other), part)[kept], getattr(main(want), part))
    assert np.isnan(main(gaps).statistic[holes]).all()
    # an excluded point repeats what was there: statistic and limits
    np.testing.assert_array_equal(main(out).statistic[[2, 3, 9]], main(out).statistic[[1, 1, 8]])
    np.testing.assert_array_equal(main(out).upper[[2, 3, 9]], main(out).upper[[1, 1, 8]])
    assert out.columns["value"][2] == NIST[2]
    assert codes(gaps) == ["missing-dropped"]


@BOTH
def test_a_gap_at_the_start(chart):
    late = chart([None, *NIST], target=50, sigma=2.0, missing="drop")
    want = chart(NIST, target=50, sigma=2.0)
    np.testing.assert_array_equal(main(late).statistic[1:], main(want).statistic)
    np.testing.assert_array_equal(main(late).upper[1:], main(want).upper)
    assert np.isnan(main(late).statistic[0])
    watch = monitor(want.limits)
    fired = [watch.update(v) for v in (None, *NIST)]
    assert fired == [()] * 21


def test_steady_state_waits_for_the_first_point():
    steady = ewma([None, *NIST], target=50, sigma=2.0, steady_state=True, missing="drop")
    width = 3 * 2.0 * math.sqrt(0.2 / 1.8)
    assert main(steady).upper[1:] == pytest.approx([50 + width] * 20, rel=1e-14)
    watch = monitor(steady.limits)
    watch.update(None)
    watch.update(NIST[0])
    assert watch._carry[1] == pytest.approx(0.2 / 1.8, rel=1e-15)


@BOTH
def test_phases_begin_anew(chart):
    both = chart(NIST, phase=["a"] * 9 + ["b"] * 11)
    for name, where in (("a", slice(0, 9)), ("b", slice(9, 20))):
        alone = chart(NIST[where])
        np.testing.assert_array_equal(main(both).statistic[where], main(alone).statistic)
        np.testing.assert_array_equal(main(both).upper[where], main(alone).upper)
        assert next(x for x in both.limits_by_phase if x.phase == name).center == alone.limits.center


@BOTH
def test_stored_limits(chart):
    first = chart(NIST)
    stored = json.loads(json.dumps(first.limits.to_dict()))
    again = chart(NIST, limits=stored)
    np.testing.assert_array_equal(main(again).upper, main(first).upper)
    for wrong, text in (
        ({"sigma": 2.0}, "sigma: given together with limits"),
        ({"target": 1.0}, "target: given together with limits"),
        ({"size": 2}, "single values"),
        ({"baseline": 3}, "baseline"),
        ({"lam": 0.5} if chart is ewma else {"span": 3}, "leave it out"),
    ):
        with pytest.raises(DataError, match=text):
            chart(NIST, limits=stored, **wrong)
    with pytest.raises(DataError, match="take it from a chart"):
        chart(NIST, limits=ControlLimits(first.kind, 50.0, 2.0, 3.0, "", 0, "given"))
    with pytest.raises(DataError, match="hold no sigma"):
        chart(NIST, limits=ControlLimits(first.kind, 50.0, None, 3.0, "", 0, "given", first.limits.parameters))


@BOTH
def test_round_trips(chart):
    c = chart(NIST, size=[1, 2] * 10)
    for again in (pickle.loads(pickle.dumps(c)), copy.deepcopy(c)):
        assert again.to_json() == c.to_json()
    watch = monitor(c)
    more = Monitor.from_dict(json.loads(json.dumps(watch.state())))
    assert more.update(70.0, size=3) == watch.update(70.0, size=3) != ()


@BOTH
def test_later_points_need_what_the_chart_had(chart):
    plain, sized = chart(NIST), chart(NIST, size=2)
    with pytest.raises(DataError, match="leave size out"):
        plain.extend([50.0], size=[2])
    with pytest.raises(DataError, match="size of each new mean"):
        sized.extend([50.0])
    with pytest.raises(DataError, match="neither by nor target"):
        plain.extend([50.0], target=[50.0])


@BOTH
def test_huge_offset(chart):
    base = np.round(np.array(NIST) * 16) / 16  # exact beside 1e12
    near, far = chart(base), chart(base + 1e12)
    assert far.limits.sigma == pytest.approx(near.limits.sigma, rel=1e-12)
    np.testing.assert_allclose(main(far).statistic - 1e12, main(near).statistic, atol=5e-4)


@BOTH
def test_constant_values(chart):
    flat = chart([0.1] * 20)
    assert "zero-variance" in codes(flat)
    assert flat.in_control
    assert flat.limits.center == 0.1


@BOTH
@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        ([1.0, math.nan, 2.0], {}, DataError, "data: missing"),
        ([1.0, math.inf, 2.0], {}, DataError, "data: inf"),
        (["a", "b"], {}, DataError, "data: got text"),
        ([], {}, TooFewData, "data"),
        ([1.0], {}, TooFewData, "moving ranges"),
        ([1e308, -1e308, 1e308, -1e308], {}, DataError, "overflow"),
        ([[1.0, 2.0]], {}, DataError, "dimensions"),
        (NIST, {"size": [1] * 19}, DataError, "size: 19 values"),
        (NIST, {"size": 0}, DataError, "size"),
        (NIST, {"size": 1.5}, DataError, "whole number"),
        (NIST, {"sigma": "rbar"}, DataError, "sigma"),
        (NIST, {"sigma": -1.0}, DataError, "sigma"),
        (NIST, {"target": math.nan}, DataError, "target"),
        (NIST, {"nsigma": 0}, DataError, "nsigma"),
        (NIST, {"constants": "printed"}, DataError, "constants"),
        (NIST, {"exclude": slice(None)}, TooFewData, "no point is left"),
    ],
)
def test_bad_input(chart, data, options, error, text):
    with pytest.raises(error, match=text):
        chart(data, **options)


@pytest.mark.parametrize("lam", [0, 1.01, -0.2, math.nan, "0.2", None, True])
def test_bad_weight(lam):
    with pytest.raises(DataError, match="lam"):
        ewma(NIST, lam=lam)


@pytest.mark.parametrize("span", [1, 0, 2.0, True, 1001])
def test_bad_span(span):
    with pytest.raises(DataError, match="span"):
        moving_average(NIST, span=span)


def test_bad_steady_state():
    with pytest.raises(DataError, match="steady_state"):
        ewma(NIST, steady_state="yes")


def test_a_weight_of_one_is_the_individuals_chart():
    panel = main(ewma(NIST, lam=1, target=50, sigma=2.0))
    assert panel.statistic == pytest.approx(NIST, rel=1e-15)
    assert panel.upper == pytest.approx([56.0] * 20, rel=1e-15)


def test_the_callers_array_is_left_alone():
    x = np.array(NIST)
    n = np.full(20, 2.0)
    n[3] = math.nan
    chart = ewma(x, size=n, missing="drop")
    assert np.isnan(main(chart).statistic[3])
    assert (x == NIST).all()
    x[:] = 0.0
    assert chart.columns["value"][0] == NIST[0]


def test_table_in_any_order():
    frame = pd.DataFrame({"day": range(20), "x": NIST, "n": [1, 2] * 10}).sample(frac=1, random_state=1)
    chart = ewma(frame, values="x", size="n", order_by="day")
    np.testing.assert_array_equal(main(chart).statistic, main(ewma(NIST, size=[1, 2] * 10)).statistic)
    assert chart.labels[3] == "3"


def test_slow_averages_over_many_blocks():
    # with lam = 1e-4 limits still widen after a block of points; the closed form of Montgomery, eqs. 9.25-9.26
    n = 300_000
    x = np.random.default_rng(5).normal(size=n)
    chart = ewma(x, lam=1e-4, target=0.0, sigma=1.0, phase=[1000])
    for a, b in ((0, 1000), (1000, n)):
        t = np.arange(1, b - a + 1)
        want = 3 * np.sqrt(1e-4 / (2 - 1e-4) * (1 - (1 - 1e-4) ** (2.0 * t)))
        np.testing.assert_allclose(main(chart).upper[a:b], want, rtol=1e-9)
    z = 0.0
    for v in x[1000:1500]:
        z += 1e-4 * (v - z)
    assert main(chart).statistic[1499] == pytest.approx(z, rel=1e-9)


@BOTH
def test_the_window_of_a_signal_is_the_point(chart):
    far = chart([*NIST, 90.0], target=50, sigma=2.0)
    (signal,) = far.signals
    assert (signal.index, signal.window, signal.rule) == (20, (20,), "beyond limits")
    assert far.rules == "beyond limits"
    assert [r.name for r in far.rule_set] == ["beyond limits"]


@BOTH
def test_constants_beside_stored_limits(chart):
    stored = chart(NIST).limits
    with pytest.raises(DataError, match="constants: got 'table' together with limits"):
        chart(NIST, limits=stored, constants="table")
    printed = chart(NIST, constants="table")
    assert chart(NIST, limits=printed.limits, constants="table").limits.sigma == printed.limits.sigma


@pytest.mark.parametrize(
    ("chart", "name", "value"),
    [
        *((ewma, "lam", v) for v in (5.0, 0, -0.2, "evil", True, 10**400)),
        (ewma, "steady_state", "evil"),
        (ewma, "steady_state", 1),
        (ewma, "size", "evil"),
        (ewma, "constants", "evil"),
        *((moving_average, "span", v) for v in (1, 0, 2.5, 1001, "evil", True)),
    ],
)
def test_hostile_stored_limits(chart, name, value):
    stored = chart(NIST).limits.to_dict()
    stored["parameters"][name] = value
    with pytest.raises(DataError, match=rf"limits\.parameters\['{name}'\]: got "):
        chart(NIST, limits=stored)
