"""Profiles and grids: every number is that of `predict`, statsmodels or a plain transcription."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats import doe
from qstats.doe.design import make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.fitting.door import fit
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.grid import surface_grid
from qstats.doe.surface.profiles import profiler
from qstats.errors import DataError

ROOT = math.sqrt(2.0)
CCD = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1], [-ROOT, 0], [ROOT, 0], [0, -ROOT], [0, ROOT], *[[0, 0]] * 5])
MIXED = as_factors({"heat": (150, 190), "time": (5, 15), "glue": ["A", "B", "C"]})


def mixed(seed: int = 1, name: str = "force", **more: Any) -> DesignFit:
    rng = np.random.default_rng(seed)
    x = np.array([[*row, g] for row in CCD for g in range(3)])
    y = 20 + x[:, 0] - x[:, 1] ** 2 + 0.5 * x[:, 2] * x[:, 0] + 0.1 * rng.normal(size=len(x))
    if more.get("distribution") == "lognormal":
        y = np.exp(y / 10)
    design = make_design("CCD x 3", MIXED, x, rng=1)
    return fit(design, y, model="heat * glue + time + heat:time + heat^2 + time^2", name=name, **more)


@pytest.mark.parametrize("distribution", ["normal", "lognormal"])
def test_curves_are_predictions(distribution: str) -> None:
    of = mixed(distribution=distribution)
    at = {"heat": 160.0, "time": 12.0, "glue": "B"}
    found = profiler(of, at=at, confidence=0.9, points=9)
    for name in at:
        curve = found.curve("force", name)
        want = of.predict(
            {**{k: [v] * len(curve.setting) for k, v in at.items()}, name: list(curve.setting)}, confidence=0.9
        )
        np.testing.assert_allclose(curve.predicted, want.median, rtol=1e-12)
        np.testing.assert_allclose(curve.interval.low, want.interval.low, rtol=1e-12)
        np.testing.assert_allclose(curve.interval.high, want.interval.high, rtol=1e-12)
        assert curve.outside.tolist() == want.outside.tolist()
    here = of.predict(at, confidence=0.9)
    assert found.predicted[0] == pytest.approx(float(here.median[0]), rel=1e-12)
    assert found.interval.low[0] == pytest.approx(float(here.interval.low[0]), rel=1e-12)
    assert found.curve("force", "glue").setting.tolist() == ["A", "B", "C"]
    assert found.curve("force", "heat").setting[[0, -1]].tolist() == pytest.approx([170 - 20 * ROOT, 170 + 20 * ROOT])


def test_levels_left_open_are_averaged() -> None:
    of = mixed()
    found = profiler(of, points=5)
    assert found.at["glue"] == "average" and found.at["heat"] == 170.0
    curve = found.curve("force", "heat")
    each = [of.predict({"heat": curve.setting, "time": 10.0, "glue": g}).mean for g in "ABC"]
    np.testing.assert_allclose(curve.predicted, np.mean(each, axis=0), rtol=1e-12)
    same = doe.marginal_means(of, "glue", at={"heat": 170.0, "time": 10.0})
    np.testing.assert_allclose(found.curve("force", "glue").predicted, same.mean, rtol=1e-12)
    np.testing.assert_allclose(found.curve("force", "glue").interval.low, same.interval.low, rtol=1e-12)


def test_several_responses() -> None:
    first, second = mixed(1, "force"), mixed(2, "leak", distribution="lognormal")
    found = profiler([first, second], points=5)
    assert found.responses == ("force", "leak") and len(found.curves) == 6
    assert found.to_frame().shape == (2 * (5 + 5 + 3), 7)
    named = profiler({"a": first, "b": first}, points=5)
    assert named.curve("a", "heat").predicted.tolist() == named.curve("b", "heat").predicted.tolist()
    assert json.loads(found.to_json())["schema"] == "qstats.profile/1" and "leak along glue" in found.summary()
    with pytest.raises(DataError, match="responses are"):
        found.curve("force", "nothing")


def test_profiles_of_a_mixture_keep_the_other_proportions() -> None:
    blend = doe.mixture(3, rng=1)
    rng = np.random.default_rng(3)
    of = fit(blend, 5 + np.asarray(blend.coded) @ [1.0, 2, 3] + 0.1 * rng.normal(size=len(blend)), model="linear")
    names = blend.names
    found = profiler(of, at=dict(zip(names, (0.2, 0.3, 0.5), strict=True)), points=5)
    curve = found.curve("response", names[0])
    t = np.asarray(curve.setting, dtype=float)
    want = of.predict({names[0]: t, names[1]: (1 - t) * 3 / 8, names[2]: (1 - t) * 5 / 8})
    np.testing.assert_allclose(curve.predicted, want.mean, rtol=1e-12)
    assert sum(profiler(of).at.values()) == pytest.approx(1.0)
    with pytest.raises(DataError, match="together"):
        profiler(of, at={names[0]: 0.2})
    with pytest.raises(DataError, match="sum to"):
        profiler(of, at=dict.fromkeys(names, 0.2))


def test_profile_refusals() -> None:
    of = mixed()
    other = fit(make_design("CCD", as_factors(["a", "b"]), CCD, rng=1), np.arange(13.0))
    for wrong in ([], 3, "fits", [3], [of, of], [of, other], {}):
        with pytest.raises(DataError):
            profiler(wrong)
    for more in ({"points": 1}, {"points": 2.5}, {"at": {"glue": "Z"}}, {"at": {"x": 1}}, {"confidence": 1.0}):
        with pytest.raises(DataError):
            profiler(of, **more)


def test_a_saturated_profile_says_so() -> None:
    of = fit(make_design("2^2", as_factors(["a", "b"]), CCD[:3], rng=1), [1.0, 2.0, 4.0])
    found = profiler(of, points=3)
    assert np.isinf(found.curves[0].interval.high).all() and "no-error-df" in {n.code for n in found.notes}
    assert "nan" not in found.summary().lower() and "NaN" not in found.to_json()


def columns(x: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(x)), x, x[:, 0] * x[:, 1], x**2])


def test_grids_as_statsmodels_predicts() -> None:
    rng = np.random.default_rng(4)
    y = 10 + CCD @ [1.0, 2.0] - (CCD**2).sum(axis=1) + 0.3 * rng.normal(size=13)
    of = fit(make_design("CCD", as_factors({"a": (0, 10), "b": (100, 300)}), CCD, rng=1), y, model="quadratic")
    found = surface_grid(of, "a", "b", n=7)
    axis = np.linspace(-ROOT, ROOT, 7)
    np.testing.assert_allclose(found.x, 5 + 5 * axis)
    np.testing.assert_allclose(found.y, 200 + 100 * axis)
    plain = sm.OLS(y, columns(CCD)).fit()
    for i, v in enumerate(axis):
        rows = columns(np.column_stack([axis, np.full(7, v)]))
        told = plain.get_prediction(rows)
        np.testing.assert_allclose(found.predicted[i], told.predicted_mean, rtol=1e-10)
        np.testing.assert_allclose(found.standard_error[i], told.se_mean, rtol=1e-10)
        np.testing.assert_allclose(np.column_stack([found.low[i], found.high[i]]), told.conf_int(), rtol=1e-9)
        np.testing.assert_allclose(found.leverage[i], (told.se_mean**2) / plain.scale, rtol=1e-9)
    assert found.leverage_limit == pytest.approx(plain.get_influence().hat_matrix_diag.max(), rel=1e-10)
    # a rotatable design: trusted is a disc of radius sqrt(2)
    across, up = np.meshgrid(axis, axis)
    assert (found.trusted == (across**2 + up**2 <= 2 + 1e-6)).all()
    assert found.run_here.all() and found.run_x.tolist() == pytest.approx((5 + 5 * CCD[:, 0]).tolist())


def test_grids_over_two_of_three_factors() -> None:
    of = mixed()
    found = surface_grid(of, "time", "heat", at={"glue": "C"}, n=5)
    want = of.predict({"time": found.x, "heat": found.y[1], "glue": "C"})
    np.testing.assert_allclose(found.predicted[1], want.mean, rtol=1e-12)
    assert found.run_here.sum() == 13 and found.at == {"glue": "C"}
    assert surface_grid(of, "time", "heat", n=5).run_here.all()
    assert found.to_frame().shape == (25, 8) and "trusted" in found.summary()
    assert json.loads(found.to_json())["schema"] == "qstats.surface_grid/1"


def test_grid_refusals() -> None:
    of = mixed()
    for x, y, more in (
        ("time", "time", {}), ("time", "glue", {}), ("time", "x", {}), ("time", "heat", {"n": 1}),
        ("time", "heat", {"at": {"heat": 160}}), ("time", "heat", {"n": 10**6}),
    ):  # fmt: skip
        with pytest.raises(DataError):
            surface_grid(of, x, y, **more)
    blend = doe.mixture(3, rng=1)
    with pytest.raises(DataError, match="mixture"):
        surface_grid(fit(blend, np.arange(float(len(blend))), model="linear"), *blend.names[:2])


def test_levels_that_are_numbers() -> None:
    factors = (Factor("n", levels=(1, 2, 4)), Factor("t", 0, 10))
    x = np.array([[a, b] for a in factors[0].code([1, 2, 4]) for b in (-1.0, 0.0, 1.0)])
    of = fit(make_design("grid", factors, x, rng=1), x @ [1.0, 2.0] + 0.01 * np.arange(9) % 0.03, model="linear")
    assert profiler(of).curve("response", "n").setting.tolist() == [1.0, 2.0, 4.0]


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), shift=st.floats(-1e4, 1e4), low=st.floats(0.3, 0.9))
def test_profiles_move_with_the_response(scale: float, shift: float, low: float) -> None:
    design = make_design("CCD", as_factors(["a", "b"]), CCD, rng=1)
    y = CCD @ [1.0, 2.0] + np.sin(np.arange(13.0))
    here, there = (profiler(fit(design, v, model="quadratic"), points=5) for v in (y, shift + scale * y))
    less = profiler(fit(design, y, model="quadratic"), points=5, confidence=low)
    for a, b, c in zip(here.curves, there.curves, less.curves, strict=True):
        np.testing.assert_allclose(b.predicted, shift + scale * a.predicted, rtol=1e-6, atol=1e-6 * scale)
        np.testing.assert_allclose(b.interval.low, shift + scale * a.interval.low, rtol=1e-6, atol=1e-6 * scale)
        assert (c.interval.low >= a.interval.low).all() and (c.interval.high <= a.interval.high).all()
