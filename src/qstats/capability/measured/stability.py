"""gauge_stability: does the gauge read a master part the same from week to week?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import Result, frozen_array
from qstats.capability.sample import Sample, read_sample
from qstats.errors import DataError, TooFewData
from qstats.inference.estimate import Estimate
from qstats.spc.chart import ControlChart
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.subgroup_forms import Form
from qstats.spc.charts.xbar import xbar_r, xbar_s

__all__ = ["GaugeStability", "gauge_stability"]

_LEAST = 3
_FEW = 20
_LARGE = 10  # from so many values in a subgroup on, ranges waste them
_REFERENCE = (
    "AIAG (2010), Measurement Systems Analysis, 4th ed., chapter III section A; Draper & Smith (1998), Applied "
    "Regression Analysis, 3rd ed., chapter 1"
)


@dataclass(frozen=True, slots=True, eq=False)
class GaugeStability(Result):
    """A master part measured over time.

    Parameters
    ----------
    chart : ControlChart
        X-bar and R (s from 11 values in a subgroup on), or individuals and moving range.
    drift : Estimate
        Slope of the means (of the values) from one point to the next, unit of the data.
    drift_statistic, drift_pvalue : float
        Student's t against no drift.
    drift_total : Estimate
        The slope times the number of steps: drift from the first to the last point.
    sigma_drift : Estimate or None
        Slope of the standard deviations of the subgroups (of the moving ranges over d2) from point to point; None where
        there are too few.
    sigma_pvalue : float or None
        Of no change of the scatter over time.
    between_statistic, between_pvalue : float or None
        F of the subgroup means against the scatter inside: does the gauge change between times by more than its
        repeatability? None for single values.
    sigma : float
        Standard deviation within subgroups (between neighbours), as on the chart.
    mean : Estimate
        From the scatter of the points, so that changes between times count.
    bias : Estimate or None
        Mean less reference.
    bias_pvalue : float or None
    order : ndarray, shape (points,)
        1, 2, ...
    line : ndarray, shape (points,)
        The drift line, for drawing.
    points, n : int
        Points on the chart, values in all.
    state : {"stable", "drifting", "unstable"}
        No signal and no drift found; a drift; signals on the chart without one.
    message : str
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.gauge_stability/1"
    title: ClassVar[str] = "Gauge stability"

    chart: ControlChart
    drift: Estimate
    drift_statistic: float
    drift_pvalue: float
    drift_total: Estimate
    sigma_drift: Estimate | None
    sigma_pvalue: float | None
    between_statistic: float | None
    between_pvalue: float | None
    sigma: float
    mean: Estimate
    bias: Estimate | None
    bias_pvalue: float | None
    order: FloatArray
    line: FloatArray
    points: int
    n: int
    state: str
    message: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def in_control(self) -> bool:
        """Whether the chart has no signal."""
        return self.chart.in_control

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("verdict", self.message),
            ("points", f"{self.points} of {self.n} values, {len(self.chart.signals)} signals"),
            ("drift a point", f"{_text(self.drift)}, p = {self.drift_pvalue:.3g}"),
            ("drift in all", _text(self.drift_total)),
            ("mean", _text(self.mean)),
        ]
        if self.bias is not None:
            rows.append(("bias", f"{_text(self.bias)}, p = {self.bias_pvalue:.3g}"))
        if self.sigma_drift is not None:
            rows.append(("change of sigma a point", f"{_text(self.sigma_drift)}, p = {self.sigma_pvalue:.3g}"))
        if self.between_pvalue is not None:
            rows.append(("between times", f"F = {self.between_statistic:.4g}, p = {self.between_pvalue:.3g}"))
        rows += [("sigma", f"{self.sigma:.4g}"), ("confidence", f"{self.drift.interval.confidence:.4g}")]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        panel = next(iter(self.chart.panels.values()))
        return {"label": list(self.chart.labels), "order": self.order, "value": panel.statistic, "line": self.line}


def _text(e: Estimate) -> str:
    return f"{e.estimate:.4g} {e.interval}"


