"""Which supplier, site or agent is worst, and whether the ranking says anything at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.improve.units.door import UnitCounts, read_units
from qstats.improve.units.kernels import (
    BetaUnits,
    Cells,
    GammaUnits,
    Units,
    level_limits,
    rank_counts,
    weighted_quantile,
)
from qstats.inference.resample import as_generator

__all__ = ["UnitRanking", "rank_units"]

IntArray = npt.NDArray[np.int64]

_MOST = 5_000  # units: each unit's distribution over all ranks is kept
_SHOWN = 40  # units in the summary
_NOISE = 0.5
_REFERENCE = (
    "Laird & Louis (1989), J. Educational Statistics 14, 29-46; Goldstein & Spiegelhalter (1996), JRSS A 159, 385-443; "
    "Christiansen & Morris (1997), JASA 92, 618-632"
)


@dataclass(frozen=True, slots=True, eq=False)
class UnitRanking(Result):
    """Units from the best to the worst shrunken level, each with the ranks the data leave open.

    Parameters
    ----------
    units : tuple of str
        Best first; all arrays follow this order.
    count, size : ndarray, shape (k,)
        Events, and cases or exposure.
    raw : ndarray, shape (k,)
        Count over size.
    level : ndarray, shape (k,)
        Shrunken level: the posterior mean of the unit's true rate or proportion.
    interval : Intervals
        Of the true levels, each unit by itself.
    raw_rank : ndarray, shape (k,)
        Place in the league table of raw levels, 1 the best; units with equal levels share the mean of their places.
    mean_rank : ndarray, shape (k,)
        Posterior mean of the true rank.
    rank_low, rank_high : ndarray of int, shape (k,)
        Interval of the true rank, each unit by itself.
    prob_best, prob_worst, prob_worst_fifth : ndarray, shape (k,)
        Probability to be truly the best, the worst, among the worst fifth (rounded up to whole units).
    established : ndarray of bool, shape (k,)
        Whether the raw rank may be quoted: the interval of ranks covers at most half of the field, and holds it.
    reliability : float
        Share of the variance of true ranks that is known, 0 to 1: 0 where every unit may have any rank, 1 where the
        ranking is certain. It is the expected squared correlation of mean ranks with true ones.
    overall : float
        Mean of all units the levels are shrunken towards.
    spread : float
        Standard deviation of the true levels between units, over their mean (posterior median).
    spread_interval : Interval
    kind : {"rate", "proportion"}
    better : {"lower", "higher"}
    confidence : float
    draws : int
        Draws the ranks and probabilities rest on; levels and their intervals need none.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.unit-ranking/1"
    title: ClassVar[str] = "Ranking of units"

    units: tuple[str, ...]
    count: FloatArray
    size: FloatArray
    raw: FloatArray
    level: FloatArray
    interval: Intervals
    raw_rank: FloatArray
    mean_rank: FloatArray
    rank_low: IntArray
    rank_high: IntArray
    prob_best: FloatArray
    prob_worst: FloatArray
    prob_worst_fifth: FloatArray
    established: BoolArray
    reliability: float
    overall: float
    spread: float
    spread_interval: Interval
    kind: str
    better: str
    confidence: float
    draws: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _unit_row(self, i: int) -> tuple[str, str]:
        name = self.units[i]
        ranks = f"rank {self.rank_low[i]} to {self.rank_high[i]} (raw {self.raw_rank[i]:g})"
        sure = "" if self.established[i] else ", not established"
        return name, (
            f"{self.level[i]:.4g} {self.interval.at(i)}, raw {self.raw[i]:.4g}; {ranks}{sure}; "
            f"worst {self.prob_worst[i]:.0%}"
        )

    def _rows(self) -> list[tuple[str, str]]:
        k = len(self.units)
        half = _SHOWN // 2
        shown = list(range(k)) if k <= _SHOWN else [*range(half), *range(k - half, k)]
        rows = [self._unit_row(i) for i in shown]
        if k > _SHOWN:
            rows.insert(half, ("...", f"{k - _SHOWN} more"))
        return [
            *rows,
            ("all units", f"{self.overall:.4g}"),
            ("spread between units, over their mean", f"{self.spread:.4g} {self.spread_interval}"),
            ("share of the ranking that is known", f"{self.reliability:.0%}"),
            ("rank intervals, best first", f"{100 * self.confidence:g}%, {self.draws:,} draws"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "unit": list(self.units),
            "count": self.count,
            "size" if self.kind == "proportion" else "exposure": self.size,
            "raw": self.raw,
            "level": self.level,
            "low": self.interval.low,
            "high": self.interval.high,
            "raw_rank": self.raw_rank,
            "mean_rank": self.mean_rank,
            "rank_low": self.rank_low,
            "rank_high": self.rank_high,
            "prob_best": self.prob_best,
            "prob_worst": self.prob_worst,
            "prob_worst_fifth": self.prob_worst_fifth,
            "established": self.established,
        }


def _draws_wanted(draws: object, confidence: float) -> int:
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer):
        raise DataError(f"draws: got {draws!r}; a whole number is wanted")
    least = max(100, math.ceil(20.0 / (1.0 - confidence)))
    if draws < least:
        raise DataError(f"draws: got {draws}; this confidence needs at least {least:,}, better ten times that")
    return int(draws)


