"""Pictures of the customer's voice: what is drawn is what the result holds, in both languages, on any labels."""

import math
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color
from matplotlib.figure import Figure

import qstats
from qstats.figures import can_plot, figure_svg, plot
from qstats.figures.forest import MOST, Forest, draw_forest
from qstats.figures.output import new_axes
from qstats.figures.style import PALETTE, font_families, house_style
from qstats.voice.drivers.importance import QUADRANTS

from .conftest import HOSTILE

LONG = "外观划痕与色差导致的客户退货(华东大区)及其它说明文字以及更多的文字说明"
GROUPS = [HOSTILE, LONG, "甲", "late"]


def _gid(ax: Axes, gid: str) -> object:
    return next(a for a in ax.get_children() if a.get_gid() == gid)


def _xy(ax: Axes, gid: str) -> list[tuple[float, float]]:
    line = _gid(ax, gid)
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))  # type: ignore[attr-defined]


def _segments(ax: Axes, gid: str) -> np.ndarray:
    """Return the ends of horizontal lines, shape (rows, 2)."""
    return np.array([s[:, 0] for s in _gid(ax, gid).get_segments()])  # type: ignore[attr-defined]


def _marks(ax: Axes, marker: str = "o") -> tuple[dict[int, float], set[int]]:
    """Return the place of the marker of each row, and the rows where it is filled."""
    places: dict[int, float] = {}
    filled: set[int] = set()
    for line in ax.lines:
        if line.get_marker() != marker or line.get_gid() == "second":
            continue
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
            places[round(y)] = x
            if not same_color(line.get_markerfacecolor(), "white"):
                filled.add(round(y))
    return places, filled


def _texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.figure.findobj(matplotlib.text.Text) if t.get_text()]


def _render(ax: Axes) -> None:
    """Lay out and draw the figure; a figure outside pyplot has a canvas that draws nothing."""
    with house_style():
        FigureCanvasAgg(ax.figure).draw()  # type: ignore[arg-type]


def _rows(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.get_yticklabels()]


def _answers(k: int = 4, n: int = 60, seed: int = 2) -> pd.DataFrame:
    names = (GROUPS + [f"branch {i}" for i in range(k)])[:k]
    rng = np.random.default_rng(seed)
    by = np.repeat(names, n)
    return pd.DataFrame({"s": rng.binomial(4, np.repeat(rng.uniform(0.3, 0.9, k), n)) + 1, "by": by})


def _battery(items: int, segments: int, n: int = 400) -> qstats.BatteryTable:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"by": (GROUPS + [f"gate {i}" for i in range(segments)])[:segments] * n})
    shift = frame["by"].map({name: 0.25 * (i % 2) for i, name in enumerate(frame["by"].unique())})
    names = [HOSTILE, "卫生间清洁", *(f"question {i}" for i in range(items))][:items]
    for j, name in enumerate(names):
        frame[name] = rng.binomial(4, 0.45 + shift * (j % 3 == 0)) + 1
    return qstats.battery(frame, items=names, by="by")


def _drivers(p: int = 4, n: int = 200) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    x = rng.integers(1, 6, (n, p)).astype(float)
    y = np.round(x @ np.linspace(1.0, -0.5, p) + rng.normal(0, 1.5, n))
    names = (GROUPS + [f"item {i}" for i in range(p)])[:p]
    return {**dict(zip(names, x.T, strict=True)), "总体": y}


def _tickets(groups: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    opened = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 1400, 300), unit="h")
    closed = pd.Series(opened + pd.to_timedelta(rng.exponential(200, 300), unit="h"))
    closed[closed > pd.Timestamp("2024-03-05")] = pd.NaT
    names = (GROUPS + [f"team {i}" for i in range(groups)])[:groups]
    return pd.DataFrame({"o": opened, "c": closed, "g": np.resize(names, 300), "h": rng.lognormal(1, 1, 300)})


CASE = {"opened": "o", "closed": "c", "now": "2024-03-05"}
LIFE = {"start": "o", "end": "c", "horizon": 20, "now": "2024-03-05"}
SIX = {
    "refund": (7, 32, 3, 9, 0, 0),
    "在线客服": (20, 18, 3, 9, 0, 1),
    LONG: (2, 3, 40, 3, 0, 0),
    HOSTILE: (0,) * 4 + (9, 1),
}

