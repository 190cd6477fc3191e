"""Optimal designs: at least as good as what others found, exact criteria, and layouts that hold."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.design import Design
from qstats.doe.exchange.basis import Basis
from qstats.doe.exchange.door import optimal
from qstats.doe.exchange.exchange import Plan, State, information
from qstats.doe.exchange.moments import moments
from qstats.doe.exchange.region import Region
from qstats.doe.factor import Factor, as_factors
from qstats.doe.grammar import as_model
from qstats.doe.terms import model_columns
from qstats.errors import DataError, DesignError, FormulaError, QStatsError

HELD = json.loads((Path(__file__).parents[1] / "reference" / "doe_optimal.json").read_text())


def model_of(what: str) -> str:
    kind = what.rstrip("0123456789rep")
    return {"quad": "quadratic", "main": "linear", "2fi": "interactions", "2f": "interactions", "mix": "quadratic"}[
        "2fi" if what.startswith("2fi") else kind
    ]


def factors_of(case: dict[str, Any]) -> list[Factor]:
    return [Factor(f"x{j + 1}", levels=case["levels"]) for j in range(case["factors"])]


def by_definition(design: Design, model: str) -> tuple[np.ndarray, int]:
    """(X'X)^-1 by the columns of the model alone."""
    x = model_columns(as_model(model, design.factors), design.factors, np.asarray(design.coded)).x
    return np.linalg.inv(x.T @ x), x.shape[1]


CUBES = [c for c in HELD["optima"] if not c["what"].startswith(("mix", "cubic"))]
SMALL = [c for c in CUBES if c["what"] not in ("quad4", "quad5")]


@pytest.mark.parametrize("case", SMALL, ids=lambda c: c["id"])
def test_as_good_as_the_best_exchange_over_candidates(case: dict[str, Any]) -> None:
    """The same levels as candidates: D, A and (means over the candidates) I agree with R's definitions."""
    factors = factors_of(case)
    model, n = model_of(case["what"]), case["runs"]
    design = optimal(factors, runs=n, model=model, criterion=case["criterion"], starts=600, rng=1)
    cov, p = by_definition(design, model)
    if case["criterion"] == "D":
        assert np.linalg.det(cov) ** (-1 / p) / n >= case["expected"] * (1 - 1e-7)
    elif case["criterion"] == "A":
        assert n * np.trace(cov) / p <= case["expected"] * (1 + 1e-7)
    else:
        grid = np.array(list(itertools.product(case["levels"], repeat=case["factors"])))
        f = model_columns(as_model(model, tuple(factors)), tuple(factors), grid).x
        average = n * float(np.einsum("ij,jk,ik->i", f, cov, f).mean())
        assert average <= case["expected"] * (1 + 1e-7)
        assert design.certificate is not None
        assert design.certificate["best"] * n == pytest.approx(average, rel=1e-9)


# D-efficiencies and average prediction variances of doe.md 2.4: the best of long searches on and near 21 levels
@pytest.mark.parametrize(
    ("criterion", "k", "n", "best"),
    [("D", 2, 6, 42.304), ("D", 3, 10, 42.345), ("D", 3, 14, 46.304), ("D", 4, 15, 43.219),
     ("I", 2, 6, 0.76715), ("I", 2, 12, 0.30278), ("I", 3, 10, 0.68744)],
)  # fmt: skip
def test_the_tables_in_two_seconds(criterion: str, k: int, n: int, best: float) -> None:
    design = optimal(k, runs=n, criterion=criterion, seconds=2.0, rng=3)
    assert design.certificate is not None
    value = design.certificate["best"]
    assert value >= best * 0.998 if criterion == "D" else value <= best * 1.002
    cov, p = by_definition(design, "quadratic")
    if criterion == "D":
        assert value == pytest.approx(100 * np.linalg.det(cov) ** (-1 / p) / n, rel=1e-9)
    assert set(design.certificate) >= {"starts", "best", "second_best", "how_often_found", "seconds", "seed"}


def test_average_variance_over_the_cube_is_exact() -> None:
    """E x^2 = 1/3, E x^4 = 1/5, E x^2 y^2 = 1/9 by hand, against tr(W C)."""
    factors = as_factors(2)
    basis, region = Basis(as_model("quadratic", factors), factors), Region(factors)
    w, how = moments(basis, region)
    assert basis.labels == ("1", "A", "B", "A:B", "A^2", "B^2")
    expected = np.diag([1, 1 / 3, 1 / 3, 1 / 9, 1 / 5, 1 / 5])
    expected[0, 4] = expected[4, 0] = expected[0, 5] = expected[5, 0] = 1 / 3
    expected[4, 5] = expected[5, 4] = 1 / 9
    np.testing.assert_allclose(w, expected, atol=1e-15)
    assert "exact" in how


def test_moments_of_a_simplex_are_dirichlet() -> None:
    """E x^a y^b z^c = 2 a! b! c! / (a + b + c + 2)!: x y times x y is 2 * 2 * 2 / 6! = 1/90."""
    factors = tuple(Factor(v, kind="mixture") for v in "xyz")
    w, _ = moments(Basis(as_model("quadratic", factors), factors), Region(factors))
    assert w[0, 0] == pytest.approx(1 / 6)
    assert w[0, 1] == pytest.approx(1 / 12)
    assert w[3, 3] == pytest.approx(1 / 90)
    assert w[3, 4] == pytest.approx(1 / 180)


def test_rows_are_the_columns_of_the_model() -> None:
    factors = as_factors({"a": (1, 3), "b": ("x", "y", "z"), "c": (1, 2, 4.0), "d": ("u", "v")})
    model = as_model("(a + b + c + d)^3 + a^2 + c^2 + log(a) + log(a):a:b", factors)
    rng = np.random.default_rng(1)
    columns = (rng.uniform(-1, 1, 9), rng.integers(0, 3, 9), rng.choice([-1, -1 / 3, 1], 9), rng.integers(0, 2, 9))
    coded = np.column_stack(columns)
    expected = model_columns(model, factors, coded)
    basis = Basis(model, factors)
    assert basis.labels == expected.labels
    assert basis.term.tolist() == expected.term.tolist()
    np.testing.assert_allclose(basis.rows(coded), expected.x, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("split", [False, True])
def test_rank_one_steps_end_where_inversion_does(weighted: bool, split: bool) -> None:
    from qstats.doe.exchange.search import COARSE, Sweeper

    factors = as_factors(3)
    basis, region = Basis(as_model("quadratic", factors), factors), Region(factors)
    plot = np.repeat(np.arange(4), 4) if split else np.full(16, -1)
    blocks = np.zeros((16, 0)) if split else np.repeat([[-1.0], [1.0]], 8, axis=0)
    size = basis.p + blocks.shape[1]
    w = np.zeros((size, size))
    w[: basis.p, : basis.p] = moments(basis, region)[0]
    plan = Plan(16, 0, blocks, plot, 0.7 if split else 0.0, w if weighted else None)
    sweeper = Sweeper(basis, region, plan, [])
    state = State(basis, plan, np.random.default_rng(2).uniform(-1, 1, (3, 16, 3)))
    state.refresh()
    before = state.value.copy()
    levels, real = sweeper.grid(3, sweeper.kernel.movable)
    for i in range(16):
        sweeper.kernel.step(state, i, levels[None], sweeper.values(levels[None]), real[None])
    m = information(
        np.concatenate([basis.rows(state.coded), np.broadcast_to(blocks, (3, *blocks.shape))], axis=2), plan
    )
    np.testing.assert_allclose(state.inverse, np.linalg.inv(m), rtol=1e-7, atol=1e-10)
    # V by its definition, plot by plot
    v = np.eye(16) + plan.ratio * (plot[:, None] == plot[None, :]) * (plot >= 0)[:, None]
    x = np.concatenate([basis.rows(state.coded[0]), blocks], axis=1)
    np.testing.assert_allclose(m[0], x.T @ np.linalg.inv(v) @ x, rtol=1e-10, atol=1e-10)
    state.refresh()
    assert (state.value > before).all()
    assert COARSE.levels == 3


def test_never_singular_where_others_return_nothing() -> None:
    """pyDOE3 1.6.2 `optimal_design` gives D-efficiency 0 for these (doe.md 2.6, 4)."""
    for k, n in ((4, 15), (5, 21)):
        design = optimal(k, runs=n, starts=8, rng=0)
        x = model_columns(as_model("quadratic", design.factors), design.factors, np.asarray(design.coded)).x
        assert np.linalg.matrix_rank(x) == x.shape[1] == n
        assert next(note.code for note in design.notes) == "saturated"


@settings(max_examples=12, deadline=None)
@given(k=st.integers(3, 7), half=st.integers(1, 2), seed=st.integers(0, 100))
def test_main_effects_in_eight_or_sixteen_runs_are_orthogonal(k: int, half: int, seed: int) -> None:
    design = optimal(k, runs=8 * half, model="linear", seconds=5.0, rng=seed)
    assert design.certificate is not None
    assert design.certificate["d_efficiency"] == pytest.approx(100.0)
    assert design.certificate["ended_by"] == "bound"


def test_the_same_seed_gives_the_same_design() -> None:
    a, b = (optimal(3, runs=12, starts=70, rng=5) for _ in range(2))
    assert a.hash == b.hash
    assert optimal(3, runs=12, starts=70, rng=6).seed == 6
    assert Design.from_dict(json.loads(a.to_json())).hash == a.hash


def test_more_starts_are_never_worse() -> None:
    values = [optimal(3, runs=12, starts=s, rng=2).certificate["best"] for s in (64, 128, 256)]  # type: ignore[index]
    assert values[0] <= values[1] + 1e-5 <= values[2] + 2e-5


def test_categories_and_levels() -> None:
    """A 3 x 2 factorial twice is the best of 12 runs for both categories: balanced, each pair twice."""
    factors = [Factor("glue", levels=["A", "B", "C"]), Factor("mode", levels=["old", "new"])]
    design = optimal(factors, runs=12, model="interactions", seconds=0.3, rng=1)
    pairs, counts = np.unique(np.asarray(design.coded), axis=0, return_counts=True)
    assert len(pairs) == 6 and set(counts.tolist()) == {2}
    assert sorted(design.replicate.tolist()) == [1] * 6 + [2] * 6


@pytest.mark.parametrize("case", [c for c in HELD["optima"] if c["what"] == "mix3"], ids=lambda c: c["id"])
def test_mixtures(case: dict[str, Any]) -> None:
    factors = [Factor(v, kind="mixture") for v in "abc"]
    design = optimal(factors, runs=case["runs"], criterion=case["criterion"], seconds=1.5, rng=1)
    np.testing.assert_allclose(np.asarray(design.coded).sum(axis=1), 1.0, atol=1e-12)
    cov, p = by_definition(design, "quadratic")
    n = case["runs"]
    if case["criterion"] == "D":
        assert np.linalg.det(cov) ** (-1 / p) / n >= case["expected"] * (1 - 1e-5)
    elif case["criterion"] == "A":
        assert n * np.trace(cov) / p <= case["expected"] * (1 + 1e-5)


def test_scheffe_quadratic_in_six_runs_is_the_simplex_lattice() -> None:
    """Kiefer 1961: vertices and midpoints of edges are D-optimal for the quadratic in three components."""
    design = optimal([Factor(v, kind="mixture") for v in "abc"], runs=6, seconds=0.5, rng=1)
    lattice = {p for p in itertools.product((0.0, 0.5, 1.0), repeat=3) if sum(p) == 1.0}
    assert {tuple(round(float(v), 3) + 0.0 for v in row) for row in np.asarray(design.coded)} == lattice


@pytest.mark.parametrize("case", [c for c in HELD["blocks"] if c["v"] < 13], ids=lambda c: c["id"])
def test_blocks_of_treatments_are_balanced_incomplete(case: dict[str, Any]) -> None:
    """Every pair of v treatments together equally often: what AlgDesign optBlock finds."""
    v, k, b = case["v"], case["k"], case["b"]
    factor = Factor("t", levels=[f"t{i}" for i in range(v)])
    design = optimal([factor], runs=k * b, model="linear", blocks=b, seconds=3.0, rng=1)
    n = np.zeros((v, b))
    np.add.at(n, (np.asarray(design.coded)[:, 0].astype(int), design.block - 1), 1)
    together = n @ n.T
    assert set(n.sum(axis=1).tolist()) == set(case["replications"])
    assert np.unique(together[np.triu_indices(v, 1)]).size == 1
    assert design.blocks == b


def test_blocks_are_orthogonal_where_they_can_be() -> None:
    design = optimal(3, runs=8, model="linear", blocks=[4, 4], seconds=0.5, rng=1)
    assert np.bincount(design.block).tolist() == [0, 4, 4]
    sums = [np.asarray(design.coded)[design.block == b].sum(axis=0) for b in (1, 2)]
    np.testing.assert_allclose(sums, 0.0, atol=1e-12)


def test_split_plots_hold_their_factors() -> None:
    factors = [Factor("oven", 150, 200, hard_to_change=True), Factor("time", 1, 3), Factor("mode", levels=["u", "v"])]
    design = optimal(factors, runs=16, model="interactions", whole_plots=8, starts=64, rng=1)
    for w in range(1, 9):
        mine = design.whole_plot == w
        assert mine.sum() == 2
        assert np.unique(design.column("oven")[mine]).size == 1
    # D of the definition with V = I + ZZ'
    x = model_columns(as_model("interactions", design.factors), design.factors, np.asarray(design.coded)).x
    v = np.eye(16) + (design.whole_plot[:, None] == design.whole_plot[None, :])
    d = 100 * np.linalg.det(x.T @ np.linalg.inv(v) @ x) ** (1 / 7) / 16
    assert design.certificate is not None
    assert design.certificate["best"] == pytest.approx(d, rel=1e-9)
    # the 2^3 in pairs (oven constant within them): what a textbook split-plot would be
    full = np.array(list(itertools.product((-1, 1), (-1, 1), (0, 1))), dtype=float)
    halves = [[0, 3], [1, 2], [4, 7], [5, 6]]
    book = np.vstack([full[rows] for rows in halves * 2])
    xb = model_columns(as_model("interactions", design.factors), design.factors, book).x
    vb = np.eye(16) + np.kron(np.eye(8), np.ones((2, 2)))
    assert d >= 100 * np.linalg.det(xb.T @ np.linalg.inv(vb) @ xb) ** (1 / 7) / 16 - 1e-9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"runs": 9}, "at least 10 runs"),
        ({"runs": 10, "blocks": 2}, "at least 11 runs"),
        ({"runs": 0}, "runs"),
        ({"runs": 2.5}, "runs"),
        ({"runs": 12, "criterion": "E"}, "criterion"),
        ({"runs": 12, "blocks": [5, 5]}, "sum to 10"),
        ({"runs": 12, "blocks": 0}, "blocks"),
        ({"runs": 12, "whole_plots": 3}, "hard to change"),
        ({"runs": 12, "starts": 0}, "starts"),
        ({"runs": 12, "seconds": -1}, "seconds"),
        ({"runs": 12, "constraints": "A + B + C >= 4"}, "no setting keeps"),
        ({"runs": 12, "constraints": ["A >= 0.5", "A <= -0.5"]}, "no setting keeps"),
        ({"runs": 12, "constraints": "A <= B and A >= B"}, "cannot tell|no setting"),
        ({"runs": 12, "model": "A + Z"}, "no factor"),
        ({"runs": 12, "augment": 3}, "augment"),
        ({"runs": 12, "rng": "x"}, "rng"),
    ],
)
def test_what_cannot_be_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises((DesignError, DataError, FormulaError), match=message):
        optimal(3, **given)


