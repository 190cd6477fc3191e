"""Draw a verdict: the rate of every period, what the baseline let expect, and what was left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats.figures.axes import Format, label_points, points_wide, rate_axis, spread_out
from qstats.figures.charts import stepped
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, shorten, write_title
from qstats.figures.words import word
from qstats.improve.verify.verdict import Verdict

__all__ = ["carried_limits", "draw_verdict"]

_SHADE = {"transition": ("#E3E3E3", "///"), "after": (INK["shade"], None)}
_LOOKS = {
    "baseline": ("o", PALETTE["blue"], PALETTE["blue"]),
    "after": ("s", PALETTE["blue"], PALETTE["blue"]),
    "transition": ("^", "white", INK["soft"]),
    "excluded": ("o", "white", INK["soft"]),
}


def _rate_of(v: Verdict, phase: str) -> float:
    return next((p.rate for p in v.phases if p.name == phase), math.nan)


def carried_limits(v: Verdict) -> tuple[float, FloatArray, FloatArray, float]:
    """Return the baseline's level with control limits for every period, and at how many sigma they stand.

    Limits are ``center -+ k * factor * sqrt(center / exposure)``, not below zero. Centre, k and the factor by which the
    chart's standard errors exceed the Poisson ones come from the baseline of the chart; without a chart the baseline's
    rate, three sigma and a factor of 1 are taken.
    """
    center, k, factor = _rate_of(v, "baseline"), 3.0, 1.0
    if v.chart is not None and v.chart.limits_by_phase:
        first = v.chart.limits_by_phase[0]
        center, k = first.center, first.nsigma
        panel = next(iter(v.chart.panels.values()))
        if center > 0 and panel.sigma.size and np.isfinite(panel.sigma[0]) and v.chart.size[0] > 0:
            factor = float(panel.sigma[0]) / math.sqrt(center / float(v.chart.size[0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = k * factor * np.sqrt(center / np.where(v.exposure > 0, v.exposure, np.nan))
    return center, np.maximum(center - half, 0.0), center + half, k


def _runs(role: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    start = 0
    for i in range(1, len(role) + 1):
        if i == len(role) or role[i] != role[start]:
            yield role[start], start, i
            start = i


def _shade_phases(ax: Axes, v: Verdict, lang: str) -> None:
    columns = points_wide(ax) / 4.6
    named = set()
    for role, start, stop in _runs(v.role):
        if role in _SHADE:
            color, hatch = _SHADE[role]
            ax.axvspan(start - 0.5, stop - 0.5, facecolor=color, edgecolor="white", hatch=hatch, linewidth=0, zorder=0)
        if role != "excluded" and role not in named:
            named.add(role)
            room = int(columns * (stop - start) / len(v.role)) - 1
            label = word(role, lang)
            if room >= 4:
                ax.text(
                    start - 0.45,
                    1.015,
                    shorten(label, max(room, 4)),
                    transform=ax.get_xaxis_transform(),
                    va="bottom",
                    fontsize=8,
                    color=INK["soft"],
                )


def _draw_rates(ax: Axes, v: Verdict, rate: FloatArray, lang: str) -> None:
    role = np.asarray(v.role)
    x = np.arange(rate.size)
    counted = np.where(np.isin(role, ("baseline", "after")), rate, np.nan)
    ax.plot(x, counted, color=PALETTE["blue"], linewidth=1.0, zorder=3, label="_line")
    for name, (marker, face, edge) in _LOOKS.items():
        here = role == name
        if here.any():
            looks: dict[str, Any] = {"markerfacecolor": face, "markeredgecolor": edge, "linestyle": "none", "zorder": 4}
            ax.plot(x[here], rate[here], marker=marker, label=word(name, lang), gid=name, **looks)


def _draw_expected(ax: Axes, v: Verdict, lang: str) -> tuple[float, float]:
    """Draw the level carried on with its control limits, and the level after; return both levels."""
    center, lower, upper, k = carried_limits(v)
    n = len(v.role)
    dashed = {"color": INK["line"], "linewidth": 0.9, "linestyle": (0, (5, 2.5)), "zorder": 2}
    if math.isfinite(center):
        ax.plot([-0.5, n - 0.5], [center, center], color=INK["line"], linewidth=1.1, label=word("baseline level", lang))
        stepped(ax, upper, 0, n, label=word("limits carried", lang, k=f"{k:g}"), **dashed)
        stepped(ax, lower, 0, n, **dashed)
    after = _rate_of(v, "after")
    where = [i for i, role in enumerate(v.role) if role == "after"]
    if where and math.isfinite(after):
        ends = [where[0] - 0.5, where[-1] + 0.5]
        ax.plot(
            ends, [after, after], color=PALETTE["vermilion"], linewidth=2.0, label=word("after level", lang), zorder=2
        )
    return center, after


def _name_levels(ax: Axes, levels: tuple[float, float], show: Format, lang: str) -> None:
    named = [(key, v) for key, v in zip(("baseline", "after"), levels, strict=True) if math.isfinite(v)]
    for (key, value), height in zip(named, spread_out([v for _, v in named], *ax.get_ylim()), strict=True):
        ax.text(1.012, height, f"{word(key, lang)} {show(value)}", transform=ax.transAxes, va="center", fontsize=8)


@in_house_style
def draw_verdict(v: Verdict, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the rate per period with the phases shaded and the baseline's level and control limits carried on.

    Periods that count are filled; transition and excluded periods are hollow. The dashed lines are control limits of
    the baseline (where single periods would fall had nothing changed), not an interval for the effect.

    Parameters
    ----------
    v : Verdict
    ax : matplotlib Axes, optional
        A given Axes gets no legend, for lack of a place that is surely free; ``ax.legend()`` adds it.
    lang : {"en", "zh"}
    title : str, optional
        Instead of the question.
    """
    own = ax is None
    ax = ax if ax is not None else new_axes(8.4, 4.3)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(v.exposure > 0, v.events / v.exposure, np.nan)
    _shade_phases(ax, v, lang)
    levels = _draw_expected(ax, v, lang)
    _draw_rates(ax, v, rate, lang)
    if v.control_rate is not None:
        grey: dict[str, Any] = {"color": "#8C8C8C", "linewidth": 1.0, "linestyle": (0, (2, 2)), "zorder": 1}
        ax.plot(np.arange(rate.size), v.control_rate, label=word("control group", lang), gid="control", **grey)
    ax.set_xlim(-0.5 - 0.01 * rate.size, rate.size - 0.5)
    ax.set_ylim(bottom=0)
    show = rate_axis(ax, float(np.nanmax(rate, initial=0.0)), word("rate", lang), lang)
    _name_levels(ax, levels, show, lang)
    label_points(ax, v.periods)
    name_axis(ax, "x", word("period", lang))
    write_title(ax, title or v.question or word("verdict", lang), 18)
    if own:
        ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return ax
