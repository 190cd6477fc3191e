"""Numbers of a house of quality: ranks that uncertain weights leave open, and ranks under changed cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray

__all__ = [
    "Drawn",
    "dominated",
    "draws_of_respondents",
    "draws_of_weights",
    "open_ranks",
    "ranks",
    "ranks_one_cell_off",
]

IntArray = npt.NDArray[np.int64]
_CELLS = 1 << 22  # numbers at once
_SAME = 1e-9


class Drawn(NamedTuple):
    """What resampling gives: simultaneous critical value, differences, their standard errors, shares."""

    critical: float
    gap: FloatArray  # (pairs,) importance of the first less that of the second
    error: FloatArray  # (pairs,)
    shares: FloatArray  # (resamples, m)
    exact: bool  # whether an error of zero means certainty (weights given as known), or only that nobody disagreed
    clipped: float = 0.0  # share of the drawn weights that were below zero


def _pairs(m: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(m, 1)


def _shares(importance: FloatArray) -> FloatArray:
    total = importance.sum(axis=-1, keepdims=True)
    shares: FloatArray = np.divide(importance, total, out=np.zeros_like(importance), where=total > 0)
    return shares


def _quantile(largest: FloatArray, confidence: float) -> float:
    """Return the draw that leaves at most ``1 - confidence`` beyond it, the observed value counting as one more."""
    at = int(np.ceil(confidence * (largest.size + 1.0) - _SAME)) - 1
    return float("inf") if at >= largest.size else float(np.partition(largest, at)[at])


def draws_of_respondents(
    ratings: FloatArray, relations: FloatArray, resamples: int, confidence: float, rng: np.random.Generator
) -> Drawn:
    """Resample respondents; ``max |t|`` over all pairs of characteristics, studentised inside each resample."""
    n = ratings.shape[0]
    y = ratings @ relations  # (n, m): each respondent's importance of each characteristic
    j, k = _pairs(y.shape[1])
    d = y[:, j] - y[:, k]
    gap = d.mean(axis=0)
    d = d - gap  # centred: what a resample's mean is compared with is then zero
    size = np.abs(y).max(initial=0.0)
    error = np.sqrt((d * d).sum(axis=0) / (n - 1.0) / n)
    error[error <= 1e-12 * size] = 0.0
    squares = d * d
    rows = max(1, _CELLS // max(n, d.shape[1], 1))
    largest, shares = np.empty(resamples), np.empty((resamples, y.shape[1]))
    for i in range(0, resamples, rows):
        block = slice(i, min(i + rows, resamples))
        times = rng.multinomial(n, np.full(n, 1.0 / n), size=block.stop - i).astype(np.float64)
        mean = times @ d / n
        spread = np.sqrt(np.maximum(times @ squares / n - mean * mean, 0.0) / (n - 1.0))
        flat = spread <= 1e-9 * error * np.sqrt(n)
        t = np.abs(mean) / np.where(flat, 1.0, spread)
        t[flat] = np.where(np.abs(mean) > 1e-9 * error * np.sqrt(n), np.inf, 0.0)[flat]
        t[:, error == 0.0] = 0.0
        largest[block] = t.max(axis=1, initial=0.0)
        shares[block] = _shares(times @ y / n)
    return Drawn(_quantile(largest, confidence), gap, error, shares, False)


def draws_of_weights(
    weights: FloatArray,
    standard_errors: FloatArray,
    relations: FloatArray,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> Drawn:
    """Draw normal weights with the standard errors given; the differences are linear, so their errors are known."""
    j, k = _pairs(relations.shape[1])
    slope = relations[:, j] - relations[:, k]  # (needs, pairs)
    gap = weights @ slope
    error = np.sqrt((standard_errors**2) @ (slope * slope))
    rows = max(1, _CELLS // max(slope.shape[1], weights.size, 1))
    largest, shares = np.empty(resamples), np.empty((resamples, relations.shape[1]))
    below = 0
    for i in range(0, resamples, rows):
        block = slice(i, min(i + rows, resamples))
        off = rng.standard_normal((block.stop - i, weights.size)) * standard_errors
        t = np.divide(np.abs(off @ slope), error, out=np.zeros((off.shape[0], error.size)), where=error > 0)
        largest[block] = t.max(axis=1, initial=0.0)
        drawn = weights + off
        below += int(np.count_nonzero(drawn < 0.0))
        shares[block] = _shares(np.maximum(drawn, 0.0) @ relations)
    return Drawn(_quantile(largest, confidence), gap, error, shares, True, below / (resamples * weights.size))


def dominated(relations: FloatArray, positive: BoolArray) -> BoolArray:
    """Return where a characteristic (row) serves every need at least as well as another (column), and one better.

    Such a pair is ordered whatever the weights are, as long as they are not negative and that one is above zero.
    """
    m = relations.shape[1]
    out = np.zeros((m, m), dtype=np.bool_)
    for i in range(m):
        better = relations[:, i : i + 1] >= relations
        out[i] = better.all(axis=0) & (relations[positive, i : i + 1] > relations[positive]).any(axis=0)
    return out


def open_ranks(drawn: Drawn | None, surely: BoolArray) -> tuple[IntArray, IntArray]:
    """Return lowest and highest rank left open for each characteristic, for all at once."""
    larger = surely.copy()
    if drawn is not None:
        j, k = _pairs(surely.shape[0])
        told = np.abs(drawn.gap) > drawn.critical * drawn.error
        told &= (drawn.error > 0.0) | drawn.exact
        larger[j[told & (drawn.gap > 0)], k[told & (drawn.gap > 0)]] = True
        larger[k[told & (drawn.gap < 0)], j[told & (drawn.gap < 0)]] = True
    above, below = larger.sum(axis=0), larger.sum(axis=1)
    return (1 + above).astype(np.int64), (surely.shape[0] - below).astype(np.int64)


def ranks(importance: FloatArray) -> IntArray:
    """Return the rank of each entry of the last axis, largest first; equal ones share the best rank."""
    out = np.empty(importance.shape, dtype=np.int64)
    slack = _SAME * np.maximum(np.abs(importance).max(axis=-1, initial=0.0), 1e-300)
    for j in range(importance.shape[-1]):
        larger = importance > importance[..., j : j + 1] + slack[..., None]
        out[..., j] = 1 + larger.sum(axis=-1)
    return out


def ranks_one_cell_off(weights: FloatArray, relations: FloatArray, scale: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the lowest and highest rank of each characteristic when any one cell is one step of the scale off."""
    needs, m = relations.shape
    code = np.searchsorted(scale, relations)
    importance = weights @ relations
    best = worst = ranks(importance)
    for step in (-1, 1):
        moved = np.clip(code + step, 0, scale.size - 1)
        change = weights[:, None] * (scale[moved] - relations)  # (needs, m)
        for i in range(needs):
            case = np.repeat(importance[None, :], m, axis=0)
            case[np.arange(m), np.arange(m)] += change[i]
            found = ranks(case)
            best, worst = np.minimum(best, found.min(axis=0)), np.maximum(worst, found.max(axis=0))
    return best, worst
