"""What a trade-off consists of: the setting chosen, the front with its band, exchange rate, knee, price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval, Intervals
from qstats._core.result import FrozenMapping
from qstats.doe.fitting.prediction import Prediction

__all__ = ["Band", "Choice", "ExchangeRate", "Knee", "NoneSafe", "Price"]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One setting with all that is expected there.

    Parameters
    ----------
    settings : mapping of str to float or str
        In natural units; noise factors at their middle.
    coded : ndarray, shape (k,)
    values : mapping of str to float
        Predicted mean of each response.
    predictions : mapping of str to Prediction
        With the intervals of the mean and of one new run; not of a cost that is known.
    probability : float
        P(all limits hold | data); 1 without limits.
    score : float
        Standard errors between the prediction and the limit that is nearest; infinite without limits.
    text : str
        The settings, with as many digits as their ranges want.
    """

    settings: FrozenMapping[str, Any]
    coded: FloatArray
    values: FrozenMapping[str, float]
    predictions: FrozenMapping[str, Prediction]
    probability: float
    score: float
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class NoneSafe:
    """What to know where no setting qualifies.

    Parameters
    ----------
    closest : Choice
        The setting that holds its limits by most standard errors.
    runs_factor : float or None
        How many times the runs would roughly settle it, if the predictions there are true; None where they do not
        hold the limits.
    text : str
    """

    closest: Choice
    runs_factor: float | None
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Price:
    """What the assurance costs in the first goal: the recommended setting against the best predicted to hold limits.

    Parameters
    ----------
    response : str
    estimate : float
        Recommended less point optimum, predicted, in the unit of the response.
    interval : Interval
        Credible, of the true difference between the two settings.
    text : str
    """

    response: str
    estimate: float
    interval: Interval
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The best of the second goal that can be had with the first at each value.

    Parameters
    ----------
    first : ndarray, shape (t,)
        Values of the first goal.
    second : ndarray, shape (t,)
        Predicted best value of the second.
    interval : Intervals
        Credible, at each value by itself; infinite on the bad side where the value may be out of reach.
    rate : ndarray, shape (t,)
        Local exchange rate: units of the second goal given up for one of the first; NaN at the ends.
    rate_interval : Intervals
    reach : ndarray, shape (t,)
        Probability that some setting gets the first goal that far.
    """

    first: FloatArray
    second: FloatArray
    interval: Intervals
    rate: FloatArray
    rate_interval: Intervals
    reach: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ExchangeRate:
    """What one unit of the first goal costs in the second, along the middle half of the front.

    The middle half goes from a quarter to three quarters of the way, both goals scaled to the front's range: with the
    goals changed over the rate is one over it.

    Parameters
    ----------
    gained, given : str
        First and second goal.
    rate : float
        Of the predicted front, in units of `given` for one of `gained`; never below zero.
    interval : Interval
        Credible, over the draws that have a front.
    draws : float
        Share of the draws in which the goals are at odds at all.
    text : str
    """

    gained: str
    given: str
    rate: float
    interval: Interval
    draws: float
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Knee:
    """The point of the front farthest from the straight line between its ends, both goals scaled to its ranges.

    Parameters
    ----------
    settings : mapping of str to float or str
    values : mapping of str to float
        Predicted, of the two goals.
    share : float
        Of draws whose knee lies within a tenth of the front's range of the first goal.
    text : str
        The settings, with as many digits as their ranges want.
    """

    settings: FrozenMapping[str, Any]
    values: FrozenMapping[str, float]
    share: float
    text: str
