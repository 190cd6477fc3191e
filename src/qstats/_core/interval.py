"""An interval with its confidence; and many of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["Interval", "Intervals"]


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


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Many intervals of one confidence, one entry per estimate.

    Parameters
    ----------
    low, high : ndarray, shape (m,)
        Limits in the unit of the estimate, read-only; may be infinite, never NaN for an estimate that exists.
    confidence : float
        Nominal confidence of each one by itself, between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats import Intervals
    >>> Intervals(np.array([0.8, 1.1]), np.array([1.3, 1.9]), 0.95).contain(1.0)
    array([ True, False])
    """

    low: FloatArray
    high: FloatArray
    confidence: float

    def contain(self, value: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which intervals hold `value`, limits included; shape (m,)."""
        return (self.low <= value) & (value <= self.high)

    def at(self, index: int) -> Interval:
        """Return one of them."""
        return Interval(float(self.low[index]), float(self.high[index]), self.confidence)
