"""An estimate, its standard error and degrees of freedom: test and interval from one Student pivot."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats.inference.comparison import tails

__all__ = ["NO_SCATTER", "Pivot", "pivot_test", "safe_exp", "satterthwaite", "tails_to_pvalue"]

NO_SCATTER = Note(
    "no-scatter",
    "serious",
    "no scatter within the groups: their error cannot be estimated, and nothing follows about the effect; "
    "look whether the data were rounded, capped or copied",
)


class Pivot(NamedTuple):
    """Statistic, p-value and limits of one pivot; arrays, or floats from zero-dimensional input."""

    statistic: Any
    pvalue: Any
    low: Any
    high: Any


def safe_exp(x: float) -> float:
    """Return ``exp(x)``, infinite where it is beyond float64."""
    return math.exp(x) if x < 709.0 else math.inf


def tails_to_pvalue(low_tail: Any, high_tail: Any, alternative: str) -> Any:
    """Combine ``P(this or less)`` and ``P(this or more)``, elementwise, as `comparison.tail_probability` does."""
    if alternative == "less":
        return low_tail
    if alternative == "greater":
        return high_tail
    return np.minimum(1.0, 2.0 * np.minimum(low_tail, high_tail))


def satterthwaite(v: Any, df: Any, v0: Any, df0: Any) -> FloatArray:
    """Return Satterthwaite's degrees of freedom of ``v + v0``; infinite where both variances are zero.

    Written in shares of the sum, so that squares of tiny variances do not underflow.
    """
    total = np.asarray(v, dtype=np.float64) + v0
    share = np.divide(v, total, out=np.zeros_like(total), where=total > 0)
    spread = share**2 / df + (1.0 - share) ** 2 / df0
    return np.divide(1.0, spread, out=np.full_like(total, np.inf), where=total > 0)[()]  # type: ignore[no-any-return]


def pivot_test(
    estimate: Any, se: Any, df: Any, null: float, confidence: float, alternative: str, *, least: float = -np.inf,
    most: float = np.inf,
) -> Pivot:  # fmt: skip
    """Return test and limits of ``(estimate - null) / se`` as Student's t, elementwise; infinite `df` is the normal.

    A standard error of zero gives limits at the estimate, p = 1 at it and p = 0 away from it: the caller adds
    `NO_SCATTER`. `least` and `most` are the ends of the scale: no limit goes beyond them.
    """
    below, above = tails(alternative, confidence)
    estimate, se = np.asarray(estimate, dtype=np.float64), np.asarray(se, dtype=np.float64)
    gap = estimate - null
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        statistic = np.where(gap == 0.0, 0.0, gap / se)
    pvalue = tails_to_pvalue(t_sf(-statistic, df), t_sf(statistic, df), alternative)
    low, high = np.full_like(gap, least), np.full_like(gap, most)
    if below > 0:
        low = np.maximum(estimate + t_quantile(below, df) * se, least)
    if above > 0:
        high = np.minimum(estimate - t_quantile(above, df) * se, most)
    return Pivot(statistic[()], pvalue, low[()], high[()])
