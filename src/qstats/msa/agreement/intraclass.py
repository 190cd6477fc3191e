"""Intraclass correlation of numeric ratings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping
from qstats.errors import DataError, TooFewData
from qstats.msa.agreement.coefficient import AgreementCoefficient, undefined

__all__ = ["intraclass_correlation"]

_SOURCE = "Shrout & Fleiss (1979), Psychological Bulletin 86, 420-428; McGraw & Wong (1996), Psychological Methods 1, "
_SOURCE += "30-46, tables 4 and 7"
_TEXT = "raters never differ, so the data show no error and the limits are the estimate itself: too coarse a scale?"
_PERFECT = (Note("no-variation", "serious", _TEXT),)


@dataclass(frozen=True, slots=True)
class _Squares:
    n: int
    k: int
    rows: float
    columns: float
    error: float
    within: float


def _squares(x: FloatArray) -> _Squares:
    n, k = x.shape
    x = x - x.mean()
    row, column = x.mean(axis=1), x.mean(axis=0)
    rest = x - row[:, None] - column[None, :] + x.mean()
    inside = x - row[:, None]
    return _Squares(
        n,
        k,
        k * float(row @ row - n * row.mean() ** 2) / (n - 1.0),
        n * float(column @ column - k * column.mean() ** 2) / (k - 1.0),
        float((rest * rest).sum()) / ((n - 1.0) * (k - 1.0)),
        float((inside * inside).sum()) / (n * (k - 1.0)),
    )


def _quantile(df1: float, df2: float, p: float) -> float:
    """Return the quantile of F; that of ``1 - p`` is the inverse of the one with the degrees of freedom exchanged."""
    return max(float(scipy.special.fdtri(df1, df2, p)), 1e-290)


def _single_limits(f: float, df1: float, df2: float, k: int, tail: float) -> tuple[float, float]:
    """Return limits of ``(F - 1) / (F + k - 1)`` from those of the variance ratio."""
    low, high = f * _quantile(df2, df1, tail), f / _quantile(df1, df2, tail)
    return (low - 1.0) / (low + k - 1.0), (high - 1.0) / (high + k - 1.0)


def _agreement_limits(s: _Squares, icc: float, tail: float) -> tuple[float, float]:
    """Return limits of the two-way agreement by Satterthwaite's degrees of freedom (McGraw & Wong, table 7)."""
    n, k = s.n, s.k
    a = k * icc / (n * (1.0 - icc))
    b = 1.0 + k * icc * (n - 1.0) / (n * (1.0 - icc))
    top = (a * s.columns + b * s.error) ** 2
    v = top / ((a * s.columns) ** 2 / (k - 1.0) + (b * s.error) ** 2 / ((n - 1.0) * (k - 1.0)))
    lower, upper = 1.0 / _quantile(v, n - 1.0, tail), 1.0 / _quantile(n - 1.0, v, tail)
    noise = k * s.columns + (k * n - k - n) * s.error
    low = n * (s.rows - lower * s.error) / (lower * noise + n * s.rows)
    high = n * (upper * s.rows - s.error) / (noise + n * upper * s.rows)
    return low, high


def _average(r: float, k: int) -> float:
    """Return the reliability of a mean of k ratings from that of one."""
    bottom = 1.0 + (k - 1.0) * r
    return k * r / bottom if bottom > 0.0 else -float("inf")


def _read(data: object) -> FloatArray:
    try:
        x = np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("data: got text or rows of unequal length; numbers of parts x raters are wanted") from None
    if x.ndim != 2:
        raise DataError(f"data: shape {x.shape} came; numbers of parts x raters are wanted")
    if (np.abs(x) > 1e150).any():
        raise DataError("data: a rating beyond 1e150 is infinite or has no square; scale the values")
    if not np.isfinite(x).all():
        raise DataError("data: a rating is missing or infinite; every part rated by every rater is wanted")
    if x.shape[0] < 2 or x.shape[1] < 2:
        raise TooFewData(f"data: {x.shape[0]} parts x {x.shape[1]} raters came; two of each at least are wanted")
    return x


