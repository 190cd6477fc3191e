"""Pure error from repeated runs, what the model misses beside it, and curvature by centre points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import t_sf
from qstats.doe.fitting.kernels.linear import LeastSquares, decompose, unexplained
from qstats.doe.fitting.problem import Problem
from qstats.inference.groups.kernels import f_sf

__all__ = ["Curvature", "LackOfFit", "curvature", "lack_of_fit"]

_DIGITS = 9
_ROUNDING = (64.0 * np.finfo(float).eps) ** 2


@dataclass(frozen=True, slots=True)
class LackOfFit:
    """Whether the model misses more than the scatter of repeated runs explains.

    Parameters
    ----------
    f, p : float or None
        None where no degree of freedom is left for lack of fit.
    df, df_pure : int
    ss, ss_pure : float
        Sums of squares of lack of fit and of pure error: runs of exactly equal settings in one block.
    """

    f: float | None
    p: float | None
    df: int
    df_pure: int
    ss: float
    ss_pure: float

    @property
    def sigma(self) -> float:
        """Standard deviation of repeated runs."""
        return math.sqrt(self.ss_pure / self.df_pure)


@dataclass(frozen=True, slots=True)
class Curvature:
    """Whether the middle of a two-level design lies off the plane of its corners.

    Parameters
    ----------
    mean_factorial, mean_center : float
    difference : float
        Factorial less centre (blocks and unbalance respected).
    sigma : float
        Standard deviation of repeated runs.
    df : int
    t, p : float
    """

    mean_factorial: float
    mean_center: float
    difference: float
    sigma: float
    df: int
    t: float
    p: float


def lack_of_fit(p: Problem, fitted: LeastSquares) -> LackOfFit | None:
    """Return the split of the residual by exactly equal settings within blocks; None without repeated runs."""
    keys = np.column_stack([np.round(p.design.coded[p.used], _DIGITS) + 0.0, p.design.block[p.used]])
    where = _cells(keys)
    n, cells = where.size, int(where.max()) + 1
    df_pure = n - cells
    if df_pure == 0:
        return None
    y = p.scaled - p.scaled.mean()
    centred = y - (np.bincount(where, y) / np.bincount(where))[where]
    ss_pure = float(centred @ centred)
    ss_pure = ss_pure if ss_pure > _ROUNDING * float(y @ y) else 0.0
    df = int(fitted.df) - df_pure
    rss = float(fitted.residuals @ fitted.residuals)
    ss = max(rss - ss_pure, 0.0) if df else 0.0
    if not df:
        return LackOfFit(None, None, 0, df_pure, 0.0, ss_pure)
    ss = ss if ss > _ROUNDING * float(y @ y) else 0.0
    f = ss / df / (ss_pure / df_pure) if ss_pure > 0.0 else (math.inf if ss > 0.0 else 0.0)
    return LackOfFit(f, f_sf(f, df, df_pure), df, df_pure, ss, ss_pure)


def _cells(keys: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Number of the distinct row each row is."""
    order = np.lexsort(keys.T)
    ranked = keys[order]
    new = np.concatenate([[0], (ranked[1:] != ranked[:-1]).any(axis=1)]) if len(keys) else np.empty(0)
    out = np.empty(len(keys), dtype=np.intp)
    out[order] = np.cumsum(new)
    return out


def curvature(p: Problem, lack: LackOfFit | None) -> Curvature | None:
    """Return the test of the centre points; None if the design is no two-level one with repeated centre points.

    A model that holds the curvature already (squares) leaves nothing to test.
    """
    center = _center(p)
    if lack is None or center is None:
        return None
    y = p.scaled
    corner = (~center).astype(np.float64)
    alone = unexplained(decompose(p.x).q, corner)
    size = float(alone @ alone)
    if size < 1e-9 * p.y.size:
        return None
    difference = float(alone @ (y - y.mean())) / size
    spread = lack.sigma / math.sqrt(size)
    t = difference / spread if spread > 0.0 else (math.copysign(math.inf, difference) if difference else 0.0)
    return Curvature(
        float(y[~center].mean()), float(y[center].mean()), difference, lack.sigma, lack.df_pure, t,
        2.0 * float(t_sf(abs(t), lack.df_pure)),
    )  # fmt: skip


def _center(p: Problem) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    """Runs at the middle of all factors that have one, where all others stand at two levels; else None."""
    numeric = [j for j, f in enumerate(p.design.factors) if f.numeric]
    if len(numeric) < len(p.design.factors) or any(f.kind == "mixture" for f in p.design.factors):
        return None
    c = np.round(p.design.coded[p.used], _DIGITS)
    middle = c == 0.0
    with_middle = middle.any(axis=0)
    if not with_middle.any() or not (middle | (np.abs(c) == 1.0)).all():
        return None
    center = middle[:, with_middle].all(axis=1)
    mixed = middle[:, with_middle].any(axis=1) & ~center
    return None if mixed.any() or center.all() else center
