"""Charts of short runs: many parts, few pieces of each, on one scale."""

from __future__ import annotations

from qstats._core.arrays import as_vector
from qstats._core.blocks import everywhere
from qstats._core.checks import check_choice
from qstats.errors import DataError
from qstats.spc.build import ChartType, Drawn, Span, own
from qstats.spc.chart import ControlChart
from qstats.spc.charts.between_within import moving_range_stretch
from qstats.spc.charts.short_run_fit import (
    POOLING,
    PartTable,
    RunFit,
    known_numbers,
    logarithms,
    nominals_of,
    part_codes,
    run_codes,
    standardised,
)
from qstats.spc.door import Layers, read
from qstats.spc.flow import Judging, judging, make_chart
from qstats.spc.limits import ControlLimits
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stretch import Varying

__all__ = ["TYPES", "short_run"]

_REFERENCE = (
    "Wheeler (1991), Short Run SPC; Farnum (1992), Control charts for short runs, Journal of Quality Technology 24(3), "
    "138-144"
)


def _measure(new: New, limits: ControlLimits) -> Points:
    if new.size is not None or new.target is not None:
        raise DataError("size: a short-run chart has neither size nor target; leave them out")
    if limits.parameters.get("pooling") == "by_run":
        raise DataError("limits: with pooling='by_run' every run has a sigma of its own and a new run has none; pool")
    if new.by is None:
        raise DataError("by: nothing came; the part of each new value is wanted")
    x = own(as_vector(new.values, "new", missing=new.missing), new.values)
    if limits.parameters.get("pooling") == "relative":
        logarithms(x)
    names, codes = part_codes(new.by, x.size, "by")
    table = PartTable.of(limits)
    return _points(x, table.places(names, "by")[codes])


def _points(x: object, codes: object) -> Points:
    value = as_vector(x, "data", missing="drop", least=0)
    return Points({"value": value, "part": as_vector(codes, "part")}, everywhere(1.0, value.size))


def _draw(span: Span) -> Drawn:
    lim = span.limits
    statistic = standardised(span.points["value"][span.where], span.points["part"][span.where], lim)
    sigma = lim.sigma or 0.0
    reach = lim.nsigma * sigma
    low, high = lim.center - reach, lim.center + reach
    main = Varying(span.start, span.stop, statistic, lim.center, sigma, low, high)
    name = "deviation" if lim.parameters.get("pooling") == "nominal" else "z"
    return Drawn({name: main, "moving_range": moving_range_stretch(span, statistic, sigma)})


TYPES = {"short_run": ChartType("short_run", _measure, _draw, _REFERENCE, lookback=lambda limits: 1)}


def _checked(layers: Layers, judged: tuple[object, object, float], options: tuple[object, ...]) -> Judging:
    limits, rules, nsigma = judged
    pooling, nominal, sigma, constants = options
    if pooling is not None:
        check_choice(pooling, "pooling", POOLING)
        if nominal is not None:
            raise DataError("pooling: given together with nominal, which pools all deviations; pass one of them")
    check_choice(constants, "constants", ("exact", "table"))
    if nominal is not None and not isinstance(sigma, str | float | int):
        raise DataError("sigma: deviations from nominal have one sigma; one number or an estimator is wanted")
    by = judging("short_run", layers, limits, rules, nsigma)
    if by.given is None:
        return by
    if pooling is not None or nominal is not None or sigma != "moving_range":
        raise DataError("limits: they hold means and sigmas; leave pooling, nominal and sigma out")
    if constants not in ("exact", by.given.constants):
        raise DataError(f"constants: got {constants!r} together with limits made otherwise; leave it out")
    if by.given.sigma is None:
        raise DataError("limits: they hold no sigma; a short-run chart needs one")
    if by.given.parameters.get("pooling") == "by_run":
        raise DataError("limits: with pooling='by_run' every run has a sigma of its own and a new run has none; pool")
    PartTable.of(by.given)
    return by


def _describe(limits: ControlLimits) -> str:
    what = "deviations from nominal" if limits.parameters.get("pooling") == "nominal" else "standardised values"
    return f"{what} and moving ranges of two; {limits.method}; limits at {limits.nsigma:g} sigma"


