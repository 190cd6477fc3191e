"""What every control chart returns: panels, signals, limits that can be stored and used again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.spc.labels import LazySequence, phase_ends

if TYPE_CHECKING:
    from qstats.spc.rules import Rule

__all__ = ["BoolArray", "ControlChart", "ControlLimits", "Panel", "Signal", "SignalList"]

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One picture of a chart: the plotted statistic with its centre line and limits.

    Parameters
    ----------
    name : str
        ``"individuals"``, ``"moving_range"``, ``"p"``, ``"u"``, ...
    statistic : numpy.ndarray
        Plotted values, shape (n,), read-only; NaN is a gap.
    center, lower, upper : numpy.ndarray
        Centre line and limits of each point, shape (n,), in the unit of the statistic; NaN where no limit exists.
    sigma : numpy.ndarray
        Standard error of each point, shape (n,); the limits before clipping are ``center -+ nsigma * sigma``.
    """

    name: str
    statistic: FloatArray
    center: FloatArray
    lower: FloatArray
    upper: FloatArray
    sigma: FloatArray


@dataclass(frozen=True, slots=True)
class Signal:
    """One run rule that fired at one point.

    Parameters
    ----------
    panel : str
        Name of the panel.
    index : int
        Position of the point that completes the pattern, counted from 0.
    label : str
        That point's label.
    rule : str
        Name of the rule.
    window : tuple of int
        Positions of the points the rule looked at, the completing point last.
    """

    panel: str
    index: int
    label: str
    rule: str
    window: tuple[int, ...]


class SignalList(LazySequence[Signal]):
    """Very many signals, kept as three numbers each and made when read.

    Parameters
    ----------
    panels : sequence of (str, sequence of Rule)
        Panels with the rules applied to each.
    hits : numpy.ndarray of int
        One row per signal, shape (m, 3): panel, position of the completing point, rule.
    labels : sequence of str
        Labels of the points.
    """

    __slots__ = ("_hits", "_labels", "_panels")

    def __init__(
        self, panels: Sequence[tuple[str, Sequence[Rule]]], hits: npt.NDArray[np.intp], labels: Sequence[str]
    ) -> None:
        self._panels = tuple(panels)
        self._hits = hits
        self._labels = labels

    def __len__(self) -> int:
        return len(self._hits)

    def _one(self, i: int) -> Signal:
        panel, at, which = self._hits[i].tolist()
        name, rules = self._panels[panel]
        rule = rules[which]
        return Signal(name, at, self._labels[at], rule.name, tuple(range(at - rule.m + 1, at + 1)))


