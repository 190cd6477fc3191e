"""Did the rate change when the action came? A regression of a count series, honest about what months share."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray, as_counts, as_exposure, as_vector
from qstats._core.checks import check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import frozen_array
from qstats.errors import DataError, NoConvergence, TooFewData
from qstats.inference.comparison import Comparison, tail_probability, tails
from qstats.inference.series.kernels import (
    RHO,
    Fitted,
    Mixture,
    cosine_contrast,
    fit_poisson,
    fit_share,
    mixture_cdf,
    mixture_quantile,
    nugget_mixture,
)
from qstats.inference.series.result import InterruptedSeries

__all__ = ["design_matrix", "interrupted_series"]

_STRESS = (0.0, 0.3, 0.6)
_LEAST_DF = 8
_LEAST_PHASE = 3
_LONG, _LONG_AFTER = 24, 6  # periods that "verified" asks for
_SHORT = 18  # with fewer nothing was simulated
_SLOPE_AFTER = 8  # periods after that a change of slope can be read from
_SOURCE = (
    "McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., ch. 6 and 9; Zeger (1988), Biometrika 75, 621-629 "
    "(counts with correlated noise); size and power: tests/calibration/test_interrupted_series.py"
)
_SECOND = "Mueller (2014), J. Business & Economic Statistics 32, 311-322; Lazarus et al. (2018), ibid. 36, 541-559"


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


def _checked(y: FloatArray, after: FloatArray, x: FloatArray) -> None:
    for name, some in (("after", after > 0), ("before", after == 0)):
        if int(some.sum()) < _LEAST_PHASE:
            raise TooFewData(f"counts: {int(some.sum())} periods {name}; at least {_LEAST_PHASE} are wanted")
        if not y[some].sum() > 0:
            raise TooFewData(f"counts: no event {name}; a log-linear model cannot say so: use compare_rates")
    if y.size - x.shape[1] < _LEAST_DF:
        raise TooFewData(
            f"counts: {y.size} periods for {x.shape[1]} coefficients; at least {x.shape[1] + _LEAST_DF} are wanted: "
            "leave terms out, or compare totals with compare_rates"
        )
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise DataError("trend, harmonics: the terms cannot be told apart in these periods; leave some out")


def _second(
    f: Fitted, contrast: FloatArray, effect: str, null: float, confidence: float, alternative: str
) -> Comparison:
    got = cosine_contrast(f, contrast)
    estimate, se, df = float(got.estimate[0]), float(got.se[0]), got.df
    t = (estimate - math.log(null)) / se
    below, above = tails(alternative, confidence)
    low = math.exp(estimate - float(t_quantile(1.0 - below, df)) * se) if below else 0.0
    high = math.exp(estimate + float(t_quantile(1.0 - above, df)) * se) if above else math.inf
    p = tail_probability(float(t_sf(-t, df)), float(t_sf(t, df)), alternative)
    method = f"quasi-Poisson, {df} projected cosines, t"
    limits = Interval(low, high, confidence)
    return Comparison(effect, math.exp(estimate), limits, p, alternative, null, t, (), method, _SECOND, df=df)


def _component(mix: Mixture, i: int, side: float) -> float:
    """One-sided p-value towards `side` (-1: fewer) if the correlation were RHO[i]."""
    return float(t_sf(side * mix.estimate[0, i] / mix.se[0, i], mix.df))


def _strength(p: float, second: float, stress: float, alpha: float, periods: tuple[int, int]) -> str:
    if p > alpha:
        return "none"
    if second > alpha or sum(periods) < _SHORT:
        return "indicated"
    long = sum(periods) >= _LONG and periods[0] >= _LONG_AFTER
    return "verified" if stress <= alpha and long else "confirmed"


def _counterfactual(
    f: Fitted, x: FloatArray, names: tuple[str, ...], confidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rates without the change, with limits of the mean at the scatter seen (no correlation: a picture, not a test)."""
    without = x.copy()
    without[:, [i for i, name in enumerate(names) if name in ("step", "slope")]] = 0.0
    cover = np.linalg.inv(np.einsum("tp,tq->pq", f.design[0], f.design[0])) * max(float(f.phi[0]), 1.0)
    level = without @ f.beta[0]
    reach = float(t_quantile(0.5 + 0.5 * confidence, x.shape[0] - x.shape[1])) * np.sqrt(
        np.einsum("tp,pq,tq->t", without, cover, without)
    )
    return np.exp(level), np.exp(level - reach), np.exp(level + reach)


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
    kept = np.ones(y.size, dtype=np.bool_)
    if use is not None:
        flag = as_vector(use, "use", missing="never")
        if flag.size != y.size or ((flag != 0) & (flag != 1)).any():
            raise DataError(f"use: {flag.size} entries for {y.size} periods; one true or false each is wanted")
        kept = flag == 1
    at = _whole(step, "step", 1, y.size - 1)
    waves = _whole(harmonics, "harmonics", 0, 2)
    cycle = check_number(period, "period", least=3.0)
    time, after = np.arange(float(y.size))[kept], (np.arange(y.size) >= at)[kept].astype(np.float64)
    if slope and int(after.sum()) < _SLOPE_AFTER:
        raise TooFewData(f"slope: {int(after.sum())} periods after; at least {_SLOPE_AFTER} are wanted for a slope")
    x, names, contrast = design_matrix(time, after, trend=trend, slope=slope, harmonics=waves, period=cycle)
    _checked(y[kept], after, x)
    level, f = _fitted(y, e, kept, x, control, control_exposure)
    effect = "rate_ratio" if control is None else "rate_ratio_ratio"
    return _result(f, x, names, contrast, time, (y, e, kept, level), effect, null, confidence, alternative)


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
    if not f.settled[0] or not np.isfinite(f.phi[0]):
        raise NoConvergence("counts: the regression found no maximum; leave terms out or take longer periods")
    return level, f


