"""Score statistics, restricted estimates and limits of two proportions, for many pairs at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.inference.roots import bracketed

__all__ = [
    "Pair",
    "difference_score",
    "newcombe_limit",
    "newcombe_score",
    "odds_score",
    "restricted_difference",
    "restricted_odds",
    "restricted_ratio",
    "risk_ratio_score",
    "score_limits",
    "score_of",
    "wilson",
]

_FAR = 60.0  # logarithm of a ratio no data in whole numbers under 2**53 can reach the limits of


class Pair(NamedTuple):
    """Counts and sizes of a group and its reference group; arrays of one length."""

    x: FloatArray
    n: FloatArray
    x0: FloatArray
    n0: FloatArray

    def at(self, which: Any) -> Pair:
        """Return some of the pairs."""
        return Pair(self.x[which], self.n[which], self.x0[which], self.n0[which])


def score_of(gap: Any, variance: Any) -> Any:
    """Return ``gap / sqrt(variance)``; without variance 0 where there is no gap either, else infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / np.sqrt(np.maximum(variance, 0.0))
    return np.where((variance <= 0.0) & (np.abs(gap) < 1e-15), 0.0, z)


def restricted_difference(x: Any, n: Any, x0: Any, n0: Any, d: Any) -> tuple[Any, Any]:
    """Return maximum-likelihood proportions with ``p - p0 = d``: the admissible root of the likelihood cubic.

    Miettinen & Nurminen (1985), appendix. At ``d`` equal to the observed difference it returns the sample proportions.
    """
    total, c = n + n0, x + x0
    l2 = (n + 2.0 * n0) * d - total - c
    l1, l0 = (n0 * d - total - 2.0 * x0) * d + c, x0 * d * (1.0 - d)
    shift = l2 / (3.0 * total)
    q = shift * shift * shift - l1 * l2 / (6.0 * total * total) + l0 / (2.0 * total)
    u = np.copysign(np.sqrt(np.maximum(shift * shift - l1 / (3.0 * total), 0.0)), q)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(u == 0.0, 0.0, np.clip(q / (u * u * u), -1.0, 1.0))
    p0 = 2.0 * u * np.cos((math.pi + np.arccos(cosine)) / 3.0) - shift
    p0 = np.minimum(np.maximum(np.maximum(p0, 0.0), -d), np.minimum(1.0, 1.0 - d))
    return p0 + d, p0


def restricted_ratio(x: Any, n: Any, x0: Any, n0: Any, ratio: Any) -> tuple[Any, Any]:
    """Return maximum-likelihood proportions with ``p / p0 = ratio``: the smaller root of a quadratic."""
    a = (n + n0) * ratio
    b = -((n + x0) * ratio + x + n0)
    c = x + x0
    p0 = 2.0 * c / (np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0)) - b)
    return np.minimum(ratio * p0, 1.0), np.minimum(p0, 1.0)


def restricted_odds(x: Any, n: Any, x0: Any, n0: Any, odds: Any) -> tuple[Any, Any, Any, Any]:
    """Return p, 1 - p, p0, 1 - p0 of greatest likelihood with the ratio of odds fixed; each with its own digits.

    The expected counts keep the total c: w = p0/(1 - p0) solves ``n odds w/(1 + odds w) + n0 w/(1 + w) = c``.
    """
    c = x + x0
    rest = n + n0 - c
    a, b = odds * rest, n0 - c + odds * (n - c)
    root = np.sqrt(b * b + 4.0 * a * c)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(b >= 0.0, 2.0 * c / (b + root), (root - b) / (2.0 * a))
        return 1.0 / (1.0 + 1.0 / (odds * w)), 1.0 / (1.0 + odds * w), 1.0 / (1.0 + 1.0 / w), 1.0 / (1.0 + w)


def difference_score(pair: Pair, d: Any, inflate: Any) -> Any:
    """Return the score statistic of ``p - p0 = d``; `inflate` is N/(N-1) (Miettinen & Nurminen) or 1 (Mee)."""
    x, n, x0, n0 = pair
    p, p0 = restricted_difference(x, n, x0, n0, d)
    return score_of(x / n - x0 / n0 - d, inflate * (p * (1.0 - p) / n + p0 * (1.0 - p0) / n0))


