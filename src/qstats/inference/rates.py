"""Compare two rates of events with exposure: complaints per thousand orders, defects per unit, incidents per month."""

from __future__ import annotations

import math

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import beta_quantile, binomial_cdf, binomial_pmf, binomial_sf, t_quantile, t_sf
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, bisect, tail_probability, tails

__all__ = ["compare_rates", "ratio_of_rate_ratios"]

_METHODS = {
    "midp": ("conditional, mid-p", "Fay (2010), Biostatistics 11(2), 373-374; Lancaster (1961), JASA 56, 223-234"),
    "exact": ("conditional, exact central", "Clopper & Pearson (1934), Biometrika 26, 404-413"),
    "score": ("score", "Wilson (1927), JASA 22, 209-212, mapped to the ratio; Gart (1985), Biometrika 72, 673-677"),
}


def _no_information(effect: str, null: float, confidence: float, alternative: str, method: str) -> Comparison:
    note = Note("no-information", "serious", "no event in either group: the data say nothing about the ratio")
    interval = Interval(0.0, math.inf, confidence)
    return Comparison(effect, math.nan, interval, 1.0, alternative, null, None, (0.0, 0.0), method, "", (note,))


def _conditional_tails(k: float, n: float, pi: float, midp: bool) -> tuple[float, float]:
    """P(X <= k) and P(X >= k) for X ~ Binomial(n, pi), half the point's own probability taken off for mid-p."""
    low, high = float(binomial_cdf(k, n, pi)), float(binomial_sf(k, n, pi))
    if not midp:
        return low, high
    half = 0.5 * float(binomial_pmf(k, n, pi))
    return low - half, high - half


def _conditional_limits(k: float, n: float, below: float, above: float, midp: bool) -> tuple[float, float]:
    """Limits of pi with error `below` and `above`; 0 error leaves that side open."""
    low, high = 0.0, 1.0
    if k > 0 and below > 0:
        low = float(beta_quantile(below, k, n - k + 1.0))
        if midp:
            low = bisect(lambda pi: below - _conditional_tails(k, n, pi, True)[1], 0.0, k / n)
    if k < n and above > 0:
        high = float(beta_quantile(1.0 - above, k + 1.0, n - k))
        if midp:
            high = bisect(lambda pi: _conditional_tails(k, n, pi, True)[0] - above, k / n, 1.0)
    return low, high


def _wilson_limits(k: float, n: float, z_low: float, z_high: float) -> tuple[float, float]:
    """Roots of ``(k - n pi)**2 = z**2 n pi (1 - pi)``; an infinite z leaves that side open.

    Each root is taken from the product form that does not cancel.
    """

    def lower(k: float, z: float) -> float:
        if math.isinf(z) or k == 0:
            return 0.0
        half = k + 0.5 * z * z
        spread = z * math.sqrt(k * (n - k) / n + 0.25 * z * z)
        return k * k / n / (half + spread)  # product of the roots is k**2 / (n (n + z**2))

    return lower(k, z_low), 1.0 - lower(n - k, z_high)


def _ratio(pi: float, exposure: float, exposure0: float) -> float:
    return math.inf if pi >= 1.0 else pi / (1.0 - pi) * (exposure0 / exposure)


def _critical(error: float, df: float) -> float:
    return math.inf if error == 0.0 else float(t_quantile(1.0 - error, df))


def _ratio_score(k: float, n: float, pi0: float, dispersion: float) -> float:
    return (k - n * pi0) / math.sqrt(dispersion * n * pi0 * (1.0 - pi0))


def _restricted_rates(y: float, t: float, y0: float, t0: float, d: float) -> tuple[float, float]:
    """Maximum-likelihood Poisson rates with ``rate - rate0 = d``: the positive root of a quadratic."""
    total = t + t0
    b = total * d - y - y0
    root = math.sqrt(b * b + 4.0 * total * y0 * d) if b * b + 4.0 * total * y0 * d > 0 else 0.0
    rate0 = (root - b) / (2.0 * total) if b <= 0 else (2.0 * y0 * d) / (root + b)
    rate0 = max(rate0, -d, 0.0)
    return rate0 + d, rate0


def _difference_score(y: float, t: float, y0: float, t0: float, d: float, dispersion: float) -> float:
    rate, rate0 = _restricted_rates(y, t, y0, t0, d)
    gap = y / t - y0 / t0 - d
    variance = dispersion * (rate / t + rate0 / t0)
    if variance <= 0.0:
        return 0.0 if gap == 0.0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def _difference_limits(
    y: float, t: float, y0: float, t0: float, below: float, above: float, dispersion: float, df: float
) -> tuple[float, float]:
    estimate = y / t - y0 / t0

    def solve(error: float, sign: float) -> float:
        if error == 0.0:
            return -sign * math.inf
        z = _critical(error, df)
        reach = (
            (z + 1.0) ** 2 * dispersion * (1.0 / t + 1.0 / t0)
            + abs(estimate)
            + z * math.sqrt(dispersion * (y / t**2 + y0 / t0**2))
        )
        while sign * _difference_score(y, t, y0, t0, estimate - sign * reach, dispersion) < z:
            reach *= 2.0
        ends = sorted((estimate, estimate - sign * reach))
        return bisect(lambda d: _difference_score(y, t, y0, t0, d, dispersion) - sign * z, *ends)

    return solve(below, 1.0), solve(above, -1.0)


def _checked(events: object, exposure: object, suffix: str) -> tuple[float, float]:
    y = check_number(events, f"events{suffix}", least=0.0)
    if y != math.floor(y):
        raise DataError(f"events{suffix}: got {y:g}; a whole number of events is wanted (exposure may be fractional)")
    return y, check_number(exposure, f"exposure{suffix}", above=0.0)


