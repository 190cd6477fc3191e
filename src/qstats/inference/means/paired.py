"""Paired means: the same customers, units or days measured twice."""

from __future__ import annotations

import math
from typing import overload

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.moments import Moments
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, Comparisons, tail_probability, tails
from qstats.inference.means.kernels import BLIND, moments_of, scatter_notes, without_error
from qstats.inference.means.rows import Column, collected, in_lines, line_pair, paired_lines
from qstats.inference.pivot import NO_SCATTER, pivot_test
from qstats.inference.resample import as_generator, check_resamples

__all__ = ["compare_paired_means"]

_EXACT = 20  # pairs up to which all sign patterns are counted
_CELLS = 1 << 20
_STUDENT = ("paired t", "Student (1908), Biometrika 6, 1-25")
_EQUAL = Note("no-scatter", "serious", f"all differences are equal: {BLIND}")
_FLIP = (
    "Fisher (1935), The Design of Experiments, section 21; Hartigan (1969), JASA 64, 1303-1317 (subset means as limits)"
)


def _all_subset_means(d: FloatArray) -> FloatArray:
    """Return the mean of every non-empty subset, by doubling: 2^n - 1 of them."""
    total, size = np.zeros(1), np.zeros(1)
    for value in d:  # n steps of array work, not a loop over the subsets
        total, size = np.concatenate([total, total + value]), np.concatenate([size, size + 1.0])
    return total[1:] / size[1:]


