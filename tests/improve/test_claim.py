"""Claims: how they are read, when they are evidence, what they need; every size by an independent search."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import (
    DataError,
    compare_proportions,
    compare_rates,
    proportions_sample_size,
    rates_sample_size,
    times_sample_size,
)
from qstats.improve.claims.claim import claim_check
from qstats.improve.claims.phrases import PHRASES
from qstats.improve.claims.text import KINDS, read_claim
from qstats.voice.nps.compare import compare_nps_counts

Z = stats.norm.isf(0.025)


@pytest.mark.parametrize(
    ("text", "kind", "before", "after", "unit"),
    [
        ("15 days -> 3 days", "time", 15.0, 3.0, "days"),
        ("15天→3天", "time", 15.0, 3.0, "days"),
        ("lead time from 2 weeks to 3 days", "time", 2.0, 3.0 / 7.0, "weeks"),
        ("响应时间由 90 分钟缩短至 1 小时", "time", 90.0, 60.0, "minutes"),
        ("破损率从 3 % 降至 0.5 %", "proportion", 0.03, 0.005, "%"),
        ("破损率从３％降至０．５％", "proportion", 0.03, 0.005, "%"),
        ("1,200 ppm => 800 ppm", "proportion", 0.0012, 0.0008, "ppm"),
        ("12 complaints -> 0", "count", 12.0, 0.0, "events"),
        ("投诉从120降至80", "count", 120.0, 80.0, "events"),
        ("complaints 120 -> 80", "count", 120.0, 80.0, "events"),
        ("NPS 30 -> 45", "nps", 30.0, 45.0, "points"),
        ("NPS 30 % -> 45 %", "nps", 30.0, 45.0, "points"),
        ("净推荐值从-5升至+12", "nps", -5.0, 12.0, "points"),
        ("NPS 30分 -> 45分", "nps", 30.0, 45.0, "points"),
        ("满意度 4.1分 -> 4.5分", "mean", 4.1, 4.5, "points"),
    ],
)
def test_claims_are_read(text: str, kind: str, before: float, after: float, unit: str) -> None:
    c = read_claim(text)
    assert (c.kind, c.unit, c.text) == (kind, unit, text)
    assert (c.before, c.after) == pytest.approx((before, after), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: claim_check("满意度 +30 %"), "a change alone proves nothing"),
        (lambda: claim_check("平均响应5天"), "before -> after"),
        (lambda: claim_check("3 -> 2"), "names no unit"),
        (lambda: claim_check("complaint rate 3 -> 2"), "names no unit"),
        (lambda: claim_check("3 % -> 2 days"), "both sides need one unit"),
        (lambda: claim_check("3 % -> 2 %, 5 days -> 2 days"), "2 claims"),
        (lambda: claim_check("3 % -> 2 %", kind="time"), "leave kind out"),
        (lambda: claim_check("3 % -> 2 %", kind="share"), "kind"),
        (lambda: claim_check("3 % -> 3 %"), "claims no change"),
        (lambda: claim_check("90 % -> 110 %"), "a share from 0 to 1"),
        (lambda: claim_check("NPS 30 -> 145"), "-100 to 100"),
        (lambda: claim_check("5 days -> 0 days"), "a time above zero"),
        (lambda: claim_check("2.5 -> 1", kind="count"), "whole numbers"),
        (lambda: claim_check(""), "claim"),
        (lambda: claim_check(None), "claim: give a text"),
        (lambda: claim_check(kind="mean", before=1.0), "claim: give a text"),
        (lambda: claim_check("3 % -> 2 %", before=0.03), "one or the other"),
        (lambda: claim_check("x" * 600), "600 characters"),
        (lambda: claim_check("3 % -> 2 %", exposure=10.0), "exposure: given for a proportion"),
        (lambda: claim_check("12 cases -> 8 cases", n=10), "n: given for a count"),
        (lambda: claim_check("3 % -> 2 %", spread=1.0), "spread: given for a proportion"),
        (lambda: claim_check("3 % -> 2 %", n=10.5, n0=10), "n: got 10.5"),
        (lambda: claim_check("12 cases -> 8 cases", exposure=0.0, exposure0=1.0), "exposure: got 0"),
        (lambda: claim_check("NPS 30 -> 45", n=10, n0=10, spread=120.0), "at most 100"),
        (lambda: claim_check("3 % -> 2 %", confidence=95), "a fraction is wanted"),
        (lambda: claim_check("3 % -> 2 %", power=2.0), "power"),
    ],
)
def test_bad_claims_are_told(call, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()


EXAMPLES = {
    "proportion": ("3 % -> 0.5 %", {"n": 400, "n0": 400}, {"n": 60, "n0": 60}),
    "time": ("15 days -> 9 days", {"n": 90, "n0": 90, "spread": 1.0}, {"n": 9, "n0": 9, "spread": 1.0}),
    "count": ("120 cases -> 80 cases", {"exposure": 1.0, "exposure0": 1.0}, {"exposure": 0.8, "exposure0": 1.0}),
    "rate": ("2.5 -> 1.5", {"exposure": 60.0, "exposure0": 60.0}, {"exposure": 6.0, "exposure0": 6.0}),
    "nps": ("NPS 30 -> 45", {"n": 1000, "n0": 1000}, {"n": 20, "n0": 20}),
    "mean": ("4.1 -> 4.5", {"n": 100, "n0": 90, "spread": 0.9}, {"n": 10, "n0": 9, "spread": 0.9}),
}


def _check(kind: str, text: str, **sizes):
    named = {"kind": kind} if kind in ("rate", "mean") else {}
    return claim_check(text, **named, **sizes)


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_decide(kind: str) -> None:
    text, enough, few = EXAMPLES[kind]
    none, yes, no = _check(kind, text), _check(kind, text, **enough), _check(kind, text, **few)
    assert (none.state, yes.state, no.state) == ("cannot_say", "evidence", "not_evidence")
    assert none.comparison is None and none.needed
    for r in (yes, no):
        one = 0.0 if r.comparison.effect.endswith("difference") else 1.0
        assert r.comparison.null == one
        assert (one in r.comparison.interval) == (r.state == "not_evidence")
        assert r.missing == ("period", "who")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_told_is_never_evidence(kind: str) -> None:
    """Leaving out any part that the comparison needs makes it undecided, and says what is missing."""
    text, enough, _ = EXAMPLES[kind]
    for k in range(len(enough)):
        for some in itertools.combinations(enough.items(), k):
            r = _check(kind, text, **dict(some))
            assert r.state == "cannot_say" and r.comparison is None
            assert set(enough) - set(dict(some)) <= set(r.missing)


def test_proportion_needs_the_first_size_that_leaves_out_zero() -> None:
    """MN's statistic at exact shares is z^2 = n d^2 / (2 p q) (2n - 1) / (2n): solved for n by hand."""
    r = claim_check("3 % -> 0.5 %")
    p, d = 0.0175, 0.025
    assert r.needed[0].shown == math.ceil(Z**2 * 2 * p * (1 - p) / d**2 + 0.5)
    assert r.needed[0].with_power == proportions_sample_size(0.005, 0.03).size0
    # whole counts: at a multiple of 200 the shares are exact, and the comparison agrees
    assert claim_check("3 % -> 0.5 %", n=400, n0=400).comparison.pvalue == pytest.approx(
        compare_proportions(2, 400, 12, 400).pvalue
    )
    assert 200 < r.needed[0].shown < 400
    assert compare_proportions(1, 200, 6, 200).pvalue > 0.05 > compare_proportions(2, 400, 12, 400).pvalue


