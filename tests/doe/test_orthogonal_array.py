"""Orthogonal arrays: strength two counted by hand, sizes of the published arrays, word lengths of DoE.base."""

import itertools
import json
from collections import Counter
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.factor import Factor
from qstats.doe.screening.arrays import arrays_of
from qstats.doe.screening.orthogonal_array import check_strength, orthogonal_array
from qstats.errors import DesignError

CASES = {
    c["id"]: c for c in json.loads((Path(__file__).parents[1] / "reference" / "doe_designs.json").read_text("utf-8"))
}


def balanced(x):
    """Count every pair of columns: all combinations equally often."""
    for a, b in itertools.combinations(x.T.tolist(), 2):
        counts = Counter(zip(a, b, strict=True))
        if len(counts) != len(set(a)) * len(set(b)) or len(set(counts.values())) != 1:
            return False
    return True


# Published arrays: levels and runs (Taguchi; Hedayat, Sloane and Stufken 1999, table 12.7)
PUBLISHED = [
    ([(2, 3)], 4), ([(2, 7)], 8), ([(2, 4), (4, 1)], 8), ([(3, 4)], 9), ([(2, 11)], 12), ([(2, 4), (3, 1)], 12),
    ([(2, 2), (6, 1)], 12), ([(2, 15)], 16), ([(4, 5)], 16), ([(2, 8), (8, 1)], 16), ([(2, 6), (4, 3)], 16),
    ([(2, 1), (3, 7)], 18), ([(3, 6), (6, 1)], 18), ([(2, 8), (5, 1)], 20), ([(2, 20), (4, 1)], 24),
    ([(2, 16), (3, 1)], 24), ([(5, 6)], 25), ([(3, 13)], 27), ([(3, 9), (9, 1)], 27), ([(2, 31)], 32),
    ([(2, 4), (4, 9)], 32), ([(4, 8), (8, 1)], 32), ([(2, 11), (3, 12)], 36), ([(2, 4), (3, 13)], 36),
    ([(3, 13), (4, 1)], 36), ([(3, 1), (4, 13)], 48), ([(7, 8)], 49), ([(2, 1), (5, 11)], 50), ([(2, 1), (3, 25)], 54),
    ([(2, 63)], 64), ([(4, 21)], 64), ([(8, 9)], 64), ([(3, 40)], 81), ([(9, 10)], 81), ([(2, 1), (7, 15)], 98),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "runs"), PUBLISHED)
def test_published_arrays_are_made_and_balanced(spec, runs):
    levels = [s for s, m in spec for _ in range(m)]
    design = orthogonal_array(len(levels), levels=levels, rng=1)
    assert len(design) == runs
    assert [len(np.unique(c)) for c in design.coded.T] == levels
    assert balanced(design.coded)


def test_every_array_that_can_be_made_has_strength_two():
    made = 0
    for n in range(2, 101):
        for array in arrays_of(n):
            if len(array.levels) <= 32:
                assert balanced(array.make()), array.name
                made += 1
    assert made > 60


def third_word(levels, k, x):
    """A3 of a symmetric array from distances: sum of B_j K_3(j) / N^2 (MacWilliams; Xu and Wu 2001)."""
    n = len(x)
    distance = (x[:, None, :] != x[None, :, :]).sum(axis=2).ravel()
    kraw = [
        sum((-1) ** s * (levels - 1) ** (3 - s) * comb(j, s) * comb(k - j, 3 - s) for s in range(4))
        for j in range(k + 1)
    ]
    return sum(kraw[j] for j in distance.tolist()) / n**2


@pytest.mark.parametrize(("case", "k", "levels"), [("oa-L9.3.4", 4, 3), ("oa-L27.3.13", 11, 3)])
def test_words_of_length_three_are_those_of_DoE_base(case, k, levels):
    """Any 4 of 4, and any 11 of 13, columns give the same value: the group of the plane is doubly transitive."""
    design = orthogonal_array(k, levels=levels, rng=1)
    want = CASES[case]["expected"]["gwlp"][3]
    assert third_word(levels, k, design.coded) == pytest.approx(want, abs=1e-9)
    assert f"length three {want:.4g}" in " ".join(n.message for n in design.notes)


def test_mixed_words_are_those_of_DoE_base():
    design = orthogonal_array(9, levels=[2] * 6 + [4] * 3, rng=1)
    assert CASES["oa-L16.2.6.4.3"]["expected"]["gwlp"][3] == 32
    assert "length three 32." in " ".join(n.message for n in design.notes)
    eleven = orthogonal_array(23, levels=[2] * 11 + [3] * 12, rng=1).coded[:, :11]
    want = CASES["oa-L36.2.11.3.12"]["expected"]["gwlp"][3]
    assert third_word(2, 11, eleven) == pytest.approx(want, abs=1e-8)


def test_columns_are_chosen_to_keep_main_effects_clear():
    """Half as many factors as runs can have resolution IV: no word of length three."""
    for k in (4, 8, 16):
        design = orthogonal_array(k, runs=2 * k, rng=1)
        assert third_word(2, k, design.coded) == pytest.approx(0.0, abs=1e-12)
        assert "aliasing" not in [n.code for n in design.notes]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([2, 2, 3, 3, 4, 5]), min_size=1, max_size=7))
def test_whatever_comes_out_is_balanced(levels):
    try:
        design = orthogonal_array(len(levels), levels=levels, rng=1)
    except DesignError as error:
        assert "runs" in str(error)
        return
    assert balanced(design.coded)
    assert [len(np.unique(c)) for c in design.coded.T] == levels


def test_levels_come_from_the_factors():
    factors = [Factor("glue", levels=["A", "B", "C"]), Factor("n", levels=[1, 2, 4]), Factor("t", 0, 10), "u"]
    design = orthogonal_array(factors, levels=[3, 3, 3, 2], rng=2)
    assert len(design) == 18
    assert set(design.natural("glue")) == {"A", "B", "C"}
    assert sorted(set(design.natural("n").tolist())) == pytest.approx([1.0, 2.0, 4.0])
    assert sorted(set(design.natural("t").tolist())) == [0.0, 5.0, 10.0]
    assert len(orthogonal_array(factors, levels=[3, 3, 2, 2], runs=36, rng=2)) == 36


@pytest.mark.parametrize(
    ("factors", "options", "says"),
    [
        (3, {"levels": [2, 3]}, "2 came for 3"),
        ([Factor("a", levels=["x", "y"])], {"levels": 3}, "has 2 levels"),
        (5, {"levels": 3, "runs": 20}, "possible sizes: 18, 27"),
        (7, {"levels": [2, 2, 2, 3, 3, 3, 5]}, "multiple of 180"),
        (2, {"levels": 1}, "from 2"),
        ([Factor("m", kind="mixture"), Factor("n", kind="mixture")], {}, "mixture component"),
    ],
)
def test_refusals(factors, options, says):
    with pytest.raises(DesignError, match=says):
        orthogonal_array(factors, **options)


def test_a_wrong_array_is_named():
    x = arrays_of(9)[0].make().copy()
    check_strength(x, (3, 3, 3, 3), "mine")
    x[4, 2] = (x[4, 2] + 1) % 3
    with pytest.raises(
        DesignError, match=r"mine: not an orthogonal array .*3 of 6 pairs .*\(1 and 3, 2 and 3, 3 and 4\)"
    ):
        check_strength(x, (3, 3, 3, 3), "mine")
