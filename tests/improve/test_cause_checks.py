"""Other changes and the date of the change (15), the implementation (16), hold, and looks at any time."""

import datetime as dt
import string
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qstats import LogColumns, Metric, VerificationPlan
from qstats.improve.guards.change_date import change_date
from qstats.improve.guards.looks import improvement_eprocess
from qstats.improve.verify import words
from qstats.improve.verify.anytime import judge_anytime, thinned
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.cause import implementation_check, other_check, plan_seed
from qstats.improve.verify.evidence_hold import post_slope
from qstats.improve.verify.expected import against_expected
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.phrases_evidence_cause import EVIDENCE_CAUSE, GRID_NAMES
from qstats.improve.verify.phrases_findings_cause import FINDINGS_CAUSE
from qstats.improve.verify.placebo import placebo_dates
from qstats.improve.verify.series import fit_series
from qstats.improve.verify.sources import Source
from qstats.improve.verify.words import check_text

COLUMNS = LogColumns(events="n", exposure="units")
STEADY = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29] * 2
LOW = [14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13]


@pytest.fixture(autouse=True)
def with_words(monkeypatch):
    """The words of the new items, whether or not they are merged into the table of all words."""
    monkeypatch.setattr(words, "_ALL", words._ALL | FINDINGS_CAUSE)
    monkeypatch.setattr(words, "_EVIDENCE", words._EVIDENCE | EVIDENCE_CAUSE)


def monthly(counts, start="2022-01-01", units=1000.0):
    months = pd.date_range(start, periods=len(counts), freq="MS")
    return pd.DataFrame({"date": months, "n": np.asarray(counts), "units": units})


def case_of(log, columns=COLUMNS, **changes):
    """A plan of 24 months before and 12 after 2024-01-01, and what is read for it."""
    entries = {
        "question": "Fewer late parcels?",
        "action_date": "2024-01-01",
        "baseline": ("2022-01-01", "2023-12-31"),
        "horizon": "2024-12-31",
        **changes,
    }
    plan = VerificationPlan(**entries).freeze(on="2023-12-15")
    source, day = Source(log, log if columns.values is None else None, columns), np.datetime64("2025-01-15", "D")
    data, read = period_table(plan, source, None, day)
    return Case(plan, data, read, source, day)


def series_of(case, **options):
    return fit_series(case.data, case.plan, case.before, case.after, **{"controlled": False, "trend": False, **options})


# -- 15 --
def test_a_change_at_the_action_is_dated_to_it():
    case = case_of(monthly(STEADY + LOW), season="none")
    check = other_check(case, case.before, series_of(case))
    assert (check.number, check.code, check.status, check.key) == (15, "other", "pass", "dated")
    found = dict(check.numbers)
    # the same as dating the counts themselves: no trend and no season was fitted
    direct = change_date(
        STEADY + LOW, exposure=1000.0, resamples=499, rng=plan_seed(case.plan), labels=list(map(str, case.data.start))
    )
    assert direct.includes("2024-01-01")
    assert (found["first"], found["last"]) == (direct.labels[direct.earliest], direct.labels[direct.latest])
    assert "2024-01-01" in check_text(check, "zh")["threshold"]
    assert other_check(case, case.before, series_of(case)).numbers == check.numbers  # the same draws again


def test_a_change_long_before_is_elsewhere():
    case = case_of(monthly(STEADY[:14] + LOW[:10] + LOW), season="none")
    check = other_check(case, case.before, series_of(case))
    assert (check.status, check.key) == ("warn", "elsewhere")
    assert dict(check.numbers)["last"] < "2023-12"


def test_nothing_to_date_and_too_short():
    case = case_of(monthly(STEADY + STEADY[:12]), season="none")
    assert other_check(case, case.before, series_of(case)).key == "nothing"
    empty = case_of(monthly([0] * 36), season="none")
    assert other_check(empty, empty.before).key == "nothing"
    short = case_of(monthly(STEADY + LOW[:2]), horizon="2024-02-29")
    check = other_check(short, short.before)
    assert (check.status, check.key) == ("not possible", "short")
    assert dict(check.numbers)["after"] == 2


