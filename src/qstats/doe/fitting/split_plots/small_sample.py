"""Degrees of freedom of a split-plot: Kenward and Roger's, and Satterthwaite's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.split_plots.plots import Plots

__all__ = ["SmallSample", "small_sample"]

_NEAR = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class SmallSample:
    """What the tests of a split-plot need; for a residual variance of one (degrees of freedom have no unit).

    Parameters
    ----------
    plain : ndarray, shape (p, p)
        Phi = (X' V^-1 X)^-1.
    adjusted : ndarray, shape (p, p)
        Kenward and Roger's covariance, Phi + 2 Phi Lambda Phi.
    slopes : ndarray, shape (2, p, p)
        Derivatives of Phi in the variances between and within whole plots.
    scatter : ndarray, shape (2, 2)
        Covariance W of the two estimated variances, the inverse of their expected restricted information.
    """

    plain: FloatArray
    adjusted: FloatArray
    slopes: FloatArray
    scatter: FloatArray

    def single(self, contrasts: FloatArray) -> FloatArray:
        """Return the degrees of freedom of each contrast, shape (m, p): the same by both methods.

        df = 2 (c' Phi c)^2 / (g' W g), g the derivatives of c' Phi c in the two variances.
        """
        size = np.einsum("ij,jk,ik->i", contrasts, self.plain, contrasts)
        slope = np.einsum("ij,ajk,ik->ia", contrasts, self.slopes, contrasts)
        spread = np.einsum("ia,ab,ib->i", slope, self.scatter, slope)
        some = spread > 1e-14 * size**2
        return np.asarray(np.where(some, 2.0 * size**2 / np.where(some, spread, 1.0), np.inf), dtype=np.float64)

    def run(self, contrasts: FloatArray, ratio: float) -> FloatArray:
        """Return the degrees of freedom of c' Phi c plus the variance of one run in a new whole plot, for each row."""
        size = np.einsum("ij,jk,ik->i", contrasts, self.plain, contrasts) + 1.0 + ratio
        slope = np.einsum("ij,ajk,ik->ia", contrasts, self.slopes, contrasts) + 1.0
        return np.asarray(2.0 * size**2 / np.einsum("ia,ab,ib->i", slope, self.scatter, slope), dtype=np.float64)

    def kenward_roger(self, contrasts: FloatArray) -> tuple[float, float]:
        """Return the factor of F and its denominator degrees of freedom for independent contrasts, shape (q, p).

        Where so little is known of the variances that the mean of F does not exist, there is nothing to match: then F
        is taken as it is, with the fewest degrees of freedom of its uncorrelated contrasts.
        """
        q = contrasts.shape[0]
        if q == 1:
            return 1.0, float(self.single(contrasts)[0])
        inverse = np.linalg.inv(contrasts @ self.plain @ contrasts.T)
        part = np.einsum("ij,ajk,lk->ail", contrasts, self.slopes, contrasts)
        part = np.einsum("ij,ajk->aik", inverse, part)
        trace = np.trace(part, axis1=1, axis2=2)
        a1 = float(trace @ self.scatter @ trace)
        a2 = float(np.einsum("ab,aij,bji->", self.scatter, part, part))
        if a2 <= 1e-14:
            return 1.0, float("inf")
        if abs(a1 - q * a2) <= _NEAR * a1:  # one variance behind all contrasts: F is exact
            return 1.0, 2.0 * q / a2
        factor, df = _match(a1, a2, q)
        if a2 < q and factor > 0.0 and df > 0.0 and np.isfinite(factor):
            return factor, df
        return 1.0, float(self._apart(contrasts).min())

    def _apart(self, contrasts: FloatArray) -> FloatArray:
        """Return the degrees of freedom of the uncorrelated contrasts that span the same."""
        _, vectors = np.linalg.eigh(contrasts @ self.plain @ contrasts.T)
        return self.single(vectors.T @ contrasts)

    def satterthwaite(self, contrasts: FloatArray) -> float:
        """Return the denominator degrees of freedom of F for independent contrasts, shape (q, p)."""
        q = contrasts.shape[0]
        df = self._apart(contrasts)
        if q == 1 or float(df.max() - df.min()) <= 1e-8 * float(df.min()) or bool(np.isinf(df).all()):
            return float(df.min())
        if float(df.min()) <= 2.0:
            return 2.0
        mean = float((1.0 / (1.0 - 2.0 / df)).sum())
        return 2.0 * mean / (mean - q) if mean > q else float("inf")


def _match(a1: float, a2: float, q: int) -> tuple[float, float]:
    """Return the factor and the degrees of freedom that match mean and variance of F (Kenward and Roger, section 3).

    Their rho = V / (2 E^2) is kept as a fraction n / d: d passes through zero at 4 degrees of freedom.
    """
    b = (a1 + 6.0 * a2) / (2.0 * q)
    g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    below = 3.0 * q + 2.0 * (1.0 - g)
    c1, c2, c3 = g / below, (q - g) / below, (q + 2.0 - g) / below
    short = 1.0 - a2 / q
    n, d = (1.0 + c1 * b) * short**2 / q, (1.0 - c2 * b) ** 2 * (1.0 - c3 * b)
    if q * n == d:
        return short, float("inf")
    df = 4.0 + (q + 2.0) * d / (q * n - d)
    return (df * short / (df - 2.0) if df != 2.0 else -1.0), df


def small_sample(plots: Plots, ratio: float) -> SmallSample:
    """Return the matrices of the tests at this variance ratio; the residual variance is one.

    V = ratio Z Z' + I has the eigenvalue 1 within a whole plot and 1 / a = 1 + ratio count on its mean, so that every
    trace and product is a sum over whole plots.
    """
    count, a = plots.count, 1.0 / (1.0 + ratio * plots.count)
    n, g = plots.index.size, count.size
    phi = np.asarray(np.linalg.inv(plots.product(a)), dtype=np.float64)
    p = np.stack([plots.between(a**2 * count), plots.product(a**2)])  # minus the P_i of the paper
    q = np.stack([plots.between(a**3 * count**2), plots.between(a**3 * count), plots.product(a**3)])
    q = q[np.array([[0, 1], [1, 2]])]
    raw = np.array(
        [
            [float((a**2 * count**2).sum()), float((a**2 * count).sum())],
            [float((a**2 * count).sum()), n - g + float((a**2).sum())],
        ]
    )
    slopes = phi @ p @ phi
    both = np.einsum("aij,bji->ab", slopes, p)
    information = 0.5 * (raw - 2.0 * np.einsum("ij,abji->ab", phi, q) + both)
    w = np.asarray(np.linalg.inv(information), dtype=np.float64)
    middle = np.einsum("ab,abij->ij", w, q - np.einsum("aij,jk,bkl->abil", p, phi, p))
    return SmallSample(phi, phi + 2.0 * phi @ middle @ phi, slopes, w)
