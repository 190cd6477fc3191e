"""Margins: the test, its interval and the comparison underneath are one."""

import functools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats import (
    compare_mean_groups,
    compare_means,
    compare_nps_groups,
    compare_paired_means,
    compare_proportions,
    compare_rates,
    compare_times,
)
from qstats.errors import DataError
from qstats.inference.equivalence import equivalence, noninferiority
from qstats.voice.nps.compare import compare_nps_counts


def test_limits_are_the_published_ones():
    # 56/70 against 48/80: R ratesci 1.0.0 gives the 95 % Miettinen-Nurminen interval (0.0528297, 0.3381729); its lower
    # limit is the one-sided 97.5 % limit, both are those of two one-sided tests at 2.5 % each.
    r = noninferiority(compare_proportions, 56, 70, 48, 80, margin=-0.1, better="higher", confidence=0.975)
    assert r.shown
    assert r.interval.low == pytest.approx(0.0528297, abs=6e-8)
    assert r.interval.high == 1.0
    r = equivalence(compare_proportions, 56, 70, 48, 80, low=-0.35, high=0.35, confidence=0.975)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.0528297, 0.3381729), abs=6e-8)
    assert r.interval.confidence == 0.95
    assert r.shown
    assert not equivalence(compare_proportions, 56, 70, 48, 80, low=-0.3, high=0.3, confidence=0.975).shown


def test_zero_events_guardrail():
    # 0/500 against 12/1000: 95 % mid-p upper limit 0.5671377 (R ratesci; the fixture of test_rates.py).
    r = noninferiority(compare_rates, 0, 500, 12, 1000, margin=1.25, better="lower", confidence=0.975)
    assert r.interval.high == pytest.approx(0.5671377, abs=1e-6)
    assert r.shown
    assert r.high == 1.25
    assert r.low is None
    assert r.no_effect == 1.0


counts = st.integers(0, 30)


@given(counts, counts, st.sampled_from([0.8, 0.9, 0.95, 0.975]))
def test_noninferiority_inverts(y, y0, confidence):
    r = noninferiority(compare_rates, y, 100, y0, 120, margin=1.3, better="lower", confidence=confidence)
    assert r.shown == (r.pvalue < 1 - confidence)
    if abs(r.interval.high - 1.3) > 1e-9:
        assert r.shown == (r.interval.high < 1.3)


@given(counts, counts)
def test_equivalence_is_two_one_sided_tests(x, x0):
    n = 30
    r = equivalence(compare_proportions, x, n, x0, n, low=-0.2, high=0.25)
    two_sided = compare_proportions(x, n, x0, n, confidence=0.9)
    assert (r.interval.low, r.interval.high) == pytest.approx((two_sided.interval.low, two_sided.interval.high))
    one = compare_proportions(x, n, x0, n, null=-0.2, alternative="greater").pvalue
    other = compare_proportions(x, n, x0, n, null=0.25, alternative="less").pvalue
    assert r.pvalue == max(one, other)
    assert r.shown == (one < 0.05 and other < 0.05)
    # seen from the other side
    mirrored = equivalence(compare_proportions, x0, n, x, n, low=-0.25, high=0.2)
    assert mirrored.pvalue == pytest.approx(r.pvalue, abs=1e-9)


def test_absence_of_evidence_shows_nothing():
    r = equivalence(compare_rates, 3, 10, 3, 10, low=0.8, high=1.25)
    assert not r.shown
    assert "not shown" in str(r)


def test_no_information_is_not_equivalence():
    r = noninferiority(compare_rates, 0, 10, 0, 10, margin=2, better="lower")
    assert not r.shown
    assert r.notes[0].code == "no-information"


def test_arrays():
    r = noninferiority(
        compare_nps_counts, [15, 400], [25, 300], [60, 300], 250, 300, 450, margin=-5.0, better="higher"
    )  # fmt: skip
    one = noninferiority(compare_nps_counts, 15, 25, 60, 250, 300, 450, margin=-5.0, better="higher")
    assert r.shown.tolist() == [True, False]
    assert r.pvalue[0] == pytest.approx(one.pvalue, rel=1e-9)
    assert r.interval.low[0] == pytest.approx(one.interval.low)
    assert "1 of 2" in str(r)
    assert list(r.to_frame()["shown"]) == [True, False]
    both = equivalence(compare_nps_counts, [15, 400], [25, 300], [60, 300], 250, 300, 450, low=-90, high=90)
    assert isinstance(both.shown, np.ndarray)


