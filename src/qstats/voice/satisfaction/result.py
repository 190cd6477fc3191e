"""Results of satisfaction and effort: one score, by segment, many questions, and two groups compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.inference.comparison import Comparison

__all__ = ["BatteryTable", "Satisfaction", "SatisfactionComparison", "SegmentTable"]


def _percent(x: float, low: float, high: float) -> str:
    return f"{x:.1%} ({low:.1%}, {high:.1%})"


@dataclass(frozen=True, slots=True, eq=False)
class Satisfaction(Result):
    """Share of satisfied customers (or of those who found it easy) and the mean, each with its interval.

    Parameters
    ----------
    metric : {"CSAT", "CES"}
    estimate : float
        Top-box share, 0 to 1 (weighted where weights were given).
    interval : Interval
        Of that share.
    mean : float
        Mean score, in points of the scale.
    mean_interval : Interval
    n, top : float
        Answers, and those in the top boxes; unweighted.
    distribution : tuple of float
        Answers on each level of the scale, lowest first, unweighted.
    shares : tuple of float
        Share of each level, weighted; they add up to 1.
    scale : tuple of int
        Lowest and highest answer allowed.
    boxes : tuple of int
        Levels that count as satisfied (easy).
    direction : {"higher", "lower"}
        Which end of the scale is the good one.
    n_eff, deff : float
        Answers of a simple random sample that would give as precise a share, and n over it.
    df : float or None
        Degrees of freedom of a weighted sample.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.satisfaction/1"

    metric: str
    estimate: float
    interval: Interval
    mean: float
    mean_interval: Interval
    n: float
    top: float
    distribution: tuple[float, ...]
    shares: tuple[float, ...]
    scale: tuple[int, int]
    boxes: tuple[int, ...]
    direction: str
    n_eff: float
    deff: float
    df: float | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the summary."""
        return "Customer satisfaction (CSAT)" if self.metric == "CSAT" else "Customer effort (CES)"

    def _rows(self) -> list[tuple[str, str]]:
        levels = range(self.scale[0], self.scale[1] + 1)
        boxes = f"{self.boxes[0]} to {self.boxes[-1]}" if len(self.boxes) > 1 else f"{self.boxes[0]}"
        rows = [
            (f"answers {boxes}", _percent(self.estimate, self.interval.low, self.interval.high)),
            ("mean", f"{self.mean:.3f} ({self.mean_interval.low:.3f}, {self.mean_interval.high:.3f})"),
            ("confidence of each interval", f"{self.interval.confidence:.0%}"),
            ("distribution", ", ".join(f"{a}: {p:.1%}" for a, p in zip(levels, self.shares, strict=True))),
            ("answers", f"{self.n:g}"),
        ]
        if self.df is not None:
            rows.append(("effective answers", f"{self.n_eff:.4g} (design effect {self.deff:.3g})"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "metric": [self.metric],
            "share": [self.estimate],
            "low": [self.interval.low],
            "high": [self.interval.high],
            "mean": [self.mean],
            "mean_low": [self.mean_interval.low],
            "mean_high": [self.mean_interval.high],
            "confidence": [self.interval.confidence],
            "n": [self.n],
            "top": [self.top],
            "n_eff": [self.n_eff],
            "method": [self.method],
        }


@dataclass(frozen=True, slots=True, eq=False)
class SegmentTable(Result):
    """Satisfaction of each segment (touchpoint, branch): against the rest, shrunk, and with the ranks it may have.

    All arrays have shape (k,), one entry per segment.

    Parameters
    ----------
    segments : tuple of str
        In the order of their labels; ``"(missing)"`` last.
    estimate : ndarray
        Top-box share.
    interval : Intervals
        Each with its own confidence.
    mean : ndarray
    mean_interval : Intervals
    n, top : ndarray
        Unweighted.
    difference : ndarray
        Share less that of all other segments together.
    difference_interval : Intervals
    pvalue, adjusted : ndarray
        Of that difference, two-sided: by itself, and after `adjust`, the search through all segments included.
    shrunk : ndarray
        Best guess of each true share: small segments are drawn to the common level, because a league table of raw
        shares ranks chance first.
    shrunk_interval : Intervals
        Posterior, equal-tailed.
    rank_low, rank_high : ndarray
        Best and worst rank (1: highest share) each segment may have; all at once with the confidence of `interval`.
    correlation : float
        Of two answers from one segment: how much segments differ (0: not at all).
    total : Satisfaction
    adjust : str
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.segment-table/1"

    segments: tuple[str, ...]
    estimate: FloatArray
    interval: Intervals
    mean: FloatArray
    mean_interval: Intervals
    n: FloatArray
    top: FloatArray
    difference: FloatArray
    difference_interval: Intervals
    pvalue: FloatArray
    adjusted: FloatArray
    shrunk: FloatArray
    shrunk_interval: Intervals
    rank_low: FloatArray
    rank_high: FloatArray
    correlation: float
    total: Satisfaction
    adjust: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the summary."""
        return f"{self.total.title} by segment"

    def __len__(self) -> int:
        return self.estimate.size

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (
                name,
                f"{_percent(self.estimate[i], self.interval.low[i], self.interval.high[i])}  mean {self.mean[i]:.2f}  "
                f"n {self.n[i]:g}  against the rest p {self.adjusted[i]:.3g} ({self.adjust})  "
                f"shrunk {self.shrunk[i]:.1%}  rank {self.rank_low[i]:.0f} to {self.rank_high[i]:.0f}",
            )
            for i, name in enumerate(self.segments)
        ]
        t = self.total
        rows.append(("all", f"{_percent(t.estimate, t.interval.low, t.interval.high)}  mean {t.mean:.2f}  n {t.n:g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "segment": list(self.segments),
            "n": self.n,
            "top": self.top,
            "share": self.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "mean": self.mean,
            "mean_low": self.mean_interval.low,
            "mean_high": self.mean_interval.high,
            "difference": self.difference,
            "difference_low": self.difference_interval.low,
            "difference_high": self.difference_interval.high,
            "pvalue": self.pvalue,
            "adjusted": self.adjusted,
            "shrunk": self.shrunk,
            "shrunk_low": self.shrunk_interval.low,
            "shrunk_high": self.shrunk_interval.high,
            "rank_low": self.rank_low,
            "rank_high": self.rank_high,
        }


@dataclass(frozen=True, slots=True, eq=False)
class BatteryTable(Result):
    """Many questions by segment, one row each; all arrays have shape (rows,), items outermost.

    Parameters
    ----------
    item, segment : tuple of str
        Segment is ``"(all)"`` in a table without segments.
    n, missing : ndarray
        Answers on the scale, and rows without one (empty, or a code of ``blank=``).
    estimate : ndarray
        Top-box share. NaN where there is no answer, with the note ``"no-answers"``; its interval is then (0, 1).
    interval : Intervals
    mean : ndarray
    mean_interval : Intervals
    difference : ndarray or None
        Share less that of all other segments for the same item; None in a table without segments.
    difference_interval : Intervals or None
    pvalue, adjusted : ndarray or None
        Two-sided; adjusted over all items and segments together. 1 where there is nothing to compare.
    adjust : str or None
    scale : tuple of int
    boxes : tuple of int
        Levels that count as satisfied.
    overall : BatteryTable or None
        The items over all segments.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.battery-table/1"
    title: ClassVar[str] = "Satisfaction by question and segment"

    item: tuple[str, ...]
    segment: tuple[str, ...]
    n: FloatArray
    missing: FloatArray
    estimate: FloatArray
    interval: Intervals
    mean: FloatArray
    mean_interval: Intervals
    difference: FloatArray | None
    difference_interval: Intervals | None
    pvalue: FloatArray | None
    adjusted: FloatArray | None
    adjust: str | None
    scale: tuple[int, int]
    boxes: tuple[int, ...]
    overall: BatteryTable | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.estimate.size

    def _rows(self) -> list[tuple[str, str]]:
        several = self.adjusted is not None
        rows = []
        for i, (name, part) in enumerate(zip(self.item, self.segment, strict=True)):
            share = _percent(self.estimate[i], self.interval.low[i], self.interval.high[i])
            text = f"{share}  mean {self.mean[i]:.2f}  n {self.n[i]:g}, missing {self.missing[i]:g}"
            if self.adjusted is not None:
                text += f"  against the rest p {self.adjusted[i]:.3g} ({self.adjust})"
            rows.append((f"{name} / {part}" if several else name, text))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        columns: dict[str, object] = {
            "item": list(self.item),
            "segment": list(self.segment),
            "n": self.n,
            "missing": self.missing,
            "share": self.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "mean": self.mean,
            "mean_low": self.mean_interval.low,
            "mean_high": self.mean_interval.high,
        }
        if self.difference_interval is not None:
            columns |= {
                "difference": self.difference,
                "difference_low": self.difference_interval.low,
                "difference_high": self.difference_interval.high,
                "pvalue": self.pvalue,
                "adjusted": self.adjusted,
            }
        return columns


