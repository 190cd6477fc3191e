"""From tables of any engine to small tallies by day: complaints, exposure, scores, times, tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray
from qstats.errors import DataError
from qstats.improve.verify.declare import LogColumns, Metric
from qstats.table.frames import open_frame, row_order_is_known
from qstats.table.net_promoter import NPS_SCALE, net_class
from qstats.voice.service.clock import as_duration
from qstats.voice.service.columns import fetch, stamps

__all__ = ["DAY", "Days", "Tally", "named_column", "read_cases", "read_exposure", "read_log"]

Days = npt.NDArray[np.datetime64]
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Rows or groups of rows of a table.

    Parameters
    ----------
    days : ndarray of datetime64[D], shape (m,)
    amount : ndarray, shape (m,)
        Complaints, exposure, or the sum of what was measured.
    size : ndarray, shape (m,)
        Cases behind `amount`.
    keys : mapping of str to ndarray
        ``"category"``, ``"unit"``, ``"stratum"``, ``"channel"`` as far as they were asked for.
    lost : float
        Cases without a value, or not due yet.
    """

    days: Days
    amount: FloatArray
    size: FloatArray
    keys: Mapping[str, npt.NDArray[Any]]
    lost: float = 0.0

    def at(self, which: BoolArray) -> Tally:
        """Return some of the rows."""
        keys = {name: key[which] for name, key in self.keys.items()}
        return Tally(self.days[which], self.amount[which], self.size[which], keys, self.lost)

    def where(self, key: str, wanted: str) -> BoolArray:
        """Return which rows have this key."""
        return np.array([k is not None and str(k) == wanted for k in self.keys[key].tolist()], dtype=bool)


def named_column(columns: LogColumns, what: str) -> str:
    """Return the name of a column the plan cannot do without."""
    name = getattr(columns, what)
    if name is None:
        raise DataError(f"columns: {what} is not named; pass columns=LogColumns({what}='...')")
    return str(name)


def _frame(data: Any, name: str, wanted: str) -> Any:
    if not table.is_frame(data):
        raise DataError(f"{name}: got a {type(data).__name__}; a table, {wanted}, is wanted")
    return data


def read_log(data: Any, columns: LogColumns, keys: Sequence[str], name: str) -> Tally:
    """Count complaints by day and key, inside the engine."""
    _frame(data, name, "one row per complaint (or counts)")
    by = [columns.date, *(named_column(columns, key) for key in keys)]
    out = table.counts_by(data, by, weight=columns.events, dates=[columns.date])
    weight = np.asarray(out["weight" if columns.events else "n"], dtype=np.float64)
    if (~(weight >= 0) | np.isinf(weight)).any():
        raise DataError(f"{name}: {columns.events} has a negative or missing or infinite count; clean it first")
    if (weight != np.floor(weight)).any():
        first = weight[weight != np.floor(weight)][0]
        raise DataError(f"{name}: {columns.events} adds up to {first:g} on a day; whole numbers of events are wanted")
    days = table.to_dates(out[columns.date], f"{name}.{columns.date}")
    return Tally(days, weight, weight, {key: out[named_column(columns, key)] for key in keys})


def read_exposure(data: Any, columns: LogColumns, keys: Sequence[str], name: str) -> Tally | None:
    """Add up exposure by day and key; None where volume was declared constant."""
    if isinstance(data, str):
        if data != "constant":
            raise DataError(f"{name}: got {data!r}; a table, or 'constant' to declare that volume did not change")
        return None
    _frame(data, name, "of date and exposure (or 'constant')")
    by = [columns.exposure_date, *(named_column(columns, key) for key in keys)]
    out = table.counts_by(data, by, weight=columns.exposure, dates=[columns.exposure_date])
    amount = np.asarray(out["weight"], dtype=np.float64)
    if (~(amount >= 0) | np.isinf(amount)).any():
        raise DataError(f"{name}: {columns.exposure} has a negative or missing or infinite value; clean it first")
    days = table.to_dates(out[columns.exposure_date], f"{name}.{columns.exposure_date}")
    return Tally(days, amount, amount, {key: out[named_column(columns, key)] for key in keys})


def read_cases(
    data: Any, metric: Metric, columns: LogColumns, keys: Sequence[str], data_date: np.datetime64 | None, name: str
) -> Tally:
    """Read one row per case (an answer, a ticket, a unit): what was measured, on the scale it is analysed on."""
    _frame(data, name, f"one row per case of {metric.name!r}")
    if metric.kind == "sla":
        return _tickets(data, metric, columns, keys, data_date, name)
    if metric.kind in ("time", "mean"):
        return _measured(data, metric, columns, keys, name)
    return _answers(data, metric, columns, keys, name)


