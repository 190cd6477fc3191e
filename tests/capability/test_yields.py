"""First-pass, throughput and rolled yield."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats as ss
from hypothesis import given
from hypothesis import strategies as st

from qstats import DataError, first_pass_yield, rolled_yield, throughput_yield


def test_first_pass_yield_counts_rework_as_not_passed() -> None:
    # R, SixSigma 0.11.1, ss.ca.yield (case yield-2): 500 in two steps, 0 + 0 scrapped, 0 + 1 reworked: FTY 0.998
    assert first_pass_yield(499, 500).estimate == 0.998
    exact = ss.binomtest(499, 500).proportion_ci(0.95)
    got = first_pass_yield(499, 500).interval
    assert (got.low, got.high) == pytest.approx((exact.low, exact.high))


def test_rolled_yield_of_the_reference() -> None:
    # R 4.2.2 (case rty): product, its k-th root, minus its logarithm
    r = rolled_yield([950, 990, 870, 999], 1000)
    assert r.estimate == pytest.approx(0.8174167649999999, rel=1e-14)
    assert r.normalized.estimate == pytest.approx(0.95084753550156, rel=1e-13)
    assert r.total_dpu.estimate == pytest.approx(0.20160619790814321, rel=1e-13)
    # R, SixSigma 0.11.1 (case yield-5): steps of 100,000 with 120 and 80 not right
    assert rolled_yield([99_880, 99_920], [100_000, 100_000]).estimate == pytest.approx(0.99800096, rel=1e-12)


def test_limits_of_the_product_by_gamma_quantiles() -> None:
    passed, n = [190, 198, 174], 200
    t = -sum(math.log(x / n) for x in passed)
    v = sum((n - x) / (n * x) for x in passed)
    w = 1 / 174
    high = ss.gamma.ppf(0.975, (t + w) ** 2 / (v + w * w), scale=(v + w * w) / (t + w))
    low = ss.gamma.ppf(0.025, t * t / v, scale=v / t)
    r = rolled_yield(passed, n)
    assert (r.interval.low, r.interval.high) == pytest.approx((math.exp(-high), math.exp(-low)), rel=1e-9)
    assert r.normalized.interval.low == pytest.approx(r.interval.low ** (1 / 3))
    assert r.total_dpu.interval.high == pytest.approx(-math.log(r.interval.low))


def test_rare_failures_of_many_steps_are_one_poisson_count() -> None:
    # 2 failures in 10 steps of 100,000 units: Garwood's limits of 2 events, whatever the step they fell in
    r = rolled_yield([100_000] * 8 + [99_999] * 2, 100_000)
    low, high = ss.chi2.ppf(0.025, 4) / 2, ss.chi2.ppf(0.975, 6) / 2
    assert (r.interval.low, r.interval.high) == pytest.approx((1 - high / 1e5, 1 - low / 1e5), abs=1e-8)


def test_a_step_that_passes_nothing_and_steps_that_pass_all() -> None:
    dead = rolled_yield([10, 0, 9], 10)
    assert (dead.estimate, dead.interval.low) == (0.0, 0.0)
    assert dead.interval.high == pytest.approx(ss.binomtest(0, 10).proportion_ci(0.95).high)
    assert dead.total_dpu.estimate == math.inf
    whole = rolled_yield([10, 10], 10)
    assert (whole.estimate, whole.interval.high, whole.total_dpu.estimate) == (1.0, 1.0, 0.0)
    assert whole.interval.low < 1.0


def test_one_step_is_the_step() -> None:
    r, one = rolled_yield([45], [50]), first_pass_yield(45, 50)
    assert (r.interval.low, r.interval.high) == pytest.approx((one.interval.low, one.interval.high))


def test_a_table_and_its_names() -> None:
    frame = pd.DataFrame({"工序": ["贴片", "焊接"], "ok": [95, 90], "in": [100, 95]})
    r = rolled_yield(frame, "in", passed="ok", step="工序")
    assert r.worst == "焊接"
    assert list(r.to_frame()["step"]) == ["贴片", "焊接"]
    assert r.notes == ()
    assert [note.code for note in rolled_yield([5, 5], [10, 12]).notes] == ["more-entered"]


def test_throughput_yield_and_its_limits() -> None:
    r = throughput_yield(60, 500)
    low, high = ss.chi2.ppf(0.025, 120) / 2, ss.chi2.ppf(0.975, 122) / 2
    assert r.estimate == pytest.approx(math.exp(-0.12))
    assert (r.interval.low, r.interval.high) == pytest.approx((math.exp(-high / 500), math.exp(-low / 500)))
    lower = throughput_yield(60, 500, alternative="greater").interval
    assert lower.high == 1.0
    assert lower.low == pytest.approx(math.exp(-ss.chi2.ppf(0.95, 122) / 2 / 500))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10)), min_size=1, max_size=5))
def test_intervals_hold_the_estimate_and_nest(steps: list[tuple[int, int]]) -> None:
    passed, entered = [a for a, _ in steps], [a + b + (a + b == 0) for a, b in steps]
    r, wide = rolled_yield(passed, entered), rolled_yield(passed, entered, confidence=0.99)
    slack = 1e-12
    assert 0.0 <= r.interval.low <= r.estimate + slack
    assert r.estimate - slack <= r.interval.high <= 1.0
    assert wide.interval.low <= r.interval.low + slack
    assert r.interval.high <= wide.interval.high + slack


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("yields", "n"), [((0.95, 0.99, 0.87), 100), ((0.99,) * 6, 50), ((0.9, 0.6), 20), ((0.6, 0.5, 0.4), 15)]
)
def test_rolled_yield_covers_in_both_tails(yields: tuple[float, ...], n: int) -> None:
    rng = np.random.default_rng(7)
    runs, below, above = 1500, 0, 0
    for passed in rng.binomial(n, yields, size=(runs, len(yields))):
        interval = rolled_yield(passed, n).interval
        below += interval.high < math.prod(yields)
        above += interval.low > math.prod(yields)
    assert max(below, above) / runs < 0.025 + 3 * math.sqrt(0.025 * 0.975 / runs)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: first_pass_yield(5, 3), "no more can pass"),
        (lambda: first_pass_yield(5, 0), "entered: got 0"),
        (lambda: first_pass_yield(2.5, 5), "passed"),
        (lambda: rolled_yield([1, 2], [1, 2, 3]), "values came"),
        (lambda: rolled_yield([1, 2]), "entered"),
        (lambda: rolled_yield([1, 2], 3, step=["a"]), "1 names came for 2 steps"),
        (lambda: rolled_yield([4], 3), "passed"),
        (lambda: rolled_yield(pd.DataFrame({"a": [1]}), "a"), "name its column"),
        (lambda: throughput_yield(1, 0), "units: got 0"),
    ],
)
def test_bad_input_is_told(call: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        call()  # type: ignore[operator]
