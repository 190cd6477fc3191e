"""Draw a Pareto table: bars with names of any length, the cumulative share, and how sure each rank is."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, text_width, user_ticks, wrap, write_title
from qstats.figures.words import word
from qstats.improve.pareto import ParetoTable

__all__ = ["MOST_BARS", "draw_pareto"]

MOST_BARS = 40
_NAME = 30  # columns of a category name on one line; longer names take two


def _amount(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def _beside(table: ParetoTable, i: int, lang: str) -> str:
    low, high = int(table.rank_low[i]), int(table.rank_high[i])
    rank = word("rank one" if low == high else "rank", lang, low=low, high=high)
    return f"{_amount(float(table.values[i]))}  ·  {100 * table.share[i]:.1f}%  ·  {rank}"


def _draw_bars(ax: Axes, table: ParetoTable, shown: int, lang: str) -> int:
    """Draw at most `MOST_BARS` bars, the last for all that is left, hatched; return their number."""
    rest = len(table.categories) - shown
    ax.barh(np.arange(shown), table.values[:shown], height=0.72, color=PALETTE["blue"], gid="bars")
    names = [wrap(c, _NAME) for c in table.categories[:shown]]
    beside = [_beside(table, i, lang) for i in range(shown)]
    if rest:
        amount, share = float(table.values[shown:].sum()), float(table.share[shown:].sum())
        ax.barh([shown], [amount], height=0.72, color="white", edgecolor=PALETTE["blue"], hatch="////", gid="rest")
        names.append(word("all categories", lang, n=rest))
        beside.append(f"{_amount(amount)}  ·  {100 * share:.1f}%")
    user_ticks(ax, "y", range(len(names)), names)
    for i, text in enumerate(beside):
        ax.text(1.03, i, text, transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    return len(names)


def _draw_cumulative(ax: Axes, table: ParetoTable, shown: int, bars: int, lang: str) -> None:
    over = ax.twiny()
    share = 100.0 * table.cumulative[:shown]
    if bars > shown:
        share = np.append(share, 100.0 * table.cumulative[-1])
    over.plot(
        share,
        np.arange(bars),
        "o-",
        color=PALETTE["orange"],
        markeredgecolor=INK["line"],
        linewidth=1.4,
        markersize=4.5,
    )
    over.set_xlim(0, 103)
    over.set_xticks([0, 20, 40, 60, 80, 100])
    over.axvline(80, color=INK["faint"], linewidth=0.9, linestyle=(0, (1.5, 2)), zorder=0)
    name_axis(over, "x", word("cumulative", lang))
    over.spines["top"].set_visible(True)
    over.spines["right"].set_visible(False)


@in_house_style
def draw_pareto(table: ParetoTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw a Pareto table with horizontal bars: names of any length and language stay readable.

    Beside each bar: amount, share, and the confidence set of its rank (which places in the order the data allow).

    Parameters
    ----------
    table : ParetoTable
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
        Instead of the total.
    """
    many = len(table.categories)
    shown = many if many <= MOST_BARS else MOST_BARS - 1
    if ax is None:
        long = any(text_width(c) > _NAME for c in table.categories[:shown])
        ax = new_axes(8.4, 1.6 + (0.34 if long else 0.26) * min(many, MOST_BARS))[0]
    bars = _draw_bars(ax, table, shown, lang)
    ax.set_ylim(bars - 0.4, -0.6)
    ax.set_xlim(0, 1.05 * max(float(table.values.max(initial=0.0)), float(table.values[shown:].sum())) or 1.0)
    ax.tick_params(axis="y", length=0)
    name = word("weight" if table.weighted else "count", lang)
    name_axis(ax, "x", name)
    _draw_cumulative(ax, table, shown, bars, lang)
    ranks = word("rank header", lang, level=f"{100 * table.confidence:.4g}%")
    write_title(ax, title or f"{word('pareto', lang, n=_amount(float(table.values.sum())))}  ({ranks})")
    return ax
