"""Paired proportions: R's McNemar tests, Tango's definition maximised numerically, p and interval agree."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from qstats.errors import DataError
from qstats.inference.comparison import Comparisons
from qstats.inference.paired_proportions import compare_paired_proportions

CASES = {
    c["id"]: c
    for c in json.loads(
        (Path(__file__).parents[1] / "reference" / "rates_proportions.json").read_text(encoding="utf-8")
    )["cases"]
}
cells = st.integers(0, 30)


def _table(case: str) -> tuple[int, int, int, int]:
    both, second, first, neither = CASES[case]["inputs"]["M"]  # column by column: row 2 of column 1 comes second
    return both, first, second, neither


@pytest.mark.parametrize("case", ["mcnemar-3", "mcnemar-4"])
def test_equals_r(case: str) -> None:
    # R 4.2.2 mcnemar.test(correct=FALSE); exact2x2 1.7.0 mcnemar.exact (central)
    both, b, c, neither = _table(case)
    expected = CASES[case]["expected"]
    p = compare_paired_proportions(both, b, c, neither).pvalue
    assert p == pytest.approx(expected["nocc"][1], rel=1e-9)
    p, ratio, low, high = (float(v) for v in expected["exact"])
    r = compare_paired_proportions(both, b, c, neither, effect="odds_ratio", method="exact")
    assert (r.pvalue, r.estimate) == pytest.approx((p, ratio), rel=1e-9)
    assert (r.interval.low, r.interval.high) == pytest.approx((low, high), rel=1e-9)


def test_midp_is_the_mcnemar_midp_of_its_authors() -> None:
    # definition of Fagerland, Lydersen & Laake (2013): exact two-sided p less the probability of the observed table
    for b, c in ((1, 7), (12, 5), (3, 9)):
        r = compare_paired_proportions(20, b, c, 20, effect="odds_ratio", method="midp")
        p = 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(b, b + c, 0.5)
        assert r.pvalue == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize("d", [-0.3, 0.0, 0.07, 0.4])
@pytest.mark.parametrize(("b", "c", "n"), [(12, 5, 87), (0, 6, 20), (9, 0, 30), (1, 1, 50)])
def test_score_is_at_the_maximum_of_the_likelihood(b: int, c: int, n: int, d: float) -> None:
    def minus(q: float) -> float:
        rest = n - b - c
        return -sum(k * math.log(p) for k, p in ((b, q + d), (c, q), (rest, 1 - 2 * q - d)) if k)

    low, high = max(0.0, -d), (1 - d) / 2
    q = optimize.minimize_scalar(minus, bounds=(low + 1e-13, high - 1e-13), method="bounded", options={"xatol": 1e-13})
    variance = (2 * q.x + d - d * d) / n
    z = compare_paired_proportions(0, b, c, n - b - c, null=d).statistic
    assert z == pytest.approx(((b - c) / n - d) / math.sqrt(max(variance, 1e-15)), rel=1e-4, abs=1e-4)


def test_nobody_changed() -> None:
    # Tango (1998), section 3: with b = c = 0 the score is n d / sqrt(n d (1 - d)), so the limits are +-z^2/(n + z^2)
    z2 = float(stats.chi2.ppf(0.95, 1))
    r = compare_paired_proportions(20, 0, 0, 20)
    assert r.pvalue == 1.0
    assert (r.interval.low, r.interval.high) == pytest.approx((-z2 / (40 + z2), z2 / (40 + z2)), rel=1e-9)
    r = compare_paired_proportions(20, 0, 0, 20, effect="odds_ratio")
    assert math.isnan(r.estimate)
    assert (r.pvalue, r.interval.low, r.interval.high, r.notes[0].code) == (1.0, 0.0, math.inf, "no-information")


def test_same_numbers_as_a_net_score() -> None:
    # the trinomial score interval of a net share, computed elsewhere for (15, 25, 60), (0, 3, 9) and (50, 0, 50):
    # bisection of |p - d - n delta| = z sqrt(n (2 q + delta (1 - delta)))
    for (less, same, more), expected in {
        (15, 25, 60): (0.292569, 0.581257),
        (0, 3, 9): (0.325635, 0.911058),
        (50, 0, 50): (-0.192337, 0.192337),
    }.items():
        r = compare_paired_proportions(0, more, less, same)
        assert (r.interval.low, r.interval.high) == pytest.approx(expected, abs=6e-7)


@given(cells, cells, cells, cells, st.sampled_from(["two-sided", "less", "greater"]), st.sampled_from(
    [("difference", "score"), ("risk_ratio", "score"), *(("odds_ratio", m) for m in ("score", "midp", "exact"))]
))  # fmt: skip
@settings(max_examples=80)
def test_p_inverts_the_interval(a: int, b: int, c: int, d: int, alternative: str, kind: tuple[str, str]) -> None:
    assume(a + b + c + d > 0)
    effect, method = kind
    r = compare_paired_proportions(a, b, c, d, effect=effect, method=method, alternative=alternative)
    assert 0.0 <= r.pvalue <= 1.0
    if math.isnan(r.estimate):
        assert (r.pvalue, r.interval.low, r.interval.high) == (1.0, 0.0, math.inf)
        return
    assert r.interval.low - 1e-12 <= r.estimate <= r.interval.high + 1e-12
    for limit in (r.interval.low, r.interval.high):
        if (abs(limit) < 0.999 if effect == "difference" else 1e-9 < limit < 1e9) and abs(limit - r.estimate) > 1e-7:
            again = compare_paired_proportions(
                a, b, c, d, effect=effect, method=method, alternative=alternative, null=limit
            )
            assert again.pvalue == pytest.approx(0.05, abs=1e-7)


@given(cells, cells, cells, cells)
@settings(max_examples=40)
def test_swapping_and_nesting(a: int, b: int, c: int, d: int) -> None:
    assume(a + b + c + d > 0)
    one, two = compare_paired_proportions(a, b, c, d), compare_paired_proportions(a, c, b, d)
    assert one.pvalue == pytest.approx(two.pvalue, rel=1e-10)
    assert one.interval.low == pytest.approx(-two.interval.high, abs=1e-12)
    wide = compare_paired_proportions(a, b, c, d, confidence=0.99).interval
    assert wide.low <= one.interval.low + 1e-12
    assert one.interval.high <= wide.high + 1e-12


def test_ratio_equals_published() -> None:
    # R package contingencytables 3.0.0, Tang_asymptotic_score_CI_paired_2x2: its test of Cavo et al. (2012), complete
    # response before and after consolidation therapy; McNemar's asymptotic test there: p 0.033006, z -2.132
    r = compare_paired_proportions(59, 6, 16, 80, effect="risk_ratio")
    assert r.estimate == pytest.approx(0.8667, abs=5e-5)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.7476, 0.9876), abs=5e-5)
    assert (r.pvalue, r.statistic) == pytest.approx((0.033006, -2.132), abs=5e-4)


@pytest.mark.parametrize("ratio", [0.05, 0.6, 1.0, 1.3, 9.0])
@pytest.mark.parametrize(
    ("a", "b", "c", "d"), [(30, 12, 5, 40), (0, 6, 3, 9), (8, 0, 4, 2), (5, 3, 0, 0), (0, 0, 4, 7)]
)
def test_ratio_score_is_at_the_maximum_of_the_likelihood(ratio: float, a: int, b: int, c: int, d: int) -> None:
    # three free cells in mpmath: p_both = x, p_only0 = y, p_only = (ratio - 1) x + ratio y, neither the rest
    n = a + b + c + d

    def minus(v: np.ndarray) -> float:
        x, y = v
        cells_ = (x, (ratio - 1) * x + ratio * y, y, 1 - ratio * (x + y) - y)
        if min(cells_) < 0:
            return 1e9
        return -sum(k * math.log(max(p, 1e-300)) for k, p in zip((a, b, c, d), cells_, strict=True) if k)

    best = min(
        (
            optimize.minimize(minus, start, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-13})
            for start in ((0.02, 0.02), (0.01, 0.06), (0.001, 0.09), (0.06, 0.03))
        ),
        key=lambda found: found.fun,
    )
    x, y = best.x
    variance = n * ratio * ((ratio - 1) * x + ratio * y + y)
    z = compare_paired_proportions(a, b, c, d, effect="risk_ratio", null=ratio).statistic
    assert z == pytest.approx((a + b - ratio * (a + c)) / math.sqrt(max(variance, 1e-15)), rel=2e-3, abs=1e-3)


def test_ratio_at_the_ends() -> None:
    # by hand: without `both` and `only0` the score at f is sqrt(only / f), without changes -sqrt(both (f - 1))
    z2 = float(stats.chi2.ppf(0.95, 1))
    r = compare_paired_proportions(0, 5, 0, 10, effect="risk_ratio")
    assert (r.estimate, r.interval.high) == (math.inf, math.inf)
    assert r.interval.low == pytest.approx(5 / z2, rel=1e-9)
    r = compare_paired_proportions(0, 0, 5, 10, effect="risk_ratio")
    assert (r.estimate, r.interval.low) == (0.0, 0.0)
    assert r.interval.high == pytest.approx(z2 / 5, rel=1e-9)
    r = compare_paired_proportions(7, 0, 0, 3, effect="risk_ratio")
    assert (r.estimate, r.pvalue) == (1.0, 1.0)
    assert (r.interval.low, r.interval.high) == pytest.approx((1 / (1 + z2 / 7), 1 + z2 / 7), rel=1e-9)
    r = compare_paired_proportions(0, 0, 0, 9, effect="risk_ratio")
    assert math.isnan(r.estimate)
    assert (r.pvalue, r.interval.low, r.interval.high, r.notes[0].code) == (1.0, 0.0, math.inf, "no-information")


@given(cells, cells, cells, cells, st.sampled_from([0.5, 0.9, 0.99]))
@settings(max_examples=60)
def test_ratio_swaps_and_nests(a: int, b: int, c: int, d: int, confidence: float) -> None:
    assume(a + b + c > 0)
    one = compare_paired_proportions(a, b, c, d, effect="risk_ratio", confidence=confidence)
    two = compare_paired_proportions(a, c, b, d, effect="risk_ratio", confidence=confidence)
    assert one.pvalue == pytest.approx(two.pvalue, rel=1e-10)
    if one.interval.low > 0:
        assert one.interval.low == pytest.approx(1 / two.interval.high, rel=1e-10)
    else:
        assert two.interval.high == math.inf
    # the units without the event under both say nothing of the ratio
    assert (
        one.interval
        == compare_paired_proportions(a, b, c, 2 * d + 1, effect="risk_ratio", confidence=confidence).interval
    )
    wide = compare_paired_proportions(a, b, c, d, effect="risk_ratio", confidence=0.5 + confidence / 2).interval
    assert wide.low <= one.interval.low * (1 + 1e-12)
    assert one.interval.high <= wide.high * (1 + 1e-12)


def test_ratio_of_huge_counts() -> None:
    # one in 1e6 of 4e12 units: the limits are those of the normal approximation of the log ratio
    a, b, c = 2_000_000, 1_000_500, 1_000_000
    r = compare_paired_proportions(a, b, c, 4_000_000_000_000, effect="risk_ratio")
    se = math.sqrt((b + c) / ((a + b) * (a + c)))
    assert math.log(r.interval.high / r.estimate) == pytest.approx(1.959964 * se, rel=1e-3)
    assert math.log(r.estimate / r.interval.low) == pytest.approx(1.959964 * se, rel=1e-3)


def test_a_column_is_its_rows() -> None:
    rng = np.random.default_rng(5)
    a, b, c, d = rng.poisson(4.0, (4, 30))
    a += 1
    for effect, method in (("difference", "score"), ("risk_ratio", "score"), ("odds_ratio", "midp")):
        many = compare_paired_proportions(a, b, c, d, effect=effect, method=method)
        assert isinstance(many, Comparisons)
        for i in range(30):
            one = compare_paired_proportions(*(int(v[i]) for v in (a, b, c, d)), effect=effect, method=method)
            assert many.pvalue[i] == pytest.approx(one.pvalue, rel=1e-12)
            assert many.interval.high[i] == pytest.approx(one.interval.high, rel=1e-11)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((0, 0, 0, 0), {}, "all are 0"),
        (([1, 0], 0, 0, 0), {}, "at position 1"),
        ((1, -1, 0, 0), {}, "only: got -1"),
        ((1, 1, 0.5, 0), {}, "only0: got 0.5"),
        ((1, 1, 1, 1), {"method": "exact"}, "is for effect='odds_ratio'"),
        ((1, 1, 1, 1), {"effect": "hazard_ratio"}, "effect"),
        ((1, 1, 1, 1), {"effect": "risk_ratio", "method": "midp"}, "the ratio is by 'score'"),
        ((1, 1, 1, 1), {"effect": "risk_ratio", "null": 0.0}, "null"),
        ((1, 1, 1, 1), {"null": 1.0}, "null"),
        ((1, 1, 1, 1), {"effect": "odds_ratio", "null": 0.0}, "null"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_paired_proportions(*args, **kwargs)
