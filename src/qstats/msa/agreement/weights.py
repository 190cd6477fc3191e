"""How much two different categories still agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice
from qstats.errors import DataError
from qstats.msa.agreement.coding import Codes

__all__ = ["WEIGHTS", "check_categories", "kinds_of_parts", "one_hot", "tally_rows", "weight_matrix"]

WEIGHTS = ("none", "linear", "quadratic")
MOST = 200  # categories: beyond, the answers are measurements


def weight_matrix(k: int, kind: object) -> FloatArray:
    """Return weights of agreement, shape (k, k): 1 on the diagonal, falling with the steps between the categories."""
    check_choice(kind, "weights", WEIGHTS)
    if kind == "none" or k == 1:
        return np.eye(k)
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1.0)
    return 1.0 - (steps if kind == "linear" else steps * steps)


def check_categories(k: int, name: str) -> None:
    """Refuse more categories than an attribute can have."""
    if k > MOST:
        raise DataError(
            f"{name}: {k} different answers; these are measurements, not categories: use gauge_rr or "
            "intraclass_correlation, krippendorff_alpha(metric='interval'), or round them to classes"
        )


def one_hot(codes: Codes, k: int) -> FloatArray:
    """Return indicators, shape (n, k); a missing answer is a row of zeros."""
    indicator: BoolArray = codes[:, None] == np.arange(k)
    return indicator.astype(np.float64)


def tally_rows(codes: npt.NDArray[np.intp], k: int) -> FloatArray:
    """Return how often each row holds each category, shape (n, k)."""
    n = codes.shape[0]
    flat = codes.reshape(n, -1)
    shifted = flat + (np.arange(n) * (k + 1))[:, None] + 1  # place 0 of each row takes the missing
    counts = np.bincount(shifted.ravel(), minlength=n * (k + 1)).reshape(n, k + 1)[:, 1:]
    return counts.astype(np.float64)


def kinds_of_parts(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the different rows and how often each comes: a million parts are a few dozen kinds."""
    if counts.shape[1] <= 12 and counts.max() < 32:  # rows fit one whole number each
        key = (counts.astype(np.int64) << (5 * np.arange(counts.shape[1]))).sum(axis=1)
        _, first, number = np.unique(key, return_index=True, return_counts=True)
        return counts[first], number.astype(np.float64)
    rows, number = np.unique(counts, axis=0, return_counts=True)
    return rows, number.astype(np.float64)