def intraclass_correlation(
    data: object,
    *,
    model: str = "twoway",
    type: str = "agreement",
    unit: str = "single",
    confidence: float = 0.95,
) -> AgreementCoefficient:
    r"""Tell which share of the variance of ratings comes from the parts (0 none, 1 all).

    Use it for ratings that are numbers. For a gauge study with repeats use `gauge_rr`, which parts the error as well.

    Parameters
    ----------
    data : array-like, shape (parts, raters)
        Numbers, complete.
    model : {"oneway", "twoway"}
        ``"oneway"``: each part may have had other raters. ``"twoway"``: the same raters rated every part.
    type : {"agreement", "consistency"}
        ``"agreement"`` counts a rater's constant offset as an error, ``"consistency"`` does not. One-way knows no
        difference.
    unit : {"single", "average"}
        Of one rating, or of the mean over all raters.
    confidence : float

    Returns
    -------
    AgreementCoefficient
        ``null_statistic`` is F for a correlation of zero, ``null_pvalue`` its upper tail; ``pvalue`` inverts the
        interval (for two-way agreement by bisection over confidence).

    Raises
    ------
    DataError
        Text, missing values, another shape.
    TooFewData
        Fewer than two parts or raters.

    Notes
    -----
    One-way: :math:`(MS_R - MS_W) / (MS_R + (k - 1) MS_W)`; consistency the same with :math:`MS_E`; agreement:
    :math:`(MS_R - MS_E) / (MS_R + (k - 1) MS_E + k (MS_C - MS_E) / n)`. Averages by Spearman-Brown.

    References
    ----------
    McGraw & Wong (1996), Psychological Methods 1, 30-46. Shrout & Fleiss (1979), Psychological Bulletin 86, 420-428.

    Examples
    --------
    >>> from qstats import intraclass_correlation
    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> round(intraclass_correlation(ratings).estimate, 2)
    0.29
    """
    check_choice(model, "model", ("oneway", "twoway"))
    check_choice(type, "type", ("agreement", "consistency"))
    check_choice(unit, "unit", ("single", "average"))
    confidence = check_confidence(confidence)
    s = _squares(_read(data))
    kind = "oneway" if model == "oneway" else type
    name = f"intraclass correlation ({model}{'' if model == 'oneway' else ', ' + type}, {unit})"
    error = s.within if kind == "oneway" else s.error
    if s.rows <= 0.0 and error <= 0.0:
        return undefined(name, s.n, s.k, confidence, None, "the ratings do not vary, or only from rater to rater")
    return _made(s, name, kind, unit, confidence)


def _made(s: _Squares, name: str, kind: str, unit: str, confidence: float) -> AgreementCoefficient:
    n, k = s.n, s.k
    error = s.within if kind == "oneway" else s.error
    df1, df2 = n - 1.0, n * (k - 1.0) if kind == "oneway" else (n - 1.0) * (k - 1.0)
    extra = k * (s.columns - s.error) / n if kind == "agreement" else 0.0
    total = s.rows + (k - 1.0) * error + extra
    if total <= 0.0:
        return undefined(name, n, k, confidence, None, "parts vary less than any error explains; there is no total")
    single = (s.rows - error) / total
    f = s.rows / error if error > 0.0 else float("inf")

    perfect = single >= 1.0

    def limits(tail: float) -> tuple[float, float]:
        if perfect:
            return single, single
        return _agreement_limits(s, single, tail) if kind == "agreement" else _single_limits(f, df1, df2, k, tail)

    upper, lower = (float(tail(df1, df2, min(f, 1e300))) for tail in (scipy.special.fdtrc, scipy.special.fdtr))
    p = _inverted(limits) if kind == "agreement" and not perfect else 2.0 * min(upper, lower)
    low, high = limits((1.0 - confidence) / 2.0)
    value = single
    if unit == "average":
        value, low, high = (_average(r, k) for r in (single, low, high))
    return _result(name, (value, low, high, confidence), (f, min(1.0, p), upper), (df1, df2), (n, k, kind, perfect))


def _result(
    name: str,
    found: tuple[float, float, float, float],
    tests: tuple[float, float, float],
    df: tuple[float, float],
    plan: tuple[int, int, str, bool],
) -> AgreementCoefficient:
    (value, low, high, confidence), (f, p, upper), (n, k, kind, perfect) = found, tests, plan
    return AgreementCoefficient(
        name=name,
        estimate=value,
        interval=Interval(min(low, value), max(high, value), confidence),
        se=None,
        pvalue=p,
        null_se=None,
        null_statistic=f,
        null_pvalue=upper,
        observed=None,
        expected=None,
        n=n,
        raters=k,
        by_category=FrozenMapping({}),
        details=FrozenMapping({"df1": df[0], "df2": df[1]}),
        resamples=0,
        confidence=confidence,
        method="mean squares, interval by F" + (" (Satterthwaite)" if kind == "agreement" else ""),
        reference=_SOURCE,
        notes=_PERFECT if perfect else (),
    )


def _inverted(limits: Callable[[float], tuple[float, float]]) -> float:
    """Return the tail, doubled, at which the interval just reaches zero."""
    inside, outside = 1e-60, 0.5
    for _ in range(100):
        middle = math.sqrt(inside) * math.sqrt(outside) if inside < 1e-3 * outside else 0.5 * (inside + outside)
        low, high = limits(middle)
        inside, outside = (middle, outside) if low <= 0.0 <= high else (inside, middle)
    return 2.0 * outside
