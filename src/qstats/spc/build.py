"""Statistic, limits, standard error and rules put together: every chart is assembled here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.blocks import safe_mean
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.spc.chart import BoolArray, ControlChart, ControlLimits, Panel, Signal, SignalList
from qstats.spc.door import label_array
from qstats.spc.labels import PhaseNames, PointLabels, phase_ends, text_of
from qstats.spc.phases import Layout, everywhere
from qstats.spc.rules import RuleSet, find

__all__ = [
    "ChartType",
    "Drawing",
    "assemble",
    "center_of",
    "contiguous",
    "extend_chart",
    "given_limits",
    "own",
    "panel_of",
    "set_limits",
]

SHORT = 12  # points: below this the limits themselves are very uncertain
MANY = 1000  # signals: beyond this they are made when read


@dataclass(frozen=True, slots=True)
class ChartType:
    """What tells one chart from another, as small pure functions.

    Parameters
    ----------
    kind : str
        Name of the chart and of its main panel.
    measure : callable
        (values, size, missing) -> (statistic, size), checked: the road by which raw data become plotted points.
    error : callable
        (limits, size) -> standard error of each point, or one number for all.
    reference : str
        Where the chart is described.
    floor, ceiling : float
        Values the statistic cannot pass: limits are clipped there.
    second : callable or None
        Makes the second panel of a two-panel chart.
    """

    kind: str
    measure: Callable[[object, object, str], tuple[FloatArray, FloatArray]]
    error: Callable[[ControlLimits, FloatArray], FloatArray | float]
    reference: str
    floor: float = -np.inf
    ceiling: float = np.inf
    second: Callable[[Drawing], Panel] | None = None


# A new chart is a line here.
_HOMES = {"individuals": "qstats.spc.variables", "p": "qstats.spc.attributes", "u": "qstats.spc.attributes"}


def _type_of(kind: str) -> ChartType:
    types: Mapping[str, ChartType] = import_module(_HOMES[kind]).TYPES
    return types[kind]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Everything a chart is made of, before it is made."""

    statistic: FloatArray
    size: FloatArray
    layout: Layout
    limits: tuple[ControlLimits, ...]
    labels: Sequence[str]
    rules: RuleSet
    method: str
    notes: tuple[Note, ...]
    constants: str = "exact"
    second: FloatArray | None = None


def _join(parts: Sequence[FloatArray | float], layout: Layout) -> FloatArray:
    """One read-only array from one number or array per phase; a single number costs no memory."""
    if len(parts) == 1:
        part = parts[0]
        return everywhere(part, layout.n) if isinstance(part, float) else frozen_array(part)
    out = np.empty(layout.n)
    for (_, where), part in zip(layout.parts(), parts, strict=True):
        out[where] = part
    return frozen_array(out)


def panel_of(
    name: str,
    statistic: FloatArray,
    layout: Layout,
    levels: Sequence[tuple[float, FloatArray | float, float]],
    bounds: tuple[float, float],
) -> Panel:
    """Return a panel from (centre, standard error, nsigma) of each phase; limits are clipped to `bounds`."""
    lower: list[FloatArray | float] = []
    upper: list[FloatArray | float] = []
    for center, error, nsigma in levels:
        reach = nsigma * error
        # One number is clipped by max/min: np.maximum would cost a microsecond per call for nothing.
        if isinstance(reach, float):
            lower.append(max(center - reach, bounds[0]))
            upper.append(min(center + reach, bounds[1]))
        else:
            lower.append(np.maximum(center - reach, bounds[0]))
            upper.append(np.minimum(center + reach, bounds[1]))
    return Panel(
        name,
        frozen_array(statistic),
        _join([center for center, _, _ in levels], layout),
        _join(lower, layout),
        _join(upper, layout),
        _join([error for _, error, _ in levels], layout),
    )


def _hits(panel: Panel, rules: RuleSet, nsigma: float, age: Any) -> npt.NDArray[np.intp]:
    """Return (position, rule) of every signal of a panel, by position and then by rule."""
    found = find(rules.rules, panel.statistic, panel.center, panel.sigma, nsigma, age)
    at = np.concatenate(found) if found else np.empty(0, dtype=np.intp)
    if not at.size:
        return at.reshape(0, 2)
    which = np.repeat(np.arange(len(found)), [f.size for f in found])
    order = np.argsort(at, kind="stable")
    return np.column_stack((at[order], which[order]))


