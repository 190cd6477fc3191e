"""The parts a chart is assembled from."""

import numpy as np
import pytest

from qstats._core.blocks import everywhere
from qstats.errors import DataError
from qstats.spc.build import _HOMES, center_of, contiguous, own, type_of
from qstats.spc.charts.attributes import p_chart


def test_every_kind_is_at_home():
    for kind in _HOMES:
        assert type_of(kind).kind == kind
        assert any(year in type_of(kind).reference for year in ("19", "20"))


def test_unknown_kind():
    with pytest.raises(DataError, match="kind: no chart is called 'q'"):
        type_of("q")


def test_center_of_equal_values_is_their_value():
    for value in (0.1, 1e12 + 0.3, -7.7):
        assert center_of(np.full(25, value)) == value
    assert center_of(np.array([1.0, 2.0, 6.0])) == 3.0
    assert center_of(np.array([1.0, 4.0, 1.0])) == 2.0


def test_contiguous():
    used = np.array([False, True, True, False, True])
    assert contiguous(used, slice(0, 4)) == slice(1, 3)
    assert contiguous(used, slice(0, 5)) is None
    assert contiguous(used, slice(3, 4)) is None
    assert contiguous(used, slice(2, 5)) is None
    assert contiguous(used, slice(4, 5)) == slice(4, 5)


def test_own_copies_what_may_be_the_callers():
    a = np.array([1.0])
    assert own(a, a) is not a
    assert own(a, [1.0]) is a


def test_contiguous_knows_masks_without_memory():
    everyone = np.ndarray((4,), np.bool_, b"\x01", 0, (0,))
    assert contiguous(everyone, slice(1, 3)) == slice(1, 3)
    assert contiguous(np.ndarray((4,), np.bool_, b"\x00", 0, (0,)), slice(1, 3)) is None
    assert everywhere(1.5, 3).tolist() == [1.5, 1.5, 1.5]


def test_limits_are_clipped_and_sigma_is_not():
    # p-bar = 1/2; standard errors 0.5/sqrt(1) and 0.5/sqrt(100): 0.5 -+ 1.5 clipped, 0.5 -+ 0.15 not
    panel = p_chart([0, 50, 1, 50], size=[1, 100, 1, 100], rules="none").panels["p"]
    assert panel.sigma.tolist() == pytest.approx([0.5, 0.05, 0.5, 0.05])
    assert panel.lower.tolist() == pytest.approx([0.0, 0.35, 0.0, 0.35])
    assert panel.upper.tolist() == pytest.approx([1.0, 0.65, 1.0, 0.65])
