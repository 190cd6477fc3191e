"""Shares of parts and of decisions with exact limits, and AIAG's classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from qstats._core.arrays import BoolArray
from qstats._core.interval import Interval
from qstats.msa.agreement.coding import Codes

__all__ = [
    "AgreementShare",
    "AgreementVerdict",
    "ErrorRates",
    "error_rates",
    "share_of",
    "verdicts_of",
]

_AIAG = "AIAG, Measurement Systems Analysis, 4th ed. (2010), chapter III section C"


@dataclass(frozen=True, slots=True)
class AgreementShare:
    """How many of the parts (or decisions) agree.

    Parameters
    ----------
    count, n : int
    estimate : float or None
        None where `n` is 0.
    interval : Interval or None
        Clopper-Pearson (exact).
    """

    count: int
    n: int
    estimate: float | None
    interval: Interval | None

    def __str__(self) -> str:
        if self.estimate is None or self.interval is None:
            return "nothing to compare"
        low, high = 100.0 * self.interval.low, 100.0 * self.interval.high
        return f"{self.count} of {self.n} = {self.estimate:.1%} ({low:.1f}, {high:.1f})"


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """In which way an appraiser departs from the standard.

    Parameters
    ----------
    miss : AgreementShare
        Decisions that called a bad part good, of all decisions on bad parts.
    false_alarm : AgreementShare
        Decisions that called a good part bad, of all decisions on good parts.
    miss_parts : AgreementShare
        Bad parts called good in every trial, of all bad parts.
    false_alarm_parts : AgreementShare
        Good parts called bad in every trial, of all good parts.
    mixed_parts : AgreementShare
        Parts called bad in some trials and good in others, of all parts.
    """

    miss: AgreementShare
    false_alarm: AgreementShare
    miss_parts: AgreementShare
    false_alarm_parts: AgreementShare
    mixed_parts: AgreementShare


@dataclass(frozen=True, slots=True)
class AgreementVerdict:
    """One criterion of AIAG for one appraiser, and the classes its interval reaches.

    Parameters
    ----------
    appraiser : str
    criterion : {"effectiveness", "miss", "false_alarm"}
    value : float
        Share.
    interval : Interval
    state : {"acceptable", "marginal", "unacceptable"}
    possible : tuple of str
        Every class the interval reaches; one alone means the study settled it.
    message, reference : str
    """

    appraiser: str
    criterion: str
    value: float
    interval: Interval
    state: str
    possible: tuple[str, ...]
    message: str
    reference: str

    @property
    def settled(self) -> bool:
        """Whether the whole interval lies in one class."""
        return len(self.possible) == 1


def _exact(count: float, n: float, confidence: float) -> Interval:
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if count <= 0.0 else float(scipy.special.betaincinv(count, n - count + 1.0, tail))
    high = 1.0 if count >= n else 1.0 - float(scipy.special.betaincinv(n - count, count + 1.0, tail))
    return Interval(low, high, confidence)


def share_of(agree: BoolArray, confidence: float) -> AgreementShare:
    """Return the share of parts that agree, with Clopper-Pearson limits."""
    count, n = int(agree.sum()), int(agree.size)
    if n == 0:
        return AgreementShare(0, 0, None, None)
    return AgreementShare(count, n, count / n, _exact(count, n, confidence))


def _decisions(wrong: np.ndarray, answers: np.ndarray, confidence: float) -> AgreementShare:
    """Return the share of wrong decisions; trials of one part hang together, so parts decide how much they weigh.

    Clopper-Pearson at the effective number of decisions (Korn & Graubard 1998, Survey Methodology 24, 193-201): as many
    as independent ones would have to be to vary as the parts do, between the number of parts and of decisions.
    """
    wrong, answers = wrong[answers > 0].astype(np.float64), answers[answers > 0].astype(np.float64)
    parts, n, count = wrong.size, float(answers.sum()), float(wrong.sum())
    if parts == 0:
        return AgreementShare(0, 0, None, None)
    p = count / n
    effective = float(parts)
    if parts > 1 and 0.0 < p < 1.0:
        rest = wrong - p * answers
        variance = parts / (parts - 1.0) * float(rest @ rest) / (n * n)
        effective = min(max(p * (1.0 - p) / variance, float(parts)), n) if variance > 0.0 else float(parts)
    return AgreementShare(int(count), int(n), p, _exact(p * effective, effective, confidence))


def error_rates(codes: Codes, standard: Codes, bad: int, confidence: float) -> ErrorRates:
    """Return misses and false alarms of one appraiser; `codes` has shape (parts, trials), -1 where missing."""
    there = codes >= 0
    judged = there.any(axis=1) & (standard >= 0)
    codes, there, is_bad = codes[judged], there[judged], standard[judged] == bad
    answers = there.sum(axis=1)
    called_bad = ((codes == bad) & there).sum(axis=1)
    called_good = answers - called_bad
    return ErrorRates(
        _decisions(called_good[is_bad], answers[is_bad], confidence),
        _decisions(called_bad[~is_bad], answers[~is_bad], confidence),
        share_of(called_bad[is_bad] == 0, confidence),
        share_of(called_good[~is_bad] == 0, confidence),
        share_of((called_bad > 0) & (called_good > 0), confidence),
    )


_STATES = ("acceptable", "marginal", "unacceptable")
_WHAT = {
    "effectiveness": ("of the parts right in every trial", (0.90, 0.80)),
    "miss": ("of the decisions on bad parts let them pass", (0.02, 0.05)),
    "false_alarm": ("of the decisions on good parts rejected them", (0.05, 0.10)),
}


def _class(criterion: str, value: float) -> int:
    first, second = _WHAT[criterion][1]
    if criterion == "effectiveness":
        return 0 if value >= first else 1 if value >= second else 2
    return 0 if value <= first else 1 if value <= second else 2


def _verdict(appraiser: str, criterion: str, share: AgreementShare) -> AgreementVerdict | None:
    if share.estimate is None or share.interval is None:
        return None
    at = _class(criterion, share.estimate)
    ends = sorted((_class(criterion, share.interval.low), _class(criterion, share.interval.high)))
    possible = _STATES[ends[0] : ends[1] + 1]
    others = [s for s in possible if s != _STATES[at]]
    limits = f"({100.0 * share.interval.low:.1f}, {100.0 * share.interval.high:.1f})"
    level = f"{share.interval.confidence:.0%} interval {limits} %"
    tail = f"the {level} cannot exclude {' or '.join(others)}" if others else f"so says the whole {level}"
    text = f"{share.estimate:.1%} {_WHAT[criterion][0]}: {_STATES[at]}; {tail}"
    return AgreementVerdict(appraiser, criterion, share.estimate, share.interval, _STATES[at], possible, text, _AIAG)


def verdicts_of(appraiser: str, effectiveness: AgreementShare, rates: ErrorRates | None) -> list[AgreementVerdict]:
    """Return AIAG's verdicts: effectiveness 90 and 80 %, miss 2 and 5 %, false alarm 5 and 10 %."""
    found = [_verdict(appraiser, "effectiveness", effectiveness)]
    if rates is not None:
        found += [_verdict(appraiser, "miss", rates.miss), _verdict(appraiser, "false_alarm", rates.false_alarm)]
    return [v for v in found if v is not None]
