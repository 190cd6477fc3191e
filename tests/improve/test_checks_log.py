"""Drift of definitions, channels and units (2), and what other categories did meanwhile."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qstats import LogColumns, Metric, VerificationPlan, compare_rates, ratio_of_rate_ratios
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.definition import definition_check, stopped_recording
from qstats.improve.verify.checks.keyed import MISSING, by_key, composition_shift, f_sf
from qstats.improve.verify.evidence_categories import placebo_categories
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.phrases_evidence_more import EVIDENCE_MORE
from qstats.improve.verify.phrases_findings_more import FINDINGS_MORE
from qstats.improve.verify.sources import Source
from qstats.improve.verify.words import check_text, evidence_words

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


def case(log: pd.DataFrame, exposure: Any = "constant", columns: Any = None, **changes: Any) -> Case:
    names = {"events": "n", **(columns or {})}
    source, made = Source(log, exposure, LogColumns(**names)), plan(**changes)
    data, read = period_table(made, source, None, None)
    return Case(made, data, read, source, np.datetime64("2025-01-01"))


def counts(key: str, rows: dict[Any, Any]) -> pd.DataFrame:
    """Monthly counts by name."""
    parts = [pd.DataFrame({"date": MONTHS, key: name, "n": np.asarray(n, dtype=float)}) for name, n in rows.items()]
    return pd.concat(parts, ignore_index=True)


def fall(rng: np.random.Generator, mean: float, ratio: float = 1.0) -> Any:
    return rng.poisson(np.where(AFTER, mean * ratio, mean))


# -- the chi-square --
def test_f_tail_is_scipys() -> None:
    for x, a, b in ((3.0, 4.0, 44.0), (0.2, 1.0, 7.0), (25.0, 6.0, 30.0)):
        assert f_sf(x, a, b) == pytest.approx(stats.f.sf(x, a, b), rel=1e-12)


def test_without_scatter_it_is_pearsons_chi_square() -> None:
    table = np.array([[30.0, 10.0], [50.0, 60.0], [20.0, 30.0]])
    shift = composition_shift(table, np.array([True, False]), np.array([False, True]))
    wanted = stats.chi2_contingency(table, correction=False)
    assert shift is not None
    assert shift.chi2 == pytest.approx(wanted.statistic)
    assert shift.pvalue == pytest.approx(wanted.pvalue)
    assert shift.v == pytest.approx(stats.contingency.association(table.astype(int), method="cramer"))


def test_scatter_of_the_shares_is_allowed_for() -> None:
    rng = np.random.default_rng(5)
    before, after = np.arange(24) < 12, np.arange(24) >= 12
    share = rng.beta(3, 3, 24)
    table = np.array([np.round(100 * share), 100 - np.round(100 * share)])
    shift = composition_shift(table, before, after)
    assert shift is not None
    chi2, df = 0.0, 0
    for phase in (before, after):
        part = stats.chi2_contingency(table[:, phase], correction=False)
        chi2, df = chi2 + part.statistic, df + part.dof
    assert shift.phi == pytest.approx(chi2 / df)
    assert shift.pvalue == pytest.approx(stats.f.sf(shift.chi2 / shift.phi, 1, df))


def test_rows_are_counted_by_name_and_month() -> None:
    log = counts("kind", {"late": np.arange(24), None: np.ones(24)})
    c = case(log, columns={"category": "kind"})
    rows = by_key(c.read.log, "category", c.edges)
    assert rows.names == ("late", MISSING)
    assert rows.amount[0, :24].tolist() == list(range(24))
    assert rows.size[1, :24].tolist() == [1.0] * 24


# -- the counting stops --
def offices(after: float, late: Any = None, **changes: Any) -> Case:
    rng = np.random.default_rng(2)
    rows = {name: fall(rng, 30.0, 0.8) for name in "ABCD"}
    rows["E"] = np.where(AFTER, after, rng.poisson(10.0, 24)) if late is None else late
    return case(counts("office", rows), columns={"unit": "office"}, **changes)


def test_an_office_that_stops_recording_blocks() -> None:
    check = definition_check(offices(0.0))
    assert (check.status, check.key, check.warning) == ("fail", "stopped", "W-DEF")
    assert check.value.startswith("1 stopped being recorded: E (")


def test_an_office_that_stops_in_summer_is_dated() -> None:
    rng = np.random.default_rng(3)
    found, taken = stopped_recording(offices(0.0, late=np.where(np.arange(24) < 17, rng.poisson(20.0, 24), 0)))
    assert [(s.name, s.since) for s in found] == [("E", "2024-06-01")]
    assert not taken


def test_a_fall_shared_by_all_is_no_stop() -> None:
    rng = np.random.default_rng(4)
    rows = {name: fall(rng, 3.0, 0.05) for name in "ABCDE"}
    assert stopped_recording(case(counts("office", rows), columns={"unit": "office"})) == ([], False)
    nothing = {name: np.where(AFTER, 0, rng.poisson(30.0, 24)) for name in "ABC"}
    assert stopped_recording(case(counts("office", nothing), columns={"unit": "office"})) == ([], False)


def test_what_fades_is_no_stop() -> None:
    fading = np.round(60 * np.exp(-0.25 * np.arange(24)))
    assert stopped_recording(offices(0.0, late=fading))[0] == []


def test_an_office_that_closed_is_no_stop() -> None:
    rng = np.random.default_rng(2)
    rows = {name: rng.poisson(30.0, 24) for name in "AB"} | {"C": np.where(AFTER, 0, 20)}
    log = counts("office", rows)
    volume = log.assign(units=np.where((log["office"] == "C") & (log["date"] >= "2024-01-01"), 0.0, 1000.0))
    c = case(log, volume, {"unit": "office", "exposure": "units"})
    assert stopped_recording(c) == ([], False)


def test_a_target_that_vanishes_is_an_effect_unless_the_rest_stops_too() -> None:
    rng = np.random.default_rng(6)
    parts = []
    for office in "ABC":
        for kind, mean in (("late", 20.0), ("broken", 15.0)):
            n = rng.poisson(mean, 24)
            if office == "C" and kind == "late":
                n = np.where(AFTER, 0, n)
            parts.append(pd.DataFrame({"date": MONTHS, "office": office, "kind": kind, "n": n}))
    log = pd.concat(parts)
    columns = {"unit": "office", "category": "kind"}
    assert definition_check(case(log, columns=columns, category="late")).status == "pass"
    assert definition_check(case(log, columns=columns, category="late", unit="C")).status == "pass"
    dead = log.assign(n=np.where((log["office"] == "C") & (log["date"] >= "2024-01-01"), 0, log["n"]))
    for one in (case(dead, columns=columns, category="late"), case(dead, columns=columns, category="late", unit="C")):
        assert definition_check(one).key == "stopped"


def test_a_channel_taken_over_by_another_is_said_not_blocked() -> None:
    rng = np.random.default_rng(7)
    rows = {
        "phone": np.where(AFTER, 0, rng.poisson(40.0, 24)),
        "web": np.where(AFTER, rng.poisson(75.0, 24), rng.poisson(40.0, 24)),
    }
    check = definition_check(case(counts("way", rows), columns={"channel": "way"}))
    assert (check.status, check.key, check.warning) == ("warn", "taken_over", "W-CHANNEL")
    rows["web"] = rng.poisson(40.0, 24)
    check = definition_check(case(counts("way", rows), columns={"channel": "way"}))
    assert (check.status, check.key, check.warning) == ("fail", "stopped", "W-CHANNEL")


def test_bursts_are_no_stop() -> None:
    late = np.zeros(24)
    late[4] = 40.0  # all of it in one month: a year without says nothing
    assert stopped_recording(offices(0.0, late=late))[0] == []


def test_an_effect_in_all_offices_alike_is_seldom_taken_for_a_stop() -> None:
    rng = np.random.default_rng(11)
    false = 0
    for _ in range(200):
        size = rng.gamma(2.0, 1.5, 12)
        rows = {f"u{i}": fall(rng, m, 0.5) for i, m in enumerate(size)}
        false += bool(stopped_recording(case(counts("office", rows), columns={"unit": "office"}))[0])
    assert false <= 4  # 2 %


# -- shares --
def test_a_category_that_absorbs_the_target_is_named() -> None:
    rng = np.random.default_rng(8)
    rows = {
        "late": fall(rng, 30.0, 0.4),
        "other": fall(rng, 10.0, 2.6),
        "broken": fall(rng, 30.0),
        "wrong": fall(rng, 25.0),
    }
    c = case(counts("kind", rows), columns={"category": "kind"}, category="late")
    check = definition_check(c)
    assert (check.status, check.key, check.warning) == ("warn", "absorbed", "W-DEF")
    assert "other" in check.value
    assert "broken" not in check.value


def test_an_effect_alone_is_no_drift() -> None:
    rng = np.random.default_rng(9)
    rows = {"late": fall(rng, 30.0, 0.3), "broken": fall(rng, 30.0), "wrong": fall(rng, 25.0)}
    check = definition_check(case(counts("kind", rows), columns={"category": "kind"}, category="late"))
    assert (check.status, check.key) == ("pass", "same")


def test_false_alarms_on_shares_are_rare() -> None:
    rng = np.random.default_rng(10)
    alarms = 0
    for _ in range(100):
        rows = {k: fall(rng, m) for k, m in (("late", 20.0), ("a", 15.0), ("b", 10.0), ("other", 5.0))}
        c = case(counts("kind", rows), columns={"category": "kind"}, category="late")
        alarms += definition_check(c).status != "pass"
    assert alarms <= 3


def test_categories_and_channels_that_shift_are_said() -> None:
    rng = np.random.default_rng(12)
    parts = []
    for kind, ratio in (("late", 1.0), ("broken", 3.0), ("wrong", 0.4)):
        for way, other in (("phone", 0.5), ("web", 2.0)):
            n = fall(rng, 20.0, ratio * other)
            parts.append(pd.DataFrame({"date": MONTHS, "kind": kind, "way": way, "n": n}))
    log = pd.concat(parts)
    both = definition_check(case(log, columns={"category": "kind", "channel": "way"}))
    assert (both.key, both.warning, both.status) == ("moved_both", "W-DEF", "warn")
    one = definition_check(case(log, columns={"channel": "way"}))
    assert (one.key, one.warning) == ("moved_channel", "W-CHANNEL")
    assert "phone" in one.value


def test_without_columns_nothing_can_be_told() -> None:
    log = counts("kind", {"late": np.full(24, 9)})
    assert definition_check(case(log)).status == "not possible"


# -- other categories as placebos --
def placebo(seed: int, ratio: float, others: float) -> tuple[tuple[Any, ...], bool | None, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = {"late": fall(rng, 40.0, ratio)} | {f"k{i}": fall(rng, 20.0, others) for i in range(5)}
    c = case(counts("kind", rows), columns={"category": "kind"}, category="late")
    items, specific = placebo_categories(c, c.before)
    return items, specific, rows


def test_a_fall_of_the_target_alone_is_specific() -> None:
    items, specific, rows = placebo(1, 0.5, 1.0)
    assert specific is True
    by_code = {e.code: e for e in items}
    assert by_code["placebo_rank"].estimate == pytest.approx(1 / 6)
    assert [e.title for e in items if e.code == "placebo:k0"] == ["Other category: k0"]
    total = sum(rows[f"k{i}"] for i in range(5))
    pooled = (total[AFTER].sum() / 366) / (total[~AFTER].sum() / 365)
    assert by_code["placebo_pooled"].estimate == pytest.approx(pooled)
    own = (rows["late"][AFTER].sum() / 366) / (rows["late"][~AFTER].sum() / 365)
    assert by_code["placebo_contrast"].estimate == pytest.approx(own / pooled)
    cells = [(float(x[m].sum()), d) for x in (rows["late"], total) for m, d in ((AFTER, 366.0), (~AFTER, 365.0))]
    plain = ratio_of_rate_ratios(*cells)
    contrast = by_code["placebo_contrast"].interval
    assert contrast is not None
    assert contrast.high >= plain.interval.high * (1 - 1e-12)


def test_everything_that_falls_alike_is_not_specific() -> None:
    assert placebo(2, 0.5, 0.5)[1] is False
    assert placebo(3, 1.3, 0.9)[1] is None  # the target did not improve


def test_one_placebo_equals_the_plain_comparison() -> None:
    items, _, rows = placebo(4, 0.5, 1.0)
    one = next(e for e in items if e.code == "placebo:k3")
    y = rows["k3"]
    r = compare_rates(float(y[AFTER].sum()), 366.0, float(y[~AFTER].sum()), 365.0)
    assert one.estimate == pytest.approx(r.estimate)


def test_specific_is_rare_when_the_target_shares_the_fall() -> None:
    claims = [placebo(100 + s, 0.6, 0.6)[1] for s in range(60)]
    assert sum(c is True for c in claims) <= 3


def test_no_category_no_placebo() -> None:
    c = case(counts("kind", {"late": np.full(24, 9)}), columns={"category": "kind"})
    assert placebo_categories(c, c.before) == ((), None)


def test_placebos_of_measured_times() -> None:
    rng = np.random.default_rng(13)
    days = pd.date_range("2023-01-01", "2024-12-31", freq="D").repeat(4)
    kind = np.tile(["late", "a", "b", "c"], days.size // 4)
    shorter = (kind == "late") & (days >= "2024-01-01")
    log = pd.DataFrame({"date": days, "kind": kind, "value": rng.lognormal(np.where(shorter, 1.6, 2.0), 0.5)})
    made = plan(category="late", metric=Metric("time", "time"))
    source = Source(log, None, LogColumns(values="value", category="kind"))
    data, read = period_table(made, source, None, None)
    c = Case(made, data, read, source, np.datetime64("2025-01-01"))
    items, specific = placebo_categories(c, c.before)
    assert specific is True
    logs = np.log(log["value"].to_numpy())
    late = np.asarray(days >= "2024-01-01")
    wanted = math.exp(logs[(kind != "late") & late].mean() - logs[(kind != "late") & ~late].mean())
    assert next(e for e in items if e.code == "placebo_pooled").estimate == pytest.approx(wanted)
    assert definition_check(c).status == "pass"


# -- words --
def test_new_words_are_there_in_both_languages() -> None:
    from string import Formatter

    def gaps(texts: tuple[str, ...]) -> set[str]:
        return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}

    for english, chinese in FINDINGS_MORE.values():
        assert gaps(english) == gaps(chinese)
        assert all("\u4e00" <= ch <= "\u9fff" for ch in chinese[2][:1])
    for code in EVIDENCE_MORE:
        assert evidence_words(f"{code}:x", "zh")[0].endswith("：x")
    check = definition_check(offices(0.0))
    assert "停止记录" in check_text(check, "zh")["value"]
