"""Multivariate kernels: covariances, T2, limits, contributions, MEWMA, MCUSUM, generalized variance."""

import json
import math
from itertools import pairwise, permutations
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from qstats.errors import DataError, TooFewData
from qstats.spc.kernels import hotelling
from qstats.spc.kernels import multivariate as multivariate_kernels
from qstats.spc.kernels.hotelling import (
    individuals_covariance,
    myt_terms,
    successive_covariance,
    t2_drops,
    t2_limit,
    t2_rows,
    whitener,
    within_covariance,
)
from qstats.spc.kernels.multivariate import (
    determinant_estimate,
    generalized_variance,
    generalized_variance_constants,
    generalized_variance_limits,
    mcusum,
    mewma,
)

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_multivariate.json").read_text(encoding="utf-8"))
}


@pytest.fixture
def small_pieces(monkeypatch):
    for module in (hotelling, multivariate_kernels):
        monkeypatch.setattr(module, "_ROWS", 7)


def sample(seed, m, p, offset=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, p)) @ rng.normal(size=(p, p)) + offset + np.arange(p)


def direct_t2(x, mean, cov):
    return np.array([(r - mean) @ np.linalg.solve(cov, r - mean) for r in x])


def ryan():
    case = CASES["mqcc-ryan"]
    x = np.column_stack([np.array(case["inputs"][name]["values"], dtype=float).ravel() for name in ("X1", "X2")])
    return x, case["expected"]


def test_subgroups_as_qcc():
    # Ryan (2000), Statistical Methods for Quality Improvement, table 9.2: 20 subgroups of 4, two variables
    x, want = ryan()
    location, means = within_covariance(x, 4)
    np.testing.assert_allclose(location.mean, want["center"], rtol=1e-14)
    np.testing.assert_allclose(location.cov, want["cov"]["values"], rtol=1e-13)
    assert location.df == 60
    t2 = t2_rows(means, location.mean, location.cov, 4.0)
    np.testing.assert_allclose(t2, want["statistics"], rtol=1e-10)
    alpha = 1 - (1 - 0.0027) ** 2  # qcc's default for two variables
    assert t2_limit(alpha, 2, "subgroups", 20, 4) == pytest.approx(want["limits"]["values"][0][1], rel=1e-11)
    assert t2_limit(alpha, 2, "new subgroups", 20, 4) == pytest.approx(want["pred.limits"]["values"][0][1], rel=1e-11)
    assert (np.flatnonzero(t2 > t2_limit(alpha, 2, "subgroups", 20, 4)) + 1).tolist() == want["beyond"]


def test_montgomery_limits():
    # table 11.1 taken as 20 individual vectors: Beta limit 8.28593 at confidence .99460729 (JASP's tests, recomputed)
    assert t2_limit(1 - 0.99460729, 2, "individuals", 20) == pytest.approx(8.28593, abs=5e-6)
    # Montgomery (2013), 7th ed., example 11.1: 20 subgroups of 10, alpha .001: 13.72; chi-square limit 13.816
    assert t2_limit(0.001, 2, "subgroups", 20, 10) == pytest.approx(13.72, abs=0.005)
    assert t2_limit(0.001, 2, "known") == pytest.approx(13.816, abs=5e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.0027])
@pytest.mark.parametrize(("p", "m", "n"), [(2, 25, 5), (5, 40, 3), (10, 15, 8)])
def test_limits_against_scipy_stats(alpha, p, m, n):
    f, beta = scipy.stats.f, scipy.stats.beta
    room = m * n - m - p + 1
    want = {
        "individuals": (m - 1) ** 2 / m * beta.isf(alpha, p / 2, (m - p - 1) / 2),
        "new individuals": p * (m + 1) * (m - 1) / (m * (m - p)) * f.isf(alpha, p, m - p),
        "subgroups": p * (m - 1) * (n - 1) / room * f.isf(alpha, p, room),
        "new subgroups": p * (m + 1) * (n - 1) / room * f.isf(alpha, p, room),
        "known": scipy.stats.chi2.isf(alpha, p),
    }
    for basis, limit in want.items():
        assert t2_limit(alpha, p, basis, m, n if "subgroups" in basis else 1) == pytest.approx(limit, rel=1e-7)


