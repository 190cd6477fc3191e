"""Figures of a design: where its runs lie in the space of the factors, and in which order they are made."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats.doe.design import Design
from qstats.doe.factor import Factor
from qstats.errors import DataError
from qstats.figures.doe.words import design_kind, say
from qstats.figures.output import new_axes
from qstats.figures.panels import apart, figure_title, new_grid, only_one_panel
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, shorten, user_ticks, write_title

__all__ = ["draw_design"]

_PANELS = ("pairs", "pair", "runs")
_MOST_PAIRS = 6  # factors; beyond, the small charts are too small
_COLORS = tuple(PALETTE.values())
_TICKS = 6


def _levels(factor: Factor, coded: FloatArray) -> tuple[list[float], list[str]]:
    """Ticks of one factor: its levels, or the settings of the design as long as they are few."""
    if factor.kind == "categorical":
        return [float(i) for i in range(len(factor.levels))], [shorten(v, 12) for v in factor.levels]
    found = np.unique(np.round(coded, 9))
    if found.size > _TICKS:
        found = np.array([0.0, 0.5, 1.0]) if factor.kind == "mixture" else np.array([-1.0, 0.0, 1.0])
    return found.tolist(), [f"{float(v):.4g}" for v in factor.decode(found)]


def _name_factor(ax: Axes, which: str, factor: Factor, coded: FloatArray) -> None:
    name_axis(ax, which, shorten(factor.label(), 28))
    user_ticks(ax, which, *_levels(factor, coded))


def _pair(ax: Axes, r: Design, i: int, j: int) -> bool:
    """Scatter factor j against factor i; tell whether some point stands for several runs."""
    points, where, count = np.unique(
        np.round(r.coded[:, [i, j]], 9), axis=0, return_inverse=True, return_counts=True
    )  # fmt: skip
    where = where.reshape(-1)
    first = np.array([int(np.argmax(where == k)) for k in range(len(points))], dtype=np.int64)
    mixed = np.array([np.unique(r.block[where == k]).size > 1 for k in range(len(points))])
    colors = [
        INK["soft"] if both else _COLORS[(int(b) - 1) % len(_COLORS)]
        for both, b in zip(mixed, r.block[first], strict=True)
    ]
    ax.scatter(points[:, 0], points[:, 1], s=34.0 + 10.0 * np.minimum(count - 1, 6), c=colors, zorder=3, gid="runs")
    for (x, y), n in zip(points.tolist(), count.tolist(), strict=True):
        if n > 1:
            ax.annotate(str(n), (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8, gid="repeated")
    ax.margins(0.14)
    ax.grid(True)
    return bool((count > 1).any())


def _pairs(r: Design, lang: str, title: str) -> Axes:
    k = len(r.factors)
    side = 3.1 if k <= 3 else 2.3 if k <= 4 else 1.9
    grid = new_grid(max(side * (k - 1) + 1.0, 4.6), side * (k - 1) + 0.9, k - 1, k - 1, sharex="col", sharey="row")
    repeated = False
    for row in range(k - 1):
        for column in range(k - 1):
            ax = grid[row * (k - 1) + column]
            if column > row:
                ax.set_axis_off()
                continue
            repeated |= _pair(ax, r, column, row + 1)
            if column == 0:
                _name_factor(ax, "y", r.factors[row + 1], r.coded[:, row + 1])
            if row == k - 2:
                _name_factor(ax, "x", r.factors[column], r.coded[:, column])
    figure_title(grid, title)
    if repeated:
        figure: Any = grid[0].figure
        figure.supxlabel(say("repeated", lang), x=0.99, ha="right", fontsize=8, color=INK["soft"])
    return grid[0]


def _only_pair(ax: Axes, r: Design, factors: tuple[str, str] | None) -> None:
    names = tuple(factors) if factors is not None else r.names[:2]
    lost = [name for name in names if name not in r.names]
    if len(names) != 2 or names[0] == names[1] or lost:
        raise DataError(f"factors: got {names!r}; two of {', '.join(r.names)} are wanted")
    i, j = r.names.index(names[0]), r.names.index(names[1])
    _pair(ax, r, i, j)
    _name_factor(ax, "x", r.factors[i], r.coded[:, i])
    _name_factor(ax, "y", r.factors[j], r.coded[:, j])


def _height(r: Design) -> FloatArray:
    """Settings between -1 and +1 for colouring, one row a run in run order."""
    out = np.array(r.coded[r.run_order])
    for j, f in enumerate(r.factors):
        if f.kind == "categorical":
            out[:, j] = 2.0 * out[:, j] / max(len(f.levels) - 1, 1) - 1.0
        elif f.kind == "mixture":
            span = float(np.ptp(out[:, j])) or 1.0
            out[:, j] = 2.0 * (out[:, j] - out[:, j].min()) / span - 1.0
    return np.clip(out, -1.0, 1.0)


def _runs(ax: Axes, r: Design, lang: str) -> None:
    """Show every run as a row of the settings' heights, in the order they are made."""
    height = _height(r)
    n, k = height.shape
    mesh = ax.imshow(height, cmap="cividis", vmin=-1.0, vmax=1.0, aspect="auto", interpolation="nearest")
    user_ticks(ax, "x", range(k), apart([f.label() for f in r.factors], 16), rotation=90 if k > 8 else 0)
    ax.tick_params(axis="x", length=0)
    name_axis(ax, "y", say("run", lang))
    ax.set_yticks([i for i in range(n) if (i + 1) % max(1, round(n / 8)) == 0 or i == 0])
    ax.set_yticklabels([str(int(i) + 1) for i in ax.get_yticks()])
    group = r.whole_plot if r.split_plot else r.block
    for at in np.flatnonzero(np.diff(group[r.run_order])):
        ax.axhline(at + 0.5, color="white", linewidth=2.2)
        ax.axhline(at + 0.5, color=PALETTE["vermilion"], linewidth=1.0, gid="group")
    figure: Any = ax.figure
    bar = figure.colorbar(mesh, ax=ax, fraction=0.04, pad=0.02, ticks=[-1, 1])
    user_ticks(bar.ax, "y", [-1, 1], [say("low", lang), say("high", lang)])
    bar.outline.set_visible(False)