def gauge_stability(
    data: object,
    *,
    reference: float | None = None,
    values: object = None,
    by: object = None,
    size: object = None,
    order_by: object = None,
    rules: object = "western_electric",
    confidence: float = 0.95,
    missing: str = "raise",
) -> GaugeStability:
    r"""Tell whether a gauge stays the same: the control chart of a master part, its drift, and its bias.

    Use it on a master part measured again and again over weeks, three to five times each: as subgroups, or once each
    time. Not for production parts (`xbar_r` of the process), nor for the first acceptance of a gauge (`gauge_type1`).

    Parameters
    ----------
    data : array-like or frame
        Readings in time order; or a matrix, a row for each time; or a table.
    reference : float, optional
        True value of the master, unit of the data.
    values, by, size, order_by
        As in `xbar_r`: column of the values, labels of the times, or how many consecutive values belong together.
    rules : str, RuleSet or tuple of Rule
        Run rules of the chart.
    confidence : float
    missing : {"raise", "drop"}

    Returns
    -------
    GaugeStability

    Raises
    ------
    DataError
        Readings that do not vary, text, missing values.
    TooFewData
        Fewer than three points.

    Notes
    -----
    Drift: least squares of the points on 1, 2, ..., k, so that changes between times are in its error; points count
    alike. The mean's interval is Student's t of the k points. A chart answers for steps and single points, the slope
    for slow drift that a chart of few points cannot see.

    References
    ----------
    AIAG (2010), Measurement Systems Analysis, 4th ed., chapter III section A. Draper & Smith (1998), Applied Regression
    Analysis, 3rd ed., chapter 1.

    Examples
    --------
    >>> from qstats import gauge_stability
    >>> rows = [[5.01, 5.0, 5.02], [5.0, 4.99, 5.01], [5.02, 5.0, 5.0], [4.99, 5.01, 5.0], [5.0, 5.01, 5.02]]
    >>> study = gauge_stability(rows, reference=5.0)
    >>> study.state, round(study.bias.estimate, 4)
    ('stable', 0.0053)
    """
    level = check_confidence(confidence)
    true = None if reference is None else check_number(reference, "reference")
    sample = read_sample(data, Form(values, by, size), order_by, missing, ("range",))
    if sample.m2 == 0.0:
        raise DataError(
            f"data: all readings are {sample.mean:g}; the steps of the scale are too coarse to show anything"
        )
    chart = _chart(data, sample, (values, by, size, order_by), rules, missing)
    return _study(chart, sample, true, level)


def _chart(data: object, sample: Sample, form: tuple[object, ...], rules: object, missing: str) -> ControlChart:
    values, by, size, order_by = form
    if sample.stats is None:
        column = values if values is None or isinstance(values, str) else None
        return individuals(data, values=column, order_by=order_by, rules=rules, missing=missing)
    make = xbar_s if float(sample.stats.n.max()) > _LARGE else xbar_r
    return make(data, values=values, by=by, size=size, order_by=order_by, rules=rules, missing=missing)


def _slope(y: FloatArray, name: str, level: float) -> tuple[Estimate, float, float, FloatArray]:
    """Return the slope of `y` (NaN: gap) on 1, 2, ..., its t and p-value, and the line."""
    at = np.arange(1.0, y.size + 1.0)
    there = ~np.isnan(y)
    x, v = at[there], y[there]
    center = x.mean()
    middle = float(v[0]) + float((v - v[0]).mean())
    dx, dv = x - center, v - middle
    sxx, df = float(np.dot(dx, dx)), x.size - 2.0
    slope = float(np.dot(dx, dv)) / sxx
    rest = dv - slope * dx
    error = math.sqrt(float(np.dot(rest, rest)) / df / sxx)
    reach = float(t_quantile(0.5 + 0.5 * level, df)) * error
    t = slope / error if error > 0.0 else math.copysign(math.inf, slope) if slope else 0.0
    limits = Interval(slope - reach, slope + reach, level)
    found = Estimate(name, slope, limits, x.size, "least squares", _REFERENCE)
    return found, t, float(min(1.0, 2.0 * t_sf(abs(t), df))), middle + slope * (at - center)


def _study(chart: ControlChart, sample: Sample, true: float | None, level: float) -> GaugeStability:
    main, other = list(chart.panels.values())[:2]
    y = np.asarray(main.statistic, dtype=np.float64)
    there = y[~np.isnan(y)]
    if there.size < _LEAST:
        raise TooFewData(f"data: {there.size} points; at least {_LEAST} are wanted, and 20 to see a drift")
    drift, t, pvalue, line = _slope(y, "drift a point", level)
    steps = y.size - 1.0
    low, high = steps * drift.interval.low, steps * drift.interval.high
    total = Estimate(
        "drift in all", steps * drift.estimate, Interval(low, high, level), drift.n, drift.method, _REFERENCE
    )
    scatter = _scatter(sample, np.asarray(other.statistic, dtype=np.float64), level)
    between = _between(sample)
    mean, bias, bias_pvalue = _level(there, true, level)
    state, message = _verdict(chart, pvalue, total, level)
    notes = (*chart.notes, *_notes(there.size, scatter, between))
    return GaugeStability(
        chart, drift, t, pvalue, total, None if scatter is None else scatter[0],
        None if scatter is None else scatter[1], None if between is None else between[0],
        None if between is None else between[1], float(chart.limits.sigma or 0.0), mean, bias, bias_pvalue,
        frozen_array(np.arange(1.0, y.size + 1.0)), frozen_array(line), there.size, sample.n, state, message,
        f"{chart.method}; drift by least squares", _REFERENCE, notes,
    )  # fmt: skip