def test_limits_far_in_the_tail():
    # mpmath: what is above the limit is alpha (scipy.stats.f.isf is 2e-5 off here)
    with mpmath.workdps(40):
        x = mpmath.mpf(t2_limit(1e-12, 2, "new individuals", 25)) * 25 * 23 / (2 * 26 * 24)  # an F(2, 23)
        assert mpmath.betainc(11.5, 1, 0, 23 / (23 + 2 * x), regularized=True) == pytest.approx(1e-12, rel=1e-12)
        y = 1 - mpmath.mpf(t2_limit(1e-12, 2, "individuals", 25)) * 25 / 24**2
        assert mpmath.betainc(11, 1, 0, y, regularized=True) == pytest.approx(1e-12, rel=1e-12)


def test_limits_for_successive_differences():
    # Sullivan & Woodall (1996): (m-1)^2/m Beta(p/2, (f-p-1)/2), f = 2(m-1)^2/(3m-4)
    f = 2 * 24**2 / 71
    want = 24**2 / 25 * scipy.stats.beta.isf(0.01, 2, (f - 5) / 2)
    assert t2_limit(0.01, 4, "successive beta", 25) == pytest.approx(want, rel=1e-10)
    assert t2_limit(0.01, 4, "successive", 29) == pytest.approx(scipy.stats.chi2.isf(0.01, 4), rel=1e-12)
    with pytest.raises(TooFewData, match="more points"):
        t2_limit(0.01, 4, "successive beta", 6)


@pytest.mark.parametrize(("m", "p"), [(25, 4), (60, 2), (100, 8)])
def test_successive_limit_holds_its_rate(m, p):
    # the chi-square is an approximation: at a nominal 5 % it is within a point and a half, the older beta far below
    rng = np.random.default_rng(20)
    over, older = 0, 0
    for _ in range(800):
        x = rng.normal(size=(m, p))
        location = successive_covariance(x)
        t2 = t2_rows(x, location.mean, location.cov)
        over += int((t2 > t2_limit(0.05, p, "successive", m)).sum())
        older += int((t2 > t2_limit(0.05, p, "successive beta", m)).sum())
    assert over / (800 * m) == pytest.approx(0.05, abs=0.015)
    assert older / (800 * m) < 0.025


@pytest.mark.parametrize("phase", [1, 2])
def test_limits_hold_their_rate(phase):
    rng = np.random.default_rng(21)
    over, judged = 0, 0
    for _ in range(600):
        x = rng.normal(size=(30, 3))
        location = individuals_covariance(x)
        points = x if phase == 1 else rng.normal(size=(30, 3))
        limit = t2_limit(0.05, 3, "individuals" if phase == 1 else "new individuals", 30)
        over += int((t2_rows(points, location.mean, location.cov) > limit).sum())
        judged += 30
    # points of one sample share its estimates: allow for five standard errors of independent ones
    assert over / judged == pytest.approx(0.05, abs=5 * math.sqrt(0.05 * 0.95 / judged))


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_covariances(offset, small_pieces):
    x = sample(1, 40, 3, offset)
    got = individuals_covariance(x)
    np.testing.assert_allclose(got.cov, np.cov(sample(1, 40, 3), rowvar=False), rtol=1e-6)
    np.testing.assert_allclose(got.mean, x.mean(axis=0), rtol=1e-15)
    assert got.df == 39
    d = np.diff(x[:20], axis=0)
    e = np.diff(x[20:], axis=0)
    split = successive_covariance(x, [20])
    np.testing.assert_allclose(split.cov, (d.T @ d + e.T @ e) / (2 * 38), rtol=1e-12)
    d = np.diff(x, axis=0)
    np.testing.assert_allclose(successive_covariance(x).cov, d.T @ d / (2 * 39), rtol=1e-12)