@pytest.mark.parametrize(
    ("day", "key"),
    [
        ("2024-01-20", "others"),
        ("2023-11-01", "others"),  # 61 days before: two months
        ("2023-10-31", "dated"),
        ("2024-06-01", "dated"),
        ("2021-12-31", "dated"),  # before the baseline
        ("2025-01-01", "dated"),  # after the horizon
    ],
)
def test_other_changes_count_when_they_are_near(day, key):
    case = case_of(monthly(STEADY + LOW), other_changes=[{"date": day, "what": "new courier"}], season="none")
    check = other_check(case, case.before, series_of(case))
    assert (check.key, check.status) == (key, "warn" if key == "others" else "pass")
    assert ("new courier" in check.value) == ("2022-01-01" <= day <= "2024-12-31")


def test_a_change_in_or_after_the_transition_is_near():
    changes = {"transition": ("2023-12-01", "2024-02-29"), "baseline": ("2022-01-01", "2023-11-30")}
    near = [{"date": "2024-04-15", "what": "new courier"}]
    case = case_of(monthly(STEADY + LOW), other_changes=near, **changes)
    assert other_check(case, case.before).key == "others"


def test_transition_lies_between_the_periods_that_are_dated():
    changes = {"transition": ("2023-12-01", "2024-02-29"), "baseline": ("2022-01-01", "2023-11-30")}
    case = case_of(monthly([*STEADY[:23], 22, 22, 18, *LOW[:10]]), season="none", **changes)
    check = other_check(case, case.before, series_of(case))
    assert check.key == "dated"
    assert dict(check.numbers)["first"] <= "2024-03-01"


def test_season_is_taken_out_before_dating():
    months = np.arange(36)
    wave = 40 * np.exp(0.5 * np.sin(2 * np.pi * (months + 3) / 12)) * np.where(months >= 24, 0.6, 1.0)
    y = np.random.default_rng(5).poisson(wave)
    case = case_of(monthly(y))
    assert other_check(case, case.before, series_of(case)).key == "dated"
    data, first, second = against_expected(case, case.before, series_of(case))
    np.testing.assert_array_equal(first | second, np.ones(36, bool))
    # what is expected is the sine that was put in: rates over it lie flat on each side
    rate = data.events / data.exposure
    true = np.exp(0.5 * np.sin(2 * np.pi * (months + 3) / 12))
    assert np.corrcoef(data.exposure, true)[0, 1] > 0.95
    assert abs(np.corrcoef(rate[:24], true[:24])[0, 1]) < 0.3


def test_values_are_dated_too_with_an_offset():
    rng = np.random.default_rng(2)
    rows = [
        {"date": f"{2022 + m // 12}-{m % 12 + 1:02d}-{d:02d}", "value": 1e9 + rng.normal(20.0 if m < 24 else 14.0, 4.0)}
        for m in range(36)
        for d in range(1, 21)
    ]
    metric = Metric("lead time", "mean", better="lower")
    case = case_of(
        pd.DataFrame(rows), columns=LogColumns(values="value"), metric=metric, target_difference=3.0, season="none"
    )
    check = other_check(case, case.before, series_of(case))
    assert check.key == "dated"
    assert dict(check.numbers)["first"] == dict(check.numbers)["last"] == "2024-01-01"


def test_days_and_long_series_are_dated_fast():
    rng = np.random.default_rng(0)
    days = pd.date_range("2019-01-01", "2024-12-31", freq="D")
    counts = rng.poisson(np.where(days < pd.Timestamp("2024-01-01"), 10.0, 8.5))
    log = pd.DataFrame({"date": days, "n": counts, "units": 100.0})
    case = case_of(log, period="day", baseline=("2019-01-01", "2023-12-31"), season="none")
    series = series_of(case)
    start = time.process_time()
    check = other_check(case, case.before, series)
    assert time.process_time() - start < 3.0  # 2,192 days; about half a second when nothing else runs
    assert check.key == "dated"
    assert other_check(case, case.before, None).key == "dated"  # days become weeks without a series too


# -- 16 --
FORMS = Metric("use of the new form", "rate", better="higher")


def forms(before, after):
    return Source(monthly([before] * 24 + [after] * 12), "constant", LogColumns(events="n"), "forms")


def test_implementation_moved_or_not():
    case = case_of(monthly(STEADY + LOW), implementation=FORMS, season="none")
    moved = implementation_check(case, forms(3, 40), case.before)
    assert (moved.number, moved.status, moved.key) == (16, "pass", "moved")
    assert implementation_check(case, forms(0, 40), case.before).key == "moved"
    same = implementation_check(case, forms(40, 40), case.before)
    assert (same.status, same.key) == ("warn", "not_moved")
    assert implementation_check(case, forms(40, 3), case.before).key == "not_moved"


