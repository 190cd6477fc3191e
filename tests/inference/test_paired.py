"""Paired means: R, Fisher's published example, scipy's exact permutation, plain enumeration."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.inference.means.paired import compare_paired_means

REFERENCE = Path(__file__).parents[1] / "reference" / "means_times.json"
CASES = {c["id"]: c for c in json.loads(REFERENCE.read_text(encoding="utf-8"))["cases"]}
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]  # eighths of an inch

small = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=9)


@pytest.mark.parametrize("case", ["paired-3", "paired-4", "paired-5"])
def test_t_equals_r(case: str) -> None:
    i, e = CASES[case]["inputs"], CASES[case]["expected"]["t"]
    r = compare_paired_means(i["x"], i["y"])
    assert (r.statistic, r.pvalue, r.interval.low, r.interval.high) == pytest.approx(e, rel=1e-9)
    assert r.df == len(i["x"]) - 1


def test_fisher_1935() -> None:
    # The Design of Experiments, section 21: 1726 of 32768 sign patterns as extreme, 5.267 per cent; t gives 4.970.
    r = compare_paired_means(DARWIN, [0] * 15, method="sign-flip")
    assert r.pvalue * 2**15 == pytest.approx(1726, abs=1e-6)
    assert compare_paired_means(DARWIN, [0] * 15).pvalue == pytest.approx(0.0497, abs=5e-5)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
@pytest.mark.parametrize("null", [0.0, 15.5])
def test_sign_flip_equals_scipy(alternative: str, null: float) -> None:
    theirs = stats.permutation_test(
        (np.array(DARWIN) - null,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative=alternative
    )
    r = compare_paired_means(DARWIN, [0] * 15, method="sign-flip", null=null, alternative=alternative)
    assert r.pvalue == pytest.approx(theirs.pvalue, rel=1e-12)


def _plain(d: list[float], null: float) -> tuple[float, float]:
    """Count sign patterns one by one: share with a sum at most, and at least, the one seen."""
    seen = sum(v - null for v in d)
    sums = [
        sum(s * (v - null) for s, v in zip(signs, d, strict=True))
        for signs in itertools.product((1, -1), repeat=len(d))
    ]
    low = sum(v <= seen + 1e-9 for v in sums) / len(sums)
    return low, sum(v >= seen - 1e-9 for v in sums) / len(sums)


@given(small, st.integers(-20, 20).map(lambda v: v / 4), st.sampled_from([0.5, 0.8, 0.95]))
def test_sign_flip_equals_plain_enumeration_and_agrees_with_its_interval(
    rows: list[tuple[int, int]], null: float, confidence: float
) -> None:
    x, x0 = zip(*rows, strict=True)
    low, high = _plain([a - b for a, b in rows], null)
    for alternative, p in (("two-sided", min(1.0, 2 * min(low, high))), ("less", low), ("greater", high)):
        r = compare_paired_means(x, x0, method="sign-flip", null=null, alternative=alternative, confidence=confidence)
        assert r.pvalue == pytest.approx(p, abs=1e-12)
        if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-9:
            assert (r.pvalue < 1.0 - confidence) == (null not in r.interval)


def test_few_pairs_have_no_limit() -> None:
    five = compare_paired_means([1, 2, 3, 4, 5.5], [0] * 5, method="sign-flip")
    assert (five.interval.low, five.interval.high) == (-math.inf, math.inf)
    assert five.pvalue == 2 / 2**5
    assert five.notes[0].code == "no-limit"
    six = compare_paired_means([1, 2, 3, 4, 5.5, 7], [0] * 6, method="sign-flip")
    assert (six.interval.low, six.interval.high) == (1.0, 7.0)  # the least and the largest subset mean


def test_many_pairs_by_random_patterns() -> None:
    """Close to random signs drawn by hand, within their error, and for normal differences to t."""
    rng = np.random.default_rng(12)
    d = rng.normal(0.3, 1.0, 60)
    r = compare_paired_means(d, np.zeros(60), method="sign-flip", resamples=19_999, rng=4)
    turned = rng.choice([-1.0, 1.0], size=(20_000, 60)) @ d
    by_hand = 2 * float(np.mean(turned >= d.sum()))
    assert r.pvalue == pytest.approx(by_hand, abs=4 * math.sqrt(2 * 2 * by_hand / 20_000))
    t = compare_paired_means(d, np.zeros(60))
    assert r.interval.low == pytest.approx(t.interval.low, abs=0.03)
    assert r.interval.high == pytest.approx(t.interval.high, abs=0.03)
    assert "19999 random patterns" in r.method
    for null in (0.01, 0.2, 0.6):
        at = compare_paired_means(d, np.zeros(60), method="sign-flip", resamples=999, rng=4, null=null)
        assert (at.pvalue < 1 - 0.95) == (null not in at.interval)


@given(small)
def test_swap_and_nesting(rows: list[tuple[int, int]]) -> None:
    x, x0 = zip(*rows, strict=True)
    for method in ("t", "sign-flip"):
        a, b = compare_paired_means(x, x0, method=method), compare_paired_means(x0, x, method=method)
        assert a.pvalue == pytest.approx(b.pvalue, abs=1e-9)
        assert a.interval.low == pytest.approx(-b.interval.high, abs=1e-9)
        wide = compare_paired_means(x, x0, method=method, confidence=0.99).interval
        assert wide.low <= a.interval.low and a.interval.high <= wide.high


def test_offset_and_no_scatter() -> None:
    x, x0 = np.array([3.0, 4.0, 7.0, 5.0]), np.array([2.0, 2.0, 4.0, 5.0])
    far = compare_paired_means(x + 1e12, x0 + 1e12)
    assert far.pvalue == pytest.approx(compare_paired_means(x, x0).pvalue, rel=1e-12)
    same = compare_paired_means([2.0, 3.0], [1.0, 2.0])
    assert (same.estimate, same.pvalue, same.notes[0].code) == (1.0, 1.0, "no-scatter")
    assert (same.interval.low, same.interval.high) == (-math.inf, math.inf)
    # sign flips need no estimate of an error: eight equal rises are 2 of 2**8 patterns
    flips = compare_paired_means([2.0, 3.0] * 4, [1.0, 2.0] * 4, method="sign-flip")
    assert (flips.pvalue, flips.interval.low, flips.interval.high) == (2 / 2**8, 1.0, 1.0)
    none = compare_paired_means([2.0, 3.0], [2.0, 3.0], method="sign-flip")
    assert none.pvalue == 1.0


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([1, 2, 3], [1, 2]), {}, "x0: 2 values came for 3"),
        (([1, None], [1, 2]), {}, "x: missing"),
        (([1, 2], [1, 2]), {"method": "wilcoxon"}, "method"),
        (([1, 2], [1, 2]), {"rng": 1}, "draws nothing"),
        (([1, 2], [1, 2]), {"rng": 1, "method": "sign-flip"}, "all sign patterns are counted"),
        ((range(30), range(30)), {"resamples": 9, "method": "sign-flip"}, "resamples: got 9"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_paired_means(*args, **kwargs)


def test_one_pair_is_too_few() -> None:
    with pytest.raises(TooFewData):
        compare_paired_means([1.0], [2.0])