@pytest.mark.parametrize("sizes", [4, np.array([1, 5, 2, 20, 3, 9])])
def test_covariance_within(sizes, small_pieces):
    x = sample(2, 40, 3, 1e6)
    n = [4] * 10 if isinstance(sizes, int) else sizes.tolist()
    ends = np.cumsum([0, *n])
    groups = [x[a:b] for a, b in pairwise(ends)]
    total = sum((g - g.mean(axis=0)).T @ (g - g.mean(axis=0)) for g in groups)
    location, means = within_covariance(x, sizes)
    np.testing.assert_allclose(location.cov, total / (40 - len(n)), rtol=1e-8)
    np.testing.assert_allclose(means, [g.mean(axis=0) for g in groups], rtol=1e-14)
    np.testing.assert_allclose(location.mean, x.mean(axis=0), rtol=1e-14)
    assert location.df == 40 - len(n)


def test_t2_as_defined(small_pieces):
    x = sample(3, 30, 4, 1e6)
    location = individuals_covariance(x)
    np.testing.assert_allclose(t2_rows(x, *location[:2]), direct_t2(x, *location[:2]), rtol=1e-6)
    # T2 of the points a sample covariance comes from add up to p (m - 1)
    assert t2_rows(x, *location[:2]).sum() == pytest.approx(4 * 29, rel=1e-8)
    sizes = np.arange(1.0, 31.0)
    np.testing.assert_allclose(t2_rows(x, *location[:2], sizes), sizes * t2_rows(x, *location[:2]), rtol=1e-14)


@given(st.integers(0, 2**32))
def test_t2_does_not_depend_on_units(seed):
    x = sample(seed, 25, 3)
    scaled = x * np.array([1e-6, 1.0, 1e6]) + np.array([5.0, 0.0, -1e7])
    one, other = individuals_covariance(x), individuals_covariance(scaled)
    np.testing.assert_allclose(t2_rows(scaled, *other[:2]), t2_rows(x, *one[:2]), rtol=1e-5)


def test_drops_are_t2_less_t2_of_the_rest():
    x = sample(4, 12, 4)
    mean, cov, _ = individuals_covariance(x)
    drops = t2_drops(x, mean, cov, 3.0)
    for i in range(4):
        rest = [j for j in range(4) if j != i]
        less = direct_t2(x[:, rest], mean[rest], cov[np.ix_(rest, rest)])
        np.testing.assert_allclose(drops[:, i], 3.0 * (direct_t2(x, mean, cov) - less), rtol=1e-8, atol=1e-10)


