"""What a study of a given size would show: the result of all power and sample-size calculations."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.errors import DataError
from qstats.inference.comparison import ALTERNATIVES
from qstats.inference.power.kernels import Side

__all__ = ["Null", "StudySize", "Tests", "as_target", "least_whole", "logged", "read_tests", "study", "whole_size"]

Null = float | tuple[float, float]
_STEPS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_LARGEST = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class StudySize(Result):
    """How large a comparison is, or must be, and how likely it is to show the effect assumed.

    Parameters
    ----------
    effect : str
        Name of the measure, as in `Comparison`.
    size, size0 : float
        Of the group and of the reference group, in `unit`.
    unit : str
        ``"exposure"``, ``"units"``, ``"values"``, ``"answers"`` or ``"events"``.
    power : float
        Probability that p falls below ``1 - confidence``, at this size and these assumptions.
    target : float or None
        Power that was asked for; None where the size was given.
    assumed : mapping of str to float
        What the truth was taken to be.
    null : float or tuple of float
        Value of no effect or the margin tested against; two margins for equivalence.
    confidence : float
    alternative : {"two-sided", "less", "greater", "equivalence"}
    grid_size, grid_size0, grid_power : ndarray, shape (g,)
        The same at half the size to twice the size.
    method, reference : str
        Whether the power is exact or an approximation, and where it is written down.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.study-size/1"
    title: ClassVar[str] = "Size of a comparison"

    effect: str
    size: float
    size0: float
    unit: str
    power: float
    target: float | None
    assumed: Mapping[str, float]
    null: Null
    confidence: float
    alternative: str
    grid_size: FloatArray
    grid_size0: FloatArray
    grid_power: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "assumed", FrozenMapping(self.assumed))

    def table(self) -> list[tuple[float, float, float]]:
        """Return (size, reference size, power) from half the size to twice the size."""
        columns = (self.grid_size, self.grid_size0, self.grid_power)
        return [(float(n), float(n0), float(p)) for n, n0, p in zip(*columns, strict=True)]

    def _rows(self) -> list[tuple[str, str]]:
        asked = "" if self.target is None else f" ({self.target:.0%} asked)"
        against = " to ".join(f"{v:g}" for v in self.null) if isinstance(self.null, tuple) else f"{self.null:g}"
        return [
            (f"{self.unit}: group, reference", f"{self.size:.10g}, {self.size0:.10g}"),
            ("power", f"{self.power:.4f}{asked}"),
            ("assumed", ", ".join(f"{name} {value:.4g}" for name, value in self.assumed.items())),
            (f"{self.effect}, {self.alternative}", f"against {against} at {self.confidence:.4g}"),
            *((f"power at {n:.6g}, {n0:.6g}", f"{p:.3f}") for n, n0, p in self.table()),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {"size": self.grid_size, "size0": self.grid_size0, "power": self.grid_power}


@dataclass(frozen=True, slots=True)
class Tests:
    """The one or two one-sided tests behind a plan."""

    __test__ = False  # not for pytest to collect

    sides: tuple[Side, ...]
    both: bool
    null: Null
    confidence: float
    alternative: str


def read_tests(
    null: object, confidence: object, alternative: str, *, above: float = -math.inf, below: float = math.inf
) -> Tests:
    """Return the tests that `null` and `alternative` ask for; a pair of nulls is equivalence, both sides at full error.

    Two-sided puts half of the error on either side, as the comparisons do.
    """
    check_choice(alternative, "alternative", ALTERNATIVES)
    level = check_confidence(confidence)
    error = 1.0 - level
    if isinstance(null, tuple | list):
        if len(null) != 2:
            raise DataError(f"null: got {len(null)} values; one number, or the two margins of equivalence are wanted")
        if alternative != "two-sided":
            raise DataError(f"alternative: got {alternative!r} with two margins; equivalence has no side, leave it out")
        low, high = (check_number(v, "null", above=above, below=below) for v in null)
        if not low < high:
            raise DataError(f"null: got {low:g} and {high:g}; the lower margin comes first")
        return Tests((Side("greater", low, error), Side("less", high, error)), True, (low, high), level, "equivalence")
    at = check_number(null, "null", above=above, below=below)
    both_sides = (Side("less", at, error / 2.0), Side("greater", at, error / 2.0))
    sides = both_sides if alternative == "two-sided" else (Side(alternative, at, error),)
    return Tests(sides, False, at, level, alternative)


def logged(tests: Tests) -> Tests:
    """Return the tests with their nulls as logarithms, for an effect that is a ratio."""
    sides = tuple(test._replace(null=math.log(test.null)) for test in tests.sides)
    return dataclasses.replace(tests, sides=sides)


def as_target(power: object, tests: Tests, effect: float, name: str) -> float:
    """Return the power asked for; refuse an assumed effect that no size can show."""
    target = check_number(power, "power", above=1.0 - tests.confidence, below=1.0)
    toward = [effect > t.null if t.side == "greater" else effect < t.null for t in tests.sides]
    if not (all(toward) if tests.both else any(toward)):
        where = f"{tests.null[0]:g} to {tests.null[1]:g}" if isinstance(tests.null, tuple) else f"{tests.null:g}"
        raise DataError(
            f"{name}: an effect of {effect:g} with null {where} and alternative {tests.alternative!r}: no size shows "
            "it; assume an effect on the side that is to be shown"
        )
    return target


def whole_size(value: object, name: str, least: float = 2.0) -> float:
    """Return a whole size of at least `least`."""
    n = check_number(value, name, least=least, below=1e15)
    if n != math.floor(n):
        raise DataError(f"{name}: got {n:g}; a whole number is wanted")
    return n


def least_whole(power: Callable[[float], float], target: float, least: float = 2.0) -> float:
    """Return the smallest whole size with the power wanted, for a power that rises with the size."""
    high = least
    while power(high) < target:
        if high > _LARGEST:
            raise DataError(f"power: {target:g} is not reached below a size of {_LARGEST:g}; the effect is too small")
        high *= 2.0
    low = max(least - 1.0, math.floor(high / 2.0))
    while high - low > 1.0:
        middle = math.floor(0.5 * (low + high))
        low, high = (low, middle) if power(middle) >= target else (middle, high)
    return float(high)


def study(
    power: Callable[[float, float], float], size: float, size0: float, *, effect: str, unit: str,
    assumed: Mapping[str, float], tests: Tests, method: str, reference: str, target: float | None = None,
    least: float = 2.0, notes: tuple[Note, ...] = (),
) -> StudySize:  # fmt: skip
    """Return the result, with the power at sizes around; `least` 0 is for exposures, which need not be whole."""

    def scaled(n: float) -> FloatArray:
        grid = np.array(_STEPS) * n
        return np.maximum(np.ceil(grid), least) if least > 0.0 else grid

    n, n0 = scaled(size), scaled(size0)
    at = np.array([power(float(a), float(b)) for a, b in zip(n, n0, strict=True)])
    return StudySize(
        effect, size, size0, unit, power(size, size0), target, dict(assumed), tests.null, tests.confidence,
        tests.alternative, frozen_array(n), frozen_array(n0), frozen_array(at), method, reference, notes,
    )  # fmt: skip
