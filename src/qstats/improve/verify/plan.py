"""The plan of a verification: written before the data are seen, frozen with a hash, read from TOML, JSON or dict."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError

__all__ = ["LogColumns", "VerificationPlan"]

Window = tuple[dt.date, dt.date]

_WINDOWS = ("baseline", "transition", "trigger_window")
_PERIODS = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class LogColumns:
    """What the columns of the complaint log and of the exposure table are called.

    Parameters
    ----------
    date : str
        Day of the event in the log.
    events : str, optional
        Number of events in a row; None: every row is one complaint.
    category : str, optional
        Kind of complaint; needed when the plan names a category or untargeted categories are the control.
    id : str, optional
        Identifier of the complaint, to find duplicates.
    received : str, optional
        Day the complaint came in, to find events dated after their receipt.
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


def _as_date(value: object, name: str) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise DataError(f"{name}: got {value!r}; a date such as '2026-03-31' is wanted")


def _as_window(value: object, name: str) -> Window:
    if isinstance(value, str) or not isinstance(value, list | tuple) or len(value) != 2:
        raise DataError(f"{name}: got {value!r}; two dates are wanted: [first day, last day]")
    start, end = _as_date(value[0], name), _as_date(value[1], name)
    if end < start:
        raise DataError(f"{name}: ends {end} before it starts {start}")
    return start, end


