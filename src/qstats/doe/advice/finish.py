"""Rules on the goals: nothing keeps the limits, or the best setting is to be confirmed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from qstats.doe.advice.result import Step
from qstats.doe.confirming.door import confirm
from qstats.doe.desirability.door import optimize
from qstats.doe.desirability.result import Optimum
from qstats.doe.desirability.wants import as_desirabilities
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["goal_steps"]

_RUNS = 3
_MOST = 50  # beyond so many runs the margin to a limit is too thin to be worth confirming


def goal_steps(fits: Mapping[str, DesignFit], goals: Any, text: str) -> list[Step]:
    """Return what follows from the best setting under these goals."""
    best = optimize(dict(fits), goals=goals, rng=0)
    call = f"doe.optimize({text}, goals=goals, rng=0)"
    if not best.feasible:
        return [_unreachable(best, call)]
    if best.outside:
        why = f"the best setting ({_at(best)}) is less well known than every run made"
        return [Step("optimum-outside", 4, best.responses, "make runs at the best setting", why, call, _RUNS)]
    return [_confirming(best, fits, goals, text)]


def _at(best: Optimum) -> str:
    return ", ".join(f"{n} {v:.4g}" if isinstance(v, float) else f"{n} {v}" for n, v in best.settings.items())


def _unreachable(best: Optimum, call: str) -> Step:
    missed = [
        f"{name} by {m:.4g}" for name, m in zip(best.responses, best.missed.tolist(), strict=True) if m > 0.0
    ]  # fmt: skip
    return Step(
        "unreachable", 4, best.responses, "loosen a limit, or widen the ranges towards the closest setting",
        f"no setting keeps every limit; the closest ({_at(best)}) misses {', '.join(missed) or 'none, just'}",
        call,
    )  # fmt: skip


def _margins(best: Optimum, fits: Mapping[str, DesignFit], goals: Any) -> dict[str, dict[str, Any]]:
    """What each response with a limit must show at the best setting, in the words of `confirm`."""
    out: dict[str, dict[str, Any]] = {}
    for wanted in as_desirabilities(goals, list(fits)):
        fit = fits[wanted.response]
        value = float(best.predicted[best.responses.index(wanted.response)])
        low, high = wanted.bounds
        margin = min(value - low, high - value)
        known = fit.distribution == "normal" and fit.fitted.df > 0.0 and fit.sigma > 0.0
        if not known or not math.isfinite(margin) or not margin > 0.0:
            continue
        lower = high - value < value - low
        out[wanted.response] = {
            "kind": "lower" if lower else "higher", "reference": high if lower else low, "expected": margin,
            "sd": fit.sigma,
        }  # fmt: skip
    return out


def _confirming(best: Optimum, fits: Mapping[str, DesignFit], goals: Any, text: str) -> Step:
    found = _margins(best, fits, goals)
    told = ", ".join(f"{n} {v:.4g}" for n, v in zip(best.responses, best.predicted.tolist(), strict=True))
    what = f"confirm the setting {_at(best)}"
    why = f"every goal is met there on paper ({told}), desirability {best.desirability:.3f}; an optimum flatters itself"
    try:
        plan = confirm(found, rng=0) if found else None
    except DataError:
        plan = None
    if plan is None:
        settings = dict(best.settings)
        how = (
            f"[f.predict({settings!r}) for f in {text}.values()]" if text == "fits" else f"{text}.predict({settings!r})"
        )
        return Step("confirm", 5, best.responses, what, why, how, _RUNS)
    axes = _directions(goals, fits)
    if plan.runs > _MOST and axes:
        why += f"; but the limits are so near that {plan.runs} runs are needed to show it: use an assured setting"
        specs = {n: _pair(c) for n, c in found.items()}
        how = f"doe.tradeoff({text}, goals={axes!r}, specs={specs!r}, rng=0)"
        return Step("assure", 4, best.responses, "take a setting that holds the limits with assurance", why, how)
    return Step("confirm", 5, best.responses, what, why, f"doe.confirm({found!r}, rng=0)", plan.runs)


def _pair(criterion: Mapping[str, Any]) -> tuple[float | None, float | None]:
    limit = float(criterion["reference"])
    return (None, limit) if criterion["kind"] == "lower" else (limit, None)


def _directions(goals: Any, fits: Mapping[str, DesignFit]) -> dict[str, str]:
    return {g.response: g.kind for g in as_desirabilities(goals, list(fits)) if g.kind in ("min", "max")}
