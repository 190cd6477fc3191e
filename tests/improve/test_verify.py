"""The verdict: every state, every check, the traps of complaint data, and what may not be fooled."""

import dataclasses
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qstats import (
    DataError,
    LogColumns,
    Verdict,
    VerificationPlan,
    hold_period,
    interrupted_series,
    verify_improvement,
)
from qstats.improve.verify.words import check_text, t

COLUMNS = LogColumns(events="n", exposure="units")
STEADY = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29]
HALVED = [14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13]


def table(counts: list[float], start: str = "2023-01-01", units: Any = 1000.0) -> pd.DataFrame:
    months = pd.date_range(start, periods=len(counts), freq="MS")
    return pd.DataFrame({"date": months, "n": counts, "units": units})


def plan(**changes: Any) -> VerificationPlan:
    entries: dict[str, Any] = {
        "question": "Fewer late parcels?",
        "action_date": "2024-01-01",
        "baseline": ("2023-01-01", "2023-12-31"),
        "horizon": "2024-12-31",
        "trend": "none",
        **changes,
    }
    return VerificationPlan(**entries).freeze(on="2023-12-15")


def judge(after: list[float], before: list[float] | None = None, units: Any = 1000.0, **changes: Any) -> Verdict:
    data = table((before or STEADY) + after, units=units)
    return verify_improvement(plan(**changes), data, exposure=data, columns=COLUMNS)


def status(v: Verdict) -> dict[str, str]:
    return {c.code: c.status for c in v.checks}


# -- the states --
def test_effective() -> None:
    v = judge(HALVED)
    assert (v.state, v.reason, v.grade, v.strength) == ("effective", "target_met", "C", "verified")
    assert v.primary is not None
    assert v.primary.estimate == pytest.approx(176 / 364, rel=1e-3)  # 176 after, 364 before, equal exposure
    assert status(v).pop("delay") == "not possible"  # no receipt dates
    told = {k: x for k, x in status(v).items() if x != "pass"}
    assert told == {"delay": "not possible", "definition": "not possible", "trend": "warn"}
    assert v.sentence().startswith("Effective")
    assert v.sentence("zh").startswith("有效")


def test_strength_is_that_of_the_regression() -> None:
    v = judge(HALVED)
    direct = interrupted_series(STEADY + HALVED, 1000.0, step=12)
    assert v.primary is not None
    assert (v.primary.estimate, v.primary.interval, v.primary.pvalue) == (
        direct.estimate,
        direct.interval,
        direct.pvalue,
    )
    assert v.strength == direct.strength
    items = {e.code: e for e in v.evidence}
    assert items["second_opinion"].interval == direct.second.interval
    assert items["stress"].estimate == direct.stress[0.6]
    check = next(c for c in v.checks if c.code == "autocorrelation")
    assert check.status == "pass"
    assert not v.notes


def test_a_second_method_that_does_not_agree_is_said() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        after = [int(n) for n in rng.poisson(21, 12)]
        v = judge(after)
        check = next(c for c in v.checks if c.code == "autocorrelation")
        if v.state == "effective" and v.strength == "indicated":
            assert check.key == "one_method"
            assert "W-AR" in v.warnings
            return
    raise AssertionError("no such case among 200")


def test_too_few_periods_for_the_regression_are_said() -> None:
    v = judge(HALVED[:4], horizon="2024-04-30", season="none")
    check = next(c for c in v.checks if c.code == "autocorrelation")
    assert (check.status, check.key) == ("not possible", "short")
    assert "autocorrelation-not-adjusted" in {n.code for n in v.notes}
    assert v.strength in ("indicated", "none")


def test_harmful() -> None:
    assert judge([60, 55, 62, 58, 61, 57, 60, 59, 63, 56, 60, 58]).state == "harmful"


def test_not_shown_excludes_the_promise() -> None:
    v = judge(STEADY)
    assert (v.state, v.reason) == ("not_shown", "effect_excluded")


def test_harm_is_excluded_or_said_to_be_open() -> None:
    same = judge(STEADY, harm_rr=1.2)
    assert same.primary is not None
    assert same.primary.interval.high < 1.2
    assert "An important rise (ratio 1.2 or more) is excluded." in same.sentence()
    assert "is not excluded either" in judge(STEADY, harm_rr=1.05).sentence()


def test_inconclusive_says_how_long_to_wait() -> None:
    v = judge([25, 22, 27], horizon="2024-03-31", season="none")
    assert (v.state, v.reason) == ("inconclusive", "compatible_with_both")
    needed = next(e for e in v.evidence if e.code == "needed")
    assert needed.estimate == pytest.approx(hold_period(364, 12000, target_rr=0.7, alpha=0.025))
    assert needed.estimate > 3000
    assert needed.estimate == pytest.approx(3500, abs=20)
    assert "needed to see the target: about 3,500 (so far 3,000); at this volume about 2024-04-1" in v.sentence()


