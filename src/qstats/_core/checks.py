"""Checks of single arguments: each names the parameter, what came and what is wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real

from qstats.errors import DataError

__all__ = ["check_choice", "check_confidence", "check_number"]


def check_choice(value: object, name: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`."""
    allowed = tuple(choices)
    if not isinstance(value, str) or value not in allowed:
        raise DataError(f"{name}: got {value!r}; one of {', '.join(map(repr, allowed))} is wanted")
    return value


def check_number(
    value: object, name: str, *, above: float = -math.inf, below: float = math.inf, least: float = -math.inf
) -> float:
    """Return a finite float with ``above < value < below`` and ``value >= least``."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise DataError(f"{name}: got {value!r}; a number is wanted")
    try:
        x = float(value)
    except OverflowError:
        raise DataError(f"{name}: got a whole number too long for a float64; scale it") from None
    if not math.isfinite(x) or not above < x < below or x < least:
        limits = [f"above {above:g}" * (above > -math.inf), f"at least {least:g}" * (least > -math.inf)]
        limits.append(f"below {below:g}" * (below < math.inf))
        wanted = " and ".join(t for t in limits if t) or "finite"
        raise DataError(f"{name}: got {x:g}; a number {wanted} is wanted")
    return x


def check_confidence(value: object, name: str = "confidence") -> float:
    """Return a confidence strictly between 0 and 1 (95 is told to be 0.95)."""
    if isinstance(value, Real) and not isinstance(value, bool) and 1 < float(value) < 100:
        raise DataError(f"{name}: got {value}; a fraction is wanted: {float(value) / 100:g}")
    return check_number(value, name, above=0.0, below=1.0)
