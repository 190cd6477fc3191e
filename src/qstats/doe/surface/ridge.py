"""The best point of a second-order surface on spheres about the centre."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["best_on_spheres"]

_TIED = 1e-12
_HALVINGS = 80


def best_on_spheres(linear: FloatArray, square: FloatArray, radii: FloatArray) -> FloatArray:
    """Return where ``x'linear + x'square x`` is largest on each sphere, shape (m, k).

    Draper's condition: (square - mu I) x = -linear / 2 with mu not below the largest curvature. The multiplier is
    found by halving, between bounds that hold for every surface. If the surface does not rise along its steepest
    axis, both ends of that axis are as good from some radius on; the positive one is given.
    """
    values, vectors = np.linalg.eigh(square)
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(values.size)] < 0.0, -1.0, 1.0)
    gap, pull = values[-1] - values, vectors.T @ linear
    size = float(np.linalg.norm(linear))
    top = gap <= _TIED * np.abs(values).max(initial=0.0)
    level = np.where(top & (np.abs(pull) <= _TIED * size), 0.0, pull)
    radii = np.asarray(radii, dtype=np.float64)
    r = np.where(radii > 0.0, radii, 1.0)
    along = _regular(level, gap, r)
    still = np.where(top | (gap == 0.0), 0.0, 0.5 * level / np.where(gap > 0.0, gap, 1.0))
    rest = r**2 - float(still @ still)
    if not level[top].any():
        stuck = rest >= 0.0
        held = np.tile(still, (r.size, 1))
        held[:, -1] += np.sqrt(np.maximum(rest, 0.0))
        along = np.where(stuck[:, None], held, along)
    return np.asarray(np.where(radii[:, None] > 0.0, along @ vectors.T, 0.0))


def _regular(pull: FloatArray, gap: FloatArray, r: FloatArray) -> FloatArray:
    """Points along the axes whose length is r, the multiplier above the largest curvature."""
    high = np.full(r.size, float(np.linalg.norm(pull))) / (2.0 * r)
    high = np.where(high > 0.0, high, 1.0)
    low = np.maximum(float(np.linalg.norm(pull[gap == 0.0])) / (2.0 * r), 1e-18 * high)
    for _ in range(_HALVINGS):
        middle = np.sqrt(low) * np.sqrt(high)
        length = np.linalg.norm(0.5 * pull / (gap + middle[:, None]), axis=1)
        low, high = np.where(length > r, middle, low), np.where(length > r, high, middle)
    x = 0.5 * pull / (gap + (np.sqrt(low) * np.sqrt(high))[:, None])
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x * (r[:, None] / np.where(length > 0.0, length, 1.0)))
