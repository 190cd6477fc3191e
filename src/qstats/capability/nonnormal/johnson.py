"""Johnson's system by Slifker and Shapiro's four quantiles, chosen by Anderson-Darling over a grid of z."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.capability.nonnormal.family import NormalScore, mean_and_sd
from qstats.capability.nonnormal.normality import anderson_darling_of_scores

__all__ = ["GRID", "KINDS", "Johnson", "Shape", "slifker_shapiro"]

_MANY = 20_000  # values whose quantiles are so sharp that each fifth z says the same
GRID = np.round(np.arange(0.25, 1.2501, 0.01), 2)
KINDS = ("SU", "SB", "SL")


class Shape(NamedTuple):
    """Parameters of ``z = gamma + delta g((x - xi) / lam)``, one entry per row; NaN where there is no such member."""

    gamma: FloatArray
    delta: FloatArray
    xi: FloatArray
    lam: FloatArray


def _four(x: FloatArray, z: float) -> tuple[FloatArray, ...]:
    """Return the distances between the quantiles of sorted rows at -3z, -z, z, 3z, and the middle of the inner two."""
    n = x.shape[-1]
    at = scipy.special.ndtr(np.array([-3.0, -1.0, 1.0, 3.0]) * z) * (n - 1.0)
    low = np.minimum(np.floor(at).astype(np.intp), n - 2)
    share = at - low
    q = x[..., low] * (1.0 - share) + x[..., low + 1] * share
    return q[..., 3] - q[..., 2], q[..., 1] - q[..., 0], q[..., 2] - q[..., 1], 0.5 * (q[..., 1] + q[..., 2])


@np.errstate(all="ignore")  # a member that does not exist has roots of negative numbers
def slifker_shapiro(x: FloatArray, z: float) -> tuple[Shape, Shape, Shape]:
    """Return the members SU, SB and SL that go through four quantiles (type 7) of each sorted row.

    SU exists where ``m n > p**2``, SB where it is less, SL where the upper distance m is the longer.

    References
    ----------
    Slifker & Shapiro (1980), Technometrics 22, 239-246, equations 8 to 19.
    """
    m, n, p, middle = _four(x, z)
    mp, np_ = m / p, n / p
    excess, total = mp * np_ - 1.0, mp + np_
    delta = 2.0 * z / np.arccosh(0.5 * total)
    su = Shape(
        delta * np.arcsinh((np_ - mp) / (2.0 * np.sqrt(excess))),
        delta,
        middle + p * (np_ - mp) / (2.0 * (total - 2.0)),
        2.0 * p * np.sqrt(excess) / ((total - 2.0) * np.sqrt(total + 2.0)),
    )
    pm, pn = p / m, p / n
    product, rest = (1.0 + pm) * (1.0 + pn), pm * pn - 1.0
    delta = z / np.arccosh(0.5 * np.sqrt(product))
    lam = p * np.sqrt((product - 2.0) ** 2 - 4.0) / rest
    sb = Shape(
        delta * np.arcsinh((pn - pm) * np.sqrt(product - 4.0) / (2.0 * rest)),
        delta,
        middle - 0.5 * lam + p * (pn - pm) / (2.0 * rest),
        np.where(rest > 0.0, lam, np.nan),
    )
    delta = 2.0 * z / np.log(mp)
    sl = Shape(
        delta * np.log((mp - 1.0) / (p * np.sqrt(mp))),
        np.where(mp > 1.0, delta, np.nan),
        middle - 0.5 * p * (mp + 1.0) / (mp - 1.0),
        np.ones_like(p),
    )
    return su, sb, sl


def _raw(kind: int, w: Any) -> Any:
    if kind == 0:
        return np.arcsinh(w)
    if kind == 1:
        w = np.clip(w, 0.0, 1.0)
        return np.log(w) - np.log1p(-w)
    return np.log(np.maximum(w, 0.0))


class Johnson(NormalScore):
    """The member SU, SB or SL whose transformed data look most normal.

    Parameters
    ----------
    every : int
        Each how many-th z of the grid is tried: resamples are content with a coarser grid.
    """

    name, label, size = "johnson", "Johnson", 4
    source = "four quantiles: Slifker & Shapiro (1980), Technometrics 22, 239-246; choice by Anderson-Darling"

    def __init__(self, every: int = 1) -> None:
        self.grid = GRID[::every]

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        x = np.sort(v, axis=-1)
        best = np.full(x.shape[0], np.inf)
        theta = np.full((6, x.shape[0]), np.nan)
        for z in self.grid if x.shape[-1] <= _MANY else self.grid[::5]:
            for kind, shape in enumerate(slifker_shapiro(x, float(z))):
                s = Shape(*(c[:, np.newaxis] for c in shape))
                score = s.gamma + s.delta * _raw(kind, (x - s.xi) / s.lam)
                # mean and scatter of the transformed data are taken up by gamma and delta, as in the index
                mean, sd = mean_and_sd(score, 1.0)
                fit = anderson_darling_of_scores((score - mean[:, np.newaxis]) / sd[:, np.newaxis])
                better = fit < best
                if better.any():
                    found = np.stack([
                        np.full(best.shape, kind), (shape.gamma - mean) / sd, shape.delta / sd, shape.xi, shape.lam,
                        np.full(best.shape, z),
                    ])  # fmt: skip
                    theta[:, better], best[better] = found[:, better], fit[better]
        return theta

    def score(self, v: Any, t: Any) -> Any:
        w = (v - t[3]) / t[4]
        return t[1] + t[2] * np.select([t[0] == 0, t[0] == 1], [_raw(0, w), _raw(1, w)], _raw(2, w))

    def unscore(self, z: Any, t: Any) -> Any:
        w = (z - t[1]) / t[2]
        back = np.select([t[0] == 0, t[0] == 1], [np.sinh(w), scipy.special.expit(w)], np.exp(w))
        return t[3] + t[4] * back

    def log_slope(self, v: Any, t: Any) -> Any:
        w = (v - t[3]) / t[4]
        each = [-0.5 * np.log1p(w * w), -np.log(w) - np.log1p(-w)]
        return np.log(t[2]) - np.log(t[4]) + np.select([t[0] == 0, t[0] == 1], each, -np.log(w))

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        kind, gamma, delta, xi, lam, z = (float(c) for c in theta)
        size = float(unit) * lam
        if kind == 2:  # by custom SL has no scale of its own: it goes into gamma
            gamma, size = gamma - delta * float(np.log(size)), 1.0
        return {
            "type": KINDS[int(kind)], "gamma": gamma, "delta": delta, "xi": float(origin) + float(unit) * xi,
            "lambda": size, "z": z,
        }  # fmt: skip
