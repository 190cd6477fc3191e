"""Guard bands against the definition, scipy's root finder on mpmath-checked integrals, and ISO 14253-1."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from qstats.capability.measured import guard_band, misclassification
from qstats.errors import DataError

SPEC = (9.8, 10.2)
PROCESS = {"mean": 10.03, "sigma_process": 0.08}


def consumer(guard, sigma):
    """The integral of the definition by scipy's quad."""

    def part(x):
        p = stats.norm.cdf((10.2 - guard - x) / sigma) - stats.norm.cdf((9.8 + guard - x) / sigma)
        return stats.norm.pdf(x, 10.03, 0.08) * p

    return sum(integrate.quad(part, *ends, epsabs=1e-14, limit=200)[0] for ends in ((9.4, 9.8), (10.2, 10.7)))


def test_iso_14253():
    """ISO 14253-1: 1.645 standard uncertainties inside; a part on the limit then passes with chance 5 %."""
    a = guard_band(spec=SPEC, sigma_gauge=0.02, limit_risk=0.05)
    assert a.guard == pytest.approx(0.02 * stats.norm.ppf(0.95), rel=1e-12)
    assert (a.accept_lower, a.accept_upper) == pytest.approx((9.8 + a.guard, 10.2 - a.guard))
    assert a.limit_risk == pytest.approx(0.05, rel=1e-6)
    assert a.consumer is None and "4" in a.summary()
    b = guard_band(spec=SPEC, sigma_gauge=0.02, z=2)
    assert b.limit_risk == pytest.approx(stats.norm.sf(2), rel=1e-9)


def test_known_bias_moves_the_limits():
    a = guard_band(spec=SPEC, sigma_gauge=0.02, z=2, bias=0.01, **PROCESS)
    b = guard_band(spec=SPEC, sigma_gauge=0.02, z=2, **PROCESS)
    assert a.accept_lower == pytest.approx(b.accept_lower + 0.01)
    assert a.consumer == b.consumer


def test_global_consumer_risk_by_scipy():
    a = guard_band(spec=SPEC, sigma_gauge=0.03, consumer_risk=0.001, **PROCESS)
    root = optimize.brentq(lambda g: consumer(g, 0.03) - 0.001, 0, 0.15, xtol=1e-12)
    assert a.guard == pytest.approx(root, rel=1e-7)
    assert a.consumer == pytest.approx(0.001, rel=1e-9)
    m = misclassification(spec=SPEC, sigma_gauge=0.03, guard=a.guard, **PROCESS)
    assert (a.producer, a.bad_if_accepted) == pytest.approx((m.producer, m.bad_if_accepted))
    assert a.producer > a.producer_without and a.consumer < a.consumer_without


@settings(max_examples=30, deadline=None)
@given(st.floats(0.005, 0.06), st.floats(0.0001, 0.01), st.sampled_from(["global", "conditional"]))
def test_wish_is_met(sigma, wanted, risk):
    try:
        a = guard_band(spec=SPEC, sigma_gauge=sigma, consumer_risk=wanted, risk=risk, **PROCESS)
    except DataError as e:
        assert "cannot be had" in str(e) and risk == "conditional"
        return
    got = a.consumer if risk == "global" else a.bad_if_accepted
    assert got <= wanted * (1 + 1e-6)
    if a.guard > 0:
        assert got == pytest.approx(wanted, rel=1e-6)
        looser = misclassification(spec=SPEC, sigma_gauge=sigma, guard=0.99 * a.guard, **PROCESS)
        assert (looser.consumer if risk == "global" else looser.bad_if_accepted) > wanted
    else:
        assert a.notes[0].code == "no-guard-needed"
    json.loads(a.to_json())


def test_producer_risk():
    free = misclassification(spec=SPEC, sigma_gauge=0.03, **PROCESS).producer
    with pytest.raises(DataError, match="wider=True"):
        guard_band(spec=SPEC, sigma_gauge=0.03, producer_risk=0.5 * free, **PROCESS)
    a = guard_band(spec=SPEC, sigma_gauge=0.03, producer_risk=0.5 * free, wider=True, **PROCESS)
    assert a.guard < 0 and a.producer == pytest.approx(0.5 * free, rel=1e-9)
    b = guard_band(spec=SPEC, sigma_gauge=0.03, producer_risk=2 * free, **PROCESS)
    assert b.guard > 0 and b.producer == pytest.approx(2 * free, rel=1e-9)


def test_one_limit():
    a = guard_band(spec=(None, 10.2), sigma_gauge=0.03, consumer_risk=0.0005, **PROCESS)
    assert a.accept_lower is None
    assert a.consumer == pytest.approx(0.0005, rel=1e-9)
    assert a.to_frame().shape[0] == 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "exactly one"),
        ({"z": 1, "limit_risk": 0.1}, "exactly one"),
        ({"consumer_risk": 0.01}, "depends on the process"),
        ({"z": 1, "mean": 10}, "without the other"),
        ({"z": -1}, "wider=True"),
        ({"limit_risk": 0.7}, "wider=True"),
        ({"z": 10}, "leaves nothing"),
        ({"z": 1, "risk": "conditional"}, "goes with"),
        ({"limit_risk": 1.5}, "limit_risk"),
        ({"consumer_risk": 0, **PROCESS}, "consumer_risk"),
        ({"producer_risk": 0.99999, **PROCESS}, "never reached"),
        ({"z": 1, "risk": "x"}, "risk"),
        ({"z": math.nan}, "z"),
    ],
)
def test_refused(options, match):
    with pytest.raises(DataError, match=match):
        guard_band(spec=SPEC, sigma_gauge=0.03, **options)


def test_impossible_wish():
    with pytest.raises(DataError, match="cannot be had"):
        guard_band(
            spec=(9.99, 10.01), sigma_gauge=1.0, mean=10, sigma_process=1.0, consumer_risk=1e-9, risk="conditional"
        )
    for bad in (0, -1, np.nan, "a"):
        with pytest.raises(DataError, match="sigma_gauge"):
            guard_band(spec=SPEC, sigma_gauge=bad, z=1)
