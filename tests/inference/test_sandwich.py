"""AR(1) sandwich: the formula in plain loops, its limits, and the size and power of an independent simulation."""

import numpy as np
import pytest
from scipy import stats

from qstats.inference.series.interrupted import design_matrix
from qstats.inference.series.kernels import fit_poisson
from qstats.inference.series.sandwich import ar1_sandwich

STEP = np.array([0.0, 1.0])
# two-sided size at 5 %, mean 20 a month, latent sd .25, 1,000 to 2,000 runs of an independent program (statistical
# reference of the project, "AR(1) sandwich"): (before, after, trend, latent correlation, latent sd) -> size
SIZES = {
    (12, 6, False, 0.0, 0.0): 0.025,
    (12, 6, False, 0.6, 0.25): 0.092,
    (12, 12, True, 0.3, 0.25): 0.063,
    (24, 12, False, 0.0, 0.25): 0.040,
    (24, 12, True, 0.6, 0.25): 0.102,
    (36, 24, True, 0.6, 0.25): 0.095,
}
RUNS = 1500


def loop_sandwich(y, x, beta, time):
    """The definition written out: one series, no matrix shortcuts."""
    t, p = x.shape
    mu = np.exp(x @ beta)
    r = (y - mu) / np.sqrt(mu)
    b = np.sqrt(mu)[:, None] * x
    phi = max(1.0, sum(r * r) / (t - p))
    pairs = [r[i] * r[i - 1] for i in range(1, t) if time[i] - time[i - 1] == 1]
    rho = (sum(pairs) * (t - 1) / len(pairs)) / sum(r * r)
    rho = min(max(rho + (1 + 3 * rho) / t + (p - 1) / t, 0.0), 0.95)
    corr = np.array([[rho ** abs(time[i] - time[j]) if i != j else 1.0 for j in range(t)] for i in range(t)])
    a = np.linalg.inv(b.T @ b)
    hat = b @ a @ b.T
    k = np.trace((np.eye(t) - hat) @ corr) / (t - p)
    cover = phi * a @ b.T @ corr @ b @ a / k
    return rho, cover, max(t * (1 - rho) / (1 + rho) - p, 2.0)


@pytest.mark.parametrize("gaps", [False, True])
def test_equals_the_definition(gaps):
    rng = np.random.default_rng(17)
    time = np.arange(24.0)
    if gaps:
        time = np.delete(time, [5, 6, 13])
    level = np.cumsum(rng.normal(0, 0.2, time.size))
    y = rng.poisson(30 * np.exp(level - level.mean())).astype(float)
    x = np.column_stack([np.ones(time.size), time - time.mean(), time >= 14])
    f = fit_poisson(y[None, :], np.zeros(time.size), x)
    c = np.array([0.0, 0.0, 1.0])
    got = ar1_sandwich(f, c, time)
    rho, cover, df = loop_sandwich(y, x, f.beta[0], time)
    assert rho > 0.1
    assert float(got.rho[0]) == pytest.approx(rho, rel=1e-10)
    assert float(got.se[0]) == pytest.approx(np.sqrt(cover[2, 2]), rel=1e-9)
    assert float(got.df[0]) == pytest.approx(df, rel=1e-10)
    assert float(got.estimate[0]) == float(f.beta[0, 2])


def test_without_correlation_and_scatter_it_is_the_model():
    y = np.array([[30, 31, 29, 30, 31, 29, 30, 29, 31, 30, 15, 16, 14, 15, 16, 14.0]])
    x = np.column_stack([np.ones(16), np.arange(16) >= 10])
    got = ar1_sandwich(fit_poisson(y, np.zeros(16), x), STEP)
    # alternating residuals: the correlation is floored at 0, the dispersion at 1, so the variance is 1/300 + 1/90
    assert float(got.rho[0]) == 0.0
    assert float(got.se[0]) == pytest.approx(np.sqrt(1 / 300 + 1 / 90), rel=1e-9)
    assert float(got.df[0]) == 14.0


def test_the_correlation_is_capped_and_df_never_below_two():
    t = np.arange(40.0)
    y = np.round(100 * np.exp(np.sin(2 * np.pi * t / 40)))[None, :]
    x = np.column_stack([np.ones(40), t >= 20])
    got = ar1_sandwich(fit_poisson(y, np.zeros(40), x), STEP)
    assert 0.8 < float(got.rho[0]) <= 0.95
    assert float(got.df[0]) >= 2.0


def rejected(before, after, trend, rho, sd, rr=1.0):
    rng = np.random.default_rng([before, after, trend, int(10 * rho), int(100 * rr)])
    n = before + after
    z = rng.standard_normal((RUNS, n))
    for t in range(1, n):
        z[:, t] = rho * z[:, t - 1] + np.sqrt(1 - rho**2) * z[:, t]
    late = (np.arange(n) >= before).astype(float)
    exposure = 1 + 0.15 * rng.uniform(-1, 1, n)
    mean = 20 * exposure * np.where(late > 0, rr, 1.0) * np.exp(sd * z - sd**2 / 2)
    x, _, c = design_matrix(np.arange(float(n)), late, trend=trend, slope=False, harmonics=0, period=12.0)
    got = ar1_sandwich(fit_poisson(rng.poisson(mean).astype(float), np.log(exposure), x), c)
    return float(np.mean(2 * stats.t.sf(np.abs(got.estimate / got.se), got.df) < 0.05))


@pytest.mark.calibration
@pytest.mark.parametrize(("case", "size"), list(SIZES.items()))
def test_size_is_that_of_the_reference(case, size):
    error = np.sqrt(size * (1 - size) * (1 / RUNS + 1 / 1000))
    assert rejected(*case) == pytest.approx(size, abs=3.5 * error)


@pytest.mark.calibration
def test_power_is_that_of_the_reference():
    # 36 periods, step only, averaged over means 5, 20, 100: 55 % at correlation .3; at mean 20 alone 58 to 59 %
    assert rejected(24, 12, False, 0.3, 0.25, rr=0.7) == pytest.approx(0.58, abs=0.06)
