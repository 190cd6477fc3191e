"""Unbiasing constants of the less usual sigma estimators: median range, median s, successive differences, Shamos."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.errors import DataError

__all__ = ["median_range_factor", "median_std_factor", "mssd_factor", "shamos_factor"]


def _range_below(w: float, n: int) -> float:
    """``P(range <= w)`` of `n` standard normal values, by the trapezoidal rule (geometric convergence)."""
    step = 0.02
    x = np.arange(-14.0, 10.0 + step / 2, step)
    inside = scipy.special.ndtr(x + w) - scipy.special.ndtr(x)
    return float(n * step * (np.exp(-0.5 * x * x) * inside ** (n - 1)).sum() / math.sqrt(2.0 * math.pi))


@lru_cache(maxsize=1024)
def median_range_factor(n: int) -> float:
    """Return median(range)/sigma for a normal sample of `n`, Minitab's d4(n): 0.954, 1.588, 1.978 for n = 2 to 4.

    Found by bisection of the distribution function of the range.
    """
    if n < 2:
        raise DataError(f"n: got {n!r}; the median range needs a subgroup of two or more")
    low, high = 0.0, 2.0 * math.sqrt(2.0 * math.log(2.0 * n)) + 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _range_below(middle, n) < 0.5 else (low, middle)
    return 0.5 * (low + high)


@lru_cache(maxsize=1024)
def median_std_factor(n: int) -> float:
    """Return median(s)/sigma for a normal sample of `n`: the root of the chi-square median over ``n - 1``."""
    if n < 2:
        raise DataError(f"n: got {n!r}; the median of s needs a subgroup of two or more")
    return math.sqrt(2.0 * float(scipy.special.gammaincinv((n - 1) / 2.0, 0.5)) / (n - 1))


def _log_determinant(t: FloatArray, m: int) -> FloatArray:
    """``log det(I + 2 t T)`` where T is the covariance of `m` successive differences (2 on the diagonal, -1 beside).

    The determinant is a Chebyshev polynomial of the second kind, ``(2 t)**m U_m(1 + 1 / (4 t))``; written in
    ``y = exp(-arccosh(1 + 1 / (4 t)))`` it neither cancels nor overflows.
    """
    a = 0.5 / t
    log_y = -np.log1p(0.5 * a + np.sqrt(a + 0.25 * a * a))
    tail = np.expm1(2.0 * (m + 1) * log_y) / np.expm1(2.0 * log_y)
    result: FloatArray = m * np.log1p(2.0 * t * (2.0 - np.exp(log_y))) + np.log(tail)
    return result


@lru_cache(maxsize=1024)
def mssd_factor(runs: tuple[int, ...]) -> float:
    """Return ``E[sqrt(MSSD)]/sigma``, what Minitab calls c4'(N), for any numbers of successive differences.

    ``E[sqrt(Q)]`` of a quadratic form is ``integral of (1 - E[exp(-t Q)]) t**(-3/2) dt / (2 sqrt(pi))``; the
    transform is known in closed form, the integral is done on a logarithmic scale by the trapezoidal rule.

    Parameters
    ----------
    runs : tuple of int
        How many differences each unbroken run has: ``(N - 1,)`` for N values in one run.

    References
    ----------
    von Neumann, Kent, Bellinson & Hart (1941), Annals of Mathematical Statistics 12(2), 153-162 (the distribution); the
    integral by Mathai & Provost (1992), Quadratic Forms in Random Variables, chapter 3.
    """
    total = sum(runs)
    if total < 1 or min(runs) < 1:
        raise DataError(f"runs: got {runs!r}; one successive difference or more is wanted in each run")
    step = 0.1
    u = np.arange(-80.0, 80.0 + step / 2, step)
    t = np.exp(u) / (2.0 * total)
    log_transform = np.zeros(t.size)
    for m in set(runs):
        log_transform -= 0.5 * runs.count(m) * _log_determinant(t, m)
    integral = step * float((-np.expm1(log_transform) * np.exp(-0.5 * u)).sum())
    return integral / (2.0 * math.sqrt(math.pi))


# n times the relative bias of the Shamos estimator under normality, n = 3..100, from 1e7 samples each: Park, Kim & Wang
# (2022), Communications in Statistics - Simulation and Computation 51(5), 2619-2645, doi 10.1080/03610918.2019.1699114,
# here divided by n and rounded to the five decimals their simulation supports. n = 2 is exact (one difference).
_SHAMOS_BIAS = (
    *(0.29894, 0.15828, 0.10117, 0.10050, 0.06770, 0.06096, 0.05438, 0.04768, 0.04267, 0.03850, 0.03530, 0.03235),
    *(0.02997, 0.02804, 0.02622, 0.02477, 0.02323, 0.02202, 0.02087, 0.01994, 0.01898, 0.01823, 0.01744, 0.01664),
    *(0.01602, 0.01537, 0.01489, 0.01440, 0.01389, 0.01345, 0.01302, 0.01272, 0.01224, 0.01182, 0.01155, 0.01132),
    *(0.01096, 0.01063, 0.01044, 0.01007, 0.00985, 0.00967, 0.00950, 0.00922, 0.00898, 0.00881, 0.00866, 0.00848),
    *(0.00821, 0.00819, 0.00798, 0.00781, 0.00767, 0.00752, 0.00741, 0.00725, 0.00718, 0.00706, 0.00691, 0.00678),
    *(0.00664, 0.00658, 0.00649, 0.00638, 0.00629, 0.00619, 0.00613, 0.00607, 0.00590, 0.00582, 0.00572, 0.00568),
    *(0.00563, 0.00556, 0.00550, 0.00539, 0.00531, 0.00523, 0.00521, 0.00512, 0.00507, 0.00498, 0.00487, 0.00487),
    *(0.00483, 0.00473, 0.00470, 0.00467, 0.00460, 0.00455, 0.00452, 0.00442, 0.00441, 0.00436, 0.00435, 0.00429),
    *(0.00425, 0.00419),
)


@lru_cache(maxsize=1024)
def shamos_factor(n: int) -> float:
    """Return ``E[median of |x_i - x_j|, i < j]/sigma`` for a normal sample of `n`.

    The asymptotic value is ``sqrt(2) Phi^-1(3/4)`` = 1/1.048358; for n above 100 the fitted
    ``1 + .414253/n - .442397/n**2`` of Park, Kim & Wang (2022). Good to 1e-4 (their simulation error).
    """
    if n < 2:
        raise DataError(f"n: got {n!r}; the Shamos estimator needs a subgroup of two or more")
    if n == 2:
        return 2.0 / math.sqrt(math.pi)
    bias = _SHAMOS_BIAS[n - 3] if n <= 100 else 0.414253297 / n - 0.442396799 / n**2
    return math.sqrt(2.0) * float(scipy.special.ndtri(0.75)) * (1.0 + bias)
