"""One sample on the coordinate of a family, and what is to be said about the data themselves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.blocks import safe_mean
from qstats._core.notes import Note
from qstats.capability.nonnormal.family import Family

__all__ = ["MOST_CENSORED", "Placed", "below_resolution", "data_notes", "place"]

MOST_CENSORED = 0.1  # share of values below the resolution from which they are a class of their own
_FEW = 20
_COARSE = 10.0  # steps of the gauge per standard deviation
_ALIKE = 1e-6  # relative scatter below which the power of a value is no different from a straight line


class Placed(NamedTuple):
    """A sample as ``v = (x - origin) / unit``; values below `low` are only known to be so, and stand as -1."""

    v: FloatArray
    origin: float
    unit: float
    low: float | None

    def at(self, x: float | FloatArray) -> float | FloatArray:
        """Return where a value in the unit of the data lies."""
        return (x - self.origin) / self.unit


def below_resolution(x: FloatArray) -> float | None:
    """Return the smallest positive value where few values are not positive and none is further from zero than it.

    A gauge that shows 0 has not measured 0: the value lies below what it can show. What is known of it is that it is
    smaller than everything else, and a positive family is fitted to just that.
    """
    lost = x <= 0.0
    if not lost.any() or lost.all():
        return None
    least = float(x[~lost].min())
    few = np.count_nonzero(lost) <= MOST_CENSORED * x.size
    return least if few and float(x.min()) > -least else None


def place(x: FloatArray, family: Family) -> Placed | str:
    """Return the sample on the coordinate of `family`, or the reason why the family cannot hold it."""
    if not family.positive:
        level = float(np.median(x))
        d = x - level
        size = float(np.abs(d).max())
        unit = size * float(np.std(d / size))
        return Placed(d / unit, level, unit, None)
    lost = x <= 0.0
    low = below_resolution(x)
    if lost.any() and low is None:
        what = f"{int(lost.sum())} of {x.size} values are not positive, the smallest {x.min():g}"
        return f"{what}: a family on the positive half line cannot hold them; one with a threshold can"
    ref = float(np.median(x[~lost]))
    v = np.where(lost, -1.0, (x - ref) / ref)
    if family.name in ("boxcox", "gamma") and float(np.std(v[~lost])) < _ALIKE:
        return "the values scatter by less than a millionth of their size: no different from the normal distribution"
    return Placed(v, ref, ref, None if low is None else (low - ref) / ref)


def data_notes(x: FloatArray) -> tuple[Note, ...]:
    """Return notes on few values, and on a gauge too coarse for tests of fit."""
    notes = []
    if x.size < _FEW:
        text = f"{x.size} values: no shape can be told from so few; every family fits and the intervals are rough"
        notes.append(Note("few-values", "warning", text))
    distinct = np.unique(x)
    step = float(np.diff(distinct).min())
    d = x - safe_mean(x)
    size = float(np.abs(d).max())  # squares of what is far from 1 leave the range of a float64
    sd = size * float(np.std(d / size))
    if distinct.size <= 0.5 * x.size and sd < _COARSE * step:
        text = (
            f"{distinct.size} distinct values among {x.size}, {step:.3g} apart with a standard deviation of {sd:.3g}: "
            "tests of fit see the steps of the gauge; judge the fit by eye, or record more digits"
        )
        notes.append(Note("resolution", "warning", text))
    if (lost := int(np.count_nonzero(x <= 0.0))) and below_resolution(x) is not None:
        text = (
            f"{lost} of {x.size} values are not positive: to positive families they are values below the smallest "
            f"positive one, {x[x > 0].min():g} (left-censored), not zeros; check these readings"
        )
        notes.append(Note("below-resolution", "warning", text))
    return tuple(notes)
