"""The result of every comparison, and what all comparisons share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["ALTERNATIVES", "EFFECTS", "Comparison", "Comparisons", "in_words", "tail_probability", "tails"]

ALTERNATIVES = ("two-sided", "less", "greater")

EFFECTS = {
    "rate_ratio": "rate ratio",
    "rate_difference": "rate difference",
    "rate_ratio_ratio": "ratio of rate ratios",
    "difference": "difference of proportions",
    "risk_ratio": "ratio of proportions",
    "odds_ratio": "odds ratio",
    "mean_difference": "difference of means",
    "mean_ratio": "ratio of means",
    "geometric_mean_ratio": "ratio of geometric means",
    "quantile_difference": "difference of quantiles",
    "rmst_difference": "difference of mean time to the horizon",
    "rmst_ratio": "ratio of mean time to the horizon",
    "hazard_ratio": "ratio of hazards",
    "superiority": "P(higher) + P(equal)/2",
    "nps_difference": "difference of NPS (points)",
}


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Result):
    """One group against another: the effect, its interval and p-value from the same procedure.

    Parameters
    ----------
    effect : str
        Name of the measure: ``"rate_ratio"``, ``"rate_difference"``, ``"difference"``, ``"risk_ratio"``,
        ``"mean_difference"``, ``"superiority"`` ...
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
    values : tuple of float
        What was seen in the group and in the reference group (two rates, two means), where there is such a thing.
    df : float or None
        Degrees of freedom of the statistic; None for a normal or exact one.
    """

    schema: ClassVar[str] = "qstats.comparison/2"
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
    values: tuple[float, ...] = ()
    df: float | None = None

    def _rows(self) -> list[tuple[str, str]]:
        name = EFFECTS.get(self.effect, self.effect)
        seen = [("group, reference", ", ".join(in_words(v) for v in self.values))] if self.values else []
        return [
            *seen,
            (name, in_words(self.estimate)),
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


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons(Result):
    """Many comparisons of one kind, made in one call; the same words as `Comparison`, arrays in place of numbers.

    Parameters
    ----------
    effect : str
        As in `Comparison`.
    estimate : ndarray, shape (m,)
        NaN only where there is no information; `notes` count those.
    interval : Intervals
        Each with its own confidence, not all together: see `adjust_pvalues` before picking the best of many.
    pvalue : ndarray, shape (m,)
    alternative : {"two-sided", "less", "greater"}
    null : float
    statistic : ndarray, shape (m,), or None
    n : ndarray, shape (m, 2)
        Events or counts of the group and of the reference group.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.comparisons/1"
    title: ClassVar[str] = "Comparisons"

    effect: str
    estimate: FloatArray
    interval: Intervals
    pvalue: FloatArray
    alternative: str
    null: float
    statistic: FloatArray | None
    n: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.estimate.size

    def _rows(self) -> list[tuple[str, str]]:
        out = self.interval.low > self.null, self.interval.high < self.null
        return [
            ("effect", EFFECTS.get(self.effect, self.effect)),
            ("comparisons", f"{len(self)}"),
            (f"interval ({self.interval.confidence:.0%}) above {self.null:g}", f"{int(np.count_nonzero(out[0]))}"),
            (f"interval ({self.interval.confidence:.0%}) below {self.null:g}", f"{int(np.count_nonzero(out[1]))}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "estimate": self.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "pvalue": self.pvalue,
        }


def in_words(value: float | FloatArray) -> str:
    """Return a number for a summary; in words where there is none."""
    return "no information" if np.isnan(value) else f"{value:.4g}"


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
