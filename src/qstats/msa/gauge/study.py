"""gauge_rr: repeatability and reproducibility of a measurement system."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, frozen_array
from qstats._core.spec import Spec, as_spec
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.msa.gauge.components import groups_of
from qstats.msa.gauge.door import GaugeData, read_gauge
from qstats.msa.gauge.fit import Fit, Plan, fit_study
from qstats.msa.gauge.layout import Layout, lay_out
from qstats.msa.gauge.result import GaugeCells, GaugeComponent, GaugeStudy
from qstats.msa.gauge.verdicts import GaugeVerdict, monitor_verdict, ndc_verdict, percent_verdict

__all__ = ["CONVENTIONS", "checked_pool", "gauge_rr"]

CONVENTIONS: Mapping[str, float] = {"minitab": 0.05, "jasp": 0.05, "aiag": 0.25}  # where the interaction is pooled
_KEPT = 5000
_FORM = 1.41 / math.sqrt(2.0)  # forms count categories with 1.41
_PROBABLE = 0.6744897501960817  # half of a normal distribution lies within this many standard deviations


@dataclass(frozen=True, slots=True, eq=False)
class _Scales:
    """What the variation is set against."""

    multiplier: float
    tolerance: float | None
    tolerance_multiplier: float | None
    spec: Spec | None
    sigma_process: float | None


def gauge_rr(  # noqa: PLR0913 - roles, method, what to set the variation against, interval: each its own word
    data: object,
    *,
    values: object = None,
    part: object = None,
    operator: object = None,
    factors: Sequence[str] | Mapping[str, object] | None = None,
    design: str = "auto",
    method: str = "anova",
    pool: float | str | None = None,
    spec: Spec | Sequence[float | None] | None = None,
    tolerance: float | None = None,
    sigma_process: float | None = None,
    multiplier: float = 6.0,
    confidence: float = 0.95,
    interval: str = "auto",
    rng: object = None,
    constants: str = "exact",
    convention: str | None = None,
    missing: str = "raise",
) -> GaugeStudy:
    """How much of the measured variation is the gauge's, how much the operators', and is that little enough?

    Use it when several parts were each measured several times, by one or more operators. Not for a gauge checked on one
    reference part (that is bias), nor for pass/fail decisions (that is attribute agreement).

    Parameters
    ----------
    data : data frame or array-like
        A table with one measurement per row; or an array of parts x operators x repeats; or the measurements alone,
        with `part` and `operator` as arrays.
    values, part, operator : str or array-like
        Columns of a table; for measurements alone one label each. Without `operator` there was one.
    factors : sequence of str, or mapping of str to array-like, optional
        Further random factors (device, day, laboratory): an expanded study. All two-factor combinations that the data
        can show are looked at.
    design : {"auto", "crossed", "nested"}
        Nested: every operator measured parts of their own. ``"auto"`` takes parts that no two operators share for
        nested.
    method : {"anova", "average_range", "reml"}
        ``"anova"`` turns to REML by itself where cells differ in size or are empty, or there are further factors.
    pool : float or {"never", "always"}, optional
        The part x operator interaction joins the repeatability if its p-value is above this. Default 0.05.
    spec : Spec or pair, optional
        Specification. One limit: half the multiplier is set against the distance from the mean to the limit.
    tolerance : float, optional
        Width of the tolerance, in place of `spec`.
    sigma_process : float, optional
        Known standard deviation of the process, unit of the data.
    multiplier : float
        Standard deviations in a study variation: 6 (99.73 %) or 5.15 (99 %).
    confidence : float
        Of each interval by itself.
    interval : {"auto", "mls", "bootstrap", "profile"}
        Modified large sample; generalized intervals by redrawing the mean squares; profile of the restricted
        likelihood. ``"auto"``: the first for balanced studies, the last for REML.
    rng : optional
        Seed or generator for ``"bootstrap"``.
    constants : {"exact", "table"}
        Of the average-and-range method; ``"table"`` uses K factors of four decimals as forms print them.
    convention : {"minitab", "aiag", "jasp"}, optional
        Sets `pool` where it is not given: 0.05, 0.25, 0.05.
    missing : {"raise", "drop"}
        What to do with empty values or labels.

    Returns
    -------
    GaugeStudy

    Raises
    ------
    DataError
        A column is missing, has two roles or labels that never repeat; values that never vary; an option that does not
        go with the data.
    TooFewData
        Fewer than two parts or four measurements.

    Notes
    -----
    Crossed study of p parts, o operators, r repeats: ``repeatability = MS_E``, ``interaction = (MS_PO - MS_E) / r``,
    ``operator = (MS_O - MS_PO) / (p r)``, ``part = (MS_P - MS_PO) / (o r)``; F of parts and operators against the
    interaction. Pooled, MS_PO and MS_E are one. A component that comes out negative counts as zero and is noted; the
    raw value is kept. Percentages of the study are ratios of standard deviations, so they do not add up; contributions
    do. An interval is widened to hold its estimate where truncation moved the estimate out of it.
    With few operators no method knows reproducibility well: three operators leave two degrees of freedom, and the upper
    limits say so.

    References
    ----------
    AIAG (2010). Measurement Systems Analysis, 4th ed. Burdick, R. K., Borror, C. M. & Montgomery, D. C. (2005). Design
    and Analysis of Gauge R&R Studies. SIAM. Wheeler, D. J. (2006). EMP III. SPC Press.

    Examples
    --------
    Three parts, two operators, two repeats:

    >>> from qstats import gauge_rr
    >>> x = [[[9.8, 9.9], [9.9, 10.0]], [[10.5, 10.4], [10.6, 10.5]], [[11.2, 11.3], [11.4, 11.3]]]
    >>> study = gauge_rr(x, spec=(8.0, 13.0))
    >>> round(study.percent_study["gauge_rr"], 2), study.ndc_truncated
    (12.74, 10)
    >>> study.verdicts[0].state, study.verdicts[0].possible
    ('conditional', ('acceptable', 'conditional', 'unacceptable'))
    """
    if convention is not None:
        check_choice(convention, "convention", CONVENTIONS)
    if pool is None:
        pool = CONVENTIONS.get(convention or "", 0.05)
    plan = Plan(
        check_choice(method, "method", ("anova", "average_range", "reml")),
        checked_pool(pool),
        check_choice(interval, "interval", ("auto", "mls", "bootstrap", "profile")),
        check_confidence(confidence),
        check_choice(constants, "constants", ("exact", "table")),
        rng,
    )
    measured = read_gauge(data, values, part, operator, factors, missing)
    layout = lay_out(measured, design)
    fit = fit_study(measured, layout, plan)
    scales, notes = _scales(measured.center, spec, tolerance, sigma_process, multiplier)
    fixed = (*measured.notes, *layout.notes, *fit.notes, *notes)
    return _build(measured, layout, fit, scales, (plan.confidence, convention), fixed)


def checked_pool(pool: object) -> float | str:
    """Return the pooling rule, or say what is wanted."""
    if isinstance(pool, str):
        return check_choice(pool, "pool", ("never", "always"))
    if not isinstance(pool, Real) or isinstance(pool, bool):
        raise DataError(f"pool: got {pool!r}; a p-value such as 0.05 or 0.25, 'never' or 'always' is wanted")
    return check_number(pool, "pool", above=0.0, below=1.0)


def _scales(
    mean: float, spec: object, tolerance: object, sigma_process: object, multiplier: object
) -> tuple[_Scales, tuple[Note, ...]]:
    k = check_number(multiplier, "multiplier", above=0.0)
    sigma = None if sigma_process is None else check_number(sigma_process, "sigma_process", above=0.0)
    if spec is not None and tolerance is not None:
        raise DataError("tolerance: came together with spec=; pass one of them")
    if tolerance is not None:
        return _Scales(k, check_number(tolerance, "tolerance", above=0.0), k, None, sigma), ()
    if spec is None:
        return _Scales(k, None, None, None, sigma), ()
    limits = as_spec(spec)
    if limits.tolerance is not None:
        return _Scales(k, limits.tolerance, k, limits, sigma), ()
    low, high = limits.lower_spec, limits.upper_spec
    distance = high - mean if high is not None else mean - low if low is not None else 0.0
    if distance <= 0.0:
        text = f"the mean {mean:g} lies beyond the specification ({limits}): no percentage of the tolerance"
        return _Scales(k, None, None, limits, sigma), (Note("mean-beyond-limit", "serious", text),)
    text = f"one limit: {k / 2:g} standard deviations against its distance {distance:.4g} from the mean"
    return _Scales(k, distance, k / 2.0, limits, sigma), (Note("one-sided-tolerance", "info", text),)


class _Maker:
    """Makes estimates with intervals that all share their confidence and source."""

    def __init__(self, fit: Fit, confidence: float, n: int) -> None:
        self.fit, self.confidence, self.n = fit, confidence, n

    def interval(self, low: float, high: float, estimate: float) -> Interval:
        return Interval(min(low, estimate), max(high, estimate), self.confidence)

    def estimate(self, name: str, value: float, low: float, high: float) -> Estimate:
        around = self.interval(low, high, value)
        return Estimate(name, value, around, float(self.n), self.fit.interval_method, self.fit.reference)

    def through(self, name: str, e: Estimate, change: Callable[[float], float]) -> Estimate:
        return self.estimate(name, change(e.estimate), change(e.interval.low), change(e.interval.high))


def _components(fit: Fit, make: _Maker, scales: _Scales) -> dict[str, GaugeComponent]:
    groups = groups_of(list(fit.raw))
    kept = {name: max(v, 0.0) for name, v in fit.raw.items()}
    total = sum(kept.values())
    low, high = fit.engine.sums(list(groups.values()))
    named = [g for g in groups if g != "total"]
    share_low, share_high = fit.engine.shares([(groups[g], groups["total"]) for g in named])
    shares = {g: (float(share_low[i]), float(share_high[i])) for i, g in enumerate(named)} | {"total": (1.0, 1.0)}
    made = {}
    for i, (name, group) in enumerate(groups.items()):
        value = sum(kept[leaf] for leaf in group)
        variance = make.estimate("variance", value, float(low[i]), float(high[i]))
        share = make.estimate("share", 1.0 if name == "total" else value / total, *shares[name])
        made[name] = _component(name, variance, sum(fit.raw[leaf] for leaf in group), share, make, scales)
    return made


def _component(
    name: str, variance: Estimate, raw: float, share: Estimate, make: _Maker, scales: _Scales
) -> GaugeComponent:
    sd = make.through("standard deviation", variance, math.sqrt)
    k = scales.multiplier
    tolerance = process = None
    if scales.tolerance is not None and scales.tolerance_multiplier is not None:
        per = 100.0 * scales.tolerance_multiplier / scales.tolerance
        tolerance = make.through("per cent of tolerance", sd, lambda s: per * s)
    if scales.sigma_process is not None:
        sigma = scales.sigma_process
        process = make.through("per cent of process", sd, lambda s: 100.0 * s / sigma)
    return GaugeComponent(
        name,
        variance,
        raw,
        sd,
        make.through("study variation", sd, lambda s: k * s),
        make.through("per cent contribution", share, lambda x: 100.0 * x),
        make.through("per cent of study variation", share, lambda x: 100.0 * math.sqrt(x)),
        tolerance,
        process,
    )


def _ndc(share: float) -> float:
    """Return ``sqrt(2) PV / GRR`` from the gauge's share of the variance."""
    return math.inf if share <= 0.0 else math.sqrt(2.0 * max(1.0 - share, 0.0) / share)


