"""How long multivariate EWMA and CUSUM charts run before they signal, for known mean and covariance.

In control both charts depend on the length of one vector only, so the integral equation has one dimension; with a shift
the EWMA vector is described by its component along the shift and the length of the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats.errors import DataError
from qstats.spc.runlength.markov import Chain, check_points, gauss_legendre, match_limit, settled, settled_survival

__all__ = ["mcusum_arl", "mcusum_limit", "mcusum_survival", "mewma_arl", "mewma_limit", "mewma_survival"]

_MOST_DIMENSIONS = 100
_MOST_NODES = 90  # along the shift; 3,200 in all


def _length_density(y: FloatArray, p: int, s: FloatArray, power: float | None = None) -> FloatArray:
    """Return the density at `y` of the length of a p-dimensional normal vector whose mean has length `s`.

    ``2 y`` times the noncentral chi-square density of ``y**2``. With the Bessel function scaled by exp(-y s) nothing
    overflows; where its argument is small the confluent form avoids 0/0. The density has the factor ``y**(p - 1)``;
    `power` is the exponent to put in its place.
    """
    order = 0.5 * p - 1.0
    z = y * s
    small = z < 1e-3
    safe = np.where(small, 1.0, z)
    log_bessel = np.log(np.maximum(scipy.special.ive(order, safe), 1e-300)) - order * np.log(safe)
    near = z * z / (4.0 * (order + 1.0))
    log_near = np.log1p(near) - order * math.log(2.0) - math.lgamma(order + 1.0) - z
    lead = (p - 1.0 if power is None else power) * np.log(y)
    return np.asarray(np.exp(lead - 0.5 * (y - s) ** 2 + np.where(small, log_near, log_bessel)))


def _check_dimension(p: object) -> int:
    if isinstance(p, bool) or not isinstance(p, int | np.integer) or not 1 <= p <= _MOST_DIMENSIONS:
        raise DataError(f"p: got {p!r}; a whole number of variables from 1 to {_MOST_DIMENSIONS} is wanted")
    return int(p)


def _mewma_in_control(r: float, radius: float, p: int, m: int) -> Chain:
    """Describe the chart by the length of the vector; `radius` is the limit as a length in units of r sigma."""
    x, w = gauss_legendre(m)
    y, weight = radius * x, radius * w
    source = np.concatenate([y, [0.0]])
    move = _length_density(y, p, (1.0 - r) * source[:, None]) * weight
    return Chain(np.ones(1), move[-1], move[:-1])


def _half_disc(radius: float, p: int, m: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return component along the shift, length of the rest, and weight of each node inside the limit.

    The run length is analytic in the component and the squared length; what is not, the powers of the length and of the
    distance from the round boundary, is the weight of the Gauss-Jacobi rules.
    """
    x, wx = scipy.special.roots_jacobi(m, 0.5 * (p - 1.0), 0.5 * (p - 1.0))
    power = 0.5 * (p - 3.0)
    u, wu = scipy.special.roots_jacobi(m // 3 + 6, 0.0, power)
    along = np.repeat(radius * x, u.size)
    rest = radius * np.sqrt(np.outer(1.0 - x * x, 0.5 * (1.0 + u))).ravel()
    return along, rest, radius**p * np.outer(wx, wu * 0.5 ** (power + 2.0)).ravel()


def _mewma_shifted(r: float, radius: float, p: int, delta: float, m: int) -> Chain:
    """Describe it by the component along the shift and the length of the rest, inside a half disc."""
    along, rest, weight = _half_disc(radius, p, m)
    source_along, source_rest = np.append(along, 0.0), np.append(rest, 0.0)
    levels = along[:: along.size // m]
    first = levels - (1.0 - r) * source_along[:, None] - delta
    move = np.repeat(np.exp(-0.5 * first * first) / math.sqrt(2.0 * math.pi), along.size // m, axis=1)
    move *= _length_density(rest, p - 1, (1.0 - r) * source_rest[:, None], power=0.0) * weight
    return Chain(np.ones(1), move[-1], move[:-1])


def mewma_arl(r: float, h: float, p: int, delta: float = 0.0) -> float:
    """Return how many points a multivariate EWMA chart takes on average until it signals.

    To choose the limit before data come. For limits that are the same at every point (asymptotic covariance) and known
    mean and covariance; with estimated ones the chart signals more often.

    Parameters
    ----------
    r : float
        Weight of the newest point, above 0 and at most 1 (1 is the chi-square chart).
    h : float
        Limit of the statistic ``Z' Cov(Z)^-1 Z``.
    p : int
        Number of variables.
    delta : float
        Size of the shift, ``sqrt((mu - mu0)' Sigma^-1 (mu - mu0))``; 0 is the in-control run length. The direction does
        not matter.

    Returns
    -------
    float
        Average run length in points, to 1e-8 of its value in control and 1e-6 with a shift.

    Raises
    ------
    DataError
        An argument out of range.
    NoConvergence
        The run length is beyond what double precision can tell, or the weight so small that the integral equation of a
        shift needs more than 3,000 nodes.

    References
    ----------
    Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53; Rigdon (1995), Journal of Statistical Computation
    and Simulation 52(4), 351-365 and Journal of Quality Technology 27(4), 337-346.

    Examples
    --------
    >>> from qstats.spc.runlength import mewma_arl
    >>> round(mewma_arl(0.1, 12.7231, 4), 1)
    200.0
    """
    chain, m, what, agree = _mewma(r, h, p, delta)
    return settled(lambda m: chain(m).arl(), m, what, most=_MOST_NODES, agree=agree)


def _mewma(r: object, h: object, p: object, delta: object) -> tuple[Callable[[int], Chain], int, str, float]:
    """Return the chart as a chain of so many nodes, the nodes to begin with, its name, and the accuracy to ask for."""
    r = check_number(r, "r", above=0.0)
    if r > 1.0:
        raise DataError(f"r: got {r:g}; a weight above 0 and at most 1 is wanted")
    h, p, delta = check_number(h, "h", above=0.0), _check_dimension(p), check_number(delta, "delta", least=0.0)
    radius = math.sqrt(h / (r * (2.0 - r)))  # of the vector divided by r: each new point adds unit variance
    what = f"MEWMA with r = {r:g}, h = {h:g}"
    if delta == 0.0:
        return lambda m: _mewma_in_control(r, radius, p, m), 10 + math.ceil(2.0 * radius), what, 1e-8
    if p == 1:
        from qstats.spc.runlength.memory import ewma_chain

        width = math.sqrt(h)
        return lambda m: ewma_chain(r, width, delta, m), 10 + math.ceil(4.0 * radius), what, 1e-8
    return lambda m: _mewma_shifted(r, radius, p, delta, m), 6 + math.ceil(2.6 * radius), what, 1e-6


def mewma_survival(r: float, h: float, p: int, n: int, delta: float = 0.0) -> FloatArray:
    """Return the probability that a multivariate EWMA chart has not signalled by the 1st, ..., the n-th point.

    Parameters
    ----------
    r, h, p, delta
        As in `mewma_arl`.
    n : int
        Number of points.

    Returns
    -------
    numpy.ndarray
        P(RL > 1), ..., P(RL > n), shape (n,).
    """
    chain, m, what, agree = _mewma(r, h, p, delta)
    n = check_points(n)
    return settled_survival(lambda m: chain(m).survival(n), m, what, most=_MOST_NODES, agree=agree)


def mewma_limit(r: float, p: int, arl0: float = 370.4) -> float:
    """Return the limit of a multivariate EWMA chart with a given in-control run length.

    Parameters
    ----------
    r, p
        As in `mewma_arl`.
    arl0 : float
        In-control average run length, above 1.

    Examples
    --------
    >>> from qstats.spc.runlength import mewma_limit
    >>> round(mewma_limit(0.1, 4, 200.0), 2)
    12.72
    """
    p, arl0 = _check_dimension(p), check_number(arl0, "arl0", above=1.0)
    shewhart = 2.0 * float(scipy.special.gammaincinv(0.5 * p, 1.0 - 1.0 / arl0))  # r = 1; smaller r needs a lower limit
    return match_limit(lambda h: mewma_arl(r, h, p), arl0, 0.5 * shewhart, 1.001 * shewhart, f"MEWMA with r = {r:g}")


def mcusum_arl(k: float, h: float, p: int) -> float:
    """Return how many points Crosier's multivariate CUSUM takes on average until it signals, in control.

    Parameters
    ----------
    k : float
        Reference value; half the shift the chart is tuned to, as a Mahalanobis distance.
    h : float
        Limit of the length of the sum.
    p : int
        Number of variables.

    Returns
    -------
    float
        In-control average run length in points, to 1e-8 of its value.

    Raises
    ------
    DataError
        An argument out of range.
    NoConvergence
        The run length is beyond what double precision can tell.

    Notes
    -----
    With ``C = |S + X|`` the sum becomes 0 where ``C <= k``, else it has length ``C - k``. Given the length s before,
    ``C**2`` is noncentral chi-square with p degrees of freedom and noncentrality ``s**2``.

    References
    ----------
    Crosier (1988), Technometrics 30(3), 291-303.

    Examples
    --------
    >>> from qstats.spc.runlength import mcusum_arl
    >>> round(mcusum_arl(0.5, 5.5, 2), 1)
    201.5
    """
    chain, m, what = _mcusum(k, h, p)
    return settled(lambda m: chain(m).arl(), m, what)


def _mcusum(k: object, h: object, p: object) -> tuple[Callable[[int], Chain], int, str]:
    """Return the chart as a chain of so many nodes, the nodes to begin with, and its name."""
    k, h, p = check_number(k, "k", least=0.0), check_number(h, "h", above=0.0), _check_dimension(p)

    def chain(m: int) -> Chain:
        x, w = gauss_legendre(m)
        y = h * x
        source = np.concatenate([[0.0], y])[:, None]
        stay = scipy.special.chndtr(k * k, float(p), source * source)
        move = np.hstack([stay, _length_density(y + k, p, source) * (h * w)])
        return Chain(np.ones(1), move[0], move)

    return chain, 10 + math.ceil(1.5 * h), f"MCUSUM with k = {k:g}, h = {h:g}"


def mcusum_survival(k: float, h: float, p: int, n: int) -> FloatArray:
    """Return the probability that Crosier's chart has not signalled by the 1st, ..., the n-th point, in control.

    Parameters
    ----------
    k, h, p
        As in `mcusum_arl`.
    n : int
        Number of points.

    Returns
    -------
    numpy.ndarray
        P(RL > 1), ..., P(RL > n), shape (n,).
    """
    chain, m, what = _mcusum(k, h, p)
    n = check_points(n)
    return settled_survival(lambda m: chain(m).survival(n), m, what)


def mcusum_limit(k: float, p: int, arl0: float = 370.4) -> float:
    """Return the limit of Crosier's multivariate CUSUM with a given in-control run length.

    Parameters
    ----------
    k, p
        As in `mcusum_arl`.
    arl0 : float
        In-control average run length, above 1.

    Examples
    --------
    >>> from qstats.spc.runlength import mcusum_limit
    >>> round(mcusum_limit(0.5, 2, 200.0), 1)
    5.5
    """
    p, arl0 = _check_dimension(p), check_number(arl0, "arl0", above=1.0)
    return match_limit(lambda h: mcusum_arl(k, h, p), arl0, 1.0, 4.0 + p, f"MCUSUM with k = {k:g}")
