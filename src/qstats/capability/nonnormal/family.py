"""What every family of distributions can do, on the coordinate ``v = (x - origin) / unit`` of one sample.

All functions are elementwise: parameters are arrays that broadcast against the points, so that one call serves one
sample or a block of resamples. Families on the positive half line use ``origin = unit`` (a value typical of the
data): ``log(x / unit) = log1p(v)`` then keeps its digits however far the data lie from zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray

__all__ = ["Family", "Normal", "NormalScore", "log_u", "mean_and_sd", "root_two_pi_log"]

root_two_pi_log = 0.5 * float(np.log(2.0 * np.pi))


def log_u(v: Any) -> Any:
    """Return ``log(1 + v)``; minus infinity at and below the end of the positive half line."""
    return np.log1p(np.maximum(v, -1.0))


def mean_and_sd(y: FloatArray, less: float) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation (divisor ``n - less``) of each row."""
    mean = y.mean(axis=-1)
    d = y - mean[..., np.newaxis]
    return mean, np.sqrt(np.einsum("...j,...j->...", d, d) / (y.shape[-1] - less))


class Family(ABC):
    """One family: how it is fitted to rows of data, and its functions.

    Attributes
    ----------
    name : str
        As in the option `method`.
    label : str
        As shown to people.
    size : int
        Number of free parameters.
    positive : bool
        Whether it lives on the positive half line.
    source : str
        How it is fitted, and where that is written down.
    """

    name = ""
    label = ""
    size = 0
    positive = False
    source = ""

    @abstractmethod
    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        """Return the parameters of each row of `v`, shape (parameters, rows); NaN where a row cannot be fitted.

        With `low` given, entries of exactly -1 are only known to lie below it.
        """

    @abstractmethod
    def log_cdf(self, v: Any, t: Any) -> Any:
        """Return the logarithm of ``P(V <= v)``."""

    @abstractmethod
    def log_sf(self, v: Any, t: Any) -> Any:
        """Return the logarithm of ``P(V > v)``."""

    @abstractmethod
    def log_pdf(self, v: Any, t: Any) -> Any:
        """Return the logarithm of the density of V."""

    @abstractmethod
    def quantile(self, p: Any, t: Any) -> Any:
        """Return v with ``P(V <= v) = p``."""

    @abstractmethod
    def upper_quantile(self, q: Any, t: Any) -> Any:
        """Return v with ``P(V > v) = q``."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, int], t: Any) -> FloatArray:
        """Return a block of random values of V."""
        return np.asarray(self.quantile(rng.random(shape), t), dtype=np.float64)

    @abstractmethod
    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        """Return the parameters by name, in the unit of the data."""

    def at_maximum(self, theta: FloatArray, n: int) -> FloatArray:
        """Return the parameters at which the likelihood is read, where the fit uses the divisor n - 1."""
        return theta


class NormalScore(Family, ABC):
    """A family in which some increasing function of the value is standard normal."""

    @abstractmethod
    def score(self, v: Any, t: Any) -> Any:
        """Return the standard normal value that belongs to v."""

    @abstractmethod
    def unscore(self, z: Any, t: Any) -> Any:
        """Return the v that belongs to a standard normal value."""

    @abstractmethod
    def log_slope(self, v: Any, t: Any) -> Any:
        """Return the logarithm of the derivative of `score`."""

    def log_cdf(self, v: Any, t: Any) -> Any:
        return scipy.special.log_ndtr(self.score(v, t))

    def log_sf(self, v: Any, t: Any) -> Any:
        return scipy.special.log_ndtr(-self.score(v, t))

    def log_pdf(self, v: Any, t: Any) -> Any:
        z = self.score(v, t)
        return self.log_slope(v, t) - 0.5 * z * z - root_two_pi_log

    def quantile(self, p: Any, t: Any) -> Any:
        return self.unscore(scipy.special.ndtri(p), t)

    def upper_quantile(self, q: Any, t: Any) -> Any:
        return self.unscore(-scipy.special.ndtri(q), t)

    def draw(self, rng: np.random.Generator, shape: tuple[int, int], t: Any) -> FloatArray:
        return np.asarray(self.unscore(rng.standard_normal(shape), t), dtype=np.float64)


class Normal(NormalScore):
    """Mean and standard deviation (divisor n - 1)."""

    name, label, size = "normal", "Normal", 2
    source = "moments: AD table: D'Agostino & Stephens (1986), Goodness-of-Fit Techniques, table 4.9"

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        mean, sd = mean_and_sd(v, 1.0)
        return np.stack([mean, np.where(sd > 0.0, sd, np.nan)])

    def score(self, v: Any, t: Any) -> Any:
        return (v - t[0]) / t[1]

    def unscore(self, z: Any, t: Any) -> Any:
        return t[0] + t[1] * z

    def log_slope(self, v: Any, t: Any) -> Any:
        return -np.log(t[1])

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        return {"mean": origin + unit * float(theta[0]), "sd": unit * float(theta[1])}

    def at_maximum(self, theta: FloatArray, n: int) -> FloatArray:
        return np.asarray(theta * np.array([1.0, np.sqrt((n - 1.0) / n)]).reshape((2,) + (1,) * (theta.ndim - 1)))