def _drawn_subset_means(d: FloatArray, resamples: int, rng: np.random.Generator) -> tuple[FloatArray, int]:
    """Return means of random subsets (each value in or out by a fair coin) and how many subsets were empty."""
    out, size = np.empty(resamples), np.empty(resamples)
    rows = max(1, _CELLS // d.size)
    for i in range(0, resamples, rows):
        j = min(i + rows, resamples)
        bits = np.unpackbits(
            np.frombuffer(rng.bytes((j - i) * ((d.size + 7) // 8)), dtype=np.uint8).reshape(j - i, -1), axis=1
        )
        chosen = bits[:, : d.size].astype(np.float64)
        out[i:j], size[i:j] = chosen @ d, chosen.sum(axis=1)
    return out[size > 0] / size[size > 0], int(np.count_nonzero(size == 0))


def _limit(means: FloatArray, always: int, total: float, tail: float) -> float:
    """Return the lower limit: the first subset mean at which the tail is no longer smaller than wanted."""
    if tail == 0.0:
        return -math.inf
    allowed = math.floor(tail * total) + 1
    while allowed > 0 and not allowed / total < tail:
        allowed -= 1
    k = allowed - always  # this many subset means may lie at or below a value that is refused
    if k < 0:
        return -math.inf
    return float(np.partition(means, min(k, means.size - 1))[min(k, means.size - 1)])


def _sign_flip(
    d: FloatArray, m: Moments, null: float, confidence: float, alternative: str, resamples: int | None, rng: object
) -> tuple[float, float, float, str]:
    """Return p-value and limits of the sign-flip test.

    Turning the signs of a subset A of ``d - null`` leaves the sum as large or larger exactly when the mean of A is at
    most `null`. So one list of subset means gives the p-value at every null, and its order statistics are the limits.
    """
    below, above = tails(alternative, confidence)
    centred = d - m.mean
    if d.size <= _EXACT:
        if resamples is not None or rng is not None:
            raise DataError(
                f"resamples, rng: given for {d.size} pairs, of which all sign patterns are counted; leave out"
            )
        means, always, total = _all_subset_means(centred), 1, 2.0**d.size
        text = f"sign-flip, exact: all {2**d.size} patterns"
    else:
        count = check_resamples(resamples, below, above)
        means, empty = _drawn_subset_means(centred, count, as_generator(rng))
        always, total, text = 1 + empty, count + 1.0, f"sign-flip, {count} random patterns"
    slack = 1e-12 * max(float(np.abs(centred).max()), abs(null - m.mean))  # sums equal but for rounding are equal
    at_most = always + int(np.count_nonzero(means <= null - m.mean + slack))
    at_least = always + int(np.count_nonzero(means >= null - m.mean - slack))
    p = tail_probability(at_least / total, at_most / total, alternative)
    low = m.mean + _limit(means, always, total, below)
    return p, low, m.mean - _limit(-means, always, total, above), text


def _draws_nothing(resamples: object, rng: object) -> None:
    if resamples is not None or rng is not None:
        raise DataError("resamples, rng: given with method='t', which draws nothing; leave them out")


def _by_line(
    x: object, x0: object, method: str, null: float, confidence: float, alternative: str, draws: tuple[object, object]
) -> Comparisons:
    if method != "t":
        raise DataError("method: 'sign-flip' takes one pair of columns; with one per line use 't', or call it for each")
    _draws_nothing(*draws)
    m, m0, d = paired_lines(*line_pair(x, x0, least=2))
    se = np.sqrt(d.variance / d.n)
    pivot = without_error(pivot_test(d.mean, se, d.n - 1.0, null, confidence, alternative), se == 0.0)
    return collected(
        "mean_difference", d.mean, pivot, (d.n, d.n), scatter_notes(se, m.mean, m0.mean, still=_EQUAL),
        confidence=confidence, alternative=alternative, null=null, method=_STUDENT[0], reference=_STUDENT[1],
    )  # fmt: skip


@overload
def compare_paired_means(
    x: Column, x0: Column, *, method: str = ..., null: float = ..., confidence: float = ..., alternative: str = ...,
    resamples: int | None = ..., rng: object = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_paired_means(
    x: object, x0: object, *, method: str = ..., null: float = ..., confidence: float = ..., alternative: str = ...,
    resamples: int | None = ..., rng: object = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_paired_means(
    x: object,
    x0: object,
    *,
    method: str = "t",
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    resamples: int | None = None,
    rng: object = None,
) -> Comparison | Comparisons:
    r"""Tell whether a mean changed when the same customers (units, days, sites) were measured twice.

    Use it when row i of both columns is the same one. Not for independent groups (`compare_means`), and not when only
    some are in both: pairing the rest by position invents agreement.

    Parameters
    ----------
    x, x0 : array-like, shape (n,), or both (pairs of columns, n)
        Later (or treated) and earlier (reference) value of each, in the same order; at least two. Two dimensions are
        many such comparisons, one per line, by t only; lines of unequal length are not padded: take the mean, sd and n
        of the differences of each, or one call per line.
    method : {"t", "sign-flip"}
        Student's t of the differences, or their signs turned in every possible way: exact when the differences are
        symmetric about their centre, whatever their shape.
    null : float
        Mean difference the p-value is about: a non-inferiority margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
    resamples : int, optional
        Random sign patterns beyond 20 pairs, 9999 unless given; up to 20 all patterns are counted.
    rng : None, int, SeedSequence or Generator
        Of the random patterns.

    Returns
    -------
    Comparison or Comparisons
        ``effect="mean_difference"``; `n` is the number of pairs, twice. The latter for one comparison per line. Where
        all differences are equal t has no information: whole range, p = 1, and the note ``"no-scatter"``.

    Raises
    ------
    DataError
        Columns of unequal length, missing values, sign flips of many comparisons at once.
    TooFewData
        Fewer than two pairs.

    Notes
    -----
    With :math:`d_i = x_i - x_{0i}` the sign-flip p-value at :math:`\delta` is the share of the :math:`2^n` subsets A
    (the empty one included) with :math:`\bar d_A \le \delta`, or :math:`\ge \delta`, doubled for two sides. The
    limits are therefore order statistics of the subset means: p-value and interval are one procedure. With five pairs
    or fewer a 95 % two-sided interval has no end, since :math:`2 / 2^5 > 0.05`.

    References
    ----------
    Fisher (1935), The Design of Experiments, section 21. Hartigan (1969), JASA 64, 1303-1317.

    Examples
    --------
    Fisher's example, Darwin's maize: height of crossed less self-fertilised plants, eighths of an inch.

    >>> from qstats import compare_paired_means
    >>> d = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    >>> r = compare_paired_means(d, [0] * 15, method="sign-flip")
    >>> round(r.pvalue * 2**15)
    1726
    """
    check_choice(method, "method", ("t", "sign-flip"))
    confidence = check_confidence(confidence)
    tails(alternative, confidence)
    null = check_number(null, "null")
    if in_lines(x, x0):
        return _by_line(x, x0, method, null, confidence, alternative, (resamples, rng))
    a, b = as_vector(x, "x", least=2, missing="never"), as_vector(x0, "x0", least=2, missing="never")
    if a.size != b.size:
        raise DataError(f"x0: {b.size} values came for {a.size} in x; pairs are wanted, row by row")
    level, level0 = moments_of(a, "x").mean, moments_of(b, "x0").mean
    d = a - b
    m = moments_of(d, "x")
    se = m.std / math.sqrt(m.n)
    pivot = pivot_test(m.mean, se, m.n - 1.0, null, confidence, alternative)
    by_t = method == "t"  # sign flips need no estimate of the error: equal differences tell them something
    pivot = without_error(pivot, by_t and se == 0.0)
    df: float | None = m.n - 1.0
    statistic, notes = float(pivot.statistic), scatter_notes(se, level, level0, still=_EQUAL if by_t else NO_SCATTER)
    p, low, high = float(pivot.pvalue), float(pivot.low), float(pivot.high)
    text, source = _STUDENT
    if by_t:
        _draws_nothing(resamples, rng)
    else:
        p, low, high, text = _sign_flip(d, m, null, confidence, alternative, resamples, rng)
        source, df = _FLIP, None
        below, above = tails(alternative, confidence)
        if (below > 0 and math.isinf(low)) or (above > 0 and math.isinf(high)):
            words = f"{m.n} pairs have too few sign patterns for a limit at this confidence"
            notes = (*notes, Note("no-limit", "warning", words))
    return Comparison(
        "mean_difference", m.mean, Interval(low, high, confidence), p, alternative, null, statistic, (m.n, m.n), text,
        source, notes, (level, level0), df,
    )  # fmt: skip
