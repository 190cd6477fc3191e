"""The grammar of models: what it makes, and two hundred texts it must refuse without touching anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats.doe.factor import Factor, as_factors
from qstats.doe.grammar import as_model, parse_model
from qstats.doe.terms import Model, Part, Term, model_columns
from qstats.errors import FormulaError

FACTORS = as_factors(
    [Factor("A", 0, 10), Factor("Table Speed", 1, 2), Factor("glue", levels=["x", "y", "z"]), Factor("速度", 1, 3)]
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("A", "1 + A"),
        ("A - 1", "A"),
        ("0 + A", "A"),
        (".", "1 + A + `Table Speed` + glue + 速度"),
        (". - glue", "1 + A + `Table Speed` + 速度"),
        ("A*速度", "1 + A + 速度 + A:速度"),
        ("A:`Table Speed`", "1 + A:`Table Speed`"),
        ("(A + glue + 速度)^2", "1 + A + glue + 速度 + A:glue + A:速度 + glue:速度"),
        ("A*glue - A:glue", "1 + A + glue"),
        ("SO(A, 速度)", "1 + A + 速度 + A:速度 + A^2 + 速度^2"),
        ("PQ(A, glue)", "1 + A^2"),
        ("TWI(A, glue, 速度)", "1 + A:glue + A:速度 + glue:速度"),
        ("poly(A, 3) + log(速度)", "1 + A + log(速度) + A^2 + A^3"),
        ("A:A", "1 + A^2"),
        ("glue:glue", "1 + glue"),
        ("  A\n+\tA  ", "1 + A"),
        ("1", "1"),
    ],
)
def test_what_a_text_stands_for(text: str, terms: str) -> None:
    assert str(parse_model(text, FACTORS)) == terms


def test_names_lists_and_models() -> None:
    two = as_factors(["A", "B"])
    assert str(as_model("quadratic", two)) == "1 + A + B + A:B + A^2 + B^2"
    assert str(as_model("interactions", two)) == "1 + A + B + A:B"
    assert str(as_model(["A", "A:B"], two)) == "1 + A + A:B"
    assert as_model(as_model("linear", two), two) == as_model("linear", two)
    assert str(as_model("linear", as_factors([Factor("linear", 0, 1)]))) == "1 + linear"
    blend = as_factors([Factor(n, kind="mixture") for n in "xyz"])
    assert str(as_model("quadratic", blend)) == "x + y + z + x:y + x:z + y:z"
    with pytest.raises(FormulaError, match="no factor of this design"):
        as_model(Model((Term((Part("Z"),)),)), two)


def test_columns_by_hand() -> None:
    coded = np.array([[-1, 0, 0, 0], [1, 0, 1, 0], [0.5, 0, 2, 1]], dtype=float)
    c = model_columns(as_model("A*glue + A^2 + log(速度)", FACTORS), FACTORS, coded)
    assert c.labels == ("1", "A", "glue[y]", "glue[z]", "log(速度)", "A:glue[y]", "A:glue[z]", "A^2")
    expected = [
        [1, -1, -1, -1, np.log(2), 1, 1, 1],
        [1, 1, 1, 0, np.log(2), 1, 0, 1],
        [1, 0.5, 0, 1, np.log(3), 0, 0.5, 0.25],
    ]
    np.testing.assert_allclose(c.x, expected)
    assert c.term.tolist() == [0, 1, 2, 2, 3, 4, 4, 5]


def test_two_levels_of_text_are_minus_and_plus_one() -> None:
    f = as_factors([Factor("mode", levels=["old", "new"])])
    assert model_columns(as_model("mode", f), f, np.array([[0.0], [1.0]])).x[:, 1].tolist() == [-1.0, 1.0]


def test_parents() -> None:
    a, ab, a2 = Term((Part("A"),)), Term((Part("A"), Part("B"))), Term((Part("A", 2),))
    assert a.within(ab) and a.within(a2) and not ab.within(a2) and Term().within(a)


# code, broken grammar, calls that mean nothing here, odd characters and sizes
HOSTILE = [
    text
    for kind in json.loads((Path(__file__).parents[1] / "reference" / "hostile_models.json").read_text()).values()
    for text in kind
]


def test_there_are_two_hundred_of_them() -> None:
    assert len(set(HOSTILE)) >= 200


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused_and_touch_nothing(
    text: str, refuses: Callable[[Callable[[], object]], None]
) -> None:
    at_zero = np.array([[-1.0, 0.0, 0.0, 0.0]])  # the value of A is 0 there
    refuses(lambda: model_columns(parse_model(text, FACTORS), FACTORS, at_zero))


@given(st.text(max_size=60))
def test_any_text_gives_a_model_or_a_formula_error(text: str) -> None:
    try:
        model = parse_model(text, FACTORS)
    except FormulaError:
        return
    assert parse_model(str(model) if model.intercept else f"{model} - 1", FACTORS) == model


@given(st.lists(st.sampled_from(["A", "`Table Speed`", "glue", "速度", "A:glue", "A^2", "速度:A"]), min_size=1))
def test_a_model_reads_itself_back(terms: list[str]) -> None:
    model = parse_model(" + ".join(terms), FACTORS)
    assert parse_model(str(model), FACTORS) == model
    assert as_model(list(model.labels), FACTORS) == model
