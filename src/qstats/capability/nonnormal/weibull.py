"""Weibull, with and without a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.capability.nonnormal.censored import climb
from qstats.capability.nonnormal.family import Family, log_u, mean_and_sd
from qstats.capability.nonnormal.threshold import least_gap

__all__ = ["Weibull", "Weibull3", "weibull_rows"]

_ROUNDS = 60
_GUMBEL = np.sqrt(6.0) / np.pi  # log of a Weibull value is a Gumbel value with this scale over its standard deviation


def weibull_rows(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return log scale and 1/shape of maximum likelihood for each row of logarithms `y`.

    Newton's method on the equation of s = 1/shape, whose left side falls everywhere:
    ``sum(y exp(y/s)) / sum(exp(y/s)) - s - mean(y) = 0``.
    """
    top = y.max(axis=-1)
    e = y - top[:, np.newaxis]
    mean, sd = mean_and_sd(e, 0.0)
    s = np.where(sd > 0.0, sd * _GUMBEL, np.nan)
    square = e * e
    w = np.empty_like(e)
    for _ in range(_ROUNDS):
        np.divide(e, s[:, np.newaxis], out=w)
        np.exp(w, out=w)
        w0 = w.sum(axis=-1)
        r = np.einsum("ij,ij->i", w, e) / w0
        r2 = np.einsum("ij,ij->i", w, square) / w0
        step = (r - s - mean) / ((r2 - r * r) / (s * s) + 1.0)
        s = np.maximum(s + step, 0.2 * s)
        if not (np.abs(step) > 1e-11 * s).any():
            break
    w0 = np.exp(e / s[:, np.newaxis]).mean(axis=-1)
    return top + s * np.log(w0), s


def _log_hazard_cdf(w: Any) -> Any:
    """Return ``log(1 - exp(-exp(w)))`` at both ends."""
    return np.where(w < -30.0, w, np.log(-np.expm1(-np.exp(np.maximum(w, -31.0)))))


class Weibull(Family):
    """Two parameters by maximum likelihood."""

    name, label, size, positive = "weibull", "Weibull", 2, True
    source = "maximum likelihood: Johnson, Kotz & Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 21"

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        seen = v > -1.0
        if low is None or seen.all():
            return np.stack(weibull_rows(log_u(v)))
        y = np.where(seen, log_u(np.where(seen, v, 0.0)), 0.0)
        n = seen.sum(axis=-1).astype(np.float64)
        total, lost, edge = y.sum(axis=-1), v.shape[-1] - n, float(log_u(low))
        mean = total / n
        sd = np.sqrt((np.where(seen, y - mean[:, np.newaxis], 0.0) ** 2).sum(axis=-1) / n)
        sd[~(sd > 0.0)] = np.nan

        def likelihood(level: FloatArray, log_s: FloatArray, rows: Any) -> FloatArray:
            s, at = np.exp(log_s), level * sd[rows]
            w = np.where(seen[rows], np.exp((y[rows] - at[:, np.newaxis]) / s[:, np.newaxis]), 0.0).sum(axis=-1)
            seen_part = (total[rows] - n[rows] * at) / s - w - n[rows] * log_s
            return np.asarray(seen_part + lost[rows] * _log_hazard_cdf((edge - at) / s))

        level, log_s = climb(likelihood, mean / sd + 0.45, np.log(sd * _GUMBEL))
        return np.stack([level * sd, np.exp(log_s)])

    def _w(self, v: Any, t: Any) -> Any:
        return (log_u(v) - t[0]) / t[1]

    def log_cdf(self, v: Any, t: Any) -> Any:
        return _log_hazard_cdf(self._w(v, t))

    def log_sf(self, v: Any, t: Any) -> Any:
        return -np.exp(self._w(v, t))

    def log_pdf(self, v: Any, t: Any) -> Any:
        w = self._w(v, t)
        return w - np.exp(w) - np.log(t[1]) - log_u(v)

    def quantile(self, p: Any, t: Any) -> Any:
        return np.expm1(t[0] + t[1] * np.log(-np.log1p(-np.asarray(p))))

    def upper_quantile(self, q: Any, t: Any) -> Any:
        return np.expm1(t[0] + t[1] * np.log(-np.log(q)))

    def draw(self, rng: np.random.Generator, shape: tuple[int, int], t: Any) -> FloatArray:
        return np.asarray(np.expm1(t[0] + t[1] * np.log(rng.standard_exponential(shape))), dtype=np.float64)

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        return {"shape": 1.0 / float(theta[1]), "scale": unit * float(np.exp(float(theta[0])))}


class Weibull3(Family):
    r"""Three parameters by Cohen and Whitten's modified maximum likelihood.

    For shapes below one the likelihood is unbounded at the smallest value, and near one its maximum is erratic. The
    equation of the threshold is replaced by that of the smallest value,
    :math:`x_{(1)} = \tau + \beta n^{-1/k} \Gamma(1 + 1/k)`.
    """

    name, label, size = "weibull3", "Weibull, 3 parameters", 3
    source = "modified maximum likelihood (smallest value): Cohen & Whitten (1982), Comm. Stat. Sim. Comp. 11, 631-656"

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        log_n = np.log(v.shape[-1])

        def excess(gap: FloatArray, rows: FloatArray) -> FloatArray:
            level, s = weibull_rows(np.log(rows + np.exp(gap)[:, np.newaxis]))
            return np.asarray(level - s * log_n + scipy.special.gammaln(1.0 + s) - gap)

        least = v.min(axis=-1)
        rise = v - least[:, np.newaxis]
        gap = np.exp(least_gap(excess, rise))
        level, s = weibull_rows(np.log(rise + gap[:, np.newaxis]))
        return np.stack([least - gap, level, s])

    def _w(self, v: Any, t: Any) -> Any:
        return (np.log(np.maximum(v - t[0], 0.0)) - t[1]) / t[2]

    def log_cdf(self, v: Any, t: Any) -> Any:
        return _log_hazard_cdf(self._w(v, t))

    def log_sf(self, v: Any, t: Any) -> Any:
        return -np.exp(self._w(v, t))

    def log_pdf(self, v: Any, t: Any) -> Any:
        w = self._w(v, t)
        return w - np.exp(w) - np.log(t[2]) - np.log(np.maximum(v - t[0], 0.0))

    def quantile(self, p: Any, t: Any) -> Any:
        return t[0] + np.exp(t[1] + t[2] * np.log(-np.log1p(-np.asarray(p))))

    def upper_quantile(self, q: Any, t: Any) -> Any:
        return t[0] + np.exp(t[1] + t[2] * np.log(-np.log(q)))

    def draw(self, rng: np.random.Generator, shape: tuple[int, int], t: Any) -> FloatArray:
        return np.asarray(t[0] + np.exp(t[1] + t[2] * np.log(rng.standard_exponential(shape))), dtype=np.float64)

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        return {
            "threshold": origin + unit * float(theta[0]),
            "shape": 1.0 / float(theta[2]),
            "scale": float(unit) * float(np.exp(theta[1])),
        }
