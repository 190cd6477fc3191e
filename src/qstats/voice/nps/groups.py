"""NPS of several groups: do they differ at all, and which pairs do?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparisons
from qstats.inference.multiplicity import holm
from qstats.inference.resample import as_generator
from qstats.table.net_promoter import NPS_SCALE, net_class
from qstats.table.scores import MISSING, answers
from qstats.voice.nps.compare import compare_nps_counts
from qstats.voice.nps.intervals import one_sample
from qstats.voice.nps.kernels import Counts, net
from qstats.voice.nps.one import read_counts
from qstats.voice.nps.resample import check_resamples

__all__ = ["NpsGroups", "compare_nps_groups"]

_BLOCK = 20_000  # resamples drawn at a time, so that scratch does not grow with their number
_SOURCE = (
    "Pearson (1900), Philosophical Magazine 50, 157-175; pairs: Zou & Donner (2008), Statistics in Medicine 27, "
    "1693-1702, with Holm (1979), Scandinavian Journal of Statistics 6, 65-70"
)


@dataclass(frozen=True, slots=True, eq=False)
class NpsGroups(Result):
    """Several groups: one test that they all answer alike, and every pair.

    Parameters
    ----------
    groups : tuple of str
    estimate : ndarray, shape (k,)
        Points.
    interval : Intervals
        Score intervals, points, each with its own confidence.
    counts : ndarray, shape (k, 3)
        Detractors, passives, promoters.
    statistic, df : float
        Chi-square of homogeneity of the three classes, and its degrees of freedom.
    pvalue : float
        That all groups answer alike. It also sees groups of equal NPS whose shares of passives differ.
    resamples : int or None
        Random relabellings behind `pvalue`; None for the chi-square distribution.
    pairs : tuple of (str, str)
        Group and reference of each pair.
    differences : Comparisons
        Of the pairs, points; p-values by themselves.
    adjusted : ndarray, shape (k (k - 1) / 2,)
        p-values of the pairs after Holm.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.nps-groups/1"
    title: ClassVar[str] = "Net Promoter Score of several groups"

    groups: tuple[str, ...]
    estimate: FloatArray
    interval: Intervals
    counts: FloatArray
    statistic: float
    df: float
    pvalue: float
    resamples: int | None
    pairs: tuple[tuple[str, str], ...]
    differences: Comparisons
    adjusted: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (name, f"{self.estimate[i]:.1f} ({self.interval.low[i]:.1f}, {self.interval.high[i]:.1f})")
            for i, name in enumerate(self.groups)
        ]
        rows.append(("all alike: p-value", f"{self.pvalue:.4g} (chi-square {self.statistic:.4g}, df {self.df:g})"))
        both = self.differences
        rows += [
            (
                f"{a} - {b}",
                f"{both.estimate[i]:.1f} ({both.interval.low[i]:.1f}, {both.interval.high[i]:.1f})  "
                f"p {self.adjusted[i]:.3g} (Holm)",
            )
            for i, (a, b) in enumerate(self.pairs)
        ]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "group": [a for a, _ in self.pairs],
            "reference": [b for _, b in self.pairs],
            "difference": self.differences.estimate,
            "low": self.differences.interval.low,
            "high": self.differences.interval.high,
            "pvalue": self.differences.pvalue,
            "adjusted": self.adjusted,
        }


def _read(data: Any, values: Any, by: Any, missing: str, blank: Any) -> tuple[tuple[str, ...], Counts, list[Note]]:
    if isinstance(data, Mapping) and not table.is_frame(data):
        if by is not None or values is not None:
            raise DataError("values, by: are for a table; a mapping of group to three counts came")
        for name, triple in data.items():
            if isinstance(triple, str) or np.shape(triple) != (3,):
                raise DataError(
                    f"data: {name!r} holds {triple!r}; three counts (detractors, passives, promoters) are wanted"
                )
        rows = list(data.values())
        if not rows:
            raise TooFewData("data: no group came; at least two are wanted")
        low, mid, high = ([row[i] for row in rows] for i in range(3))
        c, _ = read_counts(low, mid, high)
        return tuple(str(name) for name in data), c, []
    if by is None:
        raise DataError("by: is missing; name the column (or give the labels) of the group")
    a = answers(data, NPS_SCALE, values=values, numbers={}, keys={"by": by}, missing=missing, blank=blank)
    keys, notes = a.keys["by"], list(a.notes)
    if keys.missing:
        text = f"{keys.missing} answers have no group: kept as {MISSING!r}"
        notes.append(Note("missing-group", "warning", text))
    cell = keys.codes * 3 + (net_class(a.score) + 1.0).astype(np.intp)
    x = np.bincount(cell, weights=a.rows, minlength=3 * len(keys.labels)).reshape(-1, 3).astype(np.float64)
    return keys.labels, (x[:, 0].copy(), x[:, 1].copy(), x[:, 2].copy()), notes


def _expected(x: FloatArray) -> FloatArray:
    return np.asarray(x.sum(axis=1, keepdims=True) * x.sum(axis=0) / x.sum())


