"""From a matrix or a table to columns of numbers, and the specification of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_vector, first_bad, object_to_float
from qstats._core.checks import check_choice
from qstats._core.spec import Spec, as_spec
from qstats.errors import DataError

__all__ = ["read_columns", "specifications"]


def read_columns(data: Any, values: object, missing: str) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the matrix, NaN where something is missing and may be, and the names of its columns."""
    check_choice(missing, "missing", ("raise", "drop"))
    if table.is_frame(data):
        return _from_frame(data, values, missing)
    if isinstance(data, list | tuple):
        try:
            data = np.asarray(data)
        except ValueError:
            raise DataError("data: rows of unequal length; a matrix is wanted, one column a characteristic") from None
    if not isinstance(data, np.ndarray) or data.ndim != 2:
        raise DataError("data: a matrix (rows in time order, one column a characteristic) or a table is wanted")
    if data.dtype.kind == "O":
        data = object_to_float(data.reshape(-1), "data, row after row").reshape(data.shape)
    if data.dtype.kind not in "biuf":
        raise DataError(f"data: got {data.dtype} values; numbers are wanted")
    x = data.astype(np.float64, copy=False)
    if not np.isfinite(x.sum()):
        if (infinite := np.isinf(x)).any():
            raise DataError(f"data: {first_bad(infinite.reshape(-1), x.reshape(-1))}; finite numbers are wanted")
        gone = int(np.isnan(x).sum())
        if gone and missing == "raise":
            raise DataError(f"data: {gone} missing values; clean the data or pass missing='drop'")
    names = values if values is not None else [str(i + 1) for i in range(x.shape[1])]
    if not isinstance(names, list | tuple) or len(names) != x.shape[1] or not all(isinstance(v, str) for v in names):
        raise DataError(f"values: one name for each of the {x.shape[1]} columns is wanted")
    return x, tuple(names)


def _from_frame(data: object, values: object, missing: str) -> tuple[FloatArray, tuple[str, ...]]:
    if values is None:
        values = table.column_names(data)
    if not isinstance(values, list | tuple) or not values or not all(isinstance(v, str) for v in values):
        raise DataError(f"values: got {values!r}; data is a table: a list of the columns to judge is wanted")
    got = table.columns(data, {f"values[{i}]": name for i, name in enumerate(values)})
    parts = [
        as_vector(got[f"values[{i}]"], f"values (column {name!r})", missing=missing, least=0)
        for i, name in enumerate(values)
    ]
    return np.column_stack(parts), tuple(values)


def specifications(spec: object, m: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return lower, upper and target of each column, NaN where there is none."""
    if isinstance(spec, Spec):
        return _stacked([spec] * m)
    if isinstance(spec, list | tuple) and spec and all(isinstance(v, Spec) for v in spec):
        if len(spec) != m:
            raise DataError(f"spec: {len(spec)} came for {m} columns; one each is wanted")
        return _stacked(spec)
    if isinstance(spec, list | tuple) and all(v is None or np.ndim(v) == 0 for v in spec):
        return _stacked([as_spec(spec)] * m)
    if not isinstance(spec, list | tuple) or len(spec) not in (2, 3):
        raise DataError("spec: a Spec, one Spec per column, or (lower, upper) or (lower, upper, target) arrays wanted")
    named = zip(("lower", "upper", "target"), (*spec, None)[:3], strict=True)
    arrays = [_side(v, f"spec ({name})", m) for name, v in named]
    return _stacked([_one(low, high, aim, j) for j, (low, high, aim) in enumerate(zip(*arrays, strict=True))])


def _side(value: Any, name: str, m: int) -> list[float]:
    if value is None:
        return [float("nan")] * m
    a = as_vector([value] * m if np.ndim(value) == 0 else value, name, missing="drop", least=0)
    if a.size != m:
        raise DataError(f"{name}: {a.size} values came for {m} columns; one each is wanted")
    return a.tolist()  # type: ignore[no-any-return]


def _one(low: float, high: float, aim: float, j: int) -> Spec:
    try:
        return Spec(*[None if v != v else v for v in (low, high, aim)])  # type: ignore[arg-type]
    except DataError as problem:
        raise DataError(f"spec of column {j + 1}: {problem}") from None


def _stacked(specs: Sequence[Spec]) -> tuple[FloatArray, FloatArray, FloatArray]:
    each = np.array([(s.lower_spec, s.upper_spec, s.aim) for s in specs], dtype=np.float64)
    return each[:, 0].copy(), each[:, 1].copy(), each[:, 2].copy()
