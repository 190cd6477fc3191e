"""Figures of a trade-off: the front with its band, where the limits hold, and how sure the front is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats.doe.compromise.parts import Choice
from qstats.doe.compromise.tradeoff_result import TradeOff
from qstats.doe.design import Design
from qstats.errors import DataError
from qstats.figures.axes import percent_axis
from qstats.figures.doe.map import Cells, cells_of, draw_cells, important, place_in, qualifying
from qstats.figures.doe.parts import caption, key_below, long_title, two_factors
from qstats.figures.doe.words import say
from qstats.figures.output import new_axes
from qstats.figures.panels import a_level, new_grid, only_one_panel
from qstats.figures.style import INK, PALETTE, font_families, in_house_style, name_axis, shorten, write_title

__all__ = ["draw_tradeoff"]

_PANELS = ("all", "front", "map", "probability")
_CELLS = 64  # a picture holds one setting for each of so many steps across and up
_PAD = 0.35
_OFFSET = 26  # points from a marker to its name

# Marker and face of the settings that have a name.
_LOOK = {
    "recommended": ("D", PALETTE["vermilion"], 8.5),
    "recommended both": ("D", PALETTE["vermilion"], 8.5),
    "point optimum": ("s", "white", 7.5),
    "closest": ("D", "white", 8.5),
}


# ---- what stands on the axes ----


def _names(r: TradeOff) -> tuple[str, str | None]:
    """The responses of the front's axes; the second is None for the probability that all limits hold."""
    first = r.goals[0].response
    if len(r.goals) > 1:
        return first, r.goals[1].response
    others = [n for n in (*r.specs, *r.responses) if n != first]
    return first, others[0] if others else None


def _values(r: TradeOff, name: str | None) -> FloatArray:
    return r.probability if name is None else r.predicted_of(name)


def _named(r: TradeOff) -> list[tuple[str, Choice]]:
    """Settings with a name, the one that matters most last, so that it lies on top; one that has two, once."""
    point, best = r.point_optimum, r.recommended
    if best is not None and point is not None and np.array_equal(point.coded, best.coded):
        return [("recommended" if not r.specs else "recommended both", best)]
    found = [] if point is None else [("point optimum", point)]
    if r.recommended is not None:
        return [*found, ("recommended", r.recommended)]
    return [*found, ("closest", r.none_safe.closest)] if r.none_safe is not None else found


def _at(c: Choice, name: str | None) -> float:
    return float(c.probability if name is None else c.values[name])


def _limits(r: TradeOff, name: str | None) -> list[float]:
    if name is None or name not in r.specs:
        return []
    return [v for v in (r.specs[name].lower_spec, r.specs[name].upper_spec) if v is not None]


def _span(r: TradeOff, name: str | None, band: Sequence[FloatArray]) -> tuple[float, float]:
    """Return the ends of an axis: all that is told of, and of the other settings as much as lies about it."""
    every = _values(r, name)
    every = every[np.isfinite(every)]
    low, high = float(every.min()), float(every.max())
    reach = 0.5 * (high - low)
    limits = [v for v in _limits(r, name) if low - reach <= v <= high + reach]
    core = [_values(r, name)[r.front], _values(r, name)[r.safe], np.array(limits), *(v[np.isfinite(v)] for v in band)]
    core.append(np.array([_at(c, name) for _, c in _named(r)]))
    told = np.concatenate(core)
    told = told[np.isfinite(told)]
    least, most = (float(told.min()), float(told.max())) if told.size else (low, high)
    pad = _PAD * (most - least) or reach
    ends = min(least, max(low, least - pad)), max(most, min(high, most + pad))
    edge = 0.05 * (ends[1] - ends[0]) or 0.05 * abs(ends[0]) or 1.0
    return ends[0] - edge, ends[1] + edge


