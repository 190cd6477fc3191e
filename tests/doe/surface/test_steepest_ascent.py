"""The way up: against R, a textbook, brute force on the sphere and simulated directions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.design import make_design
from qstats.doe.factor import as_factors
from qstats.doe.fitting.door import fit
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.door import response_surface, steepest_ascent
from qstats.doe.surface.ridge import best_on_spheres
from qstats.errors import DataError

HELD = json.loads((Path(__file__).parents[2] / "reference" / "doe_surface.json").read_text())
R = {case["id"]: case for case in HELD["r"]}
SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5], dtype=float)
FIRST = [39.3, 40.9, 40.0, 41.5, 40.3, 40.5, 40.7, 40.2, 40.6]  # Montgomery, DAE 8e, Table 11.1


def montgomery(model: str = "linear") -> DesignFit:
    factors = as_factors({"time": (30, 40), "heat": (150, 160)})
    return fit(make_design("2^2", factors, SQUARE, rng=1), FIRST, model=model)


def test_textbook_path_in_natural_units() -> None:
    """Montgomery, Design and Analysis of Experiments 8e, Example 11.1: 40.44 + 0.775 x1 + 0.325 x2, steps of 5 min."""
    path = steepest_ascent(montgomery(), base_factor="time", step=5.0, steps=12)
    assert path.settings["time"].tolist() == pytest.approx([35 + 5 * i for i in range(13)], rel=1e-12)
    assert path.settings["heat"].tolist() == pytest.approx([155 + 5 * i * 0.325 / 0.775 for i in range(13)], rel=1e-12)
    assert path.coded[1].tolist() == pytest.approx([1.0, 0.42], abs=0.001)
    assert path.predicted[1] == pytest.approx(40.44444 + 0.775 + 0.325 * 0.325 / 0.775, abs=1e-5)
    assert path.straight and path.base_factor == "time"
    assert path.outside.tolist() == [False] * 2 + [True] * 11
    default = steepest_ascent(montgomery(), step=5.0, steps=12)
    assert default.coded.tolist() == path.coded.tolist()
    by_half = steepest_ascent(montgomery(), base_factor="time", steps=12)
    assert by_half.coded.tolist() == path.coded.tolist()


def test_first_order_as_rsm_has_it() -> None:
    data, want = R["rsm-chem1-fo"]["inputs"]["D"], R["rsm-chem1-fo"]["expected"]["steep"]["values"]
    x = (np.column_stack([data["Time"][:7], data["Temp"][:7]]) - [85, 175]) / 5
    factors = as_factors({"Time": (80, 90), "Temp": (170, 180)})
    path = steepest_ascent(fit(make_design("2^2", factors, x, rng=1), data["Yield"][:7]), radii=[0, 1, 2])
    # rsm prints three decimals, and predicts at the rounded settings: off by up to .0005 (.875 + .625 + 1)
    np.testing.assert_allclose(path.coded, np.array(want)[:, :2], rtol=0.0, atol=5.1e-4)
    np.testing.assert_allclose(path.predicted, np.array(want)[:, 2], rtol=0.0, atol=1.26e-3)


@pytest.mark.parametrize("descent", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_best_on_the_circle_by_brute_force(seed: int, descent: bool) -> None:
    rng = np.random.default_rng(seed)
    linear, square = rng.normal(size=2), rng.normal(size=(2, 2))
    square = square + square.T
    sign = -1.0 if descent else 1.0
    angle = np.linspace(0, 2 * math.pi, 200_001)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    for r in (0.1, 1.0, 3.0):
        value = sign * (r * circle @ linear + r**2 * np.einsum("ij,jk,ik->i", circle, square, circle))
        best = best_on_spheres(sign * linear, sign * square, np.array([r]))[0]
        assert math.hypot(*best) == pytest.approx(r, rel=1e-12)
        assert sign * (best @ linear + best @ square @ best) == pytest.approx(value.max(), rel=1e-7)
        assert best.tolist() == pytest.approx((r * circle[value.argmax()]).tolist(), abs=1e-3 * r)


def test_no_slope_along_the_steepest_axis() -> None:
    # x1^2 - x2^2 + x2: on |x| = r, x2 = 1/4 is best (4 x2 = 1) as soon as r reaches it, and x1 = either root
    linear, square = np.array([0.0, 1.0]), np.diag([1.0, -1.0])
    for r in (0.1, 0.2499, 0.3, 5.0):
        best = best_on_spheres(linear, square, np.array([r]))[0]
        want = [0.0, r] if r < 0.25 else [math.sqrt(r**2 - 0.0625), 0.25]
        assert best.tolist() == pytest.approx(want, abs=1e-9)
    assert best_on_spheres(np.zeros(2), square, np.array([2.0]))[0].tolist() == [2.0, 0.0]
    assert best_on_spheres(linear, square, np.array([0.0]))[0].tolist() == [0.0, 0.0]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), k=st.integers(1, 6), r=st.floats(1e-3, 1e3), scale=st.floats(1e-6, 1e6))
def test_no_point_of_the_sphere_is_better(seed: int, k: int, r: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    linear, square = scale * rng.normal(size=k), scale * rng.normal(size=(k, k))
    square = square + square.T
    best = best_on_spheres(linear, square, np.array([r]))[0]
    assert np.linalg.norm(best) == pytest.approx(r, rel=1e-9)
    other = rng.normal(size=(500, k))
    other *= r / np.linalg.norm(other, axis=1, keepdims=True)
    other = np.vstack([other, best + 1e-3 * r * rng.normal(size=(200, k))])
    other *= r / np.linalg.norm(other, axis=1, keepdims=True)
    value = other @ linear + np.einsum("ij,jk,ik->i", other, square, other)
    assert best @ linear + best @ square @ best >= value.max() - 1e-9 * scale * (r + r**2) * k


def test_share_of_directions_by_simulation() -> None:
    """A direction is held if the model with only its straight line is not rejected (restricted F test)."""
    of = montgomery()
    path = steepest_ascent(of, radii=[0.0, 1.0])
    x = sm.add_constant(SQUARE)
    full = sm.OLS(FIRST, x).fit()
    d = np.random.default_rng(1).normal(size=(4000, 2))
    held = 0
    for row in d:
        less = sm.OLS(FIRST, np.column_stack([np.ones(9), SQUARE @ row])).fit()
        held += bool(less.params[1] > 0 and full.compare_f_test(less)[1] >= 0.05)
    assert path.excluded == pytest.approx(1 - held / 4000, abs=0.025)
    # two factors: the cone is a sector of twice its angle out of 360 degrees
    assert path.excluded == pytest.approx(1 - path.cone_angle / 180, rel=1e-10)
    limit = full.scale * scipy.stats.f.ppf(0.95, 1, 6) / 4
    assert math.sin(math.radians(path.cone_angle)) == pytest.approx(math.sqrt(limit / (0.775**2 + 0.325**2)), rel=1e-9)


def test_unequal_variances_give_an_elliptic_cone() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (25, 3)) * [1, 0.6, 0.8]
    y = x @ [2.0, 1.0, -1.0] + 0.5 * rng.normal(size=25)
    path = steepest_ascent(fit(make_design("runs", as_factors(["a", "b", "c"]), x, rng=1), y), radii=[1.0])
    full = sm.OLS(y, sm.add_constant(x)).fit()
    weight = np.linalg.inv(full.cov_params()[1:, 1:])
    b = full.params[1:]
    d = rng.normal(size=(200_000, 3))
    along = np.maximum(d @ weight @ b, 0)
    rest = b @ weight @ b - along**2 / np.einsum("ij,jk,ik->i", d, weight, d)
    held = rest <= 2 * scipy.stats.f.ppf(0.95, 2, 21)
    assert path.excluded == pytest.approx(1 - held.mean(), abs=0.003)
    cosine = (d[held] @ b) / np.linalg.norm(d[held], axis=1) / np.linalg.norm(b)
    assert path.cone_angle == pytest.approx(math.degrees(math.acos(cosine.min())), abs=1.0)


def test_an_unknown_direction_is_called_so() -> None:
    rng = np.random.default_rng(2)
    path = steepest_ascent(fit(make_design("2^2", as_factors(["a", "b"]), SQUARE, rng=1), rng.normal(size=9)))
    assert path.excluded == 0.0 and path.cone_angle == 180.0
    assert "direction-unknown" in {n.code for n in path.notes}


def test_values_and_intervals_are_those_of_the_fit() -> None:
    of = montgomery()
    path = steepest_ascent(of, radii=[0.0, 0.7, 1.4], confidence=0.9)
    want = of.predict(dict(path.settings), confidence=0.9)
    np.testing.assert_allclose(path.predicted, want.mean, rtol=1e-13)
    np.testing.assert_allclose(path.interval.low, want.interval.low, rtol=1e-12)
    np.testing.assert_allclose(path.interval.high, want.interval.high, rtol=1e-12)
    assert path.outside.tolist() == want.outside.tolist()


def curved(seed: int = 5) -> DesignFit:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (30, 3))
    y = 50 + x @ [3, 1, -2] - (x**2) @ [1, 2, 0.5] + x[:, 0] * x[:, 1] + 0.1 * rng.normal(size=30)
    return fit(
        make_design("runs", as_factors({"a": (0, 10), "b": (5, 7), "c": (-1, 1)}), x, rng=1), y, model="quadratic"
    )


def test_second_order_steps_move_the_base_factor_evenly() -> None:
    of = curved()
    path = steepest_ascent(of, base_factor="a", step=1.0, steps=5)
    assert path.settings["a"].tolist() == pytest.approx([5, 6, 7, 8, 9, 10], rel=1e-9)
    assert not path.straight and path.excluded is None and path.cone_angle is None
    same = response_surface(of).ridge(radii=path.distance)
    np.testing.assert_allclose(same.coded, path.coded, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(path.coded, axis=1), path.distance, atol=1e-9)
    down = steepest_ascent(of, radii=[0, 0.5, 1.0], descent=True)
    assert (np.diff(down.predicted) < 0).all() and (np.diff(steepest_ascent(of, radii=[0, 0.5]).predicted) > 0).all()


def test_a_base_factor_that_turns_back_is_told() -> None:
    # 2 x1 - x1^2 ... in x1 the way stops near its optimum while x2 goes on
    x = np.array([[a, b] for a in (-1, 0, 1) for b in (-1.0, 0.0, 1.0)])
    y = x[:, 0] - 4 * x[:, 0] ** 2 + x[:, 1] + 0.001 * np.arange(9) % 0.002
    of = fit(make_design("3^2", as_factors(["a", "b"]), x, rng=1), y, model="quadratic")
    path = steepest_ascent(of, base_factor="a", step=0.05, steps=10)
    assert 1 < len(path) < 11 and "turns-back" in {n.code for n in path.notes}
    with pytest.raises(DataError, match="does not move"):
        steepest_ascent(of, base_factor="a", step=1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"step": 0.0}, {"step": -1.0}, {"step": math.nan}, {"steps": 0}, {"steps": 2.5}, {"steps": True},
        {"base_factor": "x"}, {"radii": [1.0], "step": 1.0}, {"radii": [-1.0]}, {"radii": []}, {"radii": "far"},
        {"radii": [[1.0]]}, {"radii": [math.inf]}, {"descent": 1}, {"confidence": 95}, {"at": {"time": 1, "heat": 2}},
    ],
)  # fmt: skip
def test_refusals(wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        steepest_ascent(montgomery(), **wrong)


def test_nothing_rises_where_responses_are_equal() -> None:
    of = fit(make_design("2^2", as_factors(["a", "b"]), SQUARE, rng=1), np.full(9, 3.0))
    with pytest.raises(DataError, match="does not change"):
        steepest_ascent(of)
    with pytest.raises(DataError, match="does not move"):
        steepest_ascent(of, step=1.0)


def test_saturated_and_single_factor_fits() -> None:
    of = fit(make_design("2^2", as_factors(["a", "b"]), SQUARE[:3], rng=1), [1.0, 2.0, 4.0])
    path = steepest_ascent(of)
    assert path.excluded == 0.0 and math.isinf(path.interval.high[1]) and "nan" not in path.summary().lower()
    one = fit(make_design("line", as_factors(["a"]), [[-1.0], [0.0], [1.0]], rng=1), [1.0, 2.1, 2.9])
    path = steepest_ascent(one, step=0.5, steps=2)
    assert path.coded[:, 0].tolist() == [0.0, 0.5, 1.0] and path.excluded is None


def test_views() -> None:
    path = steepest_ascent(montgomery(), step=5.0, steps=3)
    assert json.loads(path.to_json())["schema"] == "qstats.ascent_path/1"
    frame = path.to_frame()
    assert list(frame["time"]) == pytest.approx([35, 40, 45, 50]) and "directions excluded" in path.summary()


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(0.01, 100), offset=st.floats(-1e6, 1e6), seed=st.integers(0, 1000))
def test_the_way_does_not_hang_on_the_unit_of_the_response(factor: float, offset: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = SQUARE @ [1.0, 0.5] + 0.1 * rng.normal(size=9)
    design = make_design("2^2", as_factors(["a", "b"]), SQUARE, rng=1)
    here, there = (steepest_ascent(fit(design, v), radii=[1.0]) for v in (y, offset + factor * y))
    np.testing.assert_allclose(there.coded, here.coded, rtol=1e-5, atol=1e-5)
    assert there.excluded == pytest.approx(here.excluded, abs=1e-4)


@pytest.mark.parametrize("wrong", [{"radii": [1e9]}, {"step": 1e12}, {"step": 1e300, "steps": 3}])
def test_distances_beyond_reason(wrong: dict[str, Any]) -> None:
    for of in (montgomery(), curved()):
        with pytest.raises(DataError, match="at most"):
            steepest_ascent(of, **wrong)