RESULTS: dict[str, Callable[[], object]] = {
    "csat": lambda: qstats.csat([5, 4, 4, 3, 1, 2, 5, 5, 4]),
    "ces": lambda: qstats.ces([1, 2, 7, 3, 3, 2], direction="lower"),
    "segments": lambda: qstats.csat(_answers(), values="s", by="by"),
    "segments many": lambda: qstats.csat(_answers(55, 20), values="s", by="by"),
    "battery": lambda: _battery(5, 4),
    "battery many": lambda: _battery(45, 20, 40),
    "battery flat": lambda: qstats.battery({HOSTILE: [5, 4, 1], "卫生间清洁": [3, 3, 5]}),
    "drivers": lambda: qstats.key_drivers(_drivers(), outcome="总体", resamples=200, rng=1),
    "importance": lambda: qstats.importance_performance(_drivers(), outcome="总体", resamples=200, rng=1),
    "kano": lambda: qstats.kano_from_counts(SIX),
    "nps": lambda: qstats.nps([0, 6, 7, 8, 9, 10, 10, 10]),
    "nps counts": lambda: qstats.nps_from_counts(detractors=5, passives=90, promoters=3),
    "nps segments": lambda: qstats.nps(_answers(), values="s", by="by"),
    "waves": lambda: qstats.nps_chart(_answers(), values="s", by="by"),
    "survival": lambda: qstats.survival_curve([1.0, 2, 3, 4, 5, 6], [1, 1, 0, 1, 0, 1]),
    "resolution": lambda: qstats.resolution_time(_tickets(), **CASE),
    "resolution groups": lambda: qstats.resolution_time(_tickets(8), by="g", **CASE),
    "handling groups": lambda: qstats.handling_time(_tickets(), values="h", by="g"),
    "sla groups": lambda: qstats.sla_attainment(_tickets(), by="g", within="200h", **CASE),
    "churn": lambda: qstats.churn(_tickets(), **LIFE),
    "churn groups": lambda: qstats.churn(_tickets(), by="g", **LIFE),
    "groups": lambda: qstats.compare_proportion_groups([5, 30, 44], [60, 60, 70], labels=[HOSTILE, LONG, "甲"]),
}


@pytest.fixture(scope="module", params=list(RESULTS))
def result(request: pytest.FixtureRequest) -> object:
    return RESULTS[request.param]()


# --- every picture ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_svg_is_inert_text_and_the_same_twice(result: object, lang: str) -> None:
    assert can_plot(result)
    svg = figure_svg(result, lang=lang)
    assert svg == figure_svg(result, lang=lang)
    assert "<script" not in svg
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", svg)
    text = "".join(ET.fromstring(svg).itertext())
    assert not re.search(r"\bnan\b|\binf\b|None", text)


def test_every_word_has_its_language(result: object) -> None:
    # Axis names and titles are ours but for "NPS", "CSAT", "R²" and the like: Chinese ones hold Chinese.
    ax = plot(result, lang="zh")
    for text in (ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()):
        assert not text or re.search(r"[\u4e00-\u9fff]", text), text


def test_a_given_axes_is_used_and_nothing_global_moves(result: object) -> None:
    before = dict(matplotlib.rcParams)
    figure = Figure(figsize=(9, 7))
    ax = figure.subplots()
    assert plot(result, ax=ax, title="标题 $x_1$") is ax
    assert figure.axes == [ax]
    assert ax.get_title(loc="left") == "标题 $x_1$"
    if len(font_families()) > 1:  # a missing glyph is a warning, and a warning is an error here
        _render(ax)
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_text_is_cut_by_the_edge_of_the_figure(result: object, lang: str) -> None:
    if len(font_families()) == 1:
        pytest.skip("no Chinese font on this machine")
    ax = plot(result, lang=lang)
    _render(ax)
    page = ax.figure.bbox
    unseen = set()  # ticks beyond the ends of an axis have texts that are never drawn
    for axis in (axis for one in ax.figure.axes for axis in (one.xaxis, one.yaxis)):
        low, high = sorted(axis.get_view_interval())
        unseen |= {label for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high
                   for label in (tick.label1, tick.label2)}  # fmt: skip
    for text in set(ax.figure.findobj(matplotlib.text.Text)) - unseen:
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1
            assert inside, text.get_text()


