"""Figures that belong to nobody but their caller, and the way from a figure to SVG text or a file."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qstats.errors import DataError
from qstats.figures.style import CSS_FONTS, house_style

__all__ = ["new_axes", "svg_text", "write_figure"]

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_FAMILY = re.compile(r"('DejaVu Sans'|\"DejaVu Sans\")[^;]*")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def _render(figure: Any) -> bytes:
    buffer = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with house_style(), warnings.catch_warnings():
        # The text is drawn by whoever shows the SVG: a glyph missing here is not missing there.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata=nothing)
    return buffer.getvalue()


def _scoped(element: ET.Element, prefix: str) -> None:
    """Drop ids nobody refers to and give the others a prefix, so that several figures can stand in one page."""
    used = set(_REFERENCE.findall(" ".join(value for node in element.iter() for value in node.attrib.values())))
    used |= {node.attrib[_XLINK].removeprefix("#") for node in element.iter() if _XLINK in node.attrib}
    for node in element.iter():
        name = node.attrib.pop("id", None)
        if name in used:
            node.set("id", f"{prefix}{name}")
        link = node.attrib.pop(_XLINK, None)
        if link is not None:
            # a picture within the figure (imshow) is its own data, and no reference
            node.set(
                "href", link if link.startswith("data:image/png;base64,") else "#" + prefix + link.removeprefix("#")
            )
        for key, value in node.attrib.items():
            if "url(#" in value:
                node.set(key, _REFERENCE.sub(rf"url(#{prefix}\1)", value))
        node.tag = node.tag.removeprefix(_SVG)
        if node.tag == "text" and "style" in node.attrib:
            node.set("style", _FAMILY.sub(CSS_FONTS, node.attrib["style"]))


def _without(element: ET.Element, tag: str) -> None:
    for parent in list(element.iter()):
        for child in list(parent):
            if child.tag == _SVG + tag:
                parent.remove(child)


def svg_text(figure: Any, description: str = "") -> str:
    """Return a matplotlib figure as one ``<svg>`` element: real text, no prolog, no link outside, unique ids.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Left as it is.
    description : str
        What the picture shows, for screen readers.
    """
    raw = _render(figure)
    root = ET.fromstring(raw)  # our own output, not a stranger's file
    _without(root, "metadata")
    _without(root, "style")
    _scoped(root, "q" + sha256(raw).hexdigest()[:8] + "-")
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt; max-width: 100%; height: auto")
    root.set("role", "img")
    if description:
        root.set("aria-label", description)
    root.set("xmlns", _SVG[1:-1])
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def write_figure(figure: Any, path: str | Path) -> Path:
    """Write a figure as SVG or PNG, by the ending of `path`."""
    path = Path(path)
    kind = path.suffix.lower()
    if kind == ".svg":
        path.write_text(svg_text(figure) + "\n", encoding="utf-8")
    elif kind == ".png":
        with house_style():
            figure.savefig(path, format="png")
    else:
        raise DataError(f"path: got the ending {path.suffix!r}; '.svg' or '.png' is wanted")
    return path


class _ShownFigure(Figure):
    """A figure outside pyplot's register (nothing to close, nothing global) that a notebook still shows."""

    def _repr_svg_(self) -> str:
        return svg_text(self)


class _ShownAxes(Axes):
    """Axes a notebook shows as their whole figure, so ``result.plot()`` on the last line of a cell is a picture."""

    name = "qstats_shown"

    def _repr_svg_(self) -> str | None:
        return svg_text(self.figure) if isinstance(self.figure, _ShownFigure) else None


def new_axes(
    width: float = 8.0, height: float = 3.8, rows: int = 1, ratios: Sequence[float] | None = None, share: bool = True
) -> list[Axes]:
    """Return the axes, top to bottom, of a new figure of its own (inches), with one x axis if `share`; no pyplot."""
    figure = _ShownFigure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(
        rows, 1, squeeze=False, height_ratios=ratios, sharex=share and rows > 1, subplot_kw={"axes_class": _ShownAxes}
    )
    return list(grid[:, 0])
