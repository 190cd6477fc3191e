"""Gaps between events: as they are, or made from the dates of the events."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import as_counts, as_vector, first_bad
from qstats._core.blocks import everywhere, everywhere_true
from qstats.errors import DataError, TooFewData
from qstats.spc.build import own
from qstats.spc.door import Columns, Layers, label_array, read
from qstats.spc.labels import PointLabels
from qstats.spc.phases import is_mask
from qstats.spc.points import Points

__all__ = ["read_gaps", "times_between", "units"]


def units(values: object, missing: str, name: str, shift: int) -> Points:
    """Return checked numbers of units between events, `shift` or more."""
    x = own(as_counts(values, name, missing=missing), values)
    if shift and not everywhere_true(lambda a: ~(a < shift), x):
        raise DataError(f"{name}: {first_bad(x < shift, x)}; with shift=1 the event counts too: 1 or more is wanted")
    return Points({"between": x}, everywhere(1.0, x.size))


def times_between(values: object, missing: str, name: str) -> Points:
    """Return checked times between events, zero or more."""
    x = own(as_vector(values, name, missing=missing), values)
    if not everywhere_true(lambda a: ~(a < 0.0), x):
        raise DataError(
            f"{name}: {first_bad(x < 0.0, x)}; a time between events is zero or more: are the events sorted?"
        )
    return Points({"time": x}, everywhere(1.0, x.size))


def _stamps(values: Any, name: str) -> npt.NDArray[Any]:
    """Return the events' dates or timestamps."""
    a = label_array(values, name, np.size(values))
    if a.dtype.kind in "UT":
        a = table.to_dates(a, name)
    if a.dtype.kind != "M":
        raise DataError(f"{name}: got {a.dtype} values; the dates or timestamps of the events are wanted")
    if a.size < 2:
        raise TooFewData(f"{name}: {a.size} events; at least 2 are wanted for the time between them")
    return a


def _holds_dates(data: object) -> bool:
    """Whether the data themselves are dates of events, not numbers."""
    if isinstance(data, np.ndarray):
        return data.dtype.kind in "MUT"
    first = data[0] if isinstance(data, list | tuple) and data else None
    return isinstance(first, str | np.datetime64) or hasattr(first, "isoformat")


def read_gaps(data: object, values: str | None, dates: str | None, layers: Layers, *, whole_days: bool) -> Columns:
    """Fetch gaps as they are, or make them from dates: each belongs to the event that ends it."""
    listed = not table.is_frame(data) or isinstance(data, list | tuple | np.ndarray)
    if dates is None and not (listed and _holds_dates(data)):
        return read(data, {"values": values}, layers)
    if values is not None:
        raise DataError("dates: given together with values; the gaps are either there or made from dates")
    if layers.order_by is not None:
        raise DataError("order_by: dates put the events in order themselves; leave it out")
    if listed and dates is not None:
        raise DataError(f"dates: got {dates!r}, but data is no table; pass the dates themselves as data")
    order = Layers(data if listed else dates, layers.phase, layers.baseline, layers.exclude)
    got = read(data, {"values": None if listed else dates}, order)
    return _gaps(got, _stamps(got.values["values"], "data" if listed else "dates"), whole_days=whole_days)


def _gaps(got: Columns, stamps: npt.NDArray[Any], *, whole_days: bool) -> Columns:
    """Return the gaps, in days, with labels, phases and masks of the events that end them."""
    n = stamps.size
    if whole_days:
        stamps = stamps.astype("datetime64[D]")
    days = (stamps[1:] - stamps[:-1]) / np.timedelta64(1, "D")

    def rest(value: Any) -> Any:
        return np.asarray(value)[1:] if value is not None and np.ndim(value) == 1 and len(value) == n else value

    sides = [rest(v) if is_mask(v) else v for v in (got.layers.baseline, got.layers.exclude)]
    layers = Layers(None, rest(got.layers.phase), *sides)
    names = None if got.labels is None else PointLabels(n - 1, np.array([got.labels[i] for i in range(1, n)]))
    return Columns({"values": days}, names, layers)
