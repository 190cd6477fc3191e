"""The same customers asked twice, some perhaps once: their changes of class, and how sure the mean change is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, tail_probability, tails
from qstats.table.net_promoter import NPS_SCALE, net_class
from qstats.table.scores import clean, rows_of, score_vector

__all__ = ["Pairs", "overlap_t", "paired_t", "read_pairs"]

_CLASSES = np.array([-1.0, 0.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Customers by class of the later answer (rows) and of the earlier one (columns).

    Parameters
    ----------
    cells : ndarray, shape (4, 4)
        Detractor, passive, promoter, no answer.
    """

    cells: FloatArray

    @property
    def complete(self) -> FloatArray:
        """Customers with both answers; shape (3, 3)."""
        return self.cells[:3, :3]

    @property
    def changes(self) -> FloatArray:
        """Complete pairs by change of class, -2 to 2; shape (5,)."""
        return np.array([np.trace(self.complete, offset=-k) for k in range(-2, 3)], dtype=np.float64)

    @property
    def incomplete(self) -> tuple[float, float]:
        """Customers with the later answer only, and with the earlier one only."""
        return float(self.cells[:3, 3].sum()), float(self.cells[3, :3].sum())


def read_pairs(data: Any, data0: Any, values: Any, values0: Any, missing: str, blank: Any) -> Pairs:
    """Count customers by both answers, from two columns of a table or two sequences in the same order."""
    check_choice(missing, "missing", ("raise", "drop"))
    if table.is_frame(data):
        if data0 is not None or not isinstance(values0, str) or values is None:
            raise DataError("values0: paired answers in a table are two columns: values= (later), values0= (earlier)")
        vectors, _, rows = rows_of(data, {"values": values, "values0": values0}, ("values", "values0"))
        later, earlier = vectors["values"], vectors["values0"]
        names = (f"values (column {values!r})", f"values0 (column {values0!r})")
    else:
        if values is not None or values0 is not None:
            raise DataError("values, values0: are names of columns; plain answers came, not a table")
        if data0 is None:
            raise DataError("data0: is missing; give the earlier answers of the same customers, in the same order")
        later, earlier = (score_vector(x, name) for x, name in ((data, "data"), (data0, "data0")))
        if later.size != earlier.size:
            raise DataError(f"data0: {earlier.size} values came for {later.size} answers; pairs want one each")
        rows, names = np.ones(later.size), ("data", "data0")
    place = []
    for x, name in zip((later, earlier), names, strict=True):
        good, _ = clean(x, rows, NPS_SCALE, missing=missing, blank=blank, name=name)
        place.append(np.where(good, net_class(np.where(good, x, 0.0)) + 1.0, 3.0).astype(np.intp))
    cells = np.bincount(4 * place[0] + place[1], weights=rows, minlength=16).reshape(4, 4)
    return Pairs(cells.astype(np.float64))


def _finish(
    mean: float, se: float, df: float, null: float, confidence: float, alternative: str
) -> tuple[Interval, float, float]:
    t = (mean - null / 100.0) / se
    below, above = tails(alternative, confidence)
    low = -2.0 if below == 0.0 else max(mean - float(t_quantile(1.0 - below, df)) * se, -2.0)
    high = 2.0 if above == 0.0 else min(mean + float(t_quantile(1.0 - above, df)) * se, 2.0)
    pvalue = tail_probability(float(t_sf(-t, df)), float(t_sf(t, df)), alternative)
    return Interval(100.0 * low, 100.0 * high, confidence), t, pvalue


