"""The tables behind a verification: read once, then asked for their rows by category, unit or stratum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.errors import DataError
from qstats.improve.verify.declare import LogColumns, Metric
from qstats.improve.verify.reading import Days, Tally, named_column, read_cases, read_exposure, read_log

__all__ = ["KEYS", "Read", "Source", "binned", "read_source"]

KEYS = ("category", "unit", "stratum", "channel")
_SHARED = ("unit", "stratum")  # keys that the exposure table has too


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The tables of one metric, and what their columns are called."""

    log: Any
    exposure: Any
    columns: LogColumns
    name: str = "complaints"


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What was read of a source: tallies with their keys, the exposure None where declared constant."""

    log: Tally
    exposure: Tally | None
    by_case: bool
    metric: Metric

    def rows(self, key: str, wanted: str, *, others: bool = False) -> Read:
        """Return what belongs to one category, unit or stratum, or to all others."""

        def some(tally: Tally) -> BoolArray:
            here = tally.where(key, wanted)
            return ~here if others else here

        exposure = self.exposure
        if exposure is not None and key in _SHARED:
            exposure = exposure.at(some(exposure))
        return replace(self, log=self.log.at(some(self.log)), exposure=exposure)

    def names(self, key: str) -> list[str]:
        """Return the categories, units or strata, most frequent first."""
        held = self.log.keys.get(key)
        if held is None:
            return []
        total: dict[str, float] = {}
        for name, size in zip(held.tolist(), self.log.size.tolist(), strict=True):
            if name is not None:
                total[str(name)] = total.get(str(name), 0.0) + size
        return sorted(total, key=lambda name: (-total[name], name))

    def sums(self, edges: Days) -> tuple[FloatArray, FloatArray]:
        """Return what was measured and its exposure per period."""
        events = binned(self.log.days, self.log.amount, edges)
        if self.by_case:
            return events, binned(self.log.days, self.log.size, edges)
        if self.exposure is None:
            return events, np.diff(edges).astype(np.float64)
        return events, binned(self.exposure.days, self.exposure.amount, edges) * (self.metric.opportunities or 1.0)

    def squares(self, edges: Days) -> FloatArray:
        """Return the sum of squared deviations inside each period, centred first so that an offset cancels nothing."""
        log, k = self.log, edges.size - 1
        where = np.searchsorted(edges, log.days, side="right") - 1
        inside = (where >= 0) & (where < k) & ~np.isnat(log.days)
        where, n = where[inside], log.size[inside]
        each = log.amount[inside] / n  # rows of one group share their value
        size = np.maximum(np.bincount(where, weights=n, minlength=k), 1.0)
        d = each - (np.bincount(where, weights=n * each, minlength=k) / size)[where]
        first = np.bincount(where, weights=n * d, minlength=k)
        total = np.bincount(where, weights=n * d * d, minlength=k) - first * first / size
        return np.asarray(np.maximum(total, 0.0), dtype=np.float64)


def binned(days: Days, weight: FloatArray, edges: Days) -> FloatArray:
    """Sum `weight` by period; days outside the edges are left out (the caller counts them)."""
    where = np.searchsorted(edges, days, side="right") - 1
    inside = (where >= 0) & (where < edges.size - 1) & ~np.isnat(days)
    return np.bincount(where[inside], weights=weight[inside], minlength=edges.size - 1).astype(np.float64)


def read_source(source: Source, metric: Metric, data_date: np.datetime64 | None, need: tuple[str, ...] = ()) -> Read:
    """Read log and exposure by every key that has a column; without an exposure every row is a case.

    `need` names keys that the plan cannot do without.
    """
    c = source.columns
    for key in need:
        named_column(c, key)
    keys = tuple(key for key in KEYS if getattr(c, key) is not None)
    shared = tuple(key for key in keys if key in _SHARED)
    if metric.family in ("rate", "share") and metric.kind in ("rate", "dpmo", "proportion") and c.values is None:
        if source.exposure is None:
            raise DataError(
                f"exposure: missing for {metric.name!r}; pass a table of date and exposure (orders, units), or "
                "exposure='constant' to declare that volume did not change"
            )
        amounts = read_exposure(source.exposure, c, shared, "exposure")
        if amounts is None and metric.kind != "rate":
            raise DataError(f"exposure: 'constant' says nothing about the cases of {metric.name!r}; pass a table")
        return Read(read_log(source.log, c, keys, source.name), amounts, False, metric)
    if source.exposure is not None:
        raise DataError(f"exposure: {metric.name!r} is read from one row per case; leave exposure out")
    return Read(read_cases(source.log, metric, c, keys, data_date, source.name), None, True, metric)
