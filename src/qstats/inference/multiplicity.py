"""Many tests at once: p-values adjusted so that the best of twenty is judged as the best of twenty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray, as_vector, first_bad
from qstats._core.checks import check_choice, check_number
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError

__all__ = ["AdjustedPValues", "adjust_pvalues", "holm"]

_CONTROLS = {
    "holm": ("family-wise error", "Holm (1979), Scandinavian Journal of Statistics 6, 65-70"),
    "hochberg": ("family-wise error", "Hochberg (1988), Biometrika 75, 800-802"),
    "hommel": ("family-wise error", "Hommel (1988), Biometrika 75, 383-386; Wright (1992), Biometrics 48, 1005-1013"),
    "bonferroni": ("family-wise error", "Dunn (1961), JASA 56, 52-64"),
    "bh": ("false discovery rate", "Benjamini & Hochberg (1995), JRSS B 57, 289-300"),
    "by": ("false discovery rate", "Benjamini & Yekutieli (2001), Annals of Statistics 29, 1165-1188"),
    "fixed_sequence": ("family-wise error", "Maurer, Hothorn & Lehmacher (1995), Biometrie in der Pharmaindustrie 6"),
}


@dataclass(frozen=True, slots=True, eq=False)
class AdjustedPValues(Result):
    """p-values and what is left of them after adjusting for their number, in the order they came.

    Parameters
    ----------
    pvalue : ndarray, shape (m,)
    adjusted : ndarray, shape (m,)
        Smallest error level at which this test would be rejected together with all others; read-only.
    method : str
    controls : str
        The error held: ``"family-wise error"`` (any false finding at all) or ``"false discovery rate"`` (the expected
        share of false ones among the findings).
    reference : str
    """

    schema: ClassVar[str] = "qstats.adjusted-pvalues/1"
    title: ClassVar[str] = "Adjusted p-values"

    pvalue: FloatArray
    adjusted: FloatArray
    method: str
    controls: str
    reference: str

    def rejected(self, alpha: float = 0.05) -> BoolArray:
        """Return which hypotheses are rejected at level `alpha`; shape (m,)."""
        alpha = check_number(alpha, "alpha", above=0.0, below=1.0)
        return np.asarray(self.adjusted <= alpha)

    def __len__(self) -> int:
        return self.pvalue.size

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("tests", f"{len(self)}"),
            ("rejected at 0.05, each by itself", f"{int(np.count_nonzero(self.pvalue <= 0.05))}"),
            ("rejected at 0.05, adjusted", f"{int(np.count_nonzero(self.adjusted <= 0.05))}"),
            ("method", f"{self.method} ({self.controls})"),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {"pvalue": self.pvalue, "adjusted": self.adjusted}


def _step_down(factor: Callable[[FloatArray, float], FloatArray]) -> Callable[[FloatArray], FloatArray]:
    """Walk from the smallest up: none may be less than one before it."""

    def adjust(p: FloatArray) -> FloatArray:
        order = np.argsort(p, kind="stable")
        rank = np.arange(1.0, p.size + 1.0)
        return _back(np.minimum(np.maximum.accumulate(factor(rank, p.size) * p[order]), 1.0), order)

    return adjust


def _step_up(factor: Callable[[FloatArray, float], FloatArray]) -> Callable[[FloatArray], FloatArray]:
    """Walk from the largest down: none may be more than one before it."""

    def adjust(p: FloatArray) -> FloatArray:
        order = np.argsort(p, kind="stable")
        rank = np.arange(1.0, p.size + 1.0)
        steps = np.minimum.accumulate((factor(rank, p.size) * p[order])[::-1])[::-1]
        return _back(np.minimum(steps, 1.0), order)

    return adjust


def _back(sorted_values: FloatArray, order: npt.NDArray[np.intp]) -> FloatArray:
    out = np.empty_like(sorted_values)
    out[order] = sorted_values
    return out


holm = _step_down(lambda rank, m: m - rank + 1.0)
_hochberg = _step_up(lambda rank, m: m - rank + 1.0)
_bh = _step_up(lambda rank, m: m / rank)
_by = _step_up(lambda rank, m: m / rank * float(np.sum(1.0 / rank)))


def _hommel(p: FloatArray) -> FloatArray:
    """Closed testing with Simes' test: for every size k of an intersection, the least level that rejects it.

    An intersection of size k that holds the i-th smallest is hardest to reject when its others are the largest ones.
    """
    m = p.size
    order = np.argsort(p, kind="stable")
    x = p[order]
    best = np.full(m, float(np.min(m * x / np.arange(1.0, m + 1.0))))
    for k in range(m - 1, 1, -1):  # m vector steps: quadratic, as the method is
        largest = x[m - k + 1 :]
        simes = float(np.min(k * largest / np.arange(2.0, k + 1.0)))
        level = np.empty(m)
        level[: m - k + 1] = np.minimum(k * x[: m - k + 1], simes)
        level[m - k + 1 :] = level[m - k]
        np.maximum(best, level, out=best)
    return _back(np.minimum(np.maximum(best, x), 1.0), order)


_METHODS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "holm": holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "bonferroni": lambda p: np.minimum(p * p.size, 1.0),
    "bh": _bh,
    "by": _by,
    "fixed_sequence": lambda p: np.maximum.accumulate(p),
}


def adjust_pvalues(pvalues: Any, *, method: str = "holm") -> AdjustedPValues:
    r"""Adjust p-values for how many were looked at, so that searching twenty segments cannot prove anything.

    Use it whenever the segments, questions or suppliers worth reporting are picked after seeing their p-values. Not for
    guardrails that must all pass (each keeps its full level), and not twice on the same values.

    Parameters
    ----------
    pvalues : array-like, shape (m,)
        All of the family, also the dull ones; for ``"fixed_sequence"`` in the order declared before the data.
    method : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by", "fixed_sequence"}
        Family-wise error: ``"holm"`` holds under any dependence and is never worse than ``"bonferroni"``;
        ``"hochberg"`` and ``"hommel"`` find more but want independent or positively dependent tests;
        ``"fixed_sequence"`` tests in a declared order, each at full level, until one fails. False discovery rate:
        ``"bh"`` (independent or positively dependent) and ``"by"`` (any dependence), for screening many.

    Returns
    -------
    AdjustedPValues
        ``rejected(alpha)`` tells which stand.

    Raises
    ------
    DataError
        NaN, values outside 0 to 1, an unknown method.

    Notes
    -----
    With :math:`p_{(1)} \le \dots \le p_{(m)}`: Holm :math:`\max_{j \le i} (m-j+1) p_{(j)}`; Hochberg
    :math:`\min_{j \ge i} (m-j+1) p_{(j)}`; BH :math:`\min_{j \ge i} m p_{(j)}/j`; BY the same times
    :math:`\sum_k 1/k`; all cut at 1. The fixed sequence is the running maximum. Hommel takes time quadratic in m.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70. Hochberg (1988), Biometrika 75, 800-802. Hommel (1988),
    Biometrika 75, 383-386. Benjamini & Hochberg (1995), JRSS B 57, 289-300. Benjamini & Yekutieli (2001), Annals of
    Statistics 29, 1165-1188. Maurer, Hothorn & Lehmacher (1995), Biometrie in der chemisch-pharmazeutischen Industrie
    6, 3-18.

    Examples
    --------
    >>> from qstats import adjust_pvalues
    >>> adjust_pvalues([0.01, 0.04, 0.03, 0.5]).adjusted
    array([0.04, 0.09, 0.09, 0.5 ])
    """
    check_choice(method, "method", _METHODS)
    p = as_vector(pvalues, "pvalues", missing="never")
    if (bad := (p < 0.0) | (p > 1.0)).any():
        raise DataError(f"pvalues: {first_bad(bad, p)}; probabilities from 0 to 1 are wanted")
    controls, reference = _CONTROLS[method]
    return AdjustedPValues(frozen_array(p.copy()), frozen_array(_METHODS[method](p)), method, controls, reference)
