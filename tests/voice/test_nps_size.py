"""Sample sizes: published numbers, the formula, and the interval the sample then has."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError
from qstats.voice.nps.one import nps_from_counts
from qstats.voice.nps.power import nps_power
from qstats.voice.nps.size import nps_sample_size


def test_published():
    # MeasuringU, https://measuringu.com/nps-sig-test-sample-size/ with variance 0.67: +/-10 points, +/-5 points, and
    # 10 points between two groups at 80 % power.
    assert nps_sample_size(precision=10).n.tolist() == [255]
    assert nps_sample_size(precision=5).n.tolist() == [1027]
    r = nps_sample_size(difference=10)
    assert (r.n.tolist(), r.total.tolist(), r.groups) == ([1049], [2098], 2)


@given(st.floats(1, 40), st.floats(0.05, 1.0), st.sampled_from([0.8, 0.95, 0.99]))
def test_precision_is_what_the_adjusted_wald_interval_has(d, v, confidence):
    n = nps_sample_size(precision=d, variance=v, confidence=confidence).n[0]
    z = stats.norm.ppf(0.5 + confidence / 2)
    if n > 1:
        assert z * math.sqrt(v / (n + 3)) <= d / 100 * (1 + 1e-9)
        assert z * math.sqrt(v / (n + 2)) >= d / 100 * (1 - 1e-9)


def test_the_interval_comes_out():
    n = int(nps_sample_size(precision=5, shares=(0.2, 0.3, 0.5)).n[0])
    r = nps_from_counts(round(0.2 * n), round(0.3 * n), round(0.5 * n), method="adjusted-wald")
    assert (r.interval.high - r.interval.low) / 2 == pytest.approx(5.0, abs=0.03)


def test_power_comes_out():
    # Simulated: two groups of that size, 8 points apart, compared by the z test of the same variance.
    shares, moved = (0.25, 0.35, 0.40), (0.21, 0.35, 0.44)
    n = int(nps_sample_size(difference=8, shares=shares, power=0.8).n[0])
    rng = np.random.default_rng(9)
    a, b = rng.multinomial(n, moved, 20_000), rng.multinomial(n, shares, 20_000)
    e, e0 = (a[:, 2] - a[:, 0]) / n, (b[:, 2] - b[:, 0]) / n
    v = sum((x[:, 2] + x[:, 0]) / n - m**2 for x, m in ((a, e), (b, e0)))
    assert np.mean((e - e0) / np.sqrt(v / n) > 1.959964) == pytest.approx(0.8, abs=0.012)


def test_more_groups_population_and_response():
    z = stats.norm.ppf(1 - 0.05 / 6 / 2) + stats.norm.ppf(0.8)  # six pairs of four groups
    r = nps_sample_size(difference=10, groups=4)
    assert r.n[0] == math.ceil(2 * 0.67 * z * z / 0.01 - 3)
    assert "6 pairs" in r.method
    n0 = stats.norm.ppf(0.975) ** 2 * 0.67 / 0.01 - 3
    r = nps_sample_size(precision=10, population=400, response_rate=0.4)
    assert r.n[0] == math.ceil(n0 / (1 + (n0 - 1) / 400))  # Cochran (1977), section 4.4
    assert r.invitations[0] == math.ceil(r.n[0] / 0.4)
    r = nps_sample_size(precision=[10, 3], population=300, response_rate=0.3)
    assert r.notes[0].code == "population-too-small"
    assert len(r.to_frame()) == 2
    assert "+/-10 points" in str(r)
    assert (r.n <= 300).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give one of them"),
        ({"precision": 5, "difference": 5}, "give one of them"),
        ({"precision": 0}, "above 0"),
        ({"precision": [5, -1]}, "-1.0 at position 1"),
        ({"difference": 200}, "below 200"),
        ({"precision": "5"}, "text"),
        ({"precision": 5, "variance": 1.2}, "at most 1"),
        ({"precision": 5, "variance": 0.5, "shares": (0, 1, 0)}, "give one of them"),
        ({"precision": 5, "shares": (0.2, 0.3, 0.6)}, "together 1"),
        ({"precision": 5, "shares": (0, 0, 1)}, "no variance"),
        ({"difference": 5, "groups": 1}, "groups"),
        ({"difference": 5, "groups": 2.5}, "whole"),
        ({"difference": 5, "power": 80}, "power"),
        ({"precision": 5, "response_rate": 40}, "response_rate"),
        ({"precision": 5, "population": 0}, "population"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(DataError, match=words):
        nps_sample_size(**options)


def _z(p: float) -> float:
    return float(stats.norm.ppf(p))


def test_margins_by_the_formula():
    # one-sided: 2 v (z + z)^2 / (d - null)^2 - 3, by hand
    r = nps_sample_size(difference=[0, 2], null=-5, alternative="greater")
    z = _z(0.95) + _z(0.8)
    assert r.n.tolist() == [math.ceil(2 * 0.67 * z * z / (gap / 100) ** 2 - 3) for gap in (5, 7)]
    assert (r.null, r.alternative) == (-5.0, "greater")
    assert "against -5 points" in str(r)
    # lower is what is to be shown: the mirror image
    assert nps_sample_size(difference=[0, -2], null=5, alternative="less").n.tolist() == r.n.tolist()
    # equivalence at no difference: both tests miss half of what may be missed, Julious (2004), section 5
    r = nps_sample_size(difference=0, null=(-5, 5), power=0.9)
    z = _z(0.95) + _z(0.95)
    assert r.n[0] == math.ceil(2 * 0.67 * z * z / 0.05**2 - 3)
    # two-sided against a margin counts the side toward the difference, at half the error
    r = nps_sample_size(difference=-12, null=-4)
    z = _z(0.975) + _z(0.8)
    assert r.n[0] == math.ceil(2 * 0.67 * z * z / 0.08**2 - 3)


@given(st.floats(-4.5, 4.5), st.floats(0.3, 0.97), st.sampled_from([0.8, 0.95]), st.floats(0.1, 1.0))
def test_equivalence_size_is_the_smallest(d, power, confidence, v):
    n = nps_sample_size(difference=d, null=(-5, 5), power=power, confidence=confidence, variance=v).n[0] if (
        power > 1 - confidence
    ) else 0  # fmt: skip

    def has(n):
        se = math.sqrt(2 * v / (n + 3))
        z = _z(confidence)
        return stats.norm.sf(z - (0.05 - d / 100) / se) + stats.norm.sf(z - (0.05 + d / 100) / se) - 1

    assert has(n) >= power - 1e-9
    if n > 1:
        assert has(n - 1) < power + 1e-9


def test_size_and_power_meet():
    shares, mirrored = (0.31, 0.35, 0.34), (0.34, 0.35, 0.31)  # six points apart, of one variance
    n = nps_sample_size(difference=6, shares=shares).n[0] + 3  # the three are added by the adjusted interval
    assert nps_power(n, n, shares=shares, shares0=mirrored).power == pytest.approx(0.8, abs=0.001)


def test_power_by_the_definition():
    shares, shares0, n, n0 = (0.2, 0.3, 0.5), (0.25, 0.35, 0.40), 300, 500
    v, v0 = (d + p - (p - d) ** 2 for d, _, p in (shares, shares0))
    se = math.sqrt(v / n + v0 / n0)
    r = nps_power(n, n0, shares=shares, shares0=shares0)
    assert r.power == pytest.approx(stats.norm.sf(_z(0.975) - 0.15 / se) + stats.norm.cdf(-_z(0.975) - 0.15 / se))
    assert (r.assumed["nps"], r.assumed["nps0"], r.effect) == (pytest.approx(30), pytest.approx(15), "nps_difference")
    assert not r.notes
    n, n0 = 2000, 3000
    r = nps_power(n, n0, shares=shares, nps0=30, null=(-9, 9))
    se = math.sqrt(v / n + (1 - 0.3**2) / n0)  # no passives: the largest variance at that NPS
    assert r.power == pytest.approx(2 * stats.norm.sf(_z(0.95) - 0.09 / se) - 1)
    assert [note.code for note in r.notes] == ["variance-largest"]
    # a monthly move of five points with 200 answers each is hardly ever seen
    assert nps_power(200, 200, nps=45, nps0=40).power < 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"precision": 5, "null": -5}, "belongs to a difference"),
        ({"precision": 5, "alternative": "less"}, "belongs to a difference"),
        ({"difference": -6, "null": -5, "alternative": "greater"}, "no size shows"),
        ({"difference": [0, 5], "null": (-5, 5)}, "no size shows"),
        ({"difference": 0, "null": (5, -5)}, "lower margin"),
        ({"difference": 0, "null": 300, "alternative": "less"}, "null"),
        ({"difference": 0}, "above 0"),
        ({"difference": 0, "null": (-5, 5), "alternative": "less"}, "no side"),
        ({"precision": [5, math.nan]}, "clean the data$"),
    ],
)
def test_bad_margins(options, words):
    with pytest.raises(DataError, match=words):
        nps_sample_size(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nps": 40}, "nps0, shares0: give one"),
        ({"nps": 40, "shares": (0.2, 0.2, 0.6), "nps0": 30}, "nps, shares: give one"),
        ({"nps": 100, "nps0": 30}, "nps"),
        ({"shares": (0, 0, 1), "nps0": 30}, "no variance"),
        ({"shares": (0.2, 0.2, 0.5), "nps0": 30}, "together 1"),
        ({"nps": 40, "nps0": 30, "null": 200}, "null"),
    ],
)
def test_bad_power_input(options, words):
    with pytest.raises(DataError, match=words):
        nps_power(100, 100, **options)
