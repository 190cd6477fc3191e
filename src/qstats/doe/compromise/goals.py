"""What is wanted of several responses: which fits they are, where each is to go, and which limits must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qstats._core.checks import check_choice, check_number
from qstats._core.spec import Spec, as_spec
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["KINDS", "Goal", "as_fits", "as_goals", "as_specs"]

KINDS = ("min", "max", "target")


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a response is to go.

    Parameters
    ----------
    response : str
    kind : {"min", "max", "target"}
    target : float, optional
        The best value; only of, and needed by, a target.
    importance : float
        Weight against the other goals.
    """

    response: str
    kind: str
    target: float | None = None
    importance: float = 1.0

    def __post_init__(self) -> None:
        check_choice(self.kind, f"goals[{self.response!r}]", KINDS)
        if (self.kind == "target") != (self.target is not None):
            raise DataError(f"goals[{self.response!r}]: a target wants its value, ('target', 12.5), and only a target")
        if self.target is not None:
            object.__setattr__(self, "target", check_number(self.target, f"goals[{self.response!r}]: target"))
        weight = check_number(self.importance, f"goals[{self.response!r}]: importance", above=0.0)
        object.__setattr__(self, "importance", weight)

    @property
    def sign(self) -> float:
        """What makes less better: +1 where the response is to be small, -1 where large; a target has none."""
        if self.kind == "target":
            raise DataError(f"goals[{self.response!r}]: a target has no direction; 'min' or 'max' is wanted here")
        return 1.0 if self.kind == "min" else -1.0

    def __str__(self) -> str:
        if self.target is not None:
            return f"{self.response} at {self.target:g}"
        return f"{'least' if self.kind == 'min' else 'most'} {self.response}"


def as_fits(fits: Any) -> dict[str, DesignFit]:
    """Return fits by the names of their responses, all on the same factors.

    Parameters
    ----------
    fits : DesignFit, sequence of DesignFit, or mapping of str to DesignFit
        A mapping gives its own names.
    """
    if isinstance(fits, DesignFit):
        fits = [fits]
    if isinstance(fits, Mapping):
        pairs = list(fits.items())
    elif isinstance(fits, Iterable) and not isinstance(fits, str | bytes):
        pairs = [(getattr(f, "response", None), f) for f in fits]
    else:
        raise DataError(f"fits: got a {type(fits).__name__}; what fit returns, for each response, is wanted")
    if not pairs:
        raise DataError("fits: none came; what fit returns, for each response, is wanted")
    for name, fit in pairs:
        if not isinstance(fit, DesignFit):
            raise DataError(f"fits: got a {type(fit).__name__}; what fit returns, for each response, is wanted")
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"fits: got the name {name!r}; text is wanted")
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DataError("fits: two responses have one name; fit(..., name=...) names them, or pass a mapping")
    first_name, first = pairs[0]
    for name, fit in pairs[1:]:
        if fit.design.factors != first.design.factors:
            raise DataError(f"fits: {name!r} has other factors than {first_name!r}; all must be of the same experiment")
    return found


def as_goals(goals: Any, names: Sequence[str]) -> tuple[Goal, ...]:
    """Return goals in the order given.

    Parameters
    ----------
    goals : mapping of str to "min", "max", ("target", value), a mapping or a Goal; or sequence of Goal
    names : sequence of str
        The responses there are.
    """
    if isinstance(goals, Mapping):
        found = tuple(_goal(name, given) for name, given in goals.items())
    elif isinstance(goals, Sequence) and not isinstance(goals, str | bytes) and all(isinstance(g, Goal) for g in goals):
        found = tuple(goals)
    else:
        raise DataError(f'goals: got {goals!r}; a mapping such as {{"time": "min", "quality": "max"}} is wanted')
    if not found:
        raise DataError("goals: none came; say for each response that matters whether it is to be 'min' or 'max'")
    _check_names([g.response for g in found], names, "goals")
    return found


def _goal(name: Any, given: Any) -> Goal:
    if isinstance(given, Goal):
        if given.response != name:
            raise DataError(f"goals: {name!r} came with the goal of {given.response!r}")
        return given
    if isinstance(given, str):
        return Goal(name, given)
    if isinstance(given, Mapping):
        if unknown := sorted(set(map(str, given)) - {"kind", "target", "importance"}):
            raise DataError(f"goals[{name!r}]: unknown {', '.join(map(repr, unknown))}; kind, target, importance")
        return Goal(name, **{"kind": "target" if "target" in given else None, **given})
    if isinstance(given, list | tuple) and len(given) == 2 and given[0] == "target":
        return Goal(name, "target", given[1])
    raise DataError(f"goals[{name!r}]: got {given!r}; 'min', 'max' or ('target', value) is wanted")


def as_specs(specs: Any, names: Sequence[str]) -> dict[str, Spec]:
    """Return limits by response.

    Parameters
    ----------
    specs : None or mapping of str to Spec or (lower, upper)
    names : sequence of str
        The responses there are.
    """
    if specs is None:
        return {}
    if not isinstance(specs, Mapping):
        raise DataError(f'specs: got {specs!r}; a mapping such as {{"quality": (50, None)}} is wanted')
    _check_names(list(specs), names, "specs")
    return {name: as_spec(given, f"specs[{name!r}]") for name, given in specs.items()}


def _check_names(given: Sequence[Any], names: Sequence[str], what: str) -> None:
    if len(set(map(str, given))) < len(given):
        raise DataError(f"{what}: a response stands there twice")
    if unknown := [n for n in given if n not in names]:
        raise DataError(f"{what}: {', '.join(map(repr, unknown))} is no response; there are {', '.join(names)}")
