"""The road every chart function takes: columns in order, plan, limits, chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.spc.build import ChartType, Plan, assemble, given_limits, set_limits
from qstats.spc.chart import ControlChart
from qstats.spc.door import Layers
from qstats.spc.labels import PointLabels
from qstats.spc.limits import ControlLimits
from qstats.spc.phases import Layout, lay_out
from qstats.spc.points import Points
from qstats.spc.rules import RuleSet, rule_set
from qstats.spc.stored import check_stored

__all__ = ["Fit", "Judging", "judging", "make_chart"]


class Fit(Protocol):
    """How a chart estimates its limits: phase by phase, with what is worth saying about them."""

    def __call__(self, name: str, where: slice) -> ControlLimits:
        """Return the limits of one phase."""

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Return what is doubtful about the limits and the data they rest on."""


@dataclass(frozen=True, slots=True, eq=False)
class Judging:
    """What the points of a chart are judged by, checked.

    Parameters
    ----------
    rules : RuleSet
    nsigma : float
    given : ControlLimits or None
        Limits from outside; None: they are estimated.
    """

    rules: RuleSet
    nsigma: float
    given: ControlLimits | None


def judging(kind: str, layers: Layers, limits: object, rules: object, nsigma: float) -> Judging:
    """Check rules, limits and their distance."""
    checked = check_number(nsigma, "nsigma", above=0.0)
    given = None if limits is None else given_limits(limits, kind, checked, layers.baseline)
    if given is not None:
        check_stored(given)
    return Judging(rule_set(rules), checked if given is None else given.nsigma, given)


def make_chart(
    kind: ChartType,
    points: Points,
    layers: Layers,
    labels: PointLabels | None,
    by: Judging,
    fit: Callable[[Layout], Fit],
    *,
    gaps: bool,
    describe: Callable[[ControlLimits], str],
    notes: tuple[Note, ...] = (),
) -> ControlChart:
    """Return the chart of `points`: phases laid out, limits given or estimated, rules applied.

    Parameters
    ----------
    kind : ChartType
    points : Points
        In charted order.
    layers : Layers
        Phases, baseline and exclusions.
    labels : PointLabels or None
        None: the points are counted from 1.
    by : Judging
    fit : callable
        Layout -> Fit; not called where limits were given.
    gaps : bool
        Whether there may be missing values.
    describe : callable
        The last phase's limits -> text naming the variant.
    notes : tuple of Note
        What the reading of the data has to say.
    """
    estimate = by.given is None
    layout = lay_out(points.gaps(), layers.phase, layers.baseline, layers.exclude, gaps=gaps, estimate=estimate)
    if by.given is not None:
        limits, more = set_limits(layout, by.given, _nothing)
    else:
        fitter = fit(layout)
        limits, more = set_limits(layout, None, fitter)
        more = (*more, *fitter.notes(limits))
    names = labels or PointLabels(len(points))
    every = (*_repeated(names), *layout.notes, *notes, *more)
    return assemble(kind, Plan(points, layout, limits, names, by.rules, describe(limits[-1]), every))


def _repeated(labels: PointLabels) -> tuple[Note, ...]:
    if not labels.repeats:
        return ()
    text = f"{labels.repeats} points share their place in the order with another: they stay as the rows came"
    return (Note("repeated-times", "warning", text),)


def _nothing(name: str, where: slice) -> ControlLimits:
    raise DataError("limits: none were given and none can be estimated: this is a bug in qstats")
