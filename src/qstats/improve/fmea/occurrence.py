"""The occurrence rating of an FMEA from counted events: the rate's interval on a scale the user supplies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.inference.rate_estimates import estimate_rate

if TYPE_CHECKING:
    from qstats.improve.fmea.priority import ActionPriorities

__all__ = ["OccurrenceRating", "OccurrenceScale", "check_rating", "occurrence_from_rate"]

IntArray = npt.NDArray[np.int64]


def check_rating(value: object, name: str) -> int:
    """Return a rating, a whole number from 1 to 10."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise DataError(f"{name}: got {value!r}; a whole number from 1 to 10 is wanted")
    if value not in range(1, 11):
        raise DataError(f"{name}: got {value:g}; a whole number from 1 to 10 is wanted")
    return int(value)


@dataclass(frozen=True, slots=True)
class OccurrenceScale:
    """From a rate to an occurrence rating: your customer's or your handbook's thresholds, with their source.

    Parameters
    ----------
    thresholds : dict of int to float
        Highest rate that still has this rating: consecutive ratings up to 9; any higher rate is a 10. Where the lowest
        rating is not about a rate ("failure eliminated by design"), begin at 2.
    source : str
        Document, edition and table.
    unit : str
        What the rate is per: ``"unit"``, ``"1000 orders"``. The exposure must be counted in it.

    Raises
    ------
    DataError
        Ratings with gaps, thresholds that do not rise, no source.

    Examples
    --------
    >>> from qstats import OccurrenceScale
    >>> scale = OccurrenceScale({k: 10.0 ** (k - 10) for k in range(1, 10)}, source="our procedure QP-7, table 2")
    >>> scale.rate([1e-4, 1.1e-4]).tolist()
    [6, 7]
    """

    thresholds: Mapping[int, float]
    source: str
    unit: str = "unit"

    def __post_init__(self) -> None:
        for name in ("source", "unit"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise DataError(f"{name}: got {getattr(self, name)!r}; text is wanted (document, edition, table)")
        if not isinstance(self.thresholds, Mapping) or not self.thresholds:
            raise DataError(f"thresholds: got {self.thresholds!r}; a dict of rating to highest rate is wanted")
        made = {check_rating(k, "thresholds, rating"): v for k, v in self.thresholds.items()}
        ratings = sorted(made)
        if ratings != list(range(ratings[0], 10)):
            raise DataError(f"thresholds: are there for {ratings}; consecutive ratings up to 9 are wanted (10: above)")
        rates = [check_number(made[k], f"thresholds, {k}", least=0.0) for k in ratings]
        for k, low, high in zip(ratings[1:], rates, rates[1:], strict=False):
            if not low < high:
                raise DataError(f"thresholds: {high:g} for {k} is not above {low:g} for {k - 1}; they must rise")
        object.__setattr__(self, "thresholds", dict(zip(ratings, rates, strict=True)))

    def rate(self, rates: npt.ArrayLike) -> IntArray:
        """Return the rating of each rate; a rate on a threshold has the lower rating."""
        bounds = np.array(list(self.thresholds.values()))
        found = np.searchsorted(bounds, np.asarray(rates, dtype=np.float64), side="left")
        return np.asarray(found + min(self.thresholds), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class OccurrenceRating(Result):
    """An occurrence rating that was measured, and how far it may be off.

    Parameters
    ----------
    occurrence : int
        Rating of the rate found.
    low, high : int
        Ratings of the two ends of the rate's interval.
    rate : Estimate
    scale : OccurrenceScale
    priority : str or None
        Action priority at `occurrence`; None without a table of priorities.
    compatible : tuple of str
        Every action priority the interval leaves open, lowest first.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.occurrence/1"
    title: ClassVar[str] = "Occurrence, measured"

    occurrence: int
    low: int
    high: int
    rate: Estimate
    scale: OccurrenceScale
    priority: str | None = None
    compatible: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("occurrence", f"{self.occurrence}, {self.low} to {self.high} left open"),
            (f"rate per {self.scale.unit}", f"{self.rate.estimate:.4g} {self.rate.interval}"),
            ("scale", self.scale.source),
            ("method", self.rate.method),
        ]
        if self.priority is not None:
            rows.insert(1, ("action priority", f"{self.priority}; compatible: {', '.join(self.compatible)}"))
        return rows

    def _columns(self) -> Mapping[str, object]:
        return {
            "occurrence": [self.occurrence], "low": [self.low], "high": [self.high], "rate": [self.rate.estimate],
            "rate_low": [self.rate.interval.low], "rate_high": [self.rate.interval.high], "priority": [self.priority],
            "compatible": [", ".join(self.compatible)],
        }  # fmt: skip


def check_scale(scale: object) -> OccurrenceScale:
    """Return the scale, or say how one is made."""
    if not isinstance(scale, OccurrenceScale):
        raise DataError(
            f"scale: got {scale!r}; an OccurrenceScale(thresholds, source=...) is wanted: yours, none ships"
        )
    return scale


def measured_ratings(
    events: Any, exposure: Any, scale: OccurrenceScale, confidence: float, method: str
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Return rating, lowest and highest rating and the rate, for each pair of events and exposure."""
    found = estimate_rate(np.atleast_1d(events), exposure, method=method, confidence=confidence)
    i = found.interval
    ratings = (scale.rate(x) for x in (found.estimate, i.low, i.high))
    return *ratings, frozen_array(found.estimate)  # type: ignore[return-value]


def occurrence_from_rate(
    events: float,
    exposure: float,
    *,
    scale: OccurrenceScale,
    severity: int | None = None,
    detection: int | None = None,
    priorities: ActionPriorities | None = None,
    confidence: float = 0.95,
    method: str = "midp",
) -> OccurrenceRating:
    r"""Rate the occurrence of a failure from what was counted, instead of from what the room feels.

    Use it for every failure mode whose events and exposure are recorded (complaints per thousand orders, repairs per
    unit). Not for a failure that nobody would have recorded, and not when events come in clusters: then the interval
    is too narrow.

    Parameters
    ----------
    events : float
        Whole number of failures.
    exposure : float
        In the unit of the scale.
    scale : OccurrenceScale
        Your thresholds, with their source.
    severity, detection : int, optional
        Ratings 1 to 10, wanted with `priorities`.
    priorities : ActionPriorities, optional
        Your table of action priorities.
    confidence : float
    method : {"midp", "exact", "score"}
        Of the rate's interval, see `estimate_rate`.

    Returns
    -------
    OccurrenceRating
        The rating, those the interval leaves open, and the priorities compatible with them.

    Raises
    ------
    DataError
        Negative or fractional events, a rating outside 1 to 10, a table without severity and detection.

    Notes
    -----
    With rate limits :math:`[\lambda_L, \lambda_U]` and a scale :math:`O(\lambda)` that never falls, the ratings left
    open are :math:`O(\lambda_L), \dots, O(\lambda_U)`: the interval of the rating has at least the confidence of that
    of the rate.

    References
    ----------
    Cohen & Yang (1994), Statistics in Medicine 13, 2189-2203 (interval of the rate).

    Examples
    --------
    >>> from qstats import OccurrenceScale, occurrence_from_rate
    >>> scale = OccurrenceScale({k: 10.0 ** (k - 10) for k in range(1, 10)}, source="our procedure QP-7, table 2")
    >>> r = occurrence_from_rate(2, 9000, scale=scale)
    >>> r.occurrence, r.low, r.high
    (7, 6, 7)
    """
    scale = check_scale(scale)
    rate = estimate_rate(check_number(events, "events"), check_number(exposure, "exposure"), method=method,
                         confidence=confidence)  # fmt: skip
    ends = scale.rate([rate.estimate, rate.interval.low, rate.interval.high])
    found, low, high = (int(x) for x in ends)
    notes = list(rate.notes)
    if low < high:
        text = f"{rate.n:g} events leave occurrence {low} to {high} open"
        notes.append(Note("occurrence-open", "warning" if high - low > 1 else "info", text))
    priority: str | None = None
    compatible: tuple[str, ...] = ()
    if priorities is not None:
        if severity is None or detection is None:
            raise DataError("severity, detection: are wanted with priorities; give both ratings")
        s, d = check_rating(severity, "severity"), check_rating(detection, "detection")
        priority = priorities.lookup(s, found, d)
        compatible = priorities.compatible(s, low, high, d)
        notes += priorities.notes
    elif severity is not None or detection is not None:
        raise DataError("priorities: is missing; severity and detection are read only together with it")
    return OccurrenceRating(found, low, high, rate, scale, priority, compatible, tuple(notes))
