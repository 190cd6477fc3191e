"""Which few kinds of complaint make most of them, and how sure that ranking is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray, as_counts, as_vector
from qstats._core.checks import check_confidence
from qstats._core.notes import Note
from qstats._core.quantiles import binomial_sf, normal_sf
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData

__all__ = ["ParetoTable", "pareto", "rank_sets"]

MISSING = "(missing)"
OTHER = "(other)"


@dataclass(frozen=True, slots=True, eq=False)
class ParetoTable(Result):
    """Categories from the largest down, with a confidence set for each rank.

    Parameters
    ----------
    categories : tuple of str
        Largest first; ``"(other)"`` always last.
    values : ndarray, shape (m,)
        Counts, or sums of the weight.
    share, cumulative : ndarray, shape (m,)
        Of the total, 0 to 1.
    rank_low, rank_high : ndarray of int, shape (m,)
        The true rank of each category lies in its set, for all categories at once, with the confidence given.
    confidence : float
    n : float
        Number of defects counted.
    weighted : bool
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.pareto/1"
    title: ClassVar[str] = "Pareto"

    categories: tuple[str, ...]
    values: FloatArray
    share: FloatArray
    cumulative: FloatArray
    rank_low: npt.NDArray[np.int64]
    rank_high: npt.NDArray[np.int64]
    confidence: float
    n: float
    weighted: bool
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            (c, f"{v:g}  {s:.1%}  cumulative {cum:.1%}  rank {lo}" + (f" to {hi}" if hi != lo else ""))
            for c, v, s, cum, lo, hi in zip(
                self.categories, self.values, self.share, self.cumulative, self.rank_low, self.rank_high, strict=True
            )
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "category": list(self.categories),
            "value": self.values,
            "share": self.share,
            "cumulative": self.cumulative,
            "rank_low": self.rank_low,
            "rank_high": self.rank_high,
        }


def _holm(p: FloatArray, alpha: float) -> npt.NDArray[np.bool_]:
    """Holm's step-down: which of the hypotheses are rejected with family-wise error `alpha`."""
    order = np.argsort(p, kind="stable")
    passed = p[order] <= alpha / (p.size - np.arange(p.size))
    count = p.size if passed.all() else int(np.argmin(passed))
    rejected = np.zeros(p.size, dtype=bool)
    rejected[order[:count]] = True
    return rejected


def rank_sets(
    values: FloatArray, squares: FloatArray | None, confidence: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    r"""Return lowest and highest rank of each category that the counts leave open, for all at once.

    Every ordered pair is tested one-sided: given :math:`x_j + x_k`, :math:`x_j` is Binomial(., 1/2) when both are
    equally frequent (sums of a weight: compound Poisson, normal with variance :math:`\sum w^2`). Holm over all pairs.

    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91(1), 476-518.
    """
    m = values.size
    if m == 1:
        return np.array([1]), np.array([1])
    j, k = (index.ravel() for index in np.indices((m, m)))
    j, k = j[j != k], k[j != k]
    total = values[j] + values[k]
    if squares is None:
        p = np.where(total > 0, binomial_sf(values[j], np.maximum(total, 1.0), 0.5), 1.0)
    else:
        spread = np.sqrt(squares[j] + squares[k])
        gap = values[j] - values[k]
        p = np.where(spread > 0, normal_sf(np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)), 1.0)
    larger = _holm(p, 1.0 - confidence)
    above = np.bincount(k[larger], minlength=m)  # how many are surely larger than this one
    below = np.bincount(j[larger], minlength=m)
    return 1 + above, m - below


@dataclass(frozen=True, slots=True, eq=False)
class _Tally:
    names: list[str]
    values: FloatArray
    squares: FloatArray | None
    n: float
    missing: float


def _label(key: object) -> str:
    if key is None or (isinstance(key, float) and key != key):
        return MISSING
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return str(key)


def _merge(keys: list[object], values: FloatArray, squares: FloatArray | None, rows: FloatArray) -> _Tally:
    names = [_label(k) for k in keys]
    unique = list(dict.fromkeys(names))
    code = np.array([unique.index(n) for n in names], dtype=np.intp)

    def add(x: FloatArray) -> FloatArray:
        return np.bincount(code, weights=x, minlength=len(unique)).astype(np.float64)

    merged = add(values)
    missing = float(rows[[n == MISSING for n in names]].sum())
    return _Tally(unique, merged, None if squares is None else add(squares), float(rows.sum()), missing)


def _tally_frame(data: Any, by: str | None, count: str | None, weight: str | None) -> _Tally:
    if by is None:
        raise DataError("by: is missing; name the column that holds the category")
    if count is not None and weight is not None:
        raise DataError("count, weight: give one of them (number of defects per row, or cost per row)")
    if weight is None:
        out = table.counts_by(data, [by], weight=count)
        values = np.asarray(out["weight" if count else "n"], dtype=np.float64)
        return _merge(list(out[by].tolist()), as_counts(values, count or "n"), None, values)
    cols = table.columns(data, {"by": by, "weight": weight})
    w = as_vector(cols["weight"], weight)
    if (w < 0).any():
        raise DataError(f"weight: column {weight!r} holds negative values; costs of zero or more are wanted")
    labels = np.array([_label(k) for k in cols["by"].tolist()], dtype=object)
    names, code = np.unique(labels.astype(str), return_inverse=True)
    sums = [np.bincount(code, weights=x, minlength=names.size).astype(np.float64) for x in (w, w * w, np.ones(w.size))]
    return _merge(list(names), sums[0], sums[1], sums[2])


