"""Individuals charts of very many short series at once, some thousand series at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.bias import d2, d3
from qstats._core.blocks import BLOCK
from qstats._core.quantiles import normal_sf
from qstats.spc.rules import Rule
from qstats.spc.rules.engine import count_rows

__all__ = ["Screened", "Series", "alarm_rate", "randomness_pvalue", "range_alarm_rate", "screen"]

IntArray = npt.NDArray[np.int64]
_POINTS = (
    8 * BLOCK
)  # of a chunk: with a few blocks the rules cost twice as much, their buffers being made anew each time
_PIECE = BLOCK  # points from which moments and moving ranges are made in one go
_LONG = 4096  # points of a series: from here on sums are taken pairwise
_LEAST = 10  # points: with fewer the normal approximation to von Neumann's ratio is poor


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Many series end to end.

    Parameters
    ----------
    x : numpy.ndarray
        All values, series after series; NaN is a gap.
    length : numpy.ndarray of int
        Points of each series, gaps included.
    gaps : bool
        Whether `x` holds NaN.
    """

    x: FloatArray
    length: IntArray
    gaps: bool

    def blocks(self) -> Iterator[tuple[npt.NDArray[np.intp] | slice, FloatArray, bool]]:
        """Yield which series, their points as rows of a matrix (NaN after the end), and whether it holds NaN."""
        if not self.length.size:
            return
        width = int(self.length[0])
        if width and (self.length == width).all():
            rows, step = self.x.reshape(-1, width), max(1, _POINTS // width)
            for i in range(0, rows.shape[0], step):
                yield slice(i, i + step), rows[i : i + step], self.gaps
            return
        start = np.concatenate(([0], np.cumsum(self.length)[:-1]))
        order = np.argsort(-self.length, kind="stable")  # series of about one length side by side: little is padded
        i = 0
        while i < order.size and (width := int(self.length[order[i]])):
            which = order[i : i + max(1, _POINTS // width)]
            at = np.arange(width)
            there = at < self.length[which, None]
            out = np.full(there.shape, np.nan)
            out[there] = self.x[(start[which, None] + at)[there]]
            yield which, out, self.gaps or not bool(there.all())
            i += which.size


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """What is found in each of S series; `fired` has a column per rule.

    Parameters
    ----------
    n, center, sigma, overall : numpy.ndarray
        Points, mean, sigma from moving ranges, and standard deviation, shape (S,).
    ratio, pvalue : numpy.ndarray
        Von Neumann's ratio and its p-value, shape (S,).
    fired : numpy.ndarray of int
        Signals on the individuals panel, shape (S, R).
    first : numpy.ndarray of int
        Position of the first of them, -1: none, shape (S,).
    ranges : numpy.ndarray of int
        Moving ranges beyond their limit, shape (S,).
    """

    n: IntArray
    center: FloatArray
    sigma: FloatArray
    overall: FloatArray
    ratio: FloatArray
    pvalue: FloatArray
    fired: IntArray
    first: IntArray
    ranges: IntArray


def screen(series: Series, rules: Sequence[Rule], nsigma: float) -> Screened:
    """Return the individuals chart of every series in numbers: moving ranges of two, limits at `nsigma` sigmas."""
    s = series.length.size
    parts = _Parts(s)
    fired, first = np.zeros((len(rules), s), dtype=np.int64), np.full(s, -1, dtype=np.int64)
    z = np.empty(0)
    for which, x, nan in series.blocks():
        if z.size < x.size:
            z = np.empty(x.size)
        standard = z[: x.size].reshape(x.shape)
        at = np.arange(s)[which]
        step = max(1, _PIECE // x.shape[1])
        for i in range(0, x.shape[0], step):
            parts.take(at[i : i + step], x[i : i + step], standard[i : i + step], nan, nsigma)
        fired[:, which], first[which] = _count(rules, standard, nsigma)
    n = parts.n.astype(np.float64)
    center, sigma, unit, squares, fourths, steps = parts.real
    with np.errstate(divide="ignore", invalid="ignore"):
        overall = unit * np.sqrt(squares / (n - 1.0))
        ratio = np.where(squares > 0, steps / squares, np.nan)
        pvalue = randomness_pvalue(ratio, n, n * fourths / squares**2)
    return Screened(parts.n, center, sigma, overall, ratio, pvalue, fired.T, first, parts.ranges)


def _count(rules: Sequence[Rule], z: FloatArray, nsigma: float) -> tuple[IntArray, IntArray]:
    """Return how often each rule is completed in each row, shape (R, rows), and where first (-1: nowhere)."""
    rows, width = z.shape
    first, found = np.full(rows, width), np.zeros((len(rules), rows), dtype=np.int64)
    for r, (row, column) in enumerate(count_rows(rules, z, nsigma)):
        if row.size:
            found[r] = np.bincount(row, minlength=rows)
            begins = np.concatenate(([0], np.flatnonzero(row[1:] != row[:-1]) + 1))
            first[row[begins]] = np.minimum(first[row[begins]], column[begins])
    return found, np.where(first < width, first, -1)


class _Parts:
    """Moments, moving ranges and randomness of each series, filled in piece by piece.

    Attributes
    ----------
    real : list of numpy.ndarray
        Centre, sigma, unit (sigma, or 1 where that is 0 or there is none); and in units the sums of squared deviations,
        of their fourth powers, and of squared steps. Each of shape (S,).
    n, ranges : numpy.ndarray of int
        Points, and moving ranges beyond their limit.
    """

    __slots__ = ("_flags", "_scratch", "n", "ranges", "real")

    def __init__(self, s: int) -> None:
        self.real = [np.full(s, np.nan) for _ in range(6)]
        self.n, self.ranges = np.zeros(s, dtype=np.int64), np.zeros(s, dtype=np.int64)
        self._scratch, self._flags = np.empty((2, 0)), np.empty(0, dtype=np.bool_)

    def take(self, at: npt.NDArray[np.intp], x: FloatArray, z: FloatArray, nan: bool, nsigma: float) -> None:
        """Chart the rows of `x`, which are the series `at`, and leave their standardised values in `z`."""
        rows, width = x.shape
        if self._flags.size < x.size:
            self._scratch, self._flags = np.empty((2, x.size)), np.empty(x.size, dtype=np.bool_)
        # Row by row is three times as slow as end to end; the step from one series to the next is cut off after.
        flat = self._scratch[1, : x.size]
        np.subtract(x.reshape(-1)[1:], x.reshape(-1)[:-1], out=flat[1:])
        np.abs(flat[1:], out=flat[1:])
        moves = flat.reshape(x.shape)[:, 1:]
        total, pairs = _sums(moves, nan)
        sigma = np.where(pairs < 2, np.nan, total / np.maximum(pairs, 1.0) / d2(2))
        beyond = self._flags[: moves.size].reshape(moves.shape)
        np.greater(moves, ((d2(2) + nsigma * d3(2)) * sigma)[:, None], out=beyond)
        self.ranges[at] = np.bincount(np.flatnonzero(beyond) // max(width - 1, 1), minlength=rows)
        unit = np.where(sigma > 0, sigma, 1.0)
        n, center = _standardise(x, nan, unit, total == 0.0, z)
        square = self._scratch[0, : x.size].reshape(x.shape)
        np.multiply(z, z, out=square)
        if nan:
            np.nan_to_num(square, copy=False, nan=0.0)
        moments = _row_sums(square), _squares(square)
        for out, values in zip(self.real, (center, sigma, unit, *moments, _steps(z, moves, unit, nan)), strict=True):
            out[at] = values
        self.n[at] = n
        _unjudge(z, sigma)


def _row_sums(a: FloatArray) -> FloatArray:
    """Return the sum of each row; of short rows at twice the speed, where adding one by one loses nothing."""
    return np.asarray(np.einsum("ij->i", a) if a.shape[1] < _LONG else a.sum(axis=1))


def _squares(a: FloatArray) -> FloatArray:
    """Return the sum of squares of each row; BLAS is as quick for short rows, and wakes its threads for long ones."""
    return np.asarray(np.vecdot(a, a) if a.shape[1] < _LONG else np.einsum("ij,ij->i", a, a))


def _sums(a: FloatArray, nan: bool) -> tuple[FloatArray, FloatArray]:
    """Return sum and number of the values of each row."""
    if not nan:
        return _row_sums(a), np.full(a.shape[0], float(a.shape[1]))
    there = ~np.isnan(a)
    return _row_sums(np.where(there, a, 0.0)), np.count_nonzero(there, axis=1).astype(np.float64)


def _standardise(
    x: FloatArray, nan: bool, unit: FloatArray, still: BoolArray, z: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Write deviations from the mean in units to `z`; return points and mean.

    `still` are the rows without a step: the mean of equal values may be a rounding step away from their value.
    """
    total, n = _sums(x, nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        center = total / n
        at = np.flatnonzero(still)
        if at.size:
            low, high = np.fmin.reduce(x[at], axis=1), np.fmax.reduce(x[at], axis=1)
            center[at] = np.where(low == high, low, center[at])
        np.subtract(x, center[:, None], out=z)
    far = np.flatnonzero(np.abs(center) > 1e3 * unit)
    if far.size:  # what rounding left in the mean is something, beside the spread
        d = z[far]
        slip = _sums(d, nan)[0] / n[far]
        z[far] = d - slip[:, None]
        center[far] += slip
    if _plain_units(unit):
        np.multiply(z, (1.0 / unit)[:, None], out=z)  # a third of the time of dividing
    else:
        np.divide(z, unit[:, None], out=z)
    return n, center


def _plain_units(unit: FloatArray) -> bool:
    """Whether squares and reciprocals of all units have their place among floats."""
    return bool(unit.min() > 1e-100 and unit.max() < 1e100)


def _steps(z: FloatArray, moves: FloatArray, unit: FloatArray, nan: bool) -> FloatArray:
    """Return the sum of squared steps from value to value, in units; gaps are closed."""
    if _plain_units(unit):
        steps = _squares(moves) / (unit * unit)
    else:  # squares of such values have no place among floats
        steps = np.square(moves / unit[:, None]).sum(axis=1)
    if nan:
        rows = np.flatnonzero(np.isnan(steps))
        d = z[rows]
        last = np.maximum.accumulate(np.where(np.isnan(d), 0, np.arange(d.shape[1])), axis=1)
        d = np.nan_to_num(np.diff(np.take_along_axis(d, last, axis=1), axis=1), nan=0.0)
        steps[rows] = _squares(d)
    return np.asarray(steps)


def _unjudge(z: FloatArray, sigma: FloatArray) -> None:
    """Where sigma is 0 a point off the centre is beyond everything; where there is none nothing is judged."""
    still = np.flatnonzero(~(sigma > 0))
    if not still.size:
        return
    d = z[still]
    d = np.where((d == 0) | np.isnan(d) | np.isnan(sigma[still, None]), np.nan, np.copysign(np.inf, d))
    z[still] = d


def randomness_pvalue(ratio: FloatArray, n: FloatArray, kurtosis: FloatArray) -> FloatArray:
    """Return two-sided p-values of von Neumann's ratio under random order of the values that are there.

    Parameters
    ----------
    ratio : numpy.ndarray
        ``sum (x[i+1] - x[i])**2 / sum (x[i] - mean)**2``.
    n : numpy.ndarray
        Points.
    kurtosis : numpy.ndarray
        ``n sum d**4 / (sum d**2)**2`` of the deviations.

    Notes
    -----
    Over all orders of the same values ``1 - ratio / 2`` has mean 0 and variance ``(2 n - 3 - kurtosis) / (2 n (n -
    1))``, whatever their distribution: Young (1941), Annals of Mathematical Statistics 12(3), 293-300. Normal
    approximation, from 10 points on.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.abs(1.0 - 0.5 * ratio) / np.sqrt((2.0 * n - 3.0 - kurtosis) / (2.0 * n * (n - 1.0)))
        return np.where(n >= _LEAST, np.minimum(2.0 * normal_sf(z), 1.0), np.nan)


def _at_least(k: int, m: int, p: float, rest: float) -> float:
    """Return the chance that `k` or more of `m` points are of a kind with chance p, all others of one with `rest`."""
    return math.fsum(math.comb(m, j) * p**j * rest ** (m - j) for j in range(max(k, 0), m + 1))


def _zigzag(m: int) -> int:
    """Return how many orders of m values go up and down in turn, beginning with up (Euler's zigzag numbers)."""
    row = [1]
    for _ in range(m):
        new = [0]
        for value in reversed(row):
            new.append(new[-1] + value)
        row = new
    return row[-1]


def alarm_rate(rule: Rule, nsigma: float) -> float:
    """Return the chance that a rule is completed at a point of a stable normal process, limits known.

    For independent points: each completing point counts, as it does in a chart's signals. Counting permutations for
    trends and alternation, binomial chances for zones.
    """
    limit = nsigma if rule.threshold is None else rule.threshold
    tail = float(normal_sf(limit))
    if rule.kind == "trend":
        return (2.0 if rule.sides == "each" else 1.0) / math.factorial(rule.m)
    if rule.kind == "alternating":
        return 2.0 * _zigzag(rule.m) / math.factorial(rule.m)
    if rule.kind == "within":
        inside = 1.0 - 2.0 * tail
        return inside * _at_least(rule.k - 1, rule.m - 1, inside, 1.0 - inside)
    p = tail if rule.beyond_limits else max(tail - float(normal_sf(nsigma)), 0.0)
    if rule.kind == "swing":
        return 2.0 * p * (1.0 - (1.0 - p) ** (rule.m - 1))
    if rule.kind == "outside":
        either = 2.0 * p * _at_least(rule.k - 1, rule.m - 1, 2.0 * p, 1.0 - 2.0 * p)
        one_sided = 2.0 * p * _at_least(rule.k - 1, rule.m - 1, p, 1.0 - 2.0 * p)
        return either - one_sided if rule.sides == "both" else either
    rest = 0.5 - p if rule.same_side else 1.0 - p
    sides = 2.0 if rule.sides == "each" else 1.0
    return sides * p * _at_least(rule.k - 1, rule.m - 1, p, rest)


def range_alarm_rate(nsigma: float) -> float:
    """Return the chance that a moving range of two is beyond its limit on a stable normal process."""
    return 2.0 * float(normal_sf((d2(2) + nsigma * d3(2)) / math.sqrt(2.0)))
