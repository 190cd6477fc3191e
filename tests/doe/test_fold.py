"""Fold-over and semifold."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qstats.doe.alias import alias_structure
from qstats.doe.factor import Factor
from qstats.doe.factorial import full_factorial
from qstats.doe.fractions import fractional_factorial
from qstats.doe.fractions.fold import fold_over
from qstats.errors import QStatsError

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "doe_fractions.json").read_text())["cases"]
}


def plain_pattern(x: np.ndarray) -> list[int]:
    n, k = x.shape
    return [
        sum(abs(np.prod(x[:, some], axis=1).sum()) == n for some in itertools.combinations(range(k), size))
        for size in range(1, k + 1)
    ]


def test_seven_in_eight_folded_as_in_r() -> None:
    d = fold_over(fractional_factorial(7, runs=8, rng=1), rng=1)
    # FrF2's pattern counts the column that tells the halves apart
    x = np.column_stack([np.where(d.block == 1, -1.0, 1.0), d.coded])
    assert [1, *plain_pattern(x)] == CASES["FrF2-fold"]["expected"]["gwlp"]
    assert (len(d), d.resolution, d.blocks) == (16, 4, 2)
    assert len(d.defining_relation) == 7 and all(len(w) == 4 for w in d.defining_relation)


def test_old_runs_come_first_and_are_unchanged() -> None:
    old = fractional_factorial({"a": (0, 1), "b": ["x", "y"], "c": (5, 6)}, runs=4, center_points=1, rng=4)
    d = fold_over(old, rng=5)
    np.testing.assert_array_equal(d.coded[: len(old)], old.coded)
    assert d.run_order[: len(old)].tolist() == old.run_order.tolist()
    assert sorted(d.run_order.tolist()) == list(range(2 * len(old)))
    assert d.block.tolist() == [1] * len(old) + [2] * len(old)
    rows = ~d.center
    swapped = {"x": "y", "y": "x"}
    assert d.natural("b")[rows][4:].tolist() == [swapped[v] for v in d.natural("b")[rows][:4]]
    assert int(d.center.sum()) == 2 * int(old.center.sum())
    again = type(d).from_dict(json.loads(d.to_json()))
    assert again.hash == d.hash


def test_one_factor_comes_clear_of_everything() -> None:
    # Box & Hunter 1961: folding on one factor frees its main effect and all its interactions
    d = fold_over(fractional_factorial(7, runs=8, rng=1), on="A", rng=1)
    assert all("A" not in word for word in d.defining_relation)
    clear = alias_structure(d).clear_effects
    assert "A" in clear and {"AB", "AC", "AD", "AE", "AF", "AG"} <= set(clear)


def test_best_plan_is_best_of_all() -> None:
    old = fractional_factorial(6, runs=16, rng=1)
    best = plain_pattern(fold_over(old, on="best", rng=1).coded)
    every = []
    for size in range(1, 7):
        for some in itertools.combinations(range(6), size):
            flipped = np.array(old.coded)
            flipped[:, some] *= -1
            both = np.concatenate([old.coded, flipped])
            if len(np.unique(both, axis=0)) == 32:
                every.append(plain_pattern(both))
    assert best == min(every)


def test_semifold() -> None:
    old = fractional_factorial(6, runs=16, rng=1)
    d = fold_over(old, on="A", semi=True, keep={"B": 1}, rng=1)
    assert (len(d), d.kind, d.resolution) == (24, "semifold", None)
    assert set(d.column("B")[16:]) == {1.0}
    # Mee & Peralta 2000: half of the new runs separate the same chains
    k = 6
    pairs = list(itertools.combinations(range(k), 2))

    def rank(design: Any) -> int:
        block = (design.block == 2).astype(float)
        x = [np.ones(len(design)), block, *design.coded.T, *(design.coded[:, a] * design.coded[:, b] for a, b in pairs)]
        return int(np.linalg.matrix_rank(np.column_stack(x)))

    auto = fold_over(old, on="A", semi=True, rng=1)
    assert rank(auto) >= rank(d)
    assert rank(auto) == rank(fold_over(old, on="A", rng=1))


def test_a_design_that_is_not_regular_can_be_folded() -> None:
    from qstats.doe.design import make_design
    from qstats.doe.factor import as_factors

    # Plackett & Burman 1946, 12 runs: cyclic rows of the printed first row, and a row of minus
    row = np.array([1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1], dtype=float)
    x = np.vstack([*(np.roll(row, i) for i in range(11)), -np.ones(11)])
    d = fold_over(make_design("Plackett-Burman", as_factors(11), x, rng=1), rng=1)
    # main effects are clear of two-factor interactions now
    for a, b in itertools.combinations(range(11), 2):
        np.testing.assert_array_equal(d.coded.T @ (d.coded[:, a] * d.coded[:, b]), 0.0)
    assert d.resolution is None
    with pytest.raises(QStatsError, match="regular fractions"):
        fold_over(make_design("Plackett-Burman", as_factors(11), x, rng=1), on="best")


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"on": "Z"}, "no factor"),
        ({"on": []}, "names of factors"),
        ({"on": 3}, "names of factors"),
        ({"on": ["A", "B", "C", "D"]}, "repeats the same runs"),
        ({"keep": {"A": 1}}, "semi=True"),
        ({"on": "A", "semi": True, "keep": {"Z": 1}}, "no factor"),
        ({"on": "A", "semi": True, "keep": {"B": 7}}, "is never 7"),
        ({"on": "A", "semi": True, "keep": {}}, "one factor"),
        ({"semi": 1}, "True or False"),
    ],
)
def test_what_cannot_be_folded_says_why(kwargs: dict[str, Any], match: str) -> None:
    with pytest.raises(QStatsError, match=match):
        fold_over(fractional_factorial(4, runs=8, rng=1), **kwargs)


def test_designs_that_cannot_be_folded() -> None:
    with pytest.raises(QStatsError, match="two levels"):
        fold_over(full_factorial([Factor("g", levels=["x", "y", "z"]), Factor("t", 0, 1)]))
    with pytest.raises(QStatsError, match="separates nothing"):
        fold_over(full_factorial(3))
    with pytest.raises(QStatsError, match="nothing to separate"):
        fold_over(full_factorial(3), on="best")
    with pytest.raises(QStatsError, match="a Design is wanted"):
        fold_over(np.eye(3))  # type: ignore[arg-type]
