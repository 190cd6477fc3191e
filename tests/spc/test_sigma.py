"""Estimators of sigma within subgroups and between single values."""

import json
import math
from itertools import combinations, combinations_with_replacement
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from qstats._core.bias import d2
from qstats.errors import DataError, TooFewData
from qstats.spc.kernels.robust import hodges_lehmann, shamos
from qstats.spc.kernels.sigma import (
    INDIVIDUALS_SIGMA,
    MOVING_RANGE_SIGMA,
    SUBGROUP_SIGMA,
    describe_sigma,
    known_sigma,
    median_moving_range,
    moving_range,
    moving_ranges,
    screen_nelson1982,
)
from qstats.spc.kernels.sigma_constants import median_range_factor, median_std_factor, mssd_factor, shamos_factor
from qstats.spc.kernels.subgroups import PARTS, Subgroups, summarise

RANGES = np.array([1.0, 2.0, 6.0])
CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_subgroups.json").read_text(encoding="utf-8"))
}


def groups_of(case):
    y = np.array(case["inputs"]["y"])
    if "g" not in case["inputs"]:
        return Subgroups(y, case["inputs"]["n"])
    labels = np.array(case["inputs"]["g"])
    return Subgroups(y[np.argsort(labels, kind="stable")], np.bincount(labels)[1:])


def within(name, groups, constants="exact"):
    return SUBGROUP_SIGMA[name].estimate(summarise(groups, SUBGROUP_SIGMA[name].parts), groups, constants)


def between(name, x, span=2, constants="exact"):
    return INDIVIDUALS_SIGMA[name].estimate(x, moving_ranges(x, span), span, constants)


def test_mean_moving_range():
    # d2(2) = 2/sqrt(pi) exactly; printed as 1.128 (Montgomery, Appendix VI)
    assert moving_range(RANGES) == pytest.approx(3.0 * math.sqrt(math.pi) / 2, rel=1e-14)
    assert moving_range(RANGES, "table") == 3.0 / 1.128


def test_median_moving_range():
    # sqrt(2) * Phi^-1(.75) = 0.953873 (R: sqrt(2)*qnorm(.75)), not 1.128; JMP prints 0.954
    assert median_moving_range(RANGES) == pytest.approx(2.0 / 0.953873, rel=1e-6)
    assert median_moving_range(RANGES, "table") == 2.0 / 0.954


def test_known_sigma():
    assert known_sigma("moving_range") is None
    assert known_sigma("rbar", SUBGROUP_SIGMA) is None
    assert known_sigma(2) == 2.0


@pytest.mark.parametrize("bad", ["sd", 0.0, -1.0, math.nan, True, None])
def test_refused(bad):
    with pytest.raises(DataError, match="sigma"):
        known_sigma(bad)


def test_the_method_is_named():
    assert "1.128 (table)" in describe_sigma("moving_range", "table")
    assert "1.12838 (exact)" in describe_sigma("moving_range", "exact")
    assert "0.953873" in describe_sigma("median_moving_range", "exact")
    assert "1.588" in describe_sigma("median_moving_range", "table", 3)
    assert "d2(3)" in describe_sigma("nelson1982", "exact", 3)
    assert describe_sigma(2.0, "exact") == "sigma given"
    texts = {describe_sigma(name, "exact") for name in (*SUBGROUP_SIGMA, *INDIVIDUALS_SIGMA)}
    assert len(texts) == len(SUBGROUP_SIGMA) + len(INDIVIDUALS_SIGMA)
    assert set(MOVING_RANGE_SIGMA) <= set(INDIVIDUALS_SIGMA)