def _signals(applied: Sequence[tuple[Panel, RuleSet, Any]], nsigma: float, labels: Sequence[str]) -> Sequence[Signal]:
    hits = [_hits(panel, rules, nsigma, age) for panel, rules, age in applied]
    if not any(map(len, hits)):
        return ()
    rows = np.concatenate([np.column_stack((np.full(len(h), k), h)) for k, h in enumerate(hits)])
    out = SignalList([(panel.name, rules.rules) for panel, rules, _ in applied], rows, labels)
    return tuple(out) if len(out) <= MANY else out


def assemble(kind: ChartType, d: Drawing) -> ControlChart:
    """Draw the panels, apply the rules and return the chart."""
    nsigma = d.limits[0].nsigma
    levels: list[tuple[float, FloatArray | float, float]] = []
    for limits, (_, where) in zip(d.limits, d.layout.parts(), strict=True):
        levels.append((limits.center, kind.error(limits, d.size[where]), limits.nsigma))
    main = panel_of(kind.kind, d.statistic, d.layout, levels, (kind.floor, kind.ceiling))
    applied = [(main, d.rules, d.layout.age())]
    if kind.second is not None:
        # Ranges are skewed and overlap: only single points beyond the limits mean something there.
        single = tuple(r for r in d.rules.rules if r.kind == "beyond" and r.m == 1)
        applied.append((kind.second(d), RuleSet(d.rules.name, single), None))
    return ControlChart(
        kind=kind.kind,
        panels={panel.name: panel for panel, _, _ in applied},
        labels=d.labels,
        phases=PhaseNames(d.layout.names, d.layout.ends),
        size=frozen_array(d.size),
        used=frozen_array(d.layout.used, np.bool_),
        signals=_signals(applied, nsigma, d.labels),
        rules=d.rules.name,
        limits_by_phase=d.limits,
        method=d.method,
        reference=kind.reference,
        notes=d.notes,
        rule_set=d.rules.rules,
        excluded=None if d.layout.excluded is None else frozen_array(d.layout.excluded, np.bool_),
        constants=d.constants,
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


def _more_labels(chart: ControlChart, labels: object, n: int) -> Sequence[str]:
    old = chart.labels
    if isinstance(old, PointLabels) and old.numbered:
        if labels is not None:
            raise DataError("labels: the chart counts its points; leave labels out, or make the chart with order_by=")
        return PointLabels(len(old) + n)
    if labels is None:
        raise DataError("labels: the chart's labels came from order_by; pass one label per new point")
    new = label_array(labels, "labels", n)
    return PointLabels(len(old) + n, np.array([*old, *(text_of(v) for v in new)]))


def extend_chart(chart: ControlChart, new: object, *, size: object, labels: object, missing: str) -> ControlChart:
    """Return `chart` with later points judged by the limits of its last phase."""
    kind = _type_of(chart.kind)
    more, more_size = kind.measure(new, size, missing)
    old = next(iter(chart.panels.values())).statistic
    n = more.size
    statistic = np.concatenate((old, more))
    nan = np.isnan(statistic)
    added = int(np.isnan(more).sum())
    none = np.zeros(n, dtype=np.bool_)
    excluded = None if chart.excluded is None else np.concatenate((chart.excluded, none))
    layout = Layout(
        tuple(lim.phase for lim in chart.limits_by_phase),
        (*phase_ends(chart.phases)[:-1], statistic.size),
        np.concatenate((chart.used, none)),
        excluded,
        nan if nan.any() else None,
    )
    notes = tuple(note for note in chart.notes if not (added and note.code == "missing-dropped"))
    if added:
        text = f"{int(nan.sum())} of {statistic.size} points have no value and stay as gaps"
        notes = (Note("missing-dropped", "warning", text), *notes)
    drawing = Drawing(
        statistic,
        np.concatenate((chart.size, more_size)),
        layout,
        chart.limits_by_phase,
        _more_labels(chart, labels, n),
        RuleSet(chart.rules, chart.rule_set),
        chart.method,
        notes,
        chart.constants,
    )
    return assemble(kind, drawing)
