"""The setting that suits several responses best: `optimize`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_confidence, check_number
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, frozen_array
from qstats.doe.compromise.goals import as_fits
from qstats.doe.design import draw_seed
from qstats.doe.desirability.means import Means
from qstats.doe.desirability.result import Optimum
from qstats.doe.desirability.search import climb
from qstats.doe.desirability.space import Space
from qstats.doe.desirability.wants import Desirability, as_desirabilities, overall
from qstats.doe.fitting.prediction import Prediction
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["optimize"]

_STARTS = 40
_MOST_STARTS = 10_000
_ENUMERATED = 256  # combinations of levels that each get a start of their own
_ALIKE = 1e-3
_ROUNDING = 1e-9  # of the range of a response over the region, or of its size where that is large
_REFERENCE = (
    "Derringer and Suich 1980, J. Quality Technology 12, 214-219; Harrington 1965, Industrial Quality Control 21, 494"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Objective:
    """Desirability where it is above zero; minus the scaled violation where it is not: one number to climb."""

    means: Means
    goals: tuple[Desirability, ...]
    scale: FloatArray

    def within(self, slack: FloatArray) -> _Objective:
        """Return the same with limits that forgive so much of each response."""
        goals = tuple(replace(g, slack=v) for g, v in zip(self.goals, slack.tolist(), strict=True))
        return replace(self, goals=goals)

    def parts(self, coded: FloatArray) -> tuple[FloatArray, FloatArray]:
        y = self.means(coded)
        d = np.column_stack([g.value(y[:, i]) for i, g in enumerate(self.goals)])
        missed = np.column_stack([g.missed(y[:, i]) for i, g in enumerate(self.goals)])
        return overall(d, self.goals), (missed / self.scale).sum(axis=1)

    def __call__(self, coded: FloatArray) -> FloatArray:
        d, violation = self.parts(coded)
        return np.where(d > 0.0, d, -violation)


def optimize(
    fits: Any,
    *,
    goals: Any,
    constraints: Any = (),
    at: Any = None,
    starts: int | None = None,
    confidence: float = 0.95,
    rng: Any = None,
) -> Optimum:
    r"""Find the setting that suits several responses best, and say how sure the predictions there are.

    Use it to weigh responses that can be traded against each other on one scale, with limits that must hold. The
    predictions at an optimum flatter: on a limit the specification holds only about half the time. Where it must hold
    with a stated assurance, use `tradeoff`.

    Parameters
    ----------
    fits : DesignFit, sequence or mapping of them
        What `fit` returns, for each response, of one experiment.
    goals : mapping
        Response to ``"min"``, ``"max"``, ``("target", 57.5)``, a Spec or (lower, upper) (limits only), or a mapping
        with ``kind``, ``low``, ``high`` (ends of the ramp), ``target``, ``shape`` (exponent; a pair about a target),
        ``importance`` and ``limits`` (lower, upper); ``low`` and ``high`` without a kind are limits. Ends not said are
        what the region can give.
    constraints : text or sequence of texts
        In natural units, as of `optimal`: ``"2*heat + time <= 400"``.
    at : mapping, optional
        Factors held at a setting. Noise factors stand at their middle unless held.
    starts : int, optional
        Starts of the search; 40, or as many as there are combinations of levels up to 256.
    confidence : float
        Of the intervals at the setting, each by itself.
    rng : None, int or Generator
        For the starts.

    Returns
    -------
    Optimum

    Raises
    ------
    DataError
        Goals of unknown responses, or none with a direction; a response that is the same everywhere and has no ends;
        settings that are not possible.
    DesignError
        No setting keeps the constraints.

    Notes
    -----
    A response to be large has :math:`d = ((\hat y - L)/(U - L))^s` between L and U, 0 below and 1 above; one to be
    small is its mirror; about a target T the ramp rises from L to T and falls from T to U. Together
    :math:`D = (\prod d_i^{w_i})^{1/\sum w_i}`. Every combination of levels is gone through; ranges are searched from
    many starts by steps along the factors, along the ridges of the targets and along the limits. D is never below the
    best of the grid. Where D is 0 everywhere, the sum of the misses, each over the range of its response, is made
    smallest.

    References
    ----------
    Derringer and Suich (1980), Journal of Quality Technology 12(4), 214-219. Harrington (1965), Industrial Quality
    Control 21(10), 494-498.

    Examples
    --------
    >>> from qstats.doe import full_factorial
    >>> from qstats.doe.desirability.door import optimize
    >>> from qstats.doe.fitting.door import fit
    >>> design = full_factorial({"speed": (10, 20), "heat": (150, 170)}, replicates=2, rng=1)
    >>> time = fit(design, [9, 5, 9.2, 5.1, 9.1, 5.2, 8.9, 4.9], name="time")
    >>> flaws = fit(design, [4, 8, 2, 5.9, 4.1, 8.2, 1.9, 6], name="flaws")
    >>> best = optimize([time, flaws], goals={"time": "min", "flaws": {"kind": "min", "low": 0, "high": 7}}, rng=1)
    >>> round(float(best.settings["speed"]), 2), float(best.settings["heat"]), best.feasible
    (16.23, 170.0, True)
    """
    level = check_confidence(confidence)
    every = as_fits(fits)
    wanted = as_desirabilities(goals, list(every))
    chosen = [every[g.response] for g in wanted]
    space = Space(chosen[0].design.factors, constraints, at)
    seed = draw_seed(rng)
    draw = np.random.default_rng(seed)
    grid, what = space.grid(draw)
    means = Means(chosen)
    on_grid = means(grid)
    _check_finite(on_grid, wanted)
    scale = np.ptp(on_grid, axis=0)
    ready = tuple(
        g if g.ready else g.over(_reach(g, i, means, grid, on_grid[:, i], space)) for i, g in enumerate(wanted)
    )
    size = np.maximum(scale, 1e-3 * np.abs(on_grid).max(axis=0))
    objective = _Objective(means, ready, np.where(scale > 0.0, scale, 1.0)).within(-_ROUNDING * size)
    score = objective(grid)
    begin = space.starts(grid, score, _count(starts, space), draw)
    kinks = np.array([g.kind == "target" for g in ready])

    def slopes(coded: FloatArray) -> FloatArray:
        return means.slopes(coded, _along(space), space.region.low, space.region.high)

    x, value = climb(objective, slopes, kinks, begin, space)
    # searched a hair within the limits, judged a hair beyond them: a best setting on a limit is one that keeps it
    return _optimum(objective.within(_ROUNDING * size), chosen, space, x, value, (grid, score, what), level, seed)


def _check_finite(y: FloatArray, goals: Sequence[Desirability]) -> None:
    for r, g in enumerate(goals):
        if not np.isfinite(y[:, r]).all():
            raise DataError(
                f"fits: the expected {g.response} does not exist as a number everywhere in the region: a lognormal mean"
                " needs an error that is known (leave terms out, or repeat runs), an exponent must fit a float64"
            )


def _along(space: Space) -> list[int]:
    return [*space.free, *space.region.mixture.tolist()]


def _count(starts: object, space: Space) -> int:
    if starts is None:
        return max(_STARTS, min(len(space.combinations), _ENUMERATED))
    number = check_number(starts, "starts", least=1.0)
    if number != int(number) or number > _MOST_STARTS:
        raise DataError(f"starts: got {number:g}; a whole number from 1 to {_MOST_STARTS} is wanted")
    return int(number)


def _reach(
    goal: Desirability, i: int, means: Means, grid: FloatArray, y: FloatArray, space: Space
) -> tuple[float, float]:
    """Least and largest expected response in the region: of the grid, the end that matters refined."""
    least, most = float(y.min()), float(y.max())
    if goal.kind == "target" or not most > least:
        return least, most
    sign = 1.0 if goal.kind == "max" else -1.0

    def score(coded: FloatArray) -> FloatArray:
        return sign * means(coded)[:, i]

    def slopes(coded: FloatArray) -> FloatArray:
        return means.slopes(coded, _along(space), space.region.low, space.region.high)[:, i : i + 1]

    begin = grid[np.argsort(-sign * y, kind="stable")[:8]]
    best = sign * float(climb(score, slopes, np.zeros(1, dtype=np.bool_), begin, space)[1].max())
    return (least, best) if sign > 0.0 else (best, most)


def _optimum(
    objective: _Objective,
    fits: Sequence[DesignFit],
    space: Space,
    x: FloatArray,
    value: FloatArray,
    looked: tuple[FloatArray, FloatArray, str],
    level: float,
    seed: int,
) -> Optimum:
    grid, score, what = looked
    i = int(np.argmax(value))
    best, top = space.tidy(x[i]), float(value[i])
    alike = value[(x[:, space.stepped] == best[space.stepped]).all(axis=1)]
    d, violation = (float(v[0]) for v in objective.parts(best[None]))
    y = objective.means(best[None])[0]
    natural = space.natural(best)
    told = [f.predict(natural, confidence=level) for f in fits]
    goals = objective.goals
    return Optimum(
        settings=FrozenMapping(natural), coded=frozen_array(best), feasible=d > 0.0, desirability=d, goals=goals,
        responses=tuple(g.response for g in goals),
        each=frozen_array([float(g.value(y[r : r + 1])[0]) for r, g in enumerate(goals)]), predicted=frozen_array(y),
        interval=_intervals(told, level), new_run=tuple(None if p.new_run is None else p.new_run.at(0) for p in told),
        missed=frozen_array([float(g.missed(y[r : r + 1])[0]) for r, g in enumerate(goals)]), violation=violation,
        grid_best=max(float(score.max()), 0.0), grid_points=int(grid.shape[0]), starts=int(value.size),
        found=float((alike >= top - _ALIKE * abs(top)).mean()), outside=any(bool(p.outside[0]) for p in told),
        confidence=level, seed=seed, method=f"desirability, many starts, checked against a {what}",
        reference=_REFERENCE, notes=_notes(told, goals, d, violation, score, space, value.size),
    )  # fmt: skip


def _intervals(told: Sequence[Prediction], level: float) -> Intervals:
    low, high = ([float(getattr(p.interval, end)[0]) for p in told] for end in ("low", "high"))
    return Intervals(frozen_array(low), frozen_array(high), level)


def _notes(
    told: Sequence[Prediction],
    goals: Sequence[Desirability],
    d: float,
    violation: float,
    score: FloatArray,
    space: Space,
    starts: int,
) -> tuple[Note, ...]:
    notes = []
    if d == 0.0:
        text = "no setting keeps every limit: this is where the misses are smallest in all"
        if violation == 0.0:
            text = "no setting is better than worthless in every response: every limit can be kept, but only just"
        notes.append(Note("infeasible", "serious", f"{text}; loosen a limit, or widen the region"))
    outside = [p.response for p in told if bool(p.outside[0])]
    if outside:
        text = f"the setting lies outside the region the experiment covers for {', '.join(outside)}"
        notes.append(Note("extrapolation", "warning", f"{text}: do not rely on it before runs were made there"))
    if blind := [p.response for p in told for n in p.notes if n.code == "no-error-df"]:
        text = f"no degree of freedom is left for the error of {', '.join(blind)}: the intervals are infinite"
        notes.append(Note("no-error-df", "warning", f"{text}; leave terms out or repeat runs"))
    full = float((score >= 1.0 - 1e-12).mean())
    if full > 0.0:
        text = f"{full:.1%} of the grid meets every goal in full: the setting is one of many; ask for more"
        notes.append(Note("plateau", "info", text))
    if space.noise:
        notes.append(Note("noise-held", "info", f"{', '.join(space.noise)} cannot be set and stands at its middle"))
    if starts < space.combinations.shape[0]:
        text = f"{space.combinations.shape[0]} combinations of levels: all on the grid, the best {starts} refined"
        notes.append(Note("levels-refined", "info", text))
    if any(g.kind != "limit" for g in goals) and d > 0.0:
        text = "predictions at an optimum are too good on average: confirm them by runs, or use tradeoff"
        notes.append(Note("optimum-flatters", "info", text))
    return tuple(notes)
