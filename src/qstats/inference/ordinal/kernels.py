"""Probability of superiority from counts by category: estimate, error, separated groups, permutation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.errors import DataError
from qstats.inference.pivot import satterthwaite
from qstats.inference.roots import bisect_all

__all__ = [
    "MOST_TABLES",
    "Placement",
    "all_tables",
    "count_tables",
    "degenerate_limits",
    "degenerate_pvalue",
    "drawn_statistics",
    "place",
    "studentised",
]

_CELLS = 1 << 20
MOST_TABLES = 50_000
_MANY = 320  # k (k - 1) / 2 tables at least, two answers a group: beyond MOST_TABLES
_MOST_ANSWERS = 1e9  # what numpy's multivariate hypergeometric takes


class Placement(NamedTuple):
    """Estimates of ``P(X > Y) + P(X = Y)/2``, their standard errors and degrees of freedom, one per row of counts."""

    estimate: FloatArray
    se: FloatArray
    df: FloatArray


def place(c: FloatArray, c0: FloatArray) -> Placement:
    """Return the placement estimates of counts by category, shape (m, k), lowest category first.

    Brunner & Munzel's variance, written in placements: what share of the other group each category beats.
    """
    n, n0 = c.sum(axis=1), c0.sum(axis=1)
    beats = (np.cumsum(c0, axis=1) - 0.5 * c0) / n0[:, np.newaxis]
    beaten = (np.cumsum(c, axis=1) - 0.5 * c) / n[:, np.newaxis]
    estimate = (c * beats).sum(axis=1) / n
    # Deviations from the mean of each group; a category without answers weighs nothing.
    spread = (c * (beats - estimate[:, np.newaxis]) ** 2).sum(axis=1)
    spread0 = (c0 * (beaten - (1.0 - estimate)[:, np.newaxis]) ** 2).sum(axis=1)
    v = spread / np.maximum(n - 1.0, 1.0) / n
    v0 = spread0 / np.maximum(n0 - 1.0, 1.0) / n0
    # All answers of a group in one place: zero, whatever rounding left.
    floor = (64.0 * np.finfo(np.float64).eps) ** 2
    v, v0 = np.where(v <= floor, 0.0, v), np.where(v0 <= floor, 0.0, v0)
    df = satterthwaite(v, np.maximum(n - 1.0, 1.0), v0, np.maximum(n0 - 1.0, 1.0))
    return Placement(estimate, np.sqrt(v + v0), df)


def _separated_tail(theta: FloatArray, top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Return the chance that all of `top` answers lie above all of `bottom` ones when superiority is `theta`.

    Under Lehmann's alternatives (one distribution function a power of the other) that chance depends on the power
    alone: a race of exponentials. The larger of the two families (power of F, power of 1 - F) is taken, so that turning
    the scale round changes nothing. At one half both are the permutation probability 1 / C(N, n).
    """
    odds = theta / (1.0 - theta)

    def race(a: FloatArray, b: FloatArray) -> FloatArray:
        # prod_{j=1..a} j k / (j k + b) = Gamma(a+1) Gamma(t+1) / Gamma(a+t+1) with t = b/k
        t = b / odds
        return scipy.special.betaln(a + 1.0, t + 1.0) + np.log(a + t + 1.0)  # type: ignore[no-any-return]

    return np.exp(np.minimum(np.maximum(race(top, bottom), race(bottom, top)), 0.0))


def _tied_tail(theta: FloatArray, n: FloatArray, n0: FloatArray) -> FloatArray:
    """Return the largest chance that all answers are one and the same when superiority is `theta`."""
    return np.minimum(2.0 * np.minimum(theta, 1.0 - theta), 1.0) ** np.minimum(n, n0)


def degenerate_pvalue(
    estimate: FloatArray, n: FloatArray, n0: FloatArray, null: float
) -> tuple[FloatArray, FloatArray]:
    """Return ``P(this or less)`` and ``P(this or more)`` for groups separated (0 or 1) or all tied (one half)."""
    at = np.full_like(estimate, null)
    up, down = _separated_tail(at, n, n0), _separated_tail(1.0 - at, n0, n)
    tied = _tied_tail(at, n, n0)
    tied_low = np.where(at > 0.5, tied, 1.0)
    tied_high = np.where(at < 0.5, tied, 1.0)
    low_tail = np.where(estimate == 1.0, 1.0, np.where(estimate == 0.0, down, tied_low))
    high_tail = np.where(estimate == 1.0, up, np.where(estimate == 0.0, 1.0, tied_high))
    return low_tail, high_tail


