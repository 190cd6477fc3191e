"""Parts shared by figures of settings: a pale map, a key below the Axes, settings as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Patch

from qstats.errors import DataError
from qstats.figures.axes import points_wide
from qstats.figures.doe.words import say
from qstats.figures.style import INK, clean_text, font_families, shorten, text_width, wrap

__all__ = ["PALE", "caption", "key_below", "long_title", "points_tall", "setting", "settings_text", "two_factors"]

# Light enough for lines, points and numbers in ink to stand on all of it; darker is more, in grey, too.
PALE = LinearSegmentedColormap.from_list("qstats_pale", ["#FBFCFD", "#DAE9F4", "#A9CEE6", "#79B2D8"])
_LETTER = 4.7  # points: width of a letter of size 8


def setting(value: Any, lang: str, width: int = 14) -> str:
    """Return one setting as text; what is averaged over in the language of the figure."""
    if isinstance(value, str):
        return say("averaged", lang) if value == "average" else shorten(value, width)
    return f"{float(value):.4g}"


def settings_text(held: Mapping[str, Any], lang: str) -> str:
    """Return settings as one line."""
    return ", ".join(f"{shorten(name, 22)} {setting(value, lang)}" for name, value in held.items())


def two_factors(given: Any, known: Sequence[str], unsaid: Sequence[str]) -> tuple[str, str]:
    """Return the two factors to show: those asked for, else `unsaid`; the first goes across."""
    names = list(unsaid) if given is None else [given] if isinstance(given, str) else list(given)
    if len(names) != 2 or names[0] == names[1] or any(name not in known for name in names):
        raise DataError(f"factors: got {names!r}; two of {', '.join(known)} are wanted, the first goes across")
    return names[0], names[1]


def points_tall(ax: Axes) -> float:
    """Return the height of an Axes in points, as far as it is known before drawing."""
    figure: Any = ax.figure
    return float(figure.bbox.height / figure.dpi * 72 * ax.get_position().height)


def key_below(ax: Axes, below: float = 36.0, areas: Sequence[Patch] = ()) -> None:
    """Put the key of what is drawn, and of areas, below the Axes, in as many columns as have room (points)."""
    handles, labels = ax.get_legend_handles_labels()
    handles, labels = [*handles, *areas], [*labels, *(str(area.get_label()) for area in areas)]
    if not handles:
        return
    widest = _LETTER * max(text_width(text) for text in labels) + 40.0
    columns = max(1, min(len(labels), int(1.1 * points_wide(ax) / widest)))
    ax.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(-0.02, -below / points_tall(ax)), borderaxespad=0.0,
        ncols=columns, prop={"family": font_families(), "size": 8}, handlelength=1.6, columnspacing=1.2,
    )  # fmt: skip


def long_title(axes: Sequence[Axes], text: object) -> None:
    """Write one title above all panels, on up to three lines: settings are of no use cut short."""
    figure: Any = axes[0].figure
    room = int(figure.bbox.width / figure.dpi * 72 / 6.2)
    told = wrap(text, room, 3)
    figure.suptitle(told, x=0.01, ha="left", fontsize=11.5, fontfamily=font_families(), parse_math=False)


def caption(ax: Axes, text: str, where: tuple[float, float] = (0.5, 0.5), gid: str = "caption") -> None:
    """Write a remark into the Axes, on white."""
    ax.text(
        *where, clean_text(text), transform=ax.transAxes, ha="center", va="center", fontsize=8.5, color=INK["text"],
        fontfamily=font_families(), parse_math=False, wrap=False, gid=gid, zorder=9,
        bbox={"facecolor": "white", "edgecolor": INK["faint"], "linewidth": 0.6, "pad": 3.0},
    )  # fmt: skip
