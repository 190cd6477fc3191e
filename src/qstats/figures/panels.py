"""Parts of figures with several panels: the grid, numbers that stay apart, lines with names, lists of facts, points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import BoolArray, FloatArray
from qstats.errors import DataError
from qstats.figures.axes import points_wide, spread_out
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, clean_text, font_families, shorten, text_width, wrap

__all__ = [
    "Format",
    "Limits",
    "a_level",
    "a_pvalue",
    "apart",
    "figure_title",
    "fits_level",
    "list_facts",
    "name_lines",
    "new_grid",
    "only_one_panel",
    "plot_points",
    "reader",
]

Format = Callable[[float], str]

_LETTER = 4.7  # points: width of a letter of size 8
_LINE = 13.5  # points from one fact to the next
_MOST_DIGITS = 15
_GAIN = 1.25  # an Axes without ticks grows by so much when the figure is laid out


def new_grid(width: float, height: float, rows: int, columns: int, **grid: Any) -> list[Axes]:
    """Return the axes, row by row, of a new figure that a notebook shows as `new_axes` do (inches)."""
    first = new_axes(width, height)[0]
    figure: Any = first.figure
    first.remove()
    made = figure.subplots(rows, columns, squeeze=False, subplot_kw={"axes_class": type(first)}, **grid)
    return [ax for row in made for ax in row]


def figure_title(axes: Sequence[Axes], text: object) -> None:
    """Write one title above all panels, cut to the width of the figure."""
    figure: Any = axes[0].figure
    room = int(figure.bbox.width / figure.dpi * 72 / 6.2)
    figure.suptitle(shorten(text, room), x=0.01, ha="left", fontsize=11.5, fontfamily=font_families(), parse_math=False)


def only_one_panel(ax: Axes | None, panel: str, single: Sequence[str]) -> None:
    """Refuse a figure of several panels on an Axes that was given."""
    if ax is not None:
        names = ", ".join(map(repr, single))
        text = f"ax: got one Axes, but panel={panel!r} is a figure of several panels; leave ax out, or pass panel="
        raise DataError(f"{text} one of {names}")


def reader(spread: float, *values: float) -> Format:
    """Return a format with the digits that show a hundredth of `spread`, wherever the values lie."""
    far = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    ratio = far / spread if spread > 0 and math.isfinite(far / spread) else 1.0
    digits = min(max(4, math.ceil(math.log10(max(ratio, 1.0))) + 3), _MOST_DIGITS)
    return lambda v: f"{v:.{digits}g}" if math.isfinite(v) else "∞" if v > 0 else "-∞" if v < 0 else "–"


def a_level(confidence: float) -> str:
    """Return a confidence as people write it."""
    return f"{100 * confidence:.4g}%"


def a_pvalue(p: float | None) -> str:
    """Return a p-value after its letter; very small ones as a bound."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"= {p:.3f}"


# ---- names ----


def apart(labels: Sequence[str], width: int) -> list[str]:
    """Return names of at most `width` columns; where the beginnings are alike, the ends are kept."""
    clean = [clean_text(text) for text in labels]
    cut = [shorten(text, width) for text in clean]
    if len(set(cut)) == len(set(clean)):
        return cut
    return [text if text_width(text) <= width else "…" + _ending(text, width - 1) for text in clean]


def _ending(text: str, width: int) -> str:
    used, out = 0, ""
    for ch in reversed(text):
        used += text_width(ch)
        if used > width:
            break
        out = ch + out
    return out.lstrip()


def fits_level(labels: Sequence[str], width: int) -> bool:
    """Return whether names fit on two lines of `width` columns without cutting a word."""
    words = (part for text in labels for part in clean_text(text).split() if part.isascii())
    return all(len(part) <= width for part in words) and all("…" not in wrap(text, width) for text in labels)


# ---- lines with names ----


