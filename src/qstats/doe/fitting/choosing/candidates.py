"""Which terms may stand together: heredity, and models as sets of terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qstats.doe.design import Design
from qstats.doe.grammar import as_model
from qstats.doe.terms import Model, Part, Term
from qstats.errors import FormulaError

__all__ = ["Candidates", "make_candidates"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Terms to choose from, by their places.

    Parameters
    ----------
    terms : tuple of Term
        All of them, the constant included.
    always : frozenset of int
    parents : tuple of tuple of int
        For each term the terms it needs: all of them (strong heredity) or one of them (weak); none without heredity.
    strong : bool
    """

    terms: tuple[Term, ...]
    always: frozenset[int]
    parents: tuple[tuple[int, ...], ...]
    strong: bool

    @property
    def free(self) -> tuple[int, ...]:
        """Places of the terms that may be in or out."""
        return tuple(i for i in range(len(self.terms)) if i not in self.always)

    def allowed(self, chosen: frozenset[int]) -> bool:
        """Whether every term has the parents it needs."""
        rule = all if self.strong else any
        return all(rule(k in chosen for k in self.parents[i]) for i in chosen if self.parents[i])

    def additions(self, chosen: frozenset[int]) -> list[tuple[int, frozenset[int]]]:
        """Every term not in yet, with the parents it brings along where they are lacking."""
        found: dict[frozenset[int], int] = {}
        for i in self.free:
            if i not in chosen:
                for more in self._closures(i, chosen):
                    found.setdefault(chosen | more, i)
        return [(i, whole) for whole, i in found.items()]

    def removals(self, chosen: frozenset[int]) -> list[tuple[int, frozenset[int]]]:
        """Every term that can go without leaving another alone."""
        trials = [(i, chosen - {i}) for i in sorted(chosen - self.always)]
        return [(i, rest) for i, rest in trials if self.allowed(rest)]

    def _closures(self, i: int, chosen: frozenset[int]) -> list[frozenset[int]]:
        lacking = [k for k in self.parents[i] if k not in chosen]
        if not lacking or (not self.strong and len(lacking) < len(self.parents[i])):
            return [frozenset({i})]
        if not self.strong:
            return [frozenset({i}) | more for k in lacking for more in self._closures(k, chosen)]
        whole = frozenset({i})
        for k in lacking:
            whole |= self._closures(k, chosen)[0]
        return [whole]

    def model(self, chosen: frozenset[int], names: Sequence[str]) -> Model:
        """Return the model of these terms."""
        return Model.of([self.terms[i] for i in chosen], names)


def make_candidates(design: Design, candidates: Any, heredity: str | None, squares: bool, always: Any) -> Candidates:
    """Return the terms to choose from; `always` stay in whatever the data say."""
    model = as_model("quadratic" if candidates is None else candidates, design.factors)
    kept = as_model(list(always), design.factors) if always else Model(())
    terms = list(dict.fromkeys([*model.terms, *(t for t in kept.terms if t.parts)]))
    place = {t: i for i, t in enumerate(terms)}
    fixed = {place[t] for t in kept.terms if t.parts}
    if model.intercept:
        fixed.add(place[Term()])
    else:  # the shares of a mixture stand for the constant
        shares = {f.name for f in design.factors if f.kind == "mixture"}
        fixed |= {i for i, t in enumerate(terms) if t.order == 1 and set(t.names) <= shares}
    parents = tuple(_parents(t, place, heredity, squares) for t in terms)
    if heredity == "strong":
        waiting = list(fixed)
        while waiting:
            new = [k for k in parents[waiting.pop()] if k not in fixed]
            fixed |= set(new)
            waiting += new
    return Candidates(tuple(terms), frozenset(fixed), parents, heredity != "weak")


def _parents(term: Term, place: dict[Term, int], heredity: str | None, squares: bool) -> tuple[int, ...]:
    if heredity is None or term.order < 2 or (not squares and len(term.parts) == 1):
        return ()
    found, lacking = [], []
    for j, part in enumerate(term.parts):
        less = (Part(part.name, part.power - 1, part.function),) if part.power > 1 else ()
        parent = Term((*term.parts[:j], *less, *term.parts[j + 1 :]))
        if parent in place:
            found.append(place[parent])
        else:
            lacking.append(str(parent))
    if lacking and (heredity == "strong" or not found):
        raise FormulaError(
            f"candidates: {term} needs {', '.join(lacking)} by {heredity} heredity; add it, or pass heredity=None"
        )
    return tuple(found)
