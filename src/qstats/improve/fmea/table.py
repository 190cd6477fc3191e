"""Failure mode and effects analysis: what is rated, what was measured, and what the product of ratings hides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.improve.fmea.occurrence import OccurrenceScale, check_scale, measured_ratings
from qstats.improve.fmea.priority import ActionPriorities

__all__ = ["FmeaTable", "fmea"]

IntArray = npt.NDArray[np.int64]
_HIGH_SEVERITY = 9


@dataclass(frozen=True, slots=True, eq=False)
class FmeaTable(Result):
    """Failure modes from the most urgent down; arrays have shape (m,).

    Parameters
    ----------
    mode, cause : tuple of str
    severity, occurrence, detection : ndarray of int
        Ratings 1 (best) to 10 (worst).
    occurrence_low, occurrence_high : ndarray of int
        Ratings the measured rate leaves open; the rating itself where it was not measured.
    rate : ndarray
        Events per exposure; NaN where the rating was not measured (see `measured`).
    measured : ndarray of bool
    rpn : ndarray of int
        Severity x occurrence x detection; kept for old forms, see the note it carries.
    rpn_low, rpn_high : ndarray of int
        With `occurrence_low` and `occurrence_high`.
    rank_low, rank_high : ndarray of int
        Places the order leaves open: rows with equal keys share them.
    priority : tuple of str
        Action priority from the user's table; empty without one.
    compatible : tuple of tuple of str
        Priorities that `occurrence_low` to `occurrence_high` leave open, lowest first.
    by : {"priority", "severity", "rpn"}
        What the rows are sorted by.
    priority_source, scale_source : str or None
    confidence : float or None
        Of each measured rate's interval.
    position : ndarray of int
        Row of the input, from 0.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.fmea/1"
    title: ClassVar[str] = "FMEA"

    mode: tuple[str, ...]
    cause: tuple[str, ...]
    severity: IntArray
    occurrence: IntArray
    detection: IntArray
    occurrence_low: IntArray
    occurrence_high: IntArray
    rate: FloatArray
    measured: npt.NDArray[np.bool_]
    rpn: IntArray
    rpn_low: IntArray
    rpn_high: IntArray
    rank_low: IntArray
    rank_high: IntArray
    priority: tuple[str, ...]
    compatible: tuple[tuple[str, ...], ...]
    by: str
    priority_source: str | None
    scale_source: str | None
    confidence: float | None
    position: IntArray
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for i, mode in enumerate(self.mode):
            o = f"{self.occurrence[i]}"
            if self.measured[i]:
                o += f" ({self.occurrence_low[i]} to {self.occurrence_high[i]}, measured)"
            text = f"S {self.severity[i]}  O {o}  D {self.detection[i]}  RPN {self.rpn[i]}"
            if self.priority:
                text += f"  priority {self.priority[i]}"
                if len(self.compatible[i]) > 1:
                    text += f" (open: {', '.join(self.compatible[i])})"
            cause = f" / {self.cause[i]}" if self.cause[i] else ""
            rows.append((f"{mode}{cause}", text))
        return rows

    def _columns(self) -> Mapping[str, object]:
        names = ("severity", "occurrence", "detection", "occurrence_low", "occurrence_high", "rate", "rpn", "rpn_low",
                 "rpn_high", "rank_low", "rank_high", "position")  # fmt: skip
        out: dict[str, object] = {"mode": list(self.mode), "cause": list(self.cause)}
        out |= {name: getattr(self, name) for name in names}
        if self.priority:
            out |= {"priority": list(self.priority), "compatible": [", ".join(c) for c in self.compatible]}
        return out


def _read(data: Any, columns: dict[str, str]) -> dict[str, list[object]]:
    """Return the wanted columns of a table or of a list of dicts; a column the list lacks everywhere is an error."""
    if table.is_frame(data):
        return {k: list(v.tolist()) for k, v in table.columns(data, columns).items()}
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Sequence):
        raise DataError(f"data: got a {type(data).__name__}; a table or a list of dicts is wanted")
    out: dict[str, list[object]] = {name: [] for name in columns}
    for i, row in enumerate(data):
        if not isinstance(row, Mapping):
            raise DataError(f"data: row {i} is a {type(row).__name__}; a dict is wanted")
        for name, column in columns.items():
            if column not in row and name not in ("events", "exposure", "occurrence"):
                raise DataError(f"{name}: {column!r} is missing in row {i}; its entries are {', '.join(map(str, row))}")
            out[name].append(row.get(column))
    return out


def _texts(cells: list[object], name: str, empty: bool = False) -> list[str]:
    out = []
    for i, cell in enumerate(cells):
        gone = (
            cell is None or (isinstance(cell, float) and cell != cell) or (isinstance(cell, str) and not cell.strip())
        )
        if gone and not empty:
            raise DataError(f"{name}: is empty in row {i}; text is wanted")
        if not gone and not isinstance(cell, str):
            raise DataError(f"{name}: got {cell!r} in row {i}; text is wanted")
        out.append("" if gone else str(cell).strip())
    return out


