"""The verdict on an improvement: one object behind sentence, table, JSON, figure and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.improve.verify import words
from qstats.inference.comparison import Comparison
from qstats.spc.chart import ControlChart

__all__ = ["Check", "Evidence", "Phase", "Verdict"]

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
        ``"crude"``, ``"controlled"``, ``"absolute"``, ``"avoided"``, ``"hold"``, ``"chart"``, ``"sensitivity"``.
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
    """Totals of one phase: events, exposure, rate per unit of exposure, number of periods, first and last day."""

    name: str
    events: float
    exposure: float
    rate: float
    periods: int
    start: str
    end: str


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
    guardrails : tuple
        Empty: no guardrail was declared.
    warnings : tuple of str
        Codes ``W-...`` raised by the checks.
    phases : tuple of Phase
    periods : tuple of str
        First day of each period, ISO.
    events, exposure : ndarray, shape (periods,)
    role : tuple of str
        Per period: ``"baseline"``, ``"transition"``, ``"after"``, ``"excluded"``.
    chart : ControlChart or None
        u chart of the periods, one phase before and one after.
    control_rate : ndarray or None
        The control's rate per period.
    not_checked : tuple of str
        What nobody looked at.
    plan : dict
    plan_hash, data_digest : str
        SHA-256 of the canonical plan, and of the counts used.
    versions : dict
    notes : tuple of Note
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
    guardrails: tuple[Any, ...]
    warnings: tuple[str, ...]
    phases: tuple[Phase, ...]
    periods: tuple[str, ...]
    events: FloatArray
    exposure: FloatArray
    role: tuple[str, ...]
    chart: ControlChart | None
    control_rate: FloatArray | None
    not_checked: tuple[str, ...]
    plan: dict[str, Any]
    plan_hash: str
    data_digest: str
    versions: dict[str, str]
    notes: tuple[Note, ...] = ()

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
        rows += [
            (p.name, f"{p.events:g} events / {p.exposure:g} = {p.rate:.4g} in {p.periods} periods") for p in self.phases
        ]
        rows += [(f"check {c.number} {c.code}", f"{c.status}: {c.consequence}") for c in self.checks]
        rows.append(("plan hash", self.plan_hash))
        return rows

    def _columns(self) -> Mapping[str, object]:
        rate = np.full(self.events.size, np.nan)  # a period without exposure is a gap and has no rate
        np.divide(self.events, self.exposure, out=rate, where=self.exposure > 0)
        return {
            "period": list(self.periods),
            "role": list(self.role),
            "events": self.events,
            "exposure": self.exposure,
            "rate": rate,
        }


def _worst_first(checks: tuple[Check, ...]) -> list[Check]:
    order = {"fail": 0, "warn": 1}
    return sorted((c for c in checks if c.status in order), key=lambda c: (order[c.status], c.number))
