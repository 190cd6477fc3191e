"""Kappa of two answers per part: the coefficient, and what each part adds to its variance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.msa.agreement.coding import Codes

__all__ = ["PairFit", "averaged", "pair_fit", "pair_null_se", "table_fit"]


class PairFit(NamedTuple):
    """Kappa, its influence values (one per part, mean zero), observed and expected agreement, null standard error."""

    estimate: float
    influence: FloatArray
    observed: float
    expected: float
    null_se: float


def pair_null_se(p: FloatArray, q: FloatArray, w: FloatArray, n: float) -> float:
    """Return the standard error of (weighted) kappa when the two are independent: Fleiss, Cohen & Everitt (1969)."""
    chance = np.outer(p, q)
    expected = float((w * chance).sum())
    if expected >= 1.0:
        return math.nan
    spread = w - (w @ q)[:, None] - (p @ w)[None, :]
    variance = float((chance * spread * spread).sum()) - expected * expected
    return math.sqrt(max(variance, 0.0) / n) / (1.0 - expected)


def pair_fit(a: FloatArray, b: FloatArray, w: FloatArray) -> PairFit | None:
    """Return kappa of two raters from each part's share of answers per category; None where chance agrees fully.

    `a` and `b` have shape (n, k), each row with sum 1: indicators with one answer each, shares with several, which
    gives kappa of the table that pairs every answer of one rater with every answer of the other.
    """
    p, q = a.mean(axis=0), b.mean(axis=0)
    expected = float(p @ w @ q)
    if 1.0 - expected < 1e-12:
        return None
    each = np.einsum("ij,ij->i", a @ w, b)
    observed = float(each.mean())
    kappa = (observed - expected) / (1.0 - expected)
    margin = a @ (w @ q) + b @ (p @ w) - 2.0 * expected
    influence = ((each - observed) - (1.0 - kappa) * margin) / (1.0 - expected)
    return PairFit(kappa, influence, observed, expected, pair_null_se(p, q, w, a.shape[0]))


def table_fit(counts: FloatArray, w: FloatArray) -> tuple[PairFit, float] | None:
    """Return kappa of a cross table with influence per cell, shape (k, k), and the standard error."""
    n = float(counts.sum())
    share = counts / n
    p, q = share.sum(axis=1), share.sum(axis=0)
    expected = float(p @ w @ q)
    if 1.0 - expected < 1e-12:
        return None
    observed = float((share * w).sum())
    kappa = (observed - expected) / (1.0 - expected)
    margin = (w @ q)[:, None] + (p @ w)[None, :] - 2.0 * expected
    cell = ((w - observed) - (1.0 - kappa) * margin) / (1.0 - expected)
    se = math.sqrt(float((share * cell * cell).sum()) / n)
    return PairFit(kappa, cell, observed, expected, pair_null_se(p, q, w, n)), se


def averaged(fits: list[tuple[PairFit, Codes]], parts: int) -> tuple[float, float, float, float, float]:
    """Return mean kappa over several fits, its standard error by parts, observed, expected, null standard error.

    Each fit comes with the positions of its parts: what one part says in several fits goes together.
    """
    t = len(fits)
    total = np.zeros(parts)
    for fit, rows in fits:
        total[rows] += fit.influence / rows.size
    se = math.sqrt(float(total @ total)) / t
    null = math.sqrt(sum(f.null_se**2 for f, _ in fits)) / t
    mean = [sum(getattr(f, name) for f, _ in fits) / t for name in ("estimate", "observed", "expected")]
    return mean[0], se, mean[1], mean[2], null
