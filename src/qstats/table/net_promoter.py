"""The three classes of the Net Promoter Score, for whoever counts them: here and nowhere else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.table.scores import Scale

__all__ = ["FIRST_PROMOTER", "LAST_DETRACTOR", "NPS_SCALE", "class_columns", "net_class", "three_classes"]

NPS_SCALE = Scale(0, 10)
LAST_DETRACTOR, FIRST_PROMOTER = 6, 9


def three_classes(counts: npt.NDArray[np.integer] | FloatArray) -> tuple[float, float, float]:
    """Return detractors, passives and promoters from how often each score 0 to 10 came, shape (11,)."""
    low, high = counts[: LAST_DETRACTOR + 1], counts[FIRST_PROMOTER:]
    return float(low.sum()), float(counts[LAST_DETRACTOR + 1 : FIRST_PROMOTER].sum()), float(high.sum())


def class_columns(score: FloatArray) -> FloatArray:
    """Return ones where a score, shape (m,), is of a detractor, a passive, a promoter; shape (m, 3)."""
    low, high = score <= LAST_DETRACTOR, score >= FIRST_PROMOTER
    return np.column_stack((low, ~low & ~high, high)).astype(np.float64, copy=False)


def net_class(score: FloatArray) -> FloatArray:
    """Return -1 for a detractor, 0 for a passive, 1 for a promoter; shape (m,)."""
    return (score >= FIRST_PROMOTER).astype(np.float64) - (score <= LAST_DETRACTOR).astype(np.float64)
