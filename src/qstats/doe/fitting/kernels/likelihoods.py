"""Likelihoods of counts, proportions and skewed positive responses, and what scoring needs of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.kernels.links import LINKS, Link

__all__ = ["Moments", "Response", "gamma_shape"]


class Moments(NamedTuple):
    """Mean, its first two derivatives in the linear predictor, variance (for dispersion 1) and its slope in the mean.

    Every field has shape (n,); `rest` is what is left of the size, ``size - mean``, exactly (binomial only).
    """

    mean: FloatArray
    slope: FloatArray
    curve: FloatArray
    variance: FloatArray
    variance_slope: FloatArray
    rest: FloatArray

    @property
    def weight(self) -> FloatArray:
        """Expected information of each run about its linear predictor."""
        return self.slope * (self.slope / self.variance)


class Response(NamedTuple):
    """A response and the distribution it is taken to have.

    Parameters
    ----------
    distribution : {"poisson", "negative binomial", "binomial", "gamma"}
    y, size : ndarray, shape (n,)
        Size: exposure of counts, trials of successes, ones for a gamma response.
    link : Link
    alpha : float
        1 / theta of a negative binomial: variance = mean + alpha mean squared. Zero is Poisson.
    """

    distribution: str
    y: FloatArray
    size: FloatArray
    link: Link
    alpha: float = 0.0

    @property
    def edges(self) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """Runs which a linear predictor of minus, plus infinity would fit perfectly."""
        none = np.zeros(self.y.size, dtype=np.bool_)
        if self.distribution == "gamma":
            return none, none
        return self.y == 0.0, self.y == self.size if self.distribution == "binomial" else none

    def start(self) -> FloatArray:
        """Linear predictors to begin with."""
        if self.distribution == "gamma":
            return np.log(self.y)
        if self.distribution == "binomial":
            return self.link.forward((self.y + 0.5) / (self.size + 1.0))
        return np.log((self.y + 0.5) / self.size)

    def moments(self, eta: FloatArray) -> Moments:
        """Return the moments at these linear predictors, shape (n,)."""
        one, slope, curve, rest = self.link.parts(eta)
        mean = self.size * one
        if self.distribution == "binomial":
            variance, variance_slope = mean * rest, rest - one
        elif self.distribution == "gamma":
            variance, variance_slope = mean**2, 2.0 * mean
        else:
            variance, variance_slope = mean * (1.0 + self.alpha * mean), 1.0 + 2.0 * self.alpha * mean
        variance = np.maximum(variance, 1e-300)
        return Moments(mean, self.size * slope, self.size * curve, variance, variance_slope, self.size * rest)

    def curvature(self, at: Moments) -> FloatArray:
        """Return the observed information of each run about its linear predictor (>= 0: all are log-concave)."""
        bend = at.curve / at.variance - (at.slope / at.variance) ** 2 * at.variance_slope
        return np.maximum(at.weight - (self.y - at.mean) * bend, 0.0)

    def deviance(self, at: Moments) -> FloatArray:
        """Return the contribution of each run to the deviance, shape (n,)."""
        y, mean = self.y, at.mean
        if self.distribution == "gamma":
            part = (y - mean) / mean - np.log(y / mean)
        elif self.distribution == "binomial":
            part = _xlogxy(y, mean) + _xlogxy(self.size - y, at.rest)
        elif self.alpha > 0.0:
            both = np.log1p(self.alpha * (y - mean) / (1.0 + self.alpha * mean))
            part = _xlogxy(y, mean) - (y + 1.0 / self.alpha) * both
        else:
            part = _xlogxy(y, mean) - (y - mean)
        return np.maximum(2.0 * part, 0.0)

    def log_likelihood(self, at: Moments, *, shape: float = 1.0) -> float:
        """Return the log likelihood with all constants; `shape` is that of a gamma response."""
        y, mean, gammaln = self.y, at.mean, scipy.special.gammaln
        xlogy = scipy.special.xlogy
        if self.distribution == "gamma":
            each = shape * (np.log(shape * y / mean) - y / mean) - np.log(y) - gammaln(shape)
        elif self.distribution == "binomial":
            rest, m = self.size - y, self.size
            ways = gammaln(m + 1.0) - gammaln(y + 1.0) - gammaln(rest + 1.0)
            each = ways + xlogy(y, mean / m) + xlogy(rest, at.rest / m)
        elif self.alpha > 0.0:
            theta = 1.0 / self.alpha
            each = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1.0)
            each = each + xlogy(y, self.alpha * mean) - (y + theta) * np.log1p(self.alpha * mean)
        else:
            each = xlogy(y, mean) - mean - gammaln(y + 1.0)
        return float(each.sum())


def _xlogxy(x: FloatArray, y: FloatArray) -> FloatArray:
    """x log(x / y), zero where x is."""
    return np.asarray(scipy.special.xlogy(x, x / np.maximum(y, 1e-300)), dtype=np.float64)


def gamma_shape(deviance: float, n: int) -> float:
    """Return the shape k of most likelihood: log k - digamma(k) = deviance / (2 n); infinite for a perfect fit."""
    goal = deviance / (2.0 * n)
    if goal < 1e-13:
        return float("inf")
    k = (3.0 - goal + np.sqrt((goal - 3.0) ** 2 + 24.0 * goal)) / (12.0 * goal)
    for _ in range(30):
        miss = np.log(k) - scipy.special.digamma(k) - goal
        step = miss / (1.0 - k * scipy.special.polygamma(1, k))  # Newton's step in log k
        k *= float(np.exp(-np.clip(step, -1.0, 1.0)))
        if abs(step) < 1e-13:
            break
    return float(k)


def default_link(distribution: str) -> Link:
    """Return the link a distribution has unless told otherwise."""
    return LINKS["logit" if distribution == "binomial" else "log"]
