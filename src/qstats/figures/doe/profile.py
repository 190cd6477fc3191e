"""Figures of one thing moved at a time: each factor by itself, and the way up a surface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.surface.path import AscentPath
from qstats.doe.surface.profiles import Curve, Profile
from qstats.errors import DataError
from qstats.figures.axes import points_wide
from qstats.figures.doe.parts import setting
from qstats.figures.doe.words import say
from qstats.figures.output import new_axes
from qstats.figures.panels import a_level, apart, figure_title, new_grid, reader
from qstats.figures.style import (
    INK,
    PALETTE,
    font_families,
    in_house_style,
    name_axis,
    shorten,
    text_width,
    user_ticks,
    write_title,
)

__all__ = ["draw_ascent", "draw_profile"]

_FEW = 12  # settings up to which each is a point
_MOST_ROWS = 12  # factors beneath a path
_LETTER = 4.7  # points: width of a letter of size 8
_LINE = 12.0  # points from one row of settings to the next


# ---- profile ----


def _some(given: Sequence[str] | None, known: Sequence[str], what: str) -> list[str]:
    if given is None:
        return list(known)
    names = [given] if isinstance(given, str) else list(given)
    if not names or len(set(names)) < len(names) or any(name not in known for name in names):
        raise DataError(f"{what}: got {names!r}; some of {', '.join(known)} are wanted, each once")
    return names


def _levels_curve(ax: Axes, c: Curve, at: Any) -> None:
    """Levels of text: points with their intervals, the current one filled."""
    x = np.arange(c.predicted.size, dtype=np.float64)
    levels = [str(v) for v in c.setting]
    known = np.isfinite(c.interval.low) & np.isfinite(c.interval.high)
    color = PALETTE["blue"]
    ax.vlines(x[known], c.interval.low[known], c.interval.high[known], color=color, linewidth=1.6, gid="interval")
    here = np.array([level == at for level in levels])
    ax.plot(x, c.predicted, "-", color=color, linewidth=0.8, alpha=0.6)
    ax.plot(x, c.predicted, "o", color=color, markerfacecolor="white", markersize=5, gid="curve")
    ax.plot(x[here], c.predicted[here], "o", color=color, markersize=6, gid="level")
    ax.set_xlim(-0.5, x.size - 0.5)


def _range_curve(ax: Axes, c: Curve) -> None:
    """Settings that are numbers: a line with its band, dashed where it should not be relied on."""
    x = np.asarray(c.setting, dtype=np.float64)
    known = np.isfinite(c.interval.low) & np.isfinite(c.interval.high)
    color, points = PALETTE["blue"], "o" if x.size <= _FEW else ""
    ax.fill_between(
        x, np.where(known, c.interval.low, np.nan), np.where(known, c.interval.high, np.nan), color=color, alpha=0.18,
        linewidth=0, gid="band",
    )  # fmt: skip
    ax.plot(x, c.predicted, linestyle=(0, (3, 2)), color=color, linewidth=1.0, gid="curve")
    ax.plot(x, np.where(c.outside, np.nan, c.predicted), marker=points, markersize=4, color=color, linewidth=1.8)
    span = float(np.ptp(x)) or 1.0
    ax.set_xlim(float(x.min()) - 0.04 * span, float(x.max()) + 0.04 * span)


def _panel(ax: Axes, c: Curve, at: Any, here: float) -> None:
    text = c.setting.dtype == object
    if text:
        _levels_curve(ax, c, at)
    else:
        _range_curve(ax, c)
        ax.axvline(float(at), color=PALETTE["vermilion"], linewidth=1.0, gid="setting")
    ax.axhline(here, color=INK["faint"], linewidth=0.9, zorder=0.5, gid="predicted")


def _below(ax: Axes, c: Curve) -> None:
    """Label the settings of the lowest row."""
    if c.setting.dtype == object:
        width = max(4, int(points_wide(ax) / (_LETTER * c.predicted.size)) - 1)
        user_ticks(ax, "x", range(c.predicted.size), apart([str(v) for v in c.setting], width))
    else:
        ax.locator_params(axis="x", nbins=4)
        show = reader(float(np.ptp(c.setting.astype(np.float64))), *(float(v) for v in c.setting))
        ax.xaxis.set_major_formatter(lambda v, _: show(v))
    name_axis(ax, "x", shorten(c.factor, max(10, int(1.1 * points_wide(ax) / 5.2))))


def _above(ax: Axes, at: Any, lang: str) -> None:
    """Write the current setting above its line."""
    if isinstance(at, str):
        where, text = 0.5, setting(at, lang)
        place: dict[str, Any] = {"xycoords": "axes fraction"}
    else:
        where, text = float(at), setting(at, lang)
        place = {"xycoords": ax.get_xaxis_transform()}
    ax.annotate(
        text, (where, 1.0), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=8.5,
        color=PALETTE["vermilion"], fontfamily=font_families(), parse_math=False, annotation_clip=False, gid="at",
        **place,
    )  # fmt: skip


def _name_row(ax: Axes, r: Profile, name: str, short: str, curves: Sequence[Curve]) -> None:
    """Name the response beside its axis, with the prediction at the current setting and its interval."""
    i = r.responses.index(name)
    seen = np.concatenate([c.predicted for c in curves])
    show = reader(float(np.ptp(seen)), float(seen.max()), float(seen.min()))
    held = r.interval.at(i)
    limits = f"\n({show(held.low)}, {show(held.high)})" if math.isfinite(held.low) and math.isfinite(held.high) else ""
    name_axis(ax, "y", f"{short}\n{show(float(r.predicted[i]))}{limits}")
    ax.yaxis.set_major_formatter(lambda v, _: show(v))
    ax.locator_params(axis="y", nbins=5)


@in_house_style
def draw_profile(
    r: Profile,
    ax: Axes | None = None,
    *,
    factors: Sequence[str] | None = None,
    responses: Sequence[str] | None = None,
    lang: str = "en",
    title: str | None = None,
) -> Axes:
    """Draw the prediction profile: a row for each response, a column for each factor, the current setting marked.

    Dashed parts of a curve lie outside the region of the design.

    Parameters
    ----------
    r : Profile
    ax : matplotlib Axes, optional
        For one factor and one response.
    factors, responses : sequence of str, optional
        Which to show; all unsaid.
    lang : {"en", "zh"}
    title : str, optional
    """
    across, down = _some(factors, r.factors, "factors"), _some(responses, r.responses, "responses")
    text = title or say("profile title", lang, level=a_level(r.confidence))
    if ax is not None and len(across) * len(down) > 1:
        raise DataError(
            f"ax: got one Axes for {len(down)} by {len(across)} panels; leave ax out, or pass factors= and responses= "
            "with one name each"
        )
    size = (1.5 + 2.0 * len(across), 1.1 + 1.8 * len(down)) if len(across) * len(down) > 1 else (5.2, 4.0)
    axes = [ax] if ax is not None else new_grid(*size, len(down), len(across), sharey="row", sharex="col")
    short = apart(down, 24)
    for i, name in enumerate(down):
        curves = [r.curve(name, factor) for factor in across]
        row = axes[i * len(across) : (i + 1) * len(across)]
        for one, c in zip(row, curves, strict=True):
            _panel(one, c, r.at[c.factor], float(r.predicted[r.responses.index(name)]))
            if i == 0:
                _above(one, r.at[c.factor], lang)
            if i == len(down) - 1:
                _below(one, c)
        _name_row(row[0], r, name, short[i], curves)
    if len(axes) == 1:
        write_title(axes[0], text, pad=16)
    else:
        figure_title(axes, text)
    return axes[0]


# ---- the way up ----


def _shown(ax: Axes, x: FloatArray, columns: Sequence[Sequence[str]]) -> list[int]:
    """Points whose settings have room beneath the axis, from the first on."""
    left, right = ax.get_xlim()
    wide = _LETTER * max(text_width(cell) for row in columns for cell in row) + 8.0
    scale = points_wide(ax) / ((right - left) or 1.0)
    kept: list[int] = []
    for i in np.argsort(x, kind="stable").tolist():
        if not kept or scale * (x[i] - x[kept[-1]]) >= wide:
            kept.append(i)
    return kept


def _settings_beneath(ax: Axes, r: AscentPath, lang: str) -> int:
    """Write the settings of the points in rows beneath the axis, a factor each; return the number of rows."""
    names = list(r.factors[:_MOST_ROWS])
    rows = [[f"{v:.3g}" for v in r.distance]]
    for name in names:
        values = np.asarray(r.settings[name], dtype=np.float64)
        show = reader(float(np.ptp(values)) / 10.0, float(np.abs(values).max(initial=0.0)))
        rows.append([show(float(f"{v:.12g}")) for v in values])
    x = np.asarray(r.distance)
    shown = _shown(ax, x, rows)
    ax.set_xticks([float(x[i]) for i in shown], labels=[""] * len(shown))
    heads = [say("distance row", lang), *apart(names, 20)]
    text: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8, "va": "top", "annotation_clip": False}
    text |= {"fontfamily": font_families(), "parse_math": False}
    for k, (head, row) in enumerate(zip(heads, rows, strict=True)):
        down = -6.0 - _LINE * k
        color = INK["text"] if k else INK["soft"]
        ax.annotate(head, (0.0, 0.0), xycoords="axes fraction", xytext=(-8, down), ha="right", color=color, **text)
        for i in shown:
            where: dict[str, Any] = {
                "xycoords": ax.get_xaxis_transform(),
                "xytext": (0, down),
                "ha": "center",
                "gid": heads[k],
            }
            ax.annotate(row[i], (float(x[i]), 0.0), color=color, **where, **text)
    if len(r.factors) > len(names):
        more = say("more factors", lang, n=len(r.factors) - len(names))
        ax.annotate(
            more, (0.0, 0.0), xycoords="axes fraction", xytext=(-8, -6.0 - _LINE * len(rows)), ha="right", **text
        )
    return len(rows) + (len(r.factors) > len(names))


def _beyond(ax: Axes, x: FloatArray, outside: BoolArray, lang: str) -> None:
    """Shade where the points lie outside the region of the design, from half-way between neighbours."""
    if not outside.any():
        return
    left, right = ax.get_xlim()
    edges = np.concatenate([[left], 0.5 * (x[1:] + x[:-1]), [right]])
    starts = np.flatnonzero(outside & ~np.concatenate([[False], outside[:-1]]))
    stops = np.flatnonzero(outside & ~np.concatenate([outside[1:], [False]]))
    for k, (a, b) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        span = ax.axvspan(edges[a], edges[b + 1], facecolor=INK["shade"], edgecolor=INK["faint"], linewidth=0.0)
        span.set(zorder=0, hatch="///", gid="outside", label=say("outside region", lang) if k == 0 else None)


@in_house_style
def draw_ascent(r: AscentPath, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the predicted response along a way up or down, its interval, and the settings of each point beneath it.

    Points outside the region of the design are open: they say where to run next, not what to expect there.

    Parameters
    ----------
    r : AscentPath
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    ax = new_axes(7.4, 4.0 + 0.17 * min(len(r.factors), _MOST_ROWS))[0] if ax is None else ax
    order = np.argsort(r.distance, kind="stable")
    x, y, outside = np.asarray(r.distance)[order], np.asarray(r.predicted)[order], np.asarray(r.outside)[order]
    low, high = np.asarray(r.interval.low)[order], np.asarray(r.interval.high)[order]
    known = np.isfinite(low) & np.isfinite(high)
    color = PALETTE["blue"]
    edge = 0.05 * (float(x[-1] - x[0]) or 1.0)
    ax.set_xlim(float(x[0]) - edge, float(x[-1]) + edge)
    _beyond(ax, x, outside, lang)
    label = say("level intervals", lang, level=a_level(r.confidence))
    if known.any():
        ax.fill_between(x, np.where(known, low, np.nan), np.where(known, high, np.nan), color=color, alpha=0.18,
                        linewidth=0, gid="band", label=label)  # fmt: skip
    ax.plot(x, y, "-", color=color, linewidth=1.4, gid="path", label=say(f"predicted {r.predicted_of}", lang))
    ax.plot(x[~outside], y[~outside], "o", color=color, markersize=5, gid="inside")
    ax.plot(x[outside], y[outside], "o", color=color, markerfacecolor="white", markersize=5, gid="beyond")
    _settings_beneath(ax, r, lang)
    name_axis(ax, "y", shorten(r.response, 36))
    ax.legend(loc="best", prop={"family": font_families(), "size": 8}, frameon=True, framealpha=0.85, edgecolor="none")
    way = ("way" if r.straight else "way best") + (" down" if r.descent else " up")
    write_title(ax, title or say("ascent title", lang, response=r.response, way=say(way, lang)))
    return ax
