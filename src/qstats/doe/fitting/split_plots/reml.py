"""The variance ratio of a split-plot by restricted maximum likelihood, searched in one dimension."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qstats.doe.fitting.split_plots.plots import Contrasts

__all__ = ["Variances", "variances"]

_POINTS = 121
_SMALLEST, _LARGEST = 1e-6, 1e8  # of the ratio times the typical eigenvalue


class Variances(NamedTuple):
    """REML estimates.

    Parameters
    ----------
    ratio : float
        Variance between whole plots over `residual`.
    residual : float
        Variance of runs within a whole plot.
    bound : {"", "zero", "infinite"}
        Whether the ratio lies at the edge of what is possible.
    """

    ratio: float
    residual: float
    bound: str


def variances(contrasts: Contrasts) -> Variances:
    """Return the estimates of greatest restricted likelihood, which is profiled over the residual variance.

    A grid over the whole range finds the best of several possible tops, bisection on the derivative its digits.
    """
    total = float(contrasts.square.sum()) + contrasts.rss
    if total == 0.0:
        return Variances(0.0, 0.0, "zero")
    typical = float(np.exp(np.log(contrasts.eigen).mean()))
    grid = np.geomspace(_SMALLEST, _LARGEST, _POINTS) / typical
    if contrasts.rss <= 1e-12 * total:
        ratio = float(grid[-1])
        return Variances(ratio, float(contrasts.variance(np.array([ratio]))[0]), "infinite")
    value = contrasts.deviance(np.append(0.0, grid))
    best = int(np.argmin(value))
    logs = np.log(grid)
    if best == 0 or (best == 1 and contrasts.slope(float(logs[0])) >= 0.0):
        return Variances(0.0, float(contrasts.variance(np.zeros(1))[0]), "zero")
    low, high = float(logs[max(best - 2, 0)]), float(logs[min(best, _POINTS - 1)])
    ratio = float(np.exp(_bisect(contrasts, low, high)))
    return Variances(ratio, float(contrasts.variance(np.array([ratio]))[0]), "")


def _bisect(contrasts: Contrasts, low: float, high: float) -> float:
    """Return where the derivative turns from falling to rising: secant steps kept inside a shrinking bracket."""
    at_low, at_high = contrasts.slope(low), contrasts.slope(high)
    if at_low >= 0.0:
        return low
    if at_high <= 0.0:
        return high
    for turn in range(100):
        middle = 0.5 * (low + high) if turn % 3 == 2 else low - at_low * (high - low) / (at_high - at_low)
        at = contrasts.slope(middle)
        if at == 0.0 or high - low < 1e-14 * max(1.0, abs(middle)):
            return middle
        if at < 0.0:
            low, at_low = middle, at
        else:
            high, at_high = middle, at
        if min(abs(middle - low), abs(high - middle)) < 1e-15 and high - low < 1e-11:
            return middle
    return 0.5 * (low + high)
