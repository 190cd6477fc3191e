"""Quantiles of the range of a normal sample, for exact limits on range charts."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy

__all__ = ["range_quantile"]


@lru_cache(maxsize=1024)
def range_quantile(p: float, n: int) -> float:
    """Return w with ``P(range <= w) = p`` for `n` standard normal values.

    ``P(range <= w) = n * integral of phi(x) (Phi(x + w) - Phi(x))**(n - 1) dx`` by the trapezoidal rule (it converges
    geometrically here), inverted by bisection.
    """
    step = 0.02
    x = np.arange(-14.0, 10.0 + step / 2, step)
    weight = n * step / math.sqrt(2.0 * math.pi) * np.exp(-0.5 * x * x)
    at = scipy.special.ndtr(x)
    low, high = 0.0, 40.0
    for _ in range(60):
        w = 0.5 * (low + high)
        below = float((weight * (scipy.special.ndtr(x + w) - at) ** (n - 1)).sum())
        low, high = (w, high) if below < p else (low, w)
    return 0.5 * (low + high)
