"""Two-level fractions against catalogues, R and plain products of columns."""

from __future__ import annotations

import itertools
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.alias import alias_structure
from qstats.doe.design import Design
from qstats.doe.factor import Factor
from qstats.doe.fractions import choice, door, fractional_factorial
from qstats.doe.fractions.estimable import lost_pairs
from qstats.doe.fractions.search import best_fraction, fewest_runs, in_base_form
from qstats.doe.fractions.structure import check_blocks, check_fraction, regular
from qstats.doe.fractions.words import (
    coset_counts,
    full_pattern,
    krawtchouk,
    pair_counts,
    short_words,
    words_of,
)
from qstats.errors import DataError, DesignError, QStatsError

REFERENCE = Path(__file__).parents[1] / "reference"
CATALOGUE = json.loads((REFERENCE / "ma_catalogue.json").read_text())["designs"]
CASES = {c["id"]: c for c in json.loads((REFERENCE / "doe_fractions.json").read_text())["cases"]}


def plain_pattern(signs: np.ndarray) -> list[int]:
    """Words of length 1, 2, ..., k: products of columns that are constant. Independent of the library."""
    n, k = signs.shape
    out = []
    for size in range(1, k + 1):
        sums = [abs(np.prod(signs[:, list(some)], axis=1).sum()) for some in itertools.combinations(range(k), size)]
        assert set(sums) <= {0.0, float(n)}
        out.append(sum(s == n for s in sums))
    return out


def plain_clear(signs: np.ndarray) -> int:
    """Two-factor interactions orthogonal to every main effect and every other one."""
    k = signs.shape[1]
    pairs = list(itertools.combinations(range(k), 2))
    columns = np.array([signs[:, a] * signs[:, b] for a, b in pairs]).T
    mixed = np.abs(columns.T @ columns).sum(axis=1) > signs.shape[0]
    return int((~mixed & ~(np.abs(columns.T @ signs) > 0).any(axis=1)).sum())


# ---- catalogue ----


def test_every_catalogued_pattern_and_the_time_it_takes() -> None:
    # tests/reference/ma_catalogue.json: best patterns catalogued (FrF2 2.3-4), and clear interactions of such a design
    best_fraction.cache_clear()
    start = time.process_time()
    worse = []
    for d in CATALOGUE:
        m = d["runs"].bit_length() - 1
        columns = np.array(best_fraction(d["factors"], m))
        got = list(full_pattern(columns, m)[2 : 2 + len(d["wlp_A3_on"])])
        clear = int(pair_counts(columns)[2].sum())
        if got != d["wlp_A3_on"] or clear < d["clear_2fi"]:
            worse.append((d["runs"], d["factors"], got, clear))
    assert len(CATALOGUE) == 74
    assert worse == []
    assert time.process_time() - start < 15.0


@pytest.mark.parametrize("d", [d for d in CATALOGUE if d["runs"] <= 32 and d["factors"] <= 11], ids=str)
def test_catalogued_columns_have_the_pattern_by_plain_products(d: dict[str, Any]) -> None:
    made = fractional_factorial(d["factors"], runs=d["runs"], rng=1)
    assert plain_pattern(made.coded)[2 : 2 + len(d["wlp_A3_on"])] == d["wlp_A3_on"]
    assert made.resolution == d["resolution"]


@pytest.mark.parametrize(
    ("runs", "factors", "clear"),
    # doe.md 2.1 / FrF2's catalogue: clear two-factor interactions of the minimum-aberration design
    [(16, 5, 10), (32, 6, 15), (32, 7, 15), (32, 8, 13), (32, 9, 8), (32, 10, 0), (64, 8, 28), (64, 9, 30),
     (64, 10, 33), (64, 12, 36)],
)  # fmt: skip
def test_clear_interactions(runs: int, factors: int, clear: int) -> None:
    d = fractional_factorial(factors, runs=runs, rng=1)
    assert plain_clear(d.coded) == clear
    assert sum(len(e) == 2 for e in alias_structure(d).clear_effects) == clear


