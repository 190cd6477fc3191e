"""Item batteries: twenty questions by as many segments in one call, with one family of p-values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.inference.multiplicity import adjust_pvalues
from qstats.table.scores import (
    MISSING,
    Answers,
    Keys,
    clean,
    columns_of_scores,
    read_keys,
    rows_of,
    score_vector,
    weighed,
)
from qstats.voice.satisfaction.kernels import (
    LevelSums,
    mean_limits,
    means_of,
    others,
    share_difference,
    share_limits,
    shares_of,
)
from qstats.voice.satisfaction.result import BatteryTable
from qstats.voice.satisfaction.scores import Boxes, check_boxes, check_method, flat_note, level_sums, method_text
from qstats.voice.satisfaction.segments import check_adjust

__all__ = ["battery"]

_ALL = "(all)"
_GAP_SOURCE = "against the rest: Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226"


class _Column(NamedTuple):
    """One item as it came: score with gaps, weights, segments, and how many rows each entry stands for."""

    item: str
    score: FloatArray
    weight: FloatArray | None
    keys: Keys | None
    rows: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Sums of every cell, items outermost, and what was left out of each."""

    labels: tuple[str, ...]
    sums: LevelSums
    missing: FloatArray
    notes: tuple[Note, ...]


def _names(data: Any, items: Any) -> tuple[str, ...]:
    if items is None and isinstance(data, Mapping):
        items = list(data)
    if isinstance(items, str | bytes) or not isinstance(items, Iterable) or getattr(items, "ndim", 1) != 1:
        raise DataError(f"items: got {items!r}; the columns of the questions are wanted, such as ['Q1', 'Q2']")
    names = tuple(items)
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"items: got {name!r}; names of columns are wanted")
        if names.count(name) > 1:
            raise DataError(f"items: {name!r} is there {names.count(name)} times; name each question once")
    if not names:
        raise DataError("items: got no column; at least one question is wanted")
    return names


def _from_mapping(data: Mapping[str, Any], names: tuple[str, ...], by: Any, weight: Any) -> Iterator[_Column]:
    for name in names:
        if name not in data:
            raise DataError(f"items: {name!r} is not in the data; it holds {', '.join(map(repr, data))}")
    n = len(score_vector(data[names[0]], f"item {names[0]!r}"))
    keys = None if by is None else read_keys(by, "by", n)
    w = None if weight is None else as_vector(weight, "weight", missing="drop", least=0)
    for name in names:
        score = score_vector(data[name], f"item {name!r}")
        for what, size in (("item " + repr(name), score.size), ("weight", n if w is None else w.size)):
            if size != n:
                raise DataError(f"{what}: {size} values came, {names[0]!r} has {n}; one row per customer is wanted")
        yield _Column(name, score, w, keys, np.ones(n))


def _from_frame(data: Any, names: tuple[str, ...], by: Any, weight: Any) -> Iterator[_Column]:
    """In memory: all columns at once, the segments coded once. Elsewhere: one small table of counts per item."""
    extra = {k: v for k, v in (("by", by), ("weight", weight)) if v is not None}
    for parameter, column in extra.items():
        if not isinstance(column, str):
            raise DataError(f"{parameter}: got {column!r}; the name of a column is wanted, since the data are a table")
        if column in names:
            raise DataError(f"{parameter}: column {column!r} is one of items; leave it out there")
    if table.lazy_keys(data, names[0], names[0]) is not None:
        for name in names:
            numbers, keys, rows = rows_of(data, {"values": name, **extra}, ["values", "weight"])
            yield _Column(name, numbers["values"], numbers.get("weight"), keys.get("by"), rows)
        return
    columns_of_scores(data, {f"item {name!r}": name for name in names})
    found = table.columns(data, {**{f"item {name!r}": name for name in names}, **extra})
    rows = np.ones(found[f"item {names[0]!r}"].size)
    coded = read_keys(found["by"], "by", rows.size, tidy=True) if by is not None else None
    w = as_vector(found["weight"], f"weight (column {weight!r})", missing="drop", least=0) if weight else None
    for name in names:
        score = score_vector(found[f"item {name!r}"], f"item {name!r}")
        yield _Column(name, score, w, coded, rows)


def _columns(data: Any, names: tuple[str, ...], by: Any, weight: Any) -> Iterator[_Column]:
    if table.is_frame(data):
        return _from_frame(data, names, by, weight)
    if not isinstance(data, Mapping):
        raise DataError(f"data: got a {type(data).__name__}; a table, or a mapping of question to answers, is wanted")
    return _from_mapping(data, names, by, weight)


