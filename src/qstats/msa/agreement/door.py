"""From what the caller passed to a cube of answers: parts x appraisers x trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import BoolArray
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.msa.agreement.coding import Coded, Codes, code_answers, code_matrix, put_in_order
from qstats.msa.agreement.cohen import merged
from qstats.msa.agreement.weights import check_categories

__all__ = ["Answers", "read_answers"]

_MOST = 200_000_000  # cells of the cube


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What was answered, and what is right.

    Parameters
    ----------
    codes : ndarray, shape (parts, appraisers, trials)
        Position in `labels`; -1 where there is no answer.
    labels : tuple of str
        Categories, of answers and standards together.
    kind : str
    parts, appraisers : tuple of str
    standard : ndarray or None, shape (parts,)
        Position in `labels`; -1 where unknown.
    n : int
        Answers.
    notes : tuple of Note
    """

    codes: Codes
    labels: tuple[str, ...]
    kind: str
    parts: tuple[str, ...]
    appraisers: tuple[str, ...]
    standard: Codes | None
    n: int
    notes: tuple[Note, ...]

    @property
    def judged(self) -> BoolArray:
        """Which parts each appraiser judged at all, shape (parts, appraisers)."""
        there: BoolArray = self.codes.max(axis=2) >= 0
        return there


def _frame_columns(data: object, roles: Mapping[str, object]) -> dict[str, object]:
    names: dict[str, str] = {}
    seen: dict[str, str] = {}
    for param, name in roles.items():
        if not isinstance(name, str):
            got = "nothing" if name is None else "an array"
            raise DataError(f"{param}: got {got}; data is a table: name its column")
        if name in seen:
            raise DataError(f"{param}: column {name!r} is already {seen[name]}; each role has its own column")
        seen[name] = param
        names[param] = name
    return dict(table.columns(data, names))


def _long(
    data: object, values: object, roles: dict[str, object], standard: object
) -> tuple[Coded, dict[str, Coded], object]:
    """Return coded answers, coded labels, and the standard (a column if it is one)."""
    per_row = standard is not None and not isinstance(standard, Mapping)
    wanted = {k: v for k, v in roles.items() if v is not None or k == "part"}
    if not isinstance(data, list | tuple | np.ndarray) and table.is_frame(data):
        got = _frame_columns(data, {"values": values, **wanted, **({"standard": standard} if per_row else {})})
        answers = code_answers(got.pop("values"), f"values (column {values!r})")
    else:
        if values is not None:
            raise DataError(f"values: got {values!r}, but data is no table; pass the answers themselves as data")
        got = {**wanted, **({"standard": standard} if per_row else {})}
        answers = code_answers(data, "data")
    coded = {name: code_answers(column, name) for name, column in got.items()}
    for name, c in coded.items():
        if c.codes.size != answers.codes.size:
            raise DataError(f"{name}: {c.codes.size} entries came for {answers.codes.size} answers; one each is wanted")
    return answers, coded, coded.pop("standard") if per_row else standard


def _cube_of(
    answers: Coded, coded: dict[str, Coded], missing: str
) -> tuple[Codes, dict[str, Coded], np.ndarray[Any, Any], list[Note]]:
    """Return the cube, the labels in use, which rows are in it, and remarks."""
    n = answers.codes.size
    gone = answers.codes < 0
    for name, c in {"values": answers, **coded}.items():
        gap = c.codes < 0
        if gap.any() and missing == "raise":
            raise DataError(
                f"{name}: nothing at position {int(np.argmax(gap))} ({int(gap.sum())} of {n} missing); fill it in or "
                "pass missing='drop'"
            )
        gone |= gap
    notes = []
    if dropped := int(gone.sum()):
        text = f"{dropped} of {n} answers left out: no answer or no label"
        notes.append(Note("missing-dropped", "warning", text))
    keep = ~gone
    used = {name: _in_use(c, keep) for name, c in coded.items()}
    part = used["part"]
    if not keep.any():
        raise TooFewData("data: no answer is left")
    appraiser = used.get("appraiser", Coded(np.zeros_like(part.codes), ("(all)",), "text", None))
    p, a = len(part.labels), len(appraiser.labels)
    cell = part.codes * a + appraiser.codes
    trial = used["trial"].codes if "trial" in used else None
    order = np.lexsort((trial, cell)) if trial is not None else np.argsort(cell, kind="stable")
    count = np.bincount(cell, minlength=p * a)
    place = np.arange(order.size) - (np.cumsum(count) - count)[cell[order]]
    if trial is not None and (np.diff(cell[order]) == 0)[np.diff(trial[order]) == 0].any():
        raise DataError("trial: a part comes twice with one appraiser and one trial number; each answer has its own")
    trials = int(count.max())
    if p * a * trials > _MOST or p * a * trials > 200 * order.size + 1_000_000:
        raise DataError(
            f"data: {p} parts x {a} appraisers x up to {trials} trials for {order.size} answers; nearly all cells are "
            "empty: look whether part= and appraiser= name the right columns, or use krippendorff_alpha"
        )
    cube = np.full((p * a, trials), -1, dtype=np.intp)
    cube[cell[order], place] = answers.codes[keep][order]
    used["appraiser"] = appraiser
    return cube.reshape(p, a, trials), used, keep, notes


