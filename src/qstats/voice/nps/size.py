"""How many answers an NPS needs: for an interval of a given width, or to see a given move."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats._core.checks import check_confidence, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError

__all__ = ["NpsSampleSize", "nps_sample_size"]

# Variance of one answer scored -1, 0, 1 when the three classes are equally likely is 2/3; rounded as in the source.
IGNORANCE = 0.67
_SOURCE = (
    "Lewis & Sauro, MeasuringU, https://measuringu.com/nps-sig-test-sample-size/, from the adjusted-Wald interval of "
    "Rocks (2016), American Statistician 70, 365-372"
)


@dataclass(frozen=True, slots=True, eq=False)
class NpsSampleSize(Result):
    """Answers wanted for each target; arrays of shape (m,), one entry per target.

    Parameters
    ----------
    aim : {"precision", "difference"}
    target : ndarray
        Half width of the interval, or difference to be seen; points.
    n : ndarray
        Answers wanted, in each group.
    total : ndarray
        Answers in all groups together.
    invitations : ndarray
        People to ask in all, at the response rate given.
    groups : int
    variance : float
        Of one answer scored -1, 0, 1.
    confidence : float
    power : float or None
        None for a precision.
    response_rate : float
    population : float or None
        People in each group.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.nps-sample-size/1"
    title: ClassVar[str] = "Sample size for NPS"

    aim: str
    target: FloatArray
    n: FloatArray
    total: FloatArray
    invitations: FloatArray
    groups: int
    variance: float
    confidence: float
    power: float | None
    response_rate: float
    population: float | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        word = "interval of +/-" if self.aim == "precision" else "to see a difference of "
        each = " in each group" if self.groups > 1 else ""
        rows = [
            (f"{word}{t:g} points", f"{n:.0f} answers{each}, {i:.0f} invitations in all")
            for t, n, i in zip(self.target, self.n, self.invitations, strict=True)
        ]
        power = "" if self.power is None else f", power {self.power:.0%}"
        return [*rows, ("confidence", f"{self.confidence:.0%}{power}"), ("method", self.method)]

    def _columns(self) -> Mapping[str, object]:
        return {self.aim: self.target, "n": self.n, "total": self.total, "invitations": self.invitations}


def _variance(variance: float | None, shares: Any) -> float:
    if variance is not None and shares is not None:
        raise DataError("variance, shares: give one of them; the variance follows from the shares")
    if shares is not None:
        s = as_vector(shares, "shares")
        if s.size != 3 or (s < 0).any() or not math.isclose(float(s.sum()), 1.0, abs_tol=1e-6):
            raise DataError(
                f"shares: got {', '.join(f'{v:g}' for v in s)}; detractors, passives and promoters, each zero or more "
                f"and together 1, are wanted"
            )
        variance = float(s[0] + s[2] - (s[2] - s[0]) ** 2)
        if variance <= 0.0:
            raise DataError("shares: all answers in one class have no variance; expect at least a few others")
    if variance is None:
        return IGNORANCE
    v = check_number(variance, "variance", above=0.0)
    if v > 1.0:
        raise DataError(f"variance: got {v:g}; answers scored -1, 0, 1 have a variance of at most 1 (half and half)")
    return v


def _targets(precision: Any, difference: Any) -> tuple[str, FloatArray]:
    if (precision is None) == (difference is None):
        raise DataError("precision, difference: give one of them, in points of NPS")
    aim = "precision" if difference is None else "difference"
    given = precision if difference is None else difference
    x = as_vector(given if np.ndim(given) else [given], aim)
    most = 100.0 if aim == "precision" else 200.0
    if (bad := (x <= 0.0) | (x >= most)).any():
        raise DataError(f"{aim}: {first_bad(bad, x)}; points above 0 and below {most:g} are wanted")
    return aim, x


def _groups(groups: object, aim: str) -> int:
    least = 1.0 if aim == "precision" else 2.0
    k = check_number(least if groups is None else groups, "groups", least=least)
    if k != int(k):
        raise DataError(f"groups: got {k:g}; a whole number is wanted")
    return int(k)


