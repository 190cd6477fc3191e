"""From what the caller passed to counts, sizes and names of units."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import as_counts, as_exposure, first_bad
from qstats.errors import DataError
from qstats.spc.door import label_array
from qstats.spc.labels import PointLabels, text_of
from qstats.spc.points import Points

__all__ = ["read_units"]


def _columns(data: object, asked: dict[str, object]) -> dict[str, Any]:
    """Return the columns by parameter; rows keep their order where the table has one, else they go by unit."""
    if isinstance(data, list | tuple | np.ndarray) or not table.is_frame(data):
        if asked["count"] is not None:
            raise DataError(f"count: got {asked['count']!r}, but data is no table; pass the counts themselves as data")
        for name, value in asked.items():
            if isinstance(value, str):
                raise DataError(f"{name}: got {value!r}, but data is no table that has columns")
        return {**asked, "count": data}
    for name, value in asked.items():
        if name == "count" and value is None:
            raise DataError("count: got nothing; data is a table: name its column")
        if not isinstance(value, str) and np.ndim(value) > 0:  # type: ignore[arg-type]
            raise DataError(f"{name}: got an array; data is a table: name its column")
    names = {name: value for name, value in asked.items() if isinstance(value, str)}
    try:
        return {**asked, **table.columns(data, names)}
    except DataError:
        if "unit" not in names:
            raise
        return {**asked, **table.columns(data, names, order_by=names["unit"])}


def read_units(
    data: object, size_name: str, asked: dict[str, object], missing: str
) -> tuple[Points, PointLabels | None]:
    """Return count and size of each unit, and the names of the units.

    Parameters
    ----------
    data : frame or array-like
        A table, or the counts.
    size_name : {"size", "exposure", "expected"}
        Which kind of size came.
    asked : dict of str to object
        ``count``, the size and perhaps ``unit``: column names, arrays or one number.
    missing : {"raise", "drop"}
        ``"drop"`` keeps a unit without a value as a gap.
    """
    got = _columns(data, asked)
    x = as_counts(got["count"], "count", missing=missing)
    n = as_exposure(got[size_name], size_name, x.size, missing=missing)
    gap = np.isnan(x) | np.isnan(n)
    if size_name == "size":
        part = ~gap & (n != np.floor(n))
        if part.any():
            raise DataError(f"size: {first_bad(part, n)}; a sample has a whole number of units (else exposure=)")
        if (x[~gap] > n[~gap]).any():
            at = int(np.argmax(~gap & (x > n)))
            raise DataError(f"count: {x[at]:g} of a sample of {n[at]:g} at position {at}; a count cannot exceed it")
    labels = None
    if got.get("unit") is not None:
        names = label_array(got["unit"], "unit", x.size)
        _distinct(names)
        labels = PointLabels(x.size, names.copy())
    return Points({"count": np.where(gap, np.nan, x)}, np.array(n)), labels


def _distinct(names: npt.NDArray[Any]) -> None:
    keys, often = np.unique(names, return_counts=True)
    if (often > 1).any():
        one = text_of(keys[int(np.argmax(often > 1))])
        raise DataError(f"unit: {one!r} comes {often.max()} times or so; add up the rows of each unit first")
