"""A plan that may be judged at every look: evidence for the improvement that stays valid whenever it is read."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats.improve.guards.looks import EProcess, improvement_eprocess
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.measure import dispersion, totals
from qstats.improve.verify.verdict import Evidence

__all__ = ["judge_anytime", "thinned"]


def thinned(counts: FloatArray, scatter: float) -> FloatArray:
    """Return counts whose running sum is that of `counts` over `scatter`, rounded up: never too few events.

    A count whose variance is `scatter` times its mean carries as much evidence as a Poisson count so many times
    smaller: the likelihood ratio to the power ``1 / scatter`` of a negative binomial process with that scatter stays a
    supermartingale (its mean is at most 1 for every ratio below 1).
    """
    return np.asarray(np.diff(np.ceil(np.cumsum(counts) / scatter - 1e-9), prepend=0.0))


def judge_anytime(case: Case, before: Mask) -> tuple[EProcess, bool, Evidence] | None:
    """Return the e-process over the periods after, whether it has shown the improvement, and its item of evidence.

    For a plan with ``looks="anytime"``: expected is the rate of `before` (choose it with the season in mind) times the
    exposure, known only from its own events; where the baseline scatters more than Poisson, both are divided by that.
    The estimate is the ratio of all of after to before; the interval's upper end holds at all looks together. None for
    other plans, and where there is nothing to compare.
    """
    data, after = case.data, case.after
    if case.plan.looks != "anytime" or not before.any() or not after.any():
        return None
    y0, t0 = totals(data, before)
    y1, t1 = totals(data, after)
    if y0 <= 0.0:
        return None
    phi, df = dispersion(data, (before,))
    scatter = max(1.0, phi) if df > 0 and math.isfinite(phi) else 1.0
    base = math.floor(y0 / scatter)
    if base < 1:
        return None
    expected = y0 / t0 * data.exposure[after] / scatter
    alpha = case.plan.alpha / 2.0
    found = improvement_eprocess(thinned(data.events[after], scatter), expected, baseline_events=base, alpha=alpha)
    high = float(found.ratio_high[-1])
    limits = Interval(0.0, high, 1.0 - alpha)
    return found, found.crossed is not None, make_evidence("anytime", (y1 / t1) / (y0 / t0), limits)