def _whole(value: object, name: str, least: int, most: int) -> int:
    number = check_number(value, name)
    if number != math.floor(number) or not least <= number <= most:
        raise DataError(f"{name}: got {value!r}; a whole number from {least} to {most} is wanted")
    return int(number)


def _result(
    f: Fitted,
    x: FloatArray,
    names: tuple[str, ...],
    contrast: FloatArray,
    time: FloatArray,
    data: tuple[FloatArray, FloatArray, BoolArray, FloatArray],
    effect: str,
    null: float,
    confidence: float,
    alternative: str,
) -> InterruptedSeries:
    y, e, kept, level = data
    after = x[:, names.index("step")]
    mix = nugget_mixture(f, contrast, time)
    low_tail, high_tail = (float(p[0]) for p in mixture_cdf(mix, np.array([math.log(null)])))
    # what lies above the null speaks for "greater": the chance of the other side is its p-value
    pvalue = tail_probability(high_tail, low_tail, alternative)
    below, above = tails(alternative, confidence)
    low, middle, high = (float(mixture_quantile(mix, p)[0]) for p in (below, 0.5, 1.0 - above))
    second = _second(f, contrast, effect, null, confidence, alternative)
    side = -1.0 if middle > 0 else 1.0
    alpha = 0.5 * (1.0 - confidence)
    zero = [float(p[0]) for p in mixture_cdf(mix, np.zeros(1))]
    components = [_component(mix, i, -side) for i in range(RHO.size)]
    plain = _second(f, contrast, effect, 1.0, confidence, "less" if side > 0 else "greater").pvalue
    periods = (int(after.sum()), int((after == 0).sum()))
    stress = {rho: components[round(rho / 0.05)] for rho in _STRESS}
    strength = _strength(zero[1] if side > 0 else zero[0], plain, stress[0.6], alpha, periods)
    standing = [float(rho) for rho, p in zip(RHO, components, strict=True) if p <= alpha]
    spread = float(np.sqrt((mix.weight * (mix.se**2 + (mix.estimate - middle) ** 2)).sum()))
    reach = float(t_quantile(1.0 - alpha, mix.df) + t_quantile(0.8, mix.df)) * spread
    bands = [np.full(y.size, np.nan) for _ in range(4)]
    lines = (level * line for line in _counterfactual(f, x, names, confidence))
    for band, values in zip(bands, (f.mean[0] / e[kept], *lines), strict=True):
        band[kept] = values
    fitted, expected, least, most = (frozen_array(band) for band in bands)
    return InterruptedSeries(
        effect, math.exp(middle), Interval(math.exp(low), math.exp(high), confidence), pvalue, alternative, null,
        (float(y[kept][after > 0].sum()), float(y[kept][after == 0].sum())), periods, mix.df, float(f.phi[0]),
        float((mix.weight * mix.noise * RHO).sum()), frozen_array(mix.weight[0]), stress,
        max(standing) if standing else None, second, strength, math.exp(-reach),
        dict(zip(names, f.beta[0].tolist(), strict=True)), fitted, expected, least, most,
        _method(effect) + ", ".join(names[1:]), _SOURCE, _notes(f, periods),
    )  # fmt: skip


def _method(effect: str) -> str:
    kind = "Poisson regression" if effect == "rate_ratio" else "regression of the share of both counts"
    return f"{kind}, autocorrelation integrated out; "


def _notes(f: Fitted, periods: tuple[int, int]) -> tuple[Note, ...]:
    notes = []
    if f.phi[0] <= 1.0:
        text = "no more scatter than Poisson: the series carries no information about autocorrelation"
        notes.append(Note("no-autocorrelation-seen", "info", text))
    if sum(periods) < _SHORT:
        text = f"{sum(periods)} periods: fewer than the {_SHORT} the method was tried on; 'indicated' at most"
        notes.append(Note("short-series", "warning", text))
    return tuple(notes)
