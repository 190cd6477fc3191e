"""Expected responses of several fits at many settings at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.prediction import inverse_link
from qstats.doe.fitting.result import DesignFit

__all__ = ["Means"]

_BLOCK = 1 << 14
_STEP = 1e-6
_LARGEST = 1e140  # squares must fit a float64


class Means:
    """Expected responses, each by its own model and link.

    Parameters
    ----------
    fits : sequence of DesignFit
        All on the same factors.
    """

    def __init__(self, fits: Sequence[DesignFit]) -> None:
        self.fits = tuple(fits)
        self.lift = [_lift(f) for f in self.fits]

    def __call__(self, coded: FloatArray) -> FloatArray:
        """Return means at coded settings of shape (m, k): shape (m, r)."""
        out = np.empty((coded.shape[0], len(self.fits)))
        for start in range(0, coded.shape[0], _BLOCK):
            part = coded[start : start + _BLOCK]
            for r, (fit, lift) in enumerate(zip(self.fits, self.lift, strict=True)):
                eta = fit.rows(part) @ fit.fitted.coefficients
                out[start : start + _BLOCK, r] = inverse_link(eta + lift, fit.link)
        return out

    def slopes(self, coded: FloatArray, along: Sequence[int], low: FloatArray, high: FloatArray) -> FloatArray:
        """Return derivatives by some coded factors at settings of shape (s, k): shape (s, r, k), 0 for the others.

        Differences that stay between `low` and `high`: a function of a factor may not exist beyond them.
        """
        s, k = coded.shape
        out = np.zeros((s, len(self.fits), k))
        if not along:
            return out
        up, down = np.repeat(coded[None], len(along), axis=0), np.repeat(coded[None], len(along), axis=0)
        for i, j in enumerate(along):
            up[i, :, j] = np.minimum(coded[:, j] + _STEP, high[j])
            down[i, :, j] = np.maximum(coded[:, j] - _STEP, low[j])
        both = self(np.concatenate([up, down]).reshape(-1, k)).reshape(2, len(along), s, -1)
        with np.errstate(invalid="ignore"):
            change = np.clip(np.nan_to_num(both[0] - both[1]), -_LARGEST, _LARGEST)
        for i, j in enumerate(along):
            out[:, :, j] = change[i] / (up[i, :, j] - down[i, :, j])[:, None]
        return out


def _lift(fit: DesignFit) -> float:
    """What turns the linear predictor into the logarithm of the mean; 0 for the other links."""
    if fit.distribution == "lognormal":
        return 0.5 * fit.fitted.sigma**2
    if fit.distribution == "weibull":
        return float(scipy.special.gammaln(1.0 + float(fit.fitted.extra["scale"])))
    return 0.0
