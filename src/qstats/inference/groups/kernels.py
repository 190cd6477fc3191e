"""What the tests of several groups compute: homogeneity of a table, Welch's F, Kruskal-Wallis, pairs by log-rank."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.quantiles import chi2_sf
from qstats.errors import DataError, TooFewData
from qstats.inference.ordinal.kernels import all_tables, count_tables

__all__ = [
    "MOST_TABLES",
    "Overall",
    "drawn_pvalue",
    "f_sf",
    "kruskal",
    "kruskal_draws",
    "labelled",
    "logrank_pair",
    "pearson",
    "rate_tables",
    "relabelled_tables",
    "share_tables",
    "spread_rates",
    "welch_f",
]

MOST_TABLES = 20_000
_CELLS = 1 << 20
_MOST_COUNTED = 1e6  # units whose arrangements are counted before they are gone through
_SAME = 1e-9  # statistics closer than this are equal in exact arithmetic
_MOST_ANSWERS = 1e9  # what numpy's multivariate hypergeometric takes


class Overall(NamedTuple):
    """A statistic with its degrees of freedom and upper tail; `df0` below an F, infinite below a chi-square."""

    statistic: float
    df: float
    df0: float
    pvalue: float


def f_sf(f: float, df: float, df0: float) -> float:
    """Return ``P(F > f)``; infinite `df0` is a chi-square over its degrees of freedom."""
    return float(chi2_sf(f * df, df)) if math.isinf(df0) else float(scipy.special.fdtrc(df, df0, f))


def labelled(by: Any, name: str, n: int) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """Return the sorted labels, two at least, and the code of each row."""
    column = np.asarray(by)
    if column.ndim != 1 or column.size != n:
        raise DataError(f"{name}: got shape {column.shape} for {n} values; one label each is wanted")
    if column.dtype.kind == "O":
        missing = np.array([cell is None or cell != cell for cell in column], dtype=np.bool_)
        column = column.astype(np.str_)
    else:
        missing = np.isnan(column) if column.dtype.kind == "f" else np.zeros(0, dtype=np.bool_)
    if missing.any():
        raise DataError(f"{name}: {int(missing.sum())} labels are missing; give every row a group or leave it out")
    found, codes = np.unique(column, return_inverse=True)
    if found.size < 2:
        raise TooFewData(f"{name}: {found.size} group came; at least two are wanted")
    return tuple(str(v) for v in found), codes.reshape(-1)


def pearson(table: FloatArray) -> tuple[float, float, FloatArray]:
    """Return Pearson's X2 of a table (groups, classes), its degrees of freedom and the expected counts.

    Classes that nobody is in are left out; with one class left there is nothing to compare (0 degrees of freedom).
    """
    used = table[:, table.sum(axis=0) > 0.0]
    expected = used.sum(axis=1, keepdims=True) * used.sum(axis=0) / used.sum()
    df = (table.shape[0] - 1.0) * (used.shape[1] - 1.0)
    return float(((used - expected) ** 2 / expected).sum()) if df else 0.0, df, expected


def spread_rates(events: FloatArray, share: FloatArray) -> FloatArray:
    """Return X2 of rows of events against their shares of the exposure; shape (m,)."""
    expected = events.sum(axis=-1, keepdims=True) * share
    return ((events - expected) ** 2 / expected).sum(axis=-1)  # type: ignore[no-any-return]


def _midp(statistics: FloatArray, weight: FloatArray, seen: float) -> float:
    slack = _SAME * max(1.0, seen)
    above = float(weight[statistics > seen + slack].sum())
    return min(1.0, above + 0.5 * float(weight[np.abs(statistics - seen) <= slack].sum()))


def rate_tables(events: FloatArray, share: FloatArray, seen: float) -> float | None:
    """Return the mid-p of X2 over all ways to share out the events (multinomial); None where there are too many."""
    total, k = float(events.sum()), events.size
    ways = scipy.special.gammaln(total + k) - scipy.special.gammaln(total + 1.0) - scipy.special.gammaln(k)
    if ways > math.log(MOST_TABLES):
        return None
    caps = np.full(k, total)
    tables, _ = all_tables(caps, int(total))
    log = scipy.special.gammaln(total + 1.0) + (
        scipy.special.xlogy(tables, share) - scipy.special.gammaln(tables + 1.0)
    ).sum(axis=1)
    return _midp(spread_rates(tables, share), np.exp(log), seen)


def share_tables(count: FloatArray, size: FloatArray, seen: float) -> float | None:
    """Return the mid-p of X2 over all ways to share out the units with the event; None where there are too many."""
    total = float(count.sum())
    if min(total, float(size.sum()) - total) > _MOST_COUNTED or count_tables(size, int(total)) > MOST_TABLES:
        return None
    tables, weight = all_tables(size, int(total))
    return _midp(_share_statistic(tables, size), weight, seen)


def _share_statistic(count: FloatArray, size: FloatArray) -> FloatArray:
    p = count.sum(axis=-1, keepdims=True) / size.sum()
    return ((count - size * p) ** 2 / (size * p * (1.0 - p))).sum(axis=-1)  # type: ignore[no-any-return]


def relabelled_tables(count: FloatArray, size: FloatArray) -> Callable[[int, np.random.Generator], FloatArray]:
    """Return a drawer of X2 under random relabelling of units."""
    if size.sum() >= _MOST_ANSWERS:
        raise DataError(f"size: {size.sum():g} units are too many to relabel; method='chi2' is exact enough there")
    whole, total = size.astype(np.int64), int(count.sum())

    def draw(rows: int, rng: np.random.Generator) -> FloatArray:
        tables = rng.multivariate_hypergeometric(whole, total, size=rows, method="marginals").astype(np.float64)
        return _share_statistic(tables, size)

    return draw


def drawn_pvalue(
    draw: Callable[[int, np.random.Generator], FloatArray], seen: float, width: int, resamples: int,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Return ``(1 + hits) / (1 + resamples)``: the observed table counts as one more."""
    rows, hits = max(1, _CELLS // max(width, 1)), 0
    for start in range(0, resamples, rows):
        drawn = draw(min(rows, resamples - start), rng)
        hits += int(np.count_nonzero(drawn >= seen - _SAME * max(1.0, seen)))
    return (1.0 + hits) / (1.0 + resamples)


def welch_f(n: FloatArray, mean: FloatArray, variance: FloatArray) -> Overall:
    """Return Welch's F for equal means, exact in the limit where one group has no scatter."""
    k, still = n.size, variance == 0.0
    centred = mean - mean[int(np.argmax(n))]
    if still.any():
        first = float(centred[still].item())  # one at most: the caller refuses more
        w = n[~still] / variance[~still]
        between = float((w * (centred[~still] - first) ** 2).sum()) / (k - 1.0)
        lack = float((1.0 / (n[~still] - 1.0)).sum())
    else:
        w = n / variance
        centre = float((w * centred).sum() / w.sum())
        between = float((w * (centred - centre) ** 2).sum()) / (k - 1.0)
        lack = float(((1.0 - w / w.sum()) ** 2 / (n - 1.0)).sum())
    statistic = between / (1.0 + 2.0 * (k - 2.0) / (k * k - 1.0) * lack)
    df0 = (k * k - 1.0) / (3.0 * lack)
    return Overall(statistic, k - 1.0, df0, f_sf(statistic, k - 1.0, df0))


def kruskal(values: FloatArray, codes: npt.NDArray[np.intp], k: int) -> tuple[float, FloatArray, FloatArray]:
    """Return H corrected for ties, the mid-ranks (centred) and the group sizes; H is 0 if all values are tied."""
    found, inverse, times = np.unique(values, return_inverse=True, return_counts=True)
    n = values.size
    middle = np.cumsum(times) - 0.5 * (times - 1.0)
    rank = (middle - 0.5 * (n + 1.0))[inverse.reshape(-1)]
    sizes = np.bincount(codes, minlength=k).astype(np.float64)
    if found.size == 1:
        return 0.0, rank, sizes
    total = np.bincount(codes, weights=rank, minlength=k)
    return float((total**2 / sizes).sum() * (n - 1.0) / (rank**2).sum()), rank, sizes


def kruskal_draws(rank: FloatArray, sizes: FloatArray) -> Callable[[int, np.random.Generator], FloatArray]:
    """Return a drawer of H under random relabelling."""
    scale = (rank.size - 1.0) / float((rank**2).sum())
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)

    def draw(rows: int, rng: np.random.Generator) -> FloatArray:
        mixed = rng.permuted(np.broadcast_to(rank, (rows, rank.size)), axis=1)
        return (np.add.reduceat(mixed, starts, axis=1) ** 2 / sizes).sum(axis=1) * scale  # type: ignore[no-any-return]

    return draw


def logrank_pair(time: FloatArray, closed: BoolArray, group: BoolArray) -> tuple[float, float]:
    """Return observed less expected ends of the group, and the variance of that."""
    at, inverse = np.unique(time, return_inverse=True)
    inverse = inverse.reshape(-1)

    def tally(weight: Any) -> FloatArray:
        return np.bincount(inverse, weights=weight, minlength=at.size).astype(np.float64)

    risk, risk1 = (tally(w.astype(np.float64))[::-1].cumsum()[::-1] for w in (np.ones_like(group), group))
    d, d1 = tally(closed.astype(np.float64)), tally((closed & group).astype(np.float64))
    share = risk1 / risk
    spread = d * share * (1.0 - share) * np.divide(risk - d, risk - 1.0, out=np.zeros_like(risk), where=risk > 1.0)
    return float((d1 - d * share).sum()), float(spread.sum())