def test_regions_and_plots_that_cannot_be() -> None:
    hard = [Factor("a", 0, 1, hard_to_change=True), Factor("b", 0, 1)]
    with pytest.raises(DesignError, match="whole_plots"):
        optimal(hard, runs=12)
    with pytest.raises(DesignError, match="at least 3 whole plots"):
        optimal(hard, runs=12, whole_plots=2)
    with pytest.raises(DesignError, match="cannot tell"):
        optimal([Factor("a", levels=[1, 2])], runs=12, model="a + a^2")
    with pytest.raises(DesignError, match="two or more"):
        optimal([Factor("a", kind="mixture"), Factor("b", 0, 1)], runs=12)
    with pytest.raises(DesignError, match="must sum to 1"):
        optimal([Factor(v, 0.4, 0.9, kind="mixture") for v in "abc"], runs=12)
    with pytest.raises(DesignError, match="cannot tell"):
        optimal([Factor(v, kind="mixture") for v in "ab"] + [Factor("T", 0, 1)], runs=12, model="linear")


def test_a_bar_is_shown_only_where_one_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    optimal(2, runs=7, starts=8, rng=1)
    assert capsys.readouterr() == ("", "")
    optimal(2, runs=7, starts=8, rng=1, progress=True)
    shown = capsys.readouterr()
    assert shown.out == "" and "starts" in shown.err


@settings(max_examples=25, deadline=None)
@given(
    runs=st.integers(-2, 9), blocks=st.one_of(st.none(), st.integers(-1, 4), st.lists(st.integers(0, 4), max_size=3))
)
def test_any_numbers_give_a_design_or_a_reason(runs: int, blocks: Any) -> None:
    try:
        design = optimal(2, runs=runs, model="linear", blocks=blocks, starts=4, rng=0)
    except QStatsError:
        return
    assert len(design) == runs
