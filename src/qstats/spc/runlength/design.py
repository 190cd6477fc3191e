"""The EWMA or CUSUM chart that sees a shift soonest at a given price in false alarms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.spc.runlength.markov import match_limit
from qstats.spc.runlength.memory import cusum_arl, ewma_arl

__all__ = ["CusumDesign", "EwmaDesign", "cusum_limit", "design_cusum", "design_ewma", "ewma_limit"]

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_LEAST_LAM = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class EwmaDesign(Result):
    """An EWMA chart made for one shift.

    Parameters
    ----------
    lam : float
        Weight of the newest point.
    L : float
        Distance of the limits from the centre, in standard deviations of the EWMA.
    shift : float
        Shift the chart is made for, in sigmas of one point.
    arl0 : float
        In-control average run length, in points.
    arl : float
        Average run length at the shift, in points.
    sides, limits : str
        As in `ewma_arl`.
    method, reference : str
        What was computed and where it is described.
    notes : tuple of Note
        Doubtful assumptions.
    """

    schema: ClassVar[str] = "qstats.ewma_design/1"
    title: ClassVar[str] = "EWMA design"

    lam: float
    L: float
    shift: float
    arl0: float
    arl: float
    sides: str
    limits: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("weight lam", f"{self.lam:.4g}"),
            ("limits at L", f"{self.L:.4f} sigma of the EWMA"),
            *_speed(self.arl0, self.shift, self.arl),
            ("method", self.method),
            ("reference", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return _one_row(self)


@dataclass(frozen=True, slots=True, eq=False)
class CusumDesign(Result):
    """A CUSUM chart made for one shift.

    Parameters
    ----------
    k : float
        Reference value, in sigmas.
    h : float
        Decision interval, in sigmas.
    head_start : float
        Value the sums start at, in sigmas.
    shift : float
        Shift the chart is made for, in sigmas.
    arl0 : float
        In-control average run length, in points.
    arl : float
        Average run length at the shift, in points.
    sides : str
        As in `cusum_arl`.
    method, reference : str
        What was computed and where it is described.
    notes : tuple of Note
        Doubtful assumptions.
    """

    schema: ClassVar[str] = "qstats.cusum_design/1"
    title: ClassVar[str] = "CUSUM design"

    k: float
    h: float
    head_start: float
    shift: float
    arl0: float
    arl: float
    sides: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("reference value k", f"{self.k:.4g} sigma"),
            ("decision interval h", f"{self.h:.4f} sigma"),
            ("head start", f"{self.head_start:.4g} sigma"),
            *_speed(self.arl0, self.shift, self.arl),
            ("method", self.method),
            ("reference", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return _one_row(self)


def _speed(arl0: float, shift: float, arl: float) -> list[tuple[str, str]]:
    return [
        ("in control", f"a false alarm every {arl0:.1f} points"),
        (f"shift of {shift:g}", f"seen in {arl:.2f} points"),
    ]


def _one_row(design: Any) -> dict[str, object]:
    return {f.name: [getattr(design, f.name)] for f in fields(design) if f.name != "notes"}


def ewma_limit(lam: float, arl0: float = 370.4, *, sides: str = "two", limits: str = "asymptotic") -> float:
    """Return the limit L of an EWMA chart with a given in-control average run length.

    Parameters
    ----------
    lam, sides, limits
        As in `ewma_arl`.
    arl0 : float
        In-control average run length in points, above 1.

    Examples
    --------
    >>> from qstats.spc.runlength import ewma_limit
    >>> round(ewma_limit(0.2, 370.4), 4)
    2.8593
    """
    arl0 = check_number(arl0, "arl0", above=1.0)
    lam = check_number(lam, "lam", above=0.0)
    return match_limit(
        lambda x: ewma_arl(lam, x, sides=sides, limits=limits), arl0, 1.0, 3.2, f"EWMA with lam = {lam:g}"
    )


def cusum_limit(k: float, arl0: float = 370.4, *, head_start: float | None = None, sides: str = "two") -> float:
    """Return the decision interval h of a CUSUM chart with a given in-control average run length.

    Parameters
    ----------
    k, sides
        As in `cusum_arl`.
    arl0 : float
        In-control average run length in points, above 1.
    head_start : float, optional
        Start of the sums as a fraction of h, 0 to 1 (0.5 is the usual fast initial response).

    Examples
    --------
    >>> from qstats.spc.runlength import cusum_limit
    >>> round(cusum_limit(0.5, 500.0), 3)
    5.071
    """
    arl0, part = check_number(arl0, "arl0", above=1.0), _check_part(head_start)
    k = check_number(k, "k", least=0.0)
    return match_limit(
        lambda h: cusum_arl(k, h, head_start=part * h, sides=sides), arl0, 1.0, 6.0, f"CUSUM with k = {k:g}"
    )


def _check_part(head_start: float | None) -> float:
    part = 0.0 if head_start is None else check_number(head_start, "head_start", least=0.0)
    if part > 1.0:
        raise DataError(f"head_start: got {part:g}; a fraction of h from 0 to 1 is wanted (0.5 is usual)")
    return part


def _lowest(f: Callable[[float], float], low: float, high: float, width: float) -> float:
    """Return where a function with one valley is lowest, by golden section."""
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = f(a), f(b)
    while high - low > width:
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = f(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = f(b)
    return 0.5 * (low + high)


def design_ewma(
    arl0: float = 370.4,
    shift: float = 1.0,
    *,
    lam: float | None = None,
    sides: str = "two",
    limits: str = "asymptotic",
) -> EwmaDesign:
    """Return the EWMA chart that sees a shift soonest among those with a given in-control run length.

    Make it for the smallest shift that matters; larger ones are seen sooner still. The valley is flat: a `lam` half or
    twice as large costs a few per cent.

    Parameters
    ----------
    arl0 : float
        In-control average run length in points, above 1 (370.4 is that of three-sigma limits).
    shift : float
        Shift to see, in sigmas of one point, not 0.
    lam : float, optional
        Weight of the newest point; None finds the best one from 0.005 to 1.
    sides, limits : str
        As in `ewma_arl`.

    Returns
    -------
    EwmaDesign

    Raises
    ------
    DataError
        An argument out of range.

    References
    ----------
    Crowder (1989), Journal of Quality Technology 21(3), 155-162; Lucas & Saccucci (1990), Technometrics 32(1), 1-12.

    Examples
    --------
    >>> from qstats.spc.runlength import design_ewma
    >>> design = design_ewma(500.0, 1.0)
    >>> round(design.lam, 2), round(design.L, 2)
    (0.13, 2.88)
    """
    shift = _check_shift(shift, sides)
    check_choice(limits, "limits", ("asymptotic", "exact"))

    def width(weight: float) -> float:
        return ewma_limit(weight, arl0, sides=sides, limits=limits)

    def at_shift(log_weight: float) -> float:
        weight = math.exp(log_weight)
        return ewma_arl(weight, width(weight), shift, sides=sides)

    # The weight is chosen at the final limits: exact ones favour the first points and would drive it to zero.
    given = lam is not None
    best = (
        check_number(lam, "lam", above=0.0) if given else math.exp(_lowest(at_shift, math.log(_LEAST_LAM), 0.0, 1e-3))
    )
    L = width(best)
    return EwmaDesign(
        lam=best,
        L=L,
        shift=shift,
        arl0=ewma_arl(best, L, sides=sides, limits=limits),
        arl=ewma_arl(best, L, shift, sides=sides, limits=limits),
        sides=sides,
        limits=limits,
        method="limit for the given weight" if given else "weight with the shortest run length at the shift",
        reference="Crowder (1989), Journal of Quality Technology 21(3), 155-162",
    )


def design_cusum(
    arl0: float = 370.4,
    shift: float = 1.0,
    *,
    k: float | None = None,
    head_start: float | None = None,
    sides: str = "two",
) -> CusumDesign:
    """Return the CUSUM chart that sees a shift soonest among those with a given in-control run length.

    With ``k = shift / 2`` no other chart with the same false alarms sees a lasting shift of that size sooner on the
    worst start (Moustakides 1986).

    Parameters
    ----------
    arl0 : float
        In-control average run length in points, above 1.
    shift : float
        Shift to see, in sigmas, not 0.
    k : float, optional
        Reference value; None is half the shift.
    head_start : float, optional
        Start of the sums as a fraction of h (0.5: fast initial response).
    sides : {"two", "upper", "lower", "crosier"}
        As in `cusum_arl`.

    Returns
    -------
    CusumDesign

    Raises
    ------
    DataError
        An argument out of range.

    References
    ----------
    Lucas & Crosier (1982), Technometrics 24(3), 199-205; Moustakides (1986), Annals of Statistics 14(4), 1379-1387.

    Examples
    --------
    >>> from qstats.spc.runlength import design_cusum
    >>> design = design_cusum(500.0, 1.0)
    >>> design.k, round(design.h, 3)
    (0.5, 5.071)
    """
    shift = _check_shift(shift, sides)
    k = 0.5 * abs(shift) if k is None else check_number(k, "k", least=0.0)
    part = _check_part(head_start)
    h = cusum_limit(k, arl0, head_start=part, sides=sides)
    return CusumDesign(
        k=k,
        h=h,
        head_start=part * h,
        shift=shift,
        arl0=cusum_arl(k, h, head_start=part * h, sides=sides),
        arl=cusum_arl(k, h, shift, head_start=part * h, sides=sides),
        sides=sides,
        method="reference value of half the shift" if k == 0.5 * abs(shift) else "limit for the given reference value",
        reference="Lucas & Crosier (1982), Technometrics 24(3), 199-205",
    )


def _check_shift(shift: object, sides: str) -> float:
    value = check_number(shift, "shift")
    if value == 0.0:
        raise DataError("shift: got 0; the shift the chart is to see is wanted, in sigmas")
    if (sides == "upper" and value < 0.0) or (sides == "lower" and value > 0.0):
        raise DataError(
            f"shift: got {value:g} with sides={sides!r}, a chart that does not look there; change one of them"
        )
    return value
