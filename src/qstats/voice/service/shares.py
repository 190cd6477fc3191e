"""Shares of contacts or tickets, one by one or in clusters of one customer: what they are worth, and their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.inference.comparison import tails
from qstats.inference.multiplicity import adjust_pvalues
from qstats.inference.pivot import satterthwaite
from qstats.inference.proportion_kernels import Pair, difference_score, score_limits
from qstats.inference.rate_kernels import critical, score_odds, score_pvalue

__all__ = ["Gap", "ShareTable", "Worth", "clustered", "gap_between", "share_table", "simple", "wilson_limits"]

_SOURCE = (
    "each against the rest: Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226, adjusted by Holm (1979)"
)


class Worth(NamedTuple):
    """Shares and what they are worth; arrays of shape (k,)."""

    share: FloatArray
    n: FloatArray
    n_eff: FloatArray
    deff: FloatArray
    df: FloatArray
    clusters: FloatArray


class Gap(NamedTuple):
    """Difference of two shares with limits, p-value and score statistic."""

    estimate: float
    interval: Interval
    pvalue: float
    statistic: float
    df: float


def simple(count: FloatArray, n: FloatArray) -> Worth:
    """Return shares of independent units; NaN where there is none."""
    share = np.divide(count, n, out=np.full_like(n, np.nan), where=n > 0)
    return Worth(share, n, n, np.ones_like(n), np.full_like(n, np.inf), n)


def clustered(
    yes: BoolArray, codes: npt.NDArray[np.intp], k: int, cluster: npt.NDArray[np.intp], clusters: int
) -> Worth:
    r"""Return shares of k groups whose units come in clusters: a ratio estimate and its linearised variance.

    With :math:`z_c = \sum_{i \in c} (y_i - p) / n` over C clusters, :math:`V = \frac{C}{C-1} \sum_c z_c^2`; the design
    effect is :math:`V (n - 1) / (p (1 - p))`. Effective units are never more than units. Where all units are alike the
    data cannot tell the design effect: then every cluster is worth one unit.

    Cochran (1977), Sampling Techniques, 3rd ed., section 3.12; Korn & Graubard (1998), Survey Methodology 24, 193-201.
    """
    n = np.bincount(codes, minlength=k).astype(np.float64)
    share = np.bincount(codes, weights=yes.astype(np.float64), minlength=k) / n
    if k * clusters <= 4 * codes.size:  # as many cells as can be counted without sorting
        unit, where = np.arange(k * clusters), codes * clusters + cluster
    else:
        unit, where = np.unique(codes * clusters + cluster, return_inverse=True)
        where = where.reshape(-1)
    size = np.bincount(where, minlength=unit.size)
    total = np.bincount(where, weights=yes - share[codes], minlength=unit.size)
    group = unit // clusters
    number = np.bincount(group[size > 0], minlength=k).astype(np.float64)
    square = np.bincount(group, weights=total * total, minlength=k)
    v = share * (1.0 - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = number / (number - 1.0) * square / (n * n)
        deff = np.where((v > 0) & (number > 1), variance * (n - 1.0) / v, n / number)
        n_eff = np.minimum(n / deff, n)
    return Worth(share, n, n_eff, deff, np.maximum(number - 1.0, 1.0), number)


def wilson_limits(w: Worth, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's limits with Student's t in place of the normal quantile where there are clusters.

    The limits know z and n only as z**2 / n, so t enters through n.
    """
    tail = (1.0 - confidence) / 2.0
    z = critical(tail, math.inf)
    n = w.n_eff * (z / np.asarray(t_quantile(1.0 - tail, w.df))) ** 2
    low, high = score_odds(w.share * n, n, z, z)
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 + 1.0 / low), 1.0 / (1.0 + 1.0 / high)


def _pair(w: Worth, w0: Worth) -> tuple[Pair, FloatArray]:
    pair = Pair(w.share * w.n_eff, w.n_eff, w0.share * w0.n_eff, w0.n_eff)
    total = w.n_eff + w0.n_eff
    return pair, np.where(total > 1.0, total / np.where(total > 1.0, total - 1.0, 1.0), 2.0)


