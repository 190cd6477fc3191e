"""Reading tickets: every engine the same, text, zones, what is missing, impossible or in the future."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats.errors import DataError, TooFewData
from qstats.voice.service.churn import churn
from qstats.voice.service.clock import as_duration, as_moment
from qstats.voice.service.contact import first_contact_resolution
from qstats.voice.service.resolution import resolution_time
from qstats.voice.service.sla import compare_sla, sla_attainment
from qstats.voice.service.tickets import Reading, read_tickets

N = 60
RNG = np.random.default_rng(5)
BASE = dt.datetime(2024, 3, 1, 8)
OPENED = [BASE + dt.timedelta(minutes=int(m)) for m in RNG.integers(0, 60 * 24 * 30, N)]
LASTS = RNG.exponential(30.0, N)
CLOSED = [None if i % 7 == 0 else o + dt.timedelta(minutes=int(60 * h)) for i, (o, h) in enumerate(zip(OPENED, LASTS))]  # noqa: B905
COLUMNS = {"建立时间": OPENED, "关闭时间": CLOSED, "优先级": [("紧急", "一般", "低")[i % 3] for i in range(N)]}
NOW = dt.datetime(2024, 4, 10)
NAMES = {"opened": "建立时间", "closed": "关闭时间"}


def frame(engine):
    if engine == "mapping":
        return COLUMNS
    if engine == "pandas":
        return pd.DataFrame(COLUMNS)
    if engine == "pyarrow":
        return pytest.importorskip("pyarrow").table(COLUMNS)
    if engine == "duckdb":
        return pytest.importorskip("duckdb").from_arrow(pytest.importorskip("pyarrow").table(COLUMNS))
    made = pytest.importorskip("polars").DataFrame(COLUMNS)
    return made.lazy() if engine == "polars-lazy" else made


def naive(closed_only):
    """The definition in a plain loop."""
    times = [(c - o).total_seconds() / 3600 for o, c in zip(OPENED, CLOSED, strict=True) if c is not None and c <= NOW]
    rest = [(NOW - o).total_seconds() / 3600 for o, c in zip(OPENED, CLOSED, strict=True) if c is None or c > NOW]
    return times if closed_only else times + rest


@pytest.mark.parametrize("engine", ["mapping", "pandas", "polars", "polars-lazy", "pyarrow", "duckdb"])
def test_every_engine_reads_the_same(engine):
    r = resolution_time(frame(engine), **NAMES, now=NOW, horizon=48)
    assert (r.n, r.closed, r.waiting) == (N, len(naive(True)), N - len(naive(True)))
    assert r.curve.time == pytest.approx(np.unique(naive(False)))
    assert r.naive[0] == pytest.approx(float(np.median(naive(True))))
    t = sla_attainment(frame(engine), **NAMES, within="24小时", by="优先级", now=NOW)
    assert t.segments == ("一般", "低", "紧急")
    for i, name in enumerate(t.segments):
        rows = [(o, c) for o, c, p in zip(*COLUMNS.values(), strict=True) if p == name]
        due = [(o, c) for o, c in rows if o + dt.timedelta(hours=24) < NOW]
        met = [1 for o, c in due if c is not None and c - o <= dt.timedelta(hours=24)]
        assert (t.n[i], t.count[i]) == (len(due), len(met))


BERLIN = ZoneInfo("Europe/Berlin")
EVE = [dt.datetime(2026, 3, 28, h, 30, tzinfo=dt.UTC) for h in (9, 17)]  # the clock is put forward in the night after
LOG = {"o": EVE, "c": [t + dt.timedelta(hours=24) for t in EVE], "g": ["a", "b"]}
AS_OF = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


def _zoned_tables():
    """The same instants, on the wall of Berlin, in every engine, as Python objects and as plain lists."""
    frame = pd.DataFrame(LOG)
    for name in "oc":
        frame[name] = pd.to_datetime(frame[name]).dt.tz_convert("Europe/Berlin")
    arrow = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    lists = {**{k: [t.astimezone(BERLIN) for t in LOG[k]] for k in "oc"}, "g": LOG["g"]}
    objects = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in lists.items()})
    eager = pytest.importorskip("polars").from_arrow(arrow)
    lake = pytest.importorskip("duckdb").from_arrow(arrow)
    return {
        "pandas": frame, "arrow": arrow, "polars": eager, "lazy": eager.lazy(), "duckdb": lake,
        "mapping": lists, "series": {k: frame[k] for k in frame}, "objects": objects,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["pandas", "arrow", "polars", "lazy", "duckdb", "mapping", "series", "objects"])
def test_instants_with_a_zone_are_24_hours_apart_across_summer_time(kind):
    """By the definition: each closed exactly 24 hours later; the wall clock of Berlin shows 25."""
    table = _zoned_tables()[kind]
    names = {"opened": "o", "closed": "c"}
    met = sla_attainment(table, **names, within="24h", now=AS_OF)
    assert (met.met, met.n) == (2.0, 2.0)
    r = resolution_time(table, **names, now=AS_OF)
    assert r.curve.time.tolist() == [24.0]
    assert "shown-in-utc" in {n.code for n in r.notes} or kind == "duckdb"  # DuckDB has the zone of its session
    lost = churn(table, start="o", end="c", horizon=24, unit="hours", now="2026-04-01 02:00+02:00")
    assert lost.estimate == 1.0 and lost.now == np.datetime64("2026-04-01T00:00")
    seen = first_contact_resolution(table, customer="g", opened="o", now="2026-04-30T00:00Z")
    assert (seen.n, seen.now) == (2.0, np.datetime64("2026-04-30"))


def test_zones_of_now_and_of_the_columns_go_together():
    table, names = _zoned_tables()["pandas"], {"opened": "o", "closed": "c"}
    for now in ("2026-04-01", dt.datetime(2026, 4, 1), dt.date(2026, 4, 1), np.datetime64("2026-04-01")):
        with pytest.raises(DataError, match=r"now: got .* without a time zone, but the columns carry one; add"):
            sla_attainment(table, **names, within="24h", now=now)
        with pytest.raises(DataError, match=r"now: got .* without a time zone"):
            first_contact_resolution(table, customer="g", opened="o", now=now)
    with pytest.raises(DataError, match=r"start: got .* without a time zone"):
        sla_attainment(table, **names, within="24h", now=AS_OF, start="2026-03-01")
    with pytest.raises(DataError, match=r"change: got .* without a time zone"):
        compare_sla(table, **names, within="24h", now=AS_OF, change="2026-03-28 12:00")
    r = compare_sla(table, **names, within="24h", now=AS_OF, change="2026-03-28 13:30+02:00")
    assert r.n == (1, 1)
    naive = pd.DataFrame({k: table[k].dt.tz_localize(None) for k in "oc"})
    assert sla_attainment(naive, **names, within="24h", now="2026-04-01").met == 0.0  # by the wall: 25 hours
    with pytest.raises(DataError, match="the columns have none"):
        sla_attainment(naive, **names, within="24h", now=AS_OF)


def test_columns_of_several_zones():
    at = pd.DataFrame({"o": pd.to_datetime(["2024-01-01 08:00"]), "c": pd.to_datetime(["2024-01-01 10:00"])})
    utc = at.apply(lambda s: s.dt.tz_localize("UTC"))
    names = {"opened": "o", "closed": "c"}
    assert resolution_time(utc, **names).median.estimate == 2.0
    assert not {n.code for n in resolution_time(utc, **names).notes} & {"shown-in-utc", "wall-clock"}
    later = utc.assign(c=at["c"].dt.tz_localize("America/New_York"))  # 15:00 in UTC
    assert resolution_time(later, **names).median.estimate == 7.0
    for naive in (at["c"], pd.Series(["2024-01-02"])):
        with pytest.raises(DataError, match=r"some times carry a time zone and some do not .*closed none"):
            resolution_time(utc.assign(c=naive), **names)
    open_still = utc.assign(c=pd.Series([pd.NaT]))  # without any time there is no clock to differ by
    assert resolution_time(open_still, **names, now="2024-01-02T00:00Z").waiting == 1
    cells = {"o": [AS_OF, AS_OF.replace(tzinfo=None)], "c": [None, None]}
    with pytest.raises(DataError, match="some times carry a time zone and some do not"):
        resolution_time(cells, **names)


def test_text():
    days = {"o": ["2024-01-01", "2024/1/2", "2024年1月3日"], "c": ["2024-01-03", None, "2024-01-03"]}
    r = resolution_time(days, opened="o", closed="c", unit="days", now="2024-01-05")
    assert (r.curve.time.tolist(), r.waiting) == ([0.0, 2.0, 3.0], 1)
    assert "whole-days" in {n.code for n in r.notes}
    timed = {"o": ["2024-01-01 08:00"], "c": ["?"]}
    with pytest.raises(DataError, match=r"opened \(column 'o'\): text with a time of day.*to_datetime"):
        resolution_time(timed, opened="o", closed="c")
    with pytest.raises(DataError, match=r"closed \(column 'c'\): '\?' at position 0 is no date"):
        resolution_time({"o": ["2024-01-01"], "c": ["?"]}, opened="o", closed="c")
    with pytest.raises(DataError, match="got numbers"):
        resolution_time({"o": [20240101.0], "c": [3.0]}, opened="o", closed="c")


def test_missing_and_impossible_are_refused_or_counted():
    log = {
        "o": ["2024-01-01", None, "2024-01-05", "2024-01-06", "2024-02-01"],
        "c": ["2024-01-03", "2024-01-03", "2024-01-02", "2024-01-20", None],
    }
    options = {"opened": "o", "closed": "c", "unit": "days", "now": "2024-01-10"}
    with pytest.raises(DataError, match=r"opened \(column 'o'\) missing: 1 of 5 \(row 1\); .*missing='drop'"):
        resolution_time(log, **options)
    with pytest.raises(DataError, match=r"before opened: 1 of 5 \(row 2\); the first ended 2024-01-02T00:00:00"):
        resolution_time(log, **options, missing="drop")
    r = resolution_time(log, **options, missing="drop", impossible="drop")
    codes = [n.code for n in r.notes]
    assert (r.n, r.closed) == (2, 1)
    assert codes[:4] == ["missing-dropped", "impossible-dropped", "opened-after-now", "closed-after-now"]
    with pytest.raises(TooFewData, match="no ticket of 5 is in the period"):
        resolution_time(log, **options, missing="drop", impossible="drop", start="2030-01-01")
    with pytest.raises(DataError, match="missing: got 'skip'"):
        resolution_time(log, **options, missing="skip")


def test_all_open_by_an_empty_column_of_numbers():
    r = read_tickets(pd.DataFrame({"o": pd.to_datetime(["2024-01-01"]), "c": [np.nan]}), Reading("o", "c"))
    assert not r.closed.any()
    assert [n.code for n in r.notes] == ["whole-days", "now-assumed"]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ([1, 2], "a table with named columns"),
        ({"c": []}, "opened: column 'o' is not in the data; the columns are 'c'"),
        ({"o": ["2024-01-01"], "c": []}, "unequal length"),
        ({"o": "2024", "c": []}, "a sequence with one entry per row"),
        ({"o": [], "c": []}, "no row came"),
        ({"o": ["2024-01-01", 3.0], "c": [None, None]}, "mixed in one column"),
    ],
)
def test_bad_tables(data, match):
    with pytest.raises(DataError, match=match):
        resolution_time(data, opened="o", closed="c")


@pytest.mark.parametrize(
    ("value", "hours"),
    [
        ("72h", 72), ("3 days", 72), ("1d 12h", 36), ("2小时", 2), ("90 min", 1.5), ("1.5 hours", 1.5), ("2周", 336),
        (dt.timedelta(hours=5), 5), (np.timedelta64(90, "m"), 1.5), (pd.Timedelta("2h"), 2),
    ],
)  # fmt: skip
def test_durations(value, hours):
    assert as_duration(value, "within") == np.timedelta64(int(hours * 3600), "s")


@pytest.mark.parametrize(
    "value",
    ["", "5", "5m", "3 months", "-2h", "2h later", 72, True, None, float("nan"), np.timedelta64(1, "M"), "0h", "9e9d"],
)
def test_bad_durations(value):
    with pytest.raises(DataError, match="within"):
        as_duration(value, "within")


def test_numbers_take_a_unit():
    assert as_duration(1.5, "within", "days") == np.timedelta64(36, "h")
    with pytest.raises(DataError, match="unit"):
        as_duration(1.5, "within", "months")
    for bad in (-1, 0, float("inf"), 1e30):
        with pytest.raises(DataError, match="within"):
            as_duration(bad, "within", "hours")


@pytest.mark.parametrize("value", ["soon", "", 5, None, pd.NaT, dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "2024-01-01Z"])
def test_bad_moments(value):
    with pytest.raises(DataError, match="now"):
        as_moment(value, "now")


@given(st.integers(1, 10**6), st.sampled_from(["s", "min", "h", "d", "w"]))
def test_text_and_number_agree(number, word):
    unit = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}[word]
    assert as_duration(f"{number}{word}", "x") == as_duration(number, "x", unit)
