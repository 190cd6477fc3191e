"""Search from many starts at once for an objective with edges: what Derringer and Suich's desirability is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.desirability.space import Space

__all__ = ["climb"]

_ROUNDS = 400
_FIRST = 0.5
_LAST = 1e-9
_EDGE = 1e-12

Score = Callable[[FloatArray], FloatArray]


def climb(score: Score, slopes: Score, kinks: BoolArray, x: FloatArray, space: Space) -> tuple[FloatArray, FloatArray]:
    """Return where steps uphill lead from settings x of shape (s, k), and the score there.

    Every start tries steps along the factors, along what moves one response but leaves another as it is, and along the
    limits; it takes the best, goes farther after a success and nearer after a failure.

    Parameters
    ----------
    score : callable
        Settings (m, k) to values (m,) to be large.
    slopes : callable
        Settings (s, k) to the derivatives of the responses, shape (s, r, k).
    kinks : ndarray of bool, shape (r,)
        Responses whose best value is a ridge of the score: steps along all of these ridges at once are tried too.
    x : ndarray, shape (s, k)
    space : Space
    """
    x = x.copy()
    value, reach = score(x), np.full(x.shape[0], _FIRST)
    for _ in range(_ROUNDS):
        at = np.flatnonzero(reach > _LAST)
        if not at.size or not (space.free or space.region.mixture.size):
            break
        ways = _ways(x[at], slopes(x[at]), kinks, space)
        trial = x[at][:, None] + reach[at][:, None, None] * ways
        trial[..., space.free] = np.clip(trial[..., space.free], -1.0, 1.0)
        found = score(trial.reshape(-1, x.shape[1])).reshape(trial.shape[:2])
        found = np.where(space.inside(trial), found, -np.inf)
        best = found.argmax(axis=1)
        each = np.arange(at.size)
        better = found[each, best] > value[at]
        x[at] = np.where(better[:, None], trial[each, best], x[at])
        value[at] = np.where(better, found[each, best], value[at])
        reach[at] = np.where(better, np.minimum(1.5 * reach[at], 1.0), 0.4 * reach[at])
    return x, value


def _ways(x: FloatArray, slope: FloatArray, kinks: BoolArray, space: Space) -> FloatArray:
    """Directions to try from each setting, both ways: shape (s, d, k)."""
    base = _base(space, x.shape[1])
    inner = np.abs(x) < 1.0 - _EDGE  # a range at its end cannot take part in a step along a ridge
    inner[:, space.region.mixture] = True
    slope = _within(slope, space) * inner[:, None, :]
    free = base[None] * inner[:, None, :]
    found = [np.broadcast_to(base, (x.shape[0], *base.shape)), _unit(slope)]
    for r in range(slope.shape[1]):
        found += [_across(free, slope[:, r : r + 1]), _across(np.delete(slope, r, axis=1), slope[:, r : r + 1])]
    if kinks.sum() > 1:
        found.append(_across(free, slope[:, kinks]))
    ways = np.concatenate(found, axis=1)
    ways = np.concatenate([ways, -ways], axis=1)
    if space.region.rules:
        along = space.region.directions(x)
        moved = np.zeros(x.shape[1], dtype=np.bool_)
        moved[list(space.held) + space.stepped] = True
        along = np.where((np.abs(along) * moved).sum(axis=2, keepdims=True) > 0.0, 0.0, along)
        ways = np.concatenate([ways, along], axis=1)
    return ways


def _base(space: Space, k: int) -> FloatArray:
    """One range by itself; of a mixture one share at the cost of another."""
    rows = [np.eye(k)[j] for j in space.free]
    m = space.region.mixture
    rows += [np.eye(k)[a] - np.eye(k)[b] for i, a in enumerate(m) for b in m[:i]]
    return np.array(rows).reshape(len(rows), k)


def _within(slope: FloatArray, space: Space) -> FloatArray:
    """Slopes of changes that are possible: nothing held moves, shares keep their sum."""
    out = np.zeros_like(slope)
    out[..., space.free] = slope[..., space.free]
    if (m := space.region.mixture).size:
        out[..., m] = slope[..., m] - slope[..., m].mean(axis=-1, keepdims=True)
    return out


def _across(ways: FloatArray, normal: FloatArray) -> FloatArray:
    """What is left of directions (s, d, k) once those of `normal` (s, q, k) are taken out, of length 1."""
    n = _unit(normal)
    gram = n @ n.transpose(0, 2, 1)
    share = np.linalg.pinv(gram, hermitian=True) @ (n @ ways.transpose(0, 2, 1))
    return _unit(ways - (share.transpose(0, 2, 1) @ n))


def _unit(ways: FloatArray) -> FloatArray:
    size = np.linalg.norm(ways, axis=-1, keepdims=True)
    return np.where(size > 1e-9 * size.max(initial=1e-300), ways / np.where(size > 0.0, size, 1.0), 0.0)
