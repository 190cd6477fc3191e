"""Whether the likelihood has a top: runs at the edge of what can be observed may drive an estimate to infinity."""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import FloatArray

__all__ = ["escape"]

_CLEAR = 1e-7


def escape(inner: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray | None:
    """Return a direction along which the likelihood rises for ever, or None.

    Parameters
    ----------
    inner : ndarray, shape (a, p)
        Model rows of runs that pin their linear predictor down.
    low, high : ndarray, shape (b, p), (c, p)
        Rows of runs which a linear predictor of minus, plus infinity would fit perfectly: no events; all successes, or
        stopped before the end.

    Returns
    -------
    ndarray, shape (p,), or None
        d with ``inner @ d = 0``, ``low @ d <= 0``, ``high @ d >= 0``, not all zero.

    Notes
    -----
    The condition of [1]_, decided exactly by linear programming as in [2]_.

    References
    ----------
    .. [1] Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic
           regression models. Biometrika 71, 1-10.
    .. [2] Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic regression
           models. DPhil thesis, University of Oxford.
    """
    outward = np.concatenate([-low, high])
    if not outward.shape[0] or _pinned(inner):
        return None
    from scipy.optimize import linprog

    found = linprog(
        -outward.sum(axis=0), A_ub=-outward, b_ub=np.zeros(outward.shape[0]),
        A_eq=inner if inner.shape[0] else None, b_eq=np.zeros(inner.shape[0]) if inner.shape[0] else None,
        bounds=(-1.0, 1.0), method="highs",
    )  # fmt: skip
    if found.x is None or -found.fun <= _CLEAR * max(1.0, float(np.abs(outward).max())):
        return None
    return np.asarray(found.x, dtype=np.float64)


def _pinned(rows: FloatArray) -> bool:
    """Whether only the zero direction leaves all these rows where they are."""
    return bool(rows.shape[0] >= rows.shape[1] and int(np.linalg.matrix_rank(rows)) == rows.shape[1])
