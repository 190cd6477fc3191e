"""Negative binomial comparisons, many pairs at once: a plain transcription of the definition, mpmath, two summits."""

import math
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.equivalence import noninferiority
from qstats.inference.nb_fits import free_fit, signed_root, tied_fit
from qstats.inference.nb_kernels import Pairs, slopes
from qstats.inference.negative_binomial import compare_overdispersed_rates

compare: Any = partial(compare_overdispersed_rates, model="negative-binomial")
GRID = np.concatenate(([0.0], np.geomspace(1e-9, 1e5, 170)))


def _profile(alpha: float, groups: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Greatest log likelihood at given alpha, one log rate per group: the density's definition, scipy's search."""
    total = 0.0
    for y, t in groups:
        start = math.log(y.sum() / t.sum())

        def minus(b: float, y: np.ndarray = y, t: np.ndarray = t) -> float:
            m = t * math.exp(b)
            fitted = m.sum() if alpha == 0.0 else ((y + 1.0 / alpha) * np.log1p(alpha * m)).sum()
            return float(fitted - (y * np.log(m)).sum())

        total -= float(optimize.minimize_scalar(minus, bracket=(start - 0.1, start + 0.1), tol=1e-12).fun)
        # Gamma(y + 1/alpha) / Gamma(1/alpha) alpha^y is the product of 1 + alpha j, j < y
        total += sum(float(np.log1p(alpha * np.arange(v)).sum()) for v in y)
    return total


def _highest(groups: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Greatest profile over alpha: a coarse grid for the place, then scipy's bounded search; zero is Poisson."""
    grid = [0.0, *np.geomspace(1e-5, 1e3, 33)]
    values = [_profile(a, groups) for a in grid]
    i = int(np.argmax(values))
    ends = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        lambda a: -_profile(a, groups), bounds=ends, method="bounded", options={"xatol": 1e-9}
    )
    return max(values[0], -float(found.fun))


def _plain_root(log_ratio: float, y: Any, t: Any, y0: Any, t0: Any) -> float:
    tied = [(np.concatenate((y, y0)), np.concatenate((t * math.exp(log_ratio), t0)))]
    return math.sqrt(max(0.0, 2.0 * (_highest([(y, t), (y0, t0)]) - _highest(tied))))


CASES = {
    # mean per period, alpha, periods, whether exposures differ
    "scattered": (8.0, 0.5, (8, 6), False),
    "own exposures": (8.0, 0.5, (8, 6), True),
    "hardly any": (30.0, 0.01, (6, 9), True),
    "none": (20.0, 0.0, (7, 7), False),
    "huge": (5.0, 8.0, (9, 12), True),
    "few periods": (12.0, 0.4, (2, 3), True),
    "rare": (0.6, 0.5, (12, 10), True),
    "large counts": (3e3, 0.1, (6, 5), True),
}


def _drawn(name: str, pairs: int, seed: int = 1) -> tuple[np.ndarray, ...]:
    mean, alpha, (a, b), own = CASES[name]
    rng = np.random.default_rng(seed)
    t, t0 = (rng.uniform(0.4, 2.0, (pairs, k)) if own else np.ones((pairs, k)) for k in (a, b))
    level = [rng.gamma(1.0 / alpha, alpha, v.shape) if alpha else np.ones(v.shape) for v in (t, t0)]
    y, y0 = rng.poisson(1.5 * mean * t * level[0]), rng.poisson(mean * t0 * level[1])
    y[:, 0] += y.sum(axis=1) == 0
    y0[:, 0] += y0.sum(axis=1) == 0
    return y.astype(float), t, y0.astype(float), t0


