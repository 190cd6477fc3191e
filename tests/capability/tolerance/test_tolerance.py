"""Tolerance intervals: factors, families, order statistics, counts, sizes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy
import scipy.stats as ss
from hypothesis import given
from hypothesis import strategies as st

from qstats import (
    DataError,
    TooFewData,
    count_tolerance_interval,
    count_tolerance_sample_size,
    tolerance_interval,
    tolerance_sample_size,
)
from qstats.capability.tolerance.factors import howe, one_sided, tail_control, two_sided
from qstats.capability.tolerance.families import weibull_limit

# R 4.2.2: quadrature, tolerance 3.0.0, spc 0.7.2, EnvStats 3.1.0; the call stands with each case
CASES = json.loads((Path(__file__).parents[2] / "reference" / "tolerance.json").read_text(encoding="utf-8"))


def _cases(*start: str) -> list[Any]:
    return [pytest.param(c["inputs"], c["expected"], id=c["id"]) for c in CASES if c["id"].startswith(start)]


@pytest.mark.parametrize(("i", "expected"), _cases("K2x"))
def test_two_sided_factor(i: dict[str, float], expected: float) -> None:
    assert two_sided(i["n"], i["P"], 1 - i["alpha"], i["n"] - 1) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("i", "expected"), _cases("K1x"))
def test_one_sided_factor(i: dict[str, float], expected: float) -> None:
    assert one_sided(i["n"], i["P"], 1 - i["alpha"], i["n"] - 1) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("i", "expected"), [p for p in _cases("K1-") if p.values[0]["n"] < 300])
def test_one_sided_factor_of_the_package(i: dict[str, float], expected: float) -> None:
    # from n = 300 on R's noncentral t is wrong in the fourth digit (noncentrality above 37.6)
    assert one_sided(i["n"], i["P"], 1 - i["alpha"], i["n"] - 1) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("i", "expected"), _cases("K2-"))
def test_approximations_and_both_tails(i: dict[str, float], expected: dict[str, float]) -> None:
    given = (i["n"], i["P"], 1 - i["alpha"], i["n"] - 1)
    assert howe(*given) == pytest.approx(expected["HE2"], rel=1e-9)
    assert tail_control(*given) == pytest.approx(expected["OCT"], rel=1e-5)  # its root finder
    assert two_sided(*given) == pytest.approx(expected["EXACT"], rel=1e-4)  # its quadrature


@pytest.mark.parametrize(("i", "expected"), _cases("K2spc"))
def test_two_sided_factor_of_spc(i: dict[str, float], expected: dict[str, float]) -> None:
    assert two_sided(i["n"], i["P"], 1 - i["alpha"], i["n"] - 1) == pytest.approx(expected["exact"], rel=1e-6)


def test_the_handbook() -> None:
    # NIST/SEMATECH e-Handbook 7.2.6.3: N = 43, mean 97.069832, s 0.026798; its last printed limit has a slip
    x = np.random.default_rng(3).normal(size=43)
    x = 97.069832 + 0.026798 * (x - x.mean()) / x.std(ddof=1)
    r = tolerance_interval(x, content=0.9, confidence=0.99, method="howe")
    assert r.factor == pytest.approx(2.2173159, abs=5e-8)
    assert (r.low, r.high) == pytest.approx((97.010, 97.129), abs=6e-4)


@pytest.mark.parametrize(("i", "expected"), _cases("normtol", "envstats"))
def test_normal_interval(i: dict[str, Any], expected: dict[str, Any]) -> None:
    low, high = expected["ti"] if "ti" in expected else (expected["2-sided.lower"], expected["2-sided.upper"])
    r = tolerance_interval(i["x"])
    assert (r.low, r.high) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize(("i", "expected"), _cases("nptol"))
def test_order_statistics(i: dict[str, Any], expected: dict[str, Any]) -> None:
    if "1-sided.lower" in expected:
        low = tolerance_interval(i["x"], confidence=0.9, sides="lower", distribution="nonparametric").low
        high = tolerance_interval(i["x"], confidence=0.9, sides="upper", distribution="nonparametric").high
        assert (low, high) == (expected["1-sided.lower"], expected["1-sided.upper"])
    else:  # two pairs of ranks are equally good; ours is the first
        r = tolerance_interval(i["x"], confidence=0.9, distribution="nonparametric")
        assert (r.low, r.high) in list(zip(expected["2-sided.lower"], expected["2-sided.upper"], strict=True))


def test_attained_confidence_is_a_beta_tail() -> None:
    x = np.arange(200.0)
    r = tolerance_interval(x, distribution="nonparametric", content=0.9)
    assert r.ranks is not None
    spanned = r.ranks[1] - r.ranks[0]
    assert r.attained == pytest.approx(ss.beta.sf(0.9, spanned, 201 - spanned), rel=1e-10)
    assert r.attained >= 0.95 > ss.beta.sf(0.9, spanned - 1, 202 - spanned)
    few = tolerance_interval(x[:20], distribution="nonparametric")
    assert few.ranks == (1, 20)
    assert few.attained == pytest.approx(1 - 20 * 0.95**19 + 19 * 0.95**20)
    assert [(n.code, n.severity) for n in few.notes] == [("too-few-values", "serious")]
    assert "93 are needed" in few.notes[0].message


def test_weibull_limit_by_brute_force() -> None:
    """The joint conditional density of location and scale pivots, integrated over both."""
    y = np.log([1.2, 3.4, 2.2, 5.0])
    p, chance = 0.9, 0.95
    limit = weibull_limit(y, p, chance)

    def fit(v: float) -> float:  # score of the scale at the best location
        w = np.exp(y / v)
        return float((w * y).sum() / w.sum() - v - y.mean())

    scale = scipy.optimize.brentq(fit, 0.01, 10.0, xtol=1e-14)
    level = scale * math.log(np.exp(y / scale).mean())
    a = (y - level) / scale

    def density(v: float, z: float) -> float:  # v is the pivot of the location times z
        return math.exp(2 * math.log(z) + float(a.sum()) * z + 4 * v - float(np.exp(a * z + v).sum()))

    w = math.log(-math.log1p(-p))
    t = (level - limit) / scale  # the limit stands where level pivot - w / scale pivot is t
    total = scipy.integrate.dblquad(density, 1e-6, 12, -14, 4, epsabs=1e-10)[0]
    above = scipy.integrate.dblquad(density, 1e-6, 12, lambda z: min(max(t * z + w, -14), 4), 4, epsabs=1e-10)[0]
    assert above / total == pytest.approx(chance, abs=2e-6)


def test_exponential_by_chi_square() -> None:
    x = np.array([0.4, 2.2, 1.1, 5.0, 0.3, 0.0])
    r = tolerance_interval(x, distribution="exponential", sides="upper", content=0.9)
    assert r.high == pytest.approx(-math.log(0.1) * 2 * x.sum() / ss.chi2.ppf(0.05, 12), rel=1e-12)
    low = tolerance_interval(x, distribution="exponential", sides="lower", content=0.9)
    assert low.low == pytest.approx(-math.log(0.9) * 2 * x.sum() / ss.chi2.ppf(0.95, 12), rel=1e-12)


def test_lognormal_and_gamma_go_through_their_scale() -> None:
    x = np.random.default_rng(5).gamma(3.0, 2.0, 60)
    plain = tolerance_interval(np.log(x))
    log = tolerance_interval(x, distribution="lognormal")
    assert (math.log(log.low), math.log(log.high)) == pytest.approx((plain.low, plain.high))
    root = tolerance_interval(np.cbrt(x), sides="upper")
    assert tolerance_interval(x, distribution="gamma", sides="upper").high == pytest.approx(root.high**3)


@pytest.mark.parametrize(("i", "expected"), _cases("bintol", "poistol"))
def test_counts(i: dict[str, float], expected: dict[str, float], request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.id
    model = "binomial" if name.startswith("bintol") else "poisson"
    ask: dict[str, Any] = {"future": i["m"], "model": model, "content": expected["P"]}
    ask["confidence"] = 1 - expected["alpha"]
    if "1-sided.lower" in expected:
        low = count_tolerance_interval(i["x"], i["n"], sides="lower", **ask).low
        high = count_tolerance_interval(i["x"], i["n"], sides="upper", **ask).high
        assert (low, high) == (expected["1-sided.lower"], expected["1-sided.upper"])
    else:
        both = count_tolerance_interval(i["x"], i["n"], **ask)
        assert (both.low, both.high) == (expected["2-sided.lower"], expected["2-sided.upper"])


def test_sizes_of_the_handbook_and_of_wilks() -> None:
    # Wilks (1941) and every table after him: 93 and 59 for 95/95, 299 for 95/99 one-sided, 473 two-sided
    for content, sides, n in ((0.95, "two", 93), (0.95, "upper", 59), (0.99, "lower", 299), (0.99, "two", 473)):
        got = tolerance_sample_size(distribution="nonparametric", content=content, sides=sides)
        assert got.n == n
        assert got.attained >= 0.95


@pytest.mark.parametrize("sides", ["two", "upper"])
def test_normal_size_by_simulation(sides: str) -> None:
    r = tolerance_sample_size(content=0.9, wider=0.97, risk=0.1, sides=sides)
    rng = np.random.default_rng(11)
    mean, s = rng.normal(size=40_000) / math.sqrt(r.n), np.sqrt(rng.chisquare(r.n - 1, 40_000) / (r.n - 1))
    k = (two_sided if sides == "two" else one_sided)(r.n, 0.9, 0.95, r.n - 1.0)
    held = ss.norm.cdf(mean + k * s) - (ss.norm.cdf(mean - k * s) if sides == "two" else 0.0)
    assert np.mean(held >= 0.9) == pytest.approx(0.95, abs=0.005)
    assert np.mean(held > 0.97) == pytest.approx(r.attained, abs=0.006)
    assert r.attained <= 0.1


@pytest.mark.parametrize("distribution", ["exponential", "weibull", "nonparametric"])
@pytest.mark.parametrize("sides", ["upper", "lower"])
def test_other_sizes_by_simulation(distribution: str, sides: str) -> None:
    rng = 3 if distribution == "weibull" else None
    r = tolerance_sample_size(content=0.8, wider=0.97, sides=sides, distribution=distribution, rng=rng)
    draw = np.random.default_rng(12)
    held = []
    for x in draw.exponential(size=(600, r.n)):
        got = tolerance_interval(x, content=0.8, sides=sides, distribution=distribution)
        held.append(math.exp(-got.low) if sides == "lower" else -math.expm1(-got.high))
    assert np.mean(np.array(held) >= 0.8) >= 0.95 - 0.027
    assert np.mean(np.array(held) > 0.97) == pytest.approx(r.attained, abs=0.03)


@pytest.mark.parametrize(("model", "future"), [("poisson", 20.0), ("binomial", 100.0)])
def test_size_for_counts_by_simulation(model: str, future: float) -> None:
    r = count_tolerance_sample_size(0.1, future=future, model=model)
    rng = np.random.default_rng(4)
    x = rng.poisson(0.1 * r.n, 3000) if model == "poisson" else rng.binomial(r.n, 0.1, 3000)
    limits = {int(v): count_tolerance_interval(int(v), r.n, future=future, model=model, sides="upper").high for v in x}
    high = np.array([limits[int(v)] for v in x])
    held = ss.poisson.cdf(high, 0.1 * future) if model == "poisson" else ss.binom.cdf(high, future, 0.1)
    assert np.mean(held > 0.999) == pytest.approx(r.attained, abs=0.012)
    assert np.mean(held >= 0.95) >= 0.95 - 0.012


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=30, unique=True), st.floats(0.5, 0.99), st.floats(-1e6, 1e6))
def test_shift_scale_mirror_and_nesting(x: list[float], content: float, shift: float) -> None:
    a = np.array(x)
    if np.ptp(a) < 1e-3:
        return
    r, wide = tolerance_interval(a, content=content), tolerance_interval(a, content=content, confidence=0.99)
    moved = tolerance_interval(3.0 * a + shift, content=content)
    slack = 1e-7 * (1 + abs(shift))
    assert moved.low == pytest.approx(3 * r.low + shift, abs=slack, rel=1e-8)
    mirrored = tolerance_interval(-a, content=content)
    assert mirrored.high == pytest.approx(-r.low, rel=1e-9, abs=1e-9)
    assert wide.low <= r.low + 1e-9 and r.high <= wide.high + 1e-9
    tails = tolerance_interval(a, content=content, method="tails")
    assert tails.low <= r.low + 1e-9


@pytest.mark.calibration
@pytest.mark.parametrize("distribution", ["normal", "lognormal", "gamma", "weibull", "exponential", "nonparametric"])
@pytest.mark.parametrize("sides", ["two", "upper", "lower"])
def test_confidence_at_small_n(distribution: str, sides: str) -> None:
    rng = np.random.default_rng(21)
    n = 60 if distribution == "nonparametric" else 10
    runs = 300 if distribution == "weibull" else 1000
    law = {
        "normal": ss.norm(5, 2), "lognormal": ss.lognorm(0.8), "gamma": ss.gamma(2.5), "weibull": ss.weibull_min(1.5),
        "exponential": ss.expon(), "nonparametric": ss.gumbel_r(),
    }[distribution]  # fmt: skip
    held = 0
    for x in law.rvs(size=(runs, n), random_state=rng):
        r = tolerance_interval(x, content=0.9, confidence=0.9, sides=sides, distribution=distribution)
        held += law.cdf(r.high) - law.cdf(r.low) >= 0.9
    error = 3 * math.sqrt(0.9 * 0.1 / runs)
    assert held / runs > 0.9 - error - (0.01 if distribution == "gamma" else 0.0)  # cube roots are nearly normal
    if sides != "two" and distribution != "nonparametric":
        assert held / runs < 0.9 + error + (0.01 if distribution == "gamma" else 0.0)


def test_offsets_tables_and_notes() -> None:
    x = np.random.default_rng(2).normal(size=50)
    near, far = tolerance_interval(x), tolerance_interval(x + 1e12)
    assert far.high - 1e12 == pytest.approx(near.high, abs=1e-3)
    frame = pd.DataFrame({"长度": [*x.tolist(), None]})
    r = tolerance_interval(frame, values="长度", missing="drop")
    assert (r.low, r.high) == pytest.approx((near.low, near.high))
    assert [n.code for n in r.notes] == ["missing-dropped"]
    assert json.loads(r.to_json())["schema"] == "qstats.tolerance_interval/1"
    skewed = np.random.default_rng(1).lognormal(0, 1, 100)
    assert [n.code for n in tolerance_interval(skewed).notes] == ["shape-doubtful"]
    assert tolerance_interval(skewed, distribution="lognormal").notes == ()
    assert [n.code for n in tolerance_interval([1.0, 2.0, 3.0]).notes] == ["shape-unknown"]
    assert 0.5 in tolerance_interval(skewed, distribution="lognormal")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tolerance_interval([3.0, 3.0, 3.0]), "resolution"),
        (lambda: tolerance_interval([3.0, 3.0, 3.0], distribution="weibull"), "resolution"),
        (lambda: tolerance_interval([0.0, 3.0, 2.0], distribution="lognormal"), "above 0"),
        (lambda: tolerance_interval([0.0, 3.0, 2.0], distribution="weibull"), "above 0"),
        (lambda: tolerance_interval([-1.0, 3.0], distribution="exponential"), "not below 0"),
        (lambda: tolerance_interval([1.0, 3.0], content=95), "content"),
        (lambda: tolerance_interval([1.0, 3.0], sides="both"), "sides"),
        (lambda: tolerance_interval([1.0, 3.0], sides="lower", method="howe"), "two sides"),
        (lambda: tolerance_interval([1.0, 3.0], distribution="weibull", method="howe"), "'exact' only"),
        (lambda: tolerance_interval([1.0, 3.0], values="a"), "no table"),
        (lambda: tolerance_interval(pd.DataFrame({"a": [1.0, 2.0]})), "name its column"),
        (lambda: tolerance_interval([1.0, float("nan")]), "missing"),
        (lambda: tolerance_sample_size(), "wider"),
        (lambda: tolerance_sample_size(content=0.95, wider=0.9), "wider"),
        (lambda: tolerance_sample_size(content=0.95, wider=0.950001), "ten million|10,000,000"),
        (lambda: tolerance_sample_size(content=0.9, wider=0.97, distribution="weibull"), "sides"),
        (lambda: tolerance_sample_size(content=0.9, wider=0.97, rng=1), "rng"),
        (lambda: count_tolerance_interval(5, 3, future=3, model="binomial"), "count"),
        (lambda: count_tolerance_interval(5, 30, future=2.5, model="binomial"), "future"),
        (lambda: count_tolerance_interval([5, 6], 30, future=2), "one count"),
        (lambda: count_tolerance_sample_size(0.1, future=20, sides="lower"), "holds 1 already"),
    ],
)
def test_bad_input_is_told(call: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        call()


def test_one_value_is_too_few() -> None:
    with pytest.raises(TooFewData):
        tolerance_interval([1.0])
