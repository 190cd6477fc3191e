"""Dispersion effects from residuals: Box and Meyer's ratio, and Bergman and Hynen's exact test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.errors import DesignError, TooFewData

__all__ = ["Ratios", "half_ratios", "residual_maker", "residual_ratios"]

_SMALL = 1e-9


def residual_maker(x: FloatArray) -> FloatArray:
    """Return I - H, shape (n, n), of columns of any rank."""
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    u = u[:, s > _SMALL * max(x.shape) * float(s.max(initial=0.0))]
    return np.asarray(np.eye(x.shape[0]) - u @ u.T)


def residual_ratios(x: FloatArray, signs: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return the function of responses, shape (b, n), that gives ln s2(+)/s2(-) of their residuals, shape (b, m)."""
    maker = residual_maker(x)
    high, low = (signs > 0.0).astype(np.float64), (signs < 0.0).astype(np.float64)

    def statistic(y: FloatArray) -> FloatArray:
        r = y @ maker
        r = np.where(np.abs(r) <= 1e-13 * np.abs(y).max(axis=1, keepdims=True), 0.0, r)  # 0 but for rounding
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(_variance(r, high)) - np.log(_variance(r, low))

    return statistic


def _variance(r: FloatArray, member: FloatArray) -> FloatArray:
    """Variance about their mean of the residuals each column marks, shape (b, m)."""
    n = member.sum(axis=0)
    return np.asarray(np.maximum(r**2 @ member - (r @ member) ** 2 / n, 0.0) / (n - 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Ratios of two independent residual variances.

    Parameters
    ----------
    effects, pvalue, low, high : ndarray, shape (m,)
    """

    effects: FloatArray
    pvalue: FloatArray
    low: FloatArray
    high: FloatArray


def half_ratios(x: FloatArray, signs: FloatArray, y: FloatArray, labels: tuple[str, ...], level: float) -> Ratios:
    """Return ln of the ratio of residual variances of the model fitted to each half by itself, with its F test."""
    rows = []
    for j in range(signs.shape[1]):
        sides = [_half(x[signs[:, j] == s], y[signs[:, j] == s]) for s in (1.0, -1.0)]
        if not sides[0][1] or not sides[1][1]:
            raise TooFewData(
                f"model: it leaves no residual where {labels[j]} is at one setting; fewer terms are wanted"
            )
        rows.append((*sides[0], *sides[1]))
    top, df, bottom, df0 = (np.array(v, dtype=np.float64) for v in zip(*rows, strict=True))
    if not (top > 0.0).all() or not (bottom > 0.0).all():
        j = int(np.argmin(np.minimum(top, bottom)))
        raise DesignError(f"response: the model fits one setting of {labels[j]} exactly; no variance can be taken")
    f = (top / df) / (bottom / df0)
    upper, lower = scipy.special.fdtrc(df, df0, f), scipy.special.fdtrc(df0, df, 1.0 / f)
    tail = 0.5 * (1.0 - level)
    effects = np.log(f)
    low = effects + np.log(scipy.special.fdtri(df0, df, tail))
    high = effects - np.log(scipy.special.fdtri(df, df0, tail))
    return Ratios(effects, np.minimum(2.0 * np.minimum(upper, lower), 1.0), low, high)


def _half(x: FloatArray, y: FloatArray) -> tuple[float, int]:
    """Residual sum of squares and its degrees of freedom."""
    centred = y - y.mean()
    maker = residual_maker(x)
    left = maker @ centred
    df = round(float(np.trace(maker)))
    if float(np.abs(left).max(initial=0.0)) <= 64.0 * np.finfo(float).eps * float(np.abs(centred).max(initial=0.0)):
        return 0.0, df
    return float(left @ left), df
