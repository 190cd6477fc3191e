"""Fleiss' kappa and Gwet's AC1 and AC2: several answers for each part."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.notes import Note
from qstats.msa.agreement.coefficient import SCALES, AgreementCoefficient, Sampled, coefficient, undefined
from qstats.msa.agreement.cohen import paradox
from qstats.msa.agreement.multirater import multirater_fit, one_against_rest, standard_error
from qstats.msa.agreement.ratings import counts_of
from qstats.msa.agreement.weights import WEIGHTS, kinds_of_parts, weight_matrix

__all__ = ["ac_of_counts", "fleiss_kappa", "fleiss_of_counts", "gwet_ac"]

_FLEISS = "Fleiss (1971), Psychological Bulletin 76, 378-382; Fleiss, Nee & Landis (1979), Psychological Bulletin 86, "
_FLEISS += "974-977 (test); Gwet (2021), Psychometrika 86, 867-882 (standard error)"
_GWET = "Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48; Gwet (2014), Handbook of "
_GWET += "Inter-Rater Reliability, 4th ed."
_WORDS = {"none": "unweighted", "linear": "linear weights", "quadratic": "quadratic weights"}


def _sampled(counts: FloatArray, number: FloatArray, chance: str, weights: str, interval: str) -> tuple[Sampled, bool]:
    k = counts.shape[1]
    name = "Fleiss' kappa" if chance == "fleiss" else f"Gwet's {'AC1' if weights == 'none' else 'AC2'}"
    answers = counts.sum(axis=1)
    n, raters, parts = int(number @ (answers > 1)), int(answers.max()), int(number.sum())
    method = f"{_WORDS[weights]}; standard error by parts, t with {parts - 1} degrees of freedom"
    source = _FLEISS if chance == "fleiss" else _GWET
    fit = multirater_fit(counts, weight_matrix(k, weights), chance, number)
    if fit is None:
        return Sampled(name, 0.0, 0.0, 1.0, 1.0, n, raters, method, source), False
    null = None if math.isnan(fit.null_se) else fit.null_se
    share = number @ counts / float(number @ answers)
    notes: tuple[Note, ...] = ()
    if chance == "fleiss":
        notes = paradox(fit.observed, fit.estimate, float(share.max()))
        if null is None and k > 1:
            text = "parts have unequal numbers of answers: the test under chance alone is not given"
            notes = (*notes, Note("unequal-answers", "info", text))
    se = standard_error(fit.influence, number)
    made = Sampled(
        name,
        fit.estimate,
        se,
        fit.observed,
        fit.expected,
        n,
        raters,
        method,
        source,
        df=max(parts - 1.0, 1.0),
        null_se=null,
        scale=interval,
        notes=notes,
    )
    return made, True


def fleiss_of_counts(
    counts: FloatArray, labels: Sequence[str], confidence: float, interval: str = "log"
) -> AgreementCoefficient:
    """Return Fleiss' kappa, overall and per category."""
    counts, number = kinds_of_parts(counts[counts.sum(axis=1) > 0])
    s, there = _sampled(counts, number, "fleiss", "none", interval)
    if not there:
        return undefined(s.name, s.n, s.raters, confidence, s, "all answers fall into one category")
    each = {}
    if counts.shape[1] > 2:
        for c, label in enumerate(labels):
            one, defined = _sampled(one_against_rest(counts, c), number, "fleiss", "none", interval)
            why = "the category was never given, or always"
            each[label] = (
                coefficient(one, confidence)
                if defined
                else undefined(one.name, one.n, one.raters, confidence, one, why)
            )
    return coefficient(s, confidence, each)


def ac_of_counts(counts: FloatArray, weights: str, confidence: float, interval: str = "log") -> AgreementCoefficient:
    """Return Gwet's AC1 (unweighted) or AC2."""
    counts, number = kinds_of_parts(counts[counts.sum(axis=1) > 0])
    s, there = _sampled(counts, number, "gwet", weights, interval)
    if counts.shape[1] < 2:
        return undefined(s.name, s.n, s.raters, confidence, s, "there is one category only; name all in categories=")
    return coefficient(s, confidence) if there else undefined(s.name, s.n, s.raters, confidence, s, "no part twice")