def _build(
    data: GaugeData,
    layout: Layout,
    fit: Fit,
    scales: _Scales,
    said: tuple[float, str | None],
    notes: tuple[Note, ...],
) -> GaugeStudy:
    confidence, convention = said
    make = _Maker(fit, confidence, data.y.size)
    parts = _components(fit, make, scales)
    gauge = parts["gauge_rr"].percent_contribution
    ndc = _ndc(gauge.estimate / 100.0)
    ndc_interval = make.interval(_ndc(gauge.interval.high / 100.0), _ndc(gauge.interval.low / 100.0), ndc)
    icc = make.through("intraclass correlation", parts["part"].percent_contribution, lambda x: x / 100.0)
    alone = _without_bias(fit, make)
    error = _PROBABLE * parts["repeatability"].sd.estimate
    return GaugeStudy(
        design="expanded" if len(data.codes) > 2 else layout.kind,
        components=FrozenMapping(parts),
        ndc=ndc,
        ndc_interval=ndc_interval,
        ndc_truncated=None if math.isinf(ndc) else max(1, math.floor(_FORM * ndc)),
        anova=fit.anova,
        interaction_pvalue=fit.interaction_pvalue,
        pooled=fit.pooled,
        pooling=fit.pooling,
        icc=icc,
        icc_without_bias=alone,
        probable_error=error,
        increment=data.increment,
        effective_resolution=max(error, data.increment),
        verdicts=_verdicts(parts["gauge_rr"], ndc, ndc_interval, icc, alone),
        multiplier=scales.multiplier,
        tolerance=scales.tolerance,
        tolerance_multiplier=scales.tolerance_multiplier,
        spec=scales.spec,
        sigma_process=scales.sigma_process,
        mean=data.center,
        n=data.y.size,
        cells=_cells(data, layout),
        confidence=confidence,
        interval_method=fit.interval_method,
        resamples=fit.resamples,
        convention=convention,
        method=fit.method,
        reference=fit.reference,
        notes=(*notes, *_remarks(fit, parts, data.increment, error)),
    )


