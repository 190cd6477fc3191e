"""Charts of measured values, one at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats._core.bias import d2, d3
from qstats._core.blocks import everywhere, level_and_moves
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawn, Span, center_of, contiguous, own
from qstats.spc.chart import ControlChart
from qstats.spc.door import Layers, read
from qstats.spc.flow import Judging, judging, make_chart
from qstats.spc.kernels.sigma import INDIVIDUALS_SIGMA, SigmaEstimate, describe_sigma, known_sigma, moving_ranges
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stored import refuse_held
from qstats.spc.stretch import ROOM, Block, Computed, Flat, Stretch, Varying

__all__ = ["TYPES", "individuals"]

_REFERENCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 6.4"


def _measure(new: New, limits: ControlLimits) -> Points:
    if new.size is not None or new.by is not None:
        raise DataError("size: an individuals chart has neither size nor by; leave them out")
    per_point = limits.parameters.get("target") == "per point"
    if per_point != (new.target is not None):
        wanted = "one target per new point is wanted" if per_point else "the chart has one centre; leave target out"
        raise DataError(f"target: {wanted}")
    return _points(new.values, new.target, new.missing, "new")


def _points(values: object, target: object, missing: str, name: str) -> Points:
    x = own(as_vector(values, name, missing=missing), values)
    columns = {"value": x}
    if target is not None:
        columns["target"] = own(as_vector(target, "target"), target)
        if columns["target"].size != x.size:
            raise DataError(f"target: {columns['target'].size} values for {x.size} points; one each is wanted")
    return Points(columns, everywhere(1.0, x.size))


def _deviations(points: Points) -> FloatArray:
    """Values less their targets: what moves, where each point has a target of its own."""
    return points["value"] - points["target"] if "target" in points.columns else points["value"]


def _main(span: Span) -> Stretch:
    lim, x = span.limits, span.points["value"]
    sigma = lim.sigma or 0.0
    reach = lim.nsigma * sigma
    if "target" not in span.points.columns:
        low, high = lim.center - reach, lim.center + reach
        return Flat(span.start, span.stop, x, lim.center, sigma, low, high)
    center = span.points["target"][span.where] + lim.center
    return Varying(span.start, span.stop, x[span.where], center, sigma, center - reach, center + reach)


@dataclass(frozen=True, slots=True, eq=False)
class _Ranges:
    """Moving ranges of two, made block by block: storing them would cost more than everything else."""

    x: FloatArray
    start: int
    broken: BoolArray | None
    center: float
    scatter: float
    lower: float
    upper: float
    scratch: FloatArray

    def _steps(self, i: int, j: int) -> tuple[FloatArray, int]:
        """Return the steps to points ``i`` to ``j`` in scratch, and how many of them (0 or 1) the phase begins with."""
        out = self.scratch[: j - i] if j - i <= self.scratch.size else np.empty(j - i)
        k = 1 if i == self.start and j > i else 0
        with np.errstate(over="ignore"):  # an overflow is told where sigma is estimated
            np.subtract(self.x[i + k : j], self.x[i + k - 1 : j - 1], out=out[k:])
        if k:
            out[0] = np.nan
        return out, k

    def block(self, i: int, j: int) -> Block:
        """Return the ranges; none across a gap, an excluded point or the beginning of the phase."""
        out, k = self._steps(i, j)
        np.abs(out, out=out)
        if self.broken is not None:
            out[self.broken[i - self.start : j - self.start]] = np.nan
            out[k:][self.broken[i + k - 1 - self.start : j - 1 - self.start]] = np.nan
        return Block(out, self.center, self.scatter, self.lower, self.upper)

    def outside(self, i: int, j: int) -> npt.NDArray[np.intp]:
        """Return the points whose range is beyond the upper limit, without making the ranges."""
        steps, _ = self._steps(i, j)
        far = steps > self.upper
        far |= steps < -self.upper
        at = np.flatnonzero(far) + i
        if self.broken is None or not at.size:
            return at
        return at[~(self.broken[at - self.start] | self.broken[at - self.start - 1])]


def _ranges(span: Span) -> Stretch:
    lim = span.limits
    width = int(lim.parameters.get("span", 2))  # type: ignore[arg-type]
    sigma = lim.sigma or 0.0
    center, scatter = d2(width, lim.constants) * sigma, d3(width, lim.constants) * sigma
    upper = center + lim.nsigma * scatter
    x = _deviations(span.points)
    lower = max(center - lim.nsigma * scatter, 0.0)
    if width == 2:
        scratch = np.empty(min(ROOM, span.stop - span.start))
        made = _Ranges(x, span.start, span.broken, center, scatter, lower, upper, scratch)
        return Computed(span.start, span.stop, made.block, made.outside if lower == 0.0 else None)
    part = x[span.where]
    ranges = moving_ranges(part if span.broken is None else np.where(span.broken, np.nan, part), width)
    return Varying(span.start, span.stop, ranges, center, scatter, lower, upper)


def _draw(span: Span) -> Drawn:
    return Drawn({"individuals": _main(span), "moving_range": _ranges(span)})


def _lookback(limits: ControlLimits) -> int:
    return int(limits.parameters.get("span", 2)) - 1  # type: ignore[arg-type]


TYPES = {"individuals": ChartType("individuals", _measure, _draw, _REFERENCE, lookback=_lookback)}


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Centre and sigma of one phase after another."""

    points: Points
    layout: Layout
    nsigma: float
    sigma: object
    span: int
    constants: str
    target: float | None

    def __call__(self, name: str, where: slice) -> ControlLimits:
        x = _deviations(self.points)
        used = self.layout.used[where]
        run = contiguous(self.layout.used, where)
        values = x[where][used] if run is None else x[run]
        which = f" in phase {name!r}" if name else ""
        if values.size < 1:
            raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
        known = known_sigma(self.sigma, INDIVIDUALS_SIGMA)
        with np.errstate(over="ignore", invalid="ignore"):
            if known is None and run is not None and self.sigma == "moving_range" and self.span == 2:
                center, spread = self._plain(values, which)
            else:
                center = center_of(values)
                spread = SigmaEstimate(known, None) if known else self._estimate(x[where], values, used, which)
        center = center if self.target is None else self.target
        if not math.isfinite(abs(center) + 10.0 * self.nsigma * spread.sigma):
            raise DataError("data: values so large that their sums overflow; divide them by a power of ten first")
        how = describe_sigma(self.sigma, self.constants, self.span)
        df = None if spread.df is None else float(spread.df)
        return ControlLimits(
            "individuals", center, spread.sigma, self.nsigma, name, values.size, how, self._parameters(), df
        )

    def _parameters(self) -> dict[str, Parameter]:
        out: dict[str, Parameter] = {} if self.span == 2 else {"span": self.span}
        if self.constants != "exact":
            out["constants"] = self.constants
        if "target" in self.points.columns:
            out["target"] = "per point"
        return out

    def _plain(self, values: FloatArray, which: str) -> tuple[float, SigmaEstimate]:
        """Mean, and mean moving range of neighbours that are all there, in one pass and without storing one."""
        pairs = values.size - 1
        _enough(pairs, which)
        center, total = level_and_moves(values)
        if total == 0.0:  # the mean of equal values is their value, not a rounding step away from it
            center = float(values[0])
        return center, SigmaEstimate(total / pairs / d2(2, self.constants), float(pairs))

    def _estimate(self, x: FloatArray, values: FloatArray, used: BoolArray, which: str) -> SigmaEstimate:
        how = INDIVIDUALS_SIGMA[str(self.sigma)]
        if how.ranges == "none":
            return how.estimate(values, np.empty(0), self.span, self.constants)
        ranges = moving_ranges(x, self.span if how.ranges == "span" else 2, missing=~used)
        _enough(int(np.count_nonzero(~np.isnan(ranges))), which)
        return how.estimate(values, ranges, self.span, self.constants)

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where nothing varies."""
        flat = [lim.phase for lim in limits if lim.sigma == 0]
        if not flat:
            return ()
        which = f" in phase {', '.join(flat)}" if any(flat) else ""
        text = f"sigma is zero{which}: the limits fall on the centre line, and any other value would signal; "
        return (Note("zero-variance", "serious", text + "look at the resolution of the measurement, or pass sigma="),)


def _enough(pairs: int, which: str) -> None:
    if pairs < 2:
        raise TooFewData(f"data: {pairs} moving ranges{which}; at least 2 are wanted, or pass sigma= or limits=")


def _checked(
    layers: Layers,
    limits: object,
    rules: object,
    nsigma: float,
    sigma: object,
    target: object,
    held: dict[str, tuple[object, object]],
) -> Judging:
    known_sigma(sigma, INDIVIDUALS_SIGMA)
    by = judging("individuals", layers, limits, rules, nsigma)
    if by.given is None:
        return by
    if sigma != "moving_range":
        raise DataError("sigma: given together with limits, which hold one; pass one of them")
    if by.given.sigma is None:
        raise DataError("limits: they hold no sigma; an individuals chart needs one")
    refuse_held(by.given, held)
    per_point = by.given.parameters.get("target") == "per point"
    if per_point != (target is not None):
        wanted = "they want a target for each point" if per_point else "they hold the centre; leave target out"
        raise DataError(f"limits: {wanted}")
    return by


def _span(span: object) -> int:
    if isinstance(span, bool) or not isinstance(span, int) or not 2 <= span <= 100:
        raise DataError(f"span: got {span!r}; a whole number of points from 2 to 100 is wanted")
    return span


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
    span: int = 2,
    target: object = None,
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
        ``"western_electric"``, ``"nelson"``, another named set, or rules of your own. On the moving ranges only single
        points beyond the limits are looked for.
    nsigma : float
        Distance of the limits from the centre, in sigmas.
    sigma : str or float
        The known process standard deviation in the unit of the data, or an estimator: ``"moving_range"`` (mean moving
        range / d2), ``"median_moving_range"`` (bears outliers), ``"nelson1982"`` (mean of the moving ranges within
        their own limit; for matching tools that screen), ``"mssd"`` and ``"mssd_unbiased"`` (squared successive
        differences), ``"sd_c4"`` (overall scatter; blind to slow movement).
    span : int
        Points in each moving range.
    target : float, array-like or str, optional
        Where the centre line stands instead of the mean: one number, or a target of its own for each point (column or
        array); then what is judged is the distance from it.
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
    ``sigma = mean(MR) / d2(span)``, limits ``mean -+ nsigma * sigma``; moving ranges: centre ``d2 * sigma``, limits
    ``(d2 -+ nsigma * d3) * sigma``, clipped at 0. Moving ranges are not screened for outliers unless asked, and none is
    taken across a gap, an exclusion or a phase boundary.

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
    layers = Layers(order_by, phase, baseline, exclude)
    width = _span(span)
    held: dict[str, tuple[object, object]] = {"span": (width, 2), "constants": (constants, "exact")}
    by = _checked(layers, limits, rules, nsigma, sigma, target, held)
    per_point = target is not None and not isinstance(target, Real)
    center = check_number(target, "target") if isinstance(target, Real) and by.given is None else None
    got = read(data, {"values": values, **({"target": target} if per_point else {})}, layers)
    points = _points(got.values["values"], got.values.get("target"), missing, "data")

    def fit(layout: Layout) -> _Fit:
        return _Fit(points, layout, by.nsigma, sigma, width, constants, 0.0 if per_point else center)

    return make_chart(
        TYPES["individuals"], points, got.layers, got.labels, by, fit, gaps=missing == "drop", describe=_describe
    )


def _describe(limits: ControlLimits) -> str:
    width = int(limits.parameters.get("span", 2))  # type: ignore[arg-type]
    many = {2: "two", 3: "three", 4: "four", 5: "five"}.get(width, str(width))
    return f"individuals and moving ranges of {many}; {limits.method}; limits at {limits.nsigma:g} sigma"
