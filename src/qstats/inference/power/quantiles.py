"""How many values a comparison of medians, or of times nine in ten are done within, needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.quantiles import normal_quantile
from qstats.errors import DataError
from qstats.inference.power.kernels import normal_power
from qstats.inference.power.means import sizes
from qstats.inference.power.study_size import Null, StudySize, Tests, as_target, read_tests, study, whole_size
from qstats.inference.roots import bisect

__all__ = ["quantiles_power", "quantiles_sample_size"]

_METHOD = "order statistics combined, their joint distribution integrated"
_SOURCE = (
    "David & Nagaraja (2003), Order Statistics, 3rd ed., sections 2.1 and 2.5; for large n Serfling (1980), "
    "Approximation Theorems of Mathematical Statistics, 2.3.3"
)
_WIDEST = 1e60
_LARGE = 1e6  # values of the rarer side from which on the limits are normal to three digits and more
_FAR = 12.0  # normal deviate of a share no sample reaches
_HALVINGS = 40
_PRIME, _GENERATOR = 1009, 390  # of a Korobov lattice; its error here was seen to be below 0.001


def _lattice() -> FloatArray:
    steps = np.array([pow(_GENERATOR, i, _PRIME) for i in range(5)])
    u = np.mod(np.outer(steps, np.arange(_PRIME) + 0.5) / _PRIME + np.arange(0.1, 1.0, 0.2)[:, np.newaxis], 1.0)
    return np.asarray(np.clip(np.abs(2.0 * u - 1.0), 1e-9, 1.0 - 1e-9))


_POINTS = _lattice()


class _Law(NamedTuple):
    """What is assumed of one group: its quantile, and either the spread of the logarithms or the density there."""

    value: float
    log_sd: float
    density: float

    def at(self, u: FloatArray, q: float) -> FloatArray:
        """Return the quantile of each share u; by the tangent at q where the density alone is known."""
        if self.log_sd > 0.0:
            gap = np.clip(scipy.special.ndtri(u), -_FAR, _FAR) - float(normal_quantile(q))
            return np.asarray(self.value * np.exp(self.log_sd * gap))
        return self.value + (u - q) / self.density


def _rank(n: float, q: float, error: float) -> float | None:
    """Return the fractional rank r with ``P(Beta(r, n + 1 - r) > q) = error``; None where no value is that far out."""
    if n * math.log1p(-q) > math.log(error):
        return None

    def over(r: float) -> float:
        return error - float(scipy.special.betaincc(r, n + 1.0 - r, q))

    return 1.0 if over(1.0) <= 0.0 else bisect(over, 1.0, n)


class _Group:
    """Estimate and limits of one group: order statistics, written as functions of the share u below the estimate."""

    def __init__(self, law: _Law, n: float, q: float, error: float, points: FloatArray) -> None:
        self.law, self.n, self.q = law, n, q
        self.rank = k = min(max((n + 1.0 / 3.0) * q + 1.0 / 3.0, 1.0), n)
        r, mirrored = _rank(n, q, error), _rank(n, 1.0 - q, error)
        self.reaches_down, self.reaches_up = r is not None, mirrored is not None
        # share below the lower limit over that below the estimate, and the same from above; 1 where they meet
        self.below, self.above = np.ones(points.shape[1]), np.ones(points.shape[1])
        if r is not None and r < k:
            self.below = scipy.special.betaincinv(r, k - r, points[0])
        if mirrored is not None and mirrored < n + 1.0 - k:
            self.above = scipy.special.betaincinv(mirrored, n + 1.0 - k - mirrored, points[1])

    def draw(self, point: FloatArray) -> FloatArray:
        """Return the share below the estimate at points of the unit interval."""
        return np.asarray(scipy.special.betaincinv(self.rank, self.n + 1.0 - self.rank, point))

    def below_share(self, u: FloatArray) -> FloatArray:
        """Return the probability that the share below the estimate is at most u."""
        return np.asarray(scipy.special.betainc(self.rank, self.n + 1.0 - self.rank, u))

    def value(self, u: FloatArray) -> FloatArray:
        return self.law.at(u, self.q)

    def down(self, u: FloatArray) -> FloatArray:
        """Return how far the lower limit is below the estimate."""
        return self.value(u) - self.value(u * self.below)

    def up(self, u: FloatArray) -> FloatArray:
        return self.value(1.0 - (1.0 - u) * self.above) - self.value(u)


def _passes(limit: Callable[[FloatArray], FloatArray], null: float) -> FloatArray:
    """Return the share at which a limit, which rises with it, passes the null."""
    low, high = np.full(_POINTS.shape[1], -_FAR), np.full(_POINTS.shape[1], _FAR)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        over = limit(scipy.special.ndtr(middle)) > null
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.asarray(scipy.special.ndtr(0.5 * (low + high)))


def _by_order_statistics(law: _Law, law0: _Law, n: float, n0: float, q: float, tests: Tests) -> float:
    """Return the power: in the group's own estimate exactly, in the other five order statistics over a lattice."""
    error = tests.sides[0].error
    group, group0 = _Group(law, n, q, error, _POINTS[:2]), _Group(law0, n0, q, error, _POINTS[2:4])
    u0 = group0.draw(_POINTS[4])
    value0, down0, up0 = group0.value(u0), group0.down(u0), group0.up(u0)
    shown = np.zeros(u0.size)
    for test in tests.sides:
        if test.side == "greater" and group.reaches_down and group0.reaches_up:
            u = _passes(lambda u: group.value(u) - value0 - np.hypot(group.down(u), up0), test.null)
            shown += 1.0 - group.below_share(u)
        elif test.side == "less" and group.reaches_up and group0.reaches_down:
            u = _passes(lambda u: group.value(u) - value0 + np.hypot(group.up(u), down0), test.null)
            shown += group.below_share(u)
    return float(np.mean(np.maximum(shown - 1.0, 0.0) if tests.both else np.minimum(shown, 1.0)))


