"""Confidence region of the stationary point, curvatures and way up: coverage under the truth, by simulation."""

import math
import os
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from qstats.doe.design import make_design
from qstats.doe.factor import as_factors
from qstats.doe.fitting.door import fit
from qstats.doe.fitting.kernels.linear import fit_linear
from qstats.doe.fitting.split_plots.mixed import fit_split_plot
from qstats.doe.surface.door import response_surface, steepest_ascent
from qstats.doe.surface.place import place_of
from qstats.doe.surface.quadratic import quadratic_of
from qstats.doe.surface.stationary import stationarity

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
DRAWS = 100_000 if FULL else 4_000
SLOW = 10_000 if FULL else 200
ROOT = math.sqrt(2.0)
CCD = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1], [-ROOT, 0], [ROOT, 0], [0, -ROOT], [0, ROOT], *[[0, 0]] * 4])
TOP = np.array([0.4, -0.3])
SQUARE = np.array([[-1.0, 0.3], [0.3, -0.6]])


def truth(x):
    away = x - TOP
    return 10.0 + np.einsum("ij,jk,ik->i", away, SQUARE, away)


def model():
    design = make_design("CCD", as_factors(["a", "b"]), CCD, rng=1)
    return fit(design, truth(CCD) + 0.01 * np.arange(12.0), model="quadratic")


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_p_values_of_the_true_stationary_point_are_uniform(sigma):
    # exact at every noise level, also where the surface can hardly be told from a plane
    of, rng = model(), np.random.default_rng(20261122)
    q, x = quadratic_of(of, place_of(of, None)), of.rows(CCD)
    p = np.empty(DRAWS)
    for i in range(DRAWS):
        p[i] = stationarity(q, fit_linear(x, truth(CCD) + sigma * rng.normal(size=12)), TOP[None, :])[0]
    assert stats.kstest(p, "uniform").pvalue > 1e-4
    for level in (0.05, 0.2):
        assert abs((p < level).mean() - level) < 4.0 * math.sqrt(level * (1.0 - level) / DRAWS)


def test_the_public_region_and_the_curvatures_cover():
    of, rng = model(), np.random.default_rng(20261123)
    x, curvature = of.rows(CCD), np.sort(np.linalg.eigvalsh(SQUARE))[::-1]
    held, covered = 0, np.zeros(2)
    for _ in range(SLOW):
        fitted = fit_linear(x, truth(CCD) + 0.2 * rng.normal(size=12))
        found = response_surface(replace(of, fitted=fitted), confidence=0.9)
        held += bool(found.in_region(TOP[None, :])[0])
        covered += (found.eigenvalue_interval.low <= curvature) & (curvature <= found.eigenvalue_interval.high)
    error = math.sqrt(0.09 / SLOW)
    assert abs(held / SLOW - 0.9) < 4.0 * error
    assert (np.abs(covered / SLOW - 0.9) < 0.02 + 4.0 * error).all()  # of the delta method: near, not exact


def test_the_cone_holds_the_true_way():
    x = np.array([[a, b, c] for a in (-1.0, 1.0) for b in (-1.0, 1.0) for c in (-1.0, 1.0)] + [[0.0] * 3] * 2)
    design = make_design("2^3", as_factors(["a", "b", "c"]), x, rng=1)
    slope = np.array([1.0, 0.7, -0.4])
    of, rng = fit(design, x @ slope), np.random.default_rng(20261124)
    rows, hits = of.rows(x), 0
    for _ in range(SLOW * 5):
        fitted = fit_linear(rows, x @ slope + 0.6 * rng.normal(size=10))
        path = steepest_ascent(replace(of, fitted=fitted), radii=[1.0], confidence=0.9)
        angle = math.degrees(math.acos(min(1.0, float(path.coded[0] @ slope) / float(np.linalg.norm(slope)))))
        hits += angle <= path.cone_angle
    n = SLOW * 5
    assert abs(hits / n - 0.9) < 4.0 * math.sqrt(0.09 / n)


def test_split_plots_do_not_claim_too_much():
    # the fewest degrees of freedom of the gradient's components: on the safe side
    x = np.array([[a, b] for a in (-1, -1, 0, 0, 1, 1, 0, -1, 1) for b in (-1.0, 0.0, 1.0)])
    plot, rng = np.repeat(np.arange(1, 10), 3), np.random.default_rng(20261125)
    draws, low = (20_000 if FULL else 600), 0

    def response():
        return truth(x) + 0.3 * np.repeat(rng.normal(size=9), 3) + 0.2 * rng.normal(size=27)

    of = fit(
        make_design("split-plot", as_factors(["a", "b"]), x, rng=1, whole_plot=plot), response(), model="quadratic"
    )
    q, rows = quadratic_of(of, place_of(of, None)), of.rows(x)
    for _ in range(draws):
        low += bool(stationarity(q, fit_split_plot(rows, response(), plot), TOP[None, :])[0] < 0.05)
    assert 0.01 < low / draws < 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / draws)
