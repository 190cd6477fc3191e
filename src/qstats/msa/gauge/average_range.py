"""The average-and-range method of the AIAG form, with exact constants, as mean squares and degrees of freedom."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.bias import d2, d3
from qstats.msa.gauge.mls import MeanSquares

__all__ = ["average_range", "d2_star", "range_df"]


def d2_star(m: int, g: float = 1.0, constants: str = "exact") -> float:
    """Return ``sqrt(E[mean range squared]) / sigma`` of `g` ranges of `m` normal values; `g` infinite gives d2.

    ``constants="table"`` rounds its reciprocal to the four decimals of the printed K factors.
    """
    value = math.sqrt(d2(m) ** 2 + d3(m) ** 2 / g)
    return 1.0 / round(1.0 / value, 4) if constants == "table" else value


@lru_cache(maxsize=1024)
def range_df(m: int, g: int) -> float:
    """Return the degrees of freedom of the chi that varies as the mean of `g` ranges of `m`, each over its mean.

    References
    ----------
    Patnaik, P. B. (1950). The use of mean range as an estimator of variance in statistical tests. Biometrika 37, 78-87.
    """
    wanted = d3(m) ** 2 / (g * d2(m) ** 2)

    def spread(nu: float) -> float:  # squared coefficient of variation of a chi
        half = 0.5 * nu
        if nu > 200.0:
            return 0.5 / nu + 0.125 / nu**2
        ratio = math.exp(math.lgamma(half + 0.5) - math.lgamma(half))
        return half / ratio**2 - 1.0

    low, high = 0.05, 1.0 / wanted + 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if spread(middle) > wanted else (low, middle)
    return 0.5 * (low + high)


def average_range(x: FloatArray, constants: str) -> MeanSquares:
    """Return squared EV, operator and part figures of a centred parts x operators x repeats cube, with their df.

    ``EV = K1 Rbar``, ``AV**2 = (K2 Xdiff)**2 - EV**2 / (parts repeats)``, ``PV = K3 Rp``; K1 is ``1 / d2(repeats)``,
    K2 and K3 are ``1 / d2*`` of one range. PV holds no correction for EV, as on the form.
    """
    p, o, r = x.shape
    mean_range = float(np.ptp(x, axis=2).mean())
    ev = mean_range / d2_star(r, math.inf, constants)
    pv = float(np.ptp(x.mean(axis=(1, 2)))) / d2_star(p, 1.0, constants)
    ms, df = [ev**2, pv**2], [range_df(r, p * o), range_df(p, 1)]
    weights = {"repeatability": np.array([1.0, 0.0, 0.0]), "part": np.array([0.0, 1.0, 0.0])}
    if o == 1:
        return MeanSquares(np.array(ms), np.array(df), {name: w[:2] for name, w in weights.items()})
    across = float(np.ptp(x.mean(axis=(0, 2)))) / d2_star(o, 1.0, constants)
    ms.append(across**2)
    df.append(range_df(o, 1))
    weights["operator"] = np.array([-1.0 / (p * r), 0.0, 1.0])
    order = ("repeatability", "operator", "part")
    return MeanSquares(np.array(ms), np.array(df), {name: weights[name] for name in order})