def degenerate_limits(
    estimate: FloatArray, n: FloatArray, n0: FloatArray, below: float, above: float
) -> tuple[FloatArray, FloatArray]:
    """Return the limits that `degenerate_pvalue` inverts to."""
    low, high = np.zeros_like(estimate), np.ones_like(estimate)
    least = np.minimum(n, n0)
    tied = estimate == 0.5
    if below > 0:
        low[tied] = 0.5 * below ** (1.0 / least[tied])
        top = np.flatnonzero(estimate == 1.0)
        low[top] = bisect_all(
            lambda v, part: below - _separated_tail(v, n[top][part], n0[top][part]),
            np.zeros(top.size),
            np.ones(top.size),
        )
    if above > 0:
        high[tied] = 1.0 - 0.5 * above ** (1.0 / least[tied])
        bottom = np.flatnonzero(estimate == 0.0)
        high[bottom] = 1.0 - bisect_all(
            lambda v, part: above - _separated_tail(v, n0[bottom][part], n[bottom][part]),
            np.zeros(bottom.size), np.ones(bottom.size),
        )  # fmt: skip
    return low, high


def count_tables(total: FloatArray, n: int) -> float:
    """Return how many tables of `n` out of these category totals there are, by adding one category at a time.

    With more than `_MANY` categories there are more than anyone would count, whatever n.
    """
    if total.size > _MANY:
        return float("inf")
    n = min(n, int(total.sum()) - n)  # as many as for the other group, in fewer steps
    ways = np.zeros(n + 1)
    ways[0] = 1.0
    for t in total:  # one step per category, no more than the scale has
        summed = np.concatenate([[0.0], np.cumsum(ways)])
        upper = np.arange(1, n + 2)
        ways = np.minimum(summed[upper] - summed[np.maximum(upper - int(t) - 1, 0)], 1e12)
    return float(ways[n])


def all_tables(total: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Return every table of `n` answers out of the category totals, shape (tables, k), and its probability."""
    tables = np.zeros((1, 0))
    used = np.zeros(1)
    rest = total[::-1].cumsum()[::-1]
    for j, t in enumerate(total):
        later = rest[j + 1] if j + 1 < total.size else 0.0
        low = np.maximum(n - used - later, 0.0)
        high = np.minimum(t, n - used)
        times = (high - low + 1.0).astype(np.int64)
        row = np.repeat(np.arange(used.size), times)
        step = np.arange(row.size) - np.repeat(np.cumsum(times) - times, times)
        cell = low[row] + step
        tables = np.column_stack([tables[row], cell])
        used = used[row] + cell
    log_ways = (
        scipy.special.gammaln(total + 1.0)
        - scipy.special.gammaln(tables + 1.0)
        - scipy.special.gammaln(total - tables + 1.0)
    ).sum(axis=1)
    ways = np.exp(log_ways - log_ways.max())
    return tables, ways / ways.sum()


def studentised(tables: FloatArray, total: FloatArray) -> FloatArray:
    """Return (estimate - 1/2) / se of each table against the rest; infinite where separated, 0 where all tied."""
    out = np.empty(tables.shape[0])
    rows = max(1, _CELLS // total.size)
    for i in range(0, out.size, rows):
        c = tables[i : i + rows]
        p = place(c, total - c)
        gap = p.estimate - 0.5
        gap = np.where(np.abs(gap) < 1e-12, 0.0, gap)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[i : i + rows] = np.where(gap == 0.0, 0.0, gap / p.se)
    return out


def drawn_statistics(total: FloatArray, n: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Return the studentised statistics of random tables of `n` answers out of the category totals."""
    whole = total.astype(np.int64)
    if total.sum() >= _MOST_ANSWERS:
        raise DataError(f"method: {total.sum():g} answers are too many to permute; use method='brunner-munzel'")
    out = np.empty(resamples)
    rows = max(1, _CELLS // total.size)
    for i in range(0, resamples, rows):
        size = min(rows, resamples - i)
        tables = rng.multivariate_hypergeometric(whole, n, size=size, method="marginals").astype(np.float64)
        out[i : i + size] = studentised(tables, total)
    return out
