"""Runs added to a design that exists."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.design import make_design
from qstats.doe.exchange.door import optimal
from qstats.doe.factor import Factor, as_factors
from qstats.doe.grammar import as_model
from qstats.doe.terms import model_columns
from qstats.errors import DesignError

HELD = json.loads((Path(__file__).parents[1] / "reference" / "doe_optimal.json").read_text())
CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))


@pytest.mark.parametrize("case", HELD["augment"], ids=lambda c: c["id"])
def test_as_good_as_augmented_by_algdesign(case: dict[str, Any]) -> None:
    """The eight corners are kept; candidates are the 3^3."""
    factors = tuple(Factor(v, levels=(-1, 0, 1)) for v in "abc")
    start = make_design("corners", factors, CORNERS, rng=1)
    design = optimal(factors, runs=case["runs"], augment=start, starts=128, rng=1)
    np.testing.assert_array_equal(design.coded[:8], CORNERS)
    x = model_columns(as_model("quadratic", factors), factors, np.asarray(design.coded)).x
    assert np.linalg.det(x.T @ x / case["runs"]) ** 0.1 >= case["expected"] * (1 - 1e-7)


@settings(max_examples=15, deadline=None)
@given(extra=st.integers(1, 6), seed=st.integers(0, 50))
def test_more_runs_never_tell_less(extra: int, seed: int) -> None:
    start = optimal(3, runs=9, model="interactions", starts=8, rng=seed)
    more = optimal(3, runs=9 + extra, model="interactions", starts=8, rng=seed, augment=start)
    np.testing.assert_array_equal(more.coded[:9], start.coded)
    x, y = (model_columns(as_model("interactions", d.factors), d.factors, np.asarray(d.coded)).x for d in (start, more))
    # what is added is positive semidefinite: no coefficient, no prediction gets a larger variance
    assert np.linalg.eigvalsh(y.T @ y - x.T @ x).min() > -1e-9


def test_new_runs_stand_in_blocks_of_their_own() -> None:
    start = optimal(3, runs=8, model="linear", starts=8, rng=1)
    more = optimal(3, runs=14, model="linear", starts=8, rng=1, augment=start, blocks=[6])
    # the kept block keeps its number, unless it had none: then both are numbered on
    assert more.block.tolist() == [1] * 8 + [2] * 6


def test_ranges_may_grow() -> None:
    start = make_design("corners", as_factors({"T": (100, 200), "P": (0, 10)}), CORNERS[:4, 1:], rng=1)
    wider = optimal({"T": (100, 300), "P": (0, 10)}, runs=8, augment=start, starts=16, rng=1)
    assert sorted(wider.natural("T")[:4].tolist()) == [100.0, 100.0, 200.0, 200.0]
    assert wider.natural("T").max() == 300.0


def test_what_does_not_fit_is_said() -> None:
    start = optimal(3, runs=8, model="linear", starts=8, rng=1)
    with pytest.raises(DesignError, match="counts the kept ones"):
        optimal(3, runs=8, model="linear", augment=start)
    with pytest.raises(DesignError, match="the same are wanted"):
        optimal(["A", "B", "Z"], runs=12, model="linear", augment=start)
    blocked = optimal(3, runs=8, model="linear", blocks=2, starts=8, rng=1)
    with pytest.raises(DesignError, match="blocks"):
        optimal(3, runs=12, model="linear", augment=blocked)
    split = [Factor("A", -1, 1, hard_to_change=True), Factor("B", -1, 1), Factor("C", -1, 1)]
    with pytest.raises(DesignError, match="hard to change"):
        optimal(split, runs=12, model="linear", whole_plots=2, augment=start)
