"""Resampling of NPS from its three counts: the cost does not grow with the number of answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats.errors import DataError
from qstats.inference.resample import as_generator

__all__ = ["bootstrap_t", "check_resamples", "permutation_tails", "resample_counts", "sign_flip_tails"]

TABLES = 50_000  # tables of counts that are drawn all at once; beyond, each resample is drawn by itself
_RARE = 40.0  # tables exp(-40) as likely as the likeliest never come: a float cannot tell their chance from none
_REACH = 9.5  # standard deviations of each count beyond which a table is as rare
EXACT_TABLES = 250_000  # two-by-three tables that are counted one by one; beyond that they are drawn
IntArray = np.ndarray[Any, np.dtype[np.int64]]


def check_resamples(value: object) -> int:
    """Return a whole number of resamples, at least 1000: fewer cannot place a 95 % limit."""
    n = check_number(value, "resamples", least=1000.0)
    if n != int(n):
        raise DataError(f"resamples: got {n:g}; a whole number is wanted")
    return int(n)


def resample_counts(counts: tuple[int, int, int], resamples: int, rng: Any) -> tuple[IntArray, IntArray]:
    """Return detractors and promoters of `resamples` samples drawn with replacement, in no particular order.

    Where the tables that can come are fewer than the resamples, it is drawn at once how often each comes; else how
    often each number of promoters, and a binomial each for the detractors.
    """
    d, _, p = counts
    n = sum(counts)
    rng = as_generator(rng)
    tables = _likely_tables(counts)
    if tables is not None:
        low, high, chance = tables
        times = rng.multinomial(resamples, chance)
        return np.repeat(low, times), np.repeat(high, times)
    # How often each number of promoters comes, the least first: equal numbers of trials in a row are drawn faster.
    a, b = _ends(p, n)
    k = np.arange(a, b + 1)
    chance = (
        scipy.special.xlogy(k, p / n)
        + scipy.special.xlog1py(n - k, -p / n)
        + _log_choose(float(n), k.astype(np.float64))
    )
    likely = np.exp(chance - chance.max())
    high = np.repeat(k, rng.multinomial(resamples, likely / likely.sum()))
    low = rng.binomial(n - high, d / (n - p) if n > p else 0.0)
    return low, high


def _ends(k: int, n: int) -> tuple[int, int]:
    """Return the least and the largest count that a class of `k` of `n` answers ever has in a resample."""
    reach = _REACH * math.sqrt(k / n * (n - k)) + _RARE  # the tails of a rare class are Poisson: longer
    return max(0, math.floor(k - reach)), min(n, math.ceil(k + reach))


def _likely_tables(counts: tuple[int, int, int]) -> tuple[IntArray, IntArray, FloatArray] | None:
    """Return detractors, promoters and chance of every table that ever comes; None where they are too many."""
    d, u, p = counts
    n = sum(counts)
    # About as many tables as an ellipse of that size holds.
    if 2.0 * math.pi * _RARE * math.sqrt(d / n * u * p) > TABLES:
        return None
    ends = _ends(d, n), _ends(p, n)
    if math.prod(b - a + 1 for a, b in ends) > 8 * TABLES:
        return None
    low, high = np.arange(ends[0][0], ends[0][1] + 1)[:, None], np.arange(ends[1][0], ends[1][1] + 1)
    mid = n - low - high
    special = scipy.special
    log = -special.gammaln(np.arange(n + 1.0) + 1.0)

    def term(k: IntArray, c: int) -> FloatArray:
        return np.asarray(log[np.maximum(k, 0)] + special.xlogy(k, c / n))

    chance = term(low, d) + term(high, p) + np.where(mid >= 0, term(mid, u), -np.inf)
    where = np.flatnonzero(chance > chance.max() - _RARE)
    row, column = np.divmod(where, high.size)
    likely = np.exp(chance.ravel()[where] - chance.max())
    return low.ravel()[row], high[column], likely / likely.sum()


def bootstrap_t(c: tuple[FloatArray, FloatArray, FloatArray], resamples: int, rng: Any) -> FloatArray:
    """Return the resampled t of one NPS; a resample without scatter counts as infinitely far out."""
    d, u, p = (float(x[0]) for x in c)
    n = d + u + p
    low, high = resample_counts((int(d), int(u), int(p)), resamples, rng)
    gap = (high - low) - (p - d)
    square = (high + low) * n - (high - low).astype(np.float64) ** 2  # n**2 times the variance of one answer
    flat = square <= 0.0
    t = gap * np.sqrt(n) / np.sqrt(np.where(flat, 1.0, square))
    return np.where(flat, np.where(gap == 0.0, 0.0, np.copysign(np.inf, gap)), t)


def _log_choose(n: float, k: FloatArray) -> FloatArray:
    return np.asarray(-scipy.special.betaln(n - k + 1.0, k + 1.0) - np.log(n + 1.0))


def _shares(total: IntArray, n: int, low: IntArray, high: IntArray, weight: FloatArray, seen: int) -> tuple[float, ...]:
    """P(this or less), P(this or more), P(as far from nothing or farther) of promoters less detractors in the group."""
    size = int(total.sum())
    expected = n * int(total[2] - total[0])
    gap = size * (high - low) - expected  # whole numbers: ties are ties
    seen_gap = size * seen - expected
    below = float(weight[gap <= seen_gap].sum())
    above = float(weight[gap >= seen_gap].sum())
    return below, above, float(weight[np.abs(gap) >= abs(seen_gap)].sum())


def permutation_tails(
    group: tuple[int, int, int], reference: tuple[int, int, int], resamples: int, rng: Any
) -> tuple[float, float, float, int | None]:
    """Return lower, upper and two-sided p-value of the difference under random relabelling; exact where that is short.

    The counts of the group are multivariate hypergeometric, so nothing is shuffled.
    """
    total = np.array(group, dtype=np.int64) + np.array(reference, dtype=np.int64)
    n, seen = sum(group), group[2] - group[0]
    if (min(total[0], n) + 1) * (min(total[2], n) + 1) <= EXACT_TABLES:
        low, high = (x.ravel() for x in np.indices((min(total[0], n) + 1, min(total[2], n) + 1)))
        mid = n - low - high
        fits = (mid >= 0) & (mid <= total[1])
        low, high, mid = low[fits], high[fits], mid[fits]
        chosen = sum(_log_choose(float(t), k.astype(np.float64)) for t, k in zip(total, (low, mid, high), strict=True))
        weight = np.exp(chosen - _log_choose(float(total.sum()), np.array(float(n))))
        weight /= weight.sum()
        # Tables that differ by rounding only must count as seen.
        below, above, both = _shares(total, n, low, high, weight, seen)
        return min(below, 1.0), min(above, 1.0), min(both, 1.0), None
    if total.sum() >= 10**9:  # numpy draws hypergeometric counts below that only
        raise DataError(f"data: {total.sum():.0f} answers are too many to relabel; compare_nps is exact enough there")
    drawn = as_generator(rng).multivariate_hypergeometric(total, n, size=resamples, method="marginals")
    tails = _shares(total, n, drawn[:, 0], drawn[:, 2], np.ones(resamples), seen)
    below, above, both = ((1.0 + t) / (1.0 + resamples) for t in tails)
    return below, above, both, resamples


def sign_flip_tails(changes: FloatArray) -> tuple[float, float, float]:
    """Return lower, upper and two-sided p-value of the sum of changes when each sign is a fair coin; exact for any n.

    Parameters
    ----------
    changes : ndarray, shape (5,)
        How many customers changed by -2, -1, 0, 1, 2 classes.

    Notes
    -----
    The sum is ``(2 A - a) + 2 (2 B - b)`` with ``A ~ Bin(a, 1/2)`` over single and ``B ~ Bin(b, 1/2)`` over double
    changes: one convolution.
    """
    ones, twos = int(changes[1] + changes[3]), int(changes[0] + changes[4])
    seen = int(changes[3] - changes[1] + 2 * (changes[4] - changes[0]))

    def coin(n: int) -> FloatArray:
        return np.asarray(np.exp(_log_choose(float(n), np.arange(n + 1.0)) - n * np.log(2.0)))

    spread = np.zeros(2 * twos + 1)
    spread[::2] = coin(twos)
    weight = np.convolve(coin(ones), spread)  # steps of two, from the least sum up
    total = 2 * np.arange(weight.size) - ones - 2 * twos
    weight /= weight.sum()
    below, above = float(weight[total <= seen].sum()), float(weight[total >= seen].sum())
    return min(below, 1.0), min(above, 1.0), min(float(weight[np.abs(total) >= abs(seen)].sum()), 1.0)
