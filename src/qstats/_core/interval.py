"""An interval with its confidence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Two limits and the confidence they were computed at.

    Parameters
    ----------
    low, high : float
        Limits in the unit of the estimate; may be infinite, never NaN for an estimate that exists.
    confidence : float
        Nominal confidence, between 0 and 1.

    Examples
    --------
    >>> from qstats import Interval
    >>> 1.0 in Interval(0.8, 1.3, 0.95)
    True
    """

    low: float
    high: float
    confidence: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"({self.low:.4g}, {self.high:.4g})"
