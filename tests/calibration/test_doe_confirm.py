"""Confirmation runs: chance to pass at the edge of a criterion, and joint power at what was expected, simulated."""

import math
import os

import numpy as np
import pytest

from qstats.doe.confirming.door import confirm

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
PLANS = 20_000 if FULL else 1_500
CRITERIA = {
    "time": {"kind": "faster", "by": 1, "expected": 3, "sd": 2},
    "ppm": {"kind": "not worse", "better": "lower", "delta": 40, "sd": 30},
}


def passed(plan, shift, rho, seed):
    """Share of simulated experiments that the public judgement passes."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky([[1.0, rho], [rho, 1.0]])
    noise = rng.normal(size=(PLANS, 2, plan.runs, 2)) @ root.T * [2.0, 30.0]
    noise[:, 0] += shift
    hits = 0
    for new, old in noise:
        hits += plan.judge({"time": new[:, 0], "ppm": new[:, 1]}, {"time": old[:, 0], "ppm": old[:, 1]}).passed
    return hits / PLANS


def error(p):
    return math.sqrt(p * (1.0 - p) / PLANS)


@pytest.mark.parametrize("shift", [(-1.0, -300.0), (-30.0, 40.0)])
def test_at_the_edge_of_one_criterion_alpha_is_kept(shift):
    # the other response passes for certain: the test of both has exactly the size of the one
    share = passed(confirm(CRITERIA, rng=1), shift, 0.3, 11)
    assert abs(share - 0.05) <= 4.0 * error(0.05)


def test_at_both_edges_it_is_far_below():
    assert passed(confirm(CRITERIA, rng=1), (-1.0, 40.0), 0.0, 12) <= 0.05 * 0.05 + 4.0 * error(0.05 * 0.05)


@pytest.mark.parametrize("rho", [-0.8, 0.0, 0.8])
def test_power_is_at_least_the_promise_for_any_correlation(rho):
    plan = confirm(CRITERIA, rng=1)
    share = passed(plan, (-3.0, 0.0), rho, 13)
    assert share >= plan.power - 4.0 * error(plan.power)


@pytest.mark.parametrize("rho", [-0.8, 0.5])
def test_simulated_joint_power_is_reached(rho):
    plan = confirm(CRITERIA, correlation=rho, rng=1)
    share = passed(plan, (-3.0, 0.0), rho, 14)
    assert abs(share - plan.power) <= 4.0 * (error(plan.power) + math.sqrt(0.1 * 0.9 / plan.draws))
