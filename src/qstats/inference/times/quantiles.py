"""Quantiles (half are done within, nine in ten are done within): limits from order statistics, for any distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, overload

import numpy as np
import scipy

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import binomial_cdf, binomial_sf, normal_quantile, normal_sf
from qstats.inference.comparison import Comparison, Comparisons, tail_probability, tails
from qstats.inference.estimate import Estimate
from qstats.inference.means.rows import Column, collected, in_lines, line_pair
from qstats.inference.pairs import count_note
from qstats.inference.roots import bisect
from qstats.inference.times.quantile_rows import quantile_lines

__all__ = ["QuantileEstimate", "compare_quantiles", "estimate_quantile"]

_COMPARE = (
    "Hutson (1999), J. Applied Statistics 26, 343-353 (limits of each); Zou & Donner (2008), Statistics in Medicine "
    "27, 1693-1702 (limits of the difference)"
)

_FAR = 38.0  # a normal tail beyond it is zero in float64


@dataclass(frozen=True, slots=True, eq=False)
class QuantileEstimate(Estimate):
    """A quantile between two of the values seen.

    Parameters
    ----------
    ranks : tuple of int
        Ranks (from 1) of the values that are the limits; 0 or n + 1 where a limit lies beyond all values.
    attained : float
        Exact confidence of those ranks, at least the nominal one, for a continuous quantity; ties make it larger.
    """

    schema: ClassVar[str] = "qstats.quantile_estimate/1"
    title: ClassVar[str] = "Quantile"

    ranks: tuple[int, int] = (0, 0)
    attained: float = math.nan

    def _rows(self) -> list[tuple[str, str]]:
        rows = Estimate._rows(self)
        return [
            *rows[:2],
            ("ranks, exact confidence", f"{self.ranks[0]} and {self.ranks[1]}, {self.attained:.5f}"),
            *rows[2:],
        ]


def _first(holds: Callable[[int], bool], start: int, stop: int) -> int:
    """Return the first whole number from `start` to `stop` at which a lasting condition holds."""
    while start < stop:
        middle = (start + stop) // 2
        start, stop = (start, middle) if holds(middle) else (middle + 1, stop)
    return start


def _rank_limits(n: int, q: float, below: float, above: float) -> tuple[int, int]:
    """Return the inmost ranks whose error on either side is at most `below` and `above`; 0 or n + 1 where none is."""
    low = _first(lambda k: binomial_cdf(float(k), float(n), q) > below, 0, n) if below > 0 else 0
    high = _first(lambda k: k > n or binomial_sf(float(k), float(n), q) <= above, 0, n + 1) if above > 0 else n + 1
    return low, high


def _type8(ordered: FloatArray, q: float) -> float:
    return float(np.quantile(ordered, q, method="median_unbiased"))


def _share(q: object) -> float:
    return check_number(q, "q", above=0.0, below=1.0)


def estimate_quantile(
    x: object, q: float = 0.5, *, confidence: float = 0.95, alternative: str = "two-sided"
) -> QuantileEstimate:
    r"""Say within what time (or cost, or size) a share q of cases falls, with limits that hold for any distribution.

    Use it for medians and for promises such as "nine in ten within". Not for open tickets (`survival_curve`), and not
    for the time of a single next case, which needs a tolerance interval.

    Parameters
    ----------
    x : array-like, shape (n,)
    q : float
        Share, between 0 and 1.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        One-sided gives one limit: ``"less"`` the upper, ``"greater"`` the lower.

    Returns
    -------
    QuantileEstimate
        Limits are two of the values; `attained` is their exact confidence. A limit is infinite, with a note, where n is
        too small for one.

    Raises
    ------
    DataError
        Bad values, a share outside 0 to 1.

    Notes
    -----
    The number of values at or below the quantile is binomial(n, q), so ranks r and s cover with probability
    :math:`F(s-1) - F(r-1)`. The inmost ranks with at most half the error on each side are taken. The estimate is
    Hyndman and Fan's type 8 (median-unbiased).

    References
    ----------
    Thompson (1936), Annals of Mathematical Statistics 7, 122-128. Hahn & Meeker (1991), Statistical Intervals, section
    5.2. Hyndman & Fan (1996), The American Statistician 50, 361-365.

    Examples
    --------
    >>> from qstats import estimate_quantile
    >>> r = estimate_quantile(range(1, 101), 0.9)
    >>> r.ranks, round(r.attained, 5)
    ((84, 96), 0.95569)
    """
    share = _share(q)
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    values = as_vector(x, "x", missing="never")
    n = values.size
    r, s = _rank_limits(n, share, below, above)
    ordered = np.partition(values, sorted({min(max(k - 1, 0), n - 1) for k in (r, s)}))  # in place where it is read
    inside = float(binomial_cdf(float(s - 1), float(n), share)) if s <= n else 1.0
    attained = inside - (float(binomial_cdf(float(r - 1), float(n), share)) if r > 0 else 0.0)
    low = float(ordered[r - 1]) if r > 0 else -math.inf
    high = float(ordered[s - 1]) if s <= n else math.inf
    notes: tuple[Note, ...] = ()
    if (below > 0 and r == 0) or (above > 0 and s > n):
        words = f"{n} values are too few for a limit of the {share:g} quantile on this side at this confidence"
        notes = (Note("no-limit", "warning", words),)
    return QuantileEstimate(
        f"quantile {share:g}", _type8(ordered, share), Interval(low, high, confidence), n,
        f"order statistics, ranks {r} and {s}, exact confidence {attained:.5f}",
        "Thompson (1936), Annals of Mathematical Statistics 7, 122-128", notes, (r, s), attained,
    )  # fmt: skip


def _z_of_rank(rank: float, n: int, q: float) -> float:
    """Return z with ``P(Beta(rank, n + 1 - rank) <= q) = P(Z <= z)``, from the smaller tail; falls in rank."""
    above = float(scipy.special.betainc(n + 1.0 - rank, rank, 1.0 - q))
    if above < 0.5:
        return -float(normal_quantile(above)) if above > 0 else _FAR
    below = float(scipy.special.betainc(rank, n + 1.0 - rank, q))
    return float(normal_quantile(below)) if below > 0 else -_FAR


def _rank_of_z(z: float, n: int, q: float) -> float:
    """Return the fractional rank of `z`; 0 or n + 1 where it is beyond the values.

    False position with halving (Illinois), every sixth step a bisection: z is nearly a straight line in the rank.
    """
    guess, room = n * q + 0.5 - z * math.sqrt(n * q * (1.0 - q)), 1.0 + z * z / 2.0
    low, high = min(max(guess - room, 1.0), float(n)), max(min(guess + room, float(n)), 1.0)
    f_low, f_high = _z_of_rank(low, n, q) - z, _z_of_rank(high, n, q) - z
    if f_low < 0 or f_high > 0:  # the normal guess was wrong: all ranks
        low, high = 1.0, float(n)
        f_low, f_high = _z_of_rank(low, n, q) - z, _z_of_rank(high, n, q) - z
        if f_low < 0 or f_high > 0:
            return 0.0 if f_low < 0 else n + 1.0
    last = 0
    for step in range(200):
        if high - low <= 1e-14 * high or f_low == f_high:
            break
        middle = 0.5 * (low + high) if step % 6 == 5 else low + (high - low) * f_low / (f_low - f_high)
        f = _z_of_rank(middle, n, q) - z
        if abs(f) < 1e-14 * (1.0 + abs(z)):
            return middle
        side = 1 if f > 0 else -1
        stuck = 0.5 if side == last else 1.0  # the end that stays twice counts half
        if side > 0:
            low, f_low, f_high = middle, f, stuck * f_high
        else:
            high, f_high, f_low = middle, f, stuck * f_low
        last = side
    return 0.5 * (low + high)


def _fractional(ordered: FloatArray, q: float, z: float) -> float:
    """Return the value at the fractional rank that the quantile exceeds by chance ``P(Z > z)``; it may be infinite."""
    n = ordered.size
    rank = _rank_of_z(z, n, q)
    if rank < 1.0:
        return -math.inf
    if rank > n:
        return math.inf
    whole = min(int(rank), n - 1) if n > 1 else 0
    if whole == 0:
        return float(ordered[0])
    part = rank - whole
    return float(ordered[whole - 1] * (1.0 - part) + ordered[whole] * part)


class _Difference:
    """Limits of a difference of two quantiles as a function of z: the limits of each, combined by squares."""

    def __init__(self, x: FloatArray, x0: FloatArray, q: float) -> None:
        self.x, self.x0, self.q = np.sort(x), np.sort(x0), q
        self.value, self.value0 = _type8(self.x, q), _type8(self.x0, q)
        self.estimate = self.value - self.value0

    def lower(self, z: float) -> float:
        down = max(self.value - _fractional(self.x, self.q, z), 0.0)
        up = max(_fractional(self.x0, self.q, -z) - self.value0, 0.0)
        return self.estimate - math.hypot(down, up)

    def upper(self, z: float) -> float:
        up = max(_fractional(self.x, self.q, -z) - self.value, 0.0)
        down = max(self.value0 - _fractional(self.x0, self.q, z), 0.0)
        return self.estimate + math.hypot(up, down)

    def score(self, null: float) -> float:
        """Return the z at which a limit reaches `null`, with the sign of estimate - null."""
        if self.estimate == null:
            return 0.0
        if self.estimate > null:
            return bisect(lambda z: self.lower(z) - null, 0.0, _FAR)
        return -bisect(lambda z: null - self.upper(z), 0.0, _FAR)


def _no_limit(
    low: Any, high: Any, errors: tuple[float, float], sizes: tuple[int, int], share: float
) -> tuple[Note, ...]:
    lacking = np.atleast_1d((errors[0] > 0) & np.isinf(low) | (errors[1] > 0) & np.isinf(high))
    words = f"{sizes[0]} and {sizes[1]} values are too few for a limit of the {share:g} quantile on each side"
    return count_note("no-limit", "warning", lacking, words, f"pairs: {words}")


@overload
def compare_quantiles(
    x: Column, x0: Column, q: float = ..., *, null: float = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison: ...  # fmt: skip
@overload
def compare_quantiles(
    x: object, x0: object, q: float = ..., *, null: float = ..., confidence: float = ..., alternative: str = ...,
) -> Comparison | Comparisons: ...  # fmt: skip
def compare_quantiles(
    x: object,
    x0: object,
    q: float = 0.5,
    *,
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison | Comparisons:
    r"""Tell whether the median, or the time nine in ten are done within, differs between a group and a reference group.

    Use it for skewed data and for promises stated as quantiles. Not for open tickets, and not for answers on a short
    scale, where a median jumps or stands still (`compare_ordinal`).

    Parameters
    ----------
    x, x0 : array-like, shape (n,) and (n0,), or (pairs, n) and (pairs, n0)
        Values of the group asked about and of the reference group; independent. Two dimensions are many pairs, one per
        line; lines of unequal length are not padded: group them by length, or make one call per pair.
    q : float
        Share, between 0 and 1.
    null : float
        Difference the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Comparison or Comparisons
        ``effect="quantile_difference"``, ``values`` the two quantiles. A limit is infinite, with a note, where the
        groups are too small for one; then no p-value can be small either. The latter for one pair per line.

    Raises
    ------
    DataError
        Bad values, a share outside 0 to 1, unequal numbers of lines.

    Notes
    -----
    Each quantile gets limits l, u at fractional ranks r with :math:`P(\mathrm{Beta}(r, n+1-r) \le q)` equal to
    the wanted tail, interpolated between neighbours; the difference gets
    :math:`d - \sqrt{(\hat x - l)^2 + (u_0 - \hat x_0)^2}` and the mirror image. The p-value is the tail at which a
    limit reaches the null. Chosen over a bootstrap because resamples of a quantile take few values and cover badly in
    the tails, over a normal approximation because that needs the density at the quantile; and it costs one sort.

    References
    ----------
    Hutson (1999), J. Applied Statistics 26, 343-353. Zou & Donner (2008), Statistics in Medicine 27, 1693-1702.
    Goldman & Kaplan (2018), Econometrics Journal 21, 136-169 (accuracy of fractional ranks).

    Examples
    --------
    >>> from qstats import compare_quantiles
    >>> r = compare_quantiles([1, 2, 2, 3, 4, 4, 5, 7, 9, 12], [3, 5, 6, 8, 9, 11, 12, 15, 19, 30])
    >>> r.estimate, str(r.interval), round(r.pvalue, 3)
    (-6.0, '(-13.38, 0.07275)', 0.053)
    """
    share = _share(q)
    confidence = check_confidence(confidence)
    below, above = tails(alternative, confidence)
    null = check_number(null, "null")
    text = f"order statistics combined, q = {share:g}"
    if in_lines(x, x0):
        a, a0 = line_pair(x, x0)
        estimate, pivot = quantile_lines(a, a0, share, null, confidence, alternative)
        return collected(
            "quantile_difference", estimate, pivot, (a.shape[1], a0.shape[1]),
            _no_limit(pivot.low, pivot.high, (below, above), (a.shape[1], a0.shape[1]), share), confidence=confidence,
            alternative=alternative, null=null, method=text, reference=_COMPARE,
        )  # fmt: skip
    both = _Difference(as_vector(x, "x", missing="never"), as_vector(x0, "x0", missing="never"), share)
    low = both.lower(-float(normal_quantile(below))) if below > 0 else -math.inf
    high = both.upper(-float(normal_quantile(above))) if above > 0 else math.inf
    z = both.score(null)
    p = tail_probability(float(normal_sf(-z)), float(normal_sf(z)), alternative)
    sizes = (both.x.size, both.x0.size)
    notes = _no_limit(low, high, (below, above), sizes, share)
    return Comparison(
        "quantile_difference", both.estimate, Interval(low, high, confidence), p, alternative, null, z,
        sizes, text, _COMPARE, notes, (both.value, both.value0),
    )  # fmt: skip
