"""Least squares against published examples, R and statsmodels."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.fitting.door import fit
from qstats.doe.fitting.result import DesignFit

HELD = json.loads((Path(__file__).parents[2] / "reference" / "doe_fits.json").read_text())
R = {case["id"]: case for case in HELD["r"]}


def example(name: str, factors: list[str], response: str) -> tuple[Design, np.ndarray]:
    held = HELD["examples"][name]
    rows, at = np.array(held["rows"], dtype=float), held["columns"]
    x = rows[:, [at.index(f) for f in factors]]
    center = (x == 0.0).any(axis=1)
    return make_design(name, as_factors(factors), x, rng=1, center=center), rows[:, at.index(response)]


CASES = [
    ("nist_springs", "X1 X2 X3", "Y", "X1 + X2 + X1:X3", ("reduced",)),
    ("nist_eddy", "X1 X2 X3", "Y", "X1 + X2", ("m_X1X2",)),
    ("nist_catapult", "h s b l e", "distance", "interactions", ("full",)),
    ("nist_catapult", "h s b l e", "lny", "linear", ("ln_reduced",)),
    (
        "nist_ceramic", "X1 X2 X3 X4 X5", "strength",
        "(X1 + X2 + X3 + X4 + X5) + X1:X2 + X1:X3 + X1:X4 + X2:X4 + X3:X4 + X4:X5 + X1:X2:X4", ("final12",),
    ),
    ("nist_cvd", "P H", "uniformity", "quadratic", ("uniformity", "full")),
    ("nist_cvd", "P H", "uniformity", "P * H", ("uniformity", "red")),
    ("nist_cvd", "P H", "stress", "quadratic", ("stress", "full")),
    ("nist_cvd", "P H", "stress", "P + H + P^2", ("stress", "red")),
    ("nist_chemical_first", "x1 x2", "Y", "linear", ("linear",)),
    ("nist_chemical_second", "x1 x2", "Y", "linear", ("linear",)),
    ("nist_chemical_ccd", "x1 x2", "Y", "linear", ("linear",)),
    ("nist_chemical_ccd", "x1 x2", "Y", "quadratic", ("quad",)),
    ("mont_filtration", "A B C D", "y", "A + C + D + A:C + A:D", ("combined",)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "factors", "response", "model", "where"), CASES)
def test_published_examples(name: str, factors: str, response: str, model: str, where: tuple[str, ...]) -> None:
    """doe_fits.json: published data, refitted independently and printed to 8 digits (sums of squares to 6 decimals)."""
    design, y = example(name, factors.split(), response)
    found, want = fit(design, y, model=model), HELD["examples"][name]["golden"]
    for key in where:
        want = want[key]
    place = {"Intercept" if v == "1" else v: i for i, v in enumerate(found.labels)}
    assert set(place) == set(want["coef"])
    for label, i in place.items():
        assert found.estimate[i] == pytest.approx(want["coef"][label], rel=1e-7, abs=6e-9)
        assert found.standard_error[i] == pytest.approx(want["se"][label], rel=1e-7, abs=6e-9)
    assert found.sigma == pytest.approx(want["s"], rel=1e-7, abs=6e-9)
    assert found.fitted.df == want["df"]
    assert found.r2 == pytest.approx(want["r2"], abs=1e-8)
    assert found.r2_adjusted == pytest.approx(want["r2adj"], abs=1e-8)
    assert found.press == pytest.approx(want["press"], rel=1e-8, abs=6e-7)
    assert found.r2_predicted == pytest.approx(want["r2pred"], abs=1e-8)
    assert residual(found).ss == pytest.approx(want["ss_res"], abs=6e-7)
    if "lack_of_fit" in want:
        assert found.lack_of_fit is not None
        assert found.lack_of_fit.f == pytest.approx(want["lack_of_fit"]["F"], abs=6e-7)
        assert [found.lack_of_fit.df, found.lack_of_fit.df_pure] == want["lack_of_fit"]["df"]
        assert found.lack_of_fit.p == pytest.approx(want["lack_of_fit"]["p"], abs=6e-7)
        if "ss_pure_error" in want["lack_of_fit"]:
            assert found.lack_of_fit.ss_pure == pytest.approx(want["lack_of_fit"]["ss_pure_error"], abs=6e-7)


def residual(found: DesignFit) -> Any:
    return next(r for r in found.anova if r.source == "residual")


@pytest.mark.parametrize("name", ["nist_springs", "nist_eddy", "bhh_pilot", "nist_ceramic", "mont_filtration"])
def test_effects_are_twice_the_coefficients(name: str) -> None:
    """Saturated factorials of doe_fits.json: no error is left, coefficients are half the published effects."""
    want = HELD["examples"][name]["golden"]["effects"]
    factors = [v for v in want if ":" not in v]
    response = next(v for v in ("Y", "y", "strength") if v in HELD["examples"][name]["columns"])
    design, y = example(name, factors, response)
    found = fit(design, y, model=" * ".join(factors))
    assert {v: 2.0 * b for v, b in zip(found.labels[1:], found.estimate[1:], strict=True)} == pytest.approx(want)
    assert found.fitted.df == 0.0
    assert np.isinf(found.standard_error).all() and np.isinf(found.interval.low).all()
    assert (found.p == 1.0).all() and all(r.p is None for r in found.anova)
    assert "saturated" in {n.code for n in found.notes}
    assert "nan" not in str(found).lower()


def test_r_reactor_effects() -> None:
    """R: fact-reactor-full, a saturated 2^5."""
    case = R["fact-reactor-full"]
    data = case["inputs"]["D"]
    x = np.column_stack([data[v] for v in "ABCDE"])
    found = fit(make_design("2^5", as_factors(list("ABCDE")), x, rng=1), data["y"], model="A * B * C * D * E")
    for label, b in zip(found.labels[1:], found.estimate[1:], strict=True):
        assert 2.0 * b == pytest.approx(case["expected"][label], abs=1e-12)


def test_projected_filtration_anova() -> None:
    """Montgomery, DAE 8e, example 6.2 on A, C, D: sums of squares, F, p as in doe_fits.json."""
    design, y = example("mont_filtration", list("ABCD"), "y")
    found = fit(design, y, model="A * C * D")
    rows = {r.source: r for r in found.anova}
    for source, (ss, f, p) in HELD["examples"]["mont_filtration"]["golden"]["anova_ACD"].items():
        row = rows[source.lower() if source == "Residual" else source]
        assert row.ss == pytest.approx(ss, abs=1e-9)
        if f is not None:
            assert (row.f, row.p) == (pytest.approx(f, abs=6e-5), pytest.approx(p, abs=6e-7))


@pytest.mark.parametrize("name", ["nist_chemical_first", "nist_chemical_second"])
def test_curvature_of_centre_points(name: str) -> None:
    """NIST 5.5.3.1: t -.384 (p .72) and -2.787 (p .0494) with 4 df."""
    design, y = example(name, ["x1", "x2"], "Y")
    found, want = fit(design, y, model="linear").curvature, HELD["examples"][name]["golden"]["curvature"]
    assert found is not None
    assert found.mean_factorial == pytest.approx(want["mean_factorial"])
    assert found.mean_center == pytest.approx(want["mean_centre"])
    assert found.sigma == pytest.approx(want["s_pure_error"], abs=6e-7)
    assert (found.df, found.t) == (want["df"], pytest.approx(want["t"], abs=6e-7))
    assert found.p == pytest.approx(want["p"], abs=6e-7)


def test_curvature_as_in_r() -> None:
    """R: curvature (Montgomery example 6.7), F = t squared."""
    case = R["curvature"]
    x = [[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5]
    found = fit(make_design("2^2", as_factors(["A", "B"]), x, rng=1), case["inputs"]["y"], model="A * B").curvature
    assert found is not None
    assert found.t**2 == pytest.approx(case["expected"]["F"], rel=1e-9)
    assert found.p == pytest.approx(case["expected"]["p"], rel=1e-9)


def test_box_cox_of_the_fitted_model() -> None:
    """NIST 5.4.7.1 with 12 terms: .270; Daniel's drill with B, C, D: -.05714."""
    design, y = example("nist_ceramic", ["X1", "X2", "X3", "X4", "X5"], "strength")
    found = fit(design, y, model=CASES[4][3]).box_cox()
    assert found is not None and found.power == pytest.approx(0.2697, abs=6e-5)
    design, y = example("mont_drill", list("ABCD"), "y")
    model = fit(design, y, model="B + C + D")
    found = model.box_cox()
    assert found is not None and found.power == pytest.approx(-0.05714, abs=6e-6)
    assert found.recommendation == "log" and 0.0 in found.interval and 1.0 not in found.interval
    # the interval by a plain definition: where the profile is half the chi-square quantile below its top
    x = np.column_stack([np.ones(16), design.coded[:, 1:]])
    gm = math.exp(np.log(y).mean())

    def profile(lam: float) -> float:
        z = gm * np.log(y) if lam == 0 else (y**lam - 1) / (lam * gm ** (lam - 1))
        return -8.0 * math.log(float(np.sum((z - x @ np.linalg.lstsq(x, z, rcond=None)[0]) ** 2)))

    for end in (found.interval.low, found.interval.high):
        assert profile(found.power) - profile(end) == pytest.approx(0.5 * 3.841458820694124, abs=1e-6)
    assert found.gain == pytest.approx(profile(found.power) - profile(1.0), abs=1e-8)


