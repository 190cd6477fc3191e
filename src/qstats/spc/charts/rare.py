"""Charts of what is rare: units between events (g) and times between events (t)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.bias import d2
from qstats._core.blocks import everywhere_true, moving_range_sum, safe_mean
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawn, Span
from qstats.spc.chart import ControlChart
from qstats.spc.charts.memory_fit import SINGLE_POINTS
from qstats.spc.charts.rare_door import read_gaps, times_between, units
from qstats.spc.door import Layers
from qstats.spc.flow import Judging, judging, make_chart
from qstats.spc.kernels.rare_limits import G_METHODS, POWER, T_METHODS, g_limits, time_limits
from qstats.spc.kernels.recursions import run_lengths
from qstats.spc.kernels.sigma import moving_ranges, screen_nelson1982
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stretch import Stretch, Varying

__all__ = ["TYPES", "g_chart", "t_chart"]

_G_REFERENCE = (
    "Benneyan (2001), Number-between g-type statistical quality control charts, Health Care Management Science 4(4), "
    "305-318"
)
_T_REFERENCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.3.5"


def _between(span: Span, x: FloatArray) -> Stretch:
    """Return the stretch of a skewed statistic: a third of the way to each limit is a zone, as far as it goes."""
    lim = span.limits
    lower, upper = lim.number("lower"), lim.number("upper")
    above, below = (upper - lim.center) / lim.nsigma, (lim.center - lower) / lim.nsigma
    return Varying(span.start, span.stop, x, lim.center, above, lower, upper, below)


def _draw_g(span: Span) -> Drawn:
    lim = span.limits
    x = span.points["between"][span.where]
    least = x == lim.number("shift")
    if span.broken is not None:
        least &= ~span.broken
    before = 0 if span.carry is None else int(span.carry[0])
    run, last = run_lengths(least.astype(np.float64), before)
    count = run.astype(np.float64)
    count[np.isnan(x)] = np.nan
    k = int(lim.number("run_of_minimum"))
    most = k - 1.0 if k else math.nan
    runs = Varying(span.start, span.stop, count, 0.0, most / lim.nsigma, math.nan, most)
    return Drawn({"g": _between(span, x), "run_of_minimum": runs}, (float(last),))


def _draw_t(span: Span) -> Drawn:
    x = span.points["time"][span.where]
    return Drawn({"t": _between(span, np.where(x == 0.0, span.limits.number("half_unit"), x))})


def _plain(new: New, kind: str) -> None:
    if new.size is not None or new.by is not None or new.target is not None:
        raise DataError(f"size: a {kind} chart has neither size, by nor target; leave them out")


def _measure_g(new: New, limits: ControlLimits) -> Points:
    _plain(new, "g")
    return units(new.values, new.missing, "new", int(limits.number("shift")))


def _measure_t(new: New, limits: ControlLimits) -> Points:
    _plain(new, "t")
    return times_between(new.values, new.missing, "new")


TYPES = {
    "g": ChartType("g", _measure_g, _draw_g, _G_REFERENCE, run_rules=False, recursive=True),
    "t": ChartType("t", _measure_t, _draw_t, _T_REFERENCE, run_rules=False),
}


@dataclass(frozen=True, slots=True, eq=False)
class _GFit:
    """Limits of one phase of a g chart after another."""

    points: Points
    layout: Layout
    method: str
    estimator: str | None
    alpha: float
    shift: int

    def __call__(self, name: str, where: slice) -> ControlLimits:
        x = self.points["between"][where][self.layout.used[where]]
        if x.size < 2:
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(f"data: {x.size} gaps between events{which}; at least 2 are wanted, or pass limits=")
        mean = safe_mean(x)
        return g_limits(
            mean, x.size, method=self.method, estimator=self.estimator, alpha=self.alpha, shift=self.shift, phase=name
        )

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where limits collapse, or give other false alarms than they look like."""
        out = []
        for lim in limits:
            which = f" in phase {lim.phase!r}" if lim.phase else ""
            if lim.number("p") >= 1.0:
                text = f"every gap{which} is {self.shift}: the limits collapse, and any other value would signal; "
                out.append(Note("zero-variance", "serious", text + "events this frequent want a u_chart or p_chart"))
            elif self.method in ("three_sigma", "qcc"):
                text = f"limits by {self.method!r}{which} give {100 * lim.number('alpha'):.2g} % false alarms a point, "
                out.append(Note("legacy-limits", "warning", text + 'not 0.27 %; method="probability" keeps its word'))
        return out