def _answers(data: Any, metric: Metric, columns: LogColumns, keys: Sequence[str], name: str) -> Tally:
    """Scores and yes/no values: few different ones, so they are counted where they are."""
    value = named_column(columns, "values")
    by = [columns.date, value, *(named_column(columns, key) for key in keys)]
    out = table.counts_by(data, by, dates=[columns.date])
    n = np.asarray(out["n"], dtype=np.float64)
    x = np.array([np.nan if v is None else v for v in out[value].tolist()], dtype=object)
    if any(isinstance(v, str) for v in x.tolist()):
        raise DataError(f"{name}.{value}: text came; numbers are wanted for {metric.name!r}: convert the column")
    score = x.astype(np.float64)
    there = ~np.isnan(score)
    good = _on_scale(score[there], metric, f"{name}.{value}")
    days = table.to_dates(out[columns.date], f"{name}.{columns.date}")[there]
    held = {key: out[named_column(columns, key)][there] for key in keys}
    return Tally(days, good * n[there], n[there], held, float(n[~there].sum()))


def _on_scale(score: FloatArray, metric: Metric, name: str) -> FloatArray:
    fixed = {
        "nps": (NPS_SCALE.low, NPS_SCALE.high),
        "proportion": (0, 1),
        "rate": (0, np.inf),
        "dpmo": (0, np.inf),
    }
    low, high = fixed.get(metric.kind, metric.scale or (-np.inf, np.inf))
    bad = (score < low) | (score > high) | np.isinf(score)
    whole = metric.kind in ("nps", "proportion", "rate", "dpmo")
    if whole:
        bad |= score != np.floor(score)
    if bad.any():
        wanted = f"values from {low:g} to {high:g}{', whole numbers,' if whole else ''} are wanted"
        raise DataError(f"{name}: {score[bad][0]:g} came for {metric.name!r}; {wanted}")
    if metric.kind == "nps":
        return 100.0 * net_class(score)
    if metric.kind == "csat":
        assert metric.top is not None
        return (score < metric.top).astype(np.float64)
    return score


def _measured(data: Any, metric: Metric, columns: LogColumns, keys: Sequence[str], name: str) -> Tally:
    value = named_column(columns, "values")
    names = {"date": columns.date, "values": value, **{key: named_column(columns, key) for key in keys}}
    order = None if row_order_is_known(open_frame(data)) else columns.date
    out = table.columns(data, names, order_by=order)
    x = out["values"]
    if x.dtype.kind != "f":
        raise DataError(f"{name}.{value}: numbers are wanted for {metric.name!r}: convert the column")
    there = ~np.isnan(x)
    if np.isinf(x).any():
        raise DataError(f"{name}.{value}: an infinite value came for {metric.name!r}; clean it first")
    if metric.kind == "time":
        if (x[there] <= 0.0).any():
            raise DataError(f"{name}.{value}: {x[there].min():g} came for {metric.name!r}; times above zero are wanted")
        x = np.log(np.where(there, x, 1.0))
    days = table.to_dates(out["date"], f"{name}.{columns.date}")
    held = {key: out[key][there] for key in keys}
    return Tally(days[there], x[there], np.ones(int(there.sum())), held, float((~there).sum()))


def _tickets(
    data: Any, metric: Metric, columns: LogColumns, keys: Sequence[str], data_date: np.datetime64 | None, name: str
) -> Tally:
    """Tickets by the day they were opened: a miss is closed too late, or due and still open."""
    if data_date is None:
        raise DataError(f"data_date: missing; {metric.name!r} needs the day the table was drawn, to judge open tickets")
    names = {"date": columns.date, "closed": named_column(columns, "closed")}
    got = fetch(data, names | {key: named_column(columns, key) for key in keys})
    opened = stamps(got.arrays["date"], f"{name}.{columns.date}", columns.date)
    closed = stamps(got.arrays["closed"], f"{name}.{names['closed']}", names["closed"])
    if (closed < opened).any():
        raise DataError(f"{name}.{names['closed']}: {int((closed < opened).sum())} tickets closed before they opened")
    assert metric.within is not None
    due = opened + as_duration(metric.within, "within")
    now = (data_date + DAY).astype("datetime64[us]")  # the whole of that day was seen
    judged = ~np.isnat(opened) & (due < now)  # one closed before it was due waits too, or the fast would come first
    late = np.isnat(closed) | (closed > due)
    held = {key: got.arrays[key][judged] for key in keys}
    days = opened.astype("datetime64[D]")[judged]
    return Tally(days, late[judged].astype(np.float64), np.ones(days.size), held, float((~judged).sum()))