def test_lognormal_drill() -> None:
    """Daniel's drill: ln y on B, C, D (1.59696 .57799 .28927 .16404; SSE .172662)."""
    design, y = example("mont_drill", list("ABCD"), "y")
    found, want = fit(design, y, model="B + C + D", distribution="lognormal"), HELD["examples"]["mont_drill"]
    golden = want["golden"]["ln_BCD"]
    assert found.estimate == pytest.approx(list(golden["coef"].values()), abs=1e-8)
    assert found.standard_error == pytest.approx(list(golden["se"].values()), abs=1e-8)
    assert found.press == pytest.approx(golden["press"], abs=6e-7)
    # the likelihood is of y: that of the logarithm less the sum of logarithms
    plain = fit(design, np.log(y), model="B + C + D")
    assert found.fitted.log_likelihood == pytest.approx(plain.fitted.log_likelihood - np.log(y).sum())
    at = {"B": 0.5, "C": -0.5, "D": 1.0}
    logs, there = plain.predict(at), found.predict(at)
    assert there.median == pytest.approx(np.exp(logs.mean))
    assert there.mean == pytest.approx(np.exp(logs.mean + 0.5 * found.sigma**2))
    assert there.new_run is not None and logs.new_run is not None
    assert there.interval_of == "median"
    assert there.interval.low == pytest.approx(np.exp(logs.interval.low))
    assert there.new_run.high == pytest.approx(np.exp(logs.new_run.high))


