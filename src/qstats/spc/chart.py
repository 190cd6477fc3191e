"""What every control chart returns: panels, signals, limits that can be stored and used again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.spc.labels import LazySequence, phase_ends
from qstats.spc.limits import ControlLimits
from qstats.spc.panel import Panel
from qstats.spc.points import New
from qstats.spc.rules.engine import window_of

if TYPE_CHECKING:
    from qstats.spc.rules import Rule

__all__ = ["ControlChart", "ControlLimits", "Panel", "Signal", "SignalList", "signal_at"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One run rule that fired at one point.

    Parameters
    ----------
    panel : str
        Name of the panel.
    index : int or None
        Position of the point that completes the pattern, counted from 0; None: the signal is about the whole phase.
    label : str
        That point's label; empty for the whole phase.
    rule : str
        Name of the rule.
    window : tuple of int
        Positions of the points the rule looked at, the completing point last.
    """

    panel: str
    index: int | None
    label: str
    rule: str
    window: tuple[int, ...]


class SignalList(LazySequence[Signal]):
    """Very many signals, kept as three numbers each and made when read.

    Parameters
    ----------
    panels : sequence of (Panel, sequence of Rule)
        Panels with the rules applied to each.
    hits : numpy.ndarray of int
        One row per signal, shape (m, 3): panel, position of the completing point, rule.
    labels : sequence of str
        Labels of the points.
    broken : numpy.ndarray of bool or None
        Points that are not judged, shape (n,).
    """

    __slots__ = ("_broken", "_hits", "_labels", "_panels")

    def __init__(
        self,
        panels: Sequence[tuple[Panel, Sequence[Rule]]],
        hits: npt.NDArray[np.intp],
        labels: Sequence[str],
        broken: BoolArray | None = None,
    ) -> None:
        self._panels = tuple(panels)
        self._hits = hits
        self._labels = labels
        self._broken = broken

    def __len__(self) -> int:
        return len(self._hits)

    def _one(self, i: int) -> Signal:
        panel, at, rule = self._hits[i].tolist()
        return signal_at(self._panels, (panel, at, rule), self._labels, self._broken)


def signal_at(
    panels: Sequence[tuple[Panel, Sequence[Rule]]],
    hit: tuple[int, int, int],
    labels: Sequence[str],
    broken: BoolArray | None,
) -> Signal:
    """Return the signal of a hit: panel, position of the completing point, rule."""
    panel, rules = panels[hit[0]]
    at, rule = hit[1], rules[hit[2]]
    if rule.ties != "ignore" and rule.center != "skip":
        window = tuple(range(at - rule.m + 1, at + 1))
    else:
        s = next(s for s in panel.stretches if s.start <= at < s.stop)
        window = window_of(rule, s, at, None if broken is None else broken[s.start : s.stop])
    return Signal(panel.name, at, labels[at], rule.name, window)


