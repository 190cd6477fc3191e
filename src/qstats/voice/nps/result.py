"""Results of the Net Promoter Score: one, many at once, by segment, and tests that give a p-value only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["Nps", "NpsMany", "NpsTable", "NpsTest"]


@dataclass(frozen=True, slots=True, eq=False)
class Nps(Result):
    """Net Promoter Score in points, -100 to 100, with its interval.

    Parameters
    ----------
    estimate : float
        Share of promoters less share of detractors, times 100 (weighted shares where weights were given).
    interval : Interval
        In points.
    pvalue : float
        Against `null`; below ``1 - confidence`` exactly when `null` lies outside `interval`.
    alternative : {"two-sided", "less", "greater"}
    null : float
        In points.
    statistic : float or None
        Test statistic, where the method has one.
    n : float
        Answers counted.
    detractors, passives, promoters : float
        Answers 0 to 6, 7 and 8, 9 and 10, unweighted.
    shares : tuple of float
        Of detractors, passives and promoters, weighted; they add up to 1.
    distribution : tuple of float or None
        Answers 0, 1, ..., 10, unweighted; None where only the three classes were counted.
    method, reference : str
    notes : tuple of Note
    n_eff : float
        Answers of a simple random sample that would be as precise, with a bound (see `nps`); `n` for a plain sample.
    deff : float
        Variance over that of a simple random sample of `n`, as the design shows it, without the bound.
    df : float or None
        Degrees of freedom of a survey design; None for a plain sample (normal).
    resamples : int or None
    """

    schema: ClassVar[str] = "qstats.nps/1"
    title: ClassVar[str] = "Net Promoter Score"

    estimate: float
    interval: Interval
    pvalue: float
    alternative: str
    null: float
    statistic: float | None
    n: float
    detractors: float
    passives: float
    promoters: float
    shares: tuple[float, float, float]
    distribution: tuple[float, ...] | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()
    n_eff: float = 0.0
    deff: float = 1.0
    df: float | None = None
    resamples: int | None = None

    def _rows(self) -> list[tuple[str, str]]:
        low, mid, high = self.shares
        rows = [
            ("NPS (points)", f"{self.estimate:.1f}"),
            (f"{self.interval.confidence:.0%} interval", f"({self.interval.low:.1f}, {self.interval.high:.1f})"),
            (f"p-value ({self.alternative}, against {self.null:g})", f"{self.pvalue:.4g}"),
            ("detractors, passives, promoters", f"{low:.1%}, {mid:.1%}, {high:.1%}"),
            ("answers", f"{self.n:g}"),
        ]
        if self.df is not None:
            rows.append(("effective answers", f"{self.n_eff:.4g} (design effect {self.deff:.3g}, df {self.df:g})"))
        if self.resamples is not None:
            rows.append(("resamples", f"{self.resamples}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "nps": [self.estimate],
            "low": [self.interval.low],
            "high": [self.interval.high],
            "confidence": [self.interval.confidence],
            "pvalue": [self.pvalue],
            "n": [self.n],
            "detractors": [self.detractors],
            "passives": [self.passives],
            "promoters": [self.promoters],
            "n_eff": [self.n_eff],
            "method": [self.method],
        }


@dataclass(frozen=True, slots=True, eq=False)
class NpsMany(Result):
    """Many scores made in one call; the same words as `Nps`, arrays of shape (m,) in place of numbers.

    Parameters
    ----------
    estimate : ndarray
        Points.
    interval : Intervals
        Points; each with its own confidence, not all together.
    pvalue : ndarray
        Each against `null`, not adjusted: see `adjust_pvalues`.
    alternative : {"two-sided", "less", "greater"}
    null : float
    n, detractors, passives, promoters : ndarray
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.nps-many/1"
    title: ClassVar[str] = "Net Promoter Scores"

    estimate: FloatArray
    interval: Intervals
    pvalue: FloatArray
    alternative: str
    null: float
    n: FloatArray
    detractors: FloatArray
    passives: FloatArray
    promoters: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.estimate.size

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("scores", f"{len(self)}"),
            ("lowest, highest NPS", f"{self.estimate.min():.1f}, {self.estimate.max():.1f}"),
            ("confidence of each interval", f"{self.interval.confidence:.0%}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "nps": self.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "pvalue": self.pvalue,
            "n": self.n,
            "detractors": self.detractors,
            "passives": self.passives,
            "promoters": self.promoters,
        }


