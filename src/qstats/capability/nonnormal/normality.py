"""Is it normal? Anderson-Darling, Shapiro-Wilk and Shapiro-Francia."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.blocks import safe_mean
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError

__all__ = [
    "NormalityTests", "anderson_darling", "anderson_darling_of_scores", "anderson_darling_pvalue", "normality_tests",
    "shapiro_francia", "shapiro_wilk",
]  # fmt: skip

_LEAST = 8
_MOST_WILK = 5000
_REFERENCE = (
    "D'Agostino & Stephens (1986), Goodness-of-Fit Techniques, table 4.9; Royston (1995), Applied Statistics 44, "
    "547-551 (AS R94); Royston (1993), Statistics in Medicine 12, 181-184"
)


def anderson_darling(log_cdf: FloatArray, log_sf: FloatArray) -> FloatArray:
    """Return A squared of each row from the logarithms of both tails at the sorted values."""
    n = log_cdf.shape[-1]
    weight = (2.0 * np.arange(1, n + 1) - 1.0) / n
    return np.asarray(-n - (log_cdf + log_sf[..., ::-1]) @ weight)


def anderson_darling_of_scores(z: FloatArray) -> FloatArray:
    """Return A squared of each row of sorted standard normal scores; NaN where a score is not finite."""
    both = np.log(scipy.special.ndtr(z) * scipy.special.ndtr(-z[..., ::-1]))
    n = z.shape[-1]
    weight = (2.0 * np.arange(1, n + 1) - 1.0) / n
    return np.asarray(-n - both @ weight)


def anderson_darling_pvalue(statistic: float, n: int) -> float:
    """Return the p-value of A squared where mean and standard deviation were estimated (case 4)."""
    a = statistic * (1.0 + 0.75 / n + 2.25 / n**2)
    if a < 0.2:
        return float(1.0 - np.exp(-13.436 + 101.14 * a - 223.73 * a * a))
    if a < 0.34:
        return float(1.0 - np.exp(-8.318 + 42.796 * a - 59.938 * a * a))
    if a < 0.6:
        return float(np.exp(0.9177 - 4.279 * a - 1.38 * a * a))
    # the published parabola turns up again past 153: held at its lowest
    a = min(a, 153.0)
    return float(np.exp(1.2937 - 5.709 * a + 0.0186 * a * a))


def _blom(n: int) -> FloatArray:
    return np.asarray(scipy.special.ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25)), dtype=np.float64)


def shapiro_francia(z: FloatArray) -> tuple[float, float]:
    """Return W' and its p-value for sorted, centred values (Royston 1993; n from 5 to 5000)."""
    n = z.size
    m = _blom(n)
    w = float((m @ z) ** 2 / ((m @ m) * (z @ z)))
    u = np.log(n)
    v = np.log(u)
    mean, sd = -1.2725 + 1.0521 * (v - u), 1.0308 - 0.26758 * (v + 2.0 / u)
    return w, float(scipy.special.ndtr(-(np.log(max(1.0 - w, 1e-300)) - mean) / sd))


def _wilk_weights(n: int) -> FloatArray:
    m = _blom(n)
    size = float(m @ m)
    u = 1.0 / np.sqrt(n)
    a = m / np.sqrt(size)
    last = a[-1] + np.polyval([-2.706056, 4.434685, -2.071190, -0.147981, 0.221157, 0.0], u)
    next_ = a[-2] + np.polyval([-3.582633, 5.682633, -1.752461, -0.293762, 0.042981, 0.0], u)
    phi = (size - 2.0 * m[-1] ** 2 - 2.0 * m[-2] ** 2) / (1.0 - 2.0 * last**2 - 2.0 * next_**2)
    a = m / np.sqrt(phi)
    a[-1], a[-2], a[0], a[1] = last, next_, -last, -next_
    return np.asarray(a, dtype=np.float64)


def shapiro_wilk(z: FloatArray) -> tuple[float, float]:
    """Return W and its p-value for sorted, centred values (Royston 1995; n from 6 to 5000)."""
    n = z.size
    a = _wilk_weights(n)
    a = a - a.mean()
    w = float((a @ z) ** 2 / ((a @ a) * (z @ z)))
    y = np.log(max(1.0 - w, 1e-300))
    if n <= 11:
        gamma = 0.459 * n - 2.273
        if y >= gamma:
            return w, 0.0
        y = -np.log(gamma - y)
        mean = np.polyval([-0.0006714, 0.025054, -0.39978, 0.5440], n)
        log_sd = np.polyval([-0.0020322, 0.062767, -0.77857, 1.3822], n)
    else:
        x = np.log(n)
        mean = np.polyval([0.0038915, -0.083751, -0.31082, -1.5861], x)
        log_sd = np.polyval([0.0030302, -0.082676, -0.4803], x)
    return w, float(scipy.special.ndtr(-(y - mean) / np.exp(log_sd)))


