"""Refitting resamples: intervals of every index, and p-values of the fit itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.capability.nonnormal.family import Family
from qstats.capability.nonnormal.indices import index_rows
from qstats.capability.nonnormal.normality import anderson_darling
from qstats.capability.nonnormal.sample import Placed

__all__ = ["Resampled", "fit_statistic", "resampled_indices", "simulated_pvalue"]

_CELLS = 1 << 16  # values at once: a handful of temporaries stay in a second-level cache
_GROUPS = 100
_SIMULATED = 999
_ENOUGH = 200  # values from which the distribution of A squared no longer changes
_LARGE = 2000  # values from which a resample of this many, its scatter shrunk, says the same


class Resampled(NamedTuple):
    """Limits of every index, shape (indices,), and how many resamples could not be fitted."""

    low: FloatArray
    high: FloatArray
    failed: int


def fit_statistic(family: Family, v: FloatArray, theta: FloatArray, low: float | None) -> FloatArray:
    """Return A squared of each row against its fit; values below the resolution are spread evenly over that tail."""
    x = np.sort(v, axis=-1)
    t = theta[:, :, np.newaxis]
    cdf, sf = np.array(family.log_cdf(x, t)), np.array(family.log_sf(x, t))
    if low is not None and (lost := x == -1.0).any():
        count = lost.sum(axis=-1, keepdims=True)
        edge = np.asarray(family.log_cdf(low, t))
        share = edge + np.log((np.arange(x.shape[-1]) + 0.5) / np.maximum(count, 1))
        cdf = np.where(lost, share, cdf)
        sf = np.where(lost, np.log1p(-np.exp(np.minimum(share, 0.0))), sf)
    return anderson_darling(cdf, sf)


def _blocks(rows: int, n: int) -> list[tuple[int, int]]:
    step = max(1, _CELLS // n)
    return [(i, min(i + step, rows)) for i in range(0, rows, step)]


def simulated_pvalue(
    family: Family, theta: FloatArray, low: float | None, n: int, statistic: float, rng: np.random.Generator
) -> float:
    """Return how often samples of the fitted distribution, fitted in their turn, are further from their fit."""
    m = min(n, _ENOUGH)
    t = theta[:, np.newaxis, np.newaxis]
    drawn = []
    for i, j in _blocks(_SIMULATED, m):
        v = family.draw(rng, (j - i, m), t)
        if low is not None:
            v[v < low] = -1.0
        fitted = family.fit(v, low)
        drawn.append(fit_statistic(family, v, fitted, low))
    a = np.concatenate(drawn)
    a = a[~np.isnan(a)]
    return float((1 + np.count_nonzero(a >= statistic)) / (1 + a.size))


def _jackknife(family: Family, placed: Placed, limits: tuple[Any, Any]) -> FloatArray:
    """Return the acceleration of every index from fits that leave out one value (or one of 100 groups)."""
    v = placed.v
    n = v.size
    size = n // _GROUPS if n > 2 * _GROUPS else 1
    groups = _GROUPS if size > 1 else n
    left = []
    index = np.arange(n)
    for i, j in _blocks(groups, n):
        keep = np.stack([np.flatnonzero((index % groups != g) | (index >= groups * size)) for g in range(i, j)])
        left.append(index_rows(family, family.fit(v[keep], placed.low), *limits))
    each = np.concatenate(left, axis=1)
    good = np.isfinite(each)
    mean = np.where(good, each, 0.0).sum(axis=1) / np.maximum(good.sum(axis=1), 1)
    d = np.where(good, mean[:, np.newaxis] - each, 0.0)
    spread = (d * d).sum(axis=1)
    return np.where(spread > 0.0, (d**3).sum(axis=1) / (6.0 * np.where(spread > 0.0, spread, 1.0) ** 1.5), 0.0)


def _limits(draws: FloatArray, estimate: float, a: float, confidence: float) -> tuple[float, float]:
    """Return the bias-corrected and accelerated limits of one index."""
    draws = np.sort(draws[~np.isnan(draws)])
    if np.isnan(estimate) or draws.size < 2:
        return np.nan, np.nan
    below = np.count_nonzero(draws < estimate) + 0.5 * np.count_nonzero(draws == estimate)
    z0 = float(
        scipy.special.ndtri(np.clip(below / draws.size, 1.0 / (draws.size + 1.0), draws.size / (draws.size + 1.0)))
    )
    ends = []
    for sign in (-1.0, 1.0):
        z = z0 + sign * float(scipy.special.ndtri(0.5 + 0.5 * confidence))
        p = float(scipy.special.ndtr(z0 + z / max(1.0 - a * z, 1e-3)))
        at = p * (draws.size + 1.0)
        k = int(np.floor(at)) if sign < 0 else int(np.ceil(at))
        ends.append(float(draws[min(max(k, 1), draws.size) - 1]))
    return min(ends[0], estimate), max(ends[1], estimate)


def resampled_indices(
    family: Family, placed: Placed, theta: FloatArray, limits: tuple[Any, Any],
    resamples: int, confidence: float, rng: np.random.Generator, parametric: bool,
) -> Resampled:  # fmt: skip
    """Return the BCa interval of every index; each resample is fitted anew.

    Resamples are drawn from the fitted distribution (`parametric`) or from the data. Beyond 2000 values a resample
    has 2000, and its distance from the estimate is shrunk by the root of the ratio.
    """
    n = placed.v.size
    some = placed if n <= 2 * _GROUPS else placed._replace(v=rng.permutation(placed.v)[:_LARGE])
    m = min(n, _LARGE)
    shrink = float(np.sqrt(m / n))
    with np.errstate(all="ignore"):
        every = np.concatenate(
            [
                index_rows(
                    family, family.fit(_drawn(family, placed, theta, (j - i, m), rng, parametric), placed.low), *limits
                )
                for i, j in _blocks(resamples, m)
            ],
            axis=1,
        )
        estimate = index_rows(family, theta[:, np.newaxis], *limits)[:, 0]
        accelerated = shrink * _jackknife(family, some, limits)
        if m < n:
            middle = np.where(np.isfinite(estimate), estimate, 0.0)[:, np.newaxis]
            every = middle + shrink * (every - middle)
        ends = [
            _limits(d, float(e), float(a), confidence) for d, e, a in zip(every, estimate, accelerated, strict=True)
        ]
    failed = int(np.count_nonzero(np.isnan(every[3])))
    low, high = (np.array(side) for side in zip(*ends, strict=True))
    return Resampled(low, high, failed)


def _drawn(
    family: Family,
    placed: Placed,
    theta: FloatArray,
    shape: tuple[int, int],
    rng: np.random.Generator,
    parametric: bool,
) -> FloatArray:
    if not parametric:
        return placed.v[rng.integers(0, placed.v.size, size=shape, dtype=np.int64)]
    block = family.draw(rng, shape, theta[:, np.newaxis, np.newaxis])
    if placed.low is not None:
        block[block < placed.low] = -1.0
    return block
