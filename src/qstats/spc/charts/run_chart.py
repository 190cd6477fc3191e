"""The run chart: values in order around their median, judged as a whole by runs and crossings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import as_vector
from qstats._core.blocks import everywhere
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawn, Span, own
from qstats.spc.chart import ControlChart
from qstats.spc.door import Layers, read
from qstats.spc.flow import judging, make_chart
from qstats.spc.limits import ControlLimits
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.rules.engine import find_chart_level
from qstats.spc.rules.runs import RunsStatement
from qstats.spc.rules.sets import ANHOEJ
from qstats.spc.stretch import Flat

__all__ = ["TYPES", "run_chart", "runs_of"]

_REFERENCE = "Anhoej & Olesen (2014), Run charts revisited, PLoS ONE 9(11), e113825"


def _points(values: object, missing: str, name: str) -> Points:
    x = own(as_vector(values, name, missing=missing), values)
    return Points({"value": x}, everywhere(1.0, x.size))


def _measure(new: New, limits: ControlLimits) -> Points:
    if new.size is not None or new.by is not None or new.target is not None:
        raise DataError("size: a run chart has neither size, by nor target; leave them out")
    return _points(new.values, new.missing, "new")


def _draw(span: Span) -> Drawn:
    none = math.nan
    return Drawn({"run": Flat(span.start, span.stop, span.points["value"], span.limits.center, none, none, none)})


TYPES = {"run": ChartType("run", _measure, _draw, _REFERENCE)}


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Median of one phase after another."""

    points: Points
    layout: Layout

    def __call__(self, name: str, where: slice) -> ControlLimits:
        x = self.points["value"][where][self.layout.used[where]]
        if not x.size:
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(
                f"data: no point is left to rest the median on{which}; exclude fewer or widen the baseline"
            )
        return ControlLimits("run", float(np.median(x)), None, 3.0, name, x.size, "centre = median")

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where nothing varies."""
        out = []
        for lim, (name, where) in zip(limits, self.layout.parts(), strict=True):
            x = self.points["value"][where][self.layout.used[where]]
            if x.min() == x.max():
                which = f" in phase {name!r}" if name else ""
                text = f"every used point{which} is {lim.center:g}: points on the median say nothing about runs"
                out.append(Note("zero-variance", "serious", text))
        return out


def run_chart(
    data: object,
    *,
    values: str | None = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    missing: str = "raise",
) -> ControlChart:
    """Chart values in time order around their median, and tell whether they wander more than chance would (run chart).

    The first look at any series of at least ten points: it assumes nothing about the distribution and needs no limits.
    Not for single outliers, which it does not see (`individuals`), and not for series with many equal values.

    Parameters
    ----------
    data : array-like or frame
        Values in time order, or a table.
    values : str, optional
        Column of the values, when `data` is a table.
    order_by : str or array-like, optional
        Column (table) or array to sort by; labels the points. Without it rows are in order and counted from 1.
    phase : str, array-like, optional
        Column or one label per point, or the positions at which new phases begin: each phase has its own median.
    baseline : int, slice, array-like or str, optional
        Points the median rests on: the first k, a slice, positions, or one true/false per row. A phase without a
        baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Points with a known special cause: shown, but neither used nor judged; runs stop at them.
    limits : ControlLimits or dict, optional
        The median of an earlier chart.
    missing : {"raise", "drop"}
        ``"drop"`` keeps a missing value as a gap.

    Returns
    -------
    ControlChart
        Panel ``"run"``, without limits. A signal is about a phase as a whole: its `index` is None, its `window` the run
        that is too long (empty for too few crossings). `runs_of` gives the numbers behind it.

    Raises
    ------
    DataError
        The data or an option cannot be used.
    TooFewData
        A phase has no point to rest its median on.

    Notes
    -----
    Of the n points that do not lie on the median, a run on one side longer than ``round(log2(n)) + 3``, or fewer
    crossings of the median than the 5 % quantile of Binomial(n - 1, 1/2), is a signal.

    References
    ----------
    Anhoej & Olesen (2014), PLoS ONE 9(11), e113825; Anhoej (2015), PLoS ONE 10(3), e0121349.

    Examples
    --------
    >>> from qstats import run_chart
    >>> from qstats.spc.charts.run_chart import runs_of
    >>> chart = run_chart([12, 15, 11, 14, 13, 15, 12, 9, 8, 10, 7, 9, 8, 10, 6, 9])
    >>> chart.in_control, runs_of(chart)[0]["longest_run"], runs_of(chart)[0]["crossings"]
    (False, 7, 1)
    """
    layers = Layers(order_by, phase, baseline, exclude)
    by = judging("run", layers, limits, ANHOEJ, 3.0)
    got = read(data, {"values": values}, layers)
    points = _points(got.values["values"], missing, "data")
    return make_chart(
        TYPES["run"],
        points,
        got.layers,
        got.labels,
        by,
        lambda layout: _Fit(points, layout),
        gaps=missing == "drop",
        describe=lambda limits: f"run chart; {limits.method}; Anhoej rules",
    )


def runs_of(chart: ControlChart) -> tuple[RunsStatement, ...]:
    """Return the longest run and the crossings of the centre line in each phase, and what chance allows.

    For the numbers behind a run chart's verdict; any chart's main panel can be asked.

    Parameters
    ----------
    chart : ControlChart

    Returns
    -------
    tuple of dict
        One per phase: ``n_useful`` (points off the centre line), ``longest_run``, ``longest_limit``, ``crossings``,
        ``crossings_limit``, ``window`` (first and last position of the longest run), ``signal``.

    Raises
    ------
    DataError
        Not a control chart.

    References
    ----------
    Anhoej & Olesen (2014), PLoS ONE 9(11), e113825.

    Examples
    --------
    >>> from qstats import individuals
    >>> from qstats.spc.charts.run_chart import runs_of
    >>> runs = runs_of(individuals([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]))[0]
    >>> runs["longest_run"], runs["longest_limit"], runs["crossings"], runs["crossings_limit"]
    (5, 6, 3, 2)
    """
    if not isinstance(chart, ControlChart):
        raise DataError(f"chart: got a {type(chart).__name__}; a control chart is wanted")
    main = next(iter(chart.panels.values()))
    out = []
    for s in main.stretches:
        broken = None if chart.excluded is None else chart.excluded[s.start : s.stop]
        out += [statement for _, statement in find_chart_level(ANHOEJ.rules[:1], s, broken)]
    return tuple(out)
