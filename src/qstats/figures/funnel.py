"""Draw a funnel plot: units against their size, between limits that narrow as units grow."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats.figures.axes import percent_axis, rate_axis
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, clean_text, in_house_style, name_axis, shorten, write_title
from qstats.figures.words import word
from qstats.spc.charts.funnel import Funnel
from qstats.spc.words import chart_name, panel_name

__all__ = ["draw_funnel"]

_GRID = 400  # sizes the limits are worked out at
_NAMED = 15  # units named at most, the furthest out first
_DASHES = {0: (0, (5, 2.5)), 1: "solid"}


def _limits(ax: Axes, f: Funnel, size: FloatArray, lang: str) -> None:
    present = size[~np.isnan(size)]
    grid = np.geomspace(max(float(present.min()) * 0.9, 1e-12), float(present.max()) * 1.03, _GRID)
    if f.limits.parameters["model"] == "proportion":
        grid = np.unique(np.maximum(np.round(grid), 1.0))  # a sample has a whole number of units
    for k, level in enumerate(f.levels):
        lower, upper = f.curve(grid, level)
        wide = k == len(f.levels) - 1
        line: dict[str, Any] = {"color": INK["line"] if wide else INK["soft"], "linewidth": 1.0, "zorder": 2}
        line["linestyle"] = _DASHES[int(wide)]
        ax.plot(grid, upper, label=word("limits at", lang, level=f"{100 * level:.4g}%"), gid=f"upper {level:g}", **line)
        ax.plot(grid, lower, label="_lower", gid=f"lower {level:g}", **line)
    target = word("target", lang)
    middle: dict[str, Any] = {"color": PALETTE["blue"], "linewidth": 1.0, "linestyle": (0, (8, 2, 1.5, 2)), "zorder": 1}
    ax.axhline(f.limits.center, label=target, gid="target", **middle)


def _names(ax: Axes, f: Funnel, size: FloatArray, value: FloatArray, out: list[int]) -> None:
    for i in sorted(out, key=lambda i: -abs(f.z[i]))[:_NAMED]:
        above = value[i] > f.limits.center
        ax.annotate(
            shorten(clean_text(f.labels[i]), 18),
            (size[i], value[i]),
            xytext=(0, 6 if above else -6),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8},
            zorder=6,
        )


@in_house_style
def draw_funnel(f: Funnel, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw a funnel plot.

    Parameters
    ----------
    f : Funnel
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    given = ax is not None
    ax = ax if ax is not None else new_axes(8.4, 4.8, 1, [1.0])[0]
    size, value = f.size, f.panels["funnel"].statistic
    _limits(ax, f, size, lang)
    out = [i for i, status in enumerate(f.status) if status not in ("inside", "gap")]
    inside = np.ones(size.size, dtype=bool)
    inside[out] = False
    looks: dict[str, Any] = {"linestyle": "none", "zorder": 4}
    ax.plot(size[inside], value[inside], "o", color=PALETTE["blue"], label="_units", gid="units", **looks)
    beyond = word("beyond limits", lang)
    if out:
        ax.plot(size[out], value[out], "D", color=PALETTE["vermilion"], label=beyond, gid="signals", **looks)
    _names(ax, f, size, value, out)
    kind = str(f.limits.parameters["model"])
    name = panel_name("funnel", lang)
    if kind == "proportion":
        name_axis(ax, "y", name)
        percent_axis(ax)
    elif kind == "rate":
        rate_axis(ax, float(np.nanmax(value)), name, lang)
    else:
        name_axis(ax, "y", name)
    ax.margins(y=0.12)
    name_axis(ax, "x", word({"proportion": "units", "rate": "exposure", "ratio": "expected"}[kind], lang))
    write_title(ax, title or chart_name("funnel", lang))
    if not given:
        ax.figure.legend(loc="outside lower left", ncols=4)
    return ax
