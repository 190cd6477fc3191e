"""The trap table: every simulated share against a sum over all outcomes, and the published figures nearby."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from qstats import DataError, TooFewData, TrapTable, trap_table

BASE = [20] * 12
RUNS = 40_000
MEAN, BEFORE, AFTER, ALPHA = 20.0, 12, 6, 0.025


def claims(y1: Any, t1: float, y0: Any, t0: float) -> Any:
    """Conditional mid-p of a fall, from the binomial distribution itself."""
    y1, y0 = np.broadcast_arrays(y1, y0)
    n, share = y1 + y0, t1 / (t1 + t0)
    p = stats.binom.cdf(y1, n, share) - 0.5 * stats.binom.pmf(y1, n, share)
    return (p <= ALPHA) & (n > 0)


def exact(p0: Any, p1: Any, t0: float = BEFORE, t1: float = AFTER) -> float:
    """Chance of a claim when the totals have the probabilities p0 (before) and p1 (after), from 0 on."""
    y0, y1 = np.arange(p0.size), np.arange(p1.size)
    return float(p1 @ claims(y1[:, None], t1, y0[None, :], t0) @ p0)


def poisson(mean: float) -> Any:
    return stats.poisson.pmf(np.arange(int(mean + 12 * math.sqrt(mean)) + 20), mean)


def expected(code: str, size: float) -> float:
    total0, total1 = MEAN * BEFORE, MEAN * AFTER
    if code == "volume":
        return exact(poisson(total0), poisson(total1 * (1 - size)))
    if code == "trend":
        level = [MEAN * (1 - size) ** k for k in range(BEFORE + AFTER)]
        return exact(poisson(sum(level[:BEFORE])), poisson(sum(level[BEFORE:])))
    if code == "season":
        wave = [MEAN * (1 + size * math.sin(2 * math.pi * (k + 0.5) / 12)) for k in range(12)]
        return exact(poisson(sum(wave[:6])), poisson(sum(wave[6:])), 6, 6)
    if code == "delay":  # of an event at a random moment of a period, the chance that its report has come
        share = []
        for k in range(BEFORE + AFTER):
            u = (np.arange(20_000) + 0.5) / 20_000
            share.append(float(np.mean(1 - np.exp(-(BEFORE + AFTER - k - u) / size))))
        return exact(poisson(MEAN * sum(share[:BEFORE])), poisson(MEAN * sum(share[BEFORE:])))
    if code == "scatter":
        p = 1 / size
        top = np.arange(900)
        pmf = [stats.nbinom.pmf(top, n * MEAN * p / (1 - p), p) for n in (BEFORE, AFTER)]
        return exact(*pmf)
    if code == "trigger":
        at = math.floor(MEAN + size * math.sqrt(MEAN)) + 1
        p = poisson(MEAN).copy()
        p[:at] = 0.0
        return exact(p / p.sum(), poisson(total1), 1, AFTER)
    if code == "worst":
        top = np.arange(500)
        cdf = stats.poisson.cdf(top, total0) ** int(size)
        return exact(np.diff(cdf, prepend=0.0), poisson(total1))
    if code == "categories":
        return 1 - (1 - exact(poisson(total0 / size), poisson(total1 / size))) ** int(size)
    assert code == "figures"
    return 1 - (1 - 2 * ALPHA) ** int(size)


@pytest.mark.parametrize(
    ("code", "sizes"),
    [
        ("volume", (0.1, 0.2)),
        ("trend", (0.01, 0.03)),
        ("season", (0.1, 0.3)),
        ("delay", (0.5, 2.0)),
        ("scatter", (2.0, 4.0)),
        ("trigger", (2.0,)),
        ("worst", (20,)),
        ("categories", (8,)),
        ("figures", (8,)),
    ],
)
def test_equals_the_sum_over_all_outcomes(code: str, sizes: tuple[float, ...]) -> None:
    for size in sizes:
        found = trap_table(BASE, after=AFTER, sizes={code: size}, only=(code,), runs=RUNS, rng=3)[code]
        want = expected(code, size)
        assert abs(found.false_success - want) <= 4.5 * math.sqrt(want * (1 - want) / RUNS), (code, size)
        assert found.interval.low <= found.false_success <= found.interval.high
        assert found.size == size


def test_peeking_equals_a_plain_loop() -> None:
    rng, runs, hits = np.random.default_rng(5), 4000, 0
    for _ in range(runs):
        y0 = rng.poisson(MEAN * BEFORE)
        weekly = rng.poisson(MEAN * 12 / 52, 26).cumsum()
        weeks = np.arange(1, 27) * 12 / 52
        p = stats.binom.cdf(weekly, weekly + y0, weeks / (weeks + BEFORE))
        p -= 0.5 * stats.binom.pmf(weekly, weekly + y0, weeks / (weeks + BEFORE))
        hits += bool((p <= ALPHA).any())
    found = trap_table(BASE, after=AFTER, only=("peeking",), runs=RUNS, rng=4)["peeking"].false_success
    assert abs(found - hits / runs) <= 4.5 * math.sqrt(found * (1 - found) * (1 / runs + 1 / RUNS))


def test_persistence_equals_a_plain_loop() -> None:
    rng, runs = np.random.default_rng(6), 6000
    counts = np.empty((runs, BEFORE + AFTER))
    for i in range(runs):
        z = rng.standard_normal()
        for k in range(BEFORE + AFTER):
            z = z if k == 0 else 0.6 * z + 0.8 * rng.standard_normal()
            counts[i, k] = rng.poisson(MEAN * math.exp(0.25 * z - 0.03125))
    want = float(claims(counts[:, BEFORE:].sum(axis=1), AFTER, counts[:, :BEFORE].sum(axis=1), BEFORE).mean())
    found = trap_table(BASE, after=AFTER, only=("persistence",), runs=RUNS, rng=4)["persistence"].false_success
    assert abs(found - want) <= 4.5 * math.sqrt(want * (1 - want) * (1 / runs + 1 / RUNS))


def test_without_a_trap_the_plain_comparison_keeps_its_word() -> None:
    for code in ("volume", "trend", "season"):
        found = trap_table(BASE, after=AFTER, sizes={code: 0.0}, only=(code,), runs=RUNS, rng=1)[code]
        assert found.false_success <= ALPHA * 1.15 + 3 * math.sqrt(ALPHA / RUNS)


def test_the_published_figures_are_near() -> None:
    # by another simulation with the exact test (a little smaller than mid-p): 20 a month, twelve months and six
    found = trap_table(BASE, after=AFTER, runs=RUNS, rng=2)
    for code, published in {
        "season": 0.48,
        "scatter": 0.08,
        "persistence": 0.17,
        "volume": 0.44,
        "trend": 0.35,
    }.items():
        assert found[code].false_success == pytest.approx(published, abs=0.05)


def test_more_volume_makes_every_steady_trap_worse() -> None:
    low, high = (trap_table([n] * 12, after=AFTER, runs=4000, rng=1) for n in (10, 80))
    for code in ("season", "volume", "trend", "delay"):
        assert high[code].false_success > low[code].false_success + 0.1


def test_result_goes_through_json_and_table() -> None:
    counts, exposure = [18, 25, 12, 30, 9, 22, 17, 28], [100.0] * 8
    found = trap_table(counts, exposure, after=4, rng=1, runs=500)
    assert isinstance(found, TrapTable)
    assert found.dispersion > 1
    assert found.to_dict()["schema"] == "qstats.trap-table/1"
    assert next(iter(found.to_frame()["trap"])) == "trigger"
    assert found.to_json() == trap_table(counts, exposure, after=4, rng=1, runs=500).to_json()
    with pytest.raises(KeyError):
        found["luck"]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: trap_table([1, 2, 3]), TooFewData, "3 periods"),
        (lambda: trap_table([0] * 8), TooFewData, "no event"),
        (lambda: trap_table(BASE, after=0), DataError, "after"),
        (lambda: trap_table(BASE, sizes={"luck": 1}), DataError, "unknown trap 'luck'"),
        (lambda: trap_table(BASE, sizes={"trend": 2}), DataError, "at most 0.5"),
        (lambda: trap_table(BASE, sizes=[1]), DataError, "sizes"),
        (lambda: trap_table(BASE, only=("luck",)), DataError, "unknown trap"),
        (lambda: trap_table(BASE, runs=1), DataError, "runs"),
        (lambda: trap_table(BASE, alpha=0.7), DataError, "alpha"),
    ],
)
def test_bad_input_is_named(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
