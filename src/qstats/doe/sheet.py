"""The run sheet: out to the people who run the experiment, and back in with results and what was really set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.doe.design import Design
from qstats.errors import DataError

__all__ = ["Departure", "RunRecord", "read_run_sheet", "run_sheet"]

_SAME = 1e-9  # of the range: a setting read back from text is the setting
_KEY = "standard"


def _heads(design: Design) -> dict[str, str]:
    """Column of the sheet for each factor."""
    return {f.name: f.label() for f in design.factors}


def run_sheet(
    design: Design, path: str | os.PathLike[str] | None = None, *, responses: Sequence[str] = ("response",)
) -> Mapping[str, list[Any]]:
    """Write the runs in the order they are to be carried out, with empty columns for results.

    Settings are in natural units. Who departs from the plan writes what was really set over the planned setting, and
    leaves the column "standard" as it is: it tells which run a row is, whatever order the rows come back in.

    Parameters
    ----------
    design : Design
    path : path, optional
        CSV file to write (UTF-8 with a mark that Excel understands; text that looks like a formula is made harmless).
    responses : sequence of str
        Names of what is to be measured.

    Returns
    -------
    mapping of str to list
        The sheet: run, standard, block, whole plot, one column a factor, one a response, remark.

    Raises
    ------
    DataError
        A response has the name of a factor or of a column of the sheet.

    Examples
    --------
    >>> from qstats.doe.design import make_design
    >>> from qstats.doe.factor import as_factors
    >>> design = make_design("two runs", as_factors({"T": (20, 60)}), [[-1], [1]], randomize=False)
    >>> dict(run_sheet(design, responses=["yield"]))
    {'run': [1, 2], 'standard': [1, 2], 'T': [20.0, 60.0], 'yield': ['', ''], 'remark': ['', '']}
    """
    order = design.run_order
    sheet: dict[str, list[Any]] = {"run": list(range(1, len(design) + 1)), _KEY: (order + 1).tolist()}
    if design.blocks > 1:
        sheet["block"] = design.block[order].tolist()
    if design.split_plot:
        sheet["whole plot"] = design.whole_plot[order].tolist()
    for name, head in _heads(design).items():
        sheet[head] = design.natural(name)[order].tolist()
    for name in (*_checked_responses(design, responses), "remark"):
        sheet[name] = [""] * len(design)
    if path is not None:
        table.write_csv(sheet, path)
    return FrozenMapping(sheet)


def _checked_responses(design: Design, responses: Sequence[str]) -> tuple[str, ...]:
    if isinstance(responses, str) or not all(isinstance(r, str) and r.strip() for r in responses):
        raise DataError(f"responses: got {responses!r}; a list of names is wanted")
    taken = {"run", _KEY, "block", "whole plot", "remark", *design.names, *_heads(design).values()}
    for name in responses:
        if name in taken or list(responses).count(name) > 1:
            raise DataError(f"responses: {name!r} is the name of another column; choose one of its own")
    return tuple(responses)


@dataclass(frozen=True, slots=True)
class Departure:
    """One setting that was not as planned.

    Parameters
    ----------
    run : int
        Row in standard order, from 1.
    factor : str
    planned, actual : float or str
        In natural units.
    """

    run: int
    factor: str
    planned: Any
    actual: Any


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord(Result):
    """What was really done, and what came out.

    Parameters
    ----------
    design : Design
        With the settings as run; run it through `evaluate` again where they departed from the plan.
    planned : Design
    responses : mapping of str to ndarray, shape (n,)
        In standard order; NaN where nothing was measured.
    missed : tuple of int
        Runs (standard order, from 1) without any result.
    departures : tuple of Departure
        Settings that were not as planned; those of swapped runs are not among them.
    swapped : tuple of (int, int)
        Pairs of runs that were carried out with each other's settings.
    reordered : bool
        Whether the rows came back in another order than planned.
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.run_record/1"
    title: ClassVar[str] = "Runs as carried out"

    design: Design
    planned: Design
    responses: FrozenMapping[str, FloatArray]
    missed: tuple[int, ...]
    departures: tuple[Departure, ...]
    swapped: tuple[tuple[int, int], ...]
    reordered: bool
    notes: tuple[Note, ...] = ()

    @property
    def as_planned(self) -> bool:
        """Whether every run was carried out as planned and measured."""
        return not (self.missed or self.departures or self.swapped)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("design", self.planned.kind), ("runs", str(len(self.planned)))]
        rows.append(("responses", ", ".join(self.responses)))
        rows.append(("as planned", "yes" if self.as_planned else "no"))
        if self.missed:
            rows.append(("missed", ", ".join(map(str, self.missed))))
        rows += [("swapped", f"{a} and {b}") for a, b in self.swapped]
        rows += [(f"run {d.run}", f"{d.factor}: {d.actual} instead of {d.planned}") for d in self.departures[:20]]
        return rows

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {"standard": np.arange(1, len(self.design) + 1)}
        for name in self.design.names:
            out[name] = self.design.natural(name)
        return {**out, **dict(self.responses)}


