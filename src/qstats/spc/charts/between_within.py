"""Charts of subgroups that differ among themselves even on good days: between and within, kept apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.bias import d2, d3
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawn, Span, center_of
from qstats.spc.chart import ControlChart
from qstats.spc.charts.subgroup_door import read_subgroups
from qstats.spc.charts.subgroup_fit import (
    SubgroupFit,
    check_finite,
    dispersion_stretch,
    measure_subgroups,
    needs_values,
    points_of,
    stats_of,
    within_sigma,
    zero_variance,
)
from qstats.spc.charts.subgroup_forms import Form
from qstats.spc.door import Layers
from qstats.spc.flow import Judging, judging, make_chart
from qstats.spc.kernels.moving_ranges import moving_ranges
from qstats.spc.kernels.sigma import MOVING_RANGE_SIGMA, SUBGROUP_SIGMA, SigmaEstimate, describe_sigma, known_sigma
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stretch import Flat, Varying

__all__ = ["TYPES", "between_within", "moving_range_stretch"]

_WITHIN = {"range": "rbar", "std": "mvlue_s"}
_REFERENCE = (
    "Janis (1990), Is your process too good for its control limits?, 44th ASQC Annual Quality Congress Transactions, "
    "1006-1011; Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 6.2"
)


def _measure(new: New, limits: ControlLimits) -> Points:
    if new.target is not None:
        raise DataError("target: a between/within chart has one centre; leave target out")
    return measure_subgroups(new, limits, _spread(limits))


def _spread(limits: ControlLimits) -> str:
    return str(limits.parameters.get("dispersion", "range"))


def moving_range_stretch(span: Span, statistic: FloatArray, sigma: float) -> Varying:
    """Return the moving ranges of two of a statistic whose standard deviation is `sigma`."""
    lim = span.limits
    center, scatter = d2(2, lim.constants) * sigma, d3(2, lim.constants) * sigma
    reach = lim.nsigma * scatter
    moves = moving_ranges(statistic, missing=span.broken)
    return Varying(span.start, span.stop, moves, center, scatter, max(center - reach, 0.0), center + reach)


def _draw(span: Span) -> Drawn:
    lim, mean = span.limits, span.points["mean"]
    sigma = lim.sigma or 0.0
    reach = lim.nsigma * sigma
    spread = _spread(lim)
    return Drawn(
        {
            "xbar": Flat(span.start, span.stop, mean, lim.center, sigma, lim.center - reach, lim.center + reach),
            "moving_range": moving_range_stretch(span, mean[span.where], sigma),
            spread: dispersion_stretch(span, spread, lim.number("sigma_within")),
        }
    )


TYPES = {"between_within": ChartType("between_within", _measure, _draw, _REFERENCE, lookback=lambda limits: 1)}


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Centre, and sigma within, of and between the subgroups of one phase after another."""

    base: SubgroupFit
    within: object
    spread: str

    def __call__(self, name: str, where: slice) -> ControlLimits:
        base = self.base
        at = base.taken(name, where)
        mean, n = base.points["mean"][at], base.points.size[at]
        with np.errstate(over="ignore", invalid="ignore"):
            inner = within_sigma(base.stats, base.groups, at, self.within, base.constants).sigma
            outer = self._of_means(base.points["mean"][where], base.layout.used[where], name)
            unit = max(inner, outer.sigma) or 1.0  # squares of very large or very small values leave the float64 range
            between = math.sqrt(max((outer.sigma / unit) ** 2 - (inner / unit) ** 2 * float((1.0 / n).mean()), 0.0))
            between *= unit
            center = center_of(mean)
        total = math.hypot(inner, between)
        check_finite(center, 10.0 * base.nsigma * (outer.sigma + total))
        parameters: dict[str, Parameter] = {
            **base.parameters,
            "sigma_within": inner,
            "sigma_between": between,
            "sigma_total": total,
        }
        text = f"of the means: {describe_sigma(base.sigma, base.constants)}; "
        text += f"within: {describe_sigma(self.within, base.constants)}"
        df = None if outer.df is None else float(outer.df)
        return ControlLimits("between_within", center, outer.sigma, base.nsigma, name, mean.size, text, parameters, df)

    def _of_means(self, mean: FloatArray, used: np.ndarray[tuple[int], np.dtype[np.bool_]], name: str) -> SigmaEstimate:
        known = known_sigma(self.base.sigma)
        if known is not None:
            return SigmaEstimate(known, None)
        ranges = moving_ranges(mean, missing=~used)
        ranges = ranges[~np.isnan(ranges)]
        if ranges.size < 2:
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(
                f"data: {ranges.size} moving ranges of means{which}; at least 2 are wanted, or pass sigma= or limits="
            )
        sigma = MOVING_RANGE_SIGMA[str(self.base.sigma)](ranges, self.base.constants)
        return SigmaEstimate(sigma, float(ranges.size))

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where nothing varies, or nothing varies between the subgroups beyond their inner noise."""
        out = list(zero_variance(limits, lambda lim: lim.sigma))
        none = [lim.phase for lim in limits if lim.sigma and lim.number("sigma_between") == 0.0]
        if none:
            which = f" in phase {', '.join(none)}" if any(none) else ""
            text = f"the means scatter no more than the values within subgroups explain{which}: sigma between is taken "
            out.append(Note("no-between-variation", "info", text + "as zero; an X-bar chart does as well"))
        return out


def _checked(
    layers: Layers, limits: object, rules: object, nsigma: float, options: tuple[object, object, str, str]
) -> Judging:
    sigma, within, dispersion, constants = options
    known_sigma(sigma)
    check_choice(dispersion, "dispersion", tuple(_WITHIN))
    check_choice(constants, "constants", ("exact", "table"))
    if within is not None:
        try:
            known_sigma(within, SUBGROUP_SIGMA)
        except DataError as problem:
            raise DataError(str(problem).replace("sigma:", "within:", 1)) from None
    by = judging("between_within", layers, limits, rules, nsigma)
    if by.given is None:
        return by
    if sigma != "moving_range" or within is not None:
        raise DataError("sigma: given together with limits, which hold one; leave sigma and within out")
    if by.given.sigma is None:
        raise DataError("limits: they hold no sigma; a between/within chart needs one")
    by.given.number("sigma_within")
    for name, value, default in (("dispersion", dispersion, "range"), ("constants", constants, "exact")):
        if value not in (default, by.given.parameters.get(name, default)):
            raise DataError(f"{name}: got {value!r} together with limits made otherwise; leave it out")
    return by


def _describe(limits: ControlLimits) -> str:
    what = {"range": "ranges", "std": "standard deviations"}[_spread(limits)]
    return f"subgroup means as single values, their moving ranges, and {what} within; {limits.method}"


def between_within(
    data: object,
    *,
    values: object = None,
    by: object = None,
    size: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    sigma: object = "moving_range",
    within: object = None,
    dispersion: str = "range",
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart subgroups whose means differ by nature: batches, heats, positions on a wafer (I-MR-R/S, three-way chart).

    The means are judged by their own scatter from one to the next, the inside of the subgroups by itself; an X-bar
    chart of such data signals nearly everywhere. Not where subgroups should be alike (`xbar_r`): a real difference
    between them would pass as usual.

    Parameters
    ----------
    data, values, by, size, order_by, phase, baseline, exclude, limits, rules, nsigma, constants, missing
        As in `xbar_r`. Moving ranges stop at excluded subgroups, gaps and phase boundaries.
    sigma : {"moving_range", "median_moving_range"} or float
        Standard deviation of the subgroup means: estimated from their moving ranges, or known.
    within : str or float, optional
        Standard deviation within subgroups: an estimator as in `xbar_r` (``"rbar"`` for ranges, ``"mvlue_s"`` for
        standard deviations, ``"pooled"``, ...), or known.
    dispersion : {"range", "std"}
        What the third panel shows of each subgroup.

    Returns
    -------
    ControlChart
        Panels ``"xbar"``, ``"moving_range"`` and ``"range"`` or ``"std"``; ``limits.sigma`` is that of the means,
        ``limits.parameters`` holds ``sigma_within``, ``sigma_between`` and ``sigma_total``.

    Raises
    ------
    DataError
        The data or an option cannot be used.
    TooFewData
        A phase has fewer than two moving ranges of means, or no subgroup of two values.

    Notes
    -----
    ``sigma_means = mean(MR of means) / d2(2)``; limits ``mean of means -+ nsigma * sigma_means``; ``sigma_between =
    sqrt(max(0, sigma_means**2 - sigma_within**2 / n))``, ``sigma_total = sqrt(sigma_within**2 + sigma_between**2)``.
    Where sizes differ n is their harmonic mean, as in JMP (Minitab takes the most frequent size).

    References
    ----------
    Janis (1990), Is your process too good for its control limits?, 44th ASQC Annual Quality Congress Transactions,
    1006-1011; Wheeler (1995), Advanced Topics in Statistical Process Control, chapter 10 (the three-way chart).

    Examples
    --------
    >>> from qstats import between_within
    >>> chart = between_within([[5, 7], [9, 8], [6, 6], [9, 10], [7, 5], [8, 10]], rules="none")
    >>> [round(chart.limits.number(name), 3) for name in ("sigma_within", "sigma_between")]
    [1.182, 2.524]
    """
    options = (sigma, within, dispersion, constants)
    layers = Layers(order_by, phase, baseline, exclude)
    by_ = _checked(layers, limits, rules, nsigma, options)
    spread = dispersion if by_.given is None else _spread(by_.given)
    inner = _WITHIN[spread] if within is None else within
    got = read_subgroups(data, Form(values, by, size), layers, missing, moments=not needs_values(inner))
    stats = stats_of(got, spread, inner if by_.given is None else None)
    points = points_of(stats, spread)
    more: dict[str, Parameter] = {"dispersion": spread}
    if constants != "exact":
        more["constants"] = constants

    def fit(layout: Layout) -> _Fit:
        base = SubgroupFit(
            "between_within", points, stats, got.groups, layout, by_.nsigma, sigma, constants, parameters=more
        )
        return _Fit(base, inner, spread)

    return make_chart(
        TYPES["between_within"],
        points,
        got.layers,
        got.labels,
        by_,
        fit,
        gaps=missing == "drop",
        describe=_describe,
        notes=got.notes,
    )