def _power(law: _Law, law0: _Law, q: float, tests: Tests) -> Callable[[float, float], float]:
    def variance(a: _Law, n: float) -> float:
        return q * (1.0 - q) / (n * a.density**2)

    def power(n: float, n0: float) -> float:
        if min(n, n0) * min(q, 1.0 - q) < _LARGE:
            return _by_order_statistics(law, law0, n, n0, q, tests)
        se = math.sqrt(variance(law, n) + variance(law0, n0))
        gaps = tuple(law.value - law0.value - test.null for test in tests.sides)
        return normal_power(tests.sides, gaps, (se,) * len(gaps), se, tests.both)

    return power


def _law(value: object, gsd: object, density: object, q: float, suffix: str) -> _Law:
    if (gsd is None) == (density is None):
        raise DataError(
            f"gsd{suffix}, density{suffix}: give one of them, the geometric standard deviation of lognormal values or "
            "the density at the quantile"
        )
    if gsd is not None:
        x = check_number(value, f"quantile{suffix}", above=0.0, below=_WIDEST, least=1.0 / _WIDEST)
        sd = math.log(check_number(gsd, f"gsd{suffix}", above=1.0, below=1e6, least=1.0 + 1e-9))
        z = float(normal_quantile(q))
        return _Law(x, sd, math.exp(-0.5 * z * z) / (math.sqrt(2.0 * math.pi) * x * sd))
    x = check_number(value, f"quantile{suffix}", above=-_WIDEST, below=_WIDEST)
    return _Law(x, 0.0, check_number(density, f"density{suffix}", above=0.0, below=_WIDEST, least=1.0 / _WIDEST))


class _Plan(NamedTuple):
    tests: Tests
    law: _Law
    law0: _Law
    q: float

    def study(self, of: Callable[[float, float], float], n: float, n0: float, target: float | None) -> StudySize:
        assumed = {
            "quantile": self.law.value, "quantile0": self.law0.value, "q": self.q, "density": self.law.density,
            "density0": self.law0.density,
        }  # fmt: skip
        return study(
            of, n, n0, effect="quantile_difference", unit="values", assumed=assumed, tests=self.tests, method=_METHOD,
            reference=_SOURCE, target=target,
        )  # fmt: skip


def _plan(
    values: tuple[object, object], q: object, gsd: tuple[Any, Any], density: tuple[Any, Any], null: object,
    confidence: object, alternative: str,
) -> _Plan:  # fmt: skip
    share = check_number(q, "q", above=0.0, below=1.0, least=1e-6)
    if share > 1.0 - 1e-6:
        raise DataError(f"q: got {share:.9g}; at most 0.999999 is wanted")
    tests = read_tests(null, confidence, alternative, above=-_WIDEST, below=_WIDEST)
    (g, g0), (f, f0) = gsd, density
    if g0 is None and f0 is None:  # the reference group is spread like the group
        g0, f0 = g, f
    law, law0 = _law(values[0], g, f, share, ""), _law(values[1], g0, f0, share, "0")
    return _Plan(tests, law, law0, share)


