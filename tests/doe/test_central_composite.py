"""Central composite designs against rsm (tests/reference/doe_designs.json), formulas and the definition."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from qstats.doe.factor import Factor
from qstats.doe.surface_designs.central_composite import axial_distance, central_composite
from qstats.errors import DataError, DesignError

CASES = {
    c["id"]: c for c in json.loads((Path(__file__).parents[1] / "reference" / "doe_designs.json").read_text("utf-8"))
}


def quadratic(x):
    pairs = [x[:, i] * x[:, j] for i, j in itertools.combinations(range(x.shape[1]), 2)]
    return np.column_stack([np.ones(len(x)), x, *pairs, x**2])


@pytest.mark.parametrize(
    ("case", "k", "alpha"),
    [
        ("ccd-k2-orthogonal", 2, "orthogonal"),
        ("ccd-k2-spherical", 2, "spherical"),
        ("ccd-k3-rotatable", 3, "rotatable"),
        ("ccd-k3-orthogonal", 3, "orthogonal"),
        ("ccd-k5-orthogonal", 5, "orthogonal"),
    ],
)
def test_designs_of_rsm(case, k, alpha):
    want = CASES[case]["expected"]
    design = central_composite(k, alpha=alpha, blocks=2, center_points=(3, 3), rng=1)
    assert len(design) == want["n"]
    assert np.abs(design.coded).max() == pytest.approx(want["alpha"], rel=1e-14)
    assert np.bincount(design.block)[1:].tolist() == want["block_sizes"]
    if want.get("design"):
        ours = sorted(tuple(r) for r in (design.coded.round(10) + 0.0).tolist())
        theirs = sorted(tuple(r) for r in (np.array(want["design"]["values"]).round(10) + 0.0).tolist())
        assert ours == theirs


def test_formulas_of_the_axial_distance():
    """doe.md 2.3: k=3, F=8, 4 and 2 centre runs: 1.633. Montgomery, DAE 8e, 11.4.2: (8)^(1/4) = 1.682."""
    assert axial_distance("orthogonal", 3, 8, star=1, center_cube=4, center_star=2) == pytest.approx(np.sqrt(8 / 3))
    assert axial_distance("rotatable", 3, 8, star=1) == pytest.approx(1.681792830507429)
    assert axial_distance("rotatable", 5, 16, star=1) == 2.0
    assert axial_distance("spherical", 4, 16, star=1) == 2.0
    assert axial_distance("practical", 4, 16, star=1) == pytest.approx(np.sqrt(2))
    assert axial_distance(1.3, 4, 16, star=1) == 1.3


@pytest.mark.parametrize(("cubes", "stars"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_rotatable_means_the_variance_depends_on_distance_only(cubes, stars):
    design = central_composite(3, cube_replicates=cubes, star_replicates=stars, rng=1)
    inverse = np.linalg.inv(quadratic(design.coded).T @ quadratic(design.coded))
    points = np.random.default_rng(0).normal(size=(40, 3))
    f = quadratic(points / np.linalg.norm(points, axis=1, keepdims=True))
    variance = np.einsum("ij,jk,ik->i", f, inverse, f)
    np.testing.assert_allclose(variance, variance[0], rtol=1e-9)


@pytest.mark.parametrize(("k", "blocks"), [(2, 2), (3, 2), (3, 3), (4, 3), (5, 3), (5, 5), (6, 5)])
@pytest.mark.parametrize("stars", [1, 2])
def test_orthogonal_blocks(k, blocks, stars):
    design = central_composite(k, alpha="orthogonal", blocks=blocks, star_replicates=stars, rng=1)
    labels = design.block[:, None] == np.arange(1, blocks + 1)
    model = quadratic(design.coded)
    assert np.abs(labels.T.astype(float) @ (model - model.mean(axis=0))).max() < 1e-9
    assert "blocks-not-orthogonal" not in [n.code for n in design.notes]


def test_blocks_that_are_not_orthogonal_say_so():
    codes = [n.code for n in central_composite(3, blocks=2, rng=1).notes]
    assert "blocks-not-orthogonal" in codes


def test_uncorrelated_squares():
    """Box and Hunter 1957: squares, once centred, are orthogonal."""
    design = central_composite(4, alpha="uncorrelated", center_points=(3, 2), rng=1)
    squares = design.coded**2
    r = np.corrcoef(squares, rowvar=False)
    assert np.abs(r - np.eye(4)).max() < 1e-12


# Runs of the smallest two-level designs of resolution V: doe.md 3.1, FrF2 (FrF2-res-k7-R5, FrF2-res-k8-R5)
@pytest.mark.parametrize(("k", "runs"), [(4, 16), (5, 16), (6, 32), (7, 64), (8, 64), (9, 128), (10, 128), (11, 128)])
def test_smallest_cube_of_resolution_five(k, runs):
    design = central_composite(k, fraction="smallest", center_points=1, rng=1)
    assert len(design) == runs + 2 * k + 1
    cube = design.coded[:runs]
    second = quadratic(cube)[:, : 1 + k + k * (k - 1) // 2]
    assert (second.T @ second == runs * np.eye(second.shape[1])).all()


def test_half_of_five_factors_has_26_runs_beside_centres():
    """doe.md 2.6, fault 9: pyDOE3 takes 42."""
    design = central_composite(5, fraction="half", rng=1)
    assert int((~design.center).sum()) == 26


@pytest.mark.parametrize(("k", "cube"), [(3, 4), (4, 8), (5, 12), (6, 16), (7, 24)])
def test_small_composite_designs_support_the_quadratic_model(k, cube):
    """Sizes of Hartley 1959 and Draper and Lin 1990 (before duplicate runs are dropped)."""
    design = central_composite(k, kind="small", center_points=(1, 0), rng=1)
    assert len(design) == cube + 2 * k + 1
    model = quadratic(design.coded)
    assert np.linalg.matrix_rank(model) == model.shape[1]
    assert "small-cube" in [n.code for n in design.notes]


def test_kinds_keep_to_the_limits_or_not():
    factors = {"speed": (20, 60), "heat": (150, 190)}
    out = central_composite(factors, rng=1)
    assert out.natural("speed").max() == pytest.approx(40 + 20 * np.sqrt(2))
    assert out.notes[0].code == "beyond-limits"
    inside = central_composite(factors, kind="inscribed", rng=1)
    assert np.abs(inside.coded).max() == 1.0
    np.testing.assert_allclose(inside.coded * np.sqrt(2), out.coded, atol=1e-12)
    face = central_composite(factors, kind="face", rng=1)
    assert set(np.unique(face.coded)) == {-1.0, 0.0, 1.0}
    assert int(face.center.sum()) == 6


@pytest.mark.parametrize(
    ("factors", "options", "says"),
    [
        (4, {"fraction": "half"}, "below resolution V"),
        (6, {"fraction": "quarter"}, "below resolution V"),
        (3, {"fraction": "third"}, "fraction"),
        (2, {"blocks": 3}, "mixed with"),
        (3, {"blocks": 4}, "2, 4, 8"),
        (3, {"kind": "face", "alpha": 1.5}, "stands at 1"),
        (3, {"kind": "inscribed", "alpha": 0.5}, "1 or more"),
        (3, {"kind": "small", "blocks": 3}, "small"),
        (3, {"center_points": (1, 2, 3)}, "center_points"),
        ([Factor("a", levels=[1, 2, 3]), "b"], {}, "wants ranges"),
        (18, {}, "at most 17"),
        (
            2,
            {"alpha": 1.0, "center_points": 0, "fraction": "full", "kind": "circumscribed", "cube_replicates": 0},
            "cube",
        ),
    ],
)
def test_refusals(factors, options, says):
    with pytest.raises(DesignError, match=says):
        central_composite(factors, **options)


def test_without_centre_points_a_rotatable_design_of_two_factors_cannot_be_fitted():
    with pytest.raises(DesignError, match="5 of the 6 coefficients"):
        central_composite(2, center_points=0)
    with pytest.raises(DataError, match="alpha"):
        central_composite(2, alpha="far")
