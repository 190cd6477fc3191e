"""Pseudo standard errors: what the spread of inert contrasts is, judged from contrasts some of which are active."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import normal_quantile

__all__ = ["PSE", "half_normal_scores", "pseudo_error"]

_MIDDLE = 0.683  # share of a half-normal distribution below one standard deviation
_JUAN_PENA = 0.6578  # median of |z| given |z| < 3.5 of such medians: makes the estimate consistent


def half_normal_scores(m: int, shift: float = 0.5) -> FloatArray:
    """Return the half-normal quantiles at (i - shift)/(m + 1 - 2 shift), i = 1, ..., m."""
    share = (np.arange(1, m + 1) - shift) / (m + 1.0 - 2.0 * shift)
    return np.asarray(normal_quantile(0.5 + 0.5 * share), dtype=np.float64)


def _inside(m: int) -> int:
    """How many of m inert contrasts are expected below one standard deviation."""
    return max(int(np.floor(_MIDDLE * m + 0.5)), 1)


def _median(rising: FloatArray, count: np.ndarray[tuple[int], np.dtype[np.intp]]) -> FloatArray:
    """Median of the first `count` of each row."""
    low = np.take_along_axis(rising, ((count - 1) // 2)[:, None], axis=1)[:, 0]
    high = np.take_along_axis(rising, (count // 2)[:, None], axis=1)[:, 0]
    return np.asarray(0.5 * (low + high))


def _first(rising: FloatArray) -> FloatArray:
    """Return 1.5 times the median of each row."""
    m = rising.shape[1]
    return np.asarray(0.75 * (rising[:, (m - 1) // 2] + rising[:, m // 2]))


def _lenth(rising: FloatArray) -> FloatArray:
    inert = (rising < 2.5 * _first(rising)[:, None]).sum(axis=1)
    return 1.5 * _median(rising, np.maximum(inert, 1))


def _dong(rising: FloatArray) -> FloatArray:
    kept = rising <= 2.5 * _first(rising)[:, None]
    return np.asarray(np.sqrt((rising**2 * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)))


def _daniel(rising: FloatArray) -> FloatArray:
    return np.asarray(rising[:, _inside(rising.shape[1]) - 1])


def _juan_pena(rising: FloatArray) -> FloatArray:
    m = rising.shape[1]
    count = np.full(rising.shape[0], m)
    median = _median(rising, count)
    for _ in range(m):  # each pass drops at least one contrast or is the last
        fewer = np.maximum((rising <= 3.5 * median[:, None]).sum(axis=1), 1)
        if np.array_equal(fewer, count):
            break
        count = np.minimum(fewer, count)
        median = _median(rising, count)
    return np.asarray(median / _JUAN_PENA)


def _zahn(rising: FloatArray) -> FloatArray:
    m = rising.shape[1]
    held = _inside(m)
    score = half_normal_scores(m, 0.375)[:held].astype(rising.dtype)  # Blom's positions, as where R's values come from
    return np.asarray(rising[:, :held] @ score / (score @ score))


PSE: dict[str, Callable[[FloatArray], FloatArray]] = {
    "lenth": _lenth,
    "dong": _dong,
    "daniel": _daniel,
    "juan-pena": _juan_pena,
    "zahn": _zahn,
}


def pseudo_error(rising: FloatArray, kind: str) -> FloatArray:
    """Return the pseudo standard error of each row of absolute contrasts in rising order, shape (sets, m)."""
    return PSE[kind](rising)
