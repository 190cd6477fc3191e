"""Draw how long things stay open: a Kaplan-Meier curve with its band, and what is still open as ticks."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from qstats.figures.axes import percent_axis
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, write_title
from qstats.figures.words import word
from qstats.inference.survival import SurvivalCurve

__all__ = ["draw_curve", "draw_survival"]


def draw_curve(ax: Axes, c: SurvivalCurve, color: str, label: str, style: str = "solid") -> None:
    """Draw one curve; a vertical tick where something was still open when last seen."""
    time = np.concatenate([[0.0], c.time])
    share, low, high = (np.concatenate([[1.0], a]) for a in (c.survival, c.low, c.high))
    ax.fill_between(time, low, high, step="post", color=color, alpha=0.15, linewidth=0, gid=f"band {label}")
    ax.step(time, share, where="post", color=color, linewidth=1.6, linestyle=style, label=label)
    left = c.at_risk - c.events - np.append(c.at_risk[1:], 0.0)
    still = left > 0
    if still.any():
        ax.plot(c.time[still], c.survival[still], "|", color=color, markersize=7, gid=f"open {label}")


@in_house_style
def draw_survival(c: SurvivalCurve, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share still open over time, with its pointwise band.

    Parameters
    ----------
    c : SurvivalCurve
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
        Instead of the median.
    """
    ax = ax if ax is not None else new_axes(8.4, 3.4)[0]
    draw_curve(ax, c, PALETTE["blue"], word("share open", lang))
    median = c.median.estimate
    if math.isfinite(median):
        ax.plot([0, median, median], [0.5, 0.5, 0], color=INK["soft"], linewidth=0.9, linestyle=(0, (1.5, 2)))
    percent_axis(ax)
    ax.set_ylim(0, 1.03)
    ax.set_xlim(left=0)
    name_axis(ax, "x", word("time open", lang))
    name_axis(ax, "y", word("share open", lang))
    show = {
        k: f"{v:.4g}" if math.isfinite(v) else "∞"
        for k, v in (("estimate", median), ("low", c.median.interval.low), ("high", c.median.interval.high))
    }
    level = f"{100 * c.confidence:.4g}%"
    write_title(ax, title or f"{word('median', lang)} " + word("effect interval", lang, level=level, **show))
    return ax
