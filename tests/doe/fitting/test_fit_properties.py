"""What holds of every fit, whatever the data; and what cannot be used."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe import central_composite, full_factorial, read_run_sheet, run_sheet, split_plot
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.fitting.door import fit
from qstats.errors import DataError, DesignError, FormulaError, TooFewData

CUBE = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
quarter = st.integers(-400, 400).map(lambda v: v / 4)
sixteen = st.lists(quarter, min_size=16, max_size=16).filter(lambda y: len(set(y)) > 4)


def twice(block: Any = None, rng: int = 1) -> Design:
    return make_design("2^3 twice", as_factors(["A", "B", "C"]), np.tile(CUBE, (2, 1)), rng=rng, block=block)


def codes(found: Any) -> set[str]:
    return {n.code for n in found.notes}


# ---- properties ----


@settings(max_examples=40, deadline=None)
@given(sixteen, st.sampled_from([-3.0, 0.5, 2.0, 1024.0]), quarter)
def test_units_of_the_response(y: list[float], scale: float, shift: float) -> None:
    a = fit(twice(), y, model="interactions")
    b = fit(twice(), scale * np.array(y) + shift, model="interactions")
    size = abs(scale) * max(np.ptp(y), 1.0)
    assert b.estimate == pytest.approx(scale * a.estimate + shift * (np.arange(7) == 0), abs=1e-11 * size + 1e-11)
    assert b.sigma == pytest.approx(abs(scale) * a.sigma, abs=1e-11 * size)
    if a.sigma > 1e-9:
        assert b.t[1:] == pytest.approx(math.copysign(1.0, scale) * a.t[1:], abs=1e-6)
        assert (b.r2, b.r2_predicted) == (pytest.approx(a.r2), pytest.approx(a.r2_predicted))
        assert [r.p for r in b.anova] == [None if r.p is None else pytest.approx(r.p, abs=1e-9) for r in a.anova]
        assert b.diagnostics.deleted == pytest.approx(math.copysign(1.0, scale) * a.diagnostics.deleted, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(sixteen)
def test_a_huge_constant_changes_nothing_but_the_intercept(y: list[float]) -> None:
    a, b = fit(twice(), y), fit(twice(), np.array(y) + 1e12)
    assert b.estimate[0] == pytest.approx(a.estimate[0] + 1e12, rel=1e-15)
    assert b.estimate[1:] == pytest.approx(a.estimate[1:], abs=1e-10)
    assert b.standard_error == pytest.approx(a.standard_error, rel=1e-9)
    assert (b.r2, b.press, b.aicc) == (pytest.approx(a.r2), pytest.approx(a.press), pytest.approx(a.aicc))
    assert b.lack_of_fit is not None and a.lack_of_fit is not None
    assert b.lack_of_fit.p == pytest.approx(a.lack_of_fit.p)


@settings(max_examples=40, deadline=None)
@given(sixteen, st.permutations(range(16)))
def test_order_of_runs_is_nothing(y: list[float], order: list[int]) -> None:
    x = np.tile(CUBE, (2, 1))
    block = np.array([1, 2, 2, 1] * 4)
    a = make_design("a", as_factors(3), x, rng=1, block=block)
    b = make_design("b", as_factors(3), x[order], rng=1, block=block[order])
    one, two = fit(a, y, model="A * B + C"), fit(b, np.array(y)[order], model="A * B + C")
    assert two.estimate == pytest.approx(one.estimate, abs=1e-10)
    assert [(r.source, r.df) for r in two.anova] == [(r.source, r.df) for r in one.anova]
    assert [r.ss for r in two.anova] == pytest.approx([r.ss for r in one.anova], abs=1e-7)
    assert two.diagnostics.leverage == pytest.approx(one.diagnostics.leverage[order])


@settings(max_examples=30, deadline=None)
@given(sixteen)
def test_names_of_blocks_are_nothing(y: list[float]) -> None:
    block = np.array([1, 1, 2, 2, 2, 3, 3, 3] * 2)
    other = np.array([0, 7, 2, 40])[block]
    one, two = fit(twice(block), y), fit(twice(other), y)
    assert two.estimate[:4] == pytest.approx(one.estimate[:4], abs=1e-10)
    assert [r.ss for r in two.anova] == pytest.approx([r.ss for r in one.anova], abs=1e-7)
    assert two.predict({"A": 0.3, "B": 0, "C": 1}).mean == pytest.approx(one.predict({"A": 0.3, "B": 0, "C": 1}).mean)
    by_block = [one.predict({"A": 0, "B": 0, "C": 0}, block=b).mean[0] for b in (1, 2, 3)]
    assert np.mean(by_block) == pytest.approx(one.predict({"A": 0, "B": 0, "C": 0}).mean[0])


@settings(max_examples=60, deadline=None)
@given(sixteen, st.floats(0.5, 0.999))
def test_p_and_interval_invert_each_other(y: list[float], confidence: float) -> None:
    found = fit(twice(), y, confidence=confidence)
    if found.sigma > 1e-9:
        near = np.abs(found.p - (1 - confidence)) < 1e-9
        assert (((found.p > 1 - confidence) == found.interval.contain(0.0)) | near).all()
    wide = fit(twice(), y, confidence=0.5 + 0.5 * confidence)
    assert (wide.interval.low <= found.interval.low).all() and (wide.interval.high >= found.interval.high).all()


@settings(max_examples=40, deadline=None)
@given(sixteen, st.sampled_from(["linear", "A * B + C", "A * B * C"]))
def test_orthogonal_designs_have_one_analysis(y: list[float], model: str) -> None:
    found = fit(twice(), y, model=model)
    tables = [[r.ss for r in found.anova_type(kind)] for kind in ("I", "II", "III")]
    size = float(np.var(y)) * 16
    assert tables[0] == pytest.approx(tables[1], abs=1e-9 * size)
    assert tables[2] == pytest.approx(tables[1], abs=1e-9 * size)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_sums_of_squares(seed: int) -> None:
    """Types by the definition: residual sums of squares of plain refits; type I adds up to the whole."""
    rng = np.random.default_rng(seed)
    n = 22
    factors = (Factor("T", -1, 1), Factor("glue", levels=("a", "b", "c")), Factor("P", -1, 1))
    coded = np.column_stack([rng.uniform(-1, 1, n), rng.permutation(np.arange(n) % 3), rng.uniform(-1, 1, n)])
    design = make_design("random", factors, coded, rng=1, block=1 + np.arange(n) % 2)
    y = rng.normal(size=n) + coded[:, 0]
    found = fit(design, y, model="T * glue + P + T^2")
    level = [(coded[:, 1] == k) * 1.0 - (coded[:, 1] == 0) for k in (1, 2)]
    t, p = coded[:, 0], coded[:, 2]
    columns = {
        "1": [np.ones(n)], "block": [np.where(np.arange(n) % 2, 1.0, -1.0)], "T": [t], "glue": level, "P": [p],
        "T:glue": [t * v for v in level], "T^2": [t * t],
    }  # fmt: skip

    def rss(names: list[str]) -> float:
        x = np.column_stack([c for v in names for c in columns[v]])
        return float(((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2).sum())

    above = {"T": ["T:glue", "T^2"], "glue": ["T:glue"]}
    for row in found.anova_type("II")[:6]:
        rest = [v for v in columns if v not in (row.source, *above.get(row.source, ()))]
        assert row.ss == pytest.approx(rss(rest) - rss([*rest, row.source]), abs=1e-8)
    for row in found.anova_type("III")[:6]:
        rest = [v for v in columns if v != row.source]
        assert row.ss == pytest.approx(rss(rest) - rss(list(columns)), abs=1e-8)
    first = found.anova_type("I")
    assert [r.source for r in first[:6]] == ["block", *found.model.labels[1:]]
    names = ["1"]
    for row in first[:6]:
        assert row.ss == pytest.approx(rss(names) - rss([*names, row.source]), abs=1e-8)
        names.append(row.source)
    assert sum(r.ss or 0.0 for r in first[:7]) == pytest.approx(first[-1].ss)
    assert sum(r.df for r in first[:7]) == n - 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_left_out_runs(seed: int) -> None:
    """PRESS, deleted residuals, Cook's distance and DFFITS by refitting without each run."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (14, 2))
    y = rng.normal(size=14) + 3 * x[:, 0]
    design = make_design("random", as_factors(2), x, rng=1)
    found = fit(design, y, model="interactions")
    rows = found.rows(x)
    d = found.diagnostics
    assert d.deleted is not None and d.dffits is not None
    press = 0.0
    for i in range(14):
        without = fit(design, np.where(np.arange(14) == i, np.nan, y), model="interactions")
        guess = float(rows[i] @ without.estimate)
        press += (y[i] - guess) ** 2
        spread = without.sigma * math.sqrt(1 / (1 - d.leverage[i]))
        assert d.deleted[i] == pytest.approx((y[i] - guess) / spread, rel=1e-7)
        moved = rows @ (found.estimate - without.estimate)
        assert d.cook[i] == pytest.approx(float(moved @ moved) / (4 * found.sigma**2), rel=1e-7)
        assert d.dffits[i] == pytest.approx(moved[i] / (without.sigma * math.sqrt(d.leverage[i])), rel=1e-7)
    assert found.press == pytest.approx(press)