@pytest.mark.parametrize("name", CASES)
def test_roots_and_limits_are_those_of_the_definition(name: str) -> None:
    data = _drawn(name, 40)
    r = compare(*data, null=0.8)
    assert isinstance(r, Comparisons) and len(r) == 40
    df = data[0].shape[1] + data[2].shape[1] - 2
    for k in (0, 39):
        pair = tuple(v[k] for v in data)
        root = _plain_root(math.log(0.8), *pair)
        assert r.statistic is not None
        assert abs(r.statistic[k]) == pytest.approx(root, rel=1e-6, abs=1e-5)
        assert math.copysign(1.0, r.statistic[k]) == math.copysign(1.0, r.estimate[k] - 0.8)
        assert r.pvalue[k] == pytest.approx(2.0 * stats.t.sf(abs(r.statistic[k]), df), rel=1e-10)
        for limit in (r.interval.low[k], r.interval.high[k]):
            assert _plain_root(math.log(limit), *pair) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-6)


def _exact_loglik(y: Any, mean: Any, alpha: float) -> Any:
    """Sum of log densities in 60 digits."""
    k = 1 / mpmath.mpf(alpha)
    total = mpmath.mpf(0)
    for v, m in zip(y, mean, strict=True):
        w, m = mpmath.mpf(int(v)), mpmath.mpf(m)
        total += (
            mpmath.loggamma(w + k) - mpmath.loggamma(k) + w * mpmath.log(m * alpha) - (w + k) * mpmath.log1p(m * alpha)
        )
    return total


