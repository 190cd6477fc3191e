"""Several groups: R, scipy, statsmodels, brute force over tables; pairs, adjustment, bad input."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from qstats import (
    DataError,
    compare_mean_groups,
    compare_ordinal_groups,
    compare_proportion_groups,
    compare_proportions,
    compare_rate_groups,
    compare_rates,
    compare_time_groups,
)
from qstats.errors import TooFewData
from qstats.inference.groups.kernels import pearson
from qstats.inference.means.means import compare_means
from qstats.inference.ordinal.scores import compare_ordinal
from qstats.inference.times.logrank import logrank

REFERENCE = Path(__file__).parents[1] / "reference" / "groups.json"
CASES = {c["id"]: c for c in json.loads(REFERENCE.read_text(encoding="utf-8"))["cases"]}


def test_homogeneity_equals_r_chisq_test() -> None:
    i, e = CASES["chisq-5"]["inputs"], CASES["chisq-5"]["expected"]
    table = np.array(i["M"], dtype=float).reshape(3, i["k"]).T  # R fills a matrix by columns
    statistic, df, _ = pearson(table)
    assert (statistic, df, stats.chi2.sf(statistic, df)) == pytest.approx(e["chisq"], rel=1e-9)


def test_logrank_of_three_groups_equals_r_survdiff() -> None:
    i, e = CASES["surv-lung-3grp"]["inputs"], CASES["surv-lung-3grp"]["expected"]
    r = compare_time_groups(i["time"], i["status"], i["group"])
    assert r.statistic == pytest.approx(e["chisq"], rel=1e-8)
    assert r.pvalue == pytest.approx(e["p"], rel=1e-7)
    assert r.df == 2.0 and r.df0 is None and r.n.sum() == len(i["time"])


def test_pairs_of_times_are_the_two_group_logrank() -> None:
    i = CASES["surv-lung-3grp"]["inputs"]
    time, status, group = (np.array(i[name]) for name in ("time", "status", "group"))
    r = compare_time_groups(time, status, group, adjust="none")
    for k, (a, b) in enumerate(r.pairs):
        both = np.isin(group.astype(str), (a, b))
        two = logrank(time[both], status[both], group[both])
        assert r.differences.pvalue[k] == pytest.approx(two.pvalue, rel=1e-9)
        inside = r.differences.interval.low[k] <= 1.0 <= r.differences.interval.high[k]
        assert inside == (r.differences.pvalue[k] >= 0.05)
        # log HR = (O - E) / V, by hand from the other implementation
        gap = float(two.observed[0] - two.expected[0]) * (1.0 if two.groups[0] == a else -1.0)
        assert math.log(r.differences.estimate[k]) == pytest.approx(two.statistic / gap, rel=1e-9)


def test_welch_f_equals_statsmodels() -> None:
    rng = np.random.default_rng(3)
    parts = [rng.normal(m, s, n) for m, s, n in ((0, 1, 8), (0.8, 3, 15), (1, 0.5, 6), (0.2, 1, 30))]
    by = np.repeat(["d", "b", "c", "a"], [p.size for p in parts])
    e = anova_oneway(parts, use_var="unequal")
    r = compare_mean_groups(np.concatenate(parts), by)
    assert (r.statistic, r.pvalue, r.df, r.df0) == pytest.approx((e.statistic, e.pvalue, *e.df), rel=1e-9)
    assert r.labels == ("a", "b", "c", "d")
    assert r.estimate[0] == pytest.approx(parts[3].mean())
    k = r.pairs.index(("d", "b"))
    two = compare_means(parts[0], parts[1])
    assert r.differences.pvalue[k] == pytest.approx(two.pvalue, rel=1e-9)
    assert r.differences.interval.low[k] == pytest.approx(two.interval.low, rel=1e-9)
    shifted = compare_mean_groups(np.concatenate(parts) + 1e12, by)
    assert shifted.pvalue == pytest.approx(r.pvalue, rel=1e-2)  # the values themselves keep four digits there
    whole = np.round(np.concatenate(parts) * 8.0)
    assert compare_mean_groups(whole + 1e12, by).pvalue == pytest.approx(
        compare_mean_groups(whole, by).pvalue, rel=1e-9
    )


def test_two_groups_give_welch_t_squared() -> None:
    x, x0 = [3.1, 2.7, 3.4, 2.9], [4.0, 3.6, 4.4, 3.9, 4.1]
    r = compare_mean_groups([*x, *x0], ["x"] * 4 + ["x0"] * 5)
    t = stats.ttest_ind(x, x0, equal_var=False)
    assert (r.statistic, r.pvalue) == pytest.approx((t.statistic**2, t.pvalue), rel=1e-9)


def test_one_group_without_scatter_counts_in_the_limit() -> None:
    """The F of a vanishing spread, computed by statsmodels with a spread of 1e-6, is the one reported for none."""
    x, y = [1.0, 2.0, 4.0], [2.5, 3.0, 5.0, 6.0]
    e = anova_oneway([x, y, [3.0 - 1e-6, 3.0 + 1e-6]], use_var="unequal")
    r = compare_mean_groups([*x, *y, 3.0, 3.0], ["x"] * 3 + ["y"] * 4 + ["z"] * 2)
    assert (r.statistic, r.pvalue) == pytest.approx((e.statistic, e.pvalue), rel=1e-5)
    assert r.notes[0].code == "no-scatter"


def test_kruskal_equals_scipy() -> None:
    rng = np.random.default_rng(9)
    parts = [rng.integers(1, 6, n) for n in (12, 20, 9)]
    e = stats.kruskal(*parts)
    by = np.repeat(["a", "b", "c"], [12, 20, 9])
    r = compare_ordinal_groups(np.concatenate(parts), by, method="chi2")
    assert (r.statistic, r.pvalue) == pytest.approx((e.statistic, e.pvalue), rel=1e-9)
    k = r.pairs.index(("c", "a"))
    two = compare_ordinal(parts[2], parts[0])
    assert (r.differences.estimate[k], r.differences.pvalue[k]) == pytest.approx((two.estimate, two.pvalue))
    rest = compare_ordinal(parts[0], np.concatenate(parts[1:]))
    assert (r.estimate[0], r.interval.low[0]) == pytest.approx((rest.estimate, rest.interval.low))


def test_kruskal_relabelled_equals_all_arrangements() -> None:
    """All 1680 ways to share nine scores out to three groups of three, by plain loops and scipy's H."""
    x = np.array([1, 2, 2, 3, 4, 4, 5, 5, 5.0])
    by = list("aabbbccca")
    seen = stats.kruskal(*(x[[k for k, g in enumerate(by) if g == name]] for name in "abc")).statistic
    hits = total = 0
    for a in itertools.combinations(range(9), 3):
        left = [k for k in range(9) if k not in a]
        for b in itertools.combinations(left, 3):
            c = [k for k in left if k not in b]
            total += 1
            hits += stats.kruskal(x[list(a)], x[list(b)], x[c]).statistic >= seen - 1e-9
    r = compare_ordinal_groups(x, by, rng=1, resamples=20_000)
    assert total == 1680 and r.resamples == 20_000
    exact = hits / total
    assert r.pvalue == pytest.approx(exact, abs=4.0 * math.sqrt(exact / 20_000))
    assert compare_ordinal_groups(x, by, rng=1, resamples=20_000).pvalue == r.pvalue


