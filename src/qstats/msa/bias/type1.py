"""gauge_type1: one operator, one reference part, many readings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.noncentral_t import nct_delta
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile, normal_sf
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.msa.bias.common import center_and_spread, rescaled, shown, t_estimate, t_pvalue
from qstats.msa.bias.door import check_center, check_tolerance, read_one

__all__ = ["CONVENTIONS", "Type1Study", "gauge_type1"]

CONVENTIONS: Mapping[str, float] = {"minitab": 6.0, "vda": 4.0}  # standard deviations in a study variation
_FEW = 25
_FINE = 5.0  # per cent of the tolerance that one step of the scale may be
_RANDOM = 0.01
_REFERENCE = (
    "Dietrich & Schulze (2011), Statistical Procedures for Machine and Process Qualification, chapter on measurement "
    "processes; ISO 22514-7"
)
_SPREAD = "chi-square of s", "Kotz & Lovelace (1998), Process Capability Indices in Theory and Practice, section 2.2"
_TWO_SIDES = (
    "noncentral t for either side; lower limit by intersection-union, upper by Bonferroni",
    "Kushler & Hurley (1992), Journal of Quality Technology 24(4), 188-195; Berger (1982), Technometrics 24, 295-300",
)


@dataclass(frozen=True, slots=True, eq=False)
class Type1Study(Result):
    """How far a gauge scatters, and how far it is off, on one part whose value is known.

    Parameters
    ----------
    cg : Estimate
        ``(k / 100 * tolerance) / (spread * s)``: room for the scatter.
    cgk : Estimate
        ``(k / 200 * tolerance - |bias|) / (spread / 2 * s)``: the same with the bias.
    bias : Estimate
        Mean less reference, in the unit of the data.
    statistic, pvalue : float
        Student's t of the bias, two-sided.
    percent_repeatability, percent_repeatability_bias : Estimate
        ``k / Cg`` and ``k / Cgk``: per cent of the tolerance; infinite where Cgk is not above zero.
    sigma : Estimate
        Standard deviation of the readings.
    mean, reference_value, tolerance, k, spread, required : float
        What the study rests on.
    resolution : float
        One step of the scale: as given, or the smallest gap between two different readings.
    percent_resolution : float
        Of the tolerance; 5 are allowed.
    order_pvalue : float or None
        Of the hypothesis that the readings follow on one another at random (von Neumann's ratio); None under 8.
    state : {"capable", "not_shown", "not_capable"}
        Lower limits of Cg and Cgk both reach `required`; an upper limit does not; or neither is so.
    message : str
        The state in words.
    values : ndarray, shape (n,)
        The readings in their order.
    lower_line, upper_line : float
        ``reference +- k / 200 * tolerance``, for the run chart.
    n : int
    convention : str or None
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.type1_study/1"
    title: ClassVar[str] = "Type 1 gauge study"

    cg: Estimate
    cgk: Estimate
    bias: Estimate
    statistic: float
    pvalue: float
    percent_repeatability: Estimate
    percent_repeatability_bias: Estimate
    sigma: Estimate
    mean: float
    reference_value: float
    tolerance: float
    k: float
    spread: float
    required: float
    resolution: float
    percent_resolution: float
    order_pvalue: float | None
    state: str
    message: str
    values: FloatArray
    lower_line: float
    upper_line: float
    n: int
    convention: str | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def capable(self) -> bool:
        """Whether the study shows the gauge capable."""
        return self.state == "capable"

    @property
    def confidence(self) -> float:
        """Confidence of each interval."""
        return self.cg.interval.confidence

    def _estimates(self) -> tuple[Estimate, ...]:
        return (
            self.cg, self.cgk, self.bias, self.sigma, self.percent_repeatability, self.percent_repeatability_bias,
        )  # fmt: skip

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("verdict", self.message), ("readings", f"{self.n} of a part of {self.reference_value:.6g}")]
        rows += [(e.name, shown(e)) for e in self._estimates()]
        rows.append(("bias, test", f"t = {self.statistic:.4g}, p = {self.pvalue:.4g}"))
        rows.append(("resolution", f"{self.resolution:.4g}, {self.percent_resolution:.3g} % of the tolerance"))
        rows.append(("confidence of each interval", f"{self.confidence:.4g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        parts = self._estimates()
        return {
            "quantity": [e.name for e in parts],
            "estimate": [e.estimate for e in parts],
            "low": [e.interval.low for e in parts],
            "high": [e.interval.high for e in parts],
            "method": [e.method for e in parts],
        }


def gauge_type1(
    data: object,
    *,
    reference: float,
    tolerance: float | None = None,
    spec: object = None,
    values: str | None = None,
    k: float = 20.0,
    spread: float | None = None,
    required: float = 1.33,
    resolution: float | None = None,
    confidence: float = 0.95,
    convention: str | None = None,
    missing: str = "raise",
) -> Type1Study:
    r"""Tell whether a gauge is good enough to begin with: Cg and Cgk from readings of one known part.

    Use it first, before operators and parts come in: 50 (at least 25) readings of one reference part, one operator,
    part taken out and put back each time, in time order. Not for judging the whole measurement process: that is
    `gauge_rr`; nor for a gauge that has several working points: that is `gauge_linearity`.

    Parameters
    ----------
    data : array-like or frame
        Readings in the order they were taken, or a table.
    reference : float
        The part's true value, unit of the data.
    tolerance : float, optional
        Width of the tolerance the gauge will serve, unit of the data.
    spec : Spec or pair of float, optional
        Specification, in place of `tolerance`.
    values : str, optional
        Column of the readings, where data is a table.
    k : float
        Per cent of the tolerance that the gauge may use.
    spread : float, optional
        Standard deviations in the study variation: 6 (default), 4 or 3, or any other.
    required : float
        What Cg and Cgk are to reach.
    resolution : float, optional
        One step of the gauge's scale; left out it is the smallest gap between two different readings.
    confidence : float
        Two-sided, of each interval.
    convention : {"minitab", "vda"}, optional
        Sets `spread` where it is not given: 6 and 4.
    missing : {"raise", "drop"}

    Returns
    -------
    Type1Study

    Raises
    ------
    DataError
        No tolerance, all readings equal, text, missing values.
    TooFewData
        Fewer than two readings.

    Notes
    -----
    :math:`C_g = (k/100) T / (m s)` and :math:`C_{gk} = ((k/200) T - |\bar x - x_m|) / (m s / 2)` with m = `spread`. Cg
    has the chi-square interval of s. Cgk is the smaller of two one-sided indices, each with an exact interval by the
    noncentral t: its lower limit is the smaller of their lower limits, its upper limit the smaller of their upper
    limits at half the error, so that the interval holds the truth at least as often as it says, at any n.

    References
    ----------
    Dietrich & Schulze (2011), Statistical Procedures for Machine and Process Qualification. ISO 22514-7. Kushler &
    Hurley (1992), Journal of Quality Technology 24(4), 188-195. Von Neumann (1941), Ann. Math. Statist. 12, 367-395.

    Examples
    --------
    >>> from qstats import gauge_type1
    >>> study = gauge_type1([10.01, 10.0, 9.99, 10.02, 10.01, 10.0, 9.98, 10.01], reference=10, tolerance=0.6)
    >>> round(study.cg.estimate, 3), round(study.cgk.estimate, 3)
    (1.56, 1.495)
    >>> study.state
    'not_shown'
    """
    center = check_center(reference)
    width = check_tolerance(tolerance, spec)
    if width is None:
        raise DataError("tolerance: nothing came; pass the width of the tolerance, or spec=")
    k, required = check_number(k, "k", above=0.0), check_number(required, "required", above=0.0)
    if convention is not None:
        check_choice(convention, "convention", CONVENTIONS)
    m = CONVENTIONS[convention or "minitab"] if spread is None else check_number(spread, "spread", above=0.0)
    confidence = check_confidence(confidence)
    x, notes = read_one(data, values, missing)
    step = None if resolution is None else check_number(resolution, "resolution", above=0.0)
    return _study(x, center, _Setting(width, k, m, required, step, confidence, convention), notes)


@dataclass(frozen=True, slots=True)
class _Setting:
    tolerance: float
    k: float
    spread: float
    required: float
    resolution: float | None
    confidence: float
    convention: str | None


def _study(x: FloatArray, center: float, o: _Setting, notes: tuple[Note, ...]) -> Type1Study:
    n = x.size
    off, m2 = center_and_spread(x - center)
    s = math.sqrt(m2 / (n - 1))
    if not s > 0.0 or np.ptp(x) == 0.0:
        raise DataError(
            f"data: all {n} readings are {x[0]:g}; Cg needs scatter: the steps of the scale are too coarse to show it, "
            "read more digits"
        )
    bias = t_estimate("bias", off, s / math.sqrt(n), n - 1.0, n, o.confidence, "Student's t")
    statistic, pvalue = t_pvalue(off, s / math.sqrt(n), n - 1.0)
    cg, sigma = _cg(s, n, o)
    cgk = _cgk(off, s, n, o)
    step = float(np.diff(np.unique(x)).min()) if o.resolution is None else o.resolution
    order = _order(x) if n >= 8 else None
    state, message = _verdict(cg, cgk, o.required)
    half = 0.005 * o.k * o.tolerance
    return Type1Study(
        cg, cgk, bias, statistic, pvalue,
        rescaled("% repeatability", cg, lambda v: o.k / v if v > 0 else math.inf),
        rescaled("% repeatability and bias", cgk, lambda v: o.k / v if v > 0 else math.inf),
        sigma, center + off, center, o.tolerance, o.k, o.spread, o.required, step, 100.0 * step / o.tolerance, order,
        state, message, frozen_array(x), center - half, center + half, n, o.convention,
        f"Cg = {o.k:g} % of the tolerance / ({o.spread:g} s), Cgk = ({0.5 * o.k:g} % of the tolerance - |bias|) / "
        f"({0.5 * o.spread:g} s)", _REFERENCE, notes + _notes(n, 100.0 * step / o.tolerance, order, cgk),
    )  # fmt: skip


def _cg(s: float, n: int, o: _Setting) -> tuple[Estimate, Estimate]:
    df, tail = n - 1.0, 0.5 * (1.0 - o.confidence)
    low, high = (math.sqrt(float(chi2_quantile(p, df)) / df) for p in (tail, 1.0 - tail))
    cg = 0.01 * o.k * o.tolerance / (o.spread * s)
    return (
        Estimate("Cg", cg, Interval(cg * low, cg * high, o.confidence), n, *_SPREAD),
        Estimate("sigma", s, Interval(s / high, s / low if low else math.inf, o.confidence), n, *_SPREAD),
    )


def _cgk(off: float, s: float, n: int, o: _Setting) -> Estimate:
    """Return Cgk: a Cpk whose limits lie k / 200 of the tolerance from the reference."""
    half, scale, tail = 0.005 * o.k * o.tolerance, 0.5 * o.spread, 0.5 * (1.0 - o.confidence)
    root = math.sqrt(n)
    t = root * np.array([half - off, half + off]) / s
    p = np.array([1.0 - tail, 0.5 * tail])  # lower limits, and upper ones with half the error each
    limits = np.asarray(nct_delta(p[:, None], t[None, :], n - 1.0)).min(axis=1) / (root * scale)
    interval = Interval(float(limits[0]), float(limits[1]), o.confidence)
    return Estimate("Cgk", (half - abs(off)) / (scale * s), interval, n, *_TWO_SIDES)


def _order(x: FloatArray) -> float:
    """Return the two-sided p-value of von Neumann's ratio of successive differences, by its normal limit."""
    d = x - x[0]
    d = d - d.mean()
    n = x.size
    ratio = float(np.square(np.diff(d)).sum() / np.dot(d, d))
    z = (1.0 - 0.5 * ratio) / math.sqrt((n - 2.0) / (n * n - 1.0))
    return float(min(1.0, 2.0 * normal_sf(abs(z))))


def _verdict(cg: Estimate, cgk: Estimate, required: float) -> tuple[str, str]:
    at = f"the {cg.interval.confidence:.4g} interval"
    figures = f"Cg {cg.estimate:.3g}, Cgk {cgk.estimate:.3g}, {required:.4g} wanted"
    if min(cg.interval.low, cgk.interval.low) >= required:
        return "capable", f"capable: {figures}; both lower limits of {at}s reach it"
    if min(cg.interval.high, cgk.interval.high) < required:
        poor = "Cg" if cg.interval.high < required else "Cgk"
        cause = "the scatter alone is too wide" if poor == "Cg" else "scatter and bias together are too much"
        return "not_capable", f"not capable: {figures}; {at} of {poor} lies below it: {cause}"
    passed = min(cg.estimate, cgk.estimate) >= required
    reach = "the estimates reach it, but" if passed else "the estimates do not reach it, but"
    tail = "lower limits do not: take more readings" if passed else "the upper limits do: take more readings"
    return "not_shown", f"not shown: {figures}; {reach} {tail}"


def _notes(n: int, coarse: float, order: float | None, cgk: Estimate) -> tuple[Note, ...]:
    out = []
    if n < _FEW:
        out.append(Note("few-readings", "warning", f"{n} readings; 50 are usual and {_FEW} the least"))
    if coarse > _FINE:
        text = f"one step of the scale is {coarse:.3g} % of the tolerance; {_FINE:g} % is the most that should be"
        out.append(Note("coarse-resolution", "warning", text))
    if order is not None and order < _RANDOM:
        text = (
            f"the readings are not in random order (p = {order:.2g}): drift or steps in time; intervals are too narrow"
        )
        out.append(Note("not-random", "warning", text))
    if cgk.estimate <= 0.0:
        out.append(Note("bias-uses-all", "serious", "the bias alone uses the share of the tolerance: adjust the gauge"))
    return tuple(out)
