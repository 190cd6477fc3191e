"""One set of indices under the names of different standards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats.capability.stability import Stability
from qstats.inference.estimate import Estimate

__all__ = ["VOCABULARIES", "CapabilityTerms", "terms_of"]

VOCABULARIES = ("aiag2005", "iso22514", "aiagvda2026")
_SOURCES = {
    "aiag2005": "AIAG (2005), Statistical Process Control, 2nd ed., chapter IV",
    "iso22514": "ISO 22514-2:2017, Statistical methods in process management: capability and performance",
    "aiagvda2026": "AIAG & VDA SPC manual (2026), as reported from its draft",
}
_WITHIN = ("cp", "cpl", "cpu", "cpk")
_OVERALL = ("pp", "ppl", "ppu", "ppk")
_PROVISIONAL = Note(
    "provisional-terms",
    "warning",
    "the names of the AIAG & VDA manual of 2026 are taken from reports of its draft; the final text was not checked",
)


@dataclass(frozen=True, slots=True, eq=False)
class CapabilityTerms(Result):
    """Indices under the names of one standard.

    Parameters
    ----------
    vocabulary : str
    values : mapping of str to Estimate
        Name in the standard to index.
    reference : str
    notes : tuple of Note
        Where the names depend on something the standard wants shown.
    """

    schema: ClassVar[str] = "qstats.capability_terms/1"
    title: ClassVar[str] = "Capability indices"

    vocabulary: str
    values: FrozenMapping[str, Estimate]
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(name, f"{e.estimate:.4g} {e.interval}") for name, e in self.values.items()]
        return [*rows, ("names", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        held = self.values.values()
        return {
            "name": list(self.values),
            "estimate": [e.estimate for e in held],
            "low": [e.interval.low for e in held],
            "high": [e.interval.high for e in held],
        }


def terms_of(indices: Mapping[str, Estimate], stability: Stability, vocabulary: str) -> CapabilityTerms:
    """Return `indices` (by qstats' names) under the names of `vocabulary`."""
    check_choice(vocabulary, "vocabulary", VOCABULARIES)
    names: dict[str, str] = {}
    notes: tuple[Note, ...] = ()
    if vocabulary == "aiag2005":
        names = {name: name.capitalize() for name in (*_WITHIN, *_OVERALL)}
    else:
        if vocabulary == "aiagvda2026":
            names = {name: "Cw" + name[2:] for name in _WITHIN}
            notes = (_PROVISIONAL,)
        stable = stability.demonstrated
        letter = "Cp" if stable else "Pp"
        names |= {name: letter + name[2:] for name in _OVERALL}
        said = "stability was shown: the overall indices are called Cp, Cpk"
        if not stable:
            said = "stability was not shown: the overall indices are called Pp, Ppk (performance)"
        notes = (*notes, Note("terms-by-stability", "info", said))
    names |= {"cpm": "Cpm", "cpmk": "Cpmk"}
    values = {names[name]: e for name, e in indices.items() if name in names}
    return CapabilityTerms(vocabulary, FrozenMapping(values), _SOURCES[vocabulary], notes)
