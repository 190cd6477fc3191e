"""Misclassification against mpmath, scipy's bivariate normal, and simulation by the definition."""

import json
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import Spec, process_capability
from qstats.capability.measured import misclassification
from qstats.errors import DataError
from qstats.msa.gauge import gauge_rr

INF = math.inf


def exact(a, b, c, d, t):
    """P(a < X < b, c < X + t e < d) by mpmath's adaptive quadrature in 30 digits."""
    mp.mp.dps = 30
    a, b, c, d, t = (mp.mpf(v) for v in (a, b, c, d, t))

    def measured(x):
        low, high = (c - x) / t, (d - x) / t
        if low + high > 0:
            low, high = -high, -low
        return (mp.erfc(-high / mp.sqrt(2)) - mp.erfc(-low / mp.sqrt(2))) / 2

    low, high = max(a, mp.mpf(-40)), min(b, mp.mpf(40))
    steps = [mp.mpf(k) for k in range(-40, 41)]
    turns = [e + t * mp.mpf(k) / 2 for e in {a, b, c, d} if abs(e) < 1e9 for k in range(-28, 29, 2)]
    points = sorted({low, high, *(p for p in (*steps, *turns) if low < p < high)})
    return mp.quad(lambda x: mp.npdf(x) * measured(x), points)


@pytest.mark.parametrize(
    ("lower", "upper", "guard", "t"),
    [(-3, 3, 0, 0.3), (-3, 3, 0.1, 0.1), (-3, 3, -0.5, 0.2), (-6, 6, 0, 0.05), (-2, 4, 0, 3.0), (-1, 1, 0, 1e-5),
     (-1e-3, 1e-3, 0, 1.0), (-12, 12, 0.5, 0.2), (3, 6, 0, 0.4), (-20, 20, 0.5, 0.2)],
)  # fmt: skip
def test_mpmath(lower, upper, guard, t):
    m = misclassification(spec=(lower, upper), mean=0, sigma_process=1, sigma_gauge=t, guard=guard)
    low, high = lower + guard, upper - guard
    consumer = exact(-INF, lower, low, high, t) + exact(upper, INF, low, high, t)
    producer = exact(lower, upper, -INF, low, t) + exact(lower, upper, high, INF, t)
    assert m.consumer == pytest.approx(float(consumer), rel=1e-11)
    assert m.producer == pytest.approx(float(producer), rel=1e-11)


def test_scipy_bivariate_normal():
    """Four rectangles of scipy's multivariate normal."""
    mu, sp, sg, b, low, high, g = 10.2, 0.8, 0.3, 0.1, 9.0, 12.0, 0.2
    m = misclassification(spec=(low, high), mean=mu, sigma_process=sp, sigma_gauge=sg, bias=b, guard=g)
    law = stats.multivariate_normal([mu, mu + b], [[sp**2, sp**2], [sp**2, sp**2 + sg**2]], seed=1)

    def box(x0, x1, y0, y1):
        return law.cdf([x1, y1], lower_limit=[x0, y0])

    big = 60.0
    good_accepted = box(low, high, low + g, high - g)
    accepted = box(-big, big, low + g, high - g)
    good = stats.norm.cdf(high, mu, sp) - stats.norm.cdf(low, mu, sp)
    assert m.consumer == pytest.approx(accepted - good_accepted, abs=1e-7)
    assert m.producer == pytest.approx(good - good_accepted, abs=1e-7)
    assert m.share_bad == pytest.approx(1 - good, rel=1e-12)
    assert m.share_rejected == pytest.approx(1 - accepted, rel=1e-6)
    assert m.bad_if_accepted == pytest.approx(m.consumer / accepted, rel=1e-6)
    assert m.good_if_rejected == pytest.approx(m.producer / (1 - accepted), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-3, 3),
    st.floats(0.2, 4),
    st.sampled_from([0.0, 1e-14, 1e-9, 1e-3, 0.1, 0.4, 1.0, 3.0]),
    st.floats(-1, 1),
    st.floats(-0.9, 0.9),
    st.floats(1e-3, 1e3),
)
def test_properties(mean, process, gauge, bias, guard, scale):
    given_ = {"sigma_process": process, "sigma_gauge": gauge, "guard": guard}
    m = misclassification(spec=(-1, 2), mean=mean, bias=bias, **given_)
    # accepted = good - producer + consumer: the marginal of the measured value
    assert 1 - m.share_rejected == pytest.approx(1 - m.share_bad - m.producer + m.consumer, abs=1e-12)
    assert 0 <= m.consumer <= m.share_bad + 1e-15 and 0 <= m.producer <= m.share_rejected + 1e-15
    turned = misclassification(spec=(-2, 1), mean=-mean, bias=-bias, **given_)
    # a limit is rounded to 1e-16, which is 1e-7 of the narrowest gauge tried
    assert turned.consumer == pytest.approx(m.consumer, rel=1e-6, abs=1e-300)
    scaled = misclassification(
        spec=(-scale, 2 * scale), mean=mean * scale, sigma_process=process * scale, sigma_gauge=gauge * scale,
        bias=bias * scale, guard=guard * scale,
    )  # fmt: skip
    assert scaled.producer == pytest.approx(m.producer, rel=1e-6, abs=1e-14)
    tighter = misclassification(spec=(-1, 2), mean=mean, bias=bias, **(given_ | {"guard": guard + 0.3}))
    assert tighter.consumer <= m.consumer * (1 + 1e-9) and tighter.producer >= m.producer * (1 - 1e-9)
    json.loads(m.to_json())


