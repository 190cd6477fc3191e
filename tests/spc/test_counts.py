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
    plenty = c_chart([16, 14, 23, 16, 9, 20, 15, 17, 16, 11, 15, 22])
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


@pytest.mark.parametrize(
    ("chart", "sizes", "law"),
    [
        (lambda c, n: p_chart(c, size=n, limits="probability"), "size", stats.binom),
        (lambda c, n: np_chart(c, size=n, limits="probability", alpha=0.05), "size", stats.binom),
        (lambda c, n: u_chart(c, exposure=n, limits="probability"), "exposure", stats.poisson),
    ],
)
def test_attained_false_alarms_are_those_of_the_drawn_limits(chart, sizes, law):
    rng = np.random.default_rng(7)
    n = rng.integers(40, 200, 30)
    count = rng.binomial(n, 0.12)
    made = chart(count, n)
    panel, center = next(iter(made.panels.values())), made.limits.center
    unit = np.ones(30) if made.kind == "np" else n
    low = high = 0.0
    for lower, upper, k, each in zip(panel.lower, panel.upper, n, unit, strict=True):
        what = law(k, center) if law is stats.binom else law(k * center)
        low += what.cdf(round(lower * each) - 1) / 30
        high += what.sf(round(upper * each)) / 30
    below, above = made.limits.parameters["attained"]
    assert (below, above) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))
    assert 0 < below <= made.limits.number("alpha") / 2 and 0 < above <= made.limits.number("alpha") / 2
    assert made.method.endswith(f"attained {100 * below:.2g} % below, {100 * above:.2g} % above")


def test_attained_rests_on_the_used_points_and_older_limits_do_without():
    count, n = [3, 5, 2, 4, 6, 3], [50, 50, 50, 50, 50, 500]
    first = p_chart(count, size=n, limits="probability", baseline=5)
    upper = stats.binom.sf(round(first.panels["p"].upper[0] * 50), 50, 20 / 250)
    assert first.limits.parameters["attained"] == (0.0, pytest.approx(upper, rel=1e-12))
    stored = first.limits.to_dict()
    del stored["parameters"]["attained"]
    again = p_chart(count, size=n, limits=json.loads(json.dumps(stored)))
    assert "attained" not in again.method
    np.testing.assert_array_equal(again.panels["p"].upper, first.panels["p"].upper)
    assert p_chart(count, size=n, limits=json.loads(json.dumps(first.limits.to_dict()))).method == first.method


def chi_square(count, size, spread):
    """The definition, point by point; `spread` is a function of the common rate."""
    rate = sum(count) / sum(size)
    return sum((c - rate * n) ** 2 / n for c, n in zip(count, size, strict=True)) / spread(rate)


NARROW = [520, 610, 480, 705, 530, 640, 450, 690, 560, 600, 495, 650]
EVEN = [560, 562, 559, 561, 560, 558, 563, 560, 561, 559, 560, 562]
FAIR = [560, 590, 530, 545, 580, 535, 570, 525, 560, 600, 550, 555]


@pytest.mark.parametrize(
    ("count", "tail", "words"),
    [
        (NARROW, stats.chi2.sf, "vary more than chance lets them: the limits of a plain {} chart would be too narrow"),
        (EVEN, stats.chi2.cdf, "vary less than chance lets them: the limits of a plain {} chart would be too wide"),
        (FAIR, None, "the limits of a plain {} chart would do"),
    ],
)
@pytest.mark.parametrize("letter", ["p", "u"])
def test_laney_charts_carry_the_dispersion_test(count, tail, words, letter):
    n = [10_000] * 12
    made = laney_p(count, size=n) if letter == "p" else laney_u(count, exposure=n)
    note = next(note for note in made.notes if note.code == "dispersion")
    chi2 = chi_square(count, n, (lambda r: r * (1 - r)) if letter == "p" else (lambda r: r))
    tail = tail or (stats.chi2.sf if chi2 > 11 else stats.chi2.cdf)
    assert note.severity == "info"
    assert note.message.startswith(
        f"sigma_z = {made.limits.number('sigma_z'):.3g}; chi-square {chi2:.4g} on 11 degrees"
    )
    assert f"p = {tail(chi2, 11):.2g} for" in note.message
    assert note.message.endswith(words.format(letter))


