"""Unbiasing constants of the normal sample for every n: c4, d2, d3 and what is made of them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy

from qstats._core.checks import check_choice
from qstats.errors import DataError

__all__ = ["c4", "d2", "d3", "median_range_constant"]

# Three-decimal constants as control chart forms print them, n = 2..25: ASTM STP 15D / MNL 7, Table 49 (also Montgomery,
# Introduction to Statistical Quality Control, Appendix VI). Used only with constants="table".
_TABLE_D2: tuple[float, ...] = (
    1.128,
    1.693,
    2.059,
    2.326,
    2.534,
    2.704,
    2.847,
    2.970,
    3.078,
    3.173,
    3.258,
    3.336,
    3.407,
    3.472,
    3.532,
    3.588,
    3.640,
    3.689,
    3.735,
    3.778,
    3.819,
    3.858,
    3.895,
    3.931,
)
_TABLE_D3: tuple[float, ...] = (
    0.853,
    0.888,
    0.880,
    0.864,
    0.848,
    0.833,
    0.820,
    0.808,
    0.797,
    0.787,
    0.778,
    0.770,
    0.763,
    0.756,
    0.750,
    0.744,
    0.739,
    0.734,
    0.729,
    0.724,
    0.720,
    0.716,
    0.712,
    0.708,
)
_TABLE_C4: tuple[float, ...] = (
    0.7979,
    0.8862,
    0.9213,
    0.9400,
    0.9515,
    0.9594,
    0.9650,
    0.9693,
    0.9727,
    0.9754,
    0.9776,
    0.9794,
    0.9810,
    0.9823,
    0.9835,
    0.9845,
    0.9854,
    0.9862,
    0.9869,
    0.9876,
    0.9882,
    0.9887,
    0.9892,
    0.9896,
)


def _checked(n: float, what: str) -> int:
    if isinstance(n, bool) or not float(n).is_integer() or n < 2:
        raise DataError(f"n: got {n!r}; {what} needs a subgroup of two or more")
    return int(n)


def _printed(n: int, table: tuple[float, ...], what: str) -> float:
    if n > len(table) + 1:
        raise DataError(f"n: {what} is printed for n = 2..{len(table) + 1}, got {n}; use constants='exact'")
    return table[n - 2]


@lru_cache(maxsize=4096)
def c4(n: int, constants: str = "exact") -> float:
    """Return E[s]/sigma for a normal sample of `n`: ``sqrt(2/(n-1)) * Gamma(n/2) / Gamma((n-1)/2)``.

    Parameters
    ----------
    n : int
        Sample size, 2 or more; no upper end.
    constants : {"exact", "table"}
        ``"table"`` gives the four decimals control chart forms print (n up to 25).
    """
    n = _checked(n, "c4")
    if check_choice(constants, "constants", ("exact", "table")) == "table":
        return _printed(n, _TABLE_C4, "c4")
    if n > 100:  # the difference of two large log-gammas loses digits; the Stirling series is then good to 1e-15
        u = 1.0 / (n - 1)
        series = -u / 4 + u**3 / 24 - u**5 / 20  # log Gamma(m + 1/2) - log Gamma(m) - log(m) / 2 with m = (n - 1) / 2
        return math.exp(series)
    return math.sqrt(2.0 / (n - 1)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))


@lru_cache(maxsize=4096)
def d2(n: int, constants: str = "exact") -> float:
    """Return E[range]/sigma for a normal sample of `n`: the integral of ``1 - Phi(x)**n - (1 - Phi(x))**n``.

    The trapezoidal rule on the whole line converges geometrically for this integrand; 1e-14 for n up to 1e9.
    """
    n = _checked(n, "d2")
    if check_choice(constants, "constants", ("exact", "table")) == "table":
        return _printed(n, _TABLE_D2, "d2")
    x = np.linspace(0.0, 12.0, 1201)
    lower, upper = scipy.special.log_ndtr(x), scipy.special.log_ndtr(-x)
    f = -np.expm1(n * lower) - np.exp(n * upper)  # even in x
    return float(2.0 * 0.01 * (f.sum() - 0.5 * (f[0] + f[-1])))


@lru_cache(maxsize=4096)
def d3(n: int, constants: str = "exact") -> float:
    """Return the standard deviation of range/sigma for a normal sample of `n`.

    ``E[R**2] = integral of 2 w P(R > w) dw`` with ``P(R <= w) = n * integral of phi(x) (Phi(x+w) - Phi(x))**(n-1) dx``:
    Gauss-Legendre in w (the end at 0 is a corner), trapezoidal in x.
    """
    n = _checked(n, "d3")
    if check_choice(constants, "constants", ("exact", "table")) == "table":
        return _printed(n, _TABLE_D3, "d3")
    nodes, weights = np.polynomial.legendre.leggauss(160)
    top = 20.0
    w = 0.5 * top * (nodes + 1.0)
    step = 0.02
    x = np.arange(-14.0, 10.0 + step / 2, step)
    density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    inside = scipy.special.ndtr(x + w[:, None]) - scipy.special.ndtr(x)
    below = n * step * (density * inside ** (n - 1)).sum(axis=1)
    second = float(0.5 * top * (weights * 2.0 * w * (1.0 - below)).sum())
    return math.sqrt(second - d2(n) ** 2)


def median_range_constant() -> float:
    """Return median(moving range)/sigma for two normal values: ``sqrt(2) * Phi^-1(0.75)`` = 0.9539."""
    return math.sqrt(2.0) * float(scipy.special.ndtri(0.75))
