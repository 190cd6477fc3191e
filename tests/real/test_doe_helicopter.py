"""The helicopter data of the R package rsm, which stay outside the project: surface and path as rsm 2.10.6 has them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from qstats.doe.design import make_design
from qstats.doe.factor import as_factors
from qstats.doe.fitting.door import fit
from qstats.doe.surface.door import response_surface, steepest_ascent

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (ORACLE / "doe_analysis.json").is_file(), reason="no ../shared/oracle beside the checkout"),
]
NAMES = ["x1", "x2", "x3", "x4"]


@pytest.fixture(scope="module")
def cases():
    held = json.loads((ORACLE / "doe_analysis.json").read_text(encoding="utf-8"))
    return {c["id"]: c["expected"] for c in (held if isinstance(held, list) else held["cases"])}


def helicopter(response):
    with (ORACLE / "data" / "rsm_heli.csv").open(encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    x = [[float(r[name]) for name in NAMES] for r in rows]
    design = make_design("CCD", as_factors(NAMES), x, rng=1, block=[int(r["block"]) for r in rows])
    return fit(design, [float(r[response]) for r in rows], model="quadratic", name=response)


@pytest.mark.parametrize(("case", "response"), [("rsm-heli-so", "ave"), ("rsm-heli-so-sd", "logSD")])
def test_canonical_analysis(cases, case, response):
    want, found = cases[case], response_surface(helicopter(response))
    assert found.coded.tolist() == pytest.approx(want["xs"], rel=1e-9)
    assert found.eigenvalues.tolist() == pytest.approx(want["eig"], rel=1e-9)
    np.testing.assert_allclose(np.abs(found.eigenvectors), want["vec_abs"]["values"], rtol=1e-7)
    assert found.nature == "saddle"


def test_ridge_path(cases):
    want = np.array(cases["rsm-heli-path"]["steep"]["values"])
    of = helicopter("ave")
    path = steepest_ascent(of, radii=np.arange(0.0, 3.1, 0.5))
    np.testing.assert_allclose(path.coded, want[:, :4], atol=5.1e-4)
    # rsm predicts in block 1, which is half the block effect (-2.95) above the average of both; at rounded settings
    np.testing.assert_allclose(path.predicted, want[:, 4] - 2.95 / 2, atol=0.03)
    np.testing.assert_allclose(path.predicted[:2], want[:2, 4] - 2.95 / 2, atol=0.006)