def _in_use(c: Coded, keep: np.ndarray[Any, Any]) -> Coded:
    codes = c.codes[keep]
    there = np.bincount(codes, minlength=len(c.labels)) > 0
    labels = tuple(label for label, used in zip(c.labels, there, strict=True) if used)
    return replace(c, codes=(np.cumsum(there) - 1)[codes], labels=labels)


def _standard_of_rows(standard: Coded, part: Coded, keep: np.ndarray[Any, Any]) -> Coded:
    """Return the standard per part from one per row; two for one part are refused."""
    s = standard.codes[keep]
    p = len(part.labels)
    high, low = np.full(p, -1, dtype=np.intp), np.full(p, len(standard.labels), dtype=np.intp)
    known = s >= 0
    np.maximum.at(high, part.codes[known], s[known])
    np.minimum.at(low, part.codes[known], s[known])
    if (clash := (high >= 0) & (high != low)).any():
        i = int(np.argmax(clash))
        a, b = standard.labels[low[i]], standard.labels[high[i]]
        raise DataError(f"standard: part {part.labels[i]!r} has both {a!r} and {b!r}; one standard per part is wanted")
    return replace(standard, codes=high)


def _standard_of_mapping(standard: Mapping[Any, object], parts: tuple[str, ...]) -> tuple[Coded, int]:
    """Return the standard per part, and how many keys name no part."""
    keys = code_answers(list(standard), "standard (its keys)")
    by_label = {keys.labels[i]: v for i, v in zip(keys.codes.tolist(), standard.values(), strict=True) if i >= 0}
    unknown = sum(label not in set(parts) for label in by_label)
    if unknown == len(by_label):
        raise DataError(f"standard: none of its keys ({', '.join(list(by_label)[:5])}) names a part")
    return code_answers([by_label.get(label) for label in parts], "standard"), unknown


def _with_standard(
    cube: Codes, answers: Coded, standard: Coded | None, ordered: Sequence[object] | None
) -> tuple[Codes, Coded, Codes | None]:
    """Return cube, categories and standard in one list of categories."""
    if standard is not None and "nothing" not in (standard.kind, answers.kind) and standard.kind != answers.kind:
        raise DataError(
            f"standard: got {standard.kind} where the answers are {answers.kind}; '1' and 1 would be different "
            "categories: convert one of them"
        )
    flat = replace(answers, codes=cube.ravel())
    other = standard if standard is not None else Coded(np.empty(0, dtype=np.intp), (), answers.kind, answers.values)
    if standard is None:
        both = flat
    else:
        both = merged(flat, other)
    both = put_in_order(both, ordered, "ordered")
    check_categories(len(both.labels), "data")
    size = cube.size
    return both.codes[:size].reshape(cube.shape), both, None if standard is None else both.codes[size:]


def read_answers(
    data: object,
    values: object,
    roles: dict[str, object],
    standard: object,
    ordered: Sequence[object] | None,
    missing: str,
) -> Answers:
    """Return the answers of a study, checked.

    Raises
    ------
    DataError
        A role without its column, one column for two roles, text mixed with numbers, two standards for one part, labels
        that never repeat, measurements instead of categories.
    TooFewData
        Fewer than two parts.
    """
    check_choice(missing, "missing", ("raise", "drop"))
    frame = not isinstance(data, list | tuple | np.ndarray) and table.is_frame(data)
    if isinstance(data, Mapping) and not frame:
        raise DataError("data: got a mapping; a data frame, an array or one column is wanted")
    if not frame and values is None and all(v is None for v in roles.values()):
        return _from_cube(data, standard, ordered, missing)
    if roles["part"] is None:
        raise DataError("part: got nothing; name the column (or pass the array) that says which part was judged")
    answers, coded, right = _long(data, values, roles, standard)
    cube, used, keep, notes = _cube_of(answers, coded, missing)
    parts = used["part"].labels
    if isinstance(right, Coded):
        found: Coded | None = _standard_of_rows(right, used["part"], keep)
    else:
        found, more = _mapped(right, parts)
        notes += more
    return _checked(cube, answers, found, ordered, (parts, used["appraiser"].labels), notes)