def test_most_clear_interactions() -> None:
    # Wu & Wu 2002, Technometrics 44, 191-197 / FrF2 MaxC2: 9 factors in 32 runs, 15 clear (minimum aberration has 8)
    d = fractional_factorial(9, runs=32, criterion="clear", rng=1)
    assert d.resolution == 4
    assert plain_clear(d.coded) == 15
    # without resolution IV more can be had: every product of one factor with the others in another part
    assert plain_clear(fractional_factorial(6, runs=16, criterion="clear", resolution=3, rng=1).coded) >= 6
    assert plain_clear(fractional_factorial(12, runs=64, criterion="clear", rng=1).coded) >= 36


# ---- R ----

DESIGNS = [i for i, c in CASES.items() if "nclear2fi" in c["expected"]]


@pytest.mark.parametrize("case", DESIGNS)
def test_minimum_aberration_as_in_r(case: str) -> None:
    inputs, expected = CASES[case]["inputs"], CASES[case]["expected"]
    d = fractional_factorial(inputs["nfactors"], runs=inputs["nruns"], rng=1)
    a = alias_structure(d)
    assert d.resolution == expected["resolution"]
    wanted = expected["WLP"][: inputs["nfactors"]]
    assert list(a.pattern[: len(wanted)]) == wanted
    assert len(a.chains) == sum(len(v if isinstance(v, list) else [v] if v else []) for v in _chains(expected))
    # the multiset of chain lengths does not depend on which of the isomorphic designs was found
    ours = sorted(c.count("=") for c in a.chains)
    theirs = sorted(c.count("=") for v in _chains(expected) for c in (v if isinstance(v, list) else [v] if v else []))
    assert ours == theirs


def _chains(expected: dict[str, Any]) -> list[Any]:
    return [expected["aliased_main"], expected["aliased_2fi"]]


@pytest.mark.parametrize("case", [i for i in CASES if i.startswith("FrF2-res")])
def test_fewest_runs_as_in_r(case: str) -> None:
    inputs, expected = CASES[case]["inputs"], CASES[case]["expected"]
    d = fractional_factorial(inputs["nfactors"], resolution=inputs["res"], rng=1)
    assert len(d) == expected["nruns"]
    wanted = expected["WLP"][: inputs["nfactors"]]
    assert list(alias_structure(d).pattern[: len(wanted)]) == wanted


@pytest.mark.parametrize("case", [i for i in CASES if i.startswith("FrF2-gen")])
def test_generators_give_the_chains_of_r(case: str) -> None:
    inputs, expected = CASES[case]["inputs"], CASES[case]["expected"]
    words = inputs["gens"] if isinstance(inputs["gens"], list) else [inputs["gens"]]
    k = int(math.log2(inputs["nruns"])) + len(words)
    d = fractional_factorial(k, generators=words, rng=1)
    assert len(d) == inputs["nruns"]
    assert [1, *plain_pattern(d.coded)] == expected["gwlp"]
    listed = [v if isinstance(v, list) else [v] for v in expected["aliased"].values()]
    ours = {c.replace(" ", "").removeprefix("I=") for c in alias_structure(d, order=3).chains}
    ours = {c for c in ours if "=" in c}  # a word alone is no chain of effects
    assert ours == {c for part in listed for c in part}


# ---- faults of others ----


@pytest.mark.parametrize(
    ("factors", "resolution", "runs"),
    # pyDOE3 1.6.2 fracfact_by_res gives resolution IV in all of these, and 16 runs for (7, 3). Fewest runs: Brouwer &
    # Verhoeff 1993, IEEE Trans. Inf. Theory 39, 662-677 (longest codes of distance 5 and 6)
    [(7, 5, 64), (8, 5, 64), (8, 6, 128), (9, 5, 128), (9, 6, 128), (10, 5, 128), (10, 6, 256), (11, 5, 128),
     (11, 6, 256), (12, 5, 256), (12, 6, 256), (7, 3, 8), (9, 4, 32), (17, 5, 256), (15, 7, 1024)],
)  # fmt: skip
def test_the_resolution_asked_is_reached_in_the_fewest_runs(factors: int, resolution: int, runs: int) -> None:
    d = fractional_factorial(factors, resolution=resolution, rng=1)
    assert len(d) == runs
    assert d.resolution is not None and d.resolution >= resolution
    # not from the library's own words: no product of fewer columns than the resolution is constant
    for size in range(1, min(resolution, 5)):
        for some in itertools.combinations(range(factors), size):
            assert np.prod(d.coded[:, some], axis=1).sum() == 0.0


