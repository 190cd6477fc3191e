"""Figures of a counted process: its chart, what has come of it so far, and the rates of its samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats.capability.attribute import AttributeCapability
from qstats.figures.axes import percent_axis, rate_axis
from qstats.figures.capability.facts import with_interval
from qstats.figures.charts import draw_chart
from qstats.figures.panels import Format, a_level, figure_title, list_facts, new_grid, only_one_panel
from qstats.figures.style import INK, PALETTE, in_house_style, name_axis, write_title
from qstats.figures.words_quality import say
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rate_estimates import estimate_rate

__all__ = ["draw_attribute"]

_SINGLE = ("cumulative", "chart", "rates")
_DRAWN = 400  # places of the cumulative line: more change no pixel
_TARGET: dict[str, Any] = {"color": PALETTE["green"], "linewidth": 1.4, "linestyle": (0, (8, 2, 2, 2)), "gid": "target"}


def _samples(r: AttributeCapability) -> tuple[FloatArray, FloatArray]:
    x, n = r.chart.columns["count"], r.chart.size
    seen = np.isfinite(x) & np.isfinite(n)
    return x[seen], n[seen]


def _axis(ax: Axes, r: AttributeCapability, largest: float, which: str, lang: str, name: str) -> Format:
    if r.model == "binomial":
        name_axis(ax, which, name)
        return percent_axis(ax, which)
    return rate_axis(ax, largest, name, lang, which)


def _shown(r: AttributeCapability, show: Format, lang: str) -> str:
    e = r.rate
    text = {"estimate": show(e.estimate), "low": show(e.interval.low), "high": show(e.interval.high)}
    return say("with interval", lang, **text)


def _draw_cumulative(ax: Axes, r: AttributeCapability, lang: str) -> str:
    """Draw the rate of the first 1, 2, ... samples; at the end stands the interval of the result."""
    x, n = (np.cumsum(a) for a in _samples(r))
    at = np.unique(np.linspace(0, x.size - 1, min(x.size, _DRAWN)).round().astype(np.intp))
    rate, level = x[at] / n[at], r.rate.interval.confidence
    top = max(float(rate.max()), r.rate.interval.high, r.target or 0.0)
    if _is_exact(r):
        how: Any = (
            estimate_proportion(x[at], n[at], method="clopper-pearson", confidence=level)
            if r.model == "binomial"
            else estimate_rate(x[at], n[at], method="exact", confidence=level)
        )
        low, high = how.interval.low, how.interval.high
        ax.fill_between(at + 1, low, high, color=PALETTE["sky"], alpha=0.3, linewidth=0, gid="band")
        for edge in (low, high):
            ax.plot(at + 1, edge, color=PALETTE["blue"], linewidth=0.7, linestyle=(0, (3, 2)))
        settled = high[max(1, high.size // 10) :]
        top = max(top, float(settled.max()) if settled.size else 0.0)
    ax.plot(at + 1, rate, color=PALETTE["blue"], linewidth=1.6, zorder=3, gid="cumulative")
    ends = r.rate.interval.low, r.rate.interval.high
    rate_now, at_end = r.rate.estimate, float(x.size)
    line: dict[str, Any] = {"color": INK["text"], "zorder": 4, "clip_on": False}
    ax.plot([at_end, at_end], ends, "_-", markersize=9, linewidth=1.5, gid="interval", **line)
    ax.plot([at_end], [rate_now], "D", markersize=5, gid="estimate", **line)
    if r.target is not None:
        ax.axhline(r.target, zorder=2, **_TARGET)
    ax.set_ylim(0.0, 1.12 * top or 1.0)
    ax.set_xlim(0.5, x.size + max(0.6, 0.02 * x.size))
    name = say("cumulative share" if r.model == "binomial" else "cumulative dpu", lang)
    show = _axis(ax, r, top, "y", lang, name)
    name_axis(ax, "x", say("sample number", lang))
    if r.target is not None:
        ax.text(
            1.01, r.target, say("target", lang, value=show(r.target)), transform=ax.get_yaxis_transform(), va="center",
            fontsize=8,
        )  # fmt: skip
    return say("cumulative", lang, level=a_level(level), name=name, text=_shown(r, show, lang))


def _is_exact(r: AttributeCapability) -> bool:
    """Whether the interval of the result is the exact one: else the samples scatter, and it was widened as a whole."""
    method = {"binomial": "clopper-pearson", "poisson": "exact"}[r.model]
    total: Any = (
        estimate_proportion(r.count, r.size, method=method, confidence=r.rate.interval.confidence)
        if r.model == "binomial"
        else estimate_rate(r.count, r.size, method=method, confidence=r.rate.interval.confidence)
    )
    return bool(total.interval.high == r.rate.interval.high and total.interval.low == r.rate.interval.low)


def _draw_rates(ax: Axes, r: AttributeCapability, lang: str) -> str:
    """Draw how many samples had which rate."""
    x, n = _samples(r)
    rate = x / n
    bins = min(40, max(5, int(np.ceil(2.0 * rate.size ** (1.0 / 3.0)))))
    low, high = float(rate.min()), float(rate.max())
    if low == high:
        half = 0.02 * (r.rate.interval.high - r.rate.interval.low)
        bins, low, high = 1, low - half, high + half
    counts, edges = np.histogram(rate, bins=bins, range=(low, high))
    ax.stairs(counts, edges, fill=True, facecolor="#A9CCE3", edgecolor=INK["soft"], gid="rates")
    ax.stairs(counts, edges, color=INK["soft"], linewidth=0.7)
    ax.vlines(edges[1:-1], 0, np.minimum(counts[1:], counts[:-1]), color="white", linewidth=0.8)
    ax.axvline(r.rate.estimate, color=INK["text"], linewidth=1.4, gid="rate")
    if r.target is not None:
        ax.axvline(r.target, **_TARGET)
    ax.set_ylim(bottom=0)
    _axis(ax, r, float(rate.max()), "x", lang, say("share" if r.model == "binomial" else "defects", lang))
    name_axis(ax, "y", say("samples", lang))
    return say("rates", lang)


def _all(r: AttributeCapability, lang: str, title: str | None) -> Axes:
    chart = new_grid(9.6, 6.0, 2, 2, width_ratios=(2.0, 1.0))
    top, corner, below, rates = chart
    corner.set_axis_off()
    draw_chart(r.chart, top, lang=lang)
    write_title(below, _draw_cumulative(below, r, lang))
    write_title(rates, _draw_rates(rates, r, lang))
    _write_facts(corner, r, lang)
    figure: Any = top.figure
    handles, labels = top.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower left", ncols=1)
    figure_title(chart, title or say("attribute", lang))
    return top


def _write_facts(ax: Axes, r: AttributeCapability, lang: str) -> None:
    named = [("ppm", r.ppm), ("DPMO", r.dpmo), ("Z", r.z), (f"Z + {r.shift:g}", r.sigma_level)]
    facts = [(say("at confidence", lang, level=a_level(r.rate.interval.confidence)), "")]
    facts += [(name, with_interval(e, lang)) for name, e in named if e is not None]
    state = say("stable", lang) if r.stable else say("not stable", lang, n=len(r.chart.signals))
    facts.append((say("process", lang), state))
    if r.target is not None:
        facts.append((say("target", lang, value=f"{r.target:g}"), say(r.verdict, lang)))
    list_facts(ax, facts)


@in_house_style
def draw_attribute(
    r: AttributeCapability, ax: Axes | None = None, *, panel: str | None = None, lang: str = "en",
    title: str | None = None,
) -> Axes:  # fmt: skip
    """Draw a counted process: chart, cumulative rate with its interval and the target, rates of the samples.

    Where the samples scatter more than chance allows, the interval was widened for all samples together: then it stands
    at the end of the cumulative line only, without a band.

    Parameters
    ----------
    r : AttributeCapability
    ax : matplotlib Axes, optional
        Then the cumulative rate, or `panel`, stands there.
    panel : {"all", "cumulative", "chart", "rates"}, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    panel = check_choice(panel or ("all" if ax is None else "cumulative"), "panel", ("all", *_SINGLE))
    if panel == "all":
        only_one_panel(ax, panel, _SINGLE)
        return _all(r, lang, title)
    if panel == "chart":
        return draw_chart(r.chart, ax, lang=lang, title=title)
    ax = ax if ax is not None else new_grid(8.4, 3.6, 1, 1)[0]
    name = {"cumulative": _draw_cumulative, "rates": _draw_rates}[panel](ax, r, lang)
    write_title(ax, title or name)
    return ax
