"""Service level: plain loops, statsmodels for Wilson and Newcombe, misses that are still open, tickets not yet due."""

import datetime as dt
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from qstats.errors import DataError, TooFewData
from qstats.inference.equivalence import noninferiority
from qstats.inference.proportions import compare_proportions
from qstats.voice.service.sla import compare_sla, sla_attainment

DAY0 = np.datetime64("2024-01-01", "us")
HOUR = np.timedelta64(1, "h")
NAMES = {"opened": "o", "closed": "c"}


def log_of(rows):
    """Rows of (hour opened, hours to closing or None)."""
    o = np.array([DAY0 + int(60 * a) * np.timedelta64(1, "m") for a, _ in rows])
    gone = [np.timedelta64("NaT", "m") if b is None else np.timedelta64(int(60 * b), "m") for _, b in rows]
    c = np.array([x if np.isnat(x) else start + x for start, x in zip(o, gone, strict=True)], dtype="datetime64[us]")
    return {"o": o, "c": c}


def counted(rows, within, now):
    """The definition in a plain loop: due, met, overdue, not due."""
    n = met = overdue = not_due = 0
    for opened, lasts in rows:
        if opened > now:
            continue
        if not opened + within < now:
            not_due += 1
            continue
        n += 1
        met += lasts is not None and lasts <= within
        overdue += lasts is None or opened + lasts > now
    return n, met, overdue, not_due


rows = st.lists(
    st.tuples(st.integers(0, 200), st.one_of(st.none(), st.integers(0, 4800).map(lambda m: m / 60))), min_size=1
)


@given(rows, st.integers(1, 72), st.integers(0, 400))
@settings(max_examples=150)
def test_counts_equal_the_definition(data, within, now):
    n, met, overdue, not_due = counted(data, within, now)
    options = {"within": f"{within}h", "now": str(DAY0 + now * HOUR)}
    if n == 0:
        with pytest.raises(TooFewData):
            sla_attainment(log_of(data), **NAMES, **options)
        return
    r = sla_attainment(log_of(data), **NAMES, **options)
    assert (r.n, r.met, r.missed, r.overdue, r.not_due) == (n, met, n - met, overdue, not_due)
    assert (r.interval.low, r.interval.high) == pytest.approx(proportion_confint(met, n, method="wilson"), abs=1e-9)


def test_due_but_open_is_a_miss_and_early_ones_do_not_count_yet():
    # Two met, one late, one due and open; opened yesterday: one closed within the hour, one open, neither is due.
    data = log_of([(0, 10), (1, 20), (2, 100), (3, None), (200, 1), (201, None)])
    r = sla_attainment(data, **NAMES, within="72h", now="2024-01-10")
    assert (r.met, r.missed, r.overdue, r.not_due, r.estimate) == (2, 2, 1, 2, 0.5)
    closed_only = sla_attainment({k: v[[0, 1, 2]] for k, v in data.items()}, **NAMES, within="72h", now="2024-01-10")
    assert closed_only.estimate > r.estimate  # what a dashboard of closed tickets shows


def test_a_due_column_and_one_time_agree():
    data = log_of([(0, 10), (5, 80), (6, None), (7, 72), (200, 1)])
    data["due"] = data["o"] + 72 * HOUR
    a = sla_attainment(data, **NAMES, due="due", now="2024-01-10")
    b = sla_attainment(data, **NAMES, within=72, unit="hours", now="2024-01-10")
    c = sla_attainment(data, **NAMES, within=dt.timedelta(days=3), now=dt.date(2024, 1, 10))
    for r in (b, c):
        assert (a.n, a.met, a.overdue, a.not_due) == (r.n, r.met, r.overdue, r.not_due) == (4, 2, 1, 1)
    assert a.to_frame().loc[0, "met"] == 2
    assert json.loads(a.to_json())["now"].startswith("2024-01-10")
    assert "of which 1 still open" in str(a)


