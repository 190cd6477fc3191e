"""Changes of what is hard to change: all runs of a whole plot at once."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.exchange.exchange import State, information
from qstats.doe.exchange.region import Region

__all__ = ["move_plots"]

_GAIN = 1e-9


def move_plots(state: State, region: Region, hard: list[int], grid: tuple[FloatArray, BoolArray]) -> None:
    """Set every whole plot to the best level of one factor after the other, where one is better.

    Parameters
    ----------
    state : State
    region : Region
    hard : list of int
        Factors that change between whole plots only.
    grid : (ndarray, ndarray), shape (f, l)
        Levels of each, and which of them are (the rest is padding).
    """
    plan = state.plan
    levels, real = grid
    fixed = set(plan.plot[: plan.kept].tolist())
    for plot in range(int(plan.plot.max()) + 1):
        if plot in fixed:
            continue
        mine = np.flatnonzero(plan.plot == plot)
        for f, j in enumerate(hard):
            _one(state, region, mine, j, levels[f][real[f]])
    state.refresh()


def _one(state: State, region: Region, mine: np.ndarray[tuple[int], np.dtype[np.intp]], j: int, at: FloatArray) -> None:
    plan, basis = state.plan, state.basis
    s, m = state.coded.shape[0], at.size
    trial = np.broadcast_to(state.coded[:, None, mine], (s, m, mine.size, region.k)).copy()
    trial[..., j] = at[:, None]
    possible = region.inside(trial).all(axis=-1)
    rows = np.zeros((s, m, mine.size, state.rows.shape[-1]))
    rows[..., : basis.p] = basis.rows(trial)
    rows[..., basis.p :] = plan.blocks[mine]
    total = information(state.rows, plan)
    own = _of_plot(state.rows[:, mine], plan.share[mine[0]])
    changed = (total - own)[:, None] + _of_plot(rows, plan.share[mine[0]])
    value = _value(changed, plan.weights)
    now = _value(total[:, None], plan.weights)[:, 0]
    value = np.where(possible, value, -np.inf)
    best = value.argmax(axis=1)
    moved = np.flatnonzero(value[np.arange(s), best] > now + _GAIN)
    at_row = mine[None, :]
    state.coded[moved[:, None], at_row] = trial[moved, best[moved]]
    state.rows[moved[:, None], at_row] = rows[moved, best[moved]]


def _of_plot(rows: FloatArray, c: float) -> FloatArray:
    total = rows.sum(axis=-2)
    out: FloatArray = rows.swapaxes(-1, -2) @ rows - c * total[..., :, None] * total[..., None, :]
    return out


def _value(m: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Mean log of the criterion, larger is better; minus infinity where singular."""
    sign, logdet = np.linalg.slogdet(m)
    p = m.shape[-1]
    good = (sign > 0) & (logdet > -18.0 * p)
    if weights is None:
        return np.where(good, logdet / p, -np.inf)
    sound = np.where(good[..., None, None], m, np.eye(p))
    trace = np.einsum("...ij,ij->...", np.linalg.inv(sound), weights)
    return np.where(good & (trace > 0.0), -np.log(np.where(trace > 0.0, trace, 1.0)), -np.inf)
