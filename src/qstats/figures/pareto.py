"""Draw Pareto tables: bars with names of any length, the cumulative share, how sure each rank is; before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.checks import check_choice
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, text_width, user_ticks, wrap, write_title
from qstats.figures.words import word
from qstats.improve.pareto.compare import ParetoComparison
from qstats.improve.pareto.table import ParetoTable

__all__ = ["MOST_BARS", "draw_pareto", "draw_pareto_change"]

MOST_BARS = 40
_NAME = 30  # columns of a category name on one line; longer names take two

# words of the before/after view: English, Chinese
_CHANGE = {
    "title": ("Pareto before and after", "措施前后的帕累托图"),
    "header": ("rate ratio ({level} interval), adjusted p: rate, share", "率比（{level} 区间），校正 p：比率、占比"),
    "per exposure": ("Events per {n} of exposure", "每 {n} 暴露量的事件数"),
    "count": ("Count", "数量"),
    "before": ("before", "措施前"),
    "after": ("after", "措施后"),
    "fell": ("fell", "下降"),
    "rose": ("rose", "上升"),
    "new": ("new", "新增"),
    "vanished": ("none after", "措施后为零"),
}


def _say(key: str, lang: str, **values: object) -> str:
    return _CHANGE[key][("en", "zh").index(check_choice(lang, "lang", ("en", "zh")))].format(**values)


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
    if table.cumulative_low is not None and table.cumulative_high is not None:
        low, high = (
            np.append(100.0 * v[:shown], [100.0] * (bars - shown))
            for v in (table.cumulative_low, table.cumulative_high)
        )
        shade: dict[str, Any] = {"color": PALETTE["orange"], "alpha": 0.22, "linewidth": 0.0, "zorder": 0.5}
        over.fill_betweenx(np.arange(bars), low, high, gid="cumulative band", **shade)
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


def _p_text(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _changed(r: ParetoComparison, i: int, alpha: float, lang: str) -> str:
    """Return what stands beside a pair of bars: ratio with interval, adjusted p-values, and a word if it moved."""
    high = r.rate.interval.high[i]
    upper = f"{high:.2f}" if np.isfinite(high) else "∞"
    estimate = r.rate.estimate[i]
    ratio = f"{estimate:.2f}" if np.isfinite(estimate) else "∞"
    text = f"{ratio} ({r.rate.interval.low[i]:.2f}–{upper})"
    text += f"   {_p_text(r.rate_adjusted[i])}  {_p_text(r.share_adjusted[i])}"
    if r.status[i] != "both":
        text += f"  {_say(r.status[i], lang)}"
    if r.rate_adjusted[i] <= alpha:
        text += f"  {'▼' if estimate < 1.0 else '▲'} {_say('fell' if estimate < 1.0 else 'rose', lang)}"
    return text


def _heights(r: ParetoComparison) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], str | None]:
    """Return what the bars show: counts for equal exposures, else events for as much exposure as there was before."""
    if r.exposure == r.exposure0:
        return r.before, r.after, None
    return r.before, r.after * (r.exposure0 / r.exposure), f"{r.exposure0:,.6g}"


@in_house_style
def draw_pareto_change(
    result: ParetoComparison, ax: Axes | None = None, *, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw each category before and after, side by side, with what the tests say once their number is paid for.

    Hollow bars are before, filled ones after. Where the exposures differ, the bars after are scaled to the exposure
    before, so that lengths compare as rates do. At most `MOST_BARS` categories; the rest is counted in the last line.

    Parameters
    ----------
    result : ParetoComparison
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    _say("title", lang)
    many = len(result.categories)
    shown = min(many, MOST_BARS)
    if ax is None:
        ax = new_axes(9.2, 1.7 + 0.42 * (shown + (many > shown)))[0]
    before, after, per = _heights(result)
    at = np.arange(shown, dtype=np.float64)
    outline: dict[str, Any] = {"height": 0.36, "edgecolor": INK["soft"], "linewidth": 1.0}
    ax.barh(at - 0.19, before[:shown], color="white", hatch="///", label=_say("before", lang), gid="before", **outline)
    ax.barh(at + 0.19, after[:shown], color=PALETTE["blue"], label=_say("after", lang), gid="after", **outline)
    names = [wrap(c, _NAME) for c in result.categories[:shown]]
    if many > shown:
        names.append(word("all categories", lang, n=many - shown))
    user_ticks(ax, "y", range(len(names)), names)
    alpha = 1.0 - result.rate.interval.confidence
    for i in range(shown):
        ax.text(1.03, i, _changed(result, i, alpha, lang), transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    level = f"{100 * result.rate.interval.confidence:.4g}%"
    ax.text(1.03, -0.75, _say("header", lang, level=level), transform=ax.get_yaxis_transform(), va="bottom",
            fontsize=7.5, color=INK["soft"])  # fmt: skip
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, 1.05 * float(max(before[:shown].max(), after[:shown].max())) or 1.0)
    ax.tick_params(axis="y", length=0)
    name_axis(ax, "x", _say("count", lang) if per is None else _say("per exposure", lang, n=per))
    ax.legend(loc="lower right")
    write_title(ax, title or _say("title", lang))
    return ax
