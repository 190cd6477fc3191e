"""What the customer asks of one characteristic: limits and target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from qstats._core.checks import check_choice, check_number
from qstats._core.result import json_safe
from qstats.errors import DataError

__all__ = ["Boundary", "Spec", "as_spec"]

Boundary = Literal["none", "lower", "upper", "both"]
_BOUNDARIES = ("none", "lower", "upper", "both")


@dataclass(frozen=True, slots=True)
class Spec:
    """Specification limits and target of one characteristic.

    Say which limits the customer set. A limit that nature set (a flatness cannot be below 0, a purity not above 100 %)
    is a `boundary`: nothing can lie beyond it, so no index is computed against it, no defect is expected there, and
    coming near to it is good.

    Parameters
    ----------
    lower, upper : float, optional
        Limits in the unit of the data; at least one of them is a specification.
    target : float, optional
        The best value. Unsaid it is the middle of two specifications, and there is none for one.
    boundary : {"none", "lower", "upper", "both"}
        Which of the limits are physical boundaries.

    Raises
    ------
    DataError
        No specification is left, the lower limit is not below the upper, or the target lies outside them.

    Examples
    --------
    >>> from qstats import Spec
    >>> Spec(73.95, 74.05).tolerance
    0.09999999999999432
    >>> Spec(0, 0.2, boundary="lower").sides
    'upper'
    """

    schema: ClassVar[str] = "qstats.spec/1"

    lower: float | None = None
    upper: float | None = None
    target: float | None = None
    boundary: Boundary = "none"

    def __post_init__(self) -> None:
        for name in ("lower", "upper", "target"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_number(value, name))
        check_choice(self.boundary, "boundary", _BOUNDARIES)
        for name in ("lower", "upper"):
            if self.boundary in (name, "both") and getattr(self, name) is None:
                raise DataError(f"boundary: got {self.boundary!r}, but there is no {name} limit; pass {name}=")
        if self.lower_spec is None and self.upper_spec is None:
            raise DataError("spec: no specification limit; pass lower=, upper= or both (a boundary is not one)")
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise DataError(f"lower: got {self.lower:g}, not below the upper limit {self.upper:g}")
        self._check_target()

    def _check_target(self) -> None:
        if self.target is None:
            return
        low, high = self.lower, self.upper
        if (low is not None and self.target < low) or (high is not None and self.target > high):
            raise DataError(f"target: got {self.target:g}, outside the limits {_text(low)} to {_text(high)}")

    @property
    def lower_spec(self) -> float | None:
        """Lower limit if it is a specification, else None."""
        return None if self.boundary in ("lower", "both") else self.lower

    @property
    def upper_spec(self) -> float | None:
        """Upper limit if it is a specification, else None."""
        return None if self.boundary in ("upper", "both") else self.upper

    @property
    def sides(self) -> Literal["both", "lower", "upper"]:
        """Which specifications there are."""
        if self.lower_spec is None:
            return "upper"
        return "lower" if self.upper_spec is None else "both"

    @property
    def tolerance(self) -> float | None:
        """Upper less lower specification; None unless both are set."""
        low, high = self.lower_spec, self.upper_spec
        return None if low is None or high is None else high - low

    @property
    def aim(self) -> float | None:
        """The target, or the middle of two specifications, or None."""
        if self.target is not None:
            return self.target
        low, high = self.lower_spec, self.upper_spec
        return None if low is None or high is None else low + 0.5 * (high - low)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as JSON-safe values."""
        fields = {name: json_safe(getattr(self, name)) for name in ("lower", "upper", "target", "boundary")}
        return {"schema": self.schema, **fields}

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Spec:
        """Return what `to_dict` gave."""
        if not isinstance(held, Mapping) or held.get("schema", cls.schema) != cls.schema:
            raise DataError(f"spec: got {held!r}; a mapping with schema {cls.schema!r} is wanted")
        unknown = sorted(set(held) - {"schema", "lower", "upper", "target", "boundary"})
        if unknown:
            raise DataError(f"spec: unknown entries {', '.join(map(repr, unknown))}")
        return cls(**{k: v for k, v in held.items() if k != "schema"})

    def __str__(self) -> str:
        text = f"{_text(self.lower)} to {_text(self.upper)}"
        if self.target is not None:
            text += f", target {self.target:g}"
        return text if self.boundary == "none" else f"{text}, boundary: {self.boundary}"


def _text(limit: float | None) -> str:
    return "no limit" if limit is None else f"{limit:g}"


def as_spec(spec: object, name: str = "spec") -> Spec:
    """Return a `Spec`, also from a pair (lower, upper) or a triple with the target."""
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, list | tuple) and len(spec) in (2, 3):
        return Spec(*spec)
    raise DataError(f"{name}: got {spec!r}; a Spec(lower, upper, target) or a pair (lower, upper) is wanted")
