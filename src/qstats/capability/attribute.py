"""Capability of a process that is counted, not measured: defective units, defects per unit, DPMO, process Z."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile
from qstats._core.result import Result
from qstats.capability.defects import MILLION, mapped
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rate_estimates import estimate_rate
from qstats.inference.rate_kernels import score_odds
from qstats.spc.chart import ControlChart
from qstats.spc.charts.attributes import p_chart, u_chart
from qstats.spc.charts.dispersion import dispersion_test

__all__ = ["AttributeCapability", "attribute_capability"]

_LEVEL = 0.05
_FEW = 20  # samples: fewer show little of how the process varies in time
_GRID = 1.02  # steps of the search for the number of units that settles it
_SOURCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 8.2; ISO 13053-1:2011, 7.2"


@dataclass(frozen=True, slots=True, eq=False)
class AttributeCapability(Result):
    """What a counted process delivers, how sure that is, and whether it is stable.

    Parameters
    ----------
    model : {"binomial", "poisson"}
        Defective units, or defects per unit.
    count, size : float
        All defects (defective units) and all units looked at.
    rate : Estimate
        Share defective, or defects per unit (DPU).
    ppm : Estimate
        Defective units, or defects, per million units.
    dpmo : Estimate or None
        Defects per million opportunities, where these are known.
    yield_ : Estimate
        Share of units without a defect; from DPU it is ``exp(-DPU)``.
    z : Estimate
        Standard normal deviate with the share of defective units above it: long-term Z.
    sigma_level : Estimate
        Z, of opportunities where they are known and of units else, plus `shift`.
    shift : float
    dispersion : float
        Variance between samples over what chance alone gives; NaN with one sample.
    pvalue : float
        Chance of so much scatter, or more, if chance were all.
    bound : Estimate or None
        One-sided bound of `rate` where a target is set: an upper one, or a lower one where the target is missed.
    target : float or None
        Highest rate wanted.
    verdict : {"met", "missed", "undecided", "no target"}
        Whether the whole one-sided interval lies on one side of the target.
    units_to_settle : float or None
        Units, those seen included, that would settle an undecided target if the rate stays as it is; infinite where
        it equals the target.
    chart : ControlChart
        The p or u chart of the same data.
    n : float
        Samples.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.attribute_capability/1"
    title: ClassVar[str] = "Attribute capability"

    model: str
    count: float
    size: float
    rate: Estimate
    ppm: Estimate
    dpmo: Estimate | None
    yield_: Estimate
    z: Estimate
    sigma_level: Estimate
    shift: float
    dispersion: float
    pvalue: float
    bound: Estimate | None
    target: float | None
    verdict: str
    units_to_settle: float | None
    chart: ControlChart
    n: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def stable(self) -> bool:
        """Whether no rule fired on the chart of the same data."""
        return self.chart.in_control

    def _estimates(self) -> list[tuple[str, Estimate]]:
        name = "share defective" if self.model == "binomial" else "defects per unit"
        found = [(name, self.rate), ("per million units", self.ppm)]
        found += [("DPMO", self.dpmo)] if self.dpmo is not None else []
        level = f"sigma level (Z + {self.shift:g})"
        return [*found, ("yield", self.yield_), ("process Z", self.z), (level, self.sigma_level)]

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("counted", f"{self.count:g} in {self.size:g} units, {self.n:g} samples")]
        rows += [(name, f"{e.estimate:.4g} {e.interval}") for name, e in self._estimates()]
        rows.append(("stable", "yes" if self.stable else f"no: {len(self.chart.signals)} signals"))
        if self.bound is not None:
            limits = self.bound.interval
            side = f"at least {limits.low:.4g}" if self.verdict == "missed" else f"at most {limits.high:.4g}"
            text = f"{self.verdict}: {side} with {limits.confidence:.0%} confidence"
            rows.append((f"target {self.target:g}", text))
        if self.units_to_settle is not None:
            rows.append(("units that would settle it", f"{self.units_to_settle:.3g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        found = self._estimates()
        return {
            "measure": [name for name, _ in found],
            "estimate": [e.estimate for _, e in found],
            "low": [e.interval.low for _, e in found],
            "high": [e.interval.high for _, e in found],
        }


def _scattered(x: float, n: float, phi: float, df: int, tail: float, model: str) -> Interval:
    """Score limits with the variance `phi` times that of chance and Student's t; `tail` on each side."""
    t = float(t_quantile(1.0 - tail, df)) * math.sqrt(phi)
    if model == "poisson":
        high = x + 0.5 * t * t + t * math.sqrt(x + 0.25 * t * t)
        return Interval(x * x / high / n if x else 0.0, high / n, 1.0 - 2.0 * tail)
    low, above = score_odds(np.array([x]), np.array([n]), t, t)
    with np.errstate(divide="ignore"):
        return Interval(float(1 / (1 + 1 / low[0])), float(1 / (1 + 1 / above[0])), 1.0 - 2.0 * tail)


@dataclass(frozen=True, slots=True)
class _Scatter:
    """Scatter between samples: variance ratio, its degrees of freedom, and p for more than chance gives."""

    phi: float
    df: int
    pvalue: float

    @property
    def matters(self) -> bool:
        return self.df > 0 and self.phi > 1.0 and self.pvalue < _LEVEL


def _scatter(x: FloatArray, n: FloatArray, model: str) -> _Scatter:
    rate = float(x.sum() / n.sum())
    spread = math.sqrt(rate * (1.0 - rate) if model == "binomial" else rate)
    if x.size < 2 or spread == 0.0:
        return _Scatter(math.nan, 0, math.nan)
    got = dispersion_test(x, n, rate, spread)
    return _Scatter(got.chi2 / got.df, got.df, got.more)


def _estimate(x: float, n: float, scatter: _Scatter, model: str, tail: float) -> Estimate:
    """The rate with an interval that leaves `tail` on each side."""
    confidence = 1.0 - 2.0 * tail
    if model == "binomial":
        plain = estimate_proportion(x, n, method="clopper-pearson", confidence=confidence)
    else:
        plain = replace(estimate_rate(x, n, method="exact", confidence=confidence), n=n)
    if not scatter.matters:
        return plain
    text = f"score, variance {scatter.phi:.3g} times that of chance, t with {scatter.df} df"
    source = "McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., sections 4.5 and 6.2.3"
    return replace(
        plain, interval=_scattered(x, n, scatter.phi, scatter.df, tail, model), method=text, reference=source
    )


def _settling(rate: float, seen: float, target: float, scatter: _Scatter, model: str, tail: float) -> float:
    """Units at which the bounds leave the target on one side, if the rate stays as it is: a search on a fine grid."""
    if rate == target:
        return math.inf
    steps = math.log(1e12 / seen) / math.log(_GRID) if seen < 1e12 else 0.0
    n = np.unique(np.floor(seen * _GRID ** np.arange(int(steps) + 1)))
    x = np.floor(rate * n) if rate > target else np.ceil(rate * n)  # the less lucky whole number
    if scatter.matters:
        limits = [_scattered(a, b, scatter.phi, scatter.df, tail, model) for a, b in zip(x, n, strict=True)]
        low, high = np.array([i.low for i in limits]), np.array([i.high for i in limits])
    else:
        many: Any = (
            estimate_proportion(x, n, method="clopper-pearson", confidence=1.0 - 2.0 * tail)
            if model == "binomial"
            else estimate_rate(x, n, method="exact", confidence=1.0 - 2.0 * tail)
        )
        low, high = many.interval.low, many.interval.high
    settled = high < target if rate < target else low > target
    return float(n[int(np.argmax(settled))]) if settled.any() else math.inf


def _to_z(share: Any) -> Any:
    return -scipy.special.ndtri(np.minimum(share, 1.0))


def _share_of_units(rate: Estimate, model: str) -> Estimate:
    if model == "binomial":
        return rate
    share: Estimate = mapped(rate, "share defective", lambda v: -np.expm1(-np.asarray(v))[()])
    return share


def _notes(scatter: _Scatter, x: FloatArray, chart: ControlChart, model: str) -> tuple[Note, ...]:
    notes = list(chart.notes)
    notes = [note for note in notes if note.code not in ("overdispersed", "underdispersed")]
    if not chart.in_control:
        text = f"the {chart.kind} chart of the same data has {len(chart.signals)} signals: these numbers describe the "
        text += "past, they do not promise the future; find the causes first"
        notes.append(Note("unstable", "serious", text))
    if scatter.matters:
        text = f"samples vary {scatter.phi:.3g} times as much as chance allows (p = {scatter.pvalue:.2g}); the "
        notes.append(Note("overdispersed", "warning", f"{text}intervals are widened accordingly"))
    if x.size < _FEW:
        text = f"{x.size} samples show little of how the process varies in time; {_FEW} or more are wanted"
        notes.append(Note("few-samples", "warning", text))
    if x.sum() == 0:
        what = "defective unit" if model == "binomial" else "defect"
        notes.append(Note("no-defect", "info", f"no {what} seen: only the upper limits say something"))
    return tuple(notes)


def attribute_capability(
    data: object,
    *,
    count: str | None = None,
    size: object = None,
    model: str = "binomial",
    opportunities: float | None = None,
    target: float | None = None,
    shift: float = 1.5,
    order_by: object = None,
    rules: object = "western_electric",
    confidence: float = 0.95,
    missing: str = "raise",
) -> AttributeCapability:
    r"""Say what a counted process delivers: share defective or defects per unit, ppm, DPMO, Z, each with its interval.

    Use it on samples in time order: units inspected and units found defective (``model="binomial"``), or units
    inspected and defects found (``model="poisson"``). The chart of the same data comes with it: an unstable process
    has no capability to speak of. Measured characteristics tell more with fewer units: `process_capability`.

    Parameters
    ----------
    data : array-like of shape (k,) or frame
        Counts of each sample, or a table with one row a sample.
    count : str, optional
        Column of counts, when `data` is a table.
    size : array-like of shape (k,), number or str
        Units looked at in each sample.
    model : {"binomial", "poisson"}
        Defective units (each good or bad), or defects (a unit may have several).
    opportunities : float, optional
        Places to go wrong on each unit: gives DPMO. With ``model="poisson"`` only.
    target : float, optional
        Highest share defective, or highest number of defects per unit, that is wanted.
    shift : float
        What the sigma level adds to Z; see `sigma_level`.
    order_by : str or array-like, optional
        What sorts the samples in time.
    rules : str, RuleSet or tuple of Rule
        Run rules of the chart.
    confidence : float
    missing : {"raise", "drop"}
        ``"drop"`` leaves out samples without a count or a size, with a note.

    Returns
    -------
    AttributeCapability

    Raises
    ------
    DataError
        A count above its size, a size of zero, an option that cannot be used.

    Notes
    -----
    Rate :math:`\hat p = \sum x_i / \sum n_i`, limits by Clopper and Pearson or by Garwood. Where the samples scatter
    more than chance allows (chi-square test, 5 %), limits are the roots of
    :math:`(x - n p)^2 = t^2 \hat\phi\, n\, v(p)` with :math:`v = p(1 - p)` or :math:`p`, as exact limits would be too
    short. All other numbers are monotone functions of the rate, and their limits go with it. The target is judged by
    one-sided limits of the same confidence.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 8.2; ISO 13053-1:2011, 7.2.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.3.2:

    >>> from qstats import attribute_capability
    >>> leaky = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13]
    >>> r = attribute_capability([*leaky, 9, 6], size=50, target=0.2)
    >>> round(r.rate.estimate, 4), r.stable, r.verdict
    (0.2313, False, 'missed')
    """
    check_choice(model, "model", ("binomial", "poisson"))
    confidence = check_confidence(confidence)
    shift = check_number(shift, "shift")
    places = _places(opportunities, model)
    if target is not None:
        target = check_number(target, "target", above=0.0, below=1.0 if model == "binomial" else math.inf)
    make = p_chart if model == "binomial" else u_chart
    layer: dict[str, Any] = {"order_by": order_by, "rules": rules, "missing": missing}
    exposure: dict[str, Any] = {"size" if model == "binomial" else "exposure": size}
    chart = make(data, count=count, **exposure, **layer)
    x, n = chart.columns["count"], chart.size
    seen = np.isfinite(x) & np.isfinite(n)
    x, n = x[seen], n[seen]
    scatter = _scatter(x, n, model)
    total, units = float(x.sum()), float(n.sum())
    rate = replace(_estimate(total, units, scatter, model, 0.5 * (1.0 - confidence)), name=_NAMES[model])
    share = _share_of_units(rate, model)
    per = mapped(rate, "DPMO", lambda v: v / places * MILLION) if places else None
    level_of = share if per is None else mapped(rate, "DPO", lambda v: v / places)
    bound, verdict, settle = _judged(rate, total, units, scatter, model, target, confidence)
    return AttributeCapability(
        model, total, units, rate, mapped(rate, "ppm", lambda v: v * MILLION), per,
        mapped(share, "yield", lambda v: 1.0 - v, falling=True), mapped(share, "process Z", _to_z, falling=True),
        mapped(level_of, "sigma level", lambda v: shift + _to_z(v), falling=True), shift, scatter.phi, scatter.pvalue,
        bound, target, verdict, settle, chart, float(x.size), rate.method, _SOURCE, _notes(scatter, x, chart, model),
    )  # fmt: skip


_NAMES = {"binomial": "share defective", "poisson": "defects per unit"}


def _places(opportunities: float | None, model: str) -> float | None:
    if opportunities is None:
        return None
    if model == "binomial":
        raise DataError("opportunities: with model='binomial' a unit is good or bad; count defects, model='poisson'")
    return check_number(opportunities, "opportunities", above=0.0)


def _judged(
    rate: Estimate, x: float, n: float, scatter: _Scatter, model: str, target: float | None, confidence: float
) -> tuple[Estimate | None, str, float | None]:
    if target is None:
        return None, "no target", None
    tail = 1.0 - confidence
    if not tail < 0.5:
        raise DataError(f"confidence: got {confidence:g}; a target needs one-sided limits of more than 50 % confidence")
    both = _estimate(x, n, scatter, model, tail).interval
    if both.low > target:
        top = 1.0 if model == "binomial" else math.inf
        return replace(rate, interval=Interval(both.low, top, confidence)), "missed", None
    bound = replace(rate, interval=Interval(0.0, both.high, confidence))
    if both.high < target:
        return bound, "met", None
    return bound, "undecided", _settling(rate.estimate, n, target, scatter, model, tail)
