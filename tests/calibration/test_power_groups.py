"""Planned power against simulated studies, and size of the tests of several groups, within Monte Carlo error."""

import math
import os

import numpy as np
import pytest

from qstats import (
    compare_mean_groups,
    compare_ordinal_groups,
    compare_proportion_groups,
    compare_proportions,
    compare_rate_groups,
    compare_rates,
    compare_time_groups,
    logrank_sample_size,
    ordinal_power,
    ordinal_sample_size,
    proportions_sample_size,
    rates_sample_size,
    times_sample_size,
)
from qstats.inference.means.means import compare_mean_summaries
from qstats.inference.ordinal.scores import compare_ordinal_counts
from qstats.inference.times.logrank import logrank

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
MANY = 400_000 if FULL else 40_000  # where one call does all
FEW = 4_000 if FULL else 400  # where each is a call


def error(rate: float, runs: int) -> float:
    return 4.0 * math.sqrt(rate * (1 - rate) / runs)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


@pytest.mark.parametrize("method", ["midp", "exact", "score"])
@pytest.mark.parametrize(("ratio", "k"), [(0.5, 1.0), (1.6, 0.5), (0.0, 1.0)])
def test_planned_rates_have_the_power(rng: np.random.Generator, method: str, ratio: float, k: float) -> None:
    plan = rates_sample_size(3.0, ratio, method=method, exposure_ratio=k)
    y, y0 = rng.poisson(3.0 * ratio * plan.size, MANY), rng.poisson(3.0 * plan.size0, MANY)
    p = compare_rates(y, plan.size, y0, plan.size0, method=method).pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=error(0.8, MANY))


def test_planned_scattered_rates_have_the_power(rng: np.random.Generator) -> None:
    """Counts of variance 2.5 times their mean (negative binomial), quasi-Poisson score; normal: within two points."""
    plan = rates_sample_size(40.0, 0.7, method="score", dispersion=2.5)
    y, y0 = (rng.negative_binomial(m / 1.5, 1.0 / 2.5, MANY) for m in (28.0 * plan.size, 40.0 * plan.size0))
    p = compare_rates(y, plan.size, y0, plan.size0, method="score", dispersion=2.5).pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=0.02 + error(0.8, MANY))


@pytest.mark.parametrize(
    ("p", "p0", "margin", "alternative"),
    [(0.9, 0.8, 0.0, "two-sided"), (0.02, 0.1, 0.0, "two-sided"), (0.9, 0.9, -0.1, "greater")],
)
def test_planned_proportions_have_the_power(
    rng: np.random.Generator, p: float, p0: float, margin: float, alternative: str
) -> None:
    plan = proportions_sample_size(p, p0, null=margin, alternative=alternative)
    x, x0 = rng.binomial(int(plan.size), p, MANY), rng.binomial(int(plan.size0), p0, MANY)
    r = compare_proportions(x, plan.size, x0, plan.size0, null=margin, alternative=alternative)
    assert np.mean(r.pvalue < 0.05) == pytest.approx(plan.power, abs=error(0.8, MANY))
    assert plan.power >= 0.8


def test_planned_times_have_the_power(rng: np.random.Generator) -> None:
    plan = times_sample_size(0.75, 1.0, cv0=2.0, size_ratio=0.5)
    groups = []
    for n, cv, log_mean in ((plan.size, 1.0, math.log(0.75)), (plan.size0, 2.0, 0.0)):
        sd = math.sqrt(math.log1p(cv * cv))
        s = sd * np.sqrt(rng.chisquare(n - 1, MANY) / (n - 1))
        groups += [log_mean + rng.normal(size=MANY) * sd / math.sqrt(n), s, n]
    assert np.mean(compare_mean_summaries(*groups).pvalue < 0.05) == pytest.approx(plan.power, abs=error(0.8, MANY))


@pytest.mark.parametrize("k", [1.0, 3.0])
def test_planned_scores_have_the_power(rng: np.random.Generator, k: float) -> None:
    """Second-order approximation, above fifty answers a group: within one and a half points."""
    shares, shares0 = np.array([5, 10, 20, 35, 30]) / 100, np.array([10, 15, 25, 30, 20]) / 100
    plan = ordinal_sample_size(shares, shares0, size_ratio=k)
    c, c0 = rng.multinomial(int(plan.size), shares, MANY), rng.multinomial(int(plan.size0), shares0, MANY)
    rate = np.mean(compare_ordinal_counts(c, c0).pvalue < 0.05)
    assert rate == pytest.approx(plan.power, abs=0.015 + error(0.8, MANY))


@pytest.mark.parametrize(("n", "n0"), [(12, 12), (20, 20), (20, 30), (40, 15)])
def test_small_score_studies_are_exact(rng: np.random.Generator, n: int, n0: int) -> None:
    shares, shares0 = np.array([1, 2, 7]) / 10, np.array([3, 4, 3]) / 10
    c, c0 = rng.multinomial(n, shares, MANY), rng.multinomial(n0, shares0, MANY)
    rate = np.mean(compare_ordinal_counts(c, c0).pvalue < 0.05)
    assert ordinal_power(shares, shares0, n, n0).power == pytest.approx(rate, abs=error(0.8, MANY))


def test_planned_ends_have_the_power(rng: np.random.Generator) -> None:
    """Exponential times cut off where seven in ten have ended; Schoenfeld's normal: within three points."""
    plan = logrank_sample_size(1.8, closed=0.7)
    n, hits = int(plan.size), 0
    group = np.repeat([1, 0], n)
    cut = -math.log(0.3) / 1.4  # between the two paces
    for _ in range(FEW):
        time = np.concatenate([rng.exponential(1 / 1.8, n), rng.exponential(1.0, n)])
        hits += logrank(np.minimum(time, cut), time <= cut, group).pvalue < 0.05
    assert hits / FEW == pytest.approx(0.8, abs=0.03 + error(0.8, FEW))


def _size(test, draw) -> float:
    return float(np.mean([test(*draw()).pvalue < 0.05 for _ in range(FEW)]))


def test_groups_that_are_alike_seldom_differ(rng: np.random.Generator) -> None:
    """Nominal 5 %; Welch's F at six values and unequal spread is allowed 7 %, exact mid-p tests 5.5 %."""
    by = np.repeat(["a", "b", "c"], [6, 12, 24])
    spread = np.repeat([3.0, 1.0, 2.0], [6, 12, 24])
    limits = {
        "rates": (lambda: (rng.poisson([40, 80, 20]), [2.0, 4.0, 1.0]), compare_rate_groups, 0.055),
        "few rates": (lambda: (rng.poisson([1, 2, 0.5]), [2.0, 4.0, 1.0]), compare_rate_groups, 0.055),
        "shares": (lambda: (rng.binomial([50, 80, 100], 0.2), [50, 80, 100]), compare_proportion_groups, 0.055),
        "few shares": (lambda: (rng.binomial([10, 8, 12], 0.1), [10, 8, 12]), compare_proportion_groups, 0.055),
        "means": (lambda: (rng.normal(size=42) * spread, by), compare_mean_groups, 0.07),
        "scores": (lambda: (rng.integers(1, 6, 42), by), compare_ordinal_groups, 0.055),
        "times": (lambda: (rng.exponential(size=42), None, by), compare_time_groups, 0.07),
    }
    for name, (draw, test, most) in limits.items():
        assert _size(test, draw) < most + error(0.05, FEW), name
