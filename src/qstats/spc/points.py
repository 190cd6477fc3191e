"""What was measured, one row per plotted point: all a chart, its extension and a monitor need of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["New", "Points", "joined"]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Measured columns of a chart.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        Each of shape (n,), or (n, p) for several characteristics; the first one is NaN where there is a gap.
    size : numpy.ndarray
        Sample size or exposure of each point, shape (n,).
    """

    columns: Mapping[str, FloatArray]
    size: FloatArray

    def __len__(self) -> int:
        return self.size.size

    def __getitem__(self, name: str) -> FloatArray:
        return self.columns[name]

    @property
    def main(self) -> FloatArray:
        """The first column, whose NaN are gaps."""
        return next(iter(self.columns.values()))

    def gaps(self) -> FloatArray:
        """Return a vector that is NaN at the gaps."""
        main = self.main
        return main if main.ndim == 1 else main.sum(axis=1)

    def part(self, where: slice) -> Points:
        """Return some of the rows."""
        return Points({name: a[where] for name, a in self.columns.items()}, self.size[where])


def joined(old: Points, new: Points) -> Points:
    """Return the rows of `old`, then those of `new`."""
    both = {name: np.concatenate((a, new.columns[name])) for name, a in old.columns.items()}
    return Points(both, np.concatenate((old.size, new.size)))


@dataclass(frozen=True, slots=True, eq=False)
class New:
    """Later data as the caller gives them to `extend` or to a monitor.

    Parameters
    ----------
    values, size, by, target
        As in the chart's own call.
    missing : {"raise", "drop"}
        What a missing value does.
    """

    values: object
    size: object = None
    by: object = None
    target: object = None
    missing: str = "raise"
