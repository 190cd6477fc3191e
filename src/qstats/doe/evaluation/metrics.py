"""Numbers of a design that need no data: aliases, correlations, variances, degrees of freedom."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.evaluation.matrices import Matrices
from qstats.doe.exchange.region import Region

__all__ = [
    "alias_matrix",
    "balanced",
    "correlations",
    "degrees",
    "inflation",
    "largest_variance",
    "leverages",
    "variance",
]

_ROUNDS = 60
_STARTS = 48
_FRACTIONS = np.array([1.0, 0.6, 0.3, 0.1, 0.03, 0.01])


def variance(held: Matrices, coded: FloatArray) -> FloatArray:
    """Return the variance of a predicted mean at settings of shape (..., k) for sigma = 1 (infinite: singular)."""
    rows = held.basis.rows(coded)
    if held.singular:
        return np.full(rows.shape[:-1], np.inf)
    return np.asarray(((rows @ held.covariance) * rows).sum(axis=-1), dtype=np.float64)


def alias_matrix(held: Matrices, omitted: FloatArray) -> FloatArray:
    """Return by how much one unit of each omitted column shifts each coefficient: (X'V^-1X)^-1 X'V^-1 X2."""
    plan, n = held.plan, len(held.design)
    v = np.eye(n)
    if plan.ratio:
        v += plan.ratio * (plan.plot[:, None] == plan.plot[None, :])
    root = np.linalg.cholesky(v)
    fit, *_ = np.linalg.lstsq(np.linalg.solve(root, held.whole), np.linalg.solve(root, omitted), rcond=1e-10)
    alias: FloatArray = fit[: held.basis.p]
    alias[~held.estimable] = np.nan
    return np.where(np.abs(alias) < 1e-12, 0.0, alias)


def correlations(columns: FloatArray) -> FloatArray:
    """Return correlations of columns; a column that never changes has none with the others (0)."""
    centred = columns - columns.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    live = size > 1e-12 * (1.0 + np.linalg.norm(columns, axis=0))
    unit = np.where(live, centred / np.where(live, size, 1.0), 0.0)
    r = np.clip(unit.T @ unit, -1.0, 1.0)
    np.fill_diagonal(r, 1.0)
    return np.where(np.abs(r) < 1e-12, 0.0, r)


def inflation(held: Matrices) -> FloatArray:
    """Return variance inflation factors: variances over what they would be with orthogonal columns.

    With a constant in the model columns are centred; the constant's own factor has n in place of its sum of squares.
    """
    centre = held.x.mean(axis=0) if held.basis.model.intercept else np.zeros(held.basis.p)
    size = ((held.x - centre) ** 2).sum(axis=0)
    if held.basis.model.intercept:
        size[held.basis.labels.index("1")] = len(held.design)
    with np.errstate(invalid="ignore"):
        return np.where(held.estimable, np.diag(held.ordinary) * size, np.inf)


def leverages(held: Matrices) -> FloatArray:
    """Return the share each run has in its own fitted value; they sum to the rank."""
    u, s, _ = np.linalg.svd(held.whole, full_matrices=False)
    live = s > s.max(initial=0.0) * 1e-10
    return np.asarray((u[:, live] ** 2).sum(axis=1), dtype=np.float64)


def degrees(held: Matrices) -> tuple[int, int]:
    """Return degrees of freedom of the residual, and of them those of pure error (runs repeated within a block)."""
    d = held.design
    keys = np.column_stack([np.round(d.coded, 9), d.block, d.whole_plot])
    distinct = np.unique(keys, axis=0).shape[0]
    return len(d) - held.rank, len(d) - distinct


def balanced(held: Matrices) -> bool:
    """Return whether every factor has each of its settings equally often."""
    counts = [np.unique(np.round(column, 9), return_counts=True)[1] for column in held.design.coded.T]
    return all(int(c.min()) == int(c.max()) for c in counts)


def largest_variance(held: Matrices, region: Region, points: FloatArray) -> float:
    """Return the largest variance of a predicted mean over the region, climbing from corners and the worst points."""
    if held.singular:
        return float("inf")
    rng = np.random.default_rng(7)
    x = np.concatenate([points, np.asarray(held.design.coded)[region.inside(np.asarray(held.design.coded))]])
    if region.cube:
        corners = region.draw(512, rng)
        corners[:, region.ranged] = np.sign(corners[:, region.ranged])
        x = np.concatenate([x, corners])
    value = variance(held, x)
    best = np.argsort(-value)[:_STARTS]
    x, value = x[best], value[best]
    for _ in range(_ROUNDS):
        trial = _neighbours(region, x)
        heights = np.where(region.inside(trial), variance(held, trial), -np.inf)
        top = heights.argmax(axis=1)
        better = heights[np.arange(x.shape[0]), top] > value * (1.0 + 1e-12)
        if not better.any():
            break
        x = np.where(better[:, None], trial[np.arange(x.shape[0]), top], x)
        value = np.where(better, heights[np.arange(x.shape[0]), top], value)
    return float(value.max())


def _neighbours(region: Region, x: FloatArray) -> FloatArray:
    """Settings that differ in one coordinate, or along a line of the mixture or a rule: shape (s, m, k)."""
    found = []
    for j in region.process:
        levels = region.settings(j)
        at = np.linspace(-1.0, 1.0, 41) if levels is None else levels
        trial = np.broadcast_to(x[:, None], (x.shape[0], at.size, region.k)).copy()
        trial[..., j] = at
        found.append(trial)
    ways = region.directions(x)
    if region.rules:
        straight = np.zeros((x.shape[0], 2 * len(region.ranged), region.k))
        for i, j in enumerate(region.ranged):
            straight[:, 2 * i, j], straight[:, 2 * i + 1, j] = 1.0, -1.0
        ways = np.concatenate([ways, straight], axis=1)
    if ways.shape[1]:
        far = region.reach(x[:, None], ways)[..., None] * _FRACTIONS
        found.append((x[:, None, None] + far[..., None] * ways[:, :, None]).reshape(x.shape[0], -1, region.k))
    return np.concatenate(found, axis=1)
