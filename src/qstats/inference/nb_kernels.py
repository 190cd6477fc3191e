"""Likelihood of negative binomial (NB2) counts in two groups and its derivatives, for many pairs at once.

Arrays are laid out (periods, pairs): what a pair has one of is then a plain vector beside them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["Pairs", "Slopes", "misfit", "slopes"]

_FULL = 64  # counts up to here are tabulated one by one
_FIRST = 16  # of larger ones so many terms are, the rest by Stirling's series: good to 1e-14 from there on
_NEAR = 0.01  # under this the series of log1p(x) - x / (1 + x) keep more digits than the difference
_RATIO = 3.0  # between neighbours of the grid of alpha
_MOST = 1e4  # alpha at the end of the grid; fits may go beyond


class Pairs(NamedTuple):
    """Counts of many pairs of groups, and what of them the likelihood asks for again and again.

    Parameters
    ----------
    y, expected : ndarray, shape (periods, pairs)
        Counts, periods of the group first; and exposure times the group's own rate.
    split : int
        Periods of the group; the rest are of the reference group.
    totals : ndarray, shape (2, pairs)
    held, weight : ndarray, shape (rows of the table, pairs)
        How many periods have the count j = 1, 2 ... (the last row: or more); and how many have more than j, minus
        j times those.
    scale : ndarray, shape (pairs,)
        Mean count: alpha is searched on the scale of ``log1p(alpha * scale)``.
    tall : bool
        Whether there are counts beyond the table.
    grid, fixed : ndarray, shapes (points,) and (points, pairs)
        Values of alpha that searches begin with, and the part of the log likelihood that is of alpha alone there.
    """

    y: FloatArray
    expected: FloatArray
    split: int
    totals: FloatArray
    held: FloatArray
    weight: FloatArray
    scale: FloatArray
    tall: bool
    grid: FloatArray
    fixed: FloatArray

    @classmethod
    def of(cls, y: FloatArray, t: FloatArray, y0: FloatArray, t0: FloatArray) -> Pairs:
        """Return the pairs of lines of counts and exposures, shapes (pairs, periods); each group with an event."""
        totals = np.stack((y.sum(axis=1), y0.sum(axis=1)))
        rates = totals / np.stack((t.sum(axis=1), t0.sum(axis=1)))
        counts = np.ascontiguousarray(np.concatenate((y, y0), axis=1).T)
        expected = np.ascontiguousarray(np.concatenate((t * rates[0][:, None], t0 * rates[1][:, None]), axis=1).T)
        most, pairs = float(counts.max()), y.shape[0]
        top = int(most) if most <= _FULL else _FIRST
        cells = np.minimum(counts, top).astype(np.intp) * pairs + np.arange(pairs)
        held = np.bincount(cells.ravel(), minlength=(top + 1) * pairs).reshape(top + 1, pairs).astype(np.float64)
        more = held[::-1].cumsum(axis=0)[::-1] - held
        weight = more - np.arange(top + 1.0)[:, None] * held
        scale, grid = totals.sum(axis=0) / counts.shape[0], _grid(most)
        made = cls(
            counts, expected, y.shape[1], totals, held[1:], weight[1:], scale, most > top, grid, np.empty((0, pairs))
        )
        return made._replace(fixed=_fixed(made))

    def take(self, which: Any) -> Pairs:
        """Return some of the pairs."""
        y, expected, totals, held, weight, fixed = (
            v[:, which] for v in (self.y, self.expected, self.totals, self.held, self.weight, self.fixed)
        )
        return Pairs(y, expected, self.split, totals, held, weight, self.scale[which], self.tall, self.grid, fixed)

    def by_group(self, values: FloatArray) -> FloatArray:
        """Return the sums over the periods of each group, shape (2, pairs)."""
        return np.stack((values[: self.split].sum(axis=0), values[self.split :].sum(axis=0)))

    def means(self, shift: FloatArray) -> FloatArray:
        """Return the mean of each count where the log rates lie `shift`, shape (2, pairs), beside the groups' own."""
        mean = self.expected.copy()
        mean[: self.split] *= np.exp(shift[0])
        mean[self.split :] *= np.exp(shift[1])
        return mean


class Slopes(NamedTuple):
    """Log likelihood and its derivatives by alpha and by the two log rates."""

    value: FloatArray
    alpha: FloatArray
    alpha2: FloatArray
    rate: FloatArray
    rate2: FloatArray
    mixed: FloatArray


def _series(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``(log1p(x) - x / (1 + x)) / x**2`` and its derivative for small x."""
    value = 0.5 - x * (2 / 3 - x * (3 / 4 - x * (4 / 5 - x * (5 / 6 - x * 6 / 7))))
    slope = -2 / 3 + x * (3 / 2 - x * (12 / 5 - x * (10 / 3 - x * 30 / 7)))
    return value, slope


def _tabled(pairs: Pairs, alpha: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the part of the log likelihood in counts and alpha alone, and two derivatives, of counts in the table.

    It is the sum of log(1 + alpha j), j < y, less what `misfit` takes off where the mean equals the count.
    """
    j = np.arange(1.0, pairs.held.shape[0] + 1.0)[:, None]
    x = alpha * j
    log, part = np.log1p(x), 1.0 / (1.0 + x)
    ratio = x * part
    over, near = log - ratio, x < _NEAR
    first, second, whole = over / alpha**2, (ratio * ratio - 2.0 * over) / alpha**3, j - log / alpha
    if near.any():
        series, slope = _series(np.minimum(x, _NEAR))
        first, second = np.where(near, j * j * series, first), np.where(near, j**3 * slope, second)
        whole = np.where(x > 0.0, whole, 0.0)
    share = j * part
    moved = pairs.weight * share
    return (
        _over_rows(pairs.weight, log) + _over_rows(pairs.held, whole),
        moved.sum(axis=0) + _over_rows(pairs.held, first),
        _over_rows(pairs.held, second) - _over_rows(moved, share),
    )


def _over_rows(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the sums over rows of ``a * b``."""
    total: FloatArray = np.einsum("ij,ij->j", a, b)
    return total


def _stirling(y: FloatArray, alpha: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what a count beyond the table adds to the part above, but for a constant, and two derivatives."""
    x = 1.0 + alpha * y
    q = alpha / x
    s = q * q
    series = q * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s / 1680)))
    slope = 1 / 12 - s * (1 / 120 - s * (1 / 252 - s / 240))
    bend = -q * (1 / 60 - s * (1 / 63 - s / 40))
    share = y / x
    return (
        series - 0.5 * np.log1p(alpha * y),
        slope / x**2 - 0.5 * share,
        bend / x**4 - 2.0 * share * slope / x**2 + 0.5 * share**2,
    )


