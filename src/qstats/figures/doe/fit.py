"""Figures of a fitted model: its coefficients, its residuals, and what each factor does to the response."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy
from matplotlib.axes import Axes

from qstats._core.checks import check_choice
from qstats.doe.fitting.marginal import MarginalMeans, marginal_means
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError
from qstats.figures.doe.words import say
from qstats.figures.output import new_axes
from qstats.figures.panels import apart, figure_title, new_grid, only_one_panel
from qstats.figures.style import (
    INK,
    PALETTE,
    font_families,
    in_house_style,
    name_axis,
    shorten,
    user_ticks,
    write_title,
)

__all__ = ["draw_fit"]

_PANELS = ("all", "terms", "observed", "normal", "order", "main", "interaction", "cube")
_COLORS = tuple(PALETTE.values())
_MOST_TERMS = 30


# ---- the model and its residuals ----


def _terms(ax: Axes, r: DesignFit, lang: str) -> None:
    shown = [i for i, label in enumerate(r.labels) if label != "1"][:_MOST_TERMS]
    ax.axvline(0.0, color=INK["line"], linewidth=0.9)
    for at, i in enumerate(shown):
        known = math.isfinite(r.interval.low[i]) and math.isfinite(r.interval.high[i])
        sure = known and not r.interval.low[i] <= 0.0 <= r.interval.high[i]
        color = PALETTE["vermilion"] if sure else INK["soft"]
        if known:
            ax.plot([r.interval.low[i], r.interval.high[i]], [at, at], color=color, linewidth=1.6, gid="interval")
        ax.plot([r.estimate[i]], [at], "D" if sure else "o", color=color, markersize=5, gid="coefficient")
    ax.set_ylim(len(shown) - 0.4, -0.6)
    user_ticks(ax, "y", range(len(shown)), apart([r.labels[i] for i in shown], 18))
    ax.tick_params(axis="y", length=0)
    name_axis(ax, "x", say("coefficients", lang, level=f"{100 * r.confidence:.4g}%"))
    write_title(ax, say("terms", lang))


def _runs(r: DesignFit) -> Any:
    """Rows of the design that have a response."""
    return np.flatnonzero(~np.isnan(r.y))


def _observed(ax: Axes, r: DesignFit, lang: str) -> None:
    seen = np.asarray(r.y)[_runs(r)]
    rate = r.size is not None and r.distribution != "binomial"
    size = np.ones(seen.size) if r.size is None else np.asarray(r.size)[_runs(r)]
    y = seen / size
    mean = r.fitted.mean / size if r.size is not None else r.fitted.mean
    stopped = np.zeros(seen.size, dtype=np.bool_) if r.censored is None else np.asarray(r.censored)[_runs(r)]
    low, high = float(min(y.min(), mean.min())), float(max(y.max(), mean.max()))
    edge = 0.05 * (high - low or 1.0)
    ax.plot([low - edge, high + edge], [low - edge, high + edge], color=INK["line"], linewidth=0.9)
    ax.plot(mean[~stopped], y[~stopped], "o", color=PALETTE["blue"], gid="runs")
    if stopped.any():
        ax.plot(mean[stopped], y[stopped], "^", color=PALETTE["vermilion"], gid="stopped", label=say("stopped", lang))
        ax.legend(loc="upper left", prop={"family": font_families(), "size": 8})
    name_axis(ax, "x", say("predicted", lang))
    name_axis(ax, "y", shorten(r.response, 40) + (f" ({say('per unit', lang)})" if rate else ""))
    write_title(ax, say("observed", lang))


def _normal(ax: Axes, r: DesignFit, lang: str) -> None:
    x = np.asarray(r.diagnostics.studentized)
    run = np.asarray(r.diagnostics.run)[np.isfinite(x)]
    x = x[np.isfinite(x)]
    order = np.argsort(x, kind="stable")
    score = scipy.special.ndtri((np.arange(x.size) + 0.5) / max(x.size, 1))
    reach = 1.1 * float(np.abs(score).max(initial=1.0))
    ax.plot([-reach, reach], [-reach, reach], color=INK["line"], linewidth=0.9)
    ax.plot(score, x[order], "o", color=PALETTE["blue"], gid="residuals")
    for i in order[np.argsort(-np.abs(x[order]))][:2].tolist():
        at = int(np.flatnonzero(order == i)[0])
        ax.annotate(str(int(run[i])), (score[at], x[i]), xytext=(4, 3), textcoords="offset points", fontsize=8)
    name_axis(ax, "x", say("normal score", lang))
    name_axis(ax, "y", say("studentized", lang))
    write_title(ax, say("residual normal", lang))


def _order(ax: Axes, r: DesignFit, lang: str) -> None:
    place = np.empty(len(r.design), dtype=np.int64)
    place[r.design.run_order] = np.arange(1, len(r.design) + 1)
    at = place[_runs(r)]
    x = np.asarray(r.diagnostics.studentized)
    order = np.argsort(at)
    ax.axhline(0.0, color=INK["line"], linewidth=0.9)
    ax.plot(at[order], x[order], "o-", color=PALETTE["blue"], linewidth=0.8, gid="residuals")
    name_axis(ax, "x", say("run", lang))
    name_axis(ax, "y", say("studentized", lang))
    write_title(ax, say("residual order", lang))


# ---- what factors do ----


def _factors(r: DesignFit, factors: Sequence[str] | None, most: int) -> list[str]:
    """Factors to show: those asked for, else those of the model."""
    if factors is None:
        held = {name for term in r.model for name in term.names}
        return [name for name in r.design.names if name in held][:most]
    names = [factors] if isinstance(factors, str) else list(factors)
    lost = [name for name in names if name not in r.design.names]
    if lost or not names or len(set(names)) < len(names) or len(names) > most:
        raise DataError(f"factors: got {names!r}; up to {most} of {', '.join(r.design.names)} are wanted, each once")
    return names


def _axis(ax: Axes, r: DesignFit, name: str) -> tuple[bool, list[str]]:
    """Name the x axis by a factor; tell whether its settings are numbers, and the levels if not."""
    factor = r.design.factors[r.design.names.index(name)]
    name_axis(ax, "x", shorten(factor.label(), 28))
    if factor.numeric:
        return True, []
    levels = [str(v) for v in factor.levels]
    user_ticks(ax, "x", range(len(levels)), apart(levels, 10))
    ax.set_xlim(-0.4, len(levels) - 0.6)
    return False, levels


def _curve(ax: Axes, m: MarginalMeans, name: str, levels: list[str], at: Any, style: dict[str, Any]) -> None:
    x = [levels.index(v) for v in m.settings[name][at]] if levels else m.settings[name][at]
    mean, low, high = np.asarray(m.mean)[at], np.asarray(m.interval.low)[at], np.asarray(m.interval.high)[at]
    known = np.isfinite(low) & np.isfinite(high)
    band = {"color": style["color"], "alpha": 0.16, "linewidth": 0}
    if levels:
        shift = style.pop("shift", 0.0)
        place = np.asarray(x, dtype=np.float64) + shift
        ax.vlines(place[known], low[known], high[known], color=style["color"], linewidth=1.6)
        ax.plot(place, mean, "o-", linewidth=0.9, gid="means", **style)
        return
    style.pop("shift", None)
    ax.fill_between(x, np.where(known, low, mean), np.where(known, high, mean), **band)
    ax.plot(x, mean, "-", gid="means", **style)


def _main(axes: Sequence[Axes], r: DesignFit, names: Sequence[str], lang: str) -> None:
    for ax, name in zip(axes, names, strict=False):
        numeric, levels = _axis(ax, r, name)
        m = marginal_means(r, name, points=41 if numeric else None, confidence=r.confidence)
        _curve(ax, m, name, levels, slice(None), {"color": PALETTE["blue"]})
        ax.grid(True, axis="y")
    name_axis(axes[0], "y", shorten(r.response, 30))


def _interaction(ax: Axes, r: DesignFit, across: str, by: str, lang: str) -> None:
    """One line for each level of `by`, or for its low, middle and high setting."""
    factor = r.design.factors[r.design.names.index(by)]
    numeric, levels = _axis(ax, r, across)
    settings: list[Any]
    if factor.levels:
        settings = list(factor.levels)
    else:
        used = np.asarray(r.design.coded)[:, r.design.names.index(by)]
        settings = factor.decode(np.array([used.min(), used.max()])).tolist()
    for k, value in enumerate(settings[: len(_COLORS)]):
        m = marginal_means(r, across, at={by: value}, points=41 if numeric else None, confidence=r.confidence)
        text = f"{shorten(by, 16)} {value:.4g}" if isinstance(value, float) else f"{shorten(by, 16)} {value}"
        shift = 0.08 * (k - 0.5 * (len(settings) - 1))
        _curve(ax, m, across, levels, slice(None), {"color": _COLORS[k], "label": text, "shift": shift})
    legend = ax.legend(prop={"family": font_families(), "size": 8})
    for entry in legend.get_texts():
        entry.set_parse_math(False)
    name_axis(ax, "y", shorten(r.response, 30))
    ax.grid(True, axis="y")


def _cube(ax: Axes, r: DesignFit, names: Sequence[str]) -> None:
    """Fitted means at the corners of three factors."""
    if len(names) != 3:
        raise DataError(f"factors: {len(names)} came; a cube shows three")
    ends = []
    for name in names:
        j = r.design.names.index(name)
        factor, used = r.design.factors[j], np.asarray(r.design.coded)[:, j]
        ends.append(factor.decode(np.array([used.min(), used.max()])).tolist())
    corner = {}
    for bits in itertools.product((0, 1), repeat=3):
        at = {name: end[b] for name, end, b in zip(names[1:], ends[1:], bits[1:], strict=True)}
        m = marginal_means(r, names[0], at=at)
        held = [v == ends[0][bits[0]] for v in m.settings[names[0]].tolist()]
        corner[bits] = float(np.asarray(m.mean)[held.index(True)])
    place = {b: (b[0] + 0.42 * b[2], b[1] + 0.36 * b[2]) for b in corner}
    for a, b in itertools.combinations(corner, 2):
        if sum(x != y for x, y in zip(a, b, strict=True)) == 1:
            ax.plot(*zip(place[a], place[b], strict=True), color=INK["faint"], linewidth=1.2, zorder=1)
    xs, ys = zip(*place.values(), strict=True)
    ax.scatter(xs, ys, c=list(corner.values()), cmap="cividis", s=60, zorder=2, gid="corners")
    for bits, (x, y) in place.items():
        ax.annotate(
            f"{corner[bits]:.4g}", (x, y), xytext=(7, 5), textcoords="offset points", fontsize=9, gid="corner value",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0}, zorder=3,
        )  # fmt: skip
    text: dict[str, Any] = {"fontsize": 8.5, "fontfamily": font_families(), "parse_math": False, "color": INK["text"]}
    ax.text(0.5, -0.12, _edge(names[0], ends[0]), ha="center", va="top", **text)
    ax.text(-0.1, 0.5, _edge(names[1], ends[1]), ha="center", va="center", rotation=90, **text)
    ax.text(1.28, 0.1, _edge(names[2], ends[2]), ha="left", va="center", **text)
    ax.set_xlim(-0.25, 2.0)
    ax.set_ylim(-0.3, 1.6)
    ax.set_axis_off()


def _edge(name: str, ends: Sequence[Any]) -> str:
    low, high = (shorten(f"{v:.4g}" if isinstance(v, float) else v, 10) for v in ends)
    return f"{shorten(name, 18)}: {low} → {high}"


# ---- the figure ----


def _single(panel: str, r: DesignFit, ax: Axes | None, names: list[str], lang: str) -> Axes:
    ax = new_axes(5.8, 4.2)[0] if ax is None else ax
    if panel == "interaction":
        if len(names) != 2:
            raise DataError(f"factors: {len(names)} came; an interaction is of two (the first goes along the axis)")
        _interaction(ax, r, names[0], names[1], lang)
        write_title(ax, say("interaction", lang, a=names[0], b=names[1]))
    elif panel == "cube":
        _cube(ax, r, names)
        write_title(ax, say("cube", lang, response=r.response))
    else:
        draw: Any = {"terms": _terms, "observed": _observed, "normal": _normal, "order": _order}[panel]
        draw(ax, r, lang)
    return ax


@in_house_style
def draw_fit(
    r: DesignFit,
    ax: Axes | None = None,
    *,
    panel: str | None = None,
    factors: Sequence[str] | None = None,
    lang: str = "en",
    title: str | None = None,
) -> Axes:
    """Draw a fitted model: coefficients and residuals, or the means that factors lead to.

    Parameters
    ----------
    r : DesignFit
    ax : matplotlib Axes, optional
        Then one panel, the coefficients unless `panel` says otherwise.
    panel : {"all", "terms", "observed", "normal", "order", "main", "interaction", "cube"}, optional
        ``"all"``: coefficients, observed against predicted, residuals on normal paper and in the order of the runs.
    factors : sequence of str, optional
        For main effects (unsaid: those of the model), an interaction (two; the first goes along the axis) or a cube.
    lang : {"en", "zh"}
    title : str, optional
    """
    panel = check_choice(panel or ("all" if ax is None else "terms"), "panel", _PANELS)
    if factors is not None and panel not in ("main", "interaction", "cube"):
        raise DataError(f"factors: they belong to 'main', 'interaction' and 'cube', not to panel={panel!r}")
    if panel == "all":
        only_one_panel(ax, panel, _PANELS[1:])
        axes = new_grid(9.6, 7.2, 2, 2)
        for one, draw in zip(axes, (_terms, _observed, _normal, _order), strict=True):
            draw(one, r, lang)
        figure_title(axes, title or say("fit title", lang, response=r.response, model=str(r.model)))
        return axes[0]
    names = _factors(r, factors, {"interaction": 2, "cube": 3}.get(panel, 8))
    if panel != "main":
        ax = _single(panel, r, ax, names, lang)
        if title:
            write_title(ax, title)
        return ax
    only_one_panel(ax if len(names) != 1 else None, panel, _PANELS[1:])
    grid = [ax] if ax is not None else new_grid(1.4 + 2.2 * len(names), 3.4, 1, max(len(names), 1), sharey=True)
    _main(grid, r, names, lang)
    figure_title(grid, title or say("main effects", lang, response=r.response))
    return grid[0]
