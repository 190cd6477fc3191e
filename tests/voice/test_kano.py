"""Kano: the evaluation table cell by cell, tests against scipy, coefficients against statsmodels."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from qstats.errors import DataError, TooFewData
from qstats.voice.drivers.kano import kano, kano_from_counts
from qstats.voice.drivers.kano_result import CATEGORIES

# Berger et al. (1993), Center for Quality Management Journal 2(4), p. 6, figure 4: functional (rows) by dysfunctional
# answer, 1 like, 2 must-be, 3 neutral, 4 live with, 5 dislike.
EVALUATION = {
    1: "Q A A A O",
    2: "R I I I M",
    3: "R I I I M",
    4: "R I I I M",
    5: "R R R R Q",
}
LETTERS = "AOMIRQ"
COUNTS = st.lists(st.integers(0, 60), min_size=6, max_size=6).filter(lambda c: sum(c) > 0)


@pytest.mark.parametrize("yes", range(1, 6))
@pytest.mark.parametrize("no", range(1, 6))
def test_evaluation_table(yes, no):
    r = kano({"x": ([yes] * 9, [no] * 9)})
    letter = EVALUATION[yes].split()[no - 1]
    assert r.counts[0].tolist() == [9.0 * (c == letter) for c in LETTERS]
    assert r.category == (letter,)  # nine of nine: 2 / 2**9
    assert (r.name, r.name_zh) == ((CATEGORIES[letter][0],), (CATEGORIES[letter][1],))
    assert r.pvalue[0] == pytest.approx(2 / 2**9)


@given(st.lists(COUNTS, min_size=1, max_size=6), st.sampled_from(["holm", "bh"]))
@settings(max_examples=60)
def test_tests_and_coefficients(rows, adjust):
    named = {f"f{i}": c for i, c in enumerate(rows)}
    r = kano_from_counts(named, adjust=adjust)
    fong = kano_from_counts(named, adjust=adjust, method="fong")
    for i, c in enumerate(rows):
        a, b = sorted(c)[::-1][:2]
        assert r.counts[i].tolist() == c
        assert c[LETTERS.index(r.top[i])] == a
        assert c[LETTERS.index(r.second[i])] == b
        assert r.top[i] != r.second[i]
        assert r.pvalue[i] == pytest.approx(stats.binomtest(a, a + b).pvalue if a > b else 1.0, abs=1e-12)
        z = (a - b) / math.sqrt((a + b) * (2 * sum(c) - a - b) / (2 * sum(c)))
        assert fong.statistic[i] == pytest.approx(z)
        assert fong.pvalue[i] == pytest.approx(2 * stats.norm.sf(z))
        base = sum(c[:4])
        if base:
            low, high = proportion_confint(c[0] + c[1], base, method="wilson")
            assert r.better[i] == pytest.approx((c[0] + c[1]) / base)
            assert (r.better_interval.low[i], r.better_interval.high[i]) == pytest.approx((low, high), abs=1e-9)
            low, high = proportion_confint(c[1] + c[2], base, method="wilson")
            assert r.worse[i] == pytest.approx(-(c[1] + c[2]) / base)
            assert (r.worse_interval.low[i], r.worse_interval.high[i]) == pytest.approx((-high, -low), abs=1e-9)
        else:
            assert np.isnan(r.better[i])
            assert (r.worse_interval.low[i], r.worse_interval.high[i]) == (-1.0, 0.0)
            assert "no-coefficient" in {n.code for n in r.notes}
    method = {"holm": "holm", "bh": "fdr_bh"}[adjust]
    np.testing.assert_allclose(r.adjusted, multipletests(r.pvalue, method=method)[1], rtol=1e-9)
    assert r.category == tuple(t if p < 0.05 else "unresolved" for t, p in zip(r.top, r.adjusted, strict=True))


def test_fong_limit():
    # Fong (1996): different if |a - b| > 1.65 sqrt((a + b)(2N - a - b)/(2N)): 90 %, two-sided
    for a in range(20, 40):
        r = kano_from_counts({"x": (a, 20, 0, 60 - a, 0, 0)}, method="fong", confidence=0.9)
        top, second = sorted((a, 20, 60 - a))[::-1][:2]
        n = 80
        seen = abs(top - second) > 1.6449 * math.sqrt((top + second) * (2 * n - top - second) / (2 * n))
        assert (r.category[0] != "unresolved") == seen
        assert r.notes[-1].code == "fong-too-liberal"


def test_ties_go_by_the_rule():
    r = kano_from_counts({"x": (5, 5, 5, 5, 5, 5), "y": (5, 5, 0, 0, 0, 0)})
    assert (r.top, r.second) == (("M", "O"), ("O", "A"))  # M before O, A, I: Berger et al. (1993)
    assert r.pvalue.tolist() == [1.0, 1.0]
    assert r.category == ("unresolved",) * 2
    assert r.name_zh == ("未定",) * 2


def test_frames_gaps_and_views():
    f = {
        "chat_yes": [1, 1, 1, 1, 3, None, 0, 1],
        "chat_no": [3, 3, 4, 2, 3, 3, 5, None],
        "退款_yes": [2, 3, 2, 2, 4, 2, 3, 2],
        "退款_no": [5, 5, 5, 5, 5, 5, 5, 5],
    }
    names = {"chat": ("chat_yes", "chat_no"), "退款": ("退款_yes", "退款_no")}
    options = {"missing": "drop", "blank": 0}
    plain = kano({k: (f[a], f[b]) for k, (a, b) in names.items()}, **options)
    assert plain.counts.tolist() == [[4, 0, 0, 1, 0, 0], [0, 0, 8, 0, 0, 0]]
    assert plain.category == ("unresolved", "M")
    assert "3 of 8 customers lack one of the two answers to 'chat'" in plain.notes[0].message
    frames = [pd.DataFrame(f)]
    pa, pl, duckdb = (pytest.importorskip(m) for m in ("pyarrow", "polars", "duckdb"))
    frames += [pl.DataFrame(f), pl.DataFrame(f).lazy(), duckdb.from_arrow(pa.table(f))]
    for frame in frames:
        r = kano(frame, features=names, **options)
        np.testing.assert_array_equal(r.counts, plain.counts)
        assert r.notes == plain.notes
    assert json.loads(plain.to_json())["name_zh"][1] == "必备"
    assert list(plain.to_frame()["M"]) == [0.0, 8.0]
    assert "必备" in str(plain)
    assert len(plain) == 2
    odd = kano_from_counts({"x": (5, 0, 0, 0, 0, 5)})
    assert odd.notes[0].code == "questionable-answers"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: kano({"x": ([1, 6], [1, 1])}), DataError, r"feature 'x', if there: 6 \(once\)"),
        (lambda: kano({"x": ([1, 2], [1, 0])}), DataError, r"if not there: 0 \(once\)"),
        (lambda: kano({"x": ([1, 2], [1])}), DataError, "2 and 1 answers"),
        (lambda: kano({"x": ([1, None], [1, 2])}), DataError, "1 of 2 answers are missing"),
        (lambda: kano({"x": ([1, None], [None, 2])}, missing="drop"), TooFewData, "no complete answer to 'x'"),
        (lambda: kano({"x": ([], [])}), TooFewData, "no answer"),
        (lambda: kano({"x": (["like"], ["like"])}), DataError, "got text"),
        (lambda: kano({"x": [1, 2, 3]}), DataError, "two are wanted"),
        (lambda: kano({}), TooFewData, "none came"),
        (lambda: kano([1, 2]), DataError, "features: got None"),
        (lambda: kano({"x": ([1], [1])}, features={"x": ("a", "b")}), DataError, "columns of a table"),
        (lambda: kano(pd.DataFrame({"a": [1]})), DataError, "features: got None"),
        (lambda: kano(pd.DataFrame({"a": [1]}), features={"x": ("a", "b")}), DataError, "not in the data"),
        (lambda: kano({"x": ([1], [1])}, method="chi2"), DataError, "method"),
        (lambda: kano({"x": ([1], [1])}, adjust="none"), DataError, "adjust"),
        (lambda: kano_from_counts({"x": (1, 2, 3)}), DataError, "six are wanted"),
        (lambda: kano_from_counts({"x": (1, 2, 3, 4, -5, 6)}), DataError, "counts of 'x'"),
        (lambda: kano_from_counts({"x": (0,) * 6}), TooFewData, "no complete answer"),
        (lambda: kano_from_counts({}), TooFewData, "no feature"),
        (lambda: kano_from_counts([1, 2, 3, 4, 5, 6]), DataError, "mapping of feature"),
        (lambda: kano_from_counts({"x": (1, 2, 3, 4, 5.5, 6)}), DataError, "whole numbers"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
