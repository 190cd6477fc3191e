"""Designs side by side: `compare_designs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats.doe.design import Design
from qstats.doe.evaluation.door import evaluate
from qstats.doe.evaluation.matrices import as_design
from qstats.doe.evaluation.result import DesignEvaluation
from qstats.errors import DataError

__all__ = ["DesignComparison", "compare_designs"]


@dataclass(frozen=True, slots=True, eq=False)
class DesignComparison(Result):
    """Evaluations of several designs for one model.

    Parameters
    ----------
    evaluations : mapping of str to DesignEvaluation
        In the order given.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.design_comparison/1"
    title: ClassVar[str] = "Designs side by side"

    evaluations: Mapping[str, DesignEvaluation]
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (
                name,
                f"{e.runs} runs, {e.hours:.4g} h, cost {e.cost:.6g}; D {e.d_efficiency:.2f} %, average variance "
                f"{e.average_variance:.4g}, least power {_least(e):.3f}",
            )
            for name, e in self.evaluations.items()
        ]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """One row for each design."""
        each = list(self.evaluations.values())
        names = (
            "runs", "hours", "cost", "coefficients", "rank", "df_error", "df_pure", "d_efficiency", "a_efficiency",
            "g_efficiency", "average_variance", "largest_variance", "orthogonal", "balanced",
        )  # fmt: skip
        out: dict[str, object] = {"design": list(self.evaluations)}
        out |= {name: [getattr(e, name) for e in each] for name in names}
        out["largest_vif"] = [e.largest_vif for e in each]
        out["largest_alias"] = [float(np.abs(e.alias[e.estimable]).max(initial=0.0)) for e in each]
        out["least_power"] = [_least(e) for e in each]
        return out


def _least(e: DesignEvaluation) -> float:
    """Power of the term that is hardest to find, the constant left out; NaN where a term has no test."""
    power = np.array([p for p, term in zip(e.power, e.terms, strict=True) if term != "1"])
    return float(power.min()) if power.size else float("nan")


def compare_designs(designs: Mapping[str, Design], *, model: Any = None, **settings: Any) -> DesignComparison:
    """Lay designs side by side: what they cost in runs, hours and money, and what they tell.

    Parameters
    ----------
    designs : mapping of name to Design
        Of the same factors.
    model : str, list or Model, optional
        One model for all; unsaid, linear.
    **settings
        As in `evaluate`: ``effect``, ``alpha``, ``variance_ratio``, ``run_cost``, ``hour_cost``, ``constraints`` ...

    Returns
    -------
    DesignComparison

    Raises
    ------
    DataError
        Fewer than two designs, or designs of different factors.

    Examples
    --------
    >>> from qstats.doe import optimal
    >>> from qstats.doe import compare_designs
    >>> small, large = (optimal(3, runs=n, model="linear", starts=16, rng=1) for n in (8, 16))
    >>> both = compare_designs({"8 runs": small, "16 runs": large})
    >>> both.to_frame()["average_variance"].round(4).tolist()
    [0.25, 0.125]
    """
    if not isinstance(designs, Mapping) or len(designs) < 2:
        raise DataError('designs: a mapping of two or more names to designs is wanted, as in {"small": a, "large": b}')
    checked = {str(name): as_design(d, f"designs[{name!r}]") for name, d in designs.items()}
    names = {name: sorted(d.names) for name, d in checked.items()}
    first = next(iter(names))
    odd = next((name for name in names if names[name] != names[first]), None)
    if odd is not None:
        raise DataError(
            f"designs: {odd!r} has the factors {names[odd]}, {first!r} {names[first]}; the same ones are wanted"
        )
    wanted = "linear" if model is None else model
    done = {name: evaluate(d, model=wanted, **settings) for name, d in checked.items()}
    some = done[first]
    text = f"the same model for all: {' + '.join(some.terms)}; {some.method}"
    notes = tuple(Note(n.code, n.severity, f"{name}: {n.message}") for name, e in done.items() for n in e.notes)
    return DesignComparison(FrozenMapping(done), text, some.reference, notes)
