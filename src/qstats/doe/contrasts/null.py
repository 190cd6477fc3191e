"""What contrasts over their pseudo standard error do with nothing active: tabled for Lenth's, simulated for others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import normal_quantile, normal_sf
from qstats.doe.contrasts.pse import pseudo_error

__all__ = ["FLOOR", "GRID", "SEED", "TABLED", "Null", "null_distribution", "simulate_null"]

FLOOR = 2e-5  # smallest tail probability that so many draws can tell
SEED = 19_890_469  # of the table and of what is simulated at run time: Lenth 1989, page 469
TABLED = (3, 127)
_FILE = Path(__file__).with_name("lenth_null.npz")
_VALUES = 8_000_000  # contrasts drawn at run time: well under a second
_BINS = 1 << 18
_LOW, _HIGH = -14.0, 12.0  # logarithms of the smallest and largest ratio told apart

# Tails are held at equal steps of the normal deviate that has the same two-sided tail: straight lines between them are
# nearly exact, since the ratio of many contrasts is itself nearly normal.
GRID: FloatArray = np.linspace(0.0, float(normal_quantile(1.0 - FLOOR / 2.0)), 86)


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """The distribution of ``|contrast| / PSE`` when all contrasts are inert.

    Parameters
    ----------
    individual, simultaneous : ndarray, shape (86,)
        Ratio that one contrast, and the largest of all, passes with the tail probability of each point of `GRID`.
    sets : int
        How many sets of contrasts were drawn.
    seed : int
    """

    individual: FloatArray
    simultaneous: FloatArray
    sets: int
    seed: int

    def critical(self, alpha: float, *, simultaneous: bool = False) -> float:
        """Return the ratio passed with probability `alpha`."""
        held = self.simultaneous if simultaneous else self.individual
        return float(np.interp(float(normal_quantile(1.0 - alpha / 2.0)), GRID, held))

    def tail(self, ratio: FloatArray, *, simultaneous: bool = False) -> FloatArray:
        """Return the probability to pass each ratio; never below `FLOOR`."""
        held = self.simultaneous if simultaneous else self.individual
        z = np.interp(ratio, held, GRID)
        return np.asarray(np.clip(2.0 * normal_sf(z), FLOOR, 1.0), dtype=np.float64)


def _counts(m: int, sets: int, kind: str, seed: int) -> tuple[FloatArray, FloatArray]:
    """Histograms of the logarithm of all ratios, and of the largest of each set."""
    rng = np.random.default_rng([seed, m])
    one, top = np.zeros(_BINS), np.zeros(_BINS)
    step = max(1, 4_000_000 // m)
    for start in range(0, sets, step):
        n = min(step, sets - start)
        c = np.abs(rng.standard_normal((n, m), dtype=np.float32))
        c.sort(axis=1)
        c /= pseudo_error(c, kind)[:, None]
        place = np.log(np.maximum(c, np.float32(1e-6)))
        place = ((place - _LOW) * (_BINS / (_HIGH - _LOW))).astype(np.int32)
        np.clip(place, 0, _BINS - 1, out=place)
        one += np.bincount(place.ravel(), minlength=_BINS)
        top += np.bincount(place[:, -1], minlength=_BINS)
    return one, top


def _quantiles(count: FloatArray) -> FloatArray:
    """Ratios with the tail probabilities of the grid."""
    tail = np.concatenate([np.cumsum(count[::-1])[::-1], [0.0]]) / count.sum()
    edge = np.linspace(_LOW, _HIGH, _BINS + 1)
    wanted = 2.0 * normal_sf(GRID)
    out = np.exp(np.interp(-wanted, -tail, edge))
    out[0] = 0.0
    return np.asarray(out, dtype=np.float64)


def simulate_null(m: int, sets: int, *, kind: str = "lenth", seed: int = SEED) -> Null:
    """Return the distribution of so many drawn sets of m inert contrasts."""
    one, top = _counts(m, sets, kind, seed)
    return Null(_quantiles(one), _quantiles(top), sets, seed)


@lru_cache(maxsize=1)
def _table() -> dict[int, Null]:
    with np.load(_FILE) as held:
        return {
            int(m): Null(a.astype(np.float64), b.astype(np.float64), int(n), int(held["seed"]))
            for m, a, b, n in zip(held["m"], held["individual"], held["simultaneous"], held["sets"], strict=True)
        }


@lru_cache(maxsize=64)
def null_distribution(m: int, kind: str = "lenth") -> Null:
    """Return the distribution for m contrasts: from the table where it holds it, else simulated once and kept."""
    if kind == "lenth" and TABLED[0] <= m <= TABLED[1]:
        return _table()[m]
    return simulate_null(m, max(_VALUES // m, 20_000), kind=kind)
