"""Error rates of Lenth's method and of the tests of dispersion, when nothing is active."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from qstats.doe import fractional_factorial, full_factorial
from qstats.doe.contrasts.detect import unreplicated_power
from qstats.doe.contrasts.door import effects
from qstats.doe.contrasts.margins import lenth
from qstats.doe.spread.door import dispersion_effects
from qstats.doe.spread.joint import null_ratios

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
MANY = 20_000_000 if FULL else 3_000_000
SETS = 40_000 if FULL else 1_500
TABLES = 2_000 if FULL else 100


def rates(m: int, alpha: float, method: str) -> tuple[float, float, float]:
    """Individual and experimentwise error over many sets, and the standard error of the individual one.

    The margins are those of a public call; the pseudo standard error is written out a second time here, with numpy's
    median over the contrasts that are not trimmed.
    """
    unit = lenth(np.arange(1.0, m + 1), confidence=1 - alpha, method=method)
    rng, n = np.random.default_rng([2026, m]), MANY // m
    c = np.abs(rng.normal(size=(n, m)))
    s0 = 1.5 * np.median(c, axis=1, keepdims=True)
    pse = 1.5 * np.nanmedian(np.where(c < 2.5 * s0, c, np.nan), axis=1, keepdims=True)
    hit = c > unit.me / unit.pse * pse
    any_of = c.max(axis=1, keepdims=True) > unit.sme / unit.pse * pse
    return float(hit.mean()), float(any_of.mean()), float(hit.mean(axis=1).std() / math.sqrt(n))


@pytest.mark.parametrize("m", [7, 15, 31])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_exact_margins_keep_their_error(m: int, alpha: float) -> None:
    one, any_of, error = rates(m, alpha, "exact")
    assert abs(one - alpha) <= 3 * error
    assert abs(any_of - alpha) <= 3 * math.sqrt(alpha * (1 - alpha) / (MANY // m))


def test_every_call_judges_as_the_margins_do() -> None:
    rng = np.random.default_rng(20)
    for _ in range(SETS // 10):
        c = rng.normal(size=15)
        held = lenth(c)
        assert np.array_equal(held.active, np.abs(c) > held.me) and np.array_equal(held.active, held.pvalue < 0.05)


# true individual error of the t(m/3) rule at a nominal .05: doe reference, 2.5
@pytest.mark.parametrize(("m", "true"), [(7, 0.0198), (15, 0.0289), (31, 0.0375)])
def test_the_t_rule_does_not(m: int, true: float) -> None:
    one, _, error = rates(m, 0.05, "t")
    assert abs(one - true) <= 3 * error + 1e-4


def test_step_down_keeps_the_experimentwise_error_with_active_contrasts() -> None:
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(SETS):
        c = rng.normal(size=15)
        c[:2] += 30.0
        held = lenth(c, step_down=True)
        wrong += bool(held.active_simultaneous[2:].any())
    assert wrong / SETS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / SETS)


def test_power_is_the_share_found_by_the_public_call() -> None:
    rng = np.random.default_rng(9)
    found = 0
    for _ in range(SETS):
        c = rng.normal(size=15)
        c[0] += 3.0
        found += bool(lenth(c).active[0])
    p = unreplicated_power(15, 3.0).power
    assert abs(found / SETS - p) <= 4 * math.sqrt(p * (1 - p) / SETS)


def test_effects_by_pure_error_keep_their_error() -> None:
    design = full_factorial(3, center_points=5, rng=1)
    rng = np.random.default_rng(4)
    hits = [effects(design, rng.normal(size=len(design))).significant.mean() for _ in range(SETS)]
    assert abs(np.mean(hits) - 0.05) <= 4 * np.std(hits) / math.sqrt(len(hits))


@pytest.mark.parametrize("method", ["box-meyer", "bergman-hynen", "log-variance", "levene"])
def test_dispersion_tests_keep_their_error(method: str) -> None:
    repeats = method in ("log-variance", "levene")
    design = full_factorial(3, replicates=3, rng=1) if repeats else fractional_factorial(4, runs=16, rng=1)
    more = {} if repeats else {"model": "A + C"}
    rng = np.random.default_rng(12)
    hits, any_of = [], 0
    for _ in range(TABLES):
        held = dispersion_effects(design, rng.normal(size=len(design)), method=method, **more)
        hits.append(held.significant.mean())
        if held.pvalue_simultaneous is not None:
            any_of += bool((held.pvalue_simultaneous <= 0.05).any())
    assert abs(np.mean(hits) - 0.05) <= 4 * np.std(hits) / math.sqrt(TABLES)
    if method != "bergman-hynen":
        assert abs(any_of / TABLES - 0.05) <= 4 * math.sqrt(0.05 * 0.95 / TABLES)


def test_joint_dispersion_keeps_its_error() -> None:
    design = fractional_factorial(4, runs=16, rng=1)
    x = np.column_stack([np.ones(16), design.coded])
    null = np.abs(null_ratios(x, x[:, :3], 499, 1))
    critical = np.sort(null, axis=0)[499 - 25]  # as an interval of 95 % has it
    fresh = np.abs(null_ratios(x, x[:, :3], 4 * TABLES, 2))
    share = (fresh > critical).mean(axis=0)[1:]
    assert (np.abs(share - 0.05) <= 4 * math.sqrt(0.05 * 0.95 * (1 / fresh.shape[0] + 1 / 499))).all()