@pytest.mark.parametrize(
    ("case", "name", "constants"),
    [
        ("xbar-rand-n2-UWAVE-R", "rbar", "table"),
        ("xbar-rand-n5-MVLUE-SD", "mvlue_s", "exact"),
        ("S-rand-n5", "sbar", "exact"),
        ("xbar-rand-n12-MVLUE-R", "mvlue_r", "table"),  # equal sizes: qcc's own d3 cancels
        ("xbar-rand-n12-RMSDF", "pooled", "exact"),
        ("R-rand-n20", "rbar", "table"),
        ("xbar-uneq1-UWAVE-R", "rbar", "table"),
        ("xbar-uneq1-UWAVE-SD", "sbar", "exact"),
        ("xbar-uneq2-MVLUE-SD", "mvlue_s", "exact"),
        ("xbar-uneq2-RMSDF", "pooled", "exact"),
        ("R-uneq3", "rbar", "table"),
        ("S-uneq3", "sbar", "exact"),
    ],
)
def test_as_qcc(case, name, constants):
    # qcc ships d2 to three decimals: constants="table"; its c4 is exact, good to 1e-12 at the df of a pooled s
    got = within(name, groups_of(CASES[case]), constants)
    assert got.sigma == pytest.approx(CASES[case]["expected"]["std.dev"], rel=1e-12)


def test_individuals_as_qcc():
    span3, sd = CASES["sdone-MR-k3"], CASES["xbarone-viscosity-SD"]
    got = between("moving_range", np.array(span3["inputs"]["y"], dtype=float), 3, "table")
    assert got.sigma == pytest.approx(span3["expected"], rel=1e-13)
    y = np.array(sd["inputs"]["y"])
    assert between("sd_c4", y) == (pytest.approx(sd["expected"]["std.dev"], rel=1e-13), 14.0)


def test_mvlue_of_ranges_by_hand():
    # two subgroups; weights (d2/d3)**2 with d2 1.128379, 2.325929 and d3 .852502, .864082 (by quadrature in R)
    g = Subgroups(np.array([0.0, 3.0, 1.0, 2.0, 3.0, 4.0, 6.0]), np.array([2, 5]))
    w2, w5 = (1.128379 / 0.852502) ** 2, (2.325929 / 0.864082) ** 2
    want = (w2 * 3.0 / 1.128379 + w5 * 5.0 / 2.325929) / (w2 + w5)
    assert within("mvlue_r", g).sigma == pytest.approx(want, rel=1e-5)


def test_pooled_raw_is_the_root_of_the_pooled_variance():
    g = Subgroups(np.array([1.0, 2.0, 5.0, 5.0, 8.0, 7.0]), np.array([2, 3, 1]))
    assert within("pooled_raw", g) == (pytest.approx(math.sqrt((0.5 + 6.0) / 3.0), rel=1e-14), 3.0)


@pytest.mark.parametrize("name", SUBGROUP_SIGMA)
@pytest.mark.parametrize("equal", [True, False])
def test_unbiased_within(name, equal):
    # 60,000 normal subgroups of sigma 2: the standard error of the poorest of these estimators is 0.4 % / sqrt(1.5)
    rng = np.random.default_rng(7)
    size = 5 if equal else rng.integers(0, 8, 60_000)
    x = rng.normal(10.0, 2.0, 300_000 if equal else int(size.sum()))
    assert within(name, Subgroups(x, size)).sigma == pytest.approx(2.0, rel=0.015 if "median" in name else 0.008)


@pytest.mark.parametrize("name", sorted(set(INDIVIDUALS_SIGMA) - {"nelson1982"}))
def test_unbiased_between(name):
    x = np.random.default_rng(8).normal(10.0, 2.0, 200_000)
    for span in (2, 3, 5) if INDIVIDUALS_SIGMA[name].ranges == "span" else (2,):
        assert between(name, x, span).sigma == pytest.approx(2.0, rel=0.015)


def test_what_screening_costs():
    # E|Z| of a normal cut at D4 d2 / sqrt(2) = 2.6064, over E|Z|: 0.9754
    x = np.random.default_rng(9).normal(0.0, 1.0, 400_000)
    c = 3.26653 * 1.128379 / math.sqrt(2.0)
    cut = (1.0 - math.exp(-c * c / 2)) / (2 * scipy.special.ndtr(c) - 1)
    assert between("nelson1982", x).sigma == pytest.approx(cut, abs=0.006)
    assert cut == pytest.approx(0.9754, abs=1e-4)