def test_proportions_equal_scipy_and_their_pairs() -> None:
    count, size = np.array([12, 15, 31, 22]), np.array([100, 110, 105, 90])
    e = stats.chi2_contingency(np.array([count, size - count]), correction=False)
    r = compare_proportion_groups(count, size, labels=["N", "O", "S", "W"])
    assert (r.statistic, r.pvalue, r.df) == pytest.approx((e.statistic, e.pvalue, e.dof), rel=1e-9)
    k = r.pairs.index(("S", "O"))
    two = compare_proportions(31, 105, 15, 110)
    assert (r.differences.estimate[k], r.differences.pvalue[k]) == pytest.approx((two.estimate, two.pvalue))
    order = np.argsort(r.differences.pvalue)
    by_hand = np.minimum(1.0, np.maximum.accumulate((6 - np.arange(6)) * r.differences.pvalue[order]))
    assert r.adjusted[order] == pytest.approx(by_hand)  # Holm (1979)
    assert (compare_proportion_groups(count, size, adjust="none").adjusted == r.differences.pvalue).all()


def _midp(tables, statistic, weight, seen):
    values = [(statistic(t), weight(t)) for t in tables]
    return sum(w for s, w in values if s > seen + 1e-9) + 0.5 * sum(w for s, w in values if abs(s - seen) <= 1e-9)


