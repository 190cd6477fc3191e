"""Is the process stable? The control chart on the same data, before any index is believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import BoolArray
from qstats._core.bias import c4
from qstats._core.blocks import everywhere
from qstats._core.quantiles import chi2_sf
from qstats._core.result import FrozenMapping, Result
from qstats.capability.sample import Sample
from qstats.spc.build import Span
from qstats.spc.charts.individuals import TYPES as INDIVIDUALS
from qstats.spc.charts.subgroup_fit import dispersion_stretch, mean_stretch, points_of
from qstats.spc.kernels.screening import alarm_rate, range_alarm_rate
from qstats.spc.limits import ControlLimits
from qstats.spc.points import Points
from qstats.spc.rules import BEYOND_LIMITS, RuleSet
from qstats.spc.rules.engine import find
from qstats.spc.stretch import Stretch

__all__ = ["Stability", "check_stability"]

_NSIGMA = 3.0
_CLUSTERS = 2.0  # signals of run rules come in clusters: their number scatters about twice as much as Poisson counts


@dataclass(frozen=True, slots=True, eq=False)
class Stability(Result):
    """What the control chart says of the data an index is made of.

    Parameters
    ----------
    chart : str
        ``"xbar_s"`` or ``"individuals"``, with the mean and the sigma within that the indices use.
    rules : str
        Rule set of the main panel; on the spreads only points beyond the limits count.
    points : int
        Points judged on the main panel.
    signals : mapping of str to int
        Signals of each panel, as the chart lists them.
    beyond : mapping of str to int
        Points beyond the control limits of each panel.
    expected : float
        Signals of both panels that a stable normal process of this length is expected to give by chance.
    first : int or None
        Position of the first signal of any panel.
    """

    schema: ClassVar[str] = "qstats.stability/1"
    title: ClassVar[str] = "Stability"

    chart: str
    rules: str
    points: int
    signals: FrozenMapping[str, int]
    beyond: FrozenMapping[str, int]
    expected: float
    first: int | None

    @property
    def total(self) -> int:
        """Signals of all panels."""
        return sum(self.signals.values())

    @property
    def in_control(self) -> bool:
        """Whether there is no signal at all, as on the chart."""
        return self.total == 0

    @property
    def demonstrated(self) -> bool:
        """Whether there are no more signals than chance gives: none, or up to expected + 3 sqrt(2 * expected).

        A hundred thousand stable subgroups never go without a false alarm; run rules signal in clusters, hence the 2.
        """
        if self.rules == "none":
            return False
        return self.total <= self.expected + 3.0 * math.sqrt(_CLUSTERS * self.expected) if self.total else True

    @property
    def share_beyond(self) -> Mapping[str, float]:
        """Share of the points beyond the control limits, by panel."""
        return FrozenMapping({name: hits / max(self.points, 1) for name, hits in self.beyond.items()})

    def _rows(self) -> list[tuple[str, str]]:
        said = "not judged" if self.rules == "none" else "not stable"
        if self.demonstrated:
            said = "stable: no signal" if self.in_control else f"{_signals(self.total)}, no more than chance may give"
        found = ", ".join(f"{name}: {count}" for name, count in self.signals.items())
        return [
            ("process", said),
            ("chart, rules", f"{self.chart}, {self.rules}"),
            ("signals", f"{found} (by chance alone about {self.expected:.3g})"),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "panel": list(self.signals),
            "signals": list(self.signals.values()),
            "beyond": list(self.beyond.values()),
            "points": [self.points] * len(self.signals),
        }


def _signals(count: int) -> str:
    return f"{count} signal" if count == 1 else f"{count} signals"


def check_stability(sample: Sample, sigma: float, rules: RuleSet) -> Stability:
    """Return the signals of the chart with the sample's mean and `sigma`, without making the chart."""
    stretches = _of_subgroups(sample, sigma) if sample.stats is not None else _of_singles(sample, sigma)
    chart = "xbar_s" if sample.stats is not None else "individuals"
    points = sample.n if sample.stats is None else sample.filled
    main = tuple(r for r in rules.rules if not r.chart_level)
    single = tuple(r for r in main if r.kind == "beyond" and r.m == 1)
    signals, beyond, first = {}, {}, []
    for at, (panel, (stretch, broken)) in enumerate(stretches.items()):
        applied = single if at else main
        looked = applied if BEYOND_LIMITS in applied else (*applied, BEYOND_LIMITS)
        found = find(looked, stretch, broken)
        signals[panel] = sum(hits.size for hits in found[: len(applied)])
        beyond[panel] = found[looked.index(BEYOND_LIMITS)].size
        first += [int(hits[0]) for hits in found[: len(applied)] if hits.size]
    expected = sum(max(points - r.m + 1, 0) * alarm_rate(r, _NSIGMA) for r in main)
    expected += _spread_alarms(sample) if single else 0.0
    return Stability(
        chart, rules.name, points, FrozenMapping(signals), FrozenMapping(beyond), expected, min(first, default=None)
    )


def _spread_alarms(sample: Sample) -> float:
    """Return how many ranges or standard deviations a stable normal process has beyond their limits."""
    if sample.stats is None:
        assert sample.ranges is not None
        return float(np.count_nonzero(sample.ranges == sample.ranges)) * range_alarm_rate(_NSIGMA)
    if sample.size:
        return sample.filled * _std_alarm(sample.size) if sample.size > 1 else 0.0
    sizes = dict(enumerate(np.bincount(sample.stats.n.astype(np.int64)).tolist()))
    return float(sum(count * _std_alarm(size) for size, count in sizes.items() if size > 1 and count))


def _std_alarm(n: int) -> float:
    mean = c4(n)
    reach = _NSIGMA * math.sqrt(1.0 - mean * mean)
    high, low = mean + reach, max(mean - reach, 0.0)
    return float(chi2_sf((n - 1) * high * high, n - 1)) + 1.0 - float(chi2_sf((n - 1) * low * low, n - 1))


_Panels = dict[str, tuple[Stretch, BoolArray | None]]


def _of_subgroups(sample: Sample, sigma: float) -> _Panels:
    stats = sample.stats
    assert stats is not None
    points = points_of(stats, "std")
    limits = ControlLimits("xbar_s", sample.mean, sigma, _NSIGMA, "", stats.n.size, "capability")
    span = Span(points, 0, stats.n.size, limits)
    broken = None if sample.filled == stats.n.size else stats.n == 0.0
    return {"xbar": (mean_stretch(span), broken), "std": (dispersion_stretch(span, "std", sigma), broken)}


def _of_singles(sample: Sample, sigma: float) -> _Panels:
    series = sample.series
    assert series is not None
    limits = ControlLimits("individuals", sample.mean, sigma, _NSIGMA, "", series.size, "capability")
    broken = None if series.size == sample.n else np.isnan(series)
    points = Points({"value": series}, everywhere(1.0, series.size))
    drawn = INDIVIDUALS["individuals"].draw(Span(points, 0, series.size, limits, broken))
    return {name: (stretch, broken) for name, stretch in drawn.stretches.items()}