def _check_units(found: UnitCounts) -> None:
    k, total = len(found.names), float(found.count.sum())
    if k < 2:
        raise TooFewData(f"unit: {k} unit came; two or more are wanted to rank them")
    if k > _MOST:
        raise DataError(f"unit: {k:,} units came; at most {_MOST:,} can be ranked: rank within regions or classes")
    if total == 0.0:
        raise TooFewData("count: no event in any unit; nothing is known about their levels")
    if found.kind == "proportion" and total == float(found.size.sum()):
        raise TooFewData("count: every case of every unit is an event; nothing is known about how they differ")


def _raw_ranks(raw: FloatArray, sign: float) -> FloatArray:
    """Return ranks from 1, the best; equal levels share the mean of their places."""
    _, code, often = np.unique(sign * raw, return_inverse=True, return_counts=True)
    last = np.cumsum(often)
    ranks: FloatArray = (last - 0.5 * (often - 1.0))[code.ravel()]
    return ranks


def _rank_limits(counts: IntArray, draws: int, confidence: float) -> tuple[IntArray, IntArray]:
    """Return the ranks that leave at most half the error on either side."""
    below = np.cumsum(counts, axis=1)
    tail = 0.5 * (1.0 - confidence) * draws
    low = 1 + (below <= tail).sum(axis=1)
    high = 1 + (draws - below > tail).sum(axis=1)
    return low.astype(np.int64), high.astype(np.int64)


def _remarks(found: UnitCounts, reliability: float) -> tuple[Note, ...]:
    k, total = len(found.names), float(found.count.sum())
    notes = list(found.notes)
    if k < 5:
        notes.append(Note("few-units", "warning", f"{k} units tell little about how units differ: intervals are wide"))
    if total < 20.0:
        notes.append(Note("few-events", "warning", f"{total:g} events in all units together: hardly a picture of them"))
    if reliability < _NOISE:
        text = (
            f"the data hardly tell the units apart: {reliability:.0%} of the ranking is known, the rest is chance; "
            f"do not publish it, reward or punish by it"
        )
        notes.append(Note("ranks-noise", "serious" if reliability < 0.5 * _NOISE else "warning", text))
    return tuple(notes)


def _model(found: UnitCounts) -> tuple[Units, float]:
    """Return the model and the exposure its rates are per: in units of the median one no rate is tiny."""
    middle = float(np.median(found.size))
    if found.kind == "rate":
        return GammaUnits(found.count, found.size / middle), middle
    return BetaUnits(found.count, found.size, middle), 1.0


def rank_units(
    data: Any,
    *,
    count: str | None = None,
    size: object = None,
    exposure: object = None,
    unit: object = None,
    better: str = "lower",
    confidence: float = 0.95,
    draws: int = 10_000,
    rng: object = None,
    missing: str = "raise",
) -> UnitRanking:
    r"""Rank suppliers, sites or agents by what they truly do, and say which ranks the data leave open.

    Use it instead of a league table of raw rates, whose ends are taken by the smallest units: it shrinks each unit
    towards all of them by as much as chance explains, and gives every rank with its interval. To find units out of line
    use `funnel`; to tell whether one of them got better after an action, `predicted_after`. Not for units that differ
    in what they are given to do (mix, severity): compare like with like first.

    Parameters
    ----------
    data : frame or array-like, shape (k,)
        A table, added up by unit where it is; or the counts of bad events.
    count : str, optional
        Column with the events of each row (0 or 1 where a row is a case), for a table.
    size : str, number or array-like
        Cases looked at, of which `count` had the event: the unit's level is a proportion. ``size=1``: each row is one.
    exposure : str, number or array-like
        What events are counted over (orders, hours, months): the level is a rate. Give this or `size`.
    unit : str or array-like
        Column of the unit's name, or names; rows of one unit are added up. Plain counts without names are numbered
        from 1.
    better : {"lower", "higher"}
        ``"higher"`` where the events are good ones. Rank 1 is the best.
    confidence : float
        Of the intervals of levels and of ranks, each unit by itself.
    draws : int
        Draws from the posterior that ranks and probabilities are counted in.
    rng : None, int, SeedSequence or Generator
    missing : {"raise", "drop"}
        ``"drop"`` leaves out rows without a unit (also a blank name), count or size, and notes how many.

    Returns
    -------
    UnitRanking

    Raises
    ------
    DataError, TooFewData
        Negative or fractional counts, a count above its size, exposure that is not above zero, text for numbers, rows
        without a unit, fewer than two units or more than 5,000, no event at all, too few draws.

    Notes
    -----
    Rates are Gamma(mb, b) over units, so that of a unit with y events in t is Gamma(:math:`mb+y`, :math:`b+t`);
    proportions are Beta(mM, (1 - m)M), that of y in n Beta(:math:`mM+y`, :math:`(1-m)M+n-y`). (m, b) or (m, M) are not
    estimated but integrated over, weighted by the likelihood of all units: shrinkage :math:`b/(b+\tilde t)` or
    :math:`M/(M+\tilde n)` of a unit of median size uniform on (0, 1), log m or logit m flat. So it stands in the ranks
    that the spread between units is itself uncertain; with one estimate of it taken as exact they are too sure. Levels
    and their intervals are those of the mixture; ranks are counted in joint draws. The reliability of the ranking is
    the variance of the mean ranks over that of k ranks, :math:`(k^2-1)/12`. Units all alike still get a ranking: it
    then has a reliability near zero and the note ``"ranks-noise"`` (below one half). Simulated with 20 units of about
    15 events whose rates differ by 20 % (standard deviation): 90 % rank intervals hold the true rank in 96 %, as ranks
    are whole numbers; 90 % intervals of levels hold the true rate in 87 %.

    References
    ----------
    Laird & Louis (1989), Journal of Educational Statistics 14, 29-46 (posterior mean ranks). Goldstein & Spiegelhalter
    (1996), JRSS A 159, 385-443 (league tables, intervals of ranks). Christiansen & Morris (1997), JASA 92, 618-632
    (uniform shrinkage prior).

    Examples
    --------
    Depot B has the worst rate, on 40 orders; A's is hardly better and rests on 4,000:

    >>> from qstats import rank_units
    >>> late, orders = [104, 3, 41, 38, 19, 52], [4000, 40, 2100, 2500, 1100, 2600]
    >>> r = rank_units(late, size=orders, unit=list("ABCDEF"), rng=1)
    >>> r.units[-1], bool(r.established[r.units.index("B")])
    ('A', False)
    """
    check_choice(better, "better", ("lower", "higher"))
    confidence = check_confidence(confidence)
    draws = _draws_wanted(draws, confidence)
    generator = as_generator(rng)
    found = read_units(data, count, size, exposure, unit, missing)
    _check_units(found)
    return _ranked(found, better, confidence, draws, generator)


