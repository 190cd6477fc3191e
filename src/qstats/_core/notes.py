"""Machine-readable remarks that travel with a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Note", "Severity"]

Severity = Literal["info", "warning", "serious"]


@dataclass(frozen=True, slots=True)
class Note:
    """One remark: a doubtful assumption, dropped values, few data.

    Parameters
    ----------
    code : str
        Stable short name a program can test for, such as ``"missing-dropped"``.
    severity : {"info", "warning", "serious"}
        ``serious`` means the number should not be used without reading the message.
    message : str
        What is the matter, and what to do.
    """

    code: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        return f"[{self.severity}] {self.code}: {self.message}"
