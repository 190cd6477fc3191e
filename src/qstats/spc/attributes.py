"""Charts of counts: fractions of a sample, events per exposure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray, as_counts, as_exposure, first_bad
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawing, assemble, contiguous, given_limits, own, set_limits
from qstats.spc.chart import ControlChart, ControlLimits
from qstats.spc.door import Layers, read
from qstats.spc.labels import PointLabels
from qstats.spc.phases import Layout, lay_out
from qstats.spc.rules import rule_set

__all__ = ["TYPES", "p_chart", "u_chart"]

Counts = tuple[FloatArray, FloatArray]

FEW = 5.0  # expected events per point: below this the normal approximation behind the limits is poor


def _p_counts(count: object, size: object, missing: str) -> Counts:
    x = as_counts(count, "count", missing=missing)
    n = as_exposure(size, "size", x.size, missing=missing)
    whole = np.isnan(n) | (n == np.floor(n))
    if not whole.all():
        raise DataError(f"size: {first_bad(~whole, n)}; a sample has a whole number of units (else use u_chart)")
    more = x > n
    if more.any():
        at = int(np.argmax(more))
        raise DataError(f"count: {x[at]:g} of a sample of {n[at]:g} at position {at}; a count cannot exceed its size")
    return x, n


def _u_counts(count: object, exposure: object, missing: str) -> Counts:
    x = as_counts(count, "count", missing=missing)
    return x, as_exposure(exposure, "exposure", x.size, missing=missing)


def _p_error(limits: ControlLimits, size: FloatArray) -> FloatArray | float:
    return _over_root(math.sqrt(limits.center * (1.0 - limits.center)), size)


def _u_error(limits: ControlLimits, size: FloatArray) -> FloatArray | float:
    return _over_root(math.sqrt(limits.center), size)


def _over_root(unit: float, size: FloatArray) -> FloatArray | float:
    if size.strides == (0,):
        return unit / math.sqrt(float(size[0]))
    return unit / np.sqrt(size)


def _measured(counts: Callable[[object, object, str], Counts]) -> Callable[[object, object, str], Counts]:
    """Turn a reader of counts and sizes into one of plotted points and sizes."""

    def measure(values: object, size: object, missing: str) -> Counts:
        if size is None:
            raise DataError("size: nothing came; the sample size or exposure of each new point is wanted")
        x, n = counts(values, size, missing)
        return x / n, own(n, size)

    return measure


def _reference(section: str) -> str:
    return f"Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section {section}"


TYPES = {
    "p": ChartType("p", _measured(_p_counts), _p_error, _reference("7.2.2"), floor=0.0, ceiling=1.0),
    "u": ChartType("u", _measured(_u_counts), _u_error, _reference("7.3.1"), floor=0.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Estimator:
    """Centre of one phase after another: all events over all units, never the mean of the ratios."""

    kind: str
    count: FloatArray
    size: FloatArray
    statistic: FloatArray
    layout: Layout
    nsigma: float

    def taken(self, where: slice) -> tuple[slice | np.ndarray[tuple[int], np.dtype[np.intp]], int]:
        """Return where a phase's used points are, and how many."""
        run = contiguous(self.layout.used, where)
        if run is not None:
            return run, run.stop - run.start
        at = np.flatnonzero(self.layout.used[where]) + where.start
        return at, at.size

    def __call__(self, name: str, where: slice) -> ControlLimits:
        at, n = self.taken(where)
        if n == 0:
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
        ratio = self.statistic[at]
        if ratio[0] == ratio[-1] and ratio.min() == ratio.max():  # no rounding step between equal points and their mean
            center = float(ratio[0])
        else:
            center = float(self.count[at].sum()) / float(self.size[at].sum())
        letter = self.kind
        method = f"{letter}-bar = all events / all {'units' if letter == 'p' else 'exposure'}; {self.kind} chart"
        return ControlLimits(self.kind, center, None, self.nsigma, name, n, method)

    def notes(self, limits: tuple[ControlLimits, ...]) -> Iterator[Note]:
        """Say where the normal approximation, or the assumption of pure chance, is doubtful."""
        for lim, (name, where) in zip(limits, self.layout.parts(), strict=True):
            at, n = self.taken(where)
            which = f" in phase {name!r}" if name else ""
            rest = 1.0 - lim.center if self.kind == "p" else 1.0
            if lim.center * rest == 0.0:
                text = (
                    f"every used point{which} is {lim.center:g}: the limits collapse, and any other value would signal"
                )
                yield Note("zero-variance", "serious", text + "; wait for more data or give limits=")
                continue
            expected = float(self.size[at].mean()) * min(lim.center, rest)
            if expected < FEW:
                text = f"{expected:.3g} events expected per point{which}, fewer than {FEW:g}: 3-sigma limits are rough"
                yield Note("few-expected", "warning", text + "; use longer periods or larger samples")
            if n > 1 and expected >= 1.0:  # with less the chi-square has no chi-square distribution
                gap = self.statistic[at] - lim.center
                chi2 = float((gap * gap * self.size[at]).sum()) / (lim.center * rest)
                pvalue = float(chi2_sf(chi2, n - 1))
                if chi2 > n - 1 and pvalue < 0.05:
                    text = f"points vary {chi2 / (n - 1):.3g} times as much as chance allows{which} (p = {pvalue:.2g})"
                    yield Note("overdispersed", "warning", text + ": the limits are too narrow if that is usual here")


@dataclass(frozen=True, slots=True)
class _Options:
    """What p and u charts have in common, as the caller gave it."""

    layers: Layers
    limits: object
    rules: object
    nsigma: float
    missing: str
    size_name: str


