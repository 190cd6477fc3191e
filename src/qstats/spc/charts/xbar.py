"""Charts of rational subgroups: their means, and their ranges or standard deviations."""

from __future__ import annotations

from functools import partial
from numbers import Real

from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError
from qstats.spc.build import ChartType, Drawn, Span
from qstats.spc.chart import ControlChart
from qstats.spc.charts.subgroup_door import read_subgroups
from qstats.spc.charts.subgroup_fit import (
    SubgroupFit,
    dispersion_stretch,
    mean_stretch,
    measure_subgroups,
    needs_values,
    points_of,
    stats_of,
)
from qstats.spc.charts.subgroup_forms import Form
from qstats.spc.door import Layers
from qstats.spc.flow import Judging, judging, make_chart
from qstats.spc.kernels.robust import hodges_lehmann
from qstats.spc.kernels.sigma import SUBGROUP_SIGMA, known_sigma
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout

__all__ = ["TYPES", "xbar_r", "xbar_s"]

_SPREAD = {"xbar_r": "range", "xbar_s": "std"}
_DEFAULT = {"xbar_r": "rbar", "xbar_s": "mvlue_s"}
_CENTERS = ("mean", "hodges_lehmann")
_Options = tuple[object, object, str, str, str]
_SECTION = {"xbar_r": "6.2", "xbar_s": "6.3"}


def _draw(span: Span) -> Drawn:
    panel = _SPREAD[span.limits.kind]
    return Drawn({"xbar": mean_stretch(span), panel: dispersion_stretch(span, panel, span.limits.sigma or 0.0)})


def _type(kind: str) -> ChartType:
    reference = f"Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section {_SECTION[kind]}"
    return ChartType(kind, partial(measure_subgroups, spread=_SPREAD[kind]), _draw, reference)


TYPES = {kind: _type(kind) for kind in _SPREAD}


def _checked(kind: str, layers: Layers, judged: tuple[object, object, float], options: _Options) -> Judging:
    limits, rules, nsigma = judged
    sigma, target, constants, dispersion, middle = options
    known_sigma(sigma, SUBGROUP_SIGMA)
    check_choice(constants, "constants", ("exact", "table"))
    check_choice(dispersion, "dispersion_limits", ("sigma", "probability"))
    check_choice(middle, "center", _CENTERS)
    if middle != "mean" and (limits is not None or target is not None):
        raise DataError(f"center: got {middle!r} together with limits or target, which hold the centre; leave it out")
    by = judging(kind, layers, limits, rules, nsigma)
    if by.given is None:
        return by
    if sigma != _DEFAULT[kind]:
        raise DataError("sigma: given together with limits, which hold one; pass one of them")
    if by.given.sigma is None:
        raise DataError(f"limits: they hold no sigma; a chart of kind {kind!r} needs one")
    for name, value, default in (("constants", constants, "exact"), ("dispersion_limits", dispersion, "sigma")):
        if value not in (default, by.given.parameters.get(name, default)):
            raise DataError(f"{name}: got {value!r} together with limits made otherwise; leave it out")
    per_point = by.given.parameters.get("target") == "per point"
    if per_point != (target is not None):
        wanted = "they want a target for each subgroup" if per_point else "they hold the centre; leave target out"
        raise DataError(f"limits: {wanted}")
    return by


def _parameters(constants: str, dispersion: str, per_point: bool) -> dict[str, Parameter]:
    out: dict[str, Parameter] = {}
    if constants != "exact":
        out["constants"] = constants
    if dispersion != "sigma":
        out["dispersion_limits"] = dispersion
    if per_point:
        out["target"] = "per point"
    return out


def _describe(limits: ControlLimits) -> str:
    what = {"range": "ranges", "std": "standard deviations"}[_SPREAD[limits.kind]]
    text = f"subgroup means and {what}; {limits.method}; limits at {limits.nsigma:g} standard errors of each point"
    if limits.parameters.get("dispersion_limits") == "probability":
        text += f"; limits of the {what} at the same tail probabilities"
    return text