def test_result_is_json_safe():
    r = noninferiority(compare_rates, 90, 10_000, 100, 10_000, margin=1.25, better="lower")
    d = json.loads(r.to_json())
    assert d["shown"] is True
    assert d["schema"] == "qstats.equivalence/1"
    assert d["tests"][0]["alternative"] == "less"
    assert bool(r.to_frame()["shown"][0]) is True
    assert r.title == "Non-inferiority"


@pytest.mark.parametrize(
    ("margin", "better", "words"),
    [
        (0.8, "lower", "superiority by a margin"),
        (1.0, "lower", "plain test of superiority"),
        (1.25, "higher", "below 1"),
        (float("nan"), "lower", "margin"),
        (1.25, "less", "better"),
    ],
)
def test_margin_on_the_wrong_side(margin, better, words):
    with pytest.raises(DataError, match=words):
        noninferiority(compare_rates, 9, 100, 9, 100, margin=margin, better=better)


def test_what_is_refused():
    with pytest.raises(TypeError, match="margin"):
        noninferiority(compare_rates, 9, 100, 9, 100, better="lower")
    with pytest.raises(DataError, match="either side of 1"):
        equivalence(compare_rates, 9, 100, 9, 100, low=-0.2, high=0.2)
    with pytest.raises(DataError, match="null: is set by the margin"):
        noninferiority(compare_rates, 9, 100, 9, 100, margin=1.2, better="lower", null=1.2)
    with pytest.raises(DataError, match="not its result"):
        noninferiority(compare_rates(9, 100, 9, 100), margin=1.2, better="lower")
    with pytest.raises(DataError, match="returned a int"):
        noninferiority(lambda **_: 3, margin=1.2, better="lower")
    with pytest.raises(DataError, match="confidence"):
        equivalence(compare_rates, 9, 100, 9, 100, low=0.8, high=1.2, confidence=0.4)


def test_a_comparison_of_several_groups_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="compare_mean_groups takes no null= or alternative=; compare_means is wanted"):
        noninferiority(compare_mean_groups, [1.0, 2.0, 3.0, 4.0], list("aabb"), margin=-1.0, better="higher")
    with pytest.raises(DataError, match=r"compare_nps_groups takes no .*; compare_nps is wanted"):
        equivalence(compare_nps_groups, [1], low=-1.0, high=1.0)
    with pytest.raises(DataError, match="takes no null= or alternative= or confidence=; a comparison of two groups"):
        equivalence(lambda x: x, [1], low=-1.0, high=1.0)
    partial = functools.partial(compare_rates, method="score")
    assert noninferiority(partial, 90, 10_000, 100, 10_000, margin=1.25, better="lower").shown


def test_no_information_is_said_in_words() -> None:
    r = compare_rates(0, 100, 0, 100)
    assert "no information" in str(r) and "nan" not in str(r)
    shown = str(noninferiority(compare_rates, 0, 100, 0, 100, margin=1.25, better="lower"))
    assert "no information" in shown and "nan" not in shown


@pytest.mark.parametrize(
    ("compare", "args", "options"),
    [
        (compare_means, ([5, 5], [5, 5]), {}),
        (compare_paired_means, ([5, 6, 7], [5, 6, 7]), {}),
        (compare_times, ([5.0], [6.0]), {"measure": "rmst_difference", "horizon": 3.0}),
    ],
)
def test_data_that_do_not_vary_show_no_margin(compare, args, options):
    r = equivalence(compare, *args, low=-0.1, high=0.1, **options)
    assert not r.shown
    assert r.pvalue == 1.0
    assert "cannot-say" in {n.code for n in r.notes}
    one = noninferiority(compare, *args, margin=-0.1, better="higher", **options)
    assert not one.shown