# ---- prediction ----


def test_prediction_by_plain_matrices() -> None:
    design = central_composite({"T": (20, 60), "P": (1, 3)}, center_points=5, rng=1)
    rng = np.random.default_rng(3)
    y = 10 + rng.normal(size=len(design))
    found = fit(design, y, model="quadratic")
    told = found.predict({"T": [40, 50], "P": 2.0}, confidence=0.9)
    c = np.array([[0.0, 0.0], [0.5, 0.0]])

    def rows(c: np.ndarray) -> np.ndarray:
        a, b = c.T
        return np.column_stack([np.ones(a.size), a, b, a * b, a * a, b * b])

    x = rows(np.asarray(design.coded))
    b = np.linalg.solve(x.T @ x, x.T @ y)
    df = len(design) - 6
    s2 = float(((y - x @ b) ** 2).sum()) / df
    from scipy.stats import t

    v = np.einsum("ij,jk,ik->i", rows(c), np.linalg.inv(x.T @ x), rows(c))
    assert told.mean == pytest.approx(rows(c) @ b)
    assert told.interval.high - told.mean == pytest.approx(t.ppf(0.95, df) * np.sqrt(s2 * v))
    assert told.new_run is not None
    assert told.mean - told.new_run.low == pytest.approx(t.ppf(0.95, df) * np.sqrt(s2 * (1 + v)))
    assert not told.outside.any() and not told.notes
    far = found.predict({"T": [40, 75, 67], "P": [2, 2, 3.35]})
    assert far.outside.tolist() == [False, True, True]
    assert codes(far) == {"extrapolation"}
    frame = pytest.importorskip("pandas").DataFrame({"T": [40, 50], "P": [2, 2], "remark": ["a", "b"]})
    assert found.predict(frame).mean == pytest.approx(told.mean)
    assert json.loads(told.to_json())["mean"] == pytest.approx(told.mean.tolist())
    assert len(told) == 2 and "T 40" in str(told)
    assert list(told.to_frame().columns)[:3] == ["T", "P", "mean"]