def _chart(
    kind: str,
    data: object,
    form: Form,
    layers: Layers,
    judged: tuple[object, object, float],
    options: _Options,
    missing: str,
) -> ControlChart:
    by = _checked(kind, layers, judged, options)
    sigma, target, constants, dispersion, middle = options
    per_point = target is not None and not isinstance(target, Real)
    center = check_number(target, "target") if target is not None and not per_point else None
    spread, robust = _SPREAD[kind], middle == "hodges_lehmann"
    form = Form(form.values, form.by, form.size, target if per_point else None)
    got = read_subgroups(data, form, layers, missing, moments=not robust and not needs_values(sigma))
    stats = stats_of(got, spread, sigma if by.given is None else None)
    points = points_of(stats, spread, got.target)
    more = _parameters(constants, dispersion, per_point)
    centers = hodges_lehmann(got.groups) if robust and got.groups is not None else None

    def fit(layout: Layout) -> SubgroupFit:
        return SubgroupFit(kind, points, stats, got.groups, layout, by.nsigma, sigma, constants, center, centers, more)

    gaps = missing == "drop"
    return make_chart(
        TYPES[kind], points, got.layers, got.labels, by, fit, gaps=gaps, describe=_describe, notes=got.notes
    )


def xbar_r(
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
    sigma: object = "rbar",
    target: object = None,
    center: str = "mean",
    dispersion_limits: str = "sigma",
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart the means and ranges of rational subgroups: a few parts an hour, the calls of a shift (X-bar and R).

    For subgroups of 2 to 10 values taken close together, so that within one only the noise of the process shows. Not
    for larger subgroups (`xbar_s`), single values (`individuals`), or where subgroups differ among themselves by more
    than their inner scatter even on good days, as batches do (`between_within`): the limits would be far too narrow.

    Parameters
    ----------
    data : array-like or frame
        One row per subgroup, shape (k, n) or rows of different lengths; or values in one column with `by` or `size`;
        or a table.
    values : str or list of str, optional
        In a table: the column of the values, or the columns that together make each row one subgroup.
    by : str or array-like, optional
        Column, or one label per value: equal labels are one subgroup, wherever they stand; subgroups come in order of
        first appearance (rows of a database without an order of their own: sorted by it).
    size : int, optional
        So many consecutive values are a subgroup.
    order_by : str or array-like, optional
        Column or array to sort the rows by first; labels the points where `by` does not.
    phase : str, array-like, optional
        Column, or one label per subgroup or per row, or the positions of subgroups at which new phases begin.
    baseline : int, slice, array-like or str, optional
        Subgroups the limits rest on: the first k, a slice, positions, or true/false per subgroup or row. A phase
        without a baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Subgroups with a known special cause: shown, but neither used nor judged; runs stop at them.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart: nothing is estimated.
    rules : str, RuleSet or tuple of Rule
        ``"western_electric"``, ``"nelson"``, another named set, or rules of your own. On the ranges only single points
        beyond the limits are looked for.
    nsigma : float
        Distance of the limits from the centre, in standard errors.
    sigma : str or float
        The known standard deviation of single values, or how to estimate it within subgroups: ``"rbar"`` (mean of
        R / d2, qcc's UWAVE-R), ``"mvlue_r"`` (the same, weighted; better where sizes differ), ``"sbar"``,
        ``"mvlue_s"``, ``"pooled"`` (qcc's UWAVE-SD, MVLUE-SD, RMSDF), ``"pooled_raw"``, or one that bears outliers:
        ``"median_range"``, ``"median_s"``, ``"shamos"``.
    target : float, array-like or str, optional
        Where the centre line stands instead of the grand mean: one number, or a target of its own for each subgroup
        (array or column); then what is judged is the distance from it.
    center : {"mean", "hodges_lehmann"}
        Where the centre line stands without `target` or `limits`: at the mean of all values, or, bearing outliers, at
        the mean of the subgroups' Hodges-Lehmann estimates (median of the means of all pairs), weighted by size. The
        points stay means. For subgroups of one or two values both are the same.
    dispersion_limits : {"sigma", "probability"}
        Limits of the ranges at `nsigma` of their standard deviations, or at the exact quantiles with the tail
        probability that `nsigma` has on a normal statistic: ranges are skewed.
    constants : {"exact", "table"}
        ``"table"`` takes the rounded constants of printed forms, n up to 25.
    missing : {"raise", "drop"}
        ``"drop"`` lowers the size of a subgroup by its missing values; one without any value stays as a gap.

    Returns
    -------
    ControlChart
        Panels ``"xbar"`` and ``"range"``; ``limits.sigma`` is that of single values, ``limits.df`` its effective
        degrees of freedom.

    Raises
    ------
    DataError
        The data or an option cannot be used; rows of one subgroup disagree about its phase.
    TooFewData
        A phase has no subgroup, or none of two values, to rest limits on.

    Notes
    -----
    Centre: sum of all values / their number. Limits ``center -+ nsigma * sigma / sqrt(n_i)``; ranges: centre ``d2(n_i)
    * sigma``, limits ``(d2(n_i) -+ nsigma * d3(n_i)) * sigma``, clipped at 0. Every point has the lines of its own
    size; a subgroup of one value has no range.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 6.2; Burr (1969), Control charts
    for measurements with varying sample sizes, Journal of Quality Technology 1(3), 163-167; Hodges &
    Lehmann (1963), Annals of Mathematical Statistics 34(2), 598-611 (robust centre).

    Examples
    --------
    >>> from qstats import xbar_r
    >>> chart = xbar_r([[5, 7, 6], [6, 8, 7], [5, 6, 4], [7, 6, 8]], rules="none")
    >>> chart.limits.center, round(chart.limits.sigma, 4), round(float(chart.panels["xbar"].upper[0]), 4)
    (6.25, 1.1816, 8.2967)
    """
    return _chart(
        "xbar_r",
        data,
        Form(values, by, size),
        Layers(order_by, phase, baseline, exclude),
        (limits, rules, nsigma),
        (sigma, target, constants, dispersion_limits, center),
        missing,
    )


def xbar_s(
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
    sigma: object = "mvlue_s",
    target: object = None,
    center: str = "mean",
    dispersion_limits: str = "sigma",
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart the means and standard deviations of rational subgroups (X-bar and S).

    For subgroups of any size, above all of more than 10 values or of different sizes. Not for single values
    (`individuals`), nor where subgroups differ among themselves by more than their inner scatter even on good days
    (`between_within`).

    Parameters
    ----------
    data, values, by, size, order_by, phase, baseline, exclude, limits, rules, nsigma, target, center, constants,
    missing
        As in `xbar_r`.
    sigma : str or float
        As in `xbar_r`; ``"mvlue_s"`` is the minimum-variance linear unbiased mean of s / c4, which for equal sizes is
        the mean of s / c4.
    dispersion_limits : {"sigma", "probability"}
        Limits of the standard deviations at `nsigma` of their own standard deviations, or at the exact chi-square
        quantiles with the tail probability that `nsigma` has on a normal statistic.

    Returns
    -------
    ControlChart
        Panels ``"xbar"`` and ``"std"``.

    Raises
    ------
    DataError
        The data or an option cannot be used; rows of one subgroup disagree about its phase.
    TooFewData
        A phase has no subgroup, or none of two values, to rest limits on.

    Notes
    -----
    Centre and limits of the means as in `xbar_r`; standard deviations: centre ``c4(n_i) * sigma``, limits ``(c4(n_i) -+
    nsigma * sqrt(1 - c4(n_i)**2)) * sigma``, clipped at 0. Every point has the lines of its own size.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 6.3; Burr (1969), Control charts
    for measurements with varying sample sizes, Journal of Quality Technology 1(3), 163-167; Hodges &
    Lehmann (1963), Annals of Mathematical Statistics 34(2), 598-611 (robust centre).

    Examples
    --------
    >>> from qstats import xbar_s
    >>> chart = xbar_s([[5, 7, 6], [6, 8, 7, 9], [5, 6, 4], [7, 6]], rules="none")
    >>> [round(float(v), 3) for v in chart.panels["std"].center]
    [1.067, 1.109, 1.067, 0.961]
    """
    return _chart(
        "xbar_s",
        data,
        Form(values, by, size),
        Layers(order_by, phase, baseline, exclude),
        (limits, rules, nsigma),
        (sigma, target, constants, dispersion_limits, center),
        missing,
    )
