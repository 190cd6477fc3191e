"""Tails and limits of two Poisson rates and of one, for many pairs at once; a single pair is an array of one.

Given ``n = y + y0`` the events of the group are binomial with odds ``ratio * t / t0``: all limits of the ratio are
limits of the odds of a binomial, solved on the log scale so that neither odds near zero nor near infinity lose digits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.binomial_tail import LEAST, binomial_chance, binomial_tail, tail_logit
from qstats._core.quantiles import normal_quantile, normal_sf, t_quantile, t_sf
from qstats.inference.roots import Tail, bracketed, by_blocks, once_each, tail_root

__all__ = [
    "conditional_odds",
    "conditional_pvalue",
    "critical",
    "difference_limits",
    "difference_score",
    "poisson_limits",
    "ratio_score",
    "score_odds",
    "score_pvalue",
]

_FEW = 128  # rows below which a call of numpy costs more than its arithmetic
_NEAR_ONE = 0.9999  # beyond it 1 - x has lost digits that betainc would need


def critical(error: float, df: float) -> float:
    """Return the normal or t quantile that leaves `error` above it; infinite where no error is allowed."""
    if error == 0.0:
        return math.inf
    return float(normal_quantile(1.0 - error) if math.isinf(df) else t_quantile(1.0 - error, df))


def score_pvalue(z: FloatArray, df: float, alternative: str) -> FloatArray:
    """Return the p-value of a statistic that is normal, or Student's t for finite `df`."""
    x = {"less": -z, "greater": z}.get(alternative)
    tail: FloatArray = np.asarray(
        (normal_sf if math.isinf(df) else lambda v: t_sf(v, df))(np.abs(z) if x is None else x)
    )
    return tail if x is not None else np.minimum(1.0, 2.0 * tail)


def _least(rows: int) -> float:
    """Return the count from which the expansion of the tail is used: it takes many calls, so not for a few rows."""
    return LEAST if rows >= _FEW else math.inf


