"""Two-level factors in definitive screening: what to put in the place of their zeros."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["augmented", "orthogonal"]

_EXHAUSTIVE = 12  # signs tried in all combinations; beyond, one at a time until nothing improves


def augmented(half: FloatArray, where: Any, centers: int) -> tuple[FloatArray, FloatArray]:
    """Return mirror pairs and mirror pairs of centre runs, the signs for the zeros chosen for the largest |X'X|.

    As every run has its mirror image, sums of products of an odd number of columns are zero whatever the signs: main
    effects stay free of second-order effects.
    """
    k = half.shape[1]
    m = where.size
    free = 2 * m
    base = half.T @ half
    rows = half[where]

    def tables(signs: FloatArray) -> tuple[FloatArray, FloatArray]:
        full, middle = half.copy(), np.zeros((1, k))
        full[where, where] = signs[:m]
        middle[0, where] = signs[m:]
        return full, middle

    def value(signs: FloatArray) -> float:
        # X'X / 2 = C'C + D C + C'D + D^2 + v v' over the pairs, D the diagonal put in
        gram = base.copy()
        gram[where] += signs[:m, None] * rows
        gram[:, where] += (signs[:m, None] * rows).T
        gram[where, where] += 1.0
        gram[np.ix_(where, where)] += 0.5 * centers * np.outer(signs[m:], signs[m:])
        return float(np.linalg.slogdet(gram)[1])

    best = _signs(free, value)
    full, middle = tables(best)
    middles = np.tile(np.vstack([middle, -middle]), (centers // 2, 1))
    return np.vstack([full, -full]), middles


def _signs(free: int, value: Any) -> FloatArray:
    """The best of all sign patterns, or of those one change at a time from all plus."""
    if free <= _EXHAUSTIVE:
        tried = [np.array((*s, 1.0)) for s in itertools.product((1.0, -1.0), repeat=free - 1)]
        return tried[int(np.argmax([round(value(s), 9) for s in tried]))]
    best = np.ones(free)
    score, better = value(best), True
    while better:
        better = False
        for i in range(free):
            best[i] *= -1.0
            if (new := value(best)) > score + 1e-9:
                score, better = new, True
            else:
                best[i] *= -1.0
    return best


def orthogonal(half: FloatArray, where: Any, centers: int) -> tuple[FloatArray, FloatArray]:
    """Return pairs whose zeros are +1 on both sides, and centre runs that even that out.

    The product of such a column with any other is C_ij - C_ij = 0 in its pair; in the centre runs -1, and for two to
    four factors one +1 of each in a run of its own, brings sums and products back to zero.
    """
    high, low = half.copy(), -half
    high[where, where] = 1.0
    low[where, where] = 1.0
    middle = np.zeros((centers, half.shape[1]))
    middle[:, where] = -1.0
    if centers == 4:
        middle[np.arange(where.size), where] = 1.0
    return np.vstack([high, low]), middle
