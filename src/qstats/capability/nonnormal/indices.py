"""Indices of a fitted distribution, for one sample or for a block of resamples alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.capability.nonnormal.empirical import Empirical
from qstats.capability.nonnormal.family import Family

__all__ = ["INDICES", "SIDE", "TAIL", "index_rows"]

INDICES = (
    "pp", "ppl", "ppu", "ppk", "z_ppl", "z_ppu", "z_ppk", "z_bench", "ppm_below", "ppm_above", "ppm_total",
)  # fmt: skip
SIDE = {"ppl": "lower", "z_ppl": "lower", "ppm_below": "lower", "ppu": "upper", "z_ppu": "upper", "ppm_above": "upper"}
TAIL = 0.5 * math.erfc(3.0 / math.sqrt(2.0))  # 0.13499 %, beyond three standard deviations of a normal


def _score(log_tail: FloatArray) -> FloatArray:
    """Return the standard normal value with this tail above it, from the logarithm of the tail."""
    return np.asarray(-scipy.special.ndtri_exp(np.minimum(log_tail, 0.0)), dtype=np.float64)


def index_rows(family: Family, t: Any, lower: float | None, upper: float | None) -> FloatArray:
    """Return all indices, shape (indices, rows); NaN where a side has no specification or a row no fit.

    Parameters
    ----------
    family : Family
    t : ndarray, shape (parameters, rows)
    lower, upper : float, optional
        Specifications on the coordinate of the fit.
    """
    rows = np.shape(t)[1]
    out = np.full((len(INDICES), rows), np.nan)
    with np.errstate(all="ignore"):
        low, middle, high = family.quantile(TAIL, t), family.quantile(0.5, t), family.upper_quantile(TAIL, t)
        below = above = np.full(rows, -np.inf)
        if lower is not None:
            below = family.log_below(lower, t) if isinstance(family, Empirical) else family.log_cdf(lower, t)
            below = np.where(np.isnan(middle), np.nan, below)
            out[1], out[4], out[8] = (middle - lower) / (middle - low), _score(below) / 3.0, 1e6 * np.exp(below)
        if upper is not None:
            above = np.where(np.isnan(middle), np.nan, family.log_sf(upper, t))
            out[2], out[5], out[9] = (upper - middle) / (high - middle), _score(above) / 3.0, 1e6 * np.exp(above)
        if lower is not None and upper is not None:
            out[0] = (upper - lower) / (high - low)
            out[3], out[6] = np.minimum(out[1], out[2]), np.minimum(out[4], out[5])
        else:
            out[3], out[6] = (out[1], out[4]) if upper is None else (out[2], out[5])
        total = np.logaddexp(below, above)
        out[7], out[10] = _score(total), 1e6 * np.exp(np.minimum(total, 0.0))
    return out