def test_nine_factors_at_resolution_four_have_minimum_aberration() -> None:
    # pydoe 1.6.0 gives ten words of length 4, minimum aberration has six
    assert alias_structure(fractional_factorial(9, resolution=4, rng=1)).pattern[3] == 6


@pytest.mark.parametrize("factors", [3, 7, 15, 31])
def test_saturated_fractions(factors: int) -> None:
    # refused by pydoe (issue 152)
    d = fractional_factorial(factors, runs=factors + 1, rng=1)
    np.testing.assert_array_equal(d.coded.T @ d.coded, (factors + 1) * np.eye(factors))
    assert d.resolution == 3


def test_generators_that_confound_factors_are_refused() -> None:
    # pyDOE3 fracfact accepts "a b c aab" and "a b c ba ab"
    with pytest.raises(DesignError, match="stands twice"):
        fractional_factorial(4, generators="AAB")
    with pytest.raises(DesignError, match="D and E would be the same column"):
        fractional_factorial(5, generators=["BA", "AB"])
    with pytest.raises(DesignError, match="A and D would be the same column"):
        fractional_factorial(4, generators="D=-A")


# ---- generators ----


def test_signs_of_generators() -> None:
    plus = fractional_factorial(4, generators="D=ABC", rng=1)
    minus = fractional_factorial(4, generators="D = -A*B*C", rng=1)
    np.testing.assert_array_equal(minus.column("D"), -np.prod(minus.coded[:, :3], axis=1))
    np.testing.assert_array_equal(plus.column("D"), np.prod(plus.coded[:, :3], axis=1))
    assert (minus.generators, minus.defining_relation) == (("D=-ABC",), ("-ABCD",))
    # both halves together are the full factorial
    assert len(np.unique(np.concatenate([plus.coded, minus.coded]), axis=0)) == 16
    two = fractional_factorial(6, generators=["E=-ABC", "F=BCD"], rng=1)
    assert set(two.defining_relation) == {"-ABCE", "BCDF", "-ADEF"}


@pytest.mark.parametrize(
    "text", ["dwell=-speed*heat*glue", "dwell = - speed : heat : glue", "D=-ABC", "-A B C", "-speed heat glue"]
)
def test_names_and_letters(text: str) -> None:
    factors = {"speed": (1, 2), "heat": (3, 4), "glue": ["a", "b"], "dwell": (0, 1)}
    d = fractional_factorial(factors, generators=text, rng=1)
    assert d.generators == ("D=-ABC",)
    assert "D = dwell" in next(n.message for n in d.notes if n.code == "letters")
    assert set(d.natural("glue")) == {"a", "b"}


def test_any_factor_can_be_the_generated_one() -> None:
    d = fractional_factorial(["P", "Q", "R", "S"], generators="P=QRS", rng=1)
    np.testing.assert_array_equal(d.column("P"), d.column("Q") * d.column("R") * d.column("S"))
    assert d.notes == ()


