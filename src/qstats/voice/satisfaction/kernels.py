"""Answers on a short scale by segment: shares, means and differences from three sums per level, however many rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import beta_quantile, normal_quantile, t_quantile, t_sf
from qstats.inference.comparison import tails
from qstats.inference.pivot import Pivot, pivot_test, satterthwaite
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.proportion_kernels import Pair, difference_score, score_limits
from qstats.inference.rate_kernels import critical, score_odds, score_pvalue

__all__ = [
    "Difference",
    "LevelSums",
    "Means",
    "Shares",
    "flat_difference",
    "mean_difference",
    "mean_limits",
    "means_of",
    "others",
    "share_difference",
    "share_limits",
    "shares_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class LevelSums:
    """What a table of satisfaction needs to know of any number of answers.

    Parameters
    ----------
    rows, first, second : ndarray, shape (k, levels)
        Answers, sum of their weights and of the squares of their weights, by segment and level of the scale.
    value : ndarray, shape (levels,)
        The score of each level.
    top : ndarray, shape (levels,)
        1 for the levels that count as satisfied, else 0.
    weighted : bool
    """

    rows: FloatArray
    first: FloatArray
    second: FloatArray
    value: FloatArray
    top: FloatArray
    weighted: bool

    @property
    def n(self) -> FloatArray:
        """Answers of each segment; shape (k,)."""
        return self.rows.sum(axis=1)  # type: ignore[no-any-return]

    @property
    def kish(self) -> FloatArray:
        """Kish's effective answers, ``(sum w)^2 / sum w^2``; 0 where there is none."""
        w, w2 = self.first.sum(axis=1), self.second.sum(axis=1)
        return np.asarray(np.divide(w * w, w2, out=np.zeros_like(w), where=w2 > 0), dtype=np.float64)

    def at(self, which: Any) -> LevelSums:
        """Return some of the segments."""
        return LevelSums(self.rows[which], self.first[which], self.second[which], self.value, self.top, self.weighted)

    def total(self) -> LevelSums:
        """Return all segments as one."""
        rows, first, second = (x.sum(axis=0, keepdims=True) for x in (self.rows, self.first, self.second))
        return LevelSums(rows, first, second, self.value, self.top, self.weighted)

    def rest(self) -> LevelSums:
        """Return, for each segment, all the others as one."""
        rows, first, second = (others(x) for x in (self.rows, self.first, self.second))
        return LevelSums(rows, first, second, self.value, self.top, self.weighted)


def others(x: FloatArray) -> FloatArray:
    """Return, for each entry of the second axis from the end, the sum of all others.

    By sums from either side: total less own would lose a light segment beside a heavy one.
    """
    zero = np.zeros_like(x[..., :1, :])
    before = np.concatenate([zero, np.cumsum(x, axis=-2)[..., :-1, :]], axis=-2)
    after = np.concatenate([np.cumsum(x[..., ::-1, :], axis=-2)[..., -2::-1, :], zero], axis=-2)
    return before + after  # type: ignore[no-any-return]


class Shares(NamedTuple):
    """Share of satisfied answers, the answers it is worth, degrees of freedom (infinite without weights)."""

    share: FloatArray
    n_eff: FloatArray
    df: FloatArray


class Means(NamedTuple):
    """Mean score, its standard error, degrees of freedom, and where all answers are on one level."""

    mean: FloatArray
    se: FloatArray
    df: FloatArray
    flat: npt.NDArray[np.bool_]


class Difference(NamedTuple):
    """Difference of two shares with limits, p-value and statistic, one per pair."""

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray
    statistic: FloatArray