def test_implementation_absent_or_only_after():
    case = case_of(monthly(STEADY + LOW), implementation=FORMS, season="none")
    absent = implementation_check(case, None, case.before)
    assert (absent.status, absent.key) == ("not possible", "absent")
    undeclared = case_of(monthly(STEADY + LOW))
    assert implementation_check(undeclared, forms(3, 40), undeclared.before).key == "absent"
    late = monthly(LOW, start="2024-01-01")
    only = implementation_check(case, Source(late, late, LogColumns(events="n", exposure="units"), "f"), case.before)
    assert (only.status, only.key) == ("not possible", "one_sided")
    nothing = implementation_check(case, forms(0, 0), case.before)
    assert (nothing.status, nothing.key) == ("not possible", "one_sided")


def test_a_process_metric_that_never_varied_moved_too():
    share = Metric("share of lines with the new form", "mean", better="higher")
    case = case_of(monthly(STEADY + LOW), implementation=share, season="none")

    def found(before, after, days=(5,)):
        rows = [
            (f"{2022 + m // 12}-{m % 12 + 1:02d}-{d:02d}", (before if m < 24 else after)(m))
            for m in range(36)
            for d in days
        ]
        table = pd.DataFrame(rows, columns=["date", "value"])
        return implementation_check(case, Source(table, None, LogColumns(values="value"), "forms"), case.before).key

    # one number a month has no scatter inside the month; every number alike has none at all
    assert found(lambda m: 0.0, lambda m: 100.0, (5, 15)) == "moved"
    assert found(lambda m: 0.0, lambda m: 100.0) == "moved"
    assert found(lambda m: 10.0 + m % 5, lambda m: 60.0 + m % 7) == "moved"
    assert found(lambda m: 10.0 + m % 5, lambda m: 10.0 + (m + 2) % 5) == "not_moved"
    assert found(lambda m: 60.0 + m % 5, lambda m: 10.0 + m % 7) == "not_moved"
    assert found(lambda m: 100.0, lambda m: 0.0) == "not_moved"
    assert found(lambda m: 50.0, lambda m: 50.0) == "not_moved"


# -- hold --
def test_fading_is_the_slope_of_a_log_linear_fit():
    after = [10, 11, 13, 14, 16, 17, 20, 21, 24, 26, 29, 31]
    case = case_of(monthly(STEADY + after), season="none")
    item, warning = post_slope(case, case.before)
    # statsmodels 0.14 GLM(Poisson) of the counts on day / last day - 1/2; scatter below Poisson counts as Poisson
    import statsmodels.api as sm
    from scipy import stats

    days = np.array([(dt.date(2024, m, 1) - dt.date(2024, 1, 1)).days for m in range(1, 13)], float)
    fit = sm.GLM(after, sm.add_constant(days / days[-1] - 0.5), family=sm.families.Poisson()).fit()
    half = stats.t.ppf(0.975, 10) * fit.bse[1]
    assert item is not None
    assert item.interval is not None
    assert item.estimate == pytest.approx(np.exp(fit.params[1]), rel=1e-8)
    assert item.interval.low == pytest.approx(np.exp(fit.params[1] - half), rel=1e-7)
    assert warning == "W-HOLD"


def test_a_lasting_effect_gives_no_warning():
    case = case_of(monthly(STEADY + LOW), season="none")
    item, warning = post_slope(case, case.before, series_of(case))
    assert item is not None
    assert item.interval is not None
    assert 1.0 in item.interval
    assert warning is None
    better = case_of(monthly([*STEADY, 31, 29, 26, 24, 21, 20, 17, 16, 14, 13, 11, 10]), season="none")
    assert post_slope(better, better.before)[1] is None


def test_hold_without_events_or_too_short():
    empty = case_of(monthly(STEADY + [0] * 12), season="none")
    assert post_slope(empty, empty.before) == (None, None)
    short = case_of(monthly(STEADY + LOW[:5]), horizon="2024-05-31")
    assert post_slope(short, short.before) == (None, None)
    late = case_of(monthly([*STEADY, *[0] * 8, 5, 6, 4, 7]), season="none")
    item, warning = post_slope(late, late.before)
    assert warning is None  # the first third has no event: a ratio to it does not exist
    assert item is None or np.isfinite(item.estimate)


