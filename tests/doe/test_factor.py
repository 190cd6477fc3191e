"""Factors: scales, costs, storage, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats.doe.factor import Factor, as_factors, total_hours
from qstats.errors import QStatsError

FACTORS = [
    Factor("speed", 20, 60, unit="m/min", hard_to_change=True, run_hours={"low": 3, "high": 1}, change_hours=0.5),
    Factor("heat", levels=[150, 170, 200], run_hours={150: 1, 170: 2, 200: 4}),
    Factor("胶水", levels=["A", "B", "C"], noise=True, run_hours=0.25),
    Factor("water", 0.1, 0.6, kind="mixture"),
]


@pytest.mark.parametrize("f", FACTORS, ids=lambda f: f.name)
def test_round_trip(f: Factor) -> None:
    again = Factor.from_dict(json.loads(json.dumps(f.to_dict(), allow_nan=False)))
    assert again == f and again.to_dict() == f.to_dict() and hash(again) == hash(f)


@given(st.floats(-1e12, 1e12), st.floats(1e-3, 1e6), st.lists(st.floats(-1, 1), min_size=1))
def test_coding_and_back(low: float, width: float, coded: list[float]) -> None:
    f = Factor("x", low, low + width)
    assert f.decode([-1, 1]).tolist() == [f.low, f.high]
    # rounding of the natural value, in coded units
    slack = 1e-12 + 8 * np.spacing(max(abs(low), abs(low + width))) / (f.decode([1])[0] - f.decode([-1])[0])
    np.testing.assert_allclose(f.code(f.decode(coded)), coded, rtol=0, atol=slack)


def test_levels_and_text() -> None:
    assert FACTORS[1].kind == "discrete" and FACTORS[1].code([150, 170, 200]).tolist() == pytest.approx(
        [-1.0, -0.2, 1.0]
    )
    assert FACTORS[2].code(["C", "A"]).tolist() == [2.0, 0.0]
    assert FACTORS[2].decode([1, 2]).tolist() == ["B", "C"]
    assert FACTORS[3].code([0.2]).tolist() == [0.2]
    assert [f.numeric for f in FACTORS] == [True, True, False, True]
    assert [f.count for f in FACTORS] == [None, 3, 3, None]
    assert FACTORS[0].center == 40.0 and FACTORS[0].label() == "speed [m/min]"


def test_hours_by_hand() -> None:
    coded = np.array([[-1.0, -1.0, 0.0], [1.0, -0.2, 0.0], [1.0, 1.0, 2.0]])
    assert FACTORS[0].hours([-1, 0, 1]).tolist() == [3.0, 2.0, 1.0]
    assert FACTORS[1].hours([-1, -0.2, 1]).tolist() == [1.0, 2.0, 4.0]
    # 3 + 1 + 1 for speed, 1 + 2 + 4 for heat, .75 for glue, one change of speed
    assert total_hours(FACTORS[:3], coded, np.array([0, 1, 2])) == 5 + 7 + 0.75 + 0.5
    # in the order 0, 2, 1 speed also changes once; in 1, 0, 2 twice
    assert total_hours(FACTORS[:3], coded, np.array([1, 0, 2])) == 13.25 + 0.5


@pytest.mark.parametrize(
    "kwargs",
    [
        {"name": ""}, {"name": "  "}, {"name": 3}, {"name": None}, {"name": "a\x00b"}, {"name": "a`b"},
        {"name": "x" * 300},
        {"name": "a"}, {"name": "a", "low": 1}, {"name": "a", "low": 1, "high": 1}, {"name": "a", "low": 2, "high": 1},
        {"name": "a", "low": float("nan"), "high": 1}, {"name": "a", "low": 0, "high": float("inf")},
        {"name": "a", "low": "0", "high": 1}, {"name": "a", "low": True, "high": 2},
        {"name": "a", "levels": [1]}, {"name": "a", "levels": [2, 1]}, {"name": "a", "levels": [1, 1]},
        {"name": "a", "levels": ["x", "x"]}, {"name": "a", "levels": "x"}, {"name": "a", "levels": [1, float("inf")]},
        {"name": "a", "levels": ["x", 1], "kind": "discrete"}, {"name": "a", "kind": "categorical"},
        {"name": "a", "levels": [1, 2], "low": 0, "high": 1}, {"name": "a", "levels": [1, 2], "kind": "continuous"},
        {"name": "a", "low": 0, "high": 1, "kind": "other"}, {"name": "a", "low": 0, "high": 2, "kind": "mixture"},
        {"name": "a", "low": 0, "high": 1, "change_hours": -1},
        {"name": "a", "low": 0, "high": 1, "run_hours": {"x": 1}},
        {"name": "a", "low": 0, "high": 1, "run_hours": {"low": 1, "high": float("nan")}},
    ],
)  # fmt: skip
def test_refused(kwargs: dict[str, Any]) -> None:
    with pytest.raises(QStatsError):
        Factor(**kwargs)


def test_unknown_settings() -> None:
    with pytest.raises(QStatsError, match="'D'"):
        FACTORS[2].code(["D"])
    with pytest.raises(QStatsError, match="text"):
        FACTORS[0].code(["fast"])
    with pytest.raises(QStatsError, match="no middle"):
        _ = FACTORS[2].center


def test_names_in_any_spelling_are_one() -> None:
    with pytest.raises(QStatsError, match="twice"):
        as_factors(["caf\u00e9", "cafe\u0301"])


def test_ways_to_give_factors() -> None:
    assert [f.name for f in as_factors(10)] == list("ABCDEFGHJK")  # no I
    assert as_factors(30)[-1].name == "X30"
    made = as_factors({"t": (1, 2), "g": ["x", "y"], "n": (1, 2, 3)})
    assert [f.kind for f in made] == ["continuous", "categorical", "discrete"]
    assert as_factors(FACTORS) == tuple(FACTORS) and as_factors(FACTORS[0]) == (FACTORS[0],)
    for wrong in (None, 0, -1, 2.5, True, "abc", [], ["a", "a"], [1, 2], {"a": 3}, {"a": (2, 1)}):
        with pytest.raises(QStatsError):
            as_factors(wrong)


def test_unknown_entries_of_a_stored_factor() -> None:
    held = FACTORS[0].to_dict()
    for wrong in ({**held, "evil": 1}, {**held, "schema": "other/1"}, [held], {**held, "low": 99}):
        with pytest.raises(QStatsError):
            Factor.from_dict(wrong)  # type: ignore[arg-type]
