"""Small parts every figure uses: tick labels that fit, axes of rates, texts that keep their distance."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from qstats.figures.style import name_axis, shorten, text_width, user_ticks
from qstats.figures.words import word

__all__ = ["label_points", "percent_axis", "points_wide", "rate_axis", "ratio_ticks", "spread_out"]

Format = Callable[[float], str]

_STEPS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_FEW_DECADES = 4  # beyond, powers of ten alone are readable
_LONGEST = 18  # columns of a tick label
_NICE = (1, 2, 5, 10)
_YEARLY = (1, 2, 3, 6, 12)
_MONTH = re.compile(r"\d{4}-\d\d-01")


def _step(n: int, room: int, months: bool) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50, ... (months: 1, 2, 3, 6, 12, 24, ...) for at most `room` ticks."""
    least = max(1.0, n / max(room, 1))
    if months:
        return next((step for step in _YEARLY if step >= least), 12 * math.ceil(least / 12))
    power = int(10 ** math.floor(math.log10(least)))
    return next(step * power for step in _NICE if step * power >= least)


def points_wide(ax: Axes) -> float:
    """Return the width of an Axes in points, as far as it is known before drawing."""
    figure: Any = ax.figure
    return float(figure.bbox.width / figure.dpi * 72 * ax.get_position().width)


def label_points(ax: Axes, labels: Sequence[str]) -> None:
    """Label positions 0, 1, 2, ... on the x axis: all labels if they fit, else every 2nd, 5th, 10th, ..."""
    n = len(labels)
    if n == 0:
        return
    look = range(0, n, max(1, n // 50))
    months = all(_MONTH.fullmatch(labels[i]) for i in look)
    shown = 7 if months else _LONGEST
    width = max(text_width(labels[i][:shown] if months else shorten(labels[i], shown)) for i in look)
    step = _step(n, int(points_wide(ax) / (5.6 * width + 10)), months)
    # Plain numbering reads best as 10, 20, 30; names and dates begin with the first.
    numbered = labels[0] == "1" and labels[n - 1] == str(n)
    where = range(step - 1, n, step) if numbered else range(0, n, step)
    user_ticks(ax, "x", list(where), [labels[i][:shown] if months else shorten(labels[i], shown) for i in where])


def percent_axis(ax: Axes, which: str = "y") -> Format:
    """Show shares as percent on an axis; return the same format for texts."""
    axis = ax.yaxis if which == "y" else ax.xaxis
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.4g}%"))
    return lambda v: f"{100 * v:.3g}%"


def rate_axis(ax: Axes, largest: float, name: str, lang: str, which: str = "y") -> Format:
    """Show small rates per 1,000 or 1,000,000 on an axis; the drawn numbers stay as they are."""
    power = 0
    if 0 < largest < 0.1:
        power = 3 * math.ceil(-math.log10(largest) / 3)
    times = 10.0**power
    axis = ax.yaxis if which == "y" else ax.xaxis
    if power:
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{times * v:.4g}"))
    label = f"{name} ({word('per', lang, n=f'{10**power:,}')})" if power else name
    name_axis(ax, which, label)
    return lambda v: f"{times * v:.4g}"


def spread_out(values: Sequence[float], low: float, high: float, gap: float = 0.075) -> list[float]:
    """Return heights, as fractions of the axis from `low` to `high`, at least `gap` apart and in the same order."""
    at = (np.asarray(values, dtype=np.float64) - low) / ((high - low) or 1.0)
    order = np.argsort(at, kind="stable")
    out = at.copy()
    for before, this in pairwise(order):
        out[this] = max(out[this], out[before] + gap)
    if out.size:
        out -= max(0.0, float(out.max()) - max(1.0, float(at.max())))  # pushed over the top: all down together
    return [float(v) for v in out]


def ratio_ticks(ax: Axes, low: float, high: float) -> None:
    """Put five or so readable ticks on a logarithmic axis, 1 among them where it is in sight."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = _STEPS if len(decades) <= _FEW_DECADES else (1.0,)
    at = sorted({s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high})
    ticks: list[float] = [1.0] if low <= 1.0 <= high else []
    apart = math.log(high / low) / 9
    ticks += [v for v in at if abs(math.log(v)) >= apart or not ticks]
    kept: list[float] = ticks[:1]
    for v in ticks[1:]:
        if all(abs(math.log(v / k)) >= apart for k in kept):
            kept.append(v)
    ax.set_xticks(sorted(kept))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.4g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()
