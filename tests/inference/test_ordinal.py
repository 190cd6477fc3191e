"""Ordinal scores: scipy and statsmodels, plain enumeration of permutations, separated and tied groups."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.nonparametric import rank_compare_2indep

from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.ordinal.kernels import all_tables, count_tables
from qstats.inference.ordinal.scores import compare_ordinal, compare_ordinal_counts

# Pain scores of the scipy documentation of brunnermunzel.
PAIN = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
scores = st.lists(st.integers(1, 5), min_size=2, max_size=12)


def test_pain_scores() -> None:
    # W 3.1374674823, p 0.0057862086661 (scipy); P(x > y) 0.21103896, 95 % (0.01729479, 0.40478314) (statsmodels).
    r = compare_ordinal(*PAIN)
    assert r.statistic == pytest.approx(-3.1374674823, rel=1e-10)
    assert r.pvalue == pytest.approx(0.0057862086661, rel=1e-10)
    assert r.estimate == pytest.approx(0.21103896, abs=5e-9)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.01729479, 0.40478314), abs=5e-9)
    assert compare_ordinal(PAIN[1], PAIN[0]).statistic == pytest.approx(3.1374674823, rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_statsmodels_and_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, x0 = rng.integers(1, 8, 30), rng.integers(2, 7, 22)
    if seed > 1:
        x, x0 = rng.normal(size=30), rng.normal(0.4, 2.0, 22)
    r, theirs = compare_ordinal(x, x0), rank_compare_2indep(x, x0, use_t=True)
    assert (r.estimate, r.df, r.pvalue) == pytest.approx((theirs.prob1, theirs.df, theirs.pvalue), rel=1e-9)
    assert (r.interval.low, r.interval.high) == pytest.approx(theirs.conf_int(), rel=1e-9)
    moved = compare_ordinal(x, x0, null=0.4, alternative="greater")
    assert moved.pvalue == pytest.approx(theirs.test_prob_superior(value=0.4, alternative="larger").pvalue, rel=1e-9)
    assert r.pvalue == pytest.approx(stats.brunnermunzel(x, x0).pvalue, rel=1e-9)


def test_logit_by_hand() -> None:
    """Delta method: the standard error of the logit is se / (p (1 - p)); same degrees of freedom."""
    plain, r = compare_ordinal(*PAIN), compare_ordinal(*PAIN, method="logit")
    p = plain.estimate
    assert plain.statistic is not None and plain.df is not None
    se = (p - 0.5) / plain.statistic / (p * (1 - p))
    half = stats.t.ppf(0.975, plain.df) * se
    centre = math.log(p / (1 - p))
    limits = [1 / (1 + math.exp(-(centre + s * half))) for s in (-1, 1)]
    assert (r.interval.low, r.interval.high) == pytest.approx(limits, rel=1e-10)
    assert r.pvalue == pytest.approx(2 * stats.t.sf(abs(centre / se), plain.df), rel=1e-10)


def _plain_studentised(x: Any, y: Any) -> float:
    """Brunner & Munzel's statistic by midranks, as published; infinite where separated."""
    n, m = len(x), len(y)
    both, rx, ry = stats.rankdata([*x, *y]), stats.rankdata(x), stats.rankdata(y)
    px, py = both[:n] - rx, both[n:] - ry
    vx, vy = np.var(px, ddof=1) / (n * m * m), np.var(py, ddof=1) / (m * n * n)
    gap = px.mean() / m - 0.5
    if abs(gap) < 1e-12:
        return 0.0
    return gap / math.sqrt(vx + vy) if vx + vy > 1e-20 else math.copysign(math.inf, gap)


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.floats(0.05, 0.95),
)
def test_permutation_equals_plain_enumeration(x: list[int], x0: list[int], null: float) -> None:
    both, n = np.array([*x, *x0]), len(x)
    draws = []
    for chosen in itertools.combinations(range(both.size), n):
        mask = np.zeros(both.size, dtype=bool)
        mask[list(chosen)] = True
        draws.append(_plain_studentised(both[mask], both[~mask]))
    t = np.array(draws)
    for alternative in ("two-sided", "less", "greater"):
        r = compare_ordinal(x, x0, method="permutation", null=null, alternative=alternative, confidence=0.8)
        if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-7:
            assert (r.pvalue < 1.0 - 0.8) == (null not in r.interval)
        if r.statistic is None:
            continue
        low, high = np.mean(t <= r.statistic + 1e-9), np.mean(t >= r.statistic - 1e-9)
        expected = {"two-sided": min(1.0, 2 * min(low, high)), "less": low, "greater": high}[alternative]
        assert r.pvalue == pytest.approx(expected, abs=1e-10)