def test_the_catapult_warns() -> None:
    """Reference 4: the full model's predicted R2 is -6.58; its five main effects of the logarithm predict well."""
    design, y = example("nist_catapult", ["h", "s", "b", "l", "e"], "distance")
    full = fit(design, y, model="interactions")
    assert "predicted-r2-negative" in {n.code for n in full.notes}
    logs = fit(design, y, model="linear", distribution="lognormal")
    assert not {n.code for n in logs.notes} & {"predicted-r2-negative", "predicted-r2-low"}


# ---- R ----


def surface(case: dict[str, Any], rows: slice = slice(None), blocks: bool = False) -> tuple[Design, np.ndarray]:
    data = case["inputs"]["D"]
    if "Time" in data:
        factors: Any = {"x1": (80, 90), "x2": (170, 180)}
        x = np.column_stack([(np.array(data["Time"]) - 85) / 5, (np.array(data["Temp"]) - 175) / 5])
        y = data["Yield"]
    else:
        factors = [v for v in data if v.startswith("x")]
        x, y = np.column_stack([data[v] for v in factors]), data["y"]
    block = [int(b[1]) for b in data["Block"]][rows] if blocks else None
    return make_design(case["id"], as_factors(factors), x[rows], rng=1, block=block), np.array(y)[rows]