def _scatter(sample: Sample, moves: FloatArray, level: float) -> tuple[Estimate, float] | None:
    """Return the slope of the scatter over time: standard deviations of the subgroups, or every other moving range."""
    if sample.stats is None:
        spread = np.full(moves.size, np.nan)
        spread[1::2] = moves[1::2] * (0.5 * math.sqrt(math.pi))  # neighbouring ranges share a value: every other one
    else:
        assert sample.stats.std is not None
        spread = np.where(sample.stats.n > 1.0, sample.stats.std, np.nan)
    there = spread[~np.isnan(spread)]
    if there.size < _LEAST or np.ptp(there) == 0.0:
        return None
    found, _, pvalue, _ = _slope(spread, "change of sigma a point", level)
    return found, pvalue


def _between(sample: Sample) -> tuple[float, float] | None:
    """Return F of the subgroup means and its p-value."""
    stats = sample.stats
    if stats is None or stats.mean is None or stats.std is None:
        return None
    some = stats.n > 0.0
    n, mean = stats.n[some], stats.mean[some]
    inner = float(np.where(n > 1.0, (n - 1.0) * np.square(np.where(n > 1.0, stats.std[some], 0.0)), 0.0).sum())
    df, df_inner = n.size - 1.0, float(n.sum()) - n.size
    if df_inner < 1.0 or not inner > 0.0:
        return None
    d = mean - sample.mean
    f = float((n * d * d).sum()) / df / (inner / df_inner)
    return f, float(scipy.special.fdtrc(df, df_inner, f))


def _level(y: FloatArray, true: float | None, level: float) -> tuple[Estimate, Estimate | None, float | None]:
    base = float(y[0])
    d = y - base
    off = float(d.mean())
    error = float(np.std(d, ddof=1)) / math.sqrt(y.size)
    reach = float(t_quantile(0.5 + 0.5 * level, y.size - 1.0)) * error

    def estimate(name: str, value: float) -> Estimate:
        limits = Interval(value - reach, value + reach, level)
        return Estimate(name, value, limits, y.size, "Student's t of the points", _REFERENCE)

    mean = estimate("mean", base + off)
    if true is None:
        return mean, None, None
    bias = (base - true) + off
    if error == 0.0:
        return mean, estimate("bias", bias), float(bias == 0.0)
    return mean, estimate("bias", bias), float(min(1.0, 2.0 * t_sf(abs(bias) / error, y.size - 1.0)))


def _verdict(chart: ControlChart, pvalue: float, total: Estimate, level: float) -> tuple[str, str]:
    signals = len(chart.signals)
    text = f"{signals} signals on the chart, drift in all {_text(total)}, p = {pvalue:.3g}"
    if pvalue < 1.0 - level:
        return "drifting", f"drifting: {text}"
    if signals:
        return "unstable", f"not stable: {text}; look at the first signal"
    most = max(abs(total.interval.low), abs(total.interval.high))
    return "stable", f"no instability found: {text}; a drift of {most:.3g} is not excluded"


def _notes(
    points: int, scatter: tuple[Estimate, float] | None, between: tuple[float, float] | None
) -> tuple[Note, ...]:
    out = []
    if points < _FEW:
        out.append(Note("few-points", "warning", f"{points} points; {_FEW} or more show what a gauge does over time"))
    if scatter is not None and scatter[1] < 0.05:
        text = f"the scatter changes over time (p = {scatter[1]:.2g})"
        out.append(Note("sigma-changes", "warning", text))
    if between is not None and between[1] < 0.01:
        text = f"the gauge differs between times by more than its repeatability (p = {between[1]:.2g})"
        out.append(Note("between-times", "warning", f"{text}: look for temperature, set-up, warming up"))
    return tuple(out)