def test_a_baseline_too_small_for_any_hold_is_said() -> None:
    v = judge([2, 1, 3, 2, 1, 2, 3, 1, 2, 2, 1, 2], before=[3, 2, 4, 2, 3, 2, 3, 2, 3, 3, 2, 3])
    assert (v.state, v.reason) == ("inconclusive", "compatible_with_both")
    assert "no length of follow-up can show the target" in v.sentence()  # (log 0.7 / 2.80)^2 is below 1/32


def test_smaller_than_promised_is_said() -> None:
    v = judge([250] * 12, before=[310, 300, 305, 295, 300, 298, 302, 304, 296, 299, 301, 300], target_rr=0.5)
    assert (v.state, v.reason) == ("effective", "target_excluded")


# -- the acceptance cases of the reference --
def test_three_a_year_then_none_in_90_days_is_inconclusive() -> None:
    before = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
    v = judge([0, 0, 0], before=before, horizon="2024-03-31", season="none")
    assert v.state == "inconclusive"
    assert hold_period(3, 12) == pytest.approx(20.6, abs=0.05)


def test_edited_plan_is_exploratory() -> None:
    data = table(STEADY + [14] * 12)
    edited = dataclasses.replace(plan(), target_rr=0.9)
    v = verify_improvement(edited, data, exposure=data, columns=COLUMNS)
    assert status(v)["plan"] == "warn"
    assert "W-POSTHOC" in v.warnings
    assert "Exploratory" in v.sentence()


def test_late_freeze_is_exploratory() -> None:
    data = table(STEADY + [14] * 12)
    v = verify_improvement(plan().freeze(on="2024-06-01"), data, exposure=data, columns=COLUMNS)
    assert "W-POSTHOC" in v.warnings


# -- the traps --
def test_season_blocks_what_it_could_explain() -> None:
    v = judge([15] * 6, before=[40, 42, 38, 41, 39, 40], baseline=("2023-07-01", "2023-12-31"), horizon="2024-06-30")
    # only half a year before, the other half after
    data = table([40, 42, 38, 41, 39, 40] + [15] * 6, start="2023-07-01")
    p = plan(baseline=("2023-07-01", "2023-12-31"), horizon="2024-06-30")
    v = verify_improvement(p, data, exposure=data, columns=COLUMNS)
    assert (v.state, v.reason) == ("inconclusive", "season")
    assert "W-SEASON" in v.warnings
    assert v.crude is not None
    assert v.crude.interval.high < 1.0  # what a crude test would have claimed
    assert v.primary is None


def test_season_compares_the_same_months() -> None:
    seasonal = [50, 48, 52, 49, 20, 21, 19, 20, 22, 18, 20, 21]  # high in January to April
    v = judge([49, 51, 50, 50], before=seasonal, horizon="2024-04-30")
    assert "W-SEASON" in v.warnings
    assert v.primary is not None
    assert v.primary.estimate == pytest.approx(200 / 199)  # against January to April of the year before: 199
    assert v.crude is not None
    assert v.crude.interval.low > 1.0  # crude: worse
    assert v.state != "harmful"


