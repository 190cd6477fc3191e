"""The house style: colour-blind and grey safe, light SVG with real text, Chinese labels without empty boxes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any, TypeVar

import matplotlib
import matplotlib.font_manager as fm
from matplotlib.axes import Axes

from qstats._core.text import char_width, text_width

__all__ = [
    "CSS_FONTS",
    "INK",
    "PALETTE",
    "clean_text",
    "font_families",
    "house_style",
    "in_house_style",
    "name_axis",
    "shorten",
    "text_width",
    "user_ticks",
    "wrap",
    "write_title",
]

F = TypeVar("F")

# Okabe & Ito (2008), Color Universal Design: distinct for the common colour-vision deficiencies.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
}
INK = {"text": "#222222", "line": "#333333", "soft": "#6B6B6B", "faint": "#C8C8C8", "shade": "#EEF3F7"}

_CJK = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Microsoft YaHei", "PingFang SC"),
    *("Hiragino Sans GB", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Noto Sans CJK TC"),
    *("Arial Unicode MS", "Droid Sans Fallback", "SimSun"),
)
# What a reader's machine may have; the SVG names them all, since it is shown elsewhere than where it was made.
CSS_FONTS = ", ".join(f"'{name}'" for name in ("DejaVu Sans", "Verdana", "Segoe UI", *_CJK)) + ", sans-serif"

# File names under which such fonts are found when matplotlib's own list is older than their installation.
_CJK_FILES = ("notosanscjk", "notosanssc", "sourcehansans", "msyh", "pingfang", "simhei", "wqy", "droidsansfallback")


@lru_cache(maxsize=1)
def _scan_for_cjk() -> tuple[str, ...]:
    """Register CJK fonts that matplotlib's cached list has missed; runs once, and only if it knows none."""
    for path in fm.findSystemFonts():
        if any(mark in path.replace("-", "").replace("_", "").lower() for mark in _CJK_FILES):
            try:
                fm.fontManager.addfont(path)
            except (OSError, RuntimeError, ValueError):  # an unreadable font file is no reason to draw nothing
                continue
    known = set(fm.get_font_names())
    return tuple(name for name in _CJK if name in known)


def font_families() -> list[str]:
    """Return the installed families to use, in order: a Latin face, then a Chinese one for what it lacks."""
    known = set(fm.get_font_names())
    found = [name for name in _CJK if name in known] or list(_scan_for_cjk())
    return ["DejaVu Sans", *found[:2]]


def _settings() -> dict[str, Any]:
    return {
        "font.family": font_families(),
        "font.size": 9.0,
        "text.color": INK["text"],
        # A label is text, never mathematics: "$" and "_" in a category stay as typed.
        "text.parse_math": False,
        "text.usetex": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": INK["soft"],
        "axes.labelcolor": INK["text"],
        "axes.titlelocation": "left",
        "axes.titlesize": 10.5,
        "axes.titleweight": "normal",
        "axes.linewidth": 0.8,
        "axes.axisbelow": True,
        "axes.grid": False,
        "axes.unicode_minus": True,
        "axes.formatter.use_mathtext": False,
        "xtick.color": INK["soft"],
        "ytick.color": INK["soft"],
        "xtick.labelcolor": INK["text"],
        "ytick.labelcolor": INK["text"],
        "grid.color": "#E4E4E4",
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.2,
        "lines.markersize": 4.5,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "savefig.facecolor": "white",
        "savefig.dpi": 150,
        "svg.fonttype": "none",
        "svg.hashsalt": "qstats",
        "path.simplify": True,
    }


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style inside the ``with`` block; global settings of matplotlib are as before after it.

    Examples
    --------
    >>> import matplotlib
    >>> from qstats.figures import house_style
    >>> before = matplotlib.rcParams["axes.spines.top"]
    >>> with house_style():
    ...     matplotlib.rcParams["axes.spines.top"]
    False
    >>> matplotlib.rcParams["axes.spines.top"] == before
    True
    """
    with matplotlib.rc_context(_settings()):
        yield


def in_house_style(draw: F) -> F:
    """Run a drawing function inside `house_style`."""

    @wraps(draw)  # type: ignore[arg-type]
    def styled(*args: Any, **kwargs: Any) -> Any:
        with house_style():
            return draw(*args, **kwargs)  # type: ignore[operator]

    return styled  # type: ignore[return-value]


def clean_text(text: object) -> str:
    """Return user text on one line, without control characters and lone surrogates (XML allows neither)."""
    cells = []
    for ch in str(text):
        kind = unicodedata.category(ch)
        cells.append(
            " " if kind in ("Cc", "Zl", "Zp") else "\ufffd" if kind == "Cs" or ord(ch) in (0xFFFE, 0xFFFF) else ch
        )
    return " ".join("".join(cells).split())


def _split(text: str, width: int) -> tuple[str, str]:
    """Split after at most `width` columns, at a space where one is in the second half."""
    used, cut = 0, len(text)
    for i, ch in enumerate(text):
        used += char_width(ch)
        if used > width:
            cut = i
            break
    else:
        return text, ""
    space = text.rfind(" ", cut // 2, cut + 1)
    if space > 0:
        return text[:space], text[space + 1 :]
    return text[: max(cut, 1)], text[max(cut, 1) :]


def shorten(text: object, width: int) -> str:
    """Return cleaned text of at most `width` columns, ending in an ellipsis where something was cut."""
    text = clean_text(text)
    if text_width(text) <= width:
        return text
    used, out = 0, ""
    for ch in text:
        used += char_width(ch)
        if used > width - 1:
            break
        out += ch
    return out.rstrip() + "…"


def wrap(text: object, width: int, lines: int = 2) -> str:
    """Return cleaned text on at most `lines` lines of `width` columns, cut with an ellipsis after that."""
    rest = clean_text(text)
    out = []
    for _ in range(lines - 1):
        if text_width(rest) <= width:
            break
        head, rest = _split(rest, width)
        out.append(head)
    return "\n".join([*out, shorten(rest, width)] if rest else out)


def user_ticks(ax: Axes, which: str, positions: Sequence[float], labels: Sequence[str], **text: Any) -> None:
    """Put user text on an axis, at ``which`` "x" or "y": as plain text, in fonts that have Chinese."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_ticks(list(positions), labels=list(labels), **text)
    for tick in axis.get_ticklabels():
        tick.set_parse_math(False)  # ticks of a foreign Axes may be older than the house style
        tick.set_fontfamily(font_families())


def name_axis(ax: Axes, which: str, text: str) -> None:
    """Write an axis name; an Axes from elsewhere has text objects older than the house style."""
    (ax.set_xlabel if which == "x" else ax.set_ylabel)(text, fontfamily=font_families(), parse_math=False)


def write_title(ax: Axes, text: object, pad: float | None = None) -> None:
    """Write a title of at most one line, cut to about the width of the Axes."""
    figure: Any = ax.figure
    wide = figure.bbox.width / figure.dpi * 72 * ax.get_position().width
    ax.set_title(
        shorten(text, min(95, max(12, int(wide / 5.2)))), pad=pad, fontfamily=font_families(), parse_math=False
    )
