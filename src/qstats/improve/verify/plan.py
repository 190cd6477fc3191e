"""The plan of a verification: written before the data are seen, frozen with a hash, read from TOML, JSON or dict."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError
from qstats.improve.verify.declare import Guardrail, Metric
from qstats.improve.verify.plan_parts import (
    Window,
    as_changes,
    as_date,
    as_metrics,
    as_sites,
    as_texts,
    as_window,
    delay_days,
    plan_entries,
    read_toml,
    toml_text,
)

__all__ = ["VerificationPlan"]

_WINDOWS = ("baseline", "transition", "trigger_window")
_CHOICES = {
    "period": ("day", "week", "month"),
    "control": ("none", "group", "untargeted_categories", "units"),
    "season": ("year", "none"),
    "trend": ("auto", "none", "linear"),
    "looks": ("fixed", "anytime"),
}
_COMPLAINTS = Metric("complaints")


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
    target_rr : float, optional
        Promised ratio of after to before: below 1 where lower is better (0.7, unless given: thirty per cent fewer),
        above 1 where higher is.
    harm_rr : float, optional
        Ratio from which a change for the worse counts as important harm (1.1 unless given). Where no improvement is
        shown, the verdict says whether such harm is excluded.
    target_difference, harm_difference : float, optional
        The same for metrics compared by a difference (NPS, effort, means): promised change and important harm, in the
        unit measured, both above zero.
    alpha : float
        Two-sided error of the primary comparison.
    transition : (date, date), optional
        Days while the change was rolled out: left out of both phases.
    trigger_window : (date, date), optional
        The peak that started the action: left out of the baseline, since a peak goes down by itself.
    category : str, optional
        Only complaints of this category count (default: all).
    unit : str, optional
        Only this supplier, site or product counts (default: all).
    metric : Metric, optional
        What is measured (default: complaints per exposure).
    control : {"none", "group", "untargeted_categories", "units"}
        What the change is compared with: a group that was not changed, the complaints of other categories, or the
        other units of the same log.
    season : {"year", "none"}
        ``"none"`` declares that no yearly pattern exists; the report says it was declared.
    trend : {"auto", "none", "linear"}
        A movement that ran before the action. ``"auto"``: part of the model unless the baseline shows that it cannot
        matter. ``"none"``, ``"linear"``: declared.
    guardrails : sequence of Guardrail
        What must not get worse; all must pass.
    secondary : sequence of Metric
        Looked at in this order after the primary; the first that does not improve ends the list.
    reporting_delay : {"drop", "offset"} or int, optional
        Complaints still to come. ``"drop"`` (unless given): periods not yet complete do not count; ``"offset"``: their
        exposure is cut to the share that has come in, taken as known, unless that is below half; a number: days until a
        period counts, where receipt is not known.
    selected_from : int, optional
        The unit or category was picked as the worst of so many.
    sites : mapping of str to date, optional
        Units that got the action at different days; no day (None): never.
    looks : {"fixed", "anytime"}
        ``"fixed"``: judged once, at the horizon. ``"anytime"``: may be judged at every look; costs power.
    min_exposure : float, optional
        Exposure after the action without which nothing is judged.
    other_changes : sequence of {"date", "what"}, optional
        What else changed.
    implementation : Metric, optional
        Process metric that shows the action was carried out (training done, new form used).
    record : mapping of str to str, optional
        Owner, due date, signature: passed through to the report.
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
    target_rr: float | None = None
    harm_rr: float | None = None
    alpha: float = 0.05
    transition: Window | None = None
    trigger_window: Window | None = None
    category: str | None = None
    control: str = "none"
    season: str = "year"
    frozen: dict[str, str] | None = None
    target_difference: float | None = None
    harm_difference: float | None = None
    unit: str | None = None
    metric: Metric | None = None
    trend: str = "auto"
    guardrails: tuple[Guardrail, ...] = ()
    secondary: tuple[Metric, ...] = ()
    reporting_delay: str | int | None = None
    selected_from: int | None = None
    sites: Mapping[str, dt.date | None] | None = None
    looks: str = "fixed"
    min_exposure: float | None = None
    other_changes: tuple[Mapping[str, Any], ...] = ()
    implementation: Metric | None = None
    record: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        if not isinstance(self.question, str) or not self.question.strip():
            raise DataError("question: is empty; say what is asked")
        put(self, "action_date", as_date(self.action_date, "action_date"))
        put(self, "horizon", as_date(self.horizon, "horizon"))
        for name in _WINDOWS:
            if name == "baseline" or getattr(self, name) is not None:
                put(self, name, as_window(getattr(self, name), name))
        for name, choices in _CHOICES.items():
            check_choice(getattr(self, name), name, choices)
        put(self, "alpha", check_number(self.alpha, "alpha", above=0.0, below=0.5))
        if self.metric is not None:
            put(self, "metric", as_metrics([self.metric], Metric, "metric")[0])
        if self.implementation is not None:
            put(self, "implementation", as_metrics([self.implementation], Metric, "implementation")[0])
        put(self, "guardrails", as_metrics(self.guardrails, Guardrail, "guardrails"))
        put(self, "secondary", as_metrics(self.secondary, Metric, "secondary"))
        put(self, "reporting_delay", delay_days(self.reporting_delay))
        put(self, "sites", as_sites(self.sites))
        put(self, "other_changes", as_changes(self.other_changes))
        put(self, "record", as_texts(self.record, "record"))
        self._check_amounts(put)
        self._check_order()
        self._check_groups()

    def _check_amounts(self, put: Any) -> None:
        lower, ratio = self.measured.better == "lower", self.measured.is_ratio
        for name in ("target_rr", "harm_rr") if not ratio else ("target_difference", "harm_difference"):
            if getattr(self, name) is not None:
                kind = "a ratio: use target_rr, harm_rr" if ratio else "a difference: use target_difference"
                raise DataError(f"{name}: {self.measured.name!r} is compared by {kind}")
        if ratio:
            target = 0.7 if self.target_rr is None and lower else self.target_rr
            harm = (1.1 if lower else 1.0 / 1.1) if self.harm_rr is None else self.harm_rr
            if target is None:
                raise DataError("target_rr: missing; the promised ratio, above 1, is wanted where higher is better")
            better: dict[str, Any] = {"above": 0.0, "below": 1.0} if lower else {"above": 1.0}
            worse: dict[str, Any] = {"above": 1.0} if lower else {"above": 0.0, "below": 1.0}
            put(self, "target_rr", check_number(target, "target_rr", **better))
            put(self, "harm_rr", check_number(harm, "harm_rr", **worse))
        else:
            if self.target_difference is None:
                raise DataError(f"target_difference: missing; the promised change of {self.measured.name!r} is wanted")
            for name in ("target_difference", "harm_difference"):
                if getattr(self, name) is not None:
                    put(self, name, check_number(getattr(self, name), name, above=0.0))
        if self.min_exposure is not None:
            put(self, "min_exposure", check_number(self.min_exposure, "min_exposure", above=0.0))
        if self.selected_from is not None:
            k = check_number(self.selected_from, "selected_from", least=1.0)
            if k != int(k):
                raise DataError(f"selected_from: got {self.selected_from!r}; a whole number is wanted")
            put(self, "selected_from", int(k))

    def _check_groups(self) -> None:
        for name in ("category", "unit"):
            if getattr(self, name) is not None and not isinstance(getattr(self, name), str):
                raise DataError(f"{name}: got {getattr(self, name)!r}; text is wanted")
        if self.control == "untargeted_categories" and self.category is None:
            raise DataError("category: missing; control='untargeted_categories' needs the targeted one")
        never = self.sites is not None and None in self.sites.values()
        if self.control == "units" and self.unit is None and not never:
            raise DataError("unit: missing; control='units' needs the one that was changed, or sites that were not")
        if self.looks == "anytime" and self.measured.family != "rate":
            raise DataError("looks: 'anytime' is for rates of events; judge other metrics once, at the horizon")
        if self.sites is not None and self.unit is not None:
            raise DataError("unit: sites already says which units were changed and when; leave one of them out")
        process = () if self.implementation is None else (self.implementation,)
        names = [m.name for m in (*self.guardrails, *self.secondary, *process)]
        for name in names:
            if names.count(name) > 1:
                raise DataError(
                    f"guardrails, secondary, implementation: the name {name!r} comes twice; give each its own"
                )

    def _check_order(self) -> None:
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
    def measured(self) -> Metric:
        """What is measured: `metric`, or complaints per exposure."""
        return _COMPLAINTS if self.metric is None else self.metric

    @property
    def target(self) -> float:
        """The promised effect on the scale of the comparison: a ratio, or a difference with its sign."""
        if self.target_rr is not None:
            return self.target_rr
        assert self.target_difference is not None
        return -self.target_difference if self.measured.better == "lower" else self.target_difference

    @property
    def harm(self) -> float | None:
        """The effect from which harm is important, on the same scale; None where none was declared."""
        if self.harm_rr is not None:
            return self.harm_rr
        if self.harm_difference is None:
            return None
        return self.harm_difference if self.measured.better == "lower" else -self.harm_difference

    @property
    def after_start(self) -> dt.date:
        """First day that counts as after: the action date, or the day after the transition."""
        return self.action_date if self.transition is None else self.transition[1] + dt.timedelta(1)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-safe values; entries not set are left out."""
        return {"schema": "qstats.plan/1", **plan_entries(self)}

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

        day = dt.date.today() if on is None else as_date(on, "on")
        record = {"hash": self.hash, "on": day.isoformat(), "version": __version__}
        return dataclasses.replace(self, frozen=record)

    @property
    def is_intact(self) -> bool:
        """True when the plan was frozen and nothing was edited since."""
        return self.frozen is not None and self.frozen.get("hash") == self.hash

    def to_toml(self) -> str:
        """Return the plan as TOML text, one entry a line."""
        return toml_text(self.to_dict())

    @classmethod
    def from_toml(cls, source: str | Path) -> VerificationPlan:
        """Read a plan from TOML text or, given a `Path`, from a file; a ``[plan]`` table is used when there is one."""
        return cls.from_dict(read_toml(source))

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