def test_small_samples_are_unbiased_too():
    # 40,000 series of six values (one subgroup each): mean estimate within four standard errors of sigma
    x = np.random.default_rng(10).normal(0.0, 1.0, (40_000, 6))
    d = np.diff(x, axis=1)
    mssd = np.sqrt((d * d).mean(axis=1) / 2.0) / mssd_factor((5,))
    assert mssd.mean() == pytest.approx(1.0, abs=4 * mssd.std() / 200)
    row = x[0]
    assert between("mssd_unbiased", row).sigma == pytest.approx(mssd[0], rel=1e-13)
    assert between("mssd", row).sigma == pytest.approx(math.sqrt(((np.diff(row)) ** 2).sum() / 10), rel=1e-13)


def test_degrees_of_freedom():
    # Minitab, methods and formulas, capability analysis: 0.9 k (n-1), f(n) k (n-1), sum (n-1), k - span + 1, k - 1
    g = Subgroups(np.random.default_rng(11).normal(size=125), 5)
    assert {n: within(n, g).df for n in SUBGROUP_SIGMA} == {
        "rbar": pytest.approx(90.0),
        "mvlue_r": pytest.approx(90.0),
        "sbar": pytest.approx(95.0),
        "mvlue_s": pytest.approx(95.0),
        "pooled": 100.0,
        "pooled_raw": 100.0,
        "median_range": None,
        "median_s": None,
        "shamos": None,
    }
    x = np.random.default_rng(12).normal(size=30)
    assert between("moving_range", x).df == 29.0
    assert between("median_moving_range", x, 3).df == 28.0
    assert between("mssd", x).df == between("mssd_unbiased", x).df == 29.0
    sizes = np.array([2, 3, 6, 9, 12, 40, 70, 1, 0])
    unequal = within("sbar", Subgroups(np.random.default_rng(1).normal(size=143), sizes)).df
    assert unequal == pytest.approx(0.88 + 0.92 * 2 + 0.96 * 5 + 0.97 * 8 + 0.98 * 11 + 0.99 * 39 + 69)


@given(st.integers(0, 2**32), st.floats(0.01, 100), st.floats(-1e6, 1e6))
def test_shift_and_scale(seed, factor, shift):
    x = np.random.default_rng(seed).normal(size=60)
    for groups, moved in (
        (Subgroups(x, 5), Subgroups(x * factor + shift, 5)),
        (Subgroups(x, np.array([7, 0, 1, 20, 32])), Subgroups(x * factor + shift, np.array([7, 0, 1, 20, 32]))),
    ):
        for name in SUBGROUP_SIGMA:
            assert within(name, moved).sigma == pytest.approx(factor * within(name, groups).sigma, rel=1e-6)
    for name in set(INDIVIDUALS_SIGMA) - {"nelson1982"}:
        assert between(name, x * factor + shift).sigma == pytest.approx(factor * between(name, x).sigma, rel=1e-6)


def test_small_and_single_subgroups():
    g = Subgroups(np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1, 1]))
    for name in SUBGROUP_SIGMA:
        with pytest.raises(TooFewData, match="no subgroup has two values"):
            within(name, g)


def test_no_ranges():
    for name in set(INDIVIDUALS_SIGMA) - {"sd_c4"}:
        with pytest.raises(TooFewData, match="no moving range"):
            between(name, np.array([1.0]))
    with pytest.raises(TooFewData, match="sd_c4"):
        between("sd_c4", np.array([1.0]))


def test_identical_values():
    for name in SUBGROUP_SIGMA:
        assert within(name, Subgroups(np.full(20, 0.1), 5)).sigma == 0.0
    for name in INDIVIDUALS_SIGMA:
        assert between(name, np.full(20, 0.1)).sigma == 0.0


