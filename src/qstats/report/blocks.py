"""What a report is made of: a few plain blocks that HTML and Markdown both know how to write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.interval import Interval

__all__ = [
    "MOST_ROWS",
    "Block",
    "Bullets",
    "Figure",
    "Heading",
    "Hero",
    "Table",
    "Text",
    "amount",
    "as_rows",
    "interval_text",
    "number",
    "pvalue_text",
    "share_text",
]


MOST_ROWS = 400  # rows of data on a page; the JSON has all


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` 2 for a result, 3 for a part of it, 4 for a part of that."""

    kind: ClassVar[str] = "heading"
    text: str
    level: int = 3


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text; `numeric` are the columns set flush right; `states` colours a row by a word, never alone."""

    kind: ClassVar[str] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    name: str = ""
    foreign: tuple[int, ...] = ()  # columns that are English whatever the language of the page


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture: the text of one ``<svg>`` element made by `qstats.figures`, never by a user."""

    kind: ClassVar[str] = "figure"
    svg: str


@dataclass(frozen=True, slots=True)
class Hero:
    """The verdict: state, sentence, and the short facts beside it."""

    kind: ClassVar[str] = "hero"
    state: str
    word: str
    sentence: str
    facts: tuple[tuple[str, str], ...]


Block = Heading | Text | Bullets | Table | Figure | Hero


def number(x: float | None, digits: int = 4) -> str:
    """Return a number for reading; an en dash where there is none."""
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    whole = f"{x:,.0f}"
    return whole if abs(x) >= 10**digits else f"{x:.{digits}g}"


def amount(x: float) -> str:
    """Return a count or exposure: all its digits with separators if whole."""
    return f"{x:,.0f}" if math.isfinite(x) and float(x).is_integer() else number(x, 6)


def share_text(x: float) -> str:
    """Return a share as percent."""
    return "–" if math.isnan(x) else f"{100 * x:.1f}%"


def pvalue_text(p: float) -> str:
    """Return a p-value to two digits, or that it is below 0.0001."""
    return "–" if math.isnan(p) else "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def interval_text(interval: Interval | None) -> str:
    """Return the limits of an interval."""
    return "–" if interval is None else f"{number(interval.low)} … {number(interval.high)}"


def as_rows(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Return label and text pairs without empty ones."""
    return tuple((label, text) for label, text in pairs if text)
