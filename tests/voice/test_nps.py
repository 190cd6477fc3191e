"""One NPS: published and R numbers, the definition in a plain loop, agreement of p and interval, bad input."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from qstats.errors import DataError, TooFewData
from qstats.voice.nps.intervals import METHODS, posterior_above
from qstats.voice.nps.kernels import restricted_detractors, score_z
from qstats.voice.nps.one import nps, nps_from_counts
from qstats.voice.nps.resample import resample_counts

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "voice_nps.json").read_text(encoding="utf-8"))[
        "cases"
    ]
}
CLOSED = ("score", "adjusted-wald", "wald", "bayes")
counts = st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(0, 25)).filter(lambda c: sum(c) > 0)

# Score limits computed with the function of github.com/brendan-R/NPS as a black box, six digits; Wald and adjusted Wald
# by hand from Rocks (2016).
FIXTURES = [
    ((15, 25, 60), 0.45, (0.304976, 0.595024), (0.293431, 0.580355), (0.292569, 0.581257)),
    ((25, 30, 45), 0.20, (0.040772, 0.359228), (0.037703, 0.350647), (0.036478, 0.351904)),
    ((6, 10, 20), 0.388889, (0.142052, 0.635726), (0.120728, 0.597221), (0.116490, 0.601727)),
    ((0, 3, 9), 0.75, (0.505005, 0.994995), (0.304919, 0.895081), (0.325635, 0.911058)),
    ((50, 0, 50), 0.0, (-0.195996, 0.195996), (-0.191710, 0.191710), (-0.192337, 0.192337)),
]


def limits(r):
    return r.interval.low, r.interval.high


def answers_of(times):
    return np.repeat(np.arange(11), times)


@pytest.mark.parametrize(("c", "estimate", "wald", "adjusted", "score"), FIXTURES)
def test_fixtures(c, estimate, wald, adjusted, score):
    for method, expected in (("wald", wald), ("adjusted-wald", adjusted), ("score", score)):
        r = nps_from_counts(*c, method=method)
        assert r.estimate == pytest.approx(100 * estimate, abs=1e-4)
        assert limits(r) == pytest.approx(tuple(100 * v for v in expected), abs=6e-5)


@pytest.mark.parametrize("case", ["nps-2", "nps-7"])
def test_equals_r_nps(case):
    # R 4.2.2, NPS 1.1: nps.test is Wald with the variance over n.
    c = CASES[case]
    x, e = answers_of(c["inputs"]["x"]), c["expected"]
    r = nps(x, method="wald")
    assert r.estimate == pytest.approx(100 * e["nps"], rel=1e-12)
    assert limits(r) == pytest.approx(tuple(100 * v for v in e["int"]), rel=1e-10)
    assert limits(nps(x, method="wald", confidence=0.9)) == pytest.approx(tuple(100 * v for v in e["int90"]), rel=1e-10)
    assert [r.detractors, r.passives, r.promoters] == e["counts"]
    assert r.pvalue == pytest.approx(e["p"], rel=1e-6, abs=1e-15)


def test_equals_the_adjusted_wald_of_r():
    c = CASES["nps-ci-alt-4"]  # R 4.2.2, formula of Rocks (2016) written out
    r = nps(answers_of(c["inputs"]["x"]), method="adjusted-wald")
    assert limits(r) == pytest.approx(tuple(100 * v for v in c["expected"]["adjusted_wald_0.75_1.5_0.75"]), rel=1e-10)


def minus_log_likelihood(q, c, delta):
    shares = (q, 1 - 2 * q - delta, q + delta)
    return -sum(k * math.log(max(s, 1e-300)) for k, s in zip(c, shares, strict=True) if k)


@pytest.mark.parametrize("c", [(15, 25, 60), (3, 1, 2), (0, 3, 9), (7, 0, 0)])
@pytest.mark.parametrize("delta", [-0.7, -0.2, 0.0, 0.35, 0.9])
def test_restricted_shares_maximise_the_likelihood(c, delta):
    low, high = max(0.0, -delta), (1 - delta) / 2
    best = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(low, high), args=(c, delta), method="bounded", options={"xatol": 1e-12}
    )
    arrays = tuple(np.array([float(k)]) for k in c)
    q = float(restricted_detractors(arrays, np.array([delta]))[0])
    assert q == pytest.approx(best.x, abs=2e-6)
    assert minus_log_likelihood(q, c, delta) <= best.fun + 1e-9


def plain_score_limit(c, z, upper):
    """The definition, by bisection on the statistic with the likelihood maximised numerically."""
    d, _, p = c
    n = sum(c)
    estimate = (p - d) / n

    def statistic(delta):
        low, high = max(0.0, -delta), (1 - delta) / 2
        q = optimize.minimize_scalar(
            minus_log_likelihood, bounds=(low, high), args=(c, delta), method="bounded", options={"xatol": 1e-12}
        ).x
        return (p - d - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))

    a, b = (estimate, 1 - 1e-12) if upper else (-1 + 1e-12, estimate)
    for _ in range(60):
        middle = (a + b) / 2
        inside = statistic(middle) > (-z if upper else z)
        a, b = (middle, b) if inside else (a, middle)
    return (a + b) / 2


@pytest.mark.parametrize("c", [(4, 3, 8), (1, 4, 95), (9, 2, 1)])
def test_score_interval_is_its_definition(c):
    z = stats.norm.ppf(0.975)
    low, high = limits(nps_from_counts(*c))
    assert low == pytest.approx(100 * plain_score_limit(c, z, False), abs=1e-4)
    assert high == pytest.approx(100 * plain_score_limit(c, z, True), abs=1e-4)


def test_all_alike_has_an_interval_of_known_form():
    # All promoters: q = (1 - delta)/2, z**2 = n (1 - delta)/(1 + delta); all passives: q = 0, z**2 = n delta/(1-delta).
    z2 = stats.norm.ppf(0.975) ** 2
    r = nps([10] * 12)
    assert limits(r) == pytest.approx((100 * (12 - z2) / (12 + z2), 100.0))
    r = nps([8] * 12)
    assert limits(r) == pytest.approx((-100 * z2 / (12 + z2), 100 * z2 / (12 + z2)))
    assert limits(nps([5])) == pytest.approx((-100.0, -100 * (1 - z2) / (1 + z2)))


@settings(max_examples=150, deadline=None)
@given(counts, st.floats(-99, 99), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]), st.sampled_from(CLOSED),
       st.sampled_from(["two-sided", "less", "greater"]))  # fmt: skip
def test_p_and_interval_invert(c, null, confidence, method, alternative):
    r = nps_from_counts(*c, null=null, confidence=confidence, method=method, alternative=alternative)
    assert 0.0 <= r.pvalue <= 1.0
    if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-6:
        assert (r.pvalue < 1 - confidence) == (null not in r.interval)


@settings(max_examples=60, deadline=None)
@given(counts, st.sampled_from(CLOSED))
def test_mirror_and_nesting(c, method):
    d, u, p = c
    r = nps_from_counts(d, u, p, method=method)
    m = nps_from_counts(p, u, d, method=method)
    assert limits(m) == pytest.approx((-r.interval.high, -r.interval.low), abs=1e-9)
    assert m.pvalue == pytest.approx(r.pvalue, abs=1e-9)
    wider = nps_from_counts(d, u, p, method=method, confidence=0.99)
    assert wider.interval.low <= r.interval.low + 1e-9
    assert wider.interval.high >= r.interval.high - 1e-9
    assert -100 <= r.interval.low <= r.interval.high <= 100
    if method != "adjusted-wald" and method != "bayes":
        assert r.interval.low - 1e-9 <= r.estimate <= r.interval.high + 1e-9


def test_score_statistic_falls_everywhere():
    # The interval is an interval only if the statistic falls in delta: every sample up to n = 9.
    c = np.array([(d, n - d - p, p) for n in range(1, 10) for d in range(n + 1) for p in range(n + 1 - d)], dtype=float)
    z = np.array([score_z(tuple(c.T), np.full(len(c), delta)) for delta in np.linspace(-1, 1, 401)])
    both = np.isfinite(z[1:]) & np.isfinite(z[:-1])
    assert (z[1:][both] < z[:-1][both]).all()


def test_many_equal_one_at_a_time():
    rng = np.random.default_rng(1)
    c = rng.integers(0, 40, (3, 20_000))
    c[1] += 1
    many = nps_from_counts(*c, null=10.0)
    assert len(many) == 20_000
    for i in (0, 8191, 8192, 19_999):
        one = nps_from_counts(*c[:, i], null=10.0)
        assert (many.interval.low[i], many.interval.high[i]) == pytest.approx(limits(one), abs=1e-9)
        assert many.pvalue[i] == pytest.approx(one.pvalue, rel=1e-9)
    assert list(many.to_frame().columns)[:2] == ["nps", "low"]
    json.loads(nps_from_counts([1, 2], 3, 4).to_json())


@pytest.mark.parametrize("c", [(4, 3, 8), (0, 0, 20), (1, 4, 95), (400, 300, 800), (0, 5, 5)])
def test_posterior_is_the_dirichlet(c):
    # Against the double integral of the Dirichlet density by scipy: P(NPS > x) = E over promoters P of the Beta
    # distribution of detractors / (1 - P).
    a, x = [k + 1 / 3 for k in c], 0.1
    r = nps_from_counts(*c, method="bayes")
    prob = float(posterior_above(tuple(np.array([v]) for v in a), np.array([x]))[1][0])

    def inside(v):
        p = stats.beta.isf(v, a[2], a[0] + a[1])
        return stats.beta.cdf((p - x) / (1 - p), a[0], a[1]) if p < 1 else 1.0

    start, stop = 0.0, float(stats.beta.sf(x, a[2], a[0] + a[1]))
    middle = [q for q in (1e-9, 1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999) if q < stop]
    expected = integrate.quad(inside, start, stop, points=middle, limit=500)[0]
    assert prob == pytest.approx(expected, abs=1e-6)
    draws = np.random.default_rng(5).dirichlet(a, 400_000)
    net = 100 * (draws[:, 2] - draws[:, 0])
    assert np.mean(net < r.interval.low) == pytest.approx(0.025, abs=0.0012)
    assert np.mean(net > r.interval.high) == pytest.approx(0.025, abs=0.0012)


@pytest.mark.parametrize("c", [(15, 25, 60), (150, 250, 600)])
def test_bootstrap_t_is_a_resampling_of_the_answers(c):
    # The same bootstrap with the answers themselves drawn one by one.
    y = np.repeat([-1.0, 0.0, 1.0], c)
    e, n = y.mean(), y.size
    draws = np.random.default_rng(7).choice(y, (20_000, n))
    t = (draws.mean(axis=1) - e) / (draws.std(axis=1) / math.sqrt(n))
    se = y.std() / math.sqrt(n)
    expected = (100 * (e - np.quantile(t, 0.975) * se), 100 * (e - np.quantile(t, 0.025) * se))
    r = nps_from_counts(*c, method="bootstrap-t", rng=3)
    assert limits(r) == pytest.approx(expected, abs=1.0)
    assert r.resamples == 100_000
    assert limits(r) == limits(nps_from_counts(*c, method="bootstrap-t", rng=3))


@settings(max_examples=40, deadline=None)
@given(counts.filter(lambda c: max(c) < sum(c)), st.floats(-99, 99), st.sampled_from([0.8, 0.95]),
       st.sampled_from(["two-sided", "less", "greater"]))  # fmt: skip
def test_bootstrap_p_inverts_its_interval(c, null, confidence, alternative):
    r = nps_from_counts(
        *c, null=null, method="bootstrap-t", confidence=confidence, alternative=alternative, resamples=1999, rng=1
    )
    if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-6:
        assert (r.pvalue < 1 - confidence - 1e-12) == (null not in r.interval)


def test_bootstrap_refuses_what_it_cannot_see():
    with pytest.raises(TooFewData, match="method='score'"):
        nps([10] * 5, method="bootstrap-t")


def test_wald_without_width_says_so():
    r = nps([10] * 5, method="wald", null=90.0)
    assert limits(r) == (100.0, 100.0)
    assert r.pvalue == 0.0
    assert r.notes[0].code == "no-width"
    assert nps([10] * 5, method="wald", null=100.0).pvalue == 1.0


def test_result():
    r = nps([10, 9, 8, 7, 6, 0])
    assert r.distribution == (1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1)
    assert (r.detractors, r.passives, r.promoters, r.n, r.n_eff) == (2, 2, 2, 6, 6)
    assert r.to_dict()["schema"] == "qstats.nps/1"
    assert r.to_frame()["nps"][0] == 0.0
    assert "95% interval" in str(r)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int64, np.float32, object])
def test_kinds_of_numbers(dtype):
    x = np.array([10, 9, 8, 0, 3, 10]).astype(dtype)
    assert nps(x).distribution == nps([10, 9, 8, 0, 3, 10]).distribution


def test_large_byte_columns_take_the_short_way():
    x = np.tile(np.array([0, 6, 7, 8, 9, 10], dtype=np.int8), 200_000)
    r = nps(x)
    assert r.distribution is None
    assert (r.detractors, r.passives, r.promoters) == (400_000, 400_000, 400_000)
    assert nps(x, distribution=True).distribution[6] == 200_000
    assert nps(x[::2]).promoters == nps(x[::2].astype(float)).promoters
    x[5] = -1
    with pytest.raises(DataError, match=r"-1 \(once\)"):
        nps(x)
    assert nps(x, blank=-1).n == 1_199_999
    x[6:9] = 11
    with pytest.raises(DataError, match=r"-1 \(once\), 11 \(3 times\)"):
        nps(x)


def test_off_the_scale():
    with pytest.raises(DataError, match=r"data: -1 \(once\), 7.5 \(once\), 11 \(2 times\)") as e:
        nps([11, 10, 7.5, 11, -1, 3])
    assert "blank=" in str(e.value)


def test_blank_and_missing():
    r = nps([10, 99, 11, 3, 11], blank=(11, 99))
    assert r.n == 2
    assert "3 of 5 answers carry a code" in r.notes[0].message
    with pytest.raises(DataError, match="1 of 3 answers are missing"):
        nps([10, None, 3])
    r = nps([10, None, 3], missing="drop")
    assert r.n == 2
    assert r.notes[0].code == "missing-dropped"
    with pytest.raises(DataError, match="blank: 10 is a score"):
        nps([10, 3], blank=10)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nps(["10", "9"]), "text"),
        (lambda: nps([]), "no answer"),
        (lambda: nps([None, None], missing="drop"), "no answer"),
        (lambda: nps([1, math.inf]), "finite"),
        (lambda: nps([[1, 2], [3, 4]]), "dimensions"),
        (lambda: nps([1, 2], values="score"), "plain scores came"),
        (lambda: nps([1, 2], method="wilson"), "method"),
        (lambda: nps([1, 2], null=101), "-100 to 100"),
        (lambda: nps([1, 2], confidence=95), "0.95"),
        (lambda: nps([1, 2], prior=1), "only method='bayes'"),
        (lambda: nps([1, 2], rng=1), "bootstrap-t"),
        (lambda: nps([1, 9], method="bootstrap-t", resamples=10), "resamples"),
        (lambda: nps([1, 2], blank="x"), "blank"),
        (lambda: nps(pd.DataFrame({"a": [1]})), "values: is missing"),
        (lambda: nps(pd.DataFrame({"a": [1]}), values="b"), "'b' is not in the data"),
        (lambda: nps(pd.DataFrame({"a": ["9"]}), values="a"), "text"),
        (lambda: nps(pd.DataFrame({"a": []}, dtype=float), values="a"), "no answer"),
        (lambda: nps_from_counts(1, -2, 3), "passives"),
        (lambda: nps_from_counts(1, 2.5, 3), "passives"),
        (lambda: nps_from_counts(0, 0, 0), "no answer"),
        (lambda: nps_from_counts([1, 2], [1, 2, 3], 1), "lengths differ"),
        (lambda: nps_from_counts([1, 2], 1, 1, method="bootstrap-t"), "one sample at a time"),
        (lambda: nps_from_counts("1", 1, 1), "text"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_method_texts_are_all_there():
    assert set(METHODS) == {"score", "adjusted-wald", "wald", "bootstrap-t", "bayes"}
    for method in METHODS:
        r = nps_from_counts(3, 4, 8, method=method)
        assert r.method.startswith(METHODS[method][0][:5])


@pytest.mark.parametrize("rng", ["a", -1, 1.5])
def test_bad_seeds(rng):
    with pytest.raises(DataError, match="rng: got"):
        nps([1, 9, 10], method="bootstrap-t", rng=rng)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nps([[1, 2], [3]]), "unequal length"),
        (lambda: nps([True, False]), "True and False"),
        (lambda: nps(np.array([True, False])), "True and False"),
        (lambda: nps([True, 9]), "True and False"),
        (lambda: nps_from_counts(True, 2, 3), "detractors: got True"),
        (lambda: nps_from_counts([1, 2], [2, True], 3), "passives: got True"),
        (lambda: nps_from_counts(1, 2, np.array([True])), "promoters: got True"),
        (lambda: nps_from_counts([[1], [1, 2]], 2, 3), "unequal length"),
    ],
)
def test_what_is_no_score_and_no_count(call, words):
    with pytest.raises(DataError, match=words):
        call()


@pytest.mark.parametrize("c", [(15, 25, 60), (150, 250, 600), (1, 2, 997), (1500, 2500, 6000), (0, 4000, 6000)])
def test_resampled_counts_are_multinomial(c):
    # Mean and covariance of the multinomial, and the exact binomial law of each count (scipy), at 200,000 draws.
    n, draws = sum(c), 200_000
    low, high = resample_counts(c, draws, 8)
    assert low.size == high.size == draws
    assert (low + high).max() <= n
    for x, k in ((low, c[0]), (high, c[2])):
        law = stats.binom(n, k / n)
        for q in (0.001, 0.025, 0.5, 0.975, 0.999):
            at = law.ppf(q)
            p = law.cdf(at)
            assert np.mean(x <= at) == pytest.approx(p, abs=5 * math.sqrt(max(p * (1 - p), 1e-9) / draws))
    expected = -c[0] * c[2] / n
    scatter = math.sqrt(c[0] * c[2]) + abs(expected)
    assert np.cov(low, high)[0, 1] == pytest.approx(expected, abs=5 * scatter / math.sqrt(draws) + 1e-12)
