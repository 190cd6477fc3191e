"""Bootstrap interval of Ppk, for values that are not normal."""

from __future__ import annotations

import math

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.spec import Spec
from qstats.errors import TooFewData
from qstats.inference.estimate import Estimate
from qstats.inference.resample import as_generator, check_resamples, resampled_moments

__all__ = ["bootstrap_ppk"]

_LEAST = 10
_REFERENCE = "Efron (1987), JASA 82, 171-185 (BCa); Franklin & Wasserman (1992), JQT 24(4), 196-210"


def _ppk(mean: FloatArray, variance: FloatArray, lower: float, upper: float) -> FloatArray:
    with np.errstate(divide="ignore"):
        out: FloatArray = np.minimum(mean - lower, upper - mean) / (3.0 * np.sqrt(variance))
    return out


def _acceleration(d: FloatArray, lower: float, upper: float) -> float:
    """Skewness of the jackknife values over six, from closed forms of mean and variance without one value."""
    n = d.size
    m2 = float(np.dot(d, d)) - d * d * (n / (n - 1.0))
    left = _ppk(-d / (n - 1.0), m2 / (n - 2.0), lower, upper)
    u = left.mean() - left
    square = float(np.dot(u, u))
    return float((u**3).sum()) / (6.0 * square**1.5) if square > 0 else 0.0


def bootstrap_ppk(x: FloatArray, spec: Spec, resamples: object, confidence: float, rng: object) -> Estimate:
    """Return Ppk with its bias-corrected and accelerated (BCa) bootstrap interval.

    Parameters
    ----------
    x : numpy.ndarray
        Finite values that are not all equal.
    spec : Spec
    resamples : int
    confidence : float
    rng : None, int, SeedSequence or Generator
    """
    tail = 0.5 * (1.0 - confidence)
    count, draw = check_resamples(resamples, tail, tail), as_generator(rng)
    if x.size < _LEAST:
        raise TooFewData(f"bootstrap: {x.size} values came; at least {_LEAST} are wanted")
    mean = float(x.mean())
    d = x - mean
    d -= d.mean()
    lower = -math.inf if spec.lower_spec is None else spec.lower_spec - mean
    upper = math.inf if spec.upper_spec is None else spec.upper_spec - mean
    seen = float(_ppk(np.zeros(1), np.array([np.dot(d, d) / (d.size - 1.0)]), lower, upper)[0])
    draws = np.sort(_ppk(*resampled_moments(d, count, draw), lower, upper))
    below = 0.5 * (np.searchsorted(draws, seen, "left") + np.searchsorted(draws, seen, "right"))
    z0 = float(scipy.special.ndtri(min(max(below, 0.5), count - 0.5) / count))
    a = _acceleration(d, lower, upper)
    z = z0 + np.array([-1.0, 1.0]) * -float(scipy.special.ndtri(tail))
    p = scipy.special.ndtr(z0 + z / np.maximum(1.0 - a * z, 1e-3))
    low, high = np.interp(p * (count + 1.0), np.arange(1.0, count + 1.0), draws)
    text = f"bootstrap, BCa, {count} resamples"
    return Estimate("Ppk", seen, Interval(float(low), float(high), confidence), x.size, text, _REFERENCE)
