"""Specification limits, targets, boundaries."""

from __future__ import annotations

import json

import pytest

from qstats import DataError, Spec
from qstats._core.spec import as_spec


def test_sides_tolerance_and_aim() -> None:
    both = Spec(9, 11)
    assert (both.sides, both.tolerance, both.aim) == ("both", 2.0, 10.0)
    assert Spec(9, 11, 9.5).aim == 9.5
    one = Spec(upper=3)
    assert (one.sides, one.tolerance, one.aim) == ("upper", None, None)


def test_a_boundary_is_no_specification() -> None:
    flat = Spec(0, 0.2, boundary="lower")
    assert (flat.sides, flat.lower_spec, flat.upper_spec, flat.tolerance, flat.aim) == ("upper", None, 0.2, None, None)
    pure = Spec(95, 100, boundary="upper")
    assert (pure.sides, pure.lower_spec) == ("lower", 95.0)


def test_round_trip() -> None:
    for spec in (Spec(1, 2, 1.25), Spec(upper=5), Spec(0, 3, boundary="lower")):
        assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    with pytest.raises(DataError, match="unknown"):
        Spec.from_dict({"lower": 1, "uper": 2})


def test_pairs_are_taken() -> None:
    assert as_spec((1, 2)) == Spec(1, 2)
    assert as_spec([1, 2, 1.2]) == Spec(1, 2, 1.2)
    assert as_spec((None, 2)) == Spec(upper=2)
    with pytest.raises(DataError, match="a Spec"):
        as_spec(3.0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Spec(), "no specification limit"),
        (lambda: Spec(0, boundary="lower"), "no specification limit"),
        (lambda: Spec(0, 1, boundary="both"), "no specification limit"),
        (lambda: Spec(upper=1, boundary="lower"), "there is no lower limit"),
        (lambda: Spec(3, 1), "not below"),
        (lambda: Spec(1, 1), "not below"),
        (lambda: Spec(0, 1, 2), "outside"),
        (lambda: Spec("a", 1), "lower"),  # type: ignore[arg-type]
        (lambda: Spec(float("nan"), 1), "lower"),
        (lambda: Spec(0, 1, boundary="left"), "boundary"),  # type: ignore[arg-type]
    ],
)
def test_bad_specifications_are_told(call: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        call()  # type: ignore[operator]
