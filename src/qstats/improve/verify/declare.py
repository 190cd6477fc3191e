"""What a plan declares to be measured: the primary metric, its guardrails, and what the columns are called."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError

__all__ = ["FAMILIES", "Guardrail", "LogColumns", "Metric"]

# kind -> (family, where the better values lie unless declared)
FAMILIES: dict[str, tuple[str, str | None]] = {
    "rate": ("rate", "lower"),
    "dpmo": ("rate", "lower"),
    "proportion": ("share", "lower"),
    "sla": ("share", "lower"),
    "csat": ("share", "lower"),
    "time": ("log", "lower"),
    "nps": ("mean", "higher"),
    "ces": ("mean", None),
    "mean": ("mean", None),
}
_OPTIONS = {"within": ("sla",), "top": ("csat",), "opportunities": ("dpmo",), "scale": ("csat", "ces")}


@dataclass(frozen=True, slots=True)
class LogColumns:
    """What the columns of the complaint log and of the exposure table are called.

    Parameters
    ----------
    date : str
        Day of the event in the log; of a ticket, the day it was opened; of an answer, the day it was given.
    events : str, optional
        Number of events in a row; None: every row is one complaint.
    values : str, optional
        What was measured in a row: the score, the time, or 1 for a bad case and 0 for a good one.
    category : str, optional
        Kind of complaint; needed when the plan names a category or untargeted categories are the control.
    id : str, optional
        Identifier of the complaint, to find duplicates.
    received : str, optional
        Day the complaint came in, to find events dated after their receipt and complaints still to come.
    closed : str, optional
        Day a ticket was closed (metric "sla"); empty while it is open.
    unit : str, optional
        Supplier, site or product a row belongs to, in the log and in the exposure table.
    stratum : str, optional
        Age band, product or region, in the log and in the exposure table: a change of the mix is then adjusted for.
    channel : str, optional
        How the complaint came in, to find a drift of channels.
    exposure_date, exposure : str
        Day (or first day of the period) and amount in the exposure table.
    """

    date: str = "date"
    events: str | None = None
    category: str | None = None
    id: str | None = None
    received: str | None = None
    exposure_date: str = "date"
    exposure: str = "exposure"
    values: str | None = None
    closed: str | None = None
    unit: str | None = None
    stratum: str | None = None
    channel: str | None = None


def _known(cls: type, entries: Mapping[str, Any], what: str) -> dict[str, Any]:
    if not isinstance(entries, Mapping):
        raise DataError(f"{what}: got {entries!r}; a table of entries is wanted")
    names = [f.name for f in dataclasses.fields(cls)]
    for name in entries:
        if name not in names:
            raise DataError(f"{what}: unknown entry {name!r}; known are {', '.join(names)}")
    if "name" not in entries:
        raise DataError(f"{what}: entry 'name' is missing")
    return dict(entries)


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured, and in which direction it is better.

    Use it for the primary metric of a plan that is not a complaint rate, and for secondary metrics.

    Parameters
    ----------
    name : str
        In the customer's words.
    kind : {"rate", "dpmo", "proportion", "sla", "csat", "time", "nps", "ces", "mean"}
        ``"rate"``: events per unit of exposure. ``"dpmo"``: defects per million opportunities. ``"proportion"``: share
        of bad cases (defective units, customers lost, contacts not resolved). ``"sla"``: share of tickets that missed
        the promised time; due but still open is a miss. ``"csat"``: share of answers below `top`. ``"time"``: ratio of
        geometric means (time to resolution, lead time), every case closed. ``"nps"``: points. ``"ces"``, ``"mean"``:
        difference of means.
    better : {"lower", "higher"}, optional
        Known for most kinds; must be declared for ``"ces"`` and ``"mean"``.
    within : str, optional
        Promised time of an ``"sla"``, such as ``"72h"``.
    top : float, optional
        Lowest satisfied answer of a ``"csat"``.
    scale : (float, float), optional
        Lowest and highest answer of ``"csat"`` and ``"ces"``; others are refused.
    opportunities : float, optional
        Opportunities per unit of a ``"dpmo"``.

    Raises
    ------
    DataError
        A missing or contradictory entry, named.

    Examples
    --------
    >>> from qstats import Metric
    >>> Metric("tickets past 72 hours", "sla", within="72h").better
    'lower'
    """

    name: str
    kind: str = "rate"
    better: str | None = None
    within: str | None = None
    top: float | None = None
    scale: tuple[float, float] | None = None
    opportunities: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        if not isinstance(self.name, str) or not self.name.strip():
            raise DataError("metric: entry 'name' is empty; say what is measured")
        check_choice(self.kind, "kind", FAMILIES)
        better = self.better if self.better is not None else FAMILIES[self.kind][1]
        if better is None:
            raise DataError(f"better: missing; say whether 'lower' or 'higher' is better for a {self.kind!r}")
        put(self, "better", check_choice(better, "better", ("lower", "higher")))
        if self.family == "share" and better == "higher":
            raise DataError(
                f"better: got 'higher'; a {self.kind!r} is the share of bad cases, of which fewer is better"
            )
        for name, kinds in _OPTIONS.items():
            if getattr(self, name) is not None and self.kind not in kinds:
                raise DataError(f"{name}: is for {' and '.join(kinds)}; leave it out for kind={self.kind!r}")
        self._check_options(put)

    def _check_options(self, put: Any) -> None:
        if self.kind == "sla" and not isinstance(self.within, str):
            raise DataError(f"within: got {self.within!r}; the promised time is wanted, such as '72h'")
        if self.kind == "csat":
            if self.top is None:
                raise DataError("top: missing; the lowest satisfied answer is wanted, such as 4 on a scale of 1 to 5")
            put(self, "top", check_number(self.top, "top"))
        if self.kind == "dpmo":
            if self.opportunities is None:
                raise DataError("opportunities: missing; opportunities per unit are wanted")
            put(self, "opportunities", check_number(self.opportunities, "opportunities", above=0.0))
        if self.scale is not None:
            if isinstance(self.scale, str) or not isinstance(self.scale, list | tuple) or len(self.scale) != 2:
                raise DataError(f"scale: got {self.scale!r}; lowest and highest answer are wanted, such as (1, 5)")
            low, high = (check_number(v, "scale") for v in self.scale)
            if not low < high:
                raise DataError(f"scale: {low:g} is not below {high:g}")
            put(self, "scale", (low, high))

    @property
    def family(self) -> str:
        """How it is analysed: ``"rate"``, ``"share"``, ``"log"`` or ``"mean"``."""
        return FAMILIES[self.kind][0]

    @property
    def is_ratio(self) -> bool:
        """Whether its effect is a ratio (1: no change) and not a difference (0: no change)."""
        return self.family != "mean"

    @property
    def null(self) -> float:
        """The effect that means no change."""
        return 1.0 if self.is_ratio else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe entries; those not set are left out."""
        out = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in out.items() if v is not None}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Metric:
        """Make it from a dict; an unknown entry is an error."""
        return cls(**_known(cls, entries, "metric"))


@dataclass(frozen=True, slots=True)
class Guardrail(Metric):
    """Something that must not get worse while the primary improves, and how much worse would matter.

    Use it for what an action could harm: quality when it speeds up, cost when it improves quality.

    Parameters
    ----------
    name, kind, better, within, top, scale, opportunities
        As in `Metric`.
    margin_rr : float, optional
        Ratio from which the change counts as harm, for ratios: 1.1 with lower better, 0.9 with higher better.
    margin : float, optional
        Difference from which it does, in the unit measured, above zero: 3 points of NPS.

    Raises
    ------
    DataError
        A missing or contradictory entry, named: a margin is declared, never assumed.

    Examples
    --------
    >>> from qstats import Guardrail
    >>> Guardrail("lead time", "time", margin_rr=1.1).to_dict()
    {'name': 'lead time', 'kind': 'time', 'better': 'lower', 'margin_rr': 1.1}
    """

    margin_rr: float | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        Metric.__post_init__(self)
        wanted, other = ("margin_rr", "margin") if self.is_ratio else ("margin", "margin_rr")
        if getattr(self, other) is not None:
            raise DataError(f"{other}: guardrail {self.name!r} of kind {self.kind!r} takes {wanted}")
        value = getattr(self, wanted)
        if value is None:
            raise DataError(f"{wanted}: missing for guardrail {self.name!r}; declare how much worse would matter")
        if wanted == "margin":
            checked = check_number(value, wanted, above=0.0)
        elif self.better == "lower":
            checked = check_number(value, wanted, above=1.0)
        else:
            checked = check_number(value, wanted, above=0.0, below=1.0)
        object.__setattr__(self, wanted, checked)

    @property
    def limit(self) -> float:
        """The effect at which harm begins, on the scale of the comparison."""
        if self.margin_rr is not None:
            return self.margin_rr
        assert self.margin is not None
        return self.margin if self.better == "lower" else -self.margin

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Guardrail:
        """Make it from a dict; an unknown or missing entry is an error."""
        return cls(**_known(cls, entries, "guardrails"))


def worse_by(value: float, null: float, better: str, ratio: bool) -> float:
    """Return how far an effect lies on the worse side of no change; below zero: better. Ratios on the log scale."""
    if ratio:
        distance = math.log(value / null) if 0.0 < value < math.inf else (-math.inf if value <= 0 else math.inf)
    else:
        distance = value - null
    return distance if better == "lower" else -distance
