"""Figures of effects: half-normal plot and Pareto, both with the individual and the simultaneous margin."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice
from qstats._core.quantiles import t_quantile
from qstats.doe.contrasts.result import Effects, Lenth
from qstats.doe.spread.result import DispersionEffects
from qstats.figures.axes import ratio_ticks, spread_out
from qstats.figures.doe.words import say
from qstats.figures.output import new_axes
from qstats.figures.panels import apart, figure_title, name_lines, new_grid, only_one_panel
from qstats.figures.style import INK, PALETTE, font_families, in_house_style, name_axis, user_ticks, write_title

__all__ = ["draw_dispersion", "draw_effects", "draw_lenth"]

_PANELS = ("all", "half-normal", "pareto")
_MOST = 32  # bars
_NAMED = 10
Margins = list[tuple[str, float]]


def _margins(r: Effects, lang: str) -> Margins:
    """What an inert effect passes with the chance of error, alone and among all of them."""
    if r.lenth is not None:
        return _lenth_margins(r.lenth, lang)
    if r.standard_error is None or not r.df_error or not r.orthogonal:
        return []
    se = float(np.max(r.standard_error))
    alpha = 1.0 - r.confidence
    alone, among = (float(t_quantile(1.0 - 0.5 * a, float(r.df_error))) * se for a in (alpha, alpha / len(r.labels)))
    return [(say("margin alone", lang), alone), (say("margin all", lang), among)]


def _lenth_margins(r: Lenth, lang: str) -> Margins:
    found = [(say("margin alone", lang), r.me), (say("margin all", lang), r.sme)]
    return [(name, value) for name, value in found if math.isfinite(value)]


def _pareto(ax: Axes, labels: tuple[str, ...], effects: FloatArray, active: BoolArray, margins: Margins) -> None:
    order = np.argsort(-np.abs(effects), kind="stable")[:_MOST]
    size = np.abs(effects[order])
    at = np.arange(order.size)
    colors = [PALETTE["vermilion"] if a else INK["faint"] for a in active[order]]
    ax.barh(at, size, height=0.66, color=colors, gid="bars")
    for i, value in zip(at.tolist(), effects[order].tolist(), strict=True):
        ax.annotate(
            f"{value:+.4g}", (abs(value), i), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8,
            gid="effect", zorder=5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    user_ticks(ax, "y", at.tolist(), apart([labels[i] for i in order], 22))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(order.size - 0.4, -0.6)
    right = 1.16 * max([float(size.max(initial=0.0)), *(v for _, v in margins)]) or 1.0
    ax.set_xlim(0.0, right)
    for (_, value), dash in zip(margins, ((0, (5, 2.5)), "solid"), strict=False):
        ax.axvline(value, color=INK["line"], linewidth=1.0, linestyle=dash, gid="margin")
    name_lines(ax, [(value, f"{name} {value:.3g}", "center") for name, value in margins])


def _half_normal(
    ax: Axes, labels: tuple[str, ...], effects: FloatArray, scores: FloatArray, active: BoolArray, margins: Margins,
    slope: float | None,
) -> None:  # fmt: skip
    size = np.abs(effects)
    ax.plot(scores[~active], size[~active], "o", color=INK["soft"], markersize=4.5, gid="inert")
    ax.plot(scores[active], size[active], "D", color=PALETTE["vermilion"], markersize=5.5, gid="active")
    right = 1.3 * float(scores.max(initial=1.0))
    top = 1.1 * max([float(size.max(initial=0.0)), *(v for _, v in margins)]) or 1.0
    ax.set_xlim(0.0, right)
    ax.set_ylim(0.0, top)
    if slope is not None and math.isfinite(slope):
        end = min(right, top / slope) if slope > 0.0 else right
        ax.plot([0.0, end], [0.0, slope * end], color=PALETTE["blue"], linewidth=1.0, gid="noise")
    for (name, value), dash in zip(margins, ((0, (5, 2.5)), "solid"), strict=False):
        ax.axhline(value, color=INK["line"], linewidth=0.9, linestyle=dash, gid="margin")
        ax.text(0.012 * right, value, f"{name} {value:.3g}", va="bottom", fontsize=7.5, fontfamily=font_families())
    named = np.flatnonzero(active)[np.argsort(-size[active])][:_NAMED] if active.any() else np.argsort(-size)[:2]
    short = apart([labels[i] for i in named], 18)
    heights = spread_out([float(size[i]) for i in named], 0.0, top, gap=0.042)
    for i, text, height in zip(named.tolist(), short, heights, strict=True):
        ax.annotate(
            text, (scores[i], size[i]), xytext=(scores[i] + 0.03 * right, height * top), va="center", fontsize=8,
            fontfamily=font_families(), parse_math=False, gid="name",
        )  # fmt: skip


def _scores(m: int, effects: FloatArray) -> FloatArray:
    import scipy

    rank = np.argsort(np.argsort(np.abs(effects), kind="stable"), kind="stable")
    return np.asarray(scipy.special.ndtri(0.5 + 0.5 * (rank + 0.5) / m), dtype=np.float64)


def _titled(ax: Axes, key: str, lang: str) -> None:
    write_title(ax, say(key, lang), pad=16 if key == "effects pareto" else None)


def _draw(
    ax: Axes | None, panel: str | None, lang: str, title: str, what: tuple[tuple[str, ...], FloatArray, BoolArray],
    scores: FloatArray, margins: Margins, slope: float | None,
) -> Axes:  # fmt: skip
    panel = check_choice(panel or ("all" if ax is None else "pareto"), "panel", _PANELS)
    labels, effects, active = what
    only_one_panel(ax if panel == "all" else None, panel, _PANELS[1:])
    tall = max(3.6, 1.3 + 0.24 * min(len(labels), _MOST))
    if panel == "all":
        axes = new_grid(11.0, tall, 1, 2)
    else:
        axes = [new_axes(6.4, tall)[0] if ax is None else ax]
    left = axes[0]
    if panel in ("all", "half-normal"):
        _half_normal(left, labels, effects, scores, active, margins, slope)
        name_axis(left, "x", say("half-normal score", lang))
        name_axis(left, "y", say("effect size", lang))
        _titled(left, "half-normal", lang)
    if panel in ("all", "pareto"):
        _pareto(axes[-1], labels, effects, active, margins)
        name_axis(axes[-1], "x", say("effect size", lang))
        _titled(axes[-1], "effects pareto", lang)
    if panel == "all":
        figure_title(axes, title)
    return left


@in_house_style
def draw_effects(
    r: Effects, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw effects: the inert ones lie on a line through the origin, the active ones above it, and as bars by size.

    Parameters
    ----------
    r : Effects
    ax : matplotlib Axes, optional
        Then one panel, the bars unless `panel` says otherwise.
    panel : {"all", "half-normal", "pareto"}, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    noise = r.lenth.pse if r.lenth is not None else None
    if noise is None and r.standard_error is not None and r.df_error and r.orthogonal:
        noise = float(np.max(r.standard_error))
    text = title or say("effects title", lang, response=r.response, n=r.runs)
    return _draw(ax, panel, lang, text, (r.labels, r.effects, r.significant), r.half_normal, _margins(r, lang), noise)


@in_house_style
def draw_lenth(
    r: Lenth, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw contrasts against their pseudo standard error, as `draw_effects` does.

    Parameters
    ----------
    r : Lenth
    ax, panel, lang, title
        As for effects.
    """
    text = title or say("lenth title", lang, n=len(r.labels))
    what = (r.labels, r.effects, r.active)
    return _draw(ax, panel, lang, text, what, _scores(len(r.labels), r.effects), _lenth_margins(r, lang), r.pse)


