"""Coverage and size by full enumeration of the outcomes (no Monte Carlo); the models for scatter by simulation."""

import math
import os

import numpy as np
import pytest
from scipy import stats

from qstats import compare_proportions, compare_rates
from qstats.inference.negative_binomial import compare_overdispersed_rates
from qstats.inference.paired_proportions import compare_paired_proportions
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rate_estimates import estimate_rate

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"

# Least, mean and greatest coverage in per cent over the 75 settings, computed for the project's reference by another
# program (full enumeration); the limits of the plain log-Wald interval there run from 88.5 to 99.8.
EXPECTED = {"exact": (96.0, 97.9, 99.5), "midp": (95.0, 96.5, 98.6), "score": (92.5, 95.4, 97.0)}


def _outcomes(mean, mean0):
    ends = (int(stats.poisson.isf(1e-11, m)) + 2 for m in (mean, mean0))
    y, y0 = (v.ravel() for v in np.indices(tuple(ends)))
    return y, y0, stats.poisson.pmf(y, mean) * stats.poisson.pmf(y0, mean0)


@pytest.mark.parametrize("method", EXPECTED)
def test_rate_ratio_over_75_settings(method):
    coverage = []
    for before in (3.0, 6.0, 12.0, 24.0, 48.0):
        for exposure in (0.25, 0.5, 1.0):
            for ratio in (0.2, 0.5, 0.8, 1.0, 1.25):
                y, y0, chance = _outcomes(before * exposure * ratio, before)
                inside = compare_rates(y, exposure, y0, 1.0, method=method).interval.contain(ratio)
                coverage.append(100.0 * float(chance[inside].sum()))
    found = min(coverage), float(np.mean(coverage)), max(coverage)
    assert found == pytest.approx(EXPECTED[method], abs=0.06)  # the reference gives one decimal


@pytest.mark.parametrize(("alternative", "side"), [("less", "high"), ("greater", "low")])
@pytest.mark.parametrize("method", EXPECTED)
def test_one_sided_bound_of_the_rate_ratio(method, alternative, side):
    errors = []
    for before in (6.0, 24.0):
        for ratio in (0.5, 1.0):
            y, y0, chance = _outcomes(before * ratio, before)
            interval = compare_rates(y, 1.0, y0, 1.0, method=method, alternative=alternative).interval
            missed = getattr(interval, side) < ratio if side == "high" else getattr(interval, side) > ratio
            errors.append(float(chance[missed].sum()))
    assert max(errors) <= {"exact": 0.05, "midp": 0.056, "score": 0.075}[method]
    assert max(errors) > 0.02


@pytest.mark.parametrize("mean", [3.0, 10.0, 40.0])
def test_rate_difference(mean):
    for gap in (0.0, 0.3 * mean):
        y, y0, chance = _outcomes(mean, mean - gap)
        interval = compare_rates(y, 1.0, y0, 1.0, effect="rate_difference").interval
        assert float(chance[interval.contain(gap)].sum()) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("method", ["exact", "midp", "score"])
def test_one_rate(method):
    coverage = []
    for mean in np.geomspace(0.5, 60.0, 200 if FULL else 60):
        y = np.arange(int(stats.poisson.isf(1e-11, mean)) + 2)
        inside = estimate_rate(y, 1.0, method=method).interval.contain(mean)
        coverage.append(float(stats.poisson.pmf(y, mean)[inside].sum()))
    if method == "exact":
        assert min(coverage) >= 0.95  # Garwood (1936): by construction
    else:
        assert 0.945 <= float(np.mean(coverage)) <= 0.965


@pytest.mark.parametrize("method", ["wilson", "clopper-pearson", "jeffreys", "midp"])
def test_one_proportion(method):
    for n in (10, 50, 200) if FULL else (10, 50):
        x = np.arange(n + 1)
        interval = estimate_proportion(x, n, method=method).interval
        grid = np.linspace(0.005, 0.995, 397)
        coverage = [float(stats.binom.pmf(x, n, p)[interval.contain(p)].sum()) for p in grid]
        if method == "clopper-pearson":
            assert min(coverage) >= 0.95
        else:
            # Brown, Cai & DasGupta (2001), figures 5 and 11: means close to nominal, Wilson's least about 0.83
            assert float(np.mean(coverage)) == pytest.approx(0.95, abs=0.025 if method == "midp" else 0.012)
            assert min(coverage) >= 0.80


@pytest.mark.parametrize(
    ("effect", "method"),
    [
        ("difference", "miettinen-nurminen"), ("difference", "mee"), ("difference", "newcombe"),
        ("risk_ratio", "miettinen-nurminen"), ("odds_ratio", "miettinen-nurminen"), ("odds_ratio", "exact"),
        ("odds_ratio", "midp"),
    ],
)  # fmt: skip
def test_two_proportions(effect, method):
    for n, n0, p, p0 in ((20, 20, 0.3, 0.3), (30, 15, 0.8, 0.6), (40, 25, 0.1, 0.25)):
        x, x0 = (v.ravel() for v in np.indices((n + 1, n0 + 1)))
        chance = stats.binom.pmf(x, n, p) * stats.binom.pmf(x0, n0, p0)
        true = {"difference": p - p0, "risk_ratio": p / p0, "odds_ratio": p / (1 - p) / (p0 / (1 - p0))}[effect]
        r = compare_proportions(x, n, x0, n0, effect=effect, method=method, null=true)
        inside = (r.interval.low <= true + 1e-9) & (true - 1e-9 <= r.interval.high)
        coverage = float(chance[inside].sum())
        assert float(chance[r.pvalue < 0.05 - 1e-9].sum()) == pytest.approx(1.0 - coverage, abs=1e-9)
        if method == "exact":
            assert coverage >= 0.95
        else:
            assert 0.93 <= coverage <= 0.99


def test_paired_difference():
    for n, p, q in ((20, 0.2, 0.1), (40, 0.1, 0.1)):
        b, c = (v.ravel() for v in np.indices((n + 1, n + 1)))
        keep = b + c <= n
        b, c = b[keep], c[keep]
        chance = stats.multinomial.pmf(np.column_stack((b, c, n - b - c)), n, (p, q, 1 - p - q))
        r = compare_paired_proportions(0, b, c, n - b - c)
        assert 0.93 <= float(chance[r.interval.contain(p - q)].sum()) <= 0.985


@pytest.mark.parametrize("model", ["quasi-poisson", "negative-binomial"])
@pytest.mark.parametrize(("periods", "mean", "alpha"), [(6, 10.0, 0.5), (12, 20.0, 0.3), (24, 5.0, 0.4)])
def test_size_when_periods_scatter(model, periods, mean, alpha):
    rng = np.random.default_rng(20261121)
    draws = 20_000 if FULL else 2000
    y, y0 = rng.negative_binomial(1 / alpha, 1 / (1 + alpha * mean), (2, draws, periods))
    rejected = int((compare_overdispersed_rates(y, 1.0, y0, 1.0, model=model).pvalue < 0.05).sum())
    plain = int((compare_rates(y.sum(axis=1), periods, y0.sum(axis=1), periods).pvalue < 0.05).sum())
    error = math.sqrt(0.05 * 0.95 / draws)
    assert rejected / draws <= 0.06 + 3.0 * error
    assert rejected / draws >= 0.04 - 3.0 * error
    assert plain / draws > 0.15  # what taking clustered counts for Poisson does