def test_all_tables_are_all() -> None:
    """Against the multivariate hypergeometric distribution of scipy, table by table."""
    total = np.array([3.0, 1.0, 4.0, 2.0])
    tables, weight = all_tables(total, 5)
    plain = [c for c in itertools.product(range(4), range(2), range(5), range(3)) if sum(c) == 5]
    assert sorted(map(tuple, tables.astype(int).tolist())) == sorted(plain)
    assert count_tables(total, 5) == len(plain)
    law = stats.multivariate_hypergeom(total.astype(int), 5)
    assert weight == pytest.approx([law.pmf(row) for row in tables.astype(int)], rel=1e-10)
    assert count_tables(np.ones(30), 15) == pytest.approx(min(math.comb(30, 15), 1e12))
    assert count_tables(np.ones(400), 2) == math.inf


def test_random_tables_agree_with_all_tables() -> None:
    """30 + 30 scores of five: t nearly holds, and the random tables must agree within their error."""
    rng = np.random.default_rng(5)
    x, x0 = rng.normal(0.5, 1, 30), rng.normal(0, 1, 30)
    r = compare_ordinal(x, x0, method="permutation", resamples=19_999, rng=2)
    t = compare_ordinal(x, x0)
    assert "19999 random tables" in r.method
    assert r.pvalue == pytest.approx(t.pvalue, abs=0.01)
    assert r.interval.low == pytest.approx(t.interval.low, abs=0.01)


@pytest.mark.parametrize(("n", "n0"), [(10, 10), (2, 2), (5, 20), (200, 3)])
def test_separated_groups_have_the_permutation_probability(n: int, n0: int) -> None:
    """Where scipy's brunnermunzel gives nan: 1 / C(N, n) on either side."""
    x, x0 = np.arange(n) + 1000, np.arange(n0)
    r = compare_ordinal(x, x0, alternative="greater")
    assert r.pvalue == pytest.approx(1 / math.comb(n + n0, n), rel=1e-9)
    two = compare_ordinal(x, x0)
    assert two.pvalue == pytest.approx(2 / math.comb(n + n0, n), rel=1e-9)
    assert two.interval.high == 1.0
    assert (two.pvalue < 0.05) == (two.interval.low > 0.5)
    down = compare_ordinal(x0, x)
    assert (down.estimate, down.interval.low) == (0.0, 0.0)
    assert down.interval.high == pytest.approx(1 - two.interval.low, rel=1e-12)
    turned = compare_ordinal(-x, -x0)
    assert turned.interval.high == pytest.approx(1 - two.interval.low, rel=1e-12)
    assert [note.code for note in two.notes] == ["separated-or-tied"]


def test_limit_of_separated_groups_by_simulation_of_lehmann_alternatives() -> None:
    """At the lower limit, the chance that all of the group lie above is half of 5 %: X = U^(1/k) against U."""
    r = compare_ordinal(np.arange(8) + 10, np.arange(8))
    k = r.interval.low / (1 - r.interval.low)
    rng = np.random.default_rng(3)
    x, y = rng.random((200_000, 8)) ** (1 / k), rng.random((200_000, 8))
    share = np.mean(x.min(axis=1) > y.max(axis=1))
    assert share == pytest.approx(0.025, abs=4 * math.sqrt(0.025 * 0.975 / 200_000))


def test_all_tied() -> None:
    r = compare_ordinal([3] * 10, [3] * 6)
    assert (r.estimate, r.pvalue) == (0.5, 1.0)
    # All 6 disjoint pairs tie with chance at most (2 low)^6: 2.5 % at the lower limit.
    assert (2 * r.interval.low) ** 6 == pytest.approx(0.025, rel=1e-12)
    assert r.interval.high == pytest.approx(1 - r.interval.low, rel=1e-12)
    margin = compare_ordinal([3] * 10, [3] * 6, null=0.2)
    assert margin.pvalue == pytest.approx(2 * 0.4**6, rel=1e-12)


