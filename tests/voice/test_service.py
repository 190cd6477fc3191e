"""Handling time: published ranks, scipy for t on logarithms, groups, bad input."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats.errors import DataError, TooFewData
from qstats.voice.service.handling import handling_time

RNG = np.random.default_rng(8)
TIMES = np.round(RNG.lognormal(1.5, 0.6, 100), 3)


def test_three_ways_to_say_how_long():
    r = handling_time(TIMES)
    t = stats.t.interval(0.95, 99, TIMES.mean(), stats.sem(TIMES))
    assert (r.mean.interval.low, r.mean.interval.high) == pytest.approx(t, rel=1e-10)
    logs = np.log(TIMES)
    g = np.exp(stats.t.interval(0.95, 99, logs.mean(), stats.sem(logs)))
    assert r.geometric_mean.estimate == pytest.approx(stats.gmean(TIMES))
    assert (r.geometric_mean.interval.low, r.geometric_mean.interval.high) == pytest.approx(tuple(g), rel=1e-10)
    p90 = r.quantiles[1]
    # n = 100, p90: ranks 84 and 96 (Hahn & Meeker 1991, section 5.2).
    assert (p90.interval.low, p90.interval.high) == (np.sort(TIMES)[83], np.sort(TIMES)[95])
    assert p90.estimate == pytest.approx(float(stats.mstats.mquantiles(TIMES, 0.9, alphap=1 / 3, betap=1 / 3)[0]))
    assert r.median is r.quantiles[0]
    assert {"mean", "geometric mean", "median", "p90"} <= set(r.to_frame().columns)


def test_zero_times_have_no_geometric_mean():
    r = handling_time([0.0, 1.0, 2.0])
    assert r.geometric_mean is None
    assert "zero-times" in {n.code for n in r.notes}
    assert "geometric" not in r.summary().split("[")[0]


def test_skewed_times_are_told_and_bootstrapped():
    skewed = np.r_[np.ones(28), 2.0, 500.0]
    g1 = float(stats.skew(skewed))
    assert 25 * g1**2 > 30  # Cochran's rule
    r = handling_time(skewed)
    assert "skewed" in {n.code for n in r.notes}
    b = handling_time(TIMES, method="bootstrap-t", resamples=999, rng=1)
    assert "999 resamples" in b.mean.method
    assert "skewed" not in {n.code for n in b.notes}
    assert b.mean.interval.low == handling_time(TIMES, method="bootstrap-t", resamples=999, rng=1).mean.interval.low


def test_groups():
    frame = pd.DataFrame({"用时": TIMES, "团队": ["甲", "乙"] * 50})
    t = handling_time(frame, values="用时", by="团队")
    assert t.segments == ("乙", "甲")
    for name, r in zip(t.segments, t.results, strict=True):
        one = handling_time(TIMES[frame["团队"].to_numpy() == name])
        assert r.mean.estimate == one.mean.estimate
        assert r.median.interval.high == one.median.interval.high
    assert list(t.to_frame()["n"]) == [50, 50]
    assert t.total.n == 100
    assert "乙" in t.summary()
    with_zero = handling_time({"x": [0.0, 1.0, 2.0, 3.0], "g": ["a", "a", "b", "b"]}, values="x", by="g")
    assert with_zero.to_frame()["geometric mean"].isna().tolist() == [True, False]


def test_missing_and_few():
    with pytest.raises(DataError, match=r"data missing: 1 of 3 \(row 1\)"):
        handling_time([1.0, np.nan, 2.0])
    r = handling_time([1.0, np.nan, 2.0], missing="drop", by=["a", None, "a"])
    assert r.segments == ("a",)
    with pytest.raises(TooFewData, match="group 'b' has 1 time"):
        handling_time([1.0, 2.0, 3.0], by=["a", "a", "b"])
    with pytest.raises(TooFewData):
        handling_time([])
    with pytest.raises(DataError, match="negative time"):
        handling_time([1.0, -2.0])
    with pytest.raises(DataError, match="values: got 'x'"):
        handling_time([1.0, 2.0], values="x")
    with pytest.raises(DataError, match="values: is missing"):
        handling_time({"x": [1.0]})
    for bad in ((), "0.5", 0.5, (0.5, 1.0), (0,)):
        with pytest.raises(DataError, match="quantiles"):
            handling_time([1.0, 2.0], quantiles=bad)
    with pytest.raises(DataError, match="resamples"):
        handling_time([1.0, 2.0], resamples=99)
    with pytest.raises(DataError, match="ask for it"):
        _ = handling_time([1.0, 2.0], quantiles=(0.9,)).median


def test_equal_times_and_few_for_a_limit():
    r = handling_time([5.0] * 4)
    assert (r.mean.estimate, r.median.estimate) == (5.0, 5.0)
    assert "no-scatter" in {n.code for n in r.notes}
    assert math.isinf(handling_time([1.0, 2.0, 3.0]).quantiles[1].interval.high)
    assert "no-limit" in {n.code for n in handling_time([1.0, 2.0, 3.0]).notes}
