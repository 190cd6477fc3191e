"""Verdicts on other metrics than complaint rates, guardrails and secondary metrics, late reports, trends."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats import (
    DataError,
    Guardrail,
    LogColumns,
    Metric,
    Verdict,
    VerificationPlan,
    compare_mean_summaries,
    compare_proportions,
    verify_improvement,
)

MONTHS = pd.period_range("2022-01", "2024-12", freq="M")
VALUES = LogColumns(values="value")


def plan(**changes: Any) -> VerificationPlan:
    entries: dict[str, Any] = {
        "question": "Better?",
        "action_date": "2024-01-01",
        "baseline": ("2022-01-01", "2023-12-31"),
        "horizon": "2024-12-31",
        "trend": "none",
        **changes,
    }
    return VerificationPlan(**entries).freeze(on="2023-12-01")


def cases(draw: Any, n: int = 100, seed: int = 1) -> pd.DataFrame:
    """n rows a month; `draw(rng, n, after)` gives their values."""
    rng = np.random.default_rng(seed)
    rows = []
    for month in MONTHS:
        days = month.start_time + pd.to_timedelta(rng.integers(0, month.days_in_month, n), unit="D")
        rows.append(pd.DataFrame({"date": days, "value": draw(rng, n, month >= pd.Period("2024-01"))}))
    return pd.concat(rows, ignore_index=True)


def scores(rng: np.random.Generator, n: int, after: bool) -> Any:
    p = [0.01] * 6 + [0.04, 0.1, 0.2, 0.35, 0.25] if after else [0.02] * 6 + [0.08, 0.15, 0.2, 0.25, 0.2]
    return rng.choice(11, n, p=p)


def minutes(rng: np.random.Generator, n: int, after: bool) -> Any:
    return rng.lognormal(2.7 if after else 3.0, 0.6, n)


def defects(rng: np.random.Generator, n: int, after: bool) -> Any:
    return (rng.random(n) < (0.05 if after else 0.1)).astype(int)


def judge(data: pd.DataFrame, **changes: Any) -> Verdict:
    return verify_improvement(plan(**changes), data, columns=VALUES)


def test_nps_is_compared_in_points() -> None:
    data = cases(scores)
    v = judge(data, metric=Metric("NPS", "nps"), target_difference=10)
    late = data["date"] >= "2024-01-01"
    net = np.where(data["value"] >= 9, 100.0, np.where(data["value"] <= 6, -100.0, 0.0))
    assert v.primary is not None
    assert v.crude is not None
    assert (v.state, v.reason, v.primary.effect) == ("effective", "target_met", "mean_difference")
    assert v.crude.estimate == pytest.approx(net[late].mean() - net[~late].mean(), rel=1e-12)
    welch = stats.ttest_ind(net[late], net[~late], equal_var=False)  # the periods scatter no more than chance here
    assert v.crude.pvalue == pytest.approx(welch.pvalue, rel=1e-9)
    assert v.absolute is None  # a difference is its own absolute effect
    assert [p.rate for p in v.phases] == pytest.approx([net[~late].mean(), net[late].mean()])


def test_times_are_compared_by_their_ratio() -> None:
    data = cases(minutes)
    v = judge(data, metric=Metric("lead time", "time"), target_rr=0.8)
    late, logs = data["date"] >= "2024-01-01", np.log(data["value"])
    assert v.primary is not None
    assert v.primary.effect == "geometric_mean_ratio"
    assert v.state == "effective"
    assert v.crude is not None
    assert v.crude.estimate == pytest.approx(np.exp(logs[late].mean() - logs[~late].mean()), rel=1e-12)
    assert v.primary.estimate == pytest.approx(np.exp(-0.3), rel=0.05)  # the truth of the simulation


def test_shares_are_compared_as_shares() -> None:
    data = cases(defects, n=80)
    v = judge(data, metric=Metric("defective", "proportion"), target_rr=0.7)
    late = data["date"] >= "2024-01-01"
    x, n = data["value"].groupby(late).sum(), data["value"].groupby(late).size()
    direct = compare_proportions(int(x[True]), int(n[True]), int(x[False]), int(n[False]), effect="risk_ratio")
    assert v.primary is not None
    assert v.crude is not None
    assert v.primary.effect == "risk_ratio"
    assert v.crude.estimate == pytest.approx(direct.estimate, rel=1e-12)
    assert v.chart is not None
    assert v.chart.kind == "p"


def test_counts_among_cases_may_come_as_two_tables() -> None:
    data = cases(defects, n=80)
    month = data["date"].dt.to_period("M").dt.start_time
    table = data.groupby(month)["value"].agg(["sum", "size"]).reset_index()
    by_row = judge(data, metric=Metric("defective", "proportion"), target_rr=0.7)
    columns = LogColumns(events="sum", exposure="size")
    by_table = verify_improvement(
        plan(metric=Metric("defective", "proportion"), target_rr=0.7), table, exposure=table, columns=columns
    )
    assert by_row.primary is not None
    assert by_table.primary is not None
    assert by_row.primary.interval == by_table.primary.interval
    table.loc[3, "sum"] = 99
    with pytest.raises(DataError, match="more bad cases than cases of 'defective' in the period from 2022-04-01"):
        verify_improvement(
            plan(metric=Metric("defective", "proportion"), target_rr=0.7), table, exposure=table, columns=columns
        )


def test_defects_per_million_opportunities_are_rates() -> None:
    months = [m.start_time for m in MONTHS]
    table = pd.DataFrame({"date": months, "n": [40] * 24 + [20] * 12, "units": 100.0})
    columns = LogColumns(events="n", exposure="units")
    v = verify_improvement(
        plan(metric=Metric("DPMO", "dpmo", opportunities=50)), table, exposure=table, columns=columns
    )
    assert [p.rate for p in v.phases] == pytest.approx([40 / 5000, 20 / 5000])
    assert v.state == "effective"


def test_open_tickets_past_their_time_are_misses() -> None:
    rng = np.random.default_rng(5)
    opened = pd.to_datetime(rng.integers(0, 1096, 3000), unit="D", origin="2022-01-01")
    days = np.ceil(rng.exponential(np.where(opened < "2024-01-01", 5.0, 3.0)))
    data = pd.DataFrame({"date": opened, "closed": opened + pd.to_timedelta(days, unit="D")})
    data.loc[data["closed"] > "2024-12-31", "closed"] = pd.NaT  # drawn that evening: still open
    p = plan(metric=Metric("late", "sla", within="7 days"), target_rr=0.7, horizon="2024-11-30")
    columns = LogColumns(closed="closed")
    v = verify_improvement(p, data, columns=columns, data_date="2024-12-31")
    inside = (opened >= "2024-01-01") & (opened <= "2024-11-30")
    assert v.phases[1].events == float((days[inside] > 7).sum())
    assert v.phases[1].exposure == float(inside.sum())
    with pytest.raises(DataError, match="data_date: missing"):
        verify_improvement(p, data, columns=columns)
    data.loc[0, "closed"] = data.loc[0, "date"] - pd.Timedelta(days=1)
    with pytest.raises(DataError, match="1 tickets closed before they opened"):
        verify_improvement(p, data, columns=columns, data_date="2024-12-31")


def test_effort_has_the_direction_that_was_declared() -> None:
    data = cases(scores)
    up = judge(data, metric=Metric("ease", "ces", better="higher"), target_difference=0.5)
    down = judge(data, metric=Metric("effort", "ces", better="lower"), target_difference=0.5)
    assert (up.state, down.state) == ("effective", "harmful")


@pytest.mark.parametrize(
    ("metric", "values", "says"),
    [
        (Metric("NPS", "nps"), 11.0, "11 came for 'NPS'; values from 0 to 10"),
        (Metric("NPS", "nps"), 8.5, "8.5 came"),
        (Metric("bad", "proportion"), 2.0, "0 to 1"),
        (Metric("ease", "ces", better="higher", scale=(1, 7)), 8.0, "1 to 7"),
        (Metric("wait", "time"), -3.0, "times above zero"),
        (Metric("wait", "time"), np.inf, "infinite"),
    ],
)
def test_values_off_their_scale_are_named(metric: Metric, values: float, says: str) -> None:
    data = cases(scores if metric.family == "mean" else defects).astype({"value": float})
    data["value"] = data["value"] + (1.0 if metric.kind in ("time", "ces") else 0.0)
    data["value"] = data["value"].clip(upper=7.0 if metric.kind == "ces" else 10.0)
    data.loc[7, "value"] = values
    target = {"target_rr": 0.7} if metric.is_ratio else {"target_difference": 1.0}
    with pytest.raises(DataError, match=says):
        judge(data, metric=metric, **target)


def test_text_scores_are_refused_and_missing_ones_counted() -> None:
    data = cases(scores)
    with pytest.raises(DataError, match="text came"):
        judge(data.astype({"value": str}), metric=Metric("NPS", "nps"), target_difference=5)
    data["value"] = data["value"].astype(float)
    data.loc[:9, "value"] = np.nan
    v = judge(data, metric=Metric("NPS", "nps"), target_difference=5)
    sanity = next(c for c in v.checks if c.code == "sanity")
    assert "10 without a value" in sanity.value


# -- guardrails and secondary metrics --
def guarded(primary: Any, guard: Any, margin_rr: float = 1.1, **changes: Any) -> Verdict:
    p = plan(metric=Metric("defective", "proportion"), guardrails=[Guardrail("lead", "time", margin_rr=margin_rr)])
    return verify_improvement(p, cases(primary, n=200), columns=VALUES, guardrail_data={"lead": cases(guard, seed=2)})


def slower(rng: np.random.Generator, n: int, after: bool) -> Any:
    return rng.lognormal(3.5 if after else 3.0, 0.6, n)


def same(rng: np.random.Generator, n: int, after: bool) -> Any:
    return rng.lognormal(3.0, 0.6, n)


def test_a_guardrail_that_passes_lets_success_stand() -> None:
    v = guarded(defects, same)
    assert v.state == "effective"
    assert v.guardrails[0].state == "pass"
    assert v.guardrails[0].comparison is not None
    assert v.guardrails[0].comparison.interval.high < 1.1
    assert "lead passed" in v.sentence()


def test_a_breach_beats_success() -> None:
    v = guarded(defects, slower)
    assert (v.state, v.reason) == ("harmful", "guardrail_breached")
    assert v.primary is not None
    assert v.primary.interval.high < 1.0  # the primary did improve
    assert v.guardrails[0].state == "breach"


def test_safety_that_is_not_shown_is_not_success() -> None:
    v = guarded(defects, same, margin_rr=1.001)
    assert (v.state, v.reason) == ("inconclusive", "safety_not_shown")
    assert v.guardrails[0].state == "open"


def test_a_guardrail_without_data_is_not_assessed() -> None:
    p = plan(metric=Metric("defective", "proportion"), guardrails=[Guardrail("lead", "time", margin_rr=1.1)])
    v = verify_improvement(p, cases(defects, n=200), columns=VALUES)
    assert (v.state, v.reason, v.guardrails[0].state) == ("inconclusive", "safety_not_shown", "not assessed")


def test_data_for_something_the_plan_does_not_name_are_refused() -> None:
    data = cases(defects)
    p = plan(metric=Metric("defective", "proportion"))
    for given, says in [({"cost": data}, "'cost' is not in the plan"), ([data], "a dict from the name")]:
        with pytest.raises(DataError, match=says):
            verify_improvement(p, data, columns=VALUES, guardrail_data=given)


def test_secondary_metrics_follow_their_order() -> None:
    p = plan(
        metric=Metric("defective", "proportion"),
        secondary=[Metric("NPS", "nps"), Metric("lead", "time"), Metric("late", "time")],
    )
    tables = {"NPS": cases(scores), "lead": cases(same), "late": cases(minutes)}
    v = verify_improvement(p, cases(defects, n=200), columns=VALUES, survey=tables)
    assert [s.state for s in v.secondary] == ["improved", "not shown", "not claimed"]
    worse = verify_improvement(
        p, cases(defects, n=200), columns=VALUES, survey={"NPS": cases(scores), "lead": cases(slower)}
    )
    assert [s.state for s in worse.secondary] == ["improved", "worse", "not assessed"]


# -- late reports --
def reported(mean_delay: float, data_date: str, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    date = pd.to_datetime(rng.integers(0, 1096, 2400), unit="D", origin="2022-01-01")
    received = date + pd.to_timedelta(np.floor(rng.exponential(mean_delay, 2400)), unit="D")
    log = pd.DataFrame({"date": date, "received": received})
    units = pd.DataFrame({"date": [m.start_time for m in MONTHS], "exposure": 1000.0})
    return log[received <= data_date], units


def test_periods_not_complete_are_left_out() -> None:
    log, units = reported(40.0, "2024-12-31")
    v = verify_improvement(plan(), log, exposure=units, columns=LogColumns(received="received"), data_date="2024-12-31")
    delay = next(c for c in v.checks if c.code == "delay")
    assert (delay.status, delay.key) == ("warn", "known_dropped")
    assert "W-DELAY" in v.warnings
    assert v.role[-1] == "immature"
    assert v.state != "effective"
    offset = verify_improvement(
        plan(reporting_delay="offset"), log, exposure=units, columns=LogColumns(received="received"),
        data_date="2024-12-31",
    )  # fmt: skip
    assert offset.role.count("immature") == 1  # the last month, less than half complete
    assert v.role.count("immature") > 1
    assert offset.crude is not None
    assert offset.crude.estimate == pytest.approx(1.0, abs=0.12)  # nothing changed


def test_a_declared_delay_needs_no_receipt_dates() -> None:
    log, units = reported(0.5, "2024-12-31")
    v = verify_improvement(plan(reporting_delay=45), log, exposure=units, data_date="2024-12-31")
    assert v.role[-2:] == ("immature", "immature")
    late = verify_improvement(plan(reporting_delay=45), log, exposure=units, data_date="2025-03-01")
    assert "immature" not in late.role
    none = verify_improvement(plan(reporting_delay=500), log, exposure=units, data_date="2024-12-31")
    assert (none.state, none.reason) == ("inconclusive", "delay")


# -- a trend that ran before --
def counted(rates: Any, seed: int = 4) -> Verdict:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"date": [m.start_time for m in MONTHS], "n": rng.poisson(rates), "units": 1000.0})
    p = plan(trend="auto")
    return verify_improvement(p, table, exposure=table, columns=LogColumns(events="n", exposure="units"))


def test_a_trend_that_ran_before_is_no_success() -> None:
    v = counted(60.0 * 0.97 ** np.arange(36))
    trend = next(c for c in v.checks if c.code == "trend")
    assert trend.key == "modelled"
    assert v.state != "effective"
    assert "W-TREND" in v.warnings
    assert v.crude is not None
    assert v.crude.interval.high < 1.0  # the plain comparison would have claimed it


def test_a_trend_that_cannot_matter_costs_nothing() -> None:
    v = counted(np.array([4000.0] * 24 + [2400.0] * 12))
    trend = next(c for c in v.checks if c.code == "trend")
    assert (trend.key, v.state) == ("flat", "effective")


def test_the_sign_of_the_crude_ratio_may_be_wrong() -> None:
    # rising before, cut by the action, still above the old level: the first acceptance case of the reference
    rates = np.concatenate([80.0 * 1.04 ** np.arange(24), 80.0 * 1.04 ** np.arange(24, 36) * 0.55])
    v = counted(rates)
    assert v.crude is not None
    assert v.primary is not None
    assert v.crude.estimate > 1.0
    assert v.primary.estimate < 0.75
    assert v.state == "effective"
    assert "W-TREND" in v.warnings
    assert "points the other way" in v.sentence()
    assert "方向与结论相反" in v.sentence("zh")


def test_means_that_do_not_vary_say_nothing() -> None:
    data = cases(lambda rng, n, after: np.full(n, 5.0 if not after else 6.0))
    v = judge(data, metric=Metric("ease", "ces", better="higher"), target_difference=0.5)
    assert v.state == "inconclusive"


def test_welch_is_what_it_says() -> None:
    data = cases(minutes)
    v = judge(data, metric=Metric("cost", "mean", better="lower"), target_difference=1.0)
    late = data["date"] >= "2024-01-01"
    a, b = data["value"][late], data["value"][~late]
    direct = compare_mean_summaries(a.mean(), a.std(), a.size, b.mean(), b.std(), b.size)
    assert v.crude is not None
    assert v.crude.interval.low == pytest.approx(direct.interval.low, rel=1e-9)


def test_one_value_a_period_may_persist_as_it_likes() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(10, 1, 24), rng.normal(8, 1, 12)])
    data = pd.DataFrame({"date": [m.start_time for m in MONTHS], "value": values})
    v = judge(data, metric=Metric("cost", "mean", better="lower"), target_difference=1.0)
    welch = stats.ttest_ind(values[24:], values[:24], equal_var=False)
    assert v.crude is not None
    assert v.primary is not None
    assert v.crude.pvalue == pytest.approx(welch.pvalue, rel=1e-9)
    assert v.state == "effective"
    assert "autocorrelation integrated out" in v.primary.method
    ends = v.primary.interval.high - v.primary.interval.low
    assert ends > 0.9 * (v.crude.interval.high - v.crude.interval.low)  # independence is not taken for granted


def test_no_bad_case_at_all_is_no_information() -> None:
    v = judge(cases(lambda rng, n, after: np.zeros(n, int)), metric=Metric("bad", "proportion"))
    assert (v.state, v.reason) == ("inconclusive", "no_information")


def test_open_cases_hide_the_slow_ones() -> None:
    data = cases(minutes).astype({"value": float})
    data.loc[data.index[::50], "value"] = np.nan
    many = judge(data, metric=Metric("lead time", "time"), target_rr=0.8)
    assert (many.state, many.reason) == ("inconclusive", "delay")
    assert "W-CENSOR" in many.warnings
    data.loc[data.index[100:], "value"] = data["value"].fillna(20.0)[100:]
    few = judge(data, metric=Metric("lead time", "time"), target_rr=0.8)
    assert few.state == "effective"
    assert "W-CENSOR" in few.warnings