def test_deadline_itself_is_in_time_and_not_over():
    assert sla_attainment(log_of([(0, 72), (0, 72.1)]), **NAMES, within="72h", now="2024-02-01").met == 1
    with pytest.raises(TooFewData, match="none of 1 tickets was due"):
        sla_attainment(log_of([(0, None)]), **NAMES, within="72h", now="2024-01-04")


def test_groups_with_a_time_of_their_own():
    rng = np.random.default_rng(2)
    n = 400
    data = log_of([(int(a), float(b)) for a, b in zip(rng.integers(0, 300, n), rng.exponential(20, n), strict=True)])
    data["级别"] = [("P1", "P2", "P3")[i % 3] for i in range(n)]
    within = {"P1": "4h", "P2": "24h", "P3": "3 days"}
    t = sla_attainment(data, **NAMES, within=within, by="级别", now="2024-03-01")
    met = []
    for i, (name, hours) in enumerate((("P1", 4), ("P2", 24), ("P3", 72))):
        which = np.array([v == name for v in data["级别"]])
        own = (data["c"] - data["o"])[which] <= hours * HOUR
        met.append((own.sum(), own.size))
        one = sla_attainment({k: data[k][which] for k in "oc"}, **NAMES, within=within[name], now="2024-03-01")
        assert t.segments[i] == name
        assert (t.count[i], t.n[i]) == (one.met, one.n) == met[-1]
        assert (t.interval.low[i], t.interval.high[i]) == pytest.approx((one.interval.low, one.interval.high))
    all_met, all_n = np.sum(met, axis=0)
    p = [compare_proportions(int(x), int(m), int(all_met - x), int(all_n - m)).pvalue for x, m in met]
    assert t.pvalue == pytest.approx(p, rel=1e-9)
    order = np.argsort(p)  # Holm by hand
    holm = np.maximum.accumulate(np.minimum(np.array(p)[order] * [3, 2, 1], 1))
    assert t.adjusted[order] == pytest.approx(holm)
    assert t.total.n == all_n
    assert list(t.to_frame()["segment"]) == ["P1", "P2", "P3"]
    assert "against the rest" in t.summary()
    with pytest.raises(DataError, match="group 'P3' is not in it"):
        sla_attainment(data, **NAMES, within={"P1": "4h", "P2": "1d"}, by="级别")
    with pytest.raises(DataError, match="without by="):
        sla_attainment(data, **NAMES, within=within)


def test_a_group_with_nothing_due_is_named():
    data = {**log_of([(0, 1), (0, 200), (230, None), (2, None)]), "g": ["a", "b", "new", "b"]}
    t = sla_attainment(data, **NAMES, within="24h", by="g", now="2024-01-10T20:00")
    assert t.segments == ("a", "b")
    assert any(n.code == "group-not-due" and "'new'" in n.message for n in t.notes)
    assert t.details["overdue"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "neither came"),
        ({"within": "1h", "due": "o"}, "both came"),
        ({"due": "o", "unit": "hours"}, "unit"),
        ({"within": 5}, "without a unit"),
        ({"within": "1h", "confidence": 95}, "confidence"),
        ({"within": "1h", "method": "wald"}, "method"),
        ({"within": "1h", "by": "g"}, "one group only"),
    ],
)
def test_bad_options(options, match):
    data = {**log_of([(0, 1), (0, 2)]), "g": ["x", "x"]}
    with pytest.raises(DataError, match=match):
        sla_attainment(data, **NAMES, now="2024-02-01", **options)


def split(n, n0, met, met0, at=0):
    """Two groups with so many met of so many within a day."""
    made = log_of([(at + i % 5, 1 if i < met else 90) for i in range(n)])
    base = log_of([(i % 5, 1 if i < met0 else 90) for i in range(n0)])
    return made, base