def name_lines(ax: Axes, named: Sequence[tuple[float, str, str]]) -> int:
    """Write names above vertical lines, in as few rows as keep them apart; return the number of rows.

    Parameters
    ----------
    ax : matplotlib Axes
        Its limits must not move afterwards.
    named : sequence of (float, str, str)
        Position, text, and ``"left"``, ``"center"`` or ``"right"``: the side of the text that stands at the position.
    """
    left, right = ax.get_xlim()
    wide = points_wide(ax)
    rows: list[float] = []  # where the last text of each row ends, in points
    for at, text, side in sorted(named, key=lambda one: one[0]):
        size = _LETTER * text_width(text) + 6.0
        start = wide * (at - left) / (right - left) - {"left": 0.0, "center": 0.5, "right": 1.0}[side] * size
        row = next((k for k, end in enumerate(rows) if start >= end), len(rows))
        if row == len(rows):
            rows.append(0.0)
        rows[row] = start + size
        ax.annotate(
            text, (at, 1.0), xycoords=ax.get_xaxis_transform(), xytext=(0, 3 + 11 * row), textcoords="offset points",
            ha=side, va="bottom", fontsize=8, color=INK["text"], annotation_clip=False, gid="line name",
        )  # fmt: skip
    return len(rows)


# ---- lists of facts ----


def list_facts(ax: Axes, facts: Sequence[tuple[str, str]]) -> None:
    """Write label and value line by line on an Axes of its own; a line without a value is a heading."""
    ax.set_axis_off()
    ax.set_gid("facts")
    room = _GAIN * points_wide(ax) / _LETTER
    for k, (label, value) in enumerate(facts):
        head: dict[str, Any] = {} if value else {"fontweight": "bold"}
        where: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (0, -_LINE * k), "textcoords": "offset points"}
        where |= {"va": "top", "fontsize": 8, **head}
        left = int(room - text_width(value) - 1) if value else int(room)
        color = INK["soft"] if value else INK["text"]
        ax.annotate(shorten(label, max(left, 6)), (0.0, 1.0), ha="left", color=color, **where)
        if value:
            ax.annotate(clean_text(value), (1.0, 1.0), ha="right", **where)


# ---- points with limits ----


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Lines of a small chart; each a number, or one value per point (NaN: none).

    Parameters
    ----------
    center, lower, upper : float or numpy.ndarray
    names : sequence of (str, float)
        What to write at the right edge.
    """

    center: float | FloatArray
    lower: float | FloatArray
    upper: float | FloatArray
    names: Sequence[tuple[str, float]] = field(default=())


def _whole(line: float | FloatArray, n: int) -> FloatArray:
    return np.broadcast_to(np.asarray(line, dtype=np.float64), (n,))


def plot_points(
    ax: Axes, y: FloatArray, limits: Limits, flagged: BoolArray, show: Format, breaks: Sequence[int] = (),
    *, from_zero: bool = False,
) -> None:  # fmt: skip
    """Draw points 0, 1, 2, ... with stepped limits; flagged ones as diamonds; the line is broken before `breaks`."""
    n = y.size
    edges = np.arange(n + 1) - 0.5
    for line, dash, gid in (
        (limits.center, "solid", "center"),
        (limits.lower, (0, (5, 2.5)), "lower"),
        (limits.upper, (0, (5, 2.5)), "upper"),
    ):
        values = _whole(line, n)
        if np.isfinite(values).any():
            ax.stairs(values, edges, baseline=None, color=INK["line"], linewidth=1.0, linestyle=dash, gid=gid, zorder=2)
    parts = np.split(np.arange(n), list(breaks))
    size = 4.0 if n <= 60 else 2.5 if n <= 200 else 1.2
    for part in parts:
        ax.plot(part, y[part], "o-", color=PALETTE["blue"], linewidth=0.9, markersize=size, zorder=3, gid="points")
    if flagged.any():
        at = np.flatnonzero(flagged)
        ax.plot(at, y[at], "D", color=PALETTE["vermilion"], markersize=size + 2, zorder=4, gid="signals")
    ax.set_xlim(-0.5 - 0.01 * n, n - 0.5)
    ax.margins(y=0.1)
    if from_zero:
        ax.set_ylim(bottom=0.0)
    heights = spread_out([v for _, v in limits.names], *ax.get_ylim(), gap=0.11)
    for (name, value), height in zip(limits.names, heights, strict=True):
        ax.text(1.012, height, f"{name} {show(value)}", transform=ax.transAxes, va="center", fontsize=8)
