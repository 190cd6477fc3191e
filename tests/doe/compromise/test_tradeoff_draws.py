"""Joint draws against the theory of normal linear models, and the bound against its definition in plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import Spec
from qstats.doe import central_composite, full_factorial
from qstats.doe.compromise.draws import Draws, correlation, simulate
from qstats.doe.compromise.safe import calibrate, limits_of, multiplier, scores
from qstats.doe.compromise.surfaces import surface_of
from qstats.doe.fitting.door import fit
from qstats.errors import DataError, DesignError

MANY = 40_000


@pytest.fixture(scope="module")
def two():
    """Two responses with errors correlated within a run, on models of different size; one run is missing."""
    design = central_composite(2, kind="face", center_points=4, rng=1)
    rng = np.random.default_rng(8)
    x = np.asarray(design.coded)
    e = rng.multivariate_normal([0, 0], [[1.0, 0.8], [0.8, 1.0]], len(design))
    time = 10 - x[:, 0] + 0.3 * x[:, 1] ** 2 + 0.4 * e[:, 0]
    quality = 50 + x[:, 0] * x[:, 1] + 2.0 * e[:, 1]
    quality[3] = np.nan
    return fit(design, time, model="quadratic", name="time"), fit(design, quality, model="linear", name="quality")


def drawn(fits, many=MANY, seed=4):
    surfaces = [surface_of(f.response, f) for f in fits]
    return surfaces, *simulate(surfaces, many, np.random.default_rng(seed))


def test_truth_is_student_about_the_estimates(two):
    _, found, _, alone = drawn(two)
    assert alone == ()
    for f, d in zip(two, found, strict=True):
        z = (d.truth - f.estimate) / f.standard_error
        for column in z.T:
            assert stats.kstest(column, stats.t(f.fitted.df).cdf).pvalue > 1e-4
        # sigma: inverse chi-square
        assert stats.kstest(f.fitted.df / d.ratio**2, stats.chi2(f.fitted.df).cdf).pvalue > 1e-4


def test_a_new_experiment_is_student_about_the_truth(two):
    _, found, _, _ = drawn(two)
    for f, d in zip(two, found, strict=True):
        z = (d.again - d.truth) / (f.standard_error * d.again_ratio[:, None])
        for column in z.T:
            assert stats.kstest(column, stats.t(f.fitted.df).cdf).pvalue > 1e-4
        assert stats.kstest(f.fitted.df * (d.again_ratio / d.ratio) ** 2, stats.chi2(f.fitted.df).cdf).pvalue > 1e-4


def test_responses_are_drawn_together(two):
    _, found, r, _ = drawn(two)
    # covariance of least-squares estimates of two responses: sigma1 sigma2 r H1 H2', over the runs both have
    coded = np.asarray(two[0].design.coded)
    smoothers = []
    for f in two:
        used = ~np.isnan(f.y)
        h = np.zeros((f.estimate.size, len(coded)))
        h[:, used] = np.linalg.pinv(f.rows(coded[used]))
        smoothers.append(h)
    standard = [(d.truth - f.estimate) / (f.sigma * d.ratio[:, None]) for f, d in zip(two, found, strict=True)]
    cross = standard[0].T @ standard[1] / MANY
    assert np.abs(cross - r[0, 1] * smoothers[0] @ smoothers[1].T).max() < 5.0 / math.sqrt(MANY)
    assert r[0, 1] > 0.3


def test_correlation_of_residuals():
    e = np.random.default_rng(2).normal(size=(30, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1.0]])
    e[:, 1] *= 1e9
    r = correlation(e)
    for i in range(3):
        for j in range(3):
            assert r[i, j] == pytest.approx((e[:, i] @ e[:, j]) / math.sqrt((e[:, i] @ e[:, i]) * (e[:, j] @ e[:, j])))
    some = e.copy()
    some[:20, 0] = np.nan
    both = correlation(some)
    assert both[0, 2] == pytest.approx(
        (e[20:, 0] @ e[20:, 2]) / math.sqrt((e[20:, 0] ** 2).sum() * (e[20:, 2] ** 2).sum())
    )
    assert correlation(np.zeros((5, 2))).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    # three pairs of runs that cannot all be: the nearest possible matrix
    n = np.nan
    odd = correlation(np.array([[1, 1, n], [2, 2, n], [1, n, 1], [2, n, 2], [n, 1, -1], [n, 2, -2.0]]))
    assert np.linalg.eigvalsh(odd).min() > -1e-12 and np.diag(odd) == pytest.approx(1.0)


def test_other_distributions_are_normal_on_the_link(two):
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=2, rng=1)
    counts = fit(design, [12, 30, 9, 22, 15, 28, 7, 25], distribution="poisson", name="defects")
    _, found, r, alone = drawn([counts])
    d = found[0]
    assert np.abs(d.truth.mean(axis=0) - counts.estimate).max() < 5 * counts.standard_error.max() / math.sqrt(MANY)
    assert np.cov(d.truth.T) == pytest.approx(counts.fitted.covariance, abs=0.03 * counts.fitted.covariance.max())
    assert (d.ratio == 1.0).all() and (d.again_ratio == 1.0).all() and r.tolist() == [[1.0]] and alone == ()


def test_saturated_fits_are_refused():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, rng=1)
    with pytest.raises(DesignError, match="no degree of freedom left"):
        surface_of("y", fit(design, [1, 2, 3, 5], model="interactions"))


# ---- limits and bound ----


def test_a_limit_held_by_student_is_the_lower_bound_of_the_mean(two):
    time, quality = two
    surfaces = [surface_of("time", time), surface_of("quality", quality)]
    coded = np.random.default_rng(1).uniform(-1, 1, (50, 2))
    rows = [s.rows(coded) for s in surfaces]
    limits = limits_of(surfaces, {"quality": Spec(50.2, 53.0)}, None)
    found = scores(limits, surfaces, rows)
    t = stats.t(quality.fitted.df).ppf(0.95)
    p = quality.predict({"A": coded[:, 0], "B": coded[:, 1]}, confidence=0.9)
    assert ((found[0] >= t) == (p.interval.low >= 50.2)).all() and 0 < (found[0] >= t).sum() < 50
    assert ((found[1] >= t) == (p.interval.high <= 53.0)).all()


def test_limits_of_single_runs_allow_for_an_uncertain_sigma(two):
    surfaces = [surface_of("time", two[0])]
    coded = np.array([[0.2, 0.4]])
    rows = [surfaces[0].rows(coded)]
    limits = limits_of(surfaces, {"time": Spec(None, 12.0)}, 0.9)
    f, z = two[0], stats.norm.ppf(0.9)
    p = f.predict({"A": 0.2, "B": 0.4})
    se = math.sqrt(float(f.fitted.standard_errors(rows[0])[0]) ** 2 + z**2 * f.sigma**2 / (2 * f.fitted.df))
    assert scores(limits, surfaces, rows)[0, 0] == pytest.approx((12.0 - p.mean[0] - z * f.sigma) / se)
    # two limits share what may miss
    both = limits_of(surfaces, {"time": Spec(8.0, 12.0)}, 0.9)
    assert [limit.z for limit in both] == pytest.approx([stats.norm.ppf(0.95)] * 2)


def test_lognormal_means_and_links(two):
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=2, rng=1)
    hours = fit(design, [12, 30, 9, 22, 15, 28, 7, 25], distribution="lognormal", name="hours")
    s = surface_of("hours", hours)
    p = hours.predict({"a": 0.3, "b": 0.8})
    rows = [s.rows(np.array([[-0.4, 0.6]]))]
    assert s.predicted(rows[0])[0] == pytest.approx(p.mean[0])
    at = limits_of([s], {"hours": Spec(None, float(p.mean[0]))}, None)
    assert scores(at, [s], rows)[0, 0] == pytest.approx(0.0, abs=1e-9)
    # the log of the mean is x'b + s^2 / 2, whose variance is s^2 h + s^4 / (2 df)
    f, upper = hours.fitted, 40.0
    h = float(rows[0][0] @ f.unscaled @ rows[0][0])
    se = math.sqrt(f.sigma**2 * h + f.sigma**4 / (2 * f.df))
    room = math.log(upper) - math.log(p.mean[0])
    assert scores(limits_of([s], {"hours": Spec(None, upper)}, None), [s], rows)[0, 0] == pytest.approx(room / se)
    share = fit(design, [12, 30, 9, 22, 15, 28, 7, 25], distribution="binomial", trials=40, name="share")
    b = surface_of("share", share)
    assert limits_of([b], {"share": Spec(0.0, 1.0)}, None) == ()  # hold by nature
    assert limits_of([b], {"share": Spec(0.2, 0.9)}, None)[1].value == pytest.approx(math.log(9.0))
    for spec, word in ((Spec(1.0, None), "never above 1"), (Spec(None, 0.0), "never below 0")):
        with pytest.raises(DataError, match=word):
            limits_of([b], {"share": spec}, None)
    with pytest.raises(DataError, match="of='mean'"):
        limits_of([b], {"share": Spec(0.2, None)}, 0.9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([None, 0.9]))
def test_the_bound_by_its_definition(seed, share):
    rng = np.random.default_rng(seed)
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=2, rng=1)
    fits = [fit(design, rng.normal(size=8) + 3 * np.asarray(design.coded)[:, 0], name=n) for n in ("y", "z")]
    surfaces = [surface_of(f.response, f) for f in fits]
    coded = rng.uniform(-1, 1, (7, 2))
    rows = [s.rows(coded) for s in surfaces]
    limits = limits_of(surfaces, {"y": Spec(-1.0, 2.0), "z": Spec(0.0, None)}, share)
    draws = simulate(surfaces, 25, rng)[0]
    need, probability = calibrate(limits, surfaces, rows, draws)
    good = np.zeros(7)
    for m in range(25):
        worst = -math.inf
        for i in range(7):
            margins, standard = [], []
            for response, low, high in ((0, -1.0, 2.0), (1, 0.0, None)):
                f, d, x = fits[response], draws[response], rows[response][i]
                sides = [(1, low), (-1, high)] if high is not None else [(1, low)]
                z = 0.0 if share is None else stats.norm.ppf(1 - (1 - share) / len(sides))
                h = float(x @ f.fitted.unscaled @ x)
                true, seen = f.sigma * d.ratio[m], f.sigma * d.again_ratio[m]
                for sign, limit in sides:
                    margins.append(sign * (x @ d.truth[m] - limit) - z * true)
                    se = math.sqrt(seen**2 * h + z**2 * seen**2 / (2 * f.fitted.df))
                    standard.append((sign * (x @ d.again[m] - limit) - z * seen) / se)
            if min(margins) >= 0:
                good[i] += 1
            else:
                worst = max(worst, min(standard))
        assert need[m] == pytest.approx(worst, rel=1e-9)
    assert probability == pytest.approx(good / 25)


def test_multiplier():
    need = np.array([-np.inf, 1.0, 2.0, 3.0, 4.0] * 20)  # a fifth each
    assert multiplier(need, 0.79, 0.5) == 3.0 and multiplier(need, 0.81, 0.5) == 4.0
    assert multiplier(need, 0.79, 3.5) == 3.5  # Student's at least


def test_without_any_error_settings_are_in_or_out():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=2, rng=1)
    s = surface_of("y", fit(design, 3.0 + np.asarray(design.coded)[:, 0]))
    rows = [s.rows(np.array([[-1.0, 0.0], [0.5, 0.0], [1.0, 0.0]]))]
    limits = limits_of([s], {"y": Spec(3.25, None)}, None)
    ones, same = np.ones(10), np.tile(s.coefficients, (10, 1))
    need, probability = calibrate(limits, [s], rows, [Draws(same, ones, same, ones)])
    assert probability.tolist() == [0.0, 1.0, 1.0] and (need == -np.inf).all()
    assert scores(limits, [s], rows)[0].tolist() == [-np.inf, np.inf, np.inf]
