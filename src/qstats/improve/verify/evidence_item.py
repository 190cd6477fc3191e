"""One item of evidence with its words filled in."""

from __future__ import annotations

from qstats._core.interval import Interval
from qstats.improve.verify import words
from qstats.improve.verify.verdict import Evidence

__all__ = ["make_evidence"]


def make_evidence(code: str, estimate: float | None, interval: Interval | None = None) -> Evidence:
    """Return an item of evidence; what follows a colon in `code` is a name of the user's."""
    title, text = words.evidence_words(code, "en")
    return Evidence(code, title, estimate, interval, text)
