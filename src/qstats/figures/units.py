"""Draw a ranking of units as caterpillars: ranks, or shrunken levels, each with its interval."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice
from qstats.figures.axes import percent_axis, rate_axis
from qstats.figures.forest import MOST, Forest, draw_forest, forest_axes
from qstats.figures.style import clean_text, in_house_style, write_title
from qstats.figures.words import LANGUAGES, word
from qstats.improve.units.ranking import UnitRanking

__all__ = ["draw_units"]

# English, Chinese
_TEXT = {
    "ranks": (
        "Rank, 1 the best; diamonds: raw rank; filled: raw rank established",
        "排名（1 为最佳）；菱形：原始排名；实心：原始排名可以确定",
    ),
    "rate": ("Shrunken rate; diamonds: raw rate", "收缩后的比率；菱形：原始比率"),
    "proportion": ("Shrunken proportion; diamonds: raw proportion", "收缩后的比例；菱形：原始比例"),
    "title": (
        "{n} units, best first, {level} intervals; {known} of the ranking is known",
        "{n} 个单位，最佳在前，{level} 区间；排名的 {known} 可确定",
    ),
    "row": ("{count:,.0f} / {size:,.4g}  ·  worst {worst}", "{count:,.0f} / {size:,.4g}  ·  最差 {worst}"),
}


def _text(key: str, lang: str, **values: object) -> str:
    return _TEXT[key][LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))].format(**values)


def _both_ends(f: Forest, lang: str) -> Forest:
    """Where there are too many units for a page, keep the best and the worst ones and say what stands between."""
    many = len(f.labels)
    if many <= MOST or f.strong is None or f.second is None:
        return f
    best = (MOST - 1) // 2
    worst = many - (MOST - 1 - best)

    def cut(x: FloatArray) -> FloatArray:
        return np.concatenate([x[:best], [np.nan], x[worst:]])

    strong: BoolArray = np.concatenate([f.strong[:best], [False], f.strong[worst:]])
    labels = [*f.labels[:best], word("more rows", lang, n=worst - best), *f.labels[worst:]]
    beside = [*f.beside[:best], "", *f.beside[worst:]]
    return Forest(
        labels, cut(f.estimate), cut(f.low), cut(f.high), f.reference, strong, cut(f.second), beside
    )  # fmt: skip


def _forest(r: UnitRanking, show: str, lang: str) -> Forest:
    labels = [clean_text(name) for name in r.units]
    beside = [
        _text("row", lang, count=count, size=size, worst=f"{p:.0%}")
        for count, size, p in zip(r.count, r.size, r.prob_worst, strict=True)
    ]
    if show == "ranks":
        low, high = r.rank_low.astype(np.float64), r.rank_high.astype(np.float64)
        middle = 0.5 * (len(labels) + 1.0)  # where a unit stands of which nothing is known
        return Forest(labels, r.mean_rank, low, high, middle, r.established, r.raw_rank, beside)
    return Forest(labels, r.level, r.interval.low, r.interval.high, r.overall, r.established, r.raw, beside)


@in_house_style
def draw_units(
    r: UnitRanking, ax: Axes | None = None, *, show: str = "ranks", lang: str = "en", title: str | None = None
) -> Axes:
    """Draw units from the best down, each with the interval of its rank or of its level, and the raw one beside it.

    Of more than 40 units the best and the worst are drawn, and one line says how many stand between.

    Parameters
    ----------
    r : UnitRanking
    ax : matplotlib Axes, optional
    show : {"ranks", "levels"}
    lang : {"en", "zh"}
    title : str, optional
    """
    check_choice(show, "show", ("ranks", "levels"))
    rows = _both_ends(_forest(r, show, lang), lang)
    ax = forest_axes(rows.labels, ax)
    name = _text("ranks" if show == "ranks" else r.kind, lang)
    draw_forest(ax, rows, name, lang)
    if show == "ranks":
        ax.set_xlim(0.5 - 0.01 * len(r.units), len(r.units) + 0.5 + 0.01 * len(r.units))
    elif r.kind == "proportion":
        percent_axis(ax, "x")
    else:
        rate_axis(ax, float(max(np.max(r.interval.high), np.max(r.raw))), name, lang, "x")
    level, known = f"{100 * r.confidence:.4g}%", f"{r.reliability:.0%}"
    write_title(ax, title or _text("title", lang, n=len(r.units), level=level, known=known))
    return ax
