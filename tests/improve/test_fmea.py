"""FMEA: published facts about the RPN, tables checked against plain loops, occurrence against scipy's chi-square."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.fmea.occurrence import OccurrenceScale, occurrence_from_rate
from qstats.improve.fmea.priority import ActionPriorities, action_priorities
from qstats.improve.fmea.table import fmea

DECADES = {k: 10.0 ** (k - 10) for k in range(1, 10)}
SCALE = OccurrenceScale(DECADES, source="程序文件 QP-7 表2")
ROWS = [
    {"severity": "9-10", "occurrence": "4~10", "detection": "1-10", "priority": "H"},
    {"severity": "9-10", "occurrence": "1-3", "detection": "1–6", "priority": "L"},
    {"severity": "9-10", "occurrence": "1-3", "detection": "7至10", "priority": "M"},
    {"severity": "5-8", "occurrence": (7, 10), "detection": "5-10", "priority": "H"},
    {"severity": "5-8", "occurrence": "7-10", "detection": "1-4", "priority": "M"},
    {"severity": "5-8", "occurrence": "1-6", "detection": "1-10", "priority": "L"},
    {"severity": "1-4", "occurrence": "1-10", "detection": "1-10", "priority": "L"},
]


@pytest.fixture
def priorities() -> ActionPriorities:
    return action_priorities(ROWS, source="程序文件 QP-7 表3", verified_by="李工")


def _band(value: Any) -> range:
    if isinstance(value, tuple):
        return range(value[0], value[1] + 1)
    low, high = (int(x) for x in value.replace("~", "-").replace("–", "-").replace("至", "-").split("-"))
    return range(low, high + 1)


def test_rpn_and_order_by_hand(in_polars: Callable[[Any], list[Any]]) -> None:
    data = [
        {"失效模式": "包装破损", "原因": "跌落", "S": 5, "O": 6, "D": 4},
        {"失效模式": "标签错误", "原因": "", "S": 9, "O": 3, "D": 3},
        {"失效模式": "延迟", "原因": "断网", "S": 4, "O": 10, "D": 3},
        {"失效模式": "错发", "原因": "混料", "S": 5, "O": 6, "D": 4},
    ]
    for frame in (data, pd.DataFrame(data), *in_polars(data)):
        t = fmea(frame, mode="失效模式", cause="原因", severity="S", occurrence="O", detection="D")
        assert t.mode == (
            "包装破损",
            "错发",
            "延迟",
            "标签错误",
        )  # 120 three times: the more severe first, ties as came
        assert t.rpn.tolist() == [120, 120, 120, 81]
        assert list(zip(t.rank_low.tolist(), t.rank_high.tolist(), strict=True)) == [(1, 2), (1, 2), (3, 3), (4, 4)]
        assert t.position.tolist() == [0, 3, 2, 1]
        assert [n.code for n in t.notes] == ["rpn-ordinal", "severity-hidden"]
        assert t.cause[3] == ""
    by_severity = fmea(data, mode="失效模式", severity="S", occurrence="O", detection="D", by="severity")
    assert by_severity.mode == ("标签错误", "包装破损", "错发", "延迟")


def test_the_facts_in_the_warning() -> None:
    # Bowles (2003), RAMS, 380-386: of 1000 numbers the RPN takes 120 only.
    values = {s * o * d for s, o, d in itertools.product(range(1, 11), repeat=3)}
    assert len(values) == 120
    note = fmea([{"mode": "a", "severity": 2, "occurrence": 5, "detection": 10}] * 2).notes[0]
    assert "120" in note.message
    assert "1 rows here" in note.message


def test_severity_hidden_only_where_it_is() -> None:
    def codes(*sod: tuple[int, int, int]) -> list[str]:
        rows = [{"mode": f"m{i}", "severity": s, "occurrence": o, "detection": d} for i, (s, o, d) in enumerate(sod)]
        return [n.code for n in fmea(rows).notes]

    assert codes((10, 2, 2), (4, 4, 4)) == ["rpn-ordinal", "severity-hidden"]
    assert codes((10, 9, 9), (4, 4, 4)) == ["rpn-ordinal"]
    assert codes((9, 1, 1), (10, 10, 10)) == ["rpn-ordinal"]


def test_table_equals_a_plain_loop(priorities: ActionPriorities) -> None:
    counts: Counter[str] = Counter()
    for row in ROWS:
        for s, o, d in itertools.product(*(_band(row[k]) for k in ("severity", "occurrence", "detection"))):
            assert priorities.lookup(s, o, d) == row["priority"]
            counts[str(row["priority"])] += 1
    assert counts.total() == 1000
    assert counts == {"H": 2 * 7 * 10 + 4 * 4 * 6, "M": 2 * 3 * 4 + 4 * 4 * 4, "L": 2 * 3 * 6 + 4 * 6 * 10 + 400}
    assert priorities.notes == ()


def test_table_from_frame_and_without_a_reader(priorities: ActionPriorities) -> None:
    text = [{**r, "occurrence": "7-10" if isinstance(r["occurrence"], tuple) else r["occurrence"]} for r in ROWS]
    made = action_priorities(pd.DataFrame(text), source="程序文件 QP-7 表3")
    np.testing.assert_array_equal(made.codes, priorities.codes)
    assert [n.code for n in made.notes] == ["priority-unverified"]


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        (ROWS[:-1], {}, "no priority for severity 1, occurrence 1, detection 1 and 399 more"),
        ([*ROWS, ROWS[1]], {}, "more than one priority for severity 9, occurrence 1, detection 1 and 35 more"),
        ([{**ROWS[0], "severity": "9-11"}, *ROWS[1:]], {}, "severity, row 0: got 11"),
        ([{**ROWS[0], "severity": "10-9"}, *ROWS[1:]], {}, "lower rating first"),
        ([{**ROWS[0], "severity": "2-Mar"}, *ROWS[1:]], {}, "2-Mar"),
        ([{**ROWS[0], "priority": "h"}, *ROWS[1:]], {}, "priority, row 0"),
        ([{"severity": 1}], {}, "data: row 0"),
        (ROWS, {"source": " "}, "source"),
        (ROWS, {"verified_by": ""}, "verified_by"),
        (ROWS, {"levels": "LMH"}, "levels"),
        (ROWS, {"levels": ("L", "L", "H")}, "levels"),
        ("table", {}, "data: got a str"),
    ],
)
def test_unfit_tables_are_refused(rows: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        action_priorities(rows, **{"source": "x", **options})


def test_a_table_that_falls_is_noted() -> None:
    # severity 9-10 with occurrence 10 typed as L: lower than occurrence 9 at the same severity and detection
    rows = [{**ROWS[0], "occurrence": "4-9"}, {**ROWS[0], "occurrence": 10, "priority": "L"}, *ROWS[1:]]
    note = action_priorities(rows, source="x", verified_by="y").notes[0]
    assert (note.code, note.severity) == ("priority-falls", "serious")
    # 2 severities x 10 detections below occurrence 9; below severity 8 too where that is M or H: those ten are the
    # detections of severity 9 only, already counted
    assert "severity 9, occurrence 10, detection 1 and 19 more" in note.message


def test_priority_decides_the_order(priorities: ActionPriorities) -> None:
    data = [
        {"mode": "甲", "severity": 8, "occurrence": 10, "detection": 4},  # M, RPN 320
        {"mode": "乙", "severity": 9, "occurrence": 4, "detection": 1},  # H, RPN 36
        {"mode": "丙", "severity": 4, "occurrence": 10, "detection": 10},  # L, RPN 400
    ]
    t = fmea(data, priorities=priorities)
    assert (t.mode, t.priority) == (("乙", "甲", "丙"), ("H", "M", "L"))
    assert t.priority_source == "程序文件 QP-7 表3"
    assert fmea(data).mode == ("丙", "甲", "乙")
    assert fmea(data, priorities=priorities, by="rpn").mode == ("丙", "甲", "乙")


@pytest.mark.parametrize(("events", "exposure"), [(0, 500), (2, 9000), (25, 1000), (3, 4), (1, 1e7)])
def test_occurrence_interval_is_garwoods_on_the_scale(events: int, exposure: float) -> None:
    # Garwood (1936): chi-square quantiles; the rating by a loop over the thresholds
    low = stats.chi2.ppf(0.025, 2 * events) / 2 / exposure if events else 0.0
    high = stats.chi2.ppf(0.975, 2 * events + 2) / 2 / exposure

    def rating(rate: float) -> int:
        return next((k for k, limit in DECADES.items() if rate <= limit), 10)

    r = occurrence_from_rate(events, exposure, scale=SCALE, method="exact")
    assert (r.occurrence, r.low, r.high) == (rating(events / exposure), rating(low), rating(high))


def test_compatible_priorities(priorities: ActionPriorities) -> None:
    # 3 in 60 at severity 7: Garwood 0.0103 to 0.146, so occurrence 9 to 10 around 9; detection 4: M throughout.
    # 1 in 900 000: 2.8e-8 to 6.2e-6, occurrence 3 to 5; severity 9, detection 2: L at 3, H from 4 on.
    r = occurrence_from_rate(1, 900_000, scale=SCALE, severity=9, detection=2, priorities=priorities, method="exact")
    assert (r.low, r.occurrence, r.high) == (3, 5, 5)
    assert (r.priority, r.compatible) == ("H", ("L", "H"))
    steady = occurrence_from_rate(3, 60, scale=SCALE, severity=7, detection=4, priorities=priorities, method="exact")
    assert (steady.low, steady.high, steady.compatible) == (9, 10, ("M",))
    assert "compatible: L, H" in r.summary()


def test_measured_rows_take_the_count(priorities: ActionPriorities) -> None:
    data = pd.DataFrame(
        {"mode": ["断网", "错发", "破损"], "severity": [9, 7, 5], "occurrence": [None, 8, 2], "detection": [2, 4, 4],
         "n": [1, None, 30], "orders": [900_000, None, 1000]}
    )  # fmt: skip
    t = fmea(data, events="n", exposure="orders", scale=SCALE, priorities=priorities, method="exact", by="rpn")
    one = {m: i for i, m in enumerate(t.mode)}
    single = occurrence_from_rate(1, 900_000, scale=SCALE, method="exact")
    i = one["断网"]
    assert (t.occurrence_low[i], t.occurrence[i], t.occurrence_high[i]) == (single.low, single.occurrence, single.high)
    assert (t.rpn_low[i], t.rpn[i], t.rpn_high[i]) == (9 * 3 * 2, 9 * 5 * 2, 9 * 5 * 2)
    assert t.compatible[i] == ("L", "H")
    i = one["错发"]
    assert (t.occurrence[i], t.occurrence_low[i], t.measured[i]) == (8, 8, False)
    assert t.occurrence[one["破损"]] == 9  # 30 in 1000 is above 0.01: the count, not the 2 that was felt
    assert {"occurrence-from-count", "occurrence-open"} <= {n.code for n in t.notes}
    assert "NaN" not in t.to_json()


@pytest.mark.parametrize(
    ("thresholds", "source", "says"),
    [
        ({1: 0.1, 3: 0.2}, "x", "consecutive"),
        ({8: 0.2, 9: 0.1}, "x", "must rise"),
        ({8: 0.1, 9: 0.1}, "x", "must rise"),
        ({9: -1.0}, "x", "least 0"),
        ({0: 0.1, 9: 0.2}, "x", "1 to 10"),
        ({}, "x", "thresholds"),
        (DECADES, "", "source"),
    ],
)
def test_unfit_scales_are_refused(thresholds: Any, source: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        OccurrenceScale(thresholds, source)


def test_a_scale_may_begin_above_one() -> None:
    scale = OccurrenceScale({k: v for k, v in DECADES.items() if k > 1}, "x")
    assert scale.rate([0.0, 1e-8, 1.0]).tolist() == [2, 2, 10]


GOOD = {"mode": "a", "severity": 5, "occurrence": 5, "detection": 5, "n": 3, "t": 10}


@pytest.mark.parametrize(
    ("row", "options", "says"),
    [
        ({"severity": 11}, {}, "severity: got 11 in row 0"),
        ({"severity": 0}, {}, "severity: got 0"),
        ({"occurrence": 2.5}, {}, "occurrence: got 2.5"),
        ({"detection": None}, {}, "detection: got nothing"),
        ({"detection": "high"}, {}, "detection: got text"),
        ({"mode": " "}, {}, "mode: is empty in row 0"),
        ({"mode": 7}, {}, "mode: got 7"),
        ({}, {"events": "n"}, "only one of them"),
        ({}, {"events": "n", "exposure": "t"}, "scale"),
        ({"t": None}, {"events": "n", "exposure": "t", "scale": SCALE}, "both or none"),
        ({"n": -1}, {"events": "n", "exposure": "t", "scale": SCALE}, "counts are whole numbers"),
        ({"occurrence": 15}, {"events": "n", "exposure": "t", "scale": SCALE}, "occurrence: got 15"),
        ({"n": None, "t": None}, {"events": "n", "exposure": "t", "scale": SCALE, "occurrence": None}, "no occurrence"),
        ({}, {"scale": SCALE}, "events: is missing"),
        ({}, {"by": "priority"}, "none ships"),
        ({}, {"by": "name"}, "by"),
        ({}, {"priorities": {}}, "action_priorities"),
        ({}, {"mode": "failure"}, "'failure' is missing in row 0"),
    ],
)
def test_bad_input_is_named(row: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        fmea([{**GOOD, **row}], **options)


def test_nothing_to_rate_and_half_a_question(priorities: ActionPriorities) -> None:
    with pytest.raises(TooFewData):
        fmea([])
    with pytest.raises(DataError, match="severity, detection"):
        occurrence_from_rate(1, 10, scale=SCALE, priorities=priorities)
    with pytest.raises(DataError, match="priorities: is missing"):
        occurrence_from_rate(1, 10, scale=SCALE, severity=3)
    with pytest.raises(DataError, match="OccurrenceScale"):
        occurrence_from_rate(1, 10, scale=DECADES)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(1, 10)] * 3), min_size=1, max_size=12))
def test_order_equals_python_sorting(sod: list[tuple[int, int, int]]) -> None:
    rows = [{"mode": f"m{i}", "severity": s, "occurrence": o, "detection": d} for i, (s, o, d) in enumerate(sod)]
    t = fmea(rows)
    want = sorted(range(len(sod)), key=lambda i: (-sod[i][0] * sod[i][1] * sod[i][2], -sod[i][0], i))
    assert t.position.tolist() == want
    keys = [(int(r), int(s)) for r, s in zip(t.rpn, t.severity, strict=True)]
    assert t.rank_low.tolist() == [1 + sum(k > mine for k in keys) for mine in keys]
    assert t.rank_high.tolist() == [sum(k >= mine for k in keys) for mine in keys]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.floats(1.0, 1e7), st.floats(0.5, 0.98))
def test_more_confidence_never_leaves_less_open(events: int, exposure: float, confidence: float) -> None:
    narrow = occurrence_from_rate(events, exposure, scale=SCALE, confidence=confidence)
    wide = occurrence_from_rate(events, exposure, scale=SCALE, confidence=0.5 + confidence / 2)
    assert wide.low <= narrow.low <= narrow.occurrence <= narrow.high <= wide.high