@dataclass(frozen=True, slots=True, eq=False)
class ControlLimits(Result):
    """Centre and spread of a process in one phase, to be stored and used on later data.

    Parameters
    ----------
    kind : str
        Chart the limits belong to (``"individuals"``, ``"p"``, ``"u"``).
    center : float
        Centre line, in the unit of the statistic.
    sigma : float or None
        Process standard deviation of one value; None where the spread follows from the centre (p and u charts).
    nsigma : float
        Distance of the limits from the centre, in standard errors.
    phase : str
        Name of the phase, empty where the chart has only one.
    n : int
        Number of points the numbers rest on (0: they were given).
    method : str
        How centre and spread were estimated.

    Examples
    --------
    >>> from qstats import ControlLimits
    >>> limits = ControlLimits("individuals", 50.0, 2.0, 3.0, "", 30, "given")
    >>> ControlLimits.from_dict(limits.to_dict()).center
    50.0
    """

    schema: ClassVar[str] = "qstats.control_limits/1"
    title: ClassVar[str] = "Control limits"

    kind: str
    center: float
    sigma: float | None
    nsigma: float
    phase: str
    n: int
    method: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ControlLimits:
        """Return the limits that `to_dict` wrote, bit for bit; refuse anything else."""
        if not isinstance(data, Mapping):
            raise DataError(f"limits: got a {type(data).__name__}; a ControlLimits or its dict is wanted")
        if data.get("schema", cls.schema) != cls.schema:
            raise DataError(f"limits: schema {data['schema']!r} came; {cls.schema!r} is wanted")
        names = [f.name for f in fields(cls)]
        lacking = [name for name in names if name not in data]
        surplus = [str(key) for key in data if key not in names and key != "schema"]
        if lacking or surplus:
            raise DataError(f"limits: fields {lacking} are missing and {surplus} unknown; pass what to_dict() gave")
        for name in ("kind", "phase", "method"):
            if not isinstance(data[name], str):
                raise DataError(f"limits: {name} is {data[name]!r}; text is wanted")
        if isinstance(data["n"], bool) or not isinstance(data["n"], int) or data["n"] < 0:
            raise DataError(f"limits: n is {data['n']!r}; a whole number of zero or more is wanted")
        sigma = data["sigma"]
        return cls(
            kind=data["kind"],
            center=check_number(data["center"], "limits.center"),
            sigma=None if sigma is None else check_number(sigma, "limits.sigma", least=0.0),
            nsigma=check_number(data["nsigma"], "limits.nsigma", above=0.0),
            phase=data["phase"],
            n=data["n"],
            method=data["method"],
        )

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("chart", self.kind), ("phase", self.phase or "-"), ("centre", f"{self.center:.6g}")]
        if self.sigma is not None:
            rows.append(("sigma", f"{self.sigma:.6g}"))
        return [*rows, ("limits at", f"{self.nsigma:g} sigma"), ("points", str(self.n)), ("method", self.method)]

    def _columns(self) -> Mapping[str, object]:
        return {f.name: [getattr(self, f.name)] for f in fields(self)}


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
    constants : str
        ``"exact"`` or ``"table"``: the unbiasing constants used.
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
    constants: str = "exact"

    @property
    def in_control(self) -> bool:
        """Whether no rule fired on any panel."""
        return not self.signals

    @property
    def limits(self) -> ControlLimits:
        """Centre and spread of the last phase: what new data are to be judged by."""
        return self.limits_by_phase[-1]

    def extend(
        self, new: object, *, size: object = None, labels: object = None, missing: str = "raise"
    ) -> ControlChart:
        """Return the chart with later points added; the limits of the old points do not move.

        Parameters
        ----------
        new : array-like
            Later values (individuals) or counts (p, u), in order; they belong to the last phase.
        size : array-like or float, optional
            Sample size or exposure of each new point; wanted for p and u, refused otherwise.
        labels : array-like, optional
            One label per new point; wanted where the chart's labels came from ``order_by``.
        missing : {"raise", "drop"}
            What a missing value does, as in the chart's own call.

        Returns
        -------
        ControlChart
            Runs and moving ranges continue over the join.

        Raises
        ------
        DataError
            The new data are of another kind than the chart's, or labels are lacking.
        """
        from qstats.spc.build import extend_chart

        return extend_chart(self, new, size=size, labels=labels, missing=missing)

    def _main(self) -> Panel:
        return next(iter(self.panels.values()))

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("chart", self.kind), ("points", str(len(self.labels))), ("rules", self.rules)]
        main = self._main()
        for limits, end in zip(self.limits_by_phase, phase_ends(self.phases), strict=True):
            spread = f"{main.lower[end - 1]:.6g} to {main.upper[end - 1]:.6g}"
            varying = "" if limits.sigma is not None else " at the last point"
            text = f"centre {limits.center:.6g}, {spread}{varying}, from {limits.n} points"
            rows.append((f"limits {limits.phase}".strip(), text))
        rows.append(("in control", "yes" if self.in_control else f"no: {len(self.signals)} signals"))
        rows += [("signal", f"{s.panel} at {s.label}: {s.rule}") for s in self.signals[:10]]
        if len(self.signals) > 10:
            rows.append(("signal", f"... and {len(self.signals) - 10} more"))
        return [*rows, ("method", self.method), ("reference", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        fired: dict[str, dict[int, list[str]]] = {name: {} for name in self.panels}
        for s in self.signals:
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
        return out
