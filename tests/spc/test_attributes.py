"""p and u charts."""

import math

import numpy as np
import pytest
import scipy.stats

from qstats.errors import DataError, TooFewData
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.attributes import p_chart, u_chart

# NIST/SEMATECH e-Handbook 6.3.3.1: defects on 25 wafers; 6.3.3.2: nonconforming among 50, 30 samples
WAFERS = [16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13]
NIST_P = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


def codes(chart):
    return [n.code for n in chart.notes]


def beyond(chart):
    return [s.index + 1 for s in chart.signals if s.rule == "beyond limits"]


def chart_of(case, **options):
    c = case["inputs"]
    count = c.get("D", c.get("x"))
    size = c.get("size", c.get("n"))
    if case["call"].startswith(("q <- qcc::qcc(D[trial]", "q <- qcc::qcc(x[trial]")):
        trial = int(np.sum(c["trial"]))
        k = len(count) if "newdata" in case["call"] else trial
        count, size = count[:k], size[:k]
        options["baseline"] = trial
    if "'p'" in case["call"]:
        return p_chart(count, size=size, **options).panels["p"], p_chart(count, size=size, **options)
    chart = u_chart(count, exposure=size, **options)
    return chart.panels["u"], chart


QCC = ["p-orangejuice", "p-orangejuice-new", "p-orangejuice-removed", "p-orangejuice2", "p-rand3"]
QCC += ["u-circuit", "u-circuit-new", "u-pcmanufact", "u-dyedcloth"]


