"""Kappa and tau of answers against the standard: the mean over trials, as Minitab does, with a variance by parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.result import FrozenMapping
from qstats.msa.agreement.coding import Codes
from qstats.msa.agreement.coefficient import AgreementCoefficient, Sampled, coefficient, undefined
from qstats.msa.agreement.cohen import FCE, cross_table
from qstats.msa.agreement.multirater import multirater_fit, one_against_rest
from qstats.msa.agreement.pairs import PairFit, averaged, table_fit
from qstats.msa.agreement.ranks import tau_fit
from qstats.msa.agreement.weights import weight_matrix

__all__ = ["cohen_with_standard", "fleiss_with_standard", "tau_with_standard"]

_FLEISS = (
    "Fleiss (1971), Psychological Bulletin 76, 378-382; mean over trials as Minitab's attribute agreement analysis"
)
_TAU = (
    "Kendall (1938), Biometrika 30, 81-93; Agresti (2010), Analysis of Ordinal Categorical Data, 2nd ed., section 7.2"
)

Fitter = Callable[[FloatArray], PairFit | None]  # of a cross table, with influence per cell


def _over_trials(
    columns: Codes, standard: Codes, k: int, fit: Fitter, words: tuple[str, str, str], confidence: float
) -> AgreementCoefficient:
    """Return the mean of a coefficient over the columns of answers, shape (parts, trials of all appraisers)."""
    name, method, source = words
    fits = []
    parts = columns.shape[0]
    for j in range(columns.shape[1]):
        rows = np.flatnonzero((columns[:, j] >= 0) & (standard >= 0))
        x, y = columns[rows, j], standard[rows]
        found = fit(cross_table(x, y, k)) if rows.size > 1 else None
        if found is not None:
            fits.append((found._replace(influence=found.influence[x, y]), rows))
    n = int(((columns >= 0).any(axis=1) & (standard >= 0)).sum())
    if not fits:
        return undefined(name, n, columns.shape[1] + 1, confidence, None, "one category only, or fewer than two parts")
    estimate, se, observed, expected, null = averaged(fits, parts)
    text = f"{method}, mean over {len(fits)} trials; variance by parts"
    s = Sampled(
        name,
        estimate,
        se,
        observed,
        expected,
        n,
        columns.shape[1] + 1,
        text,
        source,
        scale="wald" if fit is tau_fit else "log",
        null_se=None if math.isnan(null) or null == 0.0 else null,
    )
    return coefficient(s, confidence)


def _two_answers(table: FloatArray, category: int | None) -> PairFit | None:
    """Return Fleiss' kappa of a cross table, of one category against the rest if it is named."""
    k = table.shape[0]
    each = np.eye(k)
    counts = (each[:, None, :] + each[None, :, :]).reshape(k * k, k)
    if category is not None:
        counts = one_against_rest(counts, category)
    found = multirater_fit(counts, np.eye(counts.shape[1]), "fleiss", table.ravel())
    return None if found is None else found._replace(influence=found.influence.reshape(k, k))


def fleiss_with_standard(
    columns: Codes, standard: Codes, labels: Sequence[str], confidence: float
) -> AgreementCoefficient:
    """Return Fleiss' kappa of each trial with the standard, averaged, overall and per category."""
    k = len(labels)
    words = ("Fleiss' kappa with the standard", "two answers per part", _FLEISS)

    def over(category: int | None) -> AgreementCoefficient:
        return _over_trials(columns, standard, k, lambda t: _two_answers(t, category), words, confidence)

    whole = over(None)
    if k < 3 or whole.estimate is None:
        return whole
    return replace(whole, by_category=FrozenMapping({label: over(c) for c, label in enumerate(labels)}))


def cohen_with_standard(
    columns: Codes, standard: Codes, k: int, weights: str, confidence: float
) -> AgreementCoefficient:
    """Return (weighted) Cohen's kappa of each trial with the standard, averaged."""
    w = weight_matrix(k, weights)

    def fit(table: FloatArray) -> PairFit | None:
        made = table_fit(table, w)
        return None if made is None else made[0]

    words = ("Cohen's kappa with the standard", f"weights: {weights}", FCE)
    return _over_trials(columns, standard, k, fit, words, confidence)


def tau_with_standard(columns: Codes, standard: Codes, k: int, confidence: float) -> AgreementCoefficient:
    """Return Kendall's tau-b of each trial with the standard, averaged."""
    words = ("Kendall's tau-b with the standard", "tau-b", _TAU)
    return _over_trials(columns, standard, k, tau_fit, words, confidence)
