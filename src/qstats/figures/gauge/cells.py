"""The measurements by part, by operator, and both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from qstats.figures.axes import label_points, points_wide
from qstats.figures.panels import a_pvalue, apart, fits_level, reader
from qstats.figures.style import INK, PALETTE, clean_text, name_axis, text_width, user_ticks, wrap
from qstats.figures.words_quality import say
from qstats.msa.gauge.result import GaugeStudy

__all__ = ["draw_by_operator", "draw_by_part", "draw_interaction"]

_LINES = (
    ("blue", "o", "solid"),
    ("vermilion", "s", (0, (5, 2))),
    ("green", "^", (0, (2, 1.5))),
    ("purple", "D", (0, (6, 2, 1.5, 2))),
    ("orange", "v", (0, (9, 2))),
    ("sky", "P", (0, (1, 1))),
)
_MANY = 80  # parts
_BOXES = 10  # values an operator needs for a box


def _size(s: GaugeStudy) -> float:
    """Return the size of a marker; of very many parts large ones are a smear."""
    return 4.5 if len(s.cells.part_labels) <= _MANY else 1.5


def _value_axis(ax: Axes, s: GaugeStudy) -> None:
    low, high = ax.get_ylim()
    show = reader(high - low, low, high)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: show(v)))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))


def _name_parts(ax: Axes, s: GaugeStudy, lang: str) -> None:
    """Name the parts: level where all fit, else upright, else every second, fifth ..."""
    labels = [clean_text(text) for text in s.cells.part_labels]
    room = points_wide(ax) / len(labels)
    widest = max(text_width(text) for text in labels)
    if 5.6 * widest + 6 <= room:
        user_ticks(ax, "x", range(len(labels)), labels)
    else:
        step = max(1, math.ceil(9.0 / room))
        user_ticks(ax, "x", range(0, len(labels), step), apart(labels, 16)[::step], rotation=90, fontsize=7)
    ax.set_xlim(-0.6, len(labels) - 0.4)
    name_axis(ax, "x", say("part axis", lang))


def draw_by_part(ax: Axes, s: GaugeStudy, lang: str) -> str:
    """Draw all measurements of each part, and their means joined; return the title."""
    c = s.cells
    if c.values is not None and c.part is not None:
        at, y = c.part, c.values
    else:  # of a large study the cell means stand for the measurements
        at, y = np.repeat(np.arange(c.mean.shape[0]), c.mean.shape[1]), c.mean.ravel()
    faint: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": INK["soft"], "markersize": 3.5}
    ax.plot(at, y, "o", linestyle="none", zorder=2, gid="measurements", **faint)
    ax.plot(
        np.arange(c.part_mean.size),
        c.part_mean,
        "o-",
        color=PALETTE["blue"],
        markersize=_size(s),
        zorder=3,
        gid="means",
    )
    _value_axis(ax, s)
    _name_parts(ax, s, lang)
    return say("by part", lang)


def draw_by_operator(ax: Axes, s: GaugeStudy, lang: str) -> str:
    """Draw the measurements of each operator as a box (few: as points), and the means joined; return the title."""
    c = s.cells
    k = len(c.operator_labels)
    for j in range(k):
        if c.values is not None and c.operator is not None:
            y = c.values[c.operator == j]
        else:
            y = c.mean[:, j][~np.isnan(c.mean[:, j])]
        if y.size >= _BOXES:
            line: dict[str, Any] = {"color": INK["soft"], "linewidth": 1.0}
            dots = {"markersize": 3.5, "markeredgecolor": INK["soft"], "marker": "o"}
            ax.boxplot(
                [y], positions=[j], widths=0.5, boxprops=line, whiskerprops=line, capprops=line, flierprops=dots,
                medianprops={"color": INK["text"], "linewidth": 1.4}, manage_ticks=False,
            )  # fmt: skip
        else:
            at = np.full(y.size, float(j))
            ax.plot(at, y, "o", markerfacecolor="none", markeredgecolor=INK["soft"], markersize=3.5, gid="measurements")
    ax.plot(np.arange(k), c.operator_mean, "D-", color=PALETTE["blue"], markersize=5, zorder=4, gid="means")
    _value_axis(ax, s)
    room = points_wide(ax) / k
    wide = int(room / 5.4) - 1
    if fits_level(c.operator_labels, wide):
        user_ticks(ax, "x", range(k), [wrap(text, wide) for text in c.operator_labels])
    elif room >= 9.0:
        user_ticks(ax, "x", range(k), apart(c.operator_labels, 16), rotation=30, ha="right", fontsize=8)
    else:
        label_points(ax, [clean_text(text) for text in c.operator_labels])
    ax.set_xlim(-0.6, k - 0.4)
    return say("by operator", lang)


def draw_interaction(ax: Axes, s: GaugeStudy, lang: str) -> str:
    """Draw the mean of each part by each operator: parallel lines are no interaction. Return the title."""
    c = s.cells
    k = len(c.operator_labels)
    shown = min(k, len(_LINES))
    names = apart(c.operator_labels[:shown], 16)
    for j in range(k):
        there = np.flatnonzero(~np.isnan(c.mean[:, j]))
        if j >= shown:
            ax.plot(there, c.mean[there, j], color=INK["faint"], linewidth=0.8, zorder=1)
            continue
        color, marker, dash = _LINES[j]
        line: dict[str, Any] = {"color": PALETTE[color], "marker": marker, "markersize": _size(s), "linestyle": dash}
        # a label that begins with "_" would be left out of the legend
        label = "\u02cd" + names[j][1:] if names[j].startswith("_") else names[j]
        ax.plot(there, c.mean[there, j], linewidth=1.2, zorder=3, gid=f"operator {j}", label=label, **line)
    _value_axis(ax, s)
    _name_parts(ax, s, lang)
    title = None if k <= shown else say("more operators", lang, n=k - shown)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7.5, handlelength=2.8, title=title,
              title_fontsize=7.5)  # fmt: skip
    if s.interaction_pvalue is None or not np.isfinite(s.interaction_pvalue):
        return say("interaction", lang)
    return say("interaction p", lang, p=a_pvalue(s.interaction_pvalue))