def _tally_plain(data: Any, by: object, count: object, weight: object) -> _Tally:
    if by is not None or count is not None or weight is not None:
        raise DataError("by, count, weight: are column names for a table; plain categories or a dict came")
    if isinstance(data, Mapping):
        keys, counts = list(data), as_counts(list(data.values()), "data")
        return _merge(keys, counts, None, counts)
    if isinstance(data, str | bytes) or not hasattr(data, "__iter__"):
        raise DataError(f"data: got a {type(data).__name__}; a table, a list of categories or a dict is wanted")
    tally = Counter(_label(k) for k in (data.tolist() if hasattr(data, "tolist") else data))
    counts = np.array(list(tally.values()), dtype=np.float64)
    return _merge(list(tally), counts, None, counts)


def _collapse(tally: _Tally, top: int | None) -> tuple[list[str], FloatArray, FloatArray | None]:
    """Sort largest first (ties by name); beyond `top` the rest becomes one last category."""
    order = sorted(range(len(tally.names)), key=lambda i: (-tally.values[i], tally.names[i]))
    names = [tally.names[i] for i in order]
    values = tally.values[order]
    squares = None if tally.squares is None else tally.squares[order]
    if top is None or top >= len(names) - 1:
        return names, values, squares
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise DataError(f"top: got {top!r}; a whole number of 1 or more is wanted")
    values = np.append(values[:top], values[top:].sum())
    if squares is not None:
        squares = np.append(squares[:top], squares[top:].sum())
    return [*names[:top], OTHER], values, squares


def pareto(
    data: Any,
    *,
    by: str | None = None,
    count: str | None = None,
    weight: str | None = None,
    top: int | None = None,
    confidence: float = 0.95,
) -> ParetoTable:
    r"""Rank kinds of complaint from the largest down, and say which ranks the data really establish.

    Use it to choose what to work on. Not as proof that a category fell: that is a comparison with exposure
    (`verify_improvement`).

    Parameters
    ----------
    data : frame, sequence of categories, or dict of counts
    by : str, optional
        Column of the category, for a frame.
    count, weight : str, optional
        Column with the number of defects in a row, or with the cost or severity of a row (one of them).
    top : int, optional
        Keep so many categories; the rest becomes ``"(other)"``, always last. Ranks are judged before that.
    confidence : float
        Of all rank sets together.

    Returns
    -------
    ParetoTable
        A missing category is kept as ``"(missing)"`` and noted.

    Raises
    ------
    DataError, TooFewData
        Negative or fractional counts, an unknown column, nothing to count.

    Notes
    -----
    Rank sets invert one-sided tests of all ordered pairs with Holm's correction; see `rank_sets`.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91(1), 476-518.

    Examples
    --------
    >>> from qstats import pareto
    >>> counts = {"late": 120, "damaged": 95, "wrong": 60, "short": 30, "rude": 12, "invoice": 8, "else": 5}
    >>> table = pareto(counts)
    >>> list(zip(table.rank_low.tolist(), table.rank_high.tolist()))
    [(1, 2), (1, 3), (2, 3), (4, 5), (4, 7), (5, 7), (5, 7)]
    """
    confidence = check_confidence(confidence)
    is_frame = table.is_frame(data)
    tally = _tally_frame(data, by, count, weight) if is_frame else _tally_plain(data, by, count, weight)
    total = float(tally.values.sum())
    if not total > 0:
        raise TooFewData("data: nothing to count (no rows, or all counts are zero)")
    everything, all_values, all_squares = _collapse(tally, None)
    low, high = rank_sets(all_values, all_squares, confidence)
    names, values, _ = _collapse(tally, top)
    keep = len(names) - 1 if names[-1] == OTHER and OTHER not in everything else len(names)
    low = np.append(low[:keep], [keep + 1] * (len(names) - keep))
    high = np.append(high[:keep], [len(everything)] * (len(names) - keep))
    notes = []
    if tally.missing:
        text = f"{tally.missing:g} of {tally.n:g} have no category: kept as {MISSING!r}"
        notes.append(Note("missing-category", "warning", text))
    if high[0] > 1:
        text = f"{names[0]!r} is not established as the largest: ranks 1 to {high[0]} are open"
        notes.append(Note("top-not-established", "warning", text))
    share = values / total
    return ParetoTable(
        tuple(names), frozen_array(values), frozen_array(share), frozen_array(np.minimum(np.cumsum(share), 1.0)),
        frozen_array(low, np.int64), frozen_array(high, np.int64), confidence, tally.n, weight is not None,
        tuple(notes),
    )  # fmt: skip
