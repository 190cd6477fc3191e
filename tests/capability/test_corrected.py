"""Gauge noise out of capability: against sums written out, Graybill and Wang's formula, and the chi-square."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import Spec, process_capability
from qstats.capability.measured import corrected_capability
from qstats.errors import DataError
from qstats.msa.gauge import gauge_rr

PLAIN = {"spec": (-4, 4), "mean": 0.2, "sigma_observed": 1.25, "n": 100}


def test_relation_by_hand():
    s = corrected_capability(**PLAIN, sigma_gauge=0.75)
    part = s.families["overall"]
    assert part.sigma_product.estimate == pytest.approx(1.0)
    assert part.cp.estimate == pytest.approx(4 / 3) and part.cp_observed == pytest.approx(8 / 7.5)
    assert part.cpk.estimate == pytest.approx(3.8 / 3) and part.cpk_observed == pytest.approx(3.8 / 3.75)
    assert part.percent_gauge.estimate == pytest.approx(60)
    assert s.observed_with(60) == pytest.approx((part.cp_observed, part.cpk_observed))
    assert s.observed_with(0) == pytest.approx((part.cp.estimate, part.cpk.estimate))
    assert s.relation_percent[3] == 30 and s.relation_cp[3] == pytest.approx(4 / 3 * math.sqrt(1 - 0.09))


def test_no_gauge_noise_is_the_chi_square():
    """Nothing to take out: sigma and Cp have their chi-square limits (scipy)."""
    part = corrected_capability(**PLAIN, sigma_gauge=0).families["overall"]
    low, high = 1.25 * np.sqrt(99 / stats.chi2.ppf([0.975, 0.025], 99))
    assert (part.sigma_product.interval.low, part.sigma_product.interval.high) == pytest.approx((low, high), rel=1e-9)
    assert part.cp.interval.low == pytest.approx(8 / 6 / high, rel=1e-9)
    assert part.percent_gauge.estimate == part.percent_gauge.interval.high == 0


def test_known_gauge_moves_the_chi_square():
    part = corrected_capability(**PLAIN, sigma_gauge=0.5).families["overall"]
    low, high = 1.25**2 * 99 / stats.chi2.ppf([0.975, 0.025], 99) - 0.25
    assert part.sigma_product.interval.low == pytest.approx(math.sqrt(low), rel=1e-9)
    assert part.sigma_product.interval.high == pytest.approx(math.sqrt(high), rel=1e-9)
    share = 100 * 0.5 / (1.25 * np.sqrt(99 / stats.chi2.ppf([0.025, 0.975], 99)))
    assert (part.percent_gauge.interval.low, part.percent_gauge.interval.high) == pytest.approx(tuple(share), rel=1e-6)


def test_two_chi_squares_by_ting():
    """Ting et al. (1990): limits of a difference of two variances, written out with scipy's chi2 and F."""
    v1, v2, n1, n2, a = 1.25**2, 0.5**2, 99, 30, 0.025
    g1, h2 = 1 - n1 / stats.chi2.ppf(1 - a, n1), n2 / stats.chi2.ppf(a, n2) - 1
    f = stats.f.ppf(1 - a, n1, n2)
    g12 = ((f - 1) ** 2 - g1**2 * f**2 - h2**2) / f
    low = v1 - v2 - math.sqrt(g1**2 * v1**2 + h2**2 * v2**2 + g12 * v1 * v2)
    h1, g2 = n1 / stats.chi2.ppf(a, n1) - 1, 1 - n2 / stats.chi2.ppf(1 - a, n2)
    f = stats.f.ppf(a, n1, n2)
    h12 = ((1 - f) ** 2 - h1**2 * f**2 - g2**2) / f
    high = v1 - v2 + math.sqrt(h1**2 * v1**2 + g2**2 * v2**2 + h12 * v1 * v2)
    part = corrected_capability(**PLAIN, sigma_gauge=0.5, df_gauge=30).families["overall"]
    assert part.sigma_product.interval.low == pytest.approx(math.sqrt(low), rel=1e-9)
    assert part.sigma_product.interval.high == pytest.approx(math.sqrt(high), rel=1e-9)
    ratio = 100 * np.sqrt(v2 / v1 / stats.f.ppf([0.975, 0.025], n2, n1))
    found = part.percent_gauge.interval
    assert (found.low, found.high) == pytest.approx(tuple(ratio), rel=1e-6)  # of two mean squares MLS is the F interval


def test_cpk_limits_by_mover():
    """Donner and Zou (2012), closed form of the ratio of the distance to 3 sigma, both positive."""
    part = corrected_capability(**PLAIN, sigma_gauge=0.5, df_gauge=30).families["overall"]
    d, reach = 3.8, stats.t.ppf(0.975, 99) * 1.25 / 10
    s, l2, u2 = (
        3 * v for v in (part.sigma_product.estimate, part.sigma_product.interval.low, part.sigma_product.interval.high)
    )
    l1, u1 = d - reach, d + reach
    low = (d * s - math.sqrt((d * s) ** 2 - l1 * u2 * (2 * d - l1) * (2 * s - u2))) / (u2 * (2 * s - u2))
    high = (d * s + math.sqrt((d * s) ** 2 - u1 * l2 * (2 * d - u1) * (2 * s - l2))) / (l2 * (2 * s - l2))
    assert (part.cpk.interval.low, part.cpk.interval.high) == pytest.approx((low, high), rel=1e-9)


