"""Fleiss' kappa and Gwet's AC from counts of answers per part: coefficient and influence of each part."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.msa.agreement.pairs import PairFit

__all__ = ["fleiss_null_se", "multirater_fit", "one_against_rest", "standard_error"]


def multirater_fit(counts: FloatArray, w: FloatArray, chance: str, number: FloatArray) -> PairFit | None:
    """Return the coefficient with influence per row; None where chance alone agrees fully.

    Parameters
    ----------
    counts : ndarray, shape (n, k)
        Answers of each part in each category; parts with one answer help to see how common categories are.
    w : ndarray, shape (k, k)
    chance : {"fleiss", "gwet"}
    number : ndarray, shape (n,)
        How many parts each row stands for; every row has an answer.
    """
    n, k = float(number.sum()), counts.shape[1]
    answers = counts.sum(axis=1)
    several = answers >= 2
    if not several.any():
        return None
    pairs = np.where(several, answers * (answers - 1.0), 1.0)
    weighed = counts @ w
    each = np.where(several, (counts * (weighed - 1.0)).sum(axis=1) / pairs, 0.0)
    twice = float(number @ several)
    observed = float(number @ each) / twice
    p = number @ (counts / answers[:, None]) / n
    if chance == "fleiss":
        expected = float(p @ w @ p)
        own = counts @ (0.5 * (w + w.T) @ p) / answers
    else:
        unit = float(w.sum()) / (k * (k - 1.0)) if k > 1 else 0.0
        expected = unit * float((p * (1.0 - p)).sum())
        own = unit * (counts @ (1.0 - p)) / answers
    rest = 1.0 - expected
    if rest < 1e-12:
        return None
    value = (observed - expected) / rest
    part = n / twice * (each - expected * several) / rest
    influence = part - 2.0 * (1.0 - value) * (own - expected) / rest - value
    return PairFit(
        value, influence, observed, expected, fleiss_null_se(counts, number) if chance == "fleiss" else math.nan
    )


def standard_error(influence: FloatArray, number: FloatArray) -> float:
    """Return the standard error of a coefficient from its influence values (mean zero)."""
    n = float(number.sum())
    return math.sqrt(float(number @ (influence * influence)) / (n * (n - 1.0))) if n > 1.0 else math.nan


def fleiss_null_se(counts: FloatArray, number: FloatArray) -> float:
    """Return the standard error under chance alone (Fleiss, Nee & Landis 1979); NaN if parts have unequal answers."""
    n = float(number.sum())
    m = float(counts[0].sum())
    if m < 2.0 or bool((counts.sum(axis=1) != m).any()):
        return math.nan
    p = number @ counts / (n * m)
    q = 1.0 - p
    spread = float((p * q).sum())
    if spread <= 0.0:
        return math.nan
    inside = spread * spread - float((p * q * (q - p)).sum())
    return math.sqrt(2.0 * max(inside, 0.0) / (n * m * (m - 1.0))) / spread


def one_against_rest(counts: FloatArray, category: int) -> FloatArray:
    """Return counts of one category and of all others, shape (n, 2)."""
    one = counts[:, category]
    return np.column_stack([one, counts.sum(axis=1) - one])
