"""The matrices of a design and a model, from which everything else follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.design import Design
from qstats.doe.exchange.basis import Basis
from qstats.doe.exchange.exchange import Plan, information
from qstats.doe.exchange.layout import block_columns
from qstats.doe.grammar import as_model, planned_model
from qstats.doe.terms import Model, named_model
from qstats.errors import DataError

__all__ = ["Matrices", "as_design", "matrices", "omitted_columns"]

_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class Matrices:
    """A model on a design.

    Parameters
    ----------
    design, basis : Design, Basis
    plan : Plan
        Blocks, whole plots and their variance ratio.
    x : ndarray, shape (n, p)
        Columns of the model.
    whole : ndarray, shape (n, p + b - 1)
        With columns for blocks behind.
    rank : int
        Of `whole`.
    estimable : ndarray of bool, shape (p,)
    covariance : ndarray, shape (p, p)
        Of the coefficients for sigma = 1, V respected; of those that can be estimated (else infinite on the diagonal).
    ordinary : ndarray, shape (p, p)
        The same with independent errors.
    """

    design: Design
    basis: Basis
    plan: Plan
    x: FloatArray
    whole: FloatArray
    rank: int
    estimable: BoolArray
    covariance: FloatArray
    ordinary: FloatArray

    @property
    def singular(self) -> bool:
        """Whether some term cannot be estimated."""
        return not bool(self.estimable.all())


def as_design(design: object, name: str = "design") -> Design:
    """Return a design, or say that it is none."""
    if not isinstance(design, Design):
        raise DataError(
            f"{name}: got a {type(design).__name__}; a Design is wanted, as the functions of qstats.doe make"
        )
    if len(design) < 1:
        raise DataError(f"{name}: it has no runs")
    return design


def matrices(design: Design, model: Any, variance_ratio: float) -> Matrices:
    """Return the matrices of a model on a design; `model` None is what the design was made for."""
    terms = _terms(design, model)
    basis = Basis(terms, design.factors)
    n = len(design)
    ratio = variance_ratio if design.split_plot else 0.0
    plan = Plan(n, 0, block_columns(design.block), design.whole_plot - 1, ratio, None)
    x = basis.rows(np.asarray(design.coded))
    whole = np.concatenate([x, plan.blocks], axis=1)
    null = _null(whole)
    estimable = np.asarray((np.abs(null[: basis.p]) < 1e-7).all(axis=1), dtype=np.bool_)
    plain = Plan(n, 0, plan.blocks, np.full(n, -1), 0.0, None)
    return Matrices(
        design, basis, plan, x, whole, whole.shape[1] - null.shape[1], estimable,
        _covariance(information(whole, plan), basis.p, estimable, null.size > 0),
        _covariance(information(whole, plain), basis.p, estimable, null.size > 0),
    )  # fmt: skip


def _terms(design: Design, model: Any) -> Model:
    return planned_model(design.model, design.factors) if model is None else as_model(model, design.factors)


def _null(x: FloatArray) -> FloatArray:
    """Combinations of columns that vanish on every run: shape (columns, how many)."""
    scale = np.linalg.norm(x, axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    _, s, vt = np.linalg.svd(x / scale, full_matrices=True)
    small = np.ones(x.shape[1], dtype=np.bool_)
    small[: s.size] = s <= _SMALL * max(float(s.max(initial=0.0)), 1e-300) * max(x.shape)
    null: FloatArray = vt[small].T / scale[:, None]
    return np.asarray(null / np.maximum(np.abs(null).max(axis=0, initial=0.0), 1e-300), dtype=np.float64)


def _covariance(m: FloatArray, p: int, estimable: BoolArray, singular: bool) -> FloatArray:
    if not singular:
        return np.asarray(np.linalg.inv(m)[:p, :p], dtype=np.float64)
    cov = np.array(np.linalg.pinv(m, rcond=1e-11, hermitian=True)[:p, :p])
    cov[~estimable] = cov[:, ~estimable] = 0.0
    cov[~estimable, ~estimable] = np.inf
    return cov


def omitted_columns(held: Matrices) -> tuple[FloatArray, tuple[str, ...]]:
    """Return columns of the two-factor interactions and squares that the model leaves out."""
    factors = held.design.factors
    full = named_model("quadratic", factors)
    missing = [t for t in full if t not in held.basis.model.terms and t.order >= 2]
    if not missing:
        return np.empty((len(held.design), 0)), ()
    basis = Basis(Model.of(missing, held.design.names), factors)
    return basis.rows(np.asarray(held.design.coded)), basis.labels
