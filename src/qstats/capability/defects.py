"""Defects per million opportunities, sigma level, and what each number of six sigma says in the words of the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, overload

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.estimate import Estimate, Estimates
from qstats.inference.pairs import columns_of
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rate_estimates import estimate_rate

__all__ = ["DefectEquivalents", "defect_equivalents", "dpmo", "dpmo_from_sigma", "mapped", "sigma_level"]

MILLION = 1e6
_SOURCE = "Harry & Schroeder (2000), Six Sigma, appendix; ISO 13053-1:2011, 7.2"
_BINOMIAL = {"exact": "clopper-pearson", "midp": "midp"}


def mapped(
    of: Estimate | Estimates, name: str, function: Callable[[Any], Any], *, falling: bool = False, method: str = ""
) -> Any:
    """Return an estimate carried through a monotone function: the limits go with it, and keep their confidence."""
    interval = of.interval
    with np.errstate(divide="ignore"):
        low, high, estimate = function(interval.low), function(interval.high), function(of.estimate)
    if falling:
        low, high = high, low
    text = method or of.method
    if isinstance(of, Estimate):
        limits = Interval(float(low), float(high), interval.confidence)
        return replace(of, name=name, estimate=float(estimate), interval=limits, method=text)
    many = Intervals(frozen_array(low), frozen_array(high), interval.confidence)
    return replace(of, name=name, estimate=frozen_array(estimate), interval=many, method=text)


@overload
def dpmo(
    defects: float, units: float, opportunities: float = ..., *, model: str = ..., method: str = ...,
    confidence: float = ..., alternative: str = ...,
) -> Estimate: ...  # fmt: skip
@overload
def dpmo(
    defects: npt.ArrayLike, units: npt.ArrayLike, opportunities: npt.ArrayLike = ..., *, model: str = ...,
    method: str = ..., confidence: float = ..., alternative: str = ...,
) -> Estimate | Estimates: ...  # fmt: skip
def dpmo(
    defects: npt.ArrayLike,
    units: npt.ArrayLike,
    opportunities: npt.ArrayLike = 1,
    *,
    model: str = "poisson",
    method: str = "exact",
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Estimate | Estimates:
    r"""Give the defects per million opportunities and how far that number may be off.

    Use it where defects are counted on units that each have a known number of places to go wrong. Count as
    opportunities what can really fail and is really checked: dividing by more of them makes every process look good.
    Not for defects that come in clusters (one bad roll spoils a lot): the interval would be too short, see
    `attribute_capability`.

    Parameters
    ----------
    defects : float or array-like, shape (m,)
        Whole number of defects.
    units : float or array-like, shape (m,)
        Whole number of units looked at, above zero.
    opportunities : float or array-like, shape (m,)
        Places to go wrong on each unit, above zero.
    model : {"poisson", "binomial"}
        ``"poisson"``: an opportunity may hold several defects. ``"binomial"``: it is good or bad, so there cannot be
        more defects than opportunities; the interval is a little shorter where defects are common.
    method : {"exact", "midp"}
        ``"exact"`` never covers less than `confidence`; ``"midp"`` covers close to it and is shorter.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        ``"less"`` gives an upper bound only, ``"greater"`` a lower bound only.

    Returns
    -------
    Estimate or Estimates
        In defects per million opportunities; ``n`` is the number of opportunities.

    Raises
    ------
    DataError
        Negative or fractional counts, nothing looked at, more defects than opportunities in the binomial model.

    Notes
    -----
    :math:`10^6 \, D / (U \cdot O)`. Poisson limits by Garwood, binomial ones by Clopper and Pearson.

    References
    ----------
    ISO 13053-1:2011, 7.2. Garwood (1936), Biometrika 28, 437-442.

    Examples
    --------
    >>> from qstats import dpmo
    >>> r = dpmo(12, 500, 8)
    >>> r.estimate, str(r.interval)
    (3000.0, '(1550, 5240)')
    """
    check_choice(model, "model", ("poisson", "binomial"))
    check_choice(method, "method", tuple(_BINOMIAL))
    given = {"defects": (defects, "count"), "units": (units, "size"), "opportunities": (opportunities, "exposure")}
    single, (x, n, o) = columns_of(given)
    total = n * o
    if model == "poisson":
        got = estimate_rate(x, total, method=method, confidence=confidence, alternative=alternative)
    else:
        _check_places(x, total)
        options: Any = {"method": _BINOMIAL[method], "confidence": confidence, "alternative": alternative}
        got = estimate_proportion(x, total, **options)
    assert isinstance(got, Estimates)
    many: Estimates = mapped(replace(got, n=frozen_array(total)), "DPMO", lambda v: v * MILLION)
    return _first(many) if single else many


def _check_places(x: FloatArray, total: FloatArray) -> None:
    if (x > total).any():
        i = int(np.argmax(x > total))
        raise DataError(f"defects: got {x[i]:g} on {total[i]:g} opportunities; with model='binomial' there are no more")
    if (total != np.floor(total)).any():
        raise DataError("opportunities: with model='binomial' units times opportunities must be a whole number")


def _first(many: Estimates) -> Estimate:
    return Estimate(
        many.name, float(many.estimate[0]), many.interval.at(0), float(many.n[0]), many.method, many.reference,
        many.notes,
    )  # fmt: skip


def _to_level(shift: float) -> Callable[[Any], Any]:
    return lambda d: shift - scipy.special.ndtri(np.minimum(d, MILLION) / MILLION)


@overload
def sigma_level(dpmo: Estimate, *, shift: float = ...) -> Estimate: ...
@overload
def sigma_level(dpmo: float, *, shift: float = ...) -> float: ...
@overload
def sigma_level(dpmo: npt.ArrayLike | Estimates, *, shift: float = ...) -> Any: ...
def sigma_level(dpmo: Any, *, shift: float = 1.5) -> Any:
    r"""Give the sigma level of so many defects per million opportunities.

    Use it because people ask for it; `shift` is part of the answer and must be told with it. By custom 1.5 is added to
    the Z of long-term defects, on the belief that a process drifts by so much: 3.4 DPMO is "six sigma" and has Z 4.5.
    No measurement of your process is behind that number. With ``shift=0`` the level is the Z the defects have.

    Parameters
    ----------
    dpmo : float, array-like, Estimate or Estimates
        Defects per million opportunities, 0 to 1,000,000; an `Estimate` from `dpmo` gives its interval too.
    shift : float
        What is added to Z.

    Returns
    -------
    float, ndarray, Estimate or Estimates
        As what came. No defect gives infinity, with a finite lower limit where an estimate came.

    Raises
    ------
    DataError
        A value outside 0 to 1,000,000.

    Notes
    -----
    :math:`\Phi^{-1}(1 - D/10^6) + s`, computed in the upper tail.

    References
    ----------
    ISO 13053-1:2011, annex A (table of DPMO and sigma with the shift of 1.5).

    Examples
    --------
    >>> from qstats import dpmo, sigma_level
    >>> round(sigma_level(3.4), 3), round(sigma_level(3.4, shift=0), 3)
    (6.0, 4.5)
    >>> print(sigma_level(dpmo(12, 500, 8)).interval)
    (4.06, 4.458)
    """
    shift = check_number(shift, "shift")
    level = _to_level(shift)
    if isinstance(dpmo, Estimate | Estimates):
        if dpmo.name != "DPMO":
            raise DataError(f"dpmo: got an estimate of {dpmo.name!r}; one from dpmo() is wanted, or a number")
        text = f"{dpmo.method}; Z + {shift:g}" if shift else f"{dpmo.method}; Z without shift"
        return mapped(dpmo, "sigma level", level, falling=True, method=text)
    single = np.ndim(dpmo) == 0 and not isinstance(dpmo, str | bytes | dict | set)
    d = as_vector([dpmo] if single else dpmo, "dpmo")
    if (bad := (d < 0.0) | (d > MILLION)).any():
        raise DataError(f"dpmo: got {d[int(np.argmax(bad))]:g}; a number from 0 to 1,000,000 is wanted")
    with np.errstate(divide="ignore"):
        z: FloatArray = level(d)
    return float(z[0]) if single else frozen_array(z)


def dpmo_from_sigma(level: Any, *, shift: float = 1.5) -> Any:
    """Give the defects per million opportunities that a sigma level stands for; undoes `sigma_level`.

    Parameters
    ----------
    level : float or array-like
        Sigma level.
    shift : float
        What was added to Z.

    Returns
    -------
    float or ndarray

    Raises
    ------
    DataError
        No number.

    References
    ----------
    ISO 13053-1:2011, annex A.

    Examples
    --------
    >>> from qstats import dpmo_from_sigma
    >>> [round(dpmo_from_sigma(level), 1) for level in (3, 4, 6)]
    [66807.2, 6209.7, 3.4]
    """
    shift = check_number(shift, "shift")
    single = np.ndim(level) == 0 and not isinstance(level, str | bytes | dict | set)
    z = as_vector([level] if single else level, "level") - shift
    d: FloatArray = scipy.special.ndtr(-z) * MILLION
    return float(d[0]) if single else frozen_array(d)


@dataclass(frozen=True, slots=True, eq=False)
class DefectEquivalents(Result):
    """One level of quality in the words of everybody.

    Parameters
    ----------
    ppm : float
        Defective units (or opportunities) per million.
    fraction, fraction_good : float
        Share bad and share good; each has its own digits.
    dpu : float
        Defects per unit that leave this share good, if they fall at random: ``-log(fraction_good)``.
    z : float
        Standard normal deviate of the share bad, in the upper tail.
    sigma_level, shift : float
        ``z + shift``.
    ppk : float
        ``z / 3``: the index of a normal process that has all its defects on one side.
    """

    schema: ClassVar[str] = "qstats.defect_equivalents/1"
    title: ClassVar[str] = "The same quality in other words"

    ppm: float
    fraction: float
    fraction_good: float
    dpu: float
    z: float
    sigma_level: float
    shift: float
    ppk: float
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("per million", f"{self.ppm:.6g}"),
            ("share good", f"{self.fraction_good:.10g}"),
            ("defects per unit", f"{self.dpu:.6g}"),
            ("Z", f"{self.z:.4f}"),
            (f"sigma level (Z + {self.shift:g})", f"{self.sigma_level:.4f}"),
            ("Ppk, all on one side", f"{self.ppk:.4f}"),
        ]

    def _columns(self) -> Mapping[str, object]:
        names = ("ppm", "fraction", "fraction_good", "dpu", "z", "sigma_level", "shift", "ppk")
        return {name: [getattr(self, name)] for name in names}


def _log_shares(name: str, value: float, shift: float) -> tuple[float, float]:
    """Logarithms of the share bad and of the share good: neither loses its digits beside the other."""
    if name in ("ppm", "fraction"):
        bad = value / MILLION if name == "ppm" else value
        return math.log(bad), math.log1p(-bad)
    if name == "fraction_good":
        return math.log1p(-value), math.log(value)
    if name == "dpu":
        return math.log(-math.expm1(-value)), -value
    z = {"z": value, "sigma_level": value - shift, "ppk": 3.0 * value}[name]
    return float(scipy.special.log_ndtr(-z)), float(scipy.special.log_ndtr(z))


def defect_equivalents(
    *,
    ppm: float | None = None,
    fraction: float | None = None,
    fraction_good: float | None = None,
    dpu: float | None = None,
    z: float | None = None,
    sigma_level: float | None = None,
    ppk: float | None = None,
    shift: float = 1.5,
) -> DefectEquivalents:
    """Translate one number of quality into all the others: ppm, yield, defects per unit, Z, sigma level, Ppk.

    Use it to compare a contract in ppm with a report in sigma. The index supposes a normal process with all its
    defects on one side, the defects per unit that they fall at random; a translation knows nothing of your data, for
    that see `dpmo`, `process_capability`.

    Parameters
    ----------
    ppm, fraction, fraction_good, dpu, z, sigma_level, ppk : float
        Exactly one of them; shares strictly between 0 and 1, ppm between 0 and 1,000,000, `dpu` above 0.
    shift : float
        What sigma levels add to Z.

    Returns
    -------
    DefectEquivalents

    Raises
    ------
    DataError
        None or several are given, or a value is out of its range.

    Notes
    -----
    Tails are computed as tails: a Z of 7 is 0.00000128 ppm, not 0.

    References
    ----------
    ISO 13053-1:2011, annex A; Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 8.2.

    Examples
    --------
    >>> from qstats import defect_equivalents
    >>> r = defect_equivalents(ppk=1.33)
    >>> round(r.ppm, 2), round(r.z, 2)
    (33.04, 3.99)
    """
    shift = check_number(shift, "shift")
    given = {
        "ppm": ppm, "fraction": fraction, "fraction_good": fraction_good, "dpu": dpu, "z": z,
        "sigma_level": sigma_level, "ppk": ppk,
    }  # fmt: skip
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise DataError(f"{', '.join(named) or 'ppm'}: {len(named)} numbers given; exactly one of {', '.join(given)}")
    name = named[0]
    ends = {"ppm": (0.0, MILLION), "fraction": (0.0, 1.0), "fraction_good": (0.0, 1.0), "dpu": (0.0, math.inf)}
    above, below = ends.get(name, (-math.inf, math.inf))
    value = check_number(given[name], name, above=above, below=below)
    log_bad, log_good = _log_shares(name, value, shift)
    upper = float(scipy.special.ndtri_exp(min(log_bad, log_good)))
    deviate = -upper if log_bad <= log_good else upper
    bad, good = math.exp(log_bad), math.exp(log_good)
    return DefectEquivalents(bad * MILLION, bad, good, -log_good, deviate, deviate + shift, shift, deviate / 3.0)
