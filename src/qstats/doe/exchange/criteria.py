"""What a design is worth: D, A, I and G in the units of the field."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["a_value", "covariance", "d_efficiency", "i_value"]


def covariance(information: FloatArray, p: int) -> FloatArray:
    """Return the covariance of the p coefficients for sigma = 1, block effects (columns behind p) eliminated."""
    return np.asarray(np.linalg.inv(information)[:p, :p], dtype=np.float64)


def d_efficiency(cov: FloatArray, n: int) -> float:
    """Return ``100 |X'X|**(1/p) / n`` of a covariance (X'X)^-1: 100 for an orthogonal design of coded columns."""
    sign, logdet = np.linalg.slogdet(cov)
    if sign <= 0:
        return 0.0
    return float(100.0 * np.exp(-logdet / cov.shape[0]) / n)


def a_value(cov: FloatArray) -> float:
    """Return the sum of the variances of the coefficients, in sigma squared."""
    return float(np.trace(cov))


def i_value(cov: FloatArray, weights: FloatArray) -> float:
    """Return the prediction variance averaged over the region, in sigma squared: tr(W (X'X)^-1)."""
    return float((cov * weights).sum())
