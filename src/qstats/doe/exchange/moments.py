"""Moments of a model's columns over the region: what the average prediction variance is made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats.doe.exchange.basis import Basis
from qstats.doe.exchange.region import Region

__all__ = ["POINTS", "moments"]

POINTS = 20_000
_SEED = 1995  # fixed: two designs are compared over the same points
_NODES = 40  # Gauss-Legendre: exact for powers up to 79


def moments(basis: Basis, region: Region) -> tuple[FloatArray, str]:
    """Return the mean of f(x) f(x)' over the region, and how it was taken.

    Exact where factors are free of each other (E x^2 = 1/3, E x^4 = 1/5 over a range, means over levels) and over a
    whole simplex (Dirichlet); over a region cut by rules it is a mean over points drawn evenly with a fixed seed.

    Parameters
    ----------
    basis : Basis
    region : Region

    Returns
    -------
    w : ndarray, shape (p, p)
    how : str
    """
    if region.cube:
        return _free(basis, region, list(range(region.k))), "exact moments over the ranges"
    if not region.rules and _whole_simplex(region) and not _functions(basis, region):
        return _free(basis, region, region.process) * _dirichlet(basis, region), "exact moments over the simplex"
    rows = basis.rows(region.sample(POINTS, np.random.default_rng(_SEED)))
    return rows.T @ rows / rows.shape[0], f"mean over {POINTS} points drawn evenly in the region, fixed seed"


def _free(basis: Basis, region: Region, factors: list[int]) -> FloatArray:
    """Products of the moments of single factors."""
    w = np.ones((basis.p, basis.p))
    for j in factors:
        levels = region.settings(j)
        if levels is None:
            at, weight = np.polynomial.legendre.leggauss(_NODES)
            weight = 0.5 * weight
        else:
            at, weight = levels, np.full(levels.size, 1.0 / levels.size)
        pieces = np.concatenate([basis.values(j, at), np.ones((at.size, 1))], axis=1)
        single = pieces.T @ (weight[:, None] * pieces)
        place = _place(basis, j)
        w *= single[place[:, None], place[None, :]]
    return w


def _place(basis: Basis, j: int) -> npt.NDArray[np.int64]:
    """Which piece of factor j each column holds; q, the constant, where none."""
    place = np.full(basis.p, basis.q, dtype=np.int64)
    for part in basis.parts:
        mine = (part // basis.q == j) & (part < basis.k * basis.q)
        place[mine] = part[mine] % basis.q
    return place


def _whole_simplex(region: Region) -> bool:
    m = region.mixture
    return bool((region.low[m] == 0.0).all() and (region.high[m] == 1.0).all())


def _functions(basis: Basis, region: Region) -> bool:
    return any(function for j in region.mixture for piece in basis.pieces[j] for _, function in piece)


def _dirichlet(basis: Basis, region: Region) -> FloatArray:
    """E prod x_j^a_j = Gamma(q) prod Gamma(a_j + 1) / Gamma(q + sum a) over the simplex of q shares."""
    m = region.mixture.size
    total = np.zeros((basis.p, basis.p))
    log = np.zeros((basis.p, basis.p))
    for j in region.mixture:
        power = np.array([sum(p for p, _ in piece) for piece in basis.pieces[j]] + [0] * basis.q)[: basis.q + 1]
        power[basis.q] = 0
        mine = power[_place(basis, int(j))]
        both = (mine[:, None] + mine[None, :]).astype(np.float64)
        total += both
        log += scipy.special.gammaln(both + 1.0)
    w: FloatArray = np.exp(log + scipy.special.gammaln(float(m)) - scipy.special.gammaln(m + total))
    return w
