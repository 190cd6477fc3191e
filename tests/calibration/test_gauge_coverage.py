"""Coverage of the intervals of gauge R&R: per cent of study, contribution, and the sd of the gauge."""

import math
import os

import numpy as np
import pytest
from scipy.stats import norm

from qstats.msa.gauge import gauge_rr
from qstats.msa.gauge.components import ByProfile
from qstats.msa.gauge.reml import prepare

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
STUDIES = 4000 if FULL else 200
PROFILES = 2000 if FULL else 50

# sd of part, operator, interaction, repeats: a good gauge, one ruled by operators, one that only repeats, a poor one
GAUGES = [(1.0, 0.22, 0.14, 0.32), (1.0, 0.55, 0.32, 0.32), (1.0, 0.0, 0.0, 0.32), (0.45, 0.45, 0.0, 1.0)]


def simulated(rng, shape, sd):
    p, o, _ = shape
    x = sd[0] * rng.normal(size=(p, 1, 1)) + sd[1] * rng.normal(size=(1, o, 1))
    return x + sd[2] * rng.normal(size=(p, o, 1)) + sd[3] * rng.normal(size=shape)


def at_least(hits, n, least):
    """The share is not below `least`, within Monte Carlo error."""
    assert hits / n >= least - norm.isf(1e-4) * math.sqrt(least * (1 - least) / n), hits / n


@pytest.mark.parametrize("shape", [(10, 3, 2), (10, 3, 3)])
@pytest.mark.parametrize("sd", GAUGES)
@pytest.mark.parametrize("options", [{}, {"pool": "never"}, {"interval": "bootstrap"}])
def test_mean_square_intervals(shape, sd, options):
    rng = np.random.default_rng(20261122)
    n = STUDIES if "interval" not in options else STUDIES // 2
    gauge = sd[1] ** 2 + sd[2] ** 2 + sd[3] ** 2
    share = gauge / (gauge + sd[0] ** 2)
    hits = np.zeros(4)
    for _ in range(n):
        extra = {"rng": rng} if "interval" in options else {}
        s = gauge_rr(simulated(rng, shape, sd), **options, **extra)
        c = s.components["gauge_rr"]
        ndc = math.sqrt(2 * sd[0] ** 2 / gauge)
        hits += [
            100 * share in c.percent_contribution.interval,
            100 * math.sqrt(share) in c.percent_study.interval,
            math.sqrt(gauge) in c.sd.interval,
            ndc in s.ndc_interval,
        ]
    assert hits[0] == hits[1] == hits[3]  # one interval on three scales
    for h in hits:
        at_least(h, n, 0.94)


@pytest.mark.parametrize("sd", GAUGES[:2])
def test_average_and_range_intervals(sd):
    rng = np.random.default_rng(7)
    gauge = sd[1] ** 2 + sd[3] ** 2
    share = gauge / (gauge + sd[0] ** 2)
    hits = np.zeros(2)
    for _ in range(STUDIES):
        c = gauge_rr(simulated(rng, (10, 3, 3), (*sd[:2], 0.0, sd[3])), method="average_range").components["gauge_rr"]
        hits += [100 * share in c.percent_contribution.interval, math.sqrt(gauge) in c.sd.interval]
    for h in hits:
        at_least(h, STUDIES, 0.93)


@pytest.mark.parametrize("sd", GAUGES[:3])
def test_profile_intervals_of_incomplete_studies(sd):
    """The likelihood ratio is only asymptotically right: with three operators 90 % is all that is asked of it."""
    rng = np.random.default_rng(11)
    part, operator, _ = (a.ravel() for a in np.indices((10, 3, 2)))
    keep = rng.permutation(part.size)[:52]
    part, operator = part[keep], operator[keep]
    factors = [part, operator, np.unique(part * 3 + operator, return_inverse=True)[1]]
    gauge = sd[1] ** 2 + sd[2] ** 2 + sd[3] ** 2
    leaves = ("repeatability", "part", "operator", "interaction")
    measure = ("repeatability", "operator", "interaction")
    hits = np.zeros(2)
    for _ in range(PROFILES):
        y = simulated(rng, (10, 3, 2), sd).ravel()[keep]
        reml = prepare(y - y.mean(), factors)
        engine = ByProfile(reml, reml.fit(), leaves, 0.025)
        (low,), (high,) = engine.sums([measure])
        (less,), (more,) = engine.shares([(measure, leaves)])
        hits += [low <= gauge <= high, less <= gauge / (gauge + sd[0] ** 2) <= more]
    for h in hits:
        at_least(h, PROFILES, 0.90)
