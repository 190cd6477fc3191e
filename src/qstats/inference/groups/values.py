"""Means, scores and times of several groups: are they alike, and which pairs differ?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf, normal_quantile, normal_sf
from qstats._core.result import frozen_array
from qstats.errors import TooFewData
from qstats.inference.comparison import Comparison, Comparisons
from qstats.inference.groups.kernels import (
    Overall,
    drawn_pvalue,
    kruskal,
    kruskal_draws,
    labelled,
    logrank_pair,
    welch_f,
)
from qstats.inference.groups.result import ADJUST, GroupComparison, draws_wanted, grouped, pair_codes
from qstats.inference.means.means import compare_mean_summaries, compare_means, estimate_mean
from qstats.inference.ordinal.scores import compare_ordinal
from qstats.inference.pivot import NO_SCATTER
from qstats.inference.times.logrank import logrank
from qstats.inference.times.survival import as_closed, as_times, survival_curve

__all__ = ["compare_mean_groups", "compare_ordinal_groups", "compare_time_groups"]

_WELCH = "Welch (1951), Biometrika 38, 330-336"
_KRUSKAL = "Kruskal & Wallis (1952), JASA 47, 583-621, with their correction for ties"
_PETO = (
    "Mantel (1966), Cancer Chemotherapy Reports 50, 163-170; pairs: Yusuf et al. (1985), Progress in Cardiovascular "
    "Diseases 27, 335-371 (one-step hazard ratio)"
)
_MOST = 5000  # values that are relabelled unasked
_FEW = 6  # values in each group from which on the chi-square distribution of H will do


def _parts(values: FloatArray, codes: Any, names: tuple[str, ...], least: int) -> list[FloatArray]:
    parts = [values[codes == g] for g in range(len(names))]  # over groups, not over data
    for name, part in zip(names, parts, strict=True):
        if part.size < least:
            raise TooFewData(f"by: group {name!r} has {part.size} value; at least {least} are wanted in each")
    return parts


def _gather(pairs: Sequence[Comparison]) -> Comparisons:
    """Return many comparisons made one by one as one result; methods that differ are all named."""

    def column(get: Callable[[Comparison], float]) -> FloatArray:
        return frozen_array([get(c) for c in pairs])

    first = pairs[0]
    limits = Intervals(column(lambda c: c.interval.low), column(lambda c: c.interval.high), first.interval.confidence)
    statistic = column(lambda c: math.nan if c.statistic is None else c.statistic)
    return Comparisons(
        first.effect, column(lambda c: c.estimate), limits, column(lambda c: c.pvalue), first.alternative, first.null,
        statistic, frozen_array([c.n for c in pairs]), "; ".join(dict.fromkeys(c.method for c in pairs)),
        "; ".join(dict.fromkeys(c.reference for c in pairs)), tuple(dict.fromkeys(m for c in pairs for m in c.notes)),
    )  # fmt: skip


def _at_most_one_still(names: tuple[str, ...], variance: FloatArray) -> None:
    still = [name for name, v in zip(names, variance, strict=True) if v == 0.0]
    if len(still) > 1:
        shown = ", ".join(map(repr, still[:5])) + (", ..." if len(still) > 5 else "")
        raise TooFewData(
            f"by: nothing varies within groups {shown}, so the error of their difference cannot be estimated; look "
            "whether the values were rounded, capped or copied, leave these groups out, or use compare_ordinal_groups"
        )


def compare_mean_groups(values: Any, by: Any, *, adjust: str = "holm", confidence: float = 0.95) -> GroupComparison:
    r"""Tell whether several groups have one mean, without assuming that they scatter alike, and which pairs differ.

    Use it for costs, weights, scores of three groups or more. Not for answers on a short scale alone
    (`compare_ordinal_groups` belongs beside it), nor for repeated values of the same customers.

    Parameters
    ----------
    values : array-like, shape (n,)
    by : array-like, shape (n,)
        Label of each value; at least two values per label.
    adjust : {"holm", "hochberg", "bh", "none"}
        Of the p-values of the pairs.
    confidence : float
        Of each interval by itself.

    Returns
    -------
    GroupComparison
        Groups sorted by label; pairs by Welch's t.

    Raises
    ------
    DataError, TooFewData
        Missing values or labels, one group only, a group with one value, two groups or more without any scatter: no
        error of their difference can be estimated, and p = 0 would be a claim without ground.

    Notes
    -----
    Welch's F: with :math:`w_i = n_i / s_i^2`, :math:`F = \frac{\sum w_i (\bar x_i - \tilde x)^2 / (k - 1)}
    {1 + 2 (k - 2) \Lambda / (k^2 - 1)}`, :math:`\Lambda = \sum (1 - w_i / W)^2 / (n_i - 1)`, on k - 1 and
    :math:`(k^2 - 1) / (3 \Lambda)` degrees of freedom. One group without scatter counts in the limit.

    References
    ----------
    Welch (1951), Biometrika 38, 330-336.

    Examples
    --------
    >>> from qstats import compare_mean_groups
    >>> r = compare_mean_groups([5.1, 4.8, 5.6, 6.9, 7.3, 7.0, 5.2, 5.0, 5.9], ["a"] * 3 + ["b"] * 3 + ["c"] * 3)
    >>> round(r.pvalue, 4), r.pairs[0], round(float(r.differences.estimate[0]), 3)
    (0.0061, ('b', 'a'), 1.9)
    """
    check_choice(adjust, "adjust", ADJUST)
    confidence = check_confidence(confidence)
    x = as_vector(values, "values", missing="never")
    names, codes = labelled(by, "by", x.size)
    parts = _parts(x, codes, names, 2)
    each = [estimate_mean(part, confidence=confidence) for part in parts]
    mean = np.array([e.estimate for e in each])
    n = np.array([float(part.size) for part in parts])
    # about a common centre, so that a large offset costs no digits
    shift = np.array([compare_means(part, parts[0]).estimate for part in parts])
    variance = np.array([float(np.var(part - part[0], ddof=1)) for part in parts])
    _at_most_one_still(names, variance)
    overall = welch_f(n, shift, variance)
    i, j = pair_codes(len(names))
    sd = np.sqrt(variance)
    both = compare_mean_summaries(shift[i], sd[i], n[i], shift[j], sd[j], n[j], confidence=confidence)
    assert isinstance(both, Comparisons)  # arrays went in
    limits = Intervals(
        frozen_array([e.interval.low for e in each]), frozen_array([e.interval.high for e in each]), confidence
    )
    return grouped(
        "mean", names, (mean, limits, n), overall, both, adjust=adjust, resamples=None,
        method="Welch's F, unequal variances", reference=_WELCH, notes=(NO_SCATTER,) if (variance == 0.0).any() else (),
    )  # fmt: skip


def compare_ordinal_groups(
    values: Any,
    by: Any,
    *,
    method: str = "auto",
    adjust: str = "holm",
    confidence: float = 0.95,
    resamples: int | None = None,
    rng: Any = None,
) -> GroupComparison:
    r"""Tell whether several groups answer alike on an ordered scale, and which pairs differ.

    Use it for scores, grades and skewed quantities of three groups or more. Not for the same customers asked again.

    Parameters
    ----------
    values : array-like, shape (n,)
        Scores; only their order is used.
    by : array-like, shape (n,)
        Label of each score; at least two scores per label.
    method : {"auto", "chi2", "permutation"}
        How Kruskal-Wallis gets its p-value; ``"auto"`` relabels at random where a group has fewer than 6 scores
        (and all together at most 5000).
    adjust : {"holm", "hochberg", "bh", "none"}
        Of the p-values of the pairs.
    confidence : float
        Of each interval by itself.
    resamples, rng
        Number (9999 unless given) and randomness of relabellings, where they are drawn.

    Returns
    -------
    GroupComparison
        Groups sorted by label; of each the probability to score higher than one of all the others. Pairs by
        Brunner-Munzel.

    Raises
    ------
    DataError, TooFewData
        Missing values or labels, one group only, a group with one score.

    Notes
    -----
    :math:`H = (N - 1) \sum R_i^2 / n_i / \sum r^2` over centred mid-ranks, chi-square on k - 1 degrees of freedom. It
    tests that all distributions are the same; the pairs test the probability of superiority only.

    References
    ----------
    Kruskal & Wallis (1952), JASA 47, 583-621. Brunner & Munzel (2000), Biometrical Journal 42, 17-25.

    Examples
    --------
    >>> from qstats import compare_ordinal_groups
    >>> scores = [1, 2, 2, 3, 3, 2, 2, 3, 3, 4, 3, 4, 4, 5, 5, 4, 5, 3]
    >>> r = compare_ordinal_groups(scores, ["a"] * 6 + ["b"] * 6 + ["c"] * 6)
    >>> round(r.statistic, 3), round(r.pvalue, 4)
    (10.483, 0.0053)
    """
    check_choice(method, "method", ("auto", "chi2", "permutation"))
    check_choice(adjust, "adjust", ADJUST)
    confidence = check_confidence(confidence)
    x = as_vector(values, "values", missing="never")
    names, codes = labelled(by, "by", x.size)
    parts = _parts(x, codes, names, 2)
    k = len(names)
    h, rank, sizes = kruskal(x, codes, k)
    few = bool((sizes < _FEW).any())
    drawn = draws_wanted(resamples, rng, method == "permutation" or (method == "auto" and few and x.size <= _MOST))
    if drawn is not None:
        p = drawn_pvalue(kruskal_draws(rank, sizes), h, x.size, *drawn) if rank.any() else 1.0
    else:
        p = float(chi2_sf(h, k - 1.0))
    notes: tuple[Note, ...] = ()
    if few and drawn is None:
        text = "a group has fewer than 6 scores: the chi-square distribution is rough, method='permutation' is not"
        notes = (Note("few-values", "warning", text),)
    rest = [compare_ordinal(x[codes == g], x[codes != g], confidence=confidence) for g in range(k)]
    each = _gather(rest)
    both = _gather(
        [compare_ordinal(parts[i], parts[j], confidence=confidence) for i, j in zip(*pair_codes(k), strict=True)]
    )
    return grouped(
        "superiority over the rest", names, (each.estimate, each.interval, sizes), Overall(h, k - 1.0, math.inf, p),
        both, adjust=adjust, resamples=drawn[0] if drawn else None,
        method="Kruskal-Wallis, " + ("random relabelling" if drawn else "chi-square"), reference=_KRUSKAL, notes=notes,
    )  # fmt: skip


def _hazard_ratios(time: FloatArray, closed: BoolArray, codes: Any, k: int, confidence: float) -> Comparisons:
    """Return one-step hazard ratios of all pairs; p-value and interval from the log-rank statistic."""
    i, j = pair_codes(k)
    found, ends = [], []
    for a, b in zip(i, j, strict=True):
        both = (codes == a) | (codes == b)
        group = codes[both] == a
        found.append(logrank_pair(time[both], closed[both], group))
        ends.append((float((closed[both] & group).sum()), float((closed[both] & ~group).sum())))
    gap, v = (np.array(c) for c in zip(*found, strict=True))
    known = v > 0.0
    safe = np.where(known, v, 1.0)
    z, root = float(normal_quantile(0.5 + confidence / 2.0)), np.sqrt(safe)
    statistic = np.where(known, gap / root, 0.0)
    with np.errstate(over="ignore"):
        estimate, low, high = (np.exp(v) for v in (gap / safe, gap / safe - z / root, gap / safe + z / root))
    limits = Intervals(frozen_array(np.where(known, low, 0.0)), frozen_array(np.where(known, high, np.inf)), confidence)
    p = np.where(known, np.minimum(1.0, 2.0 * normal_sf(np.abs(statistic))), 1.0)
    notes = (
        ()
        if known.all()
        else (Note("no-information", "serious", f"{int((~known).sum())} pairs share no time at which one ended"),)
    )
    return Comparisons(
        "hazard_ratio", frozen_array(np.where(known, estimate, np.nan)), limits, frozen_array(p), "two-sided", 1.0,
        frozen_array(statistic), frozen_array(ends), "log-rank, one-step hazard ratio", _PETO, notes,
    )  # fmt: skip


def compare_time_groups(
    time: Any, closed: Any, by: Any, *, adjust: str = "holm", confidence: float = 0.95
) -> GroupComparison:
    r"""Tell whether several teams or channels close at the same pace, open tickets included, and which pairs differ.

    Use it for three groups or more. Take all tickets opened in a period. Not where the curves cross: the log-rank test
    can see nothing there.

    Parameters
    ----------
    time : array-like, shape (n,)
        Zero or more.
    closed : array-like of bool, shape (n,), or None
        False where still open; None: all closed.
    by : array-like, shape (n,)
        Label of each time.
    adjust : {"holm", "hochberg", "bh", "none"}
        Of the p-values of the pairs.
    confidence : float
        Of each interval by itself.

    Returns
    -------
    GroupComparison
        Groups sorted by label; of each the median time (infinite where fewer than half have closed). Pairs by hazard
        ratio: above 1 the first closes sooner.

    Raises
    ------
    DataError, TooFewData
        Negative times, missing labels, one group only.

    Notes
    -----
    Pairs: with O - E and its variance V of the log-rank test, :math:`\log HR = (O - E)/V` with standard error
    :math:`1/\sqrt V`, so that the interval leaves out 1 exactly when the log-rank test rejects. The one-step estimate
    is too close to 1 where the ratio is beyond about 3.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50, 163-170. Yusuf, Peto, Lewis, Collins & Sleight (1985), Progress in
    Cardiovascular Diseases 27, 335-371.

    Examples
    --------
    >>> from qstats import compare_time_groups
    >>> days = [3, 5, 8, 9, 12, 2, 3, 4, 6, 7, 1, 2, 2, 3, 5]
    >>> r = compare_time_groups(days, None, ["old"] * 5 + ["new"] * 5 + ["pilot"] * 5)
    >>> round(r.pvalue, 4), r.labels, r.estimate
    (0.0171, ('new', 'old', 'pilot'), array([4., 8., 2.]))
    """
    check_choice(adjust, "adjust", ADJUST)
    confidence = check_confidence(confidence)
    t = as_times(time, "time")
    ended = as_closed(closed, "closed", t.size)
    names, codes = labelled(by, "by", t.size)
    test = logrank(t, ended, codes)
    medians = [
        survival_curve(t[codes == g], ended[codes == g], confidence=confidence).median for g in range(len(names))
    ]
    limits = Intervals(
        frozen_array([m.interval.low for m in medians]), frozen_array([m.interval.high for m in medians]), confidence
    )
    both = _hazard_ratios(t, ended, codes, len(names), confidence)
    notes = tuple(dict.fromkeys((*test.notes, *both.notes)))
    return grouped(
        "median time", names, ([m.estimate for m in medians], limits, test.n),
        Overall(test.statistic, test.df, math.inf, test.pvalue), both, adjust=adjust, resamples=None,
        method=f"{test.method}; medians by Kaplan-Meier", reference=_PETO, notes=notes,
    )  # fmt: skip
