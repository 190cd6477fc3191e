"""Did the rate change when the action came? A regression of a count series, honest about what months share."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray, as_counts, as_exposure, as_vector
from qstats._core.checks import check_confidence, check_number
from qstats.errors import DataError, NoConvergence, TooFewData
from qstats.inference.series.judge import Asked, Seen, judged
from qstats.inference.series.kernels import Fitted, fit_poisson, fit_proportion, fit_share
from qstats.inference.series.result import InterruptedSeries

__all__ = ["design_matrix", "interrupted_series", "kept_periods", "model_terms"]

_LEAST_DF = 8
_LEAST_PHASE = 3
_SLOPE_AFTER = 8  # periods after that a change of slope can be read from


def design_matrix(
    time: FloatArray, after: FloatArray, *, trend: bool, slope: bool, harmonics: int, period: float
) -> tuple[FloatArray, tuple[str, ...], FloatArray]:
    """Return the design (T, p), the names of its columns, and the contrast of the mean effect after."""
    columns, names, contrast = [np.ones(time.size)], ["level"], [0.0]
    if trend:
        columns.append(time - time.mean())
        names.append("trend")
        contrast.append(0.0)
    for k in range(1, harmonics + 1):
        turn = 2.0 * math.pi * k * time / period
        pair = [np.sin(turn), np.cos(turn)] if 2 * k != period else [np.cos(turn)]
        columns += pair
        names += [f"sin {k}", f"cos {k}"] if len(pair) == 2 else [f"cos {k}"]
        contrast += [0.0] * len(pair)
    if slope:
        since = (time - time[after > 0].min()) * after
        columns.append(since)
        names.append("slope")
        contrast.append(float(since[after > 0].mean()))
    columns.append(after)
    names.append("step")
    contrast.append(1.0)
    return np.column_stack(columns), tuple(names), np.array(contrast)


def _some_events(y: FloatArray, after: FloatArray) -> None:
    for name, some in (("after", after > 0), ("before", after == 0)):
        if not y[some].sum() > 0:
            raise TooFewData(f"counts: no event {name}; a log-linear model cannot say so: use compare_rates")


def _checked(name: str, after: FloatArray, x: FloatArray) -> None:
    for phase, some in (("after", after > 0), ("before", after == 0)):
        if int(some.sum()) < _LEAST_PHASE:
            raise TooFewData(f"{name}: {int(some.sum())} periods {phase}; at least {_LEAST_PHASE} are wanted")
    if after.size - x.shape[1] < _LEAST_DF:
        raise TooFewData(
            f"{name}: {after.size} periods for {x.shape[1]} coefficients; at least {x.shape[1] + _LEAST_DF} are "
            "wanted: leave terms out, or compare totals"
        )
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise DataError("trend, harmonics: the terms cannot be told apart in these periods; leave some out")


def interrupted_series(
    counts: object,
    exposure: object = None,
    *,
    step: int,
    trend: bool = False,
    slope: bool = False,
    harmonics: int = 0,
    period: float = 12.0,
    use: object = None,
    control: object = None,
    control_exposure: object = None,
    size: object = None,
    null: float = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> InterruptedSeries:
    r"""Tell whether a rate changed at a known period, with what months share taken into account.

    Use it for monthly or weekly counts before and after an action, 18 periods or more. Whether there is a trend, a
    change of slope or a season is declared before looking at the result. Not for fewer events than one in three periods
    or so, not for a date found in the same data, and no proof by itself that the action was the cause.

    Parameters
    ----------
    counts : array-like, shape (T,)
        Events of each period, in order, none left out.
    exposure : array-like, shape (T,), or number, optional
        Orders, units, customers of each period; 1 unless given.
    step : int
        Position of the first period after the change.
    trend : bool
        Whether the rate moved steadily before; costs a third to half of the power.
    slope : bool
        Whether that movement changes too; wants 8 periods after. The estimate is then the mean effect after.
    harmonics : int
        Pairs of waves in the season: 0, 1 or 2.
    period : float
        Periods of a season's cycle: 12 for months, 52.18 for weeks.
    use : array-like of bool, shape (T,), optional
        False for periods to leave out (a transition, the peak that started the action).
    control, control_exposure : array-like, shape (T,), optional
        Events (and exposure) of a group that was not changed and lived through the same: weather, season, volume. The
        effect is then the target's rate ratio over the control's.
    size : array-like, shape (T,), optional
        Cases among which the events were counted, instead of an exposure: the effect is then a ratio of shares.
    null : float
        Ratio the p-value is about: a target or a margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    InterruptedSeries

    Raises
    ------
    TooFewData
        Fewer than 3 periods or no event in a phase, fewer than 8 degrees of freedom.
    DataError
        Terms that cannot be told apart, counts or exposure that are none.
    NoConvergence
        The likelihood has no maximum within reach.

    Notes
    -----
    Poisson regression with the log of exposure as offset. Of the Pearson residuals' variance 1 is Poisson noise, which
    cannot persist; the excess :math:`\kappa` has correlation :math:`\rho^{|t-s|}`. For each of 20 values of
    :math:`\rho` the excess follows from the residuals, the coefficients from one step of generalised least squares; the
    values are averaged by their restricted likelihood with half the prior at :math:`\rho = 0` and half rising with
    :math:`\rho`. Estimate, interval and p-value are quantiles of that mixture of t distributions. Less scatter than
    Poisson never narrows anything. With a control the target's share of both counts is binomial, given their sum, and
    the same steps follow: what both share cancels.

    The second opinion estimates the long-run variance from a few slow cosines instead. With :math:`\alpha/2` for the
    side of the estimate, the strength is *indicated* where the mixture rejects, *confirmed* where both do (18 periods
    or more), *verified* where the component at :math:`\rho = 0.6` does too, with 24 periods and 6 after.

    References
    ----------
    Zeger (1988), Biometrika 75, 621-629. McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., ch. 9. Mueller
    (2014), Journal of Business & Economic Statistics 32, 311-322 (cosines).

    Examples
    --------
    >>> from qstats import interrupted_series
    >>> before = [52, 61, 44, 70, 83, 66, 49, 41, 58, 77, 90, 72]
    >>> after = [55, 47, 39, 31, 36, 44, 28, 25, 33, 41, 38, 30]
    >>> r = interrupted_series(before + after, exposure=1000, step=12)
    >>> round(r.estimate, 2), r.strength
    (0.61, 'verified')
    """
    confidence = check_confidence(confidence)
    null = check_number(null, "null", above=0.0)
    y = as_counts(counts, "counts", missing="never")
    e = as_exposure(1.0 if exposure is None else exposure, "exposure", y.size, missing="never")
    kept = kept_periods(use, y.size)
    terms = model_terms("counts", kept, step, trend=trend, slope=slope, harmonics=harmonics, period=period)
    x, names, contrast, time = terms
    after = x[:, -1]
    _some_events(y[kept], after)
    effect, scale = "rate_ratio" if control is None else "rate_ratio_ratio", e[kept]
    if size is None:
        level, f = _fitted(y, e, kept, x, control, control_exposure)
    else:
        effect, level, scale = "risk_ratio", np.ones(int(kept.sum())), as_exposure(size, "size", y.size)[kept]
        f = _of_cases(y[kept], scale, x, (exposure, control, control_exposure))
    if not f.settled[0] or not np.isfinite(f.phi[0]):
        raise NoConvergence("counts: the regression found no maximum; leave terms out or take longer periods")
    n = (float(y[kept][after > 0].sum()), float(y[kept][after == 0].sum()))
    seen = Seen(x, names, contrast, time, scale, level, kept, n)
    return judged(f, seen, Asked(effect, True, null, confidence, alternative))


def kept_periods(use: object, size: int) -> BoolArray:
    """Return which periods count, from a flag each."""
    if use is None:
        return np.ones(size, dtype=np.bool_)
    flag = as_vector(use, "use", missing="never")
    if flag.size != size or ((flag != 0) & (flag != 1)).any():
        raise DataError(f"use: {flag.size} entries for {size} periods; one true or false each is wanted")
    return np.asarray(flag == 1, dtype=np.bool_)


def model_terms(
    data: str, kept: BoolArray, step: object, *, trend: bool, slope: bool, harmonics: object, period: object
) -> tuple[FloatArray, tuple[str, ...], FloatArray, FloatArray]:
    """Return design, its names, the contrast of the step, and the times of the periods kept."""
    at = _whole(step, "step", 1, kept.size - 1)
    waves = _whole(harmonics, "harmonics", 0, 2)
    cycle = check_number(period, "period", least=3.0)
    time, after = np.arange(float(kept.size))[kept], (np.arange(kept.size) >= at)[kept].astype(np.float64)
    if slope and int(after.sum()) < _SLOPE_AFTER:
        raise TooFewData(f"slope: {int(after.sum())} periods after; at least {_SLOPE_AFTER} are wanted for a slope")
    if not after.any() or after.all():
        raise TooFewData(f"{data}: no period is left {'before' if after.all() else 'after'} the step")
    x, names, contrast = design_matrix(time, after, trend=trend, slope=slope, harmonics=waves, period=cycle)
    _checked(data, after, x)
    return x, names, contrast, time


def _of_cases(y: FloatArray, size: FloatArray, x: FloatArray, others: tuple[object, ...]) -> Fitted:
    if any(other is not None for other in others):
        raise DataError("size: counts among cases take no exposure and no control; pass one or the other")
    if (y > size).any():
        raise DataError("size: fewer cases than counted in a period; the number of cases is wanted")
    return fit_proportion(y[None, :], size, x)


def _fitted(
    y: FloatArray, e: FloatArray, kept: BoolArray, x: FloatArray, control: object, exposure: object
) -> tuple[FloatArray, Fitted]:
    """Return what the fitted ratio is a ratio to (1, or the control's rate), and the fit."""
    level = np.ones(int(kept.sum()))
    if control is None:
        if exposure is not None:
            raise DataError("control_exposure: came without control; pass the control's counts too")
        f = fit_poisson(y[None, kept], np.log(e[kept]), x)
    else:
        y0 = as_counts(control, "control", missing="never")
        if y0.size != y.size:
            raise DataError(f"control: {y0.size} periods came for {y.size}; one each is wanted")
        e0 = as_exposure(1.0 if exposure is None else exposure, "control_exposure", y.size, missing="never")
        both = (y + y0)[None, kept]
        for name, some in (("after", x[:, -1] > 0), ("before", x[:, -1] == 0)):
            if not y0[kept][some].sum() > 0:
                raise TooFewData(f"control: no event {name}; nothing to compare with")
        f = fit_share(y[None, kept], both, np.log(e[kept] / e0[kept]), x)
        level = y0[kept] / e0[kept]
    return level, f


def _whole(value: object, name: str, least: int, most: int) -> int:
    number = check_number(value, name)
    if number != math.floor(number) or not least <= number <= most:
        raise DataError(f"{name}: got {value!r}; a whole number from {least} to {most} is wanted")
    return int(number)
