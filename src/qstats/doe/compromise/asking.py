"""What a trade-off was asked: every argument checked and put into the form the rest works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.spec import Spec
from qstats.doe.compromise.goals import Goal, as_fits, as_goals, as_specs
from qstats.doe.compromise.robust import spread_of
from qstats.doe.compromise.settings import Space, make_space
from qstats.doe.compromise.surfaces import Surface, cost_surface, surface_of
from qstats.doe.exchange.constraints import rules_of
from qstats.doe.exchange.region import Region
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["BOUNDS", "Asked", "ask"]

BOUNDS = ("safe", "pointwise")
_ABOUT = ("mean", "run")
_LEAST_DRAWS, _MOST_DRAWS = 200, 1_000_000
_MOST_LEVELS = 1001
_MOST_GOALS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Checked arguments.

    Parameters
    ----------
    fits : mapping of str to DesignFit
    surfaces : tuple of Surface
        Of the fits, and of a known cost.
    goals : tuple of Goal
    specs : mapping of str to Spec
    share : float or None
        None for limits of the mean.
    assurance, confidence : float
    bound : str
    space : Space
    spread : mapping of str to float
        Standard deviations of factors that wander, natural units.
    grid : int or None
    draws : int
    """

    fits: Mapping[str, DesignFit]
    surfaces: tuple[Surface, ...]
    goals: tuple[Goal, ...]
    specs: Mapping[str, Spec]
    share: float | None
    assurance: float
    confidence: float
    bound: str
    space: Space
    spread: Mapping[str, float]
    grid: int | None
    draws: int

    @property
    def runs(self) -> FloatArray:
        """Coded settings of all designs."""
        return np.concatenate([np.asarray(f.design.coded) for f in self.fits.values()])

    def place(self, response: str) -> int:
        """Return where a response stands among the surfaces."""
        return [s.name for s in self.surfaces].index(response)


def ask(
    fits: Any, goals: Any, specs: Any, about: tuple[Any, Any], rules: tuple[Any, Any], wandering: tuple[Any, Any],
    costs: Any, **more: Any,
) -> Asked:  # fmt: skip
    """Return what was asked.

    Parameters
    ----------
    fits, goals, specs, costs
        As in `tradeoff`.
    about : tuple
        ``of`` and ``share``.
    rules : tuple
        ``constraints`` and ``disallowed``.
    wandering : tuple
        ``tolerance`` and ``noise``.
    **more
        The others.
    """
    held = as_fits(fits)
    factors = next(iter(held.values())).design.factors
    surfaces = [surface_of(name, fit) for name, fit in held.items()]
    if costs is not None:
        if "cost" in held:
            raise DataError("costs: a response is called 'cost' already; leave one of them out")
        surfaces.append(cost_surface(costs, factors))
    names = [s.name for s in surfaces]
    wanted = as_goals(goals, names)
    if len(wanted) > _MOST_GOALS:
        raise DataError(f"goals: {len(wanted)} came; {_MOST_GOALS} at most, put limits on the others by specs=")
    for goal in wanted:
        _ = goal.sign  # says that a target has no direction
    spread, noisy = spread_of(*wandering, factors)
    space = make_space(list(held.values()), Region(factors, rules_of(*rules, factors)), tuple(costs or ()), noisy)
    return Asked(
        held, tuple(surfaces), wanted, as_specs(specs, names), _share(*about),
        check_number(more["assurance"], "assurance", least=0.5, below=1.0), check_confidence(more["confidence"]),
        check_choice(more["bound"], "bound", BOUNDS), space, spread,
        None if more["grid"] is None else _whole(more["grid"], "grid", 2, _MOST_LEVELS),
        _whole(more["draws"], "draws", _LEAST_DRAWS, _MOST_DRAWS),
    )  # fmt: skip


def _share(of: Any, share: Any) -> float | None:
    check_choice(of, "of", _ABOUT)
    if of == "mean":
        if share is not None:
            raise DataError(f"share: got {share!r} with of='mean'; it is for of='run'")
        return None
    if share is None:
        raise DataError("share: of='run' wants the share of single runs that must hold the limits, such as 0.9")
    return check_number(share, "share", least=0.5, below=1.0)


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise DataError(f"{name}: got {value!r}; a whole number from {least} to {most} is wanted")
    return int(value)
