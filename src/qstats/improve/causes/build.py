"""How a cause tree is put together and checked: places, levels, states, and the ways in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from qstats import table
from qstats.errors import DataError
from qstats.improve.causes.evidence import load_test
from qstats.improve.causes.kinds import Category, find_category
from qstats.improve.causes.node import CauseNode, as_text
from qstats.inference.multiplicity import holm

__all__ = ["MOST_LEVELS", "check_entries", "check_levels", "check_unedited", "node_from_dict", "placed",
           "plan_from_frame", "plan_from_nested", "planted", "settled"]  # fmt: skip

MOST_LEVELS = 20

Path = tuple[str, ...]


def check_levels(parents: Mapping[str, str | None]) -> None:
    """Raise where causes are each other's parents, or stand on too deep a level; no recursion."""
    level: dict[str, int] = {}
    for start in parents:
        path: list[str] = []
        on_path: set[str] = set()
        at: str | None = start
        while at is not None and at not in level:
            if at in on_path:
                circle = " -> ".join([*path[path.index(at) :], at][:8])
                raise DataError(f"parent: the causes go round in a circle: {circle}")
            path.append(at)
            on_path.add(at)
            at = parents[at]
        base = 0 if at is None else level[at]
        for up, name in enumerate(reversed(path), start=1):
            level[name] = base + up
            if level[name] > MOST_LEVELS:
                raise DataError(f"parent: {name!r} is on level {level[name]}; at most {MOST_LEVELS} are wanted")


def placed(nodes: tuple[CauseNode, ...], kind: str, categories: tuple[Category, ...]) -> tuple[CauseNode, ...]:
    """Check ids, parents and categories; a cause under another has the category of that one."""
    by_id: dict[str, CauseNode] = {}
    known = [c.key for c in categories]
    for node in nodes:
        if node.id in by_id:
            raise DataError(f"id: {node.id!r} is there twice; give each cause its own")
        if find_category(node.id, kind, categories) is not None:
            raise DataError(f"id: {node.id!r} is also the name of a category; choose another")
        by_id[node.id] = node
    for node in nodes:
        if node.parent is not None and node.parent not in by_id:
            raise DataError(f"parent: {node.parent!r} of {node.id!r} is not in the tree; add it first")
    check_levels({n.id: n.parent for n in nodes})
    for node in nodes:
        if node.parent is not None and node.category != by_id[node.parent].category:
            raise DataError(
                f"category: {node.id!r} has {node.category!r} and its parent {by_id[node.parent].category!r}; "
                "they must be the same"
            )
        if node.category not in known if known else node.category is not None:
            wanted = f"one of {', '.join(known)}" if known else "None, since there are no categories,"
            raise DataError(f"category: {node.id!r} has {node.category!r}; {wanted} is wanted")
    return nodes


def settled(nodes: tuple[CauseNode, ...]) -> tuple[CauseNode, ...]:
    """Adjust the p-values of all tests together and set the state of each tested cause."""
    tests = [(n.id, n.test) for n in nodes if n.test is not None]
    if not tests:
        return nodes
    p = np.array([t.directed_pvalue for _, t in tests])
    found = {i: float(a) for (i, _), a in zip(tests, holm(p), strict=True)}
    return tuple(
        n if n.test is None else replace(n, adjusted=found[n.id], status=n.test.status(found[n.id])) for n in nodes
    )


def planted(
    plan: list[Path], place: Callable[[str | None], tuple[str | None, str | None]], categories: bool
) -> tuple[CauseNode, ...]:
    """Grow every path of texts (category first, where there are any), sharing what they have in common."""
    ids: dict[Path, str] = {}
    nodes: list[CauseNode] = []
    start = 1 if categories else 0
    for path in plan:
        above, category = place(path[0]) if categories else (None, None)
        for depth in range(start, len(path)):
            key = (category or "", *path[start : depth + 1])
            if key not in ids:
                ids[key] = f"c{len(ids) + 1}"
                nodes.append(CauseNode(ids[key], path[depth], above, category))
            above = ids[key]
    return tuple(nodes)


def _below(value: Any, path: Path) -> list[tuple[Path, Any]]:
    """Return what hangs under one entry of the nested form: texts, and what hangs under those."""
    where = " > ".join(path) or "nested"
    if value is None:
        return []
    if isinstance(value, str):
        return [((*path, as_text(value, where)), None)]
    if isinstance(value, Mapping):
        return [((*path, as_text(k, f"{where}: a key")), v) for k, v in value.items()]
    if isinstance(value, list | tuple):
        out: list[tuple[Path, Any]] = []
        for item in value:
            if isinstance(item, list | tuple):
                raise DataError(f"{where}: got a list in a list; a text, or a dict of a cause and what is under it")
            out += _below(item, path)
        return out
    raise DataError(f"{where}: got {value!r}; a text, a list of texts or a dict is wanted")


