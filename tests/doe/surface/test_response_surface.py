"""Canonical analysis against R, the NIST e-Handbook, statsmodels and numerical derivatives."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
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
from qstats.doe.surface.door import response_surface
from qstats.errors import DataError, FormulaError

HELD = json.loads((Path(__file__).parents[2] / "reference" / "doe_surface.json").read_text())
R = {case["id"]: case for case in HELD["r"]}
NIST = HELD["nist_chemical"]
ROOT = math.sqrt(2.0)
CCD = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1], [-ROOT, 0], [ROOT, 0], [0, -ROOT], [0, ROOT], *[[0, 0]] * 5])


def fitted(x: Any, y: Any, names: list[str] | None = None, model: str = "quadratic", **more: Any) -> DesignFit:
    x = np.asarray(x, dtype=float)
    factors = as_factors(names or [f"x{i + 1}" for i in range(x.shape[1])])
    return fit(make_design("runs", factors, x, rng=1, **more), y, model=model)


def nist() -> DesignFit:
    return fitted(NIST["x"], NIST["y"])


def columns(x: np.ndarray) -> np.ndarray:
    """Constant, linear, products, squares, written out."""
    k = x.shape[1]
    pairs = [x[:, i] * x[:, j] for i in range(k) for j in range(i + 1, k)]
    return np.column_stack([np.ones(len(x)), *x.T, *pairs, *(x**2).T])


def unpacked(b: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    linear, square = b[1 : k + 1], np.zeros((k, k))
    at = k + 1
    for i in range(k):
        for j in range(i + 1, k):
            square[i, j] = square[j, i] = b[at] / 2
            at += 1
    return linear, square + np.diag(b[at:])


def test_nist_chemical_process() -> None:
    found = response_surface(nist())
    assert found.coded.tolist() == pytest.approx(NIST["stationary"], abs=1e-8)
    assert found.predicted == pytest.approx(NIST["predicted"], abs=1e-8)
    assert found.eigenvalues.tolist() == pytest.approx(NIST["eigenvalues"], abs=1e-8)
    assert found.nature == "maximum" and found.inside
    assert found.stationary == pytest.approx({"x1": NIST["stationary"][0], "x2": NIST["stationary"][1]}, abs=1e-8)


@pytest.mark.parametrize("name", ["rsm-rand-1", "rsm-rand-4", "rsm-rand-5"])
def test_stationary_point_and_axes_as_rsm_has_them(name: str) -> None:
    data, want = R[name]["inputs"]["D"], R[name]["expected"]
    names = [v for v in data if v != "y"]
    found = response_surface(fitted(np.column_stack([data[v] for v in names]), data["y"], names))
    assert found.coded.tolist() == pytest.approx(want["xs"], rel=1e-9)
    assert found.eigenvalues.tolist() == pytest.approx(want["eig"], rel=1e-9)
    np.testing.assert_allclose(np.abs(found.eigenvectors), want["vec_abs"]["values"], rtol=1e-8)


def test_blocks_and_natural_units_as_rsm_has_them() -> None:
    data, want = R["rsm-chem-block-so"]["inputs"]["D"], R["rsm-chem-block-so"]["expected"]
    x = np.column_stack([(np.array(data["Time"]) - 85) / 5, (np.array(data["Temp"]) - 175) / 5])
    block = [1 if v == "B1" else 2 for v in data["Block"]]
    factors = as_factors({"Time": (80, 90), "Temp": (170, 180)})
    found = response_surface(fit(make_design("CCD", factors, x, rng=1, block=block), data["Yield"], model="quadratic"))
    assert found.coded.tolist() == pytest.approx(want["xs"], rel=1e-9)
    assert found.eigenvalues.tolist() == pytest.approx(want["eig"], rel=1e-9)
    assert found.stationary["Time"] == pytest.approx(85 + 5 * want["xs"][0], rel=1e-12)
    assert found.stationary["Temp"] == pytest.approx(175 + 5 * want["xs"][1], rel=1e-12)
    b, xs = want["coef"], want["xs"]  # constant, block 2, linear, product, squares; blocks averaged
    value = b[0] + 0.5 * b[1] + b[2] * xs[0] + b[3] * xs[1] + b[4] * xs[0] * xs[1] + b[5] * xs[0] ** 2
    assert found.predicted == pytest.approx(value + b[6] * xs[1] ** 2, rel=1e-10)
    assert found.nature == "maximum" and found.certain and not found.ridge_direction.any()
    with pytest.raises(DataError, match=r"level|number|wanted"):
        response_surface(found.fit, at={"Time": "hot"})


def test_threshold_as_rsm_has_it() -> None:
    data, want = R["rsm-codata-canon-thr"]["inputs"]["D"], R["rsm-codata-canon-thr"]["expected"]
    of = fitted(np.column_stack([data["x1"], data["x2"]]), data["y"])
    exact, short = response_surface(of), response_surface(of, threshold=0.5)
    assert exact.coded.tolist() == pytest.approx(want["xs0"], rel=1e-9)
    assert exact.eigenvalues.tolist() == pytest.approx(want["eig0"], rel=1e-9)
    assert short.coded.tolist() == pytest.approx(want["xs5"], rel=1e-9)
    assert (exact.nature, short.nature) == ("saddle", "ridge")
    assert not exact.inside and short.inside and short.standard_error is None
    assert not exact.certain and exact.ridge_direction.tolist() == [True, False]
    assert "outside" in {n.code for n in exact.notes} and "rising-ridge" in {n.code for n in short.notes}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_curvature_errors_are_those_of_squares_after_turning(seed: int) -> None:
    """Bisgaard & Ankenman 1996: refit on canonical variables; their squares' standard errors (statsmodels)."""
    rng = np.random.default_rng(seed)
    x = np.vstack([rng.uniform(-1, 1, (18, 3)), np.zeros((3, 3))])
    y = 50 + x @ [2, -1, 3] - (x**2) @ [4, 2, 3] + x[:, 0] * x[:, 1] + rng.normal(0, 0.7, 21)
    found = response_surface(fitted(x, y))
    turned = sm.OLS(y, columns(x @ found.eigenvectors)).fit()
    assert found.eigenvalues.tolist() == pytest.approx(turned.params[-3:].tolist(), rel=1e-9)
    assert found.eigenvalue_error.tolist() == pytest.approx(turned.bse[-3:].tolist(), rel=1e-9)
    np.testing.assert_allclose(
        np.column_stack([found.eigenvalue_interval.low, found.eigenvalue_interval.high]), turned.conf_int()[-3:]
    )