def test_gauge_larger_than_process():
    s = corrected_capability(**PLAIN, sigma_gauge=1.3, df_gauge=20)
    part = s.families["overall"]
    assert part.raw_variance < 0 and part.sigma_product.estimate == 0
    assert part.cp.estimate == math.inf and 0 < part.cp.interval.low < math.inf
    assert part.cpk.estimate == math.inf and part.percent_gauge.estimate == 100
    assert s.notes[0].code == "gauge-hides-process" and s.notes[0].severity == "serious"
    assert "NaN" not in s.to_json() and "nan" not in s.summary()
    more = corrected_capability(**PLAIN, sigma_gauge=3, df_gauge=20)
    assert more.notes[0].code == "studies-contradict" and more.families["overall"].sigma_product.interval.high == 0
    out = corrected_capability(**(PLAIN | {"mean": 5}), sigma_gauge=1.3, df_gauge=20).families["overall"]
    assert out.cpk.estimate == -math.inf and out.cpk.interval.high <= 0
    big = corrected_capability(**PLAIN, sigma_gauge=0.75)
    assert {n.code for n in big.notes} == {"large-correction"}


def test_from_studies():
    rng = np.random.default_rng(1)
    cube = rng.normal(size=(10, 1, 1)) + 0.1 * rng.normal(size=(1, 3, 1)) + 0.3 * rng.normal(size=(10, 3, 3))
    gauge = gauge_rr(cube)
    study = process_capability(rng.normal(size=(40, 5)) * 1.05, spec=Spec(-3, None))
    s = corrected_capability(study, gauge)
    for name, sigma in (("within", study.sigma_within), ("overall", study.sigma_overall)):
        part = s.families[name]
        assert part.sigma_product.estimate == pytest.approx(math.sqrt(sigma.estimate**2 - gauge.variance["gauge_rr"]))
        assert part.cp is None and part.cpk.estimate > part.cpk_observed
        assert part.cpk.estimate in part.cpk.interval
    assert s.families["within"].cpk_observed == pytest.approx(study.within.cpk.estimate)
    assert s.families["overall"].cpk_observed == pytest.approx(study.overall.ppk.estimate)
    assert [e.cpk.name for e in s.families.values()] == ["Cpk", "Ppk"]
    alone = corrected_capability(study, gauge, component="repeatability")
    assert alone.families["within"].cpk.estimate < s.families["within"].cpk.estimate
    assert s.relation_cp is None and s.to_frame().shape[0] == 4
    assert "of the parts" in s.summary()


@settings(max_examples=40, deadline=None)
@given(st.floats(-6, 6), st.floats(0.2, 2), st.integers(4, 200), st.floats(0, 2.5), st.sampled_from([None, 3, 12, 60]))
def test_properties(mean, sigma, n, gauge, df):
    given_ = {"spec": (-4, 4), "sigma_observed": sigma, "n": n, "sigma_gauge": gauge, "df_gauge": df}
    part = corrected_capability(mean=mean, **given_).families["overall"]
    wide = corrected_capability(mean=mean, confidence=0.99, **given_).families["overall"]
    for name in ("sigma_product", "cp", "cpk", "percent_gauge"):
        e, w = getattr(part, name), getattr(wide, name)
        assert e.estimate in e.interval and not math.isnan(e.interval.low)
        assert w.interval.low <= e.interval.low + 1e-9 and e.interval.high <= w.interval.high + 1e-9
    turned = corrected_capability(mean=-mean, **given_).families["overall"]
    assert turned.cpk.interval.low == pytest.approx(part.cpk.interval.low, rel=1e-9, abs=1e-9)
    assert part.cpk.estimate <= part.cp.estimate
    json.loads(corrected_capability(mean=mean, **given_).to_json())


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n": None, "sigma_gauge": 1}, "n: nothing"),
        ({}, "sigma_gauge: nothing"),
        ({"sigma_gauge": -1}, "sigma_gauge"),
        ({"sigma_gauge": 1, "df_gauge": 0}, "df_gauge"),
        ({"sigma_gauge": 1, "n": 2.5}, "whole number"),
        ({"sigma_gauge": 1, "n": 1}, "n:"),
        ({"sigma_gauge": 1, "component": "x"}, "component"),
        ({"gauge": 5}, "gauge: got int"),
        ({"capability": 5, "sigma_gauge": 1}, "capability: got int"),
    ],
)
def test_refused(options, match):
    with pytest.raises(DataError, match=match):
        corrected_capability(**(PLAIN | options))


def test_refused_mixtures():
    rng = np.random.default_rng(1)
    study = process_capability(rng.normal(size=50), spec=(-4, 4))
    with pytest.raises(DataError, match="together with capability"):
        corrected_capability(study, sigma_gauge=0.1, mean=3)
    gauge = gauge_rr(rng.normal(size=(5, 1, 1)) + 0.1 * rng.normal(size=(5, 2, 2)))
    with pytest.raises(DataError, match="together with gauge"):
        corrected_capability(study, gauge, sigma_gauge=0.1)
    with pytest.raises(DataError, match="percent"):
        corrected_capability(study, gauge).observed_with(100)
