"""Watch a rate after an action was closed: alarms of a relapse with one error level over all looks (MaxSPRT)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray, as_counts, as_exposure
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.roots import bracketed

__all__ = ["RelapseWatch", "maxsprt_critical", "relapse_watch", "running_sums"]

_LARGEST_HORIZON = 10_000.0
_NEGLIGIBLE = 1e-22


@dataclass(frozen=True, slots=True, eq=False)
class RelapseWatch(Result):
    """A watch over the rate after an action was closed: has it risen above what is expected?

    Parameters
    ----------
    events, expected : ndarray, shape (n,)
        Summed up to each look.
    statistic : ndarray, shape (n,)
        Log likelihood ratio of the best-fitting raised rate; 0 while the count is not above expectation.
    critical : float
        Alarm when `statistic` reaches it.
    alarm : int or None
        First look at which it does, counted from 0.
    alpha, horizon : float
        Chance of a false alarm until so many events are expected.
    minimum : int
        Fewest events that can alarm.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.relapse-watch/1"
    title: ClassVar[str] = "Relapse watch (MaxSPRT)"
    reference: ClassVar[str] = "Kulldorff et al. (2011), Sequential Analysis 30, 58-78"

    events: FloatArray
    expected: FloatArray
    statistic: FloatArray
    critical: float
    alarm: int | None
    alpha: float
    horizon: float
    minimum: int
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("looks", f"{self.events.size}"),
            ("events, expected", f"{self.events[-1]:g}, {self.expected[-1]:.4g} of {self.horizon:g}"),
            ("alarm", "none" if self.alarm is None else f"at look {self.alarm + 1}"),
            ("statistic, critical value", f"{self.statistic[-1]:.4g}, {self.critical:.6g}"),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {"events": self.events, "expected": self.expected, "statistic": self.statistic}


def running_sums(counts: object, expected: object) -> tuple[FloatArray, FloatArray]:
    """Return events and expected events up to each look."""
    y = as_counts(counts, "counts")
    return np.cumsum(y), np.cumsum(as_exposure(expected, "expected", y.size))


def _latest(n: FloatArray, critical: float) -> FloatArray:
    """Return the expected count s below which n events alarm: the root s < n of ``n log(n/s) - n + s = critical``."""
    found: FloatArray = -n * scipy.special.lambertw(-np.exp(-1.0 - critical / n)).real
    return found


def _alarm_probability(critical: float, horizon: float, minimum: int) -> float:
    """Return the chance that the watch alarms before `horizon`, at the expected rate; exact.

    The statistic rises only at events, so there is no alarm exactly if fewer than n events have come at the time s_n,
    for each n, and at the horizon. The count at these times is a Markov chain; cells beyond the boundary are lost.
    """
    most = math.ceil(horizon + critical + math.sqrt(critical * critical + 2.0 * critical * horizon)) + minimum + 1
    n = np.arange(minimum, most + 1, dtype=np.float64)
    times = _latest(n, critical)
    times = np.append(times[times < horizon], horizon)
    alive, first, now = np.ones(1), 0, 0.0  # chances of `first`, first + 1, ... events so far
    for step, time in enumerate(times):
        cells = minimum + step - first
        gone = time - now
        k = np.arange(min(math.ceil(gone + 12.0 * math.sqrt(gone) + 20.0), cells), dtype=np.float64)
        jump = np.exp(scipy.special.xlogy(k, gone) - gone - scipy.special.gammaln(k + 1.0))
        alive = np.convolve(alive, jump)[:cells]
        lost = int(np.searchsorted(np.cumsum(alive), _NEGLIGIBLE))  # counts too low to be worth carrying on
        alive, first, now = alive[lost:], first + lost, float(time)
    return 1.0 - float(alive.sum())


