"""What every result can do: to_dict, to_json, to_frame, summary, show itself, plot."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from qstats._core.notes import Note
from qstats._core.text import text_width

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FrozenMapping", "Result", "frozen_array", "json_safe"]

K = TypeVar("K")
V = TypeVar("V", covariant=True)


def frozen_array(x: npt.ArrayLike, dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """Return `x` as a read-only array; a view that is already read-only is kept (no copy)."""
    a = np.asarray(x, dtype=dtype)
    if a.flags.writeable:
        a = a.view()
        a.flags.writeable = False
    return a


class FrozenMapping(Mapping[K, V]):
    """A dict that cannot be changed; unlike `types.MappingProxyType` it can be pickled and copied."""

    __slots__ = ("_held",)
    _held: dict[K, V]

    def __init__(self, held: Mapping[K, V]) -> None:
        object.__setattr__(self, "_held", dict(held))

    def __getitem__(self, key: K) -> V:
        return self._held[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: a result cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name}: a result cannot be changed")

    def __reduce__(self) -> tuple[type[FrozenMapping[K, V]], tuple[dict[K, V]]]:
        return FrozenMapping, (dict(self._held),)

    def __repr__(self) -> str:
        return repr(self._held)


def _safe_number(x: float) -> float | str | None:
    """JSON has neither NaN nor infinity: NaN is null, infinity the word a JavaScript reader knows."""
    if math.isfinite(x):
        return x
    if math.isnan(x):
        return None
    return "Infinity" if x > 0 else "-Infinity"


def json_safe(value: object) -> Any:
    """Turn a value into what ``json.dumps(..., allow_nan=False)`` accepts, without rounding."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return _safe_number(float(value))
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.generic):
        return json_safe(value.item())
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "M":
            return [json_safe(v) for v in value]
        return [json_safe(v) for v in value.tolist()]
    if callable(own := getattr(value, "to_dict", None)) and not isinstance(value, type):
        return own()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: json_safe(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): json_safe(v) for k, v in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [json_safe(v) for v in value]
    return str(value)


class Result:
    """Base of every result: views of one object, so table, text, JSON and figure cannot disagree.

    A concrete result sets `schema` and `title` and gives `_rows` (label and text for people) and `_columns` (for the
    frame). Nothing here rounds a stored value or prints.
    """

    __slots__ = ()
    schema: ClassVar[str] = "qstats.result/1"
    title: ClassVar[str] = "Result"

    def _rows(self) -> list[tuple[str, str]]:
        raise TypeError(f"{type(self).__name__} does not describe itself: this is a bug in qstats")

    def _columns(self) -> Mapping[str, object]:
        raise TypeError(f"{type(self).__name__} has no table: this is a bug in qstats")

    def _remarks(self) -> tuple[Note, ...]:
        return tuple(getattr(self, "notes", ()))

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON-safe values, with the name and version of the schema."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {"schema": self.schema, **{f.name: json_safe(getattr(self, f.name)) for f in fields}}

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as JSON text; NaN becomes null, infinity the string ``"Infinity"``."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=indent)

    def to_frame(self) -> pd.DataFrame:
        """Return the result's table as a pandas DataFrame, unrounded."""
        import pandas as pd

        return pd.DataFrame(dict(self._columns()))

    def summary(self) -> str:
        """Return the result in words and numbers, for reading."""
        rows = self._rows()
        width = max((text_width(label) for label, _ in rows), default=0)
        lines = [self.title, "-" * len(self.title)]
        lines += [f"{label}{' ' * (width - text_width(label))}  {text}" for label, text in rows]
        lines += [str(note) for note in self._remarks()]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        body = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in self._rows())
        notes = "".join(f"<li>{escape(str(note))}</li>" for note in self._remarks())
        return f"<table><caption>{escape(self.title)}</caption>{body}</table>" + (f"<ul>{notes}</ul>" if notes else "")

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Draw the result on `ax` (or a new figure) and return the Axes; loads matplotlib on first use."""
        return import_module("qstats.figures").plot(self, ax=ax, **style)
