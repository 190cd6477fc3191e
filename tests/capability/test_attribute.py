"""Capability of counted processes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats as ss
from hypothesis import given
from hypothesis import strategies as st

from qstats import DataError, attribute_capability, dpmo, p_chart, u_chart

# NIST/SEMATECH e-Handbook 6.3.3.2: 30 samples of 50 wafers
NIST_P = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
CALM = [2, 0, 1, 3, 0, 1, 0, 2, 1, 1] * 3


def test_defective_units_by_scipy() -> None:
    r = attribute_capability(CALM, size=200)
    exact = ss.binomtest(33, 6000).proportion_ci(0.95)
    assert (r.rate.interval.low, r.rate.interval.high) == pytest.approx((exact.low, exact.high))
    assert (r.ppm.interval.low, r.ppm.interval.high) == pytest.approx((exact.low * 1e6, exact.high * 1e6))
    assert r.z.estimate == pytest.approx(ss.norm.isf(33 / 6000))
    assert (r.z.interval.low, r.z.interval.high) == pytest.approx((ss.norm.isf(exact.high), ss.norm.isf(exact.low)))
    assert r.sigma_level.estimate == pytest.approx(r.z.estimate + 1.5)
    assert r.yield_.interval.low == pytest.approx(1 - exact.high)
    assert r.stable
    assert r.verdict == "no target"


def test_defects_per_unit_and_opportunities() -> None:
    r = attribute_capability(CALM, size=200, model="poisson", opportunities=10)
    plain = dpmo(33, 6000, 10)
    assert r.dpmo is not None
    assert (r.dpmo.estimate, r.dpmo.interval.low) == pytest.approx((plain.estimate, plain.interval.low))
    assert r.yield_.estimate == pytest.approx(math.exp(-33 / 6000))
    assert r.z.estimate == pytest.approx(ss.norm.isf(-math.expm1(-33 / 6000)))
    assert r.sigma_level.estimate == pytest.approx(1.5 + ss.norm.isf(33 / 60000))


def test_scatter_beyond_chance_widens_the_interval() -> None:
    counts = [5, 60, 1, 2, 44, 30, 2, 2, 60]
    n, x = 200.0, np.array(counts, dtype=float)
    p = x.sum() / (9 * n)
    phi = ((x - n * p) ** 2 / (n * p * (1 - p))).sum() / 8
    r = attribute_capability(counts, size=200)
    assert r.dispersion == pytest.approx(phi)
    t = ss.t.ppf(0.975, 8)
    for end in (r.rate.interval.low, r.rate.interval.high):  # roots of the score equation
        assert (x.sum() - 9 * n * end) ** 2 == pytest.approx(t * t * phi * 9 * n * end * (1 - end), rel=1e-9)
    u = attribute_capability(counts, size=200, model="poisson")
    phi = ((x - n * p) ** 2 / (n * p)).sum() / 8
    for end in (u.rate.interval.low, u.rate.interval.high):
        assert (x.sum() - 9 * n * end) ** 2 == pytest.approx(t * t * phi * 9 * n * end, rel=1e-9)
    assert {"overdispersed", "unstable", "few-samples"} <= {note.code for note in r.notes}
    assert not r.stable


@pytest.mark.parametrize(("model", "make"), [("binomial", p_chart), ("poisson", u_chart)])
def test_the_chart_is_the_chart(model: str, make: object) -> None:
    key = "size" if model == "binomial" else "exposure"
    alone = make(NIST_P, **{key: 50})  # type: ignore[operator]
    assert attribute_capability(NIST_P, size=50, model=model).chart.to_dict() == alone.to_dict()


def test_target_and_the_units_that_settle_it() -> None:
    assert attribute_capability(CALM, size=200, target=0.008).verdict == "met"
    missed = attribute_capability(CALM, size=200, target=0.003)
    assert missed.verdict == "missed"
    assert missed.bound is not None
    assert missed.bound.interval.low == pytest.approx(ss.beta.ppf(0.05, 33, 5968))
    open_ = attribute_capability(CALM, size=200, target=0.0065)
    assert open_.verdict == "undecided"
    n = open_.units_to_settle
    assert n is not None
    assert ss.beta.ppf(0.95, math.ceil(0.0055 * n) + 1, n - math.ceil(0.0055 * n)) < 0.0065
    fewer = math.floor(n / 1.05)
    assert ss.beta.ppf(0.95, math.ceil(0.0055 * fewer) + 1, fewer - math.ceil(0.0055 * fewer)) > 0.0065 * 0.99
    assert attribute_capability([5] * 30, size=100, target=0.05).units_to_settle == math.inf


def test_nothing_and_everything_defective() -> None:
    none = attribute_capability([0] * 30, size=200)
    assert none.rate.interval.high == pytest.approx(1 - 0.025 ** (1 / 6000))
    assert none.z.estimate == math.inf
    assert "no-defect" in {note.code for note in none.notes}
    all_ = attribute_capability([200] * 30, size=200)
    assert (all_.rate.interval.high, all_.yield_.estimate, all_.z.estimate) == (1.0, 0.0, -math.inf)
    assert none.to_dict()["z"]["estimate"] == "Infinity"


def test_a_table_in_any_order_with_gaps() -> None:
    frame = pd.DataFrame({"日期": ["2024-03-02", "2024-03-01", "2024-03-03"], "坏": [3, 1, None], "n": [50, 40, 60]})
    r = attribute_capability(frame, count="坏", size="n", order_by="日期", missing="drop")
    assert (r.count, r.size, r.n) == (4.0, 90.0, 2.0)
    assert r.chart.labels[0] == "2024-03-01"


@given(st.lists(st.integers(0, 20), min_size=2, max_size=40), st.sampled_from(["binomial", "poisson"]))
def test_intervals_hold_the_estimate_and_nest(counts: list[int], model: str) -> None:
    r = attribute_capability(counts, size=20, model=model, rules="none")
    wide = attribute_capability(counts, size=20, model=model, rules="none", confidence=0.99)
    assert r.rate.interval.low - 1e-12 <= r.rate.estimate <= r.rate.interval.high + 1e-12
    assert wide.rate.interval.low <= r.rate.interval.low + 1e-12
    assert r.rate.interval.high <= wide.rate.interval.high + 1e-12


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: attribute_capability([1, 2], size=[3, 0]), "size"),
        (lambda: attribute_capability([4, 2], size=3), "4"),
        (lambda: attribute_capability([1, 2.5], size=[3, 4]), "whole numbers"),
        (lambda: attribute_capability([1, 2], size=5, opportunities=3), "opportunities"),
        (lambda: attribute_capability([1, 2], size=5, target=1.5), "target"),
        (lambda: attribute_capability([1, 2], size=5, model="normal"), "model"),
        (lambda: attribute_capability([1, 2]), "size"),
    ],
)
def test_bad_input_is_told(call: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        call()  # type: ignore[operator]