def test_table_constants_end_where_forms_end():
    g = Subgroups(np.random.default_rng(13).normal(size=60), 30)
    with pytest.raises(DataError, match="exact"):
        within("rbar", g, "table")
    assert within("pooled", g, "table").sigma == within("pooled", g).sigma  # forms print no c4 of 59


def plain_ranges(x, span, starts, missing):
    """The definition, point by point."""
    out = []
    for t in range(len(x)):
        w = range(t - span + 1, t + 1)
        if w[0] < 0 or any(s in w[1:] for s in starts) or any(missing[i] or math.isnan(x[i]) for i in w):
            out.append(math.nan)
        else:
            out.append(max(x[i] for i in w) - min(x[i] for i in w))
    return out


@given(
    st.lists(st.integers(-5, 5) | st.just(math.nan), max_size=25),
    st.integers(2, 9),
    st.lists(st.integers(0, 25), max_size=3),
    st.lists(st.integers(0, 24), max_size=3),
)
def test_moving_ranges_as_defined(values, span, starts, excluded):
    x = np.array(values, dtype=float)
    missing = np.isin(np.arange(x.size), excluded)
    got = moving_ranges(x, span, starts=starts, missing=missing)
    np.testing.assert_array_equal(got, plain_ranges(x.tolist(), span, starts, missing))
    np.testing.assert_array_equal(
        moving_ranges(x, span, starts=starts), plain_ranges(x.tolist(), span, starts, missing & False)
    )


def test_moving_ranges_of_more_than_a_block():
    x = np.random.default_rng(14).normal(size=150_000)
    got = moving_ranges(x, 3)[2:]
    want = np.maximum(np.maximum(x[2:], x[1:-1]), x[:-2]) - np.minimum(np.minimum(x[2:], x[1:-1]), x[:-2])
    np.testing.assert_array_equal(got, want)


