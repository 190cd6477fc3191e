"""Bootstrap-t and permutation: the draws, and the one inversion that gives p-value and interval alike."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.errors import DataError

__all__ = ["RESAMPLES", "Inverted", "as_generator", "check_resamples", "invert_draws", "resampled_moments"]

RESAMPLES = 9999
_ROWS = 64  # resamples at once
_CELLS = 1 << 20  # values at once
_FEW = 8  # values per distinct value from which counting beats gathering
_SAME = 1e-9  # statistics closer than this are one: equal in exact arithmetic, apart by rounding


class Inverted(NamedTuple):
    """Tails of the observed statistic, and the critical values that go with the wanted tails."""

    low_tail: float
    high_tail: float
    low_critical: float
    high_critical: float


def as_generator(rng: object) -> np.random.Generator:
    """Return the generator that `rng` stands for, or an error that says what is wanted."""
    try:
        return np.random.default_rng(rng)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"rng: got {rng!r}; None, a seed or a numpy Generator is wanted") from None


def check_resamples(resamples: object, below: float, above: float) -> int:
    """Return how many resamples to draw; too few to reach into the tails wanted (zero: none) is an error."""
    tail = min(t for t in (below, above) if t > 0)
    if resamples is None:
        resamples = RESAMPLES
    if isinstance(resamples, bool) or not isinstance(resamples, int | np.integer):
        raise DataError(f"resamples: got {resamples!r}; a whole number is wanted")
    if resamples < 1 or not 1.0 / (resamples + 1.0) < tail:
        least = math.floor(1.0 / tail)
        raise DataError(f"resamples: got {resamples}; this confidence needs at least {least}, better ten times that")
    return int(resamples)


def _moments_by_counts(
    values: FloatArray, counts: npt.NDArray[np.intp], resamples: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    n = int(counts.sum())
    total, squares = np.empty(resamples), np.empty(resamples)
    table = np.column_stack([values, values * values])
    rows = max(1, _CELLS // values.size)
    for i in range(0, resamples, rows):
        j = min(i + rows, resamples)
        drawn = rng.multinomial(n, counts / n, size=j - i).astype(np.float64) @ table
        total[i:j], squares[i:j] = drawn[:, 0], drawn[:, 1]
    return total, squares


def _moments_by_gathering(x: FloatArray, resamples: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    total, squares = np.empty(resamples), np.empty(resamples)
    rows = max(1, min(_ROWS, _CELLS // x.size))
    for i in range(0, resamples, rows):
        j = min(i + rows, resamples)
        drawn = x[rng.integers(0, x.size, size=(j - i, x.size), dtype=np.int32)]
        total[i:j] = drawn.sum(axis=1)
        squares[i:j] = np.einsum("ij,ij->i", drawn, drawn)
    return total, squares


def resampled_moments(x: FloatArray, resamples: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return mean and unbiased variance of each bootstrap resample of `x`, which must be centred; shape (resamples,).

    Few distinct values are resampled as counts (multinomial), many by gathering in blocks that stay in cache. A
    resample that is one value over and over has variance exactly zero.
    """
    n = x.size
    values, counts = np.unique(x, return_counts=True)
    if values.size * _FEW <= n:
        total, squares = _moments_by_counts(values, counts, resamples, rng)
    else:
        total, squares = _moments_by_gathering(x, resamples, rng)
    mean = total / n
    spread = squares - total * mean
    return mean, np.where(spread <= 64.0 * np.finfo(np.float64).eps * squares, 0.0, spread) / (n - 1.0)


def _critical(from_outside: FloatArray, reached: FloatArray, tail: float, none: float) -> float:
    """Return the first draw, coming from outside, at which the probability reached is no longer below `tail`."""
    if tail == 0.0:
        return none
    at = int(np.searchsorted(reached, tail, side="left"))
    return float(from_outside[min(at, from_outside.size - 1)])


def invert_draws(
    draws: FloatArray, observed: float, below: float, above: float, weight: FloatArray | None = None
) -> Inverted:
    """Return the tails of `observed` among `draws` and the critical values at which those tails are `above`, `below`.

    Without weights the draws are a sample, and the observed one counts as one more: ``(1 + hits) / (1 + resamples)``.
    With weights they are the whole distribution. A statistic lies beyond a critical value exactly when its tail is
    smaller than wanted: the value of the parameter it belongs to is then outside the interval.
    """
    order = np.argsort(draws, kind="stable")
    rising = draws[order]
    falling = rising[::-1]
    slack = _SAME * max(1.0, abs(observed)) if math.isfinite(observed) else 0.0
    low_hits, high_hits = rising <= observed + slack, rising >= observed - slack
    if weight is None:
        # Whole numbers over one whole number, in the tails and in the critical values: no rounding between them.
        unit = rising.size + 1.0
        low_tail, high_tail = (float(1 + np.count_nonzero(hits)) / unit for hits in (low_hits, high_hits))
        low_reached = high_reached = np.arange(2.0, rising.size + 2.0) / unit
    else:
        w = weight[order]
        low_tail, high_tail = (float(np.minimum(1.0, w[hits].sum())) for hits in (low_hits, high_hits))
        low_reached, high_reached = np.cumsum(w), np.cumsum(w[::-1])
    return Inverted(
        low_tail,
        high_tail,
        _critical(rising, low_reached, above, -math.inf),
        _critical(falling, high_reached, below, math.inf),
    )