@pytest.mark.parametrize(
    ("settings_", "word"),
    [
        ({"T": 40}, "'P'"),
        ({"T": 40, "P": 2, "Q": 1}, "'Q'"),
        ({"T": [40, 50], "P": [1, 2, 3]}, "one length"),
        ({"T": "hot", "P": 1}, "T"),
        ({"T": math.nan, "P": 1}, "T"),
        ([1, 2], "mapping"),
    ],
)
def test_settings_that_cannot_be_used(settings_: Any, word: str) -> None:
    design = full_factorial({"T": (20, 60), "P": (1, 3)}, rng=1)
    found = fit(design, [1, 2, 3, 5])
    with pytest.raises(DataError, match=word):
        found.predict(settings_)
    with pytest.raises(DataError, match="block"):
        found.predict({"T": 40, "P": 2}, block=2)


# ---- edges ----


def test_all_responses_equal() -> None:
    found = fit(twice(), [7.25] * 16)
    assert found.estimate.tolist() == [7.25, 0, 0, 0] and found.sigma == 0.0
    assert found.p[1:].tolist() == [1, 1, 1]
    assert found.r2 is None and found.r2_predicted is None and found.aicc is None
    assert "exact-fit" in codes(found) and "nan" not in str(found).lower()
    json.loads(found.to_json())


def test_an_exact_fit() -> None:
    found = fit(twice(), 5 + np.tile(CUBE, (2, 1)) @ [1, 2, 0])
    assert found.estimate == pytest.approx([5, 1, 2, 0], abs=1e-14)
    assert found.sigma == 0.0 and found.r2 == 1.0
    assert found.p.tolist() == [0, 0, 0, 1]
    assert {r.source: r.p for r in found.anova if r.p is not None} == {"A": 0, "B": 0, "C": 1, "lack of fit": 1}


def test_one_run_and_saturated_prediction() -> None:
    one = fit(make_design("one", as_factors(1), [[0.5]], rng=1), [3.0], model="1")
    assert one.estimate.tolist() == [3.0] and one.fitted.df == 0
    told = fit(full_factorial(2, rng=1), [1, 2, 3, 5], model="A * B").predict({"A": 0, "B": 0})
    assert told.mean.tolist() == [2.75]
    assert np.isinf(told.interval.low).all() and np.isinf(told.interval.high).all()
    assert "no-error-df" in codes(told)