# --- satisfaction -------------------------------------------------------------------------------------------------


def test_satisfaction_draws_share_mean_and_answers() -> None:
    r = qstats.csat([5, 4, 4, 3, 1, 2, 5, 5, 4])
    ax = plot(r)
    above, below = ax.figure.axes
    assert above is ax
    assert _xy(above, "estimate") == [(6 / 9, 0.35)]
    assert [x for x, _ in _xy(above, "interval")] == [r.interval.low, r.interval.high]
    bars = {round(b.get_x() + b.get_width() / 2): (b.get_height(), b.get_gid()) for b in below.patches}
    assert {level: h for level, (h, _) in bars.items()} == pytest.approx(
        {1: 1 / 9, 2: 1 / 9, 3: 1 / 9, 4: 3 / 9, 5: 3 / 9}
    )
    assert {level for level, (_, gid) in bars.items() if gid == "answers satisfied"} == {4, 5}
    assert _xy(below, "mean")[0][0] == pytest.approx(33 / 9)
    assert [x for x, _ in _xy(below, "mean interval")] == [r.mean_interval.low, r.mean_interval.high]
    assert ax.get_title(loc="left").startswith("CSAT, answers 4–5: 66.7%")
    assert any(t.startswith("Mean 3.67") for t in _texts(ax))


def test_the_good_end_of_an_effort_scale_may_be_the_low_one() -> None:
    ax = plot(qstats.ces([1, 2, 7, 3, 3, 2], direction="lower"))
    below = ax.figure.axes[1]
    good = {round(b.get_x() + b.get_width() / 2) for b in below.patches if b.get_gid() == "answers satisfied"}
    assert good == {1, 2, 3}


def test_weighted_answers_are_drawn_weighted_and_say_so() -> None:
    frame = pd.DataFrame({"s": [5, 1, 1, 4], "w": [3.0, 1.0, 1.0, 1.0]})
    ax = plot(qstats.csat(frame, values="s", weight="w"))
    below = ax.figure.axes[1]
    heights = {round(b.get_x() + b.get_width() / 2): b.get_height() for b in below.patches}
    assert heights == pytest.approx({1: 2 / 6, 2: 0, 3: 0, 4: 1 / 6, 5: 3 / 6})
    assert below.get_xlabel() == "Score, 4 answers; shares weighted"


def test_a_scale_of_a_hundred_and_one_levels_stays_readable() -> None:
    below = plot(qstats.csat([0, 50, 99, 100], scale=(0, 100), top=20)).figure.axes[1]
    assert len(below.patches) == 101
    assert len(below.get_xticks()) <= 30
    assert not [t for t in below.texts if t.get_text().endswith("%")]


def test_segments_are_a_forest_with_raw_and_shrunken_shares() -> None:
    t = qstats.csat(_answers(), values="s", by="by")
    ax = plot(t)
    order = np.argsort(-t.estimate)
    places, filled = _marks(ax)
    assert [places[i] for i in range(4)] == t.estimate[order].tolist()
    np.testing.assert_array_equal(_segments(ax, "intervals"), np.column_stack([t.interval.low, t.interval.high])[order])
    assert [x for x, _ in _xy(ax, "second")] == t.shrunk[order].tolist()
    assert filled == set(np.flatnonzero(t.adjusted[order] < 0.05).tolist())
    assert 0 < len(filled) < 4  # both kinds are there, or this test says nothing
    assert [x for x, _ in _xy(ax, "reference")] == [t.total.estimate] * 2
    assert sum("n 60" in text for text in _texts(ax)) == 4


def test_many_segments_keep_the_best_and_the_worst() -> None:
    t = qstats.csat(_answers(55, 20), values="s", by="by")
    ax = plot(t)
    places, _ = _marks(ax)
    order = np.argsort(-t.estimate, kind="stable")
    drawn = [places[i] for i in range(MOST) if i in places and math.isfinite(places[i])]
    assert drawn == t.estimate[np.concatenate([order[:20], order[-19:]])].tolist()
    rows = _rows(ax)
    assert len(rows) == MOST
    assert rows[20] == "16 more"
    assert rows[-1] == t.segments[order[-1]]


