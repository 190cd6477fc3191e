"""Figures of a capability study: histogram, probability plot, six panels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats.capability.result import Capability
from qstats.figures.capability.bars import draw_bars
from qstats.figures.capability.charts import draw_last, draw_means, draw_spreads
from qstats.figures.capability.facts import capability_facts, index_line
from qstats.figures.capability.histogram import Classes, Curve, draw_classes, snapped
from qstats.figures.capability.probability import draw_normal_plot, normal_tested
from qstats.figures.panels import a_level, figure_title, list_facts, new_grid, only_one_panel, reader
from qstats.figures.style import INK, PALETTE, in_house_style, write_title
from qstats.figures.words_quality import say

__all__ = ["draw_capability"]

_SINGLE = ("histogram", "probability", "means", "spreads", "last", "bars")
_WITHIN: dict[str, Any] = {"color": PALETTE["vermilion"], "linewidth": 1.7, "linestyle": (0, (5, 2)), "gid": "within"}
_OVERALL: dict[str, Any] = {"color": INK["text"], "linewidth": 1.6, "linestyle": "solid", "gid": "overall"}


def _classes(r: Capability) -> Classes:
    p = r.picture
    made = Classes(p.edges, p.counts / p.counts.sum())
    whole = p.quantile.size == p.used  # then the ordered values are all of them
    return (snapped(p.quantile, made.width) if whole else None) or made


def _normal(mean: float, sigma: float, name: str, style: dict[str, Any]) -> Curve:
    def density(x: FloatArray) -> FloatArray:
        y: FloatArray = np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (sigma * math.sqrt(2.0 * math.pi))
        return y

    return Curve(density, name, style)


def _draw_histogram(ax: Axes, r: Capability, lang: str) -> int:
    mean, outer, inner = r.mean.estimate, r.sigma_overall.estimate, r.sigma_within.estimate
    show = reader(outer, outer)
    curves = [
        _normal(mean, outer, say("overall curve", lang, sigma=show(outer)), _OVERALL),
        _normal(mean, inner, say("within curve", lang, sigma=show(inner)), _WITHIN),
    ]
    c = _classes(r)
    ends = min(float(c.edges[0]), mean - 3.3 * outer), max(float(c.edges[-1]), mean + 3.3 * outer)
    return draw_classes(ax, c, curves, r.spec, ends, lang)


def _draw_single(ax: Axes, r: Capability, panel: str, lang: str) -> tuple[str, int]:
    """Draw one panel; return its title and how many rows of names stand above it."""
    if panel == "histogram":
        return say("histogram", lang), _draw_histogram(ax, r, lang)
    if panel == "probability":
        draw_normal_plot(ax, r, lang)
        return normal_tested(r, lang), 0
    if panel == "bars":
        draw_bars(ax, r, lang)
        return say("bars", lang), 0
    draw = {"means": draw_means, "spreads": draw_spreads, "last": draw_last}[panel]
    return draw(ax, r, lang), 0


def _pad(rows: int) -> float | None:
    return 6.0 + 11.0 * rows if rows else None


def _with_facts(r: Capability, lang: str, title: str | None) -> Axes:
    facts = capability_facts(r, lang)
    ax, side = new_grid(9.6, max(4.4, 1.0 + 0.185 * len(facts)), 1, 2, width_ratios=(2.0, 1.15))
    rows = _draw_histogram(ax, r, lang)
    list_facts(side, facts)
    figure: Any = ax.figure
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=2, handlelength=3)
    write_title(ax, title or say("capability at", lang, level=a_level(r.confidence)), _pad(rows))
    return ax


def _six(r: Capability, lang: str, title: str | None) -> Axes:
    axes = new_grid(11.0, 9.0, 3, 2)
    order = ("means", "histogram", "spreads", "probability", "last", "bars")
    for ax, panel in zip(axes, order, strict=True):
        name, rows = _draw_single(ax, r, panel, lang)
        write_title(ax, name, _pad(rows))
    axes[1].legend(loc="best", fontsize=7.5, handlelength=2.6, framealpha=0.85, frameon=True, edgecolor="none")
    text = say("capability state", lang, level=a_level(r.confidence), state=capability_facts(r, lang)[0][1])
    figure_title(axes, title or text)
    return axes[0]


@in_house_style
def draw_capability(
    r: Capability, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw a capability study: its histogram under the within and the overall normal curve, with every index beside it.

    Parameters
    ----------
    r : Capability
    ax : matplotlib Axes, optional
        Then the histogram stands there, with the leading indices in the title; the list of all and the legend (within
        dashed, overall solid) stay away, for lack of a place that is surely free: ``ax.legend()`` adds the latter.
    panel : {"histogram", "probability", "means", "spreads", "last", "bars", "sixpack"}, optional
        Another picture: a normal probability plot, one of the small panels, or all six in a figure of their own.
        The band of the probability plot holds each ordered value by itself if the drawn normal is the true one.
    lang : {"en", "zh"}
    title : str, optional
    """
    if panel is not None:
        check_choice(panel, "panel", (*_SINGLE, "sixpack"))
    if panel == "sixpack":
        only_one_panel(ax, panel, _SINGLE)
        return _six(r, lang, title)
    if panel is None and ax is None:
        return _with_facts(r, lang, title)
    given = ax is not None
    ax = ax if ax is not None else new_grid(8.4, 4.2, 1, 1)[0]
    name, rows = _draw_single(ax, r, panel or "histogram", lang)
    if given and panel in (None, "histogram"):
        name = index_line(r, lang)
    write_title(ax, title or name, _pad(rows))
    if not given and ax.get_legend_handles_labels()[0]:
        place = "upper left" if panel == "probability" else "best"  # the values run from lower left to upper right
        ax.legend(loc=place, fontsize=8, handlelength=2.6, framealpha=0.85, frameon=True, edgecolor="none")
    return ax
