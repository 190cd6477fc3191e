"""Confidence limits of a quantile, family by family: one-sided tolerance limits are nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.capability.nonnormal.weibull import weibull_rows
from qstats.errors import DataError

__all__ = ["FAMILIES", "Family", "weibull_limit"]

_STEP = 0.15  # of 1 / sqrt(n), the scatter of the logarithm of the scale: the trapezoidal rule is then exact


class Normalised(NamedTuple):
    """Values on a scale where they are normal, and the way back."""

    values: FloatArray
    back: Callable[[float], float]


def _as_they_are(x: FloatArray) -> Normalised:
    return Normalised(x, lambda v: v)


def _positive(x: FloatArray, name: str) -> None:
    if (bad := x <= 0.0).any():
        raise DataError(
            f"data: {x[int(np.argmax(bad))]:g} at position {int(np.argmax(bad))}; a {name} value is above 0; "
            "use distribution='nonparametric', or find out what the zero means"
        )


def _logarithms(x: FloatArray) -> Normalised:
    _positive(x, "lognormal")
    return Normalised(np.log(x), math.exp)


def _cube_roots(x: FloatArray) -> Normalised:
    _positive(x, "gamma")
    return Normalised(np.cbrt(x), lambda v: max(v, 0.0) ** 3)


def weibull_limit(y: FloatArray, p: float, chance: float) -> float:
    """Return the limit on the log scale below which the `p` quantile of a Weibull sample lies with chance `chance`.

    Exact whatever the sample size, given how the logarithms `y` lie about their own fit: for a location and a scale
    that distribution is known up to one integral over the scale.
    """
    level, scale = (float(v[0]) for v in weibull_rows(y[np.newaxis, :]))
    a = (y - level) / scale
    n = a.size
    log_w = math.log(-math.log1p(-p))
    reach = 12.0 / math.sqrt(n)
    log_z = np.arange(-reach * 3.0 - 6.0 / n, reach + 1e-12, _STEP / math.sqrt(n))
    z = np.exp(log_z)
    log_sum = np.array([_log_sum_exp(a * v) for v in z.tolist()])
    log_density = (n - 1.0) * log_z + z * float(a.sum()) - n * log_sum  # of log z: one more power of z
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    kept = weight > 1e-18
    z, log_sum, weight = z[kept], log_sum[kept], weight[kept]

    def below(t: float) -> float:
        """Chance of ``(level - quantile) / scale <= t``."""
        with np.errstate(over="ignore"):
            return float((weight * scipy.special.gammainc(n, np.exp(log_sum + t * z + log_w))).sum())

    low, high = -1.0 - abs(log_w), 1.0 + abs(log_w)
    while below(low) > 1.0 - chance:
        low *= 2.0
    while below(high) < 1.0 - chance:
        high *= 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if below(middle) < 1.0 - chance else (low, middle)
        if high - low <= 1e-13 * max(1.0, abs(high)):
            break
    return level - scale * 0.5 * (low + high)


def _log_sum_exp(v: FloatArray) -> float:
    top = float(v.max())
    return top + math.log(float(np.exp(v - top).sum()))


def _weibull(x: FloatArray, p: float, chance: float) -> float:
    _positive(x, "Weibull")
    return math.exp(weibull_limit(np.log(x), p, chance))


def _exponential(x: FloatArray, p: float, chance: float) -> float:
    if (bad := x < 0.0).any():
        raise DataError(f"data: {x[int(np.argmax(bad))]:g} came; an exponential value is not below 0")
    total = float(x.sum())
    return -math.log1p(-p) * total / float(scipy.special.gammaincinv(x.size, 1.0 - chance))


@dataclass(frozen=True, slots=True)
class Family:
    """How a family gets its limits: through a normal scale, or by the limit of its own quantile.

    Parameters
    ----------
    normalise : callable or None
        Values -> `Normalised`.
    limit : callable or None
        ``(values, p, chance) -> limit`` above which the `p` quantile does not lie with that chance.
    text, source : str
    exact : bool
    """

    normalise: Callable[[FloatArray], Normalised] | None
    limit: Callable[[FloatArray, float, float], float] | None
    text: str
    source: str
    exact: bool = True


_NORMAL = "Krishnamoorthy & Mathew (2009), Statistical Tolerance Regions, Wiley, sections 2.2 and 2.3"
FAMILIES: dict[str, Family] = {
    "normal": Family(_as_they_are, None, "normal", _NORMAL),
    "lognormal": Family(_logarithms, None, "normal for the logarithms", _NORMAL),
    "gamma": Family(
        _cube_roots,
        None,
        "normal for the cube roots (Wilson-Hilferty)",
        "Krishnamoorthy, Mathew & Mukherjee (2008), Technometrics 50(1), 69-78",
        exact=False,
    ),
    "weibull": Family(
        None,
        _weibull,
        "Weibull, exact given the configuration of the sample",
        "Lawless (2003), Statistical Models and Methods for Lifetime Data, 2nd ed., section 5.2 and appendix E",
    ),
    "exponential": Family(
        None,
        _exponential,
        "exponential, by the chi-square distribution of the sum",
        "Krishnamoorthy & Mathew (2009), Statistical Tolerance Regions, Wiley, section 7.4",
    ),
}
