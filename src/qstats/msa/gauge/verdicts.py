"""Is the gauge good enough: AIAG classes and Wheeler's monitor classes, with what the interval allows to say."""

from __future__ import annotations

from dataclasses import dataclass

from qstats._core.interval import Interval
from qstats.inference.estimate import Estimate

__all__ = ["GaugeVerdict", "Scale", "monitor_verdict", "ndc_verdict", "percent_verdict"]

_AIAG = "AIAG, Measurement Systems Analysis, 4th ed. (2010), chapter II section D"
_EMP = "Wheeler, D. J. (2006). EMP III: Evaluating the Measurement Process, SPC Press"


@dataclass(frozen=True, slots=True)
class GaugeVerdict:
    """One criterion, the class it falls in, and the classes the interval reaches.

    Parameters
    ----------
    system : {"AIAG", "EMP"}
    criterion : str
        ``"percent_study"``, ``"percent_tolerance"``, ``"percent_process"``, ``"ndc"``, ``"icc"`` or
        ``"icc_without_bias"``.
    value : float
    interval : Interval
    state : str
        AIAG: ``"acceptable"``, ``"conditional"`` or ``"unacceptable"``. EMP: ``"first class"`` to ``"fourth class"``.
    possible : tuple of str
        Every class the interval reaches; one alone means the study settled it.
    message, reference : str
    """

    system: str
    criterion: str
    value: float
    interval: Interval
    state: str
    possible: tuple[str, ...]
    message: str
    reference: str

    @property
    def settled(self) -> bool:
        """Whether the whole interval lies in one class."""
        return len(self.possible) == 1


@dataclass(frozen=True, slots=True)
class Scale:
    """Classes of a criterion, from low values to high, and the values that part them (which belong to `upper_end`)."""

    states: tuple[str, ...]
    cuts: tuple[float, ...]
    upper_end: bool

    def place(self, value: float) -> int:
        """Return the position of the class that `value` falls in."""
        if self.upper_end:  # the cut itself belongs to the class above
            return sum(value >= cut for cut in self.cuts)
        return sum(value > cut for cut in self.cuts)


_PERCENT = Scale(("acceptable", "conditional", "unacceptable"), (10.0, 30.0), False)
_NDC = Scale(("unacceptable", "acceptable"), (5.0,), True)
_MONITOR = Scale(("fourth class", "third class", "second class", "first class"), (0.2, 0.5, 0.8), True)

_OF = {
    "percent_study": "of the study variation",
    "percent_tolerance": "of the tolerance",
    "percent_process": "of the process variation",
}


def _verdict(
    system: str, criterion: str, shown: tuple[str, str], value: float, interval: Interval, scale: Scale
) -> GaugeVerdict:
    number, what = shown
    at = scale.place(value)
    reached = tuple(scale.states[scale.place(interval.low) : scale.place(interval.high) + 1])
    state = scale.states[at]
    others = [s for s in reached if s != state]
    level = f"{interval.confidence:.0%} interval {interval}"
    tail = f"the {level} cannot exclude {' or '.join(others)}" if others else f"so says the whole {level}"
    return GaugeVerdict(
        system,
        criterion,
        value,
        interval,
        state,
        reached,
        f"{number} {what}: {state}; {tail}",
        _AIAG if system == "AIAG" else _EMP,
    )


def percent_verdict(criterion: str, percent: Estimate) -> GaugeVerdict:
    """Return the AIAG class of a gauge R&R percentage: under 10, 10 to 30, over 30."""
    shown = f"{percent.estimate:.3g} %", f"gauge R&R {_OF[criterion]}"
    return _verdict("AIAG", criterion, shown, percent.estimate, percent.interval, _PERCENT)


def ndc_verdict(value: float, interval: Interval) -> GaugeVerdict:
    """Return whether five or more categories of parts can be told apart (``1.41 PV / GRR`` before it is cut off)."""
    return _verdict("AIAG", "ndc", (f"{value:.3g}", "distinct categories, five wanted"), value, interval, _NDC)


def monitor_verdict(criterion: str, icc: Estimate) -> GaugeVerdict:
    """Return Wheeler's class of a monitor: what is left of a process signal in the measured values."""
    what = "of the measured variance comes from the parts" + ("" if criterion == "icc" else " (operators left out)")
    return _verdict("EMP", criterion, (f"{icc.estimate:.3g}", what), icc.estimate, icc.interval, _MONITOR)
