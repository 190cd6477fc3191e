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
from qstats.spc.words import chart_name, panel_name, rule_sentence

__all__ = ["MANY", "draw_chart", "phase_spans", "stepped", "thinned"]

MANY = 2000  # points; beyond, markers are a smear: the line and the flagged points are drawn
_MOST_TAGS = 60
_MEDIAN = ("run", "g", "t")  # panels whose centre line is a median
_LINE = 84  # columns of a legend beside another one
_TAG = 4.6  # width of a character of a tag, in points
_ZONED = 200  # points; beyond, zone lines crowd the picture
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


def _rule_words(chart: ControlChart, tags: Mapping[str, str], lang: str) -> str:
    """Return what the tags stand for, in lines that fit: a rule's own name, in Chinese what it looks for."""
    known = {rule.name: rule_sentence(rule, "zh").rstrip("。") for rule in chart.rule_set} if lang == "zh" else {}
    lines = [f"{word('signal', lang)}: "]
    for k, (rule, tag) in enumerate(tags.items()):
        text = f"{tag} = {known.get(rule, clean_text(rule))}" + ("; " if k < len(tags) - 1 else "")
        if text_width(lines[-1] + text) > _LINE and k:
            lines.append("")
        lines[-1] += text
    return "\n".join(line.rstrip() for line in lines)


