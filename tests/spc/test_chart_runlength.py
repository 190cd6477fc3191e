"""`arl`: from a chart or stored limits to how often it signals."""

import math

import numpy as np
import pytest
from scipy import stats

from qstats.errors import DataError
from qstats.spc.charts.attributes import c_chart, p_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.laney import laney_p
from qstats.spc.limits import ControlLimits
from qstats.spc.rules import BEYOND_LIMITS
from qstats.spc.runlength import average
from qstats.spc.runlength.of_chart import arl, false_alarms

Y = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


# Champ & Woodall (1987), table 1 (C1 and all four rules), and the exact chain of R spc 0.7.2 for rule 1.
@pytest.mark.parametrize(
    ("rules", "shift", "exact"),
    [
        ("western_electric", 0.0, 91.75),
        ("western_electric", 1.0, 9.22),
        (BEYOND_LIMITS, 0.0, 370.40),
        (BEYOND_LIMITS, 1.0, 43.89),
        (BEYOND_LIMITS, 2.0, 6.30),
    ],
)
def test_individuals(rules, shift, exact):
    run = arl(individuals(Y, rules=rules), shift)
    assert run.arl == pytest.approx(exact, abs=0.006)
    assert run.standard_error is None
    assert run.shift == shift


def test_stored_limits_have_the_limits_alone_unless_told():
    limits = individuals(Y).limits
    assert arl(limits).arl == pytest.approx(370.40, abs=0.005)
    assert arl(limits.to_dict(), rules="western_electric").arl == pytest.approx(91.75, abs=0.006)
    wide = individuals(Y, nsigma=2, rules=BEYOND_LIMITS)
    assert arl(wide).arl == pytest.approx(1 / (2 * stats.norm.sf(2)), rel=1e-9)


def test_counts_are_exact_for_single_points():
    # n = 50, p-bar = 0.02: limits 0.02 + 3 sqrt(.02 .98/50) = 0.0794: four defectives signal
    chart = p_chart([1] * 20, size=50, rules=BEYOND_LIMITS)
    run = arl(chart)
    assert run.arl == pytest.approx(1 / stats.binom(50, 0.02).sf(3), rel=1e-9)
    sizes = [50, 400] * 10
    chart = p_chart([1, 8] * 10, size=sizes, rules=BEYOND_LIMITS)
    above = [stats.binom(n, 0.02).sf(math.floor(n * (0.02 + 3 * math.sqrt(0.0196 / n)))) for n in (50, 400)]
    assert arl(chart).arl == pytest.approx(1 / np.mean(above), rel=1e-9)


def test_counts_with_run_rules_are_taken_as_normal_and_say_so():
    run = arl(c_chart([16, 14, 18, 16, 12, 20, 10, 12, 10, 17]))
    assert run.arl == pytest.approx(91.75, abs=0.006)
    assert {n.code for n in run.notes} == {"assumed-known", "normal-approximation"}
    assert arl(laney_p([16, 14, 18, 16, 12, 20], size=90)).arl == pytest.approx(91.75, abs=0.006)


def test_memory_charts_from_stored_limits():
    # Lucas & Saccucci (1990): lambda .2, L 2.962: 500; Lucas & Crosier (1982): k .5, h 4: 168, with FIR 149
    ewma = ControlLimits("ewma", 0.0, 1.0, 2.962, "", 0, "given", {"lam": 0.2, "steady_state": True})
    assert arl(ewma).arl == pytest.approx(499.74, abs=0.01)
    cusum = ControlLimits("cusum", 0.0, 1.0, 3.0, "", 0, "given", {"k": 0.5, "h": 4.0, "head_start": 0.0})
    assert round(arl(cusum).arl) == 168
    fir = ControlLimits("cusum", 0.0, 1.0, 3.0, "", 0, "given", {"k": 0.5, "h": 4.0, "head_start": 0.5})
    assert round(arl(fir).arl) == 149


def test_moving_average_by_simulation():
    # a window of one point is a Shewhart chart: 1 / (2 Phi(-3)) = 370.4, at one sigma 43.9
    single = ControlLimits("moving_average", 0.0, 1.0, 3.0, "", 0, "given", {"span": 1})
    for shift, exact in ((0.0, 370.40), (1.0, 43.89)):
        run = arl(single, shift)
        assert abs(run.arl - exact) < 4 * run.standard_error
    # two points: a two-dimensional integral equation is overkill; the first two points alone give
    # P(signal by 2) = 1 - P(|x| <= 3, |x + y| <= 3 sqrt 2), by the bivariate normal with correlation 1/sqrt(2)
    wide = ControlLimits("moving_average", 0.0, 1.0, 1.0, "", 0, "given", {"span": 2})
    inside = stats.multivariate_normal(cov=[[1, 0.5**0.5], [0.5**0.5, 1]]).cdf([1, 1], lower_limit=[-1, -1])
    lengths = average._lengths(2, 1.0, 0.0, np.random.default_rng(1), 40_000)
    assert (lengths <= 2).mean() == pytest.approx(1 - inside, abs=4 * math.sqrt(0.25 / 40_000))
    assert arl(wide).arl < arl(single).arl


def test_share_of_charts_with_a_false_alarm():
    chart = individuals(Y, rules=BEYOND_LIMITS)
    for n in (25, 37, 100, 400):
        run, share = false_alarms(chart, n)
        assert run == pytest.approx(370.40, abs=0.005)
        assert share == pytest.approx(1 - (1 - 2 * stats.norm.sf(3)) ** n, rel=1e-6)
    assert false_alarms(individuals(Y, rules="anhoej"), 25) is None


def test_simulated_rules_repeat_themselves_and_obey_rng():
    chart = individuals(Y, rules="nelson")
    first = arl(chart)
    assert first.standard_error > 0
    assert arl(chart).arl == first.arl
    assert arl(chart, rng=1).arl == pytest.approx(first.arl, abs=5 * first.standard_error)
    assert arl(chart, rng=1).arl != first.arl


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: arl(individuals(Y, rules="none")), "rules: there are none"),
        (lambda: arl(individuals(Y, rules="anhoej")), "judges a whole chart"),
        (lambda: arl(individuals(Y), "x"), "shift: got 'x'"),
        (lambda: arl(3), "limits: got a int"),
        (lambda: arl(ControlLimits("run", 0.0, None, 3.0, "", 0, "given")), "no run length is known"),
        (lambda: arl(p_chart([1] * 9, size=50, rules=BEYOND_LIMITS), -5.0), "lead to a rate of"),
        (
            lambda: arl(ControlLimits("ewma", 0.0, 1.0, 3.0, "", 0, "", {"lam": 0.2}), rules="nelson"),
            "no run rules",
        ),
    ],
)
def test_refused(call, word):
    with pytest.raises(DataError, match=word):
        call()
