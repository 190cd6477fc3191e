"""Compare answers on an ordered scale: probability that one group scores higher than the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, as_counts, as_vector
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparison, Comparisons, tail_probability, tails
from qstats.inference.ordinal.kernels import (
    MOST_TABLES,
    Placement,
    all_tables,
    count_tables,
    degenerate_limits,
    degenerate_pvalue,
    drawn_statistics,
    place,
    studentised,
)
from qstats.inference.pivot import Pivot, pivot_test, tails_to_pvalue
from qstats.inference.resample import as_generator, check_resamples, invert_draws

__all__ = ["compare_ordinal", "compare_ordinal_counts"]

_METHODS = {
    "brunner-munzel": ("Brunner-Munzel t", "Brunner & Munzel (2000), Biometrical Journal 42, 17-25"),
    "logit": (
        "Brunner-Munzel variance, t on the logit",
        "Brunner & Munzel (2000), Biometrical Journal 42, 17-25; Pauly, Asendorf & Konietschke (2016), Biometrical "
        "Journal 58, 1319-1337, section 2",
    ),
    "permutation": (
        "studentised permutation",
        "Neubert & Brunner (2007), Computational Statistics & Data Analysis 51, 5192-5204; Pauly, Asendorf & "
        "Konietschke (2016), Biometrical Journal 58, 1319-1337",
    ),
}
_EXACT = "Lehmann (1953), Annals of Mathematical Statistics 24, 23-43"
_DEGENERATE = Note(
    "separated-or-tied",
    "info",
    "the groups do not overlap, or all answers are one and the same: exact probabilities in place of t; for separated "
    "groups that of the permutation test, with Lehmann's alternatives for the limit",
)


def _by_t(method: str, p: Placement, null: float, confidence: float, alternative: str) -> Pivot:
    """Return test and limits, on the plain or the logit scale, where there is an error to divide by."""
    if method == "brunner-munzel":
        return pivot_test(p.estimate, p.se, p.df, null, confidence, alternative, least=0.0, most=1.0)
    at = np.clip(p.estimate, 1e-300, 1.0 - 1e-16)
    scale = at * (1.0 - at)
    goal = np.log(null) - np.log1p(-null)
    pivot = pivot_test(np.log(at) - np.log1p(-at), p.se / scale, p.df, goal, confidence, alternative)
    with np.errstate(over="ignore"):
        low, high = 1.0 / (1.0 + np.exp(-pivot.low)), 1.0 / (1.0 + np.exp(-pivot.high))
    return Pivot(pivot.statistic, pivot.pvalue, low, high)


def _tested(
    method: str, c: FloatArray, c0: FloatArray, null: float, confidence: float, alternative: str
) -> tuple[Placement, Pivot, Any]:
    """Return estimate, test and limits of each row, exact where the groups are separated or all tied."""
    p = place(c, c0)
    pivot = _by_t(method, p, null, confidence, alternative)
    flat = p.se == 0.0
    if flat.any():
        below, above = tails(alternative, confidence)
        n, n0 = c[flat].sum(axis=1), c0[flat].sum(axis=1)
        at = np.round(2.0 * p.estimate[flat]) / 2.0  # 0, 1/2 or 1: nothing else has no error
        pivot.pvalue[flat] = tails_to_pvalue(*degenerate_pvalue(at, n, n0, null), alternative)
        pivot.low[flat], pivot.high[flat] = degenerate_limits(at, n, n0, below, above)
    return p, pivot, flat


def _by_permutation(
    c: FloatArray, c0: FloatArray, null: float, confidence: float, alternative: str, resamples: int | None, rng: object
) -> tuple[Placement, Pivot, str]:
    """Return the studentised permutation test and its interval for one pair of groups."""
    below, above = tails(alternative, confidence)
    p = place(c, c0)
    total, n = (c + c0)[0], int(c.sum())
    weight = None
    if count_tables(total, n) <= MOST_TABLES:
        if resamples is not None or rng is not None:
            raise DataError("resamples, rng: given where all tables are counted; leave them out")
        tables, weight = all_tables(total, n)
        draws = studentised(tables, total)
        text = f"studentised permutation, exact: all {weight.size} tables"
    else:
        count = check_resamples(resamples, below, above)
        draws = drawn_statistics(total, n, count, as_generator(rng))
        text = f"studentised permutation, {count} random tables"
    statistic = float((p.estimate[0] - null) / p.se[0])
    found = invert_draws(draws, statistic, below, above, weight)
    pvalue = tail_probability(found.low_tail, found.high_tail, alternative)
    low = max(float(p.estimate[0] - found.high_critical * p.se[0]), 0.0)
    high = min(float(p.estimate[0] - found.low_critical * p.se[0]), 1.0)
    return p, Pivot(statistic, pvalue, low, high), text


def _checked(method: str, null: object, confidence: object, alternative: str) -> tuple[float, float]:
    check_choice(method, "method", _METHODS)
    level = check_confidence(confidence)
    tails(alternative, level)
    return check_number(null, "null", above=0.0, below=1.0), level


def _one(
    c: FloatArray, c0: FloatArray, method: str, null: float, confidence: float, alternative: str,
    resamples: int | None, rng: object,
) -> Comparison:  # fmt: skip
    """Return the comparison of one pair of rows of counts."""
    text, source = _METHODS[method]
    notes: tuple[Note, ...] = ()
    flat = place(c, c0).se[0] == 0.0
    if method == "permutation" and not flat:
        p, pivot, text = _by_permutation(c, c0, null, confidence, alternative, resamples, rng)
        pvalue, low, high, statistic, df = pivot.pvalue, pivot.low, pivot.high, pivot.statistic, None
    else:
        if method != "permutation" and (resamples is not None or rng is not None):
            raise DataError(f"resamples, rng: given with method={method!r}, which draws nothing; leave them out")
        t = "brunner-munzel" if method == "permutation" else method
        p, many, _ = _tested(t, c, c0, null, confidence, alternative)
        pvalue, low, high = float(many.pvalue[0]), float(many.low[0]), float(many.high[0])
        statistic, df = float(many.statistic[0]), float(p.df[0])
        if flat:
            statistic, df, notes = None, None, (_DEGENERATE,)
            text, source = "exact, groups separated or all tied", _EXACT
    return Comparison(
        "superiority", float(p.estimate[0]), Interval(low, high, confidence), pvalue, alternative, null, statistic,
        (float(c.sum()), float(c0.sum())), text, source, notes, (), df,
    )  # fmt: skip


def compare_ordinal(
    x: object,
    x0: object,
    *,
    method: str = "brunner-munzel",
    null: float = 0.5,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    resamples: int | None = None,
    rng: object = None,
) -> Comparison:
    r"""Tell whether one group scores higher than another on an ordered scale, without pretending that steps are equal.

    Use it for answers from 1 to 5, grades, severities, and for any skewed quantity. The effect is the probability that
    a random answer of the group is higher than one of the reference group, equal ones counting half. Not for the same
    customers asked twice.

    Parameters
    ----------
    x, x0 : array-like, shape (n,), (n0,)
        Scores of the group asked about and of the reference group; only their order is used. At least two each.
    method : {"brunner-munzel", "logit", "permutation"}
        Student's t with the variance of unequal shapes (size 6 % at ten and ten answers for 5 %); the same on the
        log-odds scale, which suits effects near 0 or 1 (size 2 % there: careful); or the permutation distribution of
        the same studentised effect, for ten to thirty answers.
    null : float
        Probability the p-value is about, between 0 and 1. An equivalence margin of 0.1 is 0.4 to 0.6.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
    resamples : int, optional
        Random tables where there are more than 50 000 possible ones, 9999 unless given.
    rng : None, int, SeedSequence or Generator
        Of the random tables.

    Returns
    -------
    Comparison
        ``effect="superiority"``. Groups that do not overlap get an exact p-value and a limit, never NaN.

    Raises
    ------
    DataError, TooFewData
        Bad values, fewer than two in a group.

    Notes
    -----
    :math:`\hat\theta` is the mean placement of x in x0; its variance is the sum of the variances of the placements of
    either group over n and n0, with Satterthwaite's degrees of freedom. When every answer of one group lies above every
    one of the other there is no variance: the p-value at :math:`\theta` is then the probability of separation under
    Lehmann alternatives, :math:`\prod_{j=1}^{n} j\kappa / (j\kappa + n_0)`, :math:`\kappa = \theta / (1 - \theta)` (the
    larger of this and its mirror image), which at one half is the permutation probability :math:`1 / \binom{N}{n}`, and
    the limit is where it reaches the wanted tail. When all answers are equal the bound
    :math:`(2\theta)^{\min(n, n_0)}` is used.

    References
    ----------
    Brunner & Munzel (2000), Biometrical Journal 42, 17-25. Neubert & Brunner (2007), Computational Statistics & Data
    Analysis 51, 5192-5204. Lehmann (1953), Annals of Mathematical Statistics 24, 23-43.

    Examples
    --------
    >>> from qstats import compare_ordinal
    >>> r = compare_ordinal([5, 4, 5, 3, 4, 5, 5, 4], [3, 2, 4, 3, 1, 4, 2, 3])
    >>> round(r.estimate, 4), r.pvalue < 0.01
    (0.8984, True)
    """
    value, level = _checked(method, null, confidence, alternative)
    a, b = as_vector(x, "x", least=2, missing="never"), as_vector(x0, "x0", least=2, missing="never")
    found, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    c = np.bincount(codes[: a.size], minlength=found.size).astype(np.float64)[np.newaxis]
    c0 = np.bincount(codes[a.size :], minlength=found.size).astype(np.float64)[np.newaxis]
    return _one(c, c0, method, value, level, alternative, resamples, rng)


def _count_rows(counts: object, name: str) -> tuple[FloatArray, bool]:
    """Return counts as rows of categories, and whether a single row came."""
    try:
        a = np.asarray(counts)
    except ValueError:
        raise DataError(f"{name}: rows of unequal length; one count per category is wanted in each") from None
    if a.ndim not in (1, 2) or a.shape[-1] < 2:
        raise DataError(f"{name}: got shape {a.shape}; (categories,) or (comparisons, categories) is wanted")
    rows = as_counts(a.reshape(-1), name, missing="never").reshape(-1, a.shape[-1])
    if (small := rows.sum(axis=1) < 2).any():
        raise TooFewData(f"{name}: row {int(np.argmax(small))} has fewer than 2 answers; at least 2 wanted")
    return rows, a.ndim == 1


def compare_ordinal_counts(
    counts: object,
    counts0: object,
    *,
    method: str = "brunner-munzel",
    null: float = 0.5,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    resamples: int | None = None,
    rng: object = None,
) -> Comparison | Comparisons:
    r"""Compare answers on an ordered scale of which only the counts by category are known: one pair, or a million.

    Use it for a table of answers from a database or a report, or for many questions and segments in one call.

    Parameters
    ----------
    counts, counts0 : array-like, shape (k,) or (m, k)
        Answers in each category, lowest category first, of the group asked about and of the reference group. A single
        row is held against every row of the other.
    method, null, confidence, alternative, resamples, rng
        As in `compare_ordinal`; ``"permutation"`` for a single pair only.

    Returns
    -------
    Comparison or Comparisons
        The latter when either has two dimensions. NaN in `statistic` marks rows whose groups are separated or all tied;
        their p-values and limits are exact, and `notes` count them.

    Raises
    ------
    DataError, TooFewData
        Counts that are not whole, categories that differ in number, fewer than two answers in a row.

    Notes
    -----
    As `compare_ordinal`, row by row.

    References
    ----------
    Brunner & Munzel (2000), Biometrical Journal 42, 17-25.

    Examples
    --------
    >>> from qstats import compare_ordinal_counts
    >>> r = compare_ordinal_counts([2, 3, 8, 20, 17], [6, 9, 12, 15, 8])
    >>> round(r.estimate, 4), round(r.pvalue, 4)
    (0.671, 0.0014)
    """
    value, level = _checked(method, null, confidence, alternative)
    (c, single), (c0, single0) = _count_rows(counts, "counts"), _count_rows(counts0, "counts0")
    if c.shape[1] != c0.shape[1]:
        raise DataError(f"counts0: {c0.shape[1]} categories came for {c.shape[1]} in counts; the same scale is wanted")
    if single and single0:
        return _one(c, c0, method, value, level, alternative, resamples, rng)
    if method == "permutation" or resamples is not None or rng is not None:
        raise DataError("method: 'permutation' compares one pair; for many rows use 'brunner-munzel' or 'logit'")
    if c.shape[0] != c0.shape[0] and 1 not in (c.shape[0], c0.shape[0]):
        raise DataError(f"counts0: {c0.shape[0]} rows came for {c.shape[0]} in counts; one each is wanted")
    c, c0 = (np.ascontiguousarray(v) for v in np.broadcast_arrays(c, c0))
    p, pivot, flat = _tested(method, c, c0, value, level, alternative)
    text, source = _METHODS[method]
    notes: tuple[Note, ...] = ()
    if hits := int(np.count_nonzero(flat)):
        notes = (Note(_DEGENERATE.code, "info", f"{hits} of {flat.size} rows: {_DEGENERATE.message}"),)
    sizes = frozen_array(np.column_stack([c.sum(axis=1), c0.sum(axis=1)]))
    return Comparisons(
        "superiority", frozen_array(p.estimate), Intervals(frozen_array(pivot.low), frozen_array(pivot.high), level),
        frozen_array(pivot.pvalue), alternative, value, frozen_array(np.where(flat, np.nan, pivot.statistic)), sizes,
        text, source, notes,
    )  # fmt: skip