@pytest.mark.parametrize("name", ["rsm-chem-block-so", "rsm-codata-so", "rsm-rand-1", "rsm-rand-4", "rsm-rand-5"])
def test_second_order_models_as_in_rsm(name: str) -> None:
    """R: rsm of SO(...); coefficients, standard errors, R2, lack of fit."""
    case, blocks = R[name], name == "rsm-chem-block-so"
    want = case["expected"]
    design, y = surface(case, blocks=blocks)
    found = fit(design, y, model="quadratic")
    coef = np.array(want["coef"])
    if blocks:  # treatment coding of two blocks: the constant is of the first, the difference twice a sum-to-zero one
        assert found.labels[-1] == "block[2]"
        assert 2.0 * found.estimate[-1] == pytest.approx(coef[1], rel=1e-10)
        assert found.estimate[0] - found.estimate[-1] == pytest.approx(coef[0], rel=1e-10)
        assert found.estimate[1:-1] == pytest.approx(np.delete(coef, 1)[1:], rel=1e-9)
        assert found.standard_error[1:-1] == pytest.approx(np.delete(want["se"], 1)[1:], rel=1e-9)
    else:
        assert found.estimate == pytest.approx(coef, rel=1e-9)
        assert found.standard_error == pytest.approx(want["se"], rel=1e-9)
    assert found.r2 == pytest.approx(want["r2"], rel=1e-10)
    assert found.r2_adjusted == pytest.approx(want["adj"], rel=1e-10)
    assert found.sigma == pytest.approx(want["sigma"], rel=1e-9)
    table = dict(zip(want["lof_rows"], want["lof"]["values"], strict=True))
    assert found.lack_of_fit is not None
    k, ss, _, f, p = table["Lack of fit"]
    assert found.lack_of_fit.df == k and found.lack_of_fit.ss == pytest.approx(ss, rel=1e-7)
    assert (found.lack_of_fit.f, found.lack_of_fit.p) == (pytest.approx(f, rel=1e-7), pytest.approx(p, rel=1e-7))
    assert found.lack_of_fit.df_pure == table["Pure error"][0]
    first = {r.source: r for r in found.anova_type("I")}
    if blocks:
        assert first["block"].ss == pytest.approx(table["Block"][1], rel=1e-9)
        assert first["block"].p == pytest.approx(table["Block"][4], rel=1e-6)
    linear = sum(first[v].ss or 0.0 for v in design.names)
    assert linear == pytest.approx(table[next(v for v in table if v.startswith("FO"))][1], rel=1e-9)


@pytest.mark.parametrize(("name", "model"), [("rsm-chem1-fo", "linear"), ("rsm-chem1-twi", "interactions")])
def test_first_order_lack_of_fit_as_in_rsm(name: str, model: str) -> None:
    """R: rsm of the first block of the chemical reaction."""
    case = R[name]
    values = case["expected"]["lof" if name.endswith("fo") else "values"]
    values = values["values"] if isinstance(values, dict) else values
    design, y = surface(case, slice(0, 7))
    found = fit(design, y, model=model)
    assert found.lack_of_fit is not None
    assert (found.lack_of_fit.f, found.lack_of_fit.p) == (
        pytest.approx(values[-2][3], rel=1e-9), pytest.approx(values[-2][4], rel=1e-9)
    )  # fmt: skip


@pytest.mark.parametrize("name", ["rsm-press-1", "rsm-press-2", "rsm-press-5"])
def test_diagnostics_as_in_r(name: str) -> None:
    """R: PRESS, predicted R2, leverage, studentised residuals, Cook's distance."""
    case = R[name]
    want = case["expected"]
    design, y = surface(case)
    found = fit(design, y, model="quadratic")
    assert found.press == pytest.approx(want["press"], rel=1e-9)
    assert found.r2_predicted == pytest.approx(want["pred_r2"], rel=1e-10)
    assert found.diagnostics.leverage == pytest.approx(want["h"], rel=1e-9)
    assert found.diagnostics.deleted == pytest.approx(want["rstud"], rel=1e-8)
    assert found.diagnostics.cook == pytest.approx(want["cook"], rel=1e-8)


