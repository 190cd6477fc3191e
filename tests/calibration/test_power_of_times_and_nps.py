"""Planned power of mean times to a horizon, of quantiles and of the NPS against simulated studies."""

import math
import os

import numpy as np
import pytest

from qstats import compare_nps_counts, compare_quantiles, compare_times
from qstats.inference.power.quantiles import quantiles_power
from qstats.inference.power.restricted import rmst_power
from qstats.voice.nps.power import nps_power
from qstats.voice.nps.size import nps_sample_size

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
MANY = 400_000 if FULL else 20_000  # where one call does all
FEW = 6_000 if FULL else 600  # where each is a call


def error(rate: float, runs: int) -> float:
    return 4.0 * math.sqrt(rate * (1 - rate) / runs)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.mark.parametrize("measure", ["rmst_difference", "rmst_ratio"])
@pytest.mark.parametrize(
    ("n", "n0", "horizon", "shape", "watched", "intake"),
    [(150, 150, 48.0, 1.0, 24.0, 60.0), (60, 100, 30.0, 1.5, 10.0, 60.0), (200, 120, 60.0, 0.7, 0.0, 90.0)],
)
def test_planned_rmst_has_the_power(
    rng: np.random.Generator, measure: str, n: int, n0: int, horizon: float, shape: float, watched: float, intake: float
) -> None:
    """The test rejects a little more often than its level in small samples, hence two points beside the error."""
    known = {"horizon": horizon, "measure": measure}
    planned = rmst_power(20.0, 30.0, n, n0, shape=shape, watched=watched, intake=intake, **known).power

    def group(median: float, size: int) -> tuple[np.ndarray, np.ndarray]:
        time = median / math.log(2) ** (1 / shape) * rng.weibull(shape, size)
        last = watched + intake * rng.random(size)
        return np.minimum(time, last), time <= last

    hits = 0
    for _ in range(FEW):
        (t, closed), (t0, closed0) = group(20.0, n), group(30.0, n0)
        hits += compare_times(t, t0, closed=closed, closed0=closed0, **known).pvalue < 0.05
    assert hits / FEW == pytest.approx(planned, abs=0.02 + error(planned, FEW))


@pytest.mark.parametrize(
    ("q", "x", "x0", "gsd", "n", "n0"),
    [
        (0.5, 20, 26, 2.0, 100, 100),
        (0.5, 20, 30, 3.0, 60, 150),
        (0.9, 40, 60, 2.0, 40, 40),
        (0.9, 60, 40, 2.0, 100, 80),
    ],
)
def test_planned_quantiles_have_the_power(
    rng: np.random.Generator, q: float, x: float, x0: float, gsd: float, n: int, n0: int
) -> None:
    planned = quantiles_power(x, x0, n, n0, q=q, gsd=gsd).power
    sd, at = math.log(gsd), 1.2815515655446004 if q == 0.9 else 0.0
    hits = 0
    for _ in range(FEW):
        t, t0 = rng.lognormal(math.log(x) - at * sd, sd, n), rng.lognormal(math.log(x0) - at * sd, sd, n0)
        hits += compare_quantiles(t, t0, q).pvalue < 0.05
    assert hits / FEW == pytest.approx(planned, abs=0.02 + error(planned, FEW))


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
@pytest.mark.parametrize(("n", "n0", "null"), [(250, 250, 0.0), (600, 300, -5.0), (150, 900, 2.0)])
def test_nps_has_the_power(rng: np.random.Generator, n: int, n0: int, null: float, alternative: str) -> None:
    shares, shares0 = (0.21, 0.35, 0.44), (0.27, 0.35, 0.38)
    asked = {"null": null, "alternative": alternative}
    planned = nps_power(n, n0, shares=shares, shares0=shares0, **asked).power
    a, b = rng.multinomial(n, shares, MANY), rng.multinomial(n0, shares0, MANY)
    p = compare_nps_counts(*a.T, *b.T, **asked).pvalue
    assert np.mean(p < 0.05) == pytest.approx(planned, abs=0.01 + error(planned, MANY))


def test_planned_nps_margins_have_the_power(rng: np.random.Generator) -> None:
    """No worse by six points, and the same within eight, at a true difference of 0 and of one point."""
    shares, shares0 = (0.245, 0.35, 0.405), (0.25, 0.35, 0.40)
    n = int(nps_sample_size(difference=1, null=-6, alternative="greater", shares=shares0).n[0])
    a, b = rng.multinomial(n, shares, MANY), rng.multinomial(n, shares0, MANY)
    p = compare_nps_counts(*a.T, *b.T, null=-6, alternative="greater").pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=0.01 + error(0.8, MANY))
    n = int(nps_sample_size(difference=0, null=(-8, 8), shares=shares0).n[0])
    a, b = rng.multinomial(n, shares0, MANY), rng.multinomial(n, shares0, MANY)
    low = compare_nps_counts(*a.T, *b.T, null=-8, alternative="greater").pvalue
    high = compare_nps_counts(*a.T, *b.T, null=8, alternative="less").pvalue
    assert np.mean((low < 0.05) & (high < 0.05)) == pytest.approx(0.8, abs=0.01 + error(0.8, MANY))
