"""How often each category occurs, from rows on any engine, a list or a dict; and small categories pooled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_counts
from qstats._core.checks import check_number
from qstats.errors import DataError

__all__ = ["MISSING", "OTHER", "Ranked", "Tally", "label_of", "rank", "tally_of", "weight_sums"]

MISSING = "(missing)"
OTHER = "(other)"


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts (or sums of a weight, with their sums of squares) of each category, in the order met."""

    names: list[str]
    values: FloatArray
    squares: FloatArray | None
    n: float
    missing: float


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Named categories, largest first (ties by name); the first `keep` stand alone, the rest and `catch` are pooled."""

    names: list[str]
    values: FloatArray
    squares: FloatArray | None
    keep: int
    catch: float
    catch_squares: float

    @property
    def pooled(self) -> bool:
        """Whether there is a last category "(other)"."""
        return self.keep < len(self.names) or self.catch > 0.0


def label_of(key: object) -> str:
    """Return the name of a category; whole floats lose their ".0", as engines differ on it."""
    if key is None or key != key:
        return MISSING
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return str(key)


def _merge(keys: Sequence[object], values: FloatArray, squares: FloatArray | None, rows: FloatArray) -> Tally:
    names = [label_of(k) for k in keys]
    place = {name: i for i, name in enumerate(dict.fromkeys(names))}
    code = np.array([place[n] for n in names], dtype=np.intp)

    def add(x: FloatArray) -> FloatArray:
        return np.bincount(code, weights=x, minlength=len(place)).astype(np.float64)

    missing = float(rows[[n == MISSING for n in names]].sum())
    return Tally(list(place), add(values), None if squares is None else add(squares), float(rows.sum()), missing)


def weight_sums(data: Any, keys: Sequence[str], weight: str) -> tuple[dict[str, Any], FloatArray, FloatArray]:
    """Return distinct keys and weights, each with its number of rows and its weight: counted inside the engine."""
    if weight in keys:
        raise DataError(f"weight: {weight!r} is the column of the category; name the column of costs")
    out = table.counts_by(data, [*keys, weight])
    cells = out[weight]
    if len(cells) and any(isinstance(c, str) for c in cells[:1]):
        raise DataError(f"weight: column {weight!r} holds text; numbers are wanted")
    w = np.array([np.nan if c is None else float(c) for c in cells], dtype=np.float64)
    _check_weights(w, weight)
    return out, w, out["n"].astype(np.float64)


def _check_weights(w: FloatArray, weight: str) -> None:
    if np.isnan(w).any():
        raise DataError(f"weight: column {weight!r} has missing values; fill in the cost or leave the rows out")
    if np.isinf(w).any() or (w < 0).any():
        raise DataError(f"weight: column {weight!r} holds negative values or infinite ones; costs >= 0 are wanted")


def _tally_weights(data: Any, by: str, weight: str) -> Tally:
    """Sum and sum of squares of the weight in each category, from moments taken inside the engine."""
    if weight == by:
        raise DataError(f"weight: {weight!r} is the column of the category; name the column of costs")
    moments = table.moments_by(data, weight, by)
    _check_weights(np.array([np.nan]) if moments.dropped_missing else moments.low, weight)
    n, mean, m2 = moments.n, moments.mean, moments.m2
    tally = _merge(moments.key.tolist(), n * mean, m2 + n * mean * mean, n)
    if not moments.dropped_keys:
        return tally
    out, w, rows = weight_sums(data, [by], weight)
    lost = np.array([label_of(k) == MISSING for k in out[by].tolist()])
    w, rows = w[lost], rows[lost]
    sums = [float(x.sum()) for x in (rows * w, rows * w * w, rows)]
    values, squares, all_rows = (
        np.append(a, s) for a, s in zip((n * mean, m2 + n * mean * mean, n), sums, strict=True)
    )
    return _merge([*moments.key.tolist(), None], values, squares, all_rows)


def _tally_frame(data: Any, by: str | None, count: str | None, weight: str | None) -> Tally:
    if by is None:
        raise DataError("by: is missing; name the column that holds the category")
    if count is not None and weight is not None:
        raise DataError("count, weight: give one of them (number of defects per row, or cost per row)")
    if weight is not None:
        return _tally_weights(data, by, weight)
    out = table.counts_by(data, [by], weight=count)
    values = np.asarray(out["weight" if count else "n"], dtype=np.float64)
    return _merge(out[by].tolist(), as_counts(values, count or "n"), None, values)


def _tally_plain(data: Any, by: object, count: object, weight: object) -> Tally:
    if by is not None or count is not None or weight is not None:
        raise DataError("by, count, weight: are column names for a table; plain categories or a dict came")
    if isinstance(data, Mapping):
        keys, counts = list(data), as_counts(list(data.values()), "data")
        return _merge(keys, counts, None, counts)
    if isinstance(data, str | bytes) or not hasattr(data, "__iter__"):
        raise DataError(f"data: got a {type(data).__name__}; a table, a list of categories or a dict is wanted")
    found = Counter(label_of(k) for k in (data.tolist() if hasattr(data, "tolist") else data))
    counts = np.array(list(found.values()), dtype=np.float64)
    return _merge(list(found), counts, None, counts)


def tally_of(data: Any, by: str | None, count: str | None, weight: str | None) -> Tally:
    """Return how often each category occurs (or its sum of weights); a missing category is one of its own."""
    return (_tally_frame if table.is_frame(data) else _tally_plain)(data, by, count, weight)


def rank(tally: Tally, top: int | None, other_below: float, other: str | None) -> Ranked:
    """Sort largest first; beyond `top`, or below a share of the total, categories are pooled with the catch-all.

    One small category alone is not pooled, unless there is a catch-all to put it in: it would only change its name.
    """
    if top is not None and (isinstance(top, bool) or not isinstance(top, int) or top < 1):
        raise DataError(f"top: got {top!r}; a whole number of 1 or more is wanted")
    least = check_number(other_below, "other_below", least=0.0, below=1.0) * float(tally.values.sum())
    named = [i for i, name in enumerate(tally.names) if name != other]
    order = sorted(named, key=lambda i: (-tally.values[i], tally.names[i]))
    caught = [i for i, name in enumerate(tally.names) if name == other]
    values = tally.values[order]
    keep = min(len(order) if top is None else top, int(np.count_nonzero(values >= least)))
    catch = float(tally.values[caught].sum())
    keep = max(keep, min(1, len(order)))
    if keep == len(order) - 1 and not catch:
        keep += 1
    squares = None if tally.squares is None else tally.squares[order]
    caught_squares = 0.0 if tally.squares is None else float(tally.squares[caught].sum())
    return Ranked([tally.names[i] for i in order], values, squares, keep, catch, caught_squares)
