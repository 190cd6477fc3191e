"""Shares of explained variance from correlation matrices, many matrices at once; and their bootstrap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.blocks import block_edges

__all__ = [
    "EXACT",
    "Standardised",
    "correlations",
    "genizi",
    "lmg_exact",
    "lmg_sampled",
    "observed_sums",
    "orderings",
    "resampled_sums",
    "standardise",
]

EXACT = 12  # drivers up to which all subsets are computed: 4096 of them
_TOGETHER = 64  # matrices at once: an innermost axis that fills vector registers and stays in cache
_CELLS = 1 << 20
_ROWS = 1 << 13  # rows whose products are made at a time
_SPAN = 1e-10  # variance left of a standardised driver below which it is a combination of others


class Standardised(NamedTuple):
    """Columns less their weighted mean over their weighted standard deviation, and the weights (sum: rows)."""

    z: FloatArray
    weight: FloatArray
    mean: FloatArray
    scale: FloatArray


def standardise(x: FloatArray, weight: FloatArray) -> Standardised:
    """Return columns of mean 0 and variance 1; a column that is one value over and over gets scale 0 and zeros."""
    w = weight * (weight.size / weight.sum())
    # By a power of two, which costs no digit, so that no square overflows.
    unit = np.exp2(-np.clip(np.frexp(np.abs(x).max(axis=0))[1], -1000, 1000).astype(np.float64))
    x = x * unit
    near = x[np.argmax(w)]  # any value of each column: what is far from zero is brought near first
    d = x - near
    mean = w @ d / w.size
    d = d - mean
    scale = np.sqrt(w @ (d * d) / w.size)
    # One value over and over has no scatter, whatever rounding left of it.
    flat = (np.ptp(x[w > 0.0], axis=0) == 0.0) | (scale <= 1e-15 * np.abs(x).max(axis=0))
    scale = np.where(flat, 0.0, scale)
    z = np.divide(d, scale, out=np.zeros_like(d), where=scale > 0.0)
    return Standardised(z, w, (near + mean) / unit, scale / unit)


def _pairs(q: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    i, j = np.triu_indices(q)
    return i, j


def _products(s: Standardised, part: slice) -> FloatArray:
    """Return weight, weighted columns and weighted products of pairs, row by row."""
    i, j = _pairs(s.z.shape[1])
    z, w = s.z[part], s.weight[part, np.newaxis]
    return np.concatenate([w, w * z, w * z[:, i] * z[:, j]], axis=1)


def resampled_sums(s: Standardised, resamples: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Yield sums over resampled rows of weight, columns and products, a block of resamples at a time.

    How often each row was drawn, times the table of products: one matrix product instead of gathering rows.
    """
    n = s.weight.size
    at_once = max(1, min(_TOGETHER, (1 << 23) // n))
    for i in range(0, resamples, at_once):
        size = min(at_once, resamples - i)
        drawn = np.empty((size, n))
        for row in drawn:
            row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
        yield np.sum([drawn[:, a:b] @ _products(s, slice(a, b)) for a, b in block_edges(n, _ROWS)], axis=0)


def observed_sums(s: Standardised) -> FloatArray:
    """Return the sums of the data as they are, shape (1, sums)."""
    parts = [_products(s, slice(a, b)).sum(axis=0) for a, b in block_edges(s.weight.size, _ROWS)]
    return np.asarray(np.sum(parts, axis=0, keepdims=True), dtype=np.float64)


def correlations(sums: FloatArray, q: int) -> FloatArray:
    """Return correlation matrices, shape (m, q, q); a column without scatter correlates with nothing.

    Columns were standardised before, so the sums lose no digits.
    """
    i, j = _pairs(q)
    total = np.where(sums[:, :1] > 0.0, sums[:, :1], 1.0)  # rows of weight zero only: correlated with nothing
    mean = sums[:, 1 : q + 1] / total
    covariance = sums[:, q + 1 :] / total - mean[:, i] * mean[:, j]
    matrix = np.empty((sums.shape[0], q, q))
    matrix[:, i, j] = matrix[:, j, i] = covariance
    sd = np.sqrt(np.maximum(np.einsum("mii->mi", matrix), 0.0))
    none = sd <= 1e-12
    sd[none] = 1.0
    matrix /= sd[:, :, np.newaxis] * sd[:, np.newaxis, :]
    matrix[none[:, :, np.newaxis] | none[:, np.newaxis, :]] = 0.0
    diagonal = np.einsum("mii->mi", matrix)
    diagonal[...] = 1.0
    return np.clip(matrix, -1.0, 1.0)


def _inverse(pivot: FloatArray) -> FloatArray:
    """Return 1 / pivot, and 0 where a driver is a combination of those before it: it then explains nothing more."""
    return np.divide(1.0, pivot, out=np.zeros_like(pivot), where=pivot > _SPAN)


def _gain_table(p: int) -> FloatArray:
    """Return what R^2 of each subset of p drivers counts for in the share of each driver; shape (2**p, p)."""
    subset = np.arange(1 << p)
    member = (subset[:, np.newaxis] >> np.arange(p)) & 1
    size = member.sum(axis=1)
    fact = scipy.special.gammaln(np.arange(p + 2.0))  # fact[k] = log((k - 1)!)

    def chance(before: npt.NDArray[np.intp]) -> FloatArray:
        inside = np.clip(before, 0, p - 1)
        return np.exp(fact[inside + 1] + fact[p - inside] - fact[p + 1])  # type: ignore[no-any-return]

    gained, lost = chance(size - 1)[:, np.newaxis], chance(size)[:, np.newaxis]
    return np.where(member == 1, gained, -lost)


def _all_r2(matrix: FloatArray) -> FloatArray:
    """Return R^2 of every subset of drivers (bit i: driver i), outcome last; matrices on the last axis.

    Driver after driver each state splits in two: left out (its row and column go), or taken (the rest is what is left
    after regression on it). That is one small step per subset instead of one regression.
    """
    state = matrix[np.newaxis]
    for _ in range(matrix.shape[0] - 1):
        skip = state[:, 1:, 1:]
        slope = state[:, 1:, 0] * _inverse(state[:, 0, 0])[:, np.newaxis]
        state = np.concatenate([skip, skip - slope[:, :, np.newaxis] * state[:, np.newaxis, 0, 1:]])
    return 1.0 - state[:, 0, 0]


def lmg_exact(matrices: FloatArray) -> FloatArray:
    """Return the share of each driver, averaged over all orderings; matrices (m, p + 1, p + 1), outcome last.

    Lindeman, Merenda & Gold (1980); the Shapley value of R^2.
    """
    m, q, _ = matrices.shape
    table = _gain_table(q - 1)
    out = np.empty((m, q - 1))
    for i, j in block_edges(m, _TOGETHER):
        out[i:j] = (table.T @ _all_r2(np.ascontiguousarray(np.moveaxis(matrices[i:j], 0, -1)))).T
    return np.maximum(out, 0.0)


def orderings(p: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return random orderings, each followed by its reverse: a driver that came late comes early, which cancels."""
    half = rng.permuted(np.tile(np.arange(p), (count // 2, 1)), axis=1)
    return np.stack([half, half[:, ::-1]], axis=1).reshape(-1, p)


def lmg_sampled(matrices: FloatArray, order: npt.NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
    """Return shares averaged over given orderings, and their Monte Carlo standard errors; both shape (m, p)."""
    m, q, _ = matrices.shape
    p, runs = q - 1, order.shape[0]
    full = np.concatenate([order, np.full((runs, 1), p)], axis=1)
    share, error = np.empty((m, p)), np.empty((m, p))
    for k in range(m):  # over matrices; the orderings of one fill the arrays
        state = np.ascontiguousarray(np.moveaxis(matrices[k][full[:, :, None], full[:, None, :]], 0, -1))
        gain = np.empty((runs, p))
        for step in range(p):
            slope = state[0, 1:] * _inverse(state[0, 0])
            gain[np.arange(runs), order[:, step]] = slope[-1] * state[0, -1]
            state = state[1:, 1:] - slope[:, np.newaxis] * state[0, np.newaxis, 1:]
        share[k] = gain.mean(axis=0)
        both = gain.reshape(-1, 2, p).mean(axis=1)
        error[k] = both.std(axis=0, ddof=1) / math.sqrt(runs / 2.0)
    return np.maximum(share, 0.0), error


def genizi(matrices: FloatArray) -> FloatArray:
    """Return the shares through the orthogonal variables closest to the drivers; shape (m, p).

    With the symmetric root A of the correlations of the drivers and ``b = A^-1 r``: ``sum_k A_jk^2 b_k^2``. Genizi
    (1993) and Johnson (2000) arrived at the same numbers.
    """
    p = matrices.shape[1] - 1
    value, vector = np.linalg.eigh(matrices[:, :p, :p])
    value = np.where(value > _SPAN, value, 0.0)
    root = np.sqrt(value)
    turned = np.swapaxes(vector, 1, 2)
    forward = (vector * root[:, np.newaxis, :]) @ turned
    inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0.0)
    backward = (vector * inverse[:, np.newaxis, :]) @ turned
    slope = np.einsum("mjk,mk->mj", backward, matrices[:, :p, p])
    return np.einsum("mjk,mk->mj", forward**2, slope**2)  # type: ignore[no-any-return]
