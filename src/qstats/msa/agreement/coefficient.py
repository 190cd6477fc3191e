"""One coefficient of agreement with its interval, its two tests and the parts it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import scipy

from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import beta_quantile, normal_quantile, normal_sf, t_quantile, t_sf
from qstats._core.result import FrozenMapping, Result

__all__ = ["SCALES", "AgreementCoefficient", "Sampled", "coefficient", "undefined"]

SCALES = ("log", "wald")

_TINY = 1e-9  # a standard error below this is rounding: every part says the same


@dataclass(frozen=True, slots=True, eq=False)
class AgreementCoefficient(Result):
    """A coefficient of agreement: 1 is perfect, 0 is what chance alone gives.

    Parameters
    ----------
    name : str
    estimate : float or None
        None where it is not defined (all answers in one category); a note says why.
    interval : Interval or None
        Never of width zero for a kappa: where all parts agree it takes exact limits of the share of agreement.
    se : float or None
        Standard error that the interval stands on (not the one under chance alone).
    pvalue : float or None
        Two-sided, for a coefficient of zero, from the same procedure as the interval: below ``1 - confidence`` exactly
        when the interval leaves out zero.
    null_se, null_statistic, null_pvalue : float or None
        The customary test with the standard error under chance alone (two-sided; halve it for Minitab's "P(vs > 0)").
    observed, expected : float or None
        Weighted share of agreeing answers, and the share expected by chance.
    n : int
        Parts.
    raters : int
        Most answers for one part.
    by_category : mapping of str to AgreementCoefficient
        One category against the rest; empty where it makes no sense.
    details : mapping of str to float
        Further figures, such as ``prevalence_index``, ``bias_index`` and ``maximum`` of Cohen's kappa.
    resamples : int
        Draws behind the interval; 0 where none.
    confidence : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.agreement_coefficient/1"
    title: ClassVar[str] = "Agreement"

    name: str
    estimate: float | None
    interval: Interval | None
    se: float | None
    pvalue: float | None
    null_se: float | None
    null_statistic: float | None
    null_pvalue: float | None
    observed: float | None
    expected: float | None
    n: int
    raters: int
    by_category: FrozenMapping[str, AgreementCoefficient]
    details: FrozenMapping[str, float]
    resamples: int
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def short(self) -> str:
        """Return estimate and interval as one text."""
        if self.estimate is None:
            return "not defined"
        return f"{self.estimate:.4g}" + ("" if self.interval is None else f" {self.interval}")

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(self.name, self.short())]
        if self.pvalue is not None:
            rows.append(("p (is it zero?)", f"{self.pvalue:.4g}"))
        if self.null_pvalue is not None:
            rows.append(("chance alone", f"statistic {self.null_statistic:.4g}, p {self.null_pvalue:.4g}"))
        if self.observed is not None and self.expected is not None:
            rows.append(("observed, by chance", f"{self.observed:.4g}, {self.expected:.4g}"))
        rows += [(f"  {label}", one.short()) for label, one in self.by_category.items()]
        rows += [(label.replace("_", " "), f"{value:.4g}") for label, value in self.details.items()]
        rows.append(("parts, answers each", f"{self.n}, {self.raters}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        lines = [("all", self), *self.by_category.items()]
        return {
            "coefficient": [self.name] * len(lines),
            "category": [label for label, _ in lines],
            "estimate": [c.estimate for _, c in lines],
            "low": [None if c.interval is None else c.interval.low for _, c in lines],
            "high": [None if c.interval is None else c.interval.high for _, c in lines],
            "se": [c.se for _, c in lines],
            "pvalue": [c.pvalue for _, c in lines],
            "null_se": [c.null_se for _, c in lines],
            "null_pvalue": [c.null_pvalue for _, c in lines],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What a sample says of a coefficient, before limits are drawn.

    Parameters
    ----------
    name, method, reference : str
    estimate, se, observed, expected : float
    n, raters : int
    df : float
        Degrees of freedom of the interval; infinite for the normal.
    null_se : float or None
    scale : {"log", "wald"}
        Where the limits are symmetric: in ``log(1 - estimate)`` or in the estimate.
    details : mapping of str to float
    notes : tuple of Note
    """

    name: str
    estimate: float
    se: float
    observed: float
    expected: float
    n: int
    raters: int
    method: str
    reference: str
    df: float = float("inf")
    null_se: float | None = None
    scale: str = "log"
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def _share_limits(s: Sampled, confidence: float) -> tuple[float, float, float]:
    """Return limits and p-value from exact limits of the observed agreement, agreement by chance held."""
    tail = (1.0 - confidence) / 2.0
    x, n = min(max(s.observed, 0.0), 1.0) * s.n, s.n
    x = float(round(x)) if abs(x - round(x)) < 1e-9 * max(n, 1) else x
    low = 0.0 if x <= 0.0 else float(beta_quantile(tail, x, n - x + 1.0))
    high = 1.0 if x >= n else float(1.0 - beta_quantile(tail, n - x, x + 1.0))
    pe = min(max(s.expected, 0.0), 1.0)
    above = 1.0 if x <= 0.0 else float(scipy.special.betainc(x, n - x + 1.0, pe))
    below = 1.0 if x >= n else float(scipy.special.betainc(n - x, x + 1.0, 1.0 - pe))
    rest = 1.0 - s.expected
    return (low - s.expected) / rest, (high - s.expected) / rest, min(1.0, 2.0 * min(above, below))


def _limits(s: Sampled, confidence: float) -> tuple[float, float, float, tuple[Note, ...]]:
    if s.se > _TINY and 1.0 - s.estimate > _TINY:
        tail = (1.0 - confidence) / 2.0
        critical = float(normal_quantile(1.0 - tail) if np.isinf(s.df) else t_quantile(1.0 - tail, s.df))
        rest = 1.0 - s.estimate
        log = s.scale == "log"
        z = abs(math.log(rest)) * rest / s.se if log else abs(s.estimate) / s.se
        p = min(1.0, float(2.0 * (normal_sf(z) if np.isinf(s.df) else t_sf(z, s.df))))
        if not log:
            return s.estimate - critical * s.se, s.estimate + critical * s.se, p, ()
        step = min(critical * s.se / rest, 700.0)
        return 1.0 - rest * math.exp(step), 1.0 - rest * math.exp(-step), p, ()
    low, high, p = _share_limits(s, confidence)
    text = "every part shows the same agreement, so the standard error is zero; the interval takes the exact limits "
    text += "of the share of agreement, with agreement by chance held"
    return min(low, s.estimate), max(high, s.estimate), p, (Note("no-variation", "info", text),)


def coefficient(
    s: Sampled, confidence: float, by_category: Mapping[str, AgreementCoefficient] | None = None
) -> AgreementCoefficient:
    """Return the coefficient with its interval (never beyond -1 and 1) and both tests."""
    if s.n < 2:
        return undefined(s.name, s.n, s.raters, confidence, s, "fewer than two parts with two answers or more")
    low, high, p, notes = _limits(s, confidence)
    z = None if not s.null_se else s.estimate / s.null_se
    return AgreementCoefficient(
        name=s.name,
        estimate=s.estimate,
        interval=Interval(min(max(low, -1.0), s.estimate), max(min(high, 1.0), s.estimate), confidence),
        se=s.se if s.se > _TINY else 0.0,
        pvalue=p,
        null_se=s.null_se,
        null_statistic=z,
        null_pvalue=None if z is None else float(2.0 * normal_sf(abs(z))),
        observed=s.observed,
        expected=s.expected,
        n=s.n,
        raters=s.raters,
        by_category=FrozenMapping(by_category or {}),
        details=FrozenMapping(s.details),
        resamples=0,
        confidence=confidence,
        method=s.method,
        reference=s.reference,
        notes=(*s.notes, *notes),
    )


def undefined(name: str, n: int, raters: int, confidence: float, s: Sampled | None, why: str) -> AgreementCoefficient:
    """Return a coefficient that does not exist for these data, and why."""
    note = Note("undefined", "serious", f"{name} is not defined here: {why}")
    return AgreementCoefficient(
        name=name,
        estimate=None,
        interval=None,
        se=None,
        pvalue=None,
        null_se=None,
        null_statistic=None,
        null_pvalue=None,
        observed=None if s is None else s.observed,
        expected=None if s is None else s.expected,
        n=n,
        raters=raters,
        by_category=FrozenMapping({}),
        details=FrozenMapping({}),
        resamples=0,
        confidence=confidence,
        method="" if s is None else s.method,
        reference="" if s is None else s.reference,
        notes=(*(() if s is None else s.notes), note),
    )
