"""From what customers say to what can be measured: need, driver, and the critical-to-quality characteristic."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from qstats import table
from qstats._core.arrays import as_vector
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError, TooFewData
from qstats.improve.causes.export import markdown_label, mermaid_label
from qstats.improve.causes.node import as_text
from qstats.table.frames import open_frame

__all__ = ["Ctq", "CtqTree", "ctq_tree"]

_SCHEMA = "qstats.ctq_tree/1"
_DIRECTIONS = ("lower", "higher", "target")
_TEXTS = ("metric", "unit")
_NUMBERS = ("lower", "upper", "target", "sla")


@dataclass(frozen=True, slots=True)
class Ctq:
    """One critical-to-quality characteristic: measurable, with a limit.

    Parameters
    ----------
    need, driver, name : str
        What the customer says, what makes it, and what is measured for it.
    metric : str
        How it is counted or measured: ``"days from order to delivery"``.
    unit : str
    direction : {"lower", "higher", "target"}
        Which way is better.
    lower, upper : float or None
        Specification limits (LSL, USL), in the unit.
    target : float or None
        In the unit; wanted for ``"target"``.
    sla : float or None
        Share of cases, above 0 to 1, that must keep the limits.
    """

    need: str
    driver: str
    name: str
    metric: str = ""
    unit: str = ""
    direction: str = "lower"
    lower: float | None = None
    upper: float | None = None
    target: float | None = None
    sla: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        for field in ("need", "driver", "name"):
            put(self, field, as_text(getattr(self, field), field))
        where = f"of {self.name!r}"
        for field in _TEXTS:
            value = getattr(self, field)
            put(self, field, "" if value in (None, "") else as_text(value, f"{field} {where}"))
        check_choice(self.direction, f"direction {where}", _DIRECTIONS)
        for field in _NUMBERS:
            value = getattr(self, field)
            if value is not None:
                put(self, field, check_number(value, f"{field} {where}"))
        self._check_limits(where)

    def _check_limits(self, where: str) -> None:
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise DataError(f"lower {where}: {self.lower:g} is not below upper {self.upper:g}")
        for name, side in (("lower", 1.0), ("upper", -1.0)):
            limit = getattr(self, name)
            if self.target is not None and limit is not None and side * self.target < side * limit:
                raise DataError(f"target {where}: {self.target:g} lies beyond {name} {limit:g}")
        if self.direction == "target" and self.target is None:
            raise DataError(f"target {where}: is missing; direction='target' wants it")
        worse = {"lower": "upper", "higher": "lower"}.get(self.direction)
        other = {"lower": "lower", "higher": "upper"}.get(self.direction)
        if worse and other and getattr(self, worse) is None and getattr(self, other) is not None:
            raise DataError(
                f"direction {where}: {self.direction!r} is better, so the limit that can be missed is {worse}, and "
                f"only {other} came; turn one of them round"
            )
        if self.sla is not None and not 0.0 < self.sla <= 1.0:
            hint = f"; {self.sla:g} per cent is {self.sla / 100:g}" if 1.0 < self.sla <= 100.0 else ""
            raise DataError(f"sla {where}: got {self.sla:g}; a share above 0 and up to 1 is wanted{hint}")
        if self.sla is not None and not self.has_limit:
            raise DataError(f"sla {where}: a share of cases must keep a limit, and none came; give lower or upper")

    @property
    def has_limit(self) -> bool:
        """Whether a case can be judged: there is a limit to keep."""
        return self.lower is not None or self.upper is not None

    def requirement(self) -> str:
        """Return what is asked, in numbers: ``"<= 3 days in 95% of cases"``."""
        unit = f" {self.unit}" if self.unit else ""
        parts = []
        if self.lower is not None and self.upper is not None:
            parts.append(f"{self.lower:g} to {self.upper:g}{unit}")
        elif self.has_limit:
            sign, limit = (">=", self.lower) if self.upper is None else ("<=", self.upper)
            parts.append(f"{sign} {limit:g}{unit}")
        if self.target is not None:
            parts.append(f"target {self.target:g}{unit}")
        if self.sla is not None:
            parts.append(f"in {100 * self.sla:.6g}% of cases")
        return " ".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class CtqTree(Result):
    """Needs, their drivers, and what is measured for each; make it with `ctq_tree`.

    Parameters
    ----------
    ctqs : tuple of Ctq
        In the order they came.
    notes : tuple of Note
        Which of them have no limit yet.
    """

    schema: ClassVar[str] = _SCHEMA
    title: ClassVar[str] = "Critical to quality"

    ctqs: tuple[Ctq, ...]

    def __post_init__(self) -> None:
        seen: set[tuple[str, str, str]] = set()
        for c in self.ctqs:
            if not isinstance(c, Ctq):
                raise DataError(f"ctqs: got a {type(c).__name__}; Ctq is wanted")
            if (c.need, c.driver, c.name) in seen:
                raise DataError(f"ctqs: {c.name!r} is there twice under {c.need!r}, {c.driver!r}")
            seen.add((c.need, c.driver, c.name))
        if not self.ctqs:
            raise TooFewData("data: no characteristic came; at least one is wanted")

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is still missing."""
        vague = [c.name for c in self.ctqs if not c.has_limit]
        unmeasured = [c.name for c in self.ctqs if not c.metric]
        notes = []
        if vague:
            text = f"without a limit nobody can say whether they are met: {', '.join(vague)}"
            notes.append(Note("no-limit", "warning", text))
        if unmeasured:
            notes.append(Note("no-metric", "warning", f"how it is measured is not said: {', '.join(unmeasured)}"))
        return tuple(notes)

    def nested(self) -> dict[str, dict[str, list[Ctq]]]:
        """Return the characteristics by need and driver, in the order they came."""
        out: dict[str, dict[str, list[Ctq]]] = {}
        for c in self.ctqs:
            out.setdefault(c.need, {}).setdefault(c.driver, []).append(c)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as JSON-safe values; `from_dict` reads them back without loss."""
        return {"schema": _SCHEMA, "ctqs": [dataclasses.asdict(c) for c in self.ctqs]}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> CtqTree:
        """Read what `to_dict` wrote."""
        if not isinstance(entries, Mapping) or set(entries) != {"schema", "ctqs"} or entries["schema"] != _SCHEMA:
            raise DataError(f"entries: an object with schema {_SCHEMA!r} and ctqs is wanted")
        if not isinstance(entries["ctqs"], list | tuple):
            raise DataError("ctqs: a list is wanted")
        return cls(tuple(_made(row, f"ctqs, position {i}") for i, row in enumerate(entries["ctqs"])))

    @classmethod
    def from_json(cls, text: str) -> CtqTree:
        """Read a tree from JSON text."""
        try:
            entries = json.loads(text)
        except (json.JSONDecodeError, TypeError, RecursionError) as error:
            raise DataError(f"text: not valid JSON: {error}") from None
        return cls.from_dict(entries)

    def to_markdown(self) -> str:
        """Return nested lists: need, driver, characteristic with its requirement."""
        lines = []
        for need, drivers in self.nested().items():
            lines.append(f"- **{markdown_label(need)}**")
            for driver, ctqs in drivers.items():
                lines.append(f"  - {markdown_label(driver)}")
                for c in ctqs:
                    said = "; ".join(markdown_label(t) for t in (c.metric, c.requirement()) if t)
                    lines.append(f"    - {markdown_label(c.name)}" + (f" ({said})" if said else ""))
        return "\n".join(lines) + "\n"

    def to_mermaid(self) -> str:
        """Return a Mermaid flowchart from need to characteristic."""
        lines, number = ["flowchart LR"], 0
        for i, (need, drivers) in enumerate(self.nested().items()):
            lines.append(f'    need{i}["{mermaid_label(need)}"]')
            for j, (driver, ctqs) in enumerate(drivers.items()):
                lines.append(f'    need{i} --> driver{i}x{j}(["{mermaid_label(driver)}"])')
                for c in ctqs:
                    text = mermaid_label(c.name) + (f"<br/>{mermaid_label(c.requirement())}" * bool(c.requirement()))
                    lines.append(f'    driver{i}x{j} --> ctq{number}["{text}"]')
                    number += 1
        return "\n".join(lines) + "\n"

    def _rows(self) -> list[tuple[str, str]]:
        return [(f"{c.need} / {c.driver} / {c.name}", c.requirement() or "no limit yet") for c in self.ctqs]

    def _columns(self) -> Mapping[str, object]:
        names = ("need", "driver", "name", *_TEXTS, "direction")
        out: dict[str, object] = {name: [getattr(c, name) for c in self.ctqs] for name in names}
        for name in _NUMBERS:
            out[name] = as_vector([getattr(c, name) for c in self.ctqs], name, missing="drop", least=0)
        return out


def _made(row: object, where: str) -> Ctq:
    known = [f.name for f in dataclasses.fields(Ctq)]
    if not isinstance(row, Mapping):
        raise DataError(f"{where}: got a {type(row).__name__}; a dict is wanted")
    if odd := (set(row) - set(known)) or ({"need", "driver", "name"} - set(row)):
        raise DataError(f"{where}: {sorted(map(str, odd))} is unknown or missing; known are {', '.join(known)}")
    return Ctq(**row)


def _from_frame(data: Any) -> list[dict[str, Any]]:
    known = [f.name for f in dataclasses.fields(Ctq)]
    names = open_frame(data).collect_schema().names()
    if odd := [n for n in names if n not in known]:
        raise DataError(f"data: column {odd[0]!r} is unknown; columns are {', '.join(known)}")
    cols = table.columns(data, {n: n for n in names})
    rows = []
    for cells in zip(*(cols[n].tolist() for n in names), strict=True):
        rows.append({n: v for n, v in zip(names, cells, strict=True) if v is not None and v == v})
    return rows


def _from_nested(data: Mapping[Any, Any]) -> list[dict[str, Any]]:
    rows = []
    for need, drivers in data.items():
        if not isinstance(drivers, Mapping):
            raise DataError(f"data, {need!r}: got a {type(drivers).__name__}; a dict of drivers is wanted")
        for driver, ctqs in drivers.items():
            if isinstance(ctqs, str | bytes) or not isinstance(ctqs, Sequence):
                raise DataError(f"data, {need!r}, {driver!r}: got a {type(ctqs).__name__}; a list of dicts is wanted")
            for c in ctqs:
                if not isinstance(c, Mapping) or {"need", "driver"} & set(c):
                    raise DataError(
                        f"data, {need!r}, {driver!r}: got {c!r}; a dict with name, metric, unit ... is wanted"
                    )
                rows.append({"need": need, "driver": driver, **c})
    return rows


def ctq_tree(data: Any) -> CtqTree:
    """Break customers' needs down to what is measured, with the limits and shares that make it a requirement.

    Use it before a measurement system or a chart is set up, to see that every need ends in something measurable. Not to
    weigh the needs (`qfd`).

    Parameters
    ----------
    data : dict, frame or list of dict
        ``{need: {driver: [{"name": ..., "metric": ..., "unit": ..., "direction": ..., "lower": ..., "upper": ...,
        "target": ..., "sla": ...}]}}``, or one row a characteristic with need and driver as columns. Only need, driver
        and name must be there.

    Returns
    -------
    CtqTree
        A characteristic without a limit is kept and noted.

    Raises
    ------
    DataError, TooFewData
        An unknown entry, limits the wrong way round, a share above 1, the same characteristic twice, nothing at all.

    References
    ----------
    George, Rowlands, Price & Maxey (2005), The Lean Six Sigma Pocket Toolbook (critical-to-quality tree).

    Examples
    --------
    >>> from qstats import ctq_tree
    >>> tree = ctq_tree({"送得快": {"物流": [
    ...     {"name": "交付时间", "metric": "下单到签收", "unit": "天", "upper": 3, "sla": 0.95}]}})
    >>> tree.ctqs[0].requirement()
    '<= 3 天 in 95% of cases'
    """
    if table.is_frame(data):
        rows: list[Any] = _from_frame(data)
    elif isinstance(data, Mapping):
        rows = _from_nested(data)
    elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
        rows = list(data)
    else:
        raise DataError(f"data: got a {type(data).__name__}; a dict, a table or a list of dicts is wanted")
    return CtqTree(tuple(_made(row, f"data, position {i}") for i, row in enumerate(rows)))