def _left_out(dropped: list[tuple[str, Note]]) -> tuple[Note, ...]:
    """Join the notes of all items, one per code: which items, and what was said of the first."""
    notes = []
    for code in dict.fromkeys(note.code for _, note in dropped):
        those = [(item, note) for item, note in dropped if note.code == code]
        first = f"{those[0][0]!r}: {those[0][1].message}"
        more = f"; also in {len(those) - 1} more items: see `missing`" if len(those) > 1 else ""
        notes.append(Note(code, those[0][1].severity, first + more))
    return tuple(notes)


def _read(data: Any, names: tuple[str, ...], boxes: Boxes, by: Any, weight: Any, missing: str, blank: Any) -> _Found:
    parts: list[LevelSums] = []
    lost, dropped = [], []
    labels: tuple[str, ...] = (_ALL,)
    gaps = 0
    for column in _columns(data, names, by, weight):
        if column.keys is not None:
            labels, gaps = column.keys.labels, int(column.rows[column.keys.codes == len(labels) - 1].sum())
            gaps = gaps if column.keys.missing else 0
        codes = np.zeros(column.rows.size, dtype=np.intp) if column.keys is None else column.keys.codes
        good, notes = clean(
            column.score, column.rows, boxes.scale, missing=missing, blank=blank, name=f"item {column.item!r}"
        )
        numbers = {} if column.weight is None else {"weight": column.weight[good]}
        keys = {"by": Keys(codes[good], labels, 0)}
        given = weighed(Answers(column.score[good], column.rows[good], numbers, keys, notes))
        dropped += [(column.item, note) for note in given.notes]
        parts.append(level_sums(given, boxes, given.keys["by"].codes, len(labels)))
        lost.append(np.bincount(codes[~good], weights=column.rows[~good], minlength=len(labels)))
    rows, first, second = (np.concatenate([getattr(p, x) for p in parts]) for x in ("rows", "first", "second"))
    sums = LevelSums(rows, first, second, boxes.value, boxes.top, weight is not None)
    notes = _left_out(dropped)
    if gaps:
        notes += (Note("missing-segment", "warning", f"{gaps} rows have no segment: kept as {MISSING!r}"),)
    return _Found(labels, sums, np.concatenate(lost), notes)


def _some(x: FloatArray, which: Any, size: int, fill: float) -> FloatArray:
    """Return `x` at the cells it was computed for, `fill` at the others; read-only."""
    out = np.full(size, fill)
    out[which] = x
    return frozen_array(out)