def categories(case: dict[str, Any], names: list[str], response: str) -> tuple[Design, list[float]]:
    data = case["inputs"]["D"]
    factors = tuple(Factor(n, levels=tuple(dict.fromkeys(data[n]))) for n in names)
    coded = np.column_stack([f.code(data[f.name]) for f in factors])
    return make_design(case["id"], factors, coded, rng=1), data[response]


@pytest.mark.parametrize(
    ("name", "factors", "response", "key", "kind"),
    [
        ("fact-doe1", ["flour", "salt", "bakPow"], "score", "tab", "I"),
        ("anova-plant", ["group"], "weight", "anova", "I"),
        ("anova-warp", ["wool", "tension"], "breaks", "type2", "II"),
        ("anova-tooth-unbal", ["supp", "dose"], "len", "anova", "I"),
        ("anova-tooth-unbal", ["supp", "dose"], "len", "type2", "II"),
        ("anova-type3", ["supp", "dose"], "len", "", "III"),
    ],
)
def test_analysis_of_variance_as_in_r(name: str, factors: list[str], response: str, key: str, kind: str) -> None:
    """R: anova and car::Anova, balanced and not, types I, II, III (sum-to-zero columns)."""
    case = R[name]
    design, y = categories(case, factors, response)
    found = fit(design, y, model=" * ".join(factors))
    table = (case["expected"][key] if key else case["expected"])["values"]
    rows = [r for r in found.anova_type(kind) if r.source in (*found.model.labels, "residual")]
    # R: [df, ss, ms, F, p] or [ss, df, F, p], type III with a row for the constant
    wide = len(table[0]) == 5
    for row, want in zip(rows, table[kind == "III" :], strict=True):
        df, ss = (want[0], want[1]) if wide else (want[1], want[0])
        assert row.df == df and row.ss == pytest.approx(ss, rel=1e-9)
        if want[-1] is not None:
            assert row.f == pytest.approx(want[-2], rel=1e-9)
            assert row.p == pytest.approx(want[-1], rel=1e-7)
    if kind == "II":
        assert found.anova == found.anova_type("II")


def test_means_of_cells_as_in_emmeans() -> None:
    """R: emmeans-warp, means of each cell with standard error and lower limit."""
    case = R["emmeans-warp"]
    want = case["expected"]
    design, y = categories(case, ["wool", "tension"], "breaks")
    found = fit(design, y, model="wool * tension")
    cells = list(itertools.product("AB", "HLM"))
    told = found.predict({"wool": [w for w, _ in cells], "tension": [t for _, t in cells]})
    assert told.mean == pytest.approx(want["em"], rel=1e-9)
    assert told.interval.low == pytest.approx(want["lo"], rel=1e-6)
    assert not told.outside.any()


def test_scheffe_mixture_as_in_r() -> None:
    """R: mix-fit (Cornell's yarn): coefficients, standard errors, sigma of a model without a constant."""
    case = R["mix-fit"]
    data, want = case["inputs"], case["expected"]
    a, b = np.array(data["x1"]), np.array(data["x2"])
    x = np.column_stack([a, b, 1 - a - b])
    design = make_design("mixture", tuple(Factor(n, kind="mixture") for n in ("x1", "x2", "x3")), x, rng=1)
    found = fit(design, data["y"], model="quadratic")
    assert found.labels == ("x1", "x2", "x3", "x1:x2", "x1:x3", "x2:x3")
    assert found.estimate == pytest.approx(want["coef"], rel=1e-9)
    assert found.standard_error == pytest.approx(want["se"], rel=1e-9)
    assert found.sigma == pytest.approx(want["sigma"], rel=1e-9)
    # the shares sum to one, so the constant is in the model though not written: R2 about the mean
    y = np.array(data["y"])
    assert found.r2 == pytest.approx(1 - 9 * want["sigma"] ** 2 / ((y - y.mean()) ** 2).sum())
    first = found.anova_type("I")
    assert first[0].source == "linear mixture" and first[0].df == 2
    linear = sm.OLS(y, x).fit()
    assert first[0].ss == pytest.approx(((y - y.mean()) ** 2).sum() - linear.ssr)
    assert sum(r.ss or 0.0 for r in first[:5]) == pytest.approx(((y - y.mean()) ** 2).sum())