@dataclass(frozen=True, slots=True, eq=False)
class ControlChart(Result):
    """A control chart: what was plotted, the limits of each point, and every signal.

    Parameters
    ----------
    kind : str
        ``"individuals"``, ``"p"`` or ``"u"``.
    panels : mapping of str to Panel
        The pictures, the main one first.
    labels : sequence of str
        One label per point: position from 1, or the text of ``order_by``.
    phases : sequence of str
        Phase name of each point; empty text where there are no phases.
    size : numpy.ndarray
        Sample size or exposure of each point, shape (n,); ones on an individuals chart.
    used : numpy.ndarray of bool
        Points the limits rest on, shape (n,).
    signals : sequence of Signal
        Every rule that fired, by panel, then point, then rule.
    rules : str
        Name of the rule set.
    limits_by_phase : tuple of ControlLimits
        Centre and spread of each phase, in order.
    method, reference : str
        Variant computed and where it is described.
    notes : tuple of Note
        Doubtful assumptions, dropped values, few data.
    rule_set : tuple of Rule
        The rules themselves.
    excluded : numpy.ndarray of bool or None
        Points left out of limits and judgement, shape (n,); None where there are none.
    columns : mapping of str to numpy.ndarray
        What was measured, as `extend` needs it: values, counts, subgroup means and ranges.
    """

    schema: ClassVar[str] = "qstats.control_chart/1"
    title: ClassVar[str] = "Control chart"

    kind: str
    panels: Mapping[str, Panel]
    labels: Sequence[str]
    phases: Sequence[str]
    size: FloatArray
    used: BoolArray
    signals: Sequence[Signal]
    rules: str
    limits_by_phase: tuple[ControlLimits, ...]
    method: str
    reference: str
    notes: tuple[Note, ...]
    rule_set: tuple[Rule, ...] = ()
    excluded: BoolArray | None = None
    columns: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def constants(self) -> str:
        """Which unbiasing constants the limits use: ``"exact"`` or ``"table"``."""
        return self.limits.constants

    @property
    def in_control(self) -> bool:
        """Whether no rule fired on any panel."""
        return not self.signals

    @property
    def limits(self) -> ControlLimits:
        """Centre and spread of the last phase: what new data are to be judged by."""
        return self.limits_by_phase[-1]

    def extend(
        self,
        new: object,
        *,
        size: object = None,
        by: object = None,
        target: object = None,
        labels: object = None,
        missing: str = "raise",
    ) -> ControlChart:
        """Return the chart with later points added; the limits of the old points do not move.

        Parameters
        ----------
        new : array-like
            Later data in order, in the form the chart was made from: values, counts, subgroups (rows of a 2-D array),
            vectors. They belong to the last phase.
        size : array-like or float, optional
            Sample size or exposure of each new point; wanted for p and u charts, refused where a chart has none.
        by : array-like, optional
            What the chart's own `by` or `part` gave, for the new data.
        target : array-like or float, optional
            Target of each new point, where the chart has one per point.
        labels : array-like, optional
            One label per new point; wanted where the chart's points have names.
        missing : {"raise", "drop"}
            What a missing value does, as in the chart's own call.

        Returns
        -------
        ControlChart
            Runs, moving ranges and memory statistics continue over the join.

        Raises
        ------
        DataError
            The new data are of another kind than the chart's, or labels are lacking.
        """
        from qstats.spc.build import extend_chart

        return extend_chart(self, New(new, size, by, target, missing), labels)

    def explain(self, lang: str = "en") -> str:
        """Return the chart in words: what fired, where, how often that happens on a stable process, by which rules.

        Parameters
        ----------
        lang : {"en", "zh"}
        """
        from qstats.spc.explain import explain

        return explain(self, lang)

    def _main(self) -> Panel:
        return next(iter(self.panels.values()))

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("chart", self.kind), ("points", str(len(self.labels))), ("rules", self.rules)]
        main = self._main()
        for limits, end in zip(self.limits_by_phase, phase_ends(self.phases), strict=True):
            spread = _spread(float(main.lower[end - 1]), float(main.upper[end - 1]))
            varying = "" if limits.sigma is not None else " at the last point"
            text = f"centre {limits.center:.6g}, {spread}{varying}, from {limits.n} points"
            rows.append((f"limits {limits.phase}".strip(), text))
        rows.append(("in control", "yes" if self.in_control else f"no: {len(self.signals)} signals"))
        rows += [("signal", f"{s.panel} at {s.label or 'no single point'}: {s.rule}") for s in self.signals[:10]]
        if len(self.signals) > 10:
            rows.append(("signal", f"... and {len(self.signals) - 10} more"))
        return [*rows, ("method", self.method), ("reference", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        fired: dict[str, dict[int, list[str]]] = {name: {} for name in self.panels}
        for s in self.signals:
            if s.index is not None:
                fired[s.panel].setdefault(s.index, []).append(s.rule)
        out: dict[str, object] = {"label": list(self.labels), "phase": list(self.phases)}
        for k, (name, panel) in enumerate(self.panels.items()):
            before = "" if k == 0 else name + "_"
            out["statistic" if k == 0 else name] = panel.statistic
            out[before + "center"] = panel.center
            out[before + "lower"] = panel.lower
            out[before + "upper"] = panel.upper
            out[before + "signal"] = ["; ".join(fired[name].get(i, ())) for i in range(len(self.labels))]
            if k == 0:
                out["size"] = self.size
                out["used"] = self.used
        whole = [s.rule for s in self.signals if s.index is None]
        if whole:  # a table has no other place for what concerns no single point
            out["chart_signal"] = ["; ".join(dict.fromkeys(whole))] * len(self.labels)
        return out


def _spread(lower: float, upper: float) -> str:
    if math.isnan(lower) and math.isnan(upper):
        return "no limits"
    if math.isnan(lower) or math.isnan(upper):
        return f"lower limit {lower:.6g}" if math.isnan(upper) else f"upper limit {upper:.6g}"
    return f"{lower:.6g} to {upper:.6g}"
