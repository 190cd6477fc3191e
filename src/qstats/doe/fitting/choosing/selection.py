"""Which terms belong in the model: `select_terms`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.doe.fitting.choosing.candidates import Candidates, make_candidates
from qstats.doe.fitting.choosing.scores import Scores
from qstats.doe.fitting.choosing.search import Rules, Visit, best_subset, stepwise
from qstats.doe.fitting.dispatch import DISTRIBUTIONS
from qstats.doe.fitting.door import fit_problem
from qstats.doe.fitting.problem import make_problem
from qstats.doe.fitting.responses import read_problem
from qstats.doe.fitting.result import DesignFit
from qstats.doe.observed import read_design
from qstats.doe.terms import Model
from qstats.errors import DataError, DesignError

__all__ = ["CandidateModel", "SelectionStep", "TermSelection", "select_terms"]

_CLOSE = 2.0
_MOST_SHOWN = 20
_METHODS = ("stepwise", "forward", "backward", "best")
_REFERENCE = (
    "Hurvich and Tsai 1989, Biometrika 76, 297-307 (AICc); Chipman 1996, Canadian J. Statistics 24, 17-36 (heredity); "
    "Burnham and Anderson 2002, Model Selection and Multimodel Inference, 2.6 (models within 2)"
)


@dataclass(frozen=True, slots=True)
class SelectionStep:
    """One step of the search.

    Parameters
    ----------
    action : {"start", "add", "remove"}
    term : str
        Empty at the start. Parents a term brought along are in `terms`.
    terms : tuple of str
        The model after the step.
    criterion : float
    p : float or None
        Of the terms that came or went, where tests decide.
    """

    action: str
    term: str
    terms: tuple[str, ...]
    criterion: float
    p: float | None


@dataclass(frozen=True, slots=True)
class CandidateModel:
    """A model nearly as good.

    Parameters
    ----------
    terms : tuple of str
    criterion, difference : float
        Its criterion, and by how much it is worse than the model taken.
    """

    terms: tuple[str, ...]
    criterion: float
    difference: float


@dataclass(frozen=True, slots=True, eq=False)
class TermSelection(Result):
    """The model that a search settled on, how it got there, and what is nearly as good.

    Parameters
    ----------
    fit : DesignFit
        Of the model taken.
    terms : tuple of str
    search : {"stepwise", "forward", "backward", "best"}
    criterion : {"aicc", "bic", "p"}
    heredity : {"strong", "weak"} or None
    value : float
        Criterion of the model taken (AICc where p-values decided).
    path : tuple of SelectionStep
        Empty where all models were gone through.
    runners_up : tuple of CandidateModel
        Models within 2 of the one taken, of all that were looked at; best first.
    candidates : tuple of str
    models : int
        How many were looked at.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.term_selection/1"
    title: ClassVar[str] = "Terms selected"

    fit: DesignFit
    terms: tuple[str, ...]
    search: str
    criterion: str
    heredity: str | None
    value: float
    path: tuple[SelectionStep, ...]
    runners_up: tuple[CandidateModel, ...]
    candidates: tuple[str, ...]
    models: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        shown = {"aicc": "AICc", "bic": "BIC", "p": "AICc"}[self.criterion]
        rows = [("model", " + ".join(self.terms)), (shown, f"{self.value:.5g}")]
        rows += [(f"{s.action} {s.term}", f"{shown} {s.criterion:.5g}") for s in self.path if s.term]
        for m in self.runners_up[:5]:
            rows.append((f"also within {_CLOSE:g} (+{m.difference:.2f})", " + ".join(m.terms)))
        rows.append(("models looked at", f"{self.models} of {len(self.candidates)} candidate terms"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """One row for the model taken and each runner-up."""
        models = (CandidateModel(self.terms, self.value, 0.0), *self.runners_up)
        return {
            "model": [" + ".join(m.terms) for m in models],
            "criterion": [m.criterion for m in models],
            "difference": [m.difference for m in models],
        }


def select_terms(
    design: Any,
    response: Any,
    *,
    candidates: Any = None,
    method: str = "stepwise",
    criterion: str = "aicc",
    heredity: str | None = "strong",
    square_heredity: bool = True,
    always: Sequence[str] = (),
    enter: float = 0.05,
    leave: float = 0.05,
    distribution: str = "normal",
    exposure: Any = None,
    trials: Any = None,
    censored: Any = None,
    confidence: float = 0.95,
    name: str | None = None,
) -> TermSelection:
    r"""Find out which terms belong in the model.

    Use it to thin out a model with more terms than the runs bear. Not to prove that a term matters: the same data chose
    it, so its p-value is too small; confirm with new runs. A saturated two-level design is for `lenth`.

    Parameters
    ----------
    design : Design or RunRecord
    response : array-like, shape (N,), or str
        As in `fit`.
    candidates : str, list or Model, optional
        Terms to choose from; unsaid, ``"quadratic"``.
    method : {"stepwise", "forward", "backward", "best"}
        Terms come and go; only come; only go; or all models of at most 16 terms (10 beyond least squares).
    criterion : {"aicc", "bic", "p"}
        What a step has to improve; ``"p"`` takes tests with `enter` and `leave` instead.
    heredity : {"strong", "weak"} or None
        A product needs all, or one, of the terms it is made of; a step brings lacking ones along.
    square_heredity : bool
        Whether a square needs its linear term.
    always : sequence of str
        Terms that stay in whatever the data say.
    enter, leave : float
        For tests: largest p-value of a term that comes, smallest of one that goes; `leave` is not below `enter`.
    distribution, exposure, trials, censored, confidence, name
        As in `fit`; split-plots are not taken, whose likelihoods do not compare.

    Returns
    -------
    TermSelection

    Raises
    ------
    DataError
        Arguments that are not known, or too many candidates for ``"best"``.
    DesignError
        Backward from more terms than the runs can fit.
    FormulaError
        A candidate without the parents that heredity asks for.

    References
    ----------
    Hurvich and Tsai (1989), Biometrika 76, 297-307. Chipman (1996), Canadian Journal of Statistics 24, 17-36. Burnham
    and Anderson (2002), Model Selection and Multimodel Inference, 2.6.

    Examples
    --------
    >>> from qstats.doe import full_factorial
    >>> from qstats.doe.fitting.choosing.selection import select_terms
    >>> y = [45, 71, 48, 65, 68, 60, 80, 65, 43, 100, 45, 104, 75, 86, 70, 96]
    >>> found = select_terms(full_factorial(["A", "B", "C", "D"], rng=1), y, candidates="interactions")
    >>> found.terms
    ('1', 'A', 'C', 'D', 'A:C', 'A:D')
    """
    confidence = check_confidence(confidence)
    rules = _rules(method, criterion, enter, leave)
    if heredity is not None:
        check_choice(heredity, "heredity", ("strong", "weak"))
    if not isinstance(square_heredity, bool):
        raise DataError(f"square_heredity: got {square_heredity!r}; True or False is wanted")
    check_choice(distribution, "distribution", DISTRIBUTIONS)
    plan, _ = read_design(design)
    if plan.split_plot:
        raise DataError("design: likelihoods of split-plot models with different terms do not compare; use fit")
    held = make_candidates(plan, candidates, heredity, square_heredity, _texts(always))
    more = {"exposure": exposure, "trials": trials, "censored": censored}
    whole = Model(held.terms)
    p = read_problem(design, response, whole, distribution, more, "kenward-roger", name, check=False)
    scores = Scores(p, criterion, held.always)
    path, visits, count = _search(held, scores, rules)
    taken = visits[0] if method == "best" else path[-1]
    if math.isinf(scores.fit(taken.chosen)[0]) or not taken.chosen:
        raise DesignError("candidates: the runs cannot fit even the smallest model; leave terms out of always=")
    y = _whole_response(p.used, p.y)
    problem = make_problem(
        plan, held.model(taken.chosen, plan.names), p.response, y, distribution=distribution, size=p.size,
        censored=p.censored, notes=p.notes,
    )  # fmt: skip
    fitted = fit_problem(problem, confidence)
    return _selection(held, taken, (path, visits, count), fitted, rules, criterion, heredity)


def _whole_response(used: Any, y: Any) -> Any:
    out = used.astype(float)
    out[~used] = math.nan
    out[used] = y
    return out


def _rules(method: str, criterion: str, enter: float, leave: float) -> Rules:
    check_choice(method, "method", _METHODS)
    check_choice(criterion, "criterion", ("aicc", "bic", "p"))
    enter = check_number(enter, "enter", above=0.0, below=1.0)
    leave = check_number(leave, "leave", above=0.0, below=1.0)
    if leave < enter:
        raise DataError(f"leave: got {leave:g} below enter {enter:g}; a term would come and go without end")
    if method == "best" and criterion == "p":
        raise DataError("criterion: 'p' compares one model with the next; for method='best' take 'aicc' or 'bic'")
    return Rules(method, criterion == "p", enter, leave)


def _texts(always: Any) -> tuple[str, ...]:
    if isinstance(always, str) or not all(isinstance(t, str) for t in always):
        raise DataError(f"always: got {always!r}; a list of terms is wanted")
    return tuple(always)


def _search(held: Candidates, scores: Scores, rules: Rules) -> tuple[list[Visit], list[Visit], int]:
    """The way, all models looked at (best first), and how many they were."""
    if rules.method == "best":
        visits, count = best_subset(held, scores)
        return [], visits, count
    path = stepwise(held, scores, rules)
    visits = [Visit("model", None, c, scores.value(c), None) for c in scores.held]
    return path, sorted(visits, key=lambda v: (v.value, len(v.chosen))), len(visits)


def _selection(
    held: Candidates,
    taken: Visit, found: tuple[list[Visit], list[Visit], int], fitted: DesignFit,
    rules: Rules, criterion: str, heredity: str | None,
) -> TermSelection:  # fmt: skip
    path, visits, count = found
    names = fitted.design.names

    def told(chosen: frozenset[int]) -> tuple[str, ...]:
        return held.model(chosen, names).labels

    steps = [
        SelectionStep(v.action, "" if v.term is None else str(held.terms[v.term]), told(v.chosen), v.value, v.pvalue)
        for v in path
    ]
    near = [v for v in visits if v.chosen != taken.chosen and v.value - taken.value <= _CLOSE]
    models = [CandidateModel(told(v.chosen), v.value, v.value - taken.value) for v in near[:_MOST_SHOWN]]
    notes = [Note("selected-terms", "warning", _OPTIMISTIC)]
    if near:
        text = f"{len(near)} other models are within {_CLOSE:g} of this one: the data do not decide between them"
        notes.append(Note("models-as-good", "info", text))
    return TermSelection(
        fit=replace(fitted, notes=(*fitted.notes, notes[0])), terms=fitted.model.labels, search=rules.method,
        criterion=criterion, heredity=heredity, value=taken.value, path=tuple(steps), runners_up=tuple(models),
        candidates=tuple(map(str, held.terms)), models=count,
        method=f"{rules.method} selection by {_CRITERIA[criterion]}, heredity {heredity or 'not asked for'}",
        reference=_REFERENCE, notes=tuple(notes),
    )  # fmt: skip


_CRITERIA = {"aicc": "AICc", "bic": "BIC", "p": "tests"}
_OPTIMISTIC = (
    "the same data chose the terms and tested them: p-values are too small, intervals too narrow; confirm by new runs"
)
