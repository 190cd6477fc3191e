"""Evaluation of designs against R, definitions and known designs."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.design import Design, make_design
from qstats.doe.evaluation.compare import compare_designs
from qstats.doe.evaluation.door import evaluate
from qstats.doe.exchange.door import optimal
from qstats.doe.factor import Factor, as_factors
from qstats.doe.surface_designs.box_behnken import box_behnken
from qstats.doe.surface_designs.central_composite import central_composite
from qstats.errors import DataError, FormulaError

HELD = json.loads((Path(__file__).parents[1] / "reference" / "doe_optimal.json").read_text())


def plain(x: Any, **more: Any) -> Design:
    x = np.asarray(x, dtype=float)
    return make_design("given", as_factors(x.shape[1]), x, rng=1, **more)


def cube(k: int) -> np.ndarray:
    return np.array(list(itertools.product((-1.0, 1.0), repeat=k)))


@pytest.mark.parametrize("case", HELD["evaluations"], ids=lambda c: c["id"])
def test_as_algdesign_evaluates(case: dict[str, Any]) -> None:
    """D and A by their definitions to full precision, G to the three digits R shows."""
    e = evaluate(plain(case["x"]), model=case["model"])
    assert e.d_efficiency == pytest.approx(100 * case["expected"]["det"], rel=1e-10)
    assert 100 / e.a_efficiency == pytest.approx(case["expected"]["A"], rel=1e-10)
    if "Geff" in case["expected"]:
        # R takes the maximum over three levels, here it is over the whole cube
        assert e.g_efficiency <= 100 * case["expected"]["Geff"] + 0.06
        assert e.g_efficiency == pytest.approx(100 * case["expected"]["Geff"], abs=0.06)


def test_average_variance_of_nine_runs() -> None:
    """The table of I values has .42667 for a full quadratic in two factors and nine runs."""
    best = optimal(2, runs=9, criterion="I", starts=128, rng=1)
    e = evaluate(best)
    assert best.certificate is not None
    assert e.average_variance == pytest.approx(best.certificate["best"], rel=1e-9)
    assert e.average_variance <= 0.42667 * 1.0001
    # the same by plain averaging over a fine grid of midpoints
    grid = (np.arange(200) + 0.5) / 100 - 1
    a, b = (v.ravel() for v in np.meshgrid(grid, grid))
    f = np.column_stack([np.ones(a.size), a, b, a * b, a * a, b * b])
    d = np.asarray(best.coded)
    g = np.column_stack([np.ones(9), d, d[:, 0] * d[:, 1], d**2])
    variance = ((f @ np.linalg.inv(g.T @ g)) * f).sum(axis=1)
    assert e.average_variance == pytest.approx(float(variance.mean()), rel=1e-3)
    assert e.fds_variance[50] == pytest.approx(float(np.median(variance)), rel=0.02)
    assert e.largest_variance >= variance.max() - 1e-9
    assert (np.diff(e.fds_variance) >= 0).all()


def test_aliases_of_a_half_fraction() -> None:
    """2^(3-1) with C = AB: every main effect is aliased with one interaction (Montgomery, 8.2)."""
    x = cube(2)
    e = evaluate(plain(np.column_stack([x, x[:, 0] * x[:, 1]])), model="linear")
    alias = {(a, b): e.alias[i, j] for i, a in enumerate(e.labels) for j, b in enumerate(e.omitted)}
    for main, pair in (("A", "B:C"), ("B", "A:C"), ("C", "A:B")):
        assert alias[main, pair] == pytest.approx(1.0)
        assert alias[main, "A:B" if main != "C" else "A:C"] == pytest.approx(0.0)
    assert alias["1", "A^2"] == pytest.approx(1.0)
    i, j = (e.correlation_labels.index(v) for v in ("C", "A:B"))
    assert e.correlation[i, j] == pytest.approx(1.0)
    assert e.orthogonal and e.balanced and e.d_efficiency == pytest.approx(100.0)
    assert e.average_variance == pytest.approx((1 + 3 / 3) / 4)
    assert e.largest_variance == pytest.approx(1.0) and e.g_efficiency == pytest.approx(100.0)
    assert e.df_error == 0 and np.isnan(e.power).all()
    assert [n.code for n in e.notes] == ["no-error-df"]


def test_what_cannot_be_estimated_is_named() -> None:
    e = evaluate(plain(cube(2)), model="quadratic")
    assert e.not_estimable == ("1", "A^2", "B^2")
    assert np.isinf(e.relative_se[[0, 4, 5]]).all()
    assert e.relative_se[1] == pytest.approx(0.5)
    assert e.rank == 4 and e.d_efficiency == 0.0 and math.isinf(e.average_variance)
    assert e.notes[0].code == "not-estimable" and e.notes[0].severity == "serious"
    assert "not estimable" in e.summary()
    json.loads(e.to_json())


def test_inflation_and_leverages_by_their_definitions() -> None:
    """VIF = 1 / (1 - R^2) of each column on the others; leverages of the hat matrix."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (15, 3))
    x[:, 2] = 0.8 * x[:, 0] + 0.2 * x[:, 2]
    e = evaluate(plain(x), model="linear")
    for j in range(3):
        other = np.column_stack([np.ones(15), np.delete(x, j, axis=1)])
        residual = x[:, j] - other @ np.linalg.lstsq(other, x[:, j], rcond=None)[0]
        r2 = 1 - (residual**2).sum() / ((x[:, j] - x[:, j].mean()) ** 2).sum()
        assert e.vif[j + 1] == pytest.approx(1 / (1 - r2))
    full = np.column_stack([np.ones(15), x])
    hat = full @ np.linalg.inv(full.T @ full) @ full.T
    np.testing.assert_allclose(e.leverage, np.diag(hat))
    np.testing.assert_allclose(e.relative_se, np.sqrt(np.diag(np.linalg.inv(full.T @ full))))
    assert e.condition == pytest.approx(np.linalg.cond(full))


