"""The two samples of a comparison of NPS: two lists, two results, or one table with a group column."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.table.net_promoter import NPS_SCALE, three_classes
from qstats.table.scores import answers
from qstats.voice.nps.design import wald_size
from qstats.voice.nps.kernels import Counts
from qstats.voice.nps.one import nps
from qstats.voice.nps.result import Nps

__all__ = ["effective_counts", "two_groups"]


def _groups(data: Any, values: Any, by: Any, reference: Any, missing: str, blank: Any) -> tuple[Nps, Nps]:
    """Split by a column of two groups; which one is the reference must be said, for the sign hangs on it."""
    a = answers(data, NPS_SCALE, values=values, numbers={}, keys={"by": by}, missing=missing, blank=blank)
    keys = a.keys["by"]
    names = ", ".join(map(repr, keys.labels))
    if keys.missing:
        raise DataError(f"by: missing for {keys.missing} answers; leave those rows out, or give them a group")
    if len(keys.labels) != 2:
        raise DataError(f"by: {len(keys.labels)} groups came ({names}); two are wanted: compare_nps_groups takes more")
    if str(reference) not in keys.labels:
        raise DataError(f"reference: got {reference!r}; say which of {names} the other is compared with")
    base = keys.labels.index(str(reference))
    found: list[Nps] = []
    for code in (1 - base, base):
        inside = keys.codes == code
        x = np.bincount(a.score[inside].astype(np.intp), weights=a.rows[inside], minlength=11)
        d, u, p = three_classes(x)
        found.append(_bare(d, u, p, a.notes if not found else ()))
    return found[0], found[1]


def _bare(d: float, u: float, p: float, notes: tuple[Note, ...]) -> Nps:
    n = d + u + p
    nothing = Interval(-100.0, 100.0, 0.95)
    shares = (d / n, u / n, p / n)
    return Nps(
        100.0 * (p - d) / n, nothing, 1.0, "two-sided", 0.0, None, n, d, u, p, shares, None, "counts", "", notes, n
    )


def _sample(data: Any, name: str, values: Any, missing: str, blank: Any) -> Nps:
    if isinstance(data, Nps):
        if values is not None:
            raise DataError(f"values: got {values!r}; {name} is a result of nps already, not a table")
        return data
    try:
        made = nps(data, values=values, missing=missing, blank=blank)
    except DataError as error:
        raise type(error)(f"{name}: {str(error).removeprefix('data: ')}") from None
    assert isinstance(made, Nps)  # no by= was given
    return made


def two_groups(
    data: Any, data0: Any, values: Any, by: Any, reference: Any, missing: str, blank: Any
) -> tuple[Nps, Nps]:
    """Return the group and the reference group from whatever came."""
    if by is not None:
        if data0 is not None:
            raise DataError("data0: came together with by=; by= splits one table (or one list) into the two groups")
        return _groups(data, values, by, reference, missing, blank)
    if reference is not None:
        raise DataError(f"reference: got {reference!r} without by=; data0 is the reference")
    if data0 is None:
        raise DataError("data0: is missing; give the answers of the reference group, or by= the column of the group")
    return _sample(data, "data", values, missing, blank), _sample(data0, "data0", values, missing, blank)


def effective_counts(x: Nps, name: str, method: str) -> tuple[Counts, float]:
    """Return the counts a sample is worth, and its degrees of freedom."""
    if math.isinf(x.n_eff):
        raise DataError(f"{name}: its design leaves no variance (a census); compare the two scores as they are")
    n = wald_size(x.n, x.deff, x.n_eff) if x.df is not None and method == "wald" else x.n_eff
    low, mid, high = (np.array([s * n]) for s in x.shares)
    return (low, mid, high), math.inf if x.df is None else x.df