def _upper_tail(k: FloatArray, n: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """P(X >= k) for X ~ Binomial(n, p), ``0 < k <= n`` and ``q = 1 - p`` with its own digits."""
    tail: FloatArray = scipy.special.betainc(k, n - k + 1.0, p)
    if (near := p > _NEAR_ONE).any():
        tail[near] = scipy.special.betaincc((n - k + 1.0)[near], k[near], q[near])
    return tail


def _weighted_tail(
    k: FloatArray, m: FloatArray, p: FloatArray, q: FloatArray, weight: float, least: float
) -> tuple[FloatArray, FloatArray]:
    """Return ``P(X > k) + weight P(X = k)`` of k + m trials and P(X = k); k of 0 only where there is no trial.

    Counts of at least `least` on both sides go by the expansion; `least` infinite: by the incomplete beta function.
    """
    if math.isinf(least):
        return _beta_tail(k, m, p, q, weight)
    some = np.minimum(k, m) >= least
    if some.all():
        return binomial_tail(k, m, p, q, weight)
    if some.any():
        tail, own = np.empty(k.size), np.empty(k.size)
        for part, kernel in ((np.flatnonzero(some), binomial_tail), (np.flatnonzero(~some), _small_tail)):
            tail[part], own[part] = kernel(k[part], m[part], p[part], q[part], weight)
        return tail, own
    return _small_tail(k, m, p, q, weight)


def _beta_tail(
    k: FloatArray, m: FloatArray, p: FloatArray, q: FloatArray, weight: float
) -> tuple[FloatArray, FloatArray]:
    """By two incomplete beta functions: the fewest calls."""
    some, more = k > 0.0, m > 0.0
    kk, n = np.where(some, k, 1.0), np.maximum(k + m, 1.0)
    whole = np.where(some, _upper_tail(kk, n, p, q), 1.0)
    rest = np.where(more, _upper_tail(kk + 1.0, np.where(more, n, kk + 1.0), p, q), 0.0)
    return weight * whole + (1.0 - weight) * rest, whole - rest


def _small_tail(
    k: FloatArray, m: FloatArray, p: FloatArray, q: FloatArray, weight: float
) -> tuple[FloatArray, FloatArray]:
    """By one incomplete beta function and the count's own probability: the least time for many rows."""
    some = k > 0.0
    kk = np.where(some, k, 1.0)
    whole = _upper_tail(kk, kk + m, p, q)
    if (m > 0.0).all():
        own = binomial_chance(kk, m, p, q)
    else:
        own = np.where(m > 0.0, binomial_chance(kk, np.maximum(m, 1.0), p, q), whole)
    # the tail holds its own count: nothing is lost in the difference
    return np.where(some, whole - (1.0 - weight) * own, 1.0), own


def conditional_pvalue(k: FloatArray, n: FloatArray, odds: FloatArray, weight: float, alternative: str) -> FloatArray:
    """Return p-values of k of n against binomial odds; `weight` of the observed count is 1 (exact) or 1/2 (mid-p).

    The tail away from the mean is computed as a tail: it keeps its digits however small. Two-sided is twice the smaller
    tail, which near the centre may be the other one.
    """
    least = _least(k.size)

    def block(k: FloatArray, n: FloatArray, odds: FloatArray) -> tuple[FloatArray]:
        with np.errstate(divide="ignore"):
            p, q = 1.0 / (1.0 + 1.0 / odds), 1.0 / (1.0 + odds)
        m = n - k
        fewer = k * q <= m * p
        k, m = np.where(fewer, m, k), np.where(fewer, k, m)
        p, q = np.where(fewer, q, p), np.where(fewer, p, q)
        tail, own = _weighted_tail(k, m, p, q, weight, least)
        other = 1.0 - tail + (2.0 * weight - 1.0) * own
        if alternative == "two-sided":
            return (np.minimum(1.0, 2.0 * np.minimum(tail, other)),)
        return (np.where(fewer == (alternative == "less"), tail, other),)

    return np.where(n > 0.0, by_blocks(block, k, n, odds)[0], 1.0)


def _beta_start(a: FloatArray, b: FloatArray, error: float) -> FloatArray:
    """Log odds of the lower quantile of Beta(a, b), to some per cent: Abramowitz & Stegun (1964), 26.5.22."""
    y = -float(normal_quantile(error))
    left, right = 1.0 / (2.0 * a - 1.0), 1.0 / (2.0 * b - 1.0)
    h, lam = 2.0 / (left + right), (y * y - 3.0) / 6.0
    w = y * np.sqrt(h + lam) / h - (right - left) * (lam + 5.0 / 6.0 - 2.0 / (3.0 * h))
    start: FloatArray = np.log(a / b) - 2.0 * w
    return start


def _lower_odds(k: FloatArray, n: FloatArray, error: float, weight: float, least: float) -> FloatArray:
    """Odds at which the weighted probability of `k` or more of `n` is `error`; 0 where k is 0."""
    out = np.zeros(k.size)
    with np.errstate(divide="ignore"):
        all_of_them = (k == n) & (n > 0.0)
        if all_of_them.any():
            # the tail is weight * p**n; a count that never reaches `error` has its limit at the end of the scale
            root = np.maximum(-math.log(error / weight) / n[all_of_them], 0.0)
            out[all_of_them] = 1.0 / np.expm1(root)
    if error > weight:  # confidence under one half: (1 - weight) of the count itself is left out of the tail of 0
        none = (k == 0.0) & (n > 0.0)
        out[none] = np.expm1(-math.log((1.0 - error) / (1.0 - weight)) / n[none])
    large = np.minimum(k, n - k) >= least
    if (some := np.flatnonzero(large)).size:
        out[some] = _large_odds(k[some], n[some] - k[some], error, weight)
    inner = np.flatnonzero((k > 0.0) & (k < n) & ~large)
    if inner.size:
        out[inner] = _small_odds(k[inner], n[inner], error, weight)
    return out


def _large_odds(k: FloatArray, m: FloatArray, error: float, weight: float) -> FloatArray:
    def tail(u: FloatArray, which: Any) -> Tail:
        kk, mm, odds = k[which], m[which], np.exp(u)
        q = 1.0 / (1.0 + odds)
        p = odds * q
        value, own = binomial_tail(kk, mm, p, q, weight)
        up, down = weight * kk, (1.0 - weight) * mm
        pull = kk * q - mm * p
        return Tail(value + (1.0 - weight) * own, value - weight * own, up * q + down * p, (down - up) * p * q, pull)

    begin = tail_logit(k, m, -float(normal_quantile(error)), weight)
    return np.exp(tail_root(tail, begin, error, weight, rising=True))


def _small_odds(j: FloatArray, m: FloatArray, error: float, weight: float) -> FloatArray:

    def tail(u: FloatArray, which: Any) -> Tail:
        jj, mm = j[which], m[which]
        p, q = scipy.special.expit(u), scipy.special.expit(-u)
        whole, rest = _upper_tail(jj, mm, p, q), _upper_tail(jj + 1.0, mm, p, q)
        up, down = weight * jj, (1.0 - weight) * (mm - jj)
        return Tail(whole, rest, up * q + down * p, (down - up) * p * q, jj - mm * p)

    begin = _beta_start(j + 1.0 - weight, m - j + weight, error)
    return np.exp(tail_root(tail, begin, error, weight, rising=True))


def conditional_odds(
    k: FloatArray, n: FloatArray, below: float, above: float, weight: float
) -> tuple[FloatArray, FloatArray]:
    """Return limits of the odds with error `below` and `above` (0: open); weight 1 is Clopper-Pearson, 1/2 mid-p."""
    least = _least(k.size)

    def block(k: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, high = np.zeros(k.size), np.full(k.size, np.inf)
        if below == above:  # both limits in one go: the upper one is a lower one of the other group
            both = _lower_odds(np.concatenate((k, n - k)), np.concatenate((n, n)), below, weight, least)
            low, high = both[: k.size], both[k.size :]
        elif below > 0.0:
            return _lower_odds(k, n, below, weight, least), high
        else:
            high = _lower_odds(n - k, n, above, weight, least)
        with np.errstate(divide="ignore"):
            return low, 1.0 / high

    return once_each(block, k, n)


def score_odds(k: FloatArray, n: FloatArray, z_low: float, z_high: float) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's limits as odds w: roots of ``(k - m w)**2 = z**2 n w``, ``m = n - k``, without cancellation."""

    def lower(k: FloatArray, m: FloatArray, z: float) -> FloatArray:
        if math.isinf(z):
            return np.zeros(k.size)
        zn = z * z * n
        sum_, gap = 2.0 * k * m + zn, z * np.sqrt(n * (4.0 * k * m + zn))
        root: FloatArray = 2.0 * k * k / (sum_ + gap) if z > 0.0 else (sum_ - gap) / (2.0 * m * m)
        return root

    with np.errstate(divide="ignore", invalid="ignore"):  # no event at all: the caller knows
        return lower(k, n - k, z_low), 1.0 / lower(n - k, k, z_high)


def ratio_score(k: FloatArray, n: FloatArray, odds: FloatArray, dispersion: float) -> FloatArray:
    """Return ``(k - n p) / sqrt(dispersion n p q)`` at these odds; 0 where there is no event."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = 1.0 / (1.0 + 1.0 / odds), 1.0 / (1.0 + odds)
        z = (k * q - (n - k) * p) / np.sqrt(dispersion * n * p * q)
    return np.where(n > 0.0, z, 0.0)


def _restricted_reference(y: FloatArray, t: FloatArray, y0: FloatArray, t0: FloatArray, d: FloatArray) -> FloatArray:
    """Maximum-likelihood reference rate with ``rate - rate0 = d``: the positive root of a quadratic."""
    total = t + t0
    b = d * total - y - y0
    root = np.sqrt(b * b + 4.0 * total * y0 * d)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate0 = np.where(b <= 0.0, (root - b) / (2.0 * total), (2.0 * y0 * d) / (root + b))
    return np.fmax(np.fmax(rate0, -d), 0.0)


def difference_score(
    y: FloatArray, t: FloatArray, y0: FloatArray, t0: FloatArray, d: FloatArray, dispersion: float
) -> FloatArray:
    """Return the score statistic of ``rate - rate0 = d``: Miettinen & Nurminen (1985)."""
    with np.errstate(invalid="ignore"):
        rate0 = _restricted_reference(y, t, y0, t0, d)
    gap = y / t - y0 / t0 - d
    variance = dispersion * ((rate0 + d) / t + rate0 / t0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / np.sqrt(np.maximum(variance, 0.0))
    return np.where((variance <= 0.0) & (gap == 0.0), 0.0, z)


def difference_limits(
    y: FloatArray, t: FloatArray, y0: FloatArray, t0: FloatArray, z_low: float, z_high: float, dispersion: float
) -> tuple[FloatArray, FloatArray]:
    """Return where the score of the difference is `z_low` and ``-z_high``; an infinite one leaves that side open."""
    estimate = y / t - y0 / t0

    def solve(z: float, side: float) -> FloatArray:
        if math.isinf(z):
            return np.full(y.size, -side * np.inf)
        reach = (abs(z) + 1.0) ** 2 * dispersion * (1.0 / t + 1.0 / t0) + np.abs(estimate)
        reach = reach + abs(z) * np.sqrt(dispersion * (y / t**2 + y0 / t0**2))
        ends = np.array([-1.0, 1.0])
        for end in range(2):
            for _ in range(60):
                beyond = difference_score(y, t, y0, t0, estimate + ends[end] * reach, dispersion) - side * z
                if (beyond * ends[end] <= 0.0).all():
                    break
                reach = np.where(beyond * ends[end] <= 0.0, reach, 2.0 * reach)

        def falling(v: FloatArray, which: Any) -> FloatArray:
            d = estimate[which] + v * reach[which]
            return difference_score(y[which], t[which], y0[which], t0[which], d, dispersion) - side * z

        low, high = (-1.0, 0.0) if z * side >= 0.0 else (0.0, 1.0)
        return estimate + reach * bracketed(falling, np.full(y.size, low), np.full(y.size, high))

    return solve(z_low, 1.0), solve(z_high, -1.0)


def poisson_limits(y: FloatArray, below: float, above: float, weight: float) -> tuple[FloatArray, FloatArray]:
    """Return limits of a Poisson mean from one count: Garwood's for weight 1, mid-p for 1/2; error 0 is open."""

    def block(y: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, high = np.zeros(y.size), np.full(y.size, np.inf)
        if weight == 1.0:
            some = y > 0.0
            if below > 0.0:
                low[some] = scipy.special.gammaincinv(y[some], below)
            return low, scipy.special.gammainccinv(y + 1.0, above) if above > 0.0 else high
        if below > 0.0:
            low = _poisson_root(y, below, weight, upper=False)
        return low, _poisson_root(y, above, weight, upper=True) if above > 0.0 else high

    if y.size > 4096 and y.max() < y.size:  # many rows share few counts: solve each count once
        seen = np.flatnonzero(np.bincount(y.astype(np.intp)))
        table = np.full((2, int(seen[-1]) + 1), np.nan)
        table[:, seen] = block(seen.astype(np.float64))
        return table[0][y.astype(np.intp)], table[1][y.astype(np.intp)]
    low, high = by_blocks(block, y)
    return low, high


def _poisson_root(y: FloatArray, error: float, weight: float, *, upper: bool) -> FloatArray:
    """Mean at which the weighted probability of `y` or more (`upper`: or less) is `error`."""
    if upper:
        none = max(0.0, -math.log(error / weight))
    else:  # above 0 only at a confidence under one half
        none = -math.log((1.0 - error) / (1.0 - weight)) if error > weight else 0.0
    out = np.full(y.size, none)
    inner = np.flatnonzero(y > 0.0)
    if not inner.size:
        return out
    seen = y[inner]

    def tail(u: FloatArray, which: Any) -> Tail:
        k, mean = seen[which], np.exp(u)
        if upper:
            whole, rest = scipy.special.gammaincc(k + 1.0, mean), scipy.special.gammaincc(k, mean)
            return Tail(whole, rest, -(weight * mean + (1.0 - weight) * k), -weight * mean, k - mean)
        whole, rest = scipy.special.gammainc(k, mean), scipy.special.gammainc(k + 1.0, mean)
        return Tail(whole, rest, weight * k + (1.0 - weight) * mean, (1.0 - weight) * mean, k - mean)

    # Wilson & Hilferty's cube root of a gamma variable with half a count added
    z = float(normal_quantile(error)) * (-1.0 if upper else 1.0)
    a = seen + 0.5
    start = np.log(a) + 3.0 * np.log(np.maximum(1.0 - 1.0 / (9.0 * a) + z / (3.0 * np.sqrt(a)), 0.05))
    out[inner] = np.exp(tail_root(tail, start, error, weight, rising=not upper))
    return out
