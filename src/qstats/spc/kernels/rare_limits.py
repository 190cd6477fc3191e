"""Limits for what is rare: units between events (geometric), times between events (Weibull, exponential)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.blocks import safe_mean
from qstats._core.checks import check_choice, check_number
from qstats._core.quantiles import normal_quantile
from qstats.errors import DataError, NoConvergence, TooFewData
from qstats.spc.limits import ControlLimits, Parameter

__all__ = ["G_METHODS", "POWER", "T_METHODS", "TimeLimits", "exponential_mle", "g_limits", "time_limits", "weibull_mle"]

G_METHODS = ("probability", "minitab", "sas", "qcc", "three_sigma")
T_METHODS = ("weibull", "exponential", "transform", "transform_screened")
_ESTIMATORS = ("mvue", "benneyan", "mle")
_OWN_ESTIMATOR = {"probability": "mvue", "minitab": "benneyan", "sas": "benneyan"}
POWER = 3.6  # Nelson (1994), JQT 26(3), 239-243: exponential times to this root are nearly normal
_LONGEST = 255
_STEPS = 200
_LAST = 2**52

_G_WORDS = {
    "probability": "limits at exact quantiles of the geometric distribution",
    "minitab": "limits at interpolated quantiles of the geometric distribution (Minitab)",
    "sas": "limits at rounded quantiles of the geometric distribution (SAS)",
    "qcc": "limits at geometric quantiles with p = 1 / mean (qcc, which counts from 0 and estimates as if from 1)",
    "three_sigma": "limits at mean -+ 3 standard deviations of the geometric distribution",
}


def _probability(excess: float, n: int, estimator: str) -> float:
    """Return the chance that a unit has the event, from the mean number of units without it between two events."""
    if estimator == "mle":
        return 1.0 / (excess + 1.0)
    if estimator == "benneyan":
        return (n - 1.0) / n / (excess + 1.0)
    return (n - 1.0) / (n * (excess + 1.0) - 1.0)


def _settled(at: int, holds: Callable[[float], bool]) -> int:
    """Return the first whole number for which `holds` is true, from one that rounding may have put a few steps off."""
    if at >= _LAST:  # a float64 has no step of one there, and rounding makes no difference that anybody could count to
        return at
    for _ in range(_STEPS):
        if at > 0 and holds(at - 1.0):
            at -= 1
        elif not holds(float(at)):
            at += 1
        else:
            break
    return at


def _exact(fade: float, tail: float) -> tuple[float, float, float]:
    """Return lower limit, median and upper limit in whole units; `fade` is the logarithm of 1 - p."""

    def above(u: float) -> float:
        return math.exp(fade * (u + 1.0))

    def below(low: float) -> float:
        return -math.expm1(fade * low)

    upper = max(math.ceil(math.log(tail) / fade - 1.0), 0)
    upper = _settled(upper, lambda u: above(u) <= tail)
    lower = max(math.floor(math.log1p(-tail) / fade), 0)
    lower = _settled(lower + 1, lambda low: below(low) > tail) - 1
    median = max(math.ceil(math.log(0.5) / fade - 1.0), 0)
    return float(lower), float(median), float(upper)


def _lines(method: str, fade: float, tail: float, excess: float) -> tuple[float, float, float]:
    """Return lower limit, centre and upper limit of the units beyond the smallest number."""
    if method == "three_sigma":
        return 0.0, excess, excess + 3.0 * math.sqrt(excess * (excess + 1.0))
    if method == "minitab":
        low, mid, high = (math.log(q) / fade - 1.0 for q in (1.0 - tail, 0.5, tail))
        return max(low, 0.0), max(mid, 0.0), max(high, 0.0)
    if method == "sas":
        low, mid, high = (math.log(q) / fade for q in (1.0 - tail, 0.5, tail))
        return float(math.floor(low)), mid, float(math.ceil(high))
    lower, median, upper = _exact(fade, tail)
    return lower, excess if method == "qcc" else median, upper


def _run(p: float, tail: float) -> int:
    """Return how many smallest values in a row are rarer than `tail` (0: no run says anything)."""
    if p >= 1.0:
        return 0
    k = max(2, math.ceil(math.log(tail) / math.log(p) - 1e-12))
    return k if k <= _LONGEST else 0


def g_limits(
    mean: float,
    n: int,
    *,
    method: str = "probability",
    estimator: str | None = None,
    alpha: float = 0.0027,
    shift: int = 0,
    phase: str = "",
) -> ControlLimits:
    """Return the limits of a g chart from the mean number of units between events and how many gaps it rests on.

    For limits from a published mean, or to see how far programs differ on the same data. With the data at hand use
    `g_chart`, which calls this.

    Parameters
    ----------
    mean : float
        Mean number of units between events, `shift` or more.
    n : int
        Gaps it is the mean of, 2 or more.
    method : {"probability", "minitab", "sas", "qcc", "three_sigma"}
        As in `g_chart`.
    estimator : {"mvue", "benneyan", "mle"}, optional
        As in `g_chart`.
    alpha : float
        False alarms per point, both sides together.
    shift : {0, 1}
        Smallest possible number: 0 if units between two events are counted, 1 if the event itself counts too.
    phase : str
        Name of the phase.

    Returns
    -------
    ControlLimits
        Of kind ``"g"``. Parameters ``lower``, ``upper``, ``p``, ``shift``, ``run_of_minimum`` (so many smallest values
        in a row are a signal; 0: no such test) and ``alpha``, the false alarms per point of the limits as they are.

    Raises
    ------
    DataError
        A mean below `shift`, an option that cannot be used.
    TooFewData
        A mean of fewer than two gaps.

    Notes
    -----
    ``P(X > x) = (1 - p)**(x + 1 - shift)`` for whole x. ``mvue``: ``p = (n - 1) / (total units - 1)``, events counted
    among the units; ``benneyan``: ``p = (n - 1) / n / (mean - shift + 1)``; ``mle``: ``p = 1 / (mean - shift + 1)``.

    References
    ----------
    Benneyan (2001), Health Care Management Science 4(4), 305-318; SAS Institute, SAS/QC User's Guide, The RAREEVENTS
    Procedure, "Constructing Rare Events Charts" (run of minimum); Haldane (1945), Biometrika 33(3), 222-225 (mvue).

    Examples
    --------
    >>> from qstats.spc.kernels.rare_limits import g_limits
    >>> [round(g_limits(31.67, 67, method=m).number("upper"), 1) for m in ("probability", "minitab", "three_sigma")]
    [215.0, 214.8, 128.2]
    """
    check_choice(method, "method", G_METHODS)
    tail = 0.5 * check_number(alpha, "alpha", above=0.0, below=1.0)
    if isinstance(shift, bool) or shift not in (0, 1):
        raise DataError(f"shift: got {shift!r}; 0 (units between events) or 1 (the event counts too) is wanted")
    if n < 2:
        raise TooFewData(f"n: {n} gaps between events; at least 2 are wanted")
    which = _estimator(method, estimator)
    excess = check_number(mean, "mean", least=float(shift), below=2.0**53) - shift
    p = _probability(excess, n, which)
    if excess == 0.0:
        lower, center, upper, attained, run = 0.0, 0.0, 0.0, 0.0, 0
    else:
        if method == "qcc" and mean <= 1.0:
            raise DataError(f"method: 'qcc' takes p = 1 / mean, which is no chance for a mean of {mean:g}")
        fade = math.log1p(-1.0 / mean if method == "qcc" else -p)
        lower, center, upper = _lines(method, fade, tail, excess)
        true = math.log1p(-p)
        attained = math.exp(true * (math.floor(upper) + 1.0)) - math.expm1(true * max(math.ceil(lower), 0))
        run = 0 if lower > 0.0 else _run(p, tail)
    how = "" if method in ("three_sigma", "qcc") else f", p by {which}"
    nsigma = 3.0 if method == "three_sigma" else -float(normal_quantile(tail))
    parameters: dict[str, Parameter] = {
        "method": method,
        "p": p,
        "shift": shift,
        "alpha": attained,
        "lower": lower + shift,
        "upper": upper + shift,
        "run_of_minimum": run,
    }
    return ControlLimits("g", center + shift, None, nsigma, phase, n, _G_WORDS[method] + how, parameters)


def _estimator(method: str, estimator: str | None) -> str:
    if estimator is None:
        return _OWN_ESTIMATOR.get(method, "mvue")
    if method not in ("probability", "sas"):
        raise DataError(f"estimator: got {estimator!r}, but method {method!r} has one of its own; leave it out")
    return check_choice(estimator, "estimator", _ESTIMATORS)


class TimeLimits(NamedTuple):
    """Lines of a t chart: false alarms per point, and the distribution they rest on (NaN where there is none)."""

    lower: float
    center: float
    upper: float
    alpha: float
    shape: float
    scale: float


def _censored(u: float) -> tuple[float, float, float]:
    """Return log(1 - exp(-u)) with its first and second derivative by log(u)."""
    value = math.log(-math.expm1(-u))
    slope = u / math.expm1(u) if u < 700.0 else 0.0
    return value, slope, slope * (1.0 - u - slope)


def _likelihood(
    y: FloatArray, a: float, b: float, zeros: int, low: float
) -> tuple[float, tuple[float, float], tuple[float, float, float]]:
    """Return log-likelihood, gradient and Hessian (aa, ab, bb) for ``(time / scale)**shape = exp(a * log(time) - b)``.

    In a and b it is concave, zeros (known only to be below ``exp(low)``) among the data or not.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        w = a * y - b
        e = np.exp(w)
        value = y.size * math.log(a) + float(w.sum() - e.sum())
        ey = e * y
        total, first, second = float(e.sum()), float(ey.sum()), float(np.dot(ey, y))
    da, db = y.size / a + float(y.sum()) - first, total - y.size
    aa, ab, bb = -y.size / (a * a) - second, first, -total
    if zeros:
        c, slope, bend = _censored(math.exp(min(a * low - b, 700.0)))
        value += zeros * c
        da, db = da + zeros * slope * low, db - zeros * slope
        aa, ab, bb = aa + zeros * bend * low * low, ab - zeros * bend * low, bb + zeros * bend
    return value, (da, db), (aa, ab, bb)


