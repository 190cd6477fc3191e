"""The verdict on an improvement: one object behind sentence, table, JSON, figure and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.improve.verify import words
from qstats.improve.verify.declare import Metric
from qstats.inference.comparison import Comparison
from qstats.spc.chart import ControlChart

if TYPE_CHECKING:
    from qstats.improve.verify.grid import Grid

__all__ = ["Check", "Evidence", "GuardrailResult", "Phase", "SecondaryResult", "Verdict"]

Status = Literal["pass", "warn", "fail", "not possible"]
State = Literal["effective", "not_shown", "harmful", "inconclusive"]
Strength = Literal["verified", "confirmed", "indicated", "none"]


@dataclass(frozen=True, slots=True)
class Check:
    """One question an auditor would ask before believing the number.

    Parameters
    ----------
    number : int
        Its place in the fixed order of checks.
    code : str
        Stable short name: ``"sanity"``, ``"season"``, ...
    status : {"pass", "warn", "fail", "not possible"}
        ``fail`` blocks the verdict; ``not possible`` means the data given cannot tell.
    value, threshold, consequence : str
        What was found, what was wanted, what it does to the verdict (English).
    warning : str or None
        Warning code such as ``"W-SEASON"``.
    key : str
        Which sentence of the word table `consequence` is; `numbers` fill its gaps.
    numbers : mapping
    """

    number: int
    code: str
    status: Status
    value: str
    threshold: str
    consequence: str
    warning: str | None = None
    key: str = ""
    numbers: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One item of evidence beside the primary comparison.

    Parameters
    ----------
    code : str
        ``"crude"``, ``"absolute"``, ``"avoided"``, ``"hold"``, ``"sensitivity"``, ...; what follows a colon is a name
        of the user's, as in ``"site:East"``.
    title : str
    estimate : float or None
    interval : Interval or None
    text : str
        One sentence (English).
    """

    code: str
    title: str
    estimate: float | None
    interval: Interval | None
    text: str