def test_a_name_that_is_another_factors_letter_is_written_out() -> None:
    d = fractional_factorial(["B", "glue", "heat", "speed"], generators="speed=B*glue*heat", rng=1)
    assert d.generators == ("speed=B:glue:heat",)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({}, "neither runs, resolution, generators nor estimable"),
        ({"runs": 12}, "take 8 or 16"),
        ({"runs": 4}, "at least 8"),
        ({"runs": 64}, "replicates=2"),
        ({"runs": 16.0}, "whole number"),
        ({"runs": True}, "whole number"),
        ({"resolution": 2}, "whole number from 3"),
        ({"runs": 8, "resolution": 4}, "need 16 runs"),
        ({"generators": []}, "texts such as"),
        ({"generators": "E=F"}, "no factor"),
        ({"generators": "E="}, "text such as"),
        ({"generators": "=AB"}, "text such as"),
        ({"generators": "E=AB=C"}, "one ="),
        ({"generators": "E=A**B"}, "is missing"),
        ({"generators": 3}, "texts such as"),
        ({"generators": [3]}, "text such as"),
        ({"generators": "x" * 3000}, "characters"),
        ({"generators": ["E=AB", "E=CD"]}, "made twice"),
        ({"generators": ["D=AB", "E=CD"]}, "made by another generator"),
        ({"generators": ["D=AB", "AC"]}, "write all as"),
        ({"generators": ["A"] * 5}, "at least one factor is free"),
        ({"generators": "E=ABCD", "runs": 8}, "16"),
        ({"generators": "E=AB", "resolution": 5}, "the generators give 3"),
        ({"generators": "E=ABCD", "criterion": "clear"}, "nothing to choose"),
        ({"runs": 8, "criterion": "best"}, "one of"),
        ({"runs": 8, "estimable": "AB"}, "list of pairs"),
        ({"runs": 16, "estimable": ["A"]}, "two different factors"),
        ({"runs": 16, "estimable": [("A", "A")]}, "two different factors"),
        ({"runs": 16, "estimable": [("A", "Z")]}, "no factor"),
        ({"runs": 16, "estimable": [3]}, "a pair"),
        ({"runs": 8, "estimable": ["AB"]}, "no fraction of 5 factors in 8 runs"),
        ({"generators": ["D=ABC", "E=AB"], "estimable": ["AB"]}, "cannot be kept clear"),
        ({"runs": 16, "replicates": 0}, "whole number from 1"),
        ({"runs": 16, "center_points": -1}, "whole number from 0"),
        ({"runs": 16, "randomize": 1}, "True or False"),
        ({"runs": 16, "blocks": 3}, "power of two"),
        ({"generators": "E=ABCD", "blocks": 16}, "take a main effect"),
        ({"runs": 16, "blocks": 16}, "in 16 blocks"),
    ],
)
def test_what_cannot_be_made_says_why(kwargs: dict[str, Any], match: str) -> None:
    with pytest.raises(QStatsError, match=match):
        fractional_factorial(5, **kwargs)


def test_factors_that_do_not_fit() -> None:
    with pytest.raises(DesignError, match=r"has 3 levels.*full_factorial"):
        fractional_factorial({"a": (0, 1), "b": ["x", "y", "z"], "c": (0, 1)}, runs=4)
    with pytest.raises(DesignError, match="mixture"):
        fractional_factorial([Factor(n, kind="mixture") for n in "xyz"], runs=4)
    with pytest.raises(DesignError, match="at most 512"):
        fractional_factorial(600, runs=1024)
    note = fractional_factorial([Factor("a", 0, 1, hard_to_change=True), Factor("b", 0, 1)], runs=4).notes
    assert [n.code for n in note] == ["hard-to-change"]


# ---- estimable ----


@pytest.mark.parametrize(
    ("factors", "pairs", "runs"),
    # one factor with all others: 2^(k-p) with A in no word of length 4
    [(6, ["AB", "AC", "AD", "AE", "AF"], None), (8, ["AB", "AC", "AD"], 32), (9, ["AB", "AC", "BC", "AD"], 32),
     (10, ["AB", "CD", "EF", "GH"], 64), (5, ["AB", "CD"], None)],
)  # fmt: skip
def test_listed_interactions_are_clear(factors: int, pairs: list[str], runs: int | None) -> None:
    d = fractional_factorial(factors, estimable=pairs, runs=runs, rng=1)
    x = d.coded
    everything = {
        some: np.prod(x[:, some], axis=1) for size in (1, 2) for some in itertools.combinations(range(factors), size)
    }
    for p in pairs:
        own = tuple("ABCDEFGHJK".index(c) for c in p)
        for some, column in everything.items():
            assert some == own or column @ everything[own] == 0.0


def test_clear_of_the_listed_only_takes_fewer_runs() -> None:
    pairs = [("A", "B"), ("A", "C"), ("A", "D")]
    small = fractional_factorial(8, estimable=pairs, clear_of="listed", rng=1)
    large = fractional_factorial(8, estimable=pairs, rng=1)
    assert (len(small), len(large)) == (16, 32)
    model = np.column_stack([np.ones(16), small.coded, *(small.column(a) * small.column(b) for a, b in pairs)])
    np.testing.assert_array_equal(model.T @ model, 16 * np.eye(12))