@in_house_style
def draw_design(
    r: Design,
    ax: Axes | None = None,
    *,
    panel: str | None = None,
    factors: tuple[str, str] | None = None,
    lang: str = "en",
    title: str | None = None,
) -> Axes:
    """Draw where the runs of a design lie: all pairs of factors, one pair, or the settings run by run.

    Parameters
    ----------
    r : Design
    ax : matplotlib Axes, optional
        Then one pair, or ``panel="runs"``, is drawn there.
    panel : {"pairs", "pair", "runs"}, optional
        Unsaid: all pairs of 2 to 6 factors, the runs of more or of one.
    factors : pair of str, optional
        Which pair ``panel="pair"`` shows; the first two unsaid.
    lang : {"en", "zh"}
    title : str, optional
    """
    many = not 2 <= len(r.factors) <= _MOST_PAIRS
    unsaid = "runs" if many else "pair" if ax is not None or len(r.factors) == 2 or factors is not None else "pairs"
    panel = check_choice(panel or unsaid, "panel", _PANELS)
    if panel != "runs" and many:
        raise DataError(f"panel: got {panel!r} for {len(r.factors)} factors; 'runs' shows any number of them")
    if factors is not None and panel != "pair":
        raise DataError(f"factors: they name the pair of panel='pair', not of {panel!r}")
    text = title or say("design", lang, kind=design_kind(r.kind, lang), n=len(r), k=len(r.factors))
    if panel == "pairs":
        only_one_panel(ax, panel, _PANELS[1:])
        return _pairs(r, lang, text)
    if ax is None:
        tall = min(max(0.18 * len(r), 3.4), 9.0) if panel == "runs" else 4.6
        ax = new_axes(min(max(5.4, 0.55 * len(r.factors) + 2.0), 14.0), tall)[0]
    if panel == "runs":
        _runs(ax, r, lang)
    else:
        _only_pair(ax, r, factors)
    write_title(ax, text)
    return ax