def _ratings(cells: list[object], name: str, wanted: npt.NDArray[np.bool_] | None = None) -> IntArray:
    """Return whole numbers from 1 to 10; 0 where a rating is not wanted."""
    x = as_vector(cells, name, missing="drop", least=0)
    bad = ~((x >= 1) & (x <= 10) & (x == np.floor(x)))
    if wanted is not None:
        bad &= wanted | ~np.isnan(x)
    if bad.any():
        i = int(np.argmax(bad))
        came = "nothing" if np.isnan(x[i]) else f"{x[i]:g}"
        more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
        raise DataError(f"{name}: got {came} in row {i}{more}; a whole number from 1 to 10 is wanted")
    return np.where(np.isnan(x), 0, x).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Occurrence:
    rating: IntArray
    low: IntArray
    high: IntArray
    rate: FloatArray
    measured: npt.NDArray[np.bool_]
    replaced: int = 0  # rows with a rating as well


def _occurrence(cols: dict[str, list[object]], scale: object, confidence: float, method: str) -> _Occurrence:
    """Return occurrence ratings: from events over exposure where both are there, else as given."""
    m = len(cols["severity"])
    if "events" not in cols:
        given = _ratings(cols["occurrence"], "occurrence")
        return _Occurrence(given, given, given, np.full(m, np.nan), np.zeros(m, dtype=np.bool_))
    events = as_vector(cols["events"], "events", missing="drop", least=0)
    exposure = as_vector(cols["exposure"], "exposure", missing="drop", least=0)
    half = np.isnan(events) != np.isnan(exposure)
    if half.any():
        raise DataError(f"events, exposure: row {int(np.argmax(half))} has only one of them; both or none is wanted")
    measured = ~np.isnan(events)
    wanted = ~measured
    given = _ratings(cols["occurrence"], "occurrence", wanted) if "occurrence" in cols else np.zeros(m, np.int64)
    if not measured.all() and "occurrence" not in cols:
        raise DataError(f"events: is missing in row {int(np.argmin(measured))}, and there is no occurrence rating")
    rating, low, high, rate = given.copy(), given.copy(), given.copy(), np.full(m, np.nan)
    if measured.any():
        rating[measured], low[measured], high[measured], rate[measured] = measured_ratings(
            events[measured], exposure[measured], check_scale(scale), confidence, method
        )
    return _Occurrence(rating, low, high, rate, measured, int((measured & (given > 0)).sum()))


def _places(keys: IntArray) -> tuple[npt.NDArray[np.intp], IntArray, IntArray]:
    """Return the order, most urgent first (ties as they came), and the lowest and highest place of each row in it.

    `keys` has a column for each key, the first one leading; larger is more urgent.
    """
    order = np.lexsort(tuple(-keys[:, j] for j in range(keys.shape[1] - 1, -1, -1)))
    rows = keys[order]
    new = np.r_[True, (rows[1:] != rows[:-1]).any(axis=1)]
    group = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    last = np.r_[first[1:], rows.shape[0]]
    return order, (first[group] + 1).astype(np.int64), last[group].astype(np.int64)


def _notes(s: IntArray, rpn: IntArray, replaced: int) -> list[Note]:
    tied = int(rpn.size - np.unique(rpn).size)
    text = (
        "the RPN multiplies ranks: 2 x 5 x 10 and 10 x 5 x 2 are one number and not one risk; of 1 to 1000 only 120 "
        f"values exist, and {tied} rows here repeat the RPN of another"
    )
    notes = [Note("rpn-ordinal", "warning", text)]
    severe = s >= _HIGH_SEVERITY
    if severe.any() and (~severe).any():
        below = severe & (rpn < rpn[~severe].max())
        if below.any():
            text = (
                f"{int(below.sum())} rows of severity {_HIGH_SEVERITY} or 10 have a lower RPN than a row of lesser "
                "severity: judge severity first"
            )
            notes.append(Note("severity-hidden", "serious", text))
    if replaced:
        text = f"{replaced} rows have a rating and a count for occurrence: the count was used"
        notes.append(Note("occurrence-from-count", "info", text))
    return notes


def _ranked(
    modes: list[str],
    causes: list[str],
    ratings: tuple[IntArray, _Occurrence, IntArray],
    by: str,
    priorities: ActionPriorities | None,
    scale: OccurrenceScale | None,
    confidence: float | None,
) -> FmeaTable:
    """Multiply, look up, sort, and put it all into the result."""
    s, o, d = ratings
    rpn = s * o.rating * d
    codes = np.zeros(s.size, dtype=np.int64) if priorities is None else priorities.codes[s - 1, o.rating - 1, d - 1]
    keys = {"priority": (codes, s, o.rating, d), "severity": (s, o.rating, d), "rpn": (rpn, s)}[by]
    order, low, high = _places(np.column_stack(keys))
    names: tuple[str, ...] = ()
    compatible: tuple[tuple[str, ...], ...] = ()
    notes = _notes(s, rpn, o.replaced)
    if priorities is not None:
        names = tuple(priorities.levels[int(codes[i])] for i in order)
        compatible = tuple(priorities.compatible(int(s[i]), int(o.low[i]), int(o.high[i]), int(d[i])) for i in order)
        notes += priorities.notes
    if (wide := o.high > o.low).any():
        text = f"{int(wide.sum())} of {int(o.measured.sum())} measured rows leave more than one occurrence rating open"
        notes.append(Note("occurrence-open", "info", text))

    def put(x: IntArray) -> IntArray:
        return frozen_array(x[order], np.int64)

    return FmeaTable(
        tuple(modes[i] for i in order), tuple(causes[i] for i in order), put(s), put(o.rating), put(d), put(o.low),
        put(o.high), frozen_array(o.rate[order]), frozen_array(o.measured[order], np.bool_), put(rpn),
        put(s * o.low * d), put(s * o.high * d), frozen_array(low, np.int64), frozen_array(high, np.int64), names,
        compatible, by, None if priorities is None else priorities.source, None if scale is None else scale.source,
        confidence, frozen_array(order, np.int64), tuple(notes),
    )  # fmt: skip


