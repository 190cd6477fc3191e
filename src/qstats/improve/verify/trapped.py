"""For every warning of a verdict: how often that alone would have made a success out of nothing, in data like these."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qstats.improve.guards.traps import trap_table
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.checks.drift import baseline_drift
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.verdict import Check, Evidence

__all__ = ["trap_evidence"]

_RUNS = 4000
_LEAST = 6  # periods that tell what periods are like
_DAYS = {"month": 365.25 / 12.0, "week": 7.0, "day": 1.0}
_TRAP_OF = {
    "W-TREND": "trend",
    "W-SEASON": "season",
    "W-DELAY": "delay",
    "W-EXPOSURE": "volume",
    "W-OD": "scatter",
    "W-AR": "persistence",
    "W-PEEK": "peeking",
}


def _season_of(case: Case, before: Mask) -> float | None:
    """Relative size of the yearly wave in the baseline; None where it was not seen long enough."""
    data = case.data
    value, days = data.value[before], (data.start[before] - data.start[0]).astype(np.float64)
    if value.size < 12 or not value.mean() > 0:
        return None
    turn = 2.0 * math.pi * days / 365.25
    x = np.column_stack([np.ones(value.size), np.sin(turn), np.cos(turn)])
    beta = np.linalg.lstsq(x, value / value.mean(), rcond=None)[0]
    return float(np.hypot(beta[1], beta[2]))


def _sizes(case: Case, checks: Sequence[Check], before: Mask, phi: float) -> dict[str, float]:
    """How strong each trap is here; one that is not known keeps its documented size."""
    out: dict[str, float] = {}
    drift = baseline_drift(case, before)
    if drift is not None:
        time = (case.data.start - case.data.start[0]).astype(np.float64) / _DAYS[case.plan.period]
        reach = float(time[case.after].mean() - time[before].mean())
        out["trend"] = min(max(-math.expm1(drift.estimate / reach), 0.0), 0.5)
    wave = _season_of(case, before)
    if wave is not None:
        out["season"] = min(wave, 0.99)
    moved = next((dict(c.numbers).get("change") for c in checks if c.code == "exposure"), None)
    if moved is not None:
        out["volume"] = min(max(-float(moved), 0.0), 0.99)
    if phi == phi:
        out["scatter"] = min(max(phi, 1.0), 1000.0)
    if case.delay is not None:
        mean = float((1.0 - case.delay.delay_share).sum()) + 0.5
        out["delay"] = min(max(mean / _DAYS[case.plan.period], 0.01), 100.0)
    return out


def trap_evidence(case: Case, checks: Sequence[Check], before: Mask, phi: float) -> tuple[Evidence, ...]:
    """Return the false successes of a plain comparison for the traps that the checks warn of, one item each."""
    data = case.data
    warned = dict.fromkeys(c.warning for c in checks if c.warning in _TRAP_OF)
    wanted = tuple(_TRAP_OF[w] for w in warned if w is not None)
    if case.plan.selected_from is not None and case.plan.selected_from > 1:
        wanted = (*wanted, "worst")
    if data.family != "rate" or int(before.sum()) < _LEAST or not data.events[before].sum() > 0 or not wanted:
        return ()
    sizes = _sizes(case, checks, before, phi)
    if case.plan.selected_from is not None:
        sizes["worst"] = float(min(case.plan.selected_from, 10_000))
    found = trap_table(
        np.round(data.events[before]), data.exposure[before], after=max(1, int(case.after.sum())), sizes=sizes,
        only=wanted, period=case.plan.period, alpha=case.plan.alpha / 2.0, runs=_RUNS, rng=int(case.plan.hash[:8], 16),
    )  # fmt: skip
    return tuple(make_evidence(f"trap_{trap.code}", trap.false_success, trap.interval) for trap in found.traps)
