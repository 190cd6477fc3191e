"""DPMO, sigma level and their translations."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.stats as ss
from hypothesis import given
from hypothesis import strategies as st

from qstats import DataError, defect_equivalents, dpmo, dpmo_from_sigma, sigma_level

# R 4.2.2, qnorm: cases sigma-dpmo-2, -3, -4, -6, -7 (dpmo, Z of the long term)
QNORM = [
    (233.0, 3.499575280504998),
    (6210.0, 2.4999809070915524),
    (66807.0, 1.5000015539903409),
    (690000.0, -0.49585034734745304),
    (0.001, 5.9978070150076865),
]


@pytest.mark.parametrize(("defects", "z"), QNORM)
def test_sigma_level_is_the_normal_quantile(defects: float, z: float) -> None:
    assert sigma_level(defects, shift=0.0) == pytest.approx(z, rel=1e-12)
    assert sigma_level(defects) == pytest.approx(z + 1.5, rel=1e-12)
    assert dpmo_from_sigma(z + 1.5) == pytest.approx(defects, rel=1e-10)


def test_the_table_of_the_standard() -> None:
    # ISO 13053-1:2011, annex A, as every six sigma table prints it
    printed = {2: 308_538, 3: 66_807, 4: 6_210, 5: 233, 6: 3.4}
    for level, value in printed.items():
        assert dpmo_from_sigma(level) == pytest.approx(value, abs=0.5 if value > 10 else 0.05)


def test_limits_of_dpmo_are_those_of_the_counts() -> None:
    got = dpmo(12, 500, 8)
    low, high = ss.chi2.ppf(0.025, 24) / 2, ss.chi2.ppf(0.975, 26) / 2  # Garwood by chi-square
    assert (got.interval.low, got.interval.high) == pytest.approx((low / 4e-3, high / 4e-3), rel=1e-9)
    assert got.estimate == 3000.0
    assert got.n == 4000.0
    binomial = dpmo(12, 500, 8, model="binomial")
    exact = ss.binomtest(12, 4000).proportion_ci(0.95)
    assert (binomial.interval.low, binomial.interval.high) == pytest.approx((exact.low * 1e6, exact.high * 1e6))


def test_no_defect_gives_a_finite_lower_limit_of_the_level() -> None:
    level = sigma_level(dpmo(0, 100))
    assert level.estimate == math.inf
    assert level.interval.high == math.inf
    upper = ss.chi2.ppf(0.975, 2) / 2 / 100
    assert level.interval.low == pytest.approx(1.5 + ss.norm.isf(upper), rel=1e-10)
    assert "Z + 1.5" in level.method


def test_many_at_once_are_the_single_ones() -> None:
    many = dpmo([0, 3, 40], [10, 20, 1000], [5, 6, 2])
    levels = sigma_level(many, shift=1.0)
    for i, (x, n, o) in enumerate([(0, 10, 5), (3, 20, 6), (40, 1000, 2)]):
        one = dpmo(x, n, o)
        assert many.interval.at(i) == one.interval
        assert levels.interval.at(i) == sigma_level(one, shift=1.0).interval
    assert sigma_level([0.0, 3.4, 1e6]).tolist()[::2] == [math.inf, -math.inf]


@pytest.mark.parametrize("z", [-4.0, -0.3, 0.0, 2.0, 4.5, 8.0, 30.0])
def test_equivalents_keep_their_digits_in_the_tail(z: float) -> None:
    with mpmath.workdps(40):
        bad = mpmath.ncdf(-z)
        dpu = float(-mpmath.log(1 - bad))
    r = defect_equivalents(z=z)
    assert r.ppm == pytest.approx(float(bad) * 1e6, rel=1e-12)
    assert r.dpu == pytest.approx(dpu, rel=1e-12)
    assert (r.ppk, r.sigma_level) == (pytest.approx(z / 3), pytest.approx(z + 1.5))


@given(st.floats(1e-3, 999_999.0), st.sampled_from(["ppm", "fraction", "dpu", "z", "sigma_level", "ppk"]))
def test_equivalents_come_back(ppm: float, name: str) -> None:
    first = defect_equivalents(ppm=ppm)
    again = defect_equivalents(**{name: getattr(first, name)})
    assert again.ppm == pytest.approx(ppm, rel=1e-6)
    assert again.to_dict()["schema"] == "qstats.defect_equivalents/1"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: dpmo(3, 0), "units: got 0"),
        (lambda: dpmo(-1, 3), "defects: got -1"),
        (lambda: dpmo(10, 3, model="binomial"), "10 on 3 opportunities"),
        (lambda: dpmo(1, 3, 0.5, model="binomial"), "whole number"),
        (lambda: dpmo(1, 3, model="normal"), "model"),
        (lambda: sigma_level("a"), "dpmo"),
        (lambda: sigma_level(2e6), "1,000,000"),
        (lambda: sigma_level(float("nan")), "missing"),
        (lambda: defect_equivalents(), "exactly one"),
        (lambda: defect_equivalents(ppm=1, z=2), "exactly one"),
        (lambda: defect_equivalents(fraction=1.0), "below 1"),
    ],
)
def test_bad_input_is_told(call: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        call()  # type: ignore[operator]


def test_an_estimate_of_something_else_is_refused() -> None:
    from qstats import estimate_proportion

    with pytest.raises(DataError, match="from dpmo"):
        sigma_level(estimate_proportion(3, 10))


@pytest.mark.parametrize("true", [20.0, 200.0, 5000.0])
def test_exact_limits_cover_at_least_what_they_say(true: float) -> None:
    opportunities = 2000
    mean = true * opportunities / 1e6
    x = np.arange(0, int(mean + 12 * math.sqrt(mean) + 30))
    got = dpmo(x, opportunities)
    inside = (got.interval.low <= true) & (true <= got.interval.high)  # type: ignore[union-attr]
    assert ss.poisson.pmf(x, mean)[inside].sum() >= 0.95
