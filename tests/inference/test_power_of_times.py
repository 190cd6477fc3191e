"""Power of mean times to a horizon and of quantiles: closed forms, mpmath, plain loops over order statistics."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import DataError, means_power, survival_curve
from qstats.inference.power.quantiles import quantiles_power, quantiles_sample_size
from qstats.inference.power.restricted import rmst_power, rmst_sample_size


def _normal(gap: float, se: float, error: float = 0.025) -> float:
    z = stats.norm.isf(error)
    return float(stats.norm.sf(z - gap / se) + stats.norm.cdf(-z - gap / se))


@pytest.mark.parametrize("horizon", [5.0, 48.0, 1e6])
def test_watched_to_the_end_it_is_the_mean_of_cut_times(horizon: float) -> None:
    # closed forms of an exponential time cut at the horizon: E = (1 - e^-a)/l, E X^2 = 2/l^2 (1 - e^-a (1 + a))
    means, variances = [], []
    for median in (20.0, 30.0):
        rate = math.log(2) / median
        a = rate * horizon
        mean = -math.expm1(-a) / rate
        means.append(mean)
        variances.append(2 / rate**2 * (1 - math.exp(-a) * (1 + a)) - mean**2)
    r = rmst_power(20.0, 30.0, 300, 200, horizon=horizon)
    assert (r.assumed["mean"], r.assumed["mean0"]) == pytest.approx(means, rel=1e-12)
    assert (r.assumed["sd"] ** 2, r.assumed["sd0"] ** 2) == pytest.approx(variances, rel=1e-9)
    se = math.sqrt(variances[0] / 300 + variances[1] / 200)
    assert r.power == pytest.approx(_normal(means[0] - means[1], se), abs=1e-9)
    sd = (math.sqrt(v) for v in variances)
    t = means_power(means[0] - means[1], next(sd), 300, 200, sd0=next(sd))
    assert r.power == pytest.approx(t.power, abs=0.01)


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 2.5])
@pytest.mark.parametrize(("horizon", "watched", "intake"), [(30.0, 10.0, 60.0), (48.0, 0.0, 50.0), (12.0, 12.0, 90.0)])
def test_censored_variance_by_mpmath(shape: float, horizon: float, watched: float, intake: float) -> None:
    # the definition with 20 digits: integral of A(t)^2 f(t) / (S(t)^2 G(t)), opened evenly over the intake
    scale = 20 / mpmath.log(2) ** (1 / mpmath.mpf(shape))

    def alive(t: mpmath.mpf) -> mpmath.mpf:
        return mpmath.exp(-((t / scale) ** shape))

    def integrand(y: mpmath.mpf) -> mpmath.mpf:
        t = horizon * y**12  # takes the infinite hazard at 0 away
        seen = min(mpmath.mpf(1), (watched + intake - t) / intake)
        k = mpmath.mpf(1) / shape
        high, low = (horizon / scale) ** shape, (t / scale) ** shape
        area = scale / shape * mpmath.gammainc(k, low, high)
        density = shape / scale * (t / scale) ** (shape - 1)
        return area**2 * density / alive(t) / seen * horizon * 12 * y**11

    with mpmath.workdps(20):
        cut = (mpmath.mpf(watched) / horizon) ** (mpmath.mpf(1) / 12)
        variance = mpmath.quad(integrand, [0, cut, 1] if 0 < cut < 1 else [0, 0.7, 1])
    r = rmst_power(20.0, 25.0, 100, 100, horizon=horizon, shape=shape, watched=watched, intake=intake)
    assert r.assumed["sd"] == pytest.approx(float(mpmath.sqrt(variance)), rel=1e-7)


def test_a_pilot_gives_its_own_error_back() -> None:
    # without further censoring n times Greenwood's variance of a pilot that all ended is that of the cut times
    time = np.array([1.0, 2.0, 2.0, 5.0, 7.0, 9.0, 12.0, 15.0, 30.0, 44.0])
    curve = survival_curve(time)
    cut = np.minimum(time, 20.0)
    r = rmst_power(curve, 15.0, 80, 80, horizon=20.0)
    assert r.assumed["mean"] == pytest.approx(cut.mean(), rel=1e-12)
    assert r.assumed["sd"] == pytest.approx(cut.std(), rel=1e-12)
    # planned censoring divides each step by the share still watched; loop over the definition
    watched, intake, s, total = 5.0, 40.0, 1.0, 0.0
    for t in sorted(set(cut[cut < 20.0])):
        after = float(np.mean(time > t))
        edges = [t, *sorted({v for v in time if t < v < 20.0}), 20.0]
        area = sum(float(np.mean(time > a)) * (b - a) for a, b in itertools.pairwise(edges))
        share = min(1.0, (watched + intake - t) / intake)
        total += area**2 * (s - after) / (s * after * share)
        s = after
    r = rmst_power(curve, 15.0, 80, 80, horizon=20.0, watched=watched, intake=intake)
    assert r.assumed["sd"] == pytest.approx(math.sqrt(total), rel=1e-12)


def test_rmst_ratio_margins_and_equivalence() -> None:
    r = rmst_power(20.0, 30.0, 150, 120, horizon=48.0, measure="rmst_ratio")
    m, m0, s, s0 = (r.assumed[k] for k in ("mean", "mean0", "sd", "sd0"))
    se = math.hypot(s / m / math.sqrt(150), s0 / m0 / math.sqrt(120))
    assert r.power == pytest.approx(_normal(math.log(m / m0), se), abs=1e-12)
    # no worse by 3: one-sided z test at a true difference of 0
    r = rmst_power(20.0, 20.0, 400, 400, horizon=48.0, null=3.0, alternative="less")
    se = r.assumed["sd"] * math.sqrt(2 / 400)
    assert r.power == pytest.approx(float(stats.norm.sf(stats.norm.isf(0.05) - 3.0 / se)), abs=1e-12)
    r = rmst_power(20.0, 20.0, 900, 900, horizon=48.0, null=(-3.0, 3.0))
    se = r.assumed["sd"] * math.sqrt(2 / 900)
    assert r.power == pytest.approx(2 * float(stats.norm.sf(stats.norm.isf(0.05) - 3.0 / se)) - 1, abs=1e-12)
    assert r.alternative == "equivalence"


@given(st.floats(5, 60), st.floats(0.5, 3), st.sampled_from([0.6, 0.8, 0.95]), st.sampled_from([0.5, 1.0, 3.0]))
@settings(max_examples=25)
def test_planned_size_is_the_smallest(median: float, shape: float, power: float, ratio: float) -> None:
    known = {"horizon": 40.0, "shape": shape, "watched": 20.0, "intake": 50.0}
    try:
        r = rmst_sample_size(median, 30.0, power=power, size_ratio=ratio, **known)
    except DataError as error:
        assert abs(median - 30.0) < 0.5 or "no case" in str(error)
        return
    assert r.power >= power
    assert r.size == max(2, math.ceil(ratio * r.size0 - 1e-9))
    if r.size0 > 3:
        n0 = r.size0 - 1
        assert rmst_power(median, 30.0, max(2, math.ceil(ratio * n0 - 1e-9)), n0, **known).power < power


def test_rmst_notes() -> None:
    assert rmst_power(20.0, 30.0, 5, 5, horizon=30.0).notes[0].code == "few-ends"
    r = rmst_power(20.0, 30.0, 40, 40, horizon=49.0, watched=0.0, intake=50.0)
    assert r.notes[0].code == "horizon-out-of-reach"
    assert not rmst_power(20.0, 30.0, 200, 200, horizon=30.0).notes


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((20.0, 30.0, 50, 50), {"horizon": 60.0, "watched": 10.0, "intake": 50.0}, "watched for 60"),
        ((20.0, 30.0, 50, 50), {"horizon": 60.0, "watched": 10.0}, "watched for 10"),
        ((20.0, 30.0, 50, 50), {"horizon": 60.0, "intake": 10.0}, "without watched"),
        ((20.0, 30.0, 50, 50), {"horizon": 0.0}, "horizon"),
        ((20.0, 30.0, 50, 50), {"horizon": 9.0, "null": 9.5}, "null"),
        ((20.0, 30.0, 50, 50), {"horizon": 9.0, "measure": "rmst_ratio", "null": 0.0}, "null"),
        ((20.0, 30.0, 50, 50), {"horizon": 9.0, "measure": "median"}, "measure"),
        ((-1.0, 30.0, 50, 50), {"horizon": 9.0}, "expected: got -1"),
        ((20.0, 30.0, 50, 50), {"horizon": 1.0, "shape": 99.0}, "no case is expected to end"),
        ((20.0, 30.0, 1, 50), {"horizon": 9.0}, "n: got 1"),
        ((20.0, "a", 50, 50), {"horizon": 9.0}, "expected0"),
    ],
)
def test_rmst_bad_input(args: tuple[object, ...], kwargs: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        rmst_power(*args, **kwargs)


def test_no_size_shows_what_is_not_there() -> None:
    with pytest.raises(DataError, match="no size shows"):
        rmst_sample_size(20.0, 20.0, horizon=30.0)
    with pytest.raises(DataError, match="no size shows"):
        quantiles_sample_size(20.0, 20.0, gsd=2.0)


@pytest.mark.parametrize("q", [0.25, 0.5, 0.9])
def test_quantiles_of_large_samples_are_normal(q: float) -> None:
    # Serfling (1980), 2.3.3: variance q (1 - q) / (n f^2) with the lognormal density of scipy
    n, n0, sd = 40_000, 30_000, math.log(2.5)
    z = stats.norm.ppf(q)
    x, x0 = 40.0, 41.5
    f, f0 = (stats.lognorm(sd, scale=v / math.exp(sd * z)).pdf(v) for v in (x, x0))
    se = math.sqrt(q * (1 - q) * (1 / (n * f**2) + 1 / (n0 * f0**2)))
    r = quantiles_power(x, x0, n, n0, q=q, gsd=2.5)
    assert r.assumed["density"] == pytest.approx(f, rel=1e-12)
    assert r.power == pytest.approx(_normal(x - x0, se), abs=0.006)
    r = quantiles_power(x, x0, n, n0, q=q, density=f, density0=f0)
    assert r.power == pytest.approx(_normal(x - x0, se), abs=0.006)
    huge = quantiles_power(x, x - 0.02, 10**8, 10**8, q=q, density=f)
    se = math.sqrt(q * (1 - q) * 2 / (1e8 * f**2))
    assert huge.power == pytest.approx(_normal(0.02, se), abs=1e-9)


@pytest.mark.parametrize(("q", "n", "n0", "x", "x0"), [(0.5, 60, 90, 20.0, 28.0), (0.9, 80, 120, 60.0, 40.0)])
def test_quantiles_by_drawn_order_statistics(q: float, n: int, n0: int, x: float, x0: float) -> None:
    """A plain simulation of whole samples, ranks solved by scipy: what the lattice integrates."""
    sd, z, rng, runs = math.log(2.0), stats.norm.ppf(q), np.random.default_rng(4), 40_000
    reach, value = [], []
    for m, median in ((n, x / math.exp(sd * z)), (n0, x0 / math.exp(sd * z))):
        data = np.sort(rng.lognormal(math.log(median), sd, (runs, m)), axis=1)
        from_low = stats.binom(m, q)
        grid = np.arange(1.0, m, 0.001)
        r = grid[np.argmin(np.abs(stats.beta(grid, m + 1 - grid).sf(q) - 0.025))]
        s = grid[np.argmin(np.abs(stats.beta(grid, m + 1 - grid).cdf(q) - 0.025))]
        assert from_low.cdf(int(r) - 1) < 0.03  # the ranks are where the binomial has them

        def at(rank: float, data: np.ndarray = data) -> np.ndarray:
            i = int(rank)
            return data[:, i - 1] * (1 - rank + i) + data[:, i] * (rank - i)

        value.append(np.quantile(data, q, axis=1, method="median_unbiased"))
        reach.append((value[-1] - at(r), at(s) - value[-1]))
    d = value[0] - value[1]
    shown = (d - np.hypot(reach[0][0], reach[1][1]) > 0) | (d + np.hypot(reach[0][1], reach[1][0]) < 0)
    planned = quantiles_power(x, x0, n, n0, q=q, gsd=2.0).power
    assert planned == pytest.approx(shown.mean(), abs=0.02)


def test_too_few_values_for_a_limit_have_no_power() -> None:
    # 0.9**28 = 0.052 > 0.025: no upper limit of the 0.9 quantile of 28 values, so no rise below it can be shown
    assert quantiles_power(400.0, 40.0, 28, 28, q=0.9, gsd=1.5).power == 0.0
    assert quantiles_power(400.0, 40.0, 36, 36, q=0.9, gsd=1.5).power > 0.5  # 0.9**36 = 0.0225
    # one-sided the upper limit of the group alone has to exist
    assert quantiles_power(40.0, 400.0, 28, 5, q=0.9, gsd=1.5, alternative="less").power == 0.0
    assert quantiles_power(40.0, 400.0, 36, 5, q=0.9, gsd=1.5, alternative="less").power > 0.1


def test_quantiles_margin_equivalence_and_mirror() -> None:
    one = quantiles_power(20.0, 20.0, 300, 300, gsd=2.0, null=4.0, alternative="less")
    both = quantiles_power(20.0, 20.0, 300, 300, gsd=2.0, null=(-4.0, 4.0))
    other = quantiles_power(20.0, 20.0, 300, 300, gsd=2.0, null=-4.0, alternative="greater")
    assert both.power == pytest.approx(one.power + other.power - 1, abs=1e-9)
    assert one.power > 0.5
    swapped = quantiles_power(30.0, 20.0, 70, 110, gsd=2.0, gsd0=2.5).power
    assert quantiles_power(20.0, 30.0, 110, 70, gsd=2.5, gsd0=2.0).power == pytest.approx(swapped, abs=0.003)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_quantiles_planned_size(q: float) -> None:
    r = quantiles_sample_size(30.0, 20.0, q=q, gsd=2.0, size_ratio=2.0)
    assert r.size == 2 * r.size0
    assert r.power >= 0.8
    assert quantiles_power(30.0, 20.0, 2 * r.size0 - 2, r.size0 - 1, q=q, gsd=2.0).power < 0.8
    assert (np.diff(r.grid_power) > 0).all()


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((20.0, 30.0, 50, 50), {}, "give one of them"),
        ((20.0, 30.0, 50, 50), {"gsd": 2.0, "density": 0.1}, "give one of them"),
        ((20.0, 30.0, 50, 50), {"gsd": 2.0, "gsd0": 2.0, "density0": 0.1}, "gsd0, density0"),
        ((20.0, 30.0, 50, 50), {"gsd": 1.0}, "gsd: got 1"),
        ((-20.0, 30.0, 50, 50), {"gsd": 2.0}, "quantile: got -20"),
        ((20.0, 30.0, 50, 50), {"density": 0.0}, "density"),
        ((20.0, 30.0, 50, 50), {"gsd": 2.0, "q": 1.0}, "q"),
        ((20.0, 30.0, 50.5, 50), {"gsd": 2.0}, "whole"),
    ],
)
def test_quantiles_bad_input(args: tuple[float, ...], kwargs: dict[str, float], says: str) -> None:
    with pytest.raises(DataError, match=says):
        quantiles_power(*args, **kwargs)
