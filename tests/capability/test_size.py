"""capability_sample_size keeps its promise: checked by simulation, by the noncentral t of scipy, and at its edges."""

import math

import numpy as np
import pytest
from scipy import stats

from qstats.capability.size import capability_sample_size
from qstats.errors import DataError


def simulated_power(n, required, assumed, confidence, sides, repeat=200_000):
    """Share of samples of n whose lower bound reaches what is required, formulas written out."""
    rng = np.random.default_rng(20261122)
    mean = rng.normal(size=repeat) / math.sqrt(n)
    s = np.sqrt(rng.chisquare(n - 1, repeat) / (n - 1))
    if sides == "one":
        critical = stats.nct.ppf(confidence, n - 1, 3 * math.sqrt(n) * required) / math.sqrt(n)
        return np.mean((3 * assumed - mean) / s >= critical)
    c = (3 * assumed - np.abs(mean)) / (3 * s)  # in the middle of two limits
    return np.mean(c - stats.norm.ppf(confidence) * np.sqrt(1 / (9 * n) + c * c / (2 * (n - 1))) >= required)


@pytest.mark.parametrize("sides", ["both", "one"])
@pytest.mark.parametrize(("required", "assumed", "power"), [(1.33, 1.67, 0.8), (1.0, 1.5, 0.9), (1.33, 2.5, 0.8)])
def test_power_is_as_promised(required, assumed, power, sides):
    got = capability_sample_size(required=required, assumed=assumed, power=power, sides=sides)
    found = simulated_power(got.n, required, assumed, 0.95, sides)
    assert abs(found - got.power) < 4 * math.sqrt(power * (1 - power) / 200_000)
    assert got.power >= power
    less = simulated_power(got.n - 1, required, assumed, 0.95, sides)
    assert less < power + 4 * math.sqrt(power * (1 - power) / 200_000)


def test_more_is_needed_for_more():
    base = capability_sample_size(required=1.33, assumed=1.67).n
    assert capability_sample_size(required=1.33, assumed=1.5).n > base
    assert capability_sample_size(required=1.33, assumed=1.67, power=0.9).n > base
    assert capability_sample_size(required=1.33, assumed=1.67, confidence=0.99).n > base
    close = capability_sample_size(required=1.33, assumed=1.3301, sides="one")
    # large n: ((z_conf + z_power) sigma / gap)^2 with sigma^2 = 1/9 + C^2/2
    z = stats.norm.ppf(0.95) + stats.norm.ppf(0.8)
    assert close.n == pytest.approx((z / 1e-4) ** 2 * (1 / 9 + 1.33**2 / 2), rel=2e-3)


def test_the_critical_index_is_where_the_bound_meets_what_is_required():
    got = capability_sample_size(required=1.33, assumed=1.67)
    bound = got.critical - stats.norm.ppf(0.95) * math.sqrt(1 / (9 * got.n) + got.critical**2 / (2 * (got.n - 1)))
    assert bound == pytest.approx(1.33, rel=1e-12)
    assert "80" in got.summary() or str(got.n) in got.summary()
    assert len(got.to_frame()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"assumed": 1.2}, "assumed"),
        ({"required": 0.0}, "required"),
        ({"power": 1.0}, "power"),
        ({"confidence": 95}, "0.95"),
        ({"sides": "two"}, "sides"),
        ({"assumed": 1.33 + 1e-9}, "no sample"),
    ],
)
def test_bad_input_is_told(options, message):
    with pytest.raises(DataError, match=message):
        capability_sample_size(**{"required": 1.33, "assumed": 1.67, **options})