def fmea(
    data: Any,
    *,
    mode: str = "mode",
    cause: str | None = None,
    severity: str = "severity",
    occurrence: str | None = "occurrence",
    detection: str = "detection",
    events: str | None = None,
    exposure: str | None = None,
    scale: OccurrenceScale | None = None,
    priorities: ActionPriorities | None = None,
    by: str | None = None,
    confidence: float = 0.95,
    method: str = "midp",
) -> FmeaTable:
    r"""Rank failure modes, with occurrence measured where failures were counted.

    Use it to decide what to work on before anything failed, and to keep the table honest afterwards. Not as a
    measurement of risk: severity, occurrence and detection are ranks, and their product has no unit.

    Parameters
    ----------
    data : frame or list of dict
        One row a failure mode and cause.
    mode, cause : str
        Columns with the texts.
    severity, occurrence, detection : str
        Columns with whole numbers 1 to 10. ``occurrence=None`` where every row is measured.
    events, exposure : str, optional
        Columns with counted failures and what they were counted on; rows with both get their occurrence from `scale`.
    scale : OccurrenceScale, optional
        Your thresholds, with their source; wanted with `events`.
    priorities : ActionPriorities, optional
        Your table of action priorities, with its source. None ships with the library.
    by : {"priority", "severity", "rpn"}, optional
        What to sort by: action priority (then severity, occurrence, detection), severity (then occurrence, detection)
        or RPN (then severity). Default: priority with a table, otherwise RPN.
    confidence, method
        Of the rates' intervals, see `estimate_rate`.

    Returns
    -------
    FmeaTable

    Raises
    ------
    DataError
        A rating that is no whole number from 1 to 10, an empty failure mode, events without exposure or scale.

    Notes
    -----
    :math:`RPN = S \times O \times D`. Measured occurrence: see `occurrence_from_rate`.

    References
    ----------
    IEC 60812:2018, Failure modes and effects analysis, Annex B (RPN). Bowles (2003), Reliability and Maintainability
    Symposium, 380-386 (why ranks must not be multiplied).

    Examples
    --------
    >>> from qstats import fmea
    >>> rows = [
    ...     {"mode": "包装破损", "severity": 5, "occurrence": 6, "detection": 4},
    ...     {"mode": "标签错误", "severity": 9, "occurrence": 3, "detection": 3},
    ... ]
    >>> t = fmea(rows)
    >>> t.mode, t.rpn.tolist(), [n.code for n in t.notes]
    (('包装破损', '标签错误'), [120, 81], ['rpn-ordinal', 'severity-hidden'])
    """
    if (events is None) != (exposure is None):
        raise DataError("events, exposure: only one of them came; both or none is wanted")
    if events is None and (scale is not None or occurrence is None):
        raise DataError("events: is missing; scale, and occurrence=None, are for counted failures (events, exposure)")
    if events is not None:
        check_scale(scale)
    if priorities is not None and not isinstance(priorities, ActionPriorities):
        raise DataError(
            f"priorities: got a {type(priorities).__name__}; action_priorities(...) of your table is wanted"
        )
    by = check_choice(by or ("rpn" if priorities is None else "priority"), "by", ("priority", "severity", "rpn"))
    if by == "priority" and priorities is None:
        raise DataError("by: 'priority' wants priorities=, your table of action priorities; none ships")
    confidence = check_confidence(confidence)
    named = {"mode": mode, "cause": cause, "severity": severity, "occurrence": occurrence, "detection": detection,
             "events": events, "exposure": exposure}  # fmt: skip
    cols = _read(data, {k: v for k, v in named.items() if v is not None})
    modes = _texts(cols["mode"], "mode")
    if not modes:
        raise TooFewData("data: no row came; at least one failure mode is wanted")
    causes = _texts(cols["cause"], "cause", empty=True) if cause is not None else [""] * len(modes)
    s, d = _ratings(cols["severity"], "severity"), _ratings(cols["detection"], "detection")
    o = _occurrence(cols, scale, confidence, method)
    return _ranked(modes, causes, (s, o, d), by, priorities, scale, confidence if events is not None else None)
