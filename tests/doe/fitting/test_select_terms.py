"""Selection of terms: every search against plain enumeration, heredity, published screens."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe import central_composite, full_factorial, split_plot
from qstats.doe.design import make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.fitting.choosing.candidates import make_candidates
from qstats.doe.fitting.choosing.selection import select_terms
from qstats.errors import DataError, DesignError, FormulaError

# Montgomery, DAE 8e, example 6.2 (reference doe.md, 4), and the CCD of NIST 5.5.3.1.4 in the same order as below
FILTRATION = [45, 71, 48, 65, 68, 60, 80, 65, 43, 100, 45, 104, 75, 86, 70, 96]
CCD = [[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5, [-1.414, 0], [1.414, 0], [0, -1.414], [0, 1.414]]
YIELD = [64.33, 51.78, 77.3, 45.37, 62.08, 79.36, 75.29, 73.81, 69.45, 72.58, 37.42, 54.63, 54.18]


def criterion(x: np.ndarray, y: np.ndarray, kind: str) -> float:
    ols = sm.OLS(y, x).fit()
    n, k = y.size, x.shape[1] + 1
    if kind == "bic":
        return float(-2 * ols.llf + k * math.log(n))
    return float(-2 * ols.llf + 2 * k + 2 * k * (k + 1) / (n - k - 1)) if n - k - 1 > 0 else math.inf


def columns(x: np.ndarray, terms: tuple[str, ...], names: str) -> np.ndarray:
    out = []
    for term in terms:
        column = np.ones(len(x))
        for part in term.split(":"):
            if part != "1":
                name, _, power = part.partition("^")
                column = column * x[:, names.index(name)] ** int(power or 1)
        out.append(column)
    return np.column_stack(out)


def everything(
    x: np.ndarray, y: np.ndarray, names: str, kind: str, heredity: str | None
) -> dict[frozenset[str], float]:
    """All models of second order by a plain loop."""
    free = [*names, *map(":".join, itertools.combinations(names, 2)), *(f"{v}^2" for v in names)]
    found = {}
    for size in range(len(free) + 1):
        for some in itertools.combinations(free, size):
            rule = {"strong": all, "weak": any}.get(heredity or "")
            if rule and not all(rule(v[0] in some for v in t.replace("^2", "").split(":")) for t in some if len(t) > 1):
                continue
            m = columns(x, ("1", *some), names)
            if np.linalg.matrix_rank(m) == m.shape[1] < y.size:
                found[frozenset(some)] = criterion(m, y, kind)
    return found


@pytest.mark.parametrize("kind", ["aicc", "bic"])
@pytest.mark.parametrize("heredity", ["strong", "weak", None])
def test_best_of_all_models(kind: str, heredity: str | None) -> None:
    """Against a plain loop over all models with statsmodels' likelihoods."""
    x, y = np.array(CCD, dtype=float), np.array(YIELD)
    design = make_design("ccd", as_factors(["a", "b"]), x, rng=1)
    found = select_terms(design, y, method="best", criterion=kind, heredity=heredity)
    every = everything(x, y, "ab", kind, heredity)
    ranked = sorted(every.items(), key=lambda item: item[1])
    assert frozenset(found.terms) - {"1"} == ranked[0][0]
    assert found.value == pytest.approx(ranked[0][1], rel=1e-9)
    assert found.models == len(every)
    near = [c for c in ranked[1:] if c[1] - ranked[0][1] <= 2]
    assert [frozenset(m.terms) - {"1"} for m in found.runners_up] == [c[0] for c in near]
    assert [m.difference for m in found.runners_up] == pytest.approx([c[1] - ranked[0][1] for c in near])
    if kind == "aicc":
        assert found.value == pytest.approx(found.fit.aicc)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["stepwise", "forward", "backward"]),
    st.sampled_from(["strong", "weak", None]),
)
def test_a_way_ends_where_no_move_helps(seed: int, method: str, heredity: str | None) -> None:
    rng = np.random.default_rng(seed)
    design = central_composite({"a": (-1, 1), "b": (-1, 1)}, center_points=4, rng=1)
    x = np.asarray(design.coded)
    y = 2 * x[:, 0] + 1.5 * x[:, 0] * x[:, 1] + rng.normal(size=len(x))
    found = select_terms(design, y, method=method, heredity=heredity)
    held = make_candidates(design, None, heredity, True, ())
    place = {str(t): i for i, t in enumerate(held.terms)}
    chosen = frozenset(place[t] for t in found.terms)
    assert held.allowed(chosen)
    moves = [c for _, c in held.additions(chosen)] if method != "backward" else []
    moves += [c for _, c in held.removals(chosen)] if method != "forward" else []
    for move in moves:
        terms = held.model(move, ["a", "b"]).labels
        assert criterion(columns(x, terms, "ab"), y, "aicc") >= found.value - 1e-9
    values = [s.criterion for s in found.path if math.isfinite(s.criterion)]
    assert values == sorted(values, reverse=True)
    assert found.path[-1].terms == found.terms
    assert criterion(columns(x, found.terms, "ab"), y, "aicc") == pytest.approx(found.value)


