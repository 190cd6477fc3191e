"""Lognormal, with and without a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.bias import d2
from qstats.capability.nonnormal.censored import tobit
from qstats.capability.nonnormal.family import NormalScore, log_u, mean_and_sd
from qstats.capability.nonnormal.threshold import least_gap

__all__ = ["Lognormal", "Lognormal3"]


class Lognormal(NormalScore):
    """Two parameters by maximum likelihood: mean and standard deviation (divisor n) of the logarithms."""

    name, label, size, positive = "lognormal", "Lognormal", 2, True
    source = "maximum likelihood: Johnson, Kotz & Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 14"

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        seen = v > -1.0
        if low is None or seen.all():
            mean, sd = mean_and_sd(log_u(v), 0.0)
            return np.stack([mean, np.where(sd > 0.0, sd, np.nan)])
        y = np.where(seen, log_u(np.where(seen, v, 0.0)), 0.0)
        return np.stack(tobit(y, seen, np.full(v.shape[0], float(log_u(low)))))

    def score(self, v: Any, t: Any) -> Any:
        return (log_u(v) - t[0]) / t[1]

    def unscore(self, z: Any, t: Any) -> Any:
        return np.expm1(t[0] + t[1] * z)

    def log_slope(self, v: Any, t: Any) -> Any:
        return -np.log(t[1]) - log_u(v)

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        return {"meanlog": float(theta[0]) + float(np.log(unit)), "sdlog": float(theta[1])}


class Lognormal3(NormalScore):
    r"""Three parameters by Cohen and Whitten's modified maximum likelihood.

    The likelihood has no maximum: it grows without bound as the threshold nears the smallest value. Their remedy
    replaces the likelihood equation of the threshold :math:`\tau` by that of the smallest value,
    :math:`\log(x_{(1)} - \tau) = \hat\mu + \hat\sigma E(Z_{1,n})`.
    """

    name, label, size = "lognormal3", "Lognormal, 3 parameters", 3
    source = "modified maximum likelihood (smallest value): Cohen & Whitten (1980), JASA 75, 399-404"

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        n = v.shape[-1]
        first = -0.5 * d2(n)  # expected smallest of n standard normal values

        def excess(gap: FloatArray, rows: FloatArray) -> FloatArray:
            mean, sd = mean_and_sd(np.log(rows + np.exp(gap)[:, np.newaxis]), 0.0)
            return np.asarray(mean + sd * first - gap)

        least = v.min(axis=-1)
        gap = np.exp(least_gap(excess, v - least[:, np.newaxis]))
        mean, sd = mean_and_sd(np.log(v - least[:, np.newaxis] + gap[:, np.newaxis]), 0.0)
        return np.stack([least - gap, mean, np.where(sd > 0.0, sd, np.nan)])

    def score(self, v: Any, t: Any) -> Any:
        return (np.log(np.maximum(v - t[0], 0.0)) - t[1]) / t[2]

    def unscore(self, z: Any, t: Any) -> Any:
        return t[0] + np.exp(t[1] + t[2] * z)

    def log_slope(self, v: Any, t: Any) -> Any:
        return -np.log(t[2]) - np.log(np.maximum(v - t[0], 0.0))

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        return {
            "threshold": origin + unit * float(theta[0]),
            "meanlog": float(theta[1]) + float(np.log(unit)),
            "sdlog": float(theta[2]),
        }
