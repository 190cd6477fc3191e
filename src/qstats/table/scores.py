"""Answers on a whole-number scale, counted: from a list, an array or a table of any engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats._core.blocks import BLOCK, block_edges
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.table.arrays import factorize, labels, missing_mask, object_column
from qstats.table.fetch import columns as fetch_columns
from qstats.table.frames import check_columns, is_frame, lazy_keys, open_frame
from qstats.table.grouped import counts_by

__all__ = [
    "MISSING",
    "Answers",
    "Keys",
    "Scale",
    "Tally",
    "answers",
    "check_blank",
    "class_counts",
    "clean",
    "columns_of_scores",
    "read_keys",
    "rows_of",
    "score_vector",
    "tally",
    "weighed",
]

MISSING = "(missing)"
_SHOWN = 6
_SCORES = ("values", "values0")  # the parameters that name a column of scores
_LIGHTEST = 1e-100  # of the heaviest: squares below that underflow
_YES_NO = "got True and False; scores are wanted: give the answers themselves"
_RESERVED = ("n", "weight", "weight_missing")  # columns that counts_by answers with, and so cannot take as keys


@dataclass(frozen=True, slots=True)
class Scale:
    """The whole numbers `low` to `high` that a question allows."""

    low: int
    high: int

    def __len__(self) -> int:
        return self.high - self.low + 1


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """How often each score came (shape: length of the scale), and the notes on what was left out."""

    counts: FloatArray
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """One code per row into `labels`; the label of a missing key, if any, comes last."""

    codes: npt.NDArray[np.intp]
    labels: tuple[str, ...]
    missing: int


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Rows (or groups of equal rows) with a valid score each.

    Parameters
    ----------
    score : ndarray, shape (m,)
        Whole numbers on the scale.
    rows : ndarray, shape (m,)
        How many rows of the data each entry stands for.
    numbers : dict of str to ndarray, shape (m,)
        Further columns of numbers (weight).
    keys : dict of str to Keys
        Further columns of keys (by, strata, cluster).
    notes : tuple of Note
    """

    score: FloatArray
    rows: FloatArray
    numbers: Mapping[str, FloatArray]
    keys: Mapping[str, Keys]
    notes: tuple[Note, ...]


def _times(n: float) -> str:
    return "once" if n == 1 else f"{n:.0f} times"


def _off_scale(values: Any, counts: Any, scale: Scale, name: str) -> DataError:
    shown = ", ".join(f"{v:g} ({_times(c)})" for v, c in list(zip(values, counts, strict=True))[:_SHOWN])
    more = f" and {len(values) - _SHOWN} more values" if len(values) > _SHOWN else ""
    return DataError(
        f"{name}: {shown}{more} on a scale of whole numbers {scale.low} to {scale.high}; correct them, "
        f"or name the codes that mean 'no answer' in blank="
    )


def score_vector(data: object, name: str) -> FloatArray:
    """Return scores as float64 with gaps; yes and no are not scores, though Python counts with them."""
    x = as_vector(data, name, missing="drop", least=0)
    dtype = getattr(data, "dtype", None)
    kind = getattr(dtype, "kind", "")
    cells: Any = data if isinstance(data, list | tuple) or kind == "O" else ()
    if kind == "b" or str(dtype) == "Boolean" or any(type(c) is bool or type(c) is np.bool_ for c in cells):
        raise DataError(f"{name}: {_YES_NO}")
    return x


def columns_of_scores(data: object, columns: Mapping[str, str]) -> None:
    """Refuse columns (by the name for messages) of True and False, which arrive as numbers from most engines."""
    import narwhals.stable.v2 as nw

    schema = check_columns(open_frame(data), list(columns.items()))
    for name, column in columns.items():
        if schema[column] == nw.Boolean:
            raise DataError(f"{name}: {_YES_NO}")


