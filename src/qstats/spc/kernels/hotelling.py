"""Numbers behind Hotelling's T2: covariances, the statistic, its limits and what each variable adds to it.

Rows are points, columns are variables; all values finite. Distances are taken through the inverse Cholesky factor of
the covariance, on rows turned into columns, 8192 at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import beta_quantile
from qstats.errors import DataError, TooFewData

__all__ = [
    "Location",
    "individuals_covariance",
    "myt_terms",
    "successive_covariance",
    "t2_drops",
    "t2_limit",
    "t2_rows",
    "whitener",
    "within_covariance",
]

_ROWS = 1 << 13
Basis = Literal[
    "individuals", "new individuals", "subgroups", "new subgroups", "known", "successive", "successive beta"
]


class Location(NamedTuple):
    """Mean vector (p,) and covariance matrix (p, p) in the units of the variables, and the degrees of freedom."""

    mean: FloatArray
    cov: FloatArray
    df: int


def _pieces(m: int) -> Iterator[tuple[int, int]]:
    for i in range(0, m, _ROWS):
        yield i, min(i + _ROWS, m)


def _turned(x: FloatArray, center: FloatArray, scratch: FloatArray) -> FloatArray:
    """Rows as columns (p, rows), less the centre."""
    d = scratch[:, : x.shape[0]]
    np.copyto(d, x.T)
    np.subtract(d, center[:, None], out=d)
    return d


def _mean_of_rows(x: FloatArray) -> FloatArray:
    """Column means by way of deviations from the first row: an offset of 1e12 costs no digits."""
    first, total = x[0], np.zeros(x.shape[1])
    scratch = np.empty((x.shape[1], min(x.shape[0], _ROWS)))
    for i, j in _pieces(x.shape[0]):
        total += _turned(x[i:j], first, scratch).sum(axis=1)
    mean: FloatArray = first + total / x.shape[0]
    return mean


def _moments(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Column means, and the sum over rows of ``(x - mean)(x - mean)'``, in one pass.

    Deviations are from the mean of the first piece. That piece is part of the data, so its distance from the mean of
    all is in their scatter too, and putting it right at the end loses a factor of (rows / 8192) of eps at most.
    """
    m, p = x.shape
    base = _mean_of_rows(x[:_ROWS])
    total, scatter, scratch = np.zeros(p), np.zeros((p, p)), np.empty((p, min(m, _ROWS)))
    for i, j in _pieces(m):
        d = _turned(x[i:j], base, scratch)
        total += np.add.reduce(d, axis=1)
        scatter += d @ d.T
    slip = total / m
    return base + slip, scatter - m * np.outer(slip, slip)


def individuals_covariance(x: FloatArray) -> Location:
    """Return mean and sample covariance of the rows, which take in everything: shifts in the data widen it.

    Parameters
    ----------
    x : numpy.ndarray
        (m, p), m of 2 or more.
    """
    m = x.shape[0]
    if m < 2:
        raise TooFewData(f"data: {m} rows; a covariance wants two or more")
    mean, scatter = _moments(x)
    return Location(mean, scatter / (m - 1), m - 1)


def successive_covariance(x: FloatArray, starts: npt.ArrayLike = ()) -> Location:
    """Return mean and half the mean product of successive differences: hardly widened by a shift or a slow trend.

    Parameters
    ----------
    x : numpy.ndarray
        (m, p), in time order.
    starts : array-like of int
        Rows with which a new run begins: no difference is taken across.

    Notes
    -----
    ``df`` is the nearest whole number to ``2 (m-1)**2 / (3 m - 4)``, that of a Wishart matrix of like variance.

    References
    ----------
    Holmes & Mergen (1993), Quality Engineering 5(4), 619-625; Sullivan & Woodall (1996), Journal of Quality Technology
    28(4), 398-408.
    """
    m, p = x.shape
    keep = np.ones(max(m - 1, 0), dtype=bool)
    at = np.asarray(starts, dtype=np.int64)
    keep[at[(at > 0) & (at < m)] - 1] = False
    pairs = int(keep.sum())
    if pairs < 1:
        raise TooFewData(f"data: {m} rows in time order, none next to another; two neighbours or more are wanted")
    total = np.zeros((p, p))
    for i, j in _pieces(m - 1):
        d = x[i + 1 : j + 1] - x[i:j]
        d = d if keep[i:j].all() else d[keep[i:j]]
        total += d.T @ d
    return Location(_mean_of_rows(x), total / (2 * pairs), max(round(2 * pairs**2 / (3 * pairs - 1)), 1))


