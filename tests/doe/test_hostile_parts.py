"""Factors and designs: what a hostile caller tried, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.errors import DataError, DesignError, QStatsError

TWO = as_factors(["A", "B"])
RUNS = [[-1, -1], [1, -1], [-1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Factor("a", levels=5), "levels"),
        (lambda: Factor("a", levels=None), "levels"),
        (lambda: Factor("a", 0, 1, run_hours=[1, 2]), "run_hours"),
        (lambda: Factor("a", 0, 1, unit=5), "unit"),
        (lambda: Factor("a", 0, 1, hard_to_change="no"), "hard_to_change"),
        (lambda: Factor("a", -1e308, 1e308), "float64"),
        (lambda: Factor("a\u202eb", 0, 1), "printable"),
        (lambda: Factor("a", levels=[True, False]), "as text"),
        (lambda: Factor.from_dict({"low": 0, "high": 1}), "'name' is missing"),
        (lambda: Factor("a", levels=["x", "y"]).decode([-1]), "outside"),
        (lambda: Factor("a", levels=["x", "y"]).decode([5]), "outside"),
        (lambda: Factor("a", levels=["x", "y"]).decode([np.nan]), "outside"),
        (lambda: as_factors(10**6), "at most"),
        (lambda: make_design("d", TWO, [[np.nan, 1]]), "finite"),
        (lambda: make_design("d", TWO, [[1, 2, 3]]), "a run"),
        (lambda: make_design("d", TWO, [1, 2, 3]), "one row a run"),
        (lambda: make_design("d", TWO, RUNS, block=[1, 2]), "one entry each"),
        (lambda: make_design("d", TWO, RUNS, block=[0, 0, 1, 1]), "count from 1"),
        (lambda: make_design("d", TWO, RUNS, center=[True]), "one entry"),
        (lambda: make_design("d", (TWO[0], TWO[0]), RUNS), "one name"),
    ],
)
def test_refused_with_its_name(call: Any, said: str) -> None:
    with pytest.raises(QStatsError, match=said):
        call()


@pytest.mark.parametrize(
    "change", [{"generators": "ABC"}, {"resolution": "V"}, {"coded": [[None, 1.0]] * 4}, {"factors": [{}]}]
)
def test_a_spoilt_store_is_refused(change: dict[str, Any]) -> None:
    held = json.loads(make_design("d", TWO, RUNS, rng=1).to_json())
    with pytest.raises((DataError, DesignError)):
        Design.from_dict({**held, **change})


def test_factors_named_like_columns_do_not_hide_them() -> None:
    design = make_design("d", as_factors(["run", "block"]), RUNS, rng=1, block=[1, 1, 2, 2])
    frame = design.to_frame()
    assert frame["run"].tolist() == [1, 2, 3, 4]
    assert set(frame["run (factor)"]) == {-1.0, 1.0}
    assert frame["block"].tolist() == design.block[design.run_order].tolist()


def test_numbers_of_numpy_and_seed_sequences_are_taken() -> None:
    assert [f.name for f in as_factors(np.int64(3))] == ["A", "B", "C"]
    one, two = (make_design("d", TWO, RUNS, rng=np.random.SeedSequence(5)) for _ in range(2))
    assert one.run_order.tolist() == two.run_order.tolist()


def test_the_hash_does_not_hang_on_words() -> None:
    a = make_design("d", TWO, RUNS, rng=1, method="one text", reference="x")
    b = make_design("d", TWO, RUNS, rng=1, method="another")
    assert a.hash == b.hash
    assert a.hash != make_design("d", TWO, RUNS, rng=2).hash