@dataclass(frozen=True, slots=True, eq=False)
class SatisfactionComparison(Comparison):
    """Two groups or waves: the effect asked for in the fields of `Comparison`, and all effects side by side.

    Parameters
    ----------
    top : Comparison
        Difference of top-box shares (Miettinen & Nurminen).
    mean : Comparison
        Difference of mean scores (Welch), in points of the scale.
    superiority : Comparison or None
        Probability that an answer of the group is better than one of the reference group (Brunner-Munzel); None with
        weights.
    metric : {"CSAT", "CES"}
    """

    schema: ClassVar[str] = "qstats.satisfaction-comparison/1"

    # Defaults only because those of the base class have some: every field is always given.
    top: Comparison | None = None
    mean: Comparison | None = None
    superiority: Comparison | None = None
    metric: str = "CSAT"

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the summary."""
        return f"{self.metric} of two groups"

    def _parts(self) -> list[Comparison]:
        return [c for c in (self.top, self.mean, self.superiority) if c is not None]

    def _rows(self) -> list[tuple[str, str]]:
        names = {"difference": "difference of shares", "mean_difference": "difference of means"}
        rows = [
            (
                names.get(c.effect, "P(better) + P(equal)/2"),
                f"{c.estimate:.4g} {c.interval}  p {c.pvalue:.4g} ({c.alternative}, against {c.null:g})",
            )
            for c in self._parts()
        ]
        rows.append(("confidence of each interval", f"{self.interval.confidence:.0%}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        parts = self._parts()
        return {
            "effect": [c.effect for c in parts],
            "estimate": [c.estimate for c in parts],
            "low": [c.interval.low for c in parts],
            "high": [c.interval.high for c in parts],
            "confidence": [c.interval.confidence for c in parts],
            "pvalue": [c.pvalue for c in parts],
            "alternative": [c.alternative for c in parts],
            "null": [c.null for c in parts],
            "method": [c.method for c in parts],
        }
