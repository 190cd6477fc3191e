"""The parts a chart is assembled from."""

import numpy as np
import pytest

from qstats.spc.build import _HOMES, _type_of, center_of, contiguous, own, panel_of
from qstats.spc.phases import Layout


def test_every_kind_is_at_home():
    for kind in _HOMES:
        assert _type_of(kind).kind == kind
        assert "Montgomery" in _type_of(kind).reference


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


def test_limits_are_clipped_and_sigma_is_not():
    used = np.ones(3, dtype=bool)
    x = np.array([0.1, 0.2, 0.3])
    one = panel_of("p", x, Layout(("",), (3,), used, None, None), [(0.2, 0.5, 3.0)], (0.0, 1.0))
    assert (one.lower[0], one.upper[0], one.sigma[0]) == (0.0, 1.0, 0.5)
    levels = [(0.2, np.array([0.5, 0.01]), 3.0), (0.4, 0.1, 3.0)]
    two = panel_of("p", x, Layout(("a", "b"), (2, 3), used, None, None), levels, (0.0, 1.0))
    assert two.center.tolist() == [0.2, 0.2, 0.4]
    assert two.lower.tolist() == pytest.approx([0.0, 0.17, 0.1])
    assert two.upper.tolist() == pytest.approx([1.0, 0.23, 0.7])