def test_a_battery_is_a_table_of_shares_with_triangles_where_it_is_not_chance() -> None:
    t = _battery(5, 4)
    ax = plot(t)
    assert t.adjusted is not None
    assert t.difference is not None
    assert t.overall is not None
    drawn = {(round(x.get_position()[0]), round(x.get_position()[1])): x.get_text() for x in ax.texts}
    expected = {(0, i): f"{100 * share:.0f}" for i, share in enumerate(t.overall.estimate)}
    segments = list(dict.fromkeys(t.segment))
    for row, (item, part) in enumerate(zip(t.item, t.segment, strict=True)):
        mark = "" if t.adjusted[row] >= 0.05 else "▲" if t.difference[row] > 0 else "▼"
        expected[segments.index(part) + 1, list(dict.fromkeys(t.item)).index(item)] = (
            f"{100 * t.estimate[row]:.0f}{mark}"
        )
    assert drawn == expected
    ends = {text[-1] for text in drawn.values()}
    assert {"▲", "▼"} < ends
    cells = np.asarray(_gid(ax, "cells").get_array()).reshape(5, 5)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(cells[:, 0], t.overall.estimate)
    np.testing.assert_array_equal(cells[:, 1:].ravel(), t.estimate)


def test_shades_of_a_battery_leave_the_numbers_readable_and_work_in_grey() -> None:
    from qstats.figures.satisfaction import _SHADES

    def luminance(rgb: np.ndarray) -> np.ndarray:
        # WCAG 2.2, definition of relative luminance
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    seen = luminance(_SHADES(np.linspace(0, 1, 50))[:, :3])
    ink = float(luminance(np.full(3, 0x22 / 255)))
    assert ((seen + 0.05) / (ink + 0.05)).min() > 7.0  # success criterion 1.4.6
    assert (np.diff(seen) < 0).all()


def test_a_question_nobody_answered_in_a_segment_is_a_dash() -> None:
    frame = pd.DataFrame({"q": [5, 4, 1, np.nan, np.nan], "r": [1, 2, 3, 4, 5], "by": list("aaabb")})
    t = qstats.battery(frame, items=["q", "r"], by="by", missing="drop")
    drawn = {(round(x.get_position()[0]), round(x.get_position()[1])): x.get_text() for x in plot(t).texts}
    assert drawn[2, 0] == "–"
    assert drawn[1, 0] == "67"


def test_a_large_battery_says_what_it_leaves_out() -> None:
    ax = plot(_battery(45, 20, 40))
    assert _rows(ax)[-1] == "5 more"
    assert len(ax.texts) == 40 * 16
    assert "5 more segments not shown" in ax.get_xlabel()
    assert len(ax.get_xticks()) == 16


def test_twenty_one_questions_by_seven_segments_do_not_overlap() -> None:
    if len(font_families()) == 1:
        pytest.skip("no Chinese font on this machine")
    ax = plot(_battery(21, 7, 60))
    _render(ax)
    for labels in (list(ax.texts), ax.get_xticklabels(), ax.get_yticklabels()):
        boxes = [t.get_window_extent() for t in labels if t.get_text()]
        assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


def test_a_battery_without_segments_is_a_forest_best_first() -> None:
    t = qstats.battery({"a": [5, 4, 1, 1], "b": [5, 5, 5, 1], "c": [1, 1, 1, 5]})
    ax = plot(t)
    assert _rows(ax) == ["b", "a", "c"]
    assert _marks(ax)[0] == {0: 0.75, 1: 0.5, 2: 0.25}


def test_filled_and_marked_is_what_stands_after_adjustment() -> None:
    for name in ("segments", "nps segments", "battery"):
        t = RESULTS[name]()
        nothing = replace(t, pvalue=np.zeros(len(t)), adjusted=np.ones(len(t)))  # type: ignore[type-var, arg-type]
        everything = replace(t, pvalue=np.ones(len(t)), adjusted=np.zeros(len(t)))  # type: ignore[type-var, arg-type]
        if name == "battery":
            assert not [x for x in plot(nothing).texts if x.get_text()[-1] in "▲▼"]
            assert len([x for x in plot(everything).texts if x.get_text()[-1] in "▲▼"]) == len(t)  # type: ignore[arg-type]
        else:
            assert _marks(plot(nothing))[1] == set()
            assert len(_marks(plot(everything))[1]) == len(t)  # type: ignore[arg-type]


# --- drivers ------------------------------------------------------------------------------------------------------