def _common_df(w: Worth, w0: Worth) -> FloatArray:
    """Degrees of freedom of the difference, by the variances of the two shares."""
    v, v0 = ((x.share * (1.0 - x.share) + 0.25 / x.n_eff) / x.n_eff for x in (w, w0))
    endless = np.isinf(w.df) & np.isinf(w0.df)
    return np.where(endless, np.inf, satterthwaite(v, np.where(endless, 1.0, w.df), v0, np.where(endless, 1.0, w0.df)))


def gap_between(w: Worth, w0: Worth, null: float, confidence: float, alternative: str) -> Gap:
    """Compare one share with another by the score of their difference on effective units."""
    pair, inflate = _pair(w, w0)
    df = float(_common_df(w, w0)[0])
    below, above = tails(alternative, confidence)
    estimate = w.share - w0.share
    z = (critical(below, df), critical(above, df))
    score = difference_score(pair, np.full(1, null), inflate)
    low, high = score_limits(difference_score, pair, estimate, (-1.0, 1.0), z, inflate)
    p = score_pvalue(score, df, alternative)
    limits = Interval(float(low[0]), float(high[0]), confidence)
    return Gap(float(estimate[0]), limits, float(p[0]), float(score[0]), df)


@dataclass(frozen=True, slots=True, eq=False)
class ShareTable(Result):
    """A share by segment, each against the rest.

    Parameters
    ----------
    segments : tuple of str
    estimate : ndarray, shape (k,)
    interval : Intervals
        Each with its own confidence.
    n, count : ndarray, shape (k,)
        Units judged, and those that count for the share.
    difference : ndarray, shape (k,)
        From all other segments together.
    pvalue, adjusted : ndarray, shape (k,)
        Of that difference, two-sided, by itself and after Holm.
    details : mapping of str to ndarray, shape (k,)
        Further counts of each segment.
    total : Result
        All together.
    what, method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.share-table/1"

    segments: tuple[str, ...]
    estimate: FloatArray
    interval: Intervals
    n: FloatArray
    count: FloatArray
    difference: FloatArray
    pvalue: FloatArray
    adjusted: FloatArray
    details: Mapping[str, FloatArray]
    total: Any
    what: str
    method: str
    reference: str
    notes: tuple[Note, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "details", FrozenMapping(self.details))

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the summary."""
        return f"{self.what} by segment"

    def __len__(self) -> int:
        return self.estimate.size

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (
                name,
                f"{self.estimate[i]:.1%} ({self.interval.low[i]:.1%}, {self.interval.high[i]:.1%})  n {self.n[i]:g}  "
                f"against the rest p {self.adjusted[i]:.3g} (Holm)",
            )
            for i, name in enumerate(self.segments)
        ]
        t = self.total
        all_ = f"{t.estimate:.1%} ({t.interval.low:.1%}, {t.interval.high:.1%})  n {t.n:g}"
        return [*rows, ("all", all_), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "segment": list(self.segments),
            "estimate": self.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "n": self.n,
            "count": self.count,
            **self.details,
            "difference": self.difference,
            "pvalue": self.pvalue,
            "adjusted": self.adjusted,
        }


def share_table(
    labels: tuple[str, ...], w: Worth, rest: Worth, limits: tuple[FloatArray, FloatArray], total: Any, what: str, *,
    details: Mapping[str, FloatArray], notes: tuple[Note, ...],
) -> ShareTable:  # fmt: skip
    """Make the table of two or more segments; `rest` holds, for each, all others together."""
    pair, inflate = _pair(w, rest)
    score = difference_score(pair, np.zeros(w.n.size), inflate)
    p = np.minimum(1.0, 2.0 * np.asarray(t_sf(np.abs(score), _common_df(w, rest))))
    interval = Intervals(frozen_array(limits[0]), frozen_array(limits[1]), total.interval.confidence)
    return ShareTable(
        labels, frozen_array(w.share), interval, frozen_array(w.n), frozen_array(np.round(w.share * w.n)),
        frozen_array(w.share - rest.share), frozen_array(p), adjust_pvalues(p).adjusted,
        {k: frozen_array(v) for k, v in details.items()}, total, what, total.method, f"{total.reference}; {_SOURCE}",
        notes,
    )  # fmt: skip