def _averaged(s: LevelSums, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return weighted means of `y`, one value per level, and ``sum w^2 (y - mean)^2 / (sum w)^2``."""
    w = s.first.sum(axis=1)
    mean = (s.first * y).sum(axis=1) / w
    return mean, (s.second * (y - mean[:, np.newaxis]) ** 2).sum(axis=1) / w**2


def shares_of(s: LevelSums) -> Shares:
    """Return the share of satisfied answers of each segment (which must have weight) and what it is worth.

    Where all answers fall on one side the weights alone tell: Kish's number. No sample is taken to be worth more than
    that, which is n at most: a few heavy answers that agree look far more precise than they are (a bound on the
    effective size as in Parker et al. 2017, Vital and Health Statistics 2(175), which has n).
    """
    n = s.n
    p, square = _averaged(s, s.top)
    if not s.weighted:
        return Shares(p, n, np.full(n.size, np.inf))
    v = p * (1.0 - p)
    n_eff = np.minimum(np.where(v > 0.0, v / np.where(square > 0.0, square, 1.0), s.kish), s.kish)
    return Shares(p, n_eff, np.maximum(n - 1.0, 1.0))


def _wilson_limit(p: FloatArray, n: FloatArray, z: float) -> tuple[FloatArray, FloatArray]:
    low, high = score_odds(p * n, n, z, z)
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 + 1.0 / low), 1.0 / (1.0 + 1.0 / high)


def share_limits(s: LevelSums, seen: Shares, method: str, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return limits of each share. With weights the effective answers take the place of n, cut for Student's t.

    Korn & Graubard (1998), Survey Methodology 24, 193-201: ``n_eff (z / t)^2``.
    """
    if not s.weighted:
        r = estimate_proportion((s.rows * s.top).sum(axis=1), s.n, method=method, confidence=confidence)
        return np.asarray(r.interval.low), np.asarray(r.interval.high)
    tail = (1.0 - confidence) / 2.0
    z = float(normal_quantile(1.0 - tail))
    n = seen.n_eff * (z / t_quantile(1.0 - tail, seen.df)) ** 2
    p = seen.share
    if method == "wilson":
        return _wilson_limit(p, n, z)
    x, y = p * n, (1.0 - p) * n
    low = np.where(p > 0.0, beta_quantile(tail, np.maximum(x, 1e-300), y + 1.0), 0.0)
    high = np.where(p < 1.0, 1.0 - beta_quantile(tail, np.maximum(y, 1e-300), x + 1.0), 1.0)
    return low, high


def means_of(s: LevelSums) -> Means:
    """Return mean and linearised standard error; without weights that is the usual ``s / sqrt(n)``."""
    n = s.n
    mean, square = _averaged(s, s.value)
    flat = np.count_nonzero(s.first > 0.0, axis=1) < 2
    # On one level the mean is that level, whatever the division of two sums of weights left.
    mean = np.where(flat, s.value[np.argmax(s.first > 0.0, axis=1)], mean)
    variance = np.where(flat, 0.0, square * n / np.maximum(n - 1.0, 1.0))
    return Means(mean, np.sqrt(variance), np.maximum(n - 1.0, 1.0), flat)


def mean_limits(s: LevelSums, seen: Means, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return Student's limits inside the scale; where all answers agree, limits from how many may still differ.

    If a share q of the population answers something else, n equal answers come with probability ``(1 - q)^n``: q is at
    most ``1 - (alpha/2)^(1/n)``, and the mean is off by at most q times the way to the end of the scale.
    """
    least, most = float(s.value.min()), float(s.value.max())
    pivot = pivot_test(seen.mean, seen.se, seen.df, 0.0, confidence, "two-sided", least=least, most=most)
    others = -np.expm1(math.log((1.0 - confidence) / 2.0) / np.maximum(s.kish, 1.0))
    low = np.where(seen.flat, seen.mean - others * (seen.mean - least), pivot.low)
    high = np.where(seen.flat, seen.mean + others * (most - seen.mean), pivot.high)
    return low, high


def flat_difference(
    one: LevelSums, two: LevelSums, null: float, confidence: float, alternative: str
) -> tuple[float, float, float]:
    """Return limits and p-value of the difference of two means where neither group has scatter.

    The limits of `mean_limits` of each group, joined as in MOVER (Zou & Donner 2008, Statistics in Medicine 27,
    1693-1702); the tail is the error at which a limit reaches `null`.
    """
    least, most = float(one.value.min()), float(one.value.max())
    m, m0 = float(means_of(one).mean[0]), float(means_of(two).mean[0])
    k, k0 = max(float(one.kish[0]), 1.0), max(float(two.kish[0]), 1.0)
    down, up = (m - least, most - m0), (most - m, m0 - least)

    def reach(log_error: float, way: tuple[float, float]) -> float:
        return math.hypot(way[0] * -math.expm1(log_error / k), way[1] * -math.expm1(log_error / k0))

    below, above = tails(alternative, confidence)
    widest = most - least
    low = m - m0 - reach(math.log(below), down) if below > 0.0 else -widest
    high = m - m0 + reach(math.log(above), up) if above > 0.0 else widest
    gap = m - m0 - null
    way = down if gap > 0.0 else up
    error = 0.0  # a difference that the scale cannot hold
    if gap == 0.0:
        error = 1.0
    elif abs(gap) < math.hypot(*way):
        far, near = -800.0 * max(k, k0), 0.0
        for _ in range(200):
            middle = 0.5 * (far + near)
            far, near = (middle, near) if reach(middle, way) > abs(gap) else (far, middle)
        error = math.exp(near)
    low_tail, high_tail = (error if gap <= 0.0 else 1.0), (error if gap >= 0.0 else 1.0)
    both = min(1.0, 2.0 * min(low_tail, high_tail))
    return low, high, {"less": low_tail, "greater": high_tail}.get(alternative, both)


def mean_difference(one: Means, two: Means, null: float, confidence: float, alternative: str) -> Pivot:
    """Return Welch's test and limits of the differences of means."""
    df = satterthwaite(one.se**2, one.df, two.se**2, two.df)
    return pivot_test(one.mean - two.mean, np.hypot(one.se, two.se), df, null, confidence, alternative)


def _as_normal(z: FloatArray, df: FloatArray) -> FloatArray:
    """Return the normal value with the tail that `z` has in Student's t: it rises with z, so limits invert p."""
    tail = t_sf(np.abs(z), df)
    normal: FloatArray = np.copysign(-normal_quantile(np.maximum(tail, 1e-300)), z)
    return normal


def share_difference(
    one: LevelSums, two: LevelSums, null: float, confidence: float, alternative: str
) -> tuple[Difference, Shares, Shares]:
    """Return Miettinen & Nurminen's test and limits of the differences of shares.

    With weights the counts are effective ones and the statistic is Student's t with the answers less two.
    """
    a, b = shares_of(one), shares_of(two)
    pair = Pair(a.share * a.n_eff, a.n_eff, b.share * b.n_eff, b.n_eff)
    if not one.weighted:  # whole numbers, free of what p * n would round
        pair = Pair((one.rows * one.top).sum(axis=1), one.n, (two.rows * two.top).sum(axis=1), two.n)
    total, answers = pair.n + pair.n0, one.n + two.n
    df = np.maximum(answers - 2.0, 1.0) if one.weighted else np.full(total.size, np.inf)
    inflate = np.where(total > 1.0, total / np.maximum(total - 1.0, 1e-9), 1.0)
    columns = np.column_stack([np.minimum(inflate, 2.0), df])

    def score(pair: Pair, d: Any, column: FloatArray) -> Any:
        z = difference_score(pair, d, column[:, 0])
        return _as_normal(z, column[:, 1]) if one.weighted else z

    estimate = pair.x / pair.n - pair.x0 / pair.n0
    z = (critical(tails(alternative, confidence)[0], math.inf), critical(tails(alternative, confidence)[1], math.inf))
    low, high = score_limits(score, pair, estimate, (-1.0, 1.0), z, columns)
    at_null = score(pair, np.full(total.size, null), columns)
    return Difference(estimate, low, high, score_pvalue(at_null, math.inf, alternative), at_null), a, b
