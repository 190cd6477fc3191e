"""How long to hold: the table of published formula values, and power against simulation."""

import math

import numpy as np
import pytest

from qstats import DataError, compare_rates, hold_period
from qstats.improve.verify.hold import power_of_comparison


@pytest.mark.parametrize(
    ("events", "months"), [(1, 228.0), (2, 41.7), (3, 20.6), (5, 9.8), (10, 4.2), (20, 1.9), (30, 1.3)]
)
def test_months_without_recurrence(events: int, months: float) -> None:
    # p = (t0 / (t0 + t1))**y0 = 0.05 with a baseline of twelve months; computed from the formula by hand
    t1 = hold_period(events, 12)
    assert t1 == pytest.approx(months, abs=0.05)
    assert (12 / (12 + t1)) ** events == pytest.approx(0.05)


def test_zero_events_after_the_hold_reject_exactly() -> None:
    t1 = hold_period(7, 12)
    assert compare_rates(0, t1, 7, 12, method="exact", alternative="less").pvalue == pytest.approx(0.05, rel=1e-9)


def test_hold_and_power_are_inverse() -> None:
    t1 = hold_period(200, 1000, target_rr=0.7, alpha=0.025, power=0.8, dispersion=1.3)
    assert power_of_comparison(200, 1000, t1, 0.7, 0.025, 1.3) == pytest.approx(0.8, abs=1e-9)
    assert hold_period(10, 12, target_rr=0.9) == math.inf


def test_power_equals_simulation() -> None:
    rng = np.random.default_rng(11)
    before, after = rng.poisson(150, 4000), rng.poisson(0.7 * 150, 4000)
    # log ratio test of the same normal approximation, alpha 0.025 one-sided
    z = np.log(after / before) / np.sqrt(1 / after + 1 / before)
    assert power_of_comparison(150, 1, 1, 0.7, 0.025, 1.0) == pytest.approx(float((z < -1.959964).mean()), abs=0.03)


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [({"target_rr": 1.0}, "target_rr"), ({"alpha": 0.9}, "alpha"), ({"dispersion": 0.5}, "dispersion"),
     ({"target_rr": 0.5, "power": 1.0}, "power")],
)  # fmt: skip
def test_bad_arguments(kwargs: dict[str, float], says: str) -> None:
    with pytest.raises(DataError, match=says):
        hold_period(5, 12, **kwargs)
    with pytest.raises(DataError, match="events0"):
        hold_period(0, 12)