def test_points_that_vary_less_than_chance():
    chi2 = chi_square(EVEN, [10_000] * 12, lambda r: r * (1 - r))
    for made in (p_chart(EVEN, size=10_000), np_chart(EVEN, size=10_000)):
        (note,) = made.notes
        assert (note.code, note.severity) == ("underdispersed", "info")
        assert f"only {chi2 / 11:.3g} times" in note.message and note.message.endswith("laney_p")
        assert f"(p = {stats.chi2.cdf(chi2, 11):.2g})" in note.message
    for made in (c_chart(EVEN), u_chart(EVEN, exposure=2)):
        assert [note.code for note in made.notes] == ["underdispersed"] and "laney_u" in made.notes[0].message
    for made in (p_chart(FAIR, size=10_000), c_chart(FAIR)):
        assert made.notes == ()


def test_options_without_effect_are_refused():
    stored = c_chart(FAIR).limits
    exact = c_chart(FAIR, limits="probability", alpha=0.01).limits
    for call, text in (
        (lambda: c_chart(FAIR, alpha=0.01), "alpha: got 0.01 with limits at so many standard errors"),
        (lambda: p_chart(FAIR, size=10_000, alpha=0.01), "alpha: got 0.01"),
        (lambda: np_chart(FAIR, size=10_000, alpha=0.01), "alpha: got 0.01"),
        (lambda: u_chart(FAIR, exposure=1, alpha=0.01), "alpha: got 0.01"),
        (lambda: c_chart(FAIR, limits="probability", nsigma=2), "nsigma: got 2"),
        (lambda: c_chart(FAIR, limits=stored, alpha=0.01), "alpha: got 0.01 with stored limits"),
        (lambda: c_chart(FAIR, limits=exact, alpha=0.02), "alpha: got 0.02 with stored limits"),
        (lambda: c_chart(FAIR, alpha=7), "alpha: got 7"),
    ):
        with pytest.raises(DataError, match=text):
            call()
    assert c_chart(FAIR, limits=exact, alpha=0.01).limits.number("alpha") == 0.01


@pytest.mark.parametrize(
    ("held", "name"),
    [
        ({"limits": "probability", "alpha": 7}, "alpha"),
        ({"limits": "probability", "alpha": "evil"}, "alpha"),
        ({"limits": "probability"}, "alpha"),
        ({"limits": "evil", "alpha": 0.01}, "limits"),
        ({"limits": "probability", "alpha": 0.01, "attained": [0.1, 2.0]}, "attained"),
        ({"limits": "probability", "alpha": 0.01, "attained": "evil"}, "attained"),
    ],
)
def test_hostile_stored_limits_of_counts(held, name):
    stored = {**c_chart(FAIR).limits.to_dict(), "parameters": held}
    with pytest.raises(DataError, match=rf"limits\.parameters\['{name}'\]"):
        c_chart(FAIR, limits=stored)


@pytest.mark.parametrize("value", [-1.0, "evil", True, 10**400])
def test_hostile_sigma_z(value):
    stored = laney_p(NARROW, size=10_000).limits.to_dict()
    stored["parameters"]["sigma_z"] = value
    with pytest.raises(DataError, match=r"limits\.parameters\['sigma_z'\]"):
        laney_p(NARROW, size=10_000, limits=stored)


def test_counts_that_a_float_cannot_count():
    assert c_chart([2.0**53, 2.0**53 - 2.0, 2.0**53]).panels["c"].statistic[0] == 2.0**53
    for large in (2.0**53 + 2.0, 1e200):
        with pytest.raises(
            DataError, match=r"count: .* at position 1 .*beyond 2\*\*53|count: .* at position 1; beyond"
        ):
            c_chart([1.0, large, 3.0])