def test_lost_pairs_by_hand() -> None:
    # 1, 2, 4, 3 = AB: the interaction AB is main effect D
    assert lost_pairs(np.array([1, 2, 4, 3]), ((0, 1), (0, 2)), clear_of_all=False) == [(0, 1)]
    # D = ABC: AB = CD
    assert lost_pairs(np.array([1, 2, 4, 7]), ((0, 1),), clear_of_all=True) == [(0, 1)]
    assert lost_pairs(np.array([1, 2, 4, 7]), ((0, 1),), clear_of_all=False) == []


# ---- layout ----


def test_centre_points_with_text_and_numbers() -> None:
    d = fractional_factorial({"a": (0, 10), "b": ["x", "y"], "c": (0, 2)}, runs=4, center_points=3, rng=5)
    assert int(d.center.sum()) == 6
    assert sorted(d.natural("b")[d.center].tolist()) == ["x"] * 3 + ["y"] * 3
    assert set(d.natural("a")[d.center].tolist()) == {5.0}
    order = d.center[d.run_order]
    assert order[0] and order[-1]
    gaps = np.diff(np.flatnonzero(order))
    assert gaps.max() <= 3  # spread evenly, not all at one end
    with pytest.raises(DesignError, match="no factor has a middle"):
        fractional_factorial(
            [Factor(n, levels=v) for n, v in (("a", ["x", "y"]), ("b", [1, 2]))], runs=4, center_points=1
        )


def test_one_two_and_three_centre_points_stand_where_they_should() -> None:
    for count, where in ((1, [4]), (2, [0, 9]), (3, [0, 5, 10])):
        d = fractional_factorial(4, runs=8, center_points=count, rng=2)
        assert np.flatnonzero(d.center[d.run_order]).tolist() == where
    still = fractional_factorial(4, runs=8, center_points=2, randomize=False)
    assert still.run_order.tolist() == list(range(10)) and still.seed is None


def test_replicates() -> None:
    d = fractional_factorial(4, runs=8, replicates=3, rng=1)
    assert len(d) == 24 and d.replicate.tolist() == [1] * 8 + [2] * 8 + [3] * 8
    _, count = np.unique(d.coded, axis=0, return_counts=True)
    assert count.tolist() == [3] * 8
    assert sorted(np.bincount(fractional_factorial(4, runs=8, replicates=3, blocks=3).block)[1:]) == [8, 8, 8]


def test_the_seed_moves_the_order_and_nothing_else() -> None:
    a, b, c = (fractional_factorial(9, runs=32, rng=s) for s in (1, 1, 2))
    assert a.hash == b.hash != c.hash
    np.testing.assert_array_equal(a.coded, c.coded)
    assert a.generators == c.generators
    best_fraction.cache_clear()
    assert fractional_factorial(9, runs=32, rng=1).hash == a.hash
    assert Design.from_dict(json.loads(a.to_json())).hash == a.hash


def test_standard_order() -> None:
    d = fractional_factorial(4, runs=8)
    assert d.coded[:, 0].tolist() == [-1, 1] * 4
    assert d.coded[:, 2].tolist() == [-1] * 4 + [1] * 4


def test_fifteen_factors_are_quick() -> None:
    for runs in (16, 32, 64, 128):
        best_fraction.cache_clear()
        start = time.process_time()
        fractional_factorial(15, runs=runs, rng=1)
        assert time.process_time() - start < 0.5


def test_more_words_than_can_be_listed() -> None:
    d = fractional_factorial(30, runs=32, rng=1)
    assert "words-cut" in [n.code for n in d.notes]
    lengths = [len(w) for w in d.defining_relation]
    assert (lengths.count(3), lengths.count(4)) == (140, 945)  # ma_catalogue.json
    assert "a" in "".join(d.defining_relation)  # letters beyond Z are small ones


# ---- the parts ----


