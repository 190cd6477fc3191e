"""Charts of measured values, one at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.bias import d2, d3
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.build import (
    ChartType,
    Drawing,
    assemble,
    center_of,
    contiguous,
    given_limits,
    own,
    panel_of,
    set_limits,
)
from qstats.spc.chart import ControlChart, ControlLimits, Panel
from qstats.spc.door import Layers, read
from qstats.spc.labels import PointLabels
from qstats.spc.phases import Layout, everywhere, lay_out
from qstats.spc.rules import rule_set
from qstats.spc.sigma import MOVING_RANGE_SIGMA, describe_sigma, known_sigma

__all__ = ["TYPES", "individuals"]

_REFERENCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 6.4"


def _ranges(x: FloatArray, layout: Layout) -> FloatArray:
    """Moving ranges of two; none across a gap, an excluded point or a phase boundary."""
    out = np.empty(x.size)
    with np.errstate(over="ignore"):  # an overflow is told where sigma is estimated
        np.subtract(x[1:], x[:-1], out=out[1:])
    np.abs(out[1:], out=out[1:])
    out[[0, *layout.ends[:-1]]] = np.nan
    if layout.excluded is not None:
        out[layout.excluded] = np.nan
        out[1:][layout.excluded[:-1]] = np.nan
    return out


def _used_values(x: FloatArray, ranges: FloatArray, layout: Layout, where: slice) -> tuple[FloatArray, FloatArray]:
    """Values a phase's limits rest on, and the moving ranges between neighbours among them."""
    run = contiguous(layout.used, where)
    if run is not None:
        return x[run], ranges[run.start + 1 : run.stop]
    used = layout.used[where]
    return x[where][used], ranges[where][1:][used[1:] & used[:-1]]


@dataclass(frozen=True, slots=True, eq=False)
class _Estimator:
    """Centre and sigma of one phase after another."""

    x: FloatArray
    ranges: FloatArray
    layout: Layout
    sigma: object
    constants: str
    nsigma: float

    def __call__(self, name: str, where: slice) -> ControlLimits:
        values, moves = _used_values(self.x, self.ranges, self.layout, where)
        which = f" in phase {name!r}" if name else ""
        known = known_sigma(self.sigma)
        if values.size < 1:
            raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
        if known is None and moves.size < 2:
            wanted = "at least 2 are wanted, or pass sigma= or limits="
            raise TooFewData(f"data: {moves.size} moving ranges{which}; {wanted}")
        with np.errstate(over="ignore", invalid="ignore"):
            center = center_of(values)
            spread = MOVING_RANGE_SIGMA[str(self.sigma)](moves, self.constants) if known is None else known
        if not math.isfinite(abs(center) + 10.0 * self.nsigma * spread):
            raise DataError("data: values so large that their sums overflow; divide them by a power of ten first")
        how = describe_sigma(self.sigma, self.constants)
        return ControlLimits("individuals", center, spread, self.nsigma, name, values.size, how)


def _range_panel(d: Drawing) -> Panel:
    width, scatter = d2(2, d.constants), d3(2, d.constants)
    levels = [(width * lim.sigma, scatter * lim.sigma, lim.nsigma) for lim in d.limits if lim.sigma is not None]
    ranges = _ranges(d.statistic, d.layout) if d.second is None else d.second
    return panel_of("moving_range", ranges, d.layout, levels, (0.0, math.inf))


def _error(limits: ControlLimits, size: FloatArray) -> float:
    assert limits.sigma is not None  # checked where limits come in
    return limits.sigma


def _measure(values: object, size: object, missing: str) -> tuple[FloatArray, FloatArray]:
    if size is not None:
        raise DataError("size: an individuals chart has none; leave it out")
    x = own(as_vector(values, "data", missing=missing), values)
    return x, everywhere(1.0, x.size)


TYPES = {"individuals": ChartType("individuals", _measure, _error, _REFERENCE, second=_range_panel)}


def _flat_notes(limits: tuple[ControlLimits, ...]) -> tuple[Note, ...]:
    flat = [lim.phase for lim in limits if lim.sigma == 0]
    if not flat:
        return ()
    which = f" in phase {', '.join(flat)}" if any(flat) else ""
    text = f"sigma is zero{which}: the limits fall on the centre line, and any other value would signal; "
    return (Note("zero-variance", "serious", text + "look at the resolution of the measurement, or pass sigma="),)


