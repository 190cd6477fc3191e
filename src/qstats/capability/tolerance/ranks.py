"""Tolerance limits without a distribution: order statistics, and the confidence they really have."""

from __future__ import annotations

import math

from qstats._core.quantiles import binomial_cdf

__all__ = ["attained", "ranks_for", "units_for_extremes"]


def attained(n: int, left_out: int, content: float) -> float:
    """Confidence that all but the `left_out` outermost of n + 1 gaps between order statistics hold `content`.

    The share between two order statistics, or beyond one, has a beta distribution that depends only on how many of
    the n + 1 gaps it spans: ``P(share >= content) = P(Binomial(n, content) <= n - left_out)``.
    """
    return float(binomial_cdf(float(n - left_out), float(n), content)) if left_out <= n else 0.0


def _most_left_out(n: int, content: float, confidence: float) -> int:
    """The largest number of gaps that may be given away; 0 if even none is too many."""
    low, high = 0, n + 1  # attained(low) >= confidence > attained(high), if 0 stands for "none"
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if attained(n, middle, content) >= confidence else (low, middle)
    return low


def ranks_for(n: int, content: float, confidence: float, sides: str) -> tuple[int, int, float]:
    """Return lower rank, upper rank (0 and n + 1: no limit there) and the confidence attained.

    The ranks lie as far in as the confidence allows; on two sides the gaps given away are shared evenly, the odd one at
    the upper end. Where even the extremes do not attain it, they are returned with what they attain.
    """
    least = 2 if sides == "two" else 1
    out = max(least, _most_left_out(n, content, confidence))
    low = {"two": out // 2, "lower": out, "upper": 0}[sides]
    high = {"two": n + 1 - (out - out // 2), "lower": n + 1, "upper": n + 1 - out}[sides]
    return low, high, attained(n, out, content)


def units_for_extremes(content: float, confidence: float, sides: str) -> int:
    """Return how many values are needed for the extremes to attain the confidence."""
    least = 2 if sides == "two" else 1
    low, high = least, max(2 * least, math.ceil(4.0 / (1.0 - content)))
    while attained(high, least, content) < confidence:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if attained(middle, least, content) >= confidence else (middle, high)
    return high if attained(low, least, content) < confidence else low