def test_compare_equals_published_counts():
    # 56/70 against 48/80: Miettinen-Nurminen (0.0528297, 0.3381729), R ratesci scoreci; Newcombe by statsmodels.
    group, base = split(70, 80, 56, 48)
    options = {**NAMES, "within": "24h", "now": "2024-03-01"}
    r = compare_sla(group, base, **options)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.0528297, 0.3381729), abs=1e-7)
    assert r.values == (0.8, 0.6)
    newcombe = compare_sla(group, base, **options, method="newcombe").interval
    assert (newcombe.low, newcombe.high) == pytest.approx(
        confint_proportions_2indep(56, 70, 48, 80, compare="diff", method="newcomb"), abs=1e-9
    )
    both = {k: np.concatenate([group[k], base[k]]) for k in "oc"} | {"team": ["新"] * 70 + ["旧"] * 80}
    by = compare_sla(both, **options, by="team", reference="旧")
    assert (by.estimate, by.pvalue) == (r.estimate, r.pvalue)
    assert compare_sla(both, **options, by="team", reference="新").estimate == pytest.approx(-r.estimate)


def test_compare_before_and_after_a_change():
    after, before = split(40, 50, 35, 30, at=31 * 24)
    log = {k: np.concatenate([after[k], before[k]]) for k in "oc"}
    r = compare_sla(log, **NAMES, within="24h", change="2024-02-01", now="2024-03-01")
    assert r.values == (35 / 40, 30 / 50)
    assert r.pvalue == pytest.approx(compare_proportions(35, 40, 30, 50).pvalue)
    with pytest.raises(TooFewData, match="all 90 rows were opened after"):
        compare_sla(log, **NAMES, within="24h", change="2020-01-01", now="2024-03-01")


def test_drives_noninferiority():
    group, base = split(200, 200, 180, 182)
    r = noninferiority(compare_sla, group, base, margin=-0.10, better="higher", **NAMES, within="24h", now="2024-03-01")
    direct = compare_proportions(180, 200, 182, 200, null=-0.10, alternative="greater")
    assert r.shown
    assert r.pvalue == pytest.approx(direct.pvalue)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "none of them came"),
        ({"by": "g", "change": "2024-01-01"}, "by= and change= came"),
        ({"by": "g"}, "reference: got None; say which of 'a', 'b'"),
        ({"by": "three", "reference": "x"}, "3 groups came"),
        ({"change": "2024-01-01T00:30", "reference": "a"}, "without by="),
    ],
)
def test_compare_wants_two_groups(options, match):
    data = {**log_of([(0, 1), (0, 2), (1, 3)]), "g": ["a", "b", "a"], "three": ["x", "y", "z"]}
    with pytest.raises(DataError, match=match):
        compare_sla(data, **NAMES, within="1h", now="2024-02-01", **options)


def test_pandas_missing_group_is_kept_and_named():
    frame = pd.DataFrame({**log_of([(0, 1), (0, 2), (1, 30)]), "g": ["a", None, "a"]})
    t = sla_attainment(frame, **NAMES, within="5h", by="g", now="2024-02-01")
    assert t.segments == ("a", "(missing)")
    assert any(n.code == "missing-segment" for n in t.notes)
    assert math.isfinite(t.adjusted.max())


def test_a_comparison_takes_unit_and_period_like_the_share():
    log = {"o": ["2024-05-01"] * 4 + ["2024-06-01"] * 4, "g": list("abab") * 2,
           "c": ["2024-05-02", "2024-05-09", None, "2024-05-03", "2024-06-02", "2024-06-09", None, None]}  # fmt: skip
    options = {"opened": "o", "closed": "c", "by": "g", "now": "2024-07-01"}
    r = compare_sla(log, **options, within=72, unit="hours", reference="b", start="2024-05-01", stop="2024-06-01")
    table = sla_attainment(log, **options, within=72, unit="hours", start="2024-05-01", stop="2024-06-01")
    assert r.values == (0.5, 0.5) == tuple(table.estimate) and r.n == (1, 1)
    both = compare_sla(log, **options, within="72h", reference="b")
    assert (both.values, both.n) == ((0.5, 0.25), (2, 1))
    with pytest.raises(DataError, match="without a unit"):
        compare_sla(log, **options, within=72, reference="b")
    with pytest.raises(DataError, match="unit: got 'hours' with due="):
        compare_sla(log, **options, due="o", unit="hours", reference="b")