def _without_bias(fit: Fit, make: _Maker) -> Estimate:
    part, repeat = (max(fit.raw[name], 0.0) for name in ("part", "repeatability"))
    low, high = fit.engine.shares([(("part",), ("repeatability", "part"))])
    value = part / (part + repeat) if part + repeat > 0.0 else 0.0
    return make.estimate("intraclass correlation without bias", value, float(low[0]), float(high[0]))


def _verdicts(
    gauge: GaugeComponent, ndc: float, ndc_interval: Interval, icc: Estimate, alone: Estimate
) -> tuple[GaugeVerdict, ...]:
    as_printed = Interval(_FORM * ndc_interval.low, _FORM * ndc_interval.high, ndc_interval.confidence)
    found = [percent_verdict("percent_study", gauge.percent_study)]
    if gauge.percent_tolerance is not None:
        found.append(percent_verdict("percent_tolerance", gauge.percent_tolerance))
    if gauge.percent_process is not None:
        found.append(percent_verdict("percent_process", gauge.percent_process))
    found += [ndc_verdict(_FORM * ndc, as_printed), monitor_verdict("icc", icc)]
    return (*found, monitor_verdict("icc_without_bias", alone))


def _remarks(fit: Fit, parts: Mapping[str, GaugeComponent], increment: float, error: float) -> list[Note]:
    notes = []
    negative = {name: v for name, v in fit.raw.items() if v < 0.0}
    if negative:
        words = ", ".join(f"{name} {v:.4g}" for name, v in negative.items())
        notes.append(Note("negative-component", "info", f"estimated below zero and taken for zero: {words}"))
    if parts["gauge_rr"].variance.estimate == 0.0:
        text = "repeats never differ: the gauge reads too coarsely (or the values were rounded) to show its variation"
        notes.append(Note("no-gauge-variation", "serious", text))
    elif increment > 2.2 * error:
        text = f"measurements move in steps of {increment:.4g}, coarse beside the probable error {error:.4g}"
        notes.append(Note("coarse-increment", "warning", f"{text}; record one more digit"))
    between = parts.get("operator")
    if between is not None and between.variance.estimate > parts["part"].variance.estimate:
        text = "operators differ more than parts do: the parts were too alike, or part and operator are exchanged"
        notes.append(Note("parts-alike", "warning", text))
    return notes


def _cells(data: GaugeData, layout: Layout) -> GaugeCells:
    p, o = layout.count.shape
    cell = layout.part * o + layout.operator
    order = np.argsort(cell, kind="stable")
    y = data.y[order]
    count = layout.count.ravel()
    filled = count > 0
    starts = (np.cumsum(count) - count)[filled]
    mean, spread = np.full(p * o, np.nan), np.full(p * o, np.nan)
    mean[filled] = data.center + np.add.reduceat(y, starts) / count[filled]
    spread[filled] = np.maximum.reduceat(y, starts) - np.minimum.reduceat(y, starts)

    def by(codes: np.ndarray, size: int) -> FloatArray:
        return frozen_array(data.center + np.bincount(codes, data.y, size) / np.bincount(codes, minlength=size))

    keep = data.y.size <= _KEPT
    return GaugeCells(
        layout.part_labels,
        layout.operator_labels,
        frozen_array(layout.count),
        frozen_array(mean.reshape(p, o)),
        frozen_array(spread.reshape(p, o)),
        by(layout.part, p),
        by(layout.operator, o),
        frozen_array(data.center + data.y) if keep else None,
        frozen_array(layout.part, np.intp) if keep else None,
        frozen_array(layout.operator, np.intp) if keep else None,
    )
