"""Action priorities of an FMEA: the user's table, checked for gaps, overlaps and steps that go the wrong way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.improve.fmea.occurrence import check_rating

__all__ = ["ActionPriorities", "action_priorities"]

_COLUMNS = ("severity", "occurrence", "detection", "priority")
_RANGE = re.compile(r"(\d{1,2})(?:\s*(?:-|–|—|~|～|至|to|\.\.)\s*(\d{1,2}))?")


@dataclass(frozen=True, slots=True, eq=False)
class ActionPriorities:
    """A complete table from severity, occurrence and detection to a priority; make it with `action_priorities`.

    Parameters
    ----------
    codes : ndarray of int, shape (10, 10, 10)
        Index into `levels` for severity, occurrence and detection 1 to 10; read-only.
    levels : tuple of str
        Lowest priority first.
    source : str
        Document, edition and table.
    verified_by : str or None
        Who compared it with that document.
    notes : tuple of Note
    """

    codes: npt.NDArray[np.int64]
    levels: tuple[str, ...]
    source: str
    verified_by: str | None
    notes: tuple[Note, ...]

    def lookup(self, severity: int, occurrence: int, detection: int) -> str:
        """Return the priority of one combination."""
        s, o, d = (
            check_rating(v, n)
            for v, n in ((severity, "severity"), (occurrence, "occurrence"), (detection, "detection"))
        )
        return self.levels[int(self.codes[s - 1, o - 1, d - 1])]

    def compatible(self, severity: int, low: int, high: int, detection: int) -> tuple[str, ...]:
        """Return every priority for occurrence `low` to `high`, lowest first."""
        found = np.unique(self.codes[severity - 1, low - 1 : high, detection - 1])
        return tuple(self.levels[int(i)] for i in found)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON-safe values: positions in `levels`, by severity, occurrence and detection."""
        return {
            "levels": list(self.levels),
            "source": self.source,
            "verified_by": self.verified_by,
            "codes": self.codes.tolist(),
        }


def _band(value: object, name: str) -> tuple[int, int]:
    """Read 7, "7", "7-8", "7~8" or (7, 8)."""
    if isinstance(value, list | tuple) and len(value) == 2:
        low, high = value
    elif isinstance(value, str):
        found = _RANGE.fullmatch(value.strip())
        if found is None:
            raise DataError(
                f"{name}: got {value!r}; a rating or a range such as '7-8' is wanted (no date: see the cell)"
            )
        low, high = int(found[1]), int(found[2] or found[1])
    else:
        low = high = value
    a, b = check_rating(low, name), check_rating(high, name)
    if a > b:
        raise DataError(f"{name}: got {value!r}; the lower rating first is wanted")
    return a, b


def _read(data: Any) -> list[tuple[object, ...]]:
    if table.is_frame(data):
        cols = table.columns(data, {name: name for name in _COLUMNS})
        return list(zip(*(cols[name].tolist() for name in _COLUMNS), strict=True))
    if not isinstance(data, Sequence) or isinstance(data, str | bytes):
        raise DataError(f"data: got a {type(data).__name__}; a table, or a list of dicts with {', '.join(_COLUMNS)}")
    rows = []
    for i, row in enumerate(data):
        if not isinstance(row, Mapping) or set(row) != set(_COLUMNS):
            raise DataError(f"data: row {i} is {row!r}; a dict with {', '.join(_COLUMNS)} is wanted")
        rows.append(tuple(row[name] for name in _COLUMNS))
    return rows


def _combination(where: npt.NDArray[np.bool_]) -> str:
    s, o, d = (int(i) + 1 for i in np.argwhere(where)[0])
    more = int(where.sum()) - 1
    return f"severity {s}, occurrence {o}, detection {d}" + (f" and {more} more combinations" if more else "")


def _falls(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return where the priority is lower than with one rating a step better."""
    falls = np.zeros(codes.shape, dtype=np.bool_)
    for axis in range(3):
        later = [slice(None)] * 3
        later[axis] = slice(1, None)
        falls[tuple(later)] |= np.diff(codes, axis=axis) < 0
    return falls


def action_priorities(
    data: Any, *, source: str, verified_by: str | None = None, levels: Sequence[str] = ("L", "M", "H")
) -> ActionPriorities:
    """Read your table of action priorities, and check that it has one answer for each of the 1000 combinations.

    Use it to bring in the table of the handbook you own. None ships with this library: public copies of the best-known
    table agree on half of the combinations only, so somebody with the handbook must have compared it.

    Parameters
    ----------
    data : frame or list of dict
        Columns severity, occurrence, detection (a rating, or a range such as ``"7-8"``) and priority.
    source : str
        Document, edition and table.
    verified_by : str, optional
        Who compared it with that document; without it every result carries a warning.
    levels : sequence of str
        The priorities, lowest first.

    Returns
    -------
    ActionPriorities
        A serious note tells where a worse rating has a lower priority (often a slip of typing).

    Raises
    ------
    DataError
        A combination missing or there twice, a rating outside 1 to 10, an unknown priority, no source.

    Examples
    --------
    >>> from qstats import action_priorities
    >>> rows = [
    ...     {"severity": "9-10", "occurrence": "1-10", "detection": "1-10", "priority": "H"},
    ...     {"severity": "1-8", "occurrence": "6-10", "detection": "1-10", "priority": "M"},
    ...     {"severity": "1-8", "occurrence": "1-5", "detection": "1-10", "priority": "L"},
    ... ]
    >>> action_priorities(rows, source="our procedure QP-7", verified_by="李工").lookup(8, 6, 1)
    'M'
    """
    for name, text in (("source", source), *([("verified_by", verified_by)] if verified_by is not None else [])):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{name}: got {text!r}; text is wanted")
    names = tuple(levels)
    if isinstance(levels, str) or len(set(names)) < max(2, len(names)) or not all(isinstance(n, str) for n in names):
        raise DataError(f"levels: got {levels!r}; two or more different texts, lowest first, are wanted")
    codes, seen = np.zeros((10, 10, 10), dtype=np.int64), np.zeros((10, 10, 10), dtype=np.int64)
    for i, row in enumerate(_read(data)):
        bands = [_band(v, f"{n}, row {i}") for v, n in zip(row[:3], _COLUMNS, strict=False)]
        if row[3] not in names:
            raise DataError(f"priority, row {i}: got {row[3]!r}; one of {', '.join(map(repr, names))} is wanted")
        box = tuple(slice(a - 1, b) for a, b in bands)
        codes[box] = names.index(str(row[3]))
        seen[box] += 1
    if (seen == 0).any():
        raise DataError(f"data: no priority for {_combination(seen == 0)}; each combination wants one")
    if (seen > 1).any():
        raise DataError(f"data: more than one priority for {_combination(seen > 1)}; each combination wants one")
    notes = []
    if (falls := _falls(codes)).any():
        text = f"a worse rating has a lower priority at {_combination(falls)}: compare the table with its source"
        notes.append(Note("priority-falls", "serious", text))
    if verified_by is None:
        text = f"nobody is named who compared the table with its source ({source}): give verified_by="
        notes.append(Note("priority-unverified", "warning", text))
    codes.flags.writeable = False
    return ActionPriorities(codes, names, source, verified_by, tuple(notes))
