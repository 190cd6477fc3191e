"""Sample sizes against scipy's noncentral t, judgement against scipy's t tests, storing, hand-over to verification."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import VerificationPlan
from qstats.doe import full_factorial
from qstats.doe.confirming.compatible import check_prediction
from qstats.doe.confirming.criterion import Criterion
from qstats.doe.confirming.door import confirm
from qstats.doe.confirming.plan import ConfirmationPlan
from qstats.doe.fitting.door import fit
from qstats.errors import DataError, TooFewData

BOTH = {
    "time": {"kind": "faster", "by": 1, "expected": 3, "sd": 2},
    "ppm": {"kind": "not worse", "better": "lower", "delta": 40, "sd": 30},
}


def scipy_power(gap, sd, n, alpha=0.05, fixed=False):
    df, se = (n - 1, sd / math.sqrt(n)) if fixed else (2 * n - 2, sd * math.sqrt(2 / n))
    return stats.nct.sf(stats.t.ppf(1 - alpha, df), df, gap / se)


def test_power_of_each_is_that_of_the_noncentral_t_and_n_is_the_fewest():
    plan = confirm(BOTH, rng=1)
    want = [scipy_power(2, 2, plan.runs), scipy_power(40, 30, plan.runs)]
    assert plan.power_each == pytest.approx(want, rel=1e-9)
    assert plan.power == pytest.approx(sum(want) - 1, rel=1e-9)
    assert plan.power >= 0.9
    before = [scipy_power(2, 2, plan.runs - 1), scipy_power(40, 30, plan.runs - 1)]
    assert sum(before) - 1 < 0.9
    assert plan.power_independent == pytest.approx(want[0] * want[1])
    assert plan.total_runs == 2 * plan.runs == len(plan.order)
    assert plan.order.count("new") == plan.runs


def test_a_published_sample_size():
    # G*Power 3.1, two independent means: one-sided, d = 0.5, alpha .05, power .95: 88 a group
    plan = confirm({"y": {"kind": "higher", "expected": 0.5, "sd": 1}}, power=0.95, rng=1)
    assert plan.runs == 88


def test_a_fixed_reference_is_a_one_sample_test():
    plan = confirm({"y": {"kind": "higher", "reference": 50, "expected": 4, "sd": 3}}, rng=1)
    assert plan.total_runs == plan.runs
    assert plan.power == pytest.approx(scipy_power(4, 3, plan.runs, fixed=True), rel=1e-9)
    assert scipy_power(4, 3, plan.runs - 1, fixed=True) < 0.9
    y = [53.1, 55.0, 49.9, 54.2, 56.0, 52.2, 53.3]
    got = plan.judge({"y": y})
    want = stats.ttest_1samp(y, 50, alternative="greater")
    assert got.pvalue[0] == pytest.approx(want.pvalue, rel=1e-10)
    assert got.interval.low[0] == pytest.approx(want.confidence_interval(0.95).low - 50, rel=1e-10)


def test_given_runs_tell_the_power_they_have():
    plan = confirm(BOTH, runs=5, rng=1)
    assert plan.runs == 5
    assert plan.power < 0.9
    assert "power-low" in [n.code for n in plan.notes]


@pytest.mark.parametrize("rho", [-0.8, 0.0, 0.9])
def test_simulated_joint_power_lies_between_its_bounds_and_meets_plain_simulation(rho):
    plan = confirm(BOTH, runs=12, correlation=rho, draws=40_000, rng=1)
    each = plan.power_each
    assert each.sum() - 1 - 0.01 <= plan.power <= each.min() + 0.01
    if rho == 0.0:
        assert plan.power == pytest.approx(each.prod(), abs=0.01)
    # plain loop: data drawn, t tests by scipy
    rng = np.random.default_rng(9)
    noise = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=(2, 4000, 12))
    new = noise[0] * [2, 30] + [-3, 0]
    old = noise[1] * [2, 30]
    p = [stats.ttest_ind(old[..., j], new[..., j] + s, axis=1, alternative="greater").pvalue
         for j, s in ((0, 1), (1, -40))]  # fmt: skip
    share = ((p[0] < 0.05) & (p[1] < 0.05)).mean()
    assert plan.power == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 4000) + 0.005)


def test_a_correlation_spares_runs_or_costs_none():
    assert confirm(BOTH, correlation=0.9, rng=1).runs <= confirm(BOTH, rng=1).runs
    # better in opposite directions: a positive correlation of what is measured is a negative one of improvements
    other = {**BOTH, "ppm": {**BOTH["ppm"], "better": "higher"}}
    assert confirm(other, correlation=0.9, rng=1).correlation[0][1] == -0.9


def test_few_runs_and_many_responses_still_simulate():
    many = {f"y{i}": {"kind": "higher", "expected": 5, "sd": 1} for i in range(4)}
    plan = confirm(many, runs=2, correlation=0.5, rng=1)  # 2 degrees of freedom, 4 responses
    assert 0.0 < plan.power < 1.0
    assert plan.power == pytest.approx(confirm(many, runs=2, correlation=0.5, rng=2).power, abs=0.03)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31), st.integers(2, 12), st.integers(2, 12), st.sampled_from(["lower", "higher"]),
    st.sampled_from(["better", "not worse"]), st.sampled_from([0.0, 1e6, 1e12]),
)  # fmt: skip
def test_judgement_is_the_t_test_and_interval_and_p_agree(seed, n, m, better, kind, offset):
    rng = np.random.default_rng(seed)
    margin = "by" if kind == "better" else "delta"
    plan = confirm({"y": {"kind": kind, "better": better, margin: 0.5, "expected": 1, "sd": 1}}, runs=5, rng=1)
    new, old = (np.round(rng.normal(0, 1, k) * 1024) / 1024 + offset for k in (n, m))
    got = plan.judge({"y": new}, {"y": old})
    sign = -1 if better == "lower" else 1
    threshold = 0.5 if kind == "better" else -0.5
    want = stats.ttest_ind(sign * (new - offset), sign * (old - offset) + threshold, alternative="greater")
    assert got.pvalue[0] == pytest.approx(want.pvalue, rel=1e-6, abs=1e-12)
    assert got.passed == bool(want.pvalue < 0.05)
    assert got.passed == bool(got.interval.low[0] > threshold)


def test_all_must_pass():
    plan = confirm(BOTH, rng=1)
    good = {"time": np.linspace(5, 7, plan.runs), "ppm": np.linspace(90, 130, plan.runs)}
    today = {"time": np.linspace(9, 11, plan.runs), "ppm": np.linspace(90, 130, plan.runs)}
    assert plan.judge(good, today).passed
    got = plan.judge({**good, "ppm": good["ppm"] + 60}, today)
    assert got.each.tolist() == [True, False]
    assert not got.passed
    assert "not confirmed" in str(got)
    frames = plan.judge(pd.DataFrame(good), pd.DataFrame(today))
    assert frames.to_dict() == plan.judge(good, today).to_dict()


def test_missing_and_fewer_and_constant_results_are_told():
    plan = confirm({"y": {"kind": "higher", "expected": 2, "sd": 1}}, rng=1)
    got = plan.judge({"y": [2.0, 2.0, math.nan]}, {"y": [1.0, 1.0]})
    assert {n.code for n in got.notes} == {"missing-dropped", "fewer-runs", "results-constant"}
    assert got.pvalue[0] == 0.0
    assert plan.judge({"y": [1.0, 1.0]}, {"y": [1.0, 1.0]}).passed is False
    more = plan.judge({"y": np.arange(20.0)}, {"y": np.arange(20.0)})
    assert "more-runs" in [n.code for n in more.notes]


def test_a_plan_is_stored_and_read_with_its_hash():
    plan = confirm(BOTH, correlation=0.3, settings={"heat": 170}, today={"heat": 160}, rng=4)
    again = ConfirmationPlan.from_dict(json.loads(plan.to_json()))
    assert again.to_dict() == plan.to_dict()
    assert again.hash == plan.hash
    assert confirm(BOTH, correlation=0.3, settings={"heat": 171}, today={"heat": 160}, rng=4).hash != plan.hash
    assert plan.judge({"time": [1, 2], "ppm": [3, 4]}, {"time": [1, 2], "ppm": [3, 4]}).plan == plan.hash
    with pytest.raises(DataError, match="stored plan"):
        ConfirmationPlan.from_dict({"schema": ConfirmationPlan.schema})
    assert "time" in plan.rule
    assert "ppm" in plan.rule


def test_it_hands_over_to_the_verification_of_the_improvement():
    plan = confirm(BOTH, rng=1)
    held = plan.as_plan(
        question="Faster, and no more flaws?", action_date="2026-01-01", baseline=("2025-01-01", "2025-12-31"),
        horizon="2026-06-30",
    )  # fmt: skip
    made = VerificationPlan.from_dict(held)
    assert made.metric.name == "time"
    assert made.target == -3.0
    assert made.guardrails[0].limit == 40.0
    assert made.alpha == 0.1
    only = confirm({"ppm": BOTH["ppm"]}, rng=1)
    with pytest.raises(DataError, match="improvement"):
        only.as_plan(
            question="?", action_date="2026-01-01", baseline=("2025-01-01", "2025-12-31"), horizon="2026-06-30"
        )


@pytest.fixture(scope="module")
def oven():
    design = full_factorial({"heat": (150, 190), "time": (10, 20)}, replicates=3, rng=1)
    rng = np.random.default_rng(2)
    y = 50 + 4 * design.coded[:, 0] + 2 * design.coded[:, 1] + rng.normal(0, 1, len(design))
    return fit(design, y, model="linear", name="strength")


def test_a_fit_tells_sd_and_expected_improvement(oven):
    new, today = {"heat": 190, "time": 20}, {"heat": 170, "time": 15}
    plan = confirm({"strength": {"kind": "higher", "fit": oven}}, settings=new, today=today, rng=1)
    c = plan.criteria[0]
    assert c.sd == oven.sigma
    assert c.expected == pytest.approx(float(oven.estimate[1] + oven.estimate[2]))
    # upper 80 % limit of the standard deviation
    wide = oven.sigma * math.sqrt(9 / stats.chi2.ppf(0.2, 9))
    n = plan.cautious_runs
    assert scipy_power(c.expected, wide, n) >= 0.9
    assert n == 2 or scipy_power(c.expected, wide, n - 1) < 0.9


def test_prediction_check_is_the_prediction_interval_of_a_mean(oven):
    at = {"heat": 180, "time": 12}
    y = [52.0, 51.1, 50.6]
    got = check_prediction(oven, at, {"strength": y})
    x = np.array([1, 0.5, -0.6])
    design = np.column_stack([np.ones(12), oven.design.coded])
    center = x @ np.linalg.lstsq(design, np.asarray(oven.y), rcond=None)[0]
    se = oven.sigma * math.sqrt(x @ np.linalg.inv(design.T @ design) @ x + 1 / 3)
    half = stats.t.ppf(0.975, 9) * se
    assert (got.interval.low[0], got.interval.high[0]) == pytest.approx((center - half, center + half))
    assert got.pvalue[0] == pytest.approx(2 * stats.t.sf(abs(np.mean(y) - center) / se, 9))
    one = check_prediction(oven, at, {"strength": [y[0]]})
    run = oven.predict(at).new_run
    assert (one.interval.low[0], one.interval.high[0]) == pytest.approx((run.low[0], run.high[0]))


@settings(max_examples=40, deadline=None)
@given(st.floats(-8, 8), st.sampled_from([0.8, 0.95, 0.99]))
def test_prediction_check_p_and_interval_invert_each_other(oven, shift, confidence):
    two = {"a": oven, "b": oven}
    at = {"heat": 170, "time": 15}
    mean = float(oven.predict(at).mean[0])
    got = check_prediction(two, at, {"a": [mean + shift], "b": [mean]}, confidence=confidence)
    assert got.compatible == (got.pvalue[0] > 1 - confidence)
    assert got.each.tolist() == [got.pvalue[0] > 1 - confidence, True]


def test_prediction_check_of_lognormal_and_saturated_and_refused(oven):
    y = np.exp(np.asarray(oven.y) / 10)
    log = fit(oven.design, y, model="linear", distribution="lognormal", name="life")
    at = {"heat": 170, "time": 15}
    got = check_prediction(log, at, {"life": [140.0, 150.0]})
    plain = check_prediction(
        fit(oven.design, np.log(y), model="linear", name="x"), at, {"x": np.log([140.0, 150.0])}
    )  # fmt: skip
    assert got.interval.low[0] == pytest.approx(math.exp(plain.interval.low[0]))
    assert got.pvalue == pytest.approx(plain.pvalue)
    design = full_factorial({"heat": (150, 190)}, rng=1)
    full = check_prediction(fit(design, [1, 2], name="y"), {"heat": 170}, {"y": [9.0]})
    assert full.compatible
    assert full.notes[0].code == "no-error-df"
    counts = fit(oven.design, np.arange(12), model="linear", distribution="poisson", name="y")
    with pytest.raises(DataError, match="poisson"):
        check_prediction(counts, at, {"y": [3]})
    with pytest.raises(TooFewData):
        check_prediction(oven, at, {"strength": [math.nan]})
    with pytest.raises(DataError, match="results"):
        check_prediction(oven, at, {"other": [1]})


@pytest.mark.parametrize(
    ("responses", "match"),
    [
        ({}, "mapping"),
        ([1], "mapping"),
        ({"y": {"kind": "better", "expected": 1, "sd": 1}}, "better= is missing"),
        ({"y": {"kind": "faster", "better": "higher", "expected": 1, "sd": 1}}, "says"),
        ({"y": {"kind": "faster", "expected": 1}}, "sd= is missing"),
        ({"y": {"kind": "faster", "sd": 1}}, "expected= is missing"),
        ({"y": {"kind": "faster", "by": 2, "expected": 2, "sd": 1}}, "no number of runs"),
        ({"y": {"kind": "not worse", "better": "lower", "sd": 1}}, "delta= is missing"),
        ({"y": {"kind": "not worse", "better": "lower", "by": 1, "delta": 1, "sd": 1}}, "other kind"),
        ({"y": {"kind": "faster", "expected": 1, "sd": 0}}, "sd"),
        ({"y": {"kind": "faster", "expected": math.nan, "sd": 1}}, "expected"),
        ({"y": {"kind": "faster", "expected": 1, "sd": 1, "n": 3}}, "unknown"),
        ({"y": {"kind": "faster", "expected": 1e-9, "sd": 1}}, "not enough"),
    ],
)
def test_wrong_criteria_are_named(responses, match):
    with pytest.raises(DataError, match=match):
        confirm(responses)


def test_wrong_arguments_and_results_are_named():
    with pytest.raises(DataError, match="correlation"):
        confirm(BOTH, correlation=1.5)
    mixed = {**BOTH, "ppm": {**BOTH["ppm"], "reference": 100}}
    with pytest.raises(DataError, match="fixed reference"):
        confirm(mixed, correlation=0.5)
    with pytest.raises(DataError, match="power"):
        confirm(BOTH, power=0.01)
    with pytest.raises(DataError, match="runs"):
        confirm(BOTH, runs=1)
    plan = confirm(BOTH, rng=1)
    with pytest.raises(DataError, match="control"):
        plan.judge({"time": [1, 2], "ppm": [1, 2]})
    with pytest.raises(DataError, match="no results of 'ppm'"):
        plan.judge({"time": [1, 2]}, {"time": [1, 2]})
    with pytest.raises(TooFewData):
        plan.judge({"time": [1], "ppm": [1, 2]}, {"time": [1, 2], "ppm": [1, 2]})
    fixed = confirm({"y": {"kind": "higher", "reference": 1, "expected": 1, "sd": 1}}, rng=1)
    with pytest.raises(DataError, match="leave it out"):
        fixed.judge({"y": [1, 2]}, {"y": [1, 2]})
    judged = confirm(mixed, rng=1).judge({"time": [1, 2.0], "ppm": [90, 100]}, {"time": [4, 5.0]})
    assert judged.n_control.tolist() == [2, 0]
    assert Criterion("y", "better", "lower", 0, 1, 1).gap == 1
