"""Mergeable moments: what a closed-form method needs to know of a billion rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.blocks import block_edges

__all__ = ["Moments"]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean, sum of squared deviations, smallest and largest value; ``a + b`` is the moments of both together.

    Parameters
    ----------
    n : int
        Number of values.
    mean : float
        Their mean (NaN when ``n == 0``).
    m2 : float
        Sum of squared deviations from the mean.
    low, high : float
        Extremes (infinite the wrong way round when ``n == 0``).

    References
    ----------
    Chan, Golub & LeVeque (1983), The American Statistician 37(3), 242-247, eq. 2.1.
    """

    n: int
    mean: float
    m2: float
    low: float
    high: float

    @classmethod
    def empty(cls) -> Moments:
        """Return the moments of nothing, the neutral element of ``+``."""
        return cls(0, math.nan, 0.0, math.inf, -math.inf)

    @classmethod
    def of(cls, x: FloatArray) -> Moments:
        """Return the moments of a finite vector, two passes inside each cache-sized block."""
        total = cls.empty()
        for i, j in block_edges(x.size):
            part = x[i:j]
            centre = float(part.mean())
            d = part - centre
            slip = float(d.mean())  # what rounding left over in the mean
            m2 = float(np.dot(d, d)) - d.size * slip * slip
            total = total + cls(j - i, centre + slip, max(m2, 0.0), float(part.min()), float(part.max()))
        return total

    def __add__(self, other: Moments) -> Moments:
        if self.n == 0:
            return other
        if other.n == 0:
            return self
        n = self.n + other.n
        d = other.mean - self.mean
        mean = self.mean + d * (other.n / n)
        m2 = self.m2 + other.m2 + d * d * (self.n * (other.n / n))
        return Moments(n, mean, m2, min(self.low, other.low), max(self.high, other.high))

    @property
    def variance(self) -> float:
        """Unbiased variance; NaN for fewer than two values."""
        return self.m2 / (self.n - 1) if self.n > 1 else math.nan

    @property
    def std(self) -> float:
        """Square root of the unbiased variance."""
        return math.sqrt(self.variance) if self.n > 1 else math.nan
