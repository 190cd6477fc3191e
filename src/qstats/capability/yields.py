"""First-pass, throughput and rolled yield, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, overload

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile
from qstats._core.result import Result
from qstats.capability.defects import mapped
from qstats.errors import DataError
from qstats.inference.estimate import Estimate, Estimates
from qstats.inference.pairs import columns_of
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rate_estimates import estimate_rate

__all__ = ["RolledYield", "first_pass_yield", "rolled_yield", "throughput_yield"]

_METHODS = {"exact": "clopper-pearson", "midp": "midp", "wilson": "wilson"}


@overload
def first_pass_yield(
    passed: float, entered: float, *, method: str = ..., confidence: float = ..., alternative: str = ...
) -> Estimate: ...
@overload
def first_pass_yield(
    passed: npt.ArrayLike, entered: npt.ArrayLike, *, method: str = ..., confidence: float = ..., alternative: str = ...
) -> Estimate | Estimates: ...
def first_pass_yield(
    passed: npt.ArrayLike,
    entered: npt.ArrayLike,
    *,
    method: str = "exact",
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Estimate | Estimates:
    """Give the share of units that went through a step right the first time, and how far it may be off.

    Use it for one step (arrays: for many at once). Units that were scrapped **and** units that were reworked did not
    pass the first time: counting reworked ones as good gives the final yield, and hides the work. For a chain of steps
    see `rolled_yield`.

    Parameters
    ----------
    passed : float or array-like, shape (m,)
        Whole number of units neither scrapped nor reworked.
    entered : float or array-like, shape (m,)
        Whole number of units that entered the step, above zero.
    method : {"exact", "midp", "wilson"}
        Clopper-Pearson never covers less than `confidence`; the others cover close to it.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"greater"`` gives a lower bound only.

    Returns
    -------
    Estimate or Estimates

    Raises
    ------
    DataError
        More passed than entered, fractions, nothing entered.

    References
    ----------
    ISO 22400-2:2014, first pass yield; Clopper & Pearson (1934), Biometrika 26, 404-413.

    Examples
    --------
    >>> from qstats import first_pass_yield
    >>> r = first_pass_yield(470, 500)
    >>> r.estimate, str(r.interval)
    (0.94, '(0.9155, 0.9592)')
    """
    check_choice(method, "method", tuple(_METHODS))
    single, (x, n) = columns_of({"passed": (passed, "count"), "entered": (entered, "size")})
    if (x > n).any():
        i = int(np.argmax(x > n))
        raise DataError(f"passed: got {x[i]:g} of {n[i]:g} entered; no more can pass than enter")
    options: Any = {"method": _METHODS[method], "confidence": confidence, "alternative": alternative}
    got = estimate_proportion(float(x[0]), float(n[0]), **options) if single else estimate_proportion(x, n, **options)
    result: Estimate | Estimates = mapped(got, "first-pass yield", lambda v: v)
    return result


def throughput_yield(
    defects: npt.ArrayLike,
    units: npt.ArrayLike,
    *,
    method: str = "exact",
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Any:
    r"""Give the share of units without any defect that so many defects leave, if they fall at random.

    Use it where defects are counted but not which units have them. Where that is known, count the units
    (`first_pass_yield`): defects that pile up on few units leave more of them good than this says.

    Parameters
    ----------
    defects : float or array-like, shape (m,)
        Whole number of defects.
    units : float or array-like, shape (m,)
        Units looked at, above zero.
    method : {"exact", "midp", "score"}
        As in `estimate_rate`.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"greater"`` gives a lower bound of the yield only.

    Returns
    -------
    Estimate or Estimates

    Raises
    ------
    DataError
        Negative or fractional counts, no unit.

    Notes
    -----
    :math:`e^{-D/U}`, the chance of no defect under a Poisson distribution; its limits are those of :math:`D/U`.

    References
    ----------
    Breyfogle (2003), Implementing Six Sigma, 2nd ed., section 1.13; Garwood (1936), Biometrika 28, 437-442.

    Examples
    --------
    >>> from qstats import throughput_yield
    >>> round(throughput_yield(60, 500).estimate, 4)
    0.8869
    """
    turned = {"less": "greater", "greater": "less"}
    options: Any = {"method": method, "confidence": confidence, "alternative": turned.get(alternative, alternative)}
    single, (x, n) = columns_of({"defects": (defects, "count"), "units": (units, "exposure")})
    got = estimate_rate(float(x[0]), float(n[0]), **options) if single else estimate_rate(x, n, **options)
    return mapped(got, "throughput yield", lambda v: np.exp(-np.asarray(v))[()], falling=True)


@dataclass(frozen=True, slots=True, eq=False)
class RolledYield(Result):
    """The share of units that goes through all steps right the first time.

    Parameters
    ----------
    estimate : float
        Product of the steps' yields.
    interval : Interval
    normalized : Estimate
        The yield every step would have if all were alike: the k-th root.
    total_dpu : Estimate
        Defects per unit over all steps that leave this yield: ``-log(estimate)``.
    steps : Estimates
        First-pass yield of each step with its interval.
    labels : tuple of str
        Names of the steps, in order.
    passed, entered : ndarray, shape (k,)
        Counts of each step.
    worst : str
        The step with the lowest yield.
    n : float
        Units that entered the first step.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.rolled_yield/1"
    title: ClassVar[str] = "Rolled throughput yield"

    estimate: float
    interval: Interval
    normalized: Estimate
    total_dpu: Estimate
    steps: Estimates
    labels: tuple[str, ...]
    passed: np.ndarray[Any, Any]
    entered: np.ndarray[Any, Any]
    worst: str
    n: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("rolled yield", f"{self.estimate:.4g}"),
            (f"{self.interval.confidence:.0%} interval", str(self.interval)),
            ("steps", f"{len(self.labels)}, lowest: {self.worst}"),
            ("normalized yield", f"{self.normalized.estimate:.4g} {self.normalized.interval}"),
            ("total DPU", f"{self.total_dpu.estimate:.4g} {self.total_dpu.interval}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        steps = self.steps
        return {
            "step": list(self.labels), "passed": self.passed, "entered": self.entered, "yield": steps.estimate,
            "low": steps.interval.low, "high": steps.interval.high,
        }  # fmt: skip


def _product_limits(x: FloatArray, n: FloatArray, tail: float) -> tuple[float, float]:
    """Limits of the product: its negative logarithm is a sum of nearly Poisson parts of unequal weight."""
    dead = x == 0.0
    if dead.any():  # a step without any unit right bounds the product from above, whatever the others do
        return 0.0, float(-np.expm1(np.log(tail) / n[dead].max()))
    total = float(-np.log1p((x - n) / n).sum())
    variance = float(((n - x) / (n * x)).sum())
    one = float((1.0 / x).max())  # what one more unit that fails would add
    more, wider = total + one, variance + one * one
    high = wider / (2.0 * more) * float(chi2_quantile(1.0 - tail, 2.0 * more * more / wider))
    low = variance / (2.0 * total) * float(chi2_quantile(tail, 2.0 * total * total / variance)) if total > 0.0 else 0.0
    return math.exp(-high), math.exp(-low)


def rolled_yield(
    data: object,
    entered: object = None,
    *,
    passed: str | None = None,
    step: object = None,
    method: str = "exact",
    confidence: float = 0.95,
) -> RolledYield:
    r"""Give the share of units that goes through all steps right the first time, and how far it may be off.

    Use it for a chain of steps, each with its own counts of units entered and passed. Steps must fail independently: a
    unit that is weak everywhere fails in few places, and the product is then too low. If the units are followed from
    end to end, count those without any fault instead (`first_pass_yield`).

    Parameters
    ----------
    data : array-like of shape (k,) or frame
        Units passed the first time in each step, or a table with one row a step.
    entered : array-like of shape (k,), float or str
        Units that entered each step; one number where all are alike; its column in a table.
    passed : str, optional
        Column of units passed, when `data` is a table.
    step : array-like or str, optional
        Names of the steps.
    method : {"exact", "midp", "wilson"}
        Intervals of the steps.
    confidence : float

    Returns
    -------
    RolledYield

    Raises
    ------
    DataError
        More passed than entered, fractions, lengths that differ.

    Notes
    -----
    :math:`\prod_i y_i`. Its negative logarithm :math:`T` adds up over the steps like Poisson counts of unequal weight;
    the limits are gamma quantiles with the moments of :math:`T`: mean :math:`T`, variance
    :math:`v = \sum (n_i - x_i)/(n_i x_i)` below, :math:`T + w` and :math:`v + w^2` above, :math:`w = \max 1/x_i`. In
    simulations neither tail exceeds its half of the error, from 1 to 20 steps. One step has its own interval.

    References
    ----------
    Fay & Feuer (1997), Statistics in Medicine 16(7), 791-801, eq. 4 (weighted sums of counts). Breyfogle (2003),
    Implementing Six Sigma, 2nd ed., section 1.13.

    Examples
    --------
    >>> from qstats import rolled_yield
    >>> r = rolled_yield([190, 198, 174], 200, step=["mount", "solder", "test"])
    >>> round(r.estimate, 4), r.worst
    (0.8182, 'test')
    """
    confidence = check_confidence(confidence)
    check_choice(method, "method", tuple(_METHODS))
    x, n, labels = _step_counts(data, entered, passed, step)
    steps = first_pass_yield(x, n, method=method, confidence=confidence)
    assert isinstance(steps, Estimates)
    tail = 0.5 * (1.0 - confidence)
    one = x.size == 1
    low, high = (steps.interval.low[0], steps.interval.high[0]) if one else _product_limits(x, n, tail)
    total = float(np.prod(steps.estimate))
    text = f"product of {x.size} first-pass yields; " + (steps.method if one else "gamma limits of its logarithm")
    source = steps.reference if one else "Fay & Feuer (1997), Statistics in Medicine 16, 791-801"
    whole = Estimate("rolled yield", total, Interval(float(low), float(high), confidence), float(n[0]), text, source)
    normalized = mapped(whole, "normalized yield", lambda v: v ** (1.0 / x.size))
    dpu = mapped(whole, "total DPU", lambda v: -np.log(v) + 0.0, falling=True)
    return RolledYield(
        total, whole.interval, normalized, dpu, steps, labels, x, n, labels[int(np.argmin(steps.estimate))],
        float(n[0]), text, source, _flow_notes(x, n),
    )  # fmt: skip


def _step_counts(data: object, entered: object, passed: str | None, step: object) -> tuple[Any, Any, tuple[str, ...]]:
    if table.is_frame(data):
        for name, value in (("passed", passed), ("entered", entered)):
            if not isinstance(value, str):
                raise DataError(f"{name}: got {value!r}; data is a table: name its column")
        names = {"passed": str(passed), "entered": str(entered)} | ({"step": step} if isinstance(step, str) else {})
        got = table.columns(data, names)
        data, entered, step = got["passed"], got["entered"], got.get("step", step)
    elif passed is not None:
        raise DataError(f"passed: got {passed!r}, but data is no table; pass the counts themselves as data")
    if entered is None or isinstance(step, str):
        name, value = ("entered", entered) if entered is None else ("step", step)
        raise DataError(f"{name}: got {value!r}; one value per step is wanted")
    _, (x, n) = columns_of({"data": (np.atleast_1d(np.asarray(data)), "count"), "entered": (entered, "size")})
    labels = tuple(str(i + 1) for i in range(x.size)) if step is None else tuple(str(s) for s in step)  # type: ignore[attr-defined]
    if len(labels) != x.size:
        raise DataError(f"step: {len(labels)} names came for {x.size} steps; one each is wanted")
    return x, n, labels


def _flow_notes(x: Any, n: Any) -> tuple[Note, ...]:
    gained = np.flatnonzero(n[1:] > n[:-1]) + 2
    if not gained.size:
        return ()
    text = f"step {gained[0]} was entered by more units than the step before: reworked units, or other periods?"
    return (Note("more-entered", "info", text),)
