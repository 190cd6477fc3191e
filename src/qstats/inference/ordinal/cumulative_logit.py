"""Cumulative logit likelihood: fit by Fisher scoring, with or without common slopes, on grouped counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats.errors import NoConvergence

__all__ = ["Grouped", "LogitFit", "fit_free", "fit_logit", "group_rows"]

_STEPS = 200
_SETTLED = 1e-13  # gain in log-likelihood, for its size, at which the fit stands
_LEAST, _THIN = 1e-300, 1e-12
_BARRIERS = (1.0, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10)


class Grouped(NamedTuple):
    """Answers counted by category for each distinct row of covariates."""

    design: FloatArray  # (g, p)
    counts: FloatArray  # (g, k)


class LogitFit(NamedTuple):
    """Maximum of the likelihood: thresholds (k - 1), slopes, then extra slopes per cut; information at it."""

    parameters: FloatArray
    loglik: float
    information: FloatArray


def group_rows(design: FloatArray, codes: npt.NDArray[np.intp], k: int) -> Grouped:
    """Count the answers of equal rows together: a million answers of a few segments are a few rows."""
    rows, inverse = np.unique(design, axis=0, return_inverse=True)
    cell = inverse.reshape(-1) * k + codes
    counts = np.bincount(cell, minlength=rows.shape[0] * k).reshape(rows.shape[0], k)
    return Grouped(rows, counts.astype(np.float64))


def _logits(data: Grouped, free: npt.NDArray[np.intp], parameters: FloatArray, offset: FloatArray) -> FloatArray:
    """Return the logits at the cuts (g, k - 1): threshold less slopes.

    One slope for all cuts, and for columns `free` one more at each cut but the first.
    """
    p, m = data.design.shape[1], data.counts.shape[1] - 1
    a = parameters[:m] - (data.design @ parameters[m : m + p] - offset)[:, np.newaxis]
    if free.size:
        a[:, 1:] -= data.design[:, free] @ parameters[m + p :].reshape(m - 1, free.size).T
    return a


def _probabilities(
    data: Grouped, free: npt.NDArray[np.intp], parameters: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return category probabilities (g, k) and density at the cuts (g, k - 1)."""
    g, m = data.design.shape[0], data.counts.shape[1] - 1
    a = _logits(data, free, parameters, offset)
    below, above = scipy.special.expit(a), scipy.special.expit(-a)
    # expit(b) - expit(a) = expit(b) expit(-a) (1 - exp(a - b)): no cancellation in either tail; negative out of order.
    gap = a[:, :-1] - a[:, 1:] if free.size else parameters[: m - 1] - parameters[1:m]
    pi = np.empty((g, m + 1))
    pi[:, 0], pi[:, m] = below[:, 0], above[:, m - 1]
    pi[:, 1:m] = below[:, 1:] * above[:, :-1] * -np.expm1(np.minimum(gap, 1.0))
    return pi, below * above


def _loglik(data: Grouped, free: npt.NDArray[np.intp], parameters: FloatArray, offset: FloatArray) -> float:
    """Return the log-likelihood; minus infinity where thresholds are out of order."""
    pi, _ = _probabilities(data, free, parameters, offset)
    if (pi < 0).any() or (pi <= 0)[data.counts > 0].any():
        return -np.inf
    return float(scipy.special.xlogy(data.counts, pi).sum())


