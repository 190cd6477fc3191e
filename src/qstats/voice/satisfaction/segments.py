"""Satisfaction of every segment: against the rest, shrunk to the common level, and the ranks it may have."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.inference.multiplicity import adjust_pvalues
from qstats.inference.roots import bracketed
from qstats.table.scores import MISSING, Keys
from qstats.voice.satisfaction.kernels import (
    LevelSums,
    mean_limits,
    means_of,
    share_difference,
    share_limits,
    shares_of,
)
from qstats.voice.satisfaction.result import Satisfaction, SegmentTable

__all__ = ["ADJUSTMENTS", "Shrunk", "rank_limits", "segment_table", "shrink_shares"]

ADJUSTMENTS = ("holm", "hochberg", "hommel", "bonferroni", "bh", "by")
_SIDE = 33  # points of the grid along each axis
_REACH = 7.0  # standard errors of the mean that it covers on either side
_DROP = 18.0  # logarithm below the peak beyond which the posterior is nothing
_REST = 1e-5  # posterior weight that limits may leave out
_BLOCK = 1 << 11  # segments at a time, so that the grid of each stays in cache
_SOURCE = (
    "against the rest: Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226; shrinkage: Gelman et al. "
    "(2013), Bayesian Data Analysis, 3rd ed., section 5.3, with the prior of Daniels (1999), Canadian J. of Statistics "
    "27, 567-578; ranks: Klein, Wright & Wieczorek (2020), JRSS A 183, 589-606"
)


class Shrunk(NamedTuple):
    """Posterior means and limits of the shares, and the posterior mean of the correlation within a segment."""

    share: FloatArray
    low: FloatArray
    high: FloatArray
    correlation: float


def _prior_counts(u: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a and b of the beta distribution of shares with mean expit(u) and correlation expit(r)."""
    m = np.exp(-r)  # a + b = (1 - rho) / rho
    return m * scipy.special.expit(u), m * scipy.special.expit(-u)


def _log_posterior(x: FloatArray, n: FloatArray, times: FloatArray, u: FloatArray, r: FloatArray) -> FloatArray:
    """Return the log posterior of (u, r): beta-binomial counts, mean and correlation uniform on (0, 1)."""
    a, b = _prior_counts(u, r)
    expit = scipy.special.log_expit
    total: FloatArray = expit(u) + expit(-u) + expit(r) + expit(-r)
    beta = scipy.special.betaln
    before = beta(a, b)
    for i in range(0, x.size, _BLOCK):
        part = slice(i, i + _BLOCK)
        some, size = x[part, np.newaxis], n[part, np.newaxis]
        total = total + times[part] @ (beta(a + some, b + size - some) - before)
    return total


