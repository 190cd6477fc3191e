"""Compare two proportions of the same units: the same customers asked twice, the same parts tested by two gauges."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats.errors import DataError
from qstats.inference.comparison import ALTERNATIVES, Comparison, Comparisons, tails
from qstats.inference.pairs import Found, columns_of, compared, count_note
from qstats.inference.proportion_kernels import score_of
from qstats.inference.rate_kernels import (
    conditional_odds,
    conditional_pvalue,
    critical,
    ratio_score,
    score_odds,
    score_pvalue,
)
from qstats.inference.roots import bracketed

__all__ = ["compare_paired_proportions"]

_METHODS = {
    "score": ("score", "Tango (1998), Statistics in Medicine 17, 891-908"),
    "midp": ("conditional, mid-p", "Fagerland, Lydersen & Laake (2013), BMC Medical Research Methodology 13, 91"),
    "exact": ("conditional, exact central", "McNemar (1947), Psychometrika 12, 153-157; Clopper & Pearson (1934)"),
}
_RATIO_SCORE = (
    "score, Nam and Blackwelder",
    "Nam & Blackwelder (2002), Statistics in Medicine 21, 689-699; Tang, Tang & Chan (2003), Statistics in Medicine "
    "22, 1217-1233",
)
_WORDS = {"difference": "difference", "risk_ratio": "ratio"}
_FAR = 60.0  # logarithm of a ratio no data in whole numbers under 2**53 can reach the limits of
_ODDS_SCORE = ("conditional score", "McNemar (1947), Psychometrika 12, 153-157; Wilson (1927), JASA 22, 209-212")


def _tango_score(only: FloatArray, only0: FloatArray, n: FloatArray, d: FloatArray) -> FloatArray:
    """Return the score statistic of ``p(only) - p(only0) = d``.

    With q for p(only0) the likelihood ``only log(q + d) + only0 log q + rest log(1 - 2 q - d)`` has its maximum at the
    larger root of ``2 n q**2 + B q + C = 0``; the variance there is ``n (2 q + d (1 - d))``.
    """
    b = (2.0 * n - only + only0) * d - only - only0
    c = -only0 * d * (1.0 - d)
    root = np.sqrt(np.maximum(b * b - 8.0 * n * c, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(b <= 0.0, (root - b) / (4.0 * n), -2.0 * c / (b + root))
    q = np.fmax(np.fmax(q, 0.0), -d)
    # the score changes sign only by the gap, so scaling by n keeps it free of cancellation
    z: FloatArray = score_of(only - only0 - n * d, n * (2.0 * q + d * (1.0 - d)))
    return z


def _difference(
    only: FloatArray, only0: FloatArray, n: FloatArray, null: float, confidence: float, alternative: str
) -> Found:
    estimate = (only - only0) / n
    score = _tango_score(only, only0, n, np.full(n.size, null))

    def solve(goal: float, end: float) -> FloatArray:
        if math.isinf(goal):
            return np.full(n.size, end)

        def falling(d: FloatArray, which: Any) -> FloatArray:
            return _tango_score(only[which], only0[which], n[which], d) - goal

        low = estimate if goal < 0.0 else np.full(n.size, -1.0)
        high = estimate if goal > 0.0 else np.full(n.size, 1.0)
        inward = (goal > 0.0) == (end < 0.0)
        return np.where((estimate == end) & inward, end, bracketed(falling, low, high))

    below, above = tails(alternative, confidence)
    low, high = solve(critical(below, math.inf), -1.0), solve(-critical(above, math.inf), 1.0)
    return Found(estimate, low, high, score_pvalue(score, math.inf, alternative), score)


def _ratio_score(both: FloatArray, only: FloatArray, only0: FloatArray, log_ratio: FloatArray) -> FloatArray:
    """Return the score statistic of ``log(p / p0) = log_ratio``; units without the event under both say nothing of it.

    Of the units with an event let r be the share with it in the reference group alone. With the ratio f fixed at 1 or
    more the likelihood ``both log(1 - (1 + f) r) + only log(f - 1 + r) + only0 log r`` has its maximum at the larger
    root of ``(1 + f) m r**2 + B r - only0 (f - 1) = 0``, and ``only - only0`` and so on have variance
    ``m f (r + (f - 1 + r) / f)``. A ratio below 1 is one above 1 with the groups exchanged.
    """
    turned = log_ratio < 0.0
    b, c = np.where(turned, only0, only), np.where(turned, only, only0)
    f = np.exp(np.abs(log_ratio))
    above, m = np.expm1(np.abs(log_ratio)), both + only + only0  # f - 1 with its own digits
    linear = (both + c) * above * (f + 1.0) - b - c
    quadratic, constant = (1.0 + f) * m, c * above
    root = np.sqrt(linear * linear + 4.0 * quadratic * constant)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.where(linear <= 0.0, (root - linear) / (2.0 * quadratic), 2.0 * constant / (linear + root))
    r = np.fmax(r, 0.0)
    # the gap b + both - f (both + c), and the spread, over f: neither overflows
    z: FloatArray = score_of(b / f - c - both * (above / f), m * (r + (above + r) / f) / f)
    return np.where(turned, -z, z)


def _ratio(
    both: FloatArray, only: FloatArray, only0: FloatArray, null: float, confidence: float, alternative: str
) -> Found:
    x, x0 = both + only, both + only0
    empty = both + only + only0 == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = x / x0
        log = np.where(empty, 0.0, np.clip(np.log(x) - np.log(x0), -_FAR, _FAR))
    a, b, c = (np.where(empty, 1.0, v) for v in (both, only, only0))  # counts to calculate with, not to be shown
    score = _ratio_score(a, b, c, np.full(x.size, math.log(null)))

    def solve(goal: float, end: float) -> FloatArray:
        if math.isinf(goal):
            return np.full(x.size, end)

        def falling(at: FloatArray, which: Any) -> FloatArray:
            return _ratio_score(a[which], b[which], c[which], at) - goal

        low = log if goal < 0.0 else np.full(x.size, -_FAR)
        high = log if goal > 0.0 else np.full(x.size, _FAR)
        inward = (goal > 0.0) == (end < 0.0)
        return np.where((log == end) & inward, end, bracketed(falling, low, high))

    below, above = tails(alternative, confidence)
    ends = solve(critical(below, math.inf), -_FAR), solve(-critical(above, math.inf), _FAR)
    low, high = (np.where(v <= -_FAR, 0.0, np.where(v >= _FAR, np.inf, np.exp(v))) for v in ends)
    low, high = np.where(empty, 0.0, low), np.where(empty, np.inf, high)
    score = np.where(empty, 0.0, score)
    one = "no unit has the event under either condition: the data say nothing about the ratio"
    many = "tables have no event under either condition: they say nothing about the ratio"
    note = count_note("no-information", "serious", empty, one, many)
    return Found(estimate, low, high, score_pvalue(score, math.inf, alternative), score, note)


def _odds(only: FloatArray, only0: FloatArray, method: str, null: float, confidence: float, alternative: str) -> Found:
    """Of the pairs that differ a binomial share is in favour of the group: its odds are the conditional odds ratio."""
    n, (below, above) = only + only0, tails(alternative, confidence)
    odds = np.full(n.size, null)
    score: FloatArray | None = None
    if method == "score":
        score = ratio_score(only, n, odds, 1.0)
        p = score_pvalue(score, math.inf, alternative)
        low, high = score_odds(only, n, critical(below, math.inf), critical(above, math.inf))
    else:
        weight = 0.5 if method == "midp" else 1.0
        p = conditional_pvalue(only, n, odds, weight, alternative)
        low, high = conditional_odds(only, n, below, above, weight)
    empty = n == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(empty, np.nan, only / only0)
    low, high, p = np.where(empty, 0.0, low), np.where(empty, np.inf, high), np.where(empty, 1.0, p)
    one = "no unit answered differently: the data say nothing about the odds ratio"
    many = "tables have no unit that answered differently: they say nothing about the odds ratio"
    return Found(estimate, low, high, p, score, count_note("no-information", "serious", empty, one, many))


@overload
def compare_paired_proportions(
    both: float, only: float, only0: float, neither: float, *, effect: str = ..., method: str = ...,
    null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_paired_proportions(
    both: npt.ArrayLike, only: npt.ArrayLike, only0: npt.ArrayLike, neither: npt.ArrayLike, *, effect: str = ...,
    method: str = ..., null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_paired_proportions(
    both: npt.ArrayLike,
    only: npt.ArrayLike,
    only0: npt.ArrayLike,
    neither: npt.ArrayLike,
    *,
    effect: str = "difference",
    method: str = "score",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison | Comparisons:
    r"""Tell whether a share changed among the same units: the same customers satisfied before and after.

    Use it when each unit was seen under both conditions. Not for two separate samples (`compare_proportions`): there
    is nothing to pair.

    Parameters
    ----------
    both : float or array-like, shape (m,)
        Whole number of units with the event under both conditions.
    only, only0 : float or array-like, shape (m,)
        Units with the event only in the group asked about ("after"), and only in the reference group ("before").
    neither : float or array-like, shape (m,)
        Units without the event under both.
    effect : {"difference", "risk_ratio", "odds_ratio"}
        Share in the group less share in the reference group, ``(only - only0) / n``; their ratio, ``(both + only) /
        (both + only0)``; or the conditional odds ratio ``only / only0``, which looks at the units that changed alone.
    method : {"score", "midp", "exact"}
        ``"score"`` is Tango's for the difference, Nam and Blackwelder's for the ratio, Wilson's for the odds ratio; at
        no change all are McNemar's test. ``"midp"`` and ``"exact"`` are McNemar's test by the binomial, for the odds
        ratio.
    null : float, optional
        Difference (default 0), ratio or odds ratio (default 1) the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Comparison or Comparisons
        ``n`` holds the units with the event in each group, for the odds ratio those that changed.

    Raises
    ------
    DataError
        Negative or fractional counts, no unit at all, an unknown option, a null outside the possible range.

    Notes
    -----
    :math:`z(\delta) = (b - c - n \delta) / \sqrt{n (2 \tilde q + \delta (1 - \delta))}` with b only, c only0, n all
    units and :math:`\tilde q` the probability of only0 at the maximum of the likelihood under the difference
    :math:`\delta`. For the ratio :math:`\phi`, with a both,
    :math:`z(\phi) = (a + b - \phi (a + c)) / \sqrt{n \phi (\tilde p_b + \tilde p_c)}` with the probabilities of only
    and only0 at the maximum of the likelihood under the ratio. Limits and p-value come from the same z. For the odds
    ratio :math:`\psi`, b is
    binomial of b + c with probability :math:`\psi / (1 + \psi)`.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, 891-908. Nam & Blackwelder (2002), Statistics in Medicine 21, 689-699;
    Tang, Tang & Chan (2003), Statistics in Medicine 22, 1217-1233. McNemar (1947), Psychometrika 12, 153-157.
    Fagerland, Lydersen & Laake (2013), BMC Medical Research Methodology 13, 91.

    Examples
    --------
    Of 87 customers 12 became satisfied and 5 no longer are:

    >>> from qstats import compare_paired_proportions
    >>> r = compare_paired_proportions(30, 12, 5, 40)
    >>> round(r.estimate, 4), round(r.pvalue, 4)
    (0.0805, 0.0896)
    >>> round(compare_paired_proportions(30, 12, 5, 40, effect="odds_ratio", method="exact").pvalue, 4)
    0.1435
    >>> r = compare_paired_proportions(30, 12, 5, 40, effect="risk_ratio")
    >>> round(r.estimate, 3), str(r.interval)
    (1.2, '(0.9698, 1.52)')
    """
    check_choice(effect, "effect", ("difference", "risk_ratio", "odds_ratio"))
    check_choice(method, "method", _METHODS)
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    if effect != "odds_ratio" and method != "score":
        raise DataError(f"method: {method!r} is for effect='odds_ratio'; the {_WORDS[effect]} is by 'score'")
    names = ("both", "only", "only0", "neither")
    given = (both, only, only0, neither)
    single, (yes, b, c, no) = columns_of({name: (v, "count") for name, v in zip(names, given, strict=True)})
    n = yes + b + c + no
    if (n == 0.0).any():
        where = "" if single else f" at position {int(np.argmin(n))}"
        raise DataError(f"both, only, only0, neither: all are 0{where}; a table without units says nothing")
    text, source = _METHODS[method]
    if effect == "difference":
        null = 0.0 if null is None else check_number(null, "null", above=-1.0, below=1.0)
        found, counts = _difference(b, c, n, null, confidence, alternative), (yes + b, yes + c)
        text = "score, Tango"
    elif effect == "risk_ratio":
        null = 1.0 if null is None else check_number(null, "null", above=0.0, below=1e25, least=1e-25)
        found, counts = _ratio(yes, b, c, null, confidence, alternative), (yes + b, yes + c)
        text, source = _RATIO_SCORE
    else:
        null = 1.0 if null is None else check_number(null, "null", above=0.0)
        found, counts = _odds(b, c, method, null, confidence, alternative), (b, c)
        text, source = _ODDS_SCORE if method == "score" else (text, source)
    return compared(
        found, counts, lambda: ((yes + b) / n, (yes + c) / n), single=single, effect=effect, confidence=confidence,
        alternative=alternative, null=null, method=text, reference=source,
    )  # fmt: skip
