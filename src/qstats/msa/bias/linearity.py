"""gauge_linearity: does the bias change with the size of the part?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_confidence
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.estimate import Estimate
from qstats.msa.bias.common import magnitude, shown, t_estimate, t_pvalue
from qstats.msa.bias.door import Readings, check_tolerance, positive, read_parts

__all__ = ["GaugeLinearity", "gauge_linearity"]

_GRID = 101
_DOUBT = 0.05
_REFERENCE = (
    "AIAG (2010), Measurement Systems Analysis, 4th ed., chapter III section B; Draper & Smith (1998), Applied "
    "Regression Analysis, 3rd ed., chapters 1 to 3"
)


@dataclass(frozen=True, slots=True, eq=False)
class GaugeLinearity(Result):
    """The bias as a straight line over the working range.

    Parameters
    ----------
    slope, intercept : Estimate
        Bias = intercept + slope * reference.
    slope_statistic, slope_pvalue, intercept_statistic, intercept_pvalue : float
        Student's t against zero, two-sided.
    joint_statistic, joint_pvalue : float
        F of no bias anywhere: slope and intercept both zero.
    lack_of_fit_statistic, lack_of_fit_pvalue : float or None
        F of a straight line against each part having a bias of its own; None without repeats, or with two references.
    sigma : float
        Residual standard deviation, unit of the data.
    df : float
        Its degrees of freedom.
    r_squared : float
    linearity : Estimate or None
        ``|slope| * 6 * sigma_process``: change of the bias over the process; None without `sigma_process`.
    percent_linearity : Estimate
        ``100 * |slope|``.
    linearity_tolerance : Estimate or None
        ``|slope| * tolerance``: change of the bias over the tolerance.
    part : tuple of str
    part_reference, part_bias, part_n : ndarray, shape (parts,)
        Of each part: reference, mean bias, readings.
    part_fit, part_low, part_high : ndarray, shape (parts,)
        The line there, with its interval.
    part_pvalue : ndarray, shape (parts,)
        Of no bias there, by the line.
    grid, grid_fit, grid_low, grid_high : ndarray, shape (101,)
        The line with its pointwise band, for drawing.
    reference_values, bias_values : ndarray, shape (n,)
        The points themselves.
    zero_in_band : bool
        Whether the line of no bias lies within the band everywhere: AIAG's rule.
    allowed : float or None
    equivalence_pvalue : float or None
        Of the hypothesis that somewhere from the smallest to the largest reference the bias reaches `allowed`.
    spread_pvalue : float or None
        Of no change of the scatter with the reference (absolute deviations from the part's median); None under 3 parts.
    state : {"negligible", "not_shown", "biased", "no_bias_found"}
        The first two against `allowed`; without it the last two, by the joint test.
    message : str
    confidence : float
    n : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.gauge_linearity/1"
    title: ClassVar[str] = "Gauge linearity"

    slope: Estimate
    intercept: Estimate
    slope_statistic: float
    slope_pvalue: float
    intercept_statistic: float
    intercept_pvalue: float
    joint_statistic: float
    joint_pvalue: float
    lack_of_fit_statistic: float | None
    lack_of_fit_pvalue: float | None
    sigma: float
    df: float
    r_squared: float
    linearity: Estimate | None
    percent_linearity: Estimate
    linearity_tolerance: Estimate | None
    part: tuple[str, ...]
    part_reference: FloatArray
    part_bias: FloatArray
    part_n: FloatArray
    part_fit: FloatArray
    part_low: FloatArray
    part_high: FloatArray
    part_pvalue: FloatArray
    grid: FloatArray
    grid_fit: FloatArray
    grid_low: FloatArray
    grid_high: FloatArray
    reference_values: FloatArray
    bias_values: FloatArray
    zero_in_band: bool
    allowed: float | None
    equivalence_pvalue: float | None
    spread_pvalue: float | None
    state: str
    message: str
    confidence: float
    n: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("verdict", self.message),
            ("slope", f"{shown(self.slope)}, t = {self.slope_statistic:.4g}, p = {self.slope_pvalue:.3g}"),
            (
                "intercept",
                f"{shown(self.intercept)}, t = {self.intercept_statistic:.4g}, p = {self.intercept_pvalue:.3g}",
            ),
            ("no bias anywhere", f"F = {self.joint_statistic:.4g}, p = {self.joint_pvalue:.3g}"),
            ("s, R squared", f"{self.sigma:.4g}, {self.r_squared:.4g}"),
            ("% linearity", shown(self.percent_linearity)),
        ]
        if self.lack_of_fit_pvalue is not None:
            rows.append(("lack of fit", f"F = {self.lack_of_fit_statistic:.4g}, p = {self.lack_of_fit_pvalue:.3g}"))
        rows += [(e.name, shown(e)) for e in (self.linearity, self.linearity_tolerance) if e is not None]
        rows.append(("no bias within the band (AIAG)", "yes" if self.zero_in_band else "no"))
        for i, name in enumerate(self.part):
            text = f"bias {self.part_bias[i]:.4g}; line {self.part_fit[i]:.4g} "
            rows.append((f"part {name}", f"{text}({self.part_low[i]:.4g}, {self.part_high[i]:.4g})"))
        rows.append(("confidence of each interval", f"{self.confidence:.4g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "part": list(self.part), "reference": self.part_reference, "n": self.part_n, "bias": self.part_bias,
            "fit": self.part_fit, "low": self.part_low, "high": self.part_high, "pvalue": self.part_pvalue,
        }  # fmt: skip


def gauge_linearity(
    data: object,
    *,
    reference: object,
    values: str | None = None,
    part: object = None,
    sigma_process: float | None = None,
    tolerance: float | None = None,
    spec: object = None,
    allowed: float | None = None,
    confidence: float = 0.95,
    missing: str = "raise",
) -> GaugeLinearity:
    r"""Tell whether a gauge reads small and large parts equally right: the bias as a line over the working range.

    Use it on five or more reference parts that span the range, each read ten times or more, in random order. Not for
    one part: that is `gauge_bias`.

    Parameters
    ----------
    data : array-like or frame
        Readings, or a table with one reading a row.
    reference : array-like, str or mapping
        True value for each reading (column of a table), or a mapping from part to value.
    values : str, optional
        Column of the readings, where data is a table.
    part : str or array-like, optional
        Column, or one label per reading; left out, readings with equal references are of one part.
    sigma_process : float, optional
        Standard deviation of the process, unit of the data.
    tolerance : float, optional
        Width of the tolerance.
    spec : Spec or pair of float, optional
        In place of `tolerance`.
    allowed : float, optional
        Largest bias that does not matter anywhere in the range, unit of the data.
    confidence : float
    missing : {"raise", "drop"}

    Returns
    -------
    GaugeLinearity

    Raises
    ------
    DataError
        One reference only, or readings that all lie on a line.
    TooFewData
        Fewer than three readings.

    Notes
    -----
    Least squares of all single biases, :math:`b_{ij} = y_{ij} - x_i = a + c x_i + e`. AIAG's rule, that the line of no
    bias lie within the pointwise band, is given as it stands; the joint F test has the error rate it claims. With
    `allowed`, a straight bias is largest at an end of the range: four one-sided tests at the two ends, all of which
    must reject, show that it is smaller everywhere (intersection-union).

    References
    ----------
    AIAG (2010), Measurement Systems Analysis, 4th ed., chapter III section B. Draper & Smith (1998), Applied Regression
    Analysis, 3rd ed. Berger (1982), Technometrics 24, 295-300.

    Examples
    --------
    >>> from qstats import gauge_linearity
    >>> x = [2, 2, 2, 6, 6, 6, 10, 10, 10]
    >>> study = gauge_linearity([2.3, 2.2, 2.3, 6.1, 6.0, 5.9, 9.6, 9.8, 9.7], reference=x)
    >>> round(study.slope.estimate, 4), round(study.intercept.estimate, 4)
    (-0.0708, 0.4139)
    >>> study.state
    'biased'
    """
    level, most = check_confidence(confidence), positive(allowed, "allowed")
    width, process = check_tolerance(tolerance, spec), positive(sigma_process, "sigma_process")
    r = read_parts(data, values, reference, part, missing)
    if r.y.size < 3:
        raise TooFewData(f"data: {r.y.size} readings came; a line and its scatter need three")
    if np.ptp(r.reference) == 0.0:
        raise DataError(f"reference: it is {r.reference[0]:g} everywhere; two different ones are wanted, or gauge_bias")
    return _study(r, _fit(r.reference, r.y - r.reference), width, process, most, level)


class _PartRows(NamedTuple):
    reference: FloatArray
    bias: FloatArray
    n: FloatArray
    fit: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray


class _Line(NamedTuple):
    """A least-squares line about the mean reference."""

    center: float
    level: float
    slope: float
    sxx: float
    sse: float
    n: int
    df: float
    s: float

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the line and its standard error."""
        d = x - self.center
        return self.level + self.slope * d, self.s * np.sqrt(1.0 / self.n + d * d / self.sxx)


def _fit(x: FloatArray, b: FloatArray) -> _Line:
    center = float(x[0]) + float((x - x[0]).mean())
    level = float(b[0]) + float((b - b[0]).mean())
    dx, db = x - center, b - level
    sxx = float(np.dot(dx, dx))
    slope = float(np.dot(dx, db)) / sxx
    rest = db - slope * dx
    sse = float(np.dot(rest, rest))
    df = x.size - 2.0
    noise = 1e-14 * max(float(np.abs(x).max()), float(np.abs(b).max()))
    if sse <= x.size * noise * noise:
        raise DataError(
            "data: all biases lie on one line, so their scatter is unknown; single readings are wanted, not means or a "
            "formula, read to more digits"
        )
    return _Line(center, level, slope, sxx, sse, x.size, df, math.sqrt(sse / df))


def _f(top: float, df: float, bottom: float, df_bottom: float) -> tuple[float, float]:
    f = top / df / (bottom / df_bottom)
    return f, float(scipy.special.fdtrc(df, df_bottom, f))


def _study(
    r: Readings, line: _Line, width: float | None, process: float | None, allowed: float | None, level: float
) -> GaugeLinearity:
    b = r.y - r.reference
    slope = t_estimate("slope", line.slope, line.s / math.sqrt(line.sxx), line.df, line.n, level, "least squares")
    (base,), (error,) = line.at(np.zeros(1))
    intercept = t_estimate("intercept", float(base), float(error), line.df, line.n, level, "least squares")
    joint = _f(line.n * line.level**2 + line.slope**2 * line.sxx, 2.0, line.sse, line.df)
    bad = _lack_of_fit(r, b, line)
    spread = _spread(r, b)
    parts = _parts(r, b, line, level)
    grid = np.linspace(float(r.reference.min()), float(r.reference.max()), _GRID)
    fit, low, high = _band(line, grid, level)
    same = None if allowed is None else _equivalence(line, grid[[0, -1]], allowed)
    state, message = _verdict(joint[1], same, allowed, level, (low, high))
    syy = line.sse + line.slope**2 * line.sxx
    return GaugeLinearity(
        slope, intercept, *t_pvalue(line.slope, line.s / math.sqrt(line.sxx), line.df),
        *t_pvalue(float(base), float(error), line.df), joint[0], joint[1], None if bad is None else bad[0],
        None if bad is None else bad[1], line.s, line.df, 1.0 - line.sse / syy,
        None if process is None else magnitude("linearity", slope, 6.0 * process),
        magnitude("% linearity", slope, 100.0),
        None if width is None else magnitude("linearity over the tolerance", slope, width),
        r.labels, *parts, frozen_array(grid), frozen_array(fit), frozen_array(low), frozen_array(high),
        frozen_array(r.reference), frozen_array(b),
        bool(((low <= 0.0) & (high >= 0.0)).all()), allowed, same, spread, state, message, level, line.n,
        "least squares of single biases on the reference", _REFERENCE, r.notes + _notes(bad, spread, len(r.labels)),
    )  # fmt: skip


def _band(line: _Line, x: FloatArray, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    fit, error = line.at(x)
    reach = float(t_quantile(0.5 + 0.5 * level, line.df)) * error
    return fit, fit - reach, fit + reach


def _parts(r: Readings, b: FloatArray, line: _Line, level: float) -> _PartRows:
    n = np.bincount(r.part).astype(np.float64)
    reference = np.empty(n.size)
    reference[r.part] = r.reference
    mean = line.level + np.bincount(r.part, b - line.level) / n
    fit, low, high = _band(line, reference, level)
    error = line.at(reference)[1]
    pvalue = np.minimum(1.0, 2.0 * t_sf(np.abs(fit) / error, line.df))
    return _PartRows(*map(frozen_array, (reference, mean, n, fit, low, high, pvalue)))


def _lack_of_fit(r: Readings, b: FloatArray, line: _Line) -> tuple[float, float] | None:
    """Return F of the part means about the line against the readings about their part means."""
    n = np.bincount(r.part).astype(np.float64)
    rest = b - line.at(r.reference)[0]
    mean = np.bincount(r.part, rest) / n
    inner = rest - mean[r.part]
    pure, df, more = float(np.dot(inner, inner)), line.n - float(n.size), n.size - 2.0
    if df < 1.0 or more < 1.0:
        return None
    if pure <= 1e-24 * line.sse:
        return math.inf, 0.0
    return _f(float(np.dot(n, mean * mean)), more, pure, df)


def _spread(r: Readings, b: FloatArray) -> float | None:
    """Return the p-value of no slope of absolute deviations from the part's median; None where it cannot be told."""
    if len(r.labels) < 3 or np.bincount(r.part).min() < 3:
        return None
    away = np.empty(b.size)
    for i in range(len(r.labels)):
        own = r.part == i
        away[own] = np.abs(b[own] - np.median(b[own]))
    dx, da = r.reference - r.reference.mean(), away - away.mean()
    sxx = float(np.dot(dx, dx))
    slope = float(np.dot(dx, da)) / sxx
    rest = da - slope * dx
    error = math.sqrt(float(np.dot(rest, rest)) / (b.size - 2.0) / sxx)
    return t_pvalue(slope, error, b.size - 2.0)[1] if error > 0.0 else None


def _equivalence(line: _Line, ends: FloatArray, allowed: float) -> float:
    fit, error = line.at(ends)
    return float(t_sf((allowed - np.abs(fit)) / error, line.df).max())


def _verdict(
    pvalue: float, same: float | None, allowed: float | None, level: float, band: tuple[FloatArray, FloatArray]
) -> tuple[str, str]:
    if same is not None:
        text = f"less than {allowed:.4g} over the whole range (p = {same:.3g})"
        found = same < 1.0 - level
        return ("negligible", f"the bias is shown to be {text}") if found else ("not_shown", f"not shown to be {text}")
    if pvalue < 1.0 - level:
        return "biased", f"biased somewhere in the range (p = {pvalue:.3g}); whether it matters, say with allowed="
    most = max(float(np.abs(v).max()) for v in band)
    return "no_bias_found", f"no bias found (p = {pvalue:.3g}), but one of {most:.3g} is not excluded"


def _notes(bad: tuple[float, float] | None, spread: float | None, parts: int) -> tuple[Note, ...]:
    out = []
    if bad is not None and bad[1] < _DOUBT:
        text = f"the part biases do not lie on a line (p = {bad[1]:.2g}): the line hides them; look at each part"
        out.append(Note("lack-of-fit", "serious", text))
    if spread is not None and spread < _DOUBT:
        text = (
            f"the scatter changes along the range (p = {spread:.2g}): one s for all does not hold, intervals are rough"
        )
        out.append(Note("uneven-spread", "warning", text))
    if parts < 5:
        out.append(Note("few-references", "warning", f"{parts} reference values; five or more show a bend"))
    return tuple(out)