def weibull_mle(times: FloatArray, half_unit: float) -> tuple[float, float]:
    """Return shape and scale of a Weibull distribution by maximum likelihood.

    Parameters
    ----------
    times : numpy.ndarray
        Zero or more; a zero is known only to be shorter than `half_unit`.
    half_unit : float
        Above 0 and no longer than any other time.

    Raises
    ------
    DataError
        All times are the same.
    NoConvergence
        The iteration did not settle.

    Notes
    -----
    Newton's method with step halving on a concave log-likelihood: Lawless (2003), Statistical Models and Methods for
    Lifetime Data, 2nd ed., section 5.2, with left censoring.
    """
    y = np.log(times[times > 0.0])
    zeros = times.size - y.size
    middle = safe_mean(y)
    y -= middle
    spread = math.sqrt(float(np.dot(y, y)) / y.size)
    # equal times may differ in the last digit of their logarithms
    if spread < 1e-12 and not zeros:
        raise DataError("data: all times are the same, which no Weibull distribution fits; method='exponential' does")
    low = math.log(half_unit) - middle
    a = 1.28 / max(spread, -0.1 * low)
    b = 0.577
    value, slope, bend = _likelihood(y, a, b, zeros, low)
    for _ in range(_STEPS):
        det = bend[0] * bend[2] - bend[1] * bend[1]
        step_a = -(bend[2] * slope[0] - bend[1] * slope[1]) / det
        step_b = -(bend[0] * slope[1] - bend[1] * slope[0]) / det
        gain = slope[0] * step_a + slope[1] * step_b
        size = 1.0
        while size > 1e-12:
            new_a, new_b = a + size * step_a, b + size * step_b
            new = _likelihood(y, new_a, new_b, zeros, low) if new_a > 0.0 else None
            # not worse than rounding makes it
            if new is not None and new[0] >= value - 1e-12 * abs(value) and math.isfinite(new[0]):
                break
            size *= 0.5
        else:
            break
        a, b, (value, slope, bend) = new_a, new_b, new
        if gain <= 1e-24 * times.size:
            return a, math.exp(b / a + middle)
        if abs(step_a) <= 1e-14 * a and abs(step_b) <= 1e-14 * (1.0 + abs(b)):
            return a, math.exp(b / a + middle)
    raise NoConvergence("data: no Weibull distribution was found for these times; use method='exponential'")