@given(scores, scores, st.floats(0.02, 0.98), st.sampled_from(["brunner-munzel", "logit"]))
def test_p_and_interval_agree(x: list[int], x0: list[int], null: float, method: str) -> None:
    for alternative in ("two-sided", "less", "greater"):
        r = compare_ordinal(x, x0, method=method, null=null, alternative=alternative, confidence=0.9)
        assert 0.0 <= r.pvalue <= 1.0
        assert 0.0 <= r.interval.low <= r.interval.high <= 1.0
        if min(abs(null - r.interval.low), abs(null - r.interval.high)) > 1e-7:
            assert (r.pvalue < 1.0 - 0.9) == (null not in r.interval)


@given(scores, scores, st.sampled_from(["brunner-munzel", "logit", "permutation"]))
def test_swap_relabel_and_nesting(x: list[int], x0: list[int], method: str) -> None:
    options: dict[str, Any] = {"method": method}
    a, b = compare_ordinal(x, x0, **options), compare_ordinal(x0, x, **options)
    assert a.pvalue == pytest.approx(b.pvalue, abs=1e-9)
    assert a.estimate == pytest.approx(1 - b.estimate, abs=1e-12)
    assert a.interval.low == pytest.approx(1 - b.interval.high, abs=1e-9)
    cubes = compare_ordinal([v**3 for v in x], [v**3 for v in x0], **options)
    assert (cubes.interval, cubes.pvalue) == (a.interval, a.pvalue)
    wide = compare_ordinal(x, x0, confidence=0.99, **options).interval
    assert wide.low <= a.interval.low + 1e-12 and a.interval.high <= wide.high + 1e-12


def test_counts_say_the_same_as_scores_row_by_row() -> None:
    rng = np.random.default_rng(7)
    c, c0 = rng.multinomial(12, [0.1, 0.2, 0.3, 0.4], size=40), rng.multinomial(9, [0.4, 0.3, 0.2, 0.1], size=40)
    c[0], c0[0] = [0, 0, 5, 5], [4, 4, 0, 0]  # separated
    c[1], c0[1] = [0, 6, 0, 0], [0, 7, 0, 0]  # tied
    for method in ("brunner-munzel", "logit"):
        many = compare_ordinal_counts(c, c0, method=method)
        assert isinstance(many, Comparisons)
        assert "2 of 40 rows" in many.notes[0].message
        assert math.isnan(many.statistic[0])  # type: ignore[index]
        for k in range(40):
            one = compare_ordinal_counts(c[k], c0[k], method=method)
            rows = compare_ordinal(np.repeat(np.arange(4), c[k]), np.repeat(np.arange(4), c0[k]), method=method)
            assert isinstance(one, Comparison)
            assert (one.estimate, one.pvalue) == pytest.approx((rows.estimate, rows.pvalue), rel=1e-10)
            assert many.pvalue[k] == pytest.approx(rows.pvalue, rel=1e-10)
            assert many.interval.low[k] == pytest.approx(rows.interval.low, abs=1e-12)
            assert many.interval.high[k] == pytest.approx(rows.interval.high, abs=1e-12)
    against_one = compare_ordinal_counts(c, c0[5])
    assert isinstance(against_one, Comparisons)
    assert against_one.pvalue[9] == pytest.approx(compare_ordinal_counts(c[9], c0[5]).pvalue, rel=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([1], [1, 2]), {}, "x: 1 values"),
        (([1, "good"], [1, 2]), {}, "x: got text"),
        (([1, 2], [1, 2]), {"method": "mann-whitney"}, "method"),
        (([1, 2], [1, 2]), {"null": 0.0}, "null"),
        (([1, 2], [1, 2]), {"rng": 1}, "draws nothing"),
        (([1, 2, 3], [1, 2]), {"rng": 1, "method": "permutation"}, "all tables are counted"),
    ],
)
def test_bad_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_ordinal(*args, **kwargs)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([1, 2, 3], [1, 2]), {}, "counts0: 2 categories came for 3"),
        (([1, 2.5], [1, 2]), {}, "counts: 2.5"),
        (([1, -1], [1, 2]), {}, "counts: -1"),
        (([[1, 2], [3]], [1, 2]), {}, "rows of unequal length"),
        ((5, [1, 2]), {}, "counts: got shape"),
        (([[1, 2]] * 3, [[1, 2]] * 2), {}, "counts0: 2 rows came for 3"),
        (([[1, 2]] * 3, [1, 2]), {"method": "permutation"}, "compares one pair"),
    ],
)
def test_bad_counts(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        compare_ordinal_counts(*args, **kwargs)


def test_too_few_answers_in_a_row() -> None:
    with pytest.raises(TooFewData, match="counts: row 1"):
        compare_ordinal_counts([[1, 2], [1, 0]], [3, 4])
