"""Rows of a model matrix as products of functions of one factor each: what exchange and moments share."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.doe.factor import Factor
from qstats.doe.terms import FUNCTIONS, Model, model_columns
from qstats.errors import FormulaError

__all__ = ["Basis"]

IntArray = npt.NDArray[np.int64]
Piece = tuple[tuple[int, str], ...]  # (power, function) of one factor in one column, or (level, "[") of a category


class Basis:
    """Columns of a model, each a product over factors.

    Every column is a product of at most one piece of each factor: a power, a function, or one contrast of a category.
    Along one coordinate a row is then linear in the pieces of that factor, which makes a search over any number of
    levels as cheap as over as many as there are pieces.

    Parameters
    ----------
    model : Model
    factors : sequence of Factor
    """

    def __init__(self, model: Model, factors: Sequence[Factor]) -> None:
        self.model, self.factors = model, tuple(factors)
        at_low = np.array([[0.0 if f.kind != "mixture" else 1.0 / len(factors) for f in factors]])
        checked = model_columns(model, factors, at_low)  # raises where a term cannot be
        self.labels, self.term = checked.labels, checked.term
        columns = [column for term in model for column in self._columns(term)]
        pieces: list[list[Piece]] = [[] for _ in factors]
        for column in columns:
            for j, piece in column.items():
                if piece not in pieces[j]:
                    pieces[j].append(piece)
        self.pieces = pieces
        self.p, self.k = len(columns), len(self.factors)
        self.q = max([1, *map(len, pieces)])
        self._tables(columns)

    def _columns(self, term: Any) -> list[dict[int, Piece]]:
        """What one term is made of: factor -> piece, for each of its columns."""
        place = {f.name: j for j, f in enumerate(self.factors)}
        choices: list[list[tuple[int, tuple[int, str]]]] = []
        for part in term.parts:
            j = place[part.name]
            factor = self.factors[j]
            if factor.numeric:
                choices.append([(j, (part.power, part.function))])
            else:
                choices.append([(j, (level, "[")) for level in range(1, len(factor.levels))])
        columns = []
        for combination in itertools.product(*choices):
            column: dict[int, Piece] = {}
            for j, piece in combination:
                column[j] = (*column.get(j, ()), piece)
            columns.append(column)
        return columns

    def _tables(self, columns: list[dict[int, Piece]]) -> None:
        """Where each column finds its factors among the pieces, and each piece its columns."""
        k, q = self.k, self.q
        one = k * q  # the place of the constant 1 behind all pieces
        deepest = max([1, *map(len, columns)])
        where = [[j * q + self.pieces[j].index(piece) for j, piece in column.items()] for column in columns]
        self.parts = np.array([w + [one] * (deepest - len(w)) for w in where], dtype=np.int64).T
        flat, rest = [], []
        for column, w in enumerate(where):
            for piece in w:
                others = [other for other in w if other != piece]
                flat.append(piece * self.p + column)
                rest.append(others + [one] * (max(deepest - 1, 1) - len(others)))
        self.flat = np.array(flat, dtype=np.int64)
        self.rest = np.array(rest, dtype=np.int64).reshape(len(flat), max(deepest - 1, 1)).T

    def values(self, j: int, t: npt.ArrayLike) -> FloatArray:
        """Return the pieces of factor j at coded settings t: shape (..., q), padded with zeros."""
        t = np.asarray(t, dtype=np.float64)
        factor, out = self.factors[j], np.zeros((*t.shape, self.q))
        for a, piece in enumerate(self.pieces[j]):
            for number, (power, function) in enumerate(piece):
                if function == "[":
                    level = np.rint(t)
                    value = (level == power).astype(np.float64) - (level == 0.0)
                elif function:
                    value = self._function(factor, function, t) ** power
                else:
                    value = t if power == 1 else t * t if power == 2 else t**power
                out[..., a] = value if not number else out[..., a] * value
        return out

    def _function(self, factor: Factor, function: str, t: FloatArray) -> FloatArray:
        take, wanted = FUNCTIONS[function]
        with np.errstate(divide="ignore", invalid="ignore"):
            value = take(np.asarray(factor.decode(t), dtype=np.float64))
        if not np.isfinite(value).all():
            raise FormulaError(f"model: {function}({factor.name}) wants settings {wanted}; its range has others")
        return value

    def spread(self, coded: FloatArray) -> FloatArray:
        """Return all pieces at settings of shape (..., k), and a 1 behind them: shape (..., k q + 1)."""
        shape = coded.shape[:-1]
        held = [self.values(j, coded[..., j]) for j in range(self.k)]
        return np.concatenate([*held, np.ones((*shape, 1))], axis=-1)

    def join(self, spread: FloatArray) -> FloatArray:
        """Return model rows of spread settings: shape (..., p)."""
        rows = spread[..., self.parts[0]]
        for part in self.parts[1:]:
            rows = rows * spread[..., part]
        return rows

    def rows(self, coded: FloatArray) -> FloatArray:
        """Return model rows at coded settings of shape (..., k): shape (..., p)."""
        return self.join(self.spread(coded))

    def slopes(self, spread: FloatArray, out: FloatArray) -> None:
        """Write what one unit of each piece adds to a row into ``out`` of shape (s, k q p), zero elsewhere."""
        value = spread[:, self.rest[0]]
        for part in self.rest[1:]:
            value = value * spread[:, part]
        out[:, self.flat] = value