def within_covariance(x: FloatArray, size: int | npt.NDArray[np.int64]) -> tuple[Location, FloatArray]:
    """Return grand mean and pooled covariance within subgroups, and the subgroups' mean vectors.

    Parameters
    ----------
    x : numpy.ndarray
        (rows, p), subgroup after subgroup.
    size : int or numpy.ndarray of int
        Rows a subgroup, 1 or more.

    Returns
    -------
    location : Location
        The mean is that of all rows; ``df`` is the sum of ``n - 1``.
    means : numpy.ndarray
        (k, p).
    """
    sizes = np.full(x.shape[0] // size, size) if isinstance(size, int) else size
    df = int(sizes.sum() - sizes.size)
    if df < 1:
        raise TooFewData("data: no subgroup has two rows; chart them as individuals")
    ends = np.concatenate(([0], np.cumsum(sizes)))
    base = _mean_of_rows(x)
    means, total = np.empty((sizes.size, x.shape[1])), np.zeros((x.shape[1], x.shape[1]))
    g = 0
    while g < sizes.size:
        h = max(int(np.searchsorted(ends, ends[g] + _ROWS, side="right")) - 1, g + 1)
        d = x[ends[g] : ends[h]] - base
        part = np.add.reduceat(d, ends[g:h] - ends[g], axis=0) / sizes[g:h, None]
        d -= np.repeat(part, sizes[g:h], axis=0)
        total += d.T @ d
        means[g:h] = base + part
        g = h
    return Location(base, total / df, df), means


def whitener(cov: FloatArray, names: tuple[str, ...] = ()) -> FloatArray:
    """Return the inverse Cholesky factor W of a covariance: ``W @ (x - mean)`` has unit covariance.

    Parameters
    ----------
    cov : numpy.ndarray
        (p, p).
    names : tuple of str
        Variables, for messages; "column 0" and so on without.

    Raises
    ------
    DataError
        The covariance is singular: a constant variable, variables that determine one another, or too few rows.
    """
    p = cov.shape[0]
    called = names or tuple(f"column {i}" for i in range(p))
    scale = np.sqrt(np.diag(cov))
    if not np.isfinite(cov).all():
        raise DataError("data: values so large that their squares overflow; divide them by a power of ten first")
    if not (scale > 0).all():
        still = ", ".join(called[i] for i in np.flatnonzero(~(scale > 0)))
        text = "does not vary, or so little that its squares vanish; leave it out of the multivariate chart"
        raise DataError(f"data: {still} {text}, or multiply by a power of ten")
    correlation = cov / np.outer(scale, scale)
    size, direction = np.linalg.eigh(correlation)
    if size[0] <= 64 * p * np.finfo(float).eps * size[-1]:
        null = np.abs(direction[:, 0])
        which = ", ".join(called[i] for i in np.flatnonzero(null > 0.1 * null.max()))
        raise DataError(
            f"data: the covariance is singular: {which} determine one another, or there are no more rows than "
            f"variables ({p}); leave one out, or bring more rows"
        )
    inverse = np.linalg.inv(np.linalg.cholesky(correlation))
    result: FloatArray = np.tril(inverse) / scale
    return result


def t2_rows(
    x: FloatArray, mean: FloatArray, cov: FloatArray, size: float | FloatArray = 1.0, names: tuple[str, ...] = ()
) -> FloatArray:
    """Return Hotelling's T2 of each row: its squared distance from the mean in units of the covariance.

    Parameters
    ----------
    x : numpy.ndarray
        (m, p): single points, or subgroup means.
    mean, cov : numpy.ndarray
        Centre (p,) and covariance of single values (p, p).
    size : float or numpy.ndarray
        Values behind each row: ``T2 = n (xbar - mean)' S^-1 (xbar - mean)``.
    names : tuple of str
        Variables, for messages.

    Notes
    -----
    Montgomery (2013), 7th ed., section 11.3.

    Examples
    --------
    >>> import numpy as np
    >>> t2_rows(np.array([[2.0, 0.0], [1.0, 1.0]]), np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]])).round(6).tolist()
    [5.333333, 1.333333]
    """
    white = whitener(cov, names)
    out = np.empty(x.shape[0])
    width = min(x.shape[0], _ROWS)
    scratch, turned = np.empty((x.shape[1], width)), np.empty((x.shape[1], width))
    for i, j in _pieces(x.shape[0]):
        z = np.matmul(white, _turned(x[i:j], mean, scratch), out=turned[:, : j - i])
        np.multiply(z, z, out=z)
        np.add.reduce(z, axis=0, out=out[i:j])
    return np.multiply(out, size, out=out)


def t2_drops(
    x: FloatArray, mean: FloatArray, cov: FloatArray, size: float | FloatArray = 1.0, names: tuple[str, ...] = ()
) -> FloatArray:
    """Return how much of each row's T2 each variable accounts for: T2 less the T2 of the other variables.

    Large for a variable that is off by itself, or off its relation to the others (it equals the last conditional
    term of Mason, Young and Tracy). The parts do not add up to T2.

    Parameters
    ----------
    x, mean, cov, size, names
        As for `t2_rows`.

    Returns
    -------
    numpy.ndarray
        (m, p), zero or more; each against a chi-square with one degree of freedom where the parameters are known.

    References
    ----------
    Runger, Alt & Montgomery (1996), Communications in Statistics 25(10), 2203-2213; Montgomery (2013), 7th ed.,
    eq. 11.22. ``d_i = (S^-1 (x - mean))_i**2 / (S^-1)_ii``.

    Examples
    --------
    >>> import numpy as np
    >>> t2_drops(np.array([[2.0, 0.0]]), np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]])).round(6).tolist()
    [[5.333333, 1.333333]]
    """
    white = whitener(cov, names)
    inverse = white.T @ white
    pull = (x - mean) @ (inverse / np.sqrt(np.diag(inverse)))
    drops: FloatArray = pull * pull * np.reshape(np.asarray(size, dtype=np.float64), (-1, 1))
    return drops


def myt_terms(
    x: FloatArray, mean: FloatArray, cov: FloatArray, order: tuple[int, ...] = (), size: float | FloatArray = 1.0
) -> FloatArray:
    """Return one Mason-Young-Tracy decomposition of each T2, in the given order of the variables.

    The first term is the variable by itself, each further one the variable given those before it; the terms of a
    row add up to its T2. Another order gives other terms.

    Parameters
    ----------
    x, mean, cov, size
        As for `t2_rows`.
    order : tuple of int
        Columns in the order they are taken in; as they stand without.

    Returns
    -------
    numpy.ndarray
        (m, p), columns in the order taken in.

    References
    ----------
    Mason, Tracy & Young (1995), Journal of Quality Technology 27(2), 99-108.

    Examples
    --------
    >>> import numpy as np
    >>> myt_terms(np.array([[2.0, 0.0]]), np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]])).round(6).tolist()
    [[4.0, 1.333333]]
    """
    at = np.asarray(order or range(x.shape[1]))
    z = (x - mean)[:, at] @ whitener(cov[np.ix_(at, at)]).T
    terms: FloatArray = z * z * np.reshape(np.asarray(size, dtype=np.float64), (-1, 1))
    return terms


def _f_upper(alpha: float, a: float, b: float) -> float:
    """F quantile with `alpha` above it, through the beta of the lower tail's mirror: no 1 - alpha."""
    small = float(scipy.special.betaincinv(b / 2.0, a / 2.0, alpha))
    return b * (1.0 - small) / (a * small)


def _beta_upper(alpha: float, a: float, b: float) -> float:
    return 1.0 - float(beta_quantile(alpha, b, a))


def t2_limit(alpha: float, p: int, basis: Basis, m: int = 0, n: int = 1) -> float:
    """Return the upper control limit of a T2 chart for a false alarm chance `alpha` a point.

    Parameters
    ----------
    alpha : float
        Chance that a point of a stable process lies above.
    p : int
        Variables.
    basis : str
        Where mean and covariance come from, and what is judged: ``"individuals"`` the very points they were estimated
        from (Phase I), ``"new individuals"`` later points (Phase II), ``"subgroups"`` and ``"new subgroups"`` the same
        with the pooled covariance within subgroups, ``"known"`` parameters that are not estimates, ``"successive"``
        Phase I individuals with the covariance from successive differences, ``"successive beta"`` the same by an older
        approximation, for comparison with programs that use it.
    m : int
        Points, or subgroups, behind the estimates.
    n : int
        Size of each subgroup.

    Raises
    ------
    TooFewData
        Not enough points for the number of variables.

    Notes
    -----
    Phase I individuals ``(m-1)**2/m * Beta(p/2, (m-p-1)/2)`` and Phase II ``p(m+1)(m-1)/(m(m-p)) * F(p, m-p)``: Tracy,
    Young & Mason (1992), Journal of Quality Technology 24(2), 88-95; Montgomery (2013), 7th ed., section 11.3.2.
    Subgroups ``p(m-+1)(n-1)/(mn-m-p+1) * F(p, mn-m-p+1)``, minus for Phase I: Alt (1985); Montgomery section 11.3.1.
    Successive differences: the exact distribution is not known. ``"successive"`` is the chi-square limit, which
    Williams, Woodall, Birch & Sullivan (2006), Journal of Quality Technology 38(3), 217-229, find good for
    ``m > p**2 + 3 p``; for p = 4 and m = 25 it gives 5.9 % where 5 % is asked for. ``"successive beta"`` is that of
    Sullivan & Woodall (1996), ``(m-1)**2/m * Beta(p/2, (f-p-1)/2)``, ``f = 2(m-1)**2/(3m-4)``: 1.6 % there, too wide.

    Examples
    --------
    Montgomery (2013), 7th ed., example 11.1: 20 subgroups of 10, two variables, alpha = 0.001.

    >>> round(t2_limit(0.001, 2, "subgroups", m=20, n=10), 2)
    13.72
    """
    least = {
        "individuals": p + 2,
        "new individuals": p + 1,
        "successive": p + 2,
        "successive beta": p + 2,
        "known": 0,
    }.get(basis, 2)
    room = m * n - m - p + 1 if "subgroups" in basis else 1
    if m < least or room < 1:
        raise TooFewData(f"data: {m} points (subgroups of {n}) for {p} variables; bring more or fewer variables")
    if basis in ("known", "successive"):
        return float(2.0 * scipy.special.gammainccinv(p / 2.0, alpha))
    if basis == "individuals":
        return (m - 1) ** 2 / m * _beta_upper(alpha, p / 2.0, (m - p - 1) / 2.0)
    if basis == "new individuals":
        return p * (m + 1) * (m - 1) / (m * (m - p)) * _f_upper(alpha, p, m - p)
    if basis == "successive beta":
        return _sullivan_woodall(alpha, p, m)
    sign = 1 if basis == "new subgroups" else -1
    return p * (m + sign) * (n - 1) / room * _f_upper(alpha, p, room)


def _sullivan_woodall(alpha: float, p: int, m: int) -> float:
    f = 2.0 * (m - 1) ** 2 / (3 * m - 4)
    if f <= p + 1:
        raise TooFewData(f"data: {m} points for {p} variables; successive differences want more points")
    return (m - 1) ** 2 / m * _beta_upper(alpha, p / 2.0, (f - p - 1) / 2.0)
