"""Desirability against R, the optimum against R and against plain enumeration, and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats import Spec
from qstats.doe import Factor, full_factorial, mixture, optimal
from qstats.doe.compromise.goals import Goal
from qstats.doe.desirability.door import optimize
from qstats.doe.desirability.wants import Desirability, as_desirabilities, overall
from qstats.doe.fitting.door import fit
from qstats.errors import DataError, DesignError

A = 1.682


# R 4.2.2, package desirability 2.1 (cases des-dmax, des-dmin): limits 2 and 10, scale 0.5, 1 and 3, at 0, 1, ..., 12
R_MAX = {
    3: (0.3535533905932738, 0.125, 0.001953125), 4: (0.5, 0.25, 0.015625),
    5: (0.6123724356957945, 0.375, 0.052734375), 6: (0.7071067811865476, 0.5, 0.125),
    7: (0.7905694150420949, 0.625, 0.244140625), 8: (0.8660254037844386, 0.75, 0.421875),
    9: (0.9354143466934853, 0.875, 0.669921875),
}  # fmt: skip


def reference_row(x, kind):
    if kind == "min":
        x = 12 - x
    return (0.0,) * 3 if x <= 2 else (1.0,) * 3 if x >= 10 else R_MAX[x]


@pytest.mark.parametrize("kind", ["max", "min"])
def test_one_sided_desirability_is_that_of_r(kind):
    x = np.arange(13.0)
    got = np.column_stack([Desirability("y", kind, 2, 10, shape=(s, s)).value(x) for s in (0.5, 1.0, 3.0)])
    assert got == pytest.approx(np.array([reference_row(v, kind) for v in range(13)]), abs=1e-15)


def test_overall_desirability_is_that_of_r():
    # case des-overall: dMax(80, 97) and dTarget(55, 57.5, 60)
    goals = (Desirability("conv", "max", 80, 97), Desirability("act", "target", 55, 60, 57.5))
    y = np.array([[90, 57], [85, 56], [97, 57.5], [70, 58], [95, 61], [88, 59.9]], dtype=float)
    d = np.column_stack([g.value(y[:, i]) for i, g in enumerate(goals)])
    want = [0.6859943405700354, 0.3429971702850177, 1, 0, 0, 0.13719886811400805]
    assert overall(d, goals) == pytest.approx(want, abs=1e-14)


def test_importance_shape_and_limits_by_the_definition():
    goals = (
        Desirability("a", "min", 0, 10, shape=(2, 2), importance=3),
        Desirability("b", "target", 0, 4, 1, shape=(0.5, 2)),
        Desirability("c", "limit", limits=(None, 5)),
    )
    y = np.array([[4.0, 0.25, 5.0], [4.0, 3.0, 4.0], [4.0, 3.0, 5.01]])
    d = np.column_stack([g.value(y[:, i]) for i, g in enumerate(goals)])
    assert d == pytest.approx(np.array([[0.36, 0.5, 1], [0.36, (1 / 3) ** 2, 1], [0.36, 1 / 9, 0]]))
    want = [(0.36**3 * 0.5) ** 0.25, (0.36**3 / 9) ** 0.25, 0.0]
    assert overall(d, goals) == pytest.approx(want)


def conversion(x):
    a, b, c = x
    return (
        81.09 + 1.0284 * a + 4.043 * b + 6.2037 * c - 1.8366 * a**2 + 2.9382 * b**2 - 5.1915 * c**2 + 2.2150 * a * b
        + 11.375 * a * c - 3.875 * b * c
    )  # fmt: skip


def activity(x):
    a, b, c = x
    return (
        59.85 + 3.583 * a + 0.2546 * b + 2.2298 * c + 0.83479 * a**2 + 0.07484 * b**2 + 0.05716 * c**2
        - 0.3875 * a * b - 0.375 * a * c + 0.3125 * b * c
    )  # fmt: skip


@pytest.fixture(scope="module")
def reactor():
    """Exact runs of the two published surfaces, so that the fits are those surfaces."""
    design = full_factorial({"x1": (-A, A), "x2": (-A, A), "x3": (-A, A)}, levels=3, rng=1)
    x = [design.natural(n) for n in design.names]
    return [
        fit(design, conversion(x), model="quadratic", name="conv"),
        fit(design, activity(x), model="quadratic", name="act"),
    ]


GOALS = {"conv": {"kind": "max", "low": 80, "high": 97}, "act": {"low": 55, "target": 57.5, "high": 60}}


def test_the_optimum_of_the_reactor_is_that_of_r(reactor):
    # case des-conversion: Nelder-Mead from 125 starts on the cube |x| <= 1.682
    found = optimize(reactor, goals=GOALS, rng=1)
    assert found.desirability == pytest.approx(0.9425094070839517, abs=1e-7)
    assert found.coded * A == pytest.approx([-0.5116963324, 1.682, -0.5863998333], abs=1e-3)
    assert found.predicted == pytest.approx([95.1015077, 57.5], abs=1e-3)
    assert found.feasible
    assert found.found > 0.5
    assert found.grid_best <= found.desirability
    assert found.desirability == pytest.approx(np.sqrt(found.each[0] * found.each[1]))


def test_infeasible_limits_give_the_closest_setting_and_what_is_missed(reactor):
    found = optimize(reactor, goals={"conv": {"kind": "max", "low": 100, "high": 120}, "act": (Spec(upper=50))}, rng=1)
    assert not found.feasible
    assert found.desirability == 0.0
    assert "infeasible" in [n.code for n in found.notes]
    # plain loop over a grid of 41 levels: nothing misses less
    axis = np.linspace(-A, A, 41)
    x = np.array(list(itertools.product(axis, axis, axis))).T
    conv, act = conversion(x), activity(x)
    spread = [np.ptp(conversion(x)), np.ptp(activity(x))]
    total = np.maximum(100 - conv, 0) / spread[0] + np.maximum(act - 50, 0) / spread[1]
    assert found.violation <= total.min() * (1 + 1e-3)
    assert found.missed == pytest.approx([max(100 - found.predicted[0], 0), found.predicted[1] - 50])


def test_constraints_hold_and_beat_a_fine_grid(reactor):
    found = optimize(reactor, goals=GOALS, constraints=["x1 + x2 <= 0.7", "x3 >= 0.2"], rng=1)
    x = found.coded * A
    assert x[0] + x[1] <= 0.7 + 1e-7
    assert x[2] >= 0.2 - 1e-7
    axis = np.linspace(-A, A, 61)
    g = np.array(list(itertools.product(axis, axis, axis))).T
    g = g[:, (g[0] + g[1] <= 0.7) & (g[2] >= 0.2)]
    conv = np.clip((conversion(g) - 80) / 17, 0, 1)
    act = np.clip(1 - np.abs(activity(g) - 57.5) / 2.5, 0, 1)
    assert found.desirability >= np.sqrt(conv * act).max()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 3), st.booleans())
def test_the_optimum_is_never_below_any_setting_tried(seed, k, text):
    """Random quadratics with a target, a maximum and a limit, beside a factor of text."""
    rng = np.random.default_rng(seed)
    factors = {f"x{j}": (0.0, 10.0) for j in range(k)} | ({"glue": ["A", "B", "C"]} if text else {})
    design = full_factorial(factors, levels={f"x{j}": 3 for j in range(k)}, replicates=2, rng=1)
    fits = [fit(design, rng.normal(10, 3, len(design)), model="quadratic", name=n) for n in "abc"]
    goals = {"a": "max", "b": ("target", 10.0), "c": {"limits": (5.0, None)}}
    found = optimize(fits, goals=goals, rng=seed)
    n = 3000
    trial = {f"x{j}": rng.uniform(0, 10, n) for j in range(k)} | ({"glue": rng.choice(list("ABC"), n)} if text else {})
    y = np.column_stack([f.predict(trial).mean for f in fits])
    d = np.column_stack([g.value(y[:, i]) for i, g in enumerate(found.goals)])
    assert found.desirability >= overall(d, found.goals).max() - 1e-6
    natural = {name: [value] for name, value in found.settings.items()}
    assert [f.predict(natural).mean[0] for f in fits] == pytest.approx(found.predicted, rel=1e-9)


def test_ends_not_said_are_what_the_region_can_give(reactor):
    found = optimize(reactor, goals={"conv": "max"}, rng=1)
    assert found.desirability == pytest.approx(1.0)
    axis = np.linspace(-A, A, 31)
    x = np.array(list(itertools.product(axis, axis, axis))).T
    assert found.predicted[0] >= conversion(x).max() - 1e-9
    assert found.goals[0].low == pytest.approx(conversion(x).min(), rel=1e-3)


def test_levels_are_gone_through_and_counts_keep_their_link():
    factors = [Factor("speed", levels=[1, 2, 4]), Factor("glue", levels=["A", "B"]), Factor("heat", 100, 200)]
    design = full_factorial(factors, levels={"heat": 2}, replicates=3, rng=1)
    speed, glue, heat = design.natural("speed"), design.natural("glue") == "B", design.coded[:, 2]
    rng = np.random.default_rng(5)
    flaws = rng.poisson(np.exp(1.0 + 0.4 * (speed - 2) - 1.0 * glue + 0.5 * heat))
    time = 10 / speed + glue + rng.normal(0, 0.1, len(design))
    model = "speed + glue + heat"
    fits = {
        "flaws": fit(design, flaws, model=model, distribution="poisson"),
        "time": fit(design, time, model="speed + speed^2 + glue + heat"),
    }
    goals = {"flaws": {"kind": "min", "low": 0, "high": 4}, "time": {"kind": "min", "low": 2, "high": 12}}
    found = optimize(fits, goals=goals, rng=2)
    best = max(
        (
            overall(np.column_stack([g.value(fits[g.response].predict(at).mean) for g in found.goals]), found.goals)[0],
            s, g_, h,
        )
        for s in (1, 2, 4) for g_ in "AB" for h in np.linspace(100, 200, 21)
        for at in [{"speed": s, "glue": g_, "heat": h}]
    )  # fmt: skip
    assert (found.settings["speed"], found.settings["glue"]) == best[1:3]
    assert found.desirability >= best[0] - 1e-12
    assert found.new_run[0] is None
    assert found.interval.low[0] > 0.0
    held = optimize(fits, goals=goals, at={"glue": "A", "heat": 150}, rng=2)
    assert (held.settings["glue"], held.settings["heat"]) == ("A", 150.0)
    assert held.desirability <= found.desirability


def test_lognormal_means_are_means():
    design = full_factorial({"x": (0, 1)}, replicates=6, rng=1)
    y = np.exp(np.random.default_rng(3).normal(1 + design.coded[:, 0], 0.8))
    f = fit(design, y, distribution="lognormal", name="y")
    found = optimize(f, goals={"y": "max"}, rng=1)
    assert found.predicted[0] == pytest.approx(math.exp(f.estimate.sum() + f.sigma**2 / 2))


def test_shares_of_a_mixture_keep_their_sum():
    design = mixture(["a", "b", "c"], degree=2, rng=1)
    x = design.coded
    y = 10 * x[:, 0] + 8 * x[:, 1] + 4 * x[:, 2] + 20 * x[:, 0] * x[:, 1]
    f = fit(design, y, model="quadratic", name="y")
    found = optimize(f, goals={"y": "max"}, rng=1)
    # 10 a + 8 (1 - a) + 20 a (1 - a) is largest at a = 22/40
    assert found.coded == pytest.approx([0.55, 0.45, 0.0], abs=1e-4)


def test_noise_factors_stand_at_their_middle():
    factors = [Factor("x", 0, 1), Factor("humidity", 20, 80, noise=True)]
    design = full_factorial(factors, replicates=2, rng=1)
    f = fit(design, [1, 3, 2, 4, 1.1, 3.1, 2.2, 4.1], name="y")
    found = optimize(f, goals={"y": "max"}, rng=1)
    assert found.settings["humidity"] == 50.0
    assert "noise-held" in [n.code for n in found.notes]


def test_without_error_df_the_intervals_are_infinite_and_told():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, rng=1)
    f = fit(design, [1, 2, 3, 5], model="interactions", name="y")
    found = optimize(f, goals={"y": "max"}, rng=1)
    assert found.interval.low[0] == -math.inf
    assert "no-error-df" in [n.code for n in found.notes]
    assert "nan" not in str(found)


def test_a_large_offset_changes_nothing():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, levels=3, rng=1)
    y = np.array([1, 2, 3, 5, 4, 3, 2, 2, 1.0])
    plain = fit(design, y, model="quadratic", name="y")
    near = optimize(plain, goals={"y": "max"}, rng=1)
    far = optimize(fit(design, y + 2.0**40, model="quadratic", name="y"), goals={"y": "max"}, rng=1)
    # 1e12 leaves three decimals of the response, and the top is flat
    assert plain.predict(dict(far.settings)).mean[0] == pytest.approx(near.predicted[0], abs=2e-3)


def test_the_same_seed_gives_the_same_setting(reactor):
    first, second = (optimize(reactor, goals=GOALS, rng=7) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert first.seed == 7


def test_a_plateau_is_told(reactor):
    found = optimize(reactor, goals={"conv": {"kind": "max", "low": 0, "high": 50}}, rng=1)
    assert found.desirability == 1.0
    assert "plateau" in [n.code for n in found.notes]


@pytest.mark.parametrize(
    ("goals", "match"),
    [
        ({"nothing": "max"}, "no response"),
        ({}, "direction"),
        ("max", "mapping"),
        ({"conv": "up"}, "kind"),
        ({"conv": {"low": 1}}, "direction"),
        ({"conv": {"kind": "max", "weight": 1}}, "unknown"),
        ({"conv": {"kind": "max", "low": 5, "high": 5}}, "not below"),
        ({"conv": {"kind": "max", "shape": 0}}, "shape"),
        ({"conv": {"kind": "max", "limits": (3, 1)}}, "not below"),
        ({"conv": {"kind": "max", "target": 3}}, "target"),
        ({"conv": math.nan}, "goals"),
    ],
)
def test_wrong_goals_are_named(reactor, goals, match):
    with pytest.raises(DataError, match=match):
        optimize(reactor, goals=goals)


def test_wrong_arguments_are_named(reactor):
    with pytest.raises(DataError, match="outside its range"):
        optimize(reactor, goals=GOALS, at={"x1": 3})
    with pytest.raises(DataError, match="no factor"):
        optimize(reactor, goals=GOALS, at={"x9": 3})
    with pytest.raises(DataError, match="starts"):
        optimize(reactor, goals=GOALS, starts=0)
    with pytest.raises(DesignError, match="constraints"):
        optimize(reactor, goals=GOALS, constraints="x1 + x2 >= 9")
    with pytest.raises(DataError, match="fits"):
        optimize([3], goals=GOALS)
    corners = full_factorial({"a": (0, 1)}, rng=1)
    with pytest.raises(DataError, match="leave terms out"):
        optimize(fit(corners, [1, 2], distribution="lognormal", name="y"), goals={"y": "max"})
    constant = fit(reactor[0].design, np.full(27, 3.0), model="linear", name="y")
    with pytest.raises(DataError, match="low= and high="):
        optimize(constant, goals={"y": "max"})


def test_goals_are_taken_in_every_form():
    forms = {
        "a": "min", "b": ("target", 3), "c": Spec(1, 2), "d": {"kind": "max", "importance": 2},
        "e": Goal("e", "max"), "f": Desirability("f", "min", 0, 1),
    }  # fmt: skip
    found = as_desirabilities(forms, list("abcdef"))
    assert [g.kind for g in found] == ["min", "target", "limit", "max", "max", "min"]
    assert found[2].limits == (1.0, 2.0)


def test_augmented_and_constrained_designs_work_with_levels_in_rules():
    factors = [Factor("heat", 100, 200), Factor("glue", levels=["A", "B"])]
    design = optimal(factors, runs=10, model="interactions", starts=16, rng=1)
    y = design.natural("heat") / 10 + 3.0 * (design.natural("glue") == "B")
    f = fit(design, y + np.tile([0.1, -0.1], 5), model="interactions", name="y")
    found = optimize(f, goals={"y": "max"}, constraints="if glue == 'B' then heat <= 110", rng=1)
    assert (found.settings["glue"], found.settings["heat"]) == ("A", 200.0)


def test_a_pair_of_numbers_is_a_limit() -> None:
    for pair in ((24.0, None), [None, 7.5], Spec(24.0, 30.0)):
        (wanted, _) = as_desirabilities({"y": pair, "z": "min"}, ["y", "z"])
        assert wanted.kind == "limit"
    assert as_desirabilities({"y": (24.0, None), "z": "min"}, ["y", "z"])[0].limits == (24.0, None)
    with pytest.raises(DataError, match="limits"):
        as_desirabilities({"y": ("much", 3), "z": "min"}, ["y", "z"])


def test_a_best_setting_on_its_limit_is_possible() -> None:
    design = full_factorial({"speed": (10, 20), "heat": (150, 190)}, replicates=2, rng=1)
    rng = np.random.default_rng(5)
    for _ in range(20):
        time = fit(design, 9.0 - 2.0 * design.column("speed") + 0.1 * rng.normal(size=8), name="time")
        strength = fit(
            design, 24.1 - design.column("speed") + design.column("heat") + rng.normal(size=8), name="strength"
        )
        best = optimize([time, strength], goals={"time": "min", "strength": (24.3, None)}, rng=0)
        assert best.feasible and best.desirability >= best.grid_best > 0.0
        assert best.missed.max() == 0.0