def test_leverage_of_one() -> None:
    x = np.column_stack([[-1.0, -1, 1, 1, 0.5], [0, 0, 0, 0, 1.0]])
    found = fit(make_design("odd", as_factors(["A", "B"]), x, rng=1), [1, 1.5, 3, 3.25, 9])
    assert found.press == math.inf and found.r2_predicted is None
    assert "leverage-one" in codes(found)
    assert np.isnan(found.diagnostics.studentized).tolist() == [False] * 4 + [True]
    assert json.loads(found.to_json())["press"] == "Infinity"


def test_an_outlier_and_a_drift_are_told() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=16)
    y[5] += 9
    assert "outlier" in codes(fit(twice(), y))
    drift = np.empty(16)
    drift[twice().run_order] = np.arange(16)
    assert "drift" in codes(fit(twice(), 0.5 * drift + 0.3 * rng.normal(size=16)))
    assert "drift" not in codes(fit(twice(), rng.normal(size=16)))


@pytest.mark.parametrize("model", ["A + B + C + D", "(A + B + C + D)^2", "(A + B + C + D)^3"])
def test_false_alarms_are_rare(model: str) -> None:
    """Normal errors alone: tests of residuals at .01 (two of the order, one of normality), the outlier at .05."""
    rng = np.random.default_rng(3)
    x = np.array(list(itertools.product((-1.0, 1.0), repeat=4)))
    design = make_design("2^4", as_factors(4), x, rng=1)
    told = [codes(fit(design, rng.normal(size=16), model=model)) for _ in range(300)]
    share = {code: sum(code in c for c in told) / 300 for code in ("residuals-not-normal", "drift", "outlier")}
    # within three standard errors of their nominal rates
    assert share["residuals-not-normal"] <= 0.01 + 0.018
    assert share["drift"] <= 0.02 + 0.025
    assert share["outlier"] <= 0.05 + 0.038


def test_missing_runs() -> None:
    rng = np.random.default_rng(2)
    y: list[Any] = rng.normal(size=16).tolist()
    y[3] = None
    found = fit(twice(), y)
    assert "missing-runs" in codes(found)
    assert found.y.size == 16 and np.isnan(found.y[3]) and found.fitted.residuals.size == 15
    assert found.diagnostics.run.tolist() == [i for i in range(1, 17) if i != 4]
    keep = [i for i in range(16) if i != 3]
    less = make_design("less", as_factors(["A", "B", "C"]), np.asarray(twice().coded)[keep], rng=1)
    assert found.estimate == pytest.approx(fit(less, [y[i] for i in keep]).estimate)


def test_what_cannot_be_told_apart() -> None:
    half = make_design("2^(3-1)", as_factors(["A", "B", "C"]), CUBE[CUBE.prod(axis=1) > 0], rng=1)
    with pytest.raises(DesignError, match=r"4 runs tell 4 of 7.*A:B = C.*3 runs"):
        fit(half, [1, 2, 3, 4], model="interactions")
    with pytest.raises(DesignError, match=r"B\^2 = 1"):
        fit(
            make_design("x", as_factors(2), [[-1, 1], [0, 1], [1, -1], [0.5, 1]], rng=1),
            [1, 2, 3, 4],
            model="A + B + B^2",
        )
    with pytest.raises(DesignError, match="add at least"):
        fit(twice(), [1.0, 2.0, *[None] * 14])


