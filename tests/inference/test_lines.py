"""Many pairs in one call, one per line: the same as line by line, and as scipy and plain loops have it."""

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.equivalence import equivalence
from qstats.inference.means.means import compare_means
from qstats.inference.means.paired import compare_paired_means
from qstats.inference.negative_binomial import compare_overdispersed_rates
from qstats.inference.times.quantile_rows import _Ranks
from qstats.inference.times.quantiles import compare_quantiles
from qstats.inference.times.times import compare_times

ALTERNATIVES = ["two-sided", "less", "greater"]
CALLS: dict[str, Callable[..., Any]] = {
    "welch": compare_means,
    "pooled": partial(compare_means, method="pooled"),
    "fieller": partial(compare_means, effect="mean_ratio"),
    "fieller, pooled": partial(compare_means, effect="mean_ratio", method="pooled"),
    "paired": compare_paired_means,
    "geometric": compare_times,
    "median": compare_quantiles,
    "nine in ten": partial(compare_quantiles, q=0.9),
    "quantile of times": partial(compare_times, measure="quantile_difference", q=0.3),
    "to a horizon": partial(compare_times, measure="rmst_difference", horizon=3.0),
    "ratio to a horizon": partial(compare_times, measure="rmst_ratio", horizon=3.0),
}


def _same(many: Comparisons, singles: list[Comparison], rel: float = 1e-12, scale: float = 0.0) -> None:
    assert isinstance(many, Comparisons) and len(many) == len(singles)
    columns = (
        (many.estimate, [r.estimate for r in singles], scale),
        (many.interval.low, [r.interval.low for r in singles], scale),
        (many.interval.high, [r.interval.high for r in singles], scale),
        (many.pvalue, [r.pvalue for r in singles], scale),
        (many.statistic, [r.statistic for r in singles], max(scale, 1e-14)),  # without unit; a zero may be rounding
    )
    for ours, theirs, least in columns:
        np.testing.assert_allclose(ours, np.array(theirs, dtype=float), rtol=rel, atol=max(least, 1e-300))
    assert many.n.tolist() == [list(r.n) for r in singles]
    assert {n.code for n in many.notes} == {n.code for r in singles for n in r.notes}
    assert (many.effect, many.null, many.alternative) == (singles[0].effect, singles[0].null, singles[0].alternative)


