"""Cumulative logit likelihood: fit by Fisher scoring, with or without common slopes, on grouped counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats.errors import NoConvergence

__all__ = ["Grouped", "LogitFit", "fit_logit", "group_rows"]

_STEPS = 200
_SETTLED = 1e-13  # gain in log-likelihood, for its size, at which the fit stands
_LEAST, _THIN = 1e-300, 1e-12


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


def _probabilities(
    data: Grouped, free: npt.NDArray[np.intp], parameters: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return category probabilities (g, k) and density at the cuts (g, k - 1).

    The logit at cut j is threshold less slopes: one slope for all cuts, and for columns `free` one more at each cut
    but the first.
    """
    g, p = data.design.shape
    m = data.counts.shape[1] - 1
    a = parameters[:m] - (data.design @ parameters[m : m + p] - offset)[:, np.newaxis]
    if free.size:
        a[:, 1:] -= data.design[:, free] @ parameters[m + p :].reshape(m - 1, free.size).T
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


def _score(
    data: Grouped, free: npt.NDArray[np.intp], parameters: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return gradient and expected information.

    In the logits at the cuts the information of one row is tridiagonal: `diagonal` and `beside`; `row` is its row sums.
    """
    x, z = data.design, data.design[:, free]
    m, p, c = data.counts.shape[1] - 1, x.shape[1], free.size
    pi, density = _probabilities(data, free, parameters, offset)
    ratio = data.counts / np.maximum(pi, _LEAST)
    # Two cuts that run together leave a category nothing: its weight, a matter of step length only, is kept finite.
    weight = data.counts.sum(axis=1)[:, np.newaxis] / np.maximum(pi, _THIN)
    score = density * (ratio[:, :-1] - ratio[:, 1:])
    gradient = np.concatenate([score.sum(axis=0), -x.T @ score.sum(axis=1), -(score[:, 1:].T @ z).reshape(-1)])
    diagonal = density**2 * (weight[:, :-1] + weight[:, 1:])
    beside = -density[:, :-1] * density[:, 1:] * weight[:, 1:-1]
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


def fit_logit(
    data: Grouped,
    *,
    free: npt.NDArray[np.intp] | None = None,
    offset: FloatArray | None = None,
    start: FloatArray | None = None,
) -> LogitFit:
    """Maximise the likelihood by Fisher scoring with halved steps; `free` columns have a slope for each cut.

    Stops on the log-likelihood, not on the parameters: with separated answers it has a supremum at infinity, and only
    the caller knows whether that will do.
    """
    free = np.zeros(0, dtype=np.intp) if free is None else free
    offset = np.zeros(data.design.shape[0]) if offset is None else offset
    m = data.counts.shape[1] - 1
    at = _start(data, m + data.design.shape[1] + (m - 1) * free.size) if start is None else start
    value = _loglik(data, free, at, offset)
    for _ in range(_STEPS):
        gradient, information = _score(data, free, at, offset)
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
            return LogitFit(at, value, _score(data, free, at, offset)[1])
    raise NoConvergence(f"terms: the fit did not settle in {_STEPS} steps; leave out terms that hardly vary")
