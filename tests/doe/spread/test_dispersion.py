"""Dispersion effects: worked example, plain-loop transcriptions, F distribution, direct maximisation."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from qstats.doe import fractional_factorial, full_factorial
from qstats.doe.contrasts.repeats import cells
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.spread.door import dispersion_effects
from qstats.doe.spread.joint import fit_joint
from qstats.errors import DataError, DesignError, NoConvergence, TooFewData

HELD = json.loads((Path(__file__).parents[2] / "reference" / "doe_contrasts.json").read_text())


def panel() -> tuple[Design, np.ndarray[Any, Any], dict[str, Any]]:
    held = HELD["examples"]["mont_panel"]
    design = make_design("panel", as_factors(held["factors"]), held["rows"], rng=1)
    return design, np.array(held["y"], dtype=float), held["golden"]


def test_panel_defects() -> None:
    # Montgomery, Design and Analysis of Experiments, 8th ed., Example 6.4; ln of variances of the residuals of A + C
    design, y, golden = panel()
    held = dispersion_effects(design, y, model="A + C")
    got = {label: held.effect(label) for label in held.labels}
    assert got == pytest.approx(golden["dispersion_lnF"], abs=1e-7)
    assert held.significant_labels == ("B",) and held.method == "box-meyer"
    assert dispersion_effects(design, y).location_labels == ("1", "A", "C")  # what Lenth's method finds
    assert held.location == pytest.approx([y.mean(), 5.75 / 2, -4.25 / 2])
    assert {"location-first", "one-at-a-time"} <= {n.code for n in held.notes}


def test_box_meyer_against_its_own_null_by_plain_loops() -> None:
    design, y, _ = panel()
    held = dispersion_effects(design, y, model="A + C")
    x = np.column_stack([np.ones(16), design.coded[:, 0], design.coded[:, 2]])
    b = design.coded[:, 1]
    rng, count, n = np.random.default_rng(77), 0, 4000
    for _ in range(n):
        z = rng.normal(size=16)
        r = z - x @ np.linalg.lstsq(x, z, rcond=None)[0]
        count += abs(math.log(r[b > 0].var() / r[b < 0].var())) >= abs(held.effect("B"))
    p = held.pvalue[held.labels.index("B")]
    assert count / n == pytest.approx(p, abs=5 * math.sqrt(p / n))
    assert held.pvalue_simultaneous is not None
    assert (held.pvalue_simultaneous >= held.pvalue - 1e-3).all()


def test_bergman_hynen_is_an_exact_f_test() -> None:
    design, y, _ = panel()
    held = dispersion_effects(design, y, model="A + C", method="bergman-hynen")
    for label in ("B", "A", "A:C"):
        sign = np.prod([design.column(n) for n in label.split(":")], axis=0)
        part = []
        for side in (1, -1):
            rows = sign == side
            x = np.column_stack([np.ones(8), design.coded[rows, 0], design.coded[rows, 2]])
            fit = x @ np.linalg.lstsq(x, y[rows], rcond=None)[0]
            part += [((y[rows] - fit) ** 2).sum(), 8 - np.linalg.matrix_rank(x)]
        f = part[0] / part[1] / (part[2] / part[3])
        assert held.effect(label) == pytest.approx(math.log(f))
        i = held.labels.index(label)
        tail = stats.f.sf(f, part[1], part[3])
        assert held.pvalue[i] == pytest.approx(2 * min(tail, 1 - tail))
        limits = [f / stats.f.ppf(q, part[1], part[3]) for q in (0.975, 0.025)]
        assert np.exp([held.interval.low[i], held.interval.high[i]]) == pytest.approx(limits)
    assert held.pvalue_simultaneous is None and held.draws == 0


def test_log_variances_by_hand() -> None:
    design = full_factorial(2, replicates=4, rng=3)
    y = np.random.default_rng(8).normal(size=16) * np.exp(0.7 * design.coded[:, 1])
    held = dispersion_effects(design, y)
    where = cells(design.coded)
    log_s2 = np.array([math.log(y[where == c].var(ddof=1)) for c in range(4)])
    b = np.array([design.coded[where == c, 1][0] for c in range(4)])
    assert held.method == "log-variance"
    assert held.effect("B") == pytest.approx(log_s2[b > 0].mean() - log_s2[b < 0].mean())
    assert held.factor[1] == pytest.approx(math.exp(held.effect("B")))
    # the simulated reach against the normal one: a contrast of 4 ln s2 on 3 df is nearly normal
    reach = held.interval.high[1] - held.effect("B")
    assert reach == pytest.approx(1.96 * math.sqrt(float(special.polygamma(1, 1.5))), rel=0.03)


def test_log_variances_of_unequal_repeats_are_weighted() -> None:
    coded = np.array([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
    counts = [2, 3, 5, 7]
    design = make_design("unequal", as_factors(2), np.repeat(coded, counts, axis=0), rng=1)
    y = np.random.default_rng(9).normal(size=sum(counts))
    held = dispersion_effects(design, y, order=1)
    at = np.split(y, np.cumsum(counts)[:-1])
    half = (np.array(counts) - 1) / 2
    z = np.array([math.log(v.var(ddof=1)) for v in at]) - special.digamma(half) + np.log(half)
    w = np.diag(1 / special.polygamma(1, half))
    x = np.column_stack([np.ones(4), coded])
    assert held.effects == pytest.approx(2 * np.linalg.solve(x.T @ w @ x, x.T @ w @ z)[1:])
    levene = dispersion_effects(design, y, order=1, method="levene")
    z = np.array([2 * math.log(np.abs(v - np.median(v)).mean()) for v in at])
    assert levene.effects == pytest.approx(2 * np.linalg.solve(x.T @ w @ x, x.T @ w @ z)[1:])


def test_replicates_in_blocks() -> None:
    once = full_factorial(3, rng=1)
    design = make_design("blocks", once.factors, np.tile(once.coded, (4, 1)), block=np.repeat([1, 2, 3, 4], 8), rng=1)
    y = np.random.default_rng(9).normal(size=32) * np.exp(design.coded[:, 2])
    a, b = dispersion_effects(design, y), dispersion_effects(design, y + 50.0 * design.block)
    np.testing.assert_allclose(a.effects, b.effects, atol=1e-8)
    table = y.reshape(4, 8)
    r = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    log_s2 = np.log((r**2).sum(axis=0))
    high = once.coded[:, 2] > 0
    assert a.effect("C") == pytest.approx(log_s2[high].mean() - log_s2[~high].mean())
    assert "C" in a.significant_labels


def restricted(g: np.ndarray[Any, Any], x: Any, z: Any, y: Any) -> float:
    """Restricted log likelihood of ln variance = z g by its definition, with dense matrices."""
    v = np.diag(np.exp(z @ g))
    inner = x.T @ np.linalg.inv(v) @ x
    b = np.linalg.solve(inner, x.T @ np.linalg.inv(v) @ y)
    e = y - x @ b
    parts = (y.size - x.shape[1]) * math.log(2 * math.pi) + np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1]
    return float(-0.5 * (parts + e @ np.linalg.inv(v) @ e))


@pytest.mark.parametrize("seed", range(4))
def test_joint_is_the_maximum_of_the_restricted_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(24), np.tile(full_factorial(3, rng=1).coded, (3, 1))])
    z = x[:, [0, 1, 3]]
    y = 1e3 + x @ [0, 1, 2, 3] + rng.normal(size=24) * np.exp(0.5 * z @ [0.3, 1.0, 0.0])
    fit = fit_joint(x, z, y)
    best = optimize.minimize(lambda g: -restricted(g, x, z, y), np.zeros(3), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(fit.dispersion, best.x, atol=2e-5)
    assert fit.log_likelihood == pytest.approx(restricted(fit.dispersion, x, z, y), rel=1e-10)
    w = np.diag(np.exp(-z @ fit.dispersion))
    np.testing.assert_allclose(fit.mean, np.linalg.solve(x.T @ w @ x, x.T @ w @ y), rtol=1e-9)
    np.testing.assert_allclose(fit.mean_covariance, np.linalg.inv(x.T @ w @ x), rtol=1e-8, atol=1e-14)
    # expected information: half the traces of P V_k P V_l
    v = np.linalg.inv(w)
    p = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    d = [p @ v @ np.diag(z[:, k]) for k in range(3)]
    want = 0.5 * np.array([[np.trace(a @ b) for b in d] for a in d])
    np.testing.assert_allclose(np.linalg.inv(fit.dispersion_covariance), want, rtol=1e-7, atol=1e-9)


def test_joint_through_the_door() -> None:
    design = full_factorial(3, replicates=4, rng=3)
    y = 5 + design.coded[:, 1] + np.random.default_rng(2).normal(size=32) * np.exp(0.8 * design.coded[:, 0])
    held = dispersion_effects(design, y, method="joint")
    assert held.labels == ("A", "B", "C") and held.location_labels[0] == "1"
    x = np.column_stack([np.ones(32), design.coded])
    fit = fit_joint(x, x, y)
    np.testing.assert_allclose(held.effects, 2 * fit.dispersion[1:])
    se = 2 * np.sqrt(np.diag(fit.dispersion_covariance))[1:]
    rng, null = np.random.default_rng(31), []
    for _ in range(300):  # the same statistic of noise, with draws of its own
        f = fit_joint(x, x, rng.normal(size=32))
        null.append(np.abs(f.dispersion[1:]) / np.sqrt(np.diag(f.dispersion_covariance)[1:]))
    p = (np.array(null) >= np.abs(held.effects) / se).mean(axis=0)
    assert (np.abs(held.pvalue - p) <= 5 * np.sqrt(0.25 / 300)).all()
    reach = (held.interval.high - held.effects) / se
    assert ((reach > 1.9) & (reach < 2.8)).all()
    assert held.significant_labels == ("A",) and held.draws == 499
    chosen = dispersion_effects(design, y, method="joint", model="A + B", dispersion="A")
    assert chosen.labels == ("A",) and chosen.location_labels == ("1", "A", "B")


def test_joint_refuses_what_has_no_maximum() -> None:
    x = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1], [-1.0, 0, 1, 0, 0, 0]])
    z = x[:, :2]
    with pytest.raises(NoConvergence, match="variance runs to zero"):
        fit_joint(x, z, np.array([1.0, 2.0, 3.0, 1.0, 5.0, 2.0]))
    with pytest.raises(DesignError, match="fits every run"):
        fit_joint(x, z, np.array([1.0, 2.0, 3.0, 1.0, 1.0, 1.0]))
    with pytest.raises(TooFewData):
        fit_joint(x[:3], z[:3], np.arange(3.0))


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([1e-6, 1e6]), st.sampled_from(["box-meyer", "bergman-hynen", "joint"]))
def test_shift_and_scale_do_not_matter(seed: int, scale: float, method: str) -> None:
    design = fractional_factorial(4, runs=16, rng=1)
    y = np.random.default_rng(seed).normal(size=16)
    more = {"dispersion": "B"} if method == "joint" else {}
    a = dispersion_effects(design, y, model="A", method=method, **more)
    b = dispersion_effects(design, scale * (y + 1e3), model="A", method=method, **more)
    np.testing.assert_allclose(a.effects, b.effects, atol=1e-6)
    # of the joint fit's 499 simulations one may lie so close to the data that rounding puts it on the other side
    np.testing.assert_allclose(a.pvalue, b.pvalue, atol=2.1e-3 if method == "joint" else 2e-4)
    if method == "joint":
        return
    # changing the sign of every factor changes the sign of odd contrasts only
    c = dispersion_effects(make_design("mirror", design.factors, -design.coded, rng=1), y, model="A", method=method)
    odd = np.array([-1.0 if label.count(":") % 2 == 0 else 1.0 for label in a.labels])
    np.testing.assert_allclose(c.effects, odd * a.effects, atol=1e-8)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.booleans())
def test_p_and_interval_are_one_procedure(seed: int, level: float, twice: bool) -> None:
    design = full_factorial(3, replicates=3 if twice else 1, rng=1)
    y = np.random.default_rng(seed).normal(size=len(design))
    for method in ("auto", "bergman-hynen"):
        more = {} if twice and method == "auto" else {"model": "A"}
        held = dispersion_effects(design, y, method=method, confidence=level, **more)
        outside = (held.interval.low > 0) | (held.interval.high < 0)
        assert np.array_equal(held.pvalue <= 1 - level + 1e-12, outside)
        assert np.array_equal(outside, held.significant)
        assert ((held.pvalue > 0) & (held.pvalue <= 1)).all()


def test_missing_runs_and_seeds() -> None:
    design, y, _ = panel()
    y = y.copy()
    y[3] = np.nan
    a = dispersion_effects(design, y, model="A + C")
    assert a.runs == 15 and "missed-runs" in [n.code for n in a.notes]
    assert a.to_json() == dispersion_effects(design, y, model="A + C").to_json()
    other = dispersion_effects(design, y, model="A + C", rng=5)
    assert other.seed == 5 and other.pvalue == pytest.approx(a.pvalue, abs=0.03)
    assert (other.effects == a.effects).all()


def test_hostile() -> None:
    design, y, _ = panel()
    with pytest.raises(TooFewData, match="fits every run exactly"):
        dispersion_effects(design, design.coded[:, 0] + 1, model="A")
    with pytest.raises(DataError, match="nothing varies"):
        z = y.copy()
        z[design.coded[:, 0] > 0] = 3.0
        dispersion_effects(design, z, model="A", method="box-meyer")
    with pytest.raises(DesignError, match="exactly"):
        dispersion_effects(design, z, model="A", method="bergman-hynen")
    with pytest.raises(TooFewData, match="repeats of every setting"):
        dispersion_effects(design, y, method="log-variance")
    with pytest.raises(DataError, match="order"):
        dispersion_effects(design, y, method="joint", order=2)
    with pytest.raises(DataError, match="dispersion"):
        dispersion_effects(design, y, dispersion="A")
    with pytest.raises(DataError, match="method"):
        dispersion_effects(design, y, method="harvey")
    with pytest.raises(DataError, match="order"):
        dispersion_effects(design, y, order=0)
    double = full_factorial(2, replicates=2, rng=1)
    with pytest.raises(DataError, match="model"):
        dispersion_effects(double, np.arange(8.0) ** 2, model="A")
    with pytest.raises(DataError, match="are equal"):
        dispersion_effects(double, [1, 2, 3, 4, 1, 5, 6, 7])
    with pytest.raises(DataError, match="constant"):
        dispersion_effects(design, y, method="joint", model="A", dispersion="1")
    plots = make_design("split", (Factor("a", 0, 1, hard_to_change=True), Factor("b", 0, 1)),
                        [[-1, -1], [-1, 1], [1, -1], [1, 1]], whole_plot=[1, 1, 2, 2], rng=1)  # fmt: skip
    with pytest.raises(DesignError, match="split-plot"):
        dispersion_effects(plots, np.arange(4.0))
    with pytest.raises(TooFewData):
        dispersion_effects(full_factorial(1, rng=1), [1.0, 2.0], model="1")


def test_views() -> None:
    design, y, _ = panel()
    held = dispersion_effects(design, y, model="A + C")
    assert str(held).splitlines()[2] == "changes the spread  B"
    frame = held.to_frame()
    assert list(frame["effect"]) == list(held.labels) and "pvalue_simultaneous" in frame
    far = dispersion_effects(design, y, model="A + C", method="joint", dispersion="B", confidence=0.9999)
    assert np.isinf(far.interval.high).all() and not far.significant.any()  # 499 experiments cannot tell so much
    assert "Infinity" in far.to_json() and "inf" in str(far)
    assert json.loads(held.to_json())["schema"] == "qstats.dispersion_effects/1"
    assert len(held) == 15
