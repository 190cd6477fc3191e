"""Many pairs of proportions, odds ratios, one proportion: R, scipy's noncentral hypergeometric, plain definitions."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from qstats import compare_proportions
from qstats.errors import DataError
from qstats.inference.comparison import Comparisons
from qstats.inference.estimate import Estimate, Estimates
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.proportion_kernels import restricted_odds

FOLDER = Path(__file__).parents[1] / "reference"
CASES = {
    c["id"]: c
    for name in ("comparisons.json", "rates_proportions.json")
    for c in json.loads((FOLDER / name).read_text(encoding="utf-8"))["cases"]
}
KINDS = [
    ("difference", "miettinen-nurminen"),
    ("difference", "mee"),
    ("difference", "newcombe"),
    ("risk_ratio", "miettinen-nurminen"),
    ("risk_ratio", "mee"),
    ("odds_ratio", "miettinen-nurminen"),
    ("odds_ratio", "mee"),
    ("odds_ratio", "exact"),
    ("odds_ratio", "midp"),
]
ALTERNATIVES = ["two-sided", "less", "greater"]


@pytest.mark.parametrize(("effect", "method"), KINDS)
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_a_column_is_its_rows(effect: str, method: str, alternative: str) -> None:
    rng = np.random.default_rng(1)
    n, n0 = rng.integers(1, 40, (2, 25))
    x, x0 = rng.binomial(n, 0.4), rng.binomial(n0, 0.3)
    x[0] = x0[0] = 0
    many = compare_proportions(x, n, x0, n0, effect=effect, method=method, alternative=alternative)
    assert isinstance(many, Comparisons)
    for i in range(25):
        row = int(x[i]), int(n[i]), int(x0[i]), int(n0[i])
        if effect != "difference" and math.isnan(many.estimate[i]):
            assert (many.pvalue[i], many.interval.low[i], many.interval.high[i]) == (1.0, 0.0, math.inf)
            continue
        one = compare_proportions(*row, effect=effect, method=method, alternative=alternative)
        assert many.pvalue[i] == pytest.approx(one.pvalue, rel=1e-10, abs=1e-300)
        assert many.estimate[i] == pytest.approx(one.estimate, rel=1e-10)
        assert many.interval.low[i] == pytest.approx(one.interval.low, rel=1e-9, abs=1e-12)
        assert many.interval.high[i] == pytest.approx(one.interval.high, rel=1e-9, abs=1e-12)
    if effect != "difference":
        assert many.notes[0].code == "no-information"


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.data(),
    st.sampled_from(KINDS),
    st.sampled_from(ALTERNATIVES),
    st.sampled_from([0.9, 0.95, 0.999]),
)
@settings(max_examples=150)
def test_p_inverts_the_interval(
    n: int, n0: int, data: st.DataObject, kind: tuple[str, str], alternative: str, confidence: float
) -> None:
    x, x0 = data.draw(st.integers(0, n)), data.draw(st.integers(0, n0))
    effect, method = kind
    assume(effect == "difference" or x + x0 > 0)
    assume(effect != "odds_ratio" or x + x0 < n + n0)
    options = {"effect": effect, "method": method, "alternative": alternative, "confidence": confidence}
    r = compare_proportions(x, n, x0, n0, **options)
    assert 0.0 <= r.pvalue <= 1.0
    slack = 1e-12 + 1e-9 * min(abs(r.estimate), 1e9)
    assert r.interval.low - slack <= r.estimate <= r.interval.high + slack
    for limit in (r.interval.low, r.interval.high):
        usable = abs(limit) < 0.999 if effect == "difference" else 1e-8 < limit < 1e8
        if usable and abs(limit - r.estimate) > 1e-6:
            again = compare_proportions(x, n, x0, n0, **options, null=limit)
            assert again.pvalue == pytest.approx(1 - confidence, abs=2e-5 if method == "newcombe" else 1e-6)


@given(st.integers(1, 30), st.integers(1, 30), st.data(), st.sampled_from(KINDS))
@settings(max_examples=80)
def test_swapping_and_nesting(n: int, n0: int, data: st.DataObject, kind: tuple[str, str]) -> None:
    x, x0 = data.draw(st.integers(0, n)), data.draw(st.integers(0, n0))
    effect, method = kind
    assume(effect == "difference" or 0 < x + x0 < n + n0)
    a = compare_proportions(x, n, x0, n0, effect=effect, method=method)
    b = compare_proportions(x0, n0, x, n, effect=effect, method=method)
    assert a.pvalue == pytest.approx(b.pvalue, rel=1e-7)
    if effect == "difference":
        assert a.interval.low == pytest.approx(-b.interval.high, abs=1e-9)
    elif a.interval.low > 1e-9:
        assert a.interval.low == pytest.approx(1 / b.interval.high, rel=1e-7)
    wide = compare_proportions(x, n, x0, n0, effect=effect, method=method, confidence=0.99).interval
    assert wide.low <= a.interval.low + 1e-9
    assert a.interval.high <= wide.high * (1 + 1e-9) + 1e-9


def test_odds_score_at_one_is_the_chi_square() -> None:
    # without N/(N-1) and at an odds ratio of 1 the score statistic is the root of Pearson's chi-square
    table = np.array([[12, 18], [9, 31]])
    chi2 = stats.chi2_contingency(table, correction=False)
    r = compare_proportions(12, 30, 9, 40, effect="odds_ratio", method="mee")
    assert r.statistic == pytest.approx(math.sqrt(chi2.statistic), rel=1e-12)
    assert r.pvalue == pytest.approx(chi2.pvalue, rel=1e-10)
    assert r.estimate == pytest.approx(12 * 31 / (18 * 9))
    inflated = compare_proportions(12, 30, 9, 40, effect="odds_ratio").statistic
    assert inflated == pytest.approx(math.sqrt(chi2.statistic * 69 / 70), rel=1e-12)


@pytest.mark.parametrize("odds", [0.01, 0.7, 1.0, 3.0, 500.0])
@pytest.mark.parametrize(("x", "n", "x0", "n0"), [(12, 30, 9, 40), (0, 10, 3, 12), (29, 30, 40, 40), (5, 5, 0, 9)])
def test_restricted_odds_maximise_the_likelihood(odds: float, x: int, n: int, x0: int, n0: int) -> None:
    def minus(w: float) -> float:  # w is the log odds in the reference group
        return -(x * (w + math.log(odds)) - n * np.logaddexp(0, w + math.log(odds)) + x0 * w - n0 * np.logaddexp(0, w))

    best = optimize.minimize_scalar(minus, bounds=(-40, 40), method="bounded", options={"xatol": 1e-12})
    p, q, p0, q0 = (float(v) for v in restricted_odds(float(x), n, float(x0), n0, odds))
    assert p0 == pytest.approx(1 / (1 + math.exp(-best.x)), abs=1e-6)
    assert (p + q, p0 + q0) == pytest.approx((1.0, 1.0), abs=1e-12)
    assert p / q == pytest.approx(odds * p0 / q0, rel=1e-9)


@pytest.mark.parametrize("case", ["prop2-1", "prop2-3", "prop2-5"])
def test_conditional_odds_ratio_equals_fisher_test(case: str) -> None:
    # R 4.2.2 fisher.test: conditional estimate and central limits (its root finder stops at about 1e-4); its two-sided
    # p is the sum of smaller probabilities and not used, the one-sided one is.
    c = CASES[case]
    i, (_, ratio, low, high) = c["inputs"], c["expected"]["fisher"]
    r = compare_proportions(i["x1"], i["n1"], i["x2"], i["n2"], effect="odds_ratio", method="exact")
    assert (r.estimate, r.interval.low, r.interval.high) == pytest.approx((ratio, low, high), rel=2e-4, abs=1e-9)
    more = compare_proportions(
        i["x1"], i["n1"], i["x2"], i["n2"], effect="odds_ratio", method="exact", alternative="greater"
    )
    assert more.pvalue == pytest.approx(c["expected"]["fisher_greater"], rel=1e-9)


@pytest.mark.parametrize(("method", "row"), [("exact", "central"), ("midp", "central_midp")])
def test_conditional_odds_ratio_equals_exact2x2(method: str, row: str) -> None:
    # R 4.2.2, exact2x2 1.7.0; the case says its limits are good to 1e-4. Its table is (x2, x1).
    c = CASES["exact2x2-2"]
    i, (p, ratio, low, high) = c["inputs"], c["expected"][row]
    r = compare_proportions(i["x2"], i["n2"], i["x1"], i["n1"], effect="odds_ratio", method=method)
    assert r.pvalue == pytest.approx(p, rel=1e-9)
    assert (r.estimate, r.interval.low, r.interval.high) == pytest.approx((ratio, low, high), rel=1e-4)


@pytest.mark.parametrize(
    ("x", "n", "x0", "n0"), [(12, 30, 9, 40), (1, 200, 30, 150), (300, 1000, 350, 1005), (4, 4, 1, 3)]
)
def test_conditional_limits_solve_their_definition(x: int, n: int, x0: int, n0: int) -> None:
    r = compare_proportions(x, n, x0, n0, effect="odds_ratio", method="exact")
    m = compare_proportions(x, n, x0, n0, effect="odds_ratio", method="midp")

    def at(odds: float) -> Any:
        return stats.nchypergeom_fisher(n + n0, n, x + x0, odds)

    if math.isfinite(r.interval.high):
        assert at(r.interval.high).cdf(x) == pytest.approx(0.025, rel=1e-7)
        assert at(m.interval.high).cdf(x) - 0.5 * at(m.interval.high).pmf(x) == pytest.approx(0.025, rel=1e-7)
        assert at(r.estimate).mean() == pytest.approx(x, rel=1e-7)
    else:
        assert math.isinf(r.estimate)
    assert at(r.interval.low).sf(x - 1) == pytest.approx(0.025, rel=1e-7)
    assert at(m.interval.low).sf(x - 1) - 0.5 * at(m.interval.low).pmf(x) == pytest.approx(0.025, rel=1e-7)


def test_one_margin_decides_nothing() -> None:
    for x, x0 in ((0, 0), (10, 12)):
        for method in ("exact", "midp", "miettinen-nurminen"):
            r = compare_proportions([x, 3], [10, 10], [x0, 5], 12, effect="odds_ratio", method=method)
            assert math.isnan(r.estimate[0])
            assert (r.pvalue[0], r.interval.low[0], r.interval.high[0]) == (1.0, 0.0, math.inf)
            assert np.isfinite(r.estimate[1])


def test_large_sizes() -> None:
    r = compare_proportions(5_000, 100_000, 5_400, 100_000, effect="odds_ratio", method="midp")
    s = compare_proportions(5_000, 100_000, 5_400, 100_000, effect="odds_ratio")
    assert r.interval.low == pytest.approx(s.interval.low, rel=1e-4)  # the normal limit
    with pytest.raises(DataError, match="use method='miettinen-nurminen'"):
        compare_proportions(10**8, 10**9, 10**8, 10**9, effect="odds_ratio", method="exact")
    d = compare_proportions(10**9, 10**10, 10**9 + 10**6, 10**10)
    se = math.sqrt(2 * 0.1 * 0.9 / 10**10)
    assert d.interval.high - d.interval.low == pytest.approx(2 * 1.959964 * se, rel=1e-3)


@pytest.mark.parametrize(
    ("method", "row"),
    [("wilson", "wilson"), ("clopper-pearson", "clopper-pearson"), ("jeffreys", "jeffreys"), ("midp", "midp")],
)
def test_one_proportion_equals_desctools(method: str, row: str) -> None:
    # R 4.2.2, DescTools 0.99.59 BinomCI; its mid-p root finder stops at about 3e-5
    c = CASES["prop1-1"]
    table = c["expected"]["ci"]
    expected = table["values"][table["rownames"].index(row)]
    r = estimate_proportion(c["inputs"]["x"], c["inputs"]["n"], method=method)
    assert isinstance(r, Estimate)
    assert (r.interval.low, r.interval.high) == pytest.approx(expected, abs=5e-5 if method == "midp" else 1e-12)


@pytest.mark.parametrize("case", ["binom-onesided-2", "binom-onesided-4", "binom-onesided-7"])
def test_one_proportion_equals_exactci(case: str) -> None:
    # R 4.2.2, exactci 1.4.5 binom.exact: central, one-sided and mid-p (its mid-p limit of 0 in 20 is 0.139086, where
    # the definition 0.5 (1 - p)**20 = 0.025 gives 1 - 0.05**(1/20) = 0.139108: good to 3e-5)
    c = CASES[case]
    x, n = c["inputs"]["x"], c["inputs"]["n"]
    e = c["expected"]
    for alternative, row in (("two-sided", "central"), ("less", "less"), ("greater", "greater")):
        i = estimate_proportion(x, n, method="clopper-pearson", alternative=alternative).interval
        assert (i.low, i.high) == pytest.approx(e[row][1:], rel=1e-9, abs=1e-12)
    i = estimate_proportion(x, n, method="midp").interval
    assert (i.low, i.high) == pytest.approx((e["midp"]["conf.int1"], e["midp"]["conf.int2"]), abs=5e-5)
    if x == 0:
        assert i.high == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-12)


@given(st.integers(1, 400), st.data(), st.sampled_from([0.025, 0.2, 1e-8]))
def test_one_proportion_midp_solves_its_definition(n: int, data: st.DataObject, error: float) -> None:
    x = data.draw(st.integers(0, n))
    i = estimate_proportion(x, n, method="midp", confidence=1 - 2 * error).interval
    if x < n:
        assert stats.binom.cdf(x, n, i.high) - 0.5 * stats.binom.pmf(x, n, i.high) == pytest.approx(error, rel=1e-6)
    if x > 0:
        assert stats.binom.sf(x - 1, n, i.low) - 0.5 * stats.binom.pmf(x, n, i.low) == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("method", ["wilson", "clopper-pearson", "jeffreys", "midp"])
def test_one_proportion_edges_and_mirror(method: str) -> None:
    r = estimate_proportion([0, 20, 3, 17], 20, method=method)
    assert isinstance(r, Estimates)
    low, high = r.interval.low, r.interval.high
    assert low[0] == 0.0
    assert high[1] == 1.0
    assert 0.0 < high[0] < 0.25
    np.testing.assert_allclose(low[1], 1 - high[0], rtol=1e-12)
    np.testing.assert_allclose([low[2], high[2]], [1 - high[3], 1 - low[3]], rtol=1e-12)
    tiny = estimate_proportion(0, 10**12, method=method).interval
    assert 0.0 < tiny.high < 1e-11


def test_jeffreys_is_the_beta_posterior() -> None:
    # Brown, Cai & DasGupta (2001), section 3.1.3
    i = estimate_proportion(3, 20, method="jeffreys").interval
    assert (i.low, i.high) == pytest.approx(stats.beta(3.5, 17.5).ppf([0.025, 0.975]), rel=1e-10)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([1, 11], 10, 5, 10), {}, "count: 11.0 at position 1"),
        (([1, 2], [10, 0], 5, 10), {}, "size: 0 at position 1"),
        ((1, 10, [1, 2], [3, 3, 3]), {}, "2 values came"),
        ((1, 10, 5, 10), {"method": "exact"}, "is for the odds_ratio"),
        ((1, 10, 5, 10), {"method": "newcombe", "effect": "odds_ratio"}, "is for the difference"),
        ((10, 10, 12, 12), {"effect": "odds_ratio"}, "nothing but events"),
        ((1, 10, 5, 10), {"effect": "odds_ratio", "null": -1}, "null"),
        ((1, 10, 5, 10), {"confidence": 95}, "confidence"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_proportions(*args, **kwargs)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((3, 2), {}, "cannot exceed"),
        ((0, 0), {}, "size: got 0"),
        ((0.5, 2), {}, "whole numbers"),
        (("1", 2), {}, "count: got '1'"),
        ((1, 2), {"method": "wald"}, "method"),
        ((1, 2), {"alternative": "up"}, "alternative"),
    ],
)
def test_bad_single_proportion(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        estimate_proportion(*args, **kwargs)


@pytest.mark.parametrize(("effect", "method"), KINDS[:7])
@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("confidence", [0.3, 0.95, 0.999999])
def test_wild_sizes_never_contradict(effect: str, method: str, alternative: str, confidence: float) -> None:
    rng = np.random.default_rng(7)
    n, n0 = np.floor(10 ** rng.uniform(0, 9, (2, 300))).astype(np.int64)
    p = rng.choice([0.0, 1e-6, 0.01, 0.5, 0.99, 1.0], 300)
    x, x0 = rng.binomial(n, p), rng.binomial(n0, np.clip(p + rng.normal(0, 0.01, 300), 0, 1))
    for null in (0.0, 0.05) if effect == "difference" else (1.0, 0.5):
        r = compare_proportions(
            x, n, x0, n0, effect=effect, method=method, alternative=alternative, confidence=confidence, null=null
        )
        assert not np.isnan(r.interval.low).any()
        assert not np.isnan(r.interval.high).any()
        clear = (np.abs(r.pvalue - (1 - confidence)) > 1e-6 * (1 - confidence)) & ~np.isnan(r.estimate)
        outside = (r.interval.low > null) | (r.interval.high < null)
        assert (outside == (r.pvalue < 1 - confidence))[clear].all()
