"""Full factorials of any numbers of levels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats.doe.factor import Factor
from qstats.doe.factorial import full_factorial
from qstats.errors import QStatsError


@given(st.lists(st.integers(2, 4), min_size=1, max_size=4), st.integers(1, 2))
def test_every_combination_as_often_in_standard_order(counts: list[int], replicates: int) -> None:
    factors = [Factor(f"f{i}", levels=[f"v{j}" for j in range(c)]) for i, c in enumerate(counts)]
    d = full_factorial(factors, replicates=replicates, rng=1)
    plain = [row[::-1] for row in itertools.product(*[range(c) for c in counts[::-1]])] * replicates
    assert d.coded.astype(int).tolist() == [list(row) for row in plain]
    assert sorted(d.run_order.tolist()) == list(range(len(plain)))


def test_levels_of_ranges_and_of_their_own() -> None:
    factors = [Factor("t", 0, 10), Factor("p", levels=[1, 2, 4]), Factor("g", levels=["x", "y"])]
    d = full_factorial(factors, levels={"t": 3})
    assert len(d) == 18
    assert sorted(set(d.natural("t"))) == [0.0, 5.0, 10.0]
    assert sorted(set(d.natural("p"))) == [1.0, 2.0, 4.0]
    assert len(full_factorial(factors, levels=[4, 3, 2])) == 24
    assert len(full_factorial(factors, levels=5)) == 30
    assert len(full_factorial(factors)) == 12


def test_centre_points_of_mixed_levels() -> None:
    factors = [Factor("t", 0, 10), Factor("p", levels=[1, 2, 3]), Factor("g", levels=["x", "y", "z"])]
    d = full_factorial(factors, center_points=2, rng=1)
    assert len(d) == 18 + 6
    assert set(d.natural("t")[d.center]) == {5.0} and set(d.natural("p")[d.center]) == {2.0}
    assert sorted(d.natural("g")[d.center]) == ["x", "x", "y", "y", "z", "z"]
    # no level in the middle of 1, 2, 4: all of them
    assert int(full_factorial([Factor("t", 0, 1), Factor("p", levels=[1, 2, 4])], center_points=1).center.sum()) == 3


def test_mixed_levels_in_blocks() -> None:
    factors = {"a": (0, 1), "b": (0, 1), "c": (0, 1), "g": ["x", "y", "z"]}
    d = full_factorial(factors, blocks=2, rng=1)
    assert np.bincount(d.block)[1:].tolist() == [12, 12]
    high = d.block == 2
    for name in factors:
        _, first = np.unique(d.natural(name)[high], return_counts=True)
        _, second = np.unique(d.natural(name)[~high], return_counts=True)
        assert first.tolist() == second.tolist()
    product = d.column("a") * d.column("b") * d.column("c")
    assert set(product[high]) in ({1.0}, {-1.0})
    assert d.notes[0].severity == "info" and "a:b:c" in d.notes[0].message
    assert (
        full_factorial({"g": ["x", "y", "z"], "h": (0, 1)}, replicates=2, blocks=2).block.tolist() == [1] * 6 + [2] * 6
    )


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"levels": 1}, "whole number from 2"),
        ({"levels": {"z": 2}}, "is no factor"),
        ({"levels": {"g": 2}}, "3 levels of its own"),
        ({"levels": [2]}, "one for each"),
        ({"levels": {"t": 2.5}}, "whole number"),
        ({"levels": "2"}, "whole number"),
        ({"levels": 1000, "replicates": 1000}, "at most 1000000"),
        ({"blocks": 2}, "two-level factors"),
        ({"blocks": 0}, "whole number from 1"),
        ({"rng": "x"}, "rng"),
        ({"rng": -1}, "rng"),
    ],
)
def test_what_cannot_be_made_says_why(kwargs: dict[str, Any], match: str) -> None:
    with pytest.raises(QStatsError, match=match):
        full_factorial([Factor("t", 0, 1), Factor("g", levels=["x", "y", "z"])], **kwargs)


@pytest.mark.parametrize("factors", [None, 0, "abc", [], {"a": (1, 1)}, ["a", "a"], 25, 2.5])
def test_factors_that_are_none(factors: Any) -> None:
    with pytest.raises(QStatsError):
        full_factorial(factors)


def test_shares_of_a_mixture_are_refused() -> None:
    with pytest.raises(QStatsError, match="mixture"):
        full_factorial([Factor("x", kind="mixture"), Factor("y", kind="mixture")])
