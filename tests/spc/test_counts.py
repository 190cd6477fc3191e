"""np, c, exact limits, Laney's p' and u': against R, the distributions themselves, and what must hold."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from qstats._core.bias import d2
from qstats.errors import DataError, TooFewData
from qstats.spc.charts.attributes import c_chart, np_chart, p_chart, u_chart
from qstats.spc.charts.laney import laney_p, laney_u
from qstats.spc.kernels.probability import count_alarm, count_limits
from qstats.spc.limits import ControlLimits

R = {c["id"]: c for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_counts.json").read_text("utf-8"))}
ALPHA = {"np-orangejuice-conf": 0.0027, "p-orangejuice-conf": 0.0027, "u-dyedcloth-conf": 0.005}


def trial(case):
    i = R[case]["inputs"]
    count = np.array(i["D"] if "D" in i else i["x"])
    size = np.array(i["size"])
    keep = np.array(i.get("trial", [True] * count.size))
    return count[keep], size[keep], R[case]["expected"]


def limits_of(panel):
    return np.column_stack((panel.lower, panel.upper))


@pytest.mark.parametrize("case", ["np-orangejuice", "np-orangejuice2", "np-orangejuice-conf"])
def test_np_as_r_qcc(case):
    count, size, expected = trial(case)
    more = {"limits": "probability"} if case in ALPHA else {}
    chart = np_chart(count, size=size, **more)
    panel = chart.panels["np"]
    assert panel.center[0] == pytest.approx(expected["center"], rel=1e-12)
    np.testing.assert_allclose(limits_of(panel)[:1], expected["limits"]["values"], rtol=1e-12)
    beyond = expected["beyond"] if isinstance(expected["beyond"], list) else [expected["beyond"]]
    fired = sorted(s.index + 1 for s in chart.signals if s.rule == "beyond limits")
    assert fired == sorted(i for i in beyond if i <= count.size)


@pytest.mark.parametrize("case", ["c-circuit", "c-circuit-conf"])
def test_c_as_r_qcc(case):
    count, _, expected = trial(case)
    chart = c_chart(count, **({"limits": "probability", "alpha": 0.01} if "conf" in case else {}))
    panel = chart.panels["c"]
    assert panel.center[0] == pytest.approx(expected["center"], rel=1e-12)
    np.testing.assert_allclose(limits_of(panel)[:1], expected["limits"]["values"], rtol=1e-12)
    assert sorted(s.index + 1 for s in chart.signals if s.rule == "beyond limits") == sorted(expected["beyond"])


@pytest.mark.parametrize("case", ["u-circuit-conf", "u-dyedcloth-conf"])
def test_exact_u_as_r_qcc(case):
    count, size, expected = trial(case)
    chart = u_chart(count, exposure=size, limits="probability", alpha=ALPHA.get(case, 0.01))
    got = limits_of(chart.panels["u"])
    np.testing.assert_allclose(got, np.broadcast_to(expected["limits"]["values"], got.shape), rtol=1e-12)
    assert "at most" in chart.method


@pytest.mark.parametrize("case", ["p-rand1-conf", "p-orangejuice-conf"])
def test_exact_p_as_r_qcc(case):
    count, size, expected = trial(case)
    chart = p_chart(count, size=size, limits="probability", alpha=ALPHA.get(case, 0.01))
    got = limits_of(chart.panels["p"])
    np.testing.assert_allclose(got, np.broadcast_to(expected["limits"]["values"], got.shape), rtol=1e-12)


@pytest.mark.parametrize("binomial", [True, False])
@pytest.mark.parametrize("alpha", [0.0027, 0.05, 1e-6, 1e-12])
def test_exact_limits_are_those_of_the_distribution(binomial, alpha):
    size = np.array([1.0, 2.0, 17.0, 50.0, 400.0, 400.0, 5000.0])
    for center in (1e-4, 0.02, 0.5, 0.97):
        lower, upper = count_limits(center, size, alpha, binomial=binomial)
        x = stats.binom(size.astype(int), center) if binomial else stats.poisson(size * center)
        half = 0.5 * alpha
        assert (x.sf(upper) <= half).all()
        assert (x.sf(upper - 1)[upper > 0] > half).all()
        assert (x.cdf(lower - 1) <= half).all()
        assert (x.cdf(lower) > half * (1 - 1e-9)).all()
        below, above = count_alarm(center, size, lower, upper, binomial=binomial)
        np.testing.assert_allclose(below, x.cdf(lower - 1), rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(above, x.sf(upper), rtol=1e-9, atol=1e-300)


def test_a_missing_size_has_no_exact_limits():
    lower, upper = count_limits(0.1, np.array([50.0, np.nan]), 0.01, binomial=True)
    assert np.isnan([lower[1], upper[1]]).all()
    chart = p_chart([3, 4, 5, 6], size=[50, None, 60, 70], limits="probability", missing="drop")
    assert np.isnan(chart.panels["p"].statistic[1])


def test_zones_of_exact_limits_are_a_third_of_the_way():
    chart = c_chart([1, 0, 2, 1, 3, 1, 0, 2, 1, 1, 2, 0], limits="probability", alpha=2 * stats.norm.sf(3))
    panel = chart.panels["c"]
    assert chart.limits.nsigma == pytest.approx(3.0)
    np.testing.assert_allclose(panel.center + 3 * panel.sigma, panel.upper, rtol=1e-12)
    np.testing.assert_allclose(panel.center - 3 * panel.sigma_lower, panel.lower, atol=1e-12)
    assert panel.sigma[0] > panel.sigma_lower[0]


@pytest.mark.parametrize("case", [i for i in R if i.startswith(("qic-pp", "qic-up"))])
def test_laney_as_r_qicharts2(case):
    # qicharts2 divides by 1.128, ours by the exact d2; "screenTRUE" drops moving ranges above 3.267 times their mean
    i, expected = R[case]["inputs"], R[case]["expected"]
    letter = case[4]
    chart = (laney_p if letter == "p" else laney_u)(i["x"], **{"size" if letter == "p" else "exposure": i["n"]})
    panel = chart.panels[f"laney_{letter}"]
    np.testing.assert_allclose(panel.center, expected["cl"], rtol=1e-12)
    x, n, center = np.array(i["x"]), np.array(i["n"]), expected["cl"][0]
    error = np.sqrt(center * (1 - center if letter == "p" else 1) / n)
    moves = np.abs(np.diff((x / n - center) / error))
    kept = moves[moves <= 3.267 * moves.mean()] if "screenTRUE" in case else moves
    reach = np.array(expected["ucl"]) - center
    free = np.array(expected["ucl"]) < 1.0 if letter == "p" else np.ones(reach.size, dtype=bool)
    np.testing.assert_allclose(reach[free], (3 * kept.mean() / 1.128 * error)[free], rtol=1e-9)
    np.testing.assert_allclose(panel.sigma, moves.mean() / d2(2) * error, rtol=1e-12)


def test_laney_sigma_z_by_hand():
    # z of equal samples is proportional to the counts: sigma_z = mean|diff count| / 1.128379 / sqrt(n p q)
    count = [30, 50, 35, 60, 20, 45]
    p = sum(count) / 6000
    steps = [20, 15, 25, 40, 25]
    expected = sum(steps) / 5 / 1.1283791670955126 / math.sqrt(1000 * p * (1 - p))
    assert laney_p(count, size=1000).limits.number("sigma_z") == pytest.approx(expected, rel=1e-12)


def test_laney_breaks_moving_ranges_and_uses_sigma_z_below_one():
    count = [50, 50, 51, 50, 90, 50, 51, 50, 49, 50]
    chart = laney_p(count, size=1000, exclude=[4])
    assert chart.limits.number("sigma_z") < 1
    assert not any(note.code == "overdispersed" for note in chart.notes)
    z_steps = [0, 1, 1, 1, 1, 1, 1]  # |50-50| |51-50| |50-51| -- |51-50| |50-51| |49-50| |50-49|
    p = (sum(count) - 90) / 9000
    expected = sum(z_steps) / 7 / 1.1283791670955126 / math.sqrt(1000 * p * (1 - p))
    assert chart.limits.number("sigma_z") == pytest.approx(expected, rel=1e-12)


def test_overdispersion_points_to_laney():
    note = next(n for n in u_chart([5, 60, 9, 80, 2, 55], exposure=10).notes if n.code == "overdispersed")
    assert "laney_u" in note.message


def test_events_have_no_other_side_that_could_be_few():
    # 16 defects a wafer are many: only where fewer than 5 events are expected are 3-sigma limits rough
    plenty = c_chart([16, 14, 18, 16, 12, 20, 15, 17, 16, 14, 15, 18])
    assert plenty.notes == ()
    assert not any(n.code == "few-expected" for n in u_chart([160, 150, 170, 155], exposure=10).notes)
    assert any(n.code == "few-expected" for n in c_chart([1, 2, 0, 3, 2, 1]).notes)
    assert any(n.code == "few-expected" for n in p_chart([58, 60, 59, 60, 57, 60], size=60).notes)


def test_np_and_p_have_the_same_signals():
    rng = np.random.default_rng(3)
    size = rng.integers(20, 200, 300)
    count = rng.binomial(size, 0.1)
    a, b = p_chart(count, size=size, rules="nelson"), np_chart(count, size=size, rules="nelson")
    wanted = [(s.index, s.rule) for s in a.signals if "trend" not in s.rule and "alternating" not in s.rule]
    assert [(s.index, s.rule) for s in b.signals if "trend" not in s.rule and "alternating" not in s.rule] == wanted


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: laney_p([5, 5, 5], size=5), DataError, "sigma_z does not exist"),
        (lambda: laney_p([5, 6], size=50), TooFewData, "1 moving ranges"),
        (lambda: laney_p([5, 6, 7]), DataError, "size: got None"),
        (lambda: laney_u([5, 6, 7], exposure=0), DataError, "exposure: 0.0"),
        (lambda: c_chart([1, 2, 3], limits="exact"), DataError, "limits: got 'exact'"),
        (lambda: c_chart([1, 2, 3], limits="probability", alpha=0), DataError, "alpha: got 0"),
        (lambda: c_chart([1.5, 2, 3]), DataError, "count: 1.5"),
        (lambda: np_chart([1, 2, 3], size=[5, 5, 2]), DataError, "count: 3 of a sample of 2"),
        (lambda: c_chart([1, 2, 3]).extend([4], size=2), DataError, "size: a c chart has none"),
        (lambda: c_chart([1, 2, 3]).extend([4], by=["a"]), DataError, "by: a chart of counts"),
        (
            lambda: laney_p([1, 2], size=9, limits=ControlLimits("laney_p", 0.1, None, 3.0, "", 0, "given")),
            DataError,
            "parameter 'sigma_z'",
        ),
    ],
)
def test_refused(call, error, word):
    with pytest.raises(error, match=word):
        call()
