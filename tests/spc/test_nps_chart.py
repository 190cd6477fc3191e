"""NPS over time: lines by definition, every way in, monitor, dispersion, bad input, false alarms."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats import ControlLimits, DataError, TooFewData, monitor, nps_chart

ROWS = [[20, 30, 50], [25, 30, 45], [15, 35, 150], [22, 28, 50], [3, 2, 5]]


def test_lines_by_definition():
    chart = nps_chart(ROWS, rules="none")
    d, u, p = (sum(row[k] for row in ROWS) for k in range(3))
    total = d + u + p
    share = (p - d) / total
    sd = math.sqrt((p + d) / total - share**2)
    panel = chart.panels["nps"]
    for i, (a, b, c) in enumerate(ROWS):
        n = a + b + c
        assert panel.statistic[i] == pytest.approx(100 * (c - a) / n, rel=1e-14)
        assert panel.upper[i] == pytest.approx(min(100 * share + 300 * sd / math.sqrt(n), 100), rel=1e-13)
        assert panel.lower[i] == pytest.approx(max(100 * share - 300 * sd / math.sqrt(n), -100), rel=1e-13)
    assert panel.upper[4] == 100.0  # ten answers: the limit is cut at the end of the scale
    assert chart.limits.center == pytest.approx(100 * share, rel=1e-14)
    # the variance of one answer is that of the scores -1, 0, 1 themselves
    assert chart.limits.sigma == pytest.approx(100 * np.repeat([-1, 0, 1], [d, u, p]).std(), rel=1e-12)


def _answers():
    rng = np.random.default_rng(4)
    score = rng.integers(0, 11, 900)
    month = rng.choice(pd.date_range("2026-01-01", periods=9, freq="MS"), 900)
    return score, month


def test_every_way_in_gives_one_chart():
    score, month = _answers()
    frame = pd.DataFrame({"评分": score, "月份": month})
    counts = [
        [int(((score <= 6) & (month == m)).sum()), int(((score > 6) & (score < 9) & (month == m)).sum()),
         int(((score >= 9) & (month == m)).sum())]
        for m in np.unique(month)
    ]  # fmt: skip
    want = nps_chart(counts, by=np.unique(month)).to_dict()
    columns = dict(zip(("detractors", "passives", "promoters"), zip(*counts, strict=True), strict=True))
    ways = [
        nps_chart(frame, values="评分", by="月份"),
        nps_chart(score, by=month),
        nps_chart(score.tolist(), by=[str(m)[:10] for m in month]),
        nps_chart(columns, by=np.unique(month)),
    ]
    for chart in ways:
        got = chart.to_dict()
        assert got["panels"] == want["panels"]
        assert got["labels"] == want["labels"]


def test_lazy_engine_counts_where_the_rows_are():
    pl = pytest.importorskip("polars")
    score, month = _answers()
    frame = pl.DataFrame({"s": score, "m": month}).lazy()
    assert nps_chart(frame, values="s", by="m").to_dict() == nps_chart(score, by=month).to_dict()


def test_extend_and_monitor_equal_the_batch():
    first, later = ROWS[:4], [[90, 5, 5], [10, 10, 80], [20, 30, 50]]
    batch = nps_chart(first + later, baseline=4)
    chart = nps_chart(first)
    longer = chart.extend(later)
    want = [(s.index, s.rule) for s in batch.signals]
    assert [(s.index, s.rule) for s in longer.signals] == want
    watch = monitor(ControlLimits.from_dict(json.loads(chart.limits.to_json())))
    got = [[(i, s.rule) for s in watch.update(row)] for i, row in enumerate(first + later)]
    assert sum(got, []) == want  # noqa: RUF017 - a handful of lists
    assert watch.update([0, 0, 0]) == ()  # a period without answers is a gap


def test_later_answers_with_their_period():
    score, month = _answers()
    chart = nps_chart(score, by=month)
    more = chart.extend([10, 9, 2, 10, 10], by=["2026-10", "2026-10", "2026-10", "2026-11", "2026-11"],
                        labels=["2026-10", "2026-11"])  # fmt: skip
    assert more.panels["nps"].statistic[-2:] == pytest.approx([100 / 3, 100.0])


def test_notes():
    codes = {n.code for n in nps_chart(ROWS).notes}
    assert {"few-answers", "overdispersed"} <= codes
    assert "zero-variance" in {n.code for n in nps_chart([[0, 0, 9], [0, 0, 4]]).notes}
    dropped = nps_chart([9, 3, np.nan, 11], by=[1, 1, 2, 2], missing="drop", blank=11)
    assert {"missing-dropped", "blank-dropped"} <= {n.code for n in dropped.notes}
    assert np.isnan(dropped.panels["nps"].statistic[1])  # a period of blanks only stays as a gap


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: nps_chart([[1, 2], [3, 4]]), DataError, "shape"),
        (lambda: nps_chart([9, 10, 11], by=[1, 1, 2]), DataError, "11 .once. on a scale"),
        (lambda: nps_chart([9, 10]), DataError, "rows of detractors"),
        (lambda: nps_chart([]), DataError, "data"),
        (lambda: nps_chart([[0, 0, 0]]), TooFewData, "no answer"),
        (lambda: nps_chart([[1, 2, -3]]), DataError, "counts are whole numbers"),
        (lambda: nps_chart([9, 8], by=["10", "9"]), DataError, "numbers written as text"),
        (lambda: nps_chart([9, 8], by=[1]), DataError, "by: shape"),
        (lambda: nps_chart([9.0, np.nan], by=[1, 2]), DataError, "missing='drop'"),
        (lambda: nps_chart({"promoters": [1]}), DataError, "exactly detractors"),
        (lambda: nps_chart(pd.DataFrame({"s": [1]})), DataError, "name the columns"),
        (lambda: nps_chart(pd.DataFrame({"s": [1], "m": ["a"]}), values="x", by="m"), DataError, "x"),
        (lambda: nps_chart([[1, 2, 3]], values="s"), DataError, "no table"),
        (lambda: nps_chart(ROWS, limits=ControlLimits("nps", 120.0, 5.0, 3.0, "", 9, "")), DataError, "-100 to 100"),
        (lambda: nps_chart(ROWS, limits=ControlLimits("nps", 20.0, None, 3.0, "", 9, "")), DataError, "sigma"),
        (lambda: nps_chart(ROWS).extend([1, 2, 3], size=4), DataError, "size"),
        (lambda: nps_chart(ROWS).extend([[1, 2], [3]]), DataError, "new: shape"),
        (lambda: nps_chart(ROWS).extend([1, 2]), DataError, "new: shape"),
        (
            lambda: nps_chart({"detractors": [1], "passives": [1, 2], "promoters": [3]}),
            DataError,
            "1, 2, 1 periods",
        ),
        (lambda: nps_chart({"detractors": 1, "passives": 2, "promoters": 3}), DataError, "data.'detractors'."),
    ],
)
def test_refused(call, error, word):
    with pytest.raises(error, match=word):
        call()


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 3).filter(sum), min_size=2, max_size=20))
def test_mirrored_scores_mirror_the_chart(rows):
    chart, mirrored = nps_chart(rows), nps_chart([row[::-1] for row in rows])
    a, b = chart.panels["nps"], mirrored.panels["nps"]
    np.testing.assert_allclose(a.upper, -b.lower, atol=1e-9)
    np.testing.assert_allclose(a.statistic, -b.statistic, atol=1e-12)


def test_false_alarms_of_stable_waves():
    # 4,000 waves of 200 answers from fixed shares: normal limits give about 0.27 %; four standard errors of 4,000 draws
    rng = np.random.default_rng(11)
    rows = rng.multinomial(200, [0.2, 0.3, 0.5], size=4000)
    chart = nps_chart(rows, rules="none")
    panel = chart.panels["nps"]
    rate = float(((panel.statistic > panel.upper) | (panel.statistic < panel.lower)).mean())
    assert abs(rate - 0.0027) < 4 * math.sqrt(0.0027 / 4000)
