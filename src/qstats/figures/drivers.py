"""Draw what goes with an outcome: driver shares, importance against performance, and Kano coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from qstats._core.arrays import BoolArray, FloatArray
from qstats.figures.axes import percent_axis, points_wide
from qstats.figures.forest import MOST, Forest, draw_forest, forest_axes
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, clean_text, in_house_style, name_axis, shorten, write_title
from qstats.figures.words import word
from qstats.voice.drivers.drivers import KeyDrivers
from qstats.voice.drivers.importance import QUADRANTS, UNRESOLVED, ImportancePerformance
from qstats.voice.drivers.kano_result import CATEGORIES, Kano

__all__ = ["draw_importance_performance", "draw_kano", "draw_key_drivers"]

_DISC = 15.0  # points between two numbers that can both be read
_TURN = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
_RINGS = np.concatenate(
    [[[0.0, 0.0]], *(far * np.column_stack([np.cos(_TURN), np.sin(_TURN)]) for far in (16, 26, 38))]
)


def _level(confidence: float) -> str:
    return f"{100 * confidence:.4g}%"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


@in_house_style
def draw_key_drivers(r: KeyDrivers, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share of each driver with its interval, largest first; beside it the ranks it may have.

    The sign at the right is that of the correlation with the outcome: a share has no direction.

    Parameters
    ----------
    r : KeyDrivers
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
        Instead of the share that all drivers explain together.
    """
    order = np.argsort(r.rank, kind="stable")
    labels = [clean_text(r.drivers[i]) for i in order]
    ax = forest_axes(labels, ax)
    beside = []
    for i in order:
        low, high = int(r.rank_low[i]), int(r.rank_high[i])
        rank = word("rank one" if low == high else "rank", lang, low=low, high=high)
        beside.append(f"{100 * r.share[i]:.1f}%  ·  {rank}  ·  r {_signed(float(r.correlation[i]))}")
    rows = Forest(labels, r.share[order], r.interval.low[order], r.interval.high[order], beside=beside)
    draw_forest(ax, rows, word("driver axis", lang, level=_level(r.interval.confidence)), lang)
    ax.set_xlim(left=-0.015 * ax.get_xlim()[1])  # a share of zero keeps its whole marker
    percent_axis(ax, "x")
    shown = {"estimate": f"{r.r2:.1%}", "low": f"{r.r2_interval.low:.1%}", "high": f"{r.r2_interval.high:.1%}"}
    text = word("effect interval", lang, level=_level(r.r2_interval.confidence), **shown)
    write_title(ax, title or word("drivers title", lang, outcome=shorten(r.outcome, 26), text=text))
    return ax


def _regions(ax: Axes, r: ImportancePerformance) -> None:
    """Draw the bootstrap region of each item; half axes and angle are in the units of the axes."""
    turn = np.linspace(0.0, 2.0 * np.pi, 91)
    for i in range(len(r)):
        along, across = r.major[i] * np.cos(turn), r.minor[i] * np.sin(turn)
        cos, sin = np.cos(r.angle[i]), np.sin(r.angle[i])
        importance = r.importance[i] + along * cos - across * sin
        performance = r.performance[i] + along * sin + across * cos
        ax.fill(performance, importance, color=PALETTE["blue"], alpha=0.10, linewidth=0, zorder=2)
        ax.plot(performance, importance, color=PALETTE["blue"], linewidth=0.7, alpha=0.7, zorder=2, gid=f"region {i}")


def _free_places(x: FloatArray, y: FloatArray) -> list[tuple[float, float]]:
    """Return where the number of each point can stand, as an offset: on the point, or beside it where that is taken.

    Parameters
    ----------
    x, y : numpy.ndarray, shape (n,)
        In points of the page.
    """
    placed = np.empty((0, 2))
    offsets = []
    for i in range(x.size):
        here = np.array([x[i], y[i]])
        gap = np.array([np.hypot(*(placed - (here + ring)).T).min(initial=np.inf) for ring in _RINGS])
        # The first place that is free; none is in a crowd, and then the least crowded.
        best = int(np.argmax(gap >= _DISC)) if (gap >= _DISC).any() else int(np.argmax(gap))
        offsets.append((float(_RINGS[best, 0]), float(_RINGS[best, 1])))
        placed = np.vstack([placed, here + _RINGS[best]])
    return offsets


