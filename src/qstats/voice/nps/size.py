"""How many answers an NPS needs: for an interval of a given width, or to see a given move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile, normal_sf
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.power.study_size import Null, Tests, as_target
from qstats.inference.roots import bisect_all
from qstats.voice.nps.power import class_variance, nps_tests, read_shares

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
    null : float, tuple of float or None
        Points tested against; two margins for equivalence, None for a precision.
    alternative : {"two-sided", "less", "greater", "equivalence"}
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
    null: Null | None = None
    alternative: str = "two-sided"

    def _rows(self) -> list[tuple[str, str]]:
        plain = self.null == 0.0 and self.alternative == "two-sided"
        word = "to see a difference of " if plain else "with a true difference of "
        word = "interval of +/-" if self.aim == "precision" else word
        each = " in each group" if self.groups > 1 else ""
        rows = [
            (f"{word}{t:g} points", f"{n:.0f} answers{each}, {i:.0f} invitations in all")
            for t, n, i in zip(self.target, self.n, self.invitations, strict=True)
        ]
        power = "" if self.power is None else f", power {self.power:.0%}"
        if self.aim == "difference" and not plain:
            against = " to ".join(f"{v:g}" for v in self.null) if isinstance(self.null, tuple) else f"{self.null:g}"
            rows.append((self.alternative, f"against {against} points"))
        return [*rows, ("confidence", f"{self.confidence:.0%}{power}"), ("method", self.method)]

    def _columns(self) -> Mapping[str, object]:
        return {self.aim: self.target, "n": self.n, "total": self.total, "invitations": self.invitations}


def _variance(variance: float | None, shares: Any) -> float:
    if variance is not None and shares is not None:
        raise DataError("variance, shares: give one of them; the variance follows from the shares")
    if shares is not None:
        detractors, _, promoters = read_shares(shares, "shares")
        return class_variance(detractors, promoters, "shares")
    if variance is None:
        return IGNORANCE
    v = check_number(variance, "variance", above=0.0)
    if v > 1.0:
        raise DataError(f"variance: got {v:g}; answers scored -1, 0, 1 have a variance of at most 1 (half and half)")
    return v


def _targets(precision: Any, difference: Any, tests: Tests, power: float) -> tuple[str, FloatArray]:
    if (precision is None) == (difference is None):
        raise DataError("precision, difference: give one of them, in points of NPS")
    aim = "precision" if difference is None else "difference"
    given = precision if difference is None else difference
    x = as_vector(given if np.ndim(given) else [given], aim, missing="never")
    if aim == "precision" and tests != nps_tests(0.0, tests.confidence, "two-sided"):
        raise DataError("null, alternative: given with precision; a margin or a side belongs to a difference")
    most = 100.0 if aim == "precision" else 200.0
    plain = aim == "precision" or (tests.null == 0.0 and tests.alternative == "two-sided")
    least = 0.0 if plain else -most
    if (bad := (x <= least) | (x >= most)).any():
        raise DataError(f"{aim}: {first_bad(bad, x)}; points above {least:g} and below {most:g} are wanted")
    if not plain:
        for end in (float(x.min()), float(x.max())):  # what holds at both ends holds between them
            as_target(power, tests, end, aim)
    return aim, x


def _groups(groups: object, aim: str) -> int:
    least = 1.0 if aim == "precision" else 2.0
    k = check_number(least if groups is None else groups, "groups", least=least)
    if k != int(k):
        raise DataError(f"groups: got {k:g}; a whole number is wanted")
    return int(k)


def _errors_needed(d: FloatArray, tests: Tests, power: float, pairs: int) -> FloatArray:
    """Return how many standard errors (of fractions) one whole unit of NPS must be."""
    z = float(normal_quantile(1.0 - tests.sides[0].error / pairs))
    gaps = [d - test.null / 100.0 if test.side == "greater" else test.null / 100.0 - d for test in tests.sides]
    if not tests.both:  # of two sides the one toward the difference; the other is not counted, as in the source
        return np.asarray((z + float(normal_quantile(power))) / np.maximum.reduce(gaps))
    near, far = np.minimum(*gaps), np.maximum(*gaps)

    def lacking(w: FloatArray, part: slice) -> FloatArray:
        return np.asarray(power + normal_sf(near[part] * w - z) + normal_sf(far[part] * w - z) - 1.0)

    # enough: either test misses half of what may be missed
    return bisect_all(lacking, np.zeros(d.size), (z + float(normal_quantile(0.5 + power / 2.0))) / near)


def nps_sample_size(
    *,
    precision: Any = None,
    difference: Any = None,
    variance: float | None = None,
    shares: Any = None,
    groups: int | None = None,
    power: float = 0.8,
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
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
        Difference between two groups (or two waves) to be seen, points; with a margin or a side any true difference.
    variance : float, optional
        Of one answer scored -1, 0, 1; 0.67 by default (all three classes equally likely).
    shares : array-like, shape (3,), optional
        Expected shares of detractors, passives and promoters, in place of `variance`.
    groups : int, optional
        Groups of that size: 1 for a precision, 2 for a difference. With more than two groups every pair is compared,
        at a confidence raised for their number (Bonferroni).
    power : float
        For a difference: chance to see it if it is there.
    null : float or (float, float)
        For a difference: points it is tested against: 0; a non-inferiority margin such as -5 with
        ``alternative="greater"`` (`difference` is then what is truly expected, often 0); or two margins of equivalence.
    confidence : float
        For equivalence one minus the error of each one-sided test.
    alternative : {"two-sided", "less", "greater"}
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
        No target or two, a target that is none, shares that do not add up to 1, a difference beyond the margin.

    Notes
    -----
    Precision: :math:`n = z^2 v / d^2 - 3`. Difference: :math:`n = 2 v (z_{1-\alpha/2} + z_{1-\beta})^2 / d^2 - 3` in
    each group, d less `null` where that is not 0; one-sided :math:`z_{1-\alpha}`. For equivalence the n at which
    :math:`\Phi(a - z) + \Phi(b - z) - 1` is the power, a and b the distances to the margins in standard errors and
    :math:`z = z_{1-\alpha}`. The 3 are the answers that the adjusted Wald interval adds. Finite population:
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
    >>> nps_sample_size(difference=0, null=-5, alternative="greater").n
    array([3311.])
    """
    tests = nps_tests(null, confidence, alternative)
    power = check_number(power, "power", above=0.0, below=1.0)
    aim, target = _targets(precision, difference, tests, power)
    v = _variance(variance, shares)
    k = _groups(groups, aim)
    rate = check_number(response_rate, "response_rate", above=0.0)
    if rate > 1.0:
        raise DataError(f"response_rate: got {rate:g}; a share above 0, at most 1, is wanted")
    size = None if population is None else check_number(population, "population", least=1.0)
    notes = []
    if aim == "precision":
        n = float(normal_quantile(0.5 + tests.confidence / 2.0)) ** 2 * v / (target / 100.0) ** 2 - 3.0
        method = "adjusted Wald, half width"
    else:
        pairs = k * (k - 1) // 2
        n = 2.0 * v * _errors_needed(target / 100.0, tests, power, pairs) ** 2 - 3.0
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
        aim, frozen_array(target.copy()), frozen_array(n), frozen_array(k * n), frozen_array(asked), k, v,
        tests.confidence, power if aim == "difference" else None, rate, size, method, _SOURCE, tuple(notes),
        tests.null if aim == "difference" else None, tests.alternative,
    )  # fmt: skip
