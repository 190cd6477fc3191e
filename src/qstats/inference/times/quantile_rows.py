"""Differences of quantiles of many pairs in one call: one pair per line."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import normal_quantile, normal_sf
from qstats.inference.comparison import tails
from qstats.inference.means.rows import line_blocks
from qstats.inference.pivot import Pivot, tails_to_pvalue
from qstats.inference.roots import bisect_all, bracketed

__all__ = ["quantile_lines"]

_FAR = 38.0  # a normal tail beyond it is zero in float64
_NODES = 16  # of each polynomial
_WIDTH = 0.5  # of z under one polynomial
_CHEBYSHEV = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
_TO_TERMS = np.linalg.inv(np.polynomial.chebyshev.chebvander(_CHEBYSHEV, _NODES - 1)).astype(np.float64)


def _z_of_rank(rank: FloatArray, n: int, q: float) -> FloatArray:
    """Return z with ``P(Beta(rank, n + 1 - rank) <= q) = P(Z <= z)``, from the smaller tail; falls in rank."""
    above = scipy.special.betainc(n + 1.0 - rank, rank, 1.0 - q)
    below = scipy.special.betainc(rank, n + 1.0 - rank, q)
    z = np.where(above < 0.5, -scipy.special.ndtri(above), scipy.special.ndtri(below))
    return np.asarray(np.clip(z, -_FAR, _FAR), dtype=np.float64)


class _Ranks:
    """Fractional rank as a function of z for one sample size: solved once, then read off polynomials.

    All lines have one n, so the rank that goes with a z is the same for all; it is smooth, and pieces of half a unit of
    z by polynomials of degree 15 hold it to rounding.
    """

    def __init__(self, n: int, q: float) -> None:
        self.n = n
        ends = _z_of_rank(np.array([float(n), 1.0]), n, q)
        self.least, self.most = float(ends[0]), float(ends[1])  # z of the largest and of the smallest value
        self.pieces = max(1, math.ceil((self.most - self.least) / _WIDTH))
        self.width = (self.most - self.least) / self.pieces
        start = self.least + self.width * np.arange(self.pieces)[:, np.newaxis]
        z = (start + 0.5 * self.width * (_CHEBYSHEV + 1.0)).ravel()

        def falling(log_odds: FloatArray, part: slice) -> FloatArray:
            return _z_of_rank((n + 1.0) * scipy.special.expit(log_odds), n, q) - z[part]

        reach = np.full(z.size, math.log(n + 1.0) + 1e-9)
        rank = (n + 1.0) * scipy.special.expit(bisect_all(falling, -reach, reach))
        self.terms = np.ascontiguousarray(_TO_TERMS @ rank.reshape(self.pieces, _NODES).T)

    def at(self, z: FloatArray) -> FloatArray:
        """Return the ranks; 0 and n + 1 where z is beyond the values."""
        if self.width == 0.0:
            inside = np.ones_like(z)
        else:
            place = (z - self.least) / self.width
            piece = np.clip(place.astype(np.intp), 0, self.pieces - 1)
            u = 2.0 * (place - piece) - 1.0
            after = last = np.zeros_like(z)
            for term in self.terms[:0:-1]:  # Clenshaw's recurrence
                last, after = term[piece] + 2.0 * u * last - after, last
            inside = np.clip(self.terms[0][piece] + u * last - after, 1.0, float(self.n))
        return np.where(z > self.most, 0.0, np.where(z < self.least, self.n + 1.0, inside))


def _values_at(ordered: FloatArray, rank: FloatArray, which: Any) -> FloatArray:
    """Return each line's value at its fractional rank; infinite beyond the values."""
    n = ordered.shape[1]
    whole = np.clip(rank.astype(np.intp), 1, max(n - 1, 1))
    part = rank - whole
    value = ordered[which, whole - 1] * (1.0 - part) + ordered[which, np.minimum(whole, n - 1)] * part
    return np.where(rank < 1.0, -np.inf, np.where(rank > n, np.inf, value))


class _Lines(NamedTuple):
    """Some lines of both groups, in order, with their quantiles."""

    x: FloatArray
    x0: FloatArray
    value: FloatArray
    value0: FloatArray
    ranks: tuple[_Ranks, _Ranks]

    def reach(self, z: FloatArray, side: Any, unit: Any, which: Any) -> FloatArray:
        """Return how far the limit at `z` lies from the estimate, in units: below it for side 1, above for side -1."""
        near = _values_at(self.x, self.ranks[0].at(side * z), which)
        far = _values_at(self.x0, self.ranks[1].at(-side * z), which)
        with np.errstate(over="ignore"):
            down = np.maximum(side * (self.value[which] - near), 0.0) / unit
            up = np.maximum(side * (far - self.value0[which]), 0.0) / unit
            far_off: FloatArray = np.hypot(down, up)
        return far_off

    def limit(self, error: float, side: float) -> FloatArray:
        """Return the limit of each line; side 1 is the lower one, an error of 0 leaves it open."""
        if error == 0.0:
            return np.full(self.value.size, -side * np.inf)
        z = np.full(self.value.size, -float(normal_quantile(error)))
        return (self.value - self.value0) - side * self.reach(z, side, 1.0, np.arange(z.size))

    def score(self, null: float) -> FloatArray:
        """Return the z at which a limit reaches `null`, with the sign of estimate - null."""
        gap = self.value - self.value0 - null
        side, unit = np.where(gap > 0, 1.0, -1.0), np.where(gap == 0.0, 1.0, np.abs(gap))

        def falling(z: FloatArray, which: Any) -> FloatArray:
            return 1.0 - self.reach(z, side[which], unit[which], which)

        (least, most), (least0, most0) = ((r.least, r.most) for r in self.ranks)
        # beyond these one of the groups has no limit: a null that is not reached up to there has its z there
        end, other = (min(max(v, 0.0), _FAR) for v in (min(most, -least0), min(-least, most0)))
        root = bracketed(falling, np.zeros(gap.size), np.where(side > 0, end, other))
        return np.where(gap == 0.0, 0.0, side * root)


def quantile_lines(
    x: FloatArray, x0: FloatArray, q: float, null: float, confidence: float, alternative: str
) -> tuple[FloatArray, Pivot]:
    """Return the difference of the quantiles of each line, its test and limits."""
    below, above = tails(alternative, confidence)
    ranks = _Ranks(x.shape[1], q)
    both = (ranks, ranks if x0.shape[1] == x.shape[1] else _Ranks(x0.shape[1], q))
    estimate, low, high, z = np.empty((4, x.shape[0]))
    for i, j in line_blocks(x.shape, x0.shape):
        a, a0 = np.sort(x[i:j], axis=1), np.sort(x0[i:j], axis=1)
        value, value0 = (np.quantile(v, q, axis=1, method="median_unbiased") for v in (a, a0))
        lines = _Lines(a, a0, value, value0, both)
        estimate[i:j] = value - value0
        low[i:j], high[i:j], z[i:j] = lines.limit(below, 1.0), lines.limit(above, -1.0), lines.score(null)
    return estimate, Pivot(z, tails_to_pvalue(normal_sf(-z), normal_sf(z), alternative), low, high)
