"""Tolerance intervals of measured values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import scipy

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.moments import Moments
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.capability.nonnormal.normality import anderson_darling, anderson_darling_pvalue
from qstats.capability.tolerance.factors import howe, one_sided, tail_control, two_sided
from qstats.capability.tolerance.families import FAMILIES, Family
from qstats.capability.tolerance.ranks import ranks_for, units_for_extremes
from qstats.errors import DataError

__all__ = ["SIDES", "ToleranceInterval", "tolerance_interval"]

SIDES = ("two", "lower", "upper")
_Factor = Callable[[float, float, float, float], float]
_METHODS: dict[str, _Factor] = {"exact": two_sided, "howe": howe, "tails": tail_control}
_WILKS = "Wilks (1941), Annals of Mathematical Statistics 12(1), 91-96; Krishnamoorthy & Mathew (2009), Statistical "
_LEVEL = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class ToleranceInterval(Result):
    """Limits between which at least so much of the population lies, with so much confidence.

    Parameters
    ----------
    low, high : float
        Limits in the unit of the data; infinite on a side without a limit.
    content : float
        Share of the population between the limits, at least.
    confidence : float
        How sure that is, as asked.
    attained : float
        How sure it is in fact: larger than asked where order statistics leave no choice, smaller (with a serious note)
        where there are too few of them.
    sides : {"two", "lower", "upper"}
    distribution : str
    factor : float or None
        Standard deviations from the mean, on the scale where the values are normal; None without such a scale.
    ranks : tuple of int or None
        Ranks of the order statistics that are the limits, from 1; None with a distribution.
    n : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.tolerance_interval/1"
    title: ClassVar[str] = "Tolerance interval"

    low: float
    high: float
    content: float
    confidence: float
    attained: float
    sides: str
    distribution: str
    factor: float | None
    ranks: tuple[int, int] | None
    n: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("limits", f"{self.low:.6g} to {self.high:.6g}"),
            ("hold at least", f"{self.content:.6g} of the population"),
            ("confidence", f"{self.attained:.4g}" + ("" if self.attained == self.confidence else " attained")),
            ("n", f"{self.n:g}"),
        ]
        if self.factor is not None:
            rows.append(("factor", f"{self.factor:.6g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        names = ("low", "high", "content", "confidence", "attained", "sides", "distribution", "n", "method")
        return {name: [getattr(self, name)] for name in names}


@dataclass(frozen=True, slots=True)
class _Wanted:
    content: float
    confidence: float
    sides: str
    method: str


def _factor(n: float, df: float, want: _Wanted) -> float:
    if want.sides != "two":
        return one_sided(n, want.content, want.confidence, df)
    return _METHODS[want.method](n, want.content, want.confidence, df)


_TEXT = {"exact": "exact", "howe": "Howe's approximation", "tails": "exact, each tail by itself"}


def _through_normal(x: FloatArray, family: Family, name: str, want: _Wanted) -> ToleranceInterval:
    assert family.normalise is not None
    values, back = family.normalise(x)
    moments = Moments.of(values)
    if not moments.m2 > 0.0:
        raise DataError(f"data: all {x.size} values are {x[0]:g}; limits need scatter: is the resolution fine enough?")
    k = _factor(x.size, x.size - 1.0, want)
    low = -math.inf if want.sides == "upper" else back(moments.mean - k * moments.std)
    high = math.inf if want.sides == "lower" else back(moments.mean + k * moments.std)
    if name != "normal":
        low = max(low, 0.0)
    text = f"{family.text}; {_TEXT[want.method] if want.sides == 'two' else 'one-sided, noncentral t'}"
    return ToleranceInterval(
        low, high, want.content, want.confidence, want.confidence, want.sides, name, k, None, float(x.size), text,
        family.source, _shape_notes(values, name),
    )  # fmt: skip


def _shape_notes(values: FloatArray, name: str) -> tuple[Note, ...]:
    if values.size < 8:
        text = f"{values.size} values cannot show whether the {name} distribution holds, and the limits hang on it"
        return (Note("shape-unknown", "warning", text),)
    z = np.sort((values - values.mean()) / values.std(ddof=1))
    log_below, log_above = scipy.special.log_ndtr(z), scipy.special.log_ndtr(-z)
    p = anderson_darling_pvalue(float(anderson_darling(log_below, log_above)), values.size)
    if p >= _LEVEL:
        return ()
    text = f"the values do not look {name} (Anderson-Darling p = {p:.2g}), and tolerance limits hang on the tails; try "
    return (Note("shape-doubtful", "serious", f"{text}another distribution, or 'nonparametric'"),)


def _by_limit(x: FloatArray, family: Family, name: str, want: _Wanted) -> ToleranceInterval:
    assert family.limit is not None
    if want.method != "exact":
        raise DataError(f"method: {want.method!r} is for normal scales; distribution={name!r} has 'exact' only")
    if x.min() == x.max():
        raise DataError(f"data: all {x.size} values are {x[0]:g}; limits need scatter: is the resolution fine enough?")
    beyond = 1.0 - want.content
    chance = want.confidence
    text = family.text
    if want.sides == "two":  # each side by itself, so that both hold together with the confidence asked, or more
        beyond, chance = 0.5 * beyond, 0.5 + 0.5 * chance
        text += "; each side at half the error and half of the rest (conservative)"
    low = 0.0 if want.sides == "upper" else family.limit(x, beyond, 1.0 - chance)
    high = math.inf if want.sides == "lower" else family.limit(x, 1.0 - beyond, chance)
    return ToleranceInterval(
        low, high, want.content, want.confidence, want.confidence, want.sides, name, None, None, float(x.size), text,
        family.source,
    )  # fmt: skip


def _by_ranks(x: FloatArray, want: _Wanted) -> ToleranceInterval:
    if want.method != "exact":
        raise DataError(f"method: {want.method!r} is for normal scales; order statistics have 'exact' only")
    low, high, got = ranks_for(x.size, want.content, want.confidence, want.sides)
    ordered = np.sort(x)
    notes = []
    if got < want.confidence:
        need = units_for_extremes(want.content, want.confidence, want.sides)
        text = f"{x.size} values attain only {got:.4g} confidence with their extremes; {need} are needed for "
        notes.append(Note("too-few-values", "serious", f"{text}{want.confidence:g}"))
    if np.unique(ordered).size < x.size:
        notes.append(Note("ties", "info", "values tie: the confidence is at least what is stated"))
    return ToleranceInterval(
        -math.inf if low == 0 else float(ordered[low - 1]), math.inf if high > x.size else float(ordered[high - 1]),
        want.content, want.confidence, got, want.sides, "nonparametric", None, (low, high), float(x.size),
        "order statistics, exact for any continuous distribution", _WILKS + "Tolerance Regions, section 8.6",
        tuple(notes),
    )  # fmt: skip


def tolerance_interval(
    data: object,
    *,
    values: str | None = None,
    content: float = 0.95,
    confidence: float = 0.95,
    sides: str = "two",
    distribution: str = "normal",
    method: str = "exact",
    missing: str = "raise",
) -> ToleranceInterval:
    r"""Give limits that hold at least a stated share of all units, with a stated confidence.

    Use it to set specifications from data, or to show that nearly all units lie within them ("99 % of the parts, with
    95 % confidence"). Not for where the mean lies (`estimate_mean`), and only on a stable process: limits from a
    drifting one describe no population. Tails hang on the distribution; ``"nonparametric"`` needs none, and many more
    units (`tolerance_sample_size`).

    Parameters
    ----------
    data : array-like of shape (n,) or frame
        Measured values.
    values : str, optional
        Their column, when `data` is a table.
    content : float
        Share of the population the limits are to hold, between 0 and 1.
    confidence : float
        How sure that is to be, between 0 and 1.
    sides : {"two", "lower", "upper"}
    distribution : {"normal", "lognormal", "gamma", "weibull", "exponential", "nonparametric"}
    method : {"exact", "howe", "tails"}
        For two sides on a normal scale: exact; Howe's approximation, as handbooks print it; or wider limits beyond
        **each** of which at most half of the rest lies.
    missing : {"raise", "drop"}
        ``"drop"`` leaves out missing values, with a note.

    Returns
    -------
    ToleranceInterval

    Raises
    ------
    DataError
        Values that the distribution cannot have, no scatter, an option that cannot be used.
    TooFewData
        Fewer than two values.

    Notes
    -----
    Normal: :math:`\bar x \pm k s`. One-sided, :math:`k = t_{\gamma, n-1}(z_P \sqrt n) / \sqrt n` with the noncentral
    t. Two-sided exact, :math:`k` solves :math:`E_{\bar x}\, P(\chi^2_{n-1} \ge (n-1) r^2(\bar x) / k^2) = \gamma` with
    :math:`\Phi(\bar x + r) - \Phi(\bar x - r) = P`. Lognormal: the same for logarithms; gamma: for cube roots, an
    approximation. Weibull: exact conditional limits of its quantiles. Nonparametric: order statistics whose
    spanned share is beta distributed; `attained` is the exact confidence.

    References
    ----------
    Krishnamoorthy & Mathew (2009), Statistical Tolerance Regions, Wiley; ISO 16269-6:2014. Howe (1969), Journal of the
    American Statistical Association 64, 610-620. Lawless (2003), Statistical Models and Methods for Lifetime Data.

    Examples
    --------
    >>> from qstats import tolerance_interval
    >>> r = tolerance_interval([97.1, 97.0, 97.2, 96.9, 97.1, 97.0, 97.1, 96.8, 97.3, 97.0], content=0.9)
    >>> round(r.low, 2), round(r.high, 2), round(r.factor, 3)
    (96.64, 97.46, 2.856)
    """
    check_choice(distribution, "distribution", (*FAMILIES, "nonparametric"))
    check_choice(method, "method", tuple(_METHODS))
    want = _Wanted(_share(content), check_confidence(confidence), check_choice(sides, "sides", SIDES), method)
    if sides != "two" and method != "exact":
        raise DataError(f"method: {method!r} is for two sides; one side has 'exact' only")
    x, notes = _column(data, values, missing)
    if distribution == "nonparametric":
        got = _by_ranks(x, want)
    else:
        family = FAMILIES[distribution]
        through = _through_normal if family.normalise is not None else _by_limit
        got = through(x, family, distribution, want)
    return replace(got, notes=(*notes, *got.notes)) if notes else got


def _share(content: object) -> float:
    return check_number(content, "content", above=0.0, below=1.0)


def _column(data: object, values: str | None, missing: str) -> tuple[FloatArray, tuple[Note, ...]]:
    check_choice(missing, "missing", ("raise", "drop"))
    if table.is_frame(data):
        if not isinstance(values, str):
            raise DataError(f"values: got {values!r}; data is a table: name its column")
        data = table.columns(data, {"values": values})["values"]
    elif values is not None:
        raise DataError(f"values: got {values!r}, but data is no table; pass the numbers themselves as data")
    x = as_vector(data, "data", missing=missing, least=2)
    gaps = np.isnan(x)
    if not gaps.any():
        return x, ()
    return x[~gaps], (Note("missing-dropped", "warning", f"{int(gaps.sum())} missing values left out"),)
