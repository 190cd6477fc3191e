"""Figures of response surfaces: contours with the region of trust, the surface itself, stationary point and axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice
from qstats.doe.surface.grid import SurfaceGrid, surface_grid
from qstats.doe.surface.place import expected, place_of, rows_at
from qstats.doe.surface.result import ResponseSurface
from qstats.errors import DataError
from qstats.figures.doe.parts import PALE, caption, key_below, settings_text, two_factors
from qstats.figures.doe.words import say
from qstats.figures.output import new_axes, svg_text
from qstats.figures.panels import a_level, figure_title, reader
from qstats.figures.style import INK, PALETTE, font_families, in_house_style, name_axis, shorten, write_title

__all__ = ["draw_grid", "draw_response_surface"]

_PANELS = ("contour", "surface")
_LINES = 9
_SLACK = 1.0 + 1e-6  # as the grid allows
_FLAT = 1e-12  # of the size of the response: less is the rounding of its arithmetic
_POLYGONS = 40  # along each side of a surface
_DULL = "#E6E6E6"
_SETTINGS = 201
_REACH = 0.6  # coded units from the stationary point to the end of a drawn axis


# ---- contours ----


def _levels(g: SurfaceGrid) -> FloatArray:
    """Heights of contour lines within what is shown of the region of trust; none where the response is flat."""
    finite = np.isfinite(g.predicted)
    seen = np.asarray(g.predicted)[finite & g.trusted] if (finite & g.trusted).any() else g.predicted[finite]
    if not seen.size or float(np.ptp(seen)) <= _FLAT * float(np.abs(seen).max()):
        return np.empty(0)
    ticks = MaxNLocator(nbins=_LINES, steps=[1, 2, 2.5, 5, 10]).tick_values(float(seen.min()), float(seen.max()))
    return np.asarray(ticks, dtype=np.float64)


def _contours(ax: Any, g: SurfaceGrid, lang: str) -> None:
    levels = _levels(g)
    if not levels.size:
        caption(ax, say("flat", lang))
        return
    height = np.ma.masked_invalid(g.predicted)
    ax.contourf(g.x, g.y, height, levels=levels, cmap=PALE, extend="both", zorder=0.5)
    low, high = float(height.min()), float(height.max())
    inner = levels[(levels > low) & (levels < high)]
    if inner.size:
        lines = ax.contour(g.x, g.y, height, levels=inner, colors=INK["soft"], linewidths=0.8, zorder=1.2)
        lines.set_gid("contours")
        show = reader(float(np.ptp(levels)), float(levels[0]), float(levels[-1]))
        ax.clabel(lines, fontsize=7.5, fmt=lambda v: show(v), colors=INK["text"])


def _untrusted(ax: Any, g: SurfaceGrid) -> None:
    """Pale and hatched where the fit should not be believed."""
    if g.trusted.all():
        return
    leverage, limit = np.asarray(g.leverage), g.leverage_limit * _SLACK
    smooth = bool(((leverage <= limit) == g.trusted).all())  # else the settings of the runs end within the grid
    height = leverage / limit if smooth else 2.0 * (~np.asarray(g.trusted))
    levels = [1.0, max(2.0, float(height.max())) + 1.0]
    pale = ax.contourf(g.x, g.y, height, levels=levels, colors=["#FFFFFF"], alpha=0.6, zorder=1.0)
    pale.set_gid("untrusted")
    with matplotlib.rc_context({"hatch.color": INK["faint"]}):
        ax.contourf(g.x, g.y, height, levels=levels, colors="none", hatches=["///"], zorder=1.0)


def _runs(ax: Axes, g: SurfaceGrid, lang: str) -> None:
    here = np.asarray(g.run_here)
    for some, face, key in ((here, INK["text"], "runs here"), (~here, "white", "runs elsewhere")):
        if some.any():
            points = np.unique(np.column_stack([g.run_x[some], g.run_y[some]]), axis=0)
            ax.plot(
                points[:, 0], points[:, 1], "o", markersize=4.5, markerfacecolor=face, markeredgecolor=INK["text"],
                markeredgewidth=0.8, clip_on=False, zorder=4 + (key == "runs here"), gid=key, label=say(key, lang),
            )  # fmt: skip


def _key(ax: Axes, g: SurfaceGrid, lang: str, held: bool, areas: Sequence[Patch] = ()) -> None:
    areas = list(areas)
    if not g.trusted.all():
        text = say("not trusted", lang)
        areas.append(Patch(facecolor="white", edgecolor=INK["soft"], hatch="///", linewidth=0.6, label=text))
    key_below(ax, 49.0 if held else 36.0, areas)


def _named(ax: Any, names: Sequence[str], held: Mapping[str, Any], lang: str) -> bool:
    """Name both axes, and below where the other factors stand; tell whether there are any."""
    text = shorten(say("held at", lang, text=settings_text(held, lang)), 84) if held else ""
    name_axis(ax, "x", shorten(names[0], 34) + (f"\n{text}" if text else ""))
    name_axis(ax, "y", shorten(names[1], 34))
    return bool(text)


def _contour_panel(ax: Axes, g: SurfaceGrid, names: Sequence[str], lang: str) -> bool:
    """Draw the contours; the key is left to the caller. Tell whether factors are held."""
    _contours(ax, g, lang)
    _untrusted(ax, g)
    _runs(ax, g, lang)
    ax.set_xlim(float(g.x[0]), float(g.x[-1]))
    ax.set_ylim(float(g.y[0]), float(g.y[-1]))
    return _named(ax, names, g.at, lang)


# ---- the surface in three dimensions ----


@lru_cache(maxsize=1)
def _solid_axes() -> Any:
    """Axes in three dimensions that a notebook shows as their whole figure; their module is loaded on first use."""
    Axes3D: Any = import_module("mpl_toolkits.mplot3d").Axes3D

    class ShownSolid(Axes3D):  # type: ignore[misc]
        def _repr_svg_(self) -> str:
            return svg_text(self.figure)

    return ShownSolid


def _new_solid() -> Any:
    first = new_axes(6.4, 5.4)[0]
    figure: Any = first.figure
    first.remove()
    return figure.add_subplot(axes_class=_solid_axes())


def _solid(ax: Any, g: SurfaceGrid, lang: str) -> None:
    height = np.asarray(g.predicted)
    finite = height[np.isfinite(height)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    span = (high - low) if high - low > _FLAT * max(abs(low), abs(high)) else (abs(high) or 1.0)
    floor = low - 0.35 * span
    color = PALE((height - low) / span)
    color[~np.asarray(g.trusted)] = to_rgba(_DULL)
    across, up = np.meshgrid(g.x, g.y)
    ax.plot_surface(
        across, up, height, facecolors=color, rcount=_POLYGONS, ccount=_POLYGONS, edgecolor=INK["soft"], linewidth=0.15,
        shade=False, gid="surface",
    )  # fmt: skip
    inner = _levels(g)
    inner = inner[(inner > low) & (inner < high)]
    if inner.size:
        ax.contour(across, up, height, levels=inner, colors=INK["soft"], linewidths=0.7, zdir="z", offset=floor)
    points = np.unique(np.column_stack([g.run_x, g.run_y]), axis=0).T
    ax.plot(*points, floor, "o", color=INK["text"], markersize=3.0, gid="runs", label=say("runs floor", lang))
    ax.set_zlim(floor, high + 0.05 * span)
    show = reader(span, low, high)
    ax.zaxis.set_major_formatter(lambda v, _: show(v))
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.labelpad = 8.0
    name_axis(ax, "x", shorten(g.factors[0], 26))
    name_axis(ax, "y", shorten(g.factors[1], 26))
    ax.set_zlabel(shorten(g.response, 26))
    ax.view_init(elev=26, azim=-58)
    ax.set_box_aspect((1.0, 1.0, 0.75), zoom=0.95)
    _solid_key(ax, g, lang)


def _solid_key(ax: Any, g: SurfaceGrid, lang: str) -> None:
    handles, labels = ax.get_legend_handles_labels()
    if not g.trusted.all():
        handles.append(Patch(facecolor=_DULL, edgecolor=INK["soft"], linewidth=0.4))
        labels.append(say("not trusted", lang))
    title = shorten(say("held at", lang, text=settings_text(g.at, lang)), 70) if g.at else ""
    look = {
        "prop": {"family": font_families(), "size": 8},
        "title_fontproperties": {"family": font_families(), "size": 8},
    }
    ax.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.0, 1.0), title=title, alignment="left", **look)


@in_house_style
def draw_grid(
    r: SurfaceGrid, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw the fitted response over two factors, with the runs; where it cannot be trusted it is pale and hatched.

    Parameters
    ----------
    r : SurfaceGrid
    ax : matplotlib Axes, optional
        For ``panel="surface"`` one with ``projection="3d"``.
    panel : {"contour", "surface"}, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    solid = getattr(ax, "name", "") == "3d"
    panel = check_choice(panel or ("surface" if solid else "contour"), "panel", _PANELS)
    if ax is not None and solid != (panel == "surface"):
        want = "an Axes with projection='3d'" if panel == "surface" else "a plain Axes, not one of three dimensions,"
        raise DataError(f"ax: panel={panel!r} wants {want}")
    text = title or say("surface", lang, response=r.response, of=say(f"predicted {r.predicted_of}", lang))
    if panel == "contour":
        ax = new_axes(6.0, 5.4)[0] if ax is None else ax
        _key(ax, r, lang, _contour_panel(ax, r, r.factors, lang))
        write_title(ax, text)
        return ax
    own = ax is None
    ax = _new_solid() if ax is None else ax
    _solid(ax, r, lang)
    if own:  # in three dimensions an Axes is far wider than what it shows
        figure_title([ax], text)
    else:
        write_title(ax, text)
    return ax


# ---- stationary point ----


def _slice(r: ResponseSurface, names: tuple[str, str]) -> dict[str, Any]:
    """Where the factors not shown stand: at the stationary point, no farther out than the runs."""
    at = {n: v for n, v in r.at.items() if n not in r.averaged}
    design = r.fit.design
    for name, value in r.stationary.items():
        if name not in names:
            used = design.natural(name)
            at[name] = float(np.clip(value, used.min(), used.max()))
    return at


def _most_curved(r: ResponseSurface) -> tuple[str, ...]:
    """The two factors with the largest curvature, in the order of the design."""
    bent = np.abs(r.eigenvectors * r.eigenvalues) @ np.ones(len(r.factors))
    some = np.sort(np.argsort(-bent, kind="stable")[:2])
    return tuple(r.factors[i] for i in some.tolist())


def _region(ax: Axes, r: ResponseSurface, g: SurfaceGrid, at: Mapping[str, Any], lang: str) -> list[Patch]:
    """Fill the settings that may be the stationary point: those with a p-value of 1 - confidence and more."""
    across, up = np.meshgrid(g.x, g.y)
    shown = {g.factors[0]: across.ravel(), g.factors[1]: up.ravel()}
    points = {n: shown[n] if n in shown else np.full(across.size, float(at[n])) for n in r.factors}
    p = np.nan_to_num(r.pvalue(points), nan=1.0).reshape(across.shape)
    edge = 1.0 - r.confidence
    if not (p >= edge).any():
        return []
    color = PALETTE["vermilion"]
    ax.contourf(g.x, g.y, p, levels=[edge, 1.1], colors=[color], alpha=0.16, zorder=1.6)
    if (p < edge).any():
        line = ax.contour(g.x, g.y, p, levels=[edge], colors=[color], linewidths=1.4, zorder=2)
        line.set_gid("region")
    return [Patch(facecolor=color, alpha=0.3, label=say("region", lang, level=a_level(r.confidence)))]


def _axes_of(ax: Axes, r: ResponseSurface, names: tuple[str, str], center: FloatArray) -> None:
    """Draw the canonical axes of the slice through the stationary point, each with its curvature at its end."""
    pair = [r.factors.index(n) for n in names]
    values, vectors = np.linalg.eigh(np.asarray(r.square)[np.ix_(pair, pair)])
    factors = [r.fit.design.factors[r.fit.design.names.index(n)] for n in names]
    for value, vector in zip(values.tolist(), vectors.T, strict=True):
        vector = vector if vector[np.argmax(np.abs(vector))] > 0 else -vector
        ends = np.stack([center - _REACH * vector, center + _REACH * vector])
        x, y = (f.decode(ends[:, i]) for i, f in enumerate(factors))
        ax.plot(x, y, color=PALETTE["vermilion"], linewidth=1.0, linestyle=(0, (5, 2.5)), zorder=3, gid="axis")
        inside = (np.abs(ends) <= 1.0).all(axis=1)
        k = int(inside.argmax()) if inside.any() else 1
        ax.annotate(
            f"{value:.3g}", (x[k], y[k]), fontsize=8, color=INK["text"], ha="center", va="center", zorder=5,
            gid="curvature", annotation_clip=True, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def _place(r: ResponseSurface, names: Sequence[str]) -> str:
    return ", ".join(f"{shorten(n, 16)} {r.stationary[n]:.4g}" for n in names)


def _stationary(ax: Axes, r: ResponseSurface, g: SurfaceGrid, lang: str) -> None:
    x, y = (r.stationary[n] for n in g.factors)
    if not (g.x[0] <= x <= g.x[-1] and g.y[0] <= y <= g.y[-1]):
        caption(ax, shorten(say("stationary outside", lang, place=_place(r, g.factors)), 64), (0.5, 0.95))
        return
    face, key = (PALETTE["vermilion"], "stationary at") if r.inside else ("white", "stationary beyond")
    ax.plot(
        [x], [y], "D", markersize=7, markerfacecolor=face, markeredgecolor=INK["text"], zorder=6, gid="stationary",
        label=shorten(say(key, lang, place=_place(r, r.factors[:3])), 84), linestyle="none",
    )  # fmt: skip
    if all(g.at[n] == r.stationary[n] for n in r.factors if n not in g.factors):
        _axes_of(ax, r, (g.factors[0], g.factors[1]), r.coded[[r.factors.index(n) for n in g.factors]])


def _single(ax: Axes, r: ResponseSurface, lang: str) -> None:
    """One factor: the curve with its interval, and the settings that may be the stationary point."""
    name = r.factors[0]
    held = {n: v for n, v in r.at.items() if n not in r.averaged}
    place, j = place_of(r.fit, held), r.fit.design.names.index(name)
    factor, run = r.fit.design.factors[j], np.asarray(r.fit.design.coded)[:, j]
    coded = np.tile(place.coded, (_SETTINGS, 1))
    coded[:, j] = np.linspace(min(-1.0, float(run.min())), max(1.0, float(run.max())), _SETTINGS)
    x, c = factor.decode(coded[:, j]), expected(r.fit, rows_at(r.fit, place, coded), r.confidence)
    known = np.isfinite(c.low) & np.isfinite(c.high)
    may: BoolArray = r.in_region({name: x})
    color = PALETTE["vermilion"]
    if may.any():
        ax.fill_between(
            x, 0.0, 1.0, where=may, transform=ax.get_xaxis_transform(), color=color, alpha=0.14, linewidth=0,
            gid="region", label=say("region", lang, level=a_level(r.confidence)),
        )  # fmt: skip
    ax.fill_between(x[known], c.low[known], c.high[known], color=PALETTE["blue"], alpha=0.18, linewidth=0)
    ax.plot(x, c.value, color=PALETTE["blue"], gid="curve", label=say(f"predicted {c.of}", lang))
    at = r.stationary[name]
    if x[0] <= at <= x[-1]:
        ax.plot(
            [at], [r.predicted], "D", color=color, markersize=7, markeredgecolor=INK["text"], gid="stationary",
            label=say("stationary at", lang, place=_place(r, r.factors)), linestyle="none",
        )  # fmt: skip
    else:
        caption(ax, shorten(say("stationary outside", lang, place=_place(r, r.factors)), 64), (0.5, 0.95))
    _named(ax, (factor.label(), r.response), {n: v for n, v in r.at.items() if n != name}, lang)
    key_below(ax, 49.0 if r.at else 36.0)


@in_house_style
def draw_response_surface(
    r: ResponseSurface,
    ax: Axes | None = None,
    *,
    factors: Sequence[str] | None = None,
    lang: str = "en",
    title: str | None = None,
) -> Axes:
    """Draw a fitted surface with its stationary point, the region it may lie in, and the axes with their curvatures.

    Of more than two factors it is the slice through the stationary point; those not shown go no farther out than the
    runs. Of one factor it is the curve with its interval.

    Parameters
    ----------
    r : ResponseSurface
    ax : matplotlib Axes, optional
    factors : pair of str, optional
        Across and up; unsaid, the two with the largest curvature.
    lang : {"en", "zh"}
    title : str, optional
    """
    nature = say(f"nature {r.nature}", lang) + ("" if r.certain else say("not certain", lang))
    text = title or say("stationary title", lang, response=r.response, nature=nature)
    if len(r.factors) == 1:
        if factors is not None:
            raise DataError(f"factors: got {factors!r}; the surface is of {r.factors[0]} alone, leave factors out")
        ax = new_axes(6.0, 4.4)[0] if ax is None else ax
        _single(ax, r, lang)
        write_title(ax, text)
        return ax
    names = two_factors(factors, r.factors, _most_curved(r))
    ax = new_axes(6.2, 5.6)[0] if ax is None else ax
    at = _slice(r, names)
    g = surface_grid(r.fit, *names, at=at, confidence=r.confidence)
    labels = [r.fit.design.factors[r.fit.design.names.index(n)].label() for n in names]
    held = _contour_panel(ax, g, labels, lang)
    areas = _region(ax, r, g, at, lang)
    _stationary(ax, r, g, lang)
    _key(ax, g, lang, held, areas)
    write_title(ax, text)
    return ax
