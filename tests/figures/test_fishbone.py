"""The fishbone is checked by its artists: every cause is there, nothing lies on anything else, marks say the state."""

import itertools
import re

import matplotlib
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from qstats import Comparison, Interval
from qstats.figures.fishbone import draw_fishbone
from qstats.figures.output import svg_text, write_figure
from qstats.improve.causes.tree import CauseTree

from .conftest import HOSTILE

NAMES = "人机料法环测"


def _ratio(low: float, high: float, p: float) -> Comparison:
    return Comparison(
        "rate_ratio", (low * high) ** 0.5, Interval(low, high, 0.95), p, "two-sided", 1.0, None, (1, 2), "m", "r"
    )


def _grown(causes: int, text: str) -> CauseTree:
    """A tree of `causes` causes over the six M, every third one under another."""
    tree = CauseTree("华东区域客户投诉：配送延迟与包装破损，比去年同期上升", lang="zh")
    for i in range(causes):
        parent = f"c{i}" if i % 3 == 2 else NAMES[i // 2 % 6]
        tree = tree.add(parent, f"{text}{i}")
    return tree


def _texts(ax: Axes, gid: str) -> list[matplotlib.text.Text]:
    return [t for t in ax.texts if t.get_gid() == gid]


def _overlaps(ax: Axes) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes on the canvas share more than a pixel."""
    FigureCanvasAgg(ax.figure).draw()
    boxes = [(t.get_text(), t.get_window_extent()) for t in ax.texts if t.get_text()]
    return [
        (a, b)
        for (a, x), (b, y) in itertools.combinations(boxes, 2)
        if min(x.x1, y.x1) - max(x.x0, y.x0) > 1 and min(x.y1, y.y1) - max(x.y0, y.y0) > 1
    ]


def _crossings(ax: Axes) -> list[str]:
    """Texts of causes that a bone runs through."""
    FigureCanvasAgg(ax.figure).draw()
    hit = []
    bones = [ax.transData.transform(line.get_xydata()) for line in ax.lines if line.get_gid() == "bone"]
    for t in _texts(ax, "text"):
        box = t.get_window_extent()
        for (x0, y0), (x1, y1) in bones:
            for y in (box.y0, box.y1):
                x = x0 + (x1 - x0) * (y - y0) / (y1 - y0)
                if min(y0, y1) <= y <= max(y0, y1) and box.x0 < x < box.x1:
                    hit.append(t.get_text())
    return hit


@pytest.mark.parametrize("causes", [0, 3, 12, 40])
@pytest.mark.parametrize(
    "text", ["扫码枪断网", "Shift handover skipped ", "夏季高温车厢内超过四十度导致胶带失效并且标签无法识别"]
)
def test_every_cause_is_readable(causes: int, text: str) -> None:
    tree = _grown(causes, text)
    ax = draw_fishbone(tree, lang="zh")
    drawn = [re.sub(r"\s", "", t.get_text()) for t in _texts(ax, "text")]
    assert sorted(drawn) == sorted(re.sub(r"\s", "", n.text) for n in tree.nodes)
    assert len(_texts(ax, "category")) == 6
    assert _overlaps(ax) == []
    assert _crossings(ax) == []
    assert min(t.get_fontsize() for t in _texts(ax, "text") or _texts(ax, "category")) >= 8


def test_everything_stays_inside_the_figure() -> None:
    ax = draw_fishbone(_grown(40, "配送延迟的可能原因之一"), title="四十个原因")
    FigureCanvasAgg(ax.figure).draw()
    page = ax.figure.bbox
    for t in ax.texts:
        if t.get_text():
            box = t.get_window_extent()
            assert page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1, t.get_text()
            assert page.y0 - 1 <= box.y0 and box.y1 <= page.y1 + 1, t.get_text()


def test_states_have_a_shape_as_well_as_a_colour() -> None:
    tree = CauseTree("x").add("机", "a").add("人", "b").add("法", "c").add("料", "d")
    tree = tree.attach("c1", _ratio(1.5, 3.0, 0.001), confirms="greater")
    tree = tree.attach("c2", _ratio(0.8, 1.2, 0.9), confirms="greater", relevant=1.5)
    tree = tree.attach("c3", _ratio(0.8, 1.9, 0.4), confirms="greater")
    ax = draw_fishbone(tree)
    marks = [(line.get_gid(), line.get_marker()) for line in ax.lines if str(line.get_gid()).startswith("status")]
    # one on the bone and one in the legend each; the cause nobody judged has none
    assert sorted(marks) == sorted(2 * [("status-confirmed", "D"), ("status-rejected", "x"), ("status-open", "o")])
    legend = {t.get_text() for t in ax.texts} & {"confirmed", "rejected", "tested, still open"}
    assert len(legend) == 3
    assert any("p 0.001, Holm 0.003" in t.get_text() for t in _texts(ax, "text"))
    one = draw_fishbone(CauseTree("x").add("机", "a").attach("c1", _ratio(1.5, 3.0, 0.001), confirms="greater"))
    assert _texts(one, "text")[0].get_text() == "a\np 0.001"  # Holm says nothing new about one test


def test_five_whys_hang_from_their_first_answer() -> None:
    tree = CauseTree("机器停机", "5whys", "zh")
    for i, text in enumerate(["保险丝烧断", "润滑不足", "泵供油不足", "泵轴磨损", "没有滤网"]):
        tree = tree.add(f"c{i}" if i else None, text)
    ax = draw_fishbone(tree, lang="zh")
    assert [t.get_text() for t in _texts(ax, "category")] == ["保险丝烧断"]
    rows = _texts(ax, "text")
    assert [t.get_text() for t in rows] == ["润滑不足", "泵供油不足", "泵轴磨损", "没有滤网"]
    right = [t.get_position()[0] for t in rows]
    assert right == sorted(right, reverse=True)  # each deeper one further from the bone
    assert sum(line.get_gid() == "trunk" for line in ax.lines) == 3


def test_a_small_axes_shrinks_text_and_drawing_together() -> None:
    tree = _grown(40, "配送延迟的原因")
    figure = Figure(figsize=(5, 3))
    ax = draw_fishbone(tree, figure.subplots(), lang="zh")
    assert ax.figure is figure
    assert max(t.get_fontsize() for t in _texts(ax, "text")) < 6
    assert _overlaps(ax) == []


def test_hostile_text_is_text(tmp_path: object) -> None:
    tree = CauseTree(HOSTILE).add("机", HOSTILE).add("c1", "a\nb\u2028c").add("人", "$x_1$ \\frac")
    svg = svg_text(draw_fishbone(tree, title=HOSTILE).figure)
    assert "<script" not in svg
    assert "a b c" in svg
    assert "$x_1$ \\frac" in svg
    assert write_figure(draw_fishbone(tree).figure, f"{tmp_path}/fishbone.png").stat().st_size > 5000


def test_settings_of_matplotlib_are_left_alone() -> None:
    before = dict(matplotlib.rcParams)
    draw_fishbone(_grown(3, "原因"))
    assert dict(matplotlib.rcParams) == before