def _expected(
    data: Grouped, free: npt.NDArray[np.intp], parameters: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the score in the logits of each row, and the expected information there: its diagonal and beside it."""
    pi, density = _probabilities(data, free, parameters, offset)
    ratio = data.counts / np.maximum(pi, _LEAST)
    # Two cuts that run together leave a category nothing: its weight, a matter of step length only, is kept finite.
    weight = data.counts.sum(axis=1)[:, np.newaxis] / np.maximum(pi, _THIN)
    diagonal = density**2 * (weight[:, :-1] + weight[:, 1:])
    return density * (ratio[:, :-1] - ratio[:, 1:]), diagonal, -density[:, :-1] * density[:, 1:] * weight[:, 1:-1]


def _observed(
    data: Grouped, free: npt.NDArray[np.intp], parameters: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the same with the observed information: a category that a row never chose weighs nothing there."""
    pi, density = _probabilities(data, free, parameters, offset)
    pi = np.maximum(pi, _LEAST)
    c, c0 = data.counts[:, :-1], data.counts[:, 1:]
    up, down = density / pi[:, :-1], density / pi[:, 1:]
    score = c * up - c0 * down
    tilt = -np.tanh(0.5 * _logits(data, free, parameters, offset))  # 1 - 2F: the density's slope, for its size
    diagonal = c * up**2 + c0 * down**2 - tilt * score
    return score, diagonal, -c0[:, :-1] * down[:, :-1] * up[:, 1:]


def _assembled(
    data: Grouped, free: npt.NDArray[np.intp], score: FloatArray, diagonal: FloatArray, beside: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return gradient and information of the parameters.

    In the logits at the cuts the information of one row is tridiagonal: `diagonal` and `beside`; `row` is its row sums.
    """
    x, z = data.design, data.design[:, free]
    m, p, c = data.counts.shape[1] - 1, x.shape[1], free.size
    gradient = np.concatenate([score.sum(axis=0), -x.T @ score.sum(axis=1), -(score[:, 1:].T @ z).reshape(-1)])
    row = diagonal.copy()
    row[:, :-1] += beside
    row[:, 1:] += beside
    upper = np.zeros((gradient.size, gradient.size))
    upper[np.arange(m), np.arange(m)] = diagonal.sum(axis=0)
    upper[np.arange(m - 1), np.arange(1, m)] = beside.sum(axis=0)
    upper[:m, m : m + p] = -row.T @ x
    upper[m : m + p, m : m + p] = x.T @ (x * row.sum(axis=1)[:, np.newaxis])
    for j in range(1, m if c else 1):  # one step per cut, no more than the scale has
        own = slice(m + p + (j - 1) * c, m + p + j * c)
        upper[m : m + p, own] = x.T @ (z * row[:, [j]])
        upper[j, own], upper[j - 1, own] = -diagonal[:, j] @ z, -beside[:, j - 1] @ z
        upper[own, own] = z.T @ (z * diagonal[:, [j]])
        if j + 1 < m:
            upper[j + 1, own] = -beside[:, j] @ z
            upper[own, own.stop : own.stop + c] = z.T @ (z * beside[:, [j]])
    lower = np.tril_indices(gradient.size, -1)
    upper[lower] = upper.T[lower]
    return gradient, upper


def _step(gradient: FloatArray, information: FloatArray) -> FloatArray:
    """Solve in units of the information's diagonal, with a whiff of ridge for directions that have run off."""
    scale = np.sqrt(np.maximum(np.diag(information), _LEAST))
    scaled = information / np.outer(scale, scale)
    np.fill_diagonal(scaled, scaled.diagonal() + 1e-12)
    return np.linalg.lstsq(scaled, gradient / scale, rcond=None)[0] / scale  # type: ignore[no-any-return]


def _start(data: Grouped, size: int) -> FloatArray:
    """Return the fit without slopes: logits of the cumulative shares."""
    total = data.counts.sum(axis=0)
    share = np.cumsum(total)[:-1] / total.sum()
    start = np.zeros(size)
    start[: share.size] = np.log(share) - np.log1p(-share)
    return start


def fit_logit(data: Grouped, *, offset: FloatArray | None = None, start: FloatArray | None = None) -> LogitFit:
    """Maximise the likelihood by Fisher scoring with halved steps.

    Stops on the log-likelihood, not on the parameters: with separated answers it has a supremum at infinity, and only
    the caller knows whether that will do.
    """
    free = np.zeros(0, dtype=np.intp)
    offset = np.zeros(data.design.shape[0]) if offset is None else offset
    at = _start(data, data.counts.shape[1] - 1 + data.design.shape[1]) if start is None else start
    value = _loglik(data, free, at, offset)
    for _ in range(_STEPS):
        gradient, information = _assembled(data, free, *_expected(data, free, at, offset))
        step = _step(gradient, information)
        better = -np.inf
        for halving in range(40):
            trial = at + step * 0.5**halving
            better = _loglik(data, free, trial, offset)
            if better >= value:
                break
        if not better > value:
            return LogitFit(at, value, information)
        gain, at, value = better - value, trial, better
        if gain <= _SETTLED * (1.0 + abs(value)):
            return LogitFit(at, value, _assembled(data, free, *_expected(data, free, at, offset))[1])
    raise NoConvergence(f"terms: the fit did not settle in {_STEPS} steps; leave out terms that hardly vary")


def _gaps(data: Grouped, free: npt.NDArray[np.intp]) -> FloatArray:
    """Return the matrix that turns parameters into the distances of neighbouring cuts, where these may meet.

    The distance is linear in the free columns, so the corners of what was seen suffice: the ends of one column, the
    levels of several.
    """
    z = data.design[:, free]
    corners = np.array([z.min(axis=0), z.max(axis=0)]) if free.size == 1 else np.unique(z, axis=0)
    m, p, c = data.counts.shape[1] - 1, data.design.shape[1], free.size
    matrix = np.zeros((m - 1, corners.shape[0], m + p + (m - 1) * c))
    for j in range(m - 1):
        own = m + p + j * c
        matrix[j, :, j], matrix[j, :, j + 1], matrix[j, :, own : own + c] = -1.0, 1.0, -corners
        if j:
            matrix[j, :, own - c : own] = corners
    return matrix.reshape(-1, matrix.shape[2])


class _Walled:
    """Log-likelihood plus a barrier ``t log(1 - exp(-gap))``: it ends at the wall and vanishes far from it."""

    def __init__(self, data: Grouped, free: npt.NDArray[np.intp]) -> None:
        self.data, self.free, self.gaps = data, free, _gaps(data, free)
        self.offset = np.zeros(data.design.shape[0])

    def value(self, at: FloatArray, t: float) -> float:
        gap = self.gaps @ at
        if not gap.min() > 0.0:
            return -np.inf
        return _loglik(self.data, self.free, at, self.offset) + t * float(np.log(-np.expm1(-gap)).sum())

    def slopes(self, at: FloatArray, t: float) -> tuple[FloatArray, FloatArray]:
        args = (self.data, self.free, at, self.offset)
        gradient, information = _assembled(self.data, self.free, *_observed(*args))
        gap = np.minimum(self.gaps @ at, 300.0)
        push = t / np.expm1(gap)
        bend = push / -np.expm1(-gap)
        return gradient + push @ self.gaps, information + self.gaps.T @ (self.gaps * bend[:, np.newaxis])

    def climb(self, at: FloatArray, t: float, room: float) -> FloatArray:
        """Return the maximum at this barrier by Newton steps; judged by what a whole step would still gain."""
        value = self.value(at, t)
        for _ in range(_STEPS):
            gradient, information = self.slopes(at, t)
            step = _step(gradient, information)
            promise = 0.5 * float(gradient @ step)
            if promise <= room * (1.0 + abs(value)):
                return at
            trials = (at + step * 0.5**halving for halving in range(50))
            found = next(((x, v) for x in trials if (v := self.value(x, t)) > value), None)
            if found is None:
                break
            at, value = found
        raise NoConvergence("terms: the fit with a slope for each cut did not settle")


def fit_free(data: Grouped, columns: npt.NDArray[np.intp], start: FloatArray) -> float:
    """Return the largest log-likelihood with a slope for each cut of these columns.

    The cuts must stay in order wherever answers were seen, and the maximum often lies where two meet, at an end of a
    column where nobody gave the answer between. The likelihood is concave, the order linear: a barrier that is lowered
    step by step finds the maximum on the wall or off it, no more than the number of gaps times the last barrier below.
    """
    walled = _Walled(data, columns)
    for t in _BARRIERS:
        start = walled.climb(start, t, 1e-4 * t + 1e-13)
    return _loglik(data, columns, start, walled.offset)
