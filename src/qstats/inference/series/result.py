"""The result of a series of counts before and after a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats.inference.comparison import EFFECTS, Comparison

__all__ = ["InterruptedSeries"]


@dataclass(frozen=True, slots=True, eq=False)
class InterruptedSeries(Result):
    """The change of a rate at a known date, by a regression whose noise may persist from period to period.

    Parameters
    ----------
    effect : str
        ``"rate_ratio"``: after over what would have been; ``"rate_ratio_ratio"``: the same over the control's;
        ``"risk_ratio"`` of shares, ``"mean_difference"``, ``"geometric_mean_ratio"``.
    estimate : float
        Median of the posterior mixture; with a change of slope the mean effect over the periods after.
    interval : Interval
    pvalue : float
        Against `null`, from the same distribution.
    alternative : {"two-sided", "less", "greater"}
    null : float
    n : tuple of float
        Events after and before; of means, periods.
    periods : tuple of int
        Periods after and before.
    df : int
        Periods less coefficients.
    phi : float
        Pearson chi-square over df; 1 is Poisson.
    rho : float
        Correlation from period to period of the counts themselves, averaged over its weights.
    weights : ndarray, shape (20,)
        Of the correlations 0, 0.05, ..., 0.95 of what is not Poisson.
    stress : mapping of float to float
        One-sided p-value towards the side of the estimate if the correlation were 0, 0.3, 0.6.
    tipping : float or None
        Largest correlation at which the change still stands by itself; None: it stands at none.
    second : Comparison
        The same change by slow cosines, without a model of the correlation.
    strength : {"verified", "confirmed", "indicated", "none"}
        How much of this agrees; see the notes of `interrupted_series`.
    detectable : float
        Ratio below 1 (or its inverse above) that this series would show in four cases of five.
    coefficients : mapping of str to float
        On the log scale.
    fitted, expected, low, high : ndarray, shape (T,)
        Rates: fitted, and what would have been without the change, with its limits; NaN where a period was left out.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.interrupted_series/1"
    title: ClassVar[str] = "Interrupted series"

    effect: str
    estimate: float
    interval: Interval
    pvalue: float
    alternative: str
    null: float
    n: tuple[float, float]
    periods: tuple[int, int]
    df: int
    phi: float
    rho: float
    weights: FloatArray
    stress: Mapping[float, float]
    tipping: float | None
    second: Comparison
    strength: str
    detectable: float
    coefficients: Mapping[str, float]
    fitted: FloatArray
    expected: FloatArray
    low: FloatArray
    high: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "stress", FrozenMapping(self.stress))
        object.__setattr__(self, "coefficients", FrozenMapping(self.coefficients))

    def _rows(self) -> list[tuple[str, str]]:
        told = ", ".join(f"{p:.2g} at {rho:g}" for rho, p in self.stress.items())
        tipping = "none" if self.tipping is None else f"{self.tipping:g}"
        return [
            (EFFECTS.get(self.effect, self.effect), f"{self.estimate:.4g}"),
            (f"{self.interval.confidence:.0%} interval", str(self.interval)),
            (f"p-value ({self.alternative}, against {self.null:g})", f"{self.pvalue:.4g}"),
            ("strength of the evidence", self.strength),
            ("second opinion", f"{self.second.estimate:.4g} {self.second.interval}, p {self.second.pvalue:.3g}"),
            ("one-sided p if the correlation were", told),
            ("stands up to a correlation of", tipping),
            ("dispersion, correlation of the counts", f"{self.phi:.3g}, {self.rho:.2g}"),
            ("effect it would show (80 %)", f"{self.detectable:.3g}"),
            ("periods after, before", f"{self.periods[0]}, {self.periods[1]}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {"fitted": self.fitted, "expected": self.expected, "low": self.low, "high": self.high}

    def comparison(self) -> Comparison:
        """Return the change alone, as a comparison like any other."""
        return Comparison(
            self.effect, self.estimate, self.interval, self.pvalue, self.alternative, self.null, None, self.n,
            self.method, self.reference, self.notes, df=float(self.df),
        )  # fmt: skip
