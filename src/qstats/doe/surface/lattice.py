"""Points spread evenly without chance: an additive recurrence."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import normal_quantile

__all__ = ["directions", "spread_points"]

_NEWTON = 40


def spread_points(n: int, k: int) -> FloatArray:
    """Return n points in the unit cube, shape (n, k): multiples of inverse powers of the root of x^(k+1) = x + 1."""
    root = 2.0
    for _ in range(_NEWTON):
        root -= (root ** (k + 1) - root - 1.0) / ((k + 1) * root**k - 1.0)
    step = root ** -np.arange(1.0, k + 1.0)
    return np.asarray((0.5 + np.arange(1.0, n + 1.0)[:, None] * step) % 1.0)


def directions(n: int, k: int) -> FloatArray:
    """Return n directions of length one, shape (n, k), evenly spread."""
    z = normal_quantile(np.clip(spread_points(n, k), 1e-12, 1.0 - 1e-12))
    return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True))
