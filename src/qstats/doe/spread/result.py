"""What an analysis of dispersion holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["DispersionEffects"]


@dataclass(frozen=True, slots=True, eq=False)
class DispersionEffects(Result):
    """Which settings make the response vary more.

    Parameters
    ----------
    response : str
    labels : tuple of str, length m
        Contrasts, or columns of the dispersion model.
    aliases : tuple of str, length m
        What each cannot be told from.
    effects : ndarray, shape (m,)
        Logarithm of the variance at the high setting over the variance at the low one (coded +1 over -1).
    factor : ndarray, shape (m,)
        exp(effects): by how much the variance is multiplied.
    interval : Intervals
        Of the effects; zero is outside exactly where `pvalue` is below (simulated: at most) 1 - confidence.
    pvalue : ndarray, shape (m,)
    pvalue_simultaneous : ndarray, shape (m,), or None
        With all m looked at; None where the method gives none.
    significant : ndarray of bool, shape (m,)
        By `pvalue`.
    location_labels : tuple of str, length p
        Columns of the model of the mean; of replicated settings each setting has its own mean, and this is empty.
    location, location_error : ndarray, shape (p,)
        Their coefficients and standard errors.
    confidence : float
    runs : int
    draws : int
        Simulated experiments without any dispersion effect behind the p-values; 0 where they are formulas.
    seed : int or None
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.dispersion_effects/1"
    title: ClassVar[str] = "Dispersion effects"

    response: str
    labels: tuple[str, ...]
    aliases: tuple[str, ...]
    effects: FloatArray
    factor: FloatArray
    interval: Intervals
    pvalue: FloatArray
    pvalue_simultaneous: FloatArray | None
    significant: BoolArray
    location_labels: tuple[str, ...]
    location: FloatArray
    location_error: FloatArray
    confidence: float
    runs: int
    draws: int
    seed: int | None
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def effect(self, label: str) -> float:
        """Return one effect by its label."""
        return float(self.effects[self.labels.index(label)])

    @property
    def significant_labels(self) -> tuple[str, ...]:
        """Significant dispersion effects, largest first."""
        order = np.argsort(-np.abs(self.effects), kind="stable").tolist()
        return tuple(self.labels[i] for i in order if self.significant[i])

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("changes the spread", ", ".join(self.significant_labels) or "none shown")]
        for i in np.argsort(self.pvalue, kind="stable")[:8].tolist():
            low, high = np.exp([self.interval.low[i], self.interval.high[i]]).tolist()
            text = f"variance x {self.factor[i]:.3g} ({low:.3g} to {high:.3g}), p {self.pvalue[i]:.3g}"
            rows.append((self.labels[i], text))
        if self.location_labels:
            rows.append(("model of the mean", " + ".join(self.location_labels)))
        if self.draws:
            rows.append(("reference", f"{self.draws} simulated experiments, seed {self.seed}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {
            "effect": list(self.labels), "aliases": list(self.aliases), "log_ratio": self.effects,
            "factor": self.factor, "low": self.interval.low, "high": self.interval.high, "pvalue": self.pvalue,
        }  # fmt: skip
        if self.pvalue_simultaneous is not None:
            out["pvalue_simultaneous"] = self.pvalue_simultaneous
        return {**out, "significant": self.significant}
