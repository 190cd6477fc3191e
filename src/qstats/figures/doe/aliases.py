"""Figure of an alias structure: the chains of a regular fraction as a table, else the alias matrix as a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats.doe.alias import AliasStructure
from qstats.figures.doe.words import say
from qstats.figures.output import new_axes
from qstats.figures.panels import apart
from qstats.figures.style import INK, PALETTE, font_families, in_house_style, shorten, user_ticks, write_title

__all__ = ["draw_aliases"]

_MOST_ROWS = 40
_NAMED = 40
_WRITTEN = 12
_WIDE = 92  # columns of text on a figure of 8 inches


def _rows(r: AliasStructure) -> list[tuple[str, str, bool]]:
    """First effect of every chain, what it is aliased with, and whether it is confounded with blocks."""
    members: dict[int, list[str]] = {0: ["I"]}
    for effect, number, sign in zip(r.effects, r.chain.tolist(), r.sign.tolist(), strict=True):
        members.setdefault(number, []).append(("-" if sign < 0 else "") + effect)
    blocked = set(r.blocked_effects)
    found = [(names[0], " = ".join(names[1:]), names[0] in blocked) for names in members.values()]
    return [row for row in found if row[0] != "I" or row[1]]


def _words(rest: str, blocked: bool, room: int, lang: str) -> str:
    parts = [f"= {shorten(rest, room)}"] if rest else []
    if blocked:
        parts.append(say("alias blocks", lang))
    return ", ".join(parts) or say("alias clear", lang)


def _table(ax: Axes, r: AliasStructure, lang: str) -> None:
    rows = _rows(r)
    shown = rows if len(rows) <= _MOST_ROWS else rows[: _MOST_ROWS - 1]
    left = max((len(head) for head, _, _ in shown), default=1)
    ax.set_axis_off()
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(len(shown) + (len(rows) > len(shown)) - 0.4, -0.6)
    second = min(0.06 + 0.0125 * left, 0.4)
    for i, (head, rest, blocked) in enumerate(shown):
        if i % 2 == 0:
            ax.axhspan(i - 0.5, i + 0.5, color=INK["shade"], linewidth=0)
        text: dict[str, Any] = {"va": "center", "fontsize": 8.5, "fontfamily": font_families(), "parse_math": False}
        ax.text(0.01, i, shorten(head, 40), gid="effect", **text)
        color = INK["text"] if rest or blocked else PALETTE["green"]
        ax.text(second, i, _words(rest, blocked, _WIDE - left, lang), color=color, gid="aliases", **text)
    if len(rows) > len(shown):
        ax.text(0.01, len(shown), f"… +{len(rows) - len(shown)}", va="center", fontsize=8.5, color=INK["soft"])


def _map(ax: Axes, r: AliasStructure, lang: str) -> None:
    size = np.abs(np.nan_to_num(r.matrix))
    picture = ax.imshow(size, cmap="Greys", vmin=0.0, vmax=max(1.0, float(size.max(initial=0.0))), aspect="auto")
    p, q = size.shape
    if p <= _NAMED:
        user_ticks(ax, "y", range(p), apart(r.terms, 24))
    if q <= _NAMED:
        user_ticks(ax, "x", range(q), apart(r.aliases, 24), rotation=90)
    ax.tick_params(length=0)
    if p <= _WRITTEN and q <= _WRITTEN:
        for i, j in np.argwhere(size > r.threshold).tolist():
            color = "white" if size[i, j] > 0.55 else INK["text"]
            ax.text(j, i, f"{r.matrix[i, j]:.2f}", ha="center", va="center", fontsize=7, color=color)
    figure: Any = ax.figure
    bar = figure.colorbar(picture, ax=ax, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)
    ax.set_xlabel(say("alias map", lang), fontfamily=font_families())


@in_house_style
def draw_aliases(r: AliasStructure, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw what each effect is mixed with: a table of chains, or the alias matrix of an irregular design.

    Parameters
    ----------
    r : AliasStructure
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    if r.terms:
        p, q = r.matrix.shape
        size = (min(max(5.0, 0.3 * q + 2.4), 14.0), min(max(3.2, 0.3 * p + 1.8), 10.0))
    else:
        size = (8.0, 0.6 + 0.24 * max(3, min(len(_rows(r)), _MOST_ROWS)))
    ax = new_axes(*size)[0] if ax is None else ax
    (_map if r.terms else _table)(ax, r, lang)
    text = say("alias title", lang, n=len(r.factors), order=r.order)
    if r.resolution is not None:
        text += ": " + say("alias resolution", lang, resolution=r.resolution)
    write_title(ax, title or text)
    return ax
