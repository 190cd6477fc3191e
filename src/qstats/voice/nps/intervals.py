"""Interval and p-value of one NPS (or many) by each method; the two always come from the same procedure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import tails
from qstats.inference.roots import bracketed
from qstats.voice.nps.kernels import (
    PSEUDO,
    Counts,
    critical,
    net,
    score_limits,
    score_z,
    some,
    tail_pair,
    wald_variance,
)
from qstats.voice.nps.resample import bootstrap_t

__all__ = ["METHODS", "OneSample", "combine", "one_sample", "posterior_above"]

METHODS = {
    "score": ("score", "Tango (1998), Statistics in Medicine 17, 891-908; Rocks (2016), Am. Statistician 70, 365-372"),
    "adjusted-wald": ("adjusted Wald, 3/4, 3/2, 3/4 added", "Rocks (2016), American Statistician 70, 365-372"),
    "wald": ("Wald", "Rocks (2016), American Statistician 70, 365-372"),
    "bootstrap-t": ("bootstrap-t", "Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 12.5"),
    "bayes": ("Bayes, Dirichlet prior", "Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 3.4"),
}


@dataclass(frozen=True, slots=True, eq=False)
class OneSample:
    """Limits as fractions, statistic where there is one, p-value; arrays of shape (m,)."""

    low: FloatArray
    high: FloatArray
    statistic: FloatArray | None
    pvalue: FloatArray
    notes: tuple[Note, ...] = ()


def combine(low_tail: FloatArray, high_tail: FloatArray, alternative: str) -> FloatArray:
    """Return the p-values that the intervals of `tails` invert."""
    if alternative == "less":
        return low_tail
    if alternative == "greater":
        return high_tail
    return np.minimum(1.0, 2.0 * np.minimum(low_tail, high_tail))


def _score(c: Counts, df: Any, null: FloatArray, below: float, above: float, alternative: str) -> OneSample:
    z = score_z(c, null)
    low, high = score_limits(c, critical(below, df), critical(above, df))
    return OneSample(low, high, z, combine(*tail_pair(z, df), alternative))


def _wald(
    c: Counts, df: Any, null: FloatArray, below: float, above: float, alternative: str, added: tuple[float, ...]
) -> OneSample:
    more = (c[0] + added[0], c[1] + added[1], c[2] + added[2])
    e, se = net(more), np.sqrt(wald_variance(more) / (more[0] + more[1] + more[2]))
    flat = se == 0.0
    gap = e - null
    z = np.where(flat, np.where(gap == 0.0, 0.0, np.copysign(np.inf, gap)), gap / np.where(flat, 1.0, se))
    notes: tuple[Note, ...] = ()
    if flat.any():
        text = "all answers fall in one class: a Wald interval has no width there; use method='score'"
        notes = (Note("no-width", "serious", text),)
    low, high = np.full(e.shape, -1.0), np.full(e.shape, 1.0)
    if below > 0.0:
        low = np.where(flat, e, np.clip(e - critical(below, df) * se, -1.0, 1.0))
    if above > 0.0:
        high = np.where(flat, e, np.clip(e + critical(above, df) * se, -1.0, 1.0))
    return OneSample(low, high, z, combine(*tail_pair(z, df), alternative), notes)


def _bootstrap(
    c: Counts, null: FloatArray, below: float, above: float, alternative: str, resamples: int, rng: Any
) -> OneSample:
    if c[0].size != 1:
        raise DataError(f"method: 'bootstrap-t' takes one sample at a time; {c[0].size} came: use method='score'")
    e, variance, n = float(net(c)[0]), float(wald_variance(c)[0]), float(sum(x[0] for x in c))
    if variance == 0.0:
        raise TooFewData(
            "data: all answers fall in one class, resampling them shows no scatter; use method='score', which is sound"
        )
    se = np.sqrt(variance / n)
    t = bootstrap_t(c, resamples, rng)
    t0 = (e - float(null[0])) / se
    # One count serves both: p uses the resamples at or beyond t0, the limit is the first t0 that fewer reach.
    at_or_above, at_or_below = np.count_nonzero(t >= t0), np.count_nonzero(t <= t0)
    low_tail, high_tail = (at_or_below + 1.0) / (resamples + 1.0), (at_or_above + 1.0) / (resamples + 1.0)

    def reach(error: float, side: float) -> float:
        k = int(np.ceil(error * (resamples + 1.0) - 1e-9)) - 2
        if error == 0.0 or k < 0:
            return -side
        place = resamples - 1 - k if side > 0 else k
        extreme = np.partition(t, place)[place]
        return float(np.clip(e - extreme * se, -1.0, 1.0))

    low, high = np.array([reach(below, 1.0)]), np.array([reach(above, -1.0)])
    return OneSample(low, high, np.array([t0]), combine(np.array([low_tail]), np.array([high_tail]), alternative))


def _double_exponential() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on (0, 1) for integrands that are singular at the ends (Takahasi & Mori 1974)."""
    step = np.arange(-36, 37) * 0.1
    x = scipy.special.expit(-np.pi * np.sinh(step))
    return x, 0.1 * np.pi * np.cosh(step) * x * (1.0 - x)


