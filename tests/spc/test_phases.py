"""Which points belong where: phases, baselines, exclusions, gaps."""

import math

import numpy as np
import pytest

from qstats._core.blocks import everywhere
from qstats.errors import DataError
from qstats.spc.phases import is_mask, lay_out, phase_runs, to_mask


def test_phases_from_labels_and_breaks():
    assert phase_runs(None, 4) == (("",), (4,))
    assert phase_runs(["a", "a", "b", "b"], 4) == (("a", "b"), (2, 4))
    assert phase_runs([2], 4) == (("1", "2"), (2, 4))
    assert phase_runs(np.array([1.0, 1.0, 2.0]), 3) == (("1", "2"), (2, 3))
    assert phase_runs([1, "b", "b"], 3) == (("1", "b"), (1, 3))
    assert phase_runs([], 3) == (("1",), (3,))
    assert phase_runs(np.array(["2024-01-01", "2024-02-01"], "datetime64[D]"), 2)[0] == ("2024-01-01", "2024-02-01")


@pytest.mark.parametrize(
    ("phase", "word"),
    [
        (["a", "b", "a"], "'a' comes back"),
        (["a", None, "b"], "no label at position 1"),
        ([1.0, math.nan, 2.0], "no label at position 1"),
        (np.array(["2024-01-01", "NaT", "2024-01-02"], "datetime64[D]"), "no label at position 1"),
        (["a", "b"], "2 labels came for 3"),
        ([2, 1], "rising positions"),
        ([0], "rising positions"),
        ([3], "rising positions"),
        ("a", "one label per point"),
        (2, "one label per point"),
        ([[1], [2], [3]], "one label per point"),
    ],
)
def test_refused_phases(phase, word):
    with pytest.raises(DataError, match=word):
        phase_runs(phase, 3)


def test_masks():
    first = [True, True, False, False]
    assert to_mask(2, "baseline", 4).tolist() == first
    assert to_mask(np.int64(2), "baseline", 4).tolist() == first
    assert to_mask(slice(0, 2), "exclude", 4).tolist() == first
    assert to_mask([0, 1], "exclude", 4).tolist() == first
    assert to_mask(first, "exclude", 4).tolist() == first
    assert to_mask(np.array(first, dtype=object), "exclude", 4).tolist() == first
    assert not to_mask([], "exclude", 4).any()
    assert to_mask(None, "exclude", 4) is None
    assert is_mask(first)
    assert not is_mask([0, 1])


@pytest.mark.parametrize(
    ("value", "name", "word"),
    [
        (0, "baseline", "got 0 first points of 4"),
        (5, "baseline", "from 1 to 4"),
        (True, "baseline", "got True"),
        (2, "exclude", "got 2"),
        ([4], "exclude", "position 4 for 4 points"),
        ([-1], "exclude", "position -1"),
        ([True], "exclude", "1 true/false values for 4"),
        ([True, None, False, True], "exclude", "missing"),
        ([0.5], "exclude", "a slice, positions"),
        ("abc", "exclude", "a slice, positions"),
        ([[0], [1]], "exclude", "a slice, positions"),
        ([[0], [1, 2]], "exclude", "a slice, positions"),
        (slice("a", None), "exclude", "slice of whole numbers"),
    ],
)
def test_refused_masks(value, name, word):
    with pytest.raises(DataError, match=word):
        to_mask(value, name, 4)


def test_baseline_per_phase():
    x = np.arange(6.0)
    plan = lay_out(x, [2, 4], [0, 2], None, gaps=False)
    assert plan.used.tolist() == [True, False, True, False, True, True]
    assert [n.code for n in plan.notes] == ["phase-without-baseline"]
    assert "'3'" in plan.notes[0].message


def test_exclusions_and_gaps():
    x = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0])
    plan = lay_out(x, None, None, [4], gaps=True)
    assert plan.used.tolist() == [True, True, False, True, False, True]
    assert plan.age().tolist() == [0, 1, -1, 0, -1, 0]
    assert [n.code for n in plan.notes] == ["missing-dropped", "excluded"]
    assert "1 of 6" in plan.notes[0].message
    assert lay_out(x, [3], None, None, gaps=True).age().tolist() == [0, 1, -1, 0, 1, 2]
    assert lay_out(np.arange(3.0), None, None, None, gaps=False).age() is None


def test_an_empty_baseline_is_refused():
    with pytest.raises(DataError, match="baseline: holds no point"):
        lay_out(np.arange(3.0), None, [False] * 3, None, gaps=False)


def test_a_constant_costs_no_memory():
    a = everywhere(2.5, 1000)
    assert a.strides == (0,)
    assert not a.flags.writeable
    assert a.shape == (1000,)
    assert (a == 2.5).all()