@dataclass(frozen=True, slots=True, eq=False)
class NormalityTests(Result):
    """Three tests of one sample against the normal distribution, mean and standard deviation estimated.

    Parameters
    ----------
    anderson_darling, anderson_darling_pvalue : float
        A squared and its p-value: most sensitive in the tails, where capability is decided.
    shapiro_wilk, shapiro_wilk_pvalue : float or None
        W and its p-value; None above 5000 values, where its p-value has never been checked.
    shapiro_francia, shapiro_francia_pvalue : float or None
        W' and its p-value; None above 5000 values.
    n : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.normality_tests/1"
    title: ClassVar[str] = "Tests of normality"

    anderson_darling: float
    anderson_darling_pvalue: float
    shapiro_wilk: float | None
    shapiro_wilk_pvalue: float | None
    shapiro_francia: float | None
    shapiro_francia_pvalue: float | None
    n: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _each(self) -> list[tuple[str, float | None, float | None]]:
        return [
            ("Anderson-Darling", self.anderson_darling, self.anderson_darling_pvalue),
            ("Shapiro-Wilk", self.shapiro_wilk, self.shapiro_wilk_pvalue),
            ("Shapiro-Francia", self.shapiro_francia, self.shapiro_francia_pvalue),
        ]

    def _rows(self) -> list[tuple[str, str]]:
        told = [(name, f"{s:.4g} (p = {p:.4g})") for name, s, p in self._each() if s is not None and p is not None]
        return [*told, ("n", f"{self.n}"), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        names, statistic, pvalue = zip(*self._each(), strict=True)
        return {"test": list(names), "statistic": list(statistic), "pvalue": list(pvalue)}


def normality_tests(data: object, *, missing: str = "raise") -> NormalityTests:
    r"""Say how well a sample agrees with the normal distribution.

    Use it before a capability index that assumes normality. Not to prove normality: few values pass any test, and with
    thousands of values a departure too small to matter is found for certain. Rounded values fail too.

    Parameters
    ----------
    data : array-like, shape (n,)
        At least 8 values, not all equal.
    missing : {"raise", "drop"}
        Dropped values are counted in a note.

    Returns
    -------
    NormalityTests

    Raises
    ------
    DataError, TooFewData
        Text, missing or infinite values; all values equal; fewer than 8.

    Notes
    -----
    :math:`A^2 = -n - \frac1n \sum (2i-1)\,[\log\Phi(z_i) + \log\Phi(-z_{n+1-i})]`, its p-value from
    :math:`A^2 (1 + 0.75/n + 2.25/n^2)`.

    References
    ----------
    D'Agostino & Stephens (1986), Goodness-of-Fit Techniques, table 4.9. Royston (1995), Applied Statistics 44,
    547-551. Royston (1993), Statistics in Medicine 12, 181-184.

    Examples
    --------
    >>> from qstats import normality_tests
    >>> r = normality_tests([4.1, 4.6, 4.7, 5.0, 5.1, 5.2, 5.6, 6.2, 6.4, 9.9])
    >>> round(r.anderson_darling, 3), round(r.anderson_darling_pvalue, 3)
    (0.918, 0.012)
    """
    x = as_vector(data, "data", missing=missing, least=_LEAST)
    notes: tuple[Note, ...] = ()
    if lost := int(np.isnan(x).sum()):
        notes = (Note("missing-dropped", "warning", f"{lost} of {x.size} values are missing: left out"),)
        x = x[~np.isnan(x)]
    if x.max() == x.min():
        raise DataError(f"data: all {x.size} values are {x[0]:g}; a sample that varies is wanted")
    return tests_of(x, notes)


def tests_of(x: FloatArray, notes: tuple[Note, ...] = ()) -> NormalityTests:
    """Return the tests of a clean vector that varies."""
    d = np.sort(x - safe_mean(x))
    d /= np.abs(d).max()
    d -= d.mean()
    z = d / np.sqrt(d @ d / (d.size - 1.0))
    a = float(anderson_darling(scipy.special.log_ndtr(z), scipy.special.log_ndtr(-z)))
    wilk: tuple[Any, Any] = (None, None)
    francia: tuple[Any, Any] = (None, None)
    if x.size <= _MOST_WILK:
        wilk, francia = shapiro_wilk(z), shapiro_francia(z)
    return NormalityTests(
        a, anderson_darling_pvalue(a, x.size), *wilk, *francia, x.size, "mean and standard deviation estimated",
        _REFERENCE, notes,
    )  # fmt: skip
