"""Attribute agreement analysis, from answers to verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, frozen_array
from qstats.errors import DataError
from qstats.msa.agreement.coding import Codes, code_answers, plain
from qstats.msa.agreement.coefficient import AgreementCoefficient
from qstats.msa.agreement.cohen import cohen_of_table, cross_table, light_of
from qstats.msa.agreement.door import Answers, read_answers
from qstats.msa.agreement.fleiss import ac_of_counts, fleiss_of_counts
from qstats.msa.agreement.homogeneity import MarginalTest, homogeneity_of_table
from qstats.msa.agreement.krippendorff import alpha_of_counts
from qstats.msa.agreement.ranks import w_of_codes
from qstats.msa.agreement.result import AgreementStudy
from qstats.msa.agreement.shares import AgreementShare, error_rates, share_of, verdicts_of
from qstats.msa.agreement.standard import cohen_with_standard, fleiss_with_standard, tau_with_standard
from qstats.msa.agreement.weights import WEIGHTS, tally_rows

__all__ = ["attribute_agreement"]

_METHOD = "shares by exact (Clopper-Pearson) limits; Fleiss' kappa among answers and, averaged over trials, with the "
_METHOD += "standard (as Minitab), standard errors by parts"
_SOURCE = "AIAG, Measurement Systems Analysis, 4th ed. (2010), chapter III section C; Fleiss, Levin & Paik (2003), "
_SOURCE += "Statistical Methods for Rates and Proportions, 3rd ed., chapter 18"
_PAIRS = 15  # appraisers up to which all pairs are shown


@dataclass(frozen=True, slots=True)
class _Plan:
    weights: str
    ordered: bool
    bad: int | None
    confidence: float


def _same(codes: Codes) -> tuple[BoolArray, BoolArray]:
    """Return which parts have all answers alike, and which have two answers or more; `codes` (parts, answers)."""
    there = codes >= 0
    high = codes.max(axis=1)
    low = np.where(there, codes, np.iinfo(codes.dtype).max).min(axis=1)
    return high == low, there.sum(axis=1) >= 2


def _right(codes: Codes, standard: Codes) -> BoolArray:
    """Return which parts with an answer and a standard are right in every answer; those parts only."""
    judged = (codes >= 0).any(axis=1) & (standard >= 0)
    wrong = (codes >= 0) & (codes != standard[:, None])
    right: BoolArray = ~wrong.any(axis=1)[judged]
    return right


def _within(a: Answers, plan: _Plan) -> dict[str, object]:
    shares, kappas = {}, {}
    if a.codes.shape[2] > 1:
        for j, who in enumerate(a.appraisers):
            own = a.codes[:, j, :]
            alike, several = _same(own)
            shares[who] = share_of(alike[several], plan.confidence)
            if several.any():
                counts = tally_rows(own, len(a.labels))
                kappas[who] = fleiss_of_counts(counts, a.labels, plan.confidence)
    return {"within": FrozenMapping(shares), "within_kappa": FrozenMapping(kappas)}


def _with_standard(a: Answers, plan: _Plan) -> dict[str, object]:
    shares: dict[str, AgreementShare] = {}
    kappas, cohens, taus, rates, tables = {}, {}, {}, {}, {}
    k = len(a.labels)
    if a.standard is not None:
        for j, who in enumerate(a.appraisers):
            own = a.codes[:, j, :]
            shares[who] = share_of(_right(own, a.standard), plan.confidence)
            kappas[who] = fleiss_with_standard(own, a.standard, a.labels, plan.confidence)
            cohens[who] = cohen_with_standard(own, a.standard, k, plan.weights, plan.confidence)
            if plan.ordered:
                taus[who] = tau_with_standard(own, a.standard, k, plan.confidence)
            if plan.bad is not None:
                rates[who] = error_rates(own, a.standard, plan.bad, plan.confidence)
            known = (own >= 0) & (a.standard >= 0)[:, None]
            right = np.broadcast_to(a.standard[:, None], own.shape)
            tables[who] = frozen_array(cross_table(right[known], own[known], k))
    return {
        "versus_standard": FrozenMapping(shares),
        "versus_standard_kappa": FrozenMapping(kappas),
        "versus_standard_cohen": FrozenMapping(cohens),
        "versus_standard_tau": FrozenMapping(taus),
        "error_rates": FrozenMapping(rates),
        "crosstab": FrozenMapping(tables),
        "verdicts": tuple(v for who in shares for v in verdicts_of(who, shares[who], rates.get(who))),
    }


def _all_with_standard(a: Answers, plan: _Plan) -> dict[str, object]:
    if a.standard is None or len(a.appraisers) < 2:
        return {"all_versus_standard": None, "all_versus_standard_kappa": None}
    by_all = a.judged.all(axis=1)
    flat = a.codes.reshape(len(a.parts), -1)
    return {
        "all_versus_standard": share_of(_right(flat[by_all], a.standard[by_all]), plan.confidence),
        "all_versus_standard_kappa": fleiss_with_standard(flat, a.standard, a.labels, plan.confidence),
    }


def _between(a: Answers, plan: _Plan) -> dict[str, object]:
    found: dict[str, object] = dict.fromkeys(("between", "between_kappa", "light", "gwet", "alpha", "kendall"))
    found |= {"pairs": FrozenMapping({}), "homogeneity": FrozenMapping({})}
    if len(a.appraisers) < 2:
        return found
    k, flat = len(a.labels), a.codes.reshape(len(a.parts), -1)
    by_all = a.judged.all(axis=1)
    found["between"] = share_of(_same(flat)[0][by_all], plan.confidence)
    counts = tally_rows(flat, k)
    if (counts.sum(axis=1) >= 2).any():
        found["between_kappa"] = fleiss_of_counts(counts, a.labels, plan.confidence)
        found["gwet"] = ac_of_counts(counts, plan.weights, plan.confidence)
        metric = "ordinal" if plan.ordered else "nominal"
        found["alpha"] = alpha_of_counts(counts, metric, np.arange(float(k)), plan.confidence)
    complete = flat[(flat >= 0).all(axis=1)]
    if plan.ordered and complete.shape[0] > 2:
        found["kendall"] = w_of_codes(complete, k, plan.confidence)
    if len(a.appraisers) <= _PAIRS:
        shares = [_own_shares(a.codes[:, j, :], k) for j in range(len(a.appraisers))]
        found["light"] = light_of(shares, a.labels, plan.weights, plan.confidence) if len(shares) > 2 else None
        found |= _pairs(a, plan, shares)
    return found


def _own_shares(codes: Codes, k: int) -> FloatArray:
    counts = tally_rows(codes, k)
    total = counts.sum(axis=1, keepdims=True)
    return counts / np.where(total > 0.0, total, 1.0)


def _pairs(a: Answers, plan: _Plan, shares: list[FloatArray]) -> dict[str, object]:
    kappas: dict[str, AgreementCoefficient] = {}
    tests: dict[str, MarginalTest] = {}
    k = len(a.labels)
    for i, j in combinations(range(len(a.appraisers)), 2):
        name = f"{a.appraisers[i]} / {a.appraisers[j]}"
        x, y = a.codes[:, i, 0], a.codes[:, j, 0]
        both = (x >= 0) & (y >= 0)
        if int(both.sum()) < 2:
            continue
        table = cross_table(x[both], y[both], k)
        tests[name] = homogeneity_of_table(table, a.labels, "auto")
        if a.codes.shape[2] == 1:
            kappas[name] = cohen_of_table(table, plan.weights, plan.confidence, a.labels)
        else:
            kappas[name] = light_of([shares[i], shares[j]], a.labels, plan.weights, plan.confidence, "Cohen's kappa")
    return {"pairs": FrozenMapping(kappas), "homogeneity": FrozenMapping(tests)}


def _plan(a: Answers, weights: str, ordered: object, positive: object, confidence: float) -> tuple[_Plan, list[Note]]:
    if weights != "none" and ordered is None and a.kind == "text":
        raise DataError("ordered: weights need an order; list the categories in it, as ordered=[...]")
    notes, bad = [], None
    if positive is not None:
        wanted = code_answers([positive], "positive")
        known = [plain(label, a.kind) for label in a.labels]
        if not wanted.labels or wanted.kind != a.kind or plain(wanted.labels[0], a.kind) not in known:
            shown = ", ".join(map(repr, a.labels))
            raise DataError(f"positive: got {positive!r}; one of the categories is wanted: {shown}")
        bad = known.index(plain(wanted.labels[0], a.kind))
        if a.standard is None:
            text = "positive= was given without a standard: misses and false alarms cannot be told"
            notes.append(Note("no-standard-for-errors", "warning", text))
    elif a.standard is not None:
        text = "no misses and false alarms: pass positive= with the category that means bad"
        notes.append(Note("no-positive", "info", text))
    if len(a.labels) == 1:
        text = f"every answer is {a.labels[0]!r}: no kappa exists, and the study says nothing about telling parts apart"
        notes.append(Note("one-category", "serious", text))
    return _Plan(weights, ordered is not None, bad, confidence), notes


def _look_alike(labels: tuple[str, ...]) -> list[Note]:
    folded: dict[str, list[str]] = {}
    for label in labels:
        folded.setdefault(label.casefold(), []).append(label)
    pairs = [" and ".join(map(repr, same)) for same in folded.values() if len(same) > 1]
    text = f"{'; '.join(pairs)} count as different categories: is it spelling?"
    return [Note("look-alike", "warning", text)] if pairs else []


def _usage(a: Answers) -> dict[str, tuple[float, ...]]:
    found = {}
    for j, who in enumerate(a.appraisers):
        own = a.codes[:, j, :]
        count = np.bincount(own[own >= 0], minlength=len(a.labels))
        found[who] = tuple((count / max(int(count.sum()), 1)).tolist())
    return found


def attribute_agreement(
    data: object,
    *,
    values: str | None = None,
    part: object = None,
    appraiser: object = None,
    standard: object = None,
    trial: object = None,
    ordered: Sequence[object] | None = None,
    weights: str = "none",
    positive: object = None,
    confidence: float = 0.95,
    missing: str = "raise",
) -> AgreementStudy:
    """Tell whether people who judge parts agree with themselves, with each other, and with what is right.

    Use it where the gauge is a person (or a tester) and the reading a category: good or bad, a class, a defect code.
    For measured values use `gauge_rr`.

    Parameters
    ----------
    data : frame, or array-like
        One answer per row, with the columns named below; or an array of parts x appraisers (x trials); or one column of
        answers with arrays for `part` and so on.
    values : str, optional
        Column of the answers (frames only).
    part, appraiser : str or array-like
        Which part, and who judged it. Without `appraiser` all answers are one appraiser's.
    standard : str, mapping or array-like, optional
        What is right: a column (or array) beside the answers, a mapping of part to category, or for an array one entry
        per part. Without it consistency is analysed alone.
    trial : str or array-like, optional
        Number of the trial; by default trials are taken in order of appearance.
    ordered : list, optional
        All categories from low to high; gives Kendall's coefficients and ordinal alpha.
    weights : {"none", "linear", "quadratic"}
        Of Cohen's kappa and of Gwet's AC: how much neighbouring categories agree.
    positive : optional
        The category that means "bad": gives misses and false alarms (every other category is good).
    confidence : float
    missing : {"raise", "drop"}

    Returns
    -------
    AgreementStudy

    Raises
    ------
    DataError
        A role without its column, one column for two roles, text mixed with numbers, two standards for one part, an
        unknown category, labels that never repeat.
    TooFewData
        Fewer than two parts.

    Notes
    -----
    A part agrees within an appraiser if all trials are alike, with the standard if all trials are right. The limits of
    those shares are exact. Misses and false alarms count decisions; as trials of one part hang together, their limits
    are Clopper-Pearson at the effective number of decisions (Korn & Graubard 1998).

    References
    ----------
    AIAG, Measurement Systems Analysis, 4th ed. (2010), chapter III section C. Fleiss, Levin & Paik (2003), Statistical
    Methods for Rates and Proportions, 3rd ed., chapter 18.

    Examples
    --------
    >>> from qstats import attribute_agreement
    >>> answers = [[["ok", "ok"], ["ok", "bad"]], [["bad", "bad"], ["bad", "bad"]], [["ok", "ok"], ["ok", "ok"]]]
    >>> study = attribute_agreement(answers, standard=["ok", "bad", "ok"], positive="bad")
    >>> study.within["2"].count, study.within["2"].n
    (2, 3)
    >>> study.error_rates["2"].false_alarm.count
    1
    """
    check_choice(weights, "weights", WEIGHTS)
    confidence = check_confidence(confidence)
    roles = {"part": part, "appraiser": appraiser, "trial": trial}
    answers = read_answers(data, values, roles, standard, ordered, missing)
    plan, notes = _plan(answers, weights, ordered, positive, confidence)
    notes += _look_alike(answers.labels)
    if len(answers.appraisers) > _PAIRS:
        notes.append(Note("pairs-not-shown", "info", f"more than {_PAIRS} appraisers: single pairs are not compared"))
    found = {
        **_within(answers, plan),
        **_with_standard(answers, plan),
        **_all_with_standard(answers, plan),
        **_between(answers, plan),
    }
    return AgreementStudy(
        categories=answers.labels,
        parts=answers.parts,
        appraisers=answers.appraisers,
        trials=answers.codes.shape[2],
        positive=None if plan.bad is None else answers.labels[plan.bad],
        usage=FrozenMapping(_usage(answers)),
        n=answers.n,
        confidence=confidence,
        weights=weights,
        method=_METHOD,
        reference=_SOURCE,
        notes=(*answers.notes, *notes, *_paradox_notes(found)),
        **found,  # type: ignore[arg-type]
    )


def _paradox_notes(found: dict[str, object]) -> tuple[Note, ...]:
    kappa = found["between_kappa"]
    notes = kappa.notes if isinstance(kappa, AgreementCoefficient) else ()
    return tuple(n for n in notes if n.code == "kappa-paradox")
