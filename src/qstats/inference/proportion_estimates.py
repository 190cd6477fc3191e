"""One proportion with its interval: orders late, customers satisfied, units that fail."""

from __future__ import annotations

import math
from typing import overload

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats.inference.comparison import ALTERNATIVES, tails
from qstats.inference.estimate import Estimate, Estimates
from qstats.inference.pairs import columns_of, estimated
from qstats.inference.proportions import no_more_than
from qstats.inference.rate_kernels import conditional_odds, critical, score_odds

__all__ = ["estimate_proportion"]

_METHODS = {
    "wilson": ("Wilson (score)", "Wilson (1927), JASA 22, 209-212"),
    "clopper-pearson": ("Clopper-Pearson (exact)", "Clopper & Pearson (1934), Biometrika 26, 404-413"),
    "jeffreys": ("Jeffreys", "Brown, Cai & DasGupta (2001), Statistical Science 16, 101-133, section 3.1.3"),
    "midp": ("mid-p", "Lancaster (1961), JASA 56, 223-234; Berry & Armitage (1995), The Statistician 44, 417-423"),
}


def _jeffreys(x: FloatArray, n: FloatArray, below: float, above: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles of Beta(x + 1/2, n - x + 1/2); 0 and 1 belong to the interval of no event and of nothing else."""
    a, b = x + 0.5, n - x + 0.5
    low = np.where((x > 0.0) & (below > 0.0), scipy.special.betaincinv(a, b, below), 0.0)
    rest = np.where((x < n) & (above > 0.0), scipy.special.betaincinv(b, a, above), 0.0)
    return low, 1.0 - rest


def _limits(x: FloatArray, n: FloatArray, method: str, below: float, above: float) -> tuple[FloatArray, FloatArray]:
    if method == "jeffreys":
        return _jeffreys(x, n, below, above)
    if method == "wilson":
        low, high = score_odds(x, n, critical(below, math.inf), critical(above, math.inf))
    else:
        low, high = conditional_odds(x, n, below, above, 0.5 if method == "midp" else 1.0)
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 + 1.0 / low), 1.0 / (1.0 + 1.0 / high)


@overload
def estimate_proportion(
    count: float, size: float, *, method: str = ..., confidence: float = ..., alternative: str = ...
) -> Estimate: ...
@overload
def estimate_proportion(
    count: npt.ArrayLike, size: npt.ArrayLike, *, method: str = ..., confidence: float = ..., alternative: str = ...
) -> Estimate | Estimates: ...
def estimate_proportion(
    count: npt.ArrayLike,
    size: npt.ArrayLike,
    *,
    method: str = "wilson",
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Estimate | Estimates:
    r"""Give a share (of orders late, of customers satisfied) and how far it may be off.

    Use it when every unit either has the event or not. Not for events counted over an exposure (`estimate_rate`), nor
    where units come in clusters (answers of one household, parts of one lot): the interval would be too short.

    Parameters
    ----------
    count : float or array-like, shape (m,)
        Whole number of units with the event.
    size : float or array-like, shape (m,)
        Whole number of units, at least one.
    method : {"wilson", "clopper-pearson", "jeffreys", "midp"}
        ``"wilson"`` and ``"midp"`` cover close to `confidence`; ``"clopper-pearson"`` never less (regulated use) and is
        wider; ``"jeffreys"`` is the Bayesian interval, equal-tailed, and also covers close to it on average.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"less"`` gives an upper bound only, ``"greater"`` a lower bound only, each with the whole error on its side.

    Returns
    -------
    Estimate or Estimates
        ``n`` is the number of units. Counts of zero and of all units give limits at 0 and 1, never a width of zero.

    Raises
    ------
    DataError
        Count above size, fractions, no unit, an unknown option.

    Notes
    -----
    Wilson: the roots of :math:`(x - n p)^2 = z^2 n p (1 - p)`. Clopper-Pearson: :math:`P_p(X \ge x) = \alpha/2` and
    :math:`P_p(X \le x) = \alpha/2`; mid-p takes half of :math:`P(X = x)` off each tail. Jeffreys: quantiles of
    :math:`\mathrm{Beta}(x + 1/2, n - x + 1/2)`, with the lower limit 0 at x = 0 and the upper limit 1 at x = n.

    References
    ----------
    Brown, Cai & DasGupta (2001), Statistical Science 16, 101-133. Clopper & Pearson (1934), Biometrika 26, 404-413.

    Examples
    --------
    >>> from qstats import estimate_proportion
    >>> r = estimate_proportion(45, 50)
    >>> round(r.interval.low, 4), round(r.interval.high, 4)
    (0.7864, 0.9565)
    >>> estimate_proportion([0, 7, 98], [20, 120, 100], method="clopper-pearson").interval.high.round(4)
    array([0.1684, 0.1165, 0.9976])
    """
    text, source = _METHODS[check_choice(method, "method", _METHODS)]
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    single, (x, n) = columns_of({"count": (count, "count"), "size": (size, "size")})
    no_more_than(x, n, "")
    low, high = _limits(x, n, method, below, above)
    return estimated(
        "proportion", x / n, low, high, n, single=single, confidence=confidence, method=text, reference=source
    )