def _mapped(standard: object, parts: tuple[str, ...]) -> tuple[Coded | None, list[Note]]:
    if standard is None:
        return None, []
    if not isinstance(standard, Mapping):
        raise DataError(f"standard: got {type(standard).__name__}; a column or a mapping of part to category is wanted")
    found, unknown = _standard_of_mapping(standard, parts)
    text = f"{unknown} parts have a standard but no answer"
    return found, [Note("unused-standard", "info", text)] if unknown else []


def _from_cube(data: object, standard: object, ordered: Sequence[object] | None, missing: str) -> Answers:
    answers, shape = code_matrix(data, "data", "an array of parts x appraisers (x trials), or a table with part=,")
    cube = answers.codes.reshape(shape if len(shape) == 3 else (*shape, 1))
    notes = []
    if gaps := int((cube < 0).sum()):
        if missing == "raise":
            raise DataError(f"data: {gaps} of {cube.size} answers are missing; fill them in or pass missing='drop'")
        notes.append(Note("missing-dropped", "warning", f"{gaps} of {cube.size} answers are missing"))
    parts = tuple(str(i + 1) for i in range(shape[0]))
    if isinstance(standard, str | bytes):
        raise DataError(f"standard: got {standard!r}; data is an array: one standard per part is wanted")
    if standard is None or isinstance(standard, Mapping):
        found, more = _mapped(standard, parts)
        notes += more
    else:
        found = code_answers(standard, "standard")
        if found.codes.size != shape[0]:
            raise DataError(f"standard: {found.codes.size} came for {shape[0]} parts; one per part is wanted")
    return _checked(cube, answers, found, ordered, (parts, tuple(str(i + 1) for i in range(shape[1]))), notes)


def _checked(
    cube: Codes,
    answers: Coded,
    standard: Coded | None,
    ordered: Sequence[object] | None,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    notes: list[Note],
) -> Answers:
    codes, both, right = _with_standard(cube, answers, standard, ordered)
    parts, appraisers = names
    there = codes >= 0
    n = int(there.sum())
    if len(parts) < 2:
        raise TooFewData(f"part: {len(parts)} part; agreement needs two, and a sound study thirty or more")
    if len(appraisers) == n and n > len(parts):
        raise DataError(
            f"appraiser: {n} different labels in {n} answers; name the column that says who judged (a row or record "
            "number is not one)"
        )
    if right is None and int(there.sum(axis=(1, 2)).max()) < 2:
        raise DataError(
            f"part: {len(parts)} different labels in {n} answers, so no part was judged twice; name the column that "
            "says which part it was (a row number is not one), or pass standard="
        )
    notes += _remarks(there, right)
    return Answers(codes, both.labels, both.kind, parts, appraisers, right, n, tuple(notes))


def _remarks(there: np.ndarray[Any, Any], right: Codes | None) -> list[Note]:
    count = there.sum(axis=2)
    p, a = count.shape
    notes = []
    if a > p:
        text = f"{a} appraisers judged {p} parts: are part and appraiser exchanged?"
        notes.append(Note("roles-swapped", "warning", text))
    if empty := int((count == 0).sum()):
        text = f"{empty} of {count.size} part x appraiser cells have no answer; each comparison takes the parts it can"
        notes.append(Note("empty-cells", "warning", text))
    low, high = int(count[count > 0].min()), int(count.max())
    if low != high:
        text = f"{low} to {high} trials per part and appraiser; more trials make it harder to agree in all of them"
        notes.append(Note("unequal-trials", "warning", text))
    if a == 1:
        notes.append(Note("one-appraiser", "info", "one appraiser: no agreement between appraisers to see"))
    if high == 1:
        text = "each part was judged once by each appraiser: no agreement within an appraiser to see"
        notes.append(Note("one-trial", "info", text))
    if right is None:
        text = "no standard: consistency is seen, correctness is not"
        notes.append(Note("no-standard", "info", text))
    elif gaps := int((right < 0).sum()):
        text = f"{gaps} of {p} parts have no standard and are left out of the comparisons with it"
        notes.append(Note("standard-missing", "warning", text))
    if p < 30:
        notes.append(Note("few-parts", "info", f"{p} parts: the intervals are wide; AIAG asks for about 50"))
    return notes