@pytest.mark.parametrize("alpha", [1e-9, 1e-4, 0.011, 0.7, 40.0])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e5, 1e10])
def test_likelihood_and_slopes_equal_mpmath(alpha: float, scale: float) -> None:
    y = np.floor(np.array([[0.2, 3.0, 1.4], [6.0, 0.7, 2.2]]) * scale)
    t = np.array([[1.0, 1.3, 0.7], [1.1, 0.8, 0.9]])
    pairs = Pairs.of(y[:1], t[:1], y[1:], t[1:])
    shift = np.array([[0.2], [-0.1]])
    with np.errstate(all="ignore"):
        found, base = slopes(pairs, shift, np.array([alpha])), slopes(pairs, 0.0 * shift, np.array([1.0]))
    with mpmath.workdps(60):
        rates = [mpmath.mpf(v.sum()) / mpmath.mpf(w.sum()) for v, w in zip(y, t, strict=True)]

        def at(a: Any, b: Any, b0: Any) -> Any:
            means = [
                mpmath.mpf(w) * rate * mpmath.exp(by)
                for row, rate, by in zip(t, rates, (b, b0), strict=True)
                for w in row
            ]
            return _exact_loglik(y.ravel(), means, a)

        point = mpmath.mpf(alpha), mpmath.mpf(0.2), mpmath.mpf(-0.1)
        value = at(*point) - at(mpmath.mpf(1), mpmath.mpf(0), mpmath.mpf(0))
        first = [mpmath.diff(at, point, n) for n in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
        second = [mpmath.diff(at, point, n) for n in ((2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0), (1, 0, 1))]
    assert found.value[0] - base.value[0] == pytest.approx(float(value), rel=1e-12, abs=1e-12)
    ours = [found.alpha[0], *found.rate[:, 0]], [found.alpha2[0], *found.rate2[:, 0], *found.mixed[:, 0]]
    np.testing.assert_allclose(ours[0], np.array(first, dtype=float), rtol=1e-9)
    np.testing.assert_allclose(ours[1], np.array(second, dtype=float), rtol=1e-7)


# Exposures that differ a thousandfold: beside Poisson there is a summit at alpha near 0.15, here the higher one, in the
# last two pairs the lower.
TWO = (
    [[3, 11, 19, 5], [20, 3, 796, 31], [21, 2, 1835, 7], [7, 0, 92, 1]],
    [[0.4, 0.9, 1.63, 0.41], [3.65, 0.34, 73.14, 1.47], [2.34, 0.24, 240.4, 0.38], [0.2, 0.3, 10.67, 0.31]],
    [[2, 1, 23, 676], [2, 6, 3, 11], [9, 17, 14, 3], [1, 0, 4, 159]],
    [[0.02, 0.14, 1.89, 175.26], [0.22, 1.38, 0.35, 0.99], [1.26, 2.05, 0.62, 0.83], [0.05, 0.16, 0.24, 22.57]],
)


def test_the_higher_of_two_summits_is_found() -> None:
    y, t, y0, t0 = (np.array(v, dtype=float) for v in TWO)
    fit = free_fit(Pairs.of(y, t, y0, t0))
    assert (fit.alpha[:2] > 0.1).all() and fit.alpha[2:].tolist() == [0.0, 0.0]
    for k in range(4):
        values = np.array([_profile(a, [(y[k], t[k]), (y0[k], t0[k])]) for a in GRID])
        inner = values[1:-1]
        summits = int(((inner > values[:-2]) & (inner > values[2:])).sum()) + int(values[0] > values[1])
        assert summits == 2
        gain = values.max() - values[0]
        with np.errstate(all="ignore"):
            one = slopes(Pairs.of(*(v[k : k + 1] for v in (y, t, y0, t0))), np.zeros((2, 1)), np.zeros(1))
        poisson = one.value[0]
        assert gain - 1e-8 <= fit.value[k] - poisson <= gain + 0.02
    r = compare(y, t, y0, t0)
    for k in range(4):
        for limit in (r.interval.low[k], r.interval.high[k]):
            root = _plain_root(math.log(limit), y[k], t[k], y0[k], t0[k])
            assert root == pytest.approx(stats.t.ppf(0.975, 6), rel=1e-6)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32), a=st.integers(1, 9), b=st.integers(2, 9), mean=st.sampled_from([0.5, 4.0, 60.0, 1e5]),
    alpha=st.sampled_from([0.01, 0.3, 5.0]), wide=st.sampled_from([0.0, 0.5, 2.0]),
    alternative=st.sampled_from(["two-sided", "less", "greater"]), confidence=st.sampled_from([0.6, 0.95, 0.995]),
)  # fmt: skip
def test_p_and_interval_are_one_procedure(
    seed: int, a: int, b: int, mean: float, alpha: float, wide: float, alternative: str, confidence: float
) -> None:
    rng = np.random.default_rng(seed)
    t, t0 = np.exp(rng.normal(0.0, wide, (30, a))), np.exp(rng.normal(0.0, wide, (30, b)))
    y, y0 = (rng.poisson(mean * v * rng.gamma(1.0 / alpha, alpha, v.shape)) for v in (t, t0))
    y[:, 0] += 1
    y0[:, 0] += 1
    call = partial(compare, y, t, y0, t0, alternative=alternative)
    r = call(confidence=confidence)
    assert (r.interval.low <= r.estimate).all() and (r.estimate <= r.interval.high).all()
    for null in (0.4, 1.0, 3.0):
        p = call(confidence=confidence, null=null).pvalue
        edge = np.minimum(abs(r.interval.low / null - 1.0), abs(r.interval.high / null - 1.0)) > 1e-8
        assert ((p < 1.0 - confidence) == ~r.interval.contain(null))[edge].all()
    less = call(confidence=confidence - 0.1).interval
    assert (r.interval.low <= less.low).all() and (less.high <= r.interval.high).all()
    other = {"two-sided": "two-sided", "less": "greater", "greater": "less"}[alternative]
    swapped = compare(y0, t0, y, t, alternative=other, confidence=confidence)
    np.testing.assert_allclose(swapped.pvalue, r.pvalue, rtol=1e-6, atol=1e-8)
    with np.errstate(divide="ignore"):
        for ours, theirs in ((r.interval.low, swapped.interval.high), (r.interval.high, swapped.interval.low)):
            inside = (ours > 1e-30) & (ours < 1e30)  # log ratios beyond are good to fewer digits
            np.testing.assert_allclose(ours[inside], 1.0 / theirs[inside], rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_lines_are_the_single_calls(name: str, alternative: str) -> None:
    data = _drawn(name, 12, seed=5)
    r = compare(*data, alternative=alternative, confidence=0.9, null=1.2)
    singles = [compare(*(v[k] for v in data), alternative=alternative, confidence=0.9, null=1.2) for k in range(12)]
    assert all(isinstance(s, Comparison) for s in singles)
    for ours, theirs in (
        (r.estimate, [s.estimate for s in singles]), (r.pvalue, [s.pvalue for s in singles]),
        (r.interval.low, [s.interval.low for s in singles]), (r.interval.high, [s.interval.high for s in singles]),
    ):  # fmt: skip
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)
    np.testing.assert_allclose(r.statistic, [s.statistic for s in singles], rtol=1e-8, atol=1e-6)
    assert {n.code for n in r.notes} == {n.code for s in singles for n in s.notes}
    assert r.n.tolist() == [list(s.n) for s in singles]


