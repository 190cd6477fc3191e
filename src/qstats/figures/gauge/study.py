"""Figures of a gauge R&R study: six panels, or one of them; and of many characteristics."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.checks import check_choice
from qstats.figures.forest import MOST, Forest, draw_forest, forest_axes
from qstats.figures.gauge.cells import draw_by_operator, draw_by_part, draw_interaction
from qstats.figures.gauge.charts import draw_means, draw_ranges
from qstats.figures.gauge.components import draw_components
from qstats.figures.panels import a_level, figure_title, new_grid, only_one_panel
from qstats.figures.style import INK, clean_text, in_house_style, write_title
from qstats.figures.words_quality import say
from qstats.msa.gauge.many import GaugeTable
from qstats.msa.gauge.result import GaugeStudy

__all__ = ["draw_gauge_study", "draw_gauge_table"]

_DRAW = {
    "components": draw_components,
    "parts": draw_by_part,
    "ranges": draw_ranges,
    "operators": draw_by_operator,
    "means": draw_means,
    "interaction": draw_interaction,
}
_NAMED = ("ranges", "means")  # panels with the operators between title and picture
_CUTS = (10.0, 30.0)  # AIAG MSA 4th ed., chapter II section D


def _pad(panel: str) -> float | None:
    return 17.0 if panel in _NAMED else None


def _six(s: GaugeStudy, lang: str, title: str | None) -> Axes:
    axes = new_grid(12.0, 9.6, 3, 2)
    for ax, (panel, draw) in zip(axes, _DRAW.items(), strict=True):
        write_title(ax, draw(ax, s, lang), _pad(panel))
    text = say("gauge", lang, design=say(s.design, lang), n=f"{s.n:,}", level=a_level(s.confidence))
    figure_title(axes, title or text)
    return axes[0]


@in_house_style
def draw_gauge_study(
    s: GaugeStudy, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw a gauge study: where the variation comes from, ranges and means by operator, parts, operators, both.

    Parameters
    ----------
    s : GaugeStudy
    ax : matplotlib Axes, optional
        Then the components of variation, or `panel`, stand there, without a legend; ``ax.legend()`` adds it.
    panel : {"all", "components", "ranges", "means", "parts", "operators", "interaction"}, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    panel = check_choice(panel or ("all" if ax is None else "components"), "panel", ("all", *_DRAW))
    if panel == "all":
        only_one_panel(ax, panel, tuple(_DRAW))
        return _six(s, lang, title)
    given = ax is not None
    ax = ax if ax is not None else new_grid(8.4, 4.0, 1, 1)[0]
    name = _DRAW[panel](ax, s, lang)
    if given and (legend := ax.get_legend()) is not None:
        legend.remove()
    write_title(ax, title or name, _pad(panel))
    return ax


@in_house_style
def draw_gauge_table(t: GaugeTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the gauge R&R of the worst characteristics in per cent of the study variation.

    Parameters
    ----------
    t : GaugeTable
        Of more than 40 characteristics the worst 40 are drawn.
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    order = np.argsort(-np.nan_to_num(t.percent_study, nan=-1.0), kind="stable")
    names = [clean_text(t.name[i]) for i in order[:MOST].tolist()]
    names += [""] * (len(t) - len(names))  # those that are cut are only counted
    value = t.percent_study[order]
    nothing = np.full(value.size, np.nan)
    beside = [_beside(t, i) for i in order[:MOST].tolist()]
    ax = forest_axes(names, ax)
    draw_forest(ax, Forest(names, value, nothing, nothing, beside=beside), say("gauge table axis", lang), lang)
    line: dict[str, Any] = {"color": INK["soft"], "linewidth": 1.0, "linestyle": (0, (5, 2.5)), "zorder": 1}
    for cut in _CUTS:
        ax.axvline(cut, gid="cut", **line)
    top = float(np.nanmax(value, initial=35.0))
    ax.set_xlim(0.0, 1.04 * top)
    write_title(ax, title or say("gauge table", lang, n=f"{len(t):,}"))
    return ax


def _beside(t: GaugeTable, i: int) -> str:
    text = f"{t.percent_study[i]:.3g}%  ·  ndc {t.ndc_truncated[i]:.3g}"
    if t.percent_tolerance is not None:
        text += f"  ·  {t.percent_tolerance[i]:.3g}% tol."
    return "–" if np.isnan(t.percent_study[i]) else text
