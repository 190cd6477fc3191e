"""The plan of confirmation runs, fixed before they are made: `ConfirmationPlan`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array, json_safe
from qstats.doe.confirming.criterion import Criterion
from qstats.doe.confirming.judging import ConfirmationVerdict, judge
from qstats.errors import DataError

__all__ = ["ConfirmationPlan"]

_WORDS = ("notes", "method", "reference")


@dataclass(frozen=True, slots=True, eq=False)
class ConfirmationPlan(Result):
    """How many confirmation runs, in which order, and what counts as passed.

    Parameters
    ----------
    criteria : tuple of Criterion, length r
    runs : int
        At the new setting; as many at today's setting unless every response has a fixed reference.
    total_runs : int
    alpha : float
        One-sided, of each response and of all together: the chance to pass a setting that fails one criterion.
    power_wanted : float
    power_each : ndarray, shape (r,)
        Exact power of each response, the expected improvement being true.
    power : float
        That all pass, at least: whatever the correlation of the responses; simulated where it was said.
    power_independent : float
        The same for independent responses.
    correlation : tuple of tuples, or None
        Of the improvements, where it was said.
    draws : int
        Simulated experiments behind `power`; 0 where it is a bound.
    seed : int
        Of the simulation and of the order.
    order : tuple of str
        ``"new"`` or ``"today"`` for each run in turn.
    settings, today : mapping or None
        Where they were said.
    cautious_runs : int or None
        Runs that keep the power where the standard deviations that were estimated lie at their 80 % upper limits.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.confirmation_plan/1"
    title: ClassVar[str] = "Plan of confirmation runs"

    criteria: tuple[Criterion, ...]
    runs: int
    total_runs: int
    alpha: float
    power_wanted: float
    power_each: FloatArray
    power: float
    power_independent: float
    correlation: tuple[tuple[float, ...], ...] | None
    draws: int
    seed: int
    order: tuple[str, ...]
    settings: FrozenMapping[str, Any] | None
    today: FrozenMapping[str, Any] | None
    cautious_runs: int | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def rule(self) -> str:
        """The pass rule in words."""
        each = "; ".join(c.rule(self.alpha) for c in self.criteria)
        return f"passed if every one holds, failed if one does not: {each}"

    @property
    def hash(self) -> str:
        """SHA-256 of everything that defines the plan (not of the words about it)."""
        held = {k: v for k, v in self.to_dict().items() if k not in _WORDS}
        text = json.dumps(held, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    def judge(self, results: Any, control: Any = None) -> ConfirmationVerdict:
        """Return the verdict on the runs.

        Parameters
        ----------
        results, control : mapping of response to array-like of shape (n,), or frame
            At the new and at today's setting; NaN where a run has no result. `control` is left out where every
            response has a fixed reference.

        Raises
        ------
        DataError
            A response of the plan without results, or results that are no numbers.
        TooFewData
            Fewer than two results at a setting.
        """
        return judge(self.criteria, results, control, self.runs, self.alpha, self.hash)

    def as_plan(self, *, question: str, action_date: Any, baseline: Any, horizon: Any) -> dict[str, Any]:
        """Return what ``VerificationPlan.from_dict`` takes, to verify the improvement in production.

        The first response to be better is the metric with its expected improvement as the promise, further ones are
        secondary, those not to be worse are guardrails. Its error is two-sided: twice `alpha`.

        Parameters
        ----------
        question : str
        action_date : date or ISO text
        baseline : (date, date)
        horizon : date

        Raises
        ------
        DataError
            No response is to be better.
        """
        good = [c for c in self.criteria if c.kind == "better"]
        if not good:
            raise DataError("as_plan: no response of the plan is to be better; there is no improvement to verify")
        metrics = [{"name": c.response, "kind": "mean", "better": c.better} for c in good]
        guards = [
            {"name": c.response, "kind": "mean", "better": c.better, "margin": c.margin}
            for c in self.criteria
            if c.kind == "not worse"
        ]
        return {
            "schema": "qstats.plan/1", "question": question, "action_date": json_safe(action_date),
            "baseline": json_safe(baseline), "horizon": json_safe(horizon), "alpha": 2.0 * self.alpha,
            "metric": metrics[0], "target_difference": good[0].expected, "secondary": metrics[1:],
            "guardrails": guards, "record": {"confirmation": self.hash},
        }  # fmt: skip

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> ConfirmationPlan:
        """Return what `to_dict` gave."""
        if not isinstance(held, Mapping) or held.get("schema") != cls.schema:
            raise DataError(f"plan: a mapping with schema {cls.schema!r} is wanted")
        names = [n for n in cls.__dataclass_fields__ if n not in ("schema", "title")]
        given = {k: v for k, v in held.items() if k in names}
        try:
            given["criteria"] = tuple(Criterion(**c) for c in given["criteria"])
            given["notes"] = tuple(Note(**n) for n in given["notes"])
            given["power_each"] = frozen_array(given["power_each"])
            given["order"] = tuple(given["order"])
            for name in ("settings", "today"):
                given[name] = None if given[name] is None else FrozenMapping(given[name])
            if given["correlation"] is not None:
                given["correlation"] = tuple(tuple(float(v) for v in row) for row in given["correlation"])
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"plan: not a stored plan ({error})") from None

    def _rows(self) -> list[tuple[str, str]]:
        beside = self.total_runs > self.runs
        runs = f"{self.runs} at the new setting" + (f", {self.runs} at today's, in random order" if beside else "")
        rows = [("runs", runs), ("passed if", "every one holds")]
        rows += [(f"  {c.response}", c.rule(self.alpha)) for c in self.criteria]
        for c, p in zip(self.criteria, self.power_each.tolist(), strict=True):
            rows.append((f"power of {c.response}", f"{p:.4f} (improvement {c.expected:.4g}, sd {c.sd:.4g})"))
        word = f"simulated, {self.draws} draws, seed {self.seed}" if self.draws else "at least, for any correlation"
        rows.append(("power of all", f"{self.power:.4f} ({word}); independent {self.power_independent:.4f}"))
        if self.cautious_runs is not None:
            rows.append(("with sd at its 80 % limit", f"{self.cautious_runs} runs at each setting"))
        return [*rows, ("hash", self.hash), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """One row a response."""
        names = ("response", "kind", "better", "margin", "expected", "sd", "reference")
        out: dict[str, object] = {name: [getattr(c, name) for c in self.criteria] for name in names}
        return {**out, "power": self.power_each}
