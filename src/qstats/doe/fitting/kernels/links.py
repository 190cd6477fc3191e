"""Links between a linear predictor and a mean, with the derivatives that scoring needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray

__all__ = ["LINKS", "Link"]

_FARTHEST = 700.0  # exp() of more is not a float64


class Link(NamedTuple):
    """One link: mean of one unit (exposure or trial), its slope and its curvature in the linear predictor.

    Parameters
    ----------
    name : str
    forward : callable
        Linear predictor of a mean.
    parts : callable
        ``eta -> (mean, d mean / d eta, d2 mean / d eta2, 1 - mean)``; the last without cancellation (of no meaning for
        the log link, where it is zero).
    """

    name: str
    forward: Callable[[FloatArray], FloatArray]
    parts: Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray, FloatArray]]


def _log(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    mean = np.exp(np.clip(eta, -_FARTHEST, _FARTHEST))
    return mean, mean, mean, np.zeros_like(mean)


def _logit(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    p, q = scipy.special.expit(eta), scipy.special.expit(-eta)
    return p, p * q, p * q * (q - p), q


def _probit(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    density = np.exp(-0.5 * np.minimum(eta**2, 2.0 * _FARTHEST)) / np.sqrt(2.0 * np.pi)
    return scipy.special.ndtr(eta), density, -eta * density, scipy.special.ndtr(-eta)


def _cloglog(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    rate = np.exp(np.clip(eta, -_FARTHEST, np.log(_FARTHEST)))
    q = np.exp(-rate)
    return -np.expm1(-rate), rate * q, rate * (1.0 - rate) * q, q


LINKS = {
    "log": Link("log", np.log, _log),
    "logit": Link("logit", lambda p: np.log(p) - np.log1p(-p), _logit),
    "probit": Link("probit", lambda p: np.asarray(scipy.special.ndtri(p)), _probit),
    "cloglog": Link("cloglog", lambda p: np.log(-np.log1p(-p)), _cloglog),
}
