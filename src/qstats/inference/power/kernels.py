"""Power by going through what can happen: the rejection region row by row, Student's t by quadrature, the normal."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import (
    binomial_cdf,
    binomial_pmf,
    binomial_sf,
    normal_quantile,
    normal_sf,
    poisson_cdf,
    poisson_sf,
    t_quantile,
)
from qstats.inference.pivot import satterthwaite

__all__ = [
    "MOST_ROWS",
    "Law",
    "Side",
    "binomial_law",
    "normal_power",
    "poisson_law",
    "rejection_power",
    "student_power",
    "welch_power",
]

MOST_ROWS = 1 << 12
_STRIDE, _ROWS = 8, 256  # every eighth row is solved first where there are many
_FAR = 9.0  # standard deviations on either side of the mean that are gone through
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(256)
_COARSE = np.polynomial.legendre.leggauss(72)


class Side(NamedTuple):
    """One one-sided test: in which direction, against which value, with which error."""

    side: str
    null: float
    error: float


class Law(NamedTuple):
    """Distribution of a count: the counts worth looking at, and its tails."""

    low: float
    high: float
    pmf: Callable[[Any], Any]
    cdf: Callable[[Any], Any]
    sf: Callable[[Any], Any]


def _window(mean: float, sd: float, most: float) -> tuple[float, float]:
    """All counts but some 1e-15 of the probability; the constant is for the skew of small means."""
    return max(0.0, math.floor(mean - _FAR * sd - 1.0)), min(most, math.ceil(mean + _FAR * sd + 45.0))


def poisson_law(mean: float) -> Law:
    """Return the Poisson distribution with this mean (0 allowed)."""

    def pmf(k: Any) -> Any:
        return np.exp(scipy.special.xlogy(k, mean) - mean - scipy.special.gammaln(k + 1.0))

    low, high = _window(mean, math.sqrt(mean), math.inf)
    return Law(low, high, pmf, lambda k: poisson_cdf(k, mean), lambda k: poisson_sf(k, mean))


def binomial_law(n: float, p: float) -> Law:
    """Return the binomial distribution of `n` units with share `p` (0 and 1 allowed)."""
    low, high = _window(n * p, math.sqrt(n * p * (1.0 - p)), n)
    low = min(low, max(0.0, n - math.ceil(n * (1.0 - p) + _FAR * math.sqrt(n * p * (1.0 - p)) + 45.0)))
    return Law(
        low, high, lambda k: binomial_pmf(k, n, p), lambda k: binomial_cdf(k, n, p), lambda k: binomial_sf(k, n, p)
    )


Tail = Callable[[FloatArray, FloatArray, Side], FloatArray]


def _critical(tail: Tail, law: Law, rows: FloatArray, test: Side) -> FloatArray:
    """Return, row by row, the count furthest inside that the test still rejects; one beyond the window for none.

    For a fixed count of the reference group the tail rises with the count of the group ("less") or falls ("greater"),
    so bisection over whole counts finds the border. The border itself rises with the count of the reference group:
    every few rows are solved first and hold the others between them.
    """
    less = test.side == "less"
    none, last = (law.low - 1.0, law.high + 1.0) if less else (law.high + 1.0, law.low - 1.0)
    if rows.size < _ROWS:
        return _border(tail, law, rows, test, np.full(rows.size, none), np.full(rows.size, last))
    solved = np.append(np.arange(0, rows.size - 1, _STRIDE), rows.size - 1)
    at = _border(tail, law, rows[solved], test, np.full(solved.size, none), np.full(solved.size, last))
    before = np.searchsorted(solved, np.arange(rows.size), side="right") - 1
    after = np.minimum(before + 1, solved.size - 1)
    rejected, kept = (at[before], at[after] + 1.0) if less else (at[after], at[before] - 1.0)
    return _border(tail, law, rows, test, rejected, kept)


def _border(tail: Tail, law: Law, rows: FloatArray, test: Side, rejected: FloatArray, kept: FloatArray) -> FloatArray:
    """Bisect between a count known to be rejected and one known to be kept."""
    while (open_ := np.flatnonzero(np.abs(kept - rejected) > 1.0)).size:
        middle = np.floor(0.5 * (kept[open_] + rejected[open_]))
        hit = tail(np.clip(middle, law.low, law.high), rows[open_], test) < test.error
        rejected[open_[hit]], kept[open_[~hit]] = middle[hit], middle[~hit]
    return rejected


def rejection_power(tail: Tail, law: Law, law0: Law, tests: tuple[Side, ...], both: bool) -> float:
    """Return the probability that one of the tests rejects, or with `both` that all do: exact, row by row.

    `tail` is the one-sided p-value of the comparison itself, so power and test cannot disagree.
    """
    rows = np.arange(law0.low, law0.high + 1.0)
    chance = np.zeros(rows.size)
    for test in tests:
        at = _critical(tail, law, rows, test)
        reached = np.clip(at, law.low, law.high)
        if test.side == "less":
            chance += np.where(at < law.low, 0.0, law.cdf(reached))
        else:
            chance += np.where(at > law.high, 0.0, law.sf(reached))
    if both:  # P(X <= b) + P(X >= a) - 1 = P(a <= X <= b); nothing where the borders cross
        chance = np.maximum(chance - 1.0, 0.0)
    weight = law0.pmf(rows)
    return float(min(1.0, weight @ np.minimum(chance, 1.0) / weight.sum()))


def normal_power(
    tests: tuple[Side, ...], gaps: tuple[float, ...], sd_null: tuple[float, ...], sd: float, both: bool
) -> float:
    """Return the power where the gap to each null is normal, with one error under the null and another in truth."""
    total = 0.0
    for test, gap, under_null in zip(tests, gaps, sd_null, strict=True):
        toward = gap if test.side == "greater" else -gap
        reach = toward - float(-normal_quantile(test.error)) * under_null
        total += float(normal_sf(-reach / sd)) if sd > 0.0 else float(reach > 0.0)
    return max(0.0, total - 1.0) if both else min(1.0, total)


def student_power(tests: tuple[Side, ...], gaps: tuple[float, ...], se: float, df: float, both: bool) -> float:
    """Return the power of Student's t: a mean over the chi distribution of the estimated error.

    With one test this is the upper tail of the noncentral t; the integral also holds for two tests that share their
    error estimate (equivalence), and has no noncentrality at which it breaks down.
    """
    toward = np.array([g if t.side == "greater" else -g for t, g in zip(tests, gaps, strict=True)]) / se
    t = np.array([float(-t_quantile(test.error, df)) for test in tests])

    def at(s: FloatArray) -> FloatArray:
        reject = normal_sf(np.outer(s, t) - toward).sum(axis=1)
        return np.asarray(np.maximum(reject - 1.0, 0.0) if both else np.minimum(reject, 1.0))

    if df > 1e7:
        return float(at(np.ones(1))[0])
    low, high = _chi_range(df)
    most = high
    if both:  # beyond this estimated error the two regions do not meet
        most = min(high, max(low, float(toward.sum() / t.sum())))
    chi = _chi_nodes(df, low, high)
    part = _chi_nodes(df, low, most)
    return min(1.0, float(part[1] @ at(part[0]) / chi[1].sum()))


def welch_power(
    tests: tuple[Side, ...], gaps: tuple[float, ...], v: float, v0: float, df: float, df0: float, both: bool
) -> float:
    """Return the power of Welch's t, the variances of the two means being v and v0: a mean over both estimated errors.

    Its degrees of freedom are estimated too, so no noncentral t gives its power in small samples.
    """
    nodes = [_chi_nodes(d, *_chi_range(d), _COARSE) if d < 1e7 else (np.ones(1), np.ones(1)) for d in (df, df0)]
    (s, w), (s0, w0) = nodes
    a, b = (v * s * s)[:, np.newaxis], (v0 * s0 * s0)[np.newaxis, :]
    se = np.sqrt(a + b)
    freedom = satterthwaite(a, df, b, df0)
    reject = np.zeros(se.shape)
    for test, gap in zip(tests, gaps, strict=True):
        toward = gap if test.side == "greater" else -gap
        reject += normal_sf((-t_quantile(test.error, freedom) * se - toward) / math.sqrt(v + v0))
    reject = np.maximum(reject - 1.0, 0.0) if both else np.minimum(reject, 1.0)
    return min(1.0, float(w @ reject @ w0 / (w.sum() * w0.sum())))


def _chi_range(df: float) -> tuple[float, float]:
    """Ends between which the estimated over the true standard deviation falls, but for some 1e-16."""
    spread = 9.0 / math.sqrt(2.0 * df)
    return max(0.0, 1.0 - spread), 1.0 + spread


def _chi_nodes(df: float, low: float, high: float, rule: Any = None) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for the estimated over the true standard deviation; weights up to one common factor."""
    nodes, weights = (_NODES, _WEIGHTS) if rule is None else rule
    s = 0.5 * (high - low) * (nodes + 1.0) + low
    log = scipy.special.xlogy(df - 1.0, s) - 0.5 * df * (s * s - 1.0)
    return s, 0.5 * (high - low) * weights * np.exp(log)