def _thin(x: FloatArray, y: FloatArray, some: npt.NDArray[np.intp], ax: Axes) -> npt.NDArray[np.intp]:
    """Of settings that would lie on one another, one."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    seen = some[(x[some] >= left) & (x[some] <= right) & (y[some] >= low) & (y[some] <= high)]
    across = np.floor(_CELLS * (x[seen] - left) / (right - left))
    up = np.floor(_CELLS * (y[seen] - low) / (high - low))
    _, first = np.unique(across * (_CELLS + 1) + up, return_index=True)
    return np.asarray(seen[np.sort(first)])


# ---- the front ----


def _cloud(ax: Axes, r: TradeOff, x: FloatArray, y: FloatArray, lang: str) -> None:
    safe = r.safe if r.specs else np.zeros_like(r.safe)
    for some, key, color, size in (
        (~safe, "candidates", INK["faint"], 2.4),
        (safe, "qualify", PALETTE["green"], 3.4),
    ):
        at = _thin(x, y, np.flatnonzero(some), ax)
        if at.size:
            ax.plot(x[at], y[at], "o", color=color, markersize=size, markeredgewidth=0, zorder=2, gid=key,
                    label=say(key, lang))  # fmt: skip


def _front(ax: Axes, r: TradeOff, x: FloatArray, y: FloatArray, lang: str) -> list[Patch]:
    """Draw the predicted front and its band; return what the key says of the band."""
    color = PALETTE["blue"]
    style = "o-" if len(r.goals) == 2 else "o"
    ax.plot(x[r.front], y[r.front], style, color=color, markersize=3.2, linewidth=1.4, zorder=4, gid="front",
            label=say("front", lang))  # fmt: skip
    if r.band is None:
        return []
    low, high = ax.get_ylim()
    ends = np.clip(r.band.interval.low, low, high), np.clip(r.band.interval.high, low, high)
    ax.fill_between(r.band.first, *ends, color=color, alpha=0.2, linewidth=0, zorder=3, gid="band")
    text = say("front band", lang, level=a_level(r.band.interval.confidence))
    return [Patch(facecolor=color, alpha=0.3, label=text)]


def _limit_lines(
    ax: Axes, values: Sequence[float], which: str, lang: str, points: Sequence[tuple[float, float]]
) -> None:
    """Draw limits with their values at the end of the line that is farther from all marked points."""
    low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    start, stop = ax.get_ylim() if which == "x" else ax.get_xlim()
    look: dict[str, Any] = {"color": INK["line"], "linewidth": 1.1, "linestyle": (0, (5, 2.5)), "zorder": 3.5}
    text: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8, "zorder": 3.6, "annotation_clip": False}
    text["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
    along = [((y if which == "x" else x) - start) / (stop - start) for x, y in points]
    far = max((0.0, 1.0), key=lambda end: min((abs(v - end) for v in along), default=end))
    for value in values:
        if not low <= value <= high:
            continue
        told = say("limit line", lang, value=f"{value:.5g}")
        if which == "x":
            ax.axvline(value, gid="limit", **look)
            place, va = ax.get_xaxis_transform(), "top" if far else "bottom"
            ax.annotate(told, (value, far), xycoords=place, xytext=(3, -4 if far else 4), rotation=90, va=va, **text)
        else:
            ax.axhline(value, gid="limit", **look)
            place, ha = ax.get_yaxis_transform(), "right" if far else "left"
            ax.annotate(told, (far, value), xycoords=place, xytext=(-3 if far else 3, 3), ha=ha, **text)


def _mark(ax: Axes, points: Sequence[tuple[str, float, float]], lang: str) -> None:
    """Mark settings with their names, one above and one below, towards the middle of the picture."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    top = max(points, key=lambda p: p[2])[0] if points else ""
    taken: list[bool] = []
    for name, x, y in points:
        marker, face, size = _LOOK[name]
        edge: dict[str, Any] = {"markerfacecolor": face, "markeredgecolor": INK["text"], "markersize": size}
        (line,) = ax.plot([x], [y], marker, zorder=7, gid=name, **edge)
        line.set_clip_on(not (left <= x <= right and low <= y <= high))  # whole on the edge, too
        across, up = (x - left) / (right - left), (y - low) / (high - low)
        down = (name != top) if len(points) > 1 else up > 0.5
        down = down if 0.12 <= up <= 0.88 else up > 0.5
        away = _OFFSET * 0.7 * (1.0 + 0.95 * taken.count(down)) * (-1.0 if down else 1.0)
        taken.append(down)
        to_left = across > 0.5
        ax.annotate(
            say(name, lang), (x, y), xytext=(-_OFFSET if to_left else _OFFSET, away),
            textcoords="offset points", ha="right" if to_left else "left", va="center", fontsize=8.5, zorder=8,
            fontfamily=font_families(), gid="name", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            arrowprops={"arrowstyle": "-", "color": INK["soft"], "linewidth": 0.8, "shrinkB": 4},
        )  # fmt: skip


