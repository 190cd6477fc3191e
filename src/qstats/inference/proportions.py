"""Compare two proportions: late orders, satisfied customers, units that fail."""

from __future__ import annotations

import math

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.quantiles import normal_quantile, normal_sf
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, bisect, tail_probability, tails

__all__ = ["compare_proportions"]

_SOURCES = {
    "miettinen-nurminen": "Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226",
    "mee": "Mee (1984), Biometrics 40, 1175-1176",
    "newcombe": "Newcombe (1998), Statistics in Medicine 17, 873-890, method 10",
}


def _restricted_difference(x: float, n: float, x0: float, n0: float, d: float) -> tuple[float, float]:
    """Maximum-likelihood proportions with ``p - p0 = d``: the admissible root of the likelihood cubic.

    Miettinen & Nurminen (1985), appendix. At ``d`` equal to the observed difference it returns the sample proportions.
    """
    total, c = n + n0, x + x0
    l3, l2 = total, (n + 2.0 * n0) * d - total - c
    l1, l0 = (n0 * d - total - 2.0 * x0) * d + c, x0 * d * (1.0 - d)
    shift = l2 / (3.0 * l3)
    q = shift**3 - l1 * l2 / (6.0 * l3 * l3) + l0 / (2.0 * l3)
    u = math.copysign(math.sqrt(max(shift * shift - l1 / (3.0 * l3), 0.0)), q)
    cosine = 0.0 if u == 0.0 else min(1.0, max(-1.0, q / u**3))
    p0 = 2.0 * u * math.cos((math.pi + math.acos(cosine)) / 3.0) - shift
    p0 = min(max(p0, 0.0, -d), 1.0, 1.0 - d)
    return p0 + d, p0


def _restricted_ratio(x: float, n: float, x0: float, n0: float, ratio: float) -> tuple[float, float]:
    """Maximum-likelihood proportions with ``p / p0 = ratio``: the smaller root of a quadratic."""
    a = (n + n0) * ratio
    b = -((n + x0) * ratio + x + n0)
    c = x + x0
    root = math.sqrt(max(b * b - 4.0 * a * c, 0.0))
    p0 = 2.0 * c / (root - b)
    return min(ratio * p0, 1.0), min(p0, 1.0)


def _score(gap: float, variance: float) -> float:
    if variance <= 0.0:
        return 0.0 if abs(gap) < 1e-15 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def _difference_score(x: float, n: float, x0: float, n0: float, d: float, inflate: float) -> float:
    p, p0 = _restricted_difference(x, n, x0, n0, d)
    return _score(x / n - x0 / n0 - d, inflate * (p * (1.0 - p) / n + p0 * (1.0 - p0) / n0))


def _ratio_score(x: float, n: float, x0: float, n0: float, ratio: float, inflate: float) -> float:
    p, p0 = _restricted_ratio(x, n, x0, n0, ratio)
    variance = inflate * (p * (1.0 - p) / n + ratio * ratio * p0 * (1.0 - p0) / n0)
    return _score(x / n - ratio * x0 / n0, variance)


def _wilson(x: float, n: float, z: float) -> tuple[float, float]:
    half, spread = x + 0.5 * z * z, z * math.sqrt(x * (n - x) / n + 0.25 * z * z)
    return max((half - spread) / (n + z * z), 0.0), min((half + spread) / (n + z * z), 1.0)


def _newcombe_limit(x: float, n: float, x0: float, n0: float, z: float, upper: bool) -> float:
    if math.isinf(z):
        return 1.0 if upper else -1.0
    p, p0 = x / n, x0 / n0
    (low, high), (low0, high0) = _wilson(x, n, z), _wilson(x0, n0, z)
    if upper:
        return min(p - p0 + math.hypot(high - p, p0 - low0), 1.0)
    return max(p - p0 - math.hypot(p - low, high0 - p0), -1.0)


def _newcombe_score(x: float, n: float, x0: float, n0: float, d: float) -> float:
    """Return the z at which the limit of Newcombe's interval reaches `d`: inverting the interval gives the p-value."""
    gap = x / n - x0 / n0 - d
    if gap == 0.0:
        return 0.0
    sign = math.copysign(1.0, gap)

    def still_inside(z: float) -> float:
        return sign * (_newcombe_limit(x, n, x0, n0, z, upper=gap < 0) - d)

    return sign * (bisect(still_inside, 0.0, 40.0))


def _solve(score, z: float, start: float, end: float) -> float:  # type: ignore[no-untyped-def]
    """Return where `score` (falling in its argument) equals `z` between `start` < `end`."""
    return bisect(lambda v: score(v) - z, start, end)