@dataclass(frozen=True, slots=True, eq=False)
class _TFit:
    """Limits of one phase of a t chart after another."""

    points: Points
    layout: Layout
    method: str
    alpha: float

    def __call__(self, name: str, where: slice) -> ControlLimits:
        x, used = self.points["time"][where], self.layout.used[where]
        times = x[used]
        positive = times[times > 0.0]
        if times.size < 2 or positive.size < 1:
            which = f" in phase {name!r}" if name else ""
            text = f"{times.size} times between events, {positive.size} of them above zero{which}"
            raise TooFewData(f"data: {text}; at least 2, one of them above zero, are wanted, or pass limits=")
        half = 0.5 * (1.0 if everywhere_true(lambda a: a == np.floor(a), positive) else float(positive.min()))
        sigma = self._sigma(np.where(used, x, np.nan), half, name) if self.method.startswith("transform") else math.nan
        lines = time_limits(times, self.method, 0.5 * self.alpha, half, sigma)
        parameters: dict[str, Parameter] = {
            "method": self.method,
            "alpha": lines.alpha,
            "lower": lines.lower,
            "upper": lines.upper,
            "half_unit": half,
        }
        nsigma = 3.0
        if not math.isnan(lines.shape):
            parameters |= {"shape": lines.shape, "scale": lines.scale}
            nsigma = -float(normal_quantile(0.5 * self.alpha))
        return ControlLimits("t", lines.center, None, nsigma, name, times.size, _T_WORDS[self.method], parameters)

    def _sigma(self, x: FloatArray, half: float, name: str) -> float:
        y = np.maximum(x, half) ** (1.0 / POWER)
        total, pairs = moving_range_sum(y)
        if pairs < 2:
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(f"data: {pairs} moving ranges{which}; at least 2 are wanted, or pass limits=")
        if self.method == "transform":
            return total / pairs / d2(2)
        ranges = screen_nelson1982(moving_ranges(y, 2))
        return float(np.nanmean(ranges)) / d2(2)

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say what became of zeros."""
        zeros = int(np.count_nonzero((self.points["time"] == 0.0) & self.layout.used))
        if not zeros:
            return ()
        half = limits[-1].number("half_unit")
        known = "taken as" if self.method.startswith("transform") else "known only to be shorter than"
        text = f"{zeros} of the times are zero (events on one day): {known} half a unit ({half:g}), and drawn there"
        return (Note("zero-times", "info", text),)


_T_WORDS = {
    "weibull": "limits at quantiles of a Weibull distribution fitted by maximum likelihood",
    "exponential": "limits at quantiles of an exponential distribution fitted by maximum likelihood",
    "transform": "individuals chart of time**(1/3.6), transformed back",
    "transform_screened": "individuals chart of time**(1/3.6), moving ranges screened once, transformed back",
}


def _checked(
    kind: str, layers: Layers, limits: object, options: Mapping[str, tuple[object, object]], alpha: float
) -> Judging:
    by = judging(kind, layers, limits, SINGLE_POINTS, 3.0)
    if by.given is not None:
        for name, (value, default) in {**options, "alpha": (alpha, 0.0027)}.items():
            if value not in (default, by.given.parameters.get(name)):
                raise DataError(f"{name}: given together with limits, which hold it; leave it out")
    return by


def _describe(limits: ControlLimits) -> str:
    return f"{limits.method}; {100 * limits.number('alpha'):.3g} % false alarms a point if the model holds"


def g_chart(
    data: object,
    *,
    values: str | None = None,
    dates: str | None = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    method: str = "probability",
    estimator: str | None = None,
    alpha: float = 0.0027,
    shift: int = 0,
    missing: str = "raise",
) -> ControlChart:
    """Chart the number of units between rare events: orders between two complaints, days between two accidents.

    For events so rare that a p or u chart shows mostly zeros. A point *above* the upper limit is good news: the events
    became rarer. Not for measured times (`t_chart`), and not for events that come more often than once in a few units.

    Parameters
    ----------
    data : array-like or frame
        Units between events in order, or the dates of the events (then whole days between them are counted); or a
        table.
    values : str, optional
        Column of the units between events, when `data` is a table.
    dates : str, optional
        Column of the events' dates, instead of `values`: sorted, and each gap named by the event that ends it.
    order_by : str or array-like, optional
        Column (table) or array to sort by; labels the points. Without it rows are in order and counted from 1.
    phase : str, array-like, optional
        Column or one label per row, or the positions of the points at which new phases begin: each has its own limits.
    baseline : int, slice, array-like or str, optional
        Points the limits rest on: the first k, a slice, positions, or one true/false per row. A phase without a
        baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Points with a known special cause: shown, but neither used nor judged.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart, or of `g_limits`: nothing is estimated.
    method : {"probability", "minitab", "sas", "qcc", "three_sigma"}
        ``"probability"``: the whole numbers with at most ``alpha / 2`` beyond them. The others match programs:
        interpolated quantiles, SAS's rounding, qcc's estimate of p, mean and 3 standard deviations (1.8 % false alarms
        a point).
    estimator : {"mvue", "benneyan", "mle"}, optional
        How p is estimated: unbiased; as Minitab and SAS do it, a trifle lower; maximum likelihood. The method's own
        unless given.
    alpha : float
        False alarms per point, both sides together (with ``"three_sigma"`` only those of the runs).
    shift : {0, 1}
        Smallest possible number: 0 if units between two events are counted, 1 if the event itself counts too.
    missing : {"raise", "drop"}
        ``"drop"`` keeps a missing number as a gap.

    Returns
    -------
    ControlChart
        Panels ``"g"`` and ``"run_of_minimum"``: how many smallest values came in a row. Where the lower limit lies at
        the smallest value, as nearly always, no single point can show that events became more frequent, but a run of
        them can.

    Raises
    ------
    DataError
        Negative or broken numbers, an option that cannot be used.
    TooFewData
        A phase has fewer than two gaps.

    Notes
    -----
    Geometric distribution, ``P(X > x) = (1 - p)**(x + 1 - shift)``; centre: its median. A run of k smallest values
    signals where ``p**k <= alpha / 2``.

    References
    ----------
    Benneyan (2001), Health Care Management Science 4(4), 305-318; SAS Institute, SAS/QC User's Guide, The RAREEVENTS
    Procedure, "Constructing Rare Events Charts" (run of minimum).

    Examples
    --------
    >>> from qstats import g_chart
    >>> chart = g_chart([18, 100, 66, 31, 22, 24, 58, 23, 75, 7, 5, 12, 18, 61, 10])
    >>> chart.limits.center, chart.limits.number("upper"), chart.limits.number("run_of_minimum"), chart.in_control
    (26.0, 253.0, 2.0, True)
    """
    layers = Layers(order_by, phase, baseline, exclude)
    check_choice(method, "method", G_METHODS)
    checked_alpha = check_number(alpha, "alpha", above=0.0, below=1.0)
    if isinstance(shift, bool) or shift not in (0, 1):
        raise DataError(f"shift: got {shift!r}; 0 (units between events) or 1 (the event counts too) is wanted")
    options = {"method": (method, "probability"), "shift": (shift, 0), "estimator": (estimator, None)}
    by = _checked("g", layers, limits, options, checked_alpha)
    least = shift if by.given is None else int(by.given.number("shift"))
    got = read_gaps(data, values, dates, layers, whole_days=True)
    points = units(got.values["values"], missing, "data", least)
    return make_chart(
        TYPES["g"],
        points,
        got.layers,
        got.labels,
        by,
        lambda layout: _GFit(points, layout, method, estimator, checked_alpha, shift),
        gaps=missing == "drop",
        describe=_describe,
    )


def t_chart(
    data: object,
    *,
    values: str | None = None,
    dates: str | None = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    method: str = "weibull",
    alpha: float = 0.0027,
    missing: str = "raise",
) -> ControlChart:
    """Chart the time between rare events: days between complaints, hours between failures.

    For events so rare that counting them per month gives mostly zeros. A point *above* the upper limit is good news:
    the events became rarer. Not for waiting times that are no gaps between events, and not for events in clusters.

    Parameters
    ----------
    data : array-like or frame
        Times between events in order, or the dates or timestamps of the events (then the gaps are in days); or a
        table.
    values : str, optional
        Column of the times between events, when `data` is a table.
    dates : str, optional
        Column of the events' dates, instead of `values`: sorted, and each gap named by the event that ends it.
    order_by, phase, baseline, exclude, limits, missing
        As in `g_chart`.
    method : {"weibull", "exponential", "transform", "transform_screened"}
        ``"weibull"`` follows the data's own shape; ``"exponential"`` is sharper where events are purely random. The
        others match programs that chart time**(1/3.6) as individuals, without and with screened moving ranges.
    alpha : float
        False alarms per point, both sides together; the transforms have limits at 3 sigma instead and take none.

    Returns
    -------
    ControlChart
        Panel ``"t"``; note ``"zero-times"`` where events fell on one day.

    Raises
    ------
    DataError
        Negative times, all times the same (Weibull), an option that cannot be used.
    TooFewData
        A phase has fewer than two times, or none above zero.

    Notes
    -----
    Limits at the ``alpha / 2`` and ``1 - alpha / 2`` quantiles of the fitted distribution, centre its median. A time of
    zero is known only to be shorter than half a unit (the unit is 1 if all times are whole numbers, else the shortest
    time above zero): it enters the likelihood like that, and is drawn and judged at half a unit.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.3.5; Nelson (1994), Journal of
    Quality Technology 26(3), 239-243 (the transform); Lawless (2003), Statistical Models and Methods for Lifetime Data,
    2nd ed., section 5.2.

    Examples
    --------
    >>> from qstats import t_chart
    >>> chart = t_chart(["2024-01-05", "2024-01-05", "2024-02-11", "2024-02-20", "2024-04-01", "2024-04-19"])
    >>> chart.columns["time"].tolist(), chart.labels[1], [n.code for n in chart.notes]
    ([0.0, 37.0, 9.0, 41.0, 18.0], '2024-02-11', ['short-baseline', 'zero-times'])
    """
    layers = Layers(order_by, phase, baseline, exclude)
    check_choice(method, "method", T_METHODS)
    checked_alpha = check_number(alpha, "alpha", above=0.0, below=1.0)
    if method.startswith("transform") and checked_alpha != 0.0027:
        raise DataError(f"alpha: got {checked_alpha:g}, but method={method!r} has limits at 3 sigma; leave it out")
    by = _checked("t", layers, limits, {"method": (method, "weibull")}, checked_alpha)
    got = read_gaps(data, values, dates, layers, whole_days=False)
    points = times_between(got.values["values"], missing, "data")
    return make_chart(
        TYPES["t"],
        points,
        got.layers,
        got.labels,
        by,
        lambda layout: _TFit(points, layout, method, checked_alpha),
        gaps=missing == "drop",
        describe=_describe,
    )