@dataclass(frozen=True, slots=True)
class Phase:
    """Totals of one phase.

    Parameters
    ----------
    name : str
        ``"baseline"``, ``"transition"``, ``"after"``, ``"immature"``, ``"excluded"``.
    events, exposure : float
        Events and exposure; bad cases and cases; of measured values the sum (of times: of their logarithms) and cases.
    rate : float
        The level: rate per unit of exposure, share, mean, or geometric mean of times.
    periods : int
    start, end : str
        First and last day, ISO.
    """

    name: str
    events: float
    exposure: float
    rate: float
    periods: int
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """Whether something that must not get worse did not.

    Parameters
    ----------
    name, kind : str
    better : {"lower", "higher"}
    limit : float
        The effect at which harm begins: a ratio or a difference.
    state : {"pass", "breach", "open", "not assessed"}
        ``pass``: the interval excludes the limit; ``breach``: it lies wholly beyond; ``open``: it holds the limit;
        ``not assessed``: there were no data.
    comparison : Comparison or None
    levels : tuple of float
        Level after and before.
    cases : tuple of float
        Exposure or cases after and before.
    """

    name: str
    kind: str
    better: str
    limit: float
    state: Literal["pass", "breach", "open", "not assessed"]
    comparison: Comparison | None
    levels: tuple[float, ...] = ()
    cases: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SecondaryResult:
    """What else was promised, in the order it was declared.

    Parameters
    ----------
    name, kind : str
    better : {"lower", "higher"}
    state : {"improved", "not shown", "worse", "not claimed", "not assessed"}
        ``not claimed``: the primary or a metric before it did not improve, so this one is shown only.
    comparison : Comparison or None
    levels, cases : tuple of float
        After and before.
    """

    name: str
    kind: str
    better: str
    state: Literal["improved", "not shown", "worse", "not claimed", "not assessed"]
    comparison: Comparison | None
    levels: tuple[float, ...] = ()
    cases: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Verdict(Result):
    """Whether the action helped the customer, with everything an auditor needs to re-run it.

    Parameters
    ----------
    state : {"effective", "not_shown", "harmful", "inconclusive"}
        Did it change? ``inconclusive`` means the data cannot tell yet; `reason` says why.
    reason : str
        Code of the rule that decided, such as ``"season"`` or ``"target_met"``.
    strength : {"verified", "confirmed", "indicated", "none"}
        How well the evidence stands against autocorrelation.
    grade : {"A", "B", "C", "D"}
        Was it the action? A: concurrent control, checked; D: not attributable.
    question : str
    primary : Comparison or None
        The declared comparison that decided.
    crude : Comparison or None
        After over before with nothing adjusted; always shown.
    absolute : Comparison or None
        Rate difference per unit of exposure.
    checks, evidence : tuple
    guardrails : tuple of GuardrailResult
        Empty: no guardrail was declared.
    secondary : tuple of SecondaryResult
    warnings : tuple of str
        Codes ``W-...`` raised by the checks.
    phases : tuple of Phase
    periods : tuple of str
        First day of each period, ISO.
    events, exposure : ndarray, shape (periods,)
    role : tuple of str
        Per period: ``"baseline"``, ``"transition"``, ``"after"``, ``"excluded"``, ``"immature"``.
    chart : ControlChart or None
        u chart of the periods, one phase before and one after.
    control_rate : ndarray or None
        The control's rate per period.
    expected, expected_low, expected_high : ndarray or None
        What each period would have been without the action, with limits of the mean, where the periods were regressed.
    not_checked : tuple of str
        What nobody looked at.
    plan : dict
    plan_hash, data_digest : str
        SHA-256 of the canonical plan, and of the counts used.
    versions : dict
    notes : tuple of Note
    grid : Grid or None
        The comparison under other choices: windows, model, what was left out.
    """

    schema: ClassVar[str] = "qstats.verification/1"
    title: ClassVar[str] = "Verification of an improvement"

    state: State
    reason: str
    strength: Strength
    grade: str
    question: str
    primary: Comparison | None
    crude: Comparison | None
    absolute: Comparison | None
    checks: tuple[Check, ...]
    evidence: tuple[Evidence, ...]
    guardrails: tuple[GuardrailResult, ...]
    secondary: tuple[SecondaryResult, ...]
    warnings: tuple[str, ...]
    phases: tuple[Phase, ...]
    periods: tuple[str, ...]
    events: FloatArray
    exposure: FloatArray
    role: tuple[str, ...]
    chart: ControlChart | None
    control_rate: FloatArray | None
    expected: FloatArray | None
    expected_low: FloatArray | None
    expected_high: FloatArray | None
    not_checked: tuple[str, ...]
    plan: dict[str, Any]
    plan_hash: str
    data_digest: str
    versions: dict[str, str]
    notes: tuple[Note, ...] = ()
    grid: Grid | None = None

    @property
    def metric(self) -> Metric:
        """What was measured: the metric of the plan, or complaints per exposure."""
        return Metric.from_dict(self.plan.get("metric") or {"name": "complaints"})

    @property
    def level(self) -> FloatArray:
        """Level per period: rate, share, mean, or geometric mean of times; NaN without exposure (a gap, not a zero)."""
        mean: FloatArray = np.full(self.events.size, np.nan)
        np.divide(self.events, self.exposure, out=mean, where=self.exposure > 0)
        return np.exp(mean) if self.metric.family == "log" else mean

    @property
    def seed(self) -> int:
        """Seed of whatever was drawn at random: the first eight digits of the plan's hash."""
        return int(self.plan_hash[:8], 16)

    def sentence(self, lang: str = "en") -> str:
        """Return the verdict as a paragraph a customer can read, in English or Chinese."""
        return words.verdict_sentence(self, lang)

    def reasons(self, lang: str = "en") -> list[str]:
        """Return the reasons against believing it more, worst first."""
        texts = [words.check_text(c, lang) for c in _worst_first(self.checks)]
        return [words.t("reason", lang, **text) for text in texts]

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("question", self.question),
            ("verdict", self.sentence()),
            ("state", f"{self.state} ({self.reason})"),
            ("strength, grade", f"{self.strength}, {self.grade}"),
        ]
        for name, c in (("primary", self.primary), ("crude", self.crude), ("absolute", self.absolute)):
            if c is not None:
                rows.append((name, f"{c.effect} {c.estimate:.4g} {c.interval}, p {c.pvalue:.3g}, {c.method}"))
        rows += [(p.name, f"{_amounts(p, self.metric.family)} in {p.periods} periods") for p in self.phases]
        rows += [(f"guardrail {g.name}", f"{g.state}: limit {g.limit:g}, {_effect(g)}") for g in self.guardrails]
        rows += [(f"secondary {s.name}", f"{s.state}: {_effect(s)}") for s in self.secondary]
        rows += [(f"check {c.number} {c.code}", f"{c.status}: {c.consequence}") for c in self.checks]
        rows.append(("plan hash", self.plan_hash))
        return rows

    def _columns(self) -> Mapping[str, object]:
        rate = np.full(self.events.size, np.nan)  # a period without exposure is a gap and has no rate
        np.divide(self.events, self.exposure, out=rate, where=self.exposure > 0)
        held: dict[str, object] = {
            "period": list(self.periods),
            "role": list(self.role),
            "events": self.events,
            "exposure": self.exposure,
            "rate": rate,
            "level": self.level,
        }
        lines = ("control_rate", "expected", "expected_low", "expected_high")
        return held | {name: getattr(self, name) for name in lines if getattr(self, name) is not None}


def _amounts(p: Phase, family: str) -> str:
    """Numerator, denominator and level; of measured values the sum says nothing to a reader."""
    if family in ("rate", "share"):
        return f"{p.events:g} {'events /' if family == 'rate' else 'of'} {p.exposure:g} = {p.rate:.4g}"
    return f"{p.exposure:g} cases, level {p.rate:.4g}"


def _effect(found: GuardrailResult | SecondaryResult) -> str:
    c = found.comparison
    return "no data" if c is None else f"{c.effect} {c.estimate:.4g} {c.interval}"


def _worst_first(checks: tuple[Check, ...]) -> list[Check]:
    order = {"fail": 0, "warn": 1}
    return sorted((c for c in checks if c.status in order), key=lambda c: (order[c.status], c.number))