def test_degrees_of_freedom() -> None:
    """A 2^2 twice with three centre points: 11 runs, 4 coefficients: 7 df, 4 + 2 pure, 1 lack of fit."""
    x = np.vstack([cube(2), cube(2), np.zeros((3, 2))])
    e = evaluate(plain(x), model="interactions")
    assert (e.df_error, e.df_pure, e.df_lack) == (7, 6, 1)


def test_blocks_take_their_share() -> None:
    x = np.vstack([cube(2), cube(2)])
    apart = evaluate(plain(x, block=[1] * 4 + [2] * 4), model="linear")
    mixed = evaluate(plain(x, block=[1, 1, 2, 2] * 2), model="linear")
    assert apart.df_error == 4 and apart.relative_se[1] == pytest.approx(math.sqrt(1 / 8))
    # there the blocks are the first factor
    assert mixed.not_estimable == ("A",)


def test_split_plot_covariance() -> None:
    """Oven in 4 plots of 2: variance of its effect is (1 + 2 ratio)/8 by hand, within plots 1/8."""
    factors = (Factor("oven", -1, 1, hard_to_change=True), Factor("time", -1, 1))
    x = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)] * 2, dtype=float)
    d = make_design("given", factors, x, rng=1, whole_plot=[1, 1, 2, 2, 3, 3, 4, 4])
    e = evaluate(d, model="linear", variance_ratio=3.0)
    assert e.relative_se[1] ** 2 == pytest.approx((1 + 2 * 3.0) / 8)
    assert e.relative_se[2] ** 2 == pytest.approx(1 / 8)
    # 4 plots less constant and oven; 8 runs less 4 plots less time
    assert e.df_term.tolist() == [2.0, 2.0, 3.0]
    assert e.power_of("oven") < e.power_of("time")
    # plots that the model sees as independent runs would promise far more
    assert e.power_of("oven") < evaluate(plain(x), model="linear").power[1]


def test_hours_and_cost() -> None:
    factors = (Factor("T", 100, 200, run_hours=0.5, change_hours=2.0), Factor("P", 0, 1))
    d = make_design("given", factors, cube(2), randomize=False)
    e = evaluate(d, model="linear", run_cost=10.0, hour_cost=100.0)
    assert e.hours == pytest.approx(4 * 0.5 + 2.0)
    assert e.cost == pytest.approx(4 * 10 + 4.0 * 100)


