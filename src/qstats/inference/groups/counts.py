"""Rates and proportions of several groups: are they alike, and which pairs differ?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf
from qstats.errors import DataError
from qstats.inference.comparison import Comparisons
from qstats.inference.estimate import Estimates
from qstats.inference.groups.kernels import (
    Overall,
    drawn_pvalue,
    f_sf,
    pearson,
    rate_tables,
    relabelled_tables,
    share_tables,
    spread_rates,
)
from qstats.inference.groups.result import ADJUST, GroupComparison, draws_wanted, group_labels, grouped, pair_codes
from qstats.inference.pairs import columns_of
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.proportions import compare_proportions, no_more_than
from qstats.inference.rate_estimates import estimate_rate
from qstats.inference.rates import compare_rates, scatter

__all__ = ["compare_proportion_groups", "compare_rate_groups"]

_METHODS = ("auto", "chi2", "exact", "simulated")
_SMALL = 5.0
_PEARSON = "Pearson (1900), Philosophical Magazine 50, 157-175"
_EXACT = {
    "rate": "Radlow & Alf (1975), JASA 70, 811-813 (by the statistic); mid-p: Lancaster (1961), JASA 56, 223-234",
    "proportion": "Freeman & Halton (1951), Biometrika 38, 141-149; mid-p: Lancaster (1961), JASA 56, 223-234",
}
_DRAWN = "Hope (1968), JRSS B 30, 582-598 (Monte Carlo tests)"
_NONE = Note("no-information", "serious", "no event in any group, or nothing but events: there is nothing to compare")
_NARROW = Note(
    "small-expected", "warning", "an expected count is below 5: method='auto' is safer than the chi-square distribution"
)


def _columns(given: dict[str, tuple[Any, str]]) -> list[FloatArray]:
    single, columns = columns_of(given)
    if single:
        raise DataError(f"{next(iter(given))}: one number came; a column with one value per group is wanted")
    return [np.array(c) for c in columns]


def _by_tables(kind: str, method: str, small: bool, exact: Any) -> tuple[str, float | None]:
    """Return the way to the p-value, ``"chi2"``, ``"exact"`` or ``"simulated"``, and the exact p where it was taken."""
    if method == "chi2" or (method == "auto" and not small):
        return "chi2", None
    found = exact() if method in ("auto", "exact") else None
    if method == "exact" and found is None:
        raise DataError("method: 'exact' would go through too many tables; use 'auto' or 'simulated'")
    return ("simulated", None) if found is None else ("exact", found)


_TEXTS = {
    "chi2": "homogeneity by Pearson's chi-square",
    "exact": "homogeneity by Pearson's statistic, exact mid-p over all tables",
    "simulated": "homogeneity by Pearson's statistic, random tables",
}


def _source(kind: str, way: str) -> str:
    return {"chi2": _PEARSON, "exact": f"{_PEARSON}; {_EXACT[kind]}", "simulated": f"{_PEARSON}; {_DRAWN}"}[way]


def compare_rate_groups(
    events: Any,
    exposure: Any,
    *,
    labels: Any = None,
    method: str = "auto",
    dispersion: float = 1.0,
    df: float = math.inf,
    adjust: str = "holm",
    confidence: float = 0.95,
    resamples: int | None = None,
    rng: Any = None,
) -> GroupComparison:
    r"""Tell whether several suppliers, sites or months have one rate of events, and which pairs differ.

    Use it for three groups or more counted over an exposure. Not for a ranking (a funnel chart shows who stands out),
    and not for shares of units (`compare_proportion_groups`).

    Parameters
    ----------
    events : array-like, shape (k,)
        Whole numbers.
    exposure : array-like, shape (k,), or float
        Above zero.
    labels : sequence of str, optional
        1, 2, ... unless given.
    method : {"auto", "chi2", "exact", "simulated"}
        How the test of all groups gets its p-value. ``"auto"``: the chi-square distribution where every expected count
        is 5 or more, else exact (mid-p over all ways to share out the events), else random tables.
    dispersion, df : float
        Variance over Poisson variance and the degrees of freedom it was estimated with, as in `compare_rates`; then the
        test is F (chi-square for infinite `df`) and the pairs are compared by the quasi-Poisson score.
    adjust : {"holm", "hochberg", "bh", "none"}
        Of the p-values of the pairs.
    confidence : float
        Of each interval by itself.
    resamples, rng
        Number (9999 unless given) and randomness of random tables, where they are drawn.

    Returns
    -------
    GroupComparison
        Pairs by rate ratio (mid-p).

    Raises
    ------
    DataError, TooFewData
        Fewer than two groups, counts that are not whole, exposures not above zero.

    Notes
    -----
    :math:`X^2 = \sum (y_i - E_i)^2 / E_i` with :math:`E_i = Y t_i / T` and k - 1 degrees of freedom, over the
    dispersion. Given the total Y the events are multinomial with probabilities :math:`t_i / T`.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175. Radlow & Alf (1975), JASA 70, 811-813. McCullagh & Nelder
    (1989), Generalized Linear Models, 2nd ed., section 9.2 (dispersion).

    Examples
    --------
    >>> from qstats import compare_rate_groups
    >>> r = compare_rate_groups([30, 28, 55], [1000, 1000, 1000], labels=["A", "B", "C"])
    >>> round(r.pvalue, 4), r.pairs[1], round(float(r.adjusted[1]), 4)
    (0.0025, ('C', 'A'), 0.0133)
    """
    check_choice(method, "method", _METHODS)
    check_choice(adjust, "adjust", ADJUST)
    confidence = check_confidence(confidence)
    y, t = _columns({"events": (events, "count"), "exposure": (exposure, "exposure")})
    names, share, k = group_labels(labels, y.size), t / t.sum(), y.size
    quasi = dispersion != 1.0 or df != math.inf
    phi, notes = scatter(dispersion, df, "score")
    if quasi and method not in ("auto", "chi2"):
        raise DataError(f"dispersion: given with method={method!r}; random tables are Poisson, use 'auto' or 'chi2'")
    seen = float(spread_rates(y, share)) if y.sum() > 0.0 else 0.0
    small = bool((y.sum() * share < _SMALL).any())
    way, p = _by_tables(
        "rate", "chi2" if quasi or y.sum() == 0.0 else method, small, lambda: rate_tables(y, share, seen)
    )
    drawn = draws_wanted(resamples, rng, way == "simulated")
    if drawn is not None:
        total = int(y.sum())
        p = drawn_pvalue(
            lambda rows, g: spread_rates(g.multinomial(total, share, size=rows).astype(np.float64), share),
            seen, k, *drawn,
        )  # fmt: skip
    statistic = seen / phi / (k - 1.0 if math.isfinite(df) else 1.0)
    if p is None:
        p = f_sf(statistic, k - 1.0, df) if math.isfinite(df) else float(chi2_sf(statistic, k - 1.0))
        notes += (_NARROW,) if small and y.sum() > 0.0 and method == "chi2" else ()
    notes += (_NONE,) if y.sum() == 0.0 else ()
    i, j = pair_codes(k)
    how = {"method": "score", "dispersion": phi, "df": df} if quasi else {"method": "midp"}
    one = estimate_rate(y, t, confidence=confidence, **how)
    both = compare_rates(y[i], t[i], y[j], t[j], confidence=confidence, **how)
    assert isinstance(one, Estimates) and isinstance(both, Comparisons)  # arrays went in
    text = _TEXTS[way] + (f", dispersion {phi:g}" + (" (F)" if math.isfinite(df) else "") if quasi else "")
    return grouped(
        "rate", names, (one.estimate, one.interval, y), Overall(statistic, k - 1.0, df, p), both, adjust=adjust,
        resamples=drawn[0] if drawn else None, method=text, reference=_source("rate", way), notes=notes,
    )  # fmt: skip


def compare_proportion_groups(
    count: Any,
    size: Any,
    *,
    labels: Any = None,
    method: str = "auto",
    adjust: str = "holm",
    confidence: float = 0.95,
    resamples: int | None = None,
    rng: Any = None,
) -> GroupComparison:
    r"""Tell whether several groups have one share (of orders late, of customers satisfied), and which pairs differ.

    Use it for three groups or more of separate units. Not for two (`compare_proportions`), and not for units that come
    in clusters.

    Parameters
    ----------
    count : array-like, shape (k,)
        Units with the event.
    size : array-like, shape (k,), or int
        Units.
    labels, method, adjust, confidence, resamples, rng
        As in `compare_rate_groups`; exact and random tables keep both margins.

    Returns
    -------
    GroupComparison
        Pairs by difference (Miettinen & Nurminen).

    Raises
    ------
    DataError, TooFewData
        Fewer than two groups, counts above their size or not whole.

    Notes
    -----
    Pearson's :math:`X^2 = \sum (x_i - n_i \bar p)^2 / (n_i \bar p (1 - \bar p))` with k - 1 degrees of freedom. Given
    the margins the counts are multivariate hypergeometric.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175. Freeman & Halton (1951), Biometrika 38, 141-149.

    Examples
    --------
    >>> from qstats import compare_proportion_groups
    >>> r = compare_proportion_groups([12, 15, 31], [100, 110, 105])
    >>> round(r.pvalue, 4), int((r.adjusted < 0.05).sum())
    (0.0015, 2)
    """
    check_choice(method, "method", _METHODS)
    check_choice(adjust, "adjust", ADJUST)
    confidence = check_confidence(confidence)
    x, n = _columns({"count": (count, "count"), "size": (size, "size")})
    no_more_than(x, n, "")
    names = group_labels(labels, x.size)
    seen, df, expected = pearson(np.column_stack([x, n - x]))
    small = bool((expected < _SMALL).any())
    notes: tuple[Note, ...] = () if df else (_NONE,)
    way, p = _by_tables("proportion", method if df else "chi2", small, lambda: share_tables(x, n, seen))
    drawn = draws_wanted(resamples, rng, way == "simulated")
    if drawn is not None:
        p = drawn_pvalue(relabelled_tables(x, n), seen, x.size, *drawn)
    if p is None:
        p = float(chi2_sf(seen, df)) if df else 1.0
        notes += (_NARROW,) if small and df and method == "chi2" else ()
    i, j = pair_codes(x.size)
    one = estimate_proportion(x, n, confidence=confidence)
    both = compare_proportions(x[i], n[i], x[j], n[j], confidence=confidence)
    assert isinstance(one, Estimates) and isinstance(both, Comparisons)  # arrays went in
    return grouped(
        "proportion", names, (one.estimate, one.interval, n), Overall(seen, x.size - 1.0, math.inf, p), both,
        adjust=adjust, resamples=drawn[0] if drawn else None, method=_TEXTS[way],
        reference=_source("proportion", way), notes=notes,
    )  # fmt: skip
