"""What a search for the most desirable setting found: `Optimum`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats.doe.desirability.wants import Desirability

__all__ = ["Optimum"]


@dataclass(frozen=True, slots=True, eq=False)
class Optimum(Result):
    """The setting that suits all responses best; or, where nothing is possible, the one that comes closest.

    Parameters
    ----------
    settings : mapping of str to setting
        Natural units.
    coded : ndarray, shape (k,)
    feasible : bool
        Whether some setting keeps every limit (desirability above 0).
    desirability : float
        Of all together, from 0 to 1.
    goals : tuple of Desirability, length r
        With the ends of the ramps that were not said filled in.
    responses : tuple of str, length r
    each : ndarray, shape (r,)
        Desirability of each response; of a limit 1 or 0.
    predicted : ndarray, shape (r,)
        Expected response at the setting.
    interval : Intervals
        Of the expected response (of the median for lognormal and Weibull responses), one by one.
    new_run : tuple of Interval or None, length r
        Where one more run is expected; None for counts, trials, gamma and Weibull responses.
    missed : ndarray, shape (r,)
        By how much each response misses its limit, in its own unit; 0 where it keeps them.
    violation : float
        Sum of the misses, each over the range of its response in the region.
    grid_best : float
        Largest desirability on the grid; never above `desirability`.
    grid_points, starts : int
    found : float
        Share of the starts with these levels that ended at this desirability (or violation) to within one part in a
        thousand.
    outside : bool
        Whether the setting lies outside the region the experiment covers.
    confidence : float
    seed : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.optimum/1"
    title: ClassVar[str] = "Most desirable setting"

    settings: FrozenMapping[str, Any]
    coded: FloatArray
    feasible: bool
    desirability: float
    goals: tuple[Desirability, ...]
    responses: tuple[str, ...]
    each: FloatArray
    predicted: FloatArray
    interval: Intervals
    new_run: tuple[Interval | None, ...]
    missed: FloatArray
    violation: float
    grid_best: float
    grid_points: int
    starts: int
    found: float
    outside: bool
    confidence: float
    seed: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        shown = ", ".join(f"{n} {v:.6g}" if isinstance(v, float) else f"{n} {v}" for n, v in self.settings.items())
        rows = [("set" if self.feasible else "closest, but not possible", shown)]
        for i, name in enumerate(self.responses):
            text = f"{self.predicted[i]:.5g} {self.interval.at(i)}, wanted {self.goals[i]}"
            if self.missed[i] > 0.0:
                text += f", misses by {self.missed[i]:.4g}"
            rows.append((name, text))
            if (run := self.new_run[i]) is not None:
                rows.append(("  one new run", str(run)))
        told = ", ".join(f"{n} {d:.4f}" for n, d in zip(self.responses, self.each.tolist(), strict=True))
        rows.append(("desirability", f"{self.desirability:.5f} ({told})"))
        told = f"{self.found:.0%} of the starts with these levels ({self.starts} in all)"
        rows.append(("found by", f"{told}; best of the grid {self.grid_best:.5f}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """One row a response."""
        return {
            "response": list(self.responses), "wanted": [str(g) for g in self.goals], "predicted": self.predicted,
            "low": self.interval.low, "high": self.interval.high,
            "new_run_low": [None if r is None else r.low for r in self.new_run],
            "new_run_high": [None if r is None else r.high for r in self.new_run],
            "desirability": self.each, "missed": self.missed,
        }  # fmt: skip