def risk_ratio_score(pair: Pair, log_ratio: Any, inflate: Any) -> Any:
    """Return the score statistic of ``log(p / p0) = log_ratio``: Miettinen & Nurminen (1985)."""
    x, n, x0, n0 = pair
    ratio = np.exp(log_ratio)
    p, p0 = restricted_ratio(x, n, x0, n0, ratio)
    variance = inflate * (p * (1.0 - p) / n + ratio * ratio * p0 * (1.0 - p0) / n0)
    return score_of(x / n - ratio * x0 / n0, variance)


def odds_score(pair: Pair, log_odds: Any, inflate: Any) -> Any:
    """Return the score statistic of the log odds ratio: observed less expected count over its standard error."""
    x, n, x0, n0 = pair
    p, q, p0, q0 = restricted_odds(x, n, x0, n0, np.exp(log_odds))
    with np.errstate(divide="ignore"):
        spread, spread0 = n * p * q, n0 * p0 * q0
        variance = 1.0 / (1.0 / spread + 1.0 / spread0)
    # x - n p = n0 p0 - x0, by the group where fewer digits are lost
    gap = np.where(spread < spread0, x * q - (n - x) * p, (n0 - x0) * p0 - x0 * q0)
    return score_of(gap, inflate * variance)


def score_limits(
    score: Callable[[Pair, Any, Any], Any], pair: Pair, estimate: FloatArray, ends: tuple[float, float],
    z: tuple[float, float], inflate: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return where a falling score passes ``z[0]`` and ``-z[1]``; an infinite z gives that end of the scale.

    `estimate` is where the score is 0, on the scale of `ends`; an estimate at an end has its limit there.
    """

    def solve(goal: float, end: float) -> FloatArray:
        if math.isinf(goal):
            return np.full(estimate.size, end)

        def falling(at: FloatArray, which: Any) -> FloatArray:
            return score(pair.at(which), at, inflate[which]) - goal  # type: ignore[no-any-return]

        middle = np.clip(estimate, *ends)
        low = middle if goal < 0.0 else np.full(middle.size, ends[0])
        high = middle if goal > 0.0 else np.full(middle.size, ends[1])
        found = bracketed(falling, low, high)
        inward = (goal > 0.0) == (end == ends[0])
        return np.where((estimate == end) & inward, end, found)

    return solve(z[0], ends[0]), solve(-z[1], ends[1])


def wilson(x: Any, n: Any, z: Any) -> tuple[Any, Any]:
    """Return Wilson's limits for a finite z of either sign, each from the form that does not cancel."""

    def lower(x: Any) -> Any:
        half, spread = x + 0.5 * z * z, z * np.sqrt(x * (n - x) / n + 0.25 * z * z)
        # the product of the roots is x**2 / (n (n + z**2))
        return np.where(z > 0.0, x * x / n / (half + spread), (half - spread) / (n + z * z))

    with np.errstate(divide="ignore", invalid="ignore"):
        return lower(x), 1.0 - lower(n - x)


def newcombe_limit(pair: Pair, z: Any, *, upper: bool) -> Any:
    """Return one limit of Newcombe's interval: squares and roots of the gaps to Wilson's limits of the two groups."""
    x, n, x0, n0 = pair
    p, p0 = x / n, x0 / n0
    (low, high), (low0, high0) = wilson(x, n, z), wilson(x0, n0, z)
    if upper:
        return np.minimum(p - p0 + np.sign(z) * np.hypot(high - p, p0 - low0), 1.0)
    return np.maximum(p - p0 - np.sign(z) * np.hypot(p - low, high0 - p0), -1.0)


def newcombe_score(pair: Pair, d: FloatArray) -> FloatArray:
    """Return the z at which a limit of Newcombe's interval reaches `d`: inverting the interval gives the p-value."""
    gap = pair.x / pair.n - pair.x0 / pair.n0 - d

    def inside(z: FloatArray, which: Any) -> FloatArray:
        some = pair.at(which)
        low, high = newcombe_limit(some, z, upper=False), newcombe_limit(some, z, upper=True)
        room: FloatArray = np.where(gap[which] > 0.0, low - d[which], d[which] - high)
        return room

    root = bracketed(inside, np.zeros(gap.size), np.full(gap.size, 40.0))
    z: FloatArray = np.where(gap == 0.0, 0.0, np.copysign(root, gap))
    return z
