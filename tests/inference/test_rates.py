"""Two rates: R and published numbers, agreement of p and interval, zero counts, calibration by enumeration."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats import compare_rates, ratio_of_rate_ratios
from qstats.errors import DataError

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "comparisons.json").read_text(encoding="utf-8"))[
        "cases"
    ]
}

counts = st.integers(0, 60)
exposures = st.floats(0.5, 500)
options = st.sampled_from(["midp", "exact", "score"])


def _given(case: dict[str, Any]) -> tuple[float, float, float, float]:
    i = case["inputs"]
    return i["x1"], i["t1"], i["x2"], i["t2"]


@pytest.mark.parametrize("case", ["rates-1", "rates-2", "rates-4", "rates-6"])
def test_exact_central_equals_rateratio_test(case: str) -> None:
    # R 4.2.2, exactci 1.4.5 poisson.exact(tsmethod="central"); poisson.test's own p is another procedure and not used.
    p, ratio, low, high = CASES[case]["expected"]["central"]
    r = compare_rates(*_given(CASES[case]), method="exact")
    assert r.pvalue == pytest.approx(p, rel=1e-9)
    assert r.estimate == pytest.approx(ratio, rel=1e-12)
    assert (r.interval.low, r.interval.high) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("case", ["ratesci-pois-3", "ratesci-pois-5", "ratesci-pois-6"])
def test_score_equals_ratesci(case: str) -> None:
    # R 4.2.2, ratesci 1.0.0 scoreci(skew=FALSE); its root finder stops at about 1e-6.
    expected = CASES[case]["expected"]
    r = compare_rates(*_given(CASES[case]), method="score")
    low, _, high = expected["RR"]
    assert r.interval.low == pytest.approx(float(low), rel=1e-4, abs=1e-6)
    assert r.interval.high == pytest.approx(float(high), rel=1e-4)
    low, _, high = expected["RD"]
    d = compare_rates(*_given(CASES[case]), effect="rate_difference")
    assert (d.interval.low, d.interval.high) == pytest.approx((low, high), abs=2e-6)


def test_zero_after() -> None:
    # R poisson.test/ratesci fixtures: 12 in 1000 before, none in 500 after.
    limits = {"midp": (0.0077073, 0.5671377), "exact": (0.0154147, 0.7197876), "score": (0.0143059, 0.6402431)}
    for method, (p, high) in limits.items():
        r = compare_rates(0, 500, 12, 1000, method=method)
        assert r.pvalue == pytest.approx(p, abs=5e-8)
        assert r.interval.low == 0.0
        assert r.interval.high == pytest.approx(high, abs=5e-8)


def test_p_and_interval_never_contradict_where_poisson_test_does() -> None:
    # R poisson.test(c(2, 9), c(17877, 16660)): p = 0.0331 beside an interval that holds 1 (Fay 2010);
    # rateratio.test: p = 0.0501.
    r = compare_rates(2, 17877, 9, 16660, method="exact")
    assert r.pvalue == pytest.approx(0.0501065, abs=1e-6)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.0217741, 1.0005491), abs=1e-6)


@given(counts, exposures, counts, exposures, options, st.sampled_from(["two-sided", "less", "greater"]))
def test_p_inverts_the_interval(y: int, t: float, y0: int, t0: float, method: str, alternative: str) -> None:
    r = compare_rates(y, t, y0, t0, method=method, alternative=alternative)
    assert 0.0 <= r.pvalue <= 1.0
    if y + y0 == 0:
        assert math.isnan(r.estimate)
        assert r.notes[0].code == "no-information"
        return
    assert r.interval.low <= r.estimate <= r.interval.high
    for limit in (r.interval.low, r.interval.high):
        if 1e-9 < limit < 1e9:
            again = compare_rates(y, t, y0, t0, method=method, alternative=alternative, null=limit)
            assert again.pvalue == pytest.approx(0.05, abs=1e-6)


@given(counts, exposures, counts, exposures, options)
def test_swapping_groups_inverts_the_ratio(y: int, t: float, y0: int, t0: float, method: str) -> None:
    if y + y0 == 0:
        return
    a, b = compare_rates(y, t, y0, t0, method=method), compare_rates(y0, t0, y, t, method=method)
    assert a.pvalue == pytest.approx(b.pvalue, rel=1e-9)
    if a.interval.low > 0:
        assert 1.0 / a.interval.low == pytest.approx(b.interval.high, rel=1e-8)


@given(counts, exposures, counts, exposures)
def test_intervals_nest_in_confidence(y: int, t: float, y0: int, t0: float) -> None:
    narrow, wide = (compare_rates(y, t, y0, t0, confidence=c).interval for c in (0.8, 0.99))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@pytest.mark.parametrize("method", ["midp", "exact", "score"])
def test_coverage_by_enumeration(method: str) -> None:
    """Coverage over all outcomes: exact at least 95 % by construction, mid-p and score near it."""
    for mean0, exposure, rr in ((10.0, 0.5, 1.0), (6.0, 1.0, 0.6)):
        mean = mean0 * exposure * rr
        covered = 0.0
        for y in range(20):  # beyond: less than 1e-6 of probability
            for y0 in range(30):
                if y + y0 and rr in compare_rates(y, exposure, y0, 1.0, method=method).interval:
                    covered += stats.poisson.pmf(y, mean) * stats.poisson.pmf(y0, mean0)
                elif y + y0 == 0:
                    covered += stats.poisson.pmf(0, mean) * stats.poisson.pmf(0, mean0)
        assert covered >= {"exact": 0.95, "midp": 0.94, "score": 0.92}[method]
        assert covered <= 0.996


def test_dispersion_widens_by_its_root() -> None:
    plain = compare_rates(60, 1, 100, 1, method="score")
    wide = compare_rates(60, 1, 100, 1, method="score", dispersion=4.0)
    assert plain.statistic is not None and wide.statistic is not None
    assert wide.statistic == pytest.approx(plain.statistic / 2.0, rel=1e-12)
    assert wide.interval.low < plain.interval.low
    floored = compare_rates(60, 1, 100, 1, method="score", dispersion=0.2)
    assert floored.interval == plain.interval
    assert floored.notes[0].code == "underdispersed"


def test_large_counts_and_tiny_p() -> None:
    r = compare_rates(1_000_000, 1e7, 1_100_000, 1e7)
    assert 0.0 <= r.pvalue < 1e-300
    assert r.interval.high < 1.0


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((-1, 1, 2, 1), {}, "events: got -1"),
        ((1.5, 1, 2, 1), {}, "whole number"),
        ((1, 0, 2, 1), {}, "exposure: got 0"),
        ((1, 1, 2, float("nan")), {}, "exposure0"),
        (("3", 1, 2, 1), {}, "events: got '3'"),
        ((1, 1, 2, 1), {"method": "wald"}, "method: got 'wald'"),
        ((1, 1, 2, 1), {"effect": "odds"}, "effect"),
        ((1, 1, 2, 1), {"alternative": "lower"}, "alternative"),
        ((1, 1, 2, 1), {"dispersion": 2.0}, "only method='score'"),
        ((1, 1, 2, 1), {"null": 0}, "null"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_rates(*args, **kwargs)


def test_ratio_of_rate_ratios_is_the_glm_interaction() -> None:
    """statsmodels GLM, Poisson, y ~ group * phase with offset: interaction and its standard error."""
    import numpy as np
    import statsmodels.api as sm

    # Every cell in two rows: their sums are what the model uses, and it keeps residual degrees of freedom.
    y = np.array([14.0, 16.0, 25.0, 35.0, 30.0, 25.0, 22.0, 28.0])
    t = np.array([45.0, 45.0, 50.0, 60.0, 40.0, 60.0, 30.0, 50.0])
    group, phase = np.repeat([1, 1, 0, 0], 2), np.repeat([1, 0, 1, 0], 2)
    design = np.column_stack([np.ones(8), group, phase, group * phase])
    fit = sm.GLM(y, design, family=sm.families.Poisson(), offset=np.log(t)).fit()
    r = ratio_of_rate_ratios((30, 90), (60, 110), (55, 100), (50, 80))
    low, high = np.exp(fit.conf_int()[3])
    assert r.estimate == pytest.approx(float(np.exp(fit.params[3])), rel=1e-8)
    assert (r.interval.low, r.interval.high) == pytest.approx((low, high), rel=1e-6)
    assert r.pvalue == pytest.approx(float(fit.pvalues[3]), rel=1e-6)
    with pytest.raises(DataError, match="control_before: no event"):
        ratio_of_rate_ratios((3, 1), (3, 1), (3, 1), (0, 1))
