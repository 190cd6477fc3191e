"""Multivariate statistics with a memory (MEWMA, MCUSUM) and of spread (generalized variance).

Rows are points, columns are variables; all values finite. As in `recursions`, the carry a call returns continues it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.errors import DataError
from qstats.spc.kernels.hotelling import whitener
from qstats.spc.kernels.recursions import ewma, ewma_variance, ewma_variance_unequal

__all__ = [
    "MewmaCarry",
    "determinant_estimate",
    "generalized_variance",
    "generalized_variance_constants",
    "generalized_variance_limits",
    "mcusum",
    "mewma",
]

_ROWS = 1 << 13


class MewmaCarry(NamedTuple):
    """What a MEWMA remembers: deviations (p,) of the last average from target, points seen, variance factor so far."""

    z: FloatArray
    seen: int = 0
    variance: float = 0.0


def mewma(
    x: FloatArray,
    mean: FloatArray,
    cov: FloatArray,
    r: float,
    *,
    size: float | FloatArray = 1.0,
    exact: bool = True,
    carry: MewmaCarry | None = None,
    names: tuple[str, ...] = (),
) -> tuple[FloatArray, FloatArray, MewmaCarry]:
    """Return the multivariate EWMA of the rows, its T2, and the carry.

    Parameters
    ----------
    x : numpy.ndarray
        (m, p) in time order: single points, or subgroup means.
    mean, cov : numpy.ndarray
        Target (p,) and covariance of single values (p, p).
    r : float
        Weight of the newest point, above 0 and at most 1.
    size : float or numpy.ndarray
        Values behind each row.
    exact : bool
        Divide by the variance the average has after so many points; False: by that of an endless series, which is what
        limits tabled for the zero-state run length assume. Equal sizes only.
    carry : MewmaCarry, optional
        What the call before returned; None at the start.
    names : tuple of str
        Variables, for messages.

    Returns
    -------
    z : numpy.ndarray
        (m, p) averages as deviations from target, in the units of the variables.
    t2 : numpy.ndarray
        (m,).
    carry : MewmaCarry
        For the rows after.

    Notes
    -----
    ``Z[t] = r (x[t] - mean) + (1 - r) Z[t-1]``, ``T2 = Z' (cov * factor)^-1 Z`` with ``factor = r / (2 - r) *
    (1 - (1 - r)**(2 t)) / n``.

    References
    ----------
    Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53; Montgomery (2013), 7th ed., section 11.4.
    """
    m, p = x.shape
    if not exact and np.ndim(size):
        raise DataError("limits: the asymptotic MEWMA wants subgroups of one size; use the exact covariance")
    last = carry or MewmaCarry(np.zeros(p))
    white, z, t2 = whitener(cov, names), np.empty((m, p)), np.empty(m)
    state: Any = last.z
    for i in range(0, m, _ROWS):
        j = min(i + _ROWS, m)
        averages, state = ewma(x[i:j].T - mean[:, None], r, carry=state)
        z[i:j] = averages.T
        w = white @ averages
        np.multiply(w, w, out=w)
        np.add.reduce(w, axis=0, out=t2[i:j])
    variance = last.variance
    if not exact:
        t2 *= float(size) / ewma_variance(r, math.inf)
    elif np.ndim(size):
        factor, variance = ewma_variance_unequal(np.asarray(size, dtype=np.float64), r, variance)
        t2 /= factor
    else:
        t2 *= float(size) / ewma_variance(r, np.arange(last.seen + 1.0, last.seen + m + 1.0))
        variance = float(ewma_variance(r, last.seen + m)) / float(size)
    return z, t2, MewmaCarry(state, last.seen + m, variance)


def mcusum(
    x: FloatArray,
    mean: FloatArray,
    cov: FloatArray,
    k: float,
    *,
    size: float | FloatArray = 1.0,
    carry: FloatArray | None = None,
    names: tuple[str, ...] = (),
) -> tuple[FloatArray, FloatArray]:
    """Return Crosier's multivariate CUSUM of the rows and the carry.

    Parameters
    ----------
    x : numpy.ndarray
        (m, p) in time order.
    mean, cov : numpy.ndarray
        Target (p,) and covariance of single values (p, p).
    k : float
        Allowance in statistical distance: half the shift to be found (0.5 for a shift of one).
    size : float or numpy.ndarray
        Values behind each row.
    carry : numpy.ndarray, optional
        Whitened sum (p,) that the call before returned; None at the start.
    names : tuple of str
        Variables, for messages.

    Returns
    -------
    y : numpy.ndarray
        (m,) length of the sum, zero or more.
    carry : numpy.ndarray
        (p,).

    Notes
    -----
    ``S = 0`` if ``C <= k``, else ``(S + x - mean)(1 - k/C)``, with ``C`` the length of ``S + x - mean`` in units of the
    covariance; ``y`` is the length of the new S, ``C - k``. Each step needs the one before: this kernel walks the rows.

    References
    ----------
    Crosier (1988), Technometrics 30(3), 291-303; Montgomery (2013), 7th ed., section 11.4.
    """
    m, p = x.shape
    white, y = whitener(cov, names), np.empty(m)
    s = [0.0] * p if carry is None else carry.tolist()
    root = np.broadcast_to(np.sqrt(np.asarray(size, dtype=np.float64)), (m,))
    for i in range(0, m, _ROWS):
        j = min(i + _ROWS, m)
        steps = (((x[i:j] - mean) @ white.T) * root[i:j, None]).tolist()
        lengths = []
        for step in steps:
            s = [a + b for a, b in zip(s, step, strict=True)]
            c = math.hypot(*s)
            if c <= k:
                s = [0.0] * p
                lengths.append(0.0)
            else:
                shrink = 1.0 - k / c
                s = [shrink * a for a in s]
                lengths.append(c - k)
        y[i:j] = lengths
    return y, np.array(s)


def generalized_variance(x: FloatArray, size: int | npt.NDArray[np.int64]) -> FloatArray:
    """Return the determinant of each subgroup's covariance matrix.

    Parameters
    ----------
    x : numpy.ndarray
        (rows, p), subgroup after subgroup.
    size : int or numpy.ndarray of int
        Rows a subgroup, more than p.

    Raises
    ------
    DataError
        A subgroup has no more rows than there are variables: its determinant is zero whatever the data.
    """
    p = x.shape[1]
    n = np.full(x.shape[0] // size, size) if isinstance(size, int) else size
    if n.size and int(n.min()) <= p:
        raise DataError(
            f"size: a subgroup of {int(n.min())} for {p} variables; the generalized variance wants more rows"
        )
    ends, out = np.concatenate(([0], np.cumsum(n))), np.empty(n.size)
    g = 0
    while g < n.size:
        h = max(int(np.searchsorted(ends, ends[g] + _ROWS, side="right")) - 1, g + 1)
        starts, sizes = ends[g:h] - ends[g], n[g:h]
        d = x[ends[g] : ends[h]] - np.repeat(x[ends[g:h]], sizes, axis=0)
        d -= np.repeat(np.add.reduceat(d, starts, axis=0) / sizes[:, None], sizes, axis=0)
        scatter = np.add.reduceat(d[:, :, None] * d[:, None, :], starts, axis=0)
        out[g:h] = np.linalg.det(scatter / (sizes - 1.0)[:, None, None])
        g = h
    return np.maximum(out, 0.0, out=out)  # a determinant of zero may come out as -1e-17


def generalized_variance_constants(n: Any, p: int) -> tuple[Any, Any]:
    """Return b1 and b2: mean and variance of the generalized variance in units of the true one and its square.

    Montgomery (2013), 7th ed., section 11.6, from the moments of a product of p independent chi-squares.

    Parameters
    ----------
    n : int or numpy.ndarray
        Subgroup size, more than p.
    p : int
        Variables.

    Examples
    --------
    >>> b1, b2 = generalized_variance_constants(10, 2)
    >>> round(float(b1), 4), round(float(b2), 4)
    (0.8889, 0.417)
    """
    size = np.asarray(n, dtype=np.float64)
    first, second = np.ones_like(size), np.ones_like(size)
    for i in range(1, p + 1):
        first = first * ((size - i) / (size - 1))
        second = second * ((size - i + 2) / (size - 1))
    return first[()], (first * (second - first))[()]


def determinant_estimate(cov: FloatArray, df: int) -> float:
    """Return an unbiased estimate of the determinant of the true covariance: ``|S| / b1`` with `df` behind S.

    Montgomery (7th ed., section 11.6) takes ``df = n - 1`` of one subgroup although S is pooled, which comes out too
    large; with the degrees of freedom of the pooled S the estimate is unbiased.

    Parameters
    ----------
    cov : numpy.ndarray
        Covariance (p, p).
    df : int
        Degrees of freedom of `cov`, at least p.
    """
    p = cov.shape[0]
    if df < p:
        raise DataError(f"data: {df} degrees of freedom for {p} variables; bring more rows or leave variables out")
    return float(np.linalg.det(cov)) / float(generalized_variance_constants(df + 1, p)[0])


def generalized_variance_limits(determinant: float, n: Any, p: int, nsigma: float = 3.0) -> tuple[Any, Any, Any]:
    """Return centre line, lower and upper limit of the generalized variance of subgroups of `n`.

    ``|Sigma| b1`` and ``|Sigma| (b1 -+ nsigma sqrt(b2))``, the lower not below zero: Montgomery (2013), 7th ed.,
    section 11.6.

    Parameters
    ----------
    determinant : float
        Determinant of the true covariance, known or from `determinant_estimate`.
    n : int or numpy.ndarray
        Subgroup size.
    p : int
        Variables.
    nsigma : float
        Distance of the limits from the centre, in standard deviations of the generalized variance.

    Examples
    --------
    Two variables in subgroups of 10, |S| = 0.3968 (Montgomery (2013), 7th ed., section 11.6).

    >>> center, lower, upper = generalized_variance_limits(0.3968 / 0.8889, 10, 2)
    >>> round(float(center), 4), float(lower), round(float(upper), 3)
    (0.3968, 0.0, 1.262)
    """
    b1, b2 = generalized_variance_constants(n, p)
    width = nsigma * np.sqrt(b2)
    return determinant * b1, determinant * np.maximum(b1 - width, 0.0), determinant * (b1 + width)