def test_exposures_of_every_shape_and_blocks() -> None:
    y, _, y0, _ = _drawn("scattered", 2500, seed=3)
    y, y0 = y.astype(np.int64), y0.astype(np.int64)
    one = compare(y, 2.0, y0, 3.0)
    rows = compare(y, np.full(8, 2.0), y0, np.full(y0.shape, 3.0))
    assert np.array_equal(one.pvalue, rows.pvalue)
    part = compare(y[2400:], 2.0, y0[2400:], 3.0)
    np.testing.assert_allclose(part.interval.high, one.interval.high[2400:], rtol=1e-9)
    np.testing.assert_allclose(one.estimate, (y.mean(axis=1) / 2.0) / (y0.mean(axis=1) / 3.0), rtol=1e-9)
    assert not one.pvalue.flags.writeable and not one.interval.low.flags.writeable


def test_a_line_does_not_see_its_neighbours() -> None:
    """Counts of a million beside counts of one change which series are used, not the numbers."""
    y, _, y0, _ = _drawn("rare", 20, seed=4)
    big = y.copy()
    big[10:] = np.round(big[10:] * 1e6) + 3.0
    alone, beside = compare(y[:10], 1.0, y0[:10], 1.0), compare(big, 1.0, y0, 1.0)
    np.testing.assert_allclose(beside.interval.high[:10], alone.interval.high, rtol=1e-9)
    np.testing.assert_allclose(beside.pvalue[:10], alone.pvalue, rtol=1e-9)


def test_proportional_large_counts_have_one_limit() -> None:
    """At given scatter, Poisson's part vanishes with growing counts: NB2 becomes the gamma model, free of scale."""
    y, y0 = np.array([5.0, 3.0, 11.0, 4.0, 8.0]), np.array([9.0, 2.0, 7.0, 12.0])

    def gamma_top(groups: list[np.ndarray]) -> float:
        def minus(log_k: float) -> float:
            k = math.exp(log_k)
            part = [
                v.size * (k * math.log(k / v.mean()) - special.gammaln(k)) + (k - 1) * np.log(v).sum() for v in groups
            ]
            return float(sum(v.size * k for v in groups) - sum(part))

        return -float(optimize.minimize_scalar(minus, bracket=(0.0, 2.0), tol=1e-12).fun)

    root = math.sqrt(2.0 * (gamma_top([y, y0]) - gamma_top([np.concatenate((y, y0))])))
    for scale in (1e8, 1e11, 2.0**45):
        r = compare(scale * y[None], 1.0, scale * y0[None], 1.0)
        assert abs(r.statistic[0]) == pytest.approx(root, rel=10.0 / scale + 1e-7)


def test_noninferiority_takes_lines() -> None:
    y, t, y0, t0 = _drawn("own exposures", 9)
    r = noninferiority(compare, y, t, y0, t0, margin=2.0, better="lower")
    assert r.shown.tolist() == (compare(y, t, y0, t0, null=2.0, alternative="less").pvalue < 0.05).tolist()