def test_few_proportions_are_exact() -> None:
    """Mid-p over every table with these margins, by plain loops and binomial coefficients."""
    count, size = (1, 0, 4), (10, 8, 10)
    total, units = sum(count), sum(size)

    def statistic(t):
        p = total / units
        return sum((x - n * p) ** 2 / (n * p * (1 - p)) for x, n in zip(t, size, strict=True))

    def weight(t):
        return math.prod(math.comb(n, x) for x, n in zip(t, size, strict=True)) / math.comb(units, total)

    tables = [t for t in itertools.product(range(total + 1), repeat=3) if sum(t) == total]
    expected = _midp(tables, statistic, weight, statistic(count))
    r = compare_proportion_groups(count, size)
    assert r.pvalue == pytest.approx(expected, rel=1e-9) and "exact" in r.method and r.resamples is None
    drawn = compare_proportion_groups(count, size, method="simulated", rng=2, resamples=40_000)
    full = sum(weight(t) for t in tables if statistic(t) >= statistic(count) - 1e-9)
    assert drawn.pvalue == pytest.approx(full, abs=4.0 * math.sqrt(full / 40_000))
    chi2 = compare_proportion_groups(count, size, method="chi2")
    assert [n.code for n in chi2.notes] == ["small-expected"]


def test_few_rates_are_exact() -> None:
    """Mid-p over every way to share out seven events, multinomial by factorials."""
    events, exposure = (0, 2, 5), (3.0, 1.5, 2.0)
    total, share = sum(events), [t / sum(exposure) for t in exposure]

    def statistic(t):
        return sum((y - total * s) ** 2 / (total * s) for y, s in zip(t, share, strict=True))

    def weight(t):
        ways = math.factorial(total) / math.prod(math.factorial(y) for y in t)
        return ways * math.prod(s**y for y, s in zip(t, share, strict=True))

    tables = [t for t in itertools.product(range(total + 1), repeat=3) if sum(t) == total]
    r = compare_rate_groups(events, exposure)
    assert r.pvalue == pytest.approx(_midp(tables, statistic, weight, statistic(events)), rel=1e-9)
    full = sum(weight(t) for t in tables if statistic(t) >= statistic(events) - 1e-9)
    drawn = compare_rate_groups(events, exposure, method="simulated", rng=2, resamples=40_000)
    assert drawn.pvalue == pytest.approx(full, abs=4.0 * math.sqrt(full / 40_000))


def test_rates_equal_scipy_and_their_pairs() -> None:
    y, t = np.array([30, 28, 55]), np.array([900.0, 1000.0, 1100.0])
    e = stats.chisquare(y, y.sum() * t / t.sum())
    r = compare_rate_groups(y, t, labels=["A", "B", "C"])
    assert (r.statistic, r.pvalue) == pytest.approx((e.statistic, e.pvalue), rel=1e-9)
    two = compare_rates(55, 1100, 30, 900)
    k = r.pairs.index(("C", "A"))
    assert (r.differences.estimate[k], r.differences.pvalue[k]) == pytest.approx((two.estimate, two.pvalue))


def test_scatter_beyond_poisson_makes_it_an_f() -> None:
    """McCullagh & Nelder (1989), section 9.2: X2 / (k - 1) / dispersion against F."""
    y = np.array([30, 45, 61])
    x2 = stats.chisquare(y).statistic
    r = compare_rate_groups(y, 10.0, dispersion=2.0, df=11)
    assert (r.statistic, r.df0) == pytest.approx((x2 / 4.0, 11.0))
    assert r.pvalue == pytest.approx(stats.f.sf(x2 / 4.0, 2, 11), rel=1e-9)
    wide = compare_rate_groups(y, 10.0, dispersion=2.0)
    assert wide.pvalue == pytest.approx(stats.chi2.sf(x2 / 2.0, 2), rel=1e-9)
    assert (wide.differences.pvalue >= compare_rate_groups(y, 10.0).differences.pvalue).all()
    assert compare_rate_groups(y, 10.0, dispersion=0.5).notes[0].code == "underdispersed"


def test_nothing_happened() -> None:
    for r in (compare_rate_groups([0, 0, 0], 10.0), compare_proportion_groups([0, 0], [5, 9]),
              compare_proportion_groups([5, 9, 2], [5, 9, 2])):  # fmt: skip
        assert r.pvalue == 1.0 and r.notes[-1].code == "no-information"
        assert "NaN" not in r.to_json()
    r = compare_ordinal_groups([3] * 18, np.repeat(["a", "b", "c"], 6))
    assert (r.statistic, r.pvalue) == (0.0, 1.0)
    r = compare_time_groups([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 0], list("aabb"))
    assert r.pvalue == 1.0 and "no-information" in {n.code for n in r.notes}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(12, 30)), min_size=2, max_size=4), st.randoms())
