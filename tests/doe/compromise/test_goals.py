"""Goals, limits and fits as people write them."""

import pytest

from qstats import Spec
from qstats.doe import full_factorial
from qstats.doe.compromise.goals import Goal, as_fits, as_goals, as_specs
from qstats.doe.fitting.door import fit
from qstats.errors import DataError


def test_goals_in_every_form():
    names = ("time", "quality", "weight")
    given = {"time": "min", "quality": {"kind": "max", "importance": 2}, "weight": ("target", 12.5)}
    found = as_goals(given, names)
    assert found == (Goal("time", "min"), Goal("quality", "max", None, 2.0), Goal("weight", "target", 12.5))
    assert as_goals(found, names) == found
    assert as_goals({"weight": {"target": 3}}, names)[0].target == 3.0
    assert [g.sign for g in found[:2]] == [1.0, -1.0]
    assert str(found[0]) == "least time" and str(found[2]) == "weight at 12.5"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "none came"),
        ("min", "mapping"),
        ({"time": "fast"}, "'fast'"),
        ({"time": 3}, "got 3"),
        ({"tiem": "min"}, "'tiem' is no response"),
        ({"time": "target"}, "target wants its value"),
        ({"time": {"kind": "min", "target": 4}}, "target"),
        ({"time": {"kind": "min", "wieght": 4}}, "wieght"),
        ({"time": {"kind": "min", "importance": 0}}, "importance"),
        ({"time": {"importance": 1}}, "got None"),
        ({"time": Goal("quality", "max")}, "goal of 'quality'"),
        ([Goal("time", "min"), Goal("time", "max")], "twice"),
        ({"time": ("target", float("nan"))}, "target"),
    ],
)
def test_goals_refused(given, word):
    with pytest.raises(DataError, match=word):
        as_goals(given, ("time", "quality"))


def test_a_target_has_no_direction():
    with pytest.raises(DataError, match="no direction"):
        _ = Goal("weight", "target", 3.0).sign


def test_specs():
    found = as_specs({"quality": (50, None), "time": Spec(None, 12)}, ("time", "quality"))
    assert found["quality"].lower == 50.0 and found["time"].upper == 12.0
    assert as_specs(None, ("time",)) == {}
    for bad, word in (({"x": (1, 2)}, "'x' is no response"), ((1, 2), "mapping"), ({"time": 3}, "specs")):
        with pytest.raises(DataError, match=word):
            as_specs(bad, ("time",))


def test_fits():
    one = full_factorial({"a": (0, 1), "b": (0, 2)}, rng=1)
    time = fit(one, [1, 2, 3, 5], name="time")
    rate = fit(one, [3, 2, 5, 1], name="rate")
    assert list(as_fits([time, rate])) == ["time", "rate"]
    assert list(as_fits({"t": time})) == ["t"] and list(as_fits(time)) == ["time"]
    other = fit(full_factorial({"a": (0, 1), "b": (0, 3)}, rng=1), [1, 2, 3, 5], name="other")
    for bad, word in (
        ([], "none came"),
        ([time, time], "one name"),
        ([time, other], "other factors"),
        ([time, 3], "int"),
        (3, "int"),
        ("time", "str"),
        ({1: time}, "name 1"),
    ):
        with pytest.raises(DataError, match=word):
            as_fits(bad)
