"""How a gauge study was laid out: crossed or nested, balanced or not, and whether the roles make sense."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.msa.gauge.door import GaugeData, IntArray

__all__ = ["Layout", "lay_out"]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Parts, operators, and how often each part was measured by each operator.

    Parameters
    ----------
    kind : {"crossed", "nested"}
    part, operator : ndarray, shape (n,)
        Codes; in a nested study a part of one operator is not that of another, whatever its label.
    part_labels, operator_labels : tuple of str
    count : ndarray, shape (parts, operators)
        Measurements in each cell.
    repeats : int
        Measurements in every cell that the design has; 0 if they differ or cells are empty.
    notes : tuple of Note
    """

    kind: str
    part: IntArray
    operator: IntArray
    part_labels: tuple[str, ...]
    operator_labels: tuple[str, ...]
    count: npt.NDArray[np.intp]
    repeats: int
    notes: tuple[Note, ...]

    @property
    def parts(self) -> int:
        """Number of different parts."""
        return len(self.part_labels)

    @property
    def operators(self) -> int:
        """Number of operators."""
        return len(self.operator_labels)

    def cube(self, y: FloatArray) -> FloatArray:
        """Return balanced measurements as parts x operators x repeats (nested: operators x parts of each x repeats)."""
        p, o, r = self.parts, self.operators, self.repeats
        if self.kind == "crossed":
            order = np.lexsort((self.operator, self.part))
            return y[order].reshape(p, o, r)
        order = np.lexsort((self.part, self.operator))
        return y[order].reshape(o, p // o, r)


def _pairs(first: IntArray, second: IntArray, k: int) -> tuple[IntArray, IntArray]:
    seen, codes = np.unique(first * k + second, return_inverse=True)
    return seen, codes.reshape(-1)


def lay_out(data: GaugeData, design: object) -> Layout:
    """Return the layout; ``"auto"`` takes parts that no two operators share for nested.

    Raises
    ------
    DataError
        A nested study was asked for with one operator, or no part was measured twice.
    """
    design = check_choice(design, "design", ("auto", "crossed", "nested"))
    part, part_labels = data.codes["part"], data.labels["part"]
    operator = data.codes.get("operator", np.zeros_like(part))
    operator_labels = data.labels.get("operator", ("(all)",))
    o = len(operator_labels)
    cells, _ = _pairs(part, operator, o)
    shared = cells.size > len(part_labels)
    if design == "auto":
        design = "nested" if o > 1 and not shared else "crossed"
    if design == "nested":
        if o == 1:
            raise DataError("design: nested came with one operator; there is nothing to nest in: use 'crossed'")
        cells, part = _pairs(operator, part, len(part_labels))
        names = [(operator_labels[c // len(part_labels)], part_labels[c % len(part_labels)]) for c in cells.tolist()]
        part_labels = tuple(f"{a}/{b}" for a, b in names) if shared else tuple(b for _, b in names)
    count = np.bincount(part * o + operator, minlength=len(part_labels) * o).reshape(len(part_labels), o)
    return Layout(
        design,
        part,
        operator,
        part_labels,
        operator_labels,
        count,
        _repeats(count, design),
        _remarks(design, count, shared),
    )


def _repeats(count: npt.NDArray[np.intp], kind: str) -> int:
    used = count[count > 0]
    even = bool((used == used[0]).all())
    if kind == "crossed":
        return int(used[0]) if even and used.size == count.size else 0
    per_operator = (count > 0).sum(axis=0)
    return int(used[0]) if even and bool((per_operator == per_operator[0]).all()) else 0


def _remarks(kind: str, count: npt.NDArray[np.intp], shared: bool) -> tuple[Note, ...]:
    once = int(count.max()) == 1
    if kind == "nested":
        if once:
            raise DataError("data: no part was measured twice by its operator; repeatability needs repeats")
        same = "; labels that come back under another operator are taken for other parts" if shared else ""
        text = f"each operator measured parts of their own{same}: operators can only be compared as far as their parts "
        return (Note("nested", "info", f"{text}come from one homogeneous batch"),)
    return (*_cell_remarks(count), *_role_remarks(count, once))


def _cell_remarks(count: npt.NDArray[np.intp]) -> list[Note]:
    if empty := int((count == 0).sum()):
        text = f"{empty} of {count.size} part x operator cells have no measurement"
        return [Note("empty-cells", "warning", text)]
    low, high = int(count.min()), int(count.max())
    return [Note("unbalanced", "info", f"{low} to {high} measurements per part and operator")] if low != high else []


def _role_remarks(count: npt.NDArray[np.intp], once: bool) -> list[Note]:
    parts, operators = count.shape
    notes = []
    if operators == 1:
        text = "one operator only: reproducibility cannot be seen, and the gauge R&R is its repeatability"
        notes.append(Note("one-operator", "serious", text))
    elif once:
        text = "each operator measured each part once: the part x operator interaction and the repeatability cannot be "
        notes.append(Note("one-repeat", "serious", f"{text}separated; both stand under repeatability"))
    if operators > parts:
        text = f"{operators} operators measured {parts} parts: check that part and operator are not exchanged"
        notes.append(Note("roles-swapped", "serious", text))
    return notes
