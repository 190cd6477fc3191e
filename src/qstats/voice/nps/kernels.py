"""Intervals and tests of a trinomial difference (promoters less detractors), entry by entry on arrays.

Counts come as ``(d, u, p)``: detractors, passives, promoters, not necessarily whole (effective counts of a weighted
survey). NPS here is a fraction in [-1, 1]; points are made at the door.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import normal_quantile, normal_sf, t_quantile, t_sf
from qstats.inference.roots import bracketed

__all__ = [
    "PSEUDO",
    "Counts",
    "critical",
    "mover_limits",
    "mover_z",
    "net",
    "normal_tails",
    "restricted_detractors",
    "score_limits",
    "score_z",
    "some",
    "tail_pair",
    "wald_variance",
]

Counts = tuple[FloatArray, FloatArray, FloatArray]

# Answers added to (detractors, passives, promoters): Rocks (2016); halves of "+3" for two samples.
PSEUDO = {
    "wald": (0.0, 0.0, 0.0),
    "adjusted-wald": (0.75, 1.5, 0.75),
    "agresti-caffo": (0.375, 0.75, 0.375),
}


def critical(error: float, df: Any) -> FloatArray:
    """Return the quantile that leaves `error` above it; infinite for none (the open side of a one-sided interval)."""
    shape = np.shape(df)
    value = np.full(shape, np.inf) if error == 0.0 else t_quantile(1.0 - error, df)
    return np.asarray(value, dtype=np.float64)


def net(c: Counts) -> FloatArray:
    """Return the share of promoters less that of detractors."""
    d, u, p = c
    return (p - d) / (d + u + p)


def wald_variance(c: Counts) -> FloatArray:
    """Return the variance of one answer scored -1, 0, 1 (sum of squares over n, not n - 1)."""
    d, u, p = c
    n = d + u + p
    return np.asarray(((p + d) * u + 4.0 * p * d) / (n * n))  # equals (p + d)/n - ((p - d)/n)**2 without cancellation


def _restricted(c: Counts, delta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Restricted likelihood: the smaller of the two outer shares, and the variance of one answer, at NPS `delta`."""
    d, u, p = c
    t = np.minimum(np.abs(delta), 1.0)
    up = delta >= 0
    fewer, more = np.where(up, d, p), np.where(up, p, d)
    n = d + u + p
    b = (2.0 * n - more + fewer) * t - fewer - more
    minus_c = fewer * t * (1.0 - t)
    root = np.sqrt(b * b + 8.0 * n * minus_c)
    # Of the two forms of the root, the one that does not cancel.
    q = np.where(b <= 0, (root - b) / (4.0 * n), 2.0 * minus_c / np.where(b <= 0, 1.0, root + b))
    q = np.clip(q, 0.0, 0.5 * (1.0 - t))
    return q, 2.0 * q + t * (1.0 - t)


def restricted_detractors(c: Counts, delta: FloatArray) -> FloatArray:
    """Return the most likely share of detractors given that the NPS is `delta`."""
    q, _ = _restricted(c, delta)
    return np.where(delta >= 0, q, q - delta)


def score_z(c: Counts, delta: FloatArray) -> FloatArray:
    """Return the score statistic of NPS `delta`: infinite where the sample cannot come from it."""
    d, u, p = c
    n = d + u + p
    gap = p - d - n * delta
    spread = np.sqrt(n * _restricted(c, delta)[1])
    sure = (spread <= 0.0) | (np.abs(delta) > 1.0)
    z = gap / np.where(sure, 1.0, spread)
    return np.where(sure, np.where(np.abs(gap) <= 1e-12 * n, 0.0, np.copysign(np.inf, gap)), z)


def _squeeze(z: FloatArray) -> FloatArray:
    """Map the line to [-1, 1], infinities to its ends."""
    size = np.abs(z)
    inner = z / (1.0 + np.where(np.isinf(size), 0.0, size))
    return np.where(np.isinf(size), np.sign(z), inner)


def some(c: Counts, which: Any) -> Counts:
    return c[0][which], c[1][which], c[2][which]


def _lower_score_limit(c: Counts, z: FloatArray) -> FloatArray:
    closed = np.isfinite(z)
    finite = np.where(closed, z, 1.0)
    target = _squeeze(finite)

    # The statistic itself, squeezed to [-1, 1]: its numerator and spread both vanish where all answers are alike.
    def gap(delta: FloatArray, which: Any) -> FloatArray:
        return np.asarray(_squeeze(score_z(some(c, which), delta)) - target[which])

    estimate = net(c)
    # For a negative z (a one-sided confidence under one half) the limit lies on the other side of the estimate.
    ends = np.where(finite >= 0, -1.0, estimate), np.where(finite >= 0, estimate, 1.0)
    return np.where(closed, np.clip(bracketed(gap, *ends), -1.0, 1.0), -1.0)