def test_perfect_gauge_makes_no_mistakes():
    m = misclassification(spec=(-2, 2), mean=0, sigma_process=1, sigma_gauge=0)
    assert m.consumer == m.producer == 0
    off = misclassification(spec=(-2, 2), mean=0, sigma_process=1, sigma_gauge=0, bias=0.5)
    assert off.producer == pytest.approx(stats.norm.cdf(2) - stats.norm.cdf(1.5), rel=1e-12)
    assert off.consumer == pytest.approx(stats.norm.cdf(-2) - stats.norm.cdf(-2.5), rel=1e-12)


def test_one_limit_and_boundary():
    one = misclassification(spec=(None, 2), mean=0, sigma_process=1, sigma_gauge=0.3)
    assert one.consumer == pytest.approx(float(exact(2, INF, -INF, 2, 0.3)), rel=1e-11)
    held = misclassification(spec=Spec(-1, 2, boundary="lower"), mean=0, sigma_process=1, sigma_gauge=0.3)
    assert held.consumer == one.consumer and held.notes[0].code == "boundary"
    assert one.accept_lower == -INF and "-Infinity" in one.to_json()


def test_scenarios_in_arrays():
    sigma = np.array([0.0, 0.1, 0.3, 1.0])
    many = misclassification(spec=(-3, 3), mean=0, sigma_process=1, sigma_gauge=sigma)
    for i, s in enumerate(sigma):
        assert misclassification(spec=(-3, 3), mean=0, sigma_process=1, sigma_gauge=s).consumer == many.consumer[i]
    assert many.to_frame().shape[0] == 4 and "4 scenarios" in many.summary()
    with pytest.raises(ValueError):
        many.consumer[0] = 1
    lots = misclassification(spec=(-3, 3), mean=np.linspace(-1, 1, 1200), sigma_process=1, sigma_gauge=0.2)
    assert (
        lots.producer[7]
        == misclassification(spec=(-3, 3), mean=lots.mean[7], sigma_process=1, sigma_gauge=0.2).producer
    )


def studies(seed=1, spread=0.3):
    rng = np.random.default_rng(seed)
    cube = rng.normal(size=(10, 1, 1)) + 0.1 * rng.normal(size=(1, 3, 1)) + spread * rng.normal(size=(10, 3, 3))
    x = rng.normal(size=(40, 5)) + spread * rng.normal(size=(40, 5))
    return gauge_rr(cube), process_capability(x, spec=(-3, 3))


def test_from_studies():
    gauge, capability = studies()
    m = misclassification(capability=capability, gauge=gauge, rng=1)
    v = capability.sigma_overall.estimate**2 - gauge.sd["gauge_rr"] ** 2
    plain = misclassification(
        spec=(-3, 3), mean=capability.mean.estimate, sigma_process=math.sqrt(v), sigma_gauge=gauge.sd["gauge_rr"]
    )
    assert m.consumer == pytest.approx(plain.consumer, rel=1e-9)
    for name, interval in m.intervals.items():
        assert interval.low < getattr(m, name) < interval.high
    again = misclassification(capability=capability, gauge=gauge, rng=1)
    assert again.intervals["consumer"].low == m.intervals["consumer"].low
    assert m.resamples == 2000 and "draws" in m.summary()
    narrow = misclassification(capability=capability, gauge=gauge, rng=1, confidence=0.8)
    assert m.intervals["producer"].low < narrow.intervals["producer"].low
    parts = misclassification(gauge=gauge, spec=(-3, 3), rng=1)
    assert parts.sigma_process == pytest.approx(gauge.sd["part"]) and parts.notes[0].code == "parts-as-process"


