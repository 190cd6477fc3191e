"""Arguments that may be numbers or columns, and the result that fits: `Comparison` or `Comparisons`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, as_counts, as_exposure, as_vector
from qstats._core.checks import check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note, Severity
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.estimate import Estimate, Estimates

__all__ = ["Found", "columns_of", "compared", "count_note", "estimated"]

_LARGEST = 2.0**53


@dataclass(frozen=True, slots=True)
class Found:
    """What a kernel found for each pair: arrays of one length."""

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray
    statistic: FloatArray | None = None
    notes: tuple[Note, ...] = field(default=())


def _number(value: object, name: str, kind: str) -> float:
    if isinstance(value, np.ndarray):
        value = value.item()
    if kind == "exposure":
        return check_number(value, name, above=0.0)
    x = check_number(value, name, least=1.0 if kind == "size" else 0.0)
    if x != math.floor(x):
        wanted = "a whole number of events is wanted (exposure may be fractional)"
        raise DataError(f"{name}: got {x:g}; {wanted if name.startswith('events') else 'whole numbers are wanted'}")
    if x > _LARGEST:
        raise DataError(f"{name}: got {x:g}; beyond 2**53 a float64 cannot count: use a larger unit")
    return x


def _column(value: object, name: str, kind: str) -> FloatArray:
    if kind == "exposure":
        a = as_vector(value, name, missing="never")
        return as_exposure(a, name, a.size, missing="never")
    a = as_counts(value, name, missing="never")
    if kind == "size" and (a < 1.0).any():
        raise DataError(f"{name}: 0 at position {int(np.argmin(a))}; a group without units has no share: leave it out")
    return a


def columns_of(given: dict[str, tuple[Any, str]]) -> tuple[bool, list[FloatArray]]:
    """Return whether only single numbers came, and every argument as a column of one length.

    Parameters
    ----------
    given : dict of name to (value, kind)
        kind is ``"count"``, ``"size"`` (a count of at least one) or ``"exposure"`` (above zero).
    """
    single = {name: isinstance(v, int | float | str) or v is None or np.ndim(v) == 0 for name, (v, _) in given.items()}
    if all(single.values()):
        return True, [np.array([_number(v, name, kind)]) for name, (v, kind) in given.items()]
    columns = {
        name: np.array([_number(v, name, kind)]) if single[name] else _column(v, name, kind)
        for name, (v, kind) in given.items()
    }
    longest = max(columns, key=lambda name: 0 if single[name] else columns[name].size)
    size = columns[longest].size
    for name, column in columns.items():
        if not single[name] and column.size != size:
            raise DataError(
                f"{name}: {column.size} values came, {longest} has {size}; one each or one number is wanted"
            )
    return False, [np.broadcast_to(c, (size,)) for c in columns.values()]


def count_note(code: str, severity: Severity, which: FloatArray, one: str, many: str) -> tuple[Note, ...]:
    """Return a note on the rows where `which` holds: `one` for a single comparison, else `many` with their number."""
    hits = int(np.count_nonzero(which))
    if not hits:
        return ()
    text = one if which.size == 1 else f"{hits} of {which.size} {many}"
    return (Note(code, severity, text),)


def compared(
    found: Found, counts: tuple[FloatArray, FloatArray], values: Callable[[], tuple[FloatArray, FloatArray]], *,
    single: bool, effect: str, confidence: float, alternative: str, null: float, method: str, reference: str,
    df: float = math.inf,
) -> Comparison | Comparisons:  # fmt: skip
    """Return one `Comparison` where single numbers came, else `Comparisons`."""
    z, notes = found.statistic, found.notes
    if single:
        interval = Interval(float(found.low[0]), float(found.high[0]), confidence)
        seen, seen0 = values()
        return Comparison(
            effect, float(found.estimate[0]), interval, float(found.pvalue[0]), alternative, null,
            None if z is None else float(z[0]), (float(counts[0][0]), float(counts[1][0])), method, reference, notes,
            (float(seen[0]), float(seen0[0])), df if math.isfinite(df) else None,
        )  # fmt: skip
    intervals = Intervals(frozen_array(found.low), frozen_array(found.high), confidence)
    return Comparisons(
        effect, frozen_array(found.estimate), intervals, frozen_array(found.pvalue), alternative, null,
        None if z is None else frozen_array(z), frozen_array(np.column_stack(counts)), method, reference, notes,
    )  # fmt: skip


def estimated(
    name: str, estimate: FloatArray, low: FloatArray, high: FloatArray, n: FloatArray, *,
    single: bool, confidence: float, method: str, reference: str, notes: tuple[Note, ...] = (),
) -> Estimate | Estimates:  # fmt: skip
    """Return one `Estimate` where single numbers came, else `Estimates`."""
    if single:
        interval = Interval(float(low[0]), float(high[0]), confidence)
        return Estimate(name, float(estimate[0]), interval, float(n[0]), method, reference, notes)
    intervals = Intervals(frozen_array(low), frozen_array(high), confidence)
    return Estimates(name, frozen_array(estimate), intervals, frozen_array(n), method, reference, notes)
