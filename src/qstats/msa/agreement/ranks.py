"""Kendall's W among raters, and Kendall's tau-b with the standard."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf
from qstats._core.result import FrozenMapping
from qstats.errors import DataError, TooFewData
from qstats.msa.agreement.coding import Codes
from qstats.msa.agreement.coefficient import AgreementCoefficient, undefined
from qstats.msa.agreement.pairs import PairFit
from qstats.msa.agreement.ratings import read_ratings

__all__ = ["kendall_w", "tau_fit", "w_of_codes"]

_W = "Kendall & Babington Smith (1939), Annals of Mathematical Statistics 10, 275-287; Legendre (2005), Journal of "
_W += "Agricultural, Biological and Environmental Statistics 10, 226-245"


_ROUGH = "chi-square is rough under 8 parts; the p-value from F is the better one"


def _mid_ranks(codes: Codes, k: int) -> tuple[FloatArray, float]:
    """Return mid-ranks of one rater's answers and the sum of ``t**3 - t`` over ties."""
    count = np.bincount(codes, minlength=k).astype(np.float64)
    middle = np.cumsum(count) - (count - 1.0) / 2.0
    return middle[codes], float((count**3 - count).sum())


def _rank_totals(codes: Codes, k: int) -> tuple[float, float]:
    """Return the sum of squares of the parts' rank totals about their mean, and the ties of all raters."""
    n, m = codes.shape
    totals, ties = np.zeros(n), 0.0
    for j in range(m):
        own, tied = _mid_ranks(codes[:, j], k)
        totals += own - (n + 1.0) / 2.0
        ties += tied
    return float(totals @ totals), ties


def w_of_codes(codes: Codes, k: int, confidence: float) -> AgreementCoefficient:
    """Return Kendall's W of complete answers, shape (parts, raters), codes in rising order."""
    n, m = codes.shape
    name = "Kendall's W"
    s, ties = _rank_totals(codes, k)
    spread = 12.0 * s
    most = m * m * n * (n * n - 1.0) - m * ties
    if most <= 1e-9 * m * m * n * n:
        return undefined(name, n, m, confidence, None, "every rater gave one category only")
    w = min(1.0, spread / most)
    chi2 = m * (n - 1.0) * w
    details = {"df": n - 1.0, "mean_rank_correlation": (m * w - 1.0) / (m - 1.0)}
    details["without_ties"] = spread / (m * m * n * (n * n - 1.0))
    # a perfect order has no variance ratio: Kendall's correction for continuity gives it one
    low, high, p = _f_limits(w if w < 1.0 - 1e-12 else (s - 1.0) / (s + 2.0), n, m, confidence)
    return AgreementCoefficient(
        name=name,
        estimate=w,
        interval=Interval(min(low, w), max(high, w), confidence),
        se=None,
        pvalue=p,
        null_se=None,
        null_statistic=chi2,
        null_pvalue=float(chi2_sf(chi2, n - 1.0)),
        observed=None,
        expected=None,
        n=n,
        raters=m,
        by_category=FrozenMapping({}),
        details=FrozenMapping(details),
        resamples=0,
        confidence=confidence,
        method="corrected for ties; interval by F of the ranks (approximate); null test by chi-square",
        reference=_W,
        notes=(Note("few-parts", "warning", f"{n} parts: {_ROUGH}"),) if n < 8 else (),
    )


def _f_limits(w: float, n: int, m: int, confidence: float) -> tuple[float, float, float]:
    """Return limits of W and the p-value of no concordance (W = 1/m), from the variance ratio of the ranks."""
    df1 = n - 1.0 - 2.0 / m
    df2 = (m - 1.0) * df1
    tail = (1.0 - confidence) / 2.0
    f = (m - 1.0) * w / (1.0 - w)
    low = f * float(scipy.special.fdtri(df2, df1, tail))
    high = f / max(float(scipy.special.fdtri(df1, df2, tail)), 1e-290)
    p = 2.0 * min(float(scipy.special.fdtrc(df1, df2, f)), float(scipy.special.fdtr(df1, df2, f)))
    return low / (low + m - 1.0), high / (high + m - 1.0), min(1.0, p)


