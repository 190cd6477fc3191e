"""Student's t with a noncentrality: both tails, its quantiles, and the noncentrality that puts a quantile where asked.

What one-sided tolerance limits, capability against one limit, and the power of t tests rest on. Tails come from one
integral over the logarithm of the estimated standard deviation, where the integrand is smooth on the scale of
``1 / sqrt(2 df)`` and ``1 / (1 + |delta|)``, or, where the noncentrality is so large that this is too fine, over the
normal deviate; the trapezoidal rule converges geometrically in both. Series as found elsewhere lose their digits at
large noncentralities (R 4.2 beyond 37.6).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import BoolArray, FloatArray

__all__ = ["nct_cdf", "nct_delta", "nct_quantile", "nct_sf"]

_CELLS = 1 << 17  # integrand values at once
_LEFT = 100.0  # the integrand ends where the density is exp(-100) of its top: tails down to 1e-40 keep their digits
_FAR = 40.0  # exp(-_FAR**2 / 2) is no float64: a normal deviate cannot undo such a noncentrality
_EDGE = 14.0
_FAR_OUT = 340.0  # asinh of 1e147: squares of what is further out are no float64
_ROUNDS = 80
_CLOSE = 4e-15
_NEAR = 1e-9  # so near, the step of Newton that follows is the last that counts: its error is the square
_FEW = 400  # with so many arguments of one df, limits are interpolated
_NODES = 30  # Chebyshev nodes a unit of asinh(t / sqrt(2 df)): the interpolant is good to 1e-12


def _range(df: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ends of log(s / sigma): ``exp(u) - 1 - u = 2 * _LEFT / df`` bounded from outside, u = 2 log(s / sigma)."""
    c = 2.0 * _LEFT / df
    return -0.5 * np.minimum(c + 1.0, np.sqrt(2.0 * c) + c), 0.5 * np.log1p(c + np.sqrt(2.0 * c))


def _log_top(df: FloatArray) -> FloatArray:
    """Log density of log s at s = sigma: ``log 2 + nu/2 log(nu/2) - nu/2 - log Gamma(nu/2)``, without cancellation."""
    half = 0.5 * df
    with np.errstate(over="ignore"):
        series = 0.5 * np.log(half / (2.0 * np.pi)) - 1.0 / (12.0 * half) + 1.0 / (360.0 * half**3)
        series -= 1.0 / (1260.0 * half**5) - 1.0 / (1680.0 * half**7)
    plain = half * np.log(half) - half - scipy.special.gammaln(half)
    top: FloatArray = np.log(2.0) + np.where(half > 30.0, series, plain)
    return top


def _integrate(
    t: FloatArray, df: FloatArray, delta: FloatArray, upper: BoolArray, slope: str = ""
) -> tuple[FloatArray, FloatArray]:
    """Return a tail (the upper one where `upper` is true) and the lower tail's derivative in `slope` ("t", "delta")."""
    far = (np.abs(delta) > _FAR) & (np.abs(delta) > np.sqrt(2.0 * df))
    if not far.any():
        with np.errstate(over="ignore", under="ignore"):
            return _over_sigma(t, df, delta, upper, slope)
    tail, derivative = np.empty(t.size), np.empty(t.size)
    for kind, integral in ((far, _over_normal), (~far, _over_sigma)):
        if kind.any():
            with np.errstate(over="ignore", under="ignore"):
                tail[kind], derivative[kind] = integral(t[kind], df[kind], delta[kind], upper[kind], slope)
    return tail, derivative


