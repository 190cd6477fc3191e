"""What to run next, in order of urgency: `Advice` made of `Step`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["Advice", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do next.

    Parameters
    ----------
    code : str
        Stable short name, such as ``"curvature"``.
    urgency : int
        1: the data cannot be trusted as they are; 2: nothing can be judged; 3: the model is wrong; 4: the way on;
        5: finish.
    response : tuple of str
        Responses that say so.
    what : str
    why : str
        With the number it rests on.
    how : str
        The call: Python text, with `doe` standing for `qstats.doe` and `fit` for the model, or `fits` for a mapping of
        response to model where several came, and `goals` as they were passed.
    runs : int
        New runs it costs.
    hours : float or None
        Clock hours of these runs at the average of the runs made, where the factors say what a run takes.
    affordable : bool
        Whether `runs` are within the budget.
    """

    code: str
    urgency: int
    response: tuple[str, ...]
    what: str
    why: str
    how: str
    runs: int = 0
    hours: float | None = None
    affordable: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Advice(Result):
    """What to do next.

    Parameters
    ----------
    steps : tuple of Step
        Most urgent first; those beyond the budget behind the others.
    budget : int or None
    alpha : float
        Level of the tests that the rules look at.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.advice/1"
    title: ClassVar[str] = "What to run next"

    steps: tuple[Step, ...]
    budget: int | None
    alpha: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the steps, in order."""
        return tuple(s.code for s in self.steps)

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for i, s in enumerate(self.steps, 1):
            hours = "" if s.hours is None else f", {s.hours:.4g} h"
            cost = f" ({s.runs} runs{hours})" if s.runs else ""
            cost += "" if s.affordable else ": beyond the budget"
            rows.append((f"{i}. {', '.join(s.response)}", s.what + cost))
            rows += [("   why", s.why), ("   how", s.how)]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        names = ("code", "urgency", "what", "why", "how", "runs", "hours", "affordable")
        out: dict[str, object] = {name: [getattr(s, name) for s in self.steps] for name in names}
        return {"response": [", ".join(s.response) for s in self.steps], **out}
