"""From what the caller passed to measurements with their part, operator and further factors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData

__all__ = ["GaugeData", "IntArray", "read_gauge"]

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class GaugeData:
    """Measurements and who measured what.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Measurements less `center`: sums of squares then keep their digits whatever the offset.
    center : float
        Their mean.
    codes : mapping of str to ndarray, shape (n,)
        ``"part"``, ``"operator"`` and further factors -> position in `labels`.
    labels : mapping of str to tuple of str
    increment : float
        Smallest gap between two distinct measurements.
    notes : tuple of Note
    """

    y: FloatArray
    center: float
    codes: Mapping[str, IntArray]
    labels: Mapping[str, tuple[str, ...]]
    increment: float
    notes: tuple[Note, ...]


def _natural(label: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which part 10 comes after part 9."""
    return tuple((0, int(t), "") if t.isdecimal() else (1, 0, t) for t in re.split(r"(\d+)", label) if t)


def _coded(column: object, name: str, n: int) -> tuple[IntArray, tuple[str, ...]]:
    """Return codes into the sorted labels (-1 where missing), and the labels."""
    if isinstance(column, str | bytes | dict | set) or column is None:
        raise DataError(f"{name}: got {column!r}; one label per measurement is wanted")
    a = np.asarray(column)
    if a.ndim != 1 or a.size != n:
        raise DataError(f"{name}: shape {a.shape} came for {n} measurements; one label each is wanted")
    if a.dtype.kind not in "biufMOUT":
        raise DataError(f"{name}: got {a.dtype} values; numbers, dates or text are wanted")
    if a.dtype.kind in "UT":
        a = a.astype(object)
    elif a.dtype.kind == "O":
        a = _plain_objects(a)
    texts = np.array(table.labels(a), dtype=object)
    present = sorted(set(texts.tolist()) - {""}, key=_natural)
    index = {label: i for i, label in enumerate(present)}
    return np.fromiter((index.get(t, -1) for t in texts), dtype=np.intp, count=n), tuple(present)


