"""How surely the way up is known: the cone of directions that the data do not exclude."""

from __future__ import annotations

import math

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import chi2_quantile, t_sf
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.surface.lattice import directions
from qstats.doe.surface.quadratic import Quadratic
from qstats.doe.surface.stationary import noise_of

__all__ = ["cone_of"]

_DIRECTIONS = 1 << 15
_EQUAL = 1e-9


def cone_of(q: Quadratic, fitted: Fitted, confidence: float) -> tuple[float, float]:
    """Return half the angle of the confidence cone about the way up (radians) and the share of directions excluded.

    With k factors, a direction d is held if b is not shown to be no multiple of it: the sum of squares of b beside d,
    in units of its variance, is at most (k - 1) F.
    """
    k = q.linear.size
    matrix, variance = noise_of(fitted)
    spread = q.linear_map @ matrix @ q.linear_map.T
    df = float(fitted.contrast_df(q.linear_map).min())
    if not q.linear.any() or df <= 0.0 or math.isinf(variance):
        return math.pi, 0.0
    limit = variance * (k - 1) * _f_quantile(confidence, k - 1, df)
    each = float(np.trace(spread)) / k
    if float(np.abs(spread - each * np.eye(k)).max()) <= _EQUAL * each:
        return _round(float(q.linear @ q.linear), each * limit, k)
    return _elliptic(q.linear, np.asarray(np.linalg.inv(spread), dtype=np.float64), limit)


def _f_quantile(confidence: float, top: int, below: float) -> float:
    if math.isinf(below):
        return float(chi2_quantile(confidence, top)) / top
    return float(scipy.special.fdtri(top, below, confidence))


def _round(size: float, limit: float, k: int) -> tuple[float, float]:
    """Equal variances: a round cone with sin^2 = limit / |b|^2, its share by Student's t of the cotangent."""
    if limit >= size:
        return math.pi, 0.0
    angle = math.asin(math.sqrt(limit / size))
    if angle == 0.0:
        return 0.0, 1.0
    return angle, 1.0 - float(t_sf(math.sqrt(k - 1.0) / math.tan(angle), k - 1.0))


def _elliptic(b: FloatArray, weight: FloatArray, limit: float) -> tuple[float, float]:
    if limit >= float(b @ weight @ b):
        return math.pi, 0.0
    d = directions(_DIRECTIONS, b.size)
    along = np.maximum(d @ (weight @ b), 0.0)
    held = float(b @ weight @ b) - along**2 / np.einsum("ij,jk,ik->i", d, weight, d) <= limit
    cosine = d[held] @ b / float(np.linalg.norm(b))
    angle = math.acos(min(1.0, float(cosine.min()))) if held.any() else 0.0
    return angle, 1.0 - float(held.mean())