def numerical(of: Any, at: np.ndarray, h: float = 1e-6) -> np.ndarray:
    return np.stack([(of(at + h * e) - of(at - h * e)) / (2 * h) for e in np.eye(at.size)], axis=-1)


def test_errors_of_point_and_axes_by_numerical_derivatives() -> None:
    rng = np.random.default_rng(4)
    x = np.vstack([rng.uniform(-1, 1, (20, 3)), np.zeros((4, 3))])
    y = 50 + x @ [2, -1, 3] - (x**2) @ [4, 2, 3] + x[:, 0] * x[:, 1] + rng.normal(0, 0.3, 24)
    plain = sm.OLS(y, columns(x)).fit()
    found = response_surface(fitted(x, y))

    def point(b: np.ndarray) -> np.ndarray:
        linear, square = unpacked(b, 3)
        return -0.5 * np.linalg.solve(square, linear)

    def axes(b: np.ndarray) -> np.ndarray:
        vectors = np.linalg.eigh(unpacked(b, 3)[1])[1][:, ::-1]
        return vectors * np.sign((vectors * found.eigenvectors).sum(axis=0))

    for of, have in ((point, found.standard_error), (axes, found.eigenvector_error)):
        slope = numerical(of, plain.params)
        want = np.sqrt(np.einsum("...p,pq,...q->...", slope, plain.cov_params(), slope))
        np.testing.assert_allclose(have, want, rtol=1e-5)