def _plain_objects(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
    out = np.empty(a.size, dtype=object)
    for i, cell in enumerate(a):
        missing = cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell
        whole = isinstance(cell, float) and cell.is_integer()
        out[i] = None if missing else str(int(cell)) if whole else str(cell).strip()
    return out


def _cube(data: object, missing: str) -> tuple[FloatArray, dict[str, object]]:
    """Return the measurements of a parts x operators x repeats array, in long form."""
    try:
        x = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("data: got rows of unequal length or text; parts x operators x repeats is wanted") from None
    if x.ndim != 3:
        raise DataError(
            f"data: an array of shape {x.shape} came; parts x operators x repeats is wanted (one operator: "
            "data[:, None, :]), or one measurement per row with part= and operator="
        )
    part, operator, _ = np.indices(x.shape)
    labels: dict[str, object] = {"part": part.ravel() + 1, "operator": operator.ravel() + 1}
    return as_vector(x.ravel(), "data", missing=missing), labels


def _columns(
    data: object, values: object, roles: Mapping[str, object], missing: str
) -> tuple[FloatArray, dict[str, object]]:
    plain = isinstance(data, list | tuple | np.ndarray)
    if not plain and table.is_frame(data):
        names = {"values": values, **roles}
        for param, name in names.items():
            if not isinstance(name, str):
                got = "nothing" if name is None else "an array"
                raise DataError(f"{param}: got {got}; data is a table: name its column")
        seen: dict[str, str] = {}
        for param, name in names.items():
            if str(name) in seen:
                raise DataError(f"{param}: column {name!r} is already {seen[str(name)]}; each role has its own column")
            seen[str(name)] = param
        got_columns = table.columns(data, {k: str(v) for k, v in names.items()})
        y = as_vector(got_columns.pop("values"), f"values (column {values!r})", missing=missing)
        return y, dict(got_columns)
    if isinstance(data, Mapping):
        raise DataError("data: got a mapping; a data frame, an array or one column is wanted")
    if values is not None:
        raise DataError(f"values: got {values!r}, but data is no table; pass the numbers themselves as data")
    if all(column is None for column in roles.values()):
        return _cube(data, missing)
    return as_vector(data, "data", missing=missing), dict(roles)


def read_gauge(
    data: object,
    values: object,
    part: object,
    operator: object,
    factors: Sequence[str] | Mapping[str, object] | None,
    missing: str,
) -> GaugeData:
    """Return the measurements of a gauge study, checked, centred and coded.

    Raises
    ------
    DataError
        A role without its column, or one column for two roles; text for numbers; missing where not allowed; labels that
        never repeat; values that never vary.
    TooFewData
        Fewer than two parts or four measurements.
    """
    check_choice(missing, "missing", ("raise", "drop"))
    roles: dict[str, object] = {"part": part, "operator": operator}
    extra = _factor_roles(factors, roles)
    if operator is None and part is not None:
        del roles["operator"]  # one operator: `lay_out` says what that means
    y, columns = _columns(data, values, {**roles, **extra}, missing)
    n = y.size
    coded = {name: _coded(column, name, n) for name, column in columns.items()}
    gone = np.isnan(y)
    for name, (codes, _) in coded.items():
        if (codes < 0).any():
            if missing != "drop":
                where = int(np.argmax(codes < 0))
                raise DataError(f"{name}: no label at position {where}; fill it in or pass missing='drop'")
            gone |= codes < 0
    notes: tuple[Note, ...] = ()
    if dropped := int(gone.sum()):
        notes = (Note("missing-dropped", "warning", f"{dropped} of {n} measurements left out: no value or no label"),)
    kept = {name: _recode(codes[~gone], labels) for name, (codes, labels) in coded.items()}
    return _checked(y[~gone], kept, notes)


def _factor_roles(
    factors: Sequence[str] | Mapping[str, object] | None, roles: Mapping[str, object]
) -> dict[str, object]:
    if factors is None:
        return {}
    if isinstance(factors, str):
        factors = [factors]
    named: dict[str, object] = dict(factors) if isinstance(factors, Mapping) else {str(name): name for name in factors}
    reserved = {*roles, "repeatability", "reproducibility", "interaction", "gauge_rr", "total"}
    for name in named:
        if name in reserved:
            raise DataError(f"factors: {name!r} is the name of a role; rename the column")
    return named


def _recode(codes: IntArray, labels: tuple[str, ...]) -> tuple[IntArray, tuple[str, ...]]:
    there = np.bincount(codes, minlength=len(labels)) > 0
    return (np.cumsum(there) - 1)[codes], tuple(label for label, used in zip(labels, there, strict=True) if used)


def _checked(
    y: FloatArray, coded: Mapping[str, tuple[IntArray, tuple[str, ...]]], notes: tuple[Note, ...]
) -> GaugeData:
    if y.size < 4:
        raise TooFewData(f"data: {y.size} measurements came; a gauge study needs at least four")
    if len(coded["part"][1]) < 2:
        raise TooFewData("part: one part only; part-to-part variation needs two, and a sound study ten")
    for name, (_, labels) in coded.items():
        if len(labels) == y.size:
            raise DataError(
                f"{name}: {y.size} different labels in {y.size} rows, so nothing was measured again; name the column "
                f"that says which {name} it was (a row or record number is not one)"
            )
    center = float(y.mean())
    center += float((y - center).mean())
    distinct = np.unique(y)
    if distinct.size == 1:
        raise DataError(f"data: all measurements are {distinct[0]:g}; this gauge cannot tell the parts apart at all")
    return GaugeData(
        y - center,
        center,
        {name: codes for name, (codes, _) in coded.items()},
        {name: labels for name, (_, labels) in coded.items()},
        float(np.diff(distinct).min()),
        notes,
    )
