"""Compare two proportions: late orders, satisfied customers, units that fail."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import overload

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, first_bad
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats.errors import DataError
from qstats.inference import proportion_kernels as pk
from qstats.inference.comparison import ALTERNATIVES, Comparison, Comparisons, tails
from qstats.inference.odds_kernels import conditional_odds_ratio, conditional_odds_ratio_pvalue
from qstats.inference.pairs import Found, columns_of, compared, count_note
from qstats.inference.proportion_kernels import Pair
from qstats.inference.rate_kernels import critical, score_pvalue

__all__ = ["compare_proportions", "no_more_than"]

_SOURCES = {
    "miettinen-nurminen": "Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226",
    "mee": "Mee (1984), Biometrics 40, 1175-1176",
    "newcombe": "Newcombe (1998), Statistics in Medicine 17, 873-890, method 10",
    "exact": "Fisher (1935), JRSS 98, 39-82; Cornfield (1956), Proc. Third Berkeley Symposium 4, 135-148",
    "midp": "Fay (2010), Biostatistics 11(2), 373-374; Lancaster (1961), JASA 56, 223-234",
}
_TEXTS = {"exact": "conditional, exact central", "midp": "conditional, mid-p"}
_WEIGHTS = {"exact": 1.0, "midp": 0.5}
_ONLY = {"newcombe": "difference", "exact": "odds_ratio", "midp": "odds_ratio"}
_LOG_END = 60.0  # logarithm of a ratio beyond the limits of any counts under 2**53


def no_more_than(x: FloatArray, n: FloatArray, suffix: str) -> None:
    """Refuse counts above their size."""
    above = x > n
    if above.any():
        what = f"got {x[0]:g} of size{suffix} {n[0]:g}" if x.size == 1 else first_bad(above, x)
        raise DataError(f"count{suffix}: {what}; a count cannot exceed its size{suffix}")


def _difference(pair: Pair, method: str, null: float, z: tuple[float, float], alternative: str) -> Found:
    estimate = pair.x / pair.n - pair.x0 / pair.n0
    at = np.full(estimate.size, null)
    if method == "newcombe":
        score = pk.newcombe_score(pair, at)
        low, high = np.full(at.size, -1.0), np.full(at.size, 1.0)
        low = low if math.isinf(z[0]) else pk.newcombe_limit(pair, z[0], upper=False)
        high = high if math.isinf(z[1]) else pk.newcombe_limit(pair, z[1], upper=True)
    else:
        inflate = _inflation(pair, method)
        score = pk.difference_score(pair, at, inflate)
        low, high = pk.score_limits(pk.difference_score, pair, estimate, (-1.0, 1.0), z, inflate)
    return Found(estimate, low, high, score_pvalue(score, math.inf, alternative), score)


def _inflation(pair: Pair, method: str) -> FloatArray:
    total = pair.n + pair.n0
    return total / (total - 1.0) if method == "miettinen-nurminen" else np.ones(total.size)


def _sample_ratio(pair: Pair, effect: str) -> FloatArray:
    """NaN where nothing happened in either group; for the odds also where everything did."""
    x, n, x0, n0 = pair
    with np.errstate(divide="ignore", invalid="ignore"):
        if effect == "risk_ratio":
            return (x / n) / (x0 / n0)
        return (x * (n0 - x0)) / (x0 * (n - x))


def _score_ratio(pair: Pair, effect: str, method: str, null: float, z: tuple[float, float], alternative: str) -> Found:
    estimate = _sample_ratio(pair, effect)
    empty = np.isnan(estimate)
    pair = Pair(*(np.where(empty, v, c) for v, c in zip((1.0, 2.0, 1.0, 2.0), pair, strict=True)))  # any sound row
    inflate = _inflation(pair, method)
    function = pk.risk_ratio_score if effect == "risk_ratio" else pk.odds_score
    score = function(pair, np.full(estimate.size, math.log(null)), inflate)
    with np.errstate(divide="ignore"):
        middle = np.clip(np.log(np.where(empty, 1.0, estimate)), -_LOG_END, _LOG_END)
    logs = pk.score_limits(function, pair, middle, (-_LOG_END, _LOG_END), z, inflate)
    low, high = (np.where(v <= -_LOG_END, 0.0, np.where(v >= _LOG_END, np.inf, np.exp(v))) for v in logs)
    low, high = np.where(empty, 0.0, low), np.where(empty, np.inf, high)
    p = np.where(empty, 1.0, score_pvalue(score, math.inf, alternative))
    return Found(estimate, low, high, p, np.where(empty, 0.0, score))


def _conditional(pair: Pair, method: str, null: float, confidence: float, alternative: str) -> Found:
    below, above = tails(alternative, confidence)
    estimate, low, high = conditional_odds_ratio(pair, below, above, _WEIGHTS[method])
    p = conditional_odds_ratio_pvalue(pair, null, _WEIGHTS[method], alternative)
    return Found(estimate, low, high, np.where(np.isnan(estimate), 1.0, p))


def _checked(
    count: npt.ArrayLike, size: npt.ArrayLike, count0: npt.ArrayLike, size0: npt.ArrayLike
) -> tuple[bool, Pair]:
    single, columns = columns_of(
        {"count": (count, "count"), "size": (size, "size"), "count0": (count0, "count"), "size0": (size0, "size")}
    )
    pair = Pair(*columns)
    no_more_than(pair.x, pair.n, "")
    no_more_than(pair.x0, pair.n0, "0")
    return single, pair


@overload
def compare_proportions(
    count: float, size: float, count0: float, size0: float, *, effect: str = ..., method: str = ...,
    null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_proportions(
    count: npt.ArrayLike, size: npt.ArrayLike, count0: npt.ArrayLike, size0: npt.ArrayLike, *, effect: str = ...,
    method: str = ..., null: float | None = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_proportions(
    count: npt.ArrayLike,
    size: npt.ArrayLike,
    count0: npt.ArrayLike,
    size0: npt.ArrayLike,
    *,
    effect: str = "difference",
    method: str = "miettinen-nurminen",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison | Comparisons:
    r"""Tell whether a share (of orders late, of customers satisfied) differs between a group and a reference group.

    Use it when every unit either has the event or not. Not for events counted over an exposure (`compare_rates`), and
    not for the same customers asked twice.

    Parameters
    ----------
    count, size : float or array-like, shape (m,)
        Whole number of units with the event, and of units, in the group asked about (such as "after").
    count0, size0 : float or array-like, shape (m,)
        The same for the reference group. Where any of the four is an array, m comparisons are made in one call.
    effect : {"difference", "risk_ratio", "odds_ratio"}
        ``count/size - count0/size0``, their ratio, or the ratio of the odds.
    method : {"miettinen-nurminen", "mee", "newcombe", "exact", "midp"}
        Score interval with or without the factor N/(N-1); Newcombe's hybrid of Wilson intervals (difference only);
        conditional on both margins, Fisher's exact central or its mid-p version (odds ratio only).
    null : float, optional
        Difference (default 0) or ratio (default 1) the p-value is about: a non-inferiority margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Comparison or Comparisons
        Zero counts and counts equal to the size are handled. In a column, rows about which a ratio says nothing (no
        event in either group) have a NaN estimate, the interval (0, inf), p = 1, and a note with their number. The
        conditional odds ratio is the conditional maximum-likelihood estimate.

    Raises
    ------
    DataError
        Count above size, fractions, an unknown option, a null outside the possible range; a ratio asked for a single
        pair without any event.

    Notes
    -----
    :math:`z(\delta) = (\hat p_1 - \hat p_0 - \delta) / \sqrt{\tilde V(\delta)}` with the variance at the maximum of
    the likelihood under :math:`p_1 - p_0 = \delta`. Limits are the :math:`\delta` where :math:`z = \pm z_{\alpha/2}`
    and the p-value is the tail at the null, so they cannot disagree. For the odds ratio the score is
    :math:`x - n \tilde p` over its standard error. Given both margins x is noncentral hypergeometric with
    the odds ratio as its parameter: "exact" and "midp" use its tails.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226. Newcombe (1998), Statistics in Medicine 17, 873-890.
    Fisher (1935), Journal of the Royal Statistical Society 98, 39-82. Fay (2010), Biostatistics 11(2), 373-374.

    Examples
    --------
    >>> from qstats import compare_proportions
    >>> r = compare_proportions(56, 70, 48, 80)
    >>> round(r.interval.low, 4), round(r.interval.high, 4)
    (0.0528, 0.3382)
    >>> compare_proportions([56, 3], [70, 40], [48, 9], [80, 41]).pvalue.round(4)
    array([0.0083, 0.0689])
    """
    check_choice(effect, "effect", ("difference", "risk_ratio", "odds_ratio"))
    check_choice(method, "method", _SOURCES)
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    if _ONLY.get(method, effect) != effect:
        raise DataError(f"method: {method!r} is for the {_ONLY[method]}; use 'miettinen-nurminen' for {effect!r}")
    single, pair = _checked(count, size, count0, size0)
    z = (critical(tails(alternative, confidence)[0], math.inf), critical(tails(alternative, confidence)[1], math.inf))
    if effect == "difference":
        null = 0.0 if null is None else check_number(null, "null", above=-1.0, below=1.0)
        found = _difference(pair, method, null, z, alternative)
    else:
        null = 1.0 if null is None else check_number(null, "null", above=0.0)
        empty = np.isnan(_sample_ratio(pair, effect))
        if single and empty[0]:
            what = "no event" if pair.x[0] == 0 else "nothing but events"
            raise DataError(f"count: {what} in either group; the ratio does not exist, use effect='difference'")
        if method in _WEIGHTS:
            found = _conditional(pair, method, null, confidence, alternative)
        else:
            found = _score_ratio(pair, effect, method, null, z, alternative)
        text = "pairs have no event, or nothing but events, in both groups: they say nothing about the ratio"
        found = replace(found, notes=count_note("no-information", "serious", empty, text, text))
    return compared(
        found, (pair.x, pair.x0), lambda: (pair.x / pair.n, pair.x0 / pair.n0), single=single, effect=effect,
        confidence=confidence, alternative=alternative, null=null, method=_TEXTS.get(method, f"score, {method}"),
        reference=_SOURCES[method],
    )  # fmt: skip
