"""Draw satisfaction and effort: the answers with share and mean, segments as a forest, a battery as a shaded table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from qstats._core.arrays import BoolArray, FloatArray
from qstats.figures.axes import percent_axis, points_wide
from qstats.figures.forest import MOST, Forest, draw_forest, forest_axes
from qstats.figures.output import new_axes
from qstats.figures.style import (
    INK,
    PALETTE,
    clean_text,
    in_house_style,
    name_axis,
    text_width,
    user_ticks,
    wrap,
    write_title,
)
from qstats.figures.words import word
from qstats.voice.satisfaction.result import BatteryTable, Satisfaction, SegmentTable

__all__ = ["draw_battery", "draw_satisfaction", "draw_segment_table"]

_GOOD: dict[str, Any] = {"color": PALETTE["blue"], "edgecolor": "white", "gid": "satisfied"}
_REST: dict[str, Any] = {"color": INK["faint"], "edgecolor": "white", "hatch": "////", "gid": "others"}
_ROWS, _COLUMNS = 40, 16  # most on a page
_NAME = 34  # columns of an item on one line
# Light enough everywhere for dark numbers: lightness alone carries the shade, so grey print keeps it.
_SHADES = LinearSegmentedColormap.from_list("qstats_shades", ["#FAFCFE", "#8FBFE0"]).with_extremes(bad="#E2E2E2")


def _level(confidence: float) -> str:
    return f"{100 * confidence:.4g}%"


def _boxes(boxes: tuple[int, ...]) -> str:
    return f"{boxes[0]}" if len(boxes) == 1 else f"{boxes[0]}–{boxes[-1]}"


def _share_title(r: Satisfaction, lang: str) -> str:
    shown = {"estimate": f"{r.estimate:.1%}", "low": f"{r.interval.low:.1%}", "high": f"{r.interval.high:.1%}"}
    text = word("effect interval", lang, level=_level(r.interval.confidence), **shown)
    return word("satisfaction title", lang, metric=r.metric, boxes=_boxes(r.boxes), text=text)


def _share_bar(ax: Axes, r: Satisfaction) -> None:
    """Draw the share of satisfied answers as a part of all, its interval below."""
    ax.barh([1.0], [r.estimate], height=0.5, **_GOOD)
    ax.barh([1.0], [1.0 - r.estimate], left=r.estimate, height=0.5, **_REST)
    line: dict[str, Any] = {"color": INK["text"], "zorder": 4, "clip_on": False}
    ends = [r.interval.low, r.interval.high]
    ax.plot(ends, [0.35, 0.35], linewidth=2.4, solid_capstyle="butt", gid="interval", **line)
    ax.plot(ends, [0.35, 0.35], "|", markersize=10, **line)
    ax.plot([r.estimate], [0.35], "D", markersize=7, gid="estimate", **line)
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(0.0, 1.35)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    percent_axis(ax, "x")


def _mean_mark(ax: Axes, r: Satisfaction, height: float, lang: str) -> None:
    line: dict[str, Any] = {"color": INK["text"], "zorder": 4}
    ends = [r.mean_interval.low, r.mean_interval.high]
    ax.plot(ends, [height, height], linewidth=2.0, solid_capstyle="butt", gid="mean interval", **line)
    ax.plot(ends, [height, height], "|", markersize=8, **line)
    ax.plot([r.mean], [height], "D", markersize=6, gid="mean", **line)
    shown = {"estimate": f"{r.mean:.2f}", "low": f"{ends[0]:.2f}", "high": f"{ends[1]:.2f}"}
    text = word("effect interval", lang, level=_level(r.mean_interval.confidence), **shown)
    place = (r.mean - r.scale[0]) / (r.scale[1] - r.scale[0])
    ax.annotate(
        f"{word('mean', lang)} {text}", (r.mean, height), xytext=(0, 7), textcoords="offset points", va="bottom",
        ha="left" if place < 1 / 3 else "right" if place > 2 / 3 else "center", fontsize=8.5,
    )  # fmt: skip


def _answers(ax: Axes, r: Satisfaction, lang: str) -> None:
    levels = np.arange(r.scale[0], r.scale[1] + 1)
    share = np.asarray(r.shares)
    good = np.isin(levels, r.boxes)
    for some, how in ((good, _GOOD), (~good, _REST)):
        if some.any():
            ax.bar(levels[some], share[some], width=0.78, **{**how, "gid": f"answers {how['gid']}"})
    room = points_wide(ax) / levels.size
    for at, value in zip(levels, share, strict=True):
        text = f"{100 * value:.0f}%" if value >= 0.005 or value == 0 else "<1%"
        if room > 24:  # points a label takes; on long scales the height has to do
            ax.text(float(at), value, text, ha="center", va="bottom", fontsize=8)
    step = next((s for s in (1, 2, 5, 10) if s * room >= 16), 20)
    user_ticks(ax, "x", levels[::step].tolist(), [str(v) for v in levels[::step]])
    top = float(share.max())
    _mean_mark(ax, r, 1.22 * top, lang)
    ax.set_xlim(r.scale[0] - 0.6, r.scale[1] + 0.6)
    ax.set_ylim(0.0, 1.5 * top)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    key = "answers" if r.df is None else "answers weighted"
    name_axis(ax, "x", word(key, lang, n=f"{r.n:,.0f}"))


@in_house_style
def draw_satisfaction(r: Satisfaction, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share of satisfied (or effortless) answers with its interval, and the answers with their mean.

    Parameters
    ----------
    r : Satisfaction
    ax : matplotlib Axes, optional
        Then only the answers and their mean are drawn; the title still holds the share.
    lang : {"en", "zh"}
    title : str, optional
        Instead of share and interval.
    """
    if ax is None:
        ax, below = new_axes(8.4, 4.2, 2, (0.7, 1.3), share=False)
        _share_bar(ax, r)
    else:
        below = ax
    _answers(below, r, lang)
    write_title(ax, title or _share_title(r, lang))
    return ax