def compare_rates(
    events: float,
    exposure: float,
    events0: float,
    exposure0: float,
    *,
    effect: str = "rate_ratio",
    method: str = "midp",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    dispersion: float = 1.0,
    df: float = math.inf,
) -> Comparison:
    r"""Tell whether events per exposure differ between a group (after) and a reference group (before).

    Use it for complaints, defects or incidents counted over orders, units or months. Not for a share that cannot
    exceed one (`compare_proportions`), and not for counts that scatter more than Poisson from period to period unless
    `dispersion` says how much.

    Parameters
    ----------
    events, exposure : float
        Whole number of events and the exposure (> 0) of the group asked about, such as "after".
    events0, exposure0 : float
        The same for the reference group, such as "before"; both exposures in one unit.
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
    Comparison
        Zero counts give finite p-values and half-open intervals. With no event in either group the estimate is NaN, the
        interval is (0, inf), p is 1 and the note ``no-information`` says why.

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
    Fay (2010), Biostatistics 11(2), 373-374. Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226.

    Examples
    --------
    Twelve complaints in 1000 orders before, none in 500 after:

    >>> from qstats import compare_rates
    >>> r = compare_rates(0, 500, 12, 1000)
    >>> round(r.interval.high, 4), round(r.pvalue, 4)
    (0.5671, 0.0077)
    """
    check_choice(effect, "effect", ("rate_ratio", "rate_difference"))
    check_choice(method, "method", _METHODS)
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    y, t = _checked(events, exposure, "")
    y0, t0 = _checked(events0, exposure0, "0")
    phi = check_number(dispersion, "dispersion", least=0.0)
    if df != math.inf:
        check_number(df, "df", least=1.0)
    notes: tuple[Note, ...] = ()
    if phi < 1.0:
        phi, text = 1.0, f"dispersion {phi:.3g} counts as 1: too little scatter must not narrow the interval"
        notes = (Note("underdispersed", "info", text),)
    if effect == "rate_difference":
        null = 0.0 if null is None else check_number(null, "null")
        z = _difference_score(y, t, y0, t0, null, phi)
        p = tail_probability(float(t_sf(-z, df)), float(t_sf(z, df)), alternative)
        low, high = _difference_limits(y, t, y0, t0, below, above, phi, df)
        source = "Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226"
        interval = Interval(low, high, confidence)
        return Comparison(effect, y / t - y0 / t0, interval, p, alternative, null, z, (y, y0), "score", source, notes)
    null = 1.0 if null is None else check_number(null, "null", above=0.0)
    if method != "score" and (phi > 1.0 or df != math.inf):
        raise DataError(f"dispersion: got {phi:g} with method={method!r}; only method='score' can use it")
    return _compare_ratio(y, t, y0, t0, method, null, confidence, alternative, phi, df, notes)


def _compare_ratio(
    y: float, t: float, y0: float, t0: float, method: str, null: float, confidence: float, alternative: str,
    phi: float, df: float, notes: tuple[Note, ...],
) -> Comparison:  # fmt: skip
    below, above = tails(alternative, confidence)
    text, source = _METHODS[method]
    if y + y0 == 0:
        return _no_information("rate_ratio", null, confidence, alternative, text)
    n, pi0, z = y + y0, null * t / (null * t + t0), None
    if method == "score":
        z = _ratio_score(y, n, pi0, phi)
        p = tail_probability(float(t_sf(-z, df)), float(t_sf(z, df)), alternative)
        scale = math.sqrt(phi)
        limits = _wilson_limits(y, n, scale * _critical(below, df), scale * _critical(above, df))
        text = "quasi-Poisson score, t" if phi > 1.0 or df != math.inf else text
    else:
        low_tail, high_tail = _conditional_tails(y, n, pi0, method == "midp")
        p = tail_probability(low_tail, high_tail, alternative)
        limits = _conditional_limits(y, n, below, above, method == "midp")
    estimate = math.inf if y0 == 0 else (y / t) / (y0 / t0)
    if y0 == 0:
        notes = (
            *notes,
            Note("zero-reference", "warning", "no event in the reference group: no upper end"),
        )
    interval = Interval(_ratio(limits[0], t, t0), _ratio(limits[1], t, t0), confidence)
    return Comparison("rate_ratio", estimate, interval, p, alternative, null, z, (y, y0), text, source, notes)


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
    cells = [_checked(*cell, f" of {name}") for name, cell in zip(names, given, strict=True)]
    if any(y == 0 for y, _ in cells):
        empty = names[[y for y, _ in cells].index(0.0)]
        raise DataError(f"{empty}: no event; the ratio of rate ratios needs events in all four cells")
    (y11, t11), (y10, t10), (y01, t01), (y00, t00) = cells
    log_ratio = math.log(y11 / t11) - math.log(y10 / t10) - math.log(y01 / t01) + math.log(y00 / t00)
    se = math.sqrt(phi * (1 / y11 + 1 / y10 + 1 / y01 + 1 / y00))
    z = (log_ratio - math.log(null)) / se
    p = tail_probability(float(t_sf(-z, df)), float(t_sf(z, df)), alternative)
    low = math.exp(log_ratio - _critical(below, df) * se)
    high = math.exp(log_ratio + _critical(above, df) * se)
    return Comparison(
        "rate_ratio_ratio", math.exp(log_ratio), Interval(low, high, confidence), p, alternative, null, z,
        (y11 + y10, y01 + y00), "log-linear interaction" + (", quasi-Poisson" if phi > 1 else ""),
        "McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 6.2, 9.2",
    )  # fmt: skip
