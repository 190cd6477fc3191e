"""Charts that average over time: EWMA and moving average."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats.errors import DataError
from qstats.spc.build import ChartType, Drawn, Span
from qstats.spc.chart import ControlChart
from qstats.spc.charts.memory_fit import LevelFit, banded, checked, is_constant, judged, measure, put_back
from qstats.spc.door import Layers
from qstats.spc.flow import make_chart
from qstats.spc.kernels.recursions import ewma as weigh
from qstats.spc.kernels.recursions import ewma_variance_unequal, moving_average_size
from qstats.spc.kernels.recursions import moving_average as average
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout

__all__ = ["TYPES", "ewma", "moving_average"]

_FADED = 40.0  # exp(-40) is below the last digit of a float64: from there on the variance is its limit
_EWMA_REFERENCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.2"
_AVERAGE_REFERENCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.3"


def _variances(n: FloatArray, lam: float, v: float) -> tuple[FloatArray, float, float]:
    """Return the variance of the first averages, of all later ones, and of the last, for one value's variance 1."""
    if not is_constant(n):
        head, last = ewma_variance_unequal(n, lam, v)
        return head, last, last
    limit = lam / (2.0 - lam) / float(n[0])
    if v == limit or lam == 1.0:
        return np.empty(0), limit, limit
    fade = 2.0 * math.log1p(-lam)
    length = min(n.size, math.ceil(-_FADED / fade))
    t = np.arange(1.0, length + 1.0) * fade
    head = v * np.exp(t) - limit * np.expm1(t)
    return head, limit, float(head[-1]) if length == n.size else limit


def _draw_ewma(span: Span) -> Drawn:
    lim = span.limits
    lam = lim.number("lam")
    x, n, keep = judged(span)
    if not x.size:  # nothing to start from yet
        state = span.carry
        center = lim.center + (float(state[0]) if state is not None else 0.0)
        z = np.where(np.isnan(span.points["value"][span.where]), np.nan, center)
        v = float(state[1]) if state is not None else lam * lam
        return Drawn({"ewma": banded(span, z, np.empty(0), v)}, state)
    if span.carry is None:
        start, v = 0.0, lam / (2.0 - lam) / float(n[0]) if lim.parameters.get("steady_state") else 0.0
    else:
        start, v = float(span.carry[0]), float(span.carry[1])
    z, last = weigh(x, lam, center=lim.center, carry=start)
    head, rest, after = _variances(n, lam, v)
    if keep is not None:
        z = put_back(z, keep, lim.center + start)
        z[np.isnan(span.points["value"][span.where])] = np.nan
        head = np.concatenate((head, np.full(x.size - head.size, rest)))
        head = put_back(head, keep, v if v > 0.0 else float(head[0]))
    return Drawn({"ewma": banded(span, z, head, rest)}, (last, after))


def _draw_average(span: Span) -> Drawn:
    """Mean of all values in the last `span` points: sums of deviations over sums of sizes."""
    lim = span.limits
    width = int(lim.number("span"))
    x, n, keep = judged(span)
    old = (np.empty(0), np.empty(0)) if span.carry is None else (np.asarray(span.carry[0]), np.asarray(span.carry[1]))
    seen = old[1].size
    single = bool((old[1] == 1.0).all()) and x.size > 0 and is_constant(n) and n[0] == 1.0
    d = x - lim.center
    if single:
        m, tail = average(d, width, carry=old[0])
        total, sizes = moving_average_size(min(x.size, width), width, seen), np.ones(tail.size)
    else:
        d *= n
        m, tail = average(d, width, carry=old[0])
        size, sizes = average(n, width, carry=old[1])
        m /= size
        total = size * moving_average_size(x.size, width, seen)
    m += lim.center
    head = 1.0 / total
    if keep is not None:
        head = np.concatenate((head, np.full(x.size - head.size, 1.0 / width)))
        before = old[0].sum() / old[1].sum() if seen else 0.0
        m = put_back(m, keep, lim.center + float(before))
        m[np.isnan(span.points["value"][span.where])] = np.nan
        wide = 1.0 / float(old[1].sum()) if seen else (float(head[0]) if head.size else 1.0)
        head = put_back(head, keep, wide)
    return Drawn({"moving_average": banded(span, m, head, 1.0 / width)}, (tail, sizes))


