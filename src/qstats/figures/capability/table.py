"""Figures of many characteristics, and of one before and after a change: indices with their intervals."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from qstats._core.checks import check_choice, check_number
from qstats.capability.columns import CapabilityTable
from qstats.capability.compare import CapabilityComparison
from qstats.figures.axes import ratio_ticks
from qstats.figures.capability.facts import with_interval
from qstats.figures.forest import MOST, Forest, draw_forest, forest_axes
from qstats.figures.panels import a_level, new_grid
from qstats.figures.style import clean_text, in_house_style, write_title
from qstats.figures.words_quality import say
from qstats.inference.comparison import Comparison
from qstats.inference.estimate import Estimate

__all__ = ["draw_capability_comparison", "draw_capability_table"]

_INDICES = ("cp", "cpk", "pp", "ppk", "cpm")


def _ppm(v: float) -> str:
    return f"{v:,.0f}" if v >= 1000.0 else f"{v:.3g}"


@in_house_style
def draw_capability_table(
    t: CapabilityTable, ax: Axes | None = None, *, by: str = "ppk", required: float | None = None, lang: str = "en",
    title: str | None = None,
) -> Axes:  # fmt: skip
    """Draw the characteristics with the lowest index, the worst on top, each with its interval.

    Parameters
    ----------
    t : CapabilityTable
        Of more than 40 characteristics the worst 40 are drawn.
    ax : matplotlib Axes, optional
    by : {"cp", "cpk", "pp", "ppk", "cpm"}
    required : float, optional
        What the customer asks for, such as 1.33: a line, and characteristics whose lower limit reaches it are filled.
    lang : {"en", "zh"}
    title : str, optional
    """
    check_choice(by, "by", _INDICES)
    worst = t.worst(MOST, by=by)
    e, index = getattr(worst, by), by.capitalize()
    low, high, level = e.interval.low, e.interval.high, a_level(e.interval.confidence)
    labels = [clean_text(name) for name in worst.names]
    ppm = worst.expected_ppm_overall
    beside = [f"{v:.3g}  ·  {_ppm(p)} ppm" if math.isfinite(v) else "–" for v, p in zip(e.estimate, ppm, strict=True)]
    strong, line, name = None, None, say("table axis", lang, index=index, level=level)
    if required is not None:
        line = check_number(required, "required", above=0.0)
        strong = low >= line
        name = say("demonstrated", lang, index=index, level=level, required=f"{line:g}")
    ax = forest_axes(labels, ax)
    draw_forest(ax, Forest(labels, e.estimate, low, high, line, strong, beside=beside), name, lang)
    write_title(ax, title or say("table", lang, n=len(worst), all=len(t), index=index))
    return ax


def _draw_indices(ax: Axes, c: CapabilityComparison, lang: str) -> None:
    named = [(say("before", lang), c.before), (say("after", lang), c.after)]
    numbers = np.array([(e.estimate, e.interval.low, e.interval.high) for _, e in named])
    beside = [with_interval(e, lang) for _, e in named]
    level = a_level(c.before.interval.confidence)
    value, low, high = numbers.T
    rows = Forest([label for label, _ in named], value, low, high, beside=beside)
    draw_forest(ax, rows, say("table axis", lang, index="Ppk", level=level), lang)


def _draw_ratios(ax: Axes, c: CapabilityComparison, lang: str) -> None:
    """Draw what became of spread, index and ppm, as ratios on one logarithmic axis: left of 1 is less."""
    found: list[tuple[str, Estimate | Comparison | None]] = [
        ("sigma overall", c.sigma_ratio), ("sigma within", c.sigma_ratio_within), ("ratio ppk", c.ppk_ratio),
        ("ppm ratio", c.ppm_ratio),
    ]  # fmt: skip
    named = [(say(key, lang), e) for key, e in found if e is not None]
    numbers = np.array([(e.estimate, e.interval.low, e.interval.high) for _, e in named])
    numbers = np.where(numbers > 0.0, numbers, np.nan)
    numbers[:, 1] = np.where(np.isnan(numbers[:, 1]) & ~np.isnan(numbers[:, 0]), -np.inf, numbers[:, 1])
    beside = [f"{e.estimate:.3g} ({e.interval.low:.3g}, {e.interval.high:.3g})" for _, e in named]
    ax.set_xscale("log")
    value, low, high = numbers.T
    rows = Forest([label for label, _ in named], value, low, high, 1.0, beside=beside)
    draw_forest(ax, rows, say("changes", lang), lang)
    ratio_ticks(ax, *ax.get_xlim())


@in_house_style
def draw_capability_comparison(
    c: CapabilityComparison, ax: Axes | None = None, *, lang: str = "en", title: str | None = None
) -> Axes:
    """Draw Ppk before and after a change, and below the ratios of spread, Ppk and expected ppm.

    Parameters
    ----------
    c : CapabilityComparison
    ax : matplotlib Axes, optional
        Then only Ppk before and after.
    lang : {"en", "zh"}
    title : str, optional
        Instead of the verdict.
    """
    below = None
    if ax is None:
        ax, below = new_grid(8.4, 4.2, 2, 1, height_ratios=(1.0, 1.6))
    _draw_indices(ax, c, lang)
    if below is not None:
        _draw_ratios(below, c, lang)
    write_title(ax, title or say("compare title", lang, verdict=say(c.verdict, lang)))
    return ax
