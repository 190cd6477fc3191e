"""Box-Behnken designs against rsm, published run counts (Box and Behnken 1960, Table 4; doe.md 2.3) and moments."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from qstats.doe.factor import Factor
from qstats.doe.surface_designs.box_behnken import box_behnken
from qstats.errors import DesignError

CASES = {
    c["id"]: c for c in json.loads((Path(__file__).parents[1] / "reference" / "doe_designs.json").read_text("utf-8"))
}
RUNS = {3: 12, 4: 24, 5: 40, 6: 48, 7: 56, 8: 112, 9: 120, 10: 160, 11: 176, 12: 192, 16: 384}
BLOCKS = [(4, 3), (5, 2), (6, 2), (7, 2), (8, 7), (9, 2), (9, 5), (9, 10), (10, 2), (12, 2), (16, 2), (16, 6), (16, 12)]


def quadratic(x):
    pairs = [x[:, i] * x[:, j] for i, j in itertools.combinations(range(x.shape[1]), 2)]
    return np.column_stack([np.ones(len(x)), x, *pairs, x**2])


@pytest.mark.parametrize("k", RUNS)
def test_runs_moments_and_rank(k):
    design = box_behnken(k, rng=1)
    x = design.coded[~design.center]
    assert len(x) == RUNS[k]
    assert len(np.unique(x, axis=0)) == RUNS[k]
    assert set(np.unique(x)) == {-1.0, 0.0, 1.0}
    model = quadratic(design.coded)
    assert np.linalg.matrix_rank(model) == model.shape[1]
    gram = x.T @ x
    assert (gram == gram[0, 0] * np.eye(k)).all()
    together = np.array([(x[:, i] ** 2 * x[:, j] ** 2).sum() for i, j in itertools.combinations(range(k), 2)])
    assert together.min() > 0
    assert together.max() <= 2 * together.min()
    assert len(set((x != 0).sum(axis=1).tolist())) == 1


@pytest.mark.parametrize("k", [4, 7])
def test_four_and_seven_factors_are_rotatable(k):
    """Fourth moments 3 to 1 (Box and Behnken 1960): the variance depends on the distance from the centre only."""
    design = box_behnken(k, rng=1)
    inverse = np.linalg.inv(quadratic(design.coded).T @ quadratic(design.coded))
    points = np.random.default_rng(0).normal(size=(50, k))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    f = quadratic(points)
    variance = np.einsum("ij,jk,ik->i", f, inverse, f)
    np.testing.assert_allclose(variance, variance[0], rtol=1e-10)


def test_three_and_four_factors_are_those_of_rsm():
    want = CASES["bbd-k4"]["expected"]
    design = box_behnken(4, center_points=9, blocks=3, rng=1)
    rows = sorted(map(tuple, design.coded.tolist()))
    assert rows == sorted(map(tuple, want["design"]["values"]))
    assert np.bincount(design.block)[1:].tolist() == want["blocks"]
    # every block is one of rsm's blocks, factor by factor and run by run
    theirs = np.array(want["design"]["values"])
    blocks = {frozenset(map(tuple, theirs[i : i + 11].tolist())) for i in (0, 11, 22)}
    assert {frozenset(map(tuple, design.coded[design.block == b].tolist())) for b in (1, 2, 3)} == blocks


def test_six_factors_have_the_structure_of_rsm():
    want = CASES["bbd-k6"]["expected"]
    x = box_behnken(6, center_points=3, rng=1).coded
    assert len(x) == want["n"]
    assert np.diag(x.T @ x).tolist() == want["XtX_diag"]
    assert np.bincount((x != 0).sum(axis=1))[[0, 3]].tolist() == want["nonzero_per_row"]


@pytest.mark.parametrize(("k", "blocks"), BLOCKS)
def test_blocks_are_orthogonal_to_the_quadratic_model(k, blocks):
    design = box_behnken(k, blocks=blocks, rng=1)
    labels = design.block[:, None] == np.arange(1, blocks + 1)
    assert set(labels.sum(axis=0).tolist()) == {len(design) // blocks}
    model = quadratic(design.coded)
    centred = model - model.mean(axis=0)
    assert np.abs(labels.T.astype(float) @ centred).max() < 1e-9


def test_eight_factors_tell_how_interactions_correlate():
    design = box_behnken(8, rng=1)
    assert design.notes[0].code == "correlated-interactions"
    pairs = np.column_stack([design.coded[:, i] * design.coded[:, j] for i, j in itertools.combinations(range(8), 2)])
    r = np.corrcoef(pairs, rowvar=False)
    assert np.abs(r[np.triu_indices(len(r), 1)]).max() == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("factors", "options", "says"),
    [
        (13, {}, "3 to 12 or 16"),
        (2, {}, "3 to 12 or 16"),
        (3, {"blocks": 2}, "orthogonal blocks for 1"),
        (4, {"blocks": 3, "center_points": 4}, "multiple of 3"),
        ([Factor("a", levels=["x", "y", "z"]), "b", "c"], {}, "a: a Box-Behnken"),
        (4, {"center_points": 0}, "center_points"),
    ],
)
def test_refusals(factors, options, says):
    with pytest.raises(DesignError, match=says):
        box_behnken(factors, **options)