def _ranked(t: SegmentTable, confidence: float) -> Forest:
    order = np.argsort(-t.estimate, kind="stable")
    labels = [clean_text(t.segments[i]) for i in order]
    beside = [f"{100 * t.estimate[i]:.0f}%  ·  n {t.n[i]:,.0f}" for i in order]
    limits = t.interval.low[order], t.interval.high[order]
    differs = t.adjusted[order] < 1.0 - confidence
    return Forest(labels, t.estimate[order], *limits, t.total.estimate, differs, t.shrunk[order], beside)


def _both_ends(f: Forest, lang: str) -> Forest:
    """Leave the middle out where there are too many rows: the worst segments are what one looks for."""
    many = len(f.labels)
    if many <= MOST:
        return f
    assert f.strong is not None  # given by the caller
    assert f.second is not None
    best, worst = MOST // 2, many - (MOST - MOST // 2 - 1)

    def cut(x: FloatArray) -> FloatArray:
        return np.concatenate([x[:best], [np.nan], x[worst:]])

    return Forest(
        [*f.labels[:best], word("more rows", lang, n=worst - best), *f.labels[worst:]],
        cut(f.estimate), cut(f.low), cut(f.high), f.reference,
        np.concatenate([f.strong[:best], [False], f.strong[worst:]]),
        cut(f.second), [*f.beside[:best], "", *f.beside[worst:]],
    )  # fmt: skip