@pytest.mark.parametrize("method", ["stepwise", "forward", "backward", "best"])
def test_the_filtration_screen(method: str) -> None:
    """Montgomery, DAE 8e, example 6.2: A, C, D, AC and AD are active."""
    design = full_factorial(["A", "B", "C", "D"], rng=1)
    found = select_terms(design, FILTRATION, candidates="interactions", method=method)
    assert found.terms == ("1", "A", "C", "D", "A:C", "A:D")
    assert {n.code for n in found.notes} >= {"selected-terms"}
    assert "selected-terms" in {n.code for n in found.fit.notes}
    assert json.loads(found.to_json())["terms"] == list(found.terms)
    assert "A:C" in str(found) and found.to_frame()["difference"][0] == 0.0


@pytest.mark.parametrize("method", ["stepwise", "forward", "backward"])
def test_selection_by_tests(method: str) -> None:
    """The same by p-values; each step's p is that of the partial F test in statsmodels."""
    design = full_factorial(["A", "B", "C", "D"], rng=1)
    found = select_terms(design, FILTRATION, candidates="interactions", method=method, criterion="p")
    assert found.terms == ("1", "A", "C", "D", "A:C", "A:D")
    x, y = np.asarray(design.coded), np.array(FILTRATION, dtype=float)
    for last, step in itertools.pairwise(found.path):
        small, large = sorted((last.terms, step.terms), key=len)
        test = sm.OLS(y, columns(x, large, "ABCD")).fit().compare_f_test(sm.OLS(y, columns(x, small, "ABCD")).fit())
        assert step.p == pytest.approx(float(test[1]), rel=1e-6)


def test_heredity_and_what_always_stays() -> None:
    rng = np.random.default_rng(4)
    design = full_factorial(3, levels=3, rng=1)
    x = np.asarray(design.coded)
    y = 5 * x[:, 0] * x[:, 1] + 4 * x[:, 2] ** 2 + 0.3 * rng.normal(size=27)
    strong = select_terms(design, y)
    assert {"A", "B", "C", "A:B", "C^2"} <= set(strong.terms)
    free = select_terms(design, y, heredity=None)
    assert {"A:B", "C^2"} <= set(free.terms) and not {"A", "B"} <= set(free.terms)
    weak = select_terms(design, y, heredity="weak")
    assert len({"A", "B"} & set(weak.terms)) >= 1 and "C" in weak.terms
    squares = select_terms(design, y, square_heredity=False)
    assert "C^2" in squares.terms and "C" not in squares.terms
    kept = select_terms(design, y, always=["B:C"])
    assert {"B", "C", "B:C"} <= set(kept.terms)


def test_blocks_categories_mixtures_missing_runs_and_aliases() -> None:
    rng = np.random.default_rng(6)
    factors = (Factor("T", -1, 1), Factor("glue", levels=("a", "b", "c")))
    base = full_factorial(factors, replicates=3, rng=1)
    block = np.repeat([1, 2, 3], 6)
    design = make_design("blocked", factors, base.coded, rng=1, block=block)
    y = 3 * (design.coded[:, 1] == 1) + block * 10.0 + 0.2 * rng.normal(size=18)
    y[4] = np.nan
    found = select_terms(design, y, candidates="interactions", method="best")
    assert found.terms == ("1", "glue") and found.fit.labels[-2:] == ("block[2]", "block[3]")
    # half fraction: A:B is C, so they never stand together, and nothing breaks
    cube = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    half = make_design("half", as_factors(3), np.tile(cube[cube.prod(axis=1) > 0], (3, 1)), rng=1)
    z = half.coded[:, 0] * 2 + 0.1 * rng.normal(size=12)
    for method in ("stepwise", "best"):
        assert "A" in select_terms(half, z, candidates="interactions", method=method).terms
    with pytest.raises(DesignError, match="forward"):
        select_terms(half, z, candidates="interactions", method="backward")
    shares = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]] * 3)
    blend = make_design("mixture", tuple(Factor(v, kind="mixture") for v in "ABC"), shares, rng=1)
    w = 10 + shares @ [1, 2, 3] + 9 * shares[:, 0] * shares[:, 1] + 0.1 * rng.normal(size=18)
    assert select_terms(blend, w).terms == ("A", "B", "C", "A:B")


@pytest.mark.parametrize(
    ("change", "error", "word"),
    [
        ({"method": "lasso"}, DataError, "method"),
        ({"criterion": "r2"}, DataError, "criterion"),
        ({"heredity": "some"}, DataError, "heredity"),
        ({"square_heredity": 1}, DataError, "square_heredity"),
        ({"enter": 0.1, "leave": 0.05}, DataError, "leave"),
        ({"method": "best", "criterion": "p"}, DataError, "best"),
        ({"always": "A"}, DataError, "always"),
        ({"candidates": "A + A:B"}, FormulaError, "A:B needs B"),
        ({"candidates": "A * B * C * D * E", "method": "best"}, DataError, "stepwise"),
        ({"distribution": "cauchy"}, DataError, "distribution"),
    ],
)
def test_what_cannot_be_used(change: dict[str, Any], error: type[Exception], word: str) -> None:
    design = full_factorial(5, rng=1)
    with pytest.raises(error, match=word):
        select_terms(design, np.arange(32.0), **change)


def test_split_plots_are_refused() -> None:
    factors = [Factor("T", -1, 1, hard_to_change=True), Factor("A", -1, 1)]
    design = split_plot(full_factorial(factors, replicates=2, rng=1), rng=1)
    with pytest.raises(DataError, match="split-plot"):
        select_terms(design, np.arange(float(len(design))))
