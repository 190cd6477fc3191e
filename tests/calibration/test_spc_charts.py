"""False alarms of each kind of chart on a stable process: simulated through the public functions, against theory."""

import math
import os

import numpy as np
import pytest
from scipy import stats

import qstats
from qstats import ControlLimits, arl
from qstats.spc.rules import BEYOND_LIMITS

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
POINTS = 4_000_000 if FULL else 400_000
CHARTS = 20_000 if FULL else 2_000
ALARM = 2 * stats.norm.sf(3)  # 0.0027


def share(hits, n):
    """Share of points that signal, and its standard error."""
    p = hits / n
    return p, math.sqrt(max(p, 1e-9) * (1 - p) / n)


def close(hits, n, exact, errors=4.0):
    p, _ = share(hits, n)
    assert abs(p - exact) <= errors * math.sqrt(exact * (1 - exact) / n), (p, exact)


@pytest.fixture
def rng():
    return np.random.default_rng(20261121)


def test_individuals_and_their_moving_ranges(rng):
    limits = ControlLimits("individuals", 0.0, 1.0, 3.0, "", 0, "known")
    chart = qstats.individuals(rng.normal(size=POINTS), limits=limits, rules=BEYOND_LIMITS)
    main = sum(s.panel == "individuals" for s in chart.signals)
    close(main, POINTS, ALARM)
    # |x - y| / sqrt(2) is half normal; overlapping ranges are dependent: three times the variance is ample
    upper = chart.panels["moving_range"].upper[1] / math.sqrt(2)
    close(len(chart.signals) - main, POINTS, 2 * stats.norm.sf(upper), errors=7.0)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_subgroup_means_ranges_and_standard_deviations(rng, n):
    k = POINTS // n
    x = rng.normal(size=(k, n))
    limits = ControlLimits("xbar_s", 0.0, 1.0, 3.0, "", 0, "known")
    chart = qstats.xbar_s(x, limits=limits, rules=BEYOND_LIMITS)
    close(sum(s.panel == "xbar" for s in chart.signals), k, ALARM)
    panel = chart.panels["std"]
    exact = stats.chi2(n - 1).sf((n - 1) * panel.upper[0] ** 2) + stats.chi2(n - 1).cdf((n - 1) * panel.lower[0] ** 2)
    close(sum(s.panel == "std" for s in chart.signals), k, exact)
    chart = qstats.xbar_r(x, limits=ControlLimits("xbar_r", 0.0, 1.0, 3.0, "", 0, "known"), rules=BEYOND_LIMITS)
    panel = chart.panels["range"]
    q = stats.studentized_range  # infinite degrees of freedom: the range of n standard normals
    exact = q.sf(panel.upper[0], n, np.inf) + q.cdf(panel.lower[0], n, np.inf)
    close(sum(s.panel == "range" for s in chart.signals), k, exact)


@pytest.mark.parametrize("size", [50, 400])
def test_counts_signal_as_often_as_their_exact_alarm(rng, size):
    n = POINTS // 4
    count = rng.binomial(size, 0.05, n)
    limits = ControlLimits("p", 0.05, None, 3.0, "", 0, "known")
    chart = qstats.p_chart(count, size=size, limits=limits, rules=BEYOND_LIMITS)
    close(len(chart.signals), n, 1 / arl(chart).arl)
    exact = ControlLimits("p", 0.05, None, 3.0, "", 0, "known", {"limits": "probability", "alpha": 0.01})
    chart = qstats.p_chart(count, size=size, limits=exact, rules=BEYOND_LIMITS)
    close(len(chart.signals), n, 1 / arl(chart).arl)
    assert 1 / arl(chart).arl <= 0.01
    limits = ControlLimits("c", 4.0, None, 3.0, "", 0, "known")
    chart = qstats.c_chart(rng.poisson(4.0, n), limits=limits, rules=BEYOND_LIMITS)
    close(len(chart.signals), n, 1 / arl(chart).arl)


