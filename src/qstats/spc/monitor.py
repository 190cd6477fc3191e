"""Watch a process point by point against stored limits: the signals of the batch chart, at constant cost per point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray
from qstats._core.result import json_safe
from qstats.errors import DataError
from qstats.spc.build import Carry, Drawn, Span, rules_of_panels, type_of
from qstats.spc.chart import ControlChart, Signal
from qstats.spc.labels import phase_ends
from qstats.spc.limits import ControlLimits
from qstats.spc.points import New, Points, joined
from qstats.spc.rules import Rule, RuleSet, rule_set
from qstats.spc.rules.engine import find, window_of
from qstats.spc.stored import check_stored
from qstats.spc.stretch import Stretch

__all__ = ["Monitor", "monitor"]

_SCHEMA = "qstats.monitor/1"


@dataclass(slots=True, eq=False)
class _Watch:
    """The last points some rules look at: neighbours, or for a rule that passes points over those that count for it.

    Parameters
    ----------
    rules : tuple of Rule
    passing : bool
        Whether the one rule passes points over.
    points : Points or None
    broken : numpy.ndarray of bool
        Gaps and excluded points among them.
    at : numpy.ndarray of int
        Their positions in the whole series.
    """

    rules: tuple[Rule, ...]
    passing: bool
    points: Points | None = None
    broken: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    at: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def with_point(self, new: Points, broken: bool, at: int, *, alone: bool) -> _Watch:
        """Return the watch with one more point (alone: with no other one)."""
        if alone or self.points is None:
            return _Watch(self.rules, self.passing, new, np.array([broken]), np.array([at]))
        points = joined(self.points, new)
        return _Watch(self.rules, self.passing, points, np.append(self.broken, broken), np.append(self.at, at))

    def last(self, keep: int) -> _Watch:
        """Return the watch with the last points only; nothing is looked at beyond them again."""
        if self.points is None or len(self.points) <= keep:
            return self
        where = slice(-keep, None) if keep else slice(0, 0)
        return _Watch(self.rules, self.passing, self.points.part(where), self.broken[where], self.at[where])

    def to_dict(self) -> dict[str, Any]:
        """Return the points as JSON-safe values."""
        points = None
        if self.points is not None:
            points = {"columns": json_safe(self.points.columns), "size": json_safe(self.points.size)}
        return {"points": points, "broken": self.broken.tolist(), "at": self.at.tolist()}

    def restored(self, data: Mapping[str, Any]) -> _Watch:
        """Return the watch with the points that `to_dict` wrote."""
        broken, at = np.array(data["broken"], dtype=np.bool_), np.array(data["at"], dtype=np.int64)
        if data["points"] is None:
            return _Watch(self.rules, self.passing)
        columns = {name: _array(a) for name, a in data["points"]["columns"].items()}
        points = Points(columns, _array(data["points"]["size"]))
        if {len(a) for a in (*columns.values(), broken, at)} != {len(points)}:
            raise DataError("its columns are of unequal length")
        return _Watch(self.rules, self.passing, points, broken, at)


def _watches(rules: RuleSet) -> list[_Watch]:
    """Return one watch for the rules that look at neighbours, and one for each rule that passes points over."""
    passing = [rule for rule in rules.rules if _passes_over(rule)]
    plain = tuple(rule for rule in rules.rules if not _passes_over(rule))
    return [_Watch(plain, False), *(_Watch((rule,), True) for rule in passing)]


def _passes_over(rule: Rule) -> bool:
    return rule.ties == "ignore" or rule.center == "skip"


class Monitor:
    """A running chart: give it one point after another, it returns what fired.

    Made by `monitor`. `update` takes the next point, `state` gives all there is to know as JSON-safe values, and
    `Monitor.from_dict` goes on from there, in another process if need be. Each update costs the same however long the
    monitor has run. A point that is refused leaves the monitor as it was.

    Attributes
    ----------
    limits : ControlLimits
        What the points are judged by.
    rules : RuleSet
        Rules applied.
    n : int
        Points seen so far, those of the chart it was made from included.
    """

    __slots__ = ("_carry", "_watch", "limits", "n", "rules")

    def __init__(self, limits: ControlLimits, rules: RuleSet) -> None:
        chart_level = [rule.name for rule in rules.rules if rule.chart_level]
        if chart_level:
            raise DataError(f"rules: {chart_level[0]!r} judges a whole chart, not the next point; leave it out")
        type_of(limits.kind)
        check_stored(limits)
        self.limits = limits
        self.rules = rules
        self.n = 0
        self._watch = _watches(rules)
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
            Sample size or exposure, for charts that have one; NaN makes the point a gap.
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
        if not isinstance(exclude, bool | np.bool_):
            raise DataError(f"exclude: got {exclude!r}; True or False is wanted")
        name = str(self.n + 1) if label is None else str(label)
        if _is_gap(x) or (size is not None and _is_gap(size)):
            return self._gap()
        later = New([x], size=_one(size), by=_one(by), target=_one(target), missing="drop")
        new = type_of(self.limits.kind).measure(later, self.limits)
        return self._judge(new, bool(np.isnan(new.gaps()[0])) or bool(exclude), name)

    def _gap(self) -> tuple[Signal, ...]:
        """Count a point without a value: runs and moving ranges start anew, a memory does what its chart does."""
        known = self._watch[0].points
        if known is None:  # nothing came before that the gap could part from what comes
            self.n += 1
            return ()
        columns = {name: np.full((1, *a.shape[1:]), np.nan) for name, a in known.columns.items()}
        return self._judge(Points(columns, known.size[-1:]), True, "")

    def _judge(self, new: Points, broken: bool, name: str) -> tuple[Signal, ...]:
        kind = type_of(self.limits.kind)
        depth = max((rule.m for rule in self._watch[0].rules), default=1) + kind.lookback(self.limits)
        grown = self._watch[0].with_point(new, broken, self.n, alone=kind.recursive)
        drawn = self._drawn(grown)
        found = self._neighbours(grown, drawn.stretches, name)
        after = [grown.last(depth)]
        for watch in self._watch[1:]:
            kept, hits = self._passed_over(watch, new, broken, name) if kind.run_rules else (watch, [])
            after.append(kept)
            found += hits
        self._watch, self._carry, self.n = after, drawn.carry, self.n + 1
        order = {rule.name: k for k, rule in enumerate(self.rules.rules)}
        panels = list(drawn.stretches)
        return tuple(sorted(found, key=lambda s: (panels.index(s.panel), order[s.rule])))

    def _drawn(self, watch: _Watch) -> Drawn:
        assert watch.points is not None  # a point has just been added
        gaps = watch.broken if watch.broken.any() else None
        span = Span(watch.points, 0, len(watch.points), self.limits, gaps, self._carry)
        return type_of(self.limits.kind).draw(span)

    def _neighbours(self, watch: _Watch, stretches: Mapping[str, Stretch], name: str) -> list[Signal]:
        """Return the signals of the last point by the rules that look at neighbours."""
        gaps, last, out = (watch.broken if watch.broken.any() else None), len(watch.at) - 1, []
        of_panel = rules_of_panels(type_of(self.limits.kind), RuleSet("plain", watch.rules), len(stretches))
        for (panel, stretch), rules in zip(stretches.items(), of_panel, strict=True):
            for rule, hits in zip(rules, find(rules, stretch, gaps), strict=True):
                if hits.size and hits[-1] == last:
                    window = tuple(int(watch.at[i]) for i in window_of(rule, stretch, last, gaps))
                    out.append(Signal(panel, self.n, name, rule.name, window))
        return out

    def _passed_over(self, watch: _Watch, new: Points, broken: bool, name: str) -> tuple[_Watch, list[Signal]]:
        """Return the watch of a rule that passes points over with one more point, and its signal."""
        if broken:
            return _Watch(watch.rules, True), []
        grown = watch.with_point(new, False, self.n, alone=False)
        panel, stretch = next(iter(self._drawn(grown).stretches.items()))
        (rule,) = watch.rules
        last = len(grown.at) - 1
        if not _counting(rule, stretch, last):
            return watch, []
        hits = find((rule,), stretch)[0]
        kept = grown.last(rule.m)
        if not hits.size or hits[-1] != last:
            return kept, []
        return kept, [Signal(panel, self.n, name, rule.name, tuple(kept.at.tolist()))]

    def state(self) -> dict[str, Any]:
        """Return everything as JSON-safe values; `from_dict` restores it bit for bit."""
        return {
            "schema": _SCHEMA,
            "limits": self.limits.to_dict(),
            "rules": {"name": self.rules.name, "rules": [asdict(rule) for rule in self.rules.rules]},
            "n": self.n,
            "watches": [watch.to_dict() for watch in self._watch],
            "carry": None if self._carry is None else [json_safe(part) for part in self._carry],
        }

    to_dict = state

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Monitor:
        """Return the monitor that `state` wrote; refuse anything else."""
        if not isinstance(data, Mapping) or data.get("schema") != _SCHEMA:
            raise DataError(f"data: a monitor's state with schema {_SCHEMA!r} is wanted; pass what state() gave")
        lacking = [k for k in ("limits", "rules", "n", "watches", "carry") if k not in data]
        if lacking:
            raise DataError(f"data: {lacking} are missing from the monitor's state; pass what state() gave")
        try:
            rules = RuleSet(data["rules"]["name"], tuple(Rule(**rule) for rule in data["rules"]["rules"]))
            out = cls(ControlLimits.from_dict(data["limits"]), rules)
            if isinstance(data["n"], bool) or not isinstance(data["n"], int) or data["n"] < 0:
                raise DataError(f"n is {data['n']!r}")
            out.n = data["n"]
            pairs = zip(out._watch, data["watches"], strict=True)
            out._watch = [watch.restored(held) for watch, held in pairs]
            if data["carry"] is not None:
                out._carry = tuple(_array(a) if isinstance(a, list) else float(a) for a in data["carry"])
            if out._watch[0].points is not None:
                out._drawn(out._watch[0])  # what does not fit the chart shows here, not at the next point
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
            raise DataError(f"data: the monitor's state is damaged ({problem}); pass what state() gave") from None
        return out


def _counting(rule: Rule, stretch: Stretch, at: int) -> bool:
    """Whether a point counts for a rule that passes others over; all before it do."""
    block = stretch.block(max(at - 1, stretch.start), at + 1)
    if rule.ties == "ignore":
        return len(block.x) == 1 or bool(block.x[-1] != block.x[-2])
    center = block.center if isinstance(block.center, float) else block.center[-1]
    return bool(block.x[-1] != center)


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
    out.n = len(chart.labels)
    at = np.arange(start, out.n)
    plain = out._watch[0]
    depth = 1 if kind.recursive else max((rule.m for rule in plain.rules), default=1) + kind.lookback(chart.limits)
    out._watch[0] = _Watch(plain.rules, False, points, broken, at).last(depth)
    main = next(iter(chart.panels.values()))
    x, center = main.statistic[start:], main.center[start:]
    for k, watch in enumerate(out._watch[1:], 1):
        rule = watch.rules[0]
        counts = np.append(True, x[1:] != x[:-1]) if rule.ties == "ignore" else x != center
        fresh = int(np.flatnonzero(broken)[-1]) + 1 if broken.any() else 0
        if fresh < x.size:
            counts[fresh] |= rule.ties == "ignore"
        kept = np.flatnonzero(counts[fresh:])[-rule.m :] + fresh
        chosen = Points({name: a[kept] for name, a in points.columns.items()}, points.size[kept])
        out._watch[k] = _Watch(watch.rules, True, chosen, broken[kept], at[kept])
