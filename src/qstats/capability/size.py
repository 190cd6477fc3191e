"""How many values show that a process is as capable as required."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import scipy

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.noncentral_t import nct_quantile, nct_sf
from qstats._core.quantiles import chi2_quantile, normal_quantile
from qstats._core.result import Result
from qstats.errors import DataError

__all__ = ["CapabilitySize", "capability_sample_size", "values_needed"]

_MOST = 1 << 40
_LEAST = 3
_EDGE = 1e-13
_NODES = 200
EXACT = "lower bound exact by the noncentral t"
BISSELL = "lower bound by Bissell's formula"
_SOURCES = {
    EXACT: "Kushler & Hurley (1992), Journal of Quality Technology 24(4), 188-195 (exact limits against one limit)",
    BISSELL: "Bissell (1990), Applied Statistics 39(3), 331-340",
}


@dataclass(frozen=True, slots=True, eq=False)
class CapabilitySize(Result):
    """Number of values for a demonstration of capability.

    Parameters
    ----------
    n : int
        Fewest values with which the lower bound reaches `required` with chance `power`.
    power : float
        Chance it really has with that n.
    critical : float
        Least index that must be seen in those n values.
    required, assumed, confidence : float
    sides : {"both", "one"}
    method, reference : str
    """

    schema: ClassVar[str] = "qstats.capability_size/1"
    title: ClassVar[str] = "Sample size for a capability"

    n: int
    power: float
    critical: float
    required: float
    assumed: float
    confidence: float
    sides: str
    method: str
    reference: str

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("values", f"{self.n}"),
            ("power", f"{self.power:.4g} if the index is {self.assumed:.4g}"),
            ("to be shown", f"at least {self.required:.4g}, one-sided confidence {self.confidence:.4g}"),
            ("index that must be seen", f"{self.critical:.4g}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {name: [getattr(self, name)] for name in self.__dataclass_fields__}


def _exact(n: int, required: float, assumed: float, confidence: float) -> tuple[float, float]:
    """Return the least index to be seen against one limit, and the chance to see it."""
    root = 3.0 * math.sqrt(n)
    critical = float(nct_quantile(confidence, n - 1.0, root * required))
    return critical / root, float(nct_sf(critical, n - 1.0, root * assumed))


def _both(n: int, required: float, assumed: float, confidence: float) -> tuple[float, float]:
    """Return the least Cpk to be seen between two limits, and the chance to see it if the process is in the middle."""
    z2, df = float(normal_quantile(confidence)) ** 2, n - 1.0
    # (c - required)**2 = z**2 (1 / (9 n) + c**2 / (2 df)), the root above `required`
    a, b, c = 1.0 - z2 / (2.0 * df), -2.0 * required, required**2 - z2 / (9.0 * n)
    if a <= 0:
        return math.inf, 0.0
    critical = (-b + math.sqrt(b * b - 4.0 * a * c)) / (2.0 * a)
    return critical, _chance_in_the_middle(critical, n, df, assumed)


def _chance_in_the_middle(critical: float, n: int, df: float, index: float) -> float:
    """Chance that Cpk is seen above `critical`: 3 index - |z| / sqrt(n) > 3 critical s, one integral over s."""
    low = math.sqrt(float(chi2_quantile(_EDGE, df)) / df)
    high = min(math.sqrt(2.0 * float(scipy.special.gammainccinv(0.5 * df, _EDGE)) / df), index / critical)
    if high <= low:
        return 0.0
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    u = low + 0.5 * (high - low) * (nodes + 1.0)
    log_top = math.log(2.0) + 0.5 * df * math.log(0.5 * df) - math.lgamma(0.5 * df) - 0.5 * df
    density = np.exp(log_top + df * (np.log(u) - 0.5 * (u - 1.0) * (u + 1.0)) - np.log(u))
    share = scipy.special.erf(3.0 * math.sqrt(n) * (index - critical * u) / math.sqrt(2.0))
    return float(0.5 * (high - low) * (weights * density * share).sum())


def _search(chance: Callable[[int], tuple[float, float]], power: float) -> int | None:
    high = _LEAST
    while chance(high)[1] < power:
        high *= 2
        if high > _MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if middle >= _LEAST and chance(middle)[1] >= power:
            high = middle
        else:
            low = middle
    return high


def values_needed(required: float, assumed: float, confidence: float, power: float, sides: str) -> int | None:
    """Return the number of values; None where there is none."""
    if assumed <= required:
        return None
    return _search(partial(_chance(sides), required=required, assumed=assumed, confidence=confidence), power)


def _chance(sides: str) -> Callable[..., tuple[float, float]]:
    return _both if sides == "both" else _exact


def capability_sample_size(
    *, required: float, assumed: float, confidence: float = 0.95, power: float = 0.8, sides: str = "both"
) -> CapabilitySize:
    r"""Tell how many values are needed to show that Cpk (or Ppk) is at least what is required.

    Use it before a machine acceptance or a first run: an index of 1.33 seen in 30 parts shows little. Not for subgroups
    that differ among themselves, nor for values far from normal.

    Parameters
    ----------
    required : float
        Index to be shown, above 0.
    assumed : float
        What the process is believed to have, above `required`.
    confidence : float
        One-sided confidence of the lower bound.
    power : float
        Chance of success, between 0 and 1.
    sides : {"both", "one"}
        Whether the specification has two limits. Then the process is taken in the middle, where Cpk is hardest to show.

    Returns
    -------
    CapabilitySize

    Raises
    ------
    DataError
        `assumed` not above `required`, or so near that no sample is large enough.

    Notes
    -----
    One limit: the bound reaches R when :math:`t = 3\sqrt n\,\hat C` exceeds the `confidence` quantile of the noncentral
    t with :math:`3\sqrt n R`; the power is its tail at :math:`3\sqrt n A`. Two limits: Bissell's bound is solved for
    the least index to be seen, and the chance to see it is integrated over the chi-square distribution of the sample's
    standard deviation.

    References
    ----------
    Bissell (1990), Applied Statistics 39(3), 331-340. Kushler & Hurley (1992), Journal of Quality Technology 24(4),
    188-195.

    Examples
    --------
    >>> from qstats import capability_sample_size
    >>> capability_sample_size(required=1.33, assumed=1.67).n
    80
    """
    required = check_number(required, "required", above=0.0)
    assumed = check_number(assumed, "assumed", above=0.0)
    confidence, power = check_confidence(confidence), check_number(power, "power", above=0.0, below=1.0)
    check_choice(sides, "sides", ("both", "one"))
    if assumed <= required:
        raise DataError(f"assumed: got {assumed:g}, not above required {required:g}; nothing could be shown")
    n = values_needed(required, assumed, confidence, power, sides)
    if n is None:
        raise DataError(f"assumed: {assumed:g} is so near to required {required:g} that no sample is large enough")
    critical, chance = _chance(sides)(n, required, assumed, confidence)
    method = BISSELL if sides == "both" else EXACT
    return CapabilitySize(n, chance, critical, required, assumed, confidence, sides, method, _SOURCES[method])