def paired_t(pairs: Pairs, null: float, confidence: float, alternative: str) -> Comparison:
    """Student's t of the change of class of each customer with both answers."""
    changes, size = pairs.changes, np.arange(-2.0, 3.0)
    n = float(changes.sum())
    if n < 2:
        raise TooFewData(f"data, data0: {n:.0f} complete pair came; at least two are wanted")
    mean = float(changes @ size) / n
    square = float(changes @ (size - mean) ** 2)
    if square <= 1e-12 * n:
        raise TooFewData(
            "data, data0: every customer changed by the same amount, so there is no scatter to judge it by; "
            "use nps_paired_test, which needs none"
        )
    df = n - 1.0
    interval, t, pvalue = _finish(mean, math.sqrt(square / df / n), df, null, confidence, alternative)
    source = "Student (1908), Biometrika 6, 1-25, on the change of class of each customer"
    c = pairs.complete
    seen = (100.0 * float(c.sum(axis=1) @ _CLASSES) / n, 100.0 * float(c.sum(axis=0) @ _CLASSES) / n)
    return Comparison(
        "nps_difference", 100.0 * mean, interval, pvalue, alternative, null, t, (n, n), "paired t", source,
        left_out(pairs), seen, df,
    )  # fmt: skip


def left_out(pairs: Pairs) -> tuple[Note, ...]:
    """Say how many customers with one answer only (or none) were left out."""
    one, other = pairs.incomplete
    nothing = float(pairs.cells[3, 3])
    if not one + other + nothing:
        return ()
    text = (
        f"left out: {one:.0f} customers with the later answer only, {other:.0f} with the earlier one only, "
        f"{nothing:.0f} with none"
    )
    if one + other:
        text += "; the samples overlap in part: compare_nps(..., paired=True, method='overlap') uses every answer"
        return (Note("partial-overlap", "warning", text),)
    return (Note("missing-dropped", "warning", text),)


def _moments(counts: FloatArray) -> tuple[float, float, float]:
    n = float(counts.sum())
    if n < 2:
        raise TooFewData(f"data, data0: {n:.0f} answer in one of the samples; at least two are wanted")
    mean = float(counts @ _CLASSES) / n
    return n, mean, float(counts @ (_CLASSES - mean) ** 2) / (n - 1.0)


def _correlation(c: FloatArray) -> float:
    n = float(c.sum())
    if n < 2:
        return 0.0
    x, y = _CLASSES - float(c.sum(axis=1) @ _CLASSES) / n, _CLASSES - float(c.sum(axis=0) @ _CLASSES) / n
    spread = float(c.sum(axis=1) @ x**2) * float(c.sum(axis=0) @ y**2)
    return float(x @ c @ y) / math.sqrt(spread) if spread > 1e-20 else 0.0


def overlap_t(pairs: Pairs, null: float, confidence: float, alternative: str) -> Comparison:
    """Partially overlapping samples t: Welch's where no pair is complete, the paired t where all are."""
    n, mean, v = _moments(pairs.cells[:3, :].sum(axis=1))
    n0, mean0, v0 = _moments(pairs.cells[:, :3].sum(axis=0))
    both = float(pairs.complete.sum())
    a, b = v / n, v0 / n0
    square = a + b - 2.0 * _correlation(pairs.complete) * math.sqrt(v * v0) * both / (n * n0)
    if square <= 1e-12 * (1.0 / n + 1.0 / n0):
        raise TooFewData(
            "data, data0: the answers show no scatter to judge the difference by; use nps_paired_test, or "
            "compare_nps without paired="
        )
    welch = (a + b) ** 2 / (a * a / (n - 1.0) + b * b / (n0 - 1.0))
    single = n + n0 - 2.0 * both
    df = (both - 1.0) + (welch - both + 1.0) / (n + n0) * single
    interval, t, pvalue = _finish(mean - mean0, math.sqrt(square), df, null, confidence, alternative)
    notes: tuple[Note, ...] = ()
    if single:
        text = f"{both:.0f} customers answered twice, {single:.0f} once: every answer is used"
        notes = (Note("partial-overlap", "info", text),)
    source = "Derrick, Russ, Toher & White (2017), J. Modern Applied Statistical Methods 16(1), 137-157, T_new2"
    return Comparison(
        "nps_difference", 100.0 * (mean - mean0), interval, pvalue, alternative, null, t, (n, n0),
        "partially overlapping samples t", source, notes, (100.0 * mean, 100.0 * mean0), df,
    )  # fmt: skip