def read_run_sheet(
    design: Design, sheet: object, *, responses: Sequence[str] | None = None, encoding: str | None = None
) -> RunRecord:
    """Read a run sheet back: results, settings as they really were, runs missed or swapped.

    Parameters
    ----------
    design : Design
        As planned.
    sheet : path, frame or mapping
        What `run_sheet` wrote, filled in; rows in any order, rows of runs not made may be missing.
    responses : sequence of str, optional
        Columns of results; left out: every column that is neither the sheet's own nor a factor's.
    encoding : str, optional
        Of a file; found out by itself among UTF-8 and GB18030.

    Returns
    -------
    RunRecord

    Raises
    ------
    DataError
        A column is lacking, a run stands there twice or belongs to another design, a cell that should be a number is
        none.
    """
    data = table.as_table(sheet, encoding=encoding)
    found = table.column_names(data)
    heads = _heads(design)
    names = tuple(responses) if responses is not None else _response_columns(found, design)
    if not names:
        raise DataError("responses: the sheet has no column of results; name them with responses=")
    wanted = {_KEY: _KEY, **{f"factor {n}": _head_of(n, h, found) for n, h in heads.items()}}
    got = table.columns(data, {**wanted, **{f"response {n}": n for n in names}})
    rows = _run_numbers(got[_KEY], design)
    actual = _actual(design, got, rows)
    values = {n: _spread(got[f"response {n}"], n, rows, len(design)) for n in names}
    empty = np.all([np.isnan(v) for v in values.values()], axis=0)
    swapped = _swapped(design, actual, empty)
    departures = _departures(design, actual, swapped)
    executed = replace(design, coded=frozen_array(actual))
    order = design.run_order[np.isin(design.run_order, rows)]
    reordered = not np.array_equal(order, rows)
    missed = tuple((np.flatnonzero(empty) + 1).tolist())
    return RunRecord(
        executed, design, FrozenMapping({n: frozen_array(v) for n, v in values.items()}), missed, departures, swapped,
        reordered, _notes(missed, departures, swapped, reordered),
    )  # fmt: skip


def _response_columns(found: Sequence[str], design: Design) -> tuple[str, ...]:
    own = {"run", _KEY, "block", "whole plot", "remark", *design.names, *_heads(design).values()}
    safe = {table.safe_cell(name) for name in own}
    return tuple(name for name in found if name not in own | safe)


def _head_of(name: str, head: str, found: Sequence[str]) -> str:
    """A factor's column: with its unit or by its bare name, each as it is or as a file keeps it from being run."""
    for text in (head, table.safe_cell(head), name, table.safe_cell(name)):
        if text in found:
            return text
    return head