def nps_sample_size(
    *,
    precision: Any = None,
    difference: Any = None,
    variance: float | None = None,
    shares: Any = None,
    groups: int | None = None,
    power: float = 0.8,
    confidence: float = 0.95,
    population: float | None = None,
    response_rate: float = 1.0,
) -> NpsSampleSize:
    r"""Say how many answers an NPS needs before its moves mean anything.

    Use it before a survey, and to see that a monthly score from 200 answers cannot show a move of ten points. Not after
    the fact: the interval of `nps` already tells how precise a score is.

    Parameters
    ----------
    precision : float or array-like, shape (m,)
        Half width of the interval, points. This or `difference`.
    difference : float or array-like, shape (m,)
        Difference between two groups (or two waves) to be seen, points.
    variance : float, optional
        Of one answer scored -1, 0, 1; 0.67 by default (all three classes equally likely).
    shares : array-like, shape (3,), optional
        Expected shares of detractors, passives and promoters, in place of `variance`.
    groups : int, optional
        Groups of that size: 1 for a precision, 2 for a difference. With more than two groups every pair is compared,
        at a confidence raised for their number (Bonferroni).
    power : float
        For a difference: chance to see it if it is there.
    confidence : float
    population : float, optional
        People in each group; the finite population correction then asks for fewer answers.
    response_rate : float
        Share of those asked who answer, above 0 to 1.

    Returns
    -------
    NpsSampleSize

    Raises
    ------
    DataError
        No target or two, a target that is none, shares that do not add up to 1.

    Notes
    -----
    Precision: :math:`n = z^2 v / d^2 - 3`. Difference: :math:`n = 2 v (z_{1-\alpha/2} + z_{1-\beta})^2 / d^2 - 3` in
    each group. The 3 are the answers that the adjusted Wald interval adds. Finite population:
    :math:`n / (1 + (n - 1)/N)`. All rounded up.

    References
    ----------
    Lewis & Sauro, MeasuringU, https://measuringu.com/nps-sig-test-sample-size/. Rocks (2016), American Statistician
    70(4), 365-372. Cochran (1977), Sampling Techniques, 3rd ed., section 4.4 (finite population).

    Examples
    --------
    >>> from qstats import nps_sample_size
    >>> nps_sample_size(precision=[10, 5]).n
    array([ 255., 1027.])
    >>> nps_sample_size(difference=10).n
    array([1049.])
    """
    aim, target = _targets(precision, difference)
    v = _variance(variance, shares)
    k = _groups(groups, aim)
    confidence = check_confidence(confidence)
    power = check_number(power, "power", above=0.0, below=1.0)
    rate = check_number(response_rate, "response_rate", above=0.0)
    if rate > 1.0:
        raise DataError(f"response_rate: got {rate:g}; a share above 0, at most 1, is wanted")
    size = None if population is None else check_number(population, "population", least=1.0)
    d, notes = target / 100.0, []
    if aim == "precision":
        n = float(normal_quantile(0.5 + confidence / 2.0)) ** 2 * v / d**2 - 3.0
        method = "adjusted Wald, half width"
    else:
        pairs = k * (k - 1) // 2
        z = float(normal_quantile(1.0 - (1.0 - confidence) / pairs / 2.0)) + float(normal_quantile(power))
        n = 2.0 * v * z * z / d**2 - 3.0
        method = "adjusted Wald, two groups" + (f", {pairs} pairs (Bonferroni)" if pairs > 1 else "")
    n = np.maximum(n, 1.0)
    if size is not None:
        n = n / (1.0 + (n - 1.0) / size)
        method += ", finite population"
    n = np.ceil(n - 1e-9)
    asked = np.ceil(k * n / rate - 1e-9)
    if size is not None and (asked > k * size).any():
        text = "more invitations than people: at this response rate the population cannot give so many answers"
        notes.append(Note("population-too-small", "serious", text))
    return NpsSampleSize(
        aim, frozen_array(target.copy()), frozen_array(n), frozen_array(k * n), frozen_array(asked), k, v, confidence,
        power if aim == "difference" else None, rate, size, method, _SOURCE, tuple(notes),
    )  # fmt: skip