def weighed(a: Answers) -> Answers:
    """Return answers with weights scaled to a largest of 1 (only their ratios matter), those of weight 0 left out.

    The labels of a segment or stratum that is left without an answer stay: whoever needs them full says so.
    """
    weight = a.numbers.get("weight")
    if weight is None:
        return a
    if (gaps := np.isnan(weight)).any():
        raise DataError(f"weight: missing ({first_bad(gaps, weight)}); every answer that counts needs its weight")
    if (bad := weight < 0).any():
        raise DataError(f"weight: {first_bad(bad, weight)}; weights of zero or more are wanted")
    if not weight.max() > 0:
        raise DataError("weight: all are zero; at least one above zero is wanted")
    good = weight > 0
    most, least = float(weight.max()), float(weight[good].min())
    if least / most < _LIGHTEST:
        raise DataError(f"weight: from {least:g} to {most:g}; so light an answer does not count, give it zero")
    numbers = {**a.numbers, "weight": weight / most}
    if good.all():
        return Answers(a.score, a.rows, numbers, a.keys, a.notes)
    text = f"{a.rows[~good].sum():.0f} of {a.rows.sum():.0f} answers have weight 0: they count for nothing, left out"
    numbers = {name: x[good] for name, x in numbers.items()}
    keys = {name: Keys(key.codes[good], key.labels, key.missing) for name, key in a.keys.items()}
    return Answers(a.score[good], a.rows[good], numbers, keys, (*a.notes, Note("weight-zero", "warning", text)))


def check_blank(blank: object, scale: Scale) -> tuple[float, ...]:
    """Return the codes that mean "no answer"; none of them may be a score."""
    items = [blank] if isinstance(blank, int | float) and not isinstance(blank, bool) else blank
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise DataError(f"blank: got {blank!r}; the codes that mean 'no answer' are wanted, such as (11, 99)")
    codes = tuple(check_number(code, "blank") for code in items)
    for code in codes:
        if scale.low <= code <= scale.high and code == int(code):
            raise DataError(f"blank: {code:g} is a score of the scale {scale.low} to {scale.high}, not a blank")
    return codes


def _left_out(missing: float, blanks: float, total: float, policy: str, name: str) -> tuple[Note, ...]:
    if missing and policy == "raise":
        raise DataError(
            f"{name}: {missing:.0f} of {total:.0f} answers are missing; pass missing='drop' to leave them out, counted"
        )
    notes = []
    if missing:
        notes.append(Note("missing-dropped", "warning", f"{missing:.0f} of {total:.0f} answers are missing: left out"))
    if blanks:
        text = f"{blanks:.0f} of {total:.0f} answers carry a code of blank=: no answer, left out"
        notes.append(Note("blank-dropped", "info", text))
    return tuple(notes)


def clean(
    score: FloatArray, rows: FloatArray, scale: Scale, *, missing: str, blank: object, name: str
) -> tuple[npt.NDArray[np.bool_], tuple[Note, ...]]:
    """Return which entries are valid scores, and notes on the rest; off-scale values are refused with their counts."""
    check_choice(missing, "missing", ("raise", "drop"))
    codes = check_blank(blank, scale)
    gaps = np.isnan(score)
    blanks = np.isin(score, codes) if codes else np.zeros(score.size, dtype=np.bool_)
    good = ~gaps & ~blanks
    bad = good & ~((score >= scale.low) & (score <= scale.high) & (score == np.floor(score)))
    if bad.any():
        values, where = np.unique(score[bad], return_inverse=True)
        raise _off_scale(values, np.bincount(where.reshape(-1), weights=rows[bad]), scale, name)
    notes = _left_out(float(rows[gaps].sum()), float(rows[blanks].sum()), float(rows.sum()), missing, name)
    if not good.any():
        raise TooFewData(f"{name}: no answer among {rows.sum():.0f} rows; at least one is wanted")
    return good, notes


def _bytes(data: object) -> npt.NDArray[np.uint8] | None:
    """Return a one-byte integer column as unsigned, where a negative code is a large one; None for anything else."""
    if getattr(data, "ndim", None) != 1 or isinstance(data, np.ma.MaskedArray):
        return None
    kind = getattr(data, "dtype", None)
    if not isinstance(kind, np.dtype) or kind.kind not in "iu" or kind.itemsize != 1:
        return None
    return np.asarray(data).view(np.uint8)


