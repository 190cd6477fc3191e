"""The result of every comparison of several groups, and what all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparisons
from qstats.inference.groups.kernels import Overall
from qstats.inference.multiplicity import adjust_pvalues
from qstats.inference.resample import RESAMPLES, as_generator, check_resamples

__all__ = ["ADJUST", "GroupComparison", "draws_wanted", "group_labels", "grouped", "pair_codes"]

ADJUST = ("holm", "hochberg", "bh", "none")


def _estimated(estimate: float, low: float, high: float) -> str:
    """Return an estimate with its limits; a dash where there is none."""
    return " ".join(["–" if np.isnan(estimate) else f"{estimate:.4g}", f"({low:.4g}, {high:.4g})"])


@dataclass(frozen=True, slots=True, eq=False)
class GroupComparison(Result):
    """Several groups: one test that they are all alike, each group, and every pair.

    Parameters
    ----------
    name : str
        What is estimated for each group: ``"rate"``, ``"proportion"``, ``"mean"``, ``"superiority over the rest"`` or
        ``"median time"``.
    labels : tuple of str
    estimate : ndarray, shape (k,)
    interval : Intervals
        Each with its own confidence.
    n : ndarray, shape (k,)
        Events, units, values or times of each group.
    statistic, df : float
        Chi-square or F, and its degrees of freedom.
    df0 : float or None
        Degrees of freedom below an F; None for a chi-square.
    pvalue : float
        That all groups are alike. It need not agree with the pairs: it asks another question.
    resamples : int or None
        Random tables behind `pvalue`; None where it is exact or from a distribution.
    pairs : tuple of (str, str)
        Group and reference of each pair.
    differences : Comparisons
        Of the pairs; intervals and p-values each by itself.
    adjusted : ndarray, shape (k (k - 1) / 2,)
        p-values of the pairs, adjusted for their number.
    adjust : {"holm", "hochberg", "bh", "none"}
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.group-comparison/1"
    title: ClassVar[str] = "Several groups"

    name: str
    labels: tuple[str, ...]
    estimate: FloatArray
    interval: Intervals
    n: FloatArray
    statistic: float
    df: float
    df0: float | None
    pvalue: float
    resamples: int | None
    pairs: tuple[tuple[str, str], ...]
    differences: Comparisons
    adjusted: FloatArray
    adjust: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        low, high = self.interval.low, self.interval.high
        rows = [
            (f"{label}: {self.name}", f"{_estimated(self.estimate[i], low[i], high[i])}, n {self.n[i]:g}")
            for i, label in enumerate(self.labels)
        ]
        which = "chi-square" if self.df0 is None else "F"
        df = f"{self.df:g}" if self.df0 is None else f"{self.df:g}, {self.df0:.4g}"
        rows.append(("all alike: p-value", f"{self.pvalue:.4g} ({which} {self.statistic:.4g}, df {df})"))
        d = self.differences
        rows += [
            (
                f"{a} against {b}",
                f"{_estimated(d.estimate[i], d.interval.low[i], d.interval.high[i])}  "
                f"p {self.adjusted[i]:.3g} ({self.adjust})",
            )
            for i, (a, b) in enumerate(self.pairs)
        ]
        return [
            *rows,
            ("pairs compared by", f"{d.effect}, {d.method}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        d = self.differences
        return {
            "group": [a for a, _ in self.pairs],
            "reference": [b for _, b in self.pairs],
            "estimate": d.estimate,
            "low": d.interval.low,
            "high": d.interval.high,
            "pvalue": d.pvalue,
            "adjusted": self.adjusted,
        }


def group_labels(labels: Any, k: int) -> tuple[str, ...]:
    """Return the labels given, or numbers from 1; two different ones at least."""
    if k < 2:
        raise TooFewData(f"labels: {k} group came; at least two are wanted")
    if labels is None:
        return tuple(str(i + 1) for i in range(k))
    if isinstance(labels, str | bytes):
        raise DataError(f"labels: got {labels!r}; a sequence of {k} labels is wanted")
    names = tuple(str(v) for v in labels)
    if len(names) != k or len(set(names)) != k:
        raise DataError(f"labels: {len(names)} came ({len(set(names))} different) for {k} groups; one each is wanted")
    return names


def pair_codes(k: int) -> tuple[Any, Any]:
    """Return group and reference of every pair: each later group against the first, then against the second ..."""
    i, j = np.tril_indices(k, -1)
    order = np.lexsort((i, j))
    return i[order], j[order]


def draws_wanted(resamples: Any, rng: Any, drawn: bool) -> tuple[int, np.random.Generator] | None:
    """Return number and source of the random tables, or refuse them where nothing is drawn."""
    if not drawn:
        if resamples is not None or rng is not None:
            raise DataError("resamples, rng: given where nothing is drawn (see `method`); leave them out")
        return None
    return check_resamples(RESAMPLES if resamples is None else resamples, 0.05, 0.05), as_generator(rng)


def grouped(
    name: str, labels: tuple[str, ...], each: tuple[Any, Intervals, Any], overall: Overall, differences: Comparisons, *,
    adjust: str, resamples: int | None, method: str, reference: str, notes: tuple[Note, ...] = (),
) -> GroupComparison:  # fmt: skip
    """Return the result, with the p-values of the pairs adjusted."""
    check_choice(adjust, "adjust", ADJUST)
    raw = differences.pvalue
    adjusted = raw if adjust == "none" else adjust_pvalues(raw, method=adjust).adjusted
    estimate, interval, n = each
    pairs = tuple((labels[i], labels[j]) for i, j in zip(*pair_codes(len(labels)), strict=True))
    return GroupComparison(
        name, labels, frozen_array(estimate), interval, frozen_array(n), overall.statistic, overall.df,
        None if np.isinf(overall.df0) else overall.df0, overall.pvalue, resamples, pairs, differences,
        frozen_array(adjusted), adjust, method, reference, notes,
    )  # fmt: skip