def short_run(
    data: object,
    *,
    values: str | None = None,
    part: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    pooling: str | None = None,
    nominal: object = None,
    sigma: object = "moving_range",
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart many parts made in short runs on one scale (Z-MR), or as deviations from nominal (DNOM).

    For job shops and mixed lines: no part alone fills a chart, but the process behind them is one. Not for long runs
    (`individuals` per part shows the unit of the data), nor for parts that share no process.

    Parameters
    ----------
    data : array-like or frame
        Measurements in time order, or a table.
    values : str, optional
        Column of the measurements, when `data` is a table.
    part : str or array-like
        Column, or one label per measurement: which part it is of.
    order_by, phase, baseline, exclude, limits, rules, nsigma, missing
        As in `individuals`.
    pooling : {"by_part", "constant", "relative", "by_run"}, optional
        Whose scatter is taken to be the same. ``"by_part"`` (if left out): each part has its own sigma, from all its
        runs. ``"constant"``: all parts share one. ``"relative"``: all share one after taking logarithms: scatter in
        proportion to size. ``"by_run"``: each run has its own; such limits cannot judge later runs.
    nominal : dict, str or array-like, optional
        Nominal value of each part (a dict, a column, or one number per measurement): the deviations from it are
        charted in the unit of the data instead, with one sigma for all parts.
    sigma : {"moving_range", "median_moving_range"}, float or dict
        How to estimate sigma, or the known one: for all parts, or by part (of the logarithms where ``"relative"``).
    constants : {"exact", "table"}
        ``"table"`` takes the rounded constants of printed forms (1.128).

    Returns
    -------
    ControlChart
        Panels ``"z"`` (or ``"deviation"``) and ``"moving_range"``; ``limits.parameters["parts"]`` holds name, mean and
        sigma of each part (or name and nominal). Later data give their parts as `by`.

    Raises
    ------
    DataError
        A part without a point to rest on, scatter of zero, values of zero or less under ``"relative"``.
    TooFewData
        Fewer than two moving ranges for a sigma.

    Notes
    -----
    ``z_i = (x_i - mean of its part) / sigma``, centre 0, limits ``-+ nsigma``; moving ranges of z between neighbours,
    centre ``d2(2)``, upper limit ``d2 + nsigma * d3``. Sigma is ``mean moving range / d2(2)``; the ranges are taken
    between successive pieces of the same part (``"by_part"``, over its runs), of the same run (``"by_run"``), or
    between successive deviations ``x - mean of its part`` of all pieces (``"constant"``; ``"relative"`` with log x
    for x). DNOM: individuals chart of ``x - nominal``, centred on the mean deviation.

    References
    ----------
    Wheeler (1991), Short Run SPC; Farnum (1992), Control charts for short runs: nonconstant process and measurement
    error, Journal of Quality Technology 24(3), 138-144.

    Examples
    --------
    >>> from qstats import short_run
    >>> chart = short_run([10.1, 9.8, 10.2, 20.3, 19.5, 20.1, 9.9, 10.0], part=list("AAABBBAA"), rules="none")
    >>> [(name, round(mean, 3), round(sigma, 3)) for name, mean, sigma in chart.limits.parameters["parts"]]
    [('A', 10.0, 0.244), ('B', 19.967, 0.62)]
    """
    layers = Layers(order_by, phase, baseline, exclude)
    by = _checked(layers, (limits, rules, nsigma), (pooling, nominal, sigma, constants))
    if part is None:
        raise DataError("part: nothing came; the part of each measurement is wanted")
    columns: dict[str, object] = {"values": values, "part": part}
    if nominal is not None and not isinstance(nominal, dict):
        columns["nominal"] = nominal
    got = read(data, columns, layers)
    x = own(as_vector(got.values["values"], "data", missing=missing), got.values["values"])
    names, codes = part_codes(got.values["part"], x.size, "part")
    mode = "nominal" if nominal is not None else pooling or "by_part"
    fit_options = None
    if "relative" in (mode, by.given and by.given.parameters.get("pooling")):
        logarithms(x)
    if by.given is None:
        known = known_numbers(sigma, names, "sigma")
        goals = None if nominal is None else nominals_of(got.values.get("nominal", nominal), names, codes)
        parts = codes
        if mode == "by_run":
            codes, parts = run_codes(codes), codes
        fit_options = (names, parts, sigma, known, goals)
    else:
        codes = PartTable.of(by.given).places(names, "part")[codes]
    points = _points(x, codes)

    def fit(layout: Layout) -> RunFit:
        assert fit_options is not None  # not called where limits were given
        return RunFit(points, layout, by.nsigma, mode, constants, *fit_options)

    return make_chart(
        TYPES["short_run"], points, got.layers, got.labels, by, fit, gaps=missing == "drop", describe=_describe
    )
