"""Normal and smallest-extreme-value errors, seen or known only to be larger: log likelihood and derivatives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import BoolArray, FloatArray

__all__ = ["LAWS", "Law", "Parts"]

_HALF_LOG_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))
_EULER = 0.5772156649015329


class Parts(NamedTuple):
    """Of each run's standardized residual r: log likelihood, first and second derivative. All of shape (n,)."""

    value: FloatArray
    first: FloatArray
    second: FloatArray


class Law(NamedTuple):
    """A distribution of the errors, of location 0 and scale 1.

    Parameters
    ----------
    name : {"normal", "smallest extreme value"}
    spread : float
        Its standard deviation.
    """

    name: str
    spread: float

    def parts(self, r: FloatArray, seen: BoolArray) -> Parts:
        """Return the parts at standardized residuals r; where not `seen` the residual is only known to be larger."""
        if self.name == "normal":
            tail = scipy.special.log_ndtr(-r)
            hazard = np.exp(np.minimum(-0.5 * r**2 - _HALF_LOG_TWO_PI - tail, 700.0))
            return Parts(
                np.where(seen, -0.5 * r**2 - _HALF_LOG_TWO_PI, tail), np.where(seen, -r, -hazard),
                np.where(seen, -1.0, -hazard * (hazard - r)),
            )  # fmt: skip
        rate = np.exp(np.minimum(r, 700.0))
        return Parts(np.where(seen, r - rate, -rate), np.where(seen, 1.0, 0.0) - rate, -rate)

    def deviance_residuals(self, r: FloatArray, seen: BoolArray) -> FloatArray:
        """Return signed roots of twice what each run lacks to its best possible log likelihood."""
        best = np.where(seen, -_HALF_LOG_TWO_PI if self.name == "normal" else -1.0, 0.0)
        short = np.maximum(best - self.parts(r, seen).value, 0.0)
        return np.where(seen, np.sign(r), 1.0) * np.sqrt(2.0 * short)

    def mean(self, location: FloatArray, scale: float, *, logarithm: bool) -> FloatArray:
        """Return the mean response, of the exponential of the variable where it was a logarithm."""
        if self.name == "normal":
            return np.exp(location + 0.5 * scale**2) if logarithm else location
        if logarithm:
            return np.asarray(np.exp(location + scipy.special.gammaln(1.0 + scale)), dtype=np.float64)
        return location - _EULER * scale


LAWS = {
    "normal": Law("normal", 1.0),
    "lognormal": Law("normal", 1.0),
    "weibull": Law("smallest extreme value", float(np.pi / np.sqrt(6.0))),
}
