"""Ranges and means of each operator's cells, with the limits that the repeats give."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.bias import d2, d3
from qstats.figures.axes import points_wide
from qstats.figures.panels import Format, Limits, apart, plot_points, reader
from qstats.figures.style import INK, font_families, name_axis, user_ticks
from qstats.figures.words import word
from qstats.figures.words_quality import say
from qstats.msa.gauge.result import GaugeStudy

__all__ = ["draw_means", "draw_ranges"]

_NSIGMA = 3.0


class _Cells(NamedTuple):
    """The filled cells, operator by operator; arrays of shape (cells,)."""

    mean: FloatArray
    range: FloatArray
    n: FloatArray
    part: FloatArray
    edges: list[int]  # where each operator begins, and the end


def _cells(s: GaugeStudy) -> _Cells:
    c = s.cells
    filled = (c.count > 0).T  # operators x parts
    part = np.broadcast_to(np.arange(c.count.shape[0]), filled.shape)
    edges = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    return _Cells(
        c.mean.T[filled], np.where(c.count.T[filled] > 1, c.range.T[filled], np.nan),
        c.count.T[filled].astype(np.float64), part[filled].astype(np.float64), [int(e) for e in edges],
    )  # fmt: skip


def _sigma(c: _Cells) -> float:
    """Return the standard deviation of the repeats from the ranges; the mean range over d2 where all have as many."""
    used = c.n > 1
    weight = sum(d2(int(n)) for n in c.n[used])
    return float(c.range[used].sum() / weight) if weight else float("nan")


def _by_size(n: FloatArray, factor: object) -> FloatArray:
    sizes, where = np.unique(n.astype(int), return_inverse=True)
    return np.array([factor(int(k)) if k > 1 else np.nan for k in sizes])[where]  # type: ignore[operator]


def _operators(ax: Axes, s: GaugeStudy, c: _Cells) -> None:
    """Write the operators over their cells, as long as the names fit, and part them."""
    total = c.edges[-1]
    room = points_wide(ax) / total / 4.6
    least = min(stop - start for start, stop in pairwise(c.edges))
    names = apart(s.cells.operator_labels, max(int(room * least) - 1, 2))
    for text, (start, stop) in zip(names, pairwise(c.edges), strict=True):
        if start:
            ax.axvline(start - 0.5, color=INK["soft"], linewidth=0.9, linestyle=(0, (1.5, 2)), zorder=1)
        ax.text(
            0.5 * (start + stop - 1), 1.015, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom",
            fontsize=8, color=INK["soft"], fontfamily=font_families(), parse_math=False, gid="operator",
        )  # fmt: skip


def _axes(ax: Axes, s: GaugeStudy, c: _Cells, show: Format, lang: str) -> None:
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: show(v)))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    labels = [s.cells.part_labels[int(k)] for k in c.part]
    room = points_wide(ax) / len(labels) / 5.0
    if max((len(text) for text in labels), default=9) <= 3 and room >= 2.0:
        user_ticks(ax, "x", range(len(labels)), labels, fontsize=6.5)
    else:
        ax.set_xticks([])
    _operators(ax, s, c)
    name_axis(ax, "x", say("part axis", lang))


def _draw(ax: Axes, s: GaugeStudy, c: _Cells, y: FloatArray, lines: FloatArray, flagged: BoolArray, lang: str) -> None:
    lower, center, upper = lines
    alike = bool((c.n == c.n[0]).all())
    names = [(word(k, lang), float(line[-1])) for k, line in (("lower", lower), ("center", center), ("upper", upper))]
    known = [one for one in names if np.isfinite(one[1]) and (alike or one[0] == word("center", lang))]
    seen = np.concatenate([v[np.isfinite(v)] for v in (y, lower, upper)])
    show = reader(float(np.ptp(seen)) if seen.size else 1.0, *(v for _, v in known))
    plot_points(ax, y, Limits(center, lower, upper, known), flagged, show, c.edges[1:-1])
    _axes(ax, s, c, show, lang)


def draw_ranges(ax: Axes, s: GaugeStudy, lang: str) -> str:
    """Draw the range of the repeats in each cell; beyond the limit an operator was not consistent. Return the title."""
    c = _cells(s)
    sigma = _sigma(c)
    if not np.isfinite(sigma):
        ax.set_axis_off()
        ax.text(0.02, 0.9, say("no repeats", lang), transform=ax.transAxes, va="top")
        return say("range chart", lang)
    center, scatter = _by_size(c.n, d2) * sigma, _by_size(c.n, d3) * sigma
    upper, lower = center + _NSIGMA * scatter, np.maximum(center - _NSIGMA * scatter, 0.0)
    with np.errstate(invalid="ignore"):
        flagged = (c.range > upper) | (c.range < lower)
    _draw(ax, s, c, c.range, np.array([lower, center, upper]), flagged, lang)
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    return say("range chart", lang)


def draw_means(ax: Axes, s: GaugeStudy, lang: str) -> str:
    """Draw the mean of each cell with the limits of the repeats: outside means that parts can be told apart."""
    c = _cells(s)
    reach = _NSIGMA * _sigma(c) / np.sqrt(c.n)
    lines = np.array([s.mean - reach, np.full(c.n.size, s.mean), s.mean + reach])
    _draw(ax, s, c, c.mean, lines, np.zeros(c.n.size, dtype=np.bool_), lang)
    with np.errstate(invalid="ignore"):
        out = int(np.count_nonzero(np.abs(c.mean - s.mean) > reach))
    return say("mean chart seen", lang, out=out, n=c.n.size)