@pytest.mark.parametrize(
    ("change", "error", "word"),
    [
        ({"response": [1, 2]}, DataError, "16 runs"),
        ({"response": ["a"] * 16}, DataError, "text"),
        ({"response": [math.inf] * 16}, DataError, "finite"),
        ({"response": [None] * 16}, TooFewData, "0 values"),
        ({"response": "yield"}, DataError, "record"),
        ({"response": [1e300 * (-1) ** i for i in range(16)]}, DataError, "unit"),
        ({"design": "plan"}, DataError, "Design"),
        ({"model": "A + Z"}, FormulaError, "Z"),
        ({"distribution": "cauchy"}, DataError, "distribution"),
        ({"distribution": "lognormal", "response": [0.0, *range(1, 16)]}, DataError, "above zero"),
        ({"exposure": 2.0}, DataError, "exposure"),
        ({"trials": 20}, DataError, "trials"),
        ({"distribution": "binomial"}, DataError, "trials"),
        ({"distribution": "binomial", "trials": 3}, DataError, "more than the trials"),
        ({"distribution": "poisson", "response": [0.5] * 16}, DataError, "whole numbers"),
        ({"distribution": "poisson", "exposure": -1}, DataError, "above zero"),
        ({"distribution": "poisson", "censored": [True] * 16}, DataError, "censored"),
        ({"censored": [2] * 16}, DataError, "True"),
        ({"censored": [True]}, DataError, "16 runs"),
        ({"confidence": 95}, DataError, "0.95"),
        ({"df_method": "magic"}, DataError, "df_method"),
        ({"name": ""}, DataError, "name"),
    ],
)
def test_what_cannot_be_used(change: dict[str, Any], error: type[Exception], word: str) -> None:
    call: dict[str, Any] = {"design": twice(), "response": list(range(16)), **change}
    design, response = call.pop("design"), call.pop("response")
    with pytest.raises(error, match=word):
        fit(design, response, **call)


def test_from_the_run_sheet() -> None:
    design = full_factorial({"T": (20, 60), "P": (1, 3)}, replicates=2, rng=5)
    sheet = {k: list(v) for k, v in run_sheet(design, responses=["yield", "hours"]).items()}
    rng = np.random.default_rng(1)
    sheet["yield"] = [float(v) for v in rng.normal(80, 2, 8)]
    sheet["hours"] = [3.0, 4, 5, 6, 7, 8, None, None]
    sheet["T"][0] = 50.0
    import pandas as pd

    record = read_run_sheet(design, pd.DataFrame(sheet))
    found = fit(record, "yield", model="linear")
    assert found.response == "yield" and "as-run-settings" in codes(found)
    assert (found.design.natural("T") == 50.0).sum() == 1
    assert "missing-runs" in codes(fit(record, "hours", model="linear"))
    with pytest.raises(DataError, match="'yield'"):
        fit(record, "cost")


def test_views() -> None:
    rng = np.random.default_rng(8)
    found = fit(twice(), rng.normal(size=16), name="硬度")
    held = json.loads(found.to_json())
    assert held["schema"] == "qstats.design_fit/1" and held["response"] == "硬度"
    assert held["anova"][0]["source"] == "A"
    assert found.to_frame()["column"].tolist() == ["1", "A", "B", "C"]
    assert found.anova_frame()["source"].tolist()[-1] == "total"
    assert found.rows([[0, 0, 0], [1, 1, 1]]).tolist() == [[1, 0, 0, 0], [1, 1, 1, 1]]
    assert "硬度" in str(found)
    with pytest.raises(ValueError, match="read-only"):
        found.estimate[0] = 1.0
    with pytest.raises(DataError, match="kind"):
        found.anova_type("IV")
    assert fit(twice(), np.arange(16) - 3.0).box_cox() is None


def test_whole_plots_go_to_the_split_plot_fit() -> None:
    mixed = pytest.importorskip("qstats.doe.fitting.split_plots.mixed")
    factors = [Factor("T", -1, 1, hard_to_change=True), Factor("A", -1, 1), Factor("B", -1, 1)]
    design = split_plot(full_factorial(factors, replicates=3, rng=1), whole_plots=6, rng=1)
    rng = np.random.default_rng(1)
    y = rng.normal(size=24) + rng.normal(size=7)[design.whole_plot]
    found = fit(design, y, model="linear")
    straight = mixed.fit_split_plot(found.rows(design.coded), y, design.whole_plot - 1)
    assert found.estimate == pytest.approx(straight.coefficients)
    assert [r.source for r in found.anova] == ["T", "A", "B"]
    assert found.anova[0].f == pytest.approx(found.t[1] ** 2)
    assert found.anova[0].p == pytest.approx(found.p[1])
    assert found.r2 is None and found.lack_of_fit is None
    with pytest.raises(DataError, match="whole plots"):
        fit(design, np.abs(y), distribution="gamma")
    with pytest.raises(DataError, match="least squares"):
        found.box_cox()


def test_columns_that_are_nearly_one_are_named() -> None:
    along = np.linspace(-1.0, 1.0, 12)
    coded = np.column_stack([along, along + 1e-7 * np.random.default_rng(1).normal(size=12)])
    design = make_design("squeezed", as_factors({"a": (0, 1), "b": (0, 1)}), coded, rng=1)
    with pytest.raises(DesignError, match=r"cannot tell apart \(up to factors\): \S+ = "):
        fit(design, np.arange(12.0) ** 1.5, model="quadratic")