@dataclass(frozen=True, slots=True, eq=False)
class NpsTable(Result):
    """Net Promoter Score of each segment, against the rest, and shrunk towards the common mean.

    Parameters
    ----------
    segments : tuple of str
        In the order of their labels; ``"(missing)"`` last.
    estimate : ndarray, shape (k,)
        Points.
    interval : Intervals
        Points; each with its own confidence.
    n, detractors, passives, promoters : ndarray, shape (k,)
        Unweighted answers.
    difference : ndarray, shape (k,)
        Points over all other segments together.
    pvalue : ndarray, shape (k,)
        Of that difference, two-sided, by itself.
    adjusted : ndarray, shape (k,)
        The same after Holm: below ``1 - confidence`` is evidence that this segment differs, the search included.
    shrunk : ndarray, shape (k,)
        Best guess of each true score: small segments are drawn to the mean, because a league table of raw scores ranks
        chance first.
    spread : float
        Standard deviation of the true scores between segments, points.
    total : Nps
        All segments together.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.nps-table/1"
    title: ClassVar[str] = "Net Promoter Score by segment"

    segments: tuple[str, ...]
    estimate: FloatArray
    interval: Intervals
    n: FloatArray
    detractors: FloatArray
    passives: FloatArray
    promoters: FloatArray
    difference: FloatArray
    pvalue: FloatArray
    adjusted: FloatArray
    shrunk: FloatArray
    spread: float
    total: Nps
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.estimate.size

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (
                name,
                f"{self.estimate[i]:.1f} ({self.interval.low[i]:.1f}, {self.interval.high[i]:.1f})  n {self.n[i]:g}  "
                f"against the rest p {self.adjusted[i]:.3g} (Holm)  shrunk {self.shrunk[i]:.1f}",
            )
            for i, name in enumerate(self.segments)
        ]
        total = f"{self.total.estimate:.1f} ({self.total.interval.low:.1f}, {self.total.interval.high:.1f})"
        return [*rows, ("all", total), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "segment": list(self.segments),
            "nps": self.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "n": self.n,
            "detractors": self.detractors,
            "passives": self.passives,
            "promoters": self.promoters,
            "difference": self.difference,
            "pvalue": self.pvalue,
            "adjusted": self.adjusted,
            "shrunk": self.shrunk,
        }


@dataclass(frozen=True, slots=True, eq=False)
class NpsTest(Result):
    """A randomisation test of NPS: a p-value for "no difference at all", and no interval.

    Parameters
    ----------
    estimate : float
        Difference in points.
    pvalue : float
    alternative : {"two-sided", "less", "greater"}
    n : tuple of float
        Answers in the group and the reference group (pairs: their number).
    resamples : int or None
        Random relabellings; None where all were counted, so that the p-value is exact.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.nps-test/1"
    title: ClassVar[str] = "Randomisation test of NPS"

    estimate: float
    pvalue: float
    alternative: str
    n: tuple[float, ...]
    resamples: int | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        how = "all counted (exact)" if self.resamples is None else f"{self.resamples} at random"
        return [
            ("difference of NPS (points)", f"{self.estimate:.1f}"),
            (f"p-value ({self.alternative})", f"{self.pvalue:.4g}"),
            ("answers", ", ".join(f"{v:g}" for v in self.n)),
            ("relabellings", how),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "estimate": [self.estimate],
            "pvalue": [self.pvalue],
            "alternative": [self.alternative],
            "resamples": [self.resamples],
            "method": [self.method],
        }
