"""Compare service times of two groups: mean time to a horizon, and the log-rank test, in one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import TooFewData
from qstats.inference.comparison import Comparison
from qstats.inference.pivot import NO_SCATTER
from qstats.inference.times.logrank import LogRank, logrank
from qstats.inference.times.survival import SurvivalCurve, survival_curve
from qstats.inference.times.times import compare_times
from qstats.voice.service.clock import check_unit
from qstats.voice.service.tickets import Reading, Tickets, two_groups

__all__ = ["TimeComparison", "compare_resolution_time", "joined", "pooled_logrank"]


@dataclass(frozen=True, slots=True, eq=False)
class TimeComparison(Comparison):
    """Mean times to a horizon compared, with the log-rank test and the curves.

    Parameters
    ----------
    groups : tuple of str
        Group and reference group.
    other : Comparison or None
        The ratio where `effect` is the difference, and the other way round; its null is "no difference".
    logrank : LogRank or None
        Whether the pace differs at all, at any time.
    curves : tuple of SurvivalCurve
        Of the group and of the reference group.
    """

    schema: ClassVar[str] = "qstats.time-comparison/1"
    title: ClassVar[str] = "Comparison of service times"

    groups: tuple[str, str] = ("", "")
    other: Comparison | None = None
    logrank: LogRank | None = None
    curves: tuple[SurvivalCurve, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = Comparison._rows(self)
        more = [("group, reference group", ", ".join(self.groups))]
        if self.other is not None:
            more.append((self.other.effect.replace("_", " "), f"{self.other.estimate:.4g} {self.other.interval}"))
        if self.logrank is not None:
            more.append(("log-rank test", f"p {self.logrank.pvalue:.4g}"))
        return [more[0], *rows[:-2], *more[1:], *rows[-2:]]

    def _columns(self) -> Mapping[str, object]:
        test = {} if self.logrank is None else {"logrank pvalue": [self.logrank.pvalue]}
        return {**Comparison._columns(self), **test}


def joined(r: Comparison, kind: type[Any], notes: tuple[Note, ...], **more: Any) -> Any:
    """Return a comparison as a richer one, with the notes of the reading first and none twice."""
    values = {f.name: getattr(r, f.name) for f in fields(Comparison)}
    return kind(**(values | {"notes": tuple(dict.fromkeys((*notes, *r.notes)))} | more))


def pooled_logrank(t: Tickets, t0: Tickets, names: tuple[str, str], unit: str) -> LogRank:
    """Return the log-rank test of two groups."""
    labels = np.repeat(np.array(names), [len(t), len(t0)])
    return logrank(np.concatenate([t.time(unit), t0.time(unit)]), np.concatenate([t.closed, t0.closed]), labels)


def compare_resolution_time(
    data: object,
    data0: object = None,
    *,
    opened: str,
    closed: str,
    horizon: float,
    by: str | None = None,
    reference: Any = None,
    change: Any = None,
    now: Any = None,
    unit: str = "hours",
    measure: str = "rmst_difference",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    impossible: str = "raise",
) -> TimeComparison:
    """Tell whether, and by how much, tickets are solved faster: mean time to a horizon and log-rank test in one.

    Use it for two teams, two extractions, or before and after a change, open tickets included. The mean time to the
    horizon says how much, also where the curves cross; the log-rank test says whether, and sees most where one group is
    faster throughout. Decide before looking which of the two counts.

    Parameters
    ----------
    data, data0 : frame or mapping
        Group and reference group; or `data` alone with `by` or `change`.
    opened, closed, now, unit, missing, impossible
        As in `resolution_time`.
    horizon : float
        In `unit`: such as the agreed service time; no later than either group was followed.
    by, reference : str, optional
        Column of two groups, and which one is the reference.
    change : date, datetime or ISO text, optional
        Tickets opened from then on are compared with those opened before.
    measure : {"rmst_difference", "rmst_ratio"}
        What `estimate`, `interval` and `pvalue` are about; the other one is in `other`.
    null, confidence, alternative
        As in `compare_times`; a difference in `null` lies within the horizon.

    Returns
    -------
    TimeComparison

    Raises
    ------
    DataError, TooFewData
        As in `resolution_time`; not exactly two groups; no scatter of the times to the horizon in either group.

    References
    ----------
    Royston & Parmar (2013), BMC Medical Research Methodology 13, 152. Mantel (1966), Cancer Chemotherapy Reports 50,
    163-170.

    Examples
    --------
    >>> from qstats.voice.service.resolution_compare import compare_resolution_time
    >>> log = {"opened": ["2024-05-01"] * 8, "team": ["a", "b"] * 4,
    ...        "closed": ["2024-05-02", "2024-05-05", "2024-05-03", None, "2024-05-02", "2024-05-09",
    ...                   "2024-05-04", None]}
    >>> r = compare_resolution_time(log, opened="opened", closed="closed", by="team", reference="b", horizon=10,
    ...                             unit="days", now="2024-05-20")
    >>> r.estimate, r.values, round(r.logrank.pvalue, 4)
    (-6.25, (1.75, 8.0), 0.0062)
    """
    check_choice(measure, "measure", ("rmst_difference", "rmst_ratio"))
    check_unit(unit)
    end = check_number(horizon, "horizon", above=0.0)
    reading = Reading(opened, closed, by=by, now=now, missing=missing, impossible=impossible)
    t, t0, names = two_groups(data, data0, reading, reference=reference, change=change)
    times, flags = (t.time(unit), t0.time(unit)), (t.closed, t0.closed)

    def compare(what: str, **options: Any) -> Comparison:
        found = compare_times(
            *times, measure=what, closed=flags[0], closed0=flags[1], horizon=end, confidence=confidence, **options
        )
        assert isinstance(found, Comparison)
        return found

    r = compare(measure, null=null, alternative=alternative)
    if NO_SCATTER in r.notes:  # a few equal times show nothing
        raise TooFewData(
            f"data: nothing varies: up to {end:g} {unit} all tickets of {names[0]!r} took equally long, and so did all "
            f"of {names[1]!r}; no error can be estimated: record the times more finely or take more tickets"
        )
    second = "rmst_ratio" if measure == "rmst_difference" else "rmst_difference"
    other = None if min(r.values) == 0.0 else compare(second, alternative=alternative)
    test = pooled_logrank(t, t0, names, unit)
    curves = tuple(survival_curve(x, c, confidence=confidence) for x, c in zip(times, flags, strict=True))
    notes = (*t.notes, *t0.notes)
    return joined(r, TimeComparison, notes, groups=names, other=other, logrank=test, curves=curves)  # type: ignore[no-any-return]
