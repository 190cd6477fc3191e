"""Fits, tests of fit and their functions: against R 4.2.2 (tests/reference/nonnormal.json), scipy and plain loops."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from qstats.capability.nonnormal.fits import fit_distribution
from qstats.capability.nonnormal.johnson import Johnson, slifker_shapiro
from qstats.capability.nonnormal.normality import normality_tests
from qstats.capability.nonnormal.registry import FAMILIES
from qstats.errors import DataError, TooFewData

CASES = json.loads((Path(__file__).parents[2] / "reference" / "nonnormal.json").read_text("utf-8"))["cases"]
PARAMETRIC = tuple(f for f in FAMILIES if f != "empirical")


def cases(prefix):
    found = [c for c in CASES if c["id"].startswith(prefix)]
    assert found
    return pytest.mark.parametrize("case", found, ids=[c["id"] for c in found])


def skewed(n=120, seed=4):
    return np.random.default_rng(seed).lognormal(1.0, 0.5, n)


@cases("fit-")
def test_two_parameter_families_against_r(case):
    x, e = case["inputs"]["x"], case["expected"]
    w = fit_distribution(x, "weibull", rng=1)
    # R's optimiser leaves 1e-7 in the parameters; the likelihood is flat there
    assert [w.parameters["shape"], w.parameters["scale"]] == pytest.approx(e["weibull"][:2], rel=1e-6)
    assert w.log_likelihood == pytest.approx(e["weibull"][2], rel=1e-10)
    g = fit_distribution(x, "gamma", rng=1)
    assert [g.parameters["shape"], 1 / g.parameters["scale"]] == pytest.approx(e["gamma"][:2], rel=3e-6)
    assert g.log_likelihood == pytest.approx(e["gamma"][2], rel=1e-10)
    ln = fit_distribution(x, "lognormal")
    assert [*ln.parameters.values(), ln.log_likelihood] == pytest.approx(e["lognormal"], rel=1e-10)
    n = fit_distribution(x, "normal")
    assert n.log_likelihood == pytest.approx(e["normal"][2], rel=1e-12)
    k, size = 2, len(x)
    assert n.aicc == pytest.approx(2 * k - 2 * e["normal"][2] + 2 * k * (k + 1) / (size - k - 1), rel=1e-12)


@cases("pcr-weibull-exactmle")
def test_weibull_to_the_last_digits(case):
    e = case["expected"]
    f = fit_distribution(case["inputs"]["x"], "weibull", rng=1)
    assert [f.parameters["shape"], f.parameters["scale"]] == pytest.approx([e["shape"], e["scale"]], rel=1e-9)
    assert f.quantile([0.00135, 0.5, 0.99865]) == pytest.approx(e["q"], rel=1e-9)
    assert f.sf(case["inputs"]["USL"]) == pytest.approx(e["p_above"], rel=1e-9)
    assert f.cdf(case["inputs"]["LSL"]) == pytest.approx(e["p_below"], rel=1e-9)


@cases("boxcox")
def test_boxcox_lambda_and_its_profile_interval(case):
    e = case["expected"]
    f = fit_distribution(case["inputs"]["x"], "boxcox", rng=1)
    ci = e.get("ci") or (e["lo"], e["hi"])
    assert f.parameters["lambda"] == pytest.approx(e["lambda"], abs=1e-6)
    assert [f.lambda_interval.low, f.lambda_interval.high] == pytest.approx(ci, abs=1e-6)


def test_boxcox_rounded_and_given():
    x = skewed()
    best = fit_distribution(x, "boxcox", rng=1)
    half = fit_distribution(x, "boxcox", round_lambda=True, rng=1)
    assert half.parameters["lambda"] == round(2 * best.parameters["lambda"]) / 2
    assert half.lambda_interval == best.lambda_interval
    log = fit_distribution(x, "boxcox", lam=0)
    assert log.lambda_interval is None
    assert log.parameters["mean"] == pytest.approx(np.log(x).mean(), rel=1e-12)
    assert log.parameters["sd"] == pytest.approx(np.log(x).std(ddof=1), rel=1e-12)
    assert log.pvalue == pytest.approx(normality_tests(np.log(x)).anderson_darling_pvalue, rel=1e-10)
    for lam in (0.5, -1.0, 2.0):
        w = (x**lam - 1) / lam
        f = fit_distribution(x, "boxcox", lam=lam)
        assert [f.parameters["mean"], f.parameters["sd"]] == pytest.approx([w.mean(), w.std(ddof=1)], rel=1e-10)
        z = ((5.0**lam - 1) / lam - w.mean()) / w.std(ddof=1)  # increasing for a negative lambda too
        assert f.sf(5.0) == pytest.approx(special.ndtr(-z), rel=1e-10)


@cases("jtrans")
def test_slifker_shapiro_at_the_z_of_jtrans(case):
    e = case["expected"]
    x = np.sort(np.array(case["inputs"]["x"]))[np.newaxis]
    shape = slifker_shapiro(x, e["z"])[("su", "sb", "sl").index(e["type"])]
    got = [float(c[0]) for c in (shape.delta, shape.gamma, shape.lam, shape.xi)]
    assert got == pytest.approx([e["eta"], e["gamma"], e["lambda"], e["epsilon"]], rel=1e-9)


@cases("johnsonRE")
def test_johnson_is_at_least_as_normal_as_re_johnson(case):
    f = fit_distribution(case["inputs"]["x"], "johnson")
    assert f.parameters["type"] == case["expected"]["fun"]
    assert f.pvalue >= case["expected"]["p"] - 0.05  # it takes other sample quantiles
    assert f.adequate


@pytest.mark.parametrize("z", [0.3, 0.524, 1.0])
def test_slifker_shapiro_recovers_exact_quantiles(z):
    """At the true quantiles the four equations are solved by the true parameters (their paper's derivation)."""
    grid = np.linspace(-6, 6, 200_001)
    p = special.ndtr(grid)
    for kind, back in ((0, np.sinh), (1, special.expit)):
        gamma, delta, xi, lam = 0.7, 1.4, 2.0, 5.0
        x = xi + lam * back((grid - gamma) / delta)
        # a sample whose type 7 quantiles are the true ones: equally spaced probabilities
        even = np.interp(np.linspace(p[0], p[-1], 400_001), p, x)[np.newaxis]
        s = slifker_shapiro(even, z)[kind]
        assert [float(c[0]) for c in s] == pytest.approx([gamma, delta, xi, lam], rel=2e-3)


@cases("normality-")
def test_normality_against_nortest(case):
    e, t = case["expected"], normality_tests(case["inputs"]["x"])
    assert [t.anderson_darling, t.anderson_darling_pvalue] == pytest.approx(e["ad"], rel=1e-10)
    assert [t.shapiro_wilk, t.shapiro_wilk_pvalue] == pytest.approx(e["shapiro"], rel=1e-10)
    assert [t.shapiro_francia, t.shapiro_francia_pvalue] == pytest.approx(e["sf"], rel=1e-10)


@cases("gof-")
def test_anderson_darling_far_from_normal(case):
    t = normality_tests(case["inputs"]["x"])
    assert t.anderson_darling == pytest.approx(case["expected"]["A"], rel=1e-10)
    assert t.anderson_darling_pvalue == pytest.approx(case["expected"]["p"], rel=1e-9)


@pytest.mark.parametrize("n", [8, 9, 11, 12, 50, 500, 5000])
def test_shapiro_wilk_against_scipy(n):
    x = np.random.default_rng(n).normal(size=n) ** 3 * 0.02 + np.random.default_rng(n + 1).normal(size=n)
    w, p = stats.shapiro(x)
    t = normality_tests(x)
    # scipy and R carry the algorithm's own polynomial digits; both are AS R94
    assert t.shapiro_wilk == pytest.approx(w, rel=1e-6)
    assert t.shapiro_wilk_pvalue == pytest.approx(p, rel=1e-3, abs=1e-9)


def test_normality_edges():
    assert normality_tests(np.random.default_rng(1).normal(size=6000)).shapiro_wilk is None
    x = np.random.default_rng(1).normal(size=40)
    far = normality_tests(x + 1e9)
    assert far.anderson_darling == pytest.approx(normality_tests(x).anderson_darling, rel=1e-5)
    assert normality_tests([*x, None], missing="drop").notes[0].code == "missing-dropped"
    assert normality_tests(np.r_[np.zeros(500), 1.0]).anderson_darling_pvalue < 1e-12
    with pytest.raises(DataError, match="all 10 values are 3"):
        normality_tests([3.0] * 10)
    with pytest.raises(TooFewData):
        normality_tests([1.0, 2.0, 3.0])
    assert "Shapiro-Wilk" in str(far) and list(far.to_frame().columns) == ["test", "statistic", "pvalue"]


def test_censored_zeros_against_a_general_optimiser():
    """The zeros count as P(X < smallest positive value): maximised by Nelder-Mead on scipy.stats' own functions."""
    x = np.round(skewed(60), 2)
    x[[3, 17]] = 0.0
    seen, edge = x[x > 0], x[x > 0].min()
    made = {
        "lognormal": lambda t: stats.lognorm(np.exp(t[1]), scale=np.exp(t[0])),
        "weibull": lambda t: stats.weibull_min(np.exp(t[1]), scale=np.exp(t[0])),
        "gamma": lambda t: stats.gamma(np.exp(t[1]), scale=np.exp(t[0])),
    }
    for name, dist in made.items():

        def loss(t, dist=dist):
            d = dist(t)
            return -d.logpdf(seen).sum() - 2 * d.logcdf(edge)

        best = optimize.minimize(loss, [1.0, 0.1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11})
        f = fit_distribution(x, name, rng=1)
        assert f.censored == 2 and "below-resolution" in [n.code for n in f.notes]
        assert f.log_likelihood == pytest.approx(-best.fun, abs=1e-7)
        assert f.quantile([0.01, 0.5, 0.99]) == pytest.approx(dist(best.x).ppf([0.01, 0.5, 0.99]), rel=1e-5)


def test_censored_boxcox_against_a_general_optimiser():
    x = np.round(skewed(60), 2)
    x[[3, 17]] = 0.0
    seen, edge = x[x > 0], x[x > 0].min()

    def loss(t):
        lam, m, s = t[0], t[1], np.exp(t[2])
        w, e = (seen**lam - 1) / lam, (edge**lam - 1) / lam
        return -(stats.norm.logpdf(w, m, s).sum() + (lam - 1) * np.log(seen).sum() + 2 * stats.norm.logcdf(e, m, s))

    best = optimize.minimize(
        loss, [0.2, 1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9999}
    )
    f = fit_distribution(x, "boxcox", rng=1)
    assert f.parameters["lambda"] == pytest.approx(best.x[0], abs=1e-5)
    assert f.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    cut = -best.fun - 0.5 * stats.chi2(1).ppf(0.95)
    for end in (f.lambda_interval.low, f.lambda_interval.high):
        held = optimize.minimize(
            lambda t, end=end: loss([end, *t]), best.x[1:], method="Nelder-Mead", options={"fatol": 1e-12}
        )
        assert -held.fun == pytest.approx(cut, abs=1e-5)


def test_thresholds_solve_cohen_and_whittens_equations():
    """Plain transcription: likelihood equations of the other two given the threshold, and the smallest value's own."""
    rng = np.random.default_rng(2)
    x = 10 + rng.weibull(1.6, 80)
    f = fit_distribution(x, "weibull3", rng=1)
    t, k, b = (f.parameters[name] for name in ("threshold", "shape", "scale"))
    shape, _, scale = stats.weibull_min.fit(x - t, floc=0)
    assert [k, b] == pytest.approx([shape, scale], rel=1e-3)
    assert t + b * len(x) ** (-1 / k) * math.gamma(1 + 1 / k) == pytest.approx(x.min(), abs=1e-9)
    x = 5 + rng.lognormal(0.0, 0.6, 80)
    f = fit_distribution(x, "lognormal3", rng=1)
    y = np.log(x - f.parameters["threshold"])
    first = optimize.brentq(  # expected smallest of n normal values, by its own integral
        lambda m: m - _first_normal(80), -5, 0
    )
    assert [f.parameters["meanlog"], f.parameters["sdlog"]] == pytest.approx([y.mean(), y.std()], rel=1e-9)
    assert math.log(x.min() - f.parameters["threshold"]) == pytest.approx(y.mean() + y.std() * first, abs=1e-8)


def _first_normal(n):
    z = np.linspace(-9, 9, 20_001)
    return float(np.trapezoid(z * n * stats.norm.pdf(z) * stats.norm.sf(z) ** (n - 1), z))


@pytest.mark.parametrize("name", ["weibull3", "lognormal3"])
def test_three_parameters_never_crash(name):
    rng = np.random.default_rng(8)
    for x in (
        rng.weibull(0.4, 60),
        np.round(rng.normal(5, 1, 60)),
        -rng.lognormal(0, 1, 60),
        np.r_[0.0, np.ones(30), 2.0],
    ):
        f = fit_distribution(x, name, rng=1)
        assert f.fitted is (f.reason is None)
        assert not f.fitted or np.isfinite(f.log_likelihood)
    left = fit_distribution(-rng.lognormal(0, 1, 200), "lognormal3", rng=1)
    assert "runs away" in left.reason and not left.adequate
    with pytest.raises(DataError, match="there is no fit"):
        left.cdf(1.0)


@pytest.mark.parametrize("name", PARAMETRIC)
def test_functions_agree_with_each_other(name):
    x = skewed()
    f = fit_distribution(x, name, rng=1)
    at = np.quantile(x, [0.01, 0.2, 0.5, 0.9, 0.99])
    assert f.cdf(at) + f.sf(at) == pytest.approx(np.ones(5), abs=1e-12)
    assert f.quantile(f.cdf(at)) == pytest.approx(at, rel=1e-8)
    h = 1e-5
    slope = (f.cdf(at + h) - f.cdf(at - h)) / (2 * h)
    assert f.pdf(at) == pytest.approx(slope, rel=1e-5)
    with pytest.raises(DataError, match="p: probabilities"):
        f.quantile([0.5, 1.0])
    assert isinstance(json.loads(f.to_json())["parameters"], dict) and f.label in str(f)
    assert f.to_frame()["family"][0] == name


@pytest.mark.parametrize(("name", "exact"), [
    ("gamma", lambda p, x: stats.gamma(p["shape"], scale=p["scale"])),
    ("weibull", lambda p, x: stats.weibull_min(p["shape"], scale=p["scale"])),
    ("lognormal", lambda p, x: stats.lognorm(p["sdlog"], scale=math.exp(p["meanlog"]))),
    ("normal", lambda p, x: stats.norm(p["mean"], p["sd"])),
])  # fmt: skip
def test_far_tails_are_finite(name, exact):
    """Where a probability underflows its logarithm does not: mpmath-grade values by scipy and by the series."""
    f = fit_distribution(skewed(), name, rng=1)
    d = exact(f.parameters, None)
    assert f.log_sf(30.0) == pytest.approx(d.logsf(30.0), rel=1e-8)
    deep = f.log_sf(1e4)
    assert np.isfinite(deep) and deep < -100
    if name == "normal":
        deep = f.log_cdf(-1e4)
    else:
        deep = f.log_cdf(1e-10)
    assert np.isfinite(deep) and deep < -20


def test_gamma_tails_against_mpmath():
    import mpmath

    from qstats.capability.nonnormal.gamma import log_gamma_cdf, log_gamma_sf

    for a, x in ((2.5, 900.0), (40.0, 1500.0), (0.3, 800.0)):
        assert log_gamma_sf(a, x) == pytest.approx(
            float(mpmath.log(mpmath.gammainc(a, x, regularized=True))), rel=1e-12
        )
    for a, x in ((50.0, 1e-5), (200.0, 1.0)):
        exact = mpmath.log(mpmath.gammainc(a, 0, x, regularized=True))
        assert log_gamma_cdf(a, x) == pytest.approx(float(exact), rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-6, 1e6), name=st.sampled_from(PARAMETRIC))
