"""The region of feasible mixtures: its corners, and the centres of its edges and faces."""

from __future__ import annotations

import itertools
import math

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.errors import DesignError

__all__ = ["corners", "faces"]

_MOST = 400_000
_TOLERANCE = 1e-9


def corners(a: FloatArray, b: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return the corners of ``{x: sum x = 1, a x <= b}`` and which of the inequalities are tight at each.

    Every choice of q - 1 inequalities taken as equations gives at most one point, a corner if it meets the rest.
    """
    m, q = a.shape
    if math.comb(m, q - 1) > _MOST:
        raise DesignError(f"factors: {q} components with {m} limits make too many corners to list; use `optimal`")
    scale = np.maximum(np.linalg.norm(a, axis=1), 1e-300)
    a, b = a / scale[:, None], b / scale
    choice = np.array(list(itertools.combinations(range(m), q - 1)), dtype=np.intp).reshape(-1, q - 1)
    system = np.concatenate([a[choice], np.ones((len(choice), 1, q))], axis=1)
    right = np.concatenate([b[choice], np.ones((len(choice), 1))], axis=1)
    regular = np.abs(np.linalg.det(system)) > 1e-10
    points = np.linalg.solve(system[regular], right[regular][..., None])[..., 0]
    points = points[(points @ a.T <= b + _TOLERANCE).all(axis=1)]
    # numbers that differ by rounding only are the same point
    _, first = np.unique(np.round(points, 8) + 0.0, axis=0, return_index=True)
    points = points[np.sort(first)]
    return points, np.abs(points @ a.T - b) <= 1e-7


def faces(points: FloatArray, tight: BoolArray) -> dict[int, FloatArray]:
    """Return the centres (means of corners) of faces by dimension: 1 edges, 2 faces ... and the whole region.

    A face is a set of corners that share tight inequalities: all intersections of the facets are listed.
    """
    whole = frozenset(range(len(points)))
    facets = {frozenset(np.flatnonzero(column).tolist()) for column in tight.T} - {frozenset(), whole}
    found, fresh = {whole}, {whole}
    while fresh:
        fresh = {face & facet for face in fresh for facet in facets} - found - {frozenset()}
        found |= fresh
        if len(found) > _MOST // 10:
            raise DesignError("centroids: this region has too many faces to list; ask for fewer")
    out: dict[int, list[FloatArray]] = {}
    for face in sorted(found, key=sorted):
        if len(face) > 1:
            own = points[sorted(face)]
            dimension = int(np.linalg.matrix_rank(own[1:] - own[0], tol=1e-7))
            out.setdefault(dimension, []).append(own.mean(axis=0))
    return {d: np.array(rows) for d, rows in out.items()}