@in_house_style
def draw_dispersion(
    r: DispersionEffects, ax: Axes | None = None, *, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw by how much each factor multiplies the variance, with intervals.

    Parameters
    ----------
    r : DispersionEffects
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    order = np.argsort(-np.abs(r.effects), kind="stable")[:_MOST]
    ax = new_axes(6.8, max(2.8, 1.3 + 0.26 * order.size))[0] if ax is None else ax
    ax.set_xscale("log")
    ax.axvline(1.0, color=INK["line"], linewidth=0.9)
    for at, i in enumerate(order.tolist()):
        color = PALETTE["vermilion"] if r.significant[i] else INK["soft"]
        low, high = np.exp(r.interval.low[i]), np.exp(r.interval.high[i])
        ax.plot([low, high], [at, at], color=color, linewidth=1.6, gid="interval")
        ax.plot([r.factor[i]], [at], "D" if r.significant[i] else "o", color=color, markersize=5, gid="factor")
    ax.invert_yaxis()
    spread = np.exp(np.concatenate([r.interval.low[order], r.interval.high[order], r.effects[order], [0.0]]))
    spread = spread[np.isfinite(spread) & (spread > 0.0)]
    ratio_ticks(ax, float(spread.min()) / 1.05, float(spread.max()) * 1.05)
    user_ticks(ax, "y", range(order.size), apart([r.labels[i] for i in order], 24))
    ax.tick_params(axis="y", length=0)
    name_axis(ax, "x", say("variance ratio", lang, level=f"{100 * r.confidence:.4g}%"))
    write_title(ax, title or say("dispersion title", lang, response=r.response))
    return ax