def maxsprt_critical(horizon: float, *, alpha: float = 0.05, minimum: int = 1) -> float:
    r"""Return the critical value of the Poisson maximised sequential probability ratio test, computed exactly.

    Use it to set up a relapse watch before it begins. Not for looks at a few fixed times only: it allows for looking
    after every single event, and is then a little too strict.

    Parameters
    ----------
    horizon : float
        Events expected, at the rate to be kept, until the watch ends; up to 10,000.
    alpha : float
        Chance of any false alarm until then.
    minimum : int
        Fewest events that can alarm.

    Returns
    -------
    float
        Alarm when the log likelihood ratio reaches it.

    Raises
    ------
    DataError
        A number out of range; a watch so short that even the lowest limit alarms more seldom than `alpha`.

    Notes
    -----
    n events alarm while fewer than :math:`s_n` are expected, the root of :math:`n \log(n/s) - n + s = c`. The chance of
    no alarm is that of a Poisson process with fewer than n events at each :math:`s_n`, a Markov chain over the
    :math:`s_n`; c is its root.

    References
    ----------
    Kulldorff, Davis, Kolczak, Lewis, Lieu & Platt (2011), Sequential Analysis 30, 58-78. Kulldorff & Silva (2017),
    REVSTAT 15, 373-394 (minimum number of events).

    Examples
    --------
    >>> from qstats import maxsprt_critical
    >>> round(maxsprt_critical(10), 6)
    3.467952
    """
    horizon = check_number(horizon, "horizon", above=0.0, below=_LARGEST_HORIZON * (1.0 + 1e-12))
    alpha = check_number(alpha, "alpha", above=0.0, below=1.0)
    if isinstance(minimum, bool) or not isinstance(minimum, int) or minimum < 1:
        raise DataError(f"minimum: got {minimum!r}; a whole number of 1 or more is wanted")
    lowest = 1e-9
    if _alarm_probability(lowest, horizon, minimum) < alpha:
        raise DataError(
            f"horizon: with {horizon:g} expected and minimum={minimum} even the lowest limit alarms in less than "
            f"{alpha:g} of watches; take a longer horizon or a smaller minimum"
        )
    high = 4.0
    while _alarm_probability(high, horizon, minimum) > alpha:
        high *= 2.0

    def falling(c: FloatArray, _: Any) -> FloatArray:
        return np.array([_alarm_probability(float(c[0]), horizon, minimum) - alpha])

    return float(bracketed(falling, np.array([lowest]), np.array([high]), tolerance=1e-12)[0])


def relapse_watch(
    counts: npt.ArrayLike,
    expected: npt.ArrayLike,
    *,
    horizon: float | None = None,
    alpha: float = 0.05,
    minimum: int = 1,
) -> RelapseWatch:
    r"""Watch a rate after the action was closed, and alarm when it has risen above what was promised.

    Use it as the reopening rule of a plan: agree horizon and `alpha` before it starts, then look as often as you like.
    Not to show that a rate is still low (no alarm is no proof: see `hold_period`).

    Parameters
    ----------
    counts : array-like, shape (n,)
        Events in each period since the watch began.
    expected : float or array-like, shape (n,)
        Events expected in each period at the rate to be kept.
    horizon : float, optional
        Events expected until the watch ends, fixed before it began; default: up to the last period given, which is
        right only if the end was fixed there.
    alpha : float
        Chance of any false alarm until then.
    minimum : int
        Fewest events that can alarm.

    Returns
    -------
    RelapseWatch
        Periods beyond the horizon are shown but cannot alarm; a note says how many.

    Raises
    ------
    DataError
        Negative or fractional counts, an expectation not above zero; see `maxsprt_critical`.

    Notes
    -----
    :math:`LLR = N \log(N/L) - (N - L)` for :math:`N > L`, else 0.

    References
    ----------
    Kulldorff et al. (2011), Sequential Analysis 30, 58-78.

    Examples
    --------
    >>> from qstats import relapse_watch
    >>> relapse_watch([1, 0, 2, 3, 4, 3], 1.0, horizon=12).alarm is None
    True
    >>> relapse_watch([1, 0, 2, 3, 4, 5, 4], 1.0, horizon=12).alarm
    5
    """
    n, total = running_sums(counts, expected)
    end = float(total[-1]) if horizon is None else check_number(horizon, "horizon", above=0.0)
    critical = maxsprt_critical(end, alpha=alpha, minimum=minimum)
    statistic = np.where(n > total, scipy.special.xlogy(n, n / total) - (n - total), 0.0)
    inside = total <= end * (1.0 + 1e-12)
    hits = np.flatnonzero((statistic >= critical) & (n >= minimum) & inside)
    notes: tuple[Note, ...] = ()
    if not inside.all():
        late = int(np.count_nonzero(~inside))
        text = f"{late} periods lie beyond the horizon of {end:g} expected: they cannot alarm; start a new watch"
        notes = (Note("beyond-horizon", "warning", text),)
    return RelapseWatch(
        frozen_array(n), frozen_array(total), frozen_array(statistic), critical,
        int(hits[0]) if hits.size else None, alpha, end, minimum, notes,
    )  # fmt: skip