def test_count_needs_a_volume() -> None:
    """The limit of the rate ratio scales with the volumes: at that volume the p-value is the error itself."""
    r = claim_check("投诉从120降至80")
    volume = r.needed[0]
    assert volume.assumption == "volume_least" and volume.with_power is None
    assert compare_rates(80, volume.shown, 120, 1.0).pvalue == pytest.approx(0.05, rel=1e-6)
    for factor, state in ((1.01, "evidence"), (0.99, "not_evidence")):
        assert claim_check(r.claim, exposure=factor * volume.shown, exposure0=1.0).state == state
    assert "67%" in r.in_words() and "67%" in r.in_words("zh")
    assert claim_check(r.claim, exposure=2.0, exposure0=3.0).comparison.estimate == pytest.approx(1.0)
    rose = claim_check("80 cases -> 120 cases").needed[0]
    assert rose.assumption == "volume_most"
    assert compare_rates(120, rose.shown, 80, 1.0).pvalue == pytest.approx(0.05, rel=1e-6)
    gone = claim_check("12 cases -> 0 cases")
    # 12 of 12 before: mid-p is twice one half of (1 / (1 + t))^12
    assert gone.needed[0].shown == pytest.approx(0.05 ** (-1 / 12) - 1.0, rel=1e-6)
    assert gone.needed[1].with_power == pytest.approx(rates_sample_size(12.0, 0.0).size0)
    assert "No" not in gone.in_words().split("explains")[0][-4:]


def test_rate_needs_an_exposure() -> None:
    r = claim_check("2.5 -> 1.5", kind="rate")
    assert r.needed[0].with_power == pytest.approx(rates_sample_size(2.5, 0.6).size0)
    t = r.needed[0].shown  # whole counts just above and below bracket it
    assert compare_rates(27, 18.0, 45, 18.0).pvalue < 0.05 < compare_rates(21, 14.0, 35, 14.0).pvalue
    assert 14.0 < t < 18.0