def class_counts(data: object, last_low: int, first_high: int, scale: Scale) -> tuple[float, float, float] | None:
    """Count a one-byte column below, between and above two cuts in one walk; None if it is none or has stray codes.

    Two comparisons and a maximum per block: about 0.75 of the time of summing the column, of which the maximum, which
    proves that every code is on the scale, is 0.04. Only for scales that begin at zero.
    """
    codes = _bytes(data)
    if codes is None or codes.size == 0 or scale.low != 0:
        return None
    scratch = np.empty(min(codes.size, BLOCK), dtype=np.bool_)
    low = high = largest = 0
    for i, j in block_edges(codes.size):
        part, flag = codes[i:j], scratch[: j - i]
        np.greater_equal(part, first_high, out=flag)
        high += int(np.count_nonzero(flag))
        np.less_equal(part, last_low, out=flag)
        low += int(np.count_nonzero(flag))
        largest = max(largest, int(part.max()))
    return (float(low), float(codes.size - low - high), float(high)) if largest <= scale.high else None


def _byte_counts(codes: npt.NDArray[np.uint8], levels: int) -> FloatArray:
    """Count each code below `levels`, which is above the largest; few of them by comparing, which is faster."""
    seen = np.zeros(levels)
    scratch = np.empty(min(codes.size, BLOCK), dtype=np.bool_)
    for i, j in block_edges(codes.size):
        part, flag = codes[i:j], scratch[: j - i]
        top = int(part.max())
        if top >= 16:
            seen += np.bincount(part, minlength=levels)
            continue
        for code in range(top + 1):
            np.equal(part, code, out=flag)
            seen[code] += np.count_nonzero(flag)
    return seen


def _whole_counts(x: FloatArray, scale: Scale) -> FloatArray | None:
    """Count each score of a column where every value is on the scale; None as soon as one is not."""
    if len(scale) > 256:
        return None
    seen = np.zeros(len(scale))
    for i, j in block_edges(x.size):
        part = x[i:j]
        if not (float(part.min()) >= scale.low and float(part.max()) <= scale.high):  # a NaN fails both
            return None
        shifted = part - scale.low
        codes = shifted.astype(np.uint8)
        if not bool((codes == shifted).all()):
            return None
        seen += _byte_counts(codes, len(scale))
    return seen


def tally(data: object, scale: Scale, *, missing: str = "raise", blank: object = (), name: str = "data") -> Tally:
    """Count each score of a plain sequence; stray values are refused with their counts, blanks are left out."""
    codes = _bytes(data)
    if codes is not None and codes.size:
        rows = _byte_counts(codes, 256)
        values = np.arange(256).astype(np.uint8).view(np.asarray(data).dtype).astype(np.float64)
        values, rows = values[rows > 0], rows[rows > 0]
    else:
        x = score_vector(data, name)
        if x.size == 0:
            raise TooFewData(f"{name}: no answer came; at least one is wanted")
        counted = _whole_counts(x, scale)
        if counted is not None:
            values, rows = np.arange(scale.low, scale.high + 1, dtype=np.float64), counted
        else:
            values, count = np.unique(x, return_counts=True)
            rows = count.astype(np.float64)
    good, notes = clean(values, rows, scale, missing=missing, blank=blank, name=name)
    place = (values[good] - scale.low).astype(np.intp)
    return Tally(np.bincount(place, weights=rows[good], minlength=len(scale)).astype(np.float64), notes)


def read_keys(data: Any, name: str, n: int, *, tidy: bool = False) -> Keys:
    """Code a plain sequence of labels (text, numbers or dates), one per row; `tidy`: known to be of one kind."""
    if isinstance(data, str | bytes) or not hasattr(data, "__len__") or getattr(data, "ndim", 1) == 0:
        raise DataError(f"{name}: got {data!r}; with plain scores a sequence with one label per answer is wanted")
    if len(data) != n:
        raise DataError(f"{name}: {len(data)} labels came for {n} answers; one each is wanted")
    kind = getattr(getattr(data, "dtype", None), "kind", "")
    if tidy and kind == "O":
        column = data
    elif isinstance(data, np.ndarray) and kind in "fiuM" and data.ndim == 1:
        column = data.astype("datetime64[us]" if kind == "M" else np.float64, copy=False)
    else:
        cells = np.empty(n, dtype=object)
        cells[:] = data.tolist() if hasattr(data, "tolist") else list(data)
        column = object_column(cells, name)
    codes, uniques = factorize(column)
    gaps = int(missing_mask(column).sum())
    return Keys(codes, (*labels(uniques), *([MISSING] if gaps else [])), gaps)