def test_drivers_show_shares_ranks_and_direction() -> None:
    r = qstats.key_drivers(_drivers(), outcome="总体", resamples=200, rng=1)
    ax = plot(r)
    order = np.argsort(r.rank)
    places, _ = _marks(ax)
    assert [places[i] for i in range(4)] == r.share[order].tolist()
    np.testing.assert_array_equal(_segments(ax, "intervals"), np.column_stack([r.interval.low, r.interval.high])[order])
    beside = [t.get_text() for t in ax.texts]
    for text, i in zip(beside, order, strict=True):
        low, high = int(r.rank_low[i]), int(r.rank_high[i])
        assert f"rank {low}-{high}" in text if low < high else f"rank {low} " in text
        assert text.endswith(f"r {r.correlation[i]:+.2f}".replace("-", "−"))
    assert any("−" in text for text in beside)
    assert "Share of explained variance" in ax.get_xlabel()
    assert "not effect of improving" in ax.get_xlabel()
    assert "并非改进的效果" in plot(r, lang="zh").get_xlabel()
    assert f"{r.r2:.1%}" in ax.get_title(loc="left")


def test_importance_regions_hold_the_bootstrap_mass_they_claim() -> None:
    r = qstats.importance_performance(_drivers(), outcome="总体", resamples=300, rng=1, confidence=0.9)
    ax = plot(r)
    # Mahalanobis distance of the border: the 90 % quantile of chi-square with 2 df is -2 log(0.1).
    for i in range(len(r)):
        border = np.array(_xy(ax, f"region {i}"))[:, ::-1] - [r.importance[i], r.performance[i]]
        distance = np.einsum("ki,ij,kj->k", border, np.linalg.inv(r.covariance[i]), border)
        np.testing.assert_allclose(distance, -2.0 * math.log(0.1), rtol=1e-9)
        assert _xy(ax, f"item {i}") == [(r.performance[i], r.importance[i])]
    assert _xy(ax, "importance cross")[0][1] == r.cross[0]
    assert _xy(ax, "performance cross")[0][0] == r.cross[1]


def test_a_quadrant_is_named_only_where_it_is_resolved() -> None:
    r = qstats.importance_performance(_drivers(), outcome="总体", resamples=200, rng=1)
    assert "unresolved" in r.quadrant
    assert len(set(r.quadrant)) > 1
    ax = plot(r)
    for i, name in enumerate(r.quadrant):
        open_mark = same_color(_gid(ax, f"item {i}").get_markerfacecolor(), "white")  # type: ignore[attr-defined]
        assert open_mark == (name == "unresolved")
    corners = {t.get_text() for t in ax.texts} & set(QUADRANTS)
    assert corners == set(r.quadrant) - {"unresolved"}
    listed = _gid(ax, "list").get_text().split("\n")  # type: ignore[attr-defined]
    order = np.argsort(-r.importance)
    assert [line.rsplit("  ·  ", 1)[1] for line in listed] == [r.quadrant[i] for i in order]
    zh = _gid(plot(r, lang="zh"), "list").get_text()  # type: ignore[attr-defined]
    assert "未定" in zh
    assert "unresolved" not in zh


def test_numbers_of_many_items_keep_their_distance_and_point_home() -> None:
    r = qstats.importance_performance(_drivers(45, 300), outcome="总体", importance="share", resamples=200, rng=1)
    ax = plot(r)
    numbers = [t for t in ax.texts if t.get_text().isdigit()]
    assert sorted(int(t.get_text()) for t in numbers) == list(range(1, 46))
    assert "5 more" in _gid(ax, "list").get_text()  # type: ignore[attr-defined]
    _render(ax)
    boxes = [matplotlib.text.Text.get_window_extent(t) for t in numbers]
    over = sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert over <= 2