def test_region_is_the_f_test_of_the_gradient() -> None:
    """Box & Hunter 1954, by statsmodels' F test of two contrasts at each point."""
    of, plain = nist(), sm.OLS(NIST["y"], columns(np.array(NIST["x"]))).fit()
    found = response_surface(of)
    points = np.random.default_rng(5).uniform(-2, 2, (60, 2))
    want = []
    for u, v in points:
        slope = np.array([[0, 1, 0, v, 2 * u, 0], [0, 0, 1, u, 0, 2 * v]])
        want.append(float(plain.f_test(slope).pvalue))
    np.testing.assert_allclose(found.pvalue(points), want, rtol=1e-8)
    for confidence in (0.5, 0.9, 0.95):
        assert found.in_region(points, confidence=confidence).tolist() == [p >= 1 - confidence for p in want]
    by_name = {"x1": points[:, 0], "x2": points[:, 1]}
    assert found.pvalue(by_name).tolist() == found.pvalue(points).tolist()
    assert found.pvalue(dict(found.stationary)).tolist() == pytest.approx([1.0])


def test_share_and_box_of_the_region_by_a_fine_grid() -> None:
    found = response_surface(nist())
    axis = np.linspace(-1.414, 1.414, 401)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    x = columns(np.array(NIST["x"]))
    rows = columns(grid)
    spread = np.linalg.inv(x.T @ x)
    trusted = np.einsum("ij,jk,ik->i", rows, spread, rows) <= np.einsum("ij,jk,ik->i", x, spread, x).max() + 1e-6
    held = found.in_region(grid) & trusted
    assert found.region_share == pytest.approx(held.sum() / trusted.sum(), abs=0.01)
    assert found.region_box is not None
    step = axis[1] - axis[0]
    for j, name in enumerate(("x1", "x2")):
        box = found.region_box[name]
        assert grid[held, j].min() - step <= box.low <= grid[held, j].min() + 3e-3
        assert grid[held, j].max() - 3e-3 <= box.high <= grid[held, j].max() + step
    assert found.region_open


def test_a_small_region_is_found_however_small() -> None:
    rng = np.random.default_rng(6)
    truth = np.array([0.3, -0.4])
    y = 10.0 - ((CCD - truth) ** 2).sum(axis=1) + 1e-5 * rng.normal(size=13)
    found = response_surface(fitted(CCD, y))
    assert 0.0 < found.region_share < 1e-7 and not found.region_open and found.certain
    assert found.region_box is not None
    for name, value, error in zip(("x1", "x2"), found.coded, found.standard_error, strict=True):
        box = found.region_box[name]
        # near the point the region is an ellipsoid of half width sqrt(2 F) standard errors; F(2, 7) at .95 is 4.7374
        assert box.high - value == pytest.approx(math.sqrt(2 * 4.7374) * error, rel=0.02)
        assert value - box.low == pytest.approx(math.sqrt(2 * 4.7374) * error, rel=0.02)


def test_an_exact_quadratic_gives_its_optimum_at_any_offset() -> None:
    for offset in (0.0, 1e12):
        y = offset + 16.0 - 4.0 * (CCD[:, 0] - 0.25) ** 2 - 8.0 * (CCD[:, 1] + 0.5) ** 2
        found = response_surface(fitted(CCD, y))
        assert found.coded.tolist() == pytest.approx([0.25, -0.5], abs=1e-9 if not offset else 2e-4)
        assert found.predicted - offset == pytest.approx(16.0, abs=1e-9 if not offset else 2e-3)
        assert found.nature == "maximum"


def test_without_error_the_region_is_the_point() -> None:
    x = np.array([[a, b] for a in (-1.0, 0.0, 1.0) for b in (-1.0, 0.0, 1.0)])
    y = 16.0 - 4.0 * x[:, 0] ** 2 - 8.0 * x[:, 1] ** 2
    found = response_surface(fitted(x, y))
    assert found.fit.sigma == 0.0 and found.in_region([[0.0, 0.0], [0.1, 0.0]]).tolist() == [True, False]
    assert found.certain and found.interval.low == found.interval.high


def test_saturated_fits_say_that_nothing_is_certain() -> None:
    x = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1], [0, 1.4], [-1.4, 0]])
    found = response_surface(fitted(x, [3.0, 4, 6, 4, 5, 2]))
    assert found.region_share == 1.0 and not found.certain and found.ridge_direction.all()
    assert found.interval.low == -math.inf and found.in_region([[5.0, 5.0]]).all()
    assert "no-error-df" in {n.code for n in found.notes}
    assert "nan" not in found.summary().lower() and "NaN" not in found.to_json()


