"""Names of points and phases that cost nothing until somebody reads one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

__all__ = ["LazySequence", "PhaseNames", "PointLabels", "phase_ends", "text_of"]


T = TypeVar("T")


def text_of(value: Any) -> str:
    """Return a label as text: whole floats without ``.0``, dates as ISO text without an empty time of day."""
    if isinstance(value, float | np.floating):
        x = float(value)
        return str(int(x)) if x.is_integer() and abs(x) < 1e15 else f"{x:.15g}"
    if isinstance(value, np.datetime64):
        day = value.astype("datetime64[D]")
        if day == value:
            return str(day)
        return str(value.astype("datetime64[s]") if value.astype("datetime64[s]") == value else value)
    return str(value)


class LazySequence(Sequence[T]):
    """A read-only sequence that makes an item when it is read; equal to a tuple of the same items."""

    __slots__ = ()

    def _one(self, i: int) -> T:
        raise TypeError(f"{type(self).__name__} makes no items: this is a bug in qstats")

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self._one(i) for i in range(*index.indices(len(self))))
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        return self._one(int(i))

    def __iter__(self) -> Iterator[T]:
        return (self._one(i) for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple | LazySequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        shown = ", ".join(repr(item) for item in self[:5])
        return f"({shown}{', ...' if len(self) > 5 else ''})"


class PointLabels(LazySequence[str]):
    """One label per point: ``"1", "2", ...`` or the text of an array."""

    __slots__ = ("_n", "_values")

    def __init__(self, n: int, values: npt.NDArray[Any] | None = None) -> None:
        self._n = n
        self._values = values

    @property
    def numbered(self) -> bool:
        """Whether the labels are only positions counted from 1."""
        return self._values is None

    @property
    def repeats(self) -> int:
        """How many points share their label with the one before."""
        return 0 if self._values is None else int(np.count_nonzero(self._values[1:] == self._values[:-1]))

    def __len__(self) -> int:
        return self._n

    def _one(self, i: int) -> str:
        return str(i + 1) if self._values is None else text_of(self._values[i])


class PhaseNames(LazySequence[str]):
    """The phase name of each point, kept as one name and one end per phase."""

    __slots__ = ("_ends", "_names")

    def __init__(self, names: Sequence[str], ends: Sequence[int]) -> None:
        self._names = tuple(names)
        self._ends = np.asarray(ends, dtype=np.int64)

    @property
    def ends(self) -> tuple[int, ...]:
        """End (exclusive) of each phase."""
        return tuple(self._ends.tolist())

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def _one(self, i: int) -> str:
        return self._names[int(np.searchsorted(self._ends, i, side="right"))]

    def __iter__(self) -> Iterator[str]:
        start = 0
        for name, end in zip(self._names, self._ends.tolist(), strict=True):
            for _ in range(start, end):
                yield name
            start = end


def phase_ends(phases: Sequence[str]) -> tuple[int, ...]:
    """Return the end (exclusive) of each run of equal phase names."""
    if isinstance(phases, PhaseNames):
        return phases.ends
    return (*(i for i in range(1, len(phases)) if phases[i] != phases[i - 1]), len(phases))
