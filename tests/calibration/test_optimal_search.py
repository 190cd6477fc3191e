"""The tables of D-efficiencies and average prediction variances, each within 10 seconds."""

import os

import pytest

from qstats.doe.exchange.door import optimal

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
SECONDS = 10.0 if FULL else 2.0

# full quadratic on the cube: the best found by long searches on and near 21 levels (doe.md 2.4)
D_BEST = {
    (2, 6): 42.304, (2, 7): 45.012, (2, 9): 46.224, (3, 10): 42.345, (3, 11): 44.769, (3, 12): 44.976,
    (3, 13): 46.353, (3, 14): 46.304, (3, 16): 45.894, (3, 20): 46.421, (4, 15): 43.219, (4, 16): 43.864,
    (4, 20): 46.675, (4, 24): 47.344, (4, 25): 47.761, (5, 21): 46.705, (5, 30): 48.759, (6, 32): 48.185,
    (7, 42): 48.991,
}  # fmt: skip
I_BEST = {
    (2, 6): 0.76715, (2, 8): 0.48927, (2, 9): 0.42667, (2, 12): 0.30278, (3, 10): 0.68744, (3, 12): 0.48991,
    (3, 16): 0.34052, (3, 20): 0.26667, (4, 18): 0.43946, (4, 20): 0.38958, (4, 25): 0.29520, (5, 26): 0.39848,
    (5, 30): 0.32836,
}  # fmt: skip
SOME = {(2, 7), (3, 13), (4, 20), (5, 21), (3, 16), (4, 25)}
CASES = [("D", *key, best) for key, best in D_BEST.items()] + [("I", *key, best) for key, best in I_BEST.items()]


@pytest.mark.parametrize(("criterion", "k", "n", "best"), [c for c in CASES if FULL or c[1:3] in SOME])
def test_within_two_thousandths_of_the_best(criterion, k, n, best):
    value = optimal(k, runs=n, criterion=criterion, seconds=SECONDS, rng=1).certificate["best"]
    assert value >= 0.998 * best if criterion == "D" else value <= 1.002 * best


@pytest.mark.skipif(not FULL, reason="a minute each: QSTATS_CALIBRATE=full")
@pytest.mark.parametrize(("criterion", "k", "n", "best"), CASES)
def test_as_good_or_better_in_a_minute(criterion, k, n, best):
    value = optimal(k, runs=n, criterion=criterion, seconds=60.0, rng=2).certificate["best"]
    # the table is rounded: half a unit of its last digit
    assert value >= best - 5.1e-4 if criterion == "D" else value <= best + 5.1e-6