def _relabelled(x: FloatArray, draws: int, rng: np.random.Generator) -> FloatArray:
    """Sum of ``observed**2 / expected`` of random tables with the margins of `x`, group by group."""
    left = [np.full(draws, int(v), dtype=np.int64) for v in x.sum(axis=0)]
    expected, total = _expected(x), np.zeros(draws)
    for i, n in enumerate(x.sum(axis=1).astype(np.int64)):  # over groups, not over data
        low = rng.hypergeometric(left[0], left[1] + left[2], n)
        mid = rng.hypergeometric(left[1], left[2], n - low)
        for j, drawn in enumerate((low, mid, n - low - mid)):
            left[j] -= drawn
            if expected[i, j] > 0.0:
                total += drawn.astype(np.float64) ** 2 / expected[i, j]
    return total


def _permuted(x: FloatArray, resamples: int, rng: Any) -> float:
    if x.sum() >= 1e9:  # numpy draws hypergeometric counts below that only
        raise DataError(f"data: {x.sum():.0f} answers are too many to relabel; method='chi2' is exact enough there")
    generator = as_generator(rng)
    expected = _expected(x)
    seen = float(np.sum(x * x / np.where(expected > 0.0, expected, 1.0)))
    as_far = 0
    for start in range(0, resamples, _BLOCK):
        drawn = _relabelled(x, min(_BLOCK, resamples - start), generator)
        as_far += int(np.count_nonzero(drawn >= seen * (1.0 - 1e-12)))
    return (1.0 + as_far) / (1.0 + resamples)


def compare_nps_groups(
    data: Any,
    *,
    values: str | None = None,
    by: Any = None,
    method: str = "auto",
    confidence: float = 0.95,
    missing: str = "raise",
    blank: Any = (),
    resamples: int = 100_000,
    rng: Any = None,
) -> NpsGroups:
    r"""Tell whether several groups (branches, waves, products) differ, and which pairs do.

    Use it for three groups or more. Not for two (`compare_nps`), and not to find the best of many segments: each
    against the rest is `nps` with ``by=``.

    Parameters
    ----------
    data : frame, array-like, or mapping
        Answers 0 to 10; or a mapping of group to (detractors, passives, promoters).
    values : str, optional
        Column of the answer, for a frame.
    by : str or array-like
        Column or labels of the group.
    method : {"auto", "chi2", "permutation"}
        How the test of all groups at once gets its p-value; ``"auto"`` relabels at random where an expected count is
        below 5.
    confidence : float
        Of each interval by itself.
    missing, blank
        As in `nps`.
    resamples, rng
        Number and randomness of relabellings, as in `numpy.random.default_rng`.

    Returns
    -------
    NpsGroups

    Raises
    ------
    DataError, TooFewData
        Fewer than two groups, a group without answers, and what `nps` refuses.

    Notes
    -----
    Pearson's :math:`X^2 = \sum (O - E)^2 / E` over groups and the three classes, with
    :math:`(k - 1)(c - 1)` degrees of freedom, c the classes that occur. Pairs: MOVER on score intervals, Holm.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175. Zou & Donner (2008), Statistics in Medicine 27, 1693-1702. Holm
    (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> from qstats import compare_nps_groups
    >>> waves = {"May": (30, 30, 40), "June": (28, 30, 42), "July": (10, 20, 70)}
    >>> r = compare_nps_groups(waves)
    >>> r.pairs[1], float(r.differences.estimate[1]), bool(r.adjusted[1] < 0.05)
    (('July', 'May'), 50.0, True)
    """
    check_choice(method, "method", ("auto", "chi2", "permutation"))
    confidence, resamples = check_confidence(confidence), check_resamples(resamples)
    groups, c, notes = _read(data, values, by, missing, blank)
    k = len(groups)
    if k < 2:
        raise TooFewData(f"by: one group came ({groups[0]!r}); at least two are wanted")
    x = np.column_stack(c)
    expected = _expected(x)
    used = x.sum(axis=0) > 0.0
    df = (k - 1.0) * (float(used.sum()) - 1.0)
    statistic = float(np.sum((x - expected)[:, used] ** 2 / expected[:, used]))
    small = bool((expected[:, used] < 5.0).any())
    drawn = df > 0 and (method == "permutation" or (method == "auto" and small))
    if small and method == "chi2":
        notes.append(Note("small-expected", "warning", "an expected count is below 5: method='permutation' is safer"))
    if drawn:
        pvalue = _permuted(x, resamples, rng)
    else:
        pvalue = float(chi2_sf(statistic, df)) if df > 0 else 1.0
    i, j = np.tril_indices(k, -1)
    order = np.lexsort((i, j))  # each later group against the first, then against the second ...
    i, j = i[order], j[order]
    d, u, p = c
    differences = compare_nps_counts(d[i], u[i], p[i], d[j], u[j], p[j], confidence=confidence)
    assert isinstance(differences, Comparisons)  # arrays went in
    seen = one_sample(c, np.inf, "score", 0.0, confidence, "two-sided")
    interval = Intervals(frozen_array(100.0 * seen.low), frozen_array(100.0 * seen.high), confidence)
    how = "random relabelling" if drawn else "chi-square"
    return NpsGroups(
        groups, frozen_array(100.0 * net(c)), interval, frozen_array(x), statistic, df, pvalue,
        resamples if drawn else None, tuple((groups[a], groups[b]) for a, b in zip(i, j, strict=True)), differences,
        frozen_array(holm(differences.pvalue)), f"homogeneity by {how}; pairs by MOVER with Holm", _SOURCE,
        tuple(notes),
    )  # fmt: skip
