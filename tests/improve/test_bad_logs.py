"""Logs and exposure tables as they come: each defect is refused by name, or counted by a check; none is silent.

The expected counts are those of the defects that each test puts in.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qstats import DataError, Guardrail, LogColumns, Metric, Verdict, VerificationPlan, verify_improvement, write_report
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.gaps import silent_periods
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.sources import Source

MONTHS = pd.date_range("2023-01-01", periods=24, freq="MS")
COUNTS = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29, 14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13]
VOLUME = LogColumns(exposure="units")
COUNTED = LogColumns(events="n", exposure="units")
FULL = LogColumns(id="id", received="received", exposure="units")
DRAWN = "2025-01-31"
SCORES = Metric("score", "mean", better="lower")


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


def counted() -> pd.DataFrame:
    return pd.DataFrame({"date": MONTHS, "n": np.asarray(COUNTS, dtype=float)})


def orders(units: Any = 1000.0) -> pd.DataFrame:
    return pd.DataFrame({"date": MONTHS, "units": units})


def log() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = sum(COUNTS)
    date = pd.Series(np.repeat(MONTHS, COUNTS) + pd.to_timedelta(rng.integers(0, 28, n), unit="D"))
    return pd.DataFrame(
        {"id": np.arange(n), "date": date, "received": date + pd.to_timedelta(rng.integers(0, 10, n), unit="D")}
    )


def judged(data: Any = None, exposure: Any = None, columns: LogColumns = VOLUME, **more: Any) -> Verdict:
    changes = {k: more.pop(k) for k in list(more) if k in VerificationPlan.__dataclass_fields__}
    data, exposure = log() if data is None else data, orders() if exposure is None else exposure
    v = verify_improvement(plan(**changes), data, exposure=exposure, columns=columns, **more)
    assert json.loads(v.to_json())["state"] == v.state  # no NaN reaches the JSON
    assert v.sentence("zh")
    return v


def sanity(v: Verdict) -> tuple[str, str]:
    check = next(c for c in v.checks if c.code == "sanity")
    return check.status, check.value


def test_the_clean_log_is_clean() -> None:
    v = judged(columns=FULL, data_date=DRAWN)
    assert (v.state, *sanity(v)) == ("effective", "pass", "540 complaints read, no defect found")


# -- gaps --
def test_a_month_missing_in_the_exposure_blocks() -> None:
    v = judged(exposure=orders().drop(index=4))
    assert (v.state, v.reason) == ("inconclusive", "sanity")
    assert "1 periods without exposure" in sanity(v)[1]


@pytest.mark.parametrize(
    ("first", "last", "gaps"),
    [("2023-05-01", "2023-05-31", 1), ("2024-05-01", "2024-07-31", 3), ("2024-04-01", "2024-12-31", 9),
     ("2024-01-01", "2024-12-31", 12)],
)  # fmt: skip
@pytest.mark.parametrize("rows", [True, False])
def test_months_missing_in_the_log_are_no_zeros(first: str, last: str, gaps: int, rows: bool) -> None:
    data = log() if rows else counted()
    v = judged(data[~data["date"].between(first, last)], columns=VOLUME if rows else COUNTED)
    assert (v.state, v.reason) == ("inconclusive", "sanity")
    assert f"{gaps} periods without any row in the log" in sanity(v)[1]
    assert v.primary is None
    assert v.crude is not None
    assert v.crude.pvalue < 1.0  # what the bare comparison says stays on show


def test_zeros_that_were_entered_are_zeros() -> None:
    data = counted()
    data.loc[12:, "n"] = 0.0
    v = judged(data, columns=COUNTED)
    assert sanity(v) == ("pass", "364 complaints read, no defect found")
    assert v.state == "effective"


def test_other_categories_show_that_the_log_went_on() -> None:
    late = log().assign(kind="late")
    other = pd.DataFrame({"date": np.repeat(MONTHS, 20), "kind": "torn"})
    both = pd.concat([late[late["date"] < "2024-01-01"], other])
    columns = LogColumns(category="kind", exposure="units")
    v = judged(both, columns=columns, category="late")
    assert sanity(v)[0] == "pass"
    assert v.state == "effective"
    stopped = judged(both[both["date"] < "2024-01-01"], columns=columns, category="late")
    assert "12 periods without any row" in sanity(stopped)[1]


def test_rare_complaints_may_stay_out() -> None:
    data = counted().assign(n=0.0)
    data.loc[:11, "n"] = [1, 0, 2, 1, 0, 1, 0, 3, 1, 0, 1, 2]
    v = judged(data[data["n"] > 0], columns=COUNTED)
    assert sanity(v)[0] == "pass"


def silence_found(rng: np.random.Generator, period: str, draw: Any) -> int:
    days = pd.date_range("2022-01-01", "2024-12-31")
    n = np.asarray(draw(rng, days), dtype=int)
    data = pd.DataFrame({"date": days.repeat(n)})
    p = plan(period=period, baseline=("2022-01-01", "2023-12-31"))
    source = Source(data, "constant", LogColumns())
    periods, read = period_table(p, source, None, None)
    return silent_periods(Case(p, periods, read, source, np.datetime64("2025-01-31")))


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_ordinary_silence_is_no_gap(period: str) -> None:
    """Closed weekends, a holiday of a week, a dead season, bursts: none is called a gap."""

    def business(rng: np.random.Generator, days: pd.DatetimeIndex) -> Any:
        holiday = (days.month == 10) & (days.day <= 7)
        return rng.poisson(4.0, days.size) * (days.day_of_week < 5) * ~holiday

    def season(rng: np.random.Generator, days: pd.DatetimeIndex) -> Any:
        return rng.poisson(np.maximum(0.0, 4.0 * np.sin(2 * np.pi * days.day_of_year / 365.25)))

    def bursts(rng: np.random.Generator, days: pd.DatetimeIndex) -> Any:
        return (rng.random(days.size) < 0.02) * rng.poisson(30.0, days.size)

    rng = np.random.default_rng(7)
    found = [silence_found(rng, period, draw) > 0 for draw in (business, season, bursts) for _ in range(15)]
    assert sum(found) == 0


@pytest.mark.parametrize(("period", "gaps"), [("day", (28, 62)), ("week", (4, 8)), ("month", (2, 2))])
def test_two_silent_months_are_found_at_every_period(period: str, gaps: tuple[int, int]) -> None:
    def holed(rng: np.random.Generator, days: pd.DatetimeIndex) -> Any:
        return rng.poisson(3.0, days.size) * ~((days >= "2024-05-01") & (days <= "2024-06-30"))

    assert gaps[0] <= silence_found(np.random.default_rng(2), period, holed) <= gaps[1]


# -- dates --
@pytest.mark.parametrize(("n", "status"), [(3, "warn"), (60, "fail")])
@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2031-05-07", "dated in the future"),
        ("1970-01-01", "dated as programs do"),
        ("1900-01-01", "dated as programs do"),
        (None, "without a date"),
    ],
)
def test_days_that_are_none(n: int, status: str, day: str | None, says: str) -> None:
    data = log()
    data.loc[np.arange(n) * 9, "date"] = pd.Timestamp(day) if day else pd.NaT
    v = judged(data, data_date=DRAWN)
    assert sanity(v)[0] == status
    assert sanity(v)[1].startswith(f"540 complaints read, {n} {says}")
    assert sanity(v)[1].count(",") == 1
    assert (v.reason == "sanity") == (status == "fail")


def test_swapped_day_and_month_block() -> None:
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2023-01-01", "2024-12-31")
    date = pd.Series(days.repeat(rng.poisson(np.where(days < "2024-01-01", 6.0, 3.0))))
    clean = judged(pd.DataFrame({"date": date}))
    assert sanity(clean)[0] == "pass"
    swap = [pd.Timestamp(d.year, d.day, d.month) if d.day <= 12 else d for d in date]
    v = judged(pd.DataFrame({"date": swap}))
    moved = sum(d.day <= 12 and d.day != d.month for d in swap)
    assert (v.state, v.reason) == ("inconclusive", "sanity")
    assert f"{moved} with day and month swapped" in sanity(v)[1]


def test_events_after_their_receipt() -> None:
    data = log()
    data.loc[:3, "received"] = data["date"] - pd.Timedelta(days=2)
    assert sanity(judged(data, columns=FULL, data_date=DRAWN)) == (
        "warn",
        "540 complaints read, 4 dated after receipt",
    )
    data["received"] = data["date"] - pd.Timedelta(days=2)
    v = judged(data, columns=FULL, data_date=DRAWN)
    assert sanity(v) == ("fail", "540 complaints read, 540 dated after receipt")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_times_with_a_zone_keep_their_own_day(zone: str) -> None:
    data = log()
    late = data["date"] + pd.Timedelta(hours=23, minutes=30)
    v = judged(pd.DataFrame({"date": late.dt.tz_localize(zone)}))
    assert v.events.tolist() == COUNTS
    assert sanity(v)[0] == "pass"


@pytest.mark.parametrize(
    ("form", "says"),
    [("%d/%m/%Y", "no date; dates such as 2023-01-05"), ("%m-%d", "no date"), ("tomorrow", "'tomorrow'")],
)
def test_text_that_is_no_date_is_refused(form: str, says: str) -> None:
    data = log()
    data["date"] = data["date"].dt.strftime(form)
    with pytest.raises(DataError, match=rf"'date'.*{says}"):
        judged(data)


def test_numbers_are_no_dates() -> None:
    with pytest.raises(DataError, match=r"'date'.*45000"):
        judged(log().assign(date=45000))


@pytest.mark.parametrize(
    ("action", "baseline", "horizon", "periods"),
    [
        ("2019-01-01", ("2018-01-01", "2018-12-31"), "2019-12-31", "0 periods before, 0 after"),
        ("2027-01-01", ("2026-01-01", "2026-12-31"), "2027-12-31", "0 periods before, 0 after"),
        ("2025-01-01", ("2023-01-01", "2024-12-31"), "2025-12-31", "24 periods before, 0 after"),
    ],
)
def test_an_action_outside_the_data(action: str, baseline: Any, horizon: str, periods: str) -> None:
    v = judged(action_date=action, baseline=baseline, horizon=horizon)
    assert (v.state, v.reason, v.primary) == ("inconclusive", "phases", None)
    assert next(c for c in v.checks if c.code == "phases").value == periods


# -- looking early, where no table of volume shows it --
@pytest.mark.parametrize("data_date", [None, "2024-10-20"])
def test_constant_volume_does_not_reach_beyond_the_data(data_date: str | None) -> None:
    data = log()
    v = judged(data[data["date"] < "2024-10-20"], "constant", LogColumns(), data_date=data_date, season="none")
    assert v.state == "inconclusive"
    assert "W-PEEK" in v.warnings or v.reason == "sanity"


def test_rare_complaints_without_a_day_of_drawing_have_no_horizon() -> None:
    rare = pd.DataFrame({"date": pd.date_range("2023-01-15", "2023-12-31", freq="MS")})
    assert judged(rare, "constant", LogColumns()).reason == "horizon"  # nobody said the log was still kept
    assert judged(rare, "constant", LogColumns(), data_date=DRAWN).reason != "horizon"


def test_a_month_that_is_not_over_is_too_early() -> None:
    data = log()
    v = judged(data[data["date"] < "2024-12-10"], data_date="2024-12-09")
    assert (v.state, v.reason) == ("inconclusive", "horizon")
    check = next(c for c in v.checks if c.code == "horizon")
    assert check.value == "data end 2024-12-09"


# -- rows --
@pytest.mark.parametrize(("n", "status"), [(3, "warn"), (30, "fail")])
def test_tickets_that_came_twice(n: int, status: str) -> None:
    data = pd.concat([log(), log().iloc[:n]])
    v = judged(data, columns=FULL, data_date=DRAWN)
    assert sanity(v) == (status, f"{540 + n} complaints read, {n} with an identifier seen before")


@pytest.mark.parametrize("exposure", [None, "constant"])
def test_an_empty_log_is_no_success(exposure: Any) -> None:
    for data in (log().iloc[:0], pd.DataFrame({"date": []})):
        v = judged(data, exposure)
        assert (v.state, v.reason) == ("inconclusive", "sanity")
        assert "no row in the log" in sanity(v)[1]


def test_one_row_is_no_success() -> None:
    assert judged(log().iloc[:1]).state == "inconclusive"


def test_all_zero_is_no_information() -> None:
    v = judged(counted().assign(n=0.0), columns=COUNTED)
    assert (v.state, v.reason, v.primary) == ("inconclusive", "no_information", v.primary)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (np.nan, "complaints: n has a negative or missing"),
        (np.inf, "complaints: n has a negative or missing or infinite"),
        (-1.0, "complaints: n has a negative"),
        (2.5, r"complaints: n adds up to 2\.5"),
        ("many", "column 'n'.*text .'many' at position 3"),
        (None, "negative or missing"),
    ],
)
def test_counts_that_are_none(value: Any, says: str) -> None:
    data = counted().astype({"n": object if isinstance(value, str) else float})
    data.loc[3, "n"] = value
    with pytest.raises(DataError, match=says):
        judged(data, columns=COUNTED)


def test_counts_as_text() -> None:
    with pytest.raises(DataError, match=r"column 'n'.*numbers are wanted"):
        judged(counted().assign(n="7"), columns=COUNTED)


# -- exposure --
@pytest.mark.parametrize("value", [np.nan, np.inf, -5.0, None])
def test_exposure_that_is_none(value: Any) -> None:
    with pytest.raises(DataError, match="exposure: units has a negative or missing or infinite value"):
        judged(exposure=orders([1000.0] * 5 + [value] + [1000.0] * 18))


def test_exposure_as_text() -> None:
    with pytest.raises(DataError, match=r"column 'units'.*numbers are wanted"):
        judged(exposure=orders("1000"))


def test_exposure_without_a_date_is_told() -> None:
    days = pd.DataFrame({"date": pd.date_range("2023-01-01", "2024-12-31"), "units": 30.0})
    some = days.copy()
    some.loc[[5, 400], "date"] = pd.NaT
    assert sanity(judged(exposure=some)) == ("warn", "540 complaints read, 60 of exposure without a date")
    many = days.copy()
    many.loc[::20, "date"] = pd.NaT
    v = judged(exposure=many)
    assert (v.reason, sanity(v)[1]) == (
        "sanity",
        f"540 complaints read, {30 * len(days[::20]):g} of exposure without a date",
    )


def test_exposure_that_stands_twice_is_told() -> None:
    days = pd.DataFrame({"date": pd.date_range("2023-01-01", "2024-12-31"), "units": 30.0})
    twice = pd.concat([days, days.iloc[40:50]])
    assert sanity(judged(exposure=twice)) == (
        "warn",
        "540 complaints read, 10 days with a second row of exposure, added up",
    )
    plants = pd.concat([days, days.assign(units=12.0), days.iloc[::2]])  # several rows a day are how this table is
    assert sanity(judged(exposure=plants))[0] == "pass"


def test_no_exposure_at_all() -> None:
    for empty in (orders().iloc[:0], orders(0.0)):
        v = judged(exposure=empty)
        assert (v.state, v.reason) == ("inconclusive", "phases")
    with pytest.raises(DataError, match="exposure: missing"):
        verify_improvement(plan(), log())


# -- columns --
@pytest.mark.parametrize(
    "what", ["date", "events", "category", "id", "received", "unit", "stratum", "channel", "exposure", "exposure_date"]
)
def test_columns_that_are_not_there_are_named(what: str) -> None:
    columns = LogColumns(**{"exposure": "units", what: "nowhere"})
    with pytest.raises(DataError, match="'nowhere' is not in the data"):
        judged(columns=columns)


@pytest.mark.parametrize(
    ("metric", "columns", "says"),
    [
        (Metric("late", "sla", within="72h"), LogColumns(closed="nowhere"), "'nowhere' is not in the data"),
        (Metric("late", "sla", within="72h"), LogColumns(), "closed is not named"),
        (Metric("days", "time"), LogColumns(), "values is not named"),
        (Metric("days", "time"), LogColumns(values="nowhere"), "'nowhere' is not in the data"),
        (Metric("days", "time"), LogColumns(values="kind"), "kind: numbers are wanted"),
        (Metric("days", "time"), LogColumns(values="id"), "times above zero"),
    ],
)
def test_columns_of_cases_are_named(metric: Metric, columns: LogColumns, says: str) -> None:
    with pytest.raises(DataError, match=says):
        verify_improvement(plan(metric=metric), log().assign(kind="a"), columns=columns, data_date=DRAWN)


@pytest.mark.parametrize("kind", ["mean", "ces"])
def test_infinite_values_are_named(kind: str) -> None:
    with pytest.raises(DataError, match=r"v: .*inf"):
        verify_improvement(
            plan(metric=Metric("effort", kind, better="lower"), target_difference=1.0),
            log().assign(v=np.inf),
            columns=LogColumns(values="v"),
        )


def test_cases_without_a_value_are_counted() -> None:
    p = plan(metric=SCORES, target_difference=1.0)
    none = verify_improvement(p, log().assign(v=np.nan), columns=LogColumns(values="v"))
    assert (none.state, none.reason) == ("inconclusive", "phases")
    assert "540 without a value" in sanity(none)[1]
    far = 1e12 + np.random.default_rng(2).normal(size=540)
    v = verify_improvement(p, log().assign(v=far), columns=LogColumns(values="v"))
    assert v.primary is not None
    assert 0.0 < v.primary.interval.high - v.primary.interval.low < 1.0  # the offset cancels nothing


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"columns": {"events": "n"}}, "columns: got a dict; LogColumns"),
        ({"data_date": "yesterday"}, "data_date: got 'yesterday'"),
        ({"exposure": "steady"}, "'constant' to declare"),
        ({"exposure": 7}, "exposure: got a int"),
    ],
)
def test_arguments_that_are_none(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        verify_improvement(plan(), log(), **{"exposure": orders(), "columns": VOLUME, **change})


@pytest.mark.parametrize("data", [None, {"date": ["2023-01-01"]}, [1, 2], "log.csv", np.zeros(3)])
def test_a_log_that_is_no_table(data: Any) -> None:
    with pytest.raises(DataError, match="complaints: got a"):
        verify_improvement(plan(), data, exposure=orders(), columns=VOLUME)


# -- names --
@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("=1+1", "=2"),
        ("<script>alert(1)</script>", "<b>"),
        ("迟到", "破损"),
        ("late", ""),
        ("{0}", "%s"),
        ("a\nb", "c"),
    ],
)
def test_any_text_is_a_category(kind: str, other: str, tmp_path: Any) -> None:
    rows = log().iloc[::2].assign(kind=kind)
    both = pd.concat([rows, log().iloc[1::2].assign(kind=other)])
    v = judged(both, columns=LogColumns(category="kind", exposure="units"), category=kind)
    wanted = Counter(rows["date"].dt.strftime("%Y-%m-01"))
    assert v.events.tolist() == [wanted[p] for p in v.periods]
    path = tmp_path / "report.html"
    write_report(v, path)
    page = path.read_text(encoding="utf-8")
    assert "<script>alert" not in page
    table = v.to_frame().to_csv(index=False)
    assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(table)) for cell in row)


def test_numbers_as_categories_are_found() -> None:
    rows = log().assign(kind=1 + np.arange(540) % 2)
    v = judged(rows, columns=LogColumns(category="kind", exposure="units"), category="2")
    assert v.events.sum() == 270.0
    with pytest.raises(DataError, match="no complaint has category '3'"):
        judged(rows, columns=LogColumns(category="kind", exposure="units"), category="3")


def test_chinese_columns() -> None:
    data = log().rename(columns={"date": "投诉日期", "id": "编号", "received": "受理日"}).assign(类别="迟到")
    columns = LogColumns(
        date="投诉日期", id="编号", received="受理日", category="类别", exposure_date="月份", exposure="订单"
    )
    v = judged(data, orders().set_axis(["月份", "订单"], axis=1), columns, category="迟到", data_date=DRAWN)
    assert (v.state, v.events.tolist()) == ("effective", COUNTS)


# -- engines --
def _polars(data: pd.DataFrame) -> Any:
    return pytest.importorskip("polars").from_pandas(data)


def _lazy(data: pd.DataFrame) -> Any:
    return _polars(data).lazy()


def _arrow(data: pd.DataFrame) -> Any:
    return pytest.importorskip("pyarrow").Table.from_pandas(data, preserve_index=False)


def _duckdb(data: pd.DataFrame) -> Any:
    return pytest.importorskip("duckdb").from_df(data)


@pytest.mark.parametrize("engine", [_polars, _lazy, _arrow, _duckdb])
def test_every_engine_tells_the_same(engine: Any) -> None:
    dirty = pd.concat([log(), log().iloc[:3]]).reset_index(drop=True)
    dirty.loc[10, "received"] = dirty.loc[10, "date"] - pd.Timedelta(days=1)
    dirty.loc[11, "date"] = pd.NaT
    dirty = dirty[~dirty["date"].between("2024-05-01", "2024-05-31")]
    wanted = judged(dirty, columns=FULL, data_date=DRAWN)
    assert "1 periods without any row" in sanity(wanted)[1]
    got = judged(engine(dirty), engine(orders()), FULL, data_date=DRAWN)
    assert got.to_json() == wanted.to_json()
    with pytest.raises(DataError, match="'nowhere' is not in the data"):
        judged(engine(dirty), engine(orders()), LogColumns(exposure="units", channel="nowhere"))
    with pytest.raises(DataError, match="numbers are wanted"):
        judged(engine(counted().assign(n="7")), engine(orders()), COUNTED)
    assert "no row in the log" in sanity(judged(engine(log().iloc[:0]), columns=VOLUME))[1]


# -- the tables of guardrails and surveys --
GUARDED: dict[str, Any] = {
    "guardrails": [Guardrail("packing time", "time", margin_rr=1.1), Guardrail("late", "rate", margin_rr=1.5)],
    "secondary": [Metric("NPS", "nps")],
}
HERE = log()[["date"]].assign(value=np.random.default_rng(3).lognormal(1.0, 0.4, 540))


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ([1], "guardrail_data: got a list"),
        (HERE, "guardrail_data: got a DataFrame; a dict from the name"),
        ({"packing": HERE}, "'packing' is not in the plan"),
        ({"packing time": None}, "packing time: got a NoneType"),
        ({"packing time": {}}, "entry 'log' is missing"),
        ({"packing time": {"log": HERE, "column": 1}}, "unknown entry 'column'"),
        ({"packing time": {"log": HERE, "columns": {"values": "value"}}}, "columns is a dict; LogColumns"),
        ({"packing time": HERE[["date"]]}, "'value' is not in the data"),
        ({"packing time": HERE[["value"]]}, "'date' is not in the data"),
        ({"packing time": HERE.assign(value="long")}, r"packing time\.value: numbers are wanted"),
        ({"packing time": HERE.assign(value=0.0)}, "times above zero"),
        ({"packing time": HERE.assign(value=np.inf)}, "an infinite value came for 'packing time'"),
        ({"packing time": {"log": HERE, "exposure": orders()}}, "leave exposure out"),
        ({"late": HERE}, r"late\.value: .* whole numbers"),
        ({"late": {"log": log(), "columns": LogColumns()}}, "exposure: missing for 'late'"),
    ],
)
def test_bad_tables_of_guardrails_are_named(tables: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        judged(guardrail_data=tables, **GUARDED)


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"CSAT": HERE}, "survey: 'CSAT' is not in the plan"),
        ({"NPS": HERE}, r"NPS\.value: .* came for 'NPS'"),
        ({"NPS": HERE.assign(value=11)}, "11 came for 'NPS'"),
        ({"NPS": HERE.assign(value="8")}, r"NPS\.value: text came"),
    ],
)
def test_bad_surveys_are_named(tables: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        judged(survey=tables, **GUARDED)


@pytest.mark.parametrize(
    "rows",
    [
        HERE.iloc[:0],
        HERE.assign(value=np.nan),
        HERE.assign(date=pd.NaT),
        HERE.assign(date=HERE["date"] + pd.Timedelta(days=3650)),
        HERE[HERE["date"] < "2024-01-01"],
        pd.DataFrame({"date": [], "value": []}),
    ],
    ids=["empty", "no values", "no dates", "other years", "only before", "empty without types"],
)
def test_a_guardrail_without_data_is_not_assessed_and_no_success(rows: pd.DataFrame) -> None:
    late = {"log": log(), "exposure": "constant", "columns": LogColumns()}
    v = judged(guardrail_data={"packing time": rows, "late": late}, **GUARDED)
    assert {g.name: g.state for g in v.guardrails} == {"packing time": "not assessed", "late": "pass"}
    assert (v.state, v.reason) == ("inconclusive", "safety_not_shown")
    assert [s.state for s in v.secondary] == ["not assessed"]


def test_a_plan_edited_after_the_data_came() -> None:
    import dataclasses

    edited = dataclasses.replace(plan(), target_rr=0.95)
    v = verify_improvement(edited, log(), exposure=orders(), columns=VOLUME)
    assert "W-POSTHOC" in v.warnings
    assert v.grade in ("C", "D")
    assert "Exploratory" in v.sentence()
