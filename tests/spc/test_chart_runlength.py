"""`arl`: from a chart or stored limits to how often it signals."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from qstats import cusum, ewma, g_chart, mcusum, mewma, moving_average, t2, u_chart
from qstats.errors import DataError
from qstats.spc.charts.attributes import c_chart, p_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.laney import laney_p
from qstats.spc.limits import ControlLimits
from qstats.spc.rules import BEYOND_LIMITS, Rule
from qstats.spc.runlength import average
from qstats.spc.runlength.of_chart import arl, false_alarms

EWMA = ControlLimits("ewma", 0.0, 1.0, 3.0, "", 0, "given", {"lam": 0.2, "steady_state": False})
Y = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
SOURCE = np.random.default_rng(20261122)


def noise(n, seed=4):
    """Values that make some chart; what is tested does not depend on them."""
    return np.random.default_rng(seed).normal(0.0, 1.0, n)


def share(chart):
    return false_alarms(chart)[1]


def close(simulated, runs):
    return pytest.approx(simulated, abs=4 * math.sqrt(simulated * (1 - simulated) / runs + 1e-12))


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
    for shift, exact in ((0.0, 370.40), (1.0, 43.89)):
        single = average.average_run_lengths(1, 3.0, shift, rng=1)
        assert abs(single.mean() - exact) < 4 * single.std() / math.sqrt(single.size)
    # two points: a two-dimensional integral equation is overkill; the first two points alone give
    # P(signal by 2) = 1 - P(|x| <= 3, |x + y| <= 3 sqrt 2), by the bivariate normal with correlation 1/sqrt(2)
    wide = ControlLimits("moving_average", 0.0, 1.0, 1.0, "", 0, "given", {"span": 2})
    inside = stats.multivariate_normal(cov=[[1, 0.5**0.5], [0.5**0.5, 1]]).cdf([1, 1], lower_limit=[-1, -1])
    lengths = average.average_run_lengths(2, 1.0, rng=1)
    assert (lengths <= 2).mean() == close(1 - inside, 20_000)
    assert arl(wide).arl == pytest.approx(lengths.mean(), rel=0.05)


def test_moving_average_lengths_stand_for_every_length():
    chart = moving_average(noise(30), span=4, sigma=1.0, target=0.0)
    x = SOURCE.standard_normal((40_000, 30))
    means = np.stack([x[:, max(0, t - 3) : t + 1].mean(axis=1) * math.sqrt(min(t + 1, 4)) for t in range(30)])
    assert share(chart) == close((np.abs(means) > 3).any(axis=0).mean(), 20_000)


def western_electric_fires(z):
    """The four Western Electric rules point by point; the last point of a pattern is one of those that lie out."""
    for t in range(len(z)):
        for sign in (1, -1):
            y = [sign * v for v in z[: t + 1]]
            if y[-1] > 3:
                return True
            if t >= 2 and y[-1] > 2 and sum(v > 2 for v in y[-3:]) >= 2:
                return True
            if t >= 4 and y[-1] > 1 and sum(v > 1 for v in y[-5:]) >= 4:
                return True
            if t >= 7 and min(y[-8:]) > 0:
                return True
    return False


def western_electric_share(n):
    """Probability of a signal on `n` independent normal points: all sequences of zones, each with its probability."""
    middle = [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5]
    weight = dict(zip(middle, np.diff(stats.norm.cdf([-np.inf, -3, -2, -1, 0, 1, 2, 3, np.inf])), strict=True))
    sequences = itertools.product(middle, repeat=n)
    return sum(math.prod(weight[v] for v in z) for z in sequences if western_electric_fires(z))


FIVE, THREE, TWO = (western_electric_share(n) for n in (5, 3, 2))


def test_single_points_are_geometric():
    for n in (25, 37, 100, 400, 5000):
        run, found = false_alarms(individuals(noise(n), rules=BEYOND_LIMITS))
        assert run.arl == pytest.approx(370.40, abs=0.005)
        assert found == pytest.approx(1 - (1 - 2 * stats.norm.sf(3)) ** n, rel=1e-9)
    assert false_alarms(individuals(Y, rules="anhoej")) is None


def test_a_new_chart_with_run_rules_by_enumeration():
    assert pytest.approx(0.023, abs=0.0005) == FIVE
    assert share(individuals(noise(5))) == pytest.approx(FIVE, rel=1e-9)
    z = SOURCE.standard_normal((4000, 40)).tolist()
    simulated = sum(map(western_electric_fires, z)) / 4000
    assert share(individuals(noise(40))) == close(simulated, 4000)


def test_runs_begin_anew_at_phases_gaps_and_exclusions():
    ten = 1 - (1 - FIVE) ** 2
    assert share(individuals(noise(10), phase=[5])) == pytest.approx(ten, rel=1e-9)
    gap = noise(11)
    gap[5] = np.nan
    assert share(individuals(gap, missing="drop")) == pytest.approx(ten, rel=1e-9)
    assert share(individuals(noise(11), exclude=[5])) == pytest.approx(ten, rel=1e-9)
    # phases of 8 and 7: 5, gap, 2 | 3, excluded, 3
    mixed = noise(15)
    mixed[5] = np.nan
    chart = individuals(mixed, phase=[8], exclude=[11], missing="drop")
    assert share(chart) == pytest.approx(1 - (1 - FIVE) * (1 - TWO) * (1 - THREE) ** 2, rel=1e-9)


def test_trends_by_counting_permutations():
    # No three in a row rise or fall: the alternating permutations, 2 E(n) of n!, E = 1, 2, 5, 16, 61 (n = 2 .. 6).
    rule = Rule("three in a row", "trend", 3, 3)
    for n, euler in ((3, 2), (4, 5), (5, 16), (6, 61)):
        exact = 1 - 2 * euler / math.factorial(n)
        assert share(individuals(noise(n), rules=rule)) == close(exact, 20_000)
    # in two phases of four: twice as little room for chance, and no trend over the boundary
    exact = 1 - (10 / 24) ** 2
    assert share(individuals(noise(8), rules=rule, phase=[4])) == pytest.approx(exact, abs=4 * 0.0035)


def test_ewma_and_cusum_by_plain_recursion():
    x = SOURCE.standard_normal((40_000, 30))
    z, up, low = (np.zeros(40_000) for _ in range(3))
    out_e, out_s, out_c = (np.zeros(40_000, dtype=bool) for _ in range(3))
    for t in range(30):
        z = 0.8 * z + 0.2 * x[:, t]
        out_e |= np.abs(z) > 2.0 * math.sqrt(0.2 / 1.8 * (1 - 0.8 ** (2 * t + 2)))
        out_s |= np.abs(z) > 2.0 * math.sqrt(0.2 / 1.8)
        up, low = np.maximum(0, up + x[:, t] - 0.5), np.maximum(0, low - x[:, t] - 0.5)
        out_c |= (up > 3) | (low > 3)
    once = out_e.mean()
    options = {"sigma": 1.0, "target": 0.0}
    assert share(ewma(noise(30), nsigma=2.0, **options)) == close(once, 40_000)
    assert share(ewma(noise(30), nsigma=2.0, steady_state=True, **options)) == close(out_s.mean(), 40_000)
    assert share(cusum(noise(30), h=3.0, **options)) == close(out_c.mean(), 40_000)
    # the statistic begins anew with a phase, and waits at a gap
    twice = share(ewma(noise(60), nsigma=2.0, phase=[30], **options))
    assert twice == pytest.approx(1 - (1 - once) ** 2, abs=8 * math.sqrt(once / 40_000))
    gap = noise(31)
    gap[10] = np.nan
    assert share(ewma(gap, nsigma=2.0, missing="drop", **options)) == close(once, 40_000)


def test_multivariate_memory_by_plain_recursion():
    x = SOURCE.standard_normal((40_000, 30, 2))
    data = SOURCE.standard_normal((30, 2))
    wide, crosier = mewma(data, lam=0.2, h=7.0, steady_state=True), mcusum(data, k=0.5, h=4.0)
    z, s = np.zeros((40_000, 2)), np.zeros((40_000, 2))
    out_z, out_s = np.zeros(40_000, dtype=bool), np.zeros(40_000, dtype=bool)
    for t in range(30):
        z = 0.8 * z + 0.2 * x[:, t]
        out_z |= (z**2).sum(axis=1) / (0.2 / 1.8) > 7.0
        c = np.sqrt(((s + x[:, t]) ** 2).sum(axis=1))
        s = (s + x[:, t]) * np.maximum(0.0, 1.0 - 0.5 / c)[:, None]
        out_s |= np.sqrt((s**2).sum(axis=1)) > 4.0
    assert share(wide) == close(out_z.mean(), 40_000)
    assert share(crosier) == close(out_s.mean(), 40_000)


def test_charts_with_one_probability_are_geometric():
    chart = t2(SOURCE.standard_normal((40, 2)), alpha=0.01)
    assert share(chart) == pytest.approx(1 - 0.99**40, rel=1e-9)
    gaps = g_chart([3, 40, 5, 60, 9, 20, 0, 12, 31, 7, 18, 22])
    assert share(gaps) == pytest.approx(1 - (1 - gaps.limits.number("alpha")) ** 12, rel=1e-9)


def binomial_alarm(n, p):
    spread = 3 * math.sqrt(p * (1 - p) / n)
    x = np.arange(n + 1)
    return float(stats.binom(n, p).pmf(x)[(x / n > p + spread) | (x / n < p - spread)].sum())


def test_each_phase_of_counts_is_judged_at_its_own_centre():
    # p = .02 for 20 points, then .4 for 20 points, n = 100; limits at 3 standard errors, every count enumerated
    chart = p_chart([2] * 20 + [40] * 20, size=100, phase=[20], rules=BEYOND_LIMITS)
    first, last = binomial_alarm(100, 0.02), binomial_alarm(100, 0.4)
    run, found = false_alarms(chart)
    assert run.arl == pytest.approx(1 / last, rel=1e-9)
    assert found == pytest.approx(1 - (1 - first) ** 20 * (1 - last) ** 20, rel=1e-9)
    # sizes differ within a phase; excluded points and gaps are not judged
    chart = p_chart([1, 8] * 10, size=[50, 400] * 10, rules=BEYOND_LIMITS, exclude=[19])
    p = (10 + 72) / (500 + 3600)
    some = [binomial_alarm(n, p) for n in (50, 400)]
    assert share(chart) == pytest.approx(1 - (1 - some[0]) ** 10 * (1 - some[1]) ** 9, rel=1e-9)
    assert arl(chart).arl == pytest.approx(19 / (10 * some[0] + 9 * some[1]), rel=1e-9)


def test_counts_per_exposure_and_the_name_of_the_rule():
    chart = u_chart([8] * 15, exposure=[2.0] * 15, rules=Rule("another name", "beyond"))
    # 8 counts at 4 a unit, 2 units: limits 4 +- 3 sqrt(4/2), so counts above 16.49 (the lower limit is below zero)
    exact = stats.poisson(8).sf(16)
    run, found = false_alarms(chart)
    assert run.arl == pytest.approx(1 / exact, rel=1e-9)
    assert found == pytest.approx(1 - (1 - exact) ** 15, rel=1e-9)
    assert [note.code for note in run.notes] == ["assumed-known"]
    upper = u_chart([8] * 15, exposure=[2.0] * 15, rules=Rule("beyond limits", "beyond", sides="upper"))
    assert "normal-approximation" in {note.code for note in arl(upper).notes}


def test_a_long_chart_goes_on_as_a_geometric_one():
    # 5000 points, point by point: mass on a fine grid of the EWMA moved on by the normal density (trapezia)
    edge = 3.6 * math.sqrt(0.2 / 1.8)
    grid, step = np.linspace(-edge, edge, 801, retstep=True)
    weight = np.full(801, step)
    weight[[0, -1]] /= 2
    move = weight * stats.norm.pdf((grid - 0.8 * grid[:, None]) / 0.2) / 0.2
    clear = np.ones(801)
    for _ in range(5000):
        clear = move @ clear
    chart = ewma(noise(5000), nsigma=3.6, sigma=1.0, target=0.0, steady_state=True)
    assert share(chart) == pytest.approx(1 - clear[400], rel=1e-4)


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
            lambda: arl(
                ControlLimits("ewma", 0.0, 1.0, 3.0, "", 0, "", {"lam": 0.2, "steady_state": False}), rules="nelson"
            ),
            "no run rules",
        ),
    ],
)
def test_refused(call, word):
    with pytest.raises(DataError, match=word):
        call()
