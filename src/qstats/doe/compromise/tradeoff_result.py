"""What a trade-off holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats._core.spec import Spec
from qstats.doe.compromise.goals import Goal
from qstats.doe.compromise.parts import Band, Choice, ExchangeRate, Knee, NoneSafe, Price
from qstats.doe.compromise.robust import Robustness
from qstats.doe.factor import Factor

__all__ = ["TradeOff"]


@dataclass(frozen=True, slots=True, eq=False)
class TradeOff(Result):
    """Which setting to take, how sure that is, and what could be had instead.

    Parameters
    ----------
    goals : tuple of Goal
        In the order of their weight: the first decides.
    specs : mapping of str to Spec
    of : {"mean", "run"}
        What the limits are about.
    share : float or None
        Of single runs that must hold them.
    assurance : float
    bound : {"safe", "pointwise"}
    factors : tuple of Factor
    responses : tuple of str
    recommended : Choice or None
        The qualifying setting that is best in the first goal.
    none_safe : NoneSafe or None
        Where no setting qualifies: which is closest, and what would settle it.
    point_optimum : Choice or None
        The best setting by predictions alone; None where none is predicted to hold the limits.
    price : Price or None
        What the assurance costs in the first goal.
    exchange : ExchangeRate or None
        None unless two goals are at odds.
    knee : Knee or None
    robust : Robustness or None
        With `tolerance` or noise factors.
    candidates : ndarray, shape (m, k)
        Coded settings: `grid` coarse ones, then closer looks.
    grid : int
    predicted : ndarray, shape (m, q)
        Means.
    probability : ndarray, shape (m,)
        P(all limits hold | data).
    score : ndarray, shape (m,)
        Standard errors between prediction and nearest limit.
    safe : ndarray of bool, shape (m,)
        Which qualify.
    multiplier : float
        Standard errors a setting must hold its limits by.
    front : ndarray of int, shape (f,)
        Coarse candidates no other is predicted to beat, from the best in the first goal on.
    non_dominated : ndarray, shape (f,)
        Probability that none truly beats them.
    band : Band or None
        Of two goals.
    correlation : ndarray, shape (q, q)
        Of the errors of responses within a run, as used.
    draws, seed : int
    confidence : float
        Of intervals and band.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.trade_off/1"
    title: ClassVar[str] = "Trade-off between responses"

    goals: tuple[Goal, ...]
    specs: FrozenMapping[str, Spec]
    of: str
    share: float | None
    assurance: float
    bound: str
    factors: tuple[Factor, ...]
    responses: tuple[str, ...]
    recommended: Choice | None
    none_safe: NoneSafe | None
    point_optimum: Choice | None
    price: Price | None
    exchange: ExchangeRate | None
    knee: Knee | None
    robust: Robustness | None
    candidates: FloatArray
    grid: int
    predicted: FloatArray
    probability: FloatArray
    score: FloatArray
    safe: BoolArray
    multiplier: float
    front: npt.NDArray[np.int64]
    non_dominated: FloatArray
    band: Band | None
    correlation: FloatArray
    draws: int
    seed: int
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def settings(self, which: npt.ArrayLike | None = None) -> dict[str, npt.NDArray[Any]]:
        """Return candidates in natural units, all or those with these numbers."""
        coded = self.candidates if which is None else self.candidates[np.asarray(which)]
        return {f.name: f.decode(coded[:, j]) for j, f in enumerate(self.factors)}

    def predicted_of(self, response: str) -> FloatArray:
        """Return the predicted mean of one response at all candidates, shape (m,)."""
        column: FloatArray = self.predicted[:, self.responses.index(response)]
        return column

    # ---- views ----

    def _rows(self) -> list[tuple[str, str]]:
        rows = self._answer()
        if self.price is not None:
            rows.append(("price of the assurance", self.price.text))
        if self.exchange is not None:
            rows.append(("exchange rate", self.exchange.text))
        if self.knee is not None:
            rows.append(("knee", f"{_told(self.knee.values)} at {self.knee.text}"))
        if self.robust is not None:
            rows += self.robust.rows()
        rows.append(("front", f"{self.front.size} of {self.grid} settings; {int(self.safe.sum())} qualify in all"))
        if self.specs:
            about = "the mean" if self.share is None else f"{self.share:.0%} of single runs"
            rows.append(("limits", "; ".join(f"{n} {s}" for n, s in self.specs.items()) + f" (of {about})"))
            rows.append(("standard errors kept", f"{self.multiplier:.3g} ({self.bound} bound)"))
        rows.append(("draws", f"{self.draws}, seed {self.seed}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _answer(self) -> list[tuple[str, str]]:
        best = self.recommended
        if best is None:
            assert self.none_safe is not None
            return [("recommended", "no setting qualifies"), ("closest", self.none_safe.text)]
        rows = [("recommended", str(best)), ("  predicted", _told(best.values))]
        for name, p in best.predictions.items():
            rows.append((f"  {name}, {self.confidence:.0%} of the {p.interval_of}", str(p.interval.at(0))))
        if self.specs:
            what = (
                "no qualifying setting misses a limit" if self.bound == "safe" else "one setting named beforehand holds"
            )
            rows.append(("  assurance", f"{self.assurance:.0%}: {what}"))
            rows.append(("  P(all limits hold)", f"{best.probability:.4g}"))
        if self.point_optimum is not None and self.specs:
            other = self.point_optimum
            told = f"{other}: {_told(other.values)}; P(all limits hold) {other.probability:.3g}"
            rows.append(("by predictions alone", told))
        return rows

    def _columns(self) -> Mapping[str, object]:
        """One row for each setting of the front."""
        out: dict[str, object] = dict(self.settings(self.front))
        for i, name in enumerate(self.responses):
            out[_free(name, out)] = self.predicted[self.front, i]
        out["non_dominated"] = self.non_dominated
        out["probability"] = self.probability[self.front]
        out["qualifies"] = self.safe[self.front]
        return out


def _free(name: str, taken: Mapping[str, object]) -> str:
    return f"{name} (response)" if name in taken else name


def _told(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {v:.5g}" for name, v in values.items())
