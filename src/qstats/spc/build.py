"""Points, limits and rules put together: every chart is assembled here, at once, by later points, or one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.blocks import safe_mean
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.spc.chart import ControlChart, Signal, SignalList, signal_at
from qstats.spc.door import label_array
from qstats.spc.labels import PhaseNames, PointLabels, phase_ends, text_of
from qstats.spc.limits import ControlLimits
from qstats.spc.panel import Panel
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points, joined
from qstats.spc.rules import Rule, RuleSet
from qstats.spc.rules.engine import Indices, find, find_chart_level
from qstats.spc.rules.runs import fired_window
from qstats.spc.stretch import Stretch

__all__ = [
    "ChartType",
    "Drawn",
    "Plan",
    "Span",
    "assemble",
    "center_of",
    "contiguous",
    "extend_chart",
    "given_limits",
    "own",
    "rules_of_panels",
    "set_limits",
    "type_of",
]

SHORT = 12  # points: below this the limits themselves are very uncertain
MANY = 100  # signals: beyond this they are made when read

Carry = tuple[FloatArray | float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """One phase of a chart, ready to be drawn.

    Parameters
    ----------
    points : Points
        The whole chart.
    start, stop : int
        Where the phase is.
    limits : ControlLimits
        What it is judged by.
    broken : numpy.ndarray of bool or None
        Gaps and excluded points of the phase, shape (stop - start,); None: there are none.
    carry : tuple or None
        State a recursive statistic comes with; None: it starts here.
    """

    points: Points
    start: int
    stop: int
    limits: ControlLimits
    broken: BoolArray | None = None
    carry: Carry | None = None

    @property
    def where(self) -> slice:
        """The phase as a slice of the chart."""
        return slice(self.start, self.stop)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The panels of one phase, and the state of a recursive statistic after it."""

    stretches: Mapping[str, Stretch]
    carry: Carry | None = None


@dataclass(frozen=True, slots=True)
class ChartType:
    """What tells one chart from another, as small pure functions.

    Parameters
    ----------
    kind : str
        Name of the chart.
    measure : callable
        (New, ControlLimits) -> Points, checked: the road by which later raw data become plotted points.
    draw : callable
        Span -> Drawn: statistic and lines of one phase, one stretch per panel, the main one first.
    reference : str
        Where the chart is described.
    run_rules : bool
        False where neighbouring points depend on one another (EWMA, CUSUM, moving average, T2): then only single
        points beyond the limits mean something. Ranges and standard deviations are always judged that way.
    recursive : bool
        Whether `draw` takes and gives a carry instead of looking back at earlier points.
    lookback : callable
        limits -> how many earlier points the statistic of one point looks at.
    """

    kind: str
    measure: Callable[[New, ControlLimits], Points]
    draw: Callable[[Span], Drawn]
    reference: str
    run_rules: bool = True
    recursive: bool = False
    lookback: Callable[[ControlLimits], int] = lambda limits: 0


# A new chart is a line here.
_HOMES = {
    "individuals": "qstats.spc.charts.individuals",
    **dict.fromkeys(("xbar_r", "xbar_s"), "qstats.spc.charts.xbar"),
    "between_within": "qstats.spc.charts.between_within",
    "short_run": "qstats.spc.charts.short_run",
    **dict.fromkeys(("p", "np", "c", "u", "laney_p", "laney_u"), "qstats.spc.charts.counts"),
    **dict.fromkeys(("ewma", "moving_average"), "qstats.spc.charts.time_weighted"),
    "cusum": "qstats.spc.charts.cusum",
    **dict.fromkeys(("g", "t"), "qstats.spc.charts.rare"),
    "run": "qstats.spc.charts.run_chart",
    "t2": "qstats.spc.charts.multivariate",
    "generalized_variance": "qstats.spc.charts.multivariate_spread",
    **dict.fromkeys(("mewma", "mcusum"), "qstats.spc.charts.multivariate_memory"),
    "funnel": "qstats.spc.charts.funnel",
    "nps": "qstats.spc.charts.nps",
}


