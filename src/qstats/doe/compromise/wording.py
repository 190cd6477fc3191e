"""From numbers to what is told: chosen settings with their intervals, price, knee, production, notes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, frozen_array
from qstats.doe.compromise.asking import Asked
from qstats.doe.compromise.choosing import Decided, Task, runs_factor
from qstats.doe.compromise.draws import Draws
from qstats.doe.compromise.frontier import Frontier, Pair, quantiles
from qstats.doe.compromise.parts import Choice, Knee, NoneSafe, Price
from qstats.doe.compromise.robust import Robustness, along, production, wander
from qstats.doe.compromise.surfaces import Surface
from qstats.doe.factor import Factor
from qstats.doe.fitting.kernels.linear import LeastSquares

__all__ = ["choice_of", "knee_of_pair", "none_safe", "price_of", "remarks", "robustness"]

IntArray = npt.NDArray[np.intp]


def _natural(surfaces: Sequence[Surface], coded: FloatArray) -> dict[str, float | str]:
    fit = next(s.fit for s in surfaces if s.fit is not None)
    out: dict[str, float | str] = {}
    for j, f in enumerate(fit.design.factors):
        value = f.decode(coded[j : j + 1])[0]
        out[f.name] = float(value) if f.numeric else str(value)
    return out


def _text(factors: Sequence[Factor], settings: dict[str, float | str]) -> str:
    """Settings to about a thousandth of their ranges."""
    out = []
    for f in factors:
        value = settings[f.name]
        if isinstance(value, float) and f.low is not None and f.high is not None:
            places = 3 - math.ceil(math.log10(f.high - f.low))
            value = round(value, places) + 0.0
        out.append(f"{f.name} {value:.15g}" if isinstance(value, float) else f"{f.name} {value}")
    return ", ".join(out)


def choice_of(asked: Asked, decided: Decided, at: int) -> Choice:
    """Return one candidate with all that is expected there."""
    settings = _natural(asked.surfaces, decided.coded[at])
    values = {s.name: float(v) for s, v in zip(asked.surfaces, decided.predicted[at], strict=True)}
    predictions = {name: fit.predict(settings, confidence=asked.confidence) for name, fit in asked.fits.items()}
    return Choice(
        FrozenMapping(settings), frozen_array(decided.coded[at].copy()), FrozenMapping(values),
        FrozenMapping(predictions), float(decided.probability[at]), float(decided.score[at]),
        _text(asked.space.region.factors, settings),
    )  # fmt: skip


def none_safe(asked: Asked, decided: Decided) -> NoneSafe:
    """Return what to know where nothing qualifies."""
    closest = choice_of(asked, decided, decided.closest)
    factor = runs_factor(decided.multiplier, closest.score)
    text = f"{closest}: P(all limits hold) {closest.probability:.3g}; "
    if factor is None:
        text += "its predictions miss a limit already, so more runs alone are not likely to help: widen the ranges"
    else:
        text += (
            f"its nearest limit is {closest.score:.3g} standard errors away, {decided.multiplier:.3g} are asked: about "
            f"{factor:.3g} times the runs would settle it if the predictions there are true"
        )
    return NoneSafe(closest, factor, text)


def price_of(task: Task, decided: Decided, confidence: float) -> Price | None:
    """Return what the assurance costs in the first goal."""
    if decided.recommended is None or decided.point is None or not task.limits:
        return None
    goal = task.goals[0]
    i = [s.name for s in task.surfaces].index(goal.response)
    s, d = task.surfaces[i], task.draws[i]
    two = s.rows(decided.coded[[decided.recommended, decided.point]])
    true = s.mean(d.truth @ two.T, s.sigma * d.ratio[:, None])
    low, high = (float(v) for v in quantiles(true[:, 0] - true[:, 1], confidence))
    value = float(decided.predicted[decided.recommended, i] - decided.predicted[decided.point, i])
    text = f"{value:+.4g} of {goal.response} ({confidence:.0%}: {low:.4g} to {high:.4g}) against predictions alone"
    return Price(goal.response, value, Interval(low, high, confidence), text)


def knee_of_pair(asked: Asked, pair: Pair, coarse: FloatArray, members: IntArray) -> Knee | None:
    """Return the knee as a setting."""
    if not math.isfinite(pair.knee[0]):
        return None
    first, second = asked.goals[:2]
    surface = asked.surfaces[asked.place(first.response)]
    loss = first.sign * surface.predicted(surface.rows(coarse[members]))
    at = members[int(np.abs(loss - pair.knee[0]).argmin())]
    values = {first.response: first.sign * pair.knee[0], second.response: second.sign * pair.knee[1]}
    settings = _natural(asked.surfaces, coarse[at])
    text = _text(asked.space.region.factors, settings)
    return Knee(FrozenMapping(settings), FrozenMapping(values), pair.knee_share, text)


def _scatters_normally(s: Surface) -> bool:
    return s.fit is not None and s.fit.distribution in ("normal", "lognormal")


def robustness(
    asked: Asked, draws: Sequence[Draws], at: FloatArray, front: FloatArray, rng: np.random.Generator
) -> Robustness | None:
    """Return what production makes of a setting and of the front; None where no factor wanders."""
    if not asked.spread:
        return None
    deviations = wander(asked.spread, asked.space.region.factors, rng)
    found, sd, dpmo = {}, {}, {}
    for s, d in zip(asked.surfaces, draws, strict=True):
        if not _scatters_normally(s):
            continue
        spec = asked.specs.get(s.name)
        found[s.name] = production(s, d, at, deviations, spec, asked.spread, asked.confidence)
        sd[s.name], per_million = along(s, front, spec, asked.spread)
        if per_million is not None:
            dpmo[s.name] = per_million
    return Robustness(FrozenMapping(asked.spread), FrozenMapping(found), FrozenMapping(sd), FrozenMapping(dpmo))


def remarks(
    asked: Asked, task: Task, given: Choice | None, front: Frontier, alone: tuple[str, ...]
) -> tuple[Note, ...]:
    """Return the notes of a trade-off."""
    notes = []
    if given is None:
        notes.append(Note("none-safe", "serious", "no setting can be trusted to hold all limits: see none_safe"))
    elif any(p.outside[0] for p in given.predictions.values()):
        text = (
            "the recommended setting lies outside the region the runs cover: confirm it, or keep to it by constraints"
        )
        notes.append(Note("extrapolation", "warning", text))
    if not task.limits:
        text = "no limits came by specs=: the recommended setting is merely best in the first goal; choose on the front"
        notes.append(Note("no-limits", "warning", text))
    if task.bound == "pointwise" and task.limits:
        text = "the pointwise bound does not allow for choosing among settings: misses are more frequent than stated"
        notes.append(Note("pointwise", "warning", text))
    rough = [s.name for s in asked.surfaces if s.fit is not None and not _exact(s)]
    if rough and task.limits:
        text = f"{', '.join(rough)}: the assurance rests on the large-sample law of the coefficients"
        notes.append(Note("approximate", "info", text))
    if alone:
        text = f"{', '.join(alone)}: drawn independently of the other responses"
        notes.append(Note("independent", "info", text))
    if asked.space.idle:
        text = f"{', '.join(asked.space.idle)}: in no model, held at the middle (or first level); it can be set freely"
        notes.append(Note("idle-factor", "info", text))
    if asked.spread:
        if skipped := [s.name for s in asked.surfaces if s.fit is not None and not _scatters_normally(s)]:
            text = f"{', '.join(skipped)}: scatter in production is told of normal and lognormal responses only"
            notes.append(Note("no-production", "info", text))
        text = "tolerances and noise enter the report on production, not the choice of the setting"
        notes.append(Note("tolerance", "info", text))
    if front.pair is None and len(asked.goals) == 2:
        notes.append(Note("no-conflict", "info", "one setting is predicted best in both goals: nothing to trade"))
    return tuple(notes)


def _exact(s: Surface) -> bool:
    assert s.fit is not None
    plain = isinstance(s.fit.fitted, LeastSquares) and s.fit.censored is None and not s.fit.design.split_plot
    return plain and s.fit.distribution in ("normal", "lognormal")
