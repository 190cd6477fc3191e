"""P-values and intervals of statistics against the same statistics of simulated experiments of one variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["DRAWS", "Judged", "judge", "simulate"]

DRAWS = 19_999
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the simulated experiments say of each statistic.

    Parameters
    ----------
    pvalue, pvalue_simultaneous, reach : ndarray, shape (m,)
        `reach`: half the width of the interval.
    """

    pvalue: FloatArray
    pvalue_simultaneous: FloatArray
    reach: FloatArray


def simulate(statistic: Callable[[FloatArray], FloatArray], n: int, draws: int, seed: int) -> FloatArray:
    """Return the statistics, shape (draws, m), of experiments of n independent standard normal runs."""
    rng, step = np.random.default_rng(seed), max(1, _BLOCK // max(n * n, 64))
    parts = [statistic(rng.standard_normal((min(step, draws - at), n))) for at in range(0, draws, step)]
    return np.concatenate(parts)


def judge(effects: FloatArray, null: FloatArray, level: float) -> Judged:
    r"""Return p-values (1 + number as large)/(1 + draws), and the interval's reach that agrees with them.

    With k the whole part of (1 - level)(draws + 1) the reach is the k-th largest simulated size, so that p is at most
    1 - level exactly where the effect is larger than that.
    """
    draws = null.shape[0]
    size, drawn = np.abs(effects), np.sort(np.abs(null), axis=0)
    k = int(np.floor((1.0 - level) * (draws + 1) + 1e-9))
    reach = drawn[draws - k] if k else np.full(size.size, np.inf)  # so few draws cannot tell so small a chance
    beyond = np.array([draws - np.searchsorted(drawn[:, j], size[j], side="left") for j in range(size.size)])
    # statistics of unlike spread are put on one footing before the largest is taken
    scale = drawn[int(0.5 * draws)]
    scale = np.where(scale > 0.0, scale, 1.0)
    largest = np.sort((np.abs(null) / scale).max(axis=1))
    whole = draws - np.searchsorted(largest, size / scale, side="left")
    return Judged((1.0 + beyond) / (draws + 1.0), (1.0 + whole) / (draws + 1.0), reach)
