"""Latin hypercubes with points far apart: values of one column are exchanged between two points while that helps."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray

__all__ = ["Budget", "maximin", "random_hypercube", "squared_distances"]

IntArray = npt.NDArray[np.int64]
_FAR = np.iinfo(np.int64).max
_PARTNERS = 128  # points an exchange is tried with; beyond, they are drawn
_POWERS = (5, 10, 20, 40)


class Budget:
    """How many exchanges may still be looked for, and until when (CPU time)."""

    def __init__(self, iterations: int, seconds: float | None) -> None:
        self.left = iterations
        self.until = None if seconds is None else time.process_time() + seconds

    def spend(self) -> bool:
        """Take one; False where none is left."""
        self.left -= 1
        return self.left >= 0 and (self.until is None or time.process_time() < self.until)


def random_hypercube(n: int, k: int, rng: np.random.Generator) -> IntArray:
    """Return n points with each whole number from 0 to n - 1 once in every column."""
    return rng.permuted(np.tile(np.arange(n, dtype=np.int64)[:, None], (1, k)), axis=0)


def squared_distances(x: IntArray) -> IntArray:
    """Return squared distances between all points; of a point to itself, more than any."""
    norm = (x * x).sum(axis=1)
    d: IntArray = norm[:, None] + norm[None, :] - 2 * (x @ x.T)
    np.fill_diagonal(d, _FAR)
    return d


def maximin(n: int, k: int, rng: np.random.Generator, budget: Budget) -> tuple[IntArray, int, int]:
    """Return points with a large smallest distance, its square, and the starts made.

    Each start goes down the sum of d^-2p, in which close pairs weigh the more the higher p, by exchanges that move one
    of the most crowded points; p rises when none helps. The smallest distance decides within and between starts.
    """
    best, score, made = random_hypercube(n, k, rng), -1, 0
    while made == 0 or budget.left > 0:
        x, found = _descend(random_hypercube(n, k, rng), budget, rng)
        made += 1
        if found > score:
            best, score = x, found
        if budget.until is not None and time.process_time() >= budget.until:
            break
    return best, score, made


def _descend(x: IntArray, budget: Budget, rng: np.random.Generator) -> tuple[IntArray, int]:
    n, k = x.shape
    scale = k * n * (n + 1) / 6.0  # squared distance of two points on average
    d = squared_distances(x)
    kept, score = x.copy(), int(d.min())
    for p in _POWERS:
        while budget.spend() and _exchange(x, d, p, scale, rng):
            if (now := int(d.min())) > score:
                kept, score = x.copy(), now
    return kept, score


def _weight(d: IntArray, p: int, scale: float) -> FloatArray:
    return np.asarray((scale / d) ** p)


def _exchange(x: IntArray, d: IntArray, p: int, scale: float, rng: np.random.Generator) -> bool:
    """Make the best exchange of one of the four most crowded points; False where none helps."""
    n = len(x)
    w = _weight(d, p, scale)
    burden = w.sum(axis=1)
    partners = np.arange(n) if n <= _PARTNERS else rng.choice(n, _PARTNERS, replace=False)
    for i in np.argsort(burden)[::-1][:4].tolist():
        gains = np.stack([_gain(x[:, c], d, w, burden, i, partners, p, scale) for c in range(x.shape[1])])
        c, at = divmod(int(np.argmin(gains)), len(partners))
        if gains[c, at] < -1e-9 * burden[i]:
            t = int(partners[at])
            x[i, c], x[t, c] = x[t, c], x[i, c]
            for row in (i, t):
                line = ((x - x[row]) ** 2).sum(axis=1)
                line[row] = _FAR
                d[row] = d[:, row] = line
            return True
    return False


def _gain(
    v: IntArray, d: IntArray, w: FloatArray, burden: FloatArray, i: int, t: IntArray, p: int, scale: float
) -> FloatArray:
    """Change of the sum where point i exchanges its value v with each of the points t."""
    change = (v[t, None] - v[None, :]) ** 2
    own = (v[i] - v) ** 2
    row = np.arange(t.size)
    new_i = d[i] + change - own
    new_t = d[t] + own - change
    new_i[:, i] = new_t[row, t] = _FAR
    new_i[row, t] = new_t[:, i] = d[i, t]  # the distance of the two to each other stays
    gain = (_weight(new_i, p, scale) + _weight(new_t, p, scale)).sum(axis=1) - burden[i] - burden[t]
    gain[t == i] = 0.0
    return np.asarray(gain)