def fleiss_kappa(
    ratings: object,
    *,
    counts: bool = False,
    categories: Sequence[object] | None = None,
    interval: str = "log",
    confidence: float = 0.95,
) -> AgreementCoefficient:
    r"""Tell how far several raters agree beyond chance, where any of them may have given each answer.

    Use it for two or more answers per part, also from different people. Where nearly all parts are of one category
    read `gwet_ac` beside it; for ordered categories `gwet_ac(weights=...)` or `krippendorff_alpha`.

    Parameters
    ----------
    ratings : array-like, shape (parts, raters) or (parts, categories)
        Answers (missing ones left out), or with ``counts=True`` how many answers each category got.
    counts : bool
    categories : list, optional
        All categories (names of the columns of counts).
    interval : {"log", "wald"}
        ``"log"``: limits symmetric in ``log(1 - estimate)``, which keep their confidence near perfect agreement;
        ``"wald"``: estimate and so many standard errors either way, as most programs print.
    confidence : float

    Returns
    -------
    AgreementCoefficient
        ``by_category`` holds each category against the rest, from three categories on.

    Raises
    ------
    DataError
        No array of parts x raters, mixed kinds, an unknown category.
    TooFewData
        Fewer than two parts with two answers.

    Notes
    -----
    :math:`\kappa = (\bar P - \bar P_e) / (1 - \bar P_e)` with :math:`\bar P_e = \sum_j p_j^2`. The interval stands
    on the standard error for the kappa found (Gwet), carried to :math:`\log(1 - \kappa)`, with Student's t;
    ``null_pvalue`` on that under chance alone, which is the one Minitab prints, and which is given only where every
    part has as many answers.

    References
    ----------
    Fleiss (1971), Psychological Bulletin 76, 378-382. Fleiss, Nee & Landis (1979), Psychological Bulletin 86, 974-977.
    Gwet (2021), Psychometrika 86, 867-882.

    Examples
    --------
    >>> from qstats import fleiss_kappa
    >>> k = fleiss_kappa([[0, 4], [4, 0], [3, 1], [0, 4], [4, 0], [1, 3]], counts=True)
    >>> round(k.estimate, 3)
    0.667
    """
    confidence = check_confidence(confidence)
    check_choice(interval, "interval", SCALES)
    n, labels = counts_of(ratings, counts, categories, False)
    return fleiss_of_counts(n, labels, confidence, interval)


def gwet_ac(
    ratings: object,
    *,
    counts: bool = False,
    weights: str = "none",
    categories: Sequence[object] | None = None,
    interval: str = "log",
    confidence: float = 0.95,
) -> AgreementCoefficient:
    r"""Tell how far raters agree beyond chance, in a way that a rare category does not upset (Gwet's AC1, AC2).

    Use it beside kappa where one category is nearly all there is: kappa is then low however well people agree. Not as
    a way to a nicer number: the share of agreement and its interval say the same without a model of chance.

    Parameters
    ----------
    ratings : array-like, shape (parts, raters) or (parts, categories)
        Answers (missing ones left out), or with ``counts=True`` how many answers each category got.
    counts : bool
    weights : {"none", "linear", "quadratic"}
        ``"none"`` gives AC1, the others AC2.
    categories : list, optional
        All categories, in order; AC counts those that nobody chose as well.
    interval : {"log", "wald"}
        ``"log"``: limits symmetric in ``log(1 - estimate)``, which keep their confidence near perfect agreement;
        ``"wald"``: estimate and so many standard errors either way, as most programs print.
    confidence : float

    Returns
    -------
    AgreementCoefficient

    Raises
    ------
    DataError
        No array of parts x raters, mixed kinds, an unknown category, weights for text without an order.
    TooFewData
        Fewer than two parts with two answers.

    Notes
    -----
    Chance agreement is :math:`T_w \sum_k \pi_k (1 - \pi_k) / (q (q - 1))`, with q categories and the sum of all weights
    :math:`T_w`.

    References
    ----------
    Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48.

    Examples
    --------
    >>> from qstats import gwet_ac
    >>> a = gwet_ac([["ok", "ok"]] * 45 + [["ok", "bad"]] * 3 + [["bad", "bad"]] * 2)
    >>> round(a.estimate, 3)
    0.931
    """
    check_choice(weights, "weights", WEIGHTS)
    confidence = check_confidence(confidence)
    check_choice(interval, "interval", SCALES)
    n, _ = counts_of(ratings, counts, categories, weights != "none")
    return ac_of_counts(n, weights, confidence, interval)
