"""NPS of every segment: intervals, each against the rest, and shrunk towards the common mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.inference.multiplicity import holm
from qstats.table.net_promoter import net_class
from qstats.table.scores import MISSING, Answers
from qstats.voice.nps.intervals import OneSample
from qstats.voice.nps.kernels import PSEUDO, Counts, mover_z, net, normal_tails, wald_variance
from qstats.voice.nps.result import Nps, NpsTable

__all__ = ["check_segments", "segments", "shrink"]

_SOURCE = (
    "difference by MOVER (Zou & Donner 2008, Statistics in Medicine 27, 1693-1702) with Holm (1979); shrinkage by "
    "DerSimonian & Laird (1986), Controlled Clinical Trials 7, 177-188, and Morris (1983), JASA 78, 47-55"
)


def _class_sums(a: Answers, weight: FloatArray) -> FloatArray:
    """Sum of `weight` over rows, by segment and class; shape (k, 3)."""
    keys = a.keys["by"]
    k = len(keys.labels)
    cell = keys.codes * 3 + (net_class(a.score) + 1.0).astype(np.intp)
    sums = np.bincount(cell, weights=weight * a.rows, minlength=3 * k).reshape(k, 3)
    return np.asarray(sums, dtype=np.float64)


def _effective(first: FloatArray, second: FloatArray, n: FloatArray, weighted: bool) -> tuple[Counts, FloatArray]:
    """Effective counts and df from sums of w and w**2 per class: each segment is a survey, worth Kish's n at most."""
    shares = first / first.sum(axis=1, keepdims=True)
    if not weighted:
        return _columns(shares * n[:, None]), np.full(n.size, np.inf)
    e = shares[:, 2] - shares[:, 0]
    v = wald_variance(_columns(shares))
    deviation = (np.array([-1.0, 0.0, 1.0]) - e[:, None]) ** 2
    kish = first.sum(axis=1) ** 2 / second.sum(axis=1)
    square = (second * deviation).sum(axis=1) / first.sum(axis=1) ** 2  # n/(n-1) of it is the variance
    n_eff = np.minimum(np.where(square > 0.0, v / np.where(square > 0.0, square, 1.0), kish), kish)
    return _columns(shares * n_eff[:, None]), np.maximum(n - 1.0, 1.0)


def _columns(x: FloatArray) -> Counts:
    return x[:, 0], x[:, 1], x[:, 2]


def shrink(estimate: FloatArray, variance: FloatArray) -> tuple[FloatArray, float]:
    r"""Return empirical-Bayes estimates and the standard deviation of the true values.

    :math:`\tau^2 = \max(0, (Q - (k-1)) / (\sum w - \sum w^2 / \sum w))` with :math:`w = 1/s^2` and
    :math:`Q = \sum w (e - \bar e_w)^2`; then each estimate keeps :math:`\tau^2 / (\tau^2 + s^2)` of its distance from
    the mean weighted by :math:`1 / (\tau^2 + s^2)`.

    DerSimonian & Laird (1986), Controlled Clinical Trials 7, 177-188; Morris (1983), JASA 78, 47-55.
    """
    w = 1.0 / variance
    mean = float((w * estimate).sum() / w.sum())
    q = float((w * (estimate - mean) ** 2).sum())
    room = float(w.sum() - (w * w).sum() / w.sum())
    between = max(0.0, (q - (estimate.size - 1.0)) / room)
    w = 1.0 / (between + variance)
    centre = float((w * estimate).sum() / w.sum())
    return centre + between / (between + variance) * (estimate - centre), between**0.5


def check_segments(a: Answers) -> None:
    """Refuse segments that are one only, or in which no answer has weight."""
    keys = a.keys["by"]
    if len(keys.labels) < 2:
        raise DataError(f"by: there is one segment only ({keys.labels[0]!r}); leave by= out")
    if (weightless := np.bincount(keys.codes, minlength=len(keys.labels)) == 0).any():
        raise DataError(f"weight: all are zero in segment {keys.labels[int(np.argmax(weightless))]!r}; leave it out")


def segments(
    a: Answers, total: Nps, infer: Callable[[Counts, Any], OneSample], method: str, reference: str
) -> NpsTable:
    """Make the table of segments (see `check_segments`); `infer` gives limits for effective counts and df."""
    keys = a.keys["by"]
    k = len(keys.labels)
    weight = a.numbers.get("weight")
    w = np.ones(a.score.size) if weight is None else weight
    plain, first, second = _class_sums(a, np.ones(a.score.size)), _class_sums(a, w), _class_sums(a, w * w)
    n = plain.sum(axis=1)
    own, df = _effective(first, second, n, weight is not None)
    rest, df0 = _effective(first.sum(axis=0) - first, second.sum(axis=0) - second, n.sum() - n, weight is not None)
    seen = infer(own, df)
    z = mover_z(own, rest, np.zeros(k), (df, df0))
    low_tail, high_tail = normal_tails(z)
    pvalue = np.minimum(1.0, 2.0 * np.minimum(low_tail, high_tail))
    added = PSEUDO["adjusted-wald"]
    more = (own[0] + added[0], own[1] + added[1], own[2] + added[2])  # no segment is certain of itself
    e = net(own)
    shrunk, spread = shrink(e, wald_variance(more) / (more[0] + more[1] + more[2]))
    notes = [*a.notes, *seen.notes]
    if keys.missing:
        text = f"{keys.missing} answers have no segment: kept as {MISSING!r}"
        notes.append(Note("missing-segment", "warning", text))
    if k < 3:
        notes.append(Note("few-segments", "info", "the spread between two segments is hardly known: shrunk is a guess"))
    low, mid, high = (frozen_array(column.copy()) for column in _columns(plain))
    interval = Intervals(frozen_array(100.0 * seen.low), frozen_array(100.0 * seen.high), total.interval.confidence)
    return NpsTable(
        keys.labels, frozen_array(100.0 * e), interval, frozen_array(n),
        low, mid, high, frozen_array(100.0 * (e - net(rest))),
        frozen_array(pvalue), frozen_array(holm(pvalue)), frozen_array(100.0 * shrunk), 100.0 * spread, total,
        method, f"{reference}; {_SOURCE}", tuple(notes),
    )  # fmt: skip