def _score_limits(
    effect: str, x: float, n: float, x0: float, n0: float, z_low: float, z_high: float, inflate: float
) -> tuple[float, float]:
    if effect == "difference":
        at = x / n - x0 / n0

        def f(d: float) -> float:
            return _difference_score(x, n, x0, n0, d, inflate)

        low = -1.0 if math.isinf(z_low) else _solve(f, z_low, -1.0, at)
        return low, 1.0 if math.isinf(z_high) else _solve(f, -z_high, at, 1.0)

    def g(log_ratio: float) -> float:
        return _ratio_score(x, n, x0, n0, math.exp(log_ratio), inflate)

    middle = 0.0 if x == 0 or x0 == 0 else math.log((x / n) / (x0 / n0))
    low = 0.0 if x == 0 or math.isinf(z_low) else math.exp(_solve(g, z_low, -200.0, middle if x0 else 200.0))
    high = math.inf if x0 == 0 or math.isinf(z_high) else math.exp(_solve(g, -z_high, middle if x else -200.0, 200.0))
    return low, high


def _checked(count: object, size: object, suffix: str) -> tuple[float, float]:
    x = check_number(count, f"count{suffix}", least=0.0)
    n = check_number(size, f"size{suffix}", least=1.0)
    if x != math.floor(x) or n != math.floor(n):
        raise DataError(f"count{suffix}: got {x:g} of {n:g}; whole numbers are wanted")
    if x > n:
        raise DataError(f"count{suffix}: got {x:g} of size{suffix} {n:g}; a count cannot exceed its size")
    return x, n


def compare_proportions(
    count: float,
    size: float,
    count0: float,
    size0: float,
    *,
    effect: str = "difference",
    method: str = "miettinen-nurminen",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison:
    r"""Tell whether a share (of orders late, of customers satisfied) differs between a group and a reference group.

    Use it when every unit either has the event or not. Not for events counted over an exposure (`compare_rates`), and
    not for the same customers asked twice.

    Parameters
    ----------
    count, size : float
        Whole number of units with the event, and of units, in the group asked about (such as "after").
    count0, size0 : float
        The same for the reference group.
    effect : {"difference", "risk_ratio"}
        ``count/size - count0/size0``, or their ratio.
    method : {"miettinen-nurminen", "mee", "newcombe"}
        Score interval with or without the factor N/(N-1); Newcombe's hybrid of Wilson intervals (difference only).
    null : float, optional
        Difference (default 0) or ratio (default 1) the p-value is about: a non-inferiority margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Comparison
        Zero counts and counts equal to the size are handled.

    Raises
    ------
    DataError
        Count above size, fractions, an unknown option, a null outside the possible range.

    Notes
    -----
    :math:`z(\delta) = (\hat p_1 - \hat p_0 - \delta) / \sqrt{\tilde V(\delta)}` with the variance at the maximum of
    the likelihood under :math:`p_1 - p_0 = \delta`. Limits are the :math:`\delta` where :math:`z = \pm z_{\alpha/2}`
    and the p-value is the tail at the null, so they cannot disagree.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226. Newcombe (1998), Statistics in Medicine 17, 873-890.

    Examples
    --------
    >>> from qstats import compare_proportions
    >>> r = compare_proportions(56, 70, 48, 80)
    >>> round(r.interval.low, 4), round(r.interval.high, 4)
    (0.0528, 0.3382)
    """
    check_choice(effect, "effect", ("difference", "risk_ratio"))
    check_choice(method, "method", _SOURCES)
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    x, n = _checked(count, size, "")
    x0, n0 = _checked(count0, size0, "0")
    z_low = math.inf if below == 0 else float(normal_quantile(1.0 - below))
    z_high = math.inf if above == 0 else float(normal_quantile(1.0 - above))
    if effect == "difference":
        null = 0.0 if null is None else check_number(null, "null", above=-1.0, below=1.0)
        estimate = x / n - x0 / n0
    else:
        null = 1.0 if null is None else check_number(null, "null", above=0.0)
        if method == "newcombe":
            raise DataError("method: 'newcombe' is for the difference; use 'miettinen-nurminen' for a ratio")
        if x + x0 == 0:
            raise DataError("count: no event in either group; the ratio does not exist, use effect='difference'")
        estimate = math.inf if x0 == 0 else (x / n) / (x0 / n0)
    inflate = (n + n0) / (n + n0 - 1.0) if method == "miettinen-nurminen" else 1.0
    if method == "newcombe":
        z = _newcombe_score(x, n, x0, n0, null)
        limits = (
            _newcombe_limit(x, n, x0, n0, z_low, upper=False),
            _newcombe_limit(x, n, x0, n0, z_high, upper=True),
        )
    else:
        f = _difference_score if effect == "difference" else _ratio_score
        z = f(x, n, x0, n0, null, inflate)
        limits = _score_limits(effect, x, n, x0, n0, z_low, z_high, inflate)
    p = tail_probability(float(normal_sf(-z)), float(normal_sf(z)), alternative)
    interval = Interval(*limits, confidence)
    return Comparison(
        effect, estimate, interval, p, alternative, null, z, (x, x0), f"score, {method}", _SOURCES[method]
    )
