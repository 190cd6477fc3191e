"""One rate of events with its interval: complaints per thousand orders, defects per unit, incidents per month."""

from __future__ import annotations

import math
from typing import overload

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats.inference.comparison import ALTERNATIVES, tails
from qstats.inference.estimate import Estimate, Estimates
from qstats.inference.pairs import columns_of, estimated
from qstats.inference.rate_kernels import critical, poisson_limits
from qstats.inference.rates import scatter

__all__ = ["estimate_rate"]

_METHODS = {
    "midp": ("Poisson, mid-p", "Cohen & Yang (1994), Statistics in Medicine 13, 2189-2203"),
    "exact": ("Poisson, exact central", "Garwood (1936), Biometrika 28, 437-442"),
    "score": ("Poisson, score", "Rao (1948), Proc. Cambridge Phil. Soc. 44, 50-57; Brown, Cai & DasGupta (2003), "
              "Statistica Sinica 13, 19-49"),
}  # fmt: skip


def _score_limits(y: FloatArray, z_low: float, z_high: float) -> tuple[FloatArray, FloatArray]:
    """Roots of ``(y - mean)**2 = z**2 mean``; their product is ``y**2``, so the lower one does not cancel."""

    def upper(z: float) -> FloatArray:
        return y + 0.5 * z * z + z * np.sqrt(y + 0.25 * z * z)

    if math.isinf(z_low):
        low = np.zeros(y.size)
    else:
        low = y * y / upper(z_low) if z_low > 0.0 else upper(-z_low)
    return low, np.full(y.size, np.inf) if math.isinf(z_high) else upper(z_high)


@overload
def estimate_rate(
    events: float, exposure: float, *, method: str = ..., confidence: float = ..., alternative: str = ...,
    dispersion: float = ..., df: float = ...,
) -> Estimate: ...  # fmt: skip
@overload
def estimate_rate(
    events: npt.ArrayLike, exposure: npt.ArrayLike, *, method: str = ..., confidence: float = ...,
    alternative: str = ..., dispersion: float = ..., df: float = ...,
) -> Estimate | Estimates: ...  # fmt: skip
def estimate_rate(
    events: npt.ArrayLike,
    exposure: npt.ArrayLike,
    *,
    method: str = "midp",
    confidence: float = 0.95,
    alternative: str = "two-sided",
    dispersion: float = 1.0,
    df: float = math.inf,
) -> Estimate | Estimates:
    r"""Give the rate of events per exposure and how far it may be off: complaints per thousand orders.

    Use it for counts over an exposure. Not for a share of units (`estimate_proportion`), and not for counts that
    scatter more than Poisson unless `dispersion` says how much.

    Parameters
    ----------
    events : float or array-like, shape (m,)
        Whole number of events.
    exposure : float or array-like, shape (m,)
        Above zero, in the unit the rate is wanted per.
    method : {"midp", "exact", "score"}
        ``"midp"`` covers close to `confidence`; ``"exact"`` (Garwood) never less than it and is wider; ``"score"``
        takes `dispersion`.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"less"`` gives an upper bound only, ``"greater"`` a lower bound only, each with the whole error on its side.
    dispersion : float
        Variance over Poisson variance, for the score method only; under 1 counts as 1.
    df : float
        Degrees of freedom `dispersion` was estimated with: Student's t takes the place of the normal.

    Returns
    -------
    Estimate or Estimates
        ``n`` is the number of events. No event gives rate 0 with a finite upper limit.

    Raises
    ------
    DataError
        Negative or fractional events, exposure not above zero, an unknown option.

    Notes
    -----
    Garwood's limits of the mean :math:`\mu = \lambda t` solve :math:`P_\mu(Y \ge y) = \alpha/2` and
    :math:`P_\mu(Y \le y) = \alpha/2`; mid-p takes half of :math:`P(Y = y)` off each tail; the score limits solve
    :math:`(y - \mu)^2 = z^2 \phi \mu`.

    References
    ----------
    Garwood (1936), Biometrika 28, 437-442. Cohen & Yang (1994), Statistics in Medicine 13, 2189-2203.

    Examples
    --------
    No complaint in 500 orders:

    >>> from qstats import estimate_rate
    >>> r = estimate_rate(0, 500, method="exact", alternative="less")
    >>> r.estimate, round(r.interval.high, 5)
    (0.0, 0.00599)
    >>> estimate_rate([25, 9, 160], 20).interval.high.round(3)
    array([1.818, 0.826, 9.314])
    """
    text, source = _METHODS[check_choice(method, "method", _METHODS)]
    check_choice(alternative, "alternative", ALTERNATIVES)
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    phi, notes = scatter(dispersion, df, method)
    single, (y, t) = columns_of({"events": (events, "count"), "exposure": (exposure, "exposure")})
    if method == "score":
        scale = math.sqrt(phi)
        low, high = _score_limits(y, scale * critical(below, df), scale * critical(above, df))
        text = "quasi-Poisson, score, t" if phi > 1.0 or df != math.inf else text
    else:
        low, high = poisson_limits(y, below, above, 1.0 if method == "exact" else 0.5)
    return estimated(
        "rate", y / t, low / t, high / t, y, single=single, confidence=confidence, method=text, reference=source,
        notes=notes,
    )  # fmt: skip
