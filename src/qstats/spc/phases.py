"""Which points belong to which phase, which the limits rest on, which are judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.spc.labels import text_of

__all__ = ["Layout", "as_labels", "is_mask", "lay_out", "phase_runs", "to_mask"]


def _all(value: bool, n: int) -> BoolArray:
    return np.ndarray((n,), np.bool_, bytes((value,)), 0, (0,))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The plan of a chart over `n` points.

    Parameters
    ----------
    names, ends : tuple
        Name and end (exclusive) of each phase.
    used : numpy.ndarray of bool
        Points the limits rest on.
    excluded, gap : numpy.ndarray of bool or None
        Points left out by the caller; points without a value. None: there are none.
    notes : tuple of Note
        What is worth saying about the plan.
    """

    names: tuple[str, ...]
    ends: tuple[int, ...]
    used: BoolArray
    excluded: BoolArray | None
    gap: BoolArray | None
    notes: tuple[Note, ...] = ()

    @property
    def n(self) -> int:
        """Number of points, gaps and exclusions among them."""
        return self.ends[-1]

    def parts(self) -> Iterator[tuple[str, slice]]:
        """Yield the name and the place of each phase."""
        start = 0
        for name, end in zip(self.names, self.ends, strict=True):
            yield name, slice(start, end)
            start = end

    def unjudged(self) -> BoolArray | None:
        """Return the points that break runs and moving ranges."""
        if self.excluded is None or self.gap is None:
            return self.gap if self.excluded is None else self.excluded
        return self.excluded | self.gap

    def age(self) -> npt.NDArray[np.intp] | None:
        """Return how many judged points in a row precede each point (-1: not judged); None if nothing breaks."""
        out = self.unjudged()
        if out is None and len(self.ends) == 1:
            return None
        at = np.arange(self.n)
        start = np.zeros(self.n, dtype=np.intp)
        first = np.array((0, *self.ends[:-1]))
        start[first] = first
        if out is not None:
            start[out] = at[out] + 1
        age: npt.NDArray[np.intp] = at - np.maximum.accumulate(start)
        return age


def is_mask(value: object) -> bool:
    """Whether `value` has one true or false per row (and so must be sorted along with the rows)."""
    if value is None or isinstance(value, str | int | slice):
        return False
    a = np.asarray(value)
    return a.dtype.kind == "b" or (a.dtype.kind == "O" and a.size > 0 and isinstance(a.flat[0], bool | np.bool_))


def _positions(a: npt.NDArray[Any], name: str, n: int) -> BoolArray:
    bad = (a < 0) | (a >= n)
    if bad.any():
        raise DataError(f"{name}: position {a[bad][0]} for {n} points; positions count from 0 to {n - 1}")
    out = np.zeros(n, dtype=np.bool_)
    out[a] = True
    return out


def to_mask(value: object, name: str, n: int) -> BoolArray | None:
    """Return a mask of shape (n,) from a mask, positions, a slice or (``baseline`` only) a number of first points."""
    if value is None:
        return None
    out = np.zeros(n, dtype=np.bool_)
    if isinstance(value, slice):
        try:
            out[value] = True
        except TypeError:
            raise DataError(f"{name}: got {value!r}; a slice of whole numbers is wanted") from None
        return out
    if name == "baseline" and isinstance(value, int | np.integer) and not isinstance(value, bool):
        if not 1 <= value <= n:
            raise DataError(f"baseline: got {value} first points of {n}; a number from 1 to {n} is wanted")
        out[:value] = True
        return out
    try:
        a = np.asarray(value)
    except ValueError:
        a = np.empty((0, 0))
    if a.ndim != 1 or (a.size and not is_mask(a) and a.dtype.kind not in "iu"):
        also = "a number of first points, " if name == "baseline" else ""
        raise DataError(f"{name}: got {value!r}; {also}a slice, positions, or one true/false per point is wanted")
    if a.size == 0:
        return out
    if not is_mask(a):
        return _positions(a, name, n)
    if a.size != n:
        raise DataError(f"{name}: {a.size} true/false values for {n} points; one each is wanted")
    if not all(isinstance(v, bool | np.bool_) for v in (a if a.dtype.kind == "O" else ())):
        raise DataError(f"{name}: a true/false value is missing; fill it in")
    return a.astype(np.bool_)


