"""Fewer, longer periods for the regression: days summed to weeks, so that a decade of days stays a short series."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.result import frozen_array
from qstats.improve.verify.checks.case import ENOUGH_AFTER, ENOUGH_BEFORE
from qstats.improve.verify.periods import PeriodTable

__all__ = ["coarse_periods", "periods_together"]

_MOST = 160  # periods; the regression costs their cube
_WEEK = 7


def periods_together(data: PeriodTable, before: BoolArray, after: BoolArray, period: str) -> int:
    """Return how many periods to sum for the regression: 1 unless they are days or too many.

    Days are summed to weeks where that leaves enough of them: the pattern of the week would count as scatter.
    """
    n = int((before | after).sum())
    unit = _WEEK if period == "day" else 1
    together = unit * max(1, math.ceil(n / (unit * _MOST)))
    enough = int(before.sum()) >= ENOUGH_BEFORE * together and int(after.sum()) >= ENOUGH_AFTER * together
    return together if enough else 1


def coarse_periods(
    data: PeriodTable, before: BoolArray, after: BoolArray, together: int
) -> tuple[PeriodTable, BoolArray, BoolArray]:
    """Sum `together` periods to one, counted from the first period after, and only those that are used alike.

    Returns the table and which of its periods stand before and after.
    """
    if together == 1:
        return data, before, after
    kind = np.where(before, 1, np.where(after, 2, 0))
    block = (np.arange(kind.size) - int(np.flatnonzero(after)[0])) // together
    new = np.ones(kind.size, dtype=np.bool_)
    new[1:] = (block[1:] != block[:-1]) | (kind[1:] != kind[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], kind.size) - 1
    exposure = np.add.reduceat(data.exposure, first)
    made = dataclasses.replace(
        data,
        start=data.start[first],
        end=data.end[last],
        events=frozen_array(np.add.reduceat(data.events, first)),
        exposure=frozen_array(exposure),
        role=data.role[first],
        control_events=_sum(data.control_events, first),
        control_exposure=_sum(data.control_exposure, first),
        squares=_merge(data.squares, data.events, data.exposure, first),
        control_squares=_merge(data.control_squares, data.control_events, data.control_exposure, first),
    )
    full = exposure > 0
    return made, (kind[first] == 1) & full, (kind[first] == 2) & full


def _sum(values: FloatArray | None, first: npt.NDArray[np.intp]) -> FloatArray | None:
    return None if values is None else frozen_array(np.add.reduceat(values, first))


def _merge(
    squares: FloatArray | None, total: FloatArray | None, n: FloatArray | None, first: npt.NDArray[np.intp]
) -> FloatArray | None:
    """Squares about the common mean: what was inside the parts, and what lies between them."""
    if squares is None or total is None or n is None:
        return None
    size = np.add.reduceat(n, first)
    mean = np.add.reduceat(total, first) / np.maximum(size, 1.0)
    each = np.repeat(mean, np.diff(np.append(first, n.size)))
    gap = np.where(n > 0, total / np.maximum(n, 1.0) - each, 0.0)
    return frozen_array(np.add.reduceat(squares + n * gap * gap, first))
