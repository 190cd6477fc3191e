"""One cause of a cause tree, and the checks of its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qstats._core.checks import check_choice
from qstats.errors import DataError
from qstats.improve.causes.evidence import STATUSES, CauseTest
from qstats.improve.causes.export import one_line

__all__ = ["CauseNode", "as_text", "as_texts"]


def as_text(value: object, name: str) -> str:
    """Return text without blanks around it; refuse what is empty, no text, or cannot be written as UTF-8."""
    if not isinstance(value, str):
        raise DataError(f"{name}: got {value!r}; text is wanted")
    text = value.strip()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"{name}: {text!r} holds half a character (a lone surrogate); read the file again") from None
    if not one_line(text):
        raise DataError(f"{name}: is empty; text is wanted")
    return text


def as_texts(value: object, name: str) -> tuple[str, ...]:
    """Return one text or a sequence of texts as a tuple."""
    if isinstance(value, str):
        return (as_text(value, name),)
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise DataError(f"{name}: got {value!r}; a text or a list of texts is wanted")
    return tuple(as_text(v, f"{name}, position {i}") for i, v in enumerate(value))


@dataclass(frozen=True, slots=True)
class CauseNode:
    """One possible cause.

    Parameters
    ----------
    id : str
        Unique in its tree.
    text : str
    parent : str or None
        Id of the cause above; None right under a category (or under the problem, where there are no categories).
    category : str or None
        Key of the category.
    evidence : tuple of str
        What was seen, where, by whom.
    status : {"open", "confirmed", "rejected"}
        Set by the test where there is one.
    test : CauseTest or None
    adjusted : float or None
        p-value of the test after Holm's adjustment over all tests of the tree.
    """

    id: str
    text: str
    parent: str | None = None
    category: str | None = None
    evidence: tuple[str, ...] = ()
    status: str = "open"
    test: CauseTest | None = None
    adjusted: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "id", as_text(self.id, "id"))
        put(self, "text", as_text(self.text, f"text of {self.id!r}"))
        put(self, "evidence", as_texts(self.evidence, f"evidence of {self.id!r}"))
        for name in ("parent", "category"):
            if getattr(self, name) is not None:
                put(self, name, as_text(getattr(self, name), f"{name} of {self.id!r}"))
        check_choice(self.status, f"status of {self.id!r}", STATUSES)
        if self.test is not None and not isinstance(self.test, CauseTest):
            raise DataError(f"test of {self.id!r}: got a {type(self.test).__name__}; use CauseTree.attach")
        if self.test is None and self.adjusted is not None:
            raise DataError(f"adjusted of {self.id!r}: got {self.adjusted!r}, but there is no test")

    @property
    def pvalue(self) -> float | None:
        """The p-value of its test, as the comparison gave it."""
        return None if self.test is None else self.test.pvalue

    @property
    def effect(self) -> float | None:
        """The effect its test estimated, in the measure ``test.effect``."""
        return None if self.test is None else self.test.estimate
