"""A bad unit, or a bad month, gets better by itself: how much of a fall that is, and whether there is more to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray, as_counts, as_exposure
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import ALTERNATIVES, Comparison, tail_probability, tails
from qstats.inference.rates import compare_rates
from qstats.inference.roots import bracketed

__all__ = ["RegressionToMean", "predicted_after"]

_NODES = 32  # of the shrinkage
_STEPS = 31  # of the mean rate, at each shrinkage
_REACH = 6.0  # standard errors to each side
_UNITS = 1 << 20  # cells at once
_REFERENCE = (
    "Christiansen & Morris (1997), JASA 92, 618-632; Jones & Spiegelhalter (2009), American Statistician 63, 304-314"
)


@dataclass(frozen=True, slots=True, eq=False)
class RegressionToMean(Result):
    """What the chosen unit would have shown anyway, and what it did show.

    Parameters
    ----------
    comparison : Comparison
        Rate after over the rate this unit was expected to have anyway (shrunken towards all units).
    naive : Comparison
        After over before of the unit alone: what would be reported without this.
    expected_ratio : float
        Ratio after/before to be expected from no effect at all: the part of the fall that is regression to the mean.
    predicted : float
        Events expected after, without any effect.
    prediction : Interval
        Events after that are compatible with no effect.
    shrinkage : float
        Weight of all units in the prediction for this one, 0 to 1.
    mean_rate : float
        Of all units.
    spread : float
        Standard deviation of the true rates between units, over their mean.
    chosen : int
    units : int
    prior : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.regression-to-mean/1"
    title: ClassVar[str] = "Regression to the mean"

    comparison: Comparison
    naive: Comparison
    expected_ratio: float
    predicted: float
    prediction: Interval
    shrinkage: float
    mean_rate: float
    spread: float
    chosen: int
    units: int
    prior: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        c, naive = self.comparison, self.naive
        return [
            ("unit, of", f"{self.chosen}, {self.units}"),
            ("after/before of the unit alone", f"{naive.estimate:.4g} {naive.interval}  p {naive.pvalue:.4g}"),
            ("after/before from no effect", f"{self.expected_ratio:.4g}"),
            ("events after: predicted, seen", f"{self.predicted:.4g} {self.prediction}, {c.n[0]:g}"),
            ("after over predicted", f"{c.estimate:.4g} {c.interval}  p {c.pvalue:.4g}"),
            ("method", c.method),
            ("source", c.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        both = (self.naive, self.comparison)
        return {
            "against": ["its own before", "predicted from all units"],
            "ratio": [c.estimate for c in both],
            "low": [c.interval.low for c in both],
            "high": [c.interval.high for c in both],
            "pvalue": [c.pvalue for c in both],
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Prior:
    """Weighted gamma distributions of the units' rates: mean m and rate b (in exposure; infinite: all units alike)."""

    weight: FloatArray
    mean: FloatArray
    rate: FloatArray


def _log_likelihood(y: FloatArray, t: FloatArray, m: FloatArray, b: FloatArray) -> FloatArray:
    """Return the log likelihood of all units at each (m, b), finite b; shape like m.

    The count of a unit is negative binomial with shape ``m b`` and success probability ``b / (b + t)``.
    """
    shape, total = (m * b).ravel(), np.zeros(m.size)
    rate = np.broadcast_to(b, m.shape).ravel()
    lgamma = scipy.special.gammaln
    step = max(1, _UNITS // m.size)
    for i in range(0, y.size, step):
        yy, tt = y[i : i + step, None], t[i : i + step, None]
        part = lgamma(shape + yy) - lgamma(shape) - shape * np.log1p(tt / rate) - yy * np.log1p(rate / tt)
        total += part.sum(axis=0)
    return total.reshape(m.shape)


def _integrated(y: FloatArray, t: FloatArray) -> _Prior:
    """Average over what the units' distribution may be: uniform shrinkage, flat log mean, weighted by likelihood."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    shrinkage = 0.5 * (x + 1.0)
    middle = float(np.median(t))
    b = middle * shrinkage / (1.0 - shrinkage)
    crude = y.sum() / t.sum()
    # what each unit tells about log m: its Poisson and its own scatter
    sd = 1.0 / np.sqrt((t / (1.0 / crude + t / (crude * b[:, None]))).sum(axis=1))
    sd = np.minimum(sd, 1.5)
    log_m = math.log(crude) + sd[:, None] * np.linspace(-_REACH, _REACH, _STEPS)
    m = np.exp(log_m)
    ll = _log_likelihood(y, t, m, b[:, None])
    weight = np.exp(ll - ll.max()) * (w * sd)[:, None]
    keep = weight > 1e-12 * weight.max()
    weight = weight[keep] / weight[keep].sum()
    return _Prior(weight, m[keep], np.broadcast_to(b[:, None], m.shape)[keep])


def _moments(y: FloatArray, t: FloatArray) -> _Prior:
    """Marshall's global estimate: the scatter between rates beyond what Poisson makes."""
    m = y.sum() / t.sum()
    variance = float((t * (y / t - m) ** 2).sum() / t.sum() - m / t.mean())
    return _Prior(np.ones(1), np.array([m]), np.array([m / variance if variance > 0.0 else math.inf]))


@dataclass(frozen=True, slots=True, eq=False)
class _Predictive:
    """Distribution of the count after, given the prior and the unit's own count before."""

    prior: _Prior
    shape: FloatArray
    rate: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, prior: _Prior, y0: float, t0: float) -> _Predictive:
        return cls(prior, prior.mean * prior.rate + y0, prior.rate + t0, prior.weight)

    def mean(self) -> float:
        """Return the expected rate of the unit."""
        ratio = np.where(np.isinf(self.rate), self.prior.mean, self.shape / np.where(np.isinf(self.rate), 1, self.rate))
        return float(self.weight @ ratio)

    def at_most(self, y: float, t: float) -> float:
        """Return ``P(count <= y)`` in exposure `t`; y of -1 gives 0."""
        if y < 0.0:
            return 0.0
        pooled = np.isinf(self.rate)
        a, b = np.where(pooled, 1.0, self.shape), np.where(pooled, 1.0, self.rate)
        # P(NB <= y) is the incomplete beta at b / (b + t); counts after are negative binomial
        cdf = scipy.special.betainc(a, y + 1.0, b / (b + t))
        return float(self.weight @ np.where(pooled, scipy.special.gammaincc(y + 1.0, self.prior.mean * t), cdf))

    def at_least(self, y: float, t: float) -> float:
        """Return ``P(count >= y)`` without cancellation."""
        if y <= 0.0:
            return 1.0
        pooled = np.isinf(self.rate)
        a, b = np.where(pooled, 1.0, self.shape), np.where(pooled, 1.0, self.rate)
        sf = scipy.special.betainc(y, a, t / (b + t))
        return float(self.weight @ np.where(pooled, scipy.special.gammainc(y, self.prior.mean * t), sf))

    def tails(self, y: float, t: float, weight: float) -> tuple[float, float]:
        """Return lower and upper tail, the observed count's own probability counted with `weight`."""
        low = weight * self.at_most(y, t) + (1.0 - weight) * self.at_most(y - 1.0, t)
        high = weight * self.at_least(y, t) + (1.0 - weight) * self.at_least(y + 1.0, t)
        return low, high

    def quantile(self, tail: float, t: float, upper: bool) -> float:
        """Return the count beyond which less than `tail` lies."""
        center = self.mean() * t
        low, high = -1.0, max(10.0, math.ceil(2.0 * center))
        while self.at_least(high, t) > tail:
            high *= 2.0

        def done(k: float) -> bool:
            return self.at_least(k + 1.0, t) <= tail if upper else self.at_most(k, t) > tail

        while high - low > 1.0:
            middle = math.floor(0.5 * (low + high))
            low, high = (low, middle) if done(middle) else (middle, high)
        return high


def _ratio(
    found: _Predictive, y: float, t: float, null: float, confidence: float, alternative: str, weight: float
) -> tuple[Interval, float]:
    """Return interval and p-value of the ratio: after-counts at ratio R are those of R times the exposure."""
    below, above = tails(alternative, confidence)
    p = tail_probability(*found.tails(y, null * t, weight), alternative)
    center = math.log((y + 1.0) / (found.mean() * t))

    def limit(tail: float, side: int) -> float:
        # tails[1] rises with the ratio and tails[0] falls
        def falling(log_r: FloatArray, _: Any) -> FloatArray:
            value = found.tails(y, math.exp(float(log_r[0])) * t, weight)[side]
            return np.array([value - tail if side == 0 else tail - value])

        return math.exp(float(bracketed(falling, np.array([center - 40.0]), np.array([center + 40.0]), 1e-12)[0]))

    low = limit(below, 1) if below > 0.0 and y > 0.0 else 0.0
    high = limit(above, 0) if above > 0.0 else math.inf
    return Interval(low, high, confidence), p


def _remarks(k: int, total: float, expected: float, chosen_rate: float, mean: float, prior: str) -> tuple[Note, ...]:
    notes = []
    if k < 5:
        text = f"{k} units tell little about how units differ: the interval allows for it" + (
            "" if prior == "integrated" else " only with prior='integrated'"
        )
        notes.append(Note("few-units", "warning", text))
    if total < 20.0:
        notes.append(Note("few-events", "warning", f"{total:g} events in all units together: hardly a picture of them"))
    if chosen_rate > mean and expected < 0.9:
        text = f"without any effect this unit was expected to fall to {expected:.0%} of its rate before"
        notes.append(Note("regression-to-mean", "warning", text))
    return tuple(notes)


def predicted_after(
    events: npt.ArrayLike,
    exposure: npt.ArrayLike,
    events_after: float,
    exposure_after: float,
    *,
    chosen: int,
    prior: str = "integrated",
    method: str = "midp",
    null: float = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> RegressionToMean:
    r"""Tell whether a unit picked because it was bad got better than it would have by itself.

    Use it when an action went to the worst of several suppliers, sites or products: of 20 suppliers all alike the worst
    one "improves significantly" 17 times in 100 with no action at all. Not when the unit was fixed before anyone looked
    (`compare_rates`), and not when it is one of a kind: units must be comparable, none of them treated in the baseline.

    Parameters
    ----------
    events : array-like, shape (k,)
        Events of every unit in the baseline, also of those not chosen.
    exposure : float or array-like, shape (k,)
        Their exposure.
    events_after, exposure_after : float
        Of the chosen unit, after the action.
    chosen : int
        Its place in `events`, counted from 0.
    prior : {"integrated", "moments"}
        How the distribution of the units' true rates (a gamma) is learned. ``"integrated"`` averages over all that the
        baseline allows and so carries its uncertainty into p-value and interval; ``"moments"`` takes one estimate as
        exact (Marshall), which is too sure of itself with few units.
    method : {"midp", "exact"}
    null : float
        Ratio after/predicted the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    RegressionToMean

    Raises
    ------
    DataError, TooFewData
        Bad counts or exposures, `chosen` out of range, fewer than two units, no event in any unit.

    Notes
    -----
    Rates are Gamma(a, b) over units, so unit i with :math:`y_0` events in :math:`t_0` is Gamma(:math:`a+y_0`,
    :math:`b+t_0`) and its count after, at ratio R, negative binomial with shape :math:`a + y_0` and success probability
    :math:`(b+t_0)/(b+t_0+R t_1)`. With ``"integrated"`` that is averaged over (a, b) by the likelihood of all units,
    with the shrinkage :math:`B = b/(b+\tilde t)` uniform on (0, 1), :math:`\tilde t` the median exposure, and log a/b
    flat. Where units are all alike that shrinks a little too little: the worst of 20 then "improves" in 3.7 % of
    simulated cases at a nominal 2.5 %, instead of 18 % without it. The tails at R = `null` are the p-value, and the
    limits are the R whose tails are half the error.

    References
    ----------
    Christiansen & Morris (1997), JASA 92, 618-632 (uniform shrinkage prior). Jones & Spiegelhalter (2009), American
    Statistician 63, 304-314. Marshall (1991), Applied Statistics 40, 283-294 (moments).

    Examples
    --------
    The worst of eight depots had 24 complaints; 12 after the action look like a success:

    >>> from qstats import predicted_after
    >>> r = predicted_after([12, 24, 15, 10, 17, 13, 9, 14], 1000, 12, 1000, chosen=1)
    >>> round(r.naive.pvalue, 3), round(r.comparison.pvalue, 2), round(r.expected_ratio, 2)
    (0.047, 0.28, 0.74)
    """
    check_choice(prior, "prior", ("integrated", "moments"))
    check_choice(method, "method", ("midp", "exact"))
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    null = check_number(null, "null", above=0.0)
    y = as_counts(events, "events")
    t = as_exposure(exposure, "exposure", y.size)
    y1 = float(as_counts([events_after], "events_after")[0])
    t1 = check_number(exposure_after, "exposure_after", above=0.0)
    if y.size < 2:
        raise TooFewData("events: one unit came; all units it was chosen from are wanted (two or more)")
    if isinstance(chosen, bool) or not isinstance(chosen, int | np.integer) or not 0 <= chosen < y.size:
        raise DataError(f"chosen: got {chosen!r}; a position from 0 to {y.size - 1} is wanted")
    if not y.any():
        raise TooFewData("events: no event in any unit; nothing is known about their rates")
    y0, t0 = float(y[chosen]), float(t[chosen])
    unit = float(np.median(t))  # work in units of one exposure: no rate is tiny then
    found = _integrated(y, t / unit) if prior == "integrated" else _moments(y, t / unit)
    return _result(found, (y0, t0 / unit, y1, t1 / unit), y, int(chosen), unit, prior, method, null, confidence,
                   alternative)  # fmt: skip


def _result(
    prior: _Prior, cell: tuple[float, float, float, float], y: FloatArray, chosen: int, unit: float, name: str,
    method: str, null: float, confidence: float, alternative: str,
) -> RegressionToMean:  # fmt: skip
    y0, t0, y1, t1 = cell
    after = _Predictive.of(prior, y0, t0)
    rate, weight = after.mean(), 0.5 if method == "midp" else 1.0
    interval, p = _ratio(after, y1, t1, null, confidence, alternative, weight)
    tail = 0.5 * (1.0 - confidence)
    prediction = Interval(after.quantile(tail, t1, False), after.quantile(tail, t1, True), confidence)
    m = float(prior.weight @ prior.mean)
    shrinkage = float(prior.weight @ np.where(np.isinf(prior.rate), 1.0, 1.0 / (1.0 + t0 / prior.rate)))
    variance = float(prior.weight @ (prior.mean / prior.rate))
    expected = rate * t0 / y0 if y0 > 0.0 else math.inf
    naive = compare_rates(y1, t1, y0, t0, method=method, null=null, confidence=confidence, alternative=alternative)
    assert isinstance(naive, Comparison)
    notes = _remarks(y.size, float(y.sum()), expected, y0 / t0, m, name)
    comparison = Comparison(
        "rate_ratio", (y1 / t1) / rate, interval, p, alternative, null, None, (y1, y0),
        f"gamma-Poisson prediction, prior {name}, {method}", _REFERENCE, notes, (y1 / t1 / unit, rate / unit),
    )  # fmt: skip
    return RegressionToMean(
        comparison, naive, expected, rate * t1, prediction, shrinkage, m / unit, math.sqrt(variance) / m, chosen,
        y.size, name, notes,
    )  # fmt: skip
