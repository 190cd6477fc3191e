"""Rows of one outcome and several drivers, complete and checked, from a table, a mapping or arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.table.arrays import short_repr
from qstats.voice.drivers.kernels import Standardised, standardise

__all__ = ["Rows", "read_rows", "scattered"]


class Rows(NamedTuple):
    """Complete rows: columns of the drivers, then the outcome; weights; what was left out."""

    names: tuple[str, ...]
    outcome: str
    x: FloatArray
    weight: FloatArray
    notes: tuple[Note, ...]


def _driver_names(drivers: Any, outcome: str) -> tuple[str, ...]:
    if isinstance(drivers, str | bytes) or not hasattr(drivers, "__iter__") or getattr(drivers, "ndim", 1) != 1:
        raise DataError(
            f"drivers: got {short_repr(drivers)}; the columns of the drivers are wanted, such as ['food', 'signs']"
        )
    names = tuple(drivers)
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"drivers: got {short_repr(name)}; names are wanted")
        if names.count(name) > 1:
            raise DataError(f"drivers: {name!r} is there {names.count(name)} times; name each driver once")
        if name == outcome:
            raise DataError(f"drivers: {name!r} is the outcome itself; leave it out")
    return names


def _from_frame(data: Any, outcome: Any, names: tuple[str, ...], weight: Any) -> tuple[dict[str, Any], FloatArray]:
    """In memory: the columns. Where rows have no order: equal rows counted in the engine, sorted, so draws repeat."""
    extra = {} if weight is None else {"weight": weight}
    for parameter, column in {"outcome": outcome, **extra}.items():
        if not isinstance(column, str):
            got = short_repr(column)
            raise DataError(f"{parameter}: got {got}; the name of a column is wanted, since the data are a table")
    wanted = {**{f"driver {name!r}": name for name in names}, "outcome": outcome, **extra}
    lazy = table.lazy_keys(data, outcome, outcome)
    if lazy is None or lazy.rows_in_order:
        found: dict[str, Any] = table.columns(data, wanted)
        return found, np.ones(len(found["outcome"]))
    counted = table.counts_by(data, list(wanted.values()))
    return {parameter: counted[column] for parameter, column in wanted.items()}, counted["n"].astype(np.float64)


def _from_arrays(data: Any, outcome: Any, drivers: Any, weight: Any) -> tuple[dict[str, Any], tuple[str, ...], str]:
    if isinstance(data, Mapping):
        if not isinstance(outcome, str) or outcome not in data:
            raise DataError(f"outcome: {short_repr(outcome)} is not in the data; it holds {', '.join(map(repr, data))}")
        names = _driver_names([k for k in data if k != outcome] if drivers is None else drivers, outcome)
        for name in names:
            if name not in data:
                raise DataError(f"drivers: {name!r} is not in the data; it holds {', '.join(map(repr, data))}")
        found = {**{f"driver {name!r}": data[name] for name in names}, "outcome": data[outcome]}
        label = outcome
    else:
        matrix = data if isinstance(data, np.ndarray) else np.array(_rows_of_lists(data))
        if matrix.ndim != 2:
            raise DataError(
                f"data: got {matrix.ndim} dimensions; a table, a mapping, or an array with one column per driver is "
                f"wanted"
            )
        if isinstance(outcome, str) or not hasattr(outcome, "__len__"):
            raise DataError(
                f"outcome: got {short_repr(outcome)}; with an array of drivers the values of the outcome are wanted"
            )
        names = _driver_names([f"x{i + 1}" for i in range(matrix.shape[1])] if drivers is None else drivers, "outcome")
        if len(names) != matrix.shape[1]:
            raise DataError(f"drivers: {len(names)} names came for {matrix.shape[1]} columns; one each is wanted")
        found = {**{f"driver {name!r}": matrix[:, i] for i, name in enumerate(names)}, "outcome": outcome}
        label = "outcome"
    if weight is not None:
        found["weight"] = weight
    return found, names, label


def _rows_of_lists(data: Any) -> Any:
    if isinstance(data, str | bytes) or not hasattr(data, "__len__"):
        raise DataError(
            f"data: got {short_repr(data)}; a table, a mapping, or an array with one column per driver is wanted"
        )
    cells = [list(row) if hasattr(row, "__iter__") and not isinstance(row, str) else [row] for row in data]
    if len({len(row) for row in cells}) > 1:
        raise DataError("data: rows of unequal length; one value per driver is wanted in each")
    return np.array(cells, dtype=object) if cells else np.zeros((0, 0))


def _blanked(x: FloatArray, blank: Any) -> FloatArray:
    """Return `x` with the codes of `blank` as missing."""
    items: Any = [blank] if isinstance(blank, int | float) and not isinstance(blank, bool) else blank
    if isinstance(items, str | bytes) or not hasattr(items, "__iter__") or getattr(items, "ndim", 1) != 1:
        raise DataError(f"blank: got {short_repr(blank)}; the codes that mean 'no answer' are wanted, such as (0, 6)")
    codes = [check_number(code, "blank") for code in items]
    return np.where(np.isin(x, codes), np.nan, x) if codes else x


def _complete(columns: dict[str, FloatArray], missing: str, blank: Any) -> tuple[Any, tuple[Note, ...]]:
    """Return which rows have every value, and how many have not."""
    check_choice(missing, "missing", ("raise", "drop"))
    gaps = {name: np.isnan(column) for name, column in columns.items()}
    bad = np.any(list(gaps.values()), axis=0)
    if not bad.any():
        return ~bad, ()
    worst = max(gaps, key=lambda name: int(gaps[name].sum()))
    text = f"{int(bad.sum())} of {bad.size} rows lack a value (most often {worst}: {int(gaps[worst].sum())})"
    if missing == "raise":
        raise DataError(f"data: {text}; pass missing='drop' to use the complete rows only, counted")
    serious = 2 * int(bad.sum()) > bad.size
    more = "; those who answer everything may differ from those who do not" if serious else ""
    return ~bad, (Note("missing-dropped", "serious" if serious else "warning", f"{text}: left out{more}"),)


def read_rows(data: Any, outcome: Any, drivers: Any, weight: Any, missing: str, blank: Any) -> Rows:
    """Return the complete rows; blank codes are missing, and missing is refused unless it is to be dropped."""
    if table.is_frame(data):
        names = _driver_names(drivers, str(outcome))
        if not names:
            raise DataError("drivers: got none; at least one column is wanted")
        found, times = _from_frame(data, outcome, names, weight)
        label = str(outcome)
    else:
        found, names, label = _from_arrays(data, outcome, drivers, weight)
        if not names:
            raise DataError("drivers: got none; at least one column is wanted")
        times = None
    vectors = {name: as_vector(column, name, missing="drop", least=0) for name, column in found.items()}
    w = vectors.pop("weight", None)
    n = vectors["outcome"].size
    for name, vector in (*vectors.items(), *((("weight", w),) if w is not None else ())):
        if vector.size != n:
            raise DataError(f"{name}: {vector.size} values came, the outcome has {n}; one per row is wanted")
    columns = {name: _blanked(vector, blank) for name, vector in vectors.items()}
    good, notes = _complete(columns, missing, blank)
    x = np.column_stack(list(columns.values()))[good]
    weights = np.ones(n)[good] if w is None else _weights(w[good])
    if times is not None and (times != 1.0).any():
        again = times[good].astype(np.intp)
        x, weights = np.repeat(x, again, axis=0), np.repeat(weights, again)
    least = len(names) + 2
    if x.shape[0] < least:
        raise TooFewData(f"data: {x.shape[0]} complete rows came for {len(names)} drivers; at least {least} wanted")
    return Rows(names, label, x, weights, notes)


def _weights(w: FloatArray) -> FloatArray:
    gaps = np.isnan(w)
    if gaps.any():
        raise DataError(f"weight: missing ({first_bad(gaps, w)}); every row that counts needs its weight")
    if (bad := w < 0).any():
        raise DataError(f"weight: {first_bad(bad, w)}; weights of zero or more are wanted")
    if not w.sum() > 0:
        raise DataError("weight: all are zero; at least one above zero is wanted")
    return np.asarray(w / w.max())


def scattered(rows: Rows) -> Standardised:
    """Return the standardised columns; one without scatter is refused by name."""
    s = standardise(rows.x, rows.weight)
    for name, scale, mean in zip((*rows.names, rows.outcome), s.scale, s.mean, strict=True):
        if not scale > 0.0:
            what = "outcome" if name == rows.outcome else "drivers"
            raise DataError(f"{what}: {name!r} is {mean:g} in every row; what does not vary explains nothing: drop it")
    return s
