"""Ways through the models that candidates allow: stepwise, forward, backward, all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qstats.doe.fitting.choosing.candidates import Candidates
from qstats.doe.fitting.choosing.scores import Scores
from qstats.errors import DataError, DesignError

__all__ = ["MOST_TERMS", "Rules", "Visit", "best_subset", "stepwise"]

MOST_TERMS = 16  # free terms for least squares: 65,536 models
_MOST_SLOW = 10  # of other distributions: 1,024 fits
_KEPT = 64
_LONGEST = 500
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Rules:
    """What moves a search makes.

    Parameters
    ----------
    method : {"stepwise", "forward", "backward", "best"}
    tests : bool
        Whether p-values decide, not a criterion.
    enter, leave : float
        Largest p-value of a term that comes in; smallest of one that goes.
    """

    method: str
    tests: bool
    enter: float
    leave: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A model on the way: what was done, with which term, the terms then, the criterion and the p-value of the move."""

    action: str
    term: int | None
    chosen: frozenset[int]
    value: float
    pvalue: float | None


def stepwise(held: Candidates, scores: Scores, rules: Rules) -> list[Visit]:
    """Return the way: each step the best move there is, until none helps."""
    whole = frozenset(range(len(held.terms)))
    backward = rules.method == "backward"
    at = whole if backward else held.always
    path = [Visit("start", None, at, scores.value(at), None)]
    if backward and math.isinf(scores.fit(at)[0]):
        raise DesignError("method: the runs cannot fit all candidates together; use method='forward' or 'stepwise'")
    seen = {at}
    for _ in range(_LONGEST):
        move = _by_tests(held, scores, rules, path[-1]) if rules.tests else _by_value(held, scores, rules, path[-1])
        if move is None or move.chosen in seen:
            break
        seen.add(move.chosen)
        path.append(move)
    return path


def _moves(held: Candidates, rules: Rules, at: frozenset[int]) -> Iterator[tuple[str, int, frozenset[int]]]:
    if rules.method != "backward":
        yield from (("add", i, c) for i, c in held.additions(at))
    if rules.method != "forward":
        yield from (("remove", i, c) for i, c in held.removals(at))


def _by_value(held: Candidates, scores: Scores, rules: Rules, last: Visit) -> Visit | None:
    trials = [Visit(a, i, c, scores.value(c), None) for a, i, c in _moves(held, rules, last.chosen)]
    best = min(trials, key=lambda v: (v.value, -scores.fit(v.chosen)[0], len(v.chosen)), default=None)
    if best is not None and math.isinf(last.value) and rules.method == "backward":
        return best  # too many terms for the criterion yet
    if best is None or math.isinf(best.value):
        return None
    return best if best.value < last.value - _SAME * max(abs(last.value), 1.0) else None


def _by_tests(held: Candidates, scores: Scores, rules: Rules, last: Visit) -> Visit | None:
    at = last.chosen
    going: list[Visit] = []
    coming: list[Visit] = []
    for action, i, c in _moves(held, rules, at):
        p = scores.pvalue(c, at) if action == "remove" else scores.pvalue(at, c)
        (going if action == "remove" else coming).append(Visit(action, i, c, scores.value(c), p))
    worst = max(going, key=lambda v: v.pvalue or 0.0, default=None)
    if worst is not None and (worst.pvalue or 0.0) > rules.leave:
        return worst
    best = min(coming, key=lambda v: (v.pvalue or 0.0, len(v.chosen)), default=None)
    return best if best is not None and (best.pvalue or 0.0) <= rules.enter else None


def best_subset(held: Candidates, scores: Scores) -> tuple[list[Visit], int]:
    """Return the best models of all that heredity allows, best first, and how many there were."""
    free = held.free
    most = MOST_TERMS if scores.p.least_squares else _MOST_SLOW
    if len(free) > most:
        raise DataError(
            f"method: 'best' goes through all models of at most {most} terms, and there are {len(free)} to choose "
            f"from; use method='stepwise', or name fewer candidates"
        )
    sets = _allowed(held)
    if scores.p.least_squares:
        columns = [np.flatnonzero(scores.p.term == i).tolist() for i in range(len(held.terms))]
        rough = scores.rank_all(sets, columns)
        sets = sets[np.argsort(rough, kind="stable")[:_KEPT]]
        count = rough.size
    else:
        count = sets.shape[0]
    models = [frozenset(np.flatnonzero(row).tolist()) for row in sets]
    visits = [Visit("model", None, c, scores.value(c), None) for c in models]
    return sorted(visits, key=lambda v: (v.value, len(v.chosen))), count


def _allowed(held: Candidates) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """All models that heredity allows: a table of which terms are in, shape (m, terms)."""
    free = held.free
    sets = np.ones((2 ** len(free), len(held.terms)), dtype=np.bool_)
    sets[:, list(free)] = np.array(list(itertools.product((False, True), repeat=len(free)))).reshape(-1, len(free))
    good = np.ones(sets.shape[0], dtype=np.bool_)
    for i, parents in enumerate(held.parents):
        if parents:
            theirs = sets[:, list(parents)]
            good &= ~sets[:, i] | (theirs.all(axis=1) if held.strong else theirs.any(axis=1))
    return sets[good]
