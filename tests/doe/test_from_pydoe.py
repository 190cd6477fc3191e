"""Faults of pyDOE3 1.6.2 (doe.md 2.6) are refused by name; what is right passes."""

import numpy as np
import pytest

from qstats.doe.from_pydoe import pydoe_matrix
from qstats.errors import DataError, DesignError


def test_the_wrong_L64_is_caught():
    """doe.md 2.6, fault 2: 59 of 465 pairs unbalanced; columns 28 and 29 are wrong."""
    with pytest.raises(DesignError, match=r"pyDOE3 get_orthogonal_array\('L64\(2\^31\)'\).*59 of 465 pairs"):
        pydoe_matrix("get_orthogonal_array", "L64(2^31)")


@pytest.mark.parametrize(
    "name", ["L4(2^3)", "L9(3^4)", "L12(2^11)", "L16(4^5)", "L18(6^1 3^6)", "L36(3^23)", "L81(3^40)"]
)
def test_right_arrays_pass(name):
    x = pydoe_matrix("get_orthogonal_array", name)
    assert not x.flags.writeable
    assert len(x) == int(name[1 : name.index("(")])


@pytest.mark.parametrize("k", [6, 7, 9])
def test_box_behnken_with_six_factors_or_more_is_refused(k):
    """doe.md 2.6, fault 3."""
    with pytest.raises(DesignError, match=r"bbdesign.*runs beside centre points"):
        pydoe_matrix("bbdesign", k)


def test_what_is_right_passes():
    for k in (3, 4, 5):
        assert pydoe_matrix("bbdesign", k, center=3).shape[1] == k
    assert pydoe_matrix("ff2n", 3).shape == (8, 3)
    assert pydoe_matrix("fullfact", [2, 3, 4]).shape == (24, 3)
    assert pydoe_matrix("pbdesign", 11).shape == (12, 11)
    assert pydoe_matrix("ccdesign", 3, center=(4, 4)).shape == (22, 3)
    assert pydoe_matrix("lhs", 3, samples=10, seed=1).shape == (10, 3)
    assert pydoe_matrix("lhs", 2, samples=7, criterion="center", seed=1).shape == (7, 2)


@pytest.mark.parametrize("k", [27, 35, 91])
def test_plackett_burman_sizes_it_cannot_make(k):
    """doe.md 2.6, fault 6."""
    with pytest.raises(DesignError, match="pbdesign"):
        pydoe_matrix("pbdesign", k)


def test_duplicate_columns_are_refused():
    """doe.md 2.6, fault 7."""
    with pytest.raises(DesignError, match=r"fracfact.*not orthogonal"):
        pydoe_matrix("fracfact", "a b c ba ab")
    assert pydoe_matrix("fracfact", "a b ab").shape == (4, 3)


def test_doehlert_points_off_the_sphere_are_refused():
    """Doehlert (1970): all points but the centre lie at distance 1 from it."""
    with pytest.raises(DesignError, match="distance 1"):
        pydoe_matrix("doehlert_simplex_design", 2)


def test_a_call_that_fails_or_does_not_exist():
    with pytest.raises(DesignError, match="failed with"):
        pydoe_matrix("fullfact", "nonsense")
    with pytest.raises(DataError, match="call"):
        pydoe_matrix("gsd", [2, 2], 2)
    assert np.isfinite(pydoe_matrix("ff2n", 2)).all()
