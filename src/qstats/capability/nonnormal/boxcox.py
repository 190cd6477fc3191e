"""Box-Cox power transformation: lambda by maximum likelihood, and its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.quantiles import chi2_quantile
from qstats.capability.nonnormal.censored import tobit
from qstats.capability.nonnormal.family import NormalScore, log_u, mean_and_sd, root_two_pi_log
from qstats.inference.roots import bracketed

__all__ = ["LIMIT", "BoxCox", "boxcox_lambda", "censored_lambda", "lambda_interval", "power", "rounded"]

LIMIT = 5.0  # lambda is looked for between minus and plus this
_SMALL = 1e-4  # |lambda| below which the quotient is replaced by its series


def power(y: Any, lam: Any) -> Any:
    """Return ``(exp(lam y) - 1) / lam`` for logarithms y, and y itself at zero: increasing for every lambda."""
    safe = np.where(lam == 0.0, 1.0, lam)
    return np.where(lam == 0.0, y, np.expm1(lam * y) / safe)


def _slope(y: FloatArray, w: FloatArray, lam: FloatArray) -> FloatArray:
    """Return the derivative of `power` by lambda."""
    safe = np.where(np.abs(lam) < _SMALL, 1.0, lam)
    return np.where(
        np.abs(lam) < _SMALL,
        y * y * (0.5 + lam * y * (1.0 / 3.0 + lam * y / 8.0)),
        (y * (1.0 + lam * w) - w) / safe,
    )


def boxcox_lambda(y: FloatArray) -> FloatArray:
    """Return the lambda of maximum likelihood of each row of logarithms; -5 or 5 where it lies beyond."""
    y = y - y.mean(axis=-1)[:, np.newaxis]  # the Jacobian vanishes: the likelihood is that of the variance alone

    def falling(lam: FloatArray, which: Any) -> FloatArray:
        rows, col = y[which], lam[:, np.newaxis]
        w = power(rows, col)
        d = w - w.mean(axis=-1)[:, np.newaxis]
        both = np.einsum("ij,ij->i", d, _slope(rows, w, col))
        return np.asarray(-both / np.einsum("ij,ij->i", d, d))

    ends = np.full(y.shape[0], LIMIT)
    return bracketed(falling, -ends, ends, tolerance=1e-10)


def _profile(y: FloatArray, lam: float) -> float:
    """Return the log-likelihood of lambda, up to a constant, for centred logarithms."""
    w = power(y, lam)
    d = w - w.mean()
    return float(-0.5 * y.size * np.log(d @ d))


def censored_lambda(y: FloatArray, seen: Any, edge: float) -> FloatArray:
    """Return lambda of each row of logarithms where entries not `seen` only lie below `edge`."""
    total, lost = np.where(seen, y, 0.0).sum(axis=-1), y.shape[-1] - seen.sum(axis=-1)

    def falling(lam: FloatArray, which: Any) -> FloatArray:
        rows, col, here = y[which], lam[:, np.newaxis], seen[which]
        w, e = power(rows, col), power(edge, lam)
        m, s = tobit(w, here, e)
        z = (e - m) / s
        mills = np.exp(-0.5 * z * z - root_two_pi_log - scipy.special.log_ndtr(z))
        bend = np.where(here, (w - m[:, np.newaxis]) * _slope(rows, w, col), 0.0).sum(axis=-1)
        edge_bend = _slope(np.full(lam.shape, edge), e, lam)
        score = total[which] - bend / (s * s) + lost[which] * mills * edge_bend / s
        return np.asarray(np.nan_to_num(score, nan=-1e6))

    ends = np.full(y.shape[0], LIMIT)
    return bracketed(falling, -ends, ends, tolerance=1e-9)


def _censored_profile(y: FloatArray, seen: Any, edge: float, lam: float) -> float:
    w, e = power(y, lam), power(edge, lam)
    m, s = (float(c[0]) for c in tobit(w[np.newaxis], seen[np.newaxis], np.full(1, e)))
    z = (w[seen] - m) / s
    tail = np.count_nonzero(~seen) * float(scipy.special.log_ndtr((e - m) / s))
    return float((lam - 1.0) * y[seen].sum() - seen.sum() * np.log(s) - 0.5 * (z @ z) + tail)


def lambda_interval(v: FloatArray, low: float | None, lam: float, confidence: float) -> Interval:
    """Return the profile-likelihood interval of lambda, cut at -5 and 5."""
    seen = v > -1.0
    y = log_u(np.where(seen, v, 0.0))
    centred = y - y.mean()

    def profile(at: float) -> float:
        return _profile(centred, at) if low is None else _censored_profile(y, seen, float(log_u(low)), at)

    cut = profile(lam) - 0.5 * float(chi2_quantile(confidence, 1.0))

    def side(sign: float) -> float:
        def falling(step: FloatArray, which: Any) -> FloatArray:
            return np.array([profile(lam + sign * float(s)) - cut for s in step])

        reach = np.array([LIMIT - sign * lam])
        return lam + sign * float(bracketed(falling, np.zeros(1), reach, tolerance=1e-10)[0])

    return Interval(side(-1.0), side(1.0), confidence)


def rounded(lam: FloatArray) -> FloatArray:
    """Return lambda at the nearest half: powers a person can say (square root, logarithm, reciprocal)."""
    return np.round(2.0 * lam) / 2.0


class BoxCox(NormalScore):
    """Normal after a power: lambda, mean and standard deviation (divisor n - 1) of the transformed values.

    Parameters
    ----------
    lam : float, optional
        A given lambda.
    rounding : bool
        Whether the estimated one is rounded to the nearest half.
    """

    name, label, size, positive = "boxcox", "Box-Cox", 3, True
    source = "maximum likelihood: Box & Cox (1964), JRSS B 26, 211-252"

    def __init__(self, lam: float | None = None, rounding: bool = False) -> None:
        self.lam, self.rounding = lam, rounding
        self.size = 2 if lam is not None else 3

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        seen = v > -1.0
        whole = low is None or bool(seen.all())
        # without a resolution a zero has no logarithm, and its row (a rare resample) no fit
        y = log_u(v if low is None else np.where(seen, v, 0.0))
        edge = 0.0 if low is None else float(log_u(low))
        if self.lam is not None:
            lam = np.full(v.shape[0], self.lam)
        else:
            lam = boxcox_lambda(y) if whole else censored_lambda(y, seen, edge)
            lam = rounded(lam) if self.rounding else lam
        w = power(y, lam[:, np.newaxis])
        mean, sd = mean_and_sd(w, 1.0)
        if not whole:
            n = v.shape[-1]
            mean, sd = tobit(w, seen, power(edge, lam))
            sd = sd * np.sqrt(n / (n - 1.0))
        ok = (sd > 0.0) & np.isfinite(sd) & np.isfinite(y).all(axis=-1)
        return np.stack([lam, mean, np.where(ok, sd, np.nan)])

    def score(self, v: Any, t: Any) -> Any:
        return np.where(np.asarray(v) > -1.0, (power(log_u(v), t[0]) - t[1]) / t[2], -np.inf)

    def unscore(self, z: Any, t: Any) -> Any:
        lam, w = t[0], t[1] + t[2] * z
        inside = 1.0 + lam * w  # the power of x itself: below zero the transformation has no such value
        safe = np.where(lam == 0.0, 1.0, lam)
        u = np.where(lam == 0.0, w, np.log(np.maximum(inside, 0.0)) / safe)
        return np.expm1(u)

    def draw(self, rng: np.random.Generator, shape: tuple[int, int], t: Any) -> FloatArray:
        # a power has an end, beyond which the normal distribution of the transformed value has nothing to say
        end = scipy.special.ndtr((-1.0 / np.where(t[0] == 0.0, np.nan, t[0]) - t[1]) / t[2])
        low, high = np.where(t[0] > 0.0, end, 0.0), np.where(t[0] < 0.0, end, 1.0)
        return np.asarray(self.unscore(scipy.special.ndtri(low + (high - low) * rng.random(shape)), t))

    def log_slope(self, v: Any, t: Any) -> Any:
        return (t[0] - 1.0) * log_u(v) - np.log(t[2])

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        lam = float(theta[0])
        size = float(np.exp(lam * np.log(unit)))
        return {
            "lambda": lam,
            "mean": size * float(theta[1]) + float(power(np.log(unit), lam)),
            "sd": size * float(theta[2]),
        }

    def at_maximum(self, theta: FloatArray, n: int) -> FloatArray:
        return np.asarray(theta * np.array([1.0, 1.0, np.sqrt((n - 1.0) / n)]).reshape((3,) + (1,) * (theta.ndim - 1)))
