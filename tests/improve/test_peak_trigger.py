"""The trigger trap against exact enumeration with scipy's distributions."""

import math

import numpy as np
import pytest
from scipy import stats

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.guards.peak_trigger import triggered_false_success


def enumerated(dist, at: int, after: int, alpha: float) -> float:  # type: ignore[no-untyped-def]
    """P(exact test of the next periods against the trigger period rejects | trigger), after-sum Poisson only."""
    total = 0.0
    for y0 in range(at, at + 60):
        for y1 in range(400):
            if stats.binom.cdf(y1, y0 + y1, after / (after + 1)) <= alpha:
                total += dist.pmf(y0) * stats.poisson.pmf(y1, 20.0 * after)
            else:
                break
    return total / dist.sf(at - 1)


def test_poisson_trigger_month_equals_enumeration() -> None:
    exact = enumerated(stats.poisson(20), math.floor(20 + 2 * math.sqrt(20)) + 1, 6, 0.025)
    r = triggered_false_success([20] * 12, method="exact", runs=40_000, rng=5)
    assert r.false_success == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 40_000))
    assert exact in r.interval or abs(exact - r.false_success) < 0.01
    assert r.trigger_rate == pytest.approx(stats.poisson.sf(28, 20), rel=1e-10)
    assert r.trigger_at == 29


def test_overdispersed_baseline_is_negative_binomial() -> None:
    y = [10, 30] * 8
    phi = sum((v - 20) ** 2 for v in y) / 20 / 15
    r = triggered_false_success(y, runs=2000, rng=1)
    assert r.dispersion == pytest.approx(phi)
    dist = stats.nbinom(20 / (phi - 1), 1 / phi)
    assert r.trigger_rate == pytest.approx(dist.sf(28), rel=1e-9)


def test_trap_closes_as_the_trigger_is_left_out() -> None:
    # the order of the project's reference, section 2.15: trigger month >> trigger and two before >> twelve before it
    y = [18, 22, 20, 19, 25, 16, 21, 19, 17, 23, 20, 20]
    one, three, twelve = (
        triggered_false_success(y, rng=2, **k)  # type: ignore[arg-type]
        for k in ({}, {"reference": 3}, {"reference": 12, "include_trigger": False})
    )
    assert one.false_success > 0.35 > three.false_success > 0.05 > twelve.false_success
    assert one.median_ratio == pytest.approx(0.66, abs=0.03)
    assert twelve.false_success < 0.025
    assert "2.5%" in one.sentence() and "名义水平" in one.sentence("zh")


def test_same_seed_same_answer() -> None:
    a, b = (triggered_false_success([5, 3, 4, 6, 2, 4, 9], runs=500, rng=3) for _ in range(2))
    assert a.to_dict() == b.to_dict()


@pytest.mark.parametrize(
    ("counts", "kwargs", "error", "says"),
    [
        ([1, 2, 3], {}, TooFewData, "at least 6"),
        ([0] * 8, {}, TooFewData, "no event"),
        ([3] * 8, {"sds": 80.0}, DataError, "practically never"),
        ([3] * 8, {"reference": 0}, DataError, "reference"),
        ([3] * 8, {"after": 1.5}, DataError, "after"),
        ([3] * 8, {"runs": 3}, DataError, "runs"),
        ([3, 1.5] * 4, {}, DataError, "counts"),
    ],
)
def test_bad_input(counts: list[float], kwargs: dict[str, float], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        triggered_false_success(counts, **kwargs)  # type: ignore[arg-type]


def test_small_means_stay_finite() -> None:
    r = triggered_false_success([0, 0, 1, 0, 0, 0, 0, 0], runs=500, rng=1)
    assert 0 <= r.false_success <= 1 and np.isfinite(r.median_ratio)
