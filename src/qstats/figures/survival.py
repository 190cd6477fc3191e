"""Draw how long things stay open: Kaplan-Meier curves with their bands, and what is still open as ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats.figures.axes import percent_axis
from qstats.figures.forest import Forest, draw_forest, forest_axes
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, clean_text, in_house_style, name_axis, shorten, write_title
from qstats.figures.words import word
from qstats.inference.times.survival import SurvivalCurve
from qstats.voice.service.churn import Churn, ChurnTable
from qstats.voice.service.result import ServiceTable, ServiceTime

__all__ = ["draw_churn", "draw_churn_table", "draw_service_table", "draw_service_time", "draw_survival"]

_STYLES = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1)), (0, (9, 2)))
_COLORS = tuple(PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "orange", "sky"))
_MOST = 6  # curves one can tell apart


def _draw_curve(ax: Axes, c: SurvivalCurve, k: int, label: str, *, band: bool) -> None:
    """Draw one curve; a vertical tick where something was still open when last seen."""
    color = _COLORS[k]
    time = np.concatenate([[0.0], c.time])
    share, low, high = (np.concatenate([[1.0], a]) for a in (c.survival, c.low, c.high))
    if band:
        ax.fill_between(time, low, high, step="post", color=color, alpha=0.15, linewidth=0, gid=f"band {k}")
    line: dict[str, Any] = {"color": color, "linewidth": 1.6, "linestyle": _STYLES[k], "label": label}
    ax.step(time, share, where="post", gid=f"curve {k}", **line)
    left = c.at_risk - c.events - np.append(c.at_risk[1:], 0.0)
    if (still := left > 0).any():
        ax.plot(c.time[still], c.survival[still], "|", color=color, markersize=7, gid=f"open {k}")


def _finish(ax: Axes, unit: str, what: str, lang: str) -> None:
    percent_axis(ax)
    ax.set_ylim(0, 1.03)
    ax.set_xlim(left=0)
    time = word("time kept" if what == "share kept" else "time open", lang)
    name_axis(ax, "x", f"{time} ({clean_text(word(unit, lang))})" if unit else time)
    name_axis(ax, "y", word(what, lang))


def _median(c: SurvivalCurve, lang: str) -> str:
    values = {"estimate": c.median.estimate, "low": c.median.interval.low, "high": c.median.interval.high}
    shown = {k: f"{v:.4g}" if math.isfinite(v) else "∞" for k, v in values.items()}
    return f"{word('median', lang)} " + word("effect interval", lang, level=f"{100 * c.confidence:.4g}%", **shown)


def _draw_one(ax: Axes | None, c: SurvivalCurve, unit: str, what: str, lang: str, title: str) -> Axes:
    ax = ax if ax is not None else new_axes(8.4, 3.4)[0]
    _draw_curve(ax, c, 0, word(what, lang), band=True)
    _finish(ax, unit, what, lang)
    write_title(ax, title)
    return ax


@in_house_style
def draw_survival(c: SurvivalCurve, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share still open over time, with its pointwise band.

    Parameters
    ----------
    c : SurvivalCurve
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
        Instead of the median.
    """
    ax = _draw_one(ax, c, "", "share open", lang, title or _median(c, lang))
    median = c.median.estimate
    if math.isfinite(median):
        line: dict[str, Any] = {"color": INK["soft"], "linewidth": 0.9, "linestyle": (0, (1.5, 2)), "gid": "median"}
        ax.plot([0, median, median], [0.5, 0.5, 0], **line)
    return ax


@in_house_style
def draw_service_time(r: ServiceTime, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share still waiting over time; parameters as in `draw_survival`."""
    return _draw_one(ax, r.curve, r.unit, "share open", lang, title or _median(r.curve, lang))


@in_house_style
def draw_churn(r: Churn, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share of customers kept over time; parameters as in `draw_survival`."""
    shown = {"estimate": f"{r.estimate:.1%}", "low": f"{r.interval.low:.1%}", "high": f"{r.interval.high:.1%}"}
    lost = word("lost by", lang, horizon=f"{r.horizon:g} {word(r.unit, lang)}")
    text = f"{lost} " + word("effect interval", lang, level=f"{100 * r.interval.confidence:.4g}%", **shown)
    ax = _draw_one(ax, r.curve, r.unit, "share kept", lang, title or text)
    ax.axvline(r.horizon, color=INK["soft"], linewidth=0.9, linestyle=(0, (1.5, 2)), zorder=1)
    return ax


def _draw_many(
    ax: Axes | None, names: Sequence[str], curves: Sequence[SurvivalCurve], unit: str, what: str, lang: str
) -> Axes:
    """Draw the curves of the largest groups, without bands."""
    ax = ax if ax is not None else new_axes(8.4, 3.8)[0]
    largest = sorted(range(len(curves)), key=lambda i: -curves[i].n)[:_MOST]
    for k, i in enumerate(sorted(largest)):
        _draw_curve(ax, curves[i], k, f"{shorten(names[i], 24)} (n {curves[i].n:,})", band=False)
    _finish(ax, unit, what, lang)
    rest = len(curves) - len(largest)
    ax.legend(loc="best", title=word("more rows", lang, n=rest) if rest else None)
    return ax


@in_house_style
def draw_service_table(t: ServiceTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the curves of the largest groups of a table of service times."""
    results = [r for r in t.results if isinstance(r, ServiceTime)]
    if not results:
        return _draw_medians(t, ax, lang, title)
    ax = _draw_many(ax, t.segments, [r.curve for r in results], results[0].unit, "share open", lang)
    tested = "" if t.logrank is None else f", p {t.logrank.pvalue:.2g}"
    write_title(ax, title or word("share open", lang) + tested)
    return ax


def _draw_medians(t: ServiceTable, ax: Axes | None, lang: str, title: str | None) -> Axes:
    """Draw the first quantile of each group of finished times with its interval."""
    first = [r.quantiles[0] for r in t.results]
    labels = [clean_text(name) for name in t.segments]
    ax = forest_axes(labels, ax)
    values, low, high = (
        np.array(v) for v in zip(*((e.estimate, e.interval.low, e.interval.high) for e in first), strict=True)
    )
    total = t.total.quantiles[0].estimate
    beside = [f"{e.estimate:.4g}  ·  n {r.n:,}" for e, r in zip(first, t.results, strict=True)]
    draw_forest(
        ax, Forest(labels, values, low, high, total, beside=beside), clean_text(word(first[0].name, lang)), lang
    )
    level = word("level intervals", lang, level=f"{100 * first[0].interval.confidence:.4g}%")
    write_title(ax, title or f"{clean_text(word(t.what, lang))}  ({level})")
    return ax


@in_house_style
def draw_churn_table(t: ChurnTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share kept in each of the largest groups."""
    ax = _draw_many(ax, t.segments, [r.curve for r in t.results], t.total.unit, "share kept", lang)
    write_title(ax, title or f"{word('share kept', lang)}, p {t.logrank.pvalue:.2g}")
    return ax