def test_scale_equivariance(scale, name):
    x = skewed(60)
    a, b = (fit_distribution(v, name, rng=1) for v in (x, scale * x))
    assert b.quantile([0.001, 0.5, 0.999]) == pytest.approx(scale * a.quantile([0.001, 0.5, 0.999]), rel=1e-6)
    assert b.anderson_darling == pytest.approx(a.anderson_darling, rel=1e-6)
    assert b.log_likelihood == pytest.approx(a.log_likelihood - 60 * math.log(scale), rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("name", ["normal", "lognormal3", "weibull3", "johnson"])
def test_far_from_zero_the_digits_stay(name):
    x = np.round(skewed(80), 2)
    a, b = (fit_distribution(v, name, rng=1) for v in (x, x + 2.0**40))
    assert b.quantile([0.01, 0.5, 0.99]) - 2.0**40 == pytest.approx(a.quantile([0.01, 0.5, 0.99]), abs=2e-3)
    assert b.pvalue == pytest.approx(a.pvalue, abs=0.02)


def test_positive_families_far_from_zero_are_normal_or_say_so():
    x = np.random.default_rng(3).normal(1e9, 1.0, 100)
    for name in ("lognormal", "weibull"):
        f = fit_distribution(x, name, rng=1)
        assert np.isfinite(f.log_likelihood)
    assert fit_distribution(x, "lognormal").pvalue == pytest.approx(
        normality_tests(x).anderson_darling_pvalue, abs=1e-4
    )
    assert "no different from the normal" in fit_distribution(x, "gamma").reason


def test_empirical_types():
    """Defect: type 6 and type 7 differ and users must know which (jasp-issues#4087); NIST prc262, 12 wafers, P90."""
    wafers = [
        95.1772,
        95.1567,
        95.1937,
        95.1959,
        95.1442,
        95.0610,
        95.1591,
        95.1195,
        95.1065,
        95.0925,
        95.1990,
        95.1682,
    ]
    for kind, expected in ((6, 95.1981), (7, 95.1957), (8, 95.1972)):
        f = fit_distribution(wafers, "empirical", quantile_type=kind)
        assert f.quantile(0.9) == pytest.approx(expected, abs=5e-5)
    assert f.cdf(95.1065) == pytest.approx(3 / 12) and f.sf(95.1065) == pytest.approx(9 / 12)
    with pytest.raises(DataError, match="no density"):
        f.pdf(95.0)


def test_refusals():
    x = [1.0, 2, 3, 4, 5, 6, 7, 9]
    with pytest.raises(DataError, match="family: got 'beta'"):
        fit_distribution(x, "beta")
    with pytest.raises(DataError, match="lam"):
        fit_distribution(x, "boxcox", lam=7)
    with pytest.raises(DataError, match="round_lambda"):
        fit_distribution(x, "boxcox", lam=1, round_lambda=True)
    with pytest.raises(DataError, match="quantile_type"):
        fit_distribution(x, "empirical", quantile_type=5)
    with pytest.raises(TooFewData):
        fit_distribution(x[:5], "normal")
    assert "not positive" in fit_distribution([-5.0, *x], "boxcox").reason
    assert Johnson(5).grid.size == 21


def test_a_sorted_sample_has_no_density():
    fit = fit_distribution([3.0, 1.0, 2.0, 4.0, 5.0, 9.0, 7.0, 8.0], "empirical")
    with pytest.raises(DataError, match="no density"):
        fit.pdf(3.0)
