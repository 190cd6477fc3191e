"""Draw an NPS: its three shares, its interval and the answers; and a forest of segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats.figures.forest import Forest, draw_forest, forest_axes
from qstats.figures.output import new_axes
from qstats.figures.style import INK, PALETTE, clean_text, in_house_style, name_axis, user_ticks, write_title
from qstats.figures.words import word
from qstats.voice.nps.result import Nps, NpsTable

__all__ = ["draw_nps", "draw_nps_table"]

_COLOR = {"detractors": PALETTE["vermilion"], "passives": INK["faint"], "promoters": PALETTE["blue"]}
_HATCH = {"detractors": "////", "passives": "", "promoters": ""}
_CLASS_OF = ["detractors"] * 7 + ["passives"] * 2 + ["promoters"] * 2


def _bar(ax: Axes, r: Nps, lang: str) -> None:
    """Draw detractors to the left of zero and promoters to the right: the score is what one has over the other."""
    d, u, p = (100.0 * share for share in r.shares)
    for name, left, width in (("detractors", -d, d), ("promoters", 0.0, p)):
        ax.barh(
            [1.0], [width], left=left, height=0.5, color=_COLOR[name], hatch=_HATCH[name], edgecolor="white", gid=name
        )
    ax.plot([0.0, 0.0], [0.0, 1.3], color=INK["line"], linewidth=0.9, zorder=5)
    row: dict[str, Any] = {"va": "center", "fontsize": 8.5, "zorder": 6}
    ax.text(-d - 1.5, 1.0, f"{word('detractors', lang)} {d:.0f}%", ha="right", **row)
    ax.text(p + 1.5, 1.0, f"{word('promoters', lang)} {p:.0f}%", ha="left", **row)
    ax.text(0.0, 1.36, f"{word('passives', lang)} {u:.0f}%", ha="center", color=INK["soft"], va="bottom", fontsize=8.5)


def _interval(ax: Axes, r: Nps) -> None:
    line: dict[str, Any] = {"color": INK["text"], "zorder": 7, "clip_on": False}
    ax.plot(
        [r.interval.low, r.interval.high], [0.35, 0.35], linewidth=2.4, solid_capstyle="butt", gid="interval", **line
    )
    for end in (r.interval.low, r.interval.high):
        ax.plot([end], [0.35], "|", markersize=10, **line)
    ax.plot([r.estimate], [0.35], "D", markersize=7, gid="estimate", **line)


def _answers(ax: Axes, r: Nps, lang: str) -> None:
    assert r.distribution is not None  # asked by the caller
    share = 100.0 * np.asarray(r.distribution) / sum(r.distribution)
    for name in _COLOR:
        at = [i for i in range(11) if _CLASS_OF[i] == name]
        ax.bar(
            at, share[at], width=0.78, color=_COLOR[name], hatch=_HATCH[name], edgecolor="white", gid=f"answers {name}"
        )
    for i, value in enumerate(share):
        ax.text(
            i, value, f"{value:.0f}%" if value >= 0.5 or value == 0 else "<1%", ha="center", va="bottom", fontsize=8
        )
    user_ticks(ax, "x", range(11), [str(i) for i in range(11)])
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.margins(y=0.14)
    name_axis(ax, "x", word("answers", lang, n=f"{r.n:,.0f}"))


@in_house_style
def draw_nps(r: Nps, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw a Net Promoter Score: shares left and right of zero, the interval below, the answers where known.

    Parameters
    ----------
    r : Nps
    ax : matplotlib Axes, optional
        Then the answers are not drawn.
    lang : {"en", "zh"}
    title : str, optional
        Instead of score and interval.
    """
    if ax is None:
        both = new_axes(8.4, 4.2, 2, (1.0, 1.1), share=False) if r.distribution is not None else new_axes(8.4, 2.2)
        ax = both[0]
        if r.distribution is not None:
            _answers(both[1], r, lang)
    _bar(ax, r, lang)
    _interval(ax, r)
    ax.set_xlim(-100, 100)
    ax.set_ylim(0.0, 1.75)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    name_axis(ax, "x", word("nps", lang))
    values = {"estimate": f"{r.estimate:.1f}", "low": f"{r.interval.low:.1f}", "high": f"{r.interval.high:.1f}"}
    write_title(
        ax, title or "NPS " + word("effect interval", lang, level=f"{100 * r.interval.confidence:.4g}%", **values)
    )
    return ax


@in_house_style
def draw_nps_table(t: NpsTable, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the segments of an NPS, best first: filled where the segment differs from the rest, search included.

    Parameters
    ----------
    t : NpsTable
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    order = np.argsort(-t.estimate, kind="stable")
    labels = [clean_text(t.segments[i]) for i in order]
    ax = forest_axes(labels, ax)
    confidence = t.interval.confidence
    differs = t.adjusted[order] < 1.0 - confidence
    beside = [f"{t.estimate[i]:.0f}  ·  n {t.n[i]:,.0f}" for i in order]
    low, high = t.interval.low[order], t.interval.high[order]
    rows = Forest(labels, t.estimate[order], low, high, t.total.estimate, differs, t.shrunk[order], beside)
    draw_forest(ax, rows, word("nps", lang), lang)
    write_title(
        ax, title or word("segments title", lang, level=f"{100 * confidence:.4g}%", total=f"{t.total.estimate:.1f}")
    )
    return ax
