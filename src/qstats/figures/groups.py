"""Draw segments and groups: one estimate under the other, each with its interval."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats.figures.axes import percent_axis
from qstats.figures.forest import Forest, draw_forest, forest_axes
from qstats.figures.style import clean_text, in_house_style, write_title
from qstats.figures.words import word
from qstats.inference.groups.result import GroupComparison
from qstats.voice.service.shares import ShareTable

__all__ = ["draw_groups", "draw_share_table"]


@in_house_style
def draw_share_table(t: ShareTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw a share by segment, best first: filled where it differs from the rest, search included.

    Parameters
    ----------
    t : ShareTable
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    order = np.argsort(-t.estimate, kind="stable")
    labels = [clean_text(t.segments[i]) for i in order]
    ax = forest_axes(labels, ax)
    differs = t.adjusted[order] < 1.0 - t.interval.confidence
    beside = [f"{100 * t.estimate[i]:.3g}%  ·  n {t.n[i]:,.0f}" for i in order]
    low, high = t.interval.low[order], t.interval.high[order]
    rows = Forest(labels, t.estimate[order], low, high, float(t.total.estimate), differs, beside=beside)
    draw_forest(ax, rows, clean_text(word(t.what, lang)), lang)
    percent_axis(ax, "x")
    write_title(ax, title or f"{clean_text(word(t.what, lang))}  ({word('level intervals', lang, level=_level(t))})")
    return ax


def _level(t: ShareTable | GroupComparison) -> str:
    return f"{100 * t.interval.confidence:.4g}%"


def _number(value: float, among: FloatArray) -> str:
    """Return a number with enough places to tell it from the others, whatever they have in common."""
    known = among[np.isfinite(among)]
    spread = float(np.ptp(known)) if known.size else 0.0
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if abs(value) < 1e4 and (spread == 0.0 or spread > 1e-3 * abs(value)):
        return f"{value:.4g}"
    return f"{value:,.{min(6, max(0, 1 - math.floor(math.log10(spread))))}f}" if spread > 0 else f"{value:.6g}"


@in_house_style
def draw_groups(g: GroupComparison, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw several groups in the order given, each with its own interval; the title holds the test of all.

    Parameters
    ----------
    g : GroupComparison
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    labels = [clean_text(label) for label in g.labels]
    ax = forest_axes(labels, ax)
    share = g.name == "proportion"
    shown = [f"{100 * value:.3g}%" if share else _number(value, g.estimate) for value in g.estimate]
    beside = [f"{text}  ·  n {n:,.0f}" for text, n in zip(shown, g.n, strict=True)]
    rows = Forest(labels, g.estimate, g.interval.low, g.interval.high, beside=beside)
    draw_forest(ax, rows, clean_text(word(g.name, lang)), lang)
    if share:
        percent_axis(ax, "x")
    level = word("level intervals", lang, level=_level(g))
    write_title(ax, title or f"{word('all alike', lang)}: p {g.pvalue:.2g}  ({level})")
    return ax
