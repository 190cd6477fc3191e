"""A factor of an experiment: what is set, between which limits, and what a setting or a change costs."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_number
from qstats._core.result import json_safe
from qstats.errors import DataError, DesignError

__all__ = ["KINDS", "Factor", "as_factors", "total_hours"]

KINDS = ("continuous", "discrete", "categorical", "mixture")
_NAME_LENGTH = 200
_MOST = 2000


@dataclass(frozen=True, slots=True)
class Factor:
    """What is set in an experiment.

    Parameters
    ----------
    name : str
        In any language; unique within a design.
    low, high : float, optional
        Ends of the range of a continuous factor (-1 and +1 in coded units), or of the share of a mixture component.
    levels : sequence, optional
        Settings of a discrete (numbers) or categorical (text) factor, in order.
    kind : {"continuous", "discrete", "categorical", "mixture"}, optional
        Unsaid: continuous with `low` and `high`, discrete with levels that are numbers, else categorical.
    unit : str
        Unit of the settings, for sheets and figures.
    hard_to_change : bool
        Changed as seldom as possible: the design becomes a split-plot.
    noise : bool
        Cannot be set in production, only in the experiment.
    run_hours : float or mapping
        Clock hours a run takes because of this factor's setting: one number, or level -> hours, or for a continuous
        factor a mapping of ``low`` and ``high`` (between them on a straight line).
    change_hours : float
        Clock hours every change of the setting takes.

    Raises
    ------
    DesignError
        No range and no levels, low not below high, repeated levels, an impossible name.

    Examples
    --------
    >>> from qstats.doe import Factor
    >>> speed = Factor("belt speed", 20, 60, unit="m/min")
    >>> speed.decode([-1, 0, 1]).tolist()
    [20.0, 40.0, 60.0]
    >>> Factor("glue", levels=["A", "B", "C"]).kind
    'categorical'
    """

    schema: ClassVar[str] = "qstats.factor/1"

    name: str
    low: float | None = None
    high: float | None = None
    levels: tuple[Any, ...] = ()
    kind: str = ""
    unit: str = ""
    hard_to_change: bool = False
    noise: bool = False
    run_hours: Any = 0.0
    change_hours: float = 0.0

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "name", _checked_name(self.name))
        put(self, "levels", _as_levels(self.levels, self.name))
        for name, kind in (("unit", str), ("hard_to_change", bool), ("noise", bool)):
            if not isinstance(getattr(self, name), kind):
                raise DesignError(f"{self.name}: {name}: got {getattr(self, name)!r}; a {kind.__name__} is wanted")
        put(self, "kind", self._checked_kind())
        if self.kind in ("continuous", "mixture"):
            self._check_range()
        else:
            put(self, "levels", self._checked_levels())
        put(self, "change_hours", check_number(self.change_hours, f"{self.name}: change_hours", least=0.0))
        put(self, "run_hours", self._checked_hours())

    # ---- checks ----

    def _checked_kind(self) -> str:
        if self.kind:
            kind = check_choice(self.kind, f"{self.name}: kind", KINDS)
        elif self.levels:
            kind = "discrete" if all(_is_number(v) for v in self.levels) else "categorical"
        else:
            kind = "continuous"
        if self.levels and kind in ("continuous", "mixture"):
            raise DesignError(f"{self.name}: levels came for a {kind} factor; pass low= and high=")
        if not self.levels and kind in ("discrete", "categorical"):
            raise DesignError(f"{self.name}: a {kind} factor wants levels=")
        if self.levels and (self.low is not None or self.high is not None):
            raise DesignError(f"{self.name}: both levels and a range came; pass one of them")
        return kind

    def _check_range(self) -> None:
        default = (0.0, 1.0) if self.kind == "mixture" else (None, None)
        for name, value in zip(("low", "high"), default, strict=True):
            given = getattr(self, name)
            given = value if given is None else given
            if given is None:
                raise DesignError(f"{self.name}: {name} is missing; pass low= and high=, or levels=")
            object.__setattr__(self, name, check_number(given, f"{self.name}: {name}"))
        assert self.low is not None and self.high is not None
        if not math.isfinite(self.high - self.low):
            raise DesignError(f"{self.name}: the range from {self.low:g} to {self.high:g} does not fit a float64")
        if not self.low < self.high:
            raise DesignError(f"{self.name}: low {self.low:g} is not below high {self.high:g}")
        if self.kind == "mixture" and not (self.low >= 0.0 and self.high <= 1.0):
            raise DesignError(f"{self.name}: got {self.low:g} to {self.high:g}; shares of a mixture lie from 0 to 1")

    def _checked_levels(self) -> tuple[Any, ...]:
        if self.kind == "discrete":
            if not all(_is_number(v) for v in self.levels):
                raise DesignError(f"{self.name}: a discrete factor has numbers as levels; text is kind='categorical'")
            numbers = tuple(check_number(float(v), f"{self.name}: levels") for v in self.levels)
            if any(a >= b for a, b in itertools.pairwise(numbers)):
                raise DesignError(f"{self.name}: levels of a discrete factor rise, each once; got {self.levels!r}")
            levels: tuple[Any, ...] = numbers
        else:
            if any(isinstance(v, bool) or v is None for v in self.levels):
                raise DesignError(
                    f"{self.name}: got the levels {self.levels!r}; write them as text, such as 'on', 'off'"
                )
            levels = tuple(v if isinstance(v, str) else str(v) for v in self.levels)
            if len(set(levels)) < len(levels):
                raise DesignError(f"{self.name}: the same level twice in {self.levels!r}")
        if len(levels) < 2:
            raise DesignError(f"{self.name}: {len(levels)} level; two or more are wanted (one is a constant)")
        return levels

    def _checked_hours(self) -> Any:
        name = f"{self.name}: run_hours"
        given: Any = self.run_hours
        if isinstance(given, tuple | list):
            if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in given):
                raise DesignError(f"{name}: got {given!r}; one number, or a mapping of settings to hours, is wanted")
            given = dict(given)
        if not isinstance(given, Mapping):
            return check_number(given, name, least=0.0)
        keys: Sequence[Any] = ("low", "high") if self.low is not None else self.levels
        if set(given) != set(keys):
            raise DesignError(f"{name}: got {sorted(map(str, given))}; hours for each of {list(keys)} are wanted")
        return tuple((key, check_number(given[key], name, least=0.0)) for key in keys)

    # ---- scales ----

    @property
    def numeric(self) -> bool:
        """Whether settings are numbers."""
        return self.kind != "categorical"

    @property
    def count(self) -> int | None:
        """Number of levels; None for a range."""
        return len(self.levels) or None

    @property
    def center(self) -> float:
        """Natural value at 0 in coded units."""
        low, high = self._ends()
        return low + 0.5 * (high - low)

    def _ends(self) -> tuple[float, float]:
        if self.low is not None and self.high is not None:
            return self.low, self.high
        if self.kind == "categorical":
            raise DesignError(f"{self.name}: a categorical factor has no middle")
        return float(self.levels[0]), float(self.levels[-1])

    def code(self, natural: Any) -> FloatArray:
        """Return settings in coded units: -1 to +1 over the range; the number of the level (from 0) for text.

        Parameters
        ----------
        natural : array-like of shape (n,)
            Settings in natural units; text for a categorical factor.
        """
        if self.kind == "categorical":
            place = {level: float(i) for i, level in enumerate(self.levels)}
            cells = [v if isinstance(v, str) else str(v) for v in np.asarray(natural, dtype=object).ravel().tolist()]
            unknown = next((v for v in cells if v not in place), None)
            if unknown is not None:
                raise DataError(f"{self.name}: got {unknown!r}; one of {', '.join(map(repr, self.levels))} is wanted")
            return np.array([place[v] for v in cells])
        x = as_vector(natural, self.name)
        if self.kind == "mixture":
            return x
        low, high = self._ends()
        return (x - low) * (2.0 / (high - low)) - 1.0

    def decode(self, coded: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return coded settings in natural units; text for a categorical factor."""
        c = np.asarray(coded, dtype=np.float64)
        if self.kind == "categorical":
            if not ((c >= -0.5) & (c < len(self.levels) - 0.5)).all():
                raise DataError(f"{self.name}: got a coded level outside 0 to {len(self.levels) - 1}")
            return np.array(self.levels, dtype=object)[np.rint(c).astype(np.intp)]
        if self.kind == "mixture":
            return c
        low, high = self._ends()
        # both ends come out exactly
        value = np.where(c <= 0.0, low + (c + 1.0) * (0.5 * (high - low)), high - (1.0 - c) * (0.5 * (high - low)))
        return np.asarray(value, dtype=np.float64)

    def hours(self, coded: npt.ArrayLike) -> FloatArray:
        """Return the clock hours each run takes because of its setting."""
        c = np.asarray(coded, dtype=np.float64)
        if not isinstance(self.run_hours, tuple):
            return np.full(c.shape, float(self.run_hours))
        table = np.array([hours for _, hours in self.run_hours])
        if self.low is not None:
            low, high = table.tolist()
            share = c if self.kind == "mixture" else 0.5 * (c + 1.0)
            return np.asarray(low + share * (high - low), dtype=np.float64)
        at = c if self.kind == "categorical" else np.searchsorted(self.code(self.levels), c - 1e-9)
        return np.asarray(table[np.rint(at).astype(np.intp)], dtype=np.float64)

    # ---- storing ----

    def to_dict(self) -> dict[str, Any]:
        """Return the factor as JSON-safe values."""
        hours = json_safe(self.run_hours)
        return {
            "schema": self.schema, "name": self.name, "low": self.low, "high": self.high, "levels": list(self.levels),
            "kind": self.kind, "unit": self.unit, "hard_to_change": self.hard_to_change, "noise": self.noise,
            "run_hours": hours, "change_hours": self.change_hours,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Factor:
        """Return what `to_dict` gave."""
        if not isinstance(held, Mapping) or held.get("schema", cls.schema) != cls.schema:
            raise DataError(f"factor: got {held!r}; a mapping with schema {cls.schema!r} is wanted")
        known = {f for f in cls.__dataclass_fields__ if f != "schema"}
        if unknown := sorted(set(held) - known - {"schema"}):
            raise DataError(f"factor: unknown entries {', '.join(map(repr, unknown))}")
        given = {k: v for k, v in held.items() if k != "schema"}
        if "name" not in given:
            raise DataError("factor: the entry 'name' is missing")
        return cls(**given)

    def label(self) -> str:
        """Return name and unit, as a column is headed."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


def _as_levels(levels: Any, name: str) -> tuple[Any, ...]:
    if isinstance(levels, str):
        return (levels,)
    if not isinstance(levels, Iterable):
        raise DesignError(f"{name}: levels: got {levels!r}; a list of settings is wanted")
    return tuple(levels)


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float | np.integer | np.floating)


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise DesignError(f"name: got {name!r}; text is wanted")
    text = unicodedata.normalize("NFC", name.strip())
    if len(text) > _NAME_LENGTH or any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") for c in text):
        raise DesignError(f"name: got {text[:40]!r}; printable text of at most {_NAME_LENGTH} characters is wanted")
    if "`" in text:
        raise DesignError(f"name: got {text!r}; the sign ` marks names in models and cannot stand in one")
    return text


def as_factors(factors: object, *, least: int = 1, what: str = "factors") -> tuple[Factor, ...]:
    """Return factors from a sequence of them, a mapping of names to (low, high) or levels, or names alone.

    Names alone are continuous factors from -1 to +1: a design in coded units.
    """
    if isinstance(factors, Factor):
        found: tuple[Factor, ...] = (factors,)
    elif isinstance(factors, Mapping):
        found = tuple(_from_pair(name, given) for name, given in factors.items())
    elif isinstance(factors, int | np.integer) and not isinstance(factors, bool):
        if factors > _MOST:
            raise DesignError(f"{what}: got {factors}; at most {_MOST} are taken")
        found = tuple(Factor(_letter(i), -1.0, 1.0) for i in range(int(factors)))
    elif isinstance(factors, Iterable) and not isinstance(factors, str | bytes):
        found = tuple(f if isinstance(f, Factor) else Factor(f, -1.0, 1.0) for f in factors)
    else:
        raise DesignError(
            f"{what}: got {factors!r}; a list of Factor, a dict of name to (low, high), names, or a number is wanted"
        )
    if len(found) < least:
        raise DesignError(f"{what}: {len(found)} came; {least} or more are wanted")
    names = [f.name for f in found]
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise DesignError(f"{what}: {', '.join(map(repr, twice))} stands there twice; every factor has its own name")
    return found


def _from_pair(name: str, given: Any) -> Factor:
    if isinstance(given, Factor):
        return given
    if not isinstance(given, list | tuple):
        raise DesignError(f"{name}: got {given!r}; a pair (low, high) or a list of levels is wanted")
    if len(given) == 2 and all(_is_number(v) for v in given):
        return Factor(name, *given)
    return Factor(name, levels=tuple(given))


def _letter(i: int) -> str:
    """A, B, ... without I (the identity of defining relations), then X25, X26 ..."""
    letters = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
    return letters[i] if i < len(letters) else f"X{i + 1}"


def total_hours(factors: Sequence[Factor], coded: FloatArray, order: npt.NDArray[np.intp]) -> float:
    """Return the clock hours of all runs in this order: settings, and every change between neighbours."""
    ordered = coded[order]
    hours = math.fsum(float(f.hours(ordered[:, j]).sum()) for j, f in enumerate(factors))
    changes = (np.diff(ordered, axis=0) != 0.0).sum(axis=0)
    return hours + math.fsum(f.change_hours * float(c) for f, c in zip(factors, changes, strict=True))