def _front_panel(ax: Axes, r: TradeOff, lang: str) -> None:
    first, second = _names(r)
    x, y = _values(r, first), _values(r, second)
    band = ([], []) if r.band is None else ([r.band.first], [r.band.interval.low, r.band.interval.high])
    ax.set_xlim(*_span(r, first, band[0]))
    ax.set_ylim(*_span(r, second, band[1]))
    _cloud(ax, r, x, y, lang)
    areas = _front(ax, r, x, y, lang)
    marked = [(name, _at(c, first), _at(c, second)) for name, c in _named(r)]
    for name, which in ((first, "x"), (second, "y")):
        _limit_lines(ax, _limits(r, name), which, lang, [one[1:] for one in marked])
    _mark(ax, marked, lang)
    if r.recommended is None:
        caption(ax, say("none safe", lang), (0.5, 0.96))
    name_axis(ax, "x", shorten(first, 40))
    name_axis(ax, "y", say("probability all", lang) if second is None else shorten(second, 40))
    if second is None:
        percent_axis(ax)
    key_below(ax, areas=areas)
    many = len(r.goals) > 2
    write_title(ax, say("front projected", lang, n=len(r.goals)) if many else say("front panel", lang))


# ---- where the limits hold ----


def _runs(ax: Axes, r: TradeOff, across: Cells, up: Cells, design: Design | None, lang: str) -> None:
    if design is None:
        return
    held = np.asarray(design.coded)[:, [across.number, up.number]]
    points = np.unique(np.round(held, 9), axis=0)
    ax.plot(
        across.shown(points[:, 0]), up.shown(points[:, 1]), "o", color=INK["text"], markersize=3.5, zorder=4,
        gid="runs", clip_on=False, label=say("runs", lang),
    )  # fmt: skip


def _map_panel(ax: Axes, r: TradeOff, factors: Any, design: Design | None, lang: str) -> None:
    free = important(r)
    if not r.specs:
        raise DataError("panel: without limits (specs=) there is no probability that they hold; see panel='front'")
    names = [f.name for f in r.factors]
    if len(free) == 1:
        if factors is not None:
            raise DataError(f"factors: got {factors!r}; {names[free[0]]} alone can be chosen, leave factors out")
        _one_factor(ax, r, cells_of(r, free[0]), lang)
        return
    unsaid = [names[j] for j in sorted(free[:2])]
    one, two = two_factors(factors, [names[j] for j in sorted(free)], unsaid)
    across, up = cells_of(r, names.index(one)), cells_of(r, names.index(two))
    areas = draw_cells(ax, r, across, up, lang)
    _runs(ax, r, across, up, design, lang)
    where = [(name, place_in(across, c.coded), place_in(up, c.coded)) for name, c in _named(r)]
    _mark(ax, where, lang)
    if r.recommended is None:
        caption(ax, say("none safe", lang), (0.5, 0.96))
    key_below(ax, areas=areas)
    write_title(ax, say("map projected" if len(free) > 2 else "map panel", lang))


def _one_factor(ax: Axes, r: TradeOff, across: Cells, lang: str) -> None:
    coded = np.asarray(r.candidates)[:, across.number]
    order = np.argsort(coded, kind="stable")
    x, p = across.shown(coded[order]), r.probability[order]
    ax.plot(x, p, "-" if across.levels is None else "o", color=PALETTE["blue"], gid="probability")
    qualifying(ax, x[r.safe[order]], p[r.safe[order]], lang)
    ax.set_ylim(-0.03, 1.08)
    across.name(ax, "x")
    name_axis(ax, "y", say("probability all", lang))
    percent_axis(ax)
    _mark(ax, [(name, place_in(across, c.coded), c.probability) for name, c in _named(r)], lang)
    if r.recommended is None:
        caption(ax, say("none safe", lang), (0.5, 0.5))
    key_below(ax)
    write_title(ax, say("map panel", lang))