def test_equal_responses_are_flat() -> None:
    found = response_surface(fitted(CCD, np.full(13, 7.0)))
    assert found.nature == "flat" and not found.certain
    assert found.predicted == 7.0 and found.coded.tolist() == [0.0, 0.0]


def glue_fit(rng: np.random.Generator) -> tuple[DesignFit, np.ndarray, np.ndarray, np.ndarray]:
    factors = as_factors({"t": (10, 20), "h": (100, 200), "glue": ["A", "B", "C"]})
    x = np.array([[*row, g] for row in CCD for g in range(3)])
    top = np.array([[0.2, 0.1], [-0.3, 0.4], [0.5, -0.2]])
    y = 20 - ((x[:, :2] - top[x[:, 2].astype(int)]) ** 2).sum(axis=1) + 0.1 * rng.normal(size=len(x))
    return fit(make_design("CCD x 3", factors, x, rng=1), y, model="t*glue + h*glue + t:h + t^2 + h^2"), x, y, top


def test_factors_of_text_are_held_or_averaged() -> None:
    of, _, _, top = glue_fit(np.random.default_rng(7))
    for g, level in enumerate("ABC"):
        found = response_surface(of, at={"glue": level})
        assert found.at["glue"] == level and found.coded.tolist() == pytest.approx(top[g].tolist(), abs=0.15)
        same = of.predict({**{n: [v] for n, v in found.stationary.items()}, "glue": [level]})
        assert found.predicted == pytest.approx(float(same.mean[0]), rel=1e-12)
        assert (found.interval.low, found.interval.high) == pytest.approx(
            (float(same.interval.low[0]), float(same.interval.high[0])), rel=1e-12
        )
    mean = response_surface(of)
    assert mean.at["glue"] == "average"
    each = [response_surface(of, at={"glue": level}) for level in "ABC"]
    np.testing.assert_allclose(mean.linear, np.mean([s.linear for s in each], axis=0), rtol=1e-9)
    assert mean.constant == pytest.approx(np.mean([s.constant for s in each]), rel=1e-12)
    assert mean.in_region([[15.0, 150.0]]).dtype == np.bool_


def test_numbers_can_be_held() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(-1, 1, (30, 3))
    y = 5 + x @ [1, 2, 3] - (x**2).sum(axis=1) + 2 * x[:, 0] * x[:, 2] + 0.1 * rng.normal(size=30)
    of = fitted(x, y)
    found = response_surface(of, at={"x3": 0.5})
    whole = response_surface(of)
    assert found.factors == ("x1", "x2") and found.at["x3"] == 0.5
    np.testing.assert_allclose(found.linear, whole.linear[:2] + 2 * 0.5 * whole.square[:2, 2], rtol=1e-12)
    np.testing.assert_allclose(found.square, whole.square[:2, :2], rtol=1e-12)
    cubic = fitted(x, y, model="x1 + x2 + x3 + x1:x2:x3 + x1^2 + x2^2")
    with pytest.raises(FormulaError, match="order 3"):
        response_surface(cubic)
    assert response_surface(cubic, at={"x3": 0.0}).factors == ("x1", "x2")


def test_links_move_the_values_not_the_point() -> None:
    rng = np.random.default_rng(9)
    eta = 1.0 - 0.4 * (CCD[:, 0] - 0.2) ** 2 - 0.6 * (CCD[:, 1] + 0.3) ** 2 + 0.02 * rng.normal(size=13)
    design = make_design("CCD", as_factors(["a", "b"]), CCD, rng=1)
    log = response_surface(fit(design, np.exp(eta), model="quadratic", distribution="lognormal"))
    plain = response_surface(fit(design, eta, model="quadratic"))
    np.testing.assert_allclose(log.coded, plain.coded, rtol=1e-9)
    assert log.predicted == pytest.approx(math.exp(plain.predicted), rel=1e-12) and log.predicted_of == "median"
    assert log.interval.high == pytest.approx(math.exp(plain.interval.high), rel=1e-12)
    counts = fit(design, rng.poisson(np.exp(4 + eta)), model="quadratic", distribution="poisson")
    found = response_surface(counts)
    x = columns(CCD)
    glm = sm.GLM(np.array(counts.y), x, family=sm.families.Poisson()).fit()
    u, v = 0.4, -0.1
    slope = np.array([[0, 1, 0, v, 2 * u, 0], [0, 0, 1, u, 0, 2 * v]])
    want = float(glm.wald_test(slope, use_f=False, scalar=True).pvalue)
    assert float(found.pvalue([[u, v]])[0]) == pytest.approx(want, rel=1e-5)


