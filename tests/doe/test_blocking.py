"""Blocks of two-level designs: against exhaustive search, R, and round-robin blocks that bias effects."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from qstats.doe.alias import alias_structure
from qstats.doe.factorial import full_factorial
from qstats.doe.fractions import fractional_factorial
from qstats.doe.fractions.blocking import best_blocks
from qstats.doe.fractions.search import best_fraction
from qstats.errors import DesignError

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "doe_fractions.json").read_text())["cases"]
}


def plain_counts(columns: tuple[int, ...], space: set[int]) -> tuple[int, ...]:
    """How many i-factor effects have a column in a set: every effect multiplied out."""
    out = []
    for size in range(1, min(len(columns), 6) + 1):
        count = 0
        for some in itertools.combinations(columns, size):
            value = 0
            for c in some:
                value ^= c
            count += value in space
        out.append(count)
    return tuple(out)


@pytest.mark.parametrize(
    ("k", "m", "b"), [(3, 3, 1), (4, 4, 2), (4, 4, 3), (5, 5, 2), (5, 4, 1), (6, 4, 1), (6, 4, 2), (7, 4, 2), (7, 5, 2)]
)
def test_no_blocking_is_better(k: int, m: int, b: int) -> None:
    columns = best_fraction(k, m)
    assert columns is not None
    found = best_blocks(columns, m, b)
    assert found is not None
    every = []
    for generators in itertools.combinations(range(1, 1 << m), b):
        space = {0}
        for g in generators:
            space |= {v ^ g for v in space}
        if len(space) == 1 << b:
            counts = plain_counts(columns, space - {0})
            if counts[0] == 0:
                every.append(counts)
    assert found.counts == min(every) == plain_counts(columns, set(found.space))


def test_where_nothing_is_possible() -> None:
    columns = best_fraction(7, 3)
    assert columns is not None
    assert best_blocks(columns, 3, 1) is None  # saturated: every column is a main effect
    with pytest.raises(DesignError, match="in 2 blocks"):
        fractional_factorial(7, runs=8, blocks=2)


@pytest.mark.parametrize("case", ["FrF2-block-16-5-2", "FrF2-block-16-6-4"])
def test_no_more_pairs_are_given_up_than_in_r(case: str) -> None:
    inputs, expected = CASES[case]["inputs"], CASES[case]["expected"]
    d = fractional_factorial(inputs["nfactors"], runs=inputs["nruns"], blocks=inputs["blocks"], rng=1)
    theirs = np.atleast_1d(expected["aliased_with_blocks"]).size
    assert sum(len(e) == 2 for e in alias_structure(d).blocked_effects) <= theirs
    assert np.bincount(d.block)[1:].tolist() == [expected["blocksize"]] * inputs["blocks"]


@pytest.mark.parametrize(
    ("k", "runs", "blocks"), [(3, 8, 2), (4, 16, 4), (5, 16, 2), (5, 32, 4), (6, 16, 4), (7, 32, 8), (15, 32, 2)]
)
def test_a_shift_of_blocks_biases_no_main_effect(k: int, runs: int, blocks: int) -> None:
    # round-robin blocks bias a main effect by half the shift: process-improve issue 513
    d = full_factorial(k, blocks=blocks, rng=1) if runs == 2**k else fractional_factorial(k, runs=runs, blocks=blocks)
    shift = np.random.default_rng(1).normal(size=blocks)[d.block - 1] * 100.0
    effects = d.coded.T @ shift / runs
    np.testing.assert_allclose(effects, 0.0, atol=1e-9)


def test_what_is_confounded_is_said() -> None:
    # Montgomery, DAE 8e, section 7.6: 2^4 in four blocks of four cannot keep all two-factor interactions
    d = full_factorial(4, blocks=4, rng=1)
    blocked = alias_structure(d, order=4).blocked_effects
    assert sorted(len(e) for e in blocked) == [2, 3, 3]
    note = next(n for n in d.notes if n.code == "blocks-confounded")
    assert note.severity == "warning" and blocked[0] in note.message
    # 2^3 in two blocks: ABC (Montgomery, section 7.4)
    assert alias_structure(full_factorial(3, blocks=2), order=3).blocked_effects == ("ABC",)
    # 2^5 in four blocks: ABC, CDE, ABDE or their like (Box, Hunter & Hunter, table 5A.1): no two-factor interaction
    assert sorted(map(len, alias_structure(full_factorial(5, blocks=4), order=5).blocked_effects)) == [3, 3, 4]


def test_blocks_and_replicates() -> None:
    whole = full_factorial(2, replicates=4, blocks=2, rng=1)
    assert whole.block.tolist() == [1] * 8 + [2] * 8
    parts = full_factorial(3, replicates=2, blocks=4, rng=1)
    assert np.bincount(parts.block)[1:].tolist() == [4, 4, 4, 4]
    assert set(zip(parts.replicate.tolist(), parts.block.tolist(), strict=True)) == {(1, 1), (1, 2), (2, 3), (2, 4)}
    for r, b in ((3, 2), (2, 6), (2, 3)):
        with pytest.raises(DesignError, match="blocks"):
            full_factorial(3, replicates=r, blocks=b)


def test_runs_stay_within_their_block_in_run_order() -> None:
    d = fractional_factorial(6, runs=32, blocks=4, center_points=2, rng=3)
    runs = d.block[d.run_order]
    assert int((np.diff(runs) != 0).sum()) == 3
    assert [int(d.center[d.block == b].sum()) for b in (1, 2, 3, 4)] == [2, 2, 2, 2]


def test_a_fraction_is_chosen_that_leaves_room_for_the_blocks() -> None:
    for k in range(5, 14):
        d = fractional_factorial(k, runs=16, blocks=2, rng=1)
        assert alias_structure(d, order=1).blocked_effects == ()
