"""Coverage, at small n, of Cgk, bias, linearity, corrected sigma and Cpk, and misclassification."""

import math
import os

import numpy as np
import pytest
from scipy.stats import norm

from qstats import process_capability
from qstats.capability.measured import corrected_capability, misclassification
from qstats.msa.bias import gauge_bias, gauge_linearity, gauge_type1
from qstats.msa.gauge import gauge_rr

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
STUDIES = 10000 if FULL else 400


def at_least(hits, n, least):
    """The share is not below `least`, within Monte Carlo error."""
    assert hits / n >= least - norm.isf(1e-4) * math.sqrt(least * (1 - least) / n), hits / n


def about(hits, n, nominal):
    """The share is `nominal`, within Monte Carlo error."""
    assert abs(hits / n - nominal) <= norm.isf(5e-5) * math.sqrt(nominal * (1 - nominal) / n), hits / n


@pytest.mark.parametrize("n", [5, 25])
@pytest.mark.parametrize("off", [0.0, 0.3, 1.0, -3.0])
def test_cg_and_cgk(n, off):
    """Cg is exact; Cgk holds at least as often as it says, and is not shyer than half the error off the middle."""
    rng = np.random.default_rng(20261122)
    half, hits, below = 4.0, np.zeros(2), 0  # k / 200 of the tolerance is four sigmas
    truth = half / 3, (half - abs(off)) / 3
    for _ in range(STUDIES):
        s = gauge_type1(rng.normal(off, 1.0, n), reference=0, tolerance=40)
        hits += [truth[0] in s.cg.interval, truth[1] in s.cgk.interval]
        below += s.cgk.interval.low <= truth[1]
    about(hits[0], STUDIES, 0.95)
    at_least(hits[1], STUDIES, 0.95)
    at_least(below, STUDIES, 0.975)


@pytest.mark.parametrize("method", ["t", "range", "pooled"])
@pytest.mark.parametrize("n", [3, 10])
def test_bias(method, n):
    rng = np.random.default_rng(5)
    hits, wrong, average = 0, 0, 0
    ref = np.repeat([1.0, 2.0, 4.0], n)
    for _ in range(STUDIES):
        y = ref + 0.5 + rng.normal(size=ref.size)
        s = gauge_bias(y, reference=ref, method=method, allowed=0.5)
        hits += 0.5 in s.parts[0].bias.interval
        wrong += s.parts[1].state == "negligible"
        average += 0.5 in s.average.interval
    about(hits, STUDIES, 0.95)
    at_least(STUDIES - wrong, STUDIES, 0.95)
    at_least(average, STUDIES, 0.94)


@pytest.mark.parametrize("repeats", [1, 3])
def test_linearity(repeats):
    rng = np.random.default_rng(6)
    ref = np.repeat([2.0, 4.0, 6.0, 8.0, 10.0], repeats)
    hits, joint, wrong = np.zeros(3), 0, 0
    for _ in range(STUDIES):
        e = rng.normal(size=ref.size)
        s = gauge_linearity(ref + 0.4 - 0.1 * ref + e, reference=ref, allowed=0.6)
        hits += [-0.1 in s.slope.interval, 0.4 in s.intercept.interval, s.part_low[0] <= 0.2 <= s.part_high[0]]
        wrong += s.state == "negligible"  # at 10 the bias is just what is allowed
        joint += gauge_linearity(ref + e, reference=ref).joint_pvalue < 0.05
    for h in hits:
        about(h, STUDIES, 0.95)
    at_least(STUDIES - wrong, STUDIES, 0.95)
    about(joint, STUDIES, 0.05)


@pytest.mark.parametrize(("n", "df"), [(20, 10), (50, 40), (30, None)])
@pytest.mark.parametrize("gauge", [0.2, 0.75])
def test_corrected_numbers(n, df, gauge):
    """Sigma of the parts, share of the gauge, Cp and Cpk at small samples."""
    rng = np.random.default_rng(7)
    hits = np.zeros(4)
    for _ in range(STUDIES):
        y = rng.normal(0.5, math.hypot(1.0, gauge), n)
        g = gauge if df is None else gauge * math.sqrt(rng.chisquare(df) / df)
        s = corrected_capability(
            spec=(-4, 4), mean=float(y.mean()), sigma_observed=float(y.std(ddof=1)), n=n, sigma_gauge=g, df_gauge=df
        )
        part = s.families["overall"]
        hits += [
            1.0 in part.sigma_product.interval, 100 * gauge / math.hypot(1, gauge) in part.percent_gauge.interval,
            8 / 6 in part.cp.interval, 3.5 / 3 in part.cpk.interval,
        ]  # fmt: skip
    for h in hits:
        at_least(h, STUDIES, 0.94)


def test_studies_together():
    """A gauge study of 10 x 3 x 2 and 60 measured values: sigma of the parts, Cpk, and both risks."""
    rng = np.random.default_rng(8)
    repeat, operator = 0.3, 0.15
    gauge = math.hypot(repeat, operator)
    truth = misclassification(spec=(-3, 3), mean=0.4, sigma_process=1.0, sigma_gauge=gauge)
    studies, hits = STUDIES // 4, np.zeros(4)
    for _ in range(studies):
        cube = (
            rng.normal(size=(10, 1, 1)) + operator * rng.normal(size=(1, 3, 1)) + repeat * rng.normal(size=(10, 3, 2))
        )
        study = gauge_rr(cube)
        y = 0.4 + rng.normal(size=60) * math.hypot(1.0, gauge)
        capability = process_capability(y, spec=(-3, 3), rules="none")
        part = corrected_capability(capability, study).families["overall"]
        m = misclassification(capability=capability, gauge=study, rng=rng, resamples=300)
        hits += [
            1.0 in part.sigma_product.interval, 2.6 / 3 in part.cpk.interval,
            m.intervals["consumer"].low <= truth.consumer <= m.intervals["consumer"].high,
            m.intervals["producer"].low <= truth.producer <= m.intervals["producer"].high,
        ]  # fmt: skip
    for h in hits:
        at_least(h, studies, 0.92)
