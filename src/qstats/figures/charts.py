"""Draw a control chart: one panel above the other, limits as steps, signals by shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats.figures.axes import Format, label_points, percent_axis, points_wide, rate_axis, spread_out
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, clean_text, in_house_style, name_axis, shorten, text_width, write_title
from qstats.figures.words import word
from qstats.spc.chart import ControlChart, Panel

__all__ = ["MANY", "draw_chart", "phase_spans", "stepped", "thinned"]

MANY = 2000  # points; beyond, markers are a smear: the line and the flagged points are drawn
_MOST_TAGS = 60
_FINE = 16000  # points that can make a difference on a line of some 3000 pixels


def phase_spans(chart: ControlChart) -> list[tuple[str, int, int]]:
    """Return name, start and stop of each phase, by bisection: a chart may have millions of points."""
    spans, start, n = [], 0, len(chart.labels)
    for limits in chart.limits_by_phase[:-1]:
        low, high = start, n
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if chart.phases[middle] == limits.phase else (low, middle)
        spans.append((limits.phase, start, low))
        start = low
    return [*spans, (chart.limits_by_phase[-1].phase, start, n)]


def stepped(ax: Axes, values: FloatArray, start: int, stop: int, **line: Any) -> None:
    """Draw one value per point as steps, each as wide as its point; NaN is a gap."""
    part = values[start:stop]
    if part.size == 0 or bool(np.isnan(part).all()):
        return
    if bool((part == part[0]).all()):
        ax.stairs(part[:1], [start - 0.5, stop - 0.5], baseline=None, **line)
    elif part.size <= MANY:
        ax.stairs(part, np.arange(start, stop + 1) - 0.5, baseline=None, **line)
    else:  # a plain line is thinned when written, stairs are not
        ax.plot(np.arange(start, stop), part, **line)


def thinned(y: FloatArray) -> npt.NDArray[np.intp]:
    """Return which points draw the same line: of each stretch narrower than a pixel, first, lowest, highest and last.

    The "M4" reduction of Jugel et al. (2014), PVLDB 7(10), 797-808; nothing is left out of a line that fits the page.
    """
    if y.size <= _FINE:
        return np.arange(y.size)
    width = -(-y.size // (_FINE // 4))
    whole = y[: y.size // width * width].reshape(-1, width)
    start = np.arange(whole.shape[0]) * width
    low = start + np.where(np.isnan(whole), np.inf, whole).argmin(axis=1)
    high = start + np.where(np.isnan(whole), -np.inf, whole).argmax(axis=1)
    rest = np.arange(whole.size, y.size)
    return np.unique(np.concatenate([start, low, high, start + width - 1, rest]))


def _rules_of(chart: ControlChart) -> dict[str, str]:
    """Return a short tag for each rule that fired, numbered as in the rule set."""
    names = [rule.name for rule in chart.rule_set]
    fired = list(dict.fromkeys(s.rule for s in chart.signals))
    names += [rule for rule in fired if rule not in names]
    return {name: str(names.index(name) + 1) for name in names if name in fired}


def _tags(chart: ControlChart, panel: str, rules: Mapping[str, str]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for signal in chart.signals:
        if signal.panel == panel:
            found.setdefault(signal.index, []).append(rules[signal.rule])
    return {i: ",".join(dict.fromkeys(tags)) for i, tags in sorted(found.items())}


def _draw_tags(ax: Axes, panel: Panel, tags: Mapping[int, str]) -> None:
    first = [i for i in tags if tags.get(i - 1) != tags[i]]  # a run of the same tag is tagged once
    behind = (
        {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85} if panel.statistic.size > MANY else None
    )
    for i in first if len(first) <= _MOST_TAGS else ():
        y = panel.statistic[i]
        above = not y < panel.center[i]
        ax.annotate(
            tags[i],
            (i, y),
            xytext=(0, 5 if above else -5),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=7.5,
            color=INK["text"],
            bbox=behind,
            zorder=6,
        )


def _draw_points(ax: Axes, chart: ControlChart, panel: Panel, lang: str) -> None:
    y = panel.statistic
    x = np.arange(y.size)
    kept = thinned(y)
    ax.plot(kept, y[kept], color=PALETTE["blue"], linewidth=1.0, zorder=3, label="_statistic")
    if y.size > MANY:
        return
    out = np.zeros(y.size, dtype=bool) if chart.excluded is None else chart.excluded
    used = chart.used | ~chart.used.any()  # limits that were given rest on no point: then none is special
    unused = ~used & ~out
    full = used & ~out
    ax.plot(x[full], y[full], "o", color=PALETTE["blue"], zorder=4, label="_used")
    hollow: dict[str, Any] = {
        "markerfacecolor": "white",
        "markeredgecolor": PALETTE["blue"],
        "linestyle": "none",
        "zorder": 4,
    }
    if unused.any():
        ax.plot(x[unused], y[unused], marker="o", label=word("not used", lang), **hollow)
    if out.any():
        ax.plot(x[out], y[out], marker="x", label=word("excluded", lang), **{**hollow, "markeredgecolor": INK["soft"]})


def _seen(at: npt.NDArray[np.int64], y: FloatArray, n: int) -> npt.NDArray[np.int64]:
    """Return, of very many flagged points, one for each spot of the page they would be drawn on."""
    if at.size <= MANY:
        return at
    spread = float(np.ptp(y[at])) or 1.0
    # Half a marker wide and high.
    spot = at * 500 // n * 1000 + ((y[at] - y[at].min()) / spread * 150).astype(np.int64)
    return at[np.unique(spot, return_index=True)[1]]


def _draw_signals(ax: Axes, panel: Panel, tags: Mapping[int, str], key: str) -> None:
    if tags:
        y = panel.statistic
        at = _seen(np.fromiter(tags, dtype=np.int64), y, y.size)
        size = 6.5 if at.size <= MANY // 10 else 2.5
        ax.plot(at, y[at], "D", color=PALETTE["vermilion"], markersize=size, zorder=5, label=key, gid="signals")
    _draw_tags(ax, panel, tags)


def _draw_limits(ax: Axes, panel: Panel, spans: Sequence[tuple[str, int, int]]) -> None:
    line: dict[str, Any] = {"color": INK["line"], "linewidth": 1.0, "zorder": 6 if panel.statistic.size > MANY else 2}
    for _, start, stop in spans:
        stepped(ax, panel.center, start, stop, **line)
        for limit in (panel.lower, panel.upper):
            stepped(ax, limit, start, stop, linestyle=(0, (5, 2.5)), **line)
    for _, start, _ in spans[1:]:
        ax.axvline(start - 0.5, color=INK["soft"], linewidth=0.9, linestyle=(0, (1.5, 2)), zorder=1)


def _last(values: FloatArray) -> float:
    present = values[~np.isnan(values)]
    return float(present[-1]) if present.size else float("nan")


def _name_limits(ax: Axes, panel: Panel, show: Format, span: tuple[str, int, int], lang: str) -> None:
    """Write the last phase's limits at the right edge, moved apart where they would touch."""
    part = slice(span[1], span[2])
    found = [(key, _last(getattr(panel, key)[part])) for key in ("lower", "center", "upper")]
    found = [(key, value) for key, value in found if np.isfinite(value)]
    heights = spread_out([v for _, v in found], *ax.get_ylim())
    for (key, value), height in zip(found, heights, strict=True):
        ax.text(1.012, height, f"{word(key, lang)} {show(value)}", transform=ax.transAxes, va="center", fontsize=8)


