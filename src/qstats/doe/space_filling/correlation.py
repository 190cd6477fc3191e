"""Latin hypercubes whose columns have given rank correlations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats.errors import DesignError

__all__ = ["as_target", "correlated", "rank_correlation"]

IntArray = npt.NDArray[np.int64]
_ROUNDS = 20
_TUNED = 400  # points up to which single exchanges finish the work (all pairs are looked at)


def as_target(given: Any, k: int) -> FloatArray:
    """Return a correlation matrix of k columns, checked; the identity for None."""
    if given is None:
        return np.eye(k)
    try:
        c = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise DesignError(f"correlation: a {k} x {k} matrix of numbers is wanted") from None
    if c.shape != (k, k) or not np.isfinite(c).all():
        raise DesignError(f"correlation: shape {c.shape}; a {k} x {k} matrix of finite numbers is wanted")
    if not np.allclose(c, c.T, atol=1e-12) or not np.allclose(np.diag(c), 1.0, atol=1e-12):
        raise DesignError("correlation: a symmetric matrix with ones on the diagonal is wanted")
    if np.linalg.eigvalsh(c)[0] < 1e-10:
        raise DesignError("correlation: the matrix is not positive definite: no columns have these correlations")
    return c


def rank_correlation(x: IntArray) -> FloatArray:
    """Return the correlations of the columns (ranks without ties: Spearman's)."""
    z = x - x.mean(axis=0)
    gram = z.T @ z
    size = np.sqrt(np.diag(gram))
    return np.asarray(gram / np.outer(size, size))


def correlated(x: IntArray, target: FloatArray) -> IntArray:
    """Return the hypercube with its columns reordered to come close to the correlations.

    Rounds of Iman and Conover's method: normal scores of the ranks are turned by the two Cholesky factors, and columns
    take the order of the result. Single exchanges follow, each the best of all pairs of a column.

    References
    ----------
    Iman, R. L. and Conover, W. J. (1982), Commun. Statist. Simul. Comput. 11, 311-334.
    """
    n = len(x)
    best, score = x, _miss(x, target)
    upper = np.linalg.cholesky(target)
    for _ in range(_ROUNDS):
        s = scipy.special.ndtri((x + 0.5) / n)
        own = np.corrcoef(s, rowvar=False)
        if np.linalg.eigvalsh(own)[0] < 1e-12:
            break
        turned = np.linalg.solve(np.linalg.cholesky(own), s.T).T @ upper.T
        x = np.argsort(np.argsort(turned, axis=0, kind="stable"), axis=0, kind="stable").astype(np.int64)
        if (now := _miss(x, target)) >= score - 1e-12:
            break
        best, score = x, now
    return _tuned(best, target) if n <= _TUNED else best


def _miss(x: IntArray, target: FloatArray) -> float:
    return float(((rank_correlation(x) - target) ** 2).sum())


def _tuned(x: IntArray, target: FloatArray) -> IntArray:
    n, k = x.shape
    x = x.copy()
    size = n * (n * n - 1) / 12.0
    idle, column = 0, 0
    for _ in range(20 * k):
        miss = (rank_correlation(x) - target)[column]
        v = x[:, column]
        step = v[:, None] - v[None, :]
        total = np.zeros((n, n))
        for j in range(k):
            if j != column:
                total += (miss[j] - step * (x[:, j, None] - x[None, :, j]) / size) ** 2
        a, b = divmod(int(np.argmin(total)), n)
        if total[a, b] < (miss**2).sum() - 1e-12:
            x[a, column], x[b, column] = x[b, column], x[a, column]
            idle = 0
        else:
            idle += 1
        if idle == k:
            break
        column = (column + 1) % k
    return x
