"""The result of every comparison, and what all comparisons share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.checks import check_choice
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["ALTERNATIVES", "Comparison", "bisect", "tail_probability", "tails"]

ALTERNATIVES = ("two-sided", "less", "greater")

_EFFECTS = {
    "rate_ratio": "rate ratio",
    "rate_difference": "rate difference",
    "rate_ratio_ratio": "ratio of rate ratios",
    "difference": "difference of proportions",
    "risk_ratio": "ratio of proportions",
}


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Result):
    """One group against another: the effect, its interval and p-value from the same procedure.

    Parameters
    ----------
    effect : str
        Name of the measure: ``"rate_ratio"``, ``"rate_difference"``, ``"rate_ratio_ratio"``, ``"difference"``,
        ``"risk_ratio"``.
    estimate : float
        Group over (or minus) reference group. NaN only together with a note that says why.
    interval : Interval
        One-sided alternatives give a one-sided interval (the other limit is the end of the range).
    pvalue : float
        Against `null`; below ``1 - confidence`` exactly when `null` lies outside `interval`.
    alternative : {"two-sided", "less", "greater"}
    null : float
        Value the p-value is about.
    statistic : float or None
        Test statistic where the method has one.
    n : tuple of float
        Events or counts of the group and of the reference group.
    method, reference : str
        Variant used, and where it is written down.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.comparison/1"
    title: ClassVar[str] = "Comparison"

    effect: str
    estimate: float
    interval: Interval
    pvalue: float
    alternative: str
    null: float
    statistic: float | None
    n: tuple[float, ...]
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        name = _EFFECTS.get(self.effect, self.effect)
        return [
            (name, f"{self.estimate:.4g}"),
            (f"{self.interval.confidence:.0%} interval", str(self.interval)),
            (f"p-value ({self.alternative}, against {self.null:g})", f"{self.pvalue:.4g}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "effect": [self.effect],
            "estimate": [self.estimate],
            "low": [self.interval.low],
            "high": [self.interval.high],
            "confidence": [self.interval.confidence],
            "pvalue": [self.pvalue],
            "alternative": [self.alternative],
            "null": [self.null],
            "method": [self.method],
        }


def tails(alternative: str, confidence: float) -> tuple[float, float]:
    """Return the error put below the lower and above the upper limit; none on the open side of a one-sided one."""
    check_choice(alternative, "alternative", ALTERNATIVES)
    alpha = 1.0 - confidence
    if alternative == "two-sided":
        return alpha / 2.0, alpha / 2.0
    return (0.0, alpha) if alternative == "less" else (alpha, 0.0)


def tail_probability(low_tail: float, high_tail: float, alternative: str) -> float:
    """Combine ``P(this or less)`` and ``P(this or more)`` into the p-value that the interval of `tails` inverts."""
    if alternative == "less":
        return low_tail
    if alternative == "greater":
        return high_tail
    return min(1.0, 2.0 * min(low_tail, high_tail))


def bisect(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a non-increasing function passes zero, to the last bit or so.

    Plain bisection: the functions here are flat, steep or infinite at their ends, where faster methods fail.
    """
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high) or math.isclose(low, high, rel_tol=1e-15, abs_tol=1e-300):
            break
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
