"""What to run next, and why: `next_step`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.doe.advice.evidence import Evidence, gather
from qstats.doe.advice.finish import goal_steps
from qstats.doe.advice.result import Advice, Step
from qstats.doe.advice.shape import aliased, climb, curvature, lack_of_fit, stationary
from qstats.doe.advice.trust import drift, missing, nothing_active, outlier, poor_prediction, saturated, unreplicated
from qstats.doe.compromise.goals import as_fits
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["next_step"]

_RULES: tuple[Callable[[Evidence], Step | None], ...] = (
    missing, outlier, drift, saturated, aliased, curvature, lack_of_fit, poor_prediction, unreplicated, climb,
    stationary,
)  # fmt: skip
_REFERENCE = (
    "Box, Hunter and Hunter 2005, Statistics for Experimenters, 2nd ed., ch. 5, 6, 11; Box and Draper 1987, Empirical"
    " Model-Building and Response Surfaces"
)


def next_step(
    fits: Any, *, goals: Any = None, budget: int | None = None, effect: float | None = None, alpha: float = 0.05
) -> Advice:
    r"""Say what to run next, with the reason and the number behind it.

    Use it after every fit: experiments come in sequences, and most of what goes wrong is going on to the next stage too
    early. It reads tests that the fit made; it does not know the process, so it advises and does not decide.

    Parameters
    ----------
    fits : DesignFit, sequence or mapping of them
        What `fit` returns, for each response, of one experiment.
    goals : mapping, optional
        As of `optimize`: the advice then ends in runs that confirm the best setting, or says which limits cannot be
        kept.
    budget : int, optional
        New runs that can be made; steps that cost more come last and are marked.
    effect : float, optional
        Smallest change from low to high that matters, in the unit of the response; one standard deviation of a run
        unsaid.
    alpha : float
        Level of the tests.

    Returns
    -------
    Advice

    Raises
    ------
    DataError
        What is no fit, or a budget that is no whole number.

    Notes
    -----
    Rules, each on its own: missing runs, outliers, drift in run order; no degree of freedom or no repeats; significant
    contrasts that are aliased; curvature by centre points; lack of fit (with the power of the response by Box and Cox);
    predicted far below adjusted R2; nothing active; a plane that can be climbed; a stationary point outside or inside;
    goals that cannot be kept, or are met. Hours are those of the average run made.

    References
    ----------
    Box, Hunter and Hunter (2005), Statistics for Experimenters, 2nd ed. Box and Draper (1987), Empirical Model-Building
    and Response Surfaces.

    Examples
    --------
    >>> from qstats.doe import full_factorial
    >>> from qstats.doe.advice.door import next_step
    >>> from qstats.doe.fitting.door import fit
    >>> design = full_factorial({"heat": (150, 190), "time": (10, 20)}, center_points=3, rng=1)
    >>> found = fit(design, [60, 72, 54, 68, 75, 76, 75.5], model="linear", name="yield")
    >>> next_step(found).steps[0].what
    'add 6 runs that let the squares be estimated, as a star does'
    """
    every = as_fits(fits)
    level = check_number(alpha, "alpha", above=0.0, below=1.0)
    most = None if budget is None else _whole(budget)
    size = None if effect is None else check_number(effect, "effect", above=0.0)
    text = "fit" if isinstance(fits, DesignFit) else "fits"
    steps: list[Step] = []
    for name, fit in every.items():
        e = gather(fit, name, text if text == "fit" else f"fits[{name!r}]", level)
        found = [rule(e) for rule in _RULES]
        steps += [s for s in (*found, nothing_active(e, size)) if s is not None]
    blind = [n for n, f in every.items() if f.distribution == "lognormal" and not math.isfinite(f.sigma)]
    if goals is not None and not blind:
        steps = [s for s in steps if s.code not in ("optimum-inside", "no-optimum-inside")]
        steps += _costed(goal_steps(every, goals, text), next(iter(every.values())))
    if not steps:
        steps = [_look(every, text)]
    marked = [replace(s, affordable=most is None or s.runs <= most) for s in _merged(steps)]
    marked.sort(key=lambda s: (not s.affordable, s.urgency))
    return Advice(
        tuple(marked),
        most,
        level,
        "rules on the tests of the fits, one by one",
        _REFERENCE,
        _notes(marked, goals, blind),
    )


def _whole(value: object) -> int:
    number = check_number(value, "budget", least=0.0)
    if number != int(number):
        raise DataError(f"budget: got {number:g}; a whole number of runs is wanted")
    return int(number)


def _costed(steps: Sequence[Step], fit: DesignFit) -> list[Step]:
    hours = fit.design.hours / len(fit.design)
    return [replace(s, hours=s.runs * hours) if hours > 0.0 and s.runs else s for s in steps]


def _merged(steps: Sequence[Step]) -> list[Step]:
    """The same step of several responses once: the dearer of them, with both reasons."""
    out: dict[tuple[str, str], Step] = {}
    for s in steps:
        key = (s.code, s.what)
        if key not in out:
            out[key] = s
            continue
        held = out[key]
        dear, other = (s, held) if s.runs > held.runs else (held, s)
        why = f"{held.response[0]}: {held.why}" if len(held.response) == 1 else held.why
        out[key] = replace(
            dear, response=held.response + s.response, why=f"{why}; {s.response[0]}: {s.why}",
            urgency=min(dear.urgency, other.urgency),
        )  # fmt: skip
    return list(out.values())


def _look(fits: Mapping[str, DesignFit], text: str) -> Step:
    first = next(iter(fits.values()))
    sigma = f"sigma {first.sigma:.4g}" if math.isfinite(first.sigma) else "sigma unknown"
    wanted = dict.fromkeys(fits, "max")
    return Step(
        "optimize", 5, tuple(fits), "say what is wanted of each response and look for the best setting",
        f"no rule found anything wrong ({sigma}, {int(first.fitted.df) if math.isfinite(first.fitted.df) else 0} df)",
        f"doe.optimize({text}, goals={wanted!r}, rng=1)",
    )  # fmt: skip


def _notes(steps: Sequence[Step], goals: Any, blind: Sequence[str]) -> tuple[Note, ...]:
    notes = []
    if beyond := [s.code for s in steps if not s.affordable]:
        notes.append(Note("beyond-budget", "info", f"beyond the budget: {', '.join(beyond)}"))
    if goals is None:
        notes.append(Note("no-goals", "info", "no goals= came: nothing is said about limits and confirmation of them"))
    elif blind:
        text = f"the mean of {', '.join(blind)} rests on an error that is not known: goals were not looked at"
        notes.append(Note("goals-not-judged", "warning", text))
    return tuple(notes)