def test_time_needs_cases_by_their_scatter() -> None:
    """Student's t on logarithms by a plain loop."""
    r = claim_check("15 days -> 9 days")
    assert [need.value for need in r.needed] == [0.5, 1.0, 2.0]
    for need in r.needed:
        sd = math.sqrt(math.log(1 + need.value**2))
        n = next(
            n for n in range(2, 1000)
            if 2 * stats.t.sf(math.log(15 / 9) / (sd * math.sqrt(2 / n)), 2 * n - 2) < 0.05
        )  # fmt: skip
        assert need.shown == n
        assert need.with_power == times_sample_size(0.6, need.value).size0
        for size, state in ((n, "evidence"), (n - 1, "not_evidence")):
            assert claim_check(r.claim, n=size, n0=size, spread=need.value).state == state
    assert len(claim_check("15 days -> 9 days", spread=0.7).needed) == 1
    # the unit does not matter
    assert claim_check("15 days -> 216 hours").needed == r.needed


def test_nps_is_judged_by_the_most_and_the_least_scatter() -> None:
    r = claim_check("NPS 30 -> 45", n=200, n0=200)
    assert r.state == "cannot_say" and "spread" in r.missing
    # 200 answers: half and half leaves it open, no more scatter than such an NPS must have does not
    assert compare_nps_counts(55, 0, 145, 70, 0, 130).pvalue > 0.05 > compare_nps_counts(0, 110, 90, 0, 140, 60).pvalue
    assert claim_check("NPS 30 -> 45", n=200, n0=200, spread=50.0).state == "evidence"
    assert claim_check("NPS 30 -> 45", n=200, n0=200, spread=100.0).state == "not_evidence"
    # 2 v z^2 / d^2 - 3 with v = 1, rounded up
    assert r.needed[0].shown == math.ceil(2 * Z**2 / 0.15**2 - 3)
    assert claim_check("NPS -100 -> 100", n=3, n0=3).needed[0].shown == 2.0


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 99), st.integers(1, 99), st.integers(5, 400))
def test_turning_the_claim_round_changes_nothing(before: int, after: int, n: int) -> None:
    if before == after:
        return
    a = claim_check(f"{before} % -> {after} %", n=n, n0=n)
    b = claim_check(f"{after} % -> {before} %", n=n, n0=n)
    assert a.state == b.state and a.needed[0].shown == b.needed[0].shown


@pytest.mark.parametrize("kind", KINDS)
def test_words_in_both_languages(kind: str) -> None:
    text, enough, few = EXAMPLES[kind]
    for r in (_check(kind, text), _check(kind, text, **enough), _check(kind, text, **few)):
        en, zh = r.in_words(), r.in_words("zh")
        assert r.claim in en and r.claim in zh
        assert "{" not in en + zh and "None" not in en + zh
        assert any("一" <= c <= "鿿" for c in zh)
        assert not any("一" <= c <= "鿿" for c in en.replace(r.claim, ""))
        assert ("period" in en) and ("时段" in zh)
        assert "state" in r.summary()
        assert r.to_dict()["schema"] == "qstats.claim-check/1" and "NaN" not in r.to_json()
        assert len(r.to_frame()) == len(r.needed)
    with pytest.raises(DataError, match="lang"):
        r.in_words("de")


def test_every_phrase_has_the_same_gaps_in_both_languages() -> None:
    import string

    for key, (en, zh) in PHRASES.items():
        fields = [{f[1] for f in string.Formatter().parse(text) if f[1]} for text in (en, zh)]
        assert fields[0] == fields[1], key


def test_numbers_in_place_of_a_text() -> None:
    a, b = (
        claim_check("3 % -> 0.5 %", n=100, n0=100),
        claim_check(kind="proportion", before=0.03, after=0.005, n=100, n0=100),
    )
    assert a.comparison.pvalue == b.comparison.pvalue and b.claim == "0.03 -> 0.005"
    assert a.needed == b.needed
    assert np.isfinite([n.shown for n in a.needed]).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,5 days -> 1,2 days", "decimal comma"),
        ("1e400 days -> 3 days", "no 'before -> after'"),
        ("1e3 days -> 3 days", "no 'before -> after'"),
        ("15 days => 3 days -> 1 day", "goes on"),
        ("1.234.567 -> 3 days", "no 'before -> after'"),
    ],
)
def test_pieces_of_numbers_and_chains_are_refused(text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        claim_check(text)


def test_thousands_are_read() -> None:
    got = claim_check("1,200 ppm -> 300 ppm")
    assert (got.before, got.after) == (0.0012, 0.0003)
