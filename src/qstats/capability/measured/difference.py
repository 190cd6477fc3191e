"""Limits of a variance less another, and of an index whose sigma is the root of such a difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from qstats.capability.measured.sources import Variance
from qstats.msa.gauge.mls import MeanSquares, mls_limits

__all__ = ["Around", "difference_limits", "ratio_limits", "share_limits"]

_ROUNDS = 200
_FAR = 1e9


class Around(NamedTuple):
    """An estimate between its limits."""

    estimate: float
    low: float
    high: float


def _limits(whole: Variance, part: Variance, weight: float, tail: float) -> tuple[float, float]:
    """Return MLS limits of ``whole - weight * part``; what is known exactly is a constant."""
    weights = np.concatenate([whole.weights, -weight * part.weights])
    ms, df = np.concatenate([whole.ms, part.ms]), np.concatenate([whole.df, part.df])
    known = np.isinf(df)
    constant = float(weights[known] @ ms[known])
    if known.all():
        return constant, constant
    low, high = mls_limits(weights[~known][None, :], MeanSquares(ms[~known], df[~known], {}), tail)
    return constant + float(low[0]), constant + float(high[0])


def difference_limits(whole: Variance, part: Variance, tail: float) -> tuple[float, float]:
    """Return limits of the variance `whole` less `part`, no less than zero.

    References
    ----------
    Ting, N. et al. (1990). Confidence intervals on linear combinations of variance components that are unrestricted in
    sign. J. Statist. Comput. Simul. 35, 135-143.
    """
    low, high = _limits(whole, part, 1.0, tail)
    return max(low, 0.0), max(high, 0.0)


def share_limits(part: Variance, whole: Variance, tail: float) -> tuple[float, float]:
    """Return limits of ``part / whole``, between 0 and 1: where a limit of ``whole - part / x`` is zero."""
    ends = []
    for side in (1, 0):  # the share may be x as long as the interval of x * whole - part holds zero
        low, high = 0.0, 1.0
        for _ in range(_ROUNDS):
            x = 0.5 * (low + high)
            if _limits(whole, part, 1.0 / x, tail)[side] < 0.0:
                low = x
            else:
                high = x
            if high - low <= 1e-12:
                break
        ends.append(high if high == 1.0 else 0.5 * (low + high))
    return ends[0], ends[1]


def ratio_limits(top: Around, bottom: Around) -> tuple[float, float]:
    """Return limits of ``top / bottom``, `bottom` not negative: where a limit of ``top - k * bottom`` is zero.

    The method of variance estimates recovery puts the limits of two independent estimates together.

    References
    ----------
    Donner, A. & Zou, G. Y. (2012). Closed-form confidence intervals for functions of the normal mean and standard
    deviation. Statist. Methods Med. Res. 21, 347-359.
    """

    def lower(k: float) -> float:
        reach = (
            k * (bottom.high - bottom.estimate) if k > 0.0 else k * (bottom.estimate - bottom.low) if k < 0.0 else 0.0
        )
        return top.estimate - k * bottom.estimate - math.hypot(top.estimate - top.low, reach)

    def upper(k: float) -> float:
        reach = (
            k * (bottom.estimate - bottom.low) if k > 0.0 else k * (bottom.high - bottom.estimate) if k < 0.0 else 0.0
        )
        return top.estimate - k * bottom.estimate + math.hypot(top.high - top.estimate, reach)

    return _falling_root(lower), _falling_root(upper)


def _falling_root(of: Callable[[float], float]) -> float:
    """Return where a falling function passes zero; infinite where it does not within what matters."""
    step = 1.0
    if of(0.0) > 0.0:
        while of(step) > 0.0:
            step *= 4.0
            if step > _FAR:
                return math.inf
        low, high = 0.0, step
    else:
        while of(-step) <= 0.0:
            step *= 4.0
            if step > _FAR:
                return -math.inf
        low, high = -step, 0.0
    for _ in range(_ROUNDS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if of(middle) > 0.0 else (low, middle)
        if high - low <= 1e-14 * max(1.0, abs(low)):
            break
    return 0.5 * (low + high)
