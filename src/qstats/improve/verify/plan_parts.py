"""The parts of a plan: dates, windows, lists of metrics, and how they are written down and read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from qstats._core.checks import check_number
from qstats._core.result import FrozenMapping
from qstats.errors import DataError
from qstats.improve.verify.declare import Metric

__all__ = [
    "Window",
    "as_changes",
    "as_date",
    "as_metrics",
    "as_sites",
    "as_texts",
    "as_window",
    "delay_days",
    "plan_entries",
    "read_toml",
    "toml_text",
]

Window = tuple[dt.date, dt.date]
M = TypeVar("M", bound=Metric)


def as_date(value: object, name: str) -> dt.date:
    """Return a day from a date, a datetime (numpy's too) or ISO text."""
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return cast("dt.date", value.astype("datetime64[D]").item())
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise DataError(f"{name}: got {value!r}; a date such as '2026-03-31' is wanted")


def as_window(value: object, name: str) -> Window:
    """Return first and last day, both included."""
    if isinstance(value, str) or not isinstance(value, list | tuple) or len(value) != 2:
        raise DataError(f"{name}: got {value!r}; two dates are wanted: [first day, last day]")
    start, end = as_date(value[0], name), as_date(value[1], name)
    if end < start:
        raise DataError(f"{name}: ends {end} before it starts {start}")
    return start, end


def as_metrics(values: object, cls: type[M], name: str) -> tuple[M, ...]:
    """Return declared metrics; a dict is read as one."""
    if isinstance(values, str | Mapping) or not isinstance(values, Sequence):
        raise DataError(f"{name}: got {values!r}; a list of {cls.__name__} is wanted")
    out = []
    for value in values:
        made = cls.from_dict(value) if isinstance(value, Mapping) else value
        if type(made) is not cls:
            raise DataError(
                f"{name}: got a {type(value).__name__}; a {cls.__name__} or a table of its entries is wanted"
            )
        out.append(made)
    return tuple(out)


def as_sites(values: object) -> Mapping[str, dt.date | None] | None:
    """Return the day each site was changed; None: never. Text ``"never"`` is read so too, for TOML has no null."""
    if values is None:
        return None
    if not isinstance(values, Mapping) or len(values) < 2:
        raise DataError(f"sites: got {values!r}; a table of at least two sites, each with its day, is wanted")
    out: dict[str, dt.date | None] = {}
    for site, day in values.items():
        if not isinstance(site, str):
            raise DataError(f"sites: got {site!r} as a name; text is wanted")
        out[site] = None if day is None or day == "never" else as_date(day, f"sites[{site!r}]")
    if len(set(out.values())) < 2:
        raise DataError("sites: all were changed on one day; leave sites out, or add sites that were not")
    return FrozenMapping(out)


def as_changes(values: object) -> tuple[Mapping[str, Any], ...]:
    """Return other changes, each with its day and what it was, in the order of their days."""
    if isinstance(values, str | Mapping) or not isinstance(values, Sequence):
        raise DataError(f"other_changes: got {values!r}; a list of tables with date and what is wanted")
    out = []
    for value in values:
        if not isinstance(value, Mapping) or set(value) != {"date", "what"} or not isinstance(value["what"], str):
            raise DataError(f"other_changes: got {value!r}; a table with date and what is wanted")
        out.append(FrozenMapping({"date": as_date(value["date"], "other_changes"), "what": value["what"]}))
    return tuple(sorted(out, key=lambda change: str(change["date"])))


def as_texts(values: object, name: str) -> Mapping[str, str] | None:
    """Return a table of texts."""
    if values is None:
        return None
    if not isinstance(values, Mapping) or not all(isinstance(x, str) for pair in values.items() for x in pair):
        raise DataError(f"{name}: got {values!r}; a table of texts is wanted")
    return FrozenMapping(dict(values)) if values else None


def delay_days(value: object) -> str | int | None:
    """Return how periods not yet complete are treated."""
    if value is None or value in ("drop", "offset"):
        return None if value is None else str(value)
    if isinstance(value, str):
        raise DataError(f"reporting_delay: got {value!r}; 'drop', 'offset' or a number of days is wanted")
    days = check_number(value, "reporting_delay", least=0.0)
    if days != int(days):
        raise DataError(f"reporting_delay: got {value!r}; a whole number of days is wanted")
    return int(days)


def _safe(value: Any) -> Any:
    if isinstance(value, Metric):
        return value.to_dict()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {k: "never" if v is None else _safe(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(v) for v in value]
    return value


def plan_entries(plan: Any) -> dict[str, Any]:
    """Return what a plan holds as JSON-safe values; what is not set or empty is left out."""
    out = {}
    for f in dataclasses.fields(plan):
        value = getattr(plan, f.name)
        if value is not None and value != ():
            out[f.name] = _safe(value)
    return out


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(v) for v in value) + "]"
    # TOML wants the DEL character escaped, which JSON leaves as it is
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() else _toml_value(name)


def toml_text(content: Mapping[str, Any]) -> str:
    """Return a plan's entries as TOML, one a line, the freeze record as a table of its own at the end."""
    lines = [f"{name} = {_toml_value(value)}" for name, value in content.items() if name != "frozen"]
    frozen = content.get("frozen")
    if frozen:
        lines += ["", "[frozen]"]
        lines += [f"{_toml_key(name)} = {_toml_value(value)}" for name, value in frozen.items()]
    return "\n".join(lines) + "\n"


def read_toml(source: str | Path) -> Mapping[str, Any]:
    """Return the entries of a plan from TOML text or, given a `Path`, from a file (its table ``plan`` if any)."""
    text = source
    if isinstance(source, Path):
        try:
            text = source.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"plan: cannot read {source.name}: {type(error).__name__}") from None
    try:
        entries = tomllib.loads(str(text))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"plan: not valid TOML: {error}") from None
    inner = entries.get("plan", entries)
    if not isinstance(inner, Mapping):
        raise DataError("plan: entry 'plan' must be a table")
    return inner