def _grid(most: float) -> FloatArray:
    """Return zero and values of alpha from far under one over the counts, where it is a parabola in alpha, upward."""
    least = 0.05 / max(1.0, most)
    steps = 2 + int(math.log(_MOST / least) / math.log(_RATIO))
    return np.concatenate(([0.0], np.geomspace(least, _MOST, steps)))


def _fixed(pairs: Pairs) -> FloatArray:
    """Return the value of `_saturated` at the points of the grid, shape (points, pairs)."""
    rows, alpha = pairs.held.shape[0], pairs.grid[1:, None]
    j = np.arange(1.0, rows + 1.0)
    log = np.log1p(alpha * j)
    table = np.zeros((pairs.grid.size, pairs.scale.size))
    table[1:] = log @ pairs.weight + (j - log / alpha) @ pairs.held
    if pairs.tall:
        y = np.maximum(pairs.y, float(rows))
        for k, a in enumerate(pairs.grid):
            start = _stirling(np.array([float(rows)]), np.array([a]))[0]
            table[k] += _stirling(y, np.array([a]))[0].sum(axis=0) - y.shape[0] * start
    return table


def _saturated(pairs: Pairs, alpha: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the log likelihood where every mean equals its count, but for a constant, and two derivatives."""
    table = _tabled(pairs, alpha)
    if not pairs.tall:
        return table
    least = float(pairs.held.shape[0])
    rest = _stirling(np.maximum(pairs.y, least), alpha)
    start = _stirling(np.full(alpha.size, least), alpha)
    n = pairs.y.shape[0]
    a, b, c = (t + r.sum(axis=0) - n * s for t, r, s in zip(table, rest, start, strict=True))
    return a, b, c


class Misfit(NamedTuple):
    """What of the log likelihood depends on the means, shape (pairs,), and parts of it for each count.

    Parameters
    ----------
    value : ndarray, shape (pairs,)
    gap : ndarray, shape (periods, pairs)
        Mean less count.
    part, thin : ndarray, shape (periods, pairs)
        ``1 / (1 + alpha y)`` and ``1 / (1 + alpha mean)``.
    v, log : ndarray, shape (periods, pairs)
        ``alpha * gap * part`` and log1p of it.
    """

    value: FloatArray
    gap: FloatArray
    part: FloatArray
    thin: FloatArray
    v: FloatArray
    log: FloatArray


def misfit(pairs: Pairs, mean: FloatArray, alpha: FloatArray) -> Misfit:
    """Return the log likelihood less that of means equal to the counts: ``y log(mean / y) - (y + 1/alpha) log1p(v)``.

    Written with the distance from mean to count: differences of likelihoods of large counts would lose digits.
    """
    gap = mean - pairs.y
    part, thin = 1.0 / (1.0 + alpha * pairs.y), 1.0 / (1.0 + alpha * mean)
    v = alpha * gap * part
    log = np.log1p(v)
    some = pairs.y > 0.0
    ratio = np.where(some, gap * thin / np.where(some, pairs.y, 1.0), 0.0)
    mine = np.log1p(ratio)
    if (far := ratio < -0.5).any():  # near -1 the ratio has no digits left
        mine = np.where(far, np.log(mean * thin / (pairs.y * part)), mine)
    value = pairs.y * mine - np.where(v == 0.0, gap, log / alpha)
    return Misfit(value.sum(axis=0), gap, part, thin, v, log)


def slopes(pairs: Pairs, shift: FloatArray, alpha: FloatArray) -> Slopes:
    mean = pairs.means(shift)
    value, gap, part, thin, v, log = misfit(pairs, mean, alpha)
    pull = gap * thin
    ratio = alpha * pull  # v / (1 + v)
    over, near = log - ratio, np.abs(v) < _NEAR
    series, slope = _series(np.clip(v, -_NEAR, _NEAR))
    small = np.where(near, gap * part, 0.0)
    first = np.where(near, small**2 * series, over / alpha**2)
    second = np.where(
        near, small**2 * part * (gap * part * slope - 2.0 * pairs.y * series), (part * ratio**2 - 2.0 * over) / alpha**3
    )
    fixed = _saturated(pairs, alpha)
    weight = mean * thin
    return Slopes(
        value + fixed[0], first.sum(axis=0) + fixed[1], second.sum(axis=0) + fixed[2], -pairs.by_group(pull),
        -pairs.by_group(weight * thin / part), pairs.by_group(weight * pull),
    )  # fmt: skip