def test_falling_volume_is_no_success() -> None:
    v = judge([n // 2 for n in STEADY], units=[1000.0] * 12 + [500.0] * 12)
    assert v.state == "not_shown"
    assert "W-EXPOSURE" in v.warnings


def test_trigger_peak_is_left_out() -> None:
    before = [*STEADY[:10], 90, 95]
    trigger = ("2023-11-01", "2023-12-31")
    v = judge(STEADY, before=before, trigger_window=trigger, season="none")
    assert "W-RTM" in v.warnings
    with_peak = judge(STEADY, before=before, season="none")
    assert v.primary is not None
    assert with_peak.primary is not None
    assert v.primary.estimate == pytest.approx((364 / 12) / (sum(STEADY[:10]) / 10))
    assert with_peak.crude is not None
    assert with_peak.crude.estimate == pytest.approx(364 / (sum(STEADY[:10]) + 185))  # a success that never was
    assert with_peak.state == "inconclusive"  # the peak stands on the baseline's own chart


def test_transition_is_left_out() -> None:
    v = judge([500, *STEADY[1:]], transition=("2024-01-01", "2024-01-31"), season="none")
    assert v.role[12] == "transition"
    assert v.primary is not None
    assert 1.0 in v.primary.interval


def test_looking_early_blocks() -> None:
    v = judge([5, 4, 6])
    assert (v.state, v.reason) == ("inconclusive", "horizon")
    assert "W-PEEK" in v.warnings


def test_overdispersion_widens() -> None:
    wild = [10, 60, 15, 55, 12, 58, 14, 61, 9, 57, 13, 62]
    v = judge([8, 45, 10, 50, 9, 44, 11, 47, 8, 46, 10, 48], before=wild)
    assert "W-OD" in v.warnings
    assert v.primary is not None
    assert "t" in v.primary.method
    assert 1.0 in v.primary.interval


def test_unstable_baseline_cannot_be_effective_without_control() -> None:
    drifting = [60, 58, 59, 57, 60, 59, 30, 31, 29, 30, 31, 29]
    v = judge([14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13], before=drifting)
    assert v.state == "inconclusive"
    assert v.grade == "D"


def test_gap_in_exposure_is_not_a_zero() -> None:
    data = table(STEADY + [14] * 12)
    holed = data[data["date"] != "2023-05-01"]
    v = verify_improvement(plan(), data, exposure=holed, columns=COLUMNS)
    assert (v.state, v.reason) == ("inconclusive", "sanity")
    assert v.to_frame()["rate"].isna().sum() == 1
    assert "NaN" not in v.to_json()
    assert v.plot() is not None


def test_no_events_at_all() -> None:
    v = judge([0] * 12, before=[0] * 12)
    assert (v.state, v.reason) == ("inconclusive", "no_information")


def test_empty_windows() -> None:
    data = table([5.0], start="2020-01-01")
    v = verify_improvement(plan(), data, exposure=data, columns=COLUMNS)
    assert (v.state, v.reason) == ("inconclusive", "phases")
    assert json.loads(v.to_json())["primary"] is None


# -- control --
def controlled(target: list[float], other: list[float], **changes: Any) -> Verdict:
    a, b = table(target), table(other)
    p = plan(control="group", **changes)
    return verify_improvement(p, a, exposure=a, control=b, control_exposure=b, columns=COLUMNS)


def test_control_takes_out_what_both_share() -> None:
    season = np.array([1.5, 1.4, 1.2, 1.0, 0.8, 0.7, 0.7, 0.8, 1.0, 1.2, 1.4, 1.5])
    both = list(np.round(300 * season))
    falling = list(np.round(300 * season[:6] * 0.6))
    shared = controlled([*both, *falling], [*both, *falling], horizon="2024-06-30", season="year")
    assert shared.primary is not None
    assert shared.primary.effect == "rate_ratio_ratio"
    assert shared.primary.estimate == pytest.approx(1.0, abs=1e-12)
    assert shared.state == "not_shown"
    helped = controlled([*both, *falling], [*both, *both[:6]], horizon="2024-06-30")
    assert helped.state == "effective"
    assert helped.primary is not None
    assert helped.primary.estimate == pytest.approx(0.6, abs=0.01)


def test_power_is_that_of_the_comparison_that_decides() -> None:
    # Month-to-month swings that both share are no scatter of their ratio: the power with a control is much higher.
    shared = [30, 90, 35, 85, 40, 80, 32, 88, 36, 84, 38, 86] * 2
    other = [2 * n + (i % 3) for i, n in enumerate(shared)]
    numbers = [
        dict(next(c for c in v.checks if c.code == "horizon").numbers)["power"]
        for v in (judge(shared[12:], before=shared[:12]), controlled(shared, other))
    ]
    assert numbers[0] < 0.5 < 0.9 < numbers[1]


def test_drifting_control_does_not_decide() -> None:
    fall = list(np.linspace(400, 200, 24).round())
    v = controlled(fall, [300.0] * 24)
    assert status(v)["control"] == "warn"
    assert "W-TREND" in v.warnings
    assert v.primary is not None
    assert v.primary.effect == "rate_ratio"


def test_untargeted_categories_are_a_control() -> None:
    rng = np.random.default_rng(5)
    months = pd.date_range("2023-01-01", periods=24, freq="MS")
    rows = []
    for i, m in enumerate(months):
        rows += [{"date": m, "kind": "late"}] * int(rng.poisson(80 if i < 12 else 40))
        rows += [{"date": m, "kind": "rude"}] * int(rng.poisson(80))
    log = pd.DataFrame(rows)
    p = plan(category="late", control="untargeted_categories")
    v = verify_improvement(p, log, exposure="constant", columns=LogColumns(category="kind"))
    assert v.primary is not None
    assert v.primary.effect == "rate_ratio_ratio"
    assert v.state == "effective"
    assert "W-EXPOSURE" in v.warnings  # constant volume was only declared


def test_control_must_be_in_the_plan() -> None:
    data = table(STEADY * 2)
    with pytest.raises(DataError, match="the plan decides"):
        verify_improvement(plan(), data, exposure=data, control=data, control_exposure=data, columns=COLUMNS)
    with pytest.raises(DataError, match="pass control="):
        verify_improvement(plan(control="group"), data, exposure=data, columns=COLUMNS)


# -- the log --
def test_duplicates_missing_dates_and_receipts_are_counted() -> None:
    days = pd.date_range("2023-01-01", "2024-12-31", freq="D")
    log = pd.DataFrame({"date": days, "received": days, "id": np.arange(days.size)})
    undated = log.iloc[[0]].assign(date=pd.NaT, id=-1)
    dirty = pd.concat([log, log.iloc[:3], undated.astype(log.dtypes)])
    dirty.loc[dirty["id"] == 10, "received"] = days[0]
    p = plan(season="none")
    columns = LogColumns(id="id", received="received")
    v = verify_improvement(p, dirty, exposure="constant", columns=columns)
    sanity = next(c for c in v.checks if c.code == "sanity")
    assert sanity.status == "warn"
    assert "3 with an identifier seen before" in sanity.value
    assert "1 without a date" in sanity.value
    assert "1 dated after receipt" in sanity.value


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_periods_lose_no_complaint(period: str) -> None:
    days = pd.date_range("2023-01-01", "2024-12-31", freq="D")
    log = pd.DataFrame({"date": days})
    v = verify_improvement(plan(period=period), log, exposure="constant")
    assert v.events.sum() == days.size
    first = {"day": 365, "week": 364, "month": 365}[period]  # weeks are counted from the action; one day sticks out
    assert next(p.events for p in v.phases if p.name == "baseline") == first


@pytest.mark.parametrize(
    ("complaints", "exposure", "columns", "says"),
    [
        ([1, 2], "constant", LogColumns(), "complaints: got a list"),
        (table(STEADY), "steady", COLUMNS, "'constant' to declare"),
        (table(STEADY), [1, 2], COLUMNS, "exposure: got a list"),
        (table(STEADY), "constant", LogColumns(date="day"), "day"),
        (table([-1.0, 2.0]), "constant", COLUMNS, "negative or missing"),
        (table(STEADY).assign(date="soon"), "constant", COLUMNS, "soon"),
        (table(STEADY), table(STEADY, units=-1.0), COLUMNS, "negative or missing"),
    ],
)
def test_bad_tables(complaints: Any, exposure: Any, columns: LogColumns, says: str) -> None:
    with pytest.raises(DataError, match=says):
        verify_improvement(plan(), complaints, exposure=exposure, columns=columns)


def test_category_not_in_the_log() -> None:
    log = pd.DataFrame({"date": ["2023-01-05"], "kind": ["rude"]})
    with pytest.raises(DataError, match="no complaint has category 'late'"):
        verify_improvement(plan(category="late"), log, exposure="constant", columns=LogColumns(category="kind"))
    with pytest.raises(DataError, match="category is not named"):
        verify_improvement(plan(category="late"), log, exposure="constant")


# -- views of one object --
def test_json_table_and_sentence_agree_and_repeat() -> None:
    v = judge([14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13])
    again = judge([14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13])
    d = json.loads(v.to_json())
    assert d == json.loads(again.to_json())
    assert d["schema"] == "qstats.verification/1"
    assert d["state"] == v.state
    assert f"{d['primary']['estimate']:.3g}" in v.sentence()
    assert v.to_frame()["events"].sum() == sum(p["events"] for p in d["phases"])
    assert d["plan_hash"] == VerificationPlan.from_dict(d["plan"]).hash


def test_every_check_has_words_in_both_languages() -> None:
    from qstats.improve.verify.phrases import WORDS
    from qstats.improve.verify.phrases_evidence import EVIDENCE, NOT_CHECKED
    from qstats.improve.verify.phrases_findings import FINDINGS
    from qstats.improve.verify.phrases_findings_log import FINDINGS_LOG

    for pair in [
        *FINDINGS.values(),
        *FINDINGS_LOG.values(),
        *EVIDENCE.values(),
        *NOT_CHECKED.values(),
        *WORDS.values(),
    ]:
        english, chinese = pair
        for en, zh in zip(english, chinese, strict=True) if isinstance(english, tuple) else [(english, chinese)]:
            gaps = {part.split("}")[0].split(":")[0].split("_zh")[0] for part in en.split("{")[1:]}
            assert gaps == {part.split("}")[0].split(":")[0].split("_zh")[0] for part in zh.split("{")[1:]}, en
    v = judge([5, 4, 6])
    for check in v.checks:
        assert all(check_text(check, "zh").values())
    with pytest.raises(DataError, match="lang"):
        t("crude", "de")