@st.composite
def _tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Continuous, coarse (ties) and constant lines side by side; above zero."""
    lines, n, n0 = draw(st.integers(1, 5)), draw(st.integers(2, 9)), draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = draw(st.lists(st.sampled_from(["fine", "coarse", "still"]), min_size=lines, max_size=lines))

    def table(columns: int) -> np.ndarray:
        fine = rng.gamma(2.0, 2.0, (lines, columns)) + 0.01
        made = {"fine": fine, "coarse": np.ceil(fine), "still": np.full_like(fine, 4.0)}
        return np.array([made[kind][k] for k, kind in enumerate(kinds)])

    return table(n), table(n0)


@pytest.mark.parametrize("name", CALLS)
@given(tables=_tables(), alternative=st.sampled_from(ALTERNATIVES), confidence=st.sampled_from([0.6, 0.8, 0.95]))
def test_many_are_one_by_one(name: str, tables: Any, alternative: str, confidence: float) -> None:
    x, x0 = tables
    if name == "paired":
        x = x[:, : min(x.shape[1], x0.shape[1])]
        x0 = x0[:, : x.shape[1]]
    call = partial(CALLS[name], alternative=alternative, confidence=confidence, null=1.3)
    many = call(x, x0)
    # a limit or a statistic may be zero but for rounding of values of a few units
    _same(many, [call(a, b) for a, b in zip(x, x0, strict=True)], scale=1e-13)
    edge = np.minimum(np.abs(1.3 - many.interval.low), np.abs(1.3 - many.interval.high)) > 1e-9
    assert ((many.pvalue < 1.0 - confidence) == ~many.interval.contain(1.3))[edge].all()


@given(
    seed=st.integers(0, 2**32), n=st.integers(2, 12), n0=st.integers(2, 12), lines=st.integers(1, 4),
    measure=st.sampled_from(["rmst_difference", "rmst_ratio"]), unit=st.sampled_from([1.0, 1e-200, 1e150]),
)  # fmt: skip
def test_open_tickets_line_by_line(seed: int, n: int, n0: int, lines: int, measure: str, unit: float) -> None:
    """Ties among ends, among open ones and between the two; -0.0 is a time of zero."""
    rng = np.random.default_rng(seed)
    t, t0 = unit * rng.integers(0, 6, (lines, n)), unit * rng.integers(0, 6, (lines, n0))
    t[:, 0], t0[:, 0] = 5.0 * unit, 5.0 * unit
    t[t == 0.0] = -0.0
    closed, closed0 = rng.random((lines, n)) < 0.6, rng.random((lines, n0)) < 0.6
    call = partial(compare_times, measure=measure, horizon=float(rng.integers(1, 6)) * unit)
    many = call(t, t0, closed=closed, closed0=closed0)
    singles = [
        call(a, b, closed=c, closed0=d) for a, b, c, d in zip(t, t0, closed, closed0, strict=True)
    ]  # fmt: skip
    _same(many, singles, scale=1e-13 * (unit if measure == "rmst_difference" else 1.0) + 1e-13 * (unit == 1.0))


def _plain_restricted_mean(time: Any, closed: Any, horizon: float) -> tuple[float, float]:
    """The definition, by distinct times: area under the product-limit curve and its Greenwood-type variance."""
    at = sorted({t for t, c in zip(time, closed, strict=True) if c and t <= horizon})
    risk = [sum(t >= u for t in time) for u in at]
    ends = [sum(t == u and c for t, c in zip(time, closed, strict=True)) for u in at]
    levels = [1.0]
    for d, n in zip(ends, risk, strict=True):
        levels.append(levels[-1] * (n - d) / n)
    edges = [0.0, *at, horizon]
    areas = [s * (edges[k + 1] - edges[k]) for k, s in enumerate(levels)]
    terms = [
        sum(areas[k + 1 :]) ** 2 * d / (n * (n - d)) for k, (d, n) in enumerate(zip(ends, risk, strict=True)) if n > d
    ]
    return sum(areas), math.sqrt(sum(terms))


def test_restricted_means_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(6)
    t, t0 = rng.integers(1, 9, (40, 15)).astype(float), rng.integers(1, 12, (40, 11)).astype(float)
    t[:, 0], t0[:, 0] = 8.0, 11.0
    closed, closed0 = rng.random(t.shape) < 0.7, rng.random(t0.shape) < 0.7
    many = compare_times(t, t0, closed=closed, closed0=closed0, measure="rmst_difference", horizon=7.0)
    one = [_plain_restricted_mean(a, c, 7.0) for a, c in zip(t, closed, strict=True)]
    two = [_plain_restricted_mean(a, c, 7.0) for a, c in zip(t0, closed0, strict=True)]
    gap = np.array([a[0] - b[0] for a, b in zip(one, two, strict=True)])
    se = np.array([math.hypot(a[1], b[1]) for a, b in zip(one, two, strict=True)])
    np.testing.assert_allclose(many.estimate, gap, rtol=1e-11)
    np.testing.assert_allclose(many.pvalue, 2 * stats.norm.sf(np.abs(gap / se)), rtol=1e-10)
    np.testing.assert_allclose(many.interval.high, np.minimum(gap + stats.norm.ppf(0.975) * se, 7.0), rtol=1e-11)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_means_equal_scipy_along_an_axis(alternative: str) -> None:
    rng = np.random.default_rng(4)
    x, x0 = rng.normal(5.0, 2.0, (300, 12)), rng.normal(6.0, 1.0, (300, 12))
    for call, theirs in (
        (compare_means, stats.ttest_ind(x, x0, axis=1, equal_var=False, alternative=alternative)),
        (partial(compare_means, method="pooled"), stats.ttest_ind(x, x0, axis=1, alternative=alternative)),
        (compare_paired_means, stats.ttest_rel(x, x0, axis=1, alternative=alternative)),
    ):
        r = call(x, x0, alternative=alternative, confidence=0.9)
        np.testing.assert_allclose(r.pvalue, theirs.pvalue, rtol=1e-9)
        limits = theirs.confidence_interval(0.9)
        np.testing.assert_allclose(r.interval.low, limits.low, rtol=1e-9)
        np.testing.assert_allclose(r.interval.high, limits.high, rtol=1e-9)


@pytest.mark.parametrize(("n", "q"), [(2, 0.5), (3, 0.9), (20, 0.5), (37, 0.02), (400, 0.95)])
def test_ranks_read_off_polynomials_are_those_of_the_beta_distribution(n: int, q: float) -> None:
    ranks = _Ranks(n, q)
    z = np.linspace(max(ranks.least, -8.0), min(ranks.most, 8.0), 301)[1:-1]
    at = ranks.at(z)
    below = stats.beta.cdf(q, at, n + 1 - at)
    np.testing.assert_allclose(below, stats.norm.cdf(z), rtol=1e-11)
    assert ranks.at(np.array([ranks.least - 1e-9, ranks.most + 1e-9])).tolist() == [n + 1.0, 0.0]


def test_a_quantile_line_by_its_definition() -> None:
    """Limits of each at ranks solved by scipy's brentq on scipy's beta distribution, combined by squares."""
    rng = np.random.default_rng(9)
    x, x0 = rng.exponential(3.0, (5, 14)), rng.exponential(4.0, (5, 23))
    r = compare_quantiles(x, x0, 0.4)

    def limit(values: np.ndarray, tail: float) -> float:
        n = values.size
        rank = optimize.brentq(lambda k: stats.beta.cdf(0.4, k, n + 1 - k) - tail, 1.0, n, xtol=1e-14)
        return float(np.interp(rank, np.arange(1, n + 1), np.sort(values)))

    for k in range(5):
        d = np.quantile(x[k], 0.4, method="median_unbiased"), np.quantile(x0[k], 0.4, method="median_unbiased")
        low = d[0] - d[1] - math.hypot(d[0] - limit(x[k], 0.975), limit(x0[k], 0.025) - d[1])
        high = d[0] - d[1] + math.hypot(limit(x[k], 0.025) - d[0], d[1] - limit(x0[k], 0.975))
        assert (r.interval.low[k], r.interval.high[k]) == pytest.approx((low, high), rel=1e-10)
        at = compare_quantiles(x, x0, 0.4, null=low)
        assert at.pvalue[k] == pytest.approx(0.05, rel=1e-9)


@given(seed=st.integers(0, 2**32), n=st.integers(1, 6), n0=st.integers(2, 6), mean=st.sampled_from([0.3, 4.0, 5e4]))
def test_overdispersed_counts_line_by_line(seed: int, n: int, n0: int, mean: float) -> None:
    rng = np.random.default_rng(seed)
    y, y0 = (rng.negative_binomial(1.5, 1.5 / (1.5 + mean), (7, k)) for k in (n, n0))
    if n == 1:
        y0[:, 0] += 1  # else a line may have events in one period only
    t, t0 = rng.uniform(0.5, 2.0, n), rng.uniform(0.5, 2.0, (7, n0))
    for effect in ("rate_ratio", "rate_difference"):
        for alternative in ALTERNATIVES:
            call = partial(compare_overdispersed_rates, effect=effect, alternative=alternative)
            many = call(y, t, y0, t0)
            _same(many, [call(a, t, b, c) for a, b, c in zip(y, y0, t0, strict=True)], scale=1e-12 * mean)
            swapped = call(y0, t0, y, t)
            if alternative == "two-sided":
                np.testing.assert_allclose(swapped.pvalue, many.pvalue, rtol=1e-9)
    one_number = compare_overdispersed_rates(y, 2.0, y0, 3.0)
    spelled = compare_overdispersed_rates(y, np.full(y.shape, 2.0), y0, np.full(n0, 3.0))
    assert np.array_equal(one_number.pvalue, spelled.pvalue)


def test_overdispersed_line_by_hand() -> None:
    y, y0 = np.array([[4, 1, 6, 2, 0, 7, 3, 1]]), np.array([[9, 2, 14, 6, 11, 3, 8, 15, 1, 7]])
    phi = sum(((v - v.mean()) ** 2 / v.mean()).sum() for v in (y, y0)) / 16
    z = (24 - 100 * 8 / 18) / math.sqrt(phi * 100 * 8 / 18 * 10 / 18)
    r = compare_overdispersed_rates(np.repeat(y, 3, axis=0), 1, np.repeat(y0, 3, axis=0), 1)
    np.testing.assert_allclose(r.statistic, z, rtol=1e-13)
    np.testing.assert_allclose(r.pvalue, 2 * stats.t.sf(abs(z), 16), rtol=1e-12)


def test_a_large_offset_costs_no_more_than_line_by_line() -> None:
    x, x0 = np.array([[1.0, 3.0, 2.0, 5.0]] * 3), np.array([[4.0, 6.0, 9.0, 2.0]] * 3)
    for call in (compare_means, compare_paired_means):
        plain, far = call(x, x0), call(x + 1e12, x0 + 1e12)
        np.testing.assert_allclose(far.pvalue, plain.pvalue, rtol=1e-9)
        np.testing.assert_allclose(far.interval.low, plain.interval.low, atol=1e-3)
        _same(far, [call(a + 1e12, b + 1e12) for a, b in zip(x, x0, strict=True)])


def test_lines_without_scatter_are_counted_and_show_nothing() -> None:
    x = np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0], [7.0, 7.0, 7.0], [2.0, 2.0, 2.0]])
    x0 = np.array([[2.0, 4.0, 3.0], [5.0, 5.0, 5.0], [6.0, 6.0, 6.0], [1.0, 2.0, 5.0]])
    for name in ("welch", "pooled", "fieller", "geometric", "to a horizon", "ratio to a horizon"):
        if name.endswith("horizon"):
            r = CALLS[name](x / 3.0, x0 / 3.0)
        else:
            r = CALLS[name](x, x0)
        note = next(n for n in r.notes if n.code == "no-scatter")
        assert note.severity == "serious" and note.message.startswith("2 of 4 pairs have no scatter")
        assert r.pvalue[1:3].tolist() == [1.0, 1.0]
        assert (r.pvalue[[0, 3]] < 1.0).all() and (r.statistic[[0, 3]] != 0.0).all()
        ends = {"to a horizon": (-3.0, 3.0)}.get(name, (0.0 if r.null == 1.0 else -math.inf, math.inf))
        assert {(float(a), float(b)) for a, b in zip(r.interval.low[1:3], r.interval.high[1:3], strict=True)} == {ends}
    shown = equivalence(compare_means, x, x0, low=-2.0, high=2.0, confidence=0.6).shown
    assert shown.tolist() == [True, False, False, True]
    drawn = compare_paired_means([[3.0, 4.0, 5.0], [1.0, 4.0, 9.0]], [[1.0, 2.0, 3.0], [0.0, 1.0, 2.0]])
    assert drawn.notes[0].message.startswith("1 of 2 pairs have no scatter")
    assert (drawn.estimate[0], drawn.pvalue[0], drawn.interval.low[0]) == (2.0, 1.0, -math.inf)


def test_blocks_do_not_show() -> None:
    """More lines than one block holds, and lines longer than a block."""
    rng = np.random.default_rng(2)
    x, x0 = rng.gamma(2.0, 2.0, (30_000, 9)), rng.gamma(2.0, 2.0, (30_000, 6))
    for name in ("welch", "median", "geometric"):
        whole, part = CALLS[name](x, x0), CALLS[name](x[29_000:], x0[29_000:])
        assert np.array_equal(whole.pvalue[29_000:], part.pvalue)
    x, x0 = rng.gamma(2.0, 2.0, (2, 140_000)), rng.gamma(2.0, 2.0, (2, 150))
    for name in ("welch", "to a horizon", "median"):
        _same(CALLS[name](x, x0), [CALLS[name](a, b) for a, b in zip(x, x0, strict=True)], rel=1e-9, scale=1e-11)


def test_whatever_holds_lines_is_taken() -> None:
    x, x0 = [[1, 2, 4], [2, 5, 3]], [[3, 5], [4, 9]]
    plain = compare_means(np.array(x, dtype=float), np.array(x0, dtype=float))
    given_as = [
        (x, x0), (tuple(map(tuple, x)), x0), ([np.array(v) for v in x], x0), (np.array(x), np.array(x0)),
        (np.array(x, dtype=np.float32), np.array(x0, dtype=object)), (np.asfortranarray(x), np.ma.array(x0)),
    ]  # fmt: skip
    for a, b in given_as:
        r = compare_means(a, b)
        assert isinstance(r, Comparisons)
        assert np.array_equal(r.pvalue, plain.pvalue)
    assert isinstance(compare_means([np.array(1.0), np.array(2.0)], [3.0, 5.0]), Comparison)
    assert not plain.pvalue.flags.writeable and not plain.n.flags.writeable


LINES = np.arange(1.0, 13.0).reshape(3, 4)
GAP = np.where(LINES == 7.0, np.nan, LINES)
TOLD: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    (compare_means, (LINES, LINES[:2]), {}, DataError, r"x0: shape \(2, 4\) came for shape \(3, 4\) of x"),
    (compare_means, (LINES, [1.0, 2.0]), {}, DataError, r"x, x0: got shapes \(3, 4\) and \(2,\)"),
    (compare_means, ([1.0, 2.0], LINES), {}, DataError, r"got shapes \(2,\) and \(3, 4\)"),
    (compare_means, (LINES, None), {}, DataError, "and None"),
    (compare_means, (GAP, LINES), {}, DataError, "x: missing value .nan in line 1, column 2.*compare_mean_summ"),
    (compare_means, ([[1, 2], [3]], LINES), {}, DataError, "x: lines of unequal length"),
    (compare_means, (LINES, [[1, 2], [3, math.inf], [4, 5]]), {}, DataError, "x0: inf in line 1, column 1"),
    (compare_means, ([[1], [2], [3]], LINES), {}, TooFewData, "x: 1 values per line"),
    (compare_means, (np.empty((0, 4)), LINES), {}, TooFewData, "x: no line came"),
    (compare_means, ([["a", "b"]], [[1, 2]]), {}, DataError, "x: got text"),
    (compare_means, ([[[1, 2]]], LINES), {}, DataError, "x: got 3 dimensions"),
    (compare_means, (LINES, LINES), {"method": "bootstrap-t"}, DataError, "method: 'bootstrap-t' resamples one pair"),
    (compare_means, (-LINES, LINES), {"effect": "mean_ratio"}, DataError, "both means above zero"),
    (compare_means, (1e200 * (LINES - 6.0), LINES), {}, DataError, "x: line 0: sums of values"),
    (compare_means, (LINES, 1e-200 * LINES), {}, DataError, "x0: line 0: the scatter squared is too small"),
    (compare_means, (LINES, LINES), {"rng": 1}, DataError, "draws nothing"),
    (compare_paired_means, (LINES, LINES[:, :2]), {}, DataError, r"x0: shape \(3, 2\) came for shape \(3, 4\)"),
    (compare_paired_means, (LINES, LINES), {"method": "sign-flip"}, DataError, "method: 'sign-flip' takes one pair"),
    (compare_paired_means, (LINES, LINES), {"rng": 1}, DataError, "draws nothing"),
    (compare_quantiles, (LINES, GAP), {}, DataError, "x0: missing value"),
    (compare_times, (LINES, -LINES), {}, DataError, "time0: -1.0 in line 0, column 0; negative time"),
    (compare_times, (LINES, LINES), {"measure": "mean_ratio"}, DataError, "measure: 'mean_ratio' resamples one pair"),
    (compare_times, (LINES - 1.0, LINES), {}, DataError, "time: 1 of 12 are zero"),
    (compare_times, (LINES, LINES), {"closed": LINES > 1}, DataError, "closed: 1 of 12 are still open"),
    (compare_times, (LINES, LINES), {"closed": [True] * 4}, DataError, r"closed: shape \(4,\) came for times of shape"),
    (compare_times, (LINES, LINES), {"closed": [[True], [1, 0]]}, DataError, "closed: lines of unequal length"),
    (compare_times, (LINES, LINES), {"closed": np.ma.array(LINES > 0, mask=LINES > 11)}, DataError, "closed: missing"),
    (compare_times, (LINES, LINES), {"closed": "yes"}, DataError, "closed: shape a str came"),
    (compare_overdispersed_rates, (LINES, [[1, 2], [3]], LINES, 1), {}, DataError, "exposure: lines of unequal"),
    (compare_times, (LINES, LINES), {"closed0": LINES}, DataError, "closed0: 2.0 in line 0, column 1; True"),
    (
        compare_times, (LINES, LINES), {"measure": "rmst_ratio", "horizon": 9.0, "closed0": LINES % 4 > 0}, DataError,
        r"horizon: got 9, but in 2 of 3 lines of time0 .*4 in line 0.*at most 4",
    ),
    (
        compare_times, (LINES * (LINES > 4), LINES), {"measure": "rmst_ratio", "horizon": 2.0}, DataError,
        "time: in 1 of 3 lines a group ended at time zero",
    ),
    (compare_overdispersed_rates, (LINES, 1, LINES - 0.5, 1), {}, DataError, "counts0: 0.5 in line 0, column 0"),
    (compare_overdispersed_rates, (LINES, LINES[:2], LINES, 1), {}, DataError, r"exposure: shape \(2, 4\) came"),
    (compare_overdispersed_rates, (LINES, [1, 2], LINES, 1), {}, DataError, "exposure: 2 values came for 4"),
    (compare_overdispersed_rates, (LINES, LINES - 1, LINES, 1), {}, DataError, "exposure: 0.0 in line 0, column 0"),
    (compare_overdispersed_rates, (LINES, 1e-60, LINES, 1), {}, DataError, "exposure: .*use a unit"),
    (compare_overdispersed_rates, (LINES, 1, [1, 2], 1), {}, DataError, "counts, counts0: got shapes"),
    (compare_overdispersed_rates, (LINES[:, :1], 1, LINES[:, :1], 1), {}, TooFewData, "in 3 of 3 lines one period"),
    (
        compare_overdispersed_rates, (LINES, 1, LINES * (LINES > 4.0), 1), {"model": "negative-binomial"}, DataError,
        "counts: no event in one group of 1 of 3 lines",
    ),
    (compare_overdispersed_rates, (LINES, 1, LINES, 1), {"null": 0.0}, DataError, "null"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "args", "options", "error", "says"), TOLD)
def test_what_is_refused(
    call: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=says):
            call(*args, **options)
