"""Exact power of the comparison of scores: the test carried out on every pair of samples that can occur."""

from __future__ import annotations

import math

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import t_sf
from qstats.inference.ordinal.kernels import all_tables, degenerate_pvalue, place
from qstats.inference.power.study_size import Tests

__all__ = ["enumerable", "exact_power"]

_MOST_PAIRS = 260_000


def _samples(s: FloatArray, n: float) -> int:
    """Return how many samples of `n` answers there are in the categories that occur."""
    seen = int(np.count_nonzero(s))
    # The binomial of huge sizes has more digits than anybody wants: two categories have n + 1 samples, more have more.
    return _MOST_PAIRS + 1 if seen > 1 and n > _MOST_PAIRS else math.comb(int(n) + seen - 1, seen - 1)


def enumerable(s: FloatArray, s0: FloatArray, n: float, n0: float) -> bool:
    """Tell whether there are few enough pairs of samples to go through."""
    return _samples(s, n) * _samples(s0, n0) <= _MOST_PAIRS


def _drawn(s: FloatArray, n: float) -> tuple[FloatArray, FloatArray]:
    """Return all samples of `n` answers by category, shape (samples, k), and their multinomial probabilities."""
    seen = np.flatnonzero(s)
    some, _ = all_tables(np.full(seen.size, n), int(n))
    log_chance = scipy.special.gammaln(n + 1.0) - scipy.special.gammaln(some + 1.0).sum(axis=1)
    tables = np.zeros((some.shape[0], s.size))
    tables[:, seen] = some
    return tables, np.exp(log_chance + some @ np.log(s[seen]))


def exact_power(s: FloatArray, s0: FloatArray, n: float, n0: float, tests: Tests) -> float:
    """Return the chance that the Brunner-Munzel comparison rejects, separated and tied samples judged as it does."""
    used = (s > 0.0) | (s0 > 0.0)
    (c, chance), (c0, chance0) = _drawn(s[used], n), _drawn(s0[used], n0)
    rows, rows0 = np.repeat(c, c0.shape[0], axis=0), np.tile(c0, (c.shape[0], 1))
    p = place(rows, rows0)
    flat = p.se == 0.0
    at = np.round(2.0 * p.estimate[flat]) / 2.0
    size, size0 = np.full(at.size, n), np.full(at.size, n0)
    rejected = []
    for test in tests.sides:
        sign = -1.0 if test.side == "less" else 1.0
        tail = np.ones(rows.shape[0])
        tail[~flat] = t_sf(sign * (p.estimate[~flat] - test.null) / p.se[~flat], p.df[~flat])
        low, high = degenerate_pvalue(at, size, size0, test.null)
        tail[flat] = low if test.side == "less" else high
        rejected.append(tail < test.error)
    hit = np.all(rejected, axis=0) if tests.both else np.any(rejected, axis=0)
    return min(1.0, float(np.outer(chance, chance0).reshape(-1) @ hit))