def test_lines_without_events() -> None:
    y, y0 = np.array([[3.0, 0, 5], [0, 0, 0], [4, 4, 9]]), np.array([[1.0, 7], [0, 0], [2, 3]])
    r = compare(y, 1.0, y0, 1.0)
    assert math.isnan(r.estimate[1])
    assert (r.pvalue[1], r.interval.low[1], r.interval.high[1]) == (1.0, 0.0, math.inf)
    note = next(n for n in r.notes if n.code == "no-information")
    assert note.severity == "serious" and note.message.startswith("1 of 3 pairs have no event in either group")
    alone = compare(y[::2], 1.0, y0[::2], 1.0)
    assert np.array_equal(r.interval.high[::2], alone.interval.high)
    assert np.array_equal(r.pvalue[::2], alone.pvalue)
    assert next(n for n in r.notes if n.code == "few-periods").message.startswith("2 periods in a group")
    nothing = compare(0 * y, 1.0, 0 * y0, 1.0)
    assert np.isnan(nothing.estimate).all() and nothing.pvalue.tolist() == [1.0] * 3
    assert [n.code for n in nothing.notes] == ["no-information"]


def test_lines_without_more_scatter_than_poisson_are_counted() -> None:
    y, y0 = np.array([[5.0, 5, 6, 5, 5], [1, 30, 2, 9, 4]]), np.array([[9.0, 9, 8, 9, 9], [3, 1, 20, 5, 2]])
    r = compare(y, 1.0, y0, 1.0)
    assert next(n for n in r.notes if n.code == "underdispersed").message.startswith("1 of 2 pairs have no more")
    # the Poisson likelihood ratio in closed form
    a, b = 26.0, 44.0
    root = -math.sqrt(2.0 * (a * math.log(2.0 * a / (a + b)) + b * math.log(2.0 * b / (a + b))))
    assert r.statistic[0] == pytest.approx(root, rel=1e-12)


def test_a_side_the_root_never_reaches_is_open() -> None:
    """Student's t with one degree of freedom asks for a root of 12.7: alpha grows and explains any ratio first."""
    r = compare([[3, 4], [30, 2]], 1.0, [[7], [4]], 1.0)
    assert r.interval.low.tolist() == [0.0, 0.0] and r.interval.high.tolist() == [math.inf, math.inf]
    for null in (1e-290, 1e-100, 1e100, 1e290):
        assert (compare([[3, 4], [30, 2]], 1.0, [[7], [4]], 1.0, null=null).pvalue > 0.05).all()
    pairs = Pairs.of(*(np.array(v, dtype=float) for v in ([[3, 4]], [[1, 1]], [[7]], [[1]])))
    top = free_fit(pairs)
    roots = [abs(signed_root(top, tied_fit(pairs, np.array([x])), np.array([x]))[0]) for x in (50.0, 200.0, 500.0)]
    assert roots[0] < roots[1] < roots[2] < stats.t.ppf(0.975, 1)


LINES = np.arange(1.0, 13.0).reshape(3, 4)
HOLED = LINES * (LINES > 4.0)


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "says"),
    [
        ((LINES, 1, HOLED, 1), {}, DataError, "no event in one group of 1 of 3 lines.*quasi-poisson"),
        ((HOLED, 1, LINES, 1), {}, DataError, "no event in one group of 1 of 3 lines"),
        ((LINES, 1, LINES, 1), {"effect": "rate_difference"}, DataError, "compares by the ratio"),
        ((LINES, 1, LINES, 1), {"null": 0.0}, DataError, "null"),
        ((LINES[:, :1], 1, LINES[:, :1], 1), {}, TooFewData, "in 3 of 3 lines one period"),
        ((LINES, 1, LINES + 0.5, 1), {}, DataError, "counts0: 1.5 in line 0, column 0"),
        ((-LINES, 1, LINES, 1), {}, DataError, "counts: -1.0 in line 0"),
        ((LINES, LINES[:2], LINES, 1), {}, DataError, r"exposure: shape \(2, 4\)"),
        ((LINES, 1, LINES[:2], 1), {}, DataError, r"counts0: shape \(2, 4\)"),
        ((LINES, 1, [1, 2, 3], 1), {}, DataError, "counts, counts0: got shapes"),
        ((LINES, 1, np.where(LINES == 7.0, np.nan, LINES), 1), {}, DataError, "counts0: missing value"),
        (([3, 4], 1e-60, [4, 4], 1), {}, DataError, "exposure: .*use a unit"),
    ],
)
def test_what_is_refused(args: tuple[Any, ...], kwargs: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        compare(*args, **kwargs)