def _fan(x: FloatArray, n: FloatArray, times: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return points u for each r, shape (r, points), and their steps: as far apart as the mean is uncertain there.

    A correlation near 0 pins the mean down, one near 1 hardly does: a rectangle would miss one or the other.
    """
    rho = scipy.special.expit(r)[:, np.newaxis]
    worth = times * n / (1.0 + np.maximum(n - 1.0, 0.0) * rho)
    total = worth.sum(axis=1) + 1.0
    p = ((worth * x / n).sum(axis=1) + 0.5) / total
    step = _REACH / np.sqrt(p * (1.0 - p) * total) / (_SIDE // 2)
    return scipy.special.logit(p)[:, np.newaxis] + step[:, np.newaxis] * np.arange(-(_SIDE // 2), _SIDE // 2 + 1), step


def _grid(x: FloatArray, n: FloatArray, times: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return points (u, r) over the posterior and their weights: the range of r is drawn in until it fits."""
    low, high = -20.0, 10.0
    for _ in range(12):
        r = np.linspace(low, high, _SIDE)
        u, step = _fan(x, n, times, r)
        each = np.repeat(r, _SIDE)
        log = _log_posterior(x, n, times, u.ravel(), each) + np.repeat(np.log(step), _SIDE)
        best = log.reshape(_SIDE, _SIDE).max(axis=1)
        near = np.flatnonzero(best > best.max() - _DROP)
        gap = (high - low) / (_SIDE - 1)
        old, low, high = high - low, max(low, r[near[0]] - gap), min(high, r[near[-1]] + gap)
        if high - low > 0.6 * old:
            break
    weight = np.exp(log - log.max())
    return u.ravel(), each, weight / weight.sum()


def shrink_shares(x: FloatArray, n: FloatArray, confidence: float) -> Shrunk:
    r"""Return what each true share most likely is, given that the segments are of one kind.

    Shares are Beta(:math:`\mu M, (1 - \mu) M`) with :math:`M = (1 - \rho)/\rho`; :math:`\mu` and :math:`\rho` have
    uniform priors and are summed out on a grid, so the limits know that they are estimated: they are the quantiles of
    the mixture of betas that results. Counts may be fractional (effective ones).

    Parameters
    ----------
    x, n : ndarray, shape (k,)
    confidence : float

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 5.3. Daniels (1999), Canadian Journal of Statistics
    27, 567-578 (uniform shrinkage prior).
    """
    pairs, back, times = np.unique(np.column_stack([x, n]), axis=0, return_inverse=True, return_counts=True)
    x, n = pairs[:, 0], pairs[:, 1]
    u, r, weight = _grid(x, n, times.astype(np.float64))
    order = np.argsort(weight)
    kept = order[np.cumsum(weight[order]) > _REST]
    a, b = _prior_counts(u[kept], r[kept])
    share = weight[kept] / weight[kept].sum()
    mean, sd = np.empty(x.size), np.empty(x.size)
    for i in range(0, x.size, _BLOCK):
        part = slice(i, i + _BLOCK)
        size = a + b + n[part, np.newaxis]
        p = (a + x[part, np.newaxis]) / size
        mean[part] = p @ share
        sd[part] = np.sqrt((p * (1.0 - p) / (size + 1.0) + (p - mean[part, np.newaxis]) ** 2) @ share)
    tail = (1.0 - confidence) / 2.0
    reach = sd * math.sqrt((1.0 - tail) / tail)  # Cantelli: no quantile of these tails lies farther from the mean
    ends = np.clip(mean - reach, 0.0, 1.0), np.clip(mean + reach, 0.0, 1.0)
    low, high = (_mixture_quantile(q, x, n, a, b, share, ends) for q in (tail, 1.0 - tail))
    where = back.reshape(-1)
    return Shrunk(mean[where], low[where], high[where], float(scipy.special.expit(r) @ weight))


def _mixture_quantile(
    q: float, x: FloatArray, n: FloatArray, a: FloatArray, b: FloatArray, weight: FloatArray,
    ends: tuple[FloatArray, FloatArray],
) -> FloatArray:  # fmt: skip
    """Return where the mixture over the grid of the betas of each segment reaches `q`."""

    def short(at: FloatArray, which: Any) -> FloatArray:
        some, size = x[which, np.newaxis], n[which, np.newaxis]
        reached: FloatArray = scipy.special.betainc(a + some, b + size - some, at[:, np.newaxis]) @ weight
        return q - reached

    return bracketed(short, *ends, tolerance=1e-8)


def rank_limits(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the best and worst rank each may have: whose interval lies wholly above, whose wholly below."""
    ahead = low.size - np.searchsorted(np.sort(low), high, side="right")
    behind = np.searchsorted(np.sort(high), low, side="left")
    return 1.0 + ahead.astype(np.float64), low.size - behind.astype(np.float64)


def check_adjust(adjust: str | None) -> str:
    """Return the adjustment for many segments: Holm unless another was named."""
    return check_choice("holm" if adjust is None else adjust, "adjust", ADJUSTMENTS)


def _check_segments(sums: LevelSums, keys: Keys) -> tuple[Note, ...]:
    if len(keys.labels) < 2:
        raise DataError(f"by: there is one segment only ({keys.labels[0]!r}); leave by= out")
    if (weightless := sums.first.sum(axis=1) <= 0.0).any():
        raise DataError(f"weight: all are zero in segment {keys.labels[int(np.argmax(weightless))]!r}; leave it out")
    notes = []
    if keys.missing:
        text = f"{keys.missing} answers have no segment: kept as {MISSING!r}"
        notes.append(Note("missing-segment", "warning", text))
    if len(keys.labels) < 3:
        text = "how much segments differ is hardly known from two: shrunk is a guess"
        notes.append(Note("few-segments", "info", text))
    return tuple(notes)


def segment_table(
    sums: LevelSums, keys: Keys, total: Satisfaction, method: str, adjust: str | None, notes: tuple[Note, ...]
) -> SegmentTable:
    """Make the table of segments from their sums."""
    adjust = check_adjust(adjust)
    notes += _check_segments(sums, keys)
    confidence = total.interval.confidence
    k = len(keys.labels)
    seen, means = shares_of(sums), means_of(sums)

    def pair(limits: tuple[FloatArray, FloatArray]) -> Intervals:
        return Intervals(frozen_array(limits[0]), frozen_array(limits[1]), confidence)

    gap, _, _ = share_difference(sums, sums.rest(), 0.0, confidence, "two-sided")
    shrunk = shrink_shares(seen.share * seen.n_eff, seen.n_eff, confidence)
    ranks = rank_limits(*share_limits(sums, seen, method, confidence ** (1.0 / k)))
    text = f"{total.method}; {adjust} over {k} segments"
    return SegmentTable(
        keys.labels, frozen_array(seen.share), pair(share_limits(sums, seen, method, confidence)),
        frozen_array(means.mean), pair(mean_limits(sums, means, confidence)), frozen_array(sums.n),
        frozen_array((sums.rows * sums.top).sum(axis=1)), frozen_array(gap.estimate), pair((gap.low, gap.high)),
        frozen_array(gap.pvalue), adjust_pvalues(gap.pvalue, method=adjust).adjusted, frozen_array(shrunk.share),
        pair((shrunk.low, shrunk.high)), frozen_array(ranks[0]), frozen_array(ranks[1]), shrunk.correlation, total,
        adjust, text, f"{total.reference}; {_SOURCE}", notes,
    )  # fmt: skip
