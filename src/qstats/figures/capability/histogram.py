"""The histogram under its curves, with what the specification asks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from qstats._core.arrays import FloatArray
from qstats._core.spec import Spec
from qstats.figures.axes import points_wide
from qstats.figures.panels import Format, name_lines, reader
from qstats.figures.style import INK, PALETTE, name_axis
from qstats.figures.words_quality import say

__all__ = ["Classes", "Curve", "classes_of", "draw_classes", "draw_spec", "quiet_axis", "snapped"]

_FINE = 60  # classes; beyond, white edges would be all there is to see
_STEPS = 12  # classes narrower than so many steps of the gauge look like a comb
_MOST = 80
_FAR = 9.0  # a limit further out than so many spreads of the data stands at the edge as an arrow
_ROOM = 0.06
_SPIKE = 1.6  # a density may rise above the highest class so far: some families are infinite where they begin


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Classes of a histogram.

    Parameters
    ----------
    edges : numpy.ndarray, shape (b + 1,)
        In the unit of the data.
    share : numpy.ndarray, shape (b,)
        Share of all values in each class.
    """

    edges: FloatArray
    share: FloatArray

    @property
    def width(self) -> float:
        """Width of a class."""
        return float(self.edges[-1] - self.edges[0]) / self.share.size


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A density over the histogram.

    Parameters
    ----------
    density : callable
        Density at x, per unit of the data.
    name : str
    style : mapping
        Of the line.
    """

    density: Callable[[FloatArray], FloatArray]
    name: str
    style: dict[str, Any]


def _counted(x: FloatArray, edges: FloatArray) -> Classes:
    at = np.searchsorted(x, edges[1:-1], side="left")
    counts = np.diff(np.concatenate(([0], at, [x.size])))
    return Classes(edges, counts / x.size)


def snapped(x: FloatArray, width: float) -> Classes | None:
    """Return classes of whole steps where sorted values are rounded to steps that a class of `width` would cut."""
    gaps = np.diff(np.unique(x))
    if gaps.size == 0:
        return None
    step = float(gaps.min())
    slip = 8.0 * float(np.spacing(np.abs(x).max()))  # a value far from zero is rounded itself
    off = np.abs(gaps / step - np.round(gaps / step)) * step
    if step <= 100.0 * slip or bool((off > 0.01 * step + slip).any()) or width > _STEPS * step:
        return None
    least = math.ceil((x[-1] - x[0]) / step / _MOST)
    size = step * max(round(width / step), least, 1)
    start = x[0] - 0.5 * step
    return _counted(x, start + size * np.arange(math.ceil((x[-1] - start) / size) + 1))


def classes_of(x: FloatArray) -> Classes:
    """Return the classes of sorted values: Freedman and Diaconis, or whole steps of a coarse gauge."""
    low, high = float(x[0]), float(x[-1])
    if low == high:
        half = 0.5 * max(abs(low) * 1e-3, 1e-9)
        return Classes(np.array([low - half, high + half]), np.ones(1))
    quarter, rest = x[x.size // 4], x[(3 * x.size) // 4]
    width = 2.0 * float(rest - quarter) / x.size ** (1.0 / 3.0)
    if not width > 0.0:
        width = (high - low) / math.ceil(math.log2(x.size) + 1)
    number = max(1, math.ceil(min((high - low) / width, _MOST)))
    return snapped(x, width) or _counted(x, np.linspace(low, high, number + 1))


def quiet_axis(ax: Axes, show: Format) -> None:
    """Give the axis of the data few ticks with all their digits: an offset in the corner is easily missed."""
    left, right = ax.get_xlim()
    wide = max(len(show(left)), len(show(right)))
    room = points_wide(ax) / (5.4 * wide + 14)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=max(2, min(9, int(room))), steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: show(v)))


# ---- the specification ----


def _window(spec: Spec, low: float, high: float) -> tuple[float, float]:
    """Return the ends of the axis: the data, and limits that do not make a needle of them."""
    spread = (high - low) or abs(high) or 1.0
    near = [v for v in (spec.lower, spec.upper, spec.target) if v is not None and _near(v, low, high, spread)]
    low, high = min([low, *near]), max([high, *near])
    room = _ROOM * (high - low) or 1.0
    return low - room, high + room


def _near(v: float, low: float, high: float, spread: float) -> bool:
    return low - _FAR * spread <= v <= high + _FAR * spread


def _boundary(ax: Axes, at: float, lower: bool) -> None:
    """Shade where nothing can lie; a boundary is no limit one may miss."""
    left, right = ax.get_xlim()
    ends = (left, at) if lower else (at, right)
    ax.axvspan(
        *ends, facecolor="none", edgecolor=INK["faint"], hatch="////", linewidth=0.0, zorder=0.5, gid="beyond boundary"
    )
    ax.axvline(at, color=INK["soft"], linewidth=1.3, linestyle=(0, (1, 1.2)), zorder=2.5, gid="boundary")


def _limit(ax: Axes, spec: Spec, lower: bool, show: Format, lang: str) -> tuple[float, str, str] | None:
    at = spec.lower if lower else spec.upper
    if at is None:
        return None
    left, right = ax.get_xlim()
    side = "left" if lower else "right"
    if not left <= at <= right:
        word = "lower beyond" if at < left else "upper beyond"
        edge, side = (left, "left") if at < left else (right, "right")
        return edge, say(word, lang, value=show(at)), side
    if (spec.lower_spec if lower else spec.upper_spec) is None:
        _boundary(ax, at, lower)
        return at, say("boundary", lang, value=show(at)), "left" if lower else "right"
    ax.axvline(at, color=PALETTE["vermilion"], linewidth=1.8, zorder=2.5, gid="lsl" if lower else "usl")
    return at, say("lsl" if lower else "usl", lang, value=show(at)), "center"


def draw_spec(
    ax: Axes, spec: Spec, show: Format, lang: str, more: Sequence[tuple[float, str, str]] = ()
) -> int:  # fmt: skip
    """Draw limits, boundaries and target with their names on top (and `more` names); return the rows of names."""
    named = [one for one in (_limit(ax, spec, lower, show, lang) for lower in (True, False)) if one is not None]
    if spec.target is not None:
        left, right = ax.get_xlim()
        if left <= spec.target <= right:
            line: dict[str, Any] = {"color": PALETTE["green"], "linewidth": 1.1, "linestyle": (0, (8, 2, 2, 2))}
            ax.axvline(spec.target, zorder=2.4, gid="target", **line)
            named.append((spec.target, say("target", lang, value=show(spec.target)), "center"))
    return name_lines(ax, [*named, *more])


# ---- all of it ----


def draw_classes(ax: Axes, c: Classes | None, curves: Sequence[Curve], spec: Spec, ends: tuple[float, float], lang: str,
    marks: Callable[[Axes, Format], Sequence[tuple[float, str, str]]] | None = None,
) -> int:  # fmt: skip
    """Draw a histogram of shares with densities over it; return how many rows of names stand above.

    Parameters
    ----------
    c : Classes or None
        None: the curves alone.
    ends : tuple of float
        What must be in sight besides the limits.
    marks : callable, optional
        Draws further vertical lines and returns their names.
    """
    ax.set_xlim(_window(spec, *ends))
    spread = ends[1] - ends[0]
    show = reader(spread, *ax.get_xlim())
    width = spread / 20.0 if c is None else c.width
    top = 0.0
    if c is not None:
        edge = "white" if c.share.size <= _FINE else "none"
        ax.stairs(c.share, c.edges, fill=True, facecolor="#A9CCE3", edgecolor=edge, linewidth=0.0, gid="histogram")
        if edge == "white":
            ax.vlines(c.edges[1:-1], 0.0, np.minimum(c.share[1:], c.share[:-1]), color=edge, linewidth=0.8)
        ax.stairs(c.share, c.edges, color=INK["soft"], linewidth=0.7)
        top = float(c.share.max())
    x = np.linspace(*ax.get_xlim(), 600)
    for curve in curves:
        y = width * curve.density(x)
        ax.plot(x, y, label=curve.name, zorder=3, **curve.style)
        peak = float(y[np.isfinite(y)].max(initial=0.0))
        usual = top if c is not None else float(np.quantile(y, 0.97))
        top = max(top, min(peak, _SPIKE * usual))
    ax.set_ylim(0.0, 1.06 * top or 1.0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.3g}%"))
    quiet_axis(ax, show)
    extra = () if marks is None else marks(ax, show)
    if c is not None:
        name_axis(ax, "y", say("share of values", lang))
    else:
        ax.set_yticks([])
    return draw_spec(ax, spec, show, lang, extra)