def _tags(chart: ControlChart, panel: str, rules: Mapping[str, str]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for signal in chart.signals:
        if signal.panel == panel and signal.index is not None:
            found.setdefault(signal.index, []).append(rules[signal.rule])
    return {i: ",".join(dict.fromkeys(tags)) for i, tags in sorted(found.items())}


def _fitting(tags: Mapping[int, str], at: Sequence[int], wide: float) -> dict[int, str]:
    """Return the tags as they fit beside one another: ``2,5,6`` becomes ``2+`` where the next one is near."""
    out: dict[int, str] = {}
    free = -wide
    for k, i in enumerate(at):
        text, later = tags[i], at[k + 1] if k + 1 < len(at) else 10**9
        room = min(wide * (later - i), 2 * (wide * i - free))
        if "," in text and _TAG * len(text) > room:
            text = text.split(",")[0] + "+"
        half = 0.5 * _TAG * len(text)
        if wide * i - half >= free:
            out[i], free = text, wide * i + half
    return out


def _draw_tags(ax: Axes, panel: Panel, tags: Mapping[int, str]) -> None:
    first = [i for i in tags if tags.get(i - 1) != tags[i]]  # a run of the same tag is tagged once
    if len(first) > _MOST_TAGS:
        return
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8}
    for i, text in _fitting(tags, first, points_wide(ax) / panel.statistic.size).items():
        y = panel.statistic[i]
        above = not y < panel.center[i]
        ax.annotate(
            text,
            (i, y),
            xytext=(0, 6 if above else -6),
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


def _draw_long_runs(ax: Axes, chart: ControlChart, panel: Panel, key: str) -> None:
    """Go over a run that is a signal as a whole; a whole-chart signal without points stands in the legend alone."""
    whole = [] if len(chart.signals) > MANY else [s for s in chart.signals if s.index is None and s.panel == panel.name]
    for signal in sorted(whole, key=lambda s: not s.window):
        part = np.array(signal.window, dtype=np.int64)
        line: dict[str, Any] = {"color": PALETTE["vermilion"], "linewidth": 2.4, "zorder": 3.5, "gid": "long run"}
        ax.plot(part, panel.statistic[part], label=key, **(line if part.size else {"linestyle": "none"}))


def _draw_zones(ax: Axes, chart: ControlChart, panel: Panel, spans: Sequence[tuple[str, int, int]]) -> None:
    """Draw the lines the zone rules look at, faintly; not where they would be all there is to see."""
    asked = {rule.threshold for rule in chart.rule_set if rule.threshold in (1.0, 2.0)}
    if panel is not next(iter(chart.panels.values())) or panel.statistic.size > _ZONED:
        return
    line: dict[str, Any] = {
        "color": INK["soft"],
        "linewidth": 0.6,
        "linestyle": (0, (1, 3)),
        "zorder": 1,
        "gid": "zone",
    }
    for t in sorted(t for t in asked if t):
        for zone, limit, way in ((panel.sigma, panel.upper, 1.0), (panel.sigma_lower, panel.lower, -1.0)):
            at = panel.center + way * t * zone
            at = np.where(way * at < way * limit, at, np.nan)  # a zone beyond a clipped limit is not on the page
            for _, start, stop in spans:
                stepped(ax, at, start, stop, **line)


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


def _name_limits(ax: Axes, panels: Sequence[Panel], show: Format, span: tuple[str, int, int], lang: str) -> None:
    """Write the last phase's limits at the right edge, moved apart where they would touch."""
    part = slice(span[1], span[2])
    found = [(key, _last(getattr(panel, key)[part])) for panel in panels for key in ("lower", "center", "upper")]
    found = sorted({(key, value) for key, value in found if np.isfinite(value)}, key=lambda pair: pair[1])
    heights = spread_out([v for _, v in found], *ax.get_ylim())
    for (key, value), height in zip(found, heights, strict=True):
        name = word("median" if key == "center" and panels[0].name in _MEDIAN else key, lang)
        ax.text(1.012, height, f"{name} {show(value)}", transform=ax.transAxes, va="center", fontsize=8)


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
    name = panel_name(panel.name if len(_together(chart)[0]) == 1 else chart.kind, lang)
    if panel.name in ("u", "laney_u"):
        largest = np.nanmax(np.where(np.isfinite(panel.statistic), panel.statistic, 0.0), initial=0.0)
        return rate_axis(ax, float(largest), name, lang)
    name_axis(ax, "y", clean_text(name))
    return percent_axis(ax) if panel.name in ("p", "laney_p") else lambda v: f"{v:.4g}"


def _together(chart: ControlChart) -> list[list[Panel]]:
    """Return which panels share a picture: the two sides of a CUSUM do; a count of minima is shown where it signals."""
    fired = {s.panel for s in chart.signals} if len(chart.signals) <= MANY else set(chart.panels)
    panels = [p for p in chart.panels.values() if p.name != "run_of_minimum" or p.name in fired]
    return [panels] if chart.kind == "cusum" else [[panel] for panel in panels]


def _draw_panel(ax: Axes, chart: ControlChart, panels: Sequence[Panel], lang: str, key: str) -> Format:
    spans = phase_spans(chart)
    rules = _rules_of(chart)
    for panel in panels:
        _draw_zones(ax, chart, panel, spans)
        _draw_limits(ax, panel, spans)
        _draw_points(ax, chart, panel, lang)
        _draw_long_runs(ax, chart, panel, key)
        _draw_signals(ax, panel, _tags(chart, panel.name, rules), key)
    n = len(chart.labels)
    ax.margins(y=0.1)
    ax.set_xlim(-0.5 - 0.01 * n, n - 0.5)
    show = _axis_of(ax, chart, panels[0], lang)
    _name_limits(ax, panels, show, spans[-1], lang)
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
    groups = _together(chart) if panel is None else [[chart.panels[panel]]]
    if ax is not None:
        groups = groups[:1]
    ratios = [2.0, *[1.0] * (len(groups) - 1)]
    axes = [ax] if ax is not None else new_axes(8.4, 2.6 + 1.3 * len(groups), len(groups), ratios)
    key = _rule_words(chart, _rules_of(chart), lang)
    for k, (this, shown) in enumerate(zip(axes, groups, strict=True)):
        show = _draw_panel(this, chart, shown, lang, key)
        if k == 0:
            spans = [((phase_names or {}).get(name, name), i, j) for name, i, j in phase_spans(chart)]
            named = any(name for name, _, _ in spans)
            _name_phases(this, shown[0], show, spans if named else [], lang)
            write_title(this, title or chart_name(chart.kind, lang), 18 if named else None)
    label_points(axes[-1], chart.labels)
    if ax is None:
        _legend(axes)
    return axes[0]
