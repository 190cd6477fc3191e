"""Figure of a linearity study: the bias over the working range."""

from __future__ import annotations

from matplotlib.axes import Axes

from qstats.figures.output import new_axes
from qstats.figures.panels import a_level
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, write_title
from qstats.figures.words_quality import say
from qstats.msa.bias.linearity import GaugeLinearity

__all__ = ["draw_linearity"]


@in_house_style
def draw_linearity(r: GaugeLinearity, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw single biases, each part's mean, the line with its pointwise band, and the line of no bias.

    Parameters
    ----------
    r : GaugeLinearity
    ax : matplotlib Axes, optional
        Then without a legend; ``ax.legend()`` adds it.
    lang : {"en", "zh"}
    title : str, optional
    """
    own = ax is None
    ax = new_axes(7.6, 4.6)[0] if ax is None else ax
    ax.axhline(0.0, color=INK["line"], linewidth=1.0, linestyle=(0, (5, 2.5)), gid="no bias", zorder=1)
    if r.allowed is not None:
        for end in (-r.allowed, r.allowed):
            ax.axhline(end, color=PALETTE["vermilion"], linewidth=1.3, gid="allowed", zorder=1)
    name = say("band", lang, level=a_level(r.confidence))
    ax.fill_between(r.grid, r.grid_low, r.grid_high, color=PALETTE["sky"], alpha=0.4, linewidth=0, label=name)
    ax.plot(r.grid, r.grid_fit, color=PALETTE["blue"], linewidth=1.8, label=say("bias line", lang))
    ax.plot(r.reference_values, r.bias_values, "o", markerfacecolor="none", markeredgecolor=INK["line"], markersize=4)
    ax.plot(r.part_reference, r.part_bias, "D", color=INK["text"], markersize=6, label=say("part mean", lang))
    name_axis(ax, "x", say("reference", lang))
    name_axis(ax, "y", say("bias", lang))
    if own:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False)
    text = say("linearity", lang, slope=f"{r.slope.estimate:.3g}", p=f"{r.slope_pvalue:.2g}")
    write_title(ax, title or text)
    return ax
