"""Do counts vary as chance lets them, more, or less? The chi-square dispersion test, in words."""

from __future__ import annotations

import math
from typing import NamedTuple

from qstats._core.arrays import FloatArray
from qstats._core.blocks import BLOCK, block_edges
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf

__all__ = ["Dispersion", "dispersion_test", "laney_note", "plain_notes"]

LEVEL = 0.05


class Dispersion(NamedTuple):
    """Chi-square statistic, its degrees of freedom, and the chance of more and of less than it."""

    chi2: float
    df: int
    more: float
    less: float


def dispersion_test(count: FloatArray, size: FloatArray, center: float, spread: float) -> Dispersion:
    """Test whether counts scatter about their common rate as chance lets them.

    Parameters
    ----------
    count, size : numpy.ndarray
        Events and units or exposure, shape (n,), n of 2 or more, no gaps.
    center : float
        Events per unit.
    spread : float
        Standard deviation of the ratio of one unit, above 0.

    Notes
    -----
    ``sum((count_i - center * size_i)**2 / (size_i * spread**2))`` has about a chi-square distribution with n - 1
    degrees of freedom where a point has more than about one expected event.
    """
    chi2 = _scatter(count, size, center) / (spread * spread)
    df = count.size - 1
    return Dispersion(chi2, df, float(chi2_sf(chi2, df)), _chi2_cdf(chi2, df))


def _chi2_cdf(x: float, df: int) -> float:
    import scipy

    return float(scipy.special.chdtr(df, x))


def _scatter(count: FloatArray, size: FloatArray, center: float) -> float:
    """Sum of ``(count - center * size)**2 / size``, without a temporary of full length."""
    parts = []
    for i, j in block_edges(count.size, BLOCK // 4):
        gap = count[i:j] - center * size[i:j]
        gap *= gap
        gap /= size[i:j]
        parts.append(float(gap.sum()))
    return math.fsum(parts)


def plain_notes(got: Dispersion, which: str, letter: str) -> list[Note]:
    """Say where the limits of a plain chart of counts (`letter` p or u) are too narrow or too wide."""
    ratio = got.chi2 / got.df
    if ratio > 1.0 and got.more < LEVEL:
        text = f"points vary {ratio:.3g} times as much as chance allows{which} (p = {got.more:.2g})"
        text += ": the limits are too narrow if that is usual here"
        return [Note("overdispersed", "warning", f"{text}; see laney_{letter}")]
    if ratio < 1.0 and got.less < LEVEL:
        text = f"points vary only {ratio:.3g} times as much as chance would let them{which} (p = {got.less:.2g})"
        text += ": the limits are too wide if that is usual here; look how the counts come about"
        return [Note("underdispersed", "info", f"{text}, and see laney_{letter}")]
    return []


def laney_note(got: Dispersion, sigma_z: float, which: str, letter: str) -> Note:
    """Say what a Laney chart's factor comes to: whether limits of chance alone would do."""
    over = got.chi2 > got.df
    side, pvalue, verdict = ("more", got.more, "too narrow") if over else ("less", got.less, "too wide")
    text = f"sigma_z = {sigma_z:.3g}; chi-square {got.chi2:.4g} on {got.df} degrees of freedom{which}, "
    text += f"p = {pvalue:.2g} for points that vary {side} than chance lets them: the limits of a plain {letter} chart "
    return Note("dispersion", "info", text + (f"would be {verdict}" if pvalue < LEVEL else "would do"))
