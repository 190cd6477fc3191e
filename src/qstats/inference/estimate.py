"""The result of every estimate of one quantity, and of many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["Estimate", "Estimates"]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate(Result):
    """One quantity with its interval.

    Parameters
    ----------
    name : str
        What it is: ``"proportion"``, ``"rate"``, ``"mean"``, ``"quantile 0.9"`` ...
    estimate : float
        In the unit of the data.
    interval : Interval
    n : float
        Observations (or events) it stands on.
    method, reference : str
        Variant used, and where it is written down.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.estimate/1"
    title: ClassVar[str] = "Estimate"

    name: str
    estimate: float
    interval: Interval
    n: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            (self.name, f"{self.estimate:.4g}"),
            (f"{self.interval.confidence:.0%} interval", str(self.interval)),
            ("n", f"{self.n:g}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "name": [self.name],
            "estimate": [self.estimate],
            "low": [self.interval.low],
            "high": [self.interval.high],
            "confidence": [self.interval.confidence],
            "n": [self.n],
            "method": [self.method],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Estimates(Result):
    """Many quantities of one kind, each with its interval; the same words as `Estimate`.

    Parameters
    ----------
    name : str
    estimate : ndarray, shape (m,)
    interval : Intervals
    n : ndarray, shape (m,)
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.estimates/1"
    title: ClassVar[str] = "Estimates"

    name: str
    estimate: FloatArray
    interval: Intervals
    n: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.estimate.size

    def _rows(self) -> list[tuple[str, str]]:
        return [
            (f"{self.name}s", f"{len(self)}"),
            ("confidence of each interval", f"{self.interval.confidence:.0%}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {"estimate": self.estimate, "low": self.interval.low, "high": self.interval.high, "n": self.n}
