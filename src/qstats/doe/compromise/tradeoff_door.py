"""Fast and good at once: `tradeoff`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.result import FrozenMapping, frozen_array
from qstats.doe.compromise.asking import Asked, ask
from qstats.doe.compromise.choosing import Task, decide
from qstats.doe.compromise.draws import simulate
from qstats.doe.compromise.frontier import Axis, Frontier, band_of, exchange_of, frontier
from qstats.doe.compromise.safe import limits_of, scores
from qstats.doe.compromise.settings import candidates, refined
from qstats.doe.compromise.tradeoff_result import TradeOff
from qstats.doe.compromise.wording import choice_of, knee_of_pair, none_safe, price_of, remarks, robustness
from qstats.doe.design import draw_seed

__all__ = ["tradeoff"]

_METHOD = {
    "safe": "safe set: no setting that is out of its limits qualifies, calibrated over the posterior",
    "pointwise": "lower bounds at each setting by itself: the chance of a miss grows by the choice among them",
}
_REFERENCE = (
    "joint draws: Box and Tiao 1973, Bayesian Inference in Statistical Analysis, 2.7 and 8; "
    "front and chosen setting: see Notes of qstats.doe.tradeoff"
)


def tradeoff(
    fits: Any,
    *,
    goals: Any,
    specs: Any = None,
    assurance: float = 0.95,
    bound: str = "safe",
    of: str = "mean",
    share: float | None = None,
    constraints: Any = (),
    disallowed: Any = (),
    tolerance: Any = None,
    noise: Any = None,
    costs: Any = None,
    grid: int | None = None,
    draws: int = 4000,
    confidence: float = 0.95,
    rng: Any = None,
) -> TradeOff:
    r"""Find the setting that is best in what you want most among those that can be trusted to hold all limits.

    Use it when an experiment measured several responses, such as the time a part takes and its quality: it recommends a
    setting at a stated assurance, draws the front of what can be had together and says how sure it is, what one unit of
    the one costs in the other, and what the assurance costs. The setting that is best by predictions alone is in its
    limits about half the time: prediction errors are picked with it. Not for responses that can be traded freely by
    weights without limits: see `optimize`.

    Parameters
    ----------
    fits : DesignFit, sequence of DesignFit, or mapping of str to DesignFit
        One for each response, on the same factors; models and distributions may differ.
    goals : mapping of str to {"min", "max"}
        What is wanted, the most important first: ``{"time": "min", "quality": "max"}``. One to three make sense.
    specs : mapping of str to Spec or (lower, upper), optional
        Limits that must hold, in units of the response (per unit of exposure for counts, shares for trials).
    assurance : float
        See Notes.
    bound : {"safe", "pointwise"}
        ``"safe"`` keeps its assurance whatever is then chosen. ``"pointwise"`` holds for a setting named beforehand
        only: of the settings chosen at 95 % about 94, 91 and 87 % held their limits in simulations with noise of 1/4,
        1/2 and 3/4 of the response's own spread.
    of : {"mean", "run"}
        Whether the limits are about the mean or about single runs.
    share : float, optional
        With ``of="run"``: the share of single runs of each response that must hold its limits, such as 0.9.
    constraints, disallowed
        As in `optimal`: rules that settings must keep.
    tolerance : mapping of str to float, optional
        Standard deviation of settings in production, natural units; asks for the report on production.
    noise : mapping of str to float, optional
        Standard deviation of factors that cannot be set; those marked as noise in the design have a quarter of their
        range unless named. Their mean is the middle of the range.
    costs : mapping, optional
        Factor to its price per natural unit (or level to price): makes a response ``"cost"`` that is known.
    grid : int, optional
        Levels of each range; unsaid 101, 31 and 11 for one, two and more ranges, a sample beyond four.
    draws : int
    confidence : float
        Of intervals and of the band.
    rng : None, int or Generator
        For the draws.

    Returns
    -------
    TradeOff

    Raises
    ------
    DataError
        Names that are no responses, limits a response can never meet, arguments outside their range.
    DesignError
        A fit without degrees of freedom for its error, or rules that leave no setting.

    Notes
    -----
    With the estimates :math:`b = \beta + \sigma H e`, errors e correlated within a run as the residuals are, the same
    draws of e turned round give the truth from the estimates:
    :math:`\sigma_m = s\sqrt{\nu}/|e - XHe|`, :math:`\beta_m = b - \sigma_m H e` (for one response the posterior under
    the prior :math:`1/\sigma`). Fits by other ways than least squares have coefficients that are normal, or Student's t
    on their degrees of freedom, on the scale of the link, and independent of the other responses.

    A setting qualifies if it holds every limit by at least c standard errors. From each truth m a new experiment is
    drawn, and :math:`c_m` is the largest number of standard errors by which it would show a setting to hold all limits
    that truly misses one. c is the quantile of these at `assurance`, and at least Student's: with that probability no
    qualifying setting misses a limit, so it does not matter which of them is taken, or why. Experiments after which
    nothing qualifies count among those that kept the promise; where they are many, those that recommend a setting may
    keep it somewhat less often. Simulated with the designs and noise of `bound`, no setting in the set missed its limit
    in 94 to 95 % of experiments, and the recommended one held it in 98 %.

    References
    ----------
    Box and Tiao (1973), Bayesian Inference in Statistical Analysis, sections 2.7 and 8. Montgomery (2013), Design and
    Analysis of Experiments, 8th edition, 12.4, for the transmitted variance.

    Examples
    --------
    Uniformity and stress of the tungsten films of the NIST e-Handbook, 5.4.7.3:

    >>> from qstats.doe import Factor, from_runs
    >>> from qstats.doe.compromise.tradeoff_door import tradeoff
    >>> from qstats.doe.fitting.door import fit
    >>> runs = {
    ...     "pressure": [80, 42, 68.98, 15.02, 4, 42, 15.02, 42, 68.98, 42, 42],
    ...     "ratio": [6, 6, 3.16, 8.84, 6, 6, 3.16, 2, 8.84, 10, 6],
    ...     "uniformity": [4.6, 6.2, 3.4, 6.9, 7.3, 6.4, 8.6, 6.3, 5.1, 5.4, 5.0],
    ...     "stress": [8.04, 7.78, 7.58, 7.27, 6.49, 7.69, 6.66, 7.16, 8.33, 8.19, 7.90],
    ... }
    >>> factors = [Factor("pressure", 4, 80), Factor("ratio", 2, 10)]
    >>> record = from_runs(runs, factors, responses=["uniformity", "stress"])
    >>> fits = [
    ...     fit(record, "uniformity", model="pressure * ratio"),
    ...     fit(record, "stress", model="pressure + ratio + pressure^2"),
    ... ]
    >>> found = tradeoff(fits, goals={"uniformity": "min", "stress": "min"}, specs={"stress": (None, 7.6)}, rng=1)
    >>> print(found.recommended)
    pressure 56.8, ratio 2
    >>> print(found.point_optimum)
    pressure 80, ratio 2
    >>> round(found.price.estimate, 1)
    2.2
    """
    asked = ask(
        fits, goals, specs, (of, share), (constraints, disallowed), (tolerance, noise), costs, assurance=assurance,
        bound=bound, grid=grid, draws=draws, confidence=confidence,
    )  # fmt: skip
    return _answer(asked, draw_seed(rng))


def _answer(asked: Asked, seed: int) -> TradeOff:
    rng = np.random.default_rng(seed)
    coarse, how = candidates(asked.space, asked.runs, asked.grid, rng)
    draws, r, alone = simulate(asked.surfaces, asked.draws, rng)
    limits = limits_of(asked.surfaces, asked.specs, asked.share)
    task = Task(asked.surfaces, draws, asked.goals, limits, asked.assurance, asked.bound)
    decided = decide(task, coarse, lambda at: refined(asked.space, at, coarse, asked.grid, rng))
    axes = [
        Axis(g, asked.surfaces[i], draws[i], asked.surfaces[i].rows(coarse))
        for g, i in ((g, asked.place(g.response)) for g in asked.goals)
    ]
    front = frontier(axes, _on_the_map(asked, task, coarse))
    given = decided.recommended
    best = None if given is None else choice_of(asked, decided, given)
    at = decided.coded[decided.closest if given is None else given]
    return TradeOff(
        goals=asked.goals, specs=FrozenMapping(asked.specs), of="mean" if asked.share is None else "run",
        share=asked.share, assurance=asked.assurance, bound=asked.bound, factors=asked.space.region.factors,
        responses=tuple(s.name for s in asked.surfaces),
        recommended=best,
        none_safe=none_safe(asked, decided) if given is None else None,
        point_optimum=None if decided.point is None else choice_of(asked, decided, decided.point),
        price=price_of(task, decided, asked.confidence), **_along(asked, front, coarse),
        robust=robustness(asked, draws, at, coarse[front.members], rng), candidates=frozen_array(decided.coded),
        grid=coarse.shape[0], predicted=frozen_array(decided.predicted),
        probability=frozen_array(decided.probability), score=frozen_array(decided.score),
        safe=frozen_array(decided.safe, np.bool_), multiplier=decided.multiplier, correlation=frozen_array(r),
        draws=asked.draws, seed=seed, confidence=asked.confidence, method=f"{_METHOD[asked.bound]}; {how}",
        reference=_REFERENCE, notes=remarks(asked, task, best, front, alone),
    )  # fmt: skip


def _on_the_map(asked: Asked, task: Task, coarse: FloatArray) -> npt.NDArray[np.intp]:
    """Settings the front is drawn of: predicted to hold the limits of the responses that are no goals, if any is."""
    goals = {g.response for g in asked.goals}
    others = [limit for limit in task.limits if asked.surfaces[limit.place].name not in goals]
    held = (scores(others, asked.surfaces, task.rows(coarse)) >= 0.0).all(axis=0)
    found = np.flatnonzero(held)
    return found if found.size else np.arange(coarse.shape[0])


def _along(asked: Asked, front: Frontier, coarse: FloatArray) -> dict[str, Any]:
    """Fields that describe the front."""
    out: dict[str, Any] = {
        "front": frozen_array(front.members, np.int64), "non_dominated": frozen_array(front.non_dominated),
        "band": None, "exchange": None, "knee": None,
    }  # fmt: skip
    if front.pair is not None:
        two = (asked.goals[0], asked.goals[1])
        out["band"] = band_of(front.pair, two, asked.confidence)
        out["exchange"] = exchange_of(front.pair, two, asked.confidence)
        out["knee"] = knee_of_pair(asked, front.pair, coarse, front.members)
    return out
