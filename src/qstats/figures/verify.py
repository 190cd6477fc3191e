"""Draw a verdict: the level of every period, what was to be expected of it, and what was left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats.figures.axes import Format, label_points, percent_axis, points_wide, rate_axis, spread_out
from qstats.figures.charts import stepped
from qstats.figures.guardrails import draw_guardrails
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, font_families, in_house_style, name_axis, shorten, text_width, wrap
from qstats.figures.words import word
from qstats.improve.verify.verdict import Verdict

__all__ = ["carried_limits", "draw_verdict"]

_SHADE = {
    "transition": ("#E3E3E3", "///"),
    "after": (INK["shade"], None),
    "immature": ("#F4F4F4", "..."),
}
_LOOKS = {
    "baseline": ("o", PALETTE["blue"], PALETTE["blue"]),
    "after": ("s", PALETTE["blue"], PALETTE["blue"]),
    "transition": ("^", "white", INK["soft"]),
    "excluded": ("o", "white", INK["soft"]),
    "immature": ("v", "white", INK["soft"]),
}
_COUNTED = ("baseline", "after")
_MILLION = 1e6
_DENSE = ((700, 0.0), (200, 2.0), (90, 3.0))  # more points than this: markers so large
_LETTER = 4.6  # points, of a phase name
_NAME = 44  # columns of the name at the upright axis


def _level_of(v: Verdict, phase: str) -> float:
    return next((p.rate for p in v.phases if p.name == phase), math.nan)


def carried_limits(v: Verdict) -> tuple[float, FloatArray, FloatArray, float]:
    """Return the baseline's centre with control limits for every period, and at how many sigma they stand.

    Rates: ``center -+ k * factor * sqrt(center / exposure)``, not below zero; shares: ``sqrt(center (1 - center) /
    exposure)``, inside 0 and 1. Centre, k and the factor by which the chart's standard errors exceed those of chance
    come from the baseline of the chart; without a chart the baseline's level, three sigma and a factor of 1 are taken.
    Measured values: the limits of the individuals chart of the baseline; without a chart there are none.
    """
    center, k, factor = _level_of(v, "baseline"), 3.0, 1.0
    family = v.metric.family
    panel = None
    if v.chart is not None and v.chart.limits_by_phase:
        center, k = v.chart.limits_by_phase[0].center, v.chart.limits_by_phase[0].nsigma
        panel = next(iter(v.chart.panels.values()))
    if family not in ("rate", "share"):
        ends = (math.nan, math.nan) if panel is None else (float(panel.lower[0]), float(panel.upper[0]))
        return center, np.full(len(v.role), ends[0]), np.full(len(v.role), ends[1]), k
    spread = center * (1.0 - center) if family == "share" else center
    if panel is not None and v.chart is not None and spread > 0 and np.isfinite(panel.sigma[0]) and v.chart.size[0] > 0:
        factor = float(panel.sigma[0]) / math.sqrt(spread / float(v.chart.size[0]))
    half = k * factor * np.sqrt(spread / np.where(v.exposure > 0, v.exposure, np.nan))
    most = 1.0 if family == "share" else math.inf
    return center, np.maximum(center - half, 0.0), np.minimum(center + half, most), k


def _runs(role: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    start = 0
    for i in range(1, len(role) + 1):
        if i == len(role) or role[i] != role[start]:
            yield role[start], start, i
            start = i


def _shade_phases(ax: Axes, v: Verdict, lang: str) -> None:
    """Shade the phases; each is named once, over its longest run, where the name has room."""
    columns = points_wide(ax) / _LETTER
    longest: dict[str, tuple[int, int]] = {}
    for role, start, stop in _runs(v.role):
        if role in _SHADE:
            color, hatch = _SHADE[role]
            ax.axvspan(start - 0.5, stop - 0.5, facecolor=color, edgecolor="white", hatch=hatch, linewidth=0, zorder=0)
        if stop - start > longest.get(role, (0, 0))[1]:
            longest[role] = (start, stop - start)
    for role, (start, many) in longest.items():
        room = int(columns * many / len(v.role)) - 1
        label = word(role, lang)
        if role != "excluded" and (room >= text_width(label) or (role in _COUNTED and room >= 4)):
            place: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "va": "bottom", "fontsize": 8}
            place |= {"color": INK["soft"], "fontfamily": font_families()}
            ax.text(start - 0.45, 1.015, shorten(label, room), **place)


def _draw_levels(ax: Axes, v: Verdict, lang: str) -> None:
    """One marker per period by its role, hollow where it does not count; the line joins those that do."""
    role, level = np.asarray(v.role), v.level
    x = np.arange(level.size)
    size = next((s for most, s in _DENSE if level.size > most), 4.5)
    counted = np.where(np.isin(role, _COUNTED), level, np.nan)
    ax.plot(x, counted, color=PALETTE["blue"], linewidth=0.8 if level.size > _DENSE[-1][0] else 1.0, zorder=3)
    for name, (marker, face, edge) in _LOOKS.items():
        here = role == name
        if here.any():
            small = size if name in _COUNTED else max(size, 2.5)  # what does not count has no line to be seen by
            looks: dict[str, Any] = {"markerfacecolor": face, "markeredgecolor": edge, "linestyle": "none", "zorder": 4}
            ax.plot(x[here], level[here], marker, markersize=small, label=word(name, lang), gid=name, **looks)
    if v.control_rate is not None:
        grey: dict[str, Any] = {"color": "#8C8C8C", "linewidth": 1.0, "linestyle": (0, (2, 2)), "zorder": 1}
        ax.plot(x, v.control_rate, label=word("control group", lang), gid="control", **grey)


def _draw_expected(ax: Axes, v: Verdict, lang: str) -> None:
    """Draw what the periods would have been without the action, the band from the first period after on."""
    if v.expected is None or v.expected_low is None or v.expected_high is None:
        return
    there = np.isfinite(v.expected)
    x = np.flatnonzero(there)  # joined over periods left out: the expectation goes on there
    if not x.size:
        return
    line: dict[str, Any] = {
        "color": PALETTE["green"],
        "linewidth": 1.6,
        "linestyle": (0, (6, 1.5, 1, 1.5)),
        "zorder": 2,
    }
    ax.plot(x, v.expected[there], label=word("expected without", lang), gid="expected", **line)
    first = v.role.index("after") if "after" in v.role else x[-1]
    late = x[x >= first]
    if late.size:
        level = f"{100 * (1.0 - float(v.plan.get('alpha', 0.05))):.4g}%"
        looks: dict[str, Any] = {"color": PALETTE["green"], "alpha": 0.22, "linewidth": 0, "zorder": 1}
        name = word("expected band", lang, level=level)
        ax.fill_between(late, v.expected_low[late], v.expected_high[late], label=name, gid="band", **looks)


def _draw_baseline(ax: Axes, v: Verdict, lang: str) -> tuple[float, float]:
    """Draw the level before carried on with the control limits, and the level after; return both levels."""
    _, lower, upper, k = carried_limits(v)
    n = len(v.role)
    before, after = _level_of(v, "baseline"), _level_of(v, "after")
    dashed = {"color": INK["soft"], "linewidth": 0.8, "linestyle": (0, (5, 2.5)), "zorder": 2}
    if math.isfinite(before):
        ends = [-0.5, n - 0.5]
        ax.plot(ends, [before, before], color=INK["line"], linewidth=1.1, label=word("baseline level", lang))
        stepped(ax, upper, 0, n, label=word("limits carried", lang, k=f"{k:g}"), **dashed)
        stepped(ax, lower, 0, n, **dashed)
    where = [i for i, role in enumerate(v.role) if role == "after"]
    if where and math.isfinite(after):
        ends = [where[0] - 0.5, where[-1] + 0.5]
        strong: dict[str, Any] = {"color": PALETTE["vermilion"], "linewidth": 2.0, "zorder": 2.5}
        ax.plot(ends, [after, after], label=word("after level", lang), **strong)
    return before, after


def _name_scale(ax: Axes, v: Verdict, lang: str) -> Format:
    """Name the upright axis by what was measured and in which unit; return how its numbers are written."""
    metric, level = v.metric, v.level
    own = shorten(metric.name if v.plan.get("metric") else word("rate", lang), _NAME)
    if metric.family in ("rate", "share"):
        ax.set_ylim(bottom=0)
    if metric.kind == "dpmo":
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{_MILLION * y:,.5g}"))
        name_axis(ax, "y", word("scale dpmo", lang, name=own))
        return lambda y: f"{_MILLION * y:,.4g}"
    if metric.family == "rate":
        finite = level[np.isfinite(level)]
        return rate_axis(ax, float(finite.max()) if finite.size else 0.0, own, lang)
    if metric.family == "share":
        name_axis(ax, "y", own)
        return percent_axis(ax)
    if metric.family == "log":
        ax.set_ylim(bottom=0)
    key = {"nps": "scale nps", "time": "scale time"}.get(metric.kind, "scale mean")
    name_axis(ax, "y", word(key, lang, name=own))
    return lambda y: f"{y:.4g}"


def _name_levels(ax: Axes, levels: tuple[float, float], show: Format, lang: str) -> None:
    named = [(key, v) for key, v in zip(_COUNTED, levels, strict=True) if math.isfinite(v)]
    for (key, value), height in zip(named, spread_out([v for _, v in named], *ax.get_ylim()), strict=True):
        place: dict[str, Any] = {"transform": ax.transAxes, "va": "center", "fontsize": 8}
        ax.text(1.012, height, f"{word(key, lang)} {show(value)}", fontfamily=font_families(), **place)


def _write_question(ax: Axes, text: str) -> None:
    """The question is what the picture answers: up to three lines of it."""
    wide = min(95, max(12, int(points_wide(ax) / 5.2)))
    ax.set_title(wrap(text, wide, 3), pad=18, fontfamily=font_families(), parse_math=False)


@in_house_style
def draw_verdict(
    v: Verdict, ax: Axes | None = None, *, lang: str = "en", title: str | None = None, what: str = "level"
) -> Axes:
    """Draw the level per period with the phases shaded, and what was to be expected of them; or the guardrails.

    Periods that count are filled; transition, excluded and not yet complete ones are hollow. The thin dashed lines are
    control limits of the baseline (where single periods would fall had nothing changed), not an interval for the
    effect. The dash-dotted line is what the regression expects of each period without the action (trend and season go
    on); its band is that of the expected level, not of single periods.

    Parameters
    ----------
    v : Verdict
    ax : matplotlib Axes, optional
        A given Axes gets no legend, for lack of a place that is surely free; ``ax.legend()`` adds it.
    lang : {"en", "zh"}
    title : str, optional
        Instead of the question.
    what : {"level", "guardrails"}
        The periods, or what must not get worse against its margins.

    Raises
    ------
    DataError
        Guardrails of a verdict that has none.
    """
    if check_choice(what, "what", ("level", "guardrails")) == "guardrails":
        return draw_guardrails(v, ax, lang=lang, title=title)
    own = ax is None
    ax = ax if ax is not None else new_axes(8.4, 4.6)[0]
    _shade_phases(ax, v, lang)
    levels = _draw_baseline(ax, v, lang)
    _draw_expected(ax, v, lang)
    _draw_levels(ax, v, lang)
    ax.set_xlim(-0.5 - 0.01 * len(v.role), len(v.role) - 0.5)
    show = _name_scale(ax, v, lang)
    _name_levels(ax, levels, show, lang)
    label_points(ax, v.periods)
    name_axis(ax, "x", word("period", lang))
    _write_question(ax, title or v.question or word("verdict", lang))
    if own:
        ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return ax