TYPES = {
    "ewma": ChartType("ewma", measure, _draw_ewma, _EWMA_REFERENCE, run_rules=False, recursive=True),
    "moving_average": ChartType(
        "moving_average", measure, _draw_average, _AVERAGE_REFERENCE, run_rules=False, recursive=True
    ),
}


def _sized(parameters: dict[str, Parameter], size: object, constants: str) -> dict[str, Parameter]:
    if size is not None:
        parameters["size"] = "per point"
    if constants != "exact":
        parameters["constants"] = constants
    return parameters


def _describe_ewma(limits: ControlLimits) -> str:
    how = "asymptotic limits" if limits.parameters.get("steady_state") else "exact limits of each point"
    text = f"EWMA with weight {limits.number('lam'):g}; {limits.method}"
    return f"{text}; {how} at {limits.nsigma:g} standard errors"


def _describe_average(limits: ControlLimits) -> str:
    text = f"mean of the last {limits.number('span'):g} points; {limits.method}"
    return f"{text}; limits at {limits.nsigma:g} standard errors, wider where fewer points are averaged"


def ewma(
    data: object,
    *,
    values: str | None = None,
    size: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    nsigma: float = 3.0,
    lam: float = 0.2,
    sigma: object = "moving_range",
    target: float | None = None,
    steady_state: bool = False,
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart a running average that forgets slowly, to see small lasting shifts that single points hide (EWMA).

    For shifts of half a sigma to one and a half, which an individuals chart takes weeks to show, and for values that
    are not quite normal. Not for single outliers (`individuals` beside it), and not to find when a shift began
    (`cusum`).

    Parameters
    ----------
    data : array-like or frame
        Measurements, or means of subgroups with their `size`, in time order; or a table.
    values : str, optional
        Column of the measurements or means, when `data` is a table.
    size : array-like, str or int, optional
        How many measurements each value is the mean of (column, one number per point, or one for all).
    order_by : str or array-like, optional
        Column (table) or array to sort by; labels the points. Without it rows are in order and counted from 1.
    phase : str, array-like, optional
        Column or one label per point, or the positions at which new phases begin: in each the average begins anew.
    baseline : int, slice, array-like or str, optional
        Points the limits rest on: the first k, a slice, positions, or one true/false per row. A phase without a
        baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Points with a known special cause: neither used nor judged nor averaged; the average waits, and so do its
        limits. A gap does the same.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart: nothing is estimated.
    nsigma : float
        Distance of the limits from the centre, in standard errors of the average (L).
    lam : float
        Weight of the newest point, above 0 and at most 1; small weights find small shifts.
    sigma : str or float
        Standard deviation of one measurement in the unit of the data, or an estimator as in `individuals`. With `size`
        an estimator looks at the scatter of the means from point to point; pass the within-subgroup value to judge
        by that instead.
    target : float, optional
        Where the average starts and the centre line stands, instead of the mean.
    steady_state : bool
        True: limits as wide as they become in the end, from the first point on. They are too wide for the first ones.
    constants : {"exact", "table"}
        ``"table"`` takes the rounded constants of printed forms (1.128).
    missing : {"raise", "drop"}
        ``"drop"`` keeps a missing value as a gap.

    Returns
    -------
    ControlChart
        Panel ``"ewma"``. Neighbouring averages lean on one another: only single points beyond the limits are looked
        for.

    Raises
    ------
    DataError
        The data or an option cannot be used.
    TooFewData
        A phase has fewer than two moving ranges to estimate sigma from.

    Notes
    -----
    ``z_i = lam * x_i + (1 - lam) * z_(i-1)``, ``z_0`` the centre. Its variance is ``v_i = (1 - lam)**2 * v_(i-1) +
    lam**2 * sigma**2 / n_i``, which for equal sizes is ``sigma**2 / n * lam / (2 - lam) * (1 - (1 - lam)**(2 * i))``;
    limits ``center -+ nsigma * sqrt(v_i)``. With ``lam=0.2, nsigma=2.962`` a stable process signals once in 500 points.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.2, eqs. 9.22-9.28; Lucas &
    Saccucci (1990), Technometrics 32(1), 1-12.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.2.4:

    >>> from qstats import ewma
    >>> parts = [52, 47, 53, 49.3, 50.1, 47, 51, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6]
    >>> panel = ewma([*parts, 52.1], lam=0.3, target=50, sigma=2.0539, steady_state=True).panels["ewma"]
    >>> round(float(panel.statistic[-1]), 2), round(float(panel.upper[0]), 4), round(float(panel.lower[0]), 4)
    (51.99, 52.5884, 47.4116)
    """
    weight = check_number(lam, "lam", above=0.0)
    if weight > 1.0:
        raise DataError(f"lam: got {weight:g}; a weight above 0 and at most 1 is wanted")
    if not isinstance(steady_state, bool):
        raise DataError(f"steady_state: got {steady_state!r}; True or False is wanted")
    layers = Layers(order_by, phase, baseline, exclude)
    options: dict[str, tuple[object, object]] = {"lam": (weight, 0.2), "steady_state": (steady_state, False)}
    ready = checked("ewma", data, (values, size), layers, limits, nsigma, sigma, constants, target, options, missing)
    parameters = _sized({"lam": weight, "steady_state": steady_state}, size, constants)

    def fit(layout: Layout) -> LevelFit:
        return LevelFit("ewma", ready.points, layout, ready.by.nsigma, sigma, constants, ready.target, parameters)

    return make_chart(
        TYPES["ewma"],
        ready.points,
        ready.got.layers,
        ready.got.labels,
        ready.by,
        fit,
        gaps=missing == "drop",
        describe=_describe_ewma,
    )


def moving_average(
    data: object,
    *,
    values: str | None = None,
    size: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    nsigma: float = 3.0,
    span: int = 5,
    sigma: object = "moving_range",
    target: float | None = None,
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart the mean of the last few points, with limits that narrow as the window fills.

    For small shifts, where people want an average they can recompute by hand. An `ewma` finds them a little sooner and
    needs no window. Not for seeing single outliers, which stay in the window for `span` points.

    Parameters
    ----------
    data, values, size, order_by, phase, baseline, exclude, limits, nsigma, sigma, target, constants, missing
        As in `ewma`.
    span : int
        Points averaged; gaps and excluded points do not count.

    Returns
    -------
    ControlChart
        Panel ``"moving_average"``; only single points beyond the limits are looked for.

    Raises
    ------
    DataError
        The data or an option cannot be used.
    TooFewData
        A phase has fewer than two moving ranges to estimate sigma from.

    Notes
    -----
    The mean of all measurements in the last `span` points (of all so far, at the start of a phase); limits ``center
    -+ nsigma * sigma / sqrt(measurements in the window)``.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.3.

    Examples
    --------
    >>> from qstats import moving_average
    >>> panel = moving_average([9.45, 7.99, 9.29, 11.66, 12.16, 10.18], target=10, sigma=1).panels["moving_average"]
    >>> panel.statistic.round(2).tolist(), panel.upper.round(2).tolist()
    ([9.45, 8.72, 8.91, 9.6, 10.11, 10.26], [13.0, 12.12, 11.73, 11.5, 11.34, 11.34])
    """
    if isinstance(span, bool) or not isinstance(span, int) or not 2 <= span <= 1000:
        raise DataError(f"span: got {span!r}; a whole number of points from 2 to 1000 is wanted")
    layers = Layers(order_by, phase, baseline, exclude)
    options: dict[str, tuple[object, object]] = {"span": (span, 5)}
    ready = checked(
        "moving_average", data, (values, size), layers, limits, nsigma, sigma, constants, target, options, missing
    )
    parameters = _sized({"span": span}, size, constants)

    def fit(layout: Layout) -> LevelFit:
        return LevelFit(
            "moving_average", ready.points, layout, ready.by.nsigma, sigma, constants, ready.target, parameters
        )

    return make_chart(
        TYPES["moving_average"],
        ready.points,
        ready.got.layers,
        ready.got.labels,
        ready.by,
        fit,
        gaps=missing == "drop",
        describe=_describe_average,
    )
