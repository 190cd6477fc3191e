"""Statistic and lines of a chart of counts, at so many standard errors of each point, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.spc.stretch import ROOM, Block, Line

__all__ = ["CountLines"]

_SLACK = 1.0 - 1e-6  # squares and roots differ in the last digits: a point this near is looked at closely


@dataclass(frozen=True, slots=True, eq=False)
class CountLines:
    """Counts of a whole chart with what their lines are made of.

    Parameters
    ----------
    count, size : numpy.ndarray
        Events and units or exposure, shape (n,); a size without strides is the same everywhere.
    center : float
        Events per unit.
    spread : float
        Standard deviation of the ratio of one unit, Laney's factor included.
    nsigma : float
        Distance of the limits, in standard errors.
    binomial, ratio : bool
        Units out of a sample, and whether counts are plotted per unit.
    """

    count: FloatArray
    size: FloatArray
    center: float
    spread: float
    nsigma: float
    binomial: bool
    ratio: bool
    scratch: list[FloatArray] = field(default_factory=list)

    def _rows(self, n: int) -> list[FloatArray]:
        """Return five rows of scratch: fresh memory would cost more than the arithmetic in it."""
        if n > ROOM:
            return list(np.empty((5, n)))
        if not self.scratch or self.scratch[0].shape[1] < n:
            self.scratch[:] = [np.empty((5, n))]
        return [row[:n] for row in self.scratch[0]]

    def block(self, i: int, j: int) -> Block:
        """Return points ``i`` to ``j`` with limits clipped to where the statistic can be."""
        count = self.count[i:j]
        if self.size.strides == (0,):
            return self._constant(count, float(self.size[0]))
        n = self.size[i:j]
        x, sigma, lower, upper, level = self._rows(j - i)
        center = self._lines(count, n, (x, sigma, lower, upper, level))
        top: Line = (1.0 if self.ratio else n) if self.binomial else math.inf
        if not lower.min(initial=0.0) >= 0.0:  # clipping costs more than finding that there is nothing to clip
            np.maximum(lower, 0.0, out=lower)
        if self.binomial and not (upper <= top).all():
            np.minimum(upper, top, out=upper)
        return Block(x if self.ratio else count, center, sigma, lower, upper)

    def _lines(self, count: FloatArray, n: FloatArray, out: tuple[FloatArray, ...]) -> Line:
        """Write statistic, standard error and unclipped limits to `out`; return the centre line."""
        x, sigma, lower, upper, level = out
        np.sqrt(n, out=sigma)
        if self.ratio:
            np.divide(count, n, out=x)
            np.divide(self.spread, sigma, out=sigma)
        else:
            np.copyto(x, count)
            np.multiply(sigma, self.spread, out=sigma)
            np.multiply(n, self.center, out=level)
        center: Line = self.center if self.ratio else level
        np.multiply(sigma, self.nsigma, out=upper)
        np.subtract(center, upper, out=lower)
        np.add(center, upper, out=upper)
        return center

    def _constant(self, count: FloatArray, n: float) -> Block:
        """Return a block of points of one size: all lines are numbers."""
        root = math.sqrt(n)
        level = self.center if self.ratio else self.center * n
        sigma = self.spread / root if self.ratio else self.spread * root
        top = (1.0 if self.ratio else n) if self.binomial else math.inf
        reach = self.nsigma * sigma
        return Block(count / n if self.ratio else count, level, sigma, max(level - reach, 0.0), min(level + reach, top))

    def outside(self, i: int, j: int) -> npt.NDArray[np.intp]:
        """Return the points from ``i`` to ``j`` beyond their limits, with a root taken of hardly any of them.

        ``(count - size * center)**2 > nsigma**2 * spread**2 * size`` finds them but for the last digits; those few are
        held against the limits as drawn.
        """
        count, n = self.count[i:j], self.size[i:j]
        gap, far, *_ = self._rows(j - i)
        np.multiply(n, self.center, out=gap)
        np.subtract(count, gap, out=gap)
        np.multiply(gap, gap, out=gap)
        np.multiply(n, (self.nsigma * self.spread) ** 2 * _SLACK, out=far)
        at = np.flatnonzero(gap >= far)
        if not at.size:
            return at
        out = tuple(np.empty((5, at.size)))
        self._lines(count[at], n[at], out)
        x, _, lower, upper, _ = out
        return at[(x > upper) | (x < lower)] + i
