"""From whatever came in to a float64 vector, or an error that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.blocks import everywhere, everywhere_true
from qstats.errors import DataError, TooFewData

__all__ = ["BoolArray", "FloatArray", "as_counts", "as_exposure", "as_vector", "first_bad", "object_to_float"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_EXACT = 2**53


def first_bad(bad: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> str:
    """Say how many entries are bad and show the first: text for an error message."""
    where = int(np.argmax(bad))
    more = int(bad.sum()) - 1
    return f"{values[where]!s} at position {where}" + (f" and {more} more" if more else "")


def _cell_to_float(cell: object, name: str, where: int) -> float:
    if cell is None or type(cell).__name__ in {"NAType", "NaTType"}:
        return float("nan")
    if isinstance(cell, Real | Decimal | Fraction | np.bool_):
        try:
            return float(cell)
        except (OverflowError, ValueError):
            raise DataError(f"{name}: {cell!r} at position {where} does not fit a float64; scale the values") from None
    what = "text" if isinstance(cell, str | bytes) else f"a {type(cell).__name__}"
    shown = repr(cell)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    raise DataError(f"{name}: got {what} ({shown}) at position {where}; numbers are wanted: convert the column first")


def object_to_float(cells: Iterable[object], name: str) -> FloatArray:
    """Convert Python objects one by one: None and NA become NaN, text is refused."""
    return np.array([_cell_to_float(c, name, i) for i, c in enumerate(cells)], dtype=np.float64)


def _widest(whole: npt.NDArray[Any]) -> int:
    return max(int(np.maximum.reduce(whole, axis=None)), -int(np.minimum.reduce(whole, axis=None)))


def _as_float(data: object, name: str) -> FloatArray:
    if isinstance(data, str | bytes | dict | set | frozenset):
        raise DataError(f"{name}: got a {type(data).__name__}; a sequence of numbers is wanted")
    if isinstance(data, np.ma.MaskedArray):
        data = np.ma.filled(data.astype(np.float64), np.nan)
    try:
        a = np.asarray(data)
    except ValueError:
        raise DataError(f"{name}: rows of unequal length; a plain sequence of numbers is wanted") from None
    if a.dtype.kind in "biuf":
        if a.dtype.itemsize == 8 and a.dtype.kind in "iu" and a.size and _widest(a) > _EXACT:
            raise DataError(f"{name}: whole numbers beyond 2**53 lose digits as float64; subtract an offset")
        return a.astype(np.float64, copy=False)
    if a.dtype.kind == "O" and a.ndim == 1:
        return object_to_float(a, name)
    kinds = {"U": "text", "S": "bytes", "T": "text", "M": "dates", "m": "durations", "c": "complex numbers"}
    got = kinds.get(a.dtype.kind, f"{a.dtype} values")
    raise DataError(f"{name}: got {got}; numbers are wanted: convert them first (text is never parsed silently)")


def as_vector(data: object, name: str, *, missing: str = "raise", least: int = 1) -> FloatArray:
    """Return `data` as a 1-D float64 array that is finite, or finite and NaN where ``missing="drop"``.

    Parameters
    ----------
    data : array-like
        Numbers; booleans count as 0 and 1; None, NA and masked entries are missing.
    name : str
        The parameter's name, for messages.
    missing : {"raise", "drop", "never"}
        ``"drop"`` leaves NaN in place: the caller decides what a gap means and says so in a note. ``"never"`` is
        ``"raise"`` where the public function has no `missing`, so the error does not advise it.
    least : int
        Fewest present values wanted.

    Raises
    ------
    DataError
        Text, dates, complex, infinite, more than one dimension, missing where not allowed.
    TooFewData
        Fewer than `least` present values.
    """
    if missing not in ("raise", "drop", "never"):
        raise DataError(f"missing: got {missing!r}; 'raise' or 'drop' is wanted")
    a = _as_float(data, name)
    if a.ndim != 1:
        raise DataError(f"{name}: got {a.ndim} dimensions (shape {a.shape}); one column of numbers is wanted")
    # A finite sum of squares proves every value finite in one pass; otherwise look closely (it may have overflowed).
    with np.errstate(over="ignore", invalid="ignore"):
        finite = bool(np.isfinite(np.dot(a, a)))
    gaps = 0
    if not finite:
        infinite = np.isinf(a)
        if infinite.any():
            raise DataError(f"{name}: {first_bad(infinite, a)}; finite numbers are wanted")
        nan = np.isnan(a)
        gaps = int(nan.sum())
        if gaps and missing != "drop":
            advice = "clean the data" + (" or pass missing='drop'" if missing == "raise" else "")
            raise DataError(f"{name}: missing value ({first_bad(nan, a)}); {advice}")
    if a.size - gaps < least:
        raise TooFewData(f"{name}: {a.size - gaps} values came; at least {least} wanted")
    return a


def as_counts(data: object, name: str, *, missing: str = "raise") -> FloatArray:
    """Return whole numbers from 0 to 2**53 as float64 (NaN where missing and allowed)."""
    a = as_vector(data, name, missing=missing)
    if not everywhere_true(lambda x: (x >= 0) & (x == np.floor(x)) & (x <= _EXACT), a):
        bad = (a < 0) | (a != np.floor(a))
        bad &= ~np.isnan(a)
        if bad.any():
            raise DataError(f"{name}: {first_bad(bad, a)}; counts are whole numbers of zero or more")
        if (large := a > _EXACT).any():
            raise DataError(f"{name}: {first_bad(large, a)}; beyond 2**53 a float64 cannot count: use a larger unit")
    return a


def as_exposure(data: Any, name: str, n: int, *, missing: str = "raise") -> FloatArray:
    """Return positive finite numbers of length `n` (a single number is repeated without copying)."""
    if np.ndim(data) == 0 and not isinstance(data, str | bytes | dict | set | frozenset) and data is not None:
        one = float(as_vector([data], name, missing="never")[0])
        if not one > 0.0:
            raise DataError(f"{name}: {one}; it must be above zero (a period without exposure is a gap)")
        return everywhere(one, n)
    a = as_vector(data, name, missing=missing)
    if a.size != n:
        raise DataError(f"{name}: {a.size} values came for {n} points; one each is wanted")
    if not a.min() > 0 and (bad := a <= 0).any():  # a NaN is the least of all and no fault
        raise DataError(f"{name}: {first_bad(bad, a)}; each must be above zero (a period without exposure is a gap)")
    return a
