"""Draw a cause tree as a fishbone: rows of text along slanted bones, so that forty causes stay readable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, font_families, in_house_style, text_width, wrap, write_title
from qstats.figures.words import word
from qstats.improve.causes.node import CauseNode
from qstats.improve.causes.tree import CauseTree

__all__ = ["draw_fishbone"]

# All lengths in inches of the figure made for the tree; on a smaller Axes everything shrinks together.
_SIZE = 8.5  # points of a cause
_WIDE, _NARROW = 0.121, 0.071  # width of a Chinese and of a Latin letter of that size
_LINE = 0.155  # height of one line of text
_GAP = 0.11  # between two rows
_SLANT = 0.42  # how far a bone leans for each inch of height
_INDENT = 0.16  # from a cause to the trunk of those under it
_STEM = 0.12  # from the text to the bone
_BOX = 0.30  # height of a category's box
_WIDTH = 30  # columns of one line of a cause
_LINES = 3
_HEAD = 22  # columns of one line of the problem

_LOOK = {
    "open": ("o", "white", INK["text"]),
    "confirmed": ("D", PALETTE["vermilion"], PALETTE["vermilion"]),
    "rejected": ("x", INK["soft"], INK["soft"]),
}


def _inches(text: str, size: float = _SIZE) -> float:
    """Return the width of the longest line, on the safe side."""

    def one(line: str) -> float:
        wide = text_width(line) - len(line)
        return (_WIDE * wide + _NARROW * (len(line) - wide)) * size / _SIZE

    return max(one(line) for line in text.split("\n"))


@dataclass(frozen=True, slots=True)
class _Row:
    """One cause as it is drawn: the line under its text, from the foot of its bone; `trunk` holds those under it."""

    node: CauseNode
    text: str
    start: float
    end: float
    base: float
    right: float  # end of the text
    above: int | None
    trunk: float


@dataclass(frozen=True, slots=True)
class _Bone:
    """A category (or, where there are none, a first cause) with its rows, and the room it takes."""

    text: str
    node: CauseNode | None
    rows: tuple[_Row, ...]
    height: float
    reach: float  # how far the longest row stands out to the left of the bone
    half: float  # half the width of its box


def _row_text(node: CauseNode, many: bool) -> str:
    text = wrap(node.text, _WIDTH, _LINES)
    if node.test is None:
        return text
    return f"{text}\np {node.test.pvalue:.2g}" + (f", Holm {node.adjusted:.2g}" if many else "")


def _place_rows(walked: list[tuple[CauseNode, int]], side: int, height: float, texts: list[str]) -> tuple[_Row, ...]:
    """Place rows from top to bottom; causes under one cause end at one upright trunk, left of the bone."""
    at = {node.id: i for i, (node, _) in enumerate(walked)}
    y = height - 0.2 if side > 0 else -0.05
    base, bone = [], []
    for text in texts:
        y -= _LINE * (text.count("\n") + 1) + _GAP
        base.append(y + _GAP * 0.55)
        bone.append(-_SLANT * abs(base[-1]))
    above = [None if level == 1 else at[node.parent or ""] for node, level in walked]
    nearest = bone.copy()  # the leftmost place of the bone along a cause and those right under it
    for i, up in enumerate(above):
        if up is not None:
            nearest[up] = min(nearest[up], bone[i])
    end, trunk, rows = [0.0] * len(texts), [0.0] * len(texts), []
    parents = set(above)
    for i, ((node, _), text) in enumerate(zip(walked, texts, strict=True)):
        up = above[i]
        end[i] = bone[i] if up is None else trunk[up]
        trunk[i] = min(end[i], nearest[i]) - _INDENT
        # Above the spine the bone leans over the text: the more lines, the further it keeps away.
        lean = _SLANT * _LINE * (text.count("\n") + 1) if side > 0 and up is None else 0.0
        right = end[i] - _STEM - lean
        start = right - _inches(text)
        start = min(start, trunk[i] - 0.05) if i in parents else start
        rows.append(_Row(node, text, start, end[i], base[i], right, up, trunk[i]))
    return tuple(rows)


def _bone(text: str, node: CauseNode | None, walked: list[tuple[CauseNode, int]], side: int, many: bool) -> _Bone:
    texts = [_row_text(n, many) for n, _ in walked]
    height = max(sum(_LINE * (t.count("\n") + 1) + _GAP for t in texts) + 0.25, 0.75)
    rows = _place_rows(walked, side, height, texts)
    reach = max([-_SLANT * abs(r.base) - r.start for r in rows], default=0.0)
    text = wrap(text, _HEAD, 1)
    half = _inches(text, 9.5) / 2.0 + 0.1
    return _Bone(text, node, rows, height, max(reach, half), half)


def _bones(tree: CauseTree) -> list[_Bone]:
    """Return the bones in order; a tree without categories (five whys) has one for each first cause."""
    walked = list(tree.walk())
    many = sum(n.test is not None for n in tree.nodes) > 1
    if tree.categories:
        return [
            _bone(c.text, None, [(n, k) for n, k in walked if n.category == c.key], 1 - 2 * (i % 2), many)
            for i, c in enumerate(tree.categories)
        ]
    start = [i for i, (_, level) in enumerate(walked) if level == 1]
    bones: list[_Bone] = []
    for i, j in zip(start, [*start[1:], len(walked)], strict=True):
        first = walked[i][0]
        under = [(n, k - 1) for n, k in walked[i + 1 : j]]
        bones.append(_bone(first.text, first, under, 1 - 2 * (len(bones) % 2), many))
    return bones


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where each bone meets the spine (at height 0), and the room the whole takes."""

    feet: tuple[float, ...]
    length: float
    up: float
    down: float
    head: str
    head_width: float