def exponential_mle(times: FloatArray, half_unit: float) -> float:
    """Return the mean of an exponential distribution by maximum likelihood; zeros are shorter than `half_unit`."""
    positive = times[times > 0.0]
    zeros, n, total = times.size - positive.size, positive.size, safe_mean(positive) * positive.size
    b = math.log(total / n)
    if not zeros:
        return total / n
    for _ in range(_STEPS):
        rest = total * math.exp(-b)
        _, g, bend = _censored(half_unit * math.exp(-b))
        slope, curve = rest - n - zeros * g, -rest + zeros * bend
        step = max(-1.0, min(1.0, -slope / curve))  # concave in b: short steps cannot run away
        b += step
        if abs(step) < 1e-15 * max(1.0, abs(b)):
            break
    return math.exp(b)


def time_limits(times: FloatArray, method: str, tail: float, half_unit: float, sigma: float = math.nan) -> TimeLimits:
    """Return the lines of a t chart.

    Parameters
    ----------
    times : numpy.ndarray
        Times the limits rest on, zero or more.
    method : str
        One of `T_METHODS`.
    tail : float
        False alarms on each side.
    half_unit : float
        What a zero is known to be shorter than.
    sigma : float
        Of the transformed times, for the transform.
    """
    if method.startswith("transform"):
        floored = np.maximum(times, half_unit)
        mean = safe_mean(floored ** (1.0 / POWER))
        low, high = max(mean - 3.0 * sigma, 0.0) ** POWER, (mean + 3.0 * sigma) ** POWER
        scale = safe_mean(floored)
        return TimeLimits(
            low, mean**POWER, high, math.exp(-high / scale) - math.expm1(-low / scale), math.nan, math.nan
        )
    if method == "exponential":
        shape, scale = 1.0, exponential_mle(times, half_unit)
    else:
        shape, scale = weibull_mle(times, half_unit)
    lower, center, upper = (scale * q ** (1.0 / shape) for q in (-math.log1p(-tail), math.log(2.0), -math.log(tail)))
    return TimeLimits(lower, center, upper, 2.0 * tail, shape, scale)