def quantiles_power(
    quantile: float,
    quantile0: float,
    n: float,
    n0: float,
    *,
    q: float = 0.5,
    gsd: float | None = None,
    gsd0: float | None = None,
    density: float | None = None,
    density0: float | None = None,
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely `compare_quantiles` is to show that the median, or a promise such as nine in ten, has moved.

    Use it before a trial that is to be judged by a median or a high quantile of times. Not where the typical time is
    meant: `times_power` needs about two thirds of the cases of a median for the same factor, and a 0.95 quantile needs
    several times those of a median.

    Parameters
    ----------
    quantile, quantile0 : float
        True q-quantile assumed in the group and in the reference group; the same unit.
    n, n0 : int
        Values in each, at least two.
    q : float
        Share, between 0 and 1: 0.5 is the median.
    gsd, gsd0 : float, optional
        Geometric standard deviation of lognormal values, above 1: two in three are within that factor of the median.
        Of service times usually 2 to 3. `gsd0` is `gsd` unless given.
    density, density0 : float, optional
        In its place the density at the quantile, for values that are not lognormal: the share of all values per unit
        around it. The quantile function is then taken as straight around q.
    null : float or (float, float)
        Difference tested against: 0, a non-inferiority margin (with `alternative`), or two margins of equivalence.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize
        0 where the values are too few for the limit that would show it. Power is good to 0.01, with fewer than ten
        values beyond the quantile to 0.03: the comparison interpolates between the values there.

    Raises
    ------
    DataError
        Neither a geometric standard deviation nor a density, or both; sizes that are not whole.

    Notes
    -----
    The estimate and the limits of a group are order statistics at fractional ranks k and r, whose shares are
    :math:`U_k \sim \mathrm{Beta}(k, n+1-k)` and :math:`U_r = U_k B`, :math:`B \sim \mathrm{Beta}(r, k-r)`; they go
    through the quantile function, and the test of `compare_quantiles` is integrated: over the group's estimate
    exactly, over the other five order statistics on a lattice.
    In large samples that is the normal test with variance :math:`q (1-q) / (n f(x_q)^2)`, which promises too much in
    small ones: the limits vary too.

    References
    ----------
    David & Nagaraja (2003), Order Statistics, 3rd ed., sections 2.1 and 2.5. Serfling (1980), Approximation Theorems
    of Mathematical Statistics, section 2.3.3.

    Examples
    --------
    >>> from qstats import quantiles_power
    >>> round(quantiles_power(20.0, 26.0, 100, 100, gsd=2.0).power, 2)
    0.55
    """
    plan = _plan((quantile, quantile0), q, (gsd, gsd0), (density, density0), null, confidence, alternative)
    of = _power(plan.law, plan.law0, plan.q, plan.tests)
    return plan.study(of, whole_size(n, "n"), whole_size(n0, "n0"), None)


def quantiles_sample_size(
    quantile: float,
    quantile0: float,
    *,
    q: float = 0.5,
    gsd: float | None = None,
    gsd0: float | None = None,
    density: float | None = None,
    density0: float | None = None,
    power: float = 0.8,
    size_ratio: float = 1.0,
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    """Tell how many values are needed to show that a median or another quantile has moved.

    Use it before a promise ("nine in ten within") is to be shown better. Not with the quantiles just observed.

    Parameters
    ----------
    quantile, quantile0, q, gsd, gsd0, density, density0, null, confidence, alternative
        As in `quantiles_power`.
    power : float
    size_ratio : float
        Size of the group over that of the reference group; the group's size is rounded up.

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        Quantiles that no size can tell from `null`, or a bad number.

    Notes
    -----
    As `quantiles_power`, searched over whole sizes.

    References
    ----------
    Serfling (1980), Approximation Theorems of Mathematical Statistics, section 2.3.3.

    Examples
    --------
    >>> from qstats import quantiles_sample_size
    >>> r = quantiles_sample_size(40.0, 50.0, q=0.9, gsd=2.0, power=0.9)
    >>> 500 < r.size < 700
    True
    """
    plan = _plan((quantile, quantile0), q, (gsd, gsd0), (density, density0), null, confidence, alternative)
    target = as_target(power, plan.tests, plan.law.value - plan.law0.value, "quantile, quantile0")
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)
    of = _power(plan.law, plan.law0, plan.q, plan.tests)
    return plan.study(of, *sizes(of, k, target), target)
