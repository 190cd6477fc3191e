"""Every rule on an experiment where it fires and one where it does not; every call it gives runs."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import qstats.doe
from qstats.doe import Factor, central_composite, fractional_factorial, full_factorial
from qstats.doe.advice.door import next_step
from qstats.doe.advice.trust import runs_for
from qstats.doe.confirming.door import confirm
from qstats.doe.design import Design, make_design
from qstats.doe.desirability.door import optimize
from qstats.doe.factor import as_factors
from qstats.doe.fitting.door import fit
from qstats.doe.surface.door import steepest_ascent
from qstats.errors import DataError

DOE = SimpleNamespace(
    **{name: getattr(qstats.doe, name) for name in qstats.doe.__all__ if name not in ("optimize", "confirm")},
    optimize=optimize, confirm=confirm,
)  # fmt: skip
DOE.steepest_ascent = steepest_ascent


def run(advice, fits, goals=None):
    """What every call of the advice gives."""
    single = not isinstance(fits, dict)
    names = {"doe": DOE, "fit" if single else "fits": fits, "goals": goals}
    return {s.code: eval(s.how, dict(names)) for s in advice.steps}  # noqa: S307


def step(advice, code):
    return next(s for s in advice.steps if s.code == code)


def nist_first():
    """NIST e-Handbook 5.5.3.1.2, first experiment: 2^2 and 5 centre points, no curvature (t -.384, p .72)."""
    x = [[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5]
    y = [32.79, 24.07, 48.94, 52.49, 38.89, 48.29, 29.68, 46.5, 44.15]
    return fit(make_design("2^2", as_factors({"x1": (30, 40), "x2": (150, 160)}), x, rng=1), y, model="linear")


def nist_second():
    """Second experiment: curvature t -2.787 on 4 df, p .0494."""
    x = [[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5]
    y = [64.33, 51.78, 77.3, 45.37, 62.08, 79.36, 75.29, 73.81, 69.45]
    return fit(make_design("2^2", as_factors({"x1": (30, 40), "x2": (150, 160)}), x, rng=1), y, model="linear")


def nist_ccd():
    """The central composite: a maximum inside at (-.928, .347)."""
    a = 1.414
    x = [[-1, -1], [1, -1], [-1, 1], [1, 1], [-a, 0], [a, 0], [0, -a], [0, a], *[[0, 0]] * 5]
    y = [64.33, 51.78, 77.3, 45.37, 72.58, 37.42, 54.63, 54.18, 62.08, 79.36, 75.29, 73.81, 69.45]
    return fit(make_design("CCD", as_factors({"x1": (30, 40), "x2": (150, 160)}), x, rng=1), y, model="quadratic")


def test_curvature_asks_for_star_runs_and_only_where_there_is_some():
    found = next_step(nist_second())
    s = step(found, "curvature")
    assert "0.0494" in s.why
    design = run(found, nist_second())["curvature"]
    assert isinstance(design, Design)
    assert len(design) - 9 == s.runs
    # the squares can now be estimated
    x = np.column_stack([np.ones(len(design)), design.coded, design.coded**2, design.coded.prod(axis=1)])
    assert np.linalg.matrix_rank(x) == 6
    assert "curvature" not in next_step(nist_first()).codes


def test_a_plane_is_climbed_and_a_bent_one_is_not():
    x = [[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5]
    # Box and Wilson's first order example as in Montgomery: time and temperature, yield
    y = [39.3, 40.9, 40.0, 41.5, 40.3, 40.5, 40.7, 40.2, 40.6]
    f = fit(make_design("2^2", as_factors({"time": (30, 40), "heat": (150, 160)}), x, rng=1), y, model="linear")
    found = next_step(f)
    assert "time" in step(found, "climb").why
    assert run(found, f)["climb"].predicted[-1] > f.estimate[0]
    assert "climb" not in next_step(nist_second()).codes


def test_an_optimum_inside_is_confirmed_and_one_outside_is_walked_to():
    found = next_step(nist_ccd())
    s = step(found, "optimum-inside")
    assert s.urgency == 5
    assert "77.58" in s.why or "77.59" in s.why  # ys 77.58915 in the handbook
    assert 3 <= s.runs <= 10
    assert run(found, nist_ccd())["optimum-inside"].mean[0] == pytest.approx(77.58915, abs=1e-3)
    design = central_composite({"a": (0, 1), "b": (0, 1)}, rng=1)
    c = design.coded
    noise = np.random.default_rng(1).normal(0, 0.2, len(design))
    y = 50 - (c[:, 0] - 3) ** 2 - 2 * (c[:, 1] + 0.5) ** 2 + noise
    far = fit(design, y, model="quadratic", name="yield")
    found = next_step(far)
    assert "stationary-outside" in found.codes
    assert "optimum-inside" not in found.codes
    path = run(found, far)["stationary-outside"]
    assert path.coded[-1, 0] > 1.0  # towards a = 3
    saddle = fit(design, 50 - 3 * c[:, 0] ** 2 + 3 * c[:, 1] ** 2 + noise, model="quadratic", name="y")
    assert "no-optimum-inside" in next_step(saddle).codes


def test_a_minimum_outside_is_walked_down_to():
    design = central_composite({"a": (0, 1), "b": (0, 1)}, rng=1)
    c = design.coded
    y = (c[:, 0] - 3) ** 2 + (c[:, 1] + 0.5) ** 2 + np.random.default_rng(1).normal(0, 0.1, len(design))
    f = fit(design, y, model="quadratic", name="y")
    path = run(next_step(f), f)["stationary-outside"]
    assert path.predicted[-1] < path.predicted[0]


def test_missing_runs_are_repeated():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=2, rng=1)
    y = [1.0, 2.0, 3.0, 5.1, 1.1, math.nan, 3.2, 5.0]
    f = fit(design, y, model="linear", name="y")
    found = next_step(f)
    assert found.codes[0] == "missing"
    assert found.steps[0].runs == 1
    assert run(found, f)["missing"].index.tolist() == [5]
    assert "missing" not in next_step(fit(design, [1, 2, 3, 5.1, 1.1, 2.1, 3.2, 5], model="linear")).codes


def test_an_outlier_is_looked_at():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=4, rng=1)
    y = 10 + 2 * design.coded[:, 0] + np.random.default_rng(4).normal(0, 0.1, 16)
    calm = fit(design, y, model="linear", name="y")
    assert "outlier" not in next_step(calm).codes
    wild = y.copy()
    wild[6] += 3
    f = fit(design, wild, model="linear", name="y")
    assert "run 7" in step(next_step(f), "outlier").what
    assert run(next_step(f), f)["outlier"].index.tolist() == [6]


def test_drift_in_run_order_is_found():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=6, rng=3)
    rng = np.random.default_rng(4)
    y = 10 + 2 * design.coded[:, 0] + rng.normal(0, 0.3, 24)
    assert "drift" not in next_step(fit(design, y, model="linear", name="y")).codes
    late = np.empty(24)
    late[design.run_order] = np.arange(24)
    f = fit(design, y + 0.15 * late, model="linear", name="y")
    found = next_step(f)
    assert found.steps[0].code == "drift"
    assert (
        "0.15" in step(found, "drift").why or "0.14" in step(found, "drift").why or "0.16" in step(found, "drift").why
    )
    again = run(found, f)["drift"]
    assert len(again) == 48
    fixed = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=6, randomize=False)
    g = fit(fixed, 10 + rng.normal(0, 0.3, 24) + 0.15 * np.arange(24), model="linear", name="y")
    assert "not in random order" in step(next_step(g), "drift").why


def test_a_saturated_model_gets_centre_points_and_an_error_free_of_misfit():
    design = full_factorial({"a": (10, 20), "b": (0, 1), "c": (0, 1)}, rng=1)
    # NIST 5.5.9.9 (springs): A and AC stand out by Lenth's method
    f = fit(design, [67, 79, 61, 75, 59, 90, 52, 87], model=["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"], name="y")
    found = next_step(f)
    s = step(found, "saturated")
    assert "Lenth" in s.why
    assert "a, a:c" in s.why
    settings = run(found, f)["saturated"]
    assert settings["a"] == [15.0] * 4
    assert s.runs == 4
    free = fit(design, [67, 79, 61, 75, 59, 90, 52, 87], model="linear", name="y")
    assert "saturated" not in next_step(free).codes
    assert "unreplicated" in next_step(free).codes
    assert "unreplicated" not in next_step(nist_first()).codes


def test_goals_wait_until_a_lognormal_mean_exists():
    f = fit(full_factorial({"a": (0, 1)}, rng=1), [1, 2], distribution="lognormal", name="y")
    found = next_step(f, goals={"y": "max"})
    assert found.codes == ("saturated",)
    assert "goals-not-judged" in [n.code for n in found.notes]


def test_chains_of_three_get_runs_for_all_their_members():
    design = fractional_factorial(6, runs=16, rng=1)
    chain = design.coded[:, 0] * design.coded[:, 1]
    y = 20 + 5 * chain + np.random.default_rng(1).normal(0, 0.2, 16)
    f = fit(design, y, model="linear", name="y")
    found = next_step(f)
    more = run(found, f)["aliased"]
    assert len(more) == 16 + step(found, "aliased").runs
    chained = step(found, "aliased").why.split(": ")[1].split("; ")[0].replace("-", "").split(" = ")
    terms = [more.column(t.split(":")[0]) * more.column(t.split(":")[1]) for t in chained]
    x = np.column_stack([np.ones(len(more)), more.coded, *terms, more.block == 2])
    assert np.linalg.matrix_rank(x) == x.shape[1]


def test_text_factors_get_repeats_instead_of_centre_points():
    design = full_factorial({"a": (10, 20), "glue": ["A", "B"]}, rng=1)
    f = fit(design, [1, 2, 3, 5], model="interactions", name="y")
    found = next_step(f)
    assert len(run(found, f)["saturated"]) == 8


def test_aliased_interactions_are_taken_apart():
    design = fractional_factorial(4, runs=8, rng=1)  # D = ABC: AB = CD
    c = design.coded
    noise = np.array([0.1, -0.2, 0.15, -0.1, 0.2, -0.15, 0.05, -0.05])
    y = 20 + 4 * c[:, 0] + 3 * c[:, 1] + 3 * c[:, 0] * c[:, 1] + noise
    f = fit(design, y, model="linear", name="y")
    found = next_step(f)
    s = step(found, "aliased")
    assert "A:B = C:D" in s.why
    folded = run(found, f)["aliased"]
    assert len(folded) - 8 == s.runs
    z = folded.coded
    block = (folded.block == 2).astype(float)
    x = np.column_stack([np.ones(len(folded)), z, z[:, 0] * z[:, 1], z[:, 2] * z[:, 3], block])
    assert np.linalg.matrix_rank(x) == x.shape[1]
    mains = fit(design, 20 + 4 * c[:, 0] + 3 * c[:, 1] + noise, model="linear", name="y")
    assert "aliased" not in next_step(mains).codes


def test_resolution_three_is_folded_on_all_signs():
    design = fractional_factorial(7, runs=8, rng=1)
    y = 20 + 4 * design.coded[:, 0] + np.array([0.1, -0.2, 0.15, -0.1, 0.2, -0.15, 0.05, -0.05])
    f = fit(design, y, model="linear", name="y")
    found = next_step(f)
    assert step(found, "aliased").runs == 8
    assert run(found, f)["aliased"].resolution == 4


def test_lack_of_fit_asks_for_another_scale_or_a_higher_order():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, levels=3, replicates=3, rng=1)
    c, rng = design.coded, np.random.default_rng(6)
    multiplied = np.exp(2 + c[:, 0] + c[:, 1] + rng.normal(0, 0.05, len(design)))
    f = fit(design, multiplied, model="linear", name="y")
    found = next_step(f)
    s = step(found, "lack-of-fit")
    assert "log" in s.what
    assert s.runs == 0
    better = run(found, f)["lack-of-fit"]
    assert better.distribution == "lognormal"
    assert "lack-of-fit" not in next_step(better).codes
    # a square below zero: no power of the response, so the next order
    bowl = 3 * c[:, 0] + 4 * c[:, 1] ** 2 + rng.normal(0, 0.3, len(design)) - 5
    g = fit(design, bowl, model="interactions", name="y")
    found = next_step(g)
    assert "next order" in step(found, "lack-of-fit").what
    assert len(run(found, g)["lack-of-fit"]) == 27 + step(found, "lack-of-fit").runs
    cubic = fit(design, 20 * c[:, 0] * c[:, 1] ** 2 - 5 + rng.normal(0, 0.1, 27), model="quadratic", name="y")
    assert "another kind" in step(next_step(cubic), "lack-of-fit").what


def test_poor_prediction_asks_for_fewer_terms():
    design = full_factorial({"a": (0, 1), "b": (0, 1), "c": (0, 1)}, replicates=2, rng=1)
    rng = np.random.default_rng(8)
    y = 5 * design.coded[:, 0] + rng.normal(0, 1, 16)
    good = fit(design, y, model="linear", name="y")
    assert "poor-prediction" not in next_step(good).codes
    noisy = fit(design, rng.normal(0, 1, 16), model="interactions", name="y")
    assert noisy.r2_predicted < 0
    found = next_step(noisy)
    assert "poor-prediction" in found.codes
    assert run(found, noisy)["poor-prediction"].fit.labels[0] == "1"


def test_nothing_active_tells_how_many_runs_an_effect_needs():
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=2, rng=1)
    y = [10.1, 9.2, 10.4, 9.9, 9.3, 10.2, 9.8, 10.3]
    f = fit(design, y, model="linear", name="y")
    found = next_step(f)
    s = step(found, "nothing-active")

    # two-sided t test at 5 %, noncentrality effect sqrt(n) / (2 sigma), n - 3 degrees of freedom: scipy
    def power(n):
        t = stats.t.ppf(0.975, n - 3)
        delta = 0.5 * math.sqrt(n)
        return stats.nct.sf(t, n - 3, delta) + stats.nct.cdf(-t, n - 3, delta)

    n = runs_for(1.0, 3, 0.05)
    assert power(n) >= 0.9 > power(n - 1)
    assert s.runs == n - 8
    assert len(run(found, f)["nothing-active"]) == n
    large = next_step(f, effect=20 * f.sigma)
    assert step(large, "nothing-active").runs == 0
    assert "nothing-active" not in next_step(nist_second(), alpha=0.2).codes


def test_goals_that_cannot_be_kept_and_goals_that_are_met():
    f = nist_ccd()
    goals = {"response": {"kind": "max", "low": 95, "high": 100}}
    found = next_step(f, goals=goals)
    assert "17.4" in step(found, "unreachable").why  # 95 less 77.589
    assert not run(found, f, goals)["unreachable"].feasible
    goals = {"response": {"kind": "max", "low": 60, "high": 80}}
    found = next_step(f, goals=goals)
    s = step(found, "confirm")
    plan = run(found, f, goals)["confirm"]
    assert plan.runs == s.runs
    assert plan.criteria[0].reference == 60.0
    assert "optimum-inside" not in found.codes
    near = next_step(f, goals={"response": {"kind": "max", "low": 77, "high": 80}})
    assert "assure" in near.codes
    assert "specs={'response': (77.0, None)}" in step(near, "assure").how
    aimed = next_step(f, goals={"response": {"target": 77.5, "low": 77.4, "high": 77.55}})
    assert step(aimed, "confirm").runs > 50  # no direction, so no trade-off: only runs can show it
    free = next_step(f, goals={"response": "max"})
    assert run(free, f)["confirm"].mean[0] == pytest.approx(77.589, abs=1e-2)


def test_several_responses_share_a_step_and_hours_and_budget_are_counted():
    factors = [Factor("x1", 30, 40, run_hours=2.0), Factor("x2", 150, 160)]
    x = [[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5]
    design = make_design("2^2", tuple(factors), x, rng=1)
    y = np.array([64.33, 51.78, 77.3, 45.37, 62.08, 79.36, 75.29, 73.81, 69.45])
    fits = {n: fit(design, k * y, model="linear", name=n) for n, k in (("one", 1.0), ("two", 2.0))}
    found = next_step(fits)
    s = step(found, "curvature")
    assert s.response == ("one", "two")
    assert s.hours == pytest.approx(2.0 * s.runs)
    assert run(found, fits)["curvature"].coded.shape[1] == 2
    poor = next_step(fits, budget=2)
    assert not step(poor, "curvature").affordable
    assert poor.steps[-1].affordable is False
    assert "beyond the budget" in str(poor)
    assert [s.affordable for s in next_step(fits, budget=100).steps] == [True] * len(poor)


def test_where_nothing_is_wrong_goals_are_asked_for():
    design = full_factorial({"glue": ["A", "B"], "tool": ["x", "y"]}, replicates=3, rng=1)
    y = 5 + 2 * (design.coded[:, 0] > 0.5) + np.random.default_rng(3).normal(0, 0.2, 12)
    f = fit(design, y, model="linear", name="y")
    found = next_step(f)
    assert found.codes == ("optimize",)
    assert run(found, f)["optimize"].settings["glue"] == "B"


@pytest.mark.parametrize("distribution", ["poisson", "gamma", "lognormal"])
def test_other_distributions_are_taken(distribution):
    design = full_factorial({"a": (0, 1), "b": (0, 1)}, replicates=3, rng=1)
    y = np.random.default_rng(2).poisson(np.exp(2 + design.coded[:, 0])) + 1
    f = fit(design, y, model="linear", distribution=distribution, name="y")
    run(next_step(f), f)
    dull = fit(design, np.tile([3, 4, 3, 4, 5, 3], 2), model="linear", distribution=distribution, name="y")
    assert "nothing-active" in next_step(dull).codes


def test_order_is_by_urgency_and_storing_works():
    found = next_step(nist_second())
    assert [s.urgency for s in found.steps] == sorted(s.urgency for s in found.steps)
    assert found.to_dict()["steps"][0]["code"] == found.steps[0].code
    assert len(found.to_frame()) == len(found)
    with pytest.raises(DataError, match="budget"):
        next_step(nist_second(), budget=1.5)
    with pytest.raises(DataError, match="fits"):
        next_step(3)
