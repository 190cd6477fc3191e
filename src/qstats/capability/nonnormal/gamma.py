"""Gamma distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.capability.nonnormal.censored import climb
from qstats.capability.nonnormal.family import Family, log_u

__all__ = ["Gamma", "gamma_shape", "log_gamma_cdf", "log_gamma_sf"]

_ROUNDS = 30
_TERMS = 200
_UNDERFLOW = 1e-290


def gamma_shape(s: FloatArray) -> FloatArray:
    """Return the shape a with ``log(a) - digamma(a) = s``, the log of the mean less the mean of the logs."""
    s = np.where(s > 0.0, s, np.nan)
    a = (3.0 - s + np.sqrt((s - 3.0) ** 2 + 24.0 * s)) / (12.0 * s)
    for _ in range(_ROUNDS):
        f = np.log(a) - scipy.special.digamma(a) - s
        step = f / (1.0 / a - scipy.special.polygamma(1, a))
        a = np.maximum(a - step, 0.2 * a)
        if not (np.abs(step) > 1e-13 * a).any():
            break
    return np.asarray(a, dtype=np.float64)


@np.errstate(all="ignore")
def log_gamma_sf(a: Any, x: Any) -> Any:
    """Return the logarithm of the upper tail of Gamma(a, 1); Legendre's continued fraction where it underflows."""
    a, x = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(x, dtype=np.float64))
    tail = scipy.special.gammaincc(a, np.maximum(x, 0.0))
    out = np.log(tail)
    deep = (tail < _UNDERFLOW) & np.isfinite(x)
    if deep.any():
        out = np.array(out)
        ad, xd = a[deep], x[deep]
        b = xd + 1.0 - ad
        c, d = np.full_like(b, 1e300), 1.0 / b
        h = d
        for i in range(1, _TERMS):
            an = -i * (i - ad)
            b = b + 2.0
            d = 1.0 / (an * d + b)
            c = b + an / c
            h = h * d * c
        out[deep] = ad * np.log(xd) - xd - scipy.special.gammaln(ad) + np.log(h)
    return out[()]


@np.errstate(all="ignore")
def log_gamma_cdf(a: Any, x: Any) -> Any:
    """Return the logarithm of the lower tail of Gamma(a, 1); the power series where it underflows."""
    a, x = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(x, dtype=np.float64))
    tail = scipy.special.gammainc(a, np.maximum(x, 0.0))
    out = np.log(tail)
    deep = (tail < _UNDERFLOW) & (x > 0.0)
    if deep.any():
        out = np.array(out)
        ad, xd = a[deep], x[deep]
        term = np.ones_like(xd)
        total = term
        for i in range(1, _TERMS):
            term = term * xd / (ad + i)
            total = total + term
        out[deep] = ad * np.log(xd) - xd - scipy.special.gammaln(ad + 1.0) + np.log(total)
    return out[()]


class Gamma(Family):
    """Shape and scale by maximum likelihood."""

    name, label, size, positive = "gamma", "Gamma", 2, True
    source = "maximum likelihood: Johnson, Kotz & Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 17"

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        seen = v > -1.0
        n = seen.sum(axis=-1).astype(np.float64)
        y = np.where(seen, log_u(np.where(seen, v, 0.0)), 0.0)
        total, logs = np.where(seen, v, 0.0).sum(axis=-1), y.sum(axis=-1)
        mean = total / n  # of v, so that log1p keeps the digits of data far from zero
        a = gamma_shape(np.log1p(mean) - logs / n)
        scale = (1.0 + mean) / a
        if low is None or seen.all():
            return np.stack([a, scale])
        lost, edge = v.shape[-1] - n, 1.0 + low

        def likelihood(log_a: FloatArray, log_m: FloatArray, rows: Any) -> FloatArray:
            shape = np.exp(log_a)
            b = np.exp(log_m) / shape
            whole = (shape - 1.0) * logs[rows] - (n[rows] + total[rows]) / b
            whole -= n[rows] * (shape * np.log(b) + scipy.special.gammaln(shape))
            return np.asarray(whole + lost[rows] * log_gamma_cdf(shape, edge / b))

        log_a, log_m = climb(likelihood, np.log(a), np.log1p(mean))
        return np.stack([np.exp(log_a), np.exp(log_m - log_a)])

    def log_cdf(self, v: Any, t: Any) -> Any:
        return log_gamma_cdf(t[0], (1.0 + v) / t[1])

    def log_sf(self, v: Any, t: Any) -> Any:
        return log_gamma_sf(t[0], (1.0 + v) / t[1])

    def log_pdf(self, v: Any, t: Any) -> Any:
        u = (1.0 + v) / t[1]
        return (t[0] - 1.0) * np.log(np.maximum(u, 0.0)) - u - scipy.special.gammaln(t[0]) - np.log(t[1])

    def quantile(self, p: Any, t: Any) -> Any:
        return t[1] * scipy.special.gammaincinv(t[0], p) - 1.0

    def upper_quantile(self, q: Any, t: Any) -> Any:
        return t[1] * scipy.special.gammainccinv(t[0], q) - 1.0

    def draw(self, rng: np.random.Generator, shape: tuple[int, int], t: Any) -> FloatArray:
        return np.asarray(t[1] * rng.standard_gamma(t[0], shape) - 1.0, dtype=np.float64)

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        return {"shape": float(theta[0]), "scale": unit * float(theta[1])}
