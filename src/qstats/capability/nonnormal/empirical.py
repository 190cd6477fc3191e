"""No family at all: percentiles and shares of the sample itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.capability.nonnormal.family import Family
from qstats.errors import DataError

__all__ = ["QUANTILE_TYPES", "Empirical", "sample_quantile"]

QUANTILE_TYPES = (6, 7, 8)
_PLACE = {6: (0.0, 1.0), 7: (1.0, -1.0), 8: (1.0 / 3.0, 1.0 / 3.0)}  # position = a + (n + b) p


def sample_quantile(ordered: Any, p: float, kind: int) -> Any:
    """Return the quantile of values sorted along the first axis, by type 6, 7 or 8 of Hyndman & Fan (1996)."""
    n = ordered.shape[0]
    a, b = _PLACE[kind]
    at = min(max(a + (n + b) * p, 1.0), float(n))
    low = min(int(at), n - 1) if n > 1 else 1
    share = at - low
    return ordered[low - 1] * (1.0 - share) + ordered[min(low, n - 1)] * share


class Empirical(Family):
    """The sorted sample is the distribution; `quantile_type` 6, 7 or 8 of Hyndman & Fan (1996)."""

    name, label, size = "empirical", "Empirical percentiles", 0

    def __init__(self, quantile_type: int = 6) -> None:
        self.quantile_type = quantile_type
        self.source = (
            f"sample quantiles of type {quantile_type}: Hyndman & Fan (1996), The American Statistician 50, 361-365"
        )

    def fit(self, v: FloatArray, low: float | None) -> FloatArray:
        return np.sort(v, axis=-1).T

    def _share(self, v: Any, t: Any, above: bool) -> Any:
        if np.ndim(t) == 1:  # one sample, many points
            below = np.searchsorted(t, v, side="right")
            return (len(t) - below if above else below) / len(t)
        hits = (t > v) if above else (t <= v)
        return np.count_nonzero(hits, axis=0) / t.shape[0]

    def log_cdf(self, v: Any, t: Any) -> Any:
        return np.log(self._share(v, t, False))

    def log_sf(self, v: Any, t: Any) -> Any:
        return np.log(self._share(v, t, True))

    def log_below(self, v: Any, t: Any) -> Any:
        """Return the logarithm of the share strictly below v: a value on the limit is inside."""
        return np.log(np.count_nonzero(t < v, axis=0) / t.shape[0])

    def log_pdf(self, v: Any, t: Any) -> Any:
        raise DataError("distribution: a sorted sample has no density; fit a family, such as 'lognormal', to read one")

    def quantile(self, p: Any, t: Any) -> Any:
        if np.ndim(p) == 0:
            return sample_quantile(t, float(p), self.quantile_type)
        return np.array([sample_quantile(t, float(q), self.quantile_type) for q in np.ravel(p)]).reshape(np.shape(p))

    def upper_quantile(self, q: Any, t: Any) -> Any:
        return self.quantile(1.0 - np.asarray(q), t)

    def natural(self, theta: FloatArray, origin: float, unit: float) -> Mapping[str, Any]:
        return {"quantile_type": self.quantile_type}