def test_decomposition_adds_up_in_every_order():
    x = sample(5, 6, 3)
    mean, cov, _ = individuals_covariance(x)
    for order in permutations(range(3)):
        terms = myt_terms(x, mean, cov, order)
        np.testing.assert_allclose(terms.sum(axis=1), direct_t2(x, mean, cov), rtol=1e-9)
        alone = (x[:, order[0]] - mean[order[0]]) ** 2 / cov[order[0], order[0]]
        np.testing.assert_allclose(terms[:, 0], alone, rtol=1e-12)
        np.testing.assert_allclose(terms[:, 2], t2_drops(x, mean, cov)[:, order[2]], rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(myt_terms(x, mean, cov), myt_terms(x, mean, cov, (0, 1, 2)))


def test_singular_covariance_is_explained():
    x = sample(6, 20, 3)
    both = np.column_stack((x, x[:, 0] - 2 * x[:, 1]))
    with pytest.raises(DataError, match="temp, flow, sum determine one another"):
        whitener(individuals_covariance(both).cov, ("temp", "flow", "speed", "sum"))
    with pytest.raises(DataError, match="column 1 does not vary"):
        whitener(individuals_covariance(np.column_stack((x[:, 0], np.ones(20)))).cov)
    with pytest.raises(DataError, match="no more rows than variables"):
        whitener(individuals_covariance(x[:3]).cov)
    with pytest.raises(DataError, match="overflow"):
        whitener(np.array([[math.inf, 0.0], [0.0, 1.0]]))
    nearly = np.column_stack((x[:, 0], x[:, 0] * 1e9 + 1e6 * x[:, 1]))  # ill-conditioned, not singular
    assert np.isfinite(whitener(individuals_covariance(nearly).cov)).all()


@pytest.mark.parametrize(
    ("basis", "m", "n"),
    [("individuals", 4, 1), ("new individuals", 3, 1), ("subgroups", 1, 9), ("subgroups", 2, 2), ("successive", 4, 1)],
)
def test_limits_want_points(basis, m, n):
    with pytest.raises(TooFewData, match="for 3 variables"):
        t2_limit(0.01, 3, basis, m, n)


def test_too_few_rows():
    with pytest.raises(TooFewData, match="1 rows"):
        individuals_covariance(np.zeros((1, 2)))
    with pytest.raises(TooFewData, match="none next to another"):
        successive_covariance(np.zeros((2, 2)), [1])
    with pytest.raises(TooFewData, match="two rows"):
        within_covariance(np.zeros((3, 2)), 1)


def plain_mewma(x, mean, cov, r, sizes):
    z, t2, variance, averages = np.zeros(x.shape[1]), [], 0.0, []
    for row, n in zip(x, sizes, strict=True):
        z = r * (row - mean) + (1 - r) * z
        variance = (1 - r) ** 2 * variance + r * r / n
        averages.append(z)
        t2.append(z @ np.linalg.solve(cov * variance, z))
    return np.array(averages), np.array(t2)


@pytest.mark.parametrize("sizes", [1.0, 5.0, np.array([1.0, 4.0, 2.0] * 10)])
@pytest.mark.parametrize("r", [0.1, 1.0])
def test_mewma_whole_or_in_pieces(r, sizes, small_pieces):
    x, cov, mean = sample(7, 30, 3, 100.0), np.cov(sample(8, 50, 3), rowvar=False), np.array([100.0, 101.0, 102.0])
    n = np.broadcast_to(sizes, (30,))
    z, t2, last = mewma(x, mean, cov, r, size=sizes)
    want_z, want_t2 = plain_mewma(x, mean, cov, r, n)
    np.testing.assert_allclose(z, want_z, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(t2, want_t2, rtol=1e-9)
    first, rest = (n[:11], n[11:]) if np.ndim(sizes) else (sizes, sizes)
    _, t2_head, carry = mewma(x[:11], mean, cov, r, size=first)
    _, t2_tail, end = mewma(x[11:], mean, cov, r, size=rest, carry=carry)
    np.testing.assert_allclose(np.concatenate((t2_head, t2_tail)), t2, rtol=1e-11)
    np.testing.assert_allclose(end.z, last.z, rtol=1e-11)
    assert (end.seen, end.variance) == (30, pytest.approx(last.variance))


def test_mewma_asymptotic():
    x, cov = sample(9, 12, 2), np.array([[2.0, 0.3], [0.3, 1.0]])
    z, t2, _ = mewma(x, np.zeros(2), cov, 0.2, size=4.0, exact=False)
    np.testing.assert_allclose(t2, direct_t2(z, np.zeros(2), cov * 0.2 / 1.8 / 4), rtol=1e-12)
    with pytest.raises(DataError, match="one size"):
        mewma(x, np.zeros(2), cov, 0.2, size=np.ones(12), exact=False)


def test_mewma_of_one_variable_is_an_ewma():
    # the NIST EWMA example as a MEWMA of p = 1: T2 is the squared distance in units of the limits' sigma
    x = np.array([52.0, 47.0, 53.0, 49.3, 50.1])[:, None]
    z, t2, _ = mewma(x, np.array([50.0]), np.array([[2.0539**2]]), 0.3)
    np.testing.assert_allclose(z[:, 0] + 50, [50.60, 49.52, 50.56, 50.18, 50.16], atol=0.0051)
    assert t2[0] == pytest.approx(((52.0 - 50.0) / 2.0539) ** 2)


def plain_mcusum(x, mean, cov, k):
    s, out = np.zeros(x.shape[1]), []
    for row in x:
        s = s + row - mean
        c = math.sqrt(s @ np.linalg.solve(cov, s))
        s = np.zeros(x.shape[1]) if c <= k else s * (1 - k / c)
        out.append(math.sqrt(s @ np.linalg.solve(cov, s)))
    return np.array(out)


@pytest.mark.parametrize("p", [1, 2, 6])
def test_mcusum_whole_or_in_pieces(p, small_pieces):
    x, cov = sample(10, 40, p, 5.0), np.atleast_2d(np.cov(sample(11, 60, p), rowvar=False))
    mean = 5.0 + np.arange(p)
    y, last = mcusum(x, mean, cov, 0.5)
    np.testing.assert_allclose(y, plain_mcusum(x, mean, cov, 0.5), rtol=1e-8, atol=1e-9)
    head, carry = mcusum(x[:17], mean, cov, 0.5)
    tail, end = mcusum(x[17:], mean, cov, 0.5, carry=carry)
    np.testing.assert_array_equal(np.concatenate((head, tail)), y)
    np.testing.assert_array_equal(end, last)
    of_means, _ = mcusum(x, mean, cov, 0.5, size=4.0)
    np.testing.assert_allclose(of_means, plain_mcusum(x, mean, cov / 4, 0.5), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("sizes", [5, np.array([4, 9, 7, 5, 15])])
def test_generalized_variance(sizes, small_pieces):
    x = sample(12, 40, 3, 1e6)
    n = [5] * 8 if isinstance(sizes, int) else sizes.tolist()
    ends = np.cumsum([0, *n])
    want = [np.linalg.det(np.cov(x[a:b], rowvar=False)) for a, b in pairwise(ends)]
    np.testing.assert_allclose(generalized_variance(x, sizes), want, rtol=1e-6)
    with pytest.raises(DataError, match="more rows"):
        generalized_variance(x, 2)


def test_generalized_variance_constants():
    # n = 10, p = 2: b1 .8889, b2 .4170 (Montgomery (2013), 7th ed., section 11.6)
    b1, b2 = generalized_variance_constants(10, 2)
    assert (b1, b2) == (pytest.approx(0.8889, abs=5e-5), pytest.approx(0.4170, abs=5e-5))
    # the determinant is a product of independent chi-squares with n - i degrees of freedom
    for n, p in ((4, 3), (12, 5)):
        first = np.prod([scipy.stats.chi2.moment(1, n - i) for i in range(1, p + 1)]) / (n - 1) ** p
        second = np.prod([scipy.stats.chi2.moment(2, n - i) for i in range(1, p + 1)]) / (n - 1) ** (2 * p)
        b1, b2 = generalized_variance_constants(n, p)
        assert (b1, b2) == (pytest.approx(first, rel=1e-12), pytest.approx(second - first**2, rel=1e-10))
    # p = 1 is the chart of s squared: mean 1, variance 2/(n-1)
    assert generalized_variance_constants(6, 1) == (pytest.approx(1.0), pytest.approx(0.4))
    both = generalized_variance_constants(np.array([4, 12]), 3)[0]
    np.testing.assert_allclose(both, [generalized_variance_constants(n, 3)[0] for n in (4, 12)])


def test_generalized_variance_limits_and_estimate():
    # Montgomery (2013), 7th ed., section 11.6: |S| .3968 of two variables, n = 10: UCL 1.262, LCL below zero, so zero
    cov = np.array([[1.23, 0.79], [0.79, 0.83]])
    determinant = determinant_estimate(cov, 9)
    assert determinant == pytest.approx(0.3968 / 0.8889, rel=2e-4)
    center, lower, upper = generalized_variance_limits(determinant, 10, 2)
    assert (center, lower, upper) == (pytest.approx(0.3968, abs=5e-5), 0.0, pytest.approx(1.262, abs=1e-3))
    x = np.random.default_rng(13).normal(size=(4_000, 30, 2))
    d = x - x.mean(axis=1, keepdims=True)
    covs = np.einsum("kij,kil->kjl", d, d) / 29
    estimates = [determinant_estimate(c, 29) for c in covs]
    assert np.mean(estimates) == pytest.approx(1.0, abs=4 * np.std(estimates) / math.sqrt(4_000))
    with pytest.raises(DataError, match="degrees of freedom"):
        determinant_estimate(cov, 1)
