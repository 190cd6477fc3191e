"""Figure of the most desirable setting: how desirable each response is, and where it lies in what is allowed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from qstats._core.checks import check_choice
from qstats.doe.desirability.result import Optimum
from qstats.doe.desirability.wants import Desirability
from qstats.figures.doe.parts import long_title, settings_text
from qstats.figures.doe.words import say
from qstats.figures.output import new_axes
from qstats.figures.panels import a_level, apart, new_grid, only_one_panel, reader
from qstats.figures.style import (
    INK,
    PALETTE,
    font_families,
    in_house_style,
    name_axis,
    user_ticks,
    write_title,
)

__all__ = ["Track", "draw_optimum", "track_of"]

_PANELS = ("all", "desirability", "predicted")
_ROUNDING = 1e-9  # of the scale of a response: a smaller miss is none


# ---- desirabilities ----


def _bars(ax: Axes, r: Optimum, lang: str) -> None:
    values = [r.desirability, *(float(v) for v in r.each)]
    at = np.arange(len(values))
    limit = [False, *(g.kind == "limit" for g in r.goals)]
    colors = [PALETTE["blue"], *(INK["faint"] if only else PALETTE["sky"] for only in limit[1:])]
    ax.barh(at, values, height=0.6, color=colors, gid="bars")
    for i, value in enumerate(values):
        color = PALETTE["vermilion"] if value == 0.0 else INK["text"]
        told = f"{value:.3f}" + (f" ({say('limit only', lang)})" if limit[i] else "")
        inside = value > 0.72
        ax.annotate(
            told, (value, i), xytext=(-4 if inside else 4, 0), textcoords="offset points", va="center", fontsize=8,
            ha="right" if inside else "left", color="white" if inside and i == 0 else color, gid="value",
            fontfamily=font_families(),
        )  # fmt: skip
    user_ticks(ax, "y", at.tolist(), [say("overall", lang), *apart(r.responses, 24)])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.set_xlim(0.0, 1.0)
    ax.axhline(0.5, color=INK["faint"], linewidth=0.8)
    name_axis(ax, "x", say("desirability", lang))
    write_title(ax, say("desirability", lang))


# ---- predictions against limits ----


@dataclass(frozen=True, slots=True)
class Track:
    """The scale of one response: 0 and 1 on the axis stand for `low` and `high` in its unit."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return where a value stands; infinite ones at the edge of the picture."""
        return float(np.clip((value - self.low) / (self.high - self.low), -0.06, 1.06))


def track_of(r: Optimum, i: int) -> Track:
    """Return the scale that shows all that is told of response ``i``."""
    goal, new = r.goals[i], r.new_run[i]
    told = [
        float(r.predicted[i]),
        r.interval.low[i],
        r.interval.high[i],
        goal.low,
        goal.high,
        goal.target,
        *goal.limits,
    ]
    told += [] if new is None else [new.low, new.high]
    known = [float(v) for v in told if v is not None and math.isfinite(v)]
    low, high = min(known), max(known)
    return Track(low, high) if high > low else Track(low - (abs(low) or 1.0), high + (abs(high) or 1.0))


def _best(goal: Desirability) -> float | None:
    """The value from which on no better is wanted."""
    return {"min": goal.low, "max": goal.high, "target": goal.target}.get(goal.kind)


def _row(ax: Axes, r: Optimum, i: int, lang: str) -> None:
    goal, track, y = r.goals[i], track_of(r, i), float(i)
    show = reader(track.high - track.low, track.low, track.high)
    bounds = goal.bounds
    left, right = (track.at(v) for v in bounds)
    ax.barh(y, right - left, left=left, height=0.5, color=INK["shade"], zorder=0.5, gid="allowed")
    marks = [(v, "zero") for v in bounds if math.isfinite(v)]
    best = _best(goal)
    marks += [] if best is None else [(best, "best")]
    for value, key in marks:
        dash = "solid" if key == "zero" else (0, (2, 1.5))
        ax.plot([track.at(value)] * 2, [y - 0.25, y + 0.25], color=INK["line"], linewidth=1.0, linestyle=dash, gid=key)
        text = show(value) if key == "zero" else f"{say('best', lang)} {show(value)}"
        high = y + (0.27 if key == "zero" else -0.27)
        ax.text(track.at(value), high, text, ha="center", va="top" if key == "zero" else "bottom", fontsize=7.5,
                color=INK["soft"], fontfamily=font_families(), gid=f"{key} value")  # fmt: skip
    missed = bool(r.missed[i] > _ROUNDING * (track.high - track.low))
    color = PALETTE["vermilion"] if missed else PALETTE["blue"]
    new = r.new_run[i]
    if new is not None:
        ax.plot([track.at(new.low), track.at(new.high)], [y, y], color=color, linewidth=1.0, zorder=3, gid="new run")
    ends = [track.at(float(r.interval.low[i])), track.at(float(r.interval.high[i]))]
    ax.plot(ends, [y, y], color=color, linewidth=3.6, alpha=0.55, solid_capstyle="butt", zorder=3, gid="interval")
    ax.plot([track.at(float(r.predicted[i]))], [y], "D", color=color, markersize=6, zorder=4, gid="predicted")
    limits = f" ({show(float(r.interval.low[i]))}, {show(float(r.interval.high[i]))})"
    wanted = "" if goal.target is None else show(goal.target)
    told = [show(float(r.predicted[i])) + limits, say(f"wanted {goal.kind}", lang, target=wanted)]
    if missed:
        told.append(say("missed by", lang, value=f"{r.missed[i]:.4g}"))
    ax.text(1.12, y, "\n".join(told), va="center", ha="left", fontsize=8, color=color if missed else None,
            fontfamily=font_families(), gid="told")  # fmt: skip


def _predictions(ax: Axes, r: Optimum, lang: str) -> None:
    for i in range(len(r.responses)):
        _row(ax, r, i, lang)
    n = len(r.responses)
    user_ticks(ax, "y", list(range(n)), apart(r.responses, 24))
    ax.tick_params(axis="y", length=0)
    ax.set_xticks([])
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xlim(-0.07, 1.07)
    ax.set_ylim(n - 0.4, -0.6)
    name_axis(ax, "x", say("wanted key", lang, level=a_level(r.confidence)))
    write_title(ax, say("wanted", lang))


@in_house_style
def draw_optimum(
    r: Optimum, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw the desirability of all responses and of each, and each prediction against what is allowed.

    Every response stands on a scale of its own; its limits, interval and prediction are written as numbers.

    Parameters
    ----------
    r : Optimum
    ax : matplotlib Axes, optional
        Then one panel, the predictions unless `panel` says otherwise.
    panel : {"all", "desirability", "predicted"}, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    panel = check_choice(panel or ("all" if ax is None else "predicted"), "panel", _PANELS)
    settings = settings_text(r.settings, lang)
    key = "optimum title" if r.feasible else "optimum impossible"
    text = title or say(key, lang, settings=settings, **({"d": f"{r.desirability:.3f}"} if r.feasible else {}))
    tall = 1.7 + 0.75 * len(r.responses)
    if panel == "all":
        only_one_panel(ax, panel, _PANELS[1:])
        axes = new_grid(11.6, max(tall, 3.2), 1, 2, width_ratios=[1.0, 1.7])
        _bars(axes[0], r, lang)
        _predictions(axes[1], r, lang)
        long_title(axes, text)
        return axes[0]
    ax = new_axes(7.2, max(tall, 3.0))[0] if ax is None else ax
    (_bars if panel == "desirability" else _predictions)(ax, r, lang)
    if title:
        write_title(ax, title)
    return ax
