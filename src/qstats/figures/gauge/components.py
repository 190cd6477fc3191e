"""Where the variation comes from, as bars with their intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats.figures.axes import points_wide
from qstats.figures.panels import fits_level
from qstats.figures.style import INK, PALETTE, name_axis, user_ticks, wrap
from qstats.figures.words_quality import say
from qstats.inference.estimate import Estimate
from qstats.msa.gauge.result import GaugeStudy

__all__ = ["draw_components"]

_SHOWN = ("gauge_rr", "repeatability", "reproducibility", "part")
_KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("percent_contribution", {"facecolor": PALETTE["blue"]}),
    ("percent_study", {"facecolor": PALETTE["sky"], "hatch": "////"}),
    ("percent_tolerance", {"facecolor": PALETTE["orange"], "hatch": "...."}),
    ("percent_process", {"facecolor": INK["faint"], "hatch": "xxxx"}),
)
_HIGH = 2.2  # an interval may make the picture so much higher than its bars, then it goes on beyond the edge


def _series(s: GaugeStudy) -> list[tuple[str, dict[str, Any], list[Estimate]]]:
    names = [name for name in _SHOWN if name in s.components]
    found: list[tuple[str, dict[str, Any], list[Estimate]]] = []
    for field, style in _KINDS:
        values = [getattr(s.components[name], field) for name in names]
        if all(v is not None for v in values):
            found.append((field, style, values))
    return found


def _top(values: list[Estimate]) -> float:
    bars = max((e.estimate for e in values if math.isfinite(e.estimate)), default=1.0)
    ends = max((e.interval.high for e in values if math.isfinite(e.interval.high)), default=bars)
    return max(1.1 * bars, min(1.05 * ends, _HIGH * bars), 105.0)


def _bars(
    ax: Axes, at: Any, values: list[Estimate], wide: float, top: float, label: str, style: dict[str, Any]
) -> None:
    height = np.array([e.estimate for e in values])
    ax.bar(at, height, width=wide, edgecolor="white", label=label, zorder=2, **style)
    low, high = (np.array([getattr(e.interval, end) for e in values]) for end in ("low", "high"))
    there = np.isfinite(low) & ~np.isnan(high)
    ax.vlines(at[there], low[there], np.minimum(high[there], top), color=INK["text"], linewidth=1.1, zorder=3)
    for ends in (low, high):
        inside = there & (ends <= top)
        ax.plot(at[inside], ends[inside], "_", color=INK["text"], markersize=6, zorder=3)
    beyond = there & (high > top)
    ax.plot(at[beyond], np.full(int(beyond.sum()), top), "^", color=INK["text"], markersize=5, zorder=4, gid="goes on")


def draw_components(ax: Axes, s: GaugeStudy, lang: str) -> str:
    """Draw the percentages of each source; an arrow: the interval goes on beyond the picture. Return the title."""
    series = _series(s)
    top = _top([e for _, _, values in series for e in values])
    names = [name for name in _SHOWN if name in s.components]
    wide = 0.8 / len(series)
    for k, (field, style, values) in enumerate(series):
        at = np.arange(len(names)) + (k - 0.5 * (len(series) - 1)) * wide
        _bars(ax, at, values, 0.92 * wide, top, say(field.replace("_", " "), lang), style)
    ax.set_ylim(0.0, top)
    labels = [say(name, lang) for name in names]
    room = int(points_wide(ax) / len(names) / 5.2)
    if fits_level(labels, room):
        user_ticks(ax, "x", range(len(names)), [wrap(text, room) for text in labels])
    else:
        user_ticks(ax, "x", range(len(names)), labels, rotation=20, ha="right", fontsize=8)
    ax.tick_params(axis="x", length=0)
    name_axis(ax, "y", say("percent of", lang))
    ax.legend(loc="upper center", ncols=len(series), fontsize=7.5, handlelength=1.6, columnspacing=1.0, frameon=True,
              framealpha=0.85, edgecolor="none")  # fmt: skip
    ax.set_ylim(0.0, top * 1.14)
    return say("components", lang)
