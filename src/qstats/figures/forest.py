"""Draw many estimates with their intervals, one under the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import BoolArray, FloatArray
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, name_axis, text_width, user_ticks, wrap
from qstats.figures.words import word

__all__ = ["Forest", "draw_forest", "forest_axes"]

MOST = 40  # rows on a page
_NAME = 30  # columns of a name on one line


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """What a forest plot shows, row by row from the top.

    Parameters
    ----------
    labels : sequence of str
    estimate, low, high : numpy.ndarray
        In the unit of the axis.
    reference : float or None
        Where the dashed line stands (all together, no difference).
    strong : numpy.ndarray of bool or None
        Rows that stand out: filled markers; the others are open. None: all are filled.
    second : numpy.ndarray or None
        Another estimate of each row (a shrunken one), a small diamond.
    beside : sequence of str
        Text at the right of each row.
    """

    labels: Sequence[str]
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    reference: float | None = None
    strong: BoolArray | None = None
    second: FloatArray | None = None
    beside: Sequence[str] = ()


def forest_axes(labels: Sequence[str], ax: Axes | None) -> Axes:
    """Return the Axes given, or new ones high enough for the rows."""
    if ax is not None:
        return ax
    long = any(text_width(text) > _NAME for text in labels[:MOST])
    return new_axes(8.4, 1.5 + (0.36 if long else 0.27) * min(len(labels), MOST + 1))[0]


def draw_forest(ax: Axes, f: Forest, name: str, lang: str) -> None:
    """Draw the rows; more than `MOST` are cut, and the last line says how many."""
    many = len(f.labels)
    shown = many if many <= MOST else MOST
    at = np.arange(shown, dtype=np.float64)
    if f.reference is not None:
        ax.axvline(f.reference, color=INK["line"], linewidth=1.0, linestyle=(0, (5, 2.5)), zorder=1, gid="reference")
    line: dict[str, Any] = {"color": PALETTE["blue"], "zorder": 3}
    finite = [v[:shown][np.isfinite(v[:shown])] for v in (f.estimate, f.low, f.high)]
    edges = np.concatenate(finite) if any(part.size for part in finite) else np.zeros(1)
    left, right = np.maximum(f.low[:shown], edges.min()), np.minimum(f.high[:shown], edges.max())
    there = np.isfinite(left) & np.isfinite(right)  # what lies beyond every finite end has no place on the axis
    ax.hlines(at[there], left[there], right[there], linewidth=2.0, gid="intervals", **line)
    for end, arrow, gid in ((left, "<", "open below"), (right, ">", "open above")):
        limit = f.low if arrow == "<" else f.high
        goes_on = np.isinf(limit[:shown])  # the interval does not end where its line does
        if goes_on.any():  # an unclipped line without points counts as lying in the corner of the figure
            ax.plot(end[goes_on], at[goes_on], arrow, markersize=7, linestyle="none", clip_on=False, gid=gid, **line)
    strong = np.ones(shown, dtype=np.bool_) if f.strong is None else f.strong[:shown]
    for some, face in ((strong, PALETTE["blue"]), (~strong, "white")):
        ax.plot(f.estimate[:shown][some], at[some], "o", markerfacecolor=face, markersize=6.5, linestyle="none", **line)
    if f.second is not None:
        mark: dict[str, Any] = {"color": PALETTE["vermilion"], "markersize": 5, "linestyle": "none", "zorder": 4}
        ax.plot(f.second[:shown], at + 0.0, "D", markerfacecolor="none", gid="second", **mark)
    names = [wrap(text, _NAME) for text in f.labels[:shown]]
    if many > shown:
        names.append(word("more rows", lang, n=many - shown))
    user_ticks(ax, "y", range(len(names)), names)
    for i, text in enumerate(list(f.beside)[:shown]):
        ax.text(1.02, i, text, transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.04)
    name_axis(ax, "x", name)
