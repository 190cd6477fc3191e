"""EWMA, CUSUM and moving average kernels."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats.spc.kernels import recursions
from qstats.spc.kernels.recursions import (
    cusum,
    ewma,
    ewma_variance,
    ewma_variance_unequal,
    moving_average,
    moving_average_size,
    run_lengths,
    shift_estimate,
)

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_memory.json").read_text(encoding="utf-8"))
}
NIST = np.array(
    [
        *(52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5),
        *(49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1),
    ]
)


def means_of(case):
    y, g = np.array(case["inputs"]["y"]), np.array(case["inputs"]["g"])
    n = np.bincount(g)[1:].astype(float)
    return np.bincount(g, y)[1:] / n, n


def plain_ewma(x, lam, z):
    out = []
    for v in x:
        z = (1 - lam) * z + lam * v
        out.append(z)
    return np.array(out)


def plain_cusum(x, k, up, low):
    upper, lower = [], []
    for v, slack in zip(x, np.broadcast_to(k, len(x)), strict=True):
        up, low = max(0.0, up + v - slack), max(0.0, low - v - slack)
        upper.append(up)
        lower.append(low)
    return np.array(upper), np.array(lower)


def test_nist_ewma():
    # NIST/SEMATECH e-Handbook 6.3.2.4: lambda 0.3, start 50, s = 2.0539
    want = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33]
    want += [50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99]
    z, _ = ewma(NIST, 0.3, center=50.0)
    np.testing.assert_allclose(z, want, atol=0.0051)
    assert 50 + 3 * 2.0539 * math.sqrt(ewma_variance(0.3, math.inf)) == pytest.approx(52.5884, abs=5e-5)


def test_ewma_as_qcc():
    case = CASES["ewma-viscosity"]["expected"]
    x = np.array(CASES["ewma-viscosity"]["inputs"]["y"])
    z, _ = ewma(x, 0.2, center=case["center"])
    np.testing.assert_allclose(z, case["ewma"], rtol=1e-13)
    width = 2.7 * case["std.dev"] * np.sqrt(ewma_variance(0.2, np.arange(1, x.size + 1)))
    limits = np.column_stack((case["center"] - width, case["center"] + width))
    np.testing.assert_allclose(limits, case["limits"]["values"], rtol=1e-12)
    means, _ = means_of(CASES["ewma-uneq2"])
    unequal = CASES["ewma-uneq2"]["expected"]
    np.testing.assert_allclose(ewma(means, 0.25, center=unequal["center"])[0], unequal["ewma"], rtol=1e-12)


def test_exact_variance_for_unequal_sizes():
    # R by the defining sum; qcc's own limits use the current size alone
    case = CASES["ewma-uneq3-exactvar"]
    means, n = means_of(case)
    np.testing.assert_allclose(ewma(means, 0.25, center=100.0)[0], case["expected"]["ewma"], rtol=1e-13)
    v, _ = ewma_variance_unequal(n, 0.25)
    np.testing.assert_allclose(100 + 3 * 5 * np.sqrt(v), case["expected"]["ucl"], rtol=1e-13)
    np.testing.assert_allclose(100 - 3 * 5 * np.sqrt(v), case["expected"]["lcl"], rtol=1e-13)


@given(
    st.integers(0, 2**32),
    st.integers(1, 700),
    st.sampled_from([1e-6, 0.05, 0.2, 0.9, 1.0]),
    st.sampled_from([0.0, 1e12]),
    st.floats(-3, 3),
    st.integers(0, 700),
)
def test_ewma_as_defined_whole_or_in_pieces(seed, m, lam, offset, carry, cut):
    x = np.round(np.random.default_rng(seed).normal(size=m) * 64) / 64 + offset
    z, last = ewma(x, lam, center=offset, carry=carry)
    want = plain_ewma(x - offset, lam, carry)
    np.testing.assert_allclose(z, want + offset, rtol=1e-15, atol=1e-12)
    assert last == pytest.approx(want[-1], abs=1e-13)
    head, middle = ewma(x[:cut], lam, center=offset, carry=carry)
    tail, end = ewma(x[cut:], lam, center=offset, carry=middle)
    np.testing.assert_allclose(np.concatenate((head, tail)), z, rtol=1e-15, atol=1e-12)
    assert end == pytest.approx(last, abs=1e-13)


def test_ewma_of_more_than_a_block():
    x = np.random.default_rng(1).normal(size=2 * recursions._POINTS + 77)
    z, last = ewma(x, 0.1)
    want = plain_ewma(x, 0.1, 0.0)
    np.testing.assert_allclose(z, want, atol=1e-13)
    assert last == z[-1]
    out = np.empty(x.size)
    assert ewma(x, 0.1, out=out)[0] is out
    np.testing.assert_array_equal(out, z)


def test_ewma_on_target_stays_there():
    z, carry = ewma(np.full(100, 0.1), 0.2, center=0.1)
    assert (z == 0.1).all()
    assert carry == 0.0


@pytest.mark.parametrize("m", [40, 3000])
def test_many_series_at_once(m, monkeypatch):
    monkeypatch.setattr(recursions, "_POINTS", 1000)
    monkeypatch.setattr(recursions, "_RESTART", 1000)
    rng = np.random.default_rng(2)
    x = rng.normal(5.0, 1.0, (60, m))
    target, start = rng.normal(5.0, 0.1, 60), rng.normal(size=60)
    z, last = ewma(x, 0.2, center=target, carry=start)
    up, low, (a, b) = cusum(x, target, 0.5, (np.abs(start), 0.0))
    averages, _ = moving_average(x, 5, center=5.0)
    for i in range(60):
        want, end = ewma(x[i], 0.2, center=float(target[i]), carry=float(start[i]))
        np.testing.assert_allclose(z[i], want, rtol=1e-13)
        assert last[i] == pytest.approx(end, abs=1e-14)
        one_up, one_low, (one_a, one_b) = cusum(x[i], float(target[i]), 0.5, (abs(float(start[i])), 0.0))
        np.testing.assert_allclose(up[i], one_up, atol=1e-11)
        np.testing.assert_allclose(low[i], one_low, atol=1e-11)
        assert (a[i], b[i]) == (pytest.approx(one_a, abs=1e-11), pytest.approx(one_b, abs=1e-11))
        np.testing.assert_array_equal(averages[i], moving_average(x[i], 5, center=5.0)[0])


def test_ewma_variance():
    # Montgomery (2013), 7th ed., example 9.2: lambda 0.1, L 2.7, sigma 1: limits 10.27 and 10.36 at points 1 and 2
    assert 10 + 2.7 * math.sqrt(ewma_variance(0.1, 1)) == pytest.approx(10.27, abs=5e-5)
    assert 10 + 2.7 * math.sqrt(ewma_variance(0.1, 2)) == pytest.approx(10.3632, abs=5e-5)
    assert 10 + 2.7 * math.sqrt(ewma_variance(0.1, math.inf)) == pytest.approx(10.6194, abs=5e-5)
    # the sum of the squared weights
    weights = 0.3 * 0.7 ** np.arange(12.0)
    np.testing.assert_allclose(ewma_variance(0.3, np.arange(1, 13)), np.cumsum(weights**2), rtol=1e-14)
    assert (ewma_variance(1.0, np.array([1, 2, 50])) == 1.0).all()
    assert ewma_variance(1e-9, 1) == pytest.approx(1e-18, rel=1e-14)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.sampled_from([0.1, 0.5, 1.0]), st.integers(0, 60))
def test_variance_for_unequal_sizes_in_pieces(sizes, lam, cut):
    n = np.array(sizes, dtype=float)
    v, last = ewma_variance_unequal(n, lam)
    weights = lam * (1 - lam) ** np.arange(n.size)
    want = [float((weights[: t + 1] ** 2 / n[t::-1]).sum()) for t in range(n.size)]
    np.testing.assert_allclose(v, want, rtol=1e-12)
    head, middle = ewma_variance_unequal(n[:cut], lam)
    tail, end = ewma_variance_unequal(n[cut:], lam, middle)
    np.testing.assert_allclose(np.concatenate((head, tail)), v, rtol=1e-12)
    assert end == pytest.approx(last, rel=1e-12)
    same, _ = ewma_variance_unequal(np.full(20, 4.0), lam)
    np.testing.assert_allclose(same, ewma_variance(lam, np.arange(1, 21)) / 4, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "k", "start"), [("cusum-viscosity", 0.5, 0.0), ("cusum-rand2", 0.5, 0.0), ("cusum-rand3-fir", 0.5, 2.5)]
)
def test_cusum_as_qcc(name, k, start):
    case = CASES[name]["expected"]
    z = (np.array(CASES[name]["inputs"]["y"]) - case["center"]) / case["std.dev"]
    up, low, _ = cusum(z, 0.0, k, (start, start))
    np.testing.assert_allclose(up, case["pos"], atol=1e-12)
    np.testing.assert_allclose(low, -np.array(case["neg"]), atol=1e-12)  # qcc gives the lower side a minus sign


def test_cusum_of_unequal_subgroups_as_qcc():
    case = CASES["cusum-uneq1"]["expected"]
    means, n = means_of(CASES["cusum-uneq1"])
    error = case["std.dev"] / np.sqrt(n)
    up, low, _ = cusum((means - case["center"]) / error, 0.0, 0.4)
    np.testing.assert_allclose(up, case["pos"], atol=1e-12)
    np.testing.assert_allclose(low, -np.array(case["neg"]), atol=1e-12)


@given(
    st.integers(0, 2**32),
    st.integers(1, 300),
    st.sampled_from([0.0, 1e12]),
    st.booleans(),
    st.integers(0, 300),
    st.floats(0, 5),
)
def test_cusum_as_defined_whole_or_in_pieces(seed, m, offset, varying, cut, start):
    rng = np.random.default_rng(seed)
    d = np.round(rng.normal(size=m) * 64) / 64
    k = rng.integers(0, 3, m) / 4 if varying else 0.5
    target = offset + (rng.integers(-2, 3, m) if varying else 0.0)
    x = d + target
    up, low, last = cusum(x, target, k, (start, 0.0))
    want_up, want_low = plain_cusum(x - target, k, start, 0.0)
    np.testing.assert_allclose(up, want_up, atol=1e-12)
    np.testing.assert_allclose(low, want_low, atol=1e-12)
    assert last == (up[-1], low[-1])
    head, tail = (k[:cut], k[cut:]) if varying else (k, k)
    near, far = (target[:cut], target[cut:]) if varying else (target, target)
    u1, l1, middle = cusum(x[:cut], near, head, (start, 0.0))
    u2, l2, end = cusum(x[cut:], far, tail, middle)
    np.testing.assert_allclose(np.concatenate((u1, u2)), up, atol=1e-12)
    np.testing.assert_allclose(np.concatenate((l1, l2)), low, atol=1e-12)
    assert end == pytest.approx(last, abs=1e-12)


def test_long_cusum_keeps_its_digits():
    x = np.random.default_rng(3).normal(size=60_000)
    up, low, _ = cusum(x, 0.0, 0.5)
    want_up, want_low = plain_cusum(x, 0.5, 0.0, 0.0)
    np.testing.assert_allclose(up, want_up, atol=1e-11)
    np.testing.assert_allclose(low, want_low, atol=1e-11)
    assert up.min() == low.min() == 0.0


def test_mirrored_series_swaps_the_sides():
    x = np.random.default_rng(4).normal(size=500)
    up, low, _ = cusum(x, 0.0, 0.25)
    mirrored_up, mirrored_low, _ = cusum(-x, 0.0, 0.25)
    np.testing.assert_array_equal(up, mirrored_low)
    np.testing.assert_array_equal(low, mirrored_up)


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(0, 5), st.integers(0, 60))
def test_run_lengths_as_defined(values, carry, cut):
    want, n = [], carry
    for v in values:
        n = n + 1 if v > 0 else 0
        want.append(n)
    sums = np.array(values, dtype=float)
    count, last = run_lengths(sums, carry)
    assert count.tolist() == want
    assert last == n
    head, middle = run_lengths(sums[:cut], carry)
    tail, end = run_lengths(sums[cut:], middle)
    assert [*head, *tail] == want
    assert end == n


def test_run_lengths_over_blocks(monkeypatch):
    monkeypatch.setattr(recursions, "_POINTS", 4)
    assert run_lengths(np.array([1.0] * 9 + [0.0] + [1.0] * 6))[0].tolist() == [*range(1, 10), 0, *range(1, 7)]


def test_montgomery_cusum():
    # Montgomery (2013), 7th ed., table 9.2 and example 9.1: target 10, K 0.5; C+ is 5.28 at period 29, N+ = 7
    x = [9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08]
    x += [9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52]
    up, low, _ = cusum(np.array(x), 10.0, 0.5)
    count, _ = run_lengths(up)
    assert up[28] == pytest.approx(5.28, abs=1e-9)
    assert low[2] == pytest.approx(1.77, abs=1e-9)
    assert count[28] == 7
    assert shift_estimate(10.0, 0.5, up[28], count[28], "upper") == pytest.approx(11.25, abs=0.005)
    assert shift_estimate(10.0, 0.5, 2.0, 4, "lower") == 9.0


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=60),
    st.integers(1, 12),
    st.integers(0, 60),
    st.sampled_from([0.0, 1e12]),
)
def test_moving_average_as_defined_whole_or_in_pieces(values, window, cut, offset):
    x = np.array(values) / 8 + offset
    got, carry = moving_average(x, window, center=offset)
    want = [float(np.mean(x[max(t - window + 1, 0) : t + 1] - offset)) + offset for t in range(x.size)]
    np.testing.assert_allclose(got, want, rtol=1e-15, atol=1e-13)
    head, middle = moving_average(x[:cut], window, center=offset)
    tail, end = moving_average(x[cut:], window, center=offset, carry=middle)
    np.testing.assert_array_equal(np.concatenate((head, tail)), got)  # to the last bit
    np.testing.assert_array_equal(end, carry)
    stream, state = [], None
    for v in x:
        one, state = moving_average(np.array([v]), window, center=offset, carry=state)
        stream.append(one[0])
    np.testing.assert_array_equal(stream, got)


def test_moving_average_over_blocks(monkeypatch):
    x = np.random.default_rng(5).normal(size=200)
    whole, carry = moving_average(x, 7)
    monkeypatch.setattr(recursions, "_RESTART", 3)  # blocks shorter than the window
    blocks, same = moving_average(x, 7)
    np.testing.assert_array_equal(blocks, whole)
    np.testing.assert_array_equal(carry, same)


def test_moving_average_size():
    assert moving_average_size(5, 3).tolist() == [1, 2, 3, 3, 3]
    assert moving_average_size(3, 3, seen=1).tolist() == [2, 3, 3]


def test_nothing_in_nothing_out():
    empty = np.array([])
    z, carry = ewma(empty, 0.2, carry=1.5)
    assert (z.size, carry) == (0, 1.5)
    up, low, last = cusum(empty, 0.0, 0.5, (1.0, 2.0))
    assert (up.size, low.size, last) == (0, 0, (1.0, 2.0))
    averages, kept = moving_average(empty, 3, carry=np.array([1.0]))
    assert averages.size == 0
    assert kept.tolist() == [1.0]
