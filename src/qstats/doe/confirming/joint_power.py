"""Chance that all responses pass: exact for each, bounded for all, simulated where their correlation is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.noncentral_t import nct_sf
from qstats._core.quantiles import t_quantile
from qstats.doe.confirming.criterion import Criterion
from qstats.errors import DataError

__all__ = ["at_least", "correlation_matrix", "each_power", "fewest", "simulated_power"]

_MOST = 1_000_000
_BLOCK = 1 << 14


def degrees(c: Criterion, n: int) -> float:
    """Degrees of freedom of the test: one sample against a fixed value, or two of n runs each."""
    return n - 1.0 if c.reference is not None else 2.0 * n - 2.0


def error(c: Criterion, n: int) -> float:
    """Standard error of the improvement, in units of the standard deviation of a run."""
    return math.sqrt((1.0 if c.reference is not None else 2.0) / n)


def each_power(criteria: Sequence[Criterion], n: int, alpha: float) -> FloatArray:
    """Return the exact power of each one-sided t test with n runs at each setting."""
    df = np.array([degrees(c, n) for c in criteria])
    delta = np.array([c.gap / (c.sd * error(c, n)) for c in criteria])
    return np.asarray(nct_sf(t_quantile(1.0 - alpha, df), df, np.minimum(delta, 1e6)), dtype=np.float64)


def at_least(each: FloatArray) -> float:
    """Return the least joint power that powers of the single tests allow, however they hang together."""
    return max(0.0, 1.0 - float((1.0 - each).sum()))


def fewest(enough: Callable[[int], bool], least: int = 2) -> int:
    """Return the smallest n that is enough: doubled until it is, then halved between.

    Raises
    ------
    DataError
        A million runs are not enough.
    """
    high = least
    while not enough(high):
        if high >= _MOST:
            raise DataError(f"responses: {_MOST} runs at each setting are not enough; take larger margins")
        high *= 2
    low = high // 2 if high > least else least - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def correlation_matrix(given: Any, criteria: Sequence[Criterion]) -> FloatArray | None:
    """Return the correlation of the improvements from that of the responses as measured; None if not said."""
    if given is None:
        return None
    r = len(criteria)
    try:
        held = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"correlation: got {given!r}; a number or a table of numbers is wanted") from None
    if held.ndim == 0:
        held = np.where(np.eye(r, dtype=np.bool_), 1.0, float(held))
    ok = held.shape == (r, r) and np.isfinite(held).all() and np.array_equal(held, held.T)
    if not ok or not (np.diag(held) == 1.0).all() or float(np.linalg.eigvalsh(held).min()) < 0.0:
        raise DataError(
            f"correlation: one number, or a symmetric {r} by {r} table with 1 on its diagonal, is wanted, such as"
            " responses can have"
        )
    sign = np.array([c.sign for c in criteria])
    return np.asarray(held * np.outer(sign, sign))


def simulated_power(
    criteria: Sequence[Criterion], n: int, alpha: float, correlation: FloatArray, draws: int, seed: int
) -> float:
    """Return the share of simulated experiments that all responses pass.

    Means are normal and the estimated variances a diagonal of a Wishart matrix, both with this correlation.
    """
    df = degrees(criteria[0], n)
    delta = np.array([c.gap / (c.sd * error(c, n)) for c in criteria])
    need = np.asarray(t_quantile(1.0 - alpha, df))
    value, vector = np.linalg.eigh(correlation)
    root = vector * np.sqrt(np.maximum(value, 0.0))
    rng, passed, r = np.random.default_rng(seed), 0, len(criteria)
    below = np.tril(np.ones((r, r)), -1).astype(np.bool_)
    for start in range(0, draws, _BLOCK):
        m = min(_BLOCK, draws - start)
        z = rng.normal(size=(m, r)) @ root.T + delta
        passed += int((z > need * np.sqrt(_variances(rng, m, r, df, root, below))).all(axis=1).sum())
    return passed / draws


def _variances(
    rng: np.random.Generator, m: int, r: int, df: float, root: FloatArray, below: np.ndarray[Any, Any]
) -> FloatArray:
    """Estimated variances of responses of variance 1: diagonals of Wishart matrices over their degrees of freedom.

    Bartlett's triangle needs as many degrees of freedom as responses; with fewer the matrix is a sum of squares.
    """
    if df >= r:
        part = np.where(below, rng.normal(size=(m, r, r)), 0.0)
        part[:, np.arange(r), np.arange(r)] = np.sqrt(rng.chisquare(df - np.arange(r), size=(m, r)))
    else:
        part = rng.normal(size=(m, r, int(df)))
    held: FloatArray = ((root @ part) ** 2).sum(axis=2) / df
    return held