# ---- how sure the front is ----


def _probability_panel(ax: Axes, r: TradeOff, lang: str) -> None:
    first = r.goals[0].response
    x = _values(r, first)[r.front]
    order = np.argsort(x, kind="stable")
    shown = [("non-dominated", r.non_dominated, PALETTE["blue"], "o")]
    if r.specs:
        look = "s-" if len(r.goals) == 2 else "s"
        shown.append(("probability all", r.probability[r.front], PALETTE["vermilion"], look))
    for key, values, color, look in shown:
        ax.plot(x[order], values[order], look, color=color, markersize=4, linewidth=1.2, gid=key, label=say(key, lang))
    ax.set_ylim(-0.03, 1.05)
    percent_axis(ax)
    name_axis(ax, "x", shorten(first, 40))
    name_axis(ax, "y", say("probability", lang))
    key_below(ax)
    write_title(ax, say("probability panel", lang))


# ---- the figure ----


def _check_design(r: TradeOff, design: Any, panel: str) -> None:
    if design is None:
        return
    if panel not in ("all", "map"):
        raise DataError(f"design: its runs stand on the map, not on panel={panel!r}")
    if not isinstance(design, Design) or design.names != tuple(f.name for f in r.factors):
        raise DataError(f"design: got {design!r:.60}; the design of this experiment, such as fit.design, is wanted")


def _title(r: TradeOff, lang: str) -> str:
    if r.recommended is not None:
        return say("tradeoff title", lang, text=r.recommended.text)
    return say("tradeoff none", lang, text="–" if r.none_safe is None else r.none_safe.closest.text)


@in_house_style
def draw_tradeoff(
    r: TradeOff,
    ax: Axes | None = None,
    *,
    panel: str | None = None,
    factors: Sequence[str] | None = None,
    design: Design | None = None,
    lang: str = "en",
    title: str | None = None,
) -> Axes:
    """Draw what can be had together, what is recommended, and where the limits hold.

    Parameters
    ----------
    r : TradeOff
    ax : matplotlib Axes, optional
        Then one panel, the front unless `panel` says otherwise.
    panel : {"all", "front", "map", "probability"}, optional
        ``"front"``: the first two goals (of one goal: with the first other response, else with the probability that
        all limits hold). ``"map"``: that probability over two factors, the best over the others; dots are cells
        with a setting that qualifies. ``"probability"``: how sure the points of the front are.
        ``"all"``: front and map; without limits the front and how sure it is.
    factors : pair of str, optional
        Across and up on the map; unsaid, those that matter most to the probability and the goals.
    design : Design, optional
        Whose runs the map is to show, such as ``fit.design``.
    lang : {"en", "zh"}
    title : str, optional
    """
    panel = check_choice(panel or ("all" if ax is None else "front"), "panel", _PANELS)
    if factors is not None and panel not in ("all", "map"):
        raise DataError(f"factors: they are those of the map, not of panel={panel!r}")
    _check_design(r, design, panel)
    if panel == "all":
        only_one_panel(ax, panel, _PANELS[1:])
        axes = new_grid(11.6, 5.4, 1, 2)
        _front_panel(axes[0], r, lang)
        if r.specs:
            _map_panel(axes[1], r, factors, design, lang)
        else:
            _probability_panel(axes[1], r, lang)
        long_title(axes, title or _title(r, lang))
        return axes[0]
    ax = new_axes(6.2, 5.2)[0] if ax is None else ax
    if panel == "map":
        _map_panel(ax, r, factors, design, lang)
    else:
        (_front_panel if panel == "front" else _probability_panel)(ax, r, lang)
    if title:
        write_title(ax, title)
    return ax