# ---- statsmodels ----


def test_diagnostics_as_in_statsmodels() -> None:
    """statsmodels OLS influence, likelihood, on 25 random runs with blocks."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, (25, 3))
    y = 40 + x @ [3, -2, 1] + rng.normal(size=25)
    block = np.repeat([1, 2, 3, 4, 5], 5)
    found = fit(make_design("random", as_factors(3), x, rng=2, block=block), y, model="interactions")
    exog = np.column_stack([found.rows(x)[:, :7], *[(block == b) * 1.0 - (block == 1) for b in (2, 3, 4, 5)]])
    ols = sm.OLS(y, exog).fit()
    seen = ols.get_influence()
    assert found.estimate == pytest.approx(ols.params)
    assert found.p == pytest.approx(ols.pvalues)
    assert found.interval.low == pytest.approx(ols.conf_int()[:, 0])
    assert found.fitted.log_likelihood == pytest.approx(ols.llf)
    k = 12
    assert found.aicc == pytest.approx(-2 * ols.llf + 2 * k + 2 * k * (k + 1) / (25 - k - 1))
    d = found.diagnostics
    assert d.studentized == pytest.approx(seen.resid_studentized_internal)
    assert d.deleted == pytest.approx(seen.resid_studentized_external)
    assert d.cook == pytest.approx(seen.cooks_distance[0])
    assert d.dffits == pytest.approx(seen.dffits[0])
    auxiliary = [1 / (1 - sm.OLS(exog[:, j], np.delete(exog, j, axis=1)).fit().rsquared) for j in range(1, 11)]
    assert found.vif[1:] == pytest.approx(auxiliary)
    for contrast in (np.eye(11)[1:4], np.eye(11)[7:]):
        test = ols.f_test(contrast)
        assert found.fitted.wald(contrast)[0] == pytest.approx(float(test.fvalue))
    rows = {r.source: r for r in found.anova_type("III")}
    assert rows["block"].f == pytest.approx(float(ols.f_test(np.eye(11)[7:]).fvalue))
    assert rows["block"].p == pytest.approx(float(ols.f_test(np.eye(11)[7:]).pvalue))


def test_the_order_of_runs() -> None:
    """Durbin-Watson's mean and variance by plain matrices, the slope by one more column."""
    rng = np.random.default_rng(9)
    x = rng.uniform(-1, 1, (20, 2))
    y = x[:, 0] + rng.normal(size=20)
    design = make_design("random", as_factors(2), x, rng=4)
    found = fit(design, y, model="linear").diagnostics.run_order
    assert found is not None
    order = design.run_order
    xo, yo = np.column_stack([np.ones(20), x])[order], y[order]
    hat = xo @ np.linalg.inv(xo.T @ xo) @ xo.T
    m = np.eye(20) - hat
    e = m @ yo
    assert found.durbin_watson == pytest.approx(sm.stats.durbin_watson(e))
    assert found.autocorrelation == pytest.approx(sum(e[1:] * e[:-1]) / sum(e * e))
    wider = sm.OLS(yo, np.column_stack([xo, np.arange(20)])).fit()
    assert found.slope == pytest.approx(wider.params[-1])
    assert found.t == pytest.approx(wider.tvalues[-1])
    assert found.p == pytest.approx(wider.pvalues[-1])
    # distribution of the statistic by a large simulation of the same model
    z = rng.normal(size=(200_000, 20)) @ m
    simulated = (np.diff(z, axis=1) ** 2).sum(axis=1) / (z * z).sum(axis=1)
    below = float((simulated <= found.durbin_watson).mean())
    assert found.p_durbin_watson == pytest.approx(2 * min(below, 1 - below), abs=0.01)
