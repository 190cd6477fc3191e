"""Draw a comparison: estimate and interval against no difference, ratios on a logarithmic axis."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from qstats.figures.axes import Format, percent_axis, rate_axis, ratio_ticks
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, clean_text, in_house_style, name_axis, write_title
from qstats.figures.words import word
from qstats.inference.comparison import Comparison

__all__ = ["draw_comparison"]


def _is_ratio(c: Comparison) -> bool:
    return c.effect.endswith("_ratio")


def _window(c: Comparison) -> tuple[float, float]:
    """Return the ends of the axis: what is finite of estimate, interval and null, with room around it."""
    shown = [v for v in (c.estimate, c.interval.low, c.interval.high, c.null) if math.isfinite(v)]
    if _is_ratio(c):
        logs = [math.log(v) for v in shown if v > 0] or [0.0]
        if len([v for v in shown if v > 0]) < len(shown):
            logs.append(min(logs) - math.log(3.0))  # a zero has no place on the axis: leave way for its arrow
        room = max(0.12, 0.2 * (max(logs) - min(logs)))
        return math.exp(min(logs) - room), math.exp(max(logs) + room)
    room = 0.2 * (max(shown) - min(shown)) or max(abs(v) for v in shown) or 1.0
    return min(shown) - room, max(shown) + room


def _prepare(ax: Axes, c: Comparison, low: float, high: float, lang: str) -> Format:
    name = clean_text(word(c.effect, lang))
    name_axis(ax, "x", name)
    if _is_ratio(c):
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        ratio_ticks(ax, low, high)
        return lambda v: f"{v:.3g}"
    ax.set_xlim(low, high)
    if c.effect == "difference":
        return percent_axis(ax, "x")
    return rate_axis(ax, max(abs(low), abs(high)), name, lang, "x")


def _draw_interval(ax: Axes, c: Comparison, low: float, high: float) -> None:
    left, right = max(c.interval.low, low), min(c.interval.high, high)
    ax.plot(
        [left, right], [0, 0], color=PALETTE["blue"], linewidth=2.2, solid_capstyle="butt", gid="interval", zorder=3
    )
    for end, edge, closed, arrow in ((left, low, "|", "<"), (right, high, "|", ">")):
        open_end = end == edge  # the interval goes on beyond what can be drawn
        ax.plot(
            [end], [0], arrow if open_end else closed, color=PALETTE["blue"], markersize=10, clip_on=False, zorder=3
        )
    if low <= c.estimate <= high:
        ax.plot([c.estimate], [0], "o", color=PALETTE["blue"], markersize=8, gid="estimate", zorder=4)


@in_house_style
def draw_comparison(c: Comparison, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw a comparison; an interval end that cannot be drawn (zero or infinite) is an arrow.

    Parameters
    ----------
    c : Comparison
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
        Instead of the estimate and interval in words.
    """
    ax = ax if ax is not None else new_axes(8.4, 1.8)[0]
    low, high = _window(c)
    show = _prepare(ax, c, low, high, lang)
    ax.axvline(c.null, color=INK["line"], linewidth=1.0, linestyle=(0, (5, 2.5)), zorder=1)
    _draw_interval(ax, c, low, high)
    ax.text(
        c.null,
        1.0,
        word("no difference", lang, null=show(c.null)),
        transform=ax.get_xaxis_transform(),
        ha="center",
        va="top",
        fontsize=8,
        color=INK["soft"],
        backgroundcolor="white",
    )
    shown = {"estimate": c.estimate, "low": c.interval.low, "high": c.interval.high}
    values = {k: show(v) if math.isfinite(v) else "∞" if v > 0 else "-∞" if v < 0 else "–" for k, v in shown.items()}
    text = word("effect interval", lang, level=f"{100 * c.interval.confidence:.4g}%", **values)
    write_title(ax, title or f"{ax.get_xlabel()} {text}")
    ax.set_ylim(-1, 1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return ax
