"""Did a mean change when the action came? The regression of counts, for scores, times and other measured values."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import as_vector
from qstats._core.checks import check_confidence, check_number
from qstats.errors import DataError, NoConvergence
from qstats.inference.series.interrupted import kept_periods, model_terms
from qstats.inference.series.judge import Asked, Seen, judged
from qstats.inference.series.kernels import fit_means
from qstats.inference.series.result import InterruptedSeries

__all__ = ["interrupted_means"]


def interrupted_means(
    mean: object,
    se: object,
    *,
    step: int,
    trend: bool = False,
    slope: bool = False,
    harmonics: int = 0,
    period: float = 12.0,
    use: object = None,
    log: bool = False,
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> InterruptedSeries:
    r"""Tell whether a mean changed at a known period, with what months share taken into account.

    Use it for monthly NPS, effort, lead time or cost before and after an action, 18 periods or more, with the standard
    error of each month. Not for counts of events (`interrupted_series`), and not for months of fewer than some ten
    answers, whose standard errors are themselves uncertain.

    Parameters
    ----------
    mean : array-like, shape (T,)
        Mean of each period, in order, none left out.
    se : array-like, shape (T,)
        Its standard error, in the same unit; above zero.
    step : int
        Position of the first period after the change.
    trend, slope, harmonics, period, use
        As in `interrupted_series`.
    log : bool
        Whether the means are means of logarithms: the effect is then a ratio of geometric means.
    null : float, optional
        Effect the p-value is about: 0, or 1 with `log`.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    InterruptedSeries
        Differences in the unit of `mean`, or ratios with `log`.

    Raises
    ------
    TooFewData
        Fewer than 3 periods in a phase, fewer than 8 degrees of freedom.
    DataError
        Terms that cannot be told apart, a standard error of zero.

    Notes
    -----
    The method of `interrupted_series` with the sampling error in the place of Poisson noise: of the variance of the
    weighted residuals, 1 is sampling error, which cannot persist from one period to the next.

    References
    ----------
    Zeger (1988), Biometrika 75, 621-629; size and power: tests/calibration/test_interrupted_means.py.

    Examples
    --------
    >>> from qstats import interrupted_means
    >>> before = [21, 25, 19, 28, 24, 22, 26, 20, 23, 27, 22, 24]
    >>> after = [31, 35, 30, 33, 36, 32, 29, 34, 33, 35, 31, 32]
    >>> r = interrupted_means(before + after, [3.0] * 24, step=12)
    >>> round(r.estimate, 1), r.strength
    (9.2, 'verified')
    """
    confidence = check_confidence(confidence)
    at = (1.0 if log else 0.0) if null is None else null
    at = check_number(at, "null", above=0.0) if log else check_number(at, "null")
    y, error = as_vector(mean, "mean", missing="never"), as_vector(se, "se", missing="never")
    if y.size != error.size:
        raise DataError(f"se: {error.size} entries for {y.size} means; one each is wanted")
    kept = kept_periods(use, y.size)
    if not (error[kept] > 0.0).all():
        raise DataError("se: a standard error of zero or less came; leave the period out with use=, or pool its spread")
    x, names, contrast, time = model_terms(
        "mean", kept, step, trend=trend, slope=slope, harmonics=harmonics, period=period
    )
    centre = float(y[kept].mean())  # an offset of 1e12 must not eat the digits of the step
    f = fit_means((y[kept] - centre)[None, :], error[kept], x)
    if not f.settled[0] or not np.isfinite(f.phi[0]):
        raise NoConvergence("mean: the regression did not settle; check se for values of very different size")
    beta = f.beta.copy()
    beta[:, 0] += centre
    f = f._replace(beta=beta, mean=f.mean + centre)
    ones, after = np.ones(int(kept.sum())), x[:, -1]
    n = (float((after > 0).sum()), float((after == 0).sum()))
    mean_scale = np.exp(f.mean) if log else f.mean
    seen = Seen(x, names, contrast, time, ones, ones, kept, n)
    effect = "geometric_mean_ratio" if log else "mean_difference"
    return judged(f._replace(mean=mean_scale), seen, Asked(effect, log, at, confidence, alternative))
