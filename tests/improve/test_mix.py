"""The effect inside the strata beside the crude one (13): Mantel-Haenszel, Simpson, and when there is doubt."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from qstats import LogColumns, Metric, VerificationPlan
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.mix import mix_check, stratified
from qstats.improve.verify.measure import compare_totals
from qstats.improve.verify.periods import PeriodTable, period_table
from qstats.improve.verify.sources import Source
from qstats.improve.verify.words import check_text

MONTHS = pd.date_range("2023-01-01", periods=24, freq="MS")
AFTER = np.arange(24) >= 12


def plan(**changes: Any) -> VerificationPlan:
    entries: dict[str, Any] = {
        "question": "Fewer?",
        "action_date": "2024-01-01",
        "baseline": ("2023-01-01", "2023-12-31"),
        "horizon": "2024-12-31",
        **changes,
    }
    return VerificationPlan(**entries)


def case(log: pd.DataFrame, exposure: Any, columns: Any = None, **changes: Any) -> Case:
    names = {"events": "n", "stratum": "age", "exposure": "units", **(columns or {})}
    source, made = Source(log, exposure, LogColumns(**names)), plan(**changes)
    data, read = period_table(made, source, None, None)
    return Case(made, data, read, source, np.datetime64("2025-01-01"))


def rates(rows: dict[str, tuple[Any, Any]], **changes: Any) -> Case:
    """Events and exposure a month, by stratum."""
    parts = [pd.DataFrame({"date": MONTHS, "age": name, "n": y, "units": t}) for name, (y, t) in rows.items()]
    log = pd.concat(parts, ignore_index=True)
    return case(log, log, **changes)


def two_periods(family: str, strata: list[tuple[float, float, float, float]]) -> tuple[list[PeriodTable], Any, Any]:
    """One period before and one after: no scatter to be seen. Each stratum: events and exposure after, before."""
    c = rates({"a": (np.ones(24), np.ones(24))})
    metric = Metric("x") if family == "rate" else Metric("x", "proportion")
    tables = [
        dataclasses.replace(c.data, events=np.array([y0, y1]), exposure=np.array([t0, t1]), metric=metric)
        for y1, t1, y0, t0 in strata
    ]
    return tables, np.array([True, False]), np.array([False, True])


# -- published --
# Rothman (2012), Epidemiology: An Introduction, 2nd ed., ch. 10. Mortality of current and past clozapine users by age
# (Walker et al. 1997); mortality under tolbutamide and placebo by age (UGDP 1970).
CLOZAPINE = [(196.0, 62119.0, 111.0, 15763.0), (167.0, 6085.0, 157.0, 2780.0)]
UGDP = [(8.0, 106.0, 5.0, 120.0), (22.0, 98.0, 16.0, 85.0)]


def test_rate_ratio_of_clozapine_users() -> None:
    found = stratified(*two_periods("rate", CLOZAPINE), confidence=0.95)
    assert found is not None
    c = found.comparison
    assert c.effect == "rate_ratio"
    assert c.estimate == pytest.approx(0.47, abs=0.005)
    top = bottom = inside = 0.0
    for a, t1, b, t0 in CLOZAPINE:
        top, bottom = top + a * t0 / (t1 + t0), bottom + b * t1 / (t1 + t0)
        inside += (a + b) * t1 * t0 / (t1 + t0) ** 2
    half = stats.norm.ppf(0.975) * math.sqrt(inside / (top * bottom))
    assert c.estimate == pytest.approx(top / bottom)
    assert c.interval.low == pytest.approx(top / bottom * math.exp(-half))
    assert c.interval.high == pytest.approx(top / bottom * math.exp(half))


def test_risk_ratio_of_tolbutamide() -> None:
    found = stratified(*two_periods("share", UGDP), confidence=0.95)
    assert found is not None
    c = found.comparison
    assert c.effect == "risk_ratio"
    assert c.estimate == pytest.approx(1.33, abs=0.005)
    tables = [np.array([[a, n1 - a], [b, n0 - b]]) for a, n1, b, n0 in UGDP]
    assert c.estimate == pytest.approx(StratifiedTable(tables).riskratio_pooled)
    top = bottom = inside = 0.0
    for a, n1, b, n0 in UGDP:
        n = n1 + n0
        top, bottom = top + a * n0 / n, bottom + b * n1 / n
        inside += ((a + b) * n1 * n0 - a * b * n) / n**2
    assert c.statistic == pytest.approx(math.log(top / bottom) / math.sqrt(inside / (top * bottom)))


def test_one_stratum_is_the_plain_ratio() -> None:
    rate = stratified(*two_periods("rate", [(30.0, 100.0, 60.0, 100.0)]), confidence=0.9)
    assert rate is not None
    assert rate.comparison.estimate == pytest.approx(0.5)
    assert rate.comparison.statistic == pytest.approx(math.log(0.5) / math.sqrt(1 / 30 + 1 / 60))
    risk = stratified(*two_periods("share", [(30.0, 100.0, 60.0, 100.0)]), confidence=0.9)
    assert risk is not None
    assert risk.comparison.statistic == pytest.approx(math.log(0.5) / math.sqrt(1 / 30 + 1 / 60 - 2 / 100))


def test_scatter_inside_strata_widens_the_interval() -> None:
    rng = np.random.default_rng(1)
    rows = {k: (rng.poisson(rng.gamma(5.0, 6.0, 24)), np.full(24, 100.0)) for k in "ab"}
    c = rates(rows)
    found = mix_check(c, c.before, None)[1][0]
    chi2 = df = 0.0
    top = bottom = inside = 0.0
    for y, t in rows.values():
        for phase in (AFTER, ~AFTER):
            mean = y[phase].mean()
            chi2, df = chi2 + ((y[phase] - mean) ** 2 / mean).sum(), df + phase.sum() - 1
        a, b, t1, t0 = y[AFTER].sum(), y[~AFTER].sum(), t[AFTER].sum(), t[~AFTER].sum()
        top, bottom = top + a * t0 / (t1 + t0), bottom + b * t1 / (t1 + t0)
        inside += (a + b) * t1 * t0 / (t1 + t0) ** 2
    assert chi2 / df > 2
    half = stats.t.ppf(0.975, df) * math.sqrt(chi2 / df * inside / (top * bottom))
    assert found.interval is not None
    assert found.interval.high == pytest.approx(top / bottom * math.exp(half))


def test_interval_and_pvalue_are_one_procedure() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        tables, before, after = two_periods("rate", [tuple(rng.integers(1, 60, 4).astype(float)) for _ in range(3)])
        for confidence in (0.8, 0.95):
            found = stratified(tables, before, after, confidence)
            assert found is not None
            c = found.comparison
            assert (c.pvalue < 1 - confidence) == (1.0 not in c.interval)


# -- the check --
def old_and_new(new_before: float, new_after: float, effect: float = 1.0, noise: int = 3) -> Case:
    """Old units fail five times as often; the share of new ones changes."""
    rng = np.random.default_rng(noise)
    share = np.where(AFTER, new_after, new_before)
    t_new, t_old = 1000.0 * share, 1000.0 * (1 - share)
    ratio = np.where(AFTER, effect, 1.0)
    return rates({"old": (rng.poisson(0.10 * t_old * ratio), t_old), "new": (rng.poisson(0.02 * t_new * ratio), t_new)})


def judged(c: Case) -> tuple[Any, Any, bool]:
    return mix_check(c, c.before, compare_totals(c.data, c.after, c.before, 0.95))


def test_an_improvement_that_is_only_the_mix_is_in_doubt() -> None:
    c = old_and_new(0.2, 0.8)
    crude = compare_totals(c.data, c.after, c.before, 0.95)
    assert crude.interval.high < 0.6
    check, items, doubt = judged(c)
    assert (check.key, check.status, check.warning, doubt) == ("vanished", "warn", "W-SIMPSON", True)
    assert items[0].code == "mix_adjusted"
    assert items[0].interval is not None
    assert items[0].interval.low < 1.0 < items[0].interval.high
    assert "辛普森" not in check_text(check, "zh")["consequence"]


def test_a_real_improvement_stands() -> None:
    check, _, doubt = judged(old_and_new(0.2, 0.8, effect=0.6))
    assert (check.key, doubt) == ("moved", False)
    check, _, doubt = judged(old_and_new(0.4, 0.4, effect=0.6))
    assert (check.key, check.status, doubt) == ("same", "pass", False)


def test_signs_that_differ_are_simpsons() -> None:
    check, _, doubt = judged(old_and_new(0.2, 0.8, effect=1.4))
    assert (check.key, doubt) == ("vanished", True)  # it looked like an improvement
    check, _, doubt = judged(old_and_new(0.8, 0.2, effect=0.6))
    assert (check.key, check.warning, doubt) == ("reversed", "W-SIMPSON", False)


def test_size_with_a_mix_that_moves_and_no_effect() -> None:
    left = sum(not judged(old_and_new(0.3, 0.6, noise=seed))[2] for seed in range(100))
    assert left <= 8  # 2.5 % one-sided, and its chance


def test_power_is_not_lost_where_the_mix_stays() -> None:
    lost = sum(judged(old_and_new(0.4, 0.4, effect=0.75, noise=seed))[2] for seed in range(60))
    assert lost == 0


def test_strata_that_do_not_agree_are_shown() -> None:
    strata = [(240.0, 100.0, 720.0, 100.0), (720.0, 100.0, 360.0, 100.0), (50.0, 80.0, 60.0, 90.0)]
    found = stratified(*two_periods("rate", strata), confidence=0.95)
    assert found is not None
    logs = [math.log((a / t1) / (b / t0)) for a, t1, b, t0 in strata]
    weights = [1 / (1 / a + 1 / b) for a, _, b, _ in strata]
    mean = np.average(logs, weights=weights)
    q = sum(w * (x - mean) ** 2 for w, x in zip(weights, logs, strict=True))
    assert found.homogeneity == pytest.approx(stats.chi2.sf(q, 2))
    alike = stratified(*two_periods("rate", [(30.0, 100.0, 60.0, 100.0)] * 2), confidence=0.95)
    assert alike is not None
    assert alike.homogeneity == pytest.approx(1.0)


def test_no_column_no_check() -> None:
    log = pd.DataFrame({"date": MONTHS, "n": 9.0, "units": 100.0})
    assert judged(case(log, log, {"stratum": None})) == (None, (), False)


def test_what_cannot_be_adjusted_is_said() -> None:
    log = pd.DataFrame({"date": MONTHS, "n": 9.0, "units": 100.0, "age": "old"})
    assert judged(case(log, "constant"))[0].key == "no_exposure"
    other = log.assign(age=np.where(AFTER, "new", "old"))
    assert judged(case(other, other))[0].key == "unmatched"
    none = log.assign(n=0.0)
    c = case(none, none)
    assert mix_check(c, c.before, None)[0].key == "empty"  # type: ignore[union-attr]


def test_means_by_stratum() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for month, after in zip(MONTHS, AFTER, strict=True):
        for age, n, level in (("old", 40 if after else 160, 5.0), ("new", 160 if after else 40, 3.0)):
            rows.append(pd.DataFrame({"date": month, "age": age, "value": rng.normal(level, 1.0, n)}))
    log = pd.concat(rows, ignore_index=True)
    metric = Metric("effort", "mean", better="lower")
    c = case(log, None, {"events": None, "values": "value"}, metric=metric, target_difference=0.5)
    check, items, doubt = judged(c)
    assert (check.key, doubt) == ("vanished", True)
    late = log["date"] >= "2024-01-01"
    top = bottom = 0.0
    for age in ("old", "new"):
        x, y = (log["value"][(log["age"] == age) & m] for m in (late, ~late))
        groups = [log[(log["age"] == age) & m].groupby("date")["value"] for m in (late, ~late)]
        v = [sum(((g - g.mean()) ** 2).sum() for _, g in by) / (sum(len(g) - 1 for _, g in by)) for by in groups]
        variance = v[0] / x.size + v[1] / y.size
        top, bottom = top + (x.mean() - y.mean()) / variance, bottom + 1 / variance
    assert items[0].estimate == pytest.approx(top / bottom)
