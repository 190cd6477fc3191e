"""Krippendorff's alpha: any number of raters, missing answers, any scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping
from qstats.errors import DataError
from qstats.inference.resample import as_generator, check_resamples
from qstats.msa.agreement.coefficient import AgreementCoefficient, Sampled, coefficient, undefined
from qstats.msa.agreement.ratings import read_ratings
from qstats.msa.agreement.weights import kinds_of_parts, tally_rows

__all__ = ["METRICS", "alpha_of_counts", "krippendorff_alpha"]

METRICS = ("nominal", "ordinal", "interval", "ratio")
_SOURCE = "Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; Krippendorff (2019), Content Analysis, "
_SOURCE += "4th ed., chapter 12"
_VARIANCE = "; linearisation as in Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed."
_BOOT = "; percentile bootstrap as in Zapf et al. (2016), BMC Medical Research Methodology 16, 93"
_MOST = 3000  # different values, for a table of all pairs of them
_WORK = 2e9  # draws times kinds of parts
_BLOCK = 1 << 22


class _Alpha(NamedTuple):
    value: float
    influence: FloatArray  # one per row of counts
    observed: float
    expected: float
    largest: float


def _squared_differences(counts: FloatArray, metric: str, values: FloatArray) -> FloatArray:
    """Return the squared difference of each two categories, shape (k, k), from all answers `counts`, shape (k,)."""
    k = counts.size
    if metric == "nominal":
        return 1.0 - np.eye(k)
    if metric == "ratio":
        total = values[:, None] + values[None, :]
        gap = values[:, None] - values[None, :]
        share = np.divide(gap, total, out=np.zeros((k, k)), where=total != 0.0)
        return share * share
    # cumulated counts between two ranks less half of both ends is the difference of their mid-ranks
    place = np.cumsum(counts) - counts / 2.0 if metric == "ordinal" else values
    gap = place[:, None] - place[None, :]
    return gap * gap


def _fit(counts: FloatArray, weight: FloatArray, metric: str, values: FloatArray) -> _Alpha | None:
    """Return alpha of parts in `counts`, shape (u, k), each of two answers or more, coming `weight` times."""
    m = counts.sum(axis=1)
    per_category = weight @ counts
    total = float(weight @ m)
    delta = _squared_differences(per_category, metric, values)
    largest = float(delta.max())
    if largest <= 0.0:
        return None
    delta = delta / largest
    toward = delta @ per_category
    each = np.einsum("ij,ij->i", counts @ delta, counts) / (m - 1.0)
    inside, across = float(weight @ each), float(per_category @ toward)
    if across <= 0.0:
        return None
    ratio = (total - 1.0) / across
    # the metric of ranks is held where the influence of a part is taken
    # answers in place of answers less one: Gwet's form, which leaves the small-sample factor out of the variance
    step = total / across
    influence = -step * each - inside / across * m + 2.0 * step * inside / across * (counts @ toward)
    expected = across / (total * (total - 1.0))
    return _Alpha(1.0 - ratio * inside, influence, 1.0 - inside / total, 1.0 - expected, largest)


def _bootstrap(
    rows: FloatArray, number: FloatArray, metric: str, values: FloatArray, resamples: int, rng: np.random.Generator
) -> FloatArray:
    """Return alpha of each resample of parts; NaN where a resample holds one category only."""
    n, k = int(number.sum()), rows.shape[1]
    m = rows.sum(axis=1)
    out = np.empty(resamples)
    fixed = None if metric == "ordinal" else _squared_differences(number @ rows, metric, values)
    each = None if fixed is None else np.einsum("ij,ij->i", rows @ fixed, rows) / (m - 1.0)
    step = max(1, _BLOCK // max(rows.shape[0], k))
    for i in range(0, resamples, step):
        j = min(i + step, resamples)
        w = rng.multinomial(n, number / n, size=j - i).astype(np.float64)
        per_category, total = w @ rows, w @ m
        if fixed is not None and each is not None:
            inside = w @ each
            across = np.einsum("ij,ij->i", per_category @ fixed, per_category)
        else:
            place = np.cumsum(per_category, axis=1) - per_category / 2.0 - total[:, None] / 2.0
            first, second = place @ rows.T, (place * place) @ rows.T
            inside = (w * 2.0 * (m * second - first * first) / (m - 1.0)).sum(axis=1)
            centre = np.einsum("ij,ij->i", per_category, place)
            spread = np.einsum("ij,ij->i", per_category, place * place)
            across = 2.0 * (total * spread - centre * centre)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[i:j] = np.where(across > 0.0, 1.0 - (total - 1.0) * inside / across, np.nan)
    return out


def alpha_of_counts(counts: FloatArray, metric: str, values: FloatArray, confidence: float) -> AgreementCoefficient:
    """Return alpha with its analytic interval, from counts of answers per part."""
    counts = counts[counts.sum(axis=1) >= 2]
    n = counts.shape[0]
    name = f"Krippendorff's alpha ({metric})"
    raters = int(counts.sum(axis=1).max()) if n else 0
    if n < 2:
        return undefined(name, n, raters, confidence, None, "fewer than two parts have two answers")
    rows, number = kinds_of_parts(counts)
    fit = _fit(rows, number, metric, values)
    method = f"{metric} metric; standard error by linearisation, t with {n - 1} degrees of freedom"
    if fit is None:
        return undefined(name, n, raters, confidence, None, "all answers fall into one category")
    centred = fit.influence - float(number @ fit.influence) / n
    se = math.sqrt(float(number @ (centred * centred)) * n / (n - 1.0))
    s = Sampled(
        name,
        fit.value,
        se,
        fit.observed,
        fit.expected,
        n,
        raters,
        method,
        _SOURCE + _VARIANCE,
        df=n - 1.0,
    )
    return coefficient(s, confidence)


def krippendorff_alpha(
    ratings: object,
    *,
    metric: str = "nominal",
    categories: Sequence[object] | None = None,
    interval: str = "bootstrap",
    confidence: float = 0.95,
    resamples: int | None = None,
    rng: object = None,
) -> AgreementCoefficient:
    r"""Tell how far raters agree, with gaps, any number of raters and any scale.

    Use it where answers are missing or the scale is ordered or numeric. Missing answers need no repair: a part counts
    as soon as two people judged it.

    Parameters
    ----------
    ratings : array-like, shape (parts, raters)
        Answers; None, NaN and empty text are missing. (Krippendorff's own tables have raters in rows: transpose.)
    metric : {"nominal", "ordinal", "interval", "ratio"}
        ``"interval"`` and ``"ratio"`` need numbers; ratio values must not be negative.
    categories : list, optional
        All categories in order; needed for text with ``"ordinal"``.
    interval : {"bootstrap", "analytic"}
        ``"bootstrap"``: percentiles of alpha over resamples of whole parts, everything computed anew in each.
        ``"analytic"``: linearisation, at once, and right for many parts.
    confidence : float
    resamples : int, optional
        Default 9999.
    rng : None, int, SeedSequence or Generator

    Returns
    -------
    AgreementCoefficient

    Raises
    ------
    DataError
        No array of parts x raters, text for a numeric metric, too many different values for a resampled interval.
    TooFewData
        Fewer than two parts with two answers.

    Notes
    -----
    :math:`\alpha = 1 - D_o / D_e` from the table of coincidences, in which each pair of answers within a part of m
    answers weighs :math:`1 / (m - 1)`. The standard bootstrap resamples parts; the one Krippendorff proposed holds
    :math:`D_e` and draws pairs, and covers less than it says.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, University of Pennsylvania.
    Zapf, Castell, Morawietz & Karch (2016), BMC Medical Research Methodology 16, 93.

    Examples
    --------
    >>> from qstats import krippendorff_alpha
    >>> r = [[1, 1, None], [2, 2, 3], [3, 3, 3], [2, 2, 2], [1, None, 1]]
    >>> round(krippendorff_alpha(r, metric="ordinal", interval="analytic").estimate, 3)
    0.885
    """
    check_choice(metric, "metric", METRICS)
    check_choice(interval, "interval", ("bootstrap", "analytic"))
    confidence = check_confidence(confidence)
    r = read_ratings(ratings, categories, ordered=metric == "ordinal", limit=False)
    if metric in ("interval", "ratio") and r.values is None:
        raise DataError(f"ratings: got {r.kind}; metric={metric!r} wants numbers")
    k = len(r.labels)
    values = np.arange(float(k)) if r.values is None else r.values
    if metric == "ratio" and (values < 0.0).any():
        raise DataError(f"ratings: {values.min():g} is below zero; metric='ratio' wants numbers of zero or more")
    if k > _MOST or r.codes.shape[0] * k > 2e8:
        raise DataError(f"ratings: {k} different values; alpha is computed for up to {_MOST}: round them")
    if np.abs(values).max(initial=0.0) > 1e70:
        raise DataError("ratings: a value beyond 1e70 has no fourth power; scale the values")
    counts = tally_rows(r.codes, k)
    centred = values if metric == "ratio" else values - values.mean()
    found = alpha_of_counts(counts, metric, centred, confidence)
    if interval == "analytic" or found.estimate is None or not found.se:
        return found
    return _with_draws(found, counts, (metric, centred), resamples, rng)


def _with_draws(
    found: AgreementCoefficient,
    counts: FloatArray,
    scale: tuple[str, FloatArray],
    resamples: int | None,
    rng: object,
) -> AgreementCoefficient:
    tail = (1.0 - found.confidence) / 2.0
    draws = check_resamples(resamples, tail, tail)
    rows, number = kinds_of_parts(counts[counts.sum(axis=1) >= 2])
    if rows.shape[0] * float(draws) > _WORK:
        raise DataError(
            f"resamples: {draws} draws of {rows.shape[0]} different parts would take too long; pass interval='analytic'"
        )
    drawn = _bootstrap(rows, number, scale[0], scale[1], draws, as_generator(rng))
    good = np.sort(drawn[~np.isnan(drawn)])
    notes = found.notes
    if lost := draws - good.size:
        text = f"{lost} of {draws} resamples held one category only and have no alpha"
        notes = (*notes, Note("resamples-lost", "warning" if lost < 0.05 * draws else "serious", text))
    # ranks such that zero lies outside exactly when its share of draws, counted with itself, is below the tail
    beyond = max(math.ceil(tail * (good.size + 1.0) - 1e-9) - 1, 0)
    low, high = (float(good[beyond]), float(good[good.size - 1 - beyond])) if good.size else (-1.0, 1.0)
    hits = min(int((good <= 0.0).sum()), int((good >= 0.0).sum()))
    estimate = float(found.estimate or 0.0)
    return AgreementCoefficient(
        name=found.name,
        estimate=estimate,
        interval=Interval(max(-1.0, min(low, estimate)), min(1.0, max(high, estimate)), found.confidence),
        se=float(good.std(ddof=1)) if good.size > 1 else None,
        pvalue=min(1.0, 2.0 * (1.0 + hits) / (good.size + 1.0)),
        null_se=None,
        null_statistic=None,
        null_pvalue=None,
        observed=found.observed,
        expected=found.expected,
        n=found.n,
        raters=found.raters,
        by_category=FrozenMapping({}),
        details=found.details,
        resamples=draws,
        confidence=found.confidence,
        method=f"{scale[0]} metric; percentile bootstrap over parts, {draws} resamples",
        reference=_SOURCE + _BOOT,
        notes=notes,
    )
