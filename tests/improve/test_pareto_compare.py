"""Before/after Pareto: scipy's exact tests, statsmodels' Holm, and the success that is none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.pareto.compare import compare_pareto

BEFORE = {"late": 120, "damaged": 95, "wrong": 60, "short": 30, "rude": 12, "invoice": 8, "else": 5}


def test_rates_and_shares_equal_scipy_and_holm_statsmodels() -> None:
    after = {"late": 80, "damaged": 99, "wrong": 30, "short": 31, "rude": 2, "invoice": 1, "new": 6}
    t, t0 = 9000.0, 10000.0
    r = compare_pareto(BEFORE, after, exposure=t, exposure0=t0, method="exact")
    assert set(r.categories) == set(BEFORE) | set(after)
    n1, n0 = sum(after.values()), sum(BEFORE.values())
    for i, name in enumerate(r.categories):
        y, y0 = after.get(name, 0), BEFORE.get(name, 0)
        assert (r.after[i], r.before[i]) == (y, y0)
        low, high = stats.binom.cdf(y, y + y0, t / (t + t0)), stats.binom.sf(y - 1, y + y0, t / (t + t0))
        assert r.rate.pvalue[i] == pytest.approx(min(1, 2 * min(low, high)), rel=1e-10)
        less, more = (
            stats.fisher_exact([[y, n1 - y], [y0, n0 - y0]], alternative=a).pvalue for a in ("less", "greater")
        )
        assert r.share.pvalue[i] == pytest.approx(min(1, 2 * min(less, more)), rel=1e-8)
    for found, adjusted in ((r.rate, r.rate_adjusted), (r.share, r.share_adjusted)):
        np.testing.assert_allclose(adjusted, multipletests(found.pvalue, method="holm")[1], rtol=1e-12)


def test_textbook_success_is_none_once_all_are_counted() -> None:
    # the project's reference, section 2.18 and acceptance test 4: one small category nearly vanishes
    r = compare_pareto(BEFORE, BEFORE | {"invoice": 1}, exposure=1, exposure0=1)
    i = r.categories.index("invoice")
    # alone: two-sided mid-p of 1 in 9 at one half, (2 P(0) + P(1)) = (2 + 9) / 512
    assert r.rate.pvalue[i] == pytest.approx(11 / 512, rel=1e-12)
    assert r.rate_adjusted[i] == pytest.approx(7 * 11 / 512, rel=1e-12)
    assert not r.fell().any() and not r.rose().any()
    assert r.rate.pvalue[i] < 0.05 < r.rate_adjusted[i]


def test_rate_and_share_answer_different_questions() -> None:
    halved = compare_pareto({k: 4 * v for k, v in BEFORE.items()}, {k: 2 * v for k, v in BEFORE.items()})
    big = halved.before >= 100
    assert halved.fell()[big].all()
    assert (halved.share_adjusted > 0.99).all()
    one = compare_pareto({"a": 400, "b": 100}, {"a": 100, "b": 100}, exposure=1, exposure0=1)
    b = one.categories.index("b")
    assert one.rate.estimate[b] == 1.0 and one.share_adjusted[b] < 1e-6
    assert "share-only" in [n.code for n in one.notes]


def test_new_and_vanished() -> None:
    r = compare_pareto({"a": 30, "old": 9}, {"a": 28, "fresh": 8})
    assert r.status == ("both", "vanished", "new")
    assert r.rate.estimate.tolist()[1:] == [0.0, np.inf]
    assert r.rate.interval.high[2] == np.inf and 0 < r.rate.interval.high[1] < 1
    codes = [n.code for n in r.notes]
    assert "exposure-assumed-equal" in codes and "categories-changed" in codes
    assert r.fell().tolist() == [False, True, False]
    assert r.rose().tolist() == [False, False, True]


def test_nothing_at_all_after() -> None:
    r = compare_pareto({"a": 12, "b": 4}, {"a": 0}, exposure=500, exposure0=1000)
    # 12 in 1000 against none in 500: mid-p .0077073, limit .5671377 (reference 2.6)
    assert r.rate.pvalue[0] == pytest.approx(0.0077073, abs=5e-8)
    assert r.rate.interval.high[0] == pytest.approx(0.5671377, abs=5e-8)
    assert r.share.pvalue.tolist() == [1.0, 1.0]
    assert "no-shares" in [n.code for n in r.notes]


def test_pooling_is_blind_to_direction_and_rows_count_like_dicts() -> None:
    before, after = {"a": 50, "b": 40, "c": 3, "d": 0, "Other": 5}, {"a": 45, "b": 41, "c": 0, "d": 4, "Other": 6}
    r = compare_pareto(before, after, other_below=0.03, other="Other")
    assert r.categories == ("a", "b", "(other)")
    assert (r.before.tolist()[-1], r.after.tolist()[-1]) == (8, 10)
    rows = [pd.DataFrame({"k": np.repeat(list(d), list(d.values()))}) for d in (before, after)]
    framed = compare_pareto(*rows, by="k", other_below=0.03, other="Other")
    assert framed.to_dict() == r.to_dict()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=6), st.floats(0.2, 5.0))
def test_swap_and_inversion(pairs: list[tuple[int, int]], t: float) -> None:
    if not sum(map(sum, pairs)):
        return
    b, a = ({f"k{i}": p[j] for i, p in enumerate(pairs)} for j in (0, 1))
    r, back = compare_pareto(b, a, exposure=t, exposure0=1.0), compare_pareto(a, b, exposure=1.0, exposure0=t)
    at = [back.categories.index(name) for name in r.categories]
    np.testing.assert_allclose(r.rate.pvalue, back.rate.pvalue[at], rtol=1e-9)
    np.testing.assert_allclose(r.share.pvalue, back.share.pvalue[at], rtol=1e-7)
    for c in (r.rate, r.share):
        outside = (c.interval.low > 1.0 + 1e-9) | (c.interval.high < 1.0 - 1e-9)
        sure = np.abs(c.pvalue - 0.05) > 1e-9
        np.testing.assert_array_equal(outside[sure], (c.pvalue < 0.05)[sure])
    assert (r.rate_adjusted >= r.rate.pvalue).all()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: compare_pareto({"a": 1}, {"a": 2}, exposure=3.0), DataError, "one came without the other"),
        (lambda: compare_pareto({"a": 0}, {"a": 0}), TooFewData, "nothing to count"),
        (lambda: compare_pareto({"a": 1}, {"a": -2}), DataError, "counts"),
        (lambda: compare_pareto({"a": 1}, {"a": 2}, adjust="none"), DataError, "adjust"),
        (lambda: compare_pareto({"a": 1}, {"a": 2}, exposure=0, exposure0=1), DataError, "exposure"),
        (lambda: compare_pareto({"a": 1}, {"a": 2}, other_below=2), DataError, "other_below"),
        (lambda: compare_pareto({"a": 1}, {"a": 2}).fell(5), DataError, "alpha"),
    ],
)
def test_bad_input(call, error: type[Exception], says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=says):
        call()