def _runs_of_labels(a: npt.NDArray[Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if a.dtype.kind == "O":
        missing = np.array([v is None or v != v or type(v).__name__ in ("NAType", "NaTType") for v in a])
    else:
        missing = np.isnan(a) if a.dtype.kind == "f" else np.zeros(a.size, dtype=np.bool_)
        missing = np.isnat(a) if a.dtype.kind == "M" else missing
    if missing.any():
        raise DataError(f"phase: no label at position {int(np.argmax(missing))}; every point belongs to a phase")
    change = np.flatnonzero(a[1:] != a[:-1]) + 1
    names = tuple(text_of(a[i]) for i in (0, *change))
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"phase: {name!r} comes back after another phase; sort the rows or name the phases apart")
        seen.add(name)
    return names, (*change.tolist(), a.size)


def as_labels(phase: Any) -> npt.NDArray[Any]:
    """Return labels as an array; mixed ones (1, "a") stay apart as objects, where numpy would make all of them text."""
    if isinstance(phase, np.ndarray):
        return phase
    kinds = {type(v) for v in phase}
    return np.asarray(phase, dtype=None if len(kinds) <= 1 else object)


def phase_runs(phase: object, n: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return names and ends of the phases from one label per point or from the first positions of new phases."""
    if phase is None:
        return ("",), (n,)
    if isinstance(phase, str | bytes | dict | set) or np.ndim(phase) != 1:  # type: ignore[arg-type]
        raise DataError(f"phase: got {phase!r}; one label per point, or positions where new phases begin, is wanted")
    a = as_labels(phase)
    if a.size == n:
        return _runs_of_labels(a)
    if a.size and a.dtype.kind not in "iu":
        raise DataError(f"phase: {a.size} labels came for {n} points; one each is wanted")
    if a.size and (a[0] < 1 or a[-1] >= n or (np.diff(a) <= 0).any()):
        raise DataError(f"phase: breaks {a.tolist()} came; rising positions from 1 to {n - 1} are wanted")
    return tuple(str(i + 1) for i in range(a.size + 1)), (*a.tolist(), n)


def lay_out(
    values: FloatArray, phase: object, baseline: object, exclude: object, *, gaps: bool, estimate: bool = True
) -> Layout:
    """Make the plan: limits in each phase rest on its baseline points, or on all its points if it holds none.

    Parameters
    ----------
    values : numpy.ndarray
        The plotted statistic; NaN is a gap.
    phase, baseline, exclude
        As in the chart functions, in charted order.
    gaps : bool
        Whether `values` may hold NaN (a pass over the data is saved if not).
    estimate : bool
        False: limits are given, no point is used.
    """
    n = values.size
    names, ends = phase_runs(phase, n)
    gap = np.isnan(values) if gaps else None
    gap = gap if gap is not None and gap.any() else None
    excluded = to_mask(exclude, "exclude", n)
    excluded = excluded if excluded is not None and excluded.any() else None
    notes = []
    if gap is not None:
        notes.append(
            Note("missing-dropped", "warning", f"{int(gap.sum())} of {n} points have no value and stay as gaps")
        )
    if excluded is not None:
        text = f"{int(excluded.sum())} of {n} points were excluded by the caller: shown, not used, not judged"
        notes.append(Note("excluded", "info", text))
    plan = Layout(names, ends, _all(False, n), excluded, gap, tuple(notes))
    if not estimate:
        return plan
    used, more = _used(plan, to_mask(baseline, "baseline", n))
    return Layout(names, ends, used, excluded, gap, (*notes, *more))


def _used(plan: Layout, base: BoolArray | None) -> tuple[BoolArray, Sequence[Note]]:
    out = plan.unjudged()
    if base is None:
        return (_all(True, plan.n) if out is None else ~out), ()
    if not base.any():
        raise DataError("baseline: holds no point; leave it out or name at least one")
    notes = []
    used = base.copy()
    for name, part in plan.parts():
        if not base[part].any():
            used[part] = True
            text = f"phase {name!r} holds no baseline point: its limits rest on all its points"
            notes.append(Note("phase-without-baseline", "info", text))
    if out is not None:
        used &= ~out
    return used, notes