def test_laney_on_overdispersed_counts_keeps_its_promise(rng):
    n, size = POINTS // 100, 10_000
    p = rng.normal(0.1, 0.01, n)  # between-point scatter 1 %, chance 0.3 %
    count = rng.binomial(size, p)
    chart = qstats.laney_p(count, size=size, rules=BEYOND_LIMITS)
    assert chart.limits.number("sigma_z") == pytest.approx(math.hypot(0.01, 0.003) / 0.003, rel=0.05)
    close(len(chart.signals), n, ALARM, errors=5.0)
    plain = qstats.p_chart(count, size=size, rules=BEYOND_LIMITS)
    assert len(plain.signals) > 50 * len(chart.signals)


def first_signals(chart, length):
    """Points until the first signal in each of equal phases; `length` + 1 where there is none."""
    first = np.full(len(chart.labels) // length, length + 1)
    at = np.array([s.index for s in chart.signals])
    np.minimum.at(first, at // length, at % length + 1)
    return first


@pytest.mark.parametrize("steady", [False, True])
def test_ewma_runs_as_long_as_the_integral_equation_says(rng, steady):
    length, charts = 50, CHARTS // 4
    limits = ControlLimits("ewma", 0.0, 1.0, 2.7, "", 0, "known", {"lam": 0.1, "steady_state": steady})
    for shift in (0.0, 1.0):
        x = rng.normal(shift, 1.0, length * charts)
        chart = qstats.ewma(x, phase=np.repeat(np.arange(charts), length), limits=limits, steady_state=steady, lam=0.1)
        got = first_signals(chart, length)
        for n, exact in arl(limits, shift).within[:2]:
            close(int((got <= n).sum()), charts, exact)


@pytest.mark.parametrize("head_start", [0.0, 0.5])
def test_cusum_runs_as_long_as_the_integral_equation_says(rng, head_start):
    length, charts = 50, CHARTS // 4
    more = {"k": 0.5, "h": 4.0, "head_start": head_start}
    limits = ControlLimits("cusum", 0.0, 1.0, 3.0, "", 0, "known", more)
    for shift in (0.0, 0.75):
        x = rng.normal(shift, 1.0, length * charts)
        chart = qstats.cusum(x, phase=np.repeat(np.arange(charts), length), limits=limits, **more)
        got = first_signals(chart, length)
        for n, exact in arl(limits, shift).within[:2]:
            close(int((got <= n).sum()), charts, exact)


def test_t2_of_estimated_limits_holds_its_alpha(rng):
    m, p, alpha, charts = 30, 3, 0.01, CHARTS // 4
    before = after = 0
    for _ in range(charts):
        x = rng.normal(size=(m + 20, p))
        chart = qstats.t2(x, baseline=m, alpha=alpha)
        at = [s.index for s in chart.signals]
        before += sum(i < m for i in at)
        after += sum(i >= m for i in at)
    close(before, m * charts, alpha, errors=4.0)
    # later points share one estimate: their alarms come in clusters, so the error is that of the charts
    assert abs(after / (20 * charts) - alpha) < 4 * math.sqrt(3 * alpha / (20 * charts))


def test_rare_events_hold_their_alpha(rng):
    n = POINTS // 40
    g = qstats.g_chart(rng.geometric(0.02, n) - 1)
    beyond = sum(s.panel == "g" for s in g.signals)
    close(beyond, n, g.limits.number("alpha"), errors=6.0)
    t = qstats.t_chart(rng.weibull(1.4, n) * 30)
    close(len(t.signals), n, 0.0027, errors=6.0)


@pytest.mark.parametrize("kind", ["mewma", "mcusum"])
def test_multivariate_memory_charts_reach_their_run_length(rng, kind):
    p, charts, length = 2, CHARTS // 20, 400
    x = rng.normal(size=(charts * length, p))
    make = getattr(qstats, kind)
    fitted = make(rng.normal(size=(20_000, p)), arl0=200)
    chart = make(x, limits=fitted.limits, phase=np.repeat(np.arange(charts), length))
    got = first_signals(chart, length)
    # run lengths are nearly geometric: half the charts have signalled by 200 ln 2 points
    close(int((got <= 139).sum()), charts, 0.5, errors=4.5)


def test_screening_of_stable_series(rng):
    screen = qstats.screen_series(rng.normal(size=(CHARTS, 50)))
    assert stats.kstest(screen.pvalue, "uniform").pvalue > 1e-4
    assert (screen.qvalue <= 0.05).mean() < 0.01