def test_split_plots_use_their_own_degrees_of_freedom() -> None:
    rng = np.random.default_rng(10)
    x = np.array([[a, b] for a in (-1, 0, 1, 0, -1, 1) for b in (-1.0, 0.0, 1.0, 0.0)])
    plot = np.repeat(np.arange(1, 7), 4)
    y = 5 - x[:, 0] ** 2 - x[:, 1] ** 2 + np.repeat(rng.normal(size=6), 4) + 0.2 * rng.normal(size=24)
    of = fit(make_design("sp", as_factors(["a", "b"]), x, rng=1, whole_plot=plot), y, model="quadratic")
    found = response_surface(of)
    assert found.eigenvalue_error[0] != pytest.approx(found.eigenvalue_error[1], rel=0.05)
    p = found.pvalue([[0.5, 0.1], [2.0, 2.0]])
    assert ((p > 0) & (p <= 1)).all() and "degrees of freedom" in found.method


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(FormulaError, match="steepest_ascent"):
        response_surface(fitted(CCD, np.arange(13.0), model="linear"))
    with pytest.raises(DataError, match=r"qstats\.doe\.fit"):
        response_surface(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no factor"):
        response_surface(nist(), at={"zzz": 1})
    with pytest.raises(DataError, match="mapping"):
        response_surface(nist(), at=3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="threshold"):
        response_surface(nist(), threshold=-1.0)
    with pytest.raises(DataError, match="free to move"):
        response_surface(nist(), at={"x1": 0.0, "x2": 0.0})
    with pytest.raises(DataError, match="one setting"):
        response_surface(nist(), at={"x1": [0.0, 1.0]})
    x = np.array([[a, b] for a in (0.1, 0.5, 0.9) for b in (0.1, 0.5, 0.9)])
    design = make_design("grid", as_factors({"a": (1, 2), "b": (1, 2)}), x, rng=1)
    with pytest.raises(FormulaError, match="function"):
        response_surface(fit(design, x[:, 0] + x[:, 1] ** 2, model="log(a) + b + b^2"))
    blend = doe.mixture(3, rng=1)
    with pytest.raises(DataError, match="mixture"):
        response_surface(fit(blend, np.arange(float(len(blend))), model="quadratic"))


@pytest.mark.parametrize(
    "points", ["far", [[1.0]], [[math.nan, 0.0]], {"x1": [1.0]}, {"x1": [1.0, 2], "x2": [1, 2, 3]}]
)
def test_points_that_are_none(points: Any) -> None:
    with pytest.raises(DataError):
        response_surface(nist()).in_region(points)


def test_a_factor_that_only_rises_has_no_stationary_point() -> None:
    rng = np.random.default_rng(11)
    y = 5 + CCD[:, 0] - CCD[:, 1] ** 2 + 0.1 * rng.normal(size=13)
    found = response_surface(fitted(CCD, y, model="x1 + x2 + x2^2"))
    assert found.nature == "ridge" and "rising-ridge" in {n.code for n in found.notes}
    assert found.coded[0] == 0.0 and not found.in_region([[0.0, 0.0]]).any()
    assert "nan" not in found.summary().lower()


def test_views() -> None:
    found = response_surface(nist())
    assert found.to_frame().shape == (2, 7)
    held = json.loads(found.to_json())
    assert held["schema"] == "qstats.response_surface/1" and held["fit"]["response"] == "response"
    assert "maximum" in found.summary() and "x1" in found.summary()


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-1e3, 1e3), scale=st.floats(0.01, 100.0), turn=st.floats(0.0, 6.28), seed=st.integers(0, 10_000))
def test_turned_and_rescaled_surfaces(shift: float, scale: float, turn: float, seed: int) -> None:
    y = 10 - ((CCD - 0.2) ** 2) @ [1.0, 3.0] + 0.3 * np.random.default_rng(seed).normal(size=13)
    c, s = math.cos(turn), math.sin(turn)
    rotation = np.array([[c, -s], [s, c]])
    here = response_surface(fitted(CCD, y))
    there = response_surface(fitted(CCD @ rotation.T, shift + scale * y))
    np.testing.assert_allclose(there.coded, rotation @ here.coded, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(there.eigenvalues, scale * here.eigenvalues, rtol=1e-6, atol=1e-8 * scale)
    np.testing.assert_allclose(there.eigenvalue_error, scale * here.eigenvalue_error, rtol=1e-5)
    assert there.predicted == pytest.approx(shift + scale * here.predicted, rel=1e-7, abs=1e-6)
    points = np.array([[0.1, 0.2], [1.0, -1.0], [0.5, 0.5]])
    np.testing.assert_allclose(there.pvalue(points @ rotation.T), here.pvalue(points), rtol=1e-5, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(low=st.floats(0.5, 0.94), seed=st.integers(0, 1000))
def test_regions_are_nested_in_confidence(low: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = response_surface(fitted(CCD, 5 - (CCD**2).sum(axis=1) + rng.normal(size=13)), confidence=0.95)
    points = rng.uniform(-2, 2, (50, 2))
    assert (found.in_region(points) >= found.in_region(points, confidence=low)).all()
    less = response_surface(replace(found.fit), confidence=low)
    assert less.region_share <= found.region_share + 0.02
    assert (less.eigenvalue_interval.low >= found.eigenvalue_interval.low).all()


def test_a_region_of_the_design_too_thin_to_measure_is_not_given_a_share() -> None:
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / ROOT
    x = CCD * [1.0, 1e-3] @ turn.T  # runs along a diagonal: hardly any of the square is known
    y = 5 - (CCD**2).sum(axis=1) + CCD @ [0.2, 0.3] + 0.01 * np.random.default_rng(2).normal(size=13)
    found = response_surface(fitted(x, y))
    assert found.coded.tolist() == pytest.approx((turn @ [0.1, 0.15e-3]).tolist(), abs=0.02)
    assert found.region_share is None and "None" not in found.summary()
    assert found.inside and found.region_box is not None
    assert all(found.region_box[n].low <= v <= found.region_box[n].high for n, v in found.stationary.items())
    assert found.region_box["x1"].high - found.region_box["x1"].low < 0.1


def test_far_points_are_tested_without_overflow() -> None:
    found = response_surface(nist())
    far, near = (found.pvalue([[r, -0.7 * r]])[0] for r in (1e90, 1e6))
    assert far == pytest.approx(near, rel=1e-4) and 0.0 < far < 1.0
    with pytest.raises(DataError, match="beyond"):
        found.pvalue([[1e300, 0.0]])


def test_names_that_are_heads_of_the_table_stay_apart() -> None:
    y = 10 - (CCD**2).sum(axis=1) + np.sin(np.arange(13.0))
    found = response_surface(fitted(CCD, y, ["low", "x"]))
    assert found.to_frame().shape == (2, 7)
    assert found.ridge().to_frame().shape[1] == 5 + 2 + 2 + 1


def test_a_blend_that_is_held_leaves_the_process_factors() -> None:
    factors = (Factor("a", kind="mixture"), Factor("b", kind="mixture"), Factor("t", 0, 10), Factor("h", 50, 70))
    shares = np.repeat([[0.2, 0.8], [0.5, 0.5], [0.8, 0.2]], 13, axis=0)
    x = np.column_stack([shares, np.tile(CCD, (3, 1))])
    y = x @ [4.0, 7.0, 0.5, 0.2] - x[:, 2] ** 2 - 2 * x[:, 3] ** 2 + x[:, 0] * x[:, 2]
    y += 0.01 * np.random.default_rng(12).normal(size=39)
    of = fit(make_design("mixture-process", factors, x, rng=1), y, model="0 + a + b + a:t + b:t + h + t^2 + h^2")
    with pytest.raises(DataError, match="fix the blend"):
        response_surface(of)
    found = response_surface(of, at={"a": 0.3, "b": 0.7})
    assert found.factors == ("t", "h") and found.at == {"a": 0.3, "b": 0.7}
    assert found.coded.tolist() == pytest.approx([0.4, 0.05], abs=0.02)  # (.5 + .3) / 2 and .2 / 4
    assert found.in_region([list(found.stationary.values())]).all() and found.inside
    assert found.ridge().predicted.shape == (21,)
