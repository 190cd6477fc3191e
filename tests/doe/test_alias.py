"""Alias structure: chains of regular fractions and the alias matrix of everything else."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from qstats.doe.alias import alias_structure
from qstats.doe.design import make_design
from qstats.doe.factor import as_factors
from qstats.doe.factorial import full_factorial
from qstats.doe.fractions import fractional_factorial
from qstats.errors import QStatsError

PB_ROW = np.array([1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1], dtype=float)


def test_nist_seven_factors_in_sixteen_runs() -> None:
    # NIST e-Handbook 5.6.2 (sonoluminescence): X5 = X2X3X4, X6 = X1X3X4, X7 = X1X2X3; X1X3 = X2X7 = X4X6
    d = fractional_factorial([f"X{i}" for i in range(1, 8)], generators=["X5=X2*X3*X4", "X6=X1*X3*X4", "X7=X1*X2*X3"])
    chains = {frozenset(c.split(" = ")) for c in alias_structure(d).chains}
    # printed there: X1X3 = X2X7 = X4X6, X2X3 = X1X7 = X4X5, X1X2 = X3X7 = X5X6
    assert {frozenset(c) for c in (("AC", "BG", "DF"), ("BC", "AG", "DE"), ("AB", "CG", "EF"))} <= chains


def test_signs_are_those_of_the_columns() -> None:
    d = fractional_factorial(6, generators=["E=-ABC", "F=ACD"], rng=1)
    a = alias_structure(d, order=3)
    names = d.names

    def column(effect: str) -> np.ndarray:
        return np.prod([d.column(n) for n in effect], axis=0)

    for effect, chain, sign in zip(a.effects, a.chain.tolist(), a.sign.tolist(), strict=True):
        first = next(e for e, c in zip(a.effects, a.chain.tolist(), strict=True) if c == chain)
        reference = np.ones(len(d)) if chain == 0 else column(first)
        np.testing.assert_array_equal(column(effect), sign * reference)
    # and effects of different chains are orthogonal
    for e, f in itertools.combinations(range(len(a.effects)), 2):
        if a.chain[e] != a.chain[f]:
            assert column(a.effects[e]) @ column(a.effects[f]) == 0.0
    assert names == tuple("ABCDEF")


def test_each_chain_stands_once() -> None:
    a = alias_structure(fractional_factorial(7, runs=16, rng=1))
    members = [e.lstrip("-") for c in a.chains for e in c.split(" = ")]
    assert len(members) == len(set(members)) == 21  # 16,7: every two-factor interaction in one of seven chains
    assert a.clear_effects == tuple("ABCDEFG")
    assert len(a.to_frame()) == 28
    assert json.loads(a.to_json())["resolution"] == 4


def test_plackett_burman_has_thirds() -> None:
    # Plackett & Burman 1946: in 12 runs a main effect shares +-1/3 with every interaction without it
    x = np.vstack([*(np.roll(PB_ROW, i) for i in range(11)), -np.ones(11)])
    a = alias_structure(make_design("Plackett-Burman", as_factors(11), x, rng=1))
    assert not a.regular and a.matrix.shape == (12, 55)
    for i, term in enumerate(a.terms[1:], start=1):
        for j, pair in enumerate(a.aliases):
            expected = 0.0 if term in pair.split(":") else 1 / 3
            assert abs(a.matrix[i, j]) == pytest.approx(expected, abs=1e-12)
    assert len(a.to_frame()) == 11 * 45
    assert "+0.3333" in a.table()


def test_alias_matrix_by_its_definition() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, size=(9, 3))
    a = alias_structure(make_design("own", as_factors(3), x, block=[1] * 4 + [2] * 5, rng=1))
    x1 = np.column_stack([np.ones(9), x, [-5 / 9] * 4 + [4 / 9] * 5])
    pairs = [x[:, i] * x[:, j] for i, j in ((0, 1), (0, 2), (1, 2))]
    x2 = np.column_stack([*pairs, *(x[:, j] ** 2 for j in range(3))])
    assert a.aliases == ("A:B", "A:C", "B:C", "A^2", "B^2", "C^2")
    np.testing.assert_allclose(a.matrix, (np.linalg.inv(x1.T @ x1) @ x1.T @ x2)[:4], rtol=1e-9, atol=1e-11)


def test_a_model_of_ones_own() -> None:
    d = fractional_factorial(4, runs=8, rng=1)
    a = alias_structure(d, model="A + B + A:B")
    assert a.regular and a.terms == ("1", "A", "B", "A:B")
    assert a.matrix[3, a.aliases.index("C:D")] == pytest.approx(1.0)
    assert "A:B: +1 C:D" in a.table()
    with pytest.raises(QStatsError, match="only 8 can be told apart"):
        alias_structure(d, model="interactions")


def test_a_full_factorial_has_nothing_aliased() -> None:
    a = alias_structure(full_factorial(3, rng=1), order=3)
    assert a.chains == () and a.table() == "nothing is aliased" and a.resolution is None
    assert set(a.clear_effects) == {"A", "B", "C", "AB", "AC", "BC"}
    assert alias_structure(fractional_factorial(4, runs=8), order=1).clear_effects == tuple("ABCD")
    assert alias_structure(fractional_factorial(3, runs=4), order=1).clear_effects == ()


def test_bad_arguments() -> None:
    d = fractional_factorial(4, runs=8, rng=1)
    for kwargs in ({"order": 0}, {"order": 5}, {"order": 1.5}, {"threshold": -1}, {"model": "A + Z"}, {"model": 3}):
        with pytest.raises(QStatsError):
            alias_structure(d, **kwargs)
    with pytest.raises(QStatsError, match="a Design is wanted"):
        alias_structure([[1, 2]])  # type: ignore[arg-type]
    with pytest.raises(QStatsError, match="effects of up to"):
        alias_structure(fractional_factorial(31, runs=32, rng=1), order=5)
