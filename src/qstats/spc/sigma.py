"""Estimators of the process standard deviation from single values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.bias import d2, median_range_constant
from qstats._core.checks import check_choice, check_number

__all__ = ["MOVING_RANGE_SIGMA", "describe_sigma", "known_sigma", "median_moving_range", "moving_range"]

_TABLE_MEDIAN = 0.954  # Wheeler, Understanding Variation (2000): limits at 3.145 = 3/0.954 median moving ranges


def moving_range(ranges: FloatArray, constants: str = "exact") -> float:
    """Return mean moving range / d2(2): the usual estimator, near full efficiency, upset by large single outliers."""
    return float(ranges.mean()) / d2(2, constants)


def median_moving_range(ranges: FloatArray, constants: str = "exact") -> float:
    """Return median moving range / 0.9539: bears outliers, needs more points, breaks down where most values tie."""
    return float(np.median(ranges)) / (_TABLE_MEDIAN if constants == "table" else median_range_constant())


MOVING_RANGE_SIGMA: dict[str, Callable[[FloatArray, str], float]] = {
    "moving_range": moving_range,
    "median_moving_range": median_moving_range,
}


def known_sigma(sigma: object) -> float | None:
    """Return the standard deviation the caller knows, or None if `sigma` names an estimator."""
    if isinstance(sigma, str):
        check_choice(sigma, "sigma", MOVING_RANGE_SIGMA)
        return None
    return check_number(sigma, "sigma", above=0.0)


def describe_sigma(sigma: object, constants: str) -> str:
    """Say in a result how sigma came about."""
    if sigma == "moving_range":
        return f"sigma = mean moving range / d2(2), d2 = {d2(2, constants):.6g} ({constants})"
    if sigma == "median_moving_range":
        divisor = _TABLE_MEDIAN if constants == "table" else median_range_constant()
        return f"sigma = median moving range / {divisor:.6g} ({constants})"
    return "sigma given"