@given(st.integers(1, 9), st.data())
def test_krawtchouk_by_plain_sums(n: int, data: st.DataObject) -> None:
    j, i = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    signs = [-1] * j + [1] * (n - j)
    assert krawtchouk(n, n)[i][j] == sum(math.prod(some) for some in itertools.combinations(signs, i))


@settings(max_examples=60)
@given(st.integers(2, 4), st.data())
def test_patterns_by_plain_products(m: int, data: st.DataObject) -> None:
    extra = data.draw(st.lists(st.integers(1, 2**m - 1), max_size=3))
    columns = np.array([*(1 << i for i in range(m)), *extra])
    runs = np.arange(2**m)
    signs = np.array([[(-1.0) ** (int(c) & int(x)).bit_count() for c in columns] for x in runs])
    assert list(full_pattern(columns, m)) == plain_pattern(signs)
    counts = coset_counts(columns, m, 2)
    pairs = [int(a ^ b) for a, b in itertools.combinations(columns, 2)]
    assert counts[2].tolist() == [pairs.count(v) for v in range(2**m)]
    # what is read off the runs is what was put in, whatever signs the columns have
    flips = np.array(data.draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=columns.size, max_size=columns.size)))
    found = regular(signs * flips)
    assert found is not None
    assert found.pattern == full_pattern(columns, m)
    base = np.array([[(-1.0) ** (int(c) & int(x)).bit_count() for c in found.columns] for x in found.run])
    np.testing.assert_array_equal(base * found.signs, signs * flips)


def test_what_is_not_regular() -> None:
    from qstats.doe.fractions.structure import signs_of

    x = fractional_factorial(4, runs=8).coded
    assert regular(x[:7]) is None
    assert regular(np.concatenate([x, x[:1]])) is None
    assert regular(np.concatenate([x, x])) is not None
    d = fractional_factorial(3, runs=4)
    assert signs_of(d.factors, np.zeros((4, 3))) is None


def test_a_wrong_matrix_is_an_error_never_a_design(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.array(fractional_factorial(4, runs=8).coded)
    for wrong, match in (
        (x[:7], "7 runs were made"),
        (np.where(np.arange(8)[:, None] == 0, -x, x)[:, [0, 1, 2, 2]], "as often|orthogonal"),
        (x[:, [0, 1, 2, 2]], "not orthogonal"),
    ):
        with pytest.raises(DesignError, match=match):
            check_fraction(wrong, runs=8, resolution=4)
    with pytest.raises(DesignError, match="resolution 4, not 5"):
        check_fraction(x, runs=8, resolution=5)
    with pytest.raises(DesignError, match="main effect"):
        check_blocks(x, (x[:, 0] > 0).astype(np.int64))
    with pytest.raises(DesignError, match="different sizes"):
        check_blocks(x, np.array([1, 1, 1, 2, 2, 2, 2, 2]))
    # the door itself: a search that returned nonsense
    monkeypatch.setattr(door, "full_pattern", lambda columns, m: (0, 0, 0, 0, 0, 1))
    with pytest.raises(DesignError, match="bug in qstats"):
        fractional_factorial(5, runs=8)


def test_base_form_and_short_words() -> None:
    made = in_base_form(np.array([6, 5, 3, 1]), 3)
    assert made is not None
    assert made[0].tolist() == [1, 2, 3, 4] and made[1] == [0, 1, 3]
    assert in_base_form(np.array([1, 2, 3]), 3) is None
    columns = np.array([1, 2, 4, 3, 7])
    long = words_of([0b01011, 0b10111])
    assert sorted(short_words(columns)) == sorted(w for w in long if w.bit_count() <= 4)
    assert fewest_runs(33, 5) == 10 and fewest_runs(34, 5) == 11


def test_when_no_fraction_is_found_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "best_fraction", lambda *a: None)
    with pytest.raises(DesignError, match="was found"):
        fractional_factorial(6, runs=16)
    with pytest.raises(DesignError, match="was found"):
        fractional_factorial(20, resolution=5)


@given(st.text(max_size=12))
def test_any_generator_text_gives_a_design_or_an_error(text: str) -> None:
    try:
        d = fractional_factorial(5, generators=text, rng=1)
    except (DesignError, DataError):
        return
    assert len(d) == 16 and d.resolution is not None and d.resolution >= 3
