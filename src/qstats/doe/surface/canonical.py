"""The canonical form of a second-order surface: its axes, curvatures along them, and the stationary point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.surface.quadratic import Quadratic

__all__ = ["Axes", "axes_of", "direction_errors", "nature_of", "point_errors"]

_ZERO = 1e-10  # of the largest curvature: below it rounding


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Canonical axes.

    Parameters
    ----------
    values : ndarray, shape (k,)
        Curvatures, largest first.
    vectors : ndarray, shape (k, k)
        Axes as columns, each with its largest entry positive.
    curved : ndarray of bool, shape (k,)
        Curvatures that do not count as zero.
    contrasts : ndarray, shape (k, p)
        What the curvatures follow from, the axes held.
    point : ndarray, shape (k,)
        Stationary point along the curved axes; the one nearest the centre if some are not curved.
    """

    values: FloatArray
    vectors: FloatArray
    curved: BoolArray
    contrasts: FloatArray
    point: FloatArray


def axes_of(q: Quadratic, threshold: float) -> Axes:
    """Return the canonical axes; curvatures smaller than the threshold count as zero."""
    values, vectors = np.linalg.eigh(q.square)
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(values.size)] < 0.0, -1.0, 1.0)
    size = np.abs(values)
    curved = (size > _ZERO * size.max()) & (size >= threshold)
    contrasts = np.einsum("ia,jb,ijp->abp", vectors, vectors, q.square_map, optimize=True)
    own = np.diagonal(contrasts, axis1=0, axis2=1).T
    pull = vectors.T @ q.linear
    along = np.where(curved, -0.5 * pull / np.where(curved, values, 1.0), 0.0)
    return Axes(values, vectors, curved, np.ascontiguousarray(own), vectors @ along)


def direction_errors(q: Quadratic, axes: Axes, fitted: Fitted) -> FloatArray:
    """Return standard errors of the entries of the axes, shape (k, k); infinite where two curvatures are equal.

    First-order perturbation: the axis i moves by sum over j of m_j (m_j' dB m_i) / (l_i - l_j).
    """
    k = axes.values.size
    turned = np.einsum("ia,jb,ijp->abp", axes.vectors, axes.vectors, q.square_map, optimize=True)
    gap = axes.values[:, None] - axes.values[None, :]
    tied = np.abs(gap) <= _ZERO * np.abs(axes.values).max()
    alone = ~tied | np.eye(k, dtype=np.bool_)
    inverse = np.where(tied, 0.0, 1.0 / np.where(tied, 1.0, gap))
    move = np.einsum("cj,jip,ij->cip", axes.vectors, turned, inverse, optimize=True)
    errors = fitted.standard_errors(move.reshape(k * k, -1)).reshape(k, k)
    return np.where(alone.all(axis=1)[None, :], errors, np.inf)


def point_errors(q: Quadratic, axes: Axes, fitted: Fitted) -> FloatArray | None:
    """Return standard errors of the stationary point, shape (k,), by the delta method; None if some axis is flat."""
    if not axes.curved.all():
        return None
    inverse = (axes.vectors / axes.values) @ axes.vectors.T
    return fitted.standard_errors(-0.5 * inverse @ q.gradients(axes.point[None, :])[0])


def nature_of(axes: Axes) -> str:
    """Return what the stationary point is by the signs of the curvatures."""
    if not axes.curved.any():
        return "flat"
    if not axes.curved.all():
        return "ridge"
    if (axes.values < 0.0).all():
        return "maximum"
    return "minimum" if (axes.values > 0.0).all() else "saddle"