@dataclass(frozen=True, slots=True)
class VerificationPlan:
    """What was promised, how it will be judged and when, declared before anyone looks at the result.

    Use it for every corrective action whose effect must be shown to a customer or auditor. The plan is data: it can be
    stored, hashed, and run again by somebody else.

    Parameters
    ----------
    question : str
        What is asked, in the customer's words.
    action_date : date or ISO text
        First day the change was in force.
    baseline : (date, date)
        First and last day of the period before, both included; it must end before `action_date`.
    horizon : date
        Last day of the period after: declared in advance, not moved when the numbers look good.
    period : {"day", "week", "month"}
        Counting period of charts and checks. Weeks are counted from `action_date`.
    target_rr : float
        Promised ratio of the rate after to the rate before, below 1 (0.7 = thirty per cent fewer).
    harm_rr : float
        Ratio from which a rise counts as important harm, above 1. Where no fall is shown, the verdict says whether
        such a rise is excluded.
    alpha : float
        Two-sided error of the primary comparison.
    transition : (date, date), optional
        Days while the change was rolled out: left out of both phases.
    trigger_window : (date, date), optional
        The peak that started the action: left out of the baseline, since a peak goes down by itself.
    category : str, optional
        Only complaints of this category count (default: all).
    control : {"none", "group", "untargeted_categories"}
        What the change is compared with: a group that was not changed, or the complaints of other categories.
    season : {"year", "none"}
        ``"none"`` declares that no yearly pattern exists; the report says it was declared.
    frozen : dict, optional
        Written by `freeze`: hash, day, version of qstats.

    Raises
    ------
    DataError
        A missing or contradictory entry, named.

    Examples
    --------
    >>> from qstats import VerificationPlan
    >>> plan = VerificationPlan("Fewer late parcels?", action_date="2025-01-01",
    ...     baseline=("2024-01-01", "2024-12-31"), horizon="2025-12-31", target_rr=0.7)
    >>> plan.freeze(on="2024-12-20").is_intact
    True
    """

    question: str
    action_date: dt.date
    baseline: Window
    horizon: dt.date
    period: str = "month"
    target_rr: float = 0.7
    harm_rr: float = 1.1
    alpha: float = 0.05
    transition: Window | None = None
    trigger_window: Window | None = None
    category: str | None = None
    control: str = "none"
    season: str = "year"
    frozen: dict[str, str] | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        if not isinstance(self.question, str) or not self.question.strip():
            raise DataError("question: is empty; say what is asked")
        put(self, "action_date", _as_date(self.action_date, "action_date"))
        put(self, "horizon", _as_date(self.horizon, "horizon"))
        for name in _WINDOWS:
            if name == "baseline" or getattr(self, name) is not None:
                put(self, name, _as_window(getattr(self, name), name))
        check_choice(self.period, "period", _PERIODS)
        check_choice(self.control, "control", ("none", "group", "untargeted_categories"))
        check_choice(self.season, "season", ("year", "none"))
        put(self, "target_rr", check_number(self.target_rr, "target_rr", above=0.0, below=1.0))
        put(self, "harm_rr", check_number(self.harm_rr, "harm_rr", above=1.0))
        put(self, "alpha", check_number(self.alpha, "alpha", above=0.0, below=0.5))
        self._check_order()

    def _check_order(self) -> None:
        if self.category is not None and not isinstance(self.category, str):
            raise DataError(f"category: got {self.category!r}; text is wanted")
        if self.control == "untargeted_categories" and self.category is None:
            raise DataError("category: missing; control='untargeted_categories' needs the targeted one")
        if self.baseline[1] >= self.action_date:
            raise DataError(f"baseline: ends {self.baseline[1]}, must end before action_date {self.action_date}")
        if self.horizon < self.action_date:
            raise DataError(f"horizon: {self.horizon} lies before action_date {self.action_date}")
        if self.transition and not self.transition[0] <= self.action_date <= self.transition[1] + dt.timedelta(1):
            raise DataError(
                f"transition: {self.transition[0]} to {self.transition[1]} does not touch {self.action_date}"
            )
        if self.transition and self.transition[0] <= self.baseline[1]:
            raise DataError(f"transition: starts {self.transition[0]} inside the baseline; end that earlier")
        if self.frozen is not None and not isinstance(self.frozen, Mapping):
            raise DataError("frozen: is written by freeze(); a table with hash, on, version is wanted")

    @property
    def after_start(self) -> dt.date:
        """First day that counts as after: the action date, or the day after the transition."""
        return self.action_date if self.transition is None else self.transition[1] + dt.timedelta(1)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-safe values; entries not set are left out."""
        out: dict[str, Any] = {"schema": "qstats.plan/1"}
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if value is None:
                continue
            if isinstance(value, dt.date):
                value = value.isoformat()
            elif isinstance(value, tuple):
                value = [d.isoformat() for d in value]
            out[f.name] = dict(value) if isinstance(value, Mapping) else value
        return out

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> VerificationPlan:
        """Make a plan from a dict; an unknown or missing entry is an error, not a default."""
        entries = dict(entries)
        schema = entries.pop("schema", "qstats.plan/1")
        if schema != "qstats.plan/1":
            raise DataError(f"schema: got {schema!r}; this version reads 'qstats.plan/1'")
        names = [f.name for f in dataclasses.fields(cls)]
        for name in entries:
            if name not in names:
                raise DataError(f"plan: unknown entry {name!r}; known are {', '.join(names)}")
        for name in ("question", "action_date", "baseline", "horizon"):
            if name not in entries:
                raise DataError(f"plan: entry {name!r} is missing")
        return cls(**entries)

    def canonical_json(self) -> str:
        """Return the content (without the freeze record) as JSON with sorted keys and no blanks: what is hashed."""
        content = self.to_dict()
        content.pop("frozen", None)
        return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @property
    def hash(self) -> str:
        """SHA-256 of `canonical_json`."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

    def freeze(self, on: str | dt.date | None = None) -> VerificationPlan:
        """Return the plan with a freeze record: its hash, the day (default today) and the version of qstats."""
        from qstats import __version__

        day = dt.date.today() if on is None else _as_date(on, "on")
        record = {"hash": self.hash, "on": day.isoformat(), "version": __version__}
        return dataclasses.replace(self, frozen=record)

    @property
    def is_intact(self) -> bool:
        """True when the plan was frozen and nothing was edited since."""
        return self.frozen is not None and self.frozen.get("hash") == self.hash

    def to_toml(self) -> str:
        """Return the plan as TOML text, one entry a line."""
        lines = []
        content = self.to_dict()
        frozen = content.pop("frozen", None)
        for name, value in content.items():
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
        if frozen:
            lines += ["", "[frozen]"]
            lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in frozen.items()]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, source: str | Path) -> VerificationPlan:
        """Read a plan from TOML text or, given a `Path`, from a file; a ``[plan]`` table is used when there is one."""
        text = source
        if isinstance(source, Path):
            try:
                text = source.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise DataError(f"plan: cannot read {source.name}: {type(error).__name__}") from None
        try:
            entries = tomllib.loads(str(text))
        except tomllib.TOMLDecodeError as error:
            raise DataError(f"plan: not valid TOML: {error}") from None
        inner = entries.get("plan", entries)
        if not isinstance(inner, Mapping):
            raise DataError("plan: entry 'plan' must be a table")
        return cls.from_dict(inner)

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> VerificationPlan:
        """Read a plan from JSON text."""
        try:
            entries = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"plan: not valid JSON: {error}") from None
        if not isinstance(entries, Mapping):
            raise DataError("plan: a JSON object is wanted")
        return cls.from_dict(entries)
