"""Intervals for sums and ratios of variance components from independent mean squares.

A variance is a linear combination of expected mean squares, ``sum c_k theta_k``, each mean square being
``theta_k chi2(n_k) / n_k``. The modified-large-sample (MLS) limits of such a combination are exact whenever one mean
square, or the ratio of two, decides; a ratio of two variances is inverted: it may be ``x`` as long as the interval of
``numerator - x * denominator`` holds zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import chi2_quantile

__all__ = ["MeanSquares", "mls_limits", "mls_ratio_limits", "redrawn"]

_HALVINGS = 64


@dataclass(frozen=True, slots=True, eq=False)
class MeanSquares:
    """Independent mean squares and what the variance components are in terms of them.

    Parameters
    ----------
    ms, df : ndarray, shape (k,)
    coefficients : mapping of str to ndarray, shape (k,)
        Component -> weights of the mean squares; the plain (untruncated) estimate is ``coefficients @ ms``.
    """

    ms: FloatArray
    df: FloatArray
    coefficients: Mapping[str, FloatArray]

    def total(self, leaves: tuple[str, ...]) -> FloatArray:
        """Return the weights of a sum of components."""
        return np.asarray(np.sum([self.coefficients[name] for name in leaves], axis=0))


def _f_quantile(p: float, dfn: npt.ArrayLike, dfd: npt.ArrayLike) -> FloatArray:
    """Return the F quantile by the beta one: it keeps its digits in both tails."""
    a, b = np.asarray(dfn, dtype=np.float64) / 2.0, np.asarray(dfd, dtype=np.float64) / 2.0
    low = scipy.special.betaincinv(a, b, p)
    high = scipy.special.betaincinv(b, a, 1.0 - p)
    return np.asarray(low / high * (b / a), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Constants:
    g: FloatArray
    h: FloatArray
    g2: FloatArray
    h2: FloatArray


def _constants(df: FloatArray, tail: float) -> _Constants:
    g = 1.0 - df / chi2_quantile(1.0 - tail, df)
    h = df / chi2_quantile(tail, df) - 1.0
    i, j = df[:, None], df[None, :]
    upper, lower = _f_quantile(1.0 - tail, i, j), _f_quantile(tail, i, j)
    g2 = ((upper - 1.0) ** 2 - (g[:, None] * upper) ** 2 - h[None, :] ** 2) / upper
    h2 = ((1.0 - lower) ** 2 - (h[:, None] * lower) ** 2 - g[None, :] ** 2) / lower
    return _Constants(g, h, g2, h2)


def _limits(terms: FloatArray, k: _Constants) -> tuple[FloatArray, FloatArray]:
    plus, minus = np.maximum(terms, 0.0), np.maximum(-terms, 0.0)
    below = (k.g * plus) ** 2 + (k.h * minus) ** 2 + plus * (minus @ k.g2.T)
    above = (k.h * plus) ** 2 + (k.g * minus) ** 2 + plus * (minus @ k.h2.T)
    estimate = terms.sum(axis=-1)
    return (
        estimate - np.sqrt(np.maximum(below.sum(axis=-1), 0.0)),
        estimate + np.sqrt(np.maximum(above.sum(axis=-1), 0.0)),
    )


def mls_limits(weights: FloatArray, squares: MeanSquares, tail: float) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper MLS limits of ``weights @ theta``, one per row of `weights`; may be below zero.

    Parameters
    ----------
    weights : ndarray, shape (q, k)
    squares : MeanSquares
    tail : float
        Error on each side, half of one minus the confidence.

    References
    ----------
    Graybill, F. A. & Wang, C.-M. (1980). Confidence intervals on nonnegative linear combinations of variances. J. Amer.
    Statist. Assoc. 75, 869-873. Ting, N., Burdick, R. K., Graybill, F. A., Jeyaratnam, S. & Lu, T.-F. C. (1990).
    Confidence intervals on linear combinations of variance components that are unrestricted in sign. J. Statist.
    Comput. Simul. 35, 135-143, without the terms between mean squares of the same sign, so that both agree where the
    signs do.
    """
    return _limits(weights * squares.ms, _constants(squares.df, tail))


def mls_ratio_limits(
    top: FloatArray, bottom: FloatArray, squares: MeanSquares, tail: float
) -> tuple[FloatArray, FloatArray]:
    """Return limits of ``(top @ theta) / (bottom @ theta)`` between 0 and 1, one per row.

    References
    ----------
    Gui, R., Graybill, F. A., Burdick, R. K. & Ting, N. (1995). Confidence intervals on ratios of linear combinations
    for non-disjoint sets of expected mean squares. J. Statist. Plann. Inference 48, 215-227.
    """
    k = _constants(squares.df, tail)
    out = []
    for side in (0, 1):
        low, high = np.zeros(len(top)), np.ones(len(top))
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            limit = _limits((top - middle[:, None] * bottom) * squares.ms, k)[side]
            above = limit > 0.0  # the ratio is larger than `middle` (side 0), or may be (side 1)
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        out.append(np.where(low == 0.0, 0.0, np.where(high == 1.0, 1.0, 0.5 * (low + high))))
    return out[0], out[1]


def redrawn(squares: MeanSquares, resamples: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Return draws of each component, no less than zero: ``theta_k = n_k MS_k / chi2(n_k)``; each shape (resamples,).

    References
    ----------
    Hamada, M. & Weerahandi, S. (2000). Measurement system assessment via generalized inference. J. Qual. Technol. 32,
    241-253.
    """
    theta = squares.df * squares.ms / rng.chisquare(squares.df, size=(resamples, squares.df.size))
    return {name: np.maximum(theta @ c, 0.0) for name, c in squares.coefficients.items()}
