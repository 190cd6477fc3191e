"""Limits that can be stored and used again: what a chart knows about the process in one phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar

from qstats._core.checks import check_number
from qstats._core.result import Result
from qstats.errors import DataError

__all__ = ["NO_PARAMETERS", "ControlLimits", "Parameter"]

Parameter = bool | int | float | str | tuple["Parameter", ...]

NO_PARAMETERS: Mapping[str, Parameter] = MappingProxyType({})


def _parameter(value: object, name: str) -> Parameter:
    """Return a parameter as it is stored: lists as tuples, numbers finite."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple):
        return tuple(_parameter(v, name) for v in value)
    if isinstance(value, int):
        return value
    return check_number(value, f"limits.parameters[{name!r}]")


def _parameters(value: object) -> Mapping[str, Parameter]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise DataError(f"limits: parameters is {value!r}; a dict of named numbers, texts and lists is wanted")
    return MappingProxyType({key: _parameter(v, key) for key, v in value.items()}) if value else NO_PARAMETERS


@dataclass(frozen=True, slots=True, eq=False)
class ControlLimits(Result):
    """Centre and spread of a process in one phase, to be stored and used on later data.

    Parameters
    ----------
    kind : str
        Chart the limits belong to (``"individuals"``, ``"xbar_r"``, ``"p"``, ``"ewma"``, ...).
    center : float
        Centre line, in the unit of the statistic.
    sigma : float or None
        Process standard deviation of one value; None where the spread follows from the centre (attribute charts).
    nsigma : float
        Distance of the limits from the centre, in standard errors.
    phase : str
        Name of the phase, empty where the chart has only one.
    n : int
        Number of points the numbers rest on (0: they were given).
    method : str
        How centre and spread were estimated.
    parameters : mapping of str to number, text or tuple
        What else the kind of chart needs: the weight of an EWMA, the allowance of a CUSUM, sigma_z of a Laney chart,
        mean vector and covariance of a T2 chart.
    df : float or None
        Effective degrees of freedom of `sigma`, where known.

    Examples
    --------
    >>> from qstats import ControlLimits
    >>> limits = ControlLimits("individuals", 50.0, 2.0, 3.0, "", 30, "given")
    >>> ControlLimits.from_dict(limits.to_dict()).center
    50.0
    """

    schema: ClassVar[str] = "qstats.control_limits/1"
    title: ClassVar[str] = "Control limits"

    kind: str
    center: float
    sigma: float | None
    nsigma: float
    phase: str
    n: int
    method: str
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: NO_PARAMETERS)
    df: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.parameters, dict):  # what is frozen must not change through a caller's dict
            object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ControlLimits:
        """Return the limits that `to_dict` wrote, bit for bit; refuse anything else."""
        if not isinstance(data, Mapping):
            raise DataError(f"limits: got a {type(data).__name__}; a ControlLimits or its dict is wanted")
        if data.get("schema", cls.schema) != cls.schema:
            raise DataError(f"limits: schema {data['schema']!r} came; {cls.schema!r} is wanted")
        names = [f.name for f in fields(cls)]
        lacking = [name for name in names if name not in data and name not in ("parameters", "df")]
        surplus = [str(key) for key in data if key not in names and key != "schema"]
        if lacking or surplus:
            raise DataError(f"limits: fields {lacking} are missing and {surplus} unknown; pass what to_dict() gave")
        for name in ("kind", "phase", "method"):
            if not isinstance(data[name], str):
                raise DataError(f"limits: {name} is {data[name]!r}; text is wanted")
        if isinstance(data["n"], bool) or not isinstance(data["n"], int) or data["n"] < 0:
            raise DataError(f"limits: n is {data['n']!r}; a whole number of zero or more is wanted")
        sigma, df = data["sigma"], data.get("df")
        return cls(
            kind=data["kind"],
            center=check_number(data["center"], "limits.center"),
            sigma=None if sigma is None else check_number(sigma, "limits.sigma", least=0.0),
            nsigma=check_number(data["nsigma"], "limits.nsigma", above=0.0),
            phase=data["phase"],
            n=data["n"],
            method=data["method"],
            parameters=_parameters(data.get("parameters", {})),
            df=None if df is None else check_number(df, "limits.df", above=0.0),
        )

    def number(self, name: str) -> float:
        """Return a numeric parameter, or say that the limits lack it."""
        value = self.parameters.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataError(f"limits: parameter {name!r} of a {self.kind} chart is {value!r}; a number is wanted")
        return float(value)

    @property
    def constants(self) -> str:
        """Which unbiasing constants the limits use: ``"exact"`` or ``"table"``."""
        return str(self.parameters.get("constants", "exact"))

    def __reduce__(self) -> tuple[Any, ...]:
        # A read-only mapping cannot be pickled as it is.
        return type(self).from_dict, (self.to_dict(),)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("chart", self.kind), ("phase", self.phase or "-"), ("centre", f"{self.center:.6g}")]
        if self.sigma is not None:
            rows.append(("sigma", f"{self.sigma:.6g}"))
        rows += [(name, _shown(value)) for name, value in self.parameters.items()]
        return [*rows, ("limits at", f"{self.nsigma:g} sigma"), ("points", str(self.n)), ("method", self.method)]

    def _columns(self) -> Mapping[str, object]:
        plain = {f.name: [getattr(self, f.name)] for f in fields(self) if f.name != "parameters"}
        return {**plain, **{name: [value] for name, value in self.parameters.items()}}


def _shown(value: Parameter) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
