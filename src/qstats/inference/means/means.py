"""Means: one, and two against each other; rows, mergeable moments or published summaries."""

from __future__ import annotations

import math
from typing import overload

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.moments import Moments
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, Comparisons, tails
from qstats.inference.estimate import Estimate
from qstats.inference.means.bootstrap import by_bootstrap
from qstats.inference.means.kernels import (
    BOOTSTRAP,
    ENDLESS,
    by_t,
    centred,
    difference_of_means,
    moments_of,
    positive_means,
    scatter_notes,
)
from qstats.inference.means.rows import Column, compared_lines, in_lines, line_pair
from qstats.inference.pivot import NO_SCATTER, pivot_test
from qstats.inference.resample import as_generator, check_resamples, invert_draws, resampled_moments

__all__ = ["compare_mean_summaries", "compare_means", "estimate_mean"]

_MOST = 1e145  # a standard deviation whose square, summed, float64 still holds
_EFFECTS = ("mean_difference", "mean_ratio")
_METHODS = ("welch", "pooled", "bootstrap-t")
_SOURCES = {
    ("mean_difference", "welch"): ("Welch t", "Welch (1947), Biometrika 34, 28-35"),
    ("mean_difference", "pooled"): ("pooled t", "Student (1908), Biometrika 6, 1-25"),
    ("mean_ratio", "welch"): (
        "Fieller, Welch degrees of freedom at the observed ratio",
        "Fieller (1954), JRSS B 16, 175-185; Hasler, Vonk & Hothorn (2008), Statistics in Medicine 27, 490-503",
    ),
    ("mean_ratio", "pooled"): ("Fieller, pooled t", "Fieller (1954), JRSS B 16, 175-185"),
}


def _checked_null(null: float | None, effect: str) -> float:
    if effect == "mean_difference":
        return 0.0 if null is None else check_number(null, "null")
    return 1.0 if null is None else check_number(null, "null", above=0.0)


def no_resampling(method: str, resamples: object, rng: object) -> None:
    """Refuse options of the bootstrap where nothing is drawn."""
    if resamples is not None or rng is not None:
        raise DataError(f"resamples, rng: given with method={method!r}, which draws nothing; leave them out")


