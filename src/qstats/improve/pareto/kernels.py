"""What the counts of a Pareto table establish: ranks, and a band for the cumulative line."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import binomial_sf, normal_sf
from qstats.inference.multiplicity import holm

__all__ = ["cumulative_band", "rank_sets"]

_CELLS = 1 << 20  # resampled categories at once
_HALF = 0.5


def rank_sets(
    values: FloatArray, squares: FloatArray | None, confidence: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    r"""Return lowest and highest rank of each category that the counts leave open, for all at once.

    Every ordered pair is tested one-sided: given :math:`x_j + x_k`, :math:`x_j` is Binomial(., 1/2) when both are
    equally frequent (sums of a weight: compound Poisson, normal with variance :math:`\sum w^2`). Holm over all pairs.

    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91(1), 476-518.
    """
    m = values.size
    if m == 1:
        return np.array([1]), np.array([1])
    j, k = (index.ravel() for index in np.indices((m, m)))
    j, k = j[j != k], k[j != k]
    total = values[j] + values[k]
    if squares is None:
        p = np.where(total > 0, binomial_sf(values[j], np.maximum(total, 1.0), 0.5), 1.0)
    else:
        spread = np.sqrt(squares[j] + squares[k])
        gap = values[j] - values[k]
        p = np.where(spread > 0, normal_sf(np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)), 1.0)
    larger = holm(p) <= 1.0 - confidence
    above = np.bincount(k[larger], minlength=m)  # how many are surely larger than this one
    below = np.bincount(j[larger], minlength=m)
    return 1 + above, m - below


def _drawn_shares(
    values: FloatArray, squares: FloatArray | None, rows: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return the shares resampled from, shape (m,), and `rows` resamples of them, shape (rows, m).

    Half a count more in each cell: a category seen once would otherwise look as if it could not be missed or doubled.
    """
    seen = values > 0.0
    if squares is None:
        n = int(values.sum())
        center = np.where(seen, values + _HALF, 0.0)
        center /= center.sum()
        return center, rng.multinomial(n, center, size=rows) / n
    # Exponential multipliers on k equal weights sum to a gamma of shape k; unequal ones to about the gamma of the same
    # mean and variance, so two sums per category are all that is needed.
    shape = np.where(seen, values * values / np.where(seen, squares, 1.0) + _HALF, 1.0)
    scale = np.where(seen, squares / np.where(seen, values, 1.0), 0.0)
    drawn = rng.standard_gamma(shape, size=(rows, values.size)) * scale
    center = shape * scale
    return center / center.sum(), drawn / drawn.sum(axis=1, keepdims=True)


def cumulative_band(
    values: FloatArray, squares: FloatArray | None, confidence: float, resamples: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    r"""Return a band that holds the true cumulative line, the share of the k truly largest, for all k at once.

    Sorting flatters: of equal categories the largest counts come first, so the line drawn lies above the true one, and
    a bootstrap that sorts again only doubles that. The line exceeds the truth by at most
    :math:`\max_A \{\hat p(A) - p(A)\} = \sum_j (\hat p_j - p_j)^+`, and falls short by at most
    :math:`\max_k \{p(A_k) - \hat p(A_k)\}` for the true order; both are bootstrapped, half the error to each.

    Parameters
    ----------
    values : ndarray, shape (m,)
        Counts or sums, largest first.
    squares : ndarray, shape (m,), or None
        Sum of the squared weights of each category; None for counts.
    """
    excess, lack = np.empty(resamples), np.empty(resamples)
    rows = max(1, _CELLS // values.size)
    for i in range(0, resamples, rows):
        j = min(i + rows, resamples)
        center, drawn = _drawn_shares(values, squares, j - i, rng)
        drawn -= center
        excess[i:j] = np.maximum(drawn, 0.0).sum(axis=1)
        lack[i:j] = np.maximum(-np.cumsum(drawn, axis=1).min(axis=1), 0.0)
    line = np.cumsum(values) / values.sum()
    tail = 0.5 * (1.0 - confidence)
    at = min(int(np.ceil((1.0 - tail) * (resamples + 1))), resamples) - 1
    down, up = np.sort(excess)[at], np.sort(lack)[at]
    # k of m shares in falling order hold at least k/m of the total: the line cannot be lower, and ends at one
    least = np.arange(1, values.size + 1) / values.size
    return np.minimum(np.maximum(line - down, least), 1.0), np.minimum(line + up, 1.0)
