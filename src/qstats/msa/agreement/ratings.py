"""Read a table of parts x raters, or of counts per category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.errors import DataError, TooFewData
from qstats.msa.agreement.coding import Coded, Codes, code_matrix, put_in_order
from qstats.msa.agreement.weights import check_categories, tally_rows

__all__ = ["Ratings", "counts_of", "read_ratings"]

_WANTED = "an array of parts x raters"


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Answers as codes, shape (parts, raters); -1 where missing."""

    codes: Codes
    labels: tuple[str, ...]
    kind: str
    values: FloatArray | None


def read_ratings(
    data: object, categories: Sequence[object] | None, *, ordered: bool = False, limit: bool = True
) -> Ratings:
    """Return the answers, checked; `ordered` refuses text without an order."""
    coded, shape = code_matrix(data, "ratings", _WANTED)
    if len(shape) != 2:
        raise DataError(f"ratings: shape {shape} came; {_WANTED} is wanted (for trials use attribute_agreement)")
    if ordered and categories is None and coded.kind == "text":
        raise DataError("categories: text has no order of its own; list the categories in order, as categories=[...]")
    coded = put_in_order(coded, categories, "categories")
    if limit:
        check_categories(len(coded.labels), "ratings")
    _check_shape(coded, shape)
    return Ratings(coded.codes, coded.labels, coded.kind, coded.values)


def _check_shape(coded: Coded, shape: tuple[int, ...]) -> None:
    if shape[0] < 2 or shape[1] < 2:
        raise TooFewData(f"ratings: {shape[0]} parts x {shape[1]} raters came; two of each at least are wanted")
    if int(((coded.codes >= 0).sum(axis=1) >= 2).sum()) < 2:
        raise TooFewData("ratings: fewer than two parts have two answers")


def counts_of(
    data: object, counts: object, categories: Sequence[object] | None, ordered: bool
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return counts of answers, shape (parts, categories), and the labels; `data` holds answers, or such counts."""
    if not isinstance(counts, bool):
        raise DataError(f"counts: got {counts!r}; True (data are counts) or False (data are answers) is wanted")
    if not counts:
        r = read_ratings(data, categories, ordered=ordered)
        return tally_rows(r.codes, len(r.labels)), r.labels
    try:
        n = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "ratings: got text or rows of unequal length; whole numbers are wanted with counts=True"
        ) from None
    if n.ndim != 2:
        raise DataError(f"ratings: shape {n.shape} came; counts of parts x categories are wanted")
    if not np.isfinite(n).all() or (n < 0).any() or (n != np.floor(n)).any():
        raise DataError("ratings: counts=True wants whole numbers of zero or more")
    k = n.shape[1]
    labels = tuple(str(i + 1) for i in range(k))
    if categories is not None:
        if isinstance(categories, str) or len(categories) != k:
            raise DataError(f"categories: {k} columns of counts came; as many names are wanted")
        labels = tuple(str(c) for c in categories)
    check_categories(k, "ratings")
    if int((n.sum(axis=1) >= 2).sum()) < 2:
        raise TooFewData("ratings: fewer than two parts have two answers")
    return n, labels
