"""Time until closed when some are still open: Kaplan-Meier, mean time to a horizon, log-rank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.inference.pivot import pivot_test

__all__ = [
    "RestrictedMean",
    "Steps",
    "SurvivalCurve",
    "as_closed",
    "as_times",
    "restricted_mean",
    "steps_of",
    "survival_curve",
]

_GREENWOOD = "Kaplan & Meier (1958), JASA 53, 457-481; Greenwood (1926)"
_QUANTILE = "Brookmeyer & Crowley (1982), Biometrics 38, 29-41"
_RMST = "Kaplan & Meier (1958), JASA 53, 457-481, section 6; Uno et al. (2014), J. Clin. Oncology 32, 2380-2385"
_SAME = 1e-9  # two shares of a sample closer than this are one share, apart by rounding
_NONE_CLOSED = Note(
    "none-closed",
    "serious",
    "nothing was closed in the time seen: the curve stays at 1 and says only how long we looked",
)


def as_times(data: object, name: str) -> FloatArray:
    """Return times of zero or more; a negative one was closed before it was opened."""
    time = as_vector(data, name, missing="never")
    if time.min() < 0:
        raise DataError(f"{name}: {first_bad(time < 0, time)}; negative time: closed before opened, correct the dates")
    return time


def as_closed(data: object, name: str, n: int) -> npt.NDArray[np.bool_]:
    """Return which of `n` times ended; None means all of them."""
    if data is None:
        return np.ones(n, dtype=np.bool_)
    flag = as_vector(data, name, missing="never")
    if flag.size != n:
        raise DataError(f"{name}: {flag.size} values came for {n} times; one each is wanted")
    if (bad := (flag != 0) & (flag != 1)).any():
        raise DataError(f"{name}: {first_bad(bad, flag)}; True (closed) or False (still open) is wanted")
    return np.equal(flag, 1.0)


class Steps(NamedTuple):
    """A Kaplan-Meier curve at its distinct times."""

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    greenwood: FloatArray  # cumulative sum of d / (n (n - d)): variance of log survival; infinite once it is zero


def steps_of(time: FloatArray, closed: npt.NDArray[np.bool_]) -> Steps:
    """Return the curve; of those closed and those censored at one time, the closed go first."""
    at, inverse = np.unique(time, return_inverse=True)
    total = np.bincount(inverse, minlength=at.size).astype(np.float64)
    events = np.bincount(inverse, weights=closed.astype(np.float64), minlength=at.size).astype(np.float64)
    risk = total[::-1].cumsum()[::-1]
    left = risk - events
    survival = np.cumprod(left / risk)
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.where(events > 0, events / (risk * left), 0.0))
    return Steps(at, risk, events, survival, greenwood)


def _limits(steps: Steps, z: float, transform: str) -> tuple[FloatArray, FloatArray]:
    """Return pointwise limits; 1 and 1 before the first event, and past the last the upper limit stays."""
    s, se = steps.survival, np.sqrt(steps.greenwood)
    low, high = np.ones_like(s), np.ones_like(s)
    inside = (s > 0) & (s < 1)
    si, half = s[inside], z * se[inside]
    if transform == "log-log":
        turn = half / np.log(si)  # negative, as the logarithm is
        low[inside], high[inside] = si ** np.exp(-turn), si ** np.exp(turn)
    elif transform == "log":
        low[inside], high[inside] = si * np.exp(-half), np.minimum(si * np.exp(half), 1.0)
    else:
        low[inside], high[inside] = np.maximum(si - half * si, 0.0), np.minimum(si + half * si, 1.0)
    if (ended := np.flatnonzero(s == 0)).size:
        low[ended] = 0.0
        high[ended] = high[ended[0] - 1] if ended[0] > 0 else 1.0
    return low, high


def _first_at_or_below(time: FloatArray, falling: FloatArray, share: float) -> float:
    """Return the first time the curve is at or below `share`; midway to the next step where it rests on it."""
    under = np.flatnonzero(falling <= share + _SAME)
    if not under.size:
        return math.inf
    first = int(under[0])
    if abs(falling[first] - share) <= _SAME:
        lower = np.flatnonzero(falling < share - _SAME)
        return float(0.5 * (time[first] + time[lower[0]])) if lower.size else float(time[first])
    return float(time[first])


class RestrictedMean(NamedTuple):
    """Mean time to a horizon and the standard error of that estimate."""

    mean: float
    se: float


def restricted_mean(steps: Steps | SurvivalCurve, horizon: float) -> RestrictedMean:
    """Return the area under the curve up to `horizon` and its error by the Greenwood-type variance.

    Past the last time the curve is known only if it has come down to zero.
    """
    if horizon > steps.time[-1] and steps.survival[-1] > 0:
        raise DataError(
            f"horizon: got {horizon:g}, but the longest time seen is {steps.time[-1]:g} and still open: "
            f"the curve is not known beyond; take a horizon of at most {steps.time[-1]:g}"
        )
    k = int(np.searchsorted(steps.time, horizon, side="right"))
    edges = np.concatenate([[0.0], steps.time[:k], [horizon]])
    areas = np.diff(edges) * np.concatenate([[1.0], steps.survival[:k]])
    left = areas[1:][::-1].cumsum()[::-1] / horizon  # area from each step to the horizon, in its units
    stay = steps.at_risk[:k] - steps.events[:k]
    jump = np.divide(steps.events[:k], steps.at_risk[:k] * stay, out=np.zeros(k), where=stay > 0)
    return RestrictedMean(math.fsum(areas), horizon * math.sqrt(float(left**2 @ jump)))


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve(Result):
    """Share still open by time, with limits at each time.

    Parameters
    ----------
    time : ndarray, shape (k,)
        Distinct times at which something closed or was last seen open, rising; in the unit of the data.
    at_risk, events : ndarray, shape (k,)
        Open just before each time, and closed at it.
    survival, se, low, high : ndarray, shape (k,)
        Share still open just after each time, its standard error (0 once all are closed), pointwise limits.
    median : Estimate
        Time by which half are closed; infinite where the curve does not come down that far.
    n, closed : int
        Times, and how many of them ended.
    confidence : float
    transform : str
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.survival_curve/1"
    title: ClassVar[str] = "Survival curve"

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray
    median: Estimate
    n: int
    closed: int
    confidence: float
    transform: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("n, closed", f"{self.n}, {self.closed}"),
            ("median time", f"{self.median.estimate:.4g}"),
            (f"{self.confidence:.0%} interval", str(self.median.interval)),
            ("longest time seen", f"{self.time[-1]:.4g}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("time", "at_risk", "events", "survival", "se", "low", "high")
        return {name: getattr(self, name) for name in names}

    def quantile(self, q: float) -> Estimate:
        """Return the time within which a share `q` has ended; infinite where the curve does not come down that far.

        The limits are the times at which the pointwise limits of the curve hold ``1 - q``.
        """
        q = check_number(q, "q", above=0.0, below=1.0)
        lines = (self.survival, self.low, self.high)
        at, first, last = (_first_at_or_below(self.time, line, 1.0 - q) for line in lines)
        name = "median time" if q == 0.5 else f"time within which {100.0 * q:g} % end"
        return Estimate(name, at, Interval(first, last, self.confidence), self.n, self.transform, _QUANTILE)

    def rmst(self, horizon: float, *, confidence: float | None = None, alternative: str = "two-sided") -> Estimate:
        """Return the mean time to the horizon (restricted mean survival time), the area under the curve.

        Parameters
        ----------
        horizon : float
            Such as the agreed service time, fixed before looking; no later than the longest time seen while open.
        confidence : float, optional
            That of the curve unless given.
        alternative : {"two-sided", "less", "greater"}

        Returns
        -------
        Estimate
            Limits do not leave 0 to `horizon`.

        Raises
        ------
        DataError
            A horizon beyond what the data reach.
        """
        confidence = self.confidence if confidence is None else check_confidence(confidence)
        horizon = check_number(horizon, "horizon", above=0.0)
        mean, se = restricted_mean(self, horizon)
        pivot = pivot_test(mean, se, math.inf, mean, confidence, alternative, least=0.0, most=horizon)
        notes = (
            () if se > 0 else (Note("no-scatter", "serious", "no time ends apart from the others before the horizon"),)
        )
        limits = Interval(float(pivot.low), float(pivot.high), confidence)
        name = f"mean time to {horizon:g}"
        return Estimate(name, mean, limits, self.n, "area under Kaplan-Meier, normal", _RMST, notes)


def survival_curve(
    time: object, closed: object = None, *, confidence: float = 0.95, transform: str = "log-log"
) -> SurvivalCurve:
    r"""Show how long things stay open when some still are: the Kaplan-Meier curve with its limits.

    Use it for time to resolution with open tickets, time to the next failure, time to churn. Take all tickets *opened*
    in a period: those *closed* in a period follow the backlog, fast or old. Not where what is still open was left for a
    reason that goes with its time (the hard ones are parked), and not where another end (cancelled) competes.

    Parameters
    ----------
    time : array-like, shape (n,)
        Time from opening to closing, or to the last look while still open; zero or more, any unit.
    closed : array-like of bool, shape (n,), optional
        False where still open. All closed unless given.
    confidence : float
        Of each limit by itself, not of the whole curve.
    transform : {"log-log", "log", "plain"}
        Scale on which the limits are symmetric. The first keeps them between 0 and 1 and covers best in small samples.

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    DataError
        Negative times (closed before opened), a flag other than true or false, unequal lengths.

    Notes
    -----
    :math:`\hat S(t) = \prod_{t_i \le t} (1 - d_i / n_i)`; its logarithm has variance
    :math:`\sum d_i / (n_i (n_i - d_i))`. What closes and what is censored at the same time: the closed go first. The
    median is the first time the curve is at one half or below (midway to the next step where it rests at one half), its
    interval the times at which the pointwise limits hold one half. The mean time to a horizon is
    :math:`\int_0^\tau \hat S`, with variance :math:`\sum_{t_i \le \tau} A_i^2 d_i / (n_i (n_i - d_i))`,
    :math:`A_i = \int_{t_i}^\tau \hat S`.

    References
    ----------
    Kaplan & Meier (1958), JASA 53, 457-481. Brookmeyer & Crowley (1982), Biometrics 38, 29-41. Borgan & Liestol (1990),
    Scandinavian Journal of Statistics 17, 35-41 (transforms).

    Examples
    --------
    >>> from qstats import survival_curve
    >>> curve = survival_curve([1, 2, 2, 4, 5, 7, 9], [True, True, False, True, False, True, False])
    >>> curve.median.estimate, round(curve.rmst(7.0).estimate, 3)
    (7.0, 4.893)
    """
    check_choice(transform, "transform", ("log-log", "log", "plain"))
    confidence = check_confidence(confidence)
    times = as_times(time, "time")
    ended = as_closed(closed, "closed", times.size)
    steps = steps_of(times, ended)
    z = float(normal_quantile(0.5 + 0.5 * confidence))
    low, high = _limits(steps, z, transform)
    se = np.zeros_like(steps.survival)
    positive = steps.survival > 0
    se[positive] = steps.survival[positive] * np.sqrt(steps.greenwood[positive])
    count = int(np.count_nonzero(ended))
    notes = () if count else (_NONE_CLOSED,)
    middle, first, last = (_first_at_or_below(steps.time, line, 0.5) for line in (steps.survival, low, high))
    median = Estimate("median time", middle, Interval(first, last, confidence), times.size, transform, _QUANTILE, notes)
    return SurvivalCurve(
        frozen_array(steps.time), frozen_array(steps.at_risk), frozen_array(steps.events), frozen_array(steps.survival),
        frozen_array(se), frozen_array(low), frozen_array(high), median, times.size, count, confidence, transform,
        f"Kaplan-Meier, {transform} limits", _GREENWOOD, notes,
    )  # fmt: skip
