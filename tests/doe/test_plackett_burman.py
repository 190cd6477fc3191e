"""Plackett-Burman designs against FrF2 (tests/reference/doe_designs.json) and the definition, for every size."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from qstats.doe.factor import Factor
from qstats.doe.screening.hadamard import hadamard
from qstats.doe.screening.plackett_burman import plackett_burman
from qstats.errors import DesignError

CASES = {
    c["id"]: c for c in json.loads((Path(__file__).parents[1] / "reference" / "doe_designs.json").read_text("utf-8"))
}


@pytest.mark.parametrize("n", range(4, 101, 4))
def test_every_size_is_orthogonal(n):
    design = plackett_burman(n - 1, runs=n, rng=1)
    x = design.coded
    assert x.shape == (n, n - 1)
    assert set(np.unique(x)) == {-1.0, 1.0}
    assert (x.T @ x == n * np.eye(n - 1)).all()
    assert (x.sum(axis=0) == 0).all()
    assert np.array_equal(hadamard(n) @ hadamard(n).T, n * np.eye(n))


@pytest.mark.parametrize("n", [24, 36, 44])
def test_first_row_and_partial_aliasing_are_those_of_FrF2(n):
    case = CASES[f"pb-{n}"]["expected"]
    x = plackett_burman(n - 1, runs=n, rng=1).coded
    assert x[0].tolist() == case["first_row"]
    # |sum of x_i x_j x_k| over the first eleven columns; FrF2 shifts the row the same way
    sums = [abs(int((x[:, i] * x[:, j] * x[:, k]).sum())) for i, j, k in itertools.combinations(range(11), 3)]
    values, counts = np.unique(sums, return_counts=True)
    assert values.tolist() == case["j3_values"]
    assert counts.tolist() == case["j3_table"]


def test_28_runs_have_the_aliasing_values_of_FrF2():
    x = plackett_burman(27, rng=1).coded
    sums = {abs(int((x[:, i] * x[:, j] * x[:, k]).sum())) for i, j, k in itertools.combinations(range(27), 3)}
    assert sums == set(CASES["pb-28"]["expected"]["j3_values"])


def test_twelve_runs_alias_by_a_third():
    """doe.md 2.2; Montgomery, DAE 8e, section 8.6.3: every interaction by +-1/3 in each of nine main effects."""
    design = plackett_burman(11, rng=1)
    x = design.coded
    for i, j in itertools.combinations(range(11), 2):
        share = (x[:, i] * x[:, j]) @ x / 12
        assert sorted(np.abs(share).round(12)) == [0.0] * 2 + [pytest.approx(1 / 3)] * 9
    assert design.notes[0].code == "partial-aliasing"
    assert "0.3333" in design.notes[0].message
    want = np.array(CASES["pb12-4"]["expected"]["design"]["values"])
    first = {tuple(r) for r in plackett_burman(4, runs=12, rng=1).coded.tolist()}
    assert first == {tuple(r) for r in want.tolist()}


def test_folding_over_frees_main_effects():
    x = plackett_burman(9, foldover=True, rng=1).coded
    pairs = np.column_stack([x[:, i] * x[:, j] for i, j in itertools.combinations(range(9), 2)])
    assert len(x) == 24
    assert (x.T @ pairs == 0).all()


def test_smallest_size_text_levels_centre_points_and_replicates():
    design = plackett_burman([Factor("a", 0, 10), Factor("b", levels=["x", "y"]), "c"], replicates=2, rng=3)
    assert len(design) == 8
    assert set(design.natural("b")) == {"x", "y"}
    assert sorted(design.replicate.tolist()) == [1] * 4 + [2] * 4
    middle = plackett_burman({"a": (0, 10), "b": (1, 3), "c": (0, 1)}, center_points=3, rng=3)
    assert middle.center.sum() == 3
    assert middle.natural("a")[middle.center].tolist() == [5.0] * 3
    assert [n.code for n in plackett_burman(7, rng=1).notes] == ["full-aliasing"]


def test_the_seed_gives_the_order_again_and_the_design_round_trips():
    a, b = plackett_burman(5, rng=8), plackett_burman(5, rng=8)
    assert a.run_order.tolist() == b.run_order.tolist()
    assert type(a).from_dict(a.to_dict()).hash == a.hash


@pytest.mark.parametrize(
    ("factors", "options", "says"),
    [
        (5, {"runs": 10}, "multiple of 4"),
        (12, {"runs": 12}, "16 or more"),
        (3, {"runs": 104}, "from 4 to 100"),
        (120, {}, "from 4 to 100"),
        ([Factor("a", levels=[1, 2, 3]), "b"], {}, "3 levels"),
        ([Factor("a", levels=["x", "y"]), "b"], {"center_points": 2}, "a: a centre point"),
        (4, {"replicates": 0}, "replicates"),
        (1, {}, "2 or more"),
    ],
)
def test_refusals(factors, options, says):
    with pytest.raises(DesignError, match=says):
        plackett_burman(factors, **options)
