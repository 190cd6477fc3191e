"""Ordinary least squares by an orthogonal decomposition: safe at any offset, and it says what cannot be told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.fitted import Fitted
from qstats.errors import DesignError

__all__ = ["Decomposition", "LeastSquares", "aliases", "decompose", "fit_linear", "unexplained"]

_SMALL = 1e-9  # of the largest singular value, as where a design is evaluated
_ROUNDING = 64.0 * np.finfo(float).eps
_LOG_TWO_PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares(Fitted):
    """Least squares: `Fitted` with the covariance for sigma = 1, which exists without any degree of freedom too.

    Without one, `sigma` is infinite, and so is every standard error.

    Parameters
    ----------
    unscaled : ndarray, shape (p, p)
        Inverse of X'X.
    """

    unscaled: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    def standard_errors(self, contrasts: FloatArray) -> FloatArray:
        """Return the standard error of each combination of coefficients, shape (m, p)."""
        relative = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", contrasts, self.unscaled, contrasts), 0.0))
        if math.isinf(self.sigma):
            return np.where(relative > 0.0, np.inf, 0.0)
        return np.asarray(self.sigma * relative)

    def wald(self, contrasts: FloatArray) -> tuple[float, float, float]:
        """Return F, its numerator and its denominator degrees of freedom for "all these combinations are zero"."""
        value = contrasts @ self.coefficients
        middle = contrasts @ self.unscaled @ contrasts.T
        rank = int(np.linalg.matrix_rank(middle, hermitian=True))
        size = float(value @ np.linalg.pinv(middle, hermitian=True) @ value) / max(rank, 1)
        if size == 0.0 or math.isinf(self.sigma):
            return 0.0, float(rank), self.df
        return (size / self.sigma**2 if self.sigma > 0.0 else math.inf), float(rank), self.df


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Columns, brought to length one, as an orthonormal basis times a triangle.

    Parameters
    ----------
    q : ndarray, shape (n, min(n, p))
    r : ndarray, shape (min(n, p), p)
    scale : ndarray, shape (p,)
        Lengths of the columns.
    rank : int
    """

    q: FloatArray
    r: FloatArray
    scale: FloatArray
    rank: int


def decompose(x: FloatArray) -> Decomposition:
    """Return the decomposition of a model matrix and its rank."""
    scale = np.sqrt(np.einsum("ij,ij->j", x, x))
    scale = np.where(scale > 0.0, scale, 1.0)
    q, r = np.linalg.qr(x / scale)
    s = np.linalg.svd(r, compute_uv=False)
    rank = int((s > _SMALL * max(x.shape) * s[0]).sum()) if s.size and s[0] > 0.0 else 0
    return Decomposition(q, r, scale, rank)


def unexplained(q: FloatArray, y: FloatArray) -> FloatArray:
    """Return what is left of y (one column or several) beside the basis; a second pass takes what rounding left."""
    left = y - q @ (q.T @ y)
    return np.asarray(left - q @ (q.T @ left))


def aliases(x: FloatArray, least: int = 1) -> dict[int, list[int]]:
    """Return for every column that depends on those before it, which of them it depends on.

    Together columns can be closer to a dependence than each by itself: what counts as one is widened until `least`
    columns are found.
    """
    scale = np.linalg.norm(x, axis=0)
    unit = x / np.where(scale > 0.0, scale, 1.0)
    found: dict[int, list[int]] = {}
    small = _SMALL * max(x.shape)
    while len(found) < least and small < 1.0:
        found = _dependent(unit, small)
        small *= 10.0
    return found


def _dependent(unit: FloatArray, small: float) -> dict[int, list[int]]:
    basis: list[FloatArray] = []
    kept: list[int] = []
    found: dict[int, list[int]] = {}
    for j in range(unit.shape[1]):
        q = np.column_stack(basis) if basis else np.empty((unit.shape[0], 0))
        left = unexplained(q, unit[:, j])
        size = float(np.linalg.norm(left))
        if size > small:
            basis.append(left / size)
            kept.append(j)
            continue
        weight = np.linalg.lstsq(unit[:, kept], unit[:, j], rcond=None)[0] if kept else np.empty(0)
        found[j] = [kept[i] for i in np.flatnonzero(np.abs(weight) > 1e-7)]
    return found


def _ones(d: Decomposition, x: FloatArray) -> FloatArray | None:
    """The combination of columns that is 1 on every run, None if there is none.

    In whole numbers where it is one of those: a level of 1e12 must not leave its rounding in other coefficients.
    """
    found = np.linalg.solve(d.r, d.q.sum(axis=0)) / d.scale
    if not (np.abs(x @ found - 1.0) < _SMALL).all():
        return None
    whole = np.round(found) + 0.0
    return whole if bool((np.abs(x @ whole - 1.0) < _SMALL).all()) else found


def fit_linear(x: FloatArray, y: FloatArray) -> LeastSquares:
    """Fit by least squares.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Model matrix with its constant and block columns.
    y : ndarray, shape (n,)

    Returns
    -------
    LeastSquares

    Raises
    ------
    DesignError
        The columns depend on each other.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n, p = x.shape
    d = decompose(x)
    if d.rank < p:
        raise DesignError(f"x: {p} columns of rank {d.rank}; add {p - d.rank} runs or more, or leave terms out")
    ones = _ones(d, x)
    level = 0.0 if ones is None else float(y.mean())
    centred = y - level
    z = d.q.T @ centred
    residuals = unexplained(d.q, centred)
    largest = float(np.abs(centred).max(initial=0.0))
    df = n - p
    if df == 0 or float(np.abs(residuals).max()) <= _ROUNDING * largest:
        residuals = np.zeros(n)
    rss = float(residuals @ residuals)
    inverse = np.linalg.solve(d.r, np.eye(p)) / d.scale[:, None]
    unscaled = inverse @ inverse.T
    sigma = math.sqrt(rss / df) if df else math.inf
    return LeastSquares(
        coefficients=inverse @ z + (0.0 if ones is None else level * ones),
        covariance=sigma**2 * unscaled if df else np.diag(np.full(p, np.inf)),
        mean=level + (centred - residuals), residuals=residuals,
        leverage=np.minimum(np.einsum("ij,ij->i", d.q, d.q), 1.0), sigma=sigma, df=float(df),
        log_likelihood=-0.5 * n * (_LOG_TWO_PI + math.log(rss / n) + 1.0) if rss > 0.0 else math.inf,
        parameters=p + 1, method="least squares", unscaled=unscaled,
        reference="Montgomery, Peck and Vining 2012, Introduction to Linear Regression Analysis, chapter 3",
    )  # fmt: skip
