"""Churn: how long customers stay, and the share lost by a horizon, customers of today included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile, normal_sf
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, tail_probability, tails
from qstats.inference.estimate import Estimate
from qstats.inference.times.logrank import LogRank, logrank
from qstats.inference.times.survival import SurvivalCurve, survival_curve
from qstats.voice.service.churn_share import LostGap, lost_by
from qstats.voice.service.clock import check_unit
from qstats.voice.service.resolution_compare import TimeComparison, joined, pooled_logrank
from qstats.voice.service.result import group_notes
from qstats.voice.service.tickets import Reading, Tickets, read_tickets, two_groups

__all__ = ["Churn", "ChurnTable", "churn", "compare_churn"]

_SOURCE = "Kaplan & Meier (1958), JASA 53, 457-481; Borgan & Liestol (1990), Scandinavian J. of Statistics 17, 35-41"
_DIFFERENCE = "Zou & Donner (2008), Statistics in Medicine 27, 1693-1702; Borgan & Liestol (1990), Scand. J. Stat. 17"
_TRANSFORMS = {"log-log": "complementary log-log", "plain": "Greenwood"}


@dataclass(frozen=True, slots=True, eq=False)
class Churn(Result):
    """How long customers stay.

    Parameters
    ----------
    lost : Estimate
        Share lost by the horizon.
    horizon : float
    unit : str
    n, ended, active : int
        Customers, those who left, those still there when last seen.
    naive : float
        Those who left by the horizon over all customers: too low, for it counts the newest as kept.
    median : Estimate
        Time by which half have left; infinite where that was not seen.
    now : datetime64[us]
    curve : SurvivalCurve
        Share kept by time; ``plot()`` draws it.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.churn/1"
    title: ClassVar[str] = "Churn"

    lost: Estimate
    horizon: float
    unit: str
    n: int
    ended: int
    active: int
    naive: float
    median: Estimate
    now: np.datetime64
    curve: SurvivalCurve
    method: str
    reference: str
    notes: tuple[Note, ...] = field(default=())

    @property
    def estimate(self) -> float:
        """Share lost by the horizon."""
        return self.lost.estimate

    @property
    def interval(self) -> Interval:
        """Its limits."""
        return self.lost.interval

    def _rows(self) -> list[tuple[str, str]]:
        i = self.interval
        return [
            ("customers", f"{self.n}: {self.ended} left, {self.active} still there"),
            (f"lost by {self.horizon:g} {self.unit}", f"{self.estimate:.2%}"),
            (f"{i.confidence:.0%} interval", f"({i.low:.2%}, {i.high:.2%})"),
            ("left over all, for comparison", f"{self.naive:.2%}"),
            (f"median stay ({self.unit})", f"{self.median.estimate:.4g} {self.median.interval}"),
            ("as of", str(self.now.astype("datetime64[s]"))),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("horizon", "unit", "n", "ended", "active", "naive")
        limits = {"low": self.interval.low, "high": self.interval.high, "confidence": self.interval.confidence}
        seen = {"lost": self.estimate, **limits, **{name: getattr(self, name) for name in names}}
        return {k: [v] for k, v in seen.items()} | {"median": [self.median.estimate]}


@dataclass(frozen=True, slots=True, eq=False)
class ChurnTable(Result):
    """Churn by group.

    Parameters
    ----------
    segments : tuple of str
    results : tuple of Churn
    total : Churn
    logrank : LogRank
        Whether the groups differ in how long customers stay.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.churn-table/1"
    title: ClassVar[str] = "Churn by group"

    segments: tuple[str, ...]
    results: tuple[Churn, ...]
    total: Churn
    logrank: LogRank
    notes: tuple[Note, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.segments)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (name, f"{r.estimate:.1%} ({r.interval.low:.1%}, {r.interval.high:.1%})  n {r.n}")
            for name, r in [*zip(self.segments, self.results, strict=True), ("all", self.total)]
        ]
        horizon = (f"lost by {self.total.horizon:g} {self.total.unit}", "")
        return [horizon, *rows, ("log-rank test of all groups", f"p {self.logrank.pvalue:.3g}")]

    def _columns(self) -> Mapping[str, object]:
        tables = [r._columns() for r in self.results]
        columns: dict[str, Any] = {name: [table[name][0] for table in tables] for name in tables[0]}  # type: ignore[index]
        return {"segment": list(self.segments), **columns}


def _one(
    t: Tickets, horizon: float, unit: str, transform: str, confidence: float, alternative: str, notes: tuple[Note, ...]
) -> Churn:
    time, left = t.time(unit), t.closed
    curve = survival_curve(time, left, confidence=confidence, transform=transform)
    lost = lost_by(curve, horizon, transform)
    below, above = tails(alternative, confidence)
    low = lost.limit(float(normal_quantile(below))) if below > 0 else 0.0
    high = lost.limit(-float(normal_quantile(above))) if above > 0 else 1.0
    method = f"Kaplan-Meier, {_TRANSFORMS[transform]} limits"
    if lost.few:
        who = "no one was" if lost.share == 0.0 else "everyone was"
        text = f"{who} lost by the horizon: exact binomial limit of the {lost.few:g} seen to it"
        notes = (*notes, Note("no-variance", "info", text))
    naive = float(np.count_nonzero(left & (time <= horizon))) / time.size
    name = f"lost by {horizon:g} {unit}"
    estimate = Estimate(name, lost.share, Interval(low, high, confidence), curve.n, method, _SOURCE)
    return Churn(
        estimate, horizon, unit, curve.n, curve.closed, curve.n - curve.closed, naive, curve.median, t.now, curve,
        method, _SOURCE, (*notes, *curve.notes),
    )  # fmt: skip


def churn(
    data: object,
    *,
    start: str,
    horizon: float,
    end: str,
    now: Any = None,
    by: str | None = None,
    unit: str = "days",
    transform: str = "log-log",
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    impossible: str = "raise",
) -> Churn | ChurnTable:
    r"""Share of customers lost by a horizon, with those who are still there counted for as long as they were seen.

    Use it for contracts, accounts, subscriptions with a start and, for some, an end. Leavers over all customers is too
    low (the newest could not leave yet); leavers among those old enough throws the others away. Not where leaving is
    not an event but a silence (a shop without contracts): first say after how long a silence counts.

    Parameters
    ----------
    data : frame of any engine, or mapping of column name to sequence
        One row per customer.
    start, end : str
        Columns of dates or timestamps; missing in `end` is still a customer.
    horizon : float
        In `unit`, such as 365.
    now : date, datetime or ISO text, optional
        When the data were extracted; the latest time seen unless given. With a time zone where the columns carry one
        (they are instants then), without where they do not.
    by : str, optional
        Column of the group: the answer is a `ChurnTable`, with a log-rank test.
    unit : {"seconds", "minutes", "hours", "days", "weeks"}
    transform : {"log-log", "plain"}
        Scale of the limits: complementary log-log, which stays between 0 and 1 and covers best, or Greenwood's as is.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"less"`` gives an upper bound only, ``"greater"`` a lower bound only.
    missing, impossible : {"raise", "drop"}
        What to do with customers without a start, and with those who left before they came.

    Returns
    -------
    Churn or ChurnTable

    Raises
    ------
    DataError
        No such column, text with a time of day, missing or impossible times, a horizon no one was followed to.

    Notes
    -----
    With :math:`\hat S` at the horizon and :math:`\sigma^2 = \sum d_i / (n_i (n_i - d_i))` the limits of the share kept
    are :math:`\hat S^{\exp(\pm z \sigma / \log \hat S)}`. Where no one is lost the upper limit of the share lost is
    :math:`1 - (\alpha/2)^{1/m}` with m followed to the horizon.

    References
    ----------
    Kaplan & Meier (1958), JASA 53, 457-481. Borgan & Liestol (1990), Scandinavian Journal of Statistics 17, 35-41.

    Examples
    --------
    >>> from qstats.voice.service.churn import churn
    >>> log = {"from": ["2023-01-01", "2023-02-01", "2023-03-01", "2023-06-01", "2024-01-01"],
    ...        "to": ["2023-07-01", None, "2024-01-01", None, None]}
    >>> r = churn(log, start="from", end="to", horizon=365, now="2024-07-01")
    >>> round(r.estimate, 3), r.naive, r.active
    (0.467, 0.4, 3)
    """
    check_choice(transform, "transform", _TRANSFORMS)
    check_unit(unit)
    confidence = check_confidence(confidence)
    tails(alternative, confidence)
    horizon = check_number(horizon, "horizon", above=0.0)
    t = read_tickets(
        data, Reading(start, end, ("start", "end"), by=by, now=now, missing=missing, impossible=impossible)
    )
    total = _one(t, horizon, unit, transform, confidence, alternative, t.notes)
    keys = t.keys
    if keys is None:
        return total
    if len(keys.labels) < 2:
        raise DataError(f"by: there is one group only ({keys.labels[0]!r}); leave by= out")
    parts = []
    for code, label in enumerate(keys.labels):
        try:
            parts.append(_one(t.group(code), horizon, unit, transform, confidence, alternative, ()))
        except DataError as error:  # a group that was not followed so far
            raise type(error)(f"by: group {label!r}: {error}") from None
    test = logrank(t.time(unit), t.closed, np.array(keys.labels)[keys.codes])
    return ChurnTable(keys.labels, tuple(parts), total, test, (*t.notes, *test.notes, *group_notes(keys.labels, parts)))


def compare_churn(
    data: object,
    data0: object = None,
    *,
    start: str,
    end: str,
    horizon: float,
    by: str | None = None,
    reference: Any = None,
    change: Any = None,
    now: Any = None,
    unit: str = "days",
    transform: str = "log-log",
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    impossible: str = "raise",
) -> TimeComparison:
    r"""Tell whether fewer customers are lost by a horizon: difference of the shares lost, and the log-rank test.

    Use it for two offers, two regions, or customers won before and after a change.

    Parameters
    ----------
    data, data0 : frame or mapping
        Group and reference group; or `data` alone with `by` or `change`.
    start, end, horizon, now, unit, transform, missing, impossible
        As in `churn`.
    by, reference : str, optional
        Column of two groups, and which one is the reference.
    change : date, datetime or ISO text, optional
        Customers who came from then on are compared with those who came before.
    null : float
        Difference the p-value is about: a non-inferiority margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"less"``: fewer are lost than in the reference group.

    Returns
    -------
    TimeComparison
        ``effect="difference"``, ``values`` the two shares lost; `logrank` and `curves` beside.

    Raises
    ------
    DataError, TooFewData
        As in `churn`; not exactly two groups.

    Notes
    -----
    Each share has limits l, u at z; the difference d has :math:`d - \sqrt{(\hat p - l)^2 + (u_0 - \hat p_0)^2}` and the
    mirror image. The p-value is the tail of the z at which a limit reaches the null. With ``transform="plain"`` that is
    Greenwood's :math:`(d - \delta) / \sqrt{v + v_0}`.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27, 1693-1702. Mantel (1966), Cancer Chemotherapy Reports 50, 163-170.

    Examples
    --------
    >>> from qstats.voice.service.churn import compare_churn
    >>> log = {"from": ["2023-01-01"] * 12, "offer": ["old", "new"] * 6,
    ...        "to": ["2023-03-01", None, "2023-05-01", None, "2023-06-01", "2023-11-01", None, None,
    ...               "2023-07-01", None, "2023-02-01", None]}
    >>> r = compare_churn(log, start="from", end="to", by="offer", reference="old", horizon=365, now="2024-07-01")
    >>> round(r.estimate, 3), round(r.pvalue, 3), round(r.logrank.pvalue, 3)
    (-0.667, 0.048, 0.01)
    """
    check_choice(transform, "transform", _TRANSFORMS)
    check_unit(unit)
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    null = check_number(null, "null", above=-1.0, below=1.0)
    end_at = check_number(horizon, "horizon", above=0.0)
    reading = Reading(start, end, ("start", "end"), by=by, now=now, missing=missing, impossible=impossible)
    t, t0, names = two_groups(data, data0, reading, reference=reference, change=change)
    curves = tuple(survival_curve(x.time(unit), x.closed, confidence=confidence, transform=transform) for x in (t, t0))
    lost = tuple(lost_by(curve, end_at, transform) for curve in curves)
    gap = LostGap(lost[0], lost[1])
    low = gap.lower(-float(normal_quantile(below))) if below > 0 else -1.0
    high = gap.upper(-float(normal_quantile(above))) if above > 0 else 1.0
    z = gap.score(null)
    p = tail_probability(float(normal_sf(-z)), float(normal_sf(z)), alternative)
    r = Comparison(
        "difference", gap.estimate, Interval(low, high, confidence), p, alternative, null, z, (len(t), len(t0)),
        f"Kaplan-Meier at {end_at:g} {unit}, {_TRANSFORMS[transform]} limits combined", _DIFFERENCE, (),
        (lost[0].share, lost[1].share),
    )  # fmt: skip
    test = pooled_logrank(t, t0, names, unit)
    return joined(r, TimeComparison, (*t.notes, *t0.notes), groups=names, logrank=test, curves=curves)  # type: ignore[no-any-return]