def _over_normal(
    t: FloatArray, df: FloatArray, delta: FloatArray, upper: BoolArray, slope: str
) -> tuple[FloatArray, FloatArray]:
    """The tails of s at ``(z + delta) / t``, averaged over a normal z; mirrored, so that delta is positive."""
    mirror = delta < 0.0
    t, delta, upper = np.where(mirror, -t, t), np.abs(delta), upper ^ mirror
    z = np.arange(-_EDGE, _EDGE + 0.125, 0.25)
    tail, derivative = np.where(upper, 1.0, 0.0), np.zeros(t.size)  # what is left where t is on the other side
    for i in range(0, t.size, _CELLS // z.size):
        part = i + np.flatnonzero(t[i : i + _CELLS // z.size] > 0.0)
        x = (z + delta[part, None]) / t[part, None]
        half = 0.5 * df[part, None]
        square = half * x * x
        phi = np.exp(-0.5 * z * z) * (0.25 / np.sqrt(2.0 * np.pi))
        above = np.where(upper[part, None], scipy.special.gammainc(half, square), scipy.special.gammaincc(half, square))
        tail[part] = (phi * above).sum(axis=1)
        if slope:
            with np.errstate(divide="ignore"):
                log_x = np.log(x)
                density = np.exp(half * (2.0 * log_x - np.expm1(2.0 * log_x)) + _log_top(df[part])[:, None]) / x
            each = density * x if slope == "t" else -density
            derivative[part] = (phi * each).sum(axis=1) / t[part]
    return np.minimum(tail, 1.0), derivative


def _over_sigma(
    t: FloatArray, df: FloatArray, delta: FloatArray, upper: BoolArray, slope: str
) -> tuple[FloatArray, FloatArray]:
    """The normal tails at ``t s - delta``, averaged over the distribution of s."""
    low, high = _range(df)
    step = 0.5 * np.minimum(np.minimum(0.25, 1.0 / np.sqrt(2.0 * df)), 1.0 / (1.0 + np.abs(delta)))
    need = np.ceil((high - low) / step).astype(np.int64) + 1
    tail, derivative = np.empty(t.size), np.zeros(t.size)
    order = np.argsort(need, kind="stable")[::-1]
    i = 0
    while i < order.size:
        count = int(need[order[i]])
        part = order[i : i + max(1, _CELLS // count)]
        i += part.size
        span = (high - low)[part, None]
        x = low[part, None] + span * np.linspace(0.0, 1.0, count)
        # log density of log s: its top, and nu x - nu/2 (exp(2 x) - 1) below it
        weight = np.exp(0.5 * df[part, None] * (2.0 * x - np.expm1(2.0 * x)) + _log_top(df[part])[:, None])
        weight *= span / (count - 1)
        s = np.exp(x)
        z = t[part, None] * s - delta[part, None]
        tail[part] = (scipy.special.ndtr(np.where(upper[part, None], -z, z)) * weight).sum(axis=1)
        if slope:
            weight *= np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
            derivative[part] = (weight * s).sum(axis=1) if slope == "t" else -weight.sum(axis=1)
    return np.minimum(tail, 1.0), derivative


def _broadcast(*args: Any) -> tuple[tuple[int, ...], list[FloatArray]]:
    arrays = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in args))
    return arrays[0].shape, [np.ascontiguousarray(a).reshape(-1) for a in arrays]


def nct_cdf(t: Any, df: Any, delta: Any) -> Any:
    """Return ``P(T <= t)`` for Student's t with `df` degrees of freedom and noncentrality `delta`; broadcasts.

    Examples
    --------
    >>> round(float(nct_cdf(2.0, 10, 1.0)), 12)
    0.80761156253
    """
    shape, (t, df, delta) = _broadcast(t, df, delta)
    return _integrate(t, df, delta, np.zeros(t.size, bool))[0].reshape(shape)[()]


def nct_sf(t: Any, df: Any, delta: Any) -> Any:
    """Return ``P(T > t)``, with its digits where it is small; broadcasts."""
    shape, (t, df, delta) = _broadcast(t, df, delta)
    return _integrate(t, df, delta, np.ones(t.size, bool))[0].reshape(shape)[()]


def _solve(p: FloatArray, start: FloatArray, tails: Any, sign: float) -> FloatArray:
    """Find where ``P(T <= t)`` is `p` by Newton's method on the normal scale, where it is nearly a straight line.

    ``tails(x, at, upper)`` gives the tail in which `p` lies and the derivative of the lower tail in `x`, which has the
    sign `sign`. A bracket is kept: a step out of it is halved.
    """
    upper = p > 0.5
    goal = scipy.special.ndtri(p)
    x = start.copy()
    low, high = np.full(x.size, -np.inf), np.full(x.size, np.inf)
    at = np.arange(x.size)
    for _ in range(_ROUNDS):
        tail, slope = tails(x[at], at, upper[at])
        z = np.where(upper[at], -1.0, 1.0) * scipy.special.ndtri(tail)
        miss = z - goal[at]
        below = sign * miss < 0.0  # x is too small
        low[at], high[at] = np.where(below, x[at], low[at]), np.where(below, high[at], x[at])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = -miss * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) / slope
            most = 1.0 + np.abs(x[at])
            new = x[at] + np.clip(step, -most, most)
            wild = ~((new > low[at]) & (new < high[at]))
        near = (np.abs(miss) <= _NEAR * np.maximum(1.0, np.abs(goal[at]))) & np.isfinite(step)
        wild &= ~near
        new[wild] = _between(low[at[wild]], high[at[wild]])
        done = near | (np.abs(new - x[at]) <= _CLOSE * np.maximum(1.0, np.abs(x[at])))
        x[at] = new
        at = at[~done]
        if at.size == 0:
            break
    return x


def _between(low: FloatArray, high: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        middle = 0.5 * (low + high)
        middle = np.where(np.isinf(low), high - 2.0 * (1.0 + np.abs(high)), middle)
        result: FloatArray = np.where(np.isinf(high), low + 2.0 * (1.0 + np.abs(low)), middle)
    return result


def nct_quantile(p: Any, df: Any, delta: Any) -> Any:
    """Return the `p` quantile of Student's t with noncentrality `delta`; broadcasts, ``0 < p < 1``.

    Examples
    --------
    >>> import math
    >>> n = 43  # one-sided tolerance factor of NIST's handbook 7.2.6.3: 90 % of the units, confidence 99 %
    >>> round(float(nct_quantile(0.99, n - 1, 1.2815515655446 * math.sqrt(n))) / math.sqrt(n), 7)
    1.8739536
    """
    shape, (p, df, delta) = _broadcast(p, df, delta)

    root = np.sqrt(2.0 * df)  # few degrees of freedom have far tails: asinh(t / root) is what can be walked along

    def tails(u: FloatArray, at: Any, upper: Any) -> tuple[FloatArray, FloatArray]:
        u = np.clip(u, -_FAR_OUT, _FAR_OUT)
        tail, slope = _integrate(root[at] * np.sinh(u), df[at], delta[at], upper, "t")
        return tail, slope * root[at] * np.cosh(u)

    start = delta + scipy.special.ndtri(p) * np.sqrt(1.0 + delta * delta / (2.0 * df))
    return (root * np.sinh(_solve(p, np.arcsinh(start / root), tails, 1.0))).reshape(shape)[()]


def nct_delta(p: Any, t: Any, df: Any) -> Any:
    """Return the noncentrality at which ``P(T <= t)`` is `p`: the confidence limit for it having seen `t`; broadcasts.

    The upper limit of a two-sided interval of confidence 95 % is at ``p = 0.025``, the lower at 0.975. Hundreds of
    values of `t` with one `p` and one `df` are read off an interpolating polynomial, good to 1e-11.
    """
    shape, (p, t, df) = _broadcast(p, t, df)
    if t.size > _FEW and np.ptp(p) == 0.0 and np.ptp(df) == 0.0:
        return _interpolated(float(p[0]), t, float(df[0])).reshape(shape)[()]
    return _delta(p, t, df).reshape(shape)[()]


def _delta(p: FloatArray, t: FloatArray, df: FloatArray) -> FloatArray:
    def tails(delta: FloatArray, at: Any, upper: Any) -> tuple[FloatArray, FloatArray]:
        return _integrate(t[at], df[at], delta, upper, "delta")

    # s alone, and the normal deviate alone, put together like two independent errors
    q = np.where(t > 0.0, p, 1.0 - p)
    s = np.sqrt(scipy.special.gammainccinv(0.5 * df, q) / (0.5 * df))
    z = scipy.special.ndtri(p)
    start = t - np.sign(z) * np.hypot(np.abs(t) * np.abs(s - 1.0), z)
    return _solve(p, start, tails, -1.0)


def _interpolated(p: float, t: FloatArray, df: float) -> FloatArray:
    """The limit less its normal approximation, by pieces of Chebyshev series in ``asinh(t / sqrt(2 df))``."""
    root = np.sqrt(2.0 * df)
    z = scipy.special.ndtri(p)
    u = np.arcsinh(t / root)
    low, high = float(u.min()), float(u.max())
    pieces = max(1, int(np.ceil(high - low)))
    width = max(high - low, 1e-9) / pieces
    nodes = np.cos((np.arange(_NODES) + 0.5) * np.pi / _NODES)
    ends = low + width * (np.arange(pieces)[:, None] + 0.5 * (nodes + 1.0))
    at = root * np.sinh(ends).reshape(-1)
    exact = _delta(np.full(at.size, p), at, np.full(at.size, df))
    rest = (exact - (at - z * np.sqrt(1.0 + at * at / (2.0 * df)))).reshape(pieces, _NODES)
    series = rest @ np.cos(np.outer(np.arange(_NODES), np.arccos(nodes))).T * (2.0 / _NODES)
    series[:, 0] *= 0.5
    piece = np.clip(((u - low) / width).astype(np.int64), 0, pieces - 1)
    inside = np.clip(2.0 * ((u - low) / width - piece) - 1.0, -1.0, 1.0)
    out: FloatArray = t - z * np.sqrt(1.0 + t * t / (2.0 * df))
    for k in range(pieces):
        of = piece == k
        out[of] += np.polynomial.chebyshev.chebval(inside[of], series[k])
    return out