def kendall_w(
    ratings: object, *, categories: Sequence[object] | None = None, confidence: float = 0.95
) -> AgreementCoefficient:
    r"""Tell how far raters put the parts in the same order (Kendall's coefficient of concordance).

    Use it for ordered answers, where order matters and level does not: a rater who is always one class stricter still
    agrees. Not for categories without an order.

    Parameters
    ----------
    ratings : array-like, shape (parts, raters)
        Numbers, or text with `categories` in order; complete.
    categories : list, optional
        All categories, from low to high.
    confidence : float

    Returns
    -------
    AgreementCoefficient
        From 0 to 1. ``pvalue`` (F) and ``null_pvalue`` (chi-square) test that raters rank at random, where W is
        ``1 / raters`` on average and not 0; the interval leaves that out exactly when ``pvalue`` is small.

    Raises
    ------
    DataError
        Missing answers, text without an order.
    TooFewData
        Fewer than two raters or three parts.

    Notes
    -----
    :math:`W = 12 \sum (R_i - \bar R)^2 / (m^2 n (n^2 - 1) - m \sum T)`, :math:`\chi^2 = m (n - 1) W`,
    :math:`F = (m - 1) W / (1 - W)` with :math:`n - 1 - 2/m` and :math:`(m - 1)` times as many degrees of freedom.
    The interval takes ranks for measurements (as the intraclass correlation does) and is approximate.

    References
    ----------
    Kendall & Babington Smith (1939), Annals of Mathematical Statistics 10, 275-287.

    Examples
    --------
    >>> from qstats import kendall_w
    >>> w = kendall_w([[1, 1, 2], [2, 3, 1], [3, 2, 3], [4, 4, 5], [5, 5, 4]])
    >>> round(w.estimate, 3)
    0.844
    """
    confidence = check_confidence(confidence)
    r = read_ratings(ratings, categories, ordered=True, limit=False)
    if (gaps := int((r.codes < 0).sum())) > 0:
        raise DataError(f"ratings: {gaps} answers are missing; Kendall's W needs every part judged by every rater")
    if r.codes.shape[0] < 3:
        raise TooFewData(f"ratings: {r.codes.shape[0]} parts; an order needs three at least")
    return w_of_codes(r.codes, len(r.labels), confidence)


def tau_fit(counts: FloatArray) -> PairFit | None:
    """Return Kendall's tau-b of a cross table with ordered rows and columns, and the influence of a part in each cell.

    Null standard error: ``sqrt(2 (2n + 5) / (9 n (n - 1)))``.
    """
    n = float(counts.sum())
    share = counts / n
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    free_rows, free_columns = 1.0 - float(rows @ rows), 1.0 - float(columns @ columns)
    if free_rows <= 1e-12 or free_columns <= 1e-12 or n < 2:
        return None
    to = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1))
    to[1:, 1:] = share.cumsum(axis=0).cumsum(axis=1)
    below = to[:-1, :-1]  # both lower
    left, up = to[-1:, :-1], to[:-1, -1:]
    upto_row, upto_column = to[1:, -1:], to[-1:, 1:]
    above = 1.0 - upto_row - upto_column + to[1:, 1:]
    mixed = (left - to[1:, :-1]) + (up - to[:-1, 1:])
    gap = below + above - mixed
    s = float((share * gap).sum())
    root = math.sqrt(free_rows * free_columns)
    tau = s / root
    change_rows, change_columns = 2.0 * (float(rows @ rows) - rows), 2.0 * (float(columns @ columns) - columns)
    spread = change_rows[:, None] / free_rows + change_columns[None, :] / free_columns
    influence = 2.0 * (gap - s) / root - tau / 2.0 * spread
    null = math.sqrt(2.0 * (2.0 * n + 5.0) / (9.0 * n * (n - 1.0)))
    return PairFit(tau, influence, (1.0 + tau) / 2.0, 0.5, null)  # as a share of concordant pairs