def _known_limits(limits: object, sigma: object, nsigma: float, baseline: object) -> ControlLimits:
    given = given_limits(limits, "individuals", nsigma, baseline)
    if sigma != "moving_range":
        raise DataError("sigma: given together with limits, which hold one; pass one of them")
    if given.sigma is None:
        raise DataError("limits: they hold no sigma; an individuals chart needs one")
    return given


def individuals(
    data: object,
    *,
    values: str | None = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    sigma: object = "moving_range",
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart single measurements in time order, with their moving ranges (I-MR, XmR).

    For one value per period or per unit: a daily mean handling time, a monthly cost, a batch yield. Not for counts or
    fractions whose sample size varies (`p_chart`, `u_chart`), and not for values that follow on one another (hourly
    readings of a slow process): their moving ranges are too small and the limits too narrow.

    Parameters
    ----------
    data : array-like or frame
        Measurements in time order, or a table.
    values : str, optional
        Column of the measurements, when `data` is a table.
    order_by : str or array-like, optional
        Column (table) or array to sort by; labels the points. Without it rows are in order and counted from 1.
    phase : str, array-like, optional
        Column or one label per point, or the positions at which new phases begin: each phase has its own limits.
    baseline : int, slice, array-like or str, optional
        Points the limits rest on: the first k, a slice, positions, or one true/false per row. A phase without a
        baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Points with a known special cause: shown, but neither used nor judged; runs and moving ranges stop at them.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart: nothing is estimated.
    rules : str, RuleSet or tuple of Rule
        ``"western_electric"``, ``"nelson"``, ``"none"``, or rules of your own. Only single points beyond the limits are
        looked for on the moving ranges.
    nsigma : float
        Distance of the limits from the centre, in sigmas.
    sigma : {"moving_range", "median_moving_range"} or float
        Estimator, or the known process standard deviation in the unit of the data.
    constants : {"exact", "table"}
        ``"table"`` takes the rounded constants of printed forms (1.128).
    missing : {"raise", "drop"}
        ``"drop"`` keeps a missing value as a gap.

    Returns
    -------
    ControlChart
        Panels ``"individuals"`` and ``"moving_range"``.

    Raises
    ------
    DataError
        The data or an option cannot be used.
    TooFewData
        A phase has fewer than two moving ranges to estimate sigma from.

    Notes
    -----
    ``sigma = mean(MR) / d2(2)``, limits ``mean -+ nsigma * sigma``; moving ranges: centre ``d2 * sigma``, upper limit
    ``(d2 + nsigma * d3) * sigma``. Moving ranges are never screened for outliers.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 6.4.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.2.2:

    >>> from qstats import individuals
    >>> chart = individuals([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1], constants="table")
    >>> panel = chart.panels["individuals"]
    >>> round(float(panel.upper[0]), 4), round(float(panel.lower[0]), 4), chart.in_control
    (55.8041, 45.8159, True)
    """
    check_choice(constants, "constants", ("exact", "table"))
    rule = rule_set(rules)
    known_sigma(sigma)
    given = None if limits is None else _known_limits(limits, sigma, nsigma, baseline)
    got = read(data, {"values": values}, Layers(order_by, phase, baseline, exclude))
    x, ones = _measure(got.values["values"], None, missing)
    side = got.layers
    layout = lay_out(x, side.phase, side.baseline, side.exclude, gaps=missing == "drop", estimate=given is None)
    ranges = _ranges(x, layout)
    fit = _Estimator(x, ranges, layout, sigma, constants, check_number(nsigma, "nsigma", above=0.0))
    used, notes = set_limits(layout, given, fit)
    method = f"individuals and moving ranges of two; {used[-1].method}; limits at {used[-1].nsigma:g} sigma"
    labels = got.labels or PointLabels(x.size)
    notes = (*layout.notes, *notes, *_flat_notes(used))
    return assemble(
        TYPES["individuals"], Drawing(x, ones, layout, used, labels, rule, method, notes, constants, ranges)
    )