def test_side_by_side() -> None:
    designs = {"full": plain(cube(3)), "half": plain(cube(3)[[1, 2, 4, 7]]), "twice": plain(np.vstack([cube(3)] * 2))}
    both = compare_designs(designs, run_cost=2.0)
    frame = both.to_frame()
    assert frame["design"].tolist() == ["full", "half", "twice"]
    assert frame["runs"].tolist() == [8, 4, 16] and frame["cost"].tolist() == [16.0, 8.0, 32.0]
    np.testing.assert_allclose(frame["average_variance"], [0.25, 0.5, 0.125])
    assert frame["largest_alias"].tolist()[1] == pytest.approx(1.0)
    assert "half: nothing is left" in str(both.notes[0])
    assert both.evaluations["twice"].power[1] > both.evaluations["full"].power[1]
    json.loads(both.to_json())
    with pytest.raises(DataError, match="two or more"):
        compare_designs({"a": plain(cube(2))})
    with pytest.raises(DataError, match="the same ones"):
        compare_designs({"a": plain(cube(2)), "b": plain(cube(3))})


def test_a_region_cut_by_a_rule() -> None:
    d = optimal(2, runs=8, model="linear", constraints="A + B <= 0", starts=8, rng=1)
    whole, cut = evaluate(d), evaluate(d, constraints="A + B <= 0")
    assert cut.average_variance < whole.average_variance and cut.largest_variance < whole.largest_variance
    # linear: the largest variance over the triangle is at one of its corners
    x = np.column_stack([np.ones(8), np.asarray(d.coded)])
    f = np.array([(1, -1, -1), (1, -1, 1), (1, 1, -1)], dtype=float)
    corners = ((f @ np.linalg.inv(x.T @ x)) * f).sum(axis=1)
    assert cut.largest_variance == pytest.approx(float(corners.max()), rel=1e-6)


def test_mixtures_are_evaluated_over_the_simplex() -> None:
    """The {3, 2} lattice: average variance by Dirichlet moments, largest 1 at its own points (saturated, D-optimal)."""
    d = optimal([Factor(v, kind="mixture") for v in "abc"], runs=6, starts=32, rng=1)
    e = evaluate(d)
    assert e.largest_variance == pytest.approx(1.0, abs=1e-6) and e.g_efficiency == pytest.approx(100.0, abs=1e-4)
    rng = np.random.default_rng(1)
    s = rng.dirichlet(np.ones(3), 200_000)
    a, b, c = s.T
    lagrange = [v * (2 * v - 1) for v in (a, b, c)] + [4 * a * b, 4 * a * c, 4 * b * c]
    assert e.average_variance == pytest.approx(float(sum((v**2).mean() for v in lagrange)), rel=0.01)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(3)), st.lists(st.sampled_from([-1.0, 1.0]), min_size=3, max_size=3), st.integers(0, 99))
def test_names_and_signs_do_not_matter(order: list[int], signs: list[float], seed: int) -> None:
    x = np.random.default_rng(seed).uniform(-1, 1, (14, 3))
    a, b = evaluate(plain(x), model="quadratic"), evaluate(plain(x[:, order] * signs), model="quadratic")
    for name in ("d_efficiency", "a_efficiency", "average_variance"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-7)
    assert a.largest_variance == pytest.approx(b.largest_variance, rel=1e-3)
    np.testing.assert_allclose(np.sort(a.power), np.sort(b.power), rtol=1e-6)


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="Design is wanted"):
        evaluate([[1, 2]])  # type: ignore[arg-type]
    for name, value in (("sigma", 0.0), ("effect", -1.0), ("alpha", 1.0), ("variance_ratio", 0.0), ("run_cost", -1.0)):
        with pytest.raises(DataError, match=name):
            evaluate(plain(cube(2)), **{name: value})
    with pytest.raises(FormulaError):
        evaluate(plain(cube(2)), model="A + Z")


@pytest.mark.parametrize("make", [central_composite, box_behnken])
def test_a_design_made_for_a_named_model_is_evaluated_for_it(make: Any) -> None:
    design = make(3, rng=1)
    assert evaluate(design).labels == evaluate(design, model="quadratic").labels