def plan_from_nested(nested: Mapping[str, Any], categories: bool) -> list[Path]:
    """Return the paths of texts in a nested form, parents before children; no recursion, so no depth can hurt."""
    plan: list[Path] = []
    stack = list(reversed(_below(nested, ())))
    while stack:
        path, value = stack.pop()
        if len(path) - int(categories) > MOST_LEVELS:
            raise DataError(f"nested: {path[-1]!r} is on level {len(path) - int(categories)}; at most {MOST_LEVELS}")
        plan.append(path)
        stack += reversed(_below(value, path))
    return plan


def _cell(value: object, name: str, row: int) -> str | None:
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, float):
        return f"{value:g}"
    if not isinstance(value, str):
        raise DataError(f"{name}: got {value!r} in row {row}; text is wanted")
    return value.strip() or None


def plan_from_frame(data: Any, category: str | None, causes: Sequence[str]) -> list[Path]:
    """Return the paths of texts in the rows of a table."""
    if isinstance(causes, str) or not isinstance(causes, Sequence) or not causes:
        raise DataError(f"causes: got {causes!r}; a list of columns from outer to inner cause is wanted")
    if not table.is_frame(data):
        raise DataError(f"data: got a {type(data).__name__}; a table is wanted (for nested dicts: from_nested)")
    names = ([] if category is None else [category]) + list(causes)
    if len(set(names)) < len(names):
        raise DataError(f"causes: {names} names a column twice")
    cols = table.columns(data, {("category" if n == category else f"causes ({n})"): n for n in names})
    rows = zip(*(c.tolist() for c in cols.values()), strict=True)
    plan: list[Path] = []
    for i, row in enumerate(rows):
        cells = [_cell(v, n, i) for v, n in zip(row, names, strict=True)]
        filled = [c for c in cells if c is not None]
        if not filled:
            raise DataError(f"data: row {i} is empty; remove it")
        if cells[: len(filled)] != filled:
            gap = names[cells.index(None)]
            raise DataError(f"{gap}: is missing in row {i} and a later column is not; fill it in")
        if category is not None and len(filled) == 1:
            raise DataError(f"{causes[0]}: is missing in row {i} ({filled[0]!r} has no cause there)")
        plan.append(tuple(filled))
    return plan


_ENTRIES = ("problem", "kind", "lang", "categories", "nodes")


def check_entries(entries: object, schema: str) -> dict[str, Any]:
    """Check the outer form of a stored tree: no entry missing, none unknown."""
    if not isinstance(entries, Mapping):
        raise DataError(f"entries: got a {type(entries).__name__}; a dict from to_dict is wanted")
    if entries.get("schema") != schema:
        raise DataError(f"schema: got {entries.get('schema')!r}; this version reads {schema!r}")
    if odd := (set(entries) - {"schema", *_ENTRIES}) or (set(_ENTRIES) - set(entries)):
        raise DataError(f"entries: {sorted(map(str, odd))} is unknown or missing; wanted are {', '.join(_ENTRIES)}")
    if not isinstance(entries["nodes"], list | tuple):
        raise DataError("nodes: a list is wanted")
    categories = entries["categories"]
    if not isinstance(categories, list | tuple) or not all(
        isinstance(c, Mapping) and set(c) == {"key", "text"} for c in categories
    ):
        raise DataError("categories: a list of objects with key and text is wanted")
    if len({str(c["key"]) for c in categories}) < len(categories):
        raise DataError("categories: a key is there twice")
    return dict(entries)


def node_from_dict(entry: object, position: int) -> CauseNode:
    """Read one cause back from its JSON form."""
    names = [f.name for f in fields(CauseNode)]
    where = f"nodes, position {position}"
    if not isinstance(entry, Mapping):
        raise DataError(f"{where}: got a {type(entry).__name__}; an object is wanted")
    if odd := (set(entry) - set(names)) or ({"id", "text"} - set(entry)):
        raise DataError(f"{where}: {sorted(map(str, odd))} is unknown or missing; known are {', '.join(names)}")
    made = dict(entry)
    if made.get("test") is not None:
        made["test"] = load_test(made["test"], where)
    adjusted = made.get("adjusted")
    if adjusted is not None and (isinstance(adjusted, bool) or not isinstance(adjusted, int | float)):
        raise DataError(f"{where}: adjusted is {adjusted!r}; a number or null is wanted")
    return CauseNode(**made)


def _apart(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is not b
    return abs(a - b) > 1e-9 * max(1e-3, abs(b))


def check_unedited(stored: tuple[CauseNode, ...], worked_out: tuple[CauseNode, ...]) -> None:
    """Raise where a stored state is not the one its test gives."""
    for given, found in zip(stored, worked_out, strict=True):
        if given.status != found.status or _apart(given.adjusted, found.adjusted):
            raise DataError(
                f"node {given.id!r}: says {given.status!r} (adjusted p {given.adjusted}), its test says "
                f"{found.status!r} (adjusted p {found.adjusted}); the file was edited: attach the test again"
            )
