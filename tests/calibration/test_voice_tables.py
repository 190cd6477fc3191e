"""Satisfaction tables, drivers and Kano on made data whose truth is known: size of tests, coverage of intervals.

Tolerances are three standard errors of the simulation, on the side that would be a fault; where coverage is only
nominally met (percentile bootstrap of shares, weighted samples) the bound says what was found and is asked to hold.
"""

import os

import numpy as np
import pytest
from scipy import stats

from qstats.voice.drivers.drivers import key_drivers
from qstats.voice.drivers.importance import UNRESOLVED, importance_performance
from qstats.voice.drivers.kano import kano_from_counts
from qstats.voice.satisfaction.battery import battery
from qstats.voice.satisfaction.compare import compare_csat
from qstats.voice.satisfaction.scores import csat
from qstats.voice.satisfaction.segments import rank_limits, shrink_shares

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
TIMES = 10 if FULL else 1


def above(hits, tries, level):
    """Whether a rate of hits is above `level` by more than three standard errors."""
    return hits / tries > level + 3 * (level * (1 - level) / tries) ** 0.5


def test_weighted_intervals_cover():
    rng = np.random.default_rng(1)
    shares = np.array([0.05, 0.1, 0.15, 0.3, 0.4])
    tries, share, mean = 1500 * TIMES, 0, 0
    for _ in range(tries):
        r = csat(rng.choice(5, 60, p=shares) + 1, weight=rng.gamma(2.0, size=60))
        share += 0.7 in r.interval
        mean += float(shares @ np.arange(1, 6)) in r.mean_interval
    assert not above(tries - share, tries, 0.06)  # effective sample sizes are themselves estimated
    assert not above(tries - mean, tries, 0.06)


def test_size_of_weighted_comparisons():
    rng = np.random.default_rng(2)
    tries, hits = 1500 * TIMES, np.zeros(2)
    for _ in range(tries):
        x, x0 = rng.choice(5, (2, 50), p=[0.05, 0.1, 0.15, 0.3, 0.4]) + 1
        r = compare_csat(x, x0, weight=rng.gamma(2.0, size=50), weight0=rng.gamma(2.0, size=50))
        hits += [r.top.pvalue < 0.05, r.mean.pvalue < 0.05]
    assert not above(hits.max(), tries, 0.06)


@pytest.mark.parametrize("adjust", ["bh", "holm"])
def test_a_battery_without_differences_finds_none(adjust):
    """Under the complete null hypothesis the false discovery rate is the chance of any finding, 5 %."""
    rng = np.random.default_rng(3)
    tries, any_hit, single = 150 * TIMES, 0, 0.0
    by = np.repeat(["A", "B", "C", "D", "E"], 40)
    for _ in range(tries):
        r = battery({f"q{i}": rng.integers(1, 6, 200) for i in range(8)}, by=by, adjust=adjust)
        any_hit += bool((r.adjusted < 0.05).any())
        single += float((r.pvalue < 0.05).mean())
    assert not above(any_hit, tries, 0.05)
    assert single / tries > 0.03  # each by itself keeps its own level: two of forty by chance


@pytest.mark.parametrize(("a", "b", "k", "size"), [(30, 10, 8, 25), (4, 2, 5, 15), (300, 100, 20, 40)])
def test_shrunk_intervals_cover_and_shrinking_helps(a, b, k, size):
    rng = np.random.default_rng(k)
    tries, covered, raw, shrunk = 150 * TIMES, 0, 0.0, 0.0
    for _ in range(tries):
        p = rng.beta(a, b, k)
        n = rng.integers(1, 2 * size, k).astype(float)
        x = rng.binomial(n.astype(int), p).astype(float)
        s = shrink_shares(x, n, 0.95)
        covered += int(((s.low <= p) & (p <= s.high)).sum())
        raw += float(((x / n - p) ** 2).mean())
        shrunk += float(((s.share - p) ** 2).mean())
    assert not above(tries * k - covered, tries * k, 0.06)
    assert shrunk < 0.7 * raw


def test_rank_intervals_hold_all_ranks_at_once():
    rng = np.random.default_rng(4)
    tries, wrong = 400 * TIMES, 0
    p = np.array([0.5, 0.55, 0.7, 0.72, 0.9])
    rank = 1.0 + np.array([(p > v).sum() for v in p])
    for _ in range(tries):
        x = [v for share in p for v in rng.choice([5, 1], 60, p=[share, 1 - share])]
        t = csat(x, by=np.repeat(list("abcde"), 60))
        wrong += bool(((t.rank_low > rank) | (t.rank_high < rank)).any())
    assert not above(wrong, tries, 0.05)
    assert rank_limits(p, p)[0].tolist() == rank.tolist()


def test_shares_of_drivers_cover():
    """Percentile intervals of LMG shares at n = 150; a driver without effect keeps a share above 0 and is not covered.

    The true shares come from the population's correlations.
    """
    rng = np.random.default_rng(5)
    root = np.linalg.cholesky(np.array([[1, 0.5, 0.3], [0.5, 1, 0.4], [0.3, 0.4, 1]]))
    beta = np.array([1.0, 0.6, 0.3])

    def draw(n):
        x = rng.normal(size=(n, 3)) @ root.T
        return x, x @ beta + rng.normal(0, 1.2, n)

    x, y = draw(400_000)
    truth = key_drivers(x, outcome=y, resamples=40, confidence=0.6, rng=1).share
    tries, covered, first = 150 * TIMES, np.zeros(3), 0
    for _ in range(tries):
        x, y = draw(150)
        r = key_drivers(x, outcome=y, resamples=400, rng=rng)
        covered += (r.interval.low <= truth) & (truth <= r.interval.high)
        first += bool(((r.rank_low > [1, 2, 3]) | (r.rank_high < [1, 2, 3])).any())
    assert not above(tries - covered.min(), tries, 0.08)
    assert not above(first, tries, 0.05)


def test_quadrants_are_seldom_wrong():
    """Items whose true place is on the crossing: any quadrant named is a matter of chance, and rarely named."""
    rng = np.random.default_rng(6)
    tries, named = 100 * TIMES, 0
    for _ in range(tries):
        x = rng.integers(1, 6, (150, 4)).astype(float)
        r = importance_performance(x, outcome=x.sum(axis=1) + rng.normal(0, 2, 150), resamples=400, rng=rng)
        named += sum(q != UNRESOLVED for q in r.quadrant)
    assert named / (4 * tries) < 0.05


def test_kano_names_no_category_where_two_tie():
    """Two of six categories tie, or all do. Fong's test, which takes the counts for independent, errs twice as often.

    By theory: its z is sqrt(1 - (a + b)/(2N)) = 0.81 times the right one here, so 5 % become 2 P(Z > 1.96 * 0.81).
    """
    rng = np.random.default_rng(7)
    tries = 4000 * TIMES
    tied = {str(i): row for i, row in enumerate(rng.multinomial(60, [0.35, 0.35, 0.1, 0.1, 0.05, 0.05], tries))}
    even = {str(i): row for i, row in enumerate(rng.multinomial(60, [1 / 6] * 6, tries))}
    for counts in (tied, even):
        assert not above(int((kano_from_counts(counts).pvalue < 0.05).sum()), tries, 0.05)
    fong = float((kano_from_counts(tied, method="fong").pvalue < 0.05).mean())
    assert fong == pytest.approx(2 * stats.norm.sf(stats.norm.ppf(0.975) * (1 - 0.7 / 2) ** 0.5), abs=0.02)