def _name_phases(ax: Axes, panel: Panel, show: Format, spans: Sequence[tuple[str, int, int]], lang: str) -> None:
    n = panel.statistic.size
    columns = points_wide(ax) / 4.6
    for name, start, stop in spans:
        center = _last(panel.center[start:stop])
        level = f" ({word('center', lang)} {show(center)})" if np.isfinite(center) and len(spans) > 1 else ""
        room = max(4, int(columns * (stop - start) / n) - 1)
        text = clean_text(name) + level
        # Where the level does not fit, the name alone says more than the beginning of both.
        text = shorten(text if text_width(text) <= room else name, room)
        ax.text(
            start - 0.5, 1.015, text, transform=ax.get_xaxis_transform(), va="bottom", fontsize=8, color=INK["soft"]
        )


def _axis_of(ax: Axes, chart: ControlChart, panel: Panel, lang: str) -> Format:
    name = word(panel.name, lang)
    if chart.kind == "u":
        largest = np.nanmax(np.where(np.isfinite(panel.statistic), panel.statistic, 0.0), initial=0.0)
        return rate_axis(ax, float(largest), name, lang)
    name_axis(ax, "y", clean_text(name))
    return percent_axis(ax) if chart.kind == "p" else lambda v: f"{v:.4g}"


def _draw_panel(ax: Axes, chart: ControlChart, panel: Panel, lang: str, key: str) -> Format:
    spans = phase_spans(chart)
    rules = _rules_of(chart)
    _draw_limits(ax, panel, spans)
    _draw_points(ax, chart, panel, lang)
    _draw_signals(ax, panel, _tags(chart, panel.name, rules), key)
    ax.margins(y=0.1)
    ax.set_xlim(-0.5 - 0.01 * panel.statistic.size, panel.statistic.size - 0.5)
    show = _axis_of(ax, chart, panel, lang)
    _name_limits(ax, panel, show, spans[-1], lang)
    return show