def _numbers(ax: Axes, r: ImportancePerformance, order: npt.NDArray[np.intp], sure: BoolArray) -> None:
    """Draw the items as dots with numbers: names of any length stand in the list."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    figure: Any = ax.figure
    high = figure.bbox.height / figure.dpi * 72 * ax.get_position().height
    # The list takes about a third of the width once the figure is laid out.
    x = (r.performance[order] - left) / ((right - left) or 1.0) * 0.65 * points_wide(ax)
    y = (r.importance[order] - bottom) / ((top - bottom) or 1.0) * high
    for number, (i, offset) in enumerate(zip(order, _free_places(x, y), strict=True), start=1):
        face, ink = (PALETTE["blue"], "white") if sure[i] else ("white", PALETTE["blue"])
        where = float(r.performance[i]), float(r.importance[i])
        dot: dict[str, Any] = {"color": PALETTE["blue"], "markerfacecolor": face, "markersize": 5, "zorder": 4}
        ax.plot([where[0]], [where[1]], "o", gid=f"item {i}", **dot)
        ax.annotate(
            f"{number}", where, xytext=offset, textcoords="offset points", ha="center", va="center", color=ink,
            fontsize=7, zorder=5, bbox={"boxstyle": "circle,pad=0.25", "fc": face, "ec": PALETTE["blue"], "lw": 1.0},
            arrowprops={"arrowstyle": "-", "color": PALETTE["blue"], "lw": 0.7, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip


def _list_items(ax: Axes, r: ImportancePerformance, order: npt.NDArray[np.intp], lang: str) -> None:
    lines = [
        f"{number}  {shorten(r.items[i], 28)}  ·  {word(r.quadrant[i], lang)}"
        for number, i in enumerate(order[:MOST], start=1)
    ]
    if len(order) > MOST:
        lines.append(word("more rows", lang, n=len(order) - MOST))
    ax.text(1.03, 1.0, "\n".join(lines), transform=ax.transAxes, va="top", fontsize=8, linespacing=1.45, gid="list")


def _name_quadrants(ax: Axes, r: ImportancePerformance, lang: str) -> None:
    """Name a quadrant only where an item is known to lie in it."""
    for k, name in enumerate(QUADRANTS):
        if name in r.quadrant:
            right, up = k % 2, k // 2
            ax.text(
                0.99 if right else 0.01, 0.99 if up else 0.01, word(name, lang), transform=ax.transAxes,
                ha="right" if right else "left", va="top" if up else "bottom", color=INK["soft"], fontsize=9,
                fontstyle="italic" if lang == "en" else "normal", zorder=1,
            )  # fmt: skip


@in_house_style
def draw_importance_performance(
    r: ImportancePerformance, ax: Axes | None = None, *, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw importance over performance with a bootstrap region around each item, numbered by importance.

    Filled where the quadrant is resolved, open where the item could as well lie in the next one.

    Parameters
    ----------
    r : ImportancePerformance
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    order = np.argsort(-r.importance, kind="stable")
    sure = np.array([name != UNRESOLVED for name in r.quadrant])
    ax = ax if ax is not None else new_axes(8.4, max(4.6, 1.0 + 0.165 * min(len(r) + 1, MOST + 1)))[0]
    _regions(ax, r)
    line: dict[str, Any] = {"color": INK["line"], "linewidth": 1.0, "linestyle": (0, (5, 2.5)), "zorder": 1}
    ax.axhline(r.cross[0], gid="importance cross", **line)
    ax.axvline(r.cross[1], gid="performance cross", **line)
    ax.margins(0.09)
    _numbers(ax, r, order, sure)
    _name_quadrants(ax, r, lang)
    _list_items(ax, r, order, lang)
    if r.performance_measure == "top_box":
        percent_axis(ax, "x")
    if r.measure == "share":
        percent_axis(ax, "y")
    key = "correlation with" if r.measure == "correlation" else "share of"
    name_axis(ax, "x", word(f"performance {r.performance_measure}", lang))
    name_axis(ax, "y", f"{word('importance', lang)}\n{word(key, lang, outcome=shorten(r.outcome, 24))}")
    write_title(ax, title or word("quadrants title", lang, level=_level(r.confidence)))
    return ax


def _category(r: Kano, i: int, lang: str) -> str:
    """Return the category in words; where it is open, the two that lead."""
    name = r.name_zh[i] if lang == "zh" else r.name[i]
    if r.category[i] in CATEGORIES:
        return name
    both = "/".join(CATEGORIES[letter][lang == "zh"] for letter in (r.top[i], r.second[i]))
    return f"{name} ({both})" if lang == "en" else f"{name}（{both}）"


def _worse(ax: Axes, r: Kano, decided: BoolArray) -> None:
    """Draw the coefficients left of zero as the forest draws those right of it, with another mark."""
    shown = min(len(r), MOST)
    at = np.arange(shown, dtype=np.float64)
    color, limits = PALETTE["vermilion"], r.worse_interval
    ax.hlines(at, limits.low[:shown], limits.high[:shown], color=color, linewidth=2.0, zorder=3, gid="worse intervals")
    how: dict[str, Any] = {"linestyle": "none", "color": color, "markersize": 6.0, "zorder": 3}
    for some, face in ((decided[:shown], color), (~decided[:shown], "white")):
        ax.plot(r.worse[:shown][some], at[some], "s", markerfacecolor=face, **how)


def _sides(ax: Axes, lang: str) -> None:
    for key, at, side, color in (("worse", 0.0, "left", "vermilion"), ("better", 1.0, "right", "blue")):
        text: dict[str, Any] = {"ha": side, "va": "bottom", "color": PALETTE[color], "fontsize": 8.5}
        ax.annotate(
            word(key, lang), (at, 1.0), xytext=(0, 4), xycoords="axes fraction", textcoords="offset points", **text
        )


@in_house_style
def draw_kano(r: Kano, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw how much each feature pleases if there (right) and annoys if missing (left), with its category.

    Filled where the category is decided; else the two that lead stand beside it.

    Parameters
    ----------
    r : Kano
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    labels = [clean_text(name) for name in r.features]
    ax = forest_axes(labels, ax)
    beside = [f"{_category(r, i, lang)}  ·  n {r.n[i]:,.0f}" for i in range(len(r))]
    decided = np.array([letter in CATEGORIES for letter in r.category])
    limits = r.better_interval
    draw_forest(ax, Forest(labels, r.better, limits.low, limits.high, 0.0, decided, beside=beside), "", lang)
    _worse(ax, r, decided)
    _sides(ax, lang)
    ax.set_xlim(-1.03, 1.03)
    percent_axis(ax, "x")
    values = {"n": len(r), "decided": int(decided.sum()), "level": _level(r.confidence)}
    name_axis(ax, "x", word("better and worse", lang, level=_level(r.confidence)))
    write_title(ax, title or word("kano", lang, **values), pad=19)
    return ax
