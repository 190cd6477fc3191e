"""Statistics of rational subgroups."""

import json
import math
import statistics
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats.spc.kernels import subgroups
from qstats.spc.kernels.subgroups import PARTS, Subgroups, summarise

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_subgroups.json").read_text(encoding="utf-8"))
}


def groups_of(case):
    """Subgroups of an R case: a label per value, or a size."""
    y = np.array(case["inputs"]["y"])
    if "g" not in case["inputs"]:
        return Subgroups(y, case["inputs"]["n"])
    labels = np.array(case["inputs"]["g"])
    return Subgroups(y[np.argsort(labels, kind="stable")], np.bincount(labels)[1:])


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("xbar-rand-n2-UWAVE-R", "mean"),
        ("xbar-rand-n12-RMSDF", "mean"),
        ("xbar-uneq1-UWAVE-R", "mean"),
        ("xbar-uneq2-RMSDF", "mean"),
        ("R-rand-n20", "range"),
        ("R-uneq3", "range"),
        ("S-rand-n5", "std"),
        ("S-uneq3", "std"),
    ],
)
def test_as_qcc(case, part):
    got = getattr(summarise(groups_of(CASES[case])), part)
    np.testing.assert_allclose(got, CASES[case]["expected"]["statistics"], rtol=1e-12)


def exact(values):
    """Mean, range, standard deviation and median by exact arithmetic (one rounding at the end)."""
    if not values:
        return math.nan, math.nan, math.nan, math.nan
    f = [Fraction(v) for v in values]
    mean, median = float(sum(f) / len(f)), float(statistics.median(f))
    if len(f) < 2:
        return mean, math.nan, math.nan, median
    centre = sum(f) / len(f)
    return mean, float(max(f) - min(f)), math.sqrt(sum((v - centre) ** 2 for v in f) / (len(f) - 1)), median


VALUES = st.floats(-1e3, 1e3, allow_nan=False).map(lambda v: round(v, 3))


@given(st.lists(st.lists(VALUES, max_size=7), min_size=1, max_size=8), st.sampled_from([0.0, 1e6, 1e12]))
def test_ragged_against_exact_arithmetic(lists, offset):
    lists = [[v + offset for v in values] for values in lists]
    sizes = np.array([len(v) for v in lists])
    got = summarise(Subgroups(np.array([v for values in lists for v in values], dtype=float), sizes), PARTS)
    want = np.array([exact(values) for values in lists])
    np.testing.assert_array_equal(got.n, sizes)
    for column, name in enumerate(("mean", "range", "std", "median")):
        np.testing.assert_allclose(getattr(got, name), want[:, column], rtol=1e-11, atol=1e-13)


@given(st.integers(1, 60), st.integers(1, 5), st.sampled_from([0.0, 1e12]), st.integers(0, 2**32))
def test_equal_against_exact_arithmetic(n, k, offset, seed):
    x = np.random.default_rng(seed).normal(offset, 1.0, n * k)
    got = summarise(Subgroups(x, n), PARTS)
    want = np.array([exact(row.tolist()) for row in x.reshape(k, n)])
    for column, name in enumerate(("mean", "range", "std", "median")):
        np.testing.assert_allclose(getattr(got, name), want[:, column], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 5, 12, 13, 30])
def test_blocks_and_small_data_give_the_same_bits(n, monkeypatch):
    x = np.random.default_rng(3).normal(1e6, 1.0, 40 * n)
    small = summarise(Subgroups(x, n), PARTS)
    monkeypatch.setattr(subgroups, "_SMALL", 0)
    whole = summarise(Subgroups(x, n), PARTS)
    monkeypatch.setattr(subgroups, "_POINTS", 7 * n)
    blocks = summarise(Subgroups(x, n), PARTS)
    for name in PARTS:
        np.testing.assert_array_equal(getattr(small, name), getattr(whole, name))
        np.testing.assert_array_equal(getattr(blocks, name), getattr(whole, name))


