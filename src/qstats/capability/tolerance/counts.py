"""Tolerance intervals of counts: how many defects will the next lots hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import binomial_cdf, binomial_sf, poisson_cdf, poisson_sf
from qstats._core.result import Result
from qstats.capability.tolerance.interval import SIDES
from qstats.errors import DataError
from qstats.inference.pairs import columns_of
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rate_estimates import estimate_rate

__all__ = ["CountToleranceInterval", "count_tolerance_interval", "limits_of_counts", "lower_count", "upper_count"]

_METHODS = {"binomial": ("wilson", "clopper-pearson", "jeffreys", "midp"), "poisson": ("score", "exact", "midp")}
_SOURCE = (
    "Hahn & Chandra (1981), Journal of Quality Technology 13(2), 100-110; Krishnamoorthy & Mathew (2009), Statistical"
)
_SOURCE += " Tolerance Regions, Wiley, sections 11.3 and 11.4"


@dataclass(frozen=True, slots=True, eq=False)
class CountToleranceInterval(Result):
    """Counts between which at least so many future lots lie, with so much confidence.

    Parameters
    ----------
    low, high : float
        Whole numbers of defects (defective units) in a future lot; `high` is infinite, or the lot, without a limit.
    content, confidence : float
        Share of the future lots, and how sure that is.
    sides : {"two", "lower", "upper"}
    future : float
        Units, or exposure, of a future lot.
    model : {"poisson", "binomial"}
    rate : float
        Observed defects per unit.
    n : float
        Units, or exposure, that were looked at.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.count_tolerance_interval/1"
    title: ClassVar[str] = "Tolerance interval of counts"

    low: float
    high: float
    content: float
    confidence: float
    sides: str
    future: float
    model: str
    rate: float
    n: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("counts", f"{self.low:g} to {self.high:g} in {self.future:g}"),
            ("hold at least", f"{self.content:.6g} of the future lots"),
            ("confidence", f"{self.confidence:.4g}"),
            ("rate seen", f"{self.rate:.4g} in {self.n:g}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("low", "high", "content", "confidence", "sides", "future", "model", "rate", "n", "method")
        return {name: [getattr(self, name)] for name in names}


def _smallest(holds: Callable[[FloatArray], Any], size: int, top: float) -> FloatArray:
    """Return for each entry the smallest whole number at which the rising condition holds, by bisection."""
    low, high = np.full(size, -1.0), np.full(size, 1.0)
    if math.isfinite(top):
        high[:] = top
    else:
        while not np.all(grown := holds(high)):
            high = np.where(grown, high, 2.0 * high + 1.0)
    while (high - low > 1.0).any():
        middle = np.floor(0.5 * (low + high))
        good = holds(middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return high


def upper_count(rate: FloatArray, future: float, beyond: float, model: str) -> FloatArray:
    """Smallest count with at most `beyond` of the lots above it, at the rates given."""
    if model == "binomial":  # the tail from k + 1 on; there is none above the whole lot
        return _smallest(
            lambda k: (k >= future) | (binomial_sf(np.minimum(k + 1.0, future), future, rate) <= beyond),
            rate.size,
            future,
        )
    return _smallest(lambda k: poisson_sf(k + 1.0, rate * future) <= beyond, rate.size, math.inf)


def lower_count(rate: FloatArray, future: float, beyond: float, model: str) -> FloatArray:
    """Largest count with at most `beyond` of the lots below it, at the rates given."""
    if model == "binomial":
        return _smallest(lambda k: binomial_cdf(k, future, rate) > beyond, rate.size, future)
    return _smallest(lambda k: poisson_cdf(k, rate * future) > beyond, rate.size, math.inf)


def limits_of_counts(
    x: FloatArray, n: FloatArray, future: float, content: float, confidence: float, sides: str, model: str, method: str
) -> tuple[FloatArray, FloatArray]:
    """Return both limits for every count in `x`: quantiles of a future count at the confidence limits of the rate."""
    share = 0.5 if sides == "two" else 1.0
    options: Any = {"method": method, "confidence": 1.0 - 2.0 * share * (1.0 - confidence)}
    got: Any = estimate_proportion(x, n, **options) if model == "binomial" else estimate_rate(x, n, **options)
    low, high = np.zeros(x.size), np.full(x.size, future if model == "binomial" else math.inf)
    beyond = share * (1.0 - content)
    if sides != "upper":
        low = lower_count(got.interval.low, future, beyond, model)
    if sides != "lower":
        high = upper_count(got.interval.high, future, beyond, model)
    return low, high


def count_tolerance_interval(
    count: float,
    size: float,
    *,
    future: float,
    model: str = "poisson",
    content: float = 0.95,
    confidence: float = 0.95,
    sides: str = "two",
    method: str | None = None,
) -> CountToleranceInterval:
    r"""Give the counts between which at least a stated share of future lots will lie, with a stated confidence.

    Use it to promise how many defects a delivery will hold, from an inspection. Not for the rate itself
    (`estimate_rate`, `estimate_proportion`), and only if the process stays as it was.

    Parameters
    ----------
    count : float
        Whole number of defects, or of defective units, seen.
    size : float
        Exposure (Poisson), or whole number of units (binomial), they were seen in.
    future : float
        Exposure, or units, of a future lot.
    model : {"poisson", "binomial"}
        Defects per exposure, or defective units among units.
    content, confidence : float
        Share of the future lots, and how sure that is to be.
    sides : {"two", "lower", "upper"}
    method : str, optional
        Confidence limits of the rate: ``"score"`` (default), ``"exact"``, ``"midp"`` for Poisson; ``"wilson"``
        (default), ``"clopper-pearson"``, ``"jeffreys"``, ``"midp"`` for binomial. Exact ones never promise too much.

    Returns
    -------
    CountToleranceInterval

    Raises
    ------
    DataError
        A count above its size, fractions, an option that cannot be used.

    Notes
    -----
    One-sided: the `content` quantile of a future count at the confidence limit of the rate. Two-sided: half of the
    error and half of the rest on each side, which is conservative.

    References
    ----------
    Hahn & Chandra (1981), Journal of Quality Technology 13(2), 100-110. Krishnamoorthy & Mathew (2009), Statistical
    Tolerance Regions, Wiley, sections 11.3 and 11.4.

    Examples
    --------
    >>> from qstats import count_tolerance_interval
    >>> r = count_tolerance_interval(45, 9, future=20, content=0.9)
    >>> r.low, r.high
    (61.0, 153.0)
    """
    check_choice(model, "model", tuple(_METHODS))
    check_choice(sides, "sides", SIDES)
    method = _METHODS[model][0] if method is None else check_choice(method, "method", _METHODS[model])
    content = check_number(content, "content", above=0.0, below=1.0)
    confidence = check_confidence(confidence)
    if not confidence > 0.5:
        raise DataError(f"confidence: got {confidence:g}; more than 0.5 is wanted")
    kind = "size" if model == "binomial" else "exposure"
    _, (x, n, m) = columns_of({"count": (count, "count"), "size": (size, kind), "future": (future, kind)})
    if x.size != 1:
        raise DataError("count: an array came; one count is wanted, call once for each")
    low, high = limits_of_counts(x, n, float(m[0]), content, confidence, sides, model, method)
    text = f"quantiles of a {model} count at the {method} limits of its rate"
    return CountToleranceInterval(
        float(low[0]), float(high[0]), content, confidence, sides, float(m[0]), model, float(x[0] / n[0]), float(n[0]),
        text, _SOURCE,
    )  # fmt: skip