def test_nist_individuals():
    # NIST/SEMATECH e-Handbook 6.3.2.2: mean moving range 1.8778
    x = np.array([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    assert np.nanmean(moving_ranges(x)) == pytest.approx(1.8778, abs=5e-5)
    assert between("moving_range", x, constants="table").sigma == pytest.approx(1.8778 / 1.128, abs=1e-4)


def test_nelson_drops_once():
    ranges = np.array([1.0] * 9 + [9.0, 30.0])
    # mean 48/11 = 4.36, times 3.267 = 14.3: the 30 goes. The mean is then 1.8, limit 5.9, but the 9 stays: once only
    assert screen_nelson1982(ranges).tolist() == [1.0] * 9 + [9.0]
    assert screen_nelson1982(np.append(ranges, np.nan), constants="table").tolist() == [1.0] * 9 + [9.0]
    x = np.concatenate(([0.0], np.cumsum(np.array([1, -1, 1, -1, 1, -1, 1, -1, 1, 9, 30]))))
    got = between("nelson1982", x)
    assert got == (pytest.approx(1.8 / d2(2)), 10.0)


def test_breaks_between_differences():
    # two runs of two differences are not one of four
    ranges = np.array([np.nan, 1.0, 2.0, np.nan, 3.0, 1.0])
    estimate = INDIVIDUALS_SIGMA["mssd_unbiased"].estimate
    got = estimate(np.zeros(6), ranges, 2, "exact").sigma
    assert got == pytest.approx(math.sqrt(15.0 / 8.0) / mssd_factor((2, 2)), rel=1e-13)
    x = np.random.default_rng(15).normal(size=(100_000, 6))
    d = np.diff(x, axis=1)[:, [0, 1, 3, 4]]
    raw = np.sqrt((d * d).mean(axis=1) / 2)
    assert raw.mean() == pytest.approx(mssd_factor((2, 2)), abs=4 * raw.std() / math.sqrt(100_000))


def test_median_range_factor():
    # Phi^-1(.75) sqrt(2) for two; the distribution function of the range by mpmath at the rest
    assert median_range_factor(2) == pytest.approx(math.sqrt(2) * 0.6744897501960817, rel=1e-10)
    for n in (3, 10):
        w = mpmath.mpf(median_range_factor(n))

        def density(x, n=n, w=w):
            return mpmath.npdf(x) * (mpmath.ncdf(x + w) - mpmath.ncdf(x)) ** (n - 1)

        assert n * mpmath.quad(density, [-12, -6, -3, 0, 6]) == pytest.approx(0.5, abs=1e-10)


def test_median_std_factor():
    # R: sqrt(qchisq(.5, n-1)/(n-1)); exact: -2 log(.5)/2 for two degrees of freedom
    assert median_std_factor(3) == pytest.approx(math.sqrt(math.log(2.0)), rel=1e-13)
    assert median_std_factor(2) == pytest.approx(0.6744897501960817, rel=1e-13)


def test_mssd_factor():
    assert mssd_factor((1,)) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-11)
    # two differences: sqrt(z1**2 + 3 z2**2)/2, a complete elliptic integral
    want = math.sqrt(2 / math.pi) * math.sqrt(3) * scipy.special.ellipe(2 / 3) / 2
    assert mssd_factor((2,)) == pytest.approx(want, rel=1e-11)
    # many: 1 - Var(MSSD)/8 with Var = (3N - 4)/(N-1)**2 (von Neumann et al. 1941), to the next order
    for n in (1_000, 1_000_000):
        assert mssd_factor((n - 1,)) == pytest.approx(1 - (3 * n - 4) / (8 * (n - 1) ** 2), abs=6 / n**2)


def pairs(values, combine, together):
    choose = combinations_with_replacement if together else combinations
    return float(np.median([combine(a, b) for a, b in choose(values, 2)])) if values else math.nan


@given(st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=6))
def test_robust_by_definition(lists):
    sizes = np.array([len(v) for v in lists])
    g = Subgroups(np.array([v for values in lists for v in values], dtype=float), sizes)
    np.testing.assert_allclose(hodges_lehmann(g), [pairs(v, lambda a, b: (a + b) / 2, True) for v in lists])
    want = [pairs(v, lambda a, b: abs(a - b), False) / shamos_factor(len(v)) if len(v) > 1 else math.nan for v in lists]
    np.testing.assert_allclose(shamos(g), want)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 25, 101])
def test_shamos_factor(n):
    x = np.random.default_rng(n).normal(size=(6_000_000 // n**2, n))
    i, j = np.triu_indices(n, 1)
    raw = np.median(np.abs(x[:, i] - x[:, j]), axis=1)
    assert raw.mean() == pytest.approx(shamos_factor(n), abs=4 * raw.std() / math.sqrt(raw.size) + 3e-4)


def test_robust_bears_outliers():
    x = np.random.default_rng(16).normal(size=(40, 8))
    wild = x.copy()
    wild[::2, 0] = 1e6
    assert within("shamos", Subgroups.of(wild)).sigma < 1.5 * within("shamos", Subgroups.of(x)).sigma
    assert np.abs(hodges_lehmann(Subgroups.of(wild))).max() < 3.0


def test_factors_refuse():
    for factor in (median_range_factor, median_std_factor, shamos_factor):
        with pytest.raises(DataError, match="two or more"):
            factor(1)
    with pytest.raises(DataError, match="runs"):
        mssd_factor(())
    with pytest.raises(DataError, match="pairs are formed"):
        shamos(Subgroups(np.zeros(2001), 2001))


def test_parts_suffice():
    g = Subgroups(np.random.default_rng(17).normal(size=40), 4)
    full = summarise(g, PARTS)
    for name, estimator in SUBGROUP_SIGMA.items():
        assert estimator.estimate(full, g, "exact") == within(name, g)