def _layout(bones: list[_Bone], problem: str) -> _Layout:
    """Put the bones in pairs along the spine, above and below, each as close as its neighbour's text allows."""
    head = wrap(problem, _HEAD, 4)
    up = max([b.height for b in bones[0::2]], default=0.6)
    down = max([b.height for b in bones[1::2]], default=0.4)
    feet: list[float] = []
    x = 0.15
    last = {0: 0.0, 1: 0.0}  # right edge that is taken, above and below
    for i in range(0, len(bones), 2):
        here = bones[i : i + 2]
        # Text of row at height y ends at the bone there; the neighbour to the left leans the same way, so what counts
        # is the distance along the spine.
        foot = max(x, *(last[k] + b.reach + (_SLANT * b.height if i == 0 else 0.0) for k, b in enumerate(here)))
        for k, b in enumerate(here):
            feet.append(foot)
            last[k] = foot + max(0.25, b.half + 0.08)
        x = foot + 0.4
    length = (max(feet) if feet else 1.5) + 0.45
    width = _inches(head, 10.5) + 0.3
    return _Layout(tuple(feet), length, up + _BOX, down + _BOX, head, width)


class _Pen:
    """Writes and draws in inches of the layout; `scale` makes text as small as the Axes is."""

    def __init__(self, ax: Axes, scale: float) -> None:
        self.ax = ax
        self.scale = scale

    def line(self, x: tuple[float, float], y: tuple[float, float], width: float, color: str, gid: str) -> None:
        self.ax.plot(x, y, color=color, linewidth=width * self.scale, solid_capstyle="round", zorder=2, gid=gid)

    def text(self, x: float, y: float, text: str, *, size: float = _SIZE, **look: Any) -> None:
        self.ax.text(
            x, y, text, fontsize=size * self.scale, fontfamily=font_families(), parse_math=False, linespacing=1.15,
            zorder=4, **look,
        )  # fmt: skip

    def mark(self, x: float, y: float, status: str) -> None:
        marker, fill, edge = _LOOK[status]
        self.ax.plot(
            [x], [y], marker, markersize=5.2 * self.scale, markerfacecolor=fill, markeredgecolor=edge,
            markeredgewidth=1.3 * self.scale, zorder=5, gid=f"status-{status}",
        )  # fmt: skip


