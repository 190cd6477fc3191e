"""How many units a tolerance interval needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.quantiles import binomial_cdf, binomial_pmf, poisson_cdf
from qstats._core.result import Result
from qstats.capability.nonnormal.weibull import weibull_rows
from qstats.capability.tolerance.counts import limits_of_counts, lower_count, upper_count
from qstats.capability.tolerance.factors import content_exceeds, one_sided, two_sided
from qstats.capability.tolerance.interval import SIDES
from qstats.capability.tolerance.ranks import attained, ranks_for, units_for_extremes
from qstats.errors import DataError
from qstats.inference.resample import as_generator

__all__ = ["ToleranceSize", "count_tolerance_sample_size", "tolerance_sample_size"]

_NORMAL = ("normal", "lognormal", "gamma")
_MOST = 10**7
_DRAWS = 20_000
_CELLS = 1 << 22
_SOURCE = "Faulkenberry & Weeks (1968), Technometrics 10(2), 343-348"
_WILKS = "Wilks (1941), Annals of Mathematical Statistics 12(1), 91-96"


@dataclass(frozen=True, slots=True, eq=False)
class ToleranceSize(Result):
    """Units needed.

    Parameters
    ----------
    n : int
        Values to measure, or units to look at.
    content, confidence : float
        What the interval is to hold, and how surely.
    wider, risk : float or None
        The interval holds more than `wider` with a chance of at most `risk`; None where only feasibility was asked.
    attained : float
        That chance at `n`, or the confidence the extremes attain.
    method, reference : str
    """

    schema: ClassVar[str] = "qstats.tolerance_size/1"
    title: ClassVar[str] = "Units for a tolerance interval"

    n: int
    content: float
    confidence: float
    wider: float | None
    risk: float | None
    attained: float
    method: str
    reference: str

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("n", str(self.n)), ("holds at least", f"{self.content:g} with {self.confidence:g} confidence")]
        if self.wider is not None:
            rows.append((f"holds more than {self.wider:g}", f"with a chance of {self.attained:.4g}"))
        else:
            rows.append(("confidence attained", f"{self.attained:.5g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> dict[str, object]:
        names = ("n", "content", "confidence", "wider", "risk", "attained", "method")
        return {name: [getattr(self, name)] for name in names}


def _first(enough: Callable[[int], bool], start: int, parameter: str = "wider") -> int:
    """Return the smallest n from `start` on at which `enough` holds, which stays so from there on."""
    low, high = start - 1, start
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST:
            raise DataError(f"{parameter}: more than {_MOST:,} units would be needed; allow more than that")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _normal_waste(content: float, confidence: float, wider: float, sides: str) -> Callable[[int], float]:
    def waste(n: int) -> float:
        make = two_sided if sides == "two" else one_sided
        return content_exceeds(make(n, content, confidence, n - 1.0), n, wider, n - 1.0, sides)

    return waste


def _rank_waste(content: float, confidence: float, wider: float, sides: str) -> Callable[[int], float]:
    """The share spanned exceeds `wider`: the same beta distribution, at another content."""

    def waste(n: int) -> float:
        low, high, got = ranks_for(n, content, confidence, sides)
        if got < confidence:
            return 1.0
        return attained(n, low + (n + 1 - high), wider)

    return waste


def _exponential_waste(content: float, confidence: float, wider: float, sides: str) -> Callable[[int], float]:
    """Limits are multiples of the sum, which is gamma distributed; two sides hold half of the rest each."""

    def upper(n: int) -> float:
        c = -math.log1p(-content) / float(scipy.special.gammaincinv(n, 1.0 - confidence))
        return float(scipy.special.gammaincc(n, -math.log1p(-wider) / c))

    def lower(n: int) -> float:
        c = -math.log(content) / float(scipy.special.gammainccinv(n, 1.0 - confidence))
        return float(scipy.special.gammainc(n, -math.log(wider) / c))

    return lower if sides == "lower" else upper


def _weibull_waste(
    content: float, confidence: float, wider: float, sides: str, rng: np.random.Generator
) -> Callable[[int], float]:
    """Simulated pivots of the quantiles: the same whatever the true shape and scale."""
    seed = int(rng.integers(2**63))

    def waste(n: int) -> float:
        draw = np.random.default_rng(seed)
        level, scale = np.empty(_DRAWS), np.empty(_DRAWS)
        rows = max(1, _CELLS // n)
        for i in range(0, _DRAWS, rows):
            j = min(i + rows, _DRAWS)
            level[i:j], scale[i:j] = weibull_rows(np.log(draw.standard_exponential((j - i, n))))
        sign = -1.0 if sides == "lower" else 1.0

        def pivot(p: float) -> Any:
            w = math.log(-math.log(p) if sides == "lower" else -math.log1p(-p))
            return sign * (w - level) / scale

        k = float(np.quantile(pivot(content), confidence, method="median_unbiased"))
        return float(np.mean(pivot(wider) <= k))

    return waste


def tolerance_sample_size(
    *,
    content: float = 0.95,
    confidence: float = 0.95,
    wider: float | None = None,
    risk: float = 0.05,
    sides: str = "two",
    distribution: str = "normal",
    rng: Any = None,
) -> ToleranceSize:
    r"""Give the number of units a tolerance interval needs.

    Without a distribution there is a least number, below which even the extremes do not attain the confidence; that is
    the answer when `wider` is left out. With one (or with `wider`) any number gives an interval, but few units give
    wide ones: say what share it should rarely exceed.

    Parameters
    ----------
    content, confidence : float
        What the interval is to hold, and how surely.
    wider : float, optional
        A share above `content` that the interval is to hold only with a chance of `risk`: how much waste is borne.
        Needed unless `distribution` is ``"nonparametric"``.
    risk : float
        That chance.
    sides : {"two", "lower", "upper"}
    distribution : {"normal", "lognormal", "gamma", "exponential", "weibull", "nonparametric"}
        Exponential and Weibull: one side.
    rng : None, int or Generator
        For Weibull, whose pivots are simulated (20,000 samples of each size tried).

    Returns
    -------
    ToleranceSize

    Raises
    ------
    DataError
        `wider` is not above `content`, or so near that more than ten million units would be needed.

    Notes
    -----
    The smallest n with :math:`P(\text{content} > P') \le \delta`. Lognormal and gamma need as many as normal; the
    chance is exact but for gamma (Wilson-Hilferty) and Weibull (simulated). For order statistics the share is beta
    distributed, and ranks move in steps: n is found by doubling and halving, and may not be the very smallest.

    References
    ----------
    Faulkenberry & Weeks (1968), Technometrics 10(2), 343-348. Wilks (1941), Annals of Mathematical Statistics 12(1),
    91-96; NIST/SEMATECH e-Handbook of Statistical Methods, section 7.2.6.4.

    Examples
    --------
    >>> from qstats import tolerance_sample_size
    >>> tolerance_sample_size(distribution="nonparametric").n
    93
    >>> tolerance_sample_size(distribution="nonparametric", sides="upper", content=0.99).n
    299
    >>> tolerance_sample_size(content=0.9, wider=0.97).n
    74
    """
    known = (*_NORMAL, "exponential", "weibull", "nonparametric")
    check_choice(distribution, "distribution", known)
    check_choice(sides, "sides", SIDES)
    content = check_number(content, "content", above=0.0, below=1.0)
    confidence, risk = check_confidence(confidence), check_number(risk, "risk", above=0.0, below=1.0)
    if distribution == "nonparametric" and wider is None:
        n = units_for_extremes(content, confidence, sides)
        got = attained(n, 2 if sides == "two" else 1, content)
        return ToleranceSize(n, content, confidence, None, None, got, "order statistics, extremes", _WILKS)
    wider = check_number(wider, "wider", above=content, below=1.0)
    if distribution in ("exponential", "weibull") and sides == "two":
        raise DataError(f"sides: with distribution={distribution!r} 'lower' or 'upper' is wanted")
    waste = _waste_of(distribution, content, confidence, wider, sides, rng)
    start = 2 if distribution != "nonparametric" else units_for_extremes(content, confidence, sides)
    n = _first(lambda size: waste(size) <= risk, start)
    text = {"weibull": f"Weibull, {_DRAWS:,} simulated samples of each size", "nonparametric": "order statistics"}
    return ToleranceSize(n, content, confidence, wider, risk, waste(n), text.get(distribution, distribution), _SOURCE)


def _waste_of(
    distribution: str, content: float, confidence: float, wider: float, sides: str, rng: Any
) -> Callable[[int], float]:
    if distribution == "weibull":
        return _weibull_waste(content, confidence, wider, sides, as_generator(rng))
    if rng is not None:
        raise DataError(f"rng: nothing is simulated with distribution={distribution!r}; leave it out")
    make = {"exponential": _exponential_waste, "nonparametric": _rank_waste}.get(distribution, _normal_waste)
    return make(content, confidence, wider, sides)


def count_tolerance_sample_size(
    rate: float,
    *,
    future: float,
    model: str = "poisson",
    content: float = 0.95,
    confidence: float = 0.95,
    wider: float = 0.999,
    risk: float = 0.05,
    sides: str = "upper",
    method: str | None = None,
) -> ToleranceSize:
    """Give the units to look at so that a tolerance limit of future counts is not wasteful.

    Parameters
    ----------
    rate : float
        Defects per unit, or share defective, that is expected.
    future : float
        Exposure, or units, of a future lot.
    model : {"poisson", "binomial"}
    content, confidence : float
        What the limit is to hold, and how surely.
    wider, risk : float
        The limit holds more than `wider` with a chance of at most `risk`. Counts come in whole numbers: where lots are
        small the best limit holds more than `content` already, and `wider` must leave room for that.
    sides : {"lower", "upper"}
    method : str, optional
        As in `count_tolerance_interval`.

    Returns
    -------
    ToleranceSize

    Raises
    ------
    DataError
        The best limit itself holds more than `wider`, or too many units would be needed.

    Notes
    -----
    Every count that may be seen is gone through, with its limit and its probability at `rate`. The chance falls with n,
    in small waves: n is found by doubling and halving, and may not be the very smallest.

    References
    ----------
    Faulkenberry & Weeks (1968), Technometrics 10(2), 343-348.

    Examples
    --------
    >>> from qstats import count_tolerance_sample_size
    >>> r = count_tolerance_sample_size(0.5, future=20)
    >>> r.attained <= 0.05
    True
    """
    check_choice(model, "model", ("poisson", "binomial"))
    check_choice(sides, "sides", ("lower", "upper"))
    methods = {"binomial": ("wilson", "clopper-pearson", "jeffreys", "midp"), "poisson": ("score", "exact", "midp")}
    method = methods[model][0] if method is None else check_choice(method, "method", methods[model])
    rate = check_number(rate, "rate", above=0.0, below=1.0 if model == "binomial" else math.inf)
    future = check_number(future, "future", above=0.0)
    content = check_number(content, "content", above=0.0, below=1.0)
    confidence = check_number(check_confidence(confidence), "confidence", above=0.5, below=1.0)
    wider = check_number(wider, "wider", above=content, below=1.0)
    risk = check_number(risk, "risk", above=0.0, below=1.0)
    if model == "binomial" and not future.is_integer():
        raise DataError(f"future: got {future:g}; with model='binomial' a whole number of units is wanted")

    best = _best(rate, future, content, sides, model)
    if best > wider:
        raise DataError(f"wider: got {wider:g}, but the limit at the true rate holds {best:.6g} already; allow more")

    def waste(n: int) -> float:
        x, chance = _seen(rate, n, model)
        size = np.full(x.size, float(n))
        low, high = limits_of_counts(x, size, future, content, confidence, sides, model, method)
        return float(chance[_held(low, high, rate, future, model) > wider].sum())

    n = _first(lambda size: waste(size) <= risk, 1)
    text = f"{model} counts, {method} limits, all counts gone through"
    return ToleranceSize(n, content, confidence, wider, risk, waste(n), text, _SOURCE)


def _seen(rate: float, n: int, model: str) -> tuple[FloatArray, FloatArray]:
    """Every count that may be seen, and its probability."""
    spread = 9.0 * math.sqrt(rate * n) + 20.0
    x = np.arange(max(0.0, math.floor(rate * n - spread)), math.ceil(rate * n + spread) + 1.0)
    if model == "binomial":
        x = x[x <= n]
        return x, np.asarray(binomial_pmf(x, n, rate))
    return x, np.exp(x * math.log(rate * n) - rate * n - scipy.special.gammaln(x + 1.0))


def _best(rate: float, future: float, content: float, sides: str, model: str) -> float:
    """Share that the limit holds if the rate is known."""
    true = np.array([rate])
    low, high = np.zeros(1), np.full(1, math.inf if model == "poisson" else future)
    if sides == "lower":
        low = lower_count(true, future, 1.0 - content, model)
    else:
        high = upper_count(true, future, 1.0 - content, model)
    return float(_held(low, high, rate, future, model)[0])


def _held(low: FloatArray, high: FloatArray, rate: float, future: float, model: str) -> FloatArray:
    """Share of future counts within each pair of limits, at the true rate."""
    top = np.ones(high.size)
    some = np.isfinite(high)
    if model == "binomial":
        top[some] = binomial_cdf(high[some], future, rate)
        below = np.asarray(binomial_cdf(np.maximum(low - 1.0, 0.0), future, rate))
    else:
        top[some] = poisson_cdf(high[some], rate * future)
        below = np.asarray(poisson_cdf(np.maximum(low - 1.0, 0.0), rate * future))
    held: FloatArray = top - np.where(low > 0.0, below, 0.0)
    return held
