"""What a house of quality is made from: weights or answers of a survey, the matrix, its scale, the roof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats.errors import DataError, TooFewData
from qstats.table.frames import open_frame

__all__ = ["Weights", "check_scale", "read_relations", "read_roof", "read_weights"]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Weight of each need, and where its uncertainty comes from: answers, standard errors or nowhere.

    Parameters
    ----------
    needs : tuple of str
    weight : ndarray, shape (needs,)
    ratings : ndarray, shape (n, needs), or None
    errors : ndarray, shape (needs,), or None
    dropped : int
        Respondents left out.
    """

    needs: tuple[str, ...]
    weight: FloatArray
    ratings: FloatArray | None = None
    errors: FloatArray | None = None
    dropped: int = 0


def _names(given: Any, name: str) -> tuple[str, ...]:
    names = tuple(given)
    for n in names:
        if not isinstance(n, str) or not n.strip():
            raise DataError(f"{name}: got {n!r}; texts are wanted")
    twice = [n for n in names if names.count(n) > 1]
    if twice:
        raise DataError(f"{name}: {twice[0]!r} is there {names.count(twice[0])} times; each once is wanted")
    return names


def _not_negative(x: FloatArray, name: str) -> FloatArray:
    if (bad := x < 0).any():
        raise DataError(f"{name}: {first_bad(bad, x)}; zero or more is wanted")
    return x


def _ratings(data: Any, needs: tuple[str, ...], missing: str) -> Weights:
    """Read a table of answers, one row a respondent and one column a need."""
    if missing not in ("raise", "drop"):
        raise DataError(f"missing: got {missing!r}; 'raise' or 'drop' is wanted")
    cols = table.columns(data, {f"data, {n}": n for n in needs})
    x = np.column_stack([as_vector(c, name, missing="drop", least=0) for name, c in cols.items()])
    gaps = np.isnan(x).any(axis=1)
    if gaps.any() and missing == "raise":
        raise DataError(
            f"data: {int(gaps.sum())} respondents left a need unrated; pass missing='drop' to leave them out"
        )
    x = x[~gaps]
    if x.shape[0] < 2:
        raise TooFewData(f"data: {x.shape[0]} respondents rated every need; at least 2 are wanted")
    _not_negative(x.ravel(), "data")
    return Weights(needs, x.mean(axis=0), x, None, int(gaps.sum()))


def read_weights(data: Any, errors: Any, needs: tuple[str, ...], missing: str) -> Weights:
    """Read weights by need, or the answers of a survey."""
    if table.is_frame(data):
        if errors is not None:
            raise DataError("standard_errors: are for weights; here respondents came, whose scatter is used")
        return _ratings(data, needs, missing)
    if not isinstance(data, Mapping):
        raise DataError(
            f"data: got a {type(data).__name__}; a dict of weights by need, or a table of ratings, is wanted"
        )
    _same_names(tuple(data), needs, "data")
    w = _not_negative(as_vector([data[n] for n in needs], "data"), "data")
    if errors is None:
        return Weights(needs, w)
    if not isinstance(errors, Mapping):
        raise DataError(f"standard_errors: got a {type(errors).__name__}; a dict by need is wanted")
    _same_names(tuple(errors), needs, "standard_errors")
    e = _not_negative(as_vector([errors[n] for n in needs], "standard_errors"), "standard_errors")
    return Weights(needs, w, None, e)


def _same_names(came: tuple[Any, ...], wanted: tuple[str, ...], name: str) -> None:
    if lacks := [n for n in wanted if n not in came]:
        raise DataError(f"{name}: need {lacks[0]!r} of the matrix has none there; it is wanted")
    if extra := [n for n in came if n not in wanted]:
        raise DataError(f"{name}: {extra[0]!r} is no need of the matrix; needs are {', '.join(wanted)}")


def read_relations(matrix: Any, need: str) -> tuple[tuple[str, ...], tuple[str, ...], FloatArray]:
    """Read the matrix: a dict of dicts, or a table with a column of the needs."""
    if table.is_frame(matrix):
        columns = open_frame(matrix, "matrix").collect_schema().names()
        names = _names([c for c in columns if c != need], "matrix, columns")
        cols = table.columns(matrix, {"need": need, **{f"matrix, {c}": c for c in names}})
        needs = _names(cols["need"].tolist(), f"need (column {need!r})")
        cells = [as_vector(cols[f"matrix, {c}"], f"matrix, {c}") for c in names]
        x = np.column_stack(cells) if names else np.empty((len(needs), 0))
    elif isinstance(matrix, Mapping) and all(isinstance(row, Mapping) for row in matrix.values()):
        needs = _names(matrix, "matrix, needs")
        names = _names(dict.fromkeys(c for row in matrix.values() for c in row), "matrix, characteristics")
        # What a row of a dict does not name is empty in the house: no relation.
        x = np.array(
            [as_vector([row.get(c, 0.0) for c in names], f"matrix, {n}", least=0) for n, row in matrix.items()]
        )
    else:
        raise DataError(f"matrix: got a {type(matrix).__name__}; a dict of need to dict of characteristic to relation, "
                        "or a table, is wanted")  # fmt: skip
    if not needs or not names:
        raise TooFewData(f"matrix: {len(needs)} needs and {len(names)} characteristics came; one of each is wanted")
    return needs, names, np.asarray(x, dtype=np.float64)


def check_scale(scale: Any, name: str, like: int | None = None) -> FloatArray:
    """Return the steps of a relation, rising from zero or more."""
    x = _not_negative(as_vector(scale, name, least=2), name)
    if not (np.diff(x) > 0).all() or (like is not None and x.size != like):
        many = "" if like is None else f"{like} "
        raise DataError(f"{name}: got {scale!r}; {many}rising numbers are wanted, such as (0, 1, 3, 9)")
    return x


def read_roof(roof: Any, names: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return the marks between characteristics, names checked."""
    if not isinstance(roof, Mapping):
        raise DataError(
            f"roof: got a {type(roof).__name__}; a dict of (characteristic, characteristic) to mark is wanted"
        )
    out = []
    for pair, mark in roof.items():
        if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(names):
            raise DataError(f"roof: got {pair!r}; two different characteristics of the matrix are wanted")
        if not isinstance(mark, str):
            raise DataError(f"roof: got {mark!r} for {pair!r}; a text such as '++' or '-' is wanted")
        out.append((pair[0], pair[1], mark))
    return tuple(out)
