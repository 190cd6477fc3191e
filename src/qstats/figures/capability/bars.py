"""What the process takes of the axis, and what the specification leaves it."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes

from qstats.capability.result import Capability
from qstats.figures.capability.facts import with_interval
from qstats.figures.capability.histogram import quiet_axis
from qstats.figures.panels import reader
from qstats.figures.style import INK, PALETTE, user_ticks
from qstats.figures.words_quality import say

__all__ = ["draw_bars"]


def _bar(ax: Axes, y: float, low: float, high: float, **line: Any) -> None:
    ax.plot([low, high], [y, y], linewidth=2.2, solid_capstyle="butt", zorder=3, **line)
    ax.plot([low, high], [y, y], "|", markersize=12, markeredgewidth=1.6, zorder=3, color=line["color"])


def _specification(ax: Axes, r: Capability, low: float, high: float) -> tuple[float, float]:
    """Draw the specification as a bar; a side without one is an arrow to the end of the axis."""
    lower, upper = r.spec.lower_spec, r.spec.upper_spec
    left, right = min(low, math.inf if lower is None else lower), max(high, -math.inf if upper is None else upper)
    room = 0.08 * (right - left)
    ends = left - room, right + room
    inside = 0.3 * room  # an arrow on the edge would stand on the names
    a, b = ends[0] + inside if lower is None else lower, ends[1] - inside if upper is None else upper
    line: dict[str, Any] = {"color": PALETTE["vermilion"], "zorder": 3}
    ax.plot([a, b], [0, 0], linewidth=5.0, solid_capstyle="butt", gid="specification", **line)
    for at, given, arrow in ((a, lower, "<"), (b, upper, ">")):
        mark = arrow if given is None else "|"
        ax.plot([at], [0], mark, markersize=9 if given is None else 15, markeredgewidth=2.0, clip_on=False, **line)
    if r.spec.target is not None:
        ax.plot([r.spec.target], [0], "d", color="white", markeredgecolor=INK["text"], markersize=7, zorder=4)
    return ends


def draw_bars(ax: Axes, r: Capability, lang: str) -> None:
    """Draw mean -+ 3 sigma, within and overall, above the specification on the same scale."""
    mean = r.mean.estimate
    spreads = (("within", r.sigma_within, r.within.cpk, "Cpk"), ("overall", r.sigma_overall, r.overall.ppk, "Ppk"))
    widest = 3.0 * max(e.estimate for _, e, _, _ in spreads)
    ends = _specification(ax, r, mean - widest, mean + widest)
    names = {id(e): name for name, e in r.terms().values.items()}
    for y, (which, sigma, index, plain) in enumerate(reversed(spreads), start=1):
        line: dict[str, Any] = {"color": INK["text"] if which == "overall" else PALETTE["blue"]}
        low, high = mean - 3.0 * sigma.estimate, mean + 3.0 * sigma.estimate
        _bar(ax, y, low, high, linestyle="solid" if which == "overall" else (0, (4, 1)), gid=which, **line)
        ax.plot([mean], [y], "o", markersize=5, zorder=4, **line)
        text = f"{names.get(id(index), plain)} {with_interval(index, lang)}"
        ax.annotate(
            text, (0.5 * (ends[0] + ends[1]), y), xytext=(0, 7), textcoords="offset points", ha="center", va="bottom",
            fontsize=8,
        )  # fmt: skip
    ax.set_xlim(ends)
    ax.set_ylim(-0.6, 2.75)
    user_ticks(ax, "y", (0, 1, 2), [say(w, lang) for w in ("spec", "overall", "within")])
    ax.tick_params(axis="y", length=0)
    quiet_axis(ax, reader(ends[1] - ends[0], *ends))
