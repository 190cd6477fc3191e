"""Figure of a design's evaluation: which columns are correlated, and how large the prediction variance is where."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.checks import check_choice
from qstats.doe.evaluation.result import DesignEvaluation
from qstats.figures.doe.words import design_kind, say
from qstats.figures.output import new_axes
from qstats.figures.panels import figure_title, new_grid, only_one_panel
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, user_ticks, write_title

__all__ = ["draw_evaluation"]

_PANELS = ("all", "correlation", "fds")
_NAMED = 28  # more columns than this cannot be labelled
_WRITTEN = 12  # up to here the numbers stand in the cells


def _correlation(ax: Axes, r: DesignEvaluation, lang: str) -> None:
    size = np.abs(np.nan_to_num(r.correlation))
    ax.imshow(size, cmap="Greys", vmin=0.0, vmax=1.0, interpolation="nearest", aspect="equal")
    n = size.shape[0]
    if n <= _NAMED:
        user_ticks(ax, "y", range(n), list(r.correlation_labels))
        user_ticks(ax, "x", range(n), list(r.correlation_labels))
        ax.tick_params(axis="x", rotation=90, length=0)
        ax.tick_params(axis="y", length=0)
    if n <= _WRITTEN:
        for i, j in np.argwhere(~np.eye(n, dtype=np.bool_) & (size > 0.005)).tolist():
            color = "white" if size[i, j] > 0.55 else INK["text"]
            ax.text(j, i, f"{r.correlation[i, j]:.2f}", ha="center", va="center", fontsize=7, color=color)
    model = len(r.labels) - sum(label == "1" for label in r.labels)
    if 0 < model < n:  # what the model leaves out stands beyond these lines
        for line in (ax.axhline, ax.axvline):
            line(model - 0.5, color=PALETTE["vermilion"], linewidth=1.0, gid="left out")
    write_title(ax, say("correlation map", lang))


def _fds(ax: Axes, r: DesignEvaluation, lang: str) -> None:
    ax.plot(r.fds_fraction, r.fds_variance, color=PALETTE["blue"], linewidth=2.0, gid="fds")
    for value, key in ((r.average_variance, "average"), (r.largest_variance, "largest")):
        ax.axhline(value, color=INK["line"], linewidth=0.9, linestyle=(0, (5, 2.5)), gid=key)
        ax.text(0.01, value, f"{say(key, lang)} {value:.3g}", va="bottom", fontsize=8)
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(bottom=0.0, top=1.12 * max(r.largest_variance, float(np.max(r.fds_variance))))
    name_axis(ax, "x", say("fraction of space", lang))
    name_axis(ax, "y", say("prediction variance", lang))
    write_title(ax, say("fds", lang))


@in_house_style
def draw_evaluation(
    r: DesignEvaluation, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw the correlations of all columns (beyond the lines: what the model leaves out) and the prediction variance.

    Parameters
    ----------
    r : DesignEvaluation
    ax : matplotlib Axes, optional
        Then one panel, the map unless `panel` says otherwise.
    panel : {"all", "correlation", "fds"}, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    panel = check_choice(panel or ("all" if ax is None else "correlation"), "panel", _PANELS)
    if panel == "all":
        only_one_panel(ax, panel, _PANELS[1:])
        axes = new_grid(11.0, 5.4, 1, 2)
        _correlation(axes[0], r, lang)
        _fds(axes[1], r, lang)
        text = say("evaluation", lang, kind=design_kind(r.kind, lang), n=r.runs, d=f"{r.d_efficiency:.3g}")
        figure_title(axes, title or text)
        return axes[0]
    draw: Any = {"correlation": _correlation, "fds": _fds}[panel]
    ax = new_axes(6.4, 5.2)[0] if ax is None else ax
    draw(ax, r, lang)
    if title:
        write_title(ax, title)
    return ax
