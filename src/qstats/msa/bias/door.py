"""From what the caller passed to readings with their references and parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import NamedTuple

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.spec import as_spec
from qstats.errors import DataError, TooFewData

__all__ = ["Readings", "check_center", "check_tolerance", "positive", "read_one", "read_parts"]

_FAR = 1e150  # squares of what is larger overflow


class Readings(NamedTuple):
    """Readings and the reference of each, row by row, with the part they belong to (positions in `labels`)."""

    y: FloatArray
    reference: FloatArray
    part: np.ndarray[tuple[int], np.dtype[np.intp]]
    labels: tuple[str, ...]
    notes: tuple[Note, ...]


def positive(value: object, name: str) -> float | None:
    """Return a number above zero, or None."""
    return None if value is None else check_number(value, name, above=0.0)


def check_tolerance(tolerance: object, spec: object) -> float | None:
    """Return the width of the tolerance from whichever of the two was given."""
    if spec is None:
        return positive(tolerance, "tolerance")
    if tolerance is not None:
        raise DataError("tolerance: given together with spec, which holds one; pass one of them")
    width = as_spec(spec).tolerance
    if width is None:
        raise DataError("spec: it has one specification limit, so no width; pass tolerance= with the width to use")
    return width


def check_center(reference: object) -> float:
    """Return the one reference value of a study of one part."""
    if not isinstance(reference, Real) or isinstance(reference, bool):
        raise DataError(f"reference: got {reference!r}; the reference value of the part, one number, is wanted")
    return check_number(reference, "reference", above=-_FAR, below=_FAR)


def _fetch(
    data: object, values: object, roles: Mapping[str, object], missing: str
) -> tuple[FloatArray, dict[str, object]]:
    """Return the readings, and what stands for each role: a column of the table, or what was passed."""
    plain = isinstance(data, list | tuple | np.ndarray)
    if not plain and table.is_frame(data):
        if not isinstance(values, str):
            raise DataError(f"values: got {values!r}; data is a table: name the column of the readings")
        names = {"values": values, **{k: v for k, v in roles.items() if isinstance(v, str)}}
        got = table.columns(data, names)
        y = as_vector(got.pop("values"), f"values (column {values!r})", missing=missing)
        return y, {**roles, **got}
    if isinstance(data, Mapping):
        raise DataError("data: got a mapping; a data frame, or the readings as an array, is wanted")
    if values is not None:
        raise DataError(f"values: got {values!r}, but data is no table; pass the readings themselves as data")
    return as_vector(data, "data", missing=missing), dict(roles)


def _finish(y: FloatArray, gone: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[Note, ...]:
    if np.abs(y[~gone]).max(initial=0.0) > _FAR:
        raise DataError("data: values so large that their squares overflow; divide them by a power of ten first")
    if not gone.any():
        return ()
    text = f"{int(gone.sum())} of {gone.size} readings left out: no value, no reference or no part"
    return (Note("missing-dropped", "warning", text),)


def read_one(data: object, values: object, missing: str) -> tuple[FloatArray, tuple[Note, ...]]:
    """Return the readings of one part, in their order."""
    y, _ = _fetch(data, values, {}, missing)
    gone = np.isnan(y)
    notes = _finish(y, gone)
    y = y[~gone]
    if y.size < 2:
        raise TooFewData(f"data: {y.size} readings came; at least two are wanted, and a sound study has 25 to 50")
    return y, notes


def _texts(column: object, name: str, n: int) -> list[str]:
    if isinstance(column, str | bytes | dict | set):
        raise DataError(f"{name}: got {column!r}, but data is no table; one label per reading is wanted")
    cells = list(column) if isinstance(column, list | tuple | np.ndarray) else None
    if cells is None or len(cells) != n:
        got = type(column).__name__ if cells is None else f"{len(cells)} labels"
        raise DataError(f"{name}: got {got} for {n} readings; one label each is wanted")
    out = []
    for cell in cells:
        whole = isinstance(cell, float) and cell.is_integer()
        empty = cell is None or cell != cell or type(cell).__name__ in ("NAType", "NaTType")
        out.append("" if empty else str(int(cell)) if whole else str(cell).strip())
    return out


def _references(reference: object, texts: list[str] | None, n: int, missing: str) -> FloatArray:
    """Return one reference per reading, NaN where it is missing and may be."""
    if isinstance(reference, Mapping):
        if texts is None:
            raise DataError("reference: a mapping came, from part to value; name the parts with part=")
        held = {str(k).strip(): check_number(v, f"reference[{k!r}]") for k, v in reference.items()}
        lost = sorted({t for t in texts if t} - set(held))
        if lost:
            raise DataError(f"reference: no value for part {', '.join(map(repr, lost[:5]))}; add it to the mapping")
        return np.array([held.get(t, math.nan) for t in texts])
    if isinstance(reference, Real) and not isinstance(reference, bool):
        return np.full(n, check_center(reference))
    if reference is None or isinstance(reference, str | bool):
        wanted = "one number, a mapping from part to number, or one value per reading"
        raise DataError(f"reference: got {reference!r}; {wanted} is wanted (a column, where data is a table)")
    a = as_vector(reference, "reference", missing=missing)
    if a.size != n:
        raise DataError(f"reference: {a.size} values for {n} readings; one number, or one value per reading, is wanted")
    return a


def read_parts(data: object, values: object, reference: object, part: object, missing: str) -> Readings:
    """Return the readings of several parts; without `part`, equal references are one part."""
    y, roles = _fetch(data, values, {"reference": reference, "part": part}, missing)
    texts = None if part is None else _texts(roles["part"], "part", y.size)
    ref = _references(roles["reference"], texts, y.size, missing)
    gone = np.isnan(y) | np.isnan(ref)
    if texts is not None:
        nameless = np.array([not t for t in texts], dtype=bool)
        if nameless.any() and missing != "drop":
            at = int(np.argmax(nameless))
            raise DataError(f"part: no label at position {at}; fill it in or pass missing='drop'")
        gone |= nameless
    notes = _finish(y, gone)
    y, ref = y[~gone], ref[~gone]
    if y.size == 0:
        raise TooFewData("data: no readings are left")
    if np.abs(ref).max() > _FAR:
        raise DataError("reference: values so large that their squares overflow; divide them by a power of ten first")
    if texts is None:
        distinct, codes = np.unique(ref, return_inverse=True)
        return Readings(y, ref, codes.reshape(-1), tuple(f"{v:.12g}" for v in distinct), notes)
    return _by_part(y, ref, [t for t, out in zip(texts, gone.tolist(), strict=True) if not out], notes)


def _by_part(y: FloatArray, ref: FloatArray, texts: list[str], notes: tuple[Note, ...]) -> Readings:
    labels = tuple(dict.fromkeys(texts))
    index = {label: i for i, label in enumerate(labels)}
    codes = np.array([index[t] for t in texts], dtype=np.intp)
    first = np.full(len(labels), math.nan)
    first[codes[::-1]] = ref[::-1]
    wrong = ref != first[codes]
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"reference: part {texts[at]!r} has the references {first[codes[at]]:g} and {ref[at]:g}; one is wanted"
        )
    return Readings(y, ref, codes, labels, notes)
