"""Results of service times: one group or many, with open ones or all finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.inference.times.logrank import LogRank
from qstats.inference.times.survival import SurvivalCurve

__all__ = ["HandlingTime", "ServiceTable", "ServiceTime", "check_shares", "group_notes", "quantile_name"]


def check_shares(quantiles: Any) -> tuple[float, ...]:
    """Return the shares asked for, each between 0 and 1."""
    if isinstance(quantiles, str | bytes) or not isinstance(quantiles, Sequence | np.ndarray) or not len(quantiles):
        raise DataError(f"quantiles: got {quantiles!r}; a sequence of shares such as (0.5, 0.9) is wanted")
    return tuple(check_number(q, "quantiles", above=0.0, below=1.0) for q in quantiles)


def quantile_name(q: float) -> str:
    """Return what people call the time within which a share q is done."""
    return "median" if q == 0.5 else f"p{100 * q:g}"


def _estimate_row(e: Estimate) -> tuple[str, str]:
    return e.name, f"{e.estimate:.4g} ({e.interval.low:.4g}, {e.interval.high:.4g})"


def _flat(estimates: Sequence[Estimate]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for e in estimates:
        columns |= {e.name: [e.estimate], f"{e.name} low": [e.interval.low], f"{e.name} high": [e.interval.high]}
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class ServiceTime(Result):
    """How long until an end (resolution, first response) when some are still waiting.

    Parameters
    ----------
    what : str
        Such as ``"Time to resolution"``.
    unit : str
    n, closed, waiting : int
        All, those that ended, and those still open when last seen.
    quantiles : tuple of Estimate
        Time within which a share of all is done, by the curve; infinite where it does not come down so far.
    mean : Estimate or None
        Mean time up to `horizon` (restricted mean).
    horizon : float or None
    naive : tuple of float or None
        The same quantiles of the closed ones alone, for comparison: too short while some are open.
    now : datetime64[us]
    curve : SurvivalCurve
        Share still open by time; ``plot()`` draws it.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.service-time/1"

    what: str
    unit: str
    n: int
    closed: int
    waiting: int
    quantiles: tuple[Estimate, ...]
    mean: Estimate | None
    horizon: float | None
    naive: tuple[float | None, ...]
    now: np.datetime64
    curve: SurvivalCurve
    method: str
    reference: str
    notes: tuple[Note, ...] = field(default=())

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the summary."""
        return f"{self.what} ({self.unit})"

    @property
    def median(self) -> Estimate:
        """Time within which half are done."""
        return self.curve.median

    def _estimates(self) -> tuple[Estimate, ...]:
        return self.quantiles if self.mean is None else (*self.quantiles, self.mean)

    def _rows(self) -> list[tuple[str, str]]:
        naive = [
            f"{e.name} {'none' if v is None else f'{v:.4g}'}" for e, v in zip(self.quantiles, self.naive, strict=True)
        ]
        return [
            ("tickets", f"{self.n}: {self.closed} ended, {self.waiting} still open"),
            *(_estimate_row(e) for e in self._estimates()),
            ("closed ones alone", ", ".join(naive)),
            ("as of", str(self.now.astype("datetime64[s]"))),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        seen: dict[str, object] = {"n": [self.n], "closed": [self.closed], "open": [self.waiting]}
        plain = {f"{e.name} closed only": [v] for e, v in zip(self.quantiles, self.naive, strict=True)}
        return {**seen, **_flat(self._estimates()), **plain, "unit": [self.unit]}


@dataclass(frozen=True, slots=True, eq=False)
class HandlingTime(Result):
    """Handling time of finished cases: what a typical one takes, what they cost on average, what nearly all take.

    Parameters
    ----------
    n : int
    mean : Estimate
        Arithmetic: total time over number, the one for staffing and cost.
    geometric_mean : Estimate or None
        The typical time of skewed data; None where a time is zero.
    quantiles : tuple of Estimate
        With limits from order statistics.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.handling-time/1"
    title: ClassVar[str] = "Handling time"

    n: int
    mean: Estimate
    geometric_mean: Estimate | None
    quantiles: tuple[Estimate, ...]
    method: str
    reference: str
    notes: tuple[Note, ...] = field(default=())

    @property
    def median(self) -> Estimate:
        """Time within which half are done, where it was asked for."""
        for e in self.quantiles:
            if e.name == "median":
                return e
        raise DataError("quantiles: 0.5 was not among those asked for; ask for it")

    def _estimates(self) -> tuple[Estimate, ...]:
        typical = () if self.geometric_mean is None else (self.geometric_mean,)
        return (self.mean, *typical, *self.quantiles)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [_estimate_row(e) for e in self._estimates()]
        return [("cases", f"{self.n}"), *rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {"n": [self.n], **_flat(self._estimates())}


@dataclass(frozen=True, slots=True, eq=False)
class ServiceTable(Result):
    """Service times by group.

    Parameters
    ----------
    segments : tuple of str
    results : tuple of ServiceTime or HandlingTime
        One per group.
    total : ServiceTime or HandlingTime
        All together.
    logrank : LogRank or None
        Whether the groups differ in pace at all, open ones included; for times that may be open.
    what : str
    notes : tuple of Note
        Of the whole; those of a group are with the group.
    """

    schema: ClassVar[str] = "qstats.service-table/1"

    segments: tuple[str, ...]
    results: tuple[Any, ...]
    total: Any
    logrank: LogRank | None
    what: str
    notes: tuple[Note, ...] = field(default=())

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the summary."""
        return f"{self.what} by group"

    def __len__(self) -> int:
        return len(self.segments)

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for name, r in [*zip(self.segments, self.results, strict=True), ("all", self.total)]:
            rows.append((name, "  ".join([f"n {r.n}", *(" ".join(_estimate_row(e)) for e in r._estimates())])))
        if self.logrank is not None:
            rows.append(("log-rank test of all groups", f"p {self.logrank.pvalue:.3g}"))
        return rows

    def _columns(self) -> Mapping[str, object]:
        tables = [r._columns() for r in self.results]
        names = dict.fromkeys(name for table in tables for name in table)  # a group with a zero has one mean less
        columns = {name: [table.get(name, [None])[0] for table in tables] for name in names}
        return {"segment": list(self.segments), **columns}


def group_notes(labels: Sequence[str], results: Sequence[Any]) -> tuple[Note, ...]:
    """Say once for the table which groups carry which remark; the words are with the group."""
    where: dict[tuple[str, Any], list[str]] = {}
    for label, result in zip(labels, results, strict=True):
        for note in result.notes:
            if note.severity != "info":
                where.setdefault((note.code, note.severity), []).append(label)
    return tuple(
        Note(code, severity, f"in {len(names)} of {len(labels)} groups ({', '.join(names[:5])}): see there")
        for (code, severity), names in where.items()
    )