def test_blocks_of_ragged_groups(monkeypatch):
    rng = np.random.default_rng(4)
    sizes = rng.integers(0, 9, 50)
    x = rng.normal(size=sizes.sum())
    whole = summarise(Subgroups(x, sizes), PARTS)
    monkeypatch.setattr(subgroups, "_POINTS", 6)  # some groups are longer than a block
    blocks = summarise(Subgroups(x, sizes), PARTS)
    for name in PARTS:
        np.testing.assert_allclose(getattr(blocks, name), getattr(whole, name), rtol=1e-13)


@pytest.mark.parametrize("n", [4, 50])
def test_unequal_sizes_that_are_equal(n):
    x = np.random.default_rng(5).normal(size=8 * n)
    equal, ragged = summarise(Subgroups(x, n), PARTS), summarise(Subgroups(x, np.full(8, n)), PARTS)
    for name in PARTS:
        np.testing.assert_allclose(getattr(ragged, name), getattr(equal, name), rtol=1e-13)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("size", [5, 50, np.array([5, 50, 0, 45])])
def test_only_what_is_asked_for(part, size):
    g = Subgroups(np.random.default_rng(6).normal(size=100), size)
    alone, all_of_them = summarise(g, (part,)), summarise(g, PARTS)
    np.testing.assert_array_equal(getattr(alone, part), getattr(all_of_them, part))
    assert [name for name in PARTS if getattr(alone, name) is not None] == [part]


@pytest.mark.parametrize("level", [1_000_000, 10_000_000])
def test_nist_numacc(level):
    # NIST StRD univariate NumAcc3 and NumAcc4: mean level + 0.2, standard deviation 0.1, 1001 values
    x = np.array([level + 0.2] + [level + 0.1, level + 0.3] * 500)
    for size in (1001, np.array([1001])):
        got = summarise(Subgroups(x, size))
        assert got.mean[0] == pytest.approx(level + 0.2, rel=1e-15)
        assert got.std[0] == pytest.approx(0.1, rel=1e-8)  # the decimal values do not fit a float64 any better


def test_constant_groups_have_no_spread():
    got = summarise(Subgroups(np.full(40, 0.1), 5))
    assert (got.std == 0).all()
    assert (got.range == 0).all()
    assert (got.mean == 0.1).all()


def test_a_matrix_is_not_copied():
    m = np.arange(6.0).reshape(2, 3)
    g = Subgroups.of(m)
    assert np.shares_memory(g.x, m)
    assert (g.count, g.size) == (2, 3)
    assert summarise(g, ("mean",)).mean.tolist() == [1.0, 4.0]


def test_sizes_as_numbers():
    many = Subgroups(np.zeros(10_000), 2)
    np.testing.assert_array_equal(many.n, np.full(5000, 2.0))
    assert many.n.dtype == Subgroups(np.zeros(4), 2).n.dtype == np.float64


def test_nothing_in_nothing_out():
    for size in (3, np.array([], dtype=np.int64)):
        got = summarise(Subgroups(np.array([]), size), PARTS)
        assert got.mean.size == got.range.size == got.std.size == got.median.size == got.n.size == 0


@pytest.mark.parametrize("size", [4, 60, np.array([2, 3, 0, 7, 1, 120, 40])])
@pytest.mark.parametrize("power", [-1000, -600, -470])
def test_standard_deviations_whose_squares_vanish(size, power):
    # a power of two changes no digit: exact up to where float64 thins out
    rng = np.random.default_rng(5)
    x = np.round(rng.normal(size=240 if isinstance(size, int) else int(size.sum())), 3)
    x[:3] = x[0]
    got = summarise(Subgroups(x * 2.0**power, size), ("std",)).std
    np.testing.assert_allclose(got, summarise(Subgroups(x, size), ("std",)).std * 2.0**power, rtol=1e-12)


def test_tiny_and_ordinary_groups_do_not_disturb_one_another():
    x = np.array([1.0, 2.0, 4.0, 1e-310, 2e-310, 4e-310, 5.0, 5.0, 5.0, 1e12, 1e12 + 1, 1e12 + 3])
    got = summarise(Subgroups(x, 3), ("std",)).std
    one = statistics.stdev([1, 2, 4])
    np.testing.assert_allclose(got[[0, 3]], [one, one], rtol=1e-14)
    assert got[1] == pytest.approx(one * 1e-310, rel=1e-12)
    assert got[2] == 0.0
