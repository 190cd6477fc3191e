"""From answers of any kind (text, numbers, yes/no) to codes into a list of categories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import FloatArray
from qstats.errors import DataError

__all__ = ["Coded", "Codes", "code_answers", "code_matrix", "natural", "plain", "put_in_order"]

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Answers as positions in a list of categories.

    Parameters
    ----------
    codes : ndarray
        Same shape as the answers; -1 where there is none.
    labels : tuple of str
        Numbers in rising order, text in natural order (``"part 9"`` before ``"part 10"``), unless an order was given.
    kind : {"numbers", "text", "dates", "nothing"}
    values : ndarray or None, shape (categories,)
        What the labels stand for, where they are numbers.
    """

    codes: Codes
    labels: tuple[str, ...]
    kind: str
    values: FloatArray | None


def natural(label: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which part 10 comes after part 9."""
    return tuple((0, int(t), "") if t.isdecimal() else (1, 0, t) for t in re.split(r"(\d+)", label) if t)


def _kind(cell: object) -> str:
    if isinstance(cell, str | bytes):
        return "text"
    if isinstance(cell, int | float | np.number | np.bool_) or type(cell).__name__ in ("Decimal", "Fraction"):
        return "numbers"
    if isinstance(cell, np.datetime64) or type(cell).__name__ in ("date", "datetime", "Timestamp"):
        return "dates"
    return f"{type(cell).__name__} objects"


def _is_gap(cell: Any) -> bool:
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, str):
        return not cell.strip()
    return isinstance(cell, float | np.floating | np.datetime64) and bool(cell != cell)


def _text(cell: Any, kind: str, name: str) -> str:
    if kind == "text":
        return cell.decode("utf-8", "replace").strip() if isinstance(cell, bytes) else str(cell).strip()
    if kind == "numbers":
        if isinstance(cell, bool | np.bool_):
            return str(bool(cell))
        x = float(cell)
        if not np.isfinite(x):
            raise DataError(f"{name}: got {cell!r} as a category; finite numbers or text are wanted")
        return str(int(x)) if x.is_integer() else repr(x)
    if kind == "dates":
        return str(cell)
    raise DataError(f"{name}: got {kind}; numbers or text are wanted")


def _from_objects(cells: list[Any], name: str) -> tuple[Codes, dict[str, Any], str]:
    """Return codes, label -> first cell it came from, and the kind; work is done per distinct cell."""
    try:
        distinct = list(dict.fromkeys(cells))
    except TypeError:
        raise DataError(f"{name}: got lists or other unhashable cells; one category per cell is wanted") from None
    kinds: dict[str, Any] = {}
    for cell in distinct:
        if not _is_gap(cell):
            kinds.setdefault(_kind(cell), cell)
    if len(kinds) > 1:
        (a, x), (b, y) = list(kinds.items())[:2]
        raise DataError(
            f"{name}: {a} ({x!r}) and {b} ({y!r}) are mixed; {x!r} and {y!r} would count as different categories: "
            "convert the column to one kind"
        )
    kind = next(iter(kinds), "nothing")
    found: dict[str, Any] = {}
    at: dict[Any, int] = {}
    where: dict[str, int] = {}
    for cell in distinct:
        if _is_gap(cell):
            at[cell] = -1
            continue
        label = _text(cell, kind, name)
        found.setdefault(label, cell)
        at[cell] = where.setdefault(label, len(where))
    get = at.__getitem__
    return np.fromiter(map(get, cells), dtype=np.intp, count=len(cells)), found, kind


def _sorted(codes: Codes, found: dict[str, Any], kind: str) -> Coded:
    old = list(found)
    if kind == "numbers":
        numbers = np.array([float(found[label]) for label in old])
        order = np.argsort(numbers, kind="stable")
    else:
        order = np.array(sorted(range(len(old)), key=lambda i: natural(old[i])), dtype=np.intp)
    place = np.empty(len(old) + 1, dtype=np.intp)
    place[order] = np.arange(len(old))
    place[-1] = -1  # the code of a gap is the last position
    values = numbers[order] if kind == "numbers" else None
    return Coded(place[codes], tuple(old[i] for i in order.tolist()), kind, values)


def _from_numbers(a: npt.NDArray[Any], name: str) -> Coded:
    x = a.astype(np.float64)
    if np.isinf(x).any():
        raise DataError(f"{name}: got an infinite value as a category; finite numbers or text are wanted")
    gap = np.isnan(x)
    values, inverse = np.unique(x[~gap], return_inverse=True)
    codes = np.full(x.size, -1, dtype=np.intp)
    codes[~gap] = inverse.reshape(-1)
    labels = table.labels(values) if a.dtype.kind != "b" else tuple(str(bool(v)) for v in values)
    return Coded(codes, labels, "numbers", values)


def code_answers(column: object, name: str) -> Coded:
    """Return one column of answers as codes; text and numbers mixed are refused (``"1"`` is not ``1``)."""
    if isinstance(column, str | bytes | dict | set) or column is None:
        raise DataError(f"{name}: got {column!r}; one entry per answer is wanted")
    if isinstance(column, list | tuple):
        # numpy would turn a list of 1 and "1" into text without a word
        cells = list(column)
        if any(isinstance(c, list | tuple | np.ndarray) for c in cells[:1]):
            raise DataError(f"{name}: got nested rows; one entry per answer is wanted")
        return _sorted(*_from_objects(cells, name))
    a = np.ma.filled(column.astype(object), None) if isinstance(column, np.ma.MaskedArray) else np.asarray(column)
    if a.ndim != 1:
        raise DataError(f"{name}: shape {a.shape} came; one column is wanted")
    if a.dtype.kind in "biuf":
        return _from_numbers(a, name)
    if a.dtype.kind not in "OUSTM":
        raise DataError(f"{name}: got {a.dtype} values; numbers or text are wanted")
    return _sorted(*_from_objects(list(a) if a.dtype.kind == "M" else a.tolist(), name))


def code_matrix(data: object, name: str, what: str) -> tuple[Coded, tuple[int, ...]]:
    """Return an array of answers (parts in rows) as codes of the same shape, and the shape."""
    if isinstance(data, str | bytes | dict | set) or data is None:
        raise DataError(f"{name}: got {type(data).__name__}; {what} is wanted")
    nested = isinstance(data, list | tuple)
    try:
        # objects keep 1 and "1" apart where numpy would make both text
        a = np.array(data, dtype=object) if nested else np.asarray(data)
    except ValueError:
        raise DataError(f"{name}: rows of unequal length came; {what} is wanted") from None
    ragged = nested and a.ndim == 1 and any(isinstance(row, list | tuple) for row in a)
    if ragged or a.ndim not in (2, 3):
        raise DataError(f"{name}: shape {a.shape} came; {what} is wanted")
    coded = code_answers(a.ravel() if a.dtype.kind != "O" else a.ravel().tolist(), name)
    return Coded(coded.codes.reshape(a.shape), coded.labels, coded.kind, coded.values), a.shape


def plain(label: str, kind: str) -> str:
    """Return the label to compare by: a frame turns booleans into 0 and 1, an array keeps them."""
    return {"False": "0", "True": "1"}.get(label, label) if kind == "numbers" else label


def put_in_order(coded: Coded, order: Sequence[object] | None, name: str) -> Coded:
    """Return the answers recoded to the categories of `order`, which must hold every one of them."""
    if order is None:
        return coded
    if isinstance(order, str | bytes) or not isinstance(order, Sequence | np.ndarray):
        raise DataError(f"{name}: got {order!r}; a list of all categories, in order, is wanted")
    wanted = code_answers(list(order), name)
    if (wanted.codes < 0).any() or len(wanted.labels) != len(order):
        raise DataError(f"{name}: a category is empty or comes twice in {list(order)!r}; each once is wanted")
    if wanted.kind != coded.kind and "nothing" not in (wanted.kind, coded.kind):
        raise DataError(f"{name}: categories are {wanted.kind} but the answers are {coded.kind}; one kind is wanted")
    labels = tuple(wanted.labels[i] for i in wanted.codes.tolist())
    place = {plain(label, wanted.kind): i for i, label in enumerate(labels)}
    unknown = [label for label in coded.labels if plain(label, coded.kind) not in place]
    if unknown:
        shown = ", ".join(map(repr, unknown[:5]))
        raise DataError(
            f"{name}: answers or standards hold {shown}, not among the categories {', '.join(map(repr, labels))}"
        )
    to = np.array([place[plain(label, coded.kind)] for label in coded.labels] + [-1], dtype=np.intp)
    values = None if wanted.values is None else wanted.values[wanted.codes]
    return Coded(to[coded.codes], labels, wanted.kind, values)
