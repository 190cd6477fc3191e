"""Which setting to recommend: calibrate the bound, see what qualifies, look closer about the best."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.compromise.draws import Draws
from qstats.doe.compromise.goals import Goal
from qstats.doe.compromise.safe import Limit, calibrate, multiplier, pointwise, scores
from qstats.doe.compromise.surfaces import Surface

__all__ = ["Decided", "Task", "decide", "runs_factor"]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What to decide by.

    Parameters
    ----------
    surfaces : tuple of Surface
    draws : tuple of Draws
    goals : tuple of Goal
    limits : tuple of Limit
    assurance : float
    bound : {"safe", "pointwise"}
    """

    surfaces: tuple[Surface, ...]
    draws: tuple[Draws, ...]
    goals: tuple[Goal, ...]
    limits: tuple[Limit, ...]
    assurance: float
    bound: str

    def rows(self, coded: FloatArray) -> list[FloatArray]:
        """Return the rows of every surface."""
        return [s.rows(coded) for s in self.surfaces]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """Settings with all that decides about them."""

    coded: FloatArray
    predicted: FloatArray
    loss: FloatArray
    score: FloatArray  # (limits, m)
    need: FloatArray
    probability: FloatArray

    @property
    def least(self) -> FloatArray:
        return np.asarray(self.score.min(axis=0, initial=np.inf))

    def and_(self, other: _Judged) -> _Judged:
        return _Judged(
            np.concatenate([self.coded, other.coded]),
            np.concatenate([self.predicted, other.predicted]),
            np.concatenate([self.loss, other.loss]),
            np.concatenate([self.score, other.score], axis=1),
            np.maximum(self.need, other.need),
            np.concatenate([self.probability, other.probability]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What was decided.

    Parameters
    ----------
    coded : ndarray, shape (m, k)
        The coarse settings, then the closer looks.
    predicted : ndarray, shape (m, q)
    probability, score : ndarray, shape (m,)
        P(all limits hold), and standard errors to the nearest limit.
    safe : ndarray of bool, shape (m,)
    multiplier : float
        Standard errors that were asked for; of several limits with a bound of their own, the largest.
    recommended : int or None
    point : int or None
        Best of those predicted to hold the limits.
    closest : int
        Holds its limits by most standard errors.
    """

    coded: FloatArray
    predicted: FloatArray
    probability: FloatArray
    score: FloatArray
    safe: BoolArray
    multiplier: float
    recommended: int | None
    point: int | None
    closest: int


def _judge(task: Task, coded: FloatArray) -> _Judged:
    rows = task.rows(coded)
    predicted = np.column_stack([s.predicted(x) for s, x in zip(task.surfaces, rows, strict=True)])
    place = {s.name: i for i, s in enumerate(task.surfaces)}
    loss = np.column_stack([g.sign * predicted[:, place[g.response]] for g in task.goals])
    if task.limits:
        need, probability = calibrate(task.limits, task.surfaces, rows, task.draws)
    else:
        need, probability = np.full(task.draws[0].ratio.size, -np.inf), np.ones(coded.shape[0])
    return _Judged(coded, predicted, loss, scores(task.limits, task.surfaces, rows), need, probability)


def _bounds(task: Task, need: FloatArray) -> FloatArray:
    """Standard errors each limit must be held by."""
    each = pointwise(task.limits, task.surfaces, task.assurance)
    if task.bound == "pointwise" or not each.size:
        return each
    return np.full(each.size, multiplier(need, task.assurance, float(each.max())))


def _best(loss: FloatArray, allowed: BoolArray) -> int | None:
    """The allowed setting best in the first goal, of equal ones in the next."""
    some = np.flatnonzero(allowed)
    if not some.size:
        return None
    return int(some[np.lexsort(loss[some].T[::-1])[0]])


def _closest(least: FloatArray, loss: FloatArray) -> int:
    return int(_best(loss, np.asarray(least == least.max(), dtype=np.bool_)) or 0)


def decide(task: Task, coarse: FloatArray, closer: Callable[[FloatArray], FloatArray]) -> Decided:
    """Return what qualifies and which setting is best.

    Parameters
    ----------
    task : Task
    coarse : ndarray, shape (m, k)
    closer : callable
        From a setting to finer ones about it.

    Notes
    -----
    The bound is calibrated anew with the finer settings among those it has to keep out.
    """
    held = _judge(task, coarse)
    for look in range(2):
        bounds = _bounds(task, held.need)
        safe = np.asarray((held.score >= bounds[:, None]).all(axis=0), dtype=np.bool_)
        predicted = np.asarray(held.least >= 0.0, dtype=np.bool_)
        recommended, point = _best(held.loss, safe), _best(held.loss, predicted)
        closest = _closest(held.least, held.loss)
        if look:
            break
        centers = {closest if recommended is None else recommended, closest if point is None else point}
        fine = _new(held.coded, [closer(held.coded[i]) for i in sorted(centers)])
        if not fine.shape[0]:
            break
        held = held.and_(_judge(task, fine))
    largest = float(bounds.max(initial=0.0))
    return Decided(held.coded, held.predicted, held.probability, held.least, safe, largest, recommended, point, closest)


def _new(coded: FloatArray, more: Sequence[FloatArray]) -> FloatArray:
    """Settings among `more` that are not there yet, once each."""
    every = np.round(np.concatenate([coded, *more]), 9)
    _, first = np.unique(every, axis=0, return_index=True)
    some = np.sort(first[first >= coded.shape[0]])
    return np.asarray(np.concatenate([coded, *more])[some])


def runs_factor(bound: float, score: float) -> float | None:
    """Return how many times the runs would bring the nearest limit as far away as asked; None if it is not held."""
    if not score > 0.0:
        return None
    return (bound / score) ** 2 if math.isfinite(score) else 1.0