def _run_numbers(cells: Any, design: Design) -> np.ndarray[Any, np.dtype[np.int64]]:
    number = as_vector(cells, _KEY)
    wrong = (number < 1) | (number > len(design)) | (number != np.floor(number))
    if wrong.any():
        raise DataError(f"{_KEY}: got {number[int(np.argmax(wrong))]:g}; runs of this design are 1 to {len(design)}")
    rows = number.astype(np.int64) - 1
    counts = np.bincount(rows, minlength=len(design))
    if (counts > 1).any():
        raise DataError(f"{_KEY}: run {int(np.argmax(counts > 1)) + 1} stands there twice")
    return rows


def _actual(design: Design, got: Mapping[str, Any], rows: Any) -> FloatArray:
    """Settings as run in coded units; planned ones where a row is missing or agrees but for rounding."""
    actual = np.array(design.coded)
    for j, f in enumerate(design.factors):
        cells = got[f"factor {f.name}"]
        coded = f.code(_unsafe(cells) if not f.numeric else cells)
        plan = design.coded[rows, j]
        actual[rows, j] = np.where(np.abs(coded - plan) <= _SAME * np.maximum(1.0, np.abs(plan)), plan, coded)
    return actual


def _unsafe(cells: Any) -> list[str]:
    """Text without the apostrophe that kept a spreadsheet from running it."""
    texts = [str(c) for c in np.asarray(cells, dtype=object).tolist()]
    return [t[1:] if t.startswith("'") and table.safe_cell(t[1:]) == t else t for t in texts]


def _spread(cells: Any, name: str, rows: Any, n: int) -> FloatArray:
    a = np.asarray(cells)
    if a.dtype.kind in "OUS":
        blank = np.array([not str(c).strip() or str(c) == "nan" or c is None for c in a.tolist()])
        if not blank.all():
            bad = str(a[int(np.argmin(blank))])
            raise DataError(f"{name}: got {bad!r}; numbers are wanted, and an empty cell where nothing was measured")
        a = np.full(a.size, np.nan)
    out = np.full(n, np.nan)
    out[rows] = as_vector(a, name, missing="drop", least=0)
    return out


def _swapped(design: Design, actual: FloatArray, empty: Any) -> tuple[tuple[int, int], ...]:
    """Pairs of runs that have each other's planned settings and not their own."""
    other = np.flatnonzero((np.abs(actual - design.coded) > _SAME).any(axis=1) & ~empty)
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for i in other.tolist():
        for j in other.tolist():
            if i < j and not {i, j} & used and _same(actual[i], design.coded[j]) and _same(actual[j], design.coded[i]):
                pairs.append((i + 1, j + 1))
                used |= {i, j}
    return tuple(pairs)


def _same(a: FloatArray, b: FloatArray) -> bool:
    return bool((np.abs(a - b) <= _SAME).all())


def _departures(design: Design, actual: FloatArray, swapped: tuple[tuple[int, int], ...]) -> tuple[Departure, ...]:
    known = {i - 1 for pair in swapped for i in pair}
    found = []
    for i, j in np.argwhere(np.abs(actual - design.coded) > _SAME).tolist():
        if i not in known:
            f = design.factors[j]
            planned, done = (f.decode(np.array([c[i, j]]))[0] for c in (design.coded, actual))
            found.append(Departure(i + 1, f.name, planned, done))
    return tuple(found)


def _notes(missed: Any, departures: Any, swapped: Any, reordered: bool) -> tuple[Note, ...]:
    notes = []
    if missed:
        text = f"{len(missed)} runs have no result: evaluate the design again before it is analysed"
        notes.append(Note("missed-runs", "warning", text))
    if departures:
        text = f"{len(departures)} settings were not as planned: the analysis uses what was really set"
        notes.append(Note("as-run-settings", "warning", text))
    if swapped:
        text = f"runs carried out with each other's settings: {', '.join(f'{a} and {b}' for a, b in swapped)}"
        notes.append(Note("swapped-runs", "warning", text))
    if reordered:
        text = "the runs came back in another order than drawn: was that the order they were carried out in?"
        notes.append(Note("another-order", "info", text))
    return tuple(notes)