def posterior_above(alpha: Counts, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``P(NPS <= x)`` and ``P(NPS > x)`` where the three shares are Dirichlet(`alpha`).

    NPS is ``S (2R - 1)`` with independent S ~ Beta(promoters + detractors, passives) and R ~ Beta(promoters,
    detractors): one integral over S, beyond ``|x|``, by its own probability.
    """
    up = x >= 0
    d, u, p = np.where(up, alpha[0], alpha[2]), alpha[1], np.where(up, alpha[2], alpha[0])
    size = np.abs(x)
    nodes, weights = _double_exponential()
    tail = scipy.special.betainc(u, d + p, 1.0 - size)
    rest = scipy.special.betaincinv(u[:, None], (d + p)[:, None], tail[:, None] * nodes)
    y = 0.5 - 0.5 * np.minimum(size[:, None] / np.maximum(1.0 - rest, 1e-300), 1.0)
    beyond = tail * (scipy.special.betainc(d[:, None], p[:, None], y) @ weights)
    beyond = np.clip(beyond, 0.0, 1.0)
    return np.where(up, 1.0 - beyond, beyond), np.where(up, beyond, 1.0 - beyond)


def _bayes(c: Counts, null: FloatArray, below: float, above: float, alternative: str, prior: float) -> OneSample:
    alpha = (c[0] + prior, c[1] + prior, c[2] + prior)
    ends = np.full(c[0].shape, -1.0), np.full(c[0].shape, 1.0)

    def limit(error: float, upper: bool) -> FloatArray:
        if error == 0.0:
            return ends[1] if upper else ends[0]
        if upper:
            return bracketed(lambda x, w: posterior_above(some(alpha, w), x)[1] - error, *ends)
        return bracketed(lambda x, w: error - posterior_above(some(alpha, w), x)[0], *ends)

    under, over = posterior_above(alpha, null)
    return OneSample(limit(below, False), limit(above, True), None, combine(over, under, alternative))


def one_sample(
    c: Counts, df: Any, method: str, null: float, confidence: float, alternative: str, *,
    prior: float = 1.0 / 3.0, resamples: int = 100_000, rng: Any = None,
) -> OneSample:  # fmt: skip
    """Return limits and p-value of each sample; `null` and limits are fractions."""
    below, above = tails(alternative, confidence)
    at = np.full(c[0].shape, null)
    df = np.broadcast_to(np.asarray(df, dtype=np.float64), c[0].shape)
    if method == "score":
        return _score(c, df, at, below, above, alternative)
    if method == "bootstrap-t":
        return _bootstrap(c, at, below, above, alternative, resamples, rng)
    if method == "bayes":
        return _bayes(c, at, below, above, alternative, prior)
    return _wald(c, df, at, below, above, alternative, PSEUDO[method])
