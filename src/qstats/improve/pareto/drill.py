"""The largest categories split by a second column: which product, site or shift the late parcels come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_counts
from qstats._core.checks import check_confidence
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.improve.pareto.table import ParetoTable, pareto_of, wanted_resamples
from qstats.improve.pareto.tally import OTHER, Tally, label_of, rank, weight_sums
from qstats.inference.resample import as_generator

__all__ = ["ParetoDrill", "pareto_drill"]


@dataclass(frozen=True, slots=True, eq=False)
class ParetoDrill(Result):
    """A Pareto table, and one more for each of its largest categories, split by a second column.

    Parameters
    ----------
    overall : ParetoTable
        All categories; those not drilled stand alone or in ``"(other)"``.
    categories : tuple of str
        The categories drilled, largest first.
    parts : tuple of ParetoTable
        The split of each of them, with rank sets of its own.
    category, by : str
        Names of the two columns.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.pareto-drill/1"
    title: ClassVar[str] = "Pareto, drilled down"

    overall: ParetoTable
    categories: tuple[str, ...]
    parts: tuple[ParetoTable, ...]
    category: str
    by: str
    notes: tuple[Note, ...] = ()

    def __getitem__(self, name: str) -> ParetoTable:
        """Return the split of one category."""
        if name not in self.categories:
            raise DataError(f"name: {name!r} was not drilled; one of {', '.join(map(repr, self.categories))} is wanted")
        return self.parts[self.categories.index(name)]

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for name, part in zip(self.categories, self.parts, strict=True):
            rows.append((name, f"{part.values.sum():g}"))
            rows += [(f"  {label}", text) for label, text in part._rows()]
        return rows

    def _columns(self) -> Mapping[str, object]:
        columns: dict[str, list[object]] = {}
        for name, part in zip(self.categories, self.parts, strict=True):
            columns.setdefault(self.category, []).extend([name] * len(part.categories))
            for key, cells in part._columns().items():
                as_named = self.by if key == "category" else key
                columns.setdefault(as_named, []).extend(list(cells))  # type: ignore[call-overload]
        return columns


def _pairs(
    data: Any, category: str, by: str, count: str | None, weight: str | None
) -> tuple[list[str], list[str], FloatArray, FloatArray | None, FloatArray]:
    """Return category, split, value, square (for weights) and rows of each combination."""
    if count is not None and weight is not None:
        raise DataError("count, weight: give one of them (number of defects per row, or cost per row)")
    if weight is not None:
        out, w, rows = weight_sums(data, [category, by], weight)
        values, squares = rows * w, rows * w * w
    else:
        out, squares = table.counts_by(data, [category, by], weight=count), None
        values = as_counts(np.asarray(out["weight" if count else "n"], dtype=np.float64), count or "n")
        rows = values
    first, second = ([label_of(k) for k in out[c].tolist()] for c in (category, by))
    return first, second, values, squares, rows


def _tally(
    names: Sequence[str], values: FloatArray, squares: FloatArray | None, rows: FloatArray, missing: str
) -> Tally:
    unique, code = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)

    def add(x: FloatArray) -> FloatArray:
        return np.bincount(code, weights=x, minlength=unique.size).astype(np.float64)

    lost = float(rows[np.array(names, dtype=object) == missing].sum())
    return Tally(unique.tolist(), add(values), None if squares is None else add(squares), float(rows.sum()), lost)


def pareto_drill(
    data: Any,
    *,
    category: str,
    by: str,
    count: str | None = None,
    weight: str | None = None,
    top: int = 3,
    other_below: float = 0.0,
    other: str | None = OTHER,
    confidence: float = 0.95,
    resamples: int = 0,
    rng: object = None,
) -> ParetoDrill:
    r"""Split the largest kinds of complaint by a second column, and say which splits the data really rank.

    Use it after `pareto`: late parcels are the largest kind; from which depot do they come? Not to show that a depot is
    worse: the largest depot ships the most (compare rates with exposure: `compare_groups`, `funnel`).

    Parameters
    ----------
    data : frame
        Any engine; counted where the rows are.
    category, by : str
        Columns of the kind of complaint and of the split.
    count, weight : str, optional
        Column with the number of defects in a row, or with the cost or severity of a row (one of them).
    top : int
        How many of the largest categories to drill; the catch-all is never one of them.
    other_below : float
        In each table, pool what has less than this share of that table's total in ``"(other)"``.
    other : str, optional
        Name of the catch-all in your own data, in either column.
    confidence : float
        Of all rank sets of one table together; each table by itself.
    resamples : int
        For the band of each cumulative line; 0: none.
    rng : None, int, SeedSequence or Generator

    Returns
    -------
    ParetoDrill

    Raises
    ------
    DataError, TooFewData
        No frame, an unknown column, negative or fractional counts, nothing to count.

    Notes
    -----
    Given the total of a category its split is multinomial whatever the totals of the others are, so choosing the
    largest categories from the same data does not spoil the rank sets of their splits.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91(1), 476-518.

    Examples
    --------
    >>> import pandas as pd
    >>> from qstats import pareto_drill
    >>> log = pd.DataFrame({"kind": ["late"] * 50 + ["rude"] * 9, "depot": ["N"] * 38 + ["S"] * 12 + ["N"] * 9})
    >>> late = pareto_drill(log, category="kind", by="depot")["late"]
    >>> late.categories, late.rank_high.tolist()
    (('N', 'S'), [1, 2])
    """
    confidence = check_confidence(confidence)
    if not table.is_frame(data):
        raise DataError(
            f"data: got a {type(data).__name__}; a table with the columns {category!r} and {by!r} is wanted"
        )
    if category == by:
        raise DataError(f"by: {by!r} is the column of the category too; name a second column")
    draws, generator = wanted_resamples(resamples, confidence), as_generator(rng)
    first, second, values, squares, rows = _pairs(data, category, by, count, weight)
    missing = label_of(None)
    whole = _tally(first, values, squares, rows, missing)

    def split(tally: Tally) -> ParetoTable:
        return pareto_of(
            tally, top=None, other_below=other_below, other=other, confidence=confidence, resamples=draws, rng=generator
        )

    overall = split(whole)
    chosen = tuple(n for n, v in zip(*_largest(whole, top, other), strict=True) if v > 0.0)
    names, parts = np.array(first, dtype=object), []
    for name in chosen:
        at = np.flatnonzero(names == name)
        part = None if squares is None else squares[at]
        parts.append(split(_tally([second[i] for i in at], values[at], part, rows[at], missing)))
    return ParetoDrill(overall, chosen, tuple(parts), category, by, overall.notes)


def _largest(whole: Tally, top: int, other: str | None) -> tuple[list[str], list[float]]:
    ranked = rank(whole, top, 0.0, other)
    return ranked.names[:top], ranked.values[:top].tolist()
