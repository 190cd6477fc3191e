"""How well a response suits, from 0 to 1, and all of them together: Derringer and Suich's desirability."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.spec import Spec, as_spec
from qstats.doe.compromise.goals import Goal
from qstats.errors import DataError

__all__ = ["Desirability", "as_desirabilities", "overall"]

KINDS = ("min", "max", "target", "limit")
_ENTRIES = ("kind", "low", "high", "target", "shape", "importance", "limits")


@dataclass(frozen=True, slots=True)
class Desirability:
    """What is wanted of one response.

    Parameters
    ----------
    response : str
    kind : {"min", "max", "target", "limit"}
        A limit says only where the response must lie.
    low, high : float, optional
        Ends of the ramp: a response to be large is worthless at `low` and perfect from `high` on, one to be small the
        other way round; about a target it is worthless from both on. Unsaid, what the region can give.
    target : float, optional
    shape : (float, float)
        Exponents of the ramp below and above the target (one ramp: both alike); above 1 only values near the best
        count, below 1 any improvement does.
    importance : float
        Weight against the other responses.
    limits : (float or None, float or None)
        Beyond them the setting is impossible whatever the rest says.
    slack : float
        How far beyond `limits` is forgiven (negative: so far inside them it must be): the best setting often lies on
        a limit, where rounding decides.
    """

    response: str
    kind: str
    low: float | None = None
    high: float | None = None
    target: float | None = None
    shape: tuple[float, float] = (1.0, 1.0)
    importance: float = 1.0
    limits: tuple[float | None, float | None] = (None, None)
    slack: float = 0.0

    def __post_init__(self) -> None:
        at = f"goals[{self.response!r}]"
        check_choice(self.kind, f"{at}: kind", KINDS)
        for name in ("low", "high", "target"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, check_number(value, f"{at}: {name}"))
        object.__setattr__(self, "shape", _shapes(self.shape, at))
        object.__setattr__(self, "importance", check_number(self.importance, f"{at}: importance", above=0.0))
        object.__setattr__(self, "limits", _limits(self.limits, at))
        if (self.kind == "target") != (self.target is not None):
            raise DataError(f"{at}: a target wants its value, target=12.5, and only a target")
        if self.kind == "limit" and self.limits == (None, None):
            raise DataError(f"{at}: neither a goal nor a limit; say 'min', 'max', a target, or low= or high=")
        self._check_order(at)

    def _check_order(self, at: str) -> None:
        named = [("low", self.low), ("target", self.target), ("high", self.high)]
        given = [(name, v) for name, v in named if v is not None]
        for (a, x), (b, y) in itertools.pairwise(given):
            if not x < y:
                raise DataError(f"{at}: {a} {x:g} is not below {b} {y:g}")

    @property
    def ready(self) -> bool:
        """Whether both ends of the ramp are known."""
        return self.kind == "limit" or (self.low is not None and self.high is not None)

    @property
    def bounds(self) -> tuple[float, float]:
        """Values beyond which the desirability is zero."""
        low, high = (v if v is not None else s * math.inf for v, s in zip(self.limits, (-1.0, 1.0), strict=True))
        if self.kind in ("max", "target") and self.low is not None:
            low = max(low, self.low)
        if self.kind in ("min", "target") and self.high is not None:
            high = min(high, self.high)
        return low, high

    def over(self, reach: tuple[float, float]) -> Desirability:
        """Return the same with the ends not said taken from what the region can give."""
        if self.ready:
            return self
        least, most = reach
        span = most - least
        if not span > 0.0:
            raise DataError(
                f"goals[{self.response!r}]: the model gives {least:g} everywhere in the region; pass low= and high="
            )
        if self.target is not None:
            span = max(abs(least - self.target), abs(most - self.target), 1e-6 * span)
            low, high = self.target - span, self.target + span
        else:
            low = least if self.high is None or least < self.high else self.high - span
            high = most if self.low is None or most > self.low else self.low + span
        return replace(
            self, low=low if self.low is None else self.low, high=high if self.high is None else self.high
        )  # fmt: skip

    def value(self, y: FloatArray) -> FloatArray:
        """Return the desirability of values of the response, elementwise; a limit gives 1 within and 0 beyond."""
        low, high = (v if v is not None else s * math.inf for v, s in zip(self.limits, (-1.0, 1.0), strict=True))
        kept = (y >= low - self.slack) & (y <= high + self.slack)
        if self.kind == "limit":
            return np.where(kept, 1.0, 0.0)
        assert self.low is not None and self.high is not None
        below, above = self.shape
        if self.target is not None:
            rise, fall = (y - self.low) / (self.target - self.low), (self.high - y) / (self.high - self.target)
            share = np.where(y <= self.target, rise, fall)
            d = np.clip(share, 0.0, 1.0) ** np.where(y <= self.target, below, above)
        else:
            share = (y - self.low) / (self.high - self.low)
            d = np.clip(share if self.kind == "max" else 1.0 - share, 0.0, 1.0) ** below
        return np.where(kept, d, 0.0)

    def missed(self, y: FloatArray) -> FloatArray:
        """Return by how much values lie beyond the nearest bound, in the unit of the response; 0 within."""
        low, high = self.bounds
        inside = max(-self.slack, 0.0)
        beyond = np.maximum(low + inside - y, y - (high - inside))
        return np.where(beyond > max(self.slack, 0.0), beyond, 0.0)

    def __str__(self) -> str:
        words = {"min": "least", "max": "most", "limit": "within limits"}.get(self.kind, f"at {self.target or 0.0:g}")
        low, high = self.bounds
        if math.isinf(low) and math.isinf(high):
            return words
        known = [f"from {low:.4g}" * math.isfinite(low), f"to {high:.4g}" * math.isfinite(high)]
        return f"{words}, {' '.join(filter(None, known))}"


def overall(d: FloatArray, goals: Sequence[Desirability]) -> FloatArray:
    """Return the geometric mean of desirabilities of shape (m, r), weighted by importance; limits only allow or not."""
    weight = np.array([0.0 if g.kind == "limit" else g.importance for g in goals])
    with np.errstate(divide="ignore"):
        logs = np.log(d)
    kept = np.asarray((d > 0.0).all(axis=1))
    mean = np.where(kept[:, None], logs, 0.0) @ (weight / weight.sum())
    return np.where(kept, np.exp(mean), 0.0)


def as_desirabilities(goals: Any, names: Sequence[str]) -> tuple[Desirability, ...]:
    """Return what is wanted of each response, in the order given.

    Parameters
    ----------
    goals : mapping of str to "min", "max", ("target", value), a mapping of the fields of `Desirability`, a Goal, or a
        Spec (a limit); or a sequence of Goal or Desirability
    names : sequence of str
        The responses there are.
    """
    if isinstance(goals, Mapping):
        found = tuple(_one(name, given) for name, given in goals.items())
    elif isinstance(goals, Sequence) and not isinstance(goals, str | bytes):
        found = tuple(_one(getattr(g, "response", None), g) for g in goals)
    else:
        raise DataError(f'goals: got {goals!r}; a mapping such as {{"time": "min", "quality": "max"}} is wanted')
    given = [g.response for g in found]
    if len(set(given)) < len(given):
        raise DataError("goals: a response stands there twice")
    if unknown := [n for n in given if n not in names]:
        raise DataError(f"goals: {', '.join(map(repr, unknown))} is no response; there are {', '.join(names)}")
    if all(g.kind == "limit" for g in found):
        raise DataError("goals: no response has a direction; say for one at least 'min', 'max' or a target")
    return found


def _one(name: Any, given: Any) -> Desirability:
    if isinstance(given, Desirability | Goal) and given.response != name:
        raise DataError(f"goals: {name!r} came with the goal of {given.response!r}")
    if isinstance(given, Desirability):
        return given
    if isinstance(given, Goal):
        return Desirability(name, given.kind, target=given.target, importance=given.importance)
    if isinstance(given, str):
        return Desirability(name, given)
    if isinstance(given, list | tuple) and len(given) == 2 and given[0] == "target":
        return Desirability(name, "target", target=given[1])
    if isinstance(given, Spec | list | tuple) and not any(isinstance(v, str) for v in _parts(given)):
        spec = as_spec(given, f"goals[{name!r}]")
        return Desirability(name, "limit", limits=(spec.lower_spec, spec.upper_spec))
    if isinstance(given, Mapping):
        return _from_mapping(name, given)
    raise DataError(
        f"goals[{name!r}]: got {given!r}; 'min', 'max', ('target', value), limits (lower, upper) or a mapping is wanted"
    )


def _parts(given: Any) -> Sequence[Any]:
    return () if isinstance(given, Spec) else given


def _from_mapping(name: Any, given: Mapping[Any, Any]) -> Desirability:
    if unknown := sorted(set(map(str, given)) - set(_ENTRIES)):
        raise DataError(
            f"goals[{name!r}]: unknown {', '.join(map(repr, unknown))}; there are {', '.join(_ENTRIES)}"
        )  # fmt: skip
    held = dict(given)
    held.setdefault("kind", "target" if "target" in held else "limit")
    if isinstance(spec := held.get("limits"), Spec):
        held["limits"] = (spec.lower_spec, spec.upper_spec)
    if held["kind"] == "limit" and "limits" not in held:
        held["limits"] = (held.pop("low", None), held.pop("high", None))
    return Desirability(name, **held)


def _shapes(given: Any, at: str) -> tuple[float, float]:
    pair = tuple(given) if isinstance(given, list | tuple) else (given, given)
    if len(pair) != 2:
        raise DataError(f"{at}: shape: got {given!r}; one exponent, or one below and one above the target")
    return check_number(pair[0], f"{at}: shape", above=0.0), check_number(pair[1], f"{at}: shape", above=0.0)


def _limits(given: Any, at: str) -> tuple[float | None, float | None]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise DataError(f"{at}: limits: got {given!r}; a pair (lower, upper) is wanted, None where there is none")
    low, high = (None if v is None else check_number(v, f"{at}: limits") for v in given)
    if low is not None and high is not None and not low < high:
        raise DataError(f"{at}: limits: {low:g} is not below {high:g}")
    return low, high
