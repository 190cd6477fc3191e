"""Kernels on data shipped with R packages; skipped where the oracle files are not beside the checkout."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from qstats.spc.kernels.hotelling import individuals_covariance, t2_limit, t2_rows
from qstats.spc.kernels.multivariate import mcusum, mewma
from qstats.spc.kernels.recursions import cusum, ewma, ewma_variance
from qstats.spc.kernels.sigma import SUBGROUP_SIGMA
from qstats.spc.kernels.subgroups import Subgroups, summarise

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (ORACLE / "charts_timeweighted_multivariate.json").is_file(),
        reason="no ../shared/oracle beside the checkout",
    ),
]
QCC = {"UWAVE-R": "rbar", "UWAVE-SD": "sbar", "MVLUE-R": "mvlue_r", "MVLUE-SD": "mvlue_s", "RMSDF": "pooled"}


def read(name):
    return {c["id"]: c for c in json.loads((ORACLE / name).read_text(encoding="utf-8"))}


def table(name):
    with (ORACLE / "data" / name).open(encoding="utf-8") as f:
        return list(csv.DictReader(f))


@pytest.fixture(scope="module")
def cases():
    return read("charts_timeweighted_multivariate.json")


@pytest.fixture(scope="module")
def rings():
    return np.array([float(r["diameter"]) for r in table("pistonrings.csv")])


def variables(p):
    return np.array([[float(r[f"v{i + 1}"]) for i in range(p)] for r in table(f"mv_p{p}.csv")[:50]])


@pytest.mark.parametrize("name", QCC)
def test_piston_rings_sigma(rings, name):
    want = read("charts_shewhart.json")[f"xbar-pistonrings-{name}"]["expected"]["std.dev"]
    groups = Subgroups(rings[:125], 5)
    constants = "table" if name.endswith("-R") else "exact"  # qcc's d2 has three decimals
    got = SUBGROUP_SIGMA[QCC[name]].estimate(summarise(groups), groups, constants)
    assert got.sigma == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("lam", ["0.05", "0.2", "0.4", "1"])
def test_piston_rings_ewma(cases, rings, lam):
    want = cases[f"ewma-piston-l{lam}-L3"]["expected"]
    means = summarise(Subgroups(rings, 5), ("mean",)).mean
    z, _ = ewma(means, float(lam), center=want["center"])
    np.testing.assert_allclose(z, want["ewma"], rtol=1e-13)
    width = 3 * want["std.dev"] / np.sqrt(5) * np.sqrt(ewma_variance(float(lam), np.arange(1, 41)))
    upper = np.array(want["limits"]["values"])[:, 1]
    np.testing.assert_allclose(want["center"] + width, upper, rtol=1e-12)


@pytest.mark.parametrize("shift", ["0.5", "1", "2"])
def test_piston_rings_cusum(cases, rings, shift):
    want = cases[f"cusum-piston-h5-s{shift}"]["expected"]
    means = summarise(Subgroups(rings, 5), ("mean",)).mean
    error = want["std.dev"] / np.sqrt(5)
    up, low, _ = cusum((means - want["center"]) / error, 0.0, float(shift) / 2)
    np.testing.assert_allclose(up, want["pos"], atol=1e-9)
    np.testing.assert_allclose(low, -np.array(want["neg"]), atol=1e-9)


@pytest.mark.parametrize("p", [3, 5, 8])
def test_boiler_t2(cases, p):
    want = cases[f"mqcc-boiler-{p}"]["expected"]
    x = np.array([[float(r[f"t{i + 1}"]) for i in range(p)] for r in table("boiler.csv")])
    location = individuals_covariance(x)
    np.testing.assert_allclose(location.cov, want["cov"]["values"], rtol=1e-11)
    np.testing.assert_allclose(t2_rows(x, location.mean, location.cov), want["statistics"], rtol=1e-9)
    alpha = 1 - (1 - 0.0027) ** p
    assert t2_limit(alpha, p, "individuals", 25) == pytest.approx(want["limits"]["values"][0][1], rel=1e-9)
    assert t2_limit(alpha, p, "new individuals", 25) == pytest.approx(want["pred.limits"]["values"][0][1], rel=1e-9)


@pytest.mark.parametrize("p", [2, 3, 4])
def test_msqc(cases, p):
    # MSQC rounds what it returns to two decimals; its method "sw" is the sample covariance
    x = variables(p)
    location = individuals_covariance(x)
    for kind, t2 in (
        ("t2", t2_rows(x, location.mean, location.cov)),
        ("mewma", mewma(x, location.mean, location.cov, 0.1)[1]),
        ("mcusum", mcusum(x, location.mean, location.cov, 0.5)[0]),
    ):
        np.testing.assert_allclose(t2, cases[f"MSQC-{kind}-p{p}"]["expected"]["stat"], atol=0.00501)
    assert t2_limit(0.01, p, "individuals", 50) == pytest.approx(cases[f"MSQC-t2-p{p}"]["expected"]["ucl"], abs=0.00501)
    assert t2_limit(0.01, p, "known") == pytest.approx(cases[f"MSQC-chi-p{p}"]["expected"]["ucl"], abs=0.00501)


def test_mewma_by_its_recursion(cases):
    x = variables(3)
    location = individuals_covariance(x)
    _, t2, _ = mewma(x, location.mean, location.cov, 0.1)
    np.testing.assert_allclose(t2, cases["mewma-exact-p3"]["expected"]["t2_exactcov"], rtol=1e-9)
