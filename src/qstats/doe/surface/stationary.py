"""Where the stationary point may be: the points whose gradient is not shown to differ from zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.quantiles import chi2_sf
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.linear import LeastSquares
from qstats.doe.surface.lattice import spread_points
from qstats.doe.surface.quadratic import Quadratic

__all__ = ["POINTS", "Cover", "cover_of", "f_sf", "noise_of", "stationarity"]

POINTS = 4096
_FEW = 100
_THIN = 20
_CLOSER = 8
_STEPS = 40
_MOVES = 32
_FINE = 1e-4
_RANK = 1e-10
_ROUNDING = 1e-9


def noise_of(fitted: Fitted) -> tuple[FloatArray, float]:
    """Return the covariance of the coefficients as a matrix and the variance it is to be multiplied by."""
    if isinstance(fitted, LeastSquares):
        return fitted.unscaled, fitted.sigma**2
    return fitted.covariance, 1.0


def f_sf(f: FloatArray, top: FloatArray, below: FloatArray) -> FloatArray:
    """Return the upper tail of F; infinite degrees of freedom below are a chi-square, none are no evidence at all."""
    endless, known = np.isinf(below), below > 0.0
    tail = np.where(endless, chi2_sf(f * top, top), scipy.special.fdtrc(top, np.where(endless | ~known, 1.0, below), f))
    return np.asarray(np.where(known, tail, 1.0), dtype=np.float64)


def stationarity(q: Quadratic, fitted: Fitted, x: FloatArray) -> FloatArray:
    """Return p-values of "the gradient is zero here" at points of shape (m, k).

    F = g'(G V G')^-1 g / k with the gradient g = G b, which is linear in the coefficients: exact for normal errors.
    """
    # the test does not hang on the length of the gradient: brought to that at the centre, no distance overflows
    maps = q.gradients(x) / (1.0 + np.abs(x).max(axis=1))[:, None, None]
    m, k, p = maps.shape
    matrix, variance = noise_of(fitted)
    g = maps @ fitted.coefficients
    spread = (maps.reshape(m * k, p) @ matrix).reshape(m, k, p) @ maps.transpose(0, 2, 1)
    size, axis = np.linalg.eigh(spread)
    known = size > _RANK * size[:, -1:]
    part = (axis.transpose(0, 2, 1) @ g[:, :, None])[:, :, 0]
    scale = float(np.abs(q.linear).max() + np.abs(q.square).max())
    small = np.abs(part) <= _ROUNDING * scale
    square = (np.where(known, part**2 / np.where(known, size, 1.0), 0.0)).sum(axis=1)
    rank = np.maximum(known.sum(axis=1), 1).astype(np.float64)
    if variance == 0.0:
        return np.where(small.all(axis=1), 1.0, 0.0)
    f = np.zeros(m) if math.isinf(variance) else square / (variance * rank)
    return np.where((known | small).all(axis=1), f_sf(f, rank, _below(fitted, maps)), 0.0)


def _below(fitted: Fitted, maps: FloatArray) -> FloatArray:
    """Degrees of freedom below: where they differ between contrasts (split-plots), the fewest of the gradient's."""
    m, k, p = maps.shape
    if isinstance(fitted, LeastSquares):
        return np.full(m, fitted.df)
    return np.asarray(fitted.contrast_df(maps.reshape(m * k, p)).reshape(m, k).min(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """How much of the region of the design may hold the stationary point.

    Parameters
    ----------
    share : float or None
        None where the region of the design is so thin that too few of the points looked at lie in it.
    low, high : ndarray, shape (k,), or None
        Least and largest coded settings among those points; None if there are none.
    open : bool
        Whether they reach the edge of the region of the design.
    """

    share: float | None
    low: FloatArray | None
    high: FloatArray | None
    open: bool


def cover_of(q: Quadratic, fitted: Fitted, point: FloatArray, reach: FloatArray | None, confidence: float) -> Cover:
    """Return how the confidence region lies in the region of the design; ``reach`` is about how far it goes."""

    def inside(x: FloatArray) -> BoolArray:
        held = q.trust.holds(x)
        held[held] = stationarity(q, fitted, x[held]) >= 1.0 - confidence
        return held

    low, high = q.trust.low, q.trust.high
    spread = spread_points(POINTS, point.size)
    trusted = int(q.trust.holds(low + spread * (high - low)).sum())
    share, hits = _search(inside, spread, low, high, point, reach, min(_FEW, max(trusted, 1)))
    known = trusted >= _THIN
    if not hits.shape[0]:
        return Cover(0.0 if known else None, None, None, False)
    ends = _stretched(inside, hits, high - low)
    step = 1e-3 * (high - low)
    k = point.size
    out = np.concatenate([ends[:k] + np.eye(k) * step, ends[k:] - np.eye(k) * step])
    least, most = ends[k:][np.arange(k), np.arange(k)], ends[:k][np.arange(k), np.arange(k)]
    part = min(share * POINTS / trusted, 1.0) if known else None
    return Cover(part, least, most, not bool(q.trust.holds(out).all()))


def _search(
    inside: Callable[[FloatArray], BoolArray], spread: FloatArray, low: FloatArray, high: FloatArray,
    point: FloatArray, reach: FloatArray | None, enough: int,
) -> tuple[float, FloatArray]:  # fmt: skip
    """Share of the box that is inside, and points inside: sampled again in ever smaller boxes while they are few."""
    whole, a, b = high - low, low, high
    share, hits = 0.0, np.empty((0, point.size))
    near = point[None, :][inside(point[None, :])]
    for _ in range(_CLOSER):
        x = a + spread * (b - a)
        found = inside(x)
        share = float(found.mean() * np.prod((b - a) / np.where(whole > 0.0, whole, 1.0)))
        hits = np.concatenate([x[found], near])
        if int(found.sum()) >= enough or not hits.shape[0]:
            break
        pad = (b - a) * POINTS ** (-1.0 / point.size)
        lower, upper = hits.min(axis=0) - pad, hits.max(axis=0) + pad
        if not found.any() and reach is not None and np.isfinite(reach).all():
            lower, upper = point - reach, point + reach
        a, b = np.maximum(a, lower), np.minimum(b, upper)
    return share, hits


def _stretched(inside: Callable[[FloatArray], BoolArray], hits: FloatArray, width: FloatArray) -> FloatArray:
    """Points inside with the largest, then with the least of each setting, shape (2k, k): pushed outward by steps."""
    k = hits.shape[1]
    axis, sign = np.tile(np.arange(k), 2), np.repeat([1.0, -1.0], k)
    start = [int((s * hits[:, j]).argmax()) for j, s in zip(axis, sign, strict=True)]
    now, every = hits[start], np.arange(2 * k)
    span = np.maximum(hits.max(axis=0) - hits.min(axis=0), 1e-6 * width)
    moves = np.concatenate([2.0 * spread_points(_MOVES, k) - 1.0, np.eye(k), -np.eye(k)])
    step = np.full(2 * k, 0.25)
    for _ in range(_STEPS):
        trial = now[:, None, :] + step[:, None, None] * moves * span
        held = inside(trial.reshape(-1, k)).reshape(trial.shape[:2])
        gain = np.where(held, sign[:, None] * (trial[every, :, axis] - now[every, axis][:, None]), -np.inf)
        best = gain.argmax(axis=1)
        better = gain[every, best] > 0.0
        now = np.where(better[:, None], trial[every, best], now)
        step = np.where(better, step, 0.5 * step)
        if float(step.max()) < _FINE:
            break
    return now
