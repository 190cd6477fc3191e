"""The small control charts beside a histogram: means, spreads, the last subgroups."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.bias import c4, d2, d3
from qstats.capability.result import Capability
from qstats.errors import DataError
from qstats.figures.panels import Limits, plot_points, reader
from qstats.figures.style import INK, PALETTE
from qstats.figures.words import word
from qstats.figures.words_quality import say
from qstats.spc.rules import BEYOND_LIMITS, Rule, rule_set
from qstats.spc.rules.engine import find
from qstats.spc.stretch import Flat, Stretch, Varying

__all__ = ["draw_last", "draw_means", "draw_spreads"]

_NSIGMA = 3.0


def _sizes(r: Capability) -> FloatArray:
    """Return the sizes of the last subgroups: of all in the picture where they are alike, else of those held."""
    p = r.picture
    if not r.subgroups:
        return np.ones(p.mean.size)
    last = np.count_nonzero(~np.isnan(p.last), axis=1).astype(np.float64)
    alike = bool((last == last[0]).all()) and r.n == r.subgroups * int(last[0])
    return np.full(p.mean.size, last[0]) if alike else last


def _rules(r: Capability) -> tuple[Rule, ...]:
    """Return the rules of the study; of a set of the caller's own only points beyond the limits."""
    if r.stability.rules == "none":
        return ()
    try:
        found = rule_set(r.stability.rules).rules
    except DataError:
        return (BEYOND_LIMITS,)
    return tuple(rule for rule in found if not rule.chart_level)


def _stretch(y: FloatArray, lines: FloatArray) -> Stretch:
    center, error, lower, upper = lines
    if bool((lines == lines[:, :1]).all()):
        return Flat(0, y.size, y, float(center[0]), float(error[0]), float(lower[0]), float(upper[0]))
    return Varying(0, y.size, y, center, error, lower, upper)


def _draw(
    ax: Axes, r: Capability, y: FloatArray, lines: FloatArray, rules: tuple[Rule, ...], lang: str, *, spread: bool
) -> None:
    """Draw points with lines of shape (4, n): centre, standard error, lower, upper limit."""
    flagged: BoolArray = np.zeros(y.size, dtype=np.bool_)
    for hits in find(rules, _stretch(y, lines), np.isnan(y)) if rules else ():
        flagged[hits] = True
    center, _, lower, upper = lines
    named = (("lower", lower), ("center", center), ("upper", upper))
    names = [(word(key, lang), _last(line)) for key, line in named]
    show = reader(_last(upper) - _last(lower), *(v for _, v in names))
    limits = Limits(center, lower, upper, [one for one in names if math.isfinite(one[1])])
    plot_points(ax, y, limits, flagged, show, from_zero=spread)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: show(v)))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    _count(ax, r, y.size)


def _last(line: FloatArray) -> float:
    known = line[np.isfinite(line)]
    return float(known[-1]) if known.size else math.nan


def _count(ax: Axes, r: Capability, n: int) -> None:
    """Number the points as in the data."""
    first = r.picture.first + r.picture.mean.size - n
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{first + v + 1:.0f}" if 0 <= v < n else ""))


def draw_means(ax: Axes, r: Capability, lang: str) -> str:
    """Draw the last subgroup means (single values) with the limits their stability was judged by; return the title."""
    size = _sizes(r)
    y = r.picture.mean[-size.size :]
    center, error = r.mean.estimate, r.sigma_within.estimate / np.sqrt(size)
    lines = np.array([np.full(size.size, center), error, center - _NSIGMA * error, center + _NSIGMA * error])
    _draw(ax, r, y, lines, _rules(r), lang, spread=False)
    return say("means" if r.subgroups else "singles", lang)


def draw_spreads(ax: Axes, r: Capability, lang: str) -> str:
    """Draw the last standard deviations (moving ranges) with their limits; return the title."""
    size = _sizes(r)
    y = r.picture.spread[-size.size :]
    if r.subgroups:
        factor = np.array([c4(int(n)) if n > 1 else math.nan for n in size])
        scatter = np.sqrt(1.0 - factor * factor)
    else:
        factor, scatter = np.full(size.size, d2(2)), np.full(size.size, d3(2))
    sigma = r.sigma_within.estimate
    center, error = factor * sigma, scatter * sigma
    lines = np.array([center, error, np.maximum(center - _NSIGMA * error, 0.0), center + _NSIGMA * error])
    rules = tuple(rule for rule in _rules(r) if rule.kind == "beyond" and rule.m == 1)
    _draw(ax, r, y, lines, rules, lang, spread=True)
    return say("spreads" if r.subgroups else "ranges", lang)


def draw_last(ax: Axes, r: Capability, lang: str) -> str:
    """Draw the single values of the last 25 subgroups; return the title."""
    held = r.picture.last
    n = held.shape[0]
    at = np.repeat(np.arange(n), held.shape[1])
    values = held.ravel()
    ax.axhline(r.mean.estimate, color=INK["line"], linewidth=0.9, linestyle=(0, (5, 2.5)), zorder=1)
    ax.plot(
        at, values, "o", markerfacecolor="none", markeredgecolor=PALETTE["blue"], markersize=4, linestyle="none",
        zorder=3, gid="last",
    )  # fmt: skip
    ax.set_xlim(-0.8, n - 0.2)
    show = reader(float(np.nanmax(values) - np.nanmin(values)) or 1.0, r.mean.estimate)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: show(v)))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    _count(ax, r, n)
    return say("last" if r.subgroups else "last singles", lang, n=n)
