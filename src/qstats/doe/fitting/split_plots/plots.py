"""Sums over whole plots: all that REML and its tests need of a split-plot, without any n x n matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray

__all__ = ["Contrasts", "Plots", "error_contrasts", "plots_of"]

_NOTHING = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Plots:
    """A model matrix taken apart into what differs between whole plots and what differs within them.

    Parameters
    ----------
    index : ndarray of int, shape (n,)
        Whole plot of each run: 0 to g - 1.
    count : ndarray, shape (g,)
        Runs of each.
    mean : ndarray, shape (g, p)
        Of the columns in each.
    inner : ndarray, shape (n, p)
        Columns less their mean in the whole plot.
    within : ndarray, shape (p, p)
        Inner products of `inner`.
    """

    index: npt.NDArray[np.intp]
    count: FloatArray
    mean: FloatArray
    inner: FloatArray
    within: FloatArray

    def average(self, y: FloatArray) -> FloatArray:
        """Return the mean of each whole plot, shape (g,)."""
        return np.asarray(np.bincount(self.index, y) / self.count, dtype=np.float64)

    def product(self, along: FloatArray) -> FloatArray:
        """Return X' F X, where F is one within whole plots and `along`, shape (g,), on their means."""
        return np.asarray(self.within + (self.mean * (self.count * along)[:, None]).T @ self.mean, dtype=np.float64)

    def between(self, along: FloatArray) -> FloatArray:
        """Return the part of X' F X on the means of the whole plots alone."""
        return np.asarray((self.mean * (self.count * along)[:, None]).T @ self.mean, dtype=np.float64)


def plots_of(x: FloatArray, index: npt.NDArray[np.intp]) -> Plots:
    """Return the sums of these columns over whole plots."""
    count = np.bincount(index).astype(np.float64)
    sums = np.zeros((count.size, x.shape[1]))
    np.add.at(sums, index, x)
    mean = sums / count[:, None]
    inner = x - mean[index]
    inner -= _means(inner, index, count)[index]  # what rounding left
    inner[np.abs(inner) < 1e-14 * np.abs(x).max()] = 0.0
    return Plots(index, count, mean, inner, inner.T @ inner)


def _means(x: FloatArray, index: npt.NDArray[np.intp], count: FloatArray) -> FloatArray:
    sums = np.zeros((count.size, x.shape[1]))
    np.add.at(sums, index, x)
    return np.asarray(sums / count[:, None], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """Error contrasts of a split-plot: independent, of variance (1 + ratio eigen) sigma squared.

    Parameters
    ----------
    eigen : ndarray, shape (r,)
        Above zero: how strongly the whole plots take part.
    square : ndarray, shape (r,)
        Squared contrasts.
    df : int
        Further contrasts free of the whole plots.
    rss : float
        Their sum of squares.
    """

    eigen: FloatArray
    square: FloatArray
    df: int
    rss: float

    @property
    def total(self) -> int:
        """All error contrasts: n - p."""
        return self.eigen.size + self.df

    def variance(self, ratio: FloatArray) -> FloatArray:
        """Return the REML estimate of the residual variance for these variance ratios, shape (k,)."""
        spread = (self.square / (1.0 + ratio[:, None] * self.eigen)).sum(axis=1)
        return np.asarray((self.rss + spread) / self.total, dtype=np.float64)

    def deviance(self, ratio: FloatArray) -> FloatArray:
        """Return -2 profiled restricted log likelihood, less a constant, shape (k,)."""
        size = np.log1p(ratio[:, None] * self.eigen).sum(axis=1)
        return np.asarray(self.total * np.log(self.variance(ratio)) + size, dtype=np.float64)

    def slope(self, log_ratio: float) -> float:
        """Return the derivative of the deviance in the log ratio."""
        part = np.exp(log_ratio) * self.eigen
        share = part / (1.0 + part)
        spread = self.square / (1.0 + part)
        whole = self.rss + float(spread.sum())
        return float(share.sum()) - self.total * float((spread * share).sum()) / whole


def error_contrasts(q: FloatArray, y: FloatArray, plots: Plots) -> Contrasts:
    """Return the error contrasts of response y beside the orthonormal columns q, shape (n, p)."""
    left = y - q @ (q.T @ y)
    left -= q @ (q.T @ left)
    g = plots.count.size
    z = np.zeros((g, q.shape[1]))
    np.add.at(z, plots.index, q)
    eigen, vectors = np.linalg.eigh(np.diag(plots.count) - z @ z.T)
    real = eigen > _NOTHING * float(plots.count.max())
    eigen, vectors = eigen[real], vectors[:, real]
    on = (np.bincount(plots.index, left, minlength=g) @ vectors) / np.sqrt(eigen)
    rest = left - _spread(q, plots, vectors / np.sqrt(eigen)) @ on
    df = y.size - q.shape[1] - eigen.size
    return Contrasts(eigen, on**2, df, float(rest @ rest) if df else 0.0)


def _spread(q: FloatArray, plots: Plots, vectors: FloatArray) -> FloatArray:
    """Return (I - QQ') Z times these vectors."""
    whole = vectors[plots.index]
    return np.asarray(whole - q @ (q.T @ whole), dtype=np.float64)
