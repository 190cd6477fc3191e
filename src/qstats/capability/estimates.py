"""From numbers to estimates: every quantity of a capability study with its interval, its method and its source."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import scipy

from qstats._core.bias import d2
from qstats._core.blocks import moving_range_sum
from qstats._core.interval import Interval
from qstats._core.spec import Spec
from qstats.capability.freedom import individuals_pivot
from qstats.capability.indices import Limits, Scale, index_family, target_indices
from qstats.capability.intervals import chi_factors, distance_limits, z_bench, z_bench_limits
from qstats.capability.result import Between, Ppm
from qstats.capability.sample import Outside, Sample
from qstats.inference.estimate import Estimate
from qstats.inference.proportion_estimates import estimate_proportion

__all__ = [
    "between_of",
    "expected_ppm",
    "family_estimates",
    "observed_ppm",
    "sigma_estimate",
    "target_estimates",
    "z_bench_estimate",
]

PPM = 1e6
_SUFFIX = {"potential": "", "lower": "l", "upper": "u", "worst": "k"}
_EXACT = "noncentral t", "Kushler & Hurley (1992), Journal of Quality Technology 24(4), 188-195"
_CHI = "chi-square", "Kotz & Lovelace (1998), Process Capability Indices in Theory and Practice, section 2.2"
_BISSELL = "Bissell", "Bissell (1990), Applied Statistics 39(3), 331-340"
_BOYLES = "chi-square, Boyles", "Boyles (1991), Journal of Quality Technology 23(1), 17-26"
_DERIVED = "derivatives", "Pearn, Kotz & Johnson (1992), Journal of Quality Technology 24(4), 216-231"
_PIVOT = "generalized pivotal quantity", "Krishnamoorthy & Mathew (2009), Statistical Tolerance Regions, section 1.4"


def _estimate(name: str, found: Limits, s: Scale, confidence: float, how: tuple[str, str]) -> Estimate:
    limits = Interval(float(found.low), float(found.high), confidence)
    method = f"{how[0]}, {s.df:.6g} df" if math.isfinite(s.df) else f"{how[0]}, sigma known"
    method = "no interval: no agreed degrees of freedom of sigma" if math.isnan(s.df) else method
    return Estimate(name, float(found.estimate), limits, float(s.n), method, how[1])


def _how(key: str, spec: Spec, convention: str) -> tuple[str, str]:
    if key == "potential":
        return _CHI
    if convention != "qstats" or (key == "worst" and spec.sides == "both"):
        return ("one-sided z", _BISSELL[1]) if convention == "qcc" and key != "worst" else _BISSELL
    return _EXACT


def family_estimates(
    spec: Spec, s: Scale, confidence: float, convention: str, stem: str
) -> dict[str, Estimate]:  # fmt: skip
    """Return the four indices of a family by role: ``potential``, ``lower``, ``upper``, ``worst``."""
    tail = 0.5 * (1.0 - confidence)
    found = index_family(spec.lower_spec, spec.upper_spec, s, tail, tail, convention)
    return {
        key: _estimate(stem + _SUFFIX[key], limits, s, confidence, _how(key, spec, convention))
        for key, limits in found.items()
    }


def target_estimates(
    spec: Spec, s: Scale, overall: float, confidence: float, convention: str
) -> tuple[Estimate | None, Estimate | None]:
    """Return Cpm and Cpmk, None without a target."""
    if spec.aim is None:
        return None, None
    tail = 0.5 * (1.0 - confidence)
    cpm, cpmk = target_indices(spec.lower_spec, spec.upper_spec, spec.aim, s, overall, tail, tail, convention)
    used = Scale(s.n, s.mean, overall, 1.0, s.n - 1.0)
    return (
        _estimate("Cpm", cpm, used, confidence, _BOYLES),
        _estimate("Cpmk", cpmk, used, confidence, _DERIVED),
    )


def sigma_estimate(name: str, s: Scale, confidence: float) -> Estimate:
    """Return a standard deviation with its chi-square interval."""
    tail = 0.5 * (1.0 - confidence)
    low, high = (math.inf, 0.0) if math.isnan(s.df) else chi_factors(s.df, tail, tail)
    with np.errstate(divide="ignore"):
        limits = np.float64(s.sigma * s.factor) / np.array([high, low])
    return _estimate(name, Limits(s.sigma, *limits), s, confidence, _CHI)


# ---- beyond the limits ----


def _distances(spec: Spec, s: Scale) -> tuple[float, float]:
    lower, upper = spec.lower_spec, spec.upper_spec
    return (
        math.inf if lower is None else (s.mean - lower) / s.sigma,
        math.inf if upper is None else (upper - s.mean) / s.sigma,
    )


def z_bench_estimate(spec: Spec, s: Scale, confidence: float, kind: str) -> Estimate:
    """Return z-bench with its interval; the fraction has the same, turned round."""
    tail = 0.5 * (1.0 - confidence)
    to_lower, to_upper = _distances(spec, s)
    how = _PIVOT if spec.sides == "both" else _EXACT
    estimate = float(z_bench(to_lower, to_upper))
    if math.isnan(s.df):
        found = Limits(estimate, -math.inf, math.inf)
    else:
        limits = z_bench_limits(to_lower / s.factor, to_upper / s.factor, s.n, s.df, tail, tail)
        found = Limits(estimate, *limits)
    return _estimate(f"Z.bench {kind}", found, s, confidence, how)


def _fraction(name: str, z: Limits, s: Scale, confidence: float, how: tuple[str, str]) -> Estimate:
    """Return the parts per million beyond so many sigmas, by the survival function."""
    ppm = (PPM * float(scipy.special.ndtr(-v)) for v in (z.estimate, z.high, z.low))
    return _estimate(name, Limits(*ppm), s, confidence, how)


def expected_ppm(
    spec: Spec, s: Scale, z: Estimate, family: Mapping[str, Estimate] | None, confidence: float
) -> Ppm:  # fmt: skip
    """Return the parts per million expected beyond the limits of a normal process.

    `family` holds the exact limits of the indices against each limit, where they were worked out already.
    """
    tail = 0.5 * (1.0 - confidence)
    sides: list[Estimate | None] = []
    for key, name, d in zip(("lower", "upper"), ("below", "above"), _distances(spec, s), strict=True):
        if math.isinf(d):
            sides.append(None)
            continue
        limits = (-math.inf, math.inf)
        if family is not None:
            limits = 3.0 * family[key].interval.low, 3.0 * family[key].interval.high
        elif not math.isnan(s.df):
            limits = distance_limits(d / s.factor, s.n, s.df, tail, tail)
        sides.append(_fraction(f"ppm {name}", Limits(d, *limits), s, confidence, _EXACT))
    total = Limits(z.estimate, z.interval.low, z.interval.high)
    how = _PIVOT if spec.sides == "both" else _EXACT
    return Ppm(sides[0], sides[1], _fraction("ppm total", total, s, confidence, how))


def observed_ppm(outside: Outside, spec: Spec, n: int, confidence: float) -> Ppm:
    """Return the parts per million counted beyond the limits, with exact intervals."""

    def share(name: str, count: int) -> Estimate:
        found = estimate_proportion(count, n, method="clopper-pearson", confidence=confidence)
        low, high = PPM * found.interval.low, PPM * found.interval.high
        limits = Interval(low, high, confidence)
        return Estimate(name, PPM * count / n, limits, n, found.method, found.reference)

    below = None if spec.lower_spec is None else share("observed ppm below", outside.below)
    above = None if spec.upper_spec is None else share("observed ppm above", outside.above)
    return Ppm(below, above, share("observed ppm total", outside.below + outside.above))


# ---- between subgroups ----


def between_of(sample: Sample, within: Scale, spec: Spec, confidence: float) -> Between | None:
    """Return variation between subgroups from the moving ranges of their means; None for single values or under 3."""
    stats = sample.stats
    if stats is None or stats.mean is None or sample.filled < 3 or math.isnan(within.df):
        return None
    full = sample.filled == stats.n.size
    mean, n = (stats.mean, stats.n) if full else (stats.mean[stats.n > 0], stats.n[stats.n > 0])
    moves, count = moving_range_sum(mean)
    outer = moves / count / d2(2)
    freedom = individuals_pivot("moving_range", float(count))
    share = 1.0 / sample.size if sample.size else float((1.0 / n).mean())
    between = outer**2 - within.sigma**2 * share
    if between <= 0:
        total, kind = within, 0.0
    else:
        variance = outer**2 + within.sigma**2 * (1.0 - share)
        parts = outer**4 / freedom.df + (within.sigma**2 * (1.0 - share)) ** 2 / within.df
        # the mean of k subgroups varies as much as that of so many values alike
        alike = variance * mean.size / outer**2
        total, kind = Scale(alike, sample.mean, math.sqrt(variance), 1.0, variance**2 / parts), math.sqrt(between)
    family = family_estimates(spec, total, confidence, "minitab", "Cp")
    named = {key: _renamed(e, f"{e.name} between/within", sample.n) for key, e in family.items()}
    sigma = _renamed(sigma_estimate("sigma between/within", total, confidence), "sigma between/within", sample.n)
    return Between(kind, sigma, named.get("potential"), named["worst"])


def _renamed(e: Estimate, name: str, n: int) -> Estimate:
    method = f"{e.method} (Satterthwaite)"
    return Estimate(name, e.estimate, e.interval, n, method, "Satterthwaite (1946), Biometrics Bulletin 2(6), 110-114")