def test_order_of_groups_does_not_matter(rows, random) -> None:
    mixed = rows[:]
    random.shuffle(mixed)
    a, b = (compare_proportion_groups(*zip(*r, strict=True), method="chi2") for r in (rows, mixed))
    assert a.pvalue == pytest.approx(b.pvalue, rel=1e-9) and 0.0 <= a.pvalue <= 1.0
    a, b = (compare_rate_groups(*zip(*r, strict=True), method="chi2") for r in (rows, mixed))
    assert a.pvalue == pytest.approx(b.pvalue, rel=1e-9)
    assert (a.adjusted >= a.differences.pvalue).all()
    assert sorted(a.adjusted) == pytest.approx(sorted(b.adjusted), rel=1e-9)


def test_result_reads_and_travels() -> None:
    r = compare_rate_groups([30, 28, 55], 1000.0, labels=["甲", "乙", "丙"])
    assert "甲: rate" in r.summary() and r.to_frame().shape == (3, 7)
    assert r.to_dict()["schema"] == "qstats.group-comparison/1"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: compare_rate_groups(3, 10.0), "one number came"),
        (lambda: compare_rate_groups([3], [10.0]), "at least two"),
        (lambda: compare_rate_groups([3, -1], 10.0), "events"),
        (lambda: compare_rate_groups([3, 1], [10.0, 0.0]), "above zero"),
        (lambda: compare_rate_groups([3, 1], 10.0, labels=["a"]), "one each"),
        (lambda: compare_rate_groups([3, 1], 10.0, labels=["a", "a"]), "different"),
        (lambda: compare_rate_groups([3, 1], 10.0, labels="ab"), "labels"),
        (lambda: compare_rate_groups([30, 40], 10.0, rng=1), "nothing is drawn"),
        (lambda: compare_rate_groups([3, 1], 10.0, method="exact", dispersion=2.0), "dispersion"),
        (lambda: compare_rate_groups([300] * 5, 10.0, method="exact"), "too many tables"),
        (lambda: compare_rate_groups([3, 1], 10.0, adjust="tukey"), "adjust"),
        (lambda: compare_proportion_groups([3, 8], [5, 7]), "count cannot exceed"),
        (lambda: compare_proportion_groups([3, 1], [5, 0]), "without units"),
        (lambda: compare_mean_groups([1.0, 2.0], ["a", "a"]), "at least two"),
        (lambda: compare_mean_groups([1.0, 2.0, 3.0], ["a", "a", "b"]), "group 'b' has 1"),
        (lambda: compare_mean_groups([1.0, math.nan, 3.0, 4.0], list("aabb")), "missing value"),
        (lambda: compare_mean_groups([1.0, 2.0, 3.0, 4.0], ["a", None, "b", "b"]), "labels are missing"),
        (lambda: compare_mean_groups([1.0, 2.0, 3.0, 4.0], [1.0, math.nan, 2.0, 2.0]), "labels are missing"),
        (lambda: compare_mean_groups([1.0, 2.0], ["a", "b", "c"]), "one label each"),
        (lambda: compare_ordinal_groups([1, 2, 3, 4], list("aabb"), method="exact"), "method"),
        (lambda: compare_time_groups([-1.0, 2.0], None, ["a", "b"]), "negative time"),
        (lambda: compare_time_groups([1.0, 2.0], [1, 2], ["a", "b"]), "still open"),
    ],
)
def test_bad_input_is_told(call, words: str) -> None:
    with pytest.raises((DataError, TooFewData), match=words):
        call()


def test_lopsided_groups_neither_fill_the_memory_nor_warn() -> None:
    r = compare_rate_groups([10**8, 0, 1], [1e8, 1e-3, 1.0], rng=1, resamples=200)
    assert r.resamples == 200 and 0.0 < r.pvalue <= 1.0
    r = compare_proportion_groups([5 * 10**6, 1], [10**7, 2], rng=1, resamples=200)
    assert 0.0 < r.pvalue <= 1.0
    values = np.concatenate([np.arange(20_000.0) % 7, [1.0, 2.0, 3.0]])
    r = compare_ordinal_groups(values, np.repeat(["a", "b"], [20_000, 3]))
    assert r.resamples is None and "few-values" in {n.code for n in r.notes}


def test_all_open_prints_a_dash_instead_of_nan() -> None:
    text = str(compare_time_groups([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0] * 6, list("aabbcc")))
    assert "nan" not in text and "– (0, inf)" in text


@pytest.mark.parametrize(
    "values", [[1.0, 1.0, 2.0, 2.0, 3.0, 9.0], [1.0] * 6, [1e12] * 2 + [1e12 + 1] * 2 + [4.0, 5.0]]
)
def test_two_groups_without_scatter_claim_no_certainty(values: list[float]) -> None:
    with pytest.raises(TooFewData, match=r"by: nothing varies within groups 'a', 'b'.*compare_ordinal_groups"):
        compare_mean_groups(values, list("aabbcc"))