def test_interval_follows_the_chi_squares():
    """Gauge and mean known: the share of bad parts has the quantiles of the chi-square of the observed variance."""
    _, capability = studies()
    m = misclassification(capability=capability, sigma_gauge=0.3, rng=3, resamples=8000)
    s, n = capability.sigma_overall.estimate, capability.n
    rng = np.random.default_rng(9)
    drawn = s * s * (n - 1) / rng.chisquare(n - 1, 200000)
    sigma = np.sqrt(np.maximum(drawn - 0.09, 0))
    mean = capability.mean.estimate + rng.normal(size=drawn.size) * np.sqrt(drawn / n)
    bad = stats.norm.sf((3 - mean) / sigma) + stats.norm.cdf((-3 - mean) / sigma)
    low, high = np.quantile(bad, [0.025, 0.975])
    assert m.intervals["share_bad"].low == pytest.approx(low, rel=0.05)
    assert m.intervals["share_bad"].high == pytest.approx(high, rel=0.05)


def test_gauge_draws_rebuild_the_study():
    """The mean squares taken from the tables give the study's own components: crossed, pooled, nested, one operator."""
    from qstats.capability.measured.sources import gauge_variance

    rng = np.random.default_rng(5)
    part, operator, e = rng.normal(size=(8, 1, 1)), 0.7 * rng.normal(size=(1, 3, 1)), 0.3 * rng.normal(size=(8, 3, 2))
    cube = part + operator + 0.4 * rng.normal(size=(8, 3, 1)) + e
    flat, (p, o, _) = cube.ravel(), (a.ravel() for a in np.indices(cube.shape))
    found = [
        gauge_rr(cube), gauge_rr(cube, pool="always"), gauge_rr(cube[:, :1]), gauge_rr(cube, method="reml"),
        gauge_rr(flat, part=p + 100 * o, operator=o, design="nested"), gauge_rr(cube, method="average_range"),
    ]  # fmt: skip
    terms = []
    for study in found:
        for component in ("gauge_rr", "repeatability"):
            v = gauge_variance(study, component)
            assert v.estimate == pytest.approx(study.variance[component], rel=1e-9)
            assert float(v.weights @ v.ms) == pytest.approx(v.estimate, rel=1e-6)
            assert np.median(v.draws(2000, np.random.default_rng(1))) == pytest.approx(v.estimate, rel=0.9)
        terms.append(gauge_variance(study, "gauge_rr").ms.size)
    assert terms[0] == 3 and terms[1] == 2 and terms[3] == terms[5] == 1 and terms[4] > 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "mean: nothing came"),
        ({"mean": 0, "sigma_process": 0, "sigma_gauge": 1}, "sigma_process"),
        ({"mean": 0, "sigma_process": 1, "sigma_gauge": -1}, "sigma_gauge"),
        ({"mean": math.nan, "sigma_process": 1, "sigma_gauge": 1}, "mean"),
        ({"mean": "a", "sigma_process": 1, "sigma_gauge": 1}, "mean"),
        ({"mean": 0, "sigma_process": 1, "sigma_gauge": 1, "guard": 3}, "nothing to accept"),
        ({"mean": [0, 1], "sigma_process": [1, 1, 1], "sigma_gauge": 1}, "different numbers"),
        ({"mean": [[0]], "sigma_process": 1, "sigma_gauge": 1}, "shape"),
        ({"mean": 0, "sigma_process": 1, "sigma_gauge": 1, "rng": 1}, "nothing is drawn"),
        ({"gauge": 3}, "gauge: got int"),
        ({"capability": 3}, "capability: got int"),
    ],
)
def test_refused(options, match):
    with pytest.raises(DataError, match=match):
        misclassification(spec=(-3, 3), **options)


def test_refused_studies():
    gauge, capability = studies()
    with pytest.raises(DataError, match="spec: nothing"):
        misclassification(gauge=gauge)
    with pytest.raises(DataError, match="together with gauge"):
        misclassification(gauge=gauge, capability=capability, sigma_gauge=1)
    with pytest.raises(DataError, match="together with capability"):
        misclassification(gauge=gauge, capability=capability, mean=1)
    with pytest.raises(DataError, match="as much as the measured process"):
        misclassification(capability=capability, sigma_gauge=9)
    with pytest.raises(DataError, match="resamples"):
        misclassification(capability=capability, gauge=gauge, resamples=3)
    with pytest.raises(DataError, match="rng"):
        misclassification(capability=capability, gauge=gauge, rng="x")
