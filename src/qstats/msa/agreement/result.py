"""The result of an attribute agreement analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats.msa.agreement.coefficient import AgreementCoefficient
from qstats.msa.agreement.homogeneity import MarginalTest
from qstats.msa.agreement.shares import AgreementShare, AgreementVerdict, ErrorRates

__all__ = ["AgreementStudy"]

Coefficients = FrozenMapping[str, AgreementCoefficient]
Shares = FrozenMapping[str, AgreementShare]


@dataclass(frozen=True, slots=True, eq=False)
class AgreementStudy(Result):
    """Who agrees with whom: within appraisers, with the standard, between appraisers, all with the standard.

    Parameters
    ----------
    categories, parts, appraisers : tuple of str
    trials : int
        Most answers of one appraiser for one part.
    positive : str or None
        The category that means "bad".
    within : mapping of str to AgreementShare
        Appraiser -> parts on which all own trials agree; empty with one trial.
    within_kappa : mapping of str to AgreementCoefficient
        Fleiss' kappa among the trials of each appraiser.
    versus_standard : mapping of str to AgreementShare
        Appraiser -> parts right in every trial (AIAG: effectiveness); empty without a standard.
    versus_standard_kappa : mapping of str to AgreementCoefficient
        Fleiss' kappa with the standard, mean over trials.
    versus_standard_cohen : mapping of str to AgreementCoefficient
        Cohen's kappa with the standard (weighted if asked for), mean over trials.
    versus_standard_tau : mapping of str to AgreementCoefficient
        Kendall's tau-b with the standard; ordered categories only.
    error_rates : mapping of str to ErrorRates
        Misses and false alarms; empty without standard or `positive`.
    between : AgreementShare or None
        Parts on which all answers of all appraisers agree; None with one appraiser.
    between_kappa : AgreementCoefficient or None
        Fleiss' kappa over all answers of all appraisers.
    all_versus_standard : AgreementShare or None
        Parts on which all answers of all appraisers are right.
    all_versus_standard_kappa : AgreementCoefficient or None
    pairs : mapping of str to AgreementCoefficient
        ``"A / B"`` -> Cohen's kappa (weighted if asked for) of two appraisers; with trials, every answer of one paired
        with every answer of the other.
    light : AgreementCoefficient or None
        Mean of the kappas in `pairs`.
    gwet : AgreementCoefficient or None
        Gwet's AC1 (AC2 with weights) over all answers.
    alpha : AgreementCoefficient or None
        Krippendorff's alpha over all answers; ordinal where categories are ordered.
    kendall : AgreementCoefficient or None
        Kendall's W over all answers; ordered categories and complete parts only.
    homogeneity : mapping of str to MarginalTest
        ``"A / B"`` -> do both use the categories equally often (first trials).
    crosstab : mapping of str to ndarray, shape (categories, categories)
        Appraiser -> decisions; rows the standard, columns the answer.
    usage : mapping of str to tuple of float
        Appraiser -> share of each category among the answers.
    verdicts : tuple of AgreementVerdict
    n : int
        Answers.
    confidence : float
    weights : str
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.agreement_study/1"
    title: ClassVar[str] = "Attribute agreement"

    categories: tuple[str, ...]
    parts: tuple[str, ...]
    appraisers: tuple[str, ...]
    trials: int
    positive: str | None
    within: Shares
    within_kappa: Coefficients
    versus_standard: Shares
    versus_standard_kappa: Coefficients
    versus_standard_cohen: Coefficients
    versus_standard_tau: Coefficients
    error_rates: FrozenMapping[str, ErrorRates]
    between: AgreementShare | None
    between_kappa: AgreementCoefficient | None
    all_versus_standard: AgreementShare | None
    all_versus_standard_kappa: AgreementCoefficient | None
    pairs: Coefficients
    light: AgreementCoefficient | None
    gwet: AgreementCoefficient | None
    alpha: AgreementCoefficient | None
    kendall: AgreementCoefficient | None
    homogeneity: FrozenMapping[str, MarginalTest]
    crosstab: FrozenMapping[str, FloatArray]
    usage: FrozenMapping[str, tuple[float, ...]]
    verdicts: tuple[AgreementVerdict, ...]
    n: int
    confidence: float
    weights: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        size = (
            f"{len(self.parts)} parts, {len(self.appraisers)} appraisers, up to {self.trials} trials, {self.n} answers"
        )
        rows = [("study", size), ("categories", ", ".join(self.categories))]
        rows += [(f"within {who}", _line(share, self.within_kappa.get(who))) for who, share in self.within.items()]
        for who, share in self.versus_standard.items():
            rows.append((f"{who} with the standard", _line(share, self.versus_standard_kappa.get(who))))
        for who, rates in self.error_rates.items():
            rows.append((f"{who} misses", str(rates.miss)))
            rows.append((f"{who} false alarms", str(rates.false_alarm)))
        if self.between is not None:
            rows.append(("between appraisers", _line(self.between, self.between_kappa)))
        if self.all_versus_standard is not None:
            rows.append(("all with the standard", _line(self.all_versus_standard, self.all_versus_standard_kappa)))
        rows += [(f"{c.name}, {who}", c.short()) for who, c in self.pairs.items()]
        for one in (self.light, self.gwet, self.alpha, self.kendall):
            if one is not None:
                rows.append((one.name, one.short()))
        rows += [(f"AIAG {v.criterion.replace('_', ' ')}, {v.appraiser}", v.message) for v in self.verdicts]
        return [*rows, ("confidence of each interval", f"{self.confidence:.0%}"), ("method", self.method)]

    def _lines(self) -> list[tuple[str, str, AgreementShare, AgreementCoefficient | None]]:
        lines = [("within", who, share, self.within_kappa.get(who)) for who, share in self.within.items()]
        for who, share in self.versus_standard.items():
            lines.append(("with standard", who, share, self.versus_standard_kappa.get(who)))
        if self.between is not None:
            lines.append(("between", "all", self.between, self.between_kappa))
        if self.all_versus_standard is not None:
            lines.append(("all with standard", "all", self.all_versus_standard, self.all_versus_standard_kappa))
        return lines

    def _columns(self) -> Mapping[str, object]:
        lines = self._lines()
        limits = [share.interval for _, _, share, _ in lines]
        kappas = [k.interval if k is not None else None for _, _, _, k in lines]
        return {
            "comparison": [c for c, _, _, _ in lines],
            "appraiser": [who for _, who, _, _ in lines],
            "agree": [share.count for _, _, share, _ in lines],
            "n": [share.n for _, _, share, _ in lines],
            "share": [share.estimate for _, _, share, _ in lines],
            "low": [None if i is None else i.low for i in limits],
            "high": [None if i is None else i.high for i in limits],
            "kappa": [None if k is None else k.estimate for _, _, _, k in lines],
            "kappa_low": [None if i is None else i.low for i in kappas],
            "kappa_high": [None if i is None else i.high for i in kappas],
        }


def _line(share: AgreementShare, kappa: AgreementCoefficient | None) -> str:
    return str(share) + ("" if kappa is None else f"  kappa {kappa.short()}")
