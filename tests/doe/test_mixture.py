"""Mixture designs: counts of Scheffe, corners by an independent enumeration, limits that agree."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qstats.doe.blends.door import mixture
from qstats.doe.factor import Factor
from qstats.errors import DesignError


@pytest.mark.parametrize(("q", "m"), [(2, 2), (3, 1), (3, 2), (3, 3), (4, 2), (4, 3), (6, 2)])
def test_simplex_lattice(q, m):
    """Scheffe 1958: C(q + m - 1, m) blends, all shares multiples of 1/m."""
    x = mixture(q, degree=m, rng=1).coded
    want = {c for c in itertools.product(range(m + 1), repeat=q) if sum(c) == m}
    assert len(x) == math.comb(q + m - 1, m) == len(want)
    assert {tuple(np.rint(r * m).astype(int).tolist()) for r in x} == want
    np.testing.assert_allclose(x * m, np.rint(x * m), atol=1e-12)


@pytest.mark.parametrize("q", [2, 3, 4, 5])
def test_simplex_centroid(q):
    """Scheffe 1963: 2^q - 1 blends, equal shares of every subset."""
    x = mixture(q, kind="centroid", rng=1).coded
    want = {s for s in itertools.product((0, 1), repeat=q) if any(s)}
    assert len(x) == 2**q - 1
    assert {tuple((r > 0).astype(int).tolist()) for r in x} == want
    for r in x:
        np.testing.assert_allclose(r[r > 0], 1 / (r > 0).sum())


def test_check_blends():
    """Cornell: (q + 1) / 2q of one component, 1 / 2q of the others, and the centre."""
    x = mixture(3, axial=True, rng=1).coded
    assert len(x) == 6 + 4
    assert any(np.allclose(r, [2 / 3, 1 / 6, 1 / 6]) for r in x)
    assert any(np.allclose(r, 1 / 3) for r in x)
    assert len(mixture(3, kind="centroid", axial=True, rng=1)) == 7 + 3


def test_lower_limits_make_pseudo_components():
    x = mixture({"a": (0.2, 1), "b": (0.1, 1), "c": (0, 1)}, degree=2, rng=1).coded
    z = (x - [0.2, 0.1, 0]) / 0.7
    assert {tuple(np.rint(2 * r).astype(int).tolist()) for r in z} == {
        c for c in itertools.product(range(3), repeat=3) if sum(c) == 2
    }


FLARE = {"magnesium": (0.40, 0.60), "nitrate1": (0.10, 0.50), "nitrate2": (0.10, 0.50), "binder": (0.03, 0.08)}


def test_flare_of_mclean_and_anderson():
    """McLean and Anderson 1966, Technometrics 8, 447-454: 8 vertices, 6 face centres, the overall centre."""
    corners = mixture(FLARE, kind="extreme_vertices", centroids="none", rng=1).coded
    want = [
        (0.40, 0.10, 0.47, 0.03), (0.40, 0.10, 0.42, 0.08), (0.60, 0.10, 0.27, 0.03), (0.60, 0.10, 0.22, 0.08),
        (0.40, 0.47, 0.10, 0.03), (0.40, 0.42, 0.10, 0.08), (0.60, 0.27, 0.10, 0.03), (0.60, 0.22, 0.10, 0.08),
    ]  # fmt: skip
    assert {tuple(r) for r in corners.round(9).tolist()} == set(want)
    faces = mixture(FLARE, kind="extreme_vertices", centroids=[2, 3], rng=1).coded
    assert len(faces) == 8 + 6 + 1
    assert any(np.allclose(r, [0.50, 0.10, 0.345, 0.055]) for r in faces)
    assert any(np.allclose(r, [0.50, 0.2225, 0.2225, 0.055]) for r in faces)
    assert len(mixture(FLARE, kind="extreme_vertices", centroids="all", rng=1)) == 8 + 12 + 6 + 1


def xvert(low, high):
    """All levels of all but one component, the last making up the rest: Snee and Marquardt, by plain loops."""
    q, found = len(low), set()
    for free in range(q):
        others = [j for j in range(q) if j != free]
        for ends in itertools.product(*[(low[j], high[j]) for j in others]):
            rest = 1 - sum(ends)
            if low[free] - 1e-9 <= rest <= high[free] + 1e-9:
                point = [0.0] * q
                point[free] = rest
                for j, v in zip(others, ends, strict=True):
                    point[j] = v
                found.add(tuple(round(v, 7) + 0.0 for v in point))
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(5, 60)), min_size=3, max_size=5))
def test_corners_equal_a_plain_enumeration(limits):
    low = [a / 100 for a, _ in limits]
    high = [min(1.0, (a + b) / 100) for a, b in limits]
    assume(sum(low) < 0.999 and sum(high) > 1.001)
    factors = {f"x{i}": (a, b) for i, (a, b) in enumerate(zip(low, high, strict=True))}
    design = mixture(factors, kind="extreme_vertices", centroids="none", rng=1)
    ours = {tuple(round(v, 7) + 0.0 for v in r) for r in design.coded.tolist()}
    assert ours == xvert(low, high)


def test_constraints_cut_corners():
    design = mixture(3, kind="extreme_vertices", centroids="none", constraints=[({"A": 1, "B": -1}, 0.0)], rng=1)
    assert {tuple(r) for r in design.coded.round(9).tolist()} == {(0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.5, 0.0)}


def test_limits_that_are_never_reached_are_named():
    """Piepel 1983: an upper limit above 1 - sum of the others' lower limits cannot be reached."""
    design = mixture({"a": (0.3, 0.9), "b": (0.2, 0.6), "c": (0.1, 0.5)}, kind="extreme_vertices", rng=1)
    assert [n.code for n in design.notes] == ["unreachable-limit"]
    assert "a: its upper limit 0.9 is never reached" in design.notes[0].message
    assert "at most 0.7" in design.notes[0].message


@pytest.mark.parametrize(
    ("factors", "options", "says"),
    [
        ({"a": (0.5, 1), "b": (0.6, 1)}, {}, "lower limits add up to 1.1"),
        ({"a": (0, 0.3), "b": (0, 0.6)}, {"kind": "extreme_vertices"}, "upper to 0.9"),
        ({"a": (0, 0.5), "b": (0, 1), "c": (0, 1)}, {}, "cuts the simplex"),
        ([Factor("a", 0, 1), Factor("b", 0, 1)], {}, "continuous factor"),
        (3, {"constraints": [({"A": 1}, 0.2)]}, "extreme_vertices"),
        (3, {"kind": "extreme_vertices", "constraints": [({"Q": 1}, 0.2)]}, "constraints"),
        (3, {"kind": "extreme_vertices", "constraints": [({"A": 1}, -0.2)]}, "no blend"),
        (3, {"kind": "extreme_vertices", "axial": True}, "axial"),
        (1, {}, "2 or more"),
        ({"a": 0.5, "b": (0, 1)}, {}, "lowest and highest"),
        (30, {"degree": 9}, "at most 20000"),
    ],
)
def test_refusals(factors, options, says):
    with pytest.raises(DesignError, match=says):
        mixture(factors, **options)
