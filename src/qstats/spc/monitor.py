"""Watch a process point by point against stored limits: the signals of the batch chart, at constant cost per point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray
from qstats._core.result import json_safe
from qstats.errors import DataError
from qstats.spc.build import Carry, Span, rules_of_panels, type_of
from qstats.spc.chart import ControlChart, Signal
from qstats.spc.labels import phase_ends
from qstats.spc.limits import ControlLimits
from qstats.spc.points import New, Points, joined
from qstats.spc.rules import Rule, RuleSet, rule_set
from qstats.spc.rules.engine import find, window_of

__all__ = ["Monitor", "monitor"]

_SCHEMA = "qstats.monitor/1"
_LONGEST = 4096  # points kept at most, where a rule skips points on the centre line and the process sits there


class Monitor:
    """A running chart: give it one point after another, it returns what fired.

    Made by `monitor`. `update` takes the next point, `state` gives all there is to know as JSON-safe values, and
    `Monitor.from_dict` goes on from there, in another process if need be. Each update costs the same however long the
    monitor has run.

    Attributes
    ----------
    limits : ControlLimits
        What the points are judged by.
    rules : RuleSet
        Rules applied.
    n : int
        Points seen so far, those of the chart it was made from included.
    """

    __slots__ = ("_broken", "_carry", "_points", "limits", "n", "rules")

    def __init__(self, limits: ControlLimits, rules: RuleSet) -> None:
        chart_level = [rule.name for rule in rules.rules if rule.chart_level]
        if chart_level:
            raise DataError(f"rules: {chart_level[0]!r} judges a whole chart, not the next point; leave it out")
        type_of(limits.kind)
        self.limits = limits
        self.rules = rules
        self.n = 0
        self._points: Points | None = None
        self._broken: BoolArray = np.zeros(0, dtype=np.bool_)
        self._carry: Carry | None = None

    def __repr__(self) -> str:
        return f"Monitor({self.limits.kind}, rules={self.rules.name!r}, {self.n} points)"

    def update(
        self,
        x: object,
        *,
        size: object = None,
        by: object = None,
        target: object = None,
        label: str | None = None,
        exclude: bool = False,
    ) -> tuple[Signal, ...]:
        """Judge the next point and return the signals it completes.

        Parameters
        ----------
        x : float, sequence or None
            The next value or count; a sequence for a subgroup or a vector of characteristics. None or NaN is a gap:
            it is counted, and runs and moving ranges start anew after it.
        size : float, optional
            Sample size or exposure, for charts that have one.
        by : object, optional
            What the chart's `part` gives for this point (short runs).
        target : float, optional
            Target of this point, where the limits have one per point.
        label : str, optional
            Name of the point in its signals; its number from 1 otherwise.
        exclude : bool
            A point with a known special cause: counted, not judged; runs start anew after it.

        Returns
        -------
        tuple of Signal
            Empty where nothing fired. Panels and rules in the order of the batch chart.

        Raises
        ------
        DataError
            The point is of another kind than the limits.
        """
        if _is_gap(x):
            return self._gap()
        later = New([x], size=_one(size), by=_one(by), target=_one(target), missing="drop")
        new = type_of(self.limits.kind).measure(later, self.limits)
        gap = bool(np.isnan(new.gaps()[0]))
        return self._judge(new, gap or exclude, label)

    def _gap(self) -> tuple[Signal, ...]:
        """Count a point without a value: runs and moving ranges start anew, a memory does what its chart does."""
        if self._points is None:  # nothing came before that the gap could part from what comes
            self.n += 1
            return ()
        columns = {name: np.full((1, *a.shape[1:]), np.nan) for name, a in self._points.columns.items()}
        return self._judge(Points(columns, self._points.size[-1:]), True, None)

    def _judge(self, new: Points, broken: bool, label: str | None) -> tuple[Signal, ...]:
        kind = type_of(self.limits.kind)
        if kind.recursive or self._points is None:
            self._points, self._broken = new, np.array([broken])
        else:
            self._points = joined(self._points, new)
            self._broken = np.append(self._broken, broken)
        self.n += 1
        length = len(self._points)
        gaps = self._broken if self._broken.any() else None
        drawn = kind.draw(Span(self._points, 0, length, self.limits, gaps, self._carry))
        self._carry = drawn.carry
        out: list[Signal] = []
        offset = self.n - length
        applied = rules_of_panels(kind, self.rules, len(drawn.stretches))
        name = str(self.n) if label is None else label
        for (panel, stretch), rules in zip(drawn.stretches.items(), applied, strict=True):
            for rule, hits in zip(rules, find(rules, stretch, gaps), strict=True):
                if hits.size and hits[-1] == length - 1:
                    window = tuple(offset + i for i in window_of(rule, stretch, length - 1, gaps))
                    out.append(Signal(panel, self.n - 1, name, rule.name, window))
        self._trim(kind.lookback(self.limits))
        return tuple(out)

    def _trim(self, lookback: int) -> None:
        """Forget what no rule and no statistic will look at again."""
        assert self._points is not None
        keep = _depth(self.rules.rules) + lookback
        if _skips(self.rules.rules):
            keep = min(4 * keep + _LONGEST // 4, _LONGEST)
        if len(self._points) > keep:
            self._points = self._points.part(slice(-keep, None))
            self._broken = self._broken[-keep:]

    def state(self) -> dict[str, Any]:
        """Return everything as JSON-safe values; `from_dict` restores it bit for bit."""
        points = None
        if self._points is not None:
            points = {"columns": json_safe(self._points.columns), "size": json_safe(self._points.size)}
        return {
            "schema": _SCHEMA,
            "limits": self.limits.to_dict(),
            "rules": {"name": self.rules.name, "rules": [asdict(rule) for rule in self.rules.rules]},
            "n": self.n,
            "points": points,
            "broken": self._broken.tolist(),
            "carry": None if self._carry is None else [json_safe(part) for part in self._carry],
        }

    to_dict = state

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Monitor:
        """Return the monitor that `state` wrote; refuse anything else."""
        if not isinstance(data, Mapping) or data.get("schema") != _SCHEMA:
            raise DataError(f"data: a monitor's state with schema {_SCHEMA!r} is wanted; pass what state() gave")
        lacking = [k for k in ("limits", "rules", "n", "points", "broken", "carry") if k not in data]
        if lacking:
            raise DataError(f"data: {lacking} are missing from the monitor's state; pass what state() gave")
        try:
            rules = RuleSet(data["rules"]["name"], tuple(Rule(**rule) for rule in data["rules"]["rules"]))
            out = cls(ControlLimits.from_dict(data["limits"]), rules)
            out.n = int(data["n"])
            out._broken = np.array(data["broken"], dtype=np.bool_)
            if data["points"] is not None:
                columns = {name: _array(a) for name, a in data["points"]["columns"].items()}
                out._points = Points(columns, _array(data["points"]["size"]))
                if {len(a) for a in columns.values()} != {len(out._broken)} or len(out._points) != len(out._broken):
                    raise DataError("data: the columns of the monitor's state are of unequal length")
            if data["carry"] is not None:
                out._carry = tuple(_array(a) if isinstance(a, list) else float(a) for a in data["carry"])
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise DataError(f"data: the monitor's state is damaged ({problem}); pass what state() gave") from None
        return out


def _is_gap(x: object) -> bool:
    """Whether nothing was measured: None, NaN, or a subgroup or vector of nothing else."""
    if x is None:
        return True
    if isinstance(x, str | bytes):
        return False
    try:
        values = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return bool(values.size) and bool(np.isnan(values).all())


def _one(value: object) -> object:
    return None if value is None else [value]


def _array(values: Any) -> npt.NDArray[np.float64]:
    """Return what `json_safe` made of an array: null is NaN."""
    return np.array(values, dtype=np.float64)


def _depth(rules: tuple[Rule, ...]) -> int:
    return max((rule.m for rule in rules), default=1)


def _skips(rules: tuple[Rule, ...]) -> bool:
    return any(rule.ties == "ignore" or rule.center == "skip" for rule in rules)


def monitor(limits: object, *, rules: object = None) -> Monitor:
    """Watch a process live: judge each new point against stored limits as it comes.

    For a line, a service desk or a tool that asks "is this point all right?" and cannot wait for the whole chart. The
    signals are those the batch chart gives on the same points. Not for estimating limits: make a chart first.

    Parameters
    ----------
    limits : ControlLimits, dict or ControlChart
        Stored limits: the monitor starts anew. A chart: it goes on after the chart's last point, with the chart's
        rules, and runs carry over.
    rules : str, RuleSet or tuple of Rule, optional
        Rules to apply; the chart's own, or ``"western_electric"`` for stored limits.

    Returns
    -------
    Monitor

    Raises
    ------
    DataError
        The limits are of no known kind, or a rule judges whole charts only.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 5.3.3 (Phase II).

    Examples
    --------
    >>> from qstats import individuals, monitor
    >>> chart = individuals([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    >>> watch = monitor(chart.limits)
    >>> watch.update(50.2), [s.rule for s in watch.update(59.0)]
    ((), ['beyond limits', 'beyond limits'])
    """
    if not isinstance(limits, ControlChart):
        given = limits if isinstance(limits, ControlLimits) else ControlLimits.from_dict(limits)  # type: ignore[arg-type]
        return Monitor(given, rule_set("western_electric" if rules is None else rules))
    chart = limits
    out = Monitor(chart.limits, RuleSet(chart.rules, chart.rule_set) if rules is None else rule_set(rules))
    _go_on(out, chart)
    return out


def _go_on(out: Monitor, chart: ControlChart) -> None:
    """Bring a monitor to the state it would have after the last phase of `chart`."""
    ends = phase_ends(chart.phases)
    start = ends[-2] if len(ends) > 1 else 0
    kind = type_of(chart.kind)
    points = Points(chart.columns, chart.size).part(slice(start, None))
    broken = np.isnan(points.gaps())
    if chart.excluded is not None:
        broken = broken | chart.excluded[start:]
    if kind.recursive:
        gaps = broken if broken.any() else None
        out._carry = kind.draw(Span(points, 0, len(points), chart.limits, gaps)).carry
    out._points, out._broken, out.n = points, broken, len(chart.labels)
    out._trim(kind.lookback(chart.limits))