def _subset(keys: Keys, good: npt.NDArray[np.bool_], rows: FloatArray) -> Keys:
    """Keep the labels that still have an answer, in their order."""
    codes = keys.codes[good]
    there = np.bincount(codes, minlength=len(keys.labels)) > 0
    left = tuple(label for label, kept in zip(keys.labels, there, strict=True) if kept)
    is_gap = there[-1] and keys.missing > 0
    gaps = int(rows[good][codes == len(keys.labels) - 1].sum()) if is_gap else 0
    return Keys((np.cumsum(there) - 1)[codes], left, gaps)


def rows_of(
    data: object, columns: Mapping[str, str], numbers: Iterable[str]
) -> tuple[dict[str, FloatArray], dict[str, Keys], FloatArray]:
    """Fetch the rows of a frame in memory; of any other, group equal rows inside the engine and fetch those."""
    for parameter, column in columns.items():
        if not isinstance(column, str):
            raise DataError(f"{parameter}: got {column!r}; the name of a column is wanted, since the data are a table")
    named = {f"{parameter} (column {column!r})": column for parameter, column in columns.items()}
    columns_of_scores(data, {name: columns[p] for name, p in zip(named, columns, strict=True) if p in _SCORES})
    lazy = lazy_keys(data, columns["values"], columns["values"])
    hidden = [column for column in columns.values() if column in _RESERVED]
    in_rows = lazy is None or bool(hidden)
    if in_rows:
        # Which row comes first does not matter here, but an engine without an order must be given one.
        order = hidden[0] if lazy is not None and not lazy.rows_in_order else None
        fetched = fetch_columns(data, columns, order_by=order)
        rows = np.ones(fetched["values"].size)
        found = {parameter: fetched[parameter] for parameter in columns}
    else:
        out = counts_by(data, list(columns.values()))
        rows = out["n"].astype(np.float64)
        found = {parameter: out[column] for parameter, column in columns.items()}
    vectors, keys = {}, {}
    for label, (parameter, _) in zip(named, columns.items(), strict=True):
        if parameter in numbers:
            vectors[parameter] = as_vector(found[parameter], label, missing="drop", least=0)
        else:
            keys[parameter] = read_keys(found[parameter], label, rows.size, tidy=in_rows)
    return vectors, keys, rows


def answers(
    data: object,
    scale: Scale,
    *,
    values: str | None,
    numbers: Mapping[str, Any],
    keys: Mapping[str, Any],
    missing: str,
    blank: object,
) -> Answers:
    """Read scores with further columns from a table (grouped in the engine) or from plain sequences (row by row).

    Parameters
    ----------
    data : frame or array-like
    scale : Scale
    values : str or None
        Column of the score, for a frame.
    numbers, keys : mapping of parameter name to column (frame) or sequence; None means not given
    missing, blank
        As in `nps`.
    """
    numbers = {k: v for k, v in numbers.items() if v is not None}
    keys = {k: v for k, v in keys.items() if v is not None}
    if is_frame(data):
        if values is None:
            raise DataError("values: is missing; name the column that holds the score")
        name = f"values (column {values!r})"
        vectors, coded, rows = rows_of(data, {"values": values, **numbers, **keys}, ["values", *numbers])
        score = vectors.pop("values")
        if not rows.size:
            raise TooFewData(f"{name}: no answer came; at least one is wanted")
    else:
        if values is not None:
            raise DataError(f"values: got {values!r}, the name of a column; plain scores came, not a table")
        name, score = "data", score_vector(data, "data")
        rows = np.ones(score.size)
        vectors = {k: as_vector(v, k, missing="drop", least=0) for k, v in numbers.items()}
        for k, vector in vectors.items():
            if vector.size != score.size:
                raise DataError(f"{k}: {vector.size} values came for {score.size} answers; one each is wanted")
        coded = {k: read_keys(v, k, score.size) for k, v in keys.items()}
    good, notes = clean(score, rows, scale, missing=missing, blank=blank, name=name)
    vectors = {k: v[good] for k, v in vectors.items()}
    coded = {k: _subset(v, good, rows) for k, v in coded.items()}
    return Answers(score[good], rows[good], vectors, coded, notes)