# -- looks --
def test_anytime_is_the_eprocess_of_the_periods_after():
    case = case_of(monthly(STEADY + LOW), looks="anytime", season="none")
    got = judge_anytime(case, case.before)
    assert got is not None
    found, crossed, item = got
    direct = improvement_eprocess(LOW, sum(STEADY) / 24, baseline_events=sum(STEADY), alpha=0.025)
    np.testing.assert_allclose(found.log_e, direct.log_e, rtol=1e-12)
    assert crossed
    assert direct.crossed == found.crossed
    assert item.estimate == pytest.approx((sum(LOW) / 12) / (sum(STEADY) / 24))
    assert item.interval is not None
    assert item.interval.high < 1.0
    assert judge_anytime(case_of(monthly(STEADY + LOW)), case.before) is None
    none = case_of(monthly([0] * 24 + LOW), looks="anytime")
    assert judge_anytime(none, none.before) is None


def test_scatter_makes_the_eprocess_slower():
    wild = [10, 52, 28, 44, 12, 60, 25, 31, 8, 49, 20, 38] * 2
    plain = case_of(monthly(STEADY + LOW), looks="anytime")
    case = case_of(monthly(wild + LOW), looks="anytime")
    slow, fast = judge_anytime(case, case.before), judge_anytime(plain, plain.before)
    assert slow is not None
    assert fast is not None
    assert slow[0].log_e[-1] < fast[0].log_e[-1] / 3
    assert not slow[1]


def test_thinned_counts_are_never_too_few():
    counts = np.array([3.0, 0.0, 7.0, 2.0])
    got = thinned(counts, 2.5)
    np.testing.assert_array_equal(np.cumsum(got), [2, 2, 4, 5])  # ceil of 1.2, 1.2, 4, 4.8
    np.testing.assert_array_equal(thinned(counts, 1.0), counts)


@pytest.mark.parametrize("phi", [1.2, 2.0, 4.0, 20.0])
def test_the_tempered_likelihood_ratio_is_a_supermartingale(phi):
    # negative binomial with variance phi times the mean m: E s^N = (1 + (phi - 1)(1 - s))^(-m/(phi - 1)); the
    # likelihood ratio r^N e^(m(1-r)) to the power 1/phi has mean exp(m g(r)) with g as below, at most 1 when g <= 0
    r = np.linspace(1e-9, 1.0, 20001)
    g = (1 - r) / phi - np.log1p((phi - 1) * (1 - r ** (1 / phi))) / (phi - 1)
    assert g.max() <= 1e-12


# -- anything --
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counts=st.lists(st.integers(0, 60) | st.sampled_from([0, 0, 5000]), min_size=36, max_size=36),
    units=st.lists(st.floats(0.1, 1e4), min_size=36, max_size=36),
)
def test_no_counts_break_the_checks(counts, units):
    case = case_of(monthly(counts, units=np.array(units)), looks="anytime", season="none")
    check = other_check(case, case.before, series_of(case))
    assert check.key in {"dated", "elsewhere", "nothing", "open"}
    assert check.status == {"dated": "pass", "elsewhere": "warn"}.get(check.key, "not possible")
    item, warning = post_slope(case, case.before, series_of(case))
    if item is not None:
        assert item.interval is not None
        assert item.interval.low <= item.estimate <= item.interval.high
    assert warning in (None, "W-HOLD")
    rank = placebo_dates(case, case.before, series_of(case))
    assert rank is not None
    assert rank.estimate is not None
    assert 1 / 14 - 1e-12 <= rank.estimate <= 1.0
    looks = judge_anytime(case, case.before)
    if looks is not None:
        found, crossed, shown = looks
        assert shown.interval is not None
        assert crossed == (shown.interval.high < 1.0) == bool((found.pvalue <= found.alpha).any())


# -- words --
def test_words_fill_alike_in_both_languages():
    for pair in (*FINDINGS_CAUSE.values(),):
        fields = [
            {f.replace("_zh", "") for text in side for _, f, _, _ in string.Formatter().parse(text) if f}
            for side in pair
        ]
        assert fields[0] == fields[1]
        assert all(len(side) == 3 and all(side) for side in pair)
    assert all(len(side) == 2 and all(side) for pair in EVIDENCE_CAUSE.values() for side in pair)
    assert all(("{detail}" in en) == ("{detail}" in zh) for en, zh in GRID_NAMES.values())