def _per_item(s: LevelSums, items: int) -> tuple[LevelSums, LevelSums]:
    """Return the sums of each item over its segments, and for each cell those of the other segments."""
    k = s.rows.shape[0] // items

    def split(x: FloatArray) -> FloatArray:
        return x.reshape(items, k, -1)

    sums = (s.rows, s.first, s.second)
    whole = [split(x).sum(axis=1) for x in sums]
    rest = [others(split(x)).reshape(x.shape) for x in sums]
    return (
        LevelSums(whole[0], whole[1], whole[2], s.value, s.top, s.weighted),
        LevelSums(rest[0], rest[1], rest[2], s.value, s.top, s.weighted),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Settings:
    items: tuple[str, ...]
    boxes: Boxes
    method: str
    confidence: float


def _table(
    found: _Found, settings: _Settings, rest: LevelSums | None, adjust: str | None, overall: BatteryTable | None
) -> BatteryTable:
    s, boxes, confidence = found.sums, settings.boxes, settings.confidence
    size = s.rows.shape[0]
    there = s.first.sum(axis=1) > 0.0
    some = s.at(there)
    seen, means = shares_of(some), means_of(some)
    share, mean = share_limits(some, seen, settings.method, confidence), mean_limits(some, means, confidence)
    ends = float(boxes.scale.low), float(boxes.scale.high)

    def pair(limits: tuple[FloatArray, FloatArray], ends: tuple[float, float], which: Any) -> Intervals:
        low, high = (_some(x, which, size, end) for x, end in zip(limits, ends, strict=True))
        return Intervals(low, high, confidence)

    text, source = method_text(settings.method, s.weighted)
    notes = (*found.notes, *flat_note(means.flat))
    if empty := int(np.count_nonzero(~there)):
        notes += (Note("no-answers", "warning", f"{empty} of {size} cells have no answer: nothing is known of them"),)
    gap = (None, None, None, None)
    if rest is not None and adjust is not None:
        both = there & (rest.first.sum(axis=1) > 0.0)
        d, _, _ = share_difference(s.at(both), rest.at(both), 0.0, confidence, "two-sided")
        family = adjust_pvalues(d.pvalue, method=adjust).adjusted if both.any() else d.pvalue
        gap = (  # type: ignore[assignment]
            _some(d.estimate, both, size, np.nan), pair((d.low, d.high), (-1.0, 1.0), both),
            _some(d.pvalue, both, size, 1.0), _some(family, both, size, 1.0),
        )  # fmt: skip
        text, source = f"{text}; {adjust} over {np.count_nonzero(both)} cells", f"{source}; {_GAP_SOURCE}"
    k = len(found.labels)
    return BatteryTable(
        tuple(item for item in settings.items for _ in range(k)), found.labels * len(settings.items),
        frozen_array(s.n), frozen_array(found.missing), _some(seen.share, there, size, np.nan),
        pair(share, (0.0, 1.0), there), _some(means.mean, there, size, np.nan), pair(mean, ends, there), *gap,
        adjust, (boxes.scale.low, boxes.scale.high), boxes.levels, overall, text, source, notes,
    )  # fmt: skip


def battery(
    data: Any,
    *,
    items: Any = None,
    by: Any = None,
    weight: Any = None,
    scale: Any = (1, 5),
    top: int = 2,
    direction: str = "higher",
    method: str = "wilson",
    confidence: float = 0.95,
    missing: str = "raise",
    blank: Any = (),
    adjust: str | None = None,
) -> BatteryTable:
    r"""Satisfaction with every item of a questionnaire in every segment: which cells really stand out?

    Use it for twenty questions by ten terminals: two hundred looks find ten "significant" cells where nothing is going
    on, so all p-values are adjusted together. Not for one question (`csat`, which also shrinks and ranks segments).

    Parameters
    ----------
    data : frame, or mapping of str to array-like
        One column per question, one row per customer. A frame in memory is read once; in any other engine each item is
        counted where it is.
    items : sequence of str, optional
        The columns of the questions; for a mapping all of it by default.
    by : str or array-like, optional
        Segment; an array-like goes with a mapping only.
    weight : str or array-like, optional
        Survey weight of each customer.
    scale, top, method, missing, blank
        As in `csat`; `blank` holds the codes of "never used" and "no answer".
    direction : {"higher", "lower"}
        Which end of the scale is good.
    confidence : float
        Of each interval by itself.
    adjust : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by"}, optional
        With `by`: over all items and segments together; ``"bh"`` (false discovery rate) unless given.

    Returns
    -------
    BatteryTable
        A long table; without `by` one row per item.

    Raises
    ------
    DataError, TooFewData
        Answers off the scale or missing (each named with its item), an item without any answer, a doubled item.

    Notes
    -----
    As `csat`, cell by cell; each cell is held against all other segments of the same item. A cell without answers stays
    in the table with n = 0, limits at the ends of the scale, p = 1, and outside the family.

    References
    ----------
    As `csat`. Benjamini & Hochberg (1995), JRSS B 57, 289-300.

    Examples
    --------
    >>> from qstats.voice.satisfaction.battery import battery
    >>> answers = {"food": [5, 4, 2, 5, 1, 2], "signs": [3, 0, 4, 4, 5, 5]}
    >>> r = battery(answers, by=["A", "A", "A", "B", "B", "B"], blank=0)
    >>> r.to_frame()[["item", "segment", "n", "missing", "share"]].round(3)
        item segment    n  missing  share
    0   food       A  3.0      0.0  0.667
    1   food       B  3.0      0.0  0.333
    2  signs       A  2.0      1.0  0.500
    3  signs       B  3.0      0.0  1.000
    """
    boxes = check_boxes(scale, top, direction)
    check_method(method, weight is not None)
    settings = _Settings(_names(data, items), boxes, method, check_confidence(confidence))
    if by is None and adjust is not None:
        raise DataError(f"adjust: got {adjust!r} without by=; items are described, not compared")
    adjust = None if by is None else check_adjust(adjust or "bh")
    found = _read(data, settings.items, boxes, by, weight, missing, blank)
    if by is None:
        return _table(found, settings, None, None, None)
    if len(found.labels) < 2:
        raise DataError(f"by: there is one segment only ({found.labels[0]!r}); leave by= out")
    total, rest = _per_item(found.sums, len(settings.items))
    lost = found.missing.reshape(len(settings.items), -1).sum(axis=1)
    overall = _table(_Found((_ALL,), total, lost, ()), settings, None, None, None)
    return _table(found, settings, rest, adjust, overall)
