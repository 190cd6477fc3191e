"""Counts by category, channel, unit or stratum and period: what the checks of the log compare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.quantiles import chi2_sf
from qstats.improve.verify.reading import Days, Tally

__all__ = ["MISSING", "Keyed", "Shift", "by_key", "composition_shift", "f_sf", "line_up", "scatter"]

MISSING = "(missing)"
_LEAST_EXPECTED = 5.0  # in a cell of a chi-square test


@dataclass(frozen=True, slots=True, eq=False)
class Keyed:
    """What was measured, and how many rows, by name and period; names most frequent first.

    Parameters
    ----------
    names : tuple of str
    amount, size : ndarray, shape (names, periods)
    """

    names: tuple[str, ...]
    amount: FloatArray
    size: FloatArray

    def without(self, name: str | None) -> Keyed:
        """Return all names but one."""
        keep = np.array([other != name for other in self.names], dtype=bool)
        return Keyed(tuple(n for n in self.names if n != name), self.amount[keep], self.size[keep])


def _codes(values: npt.NDArray[Any]) -> tuple[list[str], npt.NDArray[np.intp]]:
    place: dict[str, int] = {}
    named = (MISSING if v is None or v != v else str(v) for v in values.tolist())
    codes = np.fromiter((place.setdefault(name, len(place)) for name in named), dtype=np.intp, count=values.size)
    return list(place), codes


def by_key(tally: Tally, key: str, edges: Days) -> Keyed:
    """Sum a tally by the names of one key and by period; rows outside the edges are left out."""
    names, code = _codes(np.asarray(tally.keys[key], dtype=object))
    periods = edges.size - 1
    where = np.searchsorted(edges, tally.days, side="right") - 1
    inside = (where >= 0) & (where < periods) & ~np.isnat(tally.days)
    cell = code[inside] * periods + where[inside]

    def summed(weight: FloatArray) -> FloatArray:
        total = np.bincount(cell, weights=weight[inside], minlength=len(names) * periods)
        return np.asarray(total.reshape(len(names), periods), dtype=np.float64)

    amount, size = summed(tally.amount), summed(tally.size)
    order = np.argsort(-size.sum(axis=1), kind="stable")
    return Keyed(tuple(names[i] for i in order), amount[order], size[order])


def line_up(names: tuple[str, ...], other: Keyed) -> FloatArray:
    """Return the amounts of `other` in the order of `names`; zero where it has none."""
    place = {name: i for i, name in enumerate(other.names)}
    out = np.zeros((len(names), other.amount.shape[1]))
    for i, name in enumerate(names):
        if name in place:
            out[i] = other.amount[place[name]]
    return out


def scatter(counts: FloatArray, expected: FloatArray, least: float = 1.0) -> FloatArray:
    """Return Pearson chi-square over df of each row around its own level, at least `least`.

    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., eq. 4.22. One period tells nothing.
    """
    n = (expected > 0).sum(axis=1)
    level = np.divide(counts.sum(axis=1), expected.sum(axis=1), out=np.zeros(n.size), where=expected.sum(axis=1) > 0)
    mean = level[:, None] * expected
    chi2 = np.divide((counts - mean) ** 2, mean, out=np.zeros_like(mean), where=mean > 0).sum(axis=1)
    return np.asarray(np.maximum(least, chi2 / np.maximum(n - 1.0, 1.0)))


def f_sf(x: float, df1: float, df2: float) -> float:
    """Return ``P(F > x)``."""
    return float(scipy.special.betainc(df2 / 2.0, df1 / 2.0, df2 / (df2 + df1 * x)))


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Whether shares differ between two phases.

    Parameters
    ----------
    pvalue : float
    v : float
        Cramer's V.
    chi2, phi : float
        Pearson's chi-square of the two phases, and the dispersion of the shares from period to period inside them.
    """

    pvalue: float
    v: float
    chi2: float
    phi: float


def _rare_together(counts: FloatArray, before: BoolArray, after: BoolArray) -> FloatArray:
    """Add up the names that are too rare for a cell of their own."""
    n = np.array([counts[:, m].sum() for m in (before, after)])
    least = counts[:, before | after].sum(axis=1) * n.min() / n.sum()
    rare = least < _LEAST_EXPECTED
    if not rare.any():
        return counts
    return np.vstack([counts[~rare], counts[rare].sum(axis=0)])


def _inside(counts: FloatArray) -> tuple[float, float]:
    """Pearson chi-square and df of the shares over the periods of one phase."""
    counts = counts[:, counts.sum(axis=0) > 0]
    counts = counts[counts.sum(axis=1) > 0]
    if min(counts.shape) < 2:
        return 0.0, 0.0
    expected = counts.sum(axis=1)[:, None] * counts.sum(axis=0) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum()), float((counts.shape[0] - 1) * (counts.shape[1] - 1))


def composition_shift(counts: FloatArray, before: BoolArray, after: BoolArray) -> Shift | None:
    """Compare the shares of both phases; None with fewer than two names frequent enough, or an empty phase.

    Chi-square of homogeneity, divided by the dispersion of the shares from period to period where that is above 1, then
    F. Agresti (2013), Categorical Data Analysis, 3rd ed., sections 3.2 and 4.7.3; Cramer (1946), Mathematical Methods
    of Statistics, p. 282 (V).
    """
    if min(counts[:, before].sum(), counts[:, after].sum()) == 0:
        return None
    counts = _rare_together(counts, before, after)
    counts = counts[counts[:, before | after].sum(axis=1) > 0]
    if counts.shape[0] < 2:
        return None
    chi2, df = _inside(np.column_stack([counts[:, before].sum(axis=1), counts[:, after].sum(axis=1)]))
    parts = [_inside(counts[:, m]) for m in (before, after)]
    inner = sum(part[1] for part in parts)
    phi = sum(part[0] for part in parts) / inner if inner else 1.0
    p = f_sf(chi2 / (df * phi), df, inner) if phi > 1.0 else float(chi2_sf(chi2, df))
    return Shift(p, math.sqrt(chi2 / float(counts[:, before | after].sum())), chi2, phi)
