"""Draw what must not get worse: the effect on every guardrail against the margin at which harm begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from qstats.errors import DataError
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, font_families, in_house_style, name_axis, user_ticks, wrap
from qstats.figures.words import word
from qstats.improve.verify.verdict import GuardrailResult, Verdict

__all__ = ["draw_guardrails"]

_LOOKS = {
    "pass": ("o", PALETTE["blue"], PALETTE["blue"]),
    "open": ("o", "white", PALETTE["blue"]),
    "breach": ("X", PALETTE["vermilion"], PALETTE["vermilion"]),
}
_NAME = 26  # columns of a name on one line
_LINES = 3
_ONE_DECADE = 4.0  # a logarithmic axis shorter than this factor has even ticks


def _is_ratio(g: GuardrailResult) -> bool:
    return g.kind not in ("nps", "ces", "mean")


def _in_margins(g: GuardrailResult) -> tuple[float, float, float]:
    """Estimate, least and most of a difference, in margins towards the worse: their units have nothing in common."""
    assert g.comparison is not None
    ends = [x / g.limit for x in (g.comparison.interval.low, g.comparison.interval.high)]
    return g.comparison.estimate / g.limit, min(ends), max(ends)


def _drawn(g: GuardrailResult) -> tuple[float, float, float, float]:
    """Estimate, least, most and limit on the axis of the panel; NaN where nothing was assessed."""
    if g.comparison is None or not math.isfinite(g.comparison.estimate):
        return math.nan, math.nan, math.nan, g.limit if _is_ratio(g) else 1.0
    if _is_ratio(g):
        return g.comparison.estimate, g.comparison.interval.low, g.comparison.interval.high, g.limit
    return *_in_margins(g), 1.0


def _window(rows: Sequence[tuple[float, ...]], ratio: bool) -> tuple[float, float]:
    """Ends of the axis: all that is finite, no change and the margins, with room around."""
    null = 1.0 if ratio else 0.0
    seen = [x for row in rows for x in row if math.isfinite(x) and (x > 0 or not ratio)] + [null]
    if ratio:
        logs = np.log(seen)
        room = 0.15 * float(np.ptp(logs)) + 0.02
        return math.exp(logs.min() - room), math.exp(logs.max() + room)
    room = 0.15 * (max(seen) - min(seen))
    return min(seen) - room, max(seen) + room


def _ratio_axis(ax: Axes, low: float, high: float) -> None:
    ax.set_xscale("log")
    even = high / low < _ONE_DECADE
    ticks = MaxNLocator(6).tick_values(low, high) if even else LogLocator(subs=(1.0, 2.0, 5.0)).tick_values(low, high)
    ax.set_xticks([x for x in ticks if low <= x <= high])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.4g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()


def _draw_row(ax: Axes, at: int, g: GuardrailResult, low: float, high: float) -> None:
    estimate, least, most, limit = _drawn(g)
    upward = g.better == "lower" or not _is_ratio(g)  # differences are drawn towards the worse
    start, stop = (limit, high) if upward else (low, limit)
    zone: dict[str, Any] = {
        "facecolor": "#F6E9E2",
        "edgecolor": "#D9B8A6",
        "hatch": "////",
        "linewidth": 0,
        "zorder": 0,
    }
    ax.add_patch(Rectangle((start, at - 0.42), stop - start, 0.84, gid="harm", **zone))
    ax.plot([limit, limit], [at - 0.42, at + 0.42], color=PALETTE["vermilion"], linewidth=1.6, zorder=2, gid="margin")
    if not math.isfinite(estimate):
        return
    marker, face, edge = _LOOKS.get(g.state, _LOOKS["open"])
    ends = (max(least, low), min(most, high))
    ax.plot(ends, [at, at], color=edge, linewidth=2.0, zorder=3, gid="interval")
    for end, edge_of, arrow in ((least, low, "<"), (most, high, ">")):
        if not low <= end <= high:  # the interval goes on beyond what can be drawn
            ax.plot([edge_of], [at], arrow, color=edge, markersize=7, clip_on=False, zorder=3)
    ax.plot([estimate], [at], marker, markerfacecolor=face, markeredgecolor=edge, markersize=7.5, zorder=4, gid=g.state)


def _beside(g: GuardrailResult, lang: str) -> str:
    state, sign = word(f"guardrail {g.state}", lang), "" if _is_ratio(g) else "+"
    if g.comparison is None or not math.isfinite(g.comparison.estimate):
        return word("guardrail row empty", lang, state=state, limit=f"{g.limit:{sign}.4g}")
    c = g.comparison
    numbers = {
        "estimate": f"{c.estimate:{sign}.3g}", "low": f"{c.interval.low:{sign}.3g}",
        "high": f"{c.interval.high:{sign}.3g}", "limit": f"{g.limit:{sign}.4g}",
    }  # fmt: skip
    return word("guardrail row", lang, state=state, **numbers)


def _draw_panel(ax: Axes, found: Sequence[GuardrailResult], ratio: bool, lang: str) -> None:
    low, high = _window([_drawn(g) for g in found], ratio)
    if ratio:
        _ratio_axis(ax, low, high)
    ax.set_xlim(low, high)
    line: dict[str, Any] = {"color": INK["line"], "linewidth": 1.0, "linestyle": (0, (5, 2.5)), "zorder": 1}
    ax.axvline(1.0 if ratio else 0.0, gid="reference", **line)
    for at, g in enumerate(found):
        _draw_row(ax, at, g, low, high)
        place: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 8}
        ax.text(1.02, at, _beside(g, lang), fontfamily=font_families(), parse_math=False, **place)
    user_ticks(ax, "y", range(len(found)), [wrap(g.name, _NAME, _LINES) for g in found])
    ax.set_ylim(len(found) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    name_axis(ax, "x", word("guardrail ratio" if ratio else "guardrail difference", lang))


@in_house_style
def draw_guardrails(v: Verdict, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the effect on every guardrail with its interval; the hatched part of a row is where harm begins.

    Ratios stand on a logarithmic axis. Differences have units that cannot share an axis: they are drawn in margins,
    worse to the right, with the numbers in their own units beside them.

    Parameters
    ----------
    v : Verdict
    ax : matplotlib Axes, optional
        It gets one panel: the ratios, or the differences where there is no ratio.
    lang : {"en", "zh"}
    title : str, optional

    Raises
    ------
    DataError
        The plan declared no guardrail.
    """
    parts = [(kind, [g for g in v.guardrails if _is_ratio(g) == kind]) for kind in (True, False)]
    parts = [(kind, found) for kind, found in parts if found]
    if not parts:
        raise DataError("v: the plan of this verdict has no guardrails; declare them in VerificationPlan(guardrails=)")
    if ax is not None:
        parts, axes = parts[:1], [ax]
    else:
        rows = [len(found) + 1.0 for _, found in parts]
        axes = new_axes(9.4, 0.8 + 0.5 * sum(rows), len(parts), rows, share=False)
    for one, (ratio, found) in zip(axes, parts, strict=True):
        _draw_panel(one, found, ratio, lang)
    level = f"{100 * (1.0 - float(v.plan.get('alpha', 0.05))):.4g}%"
    text = title or word("guardrails title", lang, level=level)
    axes[0].set_title(wrap(text, 90, 2), fontfamily=font_families(), parse_math=False)
    return axes[0]