def score_limits(c: Counts, z_low: Any, z_high: Any) -> tuple[FloatArray, FloatArray]:
    """Return the NPS whose score statistics are `z_low` and ``-z_high``; an infinite z leaves its side open."""
    d, u, p = c
    m = d.size
    # The upper limit is the lower one of the mirrored sample: both are found in one walk.
    both = (np.concatenate([d, p]), np.concatenate([u, u]), np.concatenate([p, d]))
    z = np.concatenate([np.broadcast_to(np.asarray(x, dtype=np.float64), (m,)) for x in (z_low, z_high)])
    limits = _lower_score_limit(both, z)
    return limits[:m], -limits[m:]


def tail_pair(z: FloatArray, df: Any) -> tuple[FloatArray, FloatArray]:
    """Return ``P(this or less)`` and ``P(this or more)``."""
    return np.asarray(t_sf(-z, df)), np.asarray(t_sf(z, df))


def mover_limits(c: Counts, c0: Counts, z_low: tuple[Any, Any], z_high: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return limits of the difference from the score limits of each sample; one pair of quantiles per sample each.

    Zou & Donner (2008), Statistics in Medicine 27, 1693-1702.
    """
    e, e0 = net(c), net(c0)
    low, high = score_limits(c, z_low[0], z_high[0])
    low0, high0 = score_limits(c0, z_high[1], z_low[1])
    lower = np.where(np.isinf(z_low[0]), -2.0, e - e0 - np.hypot(e - low, high0 - e0))
    upper = np.where(np.isinf(z_high[0]), 2.0, e - e0 + np.hypot(high - e, e0 - low0))
    return np.maximum(lower, -2.0), np.minimum(upper, 2.0)


def _normal_equivalent(t: FloatArray, df: Any) -> FloatArray:
    """Return the normal deviate with the tail of a Student t, so that two samples with their own df share one error."""
    finite = np.isfinite(df)
    if not np.any(finite):
        return t
    return np.where(finite, -np.asarray(normal_quantile(t_sf(t, df))), t)


def mover_z(c: Counts, c0: Counts, null: FloatArray, df: tuple[Any, Any]) -> FloatArray:
    """Return the normal deviate at which a limit of the MOVER interval reaches `null`: inverting the interval.

    With ``a`` below the estimate of one sample and ``b`` above that of the other, the limit is at distance
    ``hypot(a, b)``. So walk the quarter circle of that radius until both samples are equally surprised.
    """
    gap = net(c) - net(c0) - null
    down = gap >= 0  # the null lies below: the lower limit decides
    own = tuple(np.where(down, x, y) for x, y in zip(c, (c[2], c[1], c[0]), strict=True))
    other = tuple(np.where(down, x, y) for x, y in zip((c0[2], c0[1], c0[0]), c0, strict=True))
    one, two = (own[0], own[1], own[2]), (other[0], other[1], other[2])
    e1, e2, radius = net(one), net(two), np.abs(gap)

    df1, df2 = (np.broadcast_to(np.asarray(v, dtype=np.float64), gap.shape) for v in df)

    def surprise(theta: FloatArray, w: Any) -> tuple[FloatArray, FloatArray]:
        first = _normal_equivalent(score_z(some(one, w), e1[w] - radius[w] * np.cos(theta)), df1[w])
        second = _normal_equivalent(score_z(some(two, w), e2[w] - radius[w] * np.sin(theta)), df2[w])
        return first, second

    def balance(theta: FloatArray, which: Any) -> FloatArray:
        first, second = surprise(theta, which)
        return _squeeze(np.maximum(first, 0.0)) - _squeeze(np.maximum(second, 0.0))

    theta = bracketed(balance, np.zeros(gap.shape), np.full(gap.shape, 0.5 * np.pi))
    first, second = surprise(theta, slice(None))
    z = np.where(theta > 0.25 * np.pi, second, first)  # the sample that carries more of the distance is the exact one
    return np.where(radius == 0.0, 0.0, np.where(down, 1.0, -1.0) * np.maximum(z, 0.0))


def normal_tails(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``P(this or less)`` and ``P(this or more)`` of a normal deviate."""
    return np.asarray(normal_sf(-z)), np.asarray(normal_sf(z))
