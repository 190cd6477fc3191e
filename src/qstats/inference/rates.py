"""Compare two rates of events with exposure: complaints per thousand orders, defects per unit, incidents per month."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import overload

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_sf
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.inference.comparison import ALTERNATIVES, Comparison, Comparisons, tail_probability, tails
from qstats.inference.pairs import Found, columns_of, compared, count_note
from qstats.inference.rate_kernels import (
    conditional_odds,
    conditional_pvalue,
    critical,
    difference_limits,
    difference_score,
    ratio_score,
    score_odds,
    score_pvalue,
)

__all__ = ["compare_rates", "rate_pvalues", "ratio_of_rate_ratios", "scatter"]

Columns = tuple[FloatArray, FloatArray, FloatArray, FloatArray]

_METHODS = {
    "midp": ("conditional, mid-p", "Fay (2010), Biostatistics 11(2), 373-374; Lancaster (1961), JASA 56, 223-234"),
    "exact": ("conditional, exact central", "Clopper & Pearson (1934), Biometrika 26, 404-413"),
    "score": ("score", "Wilson (1927), JASA 22, 209-212, mapped to the ratio; Gart (1985), Biometrika 72, 673-677"),
}
_DIFFERENCE_SOURCE = "Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226"
_EXPOSURES = (1e-50, 1e50)  # ratios and squares of these are still float64 numbers
_ODDS = (1e-290, 1e290)
_WEIGHTS = {"exact": 1.0, "midp": 0.5}  # share of the observed count's own probability that a tail holds


def _read(events: object, exposure: object, events0: object, exposure0: object) -> tuple[bool, Columns]:
    single, (y, t, y0, t0) = columns_of(
        {
            "events": (events, "count"),
            "exposure": (exposure, "exposure"),
            "events0": (events0, "count"),
            "exposure0": (exposure0, "exposure"),
        }
    )
    for name, v in (("exposure", t), ("exposure0", t0)):
        if v.min() < _EXPOSURES[0] or v.max() > _EXPOSURES[1]:
            raise DataError(f"{name}: {v.min():g} to {v.max():g} came; use a unit that keeps it within 1e-50 and 1e50")
    return single, (y, t, y0, t0)


def scatter(dispersion: float, df: float, method: str) -> tuple[float, tuple[Note, ...]]:
    """Return the dispersion to use, at least one, and the note that says so."""
    phi = check_number(dispersion, "dispersion", least=0.0)
    if df != math.inf:
        check_number(df, "df", least=1.0)
    if method != "score" and (phi > 1.0 or df != math.inf):
        raise DataError(f"dispersion: got {phi:g} with method={method!r}; only method='score' can use it")
    if phi >= 1.0:
        return phi, ()
    text = f"dispersion {phi:.3g} counts as 1: too little scatter must not narrow the interval"
    return 1.0, (Note("underdispersed", "info", text),)


def _ratio_test(
    columns: Columns, method: str, null: float, alternative: str, phi: float, df: float
) -> tuple[FloatArray, FloatArray | None]:
    """Return p-values and, for the score method, the statistics."""
    y, t, y0, t0 = columns
    n, odds = y + y0, np.clip(null * (t / t0), *_ODDS)
    if method != "score":
        return conditional_pvalue(y, n, odds, _WEIGHTS[method], alternative), None
    z = ratio_score(y, n, odds, phi)
    return np.where(n > 0.0, score_pvalue(z, df, alternative), 1.0), z


def _ratio(
    columns: Columns, method: str, null: float, confidence: float, alternative: str, phi: float, df: float
) -> Found:
    y, t, y0, t0 = columns
    n, (below, above) = y + y0, tails(alternative, confidence)
    p, z = _ratio_test(columns, method, null, alternative, phi, df)
    if method == "score":
        scale = math.sqrt(phi)
        low, high = score_odds(y, n, scale * critical(below, df), scale * critical(above, df))
    else:
        low, high = conditional_odds(y, n, below, above, _WEIGHTS[method])
    empty, unit = n == 0.0, t0 / t
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(empty, np.nan, (y / t) / (y0 / t0))
        low, high = np.where(empty, 0.0, low * unit), np.where(empty, np.inf, high * unit)
    notes = (
        *count_note(
            "no-information", "serious", empty, "no event in either group: the data say nothing about the ratio",
            "pairs have no event in either group: they say nothing about the ratio",
        ),
        *count_note(
            "zero-reference", "warning", (y0 == 0.0) & ~empty, "no event in the reference group: no upper end",
            "pairs have no event in the reference group: no upper end",
        ),
    )  # fmt: skip
    return Found(estimate, low, high, p, z, notes)


def _difference(columns: Columns, null: float, confidence: float, alternative: str, phi: float, df: float) -> Found:
    y, t, y0, t0 = columns
    below, above = tails(alternative, confidence)
    z = difference_score(y, t, y0, t0, np.full(y.size, null), phi)
    low, high = difference_limits(y, t, y0, t0, critical(below, df), critical(above, df), phi)
    return Found(y / t - y0 / t0, low, high, score_pvalue(z, df, alternative), z)


@overload
def compare_rates(
    events: float, exposure: float, events0: float, exposure0: float, *, effect: str = ..., method: str = ...,
    null: float | None = ..., confidence: float = ..., alternative: str = ..., dispersion: float = ..., df: float = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_rates(
    events: npt.ArrayLike, exposure: npt.ArrayLike, events0: npt.ArrayLike, exposure0: npt.ArrayLike, *,
    effect: str = ..., method: str = ..., null: float | None = ..., confidence: float = ..., alternative: str = ...,
    dispersion: float = ..., df: float = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_rates(
    events: npt.ArrayLike,
    exposure: npt.ArrayLike,
    events0: npt.ArrayLike,
    exposure0: npt.ArrayLike,
    *,
    effect: str = "rate_ratio",
    method: str = "midp",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    dispersion: float = 1.0,
    df: float = math.inf,
) -> Comparison | Comparisons:
    r"""Tell whether events per exposure differ between a group (after) and a reference group (before).

    Use it for complaints, defects or incidents counted over orders, units or months. Not for a share that cannot
    exceed one (`compare_proportions`), and not for counts that scatter more than Poisson from period to period unless
    `dispersion` says how much.

    Parameters
    ----------
    events, exposure : float or array-like, shape (m,)
        Whole number of events and the exposure (> 0) of the group asked about, such as "after".
    events0, exposure0 : float or array-like, shape (m,)
        The same for the reference group, such as "before"; both exposures in one unit. Where any of the four is an
        array, m comparisons are made in one call; single numbers go with each of them.
    effect : {"rate_ratio", "rate_difference"}
        The difference is per unit of exposure and always by the score method.
    method : {"midp", "exact", "score"}
        For the ratio. ``"midp"`` holds its level closely; ``"exact"`` guarantees it (regulated use) and is wider;
        ``"score"`` is as good as mid-p for large counts and takes `dispersion`.
    null : float, optional
        Ratio (default 1) or difference (default 0) that the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        "less": the group's rate is lower. The interval is then one-sided too.
    dispersion : float
        Variance over Poisson variance (Pearson chi-square / df), for the score method only. Values under 1 count as 1:
        too little scatter must not narrow an interval.
    df : float
        Degrees of freedom `dispersion` was estimated with; Student's t takes the place of the normal.

    Returns
    -------
    Comparison or Comparisons
        Zero counts give finite p-values and half-open intervals. With no event in either group the estimate is NaN, the
        interval is (0, inf), p is 1 and the note ``no-information`` says why (and of how many rows).

    Raises
    ------
    DataError
        Negative or fractional events, exposure not above zero, an unknown option.

    Notes
    -----
    Given :math:`n = y_1 + y_0`, :math:`y_1` is binomial with :math:`\pi = R t_1 / (R t_1 + t_0)`. Limits for
    :math:`\pi` (Clopper-Pearson, mid-p or Wilson) are mapped by :math:`R = \pi/(1-\pi) \cdot t_0/t_1`, and the p-value
    is the tail of the same binomial (or score), so p and interval cannot disagree. Two-sided p-values are twice the
    smaller tail.

    References
    ----------
    Fay (2010), Biostatistics 11(2), 373-374. Przyborowski & Wilenski (1940), Biometrika 31, 313-323.
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226.

    Examples
    --------
    Twelve complaints in 1000 orders before, none in 500 after:

    >>> from qstats import compare_rates
    >>> r = compare_rates(0, 500, 12, 1000)
    >>> round(r.interval.high, 4), round(r.pvalue, 4)
    (0.5671, 0.0077)

    Three products in one call:

    >>> compare_rates([0, 5, 20], [500, 400, 900], [12, 9, 31], 1000).pvalue.round(4)
    array([0.0077, 0.5541, 0.2476])
    """
    check_choice(effect, "effect", ("rate_ratio", "rate_difference"))
    check_choice(method, "method", _METHODS)
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    ratio = effect == "rate_ratio"
    single, columns = _read(events, exposure, events0, exposure0)
    phi, notes = scatter(dispersion, df, method if ratio else "score")
    text, source = _METHODS[method if ratio else "score"]
    if ratio:
        null = 1.0 if null is None else check_number(null, "null", above=0.0, below=1e90)
        found = _ratio(columns, method, null, confidence, alternative, phi, df)
    else:
        null = 0.0 if null is None else check_number(null, "null", above=-1e60, below=1e60)
        found = _difference(columns, null, confidence, alternative, phi, df)
        source = _DIFFERENCE_SOURCE
    if phi > 1.0 or df != math.inf:
        text = "quasi-Poisson score, t"
    y, t, y0, t0 = columns
    if notes:
        found = replace(found, notes=notes + found.notes)
    return compared(
        found, (y, y0), lambda: (y / t, y0 / t0), single=single, effect=effect, confidence=confidence,
        alternative=alternative, null=null, method=text, reference=source, df=df,
    )  # fmt: skip


def rate_pvalues(
    events: npt.ArrayLike,
    exposure: npt.ArrayLike,
    events0: npt.ArrayLike,
    exposure0: npt.ArrayLike,
    *,
    method: str = "midp",
    null: float = 1.0,
    alternative: str = "two-sided",
    dispersion: float = 1.0,
    df: float = math.inf,
) -> FloatArray:
    r"""Return only the p-values of many rate ratios: for screening a million part numbers before looking at any.

    Use it where the intervals of `compare_rates` are not wanted yet; the p-values are the same to the last bit. Correct
    them for their number before picking the smallest. Not for one pair: an interval says more than a p-value.

    Parameters
    ----------
    events, exposure, events0, exposure0 : float or array-like, shape (m,)
        As in `compare_rates`.
    method, null, alternative, dispersion, df
        As in `compare_rates` with ``effect="rate_ratio"``.

    Returns
    -------
    ndarray, shape (m,)
        Read-only; 1 where there is no event in either group.

    Raises
    ------
    DataError
        As `compare_rates`.

    Notes
    -----
    Given the total the count is binomial, and its tails are incomplete beta functions:
    :math:`P(Y \ge y) = I_\pi(y, n - y + 1)`. Mid-p is the mean of the tails with and without the observed count.

    References
    ----------
    Przyborowski & Wilenski (1940), Biometrika 31, 313-323. Lancaster (1961), JASA 56, 223-234.

    Examples
    --------
    >>> from qstats import rate_pvalues
    >>> rate_pvalues([0, 5, 20], [500, 400, 900], [12, 9, 31], 1000).round(4)
    array([0.0077, 0.5541, 0.2476])
    """
    check_choice(method, "method", _METHODS)
    check_choice(alternative, "alternative", ALTERNATIVES)
    null = check_number(null, "null", above=0.0, below=1e90)
    phi, _ = scatter(dispersion, df, method)
    _, columns = _read(events, exposure, events0, exposure0)
    return frozen_array(_ratio_test(columns, method, null, alternative, phi, df)[0])


def _cell(cell: tuple[float, float], name: str) -> tuple[float, float]:
    try:
        events, exposure = cell
    except (TypeError, ValueError):
        raise DataError(f"{name}: got {cell!r}; a pair (events, exposure) is wanted") from None
    y = check_number(events, f"events of {name}", least=0.0)
    if y != math.floor(y):
        raise DataError(f"events of {name}: got {y:g}; a whole number of events is wanted (exposure may be fractional)")
    return y, check_number(exposure, f"exposure of {name}", above=0.0)


def ratio_of_rate_ratios(
    after: tuple[float, float],
    before: tuple[float, float],
    control_after: tuple[float, float],
    control_before: tuple[float, float],
    *,
    null: float = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    dispersion: float = 1.0,
    df: float = math.inf,
) -> Comparison:
    r"""Tell whether a rate changed more than the control group's rate did (difference in differences on the log scale).

    Use it when a group that was not changed lived through the same weather, season and volume. Not when the change may
    have spilled over to the control.

    Parameters
    ----------
    after, before, control_after, control_before : tuple of (events, exposure)
        Events must be above zero in all four cells: the log of a zero rate does not exist.
    null, confidence, alternative, dispersion, df
        As in `compare_rates`; `dispersion` is common to the four cells.

    Returns
    -------
    Comparison
        ``effect="rate_ratio_ratio"``.

    Raises
    ------
    DataError
        A cell without events, or a bad number.

    Notes
    -----
    :math:`\log RRR = \log\frac{y_{11}/t_{11}}{y_{10}/t_{10}} - \log\frac{y_{01}/t_{01}}{y_{00}/t_{00}}` with variance
    :math:`\phi \sum 1/y`: the interaction of a Poisson (quasi-Poisson) log-linear model.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 6.2 and 9.2.

    Examples
    --------
    >>> from qstats import ratio_of_rate_ratios
    >>> r = ratio_of_rate_ratios((30, 100.0), (60, 100.0), (50, 100.0), (50, 100.0))
    >>> round(r.estimate, 3)
    0.5
    """
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    null = check_number(null, "null", above=0.0)
    phi = max(1.0, check_number(dispersion, "dispersion", least=0.0))
    names = ("after", "before", "control_after", "control_before")
    given = (after, before, control_after, control_before)
    cells = [_cell(cell, name) for name, cell in zip(names, given, strict=True)]
    if any(y == 0 for y, _ in cells):
        empty = names[[y for y, _ in cells].index(0.0)]
        raise DataError(f"{empty}: no event; the ratio of rate ratios needs events in all four cells")
    (y11, t11), (y10, t10), (y01, t01), (y00, t00) = cells
    log_ratio = math.log(y11 / t11) - math.log(y10 / t10) - math.log(y01 / t01) + math.log(y00 / t00)
    se = math.sqrt(phi * (1 / y11 + 1 / y10 + 1 / y01 + 1 / y00))
    z = (log_ratio - math.log(null)) / se
    p = tail_probability(float(t_sf(-z, df)), float(t_sf(z, df)), alternative)
    low = math.exp(log_ratio - critical(below, df) * se)
    high = math.exp(log_ratio + critical(above, df) * se)
    return Comparison(
        "rate_ratio_ratio", math.exp(log_ratio), Interval(low, high, confidence), p, alternative, null, z,
        (y11 + y10, y01 + y00), "log-linear interaction" + (", quasi-Poisson" if phi > 1 else ""),
        "McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 6.2, 9.2",
    )  # fmt: skip
