"""Estimates that the three studies share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.quantiles import t_quantile, t_sf
from qstats.inference.estimate import Estimate

__all__ = ["GAUSS", "center_and_spread", "magnitude", "rescaled", "shown", "t_estimate", "t_pvalue"]

GAUSS = "Student (1908), Biometrika 6, 1-25"


def center_and_spread(x: FloatArray) -> tuple[float, float]:
    """Return mean and sum of squared deviations: deviations from a rough mean, so an offset costs no digits."""
    rough = float(x[0])
    d = x - rough
    slip = float(d.mean())
    d = d - slip
    return rough + slip, float(np.dot(d, d))


def t_pvalue(estimate: float, error: float, df: float) -> tuple[float, float]:
    """Return t against zero and its two-sided p-value."""
    t = estimate / error
    return t, float(min(1.0, 2.0 * t_sf(abs(t), df)))


def t_estimate(name: str, estimate: float, error: float, df: float, n: float, confidence: float, how: str) -> Estimate:
    """Return an estimate with its t interval."""
    reach = float(t_quantile(0.5 + 0.5 * confidence, df)) * error
    return Estimate(name, estimate, Interval(estimate - reach, estimate + reach, confidence), n, how, GAUSS)


def magnitude(name: str, e: Estimate, factor: float) -> Estimate:
    """Return ``factor * |e|``: its lower limit is 0 where the interval of `e` holds 0."""
    low, high = e.interval.low, e.interval.high
    least = 0.0 if low <= 0.0 <= high else min(abs(low), abs(high))
    limits = Interval(factor * least, factor * max(abs(low), abs(high)), e.interval.confidence)
    return Estimate(name, factor * abs(e.estimate), limits, e.n, e.method, e.reference)


def rescaled(name: str, e: Estimate, map_: Callable[[float], float]) -> Estimate:
    """Return `e` on another scale, its limits in the order of their size."""
    ends = sorted((map_(e.interval.low), map_(e.interval.high)))
    return Estimate(
        name, map_(e.estimate), Interval(ends[0], ends[1], e.interval.confidence), e.n, e.method, e.reference
    )


def shown(e: Estimate) -> str:
    """Return an estimate with its interval, for reading."""
    return f"{e.estimate:.4g} {e.interval}"
