"""Plan the runs that confirm a setting: `confirm`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile
from qstats._core.result import FrozenMapping, frozen_array, json_safe
from qstats.doe.confirming.criterion import Criterion, as_criteria
from qstats.doe.confirming.joint_power import at_least, correlation_matrix, each_power, fewest, simulated_power
from qstats.doe.confirming.plan import ConfirmationPlan
from qstats.doe.design import draw_seed
from qstats.errors import DataError

__all__ = ["confirm"]

_MOST_RUNS = 1_000_000
_MOST_DRAWS = 10_000_000
_UPPER = 0.8
_REFERENCE = (
    "Berger 1982, Technometrics 24, 295-300 (intersection-union tests); Browne 1995, Statistics in Medicine 14, 1933"
    " (upper limit of the standard deviation)"
)


def confirm(
    responses: Any,
    *,
    alpha: float = 0.05,
    power: float = 0.9,
    runs: int | None = None,
    correlation: Any = None,
    settings: Any = None,
    today: Any = None,
    draws: int = 20_000,
    rng: Any = None,
) -> ConfirmationPlan:
    r"""Plan runs that show whether a setting keeps its promise in all responses at once.

    Use it before the setting found by an experiment is released: faster by at least so much, and quality not worse than
    so much, both shown. The plan says how many runs, in which order, and what counts as passed; store it (it has a
    hash) before the first run and let it judge the results. Not for counts or proportions: see the sample sizes of
    those.

    Parameters
    ----------
    responses : mapping of str to mapping
        For each response ``kind`` ("better", or "faster"/"lower"/"higher" for short; "not worse"), ``better`` ("lower"
        or "higher"), ``by`` (of better, at least 0) or ``delta`` (of not worse, above 0), ``expected`` improvement
        (above 0 is better; of not worse 0 unsaid), ``sd`` of a run, ``reference`` (a fixed value; unsaid, runs at
        today's setting beside the new ones), ``fit`` (a model that tells sd and expected).
    alpha : float
        Chance to pass a setting that fails one of the criteria, at most.
    power : float
        Chance to pass a setting that is as expected, at least.
    runs : int, optional
        Runs at each setting; unsaid, the fewest that give the power.
    correlation : float or array-like of shape (r, r), optional
        Of the responses as measured. Unsaid, the power is a bound that holds for any.
    settings, today : mapping, optional
        New and present setting in natural units, for the models and the record.
    draws : int
        Of the simulation, where a correlation is said.
    rng : None, int or Generator
        For the order of the runs and the simulation.

    Returns
    -------
    ConfirmationPlan
        With `judge`, `as_plan`, `rule`, `hash`, `to_dict` and `from_dict`.

    Raises
    ------
    DataError
        An improvement expected that is not beyond what must be shown, or an entry that is missing.

    Notes
    -----
    Every response must pass its one-sided t test at alpha; because all must pass, none of alpha is split. Power of each
    is the upper tail of the noncentral t at :math:`\delta = (\text{expected} - \text{threshold})/(\sigma\sqrt{2/n})`
    with 2n - 2 degrees of freedom (:math:`1/n` and n - 1 against a fixed reference); together at least
    :math:`1 - \sum (1 - \text{power}_j)`. With a correlation the means are drawn from the normal and the variances from
    the Wishart distribution.

    References
    ----------
    Berger (1982), Technometrics 24(4), 295-300.

    Examples
    --------
    >>> from qstats.doe.confirming.door import confirm
    >>> plan = confirm({"time": {"kind": "faster", "by": 1, "expected": 3, "sd": 2},
    ...                 "ppm": {"kind": "not worse", "better": "lower", "delta": 40, "sd": 30}}, rng=1)
    >>> plan.runs, plan.power_each.round(3).tolist()
    (19, [0.916, 0.991])
    >>> today = {"time": [9, 9.6, 9.2], "ppm": [90, 120, 110]}
    >>> plan.judge({"time": [7.1, 6.8, 7.4], "ppm": [100, 130, 90]}, today).passed
    True
    """
    error = check_number(alpha, "alpha", above=0.0, below=0.5)
    target = check_number(power, "power", above=error, below=1.0)
    criteria = as_criteria(responses, settings, today)
    count = _whole(draws, "draws", 1000, _MOST_DRAWS)
    matrix = correlation_matrix(correlation, criteria)
    if matrix is not None and len({c.reference is None for c in criteria}) > 1:
        raise DataError("correlation: some responses have a fixed reference and some not; leave it out")
    seed = draw_seed(rng)

    def joint(n: int, some: Sequence[Criterion] = criteria) -> float:
        if matrix is not None and len(criteria) > 1:
            return simulated_power(some, n, error, matrix, count, seed)
        return at_least(each_power(some, n, error))

    n = fewest(lambda v: joint(v) >= target) if runs is None else _whole(runs, "runs", 2, _MOST_RUNS)
    wide = _cautious(criteria)
    cautious = None if wide is None else fewest(lambda v: joint(v, wide) >= target)
    return _plan(criteria, n, error, target, joint(n), matrix, count, seed, cautious, (settings, today))


def _whole(value: object, name: str, least: int, most: int) -> int:
    number = check_number(value, name, least=least)
    if number != int(number) or number > most:
        raise DataError(f"{name}: got {number:g}; a whole number from {least} to {most} is wanted")
    return int(number)


def _cautious(criteria: Sequence[Criterion]) -> tuple[Criterion, ...] | None:
    """The same with estimated standard deviations at their upper limits; None where none was estimated."""
    known = [c.sd_df is not None and math.isfinite(c.sd_df) for c in criteria]
    if not any(known):
        return None
    return tuple(
        replace(c, sd=c.sd * math.sqrt(c.sd_df / float(chi2_quantile(1.0 - _UPPER, c.sd_df))))
        if told and c.sd_df is not None
        else c
        for c, told in zip(criteria, known, strict=True)
    )


def _plan(
    criteria: tuple[Criterion, ...],
    n: int,
    alpha: float,
    target: float,
    reached: float,
    matrix: FloatArray | None,
    draws: int,
    seed: int,
    cautious: int | None,
    where: tuple[Any, Any],
) -> ConfirmationPlan:
    each = each_power(criteria, n, alpha)
    beside = any(c.reference is None for c in criteria)
    drawn = matrix is not None and len(criteria) > 1
    arms = np.repeat(["new", "today"] if beside else ["new"], n)
    order = tuple(np.random.default_rng(seed).permutation(arms).tolist())
    return ConfirmationPlan(
        criteria=criteria, runs=n, total_runs=len(order), alpha=alpha, power_wanted=target,
        power_each=frozen_array(each), power=reached, power_independent=float(each.prod()),
        correlation=None if matrix is None else tuple(tuple(row) for row in matrix.tolist()),
        draws=draws if drawn else 0, seed=seed, order=order, settings=_mapping(where[0], "settings"),
        today=_mapping(where[1], "today"), cautious_runs=cautious,
        method="every response passes a one-sided t test, none of alpha split; noncentral t"
        + (", joint power simulated" if drawn else ", joint power by its least value"),
        reference=_REFERENCE, notes=_notes(criteria, n, reached, target, beside, cautious),
    )  # fmt: skip


def _mapping(given: Any, name: str) -> FrozenMapping[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise DataError(f"{name}: got {given!r}; a mapping of factor to its setting is wanted")
    return FrozenMapping({str(k): json_safe(v) for k, v in given.items()})


def _notes(
    criteria: Sequence[Criterion], n: int, reached: float, target: float, beside: bool, cautious: int | None
) -> tuple[Note, ...]:
    notes = []
    if reached < target:
        text = f"{n} runs give a power of {reached:.3g}, not {target:g}: a failure would not speak against the setting"
        notes.append(Note("power-low", "warning", text))
    if beside and any(c.reference is not None for c in criteria):
        text = "responses with a fixed reference use the new runs only; those of today are for the others"
        notes.append(Note("mixed-references", "info", text))
    if not beside:
        text = "no runs at today's setting: whatever changed since the references were measured counts as the setting"
        notes.append(Note("no-control", "info", text))
    if cautious is not None and cautious > n:
        text = f"the standard deviations are estimates; at their 80 % upper limits {cautious} runs would be needed"
        notes.append(Note("sd-uncertain", "warning", text))
    return tuple(notes)