def _draw_bone(pen: _Pen, bone: _Bone, foot: float, side: int) -> None:
    """Draw one bone above (1) or below (-1) the spine; its rows are read from top to bottom on both sides."""
    tip_x, tip_y = foot - _SLANT * bone.height, side * bone.height
    pen.line((foot, tip_x), (0.0, tip_y), 1.8, INK["line"], "bone")
    status = None if bone.node is None else bone.node.status
    edge = INK["line"] if status is None else _LOOK[status][2]
    box = {"boxstyle": "round,pad=0.35", "facecolor": INK["shade"], "edgecolor": edge, "linewidth": 1.0 * pen.scale}
    pen.text(tip_x, tip_y + side * 0.12, bone.text, size=9.5, ha="center", va="center", bbox=box, gid="category")
    for row in bone.rows:
        color = _LOOK[row.node.status][2]
        line = color if row.node.status != "open" else INK["soft"]
        pen.line((foot + row.start, foot + row.end), (row.base, row.base), 0.9, line, "cause")
        if row.above is not None:
            x, top = foot + row.end, bone.rows[row.above].base
            pen.line((x, x), (row.base, top), 0.9, INK["soft"], "trunk")
        pen.text(foot + row.right, row.base + 0.03, row.text, ha="right", multialignment="left", va="bottom",
                 color=color, gid="text")  # fmt: skip
        if row.node.status != "open" or row.node.test is not None:
            pen.mark(foot + row.end, row.base, row.node.status)


def _draw_head(pen: _Pen, layout: _Layout) -> None:
    pen.line((0.0, layout.length), (0.0, 0.0), 2.6, INK["line"], "spine")
    pen.ax.annotate(
        "", xy=(layout.length + 0.12, 0.0), xytext=(layout.length - 0.05, 0.0),
        arrowprops={"arrowstyle": "-|>", "color": INK["line"], "linewidth": 2.0 * pen.scale,
                    "mutation_scale": 16 * pen.scale},
    )  # fmt: skip
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK["line"], "linewidth": 1.6 * pen.scale}
    middle = layout.length + 0.12 + layout.head_width / 2.0
    pen.text(middle, 0.0, layout.head, size=10.5, ha="center", va="center", bbox=box, gid="problem")


def _legend(pen: _Pen, tree: CauseTree, lang: str, x: float, y: float) -> None:
    """Name the marks that are there: only causes somebody has judged carry one."""
    shown = [s for s in _LOOK if any(n.status == s and (s != "open" or n.test is not None) for n in tree.nodes)]
    for status in shown:
        name = word(f"cause {status}", lang)
        pen.mark(x, y, status)
        pen.text(x + 0.1, y, name, ha="left", va="center", color=INK["soft"])
        x += 0.35 + _inches(name)


@in_house_style
def draw_fishbone(tree: CauseTree, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw a cause tree as a fishbone; the figure grows with the tree, so that the text keeps its size.

    A cause that was tested or judged has a mark: filled diamond and colour for confirmed; cross and grey for
    rejected; hollow circle for tested and still open. Long texts take up to three lines and are cut after that; all of
    each is in ``tree.to_markdown()``.

    Parameters
    ----------
    tree : CauseTree
    ax : matplotlib Axes, optional
        On a small one the text shrinks with the drawing.
    lang : {"en", "zh"}
        Of the legend; categories have the language of the tree.
    title : str, optional
    """
    bones = _bones(tree)
    layout = _layout(bones, tree.problem)
    wide, legend = layout.length + layout.head_width + 0.35, 0.35
    high = layout.up + layout.down + legend + 0.2
    if ax is None:
        ax = new_axes(max(wide, 4.0), high + (0.35 if title else 0.1))[0]
    ax.set_axis_off()
    ax.set_xlim(-0.1, wide - 0.1)
    ax.set_ylim(-layout.down - legend - 0.1, layout.up + 0.1)
    ax.set_aspect("equal", adjustable="box", anchor="W")
    root: Any = ax.figure.figure
    root.draw_without_rendering()  # the constrained layout settles here, before text is sized by it
    room = ax.get_window_extent()
    scale = min(1.0, room.width / root.dpi / wide, room.height / root.dpi / high)
    pen = _Pen(ax, scale)
    _draw_head(pen, layout)
    for i, (bone, foot) in enumerate(zip(bones, layout.feet, strict=True)):
        _draw_bone(pen, bone, foot, 1 if i % 2 == 0 else -1)
    _legend(pen, tree, lang, 0.1, -layout.down - legend + 0.05)
    if title:
        write_title(ax, title)
    return ax