def test_kano_draws_both_coefficients_with_their_intervals() -> None:
    r = qstats.kano_from_counts(SIX)
    ax = plot(r)
    for gid, mark, value, limits in (
        ("intervals", "o", r.better, r.better_interval),
        ("worse intervals", "s", r.worse, r.worse_interval),
    ):
        np.testing.assert_array_equal(_segments(ax, gid), np.column_stack([limits.low, limits.high]))
        places, filled = _marks(ax, mark)
        np.testing.assert_array_equal([places[i] for i in range(len(r))], value)
        assert filled == {i for i, c in enumerate(r.category) if c != "unresolved"} == {0, 2, 3}
    # 39 of 51 better, 35 of 51 worse: Berger et al. (1993), and the sums of the row "refund"
    assert _marks(ax)[0][0] == pytest.approx(39 / 51)
    assert _marks(ax, "s")[0][0] == pytest.approx(-35 / 51)
    beside = [t.get_text() for t in ax.texts]
    assert "unresolved (attractive/one-dimensional)  ·  n 51" in beside
    assert ax.get_title(loc="left") == "Kano: 3 of 4 categories decided at 95%; open: not decided"


def test_kano_categories_in_chinese() -> None:
    texts = _texts(plot(qstats.kano_from_counts(SIX), lang="zh"))
    assert "期望  ·  n 51" in texts
    assert "必备  ·  n 48" in texts
    assert "未定（魅力/期望）  ·  n 51" in texts


def test_many_features_keep_the_title_off_the_names_of_the_sides() -> None:
    rng = np.random.default_rng(3)
    ax = plot(qstats.kano_from_counts({f"feature {i}": rng.integers(1, 30, 6) for i in range(50)}))
    assert _rows(ax)[-1] == "10 more"
    _render(ax)
    title = ax.title if ax.title.get_text() else ax._left_title
    sides = [t for t in ax.texts if t.get_text().startswith(("better", "worse"))]
    assert len(sides) == 2
    assert not any(title.get_window_extent().overlaps(matplotlib.text.Text.get_window_extent(t)) for t in sides)


# --- NPS, groups, service -----------------------------------------------------------------------------------------


def test_nps_bar_interval_and_answers() -> None:
    scores = [0, 6, 6, 7, 8, 9, 10, 10, 10, 10]
    r = qstats.nps(scores)
    above, below = plot(r).figure.axes
    bars = {b.get_gid(): (b.get_x(), b.get_width()) for b in above.patches}
    assert bars["detractors"] == pytest.approx((-30.0, 30.0))
    assert bars["promoters"] == pytest.approx((0.0, 50.0))
    assert _xy(above, "estimate") == [(pytest.approx(20.0), 0.35)]
    assert [x for x, _ in _xy(above, "interval")] == [r.interval.low, r.interval.high]
    heights = {round(b.get_x() + b.get_width() / 2): b.get_height() for b in below.patches}
    assert heights == pytest.approx({i: 10.0 * scores.count(i) for i in range(11)})
    assert below.get_xlabel() == "Score, 10 answers"
    assert len(plot(qstats.nps_from_counts(detractors=5, passives=90, promoters=3)).figure.axes) == 1


def test_nps_segments_best_first() -> None:
    t = qstats.nps(_answers(), values="s", by="by")
    ax = plot(t)
    order = np.argsort(-t.estimate, kind="stable")
    assert [_marks(ax)[0][i] for i in range(4)] == t.estimate[order].tolist()
    assert [x for x, _ in _xy(ax, "second")] == t.shrunk[order].tolist()
    assert _marks(ax)[1] == set(np.flatnonzero(t.adjusted[order] < 0.05).tolist())


def test_waves_of_nps_are_a_control_chart() -> None:
    frame = pd.DataFrame(
        {"s": [10, 10, 0, 9, 7, 0, 8, 10, 3, 10, 10, 10], "wave": np.repeat(["2024年1月", "2024年2月", "2024年3月"], 4)}
    )
    chart = qstats.nps_chart(frame, values="s", by="wave")
    ax = plot(chart, lang="zh")
    line = next(line for line in ax.lines if line.get_label() == "_statistic")
    # Promoters less detractors of four, by hand: 3 - 1, 1 - 1, 3 - 1.
    assert np.asarray(line.get_ydata()).tolist() == pytest.approx([50.0, 0.0, 50.0])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2024年1月", "2024年2月", "2024年3月"]


def test_forest_clips_ends_that_are_infinite_and_keeps_the_axis_finite() -> None:
    ax = new_axes()[0]
    inf = math.inf
    rows = Forest(["a", "b", "c"], np.array([1.0, inf, 2.0]), np.array([0.5, 1.5, -inf]), np.array([2.0, inf, 3.0]))
    draw_forest(ax, rows, "x", "en")
    assert np.isfinite(ax.get_xlim()).all()
    assert _segments(ax, "intervals").tolist() == [[0.5, 2.0], [1.5, 3.0], [0.5, 3.0]]