def type_of(kind: str) -> ChartType:
    """Return the chart type of a kind, loading its module."""
    if kind not in _HOMES:
        raise DataError(f"kind: no chart is called {kind!r}; one of {', '.join(map(repr, _HOMES))} is wanted")
    types: Mapping[str, ChartType] = import_module(_HOMES[kind]).TYPES
    return types[kind]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything a chart is made of, before it is made."""

    points: Points
    layout: Layout
    limits: tuple[ControlLimits, ...]
    labels: Sequence[str]
    rules: RuleSet
    method: str
    notes: tuple[Note, ...]


def rules_of_panels(kind: ChartType, rules: RuleSet, n: int) -> list[tuple[Rule, ...]]:
    """Return the rules for each of `n` panels."""
    # Ranges are skewed and overlap, memory statistics lean on one another: there only single points mean something.
    single = tuple(r for r in rules.rules if r.kind == "beyond" and r.m == 1)
    return [rules.rules if kind.run_rules else single, *[single] * (n - 1)]


def _hits(rules: tuple[Rule, ...], panel: Panel, broken: BoolArray | None) -> list[tuple[int, Indices]]:
    """Return rule and positions of the signals of a panel, stretch by stretch."""
    out: list[tuple[int, Indices]] = []
    for s in panel.stretches if rules else ():
        found = find(rules, s, None if broken is None else broken[s.start : s.stop])
        out += [(k, hits) for k, hits in enumerate(found) if hits.size]
    return out


def _of_whole(panel: Panel, rules: tuple[Rule, ...], broken: BoolArray | None) -> list[Signal]:
    """Return the signals about whole phases."""
    out: list[Signal] = []
    if any(rule.chart_level for rule in rules):
        for s in panel.stretches:
            part = None if broken is None else broken[s.start : s.stop]
            for rule, runs in find_chart_level(rules, s, part):
                window = fired_window(rule, runs)
                if window is not None:
                    out.append(Signal(panel.name, None, "", rule.name, window))
    return out


def _signals(
    panels: Sequence[Panel], rules: Sequence[tuple[Rule, ...]], broken: BoolArray | None, labels: Sequence[str]
) -> Sequence[Signal]:
    """Return every signal by panel, then point, then rule; very many are made when they are read."""
    whole = _of_whole(panels[0], rules[0], broken)
    hits = [(p, k, at) for p, panel in enumerate(panels) for k, at in _hits(rules[p], panel, broken)]
    if not hits:
        return tuple(whole)
    applied = list(zip(panels, rules, strict=True))
    if sum(at.size for _, _, at in hits) <= MANY:
        rows = sorted((p, i, k) for p, k, at in hits for i in at.tolist())
        return (*whole, *(signal_at(applied, row, labels, broken) for row in rows))
    table = np.concatenate([np.column_stack((np.full(at.size, p), at, np.full(at.size, k))) for p, k, at in hits])
    out = SignalList(applied, table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))], labels, broken)
    return (*whole, *out) if whole else out


def _draw(kind: ChartType, points: Points, layout: Layout, limits: Sequence[ControlLimits]) -> list[Panel]:
    """Return the panels, each with one stretch per phase."""
    broken = layout.unjudged()
    stretches: dict[str, list[Stretch]] = {}
    for lim, (_, where) in zip(limits, layout.parts(), strict=True):
        part = None if broken is None else broken[where]
        drawn = kind.draw(Span(points, where.start, where.stop, lim, part))
        for name, stretch in drawn.stretches.items():
            stretches.setdefault(name, []).append(stretch)
    return [Panel(name, parts) for name, parts in stretches.items()]


def assemble(kind: ChartType, plan: Plan) -> ControlChart:
    """Draw the panels, apply the rules and return the chart."""
    layout = plan.layout
    panels = _draw(kind, plan.points, layout, plan.limits)
    applied = rules_of_panels(kind, plan.rules, len(panels))
    return ControlChart(
        kind=kind.kind,
        panels={panel.name: panel for panel in panels},
        labels=plan.labels,
        phases=PhaseNames(layout.names, layout.ends),
        size=frozen_array(plan.points.size),
        used=frozen_array(layout.used, np.bool_),
        signals=_signals(panels, applied, layout.unjudged(), plan.labels),
        rules=plan.rules.name,
        limits_by_phase=plan.limits,
        method=plan.method,
        reference=kind.reference,
        notes=plan.notes,
        rule_set=plan.rules.rules,
        excluded=None if layout.excluded is None else frozen_array(layout.excluded, np.bool_),
        columns={name: frozen_array(a) for name, a in plan.points.columns.items()},
    )


def own(a: FloatArray, source: object) -> FloatArray:
    """Return `a` itself if it was made here, a copy if it may be the caller's own memory."""
    return a if isinstance(source, list | tuple | int | float) else a.copy()