@in_house_style
def draw_segment_table(t: SegmentTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the segments of a satisfaction, best first: filled where the segment differs from the rest after adjustment.

    Diamonds are the shrunken shares: what is left of the differences between small segments once chance is taken out.

    Parameters
    ----------
    t : SegmentTable
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    confidence = t.interval.confidence
    rows = _both_ends(_ranked(t, confidence), lang)
    ax = forest_axes(rows.labels, ax)
    values = {"metric": t.total.metric, "level": _level(confidence), "total": f"{t.total.estimate:.1%}"}
    draw_forest(ax, rows, word("segment axis", lang, boxes=_boxes(t.total.boxes), adjust=t.adjust), lang)
    percent_axis(ax, "x")
    write_title(ax, title or word("satisfaction segments", lang, **values))
    return ax


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The table as drawn; arrays have shape (items, columns), the first column being all segments together."""

    items: Sequence[str]
    columns: Sequence[str]
    share: FloatArray
    direction: FloatArray
    marked: BoolArray
    present: BoolArray


def _cells(t: BatteryTable, lang: str) -> _Cells:
    items, segments = list(dict.fromkeys(t.item)), list(dict.fromkeys(t.segment))
    row = {name: i for i, name in enumerate(items)}
    column = {name: j + 1 for j, name in enumerate(segments)}
    at = [row[name] for name in t.item], [column[name] for name in t.segment]
    shape = len(items), len(segments) + 1
    share, direction = np.full(shape, np.nan), np.zeros(shape)
    marked, present = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    assert t.adjusted is not None  # asked by the caller
    assert t.difference is not None
    share[at], direction[at], present[at] = t.estimate, t.difference, True
    marked[at] = t.adjusted < 1.0 - t.interval.confidence
    if t.overall is not None:
        there = [row[name] for name in t.overall.item]
        share[there, 0], present[there, 0] = t.overall.estimate, True
    return _Cells(items, [word("everyone", lang), *segments], share, direction, marked, present)


def _cell_text(c: _Cells, i: int, j: int) -> str:
    if not np.isfinite(c.share[i, j]):
        return "–" if c.present[i, j] else ""
    sign = ("▲" if c.direction[i, j] > 0 else "▼") if c.marked[i, j] else ""
    return f"{100 * c.share[i, j]:.0f}{sign}"


def _draw_cells(ax: Axes, c: _Cells, rows: int, columns: int, size: float) -> None:
    seen = c.share[:rows, :columns]
    known = seen[np.isfinite(seen)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    ax.pcolormesh(
        *edges, np.ma.masked_invalid(seen), cmap=_SHADES, vmin=low, vmax=high if high > low else low + 1.0,
        edgecolors="white", linewidth=1.0, gid="cells",
    )  # fmt: skip
    for i in range(rows):
        for j in range(columns):
            strong: dict[str, Any] = {"fontweight": "bold"} if c.marked[i, j] else {}
            ax.text(j, i, _cell_text(c, i, j), ha="center", va="center", fontsize=size, **strong)
    ax.plot([0.5, 0.5], [-0.5, rows - 0.5], color=INK["line"], linewidth=1.2)


def _column_names(ax: Axes, names: Sequence[str], room: float) -> None:
    """Put the segments on top: level where they fit on three lines, else upright."""
    wide = max(4, int(room / 5.2))
    level = [wrap(name, wide, 3) for name in names]
    whole = all(text_width(part) <= wide for name in names for part in name.split() if part.isascii())
    fits = whole and all("…" in name or "…" not in text for text, name in zip(level, names, strict=True))
    ax.xaxis.tick_top()
    if fits:
        user_ticks(ax, "x", range(len(names)), level, fontsize=8)
        return
    user_ticks(ax, "x", range(len(names)), [wrap(name, 24, 2) for name in names], fontsize=8, rotation=90)


def _new_grid(items: Sequence[str], columns: int) -> Axes:
    rows = min(len(items), _ROWS + 1)
    long = any(text_width(name) > _NAME for name in items[:_ROWS])
    return new_axes(max(8.4, 3.2 + 0.62 * columns), 1.9 + (0.36 if long else 0.25) * rows)[0]


def _draw_grid(t: BatteryTable, ax: Axes | None, lang: str, title: str | None) -> Axes:
    """Draw the table; more than 40 items or 15 segments are cut, and the edge says how many."""
    c = _cells(t, lang)
    rows, columns = min(len(c.items), _ROWS), min(len(c.columns), _COLUMNS)
    given = ax is not None
    ax = ax if ax is not None else _new_grid(c.items, columns)
    # Names of items take a third of a figure of ours; on an Axes from elsewhere they stand outside.
    room = points_wide(ax) * (1.0 if given else 0.72) / columns
    figure: Any = ax.figure
    line = figure.bbox.height / figure.dpi * 72 * ax.get_position().height / rows
    _draw_cells(ax, c, rows, columns, float(np.clip(min(room / 4.2, line / 1.3), 4.0, 8.5)))
    names = [wrap(name, _NAME) for name in c.items[:rows]]
    if len(c.items) > rows:
        names.append(word("more rows", lang, n=len(c.items) - rows))
    user_ticks(ax, "y", range(len(names)), names)
    _column_names(ax, list(c.columns[:columns]), room)
    ax.tick_params(axis="both", length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(len(names) - 0.5, -0.5)
    key = word("battery key", lang, alpha=f"{1.0 - t.interval.confidence:.3g}", adjust=t.adjust)
    more = len(c.columns) - columns
    name_axis(ax, "x", key + (f"\n{word('more columns', lang, n=more)}" if more else ""))
    write_title(ax, title or word("satisfied percent", lang, boxes=_boxes(t.boxes)))
    return ax


@in_house_style
def draw_battery(t: BatteryTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw a battery of questions: items by segments as a table of shares, or a forest where there are no segments.

    A triangle up or down beside a share says that the segment is above or below all others together, after adjustment
    over all cells; shading follows the share, from the lowest (white) to the highest of the table.

    Parameters
    ----------
    t : BatteryTable
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    if t.adjusted is not None:
        return _draw_grid(t, ax, lang, title)
    order = np.argsort(-np.nan_to_num(t.estimate, nan=-1.0), kind="stable")
    labels = [clean_text(t.item[i]) for i in order]
    ax = forest_axes(labels, ax)
    beside = [f"{100 * t.estimate[i]:.0f}%  ·  n {t.n[i]:,.0f}" if t.n[i] else "n 0" for i in order]
    rows = Forest(labels, t.estimate[order], t.interval.low[order], t.interval.high[order], beside=beside)
    name = word("satisfied share", lang, boxes=_boxes(t.boxes))
    draw_forest(ax, rows, name, lang)
    percent_axis(ax, "x")
    write_title(ax, title or f"{name}  ({word('level intervals', lang, level=_level(t.interval.confidence))})")
    return ax
