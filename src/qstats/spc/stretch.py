"""One phase of one panel, given out block by block: what the rules look at and what the limits are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray

__all__ = ["ROOM", "WIDE", "Block", "Computed", "Flat", "Line", "Stretch", "Varying"]

WIDE = 1 << 18  # points the rules look at together: their many short calls want longer blocks than sums do
ROOM = WIDE + 256  # with the points of context a rule may ask for

Line = FloatArray | float


@dataclass(slots=True, eq=False)
class Block:
    """Some consecutive points with their lines; a line that is the same at every point is one number.

    Parameters
    ----------
    x : numpy.ndarray
        Plotted statistic, NaN where there is none.
    center, lower, upper : float or numpy.ndarray
        Centre line and control limits as drawn (clipped); NaN where a limit does not exist.
    sigma : float or numpy.ndarray
        What a zone is measured in above the centre line.
    sigma_lower : float, numpy.ndarray or None
        The same below it; None: as above.
    """

    x: FloatArray
    center: Line
    sigma: Line
    lower: Line
    upper: Line
    sigma_lower: Line | None = None


class Stretch(Protocol):
    """Points ``start`` to ``stop`` of a chart."""

    @property
    def start(self) -> int:
        """First position."""

    @property
    def stop(self) -> int:
        """Position after the last."""

    def block(self, i: int, j: int) -> Block:
        """Return points ``i`` to ``j``, counted in the chart, ``start <= i <= j <= stop``."""


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """A stretch whose lines are the same at every point; `x` holds the whole chart."""

    start: int
    stop: int
    x: FloatArray
    center: float
    sigma: float
    lower: float
    upper: float
    sigma_lower: float | None = None

    def block(self, i: int, j: int) -> Block:
        """Return points ``i`` to ``j``."""
        return Block(self.x[i:j], self.center, self.sigma, self.lower, self.upper, self.sigma_lower)

    def outside(self, i: int, j: int) -> npt.NDArray[np.intp]:
        """Return the points from ``i`` to ``j`` beyond their limits."""
        x = self.x[i:j]
        far = x > self.upper
        far |= x < self.lower
        return np.flatnonzero(far) + i


@dataclass(frozen=True, slots=True, eq=False)
class Varying:
    """A stretch with lines that change from point to point; each array holds the stretch alone."""

    start: int
    stop: int
    x: FloatArray
    center: Line
    sigma: Line
    lower: Line
    upper: Line
    sigma_lower: Line | None = None

    def block(self, i: int, j: int) -> Block:
        """Return points ``i`` to ``j``."""
        part = slice(i - self.start, j - self.start)

        def cut(line: Line) -> Line:
            return line if isinstance(line, float) else line[part]

        below = None if self.sigma_lower is None else cut(self.sigma_lower)
        return Block(self.x[part], cut(self.center), cut(self.sigma), cut(self.lower), cut(self.upper), below)


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """A stretch whose blocks are made when asked for: nothing of the length of the data is stored.

    The arrays of a block may be overwritten when the next one is made. `outside`, where there is one, is a shortcut to
    the points of a block beyond its limits: the same ones that its lines give.
    """

    start: int
    stop: int
    make: Callable[[int, int], Block]
    outside: Callable[[int, int], npt.NDArray[np.intp]] | None = None

    def block(self, i: int, j: int) -> Block:
        """Return points ``i`` to ``j``."""
        return self.make(i, j)
