"""Verdict on confirmation runs: each response by its t interval, all of them together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import Result, frozen_array
from qstats.doe.confirming.criterion import Criterion
from qstats.errors import DataError, TooFewData

__all__ = ["ConfirmationVerdict", "judge"]

_REFERENCE = "Berger 1982, Technometrics 24, 295-300 (intersection-union tests)"


@dataclass(frozen=True, slots=True, eq=False)
class ConfirmationVerdict(Result):
    """Whether the setting was confirmed.

    Parameters
    ----------
    passed : bool
        Every response passed.
    responses : tuple of str, length r
    wanted : tuple of str
        The rule of each.
    improvement : ndarray, shape (r,)
        New against old, above zero where better; unit of the response.
    interval : Intervals
        Of the improvement, two-sided at 1 - 2 alpha: its lower end is the one-sided limit of the rule.
    threshold : ndarray, shape (r,)
        What the lower end must lie above.
    pvalue : ndarray, shape (r,)
        One-sided; below alpha exactly where the response passed.
    each : ndarray of bool, shape (r,)
    n, n_control : ndarray of int, shape (r,)
        Runs with a result; 0 for a fixed reference.
    df : ndarray, shape (r,)
    alpha : float
    plan : str
        Hash of the plan.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.confirmation_verdict/1"
    title: ClassVar[str] = "Confirmation runs"

    passed: bool
    responses: tuple[str, ...]
    wanted: tuple[str, ...]
    improvement: FloatArray
    interval: Intervals
    threshold: FloatArray
    pvalue: FloatArray
    each: BoolArray
    n: np.ndarray[tuple[int], np.dtype[np.int64]]
    n_control: np.ndarray[tuple[int], np.dtype[np.int64]]
    df: FloatArray
    alpha: float
    plan: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("verdict", "confirmed: every response passed" if self.passed else "not confirmed")]
        for i, name in enumerate(self.responses):
            word = "passed" if self.each[i] else "not passed"
            text = f"{word}: improvement {self.improvement[i]:.4g} {self.interval.at(i)}, must lie above"
            rows.append((name, f"{text} {self.threshold[i]:.4g}; p = {self.pvalue[i]:.3g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "response": list(self.responses), "passed": self.each, "improvement": self.improvement,
            "low": self.interval.low, "high": self.interval.high, "threshold": self.threshold, "p": self.pvalue,
            "n": self.n, "n_control": self.n_control,
        }  # fmt: skip


def judge(
    criteria: Sequence[Criterion], results: Any, control: Any, planned: int, alpha: float, plan: str
) -> ConfirmationVerdict:
    """Return the verdict on results, by the criteria of a plan."""
    names = [c.response for c in criteria]
    new = _columns_of(results, names, "results")
    wants = [c.response for c in criteria if c.reference is None]
    if control is not None and not wants:
        raise DataError("control: the plan compares with fixed references; leave it out")
    if control is None and wants:
        raise DataError("control: missing; the plan compares with runs at today's setting, made beside the new ones")
    old = _columns_of(control, wants, "control") if wants else {}
    rows = [_one(c, new[c.response], old.get(c.response), alpha) for c in criteria]
    held = {k: np.array([row[k] for row in rows]) for k in ("estimate", "half", "p", "n", "n0", "df", "flat", "lost")}
    each = held["p"] < alpha
    return ConfirmationVerdict(
        bool(each.all()), tuple(names), tuple(c.rule(alpha) for c in criteria), frozen_array(held["estimate"]),
        Intervals(
            frozen_array(held["estimate"] - held["half"]), frozen_array(held["estimate"] + held["half"]),
            1.0 - 2.0 * alpha,
        ),
        frozen_array([c.threshold for c in criteria]), frozen_array(held["p"]), frozen_array(each, np.bool_),
        frozen_array(held["n"], np.int64), frozen_array(held["n0"], np.int64), frozen_array(held["df"]), alpha, plan,
        "one-sided Student t for each response, all must pass", _REFERENCE, _notes(names, held, wants, planned),
    )  # fmt: skip


def _one(c: Criterion, new: FloatArray, old: FloatArray | None, alpha: float) -> dict[str, Any]:
    lost = int(np.isnan(new).sum()) + (0 if old is None else int(np.isnan(old).sum()))
    x = new[~np.isnan(new)]
    base = np.array([c.reference]) if old is None else old[~np.isnan(old)]
    if x.size < 2 or (old is not None and base.size < 2):
        raise TooFewData(f"results: {c.response!r}: two runs with a result are wanted at each setting")
    shift = base[0]  # differences keep their digits however large the values are
    x, base = x - shift, base - shift
    squares = float(((x - x.mean()) ** 2).sum()) + (0.0 if old is None else float(((base - base.mean()) ** 2).sum()))
    df = x.size - 1.0 + (0.0 if old is None else base.size - 1.0)
    se = math.sqrt(squares / df * (1.0 / x.size + (0.0 if old is None else 1.0 / base.size)))
    estimate = c.sign * float(x.mean() - base.mean())
    beyond = estimate - c.threshold
    t = beyond / se if se > 0.0 else math.copysign(math.inf, beyond) if beyond else 0.0
    return {
        "estimate": estimate, "half": float(t_quantile(1.0 - alpha, df)) * se, "p": float(t_sf(t, df)), "n": x.size,
        "n0": 0 if old is None else base.size, "df": df, "flat": se == 0.0, "lost": lost,
    }  # fmt: skip


def _columns_of(given: Any, names: Sequence[str], what: str) -> dict[str, FloatArray]:
    if table.is_frame(given):
        given = table.columns(given, {n: n for n in names})
    if not isinstance(given, Mapping):
        raise DataError(f"{what}: got a {type(given).__name__}; a mapping of response to its results is wanted")
    if missing := [n for n in names if n not in given]:
        raise DataError(f"{what}: no results of {', '.join(map(repr, missing))}; every response of the plan is judged")
    if unknown := [str(n) for n in given if n not in names]:
        raise DataError(f"{what}: {', '.join(map(repr, unknown))} is not in the plan; there are {', '.join(names)}")
    return {n: as_vector(given[n], f"{what}[{n!r}]", missing="drop", least=0) for n in names}


def _notes(names: Sequence[str], held: dict[str, Any], wants: Sequence[str], planned: int) -> tuple[Note, ...]:
    notes = []
    if int(held["lost"].sum()):
        text = f"{int(held['lost'].sum())} results are missing and were left out; say why, or the verdict is worth less"
        notes.append(Note("missing-dropped", "warning", text))
    sizes = zip(names, held["n"].tolist(), held["n0"].tolist(), strict=True)
    few = [n for n, m, m0 in sizes if m < planned or (n in wants and m0 < planned)]
    if few:
        text = f"fewer runs than the {planned} planned at each setting for {', '.join(few)}: a failure says little"
        notes.append(Note("fewer-runs", "warning", text))
    if (held["n"] > planned).any() or (held["n0"] > planned).any():
        text = f"more runs than the {planned} planned: if they were added after a look, the verdict is too favourable"
        notes.append(Note("more-runs", "warning", text))
    if held["flat"].any():
        text = "all results of a response are equal: are these measured values, to enough digits?"
        notes.append(Note("results-constant", "serious", text))
    return tuple(notes)
