"""The odds ratio of two proportions given both margins: tails, limits and estimate of the noncentral hypergeometric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.errors import DataError
from qstats.inference.proportion_kernels import Pair
from qstats.inference.roots import Tail, tail_root

__all__ = ["conditional_odds_ratio", "conditional_odds_ratio_pvalue"]

_CELLS = 1 << 18  # entries of one table of (pairs, possible counts)
_WIDEST = 1 << 22
_FAR = 600.0


class _Table:
    """Log weights of every count a group could have had with the same margins; shape (pairs, counts)."""

    def __init__(self, pair: Pair) -> None:
        x, n, x0, n0 = pair
        c = x + x0
        self.least, self.most = np.maximum(0.0, c - n0), np.minimum(n, c)
        steps = np.arange(float((self.most - self.least).max()) + 1.0)
        count = self.least[:, None] + steps
        inside = count <= self.most[:, None]
        count = np.minimum(count, self.most[:, None])
        cells = np.stack(self._cells(count, n, c, n0))
        log: FloatArray = -scipy.special.gammaln(cells + 1.0).sum(axis=0)
        self.log = np.where(inside, log - log.max(axis=1, keepdims=True), -np.inf)
        self.x, self.count = x, count
        self.seen = (x, n - x, x0, n0 - x0)

    @staticmethod
    def _cells(count: FloatArray, n: FloatArray, c: FloatArray, n0: FloatArray) -> tuple[FloatArray, ...]:
        return count, n[:, None] - count, c[:, None] - count, (n0 - c)[:, None] + count

    def chances(self, u: FloatArray, which: Any) -> FloatArray:
        """Probabilities of the counts at log odds ratio u."""
        log = self.log[which] + u[:, None] * (self.count[which] - self.x[which][:, None])
        p = np.exp(log - log.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def _tables(pair: Pair) -> Iterator[tuple[Any, _Table]]:
    """Pairs in groups of like width, so that no table is much larger than it must be."""
    c = pair.x + pair.x0
    width = np.minimum(pair.n, c) - np.maximum(0.0, c - pair.n0) + 1.0
    if width.max() > _WIDEST:
        raise DataError(
            f"size: the conditional odds ratio would sum {width.max():g} terms; use method='miettinen-nurminen', "
            "which is as good for counts this large"
        )
    order = np.argsort(width, kind="stable")
    start = 0
    while start < order.size:
        rows = max(1, int(_CELLS / width[order[start]]))
        # the widest of the group decides its size
        while rows > 1 and rows * width[order[min(start + rows, order.size) - 1]] > 2 * _CELLS:
            rows //= 2
        which = order[start : start + rows]
        yield which, _Table(pair.at(which))
        start += rows


def _gathered(pair: Pair, one: Callable[[_Table], FloatArray]) -> FloatArray:
    out = np.empty(pair.x.size)
    for which, table in _tables(pair):
        out[which] = one(table)
    return out


def conditional_odds_ratio_pvalue(pair: Pair, null: float, weight: float, alternative: str) -> FloatArray:
    """Return p-values; `weight` of the observed count is 1 (Fisher, central) or 1/2 (mid-p)."""

    def one(table: _Table) -> FloatArray:
        p = table.chances(np.full(table.x.size, math.log(null)), slice(None))
        x = table.x[:, None]
        own = weight * np.where(table.count == x, p, 0.0).max(axis=1)
        fewer = own + np.where(table.count < x, p, 0.0).sum(axis=1)
        more = own + np.where(table.count > x, p, 0.0).sum(axis=1)
        smaller = {"less": fewer, "greater": more}.get(alternative, 2.0 * np.minimum(fewer, more))
        return np.minimum(1.0, smaller)  # type: ignore[no-any-return]

    return _gathered(pair, one)


def _lower(pair: Pair, error: float, weight: float) -> FloatArray:
    """Odds ratio at which the weighted probability of the observed count or more is `error`; 0 at the least count."""

    def one(table: _Table) -> FloatArray:
        out = np.zeros(table.x.size)
        inner = np.flatnonzero((table.x > table.least) | ((error > weight) & (table.least < table.most)))
        if not inner.size:
            return out

        def tail(u: FloatArray, which: Any) -> Tail:
            some = inner[which]
            p = table.chances(u, some)
            count, x = table.count[some], table.x[some][:, None]
            own = np.where(count == x, p, 0.0).max(axis=1)
            above = np.where(count > x, p, 0.0)
            mean = (p * count).sum(axis=1)
            gap = count - mean[:, None]
            part = above + np.where(count == x, weight * p, 0.0)  # the weighted tail, for its moments
            slope = (part * gap).sum(axis=1) / own
            rest = above.sum(axis=1)
            bend = ((part * gap * gap).sum(axis=1) - part.sum(axis=1) * (p * gap * gap).sum(axis=1)) / own
            pull = x[:, 0] - mean
            return Tail(own + rest, rest, slope, bend - slope * pull, pull)

        u = tail_root(tail, _start(table, inner, error), error, weight, rising=True)
        out[inner] = np.where(u < _FAR, np.exp(np.minimum(u, _FAR)), np.inf)
        return out

    return _gathered(pair, one)


def _start(table: _Table, inner: Any, error: float) -> FloatArray:
    """Logarithm of the sample odds ratio with half a unit in each cell, less its standard errors: Woolf (1955)."""
    cells = np.stack([cell[inner] for cell in table.seen]) + 0.5
    signs = np.array([[1.0], [-1.0], [-1.0], [1.0]])
    middle = (signs * np.log(cells)).sum(axis=0)
    start: FloatArray = middle + float(scipy.special.ndtri(error)) * np.sqrt((1.0 / cells).sum(axis=0))
    return start


def _most_likely(pair: Pair) -> FloatArray:
    """Conditional maximum-likelihood odds ratio: the expected count equals the observed one."""

    def one(table: _Table) -> FloatArray:
        out = np.where(table.x == table.least, 0.0, np.inf)
        out[table.least == table.most] = np.nan
        inner = np.flatnonzero((table.x > table.least) & (table.x < table.most))
        u = np.zeros(inner.size)
        for _ in range(200):
            p = table.chances(u, inner)
            mean = (p * table.count[inner]).sum(axis=1)
            variance = (p * (table.count[inner] - mean[:, None]) ** 2).sum(axis=1)
            step = np.clip((table.x[inner] - mean) / np.maximum(variance, 1e-300), -1.0, 1.0)
            u = u + step
            if (np.abs(step) < 1e-13 * (1.0 + np.abs(u))).all():
                break
        out[inner] = np.exp(u)
        return out

    return _gathered(pair, one)


def conditional_odds_ratio(
    pair: Pair, below: float, above: float, weight: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return estimate and limits with error `below` and `above` (0: open); NaN, 0, infinite where nothing can vary."""
    x, n, x0, n0 = pair
    mirror = Pair(n - x, n, n0 - x0, n0)
    low = _lower(pair, below, weight) if below > 0.0 else np.zeros(x.size)
    with np.errstate(divide="ignore"):
        high = 1.0 / _lower(mirror, above, weight) if above > 0.0 else np.full(x.size, np.inf)
    return _most_likely(pair), low, high