@pytest.mark.parametrize("case", QCC)
def test_as_r_qcc(shewhart, case):
    c = shewhart[case]
    panel, chart = chart_of(c)
    want = c["expected"]
    assert chart.limits.center == pytest.approx(want["center"], rel=1e-13)
    limits = np.broadcast_to(np.array(want["limits"]), (len(chart.labels), 2))
    np.testing.assert_allclose(panel.lower, limits[:, 0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(panel.upper, limits[:, 1], rtol=1e-12)
    # p-rand3: qcc lists the low side after the high side
    assert beyond(chart) == sorted(want["beyond"])


@pytest.mark.parametrize("case", ["qic-p-2", "qic-u-2"])
def test_as_r_qicharts2(shewhart, case):
    c = shewhart[case]
    panel, chart = chart_of(c)
    want = c["expected"]
    assert chart.limits.center == pytest.approx(want["cl"], rel=1e-13)
    np.testing.assert_allclose(panel.lower, want["lcl"], rtol=1e-12)
    np.testing.assert_allclose(panel.upper, want["ucl"], rtol=1e-12)
    assert beyond(chart) == want["sigma.signal"]


def test_nist_p():
    chart = p_chart(NIST_P, size=50)
    panel = chart.panels["p"]
    assert (chart.limits.center, panel.upper[0], panel.lower[0]) == pytest.approx((0.2313, 0.4102, 0.0524), abs=5e-5)
    assert beyond(chart) == [15, 23]
    # Montgomery, table 7.1: without samples 15 and 23
    again = p_chart(NIST_P, size=50, exclude=[14, 22])
    panel = again.panels["p"]
    assert (again.limits.center, panel.upper[0], panel.lower[0]) == pytest.approx((0.2150, 0.3893, 0.0407), abs=5e-5)
    assert beyond(again) == [21]
    assert again.limits.n == 28


def test_nist_c_as_u_with_exposure_one():
    chart = u_chart(WAFERS, exposure=1)
    panel = chart.panels["u"]
    assert (chart.limits.center, panel.upper[0], panel.lower[0]) == (16.0, 28.0, 4.0)
    assert beyond(chart) == [24]  # wafer 3 lies on the limit


def test_montgomery():
    # Montgomery, table 7.5 (dyed cloth); the value as qicharts2's tests record it
    dyed = u_chart([14, 12, 20, 11, 7, 10, 21, 16, 19, 23], exposure=[10, 8, 13, 10, 9.5, 10, 12, 10.5, 12, 12.5])
    assert dyed.limits.center == pytest.approx(1.423, abs=5e-4)  # per 50 square metres


def test_the_centre_is_all_events_over_all_units():
    # the unweighted mean of the fractions here is 0.3
    chart = p_chart([10, 50], size=[100, 100])
    assert chart.limits.center == 0.3
    assert p_chart([10, 500], size=[100, 1000]).limits.center == 510 / 1100
    assert u_chart([1, 30], exposure=[1, 10]).limits.center == 31 / 11


def test_limits_stay_where_values_can_be():
    # neither below 0 nor above 1
    low = p_chart([1, 0, 2, 0, 1, 0, 0, 1], size=20).panels["p"]
    assert (low.lower == 0.0).all()
    high = p_chart([7, 8, 6, 8, 7, 8, 8, 7], size=8).panels["p"]
    assert (high.upper == 1.0).all()
    assert high.sigma[0] == pytest.approx(math.sqrt(59 / 64 * 5 / 64 / 8))
    assert (u_chart([1, 0, 2, 0], exposure=1).panels["u"].lower == 0.0).all()


def test_few_expected_is_a_note_never_an_assertion():
    # another program stops with `assert n*p >= 5`
    assert "few-expected" in codes(p_chart([1, 0, 2, 0, 1, 0, 0, 1] * 2, size=20))
    assert "few-expected" in codes(p_chart([19, 20, 18, 20, 19, 20, 20, 19] * 2, size=20))
    assert "few-expected" in codes(u_chart([1, 0, 2, 0] * 4, exposure=1))
    assert codes(p_chart([10, 15, 7, 12, 10, 5] * 3, size=100)) == []


def dispersion(chart):
    """Ratio and p-value the note tells, as text."""
    for note in chart.notes:
        if note.code == "overdispersed":
            words = note.message.split()
            return words[2], note.message.split("p = ")[1].split(")")[0]
    return None


@pytest.mark.parametrize("case", ["overdisp-pois-1", "overdisp-pois-3"])
def test_overdispersion_as_r_qcc(shewhart, case):
    c = shewhart[case]
    ratio, chi2, _ = c["expected"]  # its p-value is rounded to five digits after the point
    x = c["inputs"]["x"]
    want = (f"{ratio:.3g}", f"{scipy.stats.chi2.sf(chi2, len(x) - 1):.2g}") if case == "overdisp-pois-3" else None
    assert dispersion(u_chart(x, exposure=1)) == want


def test_overdispersion_of_fractions_is_pearsons_chi_square():
    # qcc.overdispersion.test takes var(x), which also varies with the sizes; the contingency table is the right one.
    x = [10, 19, 6, 12, 10, 13, 10, 1, 4, 24, 2, 2, 12, 11, 9, 10]
    n = [279, 285, 114, 317, 253, 365, 111, 118, 125, 298, 137, 135, 259, 189, 336, 347]
    table = scipy.stats.chi2_contingency([x, [b - a for a, b in zip(x, n, strict=True)]], correction=False)
    assert dispersion(p_chart(x, size=n)) == (f"{table.statistic / table.dof:.3g}", f"{table.pvalue:.2g}")


def test_overdispersion_is_looked_for_in_each_phase():
    rng = np.random.default_rng(7)
    x = np.concatenate([rng.binomial(400, 0.1, 20), rng.binomial(400, 0.3, 20)])
    assert "overdispersed" in codes(p_chart(x, size=400))
    assert "overdispersed" not in codes(p_chart(x, size=400, phase=[20]))


def test_a_centre_of_zero_or_one_collapses_with_a_note():
    for chart in (p_chart([0] * 15, size=50), p_chart([50] * 15, size=50), u_chart([0] * 15, exposure=3.0)):
        assert chart.in_control
        assert codes(chart) == ["zero-variance"]
        panel = next(iter(chart.panels.values()))
        assert (panel.lower == panel.center).all()
        assert (panel.upper == panel.center).all()


def test_equal_points_are_not_on_one_side_of_their_mean():
    chart = u_chart([3] * 30, exposure=0.7)
    assert chart.in_control
    assert chart.limits.center == chart.panels["u"].statistic[0]


def test_phases_baseline_and_missing():
    x = [5, 6, 7, 6, None, 20, 22, 21, 23, 60]
    chart = u_chart(x, exposure=[10.0] * 10, phase=[5], baseline=slice(0, 9), missing="drop")
    assert [lim.center for lim in chart.limits_by_phase] == pytest.approx([0.6, 2.15])
    assert codes(chart)[0] == "missing-dropped"
    assert beyond(chart) == [10]
    assert p_chart([1, 2, 3], size=[10, None, 10], missing="drop").limits.center == 0.2
    with pytest.raises(DataError, match="size: missing value"):
        p_chart([1, 2, 3], size=[10, None, 10])


def test_stored_limits():
    given = p_chart(NIST_P, size=50).limits
    chart = p_chart([12, 40], size=[50, 80], limits=given.to_dict())
    assert beyond(chart) == [2]
    assert chart.panels["p"].sigma[1] == pytest.approx(math.sqrt(given.center * (1 - given.center) / 80))
    assert codes(chart) == []


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: p_chart([3], size=[2]), "count: 3 of a sample of 2 at position 0"),
        (lambda: p_chart([1], size=[2.5]), "size: 2.5"),
        (lambda: p_chart([1], size=[0]), "size: 0.0 at position 0"),
        (lambda: u_chart([1, 2], exposure=[1, 0]), "exposure: 0.0 at position 1"),
        (lambda: u_chart([1, 2], exposure=[1, -1]), "exposure: -1.0"),
        (lambda: u_chart([1, 2], exposure=[1]), "exposure: 1 values came for 2"),
        (lambda: u_chart([1.5, 2], exposure=1), "count: 1.5"),
        (lambda: u_chart([-1, 2], exposure=1), "count: -1.0"),
        (lambda: u_chart([], exposure=1), "count: 0 values"),
        (lambda: u_chart(["3", "4"], exposure=1), "count: got text"),
        (lambda: u_chart([[1, 2], [3, 4]], exposure=1), "count: got 2 dimensions"),
        (lambda: u_chart([1, 2], exposure=math.inf), "exposure: inf"),
        (lambda: u_chart([1, math.nan], exposure=1), "count: missing value"),
        (lambda: u_chart([1, 2], exposure=1, nsigma=-3), "nsigma"),
        (lambda: p_chart([1], size=2, limits=ControlLimits("p", 1.5, None, 3.0, "", 1, "")), "centre 1.5"),
        (lambda: u_chart([1], exposure=2, limits=ControlLimits("u", -0.5, None, 3.0, "", 1, "")), "centre -0.5"),
        (lambda: u_chart([1], exposure=2, limits=ControlLimits("p", 0.5, None, 3.0, "", 1, "")), "kind 'p'"),
    ],
)
def test_refused(call, word):
    with pytest.raises(DataError, match=word):
        call()


def test_nothing_left():
    with pytest.raises(TooFewData, match="data: no point is left"):
        u_chart([1, 2], exposure=1, exclude=[0, 1])
