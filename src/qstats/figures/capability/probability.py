"""Probability paper: ordered values against a distribution on which it is a straight line, with a pointwise band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import beta_quantile, normal_quantile
from qstats.capability.nonnormal.normality import anderson_darling, anderson_darling_pvalue
from qstats.capability.result import Capability
from qstats.figures.capability.histogram import quiet_axis
from qstats.figures.panels import a_level, a_pvalue, reader
from qstats.figures.style import INK, PALETTE, name_axis, user_ticks
from qstats.figures.words_quality import say

__all__ = ["Paper", "draw_normal_plot", "draw_paper", "normal_tested"]

_PERCENT = (0.01, 0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99)
_APART = 0.045  # of the height: ticks nearer than this would touch
_ORDER = (50.0, 1.0, 99.0, 10.0, 90.0, 0.1, 99.9, 25.0, 75.0, 0.01, 99.99, 5.0, 95.0)  # which tick stays


@dataclass(frozen=True, slots=True, eq=False)
class Paper:
    """What a probability plot shows.

    Parameters
    ----------
    x, probability : numpy.ndarray, shape (q,)
        Ordered values and their plotting positions.
    n : int
        Values the positions are made of.
    height : callable
        Place of a probability on the paper: a quantile of the standard form.
    value : callable
        Value of the fitted distribution that has this probability below it.
    """

    x: FloatArray
    probability: FloatArray
    n: int
    height: Callable[[FloatArray], FloatArray]
    value: Callable[[FloatArray], FloatArray]


def _band(p: Paper, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return the values between which each ordered value lies with `confidence`: F(x(i)) is beta(i, n + 1 - i)."""
    rank = np.round(p.probability * p.n + 0.5)
    tail = 0.5 * (1.0 - confidence)
    low, high = (np.asarray(beta_quantile(q, rank, p.n + 1.0 - rank)) for q in (tail, 1.0 - tail))
    return p.value(low), p.value(high)


def _percents(ax: Axes, p: Paper) -> None:
    low, high = ax.get_ylim()
    kept: dict[float, float] = {}
    for percent in _ORDER:
        at = float(p.height(np.array([percent / 100.0]))[0])
        if low <= at <= high and all(abs(at - other) >= _APART * (high - low) for other in kept.values()):
            kept[percent] = at
    user_ticks(ax, "y", list(kept.values()), [f"{percent:g}" for percent in kept])


def draw_paper(ax: Axes, p: Paper, confidence: float, lang: str) -> None:
    """Draw ordered values, the fit as a line, and the band."""
    heights = p.height(p.probability)
    low, high = _band(p, confidence)
    text = say("point band", lang, level=a_level(confidence))
    ax.fill_betweenx(heights, low, high, color=INK["faint"], alpha=0.55, linewidth=0, label=text, gid="band", zorder=1)
    for edge in (low, high):
        ax.plot(edge, heights, color=INK["soft"], linewidth=0.7, linestyle=(0, (3, 2)), zorder=2)
    ends = np.array([0.5, p.n - 0.5]) / p.n
    bottom, top = (float(v) for v in p.height(ends))
    ax.plot(p.value(ends), p.height(ends), color=INK["text"], linewidth=1.2, zorder=2.5, gid="fit")
    ax.plot(p.x, heights, "o", markersize=3.5 if p.x.size <= 300 else 2, color=PALETTE["blue"], zorder=3, gid="values")
    room = 0.04 * (top - bottom)
    ax.set_ylim(bottom - room, top + room)
    _limits(ax, p)
    _percents(ax, p)
    name_axis(ax, "y", say("percent of", lang))
    quiet_axis(ax, reader(float(p.x[-1] - p.x[0]), *ax.get_xlim()))


def _limits(ax: Axes, p: Paper) -> None:
    """Show the values and their line; the ends of a band of a heavy tail may leave the picture."""
    fit = p.value(np.array([0.5, p.n - 0.5]) / p.n)
    low, high = min(float(p.x[0]), float(fit[0])), max(float(p.x[-1]), float(fit[1]))
    room = 0.12 * (high - low)
    ax.set_xlim(low - room, high + room)


def draw_normal_plot(ax: Axes, r: Capability, lang: str) -> None:
    """Draw the ordered values of a study on normal paper, with the line of its mean and overall sigma."""
    mean, sigma = r.mean.estimate, r.sigma_overall.estimate
    scores: Any = lambda q: np.asarray(normal_quantile(q))  # noqa: E731 - the same map twice
    p = Paper(
        r.picture.quantile, r.picture.probability, r.picture.used, scores, lambda q: mean + sigma * scores(q)
    )  # fmt: skip
    draw_paper(ax, p, r.confidence, lang)


def normal_tested(r: Capability, lang: str) -> str:
    """Return the title: Anderson and Darling's test where the picture holds every value."""
    x = r.picture.quantile
    if x.size < r.n or r.n < 8:
        return say("normal plot", lang)
    z = (x - r.mean.estimate) / r.sigma_overall.estimate
    a = float(anderson_darling(scipy.special.log_ndtr(z), scipy.special.log_ndtr(-z)))
    return say("normal plot tested", lang, a=f"{a:.3g}", p=a_pvalue(anderson_darling_pvalue(a, r.n)))