def _ranked(found: UnitCounts, better: str, confidence: float, draws: int, rng: np.random.Generator) -> UnitRanking:
    k, sign = len(found.names), 1.0 if better == "lower" else -1.0
    model, per = _model(found)
    cells, fine = model.cells()
    level = model.mean(cells) / per
    raw = found.count / found.size
    order = np.lexsort((np.array(found.names), sign * raw, sign * level))
    counts = rank_counts(model, cells, k, draws, rng, sign)[order]
    rank_low, rank_high = _rank_limits(counts, draws, confidence)
    raw_rank = _raw_ranks(raw, sign)[order]
    mean_rank = counts @ np.arange(1.0, k + 1.0) / draws
    reliability = float(np.var(mean_rank) * 12.0 / (k * k - 1.0))
    overall, spread, within = _family(model, fine, confidence)
    holds = (rank_low <= raw_rank) & (raw_rank <= rank_high)
    family = "gamma-Poisson" if found.kind == "rate" else "beta-binomial"
    worst = k - math.ceil(k / 5)
    count, size = found.count[order], found.size[order]
    return UnitRanking(
        units=tuple(found.names[i] for i in order),
        count=frozen_array(count),
        size=frozen_array(size),
        raw=frozen_array(count / size),
        level=frozen_array(level[order]),
        interval=_levels(model, cells, found, per, confidence, order),
        raw_rank=frozen_array(raw_rank),
        mean_rank=frozen_array(mean_rank),
        rank_low=frozen_array(rank_low, np.int64),
        rank_high=frozen_array(rank_high, np.int64),
        prob_best=frozen_array(counts[:, 0] / draws),
        prob_worst=frozen_array(counts[:, -1] / draws),
        prob_worst_fifth=frozen_array(counts[:, worst:].sum(axis=1) / draws),
        established=frozen_array(holds & (rank_high - rank_low + 1 <= 0.5 * k), np.bool_),
        reliability=reliability,
        overall=overall / per,
        spread=spread,
        spread_interval=within,
        kind=found.kind,
        better=better,
        confidence=confidence,
        draws=draws,
        method=f"{family}, prior integrated",
        reference=_REFERENCE,
        notes=_remarks(found, reliability),
    )


def _family(model: Units, fine: Cells, confidence: float) -> tuple[float, float, Interval]:
    """Return the common level, and the relative spread between units with its interval."""
    mean, spread = model.shape(fine)
    tail = 0.5 * (1.0 - confidence)
    low, middle, high = (weighted_quantile(spread, fine.weight, p) for p in (tail, 0.5, 1.0 - tail))
    return float(fine.weight @ mean), middle, Interval(low, high, confidence)


def _levels(
    model: Units, cells: Cells, found: UnitCounts, per: float, confidence: float, order: npt.NDArray[np.intp]
) -> Intervals:
    limits = level_limits(model, cells, len(found.names), confidence)
    low, high = (np.exp(v) / per if found.kind == "rate" else scipy.special.expit(v) for v in limits)
    return Intervals(frozen_array(low[order]), frozen_array(high[order]), confidence)