@overload
def compare_means(
    x: Column, x0: Column, *, effect: str = ..., method: str = ..., null: float | None = ..., confidence: float = ...,
    alternative: str = ..., resamples: int | None = ..., rng: object = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_means(
    x: object, x0: object, *, effect: str = ..., method: str = ..., null: float | None = ..., confidence: float = ...,
    alternative: str = ..., resamples: int | None = ..., rng: object = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_means(
    x: object,
    x0: object,
    *,
    effect: str = "mean_difference",
    method: str = "welch",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    resamples: int | None = None,
    rng: object = None,
) -> Comparison | Comparisons:
    r"""Tell whether a mean (cost, score, handling time) differs between a group and a reference group.

    Use it for independent rows and a question about the mean, such as total cost. Not for the same customers measured
    twice (`compare_paired_means`), not for open tickets (`compare_times`), and for answers on a short scale look at
    `compare_ordinal` as well.

    Parameters
    ----------
    x, x0 : array-like, shape (n,) and (n0,), or Moments; or shape (pairs, n) and (pairs, n0)
        Values of the group asked about (such as "after") and of the reference group, at least two each. Moments serve
        the t methods, so a database can send them in place of rows. Two dimensions are many pairs, one per line, for
        the t methods; lines of unequal length are not padded: `compare_mean_summaries` takes mean, sd and n of each.
    effect : {"mean_difference", "mean_ratio"}
        ``mean(x) - mean(x0)``, or their ratio, which wants both means above zero.
    method : {"welch", "pooled", "bootstrap-t"}
        Student's t with each group's own variance (Fieller's for the ratio), with one common variance, or the
        studentised bootstrap, for skewed data such as costs and times.
    null : float, optional
        Difference (default 0) or ratio (default 1) the p-value is about: a non-inferiority margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
    resamples : int, optional
        Bootstrap resamples, 9999 unless given.
    rng : None, int, SeedSequence or Generator
        Of the bootstrap, as `numpy.random.default_rng` takes it.

    Returns
    -------
    Comparison or Comparisons
        ``values`` are the two means. The latter for one pair per line. Two groups without any scatter tell nothing of
        the error of their difference: the interval is the whole range and p is 1, with the note ``"no-scatter"``.

    Raises
    ------
    DataError
        Missing, infinite or text values, an unknown option, a ratio of means that are not above zero, unequal numbers
        of lines, the bootstrap of many pairs.
    TooFewData
        Fewer than two values in a group.

    Notes
    -----
    :math:`t = (\bar x - \bar x_0 - \delta) / \sqrt{s^2/n + s_0^2/n_0}` with Satterthwaite's degrees of freedom. A ratio
    :math:`\rho` is tested by :math:`(\bar x - \rho \bar x_0) / \sqrt{s^2/n + \rho^2 s_0^2/n_0}` and the limits are the
    ratios where it reaches the t quantile. The bootstrap replaces the t distribution by that of the same quotient in
    resamples, for limits and p-value alike; its time grows with rows times resamples.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35. Fieller (1954), JRSS B 16, 175-185. Hall (1988), Annals of Statistics 16,
    927-953.

    Examples
    --------
    >>> from qstats import compare_means
    >>> r = compare_means([3.1, 2.7, 3.4, 2.9], [4.0, 3.6, 4.4, 3.9, 4.1])
    >>> round(r.estimate, 3), round(r.pvalue, 4)
    (-0.975, 0.0021)

    Two pairs in one call:

    >>> compare_means([[3.1, 2.7, 3.4], [5.0, 5.2, 4.9]], [[4.0, 3.6, 4.4], [5.1, 5.0, 4.8]]).pvalue.round(4)
    array([0.0394, 0.6213])
    """
    check_choice(effect, "effect", _EFFECTS)
    check_choice(method, "method", _METHODS)
    confidence = check_confidence(confidence)
    tails(alternative, confidence)
    null = _checked_null(null, effect)
    many = in_lines(x, x0)
    if method == "bootstrap-t":
        if many:
            raise DataError(
                "method: 'bootstrap-t' resamples one pair per call; for one pair per line use method='welch' (or "
                "'pooled'), or call it for each line"
            )
        if isinstance(x, Moments) or isinstance(x0, Moments):
            raise DataError("x: got Moments; the bootstrap needs the rows, or use method='welch'")
        positive_means(effect, moments_of(x, "x").mean, moments_of(x0, "x0").mean)
        return by_bootstrap(effect, x, x0, null, confidence, alternative, resamples, rng)
    no_resampling(method, resamples, rng)
    text, source = _SOURCES[effect, method]
    if many:
        return compared_lines(
            line_pair(x, x0, least=2), effect, method, null=null, confidence=confidence, alternative=alternative,
            text=text, source=source,
        )  # fmt: skip
    m, m0 = moments_of(x, "x"), moments_of(x0, "x0")
    positive_means(effect, m.mean, m0.mean)
    gap = difference_of_means(x, m, x0, m0)
    group, reference = (m.mean, m.variance, m.n), (m0.mean, m0.variance, m0.n)
    estimate, pivot, df, notes = by_t(effect, method, group, reference, null, confidence, alternative, gap)
    return Comparison(
        effect, float(estimate), Interval(float(pivot.low), float(pivot.high), confidence), float(pivot.pvalue),
        alternative, null, float(pivot.statistic), (m.n, m0.n), text, source, notes, (m.mean, m0.mean), float(df),
    )  # fmt: skip


def _summary_columns(columns: dict[str, object]) -> tuple[dict[str, FloatArray], bool]:
    """Return the summaries as arrays of one length, and whether all of them were single numbers."""
    single = all(np.ndim(value) == 0 for value in columns.values())  # type: ignore[arg-type]
    arrays = {
        name: np.array([check_number(value, name)]) if np.ndim(value) == 0 else as_vector(value, name, missing="never")  # type: ignore[arg-type]
        for name, value in columns.items()
    }
    try:
        broadcast = np.broadcast_arrays(*arrays.values())
    except ValueError:
        sizes = ", ".join(f"{name} {a.size}" for name, a in arrays.items())
        raise DataError(f"mean: columns of unequal length ({sizes}); one value per comparison is wanted") from None
    arrays = dict(zip(arrays, broadcast, strict=True))
    for name, a in arrays.items():
        if name.startswith("sd") and a.min() < 0:
            raise DataError(f"{name}: got {a.min():g}; a standard deviation is zero or more")
        if name.startswith("sd") and ((a > _MOST) | ((a > 0) & (a < 1.0 / _MOST))).any():
            raise DataError(
                f"{name}: squares of {a[a > 0].min():g} to {a.max():g} do not fit a float64; scale the values"
            )
        if name.startswith("n") and (a.min() < 2 or np.any(a != np.floor(a))):
            raise DataError(
                f"{name}: got {a[(a < 2) | (a != np.floor(a))][0]:g}; whole numbers of 2 or more are wanted"
            )
    return arrays, single


def compare_mean_summaries(
    mean: object,
    sd: object,
    n: object,
    mean0: object,
    sd0: object,
    n0: object,
    *,
    effect: str = "mean_difference",
    method: str = "welch",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison | Comparisons:
    r"""Compare two means known by mean, standard deviation and n only: a report, a dashboard, a million pairs.

    Use it where the rows are gone or too many; with the rows, `compare_means` can also bootstrap.

    Parameters
    ----------
    mean, sd, n : float or array-like, shape (m,)
        Mean, standard deviation (with n - 1) and number of values of the group asked about. Numbers and arrays mix.
    mean0, sd0, n0 : float or array-like, shape (m,)
        The same for the reference group.
    effect, null, confidence, alternative
        As in `compare_means`.
    method : {"welch", "pooled"}

    Returns
    -------
    Comparison or Comparisons
        The latter when any summary is an array.

    Raises
    ------
    DataError
        A negative standard deviation, n below 2 or not whole, columns of unequal length.

    Notes
    -----
    As `compare_means`, elementwise.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35. Fieller (1954), JRSS B 16, 175-185.

    Examples
    --------
    >>> from qstats import compare_mean_summaries
    >>> r = compare_mean_summaries([4.1, 4.4], [0.9, 0.8], [120, 95], 4.0, 1.0, 110)
    >>> r.pvalue.round(4)
    array([0.4277, 0.0017])
    """
    check_choice(effect, "effect", _EFFECTS)
    check_choice(method, "method", _METHODS[:2])
    confidence = check_confidence(confidence)
    tails(alternative, confidence)
    null = _checked_null(null, effect)
    given, single = _summary_columns({"mean": mean, "sd": sd, "n": n, "mean0": mean0, "sd0": sd0, "n0": n0})
    positive_means(effect, given["mean"], given["mean0"])
    groups = [(given[f"mean{s}"], given[f"sd{s}"] ** 2, given[f"n{s}"]) for s in ("", "0")]
    estimate, pivot, df, notes = by_t(effect, method, groups[0], groups[1], null, confidence, alternative)
    text, source = _SOURCES[effect, method]
    if single:
        return Comparison(
            effect, float(estimate[0]), Interval(float(pivot.low[0]), float(pivot.high[0]), confidence),
            float(pivot.pvalue[0]), alternative, null, float(pivot.statistic[0]),
            (float(given["n"][0]), float(given["n0"][0])), text, source, notes,
            (float(given["mean"][0]), float(given["mean0"][0])), float(np.broadcast_to(df, estimate.shape)[0]),
        )  # fmt: skip
    limits = Intervals(frozen_array(pivot.low), frozen_array(pivot.high), confidence)
    sizes = frozen_array(np.column_stack([given["n"], given["n0"]]))
    return Comparisons(
        effect, frozen_array(estimate), limits, frozen_array(pivot.pvalue), alternative, null,
        frozen_array(pivot.statistic), sizes, text, source, notes,
    )  # fmt: skip


def estimate_mean(
    x: object,
    *,
    method: str = "t",
    confidence: float = 0.95,
    alternative: str = "two-sided",
    resamples: int | None = None,
    rng: object = None,
) -> Estimate:
    r"""Say what a mean is, with its interval.

    Use it for the mean of independent rows. Not for open tickets (`survival_curve`), and never alone for a short answer
    scale: the share of top answers belongs beside it.

    Parameters
    ----------
    x : array-like, shape (n,), or Moments
        At least two values; Moments with ``method="t"`` only.
    method : {"t", "bootstrap-t"}
        The bootstrap is for skewed data.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        One-sided gives one limit: ``"less"`` the upper, ``"greater"`` the lower.
    resamples, rng
        As in `compare_means`.

    Returns
    -------
    Estimate

    Raises
    ------
    DataError, TooFewData
        Bad values, fewer than two.

    Notes
    -----
    :math:`\bar x \pm t_{n-1} s / \sqrt n`, or with the quantiles of :math:`(\bar x^* - \bar x) / (s^* / \sqrt n)` over
    resamples in place of t.

    References
    ----------
    Student (1908), Biometrika 6, 1-25. Hall (1988), Annals of Statistics 16, 927-953.

    Examples
    --------
    >>> from qstats import estimate_mean
    >>> print(estimate_mean([4.0, 5.0, 3.0, 5.0, 4.0]).interval)
    (3.161, 5.239)
    """
    check_choice(method, "method", ("t", "bootstrap-t"))
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    if method == "t":
        no_resampling(method, resamples, rng)
        m = moments_of(x, "x")
    else:
        if isinstance(x, Moments):
            raise DataError("x: got Moments; the bootstrap needs the rows, or use method='t'")
        values = as_vector(x, "x", least=2, missing="never")
        m = moments_of(values, "x")
    se = m.std / math.sqrt(m.n)
    text, source = "Student t", "Student (1908), Biometrika 6, 1-25"
    notes = scatter_notes(se, m.mean, still=NO_SCATTER)
    pivot = pivot_test(m.mean, se, m.n - 1.0, m.mean, confidence, alternative)
    low, high = float(pivot.low), float(pivot.high)
    if method == "bootstrap-t":
        count = check_resamples(resamples, below, above)
        text, source = f"bootstrap-t, {count} resamples", BOOTSTRAP
        draw = as_generator(rng)
        if se > 0:
            shift, var = resampled_moments(centred(values, m.mean), count, draw)
            with np.errstate(divide="ignore", invalid="ignore"):
                t = np.where(shift == 0.0, 0.0, shift / np.sqrt(var / m.n))
            found = invert_draws(t, 0.0, below, above)
            low, high = m.mean - found.high_critical * se, m.mean - found.low_critical * se
            if (below > 0 and math.isinf(low)) or (above > 0 and math.isinf(high)):
                notes = (*notes, ENDLESS)
    return Estimate("mean", m.mean, Interval(low, high, confidence), m.n, text, source, notes)