def center_of(values: FloatArray) -> float:
    """Return the mean; of equal values, their value itself."""
    # The mean of equal values may be a rounding step away from them, and then every point lies on one side of it.
    if values[0] == values[-1] and values.min() == values.max():
        return float(values[0])
    return safe_mean(values)


def contiguous(used: BoolArray, where: slice) -> slice | None:
    """Return the used points of a phase as one slice if they are one run (None: scattered, or there are none)."""
    part = used[where]
    if used.strides == (0,) and part.size:
        return where if part[0] else None
    n = int(np.count_nonzero(part))
    first = where.start + int(np.argmax(part))
    if n and used[first : first + n].all():
        return slice(first, first + n)
    return None


def given_limits(limits: object, kind: str, nsigma: float, baseline: object) -> ControlLimits:
    """Return stored limits for this chart, or say why they cannot be used."""
    if not isinstance(limits, ControlLimits):
        limits = ControlLimits.from_dict(limits)  # type: ignore[arg-type]
    if limits.kind != kind:
        raise DataError(f"limits: they belong to a chart of kind {limits.kind!r}; {kind!r} is wanted")
    if baseline is not None:
        raise DataError("baseline: given together with limits, which estimate nothing; pass one of them")
    if check_number(nsigma, "nsigma", above=0.0) not in (3.0, limits.nsigma):
        raise DataError(f"nsigma: got {nsigma:g} together with limits at {limits.nsigma:g}; leave it out")
    return limits


def set_limits(
    layout: Layout, given: ControlLimits | None, fit: Callable[[str, slice], ControlLimits]
) -> tuple[tuple[ControlLimits, ...], tuple[Note, ...]]:
    """Return the limits of each phase, given or estimated, and a note where they rest on few points."""
    if given is not None:
        return tuple(replace(given, phase=name) for name in layout.names), ()
    limits = tuple(fit(name, where) for name, where in layout.parts())
    short = [lim for lim in limits if lim.n < SHORT]
    if not short:
        return limits, ()
    which = ", ".join(f"{lim.phase + ': ' if lim.phase else ''}{lim.n}" for lim in short)
    text = f"limits rest on fewer than {SHORT} points ({which}): they are trial limits; more data will move them"
    return limits, (Note("short-baseline", "warning", text),)


def _names_of(new: New, n: int) -> object:
    """Return the names the new points bring along: one label per subgroup."""
    if new.by is None or isinstance(new.by, str) or np.ndim(new.by) != 1:  # type: ignore[arg-type]
        return None
    names = list(dict.fromkeys(new.by))  # type: ignore[call-overload]
    return names if len(names) == n else None


def _more_labels(chart: ControlChart, new: New, labels: object, n: int) -> Sequence[str]:
    old = chart.labels
    if isinstance(old, PointLabels) and old.numbered:
        if labels is not None:
            raise DataError("labels: the chart counts its points; leave labels out, or make the chart with order_by=")
        return PointLabels(len(old) + n)
    labels = _names_of(new, n) if labels is None else labels
    if labels is None:
        raise DataError("labels: the chart's points have names; pass one label per new point")
    added = label_array(labels, "labels", n)
    return PointLabels(len(old) + n, np.array([*old, *(text_of(v) for v in added)]))


def extend_chart(chart: ControlChart, new: New, labels: object) -> ControlChart:
    """Return `chart` with later points judged by the limits of its last phase."""
    kind = type_of(chart.kind)
    more = kind.measure(new, chart.limits)
    points = joined(Points(chart.columns, chart.size), more)
    nan = np.isnan(points.gaps())
    added = int(nan[-len(more) :].sum()) if len(more) else 0
    none = np.zeros(len(more), dtype=np.bool_)
    excluded = None if chart.excluded is None else np.concatenate((chart.excluded, none))
    layout = Layout(
        tuple(lim.phase for lim in chart.limits_by_phase),
        (*phase_ends(chart.phases)[:-1], len(points)),
        np.concatenate((chart.used, none)),
        excluded,
        nan if nan.any() else None,
    )
    notes = tuple(note for note in chart.notes if not (added and note.code == "missing-dropped"))
    if added:
        text = f"{int(nan.sum())} of {len(points)} points have no value and stay as gaps"
        notes = (Note("missing-dropped", "warning", text), *notes)
    rules = RuleSet(chart.rules, chart.rule_set)
    labels = _more_labels(chart, new, labels, len(more))
    return assemble(kind, Plan(points, layout, chart.limits_by_phase, labels, rules, chart.method, notes))