def _given(kind: str, o: _Options) -> ControlLimits | None:
    if o.limits is None:
        return None
    given = given_limits(o.limits, kind, o.nsigma, o.layers.baseline)
    if given.center < 0 or (kind == "p" and given.center > 1):
        wanted = "0 to 1" if kind == "p" else "zero or more"
        raise DataError(f"limits: centre {given.center:g} came; {wanted} is wanted for a {kind} chart")
    return given


def _chart(
    kind: str, counts: Callable[[object, object, str], Counts], data: object, columns: dict[str, object], o: _Options
) -> ControlChart:
    nsigma = check_number(o.nsigma, "nsigma", above=0.0)
    rules = rule_set(o.rules)
    given = _given(kind, o)
    got = read(data, columns, o.layers)
    source = got.values[o.size_name]
    x, n = counts(got.values["count"], source, o.missing)
    side, ratio, size = got.layers, x / n, own(n, source)
    layout = lay_out(ratio, side.phase, side.baseline, side.exclude, gaps=o.missing == "drop", estimate=given is None)
    fit = _Estimator(kind, x, size, ratio, layout, nsigma)
    limits, notes = set_limits(layout, given, fit)
    if given is None:
        notes = (*notes, *fit.notes(limits))
    method = f"{limits[-1].method}; limits at {limits[-1].nsigma:g} standard errors of each point"
    labels = got.labels or PointLabels(x.size)
    return assemble(TYPES[kind], Drawing(ratio, size, layout, limits, labels, rules, method, (*layout.notes, *notes)))


def p_chart(
    data: object,
    *,
    count: str | None = None,
    size: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    missing: str = "raise",
) -> ControlChart:
    """Chart the fraction of a sample that has some property: late, defective, reopened.

    For counts of units out of a known number of units, each either with the property or without. Not for several
    events on one unit (`u_chart`), and not as it stands for very large samples whose fraction varies more than chance
    would let it: a note says so.

    Parameters
    ----------
    data : array-like or frame
        Units with the property in each sample, or a table.
    count : str, optional
        Column of those counts, when `data` is a table.
    size : array-like, str or int
        Units in each sample (column, one number per point, or one for all).
    order_by : str or array-like, optional
        Column (table) or array to sort by; labels the points. Without it rows are in order and counted from 1.
    phase : str, array-like, optional
        Column or one label per point, or the positions at which new phases begin: each phase has its own limits.
    baseline : int, slice, array-like or str, optional
        Points the limits rest on: the first k, a slice, positions, or one true/false per row. A phase without a
        baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Points with a known special cause: shown, but neither used nor judged; runs stop at them.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart: nothing is estimated.
    rules : str, RuleSet or tuple of Rule
        ``"western_electric"``, ``"nelson"``, ``"none"``, or rules of your own; each point in its own zones.
    nsigma : float
        Distance of the limits from the centre, in standard errors.
    missing : {"raise", "drop"}
        ``"drop"`` keeps a missing count or size as a gap.

    Returns
    -------
    ControlChart
        Panel ``"p"``; notes ``"few-expected"`` and ``"overdispersed"`` where they apply.

    Raises
    ------
    DataError
        A count above its size, a size of zero, an option that cannot be used.
    TooFewData
        A phase has no point to rest limits on.

    Notes
    -----
    ``p_bar = sum(count) / sum(size)``; limits ``p_bar -+ nsigma * sqrt(p_bar * (1 - p_bar) / size_i)``, clipped to
    [0, 1].

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.2.2.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.3.2:

    >>> from qstats import p_chart
    >>> leaky = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13]
    >>> chart = p_chart([*leaky, 9, 6], size=50, rules="none")
    >>> round(chart.limits.center, 4), round(float(chart.panels["p"].upper[0]), 4)
    (0.2313, 0.4102)
    """
    options = _Options(Layers(order_by, phase, baseline, exclude), limits, rules, nsigma, missing, "size")
    return _chart("p", _p_counts, data, {"count": count, "size": size}, options)


def u_chart(
    data: object,
    *,
    count: str | None = None,
    exposure: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    missing: str = "raise",
) -> ControlChart:
    """Chart events per unit of exposure: complaints per thousand orders, defects per unit.

    For counts without an upper end, with an exposure that may vary from point to point; with a constant exposure it is
    the c chart in other units. Not for a fraction of units (`p_chart`); not for very rare events (most points zero).

    Parameters
    ----------
    data : array-like or frame
        Events in each period or sample, or a table.
    count : str, optional
        Column of those counts, when `data` is a table.
    exposure : array-like, str or float
        Exposure of each point in the unit of your choice (column, one number per point, or one for all); above zero.
    order_by, phase, baseline, exclude, limits, rules, nsigma, missing
        As in `p_chart`.

    Returns
    -------
    ControlChart
        Panel ``"u"``; notes ``"few-expected"`` and ``"overdispersed"`` where they apply.

    Raises
    ------
    DataError
        An exposure of zero, a negative or broken count, an option that cannot be used.
    TooFewData
        A phase has no point to rest limits on.

    Notes
    -----
    ``u_bar = sum(count) / sum(exposure)``; limits ``u_bar -+ nsigma * sqrt(u_bar / exposure_i)``, clipped at 0.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.3.1.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.3.1, defects on 25 wafers:

    >>> from qstats import u_chart
    >>> defects = [16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13]
    >>> chart = u_chart(defects, exposure=1)
    >>> [s.label for s in chart.signals if s.rule == "beyond limits"]
    ['24']
    """
    options = _Options(Layers(order_by, phase, baseline, exclude), limits, rules, nsigma, missing, "exposure")
    return _chart("u", _u_counts, data, {"count": count, "exposure": exposure}, options)