def _legend(axes: Sequence[Axes]) -> None:
    handles: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if not handles:
        return
    columns = 2 if len(handles) > 1 else 1
    axes[0].figure.legend(list(handles.values()), list(handles), loc="outside lower left", ncols=columns)


@in_house_style
def draw_chart(
    chart: ControlChart,
    ax: Axes | None = None,
    *,
    lang: str = "en",
    title: str | None = None,
    panel: str | None = None,
    phase_names: Mapping[str, str] | None = None,
) -> Axes:
    """Draw a control chart; all panels in a figure of its own, or one panel (`panel`) on a given Axes.

    Parameters
    ----------
    chart : ControlChart
    ax : matplotlib Axes, optional
        A given Axes gets no legend, for lack of a place that is surely free; ``ax.legend()`` adds it.
    lang : {"en", "zh"}
    title : str, optional
        Instead of the chart's name.
    panel : str, optional
        Draw only this panel; the first one where `ax` is given.
    phase_names : mapping of str to str, optional
        What to write for a phase instead of its name.
    """
    if panel is not None:
        check_choice(panel, "panel", chart.panels)
    one = panel or next(iter(chart.panels))
    panels = list(chart.panels.values()) if ax is None and panel is None else [chart.panels[one]]
    ratios = [2.0, *[1.0] * (len(panels) - 1)]
    axes = [ax] if ax is not None else new_axes(8.4, 3.9 if len(panels) == 1 else 5.2, len(panels), ratios)
    tags = _rules_of(chart)
    key = word("signal", lang) + ": " + "; ".join(f"{tag} = {word(clean_text(r), lang)}" for r, tag in tags.items())
    for k, (this, shown) in enumerate(zip(axes, panels, strict=True)):
        show = _draw_panel(this, chart, shown, lang, key)
        if k == 0:
            spans = [((phase_names or {}).get(name, name), i, j) for name, i, j in phase_spans(chart)]
            named = any(name for name, _, _ in spans)
            _name_phases(this, shown, show, spans if named else [], lang)
            write_title(this, title or word(f"{chart.kind} chart", lang), 18 if named else None)
    label_points(axes[-1], chart.labels)
    if ax is None:
        _legend(axes)
    return axes[0]