def test_forest_cuts_after_forty_rows_and_says_so() -> None:
    ax = new_axes()[0]
    x = np.arange(43.0)
    draw_forest(ax, Forest([f"r{i}" for i in range(43)], x, x - 1, x + 1), "x", "zh")
    assert _rows(ax) == [*(f"r{i}" for i in range(MOST)), "其余 3 项"]
    assert len(_marks(ax)[0]) == MOST


def test_groups_stand_in_the_order_given_under_the_test_of_all() -> None:
    g = qstats.compare_proportion_groups([5, 30, 44], [60, 60, 70], labels=["z", "a", "m"])
    ax = plot(g)
    assert _rows(ax) == ["z", "a", "m"]
    assert _marks(ax)[0] == pytest.approx({0: 5 / 60, 1: 30 / 60, 2: 44 / 70})
    assert f"p {g.pvalue:.2g}" in ax.get_title(loc="left")


def test_survival_is_a_step_with_ticks_where_something_was_still_open() -> None:
    # Kaplan & Meier by hand: 5/6, 4/6; one leaves open at 3; 4/6 * 2/3 at 4; one at 5; zero at 6.
    c = qstats.survival_curve([1.0, 2, 3, 4, 5, 6], [1, 1, 0, 1, 0, 1])
    ax = plot(c)
    drawn = dict(_xy(ax, "curve 0"))
    assert [drawn[t] for t in (0, 1, 2, 4, 6)] == pytest.approx([1, 5 / 6, 4 / 6, 4 / 9, 0])
    assert _xy(ax, "open 0") == [(3.0, pytest.approx(4 / 6)), (5.0, pytest.approx(4 / 9))]
    assert "Median 4" in ax.get_title(loc="left")


def test_a_median_never_reached_is_infinite_in_words_and_has_no_line() -> None:
    ax = plot(qstats.survival_curve([1.0, 2, 3, 4], [1, 0, 0, 0]))
    assert "∞" in ax.get_title(loc="left")
    assert not [line for line in ax.lines if line.get_gid() == "median"]


def test_open_tickets_are_ticks_on_the_curve() -> None:
    r = qstats.resolution_time(_tickets(), **CASE)
    ax = plot(r)
    assert r.waiting > 0
    assert len(_xy(ax, "open 0")) == r.waiting  # opening times are all different
    assert "hours" in ax.get_xlabel()
    assert "小时" in plot(r, lang="zh").get_xlabel()


def test_of_many_groups_the_largest_are_drawn() -> None:
    t = qstats.resolution_time(_tickets(8), by="g", **CASE)
    ax = plot(t)
    assert sum(str(line.get_gid()).startswith("curve") for line in ax.lines) == 6
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "2 more"
    assert t.logrank is not None
    assert f"p {t.logrank.pvalue:.2g}" in ax.get_title(loc="left")


def test_churn_has_a_line_at_its_horizon() -> None:
    r = qstats.churn(_tickets(), **LIFE)
    ax = plot(r)
    assert [20, 20] in [list(line.get_xdata()) for line in ax.lines]
    assert f"{r.estimate:.1%}" in ax.get_title(loc="left")


@pytest.mark.parametrize("effect", ["top_box", "mean", "superiority"])
def test_a_comparison_of_satisfaction_has_words_for_its_effect(effect: str) -> None:
    c = qstats.compare_csat([5, 4, 3, 2, 5, 4], [1, 2, 3, 4, 2, 3], effect=effect)
    for lang in ("en", "zh"):
        ax = plot(c, lang=lang)
        assert "_" not in ax.get_title(loc="left")
        assert bool(re.search(r"[\u4e00-\u9fff]", ax.get_xlabel())) == (lang == "zh")
    assert same_color(_gid(ax, "estimate").get_color(), PALETTE["blue"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("closed", [[0] * 6, [0, 0, 1, 1, 1, 1], [1] * 6])
def test_groups_of_which_nothing_ended_are_drawn_without_a_warning(closed):
    ax = qstats.plot(qstats.compare_time_groups([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], closed, list("aabbcc")))
    assert len([t for t in ax.texts if "∞" in t.get_text()]) == (3 if not any(closed) else int(not closed[0]))
