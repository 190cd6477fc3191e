"""How large a comparison must be before a claimed change is evidence: one small table per kind of claim."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qstats._core.quantiles import normal_quantile, t_sf
from qstats.improve.claims.text import Claim
from qstats.inference.power.means import means_sample_size
from qstats.inference.power.proportions import proportions_sample_size
from qstats.inference.power.rates import rates_sample_size
from qstats.inference.power.study_size import least_whole
from qstats.inference.power.times import times_sample_size
from qstats.inference.proportion_kernels import Pair, difference_score
from qstats.inference.rate_kernels import conditional_pvalue
from qstats.inference.rates import compare_rates
from qstats.voice.nps.size import nps_sample_size

__all__ = ["Need", "needs_of"]

_SPREADS = (0.5, 1.0, 2.0)
_NPS_SPREADS = (100.0, 100.0 * math.sqrt(2.0 / 3.0))  # half and half; all three classes equally likely


@dataclass(frozen=True, slots=True)
class Need:
    """One row of the table: what is assumed, and the size it takes.

    Parameters
    ----------
    assumption : str
        ``"proportion"``, ``"volume_least"``, ``"volume_most"``, ``"periods"``, ``"exposure"``, ``"cv"``, ``"sd"`` or
        ``"nps_sd"``.
    value : float or None
        Spread assumed, where there is one.
    shown : float
        Size or exposure per side at which the change, observed exactly as claimed, excludes no change. For the two
        ``volume`` rows the exposure after over that before.
    with_power : float or None
        Size or exposure per side at which a true change of that size is shown with the power stated.
    """

    assumption: str
    value: float | None
    shown: float
    with_power: float | None


def _proportion(claim: Claim, spread: float | None, confidence: float, power: float) -> tuple[Need, ...]:
    z = float(normal_quantile(0.5 + 0.5 * confidence))

    def enough(n: float) -> float:
        pair = Pair(*(np.array([v]) for v in (n * claim.after, n, n * claim.before, n)))
        score = difference_score(pair, np.zeros(1), np.array([2.0 * n / (2.0 * n - 1.0)]))
        return float(abs(score[0]) > z)

    shown = least_whole(enough, 0.5, least=1.0)
    planned = proportions_sample_size(claim.after, claim.before, confidence=confidence, power=power)
    return (Need("proportion", None, shown, planned.size0),)


def _exposure_shown(after: float, before: float, confidence: float) -> float:
    """Return the exposure per side from which on these very rates are told apart by the mid-p test."""

    def kept(t: float) -> bool:
        y, n = np.array([after * t]), np.array([(after + before) * t])
        return bool(conditional_pvalue(y, n, np.ones(1), 0.5, "two-sided")[0] >= 1.0 - confidence)

    low, high = 0.0, 1.0 / max(after, before)
    while kept(high):
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if kept(middle) else (low, middle)
    return high


def _exposure_planned(after: float, before: float, confidence: float, power: float) -> float:
    most, least = max(after, before), min(after, before)  # the test does not mind which group is which
    return rates_sample_size(most, least / most, confidence=confidence, power=power).size0


def _count(claim: Claim, spread: float | None, confidence: float, power: float) -> tuple[Need, ...]:
    limits = compare_rates(claim.after, 1.0, claim.before, 1.0, confidence=confidence).interval
    fell = claim.after < claim.before
    # the interval scales with the exposures: no change is left out once their ratio is beyond its limit
    volume = Need("volume_least", None, limits.high, None) if fell else Need("volume_most", None, limits.low, None)
    shown = _exposure_shown(claim.after, claim.before, confidence)
    return volume, Need("periods", None, shown, _exposure_planned(claim.after, claim.before, confidence, power))


def _rate(claim: Claim, spread: float | None, confidence: float, power: float) -> tuple[Need, ...]:
    shown = _exposure_shown(claim.after, claim.before, confidence)
    return (Need("exposure", None, shown, _exposure_planned(claim.after, claim.before, confidence, power)),)


def _by_t(gap: float, sd: float, confidence: float) -> float:
    """Return the least size per side at which Welch's t of two equal spreads leaves out zero."""

    def enough(n: float) -> float:
        t = abs(gap) / (sd * math.sqrt(2.0 / n))
        return float(2.0 * t_sf(t, 2.0 * n - 2.0) < 1.0 - confidence)

    return least_whole(enough, 0.5)


def _time(claim: Claim, spread: float | None, confidence: float, power: float) -> tuple[Need, ...]:
    ratio = claim.after / claim.before

    def row(cv: float) -> Need:
        shown = _by_t(math.log(ratio), math.sqrt(math.log1p(cv * cv)), confidence)
        return Need("cv", cv, shown, times_sample_size(ratio, cv, confidence=confidence, power=power).size0)

    return tuple(row(cv) for cv in (_SPREADS if spread is None else (spread,)))


def _mean(claim: Claim, spread: float | None, confidence: float, power: float) -> tuple[Need, ...]:
    gap = claim.after - claim.before

    def row(sd: float) -> Need:
        planned = means_sample_size(gap, sd, confidence=confidence, power=power)
        return Need("sd", sd, _by_t(gap, sd, confidence), planned.size0)

    return tuple(row(sd) for sd in ([abs(gap) * s for s in _SPREADS] if spread is None else [spread]))


def _nps(claim: Claim, spread: float | None, confidence: float, power: float) -> tuple[Need, ...]:
    gap = abs(claim.after - claim.before)
    if gap >= 200.0:  # from all detractors to all promoters: no scatter is left
        return (Need("nps_sd", 0.0, 2.0, 2.0),)

    def row(sd: float) -> Need:
        variance = min(1.0, (sd / 100.0) ** 2)
        # a power of one half: the change as claimed lies just on the limit
        n, planned = (
            float(nps_sample_size(difference=gap, variance=variance, power=p, confidence=confidence).n[0])
            for p in (0.5, power)
        )
        return Need("nps_sd", sd, n, planned)

    return tuple(row(sd) for sd in (_NPS_SPREADS if spread is None else (spread,)))


_TABLES: dict[str, Callable[[Claim, float | None, float, float], tuple[Need, ...]]] = {
    "proportion": _proportion,
    "count": _count,
    "rate": _rate,
    "time": _time,
    "mean": _mean,
    "nps": _nps,
}


def needs_of(claim: Claim, spread: float | None, confidence: float, power: float) -> tuple[Need, ...]:
    """Return the sizes at which the claim would be evidence, one row per assumption about the spread."""
    return _TABLES[claim.kind](claim, spread, confidence, power)
