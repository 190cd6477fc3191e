"""Times: scipy on logarithms, the parts they are made of, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.inference.means.means import compare_means
from qstats.inference.times.quantiles import compare_quantiles
from qstats.inference.times.times import compare_times

AFTER = [2.0, 3.5, 1.0, 4.0, 2.5, 9.0]
BEFORE = [6.0, 9.0, 4.5, 15.0, 7.0]
tickets = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=2, max_size=15)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_geometric_mean_ratio_is_welch_on_logarithms(alternative: str) -> None:
    r = compare_times(AFTER, BEFORE, alternative=alternative)
    theirs = stats.ttest_ind(np.log(AFTER), np.log(BEFORE), equal_var=False, alternative=alternative)
    limits = theirs.confidence_interval()
    assert r.pvalue == pytest.approx(theirs.pvalue, rel=1e-10)
    assert (r.interval.low, r.interval.high) == pytest.approx((math.exp(limits.low), math.exp(limits.high)), rel=1e-10)
    assert r.estimate == pytest.approx(stats.gmean(AFTER) / stats.gmean(BEFORE), rel=1e-12)
    assert r.values == pytest.approx((stats.gmean(AFTER), stats.gmean(BEFORE)), rel=1e-12)
    assert r.null == 1.0
    margin = compare_times(AFTER, BEFORE, null=1.25, alternative="less")
    shifted = stats.ttest_ind(np.log(AFTER), np.log(BEFORE) + math.log(1.25), equal_var=False, alternative="less")
    assert margin.pvalue == pytest.approx(shifted.pvalue, rel=1e-10)


def test_the_other_measures_are_their_own_functions() -> None:
    mean = compare_times([0.0, *AFTER], BEFORE, measure="mean_ratio", resamples=499, rng=3)
    same = compare_means([0.0, *AFTER], BEFORE, effect="mean_ratio", method="bootstrap-t", resamples=499, rng=3)
    assert (mean.interval, mean.pvalue) == (same.interval, same.pvalue)
    assert mean.estimate == pytest.approx((22.0 / 7) / (41.5 / 5), rel=1e-12)
    nine = compare_times(AFTER, BEFORE, measure="quantile_difference", q=0.75, closed=[True] * 6)
    assert nine.interval == compare_quantiles(AFTER, BEFORE, 0.75).interval
    assert compare_times(AFTER, BEFORE, measure="quantile_difference").estimate == pytest.approx(3.0 - 7.0)


def test_everything_ended_before_the_horizon() -> None:
    r = compare_times(AFTER, BEFORE, measure="rmst_difference", horizon=100.0)
    assert r.estimate == pytest.approx(np.mean(AFTER) - np.mean(BEFORE), rel=1e-12)
    assert r.notes[0].code == "horizon-not-reached"


def test_nothing_ended_before_the_horizon() -> None:
    r = compare_times([5.0, 6.0], [7.0, 9.0], closed=[0, 0], closed0=[0, 0], measure="rmst_ratio", horizon=5.0)
    assert (r.estimate, r.pvalue) == (1.0, 1.0)
    assert r.notes[0].code == "no-scatter"
    assert (r.interval.low, r.interval.high) == (0.0, math.inf)


def test_equal_times_are_no_information() -> None:
    geometric = compare_times([2.0] * 5, [4.0] * 9)
    assert geometric.estimate == pytest.approx(0.5, rel=1e-15)
    assert (geometric.pvalue, geometric.interval.low, geometric.interval.high) == (1.0, 0.0, math.inf)
    to_end = compare_times([2.0] * 5, [4.0] * 9, measure="rmst_difference", horizon=10.0)
    assert (to_end.estimate, to_end.pvalue, to_end.interval.low, to_end.interval.high) == (-2.0, 1.0, -10.0, 10.0)
    for r in (geometric, to_end):
        assert "no-scatter" in {n.code for n in r.notes if n.severity == "serious"}


@given(tickets, tickets, st.sampled_from(["rmst_difference", "rmst_ratio"]), st.floats(0.2, 3.0))
def test_p_and_interval_agree_and_swap(a: list[Any], b: list[Any], measure: str, null: float) -> None:
    (t, c), (t0, c0) = (zip(*rows, strict=True) for rows in (a, b))
    horizon = float(min(max(t), max(t0)))
    options: dict[str, Any] = {"measure": measure, "horizon": horizon}
    if measure == "rmst_difference":
        null = min(null, horizon)  # beyond it a difference cannot be, and is refused
    r = compare_times(t, t0, closed=c, closed0=c0, null=null, **options)
    if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-9 and abs(null) < horizon:
        assert (r.pvalue < 1.0 - 0.95) == (null not in r.interval)
    forth = compare_times(t, t0, closed=c, closed0=c0, **options)
    back = compare_times(t0, t, closed=c0, closed0=c, **options)
    assert forth.pvalue == pytest.approx(back.pvalue, abs=1e-9)
    mirrored = -back.estimate if measure == "rmst_difference" else 1.0 / back.estimate
    assert forth.estimate == pytest.approx(mirrored, rel=1e-9, abs=1e-12)
    wide = compare_times(t, t0, closed=c, closed0=c0, confidence=0.99, **options).interval
    assert wide.low <= forth.interval.low <= forth.interval.high <= wide.high


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([1, -2], [1, 2]), {}, "time: -2.0 at position 1; negative time: closed before opened"),
        (([1, 2], [1, -2]), {"measure": "rmst_ratio", "horizon": 1}, "time0: .*closed before opened"),
        (([0, 2], [1, 2]), {}, "time: 1 of 2 are zero"),
        (([1, 2], [1, 2]), {"closed": [True, False]}, "closed: 1 of 2 are still open.*rmst_difference"),
        (([1, 2], [1, 2]), {"closed0": [0, 1], "measure": "mean_ratio"}, "closed0: 1 of 2"),
        (([1, 2], [1, 2]), {"measure": "rmst_ratio"}, "horizon: not given"),
        (([1, 2], [1, 2]), {"horizon": 3}, "horizon: given with measure='geometric_mean_ratio'"),
        (([1, 2], [1, 2]), {"q": 0.9}, "q: given"),
        (([1, 2], [1, 2]), {"rng": 9}, "rng: given"),
        (([1, 2], [1, 2]), {"measure": "median"}, "measure: got 'median'"),
        (([1, 2], [1, 2]), {"null": 0.0}, "null"),
        (([1, 2], [1, 2]), {"measure": "rmst_ratio", "horizon": -1}, "horizon: got -1"),
        (([1, 2], [3, 4]), {"measure": "rmst_ratio", "horizon": 3, "closed": [1, 0]}, "longest time seen is 2"),
        (([0, 0], [3, 4]), {"measure": "rmst_ratio", "horizon": 3}, "time zero altogether"),
        ((["3 days", 2], [1, 2]), {}, "time: got text"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_times(*args, **kwargs)


def test_one_value_is_too_few_for_a_scatter() -> None:
    with pytest.raises(TooFewData, match="time0"):
        compare_times([1.0, 2.0], [3.0])


@pytest.mark.parametrize("null", [10.5, -10.5, 1e9])
def test_a_null_that_the_horizon_rules_out_is_refused(null: float) -> None:
    times = [1.0, 4.0, 12.0], [2.0, 11.0, 13.0]
    with pytest.raises(DataError, match=r"null: got .*horizon of 10 .*-10 to 10 is wanted"):
        compare_times(*times, measure="rmst_difference", horizon=10.0, null=null)
    compare_times(*times, measure="rmst_difference", horizon=10.0, null=math.copysign(10.0, null))
    compare_times(*times, measure="rmst_ratio", horizon=10.0, null=abs(null))
